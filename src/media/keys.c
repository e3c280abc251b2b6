#include "media/keys.h"

#include "base/mem.h"
#include "base/secret.h"

enum err
keys_init(struct keys *k, const struct flow_secrets *secrets, uint32_t n_slots)
{
	*k = (struct keys){.secrets = secrets, .n_slots = n_slots};
	if (secrets->n_slots < n_slots)
		return ERR_RANGE;
	k->slots = mem_zalloc(n_slots, sizeof(*k->slots));
	if (!k->slots)
		return ERR_NOMEM;
	if (pool_init(&k->pool, KEYS_A_SLOT * n_slots, sizeof(struct keys_entry)) != ERR_OK) {
		MEM_FREE(k->slots);
		return ERR_NOMEM;
	}
	return ERR_OK;
}

static void
drop_key(struct keys *k, struct keys_entry **e)
{
	if (!*e)
		return;
	srtp_key_fini(&(*e)->key);
	pool_put(&k->pool, *e);
	*e = NULL;
}

void
keys_drop(struct keys *k, uint32_t slot)
{
	drop_key(k, &k->slots[slot].in);
	drop_key(k, &k->slots[slot].in_old);
	drop_key(k, &k->slots[slot].out);
}

void
keys_fini(struct keys *k)
{
	for (uint32_t i = 0; k->slots && i < k->n_slots; i++)
		keys_drop(k, i);
	MEM_FREE(k->slots);
	pool_fini(&k->pool);
}

/* serial 0: none wanted. */
static enum err
load_key(struct keys *k, const struct media_master pair[2], uint32_t serial, unsigned suite,
	 struct keys_entry **place)
{
	struct media_master m;
	struct keys_entry *e;
	enum err err;

	if (*place && (*place)->serial != serial)
		drop_key(k, place);
	if (*place || serial == 0)
		return ERR_OK;
	err = media_secret_get(pair, serial, &m);
	if (err != ERR_OK)
		return err;
	e = pool_get(&k->pool);
	err = e ? srtp_key_init(&e->key, suite, m.key, m.salt) : ERR_NOMEM;
	secret_wipe(&m, sizeof(m));
	if (err != ERR_OK) {
		pool_put(&k->pool, e);
		return err;
	}
	e->serial = serial;
	*place = e;
	return ERR_OK;
}

enum err
keys_sync(struct keys *k, uint32_t slot, const struct flow_row *r)
{
	struct keys_slot *s = &k->slots[slot];
	const struct media_secret *m = &k->secrets->rows[slot];
	bool want = r->open && (r->conf.flags & MEDIA_F_SECURE);
	uint32_t in = want ? r->in.serial : 0, old = want ? r->in.old_serial : 0;
	enum err err[KEYS_A_SLOT];

	if (s->in && s->in->serial == old && old != in) {
		drop_key(k, &s->in_old);
		s->in_old = s->in;
		s->in = NULL;
	}
	err[0] = load_key(k, m->in, in, r->conf.in_suite, &s->in);
	err[1] = load_key(k, m->in, old, r->in.old_suite, &s->in_old);
	err[2] = load_key(k, m->out, want ? r->out.serial : 0, r->conf.out_suite, &s->out);
	for (int i = 0; i < KEYS_A_SLOT; i++)
		if (err[i] != ERR_OK)
			return err[i];
	return ERR_OK;
}

struct srtp_key *
keys_in(const struct keys *k, uint32_t slot, uint32_t serial)
{
	const struct keys_slot *s = &k->slots[slot];

	if (serial == 0)
		return NULL;
	if (s->in && s->in->serial == serial)
		return &s->in->key;
	if (s->in_old && s->in_old->serial == serial)
		return &s->in_old->key;
	return NULL;
}

struct srtp_key *
keys_out(const struct keys *k, uint32_t slot)
{
	return k->slots[slot].out ? &k->slots[slot].out->key : NULL;
}
