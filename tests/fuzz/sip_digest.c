/* Any bytes as a challenge. What is read can be answered with one line that, as a challenge, has
 * the same realm, nonce and opaque. */
#include <stdlib.h>
#include <string.h>

#include "sip/digest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OUT_SIZE = 8192 };

static void
check(bool ok)
{
	if (!ok)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sip_digest_key key;
	struct str s = str_of(data, size);
	struct sip_challenge c, back;
	struct sip_digest_answer a = {.challenge = &c,
				      .key = &key,
				      .user = STR("user"),
				      .method = STR("INVITE"),
				      .uri = STR("sip:+15550100@gw.test"),
				      .cnonce = STR("c"),
				      .nc = 1};
	char out[OUT_SIZE];
	struct str line;
	struct buf b;

	if (sip_challenge_parse(s, &c) != ERR_OK)
		return 0;
	if (!key.has[DIGEST_MD5])
		sip_digest_key(STR("user"), STR("realm"), STR("password"), 7, &key);
	buf_init(&b, out, sizeof(out));
	check(sip_digest_put(&b, &a) == ERR_OK);
	if (b.failed) /* a CR, LF or NUL in a quoted text, which no message of a peer has */
		return 0;
	line = str_trim(buf_view(&b));
	for (size_t i = 0; i < line.len; i++)
		check(line.p[i] != '\r' && line.p[i] != '\n' && line.p[i] != 0);
	check(sip_challenge_parse(str_from_at(line, strlen("Authorization: ")), &back) == ERR_OK);
	check(str_eq(back.realm, c.realm) && str_eq(back.nonce, c.nonce) &&
	      str_eq(back.opaque, c.opaque) && back.alg == c.alg && back.qop == c.qop);
	return 0;
}
