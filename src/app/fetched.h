/* What admin fetched over HTTP, on its way to signaling: revocation lists and OCSP staples, as one
 * flat block that keeper holds for restarts. Each carries a signature of its own. */
#ifndef POSTERN_APP_FETCHED_H
#define POSTERN_APP_FETCHED_H

#include "base/str.h"

enum {
	FETCHED_MAX = 256, /* entries of a block */
	FETCHED_BYTES_MAX = 64 << 20,
	FETCHED_LABEL_MAX = 256,
};

enum fetched_kind { FETCHED_CRL, FETCHED_STAPLE };

struct fetched_entry {
	uint32_t kind;           /* enum fetched_kind */
	uint8_t fingerprint[32]; /* STAPLE: of the certificate that it is about */
	int64_t until_us;        /* STAPLE, wall: of no use behind it */
	char label[FETCHED_LABEL_MAX];
	struct str bytes; /* DER or PEM as fetched; reading: borrowed from the block */
};

/** A sealed block of n entries. LONG: too many or too large; NOMEM, IO. */
enum err fetched_make(const struct fetched_entry *e, size_t n, int *fd) NODISCARD;
/** Entry i. NOTFOUND: behind the last one; SYNTAX: not such a block. */
enum err fetched_get(struct str block, size_t i, struct fetched_entry *out) NODISCARD;

#endif
