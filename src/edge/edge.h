/* Signalling in and out: transactions over connections and datagrams (RFC 3261 17, 18).
 * One struct edge a signaling worker, on its loop thread; nothing here is global.
 *
 * A request that comes up has an identified trunk: by the certificate (TLS) or by the source
 * address (UDP, TCP). Everything else was answered or dropped below and never reaches `call`.
 * A message that goes down is complete but for the Via, which edge writes. */
#ifndef POSTERN_EDGE_EDGE_H
#define POSTERN_EDGE_EDGE_H

#include "base/addr.h"
#include "base/id.h"
#include "net/handshake.h"
#include "net/resolver.h"
#include "net/stream.h"
#include "policy/identity.h"
#include "sip/digest.h"

enum {
	EDGE_LISTENERS_MAX = 32,
	EDGE_BRANCH_MAX = 40, /* of a Via that we write, with NUL */
	EDGE_NAMES_MAX = 8,   /* further names of this node */
	EDGE_PARTY_TRUNKS = 8,
	EDGE_CREDENTIALS_MAX = 64,
	EDGE_CREDENTIAL_TEXT = 128,
	EDGE_WHO_MAX = POLICY_ID_MAX + 32,
};

enum edge_transport { EDGE_UDP, EDGE_TCP, EDGE_TLS };

/* Where signalling is received, and what the world sees of it. */
struct edge_listener_conf {
	char name[POLICY_ID_MAX];
	char device[16]; /* its network interface; "" = any. Connections that we make go there too
			  */
	enum edge_transport transport;
	struct addr bound, advertised;
	uint32_t zone; /* index into edge_conf.zones; meaningful for EDGE_TLS */
	int fd;        /* bound (and listening) socket from keeper; edge takes it */
	bool customer; /* faces customers (else carriers) */
};

/* Who sent a message, and over what. */
struct edge_source {
	struct addr remote, local;
	enum edge_transport transport;
	uint32_t listener;           /* index */
	uint64_t conn;               /* id of the connection, 0 for datagrams; never used again */
	struct policy_id account_id; /* "" for a carrier; stays right when the accounts change */
	/* Indexes in the snapshot of this moment. POLICY_NONE: trunk, where the peer may make no
	 * new calls (switched off, certificate expired) and only in-dialog requests come up;
	 * account, where it is a carrier, or gone. */
	uint32_t account, trunk;
	const char *tls_version, *tls_suite, *tls_peer; /* "" where none; borrowed for the call */
};

/* Where a request goes. Several hints: edge takes the first that works. */
struct edge_dest {
	struct policy_id trunk;   /* names account, location and transport */
	struct policy_id account; /* "" for a carrier */
	uint64_t conn;            /* connection it should go over (in-dialog), 0 = none */
	enum edge_transport transport;
	char host[POLICY_HOST_MAX]; /* next hop: IP literal or FQDN; "" = the trunk's location */
	uint16_t port;  /* 0 = the trunk's where host is "", else the transport's default */
	bool reuse;     /* TLS, in-dialog: any live connection of the account whose trunks hold this
			 * one may carry it, before a new one is dialled to the trunk's location */
	bool emergency; /* what is kept for emergency calls may be used */
	bool hunt;      /* the caller has another trunk to try: one that says nothing at all within
			 * trying_us, at all its addresses, has failed (EDGE_FAILED, TIMEOUT) */
	char invite[EDGE_BRANCH_MAX]; /* of an ACK: edge_txn_branch of its INVITE, whose credentials
				       * it has, too; "" = none */
	char branch[EDGE_BRANCH_MAX]; /* of the Via; "" = a new one. Set for the CANCEL of an INVITE
				       * of an earlier life, see edge_txn_branch */
};

/* Whom a handshake was with, in text ids; "" and 0 where nobody was found. Of a refused one: whom
 * its certificate, which nobody vouches for then, claims to be. */
struct edge_party {
	struct policy_id account;
	struct policy_id trunk[EDGE_PARTY_TRUNKS]; /* selected; dialled: the one it was for */
	uint32_t n_trunks;
};

struct edge_txn; /* a transaction; owned by edge, valid until forgotten or ended */

/* News about a client transaction that call started. `user` is what edge_send was given. */
enum edge_event {
	EDGE_RESPONSE, /* msg is set; 1xx and finals, and each further 2xx of an INVITE */
	EDGE_TIMEOUT,  /* no final response in time */
	EDGE_FAILED,   /* could not be sent: err and why say why */
	EDGE_OVER,     /* nothing more will come (after a final response) */
};
struct edge_news {
	enum edge_event event;
	const struct sip_msg *msg; /* EDGE_RESPONSE: borrowed for the call */
	struct edge_source source; /* EDGE_RESPONSE: where it came over */
	enum err err;    /* EDGE_FAILED: AGAIN where its target asked for fewer calls (RFC 7339) */
	const char *why; /* EDGE_FAILED: a sentence, borrowed */
	const struct addr *tried; /* where its request was sent to so far, in order; borrowed */
	uint32_t n_tried;
	bool last; /* the transaction is over and its handle no longer valid */
};

/* What OPTIONS to a trunk came to (edge/poll.h). */
struct edge_poll_news {
	struct policy_id trunk;
	uint8_t state;       /* enum poll_state */
	bool asked;          /* false: not any more */
	bool changed;        /* it was another one before */
	uint64_t latency_us; /* of the answer; 0 = none came */
	const char *why;     /* a sentence, borrowed; "" where it answered as it should */
};

/* A message as it came in or went out. Borrowed for the call. */
struct edge_seen {
	bool out;
	enum edge_transport transport;
	struct addr peer, local;
	struct str bytes;
};

/* Our registration at a trunk (edge/enrol.h). */
struct edge_enrol_news {
	struct policy_id trunk;
	uint8_t state;    /* enum enrol_state */
	bool changed;     /* it was another one before */
	uint64_t left_us; /* until it ends by itself; 0 = there is none */
	const char *why;  /* a sentence, borrowed; "" where all is well */
};

/* Too much to do. */
struct edge_overload {
	unsigned percent;  /* of new calls that are refused */
	uint64_t delay_us; /* messages wait so long */
	uint64_t refused;  /* since the last time */
	const char *who;   /* brought the most: "account acme over TLS"; borrowed */
};

/* What edge tells the layer above; wired by app. */
struct edge_up {
	void *arg;
	/** Each message of somebody who is known, before anything else is done about it, and each
	 * one that was sent. May be NULL. */
	void (*on_message)(void *arg, const struct edge_seen *seen);
	/** A request outside INVITE-ACK and CANCEL. txn answers it. */
	void (*on_request)(void *arg, struct edge_txn *txn, const struct sip_msg *msg,
			   const struct edge_source *src);
	/** Does this request, which has a To-tag, belong to a dialog that is there? Such ones go
	 * first when there is too much to do. NULL: each does. */
	bool (*do_know)(void *arg, const struct sip_msg *msg, const struct edge_source *src);
	/** ACK of a 2xx (the ACK of a failure never comes up). */
	void (*on_ack)(void *arg, const struct sip_msg *msg, const struct edge_source *src);
	/** CANCEL matched the INVITE transaction txn and was answered with 200 already. */
	void (*on_cancel)(void *arg, struct edge_txn *txn, const struct sip_msg *cancel);
	/** News of a client transaction. */
	void (*on_news)(void *arg, void *user, const struct edge_news *news);
	/** The request of a client transaction of call was challenged and goes again, under another
	 * branch: the CSeq that it has then; 0: it shall not. What call keeps of it is stored
	 * before this returns. */
	uint32_t (*on_again)(void *arg, void *user, struct edge_txn *txn, enum sip_method method);
	/** A server transaction that was not forgotten is over: its final response could not be
	 * delivered, or needs no repetition any more. */
	void (*on_undelivered)(void *arg, struct edge_txn *txn);
	/** Each finished handshake, accepted or refused, and each connection that was turned away
	 * before its handshake. */
	void (*on_handshake)(void *arg, const struct tls_record *rec, struct id id,
			     const struct edge_party *party);
	/** A request was refused here (it may not even be readable): its id stands in the Warning.
	 */
	void (*on_refused)(void *arg, struct id id, const struct sip_msg *msg,
			   const struct addr *from, unsigned status, const char *why);
	/** So was this call for help, of a customer, because it cannot be read, or as its account
	 * has no trunk for it (src->trunk is POLICY_NONE): it comes to nobody. After on_refused;
	 * once for all copies. */
	void (*on_lost_call)(void *arg, const struct sip_msg *msg, const struct edge_source *src,
			     const char *why);
	/** An address that we send to has failed, or answers again; why: a sentence, "" when up.
	 * Told at each failure that makes it wait longer, whichever trunks use it. */
	void (*on_target)(void *arg, const struct addr *addr, enum edge_transport transport,
			  bool up, const char *why);
	/** Each answer to OPTIONS, and each time that none came. */
	void (*on_poll)(void *arg, const struct edge_poll_news *news);
	/** Each answer to REGISTER, each time that none came, and the end of a registration. */
	void (*on_enrol)(void *arg, const struct edge_enrol_news *news);
	/** Once a second while new calls are refused because of overload. May be NULL. */
	void (*on_overload)(void *arg, const struct edge_overload *news);
	/** The last connection of an account went down, or its first came up. */
	void (*on_account_link)(void *arg, const struct policy_id *account, bool up);
	/** A peer that edge_expect named finished its handshake: edge_adopt takes its connection,
	 * else it is closed. */
	void (*on_guest)(void *arg, struct tls_result *res);
};

/* A zone as edge needs it. */
struct edge_zone {
	char fqdn[POLICY_HOST_MAX];
	struct tls_ctx *server, *client; /* shared, counted; edge holds references of its own */
};

struct edge_conf {
	struct edge_listener_conf listeners[EDGE_LISTENERS_MAX];
	struct edge_zone zones[EDGE_LISTENERS_MAX];
	uint32_t n_listeners, n_zones;
	/* Hosts that a carrier's Request-URI may name besides the addresses of the listeners and
	 * the zones; another one is refused (A8) */
	char names[EDGE_NAMES_MAX][POLICY_HOST_MAX];
	uint32_t n_names;
	struct tls_trust *trust; /* whom the zones believe; edge holds a reference of its own */
	uint32_t max_conns, max_txns;
	uint64_t t1_us, t2_us, t4_us; /* 0 = RFC 3261's */
	uint64_t connect_us;          /* TCP connect and TLS handshake together; 0 = 3 s */
	/* No answer at all, not even 100, from a target while there is another one: the next. By
	 * enum edge_transport; 0 = 1 s for UDP, else 3 s; connecting and handshake
	 * take of it */
	uint64_t trying_us[3];
	uint64_t ping_us;           /* CRLF pings on streams (RFC 5626); 0 = none */
	struct number_plan numbers; /* how calling and emergency numbers are read */
	uint8_t node, worker;
	const char *user_agent; /* Server and User-Agent value */
};

struct edge; /* opaque */

/**
 * Start on the loop: makes the handshake thread, takes the listeners' descriptors. resolver is the
 * caller's and outlives edge. snap: may be NULL (no accounts yet: everything is refused), see
 * edge_on_snapshot.
 */
enum err edge_new(const struct edge_conf *conf, struct loop *loop, struct resolver *resolver,
		  const struct snapshot_view *snap, const struct edge_up *up,
		  struct edge **out) NODISCARD;
/** Closes all connections at once. NULL is fine. */
void edge_free(struct edge **e);

/** Another set of accounts: connections are matched anew by name; those of an account that is
 * gone or disabled take no new requests. The identity question in the handshake thread is
 * answered from the new set after this; *snap and its bytes must stay valid until on_done(arg),
 * which comes from the loop when the old set is no longer read by anyone. */
enum err edge_on_snapshot(struct edge *e, const struct snapshot_view *snap,
			  void (*on_done)(void *arg), void *arg) NODISCARD;

/** Run do_work(arg) in the handshake thread, between handshakes, then on_done(arg) in the loop; see
 * handshake_work. */
enum err edge_work(struct edge *e, void (*do_work)(void *arg), void (*on_done)(void *arg),
		   void *arg) NODISCARD;

/* What may change while edge runs, beside the accounts. */
struct edge_tune {
	struct number_plan numbers;
	struct tls_ctx *const *server, *const *client; /* one a zone, in the places of edge_conf */
	uint64_t t1_us, t2_us, t4_us, connect_us, trying_us[3], ping_us; /* as in edge_conf */
};
/** From the next handshake, connection and transaction on; what is there stays as it is, but that
 * a connection which would not be let in today takes no new calls (A10). NOMEM: nothing changed. */
enum err edge_on_tune(struct edge *e, const struct edge_tune *t) NODISCARD;

/** Believe others from now on: the next verification reads it. Connections that are up are
 * judged by it, and looked up in its revocation lists: one that would not be let in today, or is
 * named there, takes no new calls (A10). Takes a reference
 * of its own. Loop thread. */
void edge_on_trust(struct edge *e, struct tls_trust *trust);
/** Whom edge believes now, and what accounts brought along: references for the caller, or NULL. */
void edge_trust(struct edge *e, struct tls_trust **trust, struct tls_owns **owns);

/* With which digest challenges are answered. Holds a secret: wiped by who made it. */
struct edge_credential {
	char name[POLICY_ID_MAX];
	char realm[EDGE_CREDENTIAL_TEXT], user[EDGE_CREDENTIAL_TEXT];
	struct sip_digest_key key;
};
/** From the next challenge on; copied. */
void edge_on_credentials(struct edge *e, const struct edge_credential *list, uint32_t n);

/** End the registrations at trunks; how many are not ended yet. Asked again until there is none. */
uint32_t edge_leave(struct edge *e);

/** Stop or resume taking new connections. New calls are refused above (calls_drain). */
void edge_drain(struct edge *e, bool on);

/** Let a peer in as a guest whose certificate speaks for fqdn and that no account takes: its
 * connection is never one of ours, see on_guest. "": nobody, as at the start. */
void edge_expect(struct edge *e, struct str fqdn);
/** In on_guest: the connection as a stream of the caller's, who closes it before edge_free. */
enum err edge_adopt(struct edge *e, struct tls_result *res, const struct stream_calls *calls,
		    void *arg, struct stream **out) NODISCARD;

/** Advertised address, transport and listener that messages towards this trunk show. */
struct edge_local {
	struct addr advertised;
	enum edge_transport transport;
	uint32_t listener;
	const char *zone; /* FQDN of a TLS listener's zone, else ""; lives as long as edge */
};
enum err edge_local_of(struct edge *e, uint32_t trunk, struct edge_local *out) NODISCARD;

/** The request that a server transaction holds; valid until this is asked again, of any. */
const struct sip_msg *edge_txn_request(const struct edge_txn *txn);
const struct edge_source *edge_txn_source(const struct edge_txn *txn);
/** The caller's pointer of a transaction (server: NULL until set). */
void edge_txn_set_user(struct edge_txn *txn, void *user);
void *edge_txn_user(const struct edge_txn *txn);

/** Answer a server transaction. msg: a whole response, copied. After a final response that needs
 * no further news the handle is no longer the caller's, except for INVITE: on_undelivered may
 * come, until then or the end of the transaction; call edge_forget when it is of no interest. */
void edge_respond(struct edge_txn *txn, int status, struct str msg);

/** Start a client transaction. msg: the request without Via, start line first, copied. The first
 * news comes later from the loop, never from inside this call. */
enum err edge_send(struct edge *e, const struct edge_dest *dest, enum sip_method method,
		   struct str msg, void *user, struct edge_txn **out) NODISCARD;
/** Cancel a client INVITE transaction (deferred until a provisional came, RFC 3261 9.1). One that
 * did not leave yet never will: EDGE_FAILED comes from the loop. reason: value of a Reason header,
 * or empty. */
void edge_cancel(struct edge_txn *txn, struct str reason);
/** An ACK for a 2xx, or a response whose transaction is lost (then msg has its Via and
 * is_response is set): no transaction, sent once, now if a connection is there, else as soon as one
 * is dialled, or not at all. */
void edge_send_once(struct edge *e, const struct edge_dest *dest, bool is_response, struct str msg);
/** Branch of a client transaction's Via: kept in the record of a call in set-up. */
const char *edge_txn_branch(const struct edge_txn *txn);
/** Send the last response of an INVITE server transaction again (2xx until its ACK). */
void edge_respond_again(struct edge_txn *txn);
/** The 2xx of an INVITE server transaction has its ACK: its text is dropped, it is never sent again
 * (RFC 6026 7.1: copies of the INVITE are absorbed). */
void edge_acked(struct edge_txn *txn);
/** The caller is no longer interested: no more news; the transaction finishes by itself. */
void edge_forget(struct edge_txn *txn);

/** Somebody else than a connection of edge found that this address answers. */
void edge_reached(struct edge *e, const struct addr *addr, enum edge_transport transport);

uint32_t edge_conns(const struct edge *e);
uint32_t edge_txns(const struct edge *e);

#endif
