#include <string.h>
#include <sys/socket.h>

#include "base/octets.h"

#include "stream.h"

static void
new_ssrc(struct stream *s, uint32_t ssrc, uint16_t seq)
{
	uint32_t i = 0;

	if (s->by_seq.on) {
		s->n.ssrc_changes++;
		s->n.lost_before += track_lost(&s->by_seq);
		s->n.dup_before += s->by_seq.dup;
		s->n.reordered_before += s->by_seq.reordered;
	} else {
		s->rx_first = seq;
	}
	memset(&s->by_seq, 0, sizeof(s->by_seq));
	s->reported_expected = s->reported_lost = 0;
	s->rx_ssrc = ssrc;
	while (i < s->n_ssrcs && s->ssrcs[i] != ssrc)
		i++;
	if (i == s->n_ssrcs && i < SSRC_LIST)
		s->ssrcs[s->n_ssrcs++] = ssrc;
}

/* The number nearest to the highest so far; the first starts at 2^16. */
static int64_t
extend_seq(const struct track *t, uint16_t seq)
{
	return t->on ? t->high + (int16_t)(uint16_t)(seq - (uint16_t)t->high) : 65536 + seq;
}

static void
check_content(struct stream *s, const uint8_t *p, uint32_t len, uint8_t pt)
{
	uint8_t want[SAMPLES];

	if (len < MARK_LEN || octets_get32(p) != TONE_MAGIC) {
		s->n.content_none++;
		tone_hear(&s->tone, p, len, pt);
		return;
	}
	tone_hear(&s->tone, p + MARK_LEN, len - MARK_LEN, pt);
	tone_fill(want, octets_get32(p + 4), octets_get32(p + 8), octets_get16(p + 12), pt);
	if (len != SAMPLES || memcmp(p, want, SAMPLES) != 0) {
		s->n.content_bad++;
		return;
	}
	s->n.content_ok++;
	if (s->far_tag != octets_get32(p + 4))
		memset(&s->by_content, 0, sizeof(s->by_content));
	s->far_tag = octets_get32(p + 4);
	track_push(&s->by_content, octets_get32(p + 8));
}

static void
note_times(struct stream *s, uint64_t now, uint32_t ts)
{
	uint32_t transit = (uint32_t)(now / 125) - ts;
	int32_t d = (int32_t)(transit - s->rx_transit);

	if (s->n.received == 1) {
		s->n.first_us = now;
	} else {
		if (now - s->n.last_us > s->n.max_gap_us)
			s->n.max_gap_us = now - s->n.last_us;
		d = d < 0 ? -d : d; /* RFC 3550 6.4.1, times 16 */
		s->jitter += (uint32_t)d - ((s->jitter + 8) >> 4);
	}
	s->n.last_us = now;
	s->rx_transit = transit;
}

static void
take_rtp(struct stream *s, uint8_t *p, int len, uint64_t now)
{
	uint32_t head;
	uint8_t pt;

	if (s->secure_rx) {
		srtp_err_status_t st = srtp_unprotect(s->rx, p, &len);

		s->n.auth_fail += st == srtp_err_status_auth_fail;
		s->n.replay +=
			st == srtp_err_status_replay_fail || st == srtp_err_status_replay_old;
		if (st != srtp_err_status_ok) {
			s->n.bad += st != srtp_err_status_auth_fail &&
				    st != srtp_err_status_replay_fail &&
				    st != srtp_err_status_replay_old;
			return;
		}
	}
	head = len >= 12 ? 12 + 4u * (p[0] & 15) : 0;
	if (head && p[0] & 0x10)
		head += (uint32_t)len >= head + 4 ? 4u + 4u * octets_get16(p + head + 2)
						  : (uint32_t)len;
	if (!head || p[0] >> 6 != 2 || head > (uint32_t)len) {
		s->n.bad++;
		return;
	}
	s->n.received++;
	pt = p[1] & 0x7f;
	s->n.wrong_pt += pt != s->pt;
	s->n.markers += p[1] >> 7;
	if (!s->by_seq.on || octets_get32(p + 8) != s->rx_ssrc)
		new_ssrc(s, octets_get32(p + 8), octets_get16(p + 2));
	s->rx_last = octets_get16(p + 2);
	track_push(&s->by_seq, extend_seq(&s->by_seq, s->rx_last));
	note_times(s, now, octets_get32(p + 4));
	check_content(s, p + head, (uint32_t)len - head, pt);
}

static void
take_blocks(struct stream *s, const uint8_t *p, uint32_t len, unsigned n)
{
	for (; n > 0 && len >= 24; n--, p += 24, len -= 24) {
		if (octets_get32(p) != s->ssrc)
			continue;
		s->peer_fraction = p[4];
		s->peer_lost = octets_get32(p + 4) & 0xffffff;
	}
}

static void
take_rtcp(struct stream *s, uint8_t *p, int len)
{
	uint32_t at = 0;

	if (s->secure_rx) {
		srtp_err_status_t st;

		if (len >= 8 + 4 + 10 && !(p[len - 14] & 0x80))
			s->n.srtcp_e0++;
		st = srtp_unprotect_rtcp(s->rx, p, &len);
		s->n.rtcp_auth_fail += st == srtp_err_status_auth_fail;
		s->n.rtcp_replay +=
			st == srtp_err_status_replay_fail || st == srtp_err_status_replay_old;
		if (st != srtp_err_status_ok) {
			s->n.rtcp_bad += st != srtp_err_status_auth_fail &&
					 st != srtp_err_status_replay_fail &&
					 st != srtp_err_status_replay_old;
			return;
		}
	}
	s->n.rtcp_received++;
	while (at + 4 <= (uint32_t)len) {
		uint32_t size = 4 + 4 * octets_get16(p + at + 2);

		if (p[at] >> 6 != 2 || at + size > (uint32_t)len) {
			s->n.rtcp_bad++;
			return;
		}
		s->n.sr += p[at + 1] == 200;
		s->n.rr += p[at + 1] == 201;
		s->n.sdes += p[at + 1] == 202;
		s->n.bye += p[at + 1] == 203;
		s->n.rtcp_other += p[at + 1] < 200 || p[at + 1] > 203;
		if (p[at + 1] == 200 && size >= 28)
			take_blocks(s, p + at + 28, size - 28, p[at] & 31);
		if (p[at + 1] == 201 && size >= 8)
			take_blocks(s, p + at + 8, size - 8, p[at] & 31);
		at += size;
	}
}

void
receive_all(struct stream *s, int fd, uint64_t now)
{
	static uint8_t p[PACKET_LEN];

	for (int i = 0; i < READS_MAX; i++) {
		struct sockaddr_storage sa;
		socklen_t sa_len = sizeof(sa);
		ssize_t n = recvfrom(fd, p, sizeof(p), 0, (struct sockaddr *)&sa, &sa_len);
		struct addr from, want = s->remote;
		bool rtcp = fd == s->rtcp_fd || (s->mux && n >= 2 && p[1] >= 192 && p[1] <= 223);

		if (n < 0)
			return;
		from = addr_from_sa(&sa);
		if (fd == s->rtcp_fd)
			want.port++;
		if (!addr_eq(&from, &want)) {
			s->n.foreign++;
			continue;
		}
		if (rtcp)
			take_rtcp(s, p, (int)n);
		else
			take_rtp(s, p, (int)n, now);
	}
}
