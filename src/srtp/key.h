/* What a worker holds for SRTP: the scratch of its back end and, from pools, its expanded keys. All
 * of it is private to the worker and rebuilt after a restart. One thread. */
#ifndef POSTERN_SRTP_KEY_H
#define POSTERN_SRTP_KEY_H

#include "base/pool.h"
#include "srtp/cipher.h"
#include "srtp/kdf.h"
#include "srtp/suite.h"

enum srtp_engine {
	SRTP_ENGINE_AUTO, /* the fastest that is built in and that this CPU can run */
	SRTP_ENGINE_IMB,  /* Intel IPsec-MB */
	SRTP_ENGINE_OPENSSL,
};

/**
 * Session keys of one master key: this half for RTP, and behind rtcp the half for RTCP. A half is
 * one block of a pool; with IPsec-MB at most 320 bytes for AES-CM, 1,088 for AES-GCM.
 */
struct srtp_key {
	const struct srtp_suite *suite;
	struct srtp_key *rtcp; /* NULL in the RTCP half */
	uint64_t mki;
	uint8_t salt[SRTP_SALT_MAX]; /* of the session; read with the two bytes behind it */
	uint8_t mki_len;             /* bytes in each packet; 0 = no MKI */
	uint8_t spare;
	uint8_t part[]; /* the back end's */
};

/* A packet on its way through a batch: where its tag stands, and the length it will have. */
struct srtp_slot {
	struct srtp_op *op;
	uint8_t *tag;
	uint32_t out_len;
};

/* A worker's keys and scratch. For people: ops->name is the engine ("imb", "openssl"), work.kernels
 * which of its code runs on this CPU ("avx512+sse", "sse", "evp"). */
struct srtp_ctx {
	const struct cipher_ops *ops;
	struct pool pools[CIPHER_KINDS];
	struct cipher_work work;
	struct cipher_job jobs[CIPHER_BATCH_MAX]; /* from here on: srtp/engine.c */
	struct cipher_job *list[CIPHER_KINDS][CIPHER_BATCH_MAX];
	struct srtp_slot slots[CIPHER_BATCH_MAX]; /* job i's */
};

/**
 * For at most max_keys keys at a time: address space for that many of each kind is taken now, pages
 * of it as keys are made. UNSUPPORTED: the engine wanted is not built in, or not for this CPU;
 * NOMEM; on error c is zero.
 */
enum err srtp_ctx_init(struct srtp_ctx *c, enum srtp_engine want, uint32_t max_keys) NODISCARD;
/** All keys were freed before. Fine on zeros. */
void srtp_ctx_fini(struct srtp_ctx *c);

/**
 * Derive and expand the session keys (RFC 3711 4.3, key derivation rate 0). master has suite's
 * key_len bytes, salt its salt_len; both may be wiped after. UNSUPPORTED: no such suite; NOMEM: the
 * library's, or max_keys are there already.
 */
enum err srtp_key_new(struct srtp_ctx *c, unsigned suite, const uint8_t *master,
		      const uint8_t *salt, struct srtp_key **out) NODISCARD;
/** The same from session keys, for who has them already. */
enum err srtp_key_from_session(struct srtp_ctx *c, unsigned suite,
			       const struct srtp_session_keys from[SRTP_HALVES],
			       struct srtp_key **out) NODISCARD;
/** Wipes, and nulls *key. NULL is fine. */
void srtp_key_free(struct srtp_ctx *c, struct srtp_key **key);
/**
 * Packets under this key carry the MKI (RFC 3711 3.1): value in len bytes, 1 to SRTP_MKI_MAX; 0
 * takes it away. They get len bytes longer. RANGE: too long.
 */
enum err srtp_key_set_mki(struct srtp_key *key, uint64_t value, unsigned len) NODISCARD;

#endif
