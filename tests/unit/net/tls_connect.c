#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>

#include "rig.h"

/* The connect side of net/tls: whom we believe when we dial an FQDN, and what we offer. */

struct dial_row {
	const char *row, *san, *fqdn;
	const char *word;
	int alert; /* that we send */
	const char *says;
	const char *ku;
	bool expired, other_ca, self_signed, quiet; /* quiet: asks for no certificate */
};

static const struct dial_row dial_rows[] = {
	{.row = "name", .san = "DNS:pbx.example.com", .fqdn = RIG_NAME, .word = "ok", .alert = -1},
	{.row = "final dot",
	 .san = "DNS:pbx.example.com",
	 .fqdn = RIG_NAME ".",
	 .word = "ok",
	 .alert = -1},
	{.row = "wildcard",
	 .san = "DNS:*.example.com",
	 .fqdn = RIG_NAME,
	 .word = "ok",
	 .alert = -1},
	{.row = "sip URI",
	 .san = "URI:sip:PBX.example.com",
	 .fqdn = RIG_NAME,
	 .word = "ok",
	 .alert = -1},
	{.row = "asks for no certificate",
	 .san = "DNS:pbx.example.com",
	 .fqdn = RIG_NAME,
	 .word = "ok",
	 .alert = -1,
	 .quiet = true},
	{.row = "another name",
	 .san = "DNS:other.example.com",
	 .fqdn = RIG_NAME,
	 .word = "name-mismatch",
	 .alert = 42,
	 .says = "is for other.example.com, which does not cover pbx.example.com"},
	{.row = "wildcard two labels up",
	 .san = "DNS:*.example.com",
	 .fqdn = "a.pbx.example.com",
	 .word = "name-mismatch",
	 .alert = 42,
	 .says = "a wildcard covers one label"},
	{.row = "common name only",
	 .fqdn = RIG_NAME,
	 .word = "name-mismatch",
	 .alert = 42,
	 .says = "no name"},
	{.row = "address in the certificate",
	 .san = "IP:127.0.0.1",
	 .fqdn = RIG_NAME,
	 .word = "name-mismatch",
	 .alert = 42,
	 .says = "no name"},
	{.row = "expired",
	 .san = "DNS:pbx.example.com",
	 .fqdn = RIG_NAME,
	 .word = "expired",
	 .alert = 45,
	 .says = "expired on",
	 .expired = true},
	{.row = "other authority",
	 .san = "DNS:pbx.example.com",
	 .fqdn = RIG_NAME,
	 .word = "unknown-authority",
	 .alert = 48,
	 .says = "authority",
	 .other_ca = true},
	{.row = "self-signed",
	 .san = "DNS:pbx.example.com",
	 .fqdn = RIG_NAME,
	 .word = "self-signed",
	 .alert = 48,
	 .says = "self-signed",
	 .self_signed = true},
	{.row = "no keyEncipherment",
	 .san = "DNS:pbx.example.com",
	 .fqdn = RIG_NAME,
	 .word = "ok", /* noted: it works all the same */
	 .alert = -1,
	 .ku = "digitalSignature"},
};

static X509 *
make_server(const struct dial_row *r)
{
	struct ca_opts o = {.cn = RIG_NAME,
			    .san = r->san,
			    .ku = r->ku ? r->ku : "digitalSignature,keyEncipherment",
			    .eku = "serverAuth",
			    .from_day = -9,
			    .to_day = r->expired ? -1 : 30,
			    .key = ca_keys()->leaf,
			    .issuer = r->other_ca ? rig.other_root : rig.root,
			    .issuer_key = ca_keys()->ca};

	if (r->self_signed) {
		o.issuer = NULL;
		o.issuer_key = NULL;
	}
	return ca_cert(&o);
}

static void
rig_dial(struct peer *p, const char *fqdn)
{
	struct handshake_job job = {.fd = peer_start(p),
				    .peer = rig_addr("127.0.0.2:5061"),
				    .client = rig.client,
				    .fqdn = str_from(fqdn)};
	int n = rig.results;

	assert_int_equal(handshake_submit(rig.h, &job), ERR_OK);
	rig_wait(n + 1);
	handshake_conn_free(rig.h, &rig.conn);
	pthread_join(p->thread, NULL);
}

static void
connect_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(dial_rows); i++) {
		const struct dial_row *r = &dial_rows[i];
		X509 *x = make_server(r);
		struct peer p = {.server = true,
				 .ctx = peer_ctx(true, x, ca_keys()->leaf, TLS1_2_VERSION,
						 TLS1_3_VERSION, NULL)};
		bool ok = strcmp(r->word, "ok") == 0;

		if (r->quiet)
			SSL_CTX_set_verify(p.ctx, SSL_VERIFY_NONE, NULL);
		rig_dial(&p, r->fqdn);
		if (strcmp(tls_record_word(&rig.record), r->word) != 0 || p.ok != ok)
			fail_msg("%s: %s, \"%s\"", r->row, tls_record_word(&rig.record),
				 rig.record.why);
		if (rig.record.alert_sent != r->alert || p.alert != r->alert)
			fail_msg("%s: alert sent %d, seen %d", r->row, rig.record.alert_sent,
				 p.alert);
		if (r->says && !strstr(rig.record.why, r->says))
			fail_msg("%s: \"%s\"", r->row, rig.record.why);
		if (ok && (rig.record.cert_asked == r->quiet || p.sees_cert == r->quiet))
			fail_msg("%s: our certificate", r->row);
		assert_true(rig.record.outgoing);
		assert_true(strncmp(p.got_sni, r->fqdn, strlen(p.got_sni)) == 0 && p.got_sni[0]);
		assert_int_equal(rig.asked, 0); /* the identity question is for the accept side */
		SSL_SESSION_free(p.session);
		SSL_CTX_free(p.ctx);
		X509_free(x);
	}
}

/* The peer's side of profile carrier, as a client: only the three suites are offered, and RSA. */
static void
connect_profile(void **state)
{
	static const struct {
		const char *suites;
		bool ec;
		int min, max;
		const char *word, *suite;
	} cases[] = {
		{"ALL", false, TLS1_2_VERSION, TLS1_3_VERSION, "ok", "AES128-SHA"},
		{"AES256-SHA256", false, TLS1_2_VERSION, TLS1_2_VERSION, "ok", "AES256-SHA256"},
		{"ECDHE-RSA-AES128-GCM-SHA256", false, TLS1_2_VERSION, TLS1_2_VERSION, "peer-alert",
		 ""},
		{"AES256-SHA:AES128-GCM-SHA256", false, TLS1_2_VERSION, TLS1_2_VERSION,
		 "peer-alert", ""},
		{"ALL", true, TLS1_2_VERSION, TLS1_2_VERSION, "peer-alert", ""},
		{"ALL", false, TLS1_3_VERSION, TLS1_3_VERSION, "peer-alert", ""},
		{"ALL:@SECLEVEL=0", false, TLS1_VERSION, TLS1_1_VERSION, "version", ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		EVP_PKEY *key = cases[i].ec ? ca_keys()->ec : ca_keys()->leaf;
		X509 *x = rig_leaf(rig.root, "DNS:" RIG_NAME, key);
		struct peer p = {
			.server = true,
			.ctx = peer_ctx(true, x, key, cases[i].min, cases[i].max, cases[i].suites)};

		SSL_CTX_set_options(p.ctx, SSL_OP_CIPHER_SERVER_PREFERENCE);
		if (!strcmp(cases[i].suites, "ALL"))
			SSL_CTX_clear_options(p.ctx, SSL_OP_CIPHER_SERVER_PREFERENCE);
		rig_dial(&p, RIG_NAME);
		if (strcmp(tls_record_word(&rig.record), cases[i].word) != 0 ||
		    strcmp(p.suite, cases[i].suite) != 0)
			fail_msg("case %zu: %s, suite %s, \"%s\"", i, tls_record_word(&rig.record),
				 p.suite, rig.record.why);
		SSL_SESSION_free(p.session);
		SSL_CTX_free(p.ctx);
		X509_free(x);
	}
}

/* The other side does not speak TLS, or not at all. */
static void
connect_raw(void **state)
{
	struct handshake_job job = {.peer = rig_addr("127.0.0.2:5061"),
				    .client = rig.client,
				    .fqdn = STR(RIG_NAME),
				    .timeout_us = 200000};
	int pair[2];

	(void)state;
	for (int speaks = 0; speaks < 2; speaks++) {
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
		fcntl(pair[0], F_SETFL, O_NONBLOCK);
		job.fd = pair[0];
		if (speaks)
			assert_int_equal(write(pair[1], "SIP/2.0 400 Bad\r\n", 17), 17);
		assert_int_equal(handshake_submit(rig.h, &job), ERR_OK);
		rig_wait(1 + speaks);
		assert_string_equal(tls_record_word(&rig.record), speaks ? "not-tls" : "timeout");
		close(pair[1]);
	}
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	job.fd = pair[0];
	job.fqdn = STR("192.0.2.1"); /* never the address */
	assert_int_equal(handshake_submit(rig.h, &job), ERR_OK);
	rig_wait(3);
	assert_string_equal(tls_record_word(&rig.record), "internal");
	close(pair[1]);
}

static int
teardown_keys(void **state)
{
	(void)state;
	ca_keys_free();
	return 0;
}

int
main(void)
{
#define RIGGED(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)
	const struct CMUnitTest tests[] = {
		RIGGED(connect_rows),
		RIGGED(connect_profile),
		RIGGED(connect_raw),
	};

	return cmocka_run_group_tests(tests, NULL, teardown_keys);
}
