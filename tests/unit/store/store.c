#include "unit/policy/world.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "policy/change.h"
#include "store/reports.h"
#include "store/store.h"

struct fixture {
	char dir[64], path[96], good[96];
	struct store *s;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f)); /* not cmocka's: a test may set up anew */
	char why[STORE_WHY_MAX];

	if (!f)
		return -1;
	*state = f;
	(void)snprintf(f->dir, sizeof(f->dir), "%s/postern-store-XXXXXX",
		       getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	if (!mkdtemp(f->dir))
		return -1;
	(void)snprintf(f->path, sizeof(f->path), "%s/s.db", f->dir);
	(void)snprintf(f->good, sizeof(f->good), "%s/good", f->dir);
	return store_open(f->path, &f->s, why) == ERR_OK ? 0 : -1;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	static const char *const ends[] = {"", "-wal", "-shm"};
	char path[112];

	store_close(&f->s);
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		(void)snprintf(path, sizeof(path), "%s%s", f->path, ends[i]);
		(void)unlink(path);
	}
	(void)unlink(f->good);
	(void)rmdir(f->dir);
	free(f);
	return 0;
}

/* A roster in which every field has a value of its own. */
static void
fill(struct world *w)
{
	struct roster_account *a;
	struct roster_trunk *t;

	roster_init(&w->r);
	world_account(w, "parent");
	a = world_account(w, "acme");
	a->name = STR("Acme \"Ltd\" \xc3\xa9'; --");
	a->parent = STR("parent");
	a->services = CLASS_INTERNATIONAL | CLASS_TOLL_FREE;
	a->max_calls = 17;
	a->attempts = 3;
	a->enabled = false;
	a->tls_srtp = TLS_SRTP_READY;
	t = world_trunk(w, "acme", "acme-1", "pbx.acme.example");
	t->zone = STR("sip.z.example");
	t->media = STR("outside");
	t->caller = STR("+12015550100");
	t->strip = STR("+1");
	t->add = STR("9");
	t->name[t->n_names++] = STR("a.acme.example");
	t->name[t->n_names++] = STR("b.acme.example");
	world_source(t, "192.0.2.0/24");
	world_source(t, "2001:db8::/32");
	t->max_calls = 11;
	t->port = 65535;
	t->priority = 1;
	t->weight = 65535;
	t->enabled = false;
	t->learn = true;
	t->direction = TRUNK_OUT;
	t->ssrc = TRUNK_SSRC_PASS;
	t->order = 5;
	world_source(world_trunk(w, NULL, "gw", "192.0.2.9"), "192.0.2.9/32");
	world_number(w, "+12015550100", "acme-1");
	world_number(w, "+1202*", "acme-1");
}

static void
write_ok(struct fixture *f, struct roster *r, uint64_t expect, uint64_t want)
{
	uint64_t version = 99;

	assert_int_equal(store_write(f->s, r, expect, &version), ERR_OK);
	assert_int_equal(version, want);
	assert_int_equal(store_version(f->s, &version), ERR_OK);
	assert_int_equal(version, want);
}

static void
test_round_trip(void **state)
{
	struct fixture *f = *state;
	struct world w = {0};
	struct roster back;
	struct stat st;
	uint32_t n = 9;

	fill(&w);
	write_ok(f, &w.r, 0, 1);
	write_ok(f, &w.r, 1, 1); /* nothing to do */
	roster_init(&back);
	assert_int_equal(store_read(f->s, &back), ERR_OK);
	assert_int_equal(back.version, 1);
	assert_int_equal(back.n_trunks, 2);
	assert_int_equal(change_walk(&back, &w.r, NULL, NULL, &n), ERR_OK);
	assert_int_equal(n, 0);
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	roster_fini(&back);
	world_fini(&w);
}

/* An account renamed, its trunk moved, one number to another trunk, one gone. */
static void
test_changes(void **state)
{
	struct fixture *f = *state;
	struct world a = {0}, b = {0};
	struct roster back;
	uint32_t n = 9;

	roster_init(&a.r);
	world_account(&a, "old");
	world_trunk(&a, "old", "t1", "pbx.acme.example");
	world_trunk(&a, "old", "t2", "pbx2.acme.example");
	world_number(&a, "+12015550100", "t1");
	world_number(&a, "+12015550101", "t1");
	world_number(&a, "+12015550102", "t2");
	write_ok(f, &a.r, 0, 1);
	roster_init(&b.r);
	world_account(&b, "new");
	world_trunk(&b, "new", "t1", "pbx.acme.example");
	world_number(&b, "+12015550100", "t1");
	world_number(&b, "+12015550102", "t1");
	write_ok(f, &b.r, 1, 2);
	roster_init(&back);
	assert_int_equal(store_read(f->s, &back), ERR_OK);
	assert_int_equal(change_walk(&back, &b.r, NULL, NULL, &n), ERR_OK);
	assert_int_equal(n, 0);
	roster_fini(&back);
	world_fini(&a);
	world_fini(&b);
}

/* Someone else was faster; a broken roster: the store stays what it was, as a whole. */
static void
test_all_or_nothing(void **state)
{
	struct fixture *f = *state;
	struct world w = {0}, bad = {0};
	struct roster back;
	uint64_t version = 7;
	uint32_t n = 9;

	fill(&w);
	write_ok(f, &w.r, 0, 1);
	roster_init(&bad.r);
	world_account(&bad, "fresh");
	assert_int_equal(store_write(f->s, &bad.r, 0, &version), ERR_STATE);
	world_trunk(&bad, "nobody", "n-1", "n.example");
	assert_int_equal(store_write(f->s, &bad.r, 1, &version), ERR_CONFIG);
	assert_true(store_why(f->s)[0] != 0);
	assert_int_equal(version, 7);
	roster_init(&back);
	assert_int_equal(store_read(f->s, &back), ERR_OK);
	assert_int_equal(back.version, 1);
	assert_int_equal(change_walk(&back, &w.r, NULL, NULL, &n), ERR_OK);
	assert_int_equal(n, 0);
	roster_fini(&back);
	world_fini(&w);
	world_fini(&bad);
}

/* A second program sees the change by the version, and its own stale write is refused. */
static void
test_two_programs(void **state)
{
	struct fixture *f = *state;
	char why[STORE_WHY_MAX];
	struct store *other = NULL;
	struct world w = {0};
	uint64_t version;

	fill(&w);
	assert_int_equal(store_open(f->path, &other, why), ERR_OK);
	write_ok(f, &w.r, 0, 1);
	assert_int_equal(store_version(other, &version), ERR_OK);
	assert_int_equal(version, 1);
	assert_int_equal(store_write(other, &w.r, 0, &version), ERR_STATE);
	store_close(&other);
	world_fini(&w);
}

static void
test_snapshot(void **state)
{
	struct fixture *f = *state;
	struct world w = {0};
	struct snapshot_view v;
	struct str bytes = STR_NULL, good = STR_NULL;
	enum err e;

	fill(&w);
	write_ok(f, &w.r, 0, 1);
	e = store_snapshot(f->s, &bytes);
	if (e == ERR_OK)
		e = store_good_write(f->good, bytes);
	if (e == ERR_OK)
		e = store_good_read(f->good, &good);
	assert_int_equal(e, ERR_OK);
	assert_true(str_eq(bytes, good));
	assert_int_equal(snapshot_open(good, &v), ERR_OK);
	assert_int_equal(v.version, 1);
	assert_int_not_equal(snapshot_trunk(&v, STR("acme-1")), POLICY_NONE);
	store_snapshot_free(&good);
	good = str_sub(bytes, 0, bytes.len - 8);
	assert_int_equal(store_good_write(f->good, good), ERR_OK);
	assert_int_equal(store_good_read(f->good, &good), ERR_SYNTAX);
	store_snapshot_free(&bytes);
	assert_int_equal(store_good_read("/nonexistent/x", &good), ERR_NOTFOUND);
	world_fini(&w);
}

static void
test_open_failures(void **state)
{
	struct fixture *f = *state;
	char why[STORE_WHY_MAX];
	struct store *s = NULL;
	FILE *file;

	assert_int_not_equal(store_open("/nonexistent/x.db", &s, why), ERR_OK);
	assert_null(s);
	assert_true(why[0] != 0);
	file = fopen(f->good, "we");
	assert_non_null(file);
	fputs("this is no data base, but it is long enough to look like a file of something", file);
	fclose(file);
	assert_int_not_equal(store_open(f->good, &s, why), ERR_OK);
	assert_null(s);
	assert_true(why[0] != 0);
}

static void
write_report(struct fixture *f, const char *account, int64_t at_us, bool passed, const char *json)
{
	struct store_report r = {
		str_from(account), STR("pbx.acme.example"),     at_us,         passed,
		STR("CN=R3"),      STR("DNS pbx.acme.example"), str_from(json)};

	assert_int_equal(store_report_write(f->s, &r), ERR_OK);
}

/* The newest of an account, the newest that passed, and how many stay. */
static void
test_reports(void **state)
{
	struct fixture *f = *state;
	struct store_report *r = NULL;
	static char big[STORE_REPORT_MAX + 1];
	struct store_report long_one = {
		STR("acme"), STR("x"), 1, true, STR_NULL, STR_NULL, str_of(big, sizeof(big))};
	uint64_t version = 9;

	assert_int_equal(store_report_read(f->s, STR("acme"), false, &r), ERR_NOTFOUND);
	write_report(f, "acme", 1000, true, "{\"n\":1}");
	write_report(f, "acme", 2000, false, "{\"n\":2}");
	write_report(f, "bolt", 3000, false, "{\"n\":3}");
	assert_int_equal(store_report_read(f->s, STR("bolt"), true, &r), ERR_NOTFOUND);
	assert_int_equal(store_report_read(f->s, STR("acme"), false, &r), ERR_OK);
	assert_int_equal(r->at_us, 2000);
	assert_false(r->passed);
	store_report_free(&r);
	/* many failed ones later: the one that passed is still there, old ones are not */
	for (int i = 0; i < 2 * STORE_REPORTS_KEPT; i++)
		write_report(f, "acme", 3000 + i, false, "{}");
	assert_int_equal(store_report_read(f->s, STR("acme"), true, &r), ERR_OK);
	assert_int_equal(r->at_us, 1000);
	assert_true(r->passed && str_eqz(r->json, "{\"n\":1}") && str_eqz(r->issuer, "CN=R3"));
	assert_true(str_eqz(r->names, "DNS pbx.acme.example") &&
		    str_eqz(r->fqdn, "pbx.acme.example") && str_eqz(r->account, "acme"));
	assert_true(store_report_fresh(r, 1000 + 89LL * 86400 * 1000000));
	assert_false(store_report_fresh(r, 1000 + 90LL * 86400 * 1000000));
	store_report_free(&r);
	assert_null(r);
	assert_int_equal(store_report_write(f->s, &long_one), ERR_LONG);
	assert_int_equal(store_version(f->s, &version), ERR_OK);
	assert_int_equal(version, 0);
}

/* A store of the first layout: services get their right meaning, rows that were not there their
 * defaults. */
static void
test_migration(void **state)
{
	static const char rows[] =
		"CREATE TABLE store_layout (layout INTEGER PRIMARY KEY);"
		"INSERT INTO store_layout VALUES (1);"
		"INSERT INTO account VALUES ('a', 'A', '', 1, 9, 'on', 5, 0, 0);"
		"INSERT INTO account VALUES ('b', 'B', '', 1, 6, 'off', 0, 0, 0);"
		"INSERT INTO trunk VALUES ('t', 'a', 0, 1, 'both', 'x.example', 5060, 'udp', "
		"'refused', '', '', '', '', '', 'own', 0, 0, 0, 0, '', '192.0.2.1/32', 0);";
	struct fixture *f = *state;
	struct roster r;
	char why[STORE_WHY_MAX], sql[8192] = "";
	FILE *layout = fopen(VECTORS "/../../src/store/migrations/001.sql", "r");
	sqlite3 *db;

	assert_non_null(layout);
	assert_true(fread(sql, 1, sizeof(sql) - 1, layout) > 1000);
	(void)fclose(layout);

	store_close(&f->s);
	(void)unlink(f->path);
	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, rows, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	assert_int_equal(store_open(f->path, &f->s, why), ERR_OK);
	roster_init(&r);
	assert_int_equal(store_read(f->s, &r), ERR_OK);
	assert_int_equal(r.account[0].services, CLASS_TERMINATION | CLASS_INTERNATIONAL);
	assert_int_equal(r.account[0].max_calls, 5);
	assert_int_equal(r.account[0].limit_status, ACCOUNT_LIMIT_STATUS);
	assert_true(r.account[0].tls_wildcard);
	assert_int_equal(r.account[1].services, CLASS_TOLL_FREE | CLASS_ORIGINATION);
	assert_int_equal(r.trunk[0].identity, TRUNK_BY_ADDRESS);
	roster_fini(&r);
}

/* What older releases let into a store and apply refuses now: it stays in use, as a whole, and is
 * named in the log. */
static void
test_old_rows(void **state)
{
	static const struct {
		const char *name, *sql, *says;
		enum err want;
	} rows[] = {
		{"nothing", "", NULL, ERR_OK},
		{"blank name", "UPDATE account SET name = '  ' WHERE id = 'acme'",
		 "account \\\"acme\\\": name \\\"  \\\" cannot be meant", ERR_OK},
		{"blank override", "UPDATE account SET override = ' ' WHERE id = 'parent'",
		 "account \\\"parent\\\": override \\\" \\\" cannot be meant", ERR_OK},
		{"no length, no money", "UPDATE account SET max_length = 0, max_spend_micro = 0",
		 NULL, ERR_OK},
		{"plus inside", "UPDATE trunk SET add_digits = '9+1' WHERE id = 'acme-1'",
		 "trunk \\\"acme-1\\\": add \\\"9+1\\\" cannot be meant", ERR_OK},
		{"strip without plus", "UPDATE trunk SET strip = '1' WHERE id = 'acme-1'",
		 "trunk \\\"acme-1\\\": strip \\\"1\\\" cuts nothing", ERR_OK},
		{"sources of everybody", "UPDATE trunk SET sources = '0.0.0.0/0' WHERE id = 'gw'",
		 "trunk \\\"gw\\\": sources: 0.0.0.0/0 is every address", ERR_OK},
		{"sources of a group", "UPDATE trunk SET sources = '224.0.0.1/32' WHERE id = 'gw'",
		 "trunk \\\"gw\\\": sources: 224.0.0.1/32 is multicast", ERR_OK},
		{"two carriers in one place",
		 "UPDATE trunk SET host = '192.0.2.9', port = 5060 WHERE id = 'gw-2'",
		 "carrier \\\"gw-2\\\" has the host and port of \\\"gw\\\"", ERR_OK},
		{"any host", "UPDATE trunk SET host = '0.0.0.0' WHERE id = 'gw'",
		 "trunk \\\"gw\\\": host \\\"0.0.0.0\\\" cannot be meant", ERR_OK},
		{"host of a group", "UPDATE trunk SET host = '239.1.1.1' WHERE id = 'gw'",
		 "trunk \\\"gw\\\": host \\\"239.1.1.1\\\" cannot be meant", ERR_OK},
		{"never taken: no host", "UPDATE trunk SET host = 'a b' WHERE id = 'gw'", NULL,
		 ERR_CONFIG},
		{"never taken: control bytes", "UPDATE account SET name = char(7)", NULL,
		 ERR_CONFIG},
		{"never taken: letters dialled", "UPDATE trunk SET strip = '+1a'", NULL,
		 ERR_CONFIG},
		{"never taken: no sources", "UPDATE trunk SET sources = '' WHERE id = 'gw'",
		 "give sources", ERR_CONFIG},
	};
	struct fixture *f = *state;
	char why[STORE_WHY_MAX], said[LOG_LINE_MAX * 2];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int fd = memfd_create("log", MFD_CLOEXEC);
		struct world w = {0};
		struct snapshot_view v = {0};
		struct str bytes = STR_NULL;
		sqlite3 *db;
		enum err e;
		ssize_t n;

		teardown(state);
		assert_int_equal(setup(state), 0);
		f = *state;
		fill(&w);
		world_source(world_trunk(&w, NULL, "gw-2", "192.0.2.10"), "192.0.2.10/32");
		write_ok(f, &w.r, 0, 1);
		world_fini(&w);
		store_close(&f->s);
		assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
		assert_int_equal(sqlite3_exec(db, rows[i].sql, NULL, NULL, NULL), SQLITE_OK);
		assert_int_equal(sqlite3_close(db), SQLITE_OK);
		assert_int_equal(store_open(f->path, &f->s, why), ERR_OK);
		log_init("test", fd, LOG_WARN);
		e = store_snapshot(f->s, &bytes);
		log_init("test", -1, LOG_ERROR);
		n = pread(fd, said, sizeof(said) - 1, 0);
		close(fd);
		said[n > 0 ? n : 0] = 0;
		if (e == ERR_OK)
			e = snapshot_open(bytes, &v);
		store_snapshot_free(&bytes);
		if (e != rows[i].want || (e == ERR_OK && (v.n_accounts != 2 || v.n_trunks != 3)) ||
		    (rows[i].says ? !strstr(said, rows[i].says) : said[0] != 0))
			fail_msg("%s: %s, %u accounts, %u trunks: %s", rows[i].name, err_name(e),
				 v.n_accounts, v.n_trunks, said);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_round_trip, setup, teardown),
		cmocka_unit_test_setup_teardown(test_changes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_all_or_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_two_programs, setup, teardown),
		cmocka_unit_test_setup_teardown(test_snapshot, setup, teardown),
		cmocka_unit_test_setup_teardown(test_open_failures, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reports, setup, teardown),
		cmocka_unit_test_setup_teardown(test_migration, setup, teardown),
		cmocka_unit_test_setup_teardown(test_old_rows, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
