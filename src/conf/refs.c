#include "conf/refs.h"

#include "conf/accountsfile.h"

enum { KNOWN_MAX = 192 };

/* One walk. line, column: of the account or trunk in hand. */
struct refs {
	const struct conf *c;
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

static void
check_zone(const struct refs *r, const struct roster_trunk *t)
{
	if (t->zone.len && !has_zone(r->c, t->zone))
		report_error(r->rep, r->line, r->column,
			     "trunk \"%.*s\": %s has no zone \"%.*s\"; add it there, or write the "
			     "fqdn of another one",
			     STR_ARG(t->id), r->path, STR_ARG(t->zone));
	else if (t->kind == TRUNK_CUSTOMER && t->transport == TRUNK_TLS &&
		 t->identity == TRUNK_BY_ADDRESS && !has_open_zone(r->c, t))
		report_error(r->rep, r->line, r->column,
			     "trunk \"%.*s\": identity address over TLS, but every zone that it "
			     "may use requires a client certificate; use identity: certificate, "
			     "or a zone with client_certificate: optional or none",
			     STR_ARG(t->id));
}

static void
check_trunk(const struct refs *r, const struct roster_trunk *t)
{
	check_zone(r, t);
	if (t->listener.len && !has_listener(r->c, t))
		report_error(r->rep, r->line, r->column,
			     "trunk \"%.*s\": %s has no listener \"%.*s\" with transport %s and "
			     "side %s; add it there, or name another one",
			     STR_ARG(t->id), r->path, STR_ARG(t->listener),
			     trunk_transport_name(t->transport), trunk_kind_name(t->kind));
	if (t->media.len && conf_media_index(r->c, t->media) == CONF_NO_ZONE)
		report_error(r->rep, r->line, r->column,
			     "trunk \"%.*s\": %s has no media address \"%.*s\"; add it there, or "
			     "name another one",
			     STR_ARG(t->id), r->path, STR_ARG(t->media));
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
	   struct conf_report *rep)
{
	struct refs r = {.c = c, .path = path, .rep = rep};

	for (uint32_t i = 0; i < want->n_accounts; i++) {
		accountsfile_place(want->account[i].place, &r.line, &r.column);
		check_account(&r, &want->account[i]);
	}
	for (uint32_t i = 0; i < want->n_trunks; i++) {
		accountsfile_place(want->trunk[i].place, &r.line, &r.column);
		check_trunk(&r, &want->trunk[i]);
	}
}
