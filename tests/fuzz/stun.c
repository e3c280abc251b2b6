/* A datagram as STUN. Properties: what is a request names its user where the packet path looks for
 * it; an answer to it is no larger than a request with a user name of ours is, and has the form
 * and the print that a request must have. */
#include <stdlib.h>
#include <string.h>

#include "base/octets.h"
#include "rtp/stun.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(c)                                                                                    \
	do {                                                                                       \
		if (!(c))                                                                          \
			abort();                                                                   \
	} while (0)

static void
answer(const struct stun_request *r, unsigned status)
{
	static const struct addr seen[] = {{.family = 4, .port = 5000}, {.family = 6, .port = 1}};
	uint8_t p[STUN_ANSWER_MAX];
	struct stun_request again;
	struct buf b;

	for (int i = 0; i < 2; i++) {
		buf_init(&b, p, sizeof(p));
		if (stun_answer(r, status, &seen[i], STR("0123456789012345678901"), &b) != ERR_OK)
			continue;
		MUST(b.len % 4 == 0 && octets_get16(p + 2) == b.len - 20);
		MUST(stun_parse(p, b.len, &again) == ERR_UNSUPPORTED);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct stun_request r;

	(void)stun_names(data, size, 0);
	if (stun_parse(data, size, &r) != ERR_OK)
		return 0;
	MUST(r.signed_at == 0 || r.signed_at + 24 < size);
	MUST(r.user.len <= size && r.n_unknown <= STUN_UNKNOWN_MAX);
	if (r.user.len > STUN_UFRAG_KEPT && (const uint8_t *)r.user.p < data + r.signed_at)
		MUST(stun_names(data, size, octets_get32((const uint8_t *)r.user.p)));
	(void)stun_is_signed(&r, STR("0123456789012345678901"));
	answer(&r, STUN_SUCCESS);
	answer(&r, STUN_ROLE_CONFLICT);
	answer(&r, STUN_UNKNOWN);
	return 0;
}
