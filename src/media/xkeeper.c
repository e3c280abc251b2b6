#include "media/xkeeper.h"

#include <errno.h>
#include <linux/if_link.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"
#include "media/bpf/xdp.bpf.h"
#include "media/bpfobj.h"
#include "net/nic.h"

_Static_assert((int)BPF_SOCKS_MAX == (int)XFRAMES_QUEUES, "the map has all sockets of a worker");

enum {
	PACKETS_A_SLOT = 25, /* that wait in a restart of 250 ms, RTP and RTCP */
	SEND_BUFFER = 8 * 1024 * 1024,
	BUSY_TRIES = 40,
	BUSY_MS = 50,
};

/* An interface, and its program. */
struct xif {
	struct nic nic;
	uint32_t queues; /* of ours: what comes by the others takes the slow way */
	uint32_t addrs;  /* bit i: address i of the plan */
	struct bpfobj program;
	bool native;
};

struct xkeeper {
	const struct media_plan *plan;
	struct xif xif[XKEEPER_NICS];
	uint32_t n_xifs;
	bool zero_copy;
	struct io_set *set;
	char *why;
};

/* ---- interfaces ---- */

static enum err
add_nic(struct xkeeper *k, uint32_t addr)
{
	struct nic nic = {0};
	const char *why = nic_find(&k->plan->bound[addr], &nic);
	uint32_t i = 0;

	while (i < k->n_xifs && k->xif[i].nic.ifindex != nic.ifindex)
		i++;
	if (!why && i == XKEEPER_NICS)
		why = "there are more interfaces with media addresses than we can take";
	if (why) {
		(void)snprintf(k->why, IO_WHY_MAX, "xdp: media address %s: %s",
			       addr_text(&k->plan->bound[addr]).z, why);
		return ERR_UNSUPPORTED;
	}
	if (i == k->n_xifs)
		k->xif[k->n_xifs++].nic = nic;
	k->xif[i].addrs |= 1U << addr;
	return ERR_OK;
}

static enum err
find_nics(struct xkeeper *k)
{
	enum err e = ERR_OK;

	for (uint32_t i = 0; e == ERR_OK && i < k->plan->n_addrs; i++)
		e = add_nic(k, i);
	for (uint32_t i = 0; i < k->n_xifs; i++) {
		uint32_t has = k->xif[i].nic.queues, most = XFRAMES_QUEUES / k->n_xifs;

		k->xif[i].queues = has < most ? has : most;
	}
	return e;
}

/* In the driver if it can, else in the kernel's generic way. */
static enum err
attach_nic(struct xkeeper *k, struct xif *f)
{
	struct bpf_conf conf = bpfobj_conf(k->plan, f->addrs);
	enum err e;
	int link = -1;

	memcpy(conf.mac, f->nic.mac, sizeof(conf.mac));
	e = bpfobj_load("xdp", xdp_bpf, sizeof(xdp_bpf), &conf, &f->program, k->why);
	if (e != ERR_OK)
		return e;
	e = bpfobj_attach(&f->program, (int)f->nic.ifindex, XDP_FLAGS_DRV_MODE, &link, k->why);
	f->native = e == ERR_OK;
	if (e != ERR_OK)
		e = bpfobj_attach(&f->program, (int)f->nic.ifindex, XDP_FLAGS_SKB_MODE, &link,
				  k->why);
	if (e != ERR_OK) {
		size_t n = strlen(k->why);

		(void)snprintf(k->why + n, IO_WHY_MAX - n, " (%s: has it another XDP program?)",
			       f->nic.name);
		return e;
	}
	return io_set_hold(k->set, link);
}

/* ---- sockets ---- */

/* A queue that is a worker's. */
struct xplace {
	const struct xif *xif;
	uint32_t queue;
};

static uint32_t
list_queues(const struct xkeeper *k, uint32_t worker, struct xplace out[XFRAMES_QUEUES])
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < k->n_xifs; i++)
		for (uint32_t q = worker; q < k->xif[i].queues; q += media_workers(k->plan))
			out[n++] = (struct xplace){&k->xif[i], q};
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

/* A socket with its rings. owns: it registers the frames; else it shares those of another. */
static enum err
open_socket(struct xkeeper *k, const struct xframes *x, bool owns, int *out)
{
	int rx = (int)x->head->rx_size, tx = (int)x->head->tx_size;
	struct xdp_umem_reg reg = {.addr = (uintptr_t)x->base,
				   .len = (uint64_t)x->head->n_frames << XFRAMES_SHIFT,
				   .chunk_size = XFRAMES_SIZE};

	*out = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (*out < 0)
		return io_why(k->why, "xdp:", "socket");
	if (owns && setsockopt(*out, SOL_XDP, XDP_UMEM_REG, &reg, sizeof(reg)) != 0)
		return io_why(k->why,
			      "xdp:", "frames in locked memory (LimitMEMLOCK=, or CAP_IPC_LOCK)");
	if (!io_option(*out, SOL_XDP, XDP_UMEM_FILL_RING, rx) ||
	    !io_option(*out, SOL_XDP, XDP_UMEM_COMPLETION_RING, tx) ||
	    !io_option(*out, SOL_XDP, XDP_RX_RING, rx) ||
	    !io_option(*out, SOL_XDP, XDP_TX_RING, tx))
		return io_why(k->why, "xdp:", "rings");
	io_buffers(*out, 0, SEND_BUFFER);
	return ERR_OK;
}

static enum err
bind_socket(struct xkeeper *k, int fd, int shared, const struct xplace *at)
{
	uint16_t own = XDP_USE_NEED_WAKEUP | (k->zero_copy ? XDP_ZEROCOPY : XDP_COPY);
	struct sockaddr_xdp sa = {.sxdp_family = AF_XDP,
				  .sxdp_ifindex = at->xif->nic.ifindex,
				  .sxdp_queue_id = at->queue,
				  .sxdp_flags = shared < 0 ? own : XDP_SHARED_UMEM,
				  .sxdp_shared_umem_fd = shared < 0 ? 0 : (uint32_t)shared};
	char what[64];

	/* the kernel frees a queue some time after its last socket was closed */
	for (int i = 0; i < BUSY_TRIES; i++) {
		if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0)
			return ERR_OK;
		if (errno != EBUSY)
			break;
		(void)poll(NULL, 0, BUSY_MS);
		errno = EBUSY;
	}
	(void)snprintf(what, sizeof(what), "xdp: socket of queue %u%s on", at->queue,
		       errno == EBUSY ? ", which has one already," : "");
	return io_why(k->why, what, at->xif->nic.name);
}

/* The frames and sockets of a worker, at its places. */
static enum err
open_worker(struct xkeeper *k, uint32_t worker)
{
	int *fd = k->set->fd + (size_t)worker * XKEEPER_PLACES;
	int *sock = fd + XKEEPER_SOCKS;
	struct xplace at[XFRAMES_QUEUES];
	uint32_t n = list_queues(k, worker, at);
	struct xframes x;
	enum err e;

	if (n == 0)
		return ERR_OK; /* it has the slow way only */
	e = xframes_create(n, ring_size(k, n), XKEEPER_TX, &fd[XKEEPER_FRAMES]);
	if (e == ERR_OK)
		e = xframes_map(fd[XKEEPER_FRAMES], &x);
	if (e != ERR_OK)
		return io_why(k->why, "xdp:", "memory of the frames");
	for (uint32_t i = 0; e == ERR_OK && i < n; i++) {
		x.head->ifindex[i] = at[i].xif->nic.ifindex;
		e = open_socket(k, &x, i == 0, &sock[i]);
		if (e == ERR_OK)
			e = bind_socket(k, sock[i], i ? sock[0] : -1, &at[i]);
	}
	xframes_unmap(&x);
	return e;
}

static enum err
open_workers(struct xkeeper *k, bool zero_copy)
{
	enum err e = ERR_OK;

	k->zero_copy = zero_copy;
	for (uint32_t w = 0; e == ERR_OK && w < media_workers(k->plan); w++)
		e = open_worker(k, w);
	for (uint32_t i = 0; e != ERR_OK && i < k->set->n; i++) {
		if (i % XKEEPER_PLACES < XKEEPER_FRAMES || k->set->fd[i] < 0)
			continue;
		close(k->set->fd[i]);
		k->set->fd[i] = -1;
	}
	return e;
}

/* From now on packets come. */
static enum err
enter_sockets(struct xkeeper *k)
{
	struct xplace at[XFRAMES_QUEUES];

	for (uint32_t w = 0; w < media_workers(k->plan); w++) {
		const int *fd = k->set->fd + (size_t)w * XKEEPER_PLACES + XKEEPER_SOCKS;
		uint32_t n = list_queues(k, w, at);

		for (uint32_t i = 0; i < n; i++)
			if (bpfobj_put(&at[i].xif->program, "xdp_socks", &at[i].queue, &fd[i]) !=
			    ERR_OK)
				return io_why(k->why, "xdp: socket into the map of",
					      at[i].xif->nic.name);
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

	for (uint32_t i = 0; e == ERR_OK && i < k->n_xifs; i++) {
		e = attach_nic(k, &k->xif[i]);
		native = native && k->xif[i].native;
	}
	if (e == ERR_OK) {
		raise_memlock();
		if (!native || open_workers(k, true) != ERR_OK)
			e = open_workers(k, false);
	}
	if (e == ERR_OK)
		e = enter_sockets(k);
	for (uint32_t i = 0; i < k->n_xifs; i++) {
		const struct xif *f = &k->xif[i];

		if (e == ERR_OK)
			log_info("media.xdp", "interface=%s queues=%u program=%s packets=%s",
				 f->nic.name, f->queues, f->native ? "driver" : "generic",
				 k->zero_copy ? "zero-copy" : "copied");
		bpfobj_free(&k->xif[i].program);
	}
	return e;
}

enum err
xkeeper_probe(char *why)
{
	enum err e = steer_probe(why);
	int fd;

	if (e != ERR_OK)
		return e;
	fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return io_why(why, "xdp:", "socket");
	close(fd);
	return ERR_OK;
}

enum err
xkeeper_make(const struct media_plan *plan, enum io_kind kind, struct io_set *set, char *why)
{
	struct xkeeper k = {.plan = plan, .set = set, .why = why};
	enum err e = steer_make(plan, kind, set, why);

	if (e == ERR_OK)
		e = make_fast(&k);
	if (e == ERR_OK)
		*why = 0; /* of what was tried first */
	return e;
}
