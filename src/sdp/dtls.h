/* What SDP says of a DTLS association: a=fingerprint (RFC 8122), a=setup (RFC 4145, 5763 5),
 * a=tls-id (RFC 8842). Pure. Any thread. */
#ifndef POSTERN_SDP_DTLS_H
#define POSTERN_SDP_DTLS_H

#include "base/buf.h"
#include "sdp/sdp.h"

enum { SDP_PRINT_MAX = 64 }; /* SHA-512 */

enum sdp_setup {
	SDP_SETUP_NONE, /* no DTLS is spoken of */
	SDP_SETUP_ACTIVE,
	SDP_SETUP_PASSIVE,
	SDP_SETUP_ACTPASS,
};

/* What one side says. All zero: nothing. Plain data, kept in the call's record. */
struct sdp_dtls {
	uint8_t setup;     /* enum sdp_setup */
	uint8_t print_len; /* 32, 48, 64: SHA-256, -384, -512 */
	uint8_t print[SDP_PRINT_MAX];
	uint8_t pad[6];
	uint64_t id; /* of a=tls-id, hashed; 0 = none */
};

/**
 * Read the m-line's, else the session's (RFC 8122 5). Without a=setup the offerer is active, the
 * answerer passive (RFC 4145 4.1). Of several prints the longest hash that we know. False: *why is
 * a static sentence.
 */
bool sdp_dtls_read(const struct sdp *s, const struct sdp_media *m, bool answer,
		   struct sdp_dtls *out, const char **why);
/** Append the two lines. as: what a=setup shall say. */
void sdp_dtls_put(struct buf *b, const struct sdp_dtls *d, enum sdp_setup as);
/** Our role where the other one says this: of actpass we are active (RFC 5763 5). */
enum sdp_setup sdp_setup_other(enum sdp_setup said);
/** Does b go on with the association of a, as its sender sees it (RFC 8842 4)? */
bool sdp_dtls_same(const struct sdp_dtls *a, const struct sdp_dtls *b);

#endif
