/* The further addresses of the equipment: where TLS differs from that of the first one. */
#include <string.h>

#include "ready/parts.h"

static const struct ready_line *
line_of(const struct ready_report *r, const char *word)
{
	for (unsigned i = 0; i < r->n; i++)
		if (r->line[i].word == word)
			return &r->line[i];
	return NULL;
}

/* How long it took differs each time. */
static bool
is_alike(const struct ready_line *a, const struct ready_line *b)
{
	return a && a->state == b->state &&
	       (a->word == ready_check_word(READY_TLS) || strcmp(a->seen, b->seen) == 0);
}

/* Adds the lines of one that are not in first, with the address before what was seen. */
static unsigned
add_different(const struct addr *a, const struct ready_report *first,
	      const struct ready_report *one, struct ready_report *out)
{
	unsigned n = 0;

	for (unsigned i = 0; i < one->n; i++) {
		const struct ready_line *from = &one->line[i];
		struct ready_line *l;

		if (is_alike(line_of(first, from->word), from))
			continue;
		l = ready_add(out, READY_TLS_EACH, from->state);
		memcpy(l->title, from->title, sizeof(l->title));
		l->word = from->word;
		ready_seen(l, "at %s: %s", addr_text(a).z, from->seen);
		ready_change(l, "%s", from->change);
		n++;
	}
	return n;
}

/* Looked at like the first one. */
static unsigned
check_other(const struct probe_facts *f, const struct probe_other *o, int64_t now_us,
	    const struct ready_report *first, struct ready_report *out)
{
	static struct probe_facts as_first; /* large, and only needed here */
	static struct ready_report one;

	as_first = *f;
	as_first.tls = o->tls;
	as_first.used = o->at;
	one = (struct ready_report){.cause = ""};
	readytls_run(&as_first, now_us, &one);
	return add_different(&f->tcp[o->at].addr, first, &one, out);
}

void
readyeach_run(const struct probe_facts *f, int64_t now_us, struct ready_report *out)
{
	static struct ready_report first;
	unsigned n = 0, looked = 1;
	bool cut = false;
	struct ready_line *l;

	if (f->n_connected < 2)
		return;
	first = *out;
	for (uint16_t i = 0; i < f->n_other; i++) {
		cut |= f->other[i].cut;
		looked += !f->other[i].cut;
		if (!f->other[i].cut)
			n += check_other(f, &f->other[i], now_us, &first, out);
	}
	l = ready_add(out, READY_TLS_EACH,
		      n || looked < f->n_connected ? READY_WARNED : READY_PASSED);
	ready_seen(l, "%u addresses take connections, TLS was looked at on %u of them%s: %s",
		   f->n_connected, looked,
		   cut                       ? " (the others took too long)"
		   : looked < f->n_connected ? " (at most 4 are)"
					     : "",
		   n ? "they are not alike, see the lines with an address" : "they are alike");
	if (n)
		ready_change(l, "let all addresses be set up alike: a call goes to any of them");
	else if (looked < f->n_connected)
		ready_change(l, "check the others by a name of their own, or take them out of DNS");
}
