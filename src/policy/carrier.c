#include "policy/carrier.h"

/* The name that its certificate must show. */
static struct str
name_of(const struct snapshot_view *v, const struct trunk *t)
{
	return snapshot_text(v, t->reference.len ? t->reference : t->host);
}

/* Does one of its ranges hold the address? Without ranges it may come from anywhere. */
static bool
source_fits(const struct snapshot_view *v, uint32_t trunk, const struct addr *source)
{
	if (v->trunk[trunk].n_sources == 0)
		return true;
	for (uint32_t i = 0; i < v->n_sources; i++)
		if (v->source[i].trunk == trunk && cidr_has(&v->source[i].range, source))
			return true;
	return false;
}

/* How far a carrier that the certificate names comes. */
static enum identity_reason
try_carrier(const struct snapshot_view *v, uint32_t i, const struct identity_peer *p)
{
	const struct trunk *t = &v->trunk[i];

	if (t->zone.len && !str_ieq(snapshot_text(v, t->zone), p->zone))
		return IDENTITY_ZONE;
	if (t->listener.len && !str_eq(snapshot_text(v, t->listener), p->listener))
		return IDENTITY_LISTENER;
	if (!source_fits(v, i, &p->source))
		return IDENTITY_SOURCE;
	return t->enabled ? IDENTITY_OK : IDENTITY_DISABLED;
}

enum identity_reason
identity_of_carrier(const struct snapshot_view *v, const struct identity_peer *p,
		    struct identity *out, struct buf *why)
{
	struct identity id = {.version = v->version, .account = POLICY_NONE};
	enum identity_reason reason = IDENTITY_UNKNOWN;
	uint32_t about = POLICY_NONE;

	for (uint32_t i = v->first_carrier; p->cert && i < v->n_trunks; i++) {
		enum identity_reason r;

		if (v->trunk[i].transport != TRUNK_TLS ||
		    certpolicy_match(p->cert, name_of(v, &v->trunk[i])) == CERT_MATCH_NO)
			continue;
		r = try_carrier(v, i, p);
		if (r == IDENTITY_OK && id.n_trunks < POLICY_ACCOUNT_TRUNKS_MAX)
			id.trunk[id.n_trunks++] = i;
		if (reason == IDENTITY_UNKNOWN || r == IDENTITY_OK) {
			reason = r;
			about = i;
		}
	}
	if (reason == IDENTITY_OK) {
		*out = id;
		return IDENTITY_OK;
	}
	if (why && about == POLICY_NONE) {
		buf_z(why, "no carrier has a name that the certificate shows: ");
		if (p->cert)
			certpolicy_put_names(why, p->cert);
	} else if (why) {
		buf_printf(why, "the certificate selects carrier %.*s: %s",
			   STR_ARG(snapshot_text(v, v->trunk[about].id)),
			   identity_reason_text(reason));
	}
	return reason;
}
