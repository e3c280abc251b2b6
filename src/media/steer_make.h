/* Keeper's half of `steer` and `packet` (io_steer.h): the sockets, and the BPF program that gives
 * them their packets. */
#ifndef POSTERN_MEDIA_STEER_MAKE_H
#define POSTERN_MEDIA_STEER_MAKE_H

#include "media/io.h"

/* Places of a worker: a receiver of each family, a sender of each address, and for `packet` a
 * socket for frames. Those of `xdp` begin with these. */
enum {
	STEER_V4,
	STEER_V6,
	STEER_FAMILIES,
	STEER_FRAMES = STEER_FAMILIES + MEDIA_ADDRS_MAX,
	STEER_PLACES,
	STEER_BUFFER_SLOT = 64 * 1024, /* bytes of receive buffer a slot of the worker, within */
	STEER_BUFFER_MIN = 8 * 1024 * 1024,
	STEER_BUFFER_MAX = 64 * 1024 * 1024,
	STEER_SEND_BUFFER = 4 * 1024 * 1024,
};

/** As do_make of a back end and do_probe. */
enum err steer_make(const struct media_plan *plan, enum io_kind kind, struct io_set *set,
		    char *why) NODISCARD;
enum err steer_probe(char *why) NODISCARD;

#endif
