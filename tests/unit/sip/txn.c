/* sip/txn: event classes, keys of messages, retransmission of the 2xx. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "sip/txn.h"

static void
test_event_of(void **state)
{
	static const struct {
		unsigned status;
		enum txn_event want;
	} rows[] = {
		{100, TXN_EV_100},     {101, TXN_EV_1XX},     {180, TXN_EV_1XX},
		{199, TXN_EV_1XX},     {200, TXN_EV_2XX},     {299, TXN_EV_2XX},
		{300, TXN_EV_3XX_6XX}, {407, TXN_EV_3XX_6XX}, {408, TXN_EV_408},
		{409, TXN_EV_3XX_6XX}, {699, TXN_EV_3XX_6XX}, {700, TXN_EV_3XX_6XX},
		{99, TXN_EV_3XX_6XX},  {0, TXN_EV_3XX_6XX},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (txn_event_of(rows[i].status) != rows[i].want)
			fail_msg("%u: got %s", rows[i].status,
				 txn_event_name(txn_event_of(rows[i].status)));
	assert_string_equal(txn_event_name(TXN_EV_3XX_6XX), "3XX_6XX");
	assert_string_equal(txn_event_name(TXN_EV_N), "?");
	assert_string_equal(txn_state_name(TXN_TERMINATED), "TERMINATED");
	assert_string_equal(txn_state_name(TXN_STATE_N), "?");
}

static void
test_times(void **state)
{
	const struct txn_times odd = {.t1_us = 700000000, .t2_us = 1};
	struct txn t;

	(void)state;
	txn_init(&t, TXN_CLIENT_INVITE, false, NULL);
	assert_int_equal(t.state, TXN_NEW);
	assert_true(t.due == TIMER_NEVER);
	assert_true(txn_life_us(&t) == 32000000);
	assert_int_equal(t.times.t2_us, 4000000);
	assert_int_equal(t.times.t4_us, 5000000);
	txn_init(&t, TXN_SERVER_OTHER, true, &odd);
	assert_int_equal(t.times.t2_us, 700000000);
	assert_int_equal(t.times.t4_us, 5000000);
	assert_true(txn_life_us(&t) == 44800000000);
}

static void
test_client_key(void **state)
{
	char branch[TXN_KEY_MAX + 1];
	struct txn_key a, b, c;

	(void)state;
	assert_int_equal(txn_client_key(STR("z9hG4bKa"), STR("INVITE"), &a), ERR_OK);
	assert_int_equal(txn_client_key(STR("z9hG4bKa"), STR("INVITE"), &b), ERR_OK);
	assert_int_equal(txn_client_key(STR("z9hG4bKa"), STR("CANCEL"), &c), ERR_OK);
	assert_true(txn_key_eq(&a, &b));
	assert_false(txn_key_eq(&a, &c));
	/* the border between two fields counts */
	assert_int_equal(txn_client_key(STR("z9hG4bKaI"), STR("NVITE"), &b), ERR_OK);
	assert_false(txn_key_eq(&a, &b));
	/* branches are exact: peers count in base 62 */
	assert_int_equal(txn_client_key(STR("z9hG4bKA"), STR("INVITE"), &b), ERR_OK);
	assert_false(txn_key_eq(&a, &b));
	memset(branch, 'x', sizeof(branch));
	b = a;
	assert_int_equal(txn_client_key(str_of(branch, sizeof(branch)), STR("BYE"), &b), ERR_LONG);
	assert_int_equal(txn_client_key(STR(""), STR("BYE"), &b), ERR_SYNTAX);
	assert_int_equal(txn_client_key(STR("z9hG4bKa"), STR(""), &b), ERR_SYNTAX);
	assert_true(txn_key_eq(&a, &b)); /* untouched */
	/* 256 bytes of branch and method BYE fit; the exact limit: 1 + 2 + n + 2 + 3 */
	assert_int_equal(txn_client_key(str_of(branch, TXN_KEY_MAX - 8), STR("BYE"), &b), ERR_OK);
	assert_int_equal(txn_client_key(str_of(branch, TXN_KEY_MAX - 7), STR("BYE"), &b), ERR_LONG);
}

/* One field of the request changed against a base; does it still find the same transaction? */
static const struct txn_request modern = {
	.scope = 7,
	.branch = {"z9hG4bK776", 10},
	.host = {"pbx.example.com", 15},
	.port = 5061,
	.method = {"INVITE", 6},
	.uri = {"sip:1@a", 7},
	.from_tag = {"f", 1},
	.call_id = {"c", 1},
	.cseq = 1,
	.via = {"SIP/2.0/TLS pbx.example.com:5061", 32},
};

static struct txn_request
changed(struct txn_request r, unsigned field)
{
	switch (field) {
	case 0: /* nothing */
		break;
	case 1:
		r.scope = 8;
		break;
	case 2:
		r.branch = STR("z9hG4bK777");
		break;
	case 3:
		r.host = STR("PBX.Example.COM");
		break;
	case 4:
		r.host = STR("pbx.example.org");
		break;
	case 5:
		r.port = 0;
		break;
	case 6:
		r.method = STR("ACK");
		break;
	case 7:
		r.method = STR("CANCEL");
		break;
	case 8:
		r.method = STR("BYE");
		break;
	case 9:
		r.uri = STR("sip:2@a");
		break;
	case 10:
		r.to_tag = STR("t");
		break;
	case 11:
		r.from_tag = STR("g");
		break;
	case 12:
		r.call_id = STR("d");
		break;
	case 13:
		r.cseq = 2;
		break;
	case 14:
		r.via = STR("SIP/2.0/TLS other");
		break;
	}
	return r;
}

static const struct key_row {
	const char *name;
	unsigned field;
	bool same, same_old; /* with the cookie, and without it */
} key_rows[] = {
	{"nothing", 0, true, true},
	{"A4: another scope", 1, false, false},
	{"branch", 2, false, false},
	{"case of the host", 3, true, true},
	{"host", 4, false, true},
	{"port", 5, false, true},
	{"ACK finds the INVITE", 6, true, true},
	{"CANCEL has its own", 7, false, false},
	{"BYE", 8, false, false},
	{"Request-URI", 9, true, false},
	{"To tag (of the ACK)", 10, true, true},
	{"From tag", 11, true, false},
	{"Call-ID", 12, true, false},
	{"CSeq", 13, true, false},
	{"Via", 14, true, false},
};

static void
test_server_key(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(key_rows); i++) {
		const struct key_row *row = &key_rows[i];
		struct txn_request old = modern, r;
		struct txn_key a, b;

		r = changed(modern, row->field);
		assert_int_equal(txn_server_key(&modern, &a), ERR_OK);
		assert_int_equal(txn_server_key(&r, &b), ERR_OK);
		if (txn_key_eq(&a, &b) != row->same)
			fail_msg("%s: %s", row->name, row->same ? "differs" : "the same");
		if (row->field == 2)
			continue; /* the branch is what the old style lacks */
		old.branch = STR("1");
		r = changed(old, row->field);
		assert_int_equal(txn_server_key(&old, &a), ERR_OK);
		assert_int_equal(txn_server_key(&r, &b), ERR_OK);
		if (txn_key_eq(&a, &b) != row->same_old)
			fail_msg("%s, RFC 2543: %s", row->name, row->same_old ? "differs" : "same");
	}
}

static void
test_server_key_edges(void **state)
{
	struct txn_request r = modern;
	struct txn_key invite, key;
	char text[TXN_KEY_MAX];

	(void)state;
	memset(text, 'x', sizeof(text));
	assert_int_equal(txn_server_key(&r, &invite), ERR_OK);
	/* a CANCEL finds its INVITE, with and without the cookie, and only within its scope */
	r.method = STR("CANCEL");
	assert_int_equal(txn_cancelled_key(&r, &key), ERR_OK);
	assert_true(txn_key_eq(&invite, &key));
	r.scope = 8;
	assert_int_equal(txn_cancelled_key(&r, &key), ERR_OK);
	assert_false(txn_key_eq(&invite, &key));
	r.branch = STR("z9hG4bK"); /* the cookie alone makes no branch */
	r.to_tag = STR("t");
	assert_int_equal(txn_cancelled_key(&r, &key), ERR_OK);
	r.method = STR("INVITE");
	r.to_tag = STR_NULL;
	assert_int_equal(txn_server_key(&r, &invite), ERR_OK);
	assert_true(txn_key_eq(&invite, &key));
	/* to a BYE of an old peer the To tag belongs */
	r.method = STR("BYE");
	assert_int_equal(txn_server_key(&r, &invite), ERR_OK);
	r.to_tag = STR("t");
	assert_int_equal(txn_server_key(&r, &key), ERR_OK);
	assert_false(txn_key_eq(&invite, &key));
	/* limits: what the parser lets through as branch and host fits, more is refused */
	r = modern;
	memcpy(text, "z9hG4bK", 7);
	r.branch = str_of(text, 256);
	r.host = str_of(text, 255);
	assert_int_equal(txn_server_key(&r, &key), ERR_OK);
	r.branch = str_of(text, sizeof(text));
	assert_int_equal(txn_server_key(&r, &key), ERR_LONG);
	r = modern;
	r.host = STR_NULL;
	assert_int_equal(txn_server_key(&r, &key), ERR_SYNTAX);
	r = modern;
	r.method = STR_NULL;
	assert_int_equal(txn_server_key(&r, &key), ERR_SYNTAX);
}

static const uint64_t clocks[] = {0, (1ull << 32) * 1000 - 10000000, (1ull << 31) * 1000000,
				  400ull * 86400 * 1000000};

static void
test_ok_retrans_M12(void **state)
{
	/* 13.3.1.4: T1, 2*T1, 4*T1 .. T2, T2; ms after the first */
	static const unsigned want[] = {500,   1500,  3500,  7500,  11500,
					15500, 19500, 23500, 27500, 31500};

	(void)state;
	for (size_t c = 0; c < ARRAY_LEN(clocks); c++) {
		struct sip_ok_retrans o;

		sip_ok_retrans_begin(&o, NULL, clocks[c]);
		for (size_t i = 0; i < ARRAY_LEN(want); i++) {
			assert_true(o.due == clocks[c] + want[i] * 1000ull);
			assert_int_equal(sip_ok_retrans_step(&o, o.due - 1), SIP_OK_NOTHING);
			assert_int_equal(sip_ok_retrans_step(&o, o.due), SIP_OK_SEND);
		}
		assert_true(o.due == clocks[c] + 32000000);
		assert_int_equal(sip_ok_retrans_step(&o, o.due), SIP_OK_GIVE_UP);
		assert_true(o.due == TIMER_NEVER);
		assert_int_equal(sip_ok_retrans_step(&o, clocks[c] + 99000000), SIP_OK_NOTHING);
	}
}

static void
test_ok_retrans_stop(void **state)
{
	const struct txn_times quick = {.t1_us = 10000, .t2_us = 15000};
	struct sip_ok_retrans o;

	(void)state;
	sip_ok_retrans_begin(&o, &quick, 100);
	assert_true(o.due == 10100);
	assert_int_equal(sip_ok_retrans_step(&o, 10100), SIP_OK_SEND);
	assert_true(o.due == 25100); /* capped at T2 */
	assert_int_equal(sip_ok_retrans_step(&o, 300000), SIP_OK_SEND);
	assert_true(o.due == 315000); /* one copy after a stall, not many */
	sip_ok_retrans_stop(&o);
	assert_true(o.due == TIMER_NEVER);
	assert_int_equal(sip_ok_retrans_step(&o, 400000), SIP_OK_NOTHING);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_event_of),         cmocka_unit_test(test_times),
		cmocka_unit_test(test_client_key),       cmocka_unit_test(test_server_key),
		cmocka_unit_test(test_server_key_edges), cmocka_unit_test(test_ok_retrans_M12),
		cmocka_unit_test(test_ok_retrans_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
