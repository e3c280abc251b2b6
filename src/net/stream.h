/* TCP connections of the loop, plain or with TLS under them: bytes in through on_data, bytes out
 * through a bounded queue. Memory comes from pools made at boot. What ends a connection, except
 * the owner's own stream_close, is told once through on_close, never from inside a call of the
 * owner. Belongs to the loop's thread. */
#ifndef POSTERN_NET_STREAM_H
#define POSTERN_NET_STREAM_H

#include "base/addr.h"
#include "base/pool.h"
#include "net/handshake.h"
#include "net/loop.h"
#include "net/tcp.h"

enum {
	STREAM_QUEUE_MAX = 256 * 1024, /* bytes waiting to be sent on one connection */
	STREAM_CHUNK = 8192 - 32,      /* bytes of a piece of the queue */
	/* Bytes a read, one buffer for all streams: three INVITEs, for so long others wait beyond:
	 */
	STREAM_READ_MAX = 4096,
	STREAM_SLICE_US = 250,   /* of reading, and others get their turn, .. */
	STREAM_TURN_MAX = 65536, /* .. or when so many bytes were read */
	STREAM_CONNECT_US = 5 * 1000 * 1000,
	STREAM_LINGER_US = 5 * 1000 * 1000 /* after stream_finish, for the peer's end */
};

/* name, sentence */
#define STREAM_END_LIST(X)                                                                         \
	X(PEER, "closed by the other side")                                                        \
	X(ERROR, "connection broken")                                                              \
	X(REFUSED, "connect refused or unreachable")                                               \
	X(TIMEOUT, "no connection in time")                                                        \
	X(OVERFLOW, "the other side does not read: send queue full")                               \
	X(NOMEM, "no memory left for the send queue")                                              \
	X(FINISHED, "both sides finished")

enum stream_end {
#define X(name, sentence) STREAM_END_##name,
	STREAM_END_LIST(X)
#undef X
		STREAM_END_N
};

struct stream;

/* All may be NULL but on_data and on_close. In each, stream_send and stream_close are allowed. */
struct stream_calls {
	void (*on_open)(void *arg);                   /* stream_connect succeeded */
	void (*on_data)(void *arg, struct str bytes); /* valid for the call */
	/* The stream is gone when this returns. error: errno or 0. Not called after stream_close.
	 */
	void (*on_close)(void *arg, enum stream_end why, int error);
	void (*on_drained)(void *arg); /* the send queue became empty again */
};

struct stream_pool {
	struct loop *loop;
	struct handshake *handshake; /* takes TLS connections back; NULL where only plain TCP */
	struct pool streams, chunks;
	char *read_buf;
	struct list live;
	struct list dead; /* closed in this iteration, freed at its end */
	struct loop_soon reap;
	uint64_t opened, closed[STREAM_END_N], bytes_in, bytes_out, no_room;
};

/** n_streams connections, n_chunks queue pieces of 8 KiB for all of them. */
enum err stream_pool_init(struct stream_pool *p, struct loop *l, struct handshake *h,
			  uint32_t n_streams, uint32_t n_chunks) NODISCARD;
/** Closes what is open, without on_close. */
void stream_pool_fini(struct stream_pool *p);

/** An accepted or socketpair fd, plain. Takes fd on ERR_OK. NOMEM: no free stream. */
enum err stream_adopt(struct stream_pool *p, int fd, const struct stream_calls *calls, void *arg,
		      struct stream **out) NODISCARD;
/** A connection from the handshake thread. Takes *conn and nulls it on ERR_OK. */
enum err stream_adopt_tls(struct stream_pool *p, struct tls_conn **conn,
			  const struct stream_calls *calls, void *arg,
			  struct stream **out) NODISCARD;
/** Non-blocking connect from local (NULL or any: the kernel's choice; port 0: any) with a deadline
 * (0 = STREAM_CONNECT_US). device: as tcp_dial. Plain TCP; for TLS use tcp_dial and
 * handshake_submit. IO: refused at once, see errno; otherwise on_open or on_close follows. */
enum err stream_connect(struct stream_pool *p, const struct addr *peer, const struct addr *local,
			const char *device, uint64_t timeout_us, const struct stream_calls *calls,
			void *arg, struct stream **out) NODISCARD;
/**
 * Send or queue all of bytes; in on_data it leaves when the stream's turn is over. FULL, NOMEM:
 * more than STREAM_QUEUE_MAX waits, or no chunk is left: the connection ends (on_close comes later
 * in this iteration). STATE: not open, or finishing.
 */
enum err stream_send(struct stream *s, struct str bytes) NODISCARD;
/** In on_data: how long the bytes in hand have waited, at least, because this peer sends more than
 * is read of it in its turns, while others do not wait; measured at what was left over at the end
 * of a turn, until the last of that was read. 0: nothing was left. */
uint64_t stream_waited_us(const struct stream *s, uint64_t now_us);
/** Bytes in the send queue. */
size_t stream_queued(const struct stream *s);
/** Half-close: send what is queued, then end our direction; on_data goes on until the other side
 * ends (STREAM_END_FINISHED) or STREAM_LINGER_US are over. */
void stream_finish(struct stream *s);
/** Stop or go on reading (TCP then slows the peer down). */
void stream_pause(struct stream *s, bool pause);
/** End now; what is queued and fits the socket is sent. No on_close. Nulls; NULL is fine. */
void stream_close(struct stream **s);
/** Its TLS connection, borrowed; NULL: plain. */
const struct tls_conn *stream_tls(const struct stream *s);
bool stream_is_tls(const struct stream *s);
/** Both ends; family 0 for socket pairs. */
const struct addr *stream_peer(const struct stream *s);
const struct addr *stream_local(const struct stream *s);
const char *stream_end_text(enum stream_end why);

#endif
