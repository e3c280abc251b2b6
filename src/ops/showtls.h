/* The answer to `tls-report`: who would break if something of TLS went away, from the store of
 * handshakes. */
#ifndef POSTERN_OPS_SHOWTLS_H
#define POSTERN_OPS_SHOWTLS_H

#include "ops/jsonin.h"
#include "store/handstore.h"

enum {
	SHOWTLS_DAYS = 7, /* where the request names none */
	SHOWTLS_ROW_MAX = 8192,
	SHOWTLS_FOUND_MAX = 32, /* authorities, and suites, that an error names */
};

/**
 * The whole answer to a request with days and without (a list of words, see ops/tlsreport.h; none:
 * rsa-kx): a row for each account, direction and kind of connection (newest first),
 * with what would become of it; accounts that had no handshake in these days with their last one.
 * A word that names nothing known and no authority of these records is an error with "usage":true.
 */
void showtls_answer(struct handstore *s, const struct json *q, int64_t now_us, struct buf *b);

#endif
