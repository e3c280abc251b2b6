/* Whose connection is it, as far as a ClientHello tells before any certificate: by the name that it
 * asks for, or by the address that it comes from (docs/decisions/019). Only what is offered depends
 * on it; who the peer is its certificate says. */
#ifndef POSTERN_POLICY_HELLO_H
#define POSTERN_POLICY_HELLO_H

#include "policy/snapshot.h"

/* Borrowed. */
struct hello_peer {
	struct str sni;      /* as sent; may be empty */
	struct str zone;     /* FQDN of the zone that answers */
	struct str listener; /* its name */
	struct addr source;
};

/**
 * The account of SNI "ACCOUNT.zone"; else the one account whose customer trunks over TLS list the
 * source address and may use this zone and listener. POLICY_NONE: none, or several.
 */
uint32_t hello_account(const struct snapshot_view *v, const struct hello_peer *p);

#endif
