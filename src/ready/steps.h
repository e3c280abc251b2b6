/* The steps of a readiness probe. Each blocks, with deadlines, in the probe's own thread, and fills
 * its part of the facts. */
#ifndef POSTERN_READY_STEPS_H
#define POSTERN_READY_STEPS_H

#include <stdatomic.h>

#include "ready/facts.h"
#include "ready/testmedia.h"
#include "base/clock.h"
#include "sdp/stream.h"
#include "sip/frame.h"

enum {
	PROBE_DNS_US = 6 * CLOCK_S,     /* all questions together */
	PROBE_CONNECT_US = 4 * CLOCK_S, /* a TCP connect */
	PROBE_SHAKE_US = 5 * CLOCK_S,   /* a connect with its handshake */
	PROBE_OTHER_US = 20 * CLOCK_S,  /* all of another address */
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
	uint64_t look_due_us;       /* no handshake begins behind it; 0 = no matter when */
	bool late;                  /* one was left out for it */
	struct testmedia_rows rows; /* of the test call */
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
/** Answer a request that is not ours to understand: 200 to OPTIONS and BYE, 501 to others; ACK:
 * nothing. */
void probe_sip_refuse(struct probe_sip *s, const struct sip_msg *req);
enum { PROBE_BRANCH = 28 }; /* of a Via of ours, with NUL */
/** Our Via with a new branch, which is also written to branch. */
void probe_sip_put_via(const struct probe_run *r, struct buf *b, char branch[PROBE_BRANCH]);
/** Is m a response to the request with this branch? One that is to none of ours is counted. */
bool probe_sip_is_answer(const struct sip_msg *m, const char *branch, struct probe_answer *out);
/** Keep what a response says. */
void probe_sip_keep(const struct sip_msg *m, struct probe_answer *out);
/* The prober's end of the media. */
struct probe_media {
	struct testmedia_rows rows;
	int fd;
	struct addr own;
	uint32_t ssrc, ts, serial; /* serial: of the keys */
	uint16_t seq;
	bool failed;             /* a row or key could not be set */
	uint32_t phase;          /* stands in the packets that are sent */
	uint8_t digit_pt, digit; /* of the digit that was sent; pt 0 = none yet */
	uint32_t sent, received, echoed, digits_back; /* echoed: of this phase */
};
/** IO. End with probe_media_end in any case. */
enum err probe_media_begin(struct probe_media *m, const struct testmedia_rows *rows) NODISCARD;
void probe_media_end(struct probe_media *m);
/** The rows as offer and answer say. */
void probe_media_set(struct probe_media *m, const struct sdp_local *ours,
		     const struct sdp_stream *far, bool new_keys);
/** Send silence for so long, count what comes. */
void probe_media_run(struct probe_media *m, const _Atomic bool *stop, uint64_t us);
/**
 * Let what was set last settle, then send and count for at least so long, until it is proven that
 * the far end takes our packets, or most_us are over.
 */
void probe_media_phase(struct probe_media *m, const _Atomic bool *stop, uint64_t least_us,
		       uint64_t most_us, struct probe_phase *out);
/** One digit (RFC 4733). */
void probe_media_digit(struct probe_media *m, uint8_t pt, uint8_t event);

/** The test call: INVITE, media, a digit, hold, a new key, BYE. */
void probe_call(struct probe_sip *s);
/** OPTIONS and its answer. */
void probe_options(struct probe_sip *s);

#endif
