/* Binding requests in the making, for tests of who reads them. */
#ifndef TESTS_RTP_MADE_H
#define TESTS_RTP_MADE_H

#include <string.h>

#include "base/digest.h"
#include "base/octets.h"
#include "rtp/stun.h"

/* Cookie and transaction, those of RFC 5769. */
#define MADE_HEAD "\x21\x12\xa4\x42\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae"

struct made {
	uint8_t p[STUN_REQUEST_MAX + 64];
	struct buf b;
};

static inline void
made_put(struct made *m, unsigned type, const void *value, size_t len)
{
	static const uint8_t zeros[4];
	uint8_t head[4];

	octets_set16(head, (uint16_t)type);
	octets_set16(head + 2, (uint16_t)len);
	buf_add(&m->b, head, 4);
	buf_add(&m->b, value, len);
	buf_add(&m->b, zeros, (4 - len % 4) % 4);
}

static inline void
made_begin(struct made *m, const char *user)
{
	buf_init(&m->b, m->p, sizeof(m->p));
	buf_add(&m->b, "\0\1\0\0" MADE_HEAD, 20);
	made_put(m, 0x0006, user, strlen(user));
}

/* With MESSAGE-INTEGRITY of pwd (sign), and a FINGERPRINT by the plain way of CRC-32. */
static inline size_t
made_end(struct made *m, const char *pwd, bool sign)
{
	uint8_t mac[DIGEST_MAX] = {0}, crc[4];
	uint32_t sum = UINT32_MAX;

	octets_set16(m->p + 2, (uint16_t)(m->b.len - 20 + 24));
	if (sign) {
		(void)!digest_hmac(DIGEST_HMAC_SHA1, str_from(pwd), buf_view(&m->b), mac);
		made_put(m, 0x0008, mac, 20);
	}
	octets_set16(m->p + 2, (uint16_t)(m->b.len - 20 + 8));
	for (size_t i = 0; i < m->b.len; i++) {
		sum ^= m->p[i];
		for (int k = 0; k < 8; k++)
			sum = sum & 1 ? sum >> 1 ^ 0xedb88320 : sum >> 1;
	}
	octets_set32(crc, ~sum ^ 0x5354554e);
	made_put(m, 0x8028, crc, 4);
	return m->b.len;
}

#endif
