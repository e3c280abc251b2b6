/* Handshakes as rows: whatever bytes they hold, the object is valid and nothing is lost. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "hands.h"
#include "ops/jsonin.h"

static struct handjson m;

static struct json *
row_of(const struct hand_entry *e, struct hand_row *row)
{
	struct json *j = NULL;

	assert_int_equal(handjson_row(&m, e, row), ERR_OK);
	assert_int_equal(jsonin_parse(row->body, &j), ERR_OK);
	return j;
}

static void
test_accepted(void **state)
{
	struct hand_entry e = hands_entry("one", "acme", true);
	struct hand_row row;
	struct json *j = row_of(&e, &row);

	(void)state;
	assert_true(str_eqz(row.id, "one") && str_eqz(row.account, "acme") && row.accepted);
	assert_true(str_eqz(row.peer, "192.0.2.1") && str_eqz(row.host, "sip.z.example"));
	assert_true(str_eqz(row.word, "ok") && row.why.len == 0);
	assert_true(str_eqz(row.offer, "0303,0302;002f,0035;0401"));
	assert_true(str_eqz(row.names, "pbx.acme.example"));
	assert_int_equal(row.fingerprint.len, 64);
	assert_int_equal(row.not_after_us, HANDS_AT + 1000000);
	assert_string_equal(jsonin_text(j, "kind"), "handshake");
	assert_string_equal(jsonin_text(j, "peer"), "192.0.2.1:4711");
	assert_string_equal(jsonin_text(j, "zone"), "sip.z.example");
	assert_string_equal(jsonin_text(j, "version"), "TLS 1.2");
	assert_string_equal(jsonin_text(j, "suite"), "AES128-SHA");
	assert_int_equal(jsonin_count(jsonin_get(j, "versions")), 2);
	assert_int_equal(jsonin_count(jsonin_get(j, "suites")), 2);
	assert_int_equal(jsonin_count(jsonin_get(j, "sigalgs")), 1);
	assert_int_equal(jsonin_count(jsonin_get(j, "trunks")), 1);
	assert_int_equal(jsonin_count(jsonin_get(j, "chain")), 2);
	assert_string_equal(jsonin_text(jsonin_at(jsonin_get(j, "chain"), 1), "subject"),
			    "CN=Issuer");
	assert_string_equal(jsonin_text(jsonin_at(jsonin_get(j, "chain"), 0), "key"), "RSA 2048");
	assert_null(jsonin_get(j, "alert_sent"));
	assert_string_equal(jsonin_text(j, "sentence"), "accepted: acme, TLS 1.2 AES128-SHA");
	jsonin_free(&j);
}

static void
test_refused(void **state)
{
	struct hand_entry e = hands_entry("two", "", false);
	struct hand_row row;
	struct json *j = row_of(&e, &row);

	(void)state;
	assert_true(str_eqz(row.word, "expired") && str_eqz(row.why, "it has expired"));
	assert_int_equal(jsonin_int(j, "alert_sent"), 45);
	assert_string_equal(jsonin_text(j, "alert_sent_name"), "certificate_expired");
	assert_string_equal(jsonin_text(j, "sentence"), "refused: it has expired");
	assert_null(jsonin_get(j, "account"));
	jsonin_free(&j);
	e.u.tls.outgoing = true;
	j = row_of(&e, &row);
	assert_true(row.outgoing && row.offer.len == 0);
	jsonin_free(&j);
}

/* S6: names of certificates may hold any byte. */
static void
test_any_byte(void **state)
{
	struct hand_entry e = hands_entry("three", "", false);
	struct hand_row row;
	struct json *j;

	(void)state;
	for (int from = 1; from < 256; from += 60) {
		char *texts[] = {e.u.tls.chain[0].subject, e.u.tls.chain[0].names,
				 e.u.tls.chain[1].issuer, e.u.tls.why, e.u.tls.sni};

		for (size_t t = 0; t < ARRAY_LEN(texts); t++)
			for (int i = 0; i < 100; i++)
				texts[t][i] = (char)(from + i > 255 ? '"' : from + i);
		j = row_of(&e, &row);
		for (size_t i = 0; i < row.body.len; i++)
			assert_true((unsigned char)row.body.p[i] >= 0x20);
		jsonin_free(&j);
	}
}

/* The longest record there may be fits. */
static void
test_longest(void **state)
{
	struct hand_entry e;
	struct hand_row row;
	struct json *j;

	(void)state;
	memset(&e, 0xff, sizeof(e)); /* each byte becomes six */
	e.what = HAND_WHAT_HANDSHAKE;
	e.n_trunks = HANDRING_TRUNKS;
	e.u.tls.reason = TLS_CERT;
	e.u.tls.cert_reason = CERT_OTHER;
	e.u.tls.outgoing = e.u.tls.accepted = e.u.tls.cert_asked = false;
	e.u.tls.n_versions = TLS_VERSIONS_MAX;
	e.u.tls.n_suites = TLS_SUITES_MAX;
	e.u.tls.n_sigalgs = TLS_SIGALGS_MAX;
	e.u.tls.n_chain = TLS_RECORD_CERTS;
	hands_end_texts(&e);
	j = row_of(&e, &row);
	assert_true(row.body.len > 20000);
	jsonin_free(&j);
}

static void
test_request(void **state)
{
	struct hand_request rq = {
		.at_us = HANDS_AT, .method = "INVITE", .word = "400", .why = "no \"Via\""};
	struct hand_entry e = {.what = HAND_WHAT_REQUEST, .id = {"four"}, .account = {"acme"}};
	struct hand_row row;
	struct json *j;

	(void)state;
	assert_int_equal(addr_parse(STR("[2001:db8::1]:5061"), &rq.peer), ERR_OK);
	e.u.request = rq;
	j = row_of(&e, &row);
	assert_true(row.kind == HAND_REQUEST && !row.accepted);
	assert_true(str_eqz(row.peer, "2001:db8::1"));
	assert_string_equal(jsonin_text(j, "method"), "INVITE");
	assert_string_equal(jsonin_text(j, "why"), "no \"Via\"");
	jsonin_free(&j);
}

static void
test_more(void **state)
{
	struct hand_row row = {.body = STR("{\"a\":1}"), .more = 41, .last_us = HANDS_AT};
	struct json *j = NULL;
	char mem[128];
	struct buf b;

	(void)state;
	buf_init(&b, mem, sizeof(mem));
	handjson_put(&b, &row);
	assert_int_equal(jsonin_parse(buf_view(&b), &j), ERR_OK);
	assert_int_equal(jsonin_int(j, "more"), 41);
	assert_int_equal(jsonin_int(j, "a"), 1);
	assert_string_equal(jsonin_text(j, "last"), "2023-11-14T22:13:20.000000Z");
	jsonin_free(&j);
	row.more = 0;
	buf_reset(&b);
	handjson_put(&b, &row);
	assert_true(str_eqz(buf_view(&b), "{\"a\":1}"));
}

static void
test_offers(void **state)
{
	static const struct {
		const char *text;
		enum err want;
		uint16_t versions, suites, sigalgs;
	} rows[] = {
		{"", ERR_OK, 0, 0, 0},
		{";;", ERR_OK, 0, 0, 0},
		{"0303;002f", ERR_OK, 1, 1, 0},
		{"0304,0303;1301,002f;0804", ERR_OK, 2, 2, 1},
		{"0304,0303,0302,0301,0300,0002,0a0a,1a1a,2a2a;;", ERR_OK, TLS_VERSIONS_MAX, 0, 0},
		{"303;;", ERR_SYNTAX, 0, 0, 0},
		{"03031;;", ERR_SYNTAX, 0, 0, 0},
		{"030g;;", ERR_SYNTAX, 0, 0, 0},
		{";,;", ERR_SYNTAX, 0, 0, 0},
		{";;;0303", ERR_SYNTAX, 0, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct hand_offer o = {.n_versions = 99};
		enum err e = handjson_read_offer(str_from(rows[i].text), &o);

		if (e != rows[i].want ||
		    (e == ERR_OK &&
		     (o.n_versions != rows[i].versions || o.n_suites != rows[i].suites ||
		      o.n_sigalgs != rows[i].sigalgs)) ||
		    (e != ERR_OK && o.n_versions != 99))
			fail_msg("\"%s\": %s %u %u %u", rows[i].text, err_name(e), o.n_versions,
				 o.n_suites, o.n_sigalgs);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_any_byte), cmocka_unit_test(test_longest),
		cmocka_unit_test(test_request),  cmocka_unit_test(test_more),
		cmocka_unit_test(test_offers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
