#include <string.h>

#include "ready/steps.h"
#include "net/resolver.h"

enum { DNS_LOOP_FDS = 128, DNS_LOOP_TIMERS = 256, DNS_STEP_MS = 50, DNS_QUESTIONS = 3 };

struct dns_ask {
	struct probe_facts *f;
	unsigned left;
};

static void
keep_addrs(struct probe_addrs *out, const struct dns_answer *a, enum dns_type type)
{
	out->asked = true;
	out->status = (uint8_t)a->status;
	out->ttl = a->ttl;
	for (uint16_t i = 0; a->status == DNS_OK && i < a->n && out->n < PROBE_ADDRS_MAX; i++)
		if (a->rec[i].type == type)
			out->addr[out->n++] = a->rec[i].addr;
}

static void
keep_a(void *arg, const struct dns_answer *a)
{
	struct dns_ask *ask = arg;

	keep_addrs(&ask->f->a, a, DNS_A);
	ask->left--;
}

static void
keep_aaaa(void *arg, const struct dns_answer *a)
{
	struct dns_ask *ask = arg;

	keep_addrs(&ask->f->aaaa, a, DNS_AAAA);
	ask->left--;
}

static void
keep_srv(void *arg, const struct dns_answer *a)
{
	struct dns_ask *ask = arg;
	struct probe_srv *out = &ask->f->srv;

	ask->left--;
	out->asked = true;
	out->status = (uint8_t)a->status;
	out->ttl = a->ttl;
	for (uint16_t i = 0; a->status == DNS_OK && i < a->n && out->n < PROBE_SRV_MAX; i++) {
		if (a->rec[i].type != DNS_SRV)
			continue;
		out->rec[out->n].priority = a->rec[i].priority;
		out->rec[out->n].weight = a->rec[i].weight;
		out->rec[out->n].port = a->rec[i].port;
		(void)!str_copyz(out->rec[out->n].target, sizeof(out->rec[0].target),
				 a->rec[i].target);
		out->n++;
	}
}

static void
ask_all(struct resolver *res, struct dns_ask *ask)
{
	static const struct {
		enum dns_type type;
		resolver_on_answer *on_answer;
	} questions[DNS_QUESTIONS] = {{DNS_A, keep_a}, {DNS_AAAA, keep_aaaa}, {DNS_SRV, keep_srv}};
	char name[DNS_NAME_MAX + 16];
	struct resolver_query *q;
	struct buf b;

	buf_init(&b, name, sizeof(name));
	buf_z(&b, "_sips._tcp.");
	buf_z(&b, ask->f->job.fqdn);
	(void)buf_cstr(&b);
	for (int i = 0; i < DNS_QUESTIONS; i++) {
		struct str n =
			questions[i].type == DNS_SRV ? buf_view(&b) : str_from(ask->f->job.fqdn);

		if (resolver_ask(res, n, questions[i].type, questions[i].on_answer, ask, &q) ==
		    ERR_OK)
			ask->left++;
	}
}

/* On a loop and with a cache of its own: what DNS says now, not what somebody asked before. */
void
probe_dns(struct probe_run *r)
{
	struct dns_ask ask = {.f = r->f};
	uint64_t due = clock_now_us() + PROBE_DNS_US;
	struct resolver *res = NULL;
	struct loop loop;

	if (loop_init(&loop, DNS_LOOP_FDS, DNS_LOOP_TIMERS + RESOLVER_QUERIES_MAX) != ERR_OK)
		return;
	if (resolver_new(&loop, r->dns, r->n_dns, &res) == ERR_OK)
		ask_all(res, &ask);
	while (ask.left && clock_now_us() < due && !atomic_load(r->stop))
		if (loop_run_once(&loop, DNS_STEP_MS) != ERR_OK)
			break;
	resolver_free(&res);
	loop_fini(&loop);
}
