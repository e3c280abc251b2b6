/* Which headers cross from one leg to the other: one table (design.md 5). Ours are always written
 * new; trust headers cross by direction; others cross from carrier to customer as they are, and
 * from customer to carrier by an allow-list. So nobody's topology or claim leaks (P5, P6). */
#ifndef POSTERN_CALL_HIDE_H
#define POSTERN_CALL_HIDE_H

#include "sip/edit.h"

enum hide_way {
	HIDE_TO_CARRIER,  /* from a customer, whom we do not trust */
	HIDE_TO_CUSTOMER, /* from a carrier */
};

enum hide_class { HIDE_OURS, HIDE_TRUST, HIDE_OTHER };

/** Class of a header by its id. */
enum hide_class hide_class_of(enum sip_hdr_id id);
/** Does this header of m cross that way? */
bool hide_crosses(const struct sip_msg *m, const struct sip_hdr *h, enum hide_way way);
/** Does the caller want its identity withheld: Privacy id or user (RFC 3323 4.2, RFC 3325 9.3),
 * or a Remote-Party-ID that says so? */
bool hide_wants_privacy(const struct sip_msg *m);
/** Is this one of the words of Privacy? */
bool hide_asks_for(const struct sip_msg *m, const char *word);
/** Is a privacy asked for that we do not know, and is it critical (RFC 3323 4.2, 5)? What we know
 * we give: a B2BUA shows its own Via, Contact and media address, From and identity are withheld. */
bool hide_lacks_privacy(const struct sip_msg *m);
/** Append all headers of m that cross, byte for byte. Content-* never do. */
void hide_copy(struct buf *b, const struct sip_msg *m, enum hide_way way);

#endif
