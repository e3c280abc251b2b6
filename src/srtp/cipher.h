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
	CIPHER_HASH_BLOCK = 64, /* SHA-1 */
	CIPHER_IV_GCM = 12,     /* bytes of iv that AES-GCM takes */
	CIPHER_TRAILER = 4,     /* bytes of the rollover counter */
	CIPHER_TAG_MAX = 20,    /* HMAC-SHA1, whole */
	CIPHER_PART_AT = 40,    /* a part's place behind the start of a cache line */
	CIPHER_CM_MAX = 344,    /* bytes of a part for CM_SHA1 at most */
};

enum cipher_kind {
	CIPHER_CM_SHA1, /* AES counter mode, and HMAC-SHA1 over the result (RFC 3711) */
	CIPHER_GCM,     /* AES-GCM with a tag of 16 bytes (RFC 7714) */
	CIPHER_KINDS
};

/**
 * One packet. Bytes [crypt_at, crypt_at + crypt_len) are en- or decrypted.
 * CM_SHA1: in place; [0, auth_len) and then trailer are authenticated, crypt_at + crypt_len <=
 * auth_len <= CIPHER_DATA_MAX. Where trailer_len is not 0, do_tag may use the trailer_len bytes
 * behind auth_len, and leaves them as they were. GCM: aad is authenticated as well.
 * Nothing else of data is read or written.
 */
struct cipher_job {
	void *key; /* the back end's part of a key */
	uint8_t *data;
	const uint8_t *aad; /* GCM only */
	uint32_t aad_len;
	uint32_t crypt_at, crypt_len, auth_len;
	uint8_t key_len;             /* AES, bytes: 16 or 32 */
	uint8_t trailer_len;         /* 0 or CIPHER_TRAILER */
	uint8_t tag_len;             /* bytes of tag that count */
	uint8_t aad_copy[12];        /* room for an aad that does not stand in data */
	uint8_t trailer[4];          /* the rollover counter */
	uint8_t iv[CIPHER_BLOCK];    /* CM: first counter block, its last two bytes count from 0 */
	uint8_t tag[CIPHER_TAG_MAX]; /* written by do_tag and do_seal, read by do_unseal */
};

/** Scratch of one worker: no call allocates through us, none touches another worker's. */
struct cipher_work {
	void *lib;           /* the back end's */
	const char *kernels; /* which code of the library runs here; static storage */
	uint8_t blocks[CIPHER_DATA_MAX + CIPHER_BLOCK];
};

/**
 * A back end (a library). n <= CIPHER_BATCH_MAX, any mix of keys and sizes. A bool is false when
 * the library failed: then every packet of the call must be dropped.
 */
struct cipher_ops {
	const char *name;
	uint16_t key_size[CIPHER_KINDS]; /* bytes of its part of a key */
	uint16_t key_near; /* of these, the first that any packet reads: worth a prefetch */
	/** UNSUPPORTED: this CPU has not what the library needs. */
	enum err (*do_open)(struct cipher_work *w);
	void (*do_close)(struct cipher_work *w); /* wipes; fine on zeros */
	/** Expand keys into a zeroed part; auth_len up to 64, CM_SHA1 only. NOMEM: part is zero. */
	enum err (*do_init)(struct cipher_work *w, enum cipher_kind kind, void *part,
			    const uint8_t *aes, uint32_t aes_len, const uint8_t *auth,
			    uint32_t auth_len);
	void (*do_fini)(enum cipher_kind kind, void *part); /* wipes; fine on zeros */
	/* CM_SHA1 */
	bool (*do_crypt)(struct cipher_work *w, struct cipher_job *const *jobs, unsigned n);
	bool (*do_tag)(struct cipher_work *w, struct cipher_job *const *jobs, unsigned n);
	/* GCM: encrypt in place, tag to job->tag */
	bool (*do_seal)(struct cipher_work *w, struct cipher_job *const *jobs, unsigned n);
	/* GCM: decrypt to w->blocks, data stays as it is; *good: is job->tag the right one? */
	bool (*do_unseal)(struct cipher_work *w, const struct cipher_job *job, bool *good);
};

/* The back end that runs everywhere: OpenSSL 3 EVP. Counter blocks are prepared by us and go
 * through AES-ECB, so that no packet pays for setting an IV. */
extern const struct cipher_ops cipher_openssl;
/* The back end for x86-64 with AES and carry-less multiplication: Intel IPsec-MB (multi-buffer).
 * NULL: not built in (meson option ipsec_mb). */
extern const struct cipher_ops *const cipher_imb;

#endif
