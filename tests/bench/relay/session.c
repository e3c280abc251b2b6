#include "relay/session.h"

#include "bench.h"
#include "srtp/suite.h"

enum { WINDOW = 1024 };

srtp_t
session_open(const struct traffic_case *what, uint8_t *key, srtp_ssrc_type_t side)
{
	static bool begun;
	srtp_policy_t pol = {.ssrc = {.type = side}, .key = key, .window_size = WINDOW};
	srtp_t session;

	if (!begun)
		BENCH_MUST(srtp_init() == srtp_err_status_ok);
	begun = true;
	if (what->suite_id == SRTP_AEAD_AES_128_GCM) {
		srtp_crypto_policy_set_aes_gcm_128_16_auth(&pol.rtp);
		srtp_crypto_policy_set_aes_gcm_128_16_auth(&pol.rtcp);
	} else {
		srtp_crypto_policy_set_rtp_default(&pol.rtp);
		srtp_crypto_policy_set_rtcp_default(&pol.rtcp);
	}
	BENCH_MUST(srtp_create(&session, &pol) == srtp_err_status_ok);
	return session;
}
