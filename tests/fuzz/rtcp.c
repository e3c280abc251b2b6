/* An RTCP datagram. Properties: its packets fill it; each is a datagram of reduced size by itself;
 * reports that are written again read the same. */
#include <stdlib.h>
#include <string.h>

#include "rtp/rtcp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(c)                                                                                    \
	do {                                                                                       \
		if (!(c))                                                                          \
			abort();                                                                   \
	} while (0)

static bool
same_block(const struct rtcp_block *a, const struct rtcp_block *b)
{
	return a->ssrc == b->ssrc && a->lost == b->lost && a->max_seq == b->max_seq &&
	       a->jitter == b->jitter && a->lsr == b->lsr && a->dlsr == b->dlsr &&
	       a->fraction == b->fraction;
}

/* An SR or RR, and a CNAME, written again. */
static void
write_again(const struct rtcp_pkt *k, struct str cname)
{
	struct rtcp_block blocks[RTCP_BLOCKS_MAX], got;
	struct rtcp_sender s, got_s;
	struct rtcp_iter it;
	struct rtcp_pkt w;
	struct str name;
	uint8_t mem[2048];
	struct buf b;
	unsigned n = 0;

	while (rtcp_read_block(k, n, &got) == ERR_OK)
		blocks[n++] = got;
	MUST(n == k->count);
	buf_init(&b, mem, sizeof(mem));
	if (rtcp_read_sender(k, &s) == ERR_OK)
		rtcp_put_sr(&b, rtcp_ssrc(k), &s, blocks, n);
	else
		rtcp_put_rr(&b, rtcp_ssrc(k), blocks, n);
	rtcp_put_cname(&b, 5, cname);
	rtcp_put_bye(&b, 5);
	MUST(buf_end(&b) == ERR_OK && rtcp_open(mem, b.len, false, &it) == ERR_OK);
	MUST(rtcp_next(&it, &w) && w.type == k->type && rtcp_ssrc(&w) == rtcp_ssrc(k));
	for (unsigned i = 0; i < n; i++)
		MUST(rtcp_read_block(&w, i, &got) == ERR_OK && same_block(&got, &blocks[i]));
	if (rtcp_read_sender(&w, &got_s) == ERR_OK)
		MUST(got_s.ntp == s.ntp && got_s.rtp_ts == s.rtp_ts && got_s.octets == s.octets);
	MUST(rtcp_next(&it, &w) && rtcp_read_cname(&w, 5, &name) == ERR_OK);
	MUST(str_eq(name, cname));
	MUST(rtcp_next(&it, &w) && w.type == RTCP_BYE && !rtcp_next(&it, &w));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rtcp_iter it, strict;
	struct rtcp_pkt k;
	size_t sum = 0;
	enum err e = rtcp_open(data, size, true, &it);

	if (rtcp_open(data, size, false, &strict) == ERR_OK)
		MUST(e == ERR_OK);
	if (e != ERR_OK)
		return 0;
	while (rtcp_next(&it, &k)) {
		struct str name = STR_NULL, more = STR_NULL;
		uint32_t ssrc;

		MUST(k.p == data + sum && k.len >= RTCP_HEADER_LEN);
		sum = it.pos;
		MUST(k.len <= size && sum <= size);
		for (unsigned i = 0; i <= RTCP_BLOCKS_MAX; i++)
			if (rtcp_read_bye(&k, i, &ssrc) == ERR_OK)
				MUST(i < k.count);
		more = rtcp_bye_reason(&k);
		MUST(more.len <= k.len);
		(void)!rtcp_read_app(&k, &name, &more);
		name = STR_NULL;
		(void)!rtcp_read_cname(&k, 0, &name);
		if (k.type == RTCP_SR || k.type == RTCP_RR)
			write_again(&k, name);
	}
	MUST(sum == size);
	return 0;
}
