#include "base/secret.h"

#include <stdint.h>
#include <string.h>

void
secret_wipe(void *p, size_t len)
{
	explicit_bzero(p, len);
}

bool
secret_equal(const void *a, const void *b, size_t len)
{
	const unsigned char *x = a, *y = b;
	uint64_t diff = 0;

	for (; len >= 8; len -= 8, x += 8, y += 8) {
		uint64_t v, w;

		memcpy(&v, x, 8);
		memcpy(&w, y, 8);
		diff |= v ^ w;
		__asm__("" : "+r"(diff)); /* the compiler cannot know when to stop early */
	}
	for (; len > 0; len--, x++, y++) {
		diff |= (uint64_t)(*x ^ *y);
		__asm__("" : "+r"(diff));
	}
	return diff == 0;
}
