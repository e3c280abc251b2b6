/* The steps of a readiness probe. Each blocks, with deadlines, in the probe's own thread, and fills
 * its part of the facts. */
#ifndef POSTERN_APP_PROBESTEPS_H
#define POSTERN_APP_PROBESTEPS_H

#include <stdatomic.h>

#include "app/probefacts.h"
#include "base/clock.h"
#include "sip/frame.h"

enum {
	PROBE_DNS_US = 6 * CLOCK_S,     /* all questions together */
	PROBE_CONNECT_US = 4 * CLOCK_S, /* a TCP connect */
	PROBE_SHAKE_US = 5 * CLOCK_S,   /* a connect with its handshake */
};

/* What every step works with. */
struct probe_run {
	struct probe_facts *f;
	struct tls_ctx *client;  /* of the zone; a reference */
	struct tls_trust *trust; /* likewise */
	struct tls_owns *owns;   /* likewise */
	struct addr dns[4];      /* servers; none: the system's */
	uint32_t n_dns;
	const _Atomic bool *stop;
};

/** A, AAAA and SRV of the FQDN. */
void probe_dns(struct probe_run *r);
/** TCP to every address, then handshakes with the first that answers. *out: the connection on our
 * own terms, or NULL. */
void probe_tls(struct probe_run *r, struct tlsprobe **out);

/* SIP over a probe's connection. */
struct probe_sip {
	struct probe_run *run;
	struct tlsprobe *conn;
	struct sip_frame frame;
	struct sip_msg msg; /* the last one that came */
	char mem[SIP_FRAME_BUF];
};
/** Takes *conn. NOMEM. */
enum err probe_sip_new(struct probe_run *r, struct tlsprobe **conn,
		       struct probe_sip **out) NODISCARD;
void probe_sip_free(struct probe_sip **s);
/** The next message, whole and well formed, in s->msg; keepalives are answered. TIMEOUT, CLOSED, IO
 * (an alert), SYNTAX (not SIP). */
enum err probe_sip_next(struct probe_sip *s, uint64_t due_us) NODISCARD;
enum err probe_sip_send(struct probe_sip *s, struct str bytes) NODISCARD;
/** Answer a request that is not ours to understand: 200 to OPTIONS, 501 to others; ACK: nothing. */
void probe_sip_refuse(struct probe_sip *s, const struct sip_msg *req);
/** Our Via with a new branch. */
void probe_sip_put_via(const struct probe_run *r, struct buf *b);
/** Keep what a response says. */
void probe_sip_keep(const struct sip_msg *m, struct probe_answer *out);
/** OPTIONS and its answer. */
void probe_options(struct probe_sip *s);

#endif
