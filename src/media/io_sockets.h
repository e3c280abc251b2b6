/* Packets over plain UDP sockets, one a port: works everywhere without privileges, and the
 * reference for the other back ends. Keeper binds them at its start; the worker only receives and
 * sends. Places: 2 * slot is the slot's RTP socket, 2 * slot + 1 its RTCP socket. */
#ifndef POSTERN_MEDIA_IO_SOCKETS_H
#define POSTERN_MEDIA_IO_SOCKETS_H

#include "media/io.h"

enum {
	IO_SOCKETS_BUFFER = 128 * 1024
}; /* receive buffer of a socket, bytes: what waits in a restart */

extern const struct io_backend io_sockets_backend;

/** Open one of the plan's sockets, bound, non-blocking; -1 and why[IO_WHY_MAX]. */
int io_sockets_open(const struct media_plan *plan, uint32_t place, char *why);

#endif
