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
			      .key_label = str_from(z->key),
			      .roots_label = str_from(z->n_trust ? z->trust[0] : PKI_SYSTEM_TRUST)};
	char mem[CERT_WHY_MAX] = "";
	struct buf b;
	enum err e = pki_get(pki, zone, PKI_CHAIN, &tc.chain_pem);

	if (e == ERR_OK)
		e = pki_get(pki, zone, PKI_KEY, &tc.key_pem);
	if (e == ERR_OK)
		e = pki_get(pki, zone, PKI_TRUST, &tc.roots_pem);
	buf_init(&b, mem, sizeof(mem));
	if (e == ERR_OK)
		e = tls_ctx_new(&tc, &b, out);
	if (e != ERR_OK)
		buf_printf(why, "zone %s: %s", z->fqdn, b.len ? buf_cstr(&b) : err_text(e));
	else if (b.len && server)
		log_warn("tls.zone", "zone=%s: %s", z->fqdn, buf_cstr(&b));
	return e;
}

enum err
zones_make(const struct conf *c, struct str pki, struct zones *out, struct buf *why)
{
	*out = (struct zones){.n = c->n_zones};
	for (uint32_t i = 0; i < c->n_zones; i++) {
		enum err e = make_ctx(c, pki, i, true, why, &out->server[i]);

		if (e == ERR_OK)
			e = make_ctx(c, pki, i, false, why, &out->client[i]);
		if (e != ERR_OK) {
			zones_drop(out);
			return e;
		}
	}
	return ERR_OK;
}

void
zones_drop(struct zones *z)
{
	for (uint32_t i = 0; i < z->n; i++) {
		tls_ctx_unref(&z->server[i]);
		tls_ctx_unref(&z->client[i]);
	}
	z->n = 0;
}
