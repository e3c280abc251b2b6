#include "rig.h"

#include "edge/enrols.h"

/* REGISTER at a gateway: what it sees, what its answers make of it, what goes when its trunk goes
 * or postern stops. */

static struct edge_enrol_news told[64];
static char told_why[64][160];
static int n_told;
static const char *aor, *host;

static void
up_enrol(void *arg, const struct edge_enrol_news *n)
{
	(void)arg;
	if (n_told == 64)
		return;
	told[n_told] = *n;
	(void)snprintf(told_why[n_told++], sizeof(told_why[0]), "%s", n->why);
}

static void
give_login(struct world *w)
{
	for (uint32_t i = 0; i < w->r.n_trunks; i++)
		if (str_eqz(w->r.trunk[i].id, "gw1") && aor) {
			w->r.trunk[i].login_aor = str_from(aor);
			w->r.trunk[i].login_expires_s = 600;
			if (host)
				w->r.trunk[i].host = str_from(host);
		}
}

static int
setup(void **state)
{
	int rc;

	n_told = 0;
	aor = "sip:acme@reg.test";
	host = NULL;
	rig.on_trunks = give_login;
	rc = rig_setup_fast(state);
	rig.e->up.on_enrol = up_enrol;
	return rc;
}

static struct enrols_row *
row(void)
{
	return CONTAINER_OF(rig.e->enrols->rows.next, struct enrols_row, errand.node);
}

static void
hurry(void)
{
	row()->enrol.due = clock_now_us();
	assert_int_equal(timer_set(&rig.loop.timers, &rig.e->enrols->timer, row()->enrol.due),
			 ERR_OK);
}

/* Its answer with more lines. */
static struct str
final(const char *to, unsigned status, const char *more)
{
	static char mem[4000];
	struct str r = response(str_from(to), status);
	size_t at = str_find(r, STR("Content-Length"));

	(void)snprintf(mem, sizeof(mem), "%.*s%s%.*s", STR_ARG(str_sub(r, 0, at)), more,
		       STR_ARG(str_from_at(r, at)));
	return str_from(mem);
}

static const char *
next_register(int fd, unsigned cseq)
{
	char want[40];
	uint64_t until = clock_now_us() + CLOCK_S;

	(void)snprintf(want, sizeof(want), "\r\nCSeq: %u REGISTER\r\n", cseq);
	while (clock_now_us() < until) {
		const char *got = hear(fd, 20);

		if (got && strstr(got, want))
			return got;
	}
	fail_msg("no REGISTER %u came", cseq);
	return NULL;
}

static void
registered(void **state)
{
	int fd = gw1_here();
	char contact[120], all[400];
	const char *got;

	(void)state;
	hurry();
	got = next_register(fd, 1);
	HEARD(got, "REGISTER sip:reg.test SIP/2.0\r\n");
	HEARD(got, "\r\nTo: <sip:acme@reg.test>\r\n");
	HEARD(got, "\r\nFrom: <sip:acme@reg.test>;tag=");
	HEARD(got, "\r\nExpires: 600\r\n");
	(void)snprintf(contact, sizeof(contact), "Contact: <sip:acme@127.0.0.1:%u>",
		       rig.at[L_CARRIER].port);
	HEARD(got, contact);
	/* of several contacts ours counts, whatever the header says for all */
	(void)snprintf(all, sizeof(all),
		       "Contact: <sip:acme@192.0.2.9>;expires=11\r\n%s;expires=90\r\nExpires: 7\r\n"
		       "Path: <sip:p.test;lr>\r\nService-Route: <sip:s.test;lr>\r\n",
		       contact);
	udp_to(fd, L_CARRIER, final(got, 200, all));
	SPIN(n_told && told[n_told - 1].state == ENROL_THERE);
	assert_true(told[n_told - 1].changed);
	assert_in_range(told[n_told - 1].left_us, 89 * CLOCK_S, 90 * CLOCK_S);
	assert_string_equal(told[n_told - 1].trunk.z, "gw1");
	/* a refresh is refused: still there; the CSeq rises, Call-ID stays */
	hurry();
	got = next_register(fd, 2);
	udp_to(fd, L_CARRIER, response(str_from(got), 403));
	SPIN(told_why[n_told - 1][0]);
	assert_int_equal(told[n_told - 1].state, ENROL_THERE);
	assert_false(told[n_told - 1].changed);
	assert_non_null(strstr(told_why[n_told - 1], "answered with 403"));
	/* one that does not show our contact: lost, when its time was over */
	row()->enrol.until = 1;
	hurry();
	got = next_register(fd, 3);
	assert_int_equal(told[n_told - 1].state, ENROL_LOST);
	udp_to(fd, L_CARRIER, final(got, 200, "Contact: <sip:acme@192.0.2.9>;expires=11\r\n"));
	SPIN(strstr(told_why[n_told - 1], "not in the answer") != NULL);
	/* 423 */
	hurry();
	got = next_register(fd, 4);
	udp_to(fd, L_CARRIER, final(got, 423, "Min-Expires: 1200\r\n"));
	got = next_register(fd, 5);
	HEARD(got, "\r\nExpires: 1200\r\n");
	/* no Contact at all in the 200, as some do: what was asked for */
	udp_to(fd, L_CARRIER, final(got, 200, ""));
	SPIN(told[n_told - 1].state == ENROL_THERE);
	assert_in_range(told[n_told - 1].left_us, 1199 * CLOCK_S, 1200 * CLOCK_S);
	assert_int_equal(count(NEWS), 0);
	close(fd);
}

/* gw1 has answered the first one. */
static int
registered_one(void)
{
	int fd = gw1_here();

	hurry();
	udp_to(fd, L_CARRIER, final(next_register(fd, 1), 200, ""));
	SPIN(n_told && told[n_told - 1].state == ENROL_THERE);
	return fd;
}

/* The end of postern: removed, at most once; nobody answers: left all the same. */
static void
leaves(void **state)
{
	int fd = registered_one();
	const char *got;

	(void)state;
	assert_int_equal(edge_leave(rig.e), 1);
	assert_int_equal(edge_leave(rig.e), 1);
	got = next_register(fd, 2);
	HEARD(got, "\r\nExpires: 0\r\n");
	assert_int_equal(edge_leave(rig.e), 1);
	udp_to(fd, L_CARRIER, final(got, 200, ""));
	SPIN(told[n_told - 1].state == ENROL_LEFT);
	assert_int_equal(edge_leave(rig.e), 0);
	close(fd);
}

/* Other accounts: the same goes on, another address of record takes its place, none removes it. */
static void
swapped(void **state)
{
	int fd = registered_one();
	struct enrols_row *first;

	(void)state;
	first = row();
	rig_swap();
	SPIN(rig.swapped == 1);
	assert_ptr_equal(row(), first);
	assert_int_equal(first->enrol.state, ENROL_THERE);
	world_fini(&rig.w);
	rig.w = rig.next;
	rig.next = (struct world){0};
	aor = NULL;
	rig_swap();
	HEARD(next_register(fd, 2), "\r\nExpires: 0\r\n");
	assert_int_equal(told[n_told - 1].state, ENROL_LEAVING);
	close(fd);
}

/* Another registrar and another place at once: each hears what is meant for it. */
static void
moves(void **state)
{
	int fd = registered_one();
	const char *got;

	(void)state;
	aor = "sip:acme@other.test";
	host = "127.0.0.13";
	rig_swap();
	got = next_register(fd, 2);
	HEARD(got, "\r\nExpires: 0\r\n");
	HEARD(got, "\r\nTo: <sip:acme@reg.test>\r\n");
	udp_to(fd, L_CARRIER, final(got, 200, ""));
	close(fd);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, rig_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {T(registered), T(leaves), T(swapped), T(moves)};

	return cmocka_run_group_tests_name("edge-enrols", tests, NULL, NULL);
}
