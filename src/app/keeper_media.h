/* Keeper's part of packet I/O: what the back end needs is made once, held for good, and given to
 * each media process as it starts. */
#ifndef POSTERN_APP_KEEPER_MEDIA_H
#define POSTERN_APP_KEEPER_MEDIA_H

#include "app/keeper_msg.h"
#include "conf/conf.h"
#include "media/io_choice.h"

struct keeper_media {
	struct io_set set;
	struct io_chosen how;
	uint32_t sent; /* places that the present media process has been given; 0 for a new one */
};

/** As the configuration wants it; says in the log what was taken and why, or what is wrong. */
enum err keeper_media_make(struct keeper_media *m, const struct conf *conf) NODISCARD;
/** To media over its channel, as far as that takes it now. */
void keeper_media_send(struct keeper_media *m, struct channel *chan);
/** Is there more to send? */
bool keeper_media_waits(const struct keeper_media *m);

#endif
