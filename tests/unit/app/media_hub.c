/* The role media inside: two workers, each with its share of the ports of two addresses, between
 * real sockets and a signaling. Also for a build with -Db_sanitize=thread. */
#include "unit/media/rig.h"

#include <poll.h>
#include <pthread.h>

#include "app/media_hub.h"
#include "base/clock.h"

enum {
	PAIRS = 12,
	WORKERS = 2,
	CALLS = 8,
	PACKETS = 200,
	PORT_FIRST = 52000,
	WAIT_MS = 5000,
	TURNS = 20,
};

struct ends {
	int a, b;
	struct addr to_a, to_b; /* ports of ours */
	struct media_open leg[2];
	struct far f;
	struct voice va, vb;
	unsigned got_a, got_b;
};

struct stand {
	struct media_setup setup;
	struct io_set set;
	int flows_fd, secrets_fd;
	struct flow_table flows;
	struct flow_secrets secrets;
	struct metric_page pages[WORKERS];
	struct media_hub hub;
	struct media_ctl ctl;
	struct ends ends[CALLS];
	unsigned closed, timeouts;
	uint64_t relayed;
};

static void
on_closed(void *arg, const struct media_closed *c)
{
	struct stand *s = arg;

	s->closed++;
	s->relayed += c->stats.in_packets;
}

static void
on_timeout(void *arg, uint32_t slot, uint32_t generation)
{
	struct stand *s = arg;

	(void)slot, (void)generation;
	s->timeouts++;
}

static void
hub_up(struct stand *s)
{
	assert_int_equal(media_hub_init(&s->hub, &s->setup, s->pages, s->flows_fd, s->secrets_fd),
			 ERR_OK);
	assert_int_equal(s->hub.n, WORKERS);
	for (uint32_t i = 0; i < s->set.n; i++)
		if (s->set.fd[i] >= 0)
			assert_int_equal(media_hub_add(&s->hub, i, dup(s->set.fd[i])), ERR_OK);
}

/* New channels between both, as keeper makes them. */
static void
join(struct stand *s)
{
	int pair[2], ends[WORKERS];

	for (uint32_t i = 0; i < WORKERS; i++) {
		assert_int_equal(channel_pair(pair), ERR_OK);
		media_ctl_rebind(&s->ctl, i, pair[0]);
		ends[i] = pair[1];
	}
	media_hub_bind(&s->hub, ends);
}

static struct stand *
stand_up(uint32_t tick_us)
{
	struct stand *s = mem_zalloc(1, sizeof(*s));
	struct media_plan *p;
	char why[IO_WHY_MAX];

	assert_non_null(s);
	s->setup.tick_us = tick_us;
	p = &s->setup.plan;
	p->n_addrs = 2;
	p->n_workers = WORKERS;
	p->bound[0] = rig_addr("127.0.0.1");
	p->bound[1] = rig_addr("127.0.0.9");
	p->port_min = (uint16_t)(PORT_FIRST + 2 * (getpid() % 4000));
	p->port_max = (uint16_t)(p->port_min + 2 * PAIRS - 1);
	assert_int_equal(io_make(s->setup.io, p, &s->set, why), ERR_OK);
	assert_int_equal(flow_create(p, &s->flows_fd, &s->secrets_fd), ERR_OK);
	assert_int_equal(flow_map(s->flows_fd, false, &s->flows), ERR_OK);
	assert_int_equal(flow_secrets_map(s->secrets_fd, true, &s->secrets), ERR_OK);
	assert_int_equal(
		media_ctl_init(&s->ctl, 1, p, 100, s->flows.head->worker, s->secrets.given),
		ERR_OK);
	s->ctl.arg = s;
	s->ctl.on_closed = on_closed;
	s->ctl.on_timeout = on_timeout;
	hub_up(s);
	join(s);
	assert_int_equal(media_hub_run(&s->hub), ERR_OK);
	return s;
}

static void
hang_up(struct ends *e)
{
	close(e->a);
	close(e->b);
	far_down(&e->f);
}

static void
stand_down(struct stand *s)
{
	for (unsigned i = 0; i < CALLS; i++)
		hang_up(&s->ends[i]);
	media_hub_fini(&s->hub);
	io_set_fini(&s->set);
	media_ctl_fini(&s->ctl);
	flow_unmap(&s->flows);
	flow_secrets_unmap(&s->secrets);
	close(s->flows_fd);
	close(s->secrets_fd);
	mem_free(s);
}

/* ---- calls ---- */

/* A leg on each address, both of one worker; the calls take turns over the workers. */
static void
open_call(struct stand *s, unsigned i, uint32_t generation)
{
	const struct media_plan *p = &s->setup.plan;
	uint32_t pair = i % WORKERS * media_slice(p) + i / WORKERS;
	uint32_t slot[2] = {pair, PAIRS + pair};
	struct ends *e = &s->ends[i];

	assert_int_equal(media_slot_worker(p, slot[0]), i % WORKERS);
	for (int k = 0; k < 2; k++) {
		e->leg[k] = rig_leg(slot[k] & 1, k == 0);
		e->leg[k].slot = slot[k];
		e->leg[k].generation = generation;
		e->leg[k].peer = slot[1 - k];
		e->leg[k].timeout_s = 1;
		e->leg[k].rtcp = (struct addr){0};
		rig_put(&s->secrets.rows[slot[0]], slot[0], k, 1);
	}
	e->a = rig_socket(&e->leg[0].rtp);
	e->b = rig_socket(&e->leg[1].rtp);
	e->to_a = p->bound[0];
	e->to_b = p->bound[1];
	e->to_a.port = media_slot_port(p, slot[0]);
	e->to_b.port = media_slot_port(p, slot[1]);
	far_up(&e->f, slot[0], 1, 1, false);
	e->va = (struct voice){.ssrc = 0xa0 + i, .seq = 65500};
	e->vb = (struct voice){.ssrc = 0xb0 + i, .seq = 100};
	for (int k = 0; k < 2; k++)
		assert_int_equal(media_ctl_open(&s->ctl, &e->leg[k], false), ERR_OK);
}

/* The clear end goes on from another address, as signalling says. */
static void
move_end(struct stand *s, unsigned i)
{
	struct ends *e = &s->ends[i];

	close(e->b);
	e->b = rig_socket(&e->leg[1].rtp);
	assert_int_equal(media_ctl_open(&s->ctl, &e->leg[1], false), ERR_OK);
}

static void
send_to(int fd, const struct addr *to, const uint8_t *p, uint32_t n)
{
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sa(to, &sa);

	assert_int_equal(sendto(fd, p, n, 0, (struct sockaddr *)&sa, len), (ssize_t)n);
}

static void
hear(struct ends *e)
{
	uint8_t p[2048];
	ssize_t n;

	while ((n = recv(e->a, p, sizeof(p), 0)) > 0)
		e->got_a += far_read(&e->f, p, (uint32_t)n) == RTP_HEADER_LEN + PAYLOAD;
	while ((n = recv(e->b, p, sizeof(p), 0)) > 0)
		e->got_b += n == RTP_HEADER_LEN + PAYLOAD;
}

static unsigned
hear_all(struct stand *s)
{
	unsigned n = 0;

	(void)poll(NULL, 0, 1);
	for (unsigned i = 0; i < CALLS; i++) {
		hear(&s->ends[i]);
		n += s->ends[i].got_a + s->ends[i].got_b;
	}
	return n;
}

/* A packet each way. */
static void
say(struct ends *e)
{
	uint8_t p[IO_PACKET_MAX];

	send_to(e->a, &e->to_a, p, far_speak(&e->f, &e->va, p));
	send_to(e->b, &e->to_b, p, speak(&e->vb, p));
}

/* How many came in all, until it is `want`. */
static unsigned
hear_until(struct stand *s, unsigned want)
{
	unsigned got = hear_all(s);

	for (int ms = 0; ms < WAIT_MS && got < want; ms++)
		got = hear_all(s);
	return got;
}

/* Packets each way in each call; how many came in all, `want` at the end. */
static unsigned
talk(struct stand *s, unsigned turns, unsigned want)
{
	for (unsigned t = 0; t < turns; t++) {
		for (unsigned i = 0; i < CALLS; i++)
			say(&s->ends[i]);
		(void)hear_all(s);
	}
	return hear_until(s, want);
}

/* Until *n is at least want. */
static void
wait_for(struct stand *s, const unsigned *n, unsigned want)
{
	for (int ms = 0; ms < WAIT_MS && *n < want; ms++) {
		for (uint32_t w = 0; w < WORKERS; w++)
			assert_int_equal(media_ctl_recv(&s->ctl, w, 1000), ERR_OK);
		(void)poll(NULL, 0, 1);
	}
	assert_true(*n >= want);
}

static void
wait_applied(struct stand *s)
{
	for (int ms = 0; ms < WAIT_MS && media_ctl_waiting(&s->ctl); ms++)
		(void)poll(NULL, 0, 1);
	assert_int_equal(media_ctl_waiting(&s->ctl), 0);
}

static const uint32_t ticks[] = {MEDIA_TICK_EVENT, 500, MEDIA_TICK_ADAPTIVE};

static void
test_two_workers(void **state)
{
	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(ticks); k++) {
		struct stand *s = stand_up(ticks[k]);

		for (unsigned i = 0; i < CALLS; i++)
			open_call(s, i, 7);
		wait_applied(s);
		assert_true(s->flows.head->worker[0].applied && s->flows.head->worker[1].applied);
		ROW_EQUAL("got", talk(s, PACKETS, 2 * CALLS * PACKETS), 2 * CALLS * PACKETS);
		wait_for(s, &s->timeouts, 2 * CALLS); /* silence */
		media_hub_fini(&s->hub);
		hub_up(s);
		join(s);
		assert_int_equal(media_hub_run(&s->hub), ERR_OK);
		ROW_EQUAL("rows and keys are there", talk(s, 5, 2 * CALLS * (PACKETS + 5)),
			  2 * CALLS * (PACKETS + 5));
		for (unsigned i = 0; i < CALLS; i++)
			for (int l = 0; l < 2; l++)
				assert_int_equal(
					media_ctl_close(&s->ctl, s->ends[i].leg[l].slot, 7),
					ERR_OK);
		wait_for(s, &s->closed, 2 * CALLS);
		ROW_EQUAL("relayed", s->relayed, 2 * CALLS * (PACKETS + 5));
		stand_down(s);
	}
}

/* The first packet each way comes as soon as its flow was given: none is lost, however the workers
 * wait. Then an end moves, and its first packet from there comes as soon. */
static void
test_first_packet(void **state)
{
	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(ticks); k++) {
		struct stand *s = stand_up(ticks[k]);

		for (unsigned turn = 0; turn < TURNS; turn++) {
			for (unsigned i = 0; i < CALLS; i++) {
				struct ends *e = &s->ends[i];

				if (turn)
					hang_up(e);
				e->got_a = e->got_b = 0;
				open_call(s, i, 7 + turn);
				say(e);
			}
			ROW_EQUAL("of a new flow", hear_until(s, 2 * CALLS), 2 * CALLS);
			for (unsigned i = 0; i < CALLS; i++) {
				move_end(s, i);
				say(&s->ends[i]);
			}
			ROW_EQUAL("to and from a new address", hear_until(s, 4 * CALLS), 4 * CALLS);
		}
		stand_down(s);
	}
}

/* What was given while media was away is there before the first packet that waited, also where the
 * workers run before signaling has found them. */
static void
test_given_meanwhile(void **state)
{
	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(ticks); k++) {
		struct stand *s = stand_up(ticks[k]);

		media_hub_fini(&s->hub);
		for (unsigned i = 0; i < CALLS; i++) {
			open_call(s, i, 7);
			say(&s->ends[i]);
		}
		hub_up(s);
		assert_int_equal(media_hub_run(&s->hub), ERR_OK);
		(void)poll(NULL, 0, 5);
		join(s);
		ROW_EQUAL("waited", hear_until(s, 2 * CALLS), 2 * CALLS);
		stand_down(s);
	}
}

/* A slot of another worker, or of none: the command is not for this one. */
static void
test_foreign_slots(void **state)
{
	struct stand *s = stand_up(MEDIA_TICK_EVENT);
	struct flow_row row;

	(void)state;
	for (unsigned i = 0; i < CALLS; i++)
		open_call(s, i, 7);
	/* its peer is another worker's: nothing of it may be touched */
	s->ends[0].leg[0].peer = s->ends[1].leg[1].slot;
	assert_int_equal(media_ctl_open(&s->ctl, &s->ends[0].leg[0], false), ERR_OK);
	wait_applied(s);
	assert_int_equal(flow_peek(&s->flows, s->ends[0].leg[0].slot, &row), ERR_OK);
	assert_int_equal(row.conf.peer, MEDIA_NO_SLOT);
	stand_down(s);
}

/* Where packets are few each wakes the worker, then a tick lets half a batch gather. */
static void
test_pace(void **state)
{
	static const struct {
		uint64_t rate;
		uint32_t us;
	} rows[] = {{0, 0},
		    {999, 0},
		    {1000, 1000},
		    {32000, 1000},
		    {64000, 500},
		    {128000, 250},
		    {UINT64_C(1) << 40, 250}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(media_pace(rows[i].rate), rows[i].us);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_workers), cmocka_unit_test(test_first_packet),
		cmocka_unit_test(test_given_meanwhile), cmocka_unit_test(test_foreign_slots),
		cmocka_unit_test(test_pace)};

	return cmocka_run_group_tests(tests, rig_libsrtp, rig_libsrtp_down);
}
