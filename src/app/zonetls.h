/* The TLS contexts of the zones and whom they believe, made from a configuration and its block of
 * files and from what admin fetched: at the start, and aside, in the handshake thread, when one of
 * these changed. (What accounts bring along comes with their snapshot, in edge.) */
#ifndef POSTERN_APP_ZONETLS_H
#define POSTERN_APP_ZONETLS_H

#include "conf/conf.h"
#include "net/tlsctx.h"
#include "net/tlstrust.h"

struct zonetls {
	uint32_t n;
	struct tls_ctx *server[CONF_ZONES_MAX], *client[CONF_ZONES_MAX];
	struct tls_trust *trust;  /* whom they believe */
	int64_t staples_until_us; /* wall: when the first OCSP staple runs out; 0 = there is none */
};

/* All borrowed for the call. */
struct zonetls_from {
	const struct conf *conf;
	struct str pki;             /* see pki.h */
	struct str fresh;           /* see fetched.h; may be empty */
	struct tls_trust *previous; /* the trust of today, or NULL */
};

/**
 * One server and one client context a zone, one trust for all. Warnings are logged. Errors of
 * tls_ctx_new and tls_trust_new; why then holds a sentence and *out is empty.
 */
enum err zonetls_make(const struct zonetls_from *from, struct zonetls *out,
		      struct buf *why) NODISCARD;
/** Drops the references. */
void zonetls_drop(struct zonetls *z);

#endif
