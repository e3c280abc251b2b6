#include "base/addr.h"

#include <arpa/inet.h>
#include <string.h>

enum err
addr_parse_ip(struct str s, struct addr *out)
{
	char z[INET6_ADDRSTRLEN];
	struct addr a = {0};

	if (s.len > 2 && s.p[0] == '[' && s.p[s.len - 1] == ']') {
		s = str_sub(s, 1, s.len - 1);
		if (str_chr(s, ':') == s.len)
			return ERR_SYNTAX;
	}
	if (str_copyz(z, sizeof(z), s) != ERR_OK)
		return ERR_SYNTAX;
	if (inet_pton(AF_INET, z, a.ip) == 1)
		a.family = 4;
	else if (inet_pton(AF_INET6, z, a.ip) == 1)
		a.family = 6;
	else
		return ERR_SYNTAX;
	*out = a;
	return ERR_OK;
}

enum err
addr_parse(struct str s, struct addr *out)
{
	size_t colon = str_rchr(s, ':');
	struct str ip = s, port = STR_NULL;
	struct addr a;
	uint32_t n = 0;
	enum err e;

	if (s.len && s.p[0] == '[') {
		size_t close = str_chr(s, ']');

		ip = str_sub(s, 0, close + 1);
		port = str_from_at(s, close + 1);
		if (port.len && port.p[0] != ':')
			return ERR_SYNTAX;
	} else if (colon < s.len && str_chr(s, ':') == colon) {
		ip = str_sub(s, 0, colon);
		port = str_from_at(s, colon);
	}
	e = addr_parse_ip(ip, &a);
	if (e == ERR_OK && port.len)
		e = str_u32(str_from_at(port, 1), 65535, &n);
	if (e != ERR_OK)
		return e;
	a.port = (uint16_t)n;
	*out = a;
	return ERR_OK;
}

enum err
cidr_parse(struct str s, struct cidr *out)
{
	size_t slash = str_chr(s, '/');
	struct cidr c = {0};
	uint32_t bits, max;
	enum err e = addr_parse_ip(str_sub(s, 0, slash), &c.net);

	if (e != ERR_OK)
		return e;
	max = c.net.family == 4 ? 32 : 128;
	bits = max;
	if (slash < s.len) {
		e = str_u32(str_from_at(s, slash + 1), max, &bits);
		if (e != ERR_OK)
			return e;
	}
	c.bits = (uint8_t)bits;
	*out = c;
	return ERR_OK;
}

bool
cidr_has(const struct cidr *c, const struct addr *a)
{
	unsigned whole = c->bits / 8, rest = c->bits % 8;

	if (a->family != c->net.family || memcmp(a->ip, c->net.ip, whole) != 0)
		return false;
	return rest == 0 || (a->ip[whole] ^ c->net.ip[whole]) >> (8 - rest) == 0;
}

void
addr_put_ip(struct buf *b, const struct addr *a, bool for_uri)
{
	char z[INET6_ADDRSTRLEN] = "";

	if (a->family == 0) {
		buf_z(b, "-");
		return;
	}
	inet_ntop(a->family == 4 ? AF_INET : AF_INET6, a->ip, z, sizeof(z));
	if (a->family == 6 && for_uri)
		buf_printf(b, "[%s]", z);
	else
		buf_z(b, z);
}

void
addr_put(struct buf *b, const struct addr *a)
{
	addr_put_ip(b, a, a->port != 0);
	if (a->port) {
		buf_char(b, ':');
		buf_u64(b, a->port);
	}
}

struct addr_text
addr_text(const struct addr *a)
{
	struct addr_text t;
	struct buf b;

	buf_init(&b, t.z, sizeof(t.z));
	addr_put(&b, a);
	buf_cstr(&b);
	return t;
}

bool
addr_ip_eq(const struct addr *a, const struct addr *b)
{
	return a->family == b->family && memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

bool
addr_eq(const struct addr *a, const struct addr *b)
{
	return addr_ip_eq(a, b) && a->port == b->port;
}

bool
addr_is_any(const struct addr *a)
{
	static const uint8_t zero[16];

	return a->family == 0 || memcmp(a->ip, zero, sizeof(zero)) == 0;
}

bool
addr_is_multicast(const struct addr *a)
{
	static const uint8_t all_ones[4] = {255, 255, 255, 255};

	if (a->family == 6)
		return a->ip[0] == 0xff;
	return a->family == 4 && ((a->ip[0] & 0xf0) == 0xe0 || memcmp(a->ip, all_ones, 4) == 0);
}

bool
addr_is_private(const struct addr *a)
{
	static const struct {
		uint8_t family, bits, ip[4];
	} nets[] = {{4, 8, {10}},   {4, 12, {172, 16}},   {4, 16, {192, 168}},
		    {4, 8, {127}},  {4, 16, {169, 254}},  {4, 10, {100, 64}},
		    {6, 7, {0xfc}}, {6, 10, {0xfe, 0x80}}};
	static const uint8_t loop6[16] = {[15] = 1};

	if (a->family == 6 && memcmp(a->ip, loop6, sizeof(loop6)) == 0)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(nets); i++) {
		struct cidr c = {.net = {.family = nets[i].family}, .bits = nets[i].bits};

		memcpy(c.net.ip, nets[i].ip, sizeof(nets[i].ip));
		if (cidr_has(&c, a))
			return true;
	}
	return false;
}

socklen_t
addr_to_sa(const struct addr *a, struct sockaddr_storage *sa)
{
	memset(sa, 0, sizeof(*sa));
	if (a->family == 4) {
		struct sockaddr_in *in = (struct sockaddr_in *)(void *)sa;

		in->sin_family = AF_INET;
		in->sin_port = htons(a->port);
		memcpy(&in->sin_addr, a->ip, 4);
		return sizeof(*in);
	}
	if (a->family == 6) {
		struct sockaddr_in6 *in = (struct sockaddr_in6 *)(void *)sa;

		in->sin6_family = AF_INET6;
		in->sin6_port = htons(a->port);
		memcpy(&in->sin6_addr, a->ip, 16);
		return sizeof(*in);
	}
	return 0;
}

struct addr
addr_from_sa(const struct sockaddr_storage *sa)
{
	struct addr a = {0};

	if (sa->ss_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)sa;

		a.family = 4;
		a.port = ntohs(in->sin_port);
		memcpy(a.ip, &in->sin_addr, 4);
	} else if (sa->ss_family == AF_INET6) {
		const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)(const void *)sa;

		a.family = 6;
		a.port = ntohs(in->sin6_port);
		memcpy(a.ip, &in->sin6_addr, 16);
	}
	return a;
}
