#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>

#include "base/clock.h"
#include "net/stream.h"
#include "rig.h"

static struct stream_pool pool;

struct user {
	struct stream *s;
	int opened, closed, drained, reads;
	enum stream_end why;
	int error;
	char got[4096];
	size_t n, total;
	bool closes, echoes, pauses;
	int slow_us;  /* a read takes so long */
	int takes;    /* closes, and opens another on this descriptor in the same place */
	uint32_t sum; /* of all bytes, in order */
	size_t answers, answer_len; /* so many of such a size at a read */
};

/* Byte number i of all that is sent. */
static char
byte_at(size_t i)
{
	return (char)(i % 251 + i / 251 % 7);
}

static void
on_open(void *arg)
{
	struct user *u = arg;

	u->opened++;
}

static const struct stream_calls calls;

static void
on_data(void *arg, struct str bytes)
{
	struct user *u = arg;

	u->reads++;
	if (u->slow_us)
		usleep((useconds_t)u->slow_us);
	u->total += bytes.len;
	for (size_t i = 0; i < bytes.len; i++) {
		u->sum = u->sum * 31 + (unsigned char)bytes.p[i];
		if (u->n < sizeof(u->got))
			u->got[u->n++] = bytes.p[i];
	}
	if (u->echoes)
		assert_int_equal(stream_send(u->s, bytes), ERR_OK);
	for (size_t i = 0; i < u->answers; i++) {
		static char piece[STREAM_CHUNK];

		for (size_t k = 0; k < u->answer_len; k++)
			piece[k] = byte_at(i * u->answer_len + k);
		assert_int_equal(stream_send(u->s, str_of(piece, u->answer_len)), ERR_OK);
	}
	if (u->pauses)
		stream_pause(u->s, true);
	if (u->closes)
		stream_close(&u->s);
	if (u->takes)
		assert_int_equal(stream_adopt(&pool, u->takes, &calls, u, &u->s), ERR_OK);
	u->takes = 0;
}

static void
on_close(void *arg, enum stream_end why, int error)
{
	struct user *u = arg;

	u->closed++;
	u->why = why;
	u->error = error;
	u->s = NULL;
}

static void
on_drained(void *arg)
{
	struct user *u = arg;

	u->drained++;
}

static const struct stream_calls calls = {on_open, on_data, on_close, on_drained};

static int
setup(void **state)
{
	rig_setup(state);
	return stream_pool_init(&pool, &rig.loop, rig.h, 8, 80) == ERR_OK ? 0 : -1;
}

static int
teardown(void **state)
{
	stream_pool_fini(&pool);
	return rig_teardown(state);
}

static void
turn(int n)
{
	for (int i = 0; i < n; i++)
		assert_int_equal(loop_run_once(&rig.loop, 0), ERR_OK);
}

#define UNTIL(condition)                                                                           \
	do {                                                                                       \
		for (int spin_ = 0; spin_ < 10000 && !(condition); spin_++)                        \
			assert_int_equal(loop_run_once(&rig.loop, 1), ERR_OK);                     \
		assert_true(condition);                                                            \
	} while (0)

/* Our stream and the far end of a socket pair. */
static int
open_pair(struct user *u, int far_flags)
{
	int pair[2];

	*u = (struct user){.s = NULL};
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(fcntl(pair[1], F_SETFL, far_flags), 0);
	assert_int_equal(stream_adopt(&pool, pair[0], &calls, u, &u->s), ERR_OK);
	return pair[1];
}

static void
every_split(void **state)
{
	static const char text[] = "INVITE sip:a@b SIP/2.0\r\nContent-Length: 3\r\n\r\nabc";
	struct user u;
	char back[sizeof(text)];

	(void)state;
	for (size_t cut = 1; cut < sizeof(text) - 1; cut++) {
		int far = open_pair(&u, 0);

		u.echoes = true;
		assert_int_equal(write(far, text, cut), cut);
		UNTIL(u.total == cut);
		assert_int_equal(write(far, text + cut, sizeof(text) - 1 - cut),
				 sizeof(text) - 1 - cut);
		UNTIL(u.total == sizeof(text) - 1);
		assert_int_equal(u.reads, 2);
		assert_memory_equal(u.got, text, sizeof(text) - 1);
		assert_int_equal(recv(far, back, sizeof(back), MSG_WAITALL | MSG_DONTWAIT),
				 sizeof(text) - 1);
		assert_memory_equal(back, text, sizeof(text) - 1);
		close(far);
		UNTIL(u.closed == 1);
		assert_int_equal(u.why, STREAM_END_PEER);
	}
	turn(1);
	assert_int_equal(pool_used(&pool.streams), 0);
}

/* Sends n bytes that go on after *sent. */
static void
send_bytes(struct user *u, size_t n, size_t *sent)
{
	static char piece[STREAM_QUEUE_MAX];

	for (size_t i = 0; i < n; i++)
		piece[i] = byte_at(*sent + i);
	assert_int_equal(stream_send(u->s, str_of(piece, n)), ERR_OK);
	*sent += n;
}

/* Reads at the far end from byte *got on, each in its place. */
static void
read_far(int far, size_t *got, size_t until, bool turns)
{
	static char scrap[65536];

	while (*got < until) {
		size_t want = until - *got < sizeof(scrap) ? until - *got : sizeof(scrap);
		ssize_t k = read(far, scrap, want);

		if (k < 0)
			assert_int_equal(errno, EAGAIN);
		for (ssize_t i = 0; i < k; i++)
			assert_int_equal(scrap[i], byte_at((*got)++));
		if (turns)
			turn(1);
	}
}

/* More than the socket takes: it waits in the queue, in order, and goes when there is room. */
static void
queue_and_drain(void **state)
{
	struct user u;
	int far = open_pair(&u, O_NONBLOCK);
	size_t sent = 0, got = 0;

	(void)state;
	while (stream_queued(u.s) == 0)
		send_bytes(&u, 30000, &sent);
	send_bytes(&u, 100000, &sent);
	read_far(far, &got, 60000, false); /* room again, but the loop has not seen it */
	send_bytes(&u, 10000, &sent);      /* nothing passes the queue */
	assert_int_equal(u.drained, 0);
	read_far(far, &got, sent, true);
	UNTIL(u.drained == 1);
	assert_int_equal(stream_queued(u.s), 0);
	assert_int_equal(pool_used(&pool.chunks), 0);
	assert_int_equal(pool.bytes_out, sent);
	stream_close(&u.s);
	close(far);
}

/* Beyond the cap the connection ends, told later and once. */
static void
overflow(void **state)
{
	static char big[STREAM_QUEUE_MAX];
	struct user u;
	int far = open_pair(&u, O_NONBLOCK);

	(void)state;
	while (stream_queued(u.s) == 0)
		assert_int_equal(stream_send(u.s, str_of(big, 30000)), ERR_OK);
	assert_int_equal(stream_send(u.s, str_of(big, sizeof(big))), ERR_FULL);
	assert_int_equal(u.closed, 0);
	assert_int_equal(stream_send(u.s, STR("x")), ERR_STATE);
	turn(1);
	assert_int_equal(u.closed, 1);
	assert_int_equal(u.why, STREAM_END_OVERFLOW);
	assert_string_equal(stream_end_text(u.why),
			    "the other side does not read: send queue full");
	assert_int_equal(pool_used(&pool.chunks), 0);
	close(far);
}

/* 80 chunks for all: three full queues do not fit, and who comes too late is ended. */
static void
chunks_run_out(void **state)
{
	static char big[STREAM_QUEUE_MAX];
	struct user u[4];
	int far[4];
	enum err e = ERR_OK;

	(void)state;
	for (int i = 0; i < 4; i++)
		far[i] = open_pair(&u[i], O_NONBLOCK);
	for (int i = 0; i < 4 && e == ERR_OK; i++) {
		while (stream_queued(u[i].s) == 0)
			assert_int_equal(stream_send(u[i].s, str_of(big, 30000)), ERR_OK);
		e = stream_send(u[i].s, str_of(big, sizeof(big) - 30000));
	}
	assert_int_equal(e, ERR_NOMEM);
	turn(1);
	assert_int_equal(u[0].closed + u[1].closed + u[2].closed + u[3].closed, 1);
	assert_int_equal(pool.closed[STREAM_END_NOMEM], 1);
	assert_int_equal(pool.no_room, 1);
	for (int i = 0; i < 4; i++) {
		stream_close(&u[i].s);
		close(far[i]);
	}
	assert_int_equal(pool_used(&pool.chunks), 0);
}

static void
close_in_callback(void **state)
{
	struct user u;
	int far = open_pair(&u, 0);
	char c;

	(void)state;
	u.closes = true;
	u.echoes = true;
	assert_int_equal(write(far, "bye", 3), 3);
	UNTIL(u.s == NULL);
	assert_int_equal(u.closed, 0);         /* the owner's own end is not told */
	assert_int_equal(read(far, &c, 1), 1); /* but what it had sent has left */
	close(far);
	turn(2);
	assert_int_equal(pool_used(&pool.streams), 0);
}

/* A stream closed in its callback is not yet the place of a new one: the loop still stands in it.
 */
static void
close_and_open_another(void **state)
{
	struct user u;
	int far = open_pair(&u, 0), next[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, next), 0);
	u.closes = true;
	u.takes = next[0];
	assert_int_equal(write(next[1], "early", 5), 5);
	assert_int_equal(write(far, "bye", 3), 3);
	for (int i = 0; i < 100 && u.total < 3; i++)
		assert_int_equal(loop_run_once(&rig.loop, 1), ERR_OK);
	assert_int_equal(u.total, 3); /* the new one has its own event */
	u.closes = false;
	UNTIL(u.total == 8);
	stream_close(&u.s);
	close(far);
	close(next[1]);
	turn(1);
	assert_int_equal(pool_used(&pool.streams), 0);
}

static void
half_close(void **state)
{
	struct user u;
	int far = open_pair(&u, 0);
	char got[8];

	(void)state;
	assert_int_equal(stream_send(u.s, STR("last")), ERR_OK);
	stream_finish(u.s);
	assert_int_equal(stream_send(u.s, STR("x")), ERR_STATE);
	assert_int_equal(read(far, got, sizeof(got)), 4);
	assert_int_equal(read(far, got, sizeof(got)), 0); /* our end */
	assert_int_equal(write(far, "more", 4), 4);       /* the other direction goes on */
	UNTIL(u.total == 4);
	close(far);
	UNTIL(u.closed == 1);
	assert_int_equal(u.why, STREAM_END_FINISHED);
}

/* stream_finish with a full queue: everything leaves before the end. */
static void
finish_after_queue(void **state)
{
	struct user u;
	int far = open_pair(&u, O_NONBLOCK);
	size_t sent = 0, got = 0;
	char c;

	(void)state;
	while (stream_queued(u.s) == 0)
		send_bytes(&u, 200000, &sent);
	stream_finish(u.s);
	read_far(far, &got, sent, true);
	turn(2);
	assert_int_equal(read(far, &c, 1), 0);
	close(far);
	UNTIL(u.closed == 1);
}

static void
pausing(void **state)
{
	struct user u;
	int far = open_pair(&u, 0);

	(void)state;
	u.pauses = true;
	assert_int_equal(write(far, "a", 1), 1);
	UNTIL(u.total == 1);
	assert_int_equal(write(far, "b", 1), 1);
	turn(5);
	assert_int_equal(u.total, 1);
	stream_pause(u.s, false);
	UNTIL(u.total == 2);
	stream_pause(u.s, true);
	close(far); /* a paused stream still notices its end */
	UNTIL(u.closed == 1);
}

/* A peer that sends more than there is time for gets its turns like others, and it alone is behind;
 * one whose bytes take long, and who sends no more of them, is not. */
static void
slices(void **state)
{
	static char many[32 * STREAM_READ_MAX];
	struct user busy, slow;
	int a = open_pair(&busy, O_NONBLOCK), b = open_pair(&slow, 0);
	uint64_t began;

	(void)state;
	busy.slow_us = slow.slow_us = STREAM_SLICE_US + 500;
	assert_true(write(a, many, sizeof(many)) >= 4 * STREAM_READ_MAX);
	assert_int_equal(write(b, "x", 1), 1);
	turn(1);
	assert_int_equal(busy.reads, 1);
	assert_int_equal(slow.reads, 1);
	began = clock_now_us();
	assert_in_range(stream_waited_us(busy.s, began + 1000), 1000, 50000);
	assert_int_equal(stream_waited_us(slow.s, began + 1000), 0);
	turn(1);
	assert_int_equal(busy.reads, 2);
	assert_true(stream_waited_us(busy.s, clock_now_us()) >= STREAM_SLICE_US);
	busy.slow_us = 0;
	UNTIL(stream_waited_us(busy.s, clock_now_us()) == 0);
	stream_close(&busy.s);
	stream_close(&slow.s);
	close(a);
	close(b);
}

/* One who is always ahead of his turns waits as long as what he has sent takes, not since he began.
 */
static void
waits_no_longer(void **state)
{
	static char more[4 * STREAM_READ_MAX];
	struct user u;
	int far = open_pair(&u, O_NONBLOCK);
	uint64_t began = clock_now_us(), longest = 0;
	size_t sent = 0;

	(void)state;
	u.slow_us = STREAM_SLICE_US + 100;
	while (clock_now_us() - began < 200000) {
		uint64_t waited;
		ssize_t n = sent - u.total < sizeof(more) ? write(far, more, sizeof(more)) : 0;

		sent += n > 0 ? (size_t)n : 0;
		turn(1);
		waited = stream_waited_us(u.s, clock_now_us());
		longest = waited > longest ? waited : longest;
	}
	assert_in_range(longest, 2 * STREAM_SLICE_US, 100000);
	stream_close(&u.s);
	close(far);
}

/* What is sent in a turn leaves as one, at its end; what is too much for that, at once and in
 * order. */
static void
one_write_a_turn(void **state)
{
	static const struct {
		size_t each, writes, of;
	} rows[] = {{100, 5, 1}, {STREAM_CHUNK, 1, 1}, {STREAM_CHUNK / 2 + 1, 3, 3}};
	static char got[3 * STREAM_CHUNK];

	(void)state;
	for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
		struct user u = {.answers = rows[r].writes, .answer_len = rows[r].each};
		size_t total = 0, packets = 0;
		int pair[2];
		ssize_t n;

		assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
		assert_int_equal(stream_adopt(&pool, pair[0], &calls, &u, &u.s), ERR_OK);
		assert_int_equal(write(pair[1], "x", 1), 1);
		UNTIL(u.total == 1);
		while ((n = recv(pair[1], got, sizeof(got), MSG_DONTWAIT)) > 0) {
			for (ssize_t i = 0; i < n; i++)
				assert_int_equal(got[i], byte_at(total++));
			packets++;
		}
		assert_int_equal(total, rows[r].writes * rows[r].each);
		assert_int_equal(packets, rows[r].of);
		assert_int_equal(u.drained, 0);
		assert_int_equal(stream_send(u.s, STR("alone")), ERR_OK); /* in no turn: at once */
		assert_int_equal(recv(pair[1], got, sizeof(got), MSG_DONTWAIT), 5);
		assert_int_equal(pool_used(&pool.chunks), 0);
		stream_close(&u.s);
		close(pair[1]);
	}
}

static void
streams_run_out(void **state)
{
	struct user u[8], extra;
	int far[8], pair[2];

	(void)state;
	for (int i = 0; i < 8; i++)
		far[i] = open_pair(&u[i], 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(stream_adopt(&pool, pair[0], &calls, &extra, &extra.s), ERR_NOMEM);
	close(pair[0]); /* stayed the caller's */
	close(pair[1]);
	for (int i = 0; i < 8; i++) {
		stream_close(&u[i].s);
		close(far[i]);
	}
	turn(1);
	assert_int_equal(pool_used(&pool.streams), 0);
}

/* ---- TCP ---- */

struct door {
	struct tcp_listener ln;
	struct user u[4];
	int n;
	struct addr peer, local;
	enum tcp_more answer;
};

static enum tcp_more
on_accept(void *arg, int fd, const struct addr *peer, const struct addr *local)
{
	struct door *d = arg;

	d->peer = *peer;
	d->local = *local;
	assert_int_equal(stream_adopt(&pool, fd, &calls, &d->u[d->n], &d->u[d->n].s), ERR_OK);
	d->n++;
	return d->answer;
}

static void
open_door(struct door *d)
{
	struct addr local = rig_addr("127.0.0.1:0");
	int fd;

	*d = (struct door){.ln = {.on_accept = on_accept, .arg = d}};
	assert_int_equal(tcp_listen(&local, NULL, &fd), ERR_OK);
	assert_int_equal(tcp_listener_init(&d->ln, &rig.loop, fd), ERR_OK);
}

static void
connect_and_talk(void **state)
{
	struct addr from = rig_addr("127.0.0.5");
	struct user u = {.s = NULL};
	struct door d;

	(void)state;
	open_door(&d);
	d.u[0].echoes = true;
	assert_int_equal(stream_connect(&pool, &d.ln.local, &from, NULL, 0, &calls, &u, &u.s),
			 ERR_OK);
	assert_int_equal(stream_send(u.s, STR("early")), ERR_STATE);
	UNTIL(u.opened == 1);
	assert_true(addr_ip_eq(stream_local(u.s), &from));
	assert_true(addr_eq(stream_peer(u.s), &d.ln.local));
	assert_false(stream_is_tls(u.s));
	assert_int_equal(stream_send(u.s, STR("hello")), ERR_OK);
	UNTIL(u.total == 5);
	assert_true(addr_ip_eq(&d.peer, &from));
	assert_true(addr_eq(&d.local, &d.ln.local));
	stream_close(&u.s);
	UNTIL(d.u[0].closed == 1);
	assert_int_equal(d.u[0].why, STREAM_END_PEER);
	tcp_listener_fini(&d.ln);
	tcp_listener_fini(&d.ln); /* twice is fine */
}

static void
connect_fails(void **state)
{
	struct addr nobody, v6 = rig_addr("[::1]:1"), none = {.family = 0};
	struct user u = {.s = NULL};
	struct door d;
	enum err e;

	(void)state;
	open_door(&d);
	nobody = d.ln.local;
	tcp_listener_fini(&d.ln);
	e = stream_connect(&pool, &nobody, NULL, NULL, 0, &calls, &u, &u.s);
	if (e == ERR_OK) {
		UNTIL(u.closed == 1);
		assert_int_equal(u.why, STREAM_END_REFUSED);
		assert_int_equal(u.error, ECONNREFUSED);
	} else {
		assert_int_equal(errno, ECONNREFUSED);
	}
	assert_int_equal(stream_connect(&pool, &v6, &nobody, NULL, 0, &calls, &u, &u.s), ERR_IO);
	assert_int_equal(stream_connect(&pool, &none, NULL, NULL, 0, &calls, &u, &u.s), ERR_RANGE);
	turn(1);
	assert_int_equal(pool_used(&pool.streams), 0);
}

/* A listener that never accepts and whose queue is full: SYNs are dropped, the deadline counts. */
static void
connect_times_out(void **state)
{
	struct addr any = rig_addr("127.0.0.1:0"), to;
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	struct user u[4] = {{.s = NULL}};
	int fd, late = 0;

	(void)state;
	assert_int_equal(tcp_listen(&any, NULL, &fd), ERR_OK);
	assert_int_equal(listen(fd, 0), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	to = addr_from_sa(&sa);
	for (int i = 0; i < 4; i++)
		assert_int_equal(
			stream_connect(&pool, &to, NULL, NULL, 100000, &calls, &u[i], &u[i].s),
			ERR_OK);
	for (int i = 0; i < 300; i++)
		assert_int_equal(loop_run_once(&rig.loop, 1), ERR_OK);
	for (int i = 0; i < 4; i++) {
		late += u[i].closed;
		assert_true(u[i].closed == 0 || u[i].why == STREAM_END_TIMEOUT);
		stream_close(&u[i].s);
	}
	assert_true(late >= 1);
	close(fd);
}

static void
hold_the_door(void **state)
{
	struct user u[3] = {{.s = NULL}};
	struct door d;

	(void)state;
	open_door(&d);
	d.answer = TCP_ACCEPT_HOLD;
	for (int i = 0; i < 3; i++)
		assert_int_equal(
			stream_connect(&pool, &d.ln.local, NULL, NULL, 0, &calls, &u[i], &u[i].s),
			ERR_OK);
	UNTIL(u[0].opened + u[1].opened + u[2].opened == 3);
	turn(10);
	assert_int_equal(d.n, 1);
	tcp_listener_go(&d.ln);
	UNTIL(d.n == 2);
	turn(10);
	assert_int_equal(d.n, 2);
	d.answer = TCP_ACCEPT_MORE;
	tcp_listener_go(&d.ln);
	tcp_listener_go(&d.ln);
	UNTIL(d.n == 3);
	tcp_listener_fini(&d.ln);
}

/* ---- TLS ---- */

/* Several MB both ways through small socket buffers: partial writes, repeated writes, half
 * records; the echo must be the same bytes in the same order. */
static void
tls_bulk(void **state)
{
	enum { PIECE = 20011, TOTAL = 40 * PIECE };
	static char piece[PIECE];
	X509 *x = rig_leaf(rig.root, "DNS:" RIG_NAME, ca_keys()->leaf);
	struct peer p = {
		.ctx = peer_ctx(false, x, ca_keys()->leaf, TLS1_2_VERSION, TLS1_2_VERSION, NULL)};
	struct user u = {.s = NULL};
	int fd = peer_start(&p), small = 4096;
	uint32_t sum = 0;
	size_t sent = 0;

	(void)state;
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	assert_int_equal(rig_accept(fd, "127.0.0.2:1", 0), ERR_OK);
	rig_wait(1);
	assert_int_equal(stream_adopt_tls(&pool, &rig.conn, &calls, &u, &u.s), ERR_OK);
	assert_null(rig.conn);
	assert_true(stream_is_tls(u.s));
	while (u.total < TOTAL && u.closed == 0) {
		if (sent < TOTAL && stream_queued(u.s) < 100000) {
			for (size_t i = 0; i < PIECE; i++) {
				piece[i] = (char)(sent / PIECE * 7 + i);
				sum = sum * 31 + (unsigned char)piece[i];
			}
			assert_int_equal(stream_send(u.s, str_of(piece, PIECE)), ERR_OK);
			sent += PIECE;
		}
		assert_int_equal(loop_run_once(&rig.loop, 1), ERR_OK);
	}
	assert_int_equal(u.total, TOTAL);
	assert_int_equal(u.sum, sum);
	stream_finish(u.s);
	UNTIL(u.closed == 1);
	assert_int_equal(u.why, STREAM_END_FINISHED);
	pthread_join(p.thread, NULL);
	assert_true(p.ok);
	turn(1);
	assert_int_equal(pool_used(&pool.chunks), 0);
	assert_int_equal(pool_used(&pool.streams), 0);
	SSL_SESSION_free(p.session);
	SSL_CTX_free(p.ctx);
	X509_free(x);
}

/* A peer of ours whose handshake is over on its side; its socket. */
static int
connect_peer(SSL *ssl)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	fcntl(pair[0], F_SETFL, O_NONBLOCK);
	fcntl(pair[1], F_SETFL, O_NONBLOCK);
	CA_MUST(SSL_set_fd(ssl, pair[1]) == 1);
	assert_int_equal(rig_accept(pair[0], "127.0.0.2:1", 0), ERR_OK);
	while (SSL_connect(ssl) != 1)
		assert_int_equal(loop_run_once(&rig.loop, 1), ERR_OK);
	return pair[1];
}

/* A peer that writes with its last flight: the bytes may already be inside TLS. And one that is
 * gone without a close_notify. */
static void
tls_ends(void **state)
{
	X509 *x = rig_leaf(rig.root, "DNS:" RIG_NAME, ca_keys()->leaf);
	SSL_CTX *ctx = peer_ctx(false, x, ca_keys()->leaf, TLS1_2_VERSION, TLS1_2_VERSION, NULL);

	(void)state;
	for (int rude = 0; rude < 2; rude++) {
		struct user u = {.s = NULL};
		int peer, n = rig.results;
		SSL *ssl = SSL_new(ctx);

		peer = connect_peer(ssl);
		assert_int_equal(SSL_write(ssl, "hi", 2), 2);
		rig_wait(n + 1);
		assert_int_equal(stream_adopt_tls(&pool, &rig.conn, &calls, &u, &u.s), ERR_OK);
		UNTIL(u.total == 2);
		if (!rude)
			SSL_shutdown(ssl);
		close(peer);
		UNTIL(u.closed == 1);
		assert_int_equal(u.why, STREAM_END_PEER);
		SSL_free(ssl);
	}
	SSL_CTX_free(ctx);
	X509_free(x);
}

/* Many records come in one read of the socket: each is taken, though no event tells of those that
 * wait inside TLS; also after a pause. */
static void
tls_read_ahead(void **state)
{
	enum { RECORDS = 20 };
	X509 *x = rig_leaf(rig.root, "DNS:" RIG_NAME, ca_keys()->leaf);
	SSL_CTX *ctx = peer_ctx(false, x, ca_keys()->leaf, TLS1_2_VERSION, TLS1_2_VERSION, NULL);

	(void)state;
	for (int pauses = 0; pauses < 2; pauses++) {
		struct user u = {.pauses = pauses};
		int peer, n = rig.results;
		SSL *ssl = SSL_new(ctx);

		peer = connect_peer(ssl);
		rig_wait(n + 1);
		for (int i = 0; i < RECORDS; i++)
			assert_int_equal(SSL_write(ssl, "ab", 2), 2);
		assert_int_equal(stream_adopt_tls(&pool, &rig.conn, &calls, &u, &u.s), ERR_OK);
		for (int i = 1; i <= RECORDS && pauses; i++) {
			UNTIL(u.reads == i);
			turn(3);
			assert_int_equal(u.reads, i);
			stream_pause(u.s, false);
		}
		UNTIL(u.total == 2 * RECORDS);
		assert_int_equal(u.reads, RECORDS);
		stream_close(&u.s);
		turn(1);
		SSL_free(ssl);
		close(peer);
	}
	SSL_CTX_free(ctx);
	X509_free(x);
}

static int
teardown_keys(void **state)
{
	(void)state;
	ca_keys_free();
	return 0;
}

int
main(void)
{
#define POOLED(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		POOLED(every_split),
		POOLED(queue_and_drain),
		POOLED(overflow),
		POOLED(chunks_run_out),
		POOLED(close_in_callback),
		POOLED(half_close),
		POOLED(close_and_open_another),
		POOLED(finish_after_queue),
		POOLED(pausing),
		POOLED(slices),
		POOLED(waits_no_longer),
		POOLED(one_write_a_turn),
		POOLED(streams_run_out),
		POOLED(connect_and_talk),
		POOLED(connect_fails),
		POOLED(connect_times_out),
		POOLED(hold_the_door),
		POOLED(tls_bulk),
		POOLED(tls_ends),
		POOLED(tls_read_ahead),
	};

	return cmocka_run_group_tests(tests, NULL, teardown_keys);
}
