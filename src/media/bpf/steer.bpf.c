/* sk_lookup: a UDP packet to one of our addresses and a port of our range goes to the socket of the
 * worker that owns the port; every other packet goes on as if we were not there. */
#include "media/bpf/conf.h"

#include <linux/bpf.h>
#include <linux/in.h>
#include <linux/socket.h>

#include <bpf/bpf_helpers.h>

enum { FAMILY_V4 = 2, FAMILY_V6 = 10 }; /* AF_INET, AF_INET6 */

const volatile struct bpf_conf bpf_conf = {};

/* 2 * worker for IPv4, + 1 for IPv6 */
struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, BPF_SOCKS_MAX);
	__type(key, __u32);
	__type(value, __u64);
} steer_socks SEC(".maps");

static __always_inline int
is_ours_v4(__u32 ip)
{
	for (__u32 i = 0; i < BPF_ADDRS_MAX; i++)
		if (i < bpf_conf.n_v4 && bpf_conf.v4[i] == ip)
			return 1;
	return 0;
}

static __always_inline int
is_ours_v6(const struct bpf_sk_lookup *c)
{
	__u32 a = c->local_ip6[0], b = c->local_ip6[1], d = c->local_ip6[2], e = c->local_ip6[3];

	for (__u32 i = 0; i < BPF_ADDRS_MAX; i++)
		if (i < bpf_conf.n_v6 && bpf_conf.v6[i][0] == a && bpf_conf.v6[i][1] == b &&
		    bpf_conf.v6[i][2] == d && bpf_conf.v6[i][3] == e)
			return 1;
	return 0;
}

SEC("sk_lookup")
int
steer_packet(struct bpf_sk_lookup *c)
{
	__u32 port = c->local_port, key;
	struct bpf_sock *sock;

	if (c->protocol != IPPROTO_UDP || port < bpf_conf.port_min || port > bpf_conf.port_max)
		return SK_PASS;
	if (c->family == FAMILY_V4 ? !is_ours_v4(c->local_ip4)
				   : c->family != FAMILY_V6 || !is_ours_v6(c))
		return SK_PASS;
	if (bpf_conf.slice == 0)
		return SK_PASS;
	key = 2 * ((port - bpf_conf.port_min) / bpf_conf.slice) + (c->family == FAMILY_V6);
	sock = bpf_map_lookup_elem(&steer_socks, &key);
	if (!sock)
		return SK_PASS;
	(void)bpf_sk_assign(c, sock, 0);
	bpf_sk_release(sock);
	return SK_PASS;
}

char steer_license[] SEC("license") = "Apache-2.0";
