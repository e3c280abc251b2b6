/* XDP: plain UDP to one of the interface's media addresses and a port of our range goes to the
 * AF_XDP socket of its queue, if that is a queue of the port's worker. All else goes on to the
 * kernel as if we were not there: fragments, options, extension headers, VLAN tags, frames for
 * another station, what is cut short or too long, and everything while the socket is gone. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>

#include "media/bpf/ours.h"

enum { V4_PLAIN = 0x45, V4_FRAGMENT = 0x3fff };

/* by queue */
struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, BPF_SOCKS_MAX);
	__type(key, __u32);
	__type(value, __u32);
} xdp_socks SEC(".maps");

static __always_inline int
is_for_us(const struct ethhdr *eth)
{
	for (int i = 0; i < ETH_ALEN; i++)
		if (eth->h_dest[i] != bpf_conf.mac[i])
			return 0;
	return 1;
}

static __always_inline int
is_our_port(const struct udphdr *udp, __u32 queue)
{
	__u32 port = bpf_ntohs(udp->dest);

	return port >= bpf_conf.port_min && port <= bpf_conf.port_max && bpf_conf.slice &&
	       bpf_conf.n_workers &&
	       (port - bpf_conf.port_min) / bpf_conf.slice == queue % bpf_conf.n_workers;
}

static __always_inline int
is_ours_v4(const void *p, const void *end, __u32 queue)
{
	const struct iphdr *ip = p;
	const struct udphdr *udp = (const void *)(ip + 1);

	if ((const void *)(udp + 1) > end || *(const __u8 *)p != V4_PLAIN ||
	    ip->frag_off & bpf_htons(V4_FRAGMENT) || ip->protocol != IPPROTO_UDP ||
	    !is_our_port(udp, queue))
		return 0;
	return ours_v4(ip->daddr);
}

static __always_inline int
is_ours_v6(const void *p, const void *end, __u32 queue)
{
	const struct ipv6hdr *ip = p;
	const struct udphdr *udp = (const void *)(ip + 1);
	const __u32 *to = ip->daddr.in6_u.u6_addr32;

	if ((const void *)(udp + 1) > end || ip->version != 6 || ip->nexthdr != IPPROTO_UDP ||
	    !is_our_port(udp, queue))
		return 0;
	return ours_v6(to[0], to[1], to[2], to[3]);
}

SEC("xdp")
int
xdp_packet(struct xdp_md *c)
{
	const void *end = (const void *)(long)c->data_end;
	const struct ethhdr *eth = (const void *)(long)c->data;
	__u32 queue = c->rx_queue_index;
	int ours;

	if ((const void *)(eth + 1) > end || end - (const void *)eth > BPF_FRAME_MAX ||
	    !is_for_us(eth))
		return XDP_PASS;
	if (eth->h_proto == bpf_htons(ETH_P_IP))
		ours = is_ours_v4(eth + 1, end, queue);
	else
		ours = eth->h_proto == bpf_htons(ETH_P_IPV6) && is_ours_v6(eth + 1, end, queue);
	return ours ? bpf_redirect_map(&xdp_socks, queue, XDP_PASS) : XDP_PASS;
}

char xdp_license[] SEC("license") = "Apache-2.0";
