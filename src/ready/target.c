#include "ready/target.h"

static bool
is_in(const struct addr *a, uint8_t family, uint8_t first, uint8_t second, uint8_t bits)
{
	struct cidr c = {.net = {.family = family, .ip = {first, second}}, .bits = bits};

	return cidr_has(&c, a);
}

static bool
is_loopback(const struct addr *a)
{
	static const struct addr v6 = {.family = 6, .ip = {[15] = 1}};

	return is_in(a, 4, 127, 0, 8) || addr_ip_eq(a, &v6);
}

const char *
target_fault(const struct addr *a, const struct probe_own *own)
{
	const struct cidr mapped = {.net = {.family = 6, .ip = {[10] = 0xff, 0xff}}, .bits = 96};

	if (addr_is_any(a) || is_in(a, 4, 0, 0, 8))
		return "is nobody's address: a connection to it ends at this host itself";
	if (addr_is_multicast(a) || is_in(a, 4, 240, 0, 4))
		return "is a multicast, broadcast or reserved address: no connection can go there";
	if (is_loopback(a) && !is_loopback(&own->local))
		return "is a loopback address: it means this host, not the equipment";
	if (is_in(a, 6, 0xfe, 0x80, 10))
		return "is a link-local address: it means nothing without an interface";
	if (cidr_has(&mapped, a))
		return "is an IPv4 address written as IPv6: put it into an A record";
	if (a->port == own->shown.port &&
	    (addr_ip_eq(a, &own->local) || addr_ip_eq(a, &own->shown)))
		return "is, with this port, our own zone: postern would check itself";
	return NULL;
}
