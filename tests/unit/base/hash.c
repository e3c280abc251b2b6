#define ERR_STATE OPENSSL_ERR_STATE /* its type of this name, our enumerator */
#include <openssl/core_names.h>
#include <openssl/evp.h>
#undef ERR_STATE

#include "rows.h"

#include "base/hash.h"
#include "base/random.h"

/* SipHash-2-4 of the reference implementation: key 00..0f, input 00 01 .. of n bytes. */
static const uint64_t vectors[] = {
	0x726fdb47dd0e0e31, 0x74f839c593dc67fd, 0x0d6c8009d9a94f5a, 0x85676696d7fb7e2d,
	0xcf2794e0277187b7, 0x18765564cd99a68d, 0xcbc9466e58fee3ce, 0xab0200f58b01d137,
	0x93f5f5799a932462, 0x9e0082df0ba9e4b0, 0x7a5dbbc594ddb9f3, 0xf4b32f46226bada7,
	0x751e8fbc860ee5fb, 0x14ea5627c0843d90, 0xf723ca908e7af2ee, 0xa129ca6149be45e5,
};

static void
test_siphash(void **state)
{
	static const uint64_t key[2] = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
	unsigned char in[17];

	(void)state;
	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (unsigned char)(i - 1); /* an odd address */
	for (size_t n = 0; n < ARRAY_LEN(vectors); n++)
		assert_true(hash_siphash(key, in + 1, n) == vectors[n]);
	assert_true(hash_siphash(key, NULL, 0) == vectors[0]);
}

/* Against OpenSSL, random keys and inputs of every length to 200. */
static void
test_oracle(void **state)
{
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "SIPHASH", NULL);
	EVP_MAC_CTX *ctx = mac ? EVP_MAC_CTX_new(mac) : NULL;
	size_t out_size = 8;
	OSSL_PARAM params[] = {OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &out_size),
			       OSSL_PARAM_construct_end()};
	int bad = !ctx;

	(void)state;
	for (size_t n = 0; n <= 200 && !bad; n++) {
		unsigned char in[200], key[16], out[8];
		uint64_t k[2], got;
		size_t len = 0;

		random_bytes(in, sizeof(in));
		random_bytes(key, sizeof(key));
		memcpy(k, key, sizeof(k));
		bad |= EVP_MAC_init(ctx, key, sizeof(key), params) != 1;
		bad |= EVP_MAC_update(ctx, in, n) != 1;
		bad |= EVP_MAC_final(ctx, out, &len, sizeof(out)) != 1 || len != 8;
		got = hash_siphash(k, in, n);
		bad |= memcmp(out, &got, sizeof(got)) != 0;
	}
	EVP_MAC_CTX_free(ctx);
	EVP_MAC_free(mac);
	assert_int_equal(bad, 0);
}

struct item {
	struct hash_node node;
	unsigned value;
};

/* Nodes with the value under this hash: 0 or 1 of them, and how many nodes the walk met. */
static unsigned
find_value(const struct hash *h, uint64_t hash, unsigned value, unsigned *met)
{
	unsigned found = 0;

	*met = 0;
	for (struct hash_node *n = hash_first(h, hash); n; n = hash_next(n)) {
		assert_true(n->hash == hash);
		found += ((struct item *)(void *)n)->value == value;
		++*met;
	}
	return found;
}

/* Six nodes in one bucket, of two hashes: take one out after the other, in each order. */
static void
test_chain(void **state)
{
	(void)state;
	for (unsigned order = 0; order < 720; order++) {
		struct item items[6];
		struct hash h;
		bool in[6];

		assert_int_equal(hash_init(&h, 16), ERR_OK);
		for (unsigned i = 0; i < 6; i++) {
			items[i].value = i;
			in[i] = true;
			hash_add(&h, &items[i].node, i % 2 ? 5 : 5 + ((uint64_t)1 << 40));
		}
		for (unsigned left = 6, code = order; left; code /= left, left--) {
			unsigned pick = code % left, victim = 0, met;

			while (!in[victim] || pick--)
				victim++;
			hash_del(&h, &items[victim].node);
			in[victim] = false;
			assert_int_equal(h.n, left - 1);
			for (unsigned i = 0; i < 6; i++)
				assert_int_equal(find_value(&h, items[i].node.hash, i, &met),
						 in[i]);
		}
		assert_null(hash_first(&h, 5));
		hash_fini(&h);
	}
}

static void
test_many(void **state)
{
	enum { N = 20000 };
	static struct item items[N];
	struct hash h, other;
	unsigned met;

	(void)state;
	assert_int_equal(hash_init(&h, N), ERR_OK);
	assert_int_equal(h.mask, 32767);
	for (unsigned i = 0; i < N; i++) {
		items[i].value = i;
		hash_add(&h, &items[i].node, hash_of(&h, str_of(&i, sizeof(i))));
	}
	assert_int_equal(h.n, N);
	for (unsigned i = 0; i < N; i += 2)
		hash_del(&h, &items[i].node);
	assert_int_equal(h.n, N / 2);
	for (unsigned i = 0; i < N; i++) {
		uint64_t hash = hash_of(&h, str_of(&i, sizeof(i)));

		assert_int_equal(find_value(&h, hash, i, &met), i % 2);
		assert_int_equal(met, i % 2); /* 64 bits: no other value has this hash */
	}
	if (hash_init(&other, 0) == ERR_OK) { /* another table, another key */
		bool differs = hash_of(&h, STR("a")) != hash_of(&other, STR("a"));

		hash_fini(&other);
		assert_true(differs);
	}
	hash_fini(&h);
	hash_fini(&h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_siphash),
		cmocka_unit_test(test_oracle),
		cmocka_unit_test(test_chain),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
