#include "net/certpolicy.h"

#include <assert.h>

#include "base/clock.h"
#include "base/guard.h"

enum { RSA_BITS_MIN = 2048 };

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

/* ---- names ---- */

static struct str
without_dot(struct str name)
{
	return name.len > 1 && name.p[name.len - 1] == '.' ? str_sub(name, 0, name.len - 1) : name;
}

static bool
label_ok(struct str label)
{
	if (label.len == 0 || label.len > CERT_LABEL_MAX)
		return false;
	for (size_t i = 0; i < label.len; i++)
		if (!ascii_alnum(label.p[i]) && label.p[i] != '-' && label.p[i] != '_')
			return false;
	return label.p[0] != '-' && label.p[label.len - 1] != '-';
}

static bool
all_digits(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!ascii_digit(s.p[i]))
			return false;
	return true;
}

bool
certpolicy_fqdn_ok(struct str fqdn)
{
	struct str rest = without_dot(fqdn), label;
	size_t left = rest.len;

	if (rest.len == 0 || rest.len > CERT_NAME_MAX)
		return false;
	for (;;) {
		label = str_cut(&rest, '.');
		if (!label_ok(label))
			return false;
		if (left == label.len)
			break;
		left -= label.len + 1;
		if (left == 0) /* a second dot at the end */
			return false;
	}
	return !all_digits(label); /* an IPv4 address, in any of its spellings */
}

bool
certpolicy_dns_match(struct str pattern, struct str fqdn)
{
	size_t dot;

	/* each is judged as it came: one final dot is taken off once, not twice */
	if (!certpolicy_fqdn_ok(fqdn))
		return false;
	fqdn = without_dot(fqdn);
	if (!str_starts(pattern, STR("*.")))
		return certpolicy_fqdn_ok(pattern) && str_ieq(without_dot(pattern), fqdn);
	pattern = str_from_at(pattern, 2);
	if (!certpolicy_fqdn_ok(pattern))
		return false;
	pattern = without_dot(pattern);
	dot = str_chr(fqdn, '.');
	return str_chr(pattern, '.') < pattern.len && dot < fqdn.len &&
	       str_ieq(pattern, str_from_at(fqdn, dot + 1));
}

struct str
certpolicy_uri_host(struct str uri)
{
	struct str host, port;
	uint32_t n;

	if (!str_istarts(uri, STR("sip:")))
		return STR_NULL;
	port = str_from_at(uri, 4);
	if (str_chr(port, '@') < port.len)
		return STR_NULL;
	host = str_cut(&port, ':');
	if (uri.len > 4 + host.len && str_u32(port, 65535, &n) != ERR_OK)
		return STR_NULL;
	return certpolicy_fqdn_ok(host) ? host : STR_NULL;
}

enum cert_match
certpolicy_match(const struct cert_view *leaf, struct str fqdn)
{
	bool any_uri = false;

	for (size_t i = 0; i < leaf->n_uri; i++) {
		struct str host = certpolicy_uri_host(leaf->uri[i]);

		any_uri |= host.len > 0;
		if (host.len && certpolicy_fqdn_ok(fqdn) &&
		    str_ieq(without_dot(host), without_dot(fqdn)))
			return CERT_MATCH_URI;
	}
	if (any_uri)
		return CERT_MATCH_NO;
	for (size_t i = 0; i < leaf->n_dns; i++)
		if (certpolicy_dns_match(leaf->dns[i], fqdn))
			return leaf->dns[i].p[0] == '*' ? CERT_MATCH_WILDCARD : CERT_MATCH_DNS;
	return CERT_MATCH_NO;
}

/* ---- sentences ---- */

/* Names come from outside: nothing but printable ASCII may reach a log or a console. */
static void
put_text(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.len && i < CERT_NAME_MAX; i++)
		buf_char(b, s.p[i] >= ' ' && s.p[i] < 127 ? s.p[i] : '?');
}

void
certpolicy_put_names(struct buf *b, const struct cert_view *leaf)
{
	size_t shown = 0, total = (size_t)leaf->n_uri + leaf->n_dns;

	if (total == 0) {
		buf_z(b, "no name (SAN) at all");
		return;
	}
	for (size_t i = 0; i < leaf->n_uri && shown < CERT_WHY_NAMES; i++, shown++) {
		buf_z(b, shown ? ", " : "");
		put_text(b, leaf->uri[i]);
	}
	for (size_t i = 0; i < leaf->n_dns && shown < CERT_WHY_NAMES; i++, shown++) {
		buf_z(b, shown ? ", DNS " : "DNS ");
		put_text(b, leaf->dns[i]);
	}
	if (shown < total)
		buf_printf(b, " and %zu more", total - shown);
}

void
certpolicy_put_mismatch(struct buf *b, const struct cert_view *leaf, const struct str *refs,
			size_t n_refs)
{
	buf_z(b, "the certificate speaks for ");
	certpolicy_put_names(b, leaf);
	buf_z(b, "; we look for ");
	for (size_t i = 0; i < n_refs && i < CERT_WHY_NAMES; i++) {
		buf_z(b, i ? " or " : "");
		put_text(b, refs[i]);
	}
	if (n_refs == 0)
		buf_z(b, "the name of an account");
	if (n_refs > CERT_WHY_NAMES)
		buf_printf(b, " or %zu more", n_refs - CERT_WHY_NAMES);
	buf_z(b, " (a wildcard covers one label)");
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
	{CERT_FAULT_UNKNOWN_CA, CERT_UNKNOWN_CA,
	 "not from an accepted authority, or an intermediate certificate was not sent along"},
	{CERT_FAULT_PURPOSE, CERT_PURPOSE, "its extended key usage does not allow TLS"},
	{CERT_FAULT_NOT_CA, CERT_ISSUER, "issued by a certificate that may not issue others"},
	{CERT_FAULT_SIGNATURE, CERT_SIGNATURE, "a signature in the chain is wrong"},
	{CERT_FAULT_WEAK_KEY, CERT_KEY_SIZE, "a key in the chain is too short"},
	{CERT_FAULT_WEAK_DIGEST, CERT_DIGEST, "signed with a digest that is not safe (SHA-1, MD5)"},
	{CERT_FAULT_LONG, CERT_CHAIN, "the chain is too long"},
	{CERT_FAULT_REVOKED, CERT_REVOKED, "revoked by its authority"},
	{CERT_FAULT_NO_CRL, CERT_NO_CRL, "no revocation list of its authority at hand"},
	{CERT_FAULT_MALFORMED, CERT_MALFORMED, "not well formed"},
};

struct finding {
	enum cert_reason reason;
	struct buf why;
};

static bool
refuse(struct finding *f, enum cert_reason reason, const char *why)
{
	f->reason = reason;
	buf_z(&f->why, why);
	return false;
}

static void
put_subject(struct buf *b, const struct cert_chain_view *chain, size_t depth)
{
	const struct cert_view *c = &chain->certs[depth < chain->n ? depth : chain->n - 1];

	buf_z(b, depth == 0 ? "certificate of " : "certificate of the issuer ");
	put_text(b, c->subject);
	if (c->subject.len == 0)
		buf_z(b, "(no subject)");
	buf_z(b, ": ");
}

static bool
refuse_on_day(struct finding *f, enum cert_reason reason, const char *why, int64_t day_us)
{
	refuse(f, reason, why);
	put_day(&f->why, day_us);
	return false;
}

static bool
check_dates(struct finding *f, const struct cert_chain_view *chain, size_t i, int64_t now_us)
{
	const struct cert_view *c = &chain->certs[i];
	bool late = now_us > c->not_after_us || chain->fault == CERT_FAULT_EXPIRED;

	if (!late && now_us >= c->not_before_us && chain->fault != CERT_FAULT_NOT_YET)
		return true;
	put_subject(&f->why, chain, i);
	if (late)
		return refuse_on_day(f, CERT_EXPIRED, "expired on ", c->not_after_us);
	return refuse_on_day(f, CERT_NOT_YET, "not valid before ", c->not_before_us);
}

static bool
check_fault(struct finding *f, const struct cert_chain_view *chain, int64_t now_us)
{
	size_t depth = chain->fault_depth < chain->n ? chain->fault_depth : chain->n - 1;

	if (chain->fault == CERT_FAULT_NONE)
		return true;
	if (chain->fault == CERT_FAULT_EXPIRED || chain->fault == CERT_FAULT_NOT_YET)
		return check_dates(f, chain, depth, now_us);
	put_subject(&f->why, chain, depth);
	for (size_t i = 0; i < ARRAY_LEN(faults); i++)
		if (faults[i].fault == chain->fault)
			return refuse(f, faults[i].reason, faults[i].why);
	refuse(f, CERT_OTHER, "not accepted: ");
	put_text(&f->why, chain->fault_text);
	return false;
}

static bool
check_key(struct finding *f, const struct cert_chain_view *chain, const struct cert_policy *p)
{
	const struct cert_view *leaf = &chain->certs[0];
	unsigned min = p->min_bits ? p->min_bits : RSA_BITS_MIN;

	if (p->rsa_only && leaf->key != CERT_KEY_RSA) {
		put_subject(&f->why, chain, 0);
		f->reason = CERT_KEY_TYPE;
		buf_printf(&f->why, "its key is %s; RSA is needed here", key_name(leaf->key));
		return false;
	}
	if (leaf->key == CERT_KEY_RSA && leaf->bits < min) {
		put_subject(&f->why, chain, 0);
		f->reason = CERT_KEY_SIZE;
		buf_printf(&f->why, "its RSA key has %u bits; at least %u are needed", leaf->bits,
			   min);
		return false;
	}
	/* RSA key exchange encrypts to the server's key (RFC 5246 7.4.2) */
	if (p->rsa_only && p->server_side && leaf->ku_present && !leaf->ku_key_encipherment) {
		put_subject(&f->why, chain, 0);
		return refuse(f, CERT_KEY_USAGE, "its key usage lacks keyEncipherment");
	}
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
check_names(struct finding *f, const struct cert_view *leaf, const struct str *refs, size_t n_refs)
{
	if (leaf->names_cut) {
		f->reason = CERT_NAMES;
		buf_printf(&f->why, "the certificate has more than %d names", CERT_DNS_MAX);
		return false;
	}
	if (has_nul(leaf->dns, leaf->n_dns) || has_nul(leaf->uri, leaf->n_uri))
		return refuse(f, CERT_BAD_NAME,
			      "a name in the certificate is empty or holds a NUL");
	for (size_t i = 0; i < n_refs; i++)
		if (GUARD(A1, certpolicy_match(leaf, refs[i]) != CERT_MATCH_NO))
			return true;
	if (n_refs == 0)
		return true;
	f->reason = CERT_MISMATCH;
	certpolicy_put_mismatch(&f->why, leaf, refs, n_refs);
	return false;
}

static bool
check_all(struct finding *f, const struct cert_chain_view *chain, const struct str *refs,
	  size_t n_refs, const struct cert_policy *policy, int64_t now_us)
{
	const struct cert_view *leaf = &chain->certs[0];

	/* a self-signed leaf stays refused even where it lies in the trust store */
	if (leaf->self_signed) {
		put_subject(&f->why, chain, 0);
		return refuse(f, CERT_SELF_SIGNED, faults[0].why);
	}
	if (!check_fault(f, chain, now_us))
		return false;
	for (size_t i = 0; i < chain->n; i++)
		if (!check_dates(f, chain, i, now_us))
			return false;
	return check_key(f, chain, policy) && check_names(f, leaf, refs, n_refs);
}

static void
conclude(struct finding *f, struct cert_verdict *out)
{
	out->reason = f->reason;
	out->ok = f->reason == CERT_OK;
	out->alert = certpolicy_alert(f->reason);
	f->why.failed = false; /* a cut sentence is still one */
	buf_cstr(&f->why);
}

void
certpolicy_decide(const struct cert_chain_view *chain, const struct str *refs, size_t n_refs,
		  const struct cert_policy *policy, int64_t now_us, struct cert_verdict *out)
{
	struct finding f = {.reason = CERT_OK};

	assert(chain->n > 0);
	*out = (struct cert_verdict){0};
	buf_init(&f.why, out->why, sizeof(out->why) - 1);
	if (check_all(&f, chain, refs, n_refs, policy, now_us))
		assert(f.reason == CERT_OK && f.why.len == 0);
	conclude(&f, out);
}

void
certpolicy_none_shown(const struct cert_policy *policy, struct cert_verdict *out)
{
	struct finding f = {.reason = CERT_NONE_SHOWN};

	*out = (struct cert_verdict){0};
	buf_init(&f.why, out->why, sizeof(out->why) - 1);
	buf_printf(&f.why, "no certificate shown; we ask for %s",
		   policy->rsa_only ? "RSA" : "RSA or ECDSA");
	conclude(&f, out);
}
