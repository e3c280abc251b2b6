#include "media/xkeeper.h"

#include <errno.h>
#include <linux/if_link.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"
#include "media/bpf/xdp.h"
#include "media/bpfobj.h"
#include "media/xnic.h"

#ifdef POSTERN_BPF
#include "media/bpf/xdp.bpf.h"
#else
static const unsigned char xdp_bpf[1];
#endif

_Static_assert((int)XDP_ADDRS_MAX == (int)MEDIA_ADDRS_MAX, "the program knows all addresses");
_Static_assert((int)XDP_SOCKS_MAX == (int)XFRAMES_QUEUES, "the map has all sockets of a worker");

enum {
	PACKETS_A_SLOT = 25, /* that wait in a restart of 250 ms, RTP and RTCP */
	SEND_BUFFER = 8 * 1024 * 1024,
	BUSY_TRIES = 40,
	BUSY_MS = 50,
	MEGABYTE = 1024 * 1024,
};

/* An interface, and its program. */
struct xif {
	struct xnic nic;
	struct bpfobj program;
	int map;
	bool loaded, native;
};

struct xkeeper {
	const struct media_plan *plan;
	struct xif nic[XKEEPER_NICS];
	uint32_t n_nics, n_workers;
	uint32_t of_addr[MEDIA_ADDRS_MAX]; /* the interface of each address */
	bool zero_copy;
	struct io_set *set;
	char *why;
};

uint32_t
xkeeper_place(const struct media_plan *plan, uint32_t w)
{
	uint32_t n = plan->n_workers ? plan->n_workers : 1;

	return n * IO_STEER_PLACES + w * XKEEPER_PLACES;
}

/* ---- why not ---- */

static enum err
say_errno(struct xkeeper *k, const char *what, const char *nic)
{
	int saved = errno;
	bool perm = saved == EPERM || saved == EACCES;

	(void)snprintf(k->why, IO_WHY_MAX, "xdp: %s%s%s: %s%s", what, *nic ? " on " : "", nic,
		       strerror(saved),
		       perm ? "; CAP_NET_ADMIN, CAP_NET_RAW and CAP_BPF are needed" : "");
	return perm                                           ? ERR_PERM
	       : saved == EAFNOSUPPORT || saved == EOPNOTSUPP ? ERR_UNSUPPORTED
							      : ERR_IO;
}

/* The kernel pins the frames, within RLIMIT_MEMLOCK where keeper has no CAP_IPC_LOCK. */
static enum err
say_memlock(struct xkeeper *k, uint64_t bytes)
{
	struct rlimit rl = {0};

	if (errno != ENOBUFS)
		return say_errno(k, "memory of the frames", "");
	(void)getrlimit(RLIMIT_MEMLOCK, &rl);
	(void)snprintf(k->why, IO_WHY_MAX,
		       "xdp: %llu MiB of locked memory are needed, RLIMIT_MEMLOCK allows %llu MiB: "
		       "raise it (LimitMEMLOCK=), or give keeper CAP_IPC_LOCK",
		       (unsigned long long)(bytes / MEGABYTE) + 1,
		       (unsigned long long)rl.rlim_cur / MEGABYTE);
	return ERR_PERM;
}

/* ---- interfaces ---- */

static enum err
add_nic(struct xkeeper *k, uint32_t addr)
{
	const struct addr *a = &k->plan->bound[addr];
	struct xnic nic;
	enum err e = xnic_find(a, &nic);
	uint32_t i;

	if (e != ERR_OK) {
		(void)snprintf(k->why, IO_WHY_MAX, "xdp: media address %s: %s", addr_text(a).z,
			       e == ERR_NOTFOUND      ? "no interface has it"
			       : e == ERR_UNSUPPORTED ? "its interface is not Ethernet"
						      : strerror(errno));
		return e == ERR_NOTFOUND ? ERR_UNSUPPORTED : e;
	}
	for (i = 0; i < k->n_nics; i++)
		if (k->nic[i].nic.ifindex == nic.ifindex)
			break;
	if (i == XKEEPER_NICS) {
		(void)snprintf(k->why, IO_WHY_MAX,
			       "xdp: media addresses on more than %d interfaces", XKEEPER_NICS);
		return ERR_UNSUPPORTED;
	}
	if (i == k->n_nics)
		k->nic[k->n_nics++] = (struct xif){.nic = nic, .map = -1};
	k->of_addr[addr] = i;
	return ERR_OK;
}

static enum err
find_nics(struct xkeeper *k)
{
	enum err e = ERR_OK;

	for (uint32_t i = 0; e == ERR_OK && i < k->plan->n_addrs; i++)
		e = add_nic(k, i);
	for (uint32_t i = 0; i < k->n_nics; i++) {
		uint32_t most = XFRAMES_QUEUES / k->n_nics;

		if (k->nic[i].nic.queues > most)
			k->nic[i].nic.queues = most; /* the others' packets take the slow way */
	}
	return e;
}

/* ---- programs ---- */

static struct xdp_conf
conf_for(const struct xkeeper *k, uint32_t nic)
{
	const struct media_plan *plan = k->plan;
	struct xdp_conf c = {
		.port_min = plan->port_min,
		.port_max = plan->port_min + 2 * media_slots(plan) / plan->n_addrs - 1,
		.slice = 2 * media_slice(plan),
		.n_workers = k->n_workers,
	};

	memcpy(c.mac, k->nic[nic].nic.mac, sizeof(c.mac));
	for (uint32_t i = 0; i < plan->n_addrs; i++) {
		if (k->of_addr[i] != nic)
			continue;
		if (plan->bound[i].family == 6)
			memcpy(c.v6[c.n_v6++], plan->bound[i].ip, 16);
		else
			memcpy(&c.v4[c.n_v4++], plan->bound[i].ip, 4);
	}
	return c;
}

/* In the driver if it can, else in the kernel's generic way. */
static enum err
attach_nic(struct xkeeper *k, uint32_t i)
{
	static const struct bpfobj_image image = {"xdp", xdp_bpf, sizeof(xdp_bpf), ".rodata"};
	struct xif *f = &k->nic[i];
	struct xdp_conf conf = conf_for(k, i);
	enum err e = bpfobj_load(&image, &conf, sizeof(conf), &f->program, k->why);
	int link = -1;

	if (e != ERR_OK)
		return e;
	f->loaded = true;
	f->map = bpfobj_map(&f->program, "xdp_socks");
	e = bpfobj_attach_xdp(&f->program, f->nic.ifindex, XDP_FLAGS_DRV_MODE, &link, k->why);
	f->native = e == ERR_OK;
	if (e != ERR_OK)
		e = bpfobj_attach_xdp(&f->program, f->nic.ifindex, XDP_FLAGS_SKB_MODE, &link,
				      k->why);
	if (e != ERR_OK) {
		size_t n = strlen(k->why);

		(void)snprintf(k->why + n, IO_WHY_MAX - n, " (%s: has it another XDP program?)",
			       f->nic.name);
		return e;
	}
	return io_set_hold(k->set, link);
}

static void
free_programs(struct xkeeper *k)
{
	for (uint32_t i = 0; i < k->n_nics; i++)
		if (k->nic[i].loaded)
			bpfobj_free(&k->nic[i].program);
}

/* ---- sockets ---- */

static uint32_t
queues_of(const struct xkeeper *k, uint32_t worker)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < k->n_nics; i++)
		for (uint32_t q = worker; q < k->nic[i].nic.queues; q += k->n_workers)
			n++;
	return n;
}

/* What waits in a restart, on one queue as if all came there. */
static uint32_t
ring_size(const struct xkeeper *k, uint32_t n_queues)
{
	uint64_t want = (uint64_t)PACKETS_A_SLOT * media_slice(k->plan) * k->plan->n_addrs;
	uint32_t size = XKEEPER_RX_MIN;

	while (size < want && size < XKEEPER_RX_MAX &&
	       (2 * size + XKEEPER_TX) * n_queues < XKEEPER_FRAMES_MAX)
		size *= 2;
	return size;
}

static int
option(int fd, int name, const void *value, size_t len)
{
	return setsockopt(fd, SOL_XDP, name, value, (socklen_t)len);
}

/* A socket with its rings. umem: frames to register with it; NULL: it shares those of another. */
static enum err
open_socket(struct xkeeper *k, const struct xframes *x, bool owns, int *out)
{
	int rx = (int)x->head->rx_size, tx = (int)x->head->tx_size, size = SEND_BUFFER;
	struct xdp_umem_reg reg = {.addr = (uintptr_t)x->base,
				   .len = (uint64_t)x->head->n_frames << XFRAMES_SHIFT,
				   .chunk_size = XFRAMES_SIZE};
	int fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
	enum err e = ERR_OK;

	if (fd < 0)
		return say_errno(k, "AF_XDP socket", "");
	if (owns && option(fd, XDP_UMEM_REG, &reg, sizeof(reg)) != 0)
		e = say_memlock(k, reg.len);
	else if (option(fd, XDP_UMEM_FILL_RING, &rx, sizeof(rx)) != 0 ||
		 option(fd, XDP_UMEM_COMPLETION_RING, &tx, sizeof(tx)) != 0 ||
		 option(fd, XDP_RX_RING, &rx, sizeof(rx)) != 0 ||
		 option(fd, XDP_TX_RING, &tx, sizeof(tx)) != 0)
		e = say_errno(k, "rings", "");
	if (e != ERR_OK) {
		close(fd);
		return e;
	}
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) != 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	*out = fd;
	return ERR_OK;
}

static enum err
bind_socket(struct xkeeper *k, int fd, int shared, const struct xnic *nic, uint32_t queue)
{
	struct sockaddr_xdp sa = {
		.sxdp_family = AF_XDP, .sxdp_ifindex = nic->ifindex, .sxdp_queue_id = queue};
	char what[64];

	if (shared >= 0) {
		sa.sxdp_flags = XDP_SHARED_UMEM;
		sa.sxdp_shared_umem_fd = (uint32_t)shared;
	} else {
		sa.sxdp_flags =
			(uint16_t)(XDP_USE_NEED_WAKEUP | (k->zero_copy ? XDP_ZEROCOPY : XDP_COPY));
	}
	/* the kernel frees a queue some time after its last socket was closed */
	for (int i = 0; i < BUSY_TRIES; i++) {
		if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0)
			return ERR_OK;
		if (errno != EBUSY)
			break;
		(void)poll(NULL, 0, BUSY_MS);
		errno = EBUSY;
	}
	(void)snprintf(what, sizeof(what), "socket of queue %u%s", queue,
		       errno == EBUSY ? ", which has one already," : "");
	return say_errno(k, what, nic->name);
}

/* All sockets of a worker over the frames x; fd[0] is for the segment. */
static enum err
open_queues(struct xkeeper *k, uint32_t worker, struct xframes *x, int *fd)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < k->n_nics; i++) {
		const struct xnic *nic = &k->nic[i].nic;

		for (uint32_t q = worker; q < nic->queues; q += k->n_workers, n++) {
			enum err e = open_socket(k, x, n == 0, &fd[1 + n]);

			if (e == ERR_OK)
				e = bind_socket(k, fd[1 + n], n ? fd[1] : -1, nic, q);
			if (e != ERR_OK)
				return e;
			x->head->ifindex[n] = nic->ifindex;
		}
	}
	return ERR_OK;
}

static enum err
open_worker(struct xkeeper *k, uint32_t worker)
{
	int *fd = k->set->fd + xkeeper_place(k->plan, worker);
	uint32_t n = queues_of(k, worker);
	struct xframes x;
	enum err e;

	if (n == 0)
		return ERR_OK; /* it has the slow way only */
	e = xframes_create(n, ring_size(k, n), XKEEPER_TX, &fd[0]);
	if (e == ERR_OK)
		e = xframes_map(fd[0], &x);
	if (e != ERR_OK)
		return say_errno(k, "memory of the frames", "");
	e = open_queues(k, worker, &x, fd);
	xframes_unmap(&x);
	return e;
}

static void
close_workers(struct xkeeper *k)
{
	for (uint32_t i = xkeeper_place(k->plan, 0); i < k->set->n; i++) {
		if (k->set->fd[i] >= 0)
			close(k->set->fd[i]);
		k->set->fd[i] = -1;
	}
}

static enum err
open_workers(struct xkeeper *k, bool zero_copy)
{
	enum err e = ERR_OK;

	k->zero_copy = zero_copy;
	for (uint32_t w = 0; e == ERR_OK && w < k->n_workers; w++)
		e = open_worker(k, w);
	if (e != ERR_OK)
		close_workers(k);
	return e;
}

/* From now on packets come. */
static enum err
enter_sockets(struct xkeeper *k)
{
	for (uint32_t w = 0; w < k->n_workers; w++) {
		const int *fd = k->set->fd + xkeeper_place(k->plan, w) + 1;

		for (uint32_t i = 0; i < k->n_nics; i++)
			for (uint32_t q = w; q < k->nic[i].nic.queues; q += k->n_workers)
				if (bpfobj_put(k->nic[i].map, &q, fd++) != ERR_OK)
					return say_errno(k, "socket into the map",
							 k->nic[i].nic.name);
	}
	return ERR_OK;
}

/* ---- all together ---- */

static void
raise_memlock(void)
{
	struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY}, rl;

	if (setrlimit(RLIMIT_MEMLOCK, &all) == 0 || getrlimit(RLIMIT_MEMLOCK, &rl) != 0)
		return;
	rl.rlim_cur = rl.rlim_max;
	(void)setrlimit(RLIMIT_MEMLOCK, &rl);
}

static enum err
make_fast(struct xkeeper *k)
{
	bool native = true;
	enum err e = find_nics(k);

	for (uint32_t i = 0; e == ERR_OK && i < k->n_nics; i++) {
		e = attach_nic(k, i);
		native = native && k->nic[i].native;
	}
	if (e == ERR_OK) {
		raise_memlock();
		if (!native || open_workers(k, true) != ERR_OK)
			e = open_workers(k, false);
	}
	if (e == ERR_OK)
		e = enter_sockets(k);
	for (uint32_t i = 0; e == ERR_OK && i < k->n_nics; i++)
		log_info("media.xdp", "interface=%s queues=%u program=%s packets=%s",
			 k->nic[i].nic.name, k->nic[i].nic.queues,
			 k->nic[i].native ? "driver" : "generic",
			 k->zero_copy ? "zero-copy" : "copied");
	return e;
}

enum err
xkeeper_probe(char *why)
{
	struct xkeeper k = {.why = why};
	enum err e = io_steer_backend.do_probe(why);
	int fd;

	if (e != ERR_OK)
		return e;
	fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return say_errno(&k, "AF_XDP socket", "");
	close(fd);
	return ERR_OK;
}

enum err
xkeeper_make(const struct media_plan *plan, struct io_set *out, char *why)
{
	struct io_set set = {0};
	struct xkeeper k = {.plan = plan,
			    .set = &set,
			    .why = why,
			    .n_workers = plan->n_workers ? plan->n_workers : 1};
	enum err e = io_steer_backend.do_make(plan, &set, why);

	if (e != ERR_OK)
		return e;
	e = io_set_grow(&set, k.n_workers * XKEEPER_PLACES);
	if (e == ERR_OK)
		e = make_fast(&k);
	free_programs(&k);
	if (e != ERR_OK) {
		io_set_fini(&set);
		return e;
	}
	*why = 0; /* of what was tried first */
	*out = set;
	return ERR_OK;
}
