/* One ring of an AF_XDP socket, mapped by ourselves. The kernel owns one index, we the other; each
 * side stores its own with release and reads the other's with acquire, so that what stands in the
 * slots is seen before the index that shows them. The rings are the kernel's memory: they outlive
 * the process that mapped them. One thread a ring. */
#ifndef POSTERN_NET_XRING_H
#define POSTERN_NET_XRING_H

#include <linux/if_xdp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum xring_kind {
	XRING_FILL,       /* ours to the kernel: frames to receive into; uint64_t addresses */
	XRING_COMPLETION, /* the kernel's to us: frames that were sent; uint64_t addresses */
	XRING_RX,         /* the kernel's to us: packets; struct xdp_desc */
	XRING_TX,         /* ours to the kernel: packets; struct xdp_desc */
	XRING_N
};

struct xring {
	uint32_t *own; /* our index in the mapping: producer of fill and tx, else consumer */
	const uint32_t *other; /* the kernel's */
	const uint32_t *flags;
	void *slots;
	uint32_t at;   /* *own */
	uint32_t seen; /* *other when it was read last */
	uint32_t size; /* slots, a power of two */
	void *map;     /* NULL: not mapped by xring_map */
	size_t map_size;
};

/** Map the four rings of a socket, which keeper made with these sizes; what is mapped on an error
 * is xring_unmap's. IO: errno says why. */
enum err xring_map(int fd, uint32_t rx_size, uint32_t tx_size, struct xring out[XRING_N]) NODISCARD;
/** Fine on zeros. */
void xring_unmap(struct xring r[XRING_N]);

/* of fill and completion */
static inline uint64_t *
xring_addr(const struct xring *r, uint32_t i)
{
	return (uint64_t *)r->slots + (i & (r->size - 1));
}

/* of rx and tx */
static inline struct xdp_desc *
xring_desc(const struct xring *r, uint32_t i)
{
	return (struct xdp_desc *)r->slots + (i & (r->size - 1));
}

/** Consumer: how many slots from r->at on are there to take, at most `want`. */
static inline uint32_t
xring_ready(struct xring *r, uint32_t want)
{
	if (r->seen - r->at < want)
		r->seen = __atomic_load_n(r->other, __ATOMIC_ACQUIRE);
	return r->seen - r->at < want ? r->seen - r->at : want;
}

/** Producer: how many slots from r->at on are free, at most `want`. */
static inline uint32_t
xring_room(struct xring *r, uint32_t want)
{
	if (r->size - (r->at - r->seen) < want)
		r->seen = __atomic_load_n(r->other, __ATOMIC_ACQUIRE);
	return r->size - (r->at - r->seen) < want ? r->size - (r->at - r->seen) : want;
}

/** Both: n slots from r->at on are the kernel's now. */
static inline void
xring_pass(struct xring *r, uint32_t n)
{
	r->at += n;
	__atomic_store_n(r->own, r->at, __ATOMIC_RELEASE);
}

/** Fill and tx: the kernel sleeps, and looks only when it is called. */
static inline bool
xring_sleeps(const struct xring *r)
{
	return __atomic_load_n(r->flags, __ATOMIC_RELAXED) & XDP_RING_NEED_WAKEUP;
}

#endif
