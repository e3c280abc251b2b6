/* STUN as ICE uses it on a media port (RFC 8489, RFC 8445 7): a Binding request is read, and
 * answered. Responses and indications are nothing that a lite agent acts on. Pure; any thread. */
#ifndef POSTERN_RTP_STUN_H
#define POSTERN_RTP_STUN_H

#include "base/addr.h"

enum {
	STUN_REQUEST_MAX = 440, /* bytes; more is none of ours */
	STUN_ANSWER_MAX = 128,
	STUN_UNKNOWN_MAX = 4,    /* attributes that we do not know, of a request: told back */
	STUN_UFRAG_KEPT = 4,     /* the first characters of a user name, as a number */
	STUN_SUCCESS = 0,        /* what an answer says: this, or an error (RFC 8489 14.8): */
	STUN_UNKNOWN = 420,      /* unknown attributes */
	STUN_ROLE_CONFLICT = 487 /* RFC 8445 7.3.1.1 */
};

/* A Binding request whose form and FINGERPRINT are good. It borrows from the datagram; nothing of
 * it is believed before stun_is_signed. */
struct stun_request {
	const uint8_t *p;
	size_t len;
	struct str user;  /* "ours:theirs"; empty: it has none */
	size_t signed_at; /* where MESSAGE-INTEGRITY begins; 0: it has none */
	uint32_t priority;
	bool use_candidate, controlled; /* USE-CANDIDATE; ICE-CONTROLLED */
	unsigned n_unknown;
	uint16_t unknown[STUN_UNKNOWN_MAX];
};

/** Read a datagram. UNSUPPORTED: STUN, but no Binding request; SYNTAX: anything else, a FINGERPRINT
 * that is missing or wrong included. */
enum err stun_parse(const uint8_t *p, size_t len, struct stun_request *out) NODISCARD;
/** Does its MESSAGE-INTEGRITY hold under this password (RFC 8489 9.1)? */
bool stun_is_signed(const struct stun_request *r, struct str password) NODISCARD;
/**
 * The answer to r, which came from seen: signed, with a FINGERPRINT. status: STUN_SUCCESS or one
 * of the errors above. LONG: b too small; NOMEM.
 */
enum err stun_answer(const struct stun_request *r, unsigned status, const struct addr *seen,
		     struct str password, struct buf *b) NODISCARD;

/** The first characters of a user name of ours as stun_names wants them. */
uint32_t stun_ufrag_of(const char *ufrag);
/** A look without trust, for the packet path: a Binding request whose USERNAME begins so? */
bool stun_names(const uint8_t *p, size_t len, uint32_t ufrag);

#endif
