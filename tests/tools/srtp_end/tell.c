#include <stdio.h>

#include "base/clock.h"

#include "stream.h"

static void
put_num(struct buf *b, const char *name, uint64_t v)
{
	buf_printf(b, ",\"%s\":%llu", name, (unsigned long long)v);
}

static void
put_tone(struct buf *b, const struct stream *s)
{
	double n = s->tone.packets ? (double)s->tone.packets : 1;
	double part = s->tone.hear_sum / n, power = s->tone.power_sum / n;

	put_num(b, "tone_hz", tone_loudest(&s->tone));
	put_num(b, "power", (uint64_t)power); /* mean square of 16-bit samples */
	if (!s->tone.hear)
		return;
	buf_printf(b, ",\"hear_hz\":%u,\"tone_part\":%.3f,\"tone_hz_ok\":%s", s->tone.hear, part,
		   s->tone.packets >= 10 && part > 0.8 && power > 10000 ? "true" : "false");
}

static void
put_received(struct buf *b, const struct stream *s)
{
	const struct counts *n = &s->n;

	put_num(b, "received", n->received);
	put_num(b, "lost", n->lost_before + track_lost(&s->by_seq));
	put_num(b, "dup", n->dup_before + s->by_seq.dup);
	put_num(b, "reordered", n->reordered_before + s->by_seq.reordered);
	put_num(b, "auth_fail", n->auth_fail);
	put_num(b, "replay", n->replay);
	put_num(b, "bad", n->bad);
	put_num(b, "foreign", n->foreign);
	put_num(b, "wrong_pt", n->wrong_pt);
	put_num(b, "markers", n->markers);
	put_num(b, "ssrc_changes", n->ssrc_changes);
	put_num(b, "first_seq", s->rx_first);
	put_num(b, "last_seq", s->rx_last);
	put_num(b, "max_gap_ms", n->max_gap_us / CLOCK_MS);
	put_num(b, "jitter", s->jitter >> 4);
	put_num(b, "content_ok", n->content_ok);
	put_num(b, "content_bad", n->content_bad);
	put_num(b, "content_none", n->content_none);
	put_num(b, "content_lost", track_lost(&s->by_content));
	put_num(b, "content_dup", s->by_content.dup);
	put_num(b, "content_reordered", s->by_content.reordered);
	if (s->by_content.on) {
		put_num(b, "content_first", (uint64_t)s->by_content.first);
		put_num(b, "content_last", (uint64_t)s->by_content.high);
	}
	buf_printf(b, ",\"from\":\"%08x\",\"ssrcs\":[", s->far_tag);
	for (uint32_t i = 0; i < s->n_ssrcs; i++)
		buf_printf(b, "%s\"%08x\"", i ? "," : "", s->ssrcs[i]);
	buf_char(b, ']');
}

static void
put_rtcp(struct buf *b, const struct stream *s)
{
	put_num(b, "rtcp_received", s->n.rtcp_received);
	put_num(b, "rtcp_auth_fail", s->n.rtcp_auth_fail);
	put_num(b, "rtcp_replay", s->n.rtcp_replay);
	put_num(b, "rtcp_bad", s->n.rtcp_bad);
	put_num(b, "srtcp_e0", s->n.srtcp_e0);
	put_num(b, "sr", s->n.sr);
	put_num(b, "rr", s->n.rr);
	put_num(b, "sdes", s->n.sdes);
	put_num(b, "bye", s->n.bye);
	put_num(b, "rtcp_other", s->n.rtcp_other);
	put_num(b, "peer_fraction", s->peer_fraction);
	put_num(b, "peer_lost", s->peer_lost);
}

void
tell_stats(const struct stream *s, const char *event)
{
	static char mem[JSON_LEN];
	struct buf b;

	buf_init(&b, mem, sizeof(mem));
	buf_printf(&b, "{\"event\":\"%s\",\"id\":\"%s\",\"tag\":\"%08x\",\"ssrc\":\"%08x\"", event,
		   s->id, s->tag, s->ssrc);
	put_num(&b, "sent", s->n.sent);
	put_num(&b, "send_err", s->n.send_err);
	put_num(&b, "tx_first_seq", s->tx_first);
	put_num(&b, "tx_last_seq", s->tx_last);
	put_num(&b, "rtcp_sent", s->n.rtcp_sent);
	put_num(&b, "late_ms", s->n.late_us / CLOCK_MS);
	put_received(&b, s);
	put_rtcp(&b, s);
	put_tone(&b, s);
	printf("%s}\n", buf_cstr(&b));
}
