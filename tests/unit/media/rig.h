/* A relay with arrays for a network, a virtual clock, and far ends made of libsrtp2. Slot 0 is leg
 * A (the customer: SRTP unless a test says otherwise), slot 1 leg B (the gateway: clear). */
#ifndef TESTS_MEDIA_RIG_H
#define TESTS_MEDIA_RIG_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <srtp2/srtp.h>

#include "base/mem.h"
#include "media/control.h"
#include "media/media.h"
#include "rtp/rtcp.h"

enum {
	RIG_QUEUE = 512,
	RIG_SLOTS = 8,
	LEG_A = 0,
	LEG_B = 1,
	KEY_LEN = 16,
	SALT_LEN = 14,
	PAYLOAD = 160,
	EVENTS = 64,
	RIG_SEEN = 1 << 16,
};

struct rig_packet {
	uint8_t p[IO_PACKET_MAX];
	uint32_t len, socket;
	struct addr addr;
	uint8_t dscp;
};

struct rig_event {
	uint16_t type;
	struct media_closed body; /* its first two fields for the others */
};

/* What left under a key and index. */
struct rig_seen {
	uint64_t id, content; /* 0: nothing */
};

struct rig {
	struct media_plan plan;
	int flows_fd, secrets_fd;
	struct flow_table flows;
	struct flow_secrets secrets;
	struct srtp_ctx srtp;
	struct relay *relay;
	struct media_io io; /* of the relay; do_rx NULL: the arrays */
	struct rig_packet *in, *out;
	unsigned n_in, first_in, n_out, batch;
	uint64_t now, mark;
	struct rig_event event[EVENTS];
	unsigned n_events;
	struct media_open open[RIG_SLOTS]; /* as last opened */
	struct rig_seen *seen;             /* the index oracle, on every run (M7) */
	unsigned n_seen;
};

static inline struct addr
rig_addr(const char *z)
{
	struct addr a;

	assert_int_equal(addr_parse(str_from(z), &a), ERR_OK);
	return a;
}

/** A far end of the real network: bound, on loopback, never blocking. */
static inline int
rig_socket(struct addr *local)
{
	struct sockaddr_storage sa;
	struct addr any = rig_addr("127.0.0.1");
	socklen_t len = addr_to_sa(&any, &sa);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, len), 0);
	len = sizeof(sa);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	*local = addr_from_sa(&sa);
	return fd;
}

static unsigned
rig_rx(void *arg, struct io_packet *v, unsigned n)
{
	struct rig *g = arg;
	unsigned got = 0;

	while (got < n && got < g->batch && g->first_in < g->n_in) {
		const struct rig_packet *k = &g->in[g->first_in++];

		memcpy(v[got].p, k->p, k->len);
		v[got].len = k->len;
		v[got].socket = k->socket;
		v[got].addr = k->addr;
		v[got].dscp = k->dscp;
		got++;
	}
	return got;
}

static uint64_t
rig_hash(uint64_t h, const void *p, size_t n)
{
	const uint8_t *b = p;

	for (size_t i = 0; i < n; i++)
		h = (h ^ b[i]) * UINT64_C(1099511628211);
	return h;
}

/* M7: never other content under a key, SSRC and index that were used. */
static void
rig_judge(struct rig *g, const struct io_packet *k)
{
	const struct flow_row *r = flow_row(&g->flows, k->socket / 2);
	bool rtcp = k->len >= 2 && k->p[1] >= 192 && k->p[1] <= 223;
	uint64_t what[4] = {(uint64_t)r->generation << 32 | r->out.serial, k->socket / 2 * 2 + rtcp,
			    r->out.state.ssrc, 0};
	uint64_t content = rig_hash(14695981039346656037u, k->p, k->len), id;

	if (!(r->conf.flags & MEDIA_F_SECURE) || k->len < RTP_HEADER_LEN)
		return;
	what[3] = rtcp ? octets_get32(k->p + k->len - 14) /* E and index, before an 80-bit tag */
		       : srtp_index_estimate(r->out.state.rtp.next - 1, octets_get16(k->p + 2));
	id = rig_hash(14695981039346656037u, what, sizeof(what)) | 1;
	if (g->n_seen >= RIG_SEEN / 4 * 3) { /* long runs: the latest past is what matters */
		memset(g->seen, 0, RIG_SEEN * sizeof(*g->seen));
		g->n_seen = 0;
	}
	for (size_t at = id % RIG_SEEN;; at = (at + 1) % RIG_SEEN) {
		struct rig_seen *s = &g->seen[at];

		if (s->id == id && s->content != content)
			fail_msg("M7: slot %u: index %llu sent twice under a key", k->socket / 2,
				 (unsigned long long)what[3]);
		if (s->id == id)
			return;
		if (!s->id) {
			*s = (struct rig_seen){id, content};
			g->n_seen++;
			return;
		}
	}
}

static unsigned
rig_tx(void *arg, const struct io_packet *v, unsigned n)
{
	struct rig *g = arg;
	unsigned sent = 0;

	for (unsigned i = 0; i < n; i++) {
		struct rig_packet *k;

		if (!v[i].len)
			continue;
		assert_true(g->n_out < RIG_QUEUE);
		rig_judge(g, &v[i]);
		k = &g->out[g->n_out++];
		memcpy(k->p, v[i].p, v[i].len);
		k->len = v[i].len;
		k->socket = v[i].socket;
		k->addr = v[i].addr;
		k->dscp = v[i].dscp;
		sent++;
	}
	return sent;
}

static bool
rig_note(void *arg, uint16_t type, const void *body, size_t len)
{
	struct rig *g = arg;

	assert_true(g->n_events < EVENTS);
	g->event[g->n_events].type = type;
	memcpy(&g->event[g->n_events].body, body, len);
	g->n_events++;
	return true;
}

static inline void
rig_attach(struct rig *g)
{
	struct relay_conf c = {.plan = &g->plan,
			       .flows = &g->flows,
			       .secrets = &g->secrets,
			       .srtp = &g->srtp,
			       .io = {.arg = g, .do_rx = rig_rx, .do_tx = rig_tx},
			       .arg = g,
			       .on_event = rig_note};

	if (g->io.do_rx)
		c.io = g->io;
	g->relay = mem_zalloc(1, sizeof(*g->relay));
	assert_non_null(g->relay);
	assert_int_equal(relay_init(g->relay, &c), ERR_OK);
}

/* Another worker on the same memory; what the old one held privately is gone. */
static inline void
rig_restart(struct rig *g)
{
	relay_fini(g->relay);
	MEM_FREE(g->relay);
	rig_attach(g);
}

/** Over packets of a back end; io NULL: over arrays. */
static inline struct rig *
rig_up_over(const struct media_plan *plan, const struct media_io *io)
{
	struct rig *g = mem_zalloc(1, sizeof(*g));

	assert_non_null(g);
	g->plan = *plan;
	if (io)
		g->io = *io;
	g->now = 1000000;
	g->batch = IO_BATCH;
	g->in = mem_zalloc(RIG_QUEUE, sizeof(*g->in));
	g->out = mem_zalloc(RIG_QUEUE, sizeof(*g->out));
	g->seen = mem_zalloc(RIG_SEEN, sizeof(*g->seen));
	assert_true(g->in && g->out && g->seen);
	assert_int_equal(flow_create(&g->plan, &g->flows_fd, &g->secrets_fd), ERR_OK);
	assert_int_equal(flow_map(g->flows_fd, true, &g->flows), ERR_OK);
	assert_int_equal(flow_secrets_map(g->secrets_fd, true, &g->secrets), ERR_OK);
	assert_int_equal(
		srtp_ctx_init(&g->srtp, SRTP_ENGINE_AUTO, KEYS_A_SLOT * media_slots(&g->plan)),
		ERR_OK);
	rig_attach(g);
	return g;
}

static inline struct rig *
rig_up(void)
{
	struct media_plan plan = {
		.n_addrs = 1, .port_min = 20000, .port_max = 20000 + 2 * RIG_SLOTS - 1};

	plan.bound[0] = rig_addr("10.0.0.1");
	return rig_up_over(&plan, NULL);
}

static inline void
rig_down(struct rig *g)
{
	relay_fini(g->relay);
	mem_free(g->relay);
	srtp_ctx_fini(&g->srtp);
	flow_unmap(&g->flows);
	flow_secrets_unmap(&g->secrets);
	close(g->flows_fd);
	close(g->secrets_fd);
	mem_free(g->in);
	mem_free(g->out);
	mem_free(g->seen);
	mem_free(g);
}

static inline void
rig_open(struct rig *g, const struct media_open *o)
{
	struct media_cmd c = {.mark = ++g->mark, .type = MEDIA_OPEN};

	g->open[o->slot] = *o;
	c.u.open = *o;
	assert_int_equal(control_apply(g->relay, &c, g->now), ERR_OK);
}

static inline void
rig_close(struct rig *g, uint32_t slot, uint32_t generation)
{
	struct media_cmd c = {.mark = ++g->mark, .type = MEDIA_CLOSE};

	c.u.close = (struct media_close){slot, generation};
	assert_int_equal(control_apply(g->relay, &c, g->now), ERR_OK);
}

/* The key of a serial and direction, the same at both ends. */
static inline void
rig_key(uint32_t slot, bool out, uint32_t serial, uint8_t key[KEY_LEN + SALT_LEN])
{
	for (int i = 0; i < KEY_LEN + SALT_LEN; i++)
		key[i] = (uint8_t)(slot * 101 + out * 37 + serial * 13 + i * 7 + 5);
}

static inline void
rig_put(struct media_secret *row, uint32_t slot, bool out, uint32_t serial)
{
	struct sdp_key k = {.key_len = KEY_LEN, .salt_len = SALT_LEN};
	uint8_t key[KEY_LEN + SALT_LEN];

	rig_key(slot, out, serial, key);
	memcpy(k.key, key, KEY_LEN);
	memcpy(k.salt, key + KEY_LEN, SALT_LEN);
	assert_int_equal(media_secret_put(out ? row->out : row->in, serial, &k), ERR_OK);
}

static inline void
rig_secret(struct rig *g, uint32_t slot, bool out, uint32_t serial)
{
	rig_put(&g->secrets.rows[slot], slot, out, serial);
}

static inline struct media_open
rig_leg(uint32_t slot, bool secure)
{
	struct media_open o = {.slot = slot,
			       .generation = 7,
			       .peer = slot ^ 1,
			       .flags = MEDIA_F_RECV | MEDIA_F_SEND | MEDIA_F_ANSWERED,
			       .ptime_ms = 20,
			       .clock_rate = 8000,
			       .timeout_s = 300,
			       .timeout_lost_s = 10,
			       .dscp = 46,
			       .cname = "ours@postern"};
	char z[32];

	(void)snprintf(z, sizeof(z), "192.0.2.%u:%u", slot % 250 + 1, 4000 + 2 * slot);
	o.rtp = rig_addr(z);
	(void)snprintf(z, sizeof(z), "192.0.2.%u:%u", slot % 250 + 1, 4001 + 2 * slot);
	o.rtcp = rig_addr(z);
	if (secure) {
		o.flags |= MEDIA_F_SECURE;
		o.in_serial = o.out_serial = 1;
		o.in_suite = o.out_suite = SRTP_AES_CM_128_HMAC_SHA1_80;
	}
	return o;
}

/* Both legs of the usual call. */
static inline void
rig_call(struct rig *g)
{
	struct media_open a = rig_leg(LEG_A, true), b = rig_leg(LEG_B, false);

	rig_secret(g, LEG_A, false, 1);
	rig_secret(g, LEG_A, true, 1);
	rig_open(g, &a);
	rig_open(g, &b);
}

static inline struct flow_row *
rig_row(struct rig *g, uint32_t slot)
{
	return flow_row(&g->flows, slot);
}

static inline void
rig_push(struct rig *g, uint32_t socket, struct addr from, const void *p, size_t len)
{
	struct rig_packet *k;

	assert_true(g->n_in < RIG_QUEUE && len <= IO_PACKET_MAX);
	k = &g->in[g->n_in++];
	memcpy(k->p, p, len);
	k->len = (uint32_t)len;
	k->socket = socket;
	k->addr = from;
}

/* Relay what waits; g->out holds what left since. */
static inline unsigned
rig_run(struct rig *g)
{
	g->n_out = 0;
	while (g->first_in < g->n_in)
		relay_batch(g->relay, g->now);
	g->first_in = g->n_in = 0;
	return g->n_out;
}

static inline uint64_t
rig_dropped(struct rig *g, uint32_t slot, enum media_drop why)
{
	return rig_row(g, slot)->stats.dropped[why];
}

/* ---- packets ---- */

struct voice {
	uint32_t ssrc, ts;
	uint16_t seq;
};

static inline void
fill_payload(uint8_t *p, uint32_t ssrc, uint16_t seq)
{
	for (int i = 0; i < PAYLOAD; i++)
		p[i] = (uint8_t)(ssrc + seq * 31u + i);
}

/* The next packet of a talker; returns its length. */
static inline uint32_t
speak(struct voice *v, uint8_t *p)
{
	struct rtp_hdr h = {.ts = v->ts, .ssrc = v->ssrc, .seq = v->seq};

	rtp_put(p, &h);
	fill_payload(p + RTP_HEADER_LEN, v->ssrc, v->seq);
	v->seq++;
	v->ts += PAYLOAD;
	return RTP_HEADER_LEN + PAYLOAD;
}

/* ---- a far end with SRTP ---- */

struct far {
	srtp_t tx, rx;
};

static inline srtp_t
far_session(srtp_ssrc_type_t type, uint8_t key[KEY_LEN + SALT_LEN], bool tag32)
{
	srtp_policy_t pol;
	srtp_t s = NULL;

	memset(&pol, 0, sizeof(pol));
	if (tag32)
		srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32(&pol.rtp);
	else
		srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&pol.rtp);
	srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&pol.rtcp);
	pol.ssrc.type = type;
	pol.key = key;
	pol.window_size = 1024;
	pol.allow_repeat_tx = 1;
	assert_int_equal(srtp_create(&s, &pol), srtp_err_status_ok);
	return s;
}

static inline void
far_up(struct far *f, uint32_t slot, uint32_t in_serial, uint32_t out_serial, bool tag32)
{
	uint8_t key[KEY_LEN + SALT_LEN];

	rig_key(slot, false, in_serial, key);
	f->tx = far_session(ssrc_any_outbound, key, tag32);
	rig_key(slot, true, out_serial, key);
	f->rx = far_session(ssrc_any_inbound, key, tag32);
}

static inline void
far_down(struct far *f)
{
	srtp_dealloc(f->tx);
	srtp_dealloc(f->rx);
}

static inline uint32_t
far_seal(struct far *f, uint8_t *p, uint32_t len)
{
	int n = (int)len;

	assert_int_equal(srtp_protect(f->tx, p, &n), srtp_err_status_ok);
	return (uint32_t)n;
}

static inline uint32_t
far_speak(struct far *f, struct voice *v, uint8_t *p)
{
	return far_seal(f, p, speak(v, p));
}

/* Length of the packet in clear, 0 = libsrtp2 refused it. */
static inline uint32_t
far_read(struct far *f, uint8_t *p, uint32_t len)
{
	int n = (int)len;

	return srtp_unprotect(f->rx, p, &n) == srtp_err_status_ok ? (uint32_t)n : 0;
}

static inline int
rig_libsrtp(void **state)
{
	(void)state;
	return srtp_init() == srtp_err_status_ok ? 0 : -1;
}

static inline int
rig_libsrtp_down(void **state)
{
	(void)state;
	return srtp_shutdown() == srtp_err_status_ok ? 0 : -1;
}

/* Says where a row failed. */
#define ROW_EQUAL(row, got, want)                                                                  \
	do {                                                                                       \
		long long row_got = (long long)(got), row_want = (long long)(want);                \
		if (row_got != row_want)                                                           \
			fail_msg("%s: %s is %lld, wanted %lld", row, #got, row_got, row_want);     \
	} while (0)

#endif
