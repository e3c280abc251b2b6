#include "base/buf.h"

#include <stdio.h>
#include <string.h>

void
buf_init(struct buf *b, void *mem, size_t cap)
{
	*b = (struct buf){.p = mem, .cap = cap};
}

void
buf_reset(struct buf *b)
{
	b->len = 0;
	b->failed = false;
}

void
buf_add(struct buf *b, const void *p, size_t len)
{
	if (b->failed || len > b->cap - b->len) {
		b->failed = true;
		return;
	}
	if (len)
		memcpy(b->p + b->len, p, len);
	b->len += len;
}

void
buf_str(struct buf *b, struct str s)
{
	buf_add(b, s.p, s.len);
}

void
buf_z(struct buf *b, const char *z)
{
	buf_str(b, str_from(z));
}

void
buf_char(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void
buf_u64(struct buf *b, uint64_t v)
{
	char tmp[20];
	size_t i = sizeof(tmp);

	do {
		tmp[--i] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	buf_add(b, tmp + i, sizeof(tmp) - i);
}

void
buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
	size_t room = b->cap - b->len;
	int n;

	if (b->failed || room == 0) {
		b->failed = true;
		return;
	}
	n = vsnprintf(b->p + b->len, room, fmt, ap);
	if (n < 0 || (size_t)n >= room)
		b->failed = true; /* the last byte is vsnprintf's NUL: the text did not fit */
	else
		b->len += (size_t)n;
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(b, fmt, ap);
	va_end(ap);
}

/* Bytes of the sequence that starts with this one; 0: none does. */
static size_t
utf8_start(unsigned char c)
{
	if (c < 0x80)
		return 1;
	if (c < 0xc2)
		return 0;
	return c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;
}

/* Length of the UTF-8 sequence at p (1..4), 0 if it is not valid (RFC 3629). */
static size_t
utf8_len(const unsigned char *p, size_t left)
{
	/* second bytes that would be overlong, a surrogate, or beyond U+10FFFF */
	static const struct {
		unsigned char first, low, high;
	} narrow[] = {
		{0xe0, 0xa0, 0xbf}, {0xed, 0x80, 0x9f}, {0xf0, 0x90, 0xbf}, {0xf4, 0x80, 0x8f}};
	size_t n = utf8_start(p[0]);

	if (n == 0 || n > left)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	for (size_t i = 0; i < ARRAY_LEN(narrow); i++)
		if (p[0] == narrow[i].first && (p[1] < narrow[i].low || p[1] > narrow[i].high))
			return 0;
	return n;
}

/* Code point of the valid sequence of n bytes if something may take it for a control or a line's
 * end: C0, DEL, C1, U+2028, U+2029; else -1. */
static int
control_at(const unsigned char *p, size_t n)
{
	if (n == 1)
		return p[0] < 0x20 || p[0] == 0x7f ? p[0] : -1;
	if (n == 2 && p[0] == 0xc2 && p[1] < 0xa0)
		return p[1];
	if (n == 3 && p[0] == 0xe2 && p[1] == 0x80 && (p[2] == 0xa8 || p[2] == 0xa9))
		return 0x2000 | (p[2] & 0x3f);
	return -1;
}

void
buf_json(struct buf *b, struct str s)
{
	buf_char(b, '"');
	for (size_t i = 0; i < s.len;) {
		const unsigned char *p = (const unsigned char *)s.p + i, c = *p;
		size_t n = utf8_len(p, s.len - i);

		if (n == 0) {
			buf_z(b, "\\ufffd");
			n = 1;
		} else if (c == '"' || c == '\\') {
			buf_char(b, '\\');
			buf_char(b, (char)c);
		} else if (control_at(p, n) >= 0) {
			buf_printf(b, "\\u%04x", (unsigned)control_at(p, n));
		} else {
			buf_add(b, s.p + i, n);
		}
		i += n;
	}
	buf_char(b, '"');
}

struct str
buf_view(const struct buf *b)
{
	return (struct str){b->p, b->len};
}

const char *
buf_cstr(struct buf *b)
{
	if (b->cap == 0)
		return "";
	if (b->len == b->cap) {
		b->len--;
		b->failed = true;
	}
	b->p[b->len] = 0;
	return b->p;
}

enum err
buf_end(const struct buf *b)
{
	return b->failed ? ERR_LONG : ERR_OK;
}
