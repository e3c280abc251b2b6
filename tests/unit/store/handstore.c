/* The store of handshakes: what comes back, bounds, what survives them, damaged files. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/handstore.h"

enum { KEEP = 200, DAYS = 30, SECOND = 1000000 };
static const int64_t start_us = 1700000000LL * SECOND, day_us = 86400LL * SECOND;

struct fixture {
	char dir[64], path[96];
	struct handstore *s;
	/* what a walk gave */
	uint32_t n;
	char ids[64][24];
	uint64_t more[64];
	struct hand_row row; /* the last one; texts are gone */
	uint32_t stop_after;
};

static int
setup(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));
	char why[HANDSTORE_WHY_MAX];

	*state = f;
	(void)snprintf(f->dir, sizeof(f->dir), "%s/postern-hands-XXXXXX",
		       getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	if (!mkdtemp(f->dir))
		return -1;
	(void)snprintf(f->path, sizeof(f->path), "%s/h.db", f->dir);
	return handstore_open(f->path, KEEP, DAYS, &f->s, why) == ERR_OK ? 0 : -1;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	static const char *const ends[] = {"", "-wal", "-shm", ".bad"};
	char path[112];

	handstore_close(&f->s);
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		(void)snprintf(path, sizeof(path), "%s%s", f->path, ends[i]);
		(void)unlink(path);
	}
	(void)rmdir(f->dir);
	test_free(f);
	return 0;
}

static void
open_again(struct fixture *f)
{
	char why[HANDSTORE_WHY_MAX];

	handstore_close(&f->s);
	assert_int_equal(handstore_open(f->path, KEEP, DAYS, &f->s, why), ERR_OK);
}

/* A record with a value of its own in each field. */
static struct hand_row
make_row(const char *id, const char *account, bool accepted, int64_t at_us)
{
	return (struct hand_row){.id = str_from(id),
				 .kind = HAND_HANDSHAKE,
				 .accepted = accepted,
				 .at_us = at_us,
				 .peer = STR("192.0.2.1"),
				 .account = str_from(account),
				 .host = STR("sip.z.example"),
				 .word = accepted ? STR("ok") : STR("expired"),
				 .why = accepted ? STR_NULL : STR("it has expired"),
				 .version = 0x0303,
				 .suite = 0x002f,
				 .offer = STR("0303;002f"),
				 .names = STR("DNS pbx.acme.example"),
				 .issuer = STR("CN=Issuer"),
				 .authority = STR("Root"),
				 .fingerprint = STR("ab"),
				 .not_after_us = start_us + day_us,
				 .body = STR("{\"names\":\"DNS pbx.acme.example\"}")};
}

static void
add_row(struct fixture *f, const struct hand_row *row)
{
	assert_int_equal(handstore_begin(f->s), ERR_OK);
	assert_int_equal(handstore_end(f->s, handstore_add(f->s, row), row->at_us), ERR_OK);
}

static void
add(struct fixture *f, const char *id, const char *account, bool accepted, int64_t at_us)
{
	struct hand_row row = make_row(id, account, accepted, at_us);

	add_row(f, &row);
}

static bool
note_row(void *arg, const struct hand_row *row)
{
	struct fixture *f = arg;

	if (f->n < ARRAY_LEN(f->ids)) {
		assert_int_equal(str_copyz(f->ids[f->n], sizeof(f->ids[0]), row->id), ERR_OK);
		f->more[f->n] = row->more;
	}
	f->n++;
	f->row = *row;
	return f->n != f->stop_after;
}

static void
ask(struct fixture *f, struct hand_query q)
{
	f->n = 0;
	assert_int_equal(handstore_query(f->s, &q, note_row, f), ERR_OK);
}

static bool
judge_row(void *arg, const struct hand_row *r)
{
	const struct hand_row *w = arg;

	assert_true(str_eq(r->id, w->id) && r->kind == w->kind && r->accepted == w->accepted);
	assert_true(r->outgoing == w->outgoing && r->at_us == w->at_us);
	assert_true(str_eq(r->peer, w->peer) && str_eq(r->account, w->account));
	assert_true(str_eq(r->host, w->host) && str_eq(r->word, w->word));
	assert_true(str_eq(r->why, w->why) && str_eq(r->offer, w->offer));
	assert_true(r->version == w->version && r->suite == w->suite);
	assert_true(str_eq(r->names, w->names) && str_eq(r->issuer, w->issuer));
	assert_true(str_eq(r->authority, w->authority));
	assert_true(str_eq(r->fingerprint, w->fingerprint));
	assert_true(r->not_after_us == w->not_after_us && str_eq(r->body, w->body));
	assert_true(r->more == w->more && r->last_us == w->last_us);
	return true;
}

static void
test_round_trip(void **state)
{
	struct fixture *f = *state;
	struct hand_row row = make_row("one", "acme", false, start_us);
	struct stat st;

	row.kind = HAND_REQUEST;
	row.outgoing = true;
	row.why = str_of("a\0b\xff\"';--", 9); /* any byte */
	row.version = 0xffff;
	row.more = 7;
	row.last_us = start_us + 5;
	add_row(f, &row);
	open_again(f);
	assert_int_equal(handstore_count(f->s), 1);
	assert_int_equal(
		handstore_query(f->s, &(struct hand_query){.id = STR("one")}, judge_row, &row),
		ERR_OK);
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void
test_queries(void **state)
{
	struct fixture *f = *state;
	struct hand_row row = make_row("e", "", false, start_us + 4);
	const struct {
		const char *name;
		struct hand_query q;
		const char *want; /* ids, newest first */
	} rows[] = {
		{"all", {.limit = 0}, "fedcba"},
		{"limit", {.limit = 2}, "fe"},
		{"refused", {.refused = true}, "fed b"},
		{"handshakes", {.handshakes = true}, " edcba"},
		{"account", {.account = STR("acme")}, "f  cb"},
		{"no such account", {.account = STR("acm")}, ""},
		{"account refused", {.account = STR("acme"), .refused = true}, "fb"},
		{"peer", {.peer = STR("192.0.2.9")}, "e"},
		{"since", {.since_us = start_us + 3}, "fed"},
		{"id", {.id = STR("c")}, "c"},
		{"host", {.text = STR("Host.Other.example")}, "e"},
		{"in the body", {.text = STR("pbx.acme.example"), .limit = 1}, "f"},
		{"a piece of a name", {.text = STR("acme.example")}, ""},
		{"longer than a name", {.text = STR("a.pbx.acme.example")}, ""},
	};

	add(f, "a", "", true, start_us);
	add(f, "b", "acme", false, start_us + 1);
	add(f, "c", "acme", true, start_us + 2);
	add(f, "d", "", false, start_us + 3);
	row.peer = STR("192.0.2.9");
	row.host = STR("host.other.example");
	row.body = STR("{\"why\":\"we are sip.z.example.\"}");
	add_row(f, &row);
	row = make_row("f", "acme", false, start_us + 5);
	row.kind = HAND_REQUEST;
	add_row(f, &row);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char got[16] = "", want[16] = "";

		ask(f, rows[i].q);
		for (uint32_t k = 0; k < f->n && k < 8; k++)
			got[k] = f->ids[k][0];
		for (size_t k = 0, n = 0; rows[i].want[k]; k++)
			if (rows[i].want[k] != ' ')
				want[n++] = rows[i].want[k];
		if (strcmp(got, want) != 0)
			fail_msg("%s: got %s, wanted %s", rows[i].name, got, want);
	}
	ask(f, (struct hand_query){.text = STR("sip.z.example")}); /* a dot ends the sentence */
	assert_int_equal(f->n, 6);
	f->stop_after = 2;
	ask(f, (struct hand_query){.limit = 5});
	assert_int_equal(f->n, 2);
}

/* What was counted and not kept stands with its record; unknown ids are no failure. */
static void
test_more(void **state)
{
	struct fixture *f = *state;

	add(f, "a", "", false, start_us);
	assert_int_equal(handstore_begin(f->s), ERR_OK);
	assert_int_equal(handstore_more(f->s, STR("a"), 40, start_us + 7), ERR_OK);
	assert_int_equal(handstore_more(f->s, STR("a"), 2, start_us + 9), ERR_OK);
	assert_int_equal(handstore_more(f->s, STR("x"), 2, start_us + 9), ERR_OK);
	assert_int_equal(handstore_add(f->s, &(struct hand_row){.id = STR("a")}), ERR_EXISTS);
	assert_int_equal(handstore_end(f->s, ERR_OK, start_us), ERR_OK);
	ask(f, (struct hand_query){.since_us = start_us + 9});
	assert_int_equal(f->n, 1);
	assert_int_equal(f->row.more, 42);
	assert_int_equal(f->row.last_us, start_us + 9);
}

/* All or nothing, and the place in the ring goes with it. */
static void
test_transaction(void **state)
{
	struct fixture *f = *state;
	struct hand_row row = make_row("a", "acme", true, start_us);
	uint64_t next = 99;

	assert_int_equal(handstore_next(f->s, 77, &next), ERR_OK);
	assert_int_equal(next, 0);
	assert_int_equal(handstore_begin(f->s), ERR_OK);
	assert_int_equal(handstore_add(f->s, &row), ERR_OK);
	assert_int_equal(handstore_mark(f->s, 77, 5), ERR_OK);
	assert_int_equal(handstore_end(f->s, ERR_IO, start_us), ERR_IO);
	assert_int_equal(handstore_count(f->s), 0);
	assert_int_equal(handstore_next(f->s, 77, &next), ERR_OK);
	assert_int_equal(next, 0);
	assert_int_equal(handstore_begin(f->s), ERR_OK);
	assert_int_equal(handstore_add(f->s, &row), ERR_OK);
	assert_int_equal(handstore_mark(f->s, 77, 6), ERR_OK);
	assert_int_equal(handstore_end(f->s, ERR_OK, start_us), ERR_OK);
	open_again(f);
	assert_int_equal(handstore_next(f->s, 77, &next), ERR_OK);
	assert_int_equal(next, 6);
	assert_int_equal(handstore_next(f->s, 78, &next), ERR_OK); /* another ring */
	assert_int_equal(next, 0);
}

/* The disk takes nothing at the very end: nothing is kept, nothing counted, and the next one is
 * whole. */
static void
test_commit_fails(void **state)
{
	struct fixture *f = *state;
	struct hand_row row = make_row("a", "acme", true, start_us);
	struct rlimit was, none;
	uint64_t next = 99;
	enum err e;

	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	none = was;
	none.rlim_cur = 0;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(handstore_begin(f->s), ERR_OK);
		assert_int_equal(handstore_add(f->s, &row), ERR_OK);
		assert_int_equal(handstore_mark(f->s, 77, 5), ERR_OK);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
		e = handstore_end(f->s, ERR_OK, start_us);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
		assert_int_not_equal(e, ERR_OK);
		assert_true(handstore_why(f->s)[0]);
		assert_int_equal(handstore_count(f->s), 0);
		assert_int_equal(handstore_next(f->s, 77, &next), ERR_OK);
		assert_int_equal(next, 0);
	}
	add(f, "a", "acme", true, start_us);
	open_again(f);
	assert_int_equal(handstore_count(f->s), 1);
}

/* A flood of strangers does not push out what customers did, nor anyone's last handshake. */
static void
test_bound(void **state)
{
	struct fixture *f = *state;
	char id[24];

	add(f, "old", "quiet", true, start_us);
	for (int i = 0; i < KEEP / 2; i++) {
		(void)snprintf(id, sizeof(id), "a%d", i);
		add(f, id, "acme", true, start_us + i);
	}
	for (int i = 0; i < 5 * KEEP; i++) {
		(void)snprintf(id, sizeof(id), "s%d", i);
		add(f, id, "", false, start_us + KEEP + i);
	}
	assert_in_range(handstore_count(f->s), KEEP, KEEP + HANDSTORE_PRUNE_EVERY);
	ask(f, (struct hand_query){.account = STR("acme")});
	assert_true(f->n >= KEEP / 2 - 1);
	ask(f, (struct hand_query){.id = STR("s999")});
	assert_int_equal(f->n, 1);
	for (int i = 0; i < 5 * KEEP; i++) {
		(void)snprintf(id, sizeof(id), "b%d", i);
		add(f, id, "acme", true, start_us + 10 * KEEP + i);
	}
	assert_in_range(handstore_count(f->s), KEEP, KEEP + HANDSTORE_PRUNE_EVERY);
	ask(f, (struct hand_query){.account = STR("quiet")});
	assert_int_equal(f->n, 1);
	ask(f, (struct hand_query){.id = STR("a1")});
	assert_int_equal(f->n, 0);
}

static void
test_age(void **state)
{
	struct fixture *f = *state;

	add(f, "a", "quiet", true, start_us);
	add(f, "b", "", false, start_us);
	add(f, "c", "", false, start_us);
	assert_int_equal(handstore_begin(f->s), ERR_OK);
	assert_int_equal(handstore_more(f->s, STR("c"), 1, start_us + DAYS * day_us), ERR_OK);
	assert_int_equal(handstore_end(f->s, ERR_OK, start_us), ERR_OK);
	add(f, "d", "", false, start_us + DAYS * day_us + day_us);
	ask(f, (struct hand_query){.limit = 0});
	assert_int_equal(f->n, 3);
	assert_string_equal(f->ids[1], "c"); /* something like it came later */
	assert_string_equal(f->ids[2], "a"); /* the last of an account stays */
}

static void
test_last(void **state)
{
	struct fixture *f = *state;
	struct hand_row row;

	add(f, "a", "acme", true, start_us);
	add(f, "b", "acme", true, start_us + 1);
	add(f, "c", "acme", false, start_us + 2);
	add(f, "d", "beta", true, start_us + 3);
	row = make_row("e", "acme", true, start_us + 4);
	row.outgoing = true;
	add_row(f, &row);
	f->n = 0;
	assert_int_equal(handstore_last(f->s, STR_NULL, note_row, f), ERR_OK);
	assert_int_equal(f->n, 3);
	assert_string_equal(f->ids[0], "b");
	assert_string_equal(f->ids[1], "e");
	assert_string_equal(f->ids[2], "d");
	f->n = 0;
	assert_int_equal(handstore_last(f->s, STR("beta"), note_row, f), ERR_OK);
	assert_int_equal(f->n, 1);
	assert_int_equal(f->row.not_after_us, start_us + day_us);
}

static void
test_seen(void **state)
{
	struct fixture *f = *state;
	struct hand_row row = make_row("c", "acme", true, start_us + 2);

	add(f, "x", "acme", true, start_us - 1); /* before */
	add(f, "a", "acme", true, start_us);
	add(f, "b", "acme", true, start_us + 1);
	assert_int_equal(handstore_begin(f->s), ERR_OK);
	assert_int_equal(handstore_more(f->s, STR("a"), 10, start_us + 1), ERR_OK);
	assert_int_equal(handstore_end(f->s, ERR_OK, start_us), ERR_OK);
	row.suite = 0x0035;
	add_row(f, &row);
	add(f, "d", "acme", false, start_us + 3);
	add(f, "e", "beta", true, start_us + 4);
	f->n = 0;
	assert_int_equal(handstore_seen(f->s, start_us, note_row, f), ERR_OK);
	assert_int_equal(f->n, 3);
	assert_string_equal(f->ids[0], "c");
	assert_string_equal(f->ids[1], "b");
	assert_int_equal(f->more[1], 11);
	assert_string_equal(f->ids[2], "e");
}

/* Beside the writer: sees what is committed, mends nothing. */
static void
test_reader(void **state)
{
	struct fixture *f = *state;
	struct handstore *r = NULL, *w = f->s;
	char why[HANDSTORE_WHY_MAX] = "", bad[112];
	int fd;

	assert_int_equal(handstore_open_reader("/nowhere/at/all.db", &r, why), ERR_NOTFOUND);
	assert_true(why[0] != 0);
	add(f, "a", "acme", true, start_us);
	assert_int_equal(handstore_open_reader(f->path, &r, why), ERR_OK);
	assert_int_equal(handstore_count(r), 1);
	add(f, "b", "acme", true, start_us + 1);
	f->s = r;
	ask(f, (struct hand_query){.limit = 0});
	assert_int_equal(f->n, 2);
	f->s = w;
	handstore_close(&r);
	handstore_close(&f->s);
	fd = open(f->path, O_WRONLY | O_TRUNC);
	for (int i = 0; i < 500; i++)
		assert_int_equal(write(fd, "this is no database ", 20), 20);
	close(fd);
	assert_int_equal(handstore_open_reader(f->path, &r, why), ERR_IO);
	(void)snprintf(bad, sizeof(bad), "%s.bad", f->path);
	assert_int_not_equal(access(bad, F_OK), 0);
}

/* A damaged file is put aside, whole, and a new one begun; a newer one is left alone. */
static void
test_bad_files(void **state)
{
	struct fixture *f = *state;
	char why[HANDSTORE_WHY_MAX] = "", bad[112];
	struct handstore *s = NULL;
	int fd;

	add(f, "a", "acme", true, start_us);
	handstore_close(&f->s);
	fd = open(f->path, O_WRONLY | O_TRUNC);
	for (int i = 0; i < 500; i++)
		assert_int_equal(write(fd, "this is no database ", 20), 20);
	close(fd);
	open_again(f);
	assert_int_equal(handstore_count(f->s), 0);
	add(f, "b", "acme", true, start_us);
	(void)snprintf(bad, sizeof(bad), "%s.bad", f->path);
	assert_int_equal(access(bad, F_OK), 0);
	assert_int_equal(handstore_open("/nowhere/at/all.db", KEEP, DAYS, &s, why), ERR_PERM);
	assert_null(s);
	assert_non_null(strstr(why, "cannot open"));
	handstore_close(&f->s);
	fd = open(f->path, O_WRONLY);
	assert_int_equal(pwrite(fd, "\0\0\0\x63", 4, 60), 4); /* user_version */
	close(fd);
	assert_int_equal(handstore_open(f->path, KEEP, DAYS, &f->s, why), ERR_VERSION);
	assert_non_null(strstr(why, "newer"));
	assert_int_equal(access(f->path, F_OK), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_round_trip, setup, teardown),
		cmocka_unit_test_setup_teardown(test_queries, setup, teardown),
		cmocka_unit_test_setup_teardown(test_more, setup, teardown),
		cmocka_unit_test_setup_teardown(test_transaction, setup, teardown),
		cmocka_unit_test_setup_teardown(test_commit_fails, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bound, setup, teardown),
		cmocka_unit_test_setup_teardown(test_age, setup, teardown),
		cmocka_unit_test_setup_teardown(test_last, setup, teardown),
		cmocka_unit_test_setup_teardown(test_seen, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reader, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_files, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
