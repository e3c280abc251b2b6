/* The parts of a readiness check, in the order in which readycheck_run calls them, and what they
 * hold good. Pure. */
#ifndef POSTERN_READY_PARTS_H
#define POSTERN_READY_PARTS_H

#include "ready/facts.h"
#include "ready/report.h"

enum {
	READY_TTL_LOW = 30,      /* s: below, DNS is asked for nearly every call */
	READY_TTL_HIGH = 3600,   /* above, a move takes longer than an hour */
	READY_DATES_SOON_D = 30, /* days: an expiry that is warned of */
	READY_RSA_BITS = 2048,
};

/** DNS and TCP. False: there is nothing to talk to, nothing else can be said. */
bool readynet_run(const struct probe_facts *f, struct ready_report *out);
/** TLS, its certificate, ours. */
void readytls_run(const struct probe_facts *f, int64_t now_us, struct ready_report *out);
/** Where the TLS of further addresses differs from what stands in out. */
void readyeach_run(const struct probe_facts *f, int64_t now_us, struct ready_report *out);
/** The test call. */
void readycall_run(const struct probe_facts *f, struct ready_report *out);
/** The equipment's own connection. */
void readywait_run(const struct probe_facts *f, struct ready_report *out);
/** OPTIONS. */
void readysip_run(const struct probe_facts *f, struct ready_report *out);

#endif
