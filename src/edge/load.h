/* Overload: how long messages wait before they are handled, and which share of new calls is
 * admitted because of it (RFC 6357); whose, says edge/share.h. As CoDel does it, the least delay of
 * a window counts, and only one that stands above the target for a while: a burst that is worked
 * off is none. Then the share follows how far the delay is from the target and how it moves, as PIE
 * does (RFC 8033), so that it settles at the target, with neither an idle server nor a queue. What
 * belongs to calls that are there, and emergency calls, are none of its business. Pure: `now` comes
 * in. */
#ifndef POSTERN_EDGE_LOAD_H
#define POSTERN_EDGE_LOAD_H

#include <stdbool.h>
#include <stdint.h>

enum {
	LOAD_TARGET_US = 20000, /* a delay that may stand */
	LOAD_WINDOW_US = 20000,
	LOAD_ENTER = 5,     /* windows above the target until calls are refused */
	LOAD_ONE = 1 << 16, /* the share of all */
	LOAD_LEAST = LOAD_ONE / 256,
	/* A change of the share in a window, in thousandths of it: for each LOAD_TARGET_US that the
	 * delay is above the target, and that it grew since the last window; and at most */
	LOAD_ABOVE = 100,
	LOAD_GREW = 500,
	LOAD_DOWN_MAX = 300,
	LOAD_UP_MAX = 100,
	LOAD_IDLE_US = 500000, /* without a message: all is over */
	/* Refusing may take one part in so many of all time, .. */
	LOAD_REFUSE_PART = 10,
	LOAD_REFUSE_AHEAD_US = 20000, /* .. and so much of that ahead, all parts counted */
};

enum load_way { LOAD_DATAGRAM, LOAD_STREAM, LOAD_WAYS };

struct load {
	uint64_t window_end;
	/* delay in this window, of each way in; UINT64_MAX: no message came. The worse one counts:
	 * what is read at once does not hide what waits */
	uint64_t least_us[LOAD_WAYS];
	uint64_t delay_us;   /* of the last window */
	uint32_t above;      /* windows in a row above the target */
	uint32_t share;      /* of new calls, in parts of LOAD_ONE */
	uint64_t changed_us; /* when share changed last: number of what peers are told */
};

/* What is spent on refusing, so that a server with ten times its load does not only refuse. */
struct load_budget {
	uint64_t paid_us; /* what was spent is paid for until then */
};

/** Is there time to refuse something now? */
bool load_may_refuse(const struct load_budget *b, uint64_t now_us);
/** A refusal took so long. */
void load_refused(struct load_budget *b, uint64_t took_us, uint64_t now_us);
/** When there is time again; now_us or before: there is. */
uint64_t load_refuse_again(const struct load_budget *b);

void load_init(struct load *l);
/** The window may be over: see so. */
void load_look(struct load *l, uint64_t now_us);
/** A message was handled that had waited so long. */
void load_note(struct load *l, enum load_way way, uint64_t delay_us, uint64_t now_us);
/** How many of a hundred new calls are refused. */
unsigned load_percent(const struct load *l);

#endif
