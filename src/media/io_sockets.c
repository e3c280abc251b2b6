#include "media/io_sockets.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/mem.h"

/* ---- keeper ---- */

static int
bind_one(const struct addr *a)
{
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sa(a, &sa);
	int on = 1, size = IO_SOCKETS_BUFFER, saved, fd;

	fd = socket(sa.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (a->family == 6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (bind(fd, (struct sockaddr *)&sa, len) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

enum err
io_sockets_bind(const struct media_plan *plan, int *fds, char *why, size_t cap)
{
	uint32_t n = 2 * media_slots(plan);

	for (uint32_t i = 0; i < n; i++) {
		struct addr a = plan->bound[media_slot_addr(plan, i / 2)];

		a.port = (uint16_t)(media_slot_port(plan, i / 2) + i % 2);
		fds[i] = bind_one(&a);
		if (fds[i] >= 0)
			continue;
		(void)snprintf(why, cap, "media port %s: %s", addr_text(&a).z, strerror(errno));
		while (i > 0)
			close(fds[--i]);
		return ERR_IO;
	}
	return ERR_OK;
}

/* ---- worker ---- */

static bool
receive_one(struct io_sockets *s, uint32_t socket, struct io_packet *k)
{
	struct sockaddr_storage sa;
	struct iovec iov = {k->p, IO_PACKET_MAX};
	struct msghdr m = {
		.msg_name = &sa, .msg_namelen = sizeof(sa), .msg_iov = &iov, .msg_iovlen = 1};
	ssize_t n = recvmsg(s->socks[socket], &m, MSG_DONTWAIT);

	if (n < 0 || (m.msg_flags & MSG_TRUNC))
		return false;
	k->len = (uint32_t)n;
	k->socket = socket;
	k->addr = addr_from_sa(&sa);
	return true;
}

static unsigned
receive_batch(void *arg, struct io_packet *v, unsigned n)
{
	struct io_sockets *s = arg;
	struct epoll_event ev[IO_BATCH];
	int ready = epoll_wait(s->fd, ev, n < IO_BATCH ? (int)n : IO_BATCH, 0);
	unsigned got = 0;

	for (int i = 0; i < ready; i++)
		if (receive_one(s, ev[i].data.u32, &v[got]))
			got++;
	return got;
}

static void
set_dscp(struct io_sockets *s, uint32_t socket, const struct io_packet *k)
{
	int tos = k->dscp << 2;

	if (s->dscp[socket] == k->dscp)
		return;
	s->dscp[socket] = k->dscp;
	if (k->addr.family == 6)
		(void)setsockopt(s->socks[socket], IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof(tos));
	else
		(void)setsockopt(s->socks[socket], IPPROTO_IP, IP_TOS, &tos, sizeof(tos));
}

static bool
send_one(struct io_sockets *s, const struct io_packet *k)
{
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sa(&k->addr, &sa);

	if (k->socket >= s->n || s->socks[k->socket] < 0 || len == 0)
		return false;
	set_dscp(s, k->socket, k);
	return sendto(s->socks[k->socket], k->p, k->len, MSG_DONTWAIT | MSG_NOSIGNAL,
		      (struct sockaddr *)&sa, len) == (ssize_t)k->len;
}

static unsigned
send_batch(void *arg, const struct io_packet *v, unsigned n)
{
	unsigned sent = 0;

	for (unsigned i = 0; i < n; i++)
		if (v[i].len && send_one(arg, &v[i]))
			sent++;
	return sent;
}

enum err
io_sockets_init(struct io_sockets *s, uint32_t n_slots)
{
	*s = (struct io_sockets){.n = 2 * n_slots};
	s->io = (struct media_io){s, receive_batch, send_batch};
	s->fd = epoll_create1(EPOLL_CLOEXEC);
	if (s->fd < 0)
		return ERR_IO;
	s->socks = mem_zalloc(s->n, sizeof(*s->socks));
	s->dscp = mem_zalloc(s->n, sizeof(*s->dscp));
	if (!s->socks || !s->dscp) {
		s->n = 0;
		io_sockets_fini(s);
		return ERR_NOMEM;
	}
	for (uint32_t i = 0; i < s->n; i++)
		s->socks[i] = -1;
	memset(s->dscp, 0xff, s->n); /* not known: a worker before us may have set it */
	return ERR_OK;
}

void
io_sockets_fini(struct io_sockets *s)
{
	for (uint32_t i = 0; i < s->n; i++)
		if (s->socks[i] >= 0)
			close(s->socks[i]);
	if (s->fd >= 0)
		close(s->fd);
	MEM_FREE(s->socks);
	MEM_FREE(s->dscp);
	s->n = 0;
	s->fd = -1;
}

static enum err
add_one(struct io_sockets *s, uint32_t i, int fd)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.u32 = i};

	if (i >= s->n)
		return ERR_RANGE;
	if (s->socks[i] >= 0)
		return ERR_EXISTS;
	if (epoll_ctl(s->fd, EPOLL_CTL_ADD, fd, &ev) != 0)
		return ERR_IO;
	s->socks[i] = fd;
	return ERR_OK;
}

enum err
io_sockets_add(struct io_sockets *s, uint32_t first, const int *fds, uint32_t n)
{
	enum err result = ERR_OK;

	for (uint32_t i = 0; i < n; i++) {
		enum err e = add_one(s, first + i, fds[i]);

		if (e == ERR_OK)
			continue;
		close(fds[i]);
		result = e;
	}
	return result;
}
