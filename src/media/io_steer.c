#include "media/io_steer.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/random.h"
#include "media/header.h"
#include "media/steer_make.h"

enum { CONTROL_MAX = CMSG_SPACE(sizeof(struct sockaddr_in6)) + CMSG_SPACE(sizeof(int)) };

_Static_assert((int)IO_STEER_PLACES == (int)STEER_PLACES, "both halves count alike");

static uint32_t
steer_owner(const struct media_plan *plan, uint32_t place)
{
	(void)plan;
	return place / STEER_PLACES;
}

/* ---- worker ---- */

/* What a call of recvmmsg or sendmmsg needs, laid out once. */
struct steer_batch {
	struct mmsghdr msg[IO_BATCH];
	struct iovec iov[IO_BATCH];
	union {
		struct sockaddr_storage sa;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} name[IO_BATCH];
	uint8_t control[IO_BATCH][CONTROL_MAX] __attribute__((aligned(8)));
};

struct io_steer {
	struct media_plan plan;
	uint32_t worker, pairs; /* pairs: of ports on an address */
	int epoll;
	int receiver[STEER_FAMILIES], sender[MEDIA_ADDRS_MAX];
	unsigned turn; /* the family that is asked first */
	uint32_t id;   /* of the last packet sent */
	struct io_counts *counts;
	struct steer_batch rx, tx;
	const struct io_packet *sending[IO_BATCH]; /* of each message of tx */
};

/* ---- in ---- */

/* The slot of a local address (ip_len bytes) and port, as 2 * slot; false: not one of ours. */
static bool
find_socket(const struct io_steer *s, const void *ip, size_t ip_len, uint32_t port,
	    uint32_t *socket)
{
	uint32_t i;

	for (i = 0; i < s->plan.n_addrs; i++)
		if ((s->plan.bound[i].family == 6) == (ip_len == 16) &&
		    memcmp(s->plan.bound[i].ip, ip, ip_len) == 0)
			break;
	port -= s->plan.port_min;
	if (i == s->plan.n_addrs || port >= 2 * s->pairs)
		return false;
	*socket = 2 * s->pairs * i + port;
	return true;
}

/* Where a message came to, and its DSCP. */
static bool
read_control(const struct io_steer *s, struct msghdr *m, struct io_packet *k)
{
	bool found = false;

	k->dscp = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_ORIGDSTADDR) {
			const struct sockaddr_in *to = (const void *)CMSG_DATA(c);

			found = find_socket(s, &to->sin_addr, 4, ntohs(to->sin_port), &k->socket);
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_ORIGDSTADDR) {
			const struct sockaddr_in6 *to = (const void *)CMSG_DATA(c);

			found = find_socket(s, &to->sin6_addr, 16, ntohs(to->sin6_port),
					    &k->socket);
		} else {
			k->dscp = io_dscp_of(c, k->dscp);
		}
	}
	return found;
}

static bool
read_message(struct io_steer *s, unsigned j, struct io_packet *k)
{
	struct msghdr *m = &s->rx.msg[j].msg_hdr;

	if ((m->msg_flags & MSG_TRUNC) || !read_control(s, m, k)) {
		s->counts->rx_strange++;
		return false;
	}
	k->len = s->rx.msg[j].msg_len;
	k->addr = addr_from_sa(&s->rx.name[j].sa);
	return true;
}

static unsigned
receive_from(struct io_steer *s, int family, struct io_packet *v, unsigned n)
{
	unsigned got = 0;
	int r;

	for (unsigned i = 0; i < n; i++) {
		s->rx.iov[i].iov_base = v[i].p;
		s->rx.iov[i].iov_len = IO_PACKET_MAX;
	}
	r = recvmmsg(s->receiver[family], s->rx.msg, n, MSG_DONTWAIT, NULL);
	for (int j = 0; j < r; j++) {
		struct msghdr *m = &s->rx.msg[j].msg_hdr;
		uint8_t *p = v[j].p;

		v[j].p = v[got].p;
		v[got].p = p;
		if (read_message(s, (unsigned)j, &v[got]))
			got++;
		m->msg_namelen = sizeof(s->rx.name[j]);
		m->msg_controllen = CONTROL_MAX;
	}
	return got;
}

static unsigned
receive_batch(void *arg, struct io_packet *v, unsigned n)
{
	struct io_steer *s = arg;
	unsigned got = 0;

	s->turn ^= 1;
	for (unsigned i = 0; i < STEER_FAMILIES && got < n; i++) {
		int family = (s->turn + i) % STEER_FAMILIES;

		if (s->receiver[family] >= 0)
			got += receive_from(s, family, v + got, n - got);
	}
	return got;
}

/* ---- out ---- */

static struct header_way
way_of(struct io_steer *s, const struct io_packet *k, uint32_t local)
{
	struct header_way w = {.from = s->plan.bound[local], .to = k->addr, .dscp = k->dscp};

	w.from.port = (uint16_t)(s->plan.port_min + k->socket % (2 * s->pairs));
	s->id++;
	if ((s->id & 0xffff) == 0)
		s->id++; /* 0 asks the kernel for one */
	w.id = s->id;
	return w;
}

static bool
send_fragments(struct io_steer *s, uint32_t local, const struct io_packet *k, uint32_t room)
{
	struct header_way w = way_of(s, k, local);
	struct sockaddr_storage sa;
	struct addr to = k->addr;
	socklen_t sa_len;

	to.port = 0;
	sa_len = addr_to_sa(&to, &sa);
	(void)header_put(&w, k->p, k->len);
	for (uint32_t at = 0; at < k->len + HEADER_UDP;) {
		uint8_t *ip;
		uint32_t n = header_fragment(&w, k->p, k->len, room, &at, &ip);

		if (sendto(s->sender[local], ip, n, MSG_DONTWAIT, (struct sockaddr *)&sa, sa_len) <
		    0)
			return false;
	}
	s->counts->tx_fragments++;
	return true;
}

/* One packet that the kernel did not take as it was. */
static bool
send_again(struct io_steer *s, uint32_t local, const struct io_packet *k, int why)
{
	if (why == EMSGSIZE && send_fragments(s, local, k, IO_STEER_FRAGMENT))
		return true;
	if (why == EAGAIN || why == ENOBUFS)
		s->counts->tx_busy++;
	else
		s->counts->tx_refused++;
	return false;
}

static void
put_message(struct io_steer *s, unsigned at, const struct io_packet *k, uint32_t local)
{
	struct header_way w = way_of(s, k, local);
	uint32_t head = header_put(&w, k->p, k->len);
	struct msghdr *m = &s->tx.msg[at].msg_hdr;

	s->sending[at] = k;
	s->tx.iov[at] = (struct iovec){k->p - head, k->len + head};
	if (k->addr.family == 6) {
		s->tx.name[at].v6 = (struct sockaddr_in6){.sin6_family = AF_INET6};
		memcpy(&s->tx.name[at].v6.sin6_addr, k->addr.ip, 16);
		m->msg_namelen = sizeof(struct sockaddr_in6);
	} else {
		s->tx.name[at].v4 = (struct sockaddr_in){.sin_family = AF_INET};
		memcpy(&s->tx.name[at].v4.sin_addr, k->addr.ip, 4);
		m->msg_namelen = sizeof(struct sockaddr_in);
	}
}

static unsigned
send_messages(struct io_steer *s, uint32_t local, unsigned n)
{
	unsigned at = 0, sent = 0;

	while (at < n) {
		int r = sendmmsg(s->sender[local], s->tx.msg + at, n - at, MSG_DONTWAIT);

		if (r > 0) {
			at += (unsigned)r;
			sent += (unsigned)r;
			continue;
		}
		sent += send_again(s, local, s->sending[at], errno);
		at++;
	}
	return sent;
}

/* Which of our addresses it leaves from; n_addrs: it cannot. */
static uint32_t
local_of(const struct io_steer *s, const struct io_packet *k)
{
	uint32_t i = k->socket / (2 * s->pairs);

	if (i >= s->plan.n_addrs || s->sender[i] < 0 || s->plan.bound[i].family != k->addr.family)
		return s->plan.n_addrs;
	return i;
}

static unsigned
send_batch(void *arg, const struct io_packet *v, unsigned n)
{
	struct io_steer *s = arg;
	uint8_t local[IO_BATCH];
	unsigned sent = 0;

	if (n > IO_BATCH)
		n = IO_BATCH;
	for (unsigned i = 0; i < n; i++) {
		local[i] = v[i].len ? (uint8_t)local_of(s, &v[i]) : MEDIA_ADDRS_MAX;
		if (v[i].len && local[i] == s->plan.n_addrs)
			s->counts->tx_refused++;
	}
	for (uint32_t a = 0; a < s->plan.n_addrs; a++) {
		unsigned m = 0;

		for (unsigned i = 0; i < n; i++)
			if (local[i] == a)
				put_message(s, m++, &v[i], a);
		if (m)
			sent += send_messages(s, a, m);
	}
	return sent;
}

/* ---- the frame ---- */

static void
count_full(void *arg, uint64_t now_us)
{
	struct io_steer *s = arg;
	uint64_t full = 0;

	(void)now_us;
	for (int f = 0; f < STEER_FAMILIES; f++) {
		uint32_t info[SK_MEMINFO_VARS] = {0};
		socklen_t len = sizeof(info);

		if (s->receiver[f] >= 0 &&
		    getsockopt(s->receiver[f], SOL_SOCKET, SO_MEMINFO, info, &len) == 0)
			full += info[SK_MEMINFO_DROPS];
	}
	s->counts->rx_full = full; /* the sockets outlive us */
}

static void
lay_out(struct steer_batch *b, bool receive)
{
	for (unsigned i = 0; i < IO_BATCH; i++) {
		struct msghdr *m = &b->msg[i].msg_hdr;

		m->msg_name = &b->name[i];
		m->msg_namelen = sizeof(b->name[i]);
		m->msg_iov = &b->iov[i];
		m->msg_iovlen = 1;
		if (receive) {
			m->msg_control = b->control[i];
			m->msg_controllen = CONTROL_MAX;
		}
	}
}

static void
detach_steer(struct media_io *io)
{
	struct io_steer *s = io->arg;

	if (s) {
		for (int f = 0; f < STEER_FAMILIES; f++)
			if (s->receiver[f] >= 0)
				close(s->receiver[f]);
		for (uint32_t i = 0; i < MEDIA_ADDRS_MAX; i++)
			if (s->sender[i] >= 0)
				close(s->sender[i]);
		if (s->epoll >= 0)
			close(s->epoll);
		mem_free(s);
	}
	*io = (struct media_io){.fd = -1};
}

static enum err
attach_steer(const struct media_plan *plan, uint32_t worker, struct io_counts *counts,
	     struct media_io *out)
{
	struct io_steer *s = mem_zalloc(1, sizeof(*s));

	if (!s)
		return ERR_NOMEM;
	s->plan = *plan;
	s->worker = worker;
	s->pairs = media_slots(plan) / plan->n_addrs;
	s->counts = counts;
	s->id = random_u32();
	for (int f = 0; f < STEER_FAMILIES; f++)
		s->receiver[f] = -1;
	for (uint32_t i = 0; i < MEDIA_ADDRS_MAX; i++)
		s->sender[i] = -1;
	lay_out(&s->rx, true);
	lay_out(&s->tx, false);
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	*out = (struct media_io){.arg = s,
				 .do_rx = receive_batch,
				 .do_tx = send_batch,
				 .do_tick = count_full,
				 .fd = s->epoll};
	if (s->epoll < 0) {
		detach_steer(out);
		return ERR_IO;
	}
	return ERR_OK;
}

static enum err
add_steer(struct media_io *io, uint32_t place, int fd)
{
	struct io_steer *s = io->arg;
	uint32_t at = place % STEER_PLACES;
	struct epoll_event ev = {.events = EPOLLIN};
	int *kept = at < STEER_FAMILIES ? &s->receiver[at] : &s->sender[at - STEER_FAMILIES];
	enum err e = ERR_OK;

	if (place / STEER_PLACES != s->worker)
		e = ERR_RANGE;
	else if (*kept >= 0)
		e = ERR_EXISTS;
	else if (at < STEER_FAMILIES && epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &ev) != 0)
		e = ERR_IO;
	if (e != ERR_OK) {
		close(fd);
		return e;
	}
	*kept = fd;
	return ERR_OK;
}

const struct io_backend io_steer_backend = {
	.name = "steer",
	.do_make = steer_make,
	.do_probe = steer_probe,
	.do_owner = steer_owner,
	.do_attach = attach_steer,
	.do_add = add_steer,
	.do_detach = detach_steer,
};
