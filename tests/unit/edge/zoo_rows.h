/* The rows of the zoo: what is shown, and the one result expected in each direction. */
#ifndef POSTERN_TESTS_EDGE_ZOO_ROWS_H
#define POSTERN_TESTS_EDGE_ZOO_ROWS_H

#include "zoo.h"

/* clang-format off */
#define ZONE "sip.postern.test"
#define MODERN "modern.postern.test"
#define PBX "pbx.example.com"
#define BETA "beta.example.net"
#define LONG_EKU "emailProtection"
#define SIP_EKU "1.3.6.1.5.5.7.3.20"

enum { STEPS = 400, Z_CARRIER = 0, Z_MODERN = 1 };

/* One expected result. word NULL: this direction says nothing new. */
struct want {
	const char *account; /* client direction: whose it is, or claims to be */
	const char *word;    /* "ok" or the reason */
	int alert;           /* that we send; -1 = none */
	const char *says;    /* in the sentence, or, when accepted, in the notes */
};

struct row {
	const char *row;
	struct zoo_cert cert;
	struct want client; /* shown to our server */
	struct want server; /* shown to our client, which calls `ref` of account `of` */
	const char *ref, *of;
	int zone;
};

#define OK_AS(a) {a, "ok", -1, ""}
#define OK_NOTED(a, n) {a, "ok", -1, n}
#define OK_OUT {NULL, "ok", -1, ""}
#define NOTED(n) {NULL, "ok", -1, n}
#define NO(word, alert, says) {NULL, word, alert, says}
#define NO_OF(a, word, alert, says) {a, word, alert, says}
#define SKIP {NULL, NULL, 0, NULL}
#define DNS(x) .san = "DNS:" x

static const struct row rows[] = {
	/* what is plain */
	{"plain", {DNS(PBX)}, OK_AS("acme"), OK_OUT, PBX, "acme", 0},
	{"self-signed", {DNS(PBX), .issuer = I_SELF}, NO("self-signed", 48, "self-signed"),
	 NO("self-signed", 48, "self-signed"), PBX, "acme", 0},
	{"self-signed, and the account's own CA", {DNS("own.example.org"), .issuer = I_SELF},
	 NO("self-signed", 48, "self-signed"), NO("self-signed", 48, "self-signed"),
	 "own.example.org", "own", 0},
	{"other CA", {DNS(PBX), .issuer = I_OTHER},
	 NO("unknown-authority", 48, "its issuer CN=Other Root is not an accepted authority"),
	 NO("unknown-authority", 48, "CN=Other Root"), PBX, "acme", 0},
	{"expired", {DNS(PBX), .to_day = -1}, NO("expired", 45, "expired on 2"),
	 NO("expired", 45, "expired on 2"), PBX, "acme", 0},
	{"not yet valid", {DNS(PBX), .from_day = 2}, NO("not-yet-valid", 45, "not valid before 2"),
	 NO("not-yet-valid", 45, "not valid before 2"), PBX, "acme", 0},
	{"wrong key", {DNS(PBX), .key = K_WRONG}, NO("protocol", 51, "signature"),
	 NO("peer-alert", -1, "refused with alert"), PBX, "acme", 0},
	{"no account has the name", {DNS("stranger.example.com")},
	 NO("no-account", 42, "no account has a name"),
	 NO("name-mismatch", 42, "is for stranger.example.com, which does not cover " PBX), PBX,
	 "acme", 0},
	{"disabled account", {DNS("gone.example.info")}, NO_OF("gone", "account-off", 42, "is disabled"), OK_OUT,
	 "gone.example.info", "gone", 0},
	{"TLS only requested", {DNS("asked.example.info")},
	 NO_OF("asked", "tls-off", 42, "tls_srtp is requested"), OK_OUT, "asked.example.info", "asked", 0},
	{"TLS only requested, self-signed", {DNS("asked.example.info"), .issuer = I_SELF},
	 NO_OF("asked", "self-signed", 48, ""), SKIP, "asked.example.info", "asked", 0},
	/* extended key usage */
	{"serverAuth only", {DNS(PBX), .eku = "serverAuth"}, OK_NOTED("acme", "serverAuth only"),
	 OK_OUT, PBX, "acme", 0},
	{"serverAuth only, strict", {DNS("strict.example.org"), .eku = "serverAuth"},
	 NO("purpose", 43, "does not allow clientAuth, only serverAuth, and the account's policy"),
	 OK_OUT, "strict.example.org", "strict", 0},
	{"clientAuth only", {DNS(PBX), .eku = "clientAuth"}, OK_AS("acme"),
	 NO("purpose", 43, "does not allow serverAuth"), PBX, "acme", 0},
	{"clientAuth only, strict", {DNS("strict.example.org"), .eku = "clientAuth"},
	 OK_AS("strict"), NO("purpose", 43, "serverAuth"), "strict.example.org", "strict", 0},
	{"both", {DNS(PBX), .eku = "serverAuth,clientAuth"}, OK_AS("acme"), OK_OUT, PBX, "acme", 0},
	{"anyEKU", {DNS(PBX), .eku = "anyExtendedKeyUsage"}, OK_AS("acme"), OK_OUT, PBX, "acme", 0},
	{"id-kp-sipDomain only", {DNS(PBX), .eku = SIP_EKU}, OK_AS("acme"), OK_OUT, PBX, "acme", 0},
	{"id-kp-sipDomain only, strict", {DNS("strict.example.org"), .eku = SIP_EKU},
	 OK_AS("strict"), OK_OUT, "strict.example.org", "strict", 0},
	{"emailProtection only", {DNS(PBX), .eku = "emailProtection"},
	 NO("purpose", 43, "does not allow clientAuth"), NO("purpose", 43, "serverAuth"), PBX,
	 "acme", 0},
	{"serverAuth intermediate", {DNS(PBX), .eku = "serverAuth", .issuer = I_MIDDLE_SERVER},
	 OK_NOTED("acme", "serverAuth only"), OK_OUT, PBX, "acme", 0},
	{"serverAuth intermediate, strict",
	 {DNS("strict.example.org"), .eku = "clientAuth", .issuer = I_MIDDLE_SERVER},
	 NO("purpose", 43, "certificate of the issuer CN=Middle S"), NO("purpose", 43, ""),
	 "strict.example.org", "strict", 0},
	{"emailProtection intermediate", {DNS(PBX), .issuer = I_MIDDLE_EMAIL},
	 NO("purpose", 43, "issuer CN=Middle E"), NO("purpose", 43, "issuer CN=Middle E"), PBX,
	 "acme", 0},
	/* the path */
	{"CA:TRUE leaf", {DNS(PBX), .odd = O_CA}, OK_AS("acme"), OK_OUT, PBX, "acme", 0},
	{"intermediate that is no CA", {DNS(PBX), .issuer = I_MIDDLE_NO_CA},
	 NO("issuer-not-ca", 48, "may not issue"), NO("issuer-not-ca", 48, "may not issue"), PBX,
	 "acme", 0},
	{"path length broken", {DNS(PBX), .issuer = I_BELOW_PATHLEN},
	 NO("issuer-not-ca", 48, "path length"), NO("issuer-not-ca", 48, "path length"), PBX,
	 "acme", 0},
	{"name constraint broken", {DNS(PBX), .issuer = I_MIDDLE_NET},
	 NO("name-constraint", 48, "may not vouch for"), NO("name-constraint", 48, "vouch"), PBX,
	 "acme", 0},
	{"name constraint kept", {DNS(BETA), .cn = BETA, .issuer = I_MIDDLE_NET}, OK_AS("beta"),
	 OK_OUT, BETA, "beta", 0},
	{"intermediate", {DNS(PBX), .issuer = I_MIDDLE}, OK_AS("acme"), OK_OUT, PBX, "acme", 0},
	{"no intermediate", {DNS(PBX), .issuer = I_MIDDLE, .send = S_LEAF},
	 NO("unknown-authority", 48,
	    "its issuer CN=Middle is not an accepted authority, and no certificate of it was sent "
	    "along"),
	 NO("unknown-authority", 48, "CN=Middle"), PBX, "acme", 0},
	{"no intermediate, filled from the account",
	 {DNS("fill.example.org"), .issuer = I_MIDDLE, .send = S_LEAF},
	 OK_NOTED("fill", "missing intermediate: CN=Middle (filled"),
	 NOTED("missing intermediate: CN=Middle"), "fill.example.org", "fill", 0},
	{"wrong order", {DNS(PBX), .issuer = I_MIDDLE, .send = S_REVERSED}, OK_AS("acme"), OK_OUT,
	 PBX, "acme", 0},
	{"root included", {DNS(PBX), .issuer = I_MIDDLE, .send = S_ROOT_TOO}, OK_AS("acme"), OK_OUT,
	 PBX, "acme", 0},
	{"cross-signed", {DNS(PBX), .issuer = I_CROSS}, OK_AS("acme"), OK_OUT, PBX, "acme", 0},
	{"expired intermediate with a good alternative",
	 {DNS(PBX), .issuer = I_MIDDLE, .send = S_EXPIRED_TOO}, OK_AS("acme"), OK_OUT, PBX, "acme",
	 0},
	{"loop", {DNS(PBX), .issuer = I_LOOP}, NO("unknown-authority", 48, "authority"),
	 NO("unknown-authority", 48, "authority"), PBX, "acme", 0},
	{"100 certificates (D3)", {DNS(PBX), .issuer = I_MIDDLE, .send = S_HUNDRED},
	 NO("chain-too-long", 48, "too long"), NO("chain-too-long", 48, "too long"), PBX, "acme",
	 0},
	{"signature broken", {DNS(PBX), .odd = O_BROKEN}, NO("bad-signature", 51, "signature"),
	 NO("bad-signature", 51, "signature"), PBX, "acme", 0},
	/* keys and digests */
	{"SHA-1", {DNS(PBX), .odd = O_SHA1}, NO("weak-digest", 42, "SHA-1"),
	 NO("weak-digest", 42, "SHA-1"), PBX, "acme", 0},
	{"MD5", {DNS(PBX), .odd = O_MD5}, NO("weak-digest", 42, "MD5"),
	 NO("weak-digest", 42, "MD5"), PBX, "acme", 0},
	{"RSA-1024", {DNS(PBX), .key = K_SMALL}, NO("key-size", 42, "1024 bits; at least 2048"),
	 NO("key-size", 42, "1024 bits"), PBX, "acme", 0},
	{"RSA-3072", {DNS(PBX), .key = K_RSA3072}, OK_AS("acme"), OK_OUT, PBX, "acme", 0},
	{"RSA-4096", {DNS(PBX), .key = K_RSA4096}, OK_AS("acme"), OK_OUT, PBX, "acme", 0},
	{"RSA-16384 (D3)", {DNS(PBX), .key = K_HUGE},
	 NO("key-size", 42, "16384 bits; at most 8192"), NO("key-size", 42, "16384 bits"), PBX,
	 "acme", 0},
	{"EC leaf", {DNS(PBX), .key = K_EC}, NO("no-certificate", 40, "we ask for RSA"),
	 NO("peer-alert", -1, "nothing in common"), PBX, "acme", 0},
	{"EC leaf, modern", {DNS(PBX), .key = K_EC}, OK_AS("acme"), OK_OUT, PBX, "acme", Z_MODERN},
	{"P-192, modern (D3)", {DNS(PBX), .key = K_P192},
	 NO("no-certificate", 116, "no certificate shown"), SKIP, PBX, "acme", Z_MODERN},
	{"explicit curve, modern (D3)", {DNS(PBX), .key = K_EXPLICIT},
	 NO("explicit-curve", 42, "writes the curve out"),
	 NO("explicit-curve", 42, "writes the curve out"), PBX, "acme", Z_MODERN},
	{"RSA leaf below an EC issuer", {DNS(PBX), .issuer = I_EC_ROOT},
	 OK_NOTED("acme", "EC issuer"), NOTED("EC issuer"), PBX, "acme", 0},
	{"no keyEncipherment", {DNS(PBX), .ku = "digitalSignature"}, OK_AS("acme"),
	 NOTED("without keyEncipherment"), PBX, "acme", 0},
	{"no digitalSignature", {DNS(PBX), .ku = "keyEncipherment"},
	 NO("key-usage", 43, "lacks digitalSignature"), OK_OUT, PBX, "acme", 0},
	{"no digitalSignature, modern", {DNS(PBX), .ku = "keyEncipherment"},
	 NO("key-usage", 43, "lacks digitalSignature"),
	 NO("key-usage", 43, "lacks digitalSignature"), PBX, "acme", Z_MODERN},
	/* names */
	{"sip URI", {.san = "URI:sip:" PBX}, OK_AS("acme"), OK_OUT, PBX, "acme", 0},
	{"sip URI with a user", {.san = "URI:sip:alice@" PBX},
	 NO("no-account", 42, "shows sip:alice@" PBX ", which does not count"), NO("name-mismatch", 42, "sip:alice@"),
	 PBX, "acme", 0},
	{"sips URI only", {.san = "URI:sips:" PBX},
	 NO("no-account", 42, "no DNS name and no sip URI"), NO("name-mismatch", 42, "sips:"), PBX,
	 "acme", 0},
	{"sip URI with a parameter", {.san = "URI:sip:" PBX ";transport=tls"},
	 NO("no-account", 42, "shows sip:" PBX ";transport=tls, which does not count: in a certificate only sip: and a host name counts"),
	 NO("name-mismatch", 42, "only sip: and a host name counts, without user, parameters"), PBX,
	 "acme", 0},
	{"sip URI of another, DNS right", {.san = "URI:sip:other.example.com,DNS:" PBX},
	 NO("no-account", 42, "no account"),
	 NO("name-mismatch", 42, "where a sip: URI stands, DNS names do not count"), PBX, "acme",
	 0},
	{"wildcard", {DNS("*.example.com")}, OK_AS("acme"), OK_OUT, PBX, "acme", 0},
	{"wildcard for two labels", {DNS("*.example.edu")},
	 NO("no-account", 42,
	    "the certificate is for *.example.edu, which does not cover a.deep.example.edu: a "
	    "wildcard covers one label"),
	 NO("name-mismatch", 42,
	    "the certificate is for *.example.edu, which does not cover a.deep.example.edu: a "
	    "wildcard covers one label"),
	 "a.deep.example.edu", "deep", 0},
	{"wildcard where the account forbids it", {DNS("*.example.org")},
	 NO("ambiguous", 42, "and names of account"), NO("name-mismatch", 42, "wildcards are not accepted"),
	 "strict.example.org", "strict", 0},
	{"wildcard in the middle", {DNS("pbx.*.com")}, NO("no-account", 42, "no account"),
	 NO("name-mismatch", 42, "pbx.*.com"), PBX, "acme", 0},
	{"part of a label", {DNS("p*.example.com")}, NO("no-account", 42, "no account"),
	 NO("name-mismatch", 42, "p*.example.com"), PBX, "acme", 0},
	{"trailing dot", {DNS(PBX ".")}, OK_AS("acme"), OK_OUT, PBX, "acme", 0},
	{"upper case", {DNS("PBX.Example.COM")}, OK_AS("acme"), OK_OUT, PBX, "acme", 0},
	{"punycode", {DNS("xn--bcher-kva.example.info")}, OK_AS("idn"), OK_OUT,
	 "xn--bcher-kva.example.info", "idn", 0},
	{"IDN look-alike", {.raw_dns = "pbx.ex\xd0\xb0mple.com", .raw_len = 16},
	 NO("no-account", 42, "no account"), NO("name-mismatch", 42, "pbx.ex??mple.com"), PBX,
	 "acme", 0},
	{"NUL in a SAN", {.raw_dns = PBX "\0.evil.org", .raw_len = 25},
	 NO("malformed-name", 42, "NUL"), NO("malformed-name", 42, "NUL"), PBX, "acme", 0},
	{"NUL in the CN", {.odd = O_NUL_CN}, NO("no-account", 42, "no DNS name"),
	 NO("name-mismatch", 42, "no name (SAN) at all"), BETA, "beta", 0},
	{"CN right, SAN wrong", {DNS("other.example.net"), .cn = BETA},
	 NO("no-account", 42, "no account"),
	 NO("name-mismatch", 42, "a name in the subject (CN) does not count"), BETA, "beta", 0},
	{"CN only", {.cn = PBX}, NO("no-account", 42, "no DNS name"),
	 NO("name-mismatch", 42, "a name in the subject (CN) does not count"), PBX, "acme", 0},
	{"CN only, and the account takes it", {.cn = BETA}, OK_AS("beta"), OK_OUT, BETA, "beta", 0},
	{"no CN, no subject", {DNS(PBX), .odd = O_NO_SUBJECT}, OK_AS("acme"), OK_OUT, PBX, "acme",
	 0},
	{"names of two accounts", {.san = "DNS:" PBX ",DNS:" BETA},
	 NO("ambiguous", 42, "and names of account"), OK_OUT, PBX, "acme", 0},
	{"empty SAN", {.odd = O_EMPTY_SAN}, NO("no-account", 42, "no DNS name"),
	 NO("name-mismatch", 42, "no name (SAN) at all"), PBX, "acme", 0},
	{"300 names", {.odd = O_SOME_NAMES}, NO("too-many-names", 42, "more than 256"),
	 NO("too-many-names", 42, "more than 256"), PBX, "acme", 0},
	{"10,000 names", {.odd = O_MANY_NAMES}, NO("protocol", 47, "too large"),
	 NO("protocol", 47, "too large"), PBX, "acme", 0},
	{"64 KiB (D3)", {DNS(PBX), .odd = O_BIG}, NO("protocol", 47, "too large"),
	 NO("protocol", 47, "too large"), PBX, "acme", 0},
	/* form */
	{"unknown critical extension", {DNS(PBX), .odd = O_CRITICAL},
	 NO("critical-extension", 43, "not understood"),
	 NO("critical-extension", 43, "not understood"), PBX, "acme", 0},
	{"an extension twice", {DNS(PBX), .eku = "serverAuth", .odd = O_TWICE},
	 NO("malformed", 42, "twice"), NO("malformed", 42, "twice"), PBX, "acme", 0},
	{"negative serial", {DNS(PBX), .odd = O_NEGATIVE}, OK_AS("acme"), OK_OUT, PBX, "acme", 0},
	{"version 1", {.odd = O_V1, .cn = PBX}, NO("no-account", 42, "no DNS name"),
	 NO("name-mismatch", 42, "(CN) does not count"), PBX, "acme", 0},
	/* revocation */
	{"revoked", {DNS(PBX), .issuer = I_LISTED, .odd = O_REVOKED},
	 NO("revoked", 44, "revoked by its authority on 2"), NO("revoked", 44, "revoked"), PBX,
	 "acme", 0},
	{"revoked, and the account does not look",
	 {DNS("off.example.org"), .issuer = I_LISTED, .odd = O_REVOKED}, OK_AS("off"), OK_OUT,
	 "off.example.org", "off", 0},
	{"in a good list, hard", {DNS("hard.example.org"), .issuer = I_LISTED}, OK_AS("hard"),
	 OK_OUT, "hard.example.org", "hard", 0},
	{"list out of date", {DNS(PBX), .issuer = I_STALE},
	 OK_NOTED("acme", "revocation list out of date"), NOTED("out of date"), PBX, "acme", 0},
	{"list out of date, hard", {DNS("hard.example.org"), .issuer = I_STALE},
	 NO("crl-expired", 48, "the revocation list of CN=Stale expired on 2"),
	 NO("crl-expired", 48, "CN=Stale"), "hard.example.org", "hard", 0},
	{"list out of date names it", {DNS(PBX), .issuer = I_STALE, .odd = O_REVOKED},
	 NO("revoked", 44, "revoked"), NO("revoked", 44, "revoked"), PBX, "acme", 0},
	{"no list, hard", {DNS("hard.example.org")},
	 NO("no-crl", 48, "no revocation list at hand of CN=Root"), NO("no-crl", 48, "CN=Root"),
	 "hard.example.org", "hard", 0},
	{"list signed by somebody else, hard", {DNS("hard.example.org"), .issuer = I_FORGED},
	 NO("no-crl", 48, "CN=Forged"), NO("no-crl", 48, "CN=Forged"), "hard.example.org", "hard",
	 0},
	{"delta list alone, hard", {DNS("hard.example.org"), .issuer = I_DELTA},
	 NO("no-crl", 48, "CN=Delta"), NO("no-crl", 48, "CN=Delta"), "hard.example.org", "hard", 0},
	/* whose authority */
	{"private CA", {DNS("priv.example.org"), .issuer = I_PRIVATE}, OK_AS("priv"), OK_OUT,
	 "priv.example.org", "priv", 0},
	{"private CA of another account", {DNS(PBX), .issuer = I_PRIVATE},
	 NO("unknown-authority", 48, "CN=Private CA"), NO("unknown-authority", 48, "CN=Private CA"),
	 PBX, "acme", 0},
	{"private CA with a name of another account as well",
	 {.san = "DNS:priv.example.org,DNS:" PBX, .issuer = I_PRIVATE},
	 NO("unknown-authority", 48, "CN=Private CA"), NO("unknown-authority", 48, "Private CA"),
	 PBX, "acme", 0},
	{"accepted by the zone, not by the account", {DNS("named.example.org")},
	 NO("authority-not-accepted", 48, "is none that this account accepts; it accepts DigiCert"),
	 NO("authority-not-accepted", 48, "DigiCert"), "named.example.org", "named", 0},
	/* profile of the account */
	{"profile modern asked, carrier spoken", {DNS("modern.example.org")},
	 NO("profile", 40, "the account takes profile modern only"), SKIP, "modern.example.org",
	 "modern", 0},
	{"profile modern asked and spoken", {DNS("modern.example.org")}, OK_AS("modern"), OK_OUT,
	 "modern.example.org", "modern", Z_MODERN},
};
/* clang-format on */

#endif
