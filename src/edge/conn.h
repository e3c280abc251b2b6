/* Connections: TCP and TLS, taken or dialled, cut into messages. A connection belongs to an account
 * (or a carrier's trunk); a dialog finds another one of the same account when its own is gone. */
#ifndef POSTERN_EDGE_CONN_H
#define POSTERN_EDGE_CONN_H

#include "base/hash.h"
#include "edge/card.h"
#include "edge/locate.h"
#include "net/stream.h"
#include "sip/frame.h"

enum {
	CONN_SMALL = 4096,         /* bytes of the frame buffer that each connection has */
	CONN_LARGE_BUFS = 256,     /* buffers of SIP_FRAME_BUF for messages that do not fit it */
	CONN_LARGE_PER_PEER = 32,  /* of them, for connections of one account or carrier address */
	CONN_SHARE = 4,            /* one account holds at most 1/4 of the connections, .. */
	CONN_SHARE_MIN = 16,       /* .. but may always hold so many */
	CONN_SPARE = 64,           /* streams that end while the next one is dialled */
	CONN_DIAL_US = 3000000,    /* TCP connect and handshake; then the next address */
	CONN_MESSAGE_US = 5000000, /* for the rest of a message that was begun (D2) */
	CONN_PONGS = 16,           /* answers to keepalives of one read */
	CONN_TEXT = 128,
};

enum conn_state { CONN_DIALLING, CONN_OPEN, CONN_DOWN };

struct conn;

/* What the owner (edge) is told. */
struct conn_up {
	void *arg;
	/** May close c. */
	void (*on_message)(void *arg, struct conn *c, struct str bytes);
	/** A connection is there, taken or dialled: what waits may be sent. */
	void (*on_open)(void *arg, struct conn *c);
	/** It is gone, or never came: why is a sentence. c is freed after this. */
	void (*on_down)(void *arg, struct conn *c, const char *why);
	/** A framing error: the peer's bytes are no SIP; on_down follows. */
	void (*on_garbage)(void *arg, struct conn *c, enum err e);
};

struct conn {
	struct conns *owner;
	uint64_t id; /* never used again */
	enum conn_state state;
	bool inbound, tls, customer;
	bool barred; /* by today's accounts, see conn_barred */
	uint32_t listener;
	uint16_t zone; /* inbound TLS: index */
	struct addr remote, local;
	struct stream *stream;
	struct policy_id account,
		trunk;            /* account "" for a carrier; trunk: dialled, or the only one */
	struct identity identity; /* of today's accounts; where barred, of the last that knew it */
	int64_t not_after_us;     /* wall: of the peer's certificate, 0 = none */
	uint32_t card;            /* CARD_NONE where there is none */
	char tls_version[12], tls_suite[40], peer[CONN_TEXT];
	struct hash_node by_id, by_owner;
	struct list node; /* all connections */
	/* of the owner: */
	struct list waiting; /* what is to be sent when it opens */
	struct list busy;    /* what was sent over it and has no final answer */
	/* dialling */
	struct locate locate;
	uint32_t next_addr;
	struct tls_ctx *client;
	char fqdn[POLICY_HOST_MAX];
	uint16_t port;
	struct addr bind;
	char why[CERT_WHY_MAX];
	struct sip_frame frame;
	void *large;       /* from the pool of large buffers, or NULL */
	struct list big;   /* those with one */
	struct timer slow; /* a message was begun */
	uint64_t messages; /* cut so far */
	char small[CONN_SMALL];
};

struct conns {
	struct loop *loop;
	struct resolver *resolver;
	struct handshake *handshake;
	struct stream_pool streams;
	struct cards *cards;
	struct pool pool, large;
	struct hash by_id, by_owner;
	struct list all, big;
	struct conn_up up;
	const struct snapshot_view *snap; /* of today, see conns_identify; NULL = none */
	uint64_t next_id, dial_us;
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
};
/** An accepted plain TCP connection. Takes fd on ERR_OK. FULL: the account has its share. */
enum err conns_accept(struct conns *cs, const struct conn_taken *taken,
		      const struct identity *id) NODISCARD;
/** An accepted TLS connection with its card. Takes res->conn and the card on ERR_OK. Errors as
 * above. */
enum err conns_accept_tls(struct conns *cs, struct tls_result *res, uint32_t listener,
			  const struct identity *id) NODISCARD;

struct conn_dial {
	struct policy_id account, trunk;
	struct str host;
	uint16_t port;
	bool customer;
	struct tls_ctx *client; /* NULL: plain TCP; a reference is taken */
	struct addr bind;       /* local address to use, port 0; family 0 = the kernel's choice */
	uint32_t listener;
};
/** Begin a connection; news comes later. */
enum err conns_dial(struct conns *cs, const struct conn_dial *d, struct conn **out) NODISCARD;
/** The handshake of a dialled connection ended (its job's arg was the connection's id). */
void conns_on_handshake(struct conns *cs, struct tls_result *res);

struct conn *conns_find(const struct conns *cs, uint64_t id);
/* What a connection is looked for. */
struct conn_want {
	struct policy_id account, trunk; /* account "" for a carrier */
	bool tls;
	bool in_dialog;  /* any connection of the account whose trunks hold this one will do; else
			  * one that we dialled to the trunk, and that is not barred */
	struct str host; /* dialled to this host and port; empty: any of the trunk */
	uint16_t port;
};
/** The best one: not barred, then open ones before dialling ones, then the newest. */
struct conn *conns_of(const struct conns *cs, const struct conn_want *w);
/** Has the account another open connection than c? */
bool conns_has_other(const struct conns *cs, const struct conn *c);
/** The accounts changed: who is who is asked again; sets barred. Calls nobody. */
void conns_identify(struct conns *cs, const struct snapshot_view *snap);
/** No new calls on it: its account or trunk is switched off or gone, or the certificate of the peer
 * has expired (A10). Running calls go on. */
bool conn_barred(const struct conn *c);
/** Send on an open one. Never closes it from inside. */
enum err conn_send(struct conn *c, struct str bytes) NODISCARD;
/** End it; on_down comes from inside. */
void conn_close(struct conn *c, const char *why);
uint32_t conns_count(const struct conns *cs);

#endif
