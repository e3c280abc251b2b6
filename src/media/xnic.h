/* A network interface as AF_XDP needs to know it. Keeper's, at start. */
#ifndef POSTERN_MEDIA_XNIC_H
#define POSTERN_MEDIA_XNIC_H

#include <net/if.h>

#include "media/frame.h"

struct xnic {
	char name[IF_NAMESIZE];
	uint32_t ifindex;
	uint32_t queues; /* to receive from */
	uint32_t mtu;
	uint8_t mac[FRAME_MAC];
};

/**
 * The interface that has this address. NOTFOUND: none has it; UNSUPPORTED: it is no Ethernet;
 * IO: errno.
 */
enum err xnic_find(const struct addr *local, struct xnic *out) NODISCARD;

#endif
