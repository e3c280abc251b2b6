/* A ClientHello: what it offered, which name it asked for, and which of our zones that is. */
#ifndef POSTERN_NET_TLSHELLO_H
#define POSTERN_NET_TLSHELLO_H

#include "net/tlsctx.h"
#include "net/tlsrecord.h"

struct ssl_st; /* the library's own tag: SSL */

/** Versions, suites, signature algorithms and SNI into the record. From the ClientHello callback
 * only. */
void tls_hello_keep(struct ssl_st *ssl, struct tls_record *record);
/** The zone of this name, or of the name behind its first label (ACCOUNT.zone); NULL: none. */
struct tls_ctx *tls_hello_zone(const struct tls_zones *z, struct str sni);
/** The first label of a name, and in rest what is behind it, without a final dot. */
struct str tls_hello_label(struct str sni, struct str *rest);

#endif
