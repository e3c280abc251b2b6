#include "srtp/cipher_openssl.h"

#include <string.h>

/* OpenSSL has a type of the name of one of our results. */
#define ERR_STATE openssl_err_state
#include <openssl/evp.h>
#undef ERR_STATE

#include "base/secret.h"

enum {
	SHA1_BLOCK = 64,
	SHA1_LEN = 20,
	STREAM_MAX = 64, /* bytes of one stretch of key stream */
};

static EVP_CIPHER_CTX *
new_ecb(const uint8_t *aes, uint32_t aes_len)
{
	EVP_CIPHER_CTX *c;

	if (aes_len != 16 && aes_len != 32)
		return NULL;
	c = EVP_CIPHER_CTX_new();
	if (!c)
		return NULL;
	if (EVP_EncryptInit_ex2(c, aes_len == 16 ? EVP_aes_128_ecb() : EVP_aes_256_ecb(), aes, NULL,
				NULL) != 1 ||
	    EVP_CIPHER_CTX_set_padding(c, 0) != 1) {
		EVP_CIPHER_CTX_free(c);
		return NULL;
	}
	return c;
}

/* The hash state after one block of the key xored with fill (RFC 2104: ipad, opad). */
static EVP_MD_CTX *
new_pad(const uint8_t *auth, uint32_t auth_len, uint8_t fill)
{
	uint8_t block[SHA1_BLOCK];
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	bool ok;

	if (!c)
		return NULL;
	memset(block, fill, sizeof(block));
	for (uint32_t i = 0; i < auth_len; i++)
		block[i] ^= auth[i];
	ok = EVP_DigestInit_ex2(c, EVP_sha1(), NULL) == 1 &&
	     EVP_DigestUpdate(c, block, sizeof(block)) == 1;
	secret_wipe(block, sizeof(block));
	if (!ok) {
		EVP_MD_CTX_free(c);
		return NULL;
	}
	return c;
}

/* EVP frees what held a key by OPENSSL_clear_free. */
static void
key_fini(struct cipher_key *k)
{
	EVP_CIPHER_CTX_free(k->crypt);
	EVP_MD_CTX_free(k->inner);
	EVP_MD_CTX_free(k->outer);
	memset(k, 0, sizeof(*k));
}

static enum err
key_init(struct cipher_key *k, const uint8_t *aes, uint32_t aes_len, const uint8_t *auth,
	 uint32_t auth_len)
{
	memset(k, 0, sizeof(*k));
	if (auth_len > SHA1_BLOCK)
		return ERR_RANGE;
	k->crypt = new_ecb(aes, aes_len);
	k->inner = new_pad(auth, auth_len, 0x36);
	k->outer = new_pad(auth, auth_len, 0x5c);
	if (k->crypt && k->inner && k->outer)
		return ERR_OK;
	key_fini(k);
	return ERR_NOMEM;
}

static enum err
work_open(struct cipher_work *w)
{
	memset(w, 0, sizeof(*w));
	w->hash = EVP_MD_CTX_new();
	return w->hash ? ERR_OK : ERR_NOMEM;
}

static void
work_close(struct cipher_work *w)
{
	EVP_MD_CTX_free(w->hash);
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

static enum err
run_streams(const uint8_t *aes, uint32_t aes_len, const struct cipher_stream *s, unsigned n)
{
	uint8_t blocks[STREAM_MAX];
	EVP_CIPHER_CTX *ecb = new_ecb(aes, aes_len);
	enum err err = ERR_OK;

	if (!ecb)
		return ERR_NOMEM;
	for (unsigned i = 0; i < n && !err; i++) {
		if (s[i].len > sizeof(blocks) || !make_stream(ecb, s[i].iv, blocks, s[i].len))
			err = ERR_BUG;
		else
			memcpy(s[i].out, blocks, s[i].len);
	}
	EVP_CIPHER_CTX_free(ecb);
	secret_wipe(blocks, sizeof(blocks));
	return err;
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

		if (j->crypt_len == 0)
			continue;
		if (!make_stream(j->key->crypt, j->iv, w->blocks, j->crypt_len))
			return false;
		xor_into(j->data + j->crypt_at, w->blocks, j->crypt_len);
	}
	return true;
}

static bool
tag_batch(struct cipher_work *w, struct cipher_job *const *jobs, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct cipher_job *j = jobs[i];
		uint8_t inner[EVP_MAX_MD_SIZE];
		unsigned len = 0;

		if (EVP_MD_CTX_copy_ex(w->hash, j->key->inner) != 1 ||
		    EVP_DigestUpdate(w->hash, j->data, j->auth_len) != 1 ||
		    EVP_DigestUpdate(w->hash, j->trailer, j->trailer_len) != 1 ||
		    EVP_DigestFinal_ex(w->hash, inner, &len) != 1 ||
		    EVP_MD_CTX_copy_ex(w->hash, j->key->outer) != 1 ||
		    EVP_DigestUpdate(w->hash, inner, SHA1_LEN) != 1 ||
		    EVP_DigestFinal_ex(w->hash, inner, &len) != 1)
			return false;
		memcpy(j->tag, inner, CIPHER_TAG_MAX);
	}
	return true;
}

const struct cipher_ops cipher_openssl = {
	.do_init = key_init,
	.do_fini = key_fini,
	.do_stream = run_streams,
	.do_open = work_open,
	.do_close = work_close,
	.do_crypt = crypt_batch,
	.do_tag = tag_batch,
};
