/* The generator's way into the kernel: one AF_XDP socket in copy mode that takes every UDP datagram
 * of a device, and sends. Frames below XSK_TX are for sending, the rest for receiving. */
#ifndef POSTERN_TESTS_BENCH_XSK_H
#define POSTERN_TESTS_BENCH_XSK_H

#include <stdbool.h>
#include <stdint.h>

enum {
	XSK_FRAME = 2048, /* bytes */
	XSK_TX = 8192,    /* frames */
	XSK_RX = 16384,
	XSK_BATCH = 64,
};

struct xsk_ring {
	uint32_t *producer, *consumer, *flags;
	void *desc;
	uint32_t mask, at; /* at: the next place of ours */
};

struct xsk {
	int fd, map_fd, prog_fd, link_fd;
	uint8_t *umem;
	struct xsk_ring rx, tx, fill, done;
	uint32_t free[XSK_TX], n_free; /* frames to send with */
};

struct xsk_frame {
	uint8_t *p; /* from the Ethernet header on */
	uint32_t len, place;
};

/** Attach to the device's first queue. Ends the program when it cannot. */
void xsk_open(struct xsk *x, unsigned ifindex);
void xsk_close(struct xsk *x);
/** A frame to write into; false: none is free now. */
bool xsk_take(struct xsk *x, struct xsk_frame *f);
/** Queue it. */
void xsk_put(struct xsk *x, const struct xsk_frame *f);
/** Have the kernel send what is queued. */
void xsk_kick(struct xsk *x);
/** Up to XSK_BATCH received frames; give them back with xsk_return before the next call. */
unsigned xsk_receive(struct xsk *x, struct xsk_frame *v);
void xsk_return(struct xsk *x, const struct xsk_frame *v, unsigned n);
/** Received datagrams that the kernel dropped because we were late, since xsk_open. */
uint64_t xsk_dropped(const struct xsk *x);

#endif
