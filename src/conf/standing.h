/* Is an account ready for TLS and SRTP? From its reports in the store (store/reports.h) and the
 * certificate that it showed last (store/handstore.h). For `apply` and `accounts`. Blocking I/O. */
#ifndef POSTERN_CONF_STANDING_H
#define POSTERN_CONF_STANDING_H

#include "conf/report.h"
#include "store/handstore.h"
#include "store/reports.h"

/* name, word for --json, sentence */
#define STANDING_LIST(X)                                                                           \
	X(NONE, "none", "no report of postern ready passed")                                       \
	X(PASSED, "passed", "a report passed")                                                     \
	X(CHANGED, "changed", "a report passed, but the certificate is another one now")           \
	X(EXPIRED, "expired", "the report that passed is older than 90 days")

enum standing_state {
#define X(name, word, sentence) STANDING_##name,
	STANDING_LIST(X)
#undef X
		STANDING_N
};

struct standing {
	enum standing_state state;
	int64_t at_us; /* wall: of the report that passed; 0 = none */
	char fqdn[POLICY_HOST_MAX];
};

const char *standing_word(enum standing_state s);
const char *standing_text(enum standing_state s);

/** The handshakes beside the store at store_path; NULL in *out where there are none to be read. */
void standing_hands(const char *store_path, struct handstore **out);
/** hands may be NULL: then nothing is known about certificates. What store_report_read says, but
 * for NOTFOUND. */
enum err standing_of(struct store *s, struct handstore *hands, struct str account, int64_t now_us,
		     struct standing *out) NODISCARD;
/**
 * May the accounts of want be as they are? Errors: one that is to become ready or on without a
 * passed report or an override, or to stay so when its override goes. Warnings: one that stays so
 * with a report that grew old; a changed certificate. have: the store's present state. place of
 * accounts: accountsfile_place.
 */
enum err standing_check(struct store *s, struct handstore *hands, const struct roster *have,
			const struct roster *want, int64_t now_us,
			struct conf_report *rep) NODISCARD;

#endif
