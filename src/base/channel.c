#include "base/channel.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/mem.h"

enum err
channel_pair(int fd[2])
{
	int size = 1 << 20;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fd) != 0)
		return ERR_IO;
	for (int i = 0; i < 2; i++)
		(void)setsockopt(fd[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	return ERR_OK;
}

enum err
channel_init(struct channel *c, int fd, uint32_t max)
{
	*c = (struct channel){.fd = fd, .max = max};
	c->queue = mem_zalloc(max, sizeof(*c->queue));
	return c->queue ? ERR_OK : ERR_NOMEM;
}

void
channel_fini(struct channel *c)
{
	if (c->fd >= 0)
		close(c->fd);
	mem_free(c->queue);
	*c = (struct channel){.fd = -1};
}

void
channel_rebind(struct channel *c, int fd)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = fd;
	c->n = c->first = 0;
}

static enum err
send_one(int fd, const struct channel_msg *m, const int *fds, size_t n_fds)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int) * CHANNEL_FDS)];
	} ctl;
	struct iovec iov = {(void *)(uintptr_t)m, sizeof(m->head) + m->head.length};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	if (fd < 0)
		return ERR_AGAIN;
	if (n_fds) {
		memset(&ctl, 0, sizeof(ctl));
		msg.msg_control = ctl.space;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
		ctl.align.cmsg_level = SOL_SOCKET;
		ctl.align.cmsg_type = SCM_RIGHTS;
		ctl.align.cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
		memcpy(CMSG_DATA(&ctl.align), fds, sizeof(int) * n_fds);
	}
	if (sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
		return ERR_OK;
	switch (errno) {
	case EAGAIN:
	case EINTR:
	case ENOBUFS:
	case ENOMEM:
	case ETOOMANYREFS: /* more descriptors on their way than this user may have open */
		return ERR_AGAIN;
	default:
		return ERR_CLOSED;
	}
}

bool
channel_flush(struct channel *c)
{
	while (c->n) {
		if (send_one(c->fd, &c->queue[c->first], NULL, 0) != ERR_OK)
			return false; /* a dead peer shows at the reading side */
		c->first = (c->first + 1) % c->max;
		c->n--;
	}
	return true;
}

static void
fill_msg(struct channel *c, struct channel_msg *m, uint16_t type, const void *body, size_t len)
{
	assert(len <= CHANNEL_BODY_MAX);
	m->head = (struct channel_head){.type = type,
					.version = CHANNEL_VERSION,
					.length = (uint32_t)len,
					.sequence = ++c->sequence};
	if (len)
		memcpy(m->body, body, len);
}

enum err
channel_send(struct channel *c, uint16_t type, const void *body, size_t len, bool must)
{
	uint32_t reserve = c->max * CHANNEL_RESERVE / 256;

	if (c->n >= (must ? c->max : c->max - reserve))
		return ERR_FULL;
	fill_msg(c, &c->queue[(c->first + c->n) % c->max], type, body, len);
	c->n++;
	channel_flush(c);
	return ERR_OK;
}

enum err
channel_send_fds(struct channel *c, uint16_t type, const void *body, size_t len, const int *fds,
		 size_t n_fds)
{
	struct channel_msg m;
	enum err e;

	assert(n_fds <= CHANNEL_FDS);
	if (!channel_flush(c))
		return ERR_AGAIN;
	fill_msg(c, &m, type, body, len);
	e = send_one(c->fd, &m, fds, n_fds);
	if (e != ERR_OK)
		c->sequence--; /* it was never sent */
	return e;
}

/* Hand received descriptors to the caller, or close them. */
static void
take_fds(struct msghdr *msg, int *fds, size_t *n_fds)
{
	size_t room = fds && n_fds ? *n_fds : 0, n = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		size_t have;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		have = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < have; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			if (n < room)
				fds[n++] = fd;
			else
				close(fd);
		}
	}
	if (n_fds)
		*n_fds = n;
}

static bool
is_whole(const struct msghdr *msg, const struct channel_msg *m, size_t n)
{
	return n >= sizeof(m->head) && !(msg->msg_flags & MSG_TRUNC) &&
	       m->head.version == CHANNEL_VERSION && m->head.length == n - sizeof(m->head);
}

enum err
channel_recv(struct channel *c, struct channel_msg *out, int *fds, size_t *n_fds)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int) * CHANNEL_FDS)];
	} ctl;
	struct iovec iov = {out, sizeof(*out)};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = ctl.space,
			     .msg_controllen = sizeof(ctl.space)};
	ssize_t n;

	if (c->fd < 0)
		return ERR_CLOSED;
	n = recvmsg(c->fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n < 0 && errno == ECONNRESET) /* it died with unread input: reported once, and before
					   * the messages that it had sent */
		n = recvmsg(c->fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? ERR_AGAIN : ERR_CLOSED;
	if (n == 0 || !is_whole(&msg, out, (size_t)n)) {
		take_fds(&msg, NULL, NULL);
		return n == 0 ? ERR_CLOSED : ERR_SYNTAX;
	}
	take_fds(&msg, fds, n_fds);
	return ERR_OK;
}
