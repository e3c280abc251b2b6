#include "conf/refs.h"

#include "conf/accountsfile.h"
#include "net/tlsctx.h"
#include "net/tlstrust.h"

enum { KNOWN_MAX = 192 };

/* One walk. line, column: of the account or trunk in hand. */
struct refs {
	const struct conf *c, *used; /* used: NULL: no postern runs */
	const char *path;
	struct conf_report *rep;
	uint32_t line, column;
};

static bool
has_zone(const struct conf *c, struct str fqdn)
{
	for (uint32_t i = 0; i < c->n_zones; i++)
		if (str_ieqz(fqdn, c->zone[i].fqdn))
			return true;
	return false;
}

/* A trunk that is known by its address alone needs a zone that does not ask for a certificate. */
static bool
has_open_zone(const struct conf *c, const struct roster_trunk *t)
{
	for (uint32_t i = 0; i < c->n_zones; i++)
		if (c->zone[i].client_certificate != CONF_CLIENT_REQUIRED &&
		    (t->zone.len == 0 || str_ieqz(t->zone, c->zone[i].fqdn)))
			return true;
	return false;
}

static bool
has_listener(const struct conf *c, const struct roster_trunk *t)
{
	for (uint32_t i = 0; i < c->n_listeners; i++)
		if (str_eqz(t->listener, c->listener[i].name) &&
		    c->listener[i].transport == t->transport && c->listener[i].side == t->kind)
			return true;
	return false;
}

/* Any one that could serve it. A trunk that is switched off needs none. */
static bool
is_served(const struct conf *c, const struct roster_trunk *t)
{
	bool found = !t->enabled || t->listener.len;

	for (uint32_t i = 0; i < c->n_listeners && !found; i++)
		found = c->listener[i].transport == t->transport && c->listener[i].side == t->kind;
	return found;
}

static bool
has_credentials(const struct conf *c, struct str name)
{
	return confcredential_find(c->credential, c->n_credentials, name) != NULL;
}

static bool
is_known_by_address(const struct roster_trunk *t)
{
	return t->kind == TRUNK_CUSTOMER && t->transport == TRUNK_TLS &&
	       t->identity == TRUNK_BY_ADDRESS;
}

static bool
has_media(const struct conf *c, struct str name)
{
	return conf_media_index(c, name) != CONF_NO_ZONE;
}

static void
check_zone(const struct refs *r, const struct roster_trunk *t)
{
	if (t->zone.len && !has_zone(r->c, t->zone))
		report_error(r->rep, r->line, r->column,
			     "trunk \"%.*s\": %s has no zone \"%.*s\"; add it there, or write the "
			     "fqdn of another one",
			     STR_ARG(t->id), r->path, STR_ARG(t->zone));
	else if (is_known_by_address(t) && !has_open_zone(r->c, t))
		report_error(r->rep, r->line, r->column,
			     "trunk \"%.*s\": identity address over TLS, but every zone that it "
			     "may use requires a client certificate; use identity: certificate, "
			     "or a zone with client_certificate: optional or none",
			     STR_ARG(t->id));
}

/* The file has it, and what runs has not. how: "reload", "restart". */
static void
say_not_used(const struct refs *r, const struct roster_trunk *t, const char *what, struct str name,
	     const char *how)
{
	report_error(r->rep, r->line, r->column,
		     "trunk \"%.*s\": %s \"%.*s\" stands in %s and is not in use yet; %s postern "
		     "first, then apply",
		     STR_ARG(t->id), what, STR_ARG(name), r->path, how);
}

static void
check_trunk_used(const struct refs *r, const struct roster_trunk *t)
{
	const struct conf *c = r->c, *used = r->used;

	if (t->zone.len && has_zone(c, t->zone) && !has_zone(used, t->zone))
		say_not_used(r, t, "zone", t->zone, "restart");
	else if (is_known_by_address(t) && has_open_zone(c, t) && !has_open_zone(used, t))
		say_not_used(r, t, "client_certificate of zone",
			     t->zone.len ? t->zone : STR("(any)"), "reload");
	if (t->listener.len && has_listener(c, t) && !has_listener(used, t))
		say_not_used(r, t, "listener", t->listener, "restart");
	if (t->media.len && has_media(c, t->media) && !has_media(used, t->media))
		say_not_used(r, t, "media address", t->media, "restart");
	if (t->auth.len && has_credentials(c, t->auth) && !has_credentials(used, t->auth))
		say_not_used(r, t, "credentials", t->auth, "reload");
}

/* It may be applied before its listener is there: a warning. */
static void
check_served(const struct refs *r, const struct roster_trunk *t)
{
	if (!is_served(r->c, t))
		report_warning(r->rep, r->line, r->column,
			       "trunk \"%.*s\": %s has no listener with transport %s and side %s, "
			       "so no call can use this trunk; add one there, or change its "
			       "transport",
			       STR_ARG(t->id), r->path, trunk_transport_name(t->transport),
			       trunk_kind_name(t->kind));
	else if (r->used && !is_served(r->used, t))
		report_warning(r->rep, r->line, r->column,
			       "trunk \"%.*s\": the listener with transport %s and side %s "
			       "stands in %s and is not in use yet: no call can use this trunk "
			       "until postern is restarted",
			       STR_ARG(t->id), trunk_transport_name(t->transport),
			       trunk_kind_name(t->kind), r->path);
}

static void
check_auth(const struct refs *r, const struct roster_trunk *t)
{
	if (t->auth.len && !has_credentials(r->c, t->auth))
		report_error(r->rep, r->line, r->column,
			     "trunk \"%.*s\": %s has no credentials \"%.*s\"; add them there, or "
			     "name others",
			     STR_ARG(t->id), r->path, STR_ARG(t->auth));
}

/* What its audio needs, video is not made for. */
static void
check_video(const struct refs *r, const struct roster_trunk *t)
{
	bool dtls = t->keying == TRUNK_KEYING_DTLS;

	if (t->video == TRUNK_VIDEO_RELAY && (dtls || t->ice == TRUNK_ICE_LITE))
		report_warning(r->rep, r->line, r->column,
			       "trunk \"%.*s\": with %s no video is relayed, it gets port 0; "
			       "leave video out, or use %s",
			       STR_ARG(t->id), dtls ? "keying: dtls" : "ice: lite",
			       dtls ? "keying: sdes" : "ice: no");
}

static void
check_trunk(const struct refs *r, const struct roster_trunk *t)
{
	check_zone(r, t);
	check_video(r, t);
	check_auth(r, t);
	check_served(r, t);
	if (t->listener.len && !has_listener(r->c, t))
		report_error(r->rep, r->line, r->column,
			     "trunk \"%.*s\": %s has no listener \"%.*s\" with transport %s and "
			     "side %s; add it there, or name another one",
			     STR_ARG(t->id), r->path, STR_ARG(t->listener),
			     trunk_transport_name(t->transport), trunk_kind_name(t->kind));
	if (t->media.len && !has_media(r->c, t->media))
		report_error(r->rep, r->line, r->column,
			     "trunk \"%.*s\": %s has no media address \"%.*s\"; add it there, or "
			     "name another one",
			     STR_ARG(t->id), r->path, STR_ARG(t->media));
	if (r->used)
		check_trunk_used(r, t);
}

/* Certificates of authorities, each of them: one of the equipment itself would not count. */
static void
check_pem(const struct refs *r, const struct roster_account *a, struct str pem, const char *word)
{
	char mem[CERT_WHY_MAX];
	struct buf why;

	buf_init(&why, mem, sizeof(mem) - 1);
	if (pem.len && tls_owns_check(pem, str_from(word), &why) != ERR_OK)
		report_error(r->rep, r->line, r->column, "account \"%.*s\": %s", STR_ARG(a->id),
			     buf_cstr(&why));
}

/* By its names, or by the common name of "CN=pbx.example,O=Acme". */
static bool
speaks_for(struct str pem, const struct tls_cert_info *info, struct str host)
{
	struct str cn = str_from(info->subject);

	cn = str_from_at(cn, str_find(cn, STR("CN=")));
	cn = str_from_at(cn, sizeof("CN=") - 1);
	return tls_cert_covers(pem, host) || str_ieq(str_sub(cn, 0, str_chr(cn, ',')), host);
}

/* A private authority that bears the equipment's name may well be the certificate that the
 * equipment shows; that one is never taken (net/certpolicy). */
static void
check_own_issuer(const struct refs *r, const struct roster *want, const struct roster_account *a)
{
	struct tls_cert_info info;

	if (a->tls_ca.len == 0 || tls_cert_info(a->tls_ca, &info) != ERR_OK || !info.self_signed)
		return;
	for (uint32_t i = 0; i < want->n_trunks; i++) {
		const struct roster_trunk *t = &want->trunk[i];

		if (t->kind != TRUNK_CUSTOMER || t->transport != TRUNK_TLS ||
		    !str_eq(t->account, a->id) || !speaks_for(a->tls_ca, &info, t->host))
			continue;
		report_warning(r->rep, r->line, r->column,
			       "account \"%.*s\": tls.ca is a self-signed certificate of %.*s "
			       "itself: an authority for others, but the equipment is refused "
			       "where it shows this very one; have its certificate issued by "
			       "an authority, and name that one here",
			       STR_ARG(a->id), STR_ARG(t->host));
		return;
	}
}

static void
check_account(const struct refs *r, const struct roster_account *a)
{
	char mem[KNOWN_MAX];
	struct buf known;
	uint32_t mask;
	struct str bad;

	if (a->tls_profile.len && !conftls_known(&r->c->tls, a->tls_profile))
		report_error(r->rep, r->line, r->column,
			     "account \"%.*s\": %s has no TLS profile \"%.*s\"; use carrier, "
			     "modern, or the name of one of its tls_profiles",
			     STR_ARG(a->id), r->path, STR_ARG(a->tls_profile));
	else if (a->tls_profile.len && r->used && !conftls_known(&r->used->tls, a->tls_profile))
		report_error(
			r->rep, r->line, r->column,
			"account \"%.*s\": TLS profile \"%.*s\" stands in %s and is not in use "
			"yet; reload postern first, then apply",
			STR_ARG(a->id), STR_ARG(a->tls_profile), r->path);
	check_pem(r, a, a->tls_ca, "tls.ca");
	check_pem(r, a, a->tls_intermediates, "tls.intermediates");
	if (authority_parse_list(a->tls_authorities, &mask, &bad) == ERR_OK)
		return;
	buf_init(&known, mem, sizeof(mem) - 1);
	authority_put(&known, AUTHORITY_BIT(AUTHORITY_N) - 1);
	report_error(r->rep, r->line, r->column,
		     "account \"%.*s\": tls.authorities: \"%.*s\" is not known by name; use some "
		     "of %s, or name the file of its root under tls.ca",
		     STR_ARG(a->id), STR_ARG(str_sub(bad, 0, 64)), buf_cstr(&known));
}

void
refs_check(const struct roster *want, const struct conf *c, const char *path,
	   const struct conf *used, struct conf_report *rep)
{
	struct refs r = {.c = c, .used = used, .path = path, .rep = rep};

	for (uint32_t i = 0; i < want->n_accounts; i++) {
		accountsfile_place(want->account[i].place, &r.line, &r.column);
		check_account(&r, &want->account[i]);
		check_own_issuer(&r, want, &want->account[i]);
	}
	for (uint32_t i = 0; i < want->n_trunks; i++) {
		accountsfile_place(want->trunk[i].place, &r.line, &r.column);
		check_trunk(&r, &want->trunk[i]);
	}
}

/* ---- a changed configuration under the accounts in use ---- */

/* now: NULL: next is what is in use already. */
struct change {
	const struct snapshot_view *used;
	const struct conf *now, *next;
	struct conf_report *rep;
};

/* As in the accounts file, as far as it names the configuration. */
static struct roster_trunk
trunk_of(const struct snapshot_view *v, const struct trunk *t)
{
	return (struct roster_trunk){.id = snapshot_text(v, t->id),
				     .zone = snapshot_text(v, t->zone),
				     .listener = snapshot_text(v, t->listener),
				     .media = snapshot_text(v, t->media),
				     .auth = snapshot_text(v, t->auth),
				     .enabled = t->enabled,
				     .kind = t->kind,
				     .transport = t->transport,
				     .identity = t->identity};
}

/* what, name: of the thing that next has not. had: now has it. */
static void
say_gone(const struct change *c, const char *whose, struct str id, const char *what,
	 struct str name, bool had)
{
	if (had)
		report_error(c->rep, 1, 1,
			     "%s \"%.*s\" in the store uses %s \"%.*s\", which is no longer here; "
			     "keep it, or change the %s with postern apply first",
			     whose, STR_ARG(id), what, STR_ARG(name), whose);
	else if (c->now)
		report_warning(c->rep, 1, 1,
			       "%s \"%.*s\" in the store uses %s \"%.*s\", which is not here: no "
			       "call can use it; add it, or change the %s with postern apply",
			       whose, STR_ARG(id), what, STR_ARG(name), whose);
	else
		report_warning(c->rep, 1, 1,
			       "%s \"%.*s\" in the store uses %s \"%.*s\", which is not in use: no "
			       "call can use it; where postern.yaml has it, restart postern (for a "
			       "TLS profile: reload), else change the %s with postern apply",
			       whose, STR_ARG(id), what, STR_ARG(name), whose);
}

/* The zone that it uses, or the first: where to look. */
static const struct conf_zone *
place_of(const struct conf *c, const struct roster_trunk *t)
{
	for (uint32_t i = 0; i < c->n_zones; i++)
		if (str_ieqz(t->zone, c->zone[i].fqdn))
			return &c->zone[i];
	return &c->zone[0];
}

static void
check_open_change(const struct change *c, const struct roster_trunk *t)
{
	if (has_open_zone(c->next, t))
		return;
	if (c->now && has_open_zone(c->now, t))
		report_error(
			c->rep, place_of(c->next, t)->line, place_of(c->next, t)->column,
			"trunk \"%.*s\" in the store is known by its address alone, and every "
			"zone that it may use requires a client certificate now; leave one "
			"optional or none, or give the trunk identity: certificate with postern "
			"apply first",
			STR_ARG(t->id));
	else
		report_warning(
			c->rep, place_of(c->next, t)->line, place_of(c->next, t)->column,
			"trunk \"%.*s\" in the store is known by its address alone, and every "
			"zone that it may use requires a client certificate: it cannot be used; "
			"make one optional or none, or give the trunk identity: certificate with "
			"postern apply",
			STR_ARG(t->id));
}

static void
check_trunk_change(const struct change *c, const struct roster_trunk *t)
{
	const struct conf *now = c->now, *next = c->next;

	if (!is_served(next, t))
		report_warning(c->rep, 1, 1,
			       "trunk \"%.*s\" in the store needs a listener with transport %s and "
			       "side %s, and %s: no call can use it; add one and restart postern, "
			       "or change the trunk with postern apply",
			       STR_ARG(t->id), trunk_transport_name(t->transport),
			       trunk_kind_name(t->kind), now ? "none is here" : "none is in use");
	if (t->zone.len && !has_zone(next, t->zone))
		say_gone(c, "trunk", t->id, "zone", t->zone, now && has_zone(now, t->zone));
	else if (is_known_by_address(t))
		check_open_change(c, t);
	if (t->listener.len && !has_listener(next, t))
		say_gone(c, "trunk", t->id, "listener", t->listener, now && has_listener(now, t));
	if (t->media.len && !has_media(next, t->media))
		say_gone(c, "trunk", t->id, "media address", t->media,
			 now && has_media(now, t->media));
	if (t->auth.len && !has_credentials(next, t->auth))
		say_gone(c, "trunk", t->id, "credentials", t->auth,
			 now && has_credentials(now, t->auth));
}

static void
check_all(const struct change *c)
{
	const struct snapshot_view *v = c->used;

	for (uint32_t i = 0; i < v->n_accounts; i++) {
		struct str profile = snapshot_text(v, v->account[i].tls_profile);

		if (profile.len && !conftls_known(&c->next->tls, profile))
			say_gone(c, "account", snapshot_text(v, v->account[i].id), "TLS profile",
				 profile, c->now && conftls_known(&c->now->tls, profile));
	}
	for (uint32_t i = 0; i < v->n_trunks; i++) {
		struct roster_trunk t = trunk_of(v, &v->trunk[i]);

		check_trunk_change(c, &t);
	}
}

void
refs_check_change(const struct snapshot_view *used, const struct conf *now, const struct conf *next,
		  struct conf_report *rep)
{
	check_all(&(struct change){.used = used, .now = now, .next = next, .rep = rep});
}

void
refs_check_used(const struct snapshot_view *used, const struct conf *c, struct conf_report *rep)
{
	check_all(&(struct change){.used = used, .next = c, .rep = rep});
}
