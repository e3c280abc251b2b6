#include "media/media.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metric.h"

static bool
send_event(void *arg, uint16_t type, const void *body, size_t len)
{
	struct media *m = arg;

	if (m->signaling.fd < 0)
		return false; /* a new signaling asks again */
	return channel_send(&m->signaling, type, body, len, type == MEDIA_CLOSED) == ERR_OK;
}

enum err
media_init(struct media *m, const struct media_setup *setup, int flows_fd, int secrets_fd,
	   int signaling_fd)
{
	uint32_t n_slots = media_slots(&setup->plan);
	struct relay_conf conf;
	enum err e;

	memset(m, 0, sizeof(*m));
	m->backend = io_backend_of(setup->io);
	e = channel_init(&m->signaling, signaling_fd, MEDIA_EVENTS_MAX);
	if (e == ERR_OK)
		e = flow_map(flows_fd, true, &m->flows);
	if (e == ERR_OK)
		e = flow_secrets_map(secrets_fd, false, &m->secrets);
	if (e == ERR_OK &&
	    (!m->backend || m->flows.n_slots != n_slots || m->secrets.n_slots < n_slots))
		e = ERR_CONFIG;
	if (e == ERR_OK)
		e = m->backend->do_attach(&setup->plan, 0, &m->flows.head->counts[0], &m->io);
	conf = (struct relay_conf){.flows = &m->flows,
				   .secrets = &m->secrets,
				   .io = m->io,
				   .arg = m,
				   .on_event = send_event};
	if (e == ERR_OK)
		e = relay_init(&m->relay, &conf);
	m->has_relay = e == ERR_OK;
	if (e == ERR_OK)
		(void)snprintf(m->flows.head->io, FLOW_IO_MAX, "%s", m->backend->name);
	else
		media_fini(m);
	return e;
}

void
media_fini(struct media *m)
{
	if (m->has_relay)
		relay_fini(&m->relay);
	m->has_relay = false;
	if (m->backend)
		m->backend->do_detach(&m->io);
	flow_secrets_unmap(&m->secrets);
	flow_unmap(&m->flows);
	channel_fini(&m->signaling);
}

enum err
media_add_fds(struct media *m, uint32_t first, const int *fds, uint32_t n, bool last)
{
	enum err result = ERR_OK;

	for (uint32_t i = 0; i < n; i++) {
		enum err e = m->backend->do_add(&m->io, first + i, fds[i]);

		if (e != ERR_OK)
			result = e;
	}
	m->complete |= last;
	return result;
}

void
media_rebind(struct media *m, int fd)
{
	channel_rebind(&m->signaling, fd);
	for (uint32_t i = 0; i < m->relay.n_open; i++) {
		struct flow_row *row = relay_touch(&m->relay, m->relay.open[i]);

		row->timeout_said = row->rekey_said = 0;
		relay_settle(&m->relay);
	}
}

/* False: the sender broke the rules, or is gone. */
static bool
take_command(struct media *m, const struct channel_msg *msg, uint64_t now_us)
{
	struct media_cmd c;

	if (msg->head.length != sizeof(c))
		return false;
	memcpy(&c, msg->body, sizeof(c));
	return c.type == msg->head.type && control_apply(&m->relay, &c, now_us) == ERR_OK;
}

static void
take_commands(struct media *m, uint64_t now_us)
{
	struct channel_msg msg;

	for (int i = 0; i < MEDIA_COMMANDS_MAX && m->signaling.n < MEDIA_EVENTS_MAX / 2; i++) {
		enum err e = channel_recv(&m->signaling, &msg, NULL, NULL);

		if (e == ERR_AGAIN)
			return;
		if (e == ERR_OK && take_command(m, &msg, now_us))
			continue;
		if (e != ERR_CLOSED)
			log_error("media.channel", "type=%u length=%u why=not-a-command",
				  msg.head.type, msg.head.length);
		channel_rebind(&m->signaling, -1); /* keeper brings a new end */
		return;
	}
}

static int
sleep_ms(const struct media *m, uint64_t now_us)
{
	if (!m->complete)
		return -1;
	if (m->busy || now_us >= m->tick_us)
		return 0;
	return (int)((m->tick_us - now_us + CLOCK_MS - 1) / CLOCK_MS);
}

static void
count_batch(struct media *m, unsigned n)
{
	uint64_t dropped = 0;

	for (int i = 0; i < MEDIA_DROP_N; i++)
		dropped += m->flows.head->totals[i];
	metric_add(METRIC_media_packets, n);
	metric_set(METRIC_media_dropped, dropped);
}

void
media_step(struct media *m, int other_fd, bool *other)
{
	struct pollfd fds[] = {
		{.fd = m->complete ? m->io.fd : -1, .events = POLLIN},
		{.fd = m->signaling.fd, .events = (short)(POLLIN | (m->signaling.n ? POLLOUT : 0))},
		{.fd = other_fd, .events = POLLIN},
	};
	int ready = poll(fds, ARRAY_LEN(fds), sleep_ms(m, clock_now_us()));
	uint64_t now = clock_now_us();
	unsigned n;

	*other = ready > 0 && fds[2].revents;
	if (ready > 0 && fds[1].revents)
		take_commands(m, now);
	m->busy = false;
	if (ready > 0 && fds[0].revents) {
		n = relay_batch(&m->relay, now);
		m->busy = n > 0;
		count_batch(m, n);
	}
	if (now >= m->tick_us && m->complete) {
		if (m->io.do_tick)
			m->io.do_tick(m->io.arg, now);
		control_tick(&m->relay, now, (uint64_t)clock_wall_us());
		m->tick_us = now + CONTROL_TICK_US;
	}
	if (m->signaling.n)
		channel_flush(&m->signaling);
}
