/* Any packets of telephone events, at any time: each event is told at most once, with a key's code
 * and a bounded length; and any digits, whose packets are heard again. The first octet says which
 * half; then steps of 8 octets: time, timestamp, payload. */
#include <stdlib.h>
#include <string.h>

#include "base/octets.h"
#include "rtp/event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STEP = 8, PACKETS_MAX = 4096 };

#define MUST(c)                                                                                    \
	do {                                                                                       \
		if (!(c))                                                                          \
			abort();                                                                   \
	} while (0)

static void
check_heard(const struct rtp_event_heard *h)
{
	MUST(h->digit.code <= RTP_EVENT_FLASH && h->digit.ms <= RTP_EVENT_MAX_MS);
}

static void
hear(const uint8_t *p, size_t size)
{
	struct rtp_event_in in = {0};
	struct rtp_event_heard h;
	uint64_t now = 1;

	for (; size >= STEP; p += STEP, size -= STEP) {
		uint32_t ts = octets_get16(p + 2);
		bool open = in.open;

		now += (uint64_t)p[0] * 1000;
		if (rtp_event_hear(&in, ts << (p[1] & 15), p[1] & 0x80, p + 4, 4 - (p[1] >> 6 & 1),
				   now, &h))
			check_heard(&h);
		else
			MUST(!open || in.open);
		if (rtp_event_quiet(&in, now + p[0] * 1000u, &h)) {
			check_heard(&h);
			MUST(!rtp_event_quiet(&in, UINT64_MAX, &h));
		}
	}
}

static void
play(const uint8_t *p, size_t size)
{
	struct rtp_event_out o = {0};
	struct rtp_event_in in = {0};
	struct rtp_event_heard h;
	struct rtp_event_packet k;
	uint64_t now = 1;
	unsigned pushed = 0, told = 0, packets = 0;
	uint32_t ts = 0;

	for (; size >= STEP; p += STEP, size -= STEP) {
		struct rtp_event_digit d = {p[1], octets_get16(p + 2)};

		now += (uint64_t)p[0] * 1000;
		pushed += rtp_event_push(&o, d, now);
		while (rtp_event_step(&o, now, &k)) {
			ts += k.first ? 70000 : 0;
			told += rtp_event_hear(&in, ts, k.first, k.payload, RTP_EVENT_LEN, now, &h);
		}
	}
	while (rtp_event_due(&o) != UINT64_MAX && packets++ < PACKETS_MAX) {
		now = rtp_event_due(&o);
		if (!rtp_event_step(&o, now, &k))
			continue;
		ts += k.first ? 70000 : 0;
		told += rtp_event_hear(&in, ts, k.first, k.payload, RTP_EVENT_LEN, now, &h);
	}
	MUST(packets >= PACKETS_MAX || told == pushed);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	if (data[0] & 1)
		hear(data + 1, size - 1);
	else
		play(data + 1, size - 1);
	return 0;
}
