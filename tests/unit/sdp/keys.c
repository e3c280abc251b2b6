#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "sdp/keys.h"
#include "unit/sdp/bodies.h"

#define S80 "AES_CM_128_HMAC_SHA1_80 "
#define IN "inline:" KEY_A
#define KEY_256 "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NQ"
#define KEY_192 "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc="
#define KEY_GCM "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nw=="

/* canon: what is written again; NULL: the same text */
static const struct {
	const char *name, *line;
	enum err want;
	const char *canon;
} rows[] = {
	/* RFC 4568 4, 6.1, 9.3 */
	{"RFC 4568 first", "1 " S80 "inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR|2^20|1:32",
	 ERR_OK, NULL},
	{"RFC 4568 6.1", "1 " S80 "inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj|2^20|1:32",
	 ERR_OK, NULL},
	{"RFC 4568 two keys",
	 "2 " S80 "inline:YUJDZGVmZ2hpSktMbW9QUXJzVHVWd3l6MTIzNDU2|1066:4;inline:" KEY_A
	 "|2^20|32:4",
	 ERR_OK, NULL},
	{"plain", "1 " S80 IN, ERR_OK, NULL},
	{"largest tag", "999999999 " S80 IN, ERR_OK, NULL},
	{"suite in lower case", "1 aes_cm_128_hmac_sha1_80 " IN, ERR_OK, "1 " S80 IN},
	{"INLINE", "1 " S80 "INLINE:" KEY_A, ERR_OK, "1 " S80 IN},
	{"tabs and blanks", "1\t" S80 "  " IN " ", ERR_OK, "1 " S80 IN},
	{"32-bit tag", "7 AES_CM_128_HMAC_SHA1_32 " IN, ERR_OK, NULL},
	{"AES_256_CM", "1 AES_256_CM_HMAC_SHA1_80 inline:" KEY_256 "==", ERR_OK, NULL},
	{"unpadded", "1 AES_256_CM_HMAC_SHA1_80 inline:" KEY_256, ERR_OK,
	 "1 AES_256_CM_HMAC_SHA1_80 inline:" KEY_256 "=="},
	{"AES_CM_256 echoed so", "1 AES_CM_256_HMAC_SHA1_80 inline:" KEY_256 "==", ERR_OK, NULL},
	{"AES_192_CM", "1 AES_192_CM_HMAC_SHA1_32 inline:" KEY_192, ERR_OK, NULL},
	{"GCM", "1 AEAD_AES_128_GCM inline:" KEY_GCM, ERR_OK, NULL},
	{"half padded", "1 AES_256_CM_HMAC_SHA1_80 inline:" KEY_256 "=", ERR_SYNTAX, NULL},
	{"lifetime 2^31 and MKI", "1 " S80 IN "|2^31|1:4", ERR_OK, NULL},
	{"lifetime decimal", "1 " S80 IN "|1048577", ERR_OK, NULL},
	{"lifetime decimal of a power", "1 " S80 IN "|1048576", ERR_OK, "1 " S80 IN "|2^20"},
	{"lifetime 2^48", "1 " S80 IN "|2^48", ERR_OK, NULL},
	{"lifetime 2^49", "1 " S80 IN "|2^49", ERR_RANGE, NULL},
	{"lifetime 2^", "1 " S80 IN "|2^", ERR_SYNTAX, NULL},
	{"lifetime 2^99999999999", "1 " S80 IN "|2^99999999999", ERR_RANGE, NULL},
	{"lifetime 0", "1 " S80 IN "|0", ERR_RANGE, NULL},
	{"lifetime 2^64", "1 " S80 IN "|18446744073709551616", ERR_RANGE, NULL},
	{"lifetime twice", "1 " S80 IN "|2^20|2^20", ERR_SYNTAX, NULL},
	{"lifetime empty", "1 " S80 IN "|", ERR_SYNTAX, NULL},
	{"MKI alone", "1 " S80 IN "|1:4", ERR_OK, NULL},
	{"MKI before lifetime", "1 " S80 IN "|1:4|2^20", ERR_OK, "1 " S80 IN "|2^20|1:4"},
	{"MKI length 0", "1 " S80 IN "|1:0", ERR_RANGE, NULL},
	{"MKI length 128", "1 " S80 IN "|1:128", ERR_OK, NULL},
	{"MKI length 129", "1 " S80 IN "|1:129", ERR_RANGE, NULL},
	{"MKI 255 in 1", "1 " S80 IN "|255:1", ERR_OK, NULL},
	{"MKI 256 in 1", "1 " S80 IN "|256:1", ERR_RANGE, NULL},
	{"MKI 2^64-1 in 8", "1 " S80 IN "|18446744073709551615:8", ERR_OK, NULL},
	{"MKI text", "1 " S80 IN "|a:4", ERR_SYNTAX, NULL},
	{"KDR", "1 " S80 IN " KDR=1", ERR_OK, NULL},
	{"KDR 0", "1 " S80 IN " KDR=0", ERR_OK, NULL},
	{"KDR 24", "1 " S80 IN " kdr=24", ERR_OK, "1 " S80 IN " KDR=24"},
	{"KDR 25", "1 " S80 IN " KDR=25", ERR_RANGE, NULL},
	{"KDR twice", "1 " S80 IN " KDR=1 KDR=1", ERR_SYNTAX, NULL},
	{"WSH", "1 " S80 IN " WSH=64", ERR_OK, NULL},
	{"WSH 63", "1 " S80 IN " WSH=63", ERR_RANGE, NULL},
	{"WSH 2^16", "1 " S80 IN " WSH=65536", ERR_RANGE, NULL},
	{"WSH empty", "1 " S80 IN " WSH=", ERR_SYNTAX, NULL},
	{"KDR and WSH", "1 " S80 IN " WSH=128 KDR=3", ERR_OK, "1 " S80 IN " KDR=3 WSH=128"},
	{"FEC_ORDER", "1 " S80 IN " FEC_ORDER=FEC_SRTP", ERR_UNSUPPORTED, NULL},
	{"FEC_KEY", "1 " S80 IN " FEC_KEY=" IN, ERR_UNSUPPORTED, NULL},
	{"unknown parameter", "1 " S80 IN " NEW=1", ERR_UNSUPPORTED, NULL},
	{"unknown, not mandatory", "1 " S80 IN " -NEW=1", ERR_OK, "1 " S80 IN},
	{"only a dash", "1 " S80 IN " -", ERR_UNSUPPORTED, NULL},
	{"M9/UNENCRYPTED_SRTP", "1 " S80 IN " UNENCRYPTED_SRTP", ERR_REFUSED, NULL},
	{"M9/UNENCRYPTED_SRTCP", "1 " S80 IN " KDR=1 UNENCRYPTED_SRTCP", ERR_REFUSED, NULL},
	{"M9/unencrypted_srtp", "1 " S80 IN " unencrypted_srtp", ERR_REFUSED, NULL},
	{"M9/UNAUTHENTICATED_SRTP", "1 " S80 IN " UNAUTHENTICATED_SRTP", ERR_REFUSED, NULL},
	{"M9/tag 0", "0 " S80 IN, ERR_SYNTAX, NULL},
	{"M9/tag 01", "01 " S80 IN, ERR_SYNTAX, NULL},
	{"M9/tag text", "one " S80 IN, ERR_SYNTAX, NULL},
	{"M9/tag -1", "-1 " S80 IN, ERR_SYNTAX, NULL},
	{"M9/tag of 10 digits", "1000000000 " S80 IN, ERR_SYNTAX, NULL},
	{"M9/tag 2^32+1", "4294967297 " S80 IN, ERR_SYNTAX, NULL},
	{"M9/key short", "1 " S80 "inline:QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYg==", ERR_RANGE,
	 NULL},
	{"M9/key long", "1 " S80 "inline:" KEY_A "YQ==", ERR_RANGE, NULL},
	{"M9/key very long", "1 " S80 "inline:" KEY_A KEY_A KEY_A, ERR_RANGE, NULL},
	{"M9/key empty", "1 " S80 "inline:", ERR_RANGE, NULL},
	{"M9/key of another suite", "1 " S80 "inline:" KEY_256 "==", ERR_RANGE, NULL},
	{"M9/key not base64", "1 " S80 "inline:QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVph*WNk",
	 ERR_SYNTAX, NULL},
	{"key method", "1 " S80 "uri:" KEY_A, ERR_SYNTAX, NULL},
	{"M9/unknown suite", "1 F8_128_HMAC_SHA1_80 " IN, ERR_UNSUPPORTED, NULL},
	{"M9/NULL suite", "1 NULL_HMAC_SHA1_80 " IN, ERR_UNSUPPORTED, NULL},
	{"suite with a tail", "1 AES_CM_128_HMAC_SHA1_80x " IN, ERR_UNSUPPORTED, NULL},
	{"empty", "", ERR_SYNTAX, NULL},
	{"only a tag", "1", ERR_SYNTAX, NULL},
	{"no key", "1 " S80, ERR_SYNTAX, NULL},
	{"two keys without MKI", "1 " S80 IN ";" IN, ERR_RANGE, NULL},
	{"two keys, the same MKI", "1 " S80 IN "|1:4;" IN "|1:4", ERR_RANGE, NULL},
	{"two keys, MKI lengths differ", "1 " S80 IN "|1:4;" IN "|2:2", ERR_RANGE, NULL},
	{"four keys", "1 " S80 IN "|1:1;" IN "|2:1;" IN "|3:1;" IN "|4:1", ERR_OK, NULL},
	{"five keys", "1 " S80 IN "|1:1;" IN "|2:1;" IN "|3:1;" IN "|4:1;" IN "|5:1", ERR_LONG,
	 NULL},
	{"key missing behind ;", "1 " S80 IN "|1:1;", ERR_SYNTAX, NULL},
};

static void
test_rows(void **state)
{
	unsigned bad = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *canon = rows[i].canon ? rows[i].canon : rows[i].line;
		struct sdp_crypto c, again;
		char mem[1024];
		struct buf b;
		enum err e = sdp_crypto_parse(str_from(rows[i].line), &c);

		if (e != rows[i].want) {
			print_error("%s: %s, not %s\n", rows[i].name, err_name(e),
				    err_name(rows[i].want));
			bad++;
		}
		if (e != ERR_OK)
			continue;
		buf_init(&b, mem, sizeof(mem));
		sdp_crypto_put(&b, &c);
		if (!str_eqz(buf_view(&b), canon) ||
		    sdp_crypto_parse(buf_view(&b), &again) != ERR_OK ||
		    !sdp_crypto_eq(&c, &again)) {
			print_error("%s: written as %s\n", rows[i].name, buf_cstr(&b));
			bad++;
		}
	}
	assert_int_equal(bad, 0);
}

static void
test_values(void **state)
{
	struct sdp_crypto c, d;

	(void)state;
	assert_int_equal(sdp_crypto_parse(STR("12 " S80 IN "|2^20|7:2 KDR=3 WSH=128"), &c), ERR_OK);
	assert_true(c.tag == 12 && c.suite == SDP_SUITE_AES_CM_128_80 && c.n_keys == 1);
	assert_true(c.keys[0].key_len == 16 && c.keys[0].salt_len == 14);
	assert_memory_equal(c.keys[0].key, "ABCDEFGHIJKLMNOP", 16);
	assert_memory_equal(c.keys[0].salt, "QRSTUVWXYZabcd", 14);
	assert_true(c.keys[0].lifetime == 1 << 20 && c.keys[0].mki == 7 && c.keys[0].mki_len == 2);
	assert_true(c.has_kdr && c.kdr == 3 && c.wsh == 128);
	d = c;
	assert_true(sdp_crypto_eq(&c, &d));
	d.keys[0].salt[13] ^= 1;
	assert_false(sdp_crypto_eq(&c, &d));
	d = c;
	d.tag = 13;
	assert_false(sdp_crypto_eq(&c, &d));
	sdp_crypto_wipe(&d);
	assert_true(d.tag == 0 && d.keys[0].key[0] == 0);
	sdp_key_wipe(&c.keys[0]);
	assert_true(c.keys[0].key[0] == 0 && c.keys[0].salt[13] == 0);
}

/* Whatever fails, *out is as it was. */
static void
test_untouched(void **state)
{
	struct sdp_crypto c, was;

	(void)state;
	memset(&c, 0x5a, sizeof(c));
	was = c;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].want != ERR_OK &&
		    sdp_crypto_parse(str_from(rows[i].line), &c) != ERR_OK)
			assert_memory_equal(&c, &was, sizeof(c));
}

static void
test_suites(void **state)
{
	(void)state;
	assert_int_equal(sdp_suite_find(STR("AES_CM_256_HMAC_SHA1_80")), SDP_SUITE_AES_256_CM_80);
	assert_int_equal(sdp_suite_find(STR("AES_256_CM_HMAC_SHA1_80")), SDP_SUITE_AES_256_CM_80);
	assert_int_equal(sdp_suite_find(STR("aes_cm_128_hmac_sha1_32")), SDP_SUITE_AES_CM_128_32);
	assert_int_equal(sdp_suite_find(STR("AES_CM_128_HMAC_SHA1_8")), SDP_SUITE_NONE);
	assert_int_equal(sdp_suite_find(STR_NULL), SDP_SUITE_NONE);
	assert_string_equal(sdp_suite_name(SDP_SUITE_AES_CM_128_80), "AES_CM_128_HMAC_SHA1_80");
	assert_string_equal(sdp_suite_name(SDP_SUITE_NONE), "none");
	assert_string_equal(sdp_suite_name((enum sdp_suite)99), "?");
	assert_null(sdp_suite_info((enum sdp_suite)99));
}

static void
test_tag(void **state)
{
	uint32_t tag = 5;
	struct str suite = STR_NULL;

	(void)state;
	assert_int_equal(sdp_crypto_tag(STR("3 F8_X junk"), &tag, &suite), ERR_OK);
	assert_true(tag == 3 && str_eqz(suite, "F8_X"));
	assert_int_equal(sdp_crypto_tag(STR("3"), &tag, &suite), ERR_SYNTAX);
	assert_int_equal(sdp_crypto_tag(STR("0 X"), &tag, &suite), ERR_SYNTAX);
	assert_int_equal(sdp_crypto_tag(STR(""), &tag, &suite), ERR_SYNTAX);
	assert_int_equal(tag, 3);
}

/* S7: fresh keys differ; each is written and read again. */
static void
test_make(void **state)
{
	struct sdp_crypto a, b, c;
	char mem[512];
	struct buf out;

	(void)state;
	for (enum sdp_suite s = SDP_SUITE_AES_CM_128_80; s <= SDP_SUITE_AEAD_256_GCM; s++) {
		assert_int_equal(sdp_crypto_make(s, 4, &a), ERR_OK);
		assert_int_equal(sdp_crypto_make(s, 4, &b), ERR_OK);
		assert_false(sdp_crypto_eq(&a, &b));
		assert_false(sdp_key_eq(&a.keys[0], &b.keys[0]));
		buf_init(&out, mem, sizeof(mem));
		sdp_crypto_put(&out, &a);
		assert_int_equal(sdp_crypto_parse(buf_view(&out), &c), ERR_OK);
		assert_true(sdp_crypto_eq(&a, &c));
	}
	assert_int_equal(sdp_crypto_make(SDP_SUITE_NONE, 1, &a), ERR_UNSUPPORTED);
	assert_int_equal(sdp_crypto_make(SDP_SUITE_AES_CM_128_80, 0, &a), ERR_RANGE);
	assert_int_equal(sdp_crypto_make(SDP_SUITE_AES_CM_128_80, 1000000000, &a), ERR_RANGE);
	buf_init(&out, mem, sizeof(mem));
	a.suite = SDP_SUITE_NONE;
	sdp_crypto_put(&out, &a);
	assert_int_equal(buf_end(&out), ERR_LONG);
}

static void
test_long_line(void **state)
{
	char line[SDP_CRYPTO_LINE_MAX + 2];
	struct sdp_crypto c;

	(void)state;
	memset(line, ' ', sizeof(line));
	memcpy(line, "1 " S80 IN, strlen("1 " S80 IN));
	assert_int_equal(sdp_crypto_parse(str_of(line, SDP_CRYPTO_LINE_MAX), &c), ERR_OK);
	assert_int_equal(sdp_crypto_parse(str_of(line, SDP_CRYPTO_LINE_MAX + 1), &c), ERR_LONG);
}

static void
test_mask(void **state)
{
	static const struct {
		const char *name, *text, *want;
	} texts[] = {
		{"none", "v=0\r\na=x:y\r\n", "v=0\r\na=x:y\r\n"},
		{"empty", "", ""},
		{"S1/one", "a=crypto:1 X " IN "\r\nb=1", "a=crypto:1 X inline:***\r\nb=1"},
		{"S1/two keys", "1 X " IN "|1:4;" IN "|2:4 KDR=1",
		 "1 X inline:***;inline:*** KDR=1"},
		{"S1/upper case", "1 X INLINE:" KEY_A, "1 X INLINE:***"},
		{"S1/FEC_KEY", "FEC_KEY=" IN, "FEC_KEY=inline:***"},
		{"S1/no end", "inline:", "inline:***"},
		{"colons", ":::line:inline", ":::line:inline"},
	};
	unsigned bad = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		char mem[512];
		struct buf b;

		buf_init(&b, mem, sizeof(mem));
		sdp_mask_keys(&b, str_from(texts[i].text));
		if (!str_eqz(buf_view(&b), texts[i].want)) {
			print_error("%s: %s\n", texts[i].name, buf_cstr(&b));
			bad++;
		}
	}
	assert_int_equal(bad, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),      cmocka_unit_test(test_values),
		cmocka_unit_test(test_untouched), cmocka_unit_test(test_suites),
		cmocka_unit_test(test_tag),       cmocka_unit_test(test_make),
		cmocka_unit_test(test_long_line), cmocka_unit_test(test_mask),
	};

	return cmocka_run_group_tests_name("keys", tests, NULL, NULL);
}
