/* The ring of messages: order, room, two lives, what a killed writer and a reader beside it leave.
 */
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

#include "base/mem.h"
#include "ha/tracering.h"

static int fd = -1;
static struct tracering w, r;
static struct trace_entry e;

static int
setup(void **state)
{
	(void)state;
	if (tracering_create(1, &fd) != ERR_OK || tracering_open(fd, true, &w) != ERR_OK)
		return -1;
	return tracering_open(fd, false, &r) == ERR_OK ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	tracering_close(&w);
	tracering_close(&r);
	close(fd);
	return 0;
}

/* A message of n bytes of body, all of the same letter. */
static struct str
make(uint64_t i, const char *call_id, const char *method, size_t n)
{
	static char mem[32 * 1024];
	struct buf b;

	buf_init(&b, mem, sizeof(mem));
	buf_printf(&b, "%s sip:a SIP/2.0\r\nCall-ID: %s\r\nCSeq: %llu %s\r\n\r\n", method, call_id,
		   (unsigned long long)i, method);
	memset(mem + b.len, (int)('a' + i % 26), n);
	b.len += n;
	return buf_view(&b);
}

static void
put(uint64_t i, const char *call_id, const char *method, size_t n)
{
	struct trace_message m = {.out = i % 2, .transport = 2, .at_us = (int64_t)i};

	m.peer = (struct addr){.family = 4, .port = (uint16_t)i};
	tracering_put(&w, &m, make(i, call_id, method, n));
}

static void
test_order(void **state)
{
	struct trace_call c = {.id = {"abc"}, .leg = 1, .trunk = {"gw1"}};
	uint64_t next = 0;

	(void)state;
	assert_int_equal(tracering_get(&r, &next, &e), ERR_AGAIN);
	put(1, "c1", "INVITE", 10);
	put(2, "c1", "OPTIONS", 10);  /* of no call */
	put(3, "c1", "REGISTER", 10); /* likewise */
	put(4, "", "INVITE", 10);     /* nobody could ask for it */
	tracering_bind(&w, &c, STR("c1"));
	put(5, "c2", "BYE", TRACE_TEXT_MAX);
	assert_int_equal(tracering_get(&r, &next, &e), ERR_OK);
	assert_int_equal(e.kind, TRACE_MESSAGE);
	assert_true(str_eq(str_of(e.text, e.n), make(1, "c1", "INVITE", 10)));
	assert_true(e.message.out && e.message.peer.port == 1 && e.message.at_us == 1 && !e.cut);
	assert_true(e.key == tracering_key(&r, STR("c1")));
	assert_int_equal(tracering_get(&r, &next, &e), ERR_OK);
	assert_int_equal(e.kind, TRACE_CALL);
	assert_string_equal(e.call.id.z, "abc");
	assert_string_equal(e.call.trunk.z, "gw1");
	assert_true(e.call.leg == 1 && str_eqz(str_of(e.text, e.n), "c1"));
	assert_int_equal(tracering_get(&r, &next, &e), ERR_OK);
	assert_true(e.cut && e.size > TRACE_TEXT_MAX && e.n < TRACE_TEXT_MAX);
	assert_true(e.key == tracering_key(&r, STR("c2")));
	assert_int_equal(tracering_get(&r, &next, &e), ERR_AGAIN);
}

static uint64_t
read_all(uint64_t *first)
{
	uint64_t next = 0, n = 0, last = 0;

	while (tracering_get(&r, &next, &e) == ERR_OK) {
		uint64_t i = (uint64_t)e.message.at_us;

		if (n++ == 0)
			*first = i;
		else
			assert_int_equal(i, last + 1);
		last = i;
		assert_int_equal(e.text[e.n - 1], 'a' + i % 26);
	}
	return n;
}

/* Of many sizes, many times around: what is there is in order and whole, and most of the room is
 * used. */
static void
test_around(void **state)
{
	uint64_t first = 0, n, size = 0;

	(void)state;
	for (uint64_t i = 0; i < 20000; i++)
		put(i, "c", "INVITE", 1 + i * 37 % 3000);
	n = read_all(&first);
	assert_int_equal(first + n, 20000);
	for (uint64_t i = first; i < 20000; i++)
		size += 1 + i * 37 % 3000;
	assert_true(size > 700 * 1024 && size < 1024 * 1024);
}

/* Killed in the middle of an entry, or of anything: the next life goes on behind the last whole
 * one. A ring that something else wrote over begins anew. */
static void
test_lives(void **state)
{
	struct tracering old = w;
	uint64_t first = 0;
	char *p = w.shm.p;

	(void)state;
	for (uint64_t i = 0; i < 5; i++)
		put(i, "c", "INVITE", 100);
	assert_int_equal(tracering_open(fd, true, &w), ERR_OK);
	tracering_close(&old);
	p = w.shm.p;
	for (uint64_t i = 5; i < 9; i++)
		put(i, "c", "INVITE", 100);
	assert_int_equal(read_all(&first), 9);
	assert_int_equal(first, 0);
	for (size_t i = 0; i + 4 < w.shm.size; i += 4) /* the length of each entry that is there */
		if (memcmp(p + i, "INVI", 4) == 0)
			memset(p + i - 200, 0xff, 200);
	old = w;
	assert_int_equal(tracering_open(fd, true, &w), ERR_OK);
	tracering_close(&old);
	assert_int_equal(read_all(&first), 0);
	put(77, "c", "INVITE", 100);
	assert_int_equal(read_all(&first), 1);
	assert_int_equal(first, 77);
}

static void
test_wipe(void **state)
{
	uint64_t next = 0;
	int n = 0;

	(void)state;
	for (uint64_t i = 0; i < 10; i++)
		put(i, i % 2 ? "odd" : "even", "INVITE", 50);
	tracering_wipe(&w, STR("odd"));
	tracering_wipe(&w, STR("never seen"));
	put(11, "odd", "BYE", 50); /* what comes later is not kept either */
	put(12, "even", "BYE", 50);
	while (tracering_get(&r, &next, &e) == ERR_OK) {
		assert_true(e.key == tracering_key(&r, STR("even")));
		n++;
	}
	assert_int_equal(n, 6);
	next = 0;
	for (size_t i = 0; i + 3 < w.shm.size; i++) /* nothing of them is left in memory */
		next += memcmp((char *)w.shm.p + i, "odd", 3) == 0;
	assert_true(next <= 1); /* room that is not in use may hold the last one */
}

static atomic_bool over;

static void *
write_on(void *arg)
{
	for (uint64_t i = 0; !atomic_load(&over); i++)
		put(i, "c", "INVITE", 1 + i * 37 % 5000);
	return arg;
}

/* A reader beside the writer sees whole entries only. */
static void
test_beside(void **state)
{
	pthread_t t;

	(void)state;
	atomic_store(&over, false);
	assert_int_equal(pthread_create(&t, NULL, write_on, NULL), 0);
	for (int k = 0; k < 60; k++) {
		uint64_t next = 0, last = 0;

		for (int i = 0; i < 200 && tracering_get(&r, &next, &e) == ERR_OK; i++) {
			uint64_t at = (uint64_t)e.message.at_us;

			assert_true(i == 0 || at > last);
			last = at;
			if (!e.cut)
				assert_int_equal(e.text[e.n - 1], 'a' + at % 26);
			assert_memory_equal(e.text, "INVITE", 6);
		}
	}
	atomic_store(&over, true);
	pthread_join(t, NULL);
}

static void
test_refused(void **state)
{
	struct tracering t;
	int other;

	(void)state;
	assert_int_equal(tracering_create(0, &other), ERR_RANGE);
	assert_int_equal(tracering_create(TRACERING_MIB_MAX + 1, &other), ERR_RANGE);
	assert_int_equal(shm_create("x", TRACERING_MAGIC, TRACERING_VERSION, 1 << 20, &other),
			 ERR_OK);
	assert_int_equal(tracering_open(other, false, &t), ERR_VERSION);
	close(other);
	assert_int_equal(shm_create("x", 1, TRACERING_VERSION, 1 << 20, &other), ERR_OK);
	assert_int_equal(tracering_open(other, true, &t), ERR_VERSION);
	close(other);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_around, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lives, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wipe, setup, teardown),
		cmocka_unit_test_setup_teardown(test_beside, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
