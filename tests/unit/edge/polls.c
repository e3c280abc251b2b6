#include "rig.h"

#include "edge/polls.h"

/* OPTIONS to a gateway: what it sees, what is told of its answers and silences, what goes when its
 * trunk goes. It is asked each 40 ms; an answer has 60 ms. */

static struct edge_poll_news told[64];
static char told_why[64][160];
static int n_told;

static void
up_poll(void *arg, const struct edge_poll_news *n)
{
	(void)arg;
	if (n_told == 64)
		return;
	told[n_told] = *n;
	(void)snprintf(told_why[n_told++], sizeof(told_why[0]), "%s", n->why);
}

static void
ask_gw1(struct world *w)
{
	for (uint32_t i = 0; i < w->r.n_trunks; i++)
		if (str_eqz(w->r.trunk[i].id, "gw1")) {
			w->r.trunk[i].poll_every_s = 30;
			w->r.trunk[i].poll_failed = STR("503,6xx");
		}
}

static int
setup(void **state)
{
	int rc;

	n_told = 0;
	rig.on_trunks = ask_gw1;
	rc = rig_setup_fast(state);
	rig.e->up.on_poll = up_poll;
	return rc;
}

/* Soon, and often. */
static struct polls_row *
hurry(void)
{
	struct polls_row *r = CONTAINER_OF(rig.e->polls->rows.next, struct polls_row, errand.node);

	assert_int_equal(pool_used(&rig.e->polls->pool), 1);
	r->terms = (struct poll_terms){40000, 60000, 0, 2, 2};
	r->poll.due = clock_now_us();
	assert_int_equal(timer_set(&rig.loop.timers, &rig.e->polls->timer, r->poll.due), ERR_OK);
	return r;
}

/* The next news but those of the same state; what it says. */
static void
wait_state(enum poll_state s, const char *why)
{
	SPIN(n_told > 0 && told[n_told - 1].state == s);
	assert_string_equal(told[n_told - 1].trunk.z, "gw1");
	if (!strstr(told_why[n_told - 1], why))
		fail_msg("\"%s\" does not say \"%s\"", told_why[n_told - 1], why);
}

/* Answer what comes; is the state told? */
static bool
answer_next(int fd, unsigned status, enum poll_state s)
{
	const char *got = hear(fd, 5);

	if (got)
		udp_to(fd, L_CARRIER, response(str_from(got), status));
	return n_told > 0 && told[n_told - 1].state == s;
}

static void
answer_until(int fd, unsigned status, enum poll_state s)
{
	SPIN(answer_next(fd, status, s));
}

static void
answers_and_silence(void **state)
{
	struct polls_row *r = hurry();
	int fd = gw1_here();
	const char *got;
	char want[96];

	(void)state;
	got = hear(fd, 1000);
	(void)snprintf(want, sizeof(want), "OPTIONS sip:127.0.0.2:%u SIP/2.0\r\n", rig.pbx_port);
	HEARD(got, want);
	HEARD(got, "\r\nAccept: application/sdp\r\n");
	HEARD(got, "\r\nMax-Forwards: 70\r\n");
	(void)snprintf(want, sizeof(want), "\r\nContact: <sip:127.0.0.1:%u>\r\n",
		       rig.at[L_CARRIER].port);
	HEARD(got, want);
	/* any final answer is one: 404, but not what the trunk says */
	udp_to(fd, L_CARRIER, response(str_from(got), 404));
	wait_state(POLL_UP, "");
	assert_true(told[n_told - 1].changed && told[n_told - 1].asked);
	assert_in_range(told[n_told - 1].latency_us, 1, 1000000);
	assert_string_equal(told_why[n_told - 1], "");
	/* silence: each is ended at its time, nothing of it goes on */
	wait_state(POLL_DOWN, "not answered in time");
	assert_int_equal(told[n_told - 1].latency_us, 0);
	assert_true(edge_txns(rig.e) <= 2);
	while (hear(fd, 1))
		;
	answer_until(fd, 200, POLL_UP);
	answer_until(fd, 603, POLL_DOWN);
	wait_state(POLL_DOWN, "answered with 603 after");
	r->terms.every_us = 0;
	assert_int_equal(count(NEWS), 0); /* call hears nothing of it */
	close(fd);
}

/* Nobody is there: the kernel says so at once, or not; both are failures. */
static void
nobody(void **state)
{
	(void)state;
	hurry();
	wait_state(POLL_DOWN, "OPTIONS");
}

/* The trunk is switched off: nobody asks it, and what was known of it is told as gone. */
static void
switched_off(void **state)
{
	int fd = gw1_here();

	(void)state;
	hurry();
	assert_non_null(hear(fd, 1000));
	wait_state(POLL_DOWN, "");
	rig.switched_off = 2;
	rig_swap();
	SPIN(rig.swapped == 1);
	assert_int_equal(pool_used(&rig.e->polls->pool), 0);
	assert_false(told[n_told - 1].asked);
	assert_true(told[n_told - 1].changed);
	while (hear(fd, 1))
		;
	assert_null(hear(fd, 150));
	assert_int_equal(rig.e->polls->out, 0);
	close(fd);
}

/* What stays keeps what is known. */
static void
kept(void **state)
{
	int fd = gw1_here();
	struct polls_row *r = hurry();

	(void)state;
	answer_until(fd, 200, POLL_UP);
	rig_swap();
	SPIN(rig.swapped == 1);
	assert_ptr_equal(CONTAINER_OF(rig.e->polls->rows.next, struct polls_row, errand.node), r);
	assert_int_equal(r->poll.state, POLL_UP);
	assert_int_equal(r->terms.every_us, 30 * CLOCK_S);
	close(fd);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, rig_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {T(answers_and_silence), T(nobody), T(switched_off),
					   T(kept)};

	return cmocka_run_group_tests_name("edge-polls", tests, NULL, NULL);
}
