/* The TLS contexts of the zones and whom they believe, made from a configuration and its block of
 * files: at the start, and aside, in the handshake thread, when they are read again. */
#ifndef POSTERN_APP_ZONES_H
#define POSTERN_APP_ZONES_H

#include "app/conf.h"
#include "net/tlsctx.h"
#include "net/tlstrust.h"

struct zones {
	uint32_t n;
	struct tls_ctx *server[CONF_ZONES_MAX], *client[CONF_ZONES_MAX];
	struct tls_trust *trust; /* whom they believe */
};

/**
 * One server and one client context a zone, one trust for all. previous: the trust of today, or
 * NULL. pki: see pki.h. Warnings are logged. Errors of tls_ctx_new; why then holds a sentence and
 * *out is empty.
 */
enum err zones_make(const struct conf *c, struct str pki, struct tls_trust *previous,
		    struct zones *out, struct buf *why) NODISCARD;
/** Drops the references. */
void zones_drop(struct zones *z);

#endif
