/* Packets of all our ports through one socket a worker and family: a BPF program of our own
 * (bpf/steer.bpf.c) steers them there. Out through raw sockets, one a worker and local address, so
 * that routes, neighbours and netfilter are the kernel's as ever. Keeper needs CAP_BPF,
 * CAP_NET_ADMIN and CAP_NET_RAW to make it; a worker needs nothing.
 *
 * Places: IO_STEER_PLACES a worker: receiving IPv4 and IPv6, then sending from each address. */
#ifndef POSTERN_MEDIA_IO_STEER_H
#define POSTERN_MEDIA_IO_STEER_H

#include "media/io.h"

enum {
	IO_STEER_PLACES = 2 + MEDIA_ADDRS_MAX,
	IO_STEER_BUFFER_SLOT = 64 * 1024, /* bytes of receive buffer a slot of the worker, within */
	IO_STEER_BUFFER_MIN = 8 * 1024 * 1024,
	IO_STEER_BUFFER_MAX = 64 * 1024 * 1024,
	IO_STEER_SEND_BUFFER = 4 * 1024 * 1024,
	IO_STEER_FRAGMENT = 1280, /* bytes of a fragment where a packet is too long for the link */
};

extern const struct io_backend io_steer_backend;

#endif
