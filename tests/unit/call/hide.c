/* call/hide: which headers cross, by direction (P5, P6). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "call/hide.h"

enum { TO_GW = 1, TO_PBX = 2 };

static struct sip_msg m, again;
static char text[16384], out[16384], copied[16384];

/* A message with this header; returns what crosses that way, as headers alone. */
static struct str
cross(const char *headers, enum hide_way way)
{
	struct buf b;

	(void)snprintf(text, sizeof(text),
		       "INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n"
		       "Max-Forwards: 70\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\n"
		       "Call-ID: secret-id\r\nCSeq: 1 INVITE\r\n%s\r\n",
		       headers);
	if (sip_msg_parse(str_from(text), &m) != ERR_OK)
		fail_msg("%s: %s", headers, m.why);
	buf_init(&b, out, sizeof(out));
	hide_copy(&b, &m, way);
	assert_int_equal(buf_end(&b), ERR_OK);
	return buf_view(&b);
}

static const struct {
	const char *name, *header;
	int goes;
} rows[] = {
	{"identity", "P-Asserted-Identity: <sip:+1@x>\r\n", TO_PBX},
	{"preferred", "P-Preferred-Identity: <sip:+1@x>\r\n", 0},
	{"rpid", "Remote-Party-ID: <sip:+1@x>\r\n", TO_PBX},
	{"charge", "P-Charge-Info: <sip:+1@x>\r\n", 0},
	{"access", "P-Access-Network-Info: x\r\n", 0},
	{"rpid, privacy off", "Remote-Party-ID: <sip:+1@x>;privacy=off\r\n", TO_PBX},
	{"rpid, private", "Remote-Party-ID: <sip:+1@x>;privacy=full\r\n", 0},
	{"rpid, private in quotes", "Remote-Party-ID: <sip:+1@x>;privacy=\"full\"\r\n", 0},
	{"diversion", "Diversion: <sip:+1@x>\r\n", TO_PBX},
	{"diversion, private", "Diversion: <sip:+1@x>;privacy=full;reason=unconditional\r\n", 0},
	{"diversion, one private", "Diversion: <sip:+1@x>;privacy=off, <sip:+2@x>;privacy=name\r\n",
	 0},
	{"history", "History-Info: <sip:+1@x>;index=1\r\n", TO_PBX},
	{"geolocation", "Geolocation: <cid:x>\r\n", 0},
	{"identity of STIR", "Identity: x\r\n", TO_PBX},
	{"identity of STIR, compact", "y: x\r\n", TO_PBX},
	{"priority", "Priority: urgent\r\n", TO_PBX},
	{"resource priority", "Resource-Priority: x.1\r\n", 0},
	{"accept contact", "Accept-Contact: *\r\n", TO_PBX},
	{"accept contact, compact", "a: *\r\n", TO_PBX},
	{"language", "Accept-Language: de\r\n", TO_PBX | TO_GW},
	{"alert", "Alert-Info: <x:y>\r\n", TO_PBX | TO_GW},
	{"call info", "Call-Info: <x:y>\r\n", TO_PBX},
	{"date", "Date: x\r\n", TO_PBX | TO_GW},
	{"error info", "Error-Info: <x:y>\r\n", TO_PBX},
	{"expires", "Expires: 60\r\n", TO_PBX | TO_GW},
	{"organization", "Organization: x\r\n", TO_PBX},
	{"privacy", "Privacy: header\r\n", TO_PBX},
	{"reason", "Reason: Q.850;cause=1\r\n", TO_PBX | TO_GW},
	{"subject", "Subject: x\r\n", TO_PBX | TO_GW},
	{"subject, compact", "s: x\r\n", TO_PBX | TO_GW},
	{"user to user", "User-to-User: 00;encoding=hex\r\n", TO_PBX | TO_GW},
	{"unknown", "X-Anything: 1\r\n", TO_PBX},
	{"P- of no list", "P-Served-User: <sip:x@y>\r\n", 0},
	{"P- in lower case", "p-whatever: 1\r\n", 0},
	{"internal", "X-Internal-Route: 10.0.0.9\r\n", 0},
	{"internal, case", "x-INTERNAL: 1\r\n", 0},
	/* ours */
	{"route", "Route: <sip:10.0.0.9;lr>\r\n", 0},
	{"record route", "Record-Route: <sip:10.0.0.9;lr>\r\n", 0},
	{"contact", "Contact: <sip:10.0.0.9>\r\n", 0},
	{"contact, compact", "m: <sip:10.0.0.9>\r\n", 0},
	{"supported", "Supported: timer\r\n", 0},
	{"supported, compact", "k: timer\r\n", 0},
	{"require", "Require: 100rel\r\n", 0},
	{"proxy require", "Proxy-Require: x\r\n", 0},
	{"allow", "Allow: INVITE\r\n", 0},
	{"accept", "Accept: x/y\r\n", 0},
	{"session", "Session-Expires: 90\r\n", 0},
	{"session, compact", "x: 90\r\n", 0},
	{"min session", "Min-SE: 90\r\n", 0},
	{"replaces", "Replaces: a;to-tag=1;from-tag=2\r\n", 0},
	{"refer", "Refer-To: <sip:x@y>\r\n", 0},
	{"refer, compact", "r: <sip:x@y>\r\n", 0},
	{"referred by", "b: <sip:x@y>\r\n", 0},
	{"authorization", "Authorization: Digest x=\"y\"\r\n", 0},
	{"proxy authorization", "Proxy-Authorization: Digest x=\"y\"\r\n", 0},
	{"challenge", "WWW-Authenticate: Digest x=\"y\"\r\n", 0},
	{"user agent", "User-Agent: x\r\n", 0},
	{"server", "Server: x\r\n", 0},
	{"warning", "Warning: 399 10.0.0.9 \"x\"\r\n", 0},
	{"path", "Path: <sip:x>\r\n", 0},
	{"in reply to", "In-Reply-To: x\r\n", 0},
	{"content", "Content-Type: a/b\r\n", 0},
	{"content, compact", "c: a/b\r\n", 0},
	{"disposition", "Content-Disposition: session\r\n", 0},
	{"encoding", "e: gzip\r\n", 0},
	/* P5: what stands between name and colon changes nothing */
	{"P5 blank before colon", "P-Charge-Info : <sip:+1@x>\r\n", 0},
	{"P5 tab before colon", "P-Asserted-Identity\t: <sip:+1@x>\r\n", TO_PBX},
	{"P5 case", "p-aSSERTED-iDENTITY: <sip:+1@x>\r\n", TO_PBX},
	{"P5 folded", "P-Asserted-Identity:\r\n <sip:+1@x>\r\n", TO_PBX},
	{"P5 folded, charge", "P-Charge-Info:\r\n\t<sip:+1@x>\r\n", 0},
	{"P5 underscore", "P_Asserted_Identity: <sip:+1@x>\r\n", TO_PBX},
	{"P5 list", "Diversion: <sip:1@x>, <sip:2@x>\r\n", TO_PBX},
	{"P5 twice", "Diversion: <sip:1@x>\r\nDiversion: <sip:2@x>\r\n", TO_PBX},
	/* P6: an escape stays an escape, a quoted pair stays what it is */
	{"P6 percent", "Subject: a%0d%0aP-Charge-Info: b\r\n", TO_PBX | TO_GW},
	{"P6 overlong UTF-8",
	 "Subject: a\xc0\x8d\xc0\x8a"
	 "Route: b\r\n",
	 TO_PBX | TO_GW},
	{"P6 fold", "Subject: a\r\n Route: <sip:x>\r\n", TO_PBX | TO_GW},
};

static void
each_header(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (int way = 0; way < 2; way++) {
			struct str got =
				cross(rows[i].header, way ? HIDE_TO_CUSTOMER : HIDE_TO_CARRIER);
			bool want = rows[i].goes & (way ? TO_PBX : TO_GW);

			/* byte for byte, or nothing at all */
			if (want ? !str_eqz(got, rows[i].header) : got.len != 0)
				fail_msg("%s to the %s: %.*s", rows[i].name,
					 way ? "customer" : "carrier", STR_ARG(got));
		}
}

static void
privacy(void **state)
{
	static const struct {
		const char *value;
		bool hidden;
	} r[] = {
		{"Privacy: id\r\n", true},         {"Privacy: ID\r\n", true},
		{"Privacy: header; id\r\n", true}, {"Privacy: user;id;critical\r\n", true},
		{"Privacy: user, id\r\n", true},   {"Privacy: user\r\nPrivacy: id\r\n", true},
		{"Privacy: none\r\n", false},      {"Privacy: identity\r\n", false},
		{"Privacy: ;;\r\n", false},        {"Privacy:\r\n", false},
	};
	char z[512];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(r); i++) {
		(void)snprintf(
			z, sizeof(z),
			"P-Asserted-Identity: <sip:+1@x>\r\nRemote-Party-ID: <sip:+1@x>\r\n%s",
			r[i].value);
		if ((str_find(cross(z, HIDE_TO_CUSTOMER), STR("sip:+1@x")) ==
		     cross(z, HIDE_TO_CUSTOMER).len) != r[i].hidden)
			fail_msg("%s", r[i].value);
	}
}

/* P5: each byte, before the colon and inside the name: the header never crosses to the carrier. */
static void
p5_all_bytes(void **state)
{
	static const char *const names[] = {"P-Charge-Info", "P-Asserted-Identity", "Route"};

	(void)state;
	for (size_t n = 0; n < ARRAY_LEN(names); n++)
		for (int c = 0; c < 256; c++)
			for (int place = 0; place < 2; place++) {
				size_t at = place ? 1 : strlen(names[n]);
				struct buf b, o;

				buf_init(&b, text, sizeof(text));
				buf_z(&b,
				      "INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch="
				      "z9hG4bK1\r\nMax-Forwards: 70\r\nFrom: <sip:a@b>;tag=1\r\n"
				      "To: <sip:c@d>\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n");
				buf_add(&b, names[n], at);
				buf_char(&b, (char)c);
				buf_z(&b, names[n] + at);
				buf_z(&b, ": <sip:trust@x>\r\nSubject: s\r\n\r\n");
				if (sip_msg_parse(buf_view(&b), &m) != ERR_OK)
					continue; /* refused below: just as well */
				buf_init(&o, out, sizeof(out));
				hide_copy(&o, &m, HIDE_TO_CARRIER);
				assert_int_equal(buf_end(&o), ERR_OK);
				if (str_find(buf_view(&o), STR("trust")) < o.len &&
				    !str_starts(buf_view(&o), STR("Subject")))
					fail_msg("%s with byte %d", names[n], c);
			}
}

/* P6: what left, parsed anew, has the headers that were meant and no other. */
static void
p6_reparsed(void **state)
{
	struct str got = cross("Subject: a\r\n\t b\r\nUser-to-User: x\r\nX-Evil: \"\\r\\n\"\r\n",
			       HIDE_TO_CARRIER);
	struct buf b;

	(void)state;
	buf_init(&b, copied, sizeof(copied));
	buf_z(&b, "INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n"
		  "Max-Forwards: 70\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\n"
		  "Call-ID: x\r\nCSeq: 1 INVITE\r\n");
	buf_str(&b, got);
	buf_z(&b, "\r\n");
	assert_int_equal(sip_msg_parse(buf_view(&b), &again), ERR_OK);
	assert_int_equal(again.n_hdr, 8); /* ours, and two */
}

static void
classes(void **state)
{
	(void)state;
	assert_int_equal(hide_class_of(SIP_H_VIA), HIDE_OURS);
	assert_int_equal(hide_class_of(SIP_H_DIVERSION), HIDE_TRUST);
	assert_int_equal(hide_class_of(SIP_H_OTHER), HIDE_OTHER);
	/* nothing that is ours crosses, whichever way it is asked */
	for (int id = 0; id < SIP_H_N; id++) {
		struct sip_hdr h = {.id = (uint8_t)id, .name = STR("x")};

		if (hide_class_of((enum sip_hdr_id)id) == HIDE_OURS)
			assert_false(hide_crosses(&m, &h, HIDE_TO_CUSTOMER));
	}
}

/* RFC 3323 5.3: what the user wrote about the call stays here where it asks for that. */
static void
user_privacy(void **state)
{
	(void)state;
	for (int way = 0; way < 2; way++) {
		enum hide_way w = way ? HIDE_TO_CUSTOMER : HIDE_TO_CARRIER;
		struct str got = cross("Privacy: header;user\r\nSubject: merger\r\n"
				       "Alert-Info: <http://merger/x>\r\n"
				       "Reason: SIP;cause=200;text=\"merger\"\r\n",
				       w);

		assert_true(str_find(got, STR("merger")) == got.len);
		got = cross("Privacy: id\r\nSubject: merger\r\n", w);
		assert_true(str_find(got, STR("merger")) < got.len);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(user_privacy), cmocka_unit_test(each_header),
		cmocka_unit_test(privacy),      cmocka_unit_test(p5_all_bytes),
		cmocka_unit_test(p6_reparsed),  cmocka_unit_test(classes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
