/* An RTP packet. Properties (M11): the parts of a header that passes fill the packet exactly; what
 * is rewritten in place reads back and moves nothing else. */
#include <stdlib.h>
#include <string.h>

#include "rtp/rtp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(c)                                                                                    \
	do {                                                                                       \
		if (!(c))                                                                          \
			abort();                                                                   \
	} while (0)

static void
rewrite(const uint8_t *data, size_t size, const struct rtp_hdr *h)
{
	uint8_t *p = malloc(size);
	struct rtp_hdr g;

	if (!p)
		return;
	memcpy(p, data, size);
	rtp_set_seq(p, (uint16_t)(h->seq + 1));
	rtp_set_ts(p, ~h->ts);
	rtp_set_ssrc(p, ~h->ssrc);
	rtp_set_pt(p, (uint8_t)(h->pt ^ 0xff));
	rtp_set_marker(p, !h->marker);
	MUST(rtp_parse(p, size, &g) == ERR_OK);
	MUST(g.seq == (uint16_t)(h->seq + 1) && g.ts == ~h->ts && g.ssrc == ~h->ssrc);
	MUST(g.pt == (h->pt ^ 0x7f) && g.marker == !h->marker);
	MUST(g.header_len == h->header_len && g.payload_len == h->payload_len);
	MUST(memcmp(p + RTP_HEADER_LEN, data + RTP_HEADER_LEN, size - RTP_HEADER_LEN) == 0);
	rtp_put(p, h);
	g = *h;
	MUST(rtp_parse(p, RTP_HEADER_LEN, &g) == ERR_OK && g.seq == h->seq && g.ts == h->ts);
	MUST(g.ssrc == h->ssrc && g.pt == h->pt && g.marker == h->marker);
	free(p);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rtp_hdr h, e;
	enum err clear = rtp_parse(data, size, &h);
	enum err encrypted = rtp_parse_encrypted(data, size, &e);

	(void)rtp_kind_of(data, size);
	if (clear == ERR_OK) {
		MUST((size_t)h.header_len + h.payload_len + h.padding_len == size);
		MUST(h.header_len == RTP_HEADER_LEN + 4 * h.csrc_count + h.ext_len);
		MUST(encrypted == ERR_OK && h.header_len == e.header_len && h.pt <= RTP_PT_MAX);
		MUST(rtp_kind_of(data, size) == RTP_KIND_RTP ||
		     rtp_kind_of(data, size) == RTP_KIND_RTCP);
		rewrite(data, size, &h);
	}
	if (encrypted == ERR_OK)
		MUST((size_t)e.header_len + e.payload_len == size && e.padding_len == 0);
	return 0;
}
