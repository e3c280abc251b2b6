/* Certificates of the benchmarks: an authority, or the leaf of a side that is client and server. */
#ifndef POSTERN_TESTS_BENCH_CERTS_H
#define POSTERN_TESTS_BENCH_CERTS_H

#include "../unit/net/testca.h"

/** From yesterday on. eku NULL: an authority, which has no san. */
static inline X509 *
certs_make(const char *cn, const char *san, const char *eku, EVP_PKEY *key, X509 *issuer,
	   EVP_PKEY *issuer_key)
{
	struct ca_opts o = {.cn = cn,
			    .san = san,
			    .ku = eku ? "critical,digitalSignature,keyEncipherment"
				      : "critical,keyCertSign,cRLSign",
			    .eku = eku,
			    .ca = !eku,
			    .from_day = -1,
			    .key = key,
			    .issuer = issuer,
			    .issuer_key = issuer_key};

	return ca_cert(&o);
}

#endif
