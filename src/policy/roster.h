/* The roster: all accounts, trunks, carriers and numbers as a writable list of slices; what the
 * apply file and the store are read into, what is compared, and what a snapshot is made from.
 * Heap: used at reload and by commands only. */
#ifndef POSTERN_POLICY_ROSTER_H
#define POSTERN_POLICY_ROSTER_H

#include "policy/field.h"

/* A list that grows; text lives in blocks of the roster. Start from roster_init. */
struct roster_block;
struct roster {
	struct roster_account *account;
	struct roster_trunk *trunk;
	struct roster_number *number;
	struct roster_rate *rate;
	struct roster_route *route;
	struct roster_group *group;
	uint32_t n_accounts, n_trunks, n_numbers, n_rates, n_routes, n_groups;
	uint32_t cap_accounts, cap_trunks, cap_numbers, cap_rates, cap_routes, cap_groups;
	struct roster_block *text;
	uint64_t version; /* of the store it was read from; 0 otherwise */
};

void roster_init(struct roster *r);
void roster_fini(struct roster *r);
/** Copy s into the roster's text, so that it lives as long; NOMEM. */
enum err roster_text(struct roster *r, struct str s, struct str *out) NODISCARD;
/** A new entry at the end, valid until the next one is added: field_defaults, the rest zero.
 * NOMEM, FULL (the limit). */
enum err roster_add_account(struct roster *r, struct roster_account **out) NODISCARD;
enum err roster_add_trunk(struct roster *r, struct roster_trunk **out) NODISCARD;
enum err roster_add_number(struct roster *r, struct roster_number **out) NODISCARD;
enum err roster_add_rate(struct roster *r, struct roster_rate **out) NODISCARD;
enum err roster_add_route(struct roster *r, struct roster_route **out) NODISCARD;
enum err roster_add_group(struct roster *r, struct roster_group **out) NODISCARD;
/** The same by kind. */
enum err roster_add(struct roster *r, enum roster_kind k, void **out) NODISCARD;
uint32_t roster_count(const struct roster *r, enum roster_kind k);
/** Row i of a kind, i < roster_count. Borrowed. */
const void *roster_row(const struct roster *r, enum roster_kind k, uint32_t i);
/** Keep only the rows of a kind that on_row says true for, in their order. */
void roster_filter(struct roster *r, enum roster_kind k, bool (*on_row)(void *arg, const void *row),
		   void *arg);
/**
 * Set field f of a row of r from text as field_put writes it (and as field_parse reads it); texts
 * are copied into the roster. SYNTAX, RANGE, NOTFOUND (no such word), LONG, NOMEM.
 */
enum err roster_set(struct roster *r, const struct field *f, void *row, struct str s) NODISCARD;
/** The same for what a store holds: a text that only older releases took is kept as it stands;
 * roster_check names it. */
enum err roster_keep(struct roster *r, const struct field *f, void *row, struct str s) NODISCARD;
/** Sort: accounts by id, trunks by (customers first, account, order, id), numbers by key,
 * groups by id. */
void roster_sort(struct roster *r);

/** The entry that serves this number ("+15551230000") or prefix ("+1555124*"): itself before the
 * longest prefix that covers it, as calls are routed; NULL = none. Borrowed. */
const struct roster_number *roster_number_of(const struct roster *r, struct str pattern);

/** The group of this id, NULL: there is none. r: sorted. Borrowed. */
const struct roster_group *roster_group_of(const struct roster *r, struct str id);
/** The rate of calls to this number or prefix ("+4420", with or without *): the longest prefix that
 * covers it; NULL = none. Borrowed. */
const struct roster_rate *roster_rate_of(const struct roster *r, struct str pattern);

/** Is this trunk known by the names of a certificate? */
bool roster_trunk_named(const struct roster_trunk *t);
/** A text of a type that was judged more mildly before? Nothing in a snapshot depends on its form.
 */
bool roster_was_milder(const struct field *f);
/** Would an older release have taken s for f, of such a type? */
bool roster_old_valid(const struct field *f, struct str s);

#endif
