#include "net/stream.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

/*   CONNECTING --writable--> OPEN --stream_finish--> FINISHING --queue empty--> HALF --peer--> DEAD
 *        any error, overflow or the owner's stream_close leads to DEAD; freed at the iteration's
 * end */
enum state { CONNECTING, OPEN, FINISHING, HALF, DEAD };

struct chunk {
	struct list node;
	uint32_t off, len;
	char bytes[STREAM_CHUNK];
};

struct stream {
	struct list node; /* in pool->live or pool->dead */
	struct stream_pool *pool;
	enum state state;
	struct loop_fd lfd;
	struct tls_conn *tls;
	struct timer deadline;
	struct loop_soon failing; /* an end found inside a call of the owner, told later */
	struct loop_soon inside;  /* TLS: what was read ahead is taken without an event */
	enum stream_end why;
	int error;
	uint64_t mark_us;   /* when what is read next was there already; 0: nothing was left */
	uint64_t mark_left; /* bytes of that which are not read yet */
	uint64_t waited_us; /* so long the last that was marked waited */
	bool paused, failed, blocked; /* blocked: the queue became longer than 0 */
	bool in_turn, held; /* its bytes are being read; an answer to them waits for the rest */
	uint32_t read_want, write_want; /* what TLS waits for, where it differs */
	struct list queue;
	size_t queued;
	struct addr peer, local;
	const struct stream_calls *calls;
	void *arg;
};

static const char *const end_texts[] = {
#define X(name, sentence) sentence,
	STREAM_END_LIST(X)
#undef X
};

const char *
stream_end_text(enum stream_end why)
{
	return (unsigned)why < ARRAY_LEN(end_texts) ? end_texts[why] : "?";
}

/* ---- the end of a stream ---- */

static void
drop_queue(struct stream *s)
{
	struct list *node;

	while ((node = list_shift(&s->queue)))
		pool_put(&s->pool->chunks, CONTAINER_OF(node, struct chunk, node));
	s->queued = 0;
}

/* Takes it out of everything; the object stays until reap_dead, as callers up the stack use it. */
static void
bury(struct stream *s)
{
	struct stream_pool *p = s->pool;

	loop_del(p->loop, &s->lfd);
	loop_timer_stop(p->loop, &s->deadline);
	loop_soon_stop(&s->failing);
	loop_soon_stop(&s->inside);
	drop_queue(s);
	if (s->tls)
		handshake_conn_free(p->handshake, &s->tls);
	else
		close(s->lfd.fd);
	s->state = DEAD;
	list_del(&s->node);
	list_add(&p->dead, &s->node);
	loop_soon(p->loop, &p->reap);
}

static void
reap_dead(void *arg)
{
	struct stream_pool *p = arg;
	struct list *node;

	while ((node = list_shift(&p->dead)))
		pool_put(&p->streams, CONTAINER_OF(node, struct stream, node));
}

static void
end(struct stream *s, enum stream_end why, int error)
{
	const struct stream_calls *calls = s->calls;
	void *arg = s->arg;

	s->pool->closed[why]++;
	bury(s);
	calls->on_close(arg, why, error);
}

static void
end_failed(void *arg)
{
	struct stream *s = arg;

	end(s, s->why, s->error);
}

/* From inside a call of the owner: tell at the end of the iteration. The first reason stands. */
static void
fail_later(struct stream *s, enum stream_end why, int error)
{
	if (s->failed)
		return;
	s->failed = true;
	s->why = why;
	s->error = error;
	loop_soon(s->pool->loop, &s->failing);
}

/* ---- watching ---- */

static void
watch(struct stream *s)
{
	uint32_t events = 0;

	if (s->state == CONNECTING)
		events = EPOLLOUT;
	else if (!s->failed)
		events = (s->paused ? 0 : s->read_want) | (s->queued ? s->write_want : 0);
	if (loop_mod(s->pool->loop, &s->lfd, events) != ERR_OK)
		fail_later(s, STREAM_END_ERROR, errno);
}

/* ---- writing ---- */

static int
io_errno(const struct stream *s)
{
	return s->tls ? 0 : errno;
}

static enum err
write_some(struct stream *s, const char *p, size_t len, size_t *done)
{
	enum err e;
	ssize_t n;

	if (s->tls) {
		if (len > STREAM_CHUNK)
			len = STREAM_CHUNK; /* the repetition comes from one chunk */
		e = tls_conn_write(s->tls, p, len, done);
		s->write_want = e == ERR_AGAIN ? s->tls->want : EPOLLOUT;
		return e;
	}
	n = send(s->lfd.fd, p, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? ERR_AGAIN : ERR_IO;
	*done = (size_t)n;
	return ERR_OK;
}

static void
half_close(struct stream *s)
{
	s->state = HALF;
	if (s->tls)
		tls_conn_shutdown(s->tls);
	shutdown(s->lfd.fd, SHUT_WR);
	if (loop_timer(s->pool->loop, &s->deadline, STREAM_LINGER_US) != ERR_OK)
		fail_later(s, STREAM_END_NOMEM, 0);
}

/* Send what is queued as far as it goes. False: the stream failed. */
static bool
flush_queue(struct stream *s)
{
	while (!list_empty(&s->queue)) {
		struct chunk *c = CONTAINER_OF(s->queue.next, struct chunk, node);
		size_t done = 0;
		enum err e = write_some(s, c->bytes + c->off, c->len - c->off, &done);

		if (e == ERR_AGAIN)
			return true;
		if (e != ERR_OK) {
			fail_later(s, STREAM_END_ERROR, io_errno(s));
			return false;
		}
		s->pool->bytes_out += done;
		s->queued -= done;
		c->off += (uint32_t)done;
		if (c->off == c->len) {
			list_del(&c->node);
			pool_put(&s->pool->chunks, c);
		}
	}
	if (s->state == FINISHING)
		half_close(s);
	return true;
}

static bool
queue_rest(struct stream *s, struct str rest)
{
	while (rest.len) {
		struct chunk *c = list_empty(&s->queue)
					  ? NULL
					  : CONTAINER_OF(s->queue.prev, struct chunk, node);
		size_t n;

		if (!c || c->len == STREAM_CHUNK) {
			c = pool_get(&s->pool->chunks);
			if (!c) {
				s->pool->no_room++;
				return false;
			}
			list_add(&s->queue, &c->node);
		}
		n = rest.len < STREAM_CHUNK - c->len ? rest.len : STREAM_CHUNK - c->len;
		memcpy(c->bytes + c->len, rest.p, n);
		c->len += (uint32_t)n;
		s->queued += n;
		rest = str_from_at(rest, n);
	}
	return true;
}

/* As much as goes now; *bytes becomes the rest. A TLS write that blocked must be repeated with the
 * same bytes: so nothing passes a queue. */
static enum err
send_now(struct stream *s, struct str *bytes)
{
	while (bytes->len && s->queued == 0) {
		size_t done = 0;
		enum err e = write_some(s, bytes->p, bytes->len, &done);

		if (e == ERR_AGAIN)
			return ERR_OK;
		if (e != ERR_OK)
			return e;
		s->pool->bytes_out += done;
		*bytes = str_from_at(*bytes, done);
	}
	return ERR_OK;
}

/* What was held leaves. False: the stream failed. */
static bool
let_go(struct stream *s)
{
	s->held = false;
	if (!flush_queue(s))
		return false;
	s->blocked |= s->queued > 0;
	return true;
}

/* Answers to what is read in one turn leave together: one record, one system call. */
static bool
may_hold(const struct stream *s, struct str bytes)
{
	return s->in_turn && s->queued + bytes.len <= STREAM_CHUNK && s->pool->chunks.n_free > 1;
}

enum err
stream_send(struct stream *s, struct str bytes)
{
	bool hold;

	if (s->state != OPEN || s->failed)
		return ERR_STATE;
	if (bytes.len == 0)
		return ERR_OK;
	if (bytes.len > STREAM_QUEUE_MAX - s->queued) {
		fail_later(s, STREAM_END_OVERFLOW, 0);
		return ERR_FULL;
	}
	hold = may_hold(s, bytes);
	if (!hold && ((s->held && !let_go(s)) || send_now(s, &bytes) != ERR_OK)) {
		fail_later(s, STREAM_END_ERROR, io_errno(s));
		return ERR_CLOSED;
	}
	if (!queue_rest(s, bytes)) {
		fail_later(s, STREAM_END_NOMEM, 0);
		return ERR_NOMEM;
	}
	s->held |= hold;
	if (hold)
		return ERR_OK;
	s->blocked |= s->queued > 0;
	watch(s);
	return ERR_OK;
}

size_t
stream_queued(const struct stream *s)
{
	return s->queued;
}

/* ---- reading ---- */

static enum err
read_some(struct stream *s, size_t *len)
{
	enum err e;
	ssize_t n;

	if (s->tls) {
		e = tls_conn_read(s->tls, s->pool->read_buf, STREAM_READ_MAX, len);
		s->read_want = e == ERR_AGAIN ? s->tls->want : EPOLLIN;
		return e;
	}
	n = recv(s->lfd.fd, s->pool->read_buf, STREAM_READ_MAX, MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? ERR_AGAIN : ERR_IO;
	if (n == 0)
		return ERR_CLOSED;
	*len = (size_t)n;
	return ERR_OK;
}

/* Do bytes wait inside TLS, where no event tells of them? */
static bool
has_inside(const struct stream *s)
{
	return s->tls && tls_conn_pending(s->tls);
}

/* False: the stream is gone or failed, or there is nothing more for now. A read that brought less
 * than fits has emptied the socket; what comes behind it has an event of its own. */
static bool
read_once(struct stream *s)
{
	size_t len = 0;
	enum err e = read_some(s, &len);

	if (e == ERR_AGAIN)
		return false;
	if (e != ERR_OK && s->held)
		(void)let_go(s); /* before it ends */
	if (e == ERR_CLOSED) {
		end(s, s->state == HALF ? STREAM_END_FINISHED : STREAM_END_PEER, 0);
		return false;
	}
	if (e != ERR_OK) {
		end(s, STREAM_END_ERROR, io_errno(s));
		return false;
	}
	s->pool->bytes_in += len;
	s->mark_left -= len < s->mark_left ? len : s->mark_left;
	s->calls->on_data(s->arg, str_of(s->pool->read_buf, len));
	return s->state != DEAD && !s->failed && !s->paused &&
	       (len >= STREAM_READ_MAX || has_inside(s));
}

/* Bytes that the socket holds, of which an event tells. */
static uint64_t
left_outside(const struct stream *s)
{
	int n = 0;

	return ioctl(s->lfd.fd, FIONREAD, &n) == 0 && n > 0 ? (uint64_t)n : 0;
}

/* A turn ended with this left. What is left the first time is marked; when the last of it was read,
 * so long it had waited, and what is left then is marked anew. */
static void
mark_rest(struct stream *s, uint64_t left, uint64_t now)
{
	if (left == 0) {
		s->mark_us = s->waited_us = 0;
		return;
	}
	if (s->mark_us && s->mark_left)
		return;
	s->waited_us = s->mark_us ? now - s->mark_us : 0;
	s->mark_us = now;
	s->mark_left = left;
}

/* May the socket hold more, where nothing is left inside? A record of TLS that ends where the
 * buffer does says nothing of that. Little that was read at once is all there was. */
static bool
may_hold_more(const struct stream *s, uint64_t first)
{
	return s->paused || s->mark_us || s->pool->bytes_in - first >= STREAM_READ_MAX;
}

static void
read_all(struct stream *s)
{
	uint64_t began = clock_now_us(), first = s->pool->bytes_in, now = began, left;

	while (now - began < STREAM_SLICE_US && s->pool->bytes_in - first < STREAM_TURN_MAX) {
		if (!read_once(s)) {
			if (s->state != DEAD)
				mark_rest(s, may_hold_more(s, first) ? left_outside(s) : 0, now);
			return;
		}
		now = clock_now_us();
	}
	left = left_outside(s);
	if (left == 0 && has_inside(s))
		loop_soon(s->pool->loop, &s->inside);
	mark_rest(s, left + has_inside(s), now); /* of what is inside one byte stands for all */
}

uint64_t
stream_waited_us(const struct stream *s, uint64_t now)
{
	uint64_t since = s->mark_us && now > s->mark_us ? now - s->mark_us : 0;

	return since > s->waited_us ? since : s->waited_us;
}

/* What it sends meanwhile is held, and leaves at the end. */
static void
take_turn(struct stream *s)
{
	s->in_turn = true;
	read_all(s);
	s->in_turn = false;
	if (s->held && s->state != DEAD && !s->failed)
		(void)let_go(s);
}

/* ---- events ---- */

static void
finish_connect(struct stream *s)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(int), sa_len = sizeof(sa);
	int error = 0;

	if (getsockopt(s->lfd.fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
		error = errno;
	if (error) {
		end(s, STREAM_END_REFUSED, error);
		return;
	}
	if (getsockname(s->lfd.fd, (struct sockaddr *)&sa, &sa_len) == 0)
		s->local = addr_from_sa(&sa);
	loop_timer_stop(s->pool->loop, &s->deadline);
	s->state = OPEN;
	watch(s);
	if (s->calls->on_open)
		s->calls->on_open(s->arg);
}

static void
tell_drained(struct stream *s)
{
	if (!s->blocked || s->queued)
		return;
	s->blocked = false;
	if (s->calls->on_drained && s->state == OPEN)
		s->calls->on_drained(s->arg);
}

/* TLS may need to read in order to write, and the reverse: so both are tried. */
static void
serve_stream(void *arg, uint32_t events)
{
	struct stream *s = arg;

	if (s->failed)
		return;
	if (s->state == CONNECTING) {
		finish_connect(s);
		return;
	}
	if (s->queued && (events & (s->write_want | EPOLLERR | EPOLLHUP)) && !flush_queue(s))
		return;
	tell_drained(s);
	if (s->state != DEAD && !s->failed && !s->paused)
		take_turn(s);
	else if (s->state != DEAD && !s->failed && events & (EPOLLERR | EPOLLHUP))
		end(s, STREAM_END_ERROR, 0); /* paused: nobody else would notice */
	if (s->state != DEAD)
		watch(s);
}

static void
serve_inside(void *arg)
{
	struct stream *s = arg;

	if (s->state != DEAD && !s->paused)
		serve_stream(s, EPOLLIN);
}

static void
too_late(struct timer *t, uint64_t now_us)
{
	struct stream *s = CONTAINER_OF(t, struct stream, deadline);

	(void)now_us;
	end(s, s->state == CONNECTING ? STREAM_END_TIMEOUT : STREAM_END_FINISHED, 0);
}

/* ---- making streams ---- */

enum err
stream_pool_init(struct stream_pool *p, struct loop *l, struct handshake *h, uint32_t n_streams,
		 uint32_t n_chunks)
{
	*p = (struct stream_pool){.loop = l, .handshake = h};
	list_init(&p->live);
	list_init(&p->dead);
	p->reap = (struct loop_soon){.on_soon = reap_dead, .arg = p};
	p->read_buf = mem_zalloc(1, STREAM_READ_MAX);
	if (!p->read_buf || pool_init(&p->streams, n_streams, sizeof(struct stream)) != ERR_OK ||
	    pool_init(&p->chunks, n_chunks, sizeof(struct chunk)) != ERR_OK) {
		stream_pool_fini(p);
		return ERR_NOMEM;
	}
	return ERR_OK;
}

void
stream_pool_fini(struct stream_pool *p)
{
	if (!p->read_buf)
		return;
	LIST_EACH(it, &p->live)
	bury(CONTAINER_OF(it, struct stream, node));
	reap_dead(p);
	loop_soon_stop(&p->reap);
	pool_fini(&p->streams);
	pool_fini(&p->chunks);
	MEM_FREE(p->read_buf);
}

static enum err
make_stream(struct stream_pool *p, int fd, enum state state, const struct stream_calls *calls,
	    void *arg, struct stream **out)
{
	struct stream *s = pool_get(&p->streams);
	enum err e;

	if (!s)
		return ERR_NOMEM;
	s->pool = p;
	s->state = state;
	s->calls = calls;
	s->arg = arg;
	s->read_want = EPOLLIN;
	s->write_want = EPOLLOUT;
	s->deadline.on_due = too_late;
	s->failing = (struct loop_soon){.on_soon = end_failed, .arg = s};
	s->inside = (struct loop_soon){.on_soon = serve_inside, .arg = s};
	list_init(&s->queue);
	s->lfd = (struct loop_fd){.fd = fd, .on_event = serve_stream, .arg = s};
	e = loop_add(p->loop, &s->lfd, state == CONNECTING ? EPOLLOUT : EPOLLIN);
	if (e != ERR_OK) {
		pool_put(&p->streams, s);
		return e;
	}
	list_add(&p->live, &s->node);
	p->opened++;
	*out = s;
	return ERR_OK;
}

static void
learn_addrs(struct stream *s)
{
	struct sockaddr_storage sa = {0};
	socklen_t len = sizeof(sa);

	if (getpeername(s->lfd.fd, (struct sockaddr *)&sa, &len) == 0)
		s->peer = addr_from_sa(&sa);
	len = sizeof(sa);
	if (getsockname(s->lfd.fd, (struct sockaddr *)&sa, &len) == 0)
		s->local = addr_from_sa(&sa);
}

enum err
stream_adopt(struct stream_pool *p, int fd, const struct stream_calls *calls, void *arg,
	     struct stream **out)
{
	enum err e = make_stream(p, fd, OPEN, calls, arg, out);

	if (e != ERR_OK)
		return e;
	tcp_tune(fd);
	learn_addrs(*out);
	return ERR_OK;
}

enum err
stream_adopt_tls(struct stream_pool *p, struct tls_conn **conn, const struct stream_calls *calls,
		 void *arg, struct stream **out)
{
	enum err e = make_stream(p, (*conn)->fd, OPEN, calls, arg, out);

	if (e != ERR_OK)
		return e;
	tcp_tune((*conn)->fd);
	learn_addrs(*out);
	(*out)->tls = *conn;
	*conn = NULL;
	return ERR_OK;
}

enum err
stream_connect(struct stream_pool *p, const struct addr *peer, const struct addr *local,
	       const char *device, uint64_t timeout_us, const struct stream_calls *calls, void *arg,
	       struct stream **out)
{
	struct stream *s;
	int fd;
	enum err e = tcp_dial(peer, local, device, &fd);

	if (e != ERR_OK)
		return e;
	e = make_stream(p, fd, CONNECTING, calls, arg, &s);
	if (e != ERR_OK) {
		close(fd);
		return e;
	}
	s->peer = *peer;
	e = loop_timer(p->loop, &s->deadline, timeout_us ? timeout_us : STREAM_CONNECT_US);
	if (e != ERR_OK) {
		bury(s);
		return e;
	}
	*out = s;
	return ERR_OK;
}

/* ---- the owner's other calls ---- */

void
stream_finish(struct stream *s)
{
	if (s->state != OPEN || s->failed)
		return;
	s->state = FINISHING;
	if (flush_queue(s))
		watch(s);
}

void
stream_pause(struct stream *s, bool pause)
{
	if (s->paused == pause || s->state == DEAD)
		return;
	s->paused = pause;
	if (!pause && has_inside(s))
		loop_soon(s->pool->loop, &s->inside);
	watch(s);
}

void
stream_close(struct stream **stream)
{
	struct stream *s = *stream;

	*stream = NULL;
	if (!s || s->state == DEAD)
		return;
	if (s->held)
		(void)let_go(s);
	bury(s);
}

const struct tls_conn *
stream_tls(const struct stream *s)
{
	return s->tls;
}

bool
stream_is_tls(const struct stream *s)
{
	return s->tls != NULL;
}

const struct addr *
stream_peer(const struct stream *s)
{
	return &s->peer;
}

const struct addr *
stream_local(const struct stream *s)
{
	return &s->local;
}
