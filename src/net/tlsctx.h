/* TLS contexts: a profile and our certificate, made from PEM bytes. No file access: the bytes come
 * from keeper. A context is counted, shared between threads, and never changed; reload makes a new
 * one. Whom to believe is tlstrust, swapped on its own. */
#ifndef POSTERN_NET_TLSCTX_H
#define POSTERN_NET_TLSCTX_H

#include <stdatomic.h>

#include "net/certpolicy.h"
#include "net/tlsprofile.h"

enum {
	TLS_ZONES_MAX = 64,         /* zones behind one listener */
	TLS_PEER_CHAIN_MAX = 32768, /* bytes of a peer's Certificate message */
	TLS_STAPLE_MAX = 16384,     /* bytes of an OCSP response of ours */
	TLS_FQDN_MAX = 256          /* with NUL */
};

struct tls_ctx;
struct tls_zones;

/* Is a certificate asked of who connects? One that is shown is judged in any case. */
enum tls_client { TLS_CLIENT_REQUIRED, TLS_CLIENT_OPTIONAL, TLS_CLIENT_NONE };

struct tls_conf {
	bool server;
	enum tls_client client; /* server */
	enum tls_profile profile;
	const struct tls_profile_row *own; /* a profile of the configuration instead; copied */
	uint16_t zone; /* the caller's number of the zone, comes back in tls_peer and tls_record */
	struct str fqdn;                   /* the zone's name: SNI selects it (server) */
	struct str chain_pem, chain_label; /* our certificate and its intermediates, leaf first; the
					    * label (file name) stands in error sentences */
	struct str key_pem, key_label;     /* unencrypted private key */
	struct str staple;                 /* server: OCSP response in DER about our certificate,
					    * for clients that ask (RFC 6066 8); may be empty */
};

/**
 * Build a context, count 1. Checks that chain and key parse and belong together, that the key fits
 * the profile (carrier: RSA >= 2048 bits, key usage with keyEncipherment), that the chain is in
 * order. CONFIG: why holds a sentence: what, which
 * label, what to do. OK with why not empty: a warning (expired, RFC 10015). Takes 2 ms: at boot, or
 * as work of the handshake thread. Thread-safe.
 */
enum err tls_ctx_new(const struct tls_conf *conf, struct buf *why, struct tls_ctx **out) NODISCARD;
/** One more holder. Thread-safe. */
struct tls_ctx *tls_ctx_ref(struct tls_ctx *ctx);
/** One holder less, nulls the pointer; the last one frees. NULL is fine. Thread-safe. */
void tls_ctx_unref(struct tls_ctx **ctx);

/** What it was made with; the profile lives as long as the context. */
uint16_t tls_ctx_zone(const struct tls_ctx *ctx);
enum tls_client tls_ctx_client(const struct tls_ctx *ctx);
const struct tls_profile_row *tls_ctx_profile(const struct tls_ctx *ctx);

/* The zones behind a listener, an immutable set. Reload = a new set, swapped; connections and
 * handshakes in hand keep the old one until they end. */
/** Holds a reference to each ctx (server contexts). n <= TLS_ZONES_MAX; the first is the default.
 */
enum err tls_zones_new(struct tls_ctx *const *ctx, size_t n, struct tls_zones **out) NODISCARD;
struct tls_zones *tls_zones_ref(struct tls_zones *z);
void tls_zones_unref(struct tls_zones **z);

/* A PEM file described, for `postern check`. */
struct tls_cert_info {
	char subject[256], issuer[256], names[512]; /* names: "a, b, sip:c" */
	int64_t not_before_us, not_after_us;
	enum cert_key key;
	uint16_t bits, n_chain; /* n_chain: certificates in the PEM */
	bool self_signed, ku_key_encipherment, eku_server, eku_client;
	bool must_staple; /* RFC 7633: clients may refuse it without an OCSP staple */
	uint8_t fingerprint[32];
};
/** Describes the first certificate of pem. SYNTAX: none there. */
enum err tls_cert_info(struct str pem, struct tls_cert_info *out) NODISCARD;
/** Does the leaf of chain_pem speak for fqdn? For `postern check` of our own zone. */
bool tls_cert_covers(struct str chain_pem, struct str fqdn);

/* ---- for tls.c only ---- */

struct tls_ctx {
	_Atomic uint32_t refs;
	struct ssl_ctx_st *ssl;
	struct tls_profile_row profile;
	uint16_t zone;
	bool server;
	enum tls_client client;
	char fqdn[TLS_FQDN_MAX]; /* without final dot */
	uint8_t *staple;         /* staple_len bytes; NULL: none */
	size_t staple_len;
};

struct tls_zones {
	_Atomic uint32_t refs;
	size_t n;
	struct tls_ctx *ctx[TLS_ZONES_MAX];
};

struct x509_store_ctx_st; /* the library's own tag: X509_STORE_CTX */

/* What a context calls: the app data of each SSL is such a hook. on_hello (server) false: end the
 * handshake with the alert given. */
struct tls_hook {
	bool (*on_hello)(struct tls_hook *hook, struct ssl_st *ssl, int *alert);
	/* The peer's certificates came: 1 = good, 0 = the error in store says which alert. */
	int (*on_verify)(struct tls_hook *hook, struct x509_store_ctx_st *store);
};

/** Make a handshake of one context go on with another one of the set, at ClientHello only. */
bool tls_ctx_switch(const struct tls_ctx *to, struct ssl_st *ssl);

#endif
