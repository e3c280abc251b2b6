#include "policy/source.h"

#include <string.h>

/* First row at or behind from that is not before key; after: that is behind it. */
static uint32_t
find_range(const struct snapshot_view *v, uint32_t from, const struct cidr *key, bool after)
{
	uint32_t lo = from, hi = v->n_sources;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		int c = snapshot_range_cmp(&v->source[mid].range, key);

		if (c < 0 || (after && c == 0))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

uint32_t
source_next(const struct snapshot_view *v, struct source_walk *w)
{
	while (w->row == w->end && w->group < v->n_sources) {
		struct cidr key = v->source[w->group].range;
		uint8_t bits = key.bits;

		memset(key.net.ip, 0xff, sizeof(key.net.ip));
		if (key.net.family != w->addr.family) {
			key.bits = 0; /* behind the whole family */
			w->group = find_range(v, w->group, &key, true);
			continue;
		}
		w->end = find_range(v, w->group, &key, true);
		memcpy(key.net.ip, w->addr.ip, sizeof(key.net.ip));
		for (unsigned bit = bits; bit < 128; bit++)
			key.net.ip[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
		w->row = find_range(v, w->group, &key, false);
		w->group = w->end;
		w->end = find_range(v, w->row, &key, true);
	}
	return w->row < w->end ? w->row++ : POLICY_NONE;
}

bool
source_fits(const struct snapshot_view *v, uint32_t trunk, const struct addr *source)
{
	struct source_walk w = {.addr = *source};
	uint32_t row;

	if (v->trunk[trunk].n_sources == 0)
		return v->trunk[trunk].transport == TRUNK_TLS;
	while ((row = source_next(v, &w)) != POLICY_NONE)
		if (v->source[row].trunk == trunk)
			return true;
	return false;
}
