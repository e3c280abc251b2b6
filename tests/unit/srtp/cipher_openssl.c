#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/codec.h"
#include "srtp/cipher_openssl.h"

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
test_b2(void **state)
{
	uint8_t key[16], iv[16], want[48], got[48];
	struct cipher_stream s = {iv, got, 0};

	(void)state;
	from_hex(b2_key, key, sizeof(key));
	from_hex(b2_iv, iv, sizeof(iv));
	from_hex(b2_stream, want, sizeof(want));
	for (s.len = 0; s.len <= sizeof(got); s.len++) {
		memset(got, 0xee, sizeof(got));
		assert_int_equal(cipher_openssl.do_stream(key, 16, &s, 1), ERR_OK);
		assert_memory_equal(got, want, s.len);
		if (s.len < sizeof(got))
			assert_int_equal(got[s.len], 0xee);
	}
}

static void
test_b2_batch(void **state)
{
	uint8_t key[16], iv[16], want[48], data[CIPHER_BATCH_MAX][64];
	struct cipher_job jobs[CIPHER_BATCH_MAX], *list[CIPHER_BATCH_MAX];
	struct cipher_key k;
	struct cipher_work w;

	(void)state;
	from_hex(b2_key, key, sizeof(key));
	from_hex(b2_iv, iv, sizeof(iv));
	from_hex(b2_stream, want, sizeof(want));
	assert_int_equal(cipher_openssl.do_open(&w), ERR_OK);
	assert_int_equal(cipher_openssl.do_init(&k, key, 16, key, 16), ERR_OK);
	memset(data, 0, sizeof(data));
	memset(jobs, 0, sizeof(jobs));
	for (unsigned i = 0; i < CIPHER_BATCH_MAX; i++) {
		jobs[i].key = &k;
		jobs[i].data = data[i];
		jobs[i].crypt_at = i % 16;
		jobs[i].crypt_len = i % 49;
		memcpy(jobs[i].iv, iv, sizeof(iv));
		list[i] = &jobs[i];
	}
	assert_true(cipher_openssl.do_crypt(&w, list, CIPHER_BATCH_MAX));
	for (unsigned i = 0; i < CIPHER_BATCH_MAX; i++) {
		uint8_t frame[64] = {0};

		memcpy(frame + i % 16, want, i % 49);
		assert_memory_equal(data[i], frame, sizeof(frame));
	}
	cipher_openssl.do_fini(&k);
	cipher_openssl.do_fini(&k);
	cipher_openssl.do_close(&w);
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
	struct cipher_work w;

	(void)state;
	assert_int_equal(cipher_openssl.do_open(&w), ERR_OK);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t auth[64], data[64], tag[20];
		struct cipher_key k;
		uint32_t auth_len = (uint32_t)from_hex(rows[i].key, auth, sizeof(auth));
		uint32_t len = (uint32_t)from_hex(rows[i].data, data, sizeof(data));
		struct cipher_job j = {.key = &k, .data = data, .auth_len = len};
		struct cipher_job *list[2] = {&j, &j};

		from_hex(rows[i].tag, tag, sizeof(tag));
		assert_int_equal(cipher_openssl.do_init(&k, aes, 16, auth, auth_len), ERR_OK);
		assert_true(cipher_openssl.do_tag(&w, list, 2));
		assert_memory_equal(j.tag, tag, sizeof(tag));
		j.auth_len = len - 4;
		j.trailer_len = 4;
		memcpy(j.trailer, data + len - 4, 4);
		memset(j.tag, 0, sizeof(j.tag));
		assert_true(cipher_openssl.do_tag(&w, list, 1));
		assert_memory_equal(j.tag, tag, sizeof(tag));
		cipher_openssl.do_fini(&k);
	}
	cipher_openssl.do_close(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_b2),
		cmocka_unit_test(test_b2_batch),
		cmocka_unit_test(test_hmac),
	};

	return cmocka_run_group_tests_name("srtp/cipher_openssl", tests, NULL, NULL);
}
