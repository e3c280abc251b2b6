/* The deadlines of DTLS handshakes, by a virtual clock: when we say hello, how long a handshake may
 * take, what is tried again, and how long one that is over can still repeat its last word. Its far
 * end is net/dtls; media is a channel. */
#include "unit/call/rig.h"

#include "app/dtlsdesk.h"
#include "base/channel.h"

#define PRINTED                                                                                    \
	"a=fingerprint:sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:" \
	"66:77:88:99:AA:BB:CC:DD:EE:FF\r\na=rtcp-mux\r\n"
#define OFFER(setup)                                                                               \
	SDP_HEAD("198.51.100.7")                                                                   \
	"m=audio 4000 UDP/TLS/RTP/SAVP 8\r\na=rtpmap:8 PCMA/8000\r\n" PRINTED "a=setup:" setup     \
	"\r\n"

enum { SLOTS = 600, MS = 1000, S = 1000 * MS, SENT_MAX = 16 };

struct bed {
	struct fake *f;
	struct media_plan plan;
	struct media_totals totals[MEDIA_WORKERS_MAX];
	struct media_given given[MEDIA_WORKERS_MAX];
	struct media_ctl media;
	struct channel wire; /* what media gets */
	struct dtlsdesk desk;
	struct dtls_own own; /* of the far end */
	struct dtls far;
	struct call_keying k; /* what the call asked for, with the far end's print */
	struct media_send sent[SENT_MAX];
	unsigned n_sent;
	struct rig_pair pair;
};

static struct bed bed; /* 30 kB */

/* A call that is up and waits for its keys. False where memory ran out (the ladder). */
static bool
bed_up(bool active)
{
	struct bed *b = &bed;
	int fd[2];

	memset(b, 0, sizeof(*b));
	b->f = rig_up();
	rig_trunk(b->f, "acme-pbx")->keying = TRUNK_KEYING_DTLS;
	rig_world(b->f);
	b->pair.a = rig_invite(
		b->f, &(struct invite){.body = active ? OFFER("passive") : OFFER("active")});
	b->pair.b = rig_out(b->f);
	fake_answer(b->f, b->pair.b, 200, "gw", GW_CONTACT, GW_BODY);
	(void)rig_inside(b->f, b->pair.a, "acme-pbx", "ACK", 1, "");
	b->k = b->f->keying;
	b->plan = (struct media_plan){
		.n_addrs = 1, .port_min = 20000, .port_max = 20000 + 2 * SLOTS - 1};
	assert_int_equal(channel_pair(fd), ERR_OK);
	assert_int_equal(channel_init(&b->wire, fd[1], 4), ERR_OK);
	assert_int_equal(media_ctl_init(&b->media, 1, &b->plan, 4, b->totals, b->given), ERR_OK);
	media_ctl_rebind(&b->media, 0, fd[0]);
	if (dtls_own_init(&b->own) != ERR_OK ||
	    dtlsdesk_init(&b->desk, SLOTS, &b->media, &b->f->timers, &b->f->calls) != ERR_OK)
		return false;
	memcpy(b->k.peer.print, b->own.print, DTLS_OWN_PRINT);
	return true;
}

static void
bed_down(void)
{
	struct bed *b = &bed;

	dtlsdesk_fini(&b->desk);
	dtls_fini(&b->far);
	dtls_own_fini(&b->own);
	media_ctl_fini(&b->media);
	channel_fini(&b->wire);
	rig_end(b->f, 1);
}

/* What was sent since the last time; the far end does not hear of it. */
static unsigned
take_sent(void)
{
	struct channel_msg m;

	bed.n_sent = 0;
	while (channel_recv(&bed.wire, &m, NULL, NULL) == ERR_OK && bed.n_sent < SENT_MAX) {
		assert_int_equal(m.head.type, MEDIA_SEND);
		memcpy(&bed.sent[bed.n_sent++], m.body, sizeof(bed.sent[0]));
	}
	return bed.n_sent;
}

static void
want(bool answered)
{
	bed.k.answered = answered;
	assert_true(dtlsdesk_want(&bed.desk, &bed.k, bed.f->now));
}

static struct dtlsdesk_job *
job(void)
{
	return bed.desk.by_slot[bed.k.slot];
}

/* A datagram, whole or as media cuts it. */
static void
hand_as(struct media_handed h, const void *p, size_t len)
{
	h.total = (uint16_t)len;
	for (; h.at < len; h.at = (uint16_t)(h.at + h.len)) {
		h.len = (uint16_t)(len - h.at < MEDIA_PART_MAX ? len - h.at : MEDIA_PART_MAX);
		memcpy(h.p, (const char *)p + h.at, h.len);
		dtlsdesk_take(&bed.desk, &h, bed.f->now);
	}
}

/* Of the far end. */
static void
hand(const void *p, size_t len)
{
	hand_as((struct media_handed){.slot = bed.k.slot,
				      .generation = bed.k.generation,
				      .from = bed.k.far},
		p, len);
}

static void
far_begins(bool active)
{
	struct dtls_conf c = {.active = active,
			      .n_profiles = 1,
			      .profile = {DTLS_PROFILE_AES128_CM_80},
			      .print_len = DTLS_OWN_PRINT};

	memcpy(c.print, bed.desk.own.print, DTLS_OWN_PRINT);
	dtls_fini(&bed.far);
	assert_int_equal(dtls_init(&bed.far, &bed.own, &c), ERR_OK);
}

/* All that both ends have to say. */
static void
exchange(void)
{
	struct str p;

	for (int round = 0; round < 8; round++) {
		for (unsigned i = 0, n = take_sent(); i < n; i++)
			dtls_take(&bed.far, bed.sent[i].p, bed.sent[i].len);
		while (dtls_give(&bed.far, &p)) {
			char copy[DTLS_SEND_MAX];

			memcpy(copy, p.p, p.len);
			hand(copy, p.len);
		}
	}
}

/* Our hello waits for the SDP that explains it; with ICE for the address. */
static void
test_hello(void **state)
{
	(void)state;
	if (bed_up(true)) {
		want(true);
		fake_run(bed.f, DTLSDESK_HELLO_US - 1);
		assert_int_equal(take_sent(), 0);
		fake_run(bed.f, 1);
		assert_int_equal(take_sent(), 1);
		assert_true(addr_eq(&bed.sent[0].to, &bed.k.far));
		want(true); /* said again: nothing new */
		fake_run(bed.f, 100);
		assert_int_equal(take_sent(), 0);
	}
	bed_down();
	if (bed_up(true)) {
		bed.k.waits = true;
		want(true);
		fake_run(bed.f, 2 * S);
		assert_int_equal(take_sent(), 0);
		bed.k.waits = false;
		bed.k.far.port = 7000;
		want(true);
		fake_run(bed.f, 0);
		assert_int_equal(take_sent(), 1);
		assert_int_equal(bed.sent[0].to.port, 7000);
		fake_run(bed.f, 8 * S - 1); /* and its time runs since the answer */
		assert_int_equal(rig_call(bed.f)->m.state, B2BUA_UP);
		fake_run(bed.f, 1);
		assert_int_equal(rig_call(bed.f)->rec.refusal, REFUSAL_DTLS_SILENT);
	}
	bed_down();
}

/* Before the answer there is no limit: a phone may ring. After it, so long and no longer. */
static void
test_limit(void **state)
{
	(void)state;
	for (int active = 0; active < 2; active++) {
		if (bed_up(active)) {
			want(false);
			fake_run(bed.f, 60 * S);
			assert_non_null(job());
			want(true);
			fake_run(bed.f, DTLSDESK_LIMIT_US - 1);
			want(true); /* which gives it no more time */
			assert_non_null(job());
			assert_int_equal(rig_call(bed.f)->m.state, B2BUA_UP);
			fake_run(bed.f, 1);
			assert_null(job());
			assert_int_equal(rig_call(bed.f)->rec.refusal, REFUSAL_DTLS_SILENT);
			assert_int_equal(rig_count(bed.f, SENT_REQUEST, SIP_BYE), 2);
		}
		bed_down();
	}
}

/* A forged alert breaks a handshake: it begins anew, three times. */
static void
test_again(void **state)
{
	static const uint8_t alert[] = {21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 40};

	(void)state;
	if (bed_up(true)) {
		want(true);
		fake_run(bed.f, DTLSDESK_HELLO_US);
		for (int i = 1; i < DTLSDESK_TRIES; i++) {
			assert_int_equal(take_sent(), 1);
			hand(alert, sizeof(alert));
			hand(alert, sizeof(alert)); /* of the one that is over */
			assert_int_equal(job()->tries, i);
			fake_run(bed.f, DTLSDESK_AGAIN_US - 1);
			assert_int_equal(take_sent(), 0);
			fake_run(bed.f, 1);
		}
		assert_int_equal(take_sent(), 1);
		hand(alert, sizeof(alert));
		assert_null(job());
		assert_int_equal(rig_call(bed.f)->rec.refusal, REFUSAL_DTLS_FAILED);
	}
	bed_down();
	if (bed_up(true)) { /* once broken, silent is not what it was */
		want(true);
		fake_run(bed.f, DTLSDESK_HELLO_US);
		hand(alert, sizeof(alert));
		fake_run(bed.f, DTLSDESK_LIMIT_US);
		assert_int_equal(rig_call(bed.f)->rec.refusal, REFUSAL_DTLS_FAILED);
	}
	bed_down();
	if (bed_up(false)) { /* who waits, waits anew at once */
		want(true);
		far_begins(true);
		exchange();
		assert_int_equal(rig_row(bed.f, LEG_A)->in_serial, 1);
	}
	bed_down();
}

/* It is over: for so long who lost our last word can have it again. */
static void
test_over(void **state)
{
	(void)state;
	if (bed_up(true)) {
		far_begins(false);
		want(true);
		fake_run(bed.f, DTLSDESK_HELLO_US);
		exchange();
		assert_int_equal(bed.far.state, DTLS_UP);
		assert_int_equal(rig_row(bed.f, LEG_A)->in_serial, 1);
		assert_int_equal(rig_row(bed.f, LEG_A)->out_serial, 1);
		fake_run(bed.f, DTLSDESK_LINGER_US - 1);
		assert_non_null(job());
		fake_run(bed.f, 1);
		assert_null(job());
		assert_int_equal(rig_call(bed.f)->m.state, B2BUA_UP);
	}
	bed_down();
}

struct before {
	const char *name;
	uint16_t port;       /* added to that of the far end */
	uint32_t generation; /* added */
	uint64_t wait_us;    /* until the answer */
	bool ice;            /* the answer is there, and who it is comes later */
	bool ends;           /* the offer is over */
	bool cut;            /* a part of it is lost */
	bool heard;
};

/* Its hello comes before the answer: nothing is done by it until that names where it came from. */
static void
early_is(const struct before *r)
{
	struct media_handed h = {.slot = bed.k.slot,
				 .generation = bed.k.generation + r->generation,
				 .from = bed.k.far,
				 .early = 1};
	char hello[DTLS_SEND_MAX];
	struct str p;

	far_begins(true);
	assert_true(dtls_give(&bed.far, &p));
	memcpy(hello, p.p, p.len);
	h.from.port = (uint16_t)(h.from.port + r->port);
	bed.k.waits = r->ice;
	if (r->ice)
		want(true);
	if (r->cut) {
		h.len = h.total = (uint16_t)p.len;
		h.total++;
		memcpy(h.p, hello, p.len);
		dtlsdesk_take(&bed.desk, &h, bed.f->now);
	} else {
		hand_as(h, hello, p.len);
	}
	fake_run(bed.f, r->wait_us);
	if (r->ends)
		dtlsdesk_drop(&bed.desk, bed.k.slot);
	assert_int_equal(take_sent(), 0);
	assert_int_equal(job() ? job()->dtls.n_out : 0, 0);
	bed.k.waits = false;
	want(true);
	fake_run(bed.f, 0);
	exchange();
	if ((rig_row(bed.f, LEG_A)->in_serial == 1) != r->heard)
		fail_msg("%s", r->name);
	assert_int_equal(pool_used(&bed.desk.early.flights), 0);
	hand_as(h, hello, p.len); /* again, behind the answer: whose it is counts as before */
	exchange();
	if ((rig_row(bed.f, LEG_A)->in_serial == 1) != (!r->port && !r->generation))
		fail_msg("%s, again", r->name);
}

static void
test_early(void **state)
{
	static const struct before rows[] = {
		{.name = "before the answer", .wait_us = 300 * MS, .heard = true},
		{.name = "before it is nominated", .wait_us = 300 * MS, .ice = true, .heard = true},
		{.name = "M14 a stranger", .port = 2, .wait_us = 300 * MS},
		{.name = "M14 a stranger, with ICE", .port = 2, .wait_us = 300 * MS, .ice = true},
		{.name = "of another use of the slot", .generation = 1, .wait_us = 300 * MS},
		{.name = "too old", .wait_us = DTLSEARLY_KEPT_US},
		{.name = "another target", .wait_us = 300 * MS, .ends = true},
		{.name = "a part is lost", .wait_us = 300 * MS, .cut = true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (bed_up(false))
			early_is(&rows[i]);
		bed_down();
	}
}

/* A datagram of which a part was lost, or of another use of the slot, is none. */
static void
test_parts(void **state)
{
	(void)state;
	if (bed_up(false)) {
		struct media_handed h = {.slot = bed.k.slot,
					 .generation = bed.k.generation + 1,
					 .total = 100,
					 .len = 100,
					 .p = {22}};

		want(true);
		dtlsdesk_take(&bed.desk, &h, bed.f->now);
		assert_int_equal(job()->have, 0);
		h.generation--;
		h.total = 2 * MEDIA_PART_MAX + 1;
		h.len = MEDIA_PART_MAX;
		dtlsdesk_take(&bed.desk, &h, bed.f->now);
		assert_int_equal(job()->have, MEDIA_PART_MAX);
		h.at = 2 * MEDIA_PART_MAX;
		h.len = 1;
		dtlsdesk_take(&bed.desk, &h, bed.f->now);
		assert_int_equal(job()->total, 0);
		far_begins(true); /* the next one is whole */
		exchange();
		assert_int_equal(rig_row(bed.f, LEG_A)->in_serial, 1);
		dtlsdesk_drop(&bed.desk, bed.k.slot);
		dtlsdesk_drop(&bed.desk, bed.k.slot);
		hand(h.p, 100);
		assert_null(job());
	}
	bed_down();
}

/* All places taken: who is over goes first, and then there is none. */
static void
test_places(void **state)
{
	(void)state;
	if (bed_up(true)) {
		struct call_keying other = bed.k;

		far_begins(false);
		want(true);
		fake_run(bed.f, DTLSDESK_HELLO_US);
		exchange();
		assert_int_not_equal(job()->gone_us, 0);
		other.account.z[0] = 0; /* nobody's part */
		other.waits = true;
		other.answered = false;
		for (other.slot = 10; other.slot < 10 + DTLSDESK_JOBS - 1; other.slot++)
			assert_true(dtlsdesk_want(&bed.desk, &other, bed.f->now));
		assert_non_null(job());
		assert_true(dtlsdesk_want(&bed.desk, &other, bed.f->now));
		assert_null(job());
		other.slot++;
		assert_false(dtlsdesk_want(&bed.desk, &other, bed.f->now));
		dtlsdesk_drop(&bed.desk, 10);
		assert_true(dtlsdesk_want(&bed.desk, &other, bed.f->now));
		other.slot = SLOTS;
		assert_false(dtlsdesk_want(&bed.desk, &other, bed.f->now));
	}
	bed_down();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hello), cmocka_unit_test(test_limit),
		cmocka_unit_test(test_again), cmocka_unit_test(test_over),
		cmocka_unit_test(test_parts), cmocka_unit_test(test_places),
		cmocka_unit_test(test_early),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
