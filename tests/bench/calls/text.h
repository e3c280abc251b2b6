/* The messages of bench calls. Those of the PBX are written here; those of the gateway are
 * answers, made of what came in. A call has one number in the whole program. */
#ifndef POSTERN_TESTS_BENCH_CALLS_TEXT_H
#define POSTERN_TESTS_BENCH_CALLS_TEXT_H

#include "base/buf.h"
#include "sip/msg.h"

enum {
	TEXT_MAX = 8192,
	TEXT_URI_MAX = 400,
	TEXT_ROUTES_MAX = 1024,
	TEXT_TO_MAX = 200,
	TEXT_CALLS_MAX = 7000000, /* numbers that a called number can say */
};

/* What the PBX learned of its dialog from the 2xx. */
struct text_dialog {
	char to[TEXT_TO_MAX];         /* value of To, with its tag */
	char target[TEXT_URI_MAX];    /* of the Contact */
	char routes[TEXT_ROUTES_MAX]; /* whole Route headers */
};

/** INVITE with an offer of SRTP, towards 127.0.0.1:port. */
void text_invite(struct buf *b, unsigned number, uint16_t port);
/** A call for help over TLS, and the ACK of its refusal; numbers of their own. */
void text_help(struct buf *b, unsigned number);
void text_ack_help(struct buf *b, unsigned number, const struct sip_msg *m);
/** ACK of a 2xx, or BYE. */
void text_inside(struct buf *b, const char *method, unsigned cseq, unsigned number,
		 const struct text_dialog *d);
/** ACK of a refusal. */
void text_ack_refusal(struct buf *b, unsigned number, uint16_t port, const struct sip_msg *m);
/** False: this 2xx cannot be gone on with. */
bool text_learn(const struct sip_msg *ok, struct text_dialog *d);

/** The gateway's answer to what came in; with sdp, an answer to the offer. */
void text_answer(struct buf *b, const struct sip_msg *req, unsigned status, unsigned number,
		 bool sdp);

/** Which call, of a message that the PBX got (From tag), of a request that the gateway got (called
 * number, or To tag). False: none of ours. */
bool text_of_pbx(const struct sip_msg *m, unsigned *number);
bool text_of_help(const struct sip_msg *m, unsigned *number);
bool text_of_gateway(const struct sip_msg *m, unsigned *number);

#endif
