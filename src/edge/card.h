/* What a TLS peer showed, kept beside its connection, so that the identity question can be asked
 * again when the accounts change; and the answer to the question inside the handshake. The only
 * part of edge that two threads touch: a lock guards the table of cards. */
#ifndef POSTERN_EDGE_CARD_H
#define POSTERN_EDGE_CARD_H

#include <pthread.h>

#include "base/pool.h"
#include "edge/edge.h"
#include "net/tls.h"
#include "policy/identity.h"

enum {
	CARD_TEXT_MAX = 2048,   /* bytes of the names of one certificate */
	CARD_NAMES_MAX = 64,    /* more are refused */
	CARD_HOSTS_MAX = 16384, /* hosts whose addresses are kept (policy/addrbook.h) */
	CARD_NONE = 0xffffffff
};

struct card {
	bool shown; /* it showed a certificate; else it is known by its address alone */
	uint16_t n_dns, n_uri, used;
	uint16_t at[CARD_NAMES_MAX + 1], len[CARD_NAMES_MAX + 1]; /* DNS names, URIs, common name */
	char text[CARD_TEXT_MAX];
};

struct cards {
	pthread_mutex_t lock; /* pool and book only */
	struct pool pool;
	struct addrbook book; /* filled by edge/book.h; take the lock */
	/* read by the handshake thread, swapped by handshake_work: never while it is in use */
	const struct snapshot_view *snap;
	char (*zone_fqdn)[POLICY_HOST_MAX];
	uint32_t n_zones;
	char expected[POLICY_HOST_MAX];            /* a guest's name, under the lock; "" = none */
	const struct edge_listener_conf *listener; /* borrowed */
	uint32_t n_listeners;
};

/** Room for n peers. zone_fqdn and conf are borrowed. */
enum err cards_init(struct cards *c, uint32_t n, char (*zone_fqdn)[POLICY_HOST_MAX],
		    const struct edge_conf *conf) NODISCARD;
void cards_fini(struct cards *c);
/** The answer inside the handshake (tls_on_identity; arg: struct cards). Accepted: verdict.account
 * is the number of a card, which the taker frees. */
void cards_on_identity(void *arg, const struct tls_peer *peer, struct tls_verdict *verdict);
/** What a ClientHello tells beforehand (tls_on_guess; arg: struct cards). */
void cards_on_guess(void *arg, const struct tls_peer *peer, struct tls_guess *guess);
/** A peer whose certificate speaks for this name, and that no account takes, is accepted as a guest
 * (verdict.account is CARD_NONE) until another name is set; "": nobody. Any thread. */
void cards_expect(struct cards *c, struct str fqdn);
const struct card *cards_at(const struct cards *c, uint32_t number);
void cards_free(struct cards *c, uint32_t number);
/** What the account of this snapshot asks of its peers' certificates. */
void cards_terms(const struct snapshot_view *snap, uint32_t account, struct tls_account *out);
/** Private CAs and intermediates of the accounts, for the next verification. Called in the
 * handshake thread, or before it is there. */
void cards_owns(const struct snapshot_view *snap, struct tls_trust_box *box);
/** Ask again, in the loop, from the accounts of today. local: the address that it came to. */
enum identity_reason cards_identify(struct cards *c, const struct card *card,
				    const struct snapshot_view *snap, const struct addr *source,
				    const struct addr *local, struct str zone, struct identity *out,
				    struct buf *why) NODISCARD;

#endif
