#include "media/steer_make.h"

#include <fcntl.h>
#include <linux/if_packet.h>
#include <unistd.h>

#include "media/bpf/steer.bpf.h"
#include "media/bpfobj.h"
#include "media/io_sockets.h"

_Static_assert((int)BPF_SOCKS_MAX == (int)STEER_FAMILIES * (int)MEDIA_WORKERS_MAX,
	       "the map has all sockets");

/* No other program may have a port of ours: it would hear nothing any more. */
static enum err
probe_ports(const struct media_plan *plan, char *why)
{
	enum err e = ERR_OK;
	int fd;

	for (uint32_t i = 0; e == ERR_OK && i < 2 * media_slots(plan); i++) {
		e = io_sockets_open(plan, i, &fd, why);
		if (e == ERR_OK)
			close(fd);
	}
	return e;
}

static int
buffer_size(const struct media_plan *plan)
{
	uint64_t n = (uint64_t)media_slice(plan) * plan->n_addrs * STEER_BUFFER_SLOT;

	if (n < STEER_BUFFER_MIN)
		return STEER_BUFFER_MIN;
	return n > STEER_BUFFER_MAX ? STEER_BUFFER_MAX : (int)n;
}

/* Bound to the first port of the worker's slice, at the family's first address: only a bound socket
 * can be in the map, and another postern with these ports finds it taken (probe_ports). */
static enum err
open_receiver(const struct media_plan *plan, uint32_t worker, uint32_t place, int *out, char *why)
{
	struct addr at = plan->bound[place];

	at.port = 0; /* a worker without ports */
	if (worker * media_slice(plan) < media_pairs(plan))
		at.port = (uint16_t)(plan->port_min + 2 * worker * media_slice(plan));
	return io_udp(&at, true, buffer_size(plan), out, why);
}

/* Bound to its address, so that the route is chosen by it. Receives nothing. */
static enum err
open_sender(const struct addr *local, int *out, char *why)
{
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sa(local, &sa);

	*out = socket(sa.ss_family, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_RAW);
	if (*out < 0 || bind(*out, (struct sockaddr *)&sa, len) != 0)
		return io_why(why, "raw socket on", addr_text(local).z);
	io_buffers(*out, 0, STEER_SEND_BUFFER);
	return ERR_OK;
}

/* Sends frames only: for protocol 0 it is given nothing. */
static enum err
open_frames(int *out, char *why)
{
	*out = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (*out < 0 || !io_option(*out, SOL_PACKET, PACKET_QDISC_BYPASS, 1))
		return io_why(why, "packet", "socket");
	io_buffers(*out, 0, STEER_SEND_BUFFER);
	return ERR_OK;
}

static int *
places_of(const struct media_plan *plan, const struct io_set *set, uint32_t worker)
{
	return set->fd + (size_t)worker * (set->n / media_workers(plan));
}

static enum err
open_all(const struct media_plan *plan, bool frames, struct io_set *set, char *why)
{
	enum err e = ERR_OK;

	for (uint32_t w = 0; w < media_workers(plan); w++) {
		int *place = places_of(plan, set, w);

		for (uint32_t i = 0; e == ERR_OK && i < plan->n_addrs; i++) {
			int family = plan->bound[i].family == 6 ? STEER_V6 : STEER_V4;

			if (place[family] < 0)
				e = open_receiver(plan, w, i, &place[family], why);
			if (e == ERR_OK)
				e = open_sender(&plan->bound[i], &place[STEER_FAMILIES + i], why);
		}
		if (e == ERR_OK && frames)
			e = open_frames(&place[STEER_FRAMES], why);
	}
	return e;
}

static enum err
steer_ports(const struct media_plan *plan, struct io_set *set, char *why)
{
	struct bpf_conf conf = bpfobj_conf(plan, UINT32_MAX);
	struct bpfobj b = {0};
	enum err e = bpfobj_load("steer", steer_bpf, sizeof(steer_bpf), &conf, &b, why);
	int ns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), link = -1;

	for (uint32_t i = 0; e == ERR_OK && i < STEER_FAMILIES * media_workers(plan); i++) {
		int fd = places_of(plan, set, i / STEER_FAMILIES)[i % STEER_FAMILIES];
		uint64_t value = (uint64_t)fd;

		if (fd >= 0 && bpfobj_put(&b, "steer_socks", &i, &value) != ERR_OK)
			e = io_why(why, "sockets into the map of", "steer");
	}
	if (e == ERR_OK && ns < 0)
		e = io_why(why, "open", "/proc/self/ns/net");
	if (e == ERR_OK)
		e = bpfobj_attach(&b, ns, 0, &link, why);
	if (e == ERR_OK)
		e = io_set_hold(set, link);
	if (ns >= 0)
		close(ns);
	bpfobj_free(&b);
	return e;
}

enum err
steer_make(const struct media_plan *plan, enum io_kind kind, struct io_set *set, char *why)
{
	enum err e = probe_ports(plan, why);

	if (e == ERR_OK)
		e = open_all(plan, kind == IO_PACKET, set, why);
	return e == ERR_OK ? steer_ports(plan, set, why) : e;
}

enum err
steer_probe(char *why)
{
	static const struct media_plan none = {.n_addrs = 1, .port_min = 2, .port_max = 3};
	struct bpf_conf conf = bpfobj_conf(&none, UINT32_MAX);
	struct bpfobj b = {0};
	int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	enum err e;

	if (fd < 0)
		return io_why(why, "raw", "socket");
	close(fd);
	e = bpfobj_load("steer", steer_bpf, sizeof(steer_bpf), &conf, &b, why);
	bpfobj_free(&b);
	return e;
}
