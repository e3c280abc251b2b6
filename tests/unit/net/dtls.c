/* Two ends of DTLS-SRTP and an array for a network. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "net/dtls.h"

enum {
	ROUNDS = 40,
	FIRST_US = 20000 /* below 15 ms the library calls it over */,
	PATIENCE_US = 5000000
};

struct pair {
	struct dtls_own own[2];
	struct dtls end[2]; /* 0 is the client */
	unsigned n_sent;
	unsigned lose; /* bit i: the i-th datagram of both ends is lost */
	bool deaf;     /* an end sends and nothing comes */
};

static struct dtls_conf
conf_for(const struct pair *p, int end)
{
	struct dtls_conf c = {.active = end == 0,
			      .n_profiles = 2,
			      .profile = {DTLS_PROFILE_AES128_CM_80, DTLS_PROFILE_AEAD_128_GCM},
			      .print_len = DTLS_OWN_PRINT,
			      .first_us = FIRST_US};

	memcpy(c.print, p->own[!end].print, DTLS_OWN_PRINT);
	return c;
}

/* NULL where memory ran out (the ladder). */
static bool
pair_up(struct pair *p)
{
	memset(p, 0, sizeof(*p));
	return dtls_own_init(&p->own[0]) == ERR_OK && dtls_own_init(&p->own[1]) == ERR_OK;
}

static void
pair_down(struct pair *p)
{
	for (int i = 0; i < 2; i++) {
		dtls_fini(&p->end[i]);
		dtls_own_fini(&p->own[i]);
	}
}

static bool
carry(struct pair *p, int from)
{
	struct str s;
	bool any = false;

	while (dtls_give(&p->end[from], &s)) {
		char copy[DTLS_SEND_MAX];
		unsigned number = p->n_sent++;

		any = true;
		assert_in_range(s.len, 1, DTLS_SEND_MAX);
		memcpy(copy, s.p, s.len);
		if (!p->deaf && !(number < 32 && p->lose >> number & 1))
			dtls_take(&p->end[!from], copy, s.len);
	}
	return any;
}

/* Until both are done, or nothing more is to be expected. */
static void
shake(struct pair *p)
{
	uint64_t until = clock_now_us() + PATIENCE_US;

	while (clock_now_us() < until) {
		bool moved = carry(p, 0) | carry(p, 1);

		if (p->end[0].state != DTLS_SHAKING && p->end[1].state != DTLS_SHAKING)
			return;
		for (int i = 0; i < 2 && !moved; i++)
			if (dtls_wait_us(&p->end[i]) == 0)
				dtls_late(&p->end[i]);
		if (!moved && dtls_wait_us(&p->end[0]) == UINT64_MAX &&
		    dtls_wait_us(&p->end[1]) == UINT64_MAX)
			return;
	}
}

static void
start(struct pair *p, const struct dtls_conf *a, const struct dtls_conf *b)
{
	assert_int_equal(dtls_init(&p->end[0], &p->own[0], a), ERR_OK);
	assert_int_equal(dtls_init(&p->end[1], &p->own[1], b), ERR_OK);
}

static void
assert_keys(const char *name, struct pair *p, unsigned profile)
{
	struct dtls_keys a, b, none;

	if (!dtls_take_keys(&p->end[0], &a) || !dtls_take_keys(&p->end[1], &b))
		fail_msg("%s: no keys: states %d, %d", name, p->end[0].state, p->end[1].state);
	if (a.profile != profile || b.profile != profile)
		fail_msg("%s: profile %u, %u, wanted %u", name, a.profile, b.profile, profile);
	assert_int_equal(a.key_len, b.key_len);
	assert_memory_equal(a.in_key, b.out_key, sizeof(a.in_key));
	assert_memory_equal(a.out_key, b.in_key, sizeof(a.in_key));
	assert_memory_equal(a.in_salt, b.out_salt, sizeof(a.in_salt));
	assert_memory_equal(a.out_salt, b.in_salt, sizeof(a.in_salt));
	assert_memory_not_equal(a.in_key, a.out_key, a.key_len);
	assert_false(dtls_take_keys(&p->end[0], &none)); /* once */
}

static void
test_profiles(void **state)
{
	static const struct {
		const char *name;
		uint8_t client[4], server[4];
		unsigned got; /* 0: none in common */
		uint8_t key, salt;
	} rows[] = {
		{"80", {1}, {1}, 1, 16, 14},
		{"32", {2}, {2}, 2, 16, 14},
		{"GCM 128", {7}, {7}, 7, 16, 12},
		{"GCM 256", {8}, {8}, 8, 32, 12},
		{"the server's order", {1, 7}, {7, 1}, 7, 16, 12},
		{"the only common one", {1, 2, 8}, {7, 8}, 8, 32, 12},
		{"none in common", {1}, {7}, 0, 0, 0},
	};

	(void)state;
	for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
		struct pair p;
		struct dtls_conf c[2];

		if (!pair_up(&p)) {
			pair_down(&p);
			return;
		}
		for (int i = 0; i < 2; i++) {
			c[i] = conf_for(&p, i);
			memcpy(c[i].profile, i ? rows[r].server : rows[r].client, 4);
			c[i].n_profiles = 0;
			while (c[i].n_profiles < 4 && c[i].profile[c[i].n_profiles])
				c[i].n_profiles++;
		}
		start(&p, &c[0], &c[1]);
		shake(&p);
		if (rows[r].got) {
			assert_keys(rows[r].name, &p, rows[r].got);
		} else {
			for (int i = 0; i < 2; i++)
				if (p.end[i].fault != DTLS_FAULT_PROFILE)
					fail_msg("%s: fault %d", rows[r].name, p.end[i].fault);
		}
		pair_down(&p);
	}
}

/* Each datagram of a handshake lost, alone and with its neighbour: it is repeated. The last flight
 * is the server's: the client is done only with it. */
static void
test_lost(void **state)
{
	struct dtls_conf c[2];
	struct pair p;

	(void)state;
	for (unsigned i = 0; i < 12; i++) {
		char name[32];

		if (!pair_up(&p)) {
			pair_down(&p);
			return;
		}
		(void)snprintf(name, sizeof(name), "datagrams %u, %u lost", i, i + 1);
		c[0] = conf_for(&p, 0);
		c[1] = conf_for(&p, 1);
		p.lose = 3U << i;
		start(&p, &c[0], &c[1]);
		shake(&p);
		/* the server may be done while the client still waits */
		for (int k = 0; k < ROUNDS && p.end[0].state == DTLS_SHAKING; k++)
			shake(&p);
		assert_keys(name, &p, DTLS_PROFILE_AES128_CM_80);
		pair_down(&p);
	}
}

/* What is no DTLS, and what is cut or changed: nothing comes of it, and the handshake goes on. */
static void
test_junk(void **state)
{
	uint8_t junk[600];
	struct dtls_conf c[2];
	struct pair p;

	(void)state;
	if (!pair_up(&p)) {
		pair_down(&p);
		return;
	}
	c[0] = conf_for(&p, 0);
	c[1] = conf_for(&p, 1);
	start(&p, &c[0], &c[1]);
	for (unsigned i = 0; i < sizeof(junk); i++)
		junk[i] = (uint8_t)(i * 31 + 20);
	for (int k = 0; k < 64; k++) {
		junk[0] = (uint8_t)(20 + k % 44);
		dtls_take(&p.end[k & 1], junk, (size_t)k * 9);
	}
	assert_int_equal(p.end[0].state, DTLS_SHAKING);
	assert_int_equal(p.end[1].state, DTLS_SHAKING);
	shake(&p);
	assert_keys("after junk", &p, DTLS_PROFILE_AES128_CM_80);
	dtls_take(&p.end[0], junk, sizeof(junk)); /* nor later */
	assert_int_equal(p.end[0].state, DTLS_UP);
	pair_down(&p);
}

/* M13: another certificate than SDP named, by each hash, at either end. */
static void
test_print(void **state)
{
	static const uint8_t lens[] = {32, 48, 64};
	struct dtls_conf c[2];
	struct pair p;

	(void)state;
	for (unsigned i = 0; i < sizeof(lens); i++)
		for (int end = 0; end < 2; end++) {
			if (!pair_up(&p)) {
				pair_down(&p);
				return;
			}
			c[0] = conf_for(&p, 0);
			c[1] = conf_for(&p, 1);
			c[end].print_len = lens[i];
			c[end].print[7] ^= 1;
			start(&p, &c[0], &c[1]);
			shake(&p);
			if (p.end[end].state != DTLS_FAILED || p.end[end].fault != DTLS_FAULT_PRINT)
				fail_msg("M13 print of %u, end %d: state %d", lens[i], end,
					 p.end[end].state);
			pair_down(&p);
		}
}

/* Nobody answers: the hello is repeated, more and more seldom, and never without end at once. */
static void
test_silence(void **state)
{
	struct dtls_conf c;
	struct pair p;
	uint64_t first;

	(void)state;
	if (!pair_up(&p)) {
		pair_down(&p);
		return;
	}
	c = conf_for(&p, 0);
	p.deaf = true;
	assert_int_equal(dtls_init(&p.end[0], &p.own[0], &c), ERR_OK);
	assert_true(carry(&p, 0));
	first = dtls_wait_us(&p.end[0]);
	assert_in_range(first, 0, FIRST_US);
	while (dtls_wait_us(&p.end[0]) > 0)
		;
	dtls_late(&p.end[0]);
	assert_true(carry(&p, 0));
	assert_in_range(dtls_wait_us(&p.end[0]), first, 2 * FIRST_US);
	pair_down(&p);
}

static void
test_conf(void **state)
{
	struct dtls_conf c;
	struct pair p;

	(void)state;
	if (!pair_up(&p)) {
		pair_down(&p);
		return;
	}
	c = conf_for(&p, 0);
	c.print_len = 20; /* SHA-1 */
	assert_int_equal(dtls_init(&p.end[0], &p.own[0], &c), ERR_RANGE);
	c = conf_for(&p, 0);
	c.profile[0] = 3;
	assert_int_equal(dtls_init(&p.end[0], &p.own[0], &c), ERR_RANGE);
	c = conf_for(&p, 0);
	c.n_profiles = 0;
	assert_int_equal(dtls_init(&p.end[0], &p.own[0], &c), ERR_RANGE);
	pair_down(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_profiles), cmocka_unit_test(test_lost),
		cmocka_unit_test(test_junk),     cmocka_unit_test(test_print),
		cmocka_unit_test(test_silence),  cmocka_unit_test(test_conf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
