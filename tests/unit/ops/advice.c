/* What to do: a row for each reason, and the texts of the record in it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "net/tlsrecord.h"
#include "ops/advice.h"

static void
test_each_reason_has_a_row(void **state)
{
	(void)state;
	for (int i = TLS_OK + 1; i < TLS_REASON_N; i++) {
		struct tls_record r = {.reason = (enum tls_reason)i};

		if (i != TLS_CERT && !advice_has(tls_record_word(&r)))
			fail_msg("src/ops/advice.c has no row for \"%s\"", tls_record_word(&r));
	}
	for (int i = CERT_OK + 1; i < CERT_REASON_N; i++)
		if (!advice_has(certpolicy_word((enum cert_reason)i)))
			fail_msg("src/ops/advice.c has no row for \"%s\"",
				 certpolicy_word((enum cert_reason)i));
}

static void
test_words(void **state)
{
	static const struct {
		const char *facts, *want; /* want NULL: nothing */
	} rows[] = {
		{"{\"word\":\"version\",\"versions\":[\"TLS 1.0\",\"SSL 3\"]}",
		 "enable TLS 1.2 in the PBX; what it offered is TLS 1.0, SSL 3"},
		{"{\"word\":\"version\"}", "what it offered is none"},
		{"{\"word\":\"version\",\"outgoing\":true,\"sni\":\"a.example\"}",
		 "TLS server of a.example"},
		{"{\"word\":\"expired\",\"chain\":[{\"subject\":\"CN=x\",\"not_after\":\"T\"}]}",
		 "renew the certificate CN=x; it ended T"},
		{"{\"word\":\"unknown-authority\",\"chain\":[{\"issuer\":\"CN=a\"},"
		 "{\"issuer\":\"CN=b\"}]}",
		 "if CN=b is an intermediate"},
		{"{\"word\":\"unknown-authority\",\"chain\":[{\"issuer\":\"CN=a\"},"
		 "{\"subject\":\"CN=r\",\"issuer\":\"CN=r\"}]}",
		 "if CN=r is a private one"},
		{"{\"word\":\"unknown-authority\"}", "tls: {intermediates}"},
		{"{\"word\":\"no-account\",\"names\":\"DNS {sni}\"}", "(DNS {sni})"},
		{"{\"word\":\"tls-off\",\"account\":\"acme\"}",
		 "run postern ready FQDN --account acme"},
		{"{\"word\":\"account-off\",\"account\":\"acme\"}", "account acme"},
		{"{\"word\":\"source\",\"peer\":\"192.0.2.7\"}", "add it to the sources"},
		{"{\"refusal\":\"CRYPTO\"}", "have the PBX offer SRTP with SDES"},
		{"{\"refusal\":\"CRYPTO\",\"trunk\":\"t1\",\"refusal_detail\":\"offered A; this "
		 "trunk takes B\"}",
		 "to srtp of trunk t1"},
		{"{\"word\":\"no-account\",\"names\":\"\",\"chain\":[{\"subject\":\"CN=x\"}]}",
		 "tls: {common_name: yes}"},
		{"{\"word\":\"name-mismatch\",\"outgoing\":true,\"sni\":\"p.example\",\"names\":"
		 "\"\","
		 "\"chain\":[{\"subject\":\"CN=x\"}]}",
		 "have the certificate of p.example issued anew"},
		{"{\"word\":\"METHOD\",\"method\":\"REGISTER\"}", "its certificate is its login"},
		{"{\"word\":\"METHOD\",\"method\":\"PUBLISH\"}", "what sends PUBLISH"},
		{"{\"refusal\":\"COUNTRY\",\"account\":\"acme\"}", "to countries of account acme"},
		{"{\"refusal\":\"ATTEMPTS\",\"account\":\"acme\"}",
		 "raise attempts of account acme"},
		{"{\"refusal\":\"SPEND\",\"account\":\"acme\"}", "raise max_spend of account acme"},
		{"{\"refusal\":\"TLS_OFF\",\"account\":\"acme\"}",
		 "run postern ready FQDN --account acme (FQDN: the host of its trunk) until it "
		 "passes"},
		{"{\"refusal\":\"CALLER\",\"account\":\"acme\"}",
		 "caller: replace for account acme"},
		{"{\"word\":\"403\",\"why\":\"the account has no trunk\"}",
		 "the account's own trunk"},
		{"{\"word\":\"403\",\"peer\":\"192.0.2.7:5060\",\"why\":\"the Request-URI names "
		 "sbc.old.example, which is none of this node\"}",
		 "have 192.0.2.7:5060 send its calls to an address or a name of this node"},
		{"{\"refusal\":\"REDIRECT\",\"id\":\"x1\"}", "postern trace --full x1, Contact"},
		{"{\"refusal\":\"BAD_ANSWER\",\"id\":\"x1\"}", "postern trace x1 shows both"},
		{"{\"refusal\":\"TIMEOUT\",\"targets\":[{\"trunk\":\"gw1\",\"status\":0}]}",
		 "gw1 said nothing: see whether it is up"},
		{"{\"refusal\":null,\"targets\":[{\"trunk\":\"gw1\",\"status\":-1,\"why\":"
		 "\"no answer at all in time\"},{\"trunk\":\"gw2\",\"status\":0},"
		 "{\"trunk\":\"gw3\",\"status\":200}]}",
		 "gw1, gw2 said nothing: "},
		{"{\"refusal\":\"TIMEOUT\",\"ringing\":\"T\",\"targets\":[{\"trunk\":"
		 "\"gw1\",\"status\":0}]}",
		 "see whether the called side is up"},
		{"{\"refusal\":\"UNREACHABLE\",\"targets\":[{\"trunk\":\"g\",\"status\":-1,"
		 "\"why\":\"connection refused\"}]}",
		 "the reason behind the trunk"},
		{"{\"refusal\":null,\"targets\":[{\"trunk\":\"g\",\"status\":0}]}", NULL},
		{"{\"refusal\":null}", NULL},
		{"{\"word\":\"ok\",\"accepted\":true}", NULL},
		{"{\"word\":\"never heard of\"}", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct json *j = NULL;
		char mem[1024];
		struct buf b;

		buf_init(&b, mem, sizeof(mem));
		if (jsonin_parse(str_from(rows[i].facts), &j) != ERR_OK)
			fail_msg("%s", rows[i].facts);
		advice_put(&b, j);
		jsonin_free(&j);
		if (rows[i].want ? !strstr(buf_cstr(&b), rows[i].want) : b.len != 0)
			fail_msg("%s: %s", rows[i].facts, buf_cstr(&b));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_reason_has_a_row),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
