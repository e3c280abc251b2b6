#include "media/xnic.h"

#include <errno.h>
#include <ifaddrs.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if_arp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static bool
has_addr(const struct ifaddrs *i, const struct addr *local)
{
	struct sockaddr_storage sa;
	struct addr a;

	if (!i->ifa_addr)
		return false;
	if (i->ifa_addr->sa_family == AF_INET)
		memcpy(&sa, i->ifa_addr, sizeof(struct sockaddr_in));
	else if (i->ifa_addr->sa_family == AF_INET6)
		memcpy(&sa, i->ifa_addr, sizeof(struct sockaddr_in6));
	else
		return false;
	a = addr_from_sa(&sa);
	return addr_ip_eq(&a, local);
}

static enum err
find_name(const struct addr *local, char name[IF_NAMESIZE])
{
	struct ifaddrs *all;
	enum err e = ERR_NOTFOUND;

	if (getifaddrs(&all) != 0)
		return ERR_IO;
	for (const struct ifaddrs *i = all; i && e != ERR_OK; i = i->ifa_next) {
		if (!has_addr(i, local))
			continue;
		/* an address of IPv4 may have a label behind the name: eth0:1 */
		e = str_copyz(name, IF_NAMESIZE, str_from(i->ifa_name));
		name[strcspn(name, ":")] = 0;
	}
	freeifaddrs(all);
	return e;
}

/* Drivers without the question have one queue. */
static uint32_t
count_queues(int fd, struct ifreq *r)
{
	struct ethtool_channels c = {.cmd = ETHTOOL_GCHANNELS};
	int e;

	r->ifr_data = (void *)&c;
	e = ioctl(fd, SIOCETHTOOL, r);
	r->ifr_data = NULL;
	if (e != 0)
		return 1;
	return c.combined_count + c.rx_count ? c.combined_count + c.rx_count : 1;
}

static enum err
ask_kernel(int fd, struct xnic *n)
{
	struct ifreq r;

	memset(&r, 0, sizeof(r));
	memcpy(r.ifr_name, n->name, sizeof(r.ifr_name));
	if (ioctl(fd, SIOCGIFINDEX, &r) != 0)
		return ERR_IO;
	n->ifindex = (uint32_t)r.ifr_ifindex;
	if (ioctl(fd, SIOCGIFMTU, &r) != 0)
		return ERR_IO;
	n->mtu = (uint32_t)r.ifr_mtu;
	if (ioctl(fd, SIOCGIFHWADDR, &r) != 0)
		return ERR_IO;
	if (r.ifr_hwaddr.sa_family != ARPHRD_ETHER)
		return ERR_UNSUPPORTED;
	memcpy(n->mac, r.ifr_hwaddr.sa_data, FRAME_MAC);
	n->queues = count_queues(fd, &r);
	return ERR_OK;
}

enum err
xnic_find(const struct addr *local, struct xnic *out)
{
	struct xnic n = {0};
	enum err e = find_name(local, n.name);
	int fd;

	if (e != ERR_OK)
		return e;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return ERR_IO;
	e = ask_kernel(fd, &n);
	close(fd);
	if (e == ERR_OK)
		*out = n;
	return e;
}
