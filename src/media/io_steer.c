#include "media/io_steer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/random.h"
#include "net/frame.h"
#include "net/nexthop.h"
#include "media/steer_make.h"

enum { CONTROL_MAX = CMSG_SPACE(sizeof(struct sockaddr_in6)) + CMSG_SPACE(sizeof(int)) };

/* What a call of recvmmsg or sendmmsg needs, laid out once. */
struct steer_batch {
	struct mmsghdr msg[IO_BATCH];
	struct iovec iov[IO_BATCH];
	union {
		struct sockaddr_storage sa;
		struct sockaddr_ll link;
	} name[IO_BATCH];
	uint8_t control[IO_BATCH][CONTROL_MAX] __attribute__((aligned(8)));
};

/* A packet that leaves: which of our addresses from, and what its headers say. */
struct steer_item {
	const struct io_packet *k;
	struct frame_way way;
	uint32_t local;
	bool slow; /* not as a frame */
};

struct io_steer {
	struct media_plan plan;
	uint32_t pairs;    /* of ports on an address */
	struct io_set set; /* the worker's places */
	unsigned turn;     /* the family that is asked first */
	uint32_t id;       /* of the last packet sent */
	struct io_counts *counts;
	struct nexthops *hops; /* NULL: no frames */
	struct steer_frames frames;
	struct steer_batch rx, tx;
	struct steer_item item[IO_BATCH], *sending[IO_BATCH]; /* sending: of each message of tx */
	unsigned n_items, n_tx;
};

/* ---- in ---- */

/* Where a message came to, and its DSCP. */
static bool
read_control(const struct io_steer *s, struct msghdr *m, struct io_packet *k)
{
	bool found = false;

	k->dscp = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		struct sockaddr_storage sa;
		struct addr to;

		if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_ORIGDSTADDR) ||
		    (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_ORIGDSTADDR)) {
			memcpy(&sa, CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0));
			to = addr_from_sa(&sa);
			found = io_find_socket(&s->plan, &to, &k->socket);
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
	r = recvmmsg(s->set.fd[family], s->rx.msg, n, MSG_DONTWAIT, NULL);
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

		if (s->set.fd[family] >= 0)
			got += receive_from(s, family, v + got, n - got);
	}
	return got;
}

/* ---- out ---- */

/* Which of our addresses it leaves from, and the headers' contents. False: it cannot. */
static bool
find_way(struct io_steer *s, const struct io_packet *k, struct steer_item *it)
{
	uint32_t i = k->socket / (2 * s->pairs);

	if (i >= s->plan.n_addrs || s->set.fd[STEER_FAMILIES + i] < 0 ||
	    s->plan.bound[i].family != k->addr.family)
		return false;
	s->id++;
	if ((s->id & 0xffff) == 0)
		s->id++; /* 0 asks the kernel for one */
	it->k = k;
	it->local = i;
	it->way = (struct frame_way){
		.from = s->plan.bound[i], .to = k->addr, .dscp = k->dscp, .id = s->id};
	it->way.from.port = (uint16_t)(s->plan.port_min + k->socket - 2 * s->pairs * i);
	return true;
}

static void
put_message(struct io_steer *s, struct steer_item *it, uint32_t head, socklen_t name_len)
{
	s->sending[s->n_tx] = it;
	s->tx.iov[s->n_tx] = (struct iovec){it->k->p - head, it->k->len + head};
	s->tx.msg[s->n_tx++].msg_hdr.msg_namelen = name_len;
}

/* A raw socket wants the address alone. */
static socklen_t
raw_name(const struct steer_item *it, struct sockaddr_storage *sa)
{
	struct addr to = it->way.to;

	to.port = 0;
	return addr_to_sa(&to, sa);
}

static bool
send_fragments(struct io_steer *s, const struct steer_item *it)
{
	const struct io_packet *k = it->k;
	struct sockaddr_storage sa;
	socklen_t sa_len = raw_name(it, &sa);

	for (uint32_t at = 0; at < k->len + FRAME_UDP;) {
		uint8_t *ip;
		uint32_t n = frame_fragment(&it->way, k->p, k->len, IO_STEER_FRAGMENT, &at, &ip);

		if (sendto(s->set.fd[STEER_FAMILIES + it->local], ip, n, MSG_DONTWAIT,
			   (struct sockaddr *)&sa, sa_len) < 0)
			return false;
	}
	s->counts->tx_fragments++;
	return true;
}

/* One packet that the kernel did not take as it was. True: it left all the same. */
static bool
send_again(struct io_steer *s, int fd, struct steer_item *it, int why)
{
	if (why == EAGAIN || why == ENOBUFS)
		s->counts->tx_busy++;
	else if (fd == s->set.fd[STEER_FRAMES]) /* the link went away, perhaps */
		it->slow = true;
	else if (why == EMSGSIZE && send_fragments(s, it))
		return true;
	else
		s->counts->tx_refused++;
	return false;
}

static unsigned
send_messages(struct io_steer *s, int fd)
{
	unsigned at = 0, sent = 0;

	while (at < s->n_tx) {
		int r = sendmmsg(fd, s->tx.msg + at, s->n_tx - at, MSG_DONTWAIT);

		if (r > 0) {
			at += (unsigned)r;
			sent += (unsigned)r;
			continue;
		}
		sent += send_again(s, fd, s->sending[at], errno);
		at++;
	}
	s->n_tx = 0;
	return sent;
}

/* As a frame to the station that the kernel would send it to; false: not by this way. */
static bool
put_frame(struct io_steer *s, const struct steer_item *it)
{
	uint32_t head = frame_head(it->way.to.family);
	const struct nexthop *hop = nexthop_find(s->hops, &it->way.from, &it->way.to);
	uint8_t *p;

	if (!hop || head + it->k->len > hop->mtu)
		return false;
	p = s->frames.do_put(s->frames.arg, hop->ifindex, it->k);
	if (!p)
		return false;
	(void)frame_put(&it->way, p, it->k->len);
	frame_put_eth(p - head, hop->to, hop->from, it->way.to.family);
	return true;
}

/* By raw sockets: those that leave from this address. */
static unsigned
send_slow(struct io_steer *s, uint32_t local)
{
	for (unsigned i = 0; i < s->n_items; i++) {
		struct steer_item *it = &s->item[i];

		if (!it->slow || it->local != local)
			continue;
		put_message(s, it, frame_put(&it->way, it->k->p, it->k->len),
			    raw_name(it, &s->tx.name[s->n_tx].sa));
		s->counts->tx_slow += s->hops != NULL;
	}
	return s->n_tx ? send_messages(s, s->set.fd[STEER_FAMILIES + local]) : 0;
}

static unsigned
send_batch(void *arg, const struct io_packet *v, unsigned n)
{
	struct io_steer *s = arg;
	unsigned sent = 0;

	s->n_items = 0;
	for (unsigned i = 0; i < n && i < IO_BATCH; i++) {
		struct steer_item *it = &s->item[s->n_items];

		if (v[i].len == 0)
			continue;
		if (!find_way(s, &v[i], it)) {
			s->counts->tx_refused++;
			continue;
		}
		it->slow = !s->hops || !put_frame(s, it);
		s->n_items++;
	}
	if (s->hops)
		sent = s->frames.do_flush(s->frames.arg);
	for (uint32_t a = 0; a < s->plan.n_addrs; a++)
		sent += send_slow(s, a);
	return sent;
}

/* ---- frames through the packet socket ---- */

static uint8_t *
put_packet(void *arg, uint32_t ifindex, const struct io_packet *k)
{
	struct io_steer *s = arg;
	bool v6 = k->addr.family == 6;

	s->tx.name[s->n_tx].link =
		(struct sockaddr_ll){.sll_family = AF_PACKET,
				     .sll_protocol = htons(v6 ? ETH_P_IPV6 : ETH_P_IP),
				     .sll_ifindex = (int)ifindex,
				     .sll_halen = FRAME_MAC};
	put_message(s, &s->item[s->n_items], FRAME_ETH + frame_head(k->addr.family),
		    sizeof(struct sockaddr_ll));
	return k->p;
}

static unsigned
flush_packet(void *arg)
{
	struct io_steer *s = arg;

	return s->n_tx ? send_messages(s, s->set.fd[STEER_FRAMES]) : 0;
}

/* ---- the frame ---- */

static void
tick(void *arg, uint64_t now_us)
{
	struct io_steer *s = arg;

	s->counts->rx_full = io_set_lost(&s->set, 0, STEER_FAMILIES); /* they outlive us */
	if (s->hops)
		nexthops_tick(s->hops, now_us);
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
		io_set_fini(&s->set);
		nexthops_free(&s->hops);
		mem_free(s);
	}
	*io = (struct media_io){.fd = -1};
}

static enum err
attach_steer(const struct media_plan *plan, struct io_counts *counts, struct media_io *out)
{
	struct io_steer *s = mem_zalloc(1, sizeof(*s));
	enum err e;

	if (!s)
		return ERR_NOMEM;
	*out = (struct media_io){
		.arg = s, .do_rx = receive_batch, .do_tx = send_batch, .do_tick = tick};
	s->plan = *plan;
	s->pairs = media_pairs(plan);
	s->counts = counts;
	s->id = random_u32();
	lay_out(&s->rx, true);
	lay_out(&s->tx, false);
	e = io_set_watch(&s->set, STEER_PLACES);
	if (e == ERR_OK)
		out->fd = s->set.epoll;
	else
		detach_steer(out);
	return e;
}

enum err
io_steer_frames(struct media_io *io, const struct steer_frames *frames)
{
	struct io_steer *s = io->arg;

	s->frames = *frames;
	return nexthops_new(&s->hops);
}

static enum err
add_steer(struct media_io *io, uint32_t place, int fd)
{
	const struct steer_frames frames = {io->arg, put_packet, flush_packet};
	struct io_steer *s = io->arg;
	enum err e = io_set_take(&s->set, place, fd, place < STEER_FAMILIES);

	return e == ERR_OK && place == STEER_FRAMES ? io_steer_frames(io, &frames) : e;
}

const struct io_backend io_steer_backend = {
	.places = STEER_PLACES,
	.do_make = steer_make,
	.do_probe = steer_probe,
	.do_attach = attach_steer,
	.do_add = add_steer,
	.do_detach = detach_steer,
};
