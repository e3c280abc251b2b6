#include "rtp/quality.h"

#include "base/guard.h"

enum {
	SEQ_MOD = 65536,
	CLOCK_DEFAULT = 8000,
	ROUND_TRIP_MAX_S = 60,
	PACKET_TIME_MS = 20,
};
static const uint32_t NO_SEQ = SEQ_MOD + 1; /* never equal to a sequence number */

void
quality_init(struct quality *q, uint32_t clock_rate, bool trusted)
{
	*q = (struct quality){
		.clock_rate = clock_rate ? clock_rate : CLOCK_DEFAULT,
		.probation_new = trusted ? 0 : QUALITY_SEQUENTIAL_MIN - 1,
		.bad_seq = NO_SEQ,
		.since_loss = QUALITY_GAP_MIN,
	};
}

/* Packets of the present count that should have come. */
static uint64_t
count_expected(const struct quality *q)
{
	if (!q->started || q->received == 0)
		return 0;
	return q->cycles + q->max_seq - q->base_seq + 1;
}

/* A.1 init_seq: count from seq on; what was counted so far stays in the totals. */
static void
restart_count(struct quality *q, uint16_t seq)
{
	q->earlier_expected += count_expected(q);
	q->earlier_received += q->received;
	q->base_seq = seq;
	q->max_seq = seq;
	q->bad_seq = NO_SEQ;
	q->cycles = 0;
	q->received = 0;
	q->has_transit = false;
	q->started = true;
}

void
quality_new_source(struct quality *q)
{
	q->earlier_expected += count_expected(q);
	q->earlier_received += q->received;
	q->received = 0;
	q->cycles = 0;
	q->started = false;
	q->has_transit = false;
	q->jitter_x16 = 0;
	q->since_loss = QUALITY_GAP_MIN;
}

/* RFC 3611 4.7.2: losses with fewer than QUALITY_GAP_MIN good packets between them are one burst; a
 * single loss by itself belongs to the gap. */
static void
end_burst(struct quality *q)
{
	if (q->now_lost < 2)
		return;
	q->bursts++;
	q->burst_lost += q->now_lost;
	q->burst_length += q->now_length;
}

void
quality_bursts(const struct quality *q, struct quality_burst *out)
{
	struct quality end = *q;

	end_burst(&end); /* the one that is not over yet */
	*out = (struct quality_burst){end.bursts, end.burst_lost, end.burst_length};
}

static void
note_gap(struct quality *q, uint16_t delta)
{
	uint32_t missing = (uint32_t)delta - 1;

	if (missing == 0)
		return;
	q->lost_runs++;
	q->lost_in_runs += missing;
	if (missing > q->lost_run_max)
		q->lost_run_max = missing;
	if (q->since_loss >= QUALITY_GAP_MIN) {
		end_burst(q);
		q->now_lost = q->now_length = 0;
		q->since_loss = 0;
	}
	q->now_lost += missing;
	q->now_length += q->since_loss + missing;
	q->since_loss = 0;
}

/* A.1 update_seq, behind the first packet. */
static enum quality_verdict
check_seq(struct quality *q, uint16_t seq)
{
	uint16_t delta = (uint16_t)(seq - q->max_seq);

	if (q->probation) {
		bool in_row = seq == (uint16_t)(q->max_seq + 1);

		q->probation = in_row ? (uint8_t)(q->probation - 1) : q->probation_new;
		q->max_seq = seq;
		if (q->probation)
			return QUALITY_PROBATION;
		restart_count(q, seq);
		return QUALITY_COUNTED;
	}
	if (delta > 0 && delta < QUALITY_DROPOUT_MAX) {
		if (seq < q->max_seq)
			q->cycles += SEQ_MOD;
		note_gap(q, delta);
		q->since_loss++;
		q->max_seq = seq;
		return QUALITY_COUNTED;
	}
	if (delta == 0 || delta > SEQ_MOD - QUALITY_MISORDER_MAX) {
		q->late++;
		return QUALITY_COUNTED;
	}
	if (seq == q->bad_seq) {
		restart_count(q, seq);
		return QUALITY_COUNTED;
	}
	q->bad_seq = (uint16_t)(seq + 1);
	return QUALITY_JUMP;
}

/* A.8. The arrival in timestamp units is taken modulo 2^32, without a 64-bit overflow at any
 * uptime (M12). */
static void
note_jitter(struct quality *q, uint32_t ts, uint64_t now_us)
{
	uint64_t units =
		now_us / 1000000 * q->clock_rate + now_us % 1000000 * q->clock_rate / 1000000;
	uint32_t transit;

	if (GUARD(M12, false)) /* for a red build: 32 bits of time */
		units = (uint32_t)now_us / 1000 * (q->clock_rate / 1000);
	transit = (uint32_t)units - ts;

	if (q->has_transit) {
		int32_t d = (int32_t)(transit - q->transit);
		uint32_t size = d < 0 ? 0u - (uint32_t)d : (uint32_t)d;

		/* a step of the source's clock is no jitter */
		if (size < q->clock_rate)
			q->jitter_x16 += size - ((q->jitter_x16 + 8) >> 4);
	}
	q->transit = transit;
	q->has_transit = true;
}

enum quality_verdict
quality_packet(struct quality *q, uint16_t seq, uint32_t ts, uint64_t now_us)
{
	enum quality_verdict v;

	if (!q->started) {
		restart_count(q, seq);
		q->probation = q->probation_new;
		v = q->probation ? QUALITY_PROBATION : QUALITY_COUNTED;
	} else {
		v = check_seq(q, seq);
	}
	if (v == QUALITY_COUNTED) {
		q->received++;
		note_jitter(q, ts, now_us);
	}
	return v;
}

uint32_t
quality_max_seq(const struct quality *q)
{
	return (uint32_t)(q->cycles + q->max_seq);
}

uint64_t
quality_expected(const struct quality *q)
{
	return q->earlier_expected + count_expected(q);
}

uint64_t
quality_received(const struct quality *q)
{
	return q->earlier_received + q->received;
}

uint64_t
quality_lost(const struct quality *q)
{
	uint64_t expected = quality_expected(q), received = quality_received(q);

	return expected > received ? expected - received : 0;
}

uint32_t
quality_jitter(const struct quality *q)
{
	return q->jitter_x16 >> 4;
}

uint32_t
quality_jitter_us(const struct quality *q)
{
	return (uint32_t)((uint64_t)q->jitter_x16 * 1000000 / 16 / q->clock_rate);
}

uint32_t
quality_burst_x100(const struct quality *q)
{
	uint64_t mean;

	if (q->lost_runs == 0)
		return 100;
	mean = q->lost_in_runs * 100 / q->lost_runs;
	return mean > UINT32_MAX ? UINT32_MAX : (uint32_t)mean;
}

void
quality_block(struct quality *q, uint32_t ssrc, uint32_t lsr, uint32_t dlsr, struct rtcp_block *out)
{
	uint64_t expected = quality_expected(q), received = quality_received(q);
	uint64_t expected_now = expected - q->prior_expected;
	uint64_t received_now = received - q->prior_received;
	int64_t lost = (int64_t)(expected - received);

	if (lost > RTCP_LOST_MAX)
		lost = RTCP_LOST_MAX;
	if (lost < RTCP_LOST_MIN)
		lost = RTCP_LOST_MIN;
	*out = (struct rtcp_block){
		.ssrc = ssrc,
		.lost = (int32_t)lost,
		.max_seq = quality_max_seq(q),
		.jitter = quality_jitter(q),
		.lsr = lsr,
		.dlsr = lsr ? dlsr : 0,
	};
	if (expected_now > received_now) {
		uint64_t f = ((expected_now - received_now) << 8) / expected_now;

		out->fraction = f > 255 ? 255 : (uint8_t)f;
	}
	q->prior_expected = expected;
	q->prior_received = received;
}

enum err
quality_round_trip(const struct rtcp_block *b, uint32_t now_mid, uint32_t *us)
{
	uint32_t trip;

	if (b->lsr == 0)
		return ERR_NOTFOUND;
	trip = now_mid - b->lsr - b->dlsr;
	/* the far end's clock may round up its delay: up to 1 ms below zero is zero */
	if (trip >= 0u - 66u)
		trip = 0;
	if (trip > ROUND_TRIP_MAX_S * 65536u)
		return ERR_RANGE;
	*us = (uint32_t)rtcp_mid_to_us(trip);
	return ERR_OK;
}

/* Loss impairment Ie * 1000 from shares in 1/100000. */
static int64_t
loss_impairment(uint64_t expected, uint64_t lost, uint32_t burst_x100)
{
	int64_t ppl, burst, denominator;

	if (lost > expected)
		lost = expected;
	if (burst_x100 > 100 * 1000)
		burst_x100 = 100 * 1000;
	/* expected is below 2^48 by any clock, so this does not overflow */
	ppl = (int64_t)(lost * 100000 / expected); /* 1/1000 percent */
	burst = (int64_t)burst_x100 * (100000 - ppl) / 100000;
	if (burst < 100)
		burst = 100;
	denominator = ppl * 100 / burst + 25100;
	return 95000 * ppl / denominator;
}

uint8_t
quality_mos_x10(uint64_t expected, uint64_t lost, uint32_t burst_x100, uint32_t round_trip_us,
		uint32_t jitter_us)
{
	int64_t delay_us, delay_impairment, r, mos;

	if (expected == 0)
		return 0;
	delay_us = (int64_t)round_trip_us / 2 + 2 * (int64_t)jitter_us +
		   (int64_t)PACKET_TIME_MS * 1000;
	delay_impairment = 24 * delay_us / 1000;
	if (delay_us > 177300)
		delay_impairment += 110 * (delay_us - 177300) / 1000;
	r = 93200 - delay_impairment - loss_impairment(expected, lost, burst_x100);
	if (r < 0)
		r = 0;
	if (r > 100000)
		r = 100000;
	/* MOS * 1000, with R in thousandths */
	mos = 1000 + 35 * r / 1000 + r * (r - 60000) / 1000 * (100000 - r) / 1000 * 7 / 1000000;
	if (mos < 1000)
		mos = 1000;
	return (uint8_t)((mos + 50) / 100);
}
