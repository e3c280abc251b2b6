#include "srtp/engine.h"

#include <assert.h>
#include <string.h>

#include "base/guard.h"
#include "base/secret.h"
#include "rtp/rtp.h"
#include "srtp/cipher_openssl.h"
#include "srtp/kdf.h"

enum {
	PREFETCH_AHEAD = 4,
	RTCP_HEADER_LEN = 8, /* what SRTCP leaves clear, RFC 3711 3.4 */
	ROC_LEN = 4,
	UNPROTECT_ROUNDS = 2, /* at most two authentications a packet (M6) */
};

static const uint32_t srtcp_e = UINT32_C(1) << 31;

/* The library in use. */
static const struct cipher_ops *const back_end = &cipher_openssl;

static_assert(sizeof(struct srtp_state) == 64, "one line of the flow table");

void
srtp_state_init(struct srtp_state *s, uint32_t ssrc)
{
	memset(s, 0, sizeof(*s));
	s->ssrc = ssrc;
}

void
srtp_state_resume(struct srtp_state *s, uint32_t ssrc, uint64_t rtp_next, uint64_t rtcp_next)
{
	srtp_state_init(s, ssrc);
	if (rtp_next > 0)
		srtp_replay_fill(&s->rtp, rtp_next - 1);
	if (rtcp_next > 0)
		srtp_replay_fill(&s->rtcp, rtcp_next - 1);
}

void
srtp_state_rekey(struct srtp_state *s)
{
	s->packets = 0;
}

bool
srtp_state_started(const struct srtp_state *s)
{
	return s->rtp.next > 0;
}

uint32_t
srtp_state_roc(const struct srtp_state *s)
{
	return srtp_state_started(s) ? srtp_index_roc(s->rtp.next - 1) : 0;
}

enum err
srtp_key_init(struct srtp_key *key, unsigned suite, const uint8_t *master, const uint8_t *salt)
{
	const struct srtp_suite *row = srtp_suite_get(suite);
	struct srtp_session_keys rtp, rtcp;
	enum err err;

	memset(key, 0, sizeof(*key));
	if (!row)
		return ERR_UNSUPPORTED;
	err = srtp_kdf(back_end, row, master, salt, &rtp, &rtcp);
	if (err)
		return err;
	err = back_end->do_init(&key->rtp, rtp.crypt, row->key_len, rtp.auth, sizeof(rtp.auth));
	if (!err)
		err = back_end->do_init(&key->rtcp, rtcp.crypt, row->key_len, rtcp.auth,
					sizeof(rtcp.auth));
	if (err) {
		srtp_key_fini(key);
	} else {
		memcpy(key->rtp_salt, rtp.salt, sizeof(key->rtp_salt));
		memcpy(key->rtcp_salt, rtcp.salt, sizeof(key->rtcp_salt));
		key->suite = row;
	}
	secret_wipe(&rtp, sizeof(rtp));
	secret_wipe(&rtcp, sizeof(rtcp));
	return err;
}

void
srtp_key_fini(struct srtp_key *key)
{
	back_end->do_fini(&key->rtp);
	back_end->do_fini(&key->rtcp);
	secret_wipe(key, sizeof(*key));
}

enum err
srtp_ctx_init(struct srtp_ctx *c)
{
	memset(c, 0, sizeof(*c));
	return back_end->do_open(&c->work);
}

void
srtp_ctx_fini(struct srtp_ctx *c)
{
	back_end->do_close(&c->work);
	secret_wipe(c, sizeof(*c));
}

/* RFC 3711 4.1.1: salt * 2^16 ^ ssrc * 2^64 ^ index * 2^16. */
static void
make_iv(uint8_t iv[CIPHER_BLOCK], const uint8_t salt[SRTP_SALT_MAX], uint32_t ssrc, uint64_t index)
{
	memcpy(iv, salt, SRTP_SALT_MAX);
	iv[14] = iv[15] = 0;
	for (unsigned i = 0; i < 4; i++)
		iv[4 + i] ^= (uint8_t)(ssrc >> (24 - 8 * i));
	for (unsigned i = 0; i < 6; i++)
		iv[8 + i] ^= (uint8_t)(index >> (40 - 8 * i));
}

/* The index of the packet in op, by op's own rollover counter or by the estimate. */
static uint64_t
rtp_index(const struct srtp_op *op)
{
	uint16_t seq = rtp_get16(op->buf + 2);

	if (op->flags & SRTP_OP_ROC)
		return srtp_index_make(op->roc, seq);
	if (!srtp_state_started(op->state))
		return seq;
	return srtp_index_estimate(op->state->rtp.next - 1, seq);
}

/* Header, index and job of an RTP packet of len bytes without tag. */
static enum err
plan_rtp(struct srtp_op *op, uint32_t len, struct cipher_job *job)
{
	struct rtp_hdr h;
	enum err err = rtp_parse_encrypted(op->buf, len, &h);

	if (err)
		return err;
	if (h.ssrc != op->state->ssrc)
		return ERR_STATE;
	op->index = rtp_index(op);
	if (op->index >= SRTP_INDEX_LIMIT)
		return ERR_EXPIRED;
	job->key = &op->key->rtp;
	job->data = op->buf;
	job->crypt_at = h.header_len;
	job->crypt_len = len - h.header_len;
	job->auth_len = len;
	job->trailer_len = ROC_LEN;
	rtp_set32(job->trailer, srtp_index_roc(op->index));
	make_iv(job->iv, op->key->rtp_salt, h.ssrc, op->index);
	return ERR_OK;
}

/* Header and job of an RTCP packet of len bytes; word (E and index) stands at buf + len. */
static enum err
plan_rtcp(struct srtp_op *op, uint32_t len, uint32_t word, struct cipher_job *job)
{
	uint32_t ssrc = rtp_get32(op->buf + 4);

	if (op->buf[0] >> 6 != 2)
		return ERR_SYNTAX;
	if (ssrc != op->state->ssrc)
		return ERR_STATE;
	op->index = word & ~srtcp_e;
	job->key = &op->key->rtcp;
	job->data = op->buf;
	job->crypt_at = RTCP_HEADER_LEN;
	job->crypt_len = word & srtcp_e ? len - RTCP_HEADER_LEN : 0;
	job->auth_len = len + SRTCP_INDEX_LEN;
	job->trailer_len = 0;
	make_iv(job->iv, op->key->rtcp_salt, ssrc, op->index);
	return ERR_OK;
}

static struct srtp_replay *
window_of(const struct srtp_op *op)
{
	return op->flags & SRTP_OP_RTCP ? &op->state->rtcp : &op->state->rtp;
}

static uint32_t
tag_len(const struct srtp_op *op)
{
	return op->flags & SRTP_OP_RTCP ? op->key->suite->rtcp_tag : op->key->suite->rtp_tag;
}

static void
commit_index(const struct srtp_op *op)
{
	srtp_replay_commit(window_of(op), op->index);
	op->state->packets++;
}

static enum err
plan_protect_rtp(struct srtp_op *op, struct cipher_job *job)
{
	if (op->len > SRTP_PACKET_MAX - tag_len(op) || op->len + tag_len(op) > op->cap)
		return ERR_LONG;
	return plan_rtp(op, op->len, job);
}

static enum err
plan_protect_rtcp(struct srtp_op *op, struct cipher_job *job)
{
	uint32_t extra = SRTCP_INDEX_LEN + tag_len(op), word;
	enum err err;

	if (op->len < RTCP_HEADER_LEN)
		return ERR_SHORT;
	if (op->len > SRTP_PACKET_MAX - extra || op->len + extra > op->cap)
		return ERR_LONG;
	if (op->state->rtcp.next >= SRTCP_INDEX_LIMIT)
		return ERR_EXPIRED;
	word = srtcp_e | (uint32_t)op->state->rtcp.next;
	err = plan_rtcp(op, op->len, word, job);
	if (!err)
		rtp_set32(op->buf + op->len, word);
	return err;
}

/* Pass 1 of protect: from OK on, the index is used. */
static enum err
plan_protect(struct srtp_op *op, struct cipher_job *job)
{
	enum err err;

	if (!op->key->suite)
		return ERR_STATE;
	err = op->flags & SRTP_OP_RTCP ? plan_protect_rtcp(op, job) : plan_protect_rtp(op, job);
	if (err)
		return err;
	if (!GUARD(M7, srtp_replay_fresh(window_of(op), op->index)))
		return ERR_REPLAY;
	commit_index(op);
	return ERR_OK;
}

static enum err
plan_unprotect_rtp(struct srtp_op *op, struct cipher_job *job)
{
	if (op->len > SRTP_PACKET_MAX)
		return ERR_LONG;
	if (op->len < RTP_HEADER_LEN + tag_len(op))
		return ERR_SHORT;
	return plan_rtp(op, op->len - tag_len(op), job);
}

static enum err
plan_unprotect_rtcp(struct srtp_op *op, struct cipher_job *job)
{
	uint32_t extra = SRTCP_INDEX_LEN + tag_len(op), len, word;

	if (op->len > SRTP_PACKET_MAX)
		return ERR_LONG;
	if (op->len < RTCP_HEADER_LEN + extra)
		return ERR_SHORT;
	len = op->len - extra;
	word = rtp_get32(op->buf + len);
	if (!GUARD(M10, word & srtcp_e))
		return ERR_UNSUPPORTED;
	return plan_rtcp(op, len, word, job);
}

/* Pass 1 of unprotect: reads only. */
static enum err
plan_unprotect(struct srtp_op *op, struct cipher_job *job)
{
	enum err err;

	if (!op->key->suite)
		return ERR_STATE;
	err = op->flags & SRTP_OP_RTCP ? plan_unprotect_rtcp(op, job) : plan_unprotect_rtp(op, job);
	if (err)
		return err;
	if (!GUARD(M5, srtp_replay_fresh(window_of(op), op->index)))
		return ERR_REPLAY;
	return ERR_OK;
}

/* Pass 3 of unprotect: the tag, then the window again, then the state. */
static enum err
admit(const struct srtp_op *op, const struct cipher_job *job)
{
	uint32_t n = tag_len(op);

	if (!GUARD(M3, secret_equal(job->tag, op->buf + op->len - n, n))) {
		if (GUARD(M6, false)) /* for a red build: moved by what nobody signed */
			commit_index(op);
		return ERR_AUTH;
	}
	if (!GUARD(M5, srtp_replay_fresh(window_of(op), op->index)))
		return ERR_REPLAY;
	commit_index(op);
	return ERR_OK;
}

static void
prefetch(struct srtp_op *const *ops, unsigned i, unsigned n)
{
	if (i + PREFETCH_AHEAD >= n)
		return;
	__builtin_prefetch(ops[i + PREFETCH_AHEAD]->state);
	__builtin_prefetch(ops[i + PREFETCH_AHEAD]->key);
	__builtin_prefetch(ops[i + PREFETCH_AHEAD]->buf);
}

/* Pass 1 over n ops: fills c's list and owner with those that go on, and returns how many. */
static unsigned
plan_batch(struct srtp_ctx *c, struct srtp_op *const *ops, unsigned n,
	   enum err (*do_plan)(struct srtp_op *, struct cipher_job *))
{
	unsigned m = 0;

	for (unsigned i = 0; i < n; i++) {
		prefetch(ops, i, n);
		ops[i]->out_len = 0;
		ops[i]->status = do_plan(ops[i], &c->jobs[m]);
		if (ops[i]->status)
			continue;
		c->list[m] = &c->jobs[m];
		c->owner[m++] = ops[i];
	}
	return m;
}

static void
fail_all(struct srtp_op *const *ops, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		ops[i]->status = ERR_BUG;
		ops[i]->out_len = 0;
	}
}

unsigned
srtp_protect_batch(struct srtp_ctx *c, struct srtp_op *ops, unsigned n)
{
	struct srtp_op *all[SRTP_BATCH_MAX];
	unsigned m;

	assert(n <= SRTP_BATCH_MAX);
	for (unsigned i = 0; i < n; i++) {
		all[i] = &ops[i];
		ops[i].auths = 0;
	}
	m = plan_batch(c, all, n, plan_protect);
	if (!back_end->do_crypt(&c->work, c->list, m) || !back_end->do_tag(&c->work, c->list, m)) {
		fail_all(c->owner, m);
		return 0;
	}
	for (unsigned i = 0; i < m; i++) {
		const struct cipher_job *job = c->list[i];
		struct srtp_op *op = c->owner[i];

		memcpy(op->buf + job->auth_len, job->tag, tag_len(op));
		op->out_len = job->auth_len + tag_len(op);
	}
	return m;
}

/* One round over n ops: all of pass 1 to 4. Returns how many are OK. */
static unsigned
unprotect_round(struct srtp_ctx *c, struct srtp_op *const *ops, unsigned n)
{
	unsigned m = plan_batch(c, ops, n, plan_unprotect), good = 0;

	if (!back_end->do_tag(&c->work, c->list, m)) {
		fail_all(c->owner, m);
		return 0;
	}
	for (unsigned i = 0; i < m; i++) {
		struct cipher_job *job = c->list[i];
		struct srtp_op *op = c->owner[i];

		op->auths++;
		op->status = admit(op, job);
		if (op->status)
			continue;
		op->out_len = job->auth_len;
		if (op->flags & SRTP_OP_RTCP)
			op->out_len -= SRTCP_INDEX_LEN;
		c->list[good] = job;
		c->owner[good++] = op;
	}
	if (!back_end->do_crypt(&c->work, c->list, good)) {
		fail_all(c->owner, good);
		return 0;
	}
	return good;
}

/* True where packets of this batch have moved the estimate under which op failed. */
static bool
estimate_moved(const struct srtp_op *op)
{
	return (op->status == ERR_AUTH || op->status == ERR_REPLAY) &&
	       !(op->flags & (SRTP_OP_RTCP | SRTP_OP_ROC)) && rtp_index(op) != op->index;
}

unsigned
srtp_unprotect_batch(struct srtp_ctx *c, struct srtp_op *ops, unsigned n)
{
	struct srtp_op *todo[SRTP_BATCH_MAX];
	unsigned good = 0;

	assert(n <= SRTP_BATCH_MAX);
	for (unsigned i = 0; i < n; i++) {
		todo[i] = &ops[i];
		ops[i].auths = 0;
	}
	for (unsigned round = 0, m = n; round < UNPROTECT_ROUNDS && m > 0; round++) {
		good += unprotect_round(c, todo, m);
		m = 0;
		for (unsigned i = 0; i < n; i++)
			if (estimate_moved(&ops[i]))
				todo[m++] = &ops[i];
	}
	return good;
}
