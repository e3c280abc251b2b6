/* AF_XDP over a real pair of interfaces: a worker that echoes is killed with SIGKILL again and
 * again while streams run through it. At most one packet a stream and kill is missing, none comes
 * twice, and every frame of the memory is where it belongs at the end. Also in the kernel's generic
 * way. Needs root. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/frame.h"
#include "media/io_choice.h"
#include "media/io_xdp.h"
#include "media/xkeeper.h"
#include "unit/net/links.h"

enum {
	STREAMS = 16,
	TURNS = 300,
	TURNS_FULL = 5000,
	TURN_US = 2000,
	KILL_EVERY = 10, /* turns */
	PORT = 30000,
	FAR_PORT = 40000,
	WAIT_MS = 500,
};

static const uint8_t near_mac[FRAME_MAC] = {2, 0, 0, 0, 0, 2},
		     far_mac[FRAME_MAC] = {2, 0, 0, 0, 0, 1};

struct stand {
	struct media_plan plan;
	struct io_set set;
	struct io_counts counts;
	int wire; /* packet socket at the far end */
	pid_t worker;
	uint32_t next[STREAMS]; /* that must come back, or a later one */
	unsigned lost[STREAMS], kills;
};

/* ---- the worker ---- */

/* In the child: no assert, which would go on with the tests there. */
static void
adopt_all(struct stand *s, struct media_io *io)
{
	if (io_xdp_backend.do_attach(&s->plan, &s->counts, io) != ERR_OK)
		_exit(1);
	for (uint32_t i = 0; i < s->set.n; i++)
		if (s->set.fd[i] >= 0 && io_xdp_backend.do_add(io, i, dup(s->set.fd[i])) != ERR_OK)
			_exit(1);
}

static void
echo(struct stand *s)
{
	static uint8_t buffers[IO_BATCH][IO_HEADROOM + IO_PACKET_MAX];
	struct io_packet v[IO_BATCH];
	uint64_t tick_us = 0;
	struct media_io io;

	adopt_all(s, &io);
	for (;;) {
		struct pollfd p = {.fd = io.fd, .events = POLLIN};
		unsigned n;

		(void)poll(&p, 1, 10);
		for (int i = 0; i < IO_BATCH; i++)
			v[i] = (struct io_packet){.p = buffers[i] + IO_HEADROOM};
		n = io.do_rx(io.arg, v, IO_BATCH);
		if (n)
			(void)io.do_tx(io.arg, v, n);
		if (clock_now_us() - tick_us > 5 * CLOCK_MS) {
			tick_us = clock_now_us();
			io.do_tick(io.arg, tick_us);
		}
	}
}

static void
start_worker(struct stand *s)
{
	s->worker = fork();
	assert_true(s->worker >= 0);
	if (s->worker == 0)
		echo(s);
}

static void
kill_worker(struct stand *s)
{
	assert_int_equal(kill(s->worker, SIGKILL), 0);
	assert_int_equal(waitpid(s->worker, NULL, 0), s->worker);
	s->kills++;
}

/* ---- the far end ---- */

static void
say(struct stand *s, unsigned stream, uint32_t seq)
{
	struct frame_way w = {.from = links_addr("10.97.0.1", FAR_PORT + stream),
			      .to = links_addr("10.97.0.2", PORT + stream),
			      .id = 1};
	uint8_t frame[FRAME_MAX + 172] = {0}, *p = frame + FRAME_MAX;
	uint32_t head;

	memcpy(p, &seq, sizeof(seq));
	head = frame_put(&w, p, 172);
	frame_put_eth(p - head, near_mac, far_mac, 4);
	head += FRAME_ETH;
	assert_int_equal(send(s->wire, p - head, head + 172, 0), head + 172);
}

static void
hear_all(struct stand *s, int ms)
{
	struct pollfd p = {.fd = s->wire, .events = POLLIN};
	uint8_t frame[2048];

	while (poll(&p, 1, ms) == 1) {
		ssize_t n = recv(s->wire, frame, sizeof(frame), MSG_DONTWAIT);
		struct frame_udp f;
		unsigned stream;
		uint32_t seq;

		if (n < 0 || frame_read(frame, (uint32_t)n, &f) != ERR_OK || f.len != 172 ||
		    f.to.port < FAR_PORT || f.to.port >= FAR_PORT + STREAMS)
			continue;
		if (f.from.port < PORT) /* one of ours on its way */
			continue;
		stream = f.to.port - FAR_PORT;
		assert_int_equal(f.from.port, PORT + stream);
		memcpy(&seq, frame + f.at, sizeof(seq));
		assert_true(seq >= s->next[stream]); /* twice, or out of order */
		s->lost[stream] += seq - s->next[stream];
		s->next[stream] = seq + 1;
	}
}

/* ---- the frames at the end ---- */

/* Nobody works: all that is not idle waits in the kernel to be received into. */
static void
check_frames(struct stand *s)
{
	const int *fd = s->set.fd + XKEEPER_FRAMES;
	struct xqueue v = {0};
	struct xframes x;
	uint32_t there;

	assert_int_equal(xframes_map(fd[0], &x), ERR_OK);
	assert_int_equal(x.head->n_queues, 1);
	assert_int_equal(xring_map(fd[1], x.head->rx_size, x.head->tx_size, v.ring), ERR_OK);
	xframes_attach(&x, &v, 1);
	xframes_reap(&x, &v, 0);
	assert_int_equal(v.sending, 0);
	there = v.ring[XRING_FILL].at - *v.ring[XRING_FILL].other +
		xring_ready(&v.ring[XRING_RX], v.ring[XRING_RX].size);
	assert_int_equal(v.filled, there);
	assert_int_equal(x.n_idle + v.filled, x.head->n_frames);
	xring_unmap(v.ring);
	xframes_unmap(&x);
}

/* ---- together ---- */

static void
run_streams(struct stand *s, unsigned turns)
{
	uint64_t due = clock_now_us();
	unsigned seed = 1;

	for (unsigned t = 0; t < turns; t++) {
		for (unsigned i = 0; i < STREAMS; i++)
			say(s, i, t);
		due += TURN_US;
		if (t % KILL_EVERY == KILL_EVERY - 1) {
			(void)usleep((useconds_t)(rand_r(&seed) % 1500));
			kill_worker(s);
			start_worker(s);
		}
		hear_all(s, 0);
		if (clock_now_us() < due)
			(void)usleep((useconds_t)(due - clock_now_us()));
	}
	hear_all(s, WAIT_MS);
}

static void
killed_again_and_again(const char *device)
{
	struct sockaddr_ll sa = {.sll_family = AF_PACKET, .sll_protocol = htons(0x0800)};
	struct stand s = {.plan = {.n_addrs = 1, .port_min = PORT, .port_max = PORT + 199}};
	unsigned turns = getenv("POSTERN_FULL") ? TURNS_FULL : TURNS, lost = 0;
	char why[IO_WHY_MAX] = "";
	enum err e;

	s.plan.bound[0] = links_addr("10.97.0.2", 0);
	s.wire = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(0x0800));
	io_buffers(s.wire, 8 << 20, 0); /* a worker that starts late answers all at once */
	sa.sll_ifindex = (int)if_nametoindex("x1");
	assert_int_equal(bind(s.wire, (struct sockaddr *)&sa, sizeof(sa)), 0);
	e = io_make(IO_XDP, &s.plan, &s.set, why);
	if (e != ERR_OK)
		fail_msg("%s: %s", err_name(e), why);
	start_worker(&s);
	run_streams(&s, turns);
	kill_worker(&s);
	for (unsigned i = 0; i < STREAMS; i++) {
		lost += s.lost[i] + turns - s.next[i];
		assert_true(s.lost[i] + turns - s.next[i] <= s.kills);
	}
	print_message("# %s: %u kills, %u of %u packets lost\n", device, s.kills, lost,
		      turns * STREAMS);
	assert_true(s.kills > 20);
	check_frames(&s);
	assert_int_equal(s.counts.rx_full, 0);
	close(s.wire);
	io_set_fini(&s.set);
}

static void
make_net(const char *extra)
{
	if (geteuid() != 0) {
		print_message("# needs root: a network namespace\n");
		skip();
	}
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	links_set("link set lo up\n"
		  "link add x0 address 02:00:00:00:00:02 type veth peer name x1 address "
		  "02:00:00:00:00:01\n"
		  "link set x0 up\nlink set x1 up\n");
	links_set(extra);
}

static void
test_killed_in_driver(void **state)
{
	(void)state;
	make_net("addr add 10.97.0.2/24 dev x0\n"
		 "neigh replace 10.97.0.1 lladdr 02:00:00:00:00:01 dev x0 nud permanent\n");
	killed_again_and_again("in the driver");
}

/* A bridge has no XDP of its own. */
static void
test_killed_generic(void **state)
{
	(void)state;
	make_net("link add b0 address 02:00:00:00:00:02 type bridge\n"
		 "link set x0 address 02:00:00:00:00:03\n"
		 "link set x0 master b0\nlink set b0 up\n"
		 "addr add 10.97.0.2/24 dev b0\n"
		 "neigh replace 10.97.0.1 lladdr 02:00:00:00:00:01 dev b0 nud permanent\n");
	killed_again_and_again("generic");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_killed_in_driver),
		cmocka_unit_test(test_killed_generic),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
