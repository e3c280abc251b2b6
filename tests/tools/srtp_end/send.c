#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/octets.h"

#include "stream.h"

static void
send_to(struct stream *s, bool rtcp, const uint8_t *p, size_t len)
{
	struct addr to = s->remote;
	struct sockaddr_storage sa;
	socklen_t sa_len;

	if (rtcp && !s->mux)
		to.port++;
	sa_len = addr_to_sa(&to, &sa);
	if (sendto(rtcp && !s->mux ? s->rtcp_fd : s->rtp_fd, p, len, MSG_DONTWAIT,
		   (struct sockaddr *)&sa, sa_len) != (ssize_t)len)
		s->n.send_err++;
	else if (rtcp)
		s->n.rtcp_sent++;
	else
		s->n.sent++;
}

void
send_rtp(struct stream *s)
{
	uint8_t p[PACKET_LEN];
	int len = 12 + SAMPLES;

	p[0] = 0x80;
	p[1] = (uint8_t)(s->pt | (s->counter == 0 ? 0x80 : 0));
	octets_set16(p + 2, s->seq);
	octets_set32(p + 4, s->ts);
	octets_set32(p + 8, s->ssrc);
	tone_fill(p + 12, s->tag, s->counter, s->freq, s->pt);
	if (s->counter == 0)
		s->tx_first = s->seq;
	s->tx_last = s->seq++;
	s->counter++;
	if (s->secure_tx && srtp_protect(s->tx, p, &len) != srtp_err_status_ok)
		s->n.send_err++;
	else
		send_to(s, false, p, (size_t)len);
}

/* A report block about what we hear, RFC 3550 6.4.1. */
static void
put_block(struct stream *s, uint8_t *p)
{
	uint64_t lost = track_lost(&s->by_seq);
	uint64_t expected = (uint64_t)(s->by_seq.high - s->by_seq.first + 1);
	uint64_t d_exp = expected - s->reported_expected;
	uint64_t d_lost = lost > s->reported_lost ? lost - s->reported_lost : 0;

	memset(p, 0, 24);
	octets_set32(p, s->rx_ssrc);
	octets_set32(p + 4, (uint32_t)lost & 0xffffff);
	if (d_exp > 0)
		p[4] = (uint8_t)(d_lost * 255 / d_exp);
	octets_set32(p + 8, (uint32_t)(s->by_seq.high - 65536));
	octets_set32(p + 12, s->jitter >> 4);
	s->reported_expected = expected;
	s->reported_lost = lost;
}

void
send_rtcp(struct stream *s, bool bye)
{
	uint8_t p[PACKET_LEN] = {0x80, 200};
	unsigned blocks = s->by_seq.on;
	size_t id_len = strlen(s->id), at = 28 + 24 * blocks, sdes;
	int64_t wall = clock_wall_us();
	int len;

	p[0] |= (uint8_t)blocks;
	octets_set16(p + 2, (uint16_t)(at / 4 - 1));
	octets_set32(p + 4, s->ssrc);
	octets_set32(p + 8, (uint32_t)(wall / CLOCK_S + 2208988800));
	octets_set32(p + 12, (uint32_t)((double)(wall % CLOCK_S) * 4294.967296));
	octets_set32(p + 16, s->ts);
	octets_set32(p + 20, (uint32_t)s->n.sent);
	octets_set32(p + 24, (uint32_t)s->n.sent * SAMPLES);
	if (blocks)
		put_block(s, p + 28);
	sdes = (4 + 4 + 2 + id_len + 4) & ~(size_t)3; /* at least one zero ends the chunk */
	p[at] = 0x81;
	p[at + 1] = 202;
	octets_set16(p + at + 2, (uint16_t)(sdes / 4 - 1));
	octets_set32(p + at + 4, s->ssrc);
	p[at + 8] = 1; /* CNAME */
	p[at + 9] = (uint8_t)id_len;
	memcpy(p + at + 10, s->id, id_len);
	at += sdes;
	if (bye) {
		octets_set32(p + at, 0x81cb0001);
		octets_set32(p + at + 4, s->ssrc);
		at += 8;
	}
	len = (int)at;
	if (s->secure_tx && srtp_protect_rtcp(s->tx, p, &len) != srtp_err_status_ok)
		s->n.send_err++;
	else
		send_to(s, true, p, (size_t)len);
}
