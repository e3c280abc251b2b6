#include "net/tlshello.h"

/* the library has a type of this name, we an error */
#define ERR_STATE OPENSSL_ERR_STATE
#include <openssl/ssl.h>
#undef ERR_STATE

static uint16_t
be16(const unsigned char *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint16_t
keep_list(uint16_t *dst, size_t max, const unsigned char *p, size_t len)
{
	size_t n = 0;

	for (; len >= 2 && n < max; p += 2, len -= 2)
		dst[n++] = be16(p);
	return (uint16_t)n;
}

/* Versions, suites and signature algorithms as offered (RFC 8446 4.2.1, 4.2.3). */
static void
keep_offer(struct tls_record *r, SSL *ssl)
{
	const unsigned char *p;
	size_t len = SSL_client_hello_get0_ciphers(ssl, &p);

	r->n_suites = keep_list(r->offered_suites, TLS_SUITES_MAX, p, len);
	if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_supported_versions, &p, &len) == 1 &&
	    len > 1 && p[0] < len) {
		r->n_versions = keep_list(r->offered_versions, TLS_VERSIONS_MAX, p + 1, p[0]);
	} else {
		r->offered_versions[0] = (uint16_t)SSL_client_hello_get0_legacy_version(ssl);
		r->n_versions = 1;
	}
	if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_signature_algorithms, &p, &len) == 1 &&
	    len >= 2 && be16(p) + 2U <= len)
		r->n_sigalgs =
			keep_list(r->offered_sigalgs, TLS_SIGALGS_MAX, p + 2, (size_t)be16(p));
}

/* The one host name of the extension (RFC 6066 3), or nothing. */
static struct str
read_sni(SSL *ssl)
{
	const unsigned char *p;
	size_t len, name;
	struct str s;

	if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &p, &len) != 1 || len < 5 ||
	    be16(p) + 2U != len || p[2] != TLSEXT_NAMETYPE_host_name)
		return STR_NULL;
	name = be16(p + 3);
	if (name + 5 > len)
		return STR_NULL;
	s = str_of(p + 5, name);
	return certpolicy_fqdn_ok(s) ? s : STR_NULL;
}

void
tls_hello_keep(SSL *ssl, struct tls_record *r)
{
	keep_offer(r, ssl);
	if (str_copyz(r->sni, sizeof(r->sni), read_sni(ssl)) != ERR_OK)
		r->sni[0] = 0;
}

struct str
tls_hello_label(struct str sni, struct str *rest)
{
	struct str all = sni;

	if (all.len > 1 && all.p[all.len - 1] == '.')
		all.len--;
	*rest = all;
	return str_cut(rest, '.');
}

static struct tls_ctx *
find_named(const struct tls_zones *z, struct str name)
{
	for (size_t i = 0; name.len && i < z->n; i++)
		if (str_ieqz(name, z->ctx[i]->fqdn))
			return z->ctx[i];
	return NULL;
}

struct tls_ctx *
tls_hello_zone(const struct tls_zones *z, struct str sni)
{
	struct tls_ctx *found;
	struct str rest;

	if (sni.len > 1 && sni.p[sni.len - 1] == '.')
		sni.len--;
	found = find_named(z, sni);
	if (found)
		return found;
	(void)tls_hello_label(sni, &rest);
	return find_named(z, rest);
}
