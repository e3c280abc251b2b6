#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "srtp/suite.h"

/* RFC 4568 6.2 table, RFC 6188 table 1, RFC 7714 tables 1 to 4. */
static void
test_table(void **state)
{
	static const struct {
		const char *name;
		unsigned id, kind, key, salt, rtp, rtcp;
	} rows[] = {
		{"AES_CM_128_HMAC_SHA1_80", SRTP_AES_CM_128_HMAC_SHA1_80, CIPHER_CM_SHA1, 16, 14,
		 10, 10},
		{"AES_CM_128_HMAC_SHA1_32", SRTP_AES_CM_128_HMAC_SHA1_32, CIPHER_CM_SHA1, 16, 14, 4,
		 10},
		{"AES_256_CM_HMAC_SHA1_80", SRTP_AES_256_CM_HMAC_SHA1_80, CIPHER_CM_SHA1, 32, 14,
		 10, 10},
		{"AES_256_CM_HMAC_SHA1_32", SRTP_AES_256_CM_HMAC_SHA1_32, CIPHER_CM_SHA1, 32, 14, 4,
		 10},
		{"AEAD_AES_128_GCM", SRTP_AEAD_AES_128_GCM, CIPHER_GCM, 16, 12, 16, 16},
		{"AEAD_AES_256_GCM", SRTP_AEAD_AES_256_GCM, CIPHER_GCM, 32, 12, 16, 16},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct srtp_suite *s = srtp_suite_get(rows[i].id);

		assert_non_null(s);
		assert_string_equal(s->name, rows[i].name);
		assert_int_equal(s->kind, rows[i].kind);
		assert_int_equal(s->key_len, rows[i].key);
		assert_int_equal(s->salt_len, rows[i].salt);
		assert_int_equal(s->rtp_tag, rows[i].rtp);
		assert_int_equal(s->rtcp_tag, rows[i].rtcp);
		assert_true(s->key_len <= SRTP_MASTER_KEY_MAX && s->rtp_tag <= SRTP_TAG_MAX);
	}
}

static void
test_unknown(void **state)
{
	(void)state;
	assert_null(srtp_suite_get(SRTP_NONE));
	assert_null(srtp_suite_get(SRTP_SUITE_END));
	assert_null(srtp_suite_get(256 + SRTP_AES_CM_128_HMAC_SHA1_80));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_unknown),
	};

	return cmocka_run_group_tests_name("srtp/suite", tests, NULL, NULL);
}
