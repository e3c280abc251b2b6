/* The CDR file: each ended record exactly once, whatever the disk and the process do. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/log.h"
#include "ops/cdr.h"
#include "ops/cdrfile.h"
#include "ops/jsonin.h"
#include "world.h"

enum { SLOTS = 300 }; /* more than a batch */

static struct world o;
static struct cdrfile f;
static int n_told;
static bool frees; /* signaling gets the message */

static void
told(void *arg, uint32_t slot, const struct id *id)
{
	struct call_record rec;

	(void)arg;
	n_told++;
	assert_int_equal(records_get(&o.w, slot, &rec), RECORD_ENDED);
	assert_string_equal(rec.id.z, id->z);
	if (frees)
		records_free(&o.w, slot);
}

static enum err
open_again(void)
{
	f.on_written = told;
	return cdrfile_init(&f, o.path, SLOTS);
}

static int
setup(void **state)
{
	(void)state;
	log_init("test", -1, LOG_ERROR);
	n_told = 0;
	frees = true;
	if (world_init(&o, SLOTS, "cdr.jsonl") != 0)
		return -1;
	return open_again() == ERR_OK ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	cdrfile_fini(&f);
	world_fini(&o);
	return 0;
}

/* The next life of admin. */
static void
restart(void)
{
	cdrfile_fini(&f);
	assert_int_equal(open_again(), ERR_OK);
}

static void
end_many(int from, int n)
{
	char id[ID_SIZE];

	for (int i = from; i < from + n; i++) {
		(void)snprintf(id, sizeof(id), "call%08d", i);
		assert_int_not_equal(world_end(&o, id), RECORDS_NONE);
	}
}

/* Every line is whole JSON, and these n calls are there once each. */
static void
judge_file(int n)
{
	struct str rest = str_from(world_text(o.path));
	char id[48];
	int lines = 0;

	assert_true(str_ends(rest, STR("\n")));
	while (rest.len) {
		struct json *j;

		assert_int_equal(jsonin_parse(str_cut(&rest, '\n'), &j), ERR_OK);
		jsonin_free(&j);
		lines++;
	}
	assert_int_equal(lines, n);
	for (int i = 0; i < n; i++) {
		(void)snprintf(id, sizeof(id), "\"id\":\"call%08d\"", i);
		assert_int_equal(world_count(world_text(o.path), id), 1);
	}
}

static void
test_written_once(void **state)
{
	uint32_t s = world_end(&o, "one");
	struct call_record live = world_record("live");

	(void)state;
	records_put(&o.w, records_take(&o.w), RECORD_LIVE, &live);
	frees = false;
	assert_false(cdrfile_has(&f, "one"));
	for (int i = 0; i < 3; i++)
		assert_int_equal(cdrfile_round(&f, &o.r, 1, false), 0);
	assert_int_equal(n_told, 3); /* said again as long as the slot is not free */
	assert_true(cdrfile_has(&f, "one"));
	assert_int_equal(world_count(world_text(o.path), "\"id\":\"one\""), 1);
	assert_int_equal(world_count(world_text(o.path), "live"), 0);
	assert_int_equal(f.written, 1);
	records_free(&o.w, s);
	(void)cdrfile_round(&f, &o.r, 1, false);
	assert_int_equal(n_told, 3);
}

static void
test_more_than_a_batch(void **state)
{
	(void)state;
	end_many(0, SLOTS);
	assert_int_equal(cdrfile_round(&f, &o.r, 1, false), 0);
	assert_int_equal(n_told, SLOTS);
	assert_int_equal(records_used(&o.w), 0);
	judge_file(SLOTS);
}

/* Admin dies after the write; signaling never heard of it. */
static void
test_restart(void **state)
{
	(void)state;
	frees = false;
	end_many(0, 3);
	assert_int_equal(cdrfile_round(&f, &o.r, 1, false), 0);
	restart();
	end_many(3, 2);
	n_told = 0;
	frees = true;
	assert_int_equal(cdrfile_round(&f, &o.r, 1, false), 0);
	assert_int_equal(n_told, 5);
	assert_int_equal(f.written, 2);
	judge_file(5);
}

/* Died in the middle of a line: rows of what stands at the end of the file. */
static void
test_torn_line(void **state)
{
	struct call_record rec = world_record("call00000000");
	static char line[CDR_LINE_MAX];
	struct buf b;

	(void)state;
	buf_init(&b, line, sizeof(line));
	cdr_put(&b, &rec);
	for (int row = 0; row < 3; row++) {
		/* whole but for its newline; cut inside; cut behind a brace inside */
		size_t cut = row == 0 ? b.len : row == 1 ? b.len / 2 : b.len - 3;
		char keep = b.p[cut];

		print_message("# row %d\n", row);
		cdrfile_fini(&f);
		(void)unlink(o.path);
		b.p[cut] = 0;
		world_write(o.path, b.p);
		b.p[cut] = keep;
		assert_int_equal(open_again(), ERR_OK);
		assert_int_equal(cdrfile_has(&f, "call00000000"), row == 0);
		/* died again before it could write: the piece has a newline now */
		if (row == 2) {
			world_write(o.path, "\n");
			restart();
			assert_false(cdrfile_has(&f, "call00000000"));
		}
		end_many(0, 2);
		assert_int_equal(cdrfile_round(&f, &o.r, 1, false), 0);
		if (row == 0)
			judge_file(2);
		assert_int_equal(records_used(&o.w), 0);
		/* the piece is a line of its own, and the whole line is there once */
		assert_int_equal(world_count(world_text(o.path), "\n"), row == 0 ? 2 : 3);
		restart();
		assert_true(cdrfile_has(&f, "call00000000"));
		assert_true(cdrfile_has(&f, "call00000001"));
	}
}

static void
set_limit(rlim_t bytes)
{
	struct rlimit rl = {bytes, RLIM_INFINITY};

	assert_int_equal(setrlimit(RLIMIT_FSIZE, &rl), 0);
}

/* The disk takes some lines, a piece of one, and then nothing: no loss, no double. */
static void
test_disk_full(void **state)
{
	uint32_t left;
	size_t line;
	uint64_t now = 1;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	end_many(0, 1);
	assert_int_equal(cdrfile_round(&f, &o.r, now, false), 0);
	line = strlen(world_text(o.path));
	set_limit(line * 7 / 2); /* three and a half lines */
	end_many(1, 9);
	n_told = 0;
	left = cdrfile_round(&f, &o.r, now, false);
	assert_int_equal(left, 7);
	assert_int_equal(n_told, 2);
	judge_file(3);
	assert_true(f.retry_ms > 0);
	assert_int_equal(cdrfile_round(&f, &o.r, now, false), 7); /* backs off */
	restart();                                                /* and dies */
	assert_int_equal(cdrfile_round(&f, &o.r, now, true), 7);
	judge_file(3);
	set_limit(RLIM_INFINITY);
	assert_int_equal(cdrfile_round(&f, &o.r, now, false), 7);
	now += (uint64_t)CDRFILE_RETRY_MAX_MS * 1000;
	assert_int_equal(cdrfile_round(&f, &o.r, now, false), 0);
	assert_int_equal(f.retry_ms, 0);
	assert_int_equal(f.last_errno, 0);
	judge_file(10);
	assert_int_equal(records_used(&o.w), 0);
}

/* Nowhere to write to at all, then it is there. */
static void
test_no_folder(void **state)
{
	char away[80];

	(void)state;
	cdrfile_fini(&f);
	(void)unlink(o.path);
	(void)snprintf(away, sizeof(away), "%s-away", o.dir);
	assert_int_equal(rename(o.dir, away), 0);
	assert_int_equal(open_again(), ERR_OK);
	end_many(0, 2);
	assert_int_equal(cdrfile_round(&f, &o.r, 1, true), 2);
	assert_int_equal(n_told, 0);
	assert_int_equal(rename(away, o.dir), 0);
	assert_int_equal(cdrfile_round(&f, &o.r, 1, true), 0);
	judge_file(2);
}

static void
test_rotation(void **state)
{
	(void)state;
	frees = false;
	end_many(0, 1);
	(void)cdrfile_round(&f, &o.r, 1, false);
	assert_int_equal(rename(o.path, o.old), 0);
	end_many(1, 1);
	(void)cdrfile_round(&f, &o.r, 1, false);
	assert_int_equal(world_count(world_text(o.path), "call00000000"), 0);
	assert_int_equal(world_count(world_text(o.path), "call00000001"), 1);
	restart(); /* the first one stands in the rotated file only */
	(void)cdrfile_round(&f, &o.r, 1, false);
	assert_int_equal(world_count(world_text(o.path), "\n"), 1);
	assert_int_equal(world_count(world_text(o.old), "\n"), 1);
}

/* Ids are remembered in a bounded set: the oldest go, what still waits stays. */
static void
test_bounded(void **state)
{
	(void)state;
	frees = false;
	assert_int_not_equal(world_end(&o, "stays"), RECORDS_NONE);
	(void)cdrfile_round(&f, &o.r, 1, false);
	for (int i = 0; i < 12; i++) {
		end_many(i * 200, 200);
		(void)cdrfile_round(&f, &o.r, 1, false);
		for (uint32_t s = 0; s < SLOTS; s++) {
			struct call_record rec;

			if (records_get(&o.w, s, &rec) == RECORD_ENDED &&
			    strcmp(rec.id.z, "stays") != 0)
				records_free(&o.w, s);
		}
	}
	assert_true(cdrfile_has(&f, "stays"));
	assert_true(cdrfile_has(&f, "call00002399"));
	assert_false(cdrfile_has(&f, "call00000000"));
	(void)cdrfile_round(&f, &o.r, 1, false);
	assert_int_equal(f.written, 1 + 12 * 200);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_written_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_more_than_a_batch, setup, teardown),
		cmocka_unit_test_setup_teardown(test_restart, setup, teardown),
		cmocka_unit_test_setup_teardown(test_torn_line, setup, teardown),
		cmocka_unit_test_setup_teardown(test_disk_full, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_folder, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rotation, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bounded, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
