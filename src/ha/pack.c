#include "ha/pack.h"

#include <assert.h>
#include <string.h>

/* A run: so many zero words, then so many others, which follow. */
struct run {
	uint32_t zeros, words;
};

/* End of the run that begins at i: where two zero words stand, or nothing else follows. */
static size_t
run_end(const uint64_t *w, size_t i, size_t n)
{
	while (i < n && (w[i] || (i + 1 < n && w[i + 1])))
		i++;
	return i;
}

size_t
pack_put(const void *data, size_t size, void *out)
{
	const uint64_t *w = data;
	uint64_t *o = out;
	size_t n = size / PACK_WORD, at = 0, i = 0;

	assert(size % PACK_WORD == 0 && size / PACK_WORD <= UINT32_MAX);
	for (;;) {
		size_t begin = i, end;
		struct run r;

		while (begin < n && w[begin] == 0)
			begin++;
		if (begin == n)
			return at * PACK_WORD;
		end = run_end(w, begin, n);
		r = (struct run){(uint32_t)(begin - i), (uint32_t)(end - begin)};
		memcpy(&o[at++], &r, sizeof(r));
		memcpy(&o[at], &w[begin], (end - begin) * PACK_WORD);
		at += end - begin;
		i = end;
	}
}

enum err
pack_get(const void *packed, size_t len, void *out, size_t size)
{
	const uint64_t *p = packed;
	uint64_t *o = out;
	size_t n = size / PACK_WORD, left = len / PACK_WORD, i = 0;

	memset(out, 0, size);
	while (left) {
		struct run r;

		memcpy(&r, p++, sizeof(r));
		left--;
		if (r.zeros > n - i || r.words > n - i - r.zeros || r.words > left || !r.words)
			return ERR_SYNTAX;
		i += r.zeros;
		memcpy(&o[i], p, r.words * (size_t)PACK_WORD);
		i += r.words;
		p += r.words;
		left -= r.words;
	}
	return len % PACK_WORD ? ERR_SYNTAX : ERR_OK;
}

uint64_t
pack_sum(const void *packed, size_t len)
{
	const uint64_t *p = packed;
	uint64_t h = 0x9e3779b97f4a7c15u ^ len;

	/* each step can be turned back, so a difference in one word stays one */
	for (size_t i = 0; i < len / PACK_WORD; i++) {
		h = (h ^ p[i]) * 0xff51afd7ed558ccdu;
		h ^= h >> 32;
	}
	return h;
}
