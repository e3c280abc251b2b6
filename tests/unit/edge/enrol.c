#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/str.h"
#include "edge/enrol.h"

enum { S = 1000000, WANT = 3600 };

/* A life as letters. s: it is due and asks; g: granted 60 s; G: granted 3600 s; n: 200 without our
 * contact; r: 403; u: 503 with Retry-After 100; l: 423 that wants 7200; t: nothing until its time
 * is over; f: it could not be sent; w: wait for the end of the registration; q: leave; x: it is due
 * and removes. The states after each, first letters of ?(trying) R(egistered) L(ost) q(leaving)
 * e(left). */
static void
lives(void **state)
{
	static const struct {
		const char *name, *life, *want;
	} rows[] = {
		{"granted", "sg", "?R"},
		{"refreshed, over and over", "sgsgsG", "?RRRRR"},
		{"refused", "sr", "?L"},
		{"no answer", "st", "?L"},
		{"not sent", "sf", "?L"},
		{"not among the contacts", "sn", "?L"},
		{"in vain, then there", "stsg", "?LLR"},
		{"a refresh fails: still there", "sGst", "?RRR"},
		{"all refreshes fail: lost at its end", "sgsrwsrsg", "?RRRRLLLR"},
		{"the refresh after a failure", "sGstsg", "?RRRRR"},
		{"wants longer: asked again at once", "slsg", "???R"},
		{"wants longer twice: a failure", "slsl", "???L"},
		{"busy for a while", "susg", "?LLR"},
		{"leaves", "sgqxg", "?Rqqe"},
		{"leaves, nobody answers", "sgqxt", "?Rqqe"},
		{"leaves, refused", "sgqxr", "?Rqqe"},
		{"leaves before it was there", "q", "e"},
		{"leaves while it asks", "sqxr", "?qqe"},
		{"leaves while it is lost", "srq", "?Le"},
		{"leaves twice", "sgqqxg", "?Rqqqe"},
	};
	static const char letter[] = {[ENROL_TRYING] = '?',
				      [ENROL_THERE] = 'R',
				      [ENROL_LOST] = 'L',
				      [ENROL_LEAVING] = 'q',
				      [ENROL_LEFT] = 'e'};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct enrol r;
		uint64_t now = 5;
		char got[16], was = '?';
		size_t n = 0;

		enrol_begin(&r, WANT, 12345, now);
		for (const char *z = rows[i].life; *z; z++) {
			struct enrol_answer a = {.status = 200};

			if (strchr("sxt", *z))
				now = r.due;
			if (*z == 's' || *z == 'x') {
				assert_int_equal(enrol_step(&r, 0, now - 1), ENROL_WAIT);
				assert_int_equal(enrol_step(&r, 0, now),
						 *z == 's' ? ENROL_SEND : ENROL_REMOVE);
			} else if (*z == 't') {
				assert_int_equal(enrol_step(&r, 7, now), ENROL_GIVE_UP);
			} else if (*z == 'f') {
				enrol_failed(&r, 7, now);
			} else if (*z == 'q') {
				enrol_leave(&r, now);
			} else if (*z == 'w') {
				r.due = r.until;
				got[n++] = letter[r.state];
				continue;
			} else {
				now += S / 10;
				a.granted_s = *z == 'g' ? 60 : *z == 'G' ? 3600 : 0;
				a.status = *z == 'r'   ? 403
					   : *z == 'u' ? 503
					   : *z == 'l' ? 423
						       : 200;
				a.min_s = *z == 'l' ? 2 * r.want_s : 0;
				a.retry_s = *z == 'u' ? 100 : 0;
				enrol_answered(&r, &a, 7, now);
				if (*z == 'u' && r.due < now + 100 * S)
					fail_msg("%s: before its Retry-After", rows[i].name);
				if (*z == 'r' && r.state == ENROL_LOST &&
				    r.due < now + ENROL_REFUSED_US)
					fail_msg("%s: refused, and asked again soon", rows[i].name);
			}
			got[n] = letter[r.state];
			if (r.changed != (got[n] != was))
				fail_msg("%s: changed is wrong at %zu", rows[i].name, n);
			was = got[n++];
		}
		got[n] = 0;
		if (strcmp(got, rows[i].want) != 0)
			fail_msg("%s: %s, wanted %s", rows[i].name, got, rows[i].want);
	}
}

/* Refreshed between 8/10 and 9/10 of its time; back-off doubles to its cap; never beyond the end of
 * what is there. */
static void
times(void **state)
{
	static const uint32_t randoms[] = {0, 1, 99999, UINT32_MAX};
	struct enrol_answer ok = {.status = 200, .granted_s = 1000},
			    brief = {.status = 200, .granted_s = 20}, busy = {.status = 500};
	struct enrol r;
	uint64_t now = 1, last = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(randoms); i++) {
		enrol_begin(&r, WANT, randoms[i], now);
		assert_in_range(r.due, now, now + ENROL_FIRST_US);
		now = r.due;
		assert_int_equal(enrol_step(&r, 0, now), ENROL_SEND);
		assert_in_range(r.due, now + 32 * S, now + 36 * S);
		enrol_answered(&r, &ok, randoms[i], now);
		assert_in_range(r.due, now + 800 * (uint64_t)S - 1, now + 900 * (uint64_t)S);
		assert_int_equal(r.until, now + 1000 * (uint64_t)S);
		enrol_begin(&r, WANT, 0, now);
		assert_int_equal(enrol_step(&r, 0, r.due), ENROL_SEND);
		enrol_answered(&r, &brief, randoms[i], now);
		assert_in_range(r.due, now + 8 * S - 1, now + 10 * S);
	}
	/* each refresh fails until its end */
	now = r.due;
	for (int i = 0; i < 20 && r.state == ENROL_THERE; i++) {
		assert_int_equal(enrol_step(&r, 0, now), ENROL_SEND);
		enrol_answered(&r, &busy, UINT32_MAX, now);
		assert_true(r.due <= r.until || r.state == ENROL_LOST);
		now = r.due;
	}
	for (int i = 0; i < 20; i++) {
		assert_int_equal(enrol_step(&r, 0, now), ENROL_SEND);
		enrol_answered(&r, &busy, 0, now);
		assert_true(r.due - now >= last / 2 && r.due - now <= ENROL_AGAIN_MAX_US);
		last = r.due - now;
		now = r.due;
	}
	assert_int_equal(last, ENROL_AGAIN_MAX_US / 2);
	/* an answer that nobody waits for */
	enrol_answered(&r, &ok, 0, now);
	assert_int_equal(r.state, ENROL_LOST);
	assert_string_equal(enrol_state_name(ENROL_THERE), "registered");
	assert_string_equal(enrol_state_name(9), "?");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(lives), cmocka_unit_test(times)};

	return cmocka_run_group_tests_name("edge-enrol", tests, NULL, NULL);
}
