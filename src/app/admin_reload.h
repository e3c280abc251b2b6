/* admin's side of a reload: the number of each question, and what became of the last one. */
#ifndef POSTERN_APP_ADMIN_RELOAD_H
#define POSTERN_APP_ADMIN_RELOAD_H

#include "conf/read.h"
#include "app/keeper_msg.h"
#include "ops/show.h"

struct admin_reload {
	uint64_t asked, done; /* tickets: given out last, answered last */
	enum reload_outcome outcome;
	char why[KEEPER_WHY_MAX];
	char text[CONFREAD_TEXT_MAX]; /* lines */
	size_t text_len;
};

/** Tickets go on above those of an earlier life. */
void admin_reload_init(struct admin_reload *r);
/** At the start. epoch: of admin's life; in the first one keeper has begun anew with the files as
 * they stand, and what an earlier one said of a reload is over: its alarms are cleared. */
void admin_reload_started(uint64_t epoch, struct alarms *as);
/** Ask keeper over its channel. The channel's errors. */
enum err admin_reload_ask(struct admin_reload *r, struct channel *keeper,
			  uint64_t *ticket) NODISCARD;
/** The outcome came. fd: sealed text, -1 = none; taken. Raises and clears the alarms. */
void admin_reload_take(struct admin_reload *r, const struct keeper_reloaded *m, int fd,
		       struct alarms *as);
/** For show: false: nobody asked with this number here. */
bool admin_reload_outcome(const struct admin_reload *r, uint64_t ticket, struct show_reload *out);

#endif
