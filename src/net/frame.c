#include "net/frame.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/octets.h"

enum {
	TYPE_V4 = 0x0800,
	TYPE_V6 = 0x86dd,
	V4_PLAIN = 0x45, /* version 4, no options */
	V4_MORE = 0x2000,
	V4_FRAGMENT = 0x3fff, /* more to come, or not the first */
	V6_PLAIN = 0x60,
	V6_FRAGMENT = 8, /* bytes of the extension header */
	V4_ADDRS = 8,    /* bytes of both addresses */
	V6_ADDRS = 32,
	UDP = 17,
	NEXT_FRAGMENT = 44,
	FRAGMENT_UNIT = 8,
	TTL = 64,
};

/* RFC 1071, on top of sum, not folded. In the machine's order: the checksum comes out in the order
 * of the bytes all the same. */
static uint64_t
add_up(const void *p, size_t n, uint64_t sum)
{
	const uint8_t *b = p;
	uint8_t tail[8] = {0};
	uint64_t w;

	for (; n >= sizeof(w); n -= sizeof(w), b += sizeof(w)) {
		memcpy(&w, b, sizeof(w));
		sum += (w & 0xffffffff) + (w >> 32);
	}
	memcpy(tail, b, n);
	memcpy(&w, tail, sizeof(w));
	return sum + (w & 0xffffffff) + (w >> 32);
}

/* What UDP's checksum covers beside the datagram: both addresses stand right before it. */
static uint64_t
pseudo_sum(const uint8_t *udp, uint32_t addrs_len)
{
	uint8_t rest[4] = {0, UDP, udp[4], udp[5]};

	return add_up(udp - addrs_len, addrs_len, add_up(rest, sizeof(rest), 0));
}

static uint16_t
fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* ---- writing ---- */

static void
put_v4(const struct frame_way *w, uint8_t *ip, uint32_t total, uint32_t fragment)
{
	uint16_t sum;

	ip[0] = V4_PLAIN;
	ip[1] = (uint8_t)(w->dscp << 2);
	octets_set16(ip + 2, (uint16_t)total);
	octets_set16(ip + 4, (uint16_t)w->id);
	octets_set16(ip + 6, (uint16_t)fragment);
	ip[8] = TTL;
	ip[9] = UDP;
	memset(ip + 10, 0, 2);
	memcpy(ip + 12, w->from.ip, 4);
	memcpy(ip + 16, w->to.ip, 4);
	sum = fold(add_up(ip, FRAME_V4, 0));
	memcpy(ip + 10, &sum, 2);
}

static void
put_v6(const struct frame_way *w, uint8_t *ip, uint32_t payload, uint8_t next)
{
	octets_set32(ip, (uint32_t)V6_PLAIN << 24 | (uint32_t)w->dscp << 22);
	octets_set16(ip + 4, (uint16_t)payload);
	ip[6] = next;
	ip[7] = TTL;
	memcpy(ip + 8, w->from.ip, 16);
	memcpy(ip + 24, w->to.ip, 16);
}

uint32_t
frame_put(const struct frame_way *w, uint8_t *payload, uint32_t len)
{
	uint8_t *udp = payload - FRAME_UDP;
	bool v6 = w->to.family == 6;
	uint16_t check;

	len += FRAME_UDP;
	if (v6)
		put_v6(w, udp - FRAME_V6, len, UDP);
	else
		put_v4(w, udp - FRAME_V4, FRAME_V4 + len, 0);
	octets_set16(udp, w->from.port);
	octets_set16(udp + 2, w->to.port);
	octets_set16(udp + 4, (uint16_t)len);
	memset(udp + 6, 0, 2);
	check = fold(add_up(udp, len, pseudo_sum(udp, v6 ? V6_ADDRS : V4_ADDRS)));
	if (check == 0)
		check = 0xffff; /* 0 would say that there is none */
	memcpy(udp + 6, &check, 2);
	return frame_head(w->to.family);
}

uint32_t
frame_fragment(const struct frame_way *w, uint8_t *payload, uint32_t len, uint32_t room,
	       uint32_t *at, uint8_t **start)
{
	bool v6 = w->to.family == 6;
	uint32_t head = v6 ? FRAME_V6 + V6_FRAGMENT : FRAME_V4, n = len + FRAME_UDP - *at;
	uint8_t *ip = payload - FRAME_UDP + *at - head;
	bool more = head + n > room;

	if (more)
		n = (room - head) / FRAGMENT_UNIT * FRAGMENT_UNIT;
	if (v6) {
		put_v6(w, ip, V6_FRAGMENT + n, NEXT_FRAGMENT);
		octets_set16(ip + FRAME_V6, UDP << 8);
		octets_set16(ip + FRAME_V6 + 2, (uint16_t)(*at | more));
		octets_set32(ip + FRAME_V6 + 4, w->id);
	} else {
		put_v4(w, ip, FRAME_V4 + n, *at / FRAGMENT_UNIT | (more ? V4_MORE : 0));
	}
	*at += n;
	*start = ip;
	return head + n;
}

void
frame_put_eth(uint8_t *p, const uint8_t to[FRAME_MAC], const uint8_t from[FRAME_MAC],
	      uint8_t family)
{
	memcpy(p - FRAME_ETH, to, FRAME_MAC);
	memcpy(p - FRAME_ETH + FRAME_MAC, from, FRAME_MAC);
	octets_set16(p - 2, family == 6 ? TYPE_V6 : TYPE_V4);
}

/* ---- reading ---- */

/* A source that no packet from a network may have (RFC 1122 3.2.1.3, RFC 4291 2.5, 2.7). */
static bool
is_martian(const struct addr *a)
{
	static const uint8_t loopback[16] = {[15] = 1};

	if (a->port == 0 || addr_is_any(a) || addr_is_multicast(a))
		return true;
	return a->family == 4 ? a->ip[0] == 127 || a->ip[0] == 0
			      : memcmp(a->ip, loopback, sizeof(loopback)) == 0;
}

/* The sum of all that UDP's checksum covers is right; or the field holds the sum of the
 * pseudo-header alone, as a host leaves it on the way to a neighbour that shares its memory. */
static bool
sum_is_right(const uint8_t *udp, uint32_t udp_len, uint32_t addrs_len)
{
	uint64_t pseudo = pseudo_sum(udp, addrs_len);
	uint16_t sum;

	memcpy(&sum, udp + 6, sizeof(sum));
	if (sum == 0)
		return addrs_len == V4_ADDRS;
	return fold(add_up(udp, udp_len, pseudo)) == 0 || fold(pseudo) == (~sum & 0xffff);
}

/* Behind the IP header: UDP, of at most len bytes; both addresses stand before it. */
static enum err
read_udp(const uint8_t *udp, uint32_t len, uint32_t addrs_len, struct frame_udp *f)
{
	uint32_t udp_len = octets_get16(udp + 4);

	f->from.family = f->to.family = addrs_len == V4_ADDRS ? 4 : 6;
	memcpy(f->from.ip, udp - addrs_len, addrs_len / 2);
	memcpy(f->to.ip, udp - addrs_len / 2, addrs_len / 2);
	f->from.port = octets_get16(udp);
	f->to.port = octets_get16(udp + 2);
	if (udp_len < FRAME_UDP || udp_len > len || is_martian(&f->from) ||
	    !sum_is_right(udp, udp_len, addrs_len))
		return ERR_SYNTAX;
	f->at = FRAME_ETH + frame_head(f->to.family);
	f->len = udp_len - FRAME_UDP;
	return ERR_OK;
}

static enum err
read_v4(const uint8_t *ip, uint32_t len, struct frame_udp *f)
{
	uint32_t total;

	if (len < FRAME_V4 + FRAME_UDP)
		return ERR_SHORT;
	if (ip[0] != V4_PLAIN || ip[9] != UDP || octets_get16(ip + 6) & V4_FRAGMENT)
		return ERR_UNSUPPORTED;
	total = octets_get16(ip + 2);
	if (total < FRAME_V4 + FRAME_UDP)
		return ERR_SYNTAX;
	if (total > len)
		return ERR_SHORT;
	if (fold(add_up(ip, FRAME_V4, 0)) != 0)
		return ERR_SYNTAX;
	f->dscp = ip[1] >> 2;
	return read_udp(ip + FRAME_V4, total - FRAME_V4, V4_ADDRS, f);
}

static enum err
read_v6(const uint8_t *ip, uint32_t len, struct frame_udp *f)
{
	uint32_t rest;

	if (len < FRAME_V6 + FRAME_UDP)
		return ERR_SHORT;
	if (ip[0] >> 4 != 6 || ip[6] != UDP)
		return ERR_UNSUPPORTED;
	rest = octets_get16(ip + 4);
	if (rest > len - FRAME_V6)
		return ERR_SHORT;
	f->dscp = (uint8_t)((ip[0] << 2 | ip[1] >> 6) & 0x3f);
	return read_udp(ip + FRAME_V6, rest, V6_ADDRS, f);
}

enum err
frame_read(const uint8_t *p, uint32_t len, struct frame_udp *out)
{
	struct frame_udp f = {0};
	enum err e = ERR_UNSUPPORTED;

	if (len < FRAME_ETH + FRAME_V4 + FRAME_UDP)
		return ERR_SHORT;
	if (octets_get16(p + 12) == TYPE_V4)
		e = read_v4(p + FRAME_ETH, len - FRAME_ETH, &f);
	else if (octets_get16(p + 12) == TYPE_V6)
		e = read_v6(p + FRAME_ETH, len - FRAME_ETH, &f);
	if (e == ERR_OK)
		*out = f;
	return e;
}
