/* Reliability A10: when what connections were let in by changes - the authorities of a zone,
 * whether it asks for a certificate, what an account asks of its peers - each TLS connection that
 * is up is judged again, by the rules of now. One that would not be let in today takes no new
 * calls; its running ones go on.
 *
 * The judging runs in the handshake thread, some connections at a time, between handshakes; all
 * else in the loop's thread. */
#ifndef POSTERN_EDGE_REJUDGE_H
#define POSTERN_EDGE_REJUDGE_H

#include "edge/conn.h"
#include "net/handshake.h"

enum {
	REJUDGE_BATCH = 32,       /* some 100 us each */
	REJUDGE_RETRY_US = 20000, /* the thread has as much work as it takes */
};

/* One connection in the thread's hands. */
struct rejudge_row {
	uint64_t id;
	struct tls_shown shown;
	struct tls_ctx *ctx;        /* the zone's of today */
	struct tls_account account; /* of today */
	struct tls_judge judge;     /* points to the three above, and to name */
	char name[POLICY_HOST_MAX];
	bool fit;
	char why[CERT_WHY_MAX];
};

struct rejudge {
	struct conns *conns;
	const struct edge_conf *conf; /* the zones' contexts of today */
	struct loop *loop;
	struct timer retry;
	bool busy, closing;
	uint64_t next;    /* connections from this id on are still to be judged */
	int64_t since_us; /* wall: of the last change */
	uint32_t n;
	struct rejudge_row row[REJUDGE_BATCH];
};

/** conns has its handshake thread and trust, or neither: then nothing is judged. */
void rejudge_init(struct rejudge *r, struct conns *conns, const struct edge_conf *conf,
		  struct loop *loop);
/** Something changed: all connections. */
void rejudge_all(struct rejudge *r);
/** c is there now; its handshake began at this wall time, maybe before the last change. */
void rejudge_late(struct rejudge *r, const struct conn *c, int64_t began_us);
/** Before the loop ends; what the thread still holds is dropped with handshake_free. */
void rejudge_fini(struct rejudge *r);

#endif
