#include "net/nic.h"

#include <ifaddrs.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static bool
has_addr(const struct ifaddrs *i, const struct addr *local)
{
	struct addr a = {0};

	if (i->ifa_addr)
		a = addr_from_sa((const void *)i->ifa_addr);
	return addr_ip_eq(&a, local);
}

/* Its name; "": none has the address. */
static void
find_name(const struct addr *local, char name[IF_NAMESIZE])
{
	struct ifaddrs *all = NULL, *i;

	name[0] = 0;
	if (getifaddrs(&all) != 0)
		return;
	for (i = all; i && !has_addr(i, local);)
		i = i->ifa_next;
	if (i) /* an address of IPv4 may have a label behind the name: eth0:1 */
		(void)snprintf(name, IF_NAMESIZE, "%.*s", (int)strcspn(i->ifa_name, ":"),
			       i->ifa_name);
	freeifaddrs(all);
}

/* Index, station and queues of the one that is named; drivers without the last question have one.
 */
static const char *
ask(int fd, struct nic *n)
{
	struct ethtool_channels c = {.cmd = ETHTOOL_GCHANNELS};
	struct ifreq r = {0};

	(void)memccpy(r.ifr_name, n->name, 0, sizeof(r.ifr_name));
	n->ifindex = if_nametoindex(n->name);
	if (n->ifindex == 0 || ioctl(fd, SIOCGIFHWADDR, &r) != 0)
		return "its interface is not known";
	if (r.ifr_hwaddr.sa_family != ARPHRD_ETHER)
		return "its interface is not Ethernet";
	memcpy(n->mac, r.ifr_hwaddr.sa_data, sizeof(n->mac));
	r.ifr_data = (void *)&c;
	if (ioctl(fd, SIOCETHTOOL, &r) != 0)
		c.combined_count = c.rx_count = 0;
	n->queues = c.combined_count + c.rx_count ? c.combined_count + c.rx_count : 1;
	return NULL;
}

const char *
nic_find(const struct addr *local, struct nic *out)
{
	struct nic n = {0};
	const char *why = "no interface has it";
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return "interfaces cannot be asked for";
	find_name(local, n.name);
	if (n.name[0])
		why = ask(fd, &n);
	close(fd);
	if (!why)
		*out = n;
	return why;
}
