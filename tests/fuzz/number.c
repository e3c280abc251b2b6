/* Telephone numbers: what is read reads to itself again, is of one kind, and what routes has the
 * form that routing expects. The first byte chooses the country. */
#include <stdlib.h>
#include <string.h>

#include "policy/number.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_key(struct str pattern)
{
	uint64_t key, again;
	char mem[NUMBER_SIZE];
	struct buf b;

	if (number_key(pattern, &key) != ERR_OK)
		return;
	buf_init(&b, mem, sizeof(mem));
	number_key_put(&b, key);
	if (!str_eq(buf_view(&b), pattern) || number_key(buf_view(&b), &again) != ERR_OK ||
	    again != key)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const country[] = {"1", "44", "49", "7", "", "999"};
	struct number_plan p;
	struct number a, b;
	struct str in;

	if (size == 0)
		return 0;
	number_plan_default(&p);
	memset(p.country, 0, sizeof(p.country));
	strncpy(p.country, country[data[0] % ARRAY_LEN(country)], sizeof(p.country) - 1);
	in = str_of(data + 1, size - 1);
	check_key(in);
	if (number_read(&p, in, &a) != ERR_OK)
		return 0;
	if (number_read(&p, str_from(a.z), &b) != ERR_OK || strcmp(a.z, b.z) != 0 ||
	    a.kind != b.kind)
		abort();
	if (a.z[0] == 0 || a.z[strspn(a.z + (a.z[0] == '+'), "0123456789*#") + (a.z[0] == '+')])
		abort();
	if (a.kind == NUMBER_SERVICE && strspn(a.z, "0123456789") != 3)
		abort(); /* the short form, whatever stood before it */
	if (a.kind != NUMBER_OTHER && a.kind != NUMBER_EMERGENCY && a.kind != NUMBER_SERVICE) {
		uint64_t key;

		if (number_key(str_from(a.z), &key) != ERR_OK || (key & 1))
			abort();
	}
	return 0;
}
