/* keeper's part of a reload: one at a time. A child reads (confread.h), signaling is offered the
 * result and says whether it took it; only then it is kept, and admin told. Whatever fails before
 * leaves everything as it was.
 *
 *   IDLE --asked--> READING --child ends--> OFFERED --signaling answers--> IDLE
 *                      |                       |
 *                      +-- refused, time-out --+-- signaling died --> IDLE, the old stays
 *
 * Asked in the middle, another one follows. */
#ifndef POSTERN_APP_KEEPER_RELOAD_H
#define POSTERN_APP_KEEPER_RELOAD_H

#include "conf/read.h"
#include "app/keeper_msg.h"
#include "app/filewatch.h"

enum {
	RELOAD_READ_MS = 60000,  /* the child has so long */
	RELOAD_REASON_MAX = 512, /* of its first line, in the log */
};

enum reload_state { RELOAD_IDLE, RELOAD_READING, RELOAD_OFFERED };

struct keeper_reload {
	enum reload_state state;
	struct confread read;
	struct conf next; /* OFFERED */
	struct filewatch watch;
	const char *path;
	bool asked;
	bool restart; /* OFFERED: some of it needs a restart */
	/* The number of a question; answers to it and to earlier ones come with the outcome. */
	uint64_t wanted, running;
	uint64_t deadline_us; /* READING */
	void *arg;
	/* Hand it to signaling; false: it does not run, or does not take it now. */
	bool (*on_offer)(void *arg, const struct confread *r, uint64_t ticket);
	/* It is in use from now on: take conf and the descriptors out of r. */
	void (*on_adopt)(void *arg, struct confread *r, const struct conf *next);
	/* The outcome of all questions up to ticket; text_fd is borrowed, may be -1. */
	void (*on_outcome)(void *arg, uint64_t ticket, enum reload_outcome o, const char *why,
			   int text_fd);
};

/** Ask for one; ticket 0: nobody waits for its outcome. */
void keeper_reload_ask(struct keeper_reload *r, uint64_t ticket);
/** Each round of keeper's loop: watches the files, starts what was asked. now: what is in use. */
void keeper_reload_step(struct keeper_reload *r, const struct confread_now *now, uint64_t now_us);
/** True: pid was the reading child. running: signaling is there to take it. */
bool keeper_reload_child_ended(struct keeper_reload *r, pid_t pid, int status, bool running);
/** signaling answered. */
void keeper_reload_taken(struct keeper_reload *r, uint64_t ticket, bool ok, const char *why);
/** signaling died: what was offered to it is not kept. */
void keeper_reload_lost(struct keeper_reload *r);
/** postern stops. */
void keeper_reload_end(struct keeper_reload *r);

#endif
