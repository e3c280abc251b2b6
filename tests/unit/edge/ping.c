#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/str.h"
#include "edge/ping.h"

enum { EVERY = 1000000 };

/* A life as letters: . the timer at its time; h bytes; c a CRLF; p its second half. The answers of
 * the timer: w s x (wait, send, close). */
static void
lives(void **state)
{
	static const struct {
		const char *name, *life, *want;
	} rows[] = {
		{"nothing heard: ping", ".", "s"},
		{"never ponged: not judged", "......", "swswsw"},
		{"ponged", ".hc.", "sw"},
		{"ponged, then silent: dead", ".hc...", "swsx"},
		{"busy: no ping", "h.h.h.", "www"},
		{"ponged, busy, then silent", ".hc.h.h...", "swwwsx"},
		{"the peer's own ping is no pong", ".hchp.....", "swswsw"},
		{"a pong, then the peer's ping", ".hc.hchp....", "swwsx"},
		{"an unasked CRLF is no pong", "hc.....", "wswsw"},
	};
	static const char letter[] = {[PING_WAIT] = 'w', [PING_SEND] = 's', [PING_CLOSE] = 'x'};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ping p;
		uint64_t now = 5;
		char got[32];
		size_t n = 0;

		print_message("# %s\n", rows[i].name);
		ping_begin(&p, EVERY, 77, now);
		for (const char *z = rows[i].life; *z && (n == 0 || got[n - 1] != 'x'); z++) {
			if (*z == 'h')
				ping_heard(&p);
			else if (*z == 'c')
				ping_on_crlf(&p);
			else if (*z == 'p')
				ping_on_ping(&p);
			else {
				assert_int_equal(ping_step(&p, 0, p.due - 1), PING_WAIT);
				now = p.due;
				got[n++] = letter[ping_step(&p, 0, now)];
			}
		}
		got[n] = 0;
		assert_string_equal(got, rows[i].want);
	}
}

static void
times(void **state)
{
	struct ping p;

	(void)state;
	ping_begin(&p, EVERY, 0, 10);
	assert_int_equal(p.due, 10 + EVERY);
	ping_begin(&p, EVERY, EVERY / 5, 10);
	assert_int_equal(p.due, 10 + EVERY * 4 / 5);
	assert_int_equal(ping_step(&p, 0, p.due), PING_SEND);
	assert_int_equal(p.due, 10 + EVERY * 4 / 5 + PING_PONG_US);
	ping_begin(&p, 0, 1, 10); /* none at all */
	assert_true(p.due == UINT64_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(lives), cmocka_unit_test(times)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
