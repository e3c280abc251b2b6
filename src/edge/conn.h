/* Connections: TCP and TLS, taken or dialled (edge/dial.h), cut into messages. A connection belongs
 * to an account (or a carrier's trunk); a dialog finds another one of the same account when its own
 * is gone. */
#ifndef POSTERN_EDGE_CONN_H
#define POSTERN_EDGE_CONN_H

#include "base/hash.h"
#include "edge/card.h"
#include "edge/load.h"
#include "edge/locate.h"
#include "edge/ping.h"
#include "edge/target.h"
#include "net/stream.h"
#include "sip/frame.h"

enum {
	CONN_BAR_MAX = 240,       /* why no new calls are taken over it, with NUL */
	CONN_SMALL = 4096,        /* bytes of the frame buffer that each connection has */
	CONN_LARGE_BUFS = 256,    /* buffers of SIP_FRAME_BUF for messages that do not fit it */
	CONN_LARGE_PER_PEER = 32, /* of them, for connections of one account or carrier address */
	/* Beyond these, for who may bring or carry an emergency call: plain TCP of a customer, two
	 * each, and what we dial to a carrier */
	CONN_CLEAR_SPARE = 64,
	CONN_CLEAR_EACH = 2,
	CONN_LARGE_SPARE = 16,     /* large buffers beyond CONN_LARGE_BUFS, for plain TCP */
	CONN_SHARE = 4,            /* one account holds at most 1/4 of the connections, .. */
	CONN_SHARE_MIN = 16,       /* .. but may always hold so many */
	CONN_SPARE = 64,           /* streams that end while the next one is dialled */
	CONN_DIAL_US = 3000000,    /* TCP connect and handshake; then the next address */
	CONN_MESSAGE_US = 5000000, /* for the rest of a message that was begun (D2) */
	CONN_PONGS = 16,           /* answers to keepalives of one read */
	CONN_TRIED_MAX = 8,        /* addresses that one request was sent to */
	CONN_SEARCHES = 256,       /* names looked up at a time, for all */
	CONN_TEXT = 128,
};

enum conn_state { CONN_DIALLING, CONN_OPEN };

struct conn;

/* What the owner (edge) is told. */
struct conn_up {
	void *arg;
	/** May close c. */
	void (*on_message)(void *arg, struct conn *c, struct str bytes);
	/** A connection is there, taken or dialled: what waits may be sent. */
	void (*on_open)(void *arg, struct conn *c);
	/** It is gone, or never came: why is a sentence. c is freed after this; its state is still
	 * what it was. */
	void (*on_down)(void *arg, struct conn *c, const char *why);
	/** What c->frame still holds is no whole message, and will be none: no SIP, or the rest of
	 * it did not come (TIMEOUT, CLOSED), or there is no room for it (NOMEM); on_down follows.
	 */
	void (*on_garbage)(void *arg, struct conn *c, enum err e);
	/** TLS: the connection to c->remote could not even be begun; c->why says why. */
	void (*on_undialled)(void *arg, const struct conn *c);
};

struct conn {
	struct conns *owner;
	uint64_t id; /* never used again */
	enum conn_state state;
	bool inbound, tls, customer;
	bool closing; /* on_down is being told */
	bool barred;  /* by today's accounts, see conn_barred */
	bool revoked; /* by today's revocation lists */
	bool unfit;   /* by today's policy it would not be let in (edge/rejudge.h) */
	bool alias;   /* inbound TLS: the peer wants new requests over it (RFC 5923) */
	bool mute;    /* a request over it got no answer in time, and nothing came since */
	bool kept;    /* dialled to the trunk's own place: comes back when it is lost */
	uint32_t listener;
	uint16_t zone; /* inbound TLS: index */
	struct addr remote, local;
	struct stream *stream;
	struct policy_id account,
		trunk;            /* account "" for a carrier; trunk: dialled, or the only one */
	struct identity identity; /* of today's accounts; where barred, of the last that knew it */
	int64_t not_after_us;     /* wall: the first of the peer's chain to end, 0 = none */
	struct cert_id ids[TLS_RECORD_CERTS]; /* of its chain, for revocation lists */
	uint16_t n_ids;
	uint32_t card; /* CARD_NONE where there is none */
	char tls_version[12], tls_suite[40], peer[CONN_TEXT];
	struct hash_node by_id, by_owner;
	struct list node; /* all connections */
	/* of the owner: */
	struct list waiting; /* what is to be sent when it opens */
	struct list busy;    /* what was sent over it and has no final answer */
	/* dialling */
	struct locate locate;
	uint32_t next_addr;
	uint64_t began; /* us: when this address was first dialled */
	struct tls_ctx *client;
	char fqdn[POLICY_HOST_MAX];      /* dialled */
	char reference[POLICY_HOST_MAX]; /* SNI, and the name that its certificate must show */
	uint16_t port;                   /* as asked for, 0 = by SRV */
	bool hide;                       /* our certificate is not shown */
	struct addr bind;
	char why[CERT_WHY_MAX];        /* dialling: what went wrong; open: why it is unfit */
	char barred_why[CONN_BAR_MAX]; /* where barred */
	struct sip_frame frame;
	void *large;       /* from the pool of large buffers, or NULL */
	struct list big;   /* those with one */
	struct list rest;  /* in conns.resting: not read for now */
	struct timer slow; /* a message was begun */
	struct ping ping;
	struct timer ping_timer;
	uint64_t messages; /* cut so far */
	struct load load;  /* how long its messages wait for each other; nobody else does */
	uint32_t credit;   /* what those admitted because of that left, in parts of LOAD_ONE */
	char small[CONN_SMALL];
};

struct conns {
	struct loop *loop;
	struct resolver *resolver;
	struct handshake *handshake;
	struct stream_pool streams;
	struct cards *cards;
	struct tls_trust_box *trust; /* whose revocation lists count; NULL: none */
	struct pool pool, large, searches;
	struct targets *targets; /* of edge */
	struct hash by_id, by_owner;
	struct list all, big, resting;
	struct timer rest_timer; /* all of them go on */
	struct conn_up up;
	const struct snapshot_view *snap; /* of today, see conns_identify; NULL = none */
	uint64_t next_id, dial_us, ping_us;
};

/** max connections. handshake may be set later (it needs a callback that needs this). */
enum err conns_init(struct conns *cs, struct loop *loop, struct resolver *resolver,
		    struct cards *cards, uint32_t max, uint64_t dial_us,
		    const struct conn_up *up) NODISCARD;
/** After the handshake thread ended: closes all, without news. */
void conns_fini(struct conns *cs);

struct conn_taken {
	int fd;
	struct addr peer, local;
	uint32_t listener;
	bool customer; /* the listener's side */
	bool clear;    /* plain TCP */
};
/** An accepted plain TCP connection. Takes fd on ERR_OK. FULL: the account has its share. */
enum err conns_accept(struct conns *cs, const struct conn_taken *taken,
		      const struct identity *id) NODISCARD;
/** An accepted TLS connection with its card. Takes res->conn and the card on ERR_OK. Errors as
 * above. */
enum err conns_accept_tls(struct conns *cs, struct tls_result *res, uint32_t listener,
			  const struct identity *id) NODISCARD;

struct conn *conns_find(const struct conns *cs, uint64_t id);
/* What a connection is looked for. For a new request one that we dialled is found by (trunk,
 * identity, local profile, remote): trunk, name to verify and certificate shown, listener, place.
 */
struct conn_want {
	struct policy_id account, trunk; /* account "" for a carrier */
	struct policy_id parent;         /* whose certificate serves that account, too; "" = none */
	bool tls;
	bool in_dialog; /* any connection of the account whose trunks hold this one will do, and
			 * one that its parent made; else one that we dialled to the trunk, and that
			 * is not barred */
	bool inbound;   /* new requests too may go over the peer's own connection */
	bool hide;      /* as in conn_dial */
	uint32_t listener;
	struct str host; /* dialled to this host and port; empty: any of the trunk */
	uint16_t port;
	struct str reference;     /* empty: host */
	const struct addr *tried; /* not to these */
	uint32_t n_tried;
};
/** The best one: not barred, then open ones before dialling ones, then the newest; its parent's
 * only where the account has no open one. */
struct conn *conns_of(const struct conns *cs, const struct conn_want *w);
/** May c carry that? */
bool conn_fits(const struct conn *c, const struct conn_want *w);
/** Has the account another open connection than c? */
bool conns_has_other(const struct conns *cs, const struct conn *c);
/** The accounts changed: who is who is asked again; sets barred. Calls nobody. */
void conns_identify(struct conns *cs, const struct snapshot_view *snap);
/** No new calls on it: its account or trunk is switched off or gone, a certificate of the peer's
 * chain has expired or is revoked, or policy would not let it in today (A10). Running calls go on.
 */
bool conn_barred(const struct conn *c);
/** Why, of one that is: a sentence for its peer, to stand in a quoted string. */
void conn_put_bar(const struct conn *c, struct buf *b);
/** The revocation lists, or what accounts want of them, changed: each connection is looked up in
 * them again (A10). Calls nobody. */
void conns_recheck(struct conns *cs);
/** Is this address among them? */
bool conn_addr_in(const struct addr *a, const struct addr *set, uint32_t n);
/** A request over it got no answer in time: nothing new goes over it until something comes. */
void conn_set_mute(struct conn *c);
/** Read no more of it until then, what is in hand apart: what its peer sends stays in the socket.
 */
void conn_rest(struct conn *c, uint64_t until_us);
/** Send on an open one. Never closes it from inside. */
enum err conn_send(struct conn *c, struct str bytes) NODISCARD;
/** End it; on_down comes from inside. */
void conn_close(struct conn *c, const char *why);
uint32_t conns_count(const struct conns *cs);

/* ---- for edge/dial.c only ---- */

/** A connection without a stream. NULL: none is left. spare: one of CONN_CLEAR_SPARE as well. */
struct conn *conn_new(struct conns *cs, const struct policy_id *account,
		      const struct policy_id *trunk, bool spare);
/** Give back one that nobody knows of yet. */
void conn_free(struct conn *c);
/** Who a connection that we dialled is, by the accounts of now. */
bool conn_identify_dialled(const struct conns *cs, const struct conn *c, struct identity *out);
/** Its stream is open, with TLS or without. */
void conn_opened(struct conn *c);
/** What a stream tells (struct stream_calls), arg = struct conn. */
void conn_take_bytes(void *arg, struct str bytes);
void conn_stream_closed(void *arg, enum stream_end why, int error);
/** What was chosen and shown in the handshake. */
void conn_keep_tls(struct conn *c, const struct tls_record *r);

#endif
