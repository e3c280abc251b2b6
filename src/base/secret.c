#include "base/secret.h"

#include <string.h>

void
secret_wipe(void *p, size_t len)
{
	explicit_bzero(p, len);
}

bool
secret_equal(const void *a, const void *b, size_t len)
{
	const volatile unsigned char *x = a, *y = b;
	unsigned char diff = 0;

	for (size_t i = 0; i < len; i++)
		diff |= (unsigned char)(x[i] ^ y[i]);
	return diff == 0;
}
