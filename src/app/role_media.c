/* media: packets, and nothing else. Its descriptors are those of enum role_fd; the media sockets
 * come over keeper's channel, so that they outlive us, and the workers' ends towards signaling too.
 */
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "app/keeper_msg.h"
#include "app/media_hub.h"
#include "app/role.h"
#include "base/log.h"

struct media_role {
	struct media_setup setup;
	struct media_hub hub;
	struct metric_page *pages; /* of the workers */
	struct channel keeper;
	bool stop;
};

static enum err
read_setup(struct media_setup *out)
{
	struct str blob;
	enum err e = shm_blob_map(ROLE_FD_CONF, &blob);

	if (e != ERR_OK)
		return e;
	e = blob.len == sizeof(*out) ? ERR_OK : ERR_VERSION;
	if (e == ERR_OK)
		memcpy(out, blob.p, sizeof(*out));
	shm_blob_unmap(&blob);
	return e;
}

static enum err
bind_metrics(struct media_role *r)
{
	struct shm s;
	enum err e = shm_map(ROLE_FD_METRICS, METRICS_MAGIC, METRICS_VERSION, true, false, &s);

	if (e != ERR_OK)
		return e;
	metric_bind(&((struct keeper_metrics *)s.p)->page[KEEPER_ROLE_MEDIA]);
	r->pages = &((struct keeper_metrics *)s.p)->page[KEEPER_ROLE_N];
	return ERR_OK;
}

static void
close_all(const int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		close(fds[i]);
}

static void
take_sockets(struct media_role *r, const struct channel_msg *msg, const int *fds, size_t n)
{
	struct keeper_sockets s;
	enum err e;

	memcpy(&s, msg->body, sizeof(s));
	if (s.n != n)
		log_error("media.sockets", "first=%u said=%u came=%zu", s.first, s.n, n);
	for (size_t i = 0; i < n; i++) {
		e = media_hub_add(&r->hub, s.first + (uint32_t)i, fds[i]);
		if (e != ERR_OK)
			log_error("media.sockets", "place=%zu err=%s", s.first + i, err_name(e));
	}
	if (!s.last)
		return;
	e = media_hub_run(&r->hub);
	if (e != ERR_OK)
		log_error("media.start", "a worker cannot start");
	if (e != ERR_OK || channel_send(&r->keeper, KEEPER_READY, NULL, 0, true) != ERR_OK)
		r->stop = true;
}

/* False: not a message of ours. */
static bool
take_message(struct media_role *r, const struct channel_msg *msg, const int *fds, size_t n)
{
	struct keeper_peer peer;

	switch (msg->head.type) {
	case KEEPER_SOCKETS:
		if (msg->head.length != sizeof(struct keeper_sockets))
			return false;
		take_sockets(r, msg, fds, n);
		return true;
	case KEEPER_PEER:
		if (msg->head.length != sizeof(peer) || n != r->hub.n)
			return false;
		memcpy(&peer, msg->body, sizeof(peer));
		if (peer.role != KEEPER_ROLE_SIGNALING)
			return false;
		media_hub_bind(&r->hub, fds);
		return true;
	case KEEPER_STOP:
		r->stop = true;
		close_all(fds, n);
		return msg->head.length == 0;
	default:
		return false;
	}
}

static void
take_messages(struct media_role *r)
{
	struct channel_msg msg;
	int fds[CHANNEL_FDS];

	while (!r->stop) {
		size_t n = CHANNEL_FDS;
		enum err e = channel_recv(&r->keeper, &msg, fds, &n);

		if (e == ERR_AGAIN)
			return;
		if (e == ERR_OK && take_message(r, &msg, fds, n))
			continue;
		if (e == ERR_OK)
			close_all(fds, n);
		if (e != ERR_CLOSED)
			log_error("media.keeper", "type=%u why=not-understood", msg.head.type);
		r->stop = true; /* without keeper there is no way on */
	}
}

static enum err
set_up(struct media_role *r)
{
	enum err e = read_setup(&r->setup);

	if (e == ERR_OK)
		e = bind_metrics(r);
	if (e == ERR_OK)
		e = media_hub_init(&r->hub, &r->setup, r->pages, ROLE_FD_FLOWS, ROLE_FD_SECRETS);
	return e;
}

int
role_media(uint64_t epoch)
{
	static struct media_role r;
	enum err e = channel_init(&r.keeper, ROLE_FD_KEEPER, 16);

	if (e == ERR_OK)
		e = set_up(&r);
	if (e != ERR_OK) {
		log_error("media.start", "epoch=%llu err=%s", (unsigned long long)epoch,
			  err_name(e));
		return 1;
	}
	log_info("media.start", "epoch=%llu slots=%u workers=%u", (unsigned long long)epoch,
		 media_slots(&r.setup.plan), r.hub.n);
	while (!r.stop) {
		struct pollfd p = {.fd = r.keeper.fd, .events = POLLIN};

		if (poll(&p, 1, -1) > 0)
			take_messages(&r);
	}
	media_hub_fini(&r.hub);
	channel_fini(&r.keeper);
	return 0;
}
