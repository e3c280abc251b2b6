/* Questions on the control socket, and their answers. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/log.h"
#include "base/mem.h"
#include "hands.h"
#include "ops/cdr.h"
#include "ops/jsonin.h"
#include "ops/explain.h"
#include "ops/show.h"
#include "world.h"

enum { ANSWER_MAX = 256 * 1024 };

static struct world o;
static struct handring ring;
static struct handstore *hands;
static char hands_path[160];
static int ring_fd = -1;
static struct alarms alarms;
static struct show s;
static struct metric_page pages[2];
static struct media_totals workers[MEDIA_WORKERS_MAX];
static struct io_counts io_counts[MEDIA_WORKERS_MAX];
static char hung_up[ID_SIZE];
static enum err told;
static struct show_reload outcome;
static char *mem;

static bool
media_now(void *arg, uint32_t slot, uint32_t generation, struct media_stats *out)
{
	(void)arg;
	if (generation != 9)
		return false;
	*out = (struct media_stats){.in_packets = slot};
	return true;
}

static enum err
hang(void *arg, const struct id *id)
{
	(void)arg;
	memcpy(hung_up, id->z, sizeof(hung_up));
	return told;
}

static enum err
again(void *arg, uint64_t *ticket)
{
	(void)arg;
	*ticket = 41;
	return told;
}

/* 41 is answered, 42 under way. */
static bool
became(void *arg, uint64_t ticket, struct show_reload *out)
{
	(void)arg;
	*out = outcome;
	out->done = ticket == 41;
	return ticket == 41 || ticket == 42;
}

static struct handstore *
handshakes(void *arg, const struct handring **r, const char **why)
{
	(void)arg;
	*r = &ring;
	*why = "the disk is full";
	return hands;
}

static int
setup(void **state)
{
	char why[HANDSTORE_WHY_MAX];

	(void)state;
	log_init("test", -1, LOG_ERROR);
	told = ERR_OK;
	memset(hung_up, 0, sizeof(hung_up));
	mem = mem_zalloc(1, ANSWER_MAX);
	if (!mem || world_init(&o, 20, "cdr.jsonl") != 0)
		return -1;
	(void)snprintf(hands_path, sizeof(hands_path), "%s/h.db", o.dir);
	if (handring_create(&ring_fd) != ERR_OK || handring_open(ring_fd, true, &ring) != ERR_OK ||
	    handstore_open(hands_path, 1000, 30, &hands, why) != ERR_OK)
		return -1;
	if (alarms_init(&alarms, NULL) != ERR_OK)
		return -1;
	s = (struct show){.page = {&pages[0], &pages[1]},
			  .n_pages = 2,
			  .records = &o.r,
			  .alarms = &alarms,
			  .cdr_path = o.path,
			  .media = workers,
			  .srtp = "imb avx512",
			  .io = "steer",
			  .io_counts = io_counts,
			  .version = "9.9",
			  .node = "n\"1",
			  .do_media_stats = media_now,
			  .do_hangup = hang,
			  .do_reload = again,
			  .do_outcome = became,
			  .do_handshakes = handshakes};
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	alarms_fini(&alarms);
	handstore_close(&hands);
	(void)unlink(hands_path);
	handring_close(&ring);
	close(ring_fd);
	world_fini(&o);
	MEM_FREE(mem);
	return 0;
}

static struct json *
ask(const char *question)
{
	struct json *j = NULL;
	struct buf b;

	buf_init(&b, mem, ANSWER_MAX);
	show_answer(&s, str_from(question), &b);
	assert_int_equal(buf_end(&b), ERR_OK);
	assert_int_equal(jsonin_parse(buf_view(&b), &j), ERR_OK);
	return j;
}

static void
test_bad_requests(void **state)
{
	static const struct {
		const char *name, *text, *error;
	} rows[] = {
		{"nothing", "", "one line"},
		{"no JSON", "stats", "one line"},
		{"half", "{\"cmd\":\"stats\"", "one line"},
		{"a list", "[\"stats\"]", "one line"},
		{"two", "{\"cmd\":\"stats\"}{}", "one line"},
		{"a key twice", "{\"cmd\":\"stats\",\"cmd\":\"calls\"}", "one line"},
		{"no cmd", "{}", "cmd is one of"},
		{"cmd is no text", "{\"cmd\":5}", "cmd is one of"},
		{"unknown", "{\"cmd\":\"format\"}", "cmd is one of"},
		{"explain nothing", "{\"cmd\":\"explain\"}", "no call"},
		{"explain a number", "{\"cmd\":\"explain\",\"id\":5}", "no call"},
		{"explain unknown", "{\"cmd\":\"explain\",\"id\":\"x\\\"y\"}", "no call"},
		{"hang up unknown", "{\"cmd\":\"hangup\",\"id\":\"x\"}", "no call"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct json *j = ask(rows[i].text);

		print_message("# %s\n", rows[i].name);
		assert_false(jsonin_true(j, "ok"));
		assert_non_null(strstr(jsonin_text(j, "error"), rows[i].error));
		jsonin_free(&j);
	}
}

static void
test_stats(void **state)
{
	struct call_record live = world_record("live");
	struct json *j;

	(void)state;
	metric_bind(&pages[0]);
	metric_set(METRIC_calls_total, 3);
	metric_bind(&pages[1]);
	metric_set(METRIC_calls_total, 4);
	metric_bind(NULL);
	workers[0].dropped[MEDIA_DROP_auth] = 10;
	workers[MEDIA_WORKERS_MAX - 1].dropped[MEDIA_DROP_auth] = 7;
	io_counts[0].rx_full = 2;
	io_counts[MEDIA_WORKERS_MAX - 1].rx_full = 3;
	s.store_version = 5;
	assert_int_not_equal(world_end(&o, "ended"), RECORDS_NONE);
	records_put(&o.w, records_take(&o.w), RECORD_LIVE, &live);
	j = ask("{\"cmd\":\"stats\"}");
	assert_true(jsonin_true(j, "ok"));
	assert_string_equal(jsonin_text(j, "node"), "n\"1");
	assert_string_equal(jsonin_text(j, "version"), "9.9");
	assert_int_equal(jsonin_int(j, "metrics.calls_total"), 7);
	assert_non_null(jsonin_get(j, "metrics.cdr_written"));
	assert_int_equal(jsonin_int(j, "records.slots"), 20);
	assert_int_equal(jsonin_int(j, "records.live"), 1);
	assert_int_equal(jsonin_int(j, "records.ended"), 1);
	assert_int_equal(jsonin_int(j, "records.slots_used"), 2);
	assert_int_equal(jsonin_int(j, "media_dropped_why.auth"), 17);
	assert_string_equal(jsonin_text(j, "srtp"), "imb avx512");
	assert_string_equal(jsonin_text(j, "media_io"), "steer");
	assert_int_equal(jsonin_int(j, "media_io_packets.rx_full"), 5);
	assert_int_equal(jsonin_int(j, "media_io_packets.tx_fragments"), 0);
	assert_int_equal(jsonin_int(j, "accounts_version"), 5);
	jsonin_free(&j);
}

static void
test_alarms(void **state)
{
	struct json *j = ask("{\"cmd\":\"alarms\"}");

	(void)state;
	assert_true(jsonin_true(j, "ok"));
	assert_int_equal(jsonin_count(jsonin_get(j, "list")), 0);
	jsonin_free(&j);
	assert_true(alarms_raise(&alarms, ALARM_TARGET, ALARM_MAJOR, "gw\"1", "it is silent", 7));
	assert_true(alarms_raise(&alarms, ALARM_RELOAD, ALARM_MAJOR, "z", "key", 8));
	j = ask("{\"cmd\":\"alarms\"}");
	assert_int_equal(jsonin_count(jsonin_get(j, "list")), 2);
	assert_string_equal(jsonin_text(jsonin_at(jsonin_get(j, "list"), 0), "id"), "target-down");
	assert_string_equal(jsonin_text(jsonin_at(jsonin_get(j, "list"), 0), "object"), "gw\"1");
	jsonin_free(&j);
}

static uint32_t
put_live(const char *id, uint32_t generation)
{
	struct call_record r = world_record(id);
	uint32_t slot = records_take(&o.w);

	r.state = B2BUA_RINGING;
	r.leg[LEG_A].media_open = 1;
	r.leg[LEG_A].media.slot = 123;
	r.leg[LEG_A].media.generation = generation;
	r.leg[LEG_A].stats.in_packets = 1;
	records_put(&o.w, slot, RECORD_LIVE, &r);
	return slot;
}

static void
test_calls(void **state)
{
	const struct json *call;
	struct json *j;

	(void)state;
	assert_int_not_equal(world_end(&o, "ended"), RECORDS_NONE);
	put_live("live1", 9);
	put_live("live2", 8);
	j = ask("{\"cmd\":\"calls\"}");
	assert_int_equal(jsonin_int(j, "n"), 2);
	assert_false(jsonin_true(j, "more"));
	assert_int_equal(jsonin_count(jsonin_get(j, "list")), 2);
	for (size_t i = 0; i < 2; i++) {
		call = jsonin_at(jsonin_get(j, "list"), i);
		assert_string_equal(jsonin_text(call, "state"), "RINGING");
		/* of the flow table where it has them, else of the record */
		assert_int_equal(jsonin_int(call, "record.a.media.in_packets"),
				 strcmp(jsonin_text(call, "record.id"), "live1") == 0 ? 123 : 1);
	}
	jsonin_free(&j);
	j = ask("{\"cmd\":\"calls\",\"limit\":1}");
	assert_int_equal(jsonin_count(jsonin_get(j, "list")), 1);
	assert_true(jsonin_true(j, "more"));
	jsonin_free(&j);
}

static void
put_transferred(const char *id, const char *payer, const char *of)
{
	struct call_record r = world_record(id);

	(void)snprintf(r.payer.z, sizeof(r.payer.z), "%s", payer);
	(void)snprintf(r.transfer_of.z, sizeof(r.transfer_of.z), "%s", of);
	if (*of) {
		r.leg[LEG_B] = r.leg[LEG_A];
		r.rides = 1 + LEG_B;
	} else {
		r.transfers = 1;
		(void)snprintf(r.leg[LEG_A].trunk.z, POLICY_ID_MAX, "gw1");
		r.leg[LEG_A].account.z[0] = 0;
		r.leg[LEG_B] = r.leg[LEG_A];
	}
	records_put(&o.w, records_take(&o.w), RECORD_LIVE, &r);
}

/* Both legs of a call that goes on are carriers' now; it is still the customer's. */
static void
test_transferred(void **state)
{
	static const struct {
		const char *id, *payer, *want;
	} rows[] = {
		{"paid", "acme", "acme"},
		{"ridden", "", "acme"},
		{"unknown", "", ""},
	};
	struct json *j;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		put_transferred(rows[i].id, rows[i].payer, "");
	put_transferred("rider", "acme", rows[1].id);
	j = ask("{\"cmd\":\"calls\"}");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct json *list = jsonin_get(j, "list"), *rec = NULL;

		for (size_t k = 0; k < jsonin_count(list); k++)
			if (strcmp(jsonin_text(jsonin_at(list, k), "record.id"), rows[i].id) == 0)
				rec = jsonin_get(jsonin_at(list, k), "record");
		assert_non_null(rec);
		assert_string_equal(jsonin_text(rec, "account"), rows[i].want);
		assert_string_equal(jsonin_text(rec, "a.account"), "");
	}
	jsonin_free(&j);
	j = ask("{\"cmd\":\"explain\",\"id\":\"ridden\"}");
	assert_non_null(strstr(jsonin_text(j, "text"), "(account acme, class "));
	jsonin_free(&j);
}

/* The answer has a cap: what does not fit is said to be more. */
static void
test_calls_do_not_fit(void **state)
{
	struct json *j = NULL;
	struct buf b;

	(void)state;
	for (int i = 0; i < 15; i++)
		put_live("live", 9);
	buf_init(&b, mem, CDR_LINE_MAX + 4096);
	show_answer(&s, STR("{\"cmd\":\"calls\"}"), &b);
	assert_int_equal(buf_end(&b), ERR_OK);
	assert_int_equal(jsonin_parse(buf_view(&b), &j), ERR_OK);
	assert_true(jsonin_true(j, "more"));
	assert_in_range(jsonin_int(j, "n"), 1, 14);
	jsonin_free(&j);
}

static void
add_hand(const char *id, const char *account, bool accepted)
{
	static struct handjson m;
	struct hand_entry e = hands_entry(id, account, accepted);
	struct hand_row row;

	handring_put(&ring, &e, 1000);
	assert_int_equal(handjson_row(&m, &e, &row), ERR_OK);
	assert_int_equal(handstore_begin(hands), ERR_OK);
	assert_int_equal(handstore_end(hands, handstore_add(hands, &row), HANDS_AT), ERR_OK);
}

static void
test_handshakes(void **state)
{
	struct json *j;

	(void)state;
	add_hand("a", "acme", true);
	add_hand("b", "", false);
	j = ask("{\"cmd\":\"handshakes\",\"peer\":\"garbage\"}");
	assert_false(jsonin_true(j, "ok"));
	assert_non_null(strstr(jsonin_text(j, "error"), "peer is an address"));
	jsonin_free(&j);
	j = ask("{\"cmd\":\"handshakes\",\"refused\":true}");
	assert_true(jsonin_true(j, "ok"));
	assert_int_equal(jsonin_count(jsonin_get(j, "list")), 1);
	jsonin_free(&j);
	j = ask("{\"cmd\":\"stats\"}");
	assert_int_equal(jsonin_int(j, "handshakes.incoming.accepted"), 1);
	assert_int_equal(jsonin_int(j, "handshakes.incoming.refused"), 1);
	assert_int_equal(jsonin_int(j, "handshakes.incoming.why.expired"), 1);
	assert_int_equal(jsonin_int(j, "handshakes.outgoing.accepted"), 0);
	assert_int_equal(jsonin_int(j, "handshakes_stored"), 2);
	assert_string_equal(jsonin_text(j, "handshakes_store"), "fine");
	jsonin_free(&j);
	handstore_close(&hands); /* it cannot be used: said, and nothing else suffers */
	j = ask("{\"cmd\":\"handshakes\"}");
	assert_non_null(strstr(jsonin_text(j, "error"), "the disk is full"));
	jsonin_free(&j);
	j = ask("{\"cmd\":\"stats\"}");
	assert_string_equal(jsonin_text(j, "handshakes_store"), "the disk is full");
	jsonin_free(&j);
	j = ask("{\"cmd\":\"explain\",\"id\":\"a\"}");
	assert_false(jsonin_true(j, "ok"));
	jsonin_free(&j);
}

static void
write_cdr(struct call_record *r)
{
	static char line[CDR_LINE_MAX];
	struct buf b;

	buf_init(&b, line, sizeof(line));
	cdr_put(&b, r);
	buf_char(&b, '\n');
	world_write(o.path, buf_cstr(&b));
}

static void
judge_text(const char *id, const char *kind, const char *words)
{
	char question[96];
	struct json *j;

	(void)snprintf(question, sizeof(question), "{\"cmd\":\"explain\",\"id\":\"%s\"}", id);
	j = ask(question);
	assert_true(jsonin_true(j, "ok"));
	assert_string_equal(jsonin_text(j, "kind"), kind);
	assert_string_equal(jsonin_text(j, "facts.id"), id);
	if (!strstr(jsonin_text(j, "text"), words))
		fail_msg("%s: wanted \"%s\" in \"%s\"", id, words, jsonin_text(j, "text"));
	jsonin_free(&j);
}

static void
judge_silent(const char *id, const char *words)
{
	char question[96];
	struct json *j;

	(void)snprintf(question, sizeof(question), "{\"cmd\":\"explain\",\"id\":\"%s\"}", id);
	j = ask(question);
	assert_true(jsonin_true(j, "ok"));
	if (strstr(jsonin_text(j, "text"), words))
		fail_msg("%s: \"%s\" in \"%s\"", id, words, jsonin_text(j, "text"));
	jsonin_free(&j);
}

static void
add_dialled(const char *id)
{
	static struct handjson m;
	struct hand_entry e = hands_entry(id, "acme", false);
	struct hand_row row;

	e.u.tls.outgoing = true;
	e.n_trunks = 1;
	assert_int_equal(handjson_row(&m, &e, &row), ERR_OK);
	assert_int_equal(handstore_begin(hands), ERR_OK);
	assert_int_equal(handstore_end(hands, handstore_add(hands, &row), HANDS_AT), ERR_OK);
}

static void
test_explain(void **state)
{
	struct call_record r;
	struct json *j;

	(void)state;
	put_live("live", 9);
	assert_int_not_equal(world_end(&o, "waiting"), RECORDS_NONE); /* CDR not yet written */
	r = world_record("busy");
	r.n_targets = 1;
	(void)snprintf(r.target[0].trunk.z, POLICY_ID_MAX, "gw1");
	r.target[0].status = 486;
	write_cdr(&r);
	r = world_record("second"); /* by a route, the second carrier, another number */
	r.n_targets = 2;
	(void)snprintf(r.target[0].trunk.z, POLICY_ID_MAX, "gw1");
	(void)snprintf(r.target[0].route.z, POLICY_ID_MAX, "uk");
	r.target[0].status = 503;
	r.target[0].at_us = r.invite_us + 10000;
	r.target[1] = r.target[0];
	(void)snprintf(r.target[1].trunk.z, POLICY_ID_MAX, "gw2");
	r.target[1].status = 200;
	r.target[1].at_us = r.invite_us + 1250000;
	r.ringing_us = r.invite_us + 2000000;
	r.answer_us = r.invite_us + 7900000;
	(void)snprintf(r.to_sent, CALL_NUMBER_MAX, "0011234567");
	(void)snprintf(r.from_sent, CALL_NUMBER_MAX, "%s", r.from_received);
	write_cdr(&r);
	r = world_record("inward");
	r.n_targets = 1;
	(void)snprintf(r.leg[LEG_A].trunk.z, POLICY_ID_MAX, "gw1");
	r.leg[LEG_A].account.z[0] = 0;
	(void)snprintf(r.leg[LEG_B].account.z, POLICY_ID_MAX, "acme");
	(void)snprintf(r.leg[LEG_B].trunk.z, POLICY_ID_MAX, "acme-pbx");
	(void)snprintf(r.target[0].trunk.z, POLICY_ID_MAX, "acme-pbx");
	write_cdr(&r);
	r = world_record("refused");
	r.refusal = REFUSAL_LIMIT;
	r.ended_by = ENDER_POSTERN;
	write_cdr(&r);
	r = world_record("talked");
	r.answer_us = 1700000000500000;
	r.answer_mono_us = 1;
	r.end_mono_us = 12300001;
	r.ended_by = ENDER_CALLER;
	write_cdr(&r);
	r = world_record("unreached");
	r.refusal = REFUSAL_UNREACHABLE;
	r.ended_by = ENDER_POSTERN;
	r.end_us = HANDS_AT + 1;
	r.n_targets = 1;
	(void)snprintf(r.target[0].trunk.z, POLICY_ID_MAX, "acme-1");
	(void)snprintf(r.target[0].why, sizeof(r.target[0].why), "all addresses failed");
	r.target[0].status = -1;
	r.target[0].at_us = HANDS_AT;
	write_cdr(&r);
	(void)snprintf(r.id.z, sizeof(r.id.z), "nothing-dialled");
	(void)snprintf(r.target[0].why, sizeof(r.target[0].why), "no address of z.example in DNS");
	write_cdr(&r);
	(void)snprintf(r.id.z, sizeof(r.id.z), "other-address");
	(void)snprintf(r.target[0].why, sizeof(r.target[0].why), "192.0.2.8:5061: timed out");
	write_cdr(&r);
	r = world_record("detailed");
	r.refusal = REFUSAL_CLASS_OFF;
	r.sip_status = 403;
	(void)snprintf(r.refusal_detail, CALL_DETAIL_MAX, "+44 is of class international");
	write_cdr(&r);
	(void)snprintf(r.id.z, sizeof(r.id.z), "bad-answer");
	r.refusal = REFUSAL_BAD_ANSWER;
	(void)snprintf(r.refusal_detail, CALL_DETAIL_MAX, "no suite");
	write_cdr(&r);
	r = world_record("transferred");
	r.answer_us = r.invite_us;
	r.transfers = 1;
	r.leg[LEG_A].in_suite = r.leg[LEG_A].out_suite = SDP_SUITE_AES_CM_128_80;
	r.leg[LEG_A].secure = 1;
	write_cdr(&r);
	r = world_record("replaces");
	(void)snprintf(r.transfer_of.z, sizeof(r.transfer_of.z), "transferred");
	write_cdr(&r);
	(void)snprintf(r.id.z, sizeof(r.id.z), "referred");
	r.n_targets = 1;
	r.sip_status = 302;
	(void)snprintf(r.target[0].trunk.z, POLICY_ID_MAX, "gw1");
	write_cdr(&r);
	add_hand("hand", "", false);
	add_dialled("dialled");
	judge_text("live", "call", "its state is RINGING");
	judge_text("waiting", "call", "refused by the called side (SIP 486, Q.850 cause 17)");
	judge_text("busy", "call", "Tried: gw1 answered 486.");
	judge_text("busy", "call", "No route is for such a number");
	judge_text(
		"second", "call",
		"Route uk is the one for such a number and class. It was sent on as a call to "
		"0011234567. Tried: gw1 by route uk answered 503 (asked after 0.0 s), gw2 by "
		"route uk answered 200 (asked after 1.2 s). It rang after 2.0 s and was answered "
		"after 7.9 s.");
	judge_text("inward", "call", "The number belongs to account acme, so it went");
	judge_text("refused", "call", refusal_text(REFUSAL_LIMIT));
	judge_text("transferred", "call", "Who speaks in it was changed 1 time,");
	judge_text("transferred", "call", "SRTP AES_CM_128_HMAC_SHA1_80 agreed, and no packet");
	judge_text("replaces", "call", "asked for by REFER or Replaces in call transferred.");
	judge_silent("replaces", "no trunk");
	judge_text("referred", "call", "A transfer (REFER) in call transferred led to it.");
	judge_text("referred", "call",
		   "was redirected: the caller was told to call elsewhere (SIP");
	judge_text("talked", "call", "lasted 12.3 seconds. The caller hung up.");
	judge_text("hand", "handshake", "it has expired");
	judge_text("hand", "handshake", "certificate_expired (45)");
	judge_text("hand", "handshake",
		   "It offered TLS 1.2, TLS 1.1 and 2 suites. The certificate");
	judge_text("unreached", "call", "acme-1 could not be reached (all addresses failed)");
	judge_text("unreached", "call", "Handshake dialled with 192.0.2.1:4711");
	j = ask("{\"cmd\":\"explain\",\"id\":\"unreached\"}"); /* the cure is the handshake's */
	assert_non_null(strstr(jsonin_text(j, "advice"), "renew the certificate CN=pbx"));
	jsonin_free(&j);
	judge_silent("nothing-dialled", "Handshake");
	judge_silent("other-address", "Handshake");
	judge_text("detailed", "call",
		   "was refused by postern: +44 is of class international (SIP 403, Q.850");
	judge_text("bad-answer", "call",
		   "was refused by postern: the called side's answer cannot be used: no suite");
	metric_bind(&pages[0]);
	metric_set(METRIC_sip_unknown_source, 7);
	metric_bind(NULL);
	j = ask("{\"cmd\":\"explain\",\"id\":\"203.0.113.99\"}");
	assert_non_null(strstr(jsonin_text(j, "error"), "7 datagrams and connections of"));
	jsonin_free(&j);
	j = ask("{\"cmd\":\"explain\",\"id\":\"nobody\"}");
	assert_null(strstr(jsonin_text(j, "error"), "datagrams"));
	jsonin_free(&j);
	j = ask("{\"cmd\":\"explain\",\"id\":\"acme-pbx\"}");
	assert_non_null(strstr(jsonin_text(j, "text"), "This is the last refusal of acme-pbx"));
	jsonin_free(&j);
	j = ask("{\"cmd\":\"explain\",\"id\":\"192.0.2.1\"}"); /* the last refusal of it */
	assert_string_equal(jsonin_text(j, "facts.id"), "dialled");
	assert_non_null(strstr(jsonin_text(j, "advice"), "renew the certificate CN=pbx"));
	jsonin_free(&j);
}

static void
explain_over(struct buf *b, const struct json *cdr)
{
	explain_call(b, cdr, NULL);
}

/* What decided is named, the rest is counted. */
static void
test_short_lists(void **state)
{
	static const struct {
		const char *json, *want;
		void (*do_explain)(struct buf *b, const struct json *j);
	} rows[] = {
		{"{\"word\":\"cipher\",\"versions\":[\"TLS "
		 "1.2\"],\"suites\":[\"a\",\"b\",\"c\",\"d\","
		 "\"e\",\"f\",\"g\",\"h\",\"i\",\"j\"],\"sigalgs\":[\"x\"]}",
		 " It offered TLS 1.2; suites a, b, c, d, e, f, g, h and 2 more; signature "
		 "algorithms x.",
		 explain_note},
		{"{\"word\":\"expired\",\"versions\":[\"TLS 1.2\"],\"suites\":[\"a\"]}",
		 " It offered TLS 1.2 and 1 suite.", explain_note},
		{"{\"outgoing\":true,\"word\":\"connect\",\"peer\":\"192.0.2.7:5061\",\"at\":\"T\","
		 "\"duration_us\":5000,\"why\":\"refused\",\"account\":\"acme\"}",
		 "postern tried to connect to 192.0.2.7:5061 at T; it failed after 5 ms: refused. "
		 "It was for account acme.",
		 explain_note},
		{"{\"word\":\"expired\",\"peer\":\"192.0.2.7:5061\",\"at\":\"T\",\"account\":"
		 "\"acme\"}",
		 "192.0.2.7:5061 connected to postern at T; it was refused after 0 ms: expired. It "
		 "claims to be account acme.",
		 explain_note},
		{"{\"transfer_of\":\"x\",\"answer\":\"2026-01-01T00:00:00Z\"}",
		 " It asked with Replaces for a place in call x, and went on there.", explain_over},
		{"{\"transfer_of\":\"x\",\"refusal\":\"CLASS_OFF\",\"refusal_text\":\"off\"}",
		 " It was asked for by REFER or Replaces in call x.", explain_over},
		{"{\"account\":\"acme\",\"targets\":[{\"trunk\":\"gw1\",\"status\":200}],\"a\":{"
		 "\"trunk\":\"gw1\",\"account\":null},\"b\":{\"trunk\":\"gw1\",\"account\":null}}",
		 "(SIP 0, Q.850 cause 0). Tried: gw1 answered 200.", explain_over},
		{"{\"a\":{\"trunk\":\"t\",\"audio_text\":\"no packets "
		 "came\",\"media\":{\"dropped\":"
		 "{\"source\":3,\"auth\":12}}}}",
		 "Nothing was heard from this side: no packets came (packets dropped: 3 source, 12 "
		 "auth).",
		 explain_over},
		{"{\"a\":{\"trunk\":\"t\",\"audio_text\":\"no packets "
		 "came\",\"media\":{\"dropped\":"
		 "{}}}}",
		 "Nothing was heard from this side: no packets came.", explain_over},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct json *j = NULL;
		char said[2048];
		struct buf b;

		buf_init(&b, said, sizeof(said));
		if (jsonin_parse(str_from(rows[i].json), &j) != ERR_OK)
			fail_msg("%s", rows[i].json);
		rows[i].do_explain(&b, j);
		jsonin_free(&j);
		if (!strstr(buf_cstr(&b), rows[i].want))
			fail_msg("%s: %s", rows[i].json, buf_cstr(&b));
	}
}

static void
test_hangup_and_reload(void **state)
{
	struct json *j;

	(void)state;
	assert_int_not_equal(world_end(&o, "ended"), RECORDS_NONE);
	put_live("live", 9);
	j = ask("{\"cmd\":\"hangup\",\"id\":\"ended\"}");
	assert_false(jsonin_true(j, "ok"));
	assert_string_equal(hung_up, "");
	jsonin_free(&j);
	j = ask("{\"cmd\":\"hangup\",\"id\":\"live\"}");
	assert_true(jsonin_true(j, "ok"));
	assert_string_equal(hung_up, "live");
	jsonin_free(&j);
	j = ask("{\"cmd\":\"reload\"}");
	assert_true(jsonin_true(j, "ok"));
	assert_int_equal(jsonin_int(j, "ticket"), 41);
	jsonin_free(&j);
	told = ERR_FULL;
	j = ask("{\"cmd\":\"hangup\",\"id\":\"live\"}");
	assert_non_null(strstr(jsonin_text(j, "error"), "try again"));
	jsonin_free(&j);
	told = ERR_CONFIG;
	j = ask("{\"cmd\":\"reload\"}");
	assert_false(jsonin_true(j, "ok"));
	assert_int_equal(jsonin_int(j, "ticket"), 41); /* the rest was asked for all the same */
	jsonin_free(&j);
}

static void
test_outcome(void **state)
{
	static const struct {
		const char *name, *question;
		struct show_reload r;
		bool ok, done;
		const char *word;
		size_t n_lines;
	} rows[] = {
		{"none", "{\"cmd\":\"reload-outcome\"}", {0}, false, false, "", 0},
		{"unknown", "{\"cmd\":\"reload-outcome\",\"ticket\":7}", {0}, false, false, "", 0},
		{"negative",
		 "{\"cmd\":\"reload-outcome\",\"ticket\":-1}",
		 {0},
		 false,
		 false,
		 "",
		 0},
		{"under way",
		 "{\"cmd\":\"reload-outcome\",\"ticket\":42}",
		 {.why = "w"},
		 true,
		 false,
		 "",
		 0},
		{"done",
		 "{\"cmd\":\"reload-outcome\",\"ticket\":41}",
		 {.why = "in use", .text = STR("one\ntwo \"x\"\n")},
		 true,
		 true,
		 "done",
		 2},
		{"restart",
		 "{\"cmd\":\"reload-outcome\",\"ticket\":41}",
		 {.restart = true, .why = "w", .text = STR("one")},
		 true,
		 true,
		 "restart",
		 1},
		{"refused",
		 "{\"cmd\":\"reload-outcome\",\"ticket\":41}",
		 {.refused = true, .why = "bad key"},
		 false,
		 true,
		 "refused",
		 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct json *j;

		print_message("# %s\n", rows[i].name);
		outcome = rows[i].r;
		j = ask(rows[i].question);
		assert_int_equal(jsonin_true(j, "ok"), rows[i].ok);
		assert_int_equal(jsonin_true(j, "done"), rows[i].done);
		assert_string_equal(jsonin_text(j, "outcome"), rows[i].word);
		assert_int_equal(jsonin_count(jsonin_get(j, "lines")), rows[i].n_lines);
		jsonin_free(&j);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_bad_requests, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stats, setup, teardown),
		cmocka_unit_test_setup_teardown(test_alarms, setup, teardown),
		cmocka_unit_test_setup_teardown(test_calls, setup, teardown),
		cmocka_unit_test_setup_teardown(test_transferred, setup, teardown),
		cmocka_unit_test_setup_teardown(test_calls_do_not_fit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_handshakes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_explain, setup, teardown),
		cmocka_unit_test(test_short_lists),
		cmocka_unit_test_setup_teardown(test_hangup_and_reload, setup, teardown),
		cmocka_unit_test_setup_teardown(test_outcome, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
