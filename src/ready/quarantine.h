/* Waiting for the own connection of equipment that no account takes yet (`postern ready --wait`).
 * Its certificate must speak for the FQDN and pass the zone's rules; then it is a guest: OPTIONS
 * is answered, an INVITE to the test number is looked at and ended with 480, a call for help gets
 * what do_help says, everything else 403. Nothing else of it reaches calls. Loop thread only. */
#ifndef POSTERN_READY_QUARANTINE_H
#define POSTERN_READY_QUARANTINE_H

#include "ready/facts.h"
#include "edge/edge.h"
#include "sip/frame.h"

enum {
	QUARANTINE_GUESTS = 4,       /* connections at a time; more are closed */
	QUARANTINE_REQUESTS = 100,   /* answered on one connection; then it is closed */
	QUARANTINE_FRAME = 16 * 1024 /* bytes of a message */
};

struct quarantine;

/* The answer to a call for help. */
struct quarantine_help {
	unsigned status;
	int q850;
	char warning[400];            /* a sentence, with its id */
	char contact[POLICY_URI_MAX]; /* "" = none */
};

struct guest {
	struct quarantine *owner;
	struct stream *stream; /* NULL: free */
	uint32_t n_requests;
	struct sip_frame frame;
	char mem[QUARANTINE_FRAME];
};

struct quarantine {
	/* set by the caller; do_help: false: this INVITE calls nobody for help. src: account and
	 * trunk are POLICY_NONE, for it to fill in */
	struct edge *edge;
	bool (*do_help)(void *arg, const char *fqdn, const struct sip_msg *m,
			struct edge_source *src, struct quarantine_help *out);
	void *arg;
	bool open;
	struct probe_wait *wait; /* filled while open */
	char fqdn[POLICY_HOST_MAX], call[PROBE_NUMBER_MAX];
	struct guest guest[QUARANTINE_GUESTS];
	struct sip_msg msg;
};

/** wait: zeroed, borrowed until quarantine_end. call: the test number; \"\" = none. */
void quarantine_begin(struct quarantine *q, const char *fqdn, const char *call,
		      struct probe_wait *wait);
/** Closes all guests. Not open is fine. */
void quarantine_end(struct quarantine *q);
/** Of edge: a guest is there; a handshake ended. */
void quarantine_take(struct quarantine *q, struct tls_result *res);
void quarantine_note(struct quarantine *q, const struct tls_record *rec);

#endif
