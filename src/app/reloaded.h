/* admin's side of a reload: the number of each question, and what became of the last one. */
#ifndef POSTERN_APP_RELOADED_H
#define POSTERN_APP_RELOADED_H

#include "conf/read.h"
#include "app/keeper_msg.h"
#include "ops/show.h"

struct reloaded {
	uint64_t asked, done; /* tickets: given out last, answered last */
	enum reload_outcome outcome;
	char why[KEEPER_WHY_MAX];
	char text[CONFREAD_TEXT_MAX]; /* lines */
	size_t text_len;
};

/** Tickets go on above those of an earlier life. */
void reloaded_init(struct reloaded *r);
/** Ask keeper over its channel. The channel's errors. */
enum err reloaded_ask(struct reloaded *r, struct channel *keeper, uint64_t *ticket) NODISCARD;
/** The outcome came. fd: sealed text, -1 = none; taken. Raises and clears the alarms. */
void reloaded_take(struct reloaded *r, const struct keeper_reloaded *m, int fd, struct alarms *as);
/** For show: false: nobody asked with this number here. */
bool reloaded_outcome(const struct reloaded *r, uint64_t ticket, struct show_reload *out);

#endif
