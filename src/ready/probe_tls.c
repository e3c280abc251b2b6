#include <string.h>

#include "ready/steps.h"
#include "ready/target.h"

/* Everything, the oldest too. */
static const char wide_suites[] = "ALL:!aNULL:@SECLEVEL=0";
static const char wide_suites13[] =
	"TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
/* RFC 2606: nobody has it. */
static const char nobody[] = "no-such-name.invalid";
enum { VERSION_MIN = 0x0301, VERSION_12 = 0x0303, VERSION_MAX = 0x0304 };

static const uint16_t versions[PROBE_VERSION_N] = {
#define X(name, number, text) number,
	PROBE_VERSION_LIST(X)
#undef X
};
static const struct {
	const char *name;
	bool is13;
} suites[PROBE_SUITE_N] = {
#define X(id, name, is13) {name, is13},
	PROBE_SUITE_LIST(X)
#undef X
};

/* ---- TCP ---- */

static void
add_addrs(struct probe_facts *f, const struct probe_addrs *from)
{
	for (uint16_t i = 0; i < from->n && f->n_tcp < ARRAY_LEN(f->tcp); i++) {
		f->tcp[f->n_tcp].addr = from->addr[i];
		f->tcp[f->n_tcp++].addr.port = f->port;
	}
}

/* Every address of a family that the zone has; the first that answers is used. */
static void
connect_all(struct probe_run *r)
{
	struct probe_facts *f = r->f;

	add_addrs(f, &f->a);
	add_addrs(f, &f->aaaa);
	f->used = f->n_tcp;
	for (uint16_t i = 0; i < f->n_tcp && !atomic_load(r->stop); i++) {
		struct tlsprobe_conf c = {.peer = f->tcp[i].addr,
					  .local = f->own.local,
					  .due_us = clock_now_us() + PROBE_CONNECT_US,
					  .stop = r->stop};

		if (f->own.local.family && f->own.local.family != c.peer.family)
			continue;
		if (target_fault(&c.peer, &f->own))
			continue;
		tlsprobe_tcp(&c, &f->tcp[i].res);
		f->n_connected += f->tcp[i].res.connected;
		if (f->tcp[i].res.connected && f->used == f->n_tcp)
			f->used = i;
	}
}

/* ---- TLS ---- */

static struct tlsprobe_conf
conf_of(const struct probe_run *r)
{
	const struct probe_facts *f = r->f;

	return (struct tlsprobe_conf){.peer = f->tcp[f->used].addr,
				      .local = f->own.local,
				      .ctx = r->client,
				      .trust = r->trust,
				      .owns = r->owns,
				      .account = str_from(f->account.id.z),
				      .sni = f->name,
				      .show = !f->own.never_show,
				      .due_us = clock_now_us() + PROBE_SHAKE_US,
				      .stop = r->stop};
}

static void
look(struct probe_run *r, const struct tlsprobe_conf *c, struct tlsprobe_result *res,
     struct tlsprobe_chain *chain, struct tlsprobe_asks *asks, struct tlsprobe **out)
{
	if (atomic_load(r->stop))
		return;
	if (r->look_due_us && clock_now_us() >= r->look_due_us) {
		r->late = true;
		return;
	}
	if (tlsprobe_open(c, str_from(r->f->name), res, chain, asks, out) != ERR_OK)
		res->tried = false;
}

static void
look_wide(struct probe_run *r, uint16_t min, uint16_t max, const char *suite, const char *suite13,
	  struct tlsprobe_result *res)
{
	struct tlsprobe_conf c = conf_of(r);

	c.min = min;
	c.max = max;
	c.suites = suite;
	c.suites13 = suite13;
	look(r, &c, res, NULL, NULL, NULL);
}

static void
look_at_matrix(struct probe_run *r)
{
	struct probe_tls *t = &r->f->tls;

	for (int i = 0; i < PROBE_VERSION_N; i++)
		look_wide(r, versions[i], versions[i], wide_suites, wide_suites13, &t->version[i]);
	for (int i = 0; i < PROBE_SUITE_N; i++) {
		uint16_t v = suites[i].is13 ? VERSION_MAX : VERSION_12;

		if (t->version[suites[i].is13 ? PROBE_TLS_13 : PROBE_TLS_12].hello)
			look_wide(r, v, v, suites[i].is13 ? wide_suites : suites[i].name,
				  suites[i].is13 ? suites[i].name : "", &t->suite[i]);
	}
}

/* Terms under which it talks to us at all: ours, else the widest. */
static struct tlsprobe_conf
terms_that_work(const struct probe_run *r)
{
	struct tlsprobe_conf c = conf_of(r);

	if (!r->f->tls.ours.hello) {
		c.min = VERSION_MIN;
		c.max = VERSION_MAX;
		c.suites = wide_suites;
		c.suites13 = wide_suites13;
	}
	return c;
}

/* Its certificate may depend on the name, and our own may not matter to it. */
static void
look_at_habits(struct probe_run *r)
{
	struct probe_tls *t = &r->f->tls;
	struct tlsprobe_conf c = terms_that_work(r);

	c.sni = "";
	look(r, &c, &t->no_sni, NULL, NULL, NULL);
	c = terms_that_work(r);
	c.sni = nobody;
	look(r, &c, &t->other_sni, NULL, NULL, NULL);
	if (r->f->own.never_show || (!t->ours.asked && !t->wide.asked))
		return;
	c = terms_that_work(r);
	c.show = false;
	look(r, &c, &t->bare, NULL, NULL, NULL);
}

/* One connection at a time: there is equipment that has no more for one peer. */
static void
open_for_sip(struct probe_run *r, struct tlsprobe **out)
{
	struct tlsprobe_conf c = conf_of(r);
	struct tlsprobe_result again = r->f->tls.ours;

	look(r, &c, &again, NULL, NULL, out);
	if (!*out)
		r->f->tls.ours = again;
}

/* All about the address in use. */
static void
look_at_all(struct probe_run *r)
{
	struct probe_tls *t = &r->f->tls;
	struct tlsprobe_conf c = conf_of(r);

	look(r, &c, &t->ours, &t->chain, &t->asks, NULL);
	if (t->ours.not_tls || (t->ours.silent && !t->ours.hello))
		return;
	if (t->chain.n == 0) {
		c = terms_that_work(r);
		look(r, &c, &t->wide, &t->chain, &t->asks, NULL);
	}
	look_at_matrix(r);
	look_at_habits(r);
}

/* The further addresses that answered, with the same eyes. */
static void
look_at_others(struct probe_run *r)
{
	static struct probe_tls first; /* large, and there is one prober */
	struct probe_facts *f = r->f;
	uint16_t used = f->used;

	first = f->tls;
	for (uint16_t i = 0; i < f->n_tcp && f->n_other < ARRAY_LEN(f->other); i++) {
		struct probe_other *o = &f->other[f->n_other];

		if (i == used || !f->tcp[i].res.connected)
			continue;
		memset(&f->tls, 0, sizeof(f->tls));
		f->used = i;
		r->late = false;
		r->look_due_us = clock_now_us() + PROBE_OTHER_US;
		look_at_all(r);
		o->at = i;
		o->cut = r->late;
		o->tls = f->tls;
		f->n_other++;
	}
	r->look_due_us = 0;
	f->used = used;
	f->tls = first;
}

void
probe_tls(struct probe_run *r, struct tlsprobe **out)
{
	*out = NULL;
	connect_all(r);
	if (r->f->used == r->f->n_tcp)
		return;
	look_at_all(r);
	look_at_others(r);
	if (r->f->tls.ours.done)
		open_for_sip(r, out);
}
