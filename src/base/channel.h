/* Messages between roles over a seqpacket socket pair: {type, version, length, sequence} and a
 * body of fixed size a type, at most CHANNEL_BODY_MAX bytes, with up to CHANNEL_FDS descriptors.
 * A sender queues and never blocks. An unknown type or a wrong length ends the sender. */
#ifndef POSTERN_BASE_CHANNEL_H
#define POSTERN_BASE_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
	CHANNEL_VERSION = 1,
	CHANNEL_BODY_MAX = 496, /* with the head: 512 */
	CHANNEL_FDS = 253,      /* SCM_MAX_FD of the kernel */
	CHANNEL_RESERVE = 64,   /* places of the queue that only CHANNEL_MUST may take, per 256 */
	CHANNEL_BATCH = 16,     /* messages that go, or come, in one system call */
};

struct channel_head {
	uint16_t type;
	uint16_t version;
	uint32_t length; /* of the body */
	uint64_t sequence;
};

struct channel_msg {
	struct channel_head head;
	char body[CHANNEL_BODY_MAX];
};

struct channel {
	int fd; /* -1: the other side is gone; messages still queue up to the cap */
	uint64_t sequence;
	struct channel_msg *queue; /* ring */
	uint32_t max, first, n;
	struct channel_msg *inbox; /* CHANNEL_BATCH of them, or NULL: see channel_gather */
	uint16_t in_len[CHANNEL_BATCH], in_next, in_n;
	bool in_empty; /* nothing else was there when the inbox was filled */
};

/** A pair of connected, non-blocking, close-on-exec descriptors. */
enum err channel_pair(int fd[2]) NODISCARD;
/** Room for max queued messages. fd may be -1. Takes fd. */
enum err channel_init(struct channel *c, int fd, uint32_t max) NODISCARD;
void channel_fini(struct channel *c);
/** Receive many at a time, for a channel that carries no descriptors: such are thrown away. What
 * was received and not yet asked for raises no event: see channel_waits. */
enum err channel_gather(struct channel *c) NODISCARD;
/** Does channel_recv have a message without the kernel? */
bool channel_waits(const struct channel *c);
/** Another end after a restart of the peer: closes the old, forgets the queue. Takes fd. */
void channel_rebind(struct channel *c, int fd);
/** Queue and try to send. FULL when the queue is (must: when even the reserve is). */
enum err channel_send(struct channel *c, uint16_t type, const void *body, size_t len,
		      bool must) NODISCARD;
/** As channel_send, but it leaves with the next channel_flush or channel_send. */
enum err channel_push(struct channel *c, uint16_t type, const void *body, size_t len,
		      bool must) NODISCARD;
/** As channel_send with descriptors (borrowed), at once or not at all: AGAIN when it would block
 * or others wait in the queue. */
enum err channel_send_fds(struct channel *c, uint16_t type, const void *body, size_t len,
			  const int *fds, size_t n_fds) NODISCARD;
/** Send what waits; true when the queue is empty (no need for EPOLLOUT). */
bool channel_flush(struct channel *c);
/**
 * Next message. fds/n_fds: room for and then number of descriptors received (owned by the caller,
 * close-on-exec); NULL: descriptors are closed. AGAIN: none; CLOSED: peer gone; SYNTAX: a broken
 * message: the caller ends the connection.
 */
enum err channel_recv(struct channel *c, struct channel_msg *out, int *fds,
		      size_t *n_fds) NODISCARD;

#endif
