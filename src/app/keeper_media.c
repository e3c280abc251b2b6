#include "app/keeper_media.h"

#include "base/log.h"

enum err
keeper_media_make(struct keeper_media *m, const struct conf *conf)
{
	struct media_plan plan;
	const char *name;
	enum err e;

	conf_media_plan(conf, &plan);
	e = io_choose(conf->media_io, &plan, &m->set, &m->how);
	name = io_kind_name(m->how.kind);
	if (e != ERR_OK)
		log_error("keeper.bind", "media I/O %s: %s", name, m->how.why);
	else if (m->how.why[0])
		log_warn("keeper.io", "media I/O %s, not steer: %s", name, m->how.why);
	else
		log_info("keeper.io", "media I/O %s, %s", name,
			 conf->media_io == IO_WANT_AUTO ? "the best that can be had"
							: "as configured");
	return e;
}

/* Of the places that hold something: the next run of up to CHANNEL_FDS. */
static struct keeper_sockets
next_run(const struct io_set *s, uint32_t from)
{
	struct keeper_sockets msg = {0};

	while (from < s->n && s->fd[from] < 0)
		from++;
	msg.first = from;
	while (from < s->n && s->fd[from] >= 0 && msg.n < CHANNEL_FDS) {
		from++;
		msg.n++;
	}
	while (from < s->n && s->fd[from] < 0)
		from++;
	msg.last = from == s->n;
	return msg;
}

void
keeper_media_send(struct keeper_media *m, struct channel *chan)
{
	while (keeper_media_waits(m)) {
		struct keeper_sockets msg = next_run(&m->set, m->sent);

		if (channel_send_fds(chan, KEEPER_SOCKETS, &msg, sizeof(msg), m->set.fd + msg.first,
				     msg.n) != ERR_OK)
			return; /* the loop comes back */
		m->sent = msg.last ? m->set.n : msg.first + msg.n;
	}
}

bool
keeper_media_waits(const struct keeper_media *m)
{
	return m->sent < m->set.n;
}
