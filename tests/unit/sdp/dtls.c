/* a=fingerprint, a=setup, a=tls-id; and a leg whose keys come by DTLS, offered and answered. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "sdp/list.h"
#include "sdp/offer.h"
#include "unit/sdp/bodies.h"

#define O16 "00:11:22:33:44:55:66:77:88:99:aa:Bb:CC:DD:EE:FF"
#define P256 O16 ":" O16
#define SHA256 "a=fingerprint:sha-256 " P256 "\r\n"
#define SHA1 "a=fingerprint:SHA-1 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33\r\n"
#define LINE "m=audio 4000 UDP/TLS/RTP/SAVP 8\r\n"
#define MUX "a=rtcp-mux\r\n"
#define TLS_ID "a=tls-id:abcdefghijklmnopqrstuvwxyz\r\n"

static const struct sdp_policy dtls = {
	.secure = true, .dtls = true, .first = true, .suites = SDP_SUITES_OFFERED};
static struct sdp sdp;

static const struct {
	const char *name, *body;
	bool answer;
	enum sdp_setup setup; /* NONE: refused */
	uint8_t len;
	const char *why;
} rows[] = {
	{"sha-256", HEAD LINE SHA256 MUX "a=setup:actpass\r\n", false, SDP_SETUP_ACTPASS, 32, NULL},
	{"of the session", HEAD SHA256 "a=setup:passive\r\n" LINE MUX, false, SDP_SETUP_PASSIVE, 32,
	 NULL},
	{"the line's before the session's",
	 HEAD "a=setup:passive\r\n" LINE SHA256 MUX "a=setup:active\r\n", false, SDP_SETUP_ACTIVE,
	 32, NULL},
	{"no setup is active", HEAD LINE SHA256 MUX, false, SDP_SETUP_ACTIVE, 32, NULL},
	{"SAVPF", HEAD "m=audio 4000 UDP/TLS/RTP/SAVPF 8\r\n" SHA256 MUX, false, SDP_SETUP_ACTIVE,
	 32, NULL},
	{"the longest", HEAD LINE SHA1 "a=fingerprint:sha-384 " P256 ":" O16 "\r\n" SHA256 MUX,
	 false, SDP_SETUP_ACTIVE, 48, NULL},
	{"sha-512", HEAD LINE "a=fingerprint:SHA-512 " P256 ":" P256 "\r\n" MUX, false,
	 SDP_SETUP_ACTIVE, 64, NULL},
	{"answer: passive", HEAD LINE SHA256 MUX "a=setup:passive\r\n", true, SDP_SETUP_PASSIVE, 32,
	 NULL},
	{"answer: no setup is passive", HEAD LINE SHA256 MUX, true, SDP_SETUP_PASSIVE, 32, NULL},
	{"M13 none", HEAD LINE MUX, false, SDP_SETUP_NONE, 0, "without a=fingerprint"},
	{"M13 SHA-1 alone", HEAD LINE SHA1 MUX, false, SDP_SETUP_NONE, 0, "sha-256"},
	{"M13 too short", HEAD LINE "a=fingerprint:sha-256 " O16 "\r\n" MUX, false, SDP_SETUP_NONE,
	 0, "sha-256"},
	{"M13 no hex", HEAD LINE "a=fingerprint:sha-256 " O16 ":" O16 ":0g\r\n" MUX, false,
	 SDP_SETUP_NONE, 0, "sha-256"},
	{"M13 another mark", HEAD LINE "a=fingerprint:sha-256 " O16 "." O16 "\r\n" MUX, false,
	 SDP_SETUP_NONE, 0, "sha-256"},
	{"holdconn", HEAD LINE SHA256 MUX "a=setup:holdconn\r\n", false, SDP_SETUP_NONE, 0,
	 "none of actpass"},
	{"answer: actpass", HEAD LINE SHA256 MUX "a=setup:actpass\r\n", true, SDP_SETUP_NONE, 0,
	 "a=setup:active or"},
	{"no mux", HEAD LINE SHA256, false, SDP_SETUP_NONE, 0, "rtcp-mux"},
};

static void
test_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sdp_dtls d = {0};
		const char *why = "";
		bool ok;

		assert_int_equal(sdp_parse(str_from(rows[i].body), &sdp), ERR_OK);
		ok = sdp_dtls_read(&sdp, &sdp.media[0], rows[i].answer, &d, &why);
		if (ok != (rows[i].setup != SDP_SETUP_NONE) || d.setup != rows[i].setup ||
		    d.print_len != rows[i].len || (!ok && !strstr(why, rows[i].why)))
			fail_msg("%s: setup %d, %d octets, %s", rows[i].name, d.setup, d.print_len,
				 why);
		if (ok)
			assert_int_equal(d.print[11], 0xbb);
	}
}

/* RFC 8842 4: what is a new association. */
static void
test_same(void **state)
{
	static const struct {
		const char *name, *a, *b;
		bool same;
	} pairs[] = {
		{"the same", LINE SHA256 MUX, LINE MUX "a=fingerprint:SHA-256 " P256 "\r\n", true},
		{"another role", LINE SHA256 MUX, LINE SHA256 MUX "a=setup:passive\r\n", true},
		{"another print", LINE SHA256 MUX,
		 LINE MUX "a=fingerprint:sha-256 " O16 ":01" O16 "\r\n", false},
		{"another id", LINE SHA256 MUX TLS_ID, LINE SHA256 MUX, false},
		{"the same id", LINE SHA256 MUX TLS_ID, LINE SHA256 MUX TLS_ID, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		char text[1024];
		struct sdp_dtls d[2] = {0};
		const char *why;
		struct buf b;

		for (int k = 0; k < 2; k++) {
			buf_init(&b, text, sizeof(text));
			buf_z(&b, HEAD);
			buf_z(&b, k ? pairs[i].b : pairs[i].a);
			assert_int_equal(sdp_parse(buf_view(&b), &sdp), ERR_OK);
			(void)!sdp_dtls_read(&sdp, &sdp.media[0], false, &d[k], &why);
		}
		if (sdp_dtls_same(&d[0], &d[1]) != pairs[i].same)
			fail_msg("%s", pairs[i].name);
	}
}

static struct sdp_local
ours(void)
{
	struct sdp_local l = {.secure = true,
			      .form = SDP_FORM_DTLS,
			      .rtcp_mux = true,
			      .media = {.ip = {10, 0, 0, 1}, .family = 4, .port = 20000},
			      .dtls = {.print_len = 32, .print = {0xab}}};

	return l;
}

/* The role of the answer, and that an association keeps the one that it has. */
static void
test_answer(void **state)
{
	static const struct {
		const char *name, *said, *answered;
		enum sdp_setup was;
	} roles[] = {
		{"actpass", "a=setup:actpass\r\n", "a=setup:active\r\n", SDP_SETUP_NONE},
		{"active", "a=setup:active\r\n", "a=setup:passive\r\n", SDP_SETUP_NONE},
		{"passive", "a=setup:passive\r\n", "a=setup:active\r\n", SDP_SETUP_NONE},
		{"actpass again", "a=setup:actpass\r\n", "a=setup:passive\r\n", SDP_SETUP_PASSIVE},
		{"active now", "a=setup:active\r\n", "a=setup:passive\r\n", SDP_SETUP_ACTIVE},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(roles); i++) {
		struct sdp_local l = ours();
		struct sdp_layout lay = {0};
		struct sdp_origin o = {.id = 1};
		struct sdp_refusal why = {0};
		struct sdp_stream st;
		struct sdp_list list;
		struct sdp_part part;
		char in[1024], out[1024];
		struct buf b;

		buf_init(&b, in, sizeof(in));
		buf_printf(&b, "%s%s%s%s%s", HEAD, LINE, SHA256, MUX, roles[i].said);
		assert_int_equal(sdp_parse(buf_view(&b), &sdp), ERR_OK);
		assert_int_equal(sdp_offer_read(&sdp, &dtls, NULL, &st, &why), ERR_OK);
		assert_int_equal(st.suite, SDP_SUITE_NONE);
		l.dtls.setup = (uint8_t)roles[i].was;
		assert_int_equal(sdp_local_answer(&l, &st), ERR_OK);
		sdp_list_answer(&st, &st, &list);
		part = (struct sdp_part){.ours = &l,
					 .media = &sdp.media[0],
					 .list = &list,
					 .dir = SDP_SENDRECV,
					 .offered = &st};
		buf_init(&b, out, sizeof(out));
		assert_int_equal(sdp_answer_write(&sdp, &part, NULL, &lay, &o, &b), ERR_OK);
		assert_int_equal(buf_end(&b), ERR_OK);
		if (!strstr(buf_cstr(&b), roles[i].answered) ||
		    !strstr(buf_cstr(&b), "m=audio 20000 UDP/TLS/RTP/SAVP 8\r\n") ||
		    !strstr(buf_cstr(&b), "a=fingerprint:sha-256 AB:00:") ||
		    !strstr(buf_cstr(&b), MUX) || strstr(buf_cstr(&b), "crypto"))
			fail_msg("%s: %s", roles[i].name, buf_cstr(&b));
		l.dtls.print_len = 0; /* never without a print */
		buf_init(&b, out, sizeof(out));
		assert_int_equal(sdp_answer_write(&sdp, &part, NULL, &lay, &o, &b), ERR_STATE);
	}
}

/* M9: what a leg with DTLS does not take. */
static void
test_refused(void **state)
{
	static const struct {
		const char *name, *body;
	} bad[] = {
		{"SDES", HEAD AUDIO_SAVP MAPS CRYPTO80},
		{"clear", HEAD AUDIO_AVP MAPS},
		{"clear with a print", HEAD AUDIO_AVP MAPS SHA256 MUX},
		{"SAVP with a print", HEAD AUDIO_SAVP MAPS SHA256 MUX},
	};
	static const struct sdp_policy sdes = {
		.secure = true, .first = true, .suites = SDP_SUITES_OFFERED};
	struct sdp_refusal why = {0};
	struct sdp_stream st;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(sdp_parse(str_from(bad[i].body), &sdp), ERR_OK);
		if (sdp_offer_read(&sdp, &dtls, NULL, &st, &why) != ERR_REFUSED ||
		    why.fault != SDP_FAULT_KEYS)
			fail_msg("M9 %s", bad[i].name);
	}
	assert_int_equal(sdp_parse(str_from(HEAD LINE SHA256 MUX), &sdp), ERR_OK);
	assert_int_equal(sdp_offer_read(&sdp, &sdes, NULL, &st, &why), ERR_REFUSED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_answer),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
