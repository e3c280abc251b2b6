/* A digit in the body of an INFO, as the field writes it, and as we do. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "sip/dtmf.h"

#define RELAY "application/dtmf-relay"
#define DTMF "application/dtmf"

static enum err
read_body(const char *type, const char *body, bool *is, struct sip_dtmf *out)
{
	static char text[1024];
	static struct sip_msg m;
	int n = snprintf(text, sizeof(text),
			 "INFO sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP c;branch=z9hG4bK1\r\n"
			 "From: <sip:c@d>;tag=1\r\nTo: <sip:a@b>;tag=2\r\nCall-ID: x\r\n"
			 "CSeq: 1 INFO\r\nMax-Forwards: 70\r\nContent-Type: %s\r\n"
			 "Content-Length: %zu\r\n\r\n%s",
			 type, strlen(body), body);

	assert_int_equal(sip_msg_parse(str_of(text, (size_t)n), &m), ERR_OK);
	*is = sip_dtmf_is(&m);
	return sip_dtmf_read(&m, out);
}

static void
test_read(void **state)
{
	static const struct {
		const char *name, *type, *body;
		int code; /* -1: none can be read */
		unsigned ms;
	} rows[] = {
		{"usual", RELAY, "Signal=5\r\nDuration=160\r\n", 5, 160},
		{"blanks", RELAY, "Signal= 5 \r\nDuration = 160 \r\n", 5, 160},
		{"LF alone, no end", "Application/DTMF-Relay", "signal=9\nduration=250", 9, 250},
		{"the other order", RELAY, "Duration=90\r\nSignal=0\r\n", 0, 90},
		{"no duration", RELAY, "Signal=*\r\n", 10, SIP_DTMF_MS},
		{"pound", RELAY, "Signal=#\r\nDuration=1\r\n", 11, 1},
		{"a letter", RELAY, "Signal=A\r\n", 12, SIP_DTMF_MS},
		{"a small one", RELAY, "Signal=d\r\n", 15, SIP_DTMF_MS},
		{"flash", RELAY, "Signal=16\r\n", 16, SIP_DTMF_MS},
		{"by number", RELAY, "Signal=10\r\n", 10, SIP_DTMF_MS},
		{"the first counts", RELAY, "Signal=1\r\nSignal=2\r\n", 1, SIP_DTMF_MS},
		{"what nobody knows", RELAY, "X=1\r\nSignal=1\r\n", 1, SIP_DTMF_MS},
		{"alone", DTMF, "7", 7, SIP_DTMF_MS},
		{"alone, with an end", DTMF, " # \r\n", 11, SIP_DTMF_MS},
		{"too large", RELAY, "Signal=17\r\n", -1, 0},
		{"two", RELAY, "Signal=5#\r\n", -1, 0},
		{"no key", RELAY, "Signal=E\r\n", -1, 0},
		{"a NUL's place", RELAY, "Signal=\r\n", -1, 0},
		{"no signal", RELAY, "Duration=160\r\n", -1, 0},
		{"no number", RELAY, "Signal=5\r\nDuration=long\r\n", -1, 0},
		{"too long", RELAY, "Signal=5\r\nDuration=60001\r\n", -1, 0},
		{"a word", DTMF, "five", -1, 0},
		{"nothing", DTMF, "", -1, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sip_dtmf d = {0}, again;
		bool is;
		enum err e = read_body(rows[i].type, rows[i].body, &is, &d);
		char mem[64];
		struct buf b;

		if (!is || (e == ERR_OK) != (rows[i].code >= 0) ||
		    (e == ERR_OK && (d.code != rows[i].code || d.ms != rows[i].ms)))
			fail_msg("%s: %s %u %u", rows[i].name, err_name(e), d.code, d.ms);
		if (e != ERR_OK)
			continue;
		buf_init(&b, mem, sizeof(mem) - 1);
		sip_dtmf_put(&b, &d);
		assert_int_equal(read_body(SIP_DTMF_TYPE, buf_cstr(&b), &is, &again), ERR_OK);
		assert_true(again.code == d.code && again.ms == d.ms);
	}
}

static void
test_is(void **state)
{
	struct sip_dtmf d;
	bool is;

	(void)state;
	(void)!read_body("text/plain", "5", &is, &d);
	assert_false(is);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
