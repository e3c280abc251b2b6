/* A provider's profile: what is taken has versions in order and a name, and is compared with facts
 * of any kind without a fault. */
#include <stdlib.h>
#include <string.h>

#include "ready/profile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct ready_report out;
	static struct probe_facts f;
	struct conf_report rep = {0};
	struct ready_profile p;

	if (readyprofile_parse(str_of(data, size), &rep, &p) != ERR_OK) {
		if (rep.n_errors == 0 && size <= PROFILE_TEXT_MAX)
			abort(); /* refused, and nobody knows why */
		return 0;
	}
	if (!p.name[0] || p.tls_min > p.tls_max || p.n_notes > PROFILE_NOTES_MAX)
		abort();
	memset(&out, 0, sizeof(out));
	readyprofile_run(&p, &f, &out);
	for (unsigned i = 0; i < out.n; i++)
		if (!out.line[i].seen[0] || !out.line[i].title[0])
			abort();
	return 0;
}
