#include "media/io_packet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/random.h"
#include "media/frame.h"
#include "media/header.h"
#include "media/io_steer.h"
#include "media/nexthop.h"
#include "media/steer_make.h"

/* ---- keeper ---- */

/* Sends only: for protocol 0 it is given nothing. */
static enum err
open_sender(int *out, char *why)
{
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
	int size = STEER_SEND_BUFFER;
	enum err e;

	if (fd >= 0 && setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on)) == 0) {
		if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) != 0)
			(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
		*out = fd;
		return ERR_OK;
	}
	e = errno == EPERM || errno == EACCES ? ERR_PERM : ERR_UNSUPPORTED;
	(void)snprintf(why, IO_WHY_MAX, "packet socket: %s%s", strerror(errno),
		       e == ERR_PERM ? "; CAP_NET_RAW is needed" : "");
	if (fd >= 0)
		close(fd);
	return e;
}

static enum err
make_packet(const struct media_plan *plan, struct io_set *out, char *why)
{
	struct io_set set;
	enum err e = io_steer_backend.do_make(plan, &set, why);
	uint32_t first;

	if (e != ERR_OK)
		return e;
	first = set.n;
	e = io_set_grow(&set, first / IO_STEER_PLACES);
	for (uint32_t i = first; e == ERR_OK && i < set.n; i++)
		e = open_sender(&set.fd[i], why);
	if (e != ERR_OK) {
		io_set_fini(&set);
		return e;
	}
	*out = set;
	return ERR_OK;
}

static enum err
probe_packet(char *why)
{
	enum err e = io_steer_backend.do_probe(why);
	int fd;

	if (e == ERR_OK)
		e = open_sender(&fd, why);
	if (e == ERR_OK)
		close(fd);
	return e;
}

/* Where the packet sockets begin. */
static uint32_t
own_places(const struct media_plan *plan)
{
	return (plan->n_workers ? plan->n_workers : 1) * IO_STEER_PLACES;
}

static uint32_t
packet_owner(const struct media_plan *plan, uint32_t place)
{
	uint32_t first = own_places(plan);

	return place < first ? io_steer_backend.do_owner(plan, place) : place - first;
}

/* ---- worker ---- */

struct packet_out {
	struct media_plan plan;
	struct media_io steer;
	struct nexthops *hops;
	struct io_counts *counts;
	uint32_t worker, pairs, id;
	int fd;
	struct mmsghdr msg[IO_BATCH];
	struct iovec iov[IO_BATCH];
	struct sockaddr_ll to[IO_BATCH];
	const struct io_packet *sending[IO_BATCH]; /* of each message */
	struct io_packet slow[IO_BATCH];
	unsigned n_slow;
};

static unsigned
receive_batch(void *arg, struct io_packet *v, unsigned n)
{
	struct packet_out *s = arg;

	return s->steer.do_rx(s->steer.arg, v, n);
}

/* The frame of this packet as message `at`; false: it must go the slow way. */
static bool
put_message(struct packet_out *s, unsigned at, const struct io_packet *k)
{
	uint32_t local = k->socket / (2 * s->pairs), head;
	struct header_way w = {.to = k->addr, .dscp = k->dscp};
	const struct nexthop *hop;
	uint8_t *frame;

	if (s->fd < 0 || local >= s->plan.n_addrs || s->plan.bound[local].family != k->addr.family)
		return false;
	hop = nexthop_find(s->hops, &s->plan.bound[local], &k->addr);
	head = k->addr.family == 6 ? HEADER_V6 + HEADER_UDP : HEADER_V4 + HEADER_UDP;
	if (!hop || head + k->len > hop->mtu)
		return false;
	w.from = s->plan.bound[local];
	w.from.port = (uint16_t)(s->plan.port_min + k->socket % (2 * s->pairs));
	w.id = ++s->id;
	(void)header_put(&w, k->p, k->len);
	frame = k->p - head - HEADER_ETHER;
	frame_put_eth(k->p - head, hop->to, hop->from, k->addr.family);
	s->iov[at] = (struct iovec){frame, HEADER_ETHER + head + k->len};
	s->to[at].sll_protocol = htons(k->addr.family == 6 ? ETH_P_IPV6 : ETH_P_IP);
	s->to[at].sll_ifindex = (int)hop->ifindex;
	s->sending[at] = k;
	return true;
}

static unsigned
send_messages(struct packet_out *s, unsigned n)
{
	unsigned at = 0, sent = 0;

	while (at < n) {
		int r = sendmmsg(s->fd, s->msg + at, n - at, MSG_DONTWAIT);

		if (r > 0) {
			at += (unsigned)r;
			sent += (unsigned)r;
			continue;
		}
		if (errno == EAGAIN || errno == ENOBUFS)
			s->counts->tx_busy++;
		else /* the link went away, perhaps: let the kernel find a way */
			s->slow[s->n_slow++] = *s->sending[at];
		at++;
	}
	return sent;
}

static unsigned
send_batch(void *arg, const struct io_packet *v, unsigned n)
{
	struct packet_out *s = arg;
	unsigned m = 0, sent;

	s->n_slow = 0;
	if (n > IO_BATCH)
		n = IO_BATCH;
	for (unsigned i = 0; i < n; i++) {
		if (v[i].len == 0)
			continue;
		if (put_message(s, m, &v[i]))
			m++;
		else
			s->slow[s->n_slow++] = v[i];
	}
	sent = send_messages(s, m);
	if (s->n_slow == 0)
		return sent;
	s->counts->tx_slow += s->n_slow;
	return sent + s->steer.do_tx(s->steer.arg, s->slow, s->n_slow);
}

static void
tick_packet(void *arg, uint64_t now_us)
{
	struct packet_out *s = arg;

	s->steer.do_tick(s->steer.arg, now_us);
	nexthops_tick(s->hops, now_us);
}

static void
detach_packet(struct media_io *io)
{
	struct packet_out *s = io->arg;

	if (s) {
		io_steer_backend.do_detach(&s->steer);
		nexthops_free(&s->hops);
		if (s->fd >= 0)
			close(s->fd);
		mem_free(s);
	}
	*io = (struct media_io){.fd = -1};
}

static void
lay_out(struct packet_out *s)
{
	for (unsigned i = 0; i < IO_BATCH; i++) {
		s->to[i] = (struct sockaddr_ll){.sll_family = AF_PACKET, .sll_halen = NEXTHOP_MAC};
		s->msg[i].msg_hdr = (struct msghdr){.msg_name = &s->to[i],
						    .msg_namelen = sizeof(s->to[i]),
						    .msg_iov = &s->iov[i],
						    .msg_iovlen = 1};
	}
}

static enum err
attach_packet(const struct media_plan *plan, uint32_t worker, struct io_counts *counts,
	      struct media_io *out)
{
	struct packet_out *s = mem_zalloc(1, sizeof(*s));
	enum err e;

	if (!s)
		return ERR_NOMEM;
	s->plan = *plan;
	s->worker = worker;
	s->pairs = media_slots(plan) / plan->n_addrs;
	s->counts = counts;
	s->id = random_u32();
	s->fd = -1;
	lay_out(s);
	e = io_steer_backend.do_attach(plan, worker, counts, &s->steer);
	if (e == ERR_OK)
		e = nexthops_new(&s->hops);
	*out = (struct media_io){.arg = s,
				 .do_rx = receive_batch,
				 .do_tx = send_batch,
				 .do_tick = tick_packet,
				 .fd = s->steer.fd};
	if (e != ERR_OK)
		detach_packet(out);
	return e;
}

static enum err
add_packet(struct media_io *io, uint32_t place, int fd)
{
	struct packet_out *s = io->arg;
	uint32_t first = own_places(&s->plan);
	enum err e = ERR_OK;

	if (place < first)
		return io_steer_backend.do_add(&s->steer, place, fd);
	if (place - first != s->worker)
		e = ERR_RANGE;
	else if (s->fd >= 0)
		e = ERR_EXISTS;
	if (e != ERR_OK) {
		close(fd);
		return e;
	}
	s->fd = fd;
	return ERR_OK;
}

const struct io_backend io_packet_backend = {
	.name = "packet",
	.do_make = make_packet,
	.do_probe = probe_packet,
	.do_owner = packet_owner,
	.do_attach = attach_packet,
	.do_add = add_packet,
	.do_detach = detach_packet,
};
