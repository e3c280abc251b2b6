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
set_jobs(struct cipher_job *jobs, void *key, const struct srtp_suite *suite, const uint8_t *salt,
	 uint8_t label, struct srtp_session_keys *out)
{
	const struct {
		uint8_t *data;
		uint32_t len;
	} want[3] = {{out->crypt, suite->key_len},
		     {out->auth, sizeof(out->auth)},
		     {out->salt, suite->salt_len}};

	for (uint8_t i = 0; i < 3; i++) {
		jobs[i] = (struct cipher_job){.key = key,
					      .key_len = suite->key_len,
					      .data = want[i].data,
					      .crypt_len = want[i].len};
		memcpy(jobs[i].iv, salt, suite->salt_len);
		jobs[i].iv[LABEL_AT] ^= (uint8_t)(label + i);
	}
}

enum err
srtp_kdf(const struct cipher_ops *ops, struct cipher_work *w, const struct srtp_suite *suite,
	 const uint8_t *master, const uint8_t *salt, struct srtp_session_keys *rtp,
	 struct srtp_session_keys *rtcp)
{
	uint8_t room[CIPHER_PART_AT + CIPHER_CM_MAX] __attribute__((aligned(64))) = {0};
	uint8_t *key = room + CIPHER_PART_AT;
	struct cipher_job jobs[STREAMS], *list[STREAMS];
	enum err err;

	memset(rtp, 0, sizeof(*rtp));
	memset(rtcp, 0, sizeof(*rtcp));
	set_jobs(jobs, key, suite, salt, LABEL_RTP, rtp);
	set_jobs(jobs + 3, key, suite, salt, LABEL_RTCP, rtcp);
	for (int i = 0; i < STREAMS; i++)
		list[i] = &jobs[i];
	err = ops->do_init(w, CIPHER_CM_SHA1, key, master, suite->key_len, NULL, 0);
	if (!err && !ops->do_crypt(w, list, STREAMS))
		err = ERR_BUG;
	ops->do_fini(CIPHER_CM_SHA1, key);
	if (err) {
		secret_wipe(rtp, sizeof(*rtp));
		secret_wipe(rtcp, sizeof(*rtcp));
	}
	secret_wipe(jobs, sizeof(jobs)); /* master salt */
	return err;
}
