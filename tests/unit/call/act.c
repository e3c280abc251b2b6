/* call/act: the order in which a step's actions are carried out, and what is kept at the end. */
#include "rig.h"
#include "call/mend.h"

/* Kinds and methods of what was sent since `from`, as one word each. */
static const char *
story(struct fake *f, uint32_t from)
{
	static char z[512];
	struct buf b;

	buf_init(&b, z, sizeof(z));
	for (uint32_t i = from; i < f->n_sent; i++) {
		const struct sent *s = &f->sent[i % FAKE_SENT];

		if (s->kind == SENT_RESPONSE)
			buf_printf(&b, "%d ", s->status);
		else if (s->kind == SENT_CANCEL)
			buf_z(&b, "CANCEL ");
		else
			buf_printf(&b, "%s ", sip_method_name(s->method));
	}
	return buf_cstr(&b);
}

/* That the record is stored before each of these is checked by the fakes below. */
static void
order(void **state)
{
	struct fake *f = rig_up();
	struct rig_pair p;

	(void)state;
	p = rig_ringing(f);
	assert_string_equal(story(f, 0), "INVITE 180 ");
	fake_answer(f, p.b, 200, "gw", GW_CONTACT, GW_BODY);
	assert_string_equal(story(f, 2), "ACK 200 ");
	(void)rig_inside(f, p.a, "acme-pbx", "ACK", 1, "");
	act_stop(rig_call(f), REFUSAL_HANGUP);
	assert_string_equal(story(f, 4), "BYE BYE ");
	rig_settle(f);
	rig_down(f);
}

static void
order_of_failure(void **state)
{
	struct fake *f = rig_up();
	struct rig_pair p = rig_ringing(f);

	(void)state;
	fake_answer(f, p.b, 200, "gw", GW_CONTACT, "hello");
	assert_string_equal(story(f, 2), "ACK 502 BYE ");
	rig_settle(f);
	rig_down(f);

	f = rig_up();
	p = rig_ringing(f);
	act_stop(rig_call(f), REFUSAL_HANGUP);
	assert_string_equal(story(f, 2), "480 CANCEL ");
	fake_answer(f, p.b, 487, "gw", "", "");
	fake_media_closed(f);
	rig_down(f);
}

/* The first word on why it ends counts. */
static void
first_word(void **state)
{
	struct fake *f = rig_up();
	struct call *c;

	(void)state;
	(void)rig_talking(f);
	c = rig_call(f);
	act_note_end(c, ENDER_CALLED, 487, 17, REFUSAL_NONE);
	f->calls.now += 5;
	act_note_end(c, ENDER_POSTERN, 503, 41, REFUSAL_STOPPED);
	act_note_refusal(c, REFUSAL_NO_ACK, "");
	assert_int_equal(c->rec.ended_by, ENDER_CALLED);
	assert_int_equal(c->rec.sip_status, 200); /* it was answered */
	assert_int_equal(c->rec.q850, 17);
	assert_int_equal(c->rec.refusal, REFUSAL_NONE);
	act_stop(c, REFUSAL_HANGUP);
	rig_settle(f);
	assert_int_equal(rig_cdr(f)->refusal, REFUSAL_NONE);
	rig_down(f);
}

/* The 200 to A does not fit or cannot leave: the call still ends, with one record. */
static void
timers_follow(void **state)
{
	struct fake *f = rig_up();
	struct rig_pair p = rig_ringing(f);

	(void)state;
	assert_int_equal(timers_next(&f->timers), f->now + B2BUA_RING_US);
	fake_answer(f, p.b, 200, "gw", GW_CONTACT, GW_BODY);
	assert_int_equal(timers_next(&f->timers), f->now + 500000); /* T1: the 200 again */
	(void)rig_inside(f, p.a, "acme-pbx", "ACK", 1, "");
	assert_int_equal(timers_next(&f->timers), f->now + MEND_FIRST_US);
	(void)rig_inside(f, p.a, "acme-pbx", "BYE", 2, "");
	assert_int_equal(timers_next(&f->timers), f->now + B2BUA_BYE_US);
	fake_answer(f, rig_bye_out(f, 0), 200, "", "", "");
	assert_int_equal(timers_next(&f->timers), f->now + 2000000);
	fake_media_closed(f);
	rig_down(f);
}

/* Counts come back to zero, whatever way a call ends. */
static void
limits_come_back(void **state)
{
	struct fake *f = rig_up();
	struct rig_pair p;

	(void)state;
	(void)rig_invite(f, &(struct invite){.uri = "sip:+15551@x"}); /* refused */
	(void)rig_invite(f, &(struct invite){0});
	assert_int_equal(limit_calls(&f->calls.limit, LIMIT_TRUNK, "gw1"), 1);
	fake_answer(f, rig_out(f), 503, "gw", "", "");
	assert_int_equal(limit_calls(&f->calls.limit, LIMIT_TRUNK, "gw1"), 0);
	assert_int_equal(limit_calls(&f->calls.limit, LIMIT_TRUNK, "gw2"), 1);
	fake_answer(f, rig_out(f), 486, "gw", "", "");
	fake_media_closed(f);
	p = rig_talking(f);
	assert_int_equal(limit_calls(&f->calls.limit, LIMIT_ACCOUNT, "acme"), 1);
	(void)rig_inside(f, p.a, "acme-pbx", "BYE", 2, "");
	rig_settle(f);
	assert_int_equal(limit_calls(&f->calls.limit, LIMIT_ACCOUNT, "acme"), 0);
	assert_int_equal(limit_calls(&f->calls.limit, LIMIT_TRUNK, "acme-pbx"), 0);
	assert_int_equal(limit_calls(&f->calls.limit, LIMIT_TRUNK, "gw1"), 0);
	assert_int_equal(limit_calls(&f->calls.limit, LIMIT_TRUNK, "gw2"), 0);
	assert_int_equal(f->calls.limit.calls, 0);
	rig_down(f);
}

/* A carrier that is full is passed over. */
static void
full_target(void **state)
{
	struct fake *f = rig_up();

	(void)state;
	rig_trunk(f, "gw1")->max_calls = 1;
	rig_trunk(f, "gw2")->max_calls = 1;
	rig_world(f);
	(void)rig_invite(f, &(struct invite){.call_id = "1"});
	(void)rig_invite(f, &(struct invite){.call_id = "2"});
	assert_string_equal(rig_sent(f, SENT_REQUEST, 0)->dest.trunk.z, "gw2");
	assert_int_equal(rig_call(f)->rec.target[0].status, -1);
	(void)rig_invite(f, &(struct invite){.call_id = "3"});
	assert_int_equal(rig_sent(f, SENT_RESPONSE, 0)->status, 480);
	(void)calls_stop(&f->calls, f->now);
	fake_run(f, 3 * B2BUA_CANCEL_US);
	rig_down(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order),
		cmocka_unit_test(order_of_failure),
		cmocka_unit_test(first_word),
		cmocka_unit_test(timers_follow),
		cmocka_unit_test(limits_come_back),
		cmocka_unit_test(full_target),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
