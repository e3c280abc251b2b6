/* Who calls. A customer may only call as one of its own numbers, whatever header says so (A3):
 * From, P-Asserted-Identity, P-Preferred-Identity, Remote-Party-ID, Diversion, History-Info. What
 * was verified is asserted to the carrier side, which we trust (RFC 3325); towards customers an
 * identity goes only where Privacy permits it (RFC 3323). */
#ifndef POSTERN_CALL_CALLER_H
#define POSTERN_CALL_CALLER_H

#include "call/state.h"

/**
 * The caller of an INVITE, into c->caller and c->rec.from_sent. payer: the account of the customer
 * that calls, trunk: its trunk; POLICY_NONE for a carrier's call, which is believed. Emergency
 * calls are never refused. Who names nobody calls as the trunk's caller, an own number that
 * diverted the call or the account's lowest. CALLER: a foreign identity, and the account does not
 * have it replaced, or no number to show; why says which header.
 */
enum refusal caller_read(struct call *c, const struct sip_msg *m, uint32_t payer, uint32_t trunk,
			 char why[CALL_WHY_MAX]) NODISCARD;
/** Any other request: does a customer show a number of another account? Never true of BYE, nor of
 * a keepalive: nothing of them goes on. */
bool caller_is_foreign(const struct calls *cs, const struct sip_msg *m,
		       const struct edge_source *src);
/** The URI of our From on leg B at this host: "sip:+15551230000@192.0.2.1", or anonymous. */
void caller_put_uri(const struct call *c, struct buf *b, const struct addr *host);
/** "sip:+15551230000@192.0.2.1". */
void caller_put_number_uri(struct buf *b, const char *number, const struct addr *host);
/** P-Asserted-Identity, Privacy and Diversion of our INVITE to the carrier side. */
void caller_put_headers(const struct call *c, struct buf *b, const struct addr *host);

/** A response of the called side, of which a customer may say who answers (RFC 3325): its own
 * number is kept for caller_put_identity, another one is not. */
void caller_read_answer(struct call *c, const struct sip_msg *m);
/** P-Asserted-Identity and Privacy of who speaks on leg i, a carrier's: in a response to A, and in
 * requests inside the dialog. Nothing, where nobody is known. */
void caller_put_identity(const struct call *c, enum call_leg_index i, struct buf *b,
			 const struct addr *host);

#endif
