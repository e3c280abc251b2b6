/* sk_lookup: a UDP packet to one of our addresses and a port of our range goes to the socket of the
 * worker that owns the port; every other packet goes on as if we were not there. */
#include <linux/bpf.h>
#include <linux/in.h>
#include <linux/socket.h>

#include "media/bpf/ours.h"

enum { FAMILY_V4 = 2, FAMILY_V6 = 10 }; /* AF_INET, AF_INET6 */

/* 2 * worker for IPv4, + 1 for IPv6 */
struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, BPF_SOCKS_MAX);
	__type(key, __u32);
	__type(value, __u64);
} steer_socks SEC(".maps");

SEC("sk_lookup")
int
steer_packet(struct bpf_sk_lookup *c)
{
	__u32 port = c->local_port, key;
	struct bpf_sock *sock;

	if (c->protocol != IPPROTO_UDP || port < bpf_conf.port_min || port > bpf_conf.port_max)
		return SK_PASS;
	if (c->family == FAMILY_V4
		    ? !ours_v4(c->local_ip4)
		    : c->family != FAMILY_V6 || !ours_v6(c->local_ip6[0], c->local_ip6[1],
							 c->local_ip6[2], c->local_ip6[3]))
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
