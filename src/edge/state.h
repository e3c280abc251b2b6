/* What edge keeps, between receive.c (what comes in, identified) and send.c (transactions,
 * paths out). */
#ifndef POSTERN_EDGE_STATE_H
#define POSTERN_EDGE_STATE_H

#include "edge/book.h"
#include "edge/load.h"
#include "edge/listener.h"
#include "edge/oc.h"
#include "edge/redial.h"
#include "edge/rejudge.h"
#include "edge/txn.h"

enum {
	EDGE_MSG_MAX = SIP_MSG_MAX, /* a message of ours */
	EDGE_SMALL_MSG = 8192,      /* answers without a body, ACK, CANCEL */
	EDGE_BIG_PER_PEER = 32, /* of TEXT_LARGE_BLOCKS, for requests of one account or carrier */
	EDGE_SPARE_TXNS = 128,  /* beyond max_txns, for emergency calls: four each of 32 */
	EDGE_RETRY_AFTER_S = 5, /* when transactions have run out */
	/* Calls for help of an account at a time: that may use the spare ones, and that are only
	 * refused, as over TLS, at all */
	EDGE_HELP_SHARE = 16,
	EDGE_SHARE_TIMES = 8,            /* a peer may hold so many times what is free for all */
	EDGE_LOST_MAX = 16,              /* unreadable calls for help whose copies are known, .. */
	EDGE_LOST_US = 32 * 1000 * 1000, /* .. for 64*T1 */
	EDGE_REFUSED_MAX = 4096, /* requests that overload refused whose copies are known, .. */
	EDGE_REFUSED_US = 4 * 1000 * 1000, /* .. for so long: one may wait behind it */
	EDGE_DIALOG_PART = 16, /* one in so many transactions is kept for calls that are up */
};

struct auth;
struct errands;

struct edge {
	struct edge_conf conf;
	struct edge_up up;
	struct loop *loop;
	struct resolver *resolver;
	struct handshake *handshake;
	struct tls_zones *zones;
	struct tls_trust_box trust;
	bool has_box; /* trust was set up */
	char zone_fqdn[EDGE_LISTENERS_MAX][POLICY_HOST_MAX];
	struct cards cards;
	struct book book;
	struct conns conns;
	struct rejudge rejudge;
	struct listeners listeners;
	struct guard guard;
	struct budget budget;
	struct load load;
	struct load_budget refusing; /* time that refusing may take */
	struct timer load_timer;     /* while new calls are refused because of it */
	uint64_t shed;               /* so many since that was told */
	struct edge_busiest {        /* who brought most meanwhile */
		uint32_t rate;
		char name[EDGE_WHO_MAX];
	} busiest;
	uint64_t refused_until; /* there may be one below until then */
	struct edge_refused {
		uint64_t hash, until;
	} refused[EDGE_REFUSED_MAX];
	struct oc_peers oc;
	const struct snapshot_view *snap, *next_snap;
	void (*on_swapped)(void *arg);
	void *swapped_arg;
	struct texts texts;
	struct pool txns;
	struct share share; /* of accounts, and of addresses of carriers */
	struct hash by_key;
	uint64_t check_key[2]; /* of edge_txn.check */
	struct pool locates;   /* as many as transactions: what is in use has memory */
	struct list big;       /* server transactions with a large request */
	struct list adrift;    /* BYE and CANCEL that wait for a connection (attempt_wait) */
	struct edge_lost {
		uint64_t hash, until;
	} lost[EDGE_LOST_MAX];
	struct targets targets;
	struct redial redial;
	struct timer redial_timer;
	struct auth *auth;              /* edge/auth.h */
	struct errands *polls, *enrols; /* edge/polls.h, edge/enrols.h; NULL before they began */
	/* What lower files tell: send.c that a request could not be sent (true: it goes elsewhere
	 * now), attempt.c that one (arg) wants its way anew. */
	bool (*on_unsent)(struct edge_txn *t);
	void (*on_again)(void *arg);
	/* A 2xx of an INVITE that was left for another target. */
	void (*on_stray)(struct edge_txn *t, const struct sip_msg *msg);
	bool closing;
	struct txn_times times;
	struct sip_msg rx;  /* the message that came in */
	struct sip_msg req; /* a stored request, read again */
	struct sip_msg own; /* a request of ours, read again */
	char msg[EDGE_MSG_MAX];
};

/** What messages that leave by this listener show. */
struct edge_local edge_local_at(const struct edge *e, const struct listener *l);
/** Tell the layer above of a message. */
void edge_show(const struct edge *e, const struct edge_seen *seen);
/** Is m an emergency call, by its Request-URI? Such a one goes up from whoever may make no other
 * calls, and may use what is kept for it; a To-tag of no call is no reason to lose it. */
bool edge_is_emergency(const struct edge *e, const struct sip_msg *m);
/** Is an emergency call from there only refused (call/sos.h)? */
bool edge_only_refuses(const struct edge *e, const struct edge_source *src);
/** The account whose certificate serves this one as well; "" = none. */
struct policy_id edge_parent_of(const struct edge *e, const struct policy_id *account);
/** Read a message; one that begins an emergency call does without a Max-Forwards that cannot be
 * read. False: m says what is wrong. */
bool edge_read(const struct edge *e, struct str bytes, struct sip_msg *m);

#endif
