/* Packets over plain UDP sockets, one a port: works everywhere without privileges. Keeper binds
 * them at its start and passes them on; the worker only receives and sends. */
#ifndef POSTERN_MEDIA_IO_SOCKETS_H
#define POSTERN_MEDIA_IO_SOCKETS_H

#include "media/ctl.h"
#include "media/io.h"

enum {
	IO_SOCKETS_BUFFER = 128 * 1024
}; /* receive buffer of a socket, bytes: what waits in a restart */

struct io_sockets {
	struct media_io io;
	int fd;        /* epoll: readable when a packet waits; poll it */
	int *socks;    /* 2 a slot; -1 = not there yet */
	uint8_t *dscp; /* set on the socket now */
	uint32_t n;
};

/**
 * For keeper: bind the RTP and RTCP socket of each slot of the plan: fds[2 * media_slots(plan)],
 * non-blocking, close-on-exec. On error nothing stays open, and why[cap] says which address:port
 * and what the kernel said.
 */
enum err io_sockets_bind(const struct media_plan *plan, int *fds, char *why, size_t cap) NODISCARD;

/** For the worker: no socket yet. NOMEM, IO. */
enum err io_sockets_init(struct io_sockets *s, uint32_t n_slots) NODISCARD;
/** Closes what it took. */
void io_sockets_fini(struct io_sockets *s);
/** The sockets from index `first` on. Takes fds, also on error. RANGE, EXISTS, IO. */
enum err io_sockets_add(struct io_sockets *s, uint32_t first, const int *fds, uint32_t n) NODISCARD;

#endif
