/* Admin's side of `postern ready`: two requests of the control socket, of which the first begins a
 * check and the second asks what became of it. One check at a time; it ends when the client that
 * began it is gone. */
#ifndef POSTERN_APP_ADMIN_READY_H
#define POSTERN_APP_ADMIN_READY_H

#include "app/admin_msg.h"
#include "conf/conf.h"
#include "ready/facts.h"
#include "ready/profile.h"

enum {
	READY_LATE_US = 200 * CLOCK_S, /* on top of the waiting time: no facts will come any more */
	READY_END_US = 15 * CLOCK_S,   /* until a check that was stopped has ended */
	READY_WAIT_MAX_S = 600,
	READY_ERROR_MAX = 256,
};

/* ENDS: stopped, but signaling has not said yet that it is over. */
enum ready_stage { READY_IDLE, READY_RUNS, READY_ENDS, READY_IS_DONE, READY_IS_BROKEN };

struct admin_ready {
	const struct conf *conf;   /* borrowed */
	struct channel *signaling; /* borrowed */
	/* a report was made; json: what the store keeps. May be NULL */
	void (*on_report)(void *arg, const struct probe_facts *f, const struct ready_report *r,
			  struct str json);
	void *arg;
	enum ready_stage stage;
	uint32_t number; /* of the last job */
	struct probe_job job;
	const void *asker; /* who began it, as in admin_ready_answer */
	int64_t began_us;  /* wall */
	uint64_t due_us;   /* monotonic: given up then */
	char error[READY_ERROR_MAX];
	struct probe_facts facts;   /* of the last job that was done */
	struct ready_report report; /* likewise */
	bool has_profile;
	struct ready_profile profile; /* of the last job */
};

/** Is it a request of ours? Then b holds the answer. asker: the client, told apart by address. */
bool admin_ready_answer(struct admin_ready *r, struct str line, const void *asker, struct buf *b);
/** This client is gone: what it began ends. */
void admin_ready_gone(struct admin_ready *r, const void *asker);
/** ADMIN_READY_DONE came; fd: -1 = none; stays the caller's. */
void admin_ready_take(struct admin_ready *r, const struct admin_ready_done *done, int fd);
/** Signaling is gone: a check that runs is lost. */
void admin_ready_lost(struct admin_ready *r);

#endif
