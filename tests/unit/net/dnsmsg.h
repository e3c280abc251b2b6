/* DNS messages made by hand, right and wrong. */
#ifndef POSTERN_TESTS_NET_DNSMSG_H
#define POSTERN_TESTS_NET_DNSMSG_H

#include <string.h>

#include "net/dns.h"

enum { MSG_MAX = 65535, MSG_NAME_POINTER = 0xc00c /* the question's name */ };

struct msg {
	uint8_t p[MSG_MAX];
	size_t len;
};

static inline void
msg_u8(struct msg *m, unsigned v)
{
	m->p[m->len++] = (uint8_t)v;
}

static inline void
msg_u16(struct msg *m, unsigned v)
{
	msg_u8(m, v >> 8);
	msg_u8(m, v & 0xff);
}

static inline void
msg_u32(struct msg *m, uint32_t v)
{
	msg_u16(m, v >> 16);
	msg_u16(m, v & 0xffff);
}

/* "a.b" as labels; "@" = a pointer to the question's name. */
static inline void
msg_name(struct msg *m, const char *z)
{
	struct str rest = str_from(z);

	if (strcmp(z, "@") == 0) {
		msg_u16(m, MSG_NAME_POINTER);
		return;
	}
	while (rest.len) {
		struct str label = str_cut(&rest, '.');

		msg_u8(m, (unsigned)label.len);
		memcpy(m->p + m->len, label.p, label.len);
		m->len += label.len;
	}
	msg_u8(m, 0);
}

/* Header of a reply with one question. */
static inline void
msg_begin(struct msg *m, unsigned flags, const char *name, unsigned type)
{
	m->len = 0;
	msg_u16(m, 0x1234);
	msg_u16(m, 0x8180 | flags);
	msg_u16(m, 1);
	msg_u16(m, 0);
	msg_u16(m, 0);
	msg_u16(m, 0);
	msg_name(m, name);
	msg_u16(m, type);
	msg_u16(m, 1);
}

/* section: 6 answer, 8 authority, 10 additional */
static inline void
msg_count(struct msg *m, size_t section, unsigned n)
{
	m->p[section] = (uint8_t)(n >> 8);
	m->p[section + 1] = (uint8_t)n;
}

static inline void
msg_bump(struct msg *m, size_t section)
{
	msg_count(m, section, (unsigned)(m->p[section] << 8 | m->p[section + 1]) + 1);
}

/* Owner, type, TTL; returns where the length stands, for msg_close. */
static inline size_t
msg_open(struct msg *m, size_t section, const char *owner, unsigned type, uint32_t ttl)
{
	msg_bump(m, section);
	msg_name(m, owner);
	msg_u16(m, type);
	msg_u16(m, 1);
	msg_u32(m, ttl);
	msg_u16(m, 0);
	return m->len - 2;
}

static inline void
msg_close(struct msg *m, size_t at)
{
	size_t len = m->len - at - 2;

	m->p[at] = (uint8_t)(len >> 8);
	m->p[at + 1] = (uint8_t)len;
}

static inline void
msg_a(struct msg *m, const char *owner, uint32_t ttl, uint32_t ip)
{
	size_t at = msg_open(m, 6, owner, DNS_A, ttl);

	msg_u32(m, ip);
	msg_close(m, at);
}

static inline void
msg_cname(struct msg *m, const char *owner, uint32_t ttl, const char *target)
{
	size_t at = msg_open(m, 6, owner, DNS_CNAME, ttl);

	msg_name(m, target);
	msg_close(m, at);
}

static inline void
msg_srv(struct msg *m, const char *owner, uint32_t ttl, unsigned prio, unsigned weight,
	unsigned port, const char *target)
{
	size_t at = msg_open(m, 6, owner, DNS_SRV, ttl);

	msg_u16(m, prio);
	msg_u16(m, weight);
	msg_u16(m, port);
	msg_name(m, target);
	msg_close(m, at);
}

static inline void
msg_soa(struct msg *m, uint32_t ttl, uint32_t minimum)
{
	size_t at = msg_open(m, 8, "example.com", DNS_SOA, ttl);

	msg_name(m, "ns.example.com");
	msg_name(m, "who.example.com");
	for (int i = 0; i < 4; i++)
		msg_u32(m, 1);
	msg_u32(m, minimum);
	msg_close(m, at);
}

static inline void
msg_string(struct msg *m, const char *z)
{
	msg_u8(m, (unsigned)strlen(z));
	memcpy(m->p + m->len, z, strlen(z));
	m->len += strlen(z);
}

static inline struct str
msg_str(const struct msg *m)
{
	return str_of(m->p, m->len);
}

#endif
