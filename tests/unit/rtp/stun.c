/* Binding requests: the vectors of RFC 5769, what is not taken, and what is answered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "unit/rtp/made.h"

#define PWD "VOkJxbRl1RmTxUk/WvJxBt"

/* RFC 5769 2.1 */
static const uint8_t sample[] =
	"\x00\x01\x00\x58" MADE_HEAD "\x80\x22\x00\x10STUN test client"
	"\x00\x24\x00\x04\x6e\x00\x01\xff"
	"\x80\x29\x00\x08\x93\x2f\xf9\xb1\x51\x26\x3b\x36"
	"\x00\x06\x00\x09\x65\x76\x74\x6a\x3a\x68\x36\x76\x59\x20\x20\x20"
	"\x00\x08\x00\x14\x9a\xea\xa7\x0c\xbf\xd8\xcb\x56\x78\x1e\xf2\xb5\xb2\xd3\xf2\x49\xc1\xb5"
	"\x71\xa2"
	"\x80\x28\x00\x04\xe5\x7a\x3b\xcf";
enum { SAMPLE_LEN = sizeof(sample) - 1, INTEGRITY_AT = 76, FINGERPRINT_AT = 100 };

static void
test_sample(void **state)
{
	struct stun_request r;

	(void)state;
	assert_int_equal(stun_parse(sample, SAMPLE_LEN, &r), ERR_OK);
	assert_true(str_eqz(r.user, "evtj:h6vY"));
	assert_int_equal(r.priority, 0x6e0001ff);
	assert_true(r.controlled);
	assert_false(r.use_candidate);
	assert_int_equal(r.signed_at, INTEGRITY_AT);
	assert_int_equal(r.n_unknown, 0);
	if (!stun_is_signed(&r, STR(PWD))) {
		uint8_t mac[DIGEST_MAX]; /* the ladder */

		assert_int_equal(digest_hmac(DIGEST_HMAC_SHA1, STR(PWD), STR("x"), mac), ERR_OK);
		fail_msg("not signed");
	}
	assert_false(stun_is_signed(&r, STR("VOkJxbRl1RmTxUk/WvJxBu")));
	assert_false(stun_is_signed(&r, STR("")));
	assert_true(stun_names(sample, SAMPLE_LEN, stun_ufrag_of("evtj")));
	assert_false(stun_names(sample, SAMPLE_LEN, stun_ufrag_of("evtk")));
}

static void
test_spoilt(void **state)
{
	static const struct {
		const char *name;
		size_t at;
		uint8_t bit, cut;
		enum err e;
	} rows[] = {
		{"whole", 0, 0, 0, ERR_OK},
		{"an indication", 1, 0x10, 0, ERR_UNSUPPORTED},
		{"a response", 0, 1, 0, ERR_UNSUPPORTED},
		{"another method", 1, 2, 0, ERR_UNSUPPORTED},
		{"RTP", 0, 0x80, 0, ERR_SYNTAX},
		{"a length too long", 3, 4, 0, ERR_SYNTAX},
		{"another cookie", 4, 1, 0, ERR_SYNTAX},
		{"another transaction", 9, 1, 0, ERR_SYNTAX},
		{"an attribute beyond the end", 22, 0x40, 0, ERR_SYNTAX},
		{"another user", 64, 1, 0, ERR_SYNTAX},
		{"no number of four", 0, 0, 1, ERR_SYNTAX},
		{"cut", 0, 0, 8, ERR_SYNTAX},
		{"the header alone", 0, 0, SAMPLE_LEN - 20, ERR_SYNTAX},
		{"less than that", 0, 0, SAMPLE_LEN - 19, ERR_SYNTAX},
		{"nothing", 0, 0, SAMPLE_LEN, ERR_SYNTAX},
		{"another FINGERPRINT", FINGERPRINT_AT + 4, 1, 0, ERR_SYNTAX},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t p[SAMPLE_LEN];
		struct stun_request r;
		enum err e;

		memcpy(p, sample, SAMPLE_LEN);
		p[rows[i].at] ^= rows[i].bit;
		e = stun_parse(p, SAMPLE_LEN - rows[i].cut, &r);
		if (e != rows[i].e)
			fail_msg("%s: %s", rows[i].name, err_name(e));
	}
}

/* Every bit of it is covered, by one or the other. */
static void
test_covered(void **state)
{
	uint8_t p[SAMPLE_LEN];
	struct stun_request r;

	(void)state;
	for (size_t i = 0; i < 8 * SAMPLE_LEN; i++) {
		memcpy(p, sample, SAMPLE_LEN);
		p[i / 8] ^= (uint8_t)(1 << i % 8);
		if (stun_parse(p, SAMPLE_LEN, &r) == ERR_OK)
			fail_msg("bit %zu", i);
	}
}

static void
test_attributes(void **state)
{
	static const uint8_t many[8 * STUN_UNKNOWN_MAX];
	struct stun_request r;
	struct made m;
	size_t len;

	(void)state;
	made_begin(&m, "ours:theirs");
	made_put(&m, 0x0006, "other", 5); /* the first counts */
	made_put(&m, 0x0025, "", 0);
	made_put(&m, 0x0024, "\1\2\3\4", 4);
	made_put(&m, 0x802a, many, 8);
	made_put(&m, 0xc057, "\0\2\0\0", 4); /* may be left aside */
	len = made_end(&m, PWD, true);
	assert_int_equal(stun_parse(m.p, len, &r), ERR_OK);
	assert_true(str_eqz(r.user, "ours:theirs"));
	assert_true(r.use_candidate);
	assert_false(r.controlled);
	assert_int_equal(r.priority, 0x01020304);
	assert_int_equal(r.n_unknown, 0);

	made_begin(&m, "ours:theirs");
	for (int i = 0; i < STUN_UNKNOWN_MAX + 2; i++)
		made_put(&m, 0x7f00u + (unsigned)i, many, (unsigned)i);
	len = made_end(&m, PWD, true);
	assert_int_equal(stun_parse(m.p, len, &r), ERR_OK);
	assert_int_equal(r.n_unknown, STUN_UNKNOWN_MAX);
	assert_int_equal(r.unknown[3], 0x7f03);

	made_begin(&m, "ours:theirs");
	made_put(&m, 0x0008, many, 20);
	made_put(&m, 0x0025, "", 0); /* behind what signs it: it does not count */
	len = made_end(&m, PWD, false);
	assert_int_equal(stun_parse(m.p, len, &r), ERR_OK);
	assert_false(r.use_candidate);

	made_begin(&m, "ours:theirs");
	len = made_end(&m, PWD, false);
	assert_int_equal(stun_parse(m.p, len, &r), ERR_OK);
	assert_int_equal(r.signed_at, 0);
	assert_false(stun_is_signed(&r, STR(PWD)));

	made_begin(&m, "ours:theirs");
	made_put(&m, 0x0008, many, 19);
	assert_int_equal(stun_parse(m.p, made_end(&m, PWD, false), &r), ERR_SYNTAX);
	made_begin(&m, "ours:theirs");
	made_put(&m, 0x0024, many, 8);
	assert_int_equal(stun_parse(m.p, made_end(&m, PWD, true), &r), ERR_SYNTAX);
	made_begin(&m, "ours:theirs");
	for (int i = 0; i < 13; i++)
		made_put(&m, 0x8022, many, 32);
	assert_true(made_end(&m, PWD, true) > STUN_REQUEST_MAX); /* more than one message holds */
	assert_int_equal(stun_parse(m.p, m.b.len, &r), ERR_SYNTAX);
}

static void
test_named(void **state)
{
	static const struct {
		const char *user, *ufrag;
		bool is;
	} rows[] = {
		{"abcdefgh:x", "abcd", true}, {"abcd:x", "abcd", true}, {"abcd", "abcd", false},
		{"abce:x", "abcd", false},    {"abc", "abcd", false},   {"", "abcd", false},
		{"ABCD:x", "abcd", false},
	};
	struct made m;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		made_begin(&m, rows[i].user);
		if (stun_names(m.p, made_end(&m, PWD, true), stun_ufrag_of(rows[i].ufrag)) !=
		    rows[i].is)
			fail_msg("%s", rows[i].user);
	}
	assert_false(stun_names(sample, SAMPLE_LEN - 4, stun_ufrag_of("evtj")));
}

/* What answers the sample, but for the SOFTWARE that the RFC's answers have. */
static void
test_answers(void **state)
{
	static const struct {
		const char *name, *seen;
		unsigned status;
		const char *says; /* type and attribute of the answer */
		size_t n;
	} rows[] = {
		/* RFC 5769 2.2, 2.3 */
		{"IPv4", "192.0.2.1:32853", STUN_SUCCESS,
		 "\x01\x01\x00\x20\x00\x08\x00\x01\xa1\x47\xe1\x12\xa6\x43", 14},
		{"IPv6", "[2001:db8:1234:5678:11:2233:4455:6677]:32853", STUN_SUCCESS,
		 "\x01\x01\x00\x20\x00\x14\x00\x02\xa1\x47\x01\x13\xa9\xfa\xa5\xd3\xf1\x79\xbc\x25"
		 "\xf4\xb5\xbe\xd2\xb9\xd9",
		 26},
		{"a role conflict", "192.0.2.1:1", STUN_ROLE_CONFLICT,
		 "\x01\x11\x00\x09\x00\x04\x00\x00\x04\x57", 10},
		{"unknown attributes", "192.0.2.1:1", STUN_UNKNOWN,
		 "\x01\x11\x00\x09\x00\x04\x00\x00\x04\x14\x00\x0a\x00\x04\x7f\x00\x7f\x01", 18},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct stun_request r;
		uint8_t p[STUN_ANSWER_MAX], mac[DIGEST_MAX];
		struct addr seen;
		struct buf b;

		assert_int_equal(stun_parse(sample, SAMPLE_LEN, &r), ERR_OK);
		r.n_unknown = 2;
		r.unknown[0] = 0x7f00;
		r.unknown[1] = 0x7f01;
		assert_int_equal(addr_parse(str_from(rows[i].seen), &seen), ERR_OK);
		buf_init(&b, p, sizeof(p));
		assert_int_equal(stun_answer(&r, rows[i].status, &seen, STR(PWD), &b), ERR_OK);
		assert_memory_equal(p, rows[i].says, 2);
		assert_memory_equal(p + 4, sample + 4, 16);
		if (memcmp(p + 20, rows[i].says + 2, rows[i].n - 2) != 0 ||
		    b.len != 20 + rows[i].n - 2 + 24 + 8)
			fail_msg("%s: %zu bytes", rows[i].name, b.len);
		assert_int_equal(octets_get16(p + 2), b.len - 20);
		octets_set16(p + 2, (uint16_t)(b.len - 20 - 8));
		assert_int_equal(
			digest_hmac(DIGEST_HMAC_SHA1, STR(PWD), str_of(p, b.len - 32), mac),
			ERR_OK);
		assert_memory_equal(mac, p + b.len - 28, 20);
		octets_set16(p + 2, (uint16_t)(b.len - 20)); /* and as a request it has its print */
		p[0] = 0;
		p[1] = 1;
		assert_int_equal(stun_parse(p, b.len, &r), ERR_SYNTAX);
		buf_init(&b, p, b.len - 1);
		assert_int_equal(stun_answer(&r, rows[i].status, &seen, STR(PWD), &b), ERR_LONG);
	}
}

/* RFC 2202 3, RFC 4231 4.3 */
static void
test_hmac(void **state)
{
	static const uint8_t sha1[] = "\xef\xfc\xdf\x6a\xe5\xeb\x2f\xa2\xd2\x74\x16\xd5\xf1\x84\xdf"
				      "\x9c\x25\x9a\x7c\x79";
	static const uint8_t sha256[] =
		"\x5b\xdc\xc1\x46\xbf\x60\x75\x4e\x6a\x04\x24\x26\x08\x95\x75\xc7\x5a\x00\x3f\x08"
		"\x9d\x27\x39\x83\x9d\xec\x58\xb9\x64\xec\x38\x43";
	uint8_t out[DIGEST_MAX];

	(void)state;
	assert_int_equal(digest_hmac(DIGEST_HMAC_SHA1, STR("Jefe"),
				     STR("what do ya want for nothing?"), out),
			 ERR_OK);
	assert_memory_equal(out, sha1, 20);
	assert_int_equal(digest_hmac(DIGEST_HMAC_SHA256, STR("Jefe"),
				     STR("what do ya want for nothing?"), out),
			 ERR_OK);
	assert_memory_equal(out, sha256, 32);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sample),  cmocka_unit_test(test_spoilt),
		cmocka_unit_test(test_covered), cmocka_unit_test(test_attributes),
		cmocka_unit_test(test_named),   cmocka_unit_test(test_answers),
		cmocka_unit_test(test_hmac),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
