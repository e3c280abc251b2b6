#include "calls/link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "../unit/net/testca.h"
#include "base/mem.h"
#include "bench.h"

enum {
	UDP_BUFFER = 4 << 20,
	EVENTS = 32,
	BATCH = 64, /* datagrams in a row */
	SEND_WAIT_MS = 2000,
	CONNECT_WAIT_S = 3,
	UDP_MARK = LOAD_CONNS, /* where others have a connection's index */
};

#define OUT_WAIT_S 0.001 /* between two tries of what waits */

static struct sockaddr_in
address(const char *ip, uint16_t port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};

	BENCH_MUST(inet_pton(AF_INET, ip, &a.sin_addr) == 1);
	return a;
}

static void
watch(struct link *l, int fd, unsigned mark)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.u32 = mark};

	BENCH_MUST(epoll_ctl(l->poll, EPOLL_CTL_ADD, fd, &ev) == 0);
}

void
link_init(struct link *l, const struct place *p)
{
	struct sockaddr_in gw = address(PLACE_GATEWAY, PLACE_GATEWAY_PORT);
	int size = UDP_BUFFER;

	l->ctx = SSL_CTX_new(TLS_client_method());
	CA_MUST(l->ctx);
	/* the carrier profile's first suite, on either side */
	CA_MUST(SSL_CTX_set_max_proto_version(l->ctx, TLS1_2_VERSION) == 1);
	CA_MUST(SSL_CTX_set_cipher_list(l->ctx, "AES128-SHA") == 1);
	CA_MUST(SSL_CTX_use_certificate_chain_file(l->ctx, place_path(p, "pbx.pem")) == 1);
	CA_MUST(SSL_CTX_use_PrivateKey_file(l->ctx, place_path(p, "pbx.key"), SSL_FILETYPE_PEM) ==
		1);
	CA_MUST(SSL_CTX_load_verify_locations(l->ctx, place_path(p, "ca.pem"), NULL) == 1);
	SSL_CTX_set_verify(l->ctx, SSL_VERIFY_PEER, NULL);
	l->poll = epoll_create1(EPOLL_CLOEXEC);
	l->udp = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	BENCH_MUST(l->poll >= 0 && l->udp >= 0);
	(void)setsockopt(l->udp, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	BENCH_MUST(bind(l->udp, (struct sockaddr *)&gw, sizeof(gw)) == 0);
	watch(l, l->udp, UDP_MARK);
	for (unsigned i = 0; i < LOAD_CONNS; i++) {
		l->conn[i] = (struct link_conn){.fd = -1, .mem = mem_zalloc(1, SIP_FRAME_BUF)};
		BENCH_MUST(l->conn[i].mem);
	}
}

static void
drop_conn(struct link_conn *c)
{
	SSL_free(c->ssl);
	c->ssl = NULL;
	c->n_out = 0;
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

void
link_fini(struct link *l)
{
	for (unsigned i = 0; i < LOAD_CONNS; i++) {
		drop_conn(&l->conn[i]);
		mem_free(l->conn[i].mem);
		mem_free(l->conn[i].out);
	}
	SSL_CTX_free(l->ctx);
	close(l->udp);
	close(l->poll);
}

bool
link_connect_one(struct link *l, unsigned i, uint16_t port)
{
	struct sockaddr_in from = address(PLACE_PBX, 0), to = address(PLACE_CUSTOMER_SIDE, port);
	struct timeval limit = {.tv_sec = CONNECT_WAIT_S}, none = {0};
	struct link_conn *c = &l->conn[i];
	int one = 1;

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	BENCH_MUST(c->fd >= 0 && bind(c->fd, (struct sockaddr *)&from, sizeof(from)) == 0);
	(void)setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	(void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(c->fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		return false;
	c->ssl = SSL_new(l->ctx);
	CA_MUST(c->ssl && SSL_set_fd(c->ssl, c->fd) == 1);
	CA_MUST(SSL_set_tlsext_host_name(c->ssl, "sbc.example.test") == 1);
	if (SSL_connect(c->ssl) != 1)
		return false;
	BENCH_MUST(strcmp(SSL_get_cipher(c->ssl), "AES128-SHA") == 0);
	(void)setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &none, sizeof(none));
	BENCH_MUST(fcntl(c->fd, F_SETFL, O_NONBLOCK) == 0);
	sip_frame_init(&c->frame, c->mem, SIP_FRAME_BUF);
	watch(l, c->fd, i);
	return true;
}

bool
link_connect(struct link *l, uint16_t port)
{
	for (unsigned i = 0; i < LOAD_CONNS; i++)
		if (!link_connect_one(l, i, port)) {
			link_disconnect(l);
			return false;
		}
	return true;
}

void
link_disconnect(struct link *l)
{
	for (unsigned i = 0; i < LOAD_CONNS; i++)
		drop_conn(&l->conn[i]);
	ERR_clear_error();
}

void
link_queues(struct link *l)
{
	int size = LINK_FULL;

	for (unsigned i = 0; i < LOAD_CONNS; i++) {
		(void)setsockopt(l->conn[i].fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
		if (!l->conn[i].out)
			l->conn[i].out = mem_zalloc(1, LINK_OUT_MAX);
		BENCH_MUST(l->conn[i].out);
		if (l->conn[i].ssl)
			SSL_set_mode(l->conn[i].ssl, SSL_MODE_ENABLE_PARTIAL_WRITE |
							     SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	}
}

bool
link_full(const struct link *l, unsigned conn)
{
	return l->conn[conn].n_out >= LINK_FULL;
}

/* As far as it goes now. False: the connection is down. */
static bool
send_out(struct link_conn *c)
{
	size_t done = 0;
	int n = 1;

	while (done < c->n_out &&
	       (n = SSL_write(c->ssl, c->out + done, (int)(c->n_out - done))) > 0)
		done += (size_t)n;
	memmove(c->out, c->out + done, c->n_out - done);
	c->n_out -= done;
	return n > 0 || SSL_get_error(c->ssl, n) == SSL_ERROR_WANT_WRITE;
}

bool
link_send_pbx(struct link *l, unsigned conn, struct str bytes)
{
	struct link_conn *c = &l->conn[conn];

	if (c->ssl && c->out) {
		BENCH_MUST(bytes.len <= LINK_OUT_MAX - c->n_out);
		memcpy(c->out + c->n_out, bytes.p, bytes.len);
		c->n_out += bytes.len;
		return c->n_out > bytes.len || send_out(c); /* else it is tried in link_wait */
	}
	while (c->ssl) {
		int n = SSL_write(c->ssl, bytes.p, (int)bytes.len);
		struct pollfd p = {.fd = c->fd, .events = POLLOUT};

		if (n > 0)
			return true;
		if (SSL_get_error(c->ssl, n) != SSL_ERROR_WANT_WRITE ||
		    poll(&p, 1, SEND_WAIT_MS) != 1)
			break;
	}
	return false;
}

void
link_cut(struct link *l, unsigned conn, struct str bytes, bool reset)
{
	struct linger now = {.l_onoff = 1};
	struct link_conn *c = &l->conn[conn];

	if (!c->ssl)
		return;
	if (bytes.len)
		(void)link_send_pbx(l, conn, bytes);
	if (reset)
		(void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	drop_conn(c);
}

void
link_send_gateway(struct link *l, const struct sockaddr_in *to, struct str bytes)
{
	/* what is lost is sent again by the protocol */
	(void)!sendto(l->udp, bytes.p, bytes.len, 0, (const struct sockaddr *)to, sizeof(*to));
}

static void
read_conn(struct link *l, unsigned i, const struct link_up *up)
{
	struct link_conn *c = &l->conn[i];
	enum sip_frame_event ev;
	struct str msg;
	size_t room;
	int n = -1;

	while (c->ssl) {
		char *p = sip_frame_room(&c->frame, &room);

		n = SSL_read(c->ssl, p, (int)room);
		if (n <= 0)
			break;
		sip_frame_fed(&c->frame, (size_t)n);
		while (sip_frame_next(&c->frame, &ev, &msg) == ERR_OK && ev != SIP_FRAME_MORE) {
			if (ev == SIP_FRAME_MESSAGE)
				up->on_pbx(up->arg, i, msg);
			if (ev == SIP_FRAME_PING)
				(void)link_send_pbx(l, i, STR("\r\n"));
		}
	}
	if (c->ssl && SSL_get_error(c->ssl, n) != SSL_ERROR_WANT_READ) {
		drop_conn(c);
		up->on_down(up->arg, i);
	}
}

static void
read_gateway(struct link *l, const struct link_up *up)
{
	static char mem[65536];
	struct sockaddr_in from;

	for (int i = 0; i < BATCH; i++) {
		socklen_t len = sizeof(from);
		ssize_t n = recvfrom(l->udp, mem, sizeof(mem), 0, (struct sockaddr *)&from, &len);

		if (n < 0)
			break;
		up->on_gateway(up->arg, &from, str_of(mem, (size_t)n));
	}
}

void
link_wait(struct link *l, double seconds, const struct link_up *up)
{
	struct epoll_event ev[EVENTS];
	struct timespec t = {0};
	int n;

	for (unsigned i = 0; i < LOAD_CONNS; i++) {
		if (l->conn[i].ssl && l->conn[i].n_out)
			(void)send_out(&l->conn[i]);
		if (l->conn[i].n_out && seconds > OUT_WAIT_S)
			seconds = OUT_WAIT_S;
	}
	t.tv_sec = (time_t)seconds;
	t.tv_nsec = (long)((seconds - (double)t.tv_sec) * 1e9);
	n = epoll_pwait2(l->poll, ev, EVENTS, &t, NULL);
	BENCH_MUST(n >= 0 || errno == EINTR);
	for (int i = 0; i < n; i++) {
		if (ev[i].data.u32 == UDP_MARK)
			read_gateway(l, up);
		else
			read_conn(l, ev[i].data.u32, up);
	}
}
