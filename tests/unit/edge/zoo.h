/* The makers of the zoo's certificates: every kind of odd certificate, from a few keys. Include
 * after cmocka.h. Ends the program where the library fails. */
#ifndef POSTERN_TESTS_EDGE_ZOO_H
#define POSTERN_TESTS_EDGE_ZOO_H

#include "net/tls.h"
#include "unit/net/testca.h"

enum {
	ZOO_CHAIN_MAX = 100,
	ZOO_MANY_NAMES = 10000,
	ZOO_BIG_EXTENSION = 64 * 1024,
	ZOO_HUGE_BITS = 16384
};

enum zoo_issuer {
	I_ROOT,  /* in the zones' file */
	I_OTHER, /* unknown */
	I_SELF,
	I_MIDDLE, /* below root, plain */
	I_MIDDLE_SERVER,
	I_MIDDLE_EMAIL,
	I_MIDDLE_NO_CA,
	I_MIDDLE_NET,    /* constrained to example.net */
	I_BELOW_PATHLEN, /* below a middle with pathlen 0 */
	I_EC_ROOT,
	I_PRIVATE, /* CA of account priv */
	I_LISTED,  /* roots with revocation lists: good, stale, delta only, of somebody else */
	I_STALE,
	I_DELTA,
	I_FORGED,
	I_CROSS, /* a middle that two roots have signed */
	I_LOOP,  /* two that sign each other */
	I_N
};

enum zoo_key { K_RSA, K_RSA3072, K_RSA4096, K_SMALL, K_HUGE, K_WRONG, K_EC, K_P192, K_EXPLICIT };

enum zoo_odd { /* bits */
	       O_CA = 1,
	       O_V1 = 2,
	       O_NEGATIVE = 4,
	       O_TWICE = 8,
	       O_CRITICAL = 16,
	       O_BROKEN = 32, /* signature */
	       O_REVOKED = 64,
	       O_EMPTY_SAN = 128,
	       O_MANY_NAMES = 256, /* 10,000 */
	       O_SOME_NAMES = 512, /* 300 */
	       O_NO_SUBJECT = 1024,
	       O_BIG = 2048, /* 64 KiB */
	       O_SHA1 = 4096,
	       O_MD5 = 8192,
	       O_NUL_CN = 16384
};

enum zoo_send { S_CHAIN, S_LEAF, S_REVERSED, S_ROOT_TOO, S_HUNDRED, S_EXPIRED_TOO };

struct zoo_cert {
	const char *san, *raw_dns; /* raw_dns: bytes, with NULs */
	size_t raw_len;
	const char *cn, *eku, *ku;
	enum zoo_issuer issuer;
	enum zoo_key key;
	unsigned odd;
	long from_day, to_day;
	enum zoo_send send;
};

struct zoo {
	X509 *ca[I_N];
	X509 *expired_middle, *cross_other, *loop_b, *pathlen_top, *filler;
	EVP_PKEY *rsa3072, *rsa4096, *huge, *wrong, *p192, *explicit_curve;
	X509_CRL *crl[4];
};

static struct zoo zoo;

/* A key whose public part is right and whose private one is not: it signs in no time, wrongly. */
static EVP_PKEY *
zoo_fake_rsa(const BIGNUM *n)
{
	BIGNUM *e = BN_new(), *d = BN_new();
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	EVP_PKEY *key = NULL;
	OSSL_PARAM *params;

	CA_MUST(e && d && bld && ctx && BN_set_word(e, 65537) && BN_set_word(d, 3));
	CA_MUST(OSSL_PARAM_BLD_push_BN(bld, "n", n) && OSSL_PARAM_BLD_push_BN(bld, "e", e) &&
		OSSL_PARAM_BLD_push_BN(bld, "d", d));
	CA_MUST((params = OSSL_PARAM_BLD_to_param(bld)));
	CA_MUST(EVP_PKEY_fromdata_init(ctx) == 1 &&
		EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params) == 1);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(bld);
	EVP_PKEY_CTX_free(ctx);
	BN_free(e);
	BN_free(d);
	return key;
}

static EVP_PKEY *
zoo_ec(const char *curve, const char *encoding)
{
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string("group", (char *)(uintptr_t)curve, 0),
		OSSL_PARAM_construct_utf8_string("encoding", (char *)(uintptr_t)encoding, 0),
		OSSL_PARAM_END};
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY *key = NULL;

	CA_MUST(EVP_PKEY_keygen_init(ctx) == 1 && EVP_PKEY_CTX_set_params(ctx, params) == 1 &&
		EVP_PKEY_generate(ctx, &key) == 1);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

static void
zoo_keys(void)
{
	BIGNUM *n = BN_new(), *leaf_n = NULL;

	CA_MUST((zoo.rsa3072 = EVP_RSA_gen(3072)) && (zoo.rsa4096 = EVP_RSA_gen(4096)));
	CA_MUST(BN_rand(n, ZOO_HUGE_BITS, BN_RAND_TOP_TWO, BN_RAND_BOTTOM_ODD) == 1);
	zoo.huge = zoo_fake_rsa(n);
	CA_MUST(EVP_PKEY_get_bn_param(ca_keys()->leaf, "n", &leaf_n) == 1);
	zoo.wrong = zoo_fake_rsa(leaf_n);
	zoo.p192 = zoo_ec("P-192", "named_curve");
	zoo.explicit_curve = zoo_ec("P-256", "explicit");
	BN_free(n);
	BN_free(leaf_n);
}

static EVP_PKEY *
zoo_key(enum zoo_key k)
{
	EVP_PKEY *const keys[] = {[K_RSA] = ca_keys()->leaf,
				  [K_RSA3072] = zoo.rsa3072,
				  [K_RSA4096] = zoo.rsa4096,
				  [K_SMALL] = ca_keys()->small,
				  [K_HUGE] = zoo.huge,
				  [K_WRONG] = zoo.wrong,
				  [K_EC] = ca_keys()->ec,
				  [K_P192] = zoo.p192,
				  [K_EXPLICIT] = zoo.explicit_curve};

	return keys[k];
}

/* ---- authorities ---- */

static X509 *
zoo_ca(const char *cn, X509 *issuer, EVP_PKEY *key, const char *eku, bool ca, long to_day)
{
	struct ca_opts o = {.cn = cn,
			    .ca = ca,
			    .eku = eku,
			    .from_day = -30,
			    .to_day = to_day,
			    .key = key,
			    .issuer = issuer,
			    .issuer_key = ca_keys()->ca};

	return ca_cert(&o);
}

/* The same again with one more extension. */
static X509 *
zoo_again(X509 *x, int nid, const char *value)
{
	X509 *y = X509_dup(x);
	int at = X509_get_ext_by_NID(y, nid, -1);

	if (at >= 0)
		X509_EXTENSION_free(X509_delete_ext(y, at));
	ca_add_ext(y, y, nid, value);
	CA_MUST(X509_sign(y, ca_keys()->ca, EVP_sha256()) > 0);
	X509_free(x);
	return y;
}

static void
zoo_cas(void)
{
	EVP_PKEY *ca = ca_keys()->ca, *middle = ca_keys()->leaf2;
	struct ca_opts ec = {.cn = "EC Root", .ca = true, .from_day = -1, .key = ca_keys()->ec};
	X509 **all = zoo.ca, *root;

	root = all[I_ROOT] = ca_root("Root");
	all[I_OTHER] = ca_root("Other Root");
	all[I_EC_ROOT] = ca_cert(&ec);
	all[I_PRIVATE] = ca_root("Private CA");
	all[I_LISTED] = ca_root("Listed");
	all[I_STALE] = ca_root("Stale");
	all[I_DELTA] = ca_root("Delta");
	all[I_FORGED] = ca_root("Forged");
	all[I_MIDDLE] = zoo_ca("Middle", root, middle, NULL, true, 30);
	all[I_MIDDLE_SERVER] = zoo_ca("Middle S", root, middle, "serverAuth", true, 30);
	all[I_MIDDLE_EMAIL] = zoo_ca("Middle E", root, middle, "emailProtection", true, 30);
	all[I_MIDDLE_NO_CA] = zoo_ca("Middle N", root, middle, NULL, false, 30);
	all[I_MIDDLE_NET] = zoo_again(zoo_ca("Middle Net", root, middle, NULL, true, 30),
				      NID_name_constraints, "critical,permitted;DNS:example.net");
	zoo.pathlen_top = zoo_again(zoo_ca("Top", root, ca, NULL, true, 30), NID_basic_constraints,
				    "critical,CA:TRUE,pathlen:0");
	all[I_BELOW_PATHLEN] = zoo_ca("Below", zoo.pathlen_top, middle, NULL, true, 30);
	all[I_CROSS] = zoo_ca("Cross", root, middle, NULL, true, 30);
	zoo.cross_other = zoo_ca("Cross", all[I_OTHER], middle, NULL, true, 30);
	zoo.expired_middle = zoo_ca("Middle", root, middle, NULL, true, -1);
	all[I_LOOP] = zoo_ca("Loop A", root, middle, NULL, true, 30);
	zoo.loop_b = zoo_ca("Loop B", all[I_LOOP], ca, NULL, true, 30);
	X509_set_issuer_name(all[I_LOOP], X509_get_subject_name(zoo.loop_b));
	X509_EXTENSION_free(X509_delete_ext(
		all[I_LOOP], X509_get_ext_by_NID(all[I_LOOP], NID_authority_key_identifier, -1)));
	CA_MUST(X509_sign(all[I_LOOP], ca, EVP_sha256()) > 0);
	ec = (struct ca_opts){.cn = "f", .ca = true, .from_day = -1, .key = ca_keys()->ec};
	zoo.filler = ca_cert(&ec);
}

static EVP_PKEY *
zoo_ca_key(enum zoo_issuer i)
{
	switch (i) {
	case I_MIDDLE:
	case I_MIDDLE_SERVER:
	case I_MIDDLE_EMAIL:
	case I_MIDDLE_NO_CA:
	case I_MIDDLE_NET:
	case I_BELOW_PATHLEN:
	case I_CROSS:
	case I_LOOP:
		return ca_keys()->leaf2;
	case I_EC_ROOT:
		return ca_keys()->ec;
	case I_ROOT:
	case I_OTHER:
	case I_SELF:
	case I_PRIVATE:
	case I_LISTED:
	case I_STALE:
	case I_DELTA:
	case I_FORGED:
	case I_N:
		break;
	}
	return ca_keys()->ca;
}

/* ---- revocation lists ---- */

enum { ZOO_REVOKED_SERIAL = 666 };

static X509_CRL *
zoo_crl(X509 *issuer, EVP_PKEY *key, long next_day, bool delta)
{
	X509_CRL *crl = X509_CRL_new();
	X509_REVOKED *r = X509_REVOKED_new();
	ASN1_TIME *t = ASN1_TIME_new();
	ASN1_INTEGER *n = ASN1_INTEGER_new();

	CA_MUST(crl && X509_CRL_set_version(crl, 1) == 1 &&
		X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer)) == 1);
	X509_gmtime_adj(t, -20 * CA_DAY_S);
	CA_MUST(X509_CRL_set1_lastUpdate(crl, t) == 1 &&
		X509_REVOKED_set_revocationDate(r, t) == 1);
	X509_gmtime_adj(t, next_day * CA_DAY_S);
	CA_MUST(X509_CRL_set1_nextUpdate(crl, t) == 1);
	ASN1_INTEGER_set(n, ZOO_REVOKED_SERIAL);
	CA_MUST(X509_REVOKED_set_serialNumber(r, n) == 1 && X509_CRL_add0_revoked(crl, r) == 1);
	ASN1_INTEGER_set(n, 1);
	if (delta)
		CA_MUST(X509_CRL_add1_ext_i2d(crl, NID_delta_crl, n, 1, 0) == 1);
	CA_MUST(X509_CRL_sort(crl) == 1 && X509_CRL_sign(crl, key, EVP_sha256()) > 0);
	ASN1_TIME_free(t);
	ASN1_INTEGER_free(n);
	return crl;
}

static void
zoo_crls(void)
{
	EVP_PKEY *ca = ca_keys()->ca;

	zoo.crl[0] = zoo_crl(zoo.ca[I_LISTED], ca, 7, false);
	zoo.crl[1] = zoo_crl(zoo.ca[I_STALE], ca, -2, false);
	zoo.crl[2] = zoo_crl(zoo.ca[I_DELTA], ca, 7, true);
	zoo.crl[3] = zoo_crl(zoo.ca[I_FORGED], ca_keys()->leaf2, 7, false);
}

/* ---- leaves ---- */

static void
zoo_add_names(X509 *x, int n)
{
	GENERAL_NAMES *all = sk_GENERAL_NAME_new_null();
	char name[64];

	for (int i = 0; i < n; i++) {
		GENERAL_NAME *g = GENERAL_NAME_new();
		ASN1_IA5STRING *s = ASN1_IA5STRING_new();

		snprintf(name, sizeof(name), i ? "n%d.example.com" : "pbx.example.com", i);
		CA_MUST(g && s && ASN1_STRING_set(s, name, -1) == 1);
		GENERAL_NAME_set0_value(g, GEN_DNS, s);
		CA_MUST(sk_GENERAL_NAME_push(all, g) > 0);
	}
	CA_MUST(X509_add1_ext_i2d(x, NID_subject_alt_name, all, 0, 0) == 1);
	GENERAL_NAMES_free(all);
}

/* An extension of our own with n bytes. */
static void
zoo_add_odd(X509 *x, size_t n, bool critical)
{
	ASN1_OCTET_STRING *s = ASN1_OCTET_STRING_new();
	ASN1_OBJECT *oid = OBJ_txt2obj("1.3.6.1.4.1.55555.1", 1);
	unsigned char *zeros = calloc(1, n);
	X509_EXTENSION *e;

	CA_MUST(s && oid && zeros && ASN1_OCTET_STRING_set(s, zeros, (int)n) == 1);
	CA_MUST((e = X509_EXTENSION_create_by_OBJ(NULL, oid, critical, s)));
	CA_MUST(X509_add_ext(x, e, -1) == 1);
	X509_EXTENSION_free(e);
	ASN1_OCTET_STRING_free(s);
	ASN1_OBJECT_free(oid);
	free(zeros);
}

static void
zoo_make_odd(X509 *x, unsigned odd)
{
	if (odd & O_NEGATIVE)
		ASN1_INTEGER_set(X509_get_serialNumber(x), -4711);
	if (odd & O_REVOKED)
		ASN1_INTEGER_set(X509_get_serialNumber(x), ZOO_REVOKED_SERIAL);
	if (odd & O_TWICE)
		ca_add_ext(x, x, NID_ext_key_usage, "clientAuth");
	if (odd & (O_CRITICAL | O_BIG))
		zoo_add_odd(x, odd & O_BIG ? ZOO_BIG_EXTENSION : 4, odd & O_CRITICAL);
	if (odd & O_EMPTY_SAN)
		zoo_add_names(x, 0);
	if (odd & (O_MANY_NAMES | O_SOME_NAMES))
		zoo_add_names(x, odd & O_MANY_NAMES ? ZOO_MANY_NAMES : 300);
	if (odd & O_NO_SUBJECT)
		X509_NAME_ENTRY_free(X509_NAME_delete_entry(X509_get_subject_name(x), 0));
	if (odd & O_NUL_CN) {
		X509_NAME_ENTRY_free(X509_NAME_delete_entry(X509_get_subject_name(x), 0));
		CA_MUST(X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
						   (const unsigned char *)"beta.example.net\0.evil",
						   22, -1, 0) == 1);
	}
	if (odd & O_V1) {
		while (X509_get_ext_count(x))
			X509_EXTENSION_free(X509_delete_ext(x, 0));
		CA_MUST(X509_set_version(x, 0) == 1);
	}
}

static void
zoo_break(X509 *x)
{
	const ASN1_BIT_STRING *sig;

	X509_get0_signature(&sig, NULL, x);
	((unsigned char *)(uintptr_t)ASN1_STRING_get0_data(sig))[20] ^= 1;
}

static X509 *
zoo_leaf(const struct zoo_cert *c)
{
	EVP_PKEY *key = zoo_key(c->key);
	bool self = c->issuer == I_SELF;
	EVP_PKEY *issuer_key = self ? key : zoo_ca_key(c->issuer);
	const EVP_MD *md = c->odd & O_SHA1 ? EVP_sha1() : c->odd & O_MD5 ? EVP_md5() : EVP_sha256();
	struct ca_opts o = {.cn = c->cn ? c->cn : "leaf",
			    .san = c->san,
			    .raw_dns = c->raw_dns,
			    .raw_len = c->raw_len,
			    .eku = c->eku,
			    .ku = c->ku ? c->ku : "digitalSignature,keyEncipherment",
			    .ca = c->odd & O_CA,
			    .from_day = c->from_day ? c->from_day : -9,
			    .to_day = c->to_day,
			    .key = key,
			    .issuer = self ? NULL : zoo.ca[c->issuer],
			    .issuer_key = issuer_key,
			    .md = md};
	X509 *x = ca_cert(&o), *read = NULL;
	unsigned char *der = NULL;
	const unsigned char *p;
	int len;

	zoo_make_odd(x, c->odd);
	CA_MUST(X509_sign(x, issuer_key, md) > 0);
	if (c->odd & O_BROKEN)
		zoo_break(x);
	/* as the world sees it: nothing of how it was made is remembered */
	len = i2d_X509(x, &der);
	p = der;
	CA_MUST(len > 0 && (read = d2i_X509(NULL, &p, len)));
	OPENSSL_free(der);
	X509_free(x);
	return read;
}

/* What is sent behind the leaf. */
static void
zoo_send(SSL_CTX *ctx, const struct zoo_cert *c)
{
	X509 *issuer = c->issuer < I_N ? zoo.ca[c->issuer] : NULL;
	bool root = !issuer || X509_check_issued(issuer, issuer) == X509_V_OK;

	if (c->send == S_EXPIRED_TOO)
		CA_MUST(SSL_CTX_add1_chain_cert(ctx, zoo.expired_middle) == 1);
	if (c->send == S_REVERSED || c->issuer == I_CROSS)
		CA_MUST(SSL_CTX_add1_chain_cert(ctx, c->issuer == I_CROSS ? zoo.cross_other
									  : zoo.ca[I_ROOT]) == 1);
	for (int i = 0; c->send == S_HUNDRED && i < ZOO_CHAIN_MAX - 10; i++)
		CA_MUST(SSL_CTX_add1_chain_cert(ctx, zoo.filler) == 1);
	if (!root && c->send != S_LEAF)
		CA_MUST(SSL_CTX_add1_chain_cert(ctx, issuer) == 1);
	if (c->issuer == I_LOOP)
		CA_MUST(SSL_CTX_add1_chain_cert(ctx, zoo.loop_b) == 1);
	if (c->issuer == I_BELOW_PATHLEN)
		CA_MUST(SSL_CTX_add1_chain_cert(ctx, zoo.pathlen_top) == 1);
	if (c->send == S_ROOT_TOO)
		CA_MUST(SSL_CTX_add1_chain_cert(ctx, zoo.ca[I_ROOT]) == 1);
}

static void
zoo_open(void)
{
	zoo_keys();
	zoo_cas();
	zoo_crls();
}

static void
zoo_close(void)
{
	EVP_PKEY *keys[] = {zoo.rsa3072, zoo.rsa4096, zoo.huge,
			    zoo.wrong,   zoo.p192,    zoo.explicit_curve};

	for (size_t i = 0; i < I_N; i++)
		X509_free(zoo.ca[i]);
	for (size_t i = 0; i < ARRAY_LEN(zoo.crl); i++)
		X509_CRL_free(zoo.crl[i]);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		EVP_PKEY_free(keys[i]);
	X509_free(zoo.expired_middle);
	X509_free(zoo.cross_other);
	X509_free(zoo.loop_b);
	X509_free(zoo.pathlen_top);
	X509_free(zoo.filler);
	ca_keys_free();
}

#endif
