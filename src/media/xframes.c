#include "media/xframes.h"

#include "base/mem.h"

/* A byte of an owner: nobody, the worker's hand (idle for one that comes after it), else
 * 1 + 2 * queue (to receive into) or 2 + 2 * queue (to send). */
enum { OWNER_NONE = 0, OWNER_HAND = 255, PAGE = 4096 };
_Static_assert(2 + 2 * (XFRAMES_QUEUES - 1) < OWNER_HAND, "an owner is a byte");

enum { NOTE_FILL = 1, NOTE_TX = 2 };

static uint8_t
rx_owner(uint32_t q)
{
	return (uint8_t)(1 + 2 * q);
}

static uint8_t
tx_owner(uint32_t q)
{
	return (uint8_t)(2 + 2 * q);
}

/* A note: what, which queue, how many frames, from which index of the ring on. */
static uint64_t
make_note(uint64_t what, uint32_t q, uint32_t n, uint32_t at)
{
	return what << 56 | (uint64_t)q << 48 | (uint64_t)n << 32 | at;
}

static void
set_note(struct xframes *x, uint64_t note)
{
	__atomic_store_n(&x->head->note, note, __ATOMIC_RELEASE);
}

static bool
is_frame(const struct xframes *x, uint64_t addr)
{
	return addr >> XFRAMES_SHIFT < x->head->n_frames;
}

/* Each store stands before the next one in memory, so that a kill shows them in order. */
static void
set_owner(struct xframes *x, uint64_t addr, uint8_t owner)
{
	if (is_frame(x, addr))
		__atomic_store_n(&x->head->owner[addr >> XFRAMES_SHIFT], owner, __ATOMIC_RELEASE);
}

static void
make_idle(struct xframes *x, uint64_t addr)
{
	set_owner(x, addr, OWNER_NONE);
	if (x->n_idle < x->head->n_frames)
		x->idle[x->n_idle++] = (uint32_t)(addr >> XFRAMES_SHIFT);
}

enum err
xframes_create(uint32_t n_queues, uint32_t rx_size, uint32_t tx_size, int *fd)
{
	uint32_t n = n_queues * (rx_size + tx_size) + XFRAMES_SPARE;
	uint64_t base = (sizeof(struct xframes_head) + n + PAGE - 1) / PAGE * PAGE;
	struct shm s;
	struct xframes_head *h;
	enum err e;

	if (n_queues == 0 || n_queues > XFRAMES_QUEUES || (rx_size & (rx_size - 1)) ||
	    (tx_size & (tx_size - 1)) || rx_size < IO_BATCH || tx_size < IO_BATCH)
		return ERR_RANGE;
	e = shm_create("postern-frames", XFRAMES_MAGIC, XFRAMES_VERSION,
		       base + ((uint64_t)n << XFRAMES_SHIFT), fd);
	if (e != ERR_OK)
		return e;
	e = shm_map(*fd, XFRAMES_MAGIC, XFRAMES_VERSION, true, false, &s);
	if (e != ERR_OK)
		return e;
	h = s.p;
	h->n_frames = n;
	h->n_queues = n_queues;
	h->rx_size = rx_size;
	h->tx_size = tx_size;
	h->base = base;
	shm_unmap(&s);
	return ERR_OK;
}

enum err
xframes_map(int fd, struct xframes *out)
{
	struct xframes x = {0};
	enum err e = shm_map(fd, XFRAMES_MAGIC, XFRAMES_VERSION, true, true, &x.shm);

	if (e != ERR_OK)
		return e;
	x.head = x.shm.p;
	if (x.head->n_queues > XFRAMES_QUEUES ||
	    x.head->base + ((uint64_t)x.head->n_frames << XFRAMES_SHIFT) != x.shm.size) {
		shm_unmap(&x.shm);
		return ERR_VERSION;
	}
	x.base = (uint8_t *)x.shm.p + x.head->base;
	x.idle = mem_zalloc(x.head->n_frames, sizeof(*x.idle));
	if (!x.idle) {
		shm_unmap(&x.shm);
		return ERR_NOMEM;
	}
	*out = x;
	return ERR_OK;
}

void
xframes_unmap(struct xframes *x)
{
	MEM_FREE(x->idle);
	shm_unmap(&x->shm);
	*x = (struct xframes){0};
}

/* ---- after another worker ---- */

/* Frames were being given away: if our index did not move, they never left. */
static void
settle_note(struct xframes *x, const struct xqueue *v, uint32_t n_queues)
{
	uint64_t note = x->head->note;
	uint32_t q = (uint8_t)(note >> 48), n = (uint16_t)(note >> 32), at = (uint32_t)note;
	bool tx = note >> 56 == NOTE_TX;
	const struct xring *r;

	if (note == 0 || q >= n_queues)
		return;
	r = tx ? &v[q].ring[XRING_TX] : &v[q].ring[XRING_FILL];
	for (uint32_t i = 0; i < n && r->at == at; i++)
		set_owner(x, tx ? xring_desc(r, at + i)->addr : *xring_addr(r, at + i), OWNER_NONE);
	set_note(x, 0);
}

/* What the kernel shows and nobody took. */
static void
mark_shown(struct xframes *x, struct xqueue *v, uint32_t q)
{
	struct xring *rx = &v->ring[XRING_RX], *sent = &v->ring[XRING_COMPLETION];

	for (uint32_t i = 0, n = xring_ready(rx, rx->size); i < n; i++)
		set_owner(x, xring_desc(rx, rx->at + i)->addr, rx_owner(q));
	for (uint32_t i = 0, n = xring_ready(sent, sent->size); i < n; i++)
		set_owner(x, *xring_addr(sent, sent->at + i), tx_owner(q));
}

void
xframes_attach(struct xframes *x, struct xqueue *v, uint32_t n_queues)
{
	settle_note(x, v, n_queues);
	for (uint32_t q = 0; q < n_queues; q++) {
		v[q].filled = v[q].sending = 0;
		mark_shown(x, &v[q], q);
	}
	x->n_idle = 0;
	for (uint32_t i = 0; i < x->head->n_frames; i++) {
		uint8_t owner = x->head->owner[i];
		uint32_t q = (owner - 1u) / 2;

		if (owner == OWNER_NONE || q >= n_queues)
			make_idle(x, (uint64_t)i << XFRAMES_SHIFT);
		else if (owner == rx_owner(q))
			v[q].filled++;
		else
			v[q].sending++;
	}
}

/* ---- at work ---- */

void
xframes_drop(struct xframes *x, uint64_t addr)
{
	if (is_frame(x, addr) && x->head->owner[addr >> XFRAMES_SHIFT] == OWNER_HAND)
		make_idle(x, addr);
}

bool
xframes_get(struct xframes *x, uint64_t *addr)
{
	if (x->n_idle == 0)
		return false;
	*addr = (uint64_t)x->idle[--x->n_idle] << XFRAMES_SHIFT;
	set_owner(x, *addr, OWNER_HAND);
	return true;
}

void
xframes_fill(struct xframes *x, struct xqueue *v, uint32_t q)
{
	struct xring *r = &v[q].ring[XRING_FILL];
	uint32_t n = r->size - v[q].filled;

	if (n > IO_BATCH)
		n = IO_BATCH;
	if (n > x->n_idle)
		n = x->n_idle;
	n = xring_room(r, n);
	if (n == 0)
		return;
	for (uint32_t i = 0; i < n; i++)
		*xring_addr(r, r->at + i) = (uint64_t)x->idle[--x->n_idle] << XFRAMES_SHIFT;
	set_note(x, make_note(NOTE_FILL, q, n, r->at));
	for (uint32_t i = 0; i < n; i++)
		set_owner(x, *xring_addr(r, r->at + i), rx_owner(q));
	xring_pass(r, n);
	set_note(x, 0);
	v[q].filled += n;
}

uint32_t
xframes_peek(const struct xframes *x, struct xqueue *v, uint32_t q, struct xdp_desc *out,
	     uint32_t n)
{
	struct xring *r = &v[q].ring[XRING_RX];

	n = xring_ready(r, n);
	for (uint32_t i = 0; i < n; i++) {
		out[i] = *xring_desc(r, r->at + i);
		if (!is_frame(x, out[i].addr) ||
		    (out[i].addr & (XFRAMES_SIZE - 1)) + out[i].len > XFRAMES_SIZE)
			out[i].len = 0;
	}
	return n;
}

void
xframes_take(struct xframes *x, struct xqueue *v, uint32_t q, uint32_t n)
{
	struct xring *r = &v[q].ring[XRING_RX];

	if (n == 0)
		return;
	for (uint32_t i = 0; i < n; i++)
		set_owner(x, xring_desc(r, r->at + i)->addr, OWNER_HAND);
	xring_pass(r, n);
	v[q].filled -= n;
}

uint32_t
xframes_send(struct xframes *x, struct xqueue *v, uint32_t q, const struct xdp_desc *in, uint32_t n)
{
	struct xring *r = &v[q].ring[XRING_TX];

	/* a frame that was sent needs its slot in completion as well */
	if (n > r->size - v[q].sending)
		n = r->size - v[q].sending;
	n = xring_room(r, n);
	if (n == 0)
		return 0;
	for (uint32_t i = 0; i < n; i++)
		*xring_desc(r, r->at + i) = in[i];
	set_note(x, make_note(NOTE_TX, q, n, r->at));
	for (uint32_t i = 0; i < n; i++)
		set_owner(x, in[i].addr, tx_owner(q));
	xring_pass(r, n);
	set_note(x, 0);
	v[q].sending += n;
	return n;
}

void
xframes_reap(struct xframes *x, struct xqueue *v, uint32_t q)
{
	struct xring *r = &v[q].ring[XRING_COMPLETION];
	uint32_t n = xring_ready(r, r->size);

	for (uint32_t i = 0; i < n; i++) {
		uint64_t addr = *xring_addr(r, r->at + i);

		if (is_frame(x, addr))
			make_idle(x, addr);
	}
	if (n)
		xring_pass(r, n);
	v[q].sending -= n;
}
