/* Slots of call records: two copies, a checksum, states, what the next life of signaling finds. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ha/records.h"

enum { SLOTS = 4 };

static int fd = -1;
static struct records w; /* the writer */

static int
setup(void **state)
{
	(void)state;
	if (records_create(SLOTS, &fd) != ERR_OK)
		return -1;
	return records_open(fd, true, &w) == ERR_OK ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	records_close(&w);
	close(fd);
	return 0;
}

static struct call_record
make_record(const char *id)
{
	struct call_record r;

	memset(&r, 0, sizeof(r));
	r.version = CALL_RECORD_VERSION;
	r.size = sizeof(r);
	(void)snprintf(r.id.z, sizeof(r.id.z), "%s", id);
	return r;
}

static void
put(uint32_t slot, enum record_slot_state st, const char *id)
{
	struct call_record r = make_record(id);

	records_put(&w, slot, st, &r);
}

static enum record_slot_state
get(uint32_t slot, char id[ID_SIZE])
{
	struct call_record r = {0};
	enum record_slot_state st = records_get(&w, slot, &r);

	memcpy(id, r.id.z, ID_SIZE);
	return st;
}

/* Turn over a byte of the segment wherever this text stands. */
static int
spoil(const char *text)
{
	size_t len = strlen(text);
	char *p = w.shm.p;
	int n = 0;

	for (size_t i = 0; i + len <= w.shm.size; i++)
		if (memcmp(p + i, text, len) == 0) {
			p[i] = (char)(p[i] ^ 1);
			n++;
		}
	return n;
}

static void
test_life_of_a_slot(void **state)
{
	char id[ID_SIZE];
	uint32_t a, b;

	(void)state;
	assert_int_equal(records_used(&w), 0);
	a = records_take(&w);
	b = records_take(&w);
	assert_int_not_equal(a, b);
	assert_true(a < SLOTS && b < SLOTS);
	assert_int_equal(records_peek(&w, a), RECORD_FREE); /* taken, but nothing in it */
	put(a, RECORD_LIVE, "first");
	assert_int_equal(records_peek(&w, a), RECORD_LIVE);
	assert_int_equal(get(a, id), RECORD_LIVE);
	assert_string_equal(id, "first");
	assert_int_equal(get(b, id), RECORD_FREE);
	put(a, RECORD_ENDED, "first");
	assert_int_equal(get(a, id), RECORD_ENDED);
	assert_int_equal(records_used(&w), 2);
	records_free(&w, a);
	assert_int_equal(records_used(&w), 1);
	assert_int_equal(get(a, id), RECORD_FREE);
	records_free(&w, a); /* said twice */
	records_free(&w, SLOTS + 7);
	assert_int_equal(records_used(&w), 1);
	assert_false(records_is_broken(&w, a));
}

static void
test_all_taken(void **state)
{
	bool seen[SLOTS] = {false};
	uint32_t last = 0;

	(void)state;
	for (int i = 0; i < SLOTS; i++) {
		last = records_take(&w);
		assert_true(last < SLOTS);
		assert_false(seen[last]);
		seen[last] = true;
		put(last, RECORD_LIVE, "x");
	}
	assert_int_equal(records_take(&w), RECORDS_NONE);
	records_free(&w, last);
	assert_int_equal(records_take(&w), last);
}

/* A write that is not finished does not touch the copy that counts. */
static void
test_double_buffer(void **state)
{
	uint32_t s = records_take(&w);
	char id[ID_SIZE];

	(void)state;
	put(s, RECORD_LIVE, "older-one");
	put(s, RECORD_LIVE, "newer-one");
	assert_int_equal(spoil("older-one"), 1); /* as a writer does that dies in the middle */
	assert_int_equal(get(s, id), RECORD_LIVE);
	assert_string_equal(id, "newer-one");
	assert_false(records_is_broken(&w, s));
	put(s, RECORD_ENDED, "third-one"); /* over the spoilt copy */
	assert_int_equal(spoil("newer-one"), 1);
	assert_int_equal(get(s, id), RECORD_ENDED);
	assert_string_equal(id, "third-one");
}

static void
test_torn_write_is_found(void **state)
{
	uint32_t s = records_take(&w);
	char id[ID_SIZE];

	(void)state;
	put(s, RECORD_LIVE, "will-be-torn");
	assert_int_equal(spoil("will-be-torn"), 1);
	assert_int_equal(get(s, id), RECORD_FREE);
	assert_true(records_is_broken(&w, s));
	assert_int_equal(records_peek(&w, s), RECORD_LIVE); /* the cheap look does not see it */
	put(s, RECORD_LIVE, "whole-again");
	assert_int_equal(get(s, id), RECORD_LIVE);
}

/* The checksum is right, but it is no record of this program. */
static void
test_invalid_record(void **state)
{
	struct call_record r = make_record("x"), out;
	uint32_t s = records_take(&w);

	(void)state;
	r.n_targets = ROUTE_TARGETS_MAX + 1;
	records_put(&w, s, RECORD_LIVE, &r);
	assert_int_equal(records_get(&w, s, &out), RECORD_FREE);
	assert_true(records_is_broken(&w, s));
	r = make_record("x");
	memset(r.leg[LEG_B].peer, 'p', sizeof(r.leg[LEG_B].peer)); /* no end */
	records_put(&w, s, RECORD_LIVE, &r);
	assert_true(records_is_broken(&w, s));
}

static void
test_restart(void **state)
{
	uint32_t live = records_take(&w), ended = records_take(&w), lost = records_take(&w), again;
	struct call_record r;
	char id[ID_SIZE];

	(void)state;
	put(live, RECORD_LIVE, "live");
	put(ended, RECORD_ENDED, "ended");
	assert_int_equal(records_was_in_hand(&w), RECORDS_NONE);
	records_in_hand(&w, live);
	records_close(&w); /* died: `lost` was taken and never written */
	assert_int_equal(records_open(fd, true, &w), ERR_OK);
	assert_int_equal(records_was_in_hand(&w), live);
	assert_int_equal(records_used(&w), 2);
	assert_int_equal(get(live, id), RECORD_LIVE);
	assert_string_equal(id, "live");
	assert_int_equal(get(ended, id), RECORD_ENDED);
	again = records_take(&w);
	assert_true(again != live && again != ended);
	put(again, RECORD_LIVE, "again");
	again = records_take(&w);
	assert_true(again != live && again != ended);
	assert_int_equal(records_take(&w), RECORDS_NONE);
	assert_int_equal(records_get(&w, lost, &r) == RECORD_LIVE ||
				 records_get(&w, lost, &r) == RECORD_FREE,
			 1);
}

static void
test_reader(void **state)
{
	struct records r;
	struct call_record out;
	uint32_t s = records_take(&w);
	int other;

	(void)state;
	put(s, RECORD_ENDED, "for-admin");
	assert_int_equal(records_open(fd, false, &r), ERR_OK);
	assert_int_equal(r.n, SLOTS);
	assert_int_equal(records_get(&r, s, &out), RECORD_ENDED);
	assert_string_equal(out.id.z, "for-admin");
	records_close(&r);
	assert_int_equal(records_create(1, &other), ERR_OK);
	assert_int_not_equal(ftruncate(other, 100), 0); /* its size is sealed */
	close(other);
	other = memfd_create("other", MFD_CLOEXEC);
	assert_int_not_equal(records_open(other, false, &r), ERR_OK);
	close(other);
}

/* ---- a reader beside the writer ---- */

struct race {
	struct records r;
	uint32_t slot;
	_Atomic int stop;
	int reads, torn, free_seen;
};

static void *
read_on(void *arg)
{
	struct race *c = arg;
	struct call_record out;

	while (!atomic_load(&c->stop)) {
		if (records_get(&c->r, c->slot, &out) == RECORD_FREE) {
			c->free_seen++; /* turned over too often under its hands: allowed */
			continue;
		}
		c->reads++;
		/* both texts are written as one: they must be of one write */
		if (strcmp(out.from_sent, out.to_sent) != 0)
			c->torn++;
	}
	return NULL;
}

static void
test_never_half(void **state)
{
	struct call_record r = make_record("race");
	struct race c = {.slot = records_take(&w)};
	pthread_t t;

	(void)state;
	records_put(&w, c.slot, RECORD_LIVE, &r);
	assert_int_equal(records_open(fd, false, &c.r), ERR_OK);
	assert_int_equal(pthread_create(&t, NULL, read_on, &c), 0);
	for (int i = 0; i < 20000; i++) {
		(void)snprintf(r.from_sent, sizeof(r.from_sent), "%d", i);
		(void)snprintf(r.to_sent, sizeof(r.to_sent), "%d", i);
		records_put(&w, c.slot, RECORD_LIVE, &r);
		if (i % 64 == 0)
			usleep(50); /* let it read between */
	}
	usleep(20000);
	atomic_store(&c.stop, 1);
	pthread_join(t, NULL);
	records_close(&c.r);
	assert_true(c.reads > 10);
	assert_int_equal(c.torn, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_life_of_a_slot, setup, teardown),
		cmocka_unit_test_setup_teardown(test_all_taken, setup, teardown),
		cmocka_unit_test_setup_teardown(test_double_buffer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_torn_write_is_found, setup, teardown),
		cmocka_unit_test_setup_teardown(test_invalid_record, setup, teardown),
		cmocka_unit_test_setup_teardown(test_restart, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reader, setup, teardown),
		cmocka_unit_test_setup_teardown(test_never_half, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
