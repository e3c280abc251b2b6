/* What apply asks for: a passed report, young enough, about the certificate that is shown today. */
#include "told.h"

#include <stdlib.h>
#include <unistd.h>

#include "conf/accountsfile.h"
#include "conf/standing.h"
#include "store/store.h"

#define DAY_US (86400LL * 1000000)
#define NOW_US (20000 * DAY_US)

struct fixture {
	char dir[64], store[96], hands[128];
	struct store *s;
	struct handstore *h;
};

static int
setup(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));
	char why[HANDSTORE_WHY_MAX];

	*state = f;
	(void)snprintf(f->dir, sizeof(f->dir), "%s/postern-standing-XXXXXX",
		       getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	if (!mkdtemp(f->dir))
		return -1;
	(void)snprintf(f->store, sizeof(f->store), "%s/s.db", f->dir);
	(void)snprintf(f->hands, sizeof(f->hands), "%s.handshakes", f->store);
	return store_open(f->store, &f->s, why) == ERR_OK &&
			       handstore_open(f->hands, 1000, 365, &f->h, why) == ERR_OK
		       ? 0
		       : -1;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	static const char *const ends[] = {"", "-wal", "-shm"};
	char path[160];

	store_close(&f->s);
	handstore_close(&f->h);
	for (size_t i = 0; i < 2 * ARRAY_LEN(ends); i++) {
		(void)snprintf(path, sizeof(path), "%s%s", i % 2 ? f->store : f->hands,
			       ends[i / 2]);
		(void)unlink(path);
	}
	(void)rmdir(f->dir);
	test_free(f);
	return 0;
}

static void
write_report(struct fixture *f, int days_ago, bool passed)
{
	struct store_report r = {.account = STR("acme"),
				 .fqdn = STR("pbx.acme.example"),
				 .at_us = NOW_US - days_ago * DAY_US,
				 .passed = passed,
				 .issuer = STR("CN=CA 1"),
				 .names = STR("pbx.acme.example"),
				 .json = STR("{}")};

	assert_int_equal(store_report_write(f->s, &r), ERR_OK);
}

static void
write_hand(struct fixture *f, const char *id, bool outgoing, const char *issuer, const char *names)
{
	struct hand_row row = {.id = str_from(id),
			       .accepted = true,
			       .outgoing = outgoing,
			       .at_us = NOW_US,
			       .account = STR("acme"),
			       .word = STR("ok"),
			       .names = str_from(names),
			       .issuer = str_from(issuer),
			       .body = STR("{}")};

	assert_int_equal(handstore_begin(f->h), ERR_OK);
	assert_int_equal(handstore_end(f->h, handstore_add(f->h, &row), NOW_US), ERR_OK);
}

static enum standing_state
state_of(struct fixture *f)
{
	struct standing s = {.state = STANDING_N};

	assert_int_equal(standing_of(f->s, f->h, STR("acme"), NOW_US, &s), ERR_OK);
	return s.state;
}

static void
test_states(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(state_of(f), STANDING_NONE);
	write_report(f, 1, false);
	assert_int_equal(state_of(f), STANDING_NONE);
	write_report(f, 90, true);
	assert_int_equal(state_of(f), STANDING_EXPIRED);
	write_report(f, 89, true);
	assert_int_equal(state_of(f), STANDING_PASSED);
	/* its own connections show another one than we were shown: that may be so, once we know */
	write_hand(f, "aaaaaaaaaaaaaaaaaaaa", false, "CN=CA 2", "pbx.acme.example");
	assert_int_equal(state_of(f), STANDING_CHANGED);
	write_hand(f, "aaaaaaaaaaaaaaaaaaab", true, "CN=CA 1", "pbx.acme.example");
	assert_int_equal(state_of(f), STANDING_PASSED);
	write_hand(f, "aaaaaaaaaaaaaaaaaaac", true, "CN=CA 1", "new.acme.example");
	assert_int_equal(state_of(f), STANDING_CHANGED);
}

/* A step up needs it; what is up already is warned about; an override ends the question. */
static void
test_check(void **state)
{
	static const struct {
		const char *name;
		enum tls_srtp before, after;
		const char *override, *was; /* overrides after and before */
		int report;                 /* days ago, -1 = none */
		uint32_t errors, warnings;
	} rows[] = {
		{"off stays off", TLS_SRTP_OFF, TLS_SRTP_OFF, "", "", -1, 0, 0},
		{"requested needs none", TLS_SRTP_OFF, TLS_SRTP_REQUESTED, "", "", -1, 0, 0},
		{"ready without", TLS_SRTP_REQUESTED, TLS_SRTP_READY, "", "", -1, 1, 0},
		{"on without", TLS_SRTP_OFF, TLS_SRTP_ON, "", "", -1, 1, 0},
		{"override goes, no report", TLS_SRTP_ON, TLS_SRTP_ON, "", "fair", -1, 1, 0},
		{"back to ready, no report", TLS_SRTP_ON, TLS_SRTP_READY, "", "fair", -1, 1, 0},
		{"on already, never a report", TLS_SRTP_ON, TLS_SRTP_ON, "", "", -1, 1, 0},
		{"override stays", TLS_SRTP_ON, TLS_SRTP_ON, "fair", "fair", -1, 0, 0},
		{"override goes, off", TLS_SRTP_ON, TLS_SRTP_OFF, "", "fair", -1, 0, 0},
		{"on with an old one", TLS_SRTP_READY, TLS_SRTP_ON, "", "", 91, 1, 0},
		{"on, overridden", TLS_SRTP_OFF, TLS_SRTP_ON, "why not", "", -1, 0, 0},
		{"stays on with an old one", TLS_SRTP_ON, TLS_SRTP_ON, "", "", 91, 0, 1},
		{"override goes, an old one", TLS_SRTP_ON, TLS_SRTP_ON, "", "fair", 91, 1, 0},
		{"back to ready", TLS_SRTP_ON, TLS_SRTP_READY, "", "", 91, 0, 1},
		{"on with a good one", TLS_SRTP_READY, TLS_SRTP_ON, "", "", 3, 0, 0},
		{"override goes, a good one", TLS_SRTP_ON, TLS_SRTP_ON, "", "fair", 3, 0, 0},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct roster_account *a;
		struct roster have, want;
		struct told told;

		if (rows[i].report >= 0)
			write_report(f, rows[i].report, true);
		roster_init(&have);
		roster_init(&want);
		assert_int_equal(roster_add_account(&have, &a), ERR_OK);
		a->id = STR("acme");
		a->tls_srtp = rows[i].before;
		a->override = str_from(rows[i].was);
		assert_int_equal(roster_add_account(&want, &a), ERR_OK);
		a->id = STR("acme");
		a->tls_srtp = rows[i].after;
		a->override = str_from(rows[i].override);
		told_init(&told);
		assert_int_equal(standing_check(f->s, f->h, &have, &want, NOW_US, &told.rep),
				 ERR_OK);
		if (told.rep.n_errors != rows[i].errors || told.rep.n_warnings != rows[i].warnings)
			fail_msg("%s: %s", rows[i].name, buf_cstr(&told.b));
		roster_fini(&have);
		roster_fini(&want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_states, setup, teardown),
		cmocka_unit_test_setup_teardown(test_check, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
