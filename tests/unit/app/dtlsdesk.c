#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "app/dtlsdesk.h"

/* What an account may have of the handshakes in hand, beside others. */

enum { SLOTS = 2 * DTLSDESK_JOBS, S = 1000000 };

/* One that waits for its hello, which never comes: nothing of it is sent, nor told to a call. */
static bool
want(struct dtlsdesk *d, uint32_t slot, const char *account)
{
	struct call_keying k = {.slot = slot, .active = true};

	(void)!str_copyz(k.account.z, sizeof(k.account.z), str_from(account));
	return dtlsdesk_want(d, &k, S);
}

static void
leaves_some(void **state)
{
	static struct dtlsdesk d;
	struct timers timers;
	uint32_t n = 0, left;

	(void)state;
	assert_int_equal(timers_init(&timers, SLOTS), ERR_OK);
	assert_int_equal(dtlsdesk_init(&d, SLOTS, NULL, &timers, NULL), ERR_OK);
	while (n < DTLSDESK_JOBS && want(&d, n, "acme"))
		n++;
	assert_int_equal(n, DTLSDESK_JOBS / 8 * 7);
	assert_true(want(&d, 0, "acme")); /* said again: it has its place */
	assert_true(want(&d, n, "beta"));
	assert_true(want(&d, n + 1, ""));
	dtlsdesk_drop(&d, 0);
	dtlsdesk_drop(&d, 1);
	dtlsdesk_drop(&d, 2);
	dtlsdesk_drop(&d, 2);
	assert_true(want(&d, 0, "acme"));
	assert_true(want(&d, 1, "acme"));
	assert_false(want(&d, 2, "acme")); /* there is less for all */
	left = DTLSDESK_JOBS - pool_used(&d.jobs);
	for (uint32_t i = n + 2; i < SLOTS; i++) /* calls for help: as long as there is a place */
		assert_int_equal(want(&d, i, ""), i < n + 2 + left);
	for (uint32_t i = 0; i < SLOTS; i++)
		dtlsdesk_drop(&d, i);
	assert_int_equal(pool_used(&d.jobs), 0);
	assert_int_equal(d.held[portshare_owner(STR("acme"))], 0);
	assert_int_equal(timers_next(&timers), TIMER_NEVER);
	dtlsdesk_fini(&d);
	timers_fini(&timers);
}

/* A datagram of this many bytes that begins as a ClientHello does. */
static void
keep(struct dtlsearly *e, uint32_t slot, uint16_t port, size_t len, uint64_t now)
{
	struct media_handed h = {.slot = slot,
				 .from = {.ip = {192, 0, 2, 1}, .port = port, .family = 4},
				 .total = (uint16_t)len};
	uint8_t p[MEDIA_DATAGRAM_MAX] = {22, 0xfe, 0xfd};

	p[13] = 1;
	p[len - 1] = 9;
	for (; h.at < len; h.at = (uint16_t)(h.at + h.len)) {
		h.len = (uint16_t)(len - h.at < MEDIA_PART_MAX ? len - h.at : MEDIA_PART_MAX);
		memcpy(h.p, p + h.at, h.len);
		dtlsearly_keep(e, &h, now);
	}
}

/* The lengths of what is kept of a slot. */
static const char *
kept(const struct dtlsearly *e, uint32_t slot, uint64_t now)
{
	const struct dtlsearly_flight *f = dtlsearly_find(e, slot, 0, now);
	static char text[64];
	struct str p;
	struct buf b;

	buf_init(&b, text, sizeof(text) - 1);
	for (size_t at = 0; f && dtlsearly_next(f, &at, &p);)
		buf_printf(&b, "%u%s ", (unsigned)p.len, p.p[p.len - 1] == 9 ? "" : "?");
	return buf_cstr(&b);
}

/* Of hellos before the answer little is kept: a flight a slot, of the latest slots. */
static void
early(void **state)
{
	struct dtlsearly e;

	(void)state;
	assert_int_equal(dtlsearly_init(&e), ERR_OK);
	keep(&e, 1, 4000, 200, S);
	keep(&e, 1, 4000, 1200, S + DTLSEARLY_GAP_US);
	assert_string_equal(kept(&e, 1, S + DTLSEARLY_GAP_US), "200 1200 ");
	keep(&e, 1, 4000, 700, S + DTLSEARLY_GAP_US); /* no room for that */
	assert_string_equal(kept(&e, 1, S + DTLSEARLY_GAP_US), "200 1200 ");
	keep(&e, 1, 4000, 201, S + 3 * DTLSEARLY_GAP_US); /* it says it again */
	assert_string_equal(kept(&e, 1, S + 3 * DTLSEARLY_GAP_US), "201 ");
	keep(&e, 1, 4002, 202, S + 3 * DTLSEARLY_GAP_US); /* from elsewhere */
	assert_string_equal(kept(&e, 1, S + 3 * DTLSEARLY_GAP_US), "202 ");
	for (uint32_t slot = 2; slot < 2 + DTLSEARLY_FLIGHTS; slot++)
		keep(&e, slot, 4000, 200, 2 * S);
	assert_int_equal(pool_used(&e.flights), DTLSEARLY_FLIGHTS);
	assert_string_equal(kept(&e, 1, 2 * S), "");
	assert_string_equal(kept(&e, 2, 2 * S), "200 ");
	dtlsearly_drop(&e, 2);
	dtlsearly_drop(&e, 2);
	assert_string_equal(kept(&e, 2, 2 * S), "");
	dtlsearly_keep(&e, &(struct media_handed){.slot = 2, .total = 40, .len = 40, .p = {21}}, S);
	assert_int_equal(pool_used(&e.flights), DTLSEARLY_FLIGHTS - 1);
	dtlsearly_fini(&e);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leaves_some),
		cmocka_unit_test(early),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
