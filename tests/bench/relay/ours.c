/* Keeper's and signaling's place around the media role: the descriptors that keeper makes, the
 * process that it starts (this program again, as the role), the calls that signaling opens. */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "app/spawn.h"
#include "base/mem.h"
#include "bench.h"
#include "media/media.h"
#include "relay/contender.h"
#include "srtp/suite.h"

enum {
	EPOCH = 1,
	GENERATION = 1,
	WAIT_MS = 5000,
	OPENS_MAX = 2 * TRAFFIC_CALLS_MAX,
	DSCP_EF = 46,
	TIMEOUT_S = 300,
	PTIME_MS = 20,
	CLOCK_RATE = 8000,
	PIPE_ROOM = 16,
};

struct ours {
	struct media_setup setup;
	struct io_set set;
	int setup_fd, flows_fd, secrets_fd, metrics_fd;
	struct flow_table flows;
	struct flow_secrets secrets;
	struct channel keeper;
	struct media_ctl ctl;
	bool has_ctl;
};

static void
close_ours(struct contender *c)
{
	struct ours *o = c->own;

	if (c->pid && o->keeper.queue)
		(void)!channel_send(&o->keeper, KEEPER_STOP, NULL, 0, true);
	contender_reap(c);
	if (o->has_ctl)
		media_ctl_fini(&o->ctl);
	channel_fini(&o->keeper);
	flow_secrets_unmap(&o->secrets);
	flow_unmap(&o->flows);
	close(o->setup_fd);
	close(o->flows_fd);
	close(o->secrets_fd);
	close(o->metrics_fd);
	io_set_fini(&o->set);
	mem_free(o);
}

/* ---- keeper ---- */

static void
plan_media(struct media_setup *s, const struct contender_mode *m, unsigned n_calls)
{
	struct media_plan *p = &s->plan;

	BENCH_MUST(addr_parse_ip(STR(BED_FAR), &p->bound[0]) == ERR_OK);
	p->advertised[0] = p->bound[0];
	p->n_addrs = 1;
	p->port_min = CONTENDER_PORT_MIN;
	p->port_max = (uint16_t)(CONTENDER_PORT_MIN + 4 * n_calls - 1);
	s->io = m->kind;
	s->tick_us = m->tick_us;
}

static void
make_segments(struct ours *o)
{
	BENCH_MUST(shm_blob("bench-media", str_of(&o->setup, sizeof(o->setup)), &o->setup_fd) ==
		   ERR_OK);
	BENCH_MUST(flow_create(&o->setup.plan, &o->flows_fd, &o->secrets_fd) == ERR_OK);
	BENCH_MUST(shm_create("bench-metrics", METRICS_MAGIC, METRICS_VERSION,
			      sizeof(struct keeper_metrics), &o->metrics_fd) == ERR_OK);
	BENCH_MUST(flow_map(o->flows_fd, false, &o->flows) == ERR_OK);
	BENCH_MUST(flow_secrets_map(o->secrets_fd, true, &o->secrets) == ERR_OK);
}

static void
start_role(struct contender *c, const struct bed *b)
{
	struct ours *o = c->own;
	struct keeper_peer peer = {.role = KEEPER_ROLE_SIGNALING, .epoch = EPOCH};
	int keeper[2], signaling[2];
	struct spawn_fds fds;

	BENCH_MUST(channel_pair(keeper) == ERR_OK && channel_pair(signaling) == ERR_OK);
	if (contender_fork(c, b) == 0) {
		for (size_t i = 0; i < ARRAY_LEN(fds.from); i++)
			fds.from[i] = -1;
		fds.from[ROLE_FD_KEEPER] = keeper[1];
		fds.from[ROLE_FD_CONF] = o->setup_fd;
		fds.from[ROLE_FD_FLOWS] = o->flows_fd;
		fds.from[ROLE_FD_SECRETS] = o->secrets_fd;
		fds.from[ROLE_FD_METRICS] = o->metrics_fd;
		spawn_exec(KEEPER_ROLE_MEDIA, EPOCH, LOG_WARN, &fds, c->log);
	}
	close(keeper[1]);
	BENCH_MUST(channel_init(&o->keeper, keeper[0], PIPE_ROOM) == ERR_OK);
	BENCH_MUST(channel_send_fds(&o->keeper, KEEPER_PEER, &peer, sizeof(peer), &signaling[1],
				    1) == ERR_OK);
	close(signaling[1]);
	BENCH_MUST(media_ctl_init(&o->ctl, EPOCH, &o->setup.plan, OPENS_MAX, o->flows.head->worker,
				  o->secrets.given) == ERR_OK);
	media_ctl_rebind(&o->ctl, 0, signaling[0]);
	o->has_ctl = true;
}

/* As long as it takes, within WAIT_MS; false: not, or the other side is gone. */
static bool
wait_for(int fd, short events)
{
	struct pollfd p = {.fd = fd, .events = events};

	return poll(&p, 1, WAIT_MS) == 1 && !(p.revents & (POLLERR | POLLNVAL));
}

/* The descriptors that are there, in runs, as keeper passes them on. */
static bool
pass_descriptors(struct ours *o)
{
	uint32_t at = 0;

	while (at < o->set.n) {
		struct keeper_sockets msg = {0};

		while (at < o->set.n && o->set.fd[at] < 0)
			at++;
		msg.first = at;
		while (at < o->set.n && o->set.fd[at] >= 0 && msg.n < CHANNEL_FDS) {
			at++;
			msg.n++;
		}
		while (at < o->set.n && o->set.fd[at] < 0)
			at++;
		msg.last = at == o->set.n;
		while (channel_send_fds(&o->keeper, KEEPER_SOCKETS, &msg, sizeof(msg),
					o->set.fd + msg.first, msg.n) != ERR_OK)
			if (!wait_for(o->keeper.fd, POLLOUT))
				return false;
	}
	return true;
}

static bool
wait_ready(struct ours *o)
{
	struct channel_msg msg;
	enum err e;

	do {
		if (!wait_for(o->keeper.fd, POLLIN))
			return false;
		e = channel_recv(&o->keeper, &msg, NULL, NULL);
	} while (e == ERR_AGAIN);
	return e == ERR_OK && msg.head.type == KEEPER_READY;
}

/* ---- signaling ---- */

static void
put_key(struct media_master pair[2], const struct traffic_case *what, const uint8_t *key_salt)
{
	const struct srtp_suite *s = srtp_suite_get(what->suite_id);
	struct sdp_key key = {.key_len = s->key_len, .salt_len = s->salt_len};

	memcpy(key.key, key_salt, s->key_len);
	memcpy(key.salt, key_salt + s->key_len, s->salt_len);
	BENCH_MUST(media_secret_put(pair, 1, &key) == ERR_OK);
}

static void
put_keys(struct ours *o, const struct traffic_case *what, unsigned call, struct traffic_call *t)
{
	struct media_secret *row = &o->secrets.rows[2 * call];
	uint8_t in_key[TRAFFIC_KEY_MAX];

	traffic_key(call, in_key);
	traffic_key(call + TRAFFIC_CALLS_MAX, t->out_key);
	put_key(row->in, what, in_key);
	put_key(row->out, what, t->out_key);
}

static void
open_leg(struct ours *o, const struct traffic_case *what, unsigned call, enum traffic_leg leg)
{
	bool secure = what->suite && leg == TRAFFIC_A;
	struct media_open m = {
		.slot = 2 * call + leg,
		.generation = GENERATION,
		.peer = 2 * call + !leg,
		.flags = MEDIA_F_RECV | MEDIA_F_SEND | MEDIA_F_ANSWERED |
			 (secure ? MEDIA_F_SECURE : 0),
		.in_serial = secure,
		.out_serial = secure,
		.in_suite = secure ? (uint8_t)what->suite_id : 0,
		.out_suite = secure ? (uint8_t)what->suite_id : 0,
		.dscp = DSCP_EF,
		.ptime_ms = PTIME_MS,
		.clock_rate = CLOCK_RATE,
		.timeout_s = TIMEOUT_S,
		.cname = "bench",
	};

	BENCH_MUST(addr_parse_ip(STR(BED_NEAR), &m.rtp) == ERR_OK);
	m.rtp.port = traffic_port(call, leg);
	BENCH_MUST(media_ctl_open(&o->ctl, &m, false) == ERR_OK);
}

static bool
open_calls(struct ours *o, const struct traffic_case *what, unsigned n_calls,
	   struct traffic_call *calls)
{
	double since = bench_clock(CLOCK_MONOTONIC);

	for (unsigned i = 0; i < n_calls; i++) {
		for (unsigned leg = 0; leg < 2; leg++)
			calls[i].port[leg] = media_slot_port(&o->setup.plan, 2 * i + leg);
		if (what->suite)
			put_keys(o, what, i, &calls[i]);
		open_leg(o, what, i, TRAFFIC_A);
		open_leg(o, what, i, TRAFFIC_B);
	}
	while (media_ctl_waiting(&o->ctl)) {
		if (bench_clock(CLOCK_MONOTONIC) - since > WAIT_MS / 1000.0)
			return false;
		(void)media_ctl_flush(&o->ctl);
		if (media_ctl_recv(&o->ctl, 0, 1) == ERR_CLOSED)
			return false;
		usleep(1000);
	}
	return true;
}

bool
ours_start(struct contender *c, const struct bed *b, const struct contender_mode *m,
	   const struct traffic_case *what, unsigned n_calls, struct traffic_call *calls, char *why)
{
	struct ours *o = mem_zalloc(1, sizeof(*o));
	enum err e;

	BENCH_MUST(o && io_backend_of(m->kind));
	*c = (struct contender){.own = o, .do_stop = close_ours};
	o->keeper.fd = -1;
	plan_media(&o->setup, m, n_calls);
	bed_enter_far(b);
	e = io_make(m->kind, &o->setup.plan, &o->set, why);
	bed_enter_near(b);
	make_segments(o);
	if (e != ERR_OK) {
		contender_stop(c);
		return false;
	}
	start_role(c, b);
	if (pass_descriptors(o) && wait_ready(o) && open_calls(o, what, n_calls, calls))
		return true;
	contender_why(c, "the media role did not come up", why);
	contender_stop(c);
	return false;
}
