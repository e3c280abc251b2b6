/* OCSP about our own certificate, and the dates of certificates and lists. Authorities and
 * responders are made here with the library. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "testca.h"

#include <openssl/ocsp.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/tlsdates.h"
#include "net/tlsocsp.h"

static X509 *root, *other, *leaf, *delegate, *stranger;
static struct str chain;
static char url[] = "OCSP;URI:http://ocsp.example.test/q";

static X509 *
issue(const char *cn, X509 *issuer, const char *eku, EVP_PKEY *key, bool aia)
{
	struct ca_opts o = {.cn = cn,
			    .eku = eku,
			    .from_day = -1,
			    .key = key,
			    .issuer = issuer,
			    .issuer_key = ca_keys()->ca};
	X509 *x = ca_cert(&o);

	if (aia) {
		ca_add_ext(x, issuer, NID_info_access, url);
		CA_MUST(X509_sign(x, ca_keys()->ca, EVP_sha256()) > 0);
	}
	return x;
}

static int
setup(void **state)
{
	X509 *both[2];

	(void)state;
	root = ca_root("Root");
	other = ca_root("Other");
	leaf = issue("leaf", root, "serverAuth", ca_keys()->leaf, true);
	delegate = issue("responder", root, "OCSPSigning", ca_keys()->leaf2, false);
	stranger = issue("no responder", root, "serverAuth", ca_keys()->leaf2, false);
	both[0] = leaf;
	both[1] = root;
	chain = ca_pem(0, both, 2);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	X509_free(root);
	X509_free(other);
	X509_free(leaf);
	X509_free(delegate);
	X509_free(stranger);
	ca_keys_free();
	return 0;
}

/* An answer: who signs it, about what, since and until when (seconds from now), with what status.
 */
struct says {
	X509 *signer, *about, *issuer;
	EVP_PKEY *key;
	int status;
	long from_s, until_s; /* until 0: none */
};

static struct str
answer(const struct says *a)
{
	static unsigned char der[TLS_OCSP_MAX];
	OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
	OCSP_CERTID *id = OCSP_cert_to_id(NULL, a->about, a->issuer);
	ASN1_TIME *from = X509_gmtime_adj(NULL, a->from_s);
	ASN1_TIME *until = a->until_s ? X509_gmtime_adj(NULL, a->until_s) : NULL;
	ASN1_TIME *when = a->status == V_OCSP_CERTSTATUS_REVOKED ? X509_gmtime_adj(NULL, -9) : NULL;
	OCSP_RESPONSE *r;
	unsigned char *p = der;
	int len;

	CA_MUST(OCSP_basic_add1_status(basic, id, a->status, 0, when, from, until));
	CA_MUST(OCSP_basic_sign(basic, a->signer, a->key, EVP_sha256(), NULL, 0) == 1);
	CA_MUST((r = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic)));
	len = i2d_OCSP_RESPONSE(r, NULL);
	CA_MUST(len > 0 && len < (int)sizeof(der));
	CA_MUST(i2d_OCSP_RESPONSE(r, &p) == len);
	OCSP_RESPONSE_free(r);
	OCSP_BASICRESP_free(basic);
	OCSP_CERTID_free(id);
	ASN1_TIME_free(from);
	ASN1_TIME_free(until);
	ASN1_TIME_free(when);
	return str_of(der, (size_t)len);
}

static void
test_judge(void **state)
{
	EVP_PKEY *ca = ca_keys()->ca, *k2 = ca_keys()->leaf2;
	const struct {
		const char *name;
		struct says says;
		const char *why; /* NULL: good */
	} rows[] = {
		{"by the issuer", {root, leaf, root, ca, 0, -60, 3600}, NULL},
		{"by whom it appointed", {delegate, leaf, root, k2, 0, -60, 3600}, NULL},
		{"without an end", {root, leaf, root, ca, 0, -60, 0}, NULL},
		{"by one it did not appoint",
		 {stranger, leaf, root, k2, 0, -60, 3600},
		 "signature"},
		{"with a wrong key", {other, leaf, root, ca, 0, -60, 3600}, "signature"},
		{"about another", {root, delegate, root, ca, 0, -60, 3600}, "not about"},
		{"revoked",
		 {root, leaf, root, ca, V_OCSP_CERTSTATUS_REVOKED, -60, 3600},
		 "revoked"},
		{"unknown",
		 {root, leaf, root, ca, V_OCSP_CERTSTATUS_UNKNOWN, -60, 3600},
		 "does not know"},
		{"run out", {root, leaf, root, ca, 0, -7200, -60}, "run out"},
		{"of the future", {root, leaf, root, ca, 0, 3600, 7200}, "future"},
		{"a little early", {root, leaf, root, ca, 0, 60, 7200}, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct tls_ocsp_good good = {.this_us = 7};
		char mem[256] = "";
		struct buf why;
		enum err e;

		print_message("# %s\n", rows[i].name);
		buf_init(&why, mem, sizeof(mem));
		e = tls_ocsp_judge(chain, answer(&rows[i].says), clock_wall_us(), &good, &why);
		assert_int_equal(e, rows[i].why ? ERR_REFUSED : ERR_OK);
		if (rows[i].why)
			assert_non_null(strstr(buf_cstr(&why), rows[i].why));
		else
			assert_int_equal(good.next_us == 0, rows[i].says.until_s == 0);
		assert_int_equal(good.this_us == 7, rows[i].why != NULL); /* only on success */
	}
}

/* Each byte of an answer changed, and each length of it: never good, never a crash. */
static void
test_broken(void **state)
{
	const struct says says = {root, leaf, root, ca_keys()->ca, 0, -60, 3600};
	struct str good = answer(&says);
	char copy[TLS_OCSP_MAX], mem[256];
	struct tls_ocsp_good out;
	struct buf why;

	(void)state;
	for (size_t i = 0; i < good.len; i += 7) {
		memcpy(copy, good.p, good.len);
		copy[i] ^= 0x20;
		buf_init(&why, mem, sizeof(mem));
		(void)!tls_ocsp_judge(chain, str_of(copy, good.len), clock_wall_us(), &out, &why);
		buf_init(&why, mem, sizeof(mem));
		assert_int_equal(
			tls_ocsp_judge(chain, str_of(copy, i), clock_wall_us(), &out, &why),
			ERR_REFUSED);
	}
}

static void
test_question(void **state)
{
	char mem[4096];
	const unsigned char *p = (void *)mem;
	OCSP_REQUEST *q;
	struct buf b;

	(void)state;
	buf_init(&b, mem, sizeof(mem));
	assert_int_equal(tls_ocsp_question(chain, &b), ERR_OK);
	q = d2i_OCSP_REQUEST(NULL, &p, (long)b.len);
	assert_non_null(q);
	assert_int_equal(OCSP_request_onereq_count(q), 1);
	OCSP_REQUEST_free(q);
	buf_init(&b, mem, 10);
	assert_int_equal(tls_ocsp_question(chain, &b), ERR_LONG);
	buf_init(&b, mem, sizeof(mem));
	assert_int_equal(tls_ocsp_question(ca_pem(1, &leaf, 1), &b), ERR_NOTFOUND);
	assert_int_equal(tls_ocsp_question(STR("no PEM"), &b), ERR_SYNTAX);
}

struct seen {
	int n;
	struct tls_cert_dates last;
};

static void
take(void *arg, const struct tls_cert_dates *d)
{
	struct seen *s = arg;

	s->n++;
	s->last = *d;
}

static void
test_dates(void **state)
{
	struct seen s = {0};
	struct tls_crl_dates c;
	char got[TLS_DATES_URL_MAX];
	int64_t now = clock_wall_us();

	(void)state;
	assert_int_equal(tls_cert_dates(chain, take, &s), ERR_OK);
	assert_int_equal(s.n, 2);
	assert_string_equal(s.last.subject, "CN=Root");
	assert_in_range(s.last.not_after_us - now, 29LL * 86400 * CLOCK_S, 30LL * 86400 * CLOCK_S);
	assert_int_equal(tls_cert_dates(STR("x"), take, &s), ERR_SYNTAX);
	tls_ocsp_url(chain, got);
	assert_string_equal(got, "http://ocsp.example.test/q");
	tls_ocsp_url(ca_pem(1, &delegate, 1), got);
	assert_string_equal(got, "");
	tls_ocsp_url(STR("x"), got);
	assert_string_equal(got, "");
	assert_int_equal(tls_crl_dates(ca_crl_pem(root, &leaf, 1), &c), ERR_OK);
	assert_string_equal(c.issuer, "CN=Root");
	assert_true(c.this_us < now && c.next_us > now);
	assert_int_equal(tls_crl_dates(chain, &c), ERR_SYNTAX);
	assert_int_equal(tls_crl_dates(STR("\x30\x82"), &c), ERR_SYNTAX);
	assert_int_equal(tls_crl_dates(STR_NULL, &c), ERR_SYNTAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_judge),
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_question),
		cmocka_unit_test(test_dates),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
