/* Reports of `postern ready`: what was found about an account's equipment, kept with the accounts.
 * A passed report allows tls_srtp ready and on for STORE_REPORT_DAYS days.
 * Writing one does not change the version of the store. Blocking I/O. */
#ifndef POSTERN_STORE_REPORTS_H
#define POSTERN_STORE_REPORTS_H

#include "store/sqlite.h"

enum {
	STORE_REPORT_DAYS = 90,     /* a passed report counts that long */
	STORE_REPORTS_KEPT = 16,    /* of one account; the newest passed one always */
	STORE_REPORT_MAX = 1 << 20, /* bytes of its texts together */
};

struct store_report {
	struct str account; /* text id */
	struct str fqdn;    /* what was looked at */
	int64_t at_us;      /* wall */
	bool passed;
	struct str issuer; /* of the certificate seen, as in handshake records; "" = none seen */
	struct str names;  /* of it, "DNS a, sip:b" */
	struct str json;   /* the whole report, one JSON object */
};

/** Keep a report; drops the oldest beyond STORE_REPORTS_KEPT. LONG, IO, AGAIN, NOMEM. */
enum err store_report_write(struct store *s, const struct store_report *r) NODISCARD;
/**
 * The newest report of an account; passed: the newest passed one. Free with store_report_free.
 * NOTFOUND, IO, NOMEM.
 */
enum err store_report_read(struct store *s, struct str account, bool passed,
			   struct store_report **out) NODISCARD;
/** Nulls the pointer; NULL is fine. */
void store_report_free(struct store_report **r);
/** Is this report, which passed, still young enough at now_us (wall)? */
bool store_report_fresh(const struct store_report *r, int64_t now_us);

#endif
