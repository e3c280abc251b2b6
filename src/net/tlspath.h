/* One peer's certificates judged: the path is built and checked by the library, described in plain
 * data, asked for in the revocation lists, and decided by certpolicy. Both directions of TLS and
 * whoever else holds certificates (readiness) use it. One thread at a time with one trust. */
#ifndef POSTERN_NET_TLSPATH_H
#define POSTERN_NET_TLSPATH_H

#include "net/certview.h"
#include "net/tlsrecord.h"
#include "net/tlstrust.h"

struct stack_st_X509; /* the library's own tag: STACK_OF(X509) */

/* What a peer showed, for the time of one judgement. Large: some 12 KiB. */
struct tls_path {
	struct x509_st *leaf;        /* borrowed */
	struct stack_st_X509 *shown; /* borrowed; all that was sent, the leaf too; may be NULL */
	bool readable;
	struct certview cv[CERT_CHAIN_MAX];
	struct cert_view v[CERT_CHAIN_MAX]; /* [0] after begin; all after judge */
	struct certview_names names;        /* of the leaf */
	size_t n;
};

/* What a path is judged by. All borrowed. */
struct tls_path_terms {
	struct tls_trust *trust;     /* NULL: no zone believes anybody */
	const struct tls_owns *owns; /* NULL: no account brought anything */
	uint16_t zone;
	struct str ref; /* the name that the leaf must show; empty: somebody else's question */
	const struct cert_policy *policy;
	int64_t now_us; /* wall */
};

/** Look at the leaf: path->v[0] is filled as far as it can be read. End with tls_path_end. */
void tls_path_begin(struct tls_path *path, struct x509_st *leaf, struct stack_st_X509 *shown);
/**
 * Find the path in the zone's roots, or in the private CA of policy->terms.account, and decide.
 * The record's chain, ids, authority and notes are filled, its other members left alone.
 */
void tls_path_judge(struct tls_path *path, const struct tls_path_terms *terms,
		    struct tls_record *record, struct cert_verdict *out);
void tls_path_end(struct tls_path *path);

#endif
