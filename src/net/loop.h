/* The event loop of a role: epoll, timers, deferred calls, and mailboxes through which another
 * thread hands something over. One loop belongs to one thread; only loop_mail_post may be called
 * from another. Nothing here allocates after init. */
#ifndef POSTERN_NET_LOOP_H
#define POSTERN_NET_LOOP_H

#include <pthread.h>
#include <sys/epoll.h>

#include "base/list.h"
#include "base/timer.h"

enum {
	LOOP_EVENTS_MAX = 64,   /* taken from epoll in one iteration */
	LOOP_SOON_MAX = 256,    /* deferred calls run in one iteration; the rest in the next */
	LOOP_MAIL_MAX = 4096,   /* cap of a mailbox */
	LOOP_MAIL_BATCH = 64,   /* letters delivered from one mailbox in one iteration */
	LOOP_AT_ONCE_US = 200,  /* epoll that comes back within this time has not waited */
	LOOP_WAIT_MAX_MS = 1000 /* never sleeps longer, so that a watchdog sees it alive */
};

struct loop;

/* A watched descriptor; embedded by its owner, zeroed before the first loop_add. The loop never
 * closes fd. */
struct loop_fd {
	int fd;
	uint32_t events; /* EPOLLIN | EPOLLOUT as watched now (level-triggered) */
	uint32_t slot;   /* place in the loop's table + 1; 0 = not watched */
	void (*on_event)(void *arg, uint32_t events);
	void *arg;
};

/* A call deferred to the end of the iteration; embedded by its owner, zeroed before use. */
struct loop_soon {
	struct list node;
	void (*on_soon)(void *arg);
	void *arg;
};

/* Pointers from other threads, in order of posting. */
struct loop_mail {
	struct loop_fd lfd;
	pthread_mutex_t lock;
	void **ring;
	uint32_t max, first, n;
	void (*on_mail)(void *arg, void *letter);
	void *arg;
};

struct loop_slot {
	struct loop_fd *lfd;
	uint32_t generation; /* of this use of the slot: an event of an earlier use is skipped */
};

struct loop {
	int epoll;
	bool stop;
	uint64_t now;   /* us, read once an iteration */
	uint64_t ready; /* us: what is served in this iteration may be ready since then */
	uint64_t iterations;
	struct timers timers;
	struct list soon, soon_mark;
	struct loop_slot *slots;
	uint32_t *free; /* stack of free slots */
	uint32_t max_fds, n_free;
};

/**
 * Room for max_fds descriptors and max_timers timers. Also sets SIGPIPE to be ignored for the
 * process: writers see EPIPE instead.
 */
enum err loop_init(struct loop *l, uint32_t max_fds, uint32_t max_timers) NODISCARD;
/** Descriptors still watched are forgotten, not closed. */
void loop_fini(struct loop *l);

/** Watch w->fd for `events`; w->fd, on_event and arg are set by the caller. NOMEM: table full. */
enum err loop_add(struct loop *l, struct loop_fd *w, uint32_t events) NODISCARD;
/** Change what is watched; cheap when it is the same. w must be watched. */
enum err loop_mod(struct loop *l, struct loop_fd *w, uint32_t events) NODISCARD;
/**
 * Stop watching; call it before closing fd. Not watched is fine. Allowed in any callback, of w or
 * of another: events already fetched for it are skipped, even when the slot is used again.
 */
void loop_del(struct loop *l, struct loop_fd *w);

/** Microseconds of the monotonic clock, as of the beginning of this iteration. */
uint64_t loop_now(const struct loop *l);
/** Microseconds: since when what is served now may have been ready, at the earliest. Where the loop
 * had nothing to do it is loop_now; else the time at which it last looked. */
uint64_t loop_ready_since(const struct loop *l);
/** As timer_set at loop_now + in_us. FULL: more than max_timers. */
enum err loop_timer(struct loop *l, struct timer *t, uint64_t in_us) NODISCARD;
void loop_timer_stop(struct loop *l, struct timer *t);

/** Call s->on_soon(s->arg) at the end of this iteration (or the next, from within one). Once,
 * however often it is asked for before it runs. */
void loop_soon(struct loop *l, struct loop_soon *s);
/** Not pending is fine. */
void loop_soon_stop(struct loop_soon *s);

/** A mailbox of at most max letters (<= LOOP_MAIL_MAX). on_mail runs in the loop's thread. */
enum err loop_mail_init(struct loop *l, struct loop_mail *m, uint32_t max,
			void (*on_mail)(void *arg, void *letter), void *arg) NODISCARD;
/** Letters still inside go to on_mail first, so that their owner frees them. Nobody may be posting
 * any more: join the other thread before. */
void loop_mail_fini(struct loop *l, struct loop_mail *m);
/** From any thread. FULL: letter stays the caller's. */
enum err loop_mail_post(struct loop_mail *m, void *letter) NODISCARD;

/** One iteration: waits at most max_wait_ms (-1: until something is due), then events, timers,
 * deferred calls, in this order. IO: epoll failed. */
enum err loop_run_once(struct loop *l, int max_wait_ms) NODISCARD;
/** Iterations until loop_stop. */
enum err loop_run(struct loop *l) NODISCARD;
void loop_stop(struct loop *l);

#endif
