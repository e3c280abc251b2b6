#include "base/codec.h"

static const char b64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char hex[] = "0123456789abcdef";
static const char b32[] = "abcdefghijklmnopqrstuvwxyz234567";

void
codec_b64_put(struct buf *b, const void *p, size_t len, bool pad)
{
	const unsigned char *in = p;

	for (size_t i = 0; i < len; i += 3) {
		size_t n = len - i < 3 ? len - i : 3;
		uint32_t v = (uint32_t)in[i] << 16;

		if (n > 1)
			v |= (uint32_t)in[i + 1] << 8;
		if (n > 2)
			v |= in[i + 2];
		for (size_t k = 0; k < n + 1; k++)
			buf_char(b, b64[v >> (18 - 6 * k) & 63]);
		for (size_t k = n; pad && k < 3; k++)
			buf_char(b, '=');
	}
}

static int
b64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

enum err
codec_b64_get(struct str s, void *dst, size_t cap, size_t *out_len)
{
	unsigned char *out = dst;
	size_t n = 0, pad = 0;
	uint32_t v = 0;

	while (s.len && s.p[s.len - 1] == '=' && pad < 2) {
		s.len--;
		pad++;
	}
	if (s.len % 4 == 1 || (pad && (s.len + pad) % 4 != 0))
		return ERR_SYNTAX;
	for (size_t i = 0; i < s.len; i++) {
		int d = b64_value(s.p[i]);

		if (d < 0)
			return ERR_SYNTAX;
		v = v << 6 | (uint32_t)d;
		if (i % 4 == 0)
			continue;
		if (n == cap)
			return ERR_LONG;
		out[n++] = (unsigned char)(v >> (6 - 2 * (i % 4)));
	}
	*out_len = n;
	return ERR_OK;
}

void
codec_hex_put(struct buf *b, const void *p, size_t len)
{
	const unsigned char *in = p;

	for (size_t i = 0; i < len; i++) {
		buf_char(b, hex[in[i] >> 4]);
		buf_char(b, hex[in[i] & 15]);
	}
}

static int
hex_value(char c)
{
	c = ascii_lower(c);
	if (ascii_digit(c))
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

enum err
codec_hex_get(struct str s, void *dst, size_t cap, size_t *out_len)
{
	unsigned char *out = dst;

	if (s.len % 2)
		return ERR_SYNTAX;
	if (s.len / 2 > cap)
		return ERR_LONG;
	for (size_t i = 0; i < s.len; i += 2) {
		int hi = hex_value(s.p[i]), lo = hex_value(s.p[i + 1]);

		if (hi < 0 || lo < 0)
			return ERR_SYNTAX;
		out[i / 2] = (unsigned char)(hi << 4 | lo);
	}
	*out_len = s.len / 2;
	return ERR_OK;
}

void
codec_b32_put(struct buf *b, const void *p, size_t len)
{
	const unsigned char *in = p;
	uint32_t v = 0;
	unsigned bits = 0;

	for (size_t i = 0; i < len; i++) {
		v = v << 8 | in[i];
		bits += 8;
		while (bits >= 5) {
			bits -= 5;
			buf_char(b, b32[v >> bits & 31]);
		}
		v &= (1u << bits) - 1;
	}
	if (bits)
		buf_char(b, b32[v << (5 - bits) & 31]);
}
