#include "relay/bed.h"

#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "cores.h"

/* ---- namespaces ---- */

static int
new_namespace(void)
{
	int fd;

	if (unshare(CLONE_NEWNET) != 0) {
		fprintf(stderr, "bench relay needs root: it makes network namespaces of its own\n");
		exit(1);
	}
	fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	BENCH_MUST(fd >= 0);
	return fd;
}

void
bed_enter_far(const struct bed *b)
{
	BENCH_MUST(setns(b->far_ns, CLONE_NEWNET) == 0);
}

void
bed_enter_near(const struct bed *b)
{
	BENCH_MUST(setns(b->near_ns, CLONE_NEWNET) == 0);
}

static void
run_ip(const char *words)
{
	char line[256];

	(void)snprintf(line, sizeof(line), "ip %s", words);
	if (system(line) == 0)
		return;
	fprintf(stderr, "bench relay: this did not work: %s\n", line);
	exit(1);
}

static void
switch_off(int fd, const char *dev, unsigned what)
{
	struct ethtool_value v = {.cmd = what};
	struct ifreq r = {.ifr_data = (char *)&v};

	(void)snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", dev);
	BENCH_MUST(ioctl(fd, SIOCETHTOOL, &r) == 0);
}

/* As a NIC has it: no segments larger than a packet, GRO. */
static void
set_device(const char *dev, uint8_t mac[6])
{
	struct ethtool_value gro = {.cmd = ETHTOOL_SGRO, .data = 1};
	struct ifreq r = {.ifr_data = (char *)&gro};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	BENCH_MUST(fd >= 0);
	switch_off(fd, dev, ETHTOOL_STSO);
	switch_off(fd, dev, ETHTOOL_SGSO);
	(void)snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", dev);
	BENCH_MUST(ioctl(fd, SIOCETHTOOL, &r) == 0);
	BENCH_MUST(ioctl(fd, SIOCGIFHWADDR, &r) == 0);
	memcpy(mac, r.ifr_hwaddr.sa_data, 6);
	close(fd);
}

static void
set_neighbour(const char *ip, const char *dev, const uint8_t mac[6])
{
	char words[128];

	(void)snprintf(words, sizeof(words),
		       "neigh replace %s lladdr %02x:%02x:%02x:%02x:%02x:%02x dev %s nud permanent",
		       ip, mac[0], mac[1], mac[2], mac[3], mac[4], mac[5], dev);
	run_ip(words);
}

void
bed_make(struct bed *b)
{
	char words[160];

	b->far_ns = new_namespace();
	b->near_ns = new_namespace();
	(void)snprintf(words, sizeof(words),
		       "link add near0 numrxqueues 1 numtxqueues 1 type veth peer name far0 "
		       "numrxqueues 1 numtxqueues 1 netns /proc/%d/fd/%d",
		       (int)getpid(), b->far_ns);
	run_ip(words);
	run_ip("link set lo up");
	run_ip("addr add " BED_NEAR "/24 dev near0");
	run_ip("link set near0 up");
	set_device("near0", b->near_mac);
	b->near_if = if_nametoindex("near0");
	bed_enter_far(b);
	run_ip("link set lo up");
	run_ip("addr add " BED_FAR "/24 dev far0");
	run_ip("link set far0 up");
	set_device("far0", b->far_mac);
	set_neighbour(BED_NEAR, "far0", b->near_mac);
	bed_enter_near(b);
	set_neighbour(BED_FAR, "near0", b->far_mac);
}

uint64_t
bed_softirq_ns(int cpu)
{
	static pid_t pids[64];
	char path[64], name[32], want[32];

	BENCH_MUST(cpu >= 0 && cpu < 64);
	(void)snprintf(want, sizeof(want), "ksoftirqd/%d\n", cpu);
	for (pid_t pid = 2; !pids[cpu] && pid < 1000; pid++) {
		FILE *f;

		(void)snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
		f = fopen(path, "re");
		if (f && fgets(name, sizeof(name), f) && strcmp(name, want) == 0)
			pids[cpu] = pid;
		if (f)
			(void)fclose(f);
	}
	(void)snprintf(path, sizeof(path), "/proc/%d/schedstat", (int)pids[cpu]);
	return pids[cpu] ? cores_task_ns(path) : 0;
}
