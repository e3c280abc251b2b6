/* Every back end of packet I/O against the kernel's own sockets, over a pair of interfaces between
 * two network namespaces: the same table of cases for each, IPv4 and IPv6. Needs root. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "media/io_choice.h"
#include "unit/net/links.h"

enum {
	WAIT_MS = 3000, /* for a packet that must come */
	QUIET_MS = 30,  /* for one that must not */
	PORT_MIN = 30000,
	PORT_MAX = 30037, /* an odd number of pairs: the slices differ */
	PAIRS = 19,
	LOCALS = 3, /* 10.99.0.2, 10.99.0.3, fd99::2 */
	WORKERS = 2,
	BIG = 1700, /* above the MTU of 1500 */
	FAR_PORT = 40000,
	BURST = 4000,
};

static const char *const local_ip[LOCALS] = {"10.99.0.2", "10.99.0.3", "fd99::2"};
static const char *const other_ip[] = {"10.99.0.4", "fd99::4"}; /* ours, but not media's */
static const char *const far_ip[LOCALS] = {"10.99.0.1", "10.99.0.1", "fd99::1"};

/* ---- two namespaces ---- */

static struct links net = {-1, -1, 0};

static int
net_up(void **state)
{
	(void)state;
	if (geteuid() == 0)
		links_up(&net,
			 "addr add 10.99.0.2/24 dev pm0\naddr add 10.99.0.3/24 dev pm0\n"
			 "addr add 10.99.0.4/24 dev pm0\n"
			 "addr add fd99::2/64 dev pm0 nodad\naddr add fd99::4/64 dev pm0 nodad\n",
			 "addr add 10.99.0.1/24 dev pm1\naddr add fd99::1/64 dev pm1 nodad\n");
	return 0;
}

static int
net_down(void **state)
{
	(void)state;
	links_down(&net);
	return 0;
}

/* ---- a stand: a back end and two workers' io ---- */

struct stand {
	const struct io_backend *be;
	uint32_t kind;
	struct media_plan plan;
	struct io_set set;
	struct io_counts counts[WORKERS];
	struct media_io io[WORKERS];
};

static bool
try_attach(struct stand *s)
{
	for (uint32_t w = 0; w < WORKERS; w++)
		if (s->be->do_attach(&s->plan, &s->counts[w], &s->io[w]) != ERR_OK)
			return false;
	for (uint32_t i = 0; i < s->set.n; i++) {
		uint32_t n = io_places(s->kind, &s->plan);

		if (s->set.fd[i] >= 0 &&
		    s->be->do_add(&s->io[i / n], i % n, dup(s->set.fd[i])) != ERR_OK)
			return false;
	}
	return true;
}

static void
attach_all(struct stand *s)
{
	assert_true(try_attach(s));
}

static void
detach_all(struct stand *s)
{
	for (uint32_t w = 0; w < WORKERS; w++)
		s->be->do_detach(&s->io[w]);
}

static void
stand_up(struct stand *s, uint32_t kind)
{
	char why[IO_WHY_MAX] = "";
	enum err e;

	memset(s, 0, sizeof(*s));
	s->be = io_backend_of(kind);
	s->kind = kind;
	s->plan = (struct media_plan){.n_addrs = LOCALS,
				      .port_min = PORT_MIN,
				      .port_max = PORT_MAX,
				      .n_workers = WORKERS};
	for (int i = 0; i < LOCALS; i++)
		s->plan.bound[i] = links_addr(local_ip[i], 0);
	e = io_make(kind, &s->plan, &s->set, why);
	if (e != ERR_OK)
		fail_msg("%s: %s: %s", io_kind_name(kind), err_name(e), why);
	assert_string_equal(why, "");
	attach_all(s);
}

static void
stand_down(struct stand *s)
{
	detach_all(s);
	io_set_fini(&s->set);
}

static bool
readable(int fd, int ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, ms) == 1;
}

/* What the far socket hears: length, or -1; from, and the traffic class. */
static int
hear(int fd, uint8_t *p, size_t cap, struct addr *from, int *tos)
{
	uint8_t control[64];
	struct sockaddr_storage sa;
	struct iovec iov = {p, cap};
	struct msghdr m = {.msg_name = &sa,
			   .msg_namelen = sizeof(sa),
			   .msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = control,
			   .msg_controllen = sizeof(control)};
	ssize_t n;

	if (!readable(fd, WAIT_MS))
		return -1;
	n = recvmsg(fd, &m, MSG_DONTWAIT);
	*from = addr_from_sa(&sa);
	*tos = -1;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
		if (c->cmsg_type == IPV6_TCLASS || c->cmsg_type == IP_TOS)
			*tos = *CMSG_DATA(c);
	return (int)n;
}

static uint8_t buffers[IO_BATCH][IO_HEADROOM + IO_PACKET_MAX];

static void
empty_batch(struct io_packet *v)
{
	for (int i = 0; i < IO_BATCH; i++)
		v[i] = (struct io_packet){.p = buffers[i] + IO_HEADROOM};
}

/* What the worker's io takes within ms; polls its descriptor as media does. */
static unsigned
take(struct stand *s, uint32_t worker, struct io_packet *v, int ms)
{
	empty_batch(v);
	if (!readable(s->io[worker].fd, ms))
		return 0;
	return s->io[worker].do_rx(s->io[worker].arg, v, IO_BATCH);
}

static void
fill(uint8_t *p, size_t n, unsigned seed)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(seed * 31 + i * 7 + (i >> 8));
}

static uint32_t
socket_of(unsigned local, unsigned port)
{
	return 2 * PAIRS * local + port - PORT_MIN;
}

static uint64_t later_us; /* that the clock is ahead of itself */

static unsigned
transmit(struct stand *s, uint32_t worker, struct io_packet *v, unsigned n)
{
	/* next hops are asked for */
	s->io[worker].do_tick(s->io[worker].arg, clock_now_us() + later_us);
	return s->io[worker].do_tx(s->io[worker].arg, v, n);
}

/* ---- the cases ---- */

/* A batch that ends before a second packet of a port says so: nobody sleeps on what waits. */
static void
case_more(struct stand *s)
{
	int far = links_socket(&net, net.there, far_ip[0], FAR_PORT);
	struct io_packet v[IO_BATCH];
	unsigned got = 0;

	for (unsigned i = 0; i < 5; i++)
		links_say(far, local_ip[0], PORT_MIN, "twelve bytes", 12);
	(void)usleep(20 * 1000);
	do {
		unsigned n = take(s, 0, v, WAIT_MS);

		assert_true(n > 0);
		got += n;
		if (s->io[0].more)
			assert_int_equal(*s->io[0].more, got < 5);
	} while (got < 5);
	close(far);
}

/* Sizes both ways; source and destination right; the kernel checks what we wrote as checksum. */
static void
case_sizes(struct stand *s)
{
	static const unsigned sizes[] = {1, 2, 3, 12, 100, 171, 172, 173, 1400, 1472};
	uint8_t p[2048], q[2048];
	struct io_packet v[IO_BATCH];
	struct addr from;
	int tos;

	for (unsigned local = 0; local < LOCALS; local++) {
		int far = links_socket(&net, net.there, far_ip[local], FAR_PORT);

		for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			unsigned n = sizes[i], port = PORT_MIN + i;

			fill(p, n, i + 10 * local);
			links_say(far, local_ip[local], port, p, n);
			assert_int_equal(take(s, 0, v, WAIT_MS), 1);
			assert_int_equal(v[0].len, n);
			assert_int_equal(v[0].socket, socket_of(local, port));
			assert_memory_equal(v[0].p, p, n);
			assert_true(addr_eq(&v[0].addr, &(struct addr){0}) == false);
			from = links_addr(far_ip[local], FAR_PORT);
			assert_true(addr_eq(&v[0].addr, &from));
			/* and back, in place */
			assert_int_equal(transmit(s, 0, v, 1), 1);
			assert_int_equal(hear(far, q, sizeof(q), &from, &tos), n);
			assert_memory_equal(q, p, n);
			assert_int_equal(from.port, port);
			from.port = 0;
			assert_true(addr_eq(&from, &s->plan.bound[local]));
		}
		close(far);
	}
}

/* Both; the one of the other family fails. */
static void
set_class(int fd, uint8_t dscp)
{
	int class = dscp << 2;

	(void)setsockopt(fd, IPPROTO_IP, IP_TOS, &class, sizeof(class));
	(void)setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &class, sizeof(class));
}

static void
case_dscp(struct stand *s)
{
	static const uint8_t dscp[] = {46, 0, 34};
	struct io_packet v[IO_BATCH];
	uint8_t q[64];
	struct addr from;
	int tos;

	for (unsigned local = 0; local < LOCALS; local++) {
		int far = links_socket(&net, net.there, far_ip[local], FAR_PORT);

		for (unsigned i = 0; i < sizeof(dscp); i++) {
			set_class(far, dscp[i]);
			links_say(far, local_ip[local], PORT_MIN + 2, "marked", 6);
			assert_int_equal(take(s, 0, v, WAIT_MS), 1);
			assert_int_equal(v[0].dscp, dscp[i]);
			empty_batch(v);
			v[0].len = 20;
			v[0].socket = socket_of(local, PORT_MIN + 2);
			v[0].addr = links_addr(far_ip[local], FAR_PORT);
			v[0].dscp = dscp[i];
			assert_int_equal(transmit(s, 0, v, 1), 1);
			assert_int_equal(hear(far, q, sizeof(q), &from, &tos), 20);
			assert_int_equal(tos, dscp[i] << 2);
		}
		close(far);
	}
}

/* Above the MTU: in as fragments, and out. */
static void
case_fragments(struct stand *s)
{
	struct io_packet v[IO_BATCH];
	uint8_t p[2048], q[2048];
	struct addr from;
	int tos;

	fill(p, BIG, 3);
	for (unsigned local = 0; local < LOCALS; local++) {
		int far = links_socket(&net, net.there, far_ip[local], FAR_PORT);

		links_say(far, local_ip[local], PORT_MIN + 4, p, BIG);
		assert_int_equal(take(s, 0, v, WAIT_MS), 1);
		assert_int_equal(v[0].len, BIG);
		assert_memory_equal(v[0].p, p, BIG);
		assert_int_equal(transmit(s, 0, v, 1), 1);
		assert_int_equal(hear(far, q, sizeof(q), &from, &tos), BIG);
		assert_memory_equal(q, p, BIG);
		assert_int_equal(from.port, PORT_MIN + 4);
		close(far);
	}
}

/* Nobody listens at the far port: ICMP errors come back, and change nothing. */
static void
case_unreachable(struct stand *s)
{
	struct io_packet v[IO_BATCH];

	for (unsigned local = 0; local < LOCALS; local++) {
		int far = links_socket(&net, net.there, far_ip[local], FAR_PORT);

		for (unsigned i = 0; i < 20; i++) {
			empty_batch(v);
			v[0].len = 50;
			v[0].socket = socket_of(local, PORT_MIN + 6);
			v[0].addr = links_addr(far_ip[local], FAR_PORT + 1);
			(void)transmit(s, 0, v, 1);
		}
		assert_int_equal(take(s, 0, v, QUIET_MS), 0);
		links_say(far, local_ip[local], PORT_MIN + 6, "still here", 10);
		assert_int_equal(take(s, 0, v, WAIT_MS), 1);
		assert_int_equal(transmit(s, 0, v, 1), 1);
		assert_true(readable(far, WAIT_MS));
		close(far);
	}
}

/* Other programs' sockets beside our range and on other addresses keep their packets. */
static void
case_strangers(struct stand *s)
{
	struct {
		const char *ip;
		unsigned port;
		const char *far;
	} rows[] = {
		{local_ip[0], PORT_MAX + 1, far_ip[0]}, {local_ip[0], PORT_MIN - 1, far_ip[0]},
		{other_ip[0], PORT_MIN, far_ip[0]},     {other_ip[0], PORT_MAX, far_ip[0]},
		{local_ip[2], PORT_MAX + 1, far_ip[2]}, {local_ip[2], PORT_MIN - 1, far_ip[2]},
		{other_ip[1], PORT_MIN, far_ip[2]},     {other_ip[1], PORT_MAX, far_ip[2]},
	};
	struct io_packet v[IO_BATCH];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int own = links_socket(&net, net.here, rows[i].ip, rows[i].port);
		int far = links_socket(&net, net.there, rows[i].far, FAR_PORT);

		links_say(far, rows[i].ip, rows[i].port, "yours", 5);
		if (!readable(own, WAIT_MS))
			fail_msg("%s port %u lost its packet", rows[i].ip, rows[i].port);
		assert_int_equal(take(s, 0, v, 0), 0);
		assert_int_equal(take(s, 1, v, 0), 0);
		close(own);
		close(far);
	}
}

static void
case_too_long(struct stand *s)
{
	uint8_t p[3000] = {0};
	struct io_packet v[IO_BATCH];
	uint64_t before = s->counts[0].rx_strange;

	for (unsigned local = 0; local < LOCALS; local++) {
		int far = links_socket(&net, net.there, far_ip[local], FAR_PORT);
		unsigned n, bytes = 0;

		links_say(far, local_ip[local], PORT_MIN, p, IO_PACKET_MAX);
		links_say(far, local_ip[local], PORT_MIN + 8, p, IO_PACKET_MAX + 1);
		links_say(far, local_ip[local], PORT_MIN + 10, "short", 5);
		(void)readable(s->io[0].fd, WAIT_MS);
		(void)usleep(1000 * QUIET_MS);
		/* in any order: what comes in fragments may take another way */
		for (unsigned i = 0; i < 2; i += n) {
			n = take(s, 0, v, WAIT_MS);
			assert_in_range(n, 1, 2 - i);
			for (unsigned k = 0; k < n; k++)
				bytes += v[k].len;
		}
		assert_int_equal(bytes, IO_PACKET_MAX + 5);
		assert_int_equal(take(s, 0, v, 0), 0);
		close(far);
	}
	assert_int_equal(s->counts[0].rx_strange - before, LOCALS);
}

/* Each worker has the ports of its slice and no other's. */
static void
case_slices(struct stand *s)
{
	struct io_packet v[IO_BATCH];

	for (unsigned local = 0; local < LOCALS; local++) {
		int far = links_socket(&net, net.there, far_ip[local], FAR_PORT);

		for (unsigned port = PORT_MIN; port <= PORT_MAX; port += 13) {
			uint32_t w = media_slot_worker(&s->plan, socket_of(local, port) / 2);

			links_say(far, local_ip[local], port, "mine", 4);
			assert_int_equal(take(s, w, v, WAIT_MS), 1);
			assert_int_equal(v[0].socket, socket_of(local, port));
			assert_int_equal(take(s, 1 - w, v, 0), 0);
		}
		close(far);
	}
}

/* One batch to and from all addresses of both families, with holes. */
static void
case_mixed(struct stand *s)
{
	int far[LOCALS];
	struct io_packet v[IO_BATCH];
	unsigned heard[LOCALS] = {0}, got = 0;
	uint8_t q[64];
	struct addr from;
	int tos;

	for (unsigned l = 0; l < LOCALS; l++)
		far[l] = links_socket(&net, net.there, far_ip[l], FAR_PORT + l);
	empty_batch(v);
	for (unsigned i = 0; i < IO_BATCH; i++) {
		v[i].len = i % 5 == 4 ? 0 : 30 + i;
		v[i].socket = socket_of(i % LOCALS, PORT_MIN + i % 20);
		v[i].addr = links_addr(far_ip[i % LOCALS], FAR_PORT + i % LOCALS);
	}
	assert_int_equal(transmit(s, 0, v, IO_BATCH), IO_BATCH - IO_BATCH / 5);
	for (unsigned l = 0; l < LOCALS; l++)
		while (readable(far[l], QUIET_MS) && hear(far[l], q, sizeof(q), &from, &tos) > 0)
			heard[l]++;
	assert_int_equal(heard[0] + heard[1] + heard[2], IO_BATCH - IO_BATCH / 5);
	for (unsigned i = 0; i < 60; i++)
		links_say(far[i % LOCALS], local_ip[i % LOCALS], PORT_MIN + i % 20, &i, sizeof(i));
	for (int i = 0; i < 20 && got < 60; i++)
		got += take(s, 0, v, WAIT_MS);
	assert_int_equal(got, 60);
	for (unsigned l = 0; l < LOCALS; l++)
		close(far[l]);
}

/* To where nothing can be sent: counted, and the rest of the batch leaves. */
static void
case_refused(struct stand *s)
{
	int far = links_socket(&net, net.there, far_ip[0], FAR_PORT);
	uint64_t before = s->counts[0].tx_refused;
	struct io_packet v[IO_BATCH];

	empty_batch(v);
	for (int i = 0; i < 4; i++) {
		v[i].len = 20;
		v[i].socket = socket_of(0, PORT_MIN);
		v[i].addr = links_addr(far_ip[0], FAR_PORT);
	}
	v[0].addr = links_addr("203.0.113.7", 5000); /* no route */
	v[1].addr = links_addr("fd99::1", 5000);     /* the other family */
	v[2].socket = 2 * PAIRS * LOCALS;            /* no such slot */
	assert_int_equal(transmit(s, 0, v, 4), 1);
	assert_true(readable(far, WAIT_MS));
	assert_int_equal(s->counts[0].tx_refused - before, 3);
	close(far);
}

/* A worker dies with SIGKILL: what came before and in between is the next one's. */
static void
case_kill(struct stand *s)
{
	int far = links_socket(&net, net.there, far_ip[0], FAR_PORT);
	struct io_packet v[IO_BATCH];
	unsigned got = 0;
	pid_t pid;
	int up[2];

	detach_all(s);
	empty_batch(v);
	assert_int_equal(pipe(up), 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (!try_attach(s) || take(s, 0, v, WAIT_MS) != 1 || transmit(s, 0, v, 1) != 1 ||
		    write(up[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	links_say(far, local_ip[0], PORT_MIN, "first", 5);
	close(up[1]);
	assert_int_equal(read(up[0], v[0].p, 1), 1); /* 0: it ended */
	links_say(far, local_ip[0], PORT_MIN + 1, "waits", 5);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	for (unsigned i = 0; i < 30; i++)
		links_say(far, local_ip[0], PORT_MIN + 2, "between", 7);
	attach_all(s);
	for (int i = 0; i < 40 && got < 31; i++)
		got += take(s, 0, v, WAIT_MS);
	assert_int_equal(got, 31);
	assert_int_equal(transmit(s, 0, v, 1), 1);
	close(up[0]);
	close(far);
}

/* More than the queue holds: the rest is counted. */
static void
case_full(struct stand *s)
{
	int far = links_socket(&net, net.there, far_ip[0], FAR_PORT), size = 4096;
	struct io_packet v[IO_BATCH];
	unsigned got = 0, n;

	for (uint32_t i = 0; i < s->set.n; i++)
		if (s->set.fd[i] >= 0)
			(void)setsockopt(s->set.fd[i], SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	for (unsigned i = 0; i < BURST; i++)
		links_say(far, local_ip[0], PORT_MIN, "burst", 5);
	while ((n = take(s, 0, v, QUIET_MS)) > 0)
		got += n;
	assert_in_range(got, 1, BURST - 1);
	s->io[0].do_tick(s->io[0].arg, 1);
	assert_int_equal(s->counts[0].rx_full, BURST - got);
	detach_all(s); /* and the next worker goes on counting */
	attach_all(s);
	s->io[0].do_tick(s->io[0].arg, 2);
	assert_int_equal(s->counts[0].rx_full, BURST - got);
	close(far);
}

/* ---- back ends x cases ---- */

static const struct {
	const char *name;
	void (*do_case)(struct stand *s);
} cases[] = {
	{"sizes", case_sizes},
	{"more", case_more},
	{"dscp", case_dscp},
	{"fragments", case_fragments},
	{"unreachable", case_unreachable},
	{"strangers", case_strangers},
	{"too long", case_too_long},
	{"slices", case_slices},
	{"mixed", case_mixed},
	{"refused", case_refused},
	{"kill", case_kill},
	{"full", case_full},
};

static void
run_cases(uint32_t kind)
{
	if (geteuid() != 0) {
		print_message("# needs root: network namespaces\n");
		skip();
	}
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct stand s;

		print_message("# %s: %s\n", io_kind_name(kind), cases[i].name);
		stand_up(&s, kind);
		cases[i].do_case(&s);
		stand_down(&s);
	}
}

static void
test_sockets(void **state)
{
	(void)state;
	run_cases(IO_SOCKETS);
}

static void
test_steer(void **state)
{
	(void)state;
	run_cases(IO_STEER);
}

static void
test_packet(void **state)
{
	(void)state;
	run_cases(IO_PACKET);
}

static void
test_xdp(void **state)
{
	(void)state;
	run_cases(IO_XDP);
}

static unsigned
send_one(struct stand *s, unsigned local, unsigned len)
{
	struct io_packet v[IO_BATCH];

	empty_batch(v);
	v[0].len = len;
	v[0].socket = socket_of(local, PORT_MIN);
	v[0].addr = links_addr(far_ip[local], FAR_PORT);
	return transmit(s, 0, v, 1);
}

/* How many of n packets, all heard, took the slow way. */
static unsigned
slow_of(struct stand *s, int far, unsigned local, unsigned n, unsigned len)
{
	uint64_t before = s->counts[0].tx_slow;
	uint8_t q[2048];
	struct addr from;
	int tos;

	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(send_one(s, local, len), 1);
		assert_int_equal(hear(far, q, sizeof(q), &from, &tos), len);
	}
	return (unsigned)(s->counts[0].tx_slow - before);
}

/* What leaves as a frame, and what by the raw socket, as neighbours and routes change. */
static void
check_ways(uint32_t kind)
{
	if (geteuid() != 0)
		skip();
	for (unsigned local = 1; local < LOCALS; local++) {
		struct stand s;
		int far;

		stand_up(&s, kind);
		far = links_socket(&net, net.there, far_ip[local], FAR_PORT);
		(void)slow_of(&s, far, local, 3, 100); /* the kernel finds the neighbour */
		links_set(local == 1 ? "neigh replace 10.99.0.1 dev pm0 lladdr 02:00:00:00:99:01 "
				       "nud permanent\n"
				     : "neigh replace fd99::1 dev pm0 lladdr 02:00:00:00:99:01 nud "
				       "permanent\n");
		assert_int_equal(slow_of(&s, far, local, 20, 100), 0);
		assert_int_equal(slow_of(&s, far, local, 3, BIG), 3); /* too long for the link */
		/* the neighbour is gone: the kernel looks for it, then it is direct again */
		links_set(local == 1 ? "neigh del 10.99.0.1 dev pm0\n"
				     : "neigh del fd99::1 dev pm0\n");
		assert_in_range(slow_of(&s, far, local, 20, 100), 1, 10);
		/* another way altogether */
		links_set(local == 1 ? "route add 10.99.0.1/32 dev pm0 mtu 600\n"
				     : "route add fd99::1/128 dev pm0 mtu 1280\n");
		later_us += 10 * CLOCK_S;
		(void)slow_of(&s, far, local, 1, 100);
		assert_int_equal(slow_of(&s, far, local, 3, 1300), 3);
		assert_int_equal(slow_of(&s, far, local, 3, 500), 0);
		links_set(local == 1 ? "route del 10.99.0.1/32 dev pm0\n"
				     : "route del fd99::1/128 dev pm0\n");
		close(far);
		stand_down(&s);
	}
}

static void
test_packet_ways(void **state)
{
	(void)state;
	check_ways(IO_PACKET);
}

static void
test_xdp_ways(void **state)
{
	(void)state;
	check_ways(IO_XDP);
}

/* A port that another program has already: no packet of it may be taken. */
static void
test_taken(void **state)
{
	struct stand s = {.plan = {.n_addrs = 1, .port_min = PORT_MIN, .port_max = PORT_MAX}};
	char why[IO_WHY_MAX];
	int own;

	(void)state;
	if (geteuid() != 0)
		skip();
	s.plan.bound[0] = links_addr(local_ip[0], 0);
	own = links_socket(&net, net.here, "0.0.0.0", PORT_MIN + 7);
	for (uint32_t kind = 0; kind < IO_KINDS; kind++) {
		assert_int_equal(io_make(kind, &s.plan, &s.set, why), ERR_IO);
		assert_non_null(strstr(why, "10.99.0.2:30007"));
		assert_null(s.set.fd);
	}
	close(own);
}

/* Another postern with our addresses and ports would hear nothing. */
static void
test_two(void **state)
{
	struct stand s = {.plan = {.n_addrs = 1, .port_min = PORT_MIN, .port_max = PORT_MAX}};
	struct io_set other = {0};
	char why[IO_WHY_MAX];

	(void)state;
	if (geteuid() != 0)
		skip();
	s.plan.bound[0] = links_addr(local_ip[0], 0);
	assert_int_equal(io_make(IO_STEER, &s.plan, &s.set, why), ERR_OK);
	for (uint32_t kind = 0; kind < IO_KINDS; kind++) {
		assert_int_equal(io_make(kind, &s.plan, &other, why), ERR_IO);
		assert_non_null(strstr(why, "10.99.0.2:30000"));
	}
	io_set_fini(&s.set);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sockets),     cmocka_unit_test(test_steer),
		cmocka_unit_test(test_packet),      cmocka_unit_test(test_xdp),
		cmocka_unit_test(test_packet_ways), cmocka_unit_test(test_xdp_ways),
		cmocka_unit_test(test_taken),       cmocka_unit_test(test_two),
	};

	return cmocka_run_group_tests(tests, net_up, net_down);
}
