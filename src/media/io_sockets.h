/* Packets over plain UDP sockets, one a port: works everywhere without privileges, and the
 * reference for the other back ends. Keeper binds them at its start; the worker only receives and
 * sends. Places of a worker: 2 * slot is the slot's RTP socket, 2 * slot + 1 its RTCP socket; those
 * of other workers' slots stay empty. */
#ifndef POSTERN_MEDIA_IO_SOCKETS_H
#define POSTERN_MEDIA_IO_SOCKETS_H

#include "media/io.h"

enum {
	IO_SOCKETS_BUFFER = 128 * 1024
}; /* receive buffer of a socket, bytes: what waits in a restart */

extern const struct io_backend io_sockets_backend;

/** Open socket 2 * slot or 2 * slot + 1 of the plan. As io_udp. */
enum err io_sockets_open(const struct media_plan *plan, uint32_t socket, int *fd,
			 char *why) NODISCARD;

#endif
