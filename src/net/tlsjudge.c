#include "net/tlsjudge.h"

#include <string.h>

/* the library has a type of this name, we an error */
#define ERR_STATE OPENSSL_ERR_STATE
#include <openssl/ssl.h>
#include <openssl/x509.h>
#undef ERR_STATE

#include "base/clock.h"
#include "net/tlsfault.h"

/* The profile that the account asks for by its word; NULL: none, or one that does not exist. */
static const struct tls_profile_row *
asked_profile(const struct tls_judge *j)
{
	return j->trust && j->account->profile[0]
		       ? tls_trust_profile(j->trust, str_from(j->account->profile))
		       : NULL;
}

uint8_t
tls_judge_path(const struct tls_judge *j, struct tls_path *path, struct tls_record *r)
{
	const struct tls_profile_row *asked = asked_profile(j);
	const struct tls_profile_row *least = asked ? asked : j->least;
	struct cert_policy policy = {.rsa_only = j->profile->rsa_only || (least && least->rsa_only),
				     .server_side = j->outgoing,
				     .terms = j->account->terms};
	struct tls_path_terms terms = {.trust = j->trust,
				       .owns = j->owns,
				       .zone = j->zone,
				       .ref = j->ref,
				       .policy = &policy,
				       .now_us = clock_wall_us()};
	struct cert_verdict verdict;

	policy.terms.account = str_from(j->account->id);
	r->trust_version = j->trust ? tls_trust_version(j->trust) : 0;
	tls_path_judge(path, &terms, r, &verdict);
	r->cert_reason = verdict.reason;
	if (verdict.ok)
		return 0;
	tls_fault_say(r, TLS_CERT, verdict.why);
	return verdict.alert;
}

uint8_t
tls_judge_profile(const struct tls_judge *j, struct tls_record *r)
{
	bool own = j->account->profile[0] != 0;
	const struct tls_profile_row *p = own ? asked_profile(j) : j->least;
	const char *word = own ? j->account->profile : p ? p->word : "";
	struct buf b;

	if ((!own && !p) || (p && tls_profile_allows(p, j->version, j->suite)))
		return 0;
	tls_fault_set(r, TLS_PROFILE);
	if (tls_fault_open(r, &b)) {
		buf_printf(&b,
			   "the %s takes profile %s only (%s), and this connection would be %s "
			   "with %s",
			   own ? "account" : "zone", word, p ? p->shown : "which does not exist",
			   tls_version_name(j->version), j->suite ? j->suite_name : "no suite");
		buf_cstr(&b);
	}
	return SSL_AD_HANDSHAKE_FAILURE;
}

/* ---- connections that are up ---- */

void
tls_shown_fini(struct tls_shown *s)
{
	X509_free(s->leaf);
	sk_X509_pop_free(s->chain, X509_free);
	*s = (struct tls_shown){.leaf = NULL};
}

bool
tls_judge_again(const struct tls_judge *j, const struct tls_shown *shown, struct tls_record *r)
{
	struct tls_path path;
	uint8_t alert = 0;

	*r = (struct tls_record){.outgoing = j->outgoing, .zone = j->zone};
	if (shown->leaf) {
		tls_path_begin(&path, shown->leaf, shown->chain);
		alert = tls_judge_path(j, &path, r);
		tls_path_end(&path);
	}
	return alert == 0 && tls_judge_profile(j, r) == 0;
}
