#include "rows.h"
#include "json.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>
#include <wchar.h>

#include "base/log.h"
#include "base/random.h"

static int pipes[2];

static int
open_pipe(void **state)
{
	(void)state;
	if (pipe2(pipes, O_NONBLOCK | O_CLOEXEC) != 0)
		return -1;
	log_init("signaling", pipes[1], LOG_INFO);
	return 0;
}

static int
close_pipe(void **state)
{
	(void)state;
	log_init("postern", 2, LOG_INFO);
	close(pipes[0]);
	close(pipes[1]);
	return 0;
}

/* What came through the pipe must be one line, one object with these members; msg into out. */
static size_t
read_event(const char *name, const char *level, const char *event, char *out, size_t cap)
{
	static const char *const members[] = {"t", "level", "role", "event", "msg"};
	char line[8192];
	ssize_t n = read(pipes[0], line, sizeof(line));
	json_t *o, *msg;
	size_t len;

	if (n <= 0 || n > LOG_LINE_MAX || memchr(line, '\n', (size_t)n) != line + n - 1)
		fail_msg("%s: not one line of at most 2 KiB: %zd bytes", name, n);
	o = json_loadb(line, (size_t)n, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, NULL);
	if (!o || json_object_size(o) != ARRAY_LEN(members))
		fail_msg("%s: not the object: %.*s", name, (int)n, line);
	for (size_t i = 0; i < ARRAY_LEN(members); i++)
		assert_true(json_is_string(json_object_get(o, members[i])));
	assert_int_equal(json_string_length(json_object_get(o, "t")), 27);
	assert_string_equal(json_string_value(json_object_get(o, "level")), level);
	assert_string_equal(json_string_value(json_object_get(o, "role")), "signaling");
	assert_string_equal(json_string_value(json_object_get(o, "event")), event);
	msg = json_object_get(o, "msg");
	len = json_string_length(msg);
	assert_true(len <= cap);
	memcpy(out, json_string_value(msg), len);
	json_decref(o);
	return len;
}

/* S6: each event exactly one valid JSON line. want NULL: only that. */
static void
test_hostile(void **state)
{
	static const struct {
		const char *name, *in, *want;
	} rows[] = {
		{"plain", "peer=192.0.2.1:5061 why=expired", "peer=192.0.2.1:5061 why=expired"},
		{"empty", "", ""},
		{"line end", "a\nb\r\nc", "a\nb\r\nc"},
		{"a second event", "x\"}\n{\"t\":\"now\",\"level\":\"error\"}",
		 "x\"}\n{\"t\":\"now\",\"level\":\"error\"}"},
		{"quotes", "\"\\\"\\\\\"", "\"\\\"\\\\\""},
		{"ends in a backslash", "abc\\", "abc\\"},
		{"terminal", "\x1b]0;x\x07\x9b", "\x1b]0;x\x07\xef\xbf\xbd"},
		{"C1 in UTF-8",
		 "\xc2\x9b"
		 "31m",
		 "\xc2\x9b"
		 "31m"},
		{"format", "%n%s%x", "%n%s%x"},
		{"UTF-8", "Gr\xc3\xbc\xc3\x9f", "Gr\xc3\xbc\xc3\x9f"},
		{"Latin-1", "\xfc", "\xef\xbf\xbd"},
		{"surrogate", "\xed\xa0\x80", NULL},
		{"overlong line end", "\xc0\x8a", NULL},
		{"escape of JSON", "\\u000a\\n", "\\u000a\\n"},
	};
	char out[4096];
	int bad = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t n;

		log_warn("tls.handshake", "%s", rows[i].in);
		n = read_event(rows[i].name, "warn", "tls.handshake", out, sizeof(out));
		if (rows[i].want)
			bad += row_str(rows[i].name, str_of(out, n), str_from(rows[i].want));
	}
	log_error("e", "a%cb", 0);
	bad += row_str("NUL", str_of(out, read_event("NUL", "error", "e", out, sizeof(out))),
		       STR("a\0b"));
	assert_int_equal(bad, 0);
	assert_int_equal(log_dropped(), 0);
}

static void
test_random(void **state)
{
	(void)state;
	for (int round = 0; round < 3000; round++) {
		unsigned char in[1200];
		char out[4096];
		size_t len = random_below(sizeof(in)), n;

		random_bytes(in, len);
		for (size_t i = 0; i < len; i++) /* runs of one class, no NUL */
			in[i] = round % 4 == 0   ? (unsigned char)(in[i] % 31 + 1)
				: round % 4 == 1 ? (unsigned char)(in[i] | 0x80)
				: in[i]          ? in[i]
						 : '"';
		log_info("fuzz", "%.*s", (int)len, (const char *)in);
		n = read_event("random", "info", "fuzz", out, sizeof(out));
		if (json_utf8(str_of(in, len)) && len < 150)
			assert_true(str_eq(str_of(in, len), str_of(out, n)));
	}
	assert_int_equal(log_dropped(), 0);
}

/* Too long: cut, and still one line. */
static void
test_long(void **state)
{
	static const struct {
		const char *name;
		char fill;
		size_t len, least, most; /* of the message that arrives */
	} rows[] = {
		{"just fits", 'a', 1023, 1023, 1023},
		{"one more", 'a', 1024, 1023, 1023},
		{"much more", 'a', 9000, 1023, 1023},
		{"grows sixfold", '\x01', 9000, 255, 340},
		{"grows twofold", '"', 900, 450, 950},
		{"not UTF-8", '\xff', 1000, 250 * 3, 340 * 3},
		{"just one", '\x01', 1, 1, 1},
	};
	char in[9000], out[4096];
	int bad = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t n;

		memset(in, rows[i].fill, sizeof(in));
		log_info("long", "%.*s", (int)rows[i].len, in);
		n = read_event(rows[i].name, "info", "long", out, sizeof(out));
		bad += row_num(rows[i].name, n >= rows[i].least && n <= rows[i].most, true);
	}
	assert_int_equal(bad, 0);
}

/* A format that cannot be printed gives an event without bytes of the stack in it. */
static void
test_unprintable(void **state)
{
	static const wchar_t wide[] = {0x4e2d, 0}; /* no such character in the C locale */
	char out[4096];
	size_t n;

	(void)state;
	log_info("wide", "ab %ls", wide);
	n = read_event("wide", "info", "wide", out, sizeof(out));
	assert_true(n <= 3 && memcmp(out, "ab ", n) == 0);
}

static void
test_levels(void **state)
{
	static const struct {
		const char *name;
		enum log_level max;
		const char *want; /* first letters of what comes through */
	} rows[] = {
		{"error", LOG_ERROR, "e"},
		{"warn", LOG_WARN, "ew"},
		{"info", LOG_INFO, "ewi"},
		{"debug", LOG_DEBUG, "ewid"},
	};
	static const char *const names[] = {"error", "warn", "info", "debug"};
	char out[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		log_init("signaling", pipes[1], rows[i].max);
		for (int l = LOG_ERROR; l <= LOG_DEBUG; l++) {
			bool wanted = strchr(rows[i].want, names[l][0]) != NULL;

			assert_int_equal(log_wants((enum log_level)l), wanted);
			switch (l) {
			case LOG_ERROR:
				log_error("l", "x");
				break;
			case LOG_WARN:
				log_warn("l", "x");
				break;
			case LOG_INFO:
				log_info("l", "x");
				break;
			default:
				log_debug("l", "x");
			}
			if (wanted)
				read_event(rows[i].name, names[l], "l", out, sizeof(out));
			else
				assert_int_equal(read(pipes[0], out, sizeof(out)), -1);
		}
	}
	assert_int_equal(log_dropped(), 0);
}

/* A full pipe: lines are dropped whole and counted, none is torn; room again: they flow again. */
static void
test_full(void **state)
{
	enum { LINES = 500 };
	static char all[1 << 20];
	uint64_t before = log_dropped();
	size_t n = 0, lines = 0;
	char out[2048];
	ssize_t r;

	(void)state;
	for (int i = 0; i < LINES; i++)
		log_info("full", "%0*d", 50 + i % 900, i);
	while ((r = read(pipes[0], all + n, sizeof(all) - n)) > 0)
		n += (size_t)r;
	for (char *p = all, *end; p < all + n; p = end + 1, lines++) {
		json_t *o;

		end = memchr(p, '\n', (size_t)(all + n - p));
		assert_non_null(end);
		o = json_loadb(p, (size_t)(end - p), 0, NULL);
		assert_true(json_is_object(o));
		json_decref(o);
	}
	assert_true(lines > 50 && lines < LINES);
	assert_int_equal(log_dropped() - before, LINES - lines);
	log_info("full", "again");
	assert_int_equal(read_event("again", "info", "full", out, sizeof(out)), 5);
	assert_int_equal(log_dropped() - before, LINES - lines);
}

/* Keeper gone: counted as well. An event name that leaves no room: dropped, not cut. */
static void
test_gone(void **state)
{
	static char name[LOG_LINE_MAX];
	uint64_t before = log_dropped();
	char out[64];

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	log_info(name, "x");
	assert_int_equal(log_dropped(), before + 1);
	assert_int_equal(read(pipes[0], out, sizeof(out)), -1);
	signal(SIGPIPE, SIG_IGN); /* as the roles do */
	close(pipes[0]);
	log_info("gone", "x");
	assert_int_equal(log_dropped(), before + 2);
	pipes[0] = dup(pipes[1]); /* for close_pipe */
}

int
main(void)
{
#define LOG_TEST(f) cmocka_unit_test_setup_teardown(f, open_pipe, close_pipe)
	const struct CMUnitTest tests[] = {
		LOG_TEST(test_hostile), LOG_TEST(test_random),      LOG_TEST(test_long),
		LOG_TEST(test_levels),  LOG_TEST(test_unprintable), LOG_TEST(test_full),
		LOG_TEST(test_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
