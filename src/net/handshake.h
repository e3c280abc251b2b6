/* The handshake thread: descriptors and contexts in, finished connections and records out. It
 * shares nothing with the loop but two queues; what it hands over it never touches again.
 *
 * At most HANDSHAKE_MAX are in hand and HANDSHAKE_PER_SOURCE from one source (IPv4 address, IPv6
 * /64), so that slow or hostile peers cannot keep others out (reliability D2, D3). When more than
 * half of them are in hand, a peer that says nothing is given up sooner. */
#ifndef POSTERN_NET_HANDSHAKE_H
#define POSTERN_NET_HANDSHAKE_H

#include "net/loop.h"
#include "net/tlsconn.h"

enum {
	HANDSHAKE_MAX = 256,
	HANDSHAKE_RESERVE = 64, /* further ones that only connect-side jobs may take */
	HANDSHAKE_CROWD = 64, /* so many places are kept free by dropping those that say nothing */
	HANDSHAKE_PER_SOURCE = 32,
	HANDSHAKE_WORK_MAX = 32,                /* pieces of work waiting or running */
	HANDSHAKE_TIMEOUT_US = 5 * 1000 * 1000, /* from submit to finished */
	HANDSHAKE_HURRY_US = 1000 * 1000,       /* to the first byte, when half are in hand */
	HANDSHAKE_CONNS_MAX = 65536             /* cap of max_conns */
};

struct handshake;
struct tls_result;

/* In the loop's thread, once for each submitted job. The callee owns *res and ends it with
 * handshake_result_free; it may take res->conn (then set it to NULL). Room for the next job is
 * there again when this is called, so a held listener may go on. */
typedef void handshake_on_result(void *arg, struct tls_result *res);

struct handshake_conf {
	struct loop *loop;
	uint32_t max_conns;      /* connections that may live at a time (pool); 0 = 4096 */
	uint32_t max_in_hand;    /* 0 = HANDSHAKE_MAX; more is cut to it */
	uint32_t max_per_source; /* 0 = HANDSHAKE_PER_SOURCE */
	tls_on_identity *on_identity;
	tls_on_guess *on_guess; /* may be NULL */
	void *identity_arg;
	handshake_on_result *on_result;
	void *result_arg;
	struct tls_trust_box *trust; /* whom to believe; borrowed, and swapped by its owner */
};

/* A job: accept side when zones is set, connect side when client is. */
struct handshake_job {
	int fd; /* becomes non-blocking; connect side: the TCP connect may still be under way */
	struct addr peer, local;
	struct tls_zones *zones;
	uint16_t default_zone; /* index where SNI names no zone: by local address */
	struct tls_ctx *client;
	struct str fqdn; /* connect side: SNI = reference identity, whatever was dialled */
	struct tls_account account; /* connect side: of the peer; zero for none */
	bool hide_certificate;      /* connect side: do not show ours */
	uint64_t timeout_us;        /* 0 = HANDSHAKE_TIMEOUT_US */
	void *arg;                  /* comes back in the result */
};

struct tls_result {
	struct tls_conn *conn;      /* NULL: refused or failed */
	struct tls_verdict verdict; /* accept side: what on_identity answered */
	struct tls_record record;
	void *arg;
};

/** Starts the thread. */
enum err handshake_new(const struct handshake_conf *conf, struct handshake **out) NODISCARD;
/** Stops the thread; handshakes in hand end as SHUTDOWN and their results are delivered from
 * within. Connections taken must be freed before. */
void handshake_free(struct handshake **h);
/**
 * Takes job->fd on ERR_OK (references to zones or client are kept as needed). FULL: max_in_hand
 * reached, leave the peer in the accept queue; REFUSED: this source has its share in hand, close;
 * NOMEM: as many connections live as the pool has; IO: fd is none.
 */
enum err handshake_submit(struct handshake *h, const struct handshake_job *job) NODISCARD;
/** Is there room for another job? (accept only then) */
bool handshake_room(const struct handshake *h);
uint32_t handshake_in_hand(const struct handshake *h);
/**
 * Run do_work(arg) in the handshake thread, between handshakes, then on_done(arg) in the loop's:
 * to build contexts aside, and to swap what on_identity reads. FULL: HANDSHAKE_WORK_MAX waiting.
 */
enum err handshake_work(struct handshake *h, void (*do_work)(void *arg), void (*on_done)(void *arg),
			void *arg) NODISCARD;
/** Closes res->conn where it was not taken. Nulls. */
void handshake_result_free(struct handshake *h, struct tls_result **res);
/** close_notify, closes, gives the connection back to the pool. Nulls; NULL is fine. */
void handshake_conn_free(struct handshake *h, struct tls_conn **conn);

#endif
