/* The frames of the AF_XDP sockets (their UMEM), and whose each is. They lie in a segment that
 * keeper holds, with one byte a frame that says who owns it, so that a worker that comes after one
 * killed at any instruction finds every frame: none is lost, none has two owners.
 *
 * How: a packet that the kernel shows in a ring stays the kernel's until our index has passed it,
 * whatever its byte says (xframes_attach sets the bytes anew from the rings). To give frames away,
 * a note says which ring, from where, how many, before a byte is changed: whether our index then
 * moved or not tells what came of it. What is nobody's or the worker's by its byte is idle for the
 * next one.
 *
 * One thread. */
#ifndef POSTERN_MEDIA_XFRAMES_H
#define POSTERN_MEDIA_XFRAMES_H

#include "base/shm.h"
#include "media/io.h"
#include "net/xring.h"

enum {
	XFRAMES_SHIFT = 11,
	XFRAMES_SIZE = 1 << XFRAMES_SHIFT, /* bytes of a frame */
	XFRAMES_QUEUES = 32,               /* sockets over one set of frames */
	XFRAMES_SPARE = 2 * IO_BATCH,      /* frames in the worker's hand */
	XFRAMES_VERSION = 1,
};
#define XFRAMES_MAGIC UINT64_C(0x314d415246545350) /* "PSTFRAM1" */

/* One AF_XDP socket: a queue of an interface. */
struct xqueue {
	struct xring ring[XRING_N];
	uint32_t filled;  /* frames that the kernel has to receive into, or that wait in rx */
	uint32_t sending; /* frames that the kernel has to send, or that wait in completion */
};

struct xframes_head {
	struct shm_head shm;
	uint32_t n_frames, n_queues, rx_size, tx_size;
	uint64_t base;                    /* where frame 0 begins in the segment */
	uint64_t note;                    /* frames being given away now; 0 = none */
	uint32_t ifindex[XFRAMES_QUEUES]; /* of each socket: set by keeper */
	uint8_t owner[];                  /* n_frames */
};

struct xframes {
	struct shm shm;
	struct xframes_head *head;
	uint8_t *base;  /* frame 0 */
	uint32_t *idle; /* frames that nobody uses */
	uint32_t n_idle;
};

/**
 * Keeper: a segment for n_queues sockets with rx_size slots in fill and rx, tx_size in completion
 * and tx (powers of two): enough frames that none of them ever waits for one. RANGE, IO.
 */
enum err xframes_create(uint32_t n_queues, uint32_t rx_size, uint32_t tx_size, int *fd) NODISCARD;
/** Map the segment. VERSION, IO, NOMEM. */
enum err xframes_map(int fd, struct xframes *out) NODISCARD;
void xframes_unmap(struct xframes *x);
/** The worker: whatever the one before left, each frame is the kernel's or idle after this. */
void xframes_attach(struct xframes *x, struct xqueue *q, uint32_t n_queues);

/** Give idle frames to q's fill ring as far as it has room. */
void xframes_fill(struct xframes *x, struct xqueue *v, uint32_t q);
/** The next packets of q's rx ring, at most n, not taken yet; a broken descriptor shows as len 0.
 */
uint32_t xframes_peek(const struct xframes *x, struct xqueue *v, uint32_t q, struct xdp_desc *out,
		      uint32_t n);
/** The first n that xframes_peek showed are the worker's, until xframes_send or xframes_drop. */
void xframes_take(struct xframes *x, struct xqueue *v, uint32_t q, uint32_t n);
/** Send n packets, whose frames are the worker's; returns how many, from the first on, were taken.
 */
uint32_t xframes_send(struct xframes *x, struct xqueue *v, uint32_t q, const struct xdp_desc *in,
		      uint32_t n);
/** What was sent comes back to the idle frames. */
void xframes_reap(struct xframes *x, struct xqueue *v, uint32_t q);
/** A frame in the worker's hand becomes idle; nothing happens to one that was sent. */
void xframes_drop(struct xframes *x, uint64_t addr);
/** An idle frame becomes the worker's; false: none. */
bool xframes_get(struct xframes *x, uint64_t *addr) NODISCARD;

/** Where addr lies in our memory. */
static inline uint8_t *
xframes_at(const struct xframes *x, uint64_t addr)
{
	return x->base + addr;
}
/** Does p lie in a frame? */
static inline bool
xframes_has(const struct xframes *x, const uint8_t *p)
{
	return p >= x->base && p < x->base + ((size_t)x->head->n_frames << XFRAMES_SHIFT);
}

#endif
