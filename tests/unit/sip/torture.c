/* RFC 4475: each message of tests/vectors/rfc4475 parsed or refused as the RFC says. */
#include "unit/sip/rows.h"

#include <stdio.h>

#include "sip/hdr.h"

static char file[SIP_MSG_MAX];

static struct str
read_vector(const char *name)
{
	char path[512];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/rfc4475/%s.dat", VECTORS, name);
	f = fopen(path, "rbe");
	if (!f)
		fail_msg("%s: cannot open %s", name, path);
	n = fread(file, 1, sizeof(file), f);
	fclose(f);
	return at_end(str_of(file, n));
}

/* Where the RFC leaves a choice, the remark says which is ours. contact: what sip_contact_read
 * says, for messages whose fault is in Contact. */
static const struct {
	const char *name;
	enum err e;
	int answer;
	enum err contact;
} rows[] = {
	/* 3.1.1 valid messages */
	{"wsinv", ERR_OK, 0, ERR_OK},
	{"intmeth", ERR_OK, 0, ERR_NOTFOUND},
	{"esc01", ERR_OK, 0, ERR_OK},
	{"escnull", ERR_OK, 0, ERR_OK},
	{"esc02", ERR_OK, 0, ERR_OK},
	{"lwsdisp", ERR_OK, 0, ERR_NOTFOUND},
	{"longreq", ERR_OK, 0, ERR_OK},
	{"dblreq", ERR_OK, 0, ERR_OK},
	{"semiuri", ERR_OK, 0, ERR_NOTFOUND},
	{"transports", ERR_OK, 0, ERR_NOTFOUND},
	{"mpart01", ERR_OK, 0, ERR_OK},
	{"unreason", ERR_OK, 0, ERR_OK},
	{"noreason", ERR_OK, 0, ERR_OK},
	/* 3.1.2 invalid messages */
	{"badinv01", ERR_SYNTAX, 400, ERR_SYNTAX},
	{"clerr", ERR_SHORT, 400, ERR_OK},
	{"ncl", ERR_SYNTAX, 400, ERR_OK},
	{"scalar02", ERR_RANGE, 400, ERR_OK},
	{"scalarlg", ERR_RANGE, 0, ERR_NOTFOUND}, /* a response: dropped */
	{"quotbal", ERR_SYNTAX, 400, ERR_OK},
	{"ltgtruri", ERR_SYNTAX, 400, ERR_OK},
	{"lwsruri", ERR_SYNTAX, 400, ERR_OK},
	{"lwsstart", ERR_SYNTAX, 400, ERR_OK},
	{"trws", ERR_SYNTAX, 400, ERR_NOTFOUND},
	{"escruri", ERR_SYNTAX, 400, ERR_OK},
	{"baddate", ERR_OK, 0, ERR_OK},      /* Date is not read, which the RFC allows */
	{"regbadct", ERR_OK, 0, ERR_SYNTAX}, /* refused by whoever reads Contact */
	{"badaspec", ERR_SYNTAX, 400, ERR_NOTFOUND},
	{"baddn", ERR_SYNTAX, 400, ERR_NOTFOUND}, /* not guessed */
	{"badvers", ERR_VERSION, 505, ERR_NOTFOUND},
	{"mismatch01", ERR_SYNTAX, 400, ERR_NOTFOUND},
	{"mismatch02", ERR_SYNTAX, 400, ERR_OK}, /* 501 or 400 */
	{"bigcode", ERR_SYNTAX, 0, ERR_OK},
	/* 3.2 transaction layer */
	{"badbranch", ERR_OK, 0, ERR_NOTFOUND}, /* a branch of RFC 2543 */
	/* 3.3 application layer */
	{"insuf", ERR_NOTFOUND, 400, ERR_NOTFOUND},
	{"unkscm", ERR_UNSUPPORTED, 416, ERR_NOTFOUND},
	{"novelsc", ERR_UNSUPPORTED, 416, ERR_NOTFOUND},
	{"unksm2", ERR_OK, 0, ERR_OK},
	{"bext01", ERR_OK, 0, ERR_NOTFOUND},
	{"invut", ERR_OK, 0, ERR_OK},
	{"regaut01", ERR_OK, 0, ERR_NOTFOUND},
	{"multi01", ERR_EXISTS, 400, ERR_OK},
	{"mcl01", ERR_EXISTS, 400, ERR_NOTFOUND},
	{"bcast", ERR_OK, 0, ERR_OK},
	{"zeromf", ERR_OK, 0, ERR_NOTFOUND},
	{"cparam01", ERR_OK, 0, ERR_OK},
	{"cparam02", ERR_OK, 0, ERR_OK},
	{"regescrt", ERR_OK, 0, ERR_OK},
	{"sdp01", ERR_OK, 0, ERR_OK},
	/* 3.4 backward compatibility */
	{"inv2543", ERR_OK, 0, ERR_NOTFOUND},
};

static void
test_verdicts(void **state)
{
	static struct sip_msg m;

	(void)state;
	assert_int_equal(ARRAY_LEN(rows), 49);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *name = rows[i].name;
		struct sip_nameaddr na;

		check_err(name, sip_msg_parse(read_vector(name), &m), rows[i].e);
		check_err(name, m.fault, rows[i].e);
		check_num(name, "answer", m.answer, rows[i].answer);
		check_num(name, "has a reason", m.why[0] != 0, rows[i].e != ERR_OK);
		check_err(name, sip_contact_read(&m, &na), rows[i].contact);
	}
}

/* Fields of those that are accepted. */
static const struct {
	const char *name, *method, *uri, *from_tag, *to_tag, *call_id, *branch, *display;
	long cseq, status, forwards, body;
} fields[] = {
	{"wsinv", "INVITE", "sip:vivekg@chair-dnrc.example.com;unknownparam", "98asjd8",
	 "1918181833n", "wsinv.ndaksdj@192.0.2.1", "390skdjuw", "J Rosenberg \\\\\\\"", 9, 0, 68,
	 150},
	{"intmeth", "!interesting-Method0123456789_*+`.%indeed'~",
	 "sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too."
	 "(doesn't-it)@example.com",
	 "_token~1'+`*%!-.", "", "intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{",
	 "z9hG4bK-.!%66*_+`'~", "token1~` token2'+_ token3*%!.-", 139122385, 0, 255, 0},
	{"esc01", "INVITE", "sip:sips%3Auser%40example.com@example.net", "938", "",
	 "esc01.239409asdfakjkn23onasd0-3234", "z9hG4bKkdjuw", "", 234234, 0, 87, 150},
	{"escnull", "REGISTER", "sip:example.com", "839923423", "",
	 "escnull.39203ndfvkjdasfkq3w4otrq0adsfdfnavd", "z9hG4bKkdjuw", "", 14398234, 0, 70, 0},
	{"esc02", "RE%47IST%45R", "sip:registrar.example.com", "f232jadfj23", "",
	 "esc02.asdfnqwo34rq23i34jrjasdcnl23nrlknsdf", "z9hG4bK209%fzsnel234", "%Z%45", 29344, 0,
	 70, 0},
	{"lwsdisp", "OPTIONS", "sip:user@example.com", "323", "",
	 "lwsdisp.1234abcd@funky.example.com", "z9hG4bKkdjuw", "caller", 60, 0, 70, 0},
	{"dblreq", "REGISTER", "sip:example.com", "43251j3j324", "",
	 "dblreq.0ha0isndaksdj99sdfafnl3lk233412", "z9hG4bKkdjuw23492", "", 8, 0, 8, 0},
	{"semiuri", "OPTIONS", "sip:user;par=u%40example.net@example.com", "33242", "",
	 "semiuri.0ha0isndaksdj", "z9hG4bKkdjuw", "", 8, 0, 3, 0},
	{"mpart01", "MESSAGE", "sip:kumiko@example.org", "2fb0dcc9", "",
	 "3d9485ad0c49859b@Zmx1ZmZ5LW1hYy0xNi5sb2NhbA..",
	 "z9hG4bK-d87543-4dade06d0bdb11ee-1--d87543-", "", 1, 0, 70, 553},
	{"unreason", "INVITE", "", "11141343", "2229", "unreason.1234ksdfak3j2erwedfsASdf",
	 "z9hG4bK1324923", "", 35, 200, -1, 154},
	{"noreason", "INVITE", "", "39ansfi3", "902jndnke3", "noreason.asndj203insdf99223ndf",
	 "z9hG4bK2398ndaoe", "", 35, 100, -1, 0},
	{"unksm2", "REGISTER", "sip:example.com", "3234233", "",
	 "unksm2.daksdj@hyphenated-host.example.com", "z9hG4bKkdjuw", "", 234902, 0, 70, 0},
	{"bcast", "INVITE", "", "11141343", "2229", "bcast.0384840201234ksdfak3j2erwedfsASdf",
	 "z9hG4bK1324923", "", 35, 200, -1, 154},
	{"zeromf", "OPTIONS", "sip:user@example.com", "3ghsd41", "",
	 "zeromf.jfasdlfnm2o2l43r5u0asdfas", "z9hG4bKkdjuw2349i", "", 39234321, 0, 0, 0},
	{"inv2543", "INVITE", "sip:UserB@example.com", "", "",
	 "inv2543.1717@ift.client.example.com", "", "", 56, 0, -1, 105},
};

static void
test_fields(void **state)
{
	static struct sip_msg m;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		const char *name = fields[i].name;

		check_err(name, sip_msg_parse(read_vector(name), &m), ERR_OK);
		check_str(name, "method", m.method_name, fields[i].method);
		check_str(name, "Request-URI", m.uri_text, fields[i].uri);
		check_str(name, "From tag", m.from_tag, fields[i].from_tag);
		check_str(name, "To tag", m.to_tag, fields[i].to_tag);
		check_str(name, "Call-ID", m.call_id, fields[i].call_id);
		check_str(name, "branch", m.via.branch, fields[i].branch);
		check_str(name, "From display", m.from.display, fields[i].display);
		check_num(name, "CSeq", m.cseq, fields[i].cseq);
		check_num(name, "status", m.status, fields[i].status);
		check_num(name, "Max-Forwards", m.max_forwards, fields[i].forwards);
		check_num(name, "body", (long)m.body.len, fields[i].body);
	}
}

static void
test_wsinv(void **state)
{
	static struct sip_msg m;
	struct sip_iter it;
	struct sip_via v;
	struct sip_nameaddr na;
	const char *hosts[] = {"192.0.2.2", "spindle.example.com", "192.168.255.111"};

	(void)state;
	assert_int_equal(sip_msg_parse(read_vector("wsinv"), &m), ERR_OK);
	sip_iter_init(&it, &m, SIP_H_VIA);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(sip_iter_via(&it, &v), ERR_OK);
		check_str("wsinv", "Via host", v.host, hosts[i]);
	}
	check_str("wsinv", "third branch", v.branch, "z9hG4bK30239");
	assert_int_equal(sip_iter_via(&it, &v), ERR_NOTFOUND);
	assert_int_equal(sip_contact_read(&m, &na), ERR_OK);
	check_str("wsinv", "Contact", na.uri.all, "sip:jdrosen@example.com");
	check_str("wsinv", "newparam", sip_param_value(na.params, "newparam"), "newvalue");
	check_str("wsinv", "q", sip_param_value(na.params, "q"), "0.33");
	check_str("wsinv", "Subject", sip_msg_value(&m, SIP_H_SUBJECT), "");
	assert_non_null(sip_msg_hdr(&m, SIP_H_SUBJECT));
	check_str("wsinv", "unusual",
		  sip_msg_by_name(&m, STR("unknownheaderwithunusualvalue"), NULL)->value,
		  ";;,,;;,;");
	check_str("wsinv", "folded", sip_msg_by_name(&m, STR("NewFangledHeader"), NULL)->value,
		  "newfangled value\r\n continued newfangled value");
	assert_true(sip_ctype_is(&m, "application", "sdp"));
	sip_iter_init(&it, &m, SIP_H_ROUTE);
	assert_int_equal(sip_iter_nameaddr(&it, &na), ERR_OK);
	assert_true(sip_uri_has_param(&na.uri, "lr"));
}

static void
test_others(void **state)
{
	static struct sip_msg m;
	struct sip_nameaddr na;
	struct sip_iter it;
	struct sip_via v;
	struct buf b;
	char mem[256];
	unsigned n = 0;

	(void)state;
	buf_init(&b, mem, sizeof(mem));
	assert_int_equal(sip_msg_parse(read_vector("intmeth"), &m), ERR_OK);
	sip_unquote(&b, m.to.display);
	assert_true(str_eqz(buf_view(&b), "BEL: NUL: DEL:"));
	assert_int_equal(m.uri.password.len, strlen("&it+has=1,weird!*pas$wo~d_too.(doesn't-it)"));
	assert_true(str_eqz(m.uri.host, "example.com"));

	/* escapes in a name are no escapes: this header is not a Contact */
	assert_int_equal(sip_msg_parse(read_vector("esc02"), &m), ERR_OK);
	assert_int_equal(m.method, SIP_UNKNOWN);
	assert_int_equal(sip_hdr_count(&m, SIP_H_CONTACT), 2);
	assert_non_null(sip_msg_by_name(&m, STR("C%6Fntact"), NULL));

	assert_int_equal(sip_msg_parse(read_vector("esc01"), &m), ERR_OK);
	buf_reset(&b);
	assert_int_equal(sip_uri_user(&m.uri, &b), ERR_OK);
	assert_true(str_eqz(buf_view(&b), "sips:user@example.com"));
	assert_true(str_eqz(m.uri.host, "example.net"));

	assert_int_equal(sip_msg_parse(read_vector("escnull"), &m), ERR_OK);
	assert_int_equal(sip_uri_user(&m.from.uri, &b), ERR_SYNTAX); /* NUL never comes out */

	assert_int_equal(sip_msg_parse(read_vector("longreq"), &m), ERR_OK);
	assert_int_equal(sip_hdr_count(&m, SIP_H_VIA), 34);
	assert_int_equal(m.from_tag.len, 155);
	assert_int_equal(m.call_id.len, 11 + 120 + 10);
	assert_int_equal(m.body.len, 150);

	assert_int_equal(sip_msg_parse(read_vector("transports"), &m), ERR_OK);
	sip_iter_init(&it, &m, SIP_H_VIA);
	while (sip_iter_via(&it, &v) == ERR_OK)
		n = n * 10 + v.transport;
	assert_int_equal(
		n, ((((SIP_UDP * 10 + SIP_SCTP) * 10 + SIP_TLS) * 10 + SIP_TRANSPORT_OTHER) * 10) +
			   SIP_TCP);

	assert_int_equal(sip_msg_parse(read_vector("semiuri"), &m), ERR_OK);
	assert_int_equal(sip_hdr_count(&m, SIP_H_ACCEPT), 6);
	assert_true(sip_hdr_has(&m, SIP_H_ACCEPT, "message/sipfrag"));

	assert_int_equal(sip_msg_parse(read_vector("bext01"), &m), ERR_OK);
	assert_true(sip_hdr_has(&m, SIP_H_REQUIRE, "nothingSupportsThisEither"));
	assert_int_equal(sip_hdr_count(&m, SIP_H_PROXY_REQUIRE), 2);

	assert_int_equal(sip_msg_parse(read_vector("cparam01"), &m), ERR_OK);
	assert_int_equal(sip_contact_read(&m, &na), ERR_OK);
	assert_false(sip_uri_has_param(&na.uri, "unknownparam")); /* of the header */
	assert_int_equal(sip_msg_parse(read_vector("cparam02"), &m), ERR_OK);
	assert_int_equal(sip_contact_read(&m, &na), ERR_OK);
	assert_true(sip_uri_has_param(&na.uri, "unknownparam")); /* of the URI */

	assert_int_equal(sip_msg_parse(read_vector("regescrt"), &m), ERR_OK);
	assert_int_equal(sip_contact_read(&m, &na), ERR_OK);
	assert_true(str_eqz(na.uri.headers, "Route=%3Csip:sip.example.com%3E"));

	assert_int_equal(sip_msg_parse(read_vector("badbranch"), &m), ERR_OK);
	assert_false(sip_via_is_rfc3261(&m.via));
	assert_int_equal(sip_msg_parse(read_vector("unreason"), &m), ERR_OK);
	assert_true(str_starts(m.reason, STR("= 2**3 * 5**2 \xd0\xbd\xd0\xbe")));
	assert_int_equal(sip_msg_parse(read_vector("bcast"), &m), ERR_OK);
	assert_int_equal(sip_hdr_count(&m, SIP_H_VIA), 2); /* two on a response: not for us */
	assert_int_equal(sip_msg_parse(read_vector("invut"), &m), ERR_OK);
	assert_true(sip_ctype_is(&m, "application", "unknownformat"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_wsinv),
		cmocka_unit_test(test_others),
	};

	return cmocka_run_group_tests_name("sip torture (RFC 4475)", tests, NULL, NULL);
}
