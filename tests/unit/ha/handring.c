/* The ring of handshakes: order, loss, two lives of either side, torn slots. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ha/handring.h"

static int fd = -1;
static struct handring w, r;

static int
setup(void **state)
{
	(void)state;
	if (handring_create(&fd) != ERR_OK || handring_open(fd, true, &w) != ERR_OK)
		return -1;
	return handring_open(fd, false, &r) == ERR_OK ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	handring_close(&w);
	handring_close(&r);
	close(fd);
	return 0;
}

/* Accepted ones of a source of their own each: flood keeps them all. */
static void
put(uint64_t n)
{
	struct hand_entry e = {.what = HAND_WHAT_HANDSHAKE};

	e.u.tls.accepted = true;
	e.u.tls.peer = (struct addr){.family = 4};
	memcpy(e.u.tls.peer.ip, &n, 4);
	e.u.tls.duration_us = n;
	memset(e.u.tls.why, (int)('a' + n % 26), sizeof(e.u.tls.why) - 1);
	(void)snprintf(e.id.z, sizeof(e.id.z), "%llu", (unsigned long long)n);
	handring_put(&w, &e, 1000000000 + n);
}

static void
refuse(const char *source, enum tls_reason reason, enum cert_reason cert)
{
	struct hand_entry e = {.what = HAND_WHAT_HANDSHAKE, .id = {"refused"}};

	assert_int_equal(addr_parse(str_from(source), &e.u.tls.peer), ERR_OK);
	e.u.tls.reason = reason;
	e.u.tls.cert_reason = cert;
	handring_put(&w, &e, 1000000000);
}

static void
test_order(void **state)
{
	struct hand_entry e;
	uint64_t next = 0, lost = 0;

	(void)state;
	assert_int_equal(handring_get(&r, &next, &e, &lost), ERR_AGAIN);
	for (uint64_t i = 0; i < 10; i++)
		put(i);
	assert_int_equal(handring_waiting(&r, 3), 7);
	for (uint64_t i = 0; i < 10; i++) {
		assert_int_equal(handring_get(&r, &next, &e, &lost), ERR_OK);
		assert_int_equal(e.u.tls.duration_us, i);
	}
	assert_int_equal(handring_get(&r, &next, &e, &lost), ERR_AGAIN);
	assert_int_equal(lost, 0);
	next = 999; /* of another ring */
	assert_int_equal(handring_get(&r, &next, &e, &lost), ERR_AGAIN);
	assert_int_equal(next, 10);
}

static void
test_slow_reader(void **state)
{
	enum { MORE = 100 };
	struct hand_entry e;
	uint64_t next = 0, lost = 0, n = 0;

	(void)state;
	for (uint64_t i = 0; i < HANDRING_SLOTS + MORE; i++)
		put(i);
	while (handring_get(&r, &next, &e, &lost) == ERR_OK)
		assert_int_equal(e.u.tls.duration_us, MORE + n++);
	assert_int_equal(n, HANDRING_SLOTS);
	assert_int_equal(lost, MORE);
}

/* The writer dies in the middle of a slot: nobody reads it, and the next life goes on there. */
static void
test_two_lives(void **state)
{
	struct hand_entry e;
	uint64_t next = 0, lost = 0, id = handring_id(&r);

	(void)state;
	put(0);
	put(1);
	handring_close(&w);
	assert_int_equal(handring_open(fd, true, &w), ERR_OK);
	assert_int_equal(handring_id(&w), id);
	put(2);
	for (uint64_t i = 0; i < 3; i++) {
		assert_int_equal(handring_get(&r, &next, &e, &lost), ERR_OK);
		assert_int_equal(e.u.tls.duration_us, i);
	}
	assert_int_equal(lost, 0);
}

/* Find the slot's sequence number by its entry, and make it odd: as if it were being written. */
static void
test_torn_slot(void **state)
{
	struct hand_entry e;
	uint64_t next = 0, lost = 0, seq;
	size_t n = w.shm.size, found = 0;
	char *p = w.shm.p;

	(void)state;
	put(0);
	put(1);
	for (size_t i = 0; i + 8 <= n && !found; i += 8) {
		memcpy(&seq, p + i, 8);
		if (seq == 2 && memcmp(p + i + 8 + offsetof(struct hand_entry, id), "0", 2) == 0)
			found = i;
	}
	assert_true(found != 0);
	seq = 1;
	memcpy(p + found, &seq, 8);
	assert_int_equal(handring_get(&r, &next, &e, &lost), ERR_OK);
	assert_int_equal(e.u.tls.duration_us, 1);
	assert_int_equal(lost, 1);
}

/* A flood: the first ones in full, the rest counted; all counted by reason. */
static void
test_flood_and_counts(void **state)
{
	struct hand_request rq = {.word = "400", .method = "INVITE"};
	struct hand_entry e = {.what = HAND_WHAT_REQUEST, .id = {"rq"}, .u.request = rq};
	struct handring_counts c;
	uint64_t next = 0, lost = 0, n = 0, more = 0;

	(void)state;
	for (int i = 0; i < 5000; i++)
		refuse("192.0.2.1:1", TLS_CERT, CERT_EXPIRED);
	refuse("192.0.2.1:1", TLS_PLAIN, CERT_OK);
	assert_int_equal(addr_parse(STR("192.0.2.1:1"), &e.u.request.peer), ERR_OK);
	handring_put(&w, &e, 1000000000);
	put(0);
	handring_tell(&w, 1000000000, false);
	assert_int_equal(handring_waiting(&r, 0), FLOOD_BURST + 3);
	handring_tell(&w, 1000000000 + FLOOD_TELL_US, false);
	while (handring_get(&r, &next, &e, &lost) == ERR_OK) {
		n += e.what != HAND_WHAT_MORE;
		if (e.what == HAND_WHAT_MORE) {
			assert_string_equal(e.u.more.id.z, "refused");
			more += e.u.more.n;
		}
	}
	assert_int_equal(n, FLOOD_BURST + 3);
	assert_int_equal(more, 5000 - FLOOD_BURST);
	handring_read_counts(&r, &c);
	assert_int_equal(c.tls[0][TLS_CERT], 5000);
	assert_int_equal(c.cert[0][CERT_EXPIRED], 5000);
	assert_int_equal(c.tls[0][TLS_PLAIN], 1);
	assert_int_equal(c.tls[0][TLS_OK], 1);
	assert_int_equal(c.tls[1][TLS_OK], 0);
	assert_int_equal(c.requests, 1);
	assert_int_equal(c.counted, 5000 - FLOOD_BURST);
}

/* What a broken writer leaves is made fit to be used. */
static void
test_bad_entries(void **state)
{
	struct hand_entry e;
	uint64_t next = 0, lost = 0;

	(void)state;
	memset(&e, 0xff, sizeof(e));
	e.what = HAND_WHAT_HANDSHAKE;
	e.u.tls.reason = TLS_OK;
	e.u.tls.cert_reason = CERT_OK;
	e.u.tls.outgoing = false;
	e.u.tls.accepted = true;
	e.u.tls.cert_asked = false;
	e.u.tls.peer.family = 4;
	handring_put(&w, &e, 1000000000);
	assert_int_equal(handring_get(&r, &next, &e, &lost), ERR_OK);
	assert_true(e.n_trunks <= HANDRING_TRUNKS && e.u.tls.n_chain <= TLS_RECORD_CERTS);
	assert_true(e.u.tls.n_suites <= TLS_SUITES_MAX);
	assert_int_equal(e.u.tls.why[sizeof(e.u.tls.why) - 1], 0);
	assert_int_equal(e.id.z[sizeof(e.id.z) - 1], 0);
}

static atomic_bool stop;

static void *
write_on(void *arg)
{
	(void)arg;
	for (uint64_t i = 0; !atomic_load(&stop); i++)
		put(i);
	return NULL;
}

/* Beside a fast writer a reader never sees a mixture, and knows what it lost. */
static void
test_beside_the_writer(void **state)
{
	static struct hand_entry e;
	uint64_t next = 0, lost = 0, n = 0;
	pthread_t t;

	(void)state;
	atomic_store(&stop, false);
	assert_int_equal(pthread_create(&t, NULL, write_on, NULL), 0);
	while (n < 20000) {
		uint64_t v;

		if (handring_get(&r, &next, &e, &lost) != ERR_OK)
			continue;
		v = e.u.tls.duration_us;
		assert_int_equal(v, next - 1);
		assert_int_equal(v, n + lost);
		assert_int_equal(e.u.tls.why[0], 'a' + v % 26);
		assert_int_equal(e.u.tls.why[500], 'a' + v % 26);
		n++;
	}
	atomic_store(&stop, true);
	pthread_join(t, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_slow_reader, setup, teardown),
		cmocka_unit_test_setup_teardown(test_two_lives, setup, teardown),
		cmocka_unit_test_setup_teardown(test_torn_slot, setup, teardown),
		cmocka_unit_test_setup_teardown(test_flood_and_counts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_entries, setup, teardown),
		cmocka_unit_test_setup_teardown(test_beside_the_writer, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
