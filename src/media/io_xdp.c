#include "media/io_xdp.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/mem.h"
#include "net/frame.h"
#include "media/io_steer.h"
#include "media/xkeeper.h"

enum {
	PAYLOAD_AT = XFRAMES_SIZE - IO_PACKET_MAX, /* in a frame that we fill ourselves */
	KICKS_MAX = 16, /* calls of the kernel for one batch: it sends 32 packets in each */
	PREFETCH = 256, /* bytes of a frame: all of it as a rule */
	LINE = 64,
	STEER_EVERY = 4, /* batches that may pass before steer is asked, while there are packets */
};
_Static_assert((int)PAYLOAD_AT >= (int)FRAME_MAX, "room for the headers");

/* Packets of a batch for one queue. */
struct outgoing {
	struct xdp_desc desc[IO_BATCH];
	unsigned n;
};

struct io_xdp {
	struct media_plan plan;
	struct media_io steer;
	struct io_counts *counts;
	struct xframes frames;
	struct io_set set; /* the worker's places; those of steer stand empty */
	struct xqueue queue[XFRAMES_QUEUES];
	uint32_t n_queues; /* that are at work; 0: not all descriptors are here yet */
	unsigned turn, since_steer;
	bool more;      /* a second packet of a stream waits */
	uint32_t *seen; /* by socket: the batch that it had a packet in last */
	uint32_t batch;
	uint64_t hand[IO_BATCH]; /* frames of the last batch */
	unsigned n_hand;
	struct outgoing out[XFRAMES_QUEUES];
};

/* ---- in ---- */

/* The frames of the last batch that did not leave. */
static void
empty_hand(struct io_xdp *s)
{
	while (s->n_hand)
		xframes_drop(&s->frames, s->hand[--s->n_hand]);
}

static bool
read_packet(struct io_xdp *s, const struct xdp_desc *d, struct io_packet *k)
{
	uint8_t *p = xframes_at(&s->frames, d->addr);
	struct frame_udp f;

	if (frame_read(p, d->len, &f) != ERR_OK || !io_find_socket(&s->plan, &f.to, &k->socket) ||
	    (d->addr & (XFRAMES_SIZE - 1)) + f.at > PAYLOAD_AT)
		return false;
	k->p = p + f.at;
	k->len = f.len;
	k->addr = f.from;
	k->dscp = f.dscp;
	return true;
}

/* Up to n packets of queue q; ends before a second one of a stream, so that a worker killed with
 * the batch in hand costs each stream one packet at most. */
static unsigned
receive_from(struct io_xdp *s, uint32_t q, struct io_packet *v, unsigned n)
{
	struct xdp_desc d[IO_BATCH];
	uint32_t there = xframes_peek(&s->frames, s->queue, q, d, n), i;
	unsigned got = 0;

	for (i = 0; i < there; i++)
		for (uint32_t at = 0; at < d[i].len && at < PREFETCH; at += LINE)
			__builtin_prefetch(xframes_at(&s->frames, d[i].addr + at), 1);
	for (i = 0; i < there; i++) {
		bool good = d[i].len && read_packet(s, &d[i], &v[got]);

		if (good && s->seen[v[got].socket] == s->batch) {
			s->more = true;
			break;
		}
		s->hand[s->n_hand++] = d[i].addr;
		if (good)
			s->seen[v[got++].socket] = s->batch;
		else
			s->counts->rx_strange++;
	}
	xframes_take(&s->frames, s->queue, q, i);
	return got;
}

/* The kernel gets frames to receive into; where its driver sleeps, it is woken. */
static void
feed_queue(struct io_xdp *s, uint32_t q)
{
	xframes_reap(&s->frames, s->queue, q);
	xframes_fill(&s->frames, s->queue, q);
	if (xring_sleeps(&s->queue[q].ring[XRING_FILL]))
		(void)recv(s->set.fd[XKEEPER_SOCKS + q], NULL, 0, MSG_DONTWAIT);
}

static unsigned
receive_batch(void *arg, struct io_packet *v, unsigned n)
{
	struct io_xdp *s = arg;
	unsigned got = 0;

	if (n > IO_BATCH)
		n = IO_BATCH;
	empty_hand(s);
	s->batch++;
	s->more = false;
	for (uint32_t i = 0; i < s->n_queues && s->n_hand < n; i++) {
		uint32_t q = (s->turn + i) % s->n_queues;

		got += receive_from(s, q, v + got, n - s->n_hand);
		feed_queue(s, q);
	}
	s->turn++;
	if (got < n && (got == 0 || ++s->since_steer >= STEER_EVERY)) {
		s->since_steer = 0;
		got += s->steer.do_rx(s->steer.arg, v + got, n - got);
	}
	return got;
}

/* ---- out ---- */

/* A packet that stands elsewhere moves into a frame of ours. */
static uint8_t *
move_in(struct io_xdp *s, const struct io_packet *k)
{
	uint64_t addr;

	if (s->n_hand == IO_BATCH || !xframes_get(&s->frames, &addr))
		return NULL;
	s->hand[s->n_hand++] = addr;
	memcpy(xframes_at(&s->frames, addr) + PAYLOAD_AT, k->p, k->len);
	return xframes_at(&s->frames, addr) + PAYLOAD_AT;
}

static uint8_t *
put_frame(void *arg, uint32_t ifindex, const struct io_packet *k)
{
	struct io_xdp *s = arg;
	uint32_t q = 0, head = FRAME_ETH + frame_head(k->addr.family);
	struct outgoing *out;
	uint8_t *p = k->p;

	while (q < s->n_queues && s->frames.head->ifindex[q] != ifindex)
		q++;
	if (q == s->n_queues)
		return NULL;
	if (!xframes_has(&s->frames, p))
		p = move_in(s, k);
	if (!p)
		return NULL;
	out = &s->out[q];
	out->desc[out->n++] = (struct xdp_desc){.addr = (uint64_t)(p - head - s->frames.base),
						.len = head + k->len};
	return p;
}

/* The kernel sends what stands in the ring, some 32 packets a call. What it leaves for now (no
 * room in the driver) it is asked for again with the next batch, or at the next tick. */
static void
kick_queue(struct io_xdp *s, uint32_t q)
{
	struct xring *tx = &s->queue[q].ring[XRING_TX];

	for (int i = 0; i < KICKS_MAX && xring_sleeps(tx); i++) {
		uint32_t before = __atomic_load_n(tx->other, __ATOMIC_ACQUIRE);

		if (before == tx->at)
			return;
		if (send(s->set.fd[XKEEPER_SOCKS + q], NULL, 0, MSG_DONTWAIT) >= 0 ||
		    errno != EAGAIN)
			return;
		if (__atomic_load_n(tx->other, __ATOMIC_ACQUIRE) == before)
			return;
	}
}

static unsigned
send_queue(struct io_xdp *s, uint32_t q)
{
	struct outgoing *out = &s->out[q];
	unsigned sent, n = out->n;

	xframes_reap(&s->frames, s->queue, q);
	sent = xframes_send(&s->frames, s->queue, q, out->desc, n);
	s->counts->tx_busy += n - sent;
	out->n = 0;
	kick_queue(s, q);
	return sent;
}

static unsigned
flush_frames(void *arg)
{
	struct io_xdp *s = arg;
	unsigned sent = 0;

	for (uint32_t q = 0; q < s->n_queues; q++)
		if (s->out[q].n)
			sent += send_queue(s, q);
	return sent;
}

static unsigned
send_batch(void *arg, const struct io_packet *v, unsigned n)
{
	struct io_xdp *s = arg;

	return s->steer.do_tx(s->steer.arg, v, n);
}

/* ---- the frame ---- */

/* What the rings lost, as the kernel counts it: more than all that a restart may bring. */
static void
tick(void *arg, uint64_t now_us)
{
	struct io_xdp *s = arg;

	s->steer.do_tick(s->steer.arg, now_us); /* sets rx_full anew */
	for (uint32_t q = 0; q < s->n_queues; q++) {
		struct xdp_statistics st = {0};
		socklen_t len = sizeof(st);

		if (getsockopt(s->set.fd[XKEEPER_SOCKS + q], SOL_XDP, XDP_STATISTICS, &st, &len) ==
		    0)
			s->counts->rx_full += st.rx_dropped + st.rx_ring_full;
		kick_queue(s, q);
	}
}

static void
detach_xdp(struct media_io *io)
{
	struct io_xdp *s = io->arg;

	if (s) {
		for (int q = 0; q < XFRAMES_QUEUES; q++)
			xring_unmap(s->queue[q].ring);
		xframes_unmap(&s->frames);
		io_set_fini(&s->set);
		if (s->steer.arg)
			io_steer_backend.do_detach(&s->steer);
		mem_free(s->seen);
		mem_free(s);
	}
	*io = (struct media_io){.fd = -1};
}

static enum err
attach_xdp(const struct media_plan *plan, struct io_counts *counts, struct media_io *out)
{
	struct io_xdp *s = mem_zalloc(1, sizeof(*s));
	struct steer_frames frames = {.arg = s, .do_put = put_frame, .do_flush = flush_frames};
	struct epoll_event ev = {.events = EPOLLIN};
	enum err e;

	if (!s)
		return ERR_NOMEM;
	*out = (struct media_io){.arg = s,
				 .do_rx = receive_batch,
				 .do_tx = send_batch,
				 .do_tick = tick,
				 .more = &s->more};
	s->plan = *plan;
	s->counts = counts;
	s->seen = mem_zalloc(2 * media_slots(plan), sizeof(*s->seen));
	e = s->seen ? io_set_watch(&s->set, XKEEPER_PLACES) : ERR_NOMEM;
	if (e == ERR_OK)
		e = io_steer_backend.do_attach(plan, counts, &s->steer);
	if (e == ERR_OK)
		e = io_steer_frames(&s->steer, &frames);
	if (e == ERR_OK && epoll_ctl(s->set.epoll, EPOLL_CTL_ADD, s->steer.fd, &ev) != 0)
		e = ERR_IO;
	if (e == ERR_OK)
		out->fd = s->set.epoll;
	else
		detach_xdp(out);
	return e;
}

/* Where all descriptors are here: find the frames as the worker before left them, and go on. */
static enum err
begin_work(struct io_xdp *s)
{
	const struct xframes_head *h = s->frames.head;

	if (!h)
		return ERR_OK;
	for (uint32_t q = 0; q < h->n_queues; q++)
		if (s->set.fd[XKEEPER_SOCKS + q] < 0)
			return ERR_OK;
	for (uint32_t q = 0; q < h->n_queues; q++) {
		enum err e = xring_map(s->set.fd[XKEEPER_SOCKS + q], h->rx_size, h->tx_size,
				       s->queue[q].ring);

		if (e != ERR_OK)
			return e;
	}
	xframes_attach(&s->frames, s->queue, h->n_queues);
	s->n_queues = h->n_queues;
	for (uint32_t q = 0; q < s->n_queues; q++) {
		for (uint32_t i = 0; i < h->rx_size; i += IO_BATCH)
			xframes_fill(&s->frames, s->queue, q);
		kick_queue(s, q);
	}
	return ERR_OK;
}

static enum err
add_xdp(struct media_io *io, uint32_t place, int fd)
{
	struct io_xdp *s = io->arg;
	enum err e;

	if (place < STEER_PLACES)
		return io_steer_backend.do_add(&s->steer, place, fd);
	e = io_set_take(&s->set, place, fd, place >= XKEEPER_SOCKS);
	if (e == ERR_OK && place == XKEEPER_FRAMES)
		e = xframes_map(fd, &s->frames);
	return e == ERR_OK ? begin_work(s) : e;
}

const struct io_backend io_xdp_backend = {
	.places = XKEEPER_PLACES,
	.do_make = xkeeper_make,
	.do_probe = xkeeper_probe,
	.do_attach = attach_xdp,
	.do_add = add_xdp,
	.do_detach = detach_xdp,
};
