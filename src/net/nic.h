/* The network interface behind a local address. */
#ifndef POSTERN_NET_NIC_H
#define POSTERN_NET_NIC_H

#include <net/if.h>
#include <stdint.h>

#include "base/addr.h"

struct nic {
	char name[IF_NAMESIZE];
	uint32_t ifindex;
	uint32_t queues; /* at least 1 */
	uint8_t mac[6];
};

/** The Ethernet interface that has this address (its port does not count). NULL, or why there is
 * none: static text. Blocks for system calls only; any thread. */
const char *nic_find(const struct addr *local, struct nic *out);

#endif
