#include "ha/records.h"

#include <stdatomic.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"

struct record_copy {
	uint64_t checksum;
	struct call_record rec;
};

struct record_slot {
	/* state << 1 | index of the current copy: turned over in one store */
	_Atomic uint32_t turn;
	uint32_t pad;
	struct record_copy copy[2];
};

struct records_head {
	struct shm_head head;
	uint32_t n, slot_size;
	_Atomic uint32_t in_hand;
	uint32_t pad[13];
};

static size_t
segment_size(uint32_t n)
{
	return sizeof(struct records_head) + (size_t)n * sizeof(struct record_slot);
}

static struct records_head *
head_of(const struct records *r)
{
	return r->shm.p;
}

static struct record_slot *
slot_of(const struct records *r, uint32_t slot)
{
	return (struct record_slot *)(void *)((char *)r->shm.p + segment_size(0)) + slot;
}

/* A fixed key: it finds torn writes, it does not keep anybody out. */
static uint64_t
checksum_of(const struct call_record *rec)
{
	static const uint64_t key[2] = {0x706f737465726e31u, 0x7265636f72647331u};

	return hash_siphash(key, rec, sizeof(*rec));
}

enum err
records_create(uint32_t n, int *fd)
{
	struct records_head head = {
		.n = n, .slot_size = sizeof(struct record_slot), .in_hand = RECORDS_NONE};
	struct shm s;
	enum err e =
		shm_create("postern-calls", RECORDS_MAGIC, RECORDS_VERSION, segment_size(n), fd);

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
	if (head->slot_size != sizeof(struct record_slot) || r.shm.size != segment_size(r.n)) {
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
			if (atomic_load(&slot_of(&r, i)->turn) >> 1 == RECORD_FREE)
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
	struct record_slot *s = slot_of(r, slot);
	uint32_t next = (atomic_load_explicit(&s->turn, memory_order_relaxed) & 1) ^ 1;

	s->copy[next].rec = *rec;
	s->copy[next].checksum = checksum_of(&s->copy[next].rec);
	atomic_store_explicit(&s->turn, (uint32_t)state << 1 | next, memory_order_release);
}

void
records_free(struct records *r, uint32_t slot)
{
	struct record_slot *s = slot < r->n ? slot_of(r, slot) : NULL;
	uint32_t turn = s ? atomic_load_explicit(&s->turn, memory_order_relaxed) : 0;

	if (!s || turn >> 1 == RECORD_FREE)
		return;
	atomic_store_explicit(&s->turn, (uint32_t)RECORD_FREE << 1 | (turn & 1),
			      memory_order_release);
	r->free[r->n_free++] = slot;
}

uint32_t
records_used(const struct records *r)
{
	return r->n - r->n_free;
}

enum record_slot_state
records_get(const struct records *r, uint32_t slot, struct call_record *out)
{
	struct record_slot *s = slot_of(r, slot);
	uint32_t turn = atomic_load_explicit(&s->turn, memory_order_acquire);
	uint64_t want;

	/* a reader beside the writer: try again when the slot turned over under our hands */
	for (int i = 0; i < 8; i++) {
		uint32_t again;

		if (turn >> 1 == RECORD_FREE)
			return RECORD_FREE;
		*out = s->copy[turn & 1].rec;
		want = s->copy[turn & 1].checksum;
		again = atomic_load_explicit(&s->turn, memory_order_acquire);
		if (checksum_of(out) == want && call_record_valid(out))
			return (enum record_slot_state)(turn >> 1);
		turn = again;
	}
	return RECORD_FREE;
}

enum record_slot_state
records_peek(const struct records *r, uint32_t slot)
{
	return (enum record_slot_state)(
		atomic_load_explicit(&slot_of(r, slot)->turn, memory_order_relaxed) >> 1);
}

bool
records_is_broken(const struct records *r, uint32_t slot)
{
	struct call_record rec;

	return atomic_load(&slot_of(r, slot)->turn) >> 1 != RECORD_FREE &&
	       records_get(r, slot, &rec) == RECORD_FREE;
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
