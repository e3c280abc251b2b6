/* Answers to the questions of the control socket: stats, calls, handshakes, explain, hangup,
 * reload, alarms, gateways. A request is an object with "cmd"; an answer one with "ok". */
#ifndef POSTERN_OPS_SHOW_H
#define POSTERN_OPS_SHOW_H

#include "base/metric.h"
#include "ha/records.h"
#include "ops/alarm.h"
#include "ops/gateways.h"
#include "ops/showhands.h"
#include "ops/showtrace.h"

enum {
	SHOW_PAGES_MAX = 32,
	SHOW_CALLS_LIMIT = 10000,
};

/* What became of a reload. Borrowed for the answer. */
struct show_reload {
	bool done;             /* else it is under way, and the rest says nothing */
	bool refused, restart; /* restart: some of it needs one */
	const char *why;
	struct str text; /* lines */
};

/* Where answers come from; borrowed, all for the life of struct show. */
struct show {
	const struct metric_page *page[SHOW_PAGES_MAX]; /* of roles and workers */
	uint32_t n_pages;
	const struct records *records;
	const struct alarms *alarms;
	struct gateways *gateways; /* NULL: none are known */
	const struct tracering *trace;
	const char *cdr_path;
	const struct media_totals *media;  /* MEDIA_WORKERS_MAX of them, or NULL */
	const char *srtp;                  /* what media does SRTP with, or NULL */
	const char *io;                    /* the back end of media's packet I/O, or NULL */
	const struct io_counts *io_counts; /* of MEDIA_WORKERS_MAX workers, or NULL */
	/* what the node says of itself */
	const char *version, *node;
	uint64_t epoch, store_version; /* store_version: of the snapshot in use */
	bool store_broken, shared_uid;
	uint32_t uid;
	void *arg;
	/* packets of a leg so far; false: not known */
	bool (*do_media_stats)(void *arg, uint32_t slot, uint32_t generation,
			       struct media_stats *out);
	/* pass on to signaling; the id is of a live call */
	enum err (*do_hangup)(void *arg, const struct id *id);
	/* the store at once (its result); the rest is asked for, ticket 0: it could not be */
	enum err (*do_reload)(void *arg, uint64_t *ticket);
	/* false: nobody has this number */
	bool (*do_outcome)(void *arg, uint64_t ticket, struct show_reload *out);
	/* The store of handshakes, with all of the ring in it, and the ring; NULL and why: it
	 * cannot be used now. */
	struct handstore *(*do_handshakes)(void *arg, const struct handring **ring,
					   const char **why);
};

/** Answer one line; always a whole object, never an error. For struct control's on_line. */
void show_answer(struct show *s, struct str line, struct buf *b);

#endif
