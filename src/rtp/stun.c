#include "rtp/stun.h"

#include <string.h>

#include "base/digest.h"
#include "base/octets.h"
#include "base/secret.h"

enum {
	HEADER_LEN = 20,
	TRANSACTION_AT = 8, /* 12 bytes */
	ATTR_HEAD = 4,
	BINDING_REQUEST = 0x0001,
	BINDING_SUCCESS = 0x0101,
	BINDING_ERROR = 0x0111,
	INTEGRITY_LEN = 20,
	FINGERPRINT_LEN = 4,
	OPTIONAL_FROM = 0x8000, /* attributes that may be left aside begin here */
};
static const uint32_t cookie = 0x2112a442, fingerprint_xor = 0x5354554e;

enum attr {
	ATTR_USERNAME = 0x0006,
	ATTR_INTEGRITY = 0x0008,
	ATTR_ERROR_CODE = 0x0009,
	ATTR_UNKNOWN = 0x000a,
	ATTR_REALM = 0x0014,
	ATTR_NONCE = 0x0015,
	ATTR_INTEGRITY_SHA256 = 0x001c,
	ATTR_XOR_MAPPED = 0x0020,
	ATTR_PRIORITY = 0x0024,
	ATTR_USE_CANDIDATE = 0x0025,
	ATTR_FINGERPRINT = 0x8028,
	ATTR_CONTROLLED = 0x8029,
};

/* CRC-32 of ISO 3309, four bits a step. */
static uint32_t
crc_of(const uint8_t *p, size_t len)
{
	static const uint32_t step[16] = {0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac,
					  0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
					  0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
					  0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < len; i++) {
		crc ^= p[i];
		crc = crc >> 4 ^ step[crc & 15];
		crc = crc >> 4 ^ step[crc & 15];
	}
	return ~crc;
}

/* ---- reading ---- */

struct attr_view {
	uint16_t type, len;
	size_t at; /* of its head */
	const uint8_t *value;
};

/* The attribute at *at, which is moved on behind its padding. False: there is none that fits. */
static bool
next_attr(const uint8_t *p, size_t len, size_t *at, struct attr_view *out)
{
	size_t padded;

	if (len - *at < ATTR_HEAD)
		return false;
	*out = (struct attr_view){.type = octets_get16(p + *at),
				  .len = octets_get16(p + *at + 2),
				  .at = *at,
				  .value = p + *at + ATTR_HEAD};
	padded = (out->len + 3u) & ~(size_t)3;
	if (len - *at - ATTR_HEAD < padded)
		return false;
	*at += ATTR_HEAD + padded;
	return true;
}

static bool
is_stun(const uint8_t *p, size_t len)
{
	return len >= HEADER_LEN && len <= STUN_REQUEST_MAX && len % 4 == 0 && p[0] < 0x40 &&
	       octets_get16(p + 2) == len - HEADER_LEN && octets_get32(p + 4) == cookie;
}

static void
note_unknown(struct stun_request *r, uint16_t type)
{
	if (r->n_unknown < STUN_UNKNOWN_MAX)
		r->unknown[r->n_unknown++] = type;
}

/* One attribute before MESSAGE-INTEGRITY; the first of its kind counts. */
static enum err
take_attr(struct stun_request *r, const struct attr_view *a)
{
	switch ((enum attr)a->type) {
	case ATTR_USERNAME:
		if (!r->user.p)
			r->user = str_of((const char *)a->value, a->len);
		break;
	case ATTR_INTEGRITY:
		if (a->len != INTEGRITY_LEN)
			return ERR_SYNTAX;
		r->signed_at = a->at;
		break;
	case ATTR_PRIORITY:
		if (a->len != 4)
			return ERR_SYNTAX;
		r->priority = octets_get32(a->value);
		break;
	case ATTR_USE_CANDIDATE:
		r->use_candidate = true;
		break;
	case ATTR_CONTROLLED:
		r->controlled = true;
		break;
	case ATTR_ERROR_CODE:
	case ATTR_UNKNOWN:
	case ATTR_REALM:
	case ATTR_NONCE:
	case ATTR_INTEGRITY_SHA256:
	case ATTR_XOR_MAPPED:
	case ATTR_FINGERPRINT:
		break;
	default:
		if (a->type < OPTIONAL_FROM)
			note_unknown(r, a->type);
	}
	return ERR_OK;
}

/* Is this the last one, and does it fit what stands before it (RFC 8489 14.7)? */
static bool
is_fingerprint(const uint8_t *p, size_t len, const struct attr_view *a)
{
	return a->type == ATTR_FINGERPRINT && a->len == FINGERPRINT_LEN &&
	       a->at + ATTR_HEAD + FINGERPRINT_LEN == len &&
	       octets_get32(a->value) == (crc_of(p, a->at) ^ fingerprint_xor);
}

enum err
stun_parse(const uint8_t *p, size_t len, struct stun_request *out)
{
	struct stun_request r = {.p = p, .len = len};
	struct attr_view a = {0};
	size_t at = HEADER_LEN;

	if (!is_stun(p, len))
		return ERR_SYNTAX;
	if (octets_get16(p) != BINDING_REQUEST)
		return ERR_UNSUPPORTED;
	while (next_attr(p, len, &at, &a))
		if (!r.signed_at && take_attr(&r, &a) != ERR_OK)
			return ERR_SYNTAX;
	if (at != len || !is_fingerprint(p, len, &a))
		return ERR_SYNTAX;
	*out = r;
	return ERR_OK;
}

/* Of the len bytes before MESSAGE-INTEGRITY, with the length that the header has when it is there
 * and nothing behind it (RFC 8489 14.5). */
static bool
integrity_of(const uint8_t *p, size_t len, struct str password, uint8_t out[DIGEST_MAX])
{
	uint8_t text[STUN_REQUEST_MAX];

	if (len < HEADER_LEN || len > sizeof(text))
		return false;
	memcpy(text, p, len);
	octets_set16(text + 2, (uint16_t)(len - HEADER_LEN + ATTR_HEAD + INTEGRITY_LEN));
	return digest_hmac(DIGEST_HMAC_SHA1, password, str_of((const char *)text, len), out) ==
	       ERR_OK;
}

bool
stun_is_signed(const struct stun_request *r, struct str password)
{
	uint8_t mac[DIGEST_MAX];

	return r->signed_at && password.len && integrity_of(r->p, r->signed_at, password, mac) &&
	       secret_equal(mac, r->p + r->signed_at + ATTR_HEAD, INTEGRITY_LEN);
}

uint32_t
stun_ufrag_of(const char *ufrag)
{
	return octets_get32((const uint8_t *)ufrag);
}

bool
stun_names(const uint8_t *p, size_t len, uint32_t ufrag)
{
	struct attr_view a;
	size_t at = HEADER_LEN;

	if (!is_stun(p, len) || octets_get16(p) != BINDING_REQUEST)
		return false;
	while (next_attr(p, len, &at, &a))
		if (a.type == ATTR_USERNAME)
			return a.len > STUN_UFRAG_KEPT && octets_get32(a.value) == ufrag;
	return false;
}

/* ---- answering ---- */

static void
put16(struct buf *b, unsigned v)
{
	uint8_t p[2];

	octets_set16(p, (uint16_t)v);
	buf_add(b, p, sizeof(p));
}

static void
put32(struct buf *b, uint32_t v)
{
	uint8_t p[4];

	octets_set32(p, v);
	buf_add(b, p, sizeof(p));
}

static void
put_attr(struct buf *b, enum attr type, const void *value, size_t len)
{
	static const uint8_t zeros[4];

	put16(b, type);
	put16(b, (unsigned)len);
	buf_add(b, value, len);
	buf_add(b, zeros, (4 - len % 4) % 4);
}

/* RFC 8489 14.2: xored with the cookie, and where it is longer with the transaction. */
static void
put_mapped(struct buf *b, const struct stun_request *r, const struct addr *seen)
{
	uint8_t v[20] = {0, seen->family == 6 ? 2 : 1};
	unsigned n = seen->family == 6 ? 16 : 4;

	octets_set16(v + 2, (uint16_t)(seen->port ^ cookie >> 16));
	for (unsigned i = 0; i < n; i++)
		v[4 + i] = seen->ip[i] ^ r->p[TRANSACTION_AT - 4 + i];
	put_attr(b, ATTR_XOR_MAPPED, v, 4 + n);
}

static void
put_error(struct buf *b, const struct stun_request *r, unsigned status)
{
	uint8_t v[4] = {0, 0, (uint8_t)(status / 100), (uint8_t)(status % 100)};
	uint8_t types[2 * STUN_UNKNOWN_MAX];

	put_attr(b, ATTR_ERROR_CODE, v, sizeof(v));
	if (status != STUN_UNKNOWN)
		return;
	for (unsigned i = 0; i < r->n_unknown; i++)
		octets_set16(types + 2 * i, r->unknown[i]);
	put_attr(b, ATTR_UNKNOWN, types, 2 * (size_t)r->n_unknown);
}

/* The length in the header: of all behind it, and so much more. */
static void
set_length(struct buf *b, size_t from, size_t more)
{
	octets_set16((uint8_t *)b->p + from + 2, (uint16_t)(b->len - from - HEADER_LEN + more));
}

enum err
stun_answer(const struct stun_request *r, unsigned status, const struct addr *seen,
	    struct str password, struct buf *b)
{
	size_t from = b->len;
	uint8_t mac[DIGEST_MAX];

	put16(b, status == STUN_SUCCESS ? BINDING_SUCCESS : BINDING_ERROR);
	put16(b, 0);
	buf_add(b, r->p + 4, HEADER_LEN - 4);
	if (status == STUN_SUCCESS)
		put_mapped(b, r, seen);
	else
		put_error(b, r, status);
	if (buf_end(b) != ERR_OK)
		return ERR_LONG;
	if (!integrity_of((const uint8_t *)b->p + from, b->len - from, password, mac))
		return ERR_NOMEM;
	put_attr(b, ATTR_INTEGRITY, mac, INTEGRITY_LEN);
	if (buf_end(b) != ERR_OK)
		return ERR_LONG;
	set_length(b, from, ATTR_HEAD + FINGERPRINT_LEN);
	put16(b, ATTR_FINGERPRINT);
	put16(b, FINGERPRINT_LEN);
	put32(b, crc_of((const uint8_t *)b->p + from, b->len - from - ATTR_HEAD) ^ fingerprint_xor);
	return buf_end(b);
}
