#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "net/tlsctx.h"
#include "testca.h"

/* What an operator may put into the three files, and what he reads then. */
struct material {
	X509 *root, *good, *ec, *small, *no_kx, *old, *middle, *below;
};

static struct material m;

static X509 *
leaf(EVP_PKEY *key, const char *ku, long to_day, X509 *issuer, EVP_PKEY *issuer_key)
{
	struct ca_opts o = {.cn = "sip.example.net",
			    .san = "DNS:sip.example.net,DNS:*.zone.example.net,URI:sip:a.example",
			    .ku = ku,
			    .from_day = -9,
			    .to_day = to_day,
			    .key = key,
			    .issuer = issuer,
			    .issuer_key = issuer_key};

	return ca_cert(&o);
}

static int
setup(void **state)
{
	static const char both[] = "digitalSignature,keyEncipherment";
	struct ca_opts o = {.cn = "Middle", .ca = true, .from_day = -9};
	struct ca_keys *k = ca_keys();

	(void)state;
	m.root = ca_root("Root");
	m.good = leaf(k->leaf, both, 30, m.root, k->ca);
	m.ec = leaf(k->ec, "digitalSignature", 30, m.root, k->ca);
	m.small = leaf(k->small, both, 30, m.root, k->ca);
	m.no_kx = leaf(k->leaf, "digitalSignature", 30, m.root, k->ca);
	m.old = leaf(k->leaf, both, -1, m.root, k->ca);
	o.key = k->leaf2;
	o.issuer = m.root;
	o.issuer_key = k->ca;
	m.middle = ca_cert(&o);
	m.below = leaf(k->leaf, both, 30, m.middle, k->leaf2);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	X509_free(m.root);
	X509_free(m.good);
	X509_free(m.ec);
	X509_free(m.small);
	X509_free(m.no_kx);
	X509_free(m.old);
	X509_free(m.middle);
	X509_free(m.below);
	ca_keys_free();
	return 0;
}

struct row {
	const char *row;
	X509 **chain[3];
	EVP_PKEY **key;
	struct str chain_text, key_text; /* instead, where set */
	enum tls_profile profile;
	bool client;
	enum err want;
	const char *says;
};

static struct ca_keys *
keys(void)
{
	static struct ca_keys *k;

	k = ca_keys();
	return k;
}

static const struct str junk =
	STR("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");

static void
check(const struct row *r)
{
	X509 *certs[3];
	size_t n = 0;
	struct tls_conf c = {.server = !r->client,
			     .profile = r->profile,
			     .fqdn = STR("sip.example.net"),
			     .chain_label = STR("chain.pem"),
			     .key_label = STR("key.pem")};
	char mem[512];
	struct buf why;
	struct tls_ctx *ctx = NULL;
	enum err e;

	for (; n < 3 && r->chain[n]; n++)
		certs[n] = *r->chain[n];
	c.chain_pem = r->chain_text.p ? r->chain_text : ca_pem(0, certs, n);
	c.key_pem = r->key_text.p ? r->key_text : ca_key_pem(0, *r->key, NULL);
	buf_init(&why, mem, sizeof(mem));
	e = tls_ctx_new(&c, &why, &ctx);
	if (e != r->want || !strstr(buf_cstr(&why), r->says) || (!r->says[0] && why.len))
		fail_msg("%s: %s, \"%s\"", r->row, err_name(e), buf_cstr(&why));
	assert_int_equal(ctx != NULL, e == ERR_OK);
	tls_ctx_unref(&ctx);
	assert_null(ctx);
}

static void
contexts(void **state)
{
	struct ca_keys *k = keys();
	struct str locked = ca_key_pem(3, k->leaf, "secret");
	const struct row rows[] = {
		{"good", {&m.good}, &k->leaf, .says = ""},
		{"good, with intermediate", {&m.below, &m.middle}, &k->leaf, .says = ""},
		{"good, with intermediate and root",
		 {&m.below, &m.middle, &m.root},
		 &k->leaf,
		 .says = ""},
		{"good, modern", {&m.good}, &k->leaf, .profile = TLS_PROFILE_MODERN, .says = ""},
		{"EC, modern", {&m.ec}, &k->ec, .profile = TLS_PROFILE_MODERN, .says = ""},
		{"client without keyEncipherment",
		 {&m.no_kx},
		 &k->leaf,
		 .client = true,
		 .says = ""},
		{"EC, carrier",
		 {&m.ec},
		 &k->ec,
		 .want = ERR_CONFIG,
		 .says = "chain.pem: the key is not RSA, but profile carrier uses RSA keys only"},
		{"EC client, carrier",
		 {&m.ec},
		 &k->ec,
		 .client = true,
		 .want = ERR_CONFIG,
		 .says = "not RSA"},
		{"1024 bits", {&m.small}, &k->small, .want = ERR_CONFIG, .says = "less than 2048"},
		{"1024 bits, modern",
		 {&m.small},
		 &k->small,
		 .profile = TLS_PROFILE_MODERN,
		 .want = ERR_CONFIG,
		 .says = "less than 2048"},
		{"no keyEncipherment",
		 {&m.no_kx},
		 &k->leaf,
		 .want = ERR_CONFIG,
		 .says = "chain.pem: its key usage lacks keyEncipherment"},
		{"expired: said, but used",
		 {&m.old},
		 &k->leaf,
		 .says = "warning: our certificate has"},
		{"wrong key",
		 {&m.good},
		 &k->leaf2,
		 .want = ERR_CONFIG,
		 .says = "key.pem: this key does not belong to the certificate in chain.pem"},
		{"wrong order",
		 {&m.middle, &m.below},
		 &k->leaf,
		 .want = ERR_CONFIG,
		 .says = "chain.pem: the certificates are not in order"},
		{"no certificate",
		 {NULL},
		 &k->leaf,
		 .chain_text = STR("hello"),
		 .want = ERR_CONFIG,
		 .says = "chain.pem: no readable PEM certificate"},
		{"empty chain",
		 {NULL},
		 &k->leaf,
		 .chain_text = STR(""),
		 .want = ERR_CONFIG,
		 .says = "chain.pem: no readable"},
		{"garbage in PEM",
		 {NULL},
		 &k->leaf,
		 .chain_text = junk,
		 .want = ERR_CONFIG,
		 .says = "chain.pem: no readable"},
		{"no key",
		 {&m.good},
		 NULL,
		 .key_text = STR("x"),
		 .want = ERR_CONFIG,
		 .says = "key.pem: no readable PEM private key"},
		{"locked key",
		 {&m.good},
		 NULL,
		 .key_text = locked,
		 .want = ERR_CONFIG,
		 .says = "key.pem: the key has a pass phrase"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check(&rows[i]);
}

static void
chain_too_long(void **state)
{
	X509 *many[CERT_CHAIN_MAX + 1];
	struct row r = {
		"too long", {&m.good}, &keys()->leaf, .want = ERR_CONFIG, .says = "too many"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(many); i++)
		many[i] = m.root;
	r.chain_text = ca_pem(2, many, ARRAY_LEN(many));
	check(&r);
}

static void
infos(void **state)
{
	X509 *chain[] = {m.below, m.middle};
	struct str pem = ca_pem(0, chain, 2);
	struct tls_cert_info i;

	(void)state;
	assert_int_equal(tls_cert_info(pem, &i), ERR_OK);
	assert_string_equal(i.subject, "CN=sip.example.net");
	assert_string_equal(i.issuer, "CN=Middle");
	assert_string_equal(i.names, "sip:a.example, sip.example.net, *.zone.example.net");
	assert_int_equal(i.n_chain, 2);
	assert_int_equal(i.key, CERT_KEY_RSA);
	assert_int_equal(i.bits, 2048);
	assert_true(i.ku_key_encipherment && !i.self_signed && !i.eku_server);
	assert_int_equal(i.not_after_us - i.not_before_us, INT64_C(39) * CA_DAY_S * 1000000);
	assert_true(tls_cert_covers(pem, STR("a.example")));
	assert_false(tls_cert_covers(pem, STR("sip.example.net"))); /* the URI comes first */
	assert_int_equal(tls_cert_info(STR("none"), &i), ERR_SYNTAX);
	assert_false(tls_cert_covers(STR("none"), STR("a.example")));
	assert_int_equal(tls_cert_info(ca_pem(0, &m.root, 1), &i), ERR_OK);
	assert_true(i.self_signed);
}

static void
profiles(void **state)
{
	enum tls_profile p;

	(void)state;
	assert_int_equal(tls_profile_parse(STR("modern"), &p), ERR_OK);
	assert_int_equal(p, TLS_PROFILE_MODERN);
	assert_int_equal(tls_profile_parse(STR("carrier"), &p), ERR_OK);
	assert_int_equal(p, TLS_PROFILE_CARRIER);
	assert_int_equal(tls_profile_parse(STR("Carrier"), &p), ERR_NOTFOUND);
	assert_string_equal(tls_profile_word(TLS_PROFILE_CARRIER), "carrier");
}

/* The list of a carrier context, in the library's own words: three suites in this order. */
static void
carrier_list(void **state)
{
	static const char *const want[] = {"AES128-SHA", "AES128-SHA256", "AES256-SHA256"};
	struct tls_conf c = {.server = true,
			     .chain_pem = ca_pem(0, &m.good, 1),
			     .key_pem = ca_key_pem(0, keys()->leaf, NULL)};
	char mem[512];
	struct buf why;
	struct tls_ctx *ctx = NULL;
	STACK_OF(SSL_CIPHER) * list;

	(void)state;
	buf_init(&why, mem, sizeof(mem));
	assert_int_equal(tls_ctx_new(&c, &why, &ctx), ERR_OK);
	list = SSL_CTX_get_ciphers(ctx->ssl);
	assert_int_equal(sk_SSL_CIPHER_num(list), 3);
	for (int i = 0; i < 3; i++)
		assert_string_equal(SSL_CIPHER_get_name(sk_SSL_CIPHER_value(list, i)), want[i]);
	assert_int_equal(SSL_CTX_get_security_level(ctx->ssl), 2);
	assert_int_equal(SSL_CTX_get_session_cache_mode(ctx->ssl), SSL_SESS_CACHE_OFF);
	assert_int_equal(SSL_CTX_get_num_tickets(ctx->ssl), 0);
	tls_ctx_unref(&ctx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(contexts),     cmocka_unit_test(chain_too_long),
		cmocka_unit_test(infos),        cmocka_unit_test(profiles),
		cmocka_unit_test(carrier_list),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
