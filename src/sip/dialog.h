/* A dialog (RFC 3261 12): what both ends agreed on, as plain data. It is copied whole into the
 * call record, which outlives the process: no pointers, all text in one bounded area inside.
 * Drawing of the states: docs/dialog.dot. One thread at a time; nothing allocates or blocks. */
#ifndef POSTERN_SIP_DIALOG_H
#define POSTERN_SIP_DIALOG_H

#include "sip/edit.h"
#include "sip/hdr.h"

enum {
	SIP_DIALOG_VERSION = 1, /* of struct sip_dialog; another one is not read */
	SIP_DIALOG_TEXT = 2048, /* bytes of all texts together; more is ERR_LONG */
	SIP_DIALOG_ROUTES = 16, /* elements of a route set; more is ERR_LONG */
};

#define SIP_DIALOG_STATE_LIST(X)                                                                   \
	X(NEW)        /* UAC: INVITE sent, no response with a To tag so far */                     \
	X(EARLY)      /* a provisional response with a To tag (UAS: the INVITE came) */            \
	X(CONFIRMED)  /* 2xx */                                                                    \
	X(TERMINATED) /* failed, BYE, or the peer knows it no more */

enum sip_dialog_state {
#define X(name) SIP_DIALOG_##name,
	SIP_DIALOG_STATE_LIST(X)
#undef X
		SIP_DIALOG_STATE_N
};

/* Sent or received makes no difference. */
#define SIP_DIALOG_EVENT_LIST(X)                                                                   \
	X(PROVISIONAL) /* 101-199 with a To tag to the first INVITE */                             \
	X(ANSWER)      /* 2xx to the first INVITE */                                               \
	X(FAILURE)     /* 300-699 to the first INVITE, or it got no answer */                      \
	X(BYE)                                                                                     \
	X(GONE) /* 481 or 408 to a request inside the dialog (12.2.1.2), time-out, our own end */

enum sip_dialog_event {
#define X(name) SIP_DIALOG_EV_##name,
	SIP_DIALOG_EVENT_LIST(X)
#undef X
		SIP_DIALOG_EV_N
};

enum sip_dialog_role { SIP_DIALOG_UAC, SIP_DIALOG_UAS };

enum sip_dialog_part {
	SIP_DIALOG_CALL_ID,
	SIP_DIALOG_LOCAL_TAG,
	SIP_DIALOG_REMOTE_TAG, /* empty: none yet, or an RFC 2543 peer */
	SIP_DIALOG_LOCAL_URI,
	SIP_DIALOG_REMOTE_URI,
	SIP_DIALOG_TARGET,    /* remote target: the peer's Contact, fit for a Request-URI */
	SIP_DIALOG_ROUTE_SET, /* "<uri>params, <uri>params" in the order in which we use it */
	SIP_DIALOG_PARTS
};

/* Fixed widths: the layout is part of the call record. Read it; change it by the functions. */
struct sip_dialog {
	uint16_t version; /* SIP_DIALOG_VERSION */
	uint8_t state;    /* enum sip_dialog_state */
	uint8_t role;     /* enum sip_dialog_role */
	uint8_t secure;   /* 1: sips and TLS when it was made (12.1.1) */
	uint8_t has_remote_cseq;
	uint16_t used;               /* bytes of text */
	uint32_t local_cseq;         /* of our last request */
	uint32_t remote_cseq;        /* of the peer's last request */
	uint32_t local_invite_cseq;  /* of our last INVITE: for its ACK; 0 = none */
	uint32_t remote_invite_cseq; /* of the peer's last INVITE; 0 = none */
	struct {
		uint16_t at, len;
	} part[SIP_DIALOG_PARTS];
	char text[SIP_DIALOG_TEXT];
};

/** One text, borrowed from d. */
struct str sip_dialog_str(const struct sip_dialog *d, enum sip_dialog_part part);

/* What our INVITE said. All must be there and fit for a line of SIP. */
struct sip_dialog_start {
	struct str call_id, local_tag;    /* as sent */
	struct str local_uri, remote_uri; /* From and To, without <> */
	struct str target; /* Request-URI: stands in where the peer shows no Contact */
	uint32_t cseq;
	bool secure;
};

/** UAC, at the moment of sending the INVITE: state NEW. SYNTAX, LONG, RANGE (cseq). */
enum err sip_dialog_begin(const struct sip_dialog_start *s, struct sip_dialog *out) NODISCARD;

/**
 * UAC, at a response with a To tag that no dialog has yet: the dialog of this fork (12.1.2), EARLY
 * or CONFIRMED. base: any dialog of the same INVITE, in any state; out may be base. Without a
 * Contact the target is base's. NOTFOUND: Call-ID, From tag or CSeq are not those of the INVITE, or
 * no To tag. STATE: 100 or 300-699. LONG: the route set does not fit. SYNTAX, UNSUPPORTED: Contact
 * or Record-Route cannot be used.
 */
enum err sip_dialog_fork(const struct sip_dialog *base, const struct sip_msg *response,
			 struct sip_dialog *out) NODISCARD;

/**
 * UAC, at a 2xx to the first INVITE for a dialog that exists: CONFIRMED, with the route set and
 * the target of the 2xx (13.2.2.4). A repeated one changes nothing. Errors as in sip_dialog_fork,
 * with d unchanged.
 */
enum err sip_dialog_answer(struct sip_dialog *d, const struct sip_msg *response) NODISCARD;

/**
 * UAS, at an INVITE without a To tag: EARLY, under our tag (12.1.1). EXISTS: it has a To tag.
 * NOTFOUND: no Contact. SYNTAX, LONG, UNSUPPORTED as above.
 */
enum err sip_dialog_accept(const struct sip_msg *request, struct str local_tag, bool secure,
			   struct sip_dialog *out) NODISCARD;
/** The same where Contact or Record-Route cannot be used: our requests go to target, a SIP URI, by
 * no route. NOTFOUND: target is empty. */
enum err sip_dialog_accept_back(const struct sip_msg *request, struct str local_tag,
				struct str target, struct sip_dialog *out) NODISCARD;

/**
 * Move the state. STATE (and no change) for what cannot be: a BYE in NEW. What comes too late is
 * ERR_OK without a change.
 */
enum err sip_dialog_step(struct sip_dialog *d, enum sip_dialog_event ev) NODISCARD;

/**
 * Call-ID and both tags are those of d, from the peer's side for a request, from ours for a
 * response (12.2.2, 17.1.3). Never true in NEW. Whether the sender may speak for this dialog at all
 * (its account) is the caller's question.
 */
bool sip_dialog_match(const struct sip_dialog *d, const struct sip_msg *m);

/**
 * A matching request came that is no copy (those are the transaction's): check and note its CSeq
 * (12.2.2). REPLAY: lower than before, answer 500. EXISTS: the same number in another transaction,
 * answer 482. NOTFOUND: an ACK or CANCEL whose INVITE is not the last one; drop it. Changes d only
 * on ERR_OK.
 */
enum err sip_dialog_request(struct sip_dialog *d, const struct sip_msg *request) NODISCARD;

/**
 * Target refresh: INVITE or UPDATE inside the dialog, or the 2xx to ours: Contact is the new target
 * (12.2.1.2, 12.2.2). NOTFOUND: no Contact, nothing changes. SYNTAX, UNSUPPORTED, LONG.
 */
enum err sip_dialog_refresh(struct sip_dialog *d, const struct sip_msg *m) NODISCARD;

/**
 * Number for our next request. ACK and CANCEL get that of our last INVITE (STATE when there is
 * none), everything else a new one; RANGE when 2^31 - 1 is used up.
 */
enum err sip_dialog_next_cseq(struct sip_dialog *d, enum sip_method method,
			      uint32_t *out) NODISCARD;

/**
 * Request line of a request inside the dialog (12.2.1.1): the target; where the first route is a
 * strict router, its URI. A d that is broken marks b failed.
 */
void sip_dialog_put_line(const struct sip_dialog *d, struct buf *b, struct str method);
/** Route, From, To, Call-ID, CSeq. The caller adds Via, Max-Forwards, Contact and the rest. */
void sip_dialog_put_headers(const struct sip_dialog *d, struct buf *b, struct str method,
			    uint32_t cseq);
/** URI that says where the request goes (RFC 3263): first route, or the target. Borrowed from d. */
enum err sip_dialog_next_hop(const struct sip_dialog *d, struct str *uri) NODISCARD;

/**
 * For a d out of shared memory or a store: version, every number, offset and text is what the
 * functions above could have made. Reads nothing outside *d.
 */
bool sip_dialog_valid(const struct sip_dialog *d);

const char *sip_dialog_state_name(enum sip_dialog_state s);
const char *sip_dialog_event_name(enum sip_dialog_event ev);

#endif
