#include "app/dtlsearly.h"

#include <string.h>

#include "base/octets.h"

enum { LENGTH = 2, HELLO_LEAST = 14, RECORD_HANDSHAKE = 22, CLIENT_HELLO = 1 };

enum err
dtlsearly_init(struct dtlsearly *e)
{
	list_init(&e->kept);
	return pool_init(&e->flights, DTLSEARLY_FLIGHTS, sizeof(struct dtlsearly_flight));
}

void
dtlsearly_fini(struct dtlsearly *e)
{
	pool_fini(&e->flights);
}

static struct dtlsearly_flight *
find(const struct dtlsearly *e, uint32_t slot)
{
	for (struct list *l = e->kept.next; l && l != &e->kept; l = l->next) {
		struct dtlsearly_flight *f = CONTAINER_OF(l, struct dtlsearly_flight, at);

		if (f->slot == slot)
			return f;
	}
	return NULL;
}

static void
drop(struct dtlsearly *e, struct dtlsearly_flight *f)
{
	list_del(&f->at);
	pool_put(&e->flights, f);
}

void
dtlsearly_drop(struct dtlsearly *e, uint32_t slot)
{
	struct dtlsearly_flight *f = find(e, slot);

	if (f)
		drop(e, f);
}

/* A record in clear (RFC 6347 4.1) with a ClientHello or its first fragment, or a later one. */
static bool
is_hello(const struct media_handed *h)
{
	return h->len >= HELLO_LEAST && h->p[0] == RECORD_HANDSHAKE && h->p[3] == 0 &&
	       h->p[4] == 0 && h->p[13] == CLIENT_HELLO;
}

/* The flight that this datagram belongs to: a new one, where it comes from elsewhere or again. */
static struct dtlsearly_flight *
begin(struct dtlsearly *e, const struct media_handed *h, uint64_t now)
{
	struct dtlsearly_flight *f = find(e, h->slot);

	if (f && (f->generation != h->generation || !addr_eq(&f->from, &h->from) ||
		  now - f->last_us > DTLSEARLY_GAP_US)) {
		drop(e, f);
		f = NULL;
	}
	if (f)
		return f;
	if (pool_used(&e->flights) == DTLSEARLY_FLIGHTS)
		drop(e, CONTAINER_OF(e->kept.next, struct dtlsearly_flight, at));
	f = pool_get(&e->flights);
	if (!f)
		return NULL;
	f->slot = h->slot;
	f->generation = h->generation;
	f->from = h->from;
	list_add(&e->kept, &f->at);
	return f;
}

void
dtlsearly_keep(struct dtlsearly *e, const struct media_handed *h, uint64_t now)
{
	struct dtlsearly_flight *f;

	if (h->at == 0 && !is_hello(h))
		return;
	f = h->at == 0 ? begin(e, h, now) : find(e, h->slot);
	if (!f)
		return;
	if (h->at == 0) {
		f->last_us = now;
		f->total = h->total;
		f->have = 0;
	}
	if (h->at != f->have || h->total != f->total || h->generation != f->generation ||
	    f->used + LENGTH + h->total > DTLSEARLY_BYTES) {
		f->total = 0; /* a part was lost: so is the rest */
		return;
	}
	memcpy(f->p + f->used + LENGTH + h->at, h->p, h->len);
	f->have = (uint16_t)(f->have + h->len);
	if (f->have < f->total)
		return;
	octets_set16(f->p + f->used, f->total);
	f->used = (uint16_t)(f->used + LENGTH + f->total);
	f->total = 0;
}

struct dtlsearly_flight *
dtlsearly_find(const struct dtlsearly *e, uint32_t slot, uint32_t generation, uint64_t now)
{
	struct dtlsearly_flight *f = find(e, slot);

	return f && f->used && f->generation == generation && now - f->last_us < DTLSEARLY_KEPT_US
		       ? f
		       : NULL;
}

bool
dtlsearly_next(const struct dtlsearly_flight *f, size_t *at, struct str *out)
{
	uint16_t len;

	if (*at >= f->used)
		return false;
	len = octets_get16(f->p + *at);
	*out = str_of((const char *)f->p + *at + LENGTH, len);
	*at += LENGTH + len;
	return true;
}
