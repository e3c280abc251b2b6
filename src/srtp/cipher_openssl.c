#include "srtp/cipher.h"

#include <string.h>

/* OpenSSL has a type of the name of one of our results. */
#define ERR_STATE openssl_err_state
#include <openssl/evp.h>
#undef ERR_STATE

#include "base/secret.h"

enum {
	SHA1_LEN = 20,
};

/* The part of a key. */
struct evp_key {
	EVP_CIPHER_CTX *aes;       /* ECB, or GCM */
	EVP_MD_CTX *inner, *outer; /* HMAC: the hash after the inner and the outer padded key */
};

/* Without padding, which AES-GCM has none of anyway. */
static EVP_CIPHER_CTX *
new_cipher(const EVP_CIPHER *cipher, const uint8_t *aes)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();

	if (c && EVP_EncryptInit_ex2(c, cipher, aes, NULL, NULL) == 1 &&
	    EVP_CIPHER_CTX_set_padding(c, 0) == 1)
		return c;
	EVP_CIPHER_CTX_free(c);
	return NULL;
}

/* The hash state after one block of the key xored with fill (RFC 2104: ipad, opad). */
static EVP_MD_CTX *
new_pad(const uint8_t *auth, uint32_t auth_len, uint8_t fill)
{
	uint8_t block[CIPHER_HASH_BLOCK];
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	bool ok;

	memset(block, fill, sizeof(block));
	for (uint32_t i = 0; i < auth_len; i++)
		block[i] ^= auth[i];
	ok = c && EVP_DigestInit_ex2(c, EVP_sha1(), NULL) == 1 &&
	     EVP_DigestUpdate(c, block, sizeof(block)) == 1;
	secret_wipe(block, sizeof(block));
	if (ok)
		return c;
	EVP_MD_CTX_free(c);
	return NULL;
}

/* EVP frees what held a key by OPENSSL_clear_free. */
static void
key_fini(enum cipher_kind kind, void *part)
{
	struct evp_key *k = part;

	(void)kind;
	EVP_CIPHER_CTX_free(k->aes);
	EVP_MD_CTX_free(k->inner);
	EVP_MD_CTX_free(k->outer);
	memset(k, 0, sizeof(*k));
}

static enum err
key_init(struct cipher_work *w, enum cipher_kind kind, void *part, const uint8_t *aes,
	 uint32_t aes_len, const uint8_t *auth, uint32_t auth_len)
{
	bool gcm = kind == CIPHER_GCM, wide = aes_len > 16;
	struct evp_key *k = part;

	(void)w;
	if (auth_len > CIPHER_HASH_BLOCK)
		return ERR_RANGE;
	if (gcm) {
		k->aes = new_cipher(wide ? EVP_aes_256_gcm() : EVP_aes_128_gcm(), aes);
	} else {
		k->aes = new_cipher(wide ? EVP_aes_256_ecb() : EVP_aes_128_ecb(), aes);
		k->inner = new_pad(auth, auth_len, 0x36);
		k->outer = new_pad(auth, auth_len, 0x5c);
	}
	if (k->aes && (gcm || (k->inner && k->outer)))
		return ERR_OK;
	key_fini(kind, part);
	return ERR_NOMEM;
}

static enum err
work_open(struct cipher_work *w)
{
	memset(w, 0, sizeof(*w));
	w->kernels = "evp";
	w->lib = EVP_MD_CTX_new();
	return w->lib ? ERR_OK : ERR_NOMEM;
}

static void
work_close(struct cipher_work *w)
{
	EVP_MD_CTX_free(w->lib);
	secret_wipe(w, sizeof(*w));
}

/* len rounded up to blocks of counter blocks from iv, enciphered in place: the key stream. */
static bool
make_stream(EVP_CIPHER_CTX *ecb, const uint8_t *iv, uint8_t *blocks, uint32_t len)
{
	uint32_t n = (len + CIPHER_BLOCK - 1) / CIPHER_BLOCK;
	int out = 0;

	for (uint32_t i = 0; i < n; i++) {
		memcpy(blocks + i * CIPHER_BLOCK, iv, CIPHER_BLOCK - 2);
		blocks[i * CIPHER_BLOCK + 14] = (uint8_t)(i >> 8);
		blocks[i * CIPHER_BLOCK + 15] = (uint8_t)i;
	}
	return EVP_EncryptUpdate(ecb, blocks, &out, blocks, (int)(n * CIPHER_BLOCK)) == 1 &&
	       out == (int)(n * CIPHER_BLOCK);
}

static void
xor_into(uint8_t *dst, const uint8_t *stream, uint32_t len)
{
	uint32_t i = 0;

	for (; i + 8 <= len; i += 8) {
		uint64_t a, b;

		memcpy(&a, dst + i, 8);
		memcpy(&b, stream + i, 8);
		a ^= b;
		memcpy(dst + i, &a, 8);
	}
	for (; i < len; i++)
		dst[i] ^= stream[i];
}

static bool
crypt_batch(struct cipher_work *w, struct cipher_job *const *jobs, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		const struct cipher_job *j = jobs[i];
		const struct evp_key *k = j->key;

		if (j->crypt_len == 0)
			continue;
		if (!make_stream(k->aes, j->iv, w->blocks, j->crypt_len))
			return false;
		xor_into(j->data + j->crypt_at, w->blocks, j->crypt_len);
	}
	return true;
}

static bool
tag_batch(struct cipher_work *w, struct cipher_job *const *jobs, unsigned n)
{
	EVP_MD_CTX *hash = w->lib;

	for (unsigned i = 0; i < n; i++) {
		struct cipher_job *j = jobs[i];
		const struct evp_key *k = j->key;
		uint8_t inner[EVP_MAX_MD_SIZE];
		unsigned len = 0;

		if (EVP_MD_CTX_copy_ex(hash, k->inner) != 1 ||
		    EVP_DigestUpdate(hash, j->data, j->auth_len) != 1 ||
		    EVP_DigestUpdate(hash, j->trailer, j->trailer_len) != 1 ||
		    EVP_DigestFinal_ex(hash, inner, &len) != 1 ||
		    EVP_MD_CTX_copy_ex(hash, k->outer) != 1 ||
		    EVP_DigestUpdate(hash, inner, SHA1_LEN) != 1 ||
		    EVP_DigestFinal_ex(hash, inner, &len) != 1)
			return false;
		memcpy(j->tag, inner, CIPHER_TAG_MAX);
	}
	return true;
}

/* The key's context set to the job's IV, with the job's aad; then out[crypt_len]. */
static bool
run_gcm(EVP_CIPHER_CTX *c, const struct cipher_job *j, uint8_t *out, int encrypt)
{
	int n = 0;

	return EVP_CipherInit_ex2(c, NULL, NULL, j->iv, encrypt, NULL) == 1 &&
	       EVP_CipherUpdate(c, NULL, &n, j->aad, (int)j->aad_len) == 1 &&
	       EVP_CipherUpdate(c, out, &n, j->data + j->crypt_at, (int)j->crypt_len) == 1 &&
	       n == (int)j->crypt_len;
}

static bool
seal_gcm(struct cipher_work *w, struct cipher_job *const *jobs, unsigned n)
{
	(void)w;
	for (unsigned i = 0; i < n; i++) {
		struct cipher_job *j = jobs[i];
		EVP_CIPHER_CTX *c = ((const struct evp_key *)j->key)->aes;
		uint8_t *data = j->data + j->crypt_at;
		int len = 0;

		if (!run_gcm(c, j, data, 1) ||
		    EVP_CipherFinal_ex(c, data + j->crypt_len, &len) != 1 ||
		    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, j->tag_len, j->tag) != 1)
			return false;
	}
	return true;
}

static bool
unseal_gcm(struct cipher_work *w, const struct cipher_job *j, bool *good)
{
	const struct evp_key *k = j->key;
	uint8_t tag[CIPHER_TAG_MAX];
	int n = 0;

	memcpy(tag, j->tag, sizeof(tag));
	if (!run_gcm(k->aes, j, w->blocks, 0) ||
	    EVP_CIPHER_CTX_ctrl(k->aes, EVP_CTRL_AEAD_SET_TAG, j->tag_len, tag) != 1)
		return false;
	*good = EVP_CipherFinal_ex(k->aes, w->blocks + j->crypt_len, &n) == 1;
	return true;
}

const struct cipher_ops cipher_openssl = {
	.name = "openssl",
	.key_size = {sizeof(struct evp_key), sizeof(struct evp_key)},
	.key_near = sizeof(struct evp_key),
	.do_open = work_open,
	.do_close = work_close,
	.do_init = key_init,
	.do_fini = key_fini,
	.do_crypt = crypt_batch,
	.do_tag = tag_batch,
	.do_seal = seal_gcm,
	.do_unseal = unseal_gcm,
};
