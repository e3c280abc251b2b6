#include "ops/showtrace.h"

#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "ops/cdr.h"
#include "ops/siptext.h"

enum {
	/* room that an item of the list may need: lines of a message, or two of them compared, with
	 * each byte escaped */
	ITEM_MAX = 4 * 6 * TRACE_TEXT_MAX / 2,
	END_MAX = 64,
};

/* A Call-ID of the call. */
struct wire_leg {
	uint64_t key;
	uint8_t leg;  /* enum call_leg_index */
	uint32_t nth; /* of the Call-IDs of this leg, from 1 */
	struct policy_id trunk;
	char call_id[TRACE_CALL_ID_MAX + 1];
};

struct shown {
	struct trace_message m;
	const struct wire_leg *leg;
	struct str text, start, cseq, method; /* method: of CSeq */
	uint32_t status;                      /* 0: a request */
	uint32_t size;
	uint32_t from; /* index of the message that this one goes on from; itself: none */
	bool cut, again;
};

/* What is gathered for one answer. */
struct gathered {
	struct wire_leg leg[SHOWTRACE_LEGS];
	uint32_t n_legs;
	struct shown msg[SHOWTRACE_MESSAGES]; /* from first on, around */
	uint32_t n;
	bool more;
	struct id id;
	struct trace_entry entry;
	struct arena texts;
};

/* ---- whose Call-IDs ---- */

static void
add_leg(struct gathered *g, uint64_t key, const struct trace_call *c, struct str call_id)
{
	uint32_t nth = 1;

	for (uint32_t i = 0; i < g->n_legs; i++) {
		nth += g->leg[i].leg == c->leg;
		if (g->leg[i].key == key)
			return;
	}
	if (g->n_legs == SHOWTRACE_LEGS)
		return;
	g->leg[g->n_legs] =
		(struct wire_leg){.key = key, .leg = c->leg, .nth = nth, .trunk = c->trunk};
	(void)!str_copyz(g->leg[g->n_legs].call_id, sizeof(g->leg[0].call_id), call_id);
	g->n_legs++;
}

/* what is an id already, or a Call-ID of the call. */
static void
find_id(const struct tracering *ring, struct gathered *g, const char *what)
{
	const struct trace_entry *e = &g->entry;
	uint64_t next = 0;

	(void)!str_copyz(g->id.z, sizeof(g->id.z), str_sub(str_from(what), 0, ID_CHARS));
	while (tracering_get(ring, &next, &g->entry) == ERR_OK)
		if (e->kind == TRACE_CALL && str_eqz(str_of(e->text, e->n), what))
			g->id = e->call.id;
}

static void
find_legs(const struct tracering *ring, const struct call_record *rec, struct gathered *g)
{
	uint64_t next = 0;

	while (tracering_get(ring, &next, &g->entry) == ERR_OK)
		if (g->entry.kind == TRACE_CALL && strcmp(g->entry.call.id.z, g->id.z) == 0)
			add_leg(g, g->entry.key, &g->entry.call, str_of(g->entry.text, g->entry.n));
	for (int i = 0; rec && i < CALL_LEGS; i++) { /* what was told may be gone by now */
		struct str call_id = sip_dialog_str(&rec->leg[i].dialog, SIP_DIALOG_CALL_ID);
		struct trace_call c = {
			.id = rec->id, .leg = (uint8_t)i, .trunk = rec->leg[i].trunk};

		if (call_id.len)
			add_leg(g, tracering_key(ring, call_id), &c, call_id);
	}
}

/* ---- messages ---- */

static struct shown *
at(struct gathered *g, uint32_t i)
{
	return &g->msg[i];
}

/* Half of them go when there is no more room: the last ones matter most. */
static void
drop_half(struct gathered *g)
{
	uint32_t half = g->n / 2;

	memmove(&g->msg[0], &g->msg[half], (g->n - half) * sizeof(g->msg[0]));
	g->n -= half;
	g->more = true;
}

static void
read_start(struct shown *s)
{
	struct str rest;

	s->start = siptext_start(s->text);
	s->cseq = siptext_header(s->text, "CSeq", 0);
	s->method = str_from_at(s->cseq, str_rchr(s->cseq, ' ') + 1);
	rest = s->start;
	if (!str_starts(rest, STR("SIP/2.0 ")))
		return;
	(void)str_cut(&rest, ' ');
	if (str_u32(str_cut(&rest, ' '), 699, &s->status) != ERR_OK)
		s->status = 0;
}

static const struct wire_leg *
leg_of(const struct gathered *g, uint64_t key)
{
	for (uint32_t i = 0; i < g->n_legs; i++)
		if (g->leg[i].key == key)
			return &g->leg[i];
	return NULL;
}

static void
take_message(struct gathered *g)
{
	const struct trace_entry *e = &g->entry;
	const struct wire_leg *leg = e->kind == TRACE_MESSAGE ? leg_of(g, e->key) : NULL;
	struct shown *s;

	if (!leg)
		return;
	if (g->n == SHOWTRACE_MESSAGES)
		drop_half(g);
	s = at(g, g->n);
	*s = (struct shown){
		.m = e->message, .leg = leg, .size = e->size, .cut = e->cut, .from = g->n};
	s->text = arena_str(&g->texts, str_of(e->text, e->n));
	if (!s->text.p) {
		g->more = true;
		return;
	}
	read_start(s);
	g->n++;
}

static bool
is_like(const struct shown *in, const struct shown *out)
{
	if (!str_eq(in->method, out->method) || !in->status != !out->status)
		return false;
	return in->status == out->status ||
	       (in->status > 100 && out->status > 100 && (in->status < 300) == (out->status < 300));
}

/* Does x, which came or went between o and s, say that s is nothing that goes on from o, but begun
 * or answered here? */
static bool
divides(const struct shown *x, const struct shown *o, const struct shown *s)
{
	bool same = x->leg == s->leg && !x->again;

	if (s->status) /* the request that s answers */
		return same && !x->m.out && !x->status && str_eq(x->cseq, s->cseq);
	if (str_eqz(s->method, "ACK")) /* the INVITE that s is for */
		return same && x->m.out && !x->status && str_eqz(x->method, "INVITE");
	if (str_eqz(s->method, "INVITE") || str_eqz(s->method, "UPDATE")) /* the answer to o */
		return x->leg == o->leg && x->m.out && x->status >= 200 && str_eq(x->cseq, o->cseq);
	return same && x->m.out && !x->status && str_eq(x->method, s->method);
}

static bool
goes_on_from(const struct gathered *g, uint32_t i, uint32_t k)
{
	const struct shown *s = &g->msg[i], *o = &g->msg[k];

	if (!s->m.out || o->m.out || o->leg->leg == s->leg->leg || s->status == 100 ||
	    !is_like(o, s) || s->m.at_us - o->m.at_us >= SHOWTRACE_PAIR_US)
		return false;
	for (uint32_t j = k + 1; j < i; j++)
		if (divides(&g->msg[j], o, s))
			return false;
	return true;
}

/* The newest message of another leg that this one goes on from; a 100 goes no further. */
static void
pair_up(struct gathered *g, uint32_t i)
{
	struct shown *s = at(g, i);

	s->from = i;
	for (uint32_t k = i; k-- > 0;) {
		const struct shown *o = at(g, k);

		if (o->leg == s->leg && o->m.out == s->m.out && str_eq(o->text, s->text))
			s->again = true;
		if (s->from == i && goes_on_from(g, i, k))
			s->from = k;
	}
	if (s->again)
		s->from = i;
}

/* ---- the answer ---- */

static void
put_leg_name(struct buf *b, const struct gathered *g, const struct wire_leg *l)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < g->n_legs; i++)
		n += g->leg[i].leg == l->leg;
	buf_printf(b, "\"%c", 'a' + l->leg);
	if (n > 1)
		buf_u64(b, l->nth);
	buf_char(b, '"');
}

static void
put_legs(struct buf *b, const struct gathered *g)
{
	buf_z(b, ",\"legs\":[");
	for (uint32_t i = 0; i < g->n_legs; i++) {
		const struct wire_leg *l = &g->leg[i];

		buf_z(b, i ? ",{\"leg\":" : "{\"leg\":");
		put_leg_name(b, g, l);
		buf_z(b, ",\"trunk\":");
		buf_json(b, str_from(l->trunk.z));
		buf_z(b, ",\"call_id\":");
		siptext_put(b, str_from(l->call_id));
		buf_char(b, '}');
	}
	buf_char(b, ']');
}

static void
put_message(struct buf *b, struct gathered *g, uint32_t i, bool full, bool diff)
{
	const struct shown *s = at(g, i);

	buf_printf(b, "%s{\"at\":", i ? "," : "");
	cdr_put_time(b, s->m.at_us);
	buf_printf(b, ",\"offset_us\":%lld,\"leg\":", (long long)(s->m.at_us - at(g, 0)->m.at_us));
	put_leg_name(b, g, s->leg);
	buf_printf(b, ",\"out\":%s,\"transport\":\"%s\",\"peer\":\"%s\",\"local\":\"%s\"",
		   s->m.out ? "true" : "false", cdr_transport_name(s->m.transport),
		   addr_text(&s->m.peer).z, addr_text(&s->m.local).z);
	buf_z(b, ",\"start\":");
	siptext_put(b, s->start);
	buf_z(b, ",\"method\":");
	siptext_put(b, s->method);
	buf_printf(b, ",\"status\":%u,\"size\":%u,\"cut\":%s,\"again\":%s,\"from\":", s->status,
		   s->size, s->cut ? "true" : "false", s->again ? "true" : "false");
	if (s->from == i)
		buf_z(b, "null");
	else
		buf_u64(b, s->from);
	buf_z(b, ",\"audio\":");
	siptext_put_audio(b, s->text);
	if (full) {
		buf_z(b, ",\"lines\":");
		siptext_put_lines(b, s->text);
	}
	if (diff && s->from != i) {
		buf_z(b, ",\"diff\":");
		siptext_put_diff(b, at(g, s->from)->text, s->text);
	}
	buf_char(b, '}');
}

static void
put_answer(struct buf *b, struct gathered *g, const struct json *q)
{
	bool full = jsonin_true(q, "full"), diff = jsonin_true(q, "diff"), more = g->more;

	buf_z(b, "{\"ok\":true,\"id\":");
	buf_json(b, str_from(g->id.z));
	put_legs(b, g);
	buf_z(b, ",\"list\":[");
	for (uint32_t i = 0; i < g->n; i++) {
		if (b->cap - b->len < ITEM_MAX + END_MAX) {
			more = true;
			break;
		}
		pair_up(g, i);
		put_message(b, g, i, full, diff);
	}
	buf_printf(b, "],\"more\":%s}", more ? "true" : "false");
}

enum err
showtrace_put(const struct tracering *ring, const struct call_record *rec, const struct json *q,
	      struct buf *b)
{
	struct gathered *g = mem_zalloc(1, sizeof(*g));
	uint64_t next = 0;
	enum err e = g ? arena_new(&g->texts, SHOWTRACE_BYTES) : ERR_NOMEM;

	if (e != ERR_OK)
		goto out;
	find_id(ring, g, jsonin_text(q, "id"));
	find_legs(ring, rec, g);
	while (g->n_legs && tracering_get(ring, &next, &g->entry) == ERR_OK)
		take_message(g);
	e = g->n ? ERR_OK : ERR_NOTFOUND;
	if (e == ERR_OK)
		put_answer(b, g, q);
	arena_fini(&g->texts);
out:
	mem_free(g);
	return e;
}
