#include "srtp/engine.h"

#include <assert.h>
#include <string.h>

#include "base/guard.h"
#include "base/secret.h"
#include "rtp/rtp.h"

enum {
	PREFETCH_AHEAD = 4,
	CACHE_LINE = 64,
	RTCP_HEADER_LEN = 8, /* what SRTCP leaves clear, RFC 3711 3.4 */
};

static const uint32_t srtcp_e = UINT32_C(1) << 31;

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

bool
srtp_state_started(const struct srtp_state *s)
{
	return s->rtp.next > 0;
}

/* What stands behind a packet, as offsets from its end. AES-CM: index word, MKI, tag (RFC 3711 3.1,
 * 3.4); GCM: tag, index word, MKI (RFC 7714 8.2, 9.2). */
struct tail {
	uint32_t word, mki, tag, size;
};

static struct tail
tail_of(const struct srtp_op *op)
{
	const struct srtp_suite *suite = op->key->suite;
	bool rtcp = op->flags & SRTP_OP_RTCP;
	uint32_t word = rtcp ? SRTCP_INDEX_LEN : 0, mki = op->key->mki_len;
	uint32_t tag = rtcp ? suite->rtcp_tag : suite->rtp_tag;

	if (suite->kind == CIPHER_GCM)
		return (struct tail){tag, tag + word, 0, tag + word + mki};
	return (struct tail){0, word, word + mki, word + mki + tag};
}

/* The value in the last bytes, zeros before it. */
static void
put_mki(const struct srtp_key *key, uint8_t *p)
{
	uint64_t v = key->mki;

	for (unsigned i = key->mki_len; i-- > 0; v >>= 8)
		p[i] = (uint8_t)v;
}

static bool
is_mki(const struct srtp_key *key, const uint8_t *p)
{
	uint64_t v = key->mki;
	bool same = true;

	for (unsigned i = key->mki_len; i-- > 0; v >>= 8)
		same &= p[i] == (uint8_t)v;
	return same;
}

/* AES-CM, RFC 3711 4.1.1: salt * 2^16 ^ ssrc * 2^64 ^ index * 2^16. GCM, RFC 7714 8.1 and 9.1: salt
 * ^ 0:16 ssrc:32 index:48. */
static void
make_iv(struct cipher_job *job, const struct srtp_key *half, uint32_t ssrc, uint64_t index)
{
	uint64_t high = octets_get64(half->salt),
		 low = octets_get64(half->salt + 8) & ~UINT64_C(0xffff);

	if (half->suite->kind == CIPHER_GCM) {
		high ^= (uint64_t)ssrc << 16 | index >> 32;
		low ^= index << 32;
	} else {
		high ^= ssrc;
		low ^= index << 16;
	}
	octets_set64(job->iv, high);
	octets_set64(job->iv + 8, low);
}

/* The index of the packet in op, by op's own rollover counter or by the estimate. */
static uint64_t
rtp_index(const struct srtp_op *op)
{
	uint16_t seq = octets_get16(op->buf + 2);

	if (op->flags & SRTP_OP_ROC)
		return srtp_index_make(op->roc, seq);
	if (!srtp_state_started(op->state))
		return seq;
	return srtp_index_estimate(op->state->rtp.next - 1, seq);
}

static void
plan_job(struct cipher_job *job, struct srtp_key *half, const struct srtp_op *op, uint32_t ssrc)
{
	job->key = half->part;
	job->key_len = half->suite->key_len;
	job->data = op->buf;
	make_iv(job, half, ssrc, op->index);
}

/* Header, index and job of an RTP packet of len bytes without tail. */
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
	job->crypt_at = h.header_len;
	job->crypt_len = len - h.header_len;
	job->auth_len = len;
	job->aad = op->buf;
	job->aad_len = h.header_len;
	job->tag_len = op->key->suite->rtp_tag;
	job->trailer_len = CIPHER_TRAILER;
	octets_set32(job->trailer, srtp_index_roc(op->index));
	plan_job(job, op->key, op, h.ssrc);
	return ERR_OK;
}

/* Header and job of an RTCP packet of len bytes without tail; word is E and index. */
static enum err
plan_rtcp(struct srtp_op *op, uint32_t len, uint32_t word, struct cipher_job *job)
{
	uint32_t ssrc = octets_get32(op->buf + 4);

	if (op->buf[0] >> 6 != 2)
		return ERR_SYNTAX;
	if (ssrc != op->state->ssrc)
		return ERR_STATE;
	op->index = word & ~srtcp_e;
	job->crypt_at = RTCP_HEADER_LEN;
	job->crypt_len = word & srtcp_e ? len - RTCP_HEADER_LEN : 0;
	job->auth_len = len + SRTCP_INDEX_LEN;
	memcpy(job->aad_copy, op->buf, RTCP_HEADER_LEN);
	octets_set32(job->aad_copy + RTCP_HEADER_LEN, word);
	job->aad = job->aad_copy;
	job->aad_len = sizeof(job->aad_copy);
	job->tag_len = op->key->suite->rtcp_tag;
	job->trailer_len = 0;
	plan_job(job, op->key->rtcp, op, ssrc);
	return ERR_OK;
}

static struct srtp_replay *
window_of(const struct srtp_op *op)
{
	return op->flags & SRTP_OP_RTCP ? &op->state->rtcp : &op->state->rtp;
}

static void
commit_index(const struct srtp_op *op)
{
	srtp_replay_commit(window_of(op), op->index);
	op->state->packets++;
}

/* The room of an outgoing packet, and the index word of an RTCP packet. */
static enum err
plan_out(const struct srtp_op *op, const struct tail *t, uint32_t *word)
{
	if (op->len + t->size > SRTP_PACKET_MAX || op->len + t->size > op->cap)
		return ERR_LONG;
	if (!(op->flags & SRTP_OP_RTCP))
		return ERR_OK;
	if (op->len < RTCP_HEADER_LEN)
		return ERR_SHORT;
	*word = srtcp_e | (uint32_t)op->state->rtcp.next;
	return op->state->rtcp.next >= SRTCP_INDEX_LIMIT ? ERR_EXPIRED : ERR_OK;
}

/* The tail of an incoming packet: its MKI, and the index word of an RTCP packet. */
static enum err
plan_in(const struct srtp_op *op, const struct tail *t, uint32_t *word)
{
	bool rtcp = op->flags & SRTP_OP_RTCP;
	const uint8_t *end;

	if (op->len < (rtcp ? RTCP_HEADER_LEN : RTP_HEADER_LEN) + t->size)
		return ERR_SHORT;
	end = op->buf + op->len - t->size;
	if (!is_mki(op->key, end + t->mki))
		return ERR_NOTFOUND;
	if (!rtcp)
		return ERR_OK;
	*word = octets_get32(end + t->word);
	return GUARD(M10, *word & srtcp_e) ? ERR_OK : ERR_UNSUPPORTED;
}

/* Pass 1. Of protect: from OK on, the index is used. Of unprotect: reads only. */
static enum err
plan_op(struct srtp_op *op, bool protect, struct cipher_job *job, struct srtp_slot *slot)
{
	bool rtcp = op->flags & SRTP_OP_RTCP;
	uint32_t len, word = 0;
	struct tail t;
	enum err err;

	if (!op->key)
		return ERR_STATE;
	if (op->len > SRTP_PACKET_MAX)
		return ERR_LONG;
	t = tail_of(op);
	err = protect ? plan_out(op, &t, &word) : plan_in(op, &t, &word);
	if (err)
		return err;
	len = protect ? op->len : op->len - t.size;
	err = rtcp ? plan_rtcp(op, len, word, job) : plan_rtp(op, len, job);
	if (err)
		return err;
	*slot = (struct srtp_slot){op, op->buf + len + t.tag, protect ? len + t.size : len};
	if (!protect)
		return GUARD(M5, srtp_replay_fresh(window_of(op), op->index)) ? ERR_OK : ERR_REPLAY;
	if (!GUARD(M7, srtp_replay_fresh(window_of(op), op->index)))
		return ERR_REPLAY;
	commit_index(op);
	put_mki(op->key, op->buf + len + t.mki);
	if (rtcp)
		octets_set32(op->buf + len + t.word, word);
	return ERR_OK;
}

/* After the tag was checked: the window again, then the state. */
static enum err
admit(const struct srtp_slot *slot, bool good)
{
	struct srtp_op *op = slot->op;

	op->auths++;
	if (!GUARD(M3, good)) {
		if (GUARD(M6, false)) /* for a red build: moved by what nobody signed */
			commit_index(op);
		return ERR_AUTH;
	}
	if (!GUARD(M5, srtp_replay_fresh(window_of(op), op->index)))
		return ERR_REPLAY;
	commit_index(op);
	op->out_len = slot->out_len;
	return ERR_OK;
}

/* The lines of p from at to end. */
static void
prefetch(const void *p, unsigned at, unsigned end)
{
	for (; at < end; at += CACHE_LINE)
		__builtin_prefetch((const char *)p + at);
}

/* What pass 1 and the ciphers will read of a packet that comes soon. */
static void
prefetch_op(const struct srtp_ctx *c, const struct srtp_op *op)
{
	__builtin_prefetch(op->state, 1);
	__builtin_prefetch(op->buf, 1);
	prefetch(op->key, 0, sizeof(struct srtp_key) + c->ops->key_near);
}

/* The jobs of one kind in the batch. */
struct jobs {
	struct cipher_job **v;
	unsigned n;
};

/* Pass 1 over the ops whose status is AGAIN: jobs for those that go on, by kind. */
static void
plan_batch(struct srtp_ctx *c, struct srtp_op *ops, unsigned n, bool protect,
	   struct jobs out[CIPHER_KINDS])
{
	unsigned m = 0;

	for (unsigned kind = 0; kind < CIPHER_KINDS; kind++)
		out[kind] = (struct jobs){c->list[kind], 0};
	for (unsigned i = 0; i < n; i++) {
		const struct srtp_suite *suite;
		struct jobs *to;

		if (i + PREFETCH_AHEAD < n)
			prefetch_op(c, &ops[i + PREFETCH_AHEAD]);
		if (ops[i].status != ERR_AGAIN)
			continue;
		ops[i].out_len = 0;
		ops[i].status = plan_op(&ops[i], protect, &c->jobs[m], &c->slots[m]);
		if (ops[i].status)
			continue;
		suite = ops[i].key->suite;
		to = &out[suite->kind];
		prefetch(c->jobs[m].key, c->ops->key_near, c->ops->key_size[suite->kind]);
		to->v[to->n++] = &c->jobs[m++];
	}
}

static struct srtp_slot *
slot_of(struct srtp_ctx *c, const struct cipher_job *job)
{
	return &c->slots[job - c->jobs];
}

static unsigned
fail_all(struct srtp_ctx *c, const struct jobs *j)
{
	for (unsigned i = 0; i < j->n; i++) {
		slot_of(c, j->v[i])->op->status = ERR_BUG;
		slot_of(c, j->v[i])->op->out_len = 0;
	}
	return 0;
}

static unsigned
protect_kind(struct srtp_ctx *c, enum cipher_kind kind, const struct jobs *j)
{
	bool done;

	if (kind == CIPHER_GCM)
		done = c->ops->do_seal(&c->work, j->v, j->n);
	else
		done = c->ops->do_crypt(&c->work, j->v, j->n) &&
		       c->ops->do_tag(&c->work, j->v, j->n);
	if (!done)
		return fail_all(c, j);
	for (unsigned i = 0; i < j->n; i++) {
		struct srtp_slot *slot = slot_of(c, j->v[i]);

		memcpy(slot->tag, j->v[i]->tag, j->v[i]->tag_len);
		slot->op->out_len = slot->out_len;
	}
	return j->n;
}

/* CM: all tags, then the packets whose tag was right. GCM: one by one, decrypted aside, and put
 * into the packet when the tag was right. */
static unsigned
unprotect_kind(struct srtp_ctx *c, enum cipher_kind kind, const struct jobs *j)
{
	struct jobs good = {j->v, 0};

	if (kind == CIPHER_CM_SHA1 && !c->ops->do_tag(&c->work, j->v, j->n))
		return fail_all(c, j);
	for (unsigned i = 0; i < j->n; i++) {
		struct cipher_job *job = j->v[i];
		struct srtp_slot *slot = slot_of(c, job);
		bool right = false;

		if (kind == CIPHER_CM_SHA1) {
			right = secret_equal(job->tag, slot->tag, job->tag_len);
		} else {
			memcpy(job->tag, slot->tag, job->tag_len);
			if (!c->ops->do_unseal(&c->work, job, &right)) {
				slot->op->status = ERR_BUG;
				continue;
			}
		}
		slot->op->status = admit(slot, right);
		if (slot->op->status)
			continue;
		if (kind == CIPHER_GCM)
			memcpy(job->data + job->crypt_at, c->work.blocks, job->crypt_len);
		good.v[good.n++] = job;
	}
	if (kind == CIPHER_CM_SHA1 && !c->ops->do_crypt(&c->work, good.v, good.n))
		return fail_all(c, &good);
	return good.n;
}

/* Those of the ops whose status is AGAIN. */
static unsigned
run_batch(struct srtp_ctx *c, struct srtp_op *ops, unsigned n, bool protect)
{
	struct jobs jobs[CIPHER_KINDS];
	unsigned good = 0;

	plan_batch(c, ops, n, protect, jobs);
	for (unsigned kind = 0; kind < CIPHER_KINDS; kind++)
		if (jobs[kind].n)
			good += protect ? protect_kind(c, kind, &jobs[kind])
					: unprotect_kind(c, kind, &jobs[kind]);
	return good;
}

static void
begin_batch(struct srtp_op *ops, unsigned n)
{
	assert(n <= SRTP_BATCH_MAX);
	for (unsigned i = 0; i < n; i++) {
		ops[i].status = ERR_AGAIN;
		ops[i].auths = 0;
	}
}

unsigned
srtp_protect_batch(struct srtp_ctx *c, struct srtp_op *ops, unsigned n)
{
	begin_batch(ops, n);
	return run_batch(c, ops, n, true);
}

/* True where packets of this batch have moved the estimate under which op failed. */
static bool
estimate_moved(const struct srtp_op *op)
{
	return (op->status == ERR_AUTH || op->status == ERR_REPLAY) &&
	       !(op->flags & (SRTP_OP_RTCP | SRTP_OP_ROC)) && rtp_index(op) != op->index;
}

/* At most two authentications a packet (M6). */
unsigned
srtp_unprotect_batch(struct srtp_ctx *c, struct srtp_op *ops, unsigned n)
{
	unsigned good, again = 0;

	begin_batch(ops, n);
	good = run_batch(c, ops, n, false);
	for (unsigned i = 0; i < n && good < n; i++) {
		if (!estimate_moved(&ops[i]))
			continue;
		ops[i].status = ERR_AGAIN;
		again++;
	}
	return again ? good + run_batch(c, ops, n, false) : good;
}
