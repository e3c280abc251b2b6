#include "base/hash.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "base/random.h"

static uint64_t
rotl64(uint64_t x, int b)
{
	return (x << b) | (x >> (64 - b));
}

static void
sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotl64(v[1], 13) ^ v[0];
	v[0] = rotl64(v[0], 32);
	v[2] += v[3];
	v[3] = rotl64(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotl64(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotl64(v[1], 17) ^ v[2];
	v[2] = rotl64(v[2], 32);
}

uint64_t
hash_siphash(const uint64_t key[2], const void *p, size_t len)
{
	uint64_t v[4] = {key[0] ^ 0x736f6d6570736575u, key[1] ^ 0x646f72616e646f6du,
			 key[0] ^ 0x6c7967656e657261u, key[1] ^ 0x7465646279746573u};
	const unsigned char *in = p;
	uint64_t m = 0;

	for (size_t i = 0; i + 8 <= len; i += 8) {
		memcpy(&m, in + i, 8);
		v[3] ^= m;
		sip_round(v);
		sip_round(v);
		v[0] ^= m;
	}
	m = (uint64_t)len << 56;
	for (size_t i = len & ~(size_t)7; i < len; i++)
		m |= (uint64_t)in[i] << (8 * (i & 7));
	v[3] ^= m;
	sip_round(v);
	sip_round(v);
	v[0] ^= m;
	v[2] ^= 0xff;
	for (int i = 0; i < 4; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

enum err
hash_init(struct hash *h, uint32_t n_hint)
{
	uint32_t n = 16;

	while (n < n_hint && n < (1u << 30))
		n *= 2;
	*h = (struct hash){.mask = n - 1};
	h->bucket = mem_zalloc(n, sizeof(struct hash_node *));
	if (!h->bucket)
		return ERR_NOMEM;
	random_bytes(h->key, sizeof(h->key));
	return ERR_OK;
}

void
hash_fini(struct hash *h)
{
	mem_free(h->bucket);
	*h = (struct hash){0};
}

uint64_t
hash_of(const struct hash *h, struct str key)
{
	return hash_siphash(h->key, key.p, key.len);
}

void
hash_add(struct hash *h, struct hash_node *node, uint64_t hash)
{
	struct hash_node **b = &h->bucket[hash & h->mask];

	node->hash = hash;
	node->next = *b;
	*b = node;
	h->n++;
}

void
hash_del(struct hash *h, struct hash_node *node)
{
	struct hash_node **b = &h->bucket[node->hash & h->mask];

	while (*b && *b != node)
		b = &(*b)->next;
	assert(*b == node);
	*b = node->next;
	node->next = NULL;
	h->n--;
}

struct hash_node *
hash_first(const struct hash *h, uint64_t hash)
{
	struct hash_node *n = h->bucket[hash & h->mask];

	while (n && n->hash != hash)
		n = n->next;
	return n;
}

struct hash_node *
hash_next(const struct hash_node *node)
{
	struct hash_node *n = node->next;

	while (n && n->hash != node->hash)
		n = n->next;
	return n;
}
