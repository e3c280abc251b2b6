#include "srtp/key.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "base/secret.h"

static_assert(offsetof(struct srtp_key, part) == CIPHER_PART_AT, "where a part begins");

static enum err
open_engine(struct srtp_ctx *c, enum srtp_engine want)
{
	enum err err = ERR_UNSUPPORTED;

	if (want != SRTP_ENGINE_OPENSSL && cipher_imb) {
		c->ops = cipher_imb;
		err = c->ops->do_open(&c->work);
	}
	if (want == SRTP_ENGINE_OPENSSL || (want == SRTP_ENGINE_AUTO && err == ERR_UNSUPPORTED)) {
		c->ops = &cipher_openssl;
		err = c->ops->do_open(&c->work);
	}
	return err;
}

enum err
srtp_ctx_init(struct srtp_ctx *c, enum srtp_engine want, uint32_t max_keys)
{
	enum err err;

	memset(c, 0, sizeof(*c));
	if (max_keys > UINT32_MAX / 2)
		return ERR_NOMEM;
	err = open_engine(c, want);
	for (unsigned kind = 0; kind < CIPHER_KINDS && !err; kind++)
		err = pool_init(&c->pools[kind], 2 * max_keys,
				sizeof(struct srtp_key) + c->ops->key_size[kind]);
	if (err)
		srtp_ctx_fini(c);
	return err;
}

void
srtp_ctx_fini(struct srtp_ctx *c)
{
	for (unsigned kind = 0; kind < CIPHER_KINDS; kind++)
		pool_fini(&c->pools[kind]);
	if (c->ops)
		c->ops->do_close(&c->work);
	secret_wipe(c, sizeof(*c));
}

static void
free_half(struct srtp_ctx *c, struct srtp_key *half)
{
	struct pool *pool;

	if (!half)
		return;
	pool = &c->pools[half->suite->kind];
	c->ops->do_fini(half->suite->kind, half->part);
	secret_wipe(half, pool->size);
	pool_put(pool, half);
}

void
srtp_key_free(struct srtp_ctx *c, struct srtp_key **key)
{
	if (!*key)
		return;
	free_half(c, (*key)->rtcp);
	free_half(c, *key);
	*key = NULL;
}

static enum err
new_half(struct srtp_ctx *c, const struct srtp_suite *suite, const struct srtp_session_keys *k,
	 struct srtp_key **out)
{
	struct srtp_key *half = pool_get(&c->pools[suite->kind]);
	enum err err;

	if (!half)
		return ERR_NOMEM;
	err = c->ops->do_init(&c->work, suite->kind, half->part, k->crypt, suite->key_len, k->auth,
			      sizeof(k->auth));
	if (err) {
		pool_put(&c->pools[suite->kind], half);
		return err;
	}
	half->suite = suite;
	memcpy(half->salt, k->salt, sizeof(half->salt));
	*out = half;
	return ERR_OK;
}

enum err
srtp_key_from_session(struct srtp_ctx *c, unsigned suite,
		      const struct srtp_session_keys from[SRTP_HALVES], struct srtp_key **out)
{
	const struct srtp_suite *row = srtp_suite_get(suite);
	struct srtp_key *key = NULL;
	enum err err;

	if (!row)
		return ERR_UNSUPPORTED;
	err = new_half(c, row, &from[SRTP_HALF_RTP], &key);
	if (!err)
		err = new_half(c, row, &from[SRTP_HALF_RTCP], &key->rtcp);
	if (err) {
		srtp_key_free(c, &key);
		return err;
	}
	*out = key;
	return ERR_OK;
}

enum err
srtp_key_new(struct srtp_ctx *c, unsigned suite, const uint8_t *master, const uint8_t *salt,
	     struct srtp_key **out)
{
	const struct srtp_suite *row = srtp_suite_get(suite);
	struct srtp_session_keys keys[SRTP_HALVES];
	enum err err;

	if (!row)
		return ERR_UNSUPPORTED;
	err = srtp_kdf(c->ops, &c->work, row, master, salt, keys);
	if (!err)
		err = srtp_key_from_session(c, suite, keys, out);
	secret_wipe(keys, sizeof(keys));
	return err;
}

enum err
srtp_key_set_mki(struct srtp_key *key, uint64_t value, unsigned len)
{
	if (len > SRTP_MKI_MAX)
		return ERR_RANGE;
	key->mki = key->rtcp->mki = value;
	key->mki_len = key->rtcp->mki_len = (uint8_t)len;
	return ERR_OK;
}
