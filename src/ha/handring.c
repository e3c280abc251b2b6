#include "ha/handring.h"

#include <stdatomic.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/random.h"

enum { COUNTS = sizeof(struct handring_counts) / sizeof(uint64_t), REASON_CERT = 32 };
_Static_assert((int)TLS_REASON_N <= (int)REASON_CERT, "reasons of flood: TLS 0..31");
_Static_assert((int)CERT_REASON_N <= 96, "certificates 32..127, requests 128..255");

struct handring_slot {
	_Atomic uint64_t seq; /* 2 n + 1: entry n is being written; 2 n + 2: it is there */
	struct hand_entry entry;
};

struct handring_head {
	struct shm_head head;
	uint64_t id;
	uint32_t slot_size, slots;
	_Atomic uint64_t next; /* entries written so far */
	_Atomic uint64_t count[COUNTS];
	struct flood flood; /* the writer's */
	struct handring_slot slot[HANDRING_SLOTS];
};

static struct handring_head *
head_of(const struct handring *r)
{
	return r->shm.p;
}

enum err
handring_create(int *fd)
{
	struct shm s;
	enum err e = shm_create("postern-handshakes", HANDRING_MAGIC, HANDRING_VERSION,
				sizeof(struct handring_head), fd);
	struct handring_head *h;

	if (e == ERR_OK)
		e = shm_map(*fd, HANDRING_MAGIC, HANDRING_VERSION, true, false, &s);
	if (e != ERR_OK)
		return e;
	h = s.p;
	random_bytes(&h->id, sizeof(h->id));
	h->id >>= 1; /* fits a signed number of a database */
	h->slot_size = sizeof(struct handring_slot);
	h->slots = HANDRING_SLOTS;
	shm_unmap(&s);
	return ERR_OK;
}

enum err
handring_open(int fd, bool writer, struct handring *out)
{
	struct handring r;
	enum err e = shm_map(fd, HANDRING_MAGIC, HANDRING_VERSION, writer, false, &r.shm);

	if (e != ERR_OK)
		return e;
	if (r.shm.size != sizeof(struct handring_head) ||
	    head_of(&r)->slot_size != sizeof(struct handring_slot)) {
		shm_unmap(&r.shm);
		return ERR_VERSION;
	}
	*out = r;
	return ERR_OK;
}

void
handring_close(struct handring *r)
{
	shm_unmap(&r->shm);
}

/* ---- writing ---- */

static void
push_entry(struct handring_head *h, const struct hand_entry *e)
{
	uint64_t n = atomic_load_explicit(&h->next, memory_order_relaxed);
	struct handring_slot *s = &h->slot[n % HANDRING_SLOTS];

	atomic_store_explicit(&s->seq, 2 * n + 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
	s->entry = *e;
	atomic_store_explicit(&s->seq, 2 * n + 2, memory_order_release);
	atomic_store_explicit(&h->next, n + 1, memory_order_release);
}

static void
push_more(struct handring_head *h, const struct flood_more *m)
{
	struct hand_entry e = {.what = HAND_WHAT_MORE, .u.more = *m};

	if (m->n)
		push_entry(h, &e);
}

/* One more at this place of struct handring_counts. */
static void
count_one(struct handring_head *h, size_t offset)
{
	atomic_fetch_add_explicit(&h->count[offset / sizeof(uint64_t)], 1, memory_order_relaxed);
}

/* Counts it by its reason, and gives flood its number of that reason. */
static uint8_t
count_entry(struct handring_head *h, const struct hand_entry *e)
{
	static const uint64_t key[2] = {1, 2};
	const struct tls_record *t = &e->u.tls;
	size_t out = e->what == HAND_WHAT_HANDSHAKE && t->outgoing;

	if (e->what == HAND_WHAT_REQUEST) {
		const char *w = e->u.request.word;

		count_one(h, offsetof(struct handring_counts, requests));
		return (uint8_t)(128 + hash_siphash(key, w, strnlen(w, HANDRING_WORD_MAX)) % 128);
	}
	count_one(h, offsetof(struct handring_counts, tls) +
			     (out * TLS_REASON_N + t->reason) * sizeof(uint64_t));
	if (t->reason != TLS_CERT)
		return (uint8_t)t->reason;
	count_one(h, offsetof(struct handring_counts, cert) +
			     (out * CERT_REASON_N + t->cert_reason) * sizeof(uint64_t));
	return (uint8_t)(REASON_CERT + t->cert_reason);
}

void
handring_put(struct handring *r, const struct hand_entry *e, uint64_t now_us)
{
	struct handring_head *h = head_of(r);
	bool request = e->what == HAND_WHAT_REQUEST;
	struct flood_event ev = {.source = request ? e->u.request.peer : e->u.tls.peer,
				 .accepted = !request && e->u.tls.accepted,
				 .id = e->id,
				 .now_us = now_us,
				 .wall_us = clock_wall_us()};
	struct flood_more evicted;
	bool keep;

	ev.reason = count_entry(h, e);
	keep = flood_keep(&h->flood, &ev, &evicted);
	push_more(h, &evicted);
	if (keep)
		push_entry(h, e);
	else
		count_one(h, offsetof(struct handring_counts, counted));
}

void
handring_tell(struct handring *r, uint64_t now_us, bool all)
{
	struct flood_more m;

	while (flood_due(&head_of(r)->flood, now_us, all, &m))
		push_more(head_of(r), &m);
}

/* ---- reading ---- */

uint64_t
handring_id(const struct handring *r)
{
	return head_of(r)->id;
}

uint64_t
handring_waiting(const struct handring *r, uint64_t next)
{
	uint64_t head = atomic_load_explicit(&head_of(r)->next, memory_order_acquire);

	return head > next ? head - next : 0;
}

void
handring_read_counts(const struct handring *r, struct handring_counts *out)
{
	uint64_t v[COUNTS];

	for (size_t i = 0; i < COUNTS; i++)
		v[i] = atomic_load_explicit(&head_of(r)->count[i], memory_order_relaxed);
	memcpy(out, v, sizeof(*out));
}

#define END_TEXT(z) (z)[sizeof(z) - 1] = 0
#define CUT(n, max) (n) = (n) > (max) ? (max) : (n)

static void
tidy_tls(struct tls_record *t)
{
	END_TEXT(t->sni);
	END_TEXT(t->suite_name);
	END_TEXT(t->why);
	END_TEXT(t->authority);
	END_TEXT(t->notes);
	END_TEXT(t->profile);
	CUT(t->n_versions, TLS_VERSIONS_MAX);
	CUT(t->n_suites, TLS_SUITES_MAX);
	CUT(t->n_sigalgs, TLS_SIGALGS_MAX);
	CUT(t->n_chain, TLS_RECORD_CERTS);
	CUT(t->n_trunks, TLS_TRUNKS_MAX);
	if ((unsigned)t->reason >= TLS_REASON_N)
		t->reason = TLS_INTERNAL;
	if ((unsigned)t->cert_reason >= CERT_REASON_N)
		t->cert_reason = CERT_OTHER;
	for (size_t i = 0; i < t->n_chain; i++) {
		END_TEXT(t->chain[i].subject);
		END_TEXT(t->chain[i].issuer);
		END_TEXT(t->chain[i].serial);
		END_TEXT(t->chain[i].names);
		END_TEXT(t->chain[i].crl);
	}
}

/* What comes out of a segment that another process wrote is made fit to be used. */
static bool
tidy_entry(struct hand_entry *e)
{
	END_TEXT(e->id.z);
	END_TEXT(e->account.z);
	END_TEXT(e->zone);
	CUT(e->n_trunks, HANDRING_TRUNKS);
	for (size_t i = 0; i < e->n_trunks; i++)
		END_TEXT(e->trunk[i].z);
	if (e->what == HAND_WHAT_HANDSHAKE)
		tidy_tls(&e->u.tls);
	else if (e->what == HAND_WHAT_REQUEST) {
		END_TEXT(e->u.request.method);
		END_TEXT(e->u.request.word);
		END_TEXT(e->u.request.why);
	} else {
		END_TEXT(e->u.more.id.z);
	}
	return e->what <= HAND_WHAT_MORE;
}

enum err
handring_get(const struct handring *r, uint64_t *next, struct hand_entry *out, uint64_t *lost)
{
	struct handring_head *h = head_of(r);
	uint64_t head = atomic_load_explicit(&h->next, memory_order_acquire);

	if (*next > head) /* not of this ring */
		*next = head;
	if (head - *next > HANDRING_SLOTS) {
		*lost += head - *next - HANDRING_SLOTS;
		*next = head - HANDRING_SLOTS;
	}
	while (*next < head) {
		uint64_t n = (*next)++;
		struct handring_slot *s = &h->slot[n % HANDRING_SLOTS];
		uint64_t seq = atomic_load_explicit(&s->seq, memory_order_acquire);

		if (seq == 2 * n + 2) {
			*out = s->entry;
			atomic_thread_fence(memory_order_acquire);
			seq = atomic_load_explicit(&s->seq, memory_order_relaxed);
		}
		if (seq == 2 * n + 2 && tidy_entry(out))
			return ERR_OK;
		(*lost)++;
	}
	return ERR_AGAIN;
}
