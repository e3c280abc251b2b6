/* As `steer`, but packets leave through a packet socket a worker, past routing, netfilter and
 * queueing disciplines: about a third cheaper. The next hop is the kernel's (nexthop.h); a packet
 * whose next hop is not known for sure, or that is too long for it, takes steer's way out.
 *
 * Places: steer's, then one packet socket a worker. */
#ifndef POSTERN_MEDIA_IO_PACKET_H
#define POSTERN_MEDIA_IO_PACKET_H

#include "media/io.h"

extern const struct io_backend io_packet_backend;

#endif
