/* Interfaces of a test's own network namespace, and the addresses on them. */
#ifndef POSTERN_TESTS_UNIT_NET_LINKS_H
#define POSTERN_TESTS_UNIT_NET_LINKS_H

#include <stdio.h>

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

#endif
