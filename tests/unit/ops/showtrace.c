/* The ladder of a call: whose messages, in what order, what each goes on from. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "ops/showtrace.h"

enum { ANSWER_MAX = 4 * 1024 * 1024 };

static int fd = -1;
static struct tracering w;
static char *mem;
static int64_t clock_us;
static int cseq = 1;

static int
setup(void **state)
{
	(void)state;
	mem = mem_zalloc(1, ANSWER_MAX);
	clock_us = 1000000;
	if (!mem || tracering_create(4, &fd) != ERR_OK)
		return -1;
	return tracering_open(fd, true, &w) == ERR_OK ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	tracering_close(&w);
	close(fd);
	MEM_FREE(mem);
	return 0;
}

/* start: "INVITE sip:x SIP/2.0" or "SIP/2.0 200 OK"; mark tells copies apart */
static void
say(const char *call_id, bool out, const char *start, const char *method, int mark)
{
	struct trace_message m = {.out = out, .transport = 2, .at_us = clock_us += 1000};
	char text[512];

	(void)snprintf(text, sizeof(text), "%s\r\nCall-ID: %s\r\nCSeq: %d %s\r\nX: %d\r\n\r\n",
		       start, call_id, cseq, method, mark);
	tracering_put(&w, &m, str_from(text));
}

static void
tell(const char *id, uint8_t leg, const char *trunk, const char *call_id)
{
	struct trace_call c = {.leg = leg};

	(void)!str_copyz(c.id.z, sizeof(c.id.z), str_from(id));
	(void)!str_copyz(c.trunk.z, sizeof(c.trunk.z), str_from(trunk));
	tracering_bind(&w, &c, str_from(call_id));
}

static struct json *
ask(const char *question, const struct call_record *rec, enum err want)
{
	struct json *q, *j = NULL;
	struct buf b;

	buf_init(&b, mem, ANSWER_MAX);
	assert_int_equal(jsonin_parse(str_from(question), &q), ERR_OK);
	assert_int_equal(showtrace_put(&w, rec, q, &b), want);
	jsonin_free(&q);
	if (want == ERR_OK)
		assert_int_equal(jsonin_parse(buf_view(&b), &j), ERR_OK);
	return j;
}

/* "a<INVITE b>INVITE/0 b<100": leg, direction, what, and the index of what it goes on from. */
static const char *
ladder(const struct json *j)
{
	static char text[1024], from[16];
	const struct json *list = jsonin_get(j, "list");
	struct buf b, f;

	buf_init(&b, text, sizeof(text));
	for (size_t i = 0; i < jsonin_count(list); i++) {
		const struct json *m = jsonin_at(list, i);
		int64_t status = jsonin_int(m, "status");

		buf_printf(&b, "%s%s%c", i ? " " : "", jsonin_text(m, "leg"),
			   jsonin_true(m, "out") ? '>' : '<');
		if (status)
			buf_printf(&b, "%lld", (long long)status);
		else
			buf_z(&b, jsonin_text(m, "method"));
		buf_init(&f, from, sizeof(from));
		jsonin_put_scalar(&f, jsonin_get(m, "from"));
		if (strcmp(buf_cstr(&f), "-") != 0)
			buf_printf(&b, "/%s", from);
		buf_z(&b, jsonin_true(m, "again") ? "*" : "");
	}
	return buf_cstr(&b);
}

static void
make_call(void)
{
	say("A", false, "INVITE sip:1 SIP/2.0", "INVITE", 1);
	tell("call1", 0, "pbx", "A");
	say("A", true, "SIP/2.0 100 Trying", "INVITE", 1);
	tell("call1", 1, "gw1", "B");
	say("B", true, "INVITE sip:1 SIP/2.0", "INVITE", 2);
	say("other", false, "INVITE sip:9 SIP/2.0", "INVITE", 3);
	say("B", true, "INVITE sip:1 SIP/2.0", "INVITE", 2);
	say("B", false, "SIP/2.0 503 Busy", "INVITE", 4);
	say("B", true, "ACK sip:1 SIP/2.0", "ACK", 2);
	tell("call1", 1, "gw2", "B-2");
	say("B-2", true, "INVITE sip:1 SIP/2.0", "INVITE", 5);
	say("B-2", false, "SIP/2.0 180 Ringing", "INVITE", 5);
	say("A", true, "SIP/2.0 180 Ringing", "INVITE", 5);
	say("B-2", false, "SIP/2.0 200 OK", "INVITE", 5);
	say("A", true, "SIP/2.0 200 OK", "INVITE", 5);
	say("A", false, "ACK sip:1 SIP/2.0", "ACK", 6);
	say("B-2", true, "ACK sip:1 SIP/2.0", "ACK", 6);
}

static void
test_ladder(void **state)
{
	struct json *j;

	(void)state;
	make_call();
	j = ask("{\"id\":\"call1\",\"diff\":true}", NULL, ERR_OK);
	assert_string_equal(ladder(j),
			    "a<INVITE a>100 b1>INVITE/0 b1>INVITE* b1<503 b1>ACK b2>INVITE/0 "
			    "b2<180 a>180/7 b2<200 a>200/9 a<ACK b2>ACK/11");
	assert_string_equal(jsonin_text(jsonin_at(jsonin_get(j, "legs"), 2), "trunk"), "gw2");
	assert_string_equal(jsonin_text(jsonin_at(jsonin_get(j, "legs"), 2), "call_id"), "B-2");
	assert_int_equal(jsonin_int(jsonin_at(jsonin_get(j, "list"), 8), "offset_us"), 9000);
	jsonin_free(&j);
	for (int i = 0; i < 2; i++) {
		j = ask(i ? "{\"id\":\"B\"}" : "{\"id\":\"A\"}", NULL, ERR_OK); /* a Call-ID */
		assert_string_equal(jsonin_text(j, "id"), "call1");
		jsonin_free(&j);
	}
	(void)ask("{\"id\":\"call2\"}", NULL, ERR_NOTFOUND);
	(void)ask("{}", NULL, ERR_NOTFOUND);
}

/* A 100 goes no further; what we send to a leg never goes on from what that leg sent. */
static void
test_not_from(void **state)
{
	struct json *j;

	(void)state;
	tell("call1", 0, "pbx", "A");
	tell("call1", 1, "gw1", "B");
	say("A", false, "INVITE sip:1 SIP/2.0", "INVITE", 1);
	say("B", true, "INVITE sip:1 SIP/2.0", "INVITE", 2);
	say("B", false, "SIP/2.0 100 Trying", "INVITE", 2);
	say("A", true, "SIP/2.0 100 Trying", "INVITE", 1);
	say("A", false, "BYE sip:1 SIP/2.0", "BYE", 3);
	say("A", true, "BYE sip:1 SIP/2.0", "BYE", 4); /* both at a time */
	say("B", true, "BYE sip:1 SIP/2.0", "BYE", 5);
	j = ask("{\"id\":\"call1\"}", NULL, ERR_OK);
	assert_string_equal(ladder(j), "a<INVITE b>INVITE/0 b<100 a>100 a<BYE a>BYE b>BYE/4");
	jsonin_free(&j);
}

/* What is begun or answered here goes on from nothing, whatever like it came before. */
static void
test_begun_here(void **state)
{
	struct json *j;

	(void)state;
	tell("call1", 0, "pbx", "A");
	tell("call1", 1, "gw1", "B");
	say("A", false, "INVITE sip:1 SIP/2.0", "INVITE", 1);
	say("B", true, "INVITE sip:1 SIP/2.0", "INVITE", 2);
	say("B", false, "SIP/2.0 200 OK", "INVITE", 3);
	say("B", true, "ACK sip:1 SIP/2.0", "ACK", 4);
	say("A", true, "SIP/2.0 200 OK", "INVITE", 5);
	say("A", false, "ACK sip:1 SIP/2.0", "ACK", 6);
	cseq = 2; /* the ACK of before is not for it */
	say("A", false, "INVITE sip:1 SIP/2.0", "INVITE", 7);
	say("B", true, "INVITE sip:1 SIP/2.0", "INVITE", 8);
	say("B", false, "SIP/2.0 200 OK", "INVITE", 9);
	say("B", true, "ACK sip:1 SIP/2.0", "ACK", 10);
	say("A", true, "SIP/2.0 200 OK", "INVITE", 11);
	cseq = 3; /* answered here, and another one begun */
	say("A", false, "INVITE sip:1 SIP/2.0", "INVITE", 12);
	say("A", true, "SIP/2.0 200 OK", "INVITE", 13);
	say("B", true, "INVITE sip:1 SIP/2.0", "INVITE", 14);
	say("A", false, "BYE sip:1 SIP/2.0", "BYE", 15); /* answered before it goes on */
	say("A", true, "SIP/2.0 200 OK", "BYE", 16);
	say("B", true, "BYE sip:1 SIP/2.0", "BYE", 17);
	cseq = 1;
	j = ask("{\"id\":\"call1\"}", NULL, ERR_OK);
	assert_string_equal(ladder(j), "a<INVITE b>INVITE/0 b<200 b>ACK a>200/2 a<ACK a<INVITE "
				       "b>INVITE/6 b<200 b>ACK a>200/8 a<INVITE a>200 b>INVITE "
				       "a<BYE a>200 b>BYE/14");
	jsonin_free(&j);
}

/* What was told of its Call-IDs is gone, but its record has them. */
static void
test_record(void **state)
{
	static struct call_record rec;
	struct str id = STR("the-call-id");
	struct sip_dialog *d = &rec.leg[LEG_A].dialog;
	struct json *j;

	(void)state;
	(void)!str_copyz(rec.id.z, sizeof(rec.id.z), STR("call9"));
	memcpy(d->text, id.p, id.len);
	d->used = d->part[SIP_DIALOG_CALL_ID].len = (uint16_t)id.len;
	say("the-call-id", false, "BYE sip:1 SIP/2.0", "BYE", 1);
	j = ask("{\"id\":\"call9\",\"full\":true}", &rec, ERR_OK);
	assert_string_equal(ladder(j), "a<BYE");
	assert_int_equal(jsonin_count(jsonin_get(jsonin_at(jsonin_get(j, "list"), 0), "lines")), 5);
	jsonin_free(&j);
}

/* More than an answer has room for: the last ones, and it says so. */
static void
test_many(void **state)
{
	const struct json *list, *last;
	struct json *j;

	(void)state;
	tell("call1", 0, "pbx", "A");
	for (int i = 0; i < 3 * SHOWTRACE_MESSAGES; i++)
		say("A", i % 2, "INFO sip:1 SIP/2.0", "INFO", i);
	j = ask("{\"id\":\"call1\",\"full\":true,\"diff\":true}", NULL, ERR_OK);
	list = jsonin_get(j, "list");
	assert_true(jsonin_true(j, "more"));
	assert_true(jsonin_count(list) >= SHOWTRACE_MESSAGES / 2 &&
		    jsonin_count(list) <= SHOWTRACE_MESSAGES);
	last = jsonin_at(list, jsonin_count(list) - 1);
	assert_int_equal(jsonin_int(last, "offset_us"), 1000 * (jsonin_count(list) - 1));
	jsonin_free(&j);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_ladder, setup, teardown),
		cmocka_unit_test_setup_teardown(test_begun_here, setup, teardown),
		cmocka_unit_test_setup_teardown(test_not_from, setup, teardown),
		cmocka_unit_test_setup_teardown(test_record, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
