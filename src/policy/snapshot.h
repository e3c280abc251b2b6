/* The snapshot: accounts, trunks and numbers as one flat block of bytes without pointers, made
 * from a roster when the store changes, sealed (base/shm blobs), mapped read-only by signaling,
 * and swapped as a whole. Rows are sorted, look-ups are binary searches.
 *
 * Account and trunk travel as indexes into one snapshot; across a swap they are found again by
 * text id (snapshot_account, snapshot_trunk). */
#ifndef POSTERN_POLICY_SNAPSHOT_H
#define POSTERN_POLICY_SNAPSHOT_H

#include "policy/roster.h"

enum { SNAPSHOT_LAYOUT = 10 };
#define SNAPSHOT_MAGIC 0x746f687370616e53ULL /* "Snapshot" */

/* A table in the block: n rows from byte off on, aligned to 8. */
struct snapshot_table {
	uint32_t off, n;
};

struct snapshot_head {
	uint64_t magic;
	uint32_t layout;
	uint32_t first_carrier; /* index of the first carrier trunk; customers stand before */
	uint64_t size;          /* of the whole block */
	uint64_t version;       /* of the store it was made from */
	struct snapshot_table accounts, trunks, by_id, names, sources, numbers, rates, routes, text;
};

/* A name that a certificate must show; sorted by what stands behind the first label, then name. */
struct snapshot_name {
	struct text name; /* lower case, no final dot */
	uint32_t trunk;
	uint32_t pad;
};

/* A source range; sorted by family, longest prefix first, network, trunk. */
struct snapshot_source {
	struct cidr range; /* bits beyond the prefix are zero */
	uint32_t trunk;
	uint32_t pad;
};

struct snapshot_number {
	uint64_t key; /* number_key() */
	uint32_t trunk;
	uint32_t pad;
};

/* The price of calls to a prefix; sorted by key. */
struct snapshot_rate {
	uint64_t key;         /* number_key() of a prefix */
	uint64_t price_micro; /* a minute, millionths */
	uint32_t increment_s; /* 1..3600 */
	uint32_t pad;
};

/* What snapshot_open found. Borrowed: lives as long as the bytes. All checked, indexes in range. */
struct snapshot_view {
	const struct account *account;
	const struct trunk *trunk;
	const uint32_t *by_id; /* trunk indexes, sorted by text id */
	const struct snapshot_name *name;
	const struct snapshot_source *source;
	const struct snapshot_number *number;
	const struct snapshot_rate *rate;
	const struct snapshot_route *route; /* policy/row.h */
	const char *text;
	uint32_t n_accounts, n_trunks, n_names, n_sources, n_numbers, n_rates, n_routes, text_len;
	uint32_t first_shared; /* index of the first route of all accounts */
	uint32_t first_carrier;
	uint64_t version;
};

/**
 * Check bytes (aligned to 8) as a whole, every offset, count, index, enum and the order of rows,
 * and give the view. SHORT, VERSION (other magic or layout), SYNTAX (anything else wrong).
 */
enum err snapshot_open(struct str bytes, struct snapshot_view *out) NODISCARD;
/** Order of the names table: by domain, so that what a wildcard covers is one range. <0, 0, >0. */
int snapshot_host_cmp(struct str a, struct str b);
/** Order of the source table: family, longest prefix first, network. <0, 0, >0. */
int snapshot_range_cmp(const struct cidr *a, const struct cidr *b);
/** What stands behind the first label of a name: "example.com" of "pbx.example.com". */
struct str snapshot_name_domain(struct str name);
struct str snapshot_text(const struct snapshot_view *v, struct text t);
/** Index of the account or trunk with this text id, POLICY_NONE if there is none. */
uint32_t snapshot_account(const struct snapshot_view *v, struct str id);
uint32_t snapshot_trunk(const struct snapshot_view *v, struct str id);
/** Text ids by value, for what outlives the snapshot; "" for POLICY_NONE. */
struct policy_id snapshot_account_id(const struct snapshot_view *v, uint32_t account);
struct policy_id snapshot_trunk_id(const struct snapshot_view *v, uint32_t trunk);
/** Text id of a route by value; "" for POLICY_NONE. */
struct policy_id snapshot_route_id(const struct snapshot_view *v, uint32_t route);
/** Customer trunk that serves this E.164 number (exact before longest prefix), or POLICY_NONE. */
uint32_t snapshot_number_trunk(const struct snapshot_view *v, struct str e164);
/** The key of the lowest exact number of this account itself; false: it has none, or prefixes. */
bool snapshot_account_number(const struct snapshot_view *v, uint32_t account,
			     uint64_t *key) NODISCARD;
/** The rate of calls to this E.164 number: the longest prefix; NULL = none. Borrowed. */
const struct snapshot_rate *snapshot_rate(const struct snapshot_view *v, struct str e164);

/** Is prefix the key of a prefix that key (of a number or a prefix) begins with? 0 is of all. */
bool snapshot_key_covers(uint64_t prefix, uint64_t key);
/** The last row before i, of the same account, whose shorter prefix covers row i: what row i's `up`
 * must be. The rows before i have theirs. */
uint32_t snapshot_route_up(const struct snapshot_route *route, uint32_t i);
/**
 * Of the rows first..first+n-1, which are of one account: the last one with the longest prefix of
 * key (number_key of a number; 0: not a number, only routes for all numbers). POLICY_NONE: none.
 * The next shorter ones are reached by `up`, those with the same prefix stand before it.
 */
uint32_t snapshot_route_longest(const struct snapshot_view *v, uint32_t first, uint32_t n,
				uint64_t key);

#endif
