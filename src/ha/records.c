#include "ha/records.h"

#include <assert.h>
#include <stdatomic.h>
#include <string.h>

#include "base/mem.h"
#include "ha/pack.h"

enum {
	RECORD_PAGE = 4096,
	RECORD_NEAR = 2032, /* bytes of most records: with its head, half a page */
	RECORD_FAR = PACK_MAX(sizeof(struct call_record)) - RECORD_NEAR,
};
static_assert(sizeof(struct call_record) % PACK_WORD == 0, "it can be packed");
static_assert(RECORD_NEAR % PACK_WORD == 0, "whole words on either side");

/* One copy of a record, packed: its beginning, and of a long one the rest elsewhere, so that what
 * is short touches half a page. */
struct record_copy {
	uint64_t checksum;
	uint64_t len;
	uint8_t near[RECORD_NEAR];
};

struct record_slot {
	struct record_copy copy[2];
};

struct record_rest {
	uint8_t far[2][RECORD_FAR];
};

struct records_head {
	struct shm_head head;
	uint32_t n, slot_size;
	_Atomic uint32_t in_hand;
	uint32_t pad[13];
};

/* The head, the turns of all slots side by side, the slots, the rests; pages of their own. */
struct layout {
	size_t turns, slots, rests, size;
};

static size_t
page_up(size_t size)
{
	return (size + RECORD_PAGE - 1) / RECORD_PAGE * RECORD_PAGE;
}

static struct layout
layout_of(uint32_t n)
{
	struct layout l = {.turns = sizeof(struct records_head)};

	l.slots = page_up(l.turns + (size_t)n * sizeof(uint32_t));
	l.rests = page_up(l.slots + (size_t)n * sizeof(struct record_slot));
	l.size = l.rests + (size_t)n * sizeof(struct record_rest);
	return l;
}

static struct records_head *
head_of(const struct records *r)
{
	return r->shm.p;
}

/* state << 1 | index of the current copy: turned over in one store */
static _Atomic uint32_t *
turn_of(const struct records *r, uint32_t slot)
{
	return (_Atomic uint32_t *)(void *)((char *)r->shm.p + layout_of(r->n).turns) + slot;
}

static struct record_copy *
copy_of(const struct records *r, uint32_t slot, uint32_t which)
{
	char *slots = (char *)r->shm.p + layout_of(r->n).slots;

	return &((struct record_slot *)(void *)slots + slot)->copy[which];
}

static uint8_t *
far_of(const struct records *r, uint32_t slot, uint32_t which)
{
	char *rests = (char *)r->shm.p + layout_of(r->n).rests;

	return ((struct record_rest *)(void *)rests + slot)->far[which];
}

enum err
records_create(uint32_t n, int *fd)
{
	struct records_head head = {
		.n = n, .slot_size = sizeof(struct record_slot), .in_hand = RECORDS_NONE};
	struct shm s;
	enum err e =
		shm_create("postern-calls", RECORDS_MAGIC, RECORDS_VERSION, layout_of(n).size, fd);

	if (e == ERR_OK)
		e = shm_map(*fd, RECORDS_MAGIC, RECORDS_VERSION, true, false, &s);
	if (e != ERR_OK)
		return e;
	head.head = *(struct shm_head *)s.p;
	memcpy(s.p, &head, sizeof(head));
	shm_unmap(&s);
	return ERR_OK;
}

enum err
records_open(int fd, bool writer, struct records *out)
{
	const struct records_head *head;
	struct records r = {0};
	enum err e = shm_map(fd, RECORDS_MAGIC, RECORDS_VERSION, writer, false, &r.shm);

	if (e != ERR_OK)
		return e;
	head = r.shm.p;
	r.n = head->n;
	if (head->slot_size != sizeof(struct record_slot) || r.shm.size != layout_of(r.n).size) {
		shm_unmap(&r.shm);
		return ERR_VERSION;
	}
	if (writer) {
		r.free = mem_zalloc(r.n, sizeof(*r.free));
		if (!r.free) {
			shm_unmap(&r.shm);
			return ERR_NOMEM;
		}
		for (uint32_t i = r.n; i-- > 0;)
			if (atomic_load(turn_of(&r, i)) >> 1 == RECORD_FREE)
				r.free[r.n_free++] = i;
	}
	*out = r;
	return ERR_OK;
}

void
records_close(struct records *r)
{
	shm_unmap(&r->shm);
	mem_free(r->free);
	*r = (struct records){0};
}

uint32_t
records_take(struct records *r)
{
	return r->n_free ? r->free[--r->n_free] : RECORDS_NONE;
}

void
records_put(struct records *r, uint32_t slot, enum record_slot_state state,
	    const struct call_record *rec)
{
	_Atomic uint32_t *turn = turn_of(r, slot);
	uint32_t next = (atomic_load_explicit(turn, memory_order_relaxed) & 1) ^ 1;
	struct record_copy *c = copy_of(r, slot, next);
	uint64_t packed[PACK_MAX(sizeof(*rec)) / PACK_WORD];
	size_t len = pack_put(rec, sizeof(*rec), packed);

	c->len = len;
	c->checksum = pack_sum(packed, len);
	memcpy(c->near, packed, len < RECORD_NEAR ? len : RECORD_NEAR);
	if (len > RECORD_NEAR)
		memcpy(far_of(r, slot, next), (const uint8_t *)packed + RECORD_NEAR,
		       len - RECORD_NEAR);
	atomic_store_explicit(turn, (uint32_t)state << 1 | next, memory_order_release);
}

void
records_free(struct records *r, uint32_t slot)
{
	_Atomic uint32_t *turn = slot < r->n ? turn_of(r, slot) : NULL;
	uint32_t was = turn ? atomic_load_explicit(turn, memory_order_relaxed) : 0;

	if (!turn || was >> 1 == RECORD_FREE)
		return;
	atomic_store_explicit(turn, (uint32_t)RECORD_FREE << 1 | (was & 1), memory_order_release);
	r->free[r->n_free++] = slot;
}

void
records_give(struct records *r, uint32_t slot)
{
	if (records_peek(r, slot) == RECORD_FREE)
		r->free[r->n_free++] = slot;
	else
		records_free(r, slot);
}

uint32_t
records_used(const struct records *r)
{
	return r->n - r->n_free;
}

/* One copy as it stands now, which a writer may be about to write over. */
static bool
read_copy(const struct records *r, uint32_t slot, uint32_t which, struct call_record *out)
{
	const struct record_copy *c = copy_of(r, slot, which);
	uint64_t packed[PACK_MAX(sizeof(*out)) / PACK_WORD], want = c->checksum;
	size_t len = c->len;

	if (len > sizeof(packed) || len % PACK_WORD)
		return false;
	memcpy(packed, c->near, len < RECORD_NEAR ? len : RECORD_NEAR);
	if (len > RECORD_NEAR)
		memcpy((uint8_t *)packed + RECORD_NEAR, far_of(r, slot, which), len - RECORD_NEAR);
	return pack_sum(packed, len) == want &&
	       pack_get(packed, len, out, sizeof(*out)) == ERR_OK && call_record_valid(out);
}

enum record_slot_state
records_get(const struct records *r, uint32_t slot, struct call_record *out)
{
	_Atomic uint32_t *turn = turn_of(r, slot);

	/* a reader beside the writer: try again when the slot turned over under our hands */
	for (int i = 0; i < 8; i++) {
		uint32_t now = atomic_load_explicit(turn, memory_order_acquire);

		if (now >> 1 == RECORD_FREE)
			return RECORD_FREE;
		if (read_copy(r, slot, now & 1, out))
			return (enum record_slot_state)(now >> 1);
	}
	return RECORD_FREE;
}

enum record_slot_state
records_peek(const struct records *r, uint32_t slot)
{
	return (enum record_slot_state)(
		atomic_load_explicit(turn_of(r, slot), memory_order_relaxed) >> 1);
}

bool
records_is_broken(const struct records *r, uint32_t slot)
{
	struct call_record rec;

	return records_peek(r, slot) != RECORD_FREE && records_get(r, slot, &rec) == RECORD_FREE;
}

void
records_in_hand(struct records *r, uint32_t slot)
{
	atomic_store_explicit(&head_of(r)->in_hand, slot, memory_order_relaxed);
}

uint32_t
records_was_in_hand(const struct records *r)
{
	return atomic_load_explicit(&head_of(r)->in_hand, memory_order_relaxed);
}
