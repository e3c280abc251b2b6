/* Signaling's side of `postern ready`: takes a job of admin, says what the accounts and the zone
 * know of it, has it probed, and passes the facts back as a sealed memfd. Loop thread only. */
#ifndef POSTERN_APP_SIGNALING_READY_H
#define POSTERN_APP_SIGNALING_READY_H

#include "app/admin_msg.h"
#include "conf/conf.h"
#include "ready/probe.h"
#include "ready/quarantine.h"
#include "policy/snapshot.h"

enum { SIGNALING_READY_RETRY_US = 20 * CLOCK_MS /* until the channel takes the facts */ };

struct signaling_ready {
	/* set by the caller before signaling_ready_init; borrowed */
	struct channel *admin;
	/* client context of a zone, borrowed, NULL = none; and whom it believes, references for
	 * the caller */
	struct tls_ctx *(*do_client)(void *arg, uint32_t zone, struct tls_trust **trust,
				     struct tls_owns **owns);
	/* a TLS handshake with this address came to its end */
	void (*on_reached)(void *arg, const struct addr *addr);
	void *arg;
	/* own */
	struct loop *loop;
	struct probe probe;
	struct timer retry, waited;
	struct quarantine quarantine;
	struct testmedia media; /* its pointers are the caller's to set */
	struct probe_wait wait;
	uint32_t number;              /* of the job in hand */
	bool stopped;                 /* nobody waits for it any more */
	struct probe_facts *facts;    /* found, while we still wait; else NULL */
	struct admin_ready_done done; /* of the facts that wait */
	int fd;                       /* sealed facts that admin has not got yet, -1 = none */
};

enum err signaling_ready_init(struct signaling_ready *r, struct loop *loop) NODISCARD;
/** Before edge is freed. Zeroed is fine. */
void signaling_ready_fini(struct signaling_ready *r);
/** A job; conf, v: the configuration and the accounts of now (NULL = none), for the call. Whatever
 * comes of it, ADMIN_READY_DONE follows. */
void signaling_ready_begin(struct signaling_ready *r, const struct probe_job *job,
			   const struct conf *conf, const struct snapshot_view *v);
/** End the job of this number, if it is in hand: ADMIN_READY_DONE with CLOSED follows. */
void signaling_ready_stop(struct signaling_ready *r, uint32_t number);

#endif
