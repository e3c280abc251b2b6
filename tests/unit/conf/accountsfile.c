#include "told.h"

#include "conf/accountsfile.h"
#include "policy/change.h"

static struct told told;

static void
test_good(void **state)
{
	static const char text[] =
		"accounts:\n"
		"  - id: acme\n"
		"    name: Acme Ltd\n"
		"    tls_srtp: on\n"
		"    need: calls over the Internet\n"
		"    services: [origination, international]\n"
		"    max_calls: 20\n"
		"    trunks:\n"
		"      - {id: acme-1, fqdn: PBX.Acme.Example, numbers: [\"+15551230000\", "
		"+1555124*]}\n"
		"      - {id: acme-2, fqdn: 192.0.2.7, transport: udp, names: []}\n"
		"      - {id: acme-3, fqdn: pbx3.acme.example, names: [A.acme.example], zone: "
		"Z.example,\n"
		"         sources: [192.0.2.0/24], direction: out, ssrc: pass, learn: yes}\n"
		"  - {id: bolt, enabled: no}\n"
		"carriers:\n"
		"  - {id: gw1, host: 127.0.0.9, port: 5080, priority: 10, weight: 50, max_calls: "
		"100}\n"
		"  - {id: gw2, host: gw.example, sources: [198.51.100.0/24], transport: tcp}\n";
	struct roster r;
	const struct roster_trunk *t;

	(void)state;
	told_init(&told);
	roster_init(&r);
	if (accountsfile_parse(str_from(text), NULL, &told.rep, &r) != ERR_OK)
		fail_msg("%s", buf_cstr(&told.b));
	assert_int_equal(r.n_accounts, 2);
	assert_int_equal(r.account[0].services, CLASS_ORIGINATION | CLASS_INTERNATIONAL);
	assert_int_equal(r.account[0].tls_srtp, TLS_SRTP_ON);
	assert_true(r.account[0].enabled);
	assert_false(r.account[1].enabled);
	assert_int_equal(r.account[1].tls_srtp, TLS_SRTP_OFF);
	assert_int_equal(r.account[1].services,
			 CLASS_ORIGINATION | CLASS_TOLL_FREE | CLASS_TERMINATION);
	assert_int_equal(r.n_trunks, 5);
	t = &r.trunk[0];
	assert_true(str_eqz(t->host, "pbx.acme.example"));
	assert_int_equal(t->port, 5061);
	assert_int_equal(t->security, TRUNK_SEC_REQUIRED);
	assert_int_equal(t->direction, TRUNK_BOTH);
	t = &r.trunk[1]; /* plain, known by its own address */
	assert_int_equal(t->port, 5060);
	assert_int_equal(t->security, TRUNK_SEC_REFUSED);
	assert_int_equal(t->n_sources, 1);
	assert_int_equal(t->source[0].bits, 32);
	t = &r.trunk[2];
	assert_true(str_eqz(t->name[0], "a.acme.example") && t->n_names == 1);
	assert_true(str_eqz(t->zone, "z.example"));
	assert_int_equal(t->direction, TRUNK_OUT);
	assert_int_equal(t->ssrc, TRUNK_SSRC_PASS);
	assert_true(t->learn);
	t = &r.trunk[3];
	assert_int_equal(t->kind, TRUNK_CARRIER);
	assert_int_equal(t->port, 5080);
	assert_int_equal(t->weight, 50);
	assert_int_equal(t->transport, TRUNK_UDP);
	assert_int_equal(r.n_numbers, 2);
	roster_fini(&r);
}

static void
test_golden(void **state)
{
	static const struct {
		const char *name, *text, *want;
	} table[] = {
		{"unknown word", "acounts: []\n",
		 "1:1: unknown word \"acounts\" in the accounts file; did you mean "
		 "\"accounts\"?\n"},
		{"carrier's word in a trunk",
		 "accounts: [{id: a, trunks: [{id: t, fqdn: x.example, weight: 1}]}]\n",
		 "1:54: unknown word \"weight\" in trunk; postern.yaml(5) and postern-accounts(5) "
		 "list "
		 "what there is\n"},
		{"missing", "accounts: [{name: x}]\ncarriers: [{id: g}]\n",
		 "1:12: account: \"id\" is missing; a short id, such as acme\n"
		 "2:12: carrier: \"host\" is missing; a host name (of a PBX: the one in its "
		 "certificate) or an address\n"},
		{"values",
		 "accounts:\n"
		 "  - id: a b\n"
		 "  - id: b\n"
		 "    services: [orignation, emergency]\n"
		 "    trunks:\n"
		 "      - {id: t, fqdn: \"*.x.example\", caller: 555, strip: x}\n"
		 "      - {id: u, fqdn: u.example, numbers: [5551234], sources: [10.0.0.0/33]}\n",
		 "2:9: id: \"a b\" is not an id of letters, digits, '.', '_', '-'; a short id, "
		 "such as "
		 "acme\n"
		 "4:16: services: \"orignation\" is not known; did you mean \"origination\"? use "
		 "some of: "
		 "origination toll_free termination international premium\n"
		 "4:28: services: \"emergency\" is not known; use some of: origination toll_free "
		 "termination international premium\n"
		 "6:23: fqdn: \"*.x.example\" is neither a host name nor the address of a host; a "
		 "host name "
		 "(of a PBX: the one in its certificate) or an address\n"
		 "6:46: caller: \"555\" is not a number; write +, country code and digits\n"
		 "6:58: strip: \"x\" cannot be dialled; write digits, *, #, a + only before them\n"
		 "7:64: sources: \"10.0.0.0/33\" is not an address or a range; write one such as "
		 "192.0.2.0/24\n"
		 "7:44: numbers: \"5551234\" is not a number; write +, country code and digits, at "
		 "the "
		 "end of a prefix a *: \"+15551230000\", \"+1555124*\"\n"},
		{"between entries",
		 "accounts:\n"
		 "  - id: a\n"
		 "    trunks: [{id: t, fqdn: x.example, numbers: [\"+15551230000\"]}]\n"
		 "  - id: b\n"
		 "    trunks: [{id: t, fqdn: y.example, numbers: [\"+15551230000\"]}]\n"
		 "  - id: b\n",
		 "6:5: account \"b\" stands twice; give each its own id\n"
		 "5:14: trunk \"t\" stands twice; give each its own id\n"
		 "5:49: number +15551230000 stands twice; trunk \"t\" has it\n"},
		{"what cannot be meant",
		 "accounts:\n"
		 "  - {id: a, override: \"  \", max_length: 0s, max_spend: \"0.00\"}\n"
		 "  - id: b\n"
		 "    trunks:\n"
		 "      - {id: t, fqdn: x.example, add: \"++\", sources: [10.0.0.1]}\n"
		 "carriers: [{id: g, host: 0.0.0.0}, {id: h, host: 239.0.0.1}]\n",
		 "2:23: override: \"  \" is blank, or holds control characters; the reason to do "
		 "without a passed report\n"
		 "2:41: max_length: \"0s\" is out of range; the longest call, 1s to 7d, such as "
		 "4h\n"
		 "2:56: max_spend: \"0.00\" is out of range; an amount a day above 0, such as "
		 "\"50.00\"; leave it out for no limit\n"
		 "5:39: add: \"++\" cannot be dialled; write digits, *, #, a + only before them\n"
		 "6:26: host: \"0.0.0.0\" is neither a host name nor the address of a host; a host "
		 "name (of a PBX: the one in its certificate) or an address\n"
		 "6:50: host: \"239.0.0.1\" is neither a host name nor the address of a host; a "
		 "host name (of a PBX: the one in its certificate) or an address\n"},
		{"hosts with a port",
		 "accounts: [{id: a, trunks: [{id: t, fqdn: \"x.example:5061\"}]}]\n"
		 "carriers:\n"
		 "  - {id: g, host: \"192.0.2.1:5080\"}\n"
		 "  - {id: h, host: \"[2001:db8::1]:5080\"}\n"
		 "  - {id: i, host: \"gw.example:70000\"}\n",
		 "1:43: fqdn: \"x.example:5061\" has a port with it; write fqdn: x.example, and "
		 "port: 5061\n"
		 "3:19: host: \"192.0.2.1:5080\" has a port with it; write host: 192.0.2.1, and "
		 "port: 5080\n"
		 "4:19: host: \"[2001:db8::1]:5080\" has a port with it; write host: "
		 "2001:db8::1, and port: 5080\n"
		 "5:19: host: \"gw.example:70000\" is neither a host name nor the address of a "
		 "host; a "
		 "host name (of a PBX: the one in its certificate) or an address\n"},
		{"nothing that means everything", "accounts: [{id: a, countries: []}]\n",
		 "1:31: countries: an empty list would allow all; name some, or leave the word out "
		 "to allow all\n"},
		{"what cannot happen",
		 "accounts:\n"
		 "  - id: b\n"
		 "    trunks:\n"
		 "      - {id: t, fqdn: x.example, strip: \"99999\", sources: [\"::/0\"]}\n"
		 "      - {id: u, fqdn: y.example, sources: [224.0.0.0/4]}\n"
		 "carriers:\n"
		 "  - {id: g, host: 192.0.2.1, port: 5060, sources: [192.0.2.1]}\n"
		 "  - {id: h, host: 192.0.2.1, port: 5060, sources: [192.0.2.1]}\n"
		 "  - {id: i, host: 192.0.2.1, port: 5060, direction: out}\n"
		 "  - {id: j, host: 192.0.2.1, port: 5080, sources: [192.0.2.1]}\n",
		 "4:9: trunk \"t\": strip \"99999\" cuts nothing: called numbers begin with +, as "
		 "in "
		 "+15551230000; write it as \"+1\"\n"
		 "4:9: trunk \"t\": sources: ::/0 is every address there is; name the addresses "
		 "that "
		 "the equipment sends from\n"
		 "5:9: trunk \"u\": sources: 224.0.0.0/4 is multicast, which nobody sends from; "
		 "name "
		 "the addresses that the equipment sends from\n"
		 "8:5: carrier \"h\" has the host and port of \"g\": calls from there could be of "
		 "either; give one another port or listener, or direction: out\n"},
		{"everything in two parts",
		 "accounts:\n"
		 "  - id: b\n"
		 "    trunks:\n"
		 "      - {id: t, fqdn: x.example, sources: [0.0.0.0/1, 128.0.0.0/1]}\n"
		 "      - {id: u, fqdn: y.example, sources: [\"8000::/1\", \"4000::/2\", \"::/2\", "
		 "\"4000::/3\"]}\n"
		 "      - {id: v, fqdn: z.example, sources: [0.0.0.0/1, 0.0.0.0/1, 128.0.0.0/2]}\n",
		 "4:9: trunk \"t\": sources: together they are every address there is; name the "
		 "addresses that the equipment sends from\n"
		 "5:9: trunk \"u\": sources: together they are every address there is; name the "
		 "addresses that the equipment sends from\n"},
		{"no country has it", "accounts: [{id: a, countries: [\"0\"]}]\n",
		 "1:32: countries: \"0\" is not 1 to 15 digits, the first not 0; a list of country "
		 "codes and prefixes without +, such as \"44\"\n"},
		{"a suite in both spellings",
		 "carriers: [{id: g, host: g.example, transport: tls, srtp: "
		 "[AES_CM_128_HMAC_SHA1_80, AES_128_CM_HMAC_SHA1_80]}]\n",
		 "1:85: srtp: \"AES_128_CM_HMAC_SHA1_80\" stands twice; remove one\n"},
		{"ports",
		 "carriers: [{id: g, host: g.example, port: 65536}, {id: h, host: h.example, port: "
		 "0}]\n",
		 "1:43: port: \"65536\" is outside 0 to 65535; a port; default 5061 for tls, else "
		 "5060, of a carrier's name by SRV\n"
		 "1:82: port: \"0\" is outside 1 to 65535; leave it out to have a carrier's name "
		 "looked up by SRV\n"},
		{"srtp in clear", "carriers: [{id: g, host: 192.0.2.1, security: required}]\n",
		 "1:12: trunk \"g\": SRTP keys may not go over udp; use transport: tls, or "
		 "security: "
		 "refused\n"},
		{"rules",
		 "carriers:\n"
		 "  - id: g\n"
		 "    host: 192.0.2.1\n"
		 "    headers: {in: [\"remove Via\", \"add X-A: a\\r\\nRoute: b\"], to: []}\n"
		 "    rewrite: {out: [\"called 9\"], in: \"called 9 -> 8\"}\n",
		 "4:61: unknown word \"to\" in carrier; postern.yaml(5) and postern-accounts(5) "
		 "list "
		 "what there is\n"
		 "4:20: headers.in: \"remove Via\": Via: it says where messages go, and postern "
		 "writes it for each leg\n"
		 "4:34: headers.in: \"add X-A: a\r\nRoute: b\": it holds the control byte 0x0d; a "
		 "rule is one line of text\n"
		 "5:38: rewrite.in: a text stands here; write a list\n"
		 "5:21: rewrite.out: \"called 9\": write \"called PREFIX -> INSTEAD\" or \"calling "
		 "PREFIX -> INSTEAD\", each digits, *, #, a + only before them, at most 31, one of "
		 "them may be empty\n"},
		{"srtp preferred in clear",
		 "carriers: [{id: g, host: 192.0.2.1, security: preferred}]\n",
		 "1:12: trunk \"g\": SRTP keys may not go over udp; use transport: tls, or "
		 "security: "
		 "refused\n"},
		{"a codec of nobody",
		 "carriers: [{id: g, host: 192.0.2.1, codecs: [PCMA, G711]}]\n",
		 "1:52: codecs: \"G711\" names a codec that is not known, or one twice; a "
		 "list "
		 "of up to 16 codecs, such as [PCMA, PCMU, G722], each once\n"},
		{"events of another kind", "carriers: [{id: g, host: 192.0.2.1, events: 8}]\n",
		 "1:12: trunk \"g\": events: 8 is a payload type of another kind; use 96 to 127, "
		 "such as 101\n"},
		{"all of it at once: within an entry, and between others",
		 "accounts: [{id: a, max_calls: x}, {id: b, parent: c}, {id: b}]\n",
		 "1:31: max_calls: \"x\" is not a number; concurrent calls, 0 = no limit "
		 "of its own\n"
		 "1:35: no account \"c\" to be the parent\n"
		 "1:55: account \"b\" stands twice; give each its own id\n"},
		{"its own parent", "accounts: [{id: a, parent: a}]\n",
		 "1:12: account \"a\" names itself as its parent; name the account that has the "
		 "certificate, or leave parent out\n"},
		{"what may come of an error is not said besides",
		 "accounts: [{id: a, trunks: [{id: t, fqdn: p.example, transport: udp, sources: "
		 "[x]}]}]\n",
		 "1:80: sources: \"x\" is not an address or a range; write one such as "
		 "192.0.2.0/24\n"},
		{"who names it cannot be judged where an id is missing",
		 "accounts: [{name: A}, {id: b, parent: c}]\n",
		 "1:12: account: \"id\" is missing; a short id, such as acme\n"},
		{"groups: of nobody, twice, of a wrong word",
		 "carriers: [{id: g, host: 192.0.2.1, group: a}]\n"
		 "groups: [{id: b}, {id: a}, {id: a}, {id: a, max_calls: x}]\n",
		 "2:56: max_calls: \"x\" is not a number; concurrent calls over all of its "
		 "carriers, "
		 "0 = no limit\n"
		 "2:28: group \"a\" stands twice; give each its own id\n"
		 "2:10: group \"b\": no carrier is in it; write group: b at its carriers\n"},
		{"the other file", "limits: {calls: 5}\nlisteners: []\n",
		 "2:1: this is the configuration of a node, no file of accounts; give it with -c, "
		 "and the accounts, such as /etc/postern/accounts.yaml, behind it\n"},
		{"text for a list", "accounts: none\n",
		 "1:11: accounts: a text stands here; write a list\n"},
		{"text for a trunk", "accounts: [{id: a, trunks: [t1]}]\n",
		 "1:29: trunk: a text stands here; write \"word: value\" lines\n"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct roster r;
		enum err e;

		told_init(&told);
		roster_init(&r);
		e = accountsfile_parse(str_from(table[i].text), NULL, &told.rep, &r);
		roster_fini(&r);
		if (e == ERR_NOMEM)
			fail_msg("%s", err_text(e));
		if (e != ERR_CONFIG || strcmp(buf_cstr(&told.b), table[i].want) != 0)
			fail_msg("%s: %s\n%s# wanted\n%s", table[i].name, err_name(e),
				 buf_cstr(&told.b), table[i].want);
	}
}

/* The example in the manual and in conf/ */
static void
test_example(void **state)
{
	struct roster r;

	(void)state;
	told_init(&told);
	roster_init(&r);
	if (accountsfile_load(VECTORS "/../../conf/accounts.yaml", &told.rep, &r) != ERR_OK)
		fail_msg("%s", buf_cstr(&told.b));
	assert_true(r.n_accounts > 0 && r.n_trunks > 1 && r.n_numbers > 0);
	roster_fini(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_example),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
