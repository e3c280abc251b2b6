#include "media/io_sockets.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/mem.h"

enum { COUNT_A_TICK = 256 };

/* ---- keeper ---- */

enum err
io_sockets_open(const struct media_plan *plan, uint32_t socket, int *fd, char *why)
{
	uint32_t slot = socket / 2;
	struct addr a = plan->bound[slot / media_pairs(plan)];

	a.port = (uint16_t)(media_slot_port(plan, slot) + socket % 2);
	return io_udp(&a, false, IO_SOCKETS_BUFFER, fd, why);
}

static enum err
make_sockets(const struct media_plan *plan, enum io_kind kind, struct io_set *set, char *why)
{
	uint32_t n = 2 * media_slots(plan);
	enum err e = ERR_OK;

	(void)kind;
	for (uint32_t i = 0; e == ERR_OK && i < n; i++)
		e = io_sockets_open(plan, i, &set->fd[media_slot_worker(plan, i / 2) * n + i], why);
	return e;
}

/* ---- worker ---- */

struct io_sockets {
	struct io_set socks; /* by place; this worker's that are here */
	uint8_t *dscp;       /* set on the socket now */
	uint32_t asked;      /* sockets asked in this turn what they lost */
	uint64_t full;       /* what they said */
	struct io_counts *counts;
};

static bool
receive_one(struct io_sockets *s, uint32_t socket, struct io_packet *k)
{
	uint8_t control[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8)));
	struct sockaddr_storage sa;
	struct iovec iov = {k->p, IO_PACKET_MAX};
	struct msghdr m = {.msg_name = &sa,
			   .msg_namelen = sizeof(sa),
			   .msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = control,
			   .msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(s->socks.fd[socket], &m, MSG_DONTWAIT);

	if (n < 0)
		return false;
	if (m.msg_flags & MSG_TRUNC) {
		s->counts->rx_strange++;
		return false;
	}
	k->len = (uint32_t)n;
	k->socket = socket;
	k->addr = addr_from_sa(&sa);
	k->dscp = CMSG_FIRSTHDR(&m) ? io_dscp_of(CMSG_FIRSTHDR(&m), 0) : 0;
	return true;
}

static unsigned
receive_batch(void *arg, struct io_packet *v, unsigned n)
{
	struct io_sockets *s = arg;
	struct epoll_event ev[IO_BATCH];
	int ready = epoll_wait(s->socks.epoll, ev, n < IO_BATCH ? (int)n : IO_BATCH, 0);
	unsigned got = 0;

	for (int i = 0; i < ready; i++)
		if (receive_one(s, ev[i].data.u32, &v[got]))
			got++;
	return got;
}

static void
set_dscp(struct io_sockets *s, uint32_t socket, const struct io_packet *k)
{
	if (s->dscp[socket] == k->dscp)
		return;
	s->dscp[socket] = k->dscp;
	(void)!io_ip_option(s->socks.fd[socket], k->addr.family == 6, IP_TOS, IPV6_TCLASS,
			    k->dscp << 2);
}

static bool
send_one(struct io_sockets *s, const struct io_packet *k)
{
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sa(&k->addr, &sa);

	if (k->socket < s->socks.n && s->socks.fd[k->socket] >= 0 && len > 0) {
		set_dscp(s, k->socket, k);
		if (sendto(s->socks.fd[k->socket], k->p, k->len, MSG_DONTWAIT | MSG_NOSIGNAL,
			   (struct sockaddr *)&sa, len) == (ssize_t)k->len)
			return true;
		if (errno == EAGAIN || errno == ENOBUFS) {
			s->counts->tx_busy++;
			return false;
		}
	}
	s->counts->tx_refused++;
	return false;
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

/* A part of the sockets a call; the count is of the last whole turn. The sockets outlive us. */
static void
count_full(void *arg, uint64_t now_us)
{
	struct io_sockets *s = arg;

	(void)now_us;
	s->full += io_set_lost(&s->socks, s->asked, COUNT_A_TICK);
	s->asked += COUNT_A_TICK;
	if (s->asked < s->socks.n)
		return;
	s->counts->rx_full = s->full;
	s->asked = 0;
	s->full = 0;
}

static void
detach_sockets(struct media_io *io)
{
	struct io_sockets *s = io->arg;

	if (s) {
		io_set_fini(&s->socks);
		mem_free(s->dscp);
		mem_free(s);
	}
	*io = (struct media_io){.fd = -1};
}

static enum err
attach_sockets(const struct media_plan *plan, struct io_counts *counts, struct media_io *out)
{
	struct io_sockets *s = mem_zalloc(1, sizeof(*s));
	uint32_t n = 2 * media_slots(plan);
	enum err e;

	if (!s)
		return ERR_NOMEM;
	*out = (struct media_io){
		.arg = s, .do_rx = receive_batch, .do_tx = send_batch, .do_tick = count_full};
	s->counts = counts;
	s->dscp = mem_zalloc(n, sizeof(*s->dscp));
	e = s->dscp ? io_set_watch(&s->socks, n) : ERR_NOMEM;
	if (e != ERR_OK) {
		detach_sockets(out);
		return e;
	}
	memset(s->dscp, 0xff, n); /* not known: a worker before us may have set it */
	out->fd = s->socks.epoll;
	return ERR_OK;
}

static enum err
add_socket(struct media_io *io, uint32_t place, int fd)
{
	struct io_sockets *s = io->arg;

	return io_set_take(&s->socks, place, fd, true);
}

const struct io_backend io_sockets_backend = {
	.do_make = make_sockets,
	.do_attach = attach_sockets,
	.do_add = add_socket,
	.do_detach = detach_sockets,
};
