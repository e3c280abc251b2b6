/* call/reason: what is said on the wire for every refusal of ours and every failure of leg B. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "call/reason.h"

/* Status of B, what A sees, Q.850. */
static const struct {
	int status, map, q850;
} rows[] = {
	{300, 500, 23},
	{301, 500, 22},
	{302, 500, 23},
	{305, 500, 23},
	{380, 500, 23},
	{400, 500, 41},
	{401, 500, 21},
	{402, 402, 21},
	{403, 403, 21},
	{404, 404, 1},
	{405, 500, 63},
	{406, 500, 79},
	{407, 500, 21},
	{408, 504, 102},
	{410, 410, 22},
	{413, 500, 127},
	{414, 500, 127},
	{415, 500, 79},
	{416, 500, 127},
	{420, 500, 127},
	{421, 500, 127},
	{422, 500, 127},
	{423, 500, 127},
	{428, 500, 127},
	{433, 433, 21},
	{480, 480, 18},
	{481, 500, 41},
	{482, 482, 25},
	{483, 483, 25},
	{484, 484, 28},
	{485, 485, 1},
	{486, 486, 17},
	{487, 487, 16},
	{488, 488, 88},
	{489, 500, 127},
	{491, 500, 41},
	{493, 500, 127},
	{500, 500, 41},
	{501, 500, 79},
	{502, 502, 38},
	{503, 500, 41},
	{504, 504, 102},
	{505, 500, 127},
	{513, 500, 127},
	{580, 500, 47},
	{600, 600, 17},
	{603, 603, 21},
	{604, 604, 1},
	{606, 606, 88},
	{607, 607, 21},
	{608, 608, 21},
	/* of no row */
	{399, 500, 127},
	{409, 480, 127},
	{499, 480, 127},
	{599, 500, 127},
	{605, 603, 127},
	{699, 603, 127},
	{0, 500, 127},
	{700, 500, 127},
	{-1, 500, 127},
};

static void
each_status(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (reason_map(rows[i].status) != rows[i].map ||
		    reason_q850(rows[i].status) != rows[i].q850)
			fail_msg("%d: %d %d", rows[i].status, reason_map(rows[i].status),
				 reason_q850(rows[i].status));
}

/* Whatever B says, A gets a final failure that makes sense on its own leg. */
static void
all_statuses(void **state)
{
	(void)state;
	for (int s = 300; s <= 699; s++) {
		int m = reason_map(s);

		assert_in_range(m, 400, 699);
		assert_int_not_equal(m, 401);
		assert_int_not_equal(m, 407);
		assert_int_not_equal(m, 408);
		assert_int_not_equal(m, 503);
		assert_in_range(reason_q850(s), 1, 127);
		assert_string_not_equal(reason_phrase(m), "Unknown");
	}
	assert_string_equal(reason_phrase(200), "OK");
	assert_string_equal(reason_phrase(299), "Unknown");
}

static void
each_refusal(void **state)
{
	(void)state;
	for (int r = 1; r < REFUSAL_N; r++) {
		const char *text = refusal_text((enum refusal)r);

		if (refusal_status((enum refusal)r) < 400 ||
		    refusal_status((enum refusal)r) > 699 || refusal_q850((enum refusal)r) > 127 ||
		    !text[0] || strpbrk(text, "\"\\\r\n") ||
		    strcmp(reason_phrase(refusal_status((enum refusal)r)), "Unknown") == 0)
			fail_msg("%s", refusal_name((enum refusal)r));
	}
	assert_int_equal(refusal_status(REFUSAL_EMERGENCY), 500);
	assert_int_equal(refusal_status(REFUSAL_TIMEOUT), 504);
	assert_string_equal(refusal_name(REFUSAL_CLEAR_ONLY), "CLEAR_ONLY");
	assert_string_equal(refusal_name(REFUSAL_N), "?");
	assert_string_equal(refusal_text(REFUSAL_N), "?");
	assert_int_equal(refusal_status(REFUSAL_N), 500);
	assert_int_equal(refusal_q850(REFUSAL_N), 41);
}

static void
reason_header(void **state)
{
	static const struct {
		const char *value;
		int want;
	} r[] = {
		{"Reason: Q.850;cause=17;text=\"busy\"\r\n", 17},
		{"Reason: SIP;cause=486, q.850;cause=31\r\n", 31},
		{"Reason: SIP;cause=486\r\nReason: Q.850;cause=1\r\n", 1},
		{"Reason: SIP;cause=486\r\n", 0},
		{"Reason: Q.850;cause=128\r\n", 0},
		{"Reason: Q.850\r\n", 0},
		{"Reason: \"\r\n", 0},
		{"", 0},
	};
	static struct sip_msg m;
	char z[512];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(r); i++) {
		(void)snprintf(
			z, sizeof(z),
			"BYE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n"
			"Max-Forwards: 70\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\n"
			"Call-ID: x\r\nCSeq: 1 BYE\r\n%s\r\n",
			r[i].value);
		assert_int_equal(sip_msg_parse(str_from(z), &m), ERR_OK);
		if (reason_q850_of(&m) != r[i].want)
			fail_msg("%s: %d", r[i].value, reason_q850_of(&m));
	}
}

/* The table of postern-cdr(5) is this one. */
static void
manual_has_each_refusal(void **state)
{
	static char page[65536];
	char want[512];
	FILE *f = fopen(VECTORS "/../../man/postern-cdr.5", "r");
	size_t n;

	(void)state;
	assert_non_null(f);
	n = fread(page, 1, sizeof(page) - 1, f);
	(void)fclose(f);
	page[n] = 0;
	for (int i = REFUSAL_NONE + 1; i < REFUSAL_N; i++) {
		enum refusal r = (enum refusal)i;

		(void)snprintf(want, sizeof(want), ".It Ic %s\n%d, %d: %s\n", refusal_name(r),
			       refusal_status(r), refusal_q850(r), refusal_text(r));
		if (!strstr(page, want))
			fail_msg("man/postern-cdr.5 lacks \"%s\"", want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_status),
		cmocka_unit_test(all_statuses),
		cmocka_unit_test(each_refusal),
		cmocka_unit_test(reason_header),
		cmocka_unit_test(manual_has_each_refusal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
