/* The B2BUA: all calls of a signaling worker. Takes what edge and media tell, admits, routes, and
 * carries out what the machine of each call (b2bua.h) says. A change of a call is in its record
 * before any message that shows it leaves. Loop thread only; never blocks. */
#ifndef POSTERN_CALL_CALL_H
#define POSTERN_CALL_CALL_H

#include "call/leg.h"
#include "call/refused.h"

enum { CALLS_STOP_BATCH = 20 /* calls ended in one step of calls_stop */ };

/** ops and timers outlive cs. NOMEM. */
enum err calls_init(struct calls *cs, const struct call_conf *conf, const struct call_ops *ops,
		    struct timers *timers) NODISCARD;
void calls_fini(struct calls *cs);
/** Accounts from now on; running calls keep what they started with. May be NULL: no new calls. */
void calls_on_snapshot(struct calls *cs, const struct snapshot_view *snap);
/** From now on; sizes, node and media plan stay as they are. Running calls keep their timers. */
void calls_on_conf(struct calls *cs, const struct call_conf *conf);
/** No new calls (503) from now on, but emergency calls. */
void calls_drain(struct calls *cs);
/** End up to CALLS_STOP_BATCH calls that are not ending yet; returns how many calls there are. */
uint32_t calls_stop(struct calls *cs, uint64_t now_us);
/** The same, but emergency calls go on. */
uint32_t calls_stop_ordinary(struct calls *cs, uint64_t now_us);
/** The time to stop is over: the CDR of each call that is left, as it stands. */
void calls_abandon(struct calls *cs, uint64_t now_us);
/** NOTFOUND. */
enum err calls_hangup(struct calls *cs, struct str id, uint64_t now_us) NODISCARD;
uint32_t calls_count(const struct calls *cs);

/* From edge (struct edge_up). */
/** A call for help that edge refused (why: a sentence) because it cannot be read, or because no
 * trunk is there for it: it gets its alarm and its line in the log, and where it has a trunk its
 * record, all the same. */
void calls_on_lost(struct calls *cs, const struct sip_msg *msg, const struct edge_source *src,
		   const char *why, uint64_t now_us);
/**
 * m is an INVITE of a guest that no account takes yet, over TLS. False: it calls nobody for help.
 * Else what it gets, as over a TLS trunk: with src->account and src->trunk of whom it will be the
 * answer of that account and a record, with POLICY_NONE the default and no record; always the alarm
 * and the line in the log.
 */
bool calls_on_guest(struct calls *cs, const struct sip_msg *m, const struct edge_source *src,
		    uint64_t now_us, struct call_guest *out);
/** Does this request belong to a dialog of a call that is there? */
bool calls_know(struct calls *cs, const struct sip_msg *msg, const struct edge_source *src);
void calls_on_request(struct calls *cs, struct edge_txn *txn, const struct sip_msg *msg,
		      const struct edge_source *src, uint64_t now_us);
void calls_on_ack(struct calls *cs, const struct sip_msg *msg, const struct edge_source *src,
		  uint64_t now_us);
void calls_on_cancel(struct calls *cs, void *user, const struct sip_msg *msg, uint64_t now_us);
void calls_on_news(struct calls *cs, void *user, const struct edge_news *news, uint64_t now_us);
/** Its OPTIONS are answered again, or no more (why: a sentence). Trunks of customers are ignored.
 */
void calls_on_poll(struct calls *cs, const struct policy_id *trunk, bool up, const char *why,
		   uint64_t now_us);
/** A request of ours was challenged and goes again: its next CSeq, which is in the record then; 0:
 * it is of no use any more. */
uint32_t calls_on_again(struct calls *cs, void *user, struct edge_txn *txn, enum sip_method method,
			uint64_t now_us) NODISCARD;
void calls_on_undelivered(struct calls *cs, void *user, uint64_t now_us);

/* From media. */
void calls_on_media_closed(struct calls *cs, const struct media_closed *m, uint64_t now_us);
void calls_on_media_timeout(struct calls *cs, uint32_t slot, uint32_t generation, uint64_t now_us);
/** A key of this leg is good for few packets more: another one is offered. */
void calls_on_media_rekey(struct calls *cs, uint32_t slot, uint32_t generation, uint64_t now_us);
/** A digit came as events, on a row where they are told. */
void calls_on_digit(struct calls *cs, const struct media_digit *d, uint64_t now_us);

#endif
