/* What a provider asks of equipment and of us, as data: conf/profiles/NAME.yaml
 * (postern-profile(5)), and its comparison with our zone and with what a probe saw. */
#ifndef POSTERN_READY_PROFILE_H
#define POSTERN_READY_PROFILE_H

#include "ready/facts.h"
#include "ready/report.h"
#include "conf/report.h"

enum {
	PROFILE_SUITES_MAX = 512, /* bytes of a list, with NUL */
	PROFILE_NOTES_MAX = 8,
	PROFILE_NOTE_MAX = 160,
	PROFILE_TEXT_MAX = 16 * 1024, /* of a file */
};

/* Each in the order of its words in readyprofile.c. */
enum profile_version { PROFILE_10, PROFILE_11, PROFILE_12, PROFILE_13 };
enum profile_key { PROFILE_KEY_ANY, PROFILE_KEY_RSA };
enum profile_mutual { PROFILE_MUTUAL_ANY, PROFILE_MUTUAL_YES, PROFILE_MUTUAL_NO };
enum profile_contact { PROFILE_CONTACT_ANY, PROFILE_CONTACT_FQDN };
enum profile_srtp { PROFILE_SRTP_OPTIONAL, PROFILE_SRTP_REQUIRED };

struct ready_profile {
	char name[32], title[READY_TITLE_MAX];
	char suites[PROFILE_SUITES_MAX];      /* OpenSSL's names divided by commas; "" = any */
	char srtp_suites[PROFILE_SUITES_MAX]; /* names of RFC 4568 */
	uint16_t port;                        /* 0 = any */
	uint8_t tls_min, tls_max;             /* enum profile_version */
	uint8_t key, mutual, contact, srtp;   /* the enums above */
	bool wildcard;                        /* our certificate may be a wildcard one */
	bool mki;                             /* an MKI in its keys is fine */
	bool options, e164; /* OPTIONS must be answered; numbers are written with + */
	uint32_t n_notes;
	char note[PROFILE_NOTES_MAX][PROFILE_NOTE_MAX];
};

/** CONFIG: at least one error was reported; NOMEM. */
enum err readyprofile_parse(struct str text, struct conf_report *rep,
			    struct ready_profile *out) NODISCARD;
/** Lines at the end of the report: what of the demands is met, and what is not. Pure. */
void readyprofile_run(const struct ready_profile *p, const struct probe_facts *f,
		      struct ready_report *out);

#endif
