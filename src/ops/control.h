/* The control socket: a unix stream socket, one line in (JSON), one line out (JSON), as often as
 * the client wants. What lines mean is the business of on_line. Bounded: clients, length of a
 * request, length of an answer, time. Loop thread only. */
#ifndef POSTERN_OPS_CONTROL_H
#define POSTERN_OPS_CONTROL_H

#include "base/buf.h"
#include "net/loop.h"

enum {
	CONTROL_CLIENTS = 16,
	CONTROL_REQUEST_MAX = 64 * 1024,
	CONTROL_ANSWER_MAX = 4 * 1024 * 1024,
	CONTROL_WAIT_MS = 10000, /* for a whole request, and for an answer to be taken */
	CONTROL_PATH_MAX = 256,
	CONTROL_FDS = CONTROL_CLIENTS + 1, /* room that the loop must have */
	CONTROL_TIMERS = 1,
};

struct control;

struct control_client {
	struct control *owner;
	struct loop_fd lfd; /* fd -1: free */
	char *in;           /* CONTROL_REQUEST_MAX bytes */
	uint32_t in_len;
	char *out; /* the answer in hand; NULL: none */
	size_t out_len, out_sent;
	uint64_t due; /* us: dropped then */
};

struct control {
	struct loop *loop;
	struct loop_fd lfd;
	struct timer tick;
	char path[CONTROL_PATH_MAX];
	struct control_client client[CONTROL_CLIENTS];
	char *answer;                       /* CONTROL_ANSWER_MAX bytes */
	const struct control_client *asker; /* whose line it is, during on_line */
	void *arg;
	/* Write the answer, without a newline, into b. An empty or failed b becomes an error. */
	void (*on_line)(void *arg, struct str line, struct buf *b);
	/* A client that has asked is gone: nobody waits for what its lines began. May be NULL. */
	void (*on_gone)(void *arg, const struct control_client *client);
};

/**
 * Listen at path, mode 0600; what is left of an earlier process there is replaced. on_line and
 * arg are set by the caller before. LONG, IO, NOMEM.
 */
enum err control_init(struct control *c, struct loop *loop, const char *path) NODISCARD;
/** Ends all clients and removes the socket. */
void control_fini(struct control *c);
/** Take over a connected stream as a client (tests). FULL; takes fd, also on failure. */
enum err control_add(struct control *c, int fd) NODISCARD;

#endif
