/* What is kept of any bytes: no key behind "inline:", no answer to a challenge; no more than fits.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ha/redact.h"
#include "ops/siptext.h"

static char copy[16384], again[16384], json[512 * 1024];

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint64_t key[2] = {1, 2};
	struct str msg = str_of(data, size > 8192 ? 8192 : size);
	struct redact_seen seen;
	struct buf a, b;

	buf_init(&a, copy, sizeof(copy));
	redact_copy(key, msg, &a, &seen);
	for (size_t i = 0; i + 7 < a.len; i++)
		if (str_istarts(str_of(copy + i, a.len - i), STR("inline:")) &&
		    (ascii_alnum(copy[i + 7]) || copy[i + 7] == '+' || copy[i + 7] == '/'))
			abort();
	/* a smaller room holds the beginning of it */
	buf_init(&b, again, a.len / 2);
	redact_copy(key, msg, &b, &seen);
	if (b.len > a.len || memcmp(again, copy, b.len) != 0)
		abort();
	buf_init(&b, json, sizeof(json));
	siptext_put_diff(&b, msg, buf_view(&a));
	if (size <= 4096 && !a.failed && buf_end(&b) != ERR_OK)
		abort();
	return 0;
}
