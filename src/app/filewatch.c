#include "app/filewatch.h"

#include <sys/stat.h>

#include "conf/pki.h"
#include "base/clock.h"

/* FNV-1a, 64 bits: nobody chooses what goes in to make two marks meet. */
static void
mix(uint64_t *h, uint64_t v)
{
	for (int i = 0; i < 8; i++) {
		*h ^= (v >> (8 * i)) & 0xff;
		*h *= 0x100000001b3ULL;
	}
}

static void
mix_file(uint64_t *h, const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0) {
		mix(h, 1);
		return;
	}
	mix(h, st.st_dev);
	mix(h, st.st_ino);
	mix(h, (uint64_t)st.st_size);
	mix(h, (uint64_t)st.st_mtim.tv_sec);
	mix(h, (uint64_t)st.st_mtim.tv_nsec);
}

uint64_t
filewatch_mark(const struct conf *c)
{
	uint64_t h = 0xcbf29ce484222325ULL;

	for (uint32_t i = 0; i < c->n_zones; i++) {
		const struct conf_zone *z = &c->zone[i];

		mix_file(&h, z->certificate);
		mix_file(&h, z->key);
		for (uint32_t k = 0; k < z->n_trust; k++)
			mix_file(&h, z->trust[k]);
		for (uint32_t k = 0; k < z->n_crls; k++)
			mix_file(&h, z->crls[k]);
		if (z->trust_system || z->tls.authorities)
			mix_file(&h, PKI_SYSTEM_TRUST);
	}
	for (uint32_t i = 0; i < c->n_credentials; i++)
		mix_file(&h, c->credential[i].password_file);
	return h;
}

void
filewatch_used(struct filewatch *w, const struct conf *c, uint64_t now_us)
{
	w->used = w->seen = filewatch_mark(c);
	w->look_us = now_us + (uint64_t)FILEWATCH_ROUND_MS * CLOCK_MS;
}

bool
filewatch_changed(struct filewatch *w, const struct conf *c, uint64_t now_us)
{
	uint64_t last = w->seen;

	if (now_us < w->look_us)
		return false;
	w->look_us = now_us + (uint64_t)FILEWATCH_ROUND_MS * CLOCK_MS;
	w->seen = filewatch_mark(c);
	if (w->seen != last || w->seen == w->used)
		return false;
	w->used = w->seen; /* asked once, whatever comes of it */
	return true;
}
