/* Media of the test call: the prober's plain end, on the inside of the real engine. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ready/steps.h"
#include "base/random.h"
#include "rtp/rtcp.h"
#include "rtp/rtp.h"

enum {
	PACKET_MS = 20,
	PACKET_SAMPLES = 160,
	PACKET_MAX = 2048,
	PT_PCMA = 8,
	SILENCE = 0xd5,
	EVENT_BYTES = 4,
	EVENT_PACKETS = 6, /* the last three end it (RFC 4733 2.5.1.4) */
	EVENT_VOLUME = 10,
	SETTLE_US = 300 * CLOCK_MS, /* until both ends work with what was agreed last */
	SLICE_US = 100 * CLOCK_MS,  /* between two looks at what is proven */
	KNOWS_US = CLOCK_S,         /* a report that comes later must know of a phase */
	PROOF_PACKETS = 10,         /* reported of a phase, or .. */
	PROOF_ECHOES = 3,           /* .. sent back */
};

enum err
probe_media_begin(struct probe_media *m, const struct testmedia_rows *rows)
{
	struct sockaddr_storage sa;
	struct addr local = rows->bound[TESTMEDIA_INNER];
	socklen_t len;

	*m = (struct probe_media){.rows = *rows, .fd = -1, .ssrc = random_u32()};
	m->seq = (uint16_t)random_u32();
	m->ts = random_u32();
	local.port = 0;
	len = addr_to_sa(&local, &sa);
	m->fd = socket(sa.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (m->fd < 0)
		return ERR_IO;
	if (bind(m->fd, (struct sockaddr *)&sa, len) != 0)
		return ERR_IO;
	len = sizeof(sa);
	if (getsockname(m->fd, (struct sockaddr *)&sa, &len) != 0)
		return ERR_IO;
	m->own = addr_from_sa(&sa);
	return ERR_OK;
}

void
probe_media_end(struct probe_media *m)
{
	if (m->fd >= 0)
		close(m->fd);
	m->fd = -1;
}

/* ---- what the rows shall be ---- */

static void
set_keys(struct probe_media *m, const struct sdp_local *ours, const struct sdp_stream *far)
{
	m->serial++;
	if (media_secret_put(m->rows.secret->in, m->serial, &far->key) != ERR_OK ||
	    media_secret_put(m->rows.secret->out, m->serial, &ours->crypto[0].key) != ERR_OK)
		m->failed = true;
}

void
probe_media_set(struct probe_media *m, const struct sdp_local *ours, const struct sdp_stream *far,
		bool new_keys)
{
	struct media_open o = {.slot = m->rows.slot[TESTMEDIA_OUTER],
			       .generation = m->rows.generation[TESTMEDIA_OUTER],
			       .peer = m->rows.slot[TESTMEDIA_INNER],
			       .flags = MEDIA_F_SECURE | MEDIA_F_ANSWERED | MEDIA_F_RECV |
					MEDIA_F_SEND,
			       .rtp = far->rtp,
			       .rtcp = far->rtcp,
			       .ptime_ms = PACKET_MS,
			       .clock_rate = far->clock};

	if (new_keys)
		set_keys(m, ours, far);
	o.in_serial = o.out_serial = m->serial;
	o.in_suite = (uint8_t)far->suite;
	o.out_suite = (uint8_t)ours->crypto[0].suite;
	random_token(o.cname, MEDIA_CNAME_MAX - 1);
	if (testmedia_open(&m->rows, &o) != ERR_OK)
		m->failed = true;
	o.slot = m->rows.slot[TESTMEDIA_INNER];
	o.generation = m->rows.generation[TESTMEDIA_INNER];
	o.peer = m->rows.slot[TESTMEDIA_OUTER];
	o.flags = MEDIA_F_ANSWERED | MEDIA_F_RECV | MEDIA_F_SEND | MEDIA_F_RTCP_MUX;
	o.rtp = o.rtcp = m->own;
	o.in_serial = o.out_serial = 0;
	o.in_suite = o.out_suite = 0;
	if (testmedia_open(&m->rows, &o) != ERR_OK)
		m->failed = true;
}

/* ---- packets ---- */

static void
send_packet(struct probe_media *m, uint8_t pt, bool marker, const void *payload, size_t len)
{
	struct rtp_hdr h = {
		.pt = pt, .marker = marker, .seq = m->seq++, .ts = m->ts, .ssrc = m->ssrc};
	struct sockaddr_storage sa;
	socklen_t sa_len = addr_to_sa(&m->rows.bound[TESTMEDIA_INNER], &sa);
	uint8_t p[PACKET_MAX];

	rtp_put(p, &h);
	memcpy(p + RTP_HEADER_LEN, payload, len);
	if (sendto(m->fd, p, RTP_HEADER_LEN + len, 0, (struct sockaddr *)&sa, sa_len) > 0)
		m->sent++;
}

/* Silence that can be told from anybody else's. */
static void
fill_voice(const struct probe_media *m, uint8_t p[PACKET_SAMPLES])
{
	memset(p, SILENCE, PACKET_SAMPLES);
	octets_set32(p, m->ssrc);
	octets_set32(p + 4, m->phase);
}

static void
receive_all(struct probe_media *m)
{
	uint8_t p[PACKET_MAX];
	ssize_t n;

	while ((n = recv(m->fd, p, sizeof(p), MSG_DONTWAIT)) > 0) {
		struct rtp_hdr h;

		if (rtcp_is(p, (size_t)n) || rtp_parse(p, (size_t)n, &h) != ERR_OK)
			continue;
		m->received++;
		if (m->digit_pt && h.pt == m->digit_pt)
			m->digits_back +=
				h.payload_len >= EVENT_BYTES && p[h.header_len] == m->digit;
		else if (h.payload_len >= 8 && octets_get32(p + h.header_len) == m->ssrc &&
			 octets_get32(p + h.header_len + 4) == m->phase)
			m->echoed++;
	}
}

/* Until the next packet is due. */
static void
wait_packet(struct probe_media *m, uint64_t due_us)
{
	uint64_t now;

	while ((now = clock_now_us()) < due_us) {
		struct pollfd p = {.fd = m->fd, .events = POLLIN};

		if (poll(&p, 1, (int)((due_us - now) / CLOCK_MS) + 1) > 0)
			receive_all(m);
	}
}

void
probe_media_run(struct probe_media *m, const _Atomic bool *stop, uint64_t us)
{
	uint64_t next = clock_now_us(), end = next + us;
	uint8_t voice[PACKET_SAMPLES];

	fill_voice(m, voice);
	while (next < end && !atomic_load(stop)) {
		send_packet(m, PT_PCMA, m->sent == 0, voice, sizeof(voice));
		m->ts += PACKET_SAMPLES;
		next += PACKET_MS * CLOCK_MS;
		wait_packet(m, next);
	}
}

/* ---- what is proven ---- */

/* Where a phase begins. */
struct mark {
	uint64_t began_us;
	uint32_t sent, received, reports, lost;
	uint16_t seq; /* of the last packet to the far end */
};

static bool
look_at_row(const struct probe_media *m, struct flow_row *row)
{
	return flow_peek(m->rows.flows, m->rows.slot[TESTMEDIA_OUTER], row) == ERR_OK &&
	       row->generation == m->rows.generation[TESTMEDIA_OUTER];
}

static struct mark
mark_here(struct probe_media *m)
{
	struct mark k = {.began_us = clock_now_us(), .sent = m->sent, .received = m->received};
	struct flow_row row;

	m->phase++;
	m->echoed = 0;
	if (look_at_row(m, &row)) {
		k.reports = row.stats.far_reports;
		k.lost = row.stats.far_lost;
		k.seq = row.out.seq_last;
	}
	return k;
}

/* A report names the highest packet that the far end took, so one sent after the mark was taken
 * under the key that we sent it with. */
static void
look_at_reports(struct mark *k, const struct flow_row *row, struct probe_phase *out)
{
	int16_t ahead = (int16_t)(row->stats.far_seq - k->seq);
	bool late = clock_now_us() - k->began_us >= KNOWS_US;

	if (row->stats.far_reports == k->reports)
		return;
	k->reports = row->stats.far_reports;
	out->reported |= late || ahead >= PROOF_PACKETS;
	out->lost = row->stats.far_lost > k->lost ? row->stats.far_lost - k->lost : 0;
	out->reached = ahead >= PROOF_PACKETS && out->lost <= (uint32_t)ahead / 2;
}

static void
look(const struct probe_media *m, struct mark *k, struct probe_phase *out)
{
	struct flow_row row;

	out->sent = m->sent - k->sent;
	out->back = m->received - k->received;
	out->echoed = m->echoed;
	if (!look_at_row(m, &row))
		return;
	out->own_key = row.in.serial == m->serial && row.in.pinned == m->serial;
	look_at_reports(k, &row, out);
}

void
probe_media_phase(struct probe_media *m, const _Atomic bool *stop, uint64_t least_us,
		  uint64_t most_us, struct probe_phase *out)
{
	struct mark k;
	uint64_t now;

	m->phase++;
	probe_media_run(m, stop, SETTLE_US);
	*out = (struct probe_phase){0};
	k = mark_here(m);
	do {
		probe_media_run(m, stop, SLICE_US);
		look(m, &k, out);
		now = clock_now_us();
	} while (!atomic_load(stop) &&
		 (now - k.began_us < least_us ||
		  (now - k.began_us < most_us && out->echoed < PROOF_ECHOES && !out->reached)));
}

void
probe_media_digit(struct probe_media *m, uint8_t pt, uint8_t event)
{
	uint64_t next = clock_now_us();

	m->digit_pt = pt;
	m->digit = event;
	for (unsigned i = 1; i <= EVENT_PACKETS; i++) {
		uint8_t p[EVENT_BYTES] = {event, EVENT_VOLUME};
		unsigned length = i < EVENT_PACKETS - 2 ? i : EVENT_PACKETS - 2;

		if (i >= EVENT_PACKETS - 2)
			p[1] |= 0x80;
		octets_set16(p + 2, (uint16_t)(length * PACKET_SAMPLES));
		send_packet(m, pt, i == 1, p, sizeof(p));
		next += PACKET_MS * CLOCK_MS;
		wait_packet(m, next);
	}
	m->ts += EVENT_PACKETS * PACKET_SAMPLES;
}
