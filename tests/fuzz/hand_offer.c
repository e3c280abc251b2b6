/* What the store keeps of a ClientHello's offer: any text is read or refused, and what is read is
 * written back the same. */
#include <assert.h>
#include <string.h>

#include "ops/handjson.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tls_record r = {.n_versions = 0};
	struct hand_offer o, again;
	char mem[HANDJSON_OFFER_MAX];
	struct buf b;

	if (handjson_read_offer(str_of(data, size), &o) != ERR_OK)
		return 0;
	memcpy(r.offered_versions, o.version, sizeof(o.version));
	memcpy(r.offered_suites, o.suite, sizeof(o.suite));
	memcpy(r.offered_sigalgs, o.sigalg, sizeof(o.sigalg));
	r.n_versions = o.n_versions;
	r.n_suites = o.n_suites;
	r.n_sigalgs = o.n_sigalgs;
	buf_init(&b, mem, sizeof(mem));
	handjson_put_offer(&b, &r);
	assert(buf_end(&b) == ERR_OK);
	assert(handjson_read_offer(buf_view(&b), &again) == ERR_OK);
	assert(again.n_versions == o.n_versions && again.n_suites == o.n_suites &&
	       again.n_sigalgs == o.n_sigalgs);
	assert(memcmp(again.suite, o.suite, o.n_suites * sizeof(o.suite[0])) == 0);
	return 0;
}
