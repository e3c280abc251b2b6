#include "srtp/suite.h"

#include <stddef.h>

#include "base/err.h"

static const struct srtp_suite suites[] = {
	{"AES_CM_128_HMAC_SHA1_80", SRTP_AES_CM_128_HMAC_SHA1_80, CIPHER_CM_SHA1, 16, 14, 10, 10},
	{"AES_CM_128_HMAC_SHA1_32", SRTP_AES_CM_128_HMAC_SHA1_32, CIPHER_CM_SHA1, 16, 14, 4, 10},
	{"AES_256_CM_HMAC_SHA1_80", SRTP_AES_256_CM_HMAC_SHA1_80, CIPHER_CM_SHA1, 32, 14, 10, 10},
	{"AES_256_CM_HMAC_SHA1_32", SRTP_AES_256_CM_HMAC_SHA1_32, CIPHER_CM_SHA1, 32, 14, 4, 10},
	{"AEAD_AES_128_GCM", SRTP_AEAD_AES_128_GCM, CIPHER_GCM, 16, 12, 16, 16},
	{"AEAD_AES_256_GCM", SRTP_AEAD_AES_256_GCM, CIPHER_GCM, 32, 12, 16, 16},
};

const struct srtp_suite *
srtp_suite_get(unsigned id)
{
	for (size_t i = 0; i < ARRAY_LEN(suites); i++)
		if (suites[i].id == id)
			return &suites[i];
	return NULL;
}
