#include "app/zonetls.h"

#include <string.h>

#include "app/fetched.h"
#include "conf/pki.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

/* The staple about this chain, if there is one that has not run out. */
static struct str
find_staple(const struct zonetls_from *from, struct str chain_pem, int64_t *until_us)
{
	int64_t now = clock_wall_us();
	struct tls_cert_info info;
	struct fetched_entry f;

	if (from->fresh.len == 0 || tls_cert_info(chain_pem, &info) != ERR_OK)
		return STR_NULL;
	for (size_t i = 0; fetched_get(from->fresh, i, &f) == ERR_OK; i++) {
		if (f.kind != FETCHED_STAPLE || f.until_us <= now ||
		    memcmp(f.fingerprint, info.fingerprint, sizeof(f.fingerprint)) != 0)
			continue;
		if (*until_us == 0 || f.until_us < *until_us)
			*until_us = f.until_us;
		return f.bytes;
	}
	return STR_NULL;
}

/* RFC 10015 forbids RSA key exchange; where a profile has it, the log says so at each start. */
static void
warn_forbidden(const struct tls_profile_row *p, const char *fqdn)
{
	char mem[CERT_WHY_MAX];
	struct buf b;

	buf_init(&b, mem, sizeof(mem) - 1);
	if (tls_profile_forbidden(p, &b))
		log_warn("tls.rfc10015", "zone=%s profile=%s: RFC 10015 forbids %s", fqdn, p->word,
			 buf_cstr(&b));
}

static enum err
make_ctx(const struct zonetls_from *from, uint32_t zone, bool server, struct buf *why,
	 struct zonetls *out)
{
	const struct conf_zone *z = &from->conf->zone[zone];
	struct tls_conf tc = {.server = server,
			      .client = (enum tls_client)z->client_certificate,
			      .own = conftls_profile(&from->conf->tls, &z->tls),
			      .zone = (uint16_t)zone,
			      .fqdn = str_from(z->fqdn),
			      .chain_label = str_from(z->certificate),
			      .key_label = str_from(z->key)};
	char mem[CERT_WHY_MAX] = "";
	struct buf b;
	enum err e = pki_get(from->pki, zone, PKI_CHAIN, &tc.chain_pem);

	if (e == ERR_OK)
		e = pki_get(from->pki, zone, PKI_KEY, &tc.key_pem);
	if (e == ERR_OK && server)
		tc.staple = find_staple(from, tc.chain_pem, &out->staples_until_us);
	buf_init(&b, mem, sizeof(mem));
	if (e == ERR_OK)
		e = tls_ctx_new(&tc, &b, server ? &out->server[zone] : &out->client[zone]);
	if (e != ERR_OK)
		buf_printf(why, "zone %s: %s", z->fqdn, b.len ? buf_cstr(&b) : err_text(e));
	else if (b.len && server)
		log_warn("tls.zone", "zone=%s: %s", z->fqdn, buf_cstr(&b));
	if (e == ERR_OK && server)
		warn_forbidden(tc.own, z->fqdn);
	return e;
}

/* ---- whom they believe ---- */

struct lists {
	struct tls_text text[FETCHED_MAX + CONF_ZONES_MAX * CONF_CRLS_MAX];
	struct fetched_entry fresh[FETCHED_MAX]; /* owns the labels */
	size_t n;
};

/* Revocation lists: of the files, and fetched ones. */
static void
list_crls(const struct zonetls_from *from, struct lists *l)
{
	for (uint32_t z = 0; z < from->conf->n_zones; z++)
		for (uint32_t k = 0; k < from->conf->zone[z].n_crls; k++) {
			struct str bytes;

			if (pki_get(from->pki, z, PKI_CRL + k, &bytes) == ERR_OK)
				l->text[l->n++] = (struct tls_text){
					bytes, str_from(from->conf->zone[z].crls[k])};
		}
	for (size_t i = 0; i < FETCHED_MAX && from->fresh.len; i++) {
		struct fetched_entry *f = &l->fresh[i];

		if (fetched_get(from->fresh, i, f) != ERR_OK)
			break;
		if (f->kind == FETCHED_CRL)
			l->text[l->n++] = (struct tls_text){f->bytes, str_from(f->label)};
	}
}

static enum err
fill_roots(const struct zonetls_from *from, struct tls_trust_zone zone[CONF_ZONES_MAX],
	   struct str *system)
{
	enum err e = ERR_OK;

	for (uint32_t i = 0; i < from->conf->n_zones && e == ERR_OK; i++) {
		const struct conf_zone *z = &from->conf->zone[i];

		zone[i].files_label = str_from(z->n_trust ? z->trust[0] : PKI_SYSTEM_TRUST);
		zone[i].authorities = z->tls.authorities;
		zone[i].system = z->trust_system;
		e = pki_get(from->pki, i, PKI_TRUST, &zone[i].files_pem);
		if (e == ERR_OK && system->len == 0) /* the same for all */
			e = pki_get(from->pki, i, PKI_SYSTEM, system);
	}
	return e;
}

static enum err
make_trust(const struct zonetls_from *from, struct buf *why, struct tls_trust **out)
{
	struct tls_trust_zone zone[CONF_ZONES_MAX] = {0};
	struct tls_trust_conf tc = {
		.zones = zone,
		.n_zones = from->conf->n_zones,
		.system_label = STR(PKI_SYSTEM_TRUST),
		.profiles = from->conf->tls.row,
		.n_profiles = from->conf->tls.n,
		.previous = from->previous,
		.version = from->previous ? tls_trust_version(from->previous) + 1 : 1};
	struct lists *l = mem_zalloc(1, sizeof(*l));
	char mem[CERT_WHY_MAX] = "";
	struct buf b;
	enum err e = l ? fill_roots(from, zone, &tc.system_pem) : ERR_NOMEM;

	buf_init(&b, mem, sizeof(mem));
	if (e == ERR_OK) {
		list_crls(from, l);
		tc.crls = l->text;
		tc.n_crls = l->n;
		e = tls_trust_new(&tc, &b, out);
	}
	if (e != ERR_OK)
		buf_z(why, b.len ? buf_cstr(&b) : err_text(e));
	else if (b.len)
		log_warn("tls.trust", "%s", buf_cstr(&b));
	mem_free(l);
	return e;
}

/* ---- all of it ---- */

enum err
zonetls_make(const struct zonetls_from *from, struct zonetls *out, struct buf *why)
{
	enum err e = ERR_OK;

	*out = (struct zonetls){.n = from->conf->n_zones};
	for (uint32_t i = 0; e == ERR_OK && i < from->conf->n_zones; i++) {
		e = make_ctx(from, i, true, why, out);
		if (e == ERR_OK)
			e = make_ctx(from, i, false, why, out);
	}
	if (e == ERR_OK)
		e = make_trust(from, why, &out->trust);
	if (e != ERR_OK)
		zonetls_drop(out);
	return e;
}

void
zonetls_drop(struct zonetls *z)
{
	for (uint32_t i = 0; i < z->n; i++) {
		tls_ctx_unref(&z->server[i]);
		tls_ctx_unref(&z->client[i]);
	}
	tls_trust_unref(&z->trust);
	z->n = 0;
}
