/* DTLS for SRTP (RFC 5763, 5764, 6347): one association as a machine without a socket. Datagrams
 * and time go in; datagrams, a deadline and in the end two master keys come out. The peer is judged
 * by one thing: its certificate is the one that SDP named by its digest (RFC 8122); no authority is
 * asked. The library measures its repeats by its own monotonic clock. One thread a struct dtls. */
#ifndef POSTERN_NET_DTLS_H
#define POSTERN_NET_DTLS_H

#include "base/str.h"

enum {
	DTLS_SEND_MAX = 440, /* bytes of a datagram of ours: what a message to media holds */
	DTLS_OUT_MAX = 12,   /* datagrams of ours that wait; a flight has some four */
	DTLS_PRINT_MAX = 64, /* SHA-512 */
	DTLS_OWN_PRINT = 32, /* SHA-256 */
	DTLS_KEY_MAX = 32,   /* of a profile */
	DTLS_SALT_MAX = 14,
	DTLS_FIRST_US = 400000, /* until the first repeat; RFC 6347 4.2.4.1: less than 1 s for us */
	DTLS_SLOWEST_US = 4000000,
	DTLS_PROFILES = 4,
};

/* SRTP protection profiles that we have (RFC 5764 4.1.2, RFC 7714 14.2).
 * X(number, id, name of the library, key octets, salt octets) */
#define DTLS_PROFILE_LIST(X)                                                                       \
	X(1, AES128_CM_80, "SRTP_AES128_CM_SHA1_80", 16, 14)                                       \
	X(2, AES128_CM_32, "SRTP_AES128_CM_SHA1_32", 16, 14)                                       \
	X(7, AEAD_128_GCM, "SRTP_AEAD_AES_128_GCM", 16, 12)                                        \
	X(8, AEAD_256_GCM, "SRTP_AEAD_AES_256_GCM", 32, 12)
enum dtls_profile {
	DTLS_PROFILE_NONE = 0,
#define X(number, id, name, key, salt) DTLS_PROFILE_##id = number,
	DTLS_PROFILE_LIST(X)
#undef X
};

struct ssl_st; /* the library's own tags */
struct ssl_ctx_st;
struct bio_method_st;

/* Our end: a P-256 key and a certificate of its own making, for as long as this process lives. */
struct dtls_own {
	struct ssl_ctx_st *ctx;
	struct bio_method_st *bio;
	uint8_t print[DTLS_OWN_PRINT]; /* what a=fingerprint:sha-256 of ours says */
};

/* What an association shall be. */
struct dtls_conf {
	bool active;                    /* we are the client: we say hello */
	uint8_t n_profiles;             /* 1..DTLS_PROFILES */
	uint8_t profile[DTLS_PROFILES]; /* enum dtls_profile, the best one first */
	uint8_t print_len;              /* 32, 48 or 64: SHA-256, -384, -512 of the peer's */
	uint8_t print[DTLS_PRINT_MAX];
	uint32_t first_us; /* until the first repeat; 0: DTLS_FIRST_US */
};

enum dtls_state { DTLS_SHAKING, DTLS_UP, DTLS_FAILED };
enum dtls_fault {
	DTLS_FAULT_NONE,
	DTLS_FAULT_BROKEN,  /* the handshake itself: an alert, no common version or suite, junk */
	DTLS_FAULT_PRINT,   /* another certificate than SDP named */
	DTLS_FAULT_PROFILE, /* no SRTP profile in common */
};

/* The master keys as RFC 5764 4.2 cuts them, by direction. Wipe after use. */
struct dtls_keys {
	uint8_t profile; /* enum dtls_profile */
	uint8_t key_len, salt_len;
	uint8_t in_key[DTLS_KEY_MAX], in_salt[DTLS_SALT_MAX];
	uint8_t out_key[DTLS_KEY_MAX], out_salt[DTLS_SALT_MAX];
};

struct dtls {
	struct ssl_st *ssl;
	struct dtls_conf conf;
	enum dtls_state state;
	enum dtls_fault fault;
	const uint8_t *in; /* the datagram in hand */
	size_t in_len;
	unsigned n_out, next_out;
	struct {
		uint16_t len;
		uint8_t p[DTLS_SEND_MAX];
	} out[DTLS_OUT_MAX];
	struct dtls_keys keys; /* DTLS_UP, until they were taken */
};

/** Makes key and certificate. NOMEM: or the library refuses. */
enum err dtls_own_init(struct dtls_own *o) NODISCARD;
/** A struct of zeros is fine. */
void dtls_own_fini(struct dtls_own *o);

/** own outlives d; d stays where it is. RANGE: print_len or a profile that is none of ours; NOMEM.
 * As the client the hello is ready in dtls_give. */
enum err dtls_init(struct dtls *d, const struct dtls_own *own, const struct dtls_conf *c) NODISCARD;
/** Wipes the keys; a struct of zeros is fine. Says nothing to the peer: the call's BYE does. */
void dtls_fini(struct dtls *d);
/** A datagram from the peer. Junk changes nothing. After the handshake: repeats are answered. */
void dtls_take(struct dtls *d, const void *p, size_t len);
/** The next datagram to send, or false. It is good until the next call with d. */
bool dtls_give(struct dtls *d, struct str *out);
/** us until dtls_late is due; UINT64_MAX: nothing is. */
uint64_t dtls_wait_us(const struct dtls *d);
/** The deadline passed: what was lost is repeated. */
void dtls_late(struct dtls *d);
/** The keys, once: false before DTLS_UP, or when they were taken. */
bool dtls_take_keys(struct dtls *d, struct dtls_keys *out);

#endif
