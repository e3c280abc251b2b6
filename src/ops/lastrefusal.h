/* The last refusal of an account, a trunk, an address or a host: of a call, by its CDR (by us, or
 * by the far side before it was answered), or of a handshake or a request, by their store,
 * whichever is newer; and what went well since. */
#ifndef POSTERN_OPS_LASTREFUSAL_H
#define POSTERN_OPS_LASTREFUSAL_H

#include "ha/records.h"
#include "store/handstore.h"

enum {
	LASTREFUSAL_CALLS = 4096, /* newest ones that are looked at, of each file of CDRs */
	LASTREFUSAL_PARSED = 512, /* of these, such as name it and might tell something new */
};

struct lastrefusal_in {
	const char *cdr_path;          /* and FILE.1, where the newer one has none */
	const struct records *records; /* ended calls whose CDR waits */
	struct handstore *hands;       /* NULL: it cannot be used now */
	int64_t now_us;                /* wall */
};

/**
 * The object of it into facts, and into said sentences, each with a blank before it: how old it is,
 * and the call that was answered or the handshake that was accepted since. NOTFOUND, LONG, NOMEM.
 */
enum err lastrefusal_find(const struct lastrefusal_in *in, const char *what, struct buf *facts,
			  struct buf *said) NODISCARD;

#endif
