/* What keeper tells our BPF programs: addresses as a packet has them, ports in host order. Both
 * sides include this: nothing but fixed widths. */
#ifndef POSTERN_MEDIA_BPF_CONF_H
#define POSTERN_MEDIA_BPF_CONF_H

#include <linux/types.h>

enum {
	BPF_ADDRS_MAX = 16,         /* MEDIA_ADDRS_MAX */
	BPF_SOCKS_MAX = 32,         /* steer: 2 * MEDIA_WORKERS_MAX; xdp: queues of an interface */
	BPF_FRAME_MAX = 2048 - 256, /* xdp: what the kernel can put into a frame */
};

struct bpf_conf {
	__u32 v4[BPF_ADDRS_MAX];
	__u32 v6[BPF_ADDRS_MAX][4];
	__u32 n_v4, n_v6;
	__u32 port_min, port_max;
	__u32 slice;     /* ports a worker */
	__u32 n_workers; /* xdp: worker w has the queues w, w + n_workers .. */
	__u8 mac[6];     /* xdp: of the interface */
	__u8 pad[2];
};

#endif
