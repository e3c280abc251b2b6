/* The back end that runs everywhere: OpenSSL 3 EVP. Counter blocks are prepared by us and go
 * through AES-ECB, so that no packet pays for setting an IV. */
#ifndef POSTERN_SRTP_CIPHER_OPENSSL_H
#define POSTERN_SRTP_CIPHER_OPENSSL_H

#include "srtp/cipher.h"

extern const struct cipher_ops cipher_openssl;

#endif
