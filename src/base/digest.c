#include "base/digest.h"

/* the library has a type of this name, we an error */
#define ERR_STATE OPENSSL_ERR_STATE
#include <openssl/evp.h>
#undef ERR_STATE

size_t
digest_size(enum digest_alg a)
{
	return a == DIGEST_MD5 ? 16 : 32;
}

enum err
digest_of(enum digest_alg a, const struct str *part, unsigned n, uint8_t out[DIGEST_MAX])
{
	static const char *const names[DIGEST_N] = {[DIGEST_MD5] = "MD5",
						    [DIGEST_SHA256] = "SHA256",
						    [DIGEST_SHA512_256] = "SHA512-256"};
	EVP_MD *md = EVP_MD_fetch(NULL, names[a], NULL);
	EVP_MD_CTX *ctx = md ? EVP_MD_CTX_new() : NULL;
	enum err e = ctx && EVP_DigestInit_ex(ctx, md, NULL) == 1 ? ERR_OK : ERR_NOMEM;

	for (unsigned i = 0; e == ERR_OK && i < n; i++)
		if (part[i].len && EVP_DigestUpdate(ctx, part[i].p, part[i].len) != 1)
			e = ERR_NOMEM;
	if (e == ERR_OK && EVP_DigestFinal_ex(ctx, out, NULL) != 1)
		e = ERR_NOMEM;
	if (!md)
		e = ERR_UNSUPPORTED;
	EVP_MD_CTX_free(ctx);
	EVP_MD_free(md);
	return e;
}

enum err
digest_hmac(enum digest_mac m, struct str key, struct str text, uint8_t out[DIGEST_MAX])
{
	static const char *const names[DIGEST_MAC_N] = {
		[DIGEST_HMAC_SHA1] = "SHA1", [DIGEST_HMAC_SHA256] = "SHA256"};

	return EVP_Q_mac(NULL, "HMAC", NULL, names[m], NULL, key.p, key.len,
			 (const unsigned char *)text.p, text.len, out, DIGEST_MAX, NULL)
		       ? ERR_OK
		       : ERR_NOMEM;
}
