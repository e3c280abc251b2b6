#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "net/certpolicy.h"

#define NOW_US INT64_C(1800000000000000)
#define DAY_US INT64_C(86400000000)

/* ---- names ---- */

struct name_row {
	const char *row;
	struct str pattern, fqdn;
	bool match;
};

#define N63 "a23456789012345678901234567890123456789012345678901234567890123"

static const struct name_row name_rows[] = {
	{"same", STR("pbx.example.com"), STR("pbx.example.com"), true},
	{"case of the certificate", STR("PBX.Example.COM"), STR("pbx.example.com"), true},
	{"case of ours", STR("pbx.example.com"), STR("PBX.example.COM"), true},
	{"final dot in the certificate", STR("pbx.example.com."), STR("pbx.example.com"), true},
	{"final dot in ours", STR("pbx.example.com"), STR("pbx.example.com."), true},
	{"final dot in both", STR("pbx.example.com."), STR("pbx.example.com."), true},
	{"two final dots", STR("pbx.example.com.."), STR("pbx.example.com"), false},
	{"two final dots in ours", STR("pbx.example.com"), STR("pbx.example.com.."), false},
	{"other host", STR("pbx.example.com"), STR("pbx2.example.com"), false},
	{"other domain", STR("pbx.example.org"), STR("pbx.example.com"), false},
	{"suffix only", STR("example.com"), STR("pbx.example.com"), false},
	{"prefix only", STR("pbx.example.com"), STR("pbx.example"), false},
	{"wildcard, one label", STR("*.example.com"), STR("pbx.example.com"), true},
	{"wildcard, case", STR("*.EXAMPLE.com"), STR("pbx.example.COM"), true},
	{"wildcard, final dots", STR("*.example.com."), STR("pbx.example.com."), true},
	{"wildcard, punycode label", STR("*.example.com"), STR("xn--bcher-kva.example.com"), true},
	{"wildcard, label of 63", STR("*.example.com"), STR(N63 ".example.com"), true},
	{"wildcard, two labels", STR("*.example.com"), STR("a.pbx.example.com"), false},
	{"wildcard, bare domain", STR("*.example.com"), STR("example.com"), false},
	{"wildcard, other domain", STR("*.example.org"), STR("pbx.example.com"), false},
	{"wildcard, empty label", STR("*.example.com"), STR(".example.com"), false},
	{"wildcard, literal star", STR("*.example.com"), STR("*.example.com"), false},
	{"wildcard of a top level", STR("*.com"), STR("example.com"), false},
	{"wildcard alone", STR("*"), STR("example"), false},
	{"wildcard and dot", STR("*."), STR("example."), false},
	{"partial wildcard, front", STR("*bx.example.com"), STR("pbx.example.com"), false},
	{"partial wildcard, end", STR("pbx*.example.com"), STR("pbx1.example.com"), false},
	{"partial wildcard, middle", STR("p*x.example.com"), STR("pbx.example.com"), false},
	{"partial wildcard, punycode", STR("xn--*.example.com"), STR("xn--a.example.com"), false},
	{"wildcard not left-most", STR("pbx.*.example.com"), STR("pbx.a.example.com"), false},
	{"two wildcards", STR("*.*.example.com"), STR("a.b.example.com"), false},
	{"double star", STR("**.example.com"), STR("pbx.example.com"), false},
	{"NUL in the certificate", STR("pbx.example.com\0.evil.org"), STR("pbx.example.com"),
	 false},
	{"NUL at its end", STR("pbx.example.com\0"), STR("pbx.example.com"), false},
	{"NUL in ours", STR("pbx.example.com"), STR("pbx.example.com\0"), false},
	{"NUL under a wildcard", STR("*.example.com"), STR("p\0x.example.com"), false},
	{"IPv4 address", STR("192.0.2.1"), STR("192.0.2.1"), false},
	{"wildcard over an address", STR("*.0.2.1"), STR("192.0.2.1"), false},
	{"address as one number", STR("3221225985"), STR("3221225985"), false},
	{"IPv6 address", STR("2001:db8::1"), STR("2001:db8::1"), false},
	{"empty certificate name", STR(""), STR("pbx.example.com"), false},
	{"empty name of ours", STR("pbx.example.com"), STR(""), false},
	{"both empty", STR(""), STR(""), false},
	{"only a dot", STR("."), STR("."), false},
	{"leading dot", STR(".example.com"), STR("pbx.example.com"), false},
	{"leading dot in both", STR(".example.com"), STR(".example.com"), false},
	{"empty label inside", STR("pbx..com"), STR("pbx..com"), false},
	{"label of 64", STR("b" N63 ".com"), STR("b" N63 ".com"), false},
	{"underscore", STR("pbx_1.example.com"), STR("pbx_1.example.com"), true},
	{"hyphen at the edge", STR("-pbx.example.com"), STR("-pbx.example.com"), false},
	{"space", STR("pbx .example.com"), STR("pbx .example.com"), false},
	{"look-alike, not ASCII", STR("pb\xd1\x85.example.com"), STR("pbx.example.com"), false},
	{"one label", STR("localhost"), STR("LOCALHOST"), true},
	{"host with port", STR("pbx.example.com:5061"), STR("pbx.example.com"), false},
};

static void
names_match(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(name_rows); i++) {
		const struct name_row *r = &name_rows[i];

		if (certpolicy_dns_match(r->pattern, r->fqdn) != r->match)
			fail_msg("%s: wanted %d", r->row, r->match);
	}
	assert_true(ARRAY_LEN(name_rows) >= 40);
}

static void
long_names(void **state)
{
	char z[300];

	(void)state;
	for (size_t i = 0; i < sizeof(z); i++)
		z[i] = i % 2 ? '.' : 'a';
	assert_true(certpolicy_fqdn_ok(str_of(z, 253)));
	assert_true(certpolicy_fqdn_ok(str_of(z, 254))); /* the final dot does not count */
	assert_false(certpolicy_fqdn_ok(str_of(z, 255)));
	assert_false(certpolicy_fqdn_ok(str_of(z, 256)));
}

static void
uri_hosts(void **state)
{
	static const struct {
		struct str uri, host;
	} rows[] = {
		{STR("sip:example.com"), STR("example.com")},
		{STR("SIP:Example.com"), STR("Example.com")},
		{STR("sip:example.com:5061"), STR("example.com")},
		{STR("sip:example.com:"), STR("")},
		{STR("sip:example.com:99999"), STR("")},
		{STR("sip:bob@example.com"), STR("")},
		{STR("sip:example.com@evil.org"), STR("")},
		{STR("sips:example.com"), STR("")},
		{STR("http:example.com"), STR("")},
		{STR("sip:example.com;transport=tls"), STR("")},
		{STR("sip:*.example.com"), STR("")},
		{STR("sip:192.0.2.1"), STR("")},
		{STR("sip:"), STR("")},
		{STR("sip:example.com\0"), STR("")},
		{STR(""), STR("")},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str got = certpolicy_uri_host(rows[i].uri);

		if (!str_eq(got, rows[i].host))
			fail_msg("%.*s: got \"%.*s\"", STR_ARG(rows[i].uri), STR_ARG(got));
	}
}

/* ---- whole certificates ---- */

static void
match_order(void **state)
{
	static const struct {
		const char *row;
		struct str uri, dns, fqdn;
		enum cert_match want;
	} rows[] = {
		{"URI", STR("sip:a.example"), STR("b.example"), STR("a.example"), CERT_MATCH_URI},
		{"a sip URI puts DNS names out", STR("sip:a.example"), STR("b.example"),
		 STR("b.example"), CERT_MATCH_NO},
		{"a URI of a user does not", STR("sip:u@a.example"), STR("b.example"),
		 STR("b.example"), CERT_MATCH_DNS},
		{"a web URI does not", STR("https:a.example"), STR("b.example"), STR("b.example"),
		 CERT_MATCH_DNS},
		{"URI with final dot and case", STR("sip:A.example."), STR("b.example"),
		 STR("a.EXAMPLE"), CERT_MATCH_URI},
		{"wildcard", STR("urn:x"), STR("*.b.example"), STR("a.b.example"),
		 CERT_MATCH_WILDCARD},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct cert_view v = {
			.uri = &rows[i].uri, .n_uri = 1, .dns = &rows[i].dns, .n_dns = 1};

		if (certpolicy_match(&v, rows[i].fqdn) != rows[i].want)
			fail_msg("%s", rows[i].row);
	}
}

static const struct str one_name[] = {STR("pbx.example.com")};

static const struct str odd_names[] = {
	STR("pbx.example.com"), STR("a\0b.com"),      STR(""),
	STR("sip:a\0b"),        STR("*.com.example"), STR("a\r\n\x1b[1m\xff.com")};

static struct cert_view
good_leaf(void)
{
	return (struct cert_view){.subject = STR("CN=pbx"),
				  .issuer = STR("CN=ca"),
				  .dns = one_name,
				  .n_dns = 1,
				  .not_before_us = NOW_US - DAY_US,
				  .not_after_us = NOW_US + DAY_US,
				  .key = CERT_KEY_RSA,
				  .bits = 2048,
				  .ku_present = true,
				  .ku_digital_signature = true,
				  .ku_key_encipherment = true};
}

struct decision_row {
	const char *row;
	void (*do_change)(struct cert_view *leaf, struct cert_chain_view *chain,
			  struct cert_policy *policy);
	const char *ref; /* NULL: no name asked for */
	enum cert_reason reason;
	int alert;
	const char *says; /* in the sentence */
};

#define CHANGE(name)                                                                               \
	static void name(struct cert_view *l, struct cert_chain_view *c, struct cert_policy *p)
#define UNUSED (void)l, (void)c, (void)p

CHANGE(nothing)
{
	UNUSED;
}
CHANGE(self_signed)
{
	UNUSED;
	l->self_signed = true;
}
CHANGE(fault_self)
{
	UNUSED;
	c->fault = CERT_FAULT_SELF_SIGNED;
}
CHANGE(fault_unknown)
{
	UNUSED;
	c->fault = CERT_FAULT_UNKNOWN_CA;
}
CHANGE(fault_expired)
{
	UNUSED;
	c->fault = CERT_FAULT_EXPIRED;
}
CHANGE(fault_early)
{
	UNUSED;
	c->fault = CERT_FAULT_NOT_YET;
}
CHANGE(fault_purpose)
{
	UNUSED;
	c->fault = CERT_FAULT_PURPOSE;
}
CHANGE(fault_not_ca)
{
	UNUSED;
	c->fault = CERT_FAULT_NOT_CA;
	c->fault_depth = 1;
}
CHANGE(fault_signature)
{
	UNUSED;
	c->fault = CERT_FAULT_SIGNATURE;
}
CHANGE(fault_weak_key)
{
	UNUSED;
	c->fault = CERT_FAULT_WEAK_KEY;
}
CHANGE(fault_digest)
{
	UNUSED;
	c->fault = CERT_FAULT_WEAK_DIGEST;
}
CHANGE(fault_long)
{
	UNUSED;
	c->fault = CERT_FAULT_LONG;
	c->fault_depth = 99;
}
CHANGE(fault_revoked)
{
	UNUSED;
	c->fault = CERT_FAULT_REVOKED;
}
CHANGE(fault_no_crl)
{
	UNUSED;
	c->fault = CERT_FAULT_NO_CRL;
}
CHANGE(fault_malformed)
{
	UNUSED;
	c->fault = CERT_FAULT_MALFORMED;
}
CHANGE(fault_other)
{
	UNUSED;
	c->fault = CERT_FAULT_OTHER;
	c->fault_text = STR("odd thing");
}
CHANGE(late)
{
	UNUSED;
	l->not_after_us = NOW_US - 1;
}
CHANGE(last_moment)
{
	UNUSED;
	l->not_after_us = NOW_US;
}
CHANGE(early)
{
	UNUSED;
	l->not_before_us = NOW_US + 1;
}
CHANGE(ec_key)
{
	UNUSED;
	l->key = CERT_KEY_EC;
	l->bits = 256;
}
CHANGE(ec_key_modern)
{
	UNUSED;
	l->key = CERT_KEY_EC;
	l->bits = 256;
	p->rsa_only = false;
}
CHANGE(edwards)
{
	UNUSED;
	l->key = CERT_KEY_EDWARDS;
}
CHANGE(strange_key)
{
	UNUSED;
	l->key = CERT_KEY_UNKNOWN;
}
CHANGE(bits_2047)
{
	UNUSED;
	l->bits = 2047;
}
CHANGE(bits_3072)
{
	UNUSED;
	p->min_bits = 3072;
}
CHANGE(no_encipherment)
{
	UNUSED;
	l->ku_key_encipherment = false;
	p->server_side = true;
}
CHANGE(client_no_encipherment)
{
	UNUSED;
	l->ku_key_encipherment = false;
}
CHANGE(no_key_usage)
{
	UNUSED;
	l->ku_present = l->ku_key_encipherment = false;
	p->server_side = true;
}
CHANGE(many_names)
{
	UNUSED;
	l->names_cut = true;
}
CHANGE(nul_name)
{
	UNUSED;
	l->dns = odd_names;
	l->n_dns = 2;
}
CHANGE(empty_name)
{
	UNUSED;
	l->dns = &odd_names[2];
}
CHANGE(nul_uri)
{
	UNUSED;
	l->uri = &odd_names[3];
	l->n_uri = 1;
}
CHANGE(no_names)
{
	UNUSED;
	l->n_dns = 0;
}
CHANGE(wild_two)
{
	UNUSED;
	l->dns = &odd_names[4];
}
CHANGE(nasty_name)
{
	UNUSED;
	l->dns = &odd_names[5];
}

static const struct decision_row decision_rows[] = {
	{"good", nothing, NULL, CERT_OK, 0, ""},
	{"good with name", nothing, "pbx.example.com", CERT_OK, 0, ""},
	{"self-signed leaf", self_signed, NULL, CERT_SELF_SIGNED, 48, "self-signed"},
	{"fault self-signed", fault_self, NULL, CERT_SELF_SIGNED, 48, "self-signed"},
	{"unknown authority", fault_unknown, NULL, CERT_UNKNOWN_CA, 48, "accepted authority"},
	{"fault expired", fault_expired, NULL, CERT_EXPIRED, 45, "expired on 20"},
	{"fault not yet", fault_early, NULL, CERT_NOT_YET, 45, "not valid before 20"},
	{"purpose", fault_purpose, NULL, CERT_PURPOSE, 43, "extended key usage"},
	{"issuer is no CA", fault_not_ca, NULL, CERT_ISSUER, 48, "may not issue"},
	{"signature", fault_signature, NULL, CERT_SIGNATURE, 51, "signature"},
	{"weak key", fault_weak_key, NULL, CERT_KEY_SIZE, 42, "too short"},
	{"weak digest", fault_digest, NULL, CERT_DIGEST, 42, "SHA-1"},
	{"long chain", fault_long, NULL, CERT_CHAIN, 48, "too long"},
	{"revoked", fault_revoked, NULL, CERT_REVOKED, 44, "revoked"},
	{"no CRL", fault_no_crl, NULL, CERT_NO_CRL, 48, "revocation list"},
	{"malformed", fault_malformed, NULL, CERT_MALFORMED, 42, "not well formed"},
	{"anything else", fault_other, NULL, CERT_OTHER, 46, "odd thing"},
	{"expired by our clock", late, NULL, CERT_EXPIRED, 45, "expired on 2027-01-15"},
	{"last moment", last_moment, NULL, CERT_OK, 0, ""},
	{"not yet by our clock", early, NULL, CERT_NOT_YET, 45, "not valid before 2027-01-15"},
	{"EC key", ec_key, NULL, CERT_KEY_TYPE, 43, "its key is elliptic-curve; RSA is needed"},
	{"EC key, modern", ec_key_modern, NULL, CERT_OK, 0, ""},
	{"Edwards key", edwards, NULL, CERT_KEY_TYPE, 43, "Edwards-curve"},
	{"strange key", strange_key, NULL, CERT_KEY_TYPE, 43, "unknown"},
	{"2047 bits", bits_2047, NULL, CERT_KEY_SIZE, 42, "2047 bits; at least 2048"},
	{"3072 asked", bits_3072, NULL, CERT_KEY_SIZE, 42, "at least 3072"},
	{"server without keyEncipherment", no_encipherment, NULL, CERT_OK, 0, ""},
	{"client without it", client_no_encipherment, NULL, CERT_OK, 0, ""},
	{"server without key usage", no_key_usage, NULL, CERT_OK, 0, ""},
	{"too many names", many_names, NULL, CERT_NAMES, 42, "more than 256 names"},
	{"NUL in a name", nul_name, "pbx.example.com", CERT_BAD_NAME, 42, "NUL"},
	{"empty name", empty_name, NULL, CERT_BAD_NAME, 42, "empty"},
	{"NUL in a URI", nul_uri, NULL, CERT_BAD_NAME, 42, "NUL"},
	{"another name", nothing, "other.example.com", CERT_MISMATCH, 42,
	 "certificate is for pbx.example.com, which does not cover other.example.com"},
	{"no names at all", no_names, "pbx.example.com", CERT_MISMATCH, 42, "no name (SAN) at all"},
	{"wildcard elsewhere", wild_two, "pbx.example.com", CERT_MISMATCH, 42, "*.com.example"},
	{"address as reference", nothing, "192.0.2.1", CERT_MISMATCH, 42, "192.0.2.1"},
	{"control bytes in a name", nasty_name, "pbx.example.com", CERT_MISMATCH, 42,
	 "a???[1m?.com"},
};

static void
decisions(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(decision_rows); i++) {
		const struct decision_row *r = &decision_rows[i];
		struct cert_view certs[2] = {good_leaf(), good_leaf()};
		struct cert_chain_view chain = {
			.certs = certs, .n = 2, .root = {.owner = CERT_OWNER_FILE}};
		struct cert_policy policy = {.rsa_only = true};
		struct str ref = str_from(r->ref);
		struct cert_verdict v;

		certs[1].subject = STR("CN=ca");
		r->do_change(&certs[0], &chain, &policy);
		certpolicy_decide(&chain, &ref, r->ref ? 1 : 0, &policy, NOW_US, &v);
		if (v.reason != r->reason || v.alert != r->alert || v.ok != (r->reason == CERT_OK))
			fail_msg("%s: got %s, alert %d", r->row, certpolicy_word(v.reason),
				 v.alert);
		if (!strstr(v.why, r->says) || (v.ok && v.why[0]))
			fail_msg("%s: said \"%s\"", r->row, v.why);
	}
}

static void
expired_issuer(void **state)
{
	struct cert_view certs[2] = {good_leaf(), good_leaf()};
	struct cert_chain_view chain = {.certs = certs, .n = 2, .root = {.owner = CERT_OWNER_FILE}};
	struct cert_policy policy = {.rsa_only = true};
	struct cert_verdict v;

	(void)state;
	certs[1].subject = STR("CN=old authority");
	certs[1].not_after_us = NOW_US - DAY_US;
	certpolicy_decide(&chain, NULL, 0, &policy, NOW_US, &v);
	assert_int_equal(v.reason, CERT_EXPIRED);
	assert_non_null(strstr(v.why, "issuer CN=old authority: expired on 2027-01-14"));
}

static void
many_names_cut(void **state)
{
	static char long_name[] = N63 "." N63 "." N63;
	struct str names[CERT_DNS_MAX];
	struct cert_view v = good_leaf();
	struct cert_chain_view chain = {.certs = &v, .n = 1, .root = {.owner = CERT_OWNER_FILE}};
	struct cert_policy policy = {.rsa_only = true};
	struct str ref = STR("pbx.example.com");
	struct cert_verdict out;

	(void)state;
	for (size_t i = 0; i < CERT_DNS_MAX; i++)
		names[i] = str_of(long_name, sizeof(long_name) - 1);
	v.dns = names;
	v.n_dns = CERT_DNS_MAX;
	certpolicy_decide(&chain, &ref, 1, &policy, NOW_US, &out);
	assert_int_equal(out.reason, CERT_MISMATCH);
	assert_non_null(strstr(out.why, " and 255 more, which does not cover pbx.example.com"));
}

static void
none_shown(void **state)
{
	struct cert_policy policy = {.rsa_only = true};
	struct cert_verdict v;

	(void)state;
	certpolicy_none_shown(&policy, &v);
	assert_string_equal(v.why, "no certificate shown; we ask for RSA");
	assert_int_equal(v.alert, 40);
	policy.rsa_only = false;
	certpolicy_none_shown(&policy, &v);
	assert_string_equal(v.why, "no certificate shown; we ask for RSA or ECDSA");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_match),    cmocka_unit_test(long_names),
		cmocka_unit_test(uri_hosts),      cmocka_unit_test(match_order),
		cmocka_unit_test(decisions),      cmocka_unit_test(expired_issuer),
		cmocka_unit_test(many_names_cut), cmocka_unit_test(none_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
