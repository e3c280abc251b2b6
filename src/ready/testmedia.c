#include "ready/testmedia.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/metric.h"
#include "base/secret.h"

static void
take_open(void *arg, void *letter)
{
	struct testmedia *t = arg;
	struct media_open *o = letter;

	if (t->rows.there) {
		t->used = media_ctl_open(t->media, o, false) == ERR_OK;
		if (!t->used)
			log_warn("ready.media", "slot %u: media takes no more now", o->slot);
	}
	mem_free(o);
}

enum err
testmedia_init(struct testmedia *t)
{
	return loop_mail_init(t->loop, &t->mail, TESTMEDIA_LETTERS, take_open, t);
}

void
testmedia_fini(struct testmedia *t)
{
	if (t->mail.ring)
		loop_mail_fini(t->loop, &t->mail);
}

static void
free_row(struct testmedia *t, unsigned i)
{
	secret_wipe(&t->secrets->rows[t->rows.slot[i]], sizeof(*t->secrets->rows));
	port_free(t->ports, t->rows.slot[i], loop_now(t->loop));
	t->open[i] = false;
	metric_set(METRIC_ports_used, port_used(t->ports));
}

static enum err
take_row(struct testmedia *t, unsigned i, uint32_t address)
{
	struct testmedia_rows *r = &t->rows;
	uint32_t near = i == TESTMEDIA_INNER ? r->slot[TESTMEDIA_OUTER] : MEDIA_NO_SLOT;
	enum err e = port_alloc(t->ports, address, near, false, loop_now(t->loop), &r->slot[i],
				&r->generation[i]);

	if (e != ERR_OK)
		return e;
	t->open[i] = true;
	r->bound[i] = t->plan->bound[address];
	r->bound[i].port = media_slot_port(t->plan, r->slot[i]);
	metric_set(METRIC_ports_used, port_used(t->ports));
	return ERR_OK;
}

enum err
testmedia_begin(struct testmedia *t, uint32_t outer, uint32_t inner, struct testmedia_rows *out)
{
	enum err e;

	if (t->open[TESTMEDIA_OUTER] || t->open[TESTMEDIA_INNER])
		return ERR_STATE;
	t->rows = (struct testmedia_rows){.there = true, .flows = t->flows, .opens = &t->mail};
	t->used = false;
	e = take_row(t, TESTMEDIA_OUTER, outer);
	if (e == ERR_OK)
		e = take_row(t, TESTMEDIA_INNER, inner);
	if (e != ERR_OK) {
		if (t->open[TESTMEDIA_OUTER])
			free_row(t, TESTMEDIA_OUTER);
		t->rows.there = false;
		return e;
	}
	t->rows.shown = t->plan->advertised[outer];
	t->rows.shown.port = t->rows.bound[TESTMEDIA_OUTER].port;
	t->rows.secret = &t->secrets->rows[t->rows.slot[TESTMEDIA_OUTER]];
	*out = t->rows;
	return ERR_OK;
}

void
testmedia_end(struct testmedia *t, struct media_stats *stats)
{
	const struct testmedia_rows *r = &t->rows;

	*stats = (struct media_stats){0};
	if (!r->there)
		return;
	if (t->used && flow_read_stats(t->flows, r->slot[TESTMEDIA_OUTER],
				       r->generation[TESTMEDIA_OUTER], stats) != ERR_OK)
		log_warn("ready.media", "the counters of the test call are gone");
	t->rows.there = false;
	for (unsigned i = 0; i < TESTMEDIA_ROWS; i++)
		if (media_ctl_close(t->media, r->slot[i], r->generation[i]) != ERR_OK)
			log_error("ready.media", "slot %u: no room for a CLOSE", r->slot[i]);
}

bool
testmedia_closed(struct testmedia *t, const struct media_closed *m)
{
	for (unsigned i = 0; i < TESTMEDIA_ROWS; i++)
		if (t->open[i] && t->rows.slot[i] == m->slot &&
		    t->rows.generation[i] == m->generation) {
			free_row(t, i);
			return true;
		}
	return false;
}

enum err
testmedia_open(const struct testmedia_rows *r, const struct media_open *o)
{
	struct media_open *copy = mem_zalloc(1, sizeof(*copy));
	enum err e;

	if (!copy)
		return ERR_NOMEM;
	*copy = *o;
	e = loop_mail_post(r->opens, copy);
	if (e != ERR_OK)
		mem_free(copy);
	return e;
}
