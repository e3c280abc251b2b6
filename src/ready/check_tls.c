#include <string.h>

#include "ready/parts.h"
#include "net/tlsrecord.h"

enum { ALERT_BAD_CERTIFICATE = 42, ALERT_LAST_CERTIFICATE = 46, ALERT_UNKNOWN_CA = 48 };
static const int64_t day_us = (int64_t)86400 * CLOCK_S;

static const struct {
	uint16_t number;
	const char *text;
} versions[PROBE_VERSION_N] = {
#define X(name, number, text) {number, text},
	PROBE_VERSION_LIST(X)
#undef X
};
static const struct {
	const char *name;
	bool is13;
} suites[PROBE_SUITE_N] = {
#define X(id, name, is13) {name, is13},
	PROBE_SUITE_LIST(X)
#undef X
};

/* The handshake that tells most: on our terms, else on the widest. */
static const struct tlsprobe_result *
best_of(const struct probe_facts *f)
{
	return f->tls.ours.hello ? &f->tls.ours : &f->tls.wide;
}

static void
put_day(struct buf *b, int64_t us)
{
	char mem[40];
	struct buf day;

	buf_init(&day, mem, sizeof(mem));
	clock_put_utc(&day, us);
	buf_str(b, str_sub(buf_view(&day), 0, sizeof("2026-11-21") - 1));
}

/* ---- is it TLS at all ---- */

static bool
any_hello(const struct probe_tls *t)
{
	bool any = t->ours.hello || t->wide.hello;

	for (int i = 0; i < PROBE_VERSION_N; i++)
		any |= t->version[i].hello;
	return any;
}

static bool
check_spoken(const struct probe_facts *f, struct ready_report *out)
{
	const struct tlsprobe_result *r = &f->tls.ours;
	struct ready_line *l;

	if (any_hello(&f->tls)) {
		l = ready_add(out, READY_TLS, READY_PASSED);
		ready_seen(l, "%u ms for a whole handshake",
			   (unsigned)(best_of(f)->handshake_us / 1000));
		return true;
	}
	l = ready_add(out, READY_TLS, READY_FAILED);
	if (r->not_tls)
		ready_seen(l, "port %u answers, but not with TLS", f->port);
	else if (r->silent)
		ready_seen(l, "the TCP connection is taken, but nothing answers our ClientHello");
	else if (r->alert_received >= 0)
		ready_seen(l, "every ClientHello is refused, the first with alert %s (%d)",
			   tls_alert_name(r->alert_received), r->alert_received);
	else
		ready_seen(l, "the TCP connection is taken, then closed at our ClientHello: %s",
			   r->why);
	ready_change(l,
		     "switch on SIP over TLS at port %u; where it is on, look whether it lets "
		     "only certain addresses in",
		     f->port);
	return false;
}

/* ---- versions ---- */

static void
put_versions(struct buf *b, const struct probe_tls *t)
{
	for (int i = 0; i < PROBE_VERSION_N; i++)
		if (t->version[i].hello) {
			buf_z(b, b->len ? ", " : "");
			buf_z(b, versions[i].text);
		}
}

static bool
check_versions(const struct probe_facts *f, struct ready_report *out)
{
	const struct tlsprobe_terms *terms = &f->own.terms;
	bool common = f->tls.ours.hello,
	     old = f->tls.version[PROBE_TLS_10].hello || f->tls.version[PROBE_TLS_11].hello;
	char mem[128];
	struct ready_line *l;
	struct buf b;

	for (int i = 0; i < PROBE_VERSION_N; i++)
		common |= f->tls.version[i].hello && versions[i].number >= terms->min &&
			  versions[i].number <= terms->max;
	buf_init(&b, mem, sizeof(mem));
	put_versions(&b, &f->tls);
	l = ready_add(out, READY_TLS_VERSION,
		      !common ? READY_FAILED
		      : old   ? READY_WARNED
			      : READY_PASSED);
	if (!common) {
		ready_seen(l, "it speaks %s only; zone %s asks for %s", buf_cstr(&b), f->own.zone,
			   terms->shown);
		ready_change(l, "switch on %s", tls_version_name(terms->min));
	} else {
		ready_seen(l, "it speaks %s", buf_cstr(&b));
		if (old)
			ready_change(l, "switch TLS 1.0 and 1.1 off: RFC 8996 forbids them");
	}
	return common;
}

/* ---- key ---- */

static const char *
key_word(uint8_t key)
{
	switch ((enum cert_key)key) {
	case CERT_KEY_RSA:
		return "RSA";
	case CERT_KEY_EC:
		return "elliptic-curve (EC)";
	case CERT_KEY_EDWARDS:
		return "Edwards-curve";
	case CERT_KEY_UNKNOWN:
		break;
	}
	return "unknown";
}

static bool
check_key(const struct probe_facts *f, struct ready_report *out)
{
	const struct tlsprobe_cert *c = &f->tls.chain.cert[0];
	bool type = !f->own.terms.rsa_only || c->key == CERT_KEY_RSA;
	bool ok = type && (c->key != CERT_KEY_RSA || c->bits >= READY_RSA_BITS);
	struct ready_line *l;

	if (f->tls.chain.n == 0)
		return true;
	l = ready_add(out, READY_CERT_KEY, ok ? READY_PASSED : READY_FAILED);
	ready_seen(l, "the certificate has an %s key of %u bits%s", key_word(c->key), c->bits,
		   type ? "" : "; the service takes RSA keys only");
	if (!ok)
		ready_change(l, "get a certificate for an RSA key of %u bits or more",
			     READY_RSA_BITS);
	return type;
}

/* ---- suites ---- */

static void
put_suites(struct buf *b, const struct probe_tls *t)
{
	for (int i = 0; i < PROBE_SUITE_N; i++)
		if (t->suite[i].hello) {
			buf_z(b, b->len ? ", " : "");
			buf_z(b, suites[i].name);
		}
}

static bool
only_forward_secret(const struct probe_tls *t)
{
	for (int i = 0; i < PROBE_SUITE_N; i++)
		if (t->suite[i].hello && !suites[i].is13 &&
		    !str_starts(str_from(suites[i].name), STR("ECDHE-")))
			return false;
	return true;
}

static bool
check_suites(const struct probe_facts *f, struct ready_report *out)
{
	const struct probe_tls *t = &f->tls;
	char mem[READY_SEEN_MAX];
	struct ready_line *l;
	struct buf b;

	buf_init(&b, mem, sizeof(mem));
	put_suites(&b, t);
	l = ready_add(out, READY_TLS_SUITE, t->ours.hello ? READY_PASSED : READY_FAILED);
	if (t->ours.hello) {
		ready_seen(l, "%s chosen; it takes %s", t->ours.suite,
			   b.len ? buf_cstr(&b) : "none of the others that were tried");
		return true;
	}
	ready_seen(l, "none of ours: it takes %s; zone %s asks for %s",
		   b.len ? buf_cstr(&b) : "none of those that were tried", f->own.zone,
		   f->own.terms.shown);
	if (f->own.terms.rsa_only && b.len && only_forward_secret(t))
		ready_change(l, "it takes ECDHE only: switch on RSA key exchange with AES128-SHA, "
				"or ask for a zone of profile modern");
	else
		ready_change(l, "switch on one of them");
	return false;
}

/* ---- the chain ---- */

static bool
check_chain(const struct probe_facts *f, struct ready_report *out)
{
	const struct tlsprobe_chain *c = &f->tls.chain;
	bool lone = !c->trusted && c->n_sent == 1 && !c->cert[0].self_signed;
	struct ready_line *l;

	if (lone) {
		l = ready_add(out, READY_CERT_CHAIN, READY_FAILED);
		ready_seen(
			l,
			"only the certificate itself was sent, not its issuer's, %s: "
			"the intermediate certificate is missing, or that is a private authority "
			"which nobody named here",
			c->missing[0] ? c->missing : c->cert[0].issuer);
		ready_change(l,
			     "install the intermediate certificate that the authority gave along "
			     "(the chain or bundle file) in the equipment; where the issuer is an "
			     "authority of your own, have it named with tls: {ca} of the account");
		return false;
	}
	l = ready_add(out, READY_CERT_CHAIN,
		      c->bad || c->weak ? READY_FAILED
		      : c->unordered    ? READY_WARNED
					: READY_PASSED);
	if (c->bad || c->weak) {
		ready_seen(l, "the chain is not sound: %s", c->fault);
		ready_change(l, c->weak ? "get certificates with longer keys and SHA-256 or better"
					: "install the certificates as the authority gave them");
		return false;
	}
	if (c->revoked) {
		l->state = READY_FAILED;
		ready_seen(l, "revoked by its authority");
		ready_change(l, "get a new certificate");
		return true;
	}
	if (c->filled) {
		l->state = READY_WARNED;
		ready_seen(l, "the intermediate certificate is not sent; the one that the account "
			      "keeps (tls.intermediates) stands in for it");
		ready_change(l, "install it in the equipment: others do not have it");
		return true;
	}
	ready_seen(l, "%u certificate%s sent%s", c->n_sent, c->n_sent == 1 ? "" : "s",
		   c->unordered ? ", not in order: each must be issued by the next one" : "");
	if (c->unordered)
		ready_change(l, "put its own certificate first, then each issuer");
	return true;
}

static void
check_authority(const struct probe_facts *f, struct ready_report *out)
{
	const struct tlsprobe_chain *c = &f->tls.chain;
	bool self = c->cert[0].self_signed; /* refused by handshakes wherever else it lies */
	struct ready_line *l = ready_add(out, READY_CERT_AUTHORITY,
					 c->trusted && !self ? READY_PASSED : READY_FAILED);

	if (self) {
		ready_seen(l, "self-signed: %s", c->cert[0].subject);
		ready_change(l, "get a certificate from an accepted authority, or have one issued "
				"by a private authority of your own and that authority added to "
				"the account (tls.ca); a certificate that is its own authority is "
				"never taken");
		return;
	}
	if (c->trusted) {
		ready_seen(l, "leads to %s", c->anchor);
		return;
	}
	ready_seen(l, "issued under %s, which is no accepted authority", c->missing);
	ready_change(l, "get a certificate from an accepted authority (see the zone's "
			"authorities), or have its private authority added to the account");
}

/* ---- the leaf ---- */

/* By the rules of net/certpolicy.h, and those of the account. */
static bool
name_fits(const struct probe_facts *f)
{
	const struct tlsprobe_chain *c = &f->tls.chain;

	if (c->match == CERT_MATCH_NO)
		return f->account.common_name && c->cn_matches && c->no_names;
	return c->match != CERT_MATCH_WILDCARD || !f->account.no_wildcard;
}

static void
check_cert_name(const struct probe_facts *f, struct ready_report *out)
{
	const struct tlsprobe_chain *c = &f->tls.chain;
	bool ok = name_fits(f);
	struct ready_line *l = ready_add(out, READY_CERT_NAME, ok ? READY_PASSED : READY_FAILED);

	ready_seen(l, "the certificate speaks for %s%s%s%s", c->cert[0].names,
		   ok ? "" : "; we look for ", ok ? "" : f->name,
		   c->wildcard_labels ? ": a wildcard covers one label" : "");
	if (ok)
		return;
	if (c->match == CERT_MATCH_WILDCARD)
		ready_change(l, "this account takes no wildcards: get a certificate that names %s",
			     f->name);
	else if (c->wildcard_labels)
		ready_change(l,
			     "get a certificate that names %s itself, or a wildcard for the "
			     "labels behind its first dot",
			     f->name);
	else if (c->cn_matches)
		ready_change(l,
			     "the common name alone does not count: get a certificate with %s "
			     "as a subject alternative name",
			     f->name);
	else
		ready_change(l,
			     "get a certificate for %s; or does the name lead to another "
			     "machine?",
			     f->name);
}

static void
check_dates(const struct probe_facts *f, int64_t now, struct ready_report *out)
{
	const struct tlsprobe_cert *c = &f->tls.chain.cert[0];
	bool late = now > c->not_after_us, early = now < c->not_before_us;
	bool issuer = f->tls.chain.issuer_not_after_us != 0;
	bool soon = c->not_after_us - now < READY_DATES_SOON_D * day_us;
	char mem[READY_SEEN_MAX];
	struct ready_line *l;
	struct buf b;

	buf_init(&b, mem, sizeof(mem));
	buf_z(&b, early ? "not valid before " : late ? "expired on " : "valid until ");
	put_day(&b, early ? c->not_before_us : c->not_after_us);
	if (issuer) {
		buf_printf(&b, "; its issuer %s is not valid today (until ",
			   f->tls.chain.issuer_expired);
		put_day(&b, f->tls.chain.issuer_not_after_us);
		buf_z(&b, ")");
	}
	l = ready_add(out, READY_CERT_DATES,
		      late || early || issuer ? READY_FAILED
		      : soon                  ? READY_WARNED
					      : READY_PASSED);
	ready_seen(l, "%s", buf_cstr(&b));
	if (late || early || issuer)
		ready_change(l, early ? "wait, or set the clocks right"
				      : "renew the certificate with its chain");
	else if (soon)
		ready_change(l, "renew it: less than %u days are left", READY_DATES_SOON_D);
}

static void
check_eku(const struct probe_facts *f, struct ready_report *out)
{
	const struct tlsprobe_cert *c = &f->tls.chain.cert[0];
	bool strict = f->account.eku == TLS_EKU_STRICT;
	bool ok = !c->eku_present || (c->eku_server && (c->eku_client || !strict));
	struct ready_line *l = ready_add(out, READY_CERT_EKU, ok ? READY_PASSED : READY_FAILED);

	if (!c->eku_present) {
		ready_seen(l, "no extended key usage: any");
	} else if (!c->eku_server) {
		ready_seen(l, "its extended key usage does not allow TLS servers%s",
			   c->eku_client ? ", only clients" : "");
		ready_change(l, "get a certificate with serverAuth");
	} else if (c->eku_client) {
		ready_seen(l, "serverAuth and clientAuth");
	} else if (strict) {
		ready_seen(l, "serverAuth without clientAuth, and account %s is strict",
			   f->account.id.z);
		ready_change(l, "get a certificate with both, or let the account take serverAuth "
				"alone (tls.eku: accept-server-auth)");
	} else {
		ready_seen(l, "serverAuth without clientAuth, as public authorities issue it since "
			      "2026: good here, unless the account is strict");
	}
}

static void
check_usage(const struct probe_facts *f, struct ready_report *out)
{
	const struct tlsprobe_cert *c = &f->tls.chain.cert[0];
	bool encipher = c->key != CERT_KEY_RSA || !c->ku_present || c->ku_key_encipherment;
	bool sign = !c->ku_present || c->ku_digital_signature;
	struct ready_line *l =
		ready_add(out, READY_CERT_USAGE, encipher && sign ? READY_PASSED : READY_WARNED);

	if (encipher && sign) {
		ready_seen(l, c->ku_present ? "as it should be" : "no key usage: any");
		return;
	}
	ready_seen(l, "the key usage lacks %s%s%s", encipher ? "" : "keyEncipherment",
		   encipher || sign ? "" : " and ", sign ? "" : "digitalSignature");
	ready_change(l, "%s",
		     encipher ? "get it with digitalSignature: our side signs with such "
				"keys, and ECDHE needs it"
			      : "RSA key exchange needs it by RFC 5246 7.4.2, and strict "
				"peers refuse it: ask the authority for it");
}

/* ---- SNI ---- */

static bool
same_leaf(const struct tlsprobe_result *a, const struct tlsprobe_result *b)
{
	return a->has_leaf && b->has_leaf && memcmp(a->leaf, b->leaf, sizeof(a->leaf)) == 0;
}

static const char *
habit(const struct tlsprobe_result *r, const struct tlsprobe_result *main)
{
	return !r->hello            ? "it refuses"
	       : same_leaf(r, main) ? "the same certificate"
				    : "another certificate";
}

static void
check_sni(const struct probe_facts *f, struct ready_report *out)
{
	const struct probe_tls *t = &f->tls;
	struct ready_line *l = ready_add(out, READY_TLS_SNI, READY_PASSED);

	ready_seen(l, "without a name: %s; with a name that nobody has: %s; we send %s",
		   habit(&t->no_sni, best_of(f)), habit(&t->other_sni, best_of(f)), f->name);
}

/* ---- our certificate ---- */

static bool
check_asked(const struct probe_facts *f, struct ready_report *out)
{
	bool asked = best_of(f)->asked;
	struct ready_line *l = ready_add(out, READY_AUTH_ASKED,
					 asked                  ? READY_PASSED
					 : f->own.client_wanted ? READY_FAILED
								: READY_WARNED);

	if (asked) {
		ready_seen(l, "it asks, and names %u %s", f->tls.asks.n_cas,
			   f->tls.asks.n_cas == 0   ? "authorities: any"
			   : f->tls.asks.n_cas == 1 ? "authority"
						    : "authorities");
		return true;
	}
	ready_seen(l, "it does not ask for our certificate: anybody who reaches it can send it "
		      "calls as if from us");
	ready_change(l, "switch on the check of client certificates (mutual TLS) for this trunk");
	return false;
}

/* No alert: what it did not like is not known, only what that mostly is. */
static void
say_closed(const struct probe_facts *f, const struct tlsprobe_result *r, struct ready_line *l)
{
	const struct tlsprobe_cert *own = &f->own.terms.own;

	ready_seen(l,
		   "after our certificate it closed the connection without an alert, so why is "
		   "not known: %s",
		   r->why);
	ready_change(l,
		     "look at its log of this time; mostly it does not trust the authority of our "
		     "certificate (issuer %s), else it knows no trunk with the name %s%s, or takes "
		     "none from %s",
		     own->issuer, f->own.zone,
		     own->eku_present && !own->eku_client
			     ? ", or wants a certificate that is for clients, too, as ours is not"
			     : "",
		     addr_text(&f->own.local).z);
}

static void
say_refused(const struct probe_facts *f, const struct tlsprobe_result *r, struct ready_line *l)
{
	const struct tlsprobe_cert *own = &f->own.terms.own;

	ready_seen(l, "it refused our certificate with alert %s (%d)%s%s",
		   tls_alert_name(r->alert_received), r->alert_received,
		   r->alert_received == ALERT_UNKNOWN_CA ? ": it does not know its authority, "
							 : "",
		   r->alert_received == ALERT_UNKNOWN_CA ? own->issuer : "");
	ready_change(l,
		     "let the equipment trust the authority of our certificate (issuer %s) and "
		     "the name %s",
		     own->issuer, f->own.zone);
}

static bool
check_accepted(const struct probe_facts *f, struct ready_report *out)
{
	const struct tlsprobe_result *r = best_of(f);
	const struct tlsprobe_asks *asks = &f->tls.asks;
	struct ready_line *l;

	if (r->done) {
		bool odd = asks->n_cas && !asks->has_ours;

		l = ready_add(out, READY_AUTH_ACCEPTED, odd ? READY_WARNED : READY_PASSED);
		ready_seen(l,
			   odd ? "accepted, but our authority is not among those it names"
			       : "accepted, over %s with %s",
			   tls_version_name(r->version), r->suite);
		if (odd)
			ready_change(l, "add %s to the authorities it names",
				     f->own.terms.own.issuer);
		return true;
	}
	l = ready_add(out, READY_AUTH_ACCEPTED, READY_FAILED);
	if (r->asked && !r->shown) {
		ready_seen(l, "it asks for kinds of certificates that ours (%s, %s) is not",
			   key_word(f->own.terms.own.key), f->own.terms.own.sigalg);
		ready_change(l, "let it take RSA certificates signed with SHA-256");
	} else if (r->alert_received < 0) {
		say_closed(f, r, l);
	} else {
		say_refused(f, r, l);
	}
	return false;
}

static void
check_needed(const struct probe_facts *f, struct ready_report *out)
{
	const struct tlsprobe_result *r = &f->tls.bare;
	struct ready_line *l;

	if (!r->tried)
		return;
	l = ready_add(out, READY_AUTH_NEEDED, r->done ? READY_WARNED : READY_PASSED);
	ready_seen(l, r->done ? "it asks, but lets in clients that show none"
			      : "a client without a certificate is refused");
	if (r->done)
		ready_change(l, "require the client's certificate, do not only ask for it");
}

/* No certificate was asked for, and yet the handshake did not end well. */
static void
check_finished(const struct probe_facts *f, struct ready_report *out)
{
	const struct tlsprobe_result *r = best_of(f);
	struct ready_line *l;

	if (r->done || !r->hello)
		return;
	l = ready_add(out, READY_TLS_DONE, READY_FAILED);
	ready_seen(l, "the handshake was begun and not finished: %s", r->why);
	ready_change(l, "look at the log of the equipment at this time");
}

void
readytls_run(const struct probe_facts *f, int64_t now_us, struct ready_report *out)
{
	bool ours;

	if (!check_spoken(f, out))
		return;
	ours = check_versions(f, out);
	ours &= check_key(f, out);
	if (ours)
		ours = check_suites(f, out);
	if (f->tls.chain.n) {
		if (check_chain(f, out))
			check_authority(f, out);
		check_cert_name(f, out);
		check_dates(f, now_us, out);
		check_eku(f, out);
		check_usage(f, out);
		check_sni(f, out);
	}
	if (f->own.never_show || (!ours && !f->tls.wide.hello))
		return;
	if (!check_asked(f, out))
		check_finished(f, out);
	else if (check_accepted(f, out))
		check_needed(f, out);
}
