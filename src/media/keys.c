#include "media/keys.h"

#include "base/mem.h"
#include "base/secret.h"

enum err
keys_init(struct keys *k, struct srtp_ctx *srtp, const struct flow_secrets *secrets,
	  uint32_t n_slots)
{
	*k = (struct keys){.srtp = srtp, .secrets = secrets, .n_slots = n_slots};
	if (secrets->n_slots < n_slots)
		return ERR_RANGE;
	k->slots = mem_zalloc(n_slots, sizeof(*k->slots));
	return k->slots ? ERR_OK : ERR_NOMEM;
}

static void
drop_key(struct keys *k, struct keys_entry *e)
{
	srtp_key_free(k->srtp, &e->key);
	e->serial = 0;
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
}

/* serial 0: none wanted. */
static enum err
load_key(struct keys *k, const struct media_master pair[2], uint32_t serial, unsigned suite,
	 struct keys_entry *e)
{
	struct media_master m;
	enum err err;

	if (e->key && e->serial != serial)
		drop_key(k, e);
	if (e->key || serial == 0)
		return ERR_OK;
	err = media_secret_get(pair, serial, &m);
	if (err != ERR_OK)
		return err;
	err = srtp_key_new(k->srtp, suite, m.key, m.salt, &e->key);
	if (err == ERR_OK)
		err = srtp_key_set_mki(e->key, m.mki, m.mki_len);
	e->life = m.life;
	secret_wipe(&m, sizeof(m));
	if (err == ERR_OK)
		e->serial = serial;
	return err;
}

enum err
keys_sync(struct keys *k, uint32_t slot, const struct flow_row *r)
{
	struct keys_slot *s = &k->slots[slot];
	const struct media_secret *m = &k->secrets->rows[slot];
	bool want = r->open && (r->conf.flags & MEDIA_F_SECURE);
	uint32_t in = want ? r->in.serial : 0, old = want ? r->in.old_serial : 0;
	enum err err[KEYS_A_SLOT];

	if (s->in.key && s->in.serial == old && old != in) {
		drop_key(k, &s->in_old);
		s->in_old = s->in;
		s->in = (struct keys_entry){0};
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
	if (s->in.serial == serial)
		return s->in.key;
	if (s->in_old.serial == serial)
		return s->in_old.key;
	return NULL;
}

bool
keys_in_ends(const struct keys *k, uint32_t slot, const struct flow_row *r)
{
	const struct keys_entry *e = &k->slots[slot].in;
	uint64_t used = 0;

	if (!e->key || e->life == 0)
		return false;
	for (int i = 0; i < FLOW_CELLS; i++)
		if (r->in.cell_serial[i] == e->serial)
			used += r->in.cell[i].packets;
	return used >= (UINT64_C(1) << e->life) - (UINT64_C(1) << e->life) / 8;
}

struct srtp_key *
keys_out(const struct keys *k, uint32_t slot)
{
	return k->slots[slot].out.key;
}
