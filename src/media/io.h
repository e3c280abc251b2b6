/* What moves packets in and out, in batches: the narrow side of the relay towards the kernel. One
 * implementation now (io_sockets); the relay's tests have arrays instead. */
#ifndef POSTERN_MEDIA_IO_H
#define POSTERN_MEDIA_IO_H

#include "base/addr.h"

enum {
	IO_BATCH = 64,             /* packets in one call */
	IO_PACKET_MAX = 2048 - 64, /* bytes of a datagram */
	IO_HEADROOM = 64,          /* before it, for headers of other back ends */
};

/* A datagram in a buffer of the relay, worked on in place. */
struct io_packet {
	uint8_t *p;       /* the datagram; IO_PACKET_MAX bytes from here */
	uint32_t len;     /* 0: nothing, not sent */
	uint32_t socket;  /* 2 * slot, + 1 for the RTCP port */
	struct addr addr; /* rx: source; tx: destination */
	uint8_t dscp;     /* tx */
};

struct media_io {
	void *arg;
	/** Fill up to n packets (p is set, the rest is written); returns how many. Never blocks. A
	 * datagram above IO_PACKET_MAX is dropped. At most one packet a socket in a call, so that a
	 * worker killed with a batch in hand costs a stream one packet. */
	unsigned (*do_rx)(void *arg, struct io_packet *v, unsigned n);
	/** Send n packets; returns how many the kernel took. Never blocks. */
	unsigned (*do_tx)(void *arg, const struct io_packet *v, unsigned n);
};

#endif
