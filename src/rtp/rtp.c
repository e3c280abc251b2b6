#include "rtp/rtp.h"

#include "base/guard.h"

enum {
	VERSION_SHIFT = 6,
	VERSION = 2,
	BIT_PADDING = 0x20,
	BIT_EXTENSION = 0x10,
	EXT_HEAD = 4,
	G711_QUIET = 3, /* the code of a magnitude */
};

enum rtp_kind
rtp_kind_of(const uint8_t *p, size_t len)
{
	if (len == 0)
		return RTP_KIND_NONE;
	if (p[0] <= 3)
		return RTP_KIND_STUN;
	if (p[0] >= 16 && p[0] <= 19)
		return RTP_KIND_ZRTP;
	if (p[0] >= 20 && p[0] <= 63)
		return RTP_KIND_DTLS;
	if (p[0] >= 64 && p[0] <= 79)
		return RTP_KIND_TURN;
	if (p[0] < 128 || p[0] > 191)
		return RTP_KIND_NONE;
	return len > 1 && p[1] >= 192 && p[1] <= 223 ? RTP_KIND_RTCP : RTP_KIND_RTP;
}

/* Octets of extension behind the CSRC list, 0 without one; SYNTAX when it does not fit. */
static enum err
measure_extension(const uint8_t *p, size_t len, size_t at, size_t *ext_len)
{
	*ext_len = 0;
	if (!(p[0] & BIT_EXTENSION))
		return ERR_OK;
	if (len - at < EXT_HEAD)
		return ERR_SYNTAX;
	*ext_len = EXT_HEAD + 4 * (size_t)octets_get16(p + at + 2);
	return GUARD(M11, *ext_len <= len - at) ? ERR_OK : ERR_SYNTAX;
}

/* RFC 3550 5.1: the last octet counts the padding, itself included, and is never 0. */
static enum err
measure_padding(const uint8_t *p, size_t len, size_t header_len, uint8_t *padding_len)
{
	*padding_len = 0;
	if (!(p[0] & BIT_PADDING))
		return ERR_OK;
	if (header_len == len)
		return ERR_SYNTAX;
	*padding_len = p[len - 1];
	if (*padding_len == 0)
		return ERR_SYNTAX;
	return GUARD(M11, *padding_len <= len - header_len) ? ERR_OK : ERR_SYNTAX;
}

static enum err
parse_header(const uint8_t *p, size_t len, bool encrypted, struct rtp_hdr *out)
{
	size_t header_len, ext_len;
	uint8_t padding_len = 0;
	enum err e;

	if (len < RTP_HEADER_LEN)
		return ERR_SHORT;
	if (len > RTP_PACKET_MAX)
		return ERR_LONG;
	if (!GUARD(M8, p[0] >> VERSION_SHIFT == VERSION))
		return ERR_SYNTAX;
	header_len = RTP_HEADER_LEN + 4 * (size_t)(p[0] & 0x0f);
	if (header_len > len)
		return ERR_SYNTAX;
	e = measure_extension(p, len, header_len, &ext_len);
	if (e == ERR_OK && !encrypted)
		e = measure_padding(p, len, header_len + ext_len, &padding_len);
	if (e != ERR_OK)
		return e;
	*out = (struct rtp_hdr){
		.ts = octets_get32(p + 4),
		.ssrc = octets_get32(p + 8),
		.seq = octets_get16(p + 2),
		.header_len = (uint16_t)(header_len + ext_len),
		.payload_len = (uint16_t)(len - header_len - ext_len - padding_len),
		.ext_len = (uint16_t)ext_len,
		.ext_profile = ext_len ? octets_get16(p + header_len) : 0,
		.padding_len = padding_len,
		.pt = p[1] & 0x7f,
		.csrc_count = p[0] & 0x0f,
		.marker = p[1] & 0x80,
		.has_ext = ext_len > 0,
		.has_padding = p[0] & BIT_PADDING,
	};
	return ERR_OK;
}

enum err
rtp_parse(const uint8_t *p, size_t len, struct rtp_hdr *out)
{
	return parse_header(p, len, false, out);
}

enum err
rtp_parse_encrypted(const uint8_t *p, size_t len, struct rtp_hdr *out)
{
	return parse_header(p, len, true, out);
}

void
rtp_put(uint8_t *p, const struct rtp_hdr *h)
{
	p[0] = VERSION << VERSION_SHIFT;
	p[1] = (uint8_t)((h->marker ? 0x80 : 0) | (h->pt & 0x7f));
	rtp_set_seq(p, h->seq);
	rtp_set_ts(p, h->ts);
	rtp_set_ssrc(p, h->ssrc);
}

bool
rtp_g711_silent(uint8_t pt, const uint8_t *p, size_t n)
{
	/* both laws: a sign, then the magnitude, with bits turned over */
	uint8_t turned = pt == RTP_PT_PCMU ? 0x7f : 0x55;

	for (size_t i = 0; i < n; i++)
		if (((p[i] ^ turned) & 0x7f) > G711_QUIET)
			return false;
	return true;
}
