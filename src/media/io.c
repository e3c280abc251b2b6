#include "media/io.h"

#include <string.h>
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
io_set_grow(struct io_set *s, uint32_t more)
{
	int *fd = mem_resize(s->fd, s->n + more, sizeof(*fd));

	if (!fd)
		return ERR_NOMEM;
	s->fd = fd;
	for (uint32_t i = 0; i < more; i++)
		s->fd[s->n++] = -1;
	return ERR_OK;
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

bool
io_ask_class(int fd, int family)
{
	int on = 1;

	if (family == AF_INET6)
		return setsockopt(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, &on, sizeof(on)) == 0;
	return setsockopt(fd, IPPROTO_IP, IP_RECVTOS, &on, sizeof(on)) == 0;
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
