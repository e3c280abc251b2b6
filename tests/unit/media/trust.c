/* The relay over each back end's real packets: what must not be relayed, by the ids of its guards,
 * while a call goes on between SRTP and clear. One test a back end, so that a guard that is out is
 * missed on each. M9 (what SDP may ask) and M12 (clocks) know no packet I/O. Needs root. */
#include "unit/media/rig.h"

#include <poll.h>

#include "base/clock.h"
#include "media/io_choice.h"
#include "unit/net/links.h"

enum {
	PORT = 30000,
	FAR_A = 40000, /* and its RTCP behind it */
	FAR_B = 40010,
	STRANGER = 40020,
	WAIT_MS = 3000,
	JUNK = 150,
};
#define OURS "10.96.0.2"
#define THEIRS "10.96.0.1"

static struct links net = {-1, -1, 0};

static int
net_up(void **state)
{
	if (geteuid() == 0)
		links_up(&net, "addr add " OURS "/24 dev pm0\n",
			 "addr add " THEIRS "/24 dev pm1\n");
	return rig_libsrtp(state);
}

static int
net_down(void **state)
{
	links_down(&net);
	return rig_libsrtp_down(state);
}

/* ---- a call over a back end ---- */

struct call {
	const struct io_backend *be;
	struct io_set set;
	struct io_counts counts;
	struct media_io io;
	struct rig *g;
	int a, a_rtcp, b, stranger;
	struct far f;
	struct voice va, vb;
};
static struct call call;

static void
open_leg(struct call *c, uint32_t slot, bool secure, unsigned port)
{
	struct media_open o = rig_leg(slot, secure);

	o.rtp = links_addr(THEIRS, port);
	o.rtcp = links_addr(THEIRS, port + 1);
	rig_open(c->g, &o);
}

static void
call_up(struct call *c, uint32_t kind)
{
	struct media_plan plan = {.n_addrs = 1, .port_min = PORT, .port_max = PORT + 7};
	char why[IO_WHY_MAX] = "";
	enum err e;

	*c = (struct call){.be = io_backend_of(kind),
			   .va = {.ssrc = 5, .seq = 1000},
			   .vb = {.ssrc = 6, .seq = 2000}};
	plan.bound[0] = links_addr(OURS, 0);
	e = io_make(kind, &plan, &c->set, why);
	if (e != ERR_OK)
		fail_msg("%s: %s: %s", io_kind_name(kind), err_name(e), why);
	assert_int_equal(c->be->do_attach(&plan, &c->counts, &c->io), ERR_OK);
	for (uint32_t i = 0; i < c->set.n; i++)
		if (c->set.fd[i] >= 0)
			assert_int_equal(c->be->do_add(&c->io, i, dup(c->set.fd[i])), ERR_OK);
	c->g = rig_up_over(&plan, &c->io);
	rig_secret(c->g, LEG_A, false, 1);
	rig_secret(c->g, LEG_A, true, 1);
	open_leg(c, LEG_A, true, FAR_A);
	open_leg(c, LEG_B, false, FAR_B);
	far_up(&c->f, LEG_A, 1, 1, false);
	c->a = links_socket(&net, net.there, THEIRS, FAR_A);
	c->a_rtcp = links_socket(&net, net.there, THEIRS, FAR_A + 1);
	c->b = links_socket(&net, net.there, THEIRS, FAR_B);
	c->stranger = links_socket(&net, net.there, THEIRS, STRANGER);
}

/* Also after a failure in the middle: the next back end finds its ports free. */
static int
call_down(void **state)
{
	struct call *c = &call;

	(void)state;
	if (!c->g)
		return 0;
	close(c->a);
	close(c->a_rtcp);
	close(c->b);
	close(c->stranger);
	far_down(&c->f);
	rig_down(c->g);
	c->be->do_detach(&c->io);
	io_set_fini(&c->set);
	c->g = NULL;
	return 0;
}

/* What the relay has done with packets so far. */
static uint64_t
count_done(struct call *c)
{
	uint64_t n = 0;

	for (int i = 0; i < MEDIA_DROP_N; i++)
		n += c->g->flows.mine->dropped[i];
	for (uint32_t slot = LEG_A; slot <= LEG_B; slot++)
		n += rig_row(c->g, slot)->stats.in_packets + rig_row(c->g, slot)->stats.in_rtcp;
	return n;
}

static uint64_t
count_out(struct call *c, uint32_t slot)
{
	return rig_row(c->g, slot)->stats.out_packets;
}

/* One packet to the RTP port of a slot (rtcp: the next one), until the relay is done with it. */
static void
push(struct call *c, int from, uint32_t slot, bool rtcp, const void *p, size_t n)
{
	uint64_t before = count_done(c), start = clock_now_us();

	links_say(from, OURS, PORT + 2 * slot + rtcp, p, n);
	while (count_done(c) == before) {
		struct pollfd fd = {.fd = c->io.fd, .events = POLLIN};

		assert_true(clock_now_us() - start < WAIT_MS * CLOCK_MS);
		(void)poll(&fd, 1, WAIT_MS);
		c->io.do_tick(c->io.arg, clock_now_us()); /* next hops are asked for */
		(void)relay_batch(c->g->relay, c->g->now);
	}
	c->g->now += 20000;
}

/* How many packets the far end of `slot` got for it: 0 or 1, and that one in got. */
static unsigned
relayed(struct call *c, int from, uint32_t slot, const void *p, size_t n, uint8_t *got,
	ssize_t *got_len)
{
	uint32_t out = slot ^ 1;
	uint64_t before = count_out(c, out);
	struct pollfd fd = {.fd = out == LEG_A ? c->a : c->b, .events = POLLIN};
	unsigned left;

	push(c, from, slot, false, p, n);
	left = (unsigned)(count_out(c, out) - before);
	assert_int_equal(poll(&fd, 1, left ? WAIT_MS : 0), left);
	*got_len = left ? recv(fd.fd, got, IO_PACKET_MAX, 0) : 0;
	return left;
}

static unsigned
relays(struct call *c, int from, uint32_t slot, const void *p, size_t n)
{
	uint8_t got[IO_PACKET_MAX];
	ssize_t len;

	return relayed(c, from, slot, p, n, got, &len);
}

/* ---- what must not pass ---- */

/* Before the gateway's first packet nobody else may take its place; and not after it. */
static void
check_strangers(struct call *c)
{
	struct voice evil = {.ssrc = 66, .seq = 1};
	uint8_t p[IO_PACKET_MAX];

	ROW_EQUAL("M2 first", relays(c, c->stranger, LEG_B, p, speak(&evil, p)), 0);
	ROW_EQUAL("M1 the gateway", relays(c, c->b, LEG_B, p, speak(&c->vb, p)), 1);
	ROW_EQUAL("M1 a stranger", relays(c, c->stranger, LEG_B, p, speak(&evil, p)), 0);
}

static void
check_tags(struct call *c)
{
	uint64_t replays = rig_dropped(c->g, LEG_A, MEDIA_DROP_replay);
	uint8_t p[IO_PACKET_MAX], bad[IO_PACKET_MAX];
	uint32_t n = far_speak(&c->f, &c->va, p);

	memcpy(bad, p, n);
	bad[n - 1] ^= 1;
	ROW_EQUAL("M3 spoilt", relays(c, c->a, LEG_A, bad, n), 0);
	ROW_EQUAL("M3 good", relays(c, c->a, LEG_A, p, n), 1);
	ROW_EQUAL("M5 again", relays(c, c->a, LEG_A, p, n), 0);
	ROW_EQUAL("M5 counted", rig_dropped(c->g, LEG_A, MEDIA_DROP_replay), replays + 1);
	/* a number far ahead that nobody signed moves no window */
	n = far_speak(&c->f, &(struct voice){.ssrc = 5, .seq = 20000}, bad);
	bad[n - 1] ^= 1;
	ROW_EQUAL("M6 forged", relays(c, c->a, LEG_A, bad, n), 0);
	far_down(&c->f); /* one that did not send the forged number */
	far_up(&c->f, LEG_A, 1, 1, false);
	n = far_speak(&c->f, &c->va, p);
	ROW_EQUAL("M6 the next one", relays(c, c->a, LEG_A, p, n), 1);
}

/* What looks like the call costs a second authentication 64 times a second, not more. */
static void
check_junk(struct call *c)
{
	struct voice junk = {.ssrc = 5, .seq = 30000};
	uint64_t then = c->g->now;
	uint8_t p[IO_PACKET_MAX];
	unsigned searched = 0;

	for (int i = 0; i < JUNK; i++, c->g->now = then) { /* all at one time */
		uint8_t turn = rig_row(c->g, LEG_A)->in.search_turn;

		push(c, c->a, LEG_A, false, p, speak(&junk, p));
		searched += (uint8_t)(rig_row(c->g, LEG_A)->in.search_turn - turn);
	}
	ROW_EQUAL("M4 searches", searched <= INBOUND_SEARCH_RATE, true);
}

/* The gateway says a number twice, with another sound: never two packets under one index. */
static void
check_index(struct call *c)
{
	struct voice again = c->vb;
	uint8_t p[IO_PACKET_MAX], got[IO_PACKET_MAX];
	ssize_t len;

	ROW_EQUAL("M7 once", relayed(c, c->b, LEG_B, p, speak(&c->vb, p), got, &len), 1);
	ROW_EQUAL("M7 opened", far_read(&c->f, got, (uint32_t)len), RTP_HEADER_LEN + PAYLOAD);
	(void)speak(&again, p);
	p[RTP_HEADER_LEN] ^= 0xff;
	ROW_EQUAL("M7 twice", relays(c, c->b, LEG_B, p, RTP_HEADER_LEN + PAYLOAD), 0);
}

static void
check_headers(struct call *c)
{
	static const struct {
		const char *name;
		uint8_t first, last;
		unsigned len;
	} rows[] = {
		{"M8 version 0", 0x00, 0, RTP_HEADER_LEN + PAYLOAD},
		{"M8 version 1", 0x40, 0, RTP_HEADER_LEN + PAYLOAD},
		{"M8 version 3", 0xc0, 0, RTP_HEADER_LEN + PAYLOAD},
		{"M11 15 CSRC in 20 bytes", 0x8f, 0, 20},
		{"M11 extension past the end", 0x90, 0, 20},
		{"M11 padding past the end", 0xa0, 255, RTP_HEADER_LEN + PAYLOAD},
	};
	uint8_t p[IO_PACKET_MAX];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct voice v = c->vb;

		(void)speak(&v, p);
		memset(p + RTP_HEADER_LEN, 0xff, 8);
		p[0] = rows[i].first;
		p[rows[i].len - 1] = rows[i].last;
		ROW_EQUAL(rows[i].name, relays(c, c->b, LEG_B, p, rows[i].len), 0);
	}
}

/* SRTCP that says that it is not encrypted. */
static void
check_rtcp(struct call *c)
{
	uint8_t p[IO_PACKET_MAX] = {0};
	struct rtcp_block none = {0};
	struct buf b;
	int n;

	buf_init(&b, (char *)p, sizeof(p));
	rtcp_put_rr(&b, c->va.ssrc, &none, 0);
	n = (int)b.len;
	assert_int_equal(srtp_protect_rtcp(c->f.tx, p, &n), srtp_err_status_ok);
	p[n - 14] &= 0x7f;
	push(c, c->a_rtcp, LEG_A, true, p, (size_t)n);
	ROW_EQUAL("M10 refused", rig_dropped(c->g, LEG_A, MEDIA_DROP_clear), 1);
	ROW_EQUAL("M10 passed on", rig_row(c->g, LEG_B)->stats.out_rtcp, 0);
}

static void
run_on(uint32_t kind)
{
	struct call *c = &call;
	uint8_t p[IO_PACKET_MAX];

	if (geteuid() != 0 || !io_backend_of(kind))
		skip();
	call_up(c, kind);
	check_strangers(c);
	check_tags(c);
	check_junk(c);
	check_index(c);
	check_headers(c);
	check_rtcp(c);
	ROW_EQUAL("at the end", relays(c, c->a, LEG_A, p, far_speak(&c->f, &c->va, p)), 1);
	ROW_EQUAL("and back", relays(c, c->b, LEG_B, p, speak(&c->vb, p)), 1);
}

static void
test_sockets(void **state)
{
	(void)state;
	run_on(IO_SOCKETS);
}

static void
test_steer(void **state)
{
	(void)state;
	run_on(IO_STEER);
}

static void
test_packet(void **state)
{
	(void)state;
	run_on(IO_PACKET);
}

static void
test_xdp(void **state)
{
	(void)state;
	run_on(IO_XDP);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_sockets, call_down),
		cmocka_unit_test_teardown(test_steer, call_down),
		cmocka_unit_test_teardown(test_packet, call_down),
		cmocka_unit_test_teardown(test_xdp, call_down),
	};

	return cmocka_run_group_tests(tests, net_up, net_down);
}
