/* Admin's side of a readiness check: one at a time, who is in the way, and who is gone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "app/admin_ready.h"
#include "base/log.h"
#include "ops/jsonin.h"

static struct conf conf;
static struct channel admin, signaling;
static struct admin_ready r;
static char answer[1 << 20];
static const int anna, bert; /* two clients, told apart by address */

static int
setup(void **state)
{
	int pair[2];

	(void)state;
	log_init("test", -1, LOG_ERROR);
	r = (struct admin_ready){.conf = &conf, .signaling = &admin};
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0)
		return -1;
	if (channel_init(&admin, pair[0], 8) == ERR_OK &&
	    channel_init(&signaling, pair[1], 8) == ERR_OK)
		return 0;
	return -1;
}

static int
teardown(void **state)
{
	(void)state;
	channel_fini(&admin);
	channel_fini(&signaling);
	return 0;
}

/* "" where the answer is ok, else the error. */
static const char *
ask(const char *line, const void *asker)
{
	static char error[READY_ERROR_MAX];
	struct json *j = NULL;
	struct buf b;

	buf_init(&b, answer, sizeof(answer));
	assert_true(admin_ready_answer(&r, str_from(line), asker, &b));
	assert_int_equal(jsonin_parse(buf_view(&b), &j), ERR_OK);
	assert_int_equal(str_copyz(error, sizeof(error), str_from(jsonin_text(j, "error"))),
			 ERR_OK);
	assert_int_equal(jsonin_true(j, "ok"), !error[0]);
	jsonin_free(&j);
	return error;
}

static const char *
begin(const void *asker)
{
	return ask("{\"cmd\":\"ready\",\"fqdn\":\"pbx.example.test\",\"wait\":60}", asker);
}

/* The type of the next message to signaling, 0 = none; its first number. */
static unsigned
heard(uint32_t *number)
{
	struct channel_msg m;
	size_t n = 0;

	if (channel_recv(&signaling, &m, NULL, &n) != ERR_OK)
		return 0;
	memcpy(number, m.body, sizeof(*number));
	return m.head.type;
}

static void
say_done(uint32_t number, enum err e)
{
	struct admin_ready_done done = {.number = number, .err = (uint32_t)e};

	admin_ready_take(&r, &done, -1);
}

static void
one_at_a_time(void **state)
{
	uint32_t number = 0;
	const char *why;

	(void)state;
	assert_string_equal(begin(&anna), "");
	assert_int_equal(heard(&number), ADMIN_READY);
	assert_int_equal(number, 1);
	why = begin(&bert);
	assert_non_null(strstr(why, "a check of pbx.example.test runs and waits for its "
				    "connection, since "));
	assert_non_null(strstr(why, " UTC, until "));
	assert_int_equal(heard(&number), 0);
	say_done(1, ERR_NOTFOUND);
	assert_string_equal(begin(&bert), "");
}

static void
who_began_is_gone(void **state)
{
	uint32_t number = 0;

	(void)state;
	assert_string_equal(begin(&anna), "");
	assert_int_equal(heard(&number), ADMIN_READY);
	admin_ready_gone(&r, &bert); /* somebody else */
	assert_int_equal(heard(&number), 0);
	admin_ready_gone(&r, &anna);
	assert_int_equal(heard(&number), ADMIN_READY_STOP);
	assert_int_equal(number, 1);
	assert_non_null(strstr(begin(&bert), "is being ended; try again in a few seconds"));
	say_done(1, ERR_CLOSED);
	assert_non_null(strstr(ask("{\"cmd\":\"ready-report\",\"job\":1}", &bert), "is gone"));
	assert_string_equal(begin(&bert), "");
	assert_int_equal(heard(&number), ADMIN_READY);
	assert_int_equal(number, 2);
}

static void
gone_when_done(void **state)
{
	uint32_t number = 0;

	(void)state;
	assert_string_equal(begin(&anna), "");
	assert_int_equal(heard(&number), ADMIN_READY);
	say_done(1, ERR_NOTFOUND);
	admin_ready_gone(&r, &anna);
	assert_int_equal(heard(&number), 0);
	assert_non_null(strstr(ask("{\"cmd\":\"ready-report\",\"job\":1}", &anna), "no TLS"));
}

static void
wrong_words(void **state)
{
	static const struct {
		const char *line, *words;
	} rows[] = {
		{"{\"cmd\":\"ready\",\"fqdn\":\"192.0.2.1\"}", "no address"},
		{"{\"cmd\":\"ready\",\"fqdn\":\"a.example\",\"port\":70000}", "1 to 65535"},
		{"{\"cmd\":\"ready\",\"fqdn\":\"a.example\",\"wait\":601}", "600 seconds"},
		{"{\"cmd\":\"ready\",\"fqdn\":\"a.example\",\"zone\":\"b\"}", "no zone"},
		{"{\"cmd\":\"ready\",\"fqdn\":\"a.example\",\"call\":\"+1 2\"}", "a number"},
		{"{\"cmd\":\"ready-report\",\"job\":9}", "no check of this number"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (!strstr(ask(rows[i].line, &anna), rows[i].words))
			fail_msg("%s: want \"%s\", got \"%s\"", rows[i].line, rows[i].words,
				 ask(rows[i].line, &anna));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_at_a_time, setup, teardown),
		cmocka_unit_test_setup_teardown(who_began_is_gone, setup, teardown),
		cmocka_unit_test_setup_teardown(gone_when_done, setup, teardown),
		cmocka_unit_test_setup_teardown(wrong_words, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
