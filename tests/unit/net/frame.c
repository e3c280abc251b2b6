#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/codec.h"
#include "net/frame.h"

enum { PAYLOAD = 21, ROOM = 1800, AT_IP = FRAME_ETH };

/* Made by scapy: UDP 40000 -> 30002, DSCP 46, 21 bytes from 0x80 on. */
static const char v4_hex[] =
	"020000000002020000000001080045b80031000040004011b600c0000201c00002029c407532001d76d3"
	"808182838485868788898a8b8c8d8e8f9091929394";
static const char v6_hex[] =
	"02000000000202000000000186dd6b800000001d114020010db800000000000000000000000120010db8"
	"0000000000000000000000029c407532001d9f62808182838485868788898a8b8c8d8e8f9091929394";

static struct addr
some_addr(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(str_from(text), &a), ERR_OK);
	return a;
}

static uint32_t
from_hex(const char *hex, uint8_t *p)
{
	uint32_t n = (uint32_t)strlen(hex) / 2;

	for (uint32_t i = 0; i < n; i++) {
		unsigned byte;

		assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
		p[i] = (uint8_t)byte;
	}
	return n;
}

static uint32_t
sample(int family, uint8_t *p)
{
	return from_hex(family == 6 ? v6_hex : v4_hex, p);
}

static void
test_read(void **state)
{
	static const int families[] = {4, 6};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		struct addr from = some_addr(i ? "[2001:db8::1]:40000" : "192.0.2.1:40000");
		struct addr to = some_addr(i ? "[2001:db8::2]:30002" : "192.0.2.2:30002");
		uint8_t p[ROOM] = {0};
		uint32_t n = sample(families[i], p);
		struct frame_udp f;

		/* with what a short frame is filled up with, too */
		for (uint32_t pad = 0; pad < 30; pad += 29) {
			assert_int_equal(frame_read(p, n + pad, &f), ERR_OK);
			assert_true(addr_eq(&f.from, &from) && addr_eq(&f.to, &to));
			assert_int_equal(f.len, PAYLOAD);
			assert_int_equal(f.dscp, 46);
			assert_int_equal(f.at + f.len, n);
		}
		/* cut anywhere */
		for (uint32_t cut = 0; cut < n; cut++)
			assert_int_equal(frame_read(p, cut, &f), ERR_SHORT);
		/* any one bit flipped behind the addresses of Ethernet */
		for (uint32_t bit = 8 * 12; bit < 8 * n; bit++) {
			p[bit / 8] ^= (uint8_t)(1 << bit % 8);
			/* IPv6 sums up neither traffic class, flow label nor hop limit */
			if (frame_read(p, n, &f) == ERR_OK &&
			    !(i == 1 &&
			      ((bit / 8 >= AT_IP && bit / 8 < AT_IP + 4) || bit / 8 == AT_IP + 7)))
				fail_msg("v%d: bit %u of byte %u", families[i], bit % 8, bit / 8);
			p[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
	}
}

/* bytes of a sample changed, checksums mended where `mend` says so */
struct row {
	const char *name;
	int family, at, bytes;
	uint32_t value;
	enum { AS_IS, MEND } mend;
	enum err want;
};

enum { V4_UDP = AT_IP + 20, V6_UDP = AT_IP + 40 };

static const struct row rows[] = {
	{"ARP", 4, 12, 2, 0x0806, AS_IS, ERR_UNSUPPORTED},
	{"a VLAN tag", 4, 12, 2, 0x8100, AS_IS, ERR_UNSUPPORTED},
	{"v4: version 6", 4, AT_IP, 1, 0x65, MEND, ERR_UNSUPPORTED},
	{"v4: options", 4, AT_IP, 1, 0x46, MEND, ERR_UNSUPPORTED},
	{"v4: header below 20", 4, AT_IP, 1, 0x44, MEND, ERR_UNSUPPORTED},
	{"v4: more fragments", 4, AT_IP + 6, 2, 0x2000, MEND, ERR_UNSUPPORTED},
	{"v4: a later fragment", 4, AT_IP + 6, 2, 0x0001, MEND, ERR_UNSUPPORTED},
	{"v4: reserved bit", 4, AT_IP + 6, 2, 0x8000, MEND, ERR_OK},
	{"v4: TCP", 4, AT_IP + 9, 1, 6, MEND, ERR_UNSUPPORTED},
	{"v4: total below header", 4, AT_IP + 2, 2, 19, MEND, ERR_SYNTAX},
	{"v4: total beyond frame", 4, AT_IP + 2, 2, 50, MEND, ERR_SHORT},
	{"v4: header checksum", 4, AT_IP + 10, 2, 0x1234, AS_IS, ERR_SYNTAX},
	{"v4: source 0.0.0.0", 4, AT_IP + 12, 4, 0, MEND, ERR_SYNTAX},
	{"v4: source 0.0.0.1", 4, AT_IP + 12, 4, 1, MEND, ERR_SYNTAX},
	{"v4: source loopback", 4, AT_IP + 12, 4, 0x7f000001, MEND, ERR_SYNTAX},
	{"v4: source multicast", 4, AT_IP + 12, 4, 0xe0000001, MEND, ERR_SYNTAX},
	{"v4: source broadcast", 4, AT_IP + 12, 4, 0xffffffff, MEND, ERR_SYNTAX},
	{"v4: source port 0", 4, V4_UDP, 2, 0, MEND, ERR_SYNTAX},
	{"v4: UDP length below 8", 4, V4_UDP + 4, 4, 7u << 16, AS_IS, ERR_SYNTAX},
	{"v4: UDP length beyond IP", 4, V4_UDP + 4, 2, 30, MEND, ERR_SYNTAX},
	{"v4: UDP shorter than IP", 4, V4_UDP + 4, 2, 20, MEND, ERR_OK},
	{"v4: UDP checksum", 4, V4_UDP + 6, 2, 0x1234, AS_IS, ERR_SYNTAX},
	{"v4: no UDP checksum", 4, V4_UDP + 6, 2, 0, AS_IS, ERR_OK},
	{"v6: version 4", 6, AT_IP, 1, 0x45, MEND, ERR_UNSUPPORTED},
	{"v6: hop-by-hop options", 6, AT_IP + 6, 1, 0, MEND, ERR_UNSUPPORTED},
	{"v6: fragment header", 6, AT_IP + 6, 1, 44, MEND, ERR_UNSUPPORTED},
	{"v6: ICMP", 6, AT_IP + 6, 1, 58, MEND, ERR_UNSUPPORTED},
	{"v6: length below UDP", 6, AT_IP + 4, 2, 7, MEND, ERR_SYNTAX},
	{"v6: length 0 (jumbogram)", 6, AT_IP + 4, 2, 0, MEND, ERR_SYNTAX},
	{"v6: length beyond frame", 6, AT_IP + 4, 2, 30, MEND, ERR_SHORT},
	{"v6: source multicast", 6, AT_IP + 8, 1, 0xff, MEND, ERR_SYNTAX},
	{"v6: UDP checksum", 6, V6_UDP + 6, 2, 0x1234, AS_IS, ERR_SYNTAX},
	{"v6: no UDP checksum", 6, V6_UDP + 6, 2, 0, AS_IS, ERR_SYNTAX},
	{"v6: UDP length beyond IP", 6, V6_UDP + 4, 2, 30, MEND, ERR_SYNTAX},
};

/* RFC 1071 the slow way: an oracle of its own. */
static uint32_t
plain_sum(const uint8_t *p, uint32_t len)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < len; i++)
		sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
	return sum;
}

static void
put_sum(uint8_t *p, uint32_t sum)
{
	while (sum >> 16)
		sum = (sum >> 16) + (sum & 0xffff);
	p[0] = (uint8_t)(~sum >> 8);
	p[1] = (uint8_t)~sum;
}

static void
mend_sums(uint8_t *p, int family)
{
	uint8_t *ip = p + AT_IP, *udp = p + (family == 6 ? V6_UDP : V4_UDP);
	uint32_t addrs = family == 6 ? 32 : 8, len = (uint32_t)udp[4] << 8 | udp[5];

	if (family == 4) {
		ip[10] = ip[11] = 0;
		put_sum(ip + 10, plain_sum(ip, 20));
	}
	udp[6] = udp[7] = 0;
	put_sum(udp + 6, plain_sum(udp - addrs, addrs) + 17 + len + plain_sum(udp, len));
}

static void
test_read_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];
		uint8_t p[ROOM] = {0};
		uint32_t n = sample(r->family, p);
		struct frame_udp f = {.at = 77};
		enum err e;

		for (int k = 0; k < r->bytes; k++)
			p[r->at + k] = (uint8_t)(r->value >> 8 * (r->bytes - 1 - k));
		if (r->mend == MEND)
			mend_sums(p, r->family);
		e = frame_read(p, n, &f);
		if (e != r->want)
			fail_msg("%s: %s, not %s", r->name, err_name(e), err_name(r->want));
		if (e != ERR_OK)
			assert_int_equal(f.at, 77);
	}
}

/* A host sends to its neighbour in the same memory without summing up: the pseudo-header's sum. */
static void
test_read_partial_sum(void **state)
{
	static const int families[] = {4, 6};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		uint8_t p[ROOM] = {0};
		uint32_t n = sample(families[i], p), addrs = i ? 32 : 8;
		uint8_t *udp = p + (i ? V6_UDP : V4_UDP);
		struct frame_udp f;

		put_sum(udp + 6, plain_sum(udp - addrs, addrs) + 17 + 29);
		udp[6] = (uint8_t)~udp[6];
		udp[7] = (uint8_t)~udp[7];
		assert_int_equal(frame_read(p, n, &f), ERR_OK);
		udp[7] ^= 1;
		assert_int_equal(frame_read(p, n, &f), ERR_SYNTAX);
	}
}

/* What frame_put writes, at every length. */
static void
test_there_and_back(void **state)
{
	static const uint8_t mac[FRAME_MAC] = {2};

	(void)state;
	for (uint32_t len = 0; len < 1500; len++) {
		bool v6 = len % 3 == 0;
		struct frame_way w = {
			.from = some_addr(v6 ? "[fd00::1]:5004" : "10.1.2.3:5004"),
			.to = some_addr(v6 ? "[fd00::2]:60001" : "10.9.8.7:60001"),
			.dscp = (uint8_t)(len & 63),
			.id = 1,
		};
		uint8_t frame[ROOM], *p = frame + FRAME_MAX;
		uint32_t head;
		struct frame_udp f;

		for (uint32_t k = 0; k < len; k++)
			p[k] = (uint8_t)(k * len + 7);
		head = frame_put(&w, p, len);
		frame_put_eth(p - head, mac, mac, w.to.family);
		assert_int_equal(frame_read(p - head - FRAME_ETH, FRAME_ETH + head + len, &f),
				 ERR_OK);
		assert_true(addr_eq(&f.from, &w.from) && addr_eq(&f.to, &w.to));
		assert_int_equal(f.at, FRAME_ETH + head);
		assert_int_equal(f.len, len);
		assert_int_equal(f.dscp, w.dscp);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {

		cmocka_unit_test(test_read),
		cmocka_unit_test(test_read_rows),
		cmocka_unit_test(test_read_partial_sum),
		cmocka_unit_test(test_there_and_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
