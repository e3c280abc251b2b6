/* What SDP says of ICE: read of either side, written in offers and answers. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "sdp/list.h"
#include "sdp/offer.h"
#include "unit/sdp/bodies.h"

#define LINE "m=audio 4000 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n"
#define UFRAG "a=ice-ufrag:8hhY\r\n"
#define PWD "a=ice-pwd:asd88fgpdd777uzjYhagZg\r\n"
#define HOST "a=candidate:1 1 UDP 2130706431 192.0.2.1 4000 typ host\r\n"
#define OTHER                                                                                      \
	"a=candidate:2 1 UDP 1694498815 198.51.100.3 45664 typ srflx raddr 192.0.2.1 rport "       \
	"4000\r\n"

static struct sdp sdp;

static struct sdp_ice
read_ice(const char *body)
{
	struct sdp_ice ice;

	if (sdp_parse(str_from(body), &sdp) != ERR_OK)
		fail_msg("no SDP: %s", body);
	sdp_ice_read(&sdp, &sdp.media[0], &ice);
	return ice;
}

static void
test_read(void **state)
{
	static const struct {
		const char *name, *body;
		bool on, mismatch, lite;
	} rows[] = {
		{"none", HEAD LINE, false, false, false},
		{"of the line", HEAD LINE UFRAG PWD HOST, true, false, false},
		{"of the session", HEAD UFRAG PWD LINE HOST OTHER, true, false, false},
		{"lite", HEAD "a=ice-lite\r\n" UFRAG PWD LINE HOST, true, false, true},
		{"as Teams has it", TEAMS, true, false, true},
		{"c= names another candidate", HEAD LINE UFRAG PWD OTHER HOST, true, false, false},
		{"c= names none", HEAD LINE UFRAG PWD OTHER, false, true, false},
		{"another port", HEAD "m=audio 4002 RTP/AVP 8\r\n" UFRAG PWD HOST, false, true,
		 false},
		{"c= names that of RTCP",
		 HEAD LINE UFRAG PWD "a=candidate:1 2 UDP 1 192.0.2.1 4000 typ host\r\n", false,
		 true, false},
		{"candidates of the session are nobody's", HEAD HOST LINE UFRAG PWD, false, false,
		 false},
		{"no candidate", HEAD LINE UFRAG PWD, false, false, false},
		{"no password", HEAD LINE UFRAG HOST, false, false, false},
		{"no ufrag", HEAD LINE PWD HOST, false, false, false},
		{"a short password", HEAD LINE UFRAG "a=ice-pwd:asd88fgpdd777uzjYhagZ\r\n" HOST,
		 false, false, false},
		{"a short ufrag", HEAD LINE "a=ice-ufrag:8hh\r\n" PWD HOST, false, false, false},
		{"a colon in it", HEAD LINE "a=ice-ufrag:8h:Y\r\n" PWD HOST, false, false, false},
		{"answered: mismatch", HEAD LINE UFRAG PWD HOST "a=ice-mismatch\r\n", false, false,
		 false},
		{"a candidate that is none", HEAD LINE UFRAG PWD "a=candidate:1 1\r\n", false, true,
		 false},
		{"not known yet",
		 "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\n"
		 "m=audio 9 RTP/AVP 8\r\n" UFRAG PWD OTHER,
		 true, false, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sdp_ice ice = read_ice(rows[i].body);

		if (ice.on != rows[i].on || ice.mismatch != rows[i].mismatch ||
		    ice.lite != rows[i].lite || (ice.ufrag != 0) != (ice.on || ice.mismatch))
			fail_msg("%s: on %d, mismatch %d, lite %d", rows[i].name, ice.on,
				 ice.mismatch, ice.lite);
	}
}

/* What begins it anew (RFC 8839 4.4.1.1.1). */
static void
test_anew(void **state)
{
	struct sdp_ice a = read_ice(HEAD LINE UFRAG PWD HOST), b;

	(void)state;
	assert_true(a.ufrag == sdp_ice_hash(STR("8hhY")));
	b = read_ice(HEAD UFRAG PWD LINE OTHER HOST);
	assert_true(a.both == b.both);
	b = read_ice(HEAD LINE "a=ice-ufrag:8hhZ\r\n" PWD HOST);
	assert_false(a.both == b.both);
	b = read_ice(HEAD LINE UFRAG "a=ice-pwd:asd88fgpdd777uzjYhagZh\r\n" HOST);
	assert_false(a.both == b.both);
	assert_true(a.ufrag == b.ufrag);
}

static const char *
write_body(const char *offer, bool ice, bool rtcp_mux)
{
	static const struct sdp_list asked = {.n = 1, .pt = {8}, .from = {8}, .codec = {8}};
	static char text[2048];
	const struct sdp_policy policy = {.first = true, .ice = ice};
	struct sdp_local ours = {.media = {.ip = {10, 0, 0, 1}, .family = 4, .port = 20000},
				 .rtcp_mux = rtcp_mux,
				 .ice = {"ourufrag", "ourpasswordourpassword"}};
	struct sdp_part part = {.ours = &ours, .list = &asked, .dir = SDP_SENDRECV};
	struct sdp_layout lay = {0};
	struct sdp_origin o = {0};
	struct sdp_refusal why;
	struct sdp_stream st;
	struct buf b;

	buf_init(&b, text, sizeof(text));
	assert_int_equal(sdp_parse(str_from(offer ? offer : HEAD LINE), &sdp), ERR_OK);
	part.media = &sdp.media[0];
	assert_int_equal(sdp_offer_read(&sdp, &policy, NULL, &st, &why), ERR_OK);
	part.offered = offer ? &st : NULL;
	assert_int_equal(offer ? sdp_answer_write(&sdp, &part, NULL, &lay, &o, &b)
			       : sdp_offer_write(&part, NULL, &lay, &o, &b),
			 ERR_OK);
	return buf_cstr(&b);
}

static void
test_write(void **state)
{
	static const struct {
		const char *name, *offer;
		bool ice, mux;
		bool says, rtcp, mismatch;
	} rows[] = {
		{"an offer", NULL, true, false, true, true, false},
		{"an offer of one port", NULL, true, true, true, true, false},
		{"an answer", HEAD LINE UFRAG PWD HOST, true, true, true, true, false},
		{"an answer of one port", HEAD LINE "a=rtcp-mux\r\n" UFRAG PWD HOST, true, true,
		 true, false, false},
		{"to who has none", HEAD LINE, true, true, false, false, false},
		{"a mismatch", HEAD LINE UFRAG PWD OTHER, true, true, false, false, true},
		{"a trunk without", HEAD LINE UFRAG PWD HOST, false, true, false, false, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *body = write_body(rows[i].offer, rows[i].ice, rows[i].mux);
		const char *line = strstr(body, "m=audio");

		if ((strstr(body, "a=ice-lite\r\na=ice-options:ice2\r\n") != NULL) !=
			    rows[i].says ||
		    (strstr(line, "a=ice-ufrag:ourufrag\r\na=ice-pwd:ourpasswordourpassword\r\n"
				  "a=candidate:1 1 UDP 2130706431 10.0.0.1 20000 typ host\r\n") !=
		     NULL) != rows[i].says ||
		    (strstr(line, "a=candidate:1 2 UDP 2130706430 10.0.0.1 20001 typ host\r\n") !=
		     NULL) != rows[i].rtcp ||
		    (strstr(line, "a=ice-mismatch\r\n") != NULL) != rows[i].mismatch)
			fail_msg("%s: %s", rows[i].name, body);
	}
}

/* Where it is not known yet where packets go, that is no hold. */
static void
test_unknown(void **state)
{
	static const char body[] =
		"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\n"
		"m=audio 9 RTP/AVP 8\r\n" UFRAG PWD OTHER;

	(void)state;
	for (int ice = 0; ice < 2; ice++) {
		const struct sdp_policy policy = {.first = true, .ice = ice};
		struct sdp_refusal why;
		struct sdp_stream st;

		assert_int_equal(sdp_parse(str_from(body), &sdp), ERR_OK);
		assert_int_equal(sdp_offer_read(&sdp, &policy, NULL, &st, &why), ERR_OK);
		assert_int_equal(st.hold, !ice);
		assert_int_equal(st.direction, ice ? SDP_SENDRECV : SDP_SENDONLY);
		assert_int_equal(st.rtp.family, 0);
		assert_int_equal(st.ice.on, ice);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_anew),
		cmocka_unit_test(test_write),
		cmocka_unit_test(test_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
