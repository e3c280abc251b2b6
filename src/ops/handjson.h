/* A handshake or a refused request, out of the ring, as what the store keeps of it: columns to
 * look for, and one JSON object with everything. Names in certificates may hold any byte: the
 * object is valid JSON all the same. */
#ifndef POSTERN_OPS_HANDJSON_H
#define POSTERN_OPS_HANDJSON_H

#include "base/buf.h"
#include "ha/handring.h"
#include "store/handstore.h"

enum {
	HANDJSON_BODY_MAX = 64 * 1024,
	HANDJSON_OFFER_MAX = 1024,
};

/* The memory that a row points into; the caller's, for any number of rows one after the other. */
struct handjson {
	char body[HANDJSON_BODY_MAX], offer[HANDJSON_OFFER_MAX];
	char peer[ADDR_TEXT_MAX], fingerprint[72], authority[160];
};

/** Of a handshake or a request (not MORE). *out borrows from m and e. LONG. */
enum err handjson_row(struct handjson *m, const struct hand_entry *e,
		      struct hand_row *out) NODISCARD;
/** The object of a row as shown: its body, with "more" and "last" where others were counted. */
void handjson_put(struct buf *b, const struct hand_row *row);

/* What a ClientHello offered; incoming handshakes only. */
struct hand_offer {
	uint16_t version[TLS_VERSIONS_MAX], suite[TLS_SUITES_MAX], sigalg[TLS_SIGALGS_MAX];
	uint16_t n_versions, n_suites, n_sigalgs;
};
/** "0304,0303;1301,002f;0804,0401": versions, suites, signature algorithms. */
void handjson_put_offer(struct buf *b, const struct tls_record *r);
/** Read it back. What does not fit the caps is left out; SYNTAX: it is none. "" is an empty one. */
enum err handjson_read_offer(struct str s, struct hand_offer *out) NODISCARD;
/** "rsa_pkcs1_sha256" (RFC 8446 4.2.3, RFC 5246 A.4.1); "" for those not in our table. Static. */
const char *handjson_sigalg_name(uint16_t sigalg);

#endif
