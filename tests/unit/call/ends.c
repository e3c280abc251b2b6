/* call/call: calls that we end, in each of their stages, and calls that come back from their
 * records after a restart. */
#include "rig.h"

/* ---- ended by us ---- */

static struct rig_pair
trying(struct fake *f)
{
	struct rig_pair p = {.a = rig_invite(f, &(struct invite){0})};

	p.b = rig_out(f);
	return p;
}

static struct rig_pair
canceling(struct fake *f)
{
	struct rig_pair p = rig_ringing(f);

	rig_cancel(f, p.a);
	return p;
}

static struct rig_pair
ending(struct fake *f)
{
	struct rig_pair p = rig_talking(f);

	(void)rig_inside(f, p.a, "acme-pbx", "BYE", 2, "");
	return p;
}

static const struct {
	const char *name;
	struct rig_pair (*go)(struct fake *f);
	int status;        /* A's final one */
	bool ends_already; /* for another reason */
} stages[] = {
	{"trying", trying, 503, false},         {"ringing", rig_ringing, 503, false},
	{"answered", rig_answered, 200, false}, {"up", rig_talking, 200, false},
	{"canceling", canceling, 487, true},    {"ending", ending, 200, true},
};

static void
stop_each_stage(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(stages); i++) {
		struct fake *f = rig_up();

		(void)stages[i].go(f);
		assert_int_equal(calls_stop(&f->calls, f->now), 1);
		assert_int_equal(calls_stop(&f->calls, f->now), 1); /* twice is once */
		fake_run(f, B2BUA_ACK_US + 2 * B2BUA_CANCEL_US);
		if (f->n_ended != 1 || rig_cdr(f)->sip_status != stages[i].status ||
		    (rig_cdr(f)->refusal == REFUSAL_STOPPED) == stages[i].ends_already)
			fail_msg("%s: %d", stages[i].name, rig_cdr(f)->sip_status);
		rig_down(f);
	}
}

/* A change of state that no message shows is in the record all the same. */
static void
stored_without_message(void **state)
{
	struct fake *f = rig_up();
	struct rig_pair p = rig_answered(f);

	(void)state;
	(void)calls_stop(&f->calls, f->now);
	(void)rig_inside(f, p.a, "acme-pbx", "BYE", 2, ""); /* B's answer to our BYE is awaited */
	assert_int_equal(f->record[0].rec.state, B2BUA_ENDING);
	rig_settle(f);
	rig_down(f);
}

static void
abandon_each_stage(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(stages); i++) {
		struct fake *f = rig_up();

		(void)stages[i].go(f);
		calls_abandon(&f->calls, f->now);
		assert_int_equal(f->n_ended, 1);
		assert_int_equal(calls_count(&f->calls), 0);
		fake_run(f, 2 * FAKE_LIFE_US); /* no transaction may speak of it any more */
		rig_down(f);
	}
}

static void
hangup(void **state)
{
	struct fake *f = rig_up();
	struct id id;

	(void)state;
	(void)rig_talking(f);
	id = rig_call(f)->rec.id;
	assert_int_equal(calls_hangup(&f->calls, STR("nosuch"), f->now), ERR_NOTFOUND);
	assert_int_equal(calls_hangup(&f->calls, str_from(id.z), f->now), ERR_OK);
	assert_int_equal(calls_hangup(&f->calls, str_from(id.z), f->now), ERR_NOTFOUND);
	rig_settle(f);
	assert_int_equal(rig_cdr(f)->refusal, REFUSAL_HANGUP);
	rig_down(f);
}

static void
media_timeout(void **state)
{
	struct fake *f = rig_up();

	(void)state;
	(void)rig_talking(f);
	calls_on_media_timeout(&f->calls, 0, 999, f->now); /* of an earlier use */
	calls_on_media_timeout(&f->calls, FAKE_PORTS, 1, f->now);
	assert_int_equal(rig_call(f)->m.state, B2BUA_UP);
	calls_on_media_timeout(&f->calls, 1, f->port[1].generation, f->now);
	calls_on_media_timeout(&f->calls, 0, f->port[0].generation, f->now);
	assert_int_equal(rig_count(f, SENT_REQUEST, SIP_BYE), 2);
	rig_settle(f);
	assert_int_equal(rig_cdr(f)->refusal, REFUSAL_MEDIA_TIMEOUT);
	rig_down(f);
}

static void
drain(void **state)
{
	struct fake *f = rig_up();
	struct rig_pair p = rig_talking(f);

	(void)state;
	calls_drain(&f->calls);
	(void)rig_invite(f, &(struct invite){.call_id = "two"});
	assert_int_equal(rig_sent(f, SENT_RESPONSE, 0)->status, 503);
	assert_int_equal(calls_count(&f->calls), 1); /* running calls go on */
	(void)rig_inside(f, p.a, "acme-pbx", "BYE", 2, "");
	rig_settle(f);
	assert_int_equal(f->n_ended, 2);
	rig_down(f);
}

static void
stop_is_paced(void **state)
{
	struct fake *f = rig_up();
	unsigned left = 0;

	(void)state;
	calls_fini(&f->calls);
	f->conf.max_calls = 64;
	fake_calls(f);
	for (int i = 0; i < 10; i++)
		(void)rig_invite(f, &(struct invite){0});
	assert_int_equal(calls_count(&f->calls), 10);
	left = calls_stop(&f->calls, f->now);
	assert_int_equal(left, 10);
	assert_int_equal(rig_count(f, SENT_RESPONSE, SIP_INVITE), 10);
	fake_run(f, 3 * B2BUA_CANCEL_US);
	rig_down(f);
}

/* ---- after a restart ---- */

/* An answered call goes on: BYE of either side works, over a new connection. */
static void
restore_up(void **state)
{
	(void)state;
	for (int side = 0; side < 2; side++) {
		struct fake *f = rig_up();
		struct rig_pair p = rig_talking(f);

		rig_restart(f, &p);
		assert_int_equal(rig_call(f)->m.state, B2BUA_UP);
		assert_int_equal(f->n_sent, 0);
		assert_int_equal(rig_call(f)->rec.leg[LEG_A].conn, 0);
		assert_int_equal(limit_calls(&f->calls.limit, LIMIT_ACCOUNT, "acme"), 1);
		assert_int_equal(limit_calls(&f->calls.limit, LIMIT_TRUNK, "acme-pbx"), 1);
		assert_int_equal(limit_calls(&f->calls.limit, LIMIT_TRUNK, "gw1"), 1);
		if (side == 0)
			(void)rig_inside(f, p.a, "acme-pbx", "BYE", 2, "");
		else
			(void)rig_inside(f, p.b, "gw1", "BYE", 1, "");
		assert_int_equal(rig_sent(f, SENT_RESPONSE, 0)->status, 200);
		assert_int_equal(rig_count(f, SENT_REQUEST, SIP_BYE), 1);
		rig_settle(f);
		assert_int_equal(rig_cdr(f)->ended_by, side == 0 ? ENDER_CALLER : ENDER_CALLED);
		assert_int_equal(rig_cdr(f)->restored, 1);
		assert_int_equal(limit_calls(&f->calls.limit, LIMIT_TRUNK, "gw1"), 0);
		rig_down(f);
	}
}

static void
restore_other_stages(void **state)
{
	static const struct {
		const char *name;
		struct rig_pair (*go)(struct fake *f);
		int crashes;
		unsigned byes, cancels;
		enum refusal why;
		enum call_ender by;
	} rows[] = {
		{"trying", trying, 1, 0, 1, REFUSAL_RESTARTED, ENDER_POSTERN},
		{"ringing", rig_ringing, 1, 0, 1, REFUSAL_RESTARTED, ENDER_POSTERN},
		{"answered", rig_answered, 1, 2, 0, REFUSAL_RESTARTED, ENDER_POSTERN},
		{"up, crashed twice", rig_talking, 2, 2, 0, REFUSAL_RESTARTED, ENDER_POSTERN},
		{"canceling", canceling, 1, 0, 1, REFUSAL_NONE, ENDER_CALLER},
		{"ending", ending, 1, 2, 0, REFUSAL_NONE, ENDER_CALLER},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fake *f = rig_up();
		char branch[EDGE_BRANCH_MAX];

		memcpy(branch, rows[i].go(f).b->branch, sizeof(branch));
		rig_restart_after(f, NULL, rows[i].crashes);
		if (rig_count(f, SENT_REQUEST, SIP_BYE) != rows[i].byes ||
		    rig_count(f, SENT_REQUEST, SIP_CANCEL) != rows[i].cancels)
			fail_msg("%s: %u BYE, %u CANCEL", rows[i].name,
				 rig_count(f, SENT_REQUEST, SIP_BYE),
				 rig_count(f, SENT_REQUEST, SIP_CANCEL));
		if (rows[i].cancels) {
			struct sent *s = rig_sent(f, SENT_REQUEST, 0);

			assert_string_equal(s->dest.branch, branch); /* of its INVITE */
			assert_says(s, "CANCEL sip:+15552223333@10.0.0.9:5060 SIP/2.0");
			assert_says(s, "To: <sip:+15552223333@10.0.0.9>\r\n");
			assert_says(s, "CSeq: 1 CANCEL\r\n");
		}
		rig_settle(f);
		fake_run(f, B2BUA_BYE_US);
		assert_int_equal(f->n_ended, 1);
		if (rig_cdr(f)->refusal != rows[i].why || rig_cdr(f)->ended_by != rows[i].by)
			fail_msg("%s: %s by %s", rows[i].name,
				 refusal_name((enum refusal)rig_cdr(f)->refusal),
				 call_ender_name((enum call_ender)rig_cdr(f)->ended_by));
		rig_down(f);
	}
}

/* Over, only the last counters were awaited: no BYE again. */
static void
restore_ended(void **state)
{
	struct fake *f = rig_up();

	(void)state;
	(void)ending(f);
	fake_answer(f, rig_bye_out(f, 0), 200, "", "", "");
	assert_int_equal(f->record[0].rec.state, B2BUA_ENDED);
	rig_restart_after(f, NULL, 0);
	assert_int_equal(rig_count(f, SENT_REQUEST, SIP_BYE), 0);
	fake_run(f, 2000000);
	assert_int_equal(rig_cdr(f)->ended_by, ENDER_CALLER);
	rig_down(f);
}

/* A record of another plan of ports. */
static void
restore_other_ports(void **state)
{
	struct fake *f = rig_up();

	(void)state;
	(void)rig_talking(f);
	f->record[0].rec.leg[LEG_A].media.slot = FAKE_PORTS + 1000000;
	rig_restart_after(f, NULL, 1);
	(void)calls_stop(&f->calls, f->now);
	rig_settle(f);
	fake_run(f, 2000000);
	assert_int_equal(f->n_ended, 1);
	f->ports_freed++; /* that one nobody knows */
	f->port[0].used = false;
	rig_down(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stop_each_stage),      cmocka_unit_test(stored_without_message),
		cmocka_unit_test(abandon_each_stage),   cmocka_unit_test(hangup),
		cmocka_unit_test(media_timeout),        cmocka_unit_test(drain),
		cmocka_unit_test(stop_is_paced),        cmocka_unit_test(restore_up),
		cmocka_unit_test(restore_other_stages), cmocka_unit_test(restore_ended),
		cmocka_unit_test(restore_other_ports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
