#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "edge/txn.h"

static void
small_and_large_texts(void **state)
{
	static char big[SIP_MSG_MAX];
	struct text_block b = {0};
	struct texts t;
	static const struct {
		size_t len;
		enum err want;
		enum text_kind in;
	} steps[] = {{10, ERR_OK, TEXT_IN_TINY},
		     {TEXT_TINY, ERR_OK, TEXT_IN_TINY},
		     {TEXT_TINY + 1, ERR_OK, TEXT_IN_SMALL},
		     {TEXT_SMALL, ERR_OK, TEXT_IN_SMALL},
		     {TEXT_SMALL + 1, ERR_OK, TEXT_IN_LARGE},
		     {SIP_MSG_MAX, ERR_OK, TEXT_IN_LARGE},
		     {20, ERR_OK, TEXT_IN_TINY}};

	(void)state;
	memset(big, 'x', sizeof(big));
	assert_int_equal(texts_init(&t, 2), ERR_OK);
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		assert_int_equal(texts_put(&t, &b, str_of(big, steps[i].len)), steps[i].want);
		assert_int_equal(b.len, steps[i].len);
		for (unsigned k = 0; k < TEXT_KINDS; k++)
			assert_int_equal(pool_used(&t.pool[k]), k == steps[i].in);
	}
	assert_int_equal(texts_put(&t, &b, str_of(big, SIP_MSG_MAX + 1)), ERR_LONG);
	texts_drop(&t, &b);
	texts_drop(&t, &b);
	assert_int_equal(pool_used(&t.pool[TEXT_IN_TINY]), 0);
	texts_fini(&t);
}

static void
texts_run_out(void **state)
{
	struct text_block b[3] = {{0}};
	struct texts t;

	(void)state;
	assert_int_equal(texts_init(&t, 2), ERR_OK);
	assert_int_equal(texts_put(&t, &b[0], STR("a")), ERR_OK);
	assert_int_equal(texts_put(&t, &b[1], STR("b")), ERR_OK);
	assert_int_equal(texts_put(&t, &b[2], STR("c")), ERR_NOMEM);
	assert_int_equal(b[2].len, 0);
	texts_drop(&t, &b[0]);
	assert_int_equal(texts_put(&t, &b[2], STR("c")), ERR_OK);
	texts_fini(&t);
}

/* Large blocks: the last ones are for emergency calls. */
static void
large_texts_run_out(void **state)
{
	static char big[SIP_MSG_MAX];
	static struct text_block b[TEXT_LARGE_BLOCKS + TEXT_LARGE_SPARE + 1];
	struct text_block other = {0};
	struct texts t;

	(void)state;
	memset(big, 'x', sizeof(big));
	assert_int_equal(texts_init(&t, 2), ERR_OK);
	for (size_t i = 0; i < ARRAY_LEN(b); i++) {
		enum err want = i < TEXT_LARGE_BLOCKS ? ERR_OK : ERR_NOMEM;

		assert_int_equal(texts_put(&t, &b[i], str_of(big, sizeof(big))), want);
		b[i].spare = true;
		if (i >= TEXT_LARGE_BLOCKS)
			assert_int_equal(texts_put(&t, &b[i], str_of(big, sizeof(big))),
					 i + 1 < ARRAY_LEN(b) ? ERR_OK : ERR_NOMEM);
	}
	assert_int_equal(texts_put(&t, &other, STR("small")), ERR_OK);
	for (size_t i = 0; i < ARRAY_LEN(b); i++)
		texts_drop(&t, &b[i]);
	assert_true(b[0].spare);
	texts_fini(&t);
}

/* RFC 3581 4, RFC 3261 18.2.2. */
static void
where_replies_go(void **state)
{
	static const struct {
		const char *name, *via;
		bool stream;
		uint16_t port;
	} rows[] = {
		{"rport", "SIP/2.0/UDP h:5070;branch=z9hG4bKa;rport", false, 40000},
		{"no rport", "SIP/2.0/UDP h:5070;branch=z9hG4bKa", false, 5070},
		{"no port", "SIP/2.0/UDP h;branch=z9hG4bKa", false, 5060},
		{"a new stream has no use for rport", "SIP/2.0/TCP h:5070;branch=z9hG4bKa;rport",
		 true, 5070},
		{"TLS", "SIP/2.0/TLS h;branch=z9hG4bKa;rport", true, 5061},
	};
	static struct sip_msg m;
	struct addr from, to;
	char text[1000];
	struct buf b;

	(void)state;
	assert_int_equal(addr_parse(STR("192.0.2.9:40000"), &from), ERR_OK);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		buf_init(&b, text, sizeof(text));
		buf_printf(&b,
			   "OPTIONS sip:a@b SIP/2.0\r\nVia: %s\r\nFrom: <sip:a@b>;tag=1\r\n"
			   "To: <sip:a@b>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 1\r\n"
			   "Content-Length: 0\r\n\r\n",
			   rows[i].via);
		assert_int_equal(sip_msg_parse(buf_view(&b), &m), ERR_OK);
		to = edge_txn_reply_addr(&m, &from, rows[i].stream);
		print_message("# %s\n", rows[i].name);
		assert_true(addr_ip_eq(&to, &from));
		assert_int_equal(to.port, rows[i].port);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small_and_large_texts), cmocka_unit_test(texts_run_out),
		cmocka_unit_test(large_texts_run_out), cmocka_unit_test(where_replies_go)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
