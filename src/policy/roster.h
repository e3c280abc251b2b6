/* The roster: all accounts, trunks, carriers and numbers as a writable list of slices; what the
 * apply file and the store are read into, what is compared, and what a snapshot is made from.
 * Heap: used at reload and by commands only. */
#ifndef POSTERN_POLICY_ROSTER_H
#define POSTERN_POLICY_ROSTER_H

#include "base/addr.h"
#include "policy/number.h"
#include "policy/trunk.h"

struct roster_account {
	struct str id, name, parent;
	uint32_t classes, max_calls, attempts;
	bool enabled;
	enum tls_srtp tls_srtp;
	uint32_t place; /* where it stood in the file, for messages (a line); not compared */
};

struct roster_trunk {
	struct str id, account; /* account: text id; empty for a carrier */
	struct str host, zone, media, caller, strip, add;
	struct str name[POLICY_TRUNK_NAMES_MAX]; /* certificate names; none = host */
	struct cidr source[POLICY_TRUNK_SOURCES_MAX];
	uint32_t n_names, n_sources, max_calls;
	uint16_t port, priority, weight;
	bool enabled, learn;
	enum trunk_kind kind;
	enum trunk_direction direction;
	enum trunk_transport transport;
	enum trunk_security security;
	enum trunk_ssrc ssrc;
	uint32_t order; /* among the trunks of its account, from 0 */
	uint32_t place;
};

struct roster_number {
	uint64_t key; /* number_key() */
	struct str trunk;
	uint32_t place;
};

/* A list that grows; text lives in blocks of the roster. Start from roster_init. */
struct roster_block;
struct roster {
	struct roster_account *account;
	struct roster_trunk *trunk;
	struct roster_number *number;
	uint32_t n_accounts, n_trunks, n_numbers;
	uint32_t cap_accounts, cap_trunks, cap_numbers;
	struct roster_block *text;
	uint64_t version; /* of the store it was read from; 0 otherwise */
};

void roster_init(struct roster *r);
void roster_fini(struct roster *r);
/** Copy s into the roster's text, so that it lives as long; NOMEM. */
enum err roster_text(struct roster *r, struct str s, struct str *out) NODISCARD;
/** A new zeroed entry at the end, valid until the next one is added; NOMEM, FULL (the limit). */
enum err roster_add_account(struct roster *r, struct roster_account **out) NODISCARD;
enum err roster_add_trunk(struct roster *r, struct roster_trunk **out) NODISCARD;
enum err roster_add_number(struct roster *r, struct roster_number **out) NODISCARD;
/** Sort: accounts by id, trunks by (customers first, account, order, id), numbers by key. */
void roster_sort(struct roster *r);

/* One finding of roster_check: where, and what is wrong. */
struct roster_fault {
	uint32_t place;
	char text[256];
};
/**
 * What must hold between the entries: ids valid and unique, each trunk's account there, each
 * number's trunk a customer trunk, no number twice, no two accounts answering to one certificate
 * name, at most POLICY_ACCOUNT_TRUNKS_MAX trunks an account, plain trunks with sources, security
 * required only over TLS. Sorts r. Calls on_fault for each fault; *n counts them. NOMEM only.
 */
enum err roster_check(struct roster *r, void (*on_fault)(void *arg, const struct roster_fault *f),
		      void *arg, uint32_t *n) NODISCARD;

#endif
