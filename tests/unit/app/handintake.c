/* Out of the ring into the store: each once, over the deaths of either side, and when the disk
 * fails. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/handintake.h"
#include "base/log.h"
#include "unit/ops/hands.h"

static char dir[64], path[96];
static int fd = -1;
static struct handring w;
static struct handintake h;
static uint32_t n;
static uint64_t more;

static enum err
start(void)
{
	h = (struct handintake){.next = 0};
	return handintake_init(&h, fd, path, 1000, 36500);
}

static int
setup(void **state)
{
	(void)state;
	log_init("test", -1, LOG_ERROR);
	(void)snprintf(dir, sizeof(dir), "%s/postern-hands-XXXXXX",
		       getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	if (!mkdtemp(dir))
		return -1;
	(void)snprintf(path, sizeof(path), "%s/h.db", dir);
	if (handring_create(&fd) != ERR_OK || handring_open(fd, true, &w) != ERR_OK)
		return -1;
	return start() == ERR_OK ? 0 : -1;
}

static int
teardown(void **state)
{
	static const char *const ends[] = {"", "-wal", "-shm"};
	char file[112];

	(void)state;
	handintake_fini(&h);
	handring_close(&w);
	close(fd);
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		(void)snprintf(file, sizeof(file), "%s%s", path, ends[i]);
		(void)unlink(file);
	}
	(void)rmdir(dir);
	return 0;
}

static void
put(int i, bool accepted)
{
	char id[24];
	struct hand_entry e;

	(void)snprintf(id, sizeof(id), "id%d", i);
	e = hands_entry(id, accepted ? "acme" : "", accepted);
	handring_put(&w, &e, 1000000000 + i);
}

static bool
count_row(void *arg, const struct hand_row *row)
{
	(void)arg;
	n++;
	more += row->more;
	return true;
}

static void
count_all(void)
{
	n = 0;
	more = 0;
	while (handintake_take(&h, 1))
		;
	assert_non_null(h.store);
	assert_int_equal(
		handstore_query(h.store, &(struct hand_query){.limit = 0}, count_row, NULL),
		ERR_OK);
}

static void
test_two_lives(void **state)
{
	(void)state;
	put(0, true);
	put(1, true);
	count_all();
	assert_int_equal(n, 2);
	put(2, true);
	handintake_fini(&h); /* as kill -9: nothing is said */
	put(3, true);
	assert_int_equal(start(), ERR_OK);
	count_all();
	assert_int_equal(n, 4);
	handring_close(&w); /* another life of signaling */
	assert_int_equal(handring_open(fd, true, &w), ERR_OK);
	put(4, true);
	count_all();
	assert_int_equal(n, 5);
}

/* Another ring (keeper was started again): from its beginning. */
static void
test_another_ring(void **state)
{
	(void)state;
	put(0, true);
	put(1, true);
	count_all();
	handintake_fini(&h);
	handring_close(&w);
	close(fd);
	assert_int_equal(handring_create(&fd), ERR_OK);
	assert_int_equal(handring_open(fd, true, &w), ERR_OK);
	put(2, true);
	assert_int_equal(start(), ERR_OK);
	count_all();
	assert_int_equal(n, 3);
}

static void
test_flood(void **state)
{
	(void)state;
	put(90001, true);
	for (int i = 0; i < 5000; i++)
		put(i, false);
	handring_tell(&w, 0, true);
	count_all();
	assert_int_equal(n + more, 5001);
	assert_int_equal(n, FLOOD_BURST + 1);
	handintake_fini(&h);
	assert_int_equal(start(), ERR_OK);
	count_all(); /* nothing is counted twice */
	assert_int_equal(n + more, 5001);
}

/* The store cannot be used: what comes waits in the ring, and is taken when it can. */
static void
test_disk(void **state)
{
	char other[112];

	(void)state;
	handintake_fini(&h);
	(void)snprintf(other, sizeof(other), "%s.away", dir);
	assert_int_equal(rename(dir, other), 0);
	assert_int_equal(start(), ERR_OK);
	assert_null(h.store);
	assert_true(h.why[0] != 0);
	put(0, true);
	assert_false(handintake_take(&h, h.retry_us - 1));
	assert_int_equal(rename(other, dir), 0);
	assert_false(handintake_take(&h, h.retry_us - 1)); /* not yet */
	assert_null(h.store);
	assert_false(handintake_take(&h, h.retry_us));
	count_all();
	assert_int_equal(n, 1);
	assert_int_equal(h.why[0], 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_two_lives, setup, teardown),
		cmocka_unit_test_setup_teardown(test_another_ring, setup, teardown),
		cmocka_unit_test_setup_teardown(test_flood, setup, teardown),
		cmocka_unit_test_setup_teardown(test_disk, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
