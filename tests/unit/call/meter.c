/* call/meter: concurrent calls, money and minutes of the day, the length of a call; exact however
 * many calls race, and over a restart. */
#include "rig.h"

#include "base/clock.h"

#define ABROAD "sip:+442071234567@x"

static struct fake *
rig_rates(void)
{
	struct fake *f = rig_up();

	rig_account(f, "acme")->services |= CLASS_INTERNATIONAL;
	rig_rate(f, "+1*", 60000, 6);    /* 0.006 a step */
	rig_rate(f, "+44*", 120000, 60); /* 0.12 a step */
	rig_world(f);
	return f;
}

/* An answered call to uri; NULL: refused. */
static struct call *
talk(struct fake *f, const char *uri, const char *call_id)
{
	struct edge_txn *a = rig_invite(f, &(struct invite){.uri = uri, .call_id = call_id});
	struct edge_txn *b;

	if (a->final)
		return NULL;
	b = rig_out(f);
	fake_answer(f, b, 200, "gw", GW_CONTACT, GW_BODY);
	(void)rig_inside(f, a, "acme-pbx", "ACK", 1, "");
	assert_int_equal(rig_call(f)->m.state, B2BUA_UP);
	return rig_call(f);
}

static void
end_all(struct fake *f)
{
	(void)calls_stop(&f->calls, f->now);
	rig_settle(f);
	fake_run(f, 3 * B2BUA_RING_US);
	for (int i = 0; i < FAKE_RECORDS; i++)
		f->record[i].taken = f->record[i].ended = false;
}

/* Steps are taken before they begin; the call whose next one does not fit ends at that moment. */
static void
cut_when_spent(void **state)
{
	struct fake *f = rig_rates();
	const struct call_record *r;
	struct call *c;
	uint64_t t0;

	(void)state;
	rig_account(f, "acme")->max_spend_micro = 250000; /* two minutes of 0.12 */
	rig_world(f);
	t0 = f->now;
	c = talk(f, ABROAD, "1@x");
	assert_non_null(c);
	assert_int_equal(c->rec.price_micro, 120000);
	assert_int_equal(rig_spent(f, "acme"), 120000);
	fake_run(f, 59 * CLOCK_S);
	assert_int_equal(rig_spent(f, "acme"), 120000);
	fake_run(f, 2 * CLOCK_S);
	assert_int_equal(rig_spent(f, "acme"), 240000);
	assert_int_equal(c->m.state, B2BUA_UP);
	fake_run(f, 58 * CLOCK_S);
	assert_int_equal(c->m.state, B2BUA_UP);
	fake_run(f, 2 * CLOCK_S);
	assert_int_equal(c->m.state, B2BUA_ENDING);
	rig_settle(f);
	r = rig_cdr(f);
	assert_int_equal(r->refusal, REFUSAL_SPEND);
	assert_int_equal(r->ended_by, ENDER_POSTERN);
	assert_int_equal(r->steps, 2);
	assert_int_equal(r->end_mono_us - t0, 120 * (uint64_t)CLOCK_S);
	assert_int_equal(rig_spent(f, "acme"), 240000);
	assert_null(talk(f, ABROAD, "2@x")); /* 0.01 is left: not even a step */
	assert_int_equal(rig_sent(f, SENT_RESPONSE, 0)->status, 480);
	c = talk(f, "sip:+12025550123@x", "3@x"); /* a cheaper one fits */
	assert_non_null(c);
	fake_run(f, 7 * CLOCK_S); /* its second step does not */
	assert_int_equal(c->m.state, B2BUA_ENDING);
	assert_int_equal(rig_spent(f, "acme"), 246000);
	end_all(f);
	rig_down(f);
}

/* What was never answered costs nothing; the rate of the beginning holds. */
static void
unanswered_and_new_rates(void **state)
{
	struct fake *f = rig_rates();
	struct call *c;

	(void)state;
	rig_account(f, "acme")->max_spend_micro = 120000;
	rig_world(f);
	(void)rig_invite(f, &(struct invite){.uri = ABROAD});
	assert_int_equal(rig_spent(f, "acme"), 120000); /* held while it rings */
	assert_null(talk(f, ABROAD, "2@x"));
	fake_answer(f, rig_out(f), 486, "gw", "", "");
	fake_media_closed(f);
	assert_int_equal(rig_spent(f, "acme"), 0);
	c = talk(f, ABROAD, "3@x");
	assert_non_null(c);
	f->roster.rate[0].price_micro = f->roster.rate[1].price_micro = 9000000;
	rig_account(f, "acme")->max_spend_micro = 1000000;
	rig_world(f);
	fake_run(f, 61 * CLOCK_S);
	assert_int_equal(c->m.state, B2BUA_UP);
	assert_int_equal(rig_spent(f, "acme"), 240000);
	end_all(f);
	rig_down(f);
}

/* No rate: as the dearest. Toll-free and short numbers: nothing. */
static void
without_rate(void **state)
{
	struct fake *f = rig_rates();

	(void)state;
	rig_account(f, "acme")->max_spend_micro = 5000000;
	rig_world(f);
	assert_non_null(talk(f, "sip:+493012345678@x", "1@x"));
	assert_int_equal(rig_call(f)->rec.price_micro, 120000);
	end_all(f);
	assert_non_null(talk(f, "sip:+18005550123@x", "2@x"));
	assert_int_equal(rig_call(f)->rec.increment_s, 0);
	end_all(f);
	assert_non_null(talk(f, "sip:988@x", "3@x"));
	assert_int_equal(rig_call(f)->rec.increment_s, 0);
	end_all(f);
	assert_int_equal(rig_spent(f, "acme"), 120000);
	rig_down(f);
}

/* Minutes abroad, with calls that race for them; others are not counted. */
static void
minutes(void **state)
{
	struct fake *f = rig_rates();
	unsigned up = 0;

	(void)state;
	rig_account(f, "acme")->international_minutes = 5;
	rig_account(f, "acme")->limit_status = 486;
	rig_world(f);
	for (int i = 0; i < 10; i++) {
		char id[8];

		(void)snprintf(id, sizeof(id), "%d@x", i);
		up += talk(f, ABROAD, id) != NULL;
	}
	assert_int_equal(up, 5); /* a begun minute each */
	assert_int_equal(rig_sent(f, SENT_RESPONSE, 0)->status, 486);
	assert_non_null(talk(f, "sip:+12025550123@x", "home@x"));
	fake_run(f, 59 * CLOCK_S);
	assert_int_equal(calls_count(&f->calls), 6);
	fake_run(f, 2 * CLOCK_S); /* no second minute for any */
	rig_settle(f);
	assert_int_equal(calls_count(&f->calls), 1);
	assert_int_equal(usage_of(&f->calls.usage, "acme", usage_day(clock_wall_us())).seconds,
			 300);
	end_all(f);
	rig_down(f);
}

/* The account above it counts as well, and both or neither pay. */
static void
parents(void **state)
{
	struct fake *f = rig_rates();

	(void)state;
	rig_account(f, "acme")->parent = STR("beta");
	rig_account(f, "beta")->max_spend_micro = 240000;
	rig_world(f);
	assert_non_null(talk(f, ABROAD, "1@x"));
	assert_non_null(talk(f, ABROAD, "2@x"));
	assert_null(talk(f, ABROAD, "3@x"));
	assert_int_equal(rig_cdr(f)->refusal, REFUSAL_SPEND);
	assert_int_equal(rig_spent(f, "acme"), 240000);
	assert_int_equal(rig_spent(f, "beta"), 240000);
	end_all(f);
	rig_down(f);
}

/* The shortest of the account's, its parent's, the trunk's and the called side's lengths. */
static void
longest_length(void **state)
{
	static const struct {
		uint32_t account, parent, trunk;
		bool inbound;
		uint32_t want;
	} r[] = {{30, 0, 0, false, 30}, {30, 20, 0, false, 20}, {30, 20, 10, false, 10},
		 {0, 0, 10, false, 10}, {30, 0, 0, true, 30},   {30, 0, 10, true, 10}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(r); i++) {
		struct fake *f = rig_up();
		struct call *c;

		rig_account(f, "acme")->max_length_s = r[i].account;
		rig_account(f, "acme")->parent = STR("beta");
		rig_account(f, "beta")->max_length_s = r[i].parent;
		rig_trunk(f, "acme-pbx")->max_length_s = r[i].trunk;
		rig_world(f);
		if (r[i].inbound) {
			struct edge_txn *a =
				rig_invite(f, &(struct invite){.trunk = "gw1",
							       .uri = "sip:+15551230000@x",
							       .from = "sip:+12025550123@x"});

			fake_answer(f, rig_out(f), 200, "b", PBX_CONTACT, PBX_ANSWER("1", "80"));
			(void)rig_inside(f, a, "gw1", "ACK", 1, "");
			c = rig_call(f);
		} else {
			c = talk(f, "sip:+12025550123@x", "1@x");
		}
		assert_int_equal(c->m.state, B2BUA_UP);
		fake_run(f, (r[i].want - 1) * (uint64_t)CLOCK_S);
		assert_int_equal(c->m.state, B2BUA_UP);
		fake_run(f, 2 * CLOCK_S);
		assert_int_equal(c->m.state, B2BUA_ENDING);
		rig_settle(f);
		assert_int_equal(rig_cdr(f)->refusal, REFUSAL_LENGTH);
		assert_int_equal(rig_cdr(f)->sip_status, 200);
		end_all(f);
		rig_down(f);
	}
}

/* Another life of signaling over the same rows: what ran is counted from the records. */
static void
over_a_restart(void **state)
{
	static struct usage_row rows[64];
	struct call_record rec;
	struct fake *f;
	struct call *c;

	(void)state;
	if (clock_wall_us() % ((int64_t)86400 * CLOCK_S) < (int64_t)600 * CLOCK_S)
		skip(); /* the virtual clock would begin before the real midnight */
	f = rig_rates();
	memset(rows, 0, sizeof(rows));
	f->conf.usage_rows = rows;
	f->conf.n_usage_rows = 64;
	calls_fini(&f->calls);
	fake_calls(f);
	rig_account(f, "acme")->max_spend_micro = 600000;
	rig_account(f, "acme")->max_length_s = 600;
	rig_world(f);
	assert_non_null(talk(f, ABROAD, "1@x"));
	end_all(f);
	c = talk(f, ABROAD, "2@x");
	fake_run(f, 61 * CLOCK_S);
	assert_int_equal(rig_spent(f, "acme"), 360000);
	rec = f->record[c->slot].rec;
	calls_abandon(&f->calls, f->now); /* it dies: nothing of this is told to the new one */
	calls_fini(&f->calls);
	memset(f->record, 0, sizeof(f->record));
	memset(f->port, 0, sizeof(f->port));
	for (int i = 0; i < FAKE_TXNS; i++)
		f->txn[i].used = false;
	for (int i = 0; i < 64; i++)
		if (rows[i].id[0])
			rows[i].settled.spend_micro = 120000; /* the call that is over */
	fake_calls(f);
	calls_on_snapshot(&f->calls, &f->snap);
	assert_int_equal(rig_spent(f, "acme"), 120000);
	f->now += 60 * CLOCK_S; /* down for a minute: a third one has begun */
	f->record[0] = (struct fake_record){.taken = true, .live = true, .rec = rec};
	rec.leg[LEG_A].media_open = rec.leg[LEG_B].media_open = 0;
	assert_int_equal(calls_restore(&f->calls, 0, &rec, f->now), ERR_OK);
	assert_int_equal(rig_spent(f, "acme"), 480000);
	assert_int_equal(rig_call(f)->rec.steps, 3);
	fake_run(f, 58 * CLOCK_S);
	assert_int_equal(rig_spent(f, "acme"), 480000);
	fake_run(f, 2 * CLOCK_S);
	assert_int_equal(rig_spent(f, "acme"), 600000);
	fake_run(f, 60 * CLOCK_S);
	rig_settle(f);
	assert_int_equal(rig_cdr(f)->refusal, REFUSAL_SPEND);
	f->ports_given = f->ports_freed = 0;
	end_all(f);
	rig_down(f);
}

/* A5: 16 connections race for each limit: never one call more. */
static void
racing(void **state)
{
	struct fake *f = rig_rates();
	unsigned up = 0;

	(void)state;
	rig_account(f, "acme")->max_calls = 5;
	rig_world(f);
	for (int i = 0; i < 16; i++) {
		char id[8];

		(void)snprintf(id, sizeof(id), "%d@x", i);
		up += !rig_invite(f, &(struct invite){.call_id = id})->final;
	}
	assert_int_equal(up, 5);
	end_all(f);
	rig_account(f, "acme")->max_calls = 0;
	rig_account(f, "acme")->attempts = 3;
	rig_world(f);
	up = 0;
	for (int i = 0; i < 16; i++) {
		char id[8];

		(void)snprintf(id, sizeof(id), "a%d@x", i);
		up += !rig_invite(f, &(struct invite){.call_id = id})->final;
	}
	assert_int_equal(up, 3);
	end_all(f);
	rig_down(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cut_when_spent), cmocka_unit_test(unanswered_and_new_rates),
		cmocka_unit_test(without_rate),   cmocka_unit_test(minutes),
		cmocka_unit_test(parents),        cmocka_unit_test(longest_length),
		cmocka_unit_test(over_a_restart), cmocka_unit_test(racing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
