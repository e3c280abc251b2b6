/* Trust: roots by name and by file, lists that follow from one trust to the next, what the bundle
 * lacks, what accounts may bring, profiles. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "net/certview.h"
#include "net/tlspath.h"
#include "testca.h"

static struct made {
	X509 *root, *other, *middle, *leaf;
} m;

static int
setup(void **state)
{
	struct ca_opts o = {.cn = "Middle",
			    .ca = true,
			    .from_day = -1,
			    .key = ca_keys()->leaf2,
			    .issuer_key = ca_keys()->ca};

	(void)state;
	m.root = ca_root("Root");
	m.other = ca_root("Other");
	o.issuer = m.root;
	m.middle = ca_cert(&o);
	o = (struct ca_opts){.cn = "leaf",
			     .san = "DNS:pbx.example.com",
			     .from_day = -1,
			     .key = ca_keys()->leaf,
			     .issuer = m.middle,
			     .issuer_key = ca_keys()->leaf2};
	m.leaf = ca_cert(&o);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	X509_free(m.root);
	X509_free(m.other);
	X509_free(m.middle);
	X509_free(m.leaf);
	ca_keys_free();
	return 0;
}

/* A list of Middle that names leaf, or nothing, in DER. */
static struct str
make_list(bool names_leaf)
{
	static unsigned char der[2][4096];
	X509_CRL *crl = X509_CRL_new();
	X509_REVOKED *r = X509_REVOKED_new();
	ASN1_TIME *t = ASN1_TIME_new();
	unsigned char *p = der[names_leaf];
	int len;

	CA_MUST(X509_CRL_set_version(crl, 1) == 1 &&
		X509_CRL_set_issuer_name(crl, X509_get_subject_name(m.middle)) == 1);
	X509_gmtime_adj(t, -CA_DAY_S);
	CA_MUST(X509_CRL_set1_lastUpdate(crl, t) == 1 &&
		X509_REVOKED_set_revocationDate(r, t) == 1);
	X509_gmtime_adj(t, CA_DAY_S);
	CA_MUST(X509_CRL_set1_nextUpdate(crl, t) == 1);
	CA_MUST(X509_REVOKED_set_serialNumber(r, X509_get_serialNumber(m.leaf)) == 1);
	if (names_leaf)
		CA_MUST(X509_CRL_add0_revoked(crl, r) == 1);
	else
		X509_REVOKED_free(r);
	CA_MUST(X509_CRL_sign(crl, ca_keys()->leaf2, EVP_sha256()) > 0);
	len = i2d_X509_CRL(crl, &p);
	CA_MUST(len > 0 && (size_t)len <= sizeof(der[0]));
	ASN1_TIME_free(t);
	X509_CRL_free(crl);
	return str_of(der[names_leaf], (size_t)len);
}

static struct tls_trust *
make_trust(struct str crl, struct tls_trust *previous)
{
	struct tls_trust_zone zone = {.files_pem = ca_pem(0, &m.root, 1),
				      .files_label = STR("roots.pem")};
	struct tls_text text = {crl, STR("list.crl")};
	struct tls_trust_conf c = {.zones = &zone,
				   .n_zones = 1,
				   .crls = &text,
				   .n_crls = crl.len ? 1 : 0,
				   .previous = previous,
				   .version = 3};
	struct tls_trust *t = NULL;
	char mem[256];
	struct buf why;

	buf_init(&why, mem, sizeof(mem));
	assert_int_equal(tls_trust_new(&c, &why, &t), ERR_OK);
	assert_int_equal(why.len, 0);
	return t;
}

static enum cert_reason
judge(struct tls_trust *t, struct tls_record *r)
{
	static struct tls_path path;
	STACK_OF(X509) *shown = sk_X509_new_null();
	struct cert_policy policy = {.rsa_only = true};
	struct cert_verdict v;

	CA_MUST(sk_X509_push(shown, m.leaf) > 0 && sk_X509_push(shown, m.middle) > 0);
	tls_path_begin(&path, m.leaf, shown);
	tls_path_judge(
		&path,
		&(struct tls_path_terms){.trust = t, .policy = &policy, .now_us = clock_wall_us()},
		r, &v);
	tls_path_end(&path);
	sk_X509_free(shown);
	return v.reason;
}

/* A list of an intermediate that no file has: its signature can be checked because a good path
 * showed the issuer, in this trust or in the one before (A10: without waiting for a handshake). */
static void
lists_follow(void **state)
{
	struct tls_trust *before = make_trust(STR_NULL, NULL), *now, *stranger;
	static struct tls_record r;

	(void)state;
	assert_int_equal(judge(before, &r), CERT_OK);
	assert_int_equal(r.n_ids, 3);
	assert_string_equal(r.authority, "roots.pem");
	assert_true(r.chain[0].sent && r.chain[1].sent && !r.chain[2].sent);
	assert_false(tls_trust_revoked(before, r.ids, r.n_ids));
	now = make_trust(make_list(false), before);
	assert_false(tls_trust_revoked(now, r.ids, r.n_ids));
	assert_int_equal(judge(now, &r), CERT_OK);
	tls_trust_unref(&now);
	now = make_trust(make_list(true), before);
	assert_true(tls_trust_revoked(now, r.ids, r.n_ids));
	assert_false(tls_trust_revoked(now, r.ids + 1, 1u));
	assert_int_equal(judge(now, &r), CERT_REVOKED);
	/* who never saw the issuer believes the list only after a handshake */
	stranger = make_trust(make_list(true), NULL);
	assert_false(tls_trust_revoked(stranger, r.ids, r.n_ids));
	assert_int_equal(judge(stranger, &r), CERT_REVOKED);
	assert_true(tls_trust_revoked(stranger, r.ids, r.n_ids));
	tls_trust_unref(&stranger);
	tls_trust_unref(&now);
	tls_trust_unref(&before);
	assert_null(before);
}

static void
junk(void **state)
{
	struct tls_text texts[] = {
		{STR("nonsense"), STR("a.crl")},
		{STR("-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n"), STR("b.crl")},
		{STR_NULL, STR("c.crl")}};
	struct tls_crls *crls = NULL;
	char mem[512];
	struct buf why;

	(void)state;
	buf_init(&why, mem, sizeof(mem));
	assert_int_equal(tls_crls_new(texts, ARRAY_LEN(texts), &why, &crls), ERR_OK);
	assert_int_equal(tls_crls_count(crls), 0);
	assert_non_null(strstr(buf_cstr(&why), "a.crl: not a revocation list"));
	assert_non_null(strstr(mem, "c.crl: not"));
	tls_crls_free(&crls);
}

static void
zones_and_accounts(void **state)
{
	static char both[16384];
	struct tls_trust_zone zone = {.files_label = STR("roots.pem")};
	struct tls_trust_conf c = {.zones = &zone, .n_zones = 1};
	struct tls_trust *t = NULL;
	char mem[512];
	struct buf why;

	(void)state;
	buf_init(&why, mem, sizeof(mem));
	assert_int_equal(tls_trust_new(&c, &why, &t), ERR_OK); /* a warning */
	assert_non_null(strstr(buf_cstr(&why), "no accepted authority"));
	assert_int_equal(tls_trust_roots(t, 0), 0);
	tls_trust_unref(&t);
	buf_init(&why, mem, sizeof(mem));
	zone.files_pem = STR("x");
	assert_int_equal(tls_trust_new(&c, &why, &t), ERR_CONFIG);
	assert_non_null(strstr(buf_cstr(&why), "roots.pem: no readable PEM"));
	buf_init(&why, mem, sizeof(mem));
	assert_int_equal(tls_owns_check(ca_pem(0, &m.root, 1), STR("ca.pem"), &why), ERR_OK);
	assert_int_equal(tls_owns_check(ca_pem(0, &m.leaf, 1), STR("ca.pem"), &why), ERR_CONFIG);
	assert_non_null(strstr(buf_cstr(&why), "not of an authority"));
	assert_int_equal(tls_owns_check(STR("x"), STR("ca.pem"), &why), ERR_CONFIG);
	buf_init(&why, mem, sizeof(mem));
	assert_int_equal(tls_roots_check(ca_pem(0, &m.root, 1), STR("r.pem"), &why), ERR_OK);
	assert_int_equal(tls_roots_check(ca_pem(0, &m.leaf, 1), STR("r.pem"), &why), ERR_CONFIG);
	assert_non_null(
		strstr(buf_cstr(&why), "r.pem: a certificate in it is not of an authority"));
	/* a private key among them */
	(void)snprintf(both, sizeof(both), "%.*s%.*s", STR_ARG(ca_pem(0, &m.root, 1)),
		       STR_ARG(ca_key_pem(0, ca_keys()->leaf, NULL)));
	buf_init(&why, mem, sizeof(mem));
	assert_int_equal(tls_owns_check(str_from(both), STR("ca.pem"), &why), ERR_CONFIG);
	assert_non_null(strstr(buf_cstr(&why), "ca.pem: it holds a private key"));
	zone.files_pem = str_from(both);
	buf_init(&why, mem, sizeof(mem));
	assert_int_equal(tls_trust_new(&c, &why, &t), ERR_CONFIG);
	assert_non_null(strstr(buf_cstr(&why), "roots.pem: it holds a private key"));
	/* OpenSSL's own form beside a good one: not passed over in silence */
	(void)snprintf(both, sizeof(both),
		       "%.*s-----BEGIN TRUSTED CERTIFICATE-----\nMIIB\n-----END TRUSTED "
		       "CERTIFICATE-----\n",
		       STR_ARG(ca_pem(0, &m.root, 1)));
	buf_init(&why, mem, sizeof(mem));
	assert_int_equal(tls_roots_check(str_from(both), STR("r.pem"), &why), ERR_CONFIG);
	assert_non_null(strstr(buf_cstr(&why), "r.pem: it holds a TRUSTED CERTIFICATE"));
	zone.files_pem = str_from(both);
	buf_init(&why, mem, sizeof(mem));
	assert_int_equal(tls_trust_new(&c, &why, &t), ERR_CONFIG);
	assert_non_null(strstr(buf_cstr(&why), "openssl x509 -in"));
	/* an empty bundle lacks every root of the two names */
	buf_init(&why, mem, sizeof(mem));
	assert_int_equal(tls_trust_put_absent(ca_pem(0, &m.root, 1),
					      AUTHORITY_BIT(AUTHORITY_LETS_ENCRYPT) |
						      AUTHORITY_BIT(AUTHORITY_IDENTRUST),
					      &why),
			 4);
	assert_string_equal(buf_cstr(&why), "Let's Encrypt: ISRG Root X2, ISRG Root X1; IdenTrust: "
					    "IdenTrust Public Sector Root CA 1, IdenTrust "
					    "Commercial Root CA 1");
}

static void
profiles(void **state)
{
	struct tls_profile_row own = {.word = "own", .min = 0x0303, .max = 0x0303};
	const struct tls_profile_row *carrier = tls_profile_row(TLS_PROFILE_CARRIER);
	const struct tls_profile_row *modern = tls_profile_row(TLS_PROFILE_MODERN);
	char mem[512];
	struct buf b;

	(void)state;
	buf_init(&b, mem, sizeof(mem));
	assert_int_equal(tls_profile_forbidden(carrier, &b), 3);
	assert_string_equal(buf_cstr(&b), "TLS 1.2 with RSA key exchange (no forward secrecy): "
					  "AES128-SHA, AES128-SHA256, AES256-SHA256");
	assert_int_equal(tls_profile_forbidden(modern, &b), 0);
	assert_true(tls_profile_allows(carrier, 0x0303, 0x002f));
	assert_false(tls_profile_allows(carrier, 0x0304, 0x1301));
	assert_false(tls_profile_allows(modern, 0x0303, 0x002f));
	assert_true(tls_profile_allows(modern, 0x0304, 0x1301));
	assert_int_equal(str_copyz(own.suites, sizeof(own.suites), STR("ECDHE+AESGCM:AES128-SHA")),
			 ERR_OK);
	assert_int_equal(tls_profile_check(&own, &b), ERR_OK);
	assert_non_null(strstr(own.shown, "TLS 1.2 with ECDHE+AESGCM:AES128-SHA"));
	buf_init(&b, mem, sizeof(mem));
	assert_int_equal(tls_profile_forbidden(&own, &b), 1);
	own.min = 0x0302;
	assert_int_equal(tls_profile_check(&own, &b), ERR_CONFIG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_follow),
		cmocka_unit_test(junk),
		cmocka_unit_test(zones_and_accounts),
		cmocka_unit_test(profiles),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
