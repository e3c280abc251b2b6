/* Packets through AF_XDP: in by a program of our own on the interface (bpf/xdp.bpf.c) that puts
 * frames into our memory, out by writing whole frames into it; in place, nothing copied by us. The
 * kernel's IP, netfilter and tcpdump see none of these packets. What the program passes on, and
 * what has no next hop that is sure, goes through `steer`, which lies beneath.
 *
 * Keeper needs CAP_NET_ADMIN, CAP_NET_RAW and CAP_BPF, and locked memory; a worker needs nothing.
 */
#ifndef POSTERN_MEDIA_IO_XDP_H
#define POSTERN_MEDIA_IO_XDP_H

#include "media/io.h"

extern const struct io_backend io_xdp_backend;

#endif
