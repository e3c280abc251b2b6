/* What a call may use while it runs: its length, and the money and minutes of its account's day,
 * taken increment by increment before each begins. So no limit is ever passed, however many calls
 * run: the call whose next increment does not fit is ended when that increment would begin. */
#ifndef POSTERN_CALL_METER_H
#define POSTERN_CALL_METER_H

#include "call/state.h"

/**
 * A customer's call is about to begin: its price and longest length into the record, its first
 * increment taken. payer: index of the account that pays. MINUTES, SPEND: nothing is left today;
 * *whose is then the account that has reached its limit.
 */
enum refusal meter_begin(struct call *c, uint32_t payer, uint32_t *whose);
/** Longest length of a call that does not begin at a customer, from the called side's limits. */
void meter_length(struct call *c, uint32_t account, uint32_t trunk);
/** It was answered now: time runs. */
void meter_answered(struct call *c);
/** When meter_due shall be called; TIMER_NEVER: nothing is limited. */
uint64_t meter_next(const struct call *c);
/** Time has come: NONE, or why the call must end now. */
enum refusal meter_due(struct call *c);
/** It is over: what it used is settled, or given back where it was never answered. */
void meter_end(struct call *c);
/** A call of an earlier life of signaling, from its record: counted as it was. */
void meter_restore(struct call *c);

#endif
