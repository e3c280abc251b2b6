/* Accepted authorities by name: which root certificates "DigiCert" or "Let's Encrypt" stand for.
 * The list is net/authorities.txt, one root a line, compiled in; the certificates themselves come
 * out of the system's bundle (tlstrust). A set of names is a mask of bits. */
#ifndef POSTERN_NET_AUTHORITY_H
#define POSTERN_NET_AUTHORITY_H

#include "base/buf.h"

enum {
	AUTHORITY_FINGERPRINT = 32, /* SHA-256 of the DER */
	AUTHORITY_ROOTS_MAX = 128   /* lines of the list */
};

/* word, bit. The first six are the default of a zone. */
#define AUTHORITY_LIST(X)                                                                          \
	X(DIGICERT, "DigiCert")                                                                    \
	X(GODADDY, "GoDaddy") /* Starfield too */                                                  \
	X(LETS_ENCRYPT, "Let's Encrypt")                                                           \
	X(IDENTRUST, "IdenTrust")                                                                  \
	X(COMODO, "Comodo") /* Sectigo, USERTrust, AAA */                                          \
	X(GLOBALSIGN, "GlobalSign")                                                                \
	X(AMAZON, "Amazon")                                                                        \
	X(ENTRUST, "Entrust")                                                                      \
	X(GOOGLE, "Google")

enum authority {
#define X(name, word) AUTHORITY_##name,
	AUTHORITY_LIST(X)
#undef X
		AUTHORITY_N
};

#define AUTHORITY_BIT(a) (UINT32_C(1) << (a))
#define AUTHORITY_DEFAULT                                                                          \
	(AUTHORITY_BIT(AUTHORITY_DIGICERT) | AUTHORITY_BIT(AUTHORITY_GODADDY) |                    \
	 AUTHORITY_BIT(AUTHORITY_LETS_ENCRYPT) | AUTHORITY_BIT(AUTHORITY_IDENTRUST) |              \
	 AUTHORITY_BIT(AUTHORITY_COMODO) | AUTHORITY_BIT(AUTHORITY_GLOBALSIGN))

struct authority_root {
	enum authority authority;
	uint8_t fingerprint[AUTHORITY_FINGERPRINT];
	struct str name; /* what the root calls itself; static */
};

/** The word of an authority; "?" outside. Static. */
const char *authority_word(enum authority a);
/** By its word, case and a curly apostrophe do not matter; also by a brand that it bought or goes
 * by ("Sectigo", "ISRG", "Starfield"). NOTFOUND. */
enum err authority_parse(struct str word, enum authority *out) NODISCARD;
/** A list of words parted by commas into a mask. NOTFOUND: *bad is the word that is none. */
enum err authority_parse_list(struct str list, uint32_t *out, struct str *bad) NODISCARD;
/** Root number i of the list; false behind the end. Thread-safe. */
bool authority_root_at(size_t i, struct authority_root *out);
/** Whose root has this fingerprint? false: of none of ours. Thread-safe. */
bool authority_of(const uint8_t fingerprint[AUTHORITY_FINGERPRINT], enum authority *out);
/** "DigiCert, GoDaddy". */
void authority_put(struct buf *b, uint32_t mask);

#endif
