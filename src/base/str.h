/* Borrowed byte ranges. A str points into memory that someone else owns; it is not
 * NUL-terminated and may hold any byte. No function here allocates or looks at a locale. */
#ifndef POSTERN_BASE_STR_H
#define POSTERN_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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
struct str str_from(const char *z);
struct str str_of(const void *p, size_t len);
bool str_eq(struct str a, struct str b);
/** ASCII case-insensitive. */
bool str_ieq(struct str a, struct str b);
bool str_eqz(struct str a, const char *z);
bool str_ieqz(struct str a, const char *z);
bool str_starts(struct str s, struct str prefix);
bool str_istarts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
/** Byte-wise order: <0, 0, >0. */
int str_cmp(struct str a, struct str b);
/** How many letters must change, come or go to make one of the other (Levenshtein), case aside;
 * UINT_MAX where one has more than STR_WORD_MAX. */
unsigned str_distance(struct str a, struct str b);
enum { STR_WORD_MAX = 32 };
/** Index of the first c, or s.len. */
size_t str_chr(struct str s, char c);
/** Index of the last c, or s.len. */
size_t str_rchr(struct str s, char c);
/** Index of the first needle, or s.len. */
size_t str_find(struct str s, struct str needle);
/** The same, ASCII letters of either case alike. */
size_t str_ifind(struct str s, struct str needle);
/** Bytes [from, to), both clamped to the length. */
struct str str_sub(struct str s, size_t from, size_t to);
/** Bytes from `from` to the end. */
struct str str_from_at(struct str s, size_t from);
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
