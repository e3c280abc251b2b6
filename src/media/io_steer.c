#include "media/io_steer.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/random.h"
#include "media/bpf/steer.h"
#include "media/bpfobj.h"
#include "media/header.h"
#include "media/io_sockets.h"

#ifdef POSTERN_BPF
#include "media/bpf/steer.bpf.h"
#else
static const unsigned char steer_bpf[1];
#endif

enum {
	V4,
	V6,
	FAMILIES,
	CONTROL_MAX = CMSG_SPACE(sizeof(struct sockaddr_in6)) + CMSG_SPACE(sizeof(int))
};
_Static_assert((int)STEER_ADDRS_MAX == (int)MEDIA_ADDRS_MAX, "the program knows all addresses");
_Static_assert((int)STEER_SOCKS_MAX == (int)FAMILIES * (int)MEDIA_WORKERS_MAX,
	       "the map has all sockets");

static const struct bpfobj_image image = {"steer", steer_bpf, sizeof(steer_bpf), ".rodata"};

static int
family_of(const struct addr *a)
{
	return a->family == 6 ? V6 : V4;
}

/* ---- keeper ---- */

static uint32_t
workers_of(const struct media_plan *plan)
{
	return plan->n_workers ? plan->n_workers : 1;
}

static enum err
say_why(char *why, const char *what)
{
	int saved = errno;
	bool perm = saved == EPERM || saved == EACCES;

	(void)snprintf(why, IO_WHY_MAX, "%s: %s%s", what, strerror(saved),
		       perm ? "; CAP_NET_RAW and CAP_NET_ADMIN are needed" : "");
	return perm ? ERR_PERM : ERR_IO;
}

/* No other program may have a port of ours: it would hear nothing any more. */
static enum err
probe_ports(const struct media_plan *plan, char *why)
{
	for (uint32_t i = 0; i < 2 * media_slots(plan); i++) {
		int fd = io_sockets_open(plan, i, why);

		if (fd < 0)
			return ERR_IO;
		close(fd);
	}
	return ERR_OK;
}

static int
option(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value));
}

static int
buffer_size(const struct media_plan *plan)
{
	uint64_t n = (uint64_t)media_slice(plan) * plan->n_addrs * IO_STEER_BUFFER_SLOT;

	if (n < IO_STEER_BUFFER_MIN)
		return IO_STEER_BUFFER_MIN;
	return n > IO_STEER_BUFFER_MAX ? IO_STEER_BUFFER_MAX : (int)n;
}

/* Bound to a port of loopback, since only a bound socket can be in the map; nobody sends there. */
static enum err
open_receiver(const struct media_plan *plan, int family, int *out, char *why)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	int fd = socket(family == V6 ? AF_INET6 : AF_INET,
			SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	bool fine = fd >= 0 && io_ask_class(fd, family == V6 ? AF_INET6 : AF_INET);

	if (fine && family == V6)
		fine = option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) == 0 &&
		       option(fd, IPPROTO_IPV6, IPV6_RECVORIGDSTADDR, 1) == 0 &&
		       bind(fd, (struct sockaddr *)&v6, sizeof(v6)) == 0;
	else if (fine)
		fine = option(fd, IPPROTO_IP, IP_RECVORIGDSTADDR, 1) == 0 &&
		       bind(fd, (struct sockaddr *)&v4, sizeof(v4)) == 0;
	if (fine && option(fd, SOL_SOCKET, SO_RCVBUFFORCE, buffer_size(plan)) != 0)
		fine = option(fd, SOL_SOCKET, SO_RCVBUF, buffer_size(plan)) == 0;
	if (!fine) {
		enum err e = say_why(why, "receiving socket");

		if (fd >= 0)
			close(fd);
		return e;
	}
	*out = fd;
	return ERR_OK;
}

/* Bound to its address, so that the route is chosen by it. Receives nothing. */
static enum err
open_sender(const struct addr *local, int *out, char *why)
{
	struct sockaddr_storage sa;
	struct addr ip = *local;
	socklen_t len;
	int fd;

	ip.port = 0;
	len = addr_to_sa(&ip, &sa);
	fd = socket(sa.ss_family, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_RAW);
	if (fd < 0)
		return say_why(why, "raw socket");
	if (bind(fd, (struct sockaddr *)&sa, len) != 0) {
		enum err e = say_why(why, addr_text(local).z);

		close(fd);
		return e;
	}
	if (option(fd, SOL_SOCKET, SO_SNDBUFFORCE, IO_STEER_SEND_BUFFER) != 0)
		(void)option(fd, SOL_SOCKET, SO_SNDBUF, IO_STEER_SEND_BUFFER);
	*out = fd;
	return ERR_OK;
}

static enum err
open_all(const struct media_plan *plan, struct io_set *set, char *why)
{
	enum err e = ERR_OK;

	for (uint32_t w = 0; w < workers_of(plan); w++) {
		int *place = set->fd + (size_t)w * IO_STEER_PLACES;

		for (uint32_t i = 0; e == ERR_OK && i < plan->n_addrs; i++) {
			int family = family_of(&plan->bound[i]);

			if (place[family] < 0)
				e = open_receiver(plan, family, &place[family], why);
			if (e == ERR_OK)
				e = open_sender(&plan->bound[i], &place[FAMILIES + i], why);
		}
	}
	return e;
}

static struct steer_conf
steer_by(const struct media_plan *plan)
{
	struct steer_conf c = {.port_min = plan->port_min,
			       .port_max =
				       plan->port_min + 2 * media_slots(plan) / plan->n_addrs - 1,
			       .slice = 2 * media_slice(plan)};

	for (uint32_t i = 0; i < plan->n_addrs; i++) {
		if (family_of(&plan->bound[i]) == V6)
			memcpy(c.v6[c.n_v6++], plan->bound[i].ip, 16);
		else
			memcpy(&c.v4[c.n_v4++], plan->bound[i].ip, 4);
	}
	return c;
}

static enum err
steer_ports(const struct media_plan *plan, struct io_set *set, char *why)
{
	struct steer_conf conf = steer_by(plan);
	struct bpfobj b;
	enum err e = bpfobj_load(&image, &conf, sizeof(conf), &b, why);
	int map, link = -1;

	if (e != ERR_OK)
		return e;
	map = bpfobj_map(&b, "steer_socks");
	for (uint32_t i = 0; e == ERR_OK && i < FAMILIES * workers_of(plan); i++) {
		int fd = set->fd[i / FAMILIES * IO_STEER_PLACES + i % FAMILIES];
		uint64_t value = (uint64_t)fd;

		if (fd >= 0)
			e = bpfobj_put(map, &i, &value);
	}
	if (e != ERR_OK)
		e = say_why(why, "steer: sockets into the BPF map");
	else
		e = bpfobj_attach_netns(&b, &link, why);
	if (e == ERR_OK)
		e = io_set_hold(set, link);
	bpfobj_free(&b);
	return e;
}

static enum err
make_steer(const struct media_plan *plan, struct io_set *out, char *why)
{
	struct io_set set = {0};
	enum err e = probe_ports(plan, why);

	if (e == ERR_OK)
		e = io_set_init(&set, workers_of(plan) * IO_STEER_PLACES);
	if (e == ERR_OK)
		e = open_all(plan, &set, why);
	if (e == ERR_OK)
		e = steer_ports(plan, &set, why);
	if (e != ERR_OK) {
		io_set_fini(&set);
		return e;
	}
	*out = set;
	return ERR_OK;
}

static enum err
probe_steer(char *why)
{
	static const struct media_plan none = {.n_addrs = 1, .port_min = 2, .port_max = 3};
	struct steer_conf conf = steer_by(&none);
	struct bpfobj b;
	int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	enum err e;

	if (fd < 0)
		return say_why(why, "raw socket");
	close(fd);
	e = bpfobj_load(&image, &conf, sizeof(conf), &b, why);
	if (e == ERR_OK)
		bpfobj_free(&b);
	return e;
}

static uint32_t
steer_owner(const struct media_plan *plan, uint32_t place)
{
	(void)plan;
	return place / IO_STEER_PLACES;
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
	int receiver[FAMILIES], sender[MEDIA_ADDRS_MAX];
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
	for (unsigned i = 0; i < FAMILIES && got < n; i++) {
		int family = (s->turn + i) % FAMILIES;

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
	for (int f = 0; f < FAMILIES; f++) {
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
		for (int f = 0; f < FAMILIES; f++)
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
	for (int f = 0; f < FAMILIES; f++)
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
	uint32_t at = place % IO_STEER_PLACES;
	struct epoll_event ev = {.events = EPOLLIN};
	int *kept = at < FAMILIES ? &s->receiver[at] : &s->sender[at - FAMILIES];
	enum err e = ERR_OK;

	if (place / IO_STEER_PLACES != s->worker)
		e = ERR_RANGE;
	else if (*kept >= 0)
		e = ERR_EXISTS;
	else if (at < FAMILIES && epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &ev) != 0)
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
	.do_make = make_steer,
	.do_probe = probe_steer,
	.do_owner = steer_owner,
	.do_attach = attach_steer,
	.do_add = add_steer,
	.do_detach = detach_steer,
};
