/* Keeping a connection alive (RFC 5626 4.4.1): CRLF CRLF when nothing was heard for a while, one
 * CRLF expected back. A peer that never ponged is not judged by it: many do not; TCP's own time-out
 * finds out then, because the ping is not acknowledged. Pure: events and `now` in. */
#ifndef POSTERN_EDGE_PING_H
#define POSTERN_EDGE_PING_H

#include <stdbool.h>
#include <stdint.h>

enum { PING_PONG_US = 10 * 1000 * 1000 /* RFC 5626 4.4.1: within 10 s */ };

enum ping_do {
	PING_WAIT,  /* nothing; ask again at due */
	PING_SEND,  /* send CRLF CRLF */
	PING_CLOSE, /* it ponged before and does not now: the flow is dead */
};

struct ping {
	uint64_t every;    /* us; 0 = no pings */
	uint64_t due;      /* next ping_step; UINT64_MAX = never */
	bool heard;        /* something came since the last step */
	bool awaiting;     /* a pong is owed */
	bool ponged, been; /* this peer answers pings; what ponged was before the last CRLF */
};

/** Random numbers spread the pings of many connections: between 4/5 and all of every. */
void ping_begin(struct ping *p, uint64_t every_us, uint32_t random, uint64_t now);
/** Bytes came, of any kind: the peer lives. */
void ping_heard(struct ping *p);
/** One CRLF between messages: a pong, or the first half of a ping. */
void ping_on_crlf(struct ping *p);
/** The second half: so the CRLF before was no pong. */
void ping_on_ping(struct ping *p);
/** due is reached (before that: PING_WAIT). */
enum ping_do ping_step(struct ping *p, uint32_t random, uint64_t now);

#endif
