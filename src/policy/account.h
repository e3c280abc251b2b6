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
	POLICY_RATES_MAX = 65536,
	POLICY_ROUTES_MAX = 262144,
	POLICY_GROUPS_MAX = 4096,
	POLICY_ROUTE_TARGETS_MAX = 8, /* carriers and groups that one route names */
	POLICY_LIST_MAX = 1024,       /* bytes of a list of words: countries, authorities */
	POLICY_NOTE_MAX = 1024,       /* bytes of a text for people: need, override */
	POLICY_FORM_MAX = 8192,       /* bytes of the questionnaire */
	POLICY_PEM_MAX = 65536,       /* bytes of certificates of one account, PEM */
	POLICY_URI_MAX = 256,         /* bytes of a URI */
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

/* What happens to a call whose caller identity is not a number of the account. */
enum account_caller { ACCOUNT_CALLER_REFUSE, ACCOUNT_CALLER_REPLACE, ACCOUNT_CALLER_N };
/* Extended key usage of the certificates of an account's peers. Public authorities stopped issuing
 * clientAuth in 2026: the default takes serverAuth alone from a client as well. */
enum tls_eku { TLS_EKU_ACCEPT_SERVER_AUTH, TLS_EKU_STRICT, TLS_EKU_N };
/* What a revocation that cannot be looked up means: off = not asked, soft = fine, hard = refused.
 */
enum tls_revocation {
	TLS_REVOCATION_SOFT,
	TLS_REVOCATION_OFF,
	TLS_REVOCATION_HARD,
	TLS_REVOCATION_N
};

enum {
	ACCOUNT_LIMIT_STATUS = 480,     /* default answer where a limit is reached; also 486, 603 */
	ACCOUNT_EMERGENCY_STATUS = 500, /* default answer to emergency calls over TLS */
	ACCOUNT_SERVICES = CLASS_ORIGINATION | CLASS_TOLL_FREE | CLASS_TERMINATION, /* default */
	ACCOUNT_SERVICES_ALL = ACCOUNT_SERVICES | CLASS_INTERNATIONAL | CLASS_PREMIUM,
};

/* Calls TO the customer: its own 8YY number = toll_free, else origination. FROM the customer:
 * domestic and any 8YY = termination, other countries = international, premium rate = premium. */
struct account {
	struct text id, name;
	struct text parent;    /* text id of the account whose certificate serves this one too */
	struct text countries; /* country codes and prefixes of international calls, divided by
				  commas: "44,1876"; none = all */
	struct text emergency_target;          /* "sip:...", none = refuse */
	struct text tls_authorities;           /* names divided by commas; none = the zone's */
	struct text tls_ca, tls_intermediates; /* PEM; none */
	struct text tls_profile;  /* least profile its connections must reach; none = the zone's */
	uint64_t max_spend_micro; /* a day, millionths; 0 = no limit */
	uint32_t services;        /* CLASS_* bits */
	uint32_t max_calls;       /* concurrent; 0 = no limit of its own */
	uint32_t attempts;        /* INVITEs a second; 0 = no limit of its own */
	uint32_t max_length_s;    /* of a call; 0 = no limit of its own */
	uint32_t international_minutes; /* a day; 0 = no limit of its own */
	uint32_t first_trunk, n_trunks; /* its rows in the trunk table, in the order of the file */
	uint32_t parent_row;            /* index of parent; POLICY_NONE */
	uint32_t number_row;            /* its lowest number that is no prefix; POLICY_NONE */
	uint32_t first_route, n_routes; /* its rows in the table of routes */
	uint16_t limit_status;          /* 486, 480, 603 */
	uint16_t emergency_status;      /* 300..699; 3xx with emergency_target */
	uint8_t enabled;                /* 0, 1: it and its parent */
	uint8_t tls_srtp;               /* enum tls_srtp */
	uint8_t caller;                 /* enum account_caller */
	uint8_t tls_eku;                /* enum tls_eku */
	uint8_t tls_wildcard;           /* 0, 1: a wildcard in a certificate counts */
	uint8_t tls_cn;         /* 0, 1: a common name counts where there is no other name */
	uint8_t tls_revocation; /* enum tls_revocation */
	uint8_t pad[1];
};

/* Words of an enum, for files, the store and --json: word[v - first]. */
struct word_list {
	const char *const *word;
	unsigned first, n;
};
/** The word of value v; "?" where it has none. Static. */
const char *word_name(const struct word_list *l, unsigned v);
/** NOTFOUND. */
enum err word_parse(const struct word_list *l, struct str word, unsigned *out) NODISCARD;

extern const struct word_list tls_srtp_words, account_caller_words, tls_eku_words,
	tls_revocation_words;

/** "origination", "toll_free" ...; "none" for CLASS_NONE, "?" for anything else. Static. */
const char *policy_class_name(enum policy_class c);
/** Words of services, as policy_class_name gives them; NOTFOUND. Emergency is none of them. */
enum err policy_class_parse(struct str word, enum policy_class *out) NODISCARD;
/** "off", "requested", "ready", "on"; "?" outside. Static. */
const char *tls_srtp_name(enum tls_srtp t);
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
