#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/codec.h"
#include "srtp/cipher.h"
#include "srtp/kdf.h"

static void
from_hex(const char *hex, uint8_t *out, size_t want)
{
	size_t len = 0;

	assert_int_equal(codec_hex_get(str_from(hex), out, want, &len), ERR_OK);
	assert_int_equal(len, want);
}

/* RFC 3711 B.3 and RFC 6188 7.2: master key and salt, then the three keys of RTP. */
static void
check_vectors(const struct cipher_ops *ops)
{
	static struct cipher_work work;
	static const struct {
		unsigned suite;
		const char *master, *salt, *crypt, *auth, *session_salt;
	} rows[] = {
		{SRTP_AES_CM_128_HMAC_SHA1_80, "E1F97A0D3E018BE0D64FA32C06DE4139",
		 "0EC675AD498AFEEBB6960B3AABE6", "C61E7A93744F39EE10734AFE3FF7A087",
		 "CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4", "30CBBC08863D8C85D49DB34A9AE1"},
		{SRTP_AES_256_CM_HMAC_SHA1_80,
		 "f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b6",
		 "3b04803de51ee7c96423ab5b78d2",
		 "5ba1064e30ec51613cad926c5a28ef731ec7fb397f70a960653caf06554cd8c4",
		 "fd9c32d39ed5fbb5a9dc96b30818454d1313dc05", "fa31791685ca444a9e07c6c64e93"},
	};

	assert_int_equal(ops->do_open(&work), ERR_OK);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct srtp_suite *s = srtp_suite_get(rows[i].suite);
		uint8_t master[32], salt[14], want[32];
		struct srtp_session_keys got[SRTP_HALVES];

		from_hex(rows[i].master, master, s->key_len);
		from_hex(rows[i].salt, salt, sizeof(salt));
		assert_int_equal(srtp_kdf(ops, &work, s, master, salt, got), ERR_OK);
		from_hex(rows[i].crypt, want, s->key_len);
		assert_memory_equal(got[SRTP_HALF_RTP].crypt, want, s->key_len);
		from_hex(rows[i].auth, want, sizeof(got[SRTP_HALF_RTP].auth));
		assert_memory_equal(got[SRTP_HALF_RTP].auth, want, sizeof(got[SRTP_HALF_RTP].auth));
		from_hex(rows[i].session_salt, want, sizeof(got[SRTP_HALF_RTP].salt));
		assert_memory_equal(got[SRTP_HALF_RTP].salt, want, sizeof(got[SRTP_HALF_RTP].salt));
		assert_memory_not_equal(got[SRTP_HALF_RTP].crypt, got[SRTP_HALF_RTCP].crypt,
					s->key_len);
		assert_memory_not_equal(got[SRTP_HALF_RTP].auth, got[SRTP_HALF_RTCP].auth,
					sizeof(got[SRTP_HALF_RTP].auth));
		assert_memory_not_equal(got[SRTP_HALF_RTP].salt, got[SRTP_HALF_RTCP].salt,
					sizeof(got[SRTP_HALF_RTP].salt));
	}
	ops->do_close(&work);
}

static void
test_vectors(void **state)
{
	(void)state;
	check_vectors(&cipher_openssl);
	if (cipher_imb)
		check_vectors(cipher_imb);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_vectors)};

	return cmocka_run_group_tests_name("srtp/kdf", tests, NULL, NULL);
}
