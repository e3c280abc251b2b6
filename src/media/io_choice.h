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

/** NULL: no such kind, or not in this build. */
const struct io_backend *io_backend_of(uint32_t kind);
/** As media.io of the configuration names it; "?": no such kind. */
const char *io_kind_name(uint32_t kind);
/** The places of a worker of this kind, which io_backend_of gives. */
uint32_t io_places(uint32_t kind, const struct media_plan *plan);
/** Keeper: all places of this kind. As do_make; on error nothing stays open. */
enum err io_make(uint32_t kind, const struct media_plan *plan, struct io_set *out,
		 char *why) NODISCARD;
/**
 * Keeper: make what is wanted. AUTO is steer, or sockets where steer cannot be had. Results as
 * do_make; how is written on error too. plan and out NULL: what it would take in this process,
 * ports aside; leaves nothing behind.
 */
enum err io_choose(uint32_t want, const struct media_plan *plan, struct io_set *out,
		   struct io_chosen *how) NODISCARD;

#endif
