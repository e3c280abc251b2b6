#include "call/said.h"

#include <string.h>

#include "base/secret.h"

static struct pool *
pool_of(struct calls *cs, size_t n)
{
	size_t k = 0;

	while (n > cs->said[k].size && k + 1 < ARRAY_LEN(cs->said))
		k++;
	return &cs->said[k];
}

enum err
said_init(struct calls *cs, uint32_t calls)
{
	static const size_t sizes[] = {CALL_SAID_SHORT, CALL_SAID_SMALL, CALL_SAID_USUAL,
				       CALL_SDP_MAX};
	enum err err = ERR_OK;

	for (size_t k = 0; k < ARRAY_LEN(sizes) && err == ERR_OK; k++)
		err = pool_init(&cs->said[k], CALL_LEGS * calls, sizes[k]);
	return err;
}

void
said_fini(struct calls *cs)
{
	for (size_t k = 0; k < ARRAY_LEN(cs->said); k++)
		if (cs->said[k].raw)
			pool_fini(&cs->said[k]);
}

struct str
said_of(const struct call *c, enum call_leg_index i)
{
	return str_of(c->leg[i].said.z, c->leg[i].said.n);
}

void
said_drop(struct call *c, enum call_leg_index i)
{
	struct call_said *said = &c->leg[i].said;

	if (!said->z)
		return;
	secret_wipe(said->z, said->n);
	pool_put(pool_of(c->owner, said->n), said->z);
	*said = (struct call_said){0};
}

enum err
said_put(struct call *c, enum call_leg_index i, struct str body)
{
	struct call_said *said = &c->leg[i].said;

	said_drop(c, i);
	if (body.len > CALL_SDP_MAX)
		return ERR_LONG;
	if (body.len == 0)
		return ERR_OK;
	said->z = pool_get(pool_of(c->owner, body.len));
	if (!said->z)
		return ERR_NOMEM;
	memcpy(said->z, body.p, body.len);
	said->n = body.len;
	return ERR_OK;
}
