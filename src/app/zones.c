#include "app/zones.h"

#include "app/pki.h"
#include "base/log.h"

static enum err
make_ctx(const struct conf *c, struct str pki, uint32_t zone, bool server, struct buf *why,
	 struct tls_ctx **out)
{
	const struct conf_zone *z = &c->zone[zone];
	struct tls_conf tc = {.server = server,
			      .profile = z->profile == CONF_PROFILE_MODERN ? TLS_PROFILE_MODERN
									   : TLS_PROFILE_CARRIER,
			      .zone = (uint16_t)zone,
			      .fqdn = str_from(z->fqdn),
			      .chain_label = str_from(z->certificate),
			      .key_label = str_from(z->key)};
	char mem[CERT_WHY_MAX] = "";
	struct buf b;
	enum err e = pki_get(pki, zone, PKI_CHAIN, &tc.chain_pem);

	if (e == ERR_OK)
		e = pki_get(pki, zone, PKI_KEY, &tc.key_pem);
	buf_init(&b, mem, sizeof(mem));
	if (e == ERR_OK)
		e = tls_ctx_new(&tc, &b, out);
	if (e != ERR_OK)
		buf_printf(why, "zone %s: %s", z->fqdn, b.len ? buf_cstr(&b) : err_text(e));
	else if (b.len && server)
		log_warn("tls.zone", "zone=%s: %s", z->fqdn, buf_cstr(&b));
	return e;
}

static enum err
make_trust(const struct conf *c, struct str pki, struct tls_trust *previous, struct buf *why,
	   struct tls_trust **out)
{
	struct tls_trust_zone zone[CONF_ZONES_MAX] = {0};
	struct tls_trust_conf tc = {.zones = zone,
				    .n_zones = c->n_zones,
				    .previous = previous,
				    .version = previous ? tls_trust_version(previous) + 1 : 1};
	char mem[CERT_WHY_MAX] = "";
	struct buf b;
	enum err e = ERR_OK;

	for (uint32_t i = 0; i < tc.n_zones && e == ERR_OK; i++) {
		const struct conf_zone *z = &c->zone[i];

		zone[i].files_label = str_from(z->n_trust ? z->trust[0] : PKI_SYSTEM_TRUST);
		e = pki_get(pki, i, PKI_TRUST, &zone[i].files_pem);
	}
	buf_init(&b, mem, sizeof(mem));
	if (e == ERR_OK)
		e = tls_trust_new(&tc, &b, out);
	if (e != ERR_OK)
		buf_z(why, b.len ? buf_cstr(&b) : err_text(e));
	else if (b.len)
		log_warn("tls.trust", "%s", buf_cstr(&b));
	return e;
}

enum err
zones_make(const struct conf *c, struct str pki, struct tls_trust *previous, struct zones *out,
	   struct buf *why)
{
	enum err e;

	*out = (struct zones){.n = c->n_zones};
	for (uint32_t i = 0; i < c->n_zones; i++) {
		e = make_ctx(c, pki, i, true, why, &out->server[i]);
		if (e == ERR_OK)
			e = make_ctx(c, pki, i, false, why, &out->client[i]);
		if (e != ERR_OK) {
			zones_drop(out);
			return e;
		}
	}
	e = make_trust(c, pki, previous, why, &out->trust);
	if (e != ERR_OK)
		zones_drop(out);
	return e;
}

void
zones_drop(struct zones *z)
{
	for (uint32_t i = 0; i < z->n; i++) {
		tls_ctx_unref(&z->server[i]);
		tls_ctx_unref(&z->client[i]);
	}
	tls_trust_unref(&z->trust);
	z->n = 0;
}
