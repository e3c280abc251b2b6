/* Digest: challenges, the examples of RFC 7616 3.9 and RFC 2617 3.5, which challenge is answered.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "sip/digest.h"

enum { ALL = 1 << DIGEST_MD5 | 1 << DIGEST_SHA256 | 1 << DIGEST_SHA512_256 };

static void
test_parse(void **state)
{
	static const struct {
		const char *name, *value;
		enum err want;
		const char *realm, *nonce, *opaque;
		int alg;
		bool qop, stale, names_alg;
	} rows[] = {
		{"as SIP has it",
		 "Digest realm=\"a.test\", nonce=\"n1\", qop=\"auth\", algorithm=MD5", ERR_OK,
		 "a.test", "n1", "", DIGEST_MD5, true, false, true},
		{"nothing but what must be", "Digest realm=\"a\",nonce=\"n\"", ERR_OK, "a", "n", "",
		 DIGEST_MD5, false, false, false},
		{"any case, any space, folds, no quotes",
		 "dIGEST  ReAlm = \"a b\" ,\r\n\tNONCE=n , ALGORITHM=\"sha-256\",stale=TRUE",
		 ERR_OK, "a b", "n", "", DIGEST_SHA256, false, true, true},
		{"SHA-512-256, both qop",
		 "Digest realm=\"a\",nonce=\"n\",qop=\"auth-int, auth\",opaque=\"o\","
		 "algorithm=SHA-512-256",
		 ERR_OK, "a", "n", "o", DIGEST_SHA512_256, true, false, true},
		{"stale=false, a domain, a word of later",
		 "Digest realm=\"a\", domain=\"sip:x\", "
		 "nonce=\"n\", stale=false, userhash=true, later=\"x,y=z\"",
		 ERR_OK, "a", "n", "", DIGEST_MD5, false, false, false},
		{"empty realm", "Digest realm=\"\", nonce=\"n\"", ERR_OK, "", "n", "", DIGEST_MD5,
		 false, false, false},
		{"commas too many", "Digest ,realm=\"a\",, nonce=\"n\",", ERR_OK, "a", "n", "",
		 DIGEST_MD5, false, false, false},
		{"escapes stay", "Digest realm=\"a\\\"b\", nonce=\"n\"", ERR_OK, "a\\\"b", "n", "",
		 DIGEST_MD5, false, false, false},
		{"auth-int alone", "Digest realm=\"a\", nonce=\"n\", qop=\"auth-int\"",
		 ERR_UNSUPPORTED, "", "", "", 0, false, false, false},
		{"no known algorithm", "Digest realm=\"a\", nonce=\"n\", algorithm=MD4",
		 ERR_UNSUPPORTED, "", "", "", 0, false, false, false},
		{"a session's", "Digest realm=\"a\", nonce=\"n\", algorithm=MD5-sess",
		 ERR_UNSUPPORTED, "", "", "", 0, false, false, false},
		{"another scheme", "Basic realm=\"a\"", ERR_UNSUPPORTED, "", "", "", 0, false,
		 false, false},
		{"no scheme", "realm=\"a\", nonce=\"n\"", ERR_UNSUPPORTED, "", "", "", 0, false,
		 false, false},
		{"nothing", "", ERR_UNSUPPORTED, "", "", "", 0, false, false, false},
		{"the scheme alone", "Digest", ERR_NOTFOUND, "", "", "", 0, false, false, false},
		{"no nonce", "Digest realm=\"a\"", ERR_NOTFOUND, "", "", "", 0, false, false,
		 false},
		{"empty nonce", "Digest realm=\"a\", nonce=\"\"", ERR_NOTFOUND, "", "", "", 0,
		 false, false, false},
		{"no realm", "Digest nonce=\"n\"", ERR_NOTFOUND, "", "", "", 0, false, false,
		 false},
		{"realm twice", "Digest realm=\"a\", nonce=\"n\", realm=\"b\"", ERR_EXISTS, "", "",
		 "", 0, false, false, false},
		{"an open quote", "Digest realm=\"a, nonce=\"n\"", ERR_SYNTAX, "", "", "", 0, false,
		 false, false},
		{"no value", "Digest realm=, nonce=\"n\"", ERR_SYNTAX, "", "", "", 0, false, false,
		 false},
		{"no name", "Digest =\"a\", nonce=\"n\"", ERR_SYNTAX, "", "", "", 0, false, false,
		 false},
		{"two values", "Digest realm=\"a\" \"b\", nonce=\"n\"", ERR_SYNTAX, "", "", "", 0,
		 false, false, false},
		{"glued", "Digest,realm=\"a\", nonce=\"n\"", ERR_SYNTAX, "", "", "", 0, false,
		 false, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sip_challenge c;
		enum err e = sip_challenge_parse(str_from(rows[i].value), &c);

		if (e != rows[i].want)
			fail_msg("%s: %s", rows[i].name, err_text(e));
		if (e != ERR_OK)
			continue;
		if (!str_eqz(c.realm, rows[i].realm) || !str_eqz(c.nonce, rows[i].nonce) ||
		    !str_eqz(c.opaque, rows[i].opaque) || c.alg != rows[i].alg ||
		    c.qop != rows[i].qop || c.stale != rows[i].stale ||
		    c.names_alg != rows[i].names_alg)
			fail_msg("%s: read otherwise", rows[i].name);
	}
}

static void
test_long(void **state)
{
	char mem[SIP_DIGEST_VALUE_MAX + 64];
	struct sip_challenge c;
	struct buf b;

	(void)state;
	for (int more = 0; more < 2; more++) {
		buf_init(&b, mem, sizeof(mem));
		buf_z(&b, "Digest realm=\"a\",nonce=\"");
		for (int i = 0; i < SIP_DIGEST_VALUE_MAX + more; i++)
			buf_char(&b, 'n');
		buf_z(&b, "\"");
		assert_int_equal(sip_challenge_parse(buf_view(&b), &c), more ? ERR_LONG : ERR_OK);
	}
}

static void
test_vectors(void **state)
{
	static const char rfc7616[] =
		"Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", "
		"nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", "
		"opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\", algorithm=",
			  rfc2617[] = "Digest realm=\"testrealm@host.com\", "
				      "nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\"",
			  cnonce[] = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
	static const struct {
		const char *name, *challenge, *more, *password, *cnonce, *want;
		uint32_t nc;
	} rows[] = {
		{"RFC 7616 3.9.1, MD5", rfc7616, "MD5", "Circle of Life", cnonce,
		 "8ca523f5e9506fed4657c9700eebdbec", 1},
		{"RFC 7616 3.9.1, SHA-256", rfc7616, "SHA-256", "Circle of Life", cnonce,
		 "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1", 1},
		{"the same by SHA-512/256", rfc7616, "SHA-512-256", "Circle of Life", cnonce,
		 "430d05014cecc49cab6fbe03176d41a1da86cbfe24a16580e22aaad928d960d0", 1},
		{"RFC 2617 3.5", rfc2617, ", qop=\"auth\"", "Circle Of Life", "0a4f113b",
		 "6629fae49393a05397450978507c4ef1", 1},
		{"the same without qop, as RFC 2069", rfc2617, "", "Circle Of Life", "",
		 "670fd8c2df070c60b045671b8b24ff02", 1},
		{"a later nonce count", rfc2617, ", qop=\"auth\"", "Circle Of Life", "0a4b113b",
		 "7558aeb6e91b2e6e6c05b312c53a0ba5", 42},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[400], mem[1000], want[120];
		struct sip_challenge c;
		struct sip_digest_key key;
		struct sip_digest_answer a = {.challenge = &c,
					      .key = &key,
					      .user = STR("Mufasa"),
					      .method = STR("GET"),
					      .uri = STR("/dir/index.html"),
					      .cnonce = str_from(rows[i].cnonce),
					      .nc = rows[i].nc,
					      .proxy = i & 1};
		struct buf b;

		(void)snprintf(text, sizeof(text), "%s%s", rows[i].challenge, rows[i].more);
		assert_int_equal(sip_challenge_parse(str_from(text), &c), ERR_OK);
		sip_digest_key(STR("Mufasa"), c.realm, str_from(rows[i].password), ALL, &key);
		buf_init(&b, mem, sizeof(mem));
		assert_int_equal(sip_digest_put(&b, &a), ERR_OK);
		assert_int_equal(buf_end(&b), ERR_OK);
		(void)snprintf(want, sizeof(want), "response=\"%s\"", rows[i].want);
		if (!strstr(buf_cstr(&b), want))
			fail_msg("%s: %s", rows[i].name, mem);
		assert_int_equal(
			strncmp(mem,
				i & 1 ? "Proxy-Authorization: Digest " : "Authorization: Digest ",
				22),
			0);
		assert_int_equal(strstr(mem, "qop=auth, nc=") != NULL, c.qop);
		assert_int_equal(strstr(mem, "algorithm=") != NULL, c.names_alg);
		assert_int_equal(strstr(mem, ", opaque=\"FQhe/") != NULL, c.has_opaque);
		assert_true(str_ends(buf_view(&b), STR("\r\n")));
	}
}

/* What a response offers, and which of it is answered. */
static void
test_pick(void **state)
{
	static const char
		m[] = "WWW-Authenticate: Digest realm=\"a\", nonce=\"m\", algorithm=MD5\r\n",
		s[] = "WWW-Authenticate: Digest realm=\"a\", nonce=\"s\", algorithm=SHA-256\r\n",
		x[] = "WWW-Authenticate: Digest realm=\"x\", nonce=\"x\"\r\n",
		p[] = "Proxy-Authenticate: Digest realm=\"a\", nonce=\"p\"\r\n",
		bad[] = "WWW-Authenticate: Digest realm=\"a\", nonce=\"\r\n",
		basic[] = "WWW-Authenticate: Basic realm=\"a\"\r\n";
	static const struct {
		const char *name;
		unsigned status, allow;
		const char *h[3];
		const char *want; /* nonce; NULL: none is answered */
	} rows[] = {
		{"one", 401, ALL, {m}, "m"},
		{"the server's order", 401, ALL, {s, m}, "s"},
		{"the server's order, the other way", 401, ALL, {m, s}, "m"},
		{"only what is allowed", 401, 1 << DIGEST_SHA256, {m, s}, "s"},
		{"nothing that is allowed", 401, 1 << DIGEST_SHA256, {m}, NULL},
		{"another realm gets nothing", 401, ALL, {x}, NULL},
		{"another realm before ours", 401, ALL, {x, m}, "m"},
		{"broken before good", 401, ALL, {bad, m}, "m"},
		{"another scheme before good", 401, ALL, {basic, m}, "m"},
		{"a proxy's header in a 401", 401, ALL, {p}, NULL},
		{"a proxy's", 407, ALL, {m, p}, "p"},
		{"none", 401, ALL, {""}, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		static struct sip_msg msg;
		struct sip_challenge c;
		struct sip_digest_key key;
		char mem[1500];
		struct buf b;
		enum err e;

		buf_init(&b, mem, sizeof(mem));
		buf_printf(&b,
			   "SIP/2.0 %u No\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: "
			   "<sip:a@b>;tag=1\r\n"
			   "To: <sip:a@b>;tag=2\r\nCall-ID: c\r\nCSeq: 1 REGISTER\r\n",
			   rows[i].status);
		for (int k = 0; k < 3 && rows[i].h[k]; k++)
			buf_z(&b, rows[i].h[k]);
		buf_z(&b, "Content-Length: 0\r\n\r\n");
		assert_int_equal(sip_msg_parse(buf_view(&b), &msg), ERR_OK);
		sip_digest_key(STR("u"), STR("a"), STR("pw"), rows[i].allow, &key);
		e = sip_challenge_pick(&msg, STR("a"), &key, &c);
		if ((e == ERR_OK) != (rows[i].want != NULL) ||
		    (e == ERR_OK && !str_eqz(c.nonce, rows[i].want)))
			fail_msg("%s: %s", rows[i].name, err_text(e));
	}
}

/* What would break a line, and a key that does not have the algorithm. */
static void
test_refused(void **state)
{
	struct sip_challenge c = {.realm = STR("a"), .nonce = STR("n"), .alg = DIGEST_SHA256};
	struct sip_digest_key key;
	struct sip_digest_answer a = {.challenge = &c,
				      .key = &key,
				      .user = STR("u"),
				      .method = STR("BYE"),
				      .uri = STR("sip:x")};
	char mem[500];
	struct buf b;

	(void)state;
	sip_digest_key(STR("u"), STR("a"), STR("p"), 1 << DIGEST_MD5, &key);
	assert_false(key.has[DIGEST_SHA256]);
	buf_init(&b, mem, sizeof(mem));
	assert_int_equal(sip_digest_put(&b, &a), ERR_UNSUPPORTED);
	assert_int_equal(b.len, 0);
	c.alg = DIGEST_MD5;
	c.nonce = STR("n\r\nX: y");
	assert_int_equal(sip_digest_put(&b, &a), ERR_OK);
	assert_true(b.failed);
	c.nonce = STR("n");
	buf_init(&b, mem, 60);
	assert_int_equal(sip_digest_put(&b, &a), ERR_OK);
	assert_int_equal(buf_end(&b), ERR_LONG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse), cmocka_unit_test(test_long),
		cmocka_unit_test(test_vectors), cmocka_unit_test(test_pick),
		cmocka_unit_test(test_refused)};

	return cmocka_run_group_tests_name("sip-digest", tests, NULL, NULL);
}
