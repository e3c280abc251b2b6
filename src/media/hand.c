#include "media/hand.h"

#include <string.h>

#include "base/guard.h"
#include "media/inbound.h"
#include "rtp/stun.h"

bool
hand_is(const struct flow_row *r, const struct io_packet *k)
{
	enum rtp_kind kind;

	if (!(r->conf.flags & (MEDIA_F_DTLS | MEDIA_F_ICE)))
		return false;
	kind = rtp_kind_of(k->p, k->len);
	return kind == RTP_KIND_DTLS ? (r->conf.flags & MEDIA_F_DTLS) && !(k->socket & 1)
				     : kind == RTP_KIND_STUN && (r->conf.flags & MEDIA_F_ICE);
}

enum media_drop
hand_over(struct flow_row *r, uint32_t slot, const struct io_packet *k,
	  bool (*on_event)(void *arg, uint16_t type, const void *body, size_t len), void *arg)
{
	struct media_handed h = {
		.slot = slot, .generation = r->generation, .from = k->addr, .rtcp = k->socket & 1};
	bool stun = rtp_kind_of(k->p, k->len) == RTP_KIND_STUN;
	bool check = stun && stun_names(k->p, k->len, r->conf.ice);

	h.early = !stun && !r->conf.rtp.family && !r->stats.far.family;
	if (!check && !h.early && !GUARD(M14, inbound_is_named(r, h.rtcp, &k->addr)))
		return MEDIA_DROP_source;
	if (stun && !check) /* a keepalive of the far end (RFC 8445 11) */
		return MEDIA_KEPT;
	if (r->handed >= (h.early ? HAND_EARLY : HAND_BUDGET) || k->len > MEDIA_DATAGRAM_MAX ||
	    !on_event)
		return MEDIA_DROP_version;
	r->handed++;
	h.total = (uint16_t)k->len;
	for (; h.at < h.total; h.at = (uint16_t)(h.at + h.len)) {
		unsigned left = h.total - h.at;

		h.len = (uint16_t)(left < MEDIA_PART_MAX ? left : MEDIA_PART_MAX);
		memcpy(h.p, k->p + h.at, h.len);
		if (!on_event(arg, MEDIA_HANDED, &h, sizeof(h)))
			return MEDIA_DROP_version;
	}
	return MEDIA_KEPT;
}
