#include "app/media_hub.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/log.h"
#include "base/mem.h"

enum {
	QUEUE_MAX = 512, /* messages to a worker that may wait */
	ROUND_MAX = 256, /* messages from one side before the others have their turn */
};

/* ---- workers ---- */

static void *
run_worker(void *arg)
{
	struct hub_worker *w = arg;

	metric_bind(w->page);
	(void)prctl(PR_SET_TIMERSLACK, 1); /* ns: a tick is a quarter of a millisecond */
	while (!w->media.stop)
		media_step(&w->media);
	return NULL;
}

static enum err
init_worker(struct media_hub *h, uint32_t i, int flows_fd, int secrets_fd)
{
	struct hub_worker *w = &h->worker[i];
	int fd[2];
	enum err e = channel_pair(fd);

	if (e != ERR_OK)
		return e;
	e = channel_init(&w->chan, fd[0], QUEUE_MAX);
	if (e == ERR_OK)
		e = channel_gather(&w->chan);
	if (e != ERR_OK)
		return e;
	e = media_init(&w->media, h->setup, i, flows_fd, secrets_fd, fd[1]);
	w->ready = e == ERR_OK;
	return e;
}

enum err
media_hub_init(struct media_hub *h, const struct media_setup *setup, struct metric_page *pages,
	       int flows_fd, int secrets_fd, int signaling_fd)
{
	uint32_t n = media_workers(&setup->plan);
	enum err e;

	*h = (struct media_hub){.setup = setup};
	e = channel_init(&h->signaling, signaling_fd, MEDIA_EVENTS_MAX);
	if (e == ERR_OK)
		e = channel_gather(&h->signaling);
	if (e == ERR_OK) {
		h->worker = mem_zalloc(n, sizeof(*h->worker));
		e = h->worker ? ERR_OK : ERR_NOMEM;
	}
	for (; e == ERR_OK && h->n < n; h->n++) {
		h->worker[h->n].page = &pages[h->n];
		e = init_worker(h, h->n, flows_fd, secrets_fd);
	}
	if (e != ERR_OK)
		media_hub_fini(h);
	return e;
}

void
media_hub_fini(struct media_hub *h)
{
	for (uint32_t i = 0; h->worker && i < h->n; i++) {
		struct hub_worker *w = &h->worker[i];

		channel_rebind(&w->chan, -1); /* its thread sees that and ends */
		if (w->runs)
			(void)pthread_join(w->thread, NULL);
		if (w->ready)
			media_fini(&w->media);
		channel_fini(&w->chan);
	}
	MEM_FREE(h->worker);
	h->n = 0;
	channel_fini(&h->signaling);
}

enum err
media_hub_add(struct media_hub *h, uint32_t place, int fd)
{
	const struct io_backend *b = h->worker[0].media.backend;
	uint32_t owner = b->do_owner(&h->setup->plan, place);

	return media_add(&h->worker[owner < h->n ? owner : 0].media, place, fd);
}

enum err
media_hub_run(struct media_hub *h)
{
	for (uint32_t i = 0; i < h->n; i++) {
		struct hub_worker *w = &h->worker[i];
		char name[16];

		if (pthread_create(&w->thread, NULL, run_worker, w) != 0)
			return ERR_IO;
		w->runs = true;
		(void)snprintf(name, sizeof(name), "media-%u", i % MEDIA_WORKERS_MAX);
		(void)pthread_setname_np(w->thread, name);
	}
	return ERR_OK;
}

/* ---- messages ---- */

/* False: signaling broke the rules. */
static bool
pass_down(struct media_hub *h, const struct channel_msg *msg)
{
	const struct media_plan *plan = &h->setup->plan;
	struct media_cmd c;
	uint32_t slot;

	if (msg->head.length != sizeof(c))
		return false;
	memcpy(&c, msg->body, sizeof(c));
	slot = c.type == MEDIA_OPEN ? c.u.open.slot : c.u.close.slot;
	if (c.type != msg->head.type || (c.type != MEDIA_OPEN && c.type != MEDIA_CLOSE) ||
	    slot >= media_slots(plan))
		return false;
	return channel_push(&h->worker[media_slot_worker(plan, slot)].chan, msg->head.type, &c,
			    sizeof(c), true) == ERR_OK;
}

/* Room for a round from signaling in the queue of each worker? */
static bool
have_room(const struct media_hub *h)
{
	for (uint32_t i = 0; i < h->n; i++)
		if (h->worker[i].chan.n > QUEUE_MAX - ROUND_MAX)
			return false;
	return true;
}

static void
read_signaling(struct media_hub *h)
{
	struct channel_msg msg;

	for (int i = 0; i < ROUND_MAX; i++) {
		enum err e = channel_recv(&h->signaling, &msg, NULL, NULL);

		if (e == ERR_AGAIN)
			return;
		if (e == ERR_OK && pass_down(h, &msg))
			continue;
		if (e != ERR_CLOSED)
			log_error("media.channel", "type=%u length=%u why=not-a-command",
				  msg.head.type, msg.head.length);
		channel_rebind(&h->signaling, -1); /* keeper brings a new end */
		return;
	}
}

/* What nobody is there to hear is dropped: a new signaling asks again. */
static void
read_worker(struct media_hub *h, struct hub_worker *w)
{
	struct channel_msg msg;

	for (int i = 0; i < ROUND_MAX && h->signaling.n < MEDIA_EVENTS_MAX / 2; i++) {
		if (channel_recv(&w->chan, &msg, NULL, NULL) != ERR_OK)
			return;
		if (h->signaling.fd >= 0)
			(void)!channel_push(&h->signaling, msg.head.type, msg.body, msg.head.length,
					    msg.head.type == MEDIA_CLOSED);
	}
}

void
media_hub_rebind(struct media_hub *h, int fd)
{
	channel_rebind(&h->signaling, fd);
	for (uint32_t i = 0; i < h->n; i++)
		(void)!channel_send(&h->worker[i].chan, MEDIA_AGAIN, NULL, 0, true);
}

static struct pollfd
watch(const struct channel *c, bool read)
{
	return (struct pollfd){.fd = c->fd,
			       .events = (short)((read ? POLLIN : 0) | (c->n ? POLLOUT : 0))};
}

/* Is there something to pass on that no event tells of? */
static bool
is_waiting(const struct media_hub *h, bool calm, bool room)
{
	bool waits = room && channel_waits(&h->signaling);

	for (uint32_t i = 0; i < h->n; i++)
		waits |= calm && channel_waits(&h->worker[i].chan);
	return waits;
}

void
media_hub_step(struct media_hub *h, int other_fd, bool *other)
{
	struct pollfd fds[2 + MEDIA_WORKERS_MAX];
	bool calm = h->signaling.n < MEDIA_EVENTS_MAX / 2, room = have_room(h);
	bool waits = is_waiting(h, calm, room);
	int ready;

	fds[0] = (struct pollfd){.fd = other_fd, .events = POLLIN};
	fds[1] = watch(&h->signaling, room);
	for (uint32_t i = 0; i < h->n; i++)
		fds[2 + i] = watch(&h->worker[i].chan, calm);
	ready = poll(fds, 2 + h->n, waits ? 0 : -1);
	*other = ready > 0 && fds[0].revents;
	if (ready < 0 || (ready == 0 && !waits))
		return;
	for (uint32_t i = 0; i < h->n; i++)
		if (fds[2 + i].revents || (calm && channel_waits(&h->worker[i].chan)))
			read_worker(h, &h->worker[i]);
	if (fds[1].revents & ~POLLOUT || (room && channel_waits(&h->signaling)))
		read_signaling(h);
	for (uint32_t i = 0; i < h->n; i++)
		channel_flush(&h->worker[i].chan);
	channel_flush(&h->signaling);
}
