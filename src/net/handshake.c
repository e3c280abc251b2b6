#include "net/handshake.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/guard.h"
#include "base/mem.h"
#include "base/pool.h"

/* Who touches what: a slot is taken from its pool, and given back, by the loop's thread; between
 * the two mailboxes it belongs to the handshake thread alone. */

enum {
	SLOTS = 2 * HANDSHAKE_MAX,   /* in hand, or their results not yet freed */
	PARTING_MAX = HANDSHAKE_MAX, /* refused connections that wait for the peer to read why */
	PARTING_US = 1000 * 1000,
	PARTING_READS = 16,
	CONNS_DEFAULT = 4096,
	SOURCE_BITS_6 = 64 /* of an IPv6 address: one site */
};

enum letter_kind { LETTER_SHAKE, LETTER_WORK, LETTER_STOP };

struct letter {
	enum letter_kind kind;
};

struct work {
	struct letter letter;
	void (*do_work)(void *arg);
	void (*on_done)(void *arg);
	void *arg;
};

struct slot {
	struct letter letter;
	struct tls_result result;
	struct handshake *h;
	struct handshake_job job; /* fqdn points into name */
	char name[TLS_FQDN_MAX];
	struct addr source;
	struct list node; /* of those in hand, on either side */
	uint64_t began;
	/* handshake thread */
	struct tls_hand hand;
	struct loop_fd lfd;
	struct timer deadline;
	struct list active;
	bool connected, hurried; /* hurried: a shorter deadline until it says something */
};

/* A refused connection: our alert is on its way; closing now with unread bytes would reset it. */
struct parting {
	struct loop_fd lfd;
	struct timer end;
	struct handshake *h;
	struct list node;
};

struct handshake {
	struct handshake_conf conf;
	pthread_t thread;
	/* loop's thread */
	struct loop_mail results;
	struct pool slots, conns, works;
	struct list in_hand;
	uint32_t n_in_hand;
	/* handshake thread, after start */
	struct loop own;
	struct loop_mail jobs;
	struct list active, parting;
	uint32_t n_active;
	struct pool partings;
	bool stopping;
	struct letter stop;
};

static struct slot *
slot_of(struct tls_result *res)
{
	return CONTAINER_OF(res, struct slot, result);
}

/* ---- handshake thread ---- */

static void
end_parting(struct parting *g)
{
	struct handshake *h = g->h;

	loop_timer_stop(&h->own, &g->end);
	loop_del(&h->own, &g->lfd);
	close(g->lfd.fd);
	list_del(&g->node);
	pool_put(&h->partings, g);
}

static void
parting_due(struct timer *t, uint64_t now_us)
{
	(void)now_us;
	end_parting(CONTAINER_OF(t, struct parting, end));
}

static void
drain(void *arg, uint32_t events)
{
	struct parting *g = arg;
	char scrap[4096];

	(void)events;
	for (int i = 0; i < PARTING_READS; i++) {
		ssize_t n = recv(g->lfd.fd, scrap, sizeof(scrap), MSG_DONTWAIT);

		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			end_parting(g);
			return;
		}
	}
}

static void
part(struct handshake *h, int fd)
{
	struct parting *g;

	if (pool_used(&h->partings) == PARTING_MAX)
		end_parting(CONTAINER_OF(h->parting.next, struct parting, node));
	g = h->stopping ? NULL : pool_get(&h->partings);
	if (!g || shutdown(fd, SHUT_WR) != 0) {
		pool_put(&h->partings, g);
		close(fd);
		return;
	}
	g->h = h;
	g->end.on_due = parting_due;
	g->lfd = (struct loop_fd){.fd = fd, .on_event = drain, .arg = g};
	list_add(&h->parting, &g->node);
	if (loop_add(&h->own, &g->lfd, EPOLLIN) != ERR_OK ||
	    loop_timer(&h->own, &g->end, PARTING_US) != ERR_OK)
		end_parting(g);
}

static void
post_back(struct handshake *h, void *letter)
{
	enum err e = loop_mail_post(&h->results, letter);

	assert(e == ERR_OK); /* the mailbox has room for every slot and piece of work */
}

/* The handshake is over, well or not. */
static void
hand_back(struct slot *s, bool accepted)
{
	struct handshake *h = s->h;

	loop_timer_stop(&h->own, &s->deadline);
	loop_del(&h->own, &s->lfd);
	list_del(&s->active);
	h->n_active--;
	s->result.record.duration_us = clock_now_us() - s->began;
	if (accepted) {
		tls_conn_from_hand(s->result.conn, &s->hand, s->job.fd);
	} else {
		bool told = s->result.record.alert_sent != TLS_NO_ALERT;

		tls_hand_fini(&s->hand);
		if (told)
			part(h, s->job.fd);
		else
			close(s->job.fd);
	}
	tls_zones_unref(&s->job.zones);
	tls_ctx_unref(&s->job.client);
	s->result.record.accepted = accepted;
	post_back(h, &s->letter);
}

static void
give_up(struct slot *s, enum tls_reason reason, const char *why)
{
	tls_hand_abort(&s->hand, reason, why);
	hand_back(s, false);
}

/* Connect side: did TCP come up? */
static bool
tcp_up(struct slot *s)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(int), sa_len = sizeof(sa);
	int error = 0;
	char why[TLS_WHY_MAX];

	if (getsockopt(s->job.fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
		error = errno;
	if (error) {
		snprintf(why, sizeof(why), "TCP connect to %s failed: %s",
			 addr_text(&s->job.peer).z, strerrordesc_np(error));
		give_up(s, TLS_CONNECT, why);
		return false;
	}
	if (getsockname(s->job.fd, (struct sockaddr *)&sa, &sa_len) == 0)
		s->result.record.local = addr_from_sa(&sa);
	s->connected = true;
	return true;
}

static uint64_t
time_left(const struct slot *s)
{
	uint64_t now = clock_now_us(), due = s->began + s->job.timeout_us;

	return due > now ? due - now : 0;
}

/* It spoke: now the whole time is its own. */
static enum err
slow_down(struct slot *s)
{
	s->hurried = false;
	return loop_timer(&s->h->own, &s->deadline, time_left(s)) == ERR_OK ? ERR_AGAIN : ERR_FULL;
}

static void
step(void *arg, uint32_t events)
{
	struct slot *s = arg;
	uint32_t want = EPOLLIN;
	enum err e;

	(void)events;
	if (!s->connected && !tcp_up(s))
		return;
	e = tls_hand_step(&s->hand, &want);
	if (s->hurried && s->hand.saw_bytes && e == ERR_AGAIN)
		e = slow_down(s);
	if (e == ERR_AGAIN && loop_mod(&s->h->own, &s->lfd, want) == ERR_OK)
		return;
	if (e == ERR_AGAIN)
		give_up(s, TLS_INTERNAL, "the descriptor could not be watched");
	else
		hand_back(s, e == ERR_OK);
}

static void
too_late(struct timer *t, uint64_t now_us)
{
	struct slot *s = CONTAINER_OF(t, struct slot, deadline);
	const char *what = "no TCP connection";
	char why[TLS_WHY_MAX];

	(void)now_us;
	if (s->connected && !s->hand.saw_bytes && !s->job.client)
		what = "connected, but sent nothing";
	else if (s->connected)
		what = "TLS handshake begun, but not finished";
	snprintf(why, sizeof(why), "%s within %u ms", what,
		 (unsigned)((s->hurried ? HANDSHAKE_HURRY_US : s->job.timeout_us) / CLOCK_MS));
	give_up(s, s->connected ? TLS_TIMEOUT : TLS_CONNECT, why);
}

/* It has not said who it wants yet, and nothing of it waits to be read. */
static bool
is_mute(const struct slot *s)
{
	char c;

	return !s->job.client && !s->hand.saw_hello &&
	       (s->hand.saw_bytes || recv(s->job.fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) < 0);
}

/* Nearly full: the oldest that has not even sent a whole ClientHello makes room (reliability D2). A
 * good peer's comes in the packet after its SYN. */
static void
drop_mute(struct handshake *h)
{
	uint32_t crowd =
		h->conf.max_in_hand - h->conf.max_in_hand * HANDSHAKE_CROWD / HANDSHAKE_MAX;

	if (GUARD(D2, h->n_active <= crowd))
		return;
	LIST_EACH(it, &h->active)
	{
		struct slot *s = CONTAINER_OF(it, struct slot, active);

		if (!is_mute(s))
			continue;
		give_up(s, TLS_CROWD,
			"no ClientHello came while many others waited; dropped to make "
			"room");
		return;
	}
}

static void
begin(struct slot *s)
{
	struct handshake *h = s->h;
	struct tls_hand_conf c = {.fd = s->job.fd,
				  .peer = s->job.peer,
				  .local = s->job.local,
				  .zones = s->job.zones,
				  .default_zone = s->job.default_zone,
				  .client = s->job.client,
				  .fqdn = s->job.fqdn,
				  .account = s->job.account,
				  .hide_certificate = s->job.hide_certificate,
				  .trust = h->conf.trust,
				  .on_identity = h->conf.on_identity,
				  .on_guess = h->conf.on_guess,
				  .arg = h->conf.identity_arg,
				  .record = &s->result.record,
				  .verdict = &s->result.verdict};
	uint64_t left = time_left(s);

	s->connected = !s->job.client;
	s->lfd = (struct loop_fd){.fd = s->job.fd, .on_event = step, .arg = s};
	s->deadline.on_due = too_late;
	list_add(&h->active, &s->active);
	h->n_active++;
	s->hurried = s->connected && h->n_active > HANDSHAKE_MAX / 2 && left > HANDSHAKE_HURRY_US;
	if (s->hurried)
		left = HANDSHAKE_HURRY_US;
	if (tls_hand_init(&s->hand, &c) != ERR_OK)
		hand_back(s, false);
	else if (h->stopping)
		give_up(s, TLS_SHUTDOWN, "postern is stopping");
	else if (loop_add(&h->own, &s->lfd, s->connected ? EPOLLIN : EPOLLOUT) != ERR_OK ||
		 loop_timer(&h->own, &s->deadline, left) != ERR_OK)
		give_up(s, TLS_INTERNAL, "the descriptor could not be watched");
	drop_mute(h);
}

static void
stop_thread(struct handshake *h)
{
	h->stopping = true;
	LIST_EACH(it, &h->active)
	give_up(CONTAINER_OF(it, struct slot, active), TLS_SHUTDOWN, "postern is stopping");
	LIST_EACH(it, &h->parting)
	end_parting(CONTAINER_OF(it, struct parting, node));
	loop_stop(&h->own);
}

static void
take_job(void *arg, void *letter)
{
	struct handshake *h = arg;
	struct letter *l = letter;
	struct work *w;

	switch (l->kind) {
	case LETTER_SHAKE:
		begin(CONTAINER_OF(l, struct slot, letter));
		break;
	case LETTER_WORK:
		w = CONTAINER_OF(l, struct work, letter);
		w->do_work(w->arg);
		post_back(h, l);
		break;
	case LETTER_STOP:
		stop_thread(h);
		break;
	}
}

static void *
run_thread(void *arg)
{
	struct handshake *h = arg;

	if (loop_run(&h->own) != ERR_OK)
		stop_thread(h);
	return NULL;
}

/* ---- loop's thread ---- */

/* Signals are for the main thread. */
static enum err
start_thread(struct handshake *h)
{
	sigset_t all, before;
	int failed;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	failed = pthread_create(&h->thread, NULL, run_thread, h);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return failed ? ERR_IO : ERR_OK;
}

static struct addr
source_of(const struct addr *peer)
{
	struct addr a = *peer;

	a.port = 0;
	if (a.family == 6)
		memset(a.ip + SOURCE_BITS_6 / 8, 0, sizeof(a.ip) - SOURCE_BITS_6 / 8);
	return a;
}

static uint32_t
count_source(const struct handshake *h, const struct addr *source)
{
	uint32_t n = 0;

	LIST_EACH(it, &h->in_hand)
	n += addr_eq(&CONTAINER_OF(it, struct slot, node)->source, source);
	return n;
}

static void
take_result(void *arg, void *letter)
{
	struct handshake *h = arg;
	struct letter *l = letter;
	struct work *w;
	struct slot *s;

	if (l->kind == LETTER_WORK) {
		w = CONTAINER_OF(l, struct work, letter);
		if (w->on_done)
			w->on_done(w->arg);
		pool_put(&h->works, w);
		return;
	}
	s = CONTAINER_OF(l, struct slot, letter);
	list_del(&s->node);
	h->n_in_hand--;
	if (!s->result.record.accepted) {
		pool_put(&h->conns, s->result.conn);
		s->result.conn = NULL;
	}
	h->conf.on_result(h->conf.result_arg, &s->result);
}

static enum err
init_pools(struct handshake *h)
{
	uint32_t conns = h->conf.max_conns ? h->conf.max_conns : CONNS_DEFAULT;

	if (conns > HANDSHAKE_CONNS_MAX)
		return ERR_RANGE;
	if (pool_init(&h->slots, SLOTS, sizeof(struct slot)) != ERR_OK ||
	    pool_init(&h->works, HANDSHAKE_WORK_MAX, sizeof(struct work)) != ERR_OK ||
	    pool_init(&h->partings, PARTING_MAX, sizeof(struct parting)) != ERR_OK ||
	    pool_init(&h->conns, conns, sizeof(struct tls_conn)) != ERR_OK)
		return ERR_NOMEM;
	return ERR_OK;
}

static void
release(struct handshake *h)
{
	loop_mail_fini(&h->own, &h->jobs);
	loop_fini(&h->own);
	pool_fini(&h->slots);
	pool_fini(&h->works);
	pool_fini(&h->partings);
	pool_fini(&h->conns);
	mem_free(h);
}

enum err
handshake_new(const struct handshake_conf *conf, struct handshake **out)
{
	struct handshake *h = mem_zalloc(1, sizeof(*h));
	enum err e;

	if (!h)
		return ERR_NOMEM;
	h->conf = *conf;
	if (h->conf.max_in_hand == 0 || h->conf.max_in_hand > HANDSHAKE_MAX)
		h->conf.max_in_hand = HANDSHAKE_MAX;
	if (h->conf.max_per_source == 0)
		h->conf.max_per_source = HANDSHAKE_PER_SOURCE;
	h->stop.kind = LETTER_STOP;
	h->own.epoll = -1;
	list_init(&h->in_hand);
	list_init(&h->active);
	list_init(&h->parting);
	e = init_pools(h);
	if (e == ERR_OK)
		e = loop_init(&h->own, HANDSHAKE_MAX + PARTING_MAX + 1,
			      HANDSHAKE_MAX + PARTING_MAX);
	if (e == ERR_OK)
		e = loop_mail_init(&h->own, &h->jobs, SLOTS + HANDSHAKE_WORK_MAX + 1, take_job, h);
	if (e == ERR_OK)
		e = loop_mail_init(conf->loop, &h->results, SLOTS + HANDSHAKE_WORK_MAX, take_result,
				   h);
	if (e == ERR_OK)
		e = start_thread(h);
	if (e != ERR_OK) {
		loop_mail_fini(conf->loop, &h->results);
		release(h);
		return e;
	}
	*out = h;
	return ERR_OK;
}

void
handshake_free(struct handshake **handshake)
{
	struct handshake *h = *handshake;
	enum err e;

	if (!h)
		return;
	e = loop_mail_post(&h->jobs, &h->stop);
	assert(e == ERR_OK);
	pthread_join(h->thread, NULL);
	loop_mail_fini(&h->own, &h->jobs);         /* what came after the stop */
	loop_mail_fini(h->conf.loop, &h->results); /* on_result may still use *handshake */
	*handshake = NULL;
	release(h);
}

static enum err
check_room(const struct handshake *h, const struct addr *source, bool incoming)
{
	uint32_t max = h->conf.max_in_hand + (incoming ? 0 : HANDSHAKE_RESERVE);

	if (h->n_in_hand >= max || h->slots.n_free == 0)
		return ERR_FULL;
	if (incoming && !GUARD(D2, count_source(h, source) < h->conf.max_per_source))
		return ERR_REFUSED;
	return h->conns.n_free == 0 ? ERR_NOMEM : ERR_OK;
}

enum err
handshake_submit(struct handshake *h, const struct handshake_job *job)
{
	struct addr source = source_of(&job->peer);
	enum err e = check_room(h, &source, job->zones != NULL);
	struct slot *s;
	int flags;

	if (e != ERR_OK)
		return e;
	if (job->fqdn.len >= sizeof(s->name) || !job->zones == !job->client)
		return ERR_RANGE;
	flags = fcntl(job->fd, F_GETFL); /* one that blocks would stop all others */
	if (flags < 0 || fcntl(job->fd, F_SETFL, flags | O_NONBLOCK) != 0)
		return ERR_IO;
	s = pool_get(&h->slots);
	s->h = h;
	s->job = *job;
	s->job.timeout_us = job->timeout_us ? job->timeout_us : HANDSHAKE_TIMEOUT_US;
	if (job->fqdn.len)
		memcpy(s->name, job->fqdn.p, job->fqdn.len);
	s->job.fqdn = str_of(s->name, job->fqdn.len);
	if (job->zones)
		tls_zones_ref(job->zones);
	else
		tls_ctx_ref(job->client);
	s->source = source;
	s->began = clock_now_us();
	s->result.arg = job->arg;
	s->result.conn = pool_get(&h->conns);
	list_add(&h->in_hand, &s->node);
	h->n_in_hand++;
	e = loop_mail_post(&h->jobs, &s->letter);
	assert(e == ERR_OK);
	return ERR_OK;
}

bool
handshake_room(const struct handshake *h)
{
	return h->n_in_hand < h->conf.max_in_hand && h->slots.n_free > 0;
}

uint32_t
handshake_in_hand(const struct handshake *h)
{
	return h->n_in_hand;
}

enum err
handshake_work(struct handshake *h, void (*do_work)(void *arg), void (*on_done)(void *arg),
	       void *arg)
{
	struct work *w = pool_get(&h->works);
	enum err e;

	if (!w)
		return ERR_FULL;
	*w = (struct work){
		.letter = {LETTER_WORK}, .do_work = do_work, .on_done = on_done, .arg = arg};
	e = loop_mail_post(&h->jobs, &w->letter);
	assert(e == ERR_OK);
	return ERR_OK;
}

void
handshake_conn_free(struct handshake *h, struct tls_conn **conn)
{
	struct tls_conn *c = *conn;

	*conn = NULL;
	if (!c)
		return;
	tls_conn_fini(c);
	pool_put(&h->conns, c);
}

void
handshake_result_free(struct handshake *h, struct tls_result **res)
{
	struct slot *s = *res ? slot_of(*res) : NULL;

	*res = NULL;
	if (!s)
		return;
	handshake_conn_free(h, &s->result.conn);
	pool_put(&h->slots, s);
}
