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
	CONN_SMALL = 4096,      /* bytes of the frame buffer that each connection has */
	CONN_LARGE_BUFS = 256,  /* buffers of SIP_FRAME_BUF for messages that do not fit it */
	CONN_DIAL_US = 3000000, /* TCP connect and handshake; then the next address */
	CONN_TEXT = 128,
};

enum conn_state { CONN_DIALLING, CONN_OPEN, CONN_DOWN };

struct conn;

/* What the owner (edge) is told. */
struct conn_up {
	void *arg;
	void (*on_message)(void *arg, struct conn *c, struct str bytes);
	/** A dialled connection is there: what waits may be sent. */
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
	bool inbound, tls, customer, barred; /* barred: no new calls on it */
	uint32_t listener;
	uint16_t zone; /* inbound TLS: index */
	struct addr remote, local;
	struct stream *stream;
	struct policy_id account,
		trunk;            /* account "" for a carrier; trunk: dialled, or the only one */
	struct identity identity; /* of today's accounts; inbound */
	uint32_t card;            /* CARD_NONE where there is none */
	char tls_version[12], tls_suite[40], peer[CONN_TEXT];
	struct hash_node by_id, by_owner;
	struct list node;    /* all connections */
	struct list waiting; /* of the owner: what is to be sent when it opens */
	/* dialling */
	struct locate locate;
	uint32_t next_addr;
	struct tls_ctx *client;
	char fqdn[POLICY_HOST_MAX];
	struct addr bind;
	char why[CERT_WHY_MAX];
	struct sip_frame frame;
	void *large; /* from the pool of large buffers, or NULL */
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
	struct list all;
	struct conn_up up;
	uint64_t next_id, dial_us;
};

/** max connections. handshake may be set later (it needs a callback that needs this). */
enum err conns_init(struct conns *cs, struct loop *loop, struct resolver *resolver,
		    struct cards *cards, uint32_t max, uint64_t dial_us,
		    const struct conn_up *up) NODISCARD;
/** After the handshake thread ended: closes all, without news. */
void conns_fini(struct conns *cs);

/** An accepted plain TCP connection. Takes fd. */
enum err conns_accept(struct conns *cs, int fd, const struct addr *peer, const struct addr *local,
		      uint32_t listener, const struct identity *id) NODISCARD;
/** An accepted TLS connection with its card. Takes res->conn and the card on ERR_OK. */
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
/** A connection of this account (carrier: of this trunk) that may carry something of this trunk:
 * open ones before dialling ones, newest first. dialled_only: one that we dialled to the trunk. */
struct conn *conns_of(const struct conns *cs, const struct policy_id *account,
		      const struct policy_id *trunk, bool dialled_only);
/** The accounts changed: who is who is asked again; sets barred. */
void conns_identify(struct conns *cs, const struct snapshot_view *snap);
/** Send on an open one. */
enum err conn_send(struct conn *c, struct str bytes) NODISCARD;
/** End it; on_down comes from inside. */
void conn_close(struct conn *c, const char *why);
uint32_t conns_count(const struct conns *cs);

#endif
