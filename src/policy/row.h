/* Rows of a roster: one account, trunk, number, rate, route, group. Texts live in the roster. What
 * each member is called elsewhere, and what it may hold, stands once, in policy/field.c. */
#ifndef POSTERN_POLICY_ROW_H
#define POSTERN_POLICY_ROW_H

#include "base/addr.h"
#include "policy/number.h"
#include "policy/trunk.h"

/* The kinds of rows. */
enum roster_kind {
	ROSTER_ACCOUNT,
	ROSTER_TRUNK,
	ROSTER_NUMBER,
	ROSTER_RATE,
	ROSTER_ROUTE,
	ROSTER_GROUP,
	ROSTER_KIND_N
};

/* Members that struct account has, too, mean the same (policy/account.h). */
struct roster_account {
	struct str id, name, parent;
	struct str countries, emergency_target;
	struct str need;          /* why TLS and SRTP are wanted */
	struct str questionnaire; /* "question: answer" lines */
	struct str override;      /* why tls_srtp is ready or on without a passed report */
	struct str tls_authorities, tls_ca, tls_intermediates, tls_profile;
	uint64_t max_spend_micro;
	uint32_t services, max_calls, attempts, max_length_s, international_minutes;
	uint16_t limit_status, emergency_status;
	bool enabled, tls_wildcard, tls_cn;
	enum tls_srtp tls_srtp;
	enum account_caller caller;
	enum tls_eku tls_eku;
	enum tls_revocation tls_revocation;
	uint32_t place; /* where it stood in the file, for messages; not compared */
};

struct roster_trunk {
	struct str id, account; /* account: text id; empty for a carrier */
	struct str host, zone, media, caller, strip, add, reference, listener, srtp, codecs, group,
		overflow, hunt, stop, poll_failed, auth, login_aor, login_registrar;
	struct str headers_in, headers_out, rewrite_in, rewrite_out; /* policy/rewrite.h */
	struct str interop, interop_sets; /* a provider's profile, names of fields that it set */
	struct str name[POLICY_TRUNK_NAMES_MAX]; /* certificate names; none = host */
	struct cidr source[POLICY_TRUNK_SOURCES_MAX];
	uint32_t n_names, n_sources, max_calls, attempts, max_length_s;
	uint32_t login_expires_s, poll_every_s, poll_answer_s, poll_slow_ms;
	uint16_t port, priority, weight;
	bool enabled, learn, emergency, t38_clear, repair;
	enum trunk_kind kind;
	enum trunk_direction direction;
	enum trunk_transport transport;
	enum trunk_security security;
	enum trunk_prefer prefer;
	enum trunk_keying keying;
	enum trunk_ice ice;
	enum trunk_ssrc ssrc;
	enum trunk_identity identity;
	enum trunk_show client_certificate;
	enum trunk_large large;
	enum trunk_reuse reuse;
	enum trunk_mki mki;
	enum trunk_roc roc;
	enum trunk_contact contact;
	enum trunk_verstat verstat;
	uint8_t dscp, poll_down, poll_up, events;
	enum trunk_indialog indialog;
	enum trunk_dtmf dtmf;
	enum trunk_video video;
	enum trunk_parts parts;
	enum trunk_other_media other_media;
	enum trunk_refer refer;
	enum trunk_redirect redirect;
	uint32_t order; /* among the trunks of its account, from 0 */
	uint32_t place;
};

struct roster_number {
	uint64_t key; /* number_key() */
	struct str trunk;
	uint32_t place;
};

/* The price of calls to a prefix; the longest one counts. */
struct roster_rate {
	uint64_t key;         /* number_key() of a prefix */
	uint64_t price_micro; /* a minute, millionths */
	uint32_t increment_s; /* calls are counted in steps of so many seconds */
	uint32_t place;
};

/* Which carriers take calls from customers: policy/route.h says how one is found. */
struct roster_route {
	struct str id;
	struct str account; /* whose calls; none = of all */
	struct str to;    /* ids of carriers and names of groups, commas between, first one first */
	uint64_t key;     /* number_key() of a prefix; 0 = any number */
	uint32_t classes; /* CLASS_* bits; 0 = all */
	uint32_t week;    /* policy/week.h */
	uint16_t weight;  /* its share among routes that fit alike */
	bool enabled;
	uint32_t place;
};

/* What carriers of one `group` share. In the snapshot it stands in each of them. */
struct roster_group {
	struct str id;
	struct str hunt, stop;        /* of carriers that have none themselves */
	uint32_t max_calls, attempts; /* of all of them together; 0 = no limit */
	uint32_t place;
};

/* A route as the snapshot has it: sorted by account (those of all accounts last), key, id. */
struct snapshot_route {
	uint64_t key;
	struct text id, to;
	uint32_t account; /* POLICY_NONE = of all */
	uint32_t up;      /* last row of the next shorter prefix of its account; POLICY_NONE */
	uint32_t classes, week;
	uint16_t weight;
	uint8_t enabled;
	uint8_t pad[5];
};

#endif
