#include "edge/auth.h"

#include <string.h>

#include "base/guard.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/random.h"
#include "base/secret.h"
#include "edge/attempt.h"
#include "policy/source.h"

enum { CNONCE_CHARS = 20 };

/* The last challenge of a trunk, from its server or a proxy before it. */
struct session {
	struct policy_id trunk; /* "": free */
	bool proxy;
	bool good; /* an answer to it was taken */
	bool once; /* each request gets a nonce of its own: none is used again */
	uint32_t nc;
	uint64_t used;  /* us */
	uint64_t hash;  /* of the nonce */
	struct addr at; /* what went to the trunk's own host was challenged there; family 0: none */
	struct sip_challenge challenge;
	char realm[SIP_DIGEST_VALUE_MAX], nonce[SIP_DIGEST_VALUE_MAX], opaque[SIP_DIGEST_VALUE_MAX];
};

struct auth {
	struct edge_credential list[EDGE_CREDENTIALS_MAX];
	uint32_t n;
	struct session session[AUTH_SESSIONS];
};

enum err
auth_init(struct edge *e)
{
	e->auth = mem_zalloc(1, sizeof(*e->auth));
	return e->auth ? ERR_OK : ERR_NOMEM;
}

void
auth_fini(struct edge *e)
{
	if (e->auth)
		secret_wipe(e->auth, sizeof(*e->auth));
	mem_free(e->auth);
	e->auth = NULL;
}

void
edge_on_credentials(struct edge *e, const struct edge_credential *list, uint32_t n)
{
	struct auth *a = e->auth;

	secret_wipe(a->list, sizeof(a->list));
	a->n = n < EDGE_CREDENTIALS_MAX ? n : EDGE_CREDENTIALS_MAX;
	memcpy(a->list, list, a->n * sizeof(*list));
	memset(a->session, 0, sizeof(a->session)); /* another user may have another nonce */
}

/* ---- what there is for a trunk ---- */

/* Is host the trunk's, or below it in DNS? */
static bool
is_below(struct str host, struct str trunk)
{
	size_t n = host.len - trunk.len;

	if (host.len <= trunk.len)
		return str_ieq(host, trunk);
	return trunk.len && host.p[n - 1] == '.' && str_ieq(str_from_at(host, n), trunk);
}

/* The address of its host, one of its sources, or where what went to its host was challenged. */
static bool
is_addr_of(const struct edge_txn *t, uint32_t trunk, const struct addr *ip)
{
	const struct snapshot_view *v = t->owner->snap;
	const struct auth *a = t->owner->auth;
	struct addr own;

	if (addr_parse_ip(snapshot_text(v, v->trunk[trunk].host), &own) == ERR_OK &&
	    addr_ip_eq(ip, &own))
		return true;
	if (v->trunk[trunk].n_sources && source_fits(v, trunk, ip))
		return true;
	for (uint32_t i = 0; i < AUTH_SESSIONS; i++)
		if (strcmp(a->session[i].trunk.z, t->dest.trunk.z) == 0 &&
		    addr_ip_eq(&a->session[i].at, ip))
			return true;
	return false;
}

/* The connection that carries it, or shall, whatever its host says, is to the trunk; else its host
 * is the trunk's, one below it, or an address of the trunk's. */
static bool
is_of_trunk(const struct edge_txn *t, uint32_t trunk)
{
	const struct snapshot_view *v = t->owner->snap;
	struct str host = str_from(t->dest.host);
	const struct conn *c = conns_find(&t->owner->conns, t->conn ? t->conn : t->dest.conn);
	struct addr ip;

	if (!host.len || (c && is_addr_of(t, trunk, &c->remote)))
		return true;
	if (addr_parse_ip(host, &ip) == ERR_OK)
		return is_addr_of(t, trunk, &ip);
	return is_below(host, snapshot_text(v, v->trunk[trunk].host));
}

static uint32_t
trunk_of(const struct edge_txn *t)
{
	const struct edge *e = t->owner;

	return e->snap ? snapshot_trunk(e->snap, str_from(t->dest.trunk.z)) : POLICY_NONE;
}

/* Does t go to its trunk itself? A Contact or Record-Route may name anybody, who would get what
 * proves to the trunk that it is us, for as long as the nonce is good. */
static bool
goes_home(const struct edge_txn *t)
{
	uint32_t trunk = trunk_of(t);

	return GUARD(A6, trunk != POLICY_NONE && is_of_trunk(t, trunk));
}

static const struct edge_credential *
credential_of(const struct edge_txn *t)
{
	const struct edge *e = t->owner;
	uint32_t i = trunk_of(t);
	struct str name =
		i == POLICY_NONE ? STR_NULL : snapshot_text(e->snap, e->snap->trunk[i].auth);

	for (uint32_t k = 0; name.len && k < e->auth->n; k++)
		if (str_eqz(name, e->auth->list[k].name))
			return &e->auth->list[k];
	return NULL;
}

static struct session *
find_session(const struct edge_txn *t, bool proxy)
{
	struct auth *a = t->owner->auth;

	for (uint32_t i = 0; i < AUTH_SESSIONS; i++)
		if (a->session[i].trunk.z[0] && a->session[i].proxy == proxy &&
		    strcmp(a->session[i].trunk.z, t->dest.trunk.z) == 0)
			return &a->session[i];
	return NULL;
}

/* A free one, or that which was not used for longest. */
static struct session *
take_session(const struct edge_txn *t, bool proxy)
{
	struct auth *a = t->owner->auth;
	struct session *s = find_session(t, proxy), *old = &a->session[0];

	for (uint32_t i = 0; !s && i < AUTH_SESSIONS; i++)
		if (a->session[i].used < old->used)
			old = &a->session[i];
	if (!s) {
		s = old;
		*s = (struct session){.trunk = t->dest.trunk, .proxy = proxy};
	}
	return s;
}

static struct str
keep_text(char mem[SIP_DIGEST_VALUE_MAX], struct str s)
{
	memcpy(mem, s.p, s.len); /* at most SIP_DIGEST_VALUE_MAX: the parser looked */
	return str_of(mem, s.len);
}

static void
keep_challenge(struct session *s, const struct sip_challenge *c, uint64_t hash)
{
	s->challenge = *c;
	s->challenge.realm = keep_text(s->realm, c->realm);
	s->challenge.nonce = keep_text(s->nonce, c->nonce);
	s->challenge.opaque = c->opaque.len ? keep_text(s->opaque, c->opaque) : STR_NULL;
	s->hash = hash;
	s->nc = 0;
	s->good = false;
}

/* ---- headers ---- */

/* Method and URI of a request that we wrote. */
static void
read_line(struct str request, struct str *method, struct str *uri)
{
	*method = str_cut(&request, ' ');
	*uri = str_cut(&request, ' ');
}

static void
put_answer(struct edge_txn *t, struct session *s, const struct edge_credential *c,
	   struct str request, struct buf *b)
{
	char cnonce[CNONCE_CHARS + 1];
	struct sip_digest_answer a = {.challenge = &s->challenge,
				      .key = &c->key,
				      .user = str_from(c->user),
				      .cnonce = str_of(cnonce, CNONCE_CHARS),
				      .nc = ++s->nc,
				      .proxy = s->proxy};
	size_t before = b->len;

	read_line(request, &a.method, &a.uri);
	random_token(cnonce, CNONCE_CHARS);
	s->used = loop_now(t->owner->loop);
	t->shown[s->proxy] = s->hash;
	if (sip_digest_put(b, &a) != ERR_OK)
		b->len = before; /* then it is challenged, and fails */
}

/* The ACK of a 2xx has what its INVITE had (RFC 3261 22.1), where it goes to the trunk as well: it
 * should, but nobody may challenge it, so it does without elsewhere. */
static void
put_of_invite(struct edge_txn *t, struct buf *b)
{
	struct edge *e = t->owner;
	struct edge_txn *invite;
	struct txn_key key;

	if (!t->dest.invite[0] || !goes_home(t) ||
	    txn_client_key(str_from(t->dest.invite), STR("INVITE"), &key) != ERR_OK)
		return;
	invite = send_find_txn(e, &key);
	if (!invite || invite->server || strcmp(invite->dest.trunk.z, t->dest.trunk.z) != 0 ||
	    sip_msg_parse(str_of(invite->req.p, invite->req.len), &e->own) != ERR_OK)
		return;
	sip_edit_copy_all(b, &e->own, SIP_H_AUTHORIZATION);
	sip_edit_copy_all(b, &e->own, SIP_H_PROXY_AUTHORIZATION);
}

void
auth_put(struct edge_txn *t, struct str request, struct buf *b)
{
	const struct edge_credential *c;

	if (t->method == SIP_ACK) {
		put_of_invite(t, b);
		return;
	}
	c = t->method == SIP_CANCEL || !goes_home(t) ? NULL : credential_of(t);
	for (int proxy = 0; c && proxy < 2; proxy++) {
		struct session *s = find_session(t, proxy);

		if (s && s->good && !s->once && s->nc < UINT32_MAX)
			put_answer(t, s, c, request, b);
	}
}

static bool
is_answer_to(enum sip_hdr_id id, const struct session *s)
{
	return (id == SIP_H_AUTHORIZATION && !(s && s->proxy)) ||
	       (id == SIP_H_PROXY_AUTHORIZATION && !(s && !s->proxy));
}

/* t's request once more: another CSeq, its old answer of this kind gone, the new one behind the
 * CSeq; all else as it was, the body byte for byte. No session: the same CSeq, and no answer. */
static enum err
write_again(struct edge_txn *t, struct session *s, const struct edge_credential *c, uint32_t cseq)
{
	struct edge *e = t->owner;
	const struct sip_msg *m = &e->own;
	enum err err = sip_msg_parse(str_of(t->req.p, t->req.len), &e->own);
	struct buf b;

	if (err != ERR_OK)
		return err;
	buf_init(&b, e->msg, sizeof(e->msg));
	sip_edit_request(&b, m->method_name, m->uri_text);
	for (uint16_t i = 0; i < m->n_hdr; i++) {
		if (is_answer_to(m->hdr[i].id, s))
			continue;
		if (s && m->hdr[i].id == SIP_H_CSEQ) {
			sip_edit_cseq(&b, cseq, m->method_name);
			put_answer(t, s, c, m->all, &b);
		} else if (sip_edit_copy(&b, &m->hdr[i]) != ERR_OK) {
			return ERR_SYNTAX;
		}
	}
	buf_z(&b, "\r\n");
	buf_str(&b, m->body);
	err = buf_end(&b);
	return err == ERR_OK ? texts_put(&e->texts, &t->req, buf_view(&b)) : err;
}

enum err
auth_settle(struct edge_txn *t)
{
	enum err err;

	if ((!t->shown[0] && !t->shown[1]) || goes_home(t))
		return ERR_OK;
	err = write_again(t, NULL, NULL, 0);
	if (err == ERR_OK)
		t->shown[0] = t->shown[1] = 0;
	return err;
}

/* ---- challenges ---- */

/* Is another answer of any use? Not to the nonce that was answered before; a fresh one after an
 * answer says that the password is wrong, unless the old one was stale, or was only remembered. */
static bool
may_answer(const struct edge_txn *t, bool proxy, const struct sip_challenge *c, uint64_t hash)
{
	if (t->server || t->once || t->stray || t->dead || t->dest.branch[0] ||
	    t->method == SIP_ACK || t->method == SIP_CANCEL || t->m.cancel != TXN_CANCEL_NONE)
		return false;
	if (t->shown[proxy] == hash || t->answered[proxy] >= AUTH_TRIES)
		return false;
	return t->answered[proxy] == 0 || c->stale;
}

static void
log_challenge(const struct edge_txn *t, const struct sip_msg *m, const char *what)
{
	uint64_t left_out;

	if (guard_may_log(&t->owner->guard, GUARD_REFUSED, loop_now(t->owner->loop), &left_out))
		log_warn("digest.refused",
			 "trunk=%s %s was answered with %u: %s; left out %llu lines",
			 t->dest.trunk.z, sip_method_name(t->method), m->status, what,
			 (unsigned long long)left_out);
}

/* The number that the request has next time; 0: it shall not go again. */
static uint32_t
next_cseq(struct edge_txn *t, uint32_t last)
{
	struct edge *e = t->owner;

	if (t->own || t->forgotten || !t->user || !e->up.on_again)
		return last + 1;
	return e->up.on_again(e->up.arg, t->user, t, t->method);
}

bool
auth_on_challenge(struct edge_txn *t, const struct sip_msg *msg)
{
	struct edge *e = t->owner;
	const struct edge_credential *c = credential_of(t);
	bool proxy = msg->status == 407;
	struct sip_challenge challenge;
	struct session *s;
	uint64_t hash;
	uint32_t cseq = msg->cseq;

	if (!c)
		return false;
	if (!goes_home(t)) {
		log_challenge(t, msg,
			      "it went, by a Contact or Record-Route, to a host that is none of "
			      "the trunk's: add its address to the sources of the trunk if it is");
		return false;
	}
	if (sip_challenge_pick(msg, str_from(c->realm), &c->key, &challenge) != ERR_OK) {
		log_challenge(t, msg,
			      "no challenge is of the realm and an algorithm of its credentials");
		return false;
	}
	hash = hash_of(&e->by_key, challenge.nonce);
	if (!may_answer(t, proxy, &challenge, hash)) {
		log_challenge(t, msg, "the answer to its challenge was not taken");
		return false;
	}
	s = take_session(t, proxy);
	s->once |= t->shown[proxy] && t->answered[proxy] == 0 && !challenge.stale;
	keep_challenge(s, &challenge, hash);
	if (!t->dest.host[0])
		s->at = attempt_at(t);
	if (!attempt_leave_answered(t, msg))
		return false;
	t->answered[proxy]++;
	cseq = next_cseq(t, cseq);
	if (!cseq || write_again(t, s, c, cseq) != ERR_OK) {
		send_fail_txn(t, ERR_AUTH, "the request cannot be sent again with credentials");
		return true;
	}
	attempt_same(t);
	return true;
}

void
auth_taken(struct edge_txn *t)
{
	for (int proxy = 0; proxy < 2; proxy++) {
		struct session *s = t->shown[proxy] ? find_session(t, proxy) : NULL;

		if (s && s->hash == t->shown[proxy])
			s->good = true;
	}
}
