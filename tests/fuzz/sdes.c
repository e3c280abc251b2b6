/* What stands behind "a=crypto:". Properties: print(parse(x)) parses to the same; the masked line
 * does not hold the key; a line that takes protection away is never taken. */
#include <stdlib.h>

#include "sdp/keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(c)                                                                                    \
	do {                                                                                       \
		if (!(c))                                                                          \
			abort();                                                                   \
	} while (0)

static void
must_be_masked(struct str line)
{
	char mem[2 * SDP_CRYPTO_LINE_MAX];
	struct buf b;
	struct str rest;

	buf_init(&b, mem, sizeof(mem));
	sdp_mask_keys(&b, line);
	MUST(buf_end(&b) == ERR_OK);
	rest = buf_view(&b);
	for (size_t at = str_find(rest, STR("inline:")); at < rest.len;
	     at = str_find(rest, STR("inline:"))) {
		rest = str_from_at(rest, at + 7);
		MUST(str_starts(rest, STR("***")));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str line = str_of(data, size), suite;
	struct sdp_crypto c, again;
	char mem[2 * SDP_CRYPTO_LINE_MAX];
	uint32_t tag;
	struct buf b;

	if (size <= SDP_CRYPTO_LINE_MAX / 4)
		must_be_masked(line);
	if (sdp_crypto_parse(line, &c) != ERR_OK)
		return 0;
	MUST(sdp_crypto_tag(line, &tag, &suite) == ERR_OK && tag == c.tag);
	MUST(sdp_suite_find(suite) == c.suite && c.n_keys > 0);
	MUST(c.keys[0].key_len == sdp_suite_info(c.suite)->key_len);
	MUST(str_find(line, STR(" UNENCRYPTED_SRTP ")) == line.len);
	buf_init(&b, mem, sizeof(mem));
	sdp_crypto_put(&b, &c);
	MUST(buf_end(&b) == ERR_OK);
	/* padding and the longest numbers may make a line at the limit longer than it */
	MUST(sdp_crypto_parse(buf_view(&b), &again) == ERR_OK || b.len > SDP_CRYPTO_LINE_MAX);
	MUST(b.len > SDP_CRYPTO_LINE_MAX || sdp_crypto_eq(&c, &again));
	return 0;
}
