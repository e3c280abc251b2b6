#include "rows.h"

#include "base/codec.h"
#include "base/random.h"

/* RFC 4648 10 */
static const struct {
	const char *plain, *b64, *b64_bare, *b32, *hex;
} vectors[] = {
	{"", "", "", "", ""},
	{"f", "Zg==", "Zg", "my", "66"},
	{"fo", "Zm8=", "Zm8", "mzxq", "666f"},
	{"foo", "Zm9v", "Zm9v", "mzxw6", "666f6f"},
	{"foob", "Zm9vYg==", "Zm9vYg", "mzxw6yq", "666f6f62"},
	{"fooba", "Zm9vYmE=", "Zm9vYmE", "mzxw6ytb", "666f6f6261"},
	{"foobar", "Zm9vYmFy", "Zm9vYmFy", "mzxw6ytboi", "666f6f626172"},
};

static void
test_vectors(void **state)
{
	int bad = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
		struct str in = str_from(vectors[i].plain);
		char mem[32], back[8];
		size_t n = 99;
		struct buf b;

		buf_init(&b, mem, sizeof(mem));
		codec_b64_put(&b, in.p, in.len, true);
		bad += row_str("base64", buf_view(&b), str_from(vectors[i].b64));
		bad += row_err("base64", codec_b64_get(buf_view(&b), back, in.len, &n), ERR_OK);
		bad += row_str("base64 back", str_of(back, n), in);
		buf_reset(&b);
		codec_b64_put(&b, in.p, in.len, false);
		bad += row_str("base64 bare", buf_view(&b), str_from(vectors[i].b64_bare));
		bad += row_err("base64 bare", codec_b64_get(buf_view(&b), back, in.len, &n),
			       ERR_OK);
		bad += row_str("base64 bare back", str_of(back, n), in);
		buf_reset(&b);
		codec_b32_put(&b, in.p, in.len);
		bad += row_str("base32", buf_view(&b), str_from(vectors[i].b32));
		buf_reset(&b);
		codec_hex_put(&b, in.p, in.len);
		bad += row_str("hex", buf_view(&b), str_from(vectors[i].hex));
		bad += row_err("hex", codec_hex_get(buf_view(&b), back, in.len, &n), ERR_OK);
		bad += row_str("hex back", str_of(back, n), in);
	}
	assert_int_equal(bad, 0);
}

static void
test_b64_bad(void **state)
{
	static const struct {
		const char *name;
		struct str s;
		size_t cap;
		enum err want;
	} rows[] = {
		{"one character", STR("Z"), 8, ERR_SYNTAX},
		{"five characters", STR("Zm9vY"), 8, ERR_SYNTAX},
		{"only =", STR("="), 8, ERR_SYNTAX},
		{"only ==", STR("=="), 8, ERR_SYNTAX},
		{"only ====", STR("===="), 8, ERR_SYNTAX},
		{"one = missing", STR("Zg="), 8, ERR_SYNTAX},
		{"three =", STR("Zg==="), 8, ERR_SYNTAX},
		{"one = too many", STR("Zm8=="), 8, ERR_SYNTAX},
		{"= behind a whole group", STR("Zm9v="), 8, ERR_SYNTAX},
		{"== behind a whole group", STR("Zm9v=="), 8, ERR_SYNTAX},
		{"==== behind a whole group", STR("Zm9v===="), 8, ERR_SYNTAX},
		{"three = in a group", STR("Z==="), 8, ERR_SYNTAX},
		{"= in the middle", STR("Zg==Zg=="), 8, ERR_SYNTAX},
		{"= first", STR("=Zg="), 8, ERR_SYNTAX},
		{"line end", STR("Zm9v\r\n"), 8, ERR_SYNTAX},
		{"space inside", STR("Zm 9v"), 8, ERR_SYNTAX},
		{"URL alphabet", STR("-_-_"), 8, ERR_SYNTAX},
		{"NUL", STR("Zm9\0"), 8, ERR_SYNTAX},
		{"high byte", STR("Zm9\xff"), 8, ERR_SYNTAX},
		{"no room", STR("Zg=="), 0, ERR_LONG},
		{"one too many", STR("Zm9v"), 2, ERR_LONG},
		{"last byte too many", STR("Zm9vYg"), 3, ERR_LONG},
	};
	int bad = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		unsigned char dst[9];
		size_t n = 77;

		memset(dst, 0xee, sizeof(dst));
		bad += row_err(rows[i].name, codec_b64_get(rows[i].s, dst, rows[i].cap, &n),
			       rows[i].want);
		bad += row_num(rows[i].name, n, 77);
		bad += row_num(rows[i].name, dst[rows[i].cap], 0xee);
	}
	assert_int_equal(bad, 0);
}

/* Every byte at every place of a group: only the 64 of the alphabet are taken (RFC 4648 4). */
static void
test_b64_alphabet(void **state)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned char dst[8];
	size_t n;

	(void)state;
	for (int c = 0; c < 256; c++)
		for (size_t at = 0; at < 4; at++) {
			char in[] = "AAAABBBB";
			const char *digit = c ? strchr(alphabet, c) : NULL;
			enum err e;

			in[at] = (char)c;
			e = codec_b64_get(str_of(in, 8), dst, sizeof(dst), &n);
			assert_int_equal(e, digit ? ERR_OK : ERR_SYNTAX);
			if (digit && at == 0)
				assert_int_equal(dst[0], (digit - alphabet) << 2);
		}
}

static void
test_hex_bad(void **state)
{
	static const struct {
		const char *name;
		struct str s;
		size_t cap;
		enum err want;
	} rows[] = {
		{"odd", STR("abc"), 8, ERR_SYNTAX},      {"g", STR("0g"), 8, ERR_SYNTAX},
		{"high half", STR("g0"), 8, ERR_SYNTAX}, {"space", STR("a b0"), 8, ERR_SYNTAX},
		{"0x", STR("0x12"), 8, ERR_SYNTAX},      {"NUL", STR("0\0"), 8, ERR_SYNTAX},
		{"/", STR("0/"), 8, ERR_SYNTAX},         {":", STR("0:"), 8, ERR_SYNTAX},
		{"@", STR("0@"), 8, ERR_SYNTAX},         {"`", STR("0`"), 8, ERR_SYNTAX},
		{"no room", STR("00"), 0, ERR_LONG},     {"one too many", STR("0011"), 1, ERR_LONG},
	};
	unsigned char dst[8];
	size_t n = 77;
	int bad = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		bad += row_err(rows[i].name, codec_hex_get(rows[i].s, dst, rows[i].cap, &n),
			       rows[i].want);
	assert_int_equal(bad, 0);
	assert_int_equal(n, 77);
	assert_int_equal(codec_hex_get(STR("0aF9Ab"), dst, 3, &n), ERR_OK);
	assert_int_equal(n, 3);
	assert_memory_equal(dst, "\x0a\xf9\xab", 3);
}

/* Base32 of one byte sequence, the bits counted one by one. */
static void
slow_b32(const unsigned char *p, size_t len, char *out)
{
	size_t n = (8 * len + 4) / 5;

	for (size_t i = 0; i < n; i++) {
		unsigned v = 0;

		for (size_t bit = 5 * i; bit < 5 * i + 5; bit++)
			v = v << 1 | (bit < 8 * len && (p[bit / 8] >> (7 - bit % 8) & 1));
		out[i] = "abcdefghijklmnopqrstuvwxyz234567"[v];
	}
	out[n] = 0;
}

static void
test_random(void **state)
{
	(void)state;
	for (int round = 0; round < 3000; round++) {
		unsigned char in[50], back[50];
		char mem[128], slow[96];
		size_t len = random_below(sizeof(in) + 1), n = 0;
		struct buf b;

		random_bytes(in, len);
		buf_init(&b, mem, sizeof(mem));
		codec_b64_put(&b, in, len, round & 1);
		assert_int_equal(codec_b64_get(buf_view(&b), back, len, &n), ERR_OK);
		assert_int_equal(n, len);
		assert_memory_equal(back, in, len);
		buf_reset(&b);
		codec_hex_put(&b, in, len);
		assert_int_equal(codec_hex_get(buf_view(&b), back, len, &n), ERR_OK);
		assert_int_equal(n, len);
		assert_memory_equal(back, in, len);
		buf_reset(&b);
		codec_b32_put(&b, in, len);
		slow_b32(in, len, slow);
		assert_string_equal(buf_cstr(&b), slow);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),      cmocka_unit_test(test_b64_bad),
		cmocka_unit_test(test_b64_alphabet), cmocka_unit_test(test_hex_bad),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
