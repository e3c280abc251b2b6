#include "app/handintake.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metric.h"

/* The store is closed; what it did not take stays in the ring until it works again. */
static void
store_failed(struct handintake *h, const char *why, uint64_t now_us)
{
	if (!h->why[0])
		log_error("handshakes.store",
			  "%s: %s; handshakes wait in memory, and the oldest are lost first",
			  h->path, why);
	(void)snprintf(h->why, sizeof(h->why), "%s", why);
	handstore_close(&h->store);
	h->retry_us = now_us + HANDS_RETRY_US;
}

static void
open_store(struct handintake *h, uint64_t now_us)
{
	char why[HANDSTORE_WHY_MAX] = "";
	enum err e = handstore_open(h->path, h->keep, h->days, &h->store, why);

	if (e == ERR_OK) {
		e = handstore_next(h->store, handring_id(&h->ring), &h->next);
		if (e != ERR_OK)
			(void)snprintf(why, sizeof(why), "%s", handstore_why(h->store));
	}
	if (e != ERR_OK) {
		store_failed(h, why[0] ? why : err_text(e), now_us);
		return;
	}
	if (h->why[0])
		log_info("handshakes.store", "%s works again", h->path);
	h->why[0] = 0;
}

enum err
handintake_init(struct handintake *h, int ring_fd, const char *path, uint32_t keep, uint32_t days)
{
	enum err e = str_copyz(h->path, sizeof(h->path), str_from(path));

	h->keep = keep;
	h->days = days;
	h->mem = mem_zalloc(1, sizeof(*h->mem));
	h->entry = mem_zalloc(1, sizeof(*h->entry));
	if (!h->mem || !h->entry)
		e = ERR_NOMEM;
	if (e == ERR_OK)
		e = handring_open(ring_fd, false, &h->ring);
	if (e != ERR_OK) {
		handintake_fini(h);
		return e;
	}
	open_store(h, clock_now_us());
	return ERR_OK;
}

void
handintake_fini(struct handintake *h)
{
	handstore_close(&h->store);
	handring_close(&h->ring);
	MEM_FREE(h->mem);
	MEM_FREE(h->entry);
}

static enum err
take_entry(struct handintake *h)
{
	const struct hand_entry *en = h->entry;
	struct hand_row row;
	enum err e;

	if (en->what == HAND_WHAT_MORE)
		return handstore_more(h->store, str_from(en->u.more.id.z), en->u.more.n,
				      en->u.more.last_us);
	e = handjson_row(h->mem, en, &row);
	if (e == ERR_OK)
		e = handstore_add(h->store, &row);
	if (e == ERR_EXISTS || e == ERR_LONG) {
		log_error("handshakes.entry", "id=%s is left out: %s", en->id.z, err_text(e));
		e = ERR_OK;
	}
	return e;
}

/* One transaction: the entries and the place behind them in the ring. */
static enum err
take_batch(struct handintake *h, uint64_t *taken, uint64_t *lost)
{
	uint64_t next = h->next;
	enum err e = handstore_begin(h->store);

	if (e != ERR_OK)
		return e;
	while (e == ERR_OK && *taken < HANDINTAKE_BATCH &&
	       handring_get(&h->ring, &next, h->entry, lost) == ERR_OK) {
		(*taken)++;
		e = take_entry(h);
	}
	if (e == ERR_OK)
		e = handstore_mark(h->store, handring_id(&h->ring), next);
	e = handstore_end(h->store, e, clock_wall_us());
	if (e == ERR_OK)
		h->next = next;
	return e;
}

bool
handintake_take(struct handintake *h, uint64_t now_us)
{
	uint64_t taken = 0, lost = 0;
	enum err e;

	if (!h->store && now_us >= h->retry_us)
		open_store(h, now_us);
	if (!h->store || handring_waiting(&h->ring, h->next) == 0)
		return false;
	e = take_batch(h, &taken, &lost);
	if (e != ERR_OK) {
		store_failed(h, handstore_why(h->store), now_us);
		return false;
	}
	metric_add(METRIC_handshakes_kept, (int64_t)taken);
	if (lost) {
		metric_add(METRIC_handshakes_lost, (int64_t)lost);
		log_warn("handshakes.lost", "%llu were overwritten before they were read",
			 (unsigned long long)lost);
	}
	return handring_waiting(&h->ring, h->next) > 0;
}
