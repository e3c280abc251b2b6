#include "media/frame.h"

#include <string.h>

#include "media/header.h"

enum {
	TYPE_V4 = 0x0800,
	TYPE_V6 = 0x86dd,
	UDP = 17,
	UDP_SIZE = 8,
	V4_SIZE = 20,
	V6_SIZE = 40,
	V4_ADDRS = 8, /* bytes of both addresses */
	V6_ADDRS = 32,
	V4_PLAIN = 0x45,   /* version 4, no options */
	FRAGMENT = 0x3fff, /* more to come, or not the first */
};

static uint32_t
get16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

void
frame_put_eth(uint8_t *p, const uint8_t to[FRAME_MAC], const uint8_t from[FRAME_MAC],
	      uint8_t family)
{
	memcpy(p - FRAME_ETH, to, FRAME_MAC);
	memcpy(p - FRAME_ETH + FRAME_MAC, from, FRAME_MAC);
	p[-2] = (uint8_t)((family == 6 ? TYPE_V6 : TYPE_V4) >> 8);
	p[-1] = (uint8_t)(family == 6 ? TYPE_V6 : TYPE_V4);
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
	uint8_t rest[4] = {0, UDP, udp[4], udp[5]};
	uint64_t pseudo = header_sum(udp - addrs_len, addrs_len, header_sum(rest, sizeof(rest), 0));
	uint16_t sum;

	memcpy(&sum, udp + 6, sizeof(sum));
	if (sum == 0)
		return addrs_len == V4_ADDRS;
	return header_fold(header_sum(udp, udp_len, pseudo)) == 0 ||
	       header_fold(pseudo) == (~sum & 0xffff);
}

/* UDP behind the two addresses; len: what IP says. */
static enum err
read_udp(const uint8_t *udp, uint32_t len, uint32_t addrs_len, struct frame_udp *f)
{
	uint32_t udp_len = get16(udp + 4);

	if (udp_len < UDP_SIZE || udp_len > len)
		return ERR_SYNTAX;
	f->from.port = (uint16_t)get16(udp);
	f->to.port = (uint16_t)get16(udp + 2);
	f->at += UDP_SIZE;
	f->len = udp_len - UDP_SIZE;
	if (is_martian(&f->from) || !sum_is_right(udp, udp_len, addrs_len))
		return ERR_SYNTAX;
	return ERR_OK;
}

static enum err
read_v4(const uint8_t *ip, uint32_t len, struct frame_udp *f)
{
	uint32_t total = get16(ip + 2);

	if (len < FRAME_V4)
		return ERR_SHORT;
	if (ip[0] != V4_PLAIN || ip[9] != UDP || get16(ip + 6) & FRAGMENT)
		return ERR_UNSUPPORTED;
	if (total < FRAME_V4)
		return ERR_SYNTAX;
	if (total > len)
		return ERR_SHORT;
	if (header_fold(header_sum(ip, V4_SIZE, 0)) != 0)
		return ERR_SYNTAX;
	f->from.family = f->to.family = 4;
	f->dscp = ip[1] >> 2;
	memcpy(f->from.ip, ip + 12, 4);
	memcpy(f->to.ip, ip + 16, 4);
	f->at += V4_SIZE;
	return read_udp(ip + V4_SIZE, total - V4_SIZE, V4_ADDRS, f);
}

static enum err
read_v6(const uint8_t *ip, uint32_t len, struct frame_udp *f)
{
	uint32_t rest = get16(ip + 4);

	if (len < FRAME_V6)
		return ERR_SHORT;
	if (ip[0] >> 4 != 6 || ip[6] != UDP)
		return ERR_UNSUPPORTED;
	if (rest > len - V6_SIZE)
		return ERR_SHORT;
	f->from.family = f->to.family = 6;
	f->dscp = (uint8_t)((ip[0] << 2 | ip[1] >> 6) & 0x3f);
	memcpy(f->from.ip, ip + 8, 16);
	memcpy(f->to.ip, ip + 24, 16);
	f->at += V6_SIZE;
	return read_udp(ip + V6_SIZE, rest, V6_ADDRS, f);
}

enum err
frame_read(const uint8_t *p, uint32_t len, struct frame_udp *out)
{
	struct frame_udp f = {.at = FRAME_ETH};
	enum err e;

	if (len < FRAME_ETH + FRAME_V4)
		return ERR_SHORT;
	switch (get16(p + 12)) {
	case TYPE_V4:
		e = read_v4(p + FRAME_ETH, len - FRAME_ETH, &f);
		break;
	case TYPE_V6:
		e = read_v6(p + FRAME_ETH, len - FRAME_ETH, &f);
		break;
	default:
		return ERR_UNSUPPORTED;
	}
	if (e == ERR_OK)
		*out = f;
	return e;
}
