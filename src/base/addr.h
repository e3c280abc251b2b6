/* IP address with port, IPv4 or IPv6. Plain data: may be stored in records and shared memory. */
#ifndef POSTERN_BASE_ADDR_H
#define POSTERN_BASE_ADDR_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "base/buf.h"

enum { ADDR_TEXT_MAX = 64 }; /* "[v6%scope]:port" with NUL fits */

/* family 4, 6, or 0 = none. ip in network order, the first 4 bytes for IPv4, the rest zero, so
 * that memcmp compares. port in host order. */
struct addr {
	uint8_t ip[16];
	uint16_t port;
	uint8_t family;
	uint8_t pad;
};

/* An address range, as in a source list: 10.0.0.0/8. */
struct cidr {
	struct addr net;
	uint8_t bits;
};

/** "192.0.2.1", "192.0.2.1:5060", "2001:db8::1", "[2001:db8::1]:5060"; port 0 where none. */
enum err addr_parse(struct str s, struct addr *out) NODISCARD;
/** Only an IP literal, brackets allowed around IPv6, no port. */
enum err addr_parse_ip(struct str s, struct addr *out) NODISCARD;
enum err cidr_parse(struct str s, struct cidr *out) NODISCARD;
bool cidr_has(const struct cidr *c, const struct addr *a);
/** IP and port, as addr_parse reads it; without port when 0. */
void addr_put(struct buf *b, const struct addr *a);
/** IP only; brackets around IPv6 when for_uri. */
void addr_put_ip(struct buf *b, const struct addr *a, bool for_uri);
struct addr_text {
	char z[ADDR_TEXT_MAX];
};
/** As addr_put, by value: printf("%s", addr_text(&a).z). */
struct addr_text addr_text(const struct addr *a);
bool addr_eq(const struct addr *a, const struct addr *b);
bool addr_ip_eq(const struct addr *a, const struct addr *b);
/** 0.0.0.0, :: or family 0. */
bool addr_is_any(const struct addr *a);
/** 224.0.0.0/4, ff00::/8, and the limited broadcast 255.255.255.255: no single host. */
bool addr_is_multicast(const struct addr *a);
/** RFC 1918, loopback, link-local, CGNAT, unique-local. */
bool addr_is_private(const struct addr *a);
/** To and from the socket interface; returns the length, 0 for family 0. */
socklen_t addr_to_sa(const struct addr *a, struct sockaddr_storage *sa);
struct addr addr_from_sa(const struct sockaddr_storage *sa);

#endif
