/* Which carrier is it? From the names of a certificate, on a TLS listener of the carrier side, to
 * the carrier trunks that it speaks for. The mirror of identity_of_peer: there is no account. */
#ifndef POSTERN_POLICY_CARRIER_H
#define POSTERN_POLICY_CARRIER_H

#include "policy/identity.h"

/**
 * The enabled TLS carriers whose reference (or host) the certificate covers, and that may come so:
 * zone, listener, source ranges where they have any. IDENTITY_OK: *out is written, without account.
 * Otherwise a sentence is added to why (which may be NULL). Looks through all carriers; p->book is
 * not used.
 */
enum identity_reason identity_of_carrier(const struct snapshot_view *v,
					 const struct identity_peer *p, struct identity *out,
					 struct buf *why) NODISCARD;

#endif
