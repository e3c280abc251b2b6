/* OCSP about our own certificate (RFC 6960), for stapling: the question, and the judgement of the
 * answer. No I/O. Any thread. */
#ifndef POSTERN_NET_TLSOCSP_H
#define POSTERN_NET_TLSOCSP_H

#include "base/buf.h"

enum {
	TLS_OCSP_MAX = 16 * 1024, /* bytes of an answer that is taken */
	TLS_OCSP_SKEW_S = 300,    /* clocks may differ so much */
};

/* A good answer. */
struct tls_ocsp_good {
	int64_t this_us, next_us; /* wall; next_us 0: it does not say */
	uint8_t fingerprint[32];  /* of our certificate */
};

/** The question, in DER, about the first certificate of a chain whose second one is its issuer.
 * NOTFOUND: there is no issuer in it; SYNTAX, LONG, NOMEM. */
enum err tls_ocsp_question(struct str chain_pem, struct buf *out) NODISCARD;
/**
 * Is this answer good: signed by the issuer or whom it appointed, about this certificate, "good",
 * and of this time? REFUSED: no; why says it.
 */
enum err tls_ocsp_judge(struct str chain_pem, struct str answer, int64_t now_us,
			struct tls_ocsp_good *out, struct buf *why) NODISCARD;

#endif
