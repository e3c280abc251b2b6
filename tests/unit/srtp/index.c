#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "srtp/index.h"

#define IX(roc, seq) ((uint64_t)(roc) << 16 | (seq))

static void
test_table(void **state)
{
	static const struct {
		const char *name;
		uint64_t highest;
		uint16_t seq;
		uint64_t want;
	} rows[] = {
		{"next", IX(0, 5), 6, IX(0, 6)},
		{"same", IX(0, 5), 5, IX(0, 5)},
		{"before", IX(0, 5), 4, IX(0, 4)},
		{"roc 0, half ahead", IX(0, 5), 5 + 32768, IX(0, 5 + 32768)},
		{"roc 0, no roc below", IX(0, 5), 65535, IX(0, 65535)},
		{"roc 0, wrap", IX(0, 65535), 0, IX(1, 0)},
		{"roc 0, wrap with a gap", IX(0, 65000), 1000, IX(1, 1000)},
		{"late across the wrap", IX(1, 2), 65534, IX(0, 65534)},
		{"half behind stays", IX(1, 40000), 40000 - 32768, IX(1, 40000 - 32768)},
		{"more than half behind is ahead", IX(1, 40000), 40000 - 32769, IX(2, 7231)},
		{"half ahead stays", IX(1, 100), 100 + 32768, IX(1, 32868)},
		{"more than half ahead is behind", IX(1, 100), 100 + 32769, IX(0, 32869)},
		{"at 2^16", IX(65535, 65535), 0, IX(65536, 0)},
		{"late at 2^16", IX(65536, 0), 65535, IX(65535, 65535)},
		{"the last index", IX(0xffffffffu, 65534), 65535, SRTP_INDEX_LIMIT - 1},
		{"beyond the last roc", IX(0xffffffffu, 65535), 0, SRTP_INDEX_LIMIT},
		{"the last roc, behind", IX(0xffffffffu, 100), 65000, IX(0xfffffffeu, 65000)},
		{"near roc 2^32 - 1", IX(0xfffffffeu, 65535), 3, IX(0xffffffffu, 3)},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint64_t got = srtp_index_estimate(rows[i].highest, rows[i].seq);

		if (got != rows[i].want)
			fail_msg("%s: got %llx, wanted %llx", rows[i].name, (unsigned long long)got,
				 (unsigned long long)rows[i].want);
	}
}

/* The text of RFC 3711 appendix A, for each pair at some rollover counters. */
static uint64_t
by_the_book(uint32_t roc, uint16_t s_l, uint16_t seq)
{
	uint64_t v = roc;

	if (s_l < 32768) {
		if (seq - s_l > 32768 && roc > 0)
			v = (uint64_t)roc - 1;
	} else if (s_l - 32768 > seq) {
		v = (uint64_t)roc + 1;
	}
	return v << 16 | seq;
}

static void
test_book(void **state)
{
	static const uint32_t rocs[] = {0, 1, 2, 65535, 65536, 0xfffffffeu, 0xffffffffu};

	(void)state;
	for (size_t r = 0; r < ARRAY_LEN(rocs); r++)
		for (uint32_t s_l = 0; s_l < 65536; s_l += 127)
			for (uint32_t seq = 0; seq < 65536; seq += 61)
				assert_int_equal(
					srtp_index_estimate(IX(rocs[r], s_l), (uint16_t)seq),
					by_the_book(rocs[r], (uint16_t)s_l, (uint16_t)seq));
}

static void
test_parts(void **state)
{
	(void)state;
	assert_int_equal(srtp_index_make(0xffffffffu, 0xffff), SRTP_INDEX_LIMIT - 1);
	assert_int_equal(srtp_index_roc(SRTP_INDEX_LIMIT - 1), 0xffffffffu);
	assert_int_equal(srtp_index_roc(IX(7, 9)), 7);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_book),
		cmocka_unit_test(test_parts),
	};

	return cmocka_run_group_tests_name("srtp/index", tests, NULL, NULL);
}
