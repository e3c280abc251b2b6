/* The last refusal of an account, a trunk, an address or a host: the newer one of both kinds. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/log.h"
#include "hands.h"
#include "ops/cdr.h"
#include "ops/handjson.h"
#include "ops/jsonin.h"
#include "ops/lastrefusal.h"
#include "ops/showhands.h"
#include "world.h"

enum { SECOND = 1000000 };

static struct world o;
static struct handstore *hands;
static char hands_path[160], facts_mem[SHOWHANDS_ROW_MAX], said_mem[1024];

static int
setup(void **state)
{
	char why[HANDSTORE_WHY_MAX];

	(void)state;
	log_init("test", -1, LOG_ERROR);
	if (world_init(&o, 20, "cdr.jsonl") != 0)
		return -1;
	(void)snprintf(hands_path, sizeof(hands_path), "%s/h.db", o.dir);
	return handstore_open(hands_path, 1000, 30, &hands, why) == ERR_OK ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	handstore_close(&hands);
	(void)unlink(hands_path);
	world_fini(&o);
	return 0;
}

/* A refused call of acme from 192.0.2.9 over TLS, seconds after the handshakes of hands.h. */
static struct call_record
refused(const char *id, int after_s)
{
	struct call_record r = world_record(id);

	r.refusal = REFUSAL_CLASS_OFF;
	r.ended_by = ENDER_POSTERN;
	r.sip_status = 403;
	r.invite_us = r.end_us = HANDS_AT + (int64_t)after_s * SECOND;
	(void)!addr_parse(STR("192.0.2.9:5061"), &r.leg[LEG_A].remote);
	(void)snprintf(r.leg[LEG_A].peer, CALL_NAME_MAX, "DNS pbx.acme.example");
	return r;
}

static struct call_record
answered(const char *id, int after_s)
{
	struct call_record r = refused(id, after_s);

	r.refusal = REFUSAL_NONE;
	r.answer_us = r.invite_us;
	return r;
}

static void
write_to(const char *path, const struct call_record *r)
{
	static char line[CDR_LINE_MAX];
	struct buf b;

	buf_init(&b, line, sizeof(line));
	cdr_put(&b, r);
	buf_char(&b, '\n');
	world_write(path, buf_cstr(&b));
}

static void
add_hand(const char *id, const char *account, bool accepted, int after_s)
{
	static struct handjson m;
	struct hand_entry e = hands_entry(id, account, accepted);
	struct hand_row row;

	e.u.tls.began_us += (int64_t)after_s * SECOND;
	assert_int_equal(handjson_row(&m, &e, &row), ERR_OK);
	assert_int_equal(handstore_begin(hands), ERR_OK);
	assert_int_equal(handstore_end(hands, handstore_add(hands, &row), HANDS_AT), ERR_OK);
}

/* want: the id, NULL for none; says: a part of what is said, silent: what is not. */
static void
judge(const char *what, const char *want, const char *says, const char *silent)
{
	struct lastrefusal_in in = {.cdr_path = o.path,
				    .records = &o.r,
				    .hands = hands,
				    .now_us = HANDS_AT + 300 * (int64_t)SECOND};
	struct buf facts, said;
	struct json *j = NULL;
	enum err e;

	buf_init(&facts, facts_mem, sizeof(facts_mem));
	buf_init(&said, said_mem, sizeof(said_mem));
	e = lastrefusal_find(&in, what, &facts, &said);
	if (!want) {
		if (e != ERR_NOTFOUND)
			fail_msg("%s: %s", what, buf_cstr(&facts));
		return;
	}
	if (e != ERR_OK || jsonin_parse(buf_view(&facts), &j) != ERR_OK)
		fail_msg("%s: %s", what, err_text(e));
	if (strcmp(jsonin_text(j, "id"), want) != 0)
		fail_msg("%s: %s, not %s", what, jsonin_text(j, "id"), want);
	if ((says && !strstr(buf_cstr(&said), says)) || (silent && strstr(buf_cstr(&said), silent)))
		fail_msg("%s: %s", what, buf_cstr(&said));
	jsonin_free(&j);
}

static void
test_whose(void **state)
{
	static const struct {
		const char *what, *want;
	} rows[] = {
		{"acme", "call"},
		{"acme-pbx", "call"},
		{"192.0.2.9", "call"},
		{"192.0.2.9:4711", "call"},
		{"pbx.acme.example", "call"},
		{"pbx.acme.example.", "call"},
		{"PBX.Acme.Example", "call"},
		{"ACME", NULL}, /* of ids it does */
		{"gw1", "way"},
		{"pbz.example.net", "way"},
		{"acm", NULL},
		{"acme-pb", NULL},
		{"192.0.2", NULL},
		{"192.0.2.90", NULL},
		{"bx.acme.example", NULL},
		{"acme.example", NULL},
		{"CLASS_OFF", NULL},
		{"", NULL},
	};
	struct call_record r = refused("way", 1);

	(void)state;
	r.n_targets = 1;
	r.leg[LEG_A].account.z[0] = 0;
	(void)snprintf(r.leg[LEG_A].trunk.z, POLICY_ID_MAX, "other");
	(void)snprintf(r.target[0].trunk.z, POLICY_ID_MAX, "gw1");
	(void)snprintf(r.target[0].why, CALL_TARGET_WHY_MAX,
		       "no address of pbz.example.net in DNS");
	write_to(o.path, &r);
	r = refused("call", 2);
	write_to(o.path, &r);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		judge(rows[i].what, rows[i].want, rows[i].want ? "the last refusal of " : NULL,
		      NULL);
}

static void
test_newer(void **state)
{
	struct call_record r = refused("c1", 60);

	(void)state;
	judge("acme", NULL, NULL, NULL);
	add_hand("h1", "acme", false, 0);
	judge("acme", "h1",
	      "refusal of who claims to be acme; its id is h1, and it is 5 minutes old.", "Since");
	write_to(o.path, &r);
	judge("acme", "c1", "refusal of acme; its id is c1, and it is 4 minutes old.", "Since");
	r = world_record("given-up"); /* the caller's own doing is no refusal */
	r.refusal = REFUSAL_CANCELED;
	r.end_us = HANDS_AT + 70 * SECOND;
	write_to(o.path, &r);
	judge("acme", "c1", NULL, NULL);
	add_hand("h2", "acme", false, 80);
	judge("acme", "h2", "Before that a call of it was refused, at ", "Since");
	judge("acme", "h2", " (c1).", NULL);
	add_hand("h3", "acme", true, 90);
	judge("acme", "h2", "Since then a handshake of it was accepted, at ",
	      "call of it was answered");
	judge("acme", "h2", " (h3).", NULL);
	r = answered("c2", 100);
	write_to(o.path, &r);
	judge("acme", "h2", "a call of it was answered, at ", NULL);
	judge("acme", "h2", " (c2).", NULL);
	r = refused("c3", 110);
	write_to(o.path, &r);
	judge("acme", "c3", NULL, "Since");
}

/* A call that the far side ended before an answer counts, one that the caller ended does not. */
static void
test_far_side(void **state)
{
	static const struct {
		const char *name;
		enum call_ender by;
		int status;
		bool counts;
	} rows[] = {
		{"far 404", ENDER_CALLED, 404, true},
		{"given up", ENDER_CALLER, 487, false},
		{"told to call elsewhere", ENDER_CALLED, 302, false},
		{"far 503", ENDER_CALLED, 503, true},
	};
	struct call_record r = refused("ours", 1);
	const char *want = r.id.z;

	(void)state;
	write_to(o.path, &r);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct call_record f = refused(rows[i].name, 2 + (int)i);

		f.refusal = REFUSAL_NONE;
		f.ended_by = (uint8_t)rows[i].by;
		f.sip_status = rows[i].status;
		write_to(o.path, &f);
		want = rows[i].counts ? rows[i].name : want;
		judge("acme", want, "the last refusal of acme", NULL);
	}
}

/* Many calls: what is newest counts, however many name it beside that; calls of others that have
 * its name somewhere are looked at up to a bound. */
static void
test_many(void **state)
{
	struct call_record r = refused("first", 1);

	(void)state;
	write_to(o.path, &r);
	for (int i = 0; i < 600; i++) {
		r = answered("up", 2 + i);
		write_to(o.path, &r);
		r = refused("quit", 2 + i);
		r.refusal = REFUSAL_CANCELED;
		write_to(o.path, &r);
	}
	judge("acme", "first", "a call of it was answered, at ", NULL);
	r = refused("second", 700);
	write_to(o.path, &r);
	judge("acme", "second", NULL, "Since");
	for (int i = 0; i < LASTREFUSAL_PARSED; i++) {
		if (i == LASTREFUSAL_PARSED - 1)
			judge("acme", "second", NULL, NULL);
		r = refused("other", 701 + i);
		(void)snprintf(r.leg[LEG_A].account.z, POLICY_ID_MAX, "other");
		(void)snprintf(r.leg[LEG_A].trunk.z, POLICY_ID_MAX, "other-pbx");
		(void)snprintf(r.from_received, CALL_NUMBER_MAX, "acme");
		write_to(o.path, &r);
	}
	judge("acme", NULL, NULL, NULL);
}

/* The file was renamed away just now; and a call whose record waits. */
static void
test_elsewhere(void **state)
{
	struct call_record r = refused("old", 1);
	uint32_t slot;

	(void)state;
	write_to(o.old, &r);
	judge("acme", "old", NULL, NULL);
	r = refused("new", 2);
	write_to(o.path, &r);
	judge("acme", "new", NULL, NULL);
	r = refused("waits", 3);
	slot = records_take(&o.w);
	records_put(&o.w, slot, RECORD_ENDED, &r);
	judge("acme", "waits", NULL, NULL);
	handstore_close(&hands);
	judge("acme", "waits", NULL, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_whose, setup, teardown),
		cmocka_unit_test_setup_teardown(test_newer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_far_side, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many, setup, teardown),
		cmocka_unit_test_setup_teardown(test_elsewhere, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
