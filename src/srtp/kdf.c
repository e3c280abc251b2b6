#include "srtp/kdf.h"

#include <string.h>

#include "base/secret.h"

enum {
	LABEL_RTP = 0, /* RFC 3711 4.3.1: encryption, authentication, salt */
	LABEL_RTCP = 3,
	LABEL_AT = 7, /* index DIV rate is 0, so key_id has one byte that counts (4.3.1) */
	STREAMS = 6,
};

static void
set_streams(struct cipher_stream *s, uint8_t (*iv)[CIPHER_BLOCK], const struct srtp_suite *suite,
	    const uint8_t *salt, uint8_t label, struct srtp_session_keys *out)
{
	const struct cipher_stream want[3] = {
		{iv[0], out->crypt, suite->key_len},
		{iv[1], out->auth, sizeof(out->auth)},
		{iv[2], out->salt, suite->salt_len},
	};

	for (uint8_t i = 0; i < 3; i++) {
		memset(iv[i], 0, CIPHER_BLOCK);
		memcpy(iv[i], salt, suite->salt_len);
		iv[i][LABEL_AT] ^= (uint8_t)(label + i);
		s[i] = want[i];
	}
}

enum err
srtp_kdf(const struct cipher_ops *ops, struct cipher_work *w, const struct srtp_suite *suite,
	 const uint8_t *master, const uint8_t *salt, struct srtp_session_keys *rtp,
	 struct srtp_session_keys *rtcp)
{
	uint8_t iv[STREAMS][CIPHER_BLOCK];
	struct cipher_stream streams[STREAMS];
	enum err err;

	memset(rtp, 0, sizeof(*rtp));
	memset(rtcp, 0, sizeof(*rtcp));
	set_streams(streams, iv, suite, salt, LABEL_RTP, rtp);
	set_streams(streams + 3, iv + 3, suite, salt, LABEL_RTCP, rtcp);
	err = ops->do_stream(w, master, suite->key_len, streams, STREAMS);
	if (err) {
		secret_wipe(rtp, sizeof(*rtp));
		secret_wipe(rtcp, sizeof(*rtcp));
	}
	secret_wipe(iv, sizeof(iv)); /* master salt */
	return err;
}
