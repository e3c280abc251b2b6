#include "media/header.h"

#include <arpa/inet.h>
#include <string.h>

enum {
	IP4_VERSION = 0x45,
	IP4_MORE = 0x2000,
	IP6_VERSION = 0x60,
	IP6_NEXT_FRAGMENT = 44,
	PROTO_UDP = 17,
	FRAGMENT_UNIT = 8,
};

static void
put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void
put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

/* In the machine's order: the checksum comes out in the order of the bytes all the same. */
uint64_t
header_sum(const void *p, size_t n, uint64_t sum)
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

uint16_t
header_fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void
put_v4(const struct header_way *w, uint8_t *ip, uint32_t total, uint32_t fragment)
{
	uint16_t sum;

	ip[0] = IP4_VERSION;
	ip[1] = (uint8_t)(w->dscp << 2);
	put16(ip + 2, total);
	put16(ip + 4, w->id);
	put16(ip + 6, fragment);
	ip[8] = HEADER_TTL;
	ip[9] = PROTO_UDP;
	memset(ip + 10, 0, 2);
	memcpy(ip + 12, w->from.ip, 4);
	memcpy(ip + 16, w->to.ip, 4);
	sum = header_fold(header_sum(ip, HEADER_V4, 0));
	memcpy(ip + 10, &sum, 2);
}

static void
put_v6(const struct header_way *w, uint8_t *ip, uint32_t payload, uint8_t next)
{
	put32(ip, (uint32_t)IP6_VERSION << 24 | (uint32_t)w->dscp << 22);
	put16(ip + 4, payload);
	ip[6] = next;
	ip[7] = HEADER_TTL;
	memcpy(ip + 8, w->from.ip, 16);
	memcpy(ip + 24, w->to.ip, 16);
}

static void
put_udp(const struct header_way *w, uint8_t *udp, uint32_t payload_len)
{
	size_t ip_len = w->to.family == 6 ? 16 : 4;
	uint32_t len = payload_len + HEADER_UDP;
	uint8_t pseudo[4] = {0, PROTO_UDP};
	uint64_t sum;
	uint16_t check;

	put16(udp, w->from.port);
	put16(udp + 2, w->to.port);
	put16(udp + 4, len);
	memset(udp + 6, 0, 2);
	put16(pseudo + 2, len);
	sum = header_sum(pseudo, sizeof(pseudo), 0);
	sum = header_sum(w->from.ip, ip_len, sum);
	sum = header_sum(w->to.ip, ip_len, sum);
	check = header_fold(header_sum(udp, len, sum));
	if (check == 0)
		check = 0xffff; /* 0 would say that there is none */
	memcpy(udp + 6, &check, 2);
}

uint32_t
header_put(const struct header_way *w, uint8_t *payload, uint32_t len)
{
	uint8_t *udp = payload - HEADER_UDP;

	put_udp(w, udp, len);
	if (w->to.family == 6) {
		put_v6(w, udp - HEADER_V6, len + HEADER_UDP, PROTO_UDP);
		return HEADER_V6 + HEADER_UDP;
	}
	put_v4(w, udp - HEADER_V4, HEADER_V4 + HEADER_UDP + len, 0);
	return HEADER_V4 + HEADER_UDP;
}

uint32_t
header_fragment(const struct header_way *w, uint8_t *payload, uint32_t len, uint32_t room,
		uint32_t *at, uint8_t **start)
{
	uint32_t head = w->to.family == 6 ? HEADER_V6 + HEADER_V6_FRAGMENT : HEADER_V4;
	uint32_t left = len + HEADER_UDP - *at, n = left;
	uint8_t *ip = payload - HEADER_UDP + *at - head;
	bool more = head + n > room;

	if (more)
		n = (room - head) / FRAGMENT_UNIT * FRAGMENT_UNIT;
	if (w->to.family == 6) {
		uint8_t *frag = ip + HEADER_V6;

		put_v6(w, ip, HEADER_V6_FRAGMENT + n, IP6_NEXT_FRAGMENT);
		frag[0] = PROTO_UDP;
		frag[1] = 0;
		put16(frag + 2, *at | more);
		put32(frag + 4, w->id);
	} else {
		put_v4(w, ip, HEADER_V4 + n, *at / FRAGMENT_UNIT | (more ? IP4_MORE : 0));
	}
	*at += n;
	*start = ip;
	return head + n;
}
