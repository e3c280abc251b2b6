/* What the four transaction machines share (RFC 3261 17, RFC 6026, RFC 4320): the state, the
 * events, the actions, the keys by which messages find their transaction, and the retransmission
 * of a 2xx, which is the core's and not the transaction's. A machine knows no message: the owner
 * (edge) keeps the bytes to send again and carries out the TXN_DO_* bits. Drawing: docs/txn.dot.
 *
 * Everything here is plain data without pointers; one thread at a time per object; nothing
 * allocates or blocks. All times are microseconds of the monotonic clock. */
#ifndef POSTERN_SIP_TXN_H
#define POSTERN_SIP_TXN_H

#include "base/str.h"
#include "base/timer.h"

enum {
	TXN_T1_US = 500 * 1000,          /* RFC 3261 17.1.1.1: estimate of the round trip */
	TXN_T2_US = 4 * 1000 * 1000,     /* 17.1.2.2: longest interval between two copies */
	TXN_T4_US = 5 * 1000 * 1000,     /* 17.1.2.2: longest life of a message in the network */
	TXN_LIFE_T1 = 64,                /* timers B, F, H, J, L, M are 64*T1 */
	TXN_D_MIN_US = 32 * 1000 * 1000, /* 17.1.1.2: timer D is at least 32 s */
	TXN_TRYING_US = 200 * 1000,      /* 17.2.1: 100 unless the TU answers before */
	TXN_KEY_MAX = 640,               /* bytes of a key; a longer one is ERR_LONG */
};

/* Configured times; 0 = the default. Values beyond 32 bits (71 minutes) cannot be said. */
struct txn_times {
	uint32_t t1_us, t2_us, t4_us;
};

enum txn_kind {
	TXN_CLIENT_INVITE,
	TXN_CLIENT_OTHER,
	TXN_SERVER_INVITE,
	TXN_SERVER_OTHER,
};

/* Not every machine has every state; docs/txn.dot shows which. */
#define TXN_STATE_LIST(X)                                                                          \
	X(NEW)        /* before TXN_EV_START */                                                    \
	X(CALLING)    /* INVITE client: sent, nothing heard */                                     \
	X(TRYING)     /* other client and server: nothing heard, nothing said */                   \
	X(PROCEEDING) /* a provisional response went through, or (INVITE server) may */            \
	X(COMPLETED)  /* final response went through (INVITE: 300-699) */                          \
	X(ACCEPTED)   /* INVITE only: a 2xx went through (RFC 6026) */                             \
	X(CONFIRMED)  /* INVITE server: ACK of 300-699 came */                                     \
	X(TERMINATED)

enum txn_state {
#define X(name) TXN_##name,
	TXN_STATE_LIST(X)
#undef X
		TXN_STATE_N
};

/* Responses: at a client they came from the network, at a server the TU gives them. */
#define TXN_EVENT_LIST(X)                                                                          \
	X(START)   /* client: the TU gives its request; server: the request came in */             \
	X(TIMER)   /* due is reached; before that it does nothing */                               \
	X(100)     /* response 100 */                                                              \
	X(1XX)     /* response 101-199 */                                                          \
	X(2XX)     /* response 200-299 */                                                          \
	X(408)     /* response 408: never sent to a non-INVITE request (RFC 4320 4.2) */           \
	X(3XX_6XX) /* response 300-699, other than 408 */                                          \
	X(REQUEST) /* server: the request came in again */                                         \
	X(ACK)     /* INVITE server: an ACK with this transaction's key came in */                 \
	X(CANCEL)  /* INVITE client: the TU wants it cancelled (RFC 3261 9.1) */                   \
	X(ERROR)   /* the transport could not send what was given to it last */

enum txn_event {
#define X(name) TXN_EV_##name,
	TXN_EVENT_LIST(X)
#undef X
		TXN_EV_N
};

/* What the owner must do now, in this order of bits. */
enum {
	TXN_DO_SEND_REQUEST = 1 << 0,  /* client: send the request (again) */
	TXN_DO_SEND_ACK = 1 << 1,      /* client: send the ACK of this 300-699 (17.1.1.3) */
	TXN_DO_SEND_100 = 1 << 2,      /* server: make a 100, keep it as the last response, send */
	TXN_DO_SEND_RESPONSE = 1 << 3, /* server: send the last response (the one given now) */
	TXN_DO_PASS_UP = 1 << 4,       /* give this message to the TU */
	TXN_DO_SEND_CANCEL = 1 << 5,   /* client: start the CANCEL, a transaction of its own */
	TXN_DO_ABSORB = 1 << 6,        /* the message ends here; count it, nothing else */
	TXN_DO_TIMEOUT = 1 << 7,       /* tell the TU: no answer (client), no ACK or no decision
					* (server) in time */
	TXN_DO_TRANSPORT_ERROR = 1 << 8, /* tell the TU; a client transaction is over with it */
	TXN_DO_END = 1 << 9,             /* the transaction is over: free it */
};

enum txn_cancel {
	TXN_CANCEL_NONE,
	TXN_CANCEL_WANTED, /* asked for before the first provisional: sent when that comes */
	TXN_CANCEL_SENT,
};

/* Read kind, state, due and cancel; the rest belongs to the machine. */
struct txn {
	enum txn_kind kind;
	enum txn_state state;
	enum txn_cancel cancel;
	bool reliable; /* TCP or TLS: nothing is sent twice, no lingering for copies */
	bool answered; /* server: the TU (or we, by 100) said something */
	struct txn_times times;
	uint64_t due;       /* next TXN_EV_TIMER; TIMER_NEVER when none */
	uint64_t resend_at; /* timers A, E, G, and the owed 100 */
	uint64_t interval;
	uint64_t expire_at; /* timers B, D, F, H, I, J, K, L, M, and the limit after CANCEL */
};

/**
 * A transaction in state NEW. times may be NULL: the defaults. A zero member is its default, a T2
 * below T1 counts as T1. Nothing to release.
 */
void txn_init(struct txn *t, enum txn_kind kind, bool reliable, const struct txn_times *times);

/** Event of a response's status: 100..699. A number outside counts as 3XX_6XX. */
enum txn_event txn_event_of(unsigned status);

/** 64*T1 of this transaction, microseconds. */
uint64_t txn_life_us(const struct txn *t);

/** Names for logs and tests: "PROCEEDING", "3XX_6XX"; "?" outside the list. Static storage. */
const char *txn_state_name(enum txn_state s);
const char *txn_event_name(enum txn_event ev);

/* Inside the machines only. */
/** due = the earlier of resend_at and expire_at; what a late clock has passed is due at once. */
void txn_set_due(struct txn *t, uint64_t now_us);
/** After a copy was sent: the next one doubles its distance up to cap_us; none lies in the past. */
void txn_next_copy(struct txn *t, uint64_t cap_us, uint64_t now_us);

/* A key: bytes to hash and to compare; not text. Fields inside carry their length, so that no two
 * different sets of fields give the same bytes. */
struct txn_key {
	uint16_t len;
	char b[TXN_KEY_MAX];
};

struct str txn_key_str(const struct txn_key *k);
bool txn_key_eq(const struct txn_key *a, const struct txn_key *b);

/**
 * Key under which a response finds its client transaction (RFC 3261 17.1.3): branch of the top Via
 * and method of the CSeq. ERR_SYNTAX when one is empty, ERR_LONG beyond TXN_KEY_MAX.
 */
enum err txn_client_key(struct str branch, struct str cseq_method, struct txn_key *out) NODISCARD;

/* Of a request, borrowed from its message. The fields behind `method` are only read when the
 * branch has no magic cookie (RFC 2543 peers). */
struct txn_request {
	uint64_t scope;    /* whose request: account or trunk id, 0 = none. Only requests of the
			    * same scope match, so that nobody cancels another's call (A4) */
	struct str branch; /* of the top Via; empty when it has none */
	struct str host;   /* sent-by of the top Via */
	uint16_t port;     /* 0 = none */
	struct str method; /* of the request line */
	struct str uri;    /* Request-URI as it came */
	struct str to_tag, from_tag, call_id;
	uint32_t cseq;  /* number */
	struct str via; /* whole top Via value */
};

/**
 * Key of the server transaction that this request belongs to (RFC 3261 17.2.3). An ACK gets the key
 * of its INVITE; a CANCEL one of its own. Without the cookie the whole RFC 2543 set is used; then
 * the To tag is left out for INVITE, ACK and CANCEL, and for an ACK the caller compares the To tag
 * with the one that its response carried. ERR_SYNTAX: no method, or no sent-by. ERR_LONG.
 */
enum err txn_server_key(const struct txn_request *r, struct txn_key *out) NODISCARD;

/** Key of the INVITE that this CANCEL asks to end (RFC 3261 9.2). Errors as above. */
enum err txn_cancelled_key(const struct txn_request *cancel, struct txn_key *out) NODISCARD;

/* 2xx of an INVITE, sent again by the core until the ACK comes, over every transport (RFC 3261
 * 13.3.1.4): after T1, doubling up to T2, given up at 64*T1. */
struct sip_ok_retrans {
	uint64_t due; /* next call of the step; TIMER_NEVER when not running */
	uint64_t resend_at, interval, expire_at;
	uint32_t t2_us;
};

enum sip_ok_do {
	SIP_OK_NOTHING,
	SIP_OK_SEND,    /* the same 2xx again */
	SIP_OK_GIVE_UP, /* no ACK within 64*T1: end the session with BYE; it no longer runs */
};

/** The 2xx left for the first time now. times as in txn_init. */
void sip_ok_retrans_begin(struct sip_ok_retrans *o, const struct txn_times *times, uint64_t now_us);
/** due is reached (before that: NOTHING). */
enum sip_ok_do sip_ok_retrans_step(struct sip_ok_retrans *o, uint64_t now_us) NODISCARD;
/** The ACK came, or the call ended: stop. May be called at any time after begin. */
void sip_ok_retrans_stop(struct sip_ok_retrans *o);

#endif
