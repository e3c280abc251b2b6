#include "srtp/cipher.h"

#include <stddef.h>

#ifndef POSTERN_IPSEC_MB

const struct cipher_ops *const cipher_imb = NULL;

#else

#include <string.h>

#define NO_COMPAT_IMB_API_053
#include <intel-ipsec-mb.h>

#include "base/mem.h"
#include "base/secret.h"

enum {
	SHA1_LEN = 20,
	IMB_TAG = 12, /* bytes: the library computes 12 or 20 of HMAC-SHA1, nothing else */
	CACHE_LINE = 64,
	ROUND_KEYS = 15 * CIPHER_BLOCK, /* of AES-256 */
	/* Fewer packets than this are faster two at a time with the SHA instructions than in the
	 * sixteen lanes of AVX-512, which cost the same however few are filled. */
	WIDE_FROM = 10,
};

/* The part of an AES-CM key. */
struct cm_key {
	uint8_t inner[SHA1_LEN], outer[SHA1_LEN]; /* HMAC: hash states after the padded keys */
	uint8_t rounds[ROUND_KEYS];
};
/* The part of an AES-GCM key: gcm_key_data where the next cache line begins. */
enum {
	GCM_AT = CACHE_LINE - CIPHER_PART_AT,
};

_Static_assert(CIPHER_PART_AT + sizeof(struct cm_key) + CACHE_LINE <= 384,
	       "what a packet needs, key and state");
_Static_assert(CIPHER_PART_AT + GCM_AT + sizeof(struct gcm_key_data) <= 1088, "a key of AES-GCM");

/* A worker's library objects. */
struct imb {
	IMB_MGR *narrow;
	IMB_MGR *wide;      /* narrow, where there is no wider one */
	unsigned wide_from; /* packets of AES-CM in a call from which wide is the faster one */
	struct gcm_context_data gcm;
	IMB_JOB jobs[CIPHER_BATCH_MAX];
};

static struct gcm_key_data *
gcm_data(void *part)
{
	return (struct gcm_key_data *)(void *)((uint8_t *)part + GCM_AT);
}

/* ---- a worker ---- */

static void
work_close(struct cipher_work *w)
{
	struct imb *m = w->lib;

	if (m) {
		if (m->wide && m->wide != m->narrow)
			free_mb_mgr(m->wide);
		if (m->narrow)
			free_mb_mgr(m->narrow);
		secret_wipe(m, sizeof(*m));
		mem_free(m);
	}
	secret_wipe(w, sizeof(*w));
}

/* wide, if this CPU has one that is worth it. False: out of memory. */
static bool
open_wide(struct imb *m, struct cipher_work *w)
{
	uint64_t has = m->narrow->features;
	bool avx512 = (has & IMB_FEATURE_AVX512_SKX) == IMB_FEATURE_AVX512_SKX;
	bool sha = has & IMB_FEATURE_SHANI;

	m->wide = m->narrow;
	w->kernels = sha ? "sha-ni" : "sse";
	if (!avx512 && !(has & IMB_FEATURE_AVX2))
		return true;
	m->wide = alloc_mb_mgr(0);
	if (!m->wide)
		return false;
	if (avx512) {
		init_mb_mgr_avx512(m->wide);
		m->wide_from = sha ? WIDE_FROM : 1;
		w->kernels = sha ? "avx512+sha-ni" : "avx512";
	} else {
		init_mb_mgr_avx2(m->wide);
		m->wide_from = sha ? CIPHER_BATCH_MAX + 1 : 1;
		w->kernels = sha ? "avx2+sha-ni" : "avx2";
	}
	return true;
}

static enum err
work_open(struct cipher_work *w)
{
	const uint64_t need = IMB_FEATURE_AESNI | IMB_FEATURE_PCLMULQDQ | IMB_FEATURE_SSE4_2;
	struct imb *m = mem_zalloc(1, sizeof(*m));
	enum err err = ERR_NOMEM;

	memset(w, 0, sizeof(*w));
	w->lib = m;
	if (!m)
		return ERR_NOMEM;
	m->narrow = alloc_mb_mgr(0);
	if (m->narrow && (m->narrow->features & need) != need) {
		err = ERR_UNSUPPORTED;
	} else if (m->narrow) {
		init_mb_mgr_sse(m->narrow);
		if (open_wide(m, w))
			return ERR_OK;
	}
	work_close(w);
	return err;
}

/* ---- keys ---- */

static void
expand_aes(IMB_MGR *mgr, const uint8_t *aes, uint32_t aes_len, uint8_t rounds[ROUND_KEYS])
{
	uint8_t decrypt[ROUND_KEYS];

	if (aes_len == 16)
		IMB_AES_KEYEXP_128(mgr, aes, rounds, decrypt);
	else
		IMB_AES_KEYEXP_256(mgr, aes, rounds, decrypt);
	secret_wipe(decrypt, sizeof(decrypt));
}

/* The hash state after one block of the key xored with fill (RFC 2104: ipad, opad). */
static void
hash_pad(IMB_MGR *mgr, const uint8_t *auth, uint32_t auth_len, uint8_t fill, uint8_t *out)
{
	uint8_t block[CIPHER_HASH_BLOCK];

	memset(block, fill, sizeof(block));
	for (uint32_t i = 0; i < auth_len; i++)
		block[i] ^= auth[i];
	IMB_SHA1_ONE_BLOCK(mgr, block, out);
	secret_wipe(block, sizeof(block));
}

static enum err
key_init(struct cipher_work *w, enum cipher_kind kind, void *part, const uint8_t *aes,
	 uint32_t aes_len, const uint8_t *auth, uint32_t auth_len)
{
	struct imb *m = w->lib;
	struct cm_key *k = part;

	if (kind == CIPHER_GCM) {
		if (aes_len == 16)
			IMB_AES128_GCM_PRE(m->wide, aes, gcm_data(part));
		else
			IMB_AES256_GCM_PRE(m->wide, aes, gcm_data(part));
		return ERR_OK;
	}
	if (auth_len > CIPHER_HASH_BLOCK)
		return ERR_RANGE;
	expand_aes(m->narrow, aes, aes_len, k->rounds);
	hash_pad(m->narrow, auth, auth_len, 0x36, k->inner);
	hash_pad(m->narrow, auth, auth_len, 0x5c, k->outer);
	return ERR_OK;
}

static void
key_fini(enum cipher_kind kind, void *part)
{
	secret_wipe(part, kind == CIPHER_GCM ? GCM_AT + sizeof(struct gcm_key_data)
					     : sizeof(struct cm_key));
}

/* ---- AES-CM, HMAC-SHA1 ---- */

/* Those of the jobs that have keys of this length. */
static bool
crypt_some(struct imb *m, struct cipher_job *const *jobs, unsigned n, uint32_t key_len)
{
	unsigned k = 0;

	for (unsigned i = 0; i < n; i++) {
		const struct cipher_job *j = jobs[i];
		IMB_JOB *to = &m->jobs[k];

		if (j->key_len != key_len || j->crypt_len == 0)
			continue;
		to->enc_keys = ((const struct cm_key *)j->key)->rounds;
		to->key_len_in_bytes = key_len;
		to->src = to->dst = j->data + j->crypt_at;
		to->cipher_start_src_offset_in_bytes = 0;
		to->msg_len_to_cipher_in_bytes = j->crypt_len;
		to->iv = j->iv;
		to->iv_len_in_bytes = CIPHER_BLOCK;
		k++;
	}
	return k == 0 || IMB_SUBMIT_CIPHER_BURST_NOCHECK(
				 m->wide, m->jobs, k, IMB_CIPHER_CNTR, IMB_DIR_ENCRYPT,
				 key_len == 16 ? IMB_KEY_128_BYTES : IMB_KEY_256_BYTES) == k;
}

static bool
crypt_batch(struct cipher_work *w, struct cipher_job *const *jobs, unsigned n)
{
	return crypt_some(w->lib, jobs, n, 16) && crypt_some(w->lib, jobs, n, 32);
}

/* The library wants one piece: the trailer stands behind the packet while it is hashed. */
static bool
tag_batch(struct cipher_work *w, struct cipher_job *const *jobs, unsigned n)
{
	uint8_t behind[CIPHER_BATCH_MAX][CIPHER_TRAILER];
	struct imb *m = w->lib;
	IMB_MGR *mgr = n >= m->wide_from ? m->wide : m->narrow;
	bool ok;

	for (unsigned i = 0; i < n; i++) {
		struct cipher_job *j = jobs[i];
		const struct cm_key *k = j->key;
		IMB_JOB *to = &m->jobs[i];

		if (j->trailer_len) {
			memcpy(behind[i], j->data + j->auth_len, CIPHER_TRAILER);
			memcpy(j->data + j->auth_len, j->trailer, CIPHER_TRAILER);
		}
		to->src = j->data;
		to->hash_start_src_offset_in_bytes = 0;
		to->msg_len_to_hash_in_bytes = j->auth_len + j->trailer_len;
		to->auth_tag_output = j->tag;
		to->auth_tag_output_len_in_bytes = IMB_TAG;
		to->u.HMAC._hashed_auth_key_xor_ipad = k->inner;
		to->u.HMAC._hashed_auth_key_xor_opad = k->outer;
	}
	ok = n == 0 || IMB_SUBMIT_HASH_BURST_NOCHECK(mgr, m->jobs, n, IMB_AUTH_HMAC_SHA_1) == n;
	for (unsigned i = 0; i < n; i++)
		if (jobs[i]->trailer_len)
			memcpy(jobs[i]->data + jobs[i]->auth_len, behind[i], CIPHER_TRAILER);
	return ok;
}

/* ---- AES-GCM ---- */

static bool
seal_gcm(struct cipher_work *w, struct cipher_job *const *jobs, unsigned n)
{
	struct imb *m = w->lib;

	for (unsigned i = 0; i < n; i++) {
		struct cipher_job *j = jobs[i];
		uint8_t *data = j->data + j->crypt_at;

		(j->key_len == 16 ? m->wide->gcm128_enc : m->wide->gcm256_enc)(
			gcm_data(j->key), &m->gcm, data, data, j->crypt_len, j->iv, j->aad,
			j->aad_len, j->tag, j->tag_len);
	}
	return true;
}

static bool
unseal_gcm(struct cipher_work *w, const struct cipher_job *j, bool *good)
{
	struct imb *m = w->lib;
	uint8_t tag[CIPHER_TAG_MAX];

	(j->key_len == 16 ? m->wide->gcm128_dec : m->wide->gcm256_dec)(
		gcm_data(j->key), &m->gcm, w->blocks, j->data + j->crypt_at, j->crypt_len, j->iv,
		j->aad, j->aad_len, tag, j->tag_len);
	*good = secret_equal(tag, j->tag, j->tag_len);
	return true;
}

static const struct cipher_ops ops = {
	.name = "imb",
	.key_size = {sizeof(struct cm_key), GCM_AT + sizeof(struct gcm_key_data)},
	.key_near = sizeof(struct cm_key),
	.do_open = work_open,
	.do_close = work_close,
	.do_init = key_init,
	.do_fini = key_fini,
	.do_crypt = crypt_batch,
	.do_tag = tag_batch,
	.do_seal = seal_gcm,
	.do_unseal = unseal_gcm,
};
const struct cipher_ops *const cipher_imb = &ops;

#endif
