/* Accounts: what a customer may do. Row of the snapshot, plain data without pointers. */
#ifndef POSTERN_POLICY_ACCOUNT_H
#define POSTERN_POLICY_ACCOUNT_H

#include "base/str.h"

/* Limits of the policy folder. */
enum {
	POLICY_ID_MAX = 48,    /* text id of an account or trunk with its NUL: [A-Za-z0-9._-] */
	POLICY_NAME_MAX = 128, /* name for people with its NUL */
	POLICY_HOST_MAX = 254, /* DNS name or IP literal with its NUL (RFC 1035 3.1) */
	POLICY_ACCOUNTS_MAX = 65536,
	POLICY_TRUNKS_MAX = 131072,
	POLICY_NUMBERS_MAX = 2000000,
	POLICY_ACCOUNT_TRUNKS_MAX = 32, /* trunks of one account */
	POLICY_TRUNK_NAMES_MAX = 8,     /* certificate names of one trunk */
	POLICY_TRUNK_SOURCES_MAX = 16,  /* source ranges of one trunk */
};
#define POLICY_NONE UINT32_MAX /* index of no account, of no trunk */

/* A string in the text area of a snapshot; snapshot_text() gives the bytes. len 0 = none. */
struct text {
	uint32_t off;
	uint32_t len;
};

/* A text id by value: what a running call keeps, because indexes change with the snapshot. */
struct policy_id {
	char z[POLICY_ID_MAX];
};

/* What a call is, and what an account may: bits. */
#define POLICY_CLASS_LIST(X)                                                                       \
	X(ORIGINATION, origination, 1)                                                             \
	X(TOLL_FREE, toll_free, 2)                                                                 \
	X(TERMINATION, termination, 4)                                                             \
	X(INTERNATIONAL, international, 8)                                                         \
	X(EMERGENCY, emergency, 16) /* never switched: emergency calls have their own rule */      \
	X(PREMIUM, premium, 32)                                                                    \
	X(SERVICE, service, 64) /* 988 and N11: never switched */

enum policy_class {
	CLASS_NONE = 0,
#define X(upper, lower, bit) CLASS_##upper = bit,
	POLICY_CLASS_LIST(X)
#undef X
};

/* How far TLS and SRTP are for an account: the need shown, the questionnaire, then on. */
enum tls_srtp {
	TLS_SRTP_OFF,       /* no TLS connection of this account is accepted */
	TLS_SRTP_REQUESTED, /* as off */
	TLS_SRTP_READY,     /* connections and OPTIONS to check the equipment; no calls */
	TLS_SRTP_ON,
	TLS_SRTP_N
};

struct account {
	struct text id, name;
	struct text parent;             /* text id of the account above; unused yet */
	uint32_t classes;               /* CLASS_* bits */
	uint32_t max_calls;             /* concurrent; 0 = no limit of its own */
	uint32_t attempts;              /* INVITEs a second; 0 = no limit of its own */
	uint32_t first_trunk, n_trunks; /* its rows in the trunk table, in the order of the file */
	uint8_t enabled;                /* 0, 1 */
	uint8_t tls_srtp;               /* enum tls_srtp */
	uint8_t pad[2];
};

/** "origination", "toll_free" ...; "none" for CLASS_NONE, "?" for anything else. Static. */
const char *policy_class_name(enum policy_class c);
/** Words as policy_class_name gives them; NOTFOUND. Emergency is not a word that can be given. */
enum err policy_class_parse(struct str word, enum policy_class *out) NODISCARD;
/** "off", "requested", "ready", "on"; "?" outside. Static. */
const char *tls_srtp_name(enum tls_srtp t);
enum err tls_srtp_parse(struct str word, enum tls_srtp *out) NODISCARD;
/** A text id: 1..POLICY_ID_MAX-1 of [A-Za-z0-9._-], the first one a letter or digit. */
bool policy_id_valid(struct str id);

/* Why an account may not make this call. */
#define ACCOUNT_REASON_LIST(X)                                                                     \
	X(OK, "admitted")                                                                          \
	X(DISABLED, "the account is disabled")                                                     \
	X(TRUNK_DISABLED, "the trunk is disabled")                                                 \
	X(DIRECTION, "the trunk is not used for calls in this direction")                          \
	X(CLASS, "the account may not make calls of this class")                                   \
	X(NO_CLASS, "not a number that can be called")                                             \
	X(TLS_SRTP, "TLS and SRTP are not switched on for this account yet")

enum account_reason {
#define X(name, sentence) ACCOUNT_##name,
	ACCOUNT_REASON_LIST(X)
#undef X
		ACCOUNT_REASON_N
};
const char *account_reason_text(enum account_reason r);

#endif
