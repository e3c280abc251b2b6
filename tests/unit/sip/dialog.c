/* sip/dialog: how a dialog comes to be, what belongs to it, what is written from it, and what is
 * taken back out of a record. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "sip/dialog.h"

enum { TEXT_MAX = 8192 };

#define BRANCH "SIP/2.0/TLS pbx.example.com;branch=z9hG4bKx"

static struct sip_msg parsed;
static char parsed_text[TEXT_MAX];

/* The message stays valid until the next call. Lines end with '\n' in the tests. */
static const struct sip_msg *
parse(const char *lines)
{
	struct buf b;

	buf_init(&b, parsed_text, sizeof(parsed_text));
	for (; *lines; lines++) {
		if (*lines == '\n')
			buf_char(&b, '\r');
		buf_char(&b, *lines);
	}
	buf_z(&b, "\r\n");
	if (sip_msg_parse(buf_view(&b), &parsed) != ERR_OK)
		fail_msg("not parsed: %s\n%s", parsed.why, buf_cstr(&b));
	return &parsed;
}

/* A response to our INVITE: status, To tag, more header lines. */
static const struct sip_msg *
response(unsigned status, const char *to_tag, const char *more)
{
	char mem[TEXT_MAX];
	struct buf b;

	buf_init(&b, mem, sizeof(mem));
	buf_printf(&b,
		   "SIP/2.0 %u X\nVia: " BRANCH "\nFrom: <sip:us@sbc.example>;tag=ours\n"
		   "To: \"B\" <sip:b@gw.example>%s%s\nCall-ID: cid@sbc\nCSeq: 7 INVITE\n%s",
		   status, *to_tag ? ";tag=" : "", to_tag, more);
	return parse(buf_cstr(&b));
}

/* A request of the peer in the dialog of uas(): its tag is "pbx", ours "mine". */
static const struct sip_msg *
request(const char *method, unsigned cseq, const char *more)
{
	char mem[TEXT_MAX];
	struct buf b;

	buf_init(&b, mem, sizeof(mem));
	buf_printf(
		&b,
		"%s sip:us@sbc.example SIP/2.0\nVia: " BRANCH "\nMax-Forwards: 70\n"
		"From: \"A\" <sip:a@pbx.example.com>;tag=pbx\nTo: <sip:us@sbc.example>;tag=mine\n"
		"Call-ID: in@pbx\nCSeq: %u %s\n%s",
		method, cseq, method, more);
	return parse(buf_cstr(&b));
}

static struct sip_dialog
uac(void)
{
	const struct sip_dialog_start s = {
		.call_id = STR("cid@sbc"),
		.local_tag = STR("ours"),
		.local_uri = STR("sip:us@sbc.example"),
		.remote_uri = STR("sip:b@gw.example"),
		.target = STR("sip:b@192.0.2.9"),
		.cseq = 7,
	};
	struct sip_dialog d;

	assert_int_equal(sip_dialog_begin(&s, &d), ERR_OK);
	return d;
}

static const char invite[] =
	"INVITE sip:us@sbc.example SIP/2.0\nVia: " BRANCH "\nMax-Forwards: 70\n"
	"From: \"A\" <sip:a@pbx.example.com>;tag=pbx\nTo: <sip:us@sbc.example>\n"
	"Call-ID: in@pbx\nCSeq: 100 INVITE\n";

static enum err
try_accept(const char *more, struct sip_dialog *out)
{
	char mem[TEXT_MAX];
	struct buf b;

	buf_init(&b, mem, sizeof(mem));
	buf_z(&b, invite);
	buf_z(&b, more);
	return sip_dialog_accept(parse(buf_cstr(&b)), STR("mine"), true, out);
}

static struct sip_dialog
uas(const char *more)
{
	struct sip_dialog d;

	assert_int_equal(try_accept(more, &d), ERR_OK);
	return d;
}

static void
check_str(const char *name, struct str got, const char *want)
{
	if (!str_eqz(got, want))
		fail_msg("%s:\n got  %.*s\n want %s", name, STR_ARG(got), want);
}

static void
check_part(const struct sip_dialog *d, enum sip_dialog_part part, const char *want)
{
	check_str("part", sip_dialog_str(d, part), want);
}

/* --- states --- */

#define STATE_ERR 99

static void
test_states(void **state)
{
	/* wanted state by [state][event], or STATE_ERR */
	static const uint8_t want[SIP_DIALOG_STATE_N][SIP_DIALOG_EV_N] = {
		[SIP_DIALOG_NEW] = {[SIP_DIALOG_EV_PROVISIONAL] = SIP_DIALOG_EARLY,
				    [SIP_DIALOG_EV_ANSWER] = SIP_DIALOG_CONFIRMED,
				    [SIP_DIALOG_EV_FAILURE] = SIP_DIALOG_TERMINATED,
				    [SIP_DIALOG_EV_BYE] = STATE_ERR,
				    [SIP_DIALOG_EV_GONE] = SIP_DIALOG_TERMINATED},
		[SIP_DIALOG_EARLY] = {[SIP_DIALOG_EV_PROVISIONAL] = SIP_DIALOG_EARLY,
				      [SIP_DIALOG_EV_ANSWER] = SIP_DIALOG_CONFIRMED,
				      [SIP_DIALOG_EV_FAILURE] = SIP_DIALOG_TERMINATED,
				      [SIP_DIALOG_EV_BYE] = SIP_DIALOG_TERMINATED,
				      [SIP_DIALOG_EV_GONE] = SIP_DIALOG_TERMINATED},
		[SIP_DIALOG_CONFIRMED] = {[SIP_DIALOG_EV_PROVISIONAL] = SIP_DIALOG_CONFIRMED,
					  [SIP_DIALOG_EV_ANSWER] = SIP_DIALOG_CONFIRMED,
					  [SIP_DIALOG_EV_FAILURE] = SIP_DIALOG_CONFIRMED,
					  [SIP_DIALOG_EV_BYE] = SIP_DIALOG_TERMINATED,
					  [SIP_DIALOG_EV_GONE] = SIP_DIALOG_TERMINATED},
		[SIP_DIALOG_TERMINATED] = {[SIP_DIALOG_EV_PROVISIONAL] = SIP_DIALOG_TERMINATED,
					   [SIP_DIALOG_EV_ANSWER] = SIP_DIALOG_TERMINATED,
					   [SIP_DIALOG_EV_FAILURE] = SIP_DIALOG_TERMINATED,
					   [SIP_DIALOG_EV_BYE] = SIP_DIALOG_TERMINATED,
					   [SIP_DIALOG_EV_GONE] = SIP_DIALOG_TERMINATED},
	};

	(void)state;
	for (unsigned s = 0; s < SIP_DIALOG_STATE_N; s++) {
		for (unsigned ev = 0; ev < SIP_DIALOG_EV_N; ev++) {
			struct sip_dialog d = uac();
			bool error = want[s][ev] == STATE_ERR;
			enum err e;

			d.state = (uint8_t)s;
			e = sip_dialog_step(&d, (enum sip_dialog_event)ev);
			if (e != (error ? ERR_STATE : ERR_OK) ||
			    d.state != (error ? s : want[s][ev]))
				fail_msg("%s + %s: got %s, %s",
					 sip_dialog_state_name((enum sip_dialog_state)s),
					 sip_dialog_event_name((enum sip_dialog_event)ev),
					 sip_dialog_state_name((enum sip_dialog_state)d.state),
					 err_name(e));
		}
	}
	assert_string_equal(sip_dialog_state_name(SIP_DIALOG_STATE_N), "?");
	assert_string_equal(sip_dialog_event_name(SIP_DIALOG_EV_N), "?");
}

/* --- making --- */

static const struct begin_row {
	const char *name;
	const char *call_id, *tag, *local, *remote, *target;
	uint32_t cseq;
	enum err want;
} begin_rows[] = {
	{"good", "c@x", "t", "sip:a@x", "tel:+4930", "sips:b@y", 1, ERR_OK},
	{"CSeq 0", "c@x", "t", "sip:a@x", "sip:b@y", "sip:b@y", 0, ERR_RANGE},
	{"CSeq 2^31", "c@x", "t", "sip:a@x", "sip:b@y", "sip:b@y", 0x80000000u, ERR_RANGE},
	{"no Call-ID", "", "t", "sip:a@x", "sip:b@y", "sip:b@y", 1, ERR_SYNTAX},
	{"Call-ID with a line", "c\r\nX: y", "t", "sip:a@x", "sip:b@y", "sip:b@y", 1, ERR_SYNTAX},
	{"no tag", "c@x", "", "sip:a@x", "sip:b@y", "sip:b@y", 1, ERR_SYNTAX},
	{"tag with a blank", "c@x", "a b", "sip:a@x", "sip:b@y", "sip:b@y", 1, ERR_SYNTAX},
	{"From no URI", "c@x", "t", "a@x", "sip:b@y", "sip:b@y", 1, ERR_SYNTAX},
	{"To with a bracket", "c@x", "t", "sip:a@x", "sip:b@y>", "sip:b@y", 1, ERR_SYNTAX},
	{"target tel", "c@x", "t", "sip:a@x", "sip:b@y", "tel:+4930", 1, ERR_SYNTAX},
	{"no target", "c@x", "t", "sip:a@x", "sip:b@y", "", 1, ERR_SYNTAX},
};

static void
test_begin(void **state)
{
	char longest[SIP_DIALOG_TEXT + 1];
	struct sip_dialog d;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(begin_rows); i++) {
		const struct begin_row *r = &begin_rows[i];
		const struct sip_dialog_start s = {
			.call_id = str_from(r->call_id),
			.local_tag = str_from(r->tag),
			.local_uri = str_from(r->local),
			.remote_uri = str_from(r->remote),
			.target = str_from(r->target),
			.cseq = r->cseq,
		};
		enum err e = sip_dialog_begin(&s, &d);

		if (e != r->want)
			fail_msg("%s: got %s", r->name, err_name(e));
	}
	/* length ladder: exactly the area fits, one more does not */
	memset(longest, 'c', sizeof(longest));
	for (size_t over = 0; over < 2; over++) {
		struct sip_dialog_start s = {
			.local_tag = STR("t"),
			.local_uri = STR("sip:a@x"),
			.remote_uri = STR("sip:b@y"),
			.target = STR("sip:b@z"),
			.cseq = 1,
		};

		s.call_id = str_of(longest, SIP_DIALOG_TEXT - 1 - 3 * 7 + over);
		assert_int_equal(sip_dialog_begin(&s, &d), over ? ERR_LONG : ERR_OK);
	}
}

#define RR                                                                                         \
	"Record-Route: <sip:p1.example;lr>, <sip:p2.example;lr>;x=\"a,b\"\n"                       \
	"Record-Route: <sip:p3.example;lr>\n"

static void
test_fork(void **state)
{
	struct sip_dialog base = uac(), one, two, again;

	(void)state;
	assert_int_equal(base.state, SIP_DIALOG_NEW);
	assert_int_equal(sip_dialog_fork(&base,
					 response(180, "t1", RR "Contact: <sip:b@192.0.2.1>\n"),
					 &one),
			 ERR_OK);
	assert_int_equal(one.state, SIP_DIALOG_EARLY);
	assert_int_equal(one.role, SIP_DIALOG_UAC);
	check_part(&one, SIP_DIALOG_CALL_ID, "cid@sbc");
	check_part(&one, SIP_DIALOG_LOCAL_TAG, "ours");
	check_part(&one, SIP_DIALOG_REMOTE_TAG, "t1");
	check_part(&one, SIP_DIALOG_LOCAL_URI, "sip:us@sbc.example");
	check_part(&one, SIP_DIALOG_REMOTE_URI, "sip:b@gw.example");
	check_part(&one, SIP_DIALOG_TARGET, "sip:b@192.0.2.1");
	/* backwards for a UAC */
	check_part(&one, SIP_DIALOG_ROUTE_SET,
		   "<sip:p3.example;lr>, <sip:p2.example;lr>;x=\"a,b\", <sip:p1.example;lr>");
	/* a second fork, from the first one, with its own path */
	one.remote_cseq = 55;
	one.has_remote_cseq = 1;
	assert_int_equal(
		sip_dialog_fork(&one, response(200, "t2", "Contact: <sip:c@192.0.2.2>\n"), &two),
		ERR_OK);
	assert_int_equal(two.state, SIP_DIALOG_CONFIRMED);
	check_part(&two, SIP_DIALOG_REMOTE_TAG, "t2");
	check_part(&two, SIP_DIALOG_TARGET, "sip:c@192.0.2.2");
	check_part(&two, SIP_DIALOG_ROUTE_SET, "");
	assert_int_equal(two.has_remote_cseq, 0);
	assert_int_equal(two.local_cseq, 7);
	/* each response finds its own */
	assert_true(sip_dialog_match(&one, response(183, "t1", "")));
	assert_false(sip_dialog_match(&two, response(183, "t1", "")));
	assert_false(sip_dialog_match(&base, response(183, "t1", "")));
	assert_false(sip_dialog_match(&base, response(183, "", ""))); /* NEW has no tag to match */
	/* in place, without Contact: the INVITE's target stands in */
	again = base;
	assert_int_equal(sip_dialog_fork(&again, response(183, "t3", ""), &again), ERR_OK);
	check_part(&again, SIP_DIALOG_TARGET, "sip:b@192.0.2.9");
}

static const struct fork_row {
	const char *name;
	unsigned status;
	const char *tag, *more;
	enum err want;
} fork_rows[] = {
	{"100", 100, "t", "", ERR_STATE},
	{"486", 486, "t", "", ERR_STATE},
	{"no To tag", 180, "", "", ERR_NOTFOUND},
	{"Contact *", 200, "t", "Contact: *\n", ERR_UNSUPPORTED},
	{"Contact tel", 200, "t", "Contact: <tel:+4930>\n", ERR_UNSUPPORTED},
	{"Contact mailto", 200, "t", "Contact: <mailto:x@y>\n", ERR_UNSUPPORTED},
	{"Contact broken", 200, "t", "Contact: <sip:>\n", ERR_SYNTAX},
	{"Record-Route broken", 200, "t", "Contact: <sip:a@b>\nRecord-Route: <sip:x, y\n",
	 ERR_SYNTAX},
	{"Record-Route tel", 200, "t", "Contact: <sip:a@b>\nRecord-Route: <tel:+1>\n",
	 ERR_UNSUPPORTED},
	{"good", 299, "t", "Contact: <sip:a@b>\nRecord-Route: <sip:x;lr>\n", ERR_OK},
	{"folded route", 200, "t", "Record-Route: <sip:x;lr>;a=\"b\n c\",\n\t<sip:y;lr>\n", ERR_OK},
};

static void
test_fork_refused(void **state)
{
	static const char *const foreign[] = {
		"From: <sip:us@sbc.example>;tag=ours\nTo: <sip:b@g>;tag=t\nCall-ID: other\n"
		"CSeq: 7 INVITE\n",
		"From: <sip:us@sbc.example>;tag=our\nTo: <sip:b@g>;tag=t\nCall-ID: cid@sbc\n"
		"CSeq: 7 INVITE\n",
		"From: <sip:us@sbc.example>;tag=ours\nTo: <sip:b@g>;tag=t\nCall-ID: cid@sbc\n"
		"CSeq: 8 INVITE\n",
		"From: <sip:us@sbc.example>;tag=ours\nTo: <sip:b@g>;tag=t\nCall-ID: cid@sbc\n"
		"CSeq: 7 OPTIONS\n",
	};
	struct sip_dialog base = uac(), out = base;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(fork_rows); i++) {
		const struct fork_row *r = &fork_rows[i];
		enum err e;

		out = base;
		e = sip_dialog_fork(&base, response(r->status, r->tag, r->more), &out);
		if (e != r->want)
			fail_msg("%s: got %s", r->name, err_name(e));
		if (e != ERR_OK && memcmp(&out, &base, sizeof(out)) != 0)
			fail_msg("%s: written on failure", r->name);
	}
	check_part(&out, SIP_DIALOG_ROUTE_SET, "<sip:y;lr>, <sip:x;lr>;a=\"b   c\"");
	for (size_t i = 0; i < ARRAY_LEN(foreign); i++) {
		char mem[TEXT_MAX];
		struct buf b;

		buf_init(&b, mem, sizeof(mem));
		buf_printf(&b, "SIP/2.0 200 OK\nVia: " BRANCH "\n%s", foreign[i]);
		if (sip_dialog_fork(&base, parse(buf_cstr(&b)), &out) != ERR_NOTFOUND)
			fail_msg("response %zu of another call was taken", i);
	}
	assert_int_equal(sip_dialog_fork(&base, request("BYE", 1, ""), &out), ERR_STATE);
}

/* 16 routes fit, 17 do not; few long ones do not either. */
static void
test_route_limits(void **state)
{
	struct sip_dialog base = uac(), out;
	char mem[TEXT_MAX];
	struct buf b;

	(void)state;
	for (unsigned n = SIP_DIALOG_ROUTES; n <= SIP_DIALOG_ROUTES + 1; n++) {
		buf_init(&b, mem, sizeof(mem));
		for (unsigned i = 0; i < n; i++)
			buf_printf(&b, "Record-Route: <sip:p%u;lr>\n", i);
		assert_int_equal(sip_dialog_fork(&base, response(200, "t", buf_cstr(&b)), &out),
				 n <= SIP_DIALOG_ROUTES ? ERR_OK : ERR_LONG);
	}
	buf_init(&b, mem, sizeof(mem));
	for (unsigned i = 0; i < 3; i++)
		buf_printf(&b, "Record-Route: <sip:%0700u@p;lr>\n", i);
	assert_int_equal(sip_dialog_fork(&base, response(200, "t", buf_cstr(&b)), &out), ERR_LONG);
	/* one that could not be a Request-URI if it turns out to be a strict router */
	for (unsigned over = 0; over < 2; over++) {
		buf_init(&b, mem, sizeof(mem));
		buf_printf(&b, "Record-Route: <sip:%0*u@p>\n", (int)(SIP_URI_MAX - 6 + over), 1);
		assert_int_equal(sip_dialog_fork(&base, response(200, "t", buf_cstr(&b)), &out),
				 over ? ERR_LONG : ERR_OK);
	}
}

static void
test_answer(void **state)
{
	struct sip_dialog d = uac(), before;

	(void)state;
	assert_int_equal(
		sip_dialog_fork(&d, response(180, "t1", RR "Contact: <sip:b@1.1.1.1>\n"), &d),
		ERR_OK);
	before = d;
	assert_int_equal(sip_dialog_answer(&d, response(180, "t1", "")), ERR_STATE);
	assert_int_equal(sip_dialog_answer(&d, response(200, "t2", "")), ERR_NOTFOUND);
	assert_int_equal(sip_dialog_answer(&d, response(200, "t1", "Contact: <tel:1>\n")),
			 ERR_UNSUPPORTED);
	assert_memory_equal(&d, &before, sizeof(d));
	/* 13.2.2.4: route set and target of the 2xx */
	assert_int_equal(
		sip_dialog_answer(
			&d, response(200, "t1",
				     "Record-Route: <sip:p9;lr>\nContact: <sip:b@2.2.2.2>\n")),
		ERR_OK);
	assert_int_equal(d.state, SIP_DIALOG_CONFIRMED);
	check_part(&d, SIP_DIALOG_TARGET, "sip:b@2.2.2.2");
	check_part(&d, SIP_DIALOG_ROUTE_SET, "<sip:p9;lr>");
	/* its copy changes nothing */
	before = d;
	assert_int_equal(sip_dialog_answer(&d, response(200, "t1", "Contact: <sip:b@3.3.3.3>\n")),
			 ERR_OK);
	assert_memory_equal(&d, &before, sizeof(d));
	d = uas("Contact: <sip:a@1.1.1.1>\n");
	assert_int_equal(sip_dialog_answer(&d, response(200, "t1", "")), ERR_STATE);
}

static void
test_accept(void **state)
{
	struct sip_dialog d = uas(RR "Contact: <sip:a@10.0.0.5:5061;transport=tls>;expires=9\n");
	struct sip_dialog out = d;

	(void)state;
	assert_int_equal(d.state, SIP_DIALOG_EARLY);
	assert_int_equal(d.role, SIP_DIALOG_UAS);
	assert_int_equal(d.secure, 1);
	check_part(&d, SIP_DIALOG_CALL_ID, "in@pbx");
	check_part(&d, SIP_DIALOG_LOCAL_TAG, "mine");
	check_part(&d, SIP_DIALOG_REMOTE_TAG, "pbx");
	check_part(&d, SIP_DIALOG_LOCAL_URI, "sip:us@sbc.example");
	check_part(&d, SIP_DIALOG_REMOTE_URI, "sip:a@pbx.example.com");
	check_part(&d, SIP_DIALOG_TARGET, "sip:a@10.0.0.5:5061;transport=tls");
	/* in their order for a UAS */
	check_part(&d, SIP_DIALOG_ROUTE_SET,
		   "<sip:p1.example;lr>, <sip:p2.example;lr>;x=\"a,b\", <sip:p3.example;lr>");
	assert_int_equal(d.remote_cseq, 100);
	assert_int_equal(d.local_cseq, 0);
	assert_int_equal(try_accept("", &out), ERR_NOTFOUND);
	assert_int_equal(try_accept("Contact: *\n", &out), ERR_UNSUPPORTED);
	assert_int_equal(sip_dialog_accept(request("INVITE", 1, "Contact: <sip:a@b>\n"),
					   STR("mine"), false, &out),
			 ERR_EXISTS);
	assert_int_equal(sip_dialog_accept(request("OPTIONS", 1, "Contact: <sip:a@b>\n"),
					   STR("mine"), false, &out),
			 ERR_STATE);
	assert_int_equal(sip_dialog_accept(response(200, "t", ""), STR("mine"), false, &out),
			 ERR_STATE);
	assert_memory_equal(&out, &d, sizeof(d));
	assert_int_equal(try_accept("Contact: <sip:a@b?Subject=x>\n", &out), ERR_OK);
	check_part(&out, SIP_DIALOG_TARGET, "sip:a@b");
	assert_int_equal(try_accept("Contact: <sip:a?b@c;method=BYE;ob;x=1?Subject=x>\n", &out),
			 ERR_OK);
	check_part(&out, SIP_DIALOG_TARGET, "sip:a?b@c;ob;x=1");
}

/* --- inside --- */

static void
test_match_A4(void **state)
{
	static const struct {
		const char *name, *from_tag, *to_tag, *call_id;
		bool want;
	} rows[] = {
		{"all three", "pbx", "mine", "in@pbx", true},
		{"our tag wrong", "pbx", "min", "in@pbx", false},
		{"our tag in another case", "pbx", "MINE", "in@pbx", false},
		{"our tag missing", "pbx", "", "in@pbx", false},
		{"peer's tag wrong", "pbx2", "mine", "in@pbx", false},
		{"peer's tag missing", "", "mine", "in@pbx", false},
		{"tags swapped", "mine", "pbx", "in@pbx", false},
		{"Call-ID wrong", "pbx", "mine", "in@pbx2", false},
		{"Call-ID alone", "x", "y", "in@pbx", false},
	};
	struct sip_dialog d = uas("Contact: <sip:a@b>\n");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char mem[TEXT_MAX];
		struct buf b;

		buf_init(&b, mem, sizeof(mem));
		buf_printf(&b,
			   "BYE sip:us@x SIP/2.0\nVia: " BRANCH "\nMax-Forwards: 70\n"
			   "From: <sip:a@b>%s%s\nTo: <sip:us@x>%s%s\nCall-ID: %s\nCSeq: 101 BYE\n",
			   *rows[i].from_tag ? ";tag=" : "", rows[i].from_tag,
			   *rows[i].to_tag ? ";tag=" : "", rows[i].to_tag, rows[i].call_id);
		if (sip_dialog_match(&d, parse(buf_cstr(&b))) != rows[i].want)
			fail_msg("%s", rows[i].name);
	}
}

static void
test_remote_cseq_P12(void **state)
{
	static const struct {
		const char *name, *method;
		unsigned cseq;
		enum err want;
		unsigned remote, remote_invite; /* after it */
	} rows[] = {
		{"ACK of the INVITE", "ACK", 100, ERR_OK, 100, 100},
		{"ACK of nothing", "ACK", 101, ERR_NOTFOUND, 100, 100},
		{"CANCEL of the INVITE", "CANCEL", 100, ERR_OK, 100, 100},
		{"CANCEL of nothing", "CANCEL", 99, ERR_NOTFOUND, 100, 100},
		{"lower", "INFO", 99, ERR_REPLAY, 100, 100},
		{"equal", "BYE", 100, ERR_EXISTS, 100, 100},
		{"next", "INFO", 101, ERR_OK, 101, 100},
		{"ACK after another request", "ACK", 100, ERR_OK, 101, 100},
		{"gap", "INVITE", 5000, ERR_OK, 5000, 5000},
		{"ACK of the old INVITE", "ACK", 100, ERR_NOTFOUND, 5000, 5000},
		{"lower than the gap", "BYE", 101, ERR_REPLAY, 5000, 5000},
		{"the last number", "BYE", 0x7fffffff, ERR_OK, 0x7fffffff, 5000},
	};
	struct sip_dialog d = uas("Contact: <sip:a@b>\n");
	struct sip_dialog fresh = uac();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		enum err e = sip_dialog_request(&d, request(rows[i].method, rows[i].cseq, ""));

		if (e != rows[i].want || d.remote_cseq != rows[i].remote ||
		    d.remote_invite_cseq != rows[i].remote_invite)
			fail_msg("%s: got %s, %u, %u", rows[i].name, err_name(e), d.remote_cseq,
				 d.remote_invite_cseq);
	}
	/* the first request of a peer that we called may have any number, 0 too */
	assert_int_equal(sip_dialog_request(&fresh, request("BYE", 0, "")), ERR_OK);
	assert_int_equal(sip_dialog_request(&fresh, request("BYE", 0, "")), ERR_EXISTS);
}

static void
test_local_cseq(void **state)
{
	struct sip_dialog d = uac(), in = uas("Contact: <sip:a@b>\n");
	uint32_t n = 0;

	(void)state;
	assert_int_equal(sip_dialog_next_cseq(&d, SIP_ACK, &n), ERR_OK);
	assert_int_equal(n, 7);
	assert_int_equal(sip_dialog_next_cseq(&d, SIP_PRACK, &n), ERR_OK);
	assert_int_equal(n, 8);
	assert_int_equal(sip_dialog_next_cseq(&d, SIP_ACK, &n), ERR_OK);
	assert_int_equal(n, 7);
	assert_int_equal(sip_dialog_next_cseq(&d, SIP_INVITE, &n), ERR_OK);
	assert_int_equal(n, 9);
	assert_int_equal(sip_dialog_next_cseq(&d, SIP_CANCEL, &n), ERR_OK);
	assert_int_equal(n, 9);
	d.local_cseq = SIP_CSEQ_MAX;
	assert_int_equal(sip_dialog_next_cseq(&d, SIP_BYE, &n), ERR_RANGE);
	assert_int_equal(sip_dialog_next_cseq(&in, SIP_ACK, &n), ERR_STATE);
	assert_int_equal(n, 9);
	assert_int_equal(sip_dialog_next_cseq(&in, SIP_BYE, &n), ERR_OK);
	assert_int_equal(n, 1);
}

static void
test_refresh(void **state)
{
	struct sip_dialog d = uas(RR "Contact: <sip:a@10.0.0.5>\n"), before;
	char mem[TEXT_MAX];
	struct buf b;

	(void)state;
	assert_int_equal(sip_dialog_refresh(&d, request("UPDATE", 101,
							"Contact: <sip:a@[2001:db8::7]:5062>\n")),
			 ERR_OK);
	check_part(&d, SIP_DIALOG_TARGET, "sip:a@[2001:db8::7]:5062");
	check_part(&d, SIP_DIALOG_LOCAL_TAG, "mine");
	check_part(&d, SIP_DIALOG_ROUTE_SET,
		   "<sip:p1.example;lr>, <sip:p2.example;lr>;x=\"a,b\", <sip:p3.example;lr>");
	before = d;
	assert_int_equal(sip_dialog_refresh(&d, request("UPDATE", 102, "")), ERR_NOTFOUND);
	assert_int_equal(sip_dialog_refresh(&d, request("UPDATE", 102, "Contact: *\n")),
			 ERR_UNSUPPORTED);
	buf_init(&b, mem, sizeof(mem));
	buf_printf(&b, "Contact: <sip:%02000u@x>\n", 1);
	assert_int_equal(sip_dialog_refresh(&d, request("UPDATE", 102, buf_cstr(&b))), ERR_LONG);
	assert_memory_equal(&d, &before, sizeof(d));
}

/* --- writing --- */

static const struct write_row {
	const char *name, *record_route, *line, *route, *hop;
} write_rows[] = {
	{"no route", "", "BYE sip:a@10.0.0.5;ob SIP/2.0\r\n", "", "sip:a@10.0.0.5;ob"},
	{"loose", "Record-Route: <sip:p1;lr>, <sip:p2;lr>\n", "BYE sip:a@10.0.0.5;ob SIP/2.0\r\n",
	 "Route: <sip:p1;lr>, <sip:p2;lr>\r\n", "sip:p1;lr"},
	{"strict", "Record-Route: <sip:p1;method=INFO;transport=udp>, <sip:p2;lr>\n",
	 "BYE sip:p1;transport=udp SIP/2.0\r\n", "Route: <sip:p2;lr>, <sip:a@10.0.0.5;ob>\r\n",
	 "sip:p1;method=INFO;transport=udp"},
	{"strict alone", "Record-Route: <sip:p1>\n", "BYE sip:p1 SIP/2.0\r\n",
	 "Route: <sip:a@10.0.0.5;ob>\r\n", "sip:p1"},
	{"lr=on", "Record-Route: <sip:p1;lr=on>\n", "BYE sip:a@10.0.0.5;ob SIP/2.0\r\n",
	 "Route: <sip:p1;lr=on>\r\n", "sip:p1;lr=on"},
	{"lr outside of the URI", "Record-Route: <sip:p1>;lr\n", "BYE sip:p1 SIP/2.0\r\n",
	 "Route: <sip:a@10.0.0.5;ob>\r\n", "sip:p1"},
};

static void
test_write(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(write_rows); i++) {
		const struct write_row *r = &write_rows[i];
		char more[1024], got[2048], want[2048];
		struct sip_dialog d;
		struct buf b, w;
		struct str hop;

		buf_init(&b, more, sizeof(more));
		buf_printf(&b, "Contact: <sip:a@10.0.0.5;ob>\n%s", r->record_route);
		d = uas(buf_cstr(&b));
		buf_init(&b, got, sizeof(got));
		sip_dialog_put_line(&d, &b, STR("BYE"));
		sip_dialog_put_headers(&d, &b, STR("BYE"), 3);
		assert_int_equal(buf_end(&b), ERR_OK);
		buf_init(&w, want, sizeof(want));
		buf_printf(&w,
			   "%s%sFrom: <sip:us@sbc.example>;tag=mine\r\n"
			   "To: <sip:a@pbx.example.com>;tag=pbx\r\nCall-ID: in@pbx\r\n"
			   "CSeq: 3 BYE\r\n",
			   r->line, r->route);
		check_str(r->name, buf_view(&b), buf_cstr(&w));
		assert_int_equal(sip_dialog_next_hop(&d, &hop), ERR_OK);
		check_str(r->name, hop, r->hop);
	}
}

/* --- out of a record --- */

static const struct damage_row {
	const char *name;
	size_t at;
	uint16_t value;
	uint8_t size;
} damage_rows[] = {
#define D(field, value)                                                                            \
	{                                                                                          \
#field, offsetof(struct sip_dialog, field), value, 1                               \
	}
#define D2(field, value)                                                                           \
	{                                                                                          \
#field, offsetof(struct sip_dialog, field), value, 2                               \
	}
	D2(version, 0),
	D2(version, 2),
	D(state, SIP_DIALOG_STATE_N),
	D(state, 255),
	D(role, 2),
	D(secure, 2),
	D(has_remote_cseq, 9),
	D2(used, SIP_DIALOG_TEXT + 1),
	D2(used, 0xffff),
	D2(used, 0),
	D2(part[0].at, 1),
	D2(part[0].len, 0),
	D2(part[0].len, 0xffff),
	D2(part[SIP_DIALOG_TARGET].at, 0xffff),
	D2(part[SIP_DIALOG_TARGET].len, 0xfffe),
	D2(part[SIP_DIALOG_ROUTE_SET].at, 2047),
	D2(part[SIP_DIALOG_ROUTE_SET].len, 1),
	D(text[0], '\n'),
	D(text[2], 0),
	D(text[7], ' '),
	D2(remote_invite_cseq, 101),
#undef D
#undef D2
};

static void
test_valid(void **state)
{
	struct sip_dialog good = uas(RR "Contact: <sip:a@10.0.0.5>\n"), d = uac();

	(void)state;
	assert_true(sip_dialog_valid(&good));
	assert_true(sip_dialog_valid(&d));
	for (size_t i = 0; i < ARRAY_LEN(damage_rows); i++) {
		const struct damage_row *r = &damage_rows[i];

		d = good;
		memcpy((char *)&d + r->at, &r->value, r->size); /* little end first */
		if (sip_dialog_valid(&d))
			fail_msg("%s = %u: taken", r->name, r->value);
	}
	d = good;
	d.local_cseq = 0x80000000u;
	assert_false(sip_dialog_valid(&d));
	d = good;
	d.local_invite_cseq = 1;
	assert_false(sip_dialog_valid(&d));
	d = good;
	d.remote_cseq = 0x80000000u;
	assert_false(sip_dialog_valid(&d));
	/* parts that agree with each other but end outside */
	d = good;
	memset(d.text + d.used, ' ', sizeof(d.text) - d.used);
	d.part[SIP_DIALOG_ROUTE_SET].len += SIP_DIALOG_TEXT;
	d.used += SIP_DIALOG_TEXT;
	assert_false(sip_dialog_valid(&d));
	/* a line break where a list allows white space */
	d = good;
	d.text[d.part[SIP_DIALOG_ROUTE_SET].at + sizeof("<sip:p1.example;lr>,") - 1] = '\n';
	assert_false(sip_dialog_valid(&d));
	memset(&d, 0, sizeof(d));
	assert_false(sip_dialog_valid(&d));
	memset(&d, 0xff, sizeof(d));
	assert_false(sip_dialog_valid(&d));
}

/* Whatever single byte of the record is turned: it is refused, or everything can be asked and
 * written without a CR, LF or NUL where none belongs. */
static void
test_turned_bytes(void **state)
{
	struct sip_dialog good = uas(RR "Contact: <sip:a@10.0.0.5>\n");
	unsigned taken = 0;

	(void)state;
	for (size_t i = 0; i < offsetof(struct sip_dialog, text) + good.used; i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			struct sip_dialog d = good;
			char out[TEXT_MAX];
			struct str hop;
			struct buf b;
			unsigned lines = 0;

			((unsigned char *)&d)[i] ^= (unsigned char)(1u << bit);
			if (!sip_dialog_valid(&d))
				continue;
			taken++;
			buf_init(&b, out, sizeof(out));
			sip_dialog_put_line(&d, &b, STR("BYE"));
			sip_dialog_put_headers(&d, &b, STR("BYE"), 3);
			assert_int_equal(buf_end(&b), ERR_OK);
			assert_int_equal(sip_dialog_next_hop(&d, &hop), ERR_OK);
			for (size_t k = 0; k < b.len; k++) {
				assert_true(b.p[k] != 0);
				lines += b.p[k] == '\n';
			}
			assert_int_equal(lines, 6);
		}
	}
	assert_true(taken > 100);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_begin),
		cmocka_unit_test(test_fork),
		cmocka_unit_test(test_fork_refused),
		cmocka_unit_test(test_route_limits),
		cmocka_unit_test(test_answer),
		cmocka_unit_test(test_accept),
		cmocka_unit_test(test_match_A4),
		cmocka_unit_test(test_remote_cseq_P12),
		cmocka_unit_test(test_local_cseq),
		cmocka_unit_test(test_refresh),
		cmocka_unit_test(test_write),
		cmocka_unit_test(test_valid),
		cmocka_unit_test(test_turned_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
