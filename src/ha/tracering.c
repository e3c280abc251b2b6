#include "ha/tracering.h"

#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#include "base/hash.h"
#include "base/random.h"
#include "ha/redact.h"

enum {
	MIB = 1024 * 1024,
	BUCKETS = 16384,
	SPARE_TEXT = 512,
	ALIGN = 8,
	LOOK_MAX = 2 * TRACE_TEXT_MAX
};

enum slot_kind { SLOT_MESSAGE = 1, SLOT_CALL, SLOT_WIPED, SLOT_PAD };

/* One entry in the ring; its text follows. The first ALIGN bytes alone are there of a SLOT_PAD. */
struct slot {
	uint32_t len; /* of all of it, a multiple of ALIGN */
	uint8_t kind, out, transport, cut;
	uint64_t key;
	uint64_t prev; /* 1 + place of an older one of the same bucket; 0: none */
	uint32_t size, n;
	int64_t at_us;
	struct addr peer, local;
	struct trace_call call; /* SLOT_CALL */
};

struct tracering_head {
	struct shm_head head;
	uint64_t room; /* bytes of data, a multiple of ALIGN */
	uint64_t keys[2];
	_Atomic uint64_t tail_at, head_at; /* places since the beginning */
	uint64_t last[BUCKETS];            /* 1 + place of the newest message; writer only */
	char data[] __attribute__((aligned(ALIGN)));
};

static struct tracering_head *
head_of(const struct tracering *r)
{
	return r->shm.p;
}

enum err
tracering_create(uint32_t mib, int *fd)
{
	struct tracering_head *h;
	struct shm s;
	enum err e;

	if (mib < TRACERING_MIB_MIN || mib > TRACERING_MIB_MAX)
		return ERR_RANGE;
	e = shm_create("postern-trace", TRACERING_MAGIC, TRACERING_VERSION,
		       sizeof(*h) + (size_t)mib * MIB, fd);
	if (e == ERR_OK)
		e = shm_map(*fd, TRACERING_MAGIC, TRACERING_VERSION, true, false, &s);
	if (e != ERR_OK)
		return e;
	h = s.p;
	h->room = (uint64_t)mib * MIB;
	random_bytes(h->keys, sizeof(h->keys));
	shm_unmap(&s);
	return ERR_OK;
}

static struct slot *
slot_at(struct tracering_head *h, uint64_t place)
{
	return (struct slot *)(void *)(h->data + place % h->room);
}

/* Is what this slot says of its length possible? */
static bool
fits(const struct tracering_head *h, const struct slot *s, uint64_t place, uint64_t end)
{
	uint64_t at = place % h->room;

	return s->len >= ALIGN && s->len % ALIGN == 0 && s->len <= end - place &&
	       s->len <= h->room - at &&
	       (s->kind == SLOT_PAD ||
		(s->len >= sizeof(*s) && s->n <= s->len - sizeof(*s) && s->n <= TRACE_TEXT_MAX));
}

/* What an earlier life left must be whole: else the ring begins anew where it stands. */
static void
check_entries(struct tracering_head *h)
{
	uint64_t end = atomic_load(&h->head_at), place = atomic_load(&h->tail_at);
	bool good = place <= end && end - place <= h->room && end % ALIGN == 0;

	while (good && place < end) {
		const struct slot *s = slot_at(h, place);

		good = fits(h, s, place, end);
		place += s->len;
	}
	if (!good)
		atomic_store(&h->tail_at, atomic_load(&h->head_at));
}

enum err
tracering_open(int fd, bool writer, struct tracering *out)
{
	struct tracering_head *h;
	struct tracering r = {0};
	enum err e = shm_map(fd, TRACERING_MAGIC, TRACERING_VERSION, writer, false, &r.shm);

	if (e != ERR_OK)
		return e;
	h = head_of(&r);
	if (r.shm.size < sizeof(*h) || h->room == 0 || h->room % ALIGN ||
	    r.shm.size != sizeof(*h) + h->room) {
		shm_unmap(&r.shm);
		return ERR_VERSION;
	}
	if (writer) {
		random_bytes(r.tags, sizeof(r.tags));
		check_entries(h);
	}
	*out = r;
	return ERR_OK;
}

void
tracering_close(struct tracering *r)
{
	shm_unmap(&r->shm);
}

uint64_t
tracering_key(const struct tracering *r, struct str call_id)
{
	return hash_siphash(head_of(r)->keys, call_id.p, call_id.len) | 1;
}

/* ---- writing ---- */

/* The oldest go until there is room for len bytes behind the head. */
static void
make_room(struct tracering_head *h, uint64_t len)
{
	uint64_t end = atomic_load_explicit(&h->head_at, memory_order_relaxed);
	uint64_t tail = atomic_load_explicit(&h->tail_at, memory_order_relaxed);

	while (end + len - tail > h->room) {
		const struct slot *s = slot_at(h, tail);

		tail = fits(h, s, tail, end) ? tail + s->len : end;
	}
	atomic_store_explicit(&h->tail_at, tail, memory_order_relaxed);
	atomic_thread_fence(memory_order_seq_cst); /* before a byte is overwritten */
}

/* Room for a slot with n bytes of text, in one piece. */
static struct slot *
reserve(struct tracering_head *h, size_t n)
{
	uint64_t len = (sizeof(struct slot) + n + ALIGN - 1) / ALIGN * ALIGN;
	uint64_t end = atomic_load_explicit(&h->head_at, memory_order_relaxed);
	uint64_t left = h->room - end % h->room;

	if (left < len) {
		struct slot *pad;

		make_room(h, left);
		pad = slot_at(h, end);
		pad->len = (uint32_t)left;
		pad->kind = SLOT_PAD;
		atomic_store_explicit(&h->head_at, end + left, memory_order_release);
	}
	make_room(h, len);
	return slot_at(h, atomic_load_explicit(&h->head_at, memory_order_relaxed));
}

/* It is whole. */
static void
commit(struct tracering_head *h, struct slot *s)
{
	uint64_t end = atomic_load_explicit(&h->head_at, memory_order_relaxed);

	s->len = (uint32_t)((sizeof(*s) + s->n + ALIGN - 1) / ALIGN * ALIGN);
	atomic_store_explicit(&h->head_at, end + s->len, memory_order_release);
}

static bool
belongs_to_calls(const struct redact_seen *seen)
{
	return seen->call_id.len && !str_eqz(seen->cseq_method, "REGISTER") &&
	       !str_eqz(seen->cseq_method, "OPTIONS");
}

void
tracering_put(struct tracering *r, const struct trace_message *m, struct str bytes)
{
	struct tracering_head *h = head_of(r);
	size_t cap =
		bytes.len + SPARE_TEXT < TRACE_TEXT_MAX ? bytes.len + SPARE_TEXT : TRACE_TEXT_MAX;
	struct slot *s = reserve(h, cap);
	struct redact_seen seen;
	uint64_t *last;
	struct buf b;

	buf_init(&b, s + 1, cap);
	redact_copy(r->tags, str_sub(bytes, 0, LOOK_MAX), &b, &seen);
	if (!belongs_to_calls(&seen))
		return;
	*s = (struct slot){.kind = SLOT_MESSAGE,
			   .out = m->out,
			   .transport = m->transport,
			   .cut = b.failed || bytes.len > LOOK_MAX,
			   .key = tracering_key(r, seen.call_id),
			   .size = (uint32_t)bytes.len,
			   .n = (uint32_t)b.len,
			   .at_us = m->at_us,
			   .peer = m->peer,
			   .local = m->local};
	if (r->gone[s->key % TRACE_WIPED] == s->key)
		return;
	last = &h->last[s->key % BUCKETS];
	s->prev = *last;
	*last = atomic_load_explicit(&h->head_at, memory_order_relaxed) + 1;
	commit(h, s);
}

void
tracering_bind(struct tracering *r, const struct trace_call *c, struct str call_id)
{
	struct tracering_head *h = head_of(r);
	struct slot *s;

	if (call_id.len > TRACE_CALL_ID_MAX)
		return;
	s = reserve(h, call_id.len);
	*s = (struct slot){.kind = SLOT_CALL,
			   .key = tracering_key(r, call_id),
			   .n = (uint32_t)call_id.len,
			   .call = *c};
	if (call_id.len)
		memcpy(s + 1, call_id.p, call_id.len);
	commit(h, s);
}

void
tracering_wipe(struct tracering *r, struct str call_id)
{
	struct tracering_head *h = head_of(r);
	uint64_t key = tracering_key(r, call_id), at = h->last[key % BUCKETS];
	uint64_t end = atomic_load_explicit(&h->head_at, memory_order_relaxed);
	uint64_t tail = atomic_load_explicit(&h->tail_at, memory_order_relaxed);

	r->gone[key % TRACE_WIPED] = key;
	while (at > tail && at <= end) {
		struct slot *s = slot_at(h, at - 1);

		if (!fits(h, s, at - 1, end) || s->prev >= at)
			return;
		if (s->key == key && s->kind == SLOT_MESSAGE) {
			s->kind = SLOT_WIPED;
			memset(s + 1, 0, s->n);
		}
		at = s->prev;
	}
}

/* ---- reading ---- */

/* From the ring into out; false: it is nothing to be shown. */
static bool
take_slot(const struct slot *s, struct trace_entry *out)
{
	if (s->kind != SLOT_MESSAGE && s->kind != SLOT_CALL)
		return false;
	out->kind = s->kind == SLOT_MESSAGE ? TRACE_MESSAGE : TRACE_CALL;
	out->key = s->key;
	out->message = (struct trace_message){.out = s->out != 0,
					      .transport = s->transport,
					      .peer = s->peer,
					      .local = s->local,
					      .at_us = s->at_us};
	out->call = s->call;
	out->call.id.z[ID_CHARS] = 0;
	out->call.trunk.z[POLICY_ID_MAX - 1] = 0;
	out->size = s->size;
	out->cut = s->cut != 0;
	out->n = s->n;
	return true;
}

enum err
tracering_get(const struct tracering *r, uint64_t *next, struct trace_entry *out)
{
	struct tracering_head *h = head_of(r);
	uint64_t end = atomic_load_explicit(&h->head_at, memory_order_acquire);

	for (;;) {
		uint64_t tail = atomic_load_explicit(&h->tail_at, memory_order_acquire), place;
		struct slot s = {0};
		bool good, shown = false;

		if (*next < tail)
			*next = tail;
		if (*next >= end)
			return ERR_AGAIN;
		place = *next;
		memcpy(&s, slot_at(h, place), ALIGN); /* a SLOT_PAD has no more */
		if (s.kind != SLOT_PAD && h->room - place % h->room >= sizeof(s))
			memcpy(&s, slot_at(h, place), sizeof(s));
		good = fits(h, &s, place, end);
		if (good && s.kind != SLOT_PAD && (shown = take_slot(&s, out)) && s.n)
			memcpy(out->text, slot_at(h, place) + 1, s.n);
		atomic_thread_fence(memory_order_seq_cst);
		if (atomic_load_explicit(&h->tail_at, memory_order_relaxed) > place)
			continue; /* it was overwritten meanwhile */
		if (!good)
			return ERR_AGAIN; /* cannot be, unless somebody else wrote here */
		*next += s.len;
		if (shown)
			return ERR_OK;
	}
}
