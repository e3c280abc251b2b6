/* What keeper tells the BPF program of `xdp`, one copy of it an interface: addresses as the packet
 * has them, ports in host order. Both sides include this: nothing but fixed widths. */
#ifndef POSTERN_MEDIA_BPF_XDP_H
#define POSTERN_MEDIA_BPF_XDP_H

#include <linux/types.h>

enum {
	XDP_ADDRS_MAX = 16,         /* MEDIA_ADDRS_MAX */
	XDP_SOCKS_MAX = 32,         /* queues of the interface that we take packets of */
	XDP_FRAME_MAX = 2048 - 256, /* what the kernel can put into a frame */
};

struct xdp_conf {
	__u32 v4[XDP_ADDRS_MAX];
	__u32 v6[XDP_ADDRS_MAX][4];
	__u32 n_v4, n_v6; /* addresses of this interface */
	__u32 port_min, port_max;
	__u32 slice;     /* ports a worker */
	__u32 n_workers; /* worker w has the queues w, w + n_workers .. */
	__u8 mac[6];     /* of this interface */
	__u8 pad[2];
};

#endif
