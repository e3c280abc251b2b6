/* Borrowed byte ranges. A str points into memory that someone else owns; it is not
 * NUL-terminated and may hold any byte. No function here allocates or looks at a locale. What a
 * message needs hundreds of times stands here, so that the compiler sees into it. */
#ifndef POSTERN_BASE_STR_H
#define POSTERN_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"

struct str {
	const char *p; /* may be NULL only when len is 0 */
	size_t len;
};

/* A string literal as a str. */
#define STR(lit) ((struct str){"" lit, sizeof(lit) - 1})
#define STR_NULL ((struct str){NULL, 0})
/* printf("%.*s", STR_ARG(s)) */
#define STR_ARG(s) (int)(s).len, (s).p ? (s).p : ""

/** From a NUL-terminated string; NULL gives the empty str. */
static inline struct str
str_from(const char *z)
{
	return z ? (struct str){z, strlen(z)} : STR_NULL;
}
static inline struct str
str_of(const void *p, size_t len)
{
	return (struct str){(const char *)p, len};
}
static inline bool
str_eq(struct str a, struct str b)
{
	return a.len == b.len && (a.len == 0 || (a.p && b.p && memcmp(a.p, b.p, a.len) == 0));
}
/** ASCII case-insensitive. */
bool str_ieq(struct str a, struct str b);
static inline bool
str_eqz(struct str a, const char *z)
{
	return str_eq(a, str_from(z));
}
static inline bool
str_ieqz(struct str a, const char *z)
{
	struct str b = str_from(z);

	return a.len == b.len && str_ieq(a, b);
}
/** Bytes [from, to), both clamped to the length. */
static inline struct str
str_sub(struct str s, size_t from, size_t to)
{
	if (to > s.len)
		to = s.len;
	if (from > to)
		from = to;
	return (struct str){s.p ? s.p + from : NULL, to - from};
}
/** Bytes from `from` to the end. */
static inline struct str
str_from_at(struct str s, size_t from)
{
	return str_sub(s, from, s.len);
}
static inline bool
str_starts(struct str s, struct str prefix)
{
	return s.len >= prefix.len && str_eq(str_sub(s, 0, prefix.len), prefix);
}
static inline bool
str_istarts(struct str s, struct str prefix)
{
	return s.len >= prefix.len && str_ieq(str_sub(s, 0, prefix.len), prefix);
}
bool str_ends(struct str s, struct str suffix);
/** Byte-wise order: <0, 0, >0. */
int str_cmp(struct str a, struct str b);
/** Index of the first c, or s.len. */
static inline size_t
str_chr(struct str s, char c)
{
	const char *q = s.len ? (const char *)memchr(s.p, c, s.len) : NULL;

	return q ? (size_t)(q - s.p) : s.len;
}
/** Index of the last c, or s.len. */
size_t str_rchr(struct str s, char c);
/** Index of the first needle, or s.len. */
size_t str_find(struct str s, struct str needle);
/** The same, ASCII letters of either case alike. */
size_t str_ifind(struct str s, struct str needle);
/** Without leading and trailing SP, HTAB, CR, LF. */
struct str str_trim(struct str s);
/** Cut s at the first c: returns what stands before it and moves *s behind it; without c, all. */
struct str str_cut(struct str *s, char c);
/** Decimal digits only, no sign, no space; RANGE above max; *out only on success. */
enum err str_u64(struct str s, uint64_t max, uint64_t *out) NODISCARD;
enum err str_u32(struct str s, uint32_t max, uint32_t *out) NODISCARD;
/** Copy into dst[cap] with a final NUL; LONG (and dst empty) when it does not fit or has a NUL. */
enum err str_copyz(char *dst, size_t cap, struct str s) NODISCARD;

static inline char
ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}
static inline bool
ascii_digit(char c)
{
	return c >= '0' && c <= '9';
}
static inline bool
ascii_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
static inline bool
ascii_alnum(char c)
{
	return ascii_digit(c) || ascii_alpha(c);
}

#endif
