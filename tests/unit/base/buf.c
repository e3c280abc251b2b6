#include "rows.h"
#include "json.h"

#include "base/buf.h"
#include "base/random.h"

/* Every writer that needs more than is left fails, writes nothing, and all after it as well. */
static void
test_sticky(void **state)
{
	char mem[9] = "........";
	struct buf b;

	(void)state;
	buf_init(&b, mem, 4);
	buf_z(&b, "abc");
	assert_int_equal(buf_end(&b), ERR_OK);
	buf_str(&b, STR("de"));
	assert_int_equal(buf_end(&b), ERR_LONG);
	buf_char(&b, 'x'); /* would fit */
	buf_u64(&b, 1);
	buf_printf(&b, "%s", "");
	buf_add(&b, NULL, 0);
	buf_json(&b, STR_NULL);
	assert_true(str_eqz(buf_view(&b), "abc"));
	assert_memory_equal(mem, "abc.....", 8);
	assert_int_equal(buf_end(&b), ERR_LONG);
	buf_reset(&b);
	assert_int_equal(buf_end(&b), ERR_OK);
	buf_str(&b, STR("1234"));
	assert_int_equal(buf_end(&b), ERR_OK);
	assert_true(str_eqz(buf_view(&b), "1234"));
	buf_add(&b, NULL, 0);
	assert_int_equal(buf_end(&b), ERR_OK);
}

static void
test_room(void **state)
{
	static const struct {
		const char *name;
		size_t cap;
		const char *text;
		enum err add, print;
	} rows[] = {
		{"no memory, no text", 0, "", ERR_OK, ERR_LONG},
		{"no memory", 0, "a", ERR_LONG, ERR_LONG},
		{"exact", 3, "abc", ERR_OK, ERR_LONG}, /* printf needs room for its NUL */
		{"one more", 4, "abc", ERR_OK, ERR_OK},
		{"one less", 2, "abc", ERR_LONG, ERR_LONG},
	};
	int bad = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char mem[8] = "#######";
		struct buf b;

		buf_init(&b, rows[i].cap ? mem : NULL, rows[i].cap);
		buf_z(&b, rows[i].text);
		bad += row_err(rows[i].name, buf_end(&b), rows[i].add);
		bad += row_num(rows[i].name, mem[rows[i].cap], '#');
		buf_init(&b, rows[i].cap ? mem : NULL, rows[i].cap);
		buf_printf(&b, "%s", rows[i].text);
		bad += row_err(rows[i].name, buf_end(&b), rows[i].print);
		bad += row_num(rows[i].name, b.len,
			       rows[i].print == ERR_OK ? strlen(rows[i].text) : 0);
		bad += row_num(rows[i].name, mem[rows[i].cap], '#');
	}
	assert_int_equal(bad, 0);
}

static void
test_cstr(void **state)
{
	char mem[4];
	struct buf b;

	(void)state;
	buf_init(&b, NULL, 0);
	assert_string_equal(buf_cstr(&b), "");
	buf_init(&b, mem, sizeof(mem));
	assert_string_equal(buf_cstr(&b), "");
	buf_z(&b, "abc");
	assert_string_equal(buf_cstr(&b), "abc");
	assert_int_equal(buf_end(&b), ERR_OK);
	buf_char(&b, 'd');
	assert_int_equal(buf_end(&b), ERR_OK);
	assert_string_equal(buf_cstr(&b), "abc"); /* the NUL took the place of d: said so */
	assert_int_equal(buf_end(&b), ERR_LONG);
	buf_init(&b, mem, 2);
	buf_z(&b, "abc");
	assert_string_equal(buf_cstr(&b), "");
}

static void
test_u64(void **state)
{
	static const struct {
		uint64_t v;
		const char *want;
	} rows[] = {{0, "0"}, {9, "9"}, {10, "10"}, {UINT64_MAX, "18446744073709551615"}};
	char mem[20];
	struct buf b;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		buf_init(&b, mem, sizeof(mem));
		buf_u64(&b, rows[i].v);
		assert_true(str_eqz(buf_view(&b), rows[i].want));
	}
}

#define FFFD "\xef\xbf\xbd"

/* want: what a JSON reader makes of it */
static const struct {
	const char *name;
	struct str in, want;
} jsons[] = {
	{"empty", STR_NULL, STR("")},
	{"plain", STR("Hello, World!~"), STR("Hello, World!~")},
	{"quote and backslash", STR("\"\\/"), STR("\"\\/")},
	{"CR LF, tab, NUL, ESC", STR("\r\n\t\0\x1b[31m"), STR("\r\n\t\0\x1b[31m")},
	{"DEL", STR("\x7f"), STR("\x7f")},
	{"two bytes", STR("\xc2\xa0\xdf\xbf"), STR("\xc2\xa0\xdf\xbf")},
	{"three bytes", STR("\xe0\xa0\x80\xe2\x82\xac\xef\xbf\xbf"),
	 STR("\xe0\xa0\x80\xe2\x82\xac\xef\xbf\xbf")},
	{"around the surrogates", STR("\xed\x9f\xbf\xee\x80\x80"), STR("\xed\x9f\xbf\xee\x80\x80")},
	{"four bytes", STR("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"),
	 STR("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf")},
	{"C1", STR("\xc2\x80\xc2\x9b\xc2\x9f"), STR("\xc2\x80\xc2\x9b\xc2\x9f")},
	{"line separators", STR("\xe2\x80\xa7\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa"),
	 STR("\xe2\x80\xa7\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa")},
	{"continuation alone", STR("a\x80z"), STR("a" FFFD "z")},
	{"Latin-1", STR("\xe4hn"), STR(FFFD "hn")},
	{"cut after one", STR("\xc3"), STR(FFFD)},
	{"cut after two", STR("\xe2\x82"), STR(FFFD FFFD)},
	{"cut after three", STR("\xf0\x9f\x98"), STR(FFFD FFFD FFFD)},
	{"cut by a quote", STR("\xe2\x82\""), STR(FFFD FFFD "\"")},
	{"overlong slash", STR("\xc0\xaf"), STR(FFFD FFFD)},
	{"overlong NUL", STR("\xc0\x80"), STR(FFFD FFFD)},
	{"overlong c1", STR("\xc1\xbf"), STR(FFFD FFFD)},
	{"overlong of three", STR("\xe0\x9f\xbf"), STR(FFFD FFFD FFFD)},
	{"overlong of four", STR("\xf0\x8f\xbf\xbf"), STR(FFFD FFFD FFFD FFFD)},
	{"first surrogate", STR("\xed\xa0\x80"), STR(FFFD FFFD FFFD)},
	{"last surrogate", STR("\xed\xbf\xbf"), STR(FFFD FFFD FFFD)},
	{"beyond U+10FFFF", STR("\xf4\x90\x80\x80"), STR(FFFD FFFD FFFD FFFD)},
	{"f5", STR("\xf5\x80\x80\x80"), STR(FFFD FFFD FFFD FFFD)},
	{"fe ff", STR("\xfe\xff"), STR(FFFD FFFD)},
};

/* No byte of the text itself may be a control or the start of a C1 or of a line separator. */
static bool
is_quiet(struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.p[i] < 0x20 || text.p[i] == 0x7f)
			return false;
	for (char c = 0; c < 0x20; c++)
		if (str_find(text, str_of((char[]){(char)0xc2, (char)(0x80 + c)}, 2)) != text.len)
			return false;
	return str_find(text, STR("\xe2\x80\xa8")) == text.len &&
	       str_find(text, STR("\xe2\x80\xa9")) == text.len;
}

static void
test_json(void **state)
{
	int bad = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(jsons); i++) {
		char mem[128], back[128];
		size_t n = 0;
		struct buf b;

		buf_init(&b, mem, sizeof(mem));
		buf_json(&b, jsons[i].in);
		bad += row_err(jsons[i].name, buf_end(&b), ERR_OK);
		bad += row_num(jsons[i].name, is_quiet(buf_view(&b)), true);
		bad += row_num(jsons[i].name, json_bytes(buf_view(&b), back, sizeof(back), &n),
			       true);
		bad += row_str(jsons[i].name, str_of(back, n), jsons[i].want);
	}
	assert_int_equal(bad, 0);
}

/* in -> JSON -> another reader: the same bytes if they were UTF-8, else some U+FFFD. */
static void
check_json(const char *name, struct str in)
{
	char mem[256], back[256];
	size_t n = 0;
	struct buf b;

	buf_init(&b, mem, sizeof(mem));
	buf_json(&b, in);
	if (buf_end(&b) != ERR_OK || !is_quiet(buf_view(&b)) ||
	    !json_bytes(buf_view(&b), back, sizeof(back), &n))
		fail_msg("%s: not JSON: %.*s", name, STR_ARG(buf_view(&b)));
	if (json_utf8(in) ? !str_eq(in, str_of(back, n))
			  : str_find(str_of(back, n), STR(FFFD)) == n)
		fail_msg("%s: read back as %.*s", name, (int)n, back);
}

static void
test_json_all(void **state)
{
	/* bytes at the edges of the classes of RFC 3629 4 */
	static const unsigned char edges[] = {0x00, 0x1f, '"',  'u',  0x5c, 0x7f, 0x80, 0x8f,
					      0x90, 0x9f, 0xa0, 0xa8, 0xbf, 0xc0, 0xc1, 0xc2,
					      0xdf, 0xe0, 0xe1, 0xe2, 0xec, 0xed, 0xee, 0xef,
					      0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xf8, 0xfc, 0xff};

	(void)state;
	for (unsigned i = 0; i < 65536; i++) {
		char two[2] = {(char)(i >> 8), (char)i};

		check_json("one", str_of(two, 1));
		check_json("two", str_of(two, 2));
	}
	for (unsigned i = 0; i < 100000; i++) {
		char some[8];
		uint32_t r[3];

		random_bytes(r, sizeof(r));
		for (size_t k = 0; k < sizeof(some); k++)
			some[k] = (char)edges[(r[k / 4] >> 5 * (k % 4)) % ARRAY_LEN(edges)];
		check_json("edges", str_of(some, r[2] % (sizeof(some) + 1)));
	}
}

/* With too little room: failed, never more than the room, never a wrong byte at its end. */
static void
test_json_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(jsons); i++) {
		char whole[128], mem[129];
		struct buf all, b;

		buf_init(&all, whole, sizeof(whole));
		buf_json(&all, jsons[i].in);
		for (size_t cap = 0; cap < all.len; cap++) {
			memset(mem, '#', sizeof(mem));
			buf_init(&b, mem, cap);
			buf_json(&b, jsons[i].in);
			assert_int_equal(buf_end(&b), ERR_LONG);
			assert_true(b.len <= cap && mem[cap] == '#');
			assert_memory_equal(mem, whole, b.len);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sticky),   cmocka_unit_test(test_room),
		cmocka_unit_test(test_cstr),     cmocka_unit_test(test_u64),
		cmocka_unit_test(test_json),     cmocka_unit_test(test_json_all),
		cmocka_unit_test(test_json_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
