/* postern zone: the DNS records that customers find the zones by, and what DNS answers. */
#include "app/cmd.h"

#include <stdio.h>
#include <string.h>

#include "app/cmdline.h"
#include "conf/load.h"
#include "conf/zoneplan.h"
#include "base/mem.h"
#include "net/resolver.h"

enum {
	STATUS_SAME = 0,
	STATUS_DIFFERS = 1,
	STATUS_NOT_RUN = 2, /* also: wrong usage */
	ZONE_FDS = 80,
	ZONE_TIMERS = 80,
};

static const char usage[] =
	"usage: postern zone [--json] [--verify [--server ADDRESS]] [-c CONF] [FQDN]\n"
	"Prints the DNS records that customers need to find each zone, or the zone named; with\n"
	"--verify what DNS answers, and what differs.\n"
	"Exit status: 0 done, nothing is wrong; 1 something is wrong; 2 could not be run.\n";

struct words {
	const char *conf, *fqdn;
	struct addr server;
	bool json, verify, has_server;
};

/* ---- asking DNS ---- */

/* The questions about one zone: SRV and NAPTR, then A and AAAA of each SRV target. */
struct questions {
	struct loop loop;
	struct resolver *resolver;
	struct zone_seen *seen;
	uint32_t pending;
};

/* One of them: where its answer goes. */
struct question {
	struct questions *all;
	struct dns_answer *to;
};

static void
take_answer(void *arg, const struct dns_answer *a)
{
	struct question *q = arg;

	dns_copy(q->to, a);
	q->all->pending--;
}

static void
ask(struct question *q, struct str name, enum dns_type type)
{
	struct resolver_query *unused;

	q->to->status = DNS_FAILED;
	if (resolver_ask(q->all->resolver, name, type, take_answer, q, &unused) == ERR_OK)
		q->all->pending++;
}

/* Until all have their answers: the resolver gives up by itself. */
static enum err
wait_answers(struct questions *all)
{
	enum err e = ERR_OK;

	while (all->pending && e == ERR_OK)
		e = loop_run_once(&all->loop, -1);
	return e;
}

/* The addresses of target i, by questions that are not in hand. */
static void
ask_target(struct questions *all, uint16_t i, struct question q[2 * ZONEPLAN_TARGETS_MAX],
	   struct str name)
{
	struct zone_target *t = &all->seen->target[i];

	q[2 * i] = (struct question){all, &t->a};
	q[2 * i + 1] = (struct question){all, &t->aaaa};
	ask(&q[2 * i], name, DNS_A);
	ask(&q[2 * i + 1], name, DNS_AAAA);
}

static enum err
ask_zone(struct questions *all, const struct zone_plan *p)
{
	struct question q[2 * ZONEPLAN_TARGETS_MAX];
	struct zone_seen *s = all->seen;
	enum err e;

	q[0] = (struct question){all, &s->srv};
	q[1] = (struct question){all, &s->naptr};
	ask(&q[0], str_from(p->srv), DNS_SRV);
	ask(&q[1], str_from(p->fqdn), DNS_NAPTR);
	e = wait_answers(all);
	if (e == ERR_OK && s->srv.status != DNS_OK)
		ask_target(all, 0, q, str_from(p->fqdn));
	for (uint16_t i = 0; e == ERR_OK && i < s->srv.n && i < ZONEPLAN_TARGETS_MAX; i++) {
		if (s->srv.rec[i].target.len == 0)
			continue;
		ask_target(all, i, q, s->srv.rec[i].target);
	}
	return e == ERR_OK ? wait_answers(all) : e;
}

/* ---- printing ---- */

static void
print_json_text(const char *z)
{
	char mem[2048];
	struct buf b;

	buf_init(&b, mem, sizeof(mem));
	buf_json(&b, str_from(z));
	fputs(buf_cstr(&b), stdout);
}

static void
print_records(const struct zone_plan *p, bool json)
{
	struct zone_record r;

	if (p->n == 0 && !json)
		printf("; no TLS listener of the customer side serves %s\n", p->fqdn);
	for (uint32_t i = 0; zone_plan_record(p, i, &r) == ERR_OK; i++) {
		if (!json) {
			printf("%s. %d IN %s %s\n", r.name, ZONEPLAN_TTL_S, zone_type_name(r.type),
			       r.data);
			continue;
		}
		printf("%s{\"name\":", i ? "," : "");
		print_json_text(r.name);
		printf(",\"ttl\":%d,\"type\":\"%s\",\"data\":", ZONEPLAN_TTL_S,
		       zone_type_name(r.type));
		print_json_text(r.data);
		putchar('}');
	}
}

/* Differences as they are told. */
struct printing {
	bool json;
	uint32_t n;
};

static void
print_difference(void *arg, enum zone_level level, const char *what, const char *text)
{
	struct printing *p = arg;
	const char *word = level == ZONE_WRONG ? "wrong" : "warning";

	p->n++;
	if (!p->json) {
		printf("%-8s %s\n", word, text);
		return;
	}
	printf("%s{\"level\":\"%s\",\"what\":\"%s\",\"text\":", p->n > 1 ? "," : "", word, what);
	print_json_text(text);
	putchar('}');
}

/* Prints what differs; *wrong grows. */
static enum err
verify_zone(struct questions *all, const struct zone_plan *p, bool json, uint32_t *wrong)
{
	struct printing print = {.json = json};
	uint32_t n;
	enum err e;

	memset(all->seen, 0, sizeof(*all->seen));
	e = ask_zone(all, p);
	if (e != ERR_OK)
		return e;
	if (json)
		fputs(",\"differences\":[", stdout);
	n = zone_compare(p, all->seen, print_difference, &print);
	if (json)
		printf("],\"right\":%s", n ? "false" : "true");
	else if (print.n == 0)
		printf("%s: DNS answers what this node needs\n", p->fqdn);
	*wrong += n;
	return ERR_OK;
}

/* ---- the command ---- */

static enum err
do_zones(const struct words *w, const struct conf *c, struct questions *all, uint32_t *wrong,
	 uint32_t *shown)
{
	static struct zone_plan p;
	enum err e = ERR_OK;

	if (w->json)
		fputs("{\"zones\":[", stdout);
	for (uint32_t i = 0; i < c->n_zones && e == ERR_OK; i++) {
		if (w->fqdn && !str_ieqz(str_from(c->zone[i].fqdn), w->fqdn))
			continue;
		zone_plan(c, i, &p);
		if (w->json) {
			printf("%s{\"fqdn\":", *shown ? "," : "");
			print_json_text(p.fqdn);
			fputs(",\"records\":[", stdout);
		}
		if (w->json || !w->verify)
			print_records(&p, w->json);
		if (w->json)
			putchar(']');
		if (w->verify)
			e = verify_zone(all, &p, w->json, wrong);
		if (w->json)
			putchar('}');
		++*shown;
	}
	if (w->json)
		puts("]}");
	return e;
}

static enum err
open_questions(const struct words *w, const struct conf *c, struct questions *all)
{
	const struct addr *servers = w->has_server ? &w->server : c->dns;
	uint32_t n = w->has_server ? 1 : c->n_dns;
	enum err e = loop_init(&all->loop, ZONE_FDS, ZONE_TIMERS);

	if (e != ERR_OK)
		return e;
	all->seen = mem_zalloc(1, sizeof(*all->seen));
	e = all->seen ? resolver_new_blunt(&all->loop, servers, n, RESOLVER_TRY_MS, &all->resolver)
		      : ERR_NOMEM;
	if (e != ERR_OK) {
		mem_free(all->seen);
		loop_fini(&all->loop);
	}
	return e;
}

static void
close_questions(struct questions *all)
{
	resolver_free(&all->resolver);
	mem_free(all->seen);
	loop_fini(&all->loop);
}

static int
run_zone(const struct words *w, const struct conf *c)
{
	struct questions all = {.pending = 0};
	uint32_t wrong = 0, shown = 0;
	enum err e = w->verify ? open_questions(w, c, &all) : ERR_OK;

	if (e == ERR_OK) {
		e = do_zones(w, c, &all, &wrong, &shown);
		if (w->verify)
			close_questions(&all);
	}
	if (e != ERR_OK) {
		fprintf(stderr, "postern zone: %s\n", err_text(e));
		return STATUS_NOT_RUN;
	}
	if (w->fqdn && shown == 0) {
		fprintf(stderr, "postern zone: the configuration has no zone \"%.80s\"\n", w->fqdn);
		return STATUS_NOT_RUN;
	}
	return wrong ? STATUS_DIFFERS : STATUS_SAME;
}

/* CMDLINE_DONE, else what the exit status is. */
static int
read_words(struct cmdline *c, struct words *w)
{
	int opt;

	while ((opt = cmdline_next(c)) > 0) {
		w->json |= opt == 'j';
		w->verify |= opt == 'v';
		if (opt == 'c')
			w->conf = c->value;
		if (opt != 's')
			continue;
		w->has_server = addr_parse(str_from(c->value), &w->server) == ERR_OK;
		if (!w->has_server)
			cmdline_wrong(c);
	}
	w->fqdn = c->operand;
	return opt;
}

int
cmd_zone(int argc, char **argv)
{
	static const struct cmdline_option options[] = {
		CMDLINE_CONF,
		CMDLINE_JSON,
		{'v', "--verify", NULL, NULL, false},
		{'s', "--server", "the address of a name server", "192.0.2.53", false},
	};
	static const struct cmdline_spec spec = {.word = "zone",
						 .usage = usage,
						 .option = options,
						 .n = ARRAY_LEN(options),
						 .operand = "FQDN"};
	struct cmdline line = {.spec = &spec, .argc = argc, .argv = argv};
	struct words w = {0};
	struct conf_report rep;
	struct conf *c;
	int status = read_words(&line, &w);
	enum err e;

	if (status != CMDLINE_DONE)
		return cmdline_status(status);
	if (w.has_server && !w.verify)
		return cmdline_refuse(&line,
				      "--server is the one that --verify asks: say --verify, too");
	c = mem_zalloc(1, sizeof(*c));
	if (!c) {
		fprintf(stderr, "%s\n", err_text(ERR_NOMEM));
		return STATUS_NOT_RUN;
	}
	conf_report_stderr(&rep, w.conf ? w.conf : "(embedded default)");
	e = w.conf ? conf_load(w.conf, &rep, c) : conf_parse(conf_default_text(), "", &rep, c);
	status = e == ERR_OK ? run_zone(&w, c) : STATUS_NOT_RUN;
	mem_free(c);
	return status;
}
