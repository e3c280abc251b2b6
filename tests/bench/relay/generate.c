#include "relay/generate.h"

#include <linux/if_ether.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <sys/mman.h>

#include "cores.h"

enum {
	HEADERS = sizeof(struct ethhdr) + sizeof(struct iphdr) + sizeof(struct udphdr),
	QUIET_US = 60 * 1000, /* nothing came for so long: the run is over */
	DRAIN_US = 600 * 1000,
	LEAD_US = 5000,
	SEED = 12345,
	AHEAD = 4,
	LINE = 64,
};

static uint64_t
now_ns(void)
{
	struct timespec t;

	BENCH_MUST(clock_gettime(CLOCK_MONOTONIC, &t) == 0);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void
generate_init(struct generator *g, const struct bed *b)
{
	memset(g, 0, sizeof(*g));
	g->bed = b;
	g->rx = mmap(NULL, sizeof(*g->rx) * GENERATE_RX_MAX, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	(void)madvise(g->rx, sizeof(*g->rx) * GENERATE_RX_MAX, MADV_HUGEPAGE);
	g->slot_ns = calloc((size_t)TRAFFIC_CYCLES_MAX * TRAFFIC_SLOTS, sizeof(*g->slot_ns));
	g->slot_of = calloc(TRAFFIC_STREAMS_MAX, sizeof(*g->slot_of));
	g->order = calloc(TRAFFIC_STREAMS_MAX, sizeof(*g->order));
	BENCH_MUST(g->rx != MAP_FAILED && g->slot_ns && g->slot_of && g->order);
	memset(g->rx, 1, sizeof(*g->rx) * GENERATE_RX_MAX); /* its pages are there from now on */
	xsk_open(&g->xsk, b->near_if);
}

void
generate_fini(struct generator *g)
{
	xsk_close(&g->xsk);
	munmap(g->rx, sizeof(*g->rx) * GENERATE_RX_MAX);
	free(g->slot_ns);
	free(g->slot_of);
	free(g->order);
}

/* ---- out ---- */

static uint16_t
ip_checksum(const void *p)
{
	const uint16_t *w = p;
	uint32_t sum = 0;

	for (unsigned i = 0; i < sizeof(struct iphdr) / 2; i++)
		sum += w[i];
	sum = (sum >> 16) + (sum & 0xffff);
	return (uint16_t) ~(sum + (sum >> 16));
}

/* Without a UDP checksum, as one that the NIC has checked. */
static void
put_headers(const struct bed *b, uint8_t *p, uint16_t from, uint16_t to, uint16_t len)
{
	struct ethhdr eth = {.h_proto = htons(ETH_P_IP)};
	struct iphdr ip = {.version = 4,
			   .ihl = 5,
			   .ttl = 64,
			   .protocol = IPPROTO_UDP,
			   .frag_off = htons(IP_DF),
			   .tot_len = htons((uint16_t)(sizeof(ip) + sizeof(struct udphdr) + len)),
			   .saddr = htonl(0x0a4d0001),
			   .daddr = htonl(0x0a4d0002)};
	struct udphdr udp = {.source = htons(from),
			     .dest = htons(to),
			     .len = htons((uint16_t)(sizeof(udp) + len))};

	memcpy(eth.h_dest, b->far_mac, sizeof(eth.h_dest));
	memcpy(eth.h_source, b->near_mac, sizeof(eth.h_source));
	ip.check = ip_checksum(&ip);
	memcpy(p, &eth, sizeof(eth));
	memcpy(p + sizeof(eth), &ip, sizeof(ip));
	memcpy(p + sizeof(eth) + sizeof(ip), &udp, sizeof(udp));
}

/* The streams, shuffled, spread over the slots of a cycle. */
static void
deal_slots(struct generator *g, unsigned n_streams)
{
	uint64_t x = SEED;

	for (unsigned i = 0; i < n_streams; i++)
		g->order[i] = i;
	for (unsigned i = n_streams - 1; i > 0; i--) {
		unsigned j, keep = g->order[i];

		x = x * 6364136223846793005u + 1442695040888963407u;
		j = (unsigned)((x >> 33) % (i + 1));
		g->order[i] = g->order[j];
		g->order[j] = keep;
	}
	for (unsigned i = 0; i < n_streams; i++)
		g->slot_of[g->order[i]] = (uint16_t)((uint64_t)i * TRAFFIC_SLOTS / n_streams);
}

static void drain_one_batch(struct generator *g);

static void
send_packet(struct generator *g, const struct traffic *t, const struct judge_run *r,
	    unsigned stream, unsigned cycle)
{
	const struct traffic_packet *k = traffic_packet(t, stream, cycle);
	enum traffic_leg leg = (enum traffic_leg)(stream % 2);
	struct xsk_frame f;

	while (!xsk_take(&g->xsk, &f)) {
		xsk_kick(&g->xsk);
		drain_one_batch(g);
	}
	put_headers(g->bed, f.p, traffic_port(stream / 2, leg), r->calls[stream / 2].port[leg],
		    k->len);
	memcpy(f.p + HEADERS, k->b, k->len);
	f.len = HEADERS + k->len;
	xsk_put(&g->xsk, &f);
}

/* The packet that is sent AHEAD after this one, from memory. */
static void
prefetch_packet(const struct generator *g, const struct traffic *t, const struct judge_run *r,
		unsigned at, unsigned cycle)
{
	const uint8_t *b;

	if (at >= 2 * r->n_calls)
		return;
	b = traffic_packet(t, g->order[at], cycle)->b;
	for (unsigned i = 0; i < sizeof(struct traffic_packet); i += LINE)
		__builtin_prefetch(b + i);
}

/* All packets of a slot, in batches, looking at what comes back between them. */
static void
send_slot(struct generator *g, const struct traffic *t, const struct judge_run *r, unsigned cycle,
	  unsigned slot, unsigned *next)
{
	unsigned n = 0;

	for (; *next < 2 * r->n_calls && g->slot_of[g->order[*next]] == slot; (*next)++) {
		prefetch_packet(g, t, r, *next + AHEAD, cycle);
		send_packet(g, t, r, g->order[*next], cycle);
		if (++n % (XSK_BATCH / 2) == 0) {
			xsk_kick(&g->xsk);
			drain_one_batch(g);
		}
	}
	if (n % (XSK_BATCH / 2))
		xsk_kick(&g->xsk);
}

/* ---- back ---- */

static void
keep_frame(struct generator *g, const struct xsk_frame *f, uint64_t ns)
{
	struct traffic_rx *k = &g->rx[g->n_rx];
	const uint8_t *ip = f->p + sizeof(struct ethhdr), *udp;
	unsigned at, len;

	at = (unsigned)sizeof(struct ethhdr) + (ip[0] & 15) * 4;
	if (at + sizeof(struct udphdr) > f->len)
		return;
	udp = f->p + at;
	len = (unsigned)(udp[4] << 8 | udp[5]);
	if (len < sizeof(struct udphdr) || at + len > f->len)
		return;
	BENCH_MUST(g->n_rx < GENERATE_RX_MAX);
	g->n_rx++;
	len -= (unsigned)sizeof(struct udphdr);
	k->ns = ns;
	k->from = (uint16_t)(udp[0] << 8 | udp[1]);
	k->to = (uint16_t)(udp[2] << 8 | udp[3]);
	k->len = (uint16_t)len;
	memcpy(k->b, udp + sizeof(struct udphdr), len < TRAFFIC_ROOM ? len : TRAFFIC_ROOM);
}

static unsigned
drain(struct generator *g)
{
	struct xsk_frame v[XSK_BATCH];
	unsigned n = xsk_receive(&g->xsk, v);
	uint64_t ns;

	if (n == 0)
		return 0;
	ns = now_ns();
	for (unsigned i = 0; i < n; i++)
		keep_frame(g, &v[i], ns);
	xsk_return(&g->xsk, v, n);
	return n;
}

static void
drain_one_batch(struct generator *g)
{
	(void)drain(g);
}

static void
drain_to_end(struct generator *g)
{
	uint64_t begin = now_ns(), last = begin;

	for (uint64_t now = begin; now - last < QUIET_US * 1000u && now - begin < DRAIN_US * 1000u;
	     now = now_ns())
		if (drain(g))
			last = now;
}

/* ---- the run ---- */

struct reading {
	uint64_t cpu_ns, softirq_ns;
	unsigned n_rx;
};

static struct reading
read_all(const struct generator *g, pid_t pid)
{
	return (struct reading){cores_process_ns(pid), bed_softirq_ns(CORES_FAR), g->n_rx};
}

/* Returns how many slots of the measured cycles were late. */
static unsigned
send_cycle(struct generator *g, const struct traffic *t, const struct judge_run *r, unsigned cycle,
	   uint64_t begin)
{
	unsigned next = 0, late = 0;

	for (unsigned slot = 0; slot < TRAFFIC_SLOTS; slot++) {
		unsigned i = cycle * TRAFFIC_SLOTS + slot;
		uint64_t due = begin + (uint64_t)i * TRAFFIC_SLOT_US * 1000, now = now_ns();

		for (; now < due; now = now_ns())
			(void)drain(g);
		g->slot_ns[i] = now;
		late += now - due > GENERATE_LATE_US * 1000u;
		send_slot(g, t, r, cycle, slot, &next);
		(void)drain(g);
	}
	return late;
}

void
generate_run(struct generator *g, const struct traffic *t, struct judge_run *r, pid_t pid,
	     struct generate_result *out)
{
	uint64_t dropped = xsk_dropped(&g->xsk), begin;
	struct reading a = {0}, b;
	unsigned late = 0;

	BENCH_MUST(2 * r->n_calls <= t->n_streams && r->n_cycles <= t->n_cycles);
	while (drain(g)) /* of the run before */
		;
	g->n_rx = 0;
	deal_slots(g, 2 * r->n_calls);
	begin = now_ns() + LEAD_US * 1000u;
	for (unsigned cycle = 0; cycle < r->n_cycles; cycle++) {
		unsigned n;

		if (cycle == r->first)
			a = read_all(g, pid);
		n = send_cycle(g, t, r, cycle, begin);
		late += cycle >= r->first ? n : 0;
	}
	b = read_all(g, pid);
	drain_to_end(g);
	r->slot_of = g->slot_of;
	r->slot_ns = g->slot_ns;
	r->rx = g->rx;
	r->n_rx = g->n_rx;
	out->cpu_ns = b.cpu_ns - a.cpu_ns;
	out->softirq_ns = b.softirq_ns - a.softirq_ns;
	out->relayed = b.n_rx - a.n_rx;
	out->late = (double)late / ((r->n_cycles - r->first) * TRAFFIC_SLOTS);
	out->dropped = xsk_dropped(&g->xsk) - dropped;
}
