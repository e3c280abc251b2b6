#include "base/random.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

void
random_bytes(void *p, size_t len)
{
	char *at = p;

	while (len) {
		ssize_t n = getrandom(at, len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			abort();
		at += n;
		len -= (size_t)n;
	}
}

uint32_t
random_u32(void)
{
	uint32_t v;

	random_bytes(&v, sizeof(v));
	return v;
}

uint32_t
random_below(uint32_t n)
{
	uint32_t limit = UINT32_MAX - UINT32_MAX % n, v;

	do
		v = random_u32();
	while (v >= limit);
	return v % n;
}

void
random_token(char *dst, size_t n_chars)
{
	static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";

	random_bytes(dst, n_chars);
	for (size_t i = 0; i < n_chars; i++)
		dst[i] = digits[(unsigned char)dst[i] & 31];
	dst[n_chars] = 0;
}
