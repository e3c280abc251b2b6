/* What keeper tells the BPF program of `steer`: addresses as the packet has them, ports in host
 * order. Both sides include this: nothing but fixed widths. */
#ifndef POSTERN_MEDIA_BPF_STEER_H
#define POSTERN_MEDIA_BPF_STEER_H

#include <linux/types.h>

enum {
	STEER_ADDRS_MAX = 16, /* MEDIA_ADDRS_MAX */
	STEER_SOCKS_MAX = 32, /* 2 * MEDIA_WORKERS_MAX */
};

struct steer_conf {
	__u32 v4[STEER_ADDRS_MAX];
	__u32 v6[STEER_ADDRS_MAX][4];
	__u32 n_v4, n_v6;
	__u32 port_min, port_max;
	__u32 slice; /* ports a worker */
};

#endif
