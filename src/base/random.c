#include "base/random.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { RANDOM_STOCK = 256 /* bytes; the kernel gives so many in one piece */ };

/* Bytes of the kernel that nobody has had yet: one call for many small wishes. */
static _Thread_local struct {
	size_t left;
	char bytes[RANDOM_STOCK];
} stock;

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
ask_kernel(char *at, size_t len)
{
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

/* A child has bytes of its own: its parent gives out those that both hold. */
static void
forget_stock(void)
{
	stock.left = 0;
}

static void
watch_forks(void)
{
	if (pthread_atfork(NULL, NULL, forget_stock) != 0)
		abort();
}

void
random_bytes(void *p, size_t len)
{
	if (len > RANDOM_STOCK / 4) {
		ask_kernel(p, len);
		return;
	}
	if (stock.left < len) {
		(void)pthread_once(&once, watch_forks);
		ask_kernel(stock.bytes, RANDOM_STOCK);
		stock.left = RANDOM_STOCK;
	}
	stock.left -= len;
	memcpy(p, stock.bytes + stock.left, len);
	explicit_bzero(stock.bytes + stock.left, len); /* it may be a key */
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
