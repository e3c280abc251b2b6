/* Fetched lists and staples as one block. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/fetched.h"
#include "base/mem.h"
#include "base/shm.h"

static struct fetched_entry entry[FETCHED_MAX + 1];

static void
test_round_trip(void **state)
{
	struct fetched_entry got;
	struct str block;
	int fd;

	(void)state;
	entry[0] = (struct fetched_entry){.kind = FETCHED_CRL, .label = "http://a/x.crl"};
	entry[0].bytes = STR("one");
	entry[1] = (struct fetched_entry){.kind = FETCHED_STAPLE, .until_us = 77};
	memset(entry[1].fingerprint, 9, sizeof(entry[1].fingerprint));
	entry[1].bytes = STR("staple");
	entry[2] = (struct fetched_entry){.kind = FETCHED_CRL};
	assert_int_equal(fetched_make(entry, 3, &fd), ERR_OK);
	assert_int_equal(shm_blob_map(fd, &block), ERR_OK);
	close(fd);
	assert_int_equal(fetched_get(block, 0, &got), ERR_OK);
	assert_int_equal(got.kind, FETCHED_CRL);
	assert_string_equal(got.label, "http://a/x.crl");
	assert_true(str_eqz(got.bytes, "one"));
	assert_int_equal(fetched_get(block, 1, &got), ERR_OK);
	assert_int_equal(got.kind, FETCHED_STAPLE);
	assert_int_equal(got.until_us, 77);
	assert_memory_equal(got.fingerprint, entry[1].fingerprint, 32);
	assert_true(str_eqz(got.bytes, "staple"));
	assert_int_equal(fetched_get(block, 2, &got), ERR_OK);
	assert_int_equal(got.bytes.len, 0);
	assert_int_equal(fetched_get(block, 3, &got), ERR_NOTFOUND);
	shm_blob_unmap(&block);
}

static void
test_bounds(void **state)
{
	struct str block;
	int fd;

	(void)state;
	memset(entry, 0, sizeof(entry));
	assert_int_equal(fetched_make(entry, FETCHED_MAX + 1, &fd), ERR_LONG);
	entry[0].bytes = str_of("", FETCHED_BYTES_MAX); /* its length is looked at first */
	assert_int_equal(fetched_make(entry, 1, &fd), ERR_LONG);
	assert_int_equal(fetched_make(entry, 0, &fd), ERR_OK);
	assert_int_equal(shm_blob_map(fd, &block), ERR_OK);
	close(fd);
	assert_int_equal(fetched_get(block, 0, entry), ERR_NOTFOUND);
	shm_blob_unmap(&block);
}

/* Whatever one byte of the table says, nothing outside the block is read. */
static void
test_broken(void **state)
{
	struct fetched_entry got;
	struct str block;
	char *copy;
	int fd;

	(void)state;
	memset(entry, 0, sizeof(entry));
	entry[0].bytes = STR("one");
	assert_int_equal(fetched_make(entry, 1, &fd), ERR_OK);
	assert_int_equal(shm_blob_map(fd, &block), ERR_OK);
	close(fd);
	copy = mem_zalloc(1, block.len);
	assert_non_null(copy);
	for (size_t i = 0; i < 64; i++) {
		memcpy(copy, block.p, block.len);
		copy[i] ^= (char)0xff;
		if (fetched_get(str_of(copy, block.len), 0, &got) == ERR_OK && got.bytes.len)
			assert_true(got.bytes.p >= copy &&
				    got.bytes.p + got.bytes.len <= copy + block.len);
	}
	for (size_t n = 0; n < block.len; n += 997)
		assert_int_not_equal(fetched_get(str_of(copy, n), 0, &got), ERR_OK);
	mem_free(copy);
	shm_blob_unmap(&block);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_broken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
