/* Overload control between hops (RFC 7339, algorithm "loss"): parameters of the Via. As a server we
 * tell clients that show `oc` how many of a hundred new requests to leave out; as a client we do it
 * for each address that asks us. Pure: `now` and random numbers come in. */
#ifndef POSTERN_EDGE_OC_H
#define POSTERN_EDGE_OC_H

#include "base/addr.h"
#include "edge/edge.h"
#include "sip/via.h"

enum {
	OC_PEERS = 256,            /* addresses that asked; the one that ends first makes room */
	OC_VALID_MS = 500,         /* of what we say (RFC 7339 4.3: its default) */
	OC_VALID_MAX_MS = 3600000, /* of what others say */
};

/* What our requests add to their Via. */
#define OC_ASKS ";oc;oc-algo=\"loss\""

struct oc_peer {
	struct addr addr;
	uint8_t transport; /* enum edge_transport */
	uint8_t percent;
	uint64_t seq, until_us; /* until_us 0: free */
};

struct oc_peers {
	struct oc_peer peer[OC_PEERS];
	uint32_t n; /* in use, from the first */
};

/** Does the client take part? (`oc` without a value) */
bool oc_asked(const struct sip_via *v);
/** A response with the top Via's answer: percent, as of changed_us. What cannot be read is copied
 * as it is. */
void oc_put(struct buf *b, struct str msg, unsigned percent, uint64_t changed_us);

/** The Via of ours in a response of this address: note what it asks for. An older word than the
 * last one is left. */
void oc_take(struct oc_peers *ps, const struct sip_via *v, const struct addr *from,
	     enum edge_transport t, uint64_t now_us);
/** Shall this new request to it be left out? */
bool oc_leaves_out(const struct oc_peers *ps, const struct addr *to, enum edge_transport t,
		   uint32_t random, uint64_t now_us);

#endif
