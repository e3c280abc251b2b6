#include "net/certpolicy.h"

#include <assert.h>

#include "base/clock.h"
#include "base/guard.h"

enum { RSA_BITS_MIN = 2048, EC_BITS_MIN = 224 };

static const struct {
	const char *word;
	uint8_t alert;
} reasons[] = {
#define X(name, alert, word) {word, alert},
	CERT_REASON_LIST(X)
#undef X
};

const char *
certpolicy_word(enum cert_reason r)
{
	return (unsigned)r < ARRAY_LEN(reasons) ? reasons[r].word : "?";
}

uint8_t
certpolicy_alert(enum cert_reason r)
{
	return (unsigned)r < ARRAY_LEN(reasons) ? reasons[r].alert : 0;
}

static const char *
key_name(enum cert_key key)
{
	switch (key) {
	case CERT_KEY_RSA:
		return "RSA";
	case CERT_KEY_EC:
		return "elliptic-curve";
	case CERT_KEY_EDWARDS:
		return "Edwards-curve";
	case CERT_KEY_UNKNOWN:
		break;
	}
	return "unknown";
}

static void
put_day(struct buf *b, int64_t us)
{
	char mem[32];
	struct buf day;

	buf_init(&day, mem, sizeof(mem));
	clock_put_utc(&day, us);
	buf_str(b, str_sub(buf_view(&day), 0, sizeof("2026-11-21") - 1));
}

/* ---- the decision ---- */

static const struct {
	enum cert_fault fault;
	enum cert_reason reason;
	const char *why;
} faults[] = {
	{CERT_FAULT_SELF_SIGNED, CERT_SELF_SIGNED,
	 "self-signed; one of an accepted authority is needed"},
	{CERT_FAULT_PURPOSE, CERT_PURPOSE, "its extended key usage does not allow TLS"},
	{CERT_FAULT_NOT_CA, CERT_ISSUER, "issued by a certificate that may not issue others"},
	{CERT_FAULT_PATHLEN, CERT_ISSUER,
	 "an issuer above it allows fewer intermediates (path length) than there are"},
	{CERT_FAULT_SIGNATURE, CERT_SIGNATURE, "a signature in the chain is wrong"},
	{CERT_FAULT_WEAK_KEY, CERT_KEY_SIZE, "a key in the chain is too short"},
	{CERT_FAULT_WEAK_DIGEST, CERT_DIGEST, "signed with a digest that is not safe (SHA-1, MD5)"},
	{CERT_FAULT_LONG, CERT_CHAIN, "the chain is too long"},
	{CERT_FAULT_REVOKED, CERT_REVOKED, "revoked by its authority"},
	{CERT_FAULT_NO_CRL, CERT_NO_CRL, "no revocation list of its authority at hand"},
	{CERT_FAULT_MALFORMED, CERT_MALFORMED, "not well formed"},
	{CERT_FAULT_EXTENSION, CERT_EXTENSION,
	 "it has a critical extension that is not understood here"},
	{CERT_FAULT_CONSTRAINT, CERT_CONSTRAINT,
	 "it has a name that its issuer may not vouch for (name constraints)"},
};

/* One decision in hand. */
struct finding {
	const struct cert_chain_view *chain;
	const struct cert_policy *policy;
	int64_t now_us;
	enum cert_reason reason;
	struct buf why, notes;
};

static bool
refuse(struct finding *f, enum cert_reason reason, const char *why)
{
	f->reason = reason;
	buf_z(&f->why, why);
	return false;
}

static void
put_subject(struct finding *f, size_t depth)
{
	const struct cert_chain_view *chain = f->chain;
	const struct cert_view *c = &chain->certs[depth < chain->n ? depth : chain->n - 1];

	buf_z(&f->why, depth == 0 ? "certificate of " : "certificate of the issuer ");
	certpolicy_put_text(&f->why, c->subject);
	if (c->subject.len == 0)
		buf_z(&f->why, "(no subject)");
	buf_z(&f->why, ": ");
}

static bool
refuse_at(struct finding *f, size_t depth, enum cert_reason reason, const char *why)
{
	put_subject(f, depth);
	return refuse(f, reason, why);
}

static bool
refuse_on_day(struct finding *f, enum cert_reason reason, const char *why, int64_t day_us)
{
	refuse(f, reason, why);
	put_day(&f->why, day_us);
	return false;
}

static void
begin_note(struct finding *f)
{
	buf_z(&f->notes, f->notes.len ? "; " : "");
}

static bool
check_dates(struct finding *f, size_t i)
{
	const struct cert_view *c = &f->chain->certs[i];
	bool here = f->chain->fault_depth == i;
	bool late = f->now_us > c->not_after_us || (here && f->chain->fault == CERT_FAULT_EXPIRED);
	bool early =
		f->now_us < c->not_before_us || (here && f->chain->fault == CERT_FAULT_NOT_YET);

	if (!late && !early)
		return true;
	put_subject(f, i);
	if (late)
		return refuse_on_day(f, CERT_EXPIRED, "expired on ", c->not_after_us);
	return refuse_on_day(f, CERT_NOT_YET, "not valid before ", c->not_before_us);
}

/* No path: the top of what there is, and what is missing above it. */
static bool
refuse_unknown(struct finding *f)
{
	const struct cert_chain_view *chain = f->chain;
	const struct cert_view *top = &chain->certs[chain->n - 1];

	refuse_at(f, 0, CERT_UNKNOWN_CA, top->self_signed ? "its root " : "its issuer ");
	certpolicy_put_text(&f->why, top->self_signed ? top->subject : top->issuer);
	if (top->self_signed)
		return refuse(f, CERT_UNKNOWN_CA, " is not an accepted authority");
	refuse(f, CERT_UNKNOWN_CA,
	       " is not an accepted authority, and no certificate of it was sent along: if it is "
	       "an intermediate, send it with yours");
	begin_note(f);
	buf_z(&f->notes, "issuer not sent: ");
	certpolicy_put_text(&f->notes, top->issuer);
	return false;
}

static bool
check_fault(struct finding *f)
{
	const struct cert_chain_view *chain = f->chain;
	size_t depth = chain->fault_depth < chain->n ? chain->fault_depth : chain->n - 1;

	if (chain->fault == CERT_FAULT_NONE)
		return true;
	if (chain->fault == CERT_FAULT_EXPIRED || chain->fault == CERT_FAULT_NOT_YET)
		return check_dates(f, depth);
	if (chain->fault == CERT_FAULT_UNKNOWN_CA)
		return refuse_unknown(f);
	put_subject(f, depth);
	for (size_t i = 0; i < ARRAY_LEN(faults); i++)
		if (faults[i].fault == chain->fault)
			return refuse(f, faults[i].reason, faults[i].why);
	refuse(f, CERT_OTHER, "not accepted: ");
	certpolicy_put_text(&f->why, chain->fault_text);
	return false;
}

/* An account is reached only over an authority that it accepts, and the private CA of another
 * account is none. */
static bool
check_root(struct finding *f)
{
	const struct cert_root *r = &f->chain->root;
	const struct cert_terms *t = &f->policy->terms;
	bool fine = false;

	switch (r->owner) {
	case CERT_OWNER_ACCOUNT:
		fine = t->account.len && str_eq(r->name, t->account);
		break;
	case CERT_OWNER_AUTHORITY:
		fine = t->authorities == 0 || t->authorities & AUTHORITY_BIT(r->authority);
		break;
	case CERT_OWNER_FILE:
		fine = t->authorities == 0;
		break;
	case CERT_OWNER_NONE:
		break;
	}
	if (GUARD(A1, fine))
		return true;
	put_subject(f, 0);
	buf_z(&f->why, "its authority (");
	certpolicy_put_text(&f->why, r->owner == CERT_OWNER_NONE ? STR("unknown") : r->name);
	refuse(f, CERT_AUTHORITY, ") is none that this account accepts");
	if (t->authorities) {
		buf_z(&f->why, "; it accepts ");
		authority_put(&f->why, t->authorities);
	}
	return false;
}

/* Strength of one key and of the signature on it; roots are trusted as they are. */
static bool
check_strength(struct finding *f, size_t i)
{
	const struct cert_view *c = &f->chain->certs[i];
	unsigned min = f->policy->min_bits ? f->policy->min_bits : RSA_BITS_MIN;

	if (c->explicit_curve)
		return refuse_at(f, i, CERT_CURVE,
				 "its key writes the curve out instead of naming a known one");
	if (c->key == CERT_KEY_RSA && (c->bits < min || c->bits > CERT_RSA_BITS_MAX)) {
		put_subject(f, i);
		f->reason = CERT_KEY_SIZE;
		buf_printf(&f->why, "its RSA key has %u bits; ", c->bits);
		if (c->bits < min)
			buf_printf(&f->why, "at least %u are needed", min);
		else
			buf_printf(&f->why, "at most %d are taken", CERT_RSA_BITS_MAX);
		return false;
	}
	if (c->key == CERT_KEY_EC && c->bits < EC_BITS_MIN) {
		put_subject(f, i);
		f->reason = CERT_KEY_SIZE;
		buf_printf(&f->why, "its elliptic-curve key has %u bits; at least %d are needed",
			   c->bits, EC_BITS_MIN);
		return false;
	}
	if (!c->self_signed && c->sig_bits && c->sig_bits < CERT_SIG_BITS_MIN)
		return refuse_at(f, i, CERT_DIGEST,
				 "signed with a digest that is not safe (SHA-1, MD5)");
	return true;
}

static bool
check_leaf_key(struct finding *f)
{
	const struct cert_view *leaf = &f->chain->certs[0];
	const struct cert_policy *p = f->policy;

	if (p->rsa_only && leaf->key != CERT_KEY_RSA) {
		put_subject(f, 0);
		f->reason = CERT_KEY_TYPE;
		buf_printf(&f->why, "its key is %s; RSA is needed here", key_name(leaf->key));
		return false;
	}
	if (!leaf->ku_present)
		return true;
	/* a client signs (RFC 5246 7.4.8), and so does a server unless it only decrypts */
	if (!leaf->ku_digital_signature && !(p->rsa_only && p->server_side))
		return refuse_at(f, 0, CERT_KEY_USAGE,
				 "its key usage lacks digitalSignature, which signing a TLS "
				 "handshake needs");
	/* RSA key exchange encrypts to the server's key (RFC 5246 7.4.2); it works without */
	if (p->rsa_only && p->server_side && !leaf->ku_key_encipherment) {
		begin_note(f);
		buf_z(&f->notes, "key usage without keyEncipherment, which RSA key exchange needs");
	}
	return true;
}

static bool
purpose_fits(const struct cert_view *c, const struct cert_policy *p)
{
	bool asked = p->server_side ? c->eku_server : c->eku_client;

	if (!c->eku_present || asked || c->eku_any || c->eku_sip)
		return true;
	return p->terms.eku == CERT_EKU_ACCEPT_SERVER && c->eku_server;
}

/* Every certificate of the path that limits its purpose must allow ours (crypto notes, 7 iii). */
static bool
check_purpose(struct finding *f)
{
	const struct cert_policy *p = f->policy;
	bool server_only = false;

	for (size_t i = 0; i < f->chain->n; i++) {
		const struct cert_view *c = &f->chain->certs[i];

		if (!GUARD(A1, purpose_fits(c, p))) {
			put_subject(f, i);
			refuse(f, CERT_PURPOSE, "its extended key usage does not allow ");
			buf_z(&f->why, p->server_side ? "serverAuth" : "clientAuth");
			if (p->terms.eku == CERT_EKU_STRICT && c->eku_server)
				buf_z(&f->why,
				      ", only serverAuth, and the account's policy is strict");
			return false;
		}
		server_only |= !p->server_side && c->eku_present && c->eku_server &&
			       !c->eku_client && !c->eku_any;
	}
	if (server_only) {
		begin_note(f);
		buf_z(&f->notes, "serverAuth only");
	}
	return true;
}

static bool
refuse_list(struct finding *f, size_t i, enum cert_reason reason, const char *why)
{
	refuse_at(f, i, reason, why);
	certpolicy_put_text(&f->why, f->chain->certs[i].issuer);
	return false;
}

/* One certificate against the lists; what SOFT lets pass is noted. */
static bool
check_list(struct finding *f, size_t i)
{
	const struct cert_view *c = &f->chain->certs[i];
	bool hard = f->policy->terms.revocation == CERT_REVOCATION_HARD;

	switch (c->revoked) {
	case CERT_REVOKED_YES:
		if (GUARD(A1, false))
			return true;
		put_subject(f, i);
		return refuse_on_day(f, CERT_REVOKED, "revoked by its authority on ",
				     c->revoked_us);
	case CERT_REVOKED_STALE:
		if (hard) {
			refuse_list(f, i, CERT_STALE_CRL, "the revocation list of ");
			return refuse_on_day(f, CERT_STALE_CRL, " expired on ", c->revoked_us);
		}
		begin_note(f);
		buf_z(&f->notes, "revocation list out of date");
		return true;
	case CERT_REVOKED_NO_LIST:
		if (hard)
			return refuse_list(f, i, CERT_NO_CRL, "no revocation list at hand of ");
		return true;
	case CERT_REVOKED_UNASKED:
	case CERT_REVOKED_NOT:
		break;
	}
	return true;
}

static bool
check_lists(struct finding *f)
{
	for (size_t i = 0; f->policy->terms.revocation != CERT_REVOCATION_OFF && i < f->chain->n;
	     i++)
		if (!check_list(f, i))
			return false;
	return true;
}

static bool
has_nul(const struct str *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (str_chr(names[i], '\0') < names[i].len || names[i].len == 0)
			return true;
	return false;
}

static bool
check_names(struct finding *f, const struct str *refs, size_t n_refs)
{
	const struct cert_view *leaf = &f->chain->certs[0];
	unsigned rules = f->policy->terms.names;

	if (leaf->names_cut) {
		f->reason = CERT_NAMES;
		buf_printf(&f->why, "the certificate has more than %d names", CERT_DNS_MAX);
		return false;
	}
	if (has_nul(leaf->dns, leaf->n_dns) || has_nul(leaf->uri, leaf->n_uri))
		return refuse(f, CERT_BAD_NAME,
			      "a name in the certificate is empty or holds a NUL");
	for (size_t i = 0; i < n_refs; i++)
		if (GUARD(A1, certpolicy_match_by(leaf, refs[i], rules) != CERT_MATCH_NO))
			return true;
	if (n_refs == 0)
		return true;
	f->reason = CERT_MISMATCH;
	certpolicy_put_mismatch(&f->why, leaf, refs, n_refs, rules);
	return false;
}

/* What was accepted and is still worth knowing. */
static void
note_path(struct finding *f)
{
	const struct cert_chain_view *chain = f->chain;

	if (chain->missing.len) {
		begin_note(f);
		buf_z(&f->notes, "missing intermediate: ");
		certpolicy_put_text(&f->notes, chain->missing);
		buf_z(&f->notes, " (filled from tls.intermediates)");
	}
	for (size_t i = 0; i + 1 < chain->n && chain->certs[0].key == CERT_KEY_RSA; i++)
		if (chain->certs[i].sig_key == CERT_KEY_EC) {
			begin_note(f);
			buf_z(&f->notes, "EC issuer");
			return;
		}
}

static bool
check_all(struct finding *f, const struct str *refs, size_t n_refs)
{
	/* a self-signed leaf stays refused even where it lies in the trust store */
	if (f->chain->certs[0].self_signed)
		return refuse_at(f, 0, CERT_SELF_SIGNED, faults[0].why);
	for (size_t i = 0; i < f->chain->n; i++)
		if (f->chain->certs[i].malformed)
			return refuse_at(f, i, CERT_MALFORMED,
					 "an extension in it stands twice or "
					 "cannot be read");
	/* strength before the library's fault: it says which key, and how long it is */
	for (size_t i = 0; i < f->chain->n; i++)
		if (!check_strength(f, i))
			return false;
	if (!check_fault(f))
		return false;
	for (size_t i = 0; i < f->chain->n; i++)
		if (!check_dates(f, i))
			return false;
	if (!check_root(f) || !check_leaf_key(f) || !check_purpose(f) || !check_lists(f) ||
	    !check_names(f, refs, n_refs))
		return false;
	note_path(f);
	return true;
}

static void
conclude(struct finding *f, struct cert_verdict *out)
{
	out->reason = f->reason;
	out->ok = f->reason == CERT_OK;
	out->alert = certpolicy_alert(f->reason);
	f->why.failed = false; /* a cut sentence is still one */
	buf_cstr(&f->why);
	f->notes.failed = false;
	buf_cstr(&f->notes);
}

static void
open_finding(struct finding *f, struct cert_verdict *out)
{
	*out = (struct cert_verdict){0};
	buf_init(&f->why, out->why, sizeof(out->why) - 1);
	buf_init(&f->notes, out->notes, sizeof(out->notes) - 1);
}

void
certpolicy_decide(const struct cert_chain_view *chain, const struct str *refs, size_t n_refs,
		  const struct cert_policy *policy, int64_t now_us, struct cert_verdict *out)
{
	struct finding f = {.reason = CERT_OK, .chain = chain, .policy = policy, .now_us = now_us};

	assert(chain->n > 0);
	open_finding(&f, out);
	if (check_all(&f, refs, n_refs))
		assert(f.reason == CERT_OK && f.why.len == 0);
	conclude(&f, out);
}

void
certpolicy_none_shown(const struct cert_policy *policy, struct cert_verdict *out)
{
	struct finding f = {.reason = CERT_NONE_SHOWN};

	open_finding(&f, out);
	buf_printf(&f.why, "no certificate shown; we ask for %s",
		   policy->rsa_only ? "RSA" : "RSA or ECDSA");
	conclude(&f, out);
}
