#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/codec.h"
#include "srtp/cipher.h"

static struct cipher_work work;
static const struct cipher_ops *ops;
static _Alignas(64) uint8_t room[2048]; /* a key */

static int
open_openssl(void **state)
{
	(void)state;
	ops = &cipher_openssl;
	return ops->do_open(&work) == ERR_OK ? 0 : -1;
}

/* OpenSSL again where IPsec-MB is not built in. */
static int
open_imb(void **state)
{
	(void)state;
	ops = cipher_imb ? cipher_imb : &cipher_openssl;
	return ops->do_open(&work) == ERR_OK ? 0 : -1;
}

static int
close_work(void **state)
{
	(void)state;
	ops->do_close(&work);
	ops->do_close(&work);
	return 0;
}

static void *
make_key(enum cipher_kind kind, const uint8_t *aes, uint32_t aes_len, const uint8_t *auth,
	 uint32_t auth_len)
{
	void *part = room + CIPHER_PART_AT;

	assert_true(ops->key_size[kind] <= sizeof(room) - CIPHER_PART_AT);
	memset(room, 0, sizeof(room));
	assert_int_equal(ops->do_init(&work, kind, part, aes, aes_len, auth, auth_len), ERR_OK);
	return part;
}

/* Wiped, and fine twice. */
static void
drop_key(enum cipher_kind kind)
{
	static const uint8_t zero[sizeof(room)];

	ops->do_fini(kind, room + CIPHER_PART_AT);
	ops->do_fini(kind, room + CIPHER_PART_AT);
	assert_memory_equal(room, zero, sizeof(room));
}

static size_t
from_hex(const char *hex, uint8_t *out, size_t cap)
{
	size_t len = 0;

	assert_int_equal(codec_hex_get(str_from(hex), out, cap, &len), ERR_OK);
	return len;
}

/* RFC 3711 B.2: session key, salt, SSRC and index 0: the first three blocks of key stream. */
static const char *const b2_key = "2B7E151628AED2A6ABF7158809CF4F3C";
static const char *const b2_iv = "F0F1F2F3F4F5F6F7F8F9FAFBFCFD0000";
static const char *const b2_stream =
	"E03EAD0935C95E80E166B16DD92B4EB4D23513162B02D0F72A43A2FE4A5F97AB"
	"41E95B3BB0A2E8DD477901E4FCA894C0";

static void
test_b2_batch(void **state)
{
	uint8_t key[16], iv[16], want[48], data[CIPHER_BATCH_MAX][64];
	struct cipher_job jobs[CIPHER_BATCH_MAX], *list[CIPHER_BATCH_MAX];
	void *k;

	(void)state;
	from_hex(b2_key, key, sizeof(key));
	from_hex(b2_iv, iv, sizeof(iv));
	from_hex(b2_stream, want, sizeof(want));
	k = make_key(CIPHER_CM_SHA1, key, 16, key, 16);
	memset(data, 0, sizeof(data));
	memset(jobs, 0, sizeof(jobs));
	for (unsigned i = 0; i < CIPHER_BATCH_MAX; i++) {
		jobs[i].key = k;
		jobs[i].key_len = 16;
		jobs[i].data = data[i];
		jobs[i].crypt_at = i % 16;
		jobs[i].crypt_len = i % 49;
		memcpy(jobs[i].iv, iv, sizeof(iv));
		list[i] = &jobs[i];
	}
	assert_true(ops->do_crypt(&work, list, CIPHER_BATCH_MAX));
	for (unsigned i = 0; i < CIPHER_BATCH_MAX; i++) {
		uint8_t frame[64] = {0};

		memcpy(frame + i % 16, want, i % 49);
		assert_memory_equal(data[i], frame, sizeof(frame));
	}
	drop_key(CIPHER_CM_SHA1);
}

/* RFC 2202 3, HMAC-SHA1; the last bytes of a message also given as trailer. */
static void
test_hmac(void **state)
{
	static const struct {
		const char *key, *data, *tag;
	} rows[] = {
		{"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265",
		 "b617318655057264e28bc0b6fb378c8ef146be00"},
		{"4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
		 "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"},
	};
	static const uint8_t aes[16];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t auth[64], data[64], tag[20];
		uint32_t auth_len = (uint32_t)from_hex(rows[i].key, auth, sizeof(auth));
		uint32_t len = (uint32_t)from_hex(rows[i].data, data, sizeof(data));
		struct cipher_job j = {.data = data, .auth_len = len, .tag_len = 10}, j2 = j;
		struct cipher_job *list[2] = {&j, &j2};
		uint8_t behind = data[len];

		from_hex(rows[i].tag, tag, sizeof(tag));
		j.key = j2.key = make_key(CIPHER_CM_SHA1, aes, 16, auth, auth_len);
		assert_true(ops->do_tag(&work, list, 2));
		assert_memory_equal(j.tag, tag, 10);
		assert_memory_equal(j2.tag, tag, 10);
		j.auth_len = len - 4;
		j.trailer_len = 4;
		memcpy(j.trailer, data + len - 4, 4);
		memset(data + len - 4, 0x77, 4);
		memset(j.tag, 0, sizeof(j.tag));
		assert_true(ops->do_tag(&work, list, 1));
		assert_memory_equal(j.tag, tag, 10);
		for (unsigned k = 0; k < 4; k++)
			assert_int_equal(data[len - 4 + k], 0x77);
		assert_int_equal(data[len], behind);
		drop_key(CIPHER_CM_SHA1);
	}
}

/* Each number of jobs in a call, of lengths that differ much, under two keys lengths: as one by one
 * with OpenSSL. Both managers of IPsec-MB, and calls between them. */
static void
test_fills(void **state)
{
	enum { LEN = 1600 };
	static uint8_t data[CIPHER_BATCH_MAX][LEN], want[LEN];
	static struct cipher_work one;
	struct cipher_job jobs[CIPHER_BATCH_MAX], *list[CIPHER_BATCH_MAX];
	uint8_t key[32], auth[20];

	(void)state;
	memset(key, 0x42, sizeof(key));
	memset(auth, 0x24, sizeof(auth));
	assert_int_equal(cipher_openssl.do_open(&one), ERR_OK);
	for (unsigned n = 1; n <= CIPHER_BATCH_MAX; n++) {
		_Alignas(64) uint8_t theirs[64] = {0};
		uint8_t key_len = n % 2 ? 16 : 32;
		void *k = make_key(CIPHER_CM_SHA1, key, key_len, auth, sizeof(auth));

		assert_int_equal(cipher_openssl.do_init(&one, CIPHER_CM_SHA1, theirs, key, key_len,
							auth, sizeof(auth)),
				 ERR_OK);
		for (unsigned i = 0; i < n; i++) {
			uint32_t len = (i * 97 + n * 31) % (LEN - 64);

			memset(data[i], (int)(i + n), LEN);
			jobs[i] = (struct cipher_job){.key = k,
						      .data = data[i],
						      .key_len = key_len,
						      .crypt_at = 12,
						      .crypt_len = len,
						      .auth_len = 12 + len,
						      .trailer_len = 4,
						      .trailer = {(uint8_t)i, 2, 3, 4},
						      .iv = {(uint8_t)i, (uint8_t)n},
						      .tag_len = 10};
			list[i] = &jobs[i];
		}
		assert_true(ops->do_crypt(&work, list, n));
		assert_true(ops->do_tag(&work, list, n));
		for (unsigned i = 0; i < n; i++) {
			struct cipher_job j = jobs[i], *p = &j;

			j.key = theirs;
			j.data = want;
			memset(want, (int)(i + n), LEN);
			assert_true(cipher_openssl.do_crypt(&one, &p, 1));
			assert_true(cipher_openssl.do_tag(&one, &p, 1));
			assert_memory_equal(jobs[i].tag, j.tag, 10);
			assert_memory_equal(data[i], want, LEN);
		}
		cipher_openssl.do_fini(CIPHER_CM_SHA1, theirs);
		drop_key(CIPHER_CM_SHA1);
	}
	cipher_openssl.do_close(&one);
}

/* Test cases 4 and 16 of the GCM specification (McGrew and Viega, appendix B). */
static void
test_gcm(void **state)
{
	static const char *const key_hex =
		"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308";
	static const struct {
		uint32_t key_len;
		const char *sealed, *tag;
	} rows[] = {
		{16,
		 "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
		 "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091",
		 "5bc94fbc3221a5db94fae95ae7121a47"},
		{32,
		 "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
		 "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
		 "76fc6ece0f4e1768cddf8853bb2d551b"},
	};
	uint8_t key[32], clear[60], sealed[60], aad[20], data[62], tag[16];

	(void)state;
	from_hex(key_hex, key, sizeof(key));
	from_hex("feedfacedeadbeeffeedfacedeadbeefabaddad2", aad, sizeof(aad));
	from_hex("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
		 "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
		 clear, sizeof(clear));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct cipher_job j = {.data = data, .aad = aad, .aad_len = sizeof(aad)}, *p = &j;
		bool good = false;

		from_hex(rows[i].sealed, sealed, sizeof(sealed));
		from_hex(rows[i].tag, tag, sizeof(tag));
		from_hex("cafebabefacedbaddecaf888", j.iv, CIPHER_IV_GCM);
		j.key = make_key(CIPHER_GCM, key, rows[i].key_len, NULL, 0);
		j.key_len = (uint8_t)rows[i].key_len;
		j.tag_len = 16;
		j.crypt_at = 1;
		j.crypt_len = sizeof(clear);
		memset(data, 0x11, sizeof(data));
		memcpy(data + 1, clear, sizeof(clear));
		assert_true(ops->do_seal(&work, &p, 1));
		assert_memory_equal(data + 1, sealed, sizeof(sealed));
		assert_memory_equal(j.tag, tag, sizeof(tag));
		assert_int_equal(data[0] << 8 | data[61], 0x1111);
		assert_true(ops->do_unseal(&work, &j, &good));
		assert_true(good);
		assert_memory_equal(data + 1, sealed, sizeof(sealed)); /* as it was */
		assert_memory_equal(work.blocks, clear, sizeof(clear));
		for (unsigned bit = 0; bit < 8 * 16; bit++) {
			j.tag[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_true(ops->do_unseal(&work, &j, &good));
			assert_false(good);
			j.tag[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		aad[19] ^= 1;
		assert_true(ops->do_unseal(&work, &j, &good));
		assert_false(good);
		aad[19] ^= 1;
		drop_key(CIPHER_GCM);
	}
}

#define EACH(f)                                                                                    \
	{#f, f, open_imb, close_work, NULL},                                                       \
	{                                                                                          \
#f " openssl", f, open_openssl, close_work, NULL                                   \
	}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		EACH(test_b2_batch),
		EACH(test_hmac),
		EACH(test_fills),
		EACH(test_gcm),
	};

	return cmocka_run_group_tests_name("srtp/cipher", tests, NULL, NULL);
}
