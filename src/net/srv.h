/* Which target first? The order of SRV records (RFC 2782) and the NAPTR record that leads to them
 * (RFC 3263 4.1, RFC 3403). Pure: records and random numbers in, an order out. */
#ifndef POSTERN_NET_SRV_H
#define POSTERN_NET_SRV_H

#include "net/dns.h"

/**
 * Indexes of the SRV records of a in the order to try: by priority, within one by weighted chance
 * (RFC 2782, "Weight"). draw[k] decides the k-th place: its remainder by the sum of the weights
 * left plus 1. Records with the root as target are left out: "decidedly not available".
 * Returns how many; n_draw places are drawn, the rest come by weight alone.
 */
uint16_t srv_order(const struct dns_answer *a, const uint32_t *draw, uint16_t n_draw,
		   uint16_t order[DNS_RECORDS_MAX]);
/** Does the answer say that the service is not there: one record, its target the root? */
bool srv_refused(const struct dns_answer *a);
/**
 * The NAPTR record for this service ("SIPS+D2T", "SIP+D2T", "SIP+D2U"): flag "s", no regexp, with
 * the lowest order, then preference. NULL: none.
 */
const struct dns_record *srv_naptr(const struct dns_answer *a, struct str service);

#endif
