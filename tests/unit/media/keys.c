#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "media/keys.h"

enum { SLOTS = 4, SLOT = 2 };

static struct srtp_ctx ctx;
static struct media_secret secret_rows[SLOTS];
static const struct flow_secrets secrets = {.rows = secret_rows, .n_slots = SLOTS};

static void
put_in(uint32_t serial, const struct srtp_suite *suite)
{
	struct sdp_key k = {.key = {(uint8_t)serial},
			    .salt = {(uint8_t)serial},
			    .key_len = suite->key_len,
			    .salt_len = suite->salt_len};

	assert_int_equal(media_secret_put(secret_rows[SLOT].in, serial, &k), ERR_OK);
}

/* Blocks of keys in use, two a key. */
static uint32_t
blocks(void)
{
	return pool_used(&ctx.pools[CIPHER_CM_SHA1]) + pool_used(&ctx.pools[CIPHER_GCM]);
}

/* A re-key, into each suite: the old key is there for the grace time and not longer; one key for
 * each serial, the pointer to it stays; nothing is left. */
static void
test_grace(void **state)
{
	static const uint8_t suites[] = {SRTP_AES_CM_128_HMAC_SHA1_80, SRTP_AEAD_AES_256_GCM,
					 SRTP_AES_256_CM_HMAC_SHA1_32, SRTP_AEAD_AES_128_GCM};
	struct flow_row row = {.open = 1, .conf = {.flags = MEDIA_F_SECURE}};
	struct srtp_key *old = NULL;
	struct keys k;

	(void)state;
	assert_int_equal(srtp_ctx_init(&ctx, SRTP_ENGINE_AUTO, KEYS_A_SLOT * SLOTS), ERR_OK);
	assert_int_equal(keys_init(&k, &ctx, &secrets, SLOTS), ERR_OK);
	for (uint32_t serial = 1; serial <= 8; serial++) {
		const struct srtp_suite *suite = srtp_suite_get(suites[serial % 4]);

		put_in(serial, suite);
		row.in.old_serial = serial - 1;
		row.in.old_suite = row.conf.in_suite;
		row.in.serial = serial;
		row.conf.in_suite = suite->id;
		assert_int_equal(keys_sync(&k, SLOT, &row), ERR_OK);
		assert_ptr_equal(keys_in(&k, SLOT, serial)->suite, suite);
		assert_ptr_equal(keys_in(&k, SLOT, serial - 1), old);
		assert_int_equal(blocks(), serial == 1 ? 2 : 4);
		row.in.old_serial = 0; /* the grace time is over */
		old = keys_in(&k, SLOT, serial);
		assert_int_equal(keys_sync(&k, SLOT, &row), ERR_OK);
		assert_int_equal(blocks(), 2);
		assert_ptr_equal(keys_in(&k, SLOT, serial), old);
		assert_null(keys_in(&k, SLOT, serial - 1));
	}
	row.out.serial = 1; /* signaling has not written it */
	row.conf.out_suite = SRTP_AEAD_AES_128_GCM;
	assert_int_equal(keys_sync(&k, SLOT, &row), ERR_NOTFOUND);
	assert_null(keys_out(&k, SLOT));
	assert_int_equal(blocks(), 2);
	row.open = 0;
	assert_int_equal(keys_sync(&k, SLOT, &row), ERR_OK);
	assert_int_equal(blocks(), 0);
	keys_fini(&k);
	srtp_ctx_fini(&ctx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_grace)};

	return cmocka_run_group_tests_name("media/keys", tests, NULL, NULL);
}
