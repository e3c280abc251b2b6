/* Cuts SIP messages out of a byte stream (TCP, TLS; RFC 3261 18.3, RFC 5626 4.4.1). Pure: bytes
 * in, slices out, no allocation. The same bytes give the same events however they are split.
 * After an error nothing more comes out: there is no way to find the next message, so close. */
#ifndef POSTERN_SIP_FRAME_H
#define POSTERN_SIP_FRAME_H

#include "sip/msg.h"

enum {
	SIP_FRAME_BUF = SIP_MSG_MAX + 4096, /* a buffer that never needs sip_frame_move */
};

enum sip_frame_event {
	SIP_FRAME_MORE,    /* nothing complete: feed */
	SIP_FRAME_MESSAGE, /* one message with its body */
	SIP_FRAME_CRLF,    /* CRLF between messages: a pong, or the first half of a ping */
	SIP_FRAME_PING,    /* the second CRLF in a row: answer with one CRLF */
};

struct sip_frame {
	char *p;
	size_t cap;
	size_t begin, end;      /* unread bytes are p[begin, end) */
	size_t scan;            /* offset behind begin up to which lines were seen */
	size_t line;            /* offset behind begin where the current line starts */
	size_t total;           /* head and body; 0: head not complete */
	int32_t content_length; /* or SIP_LENGTH_NONE */
	uint16_t lines;         /* complete lines of the head */
	bool in_length;         /* the last header was Content-Length: a fold is refused */
	bool half_ping;
	enum err failed;
};

/** Over memory of the caller, which may be smaller than SIP_FRAME_BUF (see sip_frame_move). */
void sip_frame_init(struct sip_frame *f, void *mem, size_t cap);
/**
 * Where the next bytes are to be read to, and how many fit; moves what is unread to the front, so
 * slices given before end here. *room 0 after MORE: the buffer is too small for this message.
 */
char *sip_frame_room(struct sip_frame *f, size_t *room);
/** n bytes were put there. */
void sip_frame_fed(struct sip_frame *f, size_t n);
/** Both in one: copies at most the room, returns how many bytes were taken. */
size_t sip_frame_feed(struct sip_frame *f, struct str bytes);
/** What is unread, also after an error; borrowed. */
struct str sip_frame_rest(const struct sip_frame *f);
/** Unread bytes: 0 means that the buffer may be taken away (sip_frame_move). */
size_t sip_frame_pending(const struct sip_frame *f);
/** Go on in other memory with what is unread; LONG when that does not fit. */
enum err sip_frame_move(struct sip_frame *f, void *mem, size_t cap) NODISCARD;
/**
 * The next event; call until MORE. *msg is set for MESSAGE only and valid until sip_frame_room,
 * _feed or _move. Errors are final: SYNTAX (no SIP, bare LF, Content-Length that is not a plain
 * number), RANGE or LONG (limits of sip/msg.h), FULL (too many headers), EXISTS (two
 * Content-Length), NOTFOUND (none).
 */
enum err sip_frame_next(struct sip_frame *f, enum sip_frame_event *ev, struct str *msg) NODISCARD;

#endif
