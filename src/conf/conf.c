#include "conf/conf.h"

#include <string.h>

#include "call/port.h"

uint32_t
conf_calls_fit(const struct conf *c)
{
	uint32_t pairs = c->port_max > c->port_min ? (c->port_max - c->port_min + 1U) / 2 : 0;

	pairs -= port_reserve(pairs);
	return c->media_customer == c->media_carrier ? pairs / 2 : pairs;
}

void
conf_media_plan(const struct conf *c, struct media_plan *out)
{
	memset(out, 0, sizeof(*out));
	out->n_addrs = c->n_media;
	for (uint32_t i = 0; i < c->n_media; i++) {
		out->bound[i] = c->media[i].bind;
		out->advertised[i] = c->media[i].advertised;
	}
	out->port_min = c->port_min;
	out->port_max = c->port_max;
	out->n_workers = c->media_workers;
}

enum err
conf_open(struct str bytes, const struct conf **out)
{
	const struct conf *c = (const void *)bytes.p;

	if (bytes.len != sizeof(*c) || (uintptr_t)bytes.p % _Alignof(struct conf))
		return ERR_VERSION;
	if (c->magic != CONF_MAGIC || c->layout != CONF_LAYOUT || c->size != sizeof(*c))
		return ERR_VERSION;
	*out = c;
	return ERR_OK;
}

uint8_t
conf_media_index(const struct conf *c, struct str name)
{
	for (uint32_t i = 0; i < c->n_media; i++)
		if (str_eqz(name, c->media[i].name))
			return (uint8_t)i;
	return CONF_NO_ZONE;
}
