/* Why a handshake failed, in a record: one reason, one sentence. The first of each stands: what
 * comes after it is its consequence. */
#ifndef POSTERN_NET_TLSFAULT_H
#define POSTERN_NET_TLSFAULT_H

#include "net/tlsprofile.h"
#include "net/tlsrecord.h"

void tls_fault_set(struct tls_record *r, enum tls_reason reason);
/** Opens r->why for a sentence; false: one stands there already. End with buf_cstr. */
bool tls_fault_open(struct tls_record *r, struct buf *b);
void tls_fault_say(struct tls_record *r, enum tls_reason reason, const char *why);
/** What the library's error queue and the alerts say of a handshake that ended. p: ours; greedy: it
 * was we who stopped reading; ssl_error: of SSL_get_error. */
void tls_fault_explain(struct tls_record *r, const struct tls_profile_row *p, bool greedy,
		       int ssl_error);

#endif
