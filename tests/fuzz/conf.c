/* Configuration and accounts text: each finding stands inside the file, a refusal has at least
 * one, and what is accepted keeps its own rules. */
#include <stdlib.h>
#include <string.h>

#include "conf/accountsfile.h"
#include "conf/load.h"
#include "policy/snapbuild.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_finding(void *arg, const struct conf_finding *f)
{
	const uint32_t *lines = arg;

	if (f->line > *lines || (f->line == 0) != (f->column == 0) ||
	    !memchr(f->text, 0, sizeof(f->text)) || f->text[0] == 0)
		abort();
}

static void
check_conf(const struct conf *c)
{
	const struct conf *blob;

	if (conf_open(str_of(c, sizeof(*c)), &blob) != ERR_OK || c->n_media == 0 ||
	    c->media_customer >= c->n_media || c->media_carrier >= c->n_media || c->port_min % 2 ||
	    c->port_min >= c->port_max || c->n_listeners == 0)
		abort();
	for (uint32_t i = 0; i < c->n_listeners; i++)
		if (c->listener[i].bind.port == 0 || c->listener[i].advertised.family == 0 ||
		    (c->listener[i].transport == CONF_TLS) != (c->listener[i].zone < c->n_zones))
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct conf conf;
	uint32_t lines = 2;
	struct conf_report rep = {.on_finding = check_finding, .arg = &lines};
	struct str text = str_of(data, size), bytes;
	struct roster r;
	enum err e;

	for (size_t i = 0; i < size; i++) /* all that YAML takes for the end of a line */
		lines += data[i] == '\n' || data[i] == '\r' || data[i] >= 0x80;
	e = conf_parse(text, "/d", &rep, &conf);
	if (e == ERR_OK)
		check_conf(&conf);
	else if (rep.n_errors == 0)
		abort();
	rep.n_errors = 0;
	roster_init(&r);
	e = accountsfile_parse(text, NULL, &rep, &r);
	if (e == ERR_OK && snapshot_build(&r, &bytes) == ERR_OK)
		mem_free((void *)(uintptr_t)bytes.p);
	else if (rep.n_errors == 0)
		abort(); /* accepted, but no snapshot comes of it; or refused without a word */
	roster_fini(&r);
	return 0;
}
