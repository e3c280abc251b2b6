/* DTLS and STUN on a media port: whose it is taken from, how much of it, and in what parts. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "media/hand.h"
#include "unit/rtp/made.h"

static struct media_handed got[8];
static unsigned n_got;
static bool full;

static bool
note(void *arg, uint16_t type, const void *body, size_t len)
{
	(void)arg;
	assert_int_equal(type, MEDIA_HANDED);
	assert_int_equal(len, sizeof(got[0]));
	if (full)
		return false;
	memcpy(&got[n_got++ % 8], body, len);
	return true;
}

static const struct addr named = {.ip = {192, 0, 2, 1}, .port = 4000, .family = 4};
static const struct addr verified = {.ip = {192, 0, 2, 2}, .port = 4000, .family = 4};
static const struct addr other_port = {.ip = {192, 0, 2, 1}, .port = 4002, .family = 4};
static const struct addr stranger = {.ip = {192, 0, 2, 66}, .port = 4000, .family = 4};

static struct flow_row *
row_of(uint32_t flags)
{
	static struct flow_row row;

	memset(&row, 0, sizeof(row));
	row.generation = 7;
	row.conf = (struct media_open){.flags = flags, .rtp = named};
	row.stats.far = verified;
	return &row;
}

static void
test_which(void **state)
{
	static const struct {
		const char *name;
		uint32_t flags, socket;
		uint8_t first;
		bool is;
	} rows[] = {
		{"DTLS", MEDIA_F_DTLS | MEDIA_F_SECURE, 4, 22, true},
		{"20", MEDIA_F_DTLS, 4, 20, true},
		{"63", MEDIA_F_DTLS, 4, 63, true},
		{"19", MEDIA_F_DTLS, 4, 19, false},
		{"64", MEDIA_F_DTLS, 4, 64, false},
		{"RTP", MEDIA_F_DTLS, 4, 0x80, false},
		{"STUN", MEDIA_F_DTLS, 4, 0, false},
		{"on the port of RTCP", MEDIA_F_DTLS, 5, 22, false},
		{"M8 a row without", MEDIA_F_SECURE, 4, 22, false},
		{"STUN of ICE", MEDIA_F_ICE, 4, 0, true},
		{"3", MEDIA_F_ICE, 4, 3, true},
		{"4", MEDIA_F_ICE, 4, 4, false},
		{"STUN on the port of RTCP", MEDIA_F_ICE, 5, 0, true},
		{"DTLS with ICE, without keys by it", MEDIA_F_ICE, 4, 22, false},
		{"RTP with ICE", MEDIA_F_ICE | MEDIA_F_DTLS, 4, 0x80, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t p[40] = {rows[i].first};
		struct io_packet k = {
			.p = p, .len = sizeof(p), .socket = rows[i].socket, .addr = named};

		if (hand_is(row_of(rows[i].flags), &k) != rows[i].is)
			fail_msg("%s", rows[i].name);
	}
}

static void
test_from(void **state)
{
	static const struct {
		const char *name;
		const struct addr *from;
		uint32_t len;
		bool full;
		enum media_drop why;
		unsigned parts;
	} rows[] = {
		{"from whom SDP names", &named, 100, false, MEDIA_KEPT, 1},
		{"from whom a packet named", &verified, 100, false, MEDIA_KEPT, 1},
		{"in parts", &named, 1001, false, MEDIA_KEPT, 3},
		{"the longest", &named, MEDIA_DATAGRAM_MAX, false, MEDIA_KEPT, 4},
		{"M14 a stranger", &stranger, 100, false, MEDIA_DROP_source, 0},
		{"M14 another port", &other_port, 100, false, MEDIA_DROP_source, 0},
		{"too long", &named, MEDIA_DATAGRAM_MAX + 1, false, MEDIA_DROP_version, 0},
		{"no room", &named, 100, true, MEDIA_DROP_version, 0},
	};
	uint8_t p[MEDIA_DATAGRAM_MAX + 1];

	(void)state;
	for (unsigned i = 0; i < sizeof(p); i++)
		p[i] = (uint8_t)(22 + i * 7);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct flow_row *r = row_of(MEDIA_F_DTLS);
		struct io_packet k = {.p = p, .len = rows[i].len, .addr = *rows[i].from};
		unsigned at = 0;

		n_got = 0;
		full = rows[i].full;
		if (hand_over(r, 3, &k, note, NULL) != rows[i].why || n_got != rows[i].parts)
			fail_msg("%s: %u parts", rows[i].name, n_got);
		for (unsigned n = 0; n < n_got; n++) {
			assert_int_equal(got[n].slot, 3);
			assert_int_equal(got[n].generation, 7);
			assert_int_equal(got[n].total, rows[i].len);
			assert_int_equal(got[n].at, at);
			assert_memory_equal(got[n].p, p + at, got[n].len);
			at += got[n].len;
		}
		assert_int_equal(at, rows[i].parts ? rows[i].len : 0);
		full = false;
	}
}

/* STUN goes on from anywhere, where it has our user name, whole. */
static void
test_stun(void **state)
{
	static const struct {
		const char *name, *user;
		const struct addr *from;
		uint32_t socket;
		enum media_drop why;
		unsigned parts;
	} rows[] = {
		{"from whom SDP names", "abcdef:x", &named, 6, MEDIA_KEPT, 1},
		{"from elsewhere", "abcdef:x", &stranger, 6, MEDIA_KEPT, 1},
		{"on the port of RTCP", "abcdef:x", &stranger, 7, MEDIA_KEPT, 1},
		{"M8 another user", "abcefg:x", &stranger, 6, MEDIA_DROP_source, 0},
		{"M8 no user", "", &stranger, 6, MEDIA_DROP_source, 0},
		{"a keepalive", "", &named, 6, MEDIA_KEPT, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct flow_row *r = row_of(MEDIA_F_ICE | MEDIA_F_RTCP_MUX);
		struct made m;
		struct io_packet k = {.p = m.p, .socket = rows[i].socket, .addr = *rows[i].from};

		n_got = 0;
		r->conf.ice = stun_ufrag_of("abcd");
		made_begin(&m, rows[i].user);
		k.len = (uint32_t)made_end(&m, "password", true);
		if (hand_over(r, 3, &k, note, NULL) != rows[i].why || n_got != rows[i].parts)
			fail_msg("%s: %u parts", rows[i].name, n_got);
		if (n_got == 0)
			continue;
		assert_true(addr_eq(&got[0].from, rows[i].from));
		assert_int_equal(got[0].rtcp, rows[i].socket & 1);
		assert_int_equal(got[0].len, k.len);
		assert_memory_equal(got[0].p, m.p, k.len);
		assert_true(addr_eq(&r->conf.rtp, &named)); /* nothing moves by it */
	}
}

/* Before an address is named: a little of it goes on from anywhere, marked; after that, none. */
static void
test_early(void **state)
{
	struct flow_row *r = row_of(MEDIA_F_DTLS);
	uint8_t p[60] = {22};
	struct io_packet k = {.p = p, .len = sizeof(p), .addr = stranger};

	(void)state;
	r->conf.rtp = r->stats.far = (struct addr){0};
	n_got = 0;
	for (int i = 0; i < 5 * HAND_EARLY; i++)
		(void)hand_over(r, 1, &k, note, NULL);
	assert_int_equal(n_got, HAND_EARLY);
	assert_int_equal(got[0].early, 1);
	assert_true(addr_eq(&got[0].from, &stranger));
	r->conf.rtp = named; /* the answer */
	assert_int_equal(hand_over(r, 1, &k, note, NULL), MEDIA_DROP_source);
	k.addr = named;
	assert_int_equal(hand_over(r, 1, &k, note, NULL), MEDIA_KEPT);
	assert_int_equal(n_got, HAND_EARLY + 1);
	assert_int_equal(got[HAND_EARLY % 8].early, 0);
	r->conf.rtp = (struct addr){0}; /* a packet told the address, and SDP none */
	r->stats.far = verified;
	k.addr = stranger;
	assert_int_equal(hand_over(r, 1, &k, note, NULL), MEDIA_DROP_source);
}

/* However much comes, little of it goes on between two ticks. */
static void
test_budget(void **state)
{
	struct flow_row *r = row_of(MEDIA_F_DTLS);
	uint8_t p[60] = {22};
	struct io_packet k = {.p = p, .len = sizeof(p), .addr = named};

	(void)state;
	n_got = 0;
	for (int i = 0; i < 5 * HAND_BUDGET; i++)
		(void)hand_over(r, 1, &k, note, NULL);
	assert_int_equal(n_got, HAND_BUDGET);
	r->handed = 0; /* as a tick does */
	assert_int_equal(hand_over(r, 1, &k, note, NULL), MEDIA_KEPT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_which),  cmocka_unit_test(test_from),
		cmocka_unit_test(test_stun),   cmocka_unit_test(test_early),
		cmocka_unit_test(test_budget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
