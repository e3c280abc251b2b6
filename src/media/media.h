/* The media worker: the relay over real sockets, the segments that keeper holds, and the channel to
 * signaling. Everything that must outlive it stands in the segments and in the kernel. */
#ifndef POSTERN_MEDIA_MEDIA_H
#define POSTERN_MEDIA_MEDIA_H

#include "base/channel.h"
#include "media/control.h"
#include "media/io_choice.h"

enum {
	MEDIA_EVENTS_MAX = 2048,  /* messages to signaling that may wait */
	MEDIA_COMMANDS_MAX = 256, /* commands applied between two batches */
};

/* What keeper decided, and media is started with: a sealed blob. */
struct media_setup {
	struct media_plan plan;
	uint32_t io; /* enum io_kind */
};

struct media {
	struct flow_table flows;
	struct flow_secrets secrets;
	const struct io_backend *backend;
	struct media_io io;
	struct relay relay;
	struct channel signaling;
	uint64_t tick_us; /* when the next control_tick is due */
	bool busy;        /* the last batch had packets: do not sleep */
	bool has_relay, complete;
};

/**
 * Map the segments (flow table, secrets: borrowed), repair and rebuild. signaling_fd: taken, -1 =
 * not there yet. VERSION: segments of another layout; CONFIG: they are not for these slots, or no
 * such back end; NOMEM, IO.
 */
enum err media_init(struct media *m, const struct media_setup *setup, int flows_fd, int secrets_fd,
		    int signaling_fd) NODISCARD;
void media_fini(struct media *m);
/** Descriptors from keeper for the places from `first` on; taken, also on error. Packets are taken
 * from `last` on, when those that they leave through are there as well. As do_add. */
enum err media_add_fds(struct media *m, uint32_t first, const int *fds, uint32_t n,
		       bool last) NODISCARD;
/** Signaling was started again: a new end, taken. What was said to the old one is said again. */
void media_rebind(struct media *m, int fd);
/**
 * One turn: sleep until something is there (at most until the next tick), apply commands, relay
 * one batch, tick. *other is set when other_fd (-1: none) is readable.
 */
void media_step(struct media *m, int other_fd, bool *other);

#endif
