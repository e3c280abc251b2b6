/* sdp/codec: names of codecs, and the numbers that each leg has for them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "sdp/codec.h"

static void
test_parse(void **state)
{
	static const struct {
		const char *list;
		enum err want;
		unsigned n;
	} rows[] = {
		{"", ERR_OK, 0},
		{"PCMA", ERR_OK, 1},
		{"pcma,PCMU, g722", ERR_OK, 3},
		{"PCMA,pcma", ERR_EXISTS, 0},
		{"PCMA,,PCMU", ERR_NOTFOUND, 0},
		{"G711", ERR_NOTFOUND, 0},
		{"telephone-event", ERR_NOTFOUND, 0}, /* it goes along with any */
		{"PCMU,PCMA,G722,G729,opus,G723,G726-16,G726-24,G726-32,G726-40,G728,G7221,GSM,"
		 "iLBC,AMR,AMR-WB",
		 ERR_OK, 16},
		{"PCMU,PCMA,G722,G729,opus,G723,G726-16,G726-24,G726-32,G726-40,G728,G7221,GSM,"
		 "iLBC,AMR,AMR-WB,EVS",
		 ERR_LONG, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sdp_codecs c = {0};
		enum err e = sdp_codecs_parse(str_from(rows[i].list), &c);

		if (e != rows[i].want || c.n != rows[i].n)
			fail_msg("\"%s\": %s, %u", rows[i].list, err_name(e), c.n);
	}
}

static void
test_rank(void **state)
{
	struct sdp_codecs c, none = {0};

	(void)state;
	assert_int_equal(sdp_codecs_parse(STR("G722,PCMA"), &c), ERR_OK);
	assert_int_equal(sdp_codecs_rank(&c, STR("g722")), 0);
	assert_int_equal(sdp_codecs_rank(&c, STR("PCMA")), 1);
	assert_int_equal(sdp_codecs_rank(&c, STR("PCMU")), 2);
	assert_int_equal(sdp_codecs_rank(&none, STR("PCMU")), 0);
}

static void
test_of(void **state)
{
	static const struct {
		struct sdp_format f;
		const char *name; /* NULL: nothing describes it */
		uint32_t clock;
		bool side, event;
	} rows[] = {
		{{.pt = 8}, "PCMA", 8000, false, false},
		{{.pt = 13}, "CN", 8000, true, false},
		{{.pt = 96}, NULL, 0, false, false},
		{{.pt = SDP_PT_NONE}, NULL, 0, false, false},
		{{.pt = 96, .codec = {"Telephone-Event", 15}, .clock = 48000, .channels = 1},
		 "Telephone-Event",
		 48000,
		 true,
		 true},
		{{.pt = 9, .codec = {"G722", 4}, .clock = 8000, .channels = 1},
		 "G722",
		 8000,
		 false,
		 false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sdp_codec c;
		bool is = sdp_codec_of(&rows[i].f, &c);

		assert_int_equal(is, rows[i].name != NULL);
		if (!is)
			continue;
		assert_true(str_eqz(c.name, rows[i].name));
		assert_int_equal(c.clock, rows[i].clock);
		assert_int_equal(sdp_codec_is_side(&c), rows[i].side);
		assert_int_equal(sdp_codec_is_event(&c), rows[i].event);
	}
}

static uint32_t
number(const char *name, uint32_t clock, uint8_t channels)
{
	const struct sdp_codec c = {str_from(name), clock, channels};

	return sdp_codec_number(&c);
}

static void
test_number(void **state)
{
	uint32_t opus = number("opus", 48000, 2);

	(void)state;
	assert_int_equal(opus, number("OPUS", 48000, 2));
	assert_true(sdp_codec_same(opus, opus + SDP_CODEC_TWINS - 1));
	assert_false(sdp_codec_same(opus, number("opus", 48000, 1)));
	assert_false(sdp_codec_same(opus, number("opus", 16000, 2)));
	assert_false(sdp_codec_same(opus, number("speex", 48000, 2)));
}

/* RFC 3264 8.3.2: a number never comes to mean another codec of the leg. */
static void
test_list(void **state)
{
	uint32_t event = number("telephone-event", 8000, 1), opus = number("opus", 48000, 2),
		 amr = number("AMR", 8000, 1);
	struct sdp_numbers n = {0};
	struct sdp_list l = {0};

	(void)state;
	sdp_numbers_learn(&n, event, 96);
	sdp_numbers_learn(&n, 77, 8); /* a static one is what it is */
	assert_int_equal(n.n, 1);
	assert_true(sdp_list_add(&l, &n, opus, 96)); /* 96 is the leg's events */
	assert_true(sdp_list_add(&l, &n, event, 101));
	assert_true(sdp_list_add(&l, &n, 77, 8));
	assert_true(sdp_list_add(&l, &n, amr, 110));
	assert_int_equal(l.n, 4);
	assert_true(l.pt[0] == 97 && l.pt[1] == 96 && l.pt[2] == 8 && l.pt[3] == 110);
	assert_true(l.from[0] == 96 && l.from[1] == 101 && l.from[2] == 8 && l.from[3] == 110);
	l.n = 0; /* the next offer: the same numbers, whatever they come from */
	assert_true(sdp_list_add(&l, &n, amr, 96));
	assert_true(sdp_list_add(&l, &n, opus, 97));
	assert_true(l.pt[0] == 110 && l.pt[1] == 97);
	sdp_numbers_learn(&n, opus, 110); /* the leg itself numbers anew */
	l.n = 0;
	assert_true(sdp_list_add(&l, &n, opus, 96));
	assert_true(sdp_list_add(&l, &n, amr, 110));
	assert_true(l.pt[0] == 110 && l.pt[1] != 110 && l.pt[1] >= 96);
}

/* More codecs than are remembered, than there are numbers, than fit. */
static void
test_many(void **state)
{
	struct sdp_numbers n = {0};
	struct sdp_list l = {0};

	(void)state;
	for (uint32_t i = 0; i < SDP_FORMATS_MAX; i++) {
		assert_true(sdp_list_add(&l, &n, 1000 + 4 * i, 96));
		assert_null(memchr(l.pt, l.pt[i], i));
	}
	assert_int_equal(n.n, SDP_NUMBERS_MAX);
	assert_false(sdp_list_add(&l, &n, 4, 120));
	assert_int_equal(l.n, SDP_FORMATS_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse), cmocka_unit_test(test_rank),
		cmocka_unit_test(test_of),    cmocka_unit_test(test_number),
		cmocka_unit_test(test_list),  cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests_name("sdp codec", tests, NULL, NULL);
}
