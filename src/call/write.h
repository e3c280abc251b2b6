/* The messages of a leg as they are written: requests, responses, and where their URIs come from.
 */
#ifndef POSTERN_CALL_WRITE_H
#define POSTERN_CALL_WRITE_H

#include "call/leg.h"

/** Begin leg B for a target: new Call-ID, tag, dialog. */
enum err leg_begin_b(struct call *c, uint32_t trunk, const struct edge_local *local) NODISCARD;
/** The INVITE of leg B with this body (empty: its 2xx shall offer) into b; host: ours on that leg.
 */
void leg_put_invite(struct call *c, struct buf *b, const struct addr *host, struct str body);
/** ACK of leg i's 2xx to our last INVITE there; body: our answer, or empty. */
void leg_put_ack(struct call *c, enum call_leg_index i, struct buf *b, struct str body);
/** CANCEL for an INVITE of an earlier life of signaling: its dialog and branch are in the record.
 */
void leg_put_lost_cancel(struct call *c, struct buf *b);
/** A BYE on leg i; its CSeq is counted in the record. */
enum err leg_put_bye(struct call *c, enum call_leg_index i, struct buf *b) NODISCARD;
/* A request inside a dialog. */
struct leg_request {
	enum sip_method method;
	const struct sip_msg *from; /* what crosses of it goes along; NULL: nothing */
	bool whole;                 /* the body of from and what speaks of it goes along, too */
	struct str type, body;      /* Content-Type; empty: no body */
	const char *rack;           /* of a PRACK; else NULL */
	/* Event and Subscription-State of a NOTIFY in the place of from's; else NULL */
	const char *event, *subscription;
	const char *refer_to; /* the URI that a REFER names; else NULL */
};
/** The URI by which leg i would call this number: with our name for a customer, with its own for a
 * carrier. */
void leg_put_number_uri(struct call *c, enum call_leg_index i, const char *number, struct buf *b);
/** Such a request on leg i; its CSeq is counted in the record. */
enum err leg_put_request(struct call *c, enum call_leg_index i, const struct leg_request *r,
			 struct buf *b) NODISCARD;
/* A provisional or 2xx. */
struct leg_answer {
	int status;
	const struct sip_msg *from; /* what crosses of it goes along; NULL: nothing */
	struct str body;            /* SDP; empty: none */
	bool quiet;                 /* no NOTIFY will follow (RFC 4488) */
	uint32_t rseq;              /* reliable, with this number (RFC 3262); 0: not */
};
/** Such a response to a request of leg i. */
void leg_put_response(struct call *c, enum call_leg_index i, const struct edge_txn *txn,
		      struct buf *b, const struct leg_answer *a);
/** The answer m of the other leg to a request of leg i that went on; what crosses of it, its body
 * as it is. */
void leg_put_passed(struct call *c, enum call_leg_index i, const struct edge_txn *txn,
		    struct buf *b, const struct sip_msg *m, int status);
/** All option tags of Require and Proxy-Require are ones that we have; replaces: that one, too. */
bool leg_has_required(const struct sip_msg *m, bool replaces);
/** A final failure to A's INVITE: status, our Warning (may be ""), Q.850 cause (0 = none). */
void leg_put_failure_a(struct call *c, struct buf *b, int status, const char *warning, int q850);

/* An answer that says nothing of a call. */
struct leg_plain {
	int status;
	const char *warning; /* "" = none */
	const char *id;      /* in the Warning; "" = none */
	uint32_t retry_s;    /* Retry-After; 0 = what the status says */
	struct leg_allow allow;
};
/** Such an answer to req, from source; tag: ours where req has none. */
void leg_put_plain(const struct calls *cs, struct buf *b, const struct sip_msg *req,
		   const struct addr *source, const char *tag, const struct leg_plain *p);

#endif
