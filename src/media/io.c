#include "media/io.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/mem.h"

enum err
io_set_init(struct io_set *s, uint32_t n)
{
	memset(s, 0, sizeof(*s));
	s->fd = mem_zalloc(n ? n : 1, sizeof(*s->fd));
	if (!s->fd)
		return ERR_NOMEM;
	s->n = n;
	for (uint32_t i = 0; i < n; i++)
		s->fd[i] = -1;
	return ERR_OK;
}

enum err
io_set_watch(struct io_set *s, uint32_t n)
{
	enum err e = io_set_init(s, n);

	if (e != ERR_OK)
		return e;
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	return s->epoll < 0 ? ERR_IO : io_set_hold(s, s->epoll);
}

void
io_set_fini(struct io_set *s)
{
	for (uint32_t i = 0; i < s->n; i++)
		if (s->fd[i] >= 0)
			close(s->fd[i]);
	for (uint32_t i = 0; i < s->n_held; i++)
		close(s->held[i]);
	MEM_FREE(s->fd);
	memset(s, 0, sizeof(*s));
}

enum err
io_set_hold(struct io_set *s, int fd)
{
	if (s->n_held == IO_HELD_MAX) {
		close(fd);
		return ERR_FULL;
	}
	s->held[s->n_held++] = fd;
	return ERR_OK;
}

enum err
io_set_take(struct io_set *s, uint32_t place, int fd, bool wakes)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.u32 = place};
	enum err e = ERR_OK;

	if (place >= s->n)
		e = ERR_RANGE;
	else if (s->fd[place] >= 0)
		e = ERR_EXISTS;
	else if (wakes && epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &ev) != 0)
		e = ERR_IO;
	if (e != ERR_OK)
		close(fd);
	else
		s->fd[place] = fd;
	return e;
}

uint64_t
io_set_lost(const struct io_set *s, uint32_t first, uint32_t n)
{
	uint64_t lost = 0;

	for (uint32_t i = first; i < s->n && i - first < n; i++) {
		uint32_t info[SK_MEMINFO_VARS] = {0};
		socklen_t len = sizeof(info);

		if (s->fd[i] >= 0 && getsockopt(s->fd[i], SOL_SOCKET, SO_MEMINFO, info, &len) == 0)
			lost += info[SK_MEMINFO_DROPS];
	}
	return lost;
}

enum err
io_why(char *why, const char *what, const char *name)
{
	int saved = errno;
	bool perm = saved == EPERM || saved == EACCES;

	(void)snprintf(why, IO_WHY_MAX, "%s %s: %s%s", what, name, strerror(saved),
		       perm ? "; CAP_NET_ADMIN, CAP_NET_RAW and CAP_BPF are needed" : "");
	if (saved == EAFNOSUPPORT || saved == EOPNOTSUPP || saved == EINVAL)
		return ERR_UNSUPPORTED;
	return perm ? ERR_PERM : saved == ENOMEM ? ERR_NOMEM : ERR_IO;
}

bool
io_option(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) == 0;
}

bool
io_ip_option(int fd, bool v6, int v4_name, int v6_name, int value)
{
	return v6 ? io_option(fd, IPPROTO_IPV6, v6_name, value)
		  : io_option(fd, IPPROTO_IP, v4_name, value);
}

void
io_buffers(int fd, int receive, int send)
{
	if (receive && !io_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, receive))
		(void)!io_option(fd, SOL_SOCKET, SO_RCVBUF, receive);
	if (send && !io_option(fd, SOL_SOCKET, SO_SNDBUFFORCE, send))
		(void)!io_option(fd, SOL_SOCKET, SO_SNDBUF, send);
}

enum err
io_udp(const struct addr *a, bool to, int receive, int *fd, char *why)
{
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sa(a, &sa);
	bool v6 = a->family == 6;
	enum err e;

	*fd = socket(sa.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (*fd >= 0 && (!v6 || io_option(*fd, IPPROTO_IPV6, IPV6_V6ONLY, 1)) &&
	    io_ip_option(*fd, v6, IP_RECVTOS, IPV6_RECVTCLASS, 1) &&
	    (!to || io_ip_option(*fd, v6, IP_RECVORIGDSTADDR, IPV6_RECVORIGDSTADDR, 1)) &&
	    bind(*fd, (struct sockaddr *)&sa, len) == 0) {
		io_buffers(*fd, receive, 0);
		return ERR_OK;
	}
	e = io_why(why, "media port", addr_text(a).z);
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	return e;
}

bool
io_find_socket(const struct media_plan *plan, const struct addr *to, uint32_t *socket)
{
	uint32_t i = 0, pairs = media_pairs(plan), port = (uint32_t)to->port - plan->port_min;

	while (i < plan->n_addrs && !addr_ip_eq(&plan->bound[i], to))
		i++;
	if (i == plan->n_addrs || port >= 2 * pairs)
		return false;
	*socket = 2 * pairs * i + port;
	return true;
}

uint8_t
io_dscp_of(const struct cmsghdr *c, uint8_t was)
{
	int class;

	if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS)
		return *CMSG_DATA(c) >> 2;
	if (c->cmsg_level != IPPROTO_IPV6 || c->cmsg_type != IPV6_TCLASS)
		return was;
	memcpy(&class, CMSG_DATA(c), sizeof(class));
	return (uint8_t)(class >> 2 & 0x3f);
}
