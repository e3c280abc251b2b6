#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>

#include "rig.h"

/* ---- certificates of peers ---- */

enum who {
	GOOD,
	WILDCARD,
	NONE,
	SELF_SIGNED,
	TRUSTED_SELF_SIGNED,
	OTHER_CA,
	EXPIRED,
	EARLY,
	EC,
	OTHER_DOMAIN,
	TWO_LABELS,
	BARE_DOMAIN,
	CN_ONLY,
	SIP_URI,
	SIP_URI_OTHER,
	SERVER_ONLY,
	CLIENT_ONLY,
	BOTH_EKU,
	EMAIL_ONLY,
	NO_USAGE,
	SMALL_KEY,
	WEAK_DIGEST,
	FROM_LEAF,
	NUL_NAME,
	MANY_NAMES
};

static X509 *
make_peer(enum who who)
{
	static char many[CA_NAMES_MAX];
	struct ca_opts o = {.cn = RIG_NAME,
			    .san = "DNS:" RIG_NAME,
			    .ku = "critical,digitalSignature,keyEncipherment",
			    .from_day = -1,
			    .key = ca_keys()->leaf,
			    .issuer = rig.root,
			    .issuer_key = ca_keys()->ca};
	X509 *x, *leaf = NULL;
	struct buf b;

	switch (who) {
	case NONE:
		return NULL;
	case GOOD:
		break;
	case WILDCARD:
		o.san = "DNS:*.example.com";
		break;
	case SELF_SIGNED:
	case TRUSTED_SELF_SIGNED:
		o.issuer = NULL;
		o.issuer_key = NULL;
		break;
	case OTHER_CA:
		o.issuer = rig.other_root;
		break;
	case EXPIRED:
		o.from_day = -30;
		o.to_day = -1;
		break;
	case EARLY:
		o.from_day = 1;
		break;
	case EC:
		o.key = ca_keys()->ec;
		break;
	case OTHER_DOMAIN:
		o.san = "DNS:*.example.org";
		break;
	case TWO_LABELS:
		o.san = "DNS:*.com.example,DNS:*.pbx.example.com";
		break;
	case BARE_DOMAIN:
		o.san = "DNS:*." RIG_NAME;
		break;
	case CN_ONLY:
		o.san = NULL;
		break;
	case SIP_URI:
		o.san = "URI:sip:" RIG_NAME;
		break;
	case SIP_URI_OTHER:
		o.san = "DNS:" RIG_NAME ",URI:sip:other.example.com";
		break;
	case SERVER_ONLY:
		o.eku = "serverAuth";
		break;
	case CLIENT_ONLY:
		o.eku = "clientAuth";
		break;
	case BOTH_EKU:
		o.eku = "serverAuth,clientAuth";
		break;
	case EMAIL_ONLY:
		o.eku = "emailProtection";
		break;
	case NO_USAGE:
		o.ku = NULL;
		break;
	case SMALL_KEY:
		o.key = ca_keys()->small;
		break;
	case WEAK_DIGEST:
		o.md = EVP_sha1();
		break;
	case FROM_LEAF:
		leaf = rig_leaf(rig.root, "DNS:leaf.example.com", ca_keys()->leaf2);
		o.issuer = leaf;
		o.issuer_key = ca_keys()->leaf2;
		break;
	case NUL_NAME:
		o.san = NULL;
		o.raw_dns = RIG_NAME "\0.evil.org";
		o.raw_len = sizeof(RIG_NAME "\0.evil.org") - 1;
		break;
	case MANY_NAMES:
		buf_init(&b, many, sizeof(many));
		buf_z(&b, "DNS:" RIG_NAME);
		for (int i = 0; i < CERT_DNS_MAX; i++)
			buf_printf(&b, ",DNS:n%d.example.com", i);
		o.san = buf_cstr(&b);
		break;
	}
	x = ca_cert(&o);
	X509_free(leaf);
	return x;
}

static EVP_PKEY *
peer_key(enum who who)
{
	return who == EC ? ca_keys()->ec : who == SMALL_KEY ? ca_keys()->small : ca_keys()->leaf;
}

/* Trust the peer's own certificate as an authority, in a fresh set of zones. */
static void
trust_also(X509 *x, enum tls_profile profile)
{
	X509 *roots[2] = {rig.root, x};

	struct tls_trust *t = rig_trust(roots, x ? 2 : 1);

	tls_trust_box_set(&rig.trust, t);
	tls_trust_unref(&t);
	tls_zones_unref(&rig.zones);
	tls_ctx_unref(&rig.ctx);
	rig.ctx = rig_ctx(true, profile, 1, RIG_ZONE, rig.server, ca_keys()->leaf2);
	assert_int_equal(tls_zones_new(&rig.ctx, 1, &rig.zones), ERR_OK);
}

/* ---- refusals on the accept side ---- */

struct row {
	const char *row;
	enum who who;
	int min, max; /* versions that the peer offers; 0 = up to 1.3 */
	const char *suites;
	const char *word; /* "ok", or the reason */
	int alert;        /* sent by us and seen by the peer; -1 = none */
	const char *says;
};

static const struct row rows[] = {
	{"good", GOOD, 0, 0, NULL, "ok", -1, ""},
	{"wildcard of one label", WILDCARD, 0, 0, NULL, "ok", -1, ""},
	{"sip URI", SIP_URI, 0, 0, NULL, "ok", -1, ""},
	{"serverAuth only", SERVER_ONLY, 0, 0, NULL, "ok", -1, ""},
	{"clientAuth only", CLIENT_ONLY, 0, 0, NULL, "ok", -1, ""},
	{"both key usages", BOTH_EKU, 0, 0, NULL, "ok", -1, ""},
	{"no key usage", NO_USAGE, 0, 0, NULL, "ok", -1, ""},
	{"none", NONE, 0, 0, NULL, "no-certificate", 40, "no certificate shown; we ask for RSA"},
	{"EC withheld by the library", EC, 0, 0, NULL, "no-certificate", 40,
	 "no certificate shown; we ask for RSA"},
	{"self-signed", SELF_SIGNED, 0, 0, NULL, "self-signed", 48, "self-signed"},
	{"self-signed, in the trust store", TRUSTED_SELF_SIGNED, 0, 0, NULL, "self-signed", 48,
	 "self-signed"},
	{"unknown authority", OTHER_CA, 0, 0, NULL, "unknown-authority", 48,
	 "its issuer CN=Other CA is not an accepted authority"},
	{"expired", EXPIRED, 0, 0, NULL, "expired", 45, "expired on 20"},
	{"not yet valid", EARLY, 0, 0, NULL, "not-yet-valid", 45, "not valid before 20"},
	{"wildcard of another domain", OTHER_DOMAIN, 0, 0, NULL, "no-account", 42,
	 "certificate is for *.example.org, which does not cover pbx.example.com"},
	{"wildcard for two labels", TWO_LABELS, 0, 0, NULL, "no-account", 42,
	 "for *.com.example, *.pbx.example.com, which does not cover pbx.example.com: a wildcard "
	 "covers one label"},
	{"wildcard for the bare domain", BARE_DOMAIN, 0, 0, NULL, "no-account", 42, "*.pbx"},
	{"common name only", CN_ONLY, 0, 0, NULL, "no-account", 42, "no name (SAN) at all"},
	{"sip URI of another", SIP_URI_OTHER, 0, 0, NULL, "no-account", 42,
	 "sip:other.example.com"},
	{"emailProtection only", EMAIL_ONLY, 0, 0, NULL, "purpose", 43, "extended key usage"},
	{"RSA of 1024 bits", SMALL_KEY, 0, 0, NULL, "key-size", 42, "its RSA key has 1024 bits"},
	{"signed with SHA-1", WEAK_DIGEST, 0, 0, NULL, "weak-digest", 42, "SHA-1"},
	{"issued by a leaf", FROM_LEAF, 0, 0, NULL, "unknown-authority", 48, "authority"},
	{"NUL in a name", NUL_NAME, 0, 0, NULL, "malformed-name", 42, "NUL"},
	{"too many names", MANY_NAMES, 0, 0, NULL, "too-many-names", 42, "more than 256"},
	{"TLS 1.1", GOOD, TLS1_VERSION, TLS1_1_VERSION, NULL, "version", 70,
	 "offered: TLS 1.1; we ask for TLS 1.2"},
	{"TLS 1.3 only", GOOD, TLS1_3_VERSION, TLS1_3_VERSION, NULL, "version", 70,
	 "offered: TLS 1.3; we ask for TLS 1.2"},
	{"ECDHE only", GOOD, TLS1_2_VERSION, TLS1_2_VERSION,
	 "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384", "cipher", 40,
	 "no common cipher suite; offered: ECDHE-RSA-AES128-GCM-SHA256, "
	 "ECDHE-RSA-AES256-GCM-SHA384; we ask for TLS 1.2 with AES128-SHA"},
};

static void
check_row(const struct row *r, const struct peer *p)
{
	const struct tls_record *rec = &rig.record;
	bool ok = strcmp(r->word, "ok") == 0;

	if (strcmp(tls_record_word(rec), r->word) != 0 || rec->accepted != ok || p->ok != ok)
		fail_msg("%s: got %s (%s), peer ok %d", r->row, tls_record_word(rec), rec->why,
			 p->ok);
	if (rec->alert_sent != r->alert || p->alert != r->alert)
		fail_msg("%s: alert sent %d, seen %d", r->row, rec->alert_sent, p->alert);
	if (!strstr(rec->why, r->says) || (ok && rec->why[0]))
		fail_msg("%s: said \"%s\"", r->row, rec->why);
}

static void
accept_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];
		X509 *x = make_peer(r->who);
		struct peer p = {.ctx = peer_ctx(false, x, peer_key(r->who),
						 r->min ? r->min : TLS1_VERSION,
						 r->max ? r->max : TLS1_3_VERSION, r->suites)};

		trust_also(r->who == TRUSTED_SELF_SIGNED ? x : NULL, TLS_PROFILE_CARRIER);
		rig_meet(&p);
		check_row(r, &p);
		SSL_SESSION_free(p.session);
		SSL_CTX_free(p.ctx);
		X509_free(x);
	}
	assert_int_equal(handshake_in_hand(rig.h), 0);
}

/* Zones that ask for a certificate without needing it, or not at all: who shows none is known by
 * other means, or refused; one that is shown is judged all the same (A1). */
static void
without_certificate(void **state)
{
	static const struct {
		const char *row;
		enum tls_client client;
		enum who who;
		bool bare;
		const char *word;
		unsigned chain;
		int alert12, alert13; /* sent in TLS 1.2 and in 1.3; -1 = none */
	} cases[] = {
		{"A1 required, none shown", TLS_CLIENT_REQUIRED, NONE, true, "no-certificate", 0,
		 40, 116},
		{"optional, none shown, known", TLS_CLIENT_OPTIONAL, NONE, true, "ok", 0, -1, -1},
		{"optional, none shown, unknown", TLS_CLIENT_OPTIONAL, NONE, false, "no-account", 0,
		 40, 116},
		{"optional, good", TLS_CLIENT_OPTIONAL, GOOD, false, "ok", 2, -1, -1},
		{"optional, self-signed", TLS_CLIENT_OPTIONAL, SELF_SIGNED, true, "self-signed", 1,
		 48, 48},
		{"none, known", TLS_CLIENT_NONE, GOOD, true, "ok", 0, -1, -1},
		{"none, unknown", TLS_CLIENT_NONE, GOOD, false, "no-account", 0, 49, 49},
	};

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_LEN(cases); i++) {
		size_t k = i / 2; /* each with TLS 1.2 and 1.3 */
		int version = i % 2 ? TLS1_3_VERSION : TLS1_2_VERSION;
		X509 *x = make_peer(cases[k].who);
		struct peer p = {
			.ctx = peer_ctx(false, x, peer_key(cases[k].who), version, version, NULL)};

		trust_also(NULL, TLS_PROFILE_MODERN);
		rig.ctx->client = cases[k].client;
		rig.bare = cases[k].bare;
		rig_meet(&p);
		if (strcmp(tls_record_word(&rig.record), cases[k].word) != 0 ||
		    rig.record.accepted != !strcmp(cases[k].word, "ok") ||
		    rig.record.n_chain != cases[k].chain)
			fail_msg("%s: %s (%s) chain %u", cases[k].row, tls_record_word(&rig.record),
				 rig.record.why, rig.record.n_chain);
		if (rig.record.alert_sent != (i % 2 ? cases[k].alert13 : cases[k].alert12))
			fail_msg("%s: alert %d", cases[k].row, rig.record.alert_sent);
		if (!strcmp(cases[k].word, "no-account") &&
		    strcmp(rig.record.why, "nobody has this address") != 0)
			fail_msg("%s: said \"%s\"", cases[k].row, rig.record.why);
		SSL_SESSION_free(p.session);
		SSL_CTX_free(p.ctx);
		X509_free(x);
	}
	rig.bare = false;
}

/* Where the ClientHello tells the account, its profile is the one that is offered. */
static void
profile_of_account(void **state)
{
	static const struct {
		const char *row;
		enum tls_profile zone;
		const char *account, *suites, *word, *says;
	} cases[] = {
		{"the zone's", TLS_PROFILE_CARRIER, NULL, "AES128-SHA", "ok", "carrier"},
		{"more than the zone", TLS_PROFILE_CARRIER, "modern", "ECDHE-RSA-AES128-GCM-SHA256",
		 "ok", "modern"},
		{"A2 less than the account", TLS_PROFILE_CARRIER, "modern", "AES128-SHA", "cipher",
		 "we ask for TLS 1.3, or TLS 1.2 with ECDHE"},
		{"another than the zone", TLS_PROFILE_MODERN, "carrier", "AES128-SHA", "ok",
		 "carrier"},
		{"the zone's alone", TLS_PROFILE_MODERN, "carrier", "ECDHE-RSA-AES128-GCM-SHA256",
		 "cipher", "we ask for TLS 1.2 with AES128-SHA"},
		{"one that does not exist", TLS_PROFILE_CARRIER, "none", "AES128-SHA", "ok",
		 "carrier"}, /* refused when the account is known: unit edge/zoo */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		X509 *x = make_peer(GOOD);
		struct peer p = {.ctx = peer_ctx(false, x, ca_keys()->leaf, TLS1_2_VERSION,
						 TLS1_2_VERSION, cases[i].suites)};
		bool ok = strcmp(cases[i].word, "ok") == 0;

		trust_also(NULL, cases[i].zone);
		rig.profile = cases[i].account;
		rig_meet(&p);
		if (strcmp(tls_record_word(&rig.record), cases[i].word) != 0 ||
		    !strstr(ok ? rig.record.profile : rig.record.why, cases[i].says))
			fail_msg("%s: %s, profile %s, \"%s\"", cases[i].row,
				 tls_record_word(&rig.record), rig.record.profile, rig.record.why);
		SSL_SESSION_free(p.session);
		SSL_CTX_free(p.ctx);
		X509_free(x);
	}
	rig.profile = NULL;
	trust_also(NULL, TLS_PROFILE_CARRIER);
}

/* What an accepted handshake leaves in its record. */
static void
record_of_good(void **state)
{
	X509 *x = make_peer(GOOD);
	struct peer p = {.ctx = peer_ctx(false, x, ca_keys()->leaf, TLS1_2_VERSION, TLS1_3_VERSION,
					 "AES256-SHA256:AES128-SHA256:AES128-SHA"),
			 .sni = RIG_ZONE};
	const struct tls_record *r = &rig.record;
	char mem[2048];
	struct buf line;

	(void)state;
	rig_meet(&p);
	assert_true(r->accepted && p.ok);
	assert_int_equal(r->version, 0x0303);
	assert_string_equal(r->suite_name, "AES128-SHA"); /* our order, not the peer's */
	assert_int_equal(r->suite, 0x002f);
	assert_string_equal(tls_suite_name(r->suite), r->suite_name);
	assert_string_equal(r->sni, RIG_ZONE);
	assert_int_equal(r->offered_versions[0], 0x0304);
	assert_int_equal(r->offered_versions[1], 0x0303);
	assert_true(r->n_suites >= 3 && r->n_sigalgs > 0);
	assert_int_equal(r->account, 7);
	assert_int_equal(r->n_trunks, 2);
	assert_int_equal(r->trunks[1], 5);
	assert_int_equal(r->n_chain, 2);
	assert_string_equal(r->chain[0].subject, "CN=" RIG_NAME);
	assert_string_equal(r->chain[0].issuer, "CN=Accepted CA");
	assert_string_equal(r->chain[0].names, RIG_NAME);
	assert_string_equal(r->chain[1].subject, "CN=Accepted CA");
	assert_int_equal(r->chain[0].bits, 2048);
	assert_true(r->chain[0].not_before_us < r->began_us &&
		    r->began_us < r->chain[0].not_after_us);
	assert_true(r->duration_us > 0);
	assert_int_equal(r->peer.port, 40000);
	assert_int_equal(r->local.port, 5061);
	assert_ptr_equal(rig.arg, &rig);
	buf_init(&line, mem, sizeof(mem));
	tls_record_put(&line, r);
	assert_non_null(strstr(buf_cstr(&line), " result=ok"));
	SSL_SESSION_free(p.session);
	SSL_CTX_free(p.ctx);
	X509_free(x);
}

/* A peer that shows an EC certificate all the same: our CertificateRequest is changed on its way
 * so that the library on the other side finds its key acceptable. */
static void
ec_shown_all_the_same(void **state)
{
	/* rsa_sign, and RSA with SHA-256, 384, 512, RSA-PSS: RFC 5246 7.4.4 */
	static const unsigned char from[] = {0x01, 0x01, 0x00, 0x08, 0x04, 0x01,
					     0x05, 0x01, 0x06, 0x01, 0x08, 0x04};
	static const unsigned char to[] = {0x01, 0x40, 0x00, 0x08, 0x04, 0x03,
					   0x05, 0x03, 0x06, 0x03, 0x08, 0x04};
	X509 *x = make_peer(EC);
	struct peer p = {
		.ctx = peer_ctx(false, x, ca_keys()->ec, TLS1_2_VERSION, TLS1_2_VERSION, NULL),
		.from = from,
		.to = to,
		.flip_len = sizeof(from)};

	(void)state;
	rig_meet(&p);
	assert_false(p.ok);
	assert_string_equal(tls_record_word(&rig.record), "key-type");
	assert_int_equal(rig.record.alert_sent, 43);
	assert_int_equal(p.alert, 43);
	assert_non_null(strstr(rig.record.why, "its key is elliptic-curve; RSA is needed here"));
	SSL_SESSION_free(p.session);
	SSL_CTX_free(p.ctx);
	X509_free(x);
}

/* Chains with an intermediate: as public authorities make them, and without it. */
static void
intermediates(void **state)
{
	static const struct {
		const char *row, *eku;
		bool sent, ca;
		const char *word;
	} cases[] = {
		{"sent", NULL, true, true, "ok"},
		{"sent, serverAuth only", "serverAuth", true, true, "ok"},
		{"forgotten", NULL, false, true, "unknown-authority"},
		{"sent, emailProtection only", "emailProtection", true, true, "purpose"},
		{"not allowed to issue", "serverAuth", true, false, "issuer-not-ca"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct ca_opts o = {.cn = "Intermediate",
				    .ca = cases[i].ca,
				    .eku = cases[i].eku,
				    .from_day = -1,
				    .to_day = 3,
				    .key = ca_keys()->leaf2,
				    .issuer = rig.root,
				    .issuer_key = ca_keys()->ca};
		X509 *middle = ca_cert(&o), *leaf;
		struct peer p = {.fd = -1};

		o = (struct ca_opts){.cn = "leaf",
				     .san = "DNS:" RIG_NAME,
				     .eku = "serverAuth",
				     .from_day = -1,
				     .key = ca_keys()->leaf,
				     .issuer = middle,
				     .issuer_key = ca_keys()->leaf2};
		leaf = ca_cert(&o);
		p.ctx = peer_ctx(false, leaf, ca_keys()->leaf, TLS1_2_VERSION, TLS1_2_VERSION,
				 NULL);
		if (cases[i].sent)
			CA_MUST(SSL_CTX_add1_chain_cert(p.ctx, middle) == 1);
		rig_meet(&p);
		if (strcmp(tls_record_word(&rig.record), cases[i].word) != 0)
			fail_msg("%s: %s (%s)", cases[i].row, tls_record_word(&rig.record),
				 rig.record.why);
		if (rig.record.accepted && /* the intermediate ends before its leaf */
		    (rig.record.until_us != rig.record.chain[1].not_after_us ||
		     rig.record.until_us >= rig.record.chain[0].not_after_us))
			fail_msg("%s: until %lld", cases[i].row, (long long)rig.record.until_us);
		SSL_SESSION_free(p.session);
		SSL_CTX_free(p.ctx);
		X509_free(middle);
		X509_free(leaf);
	}
}

/* Each suite that the library knows, offered alone: three are taken, all others refused. */
static void
profile_is_exact(void **state)
{
	SSL_CTX *all = peer_ctx(false, NULL, NULL, TLS1_2_VERSION, TLS1_2_VERSION,
				"ALL:COMPLEMENTOFALL:@SECLEVEL=0");
	STACK_OF(SSL_CIPHER) *list = SSL_CTX_get_ciphers(all);
	X509 *x = make_peer(GOOD);
	int taken = 0, tried = 0;

	(void)state;
	for (int i = 0; i < sk_SSL_CIPHER_num(list); i++) {
		const char *name = SSL_CIPHER_get_name(sk_SSL_CIPHER_value(list, i));
		bool ours = !strcmp(name, "AES128-SHA") || !strcmp(name, "AES128-SHA256") ||
			    !strcmp(name, "AES256-SHA256");
		struct peer p = {.fd = -1};

		if (!strncmp(name, "TLS_", 4) || strstr(name, "PSK") || strstr(name, "SRP"))
			continue; /* 1.3, or needs a shared secret that our side has no place for */
		p.ctx = peer_ctx(false, x, ca_keys()->leaf, TLS1_2_VERSION, TLS1_2_VERSION, name);
		rig_meet(&p);
		if (rig.record.accepted != ours || p.ok != ours ||
		    (ours && strcmp(p.suite, name) != 0))
			fail_msg("%s: %s", name, tls_record_word(&rig.record));
		if (!ours && (rig.record.reason != TLS_CIPHER || p.alert != 40))
			fail_msg("%s: %s, alert %d", name, rig.record.why, p.alert);
		tried++;
		taken += ours;
		SSL_SESSION_free(p.session);
		SSL_CTX_free(p.ctx);
	}
	assert_int_equal(taken, 3);
	assert_true(tried > 30);
	print_message("# %d suites tried, %d taken\n", tried, taken);
	SSL_CTX_free(all);
	X509_free(x);
}

/* A client that offers a ticket and a session id gets a whole handshake, each time (A2). */
static void
no_resumption(void **state)
{
	static const enum tls_profile profiles[] = {TLS_PROFILE_CARRIER, TLS_PROFILE_MODERN};
	X509 *x = make_peer(GOOD);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(profiles); i++) {
		SSL_CTX *ctx =
			peer_ctx(false, x, ca_keys()->leaf, TLS1_2_VERSION, TLS1_3_VERSION, NULL);
		SSL_SESSION *session = NULL;
		int asked = rig.asked;

		trust_also(NULL, profiles[i]);
		SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT);
		for (int n = 1; n <= 3; n++) {
			struct peer p = {.ctx = ctx, .offer = session};

			rig_meet(&p);
			assert_true(p.ok);
			assert_false(p.reused);
			assert_int_equal(rig.asked, asked + n);
			assert_false(SSL_SESSION_has_ticket(p.session));
			SSL_SESSION_free(session);
			session = p.session;
		}
		SSL_SESSION_free(session);
		SSL_CTX_free(ctx);
	}
	X509_free(x);
}

/* ---- zones ---- */

static void
zones_by_sni(void **state)
{
	static const struct {
		const char *sni;
		uint16_t zone, by_address;
		int version;
	} cases[] = {
		{NULL, 1, 0, TLS1_2_VERSION},
		{RIG_ZONE, 1, 0, TLS1_2_VERSION},
		{"modern.example.net", 2, 0, TLS1_3_VERSION},
		{"MODERN.example.NET", 2, 0, TLS1_3_VERSION},
		{"unknown.example.net", 1, 0, TLS1_2_VERSION},
		{NULL, 2, 1, TLS1_3_VERSION},
		{RIG_ZONE, 1, 1, TLS1_2_VERSION},
		{"127.0.0.1", 1, 0, TLS1_2_VERSION},
	};
	X509 *x = make_peer(GOOD),
	     *modern = rig_leaf(rig.root, "DNS:modern.example.net", ca_keys()->ec);
	struct tls_ctx *both[2];

	(void)state;
	both[0] = tls_ctx_ref(rig.ctx);
	both[1] =
		rig_ctx(true, TLS_PROFILE_MODERN, 2, "modern.example.net.", modern, ca_keys()->ec);
	tls_zones_unref(&rig.zones);
	assert_int_equal(tls_zones_new(both, 2, &rig.zones), ERR_OK);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct peer p = {.ctx = peer_ctx(false, x, ca_keys()->leaf, TLS1_2_VERSION,
						 TLS1_3_VERSION, NULL),
				 .sni = cases[i].sni};
		struct handshake_job job = {.fd = peer_start(&p),
					    .peer = rig_addr("127.0.0.2:1"),
					    .zones = rig.zones,
					    .default_zone = cases[i].by_address};
		int n = rig.results;

		assert_int_equal(handshake_submit(rig.h, &job), ERR_OK);
		rig_wait(n + 1);
		handshake_conn_free(rig.h, &rig.conn);
		pthread_join(p.thread, NULL);
		if (!p.ok || rig.record.zone != cases[i].zone || p.version != cases[i].version)
			fail_msg("case %zu: zone %d, version %x, %s", i, rig.record.zone, p.version,
				 rig.record.why);
		SSL_SESSION_free(p.session);
		SSL_CTX_free(p.ctx);
	}
	tls_ctx_unref(&both[0]);
	tls_ctx_unref(&both[1]);
	X509_free(modern);
	X509_free(x);
}

/* Profile modern takes EC certificates, and still no CBC or RSA key exchange. */
static void
modern_profile(void **state)
{
	static const struct {
		enum who who;
		const char *suites;
		const char *word;
	} cases[] = {
		{EC, "ECDHE-RSA-AES128-GCM-SHA256", "ok"},
		{GOOD, "ECDHE-RSA-CHACHA20-POLY1305", "ok"},
		{GOOD, "ECDHE-RSA-AES128-SHA256", "cipher"},
		{GOOD, "AES128-SHA", "cipher"},
		{GOOD, "AES128-GCM-SHA256", "cipher"},
		{GOOD, "DHE-RSA-AES128-GCM-SHA256", "cipher"},
		{NONE, "ECDHE-RSA-AES128-GCM-SHA256", "no-certificate"},
	};

	(void)state;
	trust_also(NULL, TLS_PROFILE_MODERN);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		X509 *x = make_peer(cases[i].who);
		struct peer p = {.ctx = peer_ctx(false, x, peer_key(cases[i].who), TLS1_2_VERSION,
						 TLS1_2_VERSION, cases[i].suites)};

		rig_meet(&p);
		if (strcmp(tls_record_word(&rig.record), cases[i].word) != 0)
			fail_msg("case %zu: %s", i, tls_record_word(&rig.record));
		SSL_SESSION_free(p.session);
		SSL_CTX_free(p.ctx);
		X509_free(x);
	}
}

/* ---- things that are not TLS, or stop being it ---- */

static void
raw_bytes(void **state)
{
	static const struct {
		const char *row;
		struct str bytes;
		bool closes;
		const char *word, *says;
	} cases[] = {
		{"SIP", STR("OPTIONS sip:x SIP/2.0\r\n\r\n"), false, "not-tls", "\"OPTIONS ..."},
		{"HTTP", STR("GET / HTTP/1.1\r\n\r\n"), false, "not-tls", "plain bytes"},
		{"CRLF keepalive", STR("\r\n\r\n"), false, "not-tls", "\"????...\""},
		{"nothing, closed", STR(""), true, "peer-gone", "without sending anything"},
		{"half a ClientHello, closed", STR("\x16\x03\x01\x02\x00\x01"), true, "peer-gone",
		 "in the middle"},
		{"nothing at all", STR(""), false, "timeout",
		 "connected, but sent nothing within 200"},
		{"half a ClientHello", STR("\x16\x03\x01\x02\x00\x01"), false, "timeout",
		 "begun, but not finished within 200"},
		{"a record of the wrong type", STR("\x17\x03\x03\x00\x01x"), false, "not-tls", ""},
		{"an alert first", STR("\x15\x03\x01\x00\x02\x02\x28"), false, "not-tls", ""},
		{"a hello of garbage", STR("\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00"), false,
		 "protocol", ""},
		{"SSL 2",
		 STR("\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10\x01\x00\x80\x02\x00\x80"), true,
		 "peer-gone", ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int pair[2], n = rig.results;

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
		fcntl(pair[0], F_SETFL, O_NONBLOCK);
		if (cases[i].bytes.len)
			assert_int_equal(write(pair[1], cases[i].bytes.p, cases[i].bytes.len),
					 cases[i].bytes.len);
		if (cases[i].closes)
			shutdown(pair[1], SHUT_WR);
		assert_int_equal(rig_accept(pair[0], "127.0.0.3:9", 200000), ERR_OK);
		rig_wait(n + 1);
		if (strcmp(tls_record_word(&rig.record), cases[i].word) != 0 ||
		    !strstr(rig.record.why, cases[i].says))
			fail_msg("%s: %s, \"%s\"", cases[i].row, tls_record_word(&rig.record),
				 rig.record.why);
		close(pair[1]);
	}
}

/* The peer refuses our certificate, or closes after our flight. */
static void
peer_refuses(void **state)
{
	X509 *x = make_peer(GOOD);
	struct peer p = {
		.ctx = peer_ctx(false, x, ca_keys()->leaf, TLS1_2_VERSION, TLS1_2_VERSION, NULL)};

	(void)state;
	SSL_CTX_set_verify(p.ctx, SSL_VERIFY_PEER, NULL); /* and no authorities */
	rig_meet(&p);
	assert_string_equal(tls_record_word(&rig.record), "peer-alert");
	assert_int_equal(rig.record.alert_received, 48);
	assert_int_equal(rig.record.alert_sent, TLS_NO_ALERT);
	assert_non_null(strstr(rig.record.why, "unknown_ca (48): it does not know the authority"));
	SSL_SESSION_free(p.session);
	SSL_CTX_free(p.ctx);
	X509_free(x);
}

/* ---- connections ---- */

static enum err
read_some(struct tls_conn *c, char *p, size_t cap, size_t *n)
{
	enum err e = ERR_AGAIN;

	for (int i = 0; i < 5000 && e == ERR_AGAIN; i++) {
		e = tls_conn_read(c, p, cap, n);
		if (e == ERR_AGAIN)
			usleep(1000);
	}
	return e;
}

static void
bytes_both_ways(void **state)
{
	X509 *x = make_peer(GOOD);
	struct peer p = {
		.ctx = peer_ctx(false, x, ca_keys()->leaf, TLS1_2_VERSION, TLS1_2_VERSION, NULL)};
	char got[64];
	size_t n = 0;

	(void)state;
	assert_int_equal(rig_accept(peer_start(&p), "127.0.0.2:1", 0), ERR_OK);
	rig_wait(1);
	assert_non_null(rig.conn);
	assert_int_equal(tls_conn_read(rig.conn, got, sizeof(got), &n), ERR_AGAIN);
	assert_int_equal(rig.conn->want, EPOLLIN);
	assert_int_equal(tls_conn_write(rig.conn, "hello", 5, &n), ERR_OK);
	assert_int_equal(n, 5);
	assert_int_equal(read_some(rig.conn, got, 2, &n), ERR_OK);
	assert_int_equal(n, 2);
	assert_true(tls_conn_pending(rig.conn));
	assert_int_equal(read_some(rig.conn, got + 2, 60, &n), ERR_OK);
	assert_memory_equal(got, "hello", 5);
	assert_false(tls_conn_pending(rig.conn));
	tls_conn_shutdown(rig.conn); /* the echo ends with a close_notify of its own */
	assert_int_equal(read_some(rig.conn, got, 60, &n), ERR_CLOSED);
	assert_true(rig.conn->saw_close);
	handshake_conn_free(rig.h, &rig.conn);
	pthread_join(p.thread, NULL);
	assert_true(p.ok);
	SSL_SESSION_free(p.session);
	SSL_CTX_free(p.ctx);
	X509_free(x);
}

static int
teardown_keys(void **state)
{
	(void)state;
	ca_keys_free();
	return 0;
}

int
main(void)
{
#define RIGGED(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)
	const struct CMUnitTest tests[] = {
		RIGGED(accept_rows),        RIGGED(record_of_good),   RIGGED(ec_shown_all_the_same),
		RIGGED(intermediates),      RIGGED(profile_is_exact), RIGGED(no_resumption),
		RIGGED(zones_by_sni),       RIGGED(modern_profile),   RIGGED(raw_bytes),
		RIGGED(peer_refuses),       RIGGED(bytes_both_ways),  RIGGED(without_certificate),
		RIGGED(profile_of_account),
	};

	return cmocka_run_group_tests(tests, NULL, teardown_keys);
}
