/* Keeps the address book (policy/addrbook.h) fresh: asks DNS for the hosts of trunks that are known
 * by certificate and address, before their answers expire and as soon as one is wanted. On the
 * loop; the book itself is shared with the handshake thread under the lock of cards. */
#ifndef POSTERN_EDGE_BOOK_H
#define POSTERN_EDGE_BOOK_H

#include "edge/card.h"
#include "net/loop.h"
#include "net/resolver.h"

enum {
	BOOK_ASKS_MAX = 16,    /* hosts asked for at once */
	BOOK_LOOK_US = 250000, /* between two looks at what is due */
};

/* One host being asked for: A, then AAAA. */
struct book_ask {
	struct book *owner;
	struct resolver_query *query;
	char host[POLICY_HOST_MAX]; /* "" = free */
	enum dns_type type;
	struct addrbook_news news; /* so far */
};

struct book {
	struct loop *loop;
	struct resolver *resolver;
	struct cards *cards;
	struct timer look;
	struct book_ask ask[BOOK_ASKS_MAX];
};

/** Zeroes b. All are borrowed and outlive it. FULL: no timer is left. */
enum err book_init(struct book *b, struct loop *loop, struct resolver *r,
		   struct cards *cards) NODISCARD;
/** Look-ups under way end without an answer. A zeroed book is fine. */
void book_fini(struct book *b);
/** Another set of accounts: their hosts are kept, and new ones asked for at once. */
void book_on_snapshot(struct book *b, const struct snapshot_view *v);

#endif
