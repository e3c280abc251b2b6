/* Real sockets on loopback: binding, and a worker that is killed with SIGKILL again and again while
 * streams run through it: at most one packet a stream and kill is missing, none is doubled, none
 * fails to authenticate. */
#include "rig.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "base/clock.h"
#include "media/io_sockets.h"

enum {
	CALLS = 10,
	R5_CALLS = 200,
	R5_TURNS = 500,
	R5_KILL_EVERY = 25, /* 20 kills */
	TURNS = 150,        /* packets a stream */
	TURNS_FULL = 5000,
	KILL_EVERY = 10, /* turns */
	PERIOD_US = 20000,
	PORT_FIRST = 42000,
};

static struct media_plan
loop_plan(uint16_t port, uint16_t pairs)
{
	struct media_plan p = {.n_addrs = 1, .port_min = port};

	p.bound[0] = rig_addr("127.0.0.1");
	p.port_max = (uint16_t)(port + 2 * pairs - 1);
	return p;
}

static uint16_t
some_port(void)
{
	return (uint16_t)(PORT_FIRST + 2 * (getpid() % 4000));
}

static void
test_bind_taken(void **state)
{
	struct media_plan plan = loop_plan(some_port(), 4);
	struct media_plan inner = loop_plan((uint16_t)(plan.port_min + 4), 1);
	char why[IO_WHY_MAX] = "", want[64];
	struct io_set outer = {0}, one;

	(void)state;
	assert_int_equal(io_make(IO_SOCKETS, &inner, &one, why), ERR_OK);
	assert_int_equal(io_make(IO_SOCKETS, &plan, &outer, why), ERR_IO);
	assert_null(outer.fd);
	(void)snprintf(want, sizeof(want), "127.0.0.1:%u: ", plan.port_min + 4u);
	assert_non_null(strstr(why, want));
	io_set_fini(&one);
	assert_int_equal(io_make(IO_SOCKETS, &plan, &outer, why), ERR_OK);
	assert_int_equal(outer.n, 8);
	io_set_fini(&outer);
}

/* ---- the kill ---- */

struct stand {
	struct media_plan plan;
	struct io_set set;
	int flows_fd, secrets_fd;
	struct flow_table flows;
	struct flow_secrets secrets;
	struct media_ctl ctl;
	pid_t worker;
	unsigned restarts;
};

static unsigned n_calls; /* of the test in hand */

static void
run_worker(const struct stand *s, int fd)
{
	struct media *m = mem_zalloc(1, sizeof(*m));
	struct media_setup setup = {.plan = s->plan, .io = IO_SOCKETS};
	int socks[4 * R5_CALLS];

	for (unsigned i = 0; i < 4 * n_calls; i++)
		socks[i] = dup(s->set.fd[i]);
	if (!m || media_init(m, &setup, 0, s->flows_fd, s->secrets_fd) != ERR_OK)
		_exit(1);
	media_bind(m, fd);
	for (uint32_t i = 0; i < 4 * n_calls; i++)
		if (media_add(m, i, socks[i]) != ERR_OK)
			_exit(1);
	media_run(m);
	_exit(1);
}

static void
start_worker(struct stand *s)
{
	int fd[2];

	assert_int_equal(channel_pair(fd), ERR_OK);
	s->worker = fork();
	assert_true(s->worker >= 0);
	if (s->worker == 0) {
		close(fd[0]);
		run_worker(s, fd[1]);
	}
	close(fd[1]);
	media_ctl_rebind(&s->ctl, 0, fd[0]);
	s->restarts++;
}

static void
kill_worker(struct stand *s)
{
	int status;

	assert_int_equal(kill(s->worker, SIGKILL), 0);
	assert_int_equal(waitpid(s->worker, &status, 0), s->worker);
	assert_true(WIFSIGNALED(status));
}

/* One call: the SRTP end and the clear end, both with real sockets. */
struct ends {
	int a, b;
	struct addr to_a, to_b; /* our ports */
	struct far f;
	struct voice va, vb;
	unsigned got_a, got_b, bad;
	unsigned miss_a, miss_b; /* up to the last kill */
	uint8_t seen_b[65536];   /* sequence numbers that the clear end got */
};

static void
open_call(struct stand *s, unsigned i, struct ends *e)
{
	struct media_open a = rig_leg(2 * i, true), b = rig_leg(2 * i + 1, false);

	for (int out = 0; out < 2; out++)
		rig_put(&s->secrets.rows[2 * i], 2 * i, out, 1);
	memset(e, 0, sizeof(*e));
	e->a = rig_socket(&a.rtp);
	e->b = rig_socket(&b.rtp);
	a.rtcp = b.rtcp = (struct addr){0};
	e->to_a = e->to_b = s->plan.bound[0];
	e->to_a.port = media_slot_port(&s->plan, 2 * i);
	e->to_b.port = media_slot_port(&s->plan, 2 * i + 1);
	far_up(&e->f, 2 * i, 1, 1, false);
	e->va = (struct voice){.ssrc = 0xa0 + i, .seq = (uint16_t)(65400 + i)};
	e->vb = (struct voice){.ssrc = 0xb0 + i, .seq = 100};
	assert_int_equal(media_ctl_open(&s->ctl, &a, false), ERR_OK);
	assert_int_equal(media_ctl_open(&s->ctl, &b, false), ERR_OK);
}

static void
send_to(int fd, const struct addr *to, const uint8_t *p, uint32_t n)
{
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sa(to, &sa);

	assert_int_equal(sendto(fd, p, n, 0, (struct sockaddr *)&sa, len), (ssize_t)n);
}

static void
drain(struct ends *e)
{
	uint8_t p[2048];
	ssize_t n;

	while ((n = recv(e->a, p, sizeof(p), 0)) > 0) {
		uint32_t len = far_read(&e->f, p, (uint32_t)n);

		if (len != RTP_HEADER_LEN + PAYLOAD)
			e->bad++;
		else
			e->got_a++;
	}
	while ((n = recv(e->b, p, sizeof(p), 0)) > 0) {
		if (n != RTP_HEADER_LEN + PAYLOAD || e->seen_b[octets_get16(p + 2)]++)
			e->bad++; /* broken, or twice */
		else
			e->got_b++;
	}
}

static void
sleep_until(uint64_t us)
{
	uint64_t now = clock_now_us();
	struct timespec ts;

	if (now >= us)
		return;
	ts = (struct timespec){(time_t)((us - now) / CLOCK_S), (long)((us - now) % CLOCK_S) * 1000};
	(void)nanosleep(&ts, NULL);
}

static void
say_all(struct ends *calls)
{
	uint8_t p[IO_PACKET_MAX];

	for (unsigned i = 0; i < n_calls; i++) {
		struct ends *e = &calls[i];

		send_to(e->a, &e->to_a, p, far_speak(&e->f, &e->va, p));
		send_to(e->b, &e->to_b, p, speak(&e->vb, p));
	}
}

static void
stand_up(struct stand *s, struct ends *calls)
{
	char why[IO_WHY_MAX];

	memset(s, 0, sizeof(*s));
	s->plan = loop_plan((uint16_t)(some_port() + 8200), (uint16_t)(2 * n_calls));
	assert_int_equal(io_make(IO_SOCKETS, &s->plan, &s->set, why), ERR_OK);
	assert_int_equal(flow_create(&s->plan, &s->flows_fd, &s->secrets_fd), ERR_OK);
	assert_int_equal(flow_map(s->flows_fd, false, &s->flows), ERR_OK);
	assert_int_equal(flow_secrets_map(s->secrets_fd, true, &s->secrets), ERR_OK);
	assert_int_equal(
		media_ctl_init(&s->ctl, 1, &s->plan, 100, s->flows.head->worker, s->secrets.given),
		ERR_OK);
	start_worker(s);
	for (unsigned i = 0; i < n_calls; i++)
		open_call(s, i, &calls[i]);
	for (int i = 0; media_ctl_waiting(&s->ctl) && i < 5000; i++)
		sleep_until(clock_now_us() + CLOCK_MS);
	assert_int_equal(media_ctl_waiting(&s->ctl), 0);
}

static void
stand_down(struct stand *s, struct ends *calls)
{
	kill_worker(s);
	for (unsigned i = 0; i < n_calls; i++) {
		close(calls[i].a);
		close(calls[i].b);
		far_down(&calls[i].f);
	}
	io_set_fini(&s->set);
	media_ctl_fini(&s->ctl);
	flow_unmap(&s->flows);
	flow_secrets_unmap(&s->secrets);
	close(s->flows_fd);
	close(s->secrets_fd);
}

static void
settle(struct ends *calls, int ms)
{
	for (; ms > 0; ms--) {
		sleep_until(clock_now_us() + CLOCK_MS);
		for (unsigned i = 0; i < n_calls; i++)
			drain(&calls[i]);
	}
}

/* What each stream has missed since the last look, after `said` packets. */
static unsigned
look(struct ends *calls, unsigned said, unsigned *lost)
{
	unsigned worst = 0;

	for (unsigned i = 0; i < n_calls; i++) {
		struct ends *e = &calls[i];
		unsigned a = said - e->got_a, b = said - e->got_b;

		if (a - e->miss_a > worst)
			worst = a - e->miss_a;
		if (b - e->miss_b > worst)
			worst = b - e->miss_b;
		*lost += a - e->miss_a + b - e->miss_b;
		e->miss_a = a;
		e->miss_b = b;
	}
	return worst;
}

static void
kill_often(unsigned turns, unsigned kill_every)
{
	static struct ends calls[R5_CALLS];
	unsigned lost = 0, worst = 0, bad = 0;
	struct stand s;
	uint64_t next;

	stand_up(&s, calls);
	next = clock_now_us();
	for (unsigned t = 1; t <= turns; t++) {
		say_all(calls);
		if (t % kill_every == 0) { /* in the middle of the burst, as it falls */
			sleep_until(clock_now_us() + t * 37 % 700);
			kill_worker(&s);
			start_worker(&s);
		}
		settle(calls, 5);
		if (t % kill_every == kill_every - 1) {
			unsigned w;

			settle(calls, 40);
			w = look(calls, t, &lost);
			worst = w > worst ? w : worst;
		}
		sleep_until(next += PERIOD_US);
	}
	settle(calls, 500);
	(void)look(calls, turns, &lost);
	for (unsigned i = 0; i < n_calls; i++)
		bad += calls[i].bad;
	print_message("# %u kills, %u streams, %u packets: %u lost, at most %u a stream and kill, "
		      "%u bad or twice\n",
		      s.restarts - 1, 2 * n_calls, 2 * n_calls * turns, lost, worst, bad);
	stand_down(&s, calls);
	assert_int_equal(bad, 0);
	assert_in_range(worst, 0, 1);
}

static bool
is_full(void)
{
	const char *full = getenv("POSTERN_FULL");

	return full && strcmp(full, "1") == 0;
}

static void
test_kill(void **state)
{
	(void)state;
	n_calls = CALLS;
	kill_often(is_full() ? TURNS_FULL : TURNS, KILL_EVERY);
}

/* R5: 200 calls, 20 kills. */
static void
test_kill_many_calls(void **state)
{
	(void)state;
	if (!is_full())
		return;
	n_calls = R5_CALLS;
	kill_often(R5_TURNS, R5_KILL_EVERY);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bind_taken),
		cmocka_unit_test(test_kill),
		cmocka_unit_test(test_kill_many_calls),
	};

	return cmocka_run_group_tests(tests, rig_libsrtp, rig_libsrtp_down);
}
