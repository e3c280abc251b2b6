/* The certificates, keys, authorities and passwords of a configuration as one flat block of bytes:
 * read from files by a child of keeper, sealed, and mapped by signaling, which opens no file. */
#ifndef POSTERN_CONF_PKI_H
#define POSTERN_CONF_PKI_H

#include "conf/conf.h"

/* PKI_SYSTEM: the system's bundle, where the zone takes authorities out of it. PKI_CRL: the first
 * of CONF_CRLS_MAX, a file each. */
enum pki_part {
	PKI_CHAIN,
	PKI_KEY,
	PKI_TRUST,
	PKI_SYSTEM,
	PKI_CRL,
	PKI_PARTS = PKI_CRL + CONF_CRLS_MAX
};
/* The parts in words, for people. */
#define PKI_WORDS                                                                                  \
	"certificate", "key", "trusted authorities", "system's authorities", "revocation list 1",  \
		"revocation list 2", "revocation list 3", "revocation list 4"
_Static_assert(CONF_CRLS_MAX == 4, "words for each list");
enum { PKI_FILE_MAX = 4 << 20, PKI_WHY_MAX = 512 };
#define PKI_SYSTEM_TRUST "/etc/ssl/certs/ca-certificates.crt"

/**
 * Read every file that the zones name and write the block to fd. IO: why says which file and what
 * is wrong with it.
 */
enum err pki_write(const struct conf *c, int fd, char why[PKI_WHY_MAX]) NODISCARD;
/** Append one text file to fd, as pki_write does it. IO: why says what is wrong. */
enum err pki_write_file(const char *path, int fd, char why[PKI_WHY_MAX]) NODISCARD;
/**
 * What admin may see of a block that pki_write made, as such a block: of texts the certificates and
 * lists alone, whatever else their files hold (a key beside its certificate); lists in DER. IO,
 * NOMEM.
 */
enum err pki_write_public(int from, int to) NODISCARD;
/** The password of credentials i, as its file has it; empty in what admin may see. SYNTAX: not such
 * a block. */
enum err pki_password(struct str block, uint32_t i, struct str *out) NODISCARD;
/** One part of one zone, PEM text; empty when the zone has none. SYNTAX: not such a block. */
enum err pki_get(struct str block, uint32_t zone, enum pki_part part, struct str *out) NODISCARD;

#endif
