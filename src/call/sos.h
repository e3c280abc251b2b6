/* Emergency calls: recognised before all else. Over TLS they are not available: refused at once in
 * a way that makes a PBX take its emergency route. On a clear trunk they are carried, and nothing
 * that limits other calls holds for them. Each is alarmed, counted and gets its CDR. */
#ifndef POSTERN_CALL_SOS_H
#define POSTERN_CALL_SOS_H

#include "call/state.h"

/** Is this the URI of an emergency service, and asked for by a customer? */
bool sos_is_called(const struct calls *cs, const struct sip_uri *uri,
		   const struct edge_source *src);
/**
 * Is this new INVITE one that no limit may stop: an emergency call of a customer, or within 30
 * minutes of one the call back of the emergency service: from a carrier, to a number that made the
 * call, or with Priority: psap-callback (RFC 7090) to any number of its account?
 */
bool sos_is_exempt(const struct calls *cs, const struct sip_msg *m, const struct edge_source *src);
/** How many of the CALL_SPARE calls and records beyond the node's limit this one may be among. A
 * customer's that asks for help over TLS is only told where else to ask: it leaves half of them for
 * the ones that are carried. */
uint32_t sos_spare(const struct calls *cs, bool exempt, const struct edge_source *src);
/**
 * An emergency call of a customer: payer is its account (POLICY_NONE where it is gone). NONE: it is
 * on a clear trunk and shall be carried. EMERGENCY: it shall be refused; c->status is set.
 */
enum refusal sos_admit(struct call *c, const struct edge_source *src, uint32_t payer,
		       char why[CALL_WHY_MAX]);
/**
 * Its INVITE makes no dialog: one that leads back to where it came from. broken: why it makes none.
 * That again, where there is none either.
 */
enum err sos_dialog(struct call *c, const struct sip_msg *m, struct str tag, enum err broken);
/** Its caller is known now: the call back may come. */
void sos_note(struct call *c);
/**
 * What another call would be refused for: extensions in Require and Proxy-Require are done without,
 * and Max-Forwards 0 is let through once (docs/decisions/020). HOPS: it has gone round.
 */
enum refusal sos_message(struct call *c, const struct sip_msg *m);
/** An INVITE of this call, of any class, goes to a carrier: tell that an emergency call is carried.
 * Before the target's status is set; told again where the targets before could not be reached. */
void sos_carried(const struct call *c);
/** A is told that its call, of any class, failed: tell of an emergency call that no carrier got. */
void sos_failed(const struct call *c);

#endif
