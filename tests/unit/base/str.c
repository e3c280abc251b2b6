#include "rows.h"

#include "base/str.h"

static void
test_u64(void **state)
{
	static const struct {
		const char *name;
		struct str s;
		uint64_t max;
		enum err want;
		uint64_t value;
	} rows[] = {
		{"zero", STR("0"), UINT64_MAX, ERR_OK, 0},
		{"leading zeros", STR("000000000000000000000000000007"), UINT64_MAX, ERR_OK, 7},
		{"2^64 - 1", STR("18446744073709551615"), UINT64_MAX, ERR_OK, UINT64_MAX},
		{"2^64", STR("18446744073709551616"), UINT64_MAX, ERR_RANGE, 0},
		{"2^64 + 9", STR("18446744073709551625"), UINT64_MAX, ERR_RANGE, 0},
		{"ten times", STR("184467440737095516150"), UINT64_MAX, ERR_RANGE, 0},
		{"wraps to 0 twice", STR("36893488147419103232"), UINT64_MAX, ERR_RANGE, 0},
		{"at max", STR("65535"), 65535, ERR_OK, 65535},
		{"above max", STR("65536"), 65535, ERR_RANGE, 0},
		{"max 0", STR("0"), 0, ERR_OK, 0},
		{"1 with max 0", STR("1"), 0, ERR_RANGE, 0},
		{"empty", STR_NULL, 9, ERR_SYNTAX, 0},
		{"plus", STR("+1"), 9, ERR_SYNTAX, 0},
		{"minus", STR("-1"), 9, ERR_SYNTAX, 0},
		{"space before", STR(" 1"), 9, ERR_SYNTAX, 0},
		{"space behind", STR("1 "), 9, ERR_SYNTAX, 0},
		{"hex", STR("0x1"), 9, ERR_SYNTAX, 0},
		{"NUL behind", STR("1\0"), 9, ERR_SYNTAX, 0},
		{"below '0'", STR("/"), 9, ERR_SYNTAX, 0},
		{"above '9'", STR(":"), 99, ERR_SYNTAX, 0},
		{"high byte", STR("\xb1"), UINT64_MAX, ERR_SYNTAX, 0},
	};
	int bad = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint64_t v = 0xaaaaaaaaaaaaaaaa;

		bad += row_err(rows[i].name, str_u64(rows[i].s, rows[i].max, &v), rows[i].want);
		bad += row_num(rows[i].name, v,
			       rows[i].want == ERR_OK ? rows[i].value : 0xaaaaaaaaaaaaaaaa);
	}
	assert_int_equal(bad, 0);
}

static void
test_u32(void **state)
{
	uint32_t v = 7;

	(void)state;
	assert_int_equal(str_u32(STR("4294967295"), UINT32_MAX, &v), ERR_OK);
	assert_int_equal(v, UINT32_MAX);
	assert_int_equal(str_u32(STR("4294967296"), UINT32_MAX, &v), ERR_RANGE);
	assert_int_equal(str_u32(STR("x"), UINT32_MAX, &v), ERR_SYNTAX);
	assert_int_equal(v, UINT32_MAX);
}

static void
test_sub(void **state)
{
	static const struct {
		const char *name;
		struct str s;
		size_t from, to;
		const char *want;
	} rows[] = {
		{"whole", STR("abcdef"), 0, 6, "abcdef"},
		{"middle", STR("abcdef"), 2, 4, "cd"},
		{"end beyond", STR("abcdef"), 4, 99, "ef"},
		{"end SIZE_MAX", STR("abcdef"), 5, SIZE_MAX, "f"},
		{"start beyond", STR("abcdef"), 7, 99, ""},
		{"start at the end", STR("abcdef"), 6, 6, ""},
		{"start behind the end", STR("abcdef"), 4, 2, ""},
		{"both SIZE_MAX", STR("abcdef"), SIZE_MAX, SIZE_MAX, ""},
		{"of nothing", STR_NULL, 0, 9, ""},
		{"of nothing, from 3", STR_NULL, 3, 9, ""},
	};
	int bad = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str got = str_sub(rows[i].s, rows[i].from, rows[i].to);

		bad += row_str(rows[i].name, got, str_from(rows[i].want));
		if (rows[i].s.p) /* an empty result still points into s, or right behind it */
			bad += row_num(rows[i].name,
				       got.p >= rows[i].s.p && got.p <= rows[i].s.p + rows[i].s.len,
				       1);
	}
	assert_int_equal(bad, 0);
	assert_true(str_eqz(str_from_at(STR("abc"), 1), "bc"));
	assert_true(str_eqz(str_from_at(STR("abc"), 4), ""));
}

static void
test_cut(void **state)
{
	static const struct {
		const char *name;
		struct str s;
		const char *head, *rest;
	} rows[] = {
		{"two parts", STR("a,b"), "a", "b"}, {"three parts", STR("a,b,c"), "a", "b,c"},
		{"no comma", STR("abc"), "abc", ""}, {"comma first", STR(",b"), "", "b"},
		{"comma last", STR("a,"), "a", ""},  {"only a comma", STR(","), "", ""},
		{"two commas", STR(",,"), "", ","},  {"empty", STR(""), "", ""},
		{"nothing", STR_NULL, "", ""},
	};
	int bad = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str s = rows[i].s, head = str_cut(&s, ',');

		bad += row_str(rows[i].name, head, str_from(rows[i].head));
		bad += row_str(rows[i].name, s, str_from(rows[i].rest));
	}
	assert_int_equal(bad, 0);
}

static void
test_search(void **state)
{
	static const struct {
		const char *name;
		struct str s, needle;
		size_t chr, rchr, find; /* of needle's first byte, twice; of needle */
	} rows[] = {
		{"in the middle", STR("abcabc"), STR("bc"), 1, 4, 1},
		{"at the end", STR("aab"), STR("ab"), 0, 1, 1},
		{"whole", STR("abc"), STR("abc"), 0, 0, 0},
		{"not there", STR("abc"), STR("x"), 3, 3, 3},
		{"longer than s", STR("ab"), STR("abc"), 0, 0, 2},
		{"partly at the end", STR("abca"), STR("ab!"), 0, 3, 4},
		{"NUL", STR("a\0b\0"), STR("\0b"), 1, 3, 1},
		{"in nothing", STR_NULL, STR("a"), 0, 0, 0},
	};
	int bad = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char c = rows[i].needle.p[0];

		bad += row_num(rows[i].name, str_chr(rows[i].s, c), rows[i].chr);
		bad += row_num(rows[i].name, str_rchr(rows[i].s, c), rows[i].rchr);
		bad += row_num(rows[i].name, str_find(rows[i].s, rows[i].needle), rows[i].find);
		bad += row_num(rows[i].name, str_ifind(rows[i].s, rows[i].needle), rows[i].find);
	}
	assert_int_equal(bad, 0);
	assert_int_equal(str_find(STR("abc"), STR_NULL), 3);
	assert_int_equal(str_ifind(STR("abc"), STR_NULL), 3);
	assert_int_equal(str_ifind(STR("a Pbx.Acme"), STR("pBX.aCME")), 2);
	assert_int_equal(str_ifind(STR("a Pbx.Acm"), STR("pbx.acme")), 9);
	assert_int_equal(str_ifind(STR("[x"), STR("{")), 2); /* no letters */
}

enum { EQ = 1, IEQ = 2, STARTS = 4, ISTARTS = 8, ENDS = 16 };

static void
test_compare(void **state)
{
	static const struct {
		const char *name;
		struct str a, b;
		unsigned want;
		int order;
	} rows[] = {
		{"same", STR("abc"), STR("abc"), EQ | IEQ | STARTS | ISTARTS | ENDS, 0},
		{"case", STR("aBc"), STR("AbC"), IEQ | ISTARTS, 1},
		{"prefix", STR("abc"), STR("ab"), STARTS | ISTARTS, 1},
		{"prefix, case", STR("abc"), STR("AB"), ISTARTS, 1},
		{"suffix", STR("abc"), STR("bc"), ENDS, -1},
		{"longer", STR("ab"), STR("abc"), 0, -1},
		{"empty b", STR("abc"), STR_NULL, STARTS | ISTARTS | ENDS, 1},
		{"both empty", STR_NULL, STR(""), EQ | IEQ | STARTS | ISTARTS | ENDS, 0},
		{"not letters", STR("@[`{"), STR("`{@["), 0, -1},
		{"high bytes unsigned", STR("\x80"), STR("\x7f"), 0, 1},
		{"high bytes have no case", STR("\xc4"), STR("\xe4"), 0, -1},
		{"behind a NUL", STR("a\0b"), STR("a\0c"), 0, -1},
	};
	int bad = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str a = rows[i].a, b = rows[i].b;
		unsigned got = (str_eq(a, b) ? EQ : 0) | (str_ieq(a, b) ? IEQ : 0) |
			       (str_starts(a, b) ? STARTS : 0) | (str_istarts(a, b) ? ISTARTS : 0) |
			       (str_ends(a, b) ? ENDS : 0);
		int c = str_cmp(a, b), back = str_cmp(b, a);

		bad += row_num(rows[i].name, got, rows[i].want);
		bad += row_num(rows[i].name, (uint64_t)((c > 0) - (c < 0)),
			       (uint64_t)rows[i].order);
		bad += row_num(rows[i].name, (uint64_t)((back > 0) - (back < 0)),
			       (uint64_t)-rows[i].order);
	}
	assert_int_equal(bad, 0);
	assert_true(str_eqz(STR_NULL, NULL));
	assert_true(str_ieqz(STR("ACK"), "ack"));
	assert_false(str_eqz(STR("a\0"), "a"));
}

static void
test_trim(void **state)
{
	static const struct {
		const char *name;
		struct str s;
		const char *want;
	} rows[] = {
		{"nothing to do", STR("a b"), "a b"},
		{"all four", STR(" \t\r\na \t b\n\r\t "), "a \t b"},
		{"only space", STR(" \r\n\t"), ""},
		{"empty", STR_NULL, ""},
		{"others stay", STR("\va\f"), "\va\f"},
	};
	int bad = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		bad += row_str(rows[i].name, str_trim(rows[i].s), str_from(rows[i].want));
	assert_int_equal(bad, 0);
}

static void
test_copyz(void **state)
{
	static const struct {
		const char *name;
		struct str s;
		size_t cap;
		enum err want;
		const char *z;
	} rows[] = {
		{"fits", STR("abc"), 8, ERR_OK, "abc"},
		{"just fits", STR("abc"), 4, ERR_OK, "abc"},
		{"no room for the NUL", STR("abc"), 3, ERR_LONG, ""},
		{"too long", STR("abcdefghij"), 4, ERR_LONG, ""},
		{"NUL inside", STR("a\0c"), 8, ERR_LONG, ""},
		{"empty", STR_NULL, 1, ERR_OK, ""},
		{"no room at all", STR(""), 0, ERR_LONG, "zzzzzzz"},
	};
	int bad = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char dst[9] = "zzzzzzzz";

		bad += row_err(rows[i].name, str_copyz(dst, rows[i].cap, rows[i].s), rows[i].want);
		dst[7] = 0;
		bad += row_str(rows[i].name, str_from(dst), str_from(rows[i].z));
		bad += row_num(rows[i].name, (unsigned char)dst[8], 0);
	}
	assert_int_equal(bad, 0);
}

/* The ASCII questions over every byte, against ranges written out. */
static void
test_ascii(void **state)
{
	static const char upper[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	static const char lower[] = "abcdefghijklmnopqrstuvwxyz";

	(void)state;
	for (int i = 0; i < 256; i++) {
		char c = (char)i;
		const char *u = c ? strchr(upper, c) : NULL, *l = c ? strchr(lower, c) : NULL;
		bool digit = c && strchr("0123456789", c);

		assert_int_equal(ascii_digit(c), digit);
		assert_int_equal(ascii_alpha(c), u || l);
		assert_int_equal(ascii_alnum(c), u || l || digit);
		assert_int_equal(ascii_lower(c), u ? lower[u - upper] : c);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_u64),    cmocka_unit_test(test_u32),
		cmocka_unit_test(test_sub),    cmocka_unit_test(test_cut),
		cmocka_unit_test(test_search), cmocka_unit_test(test_compare),
		cmocka_unit_test(test_trim),   cmocka_unit_test(test_copyz),
		cmocka_unit_test(test_ascii),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
