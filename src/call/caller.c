#include "call/caller.h"

#include <stdio.h>
#include <string.h>

#include "base/guard.h"
#include "call/alter.h"
#include "sip/hdr.h"

#define ANONYMOUS "anonymous" /* RFC 3323 4.1.1.3 */

/* What one name-addr of a header says. */
enum claim {
	CLAIM_NONE, /* withheld, or nothing */
	CLAIM_OWN,
	CLAIM_FOREIGN,  /* a number or name that is none of the account's */
	CLAIM_ANOTHERS, /* a number that another account has */
};

/* Who asks, and what of the claims is kept. */
struct claims {
	const struct calls *cs;
	uint32_t account, trunk;                /* trunk: its rules; POLICY_NONE = none */
	struct str called;                      /* normalised; History-Info may name it */
	const char *foreign;                    /* first header with a foreign claim; NULL = none */
	bool anothers;                          /* one of them is another account's */
	struct number from, asserted, diverted; /* own ones; z "" = none */
	bool withheld;
};

/* ---- one claim ---- */

/* Does this trunk's account, or the account above it, be the one that calls? */
static bool
is_own(const struct snapshot_view *v, uint32_t trunk, uint32_t account)
{
	uint32_t a = v->trunk[trunk].account;

	return a != POLICY_NONE && (a == account || v->account[a].parent_row == account);
}

/* The user part that says that there is none. */
static bool
is_withheld(const struct sip_uri *u)
{
	static const char *const words[] = {ANONYMOUS, "unknown", "unavailable", "restricted",
					    "private"};

	if (u->scheme != SIP_SCHEME_SIP && u->scheme != SIP_SCHEME_SIPS)
		return false;
	if (u->user.len == 0 || str_ends(u->host, STR(".invalid")))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (str_ieqz(u->user, words[i]))
			return true;
	return false;
}

static enum claim
judge_uri(const struct claims *k, const struct sip_uri *u, struct number *n)
{
	const struct snapshot_view *v = k->cs->snap;
	uint32_t trunk;

	if (is_withheld(u))
		return CLAIM_NONE;
	if (alter_read_uri(k->cs, k->trunk, false, u, n) != ERR_OK || n->z[0] != '+')
		return CLAIM_FOREIGN;
	trunk = snapshot_number_trunk(v, str_from(n->z));
	if (trunk == POLICY_NONE)
		return CLAIM_FOREIGN;
	return is_own(v, trunk, k->account) ? CLAIM_OWN : CLAIM_ANOTHERS;
}

static void
note_claim(struct claims *k, enum claim claim, const char *header)
{
	if (claim != CLAIM_FOREIGN && claim != CLAIM_ANOTHERS)
		return;
	if (!k->foreign)
		k->foreign = header;
	k->anothers = k->anothers || claim == CLAIM_ANOTHERS;
}

/* ---- headers ---- */

/* Every name-addr of all headers of this kind. */
static void
read_list(struct claims *k, const struct sip_msg *m, enum sip_hdr_id id)
{
	struct sip_nameaddr a;
	struct sip_iter it;
	struct number n;
	enum err e;

	sip_iter_init(&it, m, id);
	while ((e = sip_iter_nameaddr(&it, &a)) == ERR_OK) {
		enum claim claim = judge_uri(k, &a.uri, &n);

		if (id == SIP_H_HISTORY_INFO && claim != CLAIM_OWN && claim != CLAIM_NONE &&
		    number_read_uri(&k->cs->conf.numbers, &a.uri, &n) == ERR_OK &&
		    str_eqz(k->called, n.z))
			continue; /* where the call goes now */
		note_claim(k, claim, sip_hdr_name(id));
		if (claim == CLAIM_OWN && id != SIP_H_DIVERSION && id != SIP_H_HISTORY_INFO &&
		    !k->asserted.z[0])
			k->asserted = n;
		if (claim == CLAIM_OWN && id == SIP_H_DIVERSION && !k->diverted.z[0])
			k->diverted = n;
	}
	if (e != ERR_NOTFOUND) /* it cannot be read: nobody knows what it claims */
		note_claim(k, CLAIM_FOREIGN, sip_hdr_name(id));
}

static const enum sip_hdr_id identity_headers[] = {
	SIP_H_P_ASSERTED_IDENTITY, SIP_H_P_PREFERRED_IDENTITY, SIP_H_REMOTE_PARTY_ID,
	SIP_H_DIVERSION, SIP_H_HISTORY_INFO};

static void
read_claims(struct claims *k, const struct sip_msg *m)
{
	enum claim from = judge_uri(k, &m->from.uri, &k->from);

	note_claim(k, from, "From");
	if (from != CLAIM_OWN)
		k->from.z[0] = 0;
	k->withheld = from == CLAIM_NONE && m->from.uri.user.len;
	for (size_t i = 0; i < ARRAY_LEN(identity_headers); i++)
		read_list(k, m, identity_headers[i]);
	k->withheld = k->withheld || hide_wants_privacy(m);
}

/* The own numbers that diverted the call, and why (RFC 5806). */
static void
keep_diversions(struct call *c, const struct claims *k, const struct sip_msg *m)
{
	struct sip_nameaddr a;
	struct sip_iter it;
	struct number n;

	sip_iter_init(&it, m, SIP_H_DIVERSION);
	while (c->caller.n_diversions < CALL_DIVERSIONS_MAX &&
	       sip_iter_nameaddr(&it, &a) == ERR_OK) {
		struct str reason = sip_param_value(a.params, "reason");
		char *kept = c->setup->diversion[c->caller.n_diversions].reason;

		if (judge_uri(k, &a.uri, &n) != CLAIM_OWN)
			continue;
		memcpy(c->setup->diversion[c->caller.n_diversions++].number, n.z, sizeof(n.z));
		if (!sip_all(reason, SIP_C_TOKEN) ||
		    str_copyz(kept, sizeof(c->setup->diversion[0].reason), reason) != ERR_OK)
			kept[0] = 0;
	}
}

static bool
is_index(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] != '.' && (s.p[i] < '0' || s.p[i] > '9'))
			return false;
	return s.len > 0;
}

/* Where the call was: what is its own, and where it goes now (RFC 7044). */
static void
keep_history(struct call *c, const struct claims *k, const struct sip_msg *m)
{
	struct call_caller *to = &c->caller;
	struct sip_nameaddr a;
	struct sip_iter it;
	struct number n;

	to->history_withheld = hide_asks_for(m, "history");
	sip_iter_init(&it, m, SIP_H_HISTORY_INFO);
	while (to->n_history < CALL_DIVERSIONS_MAX && sip_iter_nameaddr(&it, &a) == ERR_OK) {
		struct str index = sip_param_value(a.params, "index");
		uint32_t cause;

		if (judge_uri(k, &a.uri, &n) != CLAIM_OWN &&
		    (number_read_uri(&c->owner->conf.numbers, &a.uri, &n) != ERR_OK ||
		     !str_eqz(k->called, n.z)))
			continue;
		if (!is_index(index) || str_copyz(c->setup->history[to->n_history].index,
						  CALL_HISTORY_INDEX, index) != ERR_OK)
			continue;
		if (str_u32(sip_param_value(a.uri.params, "cause"), 699, &cause) != ERR_OK)
			cause = 0;
		c->setup->history[to->n_history].cause = cause;
		memcpy(c->setup->history[to->n_history++].number, n.z, sizeof(n.z));
	}
}

/* ---- the caller ---- */

static void
set_sent(struct call *c, struct str text)
{
	(void)!str_copyz(c->rec.from_sent, sizeof(c->rec.from_sent), text);
	memcpy(c->caller.shown, c->rec.from_sent, sizeof(c->caller.shown));
}

/* A carrier is believed: E.164 where it is a number, else as it came. */
static void
take_carrier(struct call *c, const struct sip_msg *m, uint32_t trunk)
{
	const struct snapshot_view *v = c->owner->snap;
	struct str caller = snapshot_text(v, v->trunk[trunk].caller);
	struct number n;

	alter_read_verstat(c, m, trunk);
	c->caller.withheld =
		hide_wants_privacy(m) || (is_withheld(&m->from.uri) && m->from.uri.user.len);
	if (c->caller.withheld)
		set_sent(c, STR(ANONYMOUS));
	else if (alter_read_uri(c->owner, trunk, false, &m->from.uri, &n) == ERR_OK)
		set_sent(c, str_from(n.z));
	else
		set_sent(c, caller.len ? caller : str_from(c->rec.from_received));
}

/* The number to show: what the caller showed itself, where that is its own, else the trunk's.
 * Who names nobody at all is not let out without a name, but with an own number. "" = none. */
static void
choose_number(const struct call *c, const struct claims *k, uint32_t trunk, struct buf *out)
{
	const struct snapshot_view *v = c->owner->snap;
	struct str fallback = snapshot_text(v, v->trunk[trunk].caller);
	uint64_t key;

	if (k->from.z[0])
		buf_z(out, k->from.z);
	else if (k->asserted.z[0])
		buf_z(out, k->asserted.z);
	else if (fallback.len)
		buf_add(out, fallback.p, fallback.len);
	else if (k->foreign || c->rec.class == CLASS_EMERGENCY)
		return; /* the first may be of another site: no guess where help shall come */
	else if (k->diverted.z[0])
		buf_z(out, k->diverted.z);
	else if (snapshot_account_number(v, k->account, &key))
		number_key_put(out, key);
}

static enum refusal
refuse_caller(const struct claims *k, char why[CALL_WHY_MAX])
{
	if (!k->foreign)
		(void)snprintf(why, CALL_WHY_MAX,
			       "no caller is named, and the account has neither a number nor a "
			       "caller to show");
	else
		(void)snprintf(why, CALL_WHY_MAX, "%s: %s", k->foreign,
			       k->anothers ? "the number belongs to another account"
					   : refusal_text(REFUSAL_CALLER));
	return REFUSAL_CALLER;
}

enum refusal
caller_read(struct call *c, const struct sip_msg *m, uint32_t payer, uint32_t trunk,
	    char why[CALL_WHY_MAX])
{
	const struct snapshot_view *v = c->owner->snap;
	struct claims k = {
		.cs = c->owner, .account = payer, .trunk = trunk, .called = str_from(c->called.z)};
	bool emergency = c->rec.class == CLASS_EMERGENCY;
	char mem[NUMBER_SIZE];
	struct str number;
	struct buf b;

	c->caller = (struct call_caller){.withheld = false};
	if (payer == POLICY_NONE) {
		take_carrier(c, m, trunk);
		return REFUSAL_NONE;
	}
	read_claims(&k, m);
	buf_init(&b, mem, sizeof(mem));
	choose_number(c, &k, trunk, &b);
	number = buf_view(&b);
	if (!GUARD(A3, (!k.foreign && number.len) || emergency) &&
	    (v->account[payer].caller != ACCOUNT_CALLER_REPLACE || number.len == 0))
		return refuse_caller(&k, why);
	(void)!str_copyz(c->caller.number, sizeof(c->caller.number),
			 k.asserted.z[0] && !emergency ? str_from(k.asserted.z) : number);
	c->caller.withheld = k.withheld && !emergency;
	if (emergency && number.len == 0)
		number = str_from(c->rec.from_received); /* better than nobody */
	set_sent(c, c->caller.withheld ? STR(ANONYMOUS) : number);
	keep_diversions(c, &k, m);
	keep_history(c, &k, m);
	return REFUSAL_NONE;
}

void
caller_read_answer(struct call *c, const struct sip_msg *m)
{
	const struct snapshot_view *v = c->owner->snap;
	struct claims k = {.cs = c->owner, .account = POLICY_NONE, .trunk = POLICY_NONE};

	c->caller.answered[0] = 0;
	if (v && c->rec.leg[LEG_B].account.z[0])
		k.account = snapshot_account(v, str_from(c->rec.leg[LEG_B].account.z));
	if (k.account == POLICY_NONE)
		return;
	k.trunk = snapshot_trunk(v, str_from(c->rec.leg[LEG_B].trunk.z));
	read_list(&k, m, SIP_H_P_ASSERTED_IDENTITY);
	if (!k.foreign)
		memcpy(c->caller.answered, k.asserted.z, sizeof(k.asserted.z));
	c->caller.answered_withheld = hide_wants_privacy(m);
}

bool
caller_is_foreign(const struct calls *cs, const struct sip_msg *m, const struct edge_source *src)
{
	struct claims k = {.cs = cs, .account = POLICY_NONE, .trunk = src->trunk};

	if (cs->snap && src->account_id.z[0] && m->method != SIP_BYE && m->method != SIP_OPTIONS)
		k.account = snapshot_account(cs->snap, str_from(src->account_id.z));
	if (k.account == POLICY_NONE)
		return false;
	read_claims(&k, m);
	return !GUARD(A3, !k.anothers);
}

/* ---- what we write ---- */

static void
put_user(struct buf *b, const char *number)
{
	buf_z(b, "sip:");
	sip_escape_user(b, str_from(number));
}

void
caller_put_number_uri(struct buf *b, const char *number, const struct addr *host)
{
	put_user(b, number);
	buf_char(b, '@');
	addr_put_ip(b, host, true);
}

void
caller_put_uri(const struct call *c, struct buf *b, const struct addr *host)
{
	if (c->caller.withheld) {
		buf_z(b, "sip:" ANONYMOUS "@" ANONYMOUS ".invalid");
	} else if (c->rec.from_sent[0]) {
		put_user(b, c->rec.from_sent);
		if (c->caller.verstat[0] && alter_passes_verstat(c, LEG_B))
			buf_printf(b, ";verstat=%s", c->caller.verstat);
		buf_char(b, '@');
		addr_put_ip(b, host, true);
	} else {
		buf_z(b, "sip:");
		addr_put_ip(b, host, true);
	}
}

/* To leg i. */
static void
put_asserted(const struct call *c, enum call_leg_index i, struct buf *b, const char *number,
	     const struct addr *host)
{
	char mem[256], seen[CALL_NUMBER_MAX];
	struct buf uri;

	if (!number[0])
		return;
	alter_calling(c, i, number, seen);
	buf_init(&uri, mem, sizeof(mem));
	caller_put_number_uri(&uri, seen, host);
	sip_edit_nameaddr(b, SIP_H_P_ASSERTED_IDENTITY,
			  &(struct sip_edit_addr){.uri = buf_view(&uri)});
}

static void
put_privacy(struct buf *b, bool id, bool history)
{
	if (id || history)
		sip_edit_hdr_fmt(b, SIP_H_PRIVACY, "%s%s%s", id ? "id" : "",
				 id && history ? ";" : "", history ? "history" : "");
}

void
caller_put_identity(const struct call *c, enum call_leg_index i, struct buf *b,
		    const struct addr *host)
{
	const struct call_caller *k = &c->caller;
	const char *number = i == LEG_B ? k->number : k->answered;

	put_asserted(c, i, b, number, host);
	put_privacy(b, number[0] && (i == LEG_B ? k->withheld : k->answered_withheld), false);
}

void
caller_put_headers(const struct call *c, struct buf *b, const struct addr *host)
{
	char mem[128];
	struct buf uri;

	put_asserted(c, LEG_B, b, c->caller.number, host);
	put_privacy(b, c->caller.withheld, c->caller.history_withheld && c->caller.n_history);
	for (uint32_t i = 0; c->setup && i < c->caller.n_diversions; i++) {
		const char *reason = c->setup->diversion[i].reason;

		buf_init(&uri, mem, sizeof(mem));
		caller_put_number_uri(&uri, c->setup->diversion[i].number, host);
		sip_edit_hdr_fmt(b, SIP_H_DIVERSION, "<%.*s>%s%s", (int)uri.len, uri.p,
				 reason[0] ? ";reason=" : "", reason);
	}
	for (uint32_t i = 0; c->setup && i < c->caller.n_history; i++) {
		buf_init(&uri, mem, sizeof(mem));
		caller_put_number_uri(&uri, c->setup->history[i].number, host);
		if (c->setup->history[i].cause)
			buf_printf(&uri, ";cause=%u", c->setup->history[i].cause);
		sip_edit_hdr_fmt(b, SIP_H_HISTORY_INFO, "<%.*s>;index=%s", (int)uri.len, uri.p,
				 c->setup->history[i].index);
	}
}
