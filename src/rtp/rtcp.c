#include "rtp/rtcp.h"

#include "rtp/rtp.h"

enum {
	VERSION = 2,
	BIT_PADDING = 0x20,
	SENDER_LEN = 20,   /* sender info of an SR */
	APP_HEAD_LEN = 12, /* header, SSRC, name */
	FEEDBACK_LEN = 12, /* RFC 4585 6.1: header, two SSRCs */
};
static const uint64_t NTP_UNIX = 2208988800ull; /* seconds from 1900 to 1970 */

bool
rtcp_is(const uint8_t *p, size_t len)
{
	return len > 1 && p[1] >= 192 && p[1] <= 223;
}

static uint64_t
get64(const uint8_t *p)
{
	return (uint64_t)octets_get32(p) << 32 | octets_get32(p + 4);
}

/* Octets up to and with the SSRC or report blocks of k's fixed part. */
static size_t
fixed_len(const struct rtcp_pkt *k)
{
	switch (k->type) {
	case RTCP_SR:
		return 8 + SENDER_LEN + (size_t)k->count * RTCP_BLOCK_LEN;
	case RTCP_RR:
		return 8 + (size_t)k->count * RTCP_BLOCK_LEN;
	case RTCP_BYE:
		return 4 + 4 * (size_t)k->count;
	case RTCP_APP:
		return APP_HEAD_LEN;
	case RTCP_RTPFB:
	case RTCP_PSFB:
		return FEEDBACK_LEN;
	case RTCP_XR:
		return 8;
	default:
		return RTCP_HEADER_LEN;
	}
}

/* The items of one SDES chunk at *at (behind its SSRC); moves *at behind the chunk's fill octets.
 */
static bool
skip_chunk(const struct rtcp_pkt *k, size_t *at, struct str *cname)
{
	size_t i = *at;

	while (i < k->len && k->p[i] != RTCP_SDES_END) {
		size_t n;

		if (k->len - i < 2)
			return false;
		n = k->p[i + 1];
		if (k->len - i - 2 < n)
			return false;
		if (k->p[i] == RTCP_SDES_CNAME && !cname->p)
			*cname = str_of(k->p + i + 2, n);
		i += 2 + n;
	}
	/* RFC 3550 6.5: a null octet at least ends each chunk; without it this is beyond len */
	*at = (i + 4) & ~(size_t)3;
	return *at <= k->len;
}

static bool
check_sdes(const struct rtcp_pkt *k)
{
	size_t at = RTCP_HEADER_LEN;

	for (unsigned i = 0; i < k->count; i++) {
		struct str cname = STR_NULL;

		if (k->len - at < 4)
			return false;
		at += 4;
		if (!skip_chunk(k, &at, &cname))
			return false;
	}
	return true;
}

static bool
check_packet(const struct rtcp_pkt *k)
{
	if (k->len < fixed_len(k))
		return false;
	if (k->type == RTCP_SDES)
		return check_sdes(k);
	if (k->type == RTCP_BYE && k->len > fixed_len(k))
		return k->p[fixed_len(k)] <= k->len - fixed_len(k) - 1;
	return true;
}

/* Cut the packet at it->pos out. last: nothing follows it. False when it does not fit. */
static bool
cut_packet(struct rtcp_iter *it, struct rtcp_pkt *k, bool *last)
{
	const uint8_t *p = it->p + it->pos;
	size_t left = it->len - it->pos, len, padding = 0;

	if (left < RTCP_HEADER_LEN || p[0] >> 6 != VERSION)
		return false;
	len = 4 * ((size_t)octets_get16(p + 2) + 1);
	if (len > left)
		return false;
	*last = len == left;
	if (p[0] & BIT_PADDING) {
		padding = p[len - 1];
		if (!*last || padding == 0 || padding % 4 != 0 || padding > len - RTCP_HEADER_LEN)
			return false;
	}
	*k = (struct rtcp_pkt){.p = p, .len = len - padding, .type = p[1], .count = p[0] & 0x1f};
	it->pos += len;
	return true;
}

enum err
rtcp_open(const uint8_t *p, size_t len, bool reduced, struct rtcp_iter *out)
{
	struct rtcp_iter it = {.p = p, .len = len};
	unsigned n = 0;
	bool last = false;

	if (len < RTCP_HEADER_LEN)
		return ERR_SHORT;
	while (!last) {
		struct rtcp_pkt k;

		if (n++ == RTCP_COMPOUND_MAX || !cut_packet(&it, &k, &last) || !check_packet(&k))
			return ERR_SYNTAX;
		if (k.type < 192 || k.type > 223)
			return ERR_SYNTAX;
		if (n == 1 && !reduced && k.type != RTCP_SR && k.type != RTCP_RR)
			return ERR_SYNTAX;
	}
	it.pos = 0;
	*out = it;
	return ERR_OK;
}

bool
rtcp_next(struct rtcp_iter *it, struct rtcp_pkt *out)
{
	bool last;

	return it->pos < it->len && cut_packet(it, out, &last);
}

uint32_t
rtcp_ssrc(const struct rtcp_pkt *k)
{
	if (k->type == RTCP_BYE || k->type == RTCP_SDES)
		return k->count && k->len >= 8 ? octets_get32(k->p + 4) : 0;
	return k->len >= 8 ? octets_get32(k->p + 4) : 0;
}

enum err
rtcp_read_sender(const struct rtcp_pkt *k, struct rtcp_sender *out)
{
	if (k->type != RTCP_SR || k->len < 8 + SENDER_LEN)
		return ERR_NOTFOUND;
	*out = (struct rtcp_sender){
		.ntp = get64(k->p + 8),
		.rtp_ts = octets_get32(k->p + 16),
		.packets = octets_get32(k->p + 20),
		.octets = octets_get32(k->p + 24),
	};
	return ERR_OK;
}

enum err
rtcp_read_block(const struct rtcp_pkt *k, unsigned i, struct rtcp_block *out)
{
	size_t at = (k->type == RTCP_SR ? 8 + SENDER_LEN : 8) + (size_t)i * RTCP_BLOCK_LEN;
	const uint8_t *p;
	uint32_t lost;

	if ((k->type != RTCP_SR && k->type != RTCP_RR) || i >= k->count ||
	    at + RTCP_BLOCK_LEN > k->len)
		return ERR_NOTFOUND;
	p = k->p + at;
	lost = octets_get32(p + 4) & 0xffffff;
	*out = (struct rtcp_block){
		.ssrc = octets_get32(p),
		.fraction = p[4],
		.lost = lost > RTCP_LOST_MAX ? (int32_t)lost - 0x1000000 : (int32_t)lost,
		.max_seq = octets_get32(p + 8),
		.jitter = octets_get32(p + 12),
		.lsr = octets_get32(p + 16),
		.dlsr = octets_get32(p + 20),
	};
	return ERR_OK;
}

enum err
rtcp_read_cname(const struct rtcp_pkt *k, uint32_t ssrc, struct str *out)
{
	size_t at = RTCP_HEADER_LEN;

	if (k->type != RTCP_SDES)
		return ERR_NOTFOUND;
	for (unsigned i = 0; i < k->count && k->len - at >= 4; i++) {
		struct str cname = STR_NULL;
		uint32_t of = octets_get32(k->p + at);

		at += 4;
		if (!skip_chunk(k, &at, &cname))
			break;
		if (cname.p && (ssrc == 0 || of == ssrc)) {
			*out = cname;
			return ERR_OK;
		}
	}
	return ERR_NOTFOUND;
}

enum err
rtcp_read_bye(const struct rtcp_pkt *k, unsigned i, uint32_t *ssrc)
{
	if (k->type != RTCP_BYE || i >= k->count || 8 + 4 * (size_t)i > k->len)
		return ERR_NOTFOUND;
	*ssrc = octets_get32(k->p + 4 + 4 * (size_t)i);
	return ERR_OK;
}

struct str
rtcp_bye_reason(const struct rtcp_pkt *k)
{
	size_t at = fixed_len(k);

	if (k->type != RTCP_BYE || at >= k->len || k->p[at] > k->len - at - 1)
		return STR_NULL;
	return str_of(k->p + at + 1, k->p[at]);
}

enum err
rtcp_read_feedback(const struct rtcp_pkt *k, struct rtcp_feedback *out)
{
	if ((k->type != RTCP_RTPFB && k->type != RTCP_PSFB) || k->len < FEEDBACK_LEN)
		return ERR_NOTFOUND;
	*out = (struct rtcp_feedback){.type = k->type,
				      .format = k->count,
				      .media = octets_get32(k->p + 8),
				      .info = k->p + FEEDBACK_LEN,
				      .info_len = (k->len - FEEDBACK_LEN) / 4 * 4};
	return ERR_OK;
}

enum err
rtcp_read_app(const struct rtcp_pkt *k, struct str *name, struct str *data)
{
	if (k->type != RTCP_APP || k->len < APP_HEAD_LEN)
		return ERR_NOTFOUND;
	*name = str_of(k->p + 8, 4);
	*data = str_of(k->p + APP_HEAD_LEN, k->len - APP_HEAD_LEN);
	return ERR_OK;
}

static void
put32(struct buf *b, uint32_t v)
{
	uint8_t p[4];

	octets_set32(p, v);
	buf_add(b, p, sizeof(p));
}

/* len: octets of the whole packet, a multiple of 4. */
static void
put_head(struct buf *b, unsigned count, enum rtcp_type type, size_t len, uint32_t ssrc)
{
	uint8_t p[4] = {(uint8_t)(VERSION << 6 | count), (uint8_t)type};

	octets_set16(p + 2, (uint16_t)(len / 4 - 1));
	buf_add(b, p, sizeof(p));
	put32(b, ssrc);
}

static void
put_blocks(struct buf *b, const struct rtcp_block *blocks, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		const struct rtcp_block *k = &blocks[i];
		int32_t lost = k->lost;

		if (lost > RTCP_LOST_MAX)
			lost = RTCP_LOST_MAX;
		if (lost < RTCP_LOST_MIN)
			lost = RTCP_LOST_MIN;
		put32(b, k->ssrc);
		put32(b, (uint32_t)k->fraction << 24 | ((uint32_t)lost & 0xffffff));
		put32(b, k->max_seq);
		put32(b, k->jitter);
		put32(b, k->lsr);
		put32(b, k->dlsr);
	}
}

void
rtcp_put_sr(struct buf *b, uint32_t ssrc, const struct rtcp_sender *s,
	    const struct rtcp_block *blocks, unsigned n)
{
	if (n > RTCP_BLOCKS_MAX)
		n = RTCP_BLOCKS_MAX;
	put_head(b, n, RTCP_SR, 8 + SENDER_LEN + (size_t)n * RTCP_BLOCK_LEN, ssrc);
	put32(b, (uint32_t)(s->ntp >> 32));
	put32(b, (uint32_t)s->ntp);
	put32(b, s->rtp_ts);
	put32(b, s->packets);
	put32(b, s->octets);
	put_blocks(b, blocks, n);
}

void
rtcp_put_rr(struct buf *b, uint32_t ssrc, const struct rtcp_block *blocks, unsigned n)
{
	if (n > RTCP_BLOCKS_MAX)
		n = RTCP_BLOCKS_MAX;
	put_head(b, n, RTCP_RR, 8 + (size_t)n * RTCP_BLOCK_LEN, ssrc);
	put_blocks(b, blocks, n);
}

void
rtcp_put_cname(struct buf *b, uint32_t ssrc, struct str cname)
{
	static const uint8_t zero[4];
	struct str s = str_sub(cname, 0, RTCP_SDES_ITEM_MAX);
	size_t fill = 4 - (2 + s.len) % 4; /* 1..4 null octets end the chunk */

	put_head(b, 1, RTCP_SDES, 8 + 2 + s.len + fill, ssrc);
	buf_char(b, RTCP_SDES_CNAME);
	buf_char(b, (char)s.len);
	buf_str(b, s);
	buf_add(b, zero, fill);
}

void
rtcp_put_bye(struct buf *b, uint32_t ssrc)
{
	put_head(b, 1, RTCP_BYE, 8, ssrc);
}

void
rtcp_put_feedback(struct buf *b, uint32_t ssrc, const struct rtcp_feedback *f)
{
	put_head(b, f->format, (enum rtcp_type)f->type, FEEDBACK_LEN + f->info_len, ssrc);
	put32(b, f->media);
	buf_add(b, f->info, f->info_len);
}

uint64_t
rtcp_ntp(uint64_t wall_us)
{
	uint64_t seconds = wall_us / 1000000 + NTP_UNIX;
	uint64_t fraction = ((wall_us % 1000000) << 32) / 1000000;

	return seconds << 32 | fraction;
}

uint32_t
rtcp_ntp_mid(uint64_t ntp)
{
	return (uint32_t)(ntp >> 16);
}

uint32_t
rtcp_us_to_mid(uint64_t us)
{
	if (us >= 65536ull * 1000000)
		return UINT32_MAX;
	return (uint32_t)((us << 16) / 1000000);
}

uint64_t
rtcp_mid_to_us(uint32_t mid)
{
	return ((uint64_t)mid * 1000000) >> 16;
}
