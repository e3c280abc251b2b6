/* What of a message is kept: everything but its secrets, wherever they stand. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/mem.h"
#include "ha/redact.h"

static const uint64_t key[2] = {1, 2};
static char mem[16384];

#define KEY "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"
#define HEAD "INVITE sip:+1@h SIP/2.0\r\nCall-ID: c@h\r\nCSeq: 7 INVITE\r\n"

static const char *
keep(const char *text, size_t cap, struct redact_seen *seen, bool *cut)
{
	struct buf b;

	buf_init(&b, mem, cap);
	redact_copy(key, str_from(text), &b, seen);
	*cut = b.failed;
	return buf_cstr(&b);
}

/* want: what the copy has; NULL: it is as it was. gone: what it has not. */
static const struct {
	const char *name, *text, *want, *gone;
} rows[] = {
	{"nothing in it", HEAD "Subject: a:b c\r\n\r\nv=0\r\nc=IN IP4 1.2.3.4\r\n", NULL, NULL},
	{"a key", HEAD "\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" KEY "|2^31|1:1\r\nm=x\r\n",
	 "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:(hidden ", KEY},
	{"behind it all stays",
	 HEAD "\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" KEY "|2^31|1:1 UNENCRYPTED_SRTP\r\n",
	 ")|2^31|1:1 UNENCRYPTED_SRTP\r\n", KEY},
	{"two keys", HEAD "\r\na=crypto:1 X inline:AAAA|1:1;inline:BBBB|2:1\r\n", ")|2:1\r\n",
	 "BBBB"},
	{"any case", HEAD "\r\nA=CRYPTO:1 X INLINE:" KEY "\r\n", "INLINE:(hidden", KEY},
	{"without inline", HEAD "\r\na=crypto:1 X " KEY "\r\n", "a=crypto:1 X (hidden", KEY},
	{"no suite", HEAD "\r\na=crypto:1 " KEY "\r\n", "a=crypto:1 (hidden", KEY},
	{"blanks around", HEAD "\r\n  a=crypto:1 X inline : " KEY "\r\n", "inline : (hidden", KEY},
	{"elsewhere", HEAD "X-Key: inline:" KEY "\r\n\r\n", "X-Key: inline:(hidden", KEY},
	{"in a URI", HEAD "Refer-To: <sip:a@b?body=inline%3A" KEY ">\r\n\r\n", "inline%3A(hidden",
	 KEY},
	{"only LF", HEAD "\na=crypto:1 X inline:" KEY "\nm=x\n", "inline:(hidden", KEY},
	{"only CR", HEAD "\r\na=x\ra=crypto:1 X inline:" KEY "\rm=x\r", "inline:(hidden", KEY},
	{"k=", HEAD "\r\nk=base64:c2VjcmV0\r\n", "\r\nk=(hidden", "c2VjcmV0"},
	{"MIKEY", HEAD "\r\na=key-mgmt:mikey AQAFgM0XflABAAAAAAAAAAAAAAsAyO\r\n",
	 "a=key-mgmt(hidden", "AQAF"},
	{"ICE", HEAD "\r\na=ice-pwd:asd88fgpdd777uzjYhagZg\r\n", "a=ice-pwd(hidden", "asd88"},
	{"digest", HEAD "Authorization: Digest username=\"u\", response=\"6629\"\r\nX: y\r\n\r\n",
	 "Authorization: Digest (hidden)\r\nX: y\r\n", "6629"},
	{"digest, folded",
	 HEAD "proxy-authorization :\r\n Digest x=1,\r\n\tresponse=\"6629\"\r\nX: y"
	      "\r\n\r\n",
	 "proxy-authorization: (hidden)\r\nX: y\r\n", "6629"},
	{"digest, no colon", HEAD "Authorization\r\n : Digest response=\"6629\"\r\n\r\n",
	 "Authorization: (hidden)\r\n", "6629"},
	{"Basic", HEAD "Authorization: Basic dTpw\r\n\r\n", "Authorization: Basic (hidden)",
	 "dTpw"},
	{"token alone", HEAD "Authorization: dTpw\r\n\r\n", "Authorization: (hidden)", "dTpw"},
	{"server's digest", HEAD "Authentication-Info: rspauth=\"6629\"\r\n\r\n",
	 "Authentication-Info: (hidden)", "6629"},
	{"challenge", HEAD "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\"\r\n\r\n", NULL, NULL},
	{"password", HEAD "From: <sip:user:pa55@h>;tag=1\r\n\r\n", "<sip:user:(hidden", "pa55"},
	{"password, sips", HEAD "From: SIPS:user:pa55@h\r\n\r\n", "SIPS:user:(hidden", "pa55"},
	{"password of another URL", HEAD "X-Url: https://user:pa55@h/\r\n\r\n",
	 "https://user:(hidden", "pa55"},
	{"escaped in the key", HEAD "Refer-To: <sip:a@b?body=inline%3AQUJD%2B" KEY ">\r\n\r\n",
	 "inline%3A(hidden", KEY},
	{"encoding on the next line",
	 HEAD "\r\n--q\r\nContent-Transfer-Encoding:\r\n base64\r\n\r\nc2VjcmV0\r\n",
	 "not kept: they are encoded", "c2VjcmV0"},
	{"password, start line", "INVITE sip:u:pa55@h SIP/2.0\r\n\r\n", "sip:u:(hidden", "pa55"},
	{"port, no password", HEAD "Contact: <sip:h:5060;x=y>, <sip:u@h:5060>\r\n\r\n", NULL, NULL},
	{"Identity", HEAD "Identity: eyJhbGciOiJFUzI1NiJ9.eyJ.sig;info=<https://x>\r\n\r\n", NULL,
	 NULL},
	{"digits", HEAD "Content-Type: application/dtmf-relay\r\n\r\nSignal=7\r\n",
	 "\r\n\r\n(10 bytes not kept: they are digits)", "Signal"},
	{"a digit, short", HEAD "c: Application/DTMF\r\n\r\n7",
	 "(1 bytes not kept: they are digits)", "\n7"},
	{"gzip", HEAD "Content-Encoding: gzip\r\n\r\nsecret", "\r\n\r\n(6 bytes not kept",
	 "secret"},
	{"gzip, short", HEAD "e: gzip\r\n\r\nsecret", "(6 bytes not kept", "secret"},
	{"identity", HEAD "Content-Encoding: identity\r\n\r\nbody", NULL, NULL},
	{"a part in base64",
	 HEAD "\r\n--b\r\nContent-Transfer-Encoding: base64\r\n\r\nYT1jcnlwdG8=\r\n--b--\r\n",
	 "bytes not kept", "YT1j"},
	{"blank lines before", "\r\n\r\nINVITE sip:a SIP/2.0\r\nAuthorization: x\r\n\r\n",
	 "(hidden)", ": x"},
	{"8-bit", HEAD "Subject: \xff\x01\r\n\r\n\xfe\r\n", NULL, NULL},
	{"nothing", "", NULL, NULL},
	{"no end", "INVITE", NULL, NULL},
};

static void
test_rows(void **state)
{
	struct redact_seen seen;
	bool cut;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *got = keep(rows[i].text, sizeof(mem), &seen, &cut);

		if (cut || (rows[i].want ? !strstr(got, rows[i].want) : strcmp(got, rows[i].text)))
			fail_msg("%s: %s", rows[i].name, got);
		if (rows[i].gone && strstr(got, rows[i].gone))
			fail_msg("%s: it is still there: %s", rows[i].name, got);
	}
}

static void
test_seen(void **state)
{
	struct redact_seen seen;
	bool cut;

	(void)state;
	(void)keep(HEAD "\r\nCall-ID: body\r\n", sizeof(mem), &seen, &cut);
	assert_true(str_eqz(seen.call_id, "c@h") && str_eqz(seen.cseq_method, "INVITE"));
	(void)keep("BYE sip:a SIP/2.0\r\ni :  x \r\ncseq: 1\tBYE\r\n", sizeof(mem), &seen, &cut);
	assert_true(str_eqz(seen.call_id, "x"));
	(void)keep("BYE sip:a SIP/2.0\r\n\r\n", sizeof(mem), &seen, &cut);
	assert_int_equal(seen.call_id.len + seen.cseq_method.len, 0);
}

/* The same key has the same tag, another one another; at any length of the room no part of it. */
static void
test_tags_and_cuts(void **state)
{
	static const char text[] =
		HEAD "\r\na=crypto:1 X inline:" KEY "\r\na=crypto:2 X inline:" KEY
		     "\r\na=crypto:3 X inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVy\r\n";
	struct redact_seen seen;
	char tag[3][8] = {{0}};
	const char *at;
	bool cut;

	(void)state;
	at = keep(text, sizeof(mem), &seen, &cut);
	for (int i = 0; i < 3; i++) {
		at = strstr(at, "(hidden ");
		assert_non_null(at);
		at += strlen("(hidden ");
		memcpy(tag[i], at, 4);
	}
	assert_string_equal(tag[0], tag[1]);
	assert_string_not_equal(tag[0], tag[2]);
	for (size_t cap = 1; cap < sizeof(text); cap++) {
		const char *got = keep(text, cap, &seen, &cut);

		assert_null(strstr(got, "WVNf"));
		assert_true(str_eqz(seen.call_id, "c@h"));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_seen),
		cmocka_unit_test(test_tags_and_cuts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
