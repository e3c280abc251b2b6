#include "sdp/local.h"

#include "base/secret.h"

enum { OWN_MKI = 1, OWN_MKI_LEN = 4 };

static void
give_mki(struct sdp_line *l, uint64_t mki, uint8_t len)
{
	l->key.mki = mki;
	l->key.mki_len = len;
}

static enum err
make_line(enum sdp_suite suite, uint32_t tag, struct sdp_line *out)
{
	struct sdp_crypto c;
	enum err e = sdp_crypto_make(suite, tag, &c);

	if (e != ERR_OK)
		return e;
	*out = (struct sdp_line){.tag = c.tag, .suite = c.suite, .key = c.keys[0]};
	sdp_crypto_wipe(&c);
	return ERR_OK;
}

bool
sdp_line_eq(const struct sdp_line *a, const struct sdp_line *b)
{
	return a->tag == b->tag && a->suite == b->suite && a->spelling == b->spelling &&
	       sdp_key_eq(&a->key, &b->key);
}

void
sdp_line_put(struct buf *b, const struct sdp_line *l)
{
	struct sdp_crypto c = {.tag = l->tag,
			       .suite = l->suite,
			       .spelling = l->spelling,
			       .n_keys = 1,
			       .keys = {l->key}};

	sdp_crypto_put(b, &c);
	sdp_crypto_wipe(&c);
}

enum err
sdp_local_offer(struct sdp_local *ours, const struct sdp_suites *suites)
{
	if (ours->secure && ours->form == SDP_FORM_DTLS)
		return ERR_OK;
	secret_wipe(ours->crypto, sizeof(ours->crypto));
	ours->n_crypto = 0;
	if (!ours->secure)
		return ERR_OK;
	for (unsigned i = 0; i < suites->n; i++) {
		struct sdp_line *c = &ours->crypto[i];
		enum err e = make_line((enum sdp_suite)suites->v[i], i + 1, c);

		if (e != ERR_OK)
			return e;
		if (ours->mki == SDP_MKI_ALWAYS)
			give_mki(c, OWN_MKI, OWN_MKI_LEN);
		ours->n_crypto++;
	}
	return ours->n_crypto ? ERR_OK : ERR_NOTFOUND;
}

enum err
sdp_local_answer(struct sdp_local *ours, const struct sdp_stream *offered)
{
	struct sdp_line c;
	bool found = false;
	enum err e;

	if (!ours->secure || offered->disabled || offered->fax)
		return ERR_OK;
	if (offered->dtls.setup) {
		ours->form = SDP_FORM_DTLS;
		if (offered->dtls.setup != SDP_SETUP_ACTPASS || !ours->dtls.setup)
			ours->dtls.setup =
				(uint8_t)sdp_setup_other((enum sdp_setup)offered->dtls.setup);
		return ERR_OK;
	}
	ours->form = sdp_proto_is_clear(offered->proto) ? SDP_FORM_OSRTP : SDP_FORM_SAVP;
	for (unsigned i = 0; i < ours->n_crypto && !found; i++) {
		found = ours->crypto[i].suite == offered->suite;
		if (found)
			c = ours->crypto[i];
	}
	if (!found) {
		e = make_line(offered->suite, offered->tag, &c);
		if (e != ERR_OK)
			return e;
		if (ours->mki == SDP_MKI_MIRROR)
			give_mki(&c, offered->key.mki, offered->key.mki_len);
		if (ours->mki == SDP_MKI_ALWAYS)
			give_mki(&c, OWN_MKI, OWN_MKI_LEN);
	}
	c.tag = offered->tag;
	c.spelling = offered->spelling;
	secret_wipe(ours->crypto, sizeof(ours->crypto));
	ours->crypto[0] = c;
	ours->n_crypto = 1;
	secret_wipe(&c, sizeof(c));
	return ERR_OK;
}

void
sdp_local_chosen(struct sdp_local *ours, const struct sdp_stream *answered)
{
	if (ours->form == SDP_FORM_DTLS) {
		ours->dtls.setup = (uint8_t)sdp_setup_other((enum sdp_setup)answered->dtls.setup);
		return;
	}
	if (answered->suite == SDP_SUITE_NONE) {
		ours->secure = false;
		ours->n_crypto = 0;
		secret_wipe(ours->crypto, sizeof(ours->crypto));
	}
	ours->form = sdp_proto_is_clear(answered->proto) ? SDP_FORM_OSRTP : SDP_FORM_SAVP;
	for (unsigned i = 0; i < ours->n_crypto; i++) {
		struct sdp_line c = ours->crypto[i];
		bool chosen = c.tag == answered->tag && c.suite == answered->suite;

		if (chosen) {
			secret_wipe(ours->crypto, sizeof(ours->crypto));
			ours->crypto[0] = c;
			ours->n_crypto = 1;
		}
		secret_wipe(&c, sizeof(c));
		if (chosen)
			return;
	}
}

void
sdp_local_wipe(struct sdp_local *l)
{
	secret_wipe(l, sizeof(*l));
}
