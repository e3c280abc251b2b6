#include "media/steer_make.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "media/bpf/steer.h"
#include "media/bpfobj.h"
#include "media/io_sockets.h"

#ifdef POSTERN_BPF
#include "media/bpf/steer.bpf.h"
#else
static const unsigned char steer_bpf[1];
#endif

_Static_assert((int)STEER_ADDRS_MAX == (int)MEDIA_ADDRS_MAX, "the program knows all addresses");
_Static_assert((int)STEER_SOCKS_MAX == (int)STEER_FAMILIES * (int)MEDIA_WORKERS_MAX,
	       "the map has all sockets");

static const struct bpfobj_image image = {"steer", steer_bpf, sizeof(steer_bpf), ".rodata"};

static int
family_of(const struct addr *a)
{
	return a->family == 6 ? STEER_V6 : STEER_V4;
}

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
	bool v6 = at.family == 6;
	struct sockaddr_storage sa;
	socklen_t len;
	int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	bool fine = fd >= 0 && io_ask_class(fd, v6 ? AF_INET6 : AF_INET);

	at.port = 0; /* a worker without ports */
	if (worker * media_slice(plan) < media_slots(plan) / plan->n_addrs)
		at.port = (uint16_t)(plan->port_min + 2 * worker * media_slice(plan));
	len = addr_to_sa(&at, &sa);
	if (fine && v6)
		fine = option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) == 0 &&
		       option(fd, IPPROTO_IPV6, IPV6_RECVORIGDSTADDR, 1) == 0;
	else if (fine)
		fine = option(fd, IPPROTO_IP, IP_RECVORIGDSTADDR, 1) == 0;
	fine = fine && bind(fd, (struct sockaddr *)&sa, len) == 0;
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
	if (option(fd, SOL_SOCKET, SO_SNDBUFFORCE, STEER_SEND_BUFFER) != 0)
		(void)option(fd, SOL_SOCKET, SO_SNDBUF, STEER_SEND_BUFFER);
	*out = fd;
	return ERR_OK;
}

static enum err
open_all(const struct media_plan *plan, struct io_set *set, char *why)
{
	enum err e = ERR_OK;

	for (uint32_t w = 0; w < workers_of(plan); w++) {
		int *place = set->fd + (size_t)w * STEER_PLACES;

		for (uint32_t i = 0; e == ERR_OK && i < plan->n_addrs; i++) {
			int family = family_of(&plan->bound[i]);

			if (place[family] < 0)
				e = open_receiver(plan, w, i, &place[family], why);
			if (e == ERR_OK)
				e = open_sender(&plan->bound[i], &place[STEER_FAMILIES + i], why);
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
		if (family_of(&plan->bound[i]) == STEER_V6)
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
	for (uint32_t i = 0; e == ERR_OK && i < STEER_FAMILIES * workers_of(plan); i++) {
		int fd = set->fd[i / STEER_FAMILIES * STEER_PLACES + i % STEER_FAMILIES];
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

enum err
steer_make(const struct media_plan *plan, struct io_set *out, char *why)
{
	struct io_set set = {0};
	enum err e = probe_ports(plan, why);

	if (e == ERR_OK)
		e = io_set_init(&set, workers_of(plan) * STEER_PLACES);
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

enum err
steer_probe(char *why)
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
