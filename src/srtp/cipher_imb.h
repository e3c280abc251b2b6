/* The back end for x86-64 with AES and carry-less multiplication: Intel IPsec-MB (multi-buffer). */
#ifndef POSTERN_SRTP_CIPHER_IMB_H
#define POSTERN_SRTP_CIPHER_IMB_H

#include "srtp/cipher.h"

/** NULL: not built in (meson option ipsec_mb). */
const struct cipher_ops *cipher_imb(void);

#endif
