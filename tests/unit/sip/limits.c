/* P1: the ladder of lengths for each token; P8: cost grows with length and no faster. */
#include "unit/sip/rows.h"

#include <limits.h>
#include <time.h>

#include "sip/hdr.h"

enum { COST_RUNS = 10 };

static struct sip_msg m;
static char text[AREA_SIZE];

static const char good[] = "INVITE sip:c@d SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\r\n"
			   "From: <sip:a@b>;tag=f\r\nTo: <sip:c@d>\r\nCall-ID: i@h\r\n"
			   "CSeq: 1 INVITE\r\n\r\n";

/* "%" in a template is the place of the token. max: the longest that is accepted; what: the
 * error above it. */
static const struct {
	const char *name, *text;
	char fill;
	size_t min, max;
} tokens[] = {
#define V "Via: SIP/2.0/UDP h;branch=z9hG4bKx\r\n"
#define F "From: <sip:a@b>;tag=f\r\n"
#define T "To: <sip:c@d>\r\n"
#define I "Call-ID: i@h\r\n"
#define C "CSeq: 1 INVITE\r\n"
#define L "INVITE sip:c@d SIP/2.0\r\n"
#define E "\r\n"
	{"method", "% sip:c@d SIP/2.0\r\n" V F T I "CSeq: 1 %\r\n" E, 'M', 1, SIP_METHOD_MAX},
	{"Request-URI user", "INVITE sip:%@d SIP/2.0\r\n" V F T I C E, 'u', 1, SIP_URI_MAX - 6},
	{"Request-URI host", "INVITE sip:c@% SIP/2.0\r\n" V F T I C E, 'h', 1, 255},
	{"Request-URI param", "INVITE sip:c@d;x=% SIP/2.0\r\n" V F T I C E, 'p', 1,
	 SIP_URI_MAX - 10},
	{"Request-URI port", "INVITE sip:c@d:% SIP/2.0\r\n" V F T I C E, '5', 1, 4},
	{"reason", "SIP/2.0 200 %\r\n" V F T I C E, 'r', 0, SIP_LINE_MAX - 13},
	{"Via host", L "Via: SIP/2.0/UDP %;branch=z9hG4bKx\r\n" F T I C E, 'h', 1, 255},
	{"Via branch", L "Via: SIP/2.0/UDP h;branch=%\r\n" F T I C E, 'b', 1, SIP_BRANCH_MAX},
	{"Via transport", L "Via: SIP/2.0/% h\r\n" F T I C E, 'T', 1, SIP_LINE_MAX - 17},
	{"Via param", L "Via: SIP/2.0/UDP h;x=%\r\n" F T I C E, 'p', 1, SIP_LINE_MAX - 23},
	{"From user", L V "From: <sip:%@b>;tag=f\r\n" T I C E, 'u', 1, SIP_LINE_MAX - 22},
	{"From tag", L V "From: <sip:a@b>;tag=%\r\n" T I C E, 't', 1, SIP_TAG_MAX},
	{"From display", L V "From: \"%\" <sip:a@b>\r\n" T I C E, 'd', 0, SIP_LINE_MAX - 20},
	{"To tag", L V F "To: <sip:c@d>;tag=%\r\n" I C E, 't', 1, SIP_TAG_MAX},
	{"To unquoted display", L V F "To: % <sip:a@b>\r\n" I C E, 'd', 0, SIP_LINE_MAX - 16},
	{"Call-ID", L V F T "Call-ID: %\r\n" C E, 'i', 1, SIP_CALL_ID_MAX},
	{"CSeq number", L V F T I "CSeq: % INVITE\r\n" E, '1', 1, 10},
	{"CSeq number, zeros", L V F T I "CSeq: % INVITE\r\n" E, '0', 1, SIP_LINE_MAX - 15},
	{"CSeq method", L V F T I "CSeq: 1 INVITE%\r\n" E, 'X', 0, 0},
	{"Max-Forwards", L V F T I C "Max-Forwards: %\r\n" E, '2', 1, 2},
	{"Content-Length", L V F T I C "Content-Length: %\r\n" E, '9', 1, 0},
	{"header name", L V F T I C "%: x\r\n" E, 'n', 1, SIP_NAME_MAX},
	{"header value", L V F T I C "X: %\r\n" E, 'v', 0, SIP_LINE_MAX - 5},
	{"spaces behind a name", L V F T I C "X%: x\r\n" E, ' ', 0, SIP_LINE_MAX - 6},
	{"spaces in a value", L V F T I C "X: %x\r\n" E, ' ', 0, SIP_LINE_MAX - 6},
	{"commas in To", L V F "To: <sip:c@d>%\r\n" I C E, ',', 0, 0},
	{"semicolons in From", L V "From: <sip:a@b>%\r\n" T I C E, ';', 0, 0},
	{"quotes in To", L V F "To: %\"\" <sip:a@b>\r\n" I C E, '"', 0, 0},
	{"backslashes in To", L V F "To: \"%\" <sip:a@b>\r\n" I C E, '\\', 0, 0},
	{"CRLF before", "%" L V F T I C E, '\n', 0, 0},
};

static struct str
fill_template(const char *tmpl, char fill, size_t n)
{
	struct buf b;

	buf_init(&b, text, sizeof(text));
	for (; *tmpl; tmpl++)
		if (*tmpl != '%')
			buf_char(&b, *tmpl);
		else
			for (size_t i = 0; i < n; i++)
				buf_char(&b, fill);
	assert_false(b.failed);
	return at_end(buf_view(&b));
}

static void
test_ladder(void **state)
{
	static const size_t lengths[] = {0,    1,    2,    4,    10,   31,    32,    33,    63,
					 64,   65,   127,  128,  129,  255,   256,   257,   511,
					 512,  513,  1014, 1018, 1019, 1023,  1024,  1025,  4096,
					 8169, 8170, 8187, 8188, 8192, 16384, 65535, 65536, 65537};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tokens); i++)
		for (size_t k = 0; k < ARRAY_LEN(lengths); k++) {
			size_t n = lengths[k];
			struct str s = fill_template(tokens[i].text, tokens[i].fill, n);
			enum err e = sip_msg_parse(s, &m);
			bool odd_pairs = tokens[i].fill == '\\' && n % 2 == 0;
			bool quotes = tokens[i].fill == '"' && n == 2;
			bool want = (n >= tokens[i].min && n <= tokens[i].max) ||
				    (odd_pairs && n <= SIP_LINE_MAX - 18);

			if ((e == ERR_OK) != want && !quotes)
				fail_msg("%s of %zu: %s", tokens[i].name, n, err_name(e));
			if (e != ERR_OK && m.request && s.len <= SIP_MSG_MAX &&
			    n <= SIP_LINE_MAX / 2 && tokens[i].fill != '\n')
				check_num(tokens[i].name, "answer >= 400", m.answer >= 400, 1);
			check_err("the next message", sip_msg_parse(at_end(str_from(good)), &m),
				  ERR_OK);
		}
}

static void
test_answers(void **state)
{
	static const struct {
		const char *name, *text;
		char fill;
		size_t n;
		enum err e;
		int answer;
	} rows[] = {
		{"URI too long", "INVITE sip:%@d SIP/2.0\r\n" V F T I C E, 'u', 2000, ERR_LONG,
		 414},
		{"header too long", L V F T I C "X: %\r\n" E, 'v', 9000, ERR_LONG, 513},
		{"start line too long", "INVITE sip:%@d SIP/2.0\r\n" V F T I C E, 'u', 9000,
		 ERR_LONG, 0},
		{"tag too long", L V "From: <sip:a@b>;tag=%\r\n" T I C E, 't', 300, ERR_LONG, 400},
		{"message too long", L V F T I C E "%", 'b', 65536, ERR_LONG, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str s = fill_template(rows[i].text, rows[i].fill, rows[i].n);

		check_err(rows[i].name, sip_msg_parse(s, &m), rows[i].e);
		check_num(rows[i].name, "answer", m.answer, rows[i].answer);
	}
}

/* line repeated n times behind the needed headers. */
static struct str
repeat(const char *line, size_t n)
{
	struct buf b;

	buf_init(&b, text, sizeof(text));
	buf_z(&b, L V F T I C "X: y\r\n");
	for (size_t i = 0; i < n; i++)
		buf_z(&b, line);
	buf_z(&b, E);
	assert_false(b.failed);
	return at_end(buf_view(&b));
}

static void
test_counts(void **state)
{
	static const struct {
		const char *line;
		size_t n;
		enum err e;
		int answer;
	} rows[] = {
		{"X: y\r\n", 1, ERR_OK, 0},
		{"X: y\r\n", SIP_HDR_MAX - 6, ERR_OK, 0},
		{"X: y\r\n", SIP_HDR_MAX - 5, ERR_FULL, 513},
		{"X: y\r\n", 10000, ERR_FULL, 513},
		{"Via: SIP/2.0/UDP h\r\n", SIP_HDR_MAX - 6, ERR_OK, 0},
		{"m:<sip:a@b>\r\n", 4500, ERR_FULL, 513},
		{"Accept: a/b\r\n", SIP_HDR_MAX - 6, ERR_OK, 0},
		{"To: <sip:a@b>\r\n", 3000, ERR_EXISTS, 400},
		{" fold\r\n", 1000, ERR_OK, 0},
		{" fold\r\n", 9000, ERR_LONG, 513},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		check_err(rows[i].line, sip_msg_parse(repeat(rows[i].line, rows[i].n), &m),
			  rows[i].e);
		check_num(rows[i].line, "answer", m.answer, rows[i].answer);
		check_err("the next message", sip_msg_parse(at_end(str_from(good)), &m), ERR_OK);
	}
}

/* CPU time in microseconds of COST_RUNS times parsing and walking all lists; best of several. */
static long
cost_of(struct str s)
{
	long best = LONG_MAX;

	for (unsigned k = 0; k < 8; k++) {
		clock_t t = clock();

		for (unsigned run = 0; run < COST_RUNS; run++)
			if (sip_msg_parse(s, &m) == ERR_OK)
				for (unsigned id = 0; id < SIP_H_OTHER; id++)
					(void)sip_hdr_has(&m, (enum sip_hdr_id)id, "x");
		t = clock() - t;
		best = t < best ? t : best;
	}
	return best * (1000000 / CLOCKS_PER_SEC);
}

/* P8: twice the length costs at most 2.3 times as much, for shapes that invite more. */
static void
test_linear(void **state)
{
	static const struct {
		const char *name, *text;
		char fill;
	} rows[] = {
		{"body", L V F T I C E "%", 'b'},
		{"value", L V F T I C "X: %\r\n" E, 'v'},
		{"folds", NULL, 0},
		{"headers", NULL, 1},
		{"comma lists", NULL, 2},
		{"parameters", NULL, 3},
		{"commas", L V F T I C "Supported: a%\r\n" E, ','},
		{"semicolons", L V "From: <sip:a@b>%\r\n" T I C E, ';'},
		{"quotes", L V F T I C "Supported: %\r\n" E, '"'},
		{"backslashes", L V F "To: \"%\" <sip:a@b>\r\n" I C E, '\\'},
		{"brackets", L V F "To: %\r\n" I C E, '<'},
		{"percents", L V "From: <sip:%@b>\r\n" T I C E, '%'},
		{"spaces", L V F T I C "X%: y\r\n" E, ' '},
		{"CR", L V F T I C "X: %\r\n" E, '\r'},
		{"LF", L V F T I C "X: %\r\n" E, '\n'},
		{"line breaks", "%" L V F T I C E, '\n'},
	};

#define A8 "a,a,a,a,a,a,a,a,"
#define A64 A8 A8 A8 A8 A8 A8 A8 A8
#define P8 ";a=b;c=d;e=f;g=h"
#define P64 P8 P8 P8 P8 P8 P8 P8 P8
	static const struct {
		const char *line;
		size_t n;
	} lines[] = {
		{" fold\r\n", 9000},
		{"X: y\r\n", 9000},
		{"Supported: " A64 A64 A64 A64 "a\r\n", 120},
		{"Contact: <sip:a@b>" P64 P64 P64 P64 "\r\n", 120},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		long half, whole;

		for (unsigned tries = 0;; tries++) {
			if (rows[i].text) {
				half = cost_of(fill_template(rows[i].text, rows[i].fill, 32000));
				whole = cost_of(fill_template(rows[i].text, rows[i].fill, 64000));
			} else {
				size_t n = lines[(int)rows[i].fill].n;

				half = cost_of(repeat(lines[(int)rows[i].fill].line, n / 2));
				whole = cost_of(repeat(lines[(int)rows[i].fill].line, n));
			}
			/* below 10 us a message there is nothing to compare but the clock */
			if (whole < 10 * COST_RUNS || whole <= half * 23 / 10 || tries == 5)
				break;
		}
		if (whole >= 10 * COST_RUNS && whole > half * 23 / 10)
			fail_msg("%s: %ld us for half, %ld for all", rows[i].name, half, whole);
		if (whole > 10000 * COST_RUNS)
			fail_msg("%s: %ld us", rows[i].name, whole);
		print_message("# %s: %ld.%01ld us, twice: %ld.%01ld us\n", rows[i].name,
			      half / COST_RUNS, half % COST_RUNS, whole / COST_RUNS,
			      whole % COST_RUNS);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ladder),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_linear),
	};

	return cmocka_run_group_tests_name("sip limits", tests, NULL, NULL);
}
