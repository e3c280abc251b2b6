/* Keeper's half of `steer` (io_steer.h): the sockets, and the BPF program that gives them their
 * packets. */
#ifndef POSTERN_MEDIA_STEER_MAKE_H
#define POSTERN_MEDIA_STEER_MAKE_H

#include "media/io.h"

enum {
	STEER_V4,
	STEER_V6,
	STEER_FAMILIES,
	/* of a worker: a receiver of each family, then a sender of each address */
	STEER_PLACES = STEER_FAMILIES + MEDIA_ADDRS_MAX,
	STEER_BUFFER_SLOT = 64 * 1024, /* bytes of receive buffer a slot of the worker, within */
	STEER_BUFFER_MIN = 8 * 1024 * 1024,
	STEER_BUFFER_MAX = 64 * 1024 * 1024,
	STEER_SEND_BUFFER = 4 * 1024 * 1024,
};

/** As do_make and do_probe of a back end. */
enum err steer_make(const struct media_plan *plan, struct io_set *out, char *why) NODISCARD;
enum err steer_probe(char *why) NODISCARD;

#endif
