#include "net/udp.h"

#include <errno.h>
#include <netinet/ip.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

enum { CONTROL_MAX = 128, DSCP_SHIFT = 2, UDP_WAITED_MAX_US = 10000000 };

/* Received and sent control data, aligned as the kernel wants it. */
union control {
	struct cmsghdr head;
	char bytes[CONTROL_MAX];
};

struct udp_batch {
	bool busy; /* being delivered: udp_fini leaves the freeing to the end of that */
	bool dead;
	struct mmsghdr msg[UDP_BATCH];
	struct iovec iov[UDP_BATCH];
	struct sockaddr_storage from[UDP_BATCH];
	union control control[UDP_BATCH];
	char data[UDP_BATCH][UDP_DATAGRAM_MAX + 1]; /* + 1: full = was cut */
};

static bool
set_int(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) == 0;
}

/* The any address of IPv6 shall not take IPv4 as well: each family has its own socket. */
static bool
set_options(int fd, const struct udp_opts *o)
{
	int rcv = o->rcvbuf ? (int)o->rcvbuf : UDP_BUFFER_DEFAULT;
	int snd = o->sndbuf ? (int)o->sndbuf : UDP_BUFFER_DEFAULT;
	bool v4 = o->local.family == 4, ok = true;

	ok &= v4 ? set_int(fd, IPPROTO_IP, IP_PKTINFO, 1)
		 : set_int(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) &&
			      set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	ok &= set_int(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1);
	if (o->dscp)
		ok &= v4 ? set_int(fd, IPPROTO_IP, IP_TOS, o->dscp << DSCP_SHIFT)
			 : set_int(fd, IPPROTO_IPV6, IPV6_TCLASS, o->dscp << DSCP_SHIFT);
	if (o->reuse_port)
		ok &= set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	if (o->device[0])
		ok &= setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, o->device,
				 (socklen_t)strnlen(o->device, sizeof(o->device))) == 0;
	/* The kernel cuts sizes to its own maximum; that is not an error. */
	set_int(fd, SOL_SOCKET, SO_RCVBUF, rcv);
	set_int(fd, SOL_SOCKET, SO_SNDBUF, snd);
	return ok;
}

enum err
udp_bind(const struct udp_opts *o, int *out_fd)
{
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sa(&o->local, &sa);
	int fd, saved;

	if (len == 0)
		return ERR_RANGE;
	fd = socket(sa.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return ERR_IO;
	if (!set_options(fd, o) || bind(fd, (struct sockaddr *)&sa, len) != 0) {
		saved = errno;
		close(fd);
		errno = saved;
		return ERR_IO;
	}
	*out_fd = fd;
	return ERR_OK;
}

/* ---- receiving ---- */

static void
prepare_batch(struct udp_batch *b)
{
	for (int i = 0; i < UDP_BATCH; i++) {
		b->iov[i] = (struct iovec){b->data[i], sizeof(b->data[i])};
		b->msg[i].msg_len = 0;
		b->msg[i].msg_hdr = (struct msghdr){.msg_name = &b->from[i],
						    .msg_namelen = sizeof(b->from[i]),
						    .msg_iov = &b->iov[i],
						    .msg_iovlen = 1,
						    .msg_control = &b->control[i],
						    .msg_controllen = sizeof(b->control[i])};
	}
}

/* Local address of one datagram; what the kernel does not say is taken from the binding. */
static struct addr
local_addr(const struct udp *u, struct msghdr *m)
{
	struct addr a = u->local;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			memcpy(a.ip, &info.ipi_addr, 4);
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			memcpy(a.ip, &info.ipi6_addr, 16);
		}
	}
	return a;
}

/* How long ago the kernel took it. Both clocks are the wall's; a step between them is no delay. */
static uint64_t
waited_us(struct msghdr *m, int64_t wall_us)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		struct timespec at;
		int64_t us;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS)
			continue;
		memcpy(&at, CMSG_DATA(c), sizeof(at));
		us = wall_us - (int64_t)at.tv_sec * CLOCK_S - at.tv_nsec / 1000;
		return us > 0 && us < UDP_WAITED_MAX_US ? (uint64_t)us : 0;
	}
	return 0;
}

static void
deliver(struct udp *u, struct udp_batch *b, int i)
{
	struct addr from = addr_from_sa(&b->from[i]);
	struct addr to = local_addr(u, &b->msg[i].msg_hdr);
	size_t len = b->msg[i].msg_len;

	if (len > UDP_DATAGRAM_MAX || b->msg[i].msg_hdr.msg_flags & MSG_TRUNC) {
		u->count.rx_cut++;
		return;
	}
	if (addr_is_any(&to)) {
		u->count.rx_no_local++;
		return;
	}
	u->count.rx++;
	u->count.rx_bytes += len;
	u->on_packet(u->arg, &from, &to, str_of(b->data[i], len));
}

/* Returns how many came; 0: nothing more for now. */
static int
receive_batch(struct udp *u)
{
	struct udp_batch *b = u->batch;
	uint64_t now;
	int64_t wall;
	int n;

	prepare_batch(b);
	n = recvmmsg(u->lfd.fd, b->msg, UDP_BATCH, MSG_DONTWAIT, NULL);
	if (n < 0) {
		if (errno != EAGAIN && errno != EINTR) {
			u->count.rx_errors++;
			u->count.last_errno = errno;
		}
		return 0;
	}
	b->busy = true;
	now = clock_now_us();
	wall = clock_wall_us();
	for (int i = 0; i < n && !b->dead; i++) {
		u->since = now - waited_us(&b->msg[i].msg_hdr, wall);
		deliver(u, b, i);
	}
	b->busy = false;
	if (!b->dead)
		return n;
	mem_free(b); /* u is gone */
	return 0;
}

static void
on_readable(void *arg, uint32_t events)
{
	struct udp *u = arg;

	(void)events;
	for (int round = 0; round < UDP_ROUNDS_MAX; round++)
		if (receive_batch(u) < UDP_BATCH)
			return;
}

enum err
udp_adopt(struct udp *u, struct loop *l, int fd, udp_on_packet *on_packet, void *arg)
{
	struct sockaddr_storage sa = {0};
	socklen_t len = sizeof(sa);
	enum err e;

	if (getsockname(fd, (struct sockaddr *)&sa, &len) != 0)
		return ERR_IO;
	*u = (struct udp){.loop = l, .on_packet = on_packet, .arg = arg};
	u->local = addr_from_sa(&sa);
	if (u->local.family == 0)
		return ERR_RANGE;
	u->batch = mem_zalloc(1, sizeof(*u->batch));
	if (!u->batch)
		return ERR_NOMEM;
	u->lfd = (struct loop_fd){.fd = fd, .on_event = on_readable, .arg = u};
	e = loop_add(l, &u->lfd, EPOLLIN);
	if (e != ERR_OK)
		MEM_FREE(u->batch);
	return e;
}

void
udp_fini(struct udp *u)
{
	struct udp_batch *b = u->batch;

	if (!b)
		return;
	loop_del(u->loop, &u->lfd);
	close(u->lfd.fd);
	u->batch = NULL;
	if (b->busy)
		b->dead = true;
	else
		mem_free(b);
}

/* ---- sending ---- */

static void
put_source(struct msghdr *m, union control *c, const struct addr *from)
{
	struct cmsghdr *h;

	memset(c, 0, sizeof(*c));
	m->msg_control = c;
	if (from->family == 4) {
		struct in_pktinfo info = {0};

		m->msg_controllen = CMSG_SPACE(sizeof(info));
		h = CMSG_FIRSTHDR(m);
		h->cmsg_level = IPPROTO_IP;
		h->cmsg_type = IP_PKTINFO;
		h->cmsg_len = CMSG_LEN(sizeof(info));
		memcpy(&info.ipi_spec_dst, from->ip, 4);
		memcpy(CMSG_DATA(h), &info, sizeof(info));
	} else {
		struct in6_pktinfo info = {0};

		m->msg_controllen = CMSG_SPACE(sizeof(info));
		h = CMSG_FIRSTHDR(m);
		h->cmsg_level = IPPROTO_IPV6;
		h->cmsg_type = IPV6_PKTINFO;
		h->cmsg_len = CMSG_LEN(sizeof(info));
		memcpy(&info.ipi6_addr, from->ip, 16);
		memcpy(CMSG_DATA(h), &info, sizeof(info));
	}
}

static enum err
count_failure(struct udp *u)
{
	if (errno == EAGAIN || errno == ENOBUFS) {
		u->count.tx_again++;
		return ERR_AGAIN;
	}
	u->count.tx_errors++;
	u->count.last_errno = errno;
	return errno == EMSGSIZE ? ERR_LONG : ERR_IO;
}

enum err
udp_send(struct udp *u, const struct addr *from, const struct addr *to, struct str bytes)
{
	struct iovec iov = {(void *)(uintptr_t)bytes.p, bytes.len};
	struct sockaddr_storage sa;
	union control control;
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_name = &sa};

	m.msg_namelen = addr_to_sa(to, &sa);
	if (m.msg_namelen == 0 || to->family != u->local.family || bytes.len > UDP_DATAGRAM_MAX) {
		errno = bytes.len > UDP_DATAGRAM_MAX ? EMSGSIZE : EAFNOSUPPORT;
		return count_failure(u);
	}
	if (from && from->family == to->family && !addr_is_any(from))
		put_source(&m, &control, from);
	if (sendmsg(u->lfd.fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return count_failure(u);
	u->count.tx++;
	u->count.tx_bytes += bytes.len;
	return ERR_OK;
}
