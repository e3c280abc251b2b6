#include "relay/xsk.h"

#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_xdp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "bench.h"

enum { RING_RX = XSK_RX, RING_TX = XSK_TX, KICKS_MAX = 4 * XSK_TX };

/* ---- the program: UDP over IPv4 goes to the socket, all else to the kernel ---- */

#define INSN(c, d, s, o, i)                                                                        \
	((struct bpf_insn){.code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i)})

static long
call_bpf(int cmd, union bpf_attr *a)
{
	return syscall(SYS_bpf, cmd, a, sizeof(*a));
}

static int
load_program(int map_fd)
{
	const struct bpf_insn code[] = {
		INSN(BPF_LDX | BPF_W | BPF_MEM, 2, 1, offsetof(struct xdp_md, data), 0),
		INSN(BPF_LDX | BPF_W | BPF_MEM, 3, 1, offsetof(struct xdp_md, data_end), 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, 4, 2, 0, 0),
		INSN(BPF_ALU64 | BPF_ADD | BPF_K, 4, 0, 0, 42),
		INSN(BPF_JMP | BPF_JGT | BPF_X, 4, 3, 10, 0),
		INSN(BPF_LDX | BPF_H | BPF_MEM, 4, 2, 12, 0),
		INSN(BPF_JMP | BPF_JNE | BPF_K, 4, 0, 8, htons(ETH_P_IP)),
		INSN(BPF_LDX | BPF_B | BPF_MEM, 4, 2, 23, 0),
		INSN(BPF_JMP | BPF_JNE | BPF_K, 4, 0, 6, IPPROTO_UDP),
		INSN(BPF_LD | BPF_DW | BPF_IMM, 1, BPF_PSEUDO_MAP_FD, 0, map_fd),
		INSN(0, 0, 0, 0, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 2, 0, 0, 0), /* queue 0 */
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 3, 0, 0, XDP_PASS),
		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_redirect_map),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, XDP_PASS),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};
	static char log[4096];
	union bpf_attr a = {.prog_type = BPF_PROG_TYPE_XDP,
			    .insn_cnt = sizeof(code) / sizeof(code[0]),
			    .insns = (uintptr_t)code,
			    .license = (uintptr_t) "Apache-2.0",
			    .log_buf = (uintptr_t)log,
			    .log_size = sizeof(log),
			    .log_level = 1};
	int fd;

	a.expected_attach_type = BPF_XDP;
	fd = (int)call_bpf(BPF_PROG_LOAD, &a);
	if (fd < 0)
		fprintf(stderr, "bench relay: BPF: %s\n%s", strerror(errno), log);
	return fd;
}

static void
attach(struct xsk *x, unsigned ifindex)
{
	union bpf_attr map = {
		.map_type = BPF_MAP_TYPE_XSKMAP, .key_size = 4, .value_size = 4, .max_entries = 1};
	union bpf_attr link = {0}, set = {0};
	uint32_t key = 0;

	x->map_fd = (int)call_bpf(BPF_MAP_CREATE, &map);
	BENCH_MUST(x->map_fd >= 0);
	x->prog_fd = load_program(x->map_fd);
	BENCH_MUST(x->prog_fd >= 0);
	link.link_create.prog_fd = (uint32_t)x->prog_fd;
	link.link_create.target_ifindex = ifindex;
	link.link_create.attach_type = BPF_XDP;
	link.link_create.flags = XDP_FLAGS_DRV_MODE;
	x->link_fd = (int)call_bpf(BPF_LINK_CREATE, &link);
	BENCH_MUST(x->link_fd >= 0);
	set.map_fd = (uint32_t)x->map_fd;
	set.key = (uintptr_t)&key;
	set.value = (uintptr_t)&x->fd;
	BENCH_MUST(call_bpf(BPF_MAP_UPDATE_ELEM, &set) == 0);
}

/* ---- rings ---- */

static void
map_ring(int fd, struct xsk_ring *r, const struct xdp_ring_offset *o, off_t at, int option,
	 uint32_t n, size_t size)
{
	char *p;

	BENCH_MUST(setsockopt(fd, SOL_XDP, option, &n, sizeof(n)) == 0);
	p = mmap(NULL, o->desc + n * size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd,
		 at);
	BENCH_MUST(p != MAP_FAILED);
	r->producer = (uint32_t *)(void *)(p + o->producer);
	r->consumer = (uint32_t *)(void *)(p + o->consumer);
	r->flags = (uint32_t *)(void *)(p + o->flags);
	r->desc = p + o->desc;
	r->mask = n - 1;
}

static void
map_rings(struct xsk *x)
{
	struct xdp_mmap_offsets o;
	socklen_t len = sizeof(o);

	/* the offsets do not depend on the rings */
	BENCH_MUST(getsockopt(x->fd, SOL_XDP, XDP_MMAP_OFFSETS, &o, &len) == 0);
	map_ring(x->fd, &x->fill, &o.fr, XDP_UMEM_PGOFF_FILL_RING, XDP_UMEM_FILL_RING, RING_RX,
		 sizeof(uint64_t));
	map_ring(x->fd, &x->done, &o.cr, XDP_UMEM_PGOFF_COMPLETION_RING, XDP_UMEM_COMPLETION_RING,
		 RING_TX, sizeof(uint64_t));
	map_ring(x->fd, &x->rx, &o.rx, XDP_PGOFF_RX_RING, XDP_RX_RING, RING_RX,
		 sizeof(struct xdp_desc));
	map_ring(x->fd, &x->tx, &o.tx, XDP_PGOFF_TX_RING, XDP_TX_RING, RING_TX,
		 sizeof(struct xdp_desc));
}

static uint32_t
load(const uint32_t *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static void
store(uint32_t *p, uint32_t v)
{
	__atomic_store_n(p, v, __ATOMIC_RELEASE);
}

static void
fill_one(struct xsk *x, uint64_t addr)
{
	((uint64_t *)x->fill.desc)[x->fill.at++ & x->fill.mask] = addr;
}

void
xsk_open(struct xsk *x, unsigned ifindex)
{
	size_t size = (size_t)(XSK_TX + XSK_RX) * XSK_FRAME;
	struct xdp_umem_reg reg = {.len = size, .chunk_size = XSK_FRAME};
	struct sockaddr_xdp sa = {
		.sxdp_family = AF_XDP, .sxdp_ifindex = ifindex, .sxdp_flags = XDP_COPY};

	memset(x, 0, sizeof(*x));
	x->fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
	BENCH_MUST(x->fd >= 0);
	x->umem = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	BENCH_MUST(x->umem != MAP_FAILED);
	reg.addr = (uintptr_t)x->umem;
	BENCH_MUST(setsockopt(x->fd, SOL_XDP, XDP_UMEM_REG, &reg, sizeof(reg)) == 0);
	map_rings(x);
	BENCH_MUST(bind(x->fd, (struct sockaddr *)&sa, sizeof(sa)) == 0);
	for (uint32_t i = 0; i < XSK_TX; i++)
		x->free[x->n_free++] = i;
	for (uint64_t i = 0; i < XSK_RX; i++)
		fill_one(x, (XSK_TX + i) * XSK_FRAME);
	store(x->fill.producer, x->fill.at);
	attach(x, ifindex);
}

void
xsk_close(struct xsk *x)
{
	close(x->link_fd);
	close(x->prog_fd);
	close(x->map_fd);
	close(x->fd);
	munmap(x->umem, (size_t)(XSK_TX + XSK_RX) * XSK_FRAME);
}

/* ---- sending ---- */

static void
reap_sent(struct xsk *x)
{
	uint32_t end = load(x->done.producer);

	if (x->done.at == end)
		return;
	while (x->done.at != end) {
		uint64_t addr = ((uint64_t *)x->done.desc)[x->done.at++ & x->done.mask];

		x->free[x->n_free++] = (uint32_t)(addr / XSK_FRAME);
	}
	store(x->done.consumer, x->done.at);
}

bool
xsk_take(struct xsk *x, struct xsk_frame *f)
{
	if (x->n_free < XSK_BATCH)
		reap_sent(x);
	if (x->n_free == 0)
		return false;
	f->place = x->free[--x->n_free];
	f->p = x->umem + (size_t)f->place * XSK_FRAME;
	return true;
}

void
xsk_put(struct xsk *x, const struct xsk_frame *f)
{
	struct xdp_desc *d = (struct xdp_desc *)x->tx.desc + (x->tx.at++ & x->tx.mask);

	*d = (struct xdp_desc){.addr = (uint64_t)f->place * XSK_FRAME, .len = f->len};
}

void
xsk_kick(struct xsk *x)
{
	store(x->tx.producer, x->tx.at);
	for (unsigned i = 0; i < KICKS_MAX && load(x->tx.consumer) != x->tx.at; i++)
		if (sendto(x->fd, NULL, 0, MSG_DONTWAIT, NULL, 0) < 0)
			BENCH_MUST(errno == EAGAIN || errno == EBUSY || errno == ENOBUFS);
}

/* ---- receiving ---- */

unsigned
xsk_receive(struct xsk *x, struct xsk_frame *v)
{
	uint32_t n = load(x->rx.producer) - x->rx.at;

	if (n > XSK_BATCH)
		n = XSK_BATCH;
	for (uint32_t i = 0; i < n; i++) {
		const struct xdp_desc *d =
			(struct xdp_desc *)x->rx.desc + ((x->rx.at + i) & x->rx.mask);

		v[i].p = x->umem + d->addr;
		v[i].len = d->len;
		v[i].place = (uint32_t)(d->addr / XSK_FRAME);
	}
	x->rx.at += n;
	return n;
}

void
xsk_return(struct xsk *x, const struct xsk_frame *v, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		fill_one(x, (uint64_t)v[i].place * XSK_FRAME);
	store(x->rx.consumer, x->rx.at);
	store(x->fill.producer, x->fill.at);
}

uint64_t
xsk_dropped(const struct xsk *x)
{
	struct xdp_statistics s = {0};
	socklen_t len = sizeof(s);

	BENCH_MUST(getsockopt(x->fd, SOL_XDP, XDP_STATISTICS, &s, &len) == 0);
	return s.rx_dropped + s.rx_ring_full + s.rx_fill_ring_empty_descs;
}
