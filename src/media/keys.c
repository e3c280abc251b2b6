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
	for (int i = 0; i < KEYS_A_SLOT; i++)
		drop_key(k, &k->slots[slot][i]);
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
	e->life = media_secret_life(&m);
	secret_wipe(&m, sizeof(m));
	if (err == ERR_OK)
		e->serial = serial;
	return err;
}

enum err
keys_sync(struct keys *k, uint32_t slot, const struct flow_row *r)
{
	struct keys_entry *e = k->slots[slot];
	const struct media_secret *m = &k->secrets->rows[slot];
	const struct {
		const struct media_master *pair;
		uint32_t serial;
		uint8_t suite;
	} want[KEYS_A_SLOT] = {{m->in, r->in.serial, r->conf.in_suite},
			       {m->in, r->in.old_serial, r->in.old_suite},
			       {m->out, r->out.serial, r->conf.out_suite}};
	bool any = r->open && (r->conf.flags & MEDIA_F_SECURE);
	enum err first = ERR_OK;

	if (any && e[KEYS_IN].key && e[KEYS_IN].serial == r->in.old_serial &&
	    r->in.old_serial != r->in.serial) {
		drop_key(k, &e[KEYS_OLD]);
		e[KEYS_OLD] = e[KEYS_IN];
		e[KEYS_IN] = (struct keys_entry){0};
	}
	for (int i = 0; i < KEYS_A_SLOT; i++) {
		enum err err =
			load_key(k, want[i].pair, any ? want[i].serial : 0, want[i].suite, &e[i]);

		if (first == ERR_OK)
			first = err;
	}
	return first;
}

struct srtp_key *
keys_in(const struct keys *k, uint32_t slot, uint32_t serial)
{
	const struct keys_entry *e = k->slots[slot];

	if (serial && e[KEYS_IN].serial == serial)
		return e[KEYS_IN].key;
	return serial && e[KEYS_OLD].serial == serial ? e[KEYS_OLD].key : NULL;
}

bool
keys_in_ends(const struct keys *k, uint32_t slot, const struct flow_row *r)
{
	const struct keys_entry *e = &k->slots[slot][KEYS_IN];
	uint64_t used = 0;

	if (!e->key || e->life == 0)
		return false;
	for (int i = 0; i < FLOW_CELLS; i++)
		if (r->in.cell_serial[i] == e->serial)
			used += r->in.cell[i].packets;
	return used >= e->life - e->life / 8;
}
