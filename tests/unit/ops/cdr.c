/* A call record as one line of JSON: the golden line, nothing, and everything that hurts. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "ops/cdr.h"
#include "ops/jsonin.h"
#include "sdp/keys.h"
#include "edge/edge.h"
#include "world.h"

static char mem[CDR_LINE_MAX + 1];

static const char *
line_of(const struct call_record *r)
{
	struct buf b;

	buf_init(&b, mem, sizeof(mem));
	cdr_put(&b, r);
	assert_int_equal(buf_end(&b), ERR_OK);
	assert_true(b.len < CDR_LINE_MAX); /* and a newline */
	return buf_cstr(&b);
}

static struct call_record
make_answered(void)
{
	struct call_record r = world_record("aeaaaaaaaaaaaaaaaaaa");
	struct record_leg *a = &r.leg[LEG_A], *b = &r.leg[LEG_B];

	r.class = CLASS_ORIGINATION;
	(void)snprintf(r.from_sent, CALL_NUMBER_MAX, "+15557770001");
	(void)snprintf(r.to_sent, CALL_NUMBER_MAX, "5551234567");
	r.ringing_us = 1700000000500000;
	r.answer_us = 1700000002000000;
	r.end_us = 1700000005250000;
	r.answer_mono_us = 10000000;
	r.end_mono_us = 13250000;
	r.sip_status = 200;
	r.price_micro = 12000;
	r.increment_s = 60;
	r.steps = 1;
	r.q850 = 16;
	r.ended_by = ENDER_CALLER;
	r.n_targets = 2;
	(void)snprintf(r.target[0].trunk.z, POLICY_ID_MAX, "gw1");
	r.target[0].at_us = 1700000000100000;
	r.target[0].status = -1;
	(void)snprintf(r.target[1].trunk.z, POLICY_ID_MAX, "gw2");
	(void)!addr_parse(STR("10.0.0.10:5060"), &r.target[1].tried[0]);
	(void)!addr_parse(STR("10.0.0.11:5060"), &r.target[1].tried[1]);
	r.target[1].n_tried = 2;
	r.target[1].at_us = 1700000000200000;
	r.target[1].status = 200;
	a->transport = EDGE_TLS;
	(void)!addr_parse(STR("192.0.2.7:40000"), &a->remote);
	(void)snprintf(a->peer, sizeof(a->peer), "DNS pbx.example.test");
	(void)snprintf(a->tls_version, sizeof(a->tls_version), "TLS 1.2");
	(void)snprintf(a->tls_suite, sizeof(a->tls_suite), "AES128-SHA");
	(void)snprintf(a->codec, sizeof(a->codec), "PCMU");
	a->secure = 1;
	a->form = SDP_FORM_DTLS;
	a->in_suite = SDP_SUITE_AES_CM_128_80;
	a->out_suite = SDP_SUITE_AES_CM_128_32;
	a->stats = (struct media_stats){.in_packets = 160,
					.in_lost = 3,
					.in_jitter_us = 1200,
					.out_packets = 161,
					.far_lost = 1,
					.in_bursts = 1,
					.in_burst_lost = 2,
					.in_burst_length = 4,
					.far_jitter_us = 900,
					.round_trip_us = 43000,
					.roc_guesses = 2,
					.mos_x10 = 43};
	a->stats.dropped[MEDIA_DROP_auth] = 4;
	a->stats.dropped[MEDIA_DROP_replay] = 5;
	(void)!addr_parse(STR("192.0.2.7:30000"), &a->stats.far);
	(void)snprintf(b->trunk.z, POLICY_ID_MAX, "gw2");
	b->security = TRUNK_SEC_PREFERRED;
	b->fell = RECORD_FALL_answered;
	a->fax = RECORD_FAX_clear;
	a->video = (struct record_video){.was = 1,
					 .in_packets = 700,
					 .out_packets = 701,
					 .in_suite = SDP_SUITE_AES_CM_128_80};
	b->audio = RECORD_AUDIO_none;
	(void)!addr_parse(STR("[2001:db8::1]:5060"), &b->remote);
	(void)snprintf(b->codec, sizeof(b->codec), "PCMU");
	return r;
}

static void
test_golden(void **state)
{
	struct call_record r = make_answered();

	(void)state;
	assert_string_equal(
		line_of(&r),
		"{\"v\":1,\"id\":\"aeaaaaaaaaaaaaaaaaaa\",\"account\":\"acme\",\"trunk\":\"acme-"
		"pbx\","
		"\"peer\":\"DNS pbx.example.test\",\"class\":\"origination\","
		"\"from_received\":\"+15557770001\",\"to_received\":\"+15551234567\","
		"\"from_sent\":\"+15557770001\",\"to_sent\":\"5551234567\",\"identity\":null,"
		"\"invite\":\"2023-11-14T22:13:20.000001Z\","
		"\"ringing\":\"2023-11-14T22:13:20.500000Z\","
		"\"answer\":\"2023-11-14T22:13:22.000000Z\",\"end\":\"2023-11-14T22:13:25."
		"250000Z\","
		"\"duration_ms\":3250,\"minutes\":1.00,\"price\":\"0.012000\",\"increment\":60,"
		"\"cost\":\"0.012000\",\"ended_by\":\"caller\",\"sip_status\":200,\"q850\":16,"
		"\"refusal\":null,\"refusal_text\":null,"
		"\"targets\":[{\"trunk\":\"gw1\",\"at\":\"2023-11-14T22:13:20.100000Z\","
		"\"status\":-1},{\"trunk\":\"gw2\",\"at\":\"2023-11-14T22:13:20.200000Z\","
		"\"status\":200,\"addresses\":[\"10.0.0.10:5060\",\"10.0.0.11:5060\"]}],"
		"\"restored\":false,\"crashes\":0,\"encrypted\":\"a\","
		"\"a\":{\"trunk\":\"acme-pbx\",\"account\":\"acme\",\"transport\":\"tls\","
		"\"remote\":\"192.0.2.7:40000\",\"peer\":\"DNS pbx.example.test\","
		"\"tls_version\":\"TLS 1.2\",\"tls_suite\":\"AES128-SHA\","
		"\"security\":\"required\",\"fell\":null,\"fell_text\":null,"
		"\"keying\":\"dtls\",\"srtp_in\":\"AES_CM_128_HMAC_SHA1_80\",\"srtp_out\":\"AES_CM_"
		"128_HMAC_SHA1_32\","
		"\"codec\":\"PCMU\",\"t38\":\"clear\",\"audio\":\"unknown\",\"audio_text\":null,"
		"\"media\":{\"in_packets\":160,\"in_lost\":3,"
		"\"in_jitter_us\":1200,\"in_bursts\":1,\"in_burst_lost\":2,\"in_burst_length\":4,"
		"\"out_packets\":161,\"far_lost\":1,\"far_jitter_us\":900,\"round_trip_us\":43000,"
		"\"dropped\":{\"auth\":4,\"replay\":5},\"roc_guesses\":2,\"mos\":4.3,"
		"\"far\":\"192.0.2.7:30000\"},"
		"\"video\":{\"in_packets\":700,\"out_packets\":701,"
		"\"srtp_in\":\"AES_CM_128_HMAC_SHA1_80\",\"srtp_out\":null}},"
		"\"b\":{\"trunk\":\"gw2\",\"account\":null,\"transport\":\"udp\","
		"\"remote\":\"[2001:db8::1]:5060\",\"peer\":null,\"tls_version\":null,"
		"\"tls_suite\":null,\"security\":\"preferred\",\"fell\":\"answered\","
		"\"fell_text\":\"the far side answered our offer of SRTP in clear\","
		"\"keying\":null,\"srtp_in\":null,\"srtp_out\":null,\"codec\":\"PCMU\",\"t38\":"
		"null,\"audio\":"
		"\"none\","
		"\"audio_text\":\"no packets came\","
		"\"media\":{\"in_packets\":0,\"in_lost\":0,\"in_jitter_us\":0,\"in_bursts\":0,"
		"\"in_burst_lost\":0,\"in_burst_length\":0,\"out_packets\":0,\"far_lost\":0,"
		"\"far_jitter_us\":0,\"round_trip_us\":0,\"dropped\":{},\"roc_guesses\":0,\"mos\":"
		"null,\"far\":null},\"video\":null}}");
}

static void
test_refused(void **state)
{
	struct call_record r = world_record("x");
	struct json *j;

	(void)state;
	r.refusal = REFUSAL_NUMBER;
	r.ended_by = ENDER_POSTERN;
	r.sip_status = 484;
	assert_int_equal(jsonin_parse(str_from(line_of(&r)), &j), ERR_OK);
	assert_null(jsonin_get(j, "refusal_detail"));
	jsonin_free(&j);
	(void)snprintf(r.refusal_detail, CALL_DETAIL_MAX, "not a number that \"can\" be called");
	assert_int_equal(jsonin_parse(str_from(line_of(&r)), &j), ERR_OK);
	assert_string_equal(jsonin_text(j, "refusal_detail"), r.refusal_detail);
	assert_string_equal(jsonin_text(j, "refusal"), "NUMBER");
	assert_string_equal(jsonin_text(j, "refusal_text"), refusal_text(REFUSAL_NUMBER));
	assert_string_equal(jsonin_text(j, "ended_by"), "postern");
	assert_string_equal(jsonin_text(j, "encrypted"), "none");
	assert_int_equal(jsonin_int(j, "sip_status"), 484);
	assert_int_equal(jsonin_int(j, "duration_ms"), 0);
	assert_non_null(jsonin_get(j, "b")); /* null is there */
	assert_true(jsonin_is_scalar(jsonin_get(j, "b")));
	assert_int_equal(jsonin_count(jsonin_get(j, "targets")), 0);
	jsonin_free(&j);
}

/* A call from a carrier is filed under the customer that it goes to. */
static void
test_filed_under(void **state)
{
	struct call_record r = world_record("x");
	struct json *j;

	(void)state;
	r.leg[LEG_B] = r.leg[LEG_A];
	memset(&r.leg[LEG_A], 0, sizeof(r.leg[LEG_A]));
	(void)snprintf(r.leg[LEG_A].trunk.z, POLICY_ID_MAX, "gw1");
	assert_ptr_equal(cdr_customer_leg(&r), &r.leg[LEG_B]);
	assert_int_equal(jsonin_parse(str_from(line_of(&r)), &j), ERR_OK);
	assert_string_equal(jsonin_text(j, "account"), "acme");
	assert_string_equal(jsonin_text(j, "trunk"), "acme-pbx");
	assert_string_equal(jsonin_text(j, "a.trunk"), "gw1");
	jsonin_free(&j);
	memset(&r.leg[LEG_B], 0, sizeof(r.leg[LEG_B]));
	assert_ptr_equal(cdr_customer_leg(&r), &r.leg[LEG_A]);
}

static void
fill(char *p, size_t cap, char c)
{
	memset(p, c, cap - 1);
	p[cap - 1] = 0;
}

/* Every text full of bytes that take most room: it fits, is one line, and is JSON. */
static void
test_control_bytes(void **state)
{
	static const struct {
		const char *name;
		char byte;
	} rows[] = {{"newline", '\n'}, {"escape", 27}, {"quote", '"'}, {"not UTF-8", (char)0xff}};
	struct json *j;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct call_record r = make_answered();
		char c = rows[i].byte;
		const char *line;

		print_message("# %s\n", rows[i].name);
		r.n_targets = ROUTE_TARGETS_MAX;
		for (int k = 0; k < ROUTE_TARGETS_MAX; k++) {
			fill(r.target[k].trunk.z, POLICY_ID_MAX, c);
			fill(r.target[k].route.z, POLICY_ID_MAX, c);
			fill(r.target[k].number, NUMBER_SIZE, c);
			fill(r.target[k].why, CALL_TARGET_WHY_MAX, c);
			r.target[k].redirected = UINT32_MAX;
			r.target[k].n_tried = CALL_TRIED_MAX;
			for (int n = 0; n < CALL_TRIED_MAX; n++)
				(void)!addr_parse(
					STR("[2001:db8:1111:2222:3333:4444:5555:6666]:65535"),
					&r.target[k].tried[n]);
		}
		fill(r.forwarder.z, POLICY_ID_MAX, c);
		fill(r.payer.z, POLICY_ID_MAX, c);
		fill(r.from_received, CALL_NUMBER_MAX, c);
		fill(r.to_received, CALL_NUMBER_MAX, c);
		fill(r.from_sent, CALL_NUMBER_MAX, c);
		fill(r.to_sent, CALL_NUMBER_MAX, c);
		r.refusal = REFUSAL_CRYPTO;
		fill(r.refusal_detail, CALL_DETAIL_MAX, c);
		for (int k = 0; k < CALL_LEGS; k++) {
			struct record_leg *l = &r.leg[k];

			fill(l->account.z, POLICY_ID_MAX, c);
			fill(l->trunk.z, POLICY_ID_MAX, c);
			fill(l->peer, sizeof(l->peer), c);
			fill(l->tls_version, sizeof(l->tls_version), c);
			fill(l->tls_suite, sizeof(l->tls_suite), c);
			fill(l->codec, sizeof(l->codec), c);
			memset(l->stats.dropped, 0xff, sizeof(l->stats.dropped));
			l->stats.in_packets = UINT64_MAX >> 1;
		}
		memset(r.leg[LEG_A].stats.dropped, 0, sizeof(r.leg[LEG_A].stats.dropped));
		memset(r.leg[LEG_B].stats.dropped, 0x7f, sizeof(r.leg[LEG_B].stats.dropped));
		line = line_of(&r);
		for (const char *p = line; *p; p++)
			assert_true((unsigned char)*p >= 0x20 && *p != 0x7f);
		assert_int_equal(jsonin_parse(str_from(line), &j), ERR_OK);
		if (c != (char)0xff)
			assert_string_equal(jsonin_text(j, "from_received"), r.from_received);
		jsonin_free(&j);
	}
}

static void
test_numbers_out_of_range(void **state)
{
	struct call_record r = world_record("x");
	struct json *j;

	(void)state;
	r.refusal = 4711;
	r.ended_by = 99;
	r.class = 4711;
	r.leg[LEG_A].transport = 77;
	r.leg[LEG_A].in_suite = 200;
	r.invite_us = -5;
	assert_int_equal(jsonin_parse(str_from(line_of(&r)), &j), ERR_OK);
	assert_string_equal(jsonin_text(j, "a.transport"), "?");
	assert_string_equal(jsonin_text(j, "class"), "?");
	assert_string_equal(jsonin_text(j, "invite"), "");
	jsonin_free(&j);
}

static void
test_start(void **state)
{
	struct call_record r = world_record("aebbbbbbbbbbbbbbbbbb");
	char start[64];
	struct buf b;

	(void)state;
	buf_init(&b, start, sizeof(start));
	cdr_put_start(&b, r.id.z);
	assert_true(str_starts(str_from(line_of(&r)), buf_view(&b)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_filed_under),
		cmocka_unit_test(test_control_bytes),
		cmocka_unit_test(test_numbers_out_of_range),
		cmocka_unit_test(test_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
