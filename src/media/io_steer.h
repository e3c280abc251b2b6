/* `steer`: packets of all our ports through one socket a worker and family: a BPF program of our
 * own (bpf/steer.bpf.c) steers them there. Out through raw sockets, one a worker and local address,
 * so that routes, neighbours and netfilter are the kernel's as ever.
 *
 * `packet`: as `steer`, but packets leave as frames through a packet socket a worker, past routing,
 * netfilter and queueing disciplines: about a third cheaper. The next hop is the kernel's
 * (net/nexthop.h); a packet whose next hop is not known for sure, or that is too long for it,
 * leaves as with `steer`.
 *
 * Keeper needs CAP_BPF, CAP_NET_ADMIN and CAP_NET_RAW to make them; a worker needs nothing. */
#ifndef POSTERN_MEDIA_IO_STEER_H
#define POSTERN_MEDIA_IO_STEER_H

#include "media/io.h"

enum { IO_STEER_FRAGMENT = 1280 /* bytes of a fragment of a packet too long for the link */ };

extern const struct io_backend io_steer_backend; /* of both */

/* Another way out, for whole frames; the rest leaves as with `steer`. */
struct steer_frames {
	void *arg;
	/** Take this packet, of the batch that is sent, for the link. Where its payload shall stand
	 * (FRAME_MAX before it are written after the call), k->p or elsewhere; NULL: not by this
	 * way. */
	uint8_t *(*do_put)(void *arg, uint32_t ifindex, const struct io_packet *k);
	/** Send what was taken; returns how many packets left. */
	unsigned (*do_flush)(void *arg);
};

/** A worker's io of io_steer_backend gets this way out. NOMEM; IO: no next hops to be had. */
enum err io_steer_frames(struct media_io *io, const struct steer_frames *frames) NODISCARD;

#endif
