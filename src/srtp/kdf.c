#include "srtp/kdf.h"

#include <string.h>

#include "base/secret.h"

enum {
	LABELS = 3,   /* of a half, RFC 3711 4.3.1: encryption, authentication, salt */
	LABEL_AT = 7, /* index DIV rate is 0, so key_id has one byte that counts (4.3.1) */
	STREAMS = SRTP_HALVES * LABELS,
};

static void
set_jobs(struct cipher_job *jobs, void *key, const struct srtp_suite *suite, const uint8_t *salt,
	 struct srtp_session_keys out[SRTP_HALVES])
{
	for (unsigned label = 0; label < STREAMS; label++) {
		struct srtp_session_keys *half = &out[label / LABELS];
		const struct {
			uint8_t *data;
			uint32_t len;
		} want[LABELS] = {{half->crypt, suite->key_len},
				  {half->auth, sizeof(half->auth)},
				  {half->salt, suite->salt_len}};

		jobs[label] = (struct cipher_job){.key = key,
						  .key_len = suite->key_len,
						  .data = want[label % LABELS].data,
						  .crypt_len = want[label % LABELS].len};
		memcpy(jobs[label].iv, salt, suite->salt_len);
		jobs[label].iv[LABEL_AT] ^= (uint8_t)label;
	}
}

enum err
srtp_kdf(const struct cipher_ops *ops, struct cipher_work *w, const struct srtp_suite *suite,
	 const uint8_t *master, const uint8_t *salt, struct srtp_session_keys out[SRTP_HALVES])
{
	uint8_t room[CIPHER_PART_AT + CIPHER_CM_MAX] __attribute__((aligned(64))) = {0};
	uint8_t *key = room + CIPHER_PART_AT;
	struct cipher_job jobs[STREAMS], *list[STREAMS];
	enum err err;

	memset(out, 0, SRTP_HALVES * sizeof(*out));
	set_jobs(jobs, key, suite, salt, out);
	for (int i = 0; i < STREAMS; i++)
		list[i] = &jobs[i];
	err = ops->do_init(w, CIPHER_CM_SHA1, key, master, suite->key_len, NULL, 0);
	if (!err && !ops->do_crypt(w, list, STREAMS))
		err = ERR_BUG;
	ops->do_fini(CIPHER_CM_SHA1, key);
	if (err)
		secret_wipe(out, SRTP_HALVES * sizeof(*out));
	secret_wipe(jobs, sizeof(jobs)); /* master salt */
	return err;
}
