/* What the trunks of a call change on its way (policy/rewrite.h): numbers before they are judged
 * and as each leg shall see them, headers of what crosses, verstat; and whether a signed Identity
 * still says what goes with it (RFC 8224). Emergency numbers are never changed, and none is made.
 */
#ifndef POSTERN_CALL_ALTER_H
#define POSTERN_CALL_ALTER_H

#include "call/state.h"

/**
 * The number of a URI that came from this trunk (POLICY_NONE: no rules), as its rules make it: the
 * called one, or one of the calling side. Errors of number_read_uri.
 */
enum err alter_read_uri(const struct calls *cs, uint32_t trunk, bool called,
			const struct sip_uri *uri, struct number *out) NODISCARD;
/** A number to be called, which is no emergency's, as this trunk shall get it: route_called, then
 * its rules. */
enum err alter_number(const struct calls *cs, uint32_t trunk, const char *number,
		      char out[NUMBER_SIZE]) NODISCARD;
/** The same of the call's; that of an emergency service as it is. */
enum err alter_called(const struct call *c, uint32_t trunk, char out[NUMBER_SIZE]) NODISCARD;
/** A number of the calling side as leg i shall see it. Names stay as they are. */
void alter_calling(const struct call *c, enum call_leg_index i, const char *number,
		   char out[CALL_NUMBER_MAX]);

/** The word that a carrier's From says of its caller's number, kept in c->caller where its trunk
 * lets it pass. */
void alter_read_verstat(struct call *c, const struct sip_msg *m, uint32_t trunk);
/** May leg i be told what the other leg, a carrier, says of numbers? */
bool alter_passes_verstat(const struct call *c, enum call_leg_index i);

/** Does the Identity of this INVITE go on to leg B? Noted in the record. The number to be called
 * and the caller's are there already. */
void alter_judge_identity(struct call *c, const struct sip_msg *m);
/**
 * The headers that stand in b from byte `from` on, of a message to leg i, crossed or of our own:
 * as the trunks of both legs want them. begins: the INVITE that begins the call.
 */
void alter_headers(const struct call *c, enum call_leg_index i, struct buf *b, size_t from,
		   bool begins);

#endif
