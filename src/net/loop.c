#include "net/loop.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

enum err
loop_init(struct loop *l, uint32_t max_fds, uint32_t max_timers)
{
	*l = (struct loop){.epoll = -1, .max_fds = max_fds, .n_free = max_fds};
	list_init(&l->soon);
	l->slots = mem_zalloc(max_fds, sizeof(*l->slots));
	l->free = mem_zalloc(max_fds, sizeof(*l->free));
	if (!l->slots || !l->free || timers_init(&l->timers, max_timers) != ERR_OK) {
		loop_fini(l);
		return ERR_NOMEM;
	}
	for (uint32_t i = 0; i < max_fds; i++)
		l->free[i] = max_fds - 1 - i;
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll < 0) {
		loop_fini(l);
		return ERR_IO;
	}
	signal(SIGPIPE, SIG_IGN);
	l->now = clock_now_us();
	return ERR_OK;
}

void
loop_fini(struct loop *l)
{
	if (l->epoll >= 0)
		close(l->epoll);
	timers_fini(&l->timers);
	mem_free(l->slots);
	mem_free(l->free);
	*l = (struct loop){.epoll = -1};
	list_init(&l->soon);
}

/* The event carries slot and generation, so that one fetched for an earlier use is recognised. */
static uint64_t
event_key(const struct loop *l, uint32_t slot)
{
	return (uint64_t)l->slots[slot].generation << 32 | slot;
}

static enum err
control(struct loop *l, int op, const struct loop_fd *w, uint32_t events)
{
	struct epoll_event ev = {.events = events, .data.u64 = event_key(l, w->slot - 1)};

	return epoll_ctl(l->epoll, op, w->fd, &ev) == 0 ? ERR_OK : ERR_IO;
}

enum err
loop_add(struct loop *l, struct loop_fd *w, uint32_t events)
{
	uint32_t slot;

	assert(w->slot == 0 && w->on_event);
	if (l->n_free == 0)
		return ERR_NOMEM;
	slot = l->free[l->n_free - 1];
	w->slot = slot + 1;
	if (control(l, EPOLL_CTL_ADD, w, events) != ERR_OK) {
		w->slot = 0;
		return ERR_IO;
	}
	l->n_free--;
	l->slots[slot].lfd = w;
	w->events = events;
	return ERR_OK;
}

enum err
loop_mod(struct loop *l, struct loop_fd *w, uint32_t events)
{
	assert(w->slot != 0);
	if (w->events == events)
		return ERR_OK;
	if (control(l, EPOLL_CTL_MOD, w, events) != ERR_OK)
		return ERR_IO;
	w->events = events;
	return ERR_OK;
}

void
loop_del(struct loop *l, struct loop_fd *w)
{
	uint32_t slot;

	if (w->slot == 0)
		return;
	slot = w->slot - 1;
	epoll_ctl(l->epoll, EPOLL_CTL_DEL, w->fd, NULL);
	l->slots[slot].lfd = NULL;
	l->slots[slot].generation++;
	l->free[l->n_free++] = slot;
	w->slot = 0;
	w->events = 0;
}

uint64_t
loop_now(const struct loop *l)
{
	return l->now;
}

uint64_t
loop_ready_since(const struct loop *l)
{
	return l->ready;
}

enum err
loop_timer(struct loop *l, struct timer *t, uint64_t in_us)
{
	return timer_set(&l->timers, t, l->now + in_us);
}

void
loop_timer_stop(struct loop *l, struct timer *t)
{
	timer_stop(&l->timers, t);
}

void
loop_soon(struct loop *l, struct loop_soon *s)
{
	if (!s->node.next)
		list_init(&s->node);
	if (list_empty(&s->node))
		list_add(&l->soon, &s->node);
}

void
loop_soon_stop(struct loop_soon *s)
{
	if (s->node.next)
		list_del(&s->node);
}

/* ---- mailbox ---- */

static void *
take_letter(struct loop_mail *m)
{
	void *letter = NULL;

	pthread_mutex_lock(&m->lock);
	if (m->n > 0) {
		letter = m->ring[m->first];
		m->first = (m->first + 1) % m->max;
		m->n--;
	}
	pthread_mutex_unlock(&m->lock);
	return letter;
}

static void
ring_bell(struct loop_mail *m)
{
	static const uint64_t one = 1;

	/* Can only fail when the counter is full, and then the reader is woken anyway. */
	if (write(m->lfd.fd, &one, sizeof(one)) < 0)
		return;
}

static void
read_mail(void *arg, uint32_t events)
{
	struct loop_mail *m = arg;
	uint64_t bell;
	void *letter;

	(void)events;
	if (read(m->lfd.fd, &bell, sizeof(bell)) < 0 && errno != EAGAIN)
		return;
	for (int i = 0; i < LOOP_MAIL_BATCH; i++) {
		letter = take_letter(m);
		if (!letter)
			return;
		m->on_mail(m->arg, letter);
	}
	ring_bell(m); /* perhaps more: others get their turn first */
}

enum err
loop_mail_init(struct loop *l, struct loop_mail *m, uint32_t max,
	       void (*on_mail)(void *arg, void *letter), void *arg)
{
	*m = (struct loop_mail){.max = max, .on_mail = on_mail, .arg = arg};
	if (max == 0 || max > LOOP_MAIL_MAX)
		return ERR_RANGE;
	m->ring = mem_zalloc(max, sizeof(*m->ring));
	if (!m->ring)
		return ERR_NOMEM;
	m->lfd = (struct loop_fd){.on_event = read_mail, .arg = m};
	m->lfd.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (m->lfd.fd < 0 || loop_add(l, &m->lfd, EPOLLIN) != ERR_OK) {
		if (m->lfd.fd >= 0)
			close(m->lfd.fd);
		MEM_FREE(m->ring);
		return ERR_IO;
	}
	pthread_mutex_init(&m->lock, NULL);
	return ERR_OK;
}

void
loop_mail_fini(struct loop *l, struct loop_mail *m)
{
	void *letter;

	if (!m->ring)
		return;
	while ((letter = take_letter(m)))
		m->on_mail(m->arg, letter);
	loop_del(l, &m->lfd);
	close(m->lfd.fd);
	pthread_mutex_destroy(&m->lock);
	MEM_FREE(m->ring);
}

enum err
loop_mail_post(struct loop_mail *m, void *letter)
{
	enum err e = ERR_FULL;

	assert(letter);
	pthread_mutex_lock(&m->lock);
	if (m->n < m->max) {
		m->ring[(m->first + m->n++) % m->max] = letter;
		e = ERR_OK;
	}
	pthread_mutex_unlock(&m->lock);
	if (e == ERR_OK)
		ring_bell(m);
	return e;
}

/* ---- running ---- */

static int
wait_ms(const struct loop *l, uint64_t now, int max_wait_ms)
{
	uint64_t next = timers_next(&l->timers), ms;
	int wait = LOOP_WAIT_MAX_MS;

	if (!list_empty(&l->soon))
		return 0;
	if (next != TIMER_NEVER) {
		ms = next > now ? (next - now + CLOCK_MS - 1) / CLOCK_MS : 0; /* never early */
		if (ms < (uint64_t)wait)
			wait = (int)ms;
	}
	return max_wait_ms >= 0 && max_wait_ms < wait ? max_wait_ms : wait;
}

static void
run_events(struct loop *l, const struct epoll_event *ev, int n)
{
	for (int i = 0; i < n; i++) {
		uint32_t slot = (uint32_t)ev[i].data.u64;
		struct loop_fd *w = l->slots[slot].lfd;

		if (w && l->slots[slot].generation == (uint32_t)(ev[i].data.u64 >> 32))
			w->on_event(w->arg, ev[i].events);
	}
}

/* Those that are added meanwhile run in the next iteration: they go behind the marker. */
static void
run_soon(struct loop *l)
{
	list_init(&l->soon_mark);
	list_add(&l->soon, &l->soon_mark);
	for (int i = 0; i < LOOP_SOON_MAX && l->soon.next != &l->soon_mark; i++) {
		struct list *node = list_shift(&l->soon);
		struct loop_soon *s = CONTAINER_OF(node, struct loop_soon, node);

		s->on_soon(s->arg);
	}
	list_del(&l->soon_mark);
}

enum err
loop_run_once(struct loop *l, int max_wait_ms)
{
	struct epoll_event ev[LOOP_EVENTS_MAX];
	uint64_t asked = clock_now_us(), looked = l->now;
	int n = epoll_wait(l->epoll, ev, LOOP_EVENTS_MAX, wait_ms(l, asked, max_wait_ms));

	if (n < 0 && errno != EINTR)
		return ERR_IO;
	l->now = clock_now_us();
	/* where epoll did not wait, it was there already */
	l->ready = l->now - asked < LOOP_AT_ONCE_US ? looked : l->now;
	l->iterations++;
	run_events(l, ev, n);
	timers_run(&l->timers, l->now);
	run_soon(l);
	return ERR_OK;
}

enum err
loop_run(struct loop *l)
{
	enum err e = ERR_OK;

	l->stop = false;
	while (!l->stop && e == ERR_OK)
		e = loop_run_once(l, -1);
	return e;
}

void
loop_stop(struct loop *l)
{
	l->stop = true;
}
