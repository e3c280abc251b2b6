/* Is an address of a packet one of those that the program was told? */
#ifndef POSTERN_MEDIA_BPF_OURS_H
#define POSTERN_MEDIA_BPF_OURS_H

#include "media/bpf/conf.h"

#include <bpf/bpf_helpers.h>

const volatile struct bpf_conf bpf_conf = {};

static __always_inline int
ours_v4(__u32 ip)
{
	for (__u32 i = 0; i < BPF_ADDRS_MAX; i++)
		if (i < bpf_conf.n_v4 && bpf_conf.v4[i] == ip)
			return 1;
	return 0;
}

/* The four words of an address. */
static __always_inline int
ours_v6(__u32 a, __u32 b, __u32 c, __u32 d)
{
	for (__u32 i = 0; i < BPF_ADDRS_MAX; i++)
		if (i < bpf_conf.n_v6 && bpf_conf.v6[i][0] == a && bpf_conf.v6[i][1] == b &&
		    bpf_conf.v6[i][2] == c && bpf_conf.v6[i][3] == d)
			return 1;
	return 0;
}

#endif
