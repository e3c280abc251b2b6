/* One transaction as edge keeps it: the machine of sip/txn, its bytes, and where they go. */
#ifndef POSTERN_EDGE_TXN_H
#define POSTERN_EDGE_TXN_H

#include "edge/conn.h"
#include "edge/edge.h"
#include "edge/share.h"
#include "sip/edit.h"
#include "sip/txn_client.h"
#include "sip/txn_server.h"

enum {
	TEXT_TINY = 1536,  /* a message up to this size, as most are, lives in a tiny block */
	TEXT_SMALL = 4096, /* up to this size in a small one: there is always one */
	TEXT_LARGE_BLOCKS = 128,
	TEXT_LARGE_SPARE = 16, /* beyond them, for emergency calls */
};

enum text_kind { TEXT_IN_TINY, TEXT_IN_SMALL, TEXT_IN_LARGE, TEXT_KINDS };

/* A stored message. */
struct text_block {
	char *p;
	size_t len;
	uint8_t kind; /* enum text_kind */
	bool spare;   /* of an emergency call: may be one of TEXT_LARGE_SPARE */
};

/* Who is told of a client transaction that edge made for itself, in place of struct edge_up. */
struct edge_own {
	/** May end its transaction (send_end_txn). */
	void (*on_news)(struct edge_own *own, const struct edge_news *n);
};

struct edge_txn {
	struct edge *owner;
	struct hash_node by_key; /* with its hash, .. */
	uint64_t check;          /* .. this is 128 bits that nobody can make alike: its key */
	struct txn m;
	struct timer timer;
	struct loop_soon
		soon;        /* client: the first sending; answered: dropping req; dead: freeing */
	struct list wait;    /* client: in the waiting or busy list of its connection, or adrift */
	struct list big;     /* server: in edge's list */
	uint64_t waits;      /* us: since when for a connection; 0 = it did not */
	struct timer trying; /* client: no answer at all from this target */
	struct locate *locate;             /* client over UDP to a name: of edge's; else NULL */
	struct addr literal;               /* client over UDP to an address; family 0: none */
	struct addr tried[CONN_TRIED_MAX]; /* client: where it was sent to, now and before */
	uint32_t n_tried;
	bool server, once, forgotten, dead, hashed;
	bool spare;              /* of an emergency call: what is kept for them may be used */
	struct share_peer *held; /* server: where its peer is counted; else NULL */
	bool widened, narrow;    /* client: too large for UDP, so over TCP; its TCP does not work */
	uint32_t udp_listener;   /* widened: the one before */
	uint8_t again;           /* client: connections that it was lost with, or waited for */
	uint8_t answered[2];     /* challenges, of a server and of a proxy */
	uint64_t shown[2];       /* hash of the nonce that its request has an answer to; 0 = none */
	bool stray;  /* client INVITE: left for another target; whatever comes is ended */
	bool oc;     /* server: it takes part in overload control */
	bool unsent; /* server: the last response found no connection */
	enum sip_method method;
	void *user;
	struct edge_own *own;   /* NULL: call's */
	struct edge_source src; /* server: of the request; client: what the trunk is */
	struct edge_dest dest;  /* client; server: only trunk */
	struct addr to;         /* UDP */
	uint64_t conn;
	uint32_t listener;
	struct text_block req, resp; /* client: req is ours; server: resp is ours */
	char branch[EDGE_BRANCH_MAX];
	char reason[64]; /* of the CANCEL */
};

struct texts {
	struct pool pool[TEXT_KINDS];
};

enum err texts_init(struct texts *t, uint32_t n) NODISCARD;
void texts_fini(struct texts *t);
/** Copy bytes into *b, in place of what it held. NOMEM, LONG. */
enum err texts_put(struct texts *t, struct text_block *b, struct str bytes) NODISCARD;
void texts_drop(struct texts *t, struct text_block *b);

/** The key of a request from this scope (0 = nobody's). */
enum err edge_txn_key(const struct sip_msg *m, uint64_t scope, bool cancelled,
		      struct txn_key *out) NODISCARD;
/** Where a response goes, over a stream only when the connection is gone: RFC 3581 (UDP), else RFC
 * 3261 18.2.2. */
struct addr edge_txn_reply_addr(const struct sip_msg *req, const struct addr *source, bool stream);

/* What a request of ours gets beside its Via. */
struct txn_via {
	struct str params; /* of the Via, from ";" on, or empty */
	struct str more;   /* whole lines behind it, or empty */
};
/** Our request with its Via behind the start line. */
void edge_txn_put_via(struct buf *b, struct str msg, enum edge_transport t,
		      const struct addr *shown, const char *branch, const struct txn_via *with);
/** ACK of a failure, or CANCEL, from the INVITE that we sent (17.1.1.3, 9.1). to: value of To.
 * reason: of a Reason header, or "". */
void edge_txn_put_from(struct buf *b, const struct sip_msg *invite, enum sip_method method,
		       struct str to, const char *reason);

#endif
