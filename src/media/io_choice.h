/* Which back end moves the packets: all there are, by kind and by name, and the choice of one. */
#ifndef POSTERN_MEDIA_IO_CHOICE_H
#define POSTERN_MEDIA_IO_CHOICE_H

#include "media/io.h"

/* What media.io of the configuration may say; the place in these words is what is wanted. */
#define IO_WORDS "auto sockets steer packet xdp"
enum { IO_WANT_AUTO, IO_WANT_FIRST /* + enum io_kind: this one and no other */ };

struct io_chosen {
	uint32_t kind;        /* enum io_kind */
	char why[IO_WHY_MAX]; /* why not a better one, or why not at all; "" = nothing to say */
};

/** NULL: no such kind. */
const struct io_backend *io_backend_of(uint32_t kind);
/**
 * Keeper: make what is wanted. AUTO is steer, or sockets where steer cannot be had. Results as
 * do_make; how is written on error too.
 */
enum err io_choose(uint32_t want, const struct media_plan *plan, struct io_set *out,
		   struct io_chosen *how) NODISCARD;
/** What io_choose would take in this process, ports aside. Leaves nothing behind. */
enum err io_probe(uint32_t want, struct io_chosen *how) NODISCARD;

#endif
