/* A media worker: the relay over packet I/O, the segments that keeper holds, and its channel to
 * signaling. Everything that must outlive it stands in the segments and in the kernel. One thread;
 * workers share nothing but the segments, where each writes lines of its own.
 *
 * Commands are looked for whenever packets were received and before these are looked at; without
 * packets, they gather for some milliseconds. */
#ifndef POSTERN_MEDIA_MEDIA_H
#define POSTERN_MEDIA_MEDIA_H

#include "base/channel.h"
#include "media/control.h"
#include "media/io_choice.h"

enum {
	MEDIA_EVENTS_MAX = 2048,   /* messages to signaling that may wait */
	MEDIA_COMMANDS_MAX = 1024, /* commands applied at a time: more than a socket holds */
};

/* How a worker waits for packets (media_setup.tick_us): a packet wakes it at once; or it lets them
 * gather for so long, which costs less a packet; or by load: woken where they are few, a tick of
 * 250 us to 1 ms where they are many, none while batches come full. */
#define MEDIA_TICK_EVENT UINT32_C(0)
#define MEDIA_TICK_ADAPTIVE UINT32_MAX

/* What keeper decided, and media is started with: a sealed blob. */
struct media_setup {
	struct media_plan plan;
	uint32_t io;      /* enum io_kind */
	uint32_t tick_us; /* MEDIA_TICK_* or microseconds */
};

struct media {
	const struct media_setup *setup;
	struct flow_table flows;
	struct flow_secrets secrets;
	const struct io_backend *backend;
	struct media_io io;
	struct srtp_ctx srtp;
	struct relay relay;
	struct channel commands; /* its descriptor is -1 while signaling is not there */
	int next_end;            /* what media_bind brought and the worker has not taken; -1 */
	uint64_t commands_us;    /* until when they gather; 0: the first one wakes us */
	uint64_t tick_us;        /* when the next control_tick is due */
	uint64_t batch_us;       /* when the last batch began */
	uint64_t counted,
		counted_us; /* packets since the last measure of the load, and when that was */
	uint32_t pace_us;   /* tick in use; 0: a packet wakes us */
	bool busy;          /* the last batch left something: do not sleep */
	bool has_relay, stop;
};

/**
 * Map the segments (flow table, secrets: borrowed), repair and rebuild what belongs to this worker.
 * setup outlives m. VERSION: segments of another layout; CONFIG: they are not for these slots, or
 * no such back end; NOMEM, IO.
 */
enum err media_init(struct media *m, const struct media_setup *setup, uint32_t worker, int flows_fd,
		    int secrets_fd) NODISCARD;
void media_fini(struct media *m);
/** A descriptor of the back end, its place counted from this worker's first; taken, also on error.
 * All come before the first media_step. As do_add. */
enum err media_add(struct media *m, uint32_t place, int fd) NODISCARD;
/** Any thread: a new end of the channel, where signaling was started; taken. What the old one was
 * told of time-outs and keys is told again. */
void media_bind(struct media *m, int fd);
/** Any thread: media_run is to return, within a tenth of a second. */
void media_stop(struct media *m);
/** Turns until media_stop. Before the first one, what was given to the worker before this one and
 * not applied is waited for, 20 ms at most: packets wait in the kernel. */
void media_run(struct media *m);
/** One turn: sleep, apply commands, relay one batch, tick. */
void media_step(struct media *m);
/** The tick at this many packets a second, for MEDIA_TICK_ADAPTIVE. */
uint32_t media_pace(uint64_t rate);

#endif
