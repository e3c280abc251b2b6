/* Revocation lists as they come from files and from strangers' servers: read, counted, asked. What
 * nobody has signed says nothing. */
#include <stdlib.h>

#include "net/tlscrl.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tls_text text = {.bytes = str_of(data, size), .label = STR("fuzz")};
	struct cert_id id = {.len = 1};
	struct tls_crls *crls = NULL;
	char mem[256];
	struct buf why;

	buf_init(&why, mem, sizeof(mem));
	if (tls_crls_new(&text, 1, &why, &crls) != ERR_OK)
		return 0;
	if (tls_crls_count(crls) == 0 && why.len == 0)
		abort(); /* left out without a word */
	if (tls_crls_named(crls, &id))
		abort();
	tls_crls_free(&crls);
	return 0;
}
