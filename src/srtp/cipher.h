/* What a cryptographic back end does for the engine: batches of jobs under expanded keys. The
 * engine knows packets and no library; a back end knows its library and no packet format. */
#ifndef POSTERN_SRTP_CIPHER_H
#define POSTERN_SRTP_CIPHER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum {
	CIPHER_BATCH_MAX = 64,  /* jobs in one call */
	CIPHER_DATA_MAX = 2048, /* bytes of one packet */
	CIPHER_BLOCK = 16,      /* AES */
	CIPHER_TAG_MAX = 20,    /* HMAC-SHA1, whole */
};

/** Expanded session keys of one kind of packet (RTP or RTCP) of one key. The back end's own. */
struct cipher_key {
	void *crypt; /* AES key schedule */
	void *inner; /* HMAC: hash state after the inner padded key */
	void *outer; /* HMAC: hash state after the outer padded key */
};

/**
 * One packet. Bytes [0, auth_len) of data and then trailer are authenticated, bytes
 * [crypt_at, crypt_at + crypt_len) en- or decrypted in place; crypt_at + crypt_len <= auth_len <=
 * CIPHER_DATA_MAX. Nothing outside data[0, auth_len) is read or written.
 */
struct cipher_job {
	const struct cipher_key *key;
	uint8_t *data;
	uint32_t crypt_at, crypt_len, auth_len;
	uint32_t trailer_len;        /* 0 or 4 */
	uint8_t trailer[4];          /* the rollover counter */
	uint8_t iv[CIPHER_BLOCK];    /* first counter block; its last two bytes count, from 0 */
	uint8_t tag[CIPHER_TAG_MAX]; /* written by do_tag */
};

/** Scratch of one worker: no call allocates through us, none touches another worker's. */
struct cipher_work {
	void *hash; /* the back end's */
	uint8_t blocks[CIPHER_DATA_MAX + CIPHER_BLOCK];
};

/** One stretch of AES counter-mode key stream, for the key derivation: to out[len]. */
struct cipher_stream {
	const uint8_t *iv; /* CIPHER_BLOCK bytes, the first counter block */
	uint8_t *out;
	uint32_t len;
};

/**
 * A back end (a library) for AES counter mode with HMAC-SHA1. n <= CIPHER_BATCH_MAX, any mix of
 * keys and sizes. An AEAD suite adds do_seal and do_open here and a kind to its row in suite.c.
 */
struct cipher_ops {
	/** Expand keys; aes_len 16 or 32, auth_len up to 64. NOMEM: k is zero. */
	enum err (*do_init)(struct cipher_key *k, const uint8_t *aes, uint32_t aes_len,
			    const uint8_t *auth, uint32_t auth_len);
	void (*do_fini)(struct cipher_key *k); /* wipes; fine on zeros */
	enum err (*do_stream)(const uint8_t *aes, uint32_t aes_len, const struct cipher_stream *s,
			      unsigned n);
	enum err (*do_open)(struct cipher_work *w);
	void (*do_close)(struct cipher_work *w); /* wipes; fine on zeros */
	/** False: the library failed; every packet of the batch must be dropped. */
	bool (*do_crypt)(struct cipher_work *w, struct cipher_job *const *jobs, unsigned n);
	bool (*do_tag)(struct cipher_work *w, struct cipher_job *const *jobs, unsigned n);
};

#endif
