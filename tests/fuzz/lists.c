/* What comes over HTTP, as revocation list and as OCSP answer. Nothing here knows the key of the
 * authority that is made for this run, so no answer may ever be found good. */
#include <stdlib.h>

#include "../unit/net/testca.h"

#include "base/clock.h"
#include "net/tlscrl.h"
#include "net/tlsdates.h"
#include "net/tlsocsp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct str
make_chain(void)
{
	struct ca_opts o = {.cn = "leaf", .from_day = -1};
	X509 *both[2];
	struct str pem;

	both[1] = ca_root("Root");
	o.key = ca_keys()->leaf;
	o.issuer = both[1];
	o.issuer_key = ca_keys()->ca;
	both[0] = ca_cert(&o);
	pem = ca_pem(0, both, 2);
	X509_free(both[0]);
	X509_free(both[1]);
	ca_keys_free();
	return pem;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct str chain;
	struct tls_text text = {.bytes = str_of(data, size), .label = STR("fuzz")};
	struct tls_crls *crls = NULL;
	struct tls_crl_dates dates;
	struct tls_ocsp_good good;
	char mem[512];
	struct buf why;

	if (!chain.len)
		chain = make_chain();
	buf_init(&why, mem, sizeof(mem));
	if (tls_ocsp_judge(chain, text.bytes, clock_wall_us(), &good, &why) == ERR_OK)
		abort();
	if (why.len == 0)
		abort(); /* a refusal says why */
	/* what admin takes for a list with an end, the index takes as well */
	buf_init(&why, mem, sizeof(mem));
	if (tls_crls_new(&text, 1, &why, &crls) != ERR_OK ||
	    (tls_crl_dates(text.bytes, &dates) == ERR_OK && dates.next_us &&
	     tls_crls_count(crls) == 0))
		abort();
	tls_crls_free(&crls);
	return 0;
}
