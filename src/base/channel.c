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
	mem_free(c->inbox);
	*c = (struct channel){.fd = -1};
}

enum err
channel_gather(struct channel *c)
{
	if (!c->inbox)
		c->inbox = mem_zalloc(CHANNEL_BATCH, sizeof(*c->inbox));
	return c->inbox ? ERR_OK : ERR_NOMEM;
}

bool
channel_waits(const struct channel *c)
{
	return c->in_next < c->in_n;
}

void
channel_rebind(struct channel *c, int fd)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = fd;
	c->n = c->first = 0;
	c->in_next = c->in_n = 0;
	c->in_empty = false;
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

/* The first of those that wait, in one call: how many went. */
static uint32_t
send_batch(struct channel *c)
{
	struct mmsghdr m[CHANNEL_BATCH];
	struct iovec iov[CHANNEL_BATCH];
	uint32_t n = c->n < CHANNEL_BATCH ? c->n : CHANNEL_BATCH;
	int sent;

	memset(m, 0, sizeof(m[0]) * n);
	for (uint32_t i = 0; i < n; i++) {
		struct channel_msg *q = &c->queue[(c->first + i) % c->max];

		iov[i] = (struct iovec){q, sizeof(q->head) + q->head.length};
		m[i].msg_hdr.msg_iov = &iov[i];
		m[i].msg_hdr.msg_iovlen = 1;
	}
	sent = sendmmsg(c->fd, m, n, MSG_NOSIGNAL | MSG_DONTWAIT);
	return sent > 0 ? (uint32_t)sent : 0;
}

bool
channel_flush(struct channel *c)
{
	while (c->n && c->fd >= 0) {
		uint32_t sent = send_batch(c);

		if (sent == 0)
			return false; /* a dead peer shows at the reading side */
		c->first = (c->first + sent) % c->max;
		c->n -= sent;
	}
	return c->n == 0;
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
channel_push(struct channel *c, uint16_t type, const void *body, size_t len, bool must)
{
	uint32_t reserve = c->max * CHANNEL_RESERVE / 256;

	if (c->n >= (must ? c->max : c->max - reserve))
		return ERR_FULL;
	fill_msg(c, &c->queue[(c->first + c->n) % c->max], type, body, len);
	c->n++;
	return ERR_OK;
}

enum err
channel_send(struct channel *c, uint16_t type, const void *body, size_t len, bool must)
{
	enum err e = channel_push(c, type, body, len, must);

	if (e == ERR_OK)
		channel_flush(c);
	return e;
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
is_whole(int flags, const struct channel_msg *m, size_t n)
{
	return n >= sizeof(m->head) && !(flags & MSG_TRUNC) && m->head.version == CHANNEL_VERSION &&
	       m->head.length == n - sizeof(m->head);
}

/* A length of 0 is the end; one above that of a message did not fit. */
static enum err
fill_inbox(struct channel *c)
{
	struct mmsghdr m[CHANNEL_BATCH];
	struct iovec iov[CHANNEL_BATCH];
	int n;

	memset(m, 0, sizeof(m));
	for (uint32_t i = 0; i < CHANNEL_BATCH; i++) {
		iov[i] = (struct iovec){&c->inbox[i], sizeof(c->inbox[i])};
		m[i].msg_hdr.msg_iov = &iov[i];
		m[i].msg_hdr.msg_iovlen = 1;
	}
	c->in_next = c->in_n = 0;
	n = recvmmsg(c->fd, m, CHANNEL_BATCH, MSG_DONTWAIT, NULL);
	if (n < 0 && errno == ECONNRESET) /* as in channel_recv */
		n = recvmmsg(c->fd, m, CHANNEL_BATCH, MSG_DONTWAIT, NULL);
	if (n <= 0)
		return n < 0 && (errno == EAGAIN || errno == EINTR) ? ERR_AGAIN : ERR_CLOSED;
	for (int i = 0; i < n; i++)
		c->in_len[i] =
			m[i].msg_hdr.msg_flags & MSG_TRUNC ? UINT16_MAX : (uint16_t)m[i].msg_len;
	c->in_n = (uint16_t)n;
	c->in_empty = n < CHANNEL_BATCH;
	return ERR_OK;
}

static enum err
next_of_inbox(struct channel *c, struct channel_msg *out)
{
	uint16_t len;

	if (!channel_waits(c)) {
		bool empty = c->in_empty;
		enum err e;

		c->in_empty = false;
		e = empty ? ERR_AGAIN : fill_inbox(c);
		if (e != ERR_OK)
			return e;
	}
	len = c->in_len[c->in_next];
	if (len == 0)
		return ERR_CLOSED; /* and again, whenever it is asked */
	*out = c->inbox[c->in_next++];
	return is_whole(0, out, len) ? ERR_OK : ERR_SYNTAX;
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
	if (c->inbox)
		return next_of_inbox(c, out);
	n = recvmsg(c->fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n < 0 && errno == ECONNRESET) /* it died with unread input: reported once, and before
					   * the messages that it had sent */
		n = recvmsg(c->fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? ERR_AGAIN : ERR_CLOSED;
	if (n == 0 || !is_whole(msg.msg_flags, out, (size_t)n)) {
		take_fds(&msg, NULL, NULL);
		return n == 0 ? ERR_CLOSED : ERR_SYNTAX;
	}
	take_fds(&msg, fds, n_fds);
	return ERR_OK;
}
