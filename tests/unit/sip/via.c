#include "unit/sip/rows.h"

#include "sip/via.h"

static void
test_via(void **state)
{
	static const struct {
		const char *text;
		enum err e;
		enum sip_transport t;
		const char *host;
		int port;
		const char *branch, *received;
		int rport; /* -1: absent, 0: without value */
		bool cookie;
	} rows[] = {
		{"SIP/2.0/UDP a.b;branch=z9hG4bKx", ERR_OK, SIP_UDP, "a.b", 0, "z9hG4bKx", "", -1,
		 true},
		{"SIP/2.0/TLS a.b:5061;rport;branch=z9hG4bKx", ERR_OK, SIP_TLS, "a.b", 5061,
		 "z9hG4bKx", "", 0, true},
		{"SIP/2.0/tcp [2001:db8::1]:5060;received=192.0.2.1;rport=99;branch=q", ERR_OK,
		 SIP_TCP, "[2001:db8::1]", 5060, "q", "192.0.2.1", 99, false},
		{"SIP  /   2.0\r\n /UDP\r\n    192.0.2.2;branch=390skdjuw", ERR_OK, SIP_UDP,
		 "192.0.2.2", 0, "390skdjuw", "", -1, false},
		{"SIP/2.0/UNKNOWN a", ERR_OK, SIP_TRANSPORT_OTHER, "a", 0, "", "", -1, false},
		{"SIP/2.0/WSS a;branch=z9hG4bK", ERR_OK, SIP_WSS, "a", 0, "z9hG4bK", "", -1, false},
		{"SIP/2.0/UDP a : 5060 ;branch=Z9HG4BKq", ERR_OK, SIP_UDP, "a", 5060, "Z9HG4BKq",
		 "", -1, true},
		{"SIP/2.0/UDP a;maddr=239.0.0.1;ttl=1;alias;x=\"y;z\"", ERR_OK, SIP_UDP, "a", 0, "",
		 "", -1, false},
		{"SIP/7.0/UDP a", ERR_VERSION, 0, NULL, 0, NULL, NULL, 0, false},
		{"", ERR_SYNTAX, 0, NULL, 0, NULL, NULL, 0, false},
		{"SIP/2.0/UDP", ERR_SYNTAX, 0, NULL, 0, NULL, NULL, 0, false},
		{"SIP/2.0/UDP ;branch=x", ERR_SYNTAX, 0, NULL, 0, NULL, NULL, 0, false},
		{"SIP/2.0/UDP[::1]", ERR_SYNTAX, 0, NULL, 0, NULL, NULL, 0, false},
		{"SIP/2.0 a", ERR_SYNTAX, 0, NULL, 0, NULL, NULL, 0, false},
		{"HTTP/2.0/UDP a", ERR_SYNTAX, 0, NULL, 0, NULL, NULL, 0, false},
		{"SIP/2.0/UDP a b", ERR_SYNTAX, 0, NULL, 0, NULL, NULL, 0, false},
		{"SIP/2.0/UDP a;;branch=x", ERR_SYNTAX, 0, NULL, 0, NULL, NULL, 0, false},
		{"SIP/2.0/UDP a;branch=x;branch=y", ERR_SYNTAX, 0, NULL, 0, NULL, NULL, 0, false},
		{"SIP/2.0/UDP a;branch", ERR_SYNTAX, 0, NULL, 0, NULL, NULL, 0, false},
		{"SIP/2.0/UDP a;rport=65536", ERR_SYNTAX, 0, NULL, 0, NULL, NULL, 0, false},
		{"SIP/2.0/UDP a;rport;rport", ERR_SYNTAX, 0, NULL, 0, NULL, NULL, 0, false},
		{"SIP/2.0/UDP a:0", ERR_SYNTAX, 0, NULL, 0, NULL, NULL, 0, false},
		{"SIP/2.0/UDP a,SIP/2.0/UDP b", ERR_SYNTAX, 0, NULL, 0, NULL, NULL, 0, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sip_via v;

		check_err(rows[i].text, sip_via_parse(at_end(str_from(rows[i].text)), &v),
			  rows[i].e);
		if (rows[i].e != ERR_OK)
			continue;
		check_num(rows[i].text, "transport", v.transport, rows[i].t);
		check_str(rows[i].text, "host", v.host, rows[i].host);
		check_num(rows[i].text, "port", v.port, rows[i].port);
		check_str(rows[i].text, "branch", v.branch, rows[i].branch);
		check_str(rows[i].text, "received", v.received, rows[i].received);
		check_num(rows[i].text, "rport", v.has_rport ? v.rport : -1, rows[i].rport);
		check_num(rows[i].text, "cookie", sip_via_is_rfc3261(&v), rows[i].cookie);
	}
}

static void
test_names(void **state)
{
	(void)state;
	for (unsigned t = 0; t < SIP_TRANSPORT_OTHER; t++)
		assert_int_equal(sip_transport_of(str_from(sip_transport_name(t))), t);
	assert_int_equal(sip_transport_of(STR("QUIC")), SIP_TRANSPORT_OTHER);
	assert_int_equal(sip_transport_of(STR_NULL), SIP_TRANSPORT_OTHER);
	assert_string_equal(sip_transport_name(SIP_TRANSPORT_OTHER), "?");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_via),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests_name("sip via", tests, NULL, NULL);
}
