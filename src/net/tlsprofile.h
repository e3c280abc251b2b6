/* TLS profiles: which versions, suites and signature algorithms. Two are built in, others come out
 * of the configuration; plain data, so that a row can be passed on by value. */
#ifndef POSTERN_NET_TLSPROFILE_H
#define POSTERN_NET_TLSPROFILE_H

#include "base/buf.h"

enum {
	TLS_PROFILE_WORD_MAX = 32, /* with NUL */
	TLS_PROFILE_LIST_MAX = 256 /* a list of suites or algorithms, with NUL */
};

/* name, word; each is a row of a table in tlsprofile.c */
#define TLS_PROFILE_LIST(X)                                                                        \
	X(CARRIER, "carrier") /* 1.2; AES128-SHA, AES128-SHA256, AES256-SHA256; RSA keys only */   \
	X(MODERN, "modern")   /* 1.2 with ECDHE and AEAD, 1.3; RSA and ECDSA */

enum tls_profile {
#define X(name, word) TLS_PROFILE_##name,
	TLS_PROFILE_LIST(X)
#undef X
		TLS_PROFILE_N
};

/* suites are for TLS 1.2, suites13 for 1.3, both in order of preference and in OpenSSL's words. */
struct tls_profile_row {
	char word[TLS_PROFILE_WORD_MAX];
	uint16_t min, max; /* 0x0303 = TLS 1.2, 0x0304 = TLS 1.3 */
	bool rsa_only;     /* leaf keys: RSA of 2048 bits or more, nothing else */
	char suites[TLS_PROFILE_LIST_MAX];
	char suites13[TLS_PROFILE_LIST_MAX];
	char sigalgs[TLS_PROFILE_LIST_MAX];
	char shown[TLS_PROFILE_LIST_MAX]; /* in sentences */
};

const char *tls_profile_word(enum tls_profile p);
enum err tls_profile_parse(struct str s, enum tls_profile *out) NODISCARD;
/** The built-in row. Static. */
const struct tls_profile_row *tls_profile_row(enum tls_profile p);
/**
 * Is the row one that the library takes? Fills `shown` where it is empty, and empty lists of
 * suites13 and sigalgs with those of profile modern. CONFIG: why says which word is wrong.
 */
enum err tls_profile_check(struct tls_profile_row *row, struct buf *why) NODISCARD;
/**
 * What RFC 10015 forbids in this profile, in words: "TLS 1.2 with RSA key exchange: AES128-SHA, .."
 * Returns how many suites; 0: nothing, and nothing is written.
 */
size_t tls_profile_forbidden(const struct tls_profile_row *row, struct buf *b);
/** Is a connection of this version and suite (by number) one that the profile would have made? */
bool tls_profile_allows(const struct tls_profile_row *row, uint16_t version, uint16_t suite);

/* ---- for the tls files ---- */

struct ssl_ctx_st; /* the library's own tags: SSL_CTX, SSL */
struct ssl_st;

/** Set versions, suites and algorithms. false: the library does not take them. */
bool tls_profile_install(struct ssl_ctx_st *ctx, const struct tls_profile_row *row);
/** Versions, suites and algorithms of one handshake. */
bool tls_profile_switch(struct ssl_st *ssl, const struct tls_profile_row *row);

#endif
