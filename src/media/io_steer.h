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
	IO_STEER_PLACES = 2 + MEDIA_ADDRS_MAX, /* of a worker */
	IO_STEER_FRAGMENT = 1280, /* bytes of a fragment where a packet is too long for the link */
};

extern const struct io_backend io_steer_backend;

#endif
