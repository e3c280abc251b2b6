/* A call record as one line of JSON (postern-cdr(5)). */
#ifndef POSTERN_OPS_CDR_H
#define POSTERN_OPS_CDR_H

#include "base/buf.h"
#include "call/record.h"

enum { CDR_VERSION = 1, CDR_LINE_MAX = 31 * 1024 };

/** The object without a newline. Whatever does not fit marks b failed. */
void cdr_put(struct buf *b, const struct call_record *r);
/** How the line of this call begins: for searching. */
void cdr_put_start(struct buf *b, const char *id);
/** "tls", "udp", "tcp" of an enum edge_transport. */
const char *cdr_transport_name(unsigned t);
/** The customer's leg, whose account the call is filed under: A, or B when A is a carrier. */
const struct record_leg *cdr_customer_leg(const struct call_record *r);
/** "time" or null. */
void cdr_put_time(struct buf *b, int64_t wall_us);

#endif
