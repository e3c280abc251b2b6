#include "base/str.h"

#include <limits.h>
#include <string.h>

struct str
str_from(const char *z)
{
	return z ? (struct str){z, strlen(z)} : STR_NULL;
}

struct str
str_of(const void *p, size_t len)
{
	return (struct str){p, len};
}

bool
str_eq(struct str a, struct str b)
{
	return a.len == b.len && (a.len == 0 || (a.p && b.p && memcmp(a.p, b.p, a.len) == 0));
}

bool
str_ieq(struct str a, struct str b)
{
	if (a.len != b.len || (a.len && (!a.p || !b.p)))
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (ascii_lower(a.p[i]) != ascii_lower(b.p[i]))
			return false;
	return true;
}

bool
str_eqz(struct str a, const char *z)
{
	return str_eq(a, str_from(z));
}

bool
str_ieqz(struct str a, const char *z)
{
	return str_ieq(a, str_from(z));
}

bool
str_starts(struct str s, struct str prefix)
{
	return s.len >= prefix.len && str_eq(str_sub(s, 0, prefix.len), prefix);
}

bool
str_istarts(struct str s, struct str prefix)
{
	return s.len >= prefix.len && str_ieq(str_sub(s, 0, prefix.len), prefix);
}

bool
str_ends(struct str s, struct str suffix)
{
	return s.len >= suffix.len && str_eq(str_sub(s, s.len - suffix.len, s.len), suffix);
}

int
str_cmp(struct str a, struct str b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int c = n ? memcmp(a.p, b.p, n) : 0;

	if (c)
		return c;
	return a.len < b.len ? -1 : a.len > b.len;
}

size_t
str_ifind(struct str s, struct str needle)
{
	char first = needle.len ? ascii_lower(needle.p[0]) : 0;

	for (size_t i = 0; needle.len && i + needle.len <= s.len; i++)
		if (ascii_lower(s.p[i]) == first && str_ieq(str_sub(s, i, i + needle.len), needle))
			return i;
	return s.len;
}

size_t
str_chr(struct str s, char c)
{
	const char *q = s.len ? memchr(s.p, c, s.len) : NULL;

	return q ? (size_t)(q - s.p) : s.len;
}

size_t
str_rchr(struct str s, char c)
{
	for (size_t i = s.len; i > 0; i--)
		if (s.p[i - 1] == c)
			return i - 1;
	return s.len;
}

size_t
str_find(struct str s, struct str needle)
{
	const char *q;

	if (needle.len == 0 || s.len < needle.len)
		return s.len;
	q = memmem(s.p, s.len, needle.p, needle.len);
	return q ? (size_t)(q - s.p) : s.len;
}

struct str
str_sub(struct str s, size_t from, size_t to)
{
	if (to > s.len)
		to = s.len;
	if (from > to)
		from = to;
	return (struct str){s.p ? s.p + from : NULL, to - from};
}

struct str
str_from_at(struct str s, size_t from)
{
	return str_sub(s, from, s.len);
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct str
str_trim(struct str s)
{
	while (s.len && is_space(s.p[0])) {
		s.p++;
		s.len--;
	}
	while (s.len && is_space(s.p[s.len - 1]))
		s.len--;
	return s;
}

struct str
str_cut(struct str *s, char c)
{
	size_t at = str_chr(*s, c);
	struct str head = str_sub(*s, 0, at);

	*s = str_from_at(*s, at + 1);
	return head;
}

enum err
str_u64(struct str s, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;

	if (s.len == 0)
		return ERR_SYNTAX;
	for (size_t i = 0; i < s.len; i++) {
		uint64_t d = (uint64_t)(s.p[i] - '0');

		if (!ascii_digit(s.p[i]))
			return ERR_SYNTAX;
		if (v > (UINT64_MAX - d) / 10)
			return ERR_RANGE;
		v = v * 10 + d;
	}
	if (v > max)
		return ERR_RANGE;
	*out = v;
	return ERR_OK;
}

enum err
str_u32(struct str s, uint32_t max, uint32_t *out)
{
	uint64_t v;
	enum err e = str_u64(s, max, &v);

	if (e == ERR_OK)
		*out = (uint32_t)v;
	return e;
}

enum err
str_copyz(char *dst, size_t cap, struct str s)
{
	if (cap == 0)
		return ERR_LONG;
	dst[0] = 0;
	if (s.len >= cap || str_chr(s, '\0') != s.len)
		return ERR_LONG;
	if (s.len)
		memcpy(dst, s.p, s.len);
	dst[s.len] = 0;
	return ERR_OK;
}

static unsigned
least(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return m < c ? m : c;
}

unsigned
str_distance(struct str a, struct str b)
{
	unsigned row[STR_WORD_MAX + 1];

	if (a.len > STR_WORD_MAX || b.len > STR_WORD_MAX)
		return UINT_MAX;
	for (unsigned k = 0; k <= b.len; k++)
		row[k] = k;
	for (size_t i = 0; i < a.len; i++) {
		unsigned corner = row[0];

		row[0] = (unsigned)i + 1;
		for (size_t k = 0; k < b.len; k++) {
			unsigned swap = corner + (ascii_lower(a.p[i]) != ascii_lower(b.p[k]));

			corner = row[k + 1];
			row[k + 1] = least(swap, row[k] + 1, row[k + 1] + 1);
		}
	}
	return row[b.len];
}
