/* What admin wants to know of certificates and revocation lists: when they run out, where more of
 * them is. Plain data out of PEM or DER bytes; believes nothing. Any thread. */
#ifndef POSTERN_NET_TLSDATES_H
#define POSTERN_NET_TLSDATES_H

#include "base/buf.h"

enum { TLS_DATES_CERTS_MAX = 512, TLS_DATES_NAME_MAX = 160, TLS_DATES_URL_MAX = 256 };

struct tls_cert_dates {
	char subject[TLS_DATES_NAME_MAX];
	int64_t not_before_us, not_after_us; /* wall */
	uint8_t fingerprint[32];
};

struct tls_crl_dates {
	char issuer[TLS_DATES_NAME_MAX];
	int64_t this_us, next_us; /* wall; next_us 0: it does not say */
};

/** Each certificate of a PEM text, in its order. SYNTAX: none there, or one cannot be read. */
enum err tls_cert_dates(struct str pem, void (*on_cert)(void *arg, const struct tls_cert_dates *d),
			void *arg) NODISCARD;
/** The first list of a text, PEM or DER. SYNTAX. */
enum err tls_crl_dates(struct str bytes, struct tls_crl_dates *out) NODISCARD;
/** http address where the first certificate's authority answers OCSP; "" when it has none. */
void tls_ocsp_url(struct str chain_pem, char url[TLS_DATES_URL_MAX]);

#endif
