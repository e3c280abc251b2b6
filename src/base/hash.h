/* A keyed hash (SipHash-2-4) and an intrusive chained table with a fixed number of buckets.
 * The key is random per process, so that peers cannot choose colliding Call-IDs. */
#ifndef POSTERN_BASE_HASH_H
#define POSTERN_BASE_HASH_H

#include "base/str.h"

struct hash_node {
	struct hash_node *next;
	uint64_t hash;
};

struct hash {
	struct hash_node **bucket;
	uint32_t mask, n;
	uint64_t key[2];
};

/** n_hint entries expected; buckets are the next power of two. */
enum err hash_init(struct hash *h, uint32_t n_hint) NODISCARD;
void hash_fini(struct hash *h);
uint64_t hash_of(const struct hash *h, struct str key);
void hash_add(struct hash *h, struct hash_node *node, uint64_t hash);
/** node must be in h. */
void hash_del(struct hash *h, struct hash_node *node);
/** First node with this hash, NULL if none; go on with hash_next. Compare the keys yourself. */
struct hash_node *hash_first(const struct hash *h, uint64_t hash);
struct hash_node *hash_next(const struct hash_node *node);
uint64_t hash_siphash(const uint64_t key[2], const void *p, size_t len);

#endif
