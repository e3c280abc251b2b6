#include "media/media.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metric.h"

enum {
	TICK_MIN_US = 250,
	TICK_MAX_US = 1000,
	TICK_PACKETS = IO_BATCH / 2, /* a tick lets so many gather */
	FEW_A_SECOND = 1000,         /* below, each packet is worth a wake-up */
	GATHER_US = 5 * 1000,        /* between two looks for commands without packets */
	CATCH_UP_US = 20 * 1000,     /* that signaling has to repeat what the last worker lost */
};

static bool
send_event(void *arg, uint16_t type, const void *body, size_t len)
{
	struct media *m = arg;

	/* it leaves at the end of the step */
	return channel_push(&m->commands, type, body, len, type == MEDIA_CLOSED) == ERR_OK;
}

/* ---- commands ---- */

void
media_bind(struct media *m, int fd)
{
	int last = __atomic_exchange_n(&m->next_end, fd, __ATOMIC_ACQ_REL);

	if (last >= 0)
		close(last);
}

static bool
send_datagram(struct media *m, const struct channel_msg *msg)
{
	struct media_send s;

	if (msg->head.length != sizeof(s))
		return false;
	memcpy(&s, msg->body, sizeof(s));
	relay_send_as_is(&m->relay, &s);
	return true;
}

static bool
take_digit(struct media *m, const struct channel_msg *msg, uint64_t now_us)
{
	struct media_digit d;

	if (msg->head.length != sizeof(d))
		return false;
	memcpy(&d, msg->body, sizeof(d));
	relay_digit(&m->relay, &d, now_us);
	return true;
}

/* False: it is none of ours. */
static bool
take_command(struct media *m, const struct channel_msg *msg, uint64_t now_us)
{
	struct media_cmd c;

	if (msg->head.type == MEDIA_SEND)
		return send_datagram(m, msg);
	if (msg->head.type == MEDIA_DIGIT)
		return take_digit(m, msg, now_us);
	if (msg->head.length != sizeof(c))
		return false;
	memcpy(&c, msg->body, sizeof(c));
	return c.type == msg->head.type && control_apply(&m->relay, &c, now_us) == ERR_OK;
}

static void
take_commands(struct media *m, uint64_t now_us)
{
	struct channel_msg msg;

	m->commands_us = 0;
	for (int i = 0; i < MEDIA_COMMANDS_MAX && m->commands.n < MEDIA_EVENTS_MAX / 2; i++) {
		enum err e = channel_recv(&m->commands, &msg, NULL, NULL);

		if (e == ERR_AGAIN)
			return;
		if (e != ERR_OK || !take_command(m, &msg, now_us)) {
			if (e != ERR_CLOSED)
				log_error("media.command", "type=%u length=%u why=not-understood",
					  msg.head.type, msg.head.length);
			channel_rebind(&m->commands, -1); /* keeper brings a new end */
			return;
		}
		m->commands_us = now_us + GATHER_US;
	}
}

/* Was something given that this worker has not applied? */
static bool
is_behind(const struct media *m)
{
	return __atomic_load_n(&m->secrets.given[m->relay.conf.worker].mark, __ATOMIC_ACQUIRE) >
	       m->flows.mine->applied;
}

static void
catch_up(void *arg, uint64_t now_us)
{
	struct media *m = arg;

	if (is_behind(m))
		take_commands(m, now_us);
}

/* Signaling was started again: it hears anew what the old one was told. */
static void
adopt_end(struct media *m)
{
	if (__atomic_load_n(&m->next_end, __ATOMIC_RELAXED) < 0)
		return;
	take_commands(m, clock_now_us()); /* the last of the old one */
	channel_rebind(&m->commands, __atomic_exchange_n(&m->next_end, -1, __ATOMIC_ACQ_REL));
	for (uint32_t i = 0; i < m->relay.n_open; i++) {
		struct flow_row *row = relay_touch(&m->relay, m->relay.open[i]);

		row->timeout_said = row->rekey_said = 0;
		relay_settle(&m->relay);
	}
}

/* What the last worker was told and took with it comes again: before the first packet. */
static void
await_commands(struct media *m)
{
	uint64_t now = clock_now_us(), until = now + CATCH_UP_US;

	for (; is_behind(m) && now < until; now = clock_now_us()) {
		struct pollfd p = {.events = POLLIN};

		adopt_end(m);
		p.fd = m->commands.fd;
		(void)poll(&p, 1, 1);
		take_commands(m, now);
	}
}

/* ---- start ---- */

static enum err
map_segments(struct media *m, uint32_t worker, int flows_fd, int secrets_fd)
{
	uint32_t n_slots = media_slots(&m->setup->plan);
	enum err e = flow_map(flows_fd, true, &m->flows);

	if (e == ERR_OK)
		e = flow_secrets_map(secrets_fd, false, &m->secrets);
	if (e != ERR_OK)
		return e;
	m->flows.mine = &m->flows.head->worker[worker];
	return m->backend && m->flows.n_slots == n_slots && m->secrets.n_slots >= n_slots
		       ? ERR_OK
		       : ERR_CONFIG;
}

enum err
media_init(struct media *m, const struct media_setup *setup, uint32_t worker, int flows_fd,
	   int secrets_fd)
{
	struct relay_conf conf;
	enum err e;

	*m = (struct media){.setup = setup, .backend = io_backend_of(setup->io), .next_end = -1};
	if (setup->tick_us != MEDIA_TICK_ADAPTIVE)
		m->pace_us = setup->tick_us;
	e = channel_init(&m->commands, -1, MEDIA_EVENTS_MAX);
	if (e == ERR_OK)
		e = channel_gather(&m->commands);
	if (e == ERR_OK)
		e = map_segments(m, worker, flows_fd, secrets_fd);
	if (e == ERR_OK)
		e = m->backend->do_attach(&setup->plan, &m->flows.head->counts[worker], &m->io);
	if (e == ERR_OK)
		e = srtp_ctx_init(&m->srtp, SRTP_ENGINE_AUTO,
				  KEYS_A_SLOT * setup->plan.n_addrs * media_slice(&setup->plan));
	conf = (struct relay_conf){.plan = &setup->plan,
				   .worker = worker,
				   .flows = &m->flows,
				   .secrets = &m->secrets,
				   .srtp = &m->srtp,
				   .io = m->io,
				   .arg = m,
				   .on_event = send_event,
				   .on_received = catch_up};
	if (e == ERR_OK)
		e = relay_init(&m->relay, &conf);
	m->has_relay = e == ERR_OK;
	if (e != ERR_OK) {
		media_fini(m);
		return e;
	}
	(void)snprintf(m->flows.head->srtp, FLOW_SRTP_MAX, "%s %s", m->srtp.ops->name,
		       m->srtp.work.kernels);
	(void)snprintf(m->flows.head->io, FLOW_IO_MAX, "%s", io_kind_name(setup->io));
	return ERR_OK;
}

void
media_fini(struct media *m)
{
	if (m->has_relay)
		relay_fini(&m->relay);
	m->has_relay = false;
	srtp_ctx_fini(&m->srtp);
	if (m->backend)
		m->backend->do_detach(&m->io);
	flow_secrets_unmap(&m->secrets);
	flow_unmap(&m->flows);
	channel_fini(&m->commands);
	media_bind(m, -1);
}

enum err
media_add(struct media *m, uint32_t place, int fd)
{
	return m->backend->do_add(&m->io, place, fd);
}

/* ---- time ---- */

uint32_t
media_pace(uint64_t rate)
{
	uint64_t us = rate < FEW_A_SECOND ? 0 : TICK_PACKETS * UINT64_C(1000000) / rate;

	if (us == 0)
		return rate < FEW_A_SECOND ? MEDIA_TICK_EVENT : TICK_MIN_US;
	return us < TICK_MIN_US ? TICK_MIN_US : us > TICK_MAX_US ? TICK_MAX_US : (uint32_t)us;
}

static void
measure_load(struct media *m, uint64_t now_us)
{
	uint64_t dropped = 0, gone = now_us - m->counted_us;

	if (m->setup->tick_us == MEDIA_TICK_ADAPTIVE && m->counted_us && gone > 0)
		m->pace_us = media_pace(m->counted * 1000000 / gone);
	metric_add(METRIC_media_packets, (int64_t)m->counted);
	m->counted = 0;
	m->counted_us = now_us;
	for (int i = 0; i < MEDIA_DROP_N; i++)
		dropped += m->flows.mine->dropped[i];
	metric_set(METRIC_media_dropped, dropped);
}

static void
tick(struct media *m, uint64_t now_us)
{
	if (m->io.do_tick)
		m->io.do_tick(m->io.arg, now_us);
	control_tick(&m->relay, now_us, (uint64_t)clock_wall_us());
	measure_load(m, now_us);
	m->tick_us = now_us + CONTROL_TICK_US;
}

/* When there is something to do that nothing wakes us for. */
static uint64_t
next_due(const struct media *m, uint64_t now_us)
{
	uint64_t until = m->pace_us ? m->batch_us + m->pace_us : m->tick_us;

	if (m->busy || channel_waits(&m->commands))
		return now_us;
	if (m->commands_us && m->commands_us < until)
		until = m->commands_us;
	if (rtp_digits_due(&m->relay.playing) < until)
		until = rtp_digits_due(&m->relay.playing);
	if (m->commands.fd < 0 && now_us + GATHER_US < until)
		until = now_us + GATHER_US; /* a new end may have come */
	return until;
}

/* Sleep until one of these is ready, or the next thing is due. */
static int
nap(const struct media *m, struct pollfd fds[2])
{
	uint64_t now = clock_now_us(), until = next_due(m, now),
		 left = until > now ? until - now : 0;
	struct timespec ts = {(time_t)(left / 1000000), (long)(left % 1000000 * 1000)};

	return ppoll(fds, 2, &ts, NULL);
}

void
media_step(struct media *m)
{
	bool wakes = m->pace_us == 0 && !m->busy;
	short out = m->commands.n ? POLLOUT : 0;
	struct pollfd fds[] = {
		{.fd = m->commands.fd, .events = (short)((m->commands_us ? 0 : POLLIN) | out)},
		{.fd = wakes ? m->io.fd : -1, .events = POLLIN},
	};
	int ready = nap(m, fds);
	uint64_t now = clock_now_us();

	adopt_end(m);
	if ((ready > 0 && fds[0].revents) || channel_waits(&m->commands) ||
	    (m->commands_us && now >= m->commands_us))
		take_commands(m, now);
	if (!wakes || (ready > 0 && fds[1].revents)) {
		unsigned n = relay_batch(&m->relay, now);

		m->batch_us = now;
		/* sockets give one packet a port in a batch: more may wait behind it */
		m->busy = n == IO_BATCH || (n > 0 && m->setup->io == IO_SOCKETS) ||
			  (m->io.more && *m->io.more);
		m->counted += n;
	}
	if (now >= rtp_digits_due(&m->relay.playing))
		relay_play(&m->relay, now);
	if (now >= m->tick_us)
		tick(m, now);
	if (m->commands.n)
		channel_flush(&m->commands);
}

void
media_stop(struct media *m)
{
	__atomic_store_n(&m->stop, true, __ATOMIC_RELEASE);
}

void
media_run(struct media *m)
{
	await_commands(m);
	while (!__atomic_load_n(&m->stop, __ATOMIC_ACQUIRE))
		media_step(m);
}
