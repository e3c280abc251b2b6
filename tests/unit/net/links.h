/* Interfaces of a test's own network namespace, the addresses on them, and a second namespace
 * behind a pair of interfaces: pm0 here, pm1 there. */
#ifndef POSTERN_TESTS_UNIT_NET_LINKS_H
#define POSTERN_TESTS_UNIT_NET_LINKS_H

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/addr.h"

static inline struct addr
links_addr(const char *ip, unsigned port)
{
	struct addr a;

	assert_int_equal(addr_parse_ip(str_from(ip), &a), ERR_OK);
	a.port = (uint16_t)port;
	return a;
}

/** Lines for ip(8), without the word "ip"; all of them must do. */
static inline void
links_set(const char *commands)
{
	FILE *p = popen("/sbin/ip -batch - >/dev/null", "we");

	assert_non_null(p);
	assert_true(fputs(commands, p) >= 0);
	assert_int_equal(pclose(p), 0);
}

/* Two namespaces; holder keeps the far one. */
struct links {
	int here, there;
	pid_t holder;
};

static inline void
links_enter(int ns)
{
	assert_int_equal(setns(ns, CLONE_NEWNET), 0);
}

static inline int
links_open(pid_t pid)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/** We go into a new one, with these addresses on pm0, and another is there with these on pm1. */
static inline void
links_up(struct links *l, const char *addrs_here, const char *addrs_there)
{
	char text[128];
	int go[2];

	assert_int_equal(unshare(CLONE_NEWNET), 0);
	l->here = links_open(getpid());
	assert_int_equal(pipe2(go, O_CLOEXEC), 0);
	l->holder = fork();
	if (l->holder == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (unshare(CLONE_NEWNET) != 0 || write(go[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	assert_int_equal(read(go[0], text, 1), 1);
	close(go[0]);
	close(go[1]);
	l->there = links_open(l->holder);
	links_set("link add pm0 type veth peer name pm1 address 02:00:00:00:99:01\n");
	(void)snprintf(text, sizeof(text), "link set pm1 netns %d\n", (int)l->holder);
	links_set(text);
	links_set("link set lo up\nlink set pm0 up\n");
	links_set(addrs_here);
	links_enter(l->there);
	links_set("link set lo up\nlink set pm1 up\n");
	links_set(addrs_there);
	links_enter(l->here);
}

/** Fine where links_up was not called. */
static inline void
links_down(struct links *l)
{
	if (l->holder <= 0)
		return;
	kill(l->holder, SIGKILL);
	waitpid(l->holder, NULL, 0);
}

/** A plain UDP socket in a namespace, which hears the traffic class too. We stay here. */
static inline int
links_socket(const struct links *l, int ns, const char *ip, unsigned port)
{
	struct addr a = links_addr(ip, port);
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sa(&a, &sa);
	int on = 1, fd;

	links_enter(ns);
	fd = socket(sa.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, len), 0);
	if (a.family == 6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, &on, sizeof(on));
	else
		(void)setsockopt(fd, IPPROTO_IP, IP_RECVTOS, &on, sizeof(on));
	links_enter(l->here);
	return fd;
}

/** Send a datagram there. */
static inline void
links_say(int fd, const char *ip, unsigned port, const void *p, size_t n)
{
	struct addr a = links_addr(ip, port);
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sa(&a, &sa);

	assert_int_equal(sendto(fd, p, n, 0, (struct sockaddr *)&sa, len), n);
}

#endif
