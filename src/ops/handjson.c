#include "ops/handjson.h"

#include <string.h>

#include "base/clock.h"
#include "base/codec.h"
#include "ops/cdr.h"

/* ---- what a ClientHello offered ---- */

const char *
handjson_sigalg_name(uint16_t sigalg)
{
	static const struct {
		uint16_t sigalg;
		const char *name;
	} names[] = {
		{0x0101, "rsa_md5"},
		{0x0201, "rsa_pkcs1_sha1"},
		{0x0202, "dsa_sha1"},
		{0x0203, "ecdsa_sha1"},
		{0x0301, "rsa_sha224"},
		{0x0302, "dsa_sha224"},
		{0x0303, "ecdsa_sha224"},
		{0x0401, "rsa_pkcs1_sha256"},
		{0x0402, "dsa_sha256"},
		{0x0403, "ecdsa_secp256r1_sha256"},
		{0x0501, "rsa_pkcs1_sha384"},
		{0x0502, "dsa_sha384"},
		{0x0503, "ecdsa_secp384r1_sha384"},
		{0x0601, "rsa_pkcs1_sha512"},
		{0x0602, "dsa_sha512"},
		{0x0603, "ecdsa_secp521r1_sha512"},
		{0x0804, "rsa_pss_rsae_sha256"},
		{0x0805, "rsa_pss_rsae_sha384"},
		{0x0806, "rsa_pss_rsae_sha512"},
		{0x0807, "ed25519"},
		{0x0808, "ed448"},
		{0x0809, "rsa_pss_pss_sha256"},
		{0x080a, "rsa_pss_pss_sha384"},
		{0x080b, "rsa_pss_pss_sha512"},
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (names[i].sigalg == sigalg)
			return names[i].name;
	return "";
}

static void
put_hex_list(struct buf *b, const uint16_t *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_printf(b, "%s%04x", i ? "," : "", v[i]);
}

void
handjson_put_offer(struct buf *b, const struct tls_record *r)
{
	put_hex_list(b, r->offered_versions, r->n_versions);
	buf_char(b, ';');
	put_hex_list(b, r->offered_suites, r->n_suites);
	buf_char(b, ';');
	put_hex_list(b, r->offered_sigalgs, r->n_sigalgs);
}

static enum err
read_hex_list(struct str s, uint16_t *out, size_t max, uint16_t *n)
{
	*n = 0;
	while (s.len) {
		struct str one = str_cut(&s, ',');
		unsigned char v[2];
		size_t len;

		if (one.len != 4 || codec_hex_get(one, v, sizeof(v), &len) != ERR_OK)
			return ERR_SYNTAX;
		if (*n < max)
			out[(*n)++] = (uint16_t)(v[0] << 8 | v[1]);
	}
	return ERR_OK;
}

enum err
handjson_read_offer(struct str s, struct hand_offer *out)
{
	struct str versions = str_cut(&s, ';'), suites = str_cut(&s, ';');
	struct hand_offer o;
	enum err e = read_hex_list(versions, o.version, TLS_VERSIONS_MAX, &o.n_versions);

	if (e == ERR_OK)
		e = read_hex_list(suites, o.suite, TLS_SUITES_MAX, &o.n_suites);
	if (e == ERR_OK)
		e = read_hex_list(s, o.sigalg, TLS_SIGALGS_MAX, &o.n_sigalgs);
	if (e == ERR_OK)
		*out = o;
	return e;
}

/* ---- JSON ---- */

static void
put_text(struct buf *b, const char *name, const char *z)
{
	if (!*z)
		return;
	buf_printf(b, ",\"%s\":", name);
	buf_json(b, str_from(z));
}

static void
put_time(struct buf *b, const char *name, int64_t wall_us)
{
	buf_printf(b, ",\"%s\":", name);
	cdr_put_time(b, wall_us);
}

/* Names of numbers, those without one in hex. */
static void
put_names(struct buf *b, const char *name, const uint16_t *v, size_t n,
	  const char *(*do_name)(uint16_t v))
{
	if (n == 0)
		return;
	buf_printf(b, ",\"%s\":[", name);
	for (size_t i = 0; i < n; i++) {
		const char *z = do_name(v[i]);

		if (*z && *z != '?')
			buf_printf(b, "%s\"%s\"", i ? "," : "", z);
		else
			buf_printf(b, "%s\"0x%04x\"", i ? "," : "", v[i]);
	}
	buf_char(b, ']');
}

static void
put_alert(struct buf *b, const char *name, int alert)
{
	if (alert != TLS_NO_ALERT)
		buf_printf(b, ",\"%s\":%d,\"%s_name\":\"%s\"", name, alert, name,
			   tls_alert_name(alert));
}

static void
put_hex(struct buf *b, const char *name, const uint8_t *p, size_t len)
{
	buf_printf(b, ",\"%s\":\"", name);
	codec_hex_put(b, p, len);
	buf_char(b, '"');
}

static void
put_cert(struct buf *b, const struct tls_record_cert *c)
{
	static const char *const keys[] = {[CERT_KEY_UNKNOWN] = "unknown",
					   [CERT_KEY_RSA] = "RSA",
					   [CERT_KEY_EC] = "EC",
					   [CERT_KEY_EDWARDS] = "Edwards"};

	buf_z(b, "{\"subject\":");
	buf_json(b, str_from(c->subject));
	buf_z(b, ",\"issuer\":");
	buf_json(b, str_from(c->issuer));
	put_text(b, "names", c->names);
	put_text(b, "serial", c->serial);
	put_text(b, "crl", c->crl);
	put_time(b, "not_before", c->not_before_us);
	put_time(b, "not_after", c->not_after_us);
	buf_printf(b, ",\"key\":\"%s %u\"",
		   (unsigned)c->key < ARRAY_LEN(keys) ? keys[c->key] : "unknown", c->bits);
	if (c->eku_present)
		buf_printf(b, ",\"server_auth\":%s,\"client_auth\":%s",
			   c->eku_server ? "true" : "false", c->eku_client ? "true" : "false");
	buf_printf(b, ",\"sent\":%s", c->sent ? "true" : "false");
	put_hex(b, "fingerprint", c->fingerprint, sizeof(c->fingerprint));
	buf_char(b, '}');
}

static void
put_chain(struct buf *b, const struct tls_record *r)
{
	if (r->n_chain == 0)
		return;
	put_text(b, "names", r->chain[0].names);
	buf_z(b, ",\"chain\":[");
	for (size_t i = 0; i < r->n_chain; i++) {
		buf_z(b, i ? "," : "");
		put_cert(b, &r->chain[i]);
	}
	buf_char(b, ']');
}

static void
put_trunks(struct buf *b, const struct hand_entry *e)
{
	if (e->n_trunks == 0)
		return;
	buf_z(b, ",\"trunks\":[");
	for (size_t i = 0; i < e->n_trunks; i++) {
		buf_z(b, i ? "," : "");
		buf_json(b, str_from(e->trunk[i].z));
	}
	buf_char(b, ']');
}

/* One sentence in plain words. */
static void
put_sentence(struct buf *b, const struct hand_entry *e)
{
	const struct tls_record *r = &e->u.tls;
	char mem[2 * TLS_WHY_MAX];
	struct buf s;

	buf_init(&s, mem, sizeof(mem));
	if (!r->accepted)
		buf_printf(&s, "refused: %s", r->why[0] ? r->why : tls_record_word(r));
	else
		buf_printf(&s, "accepted: %s, %s %s", e->account.z[0] ? e->account.z : "no account",
			   tls_version_name(r->version), r->suite_name);
	buf_z(b, ",\"sentence\":");
	buf_json(b, buf_view(&s));
}

static void
put_head(struct buf *b, const struct hand_entry *e, int64_t at_us, bool accepted, bool outgoing,
	 const struct addr *peer)
{
	cdr_put_start(b, e->id.z);
	buf_printf(b, ",\"kind\":\"%s\"", e->what == HAND_WHAT_REQUEST ? "request" : "handshake");
	put_time(b, "at", at_us);
	buf_printf(b, ",\"at_us\":%lld,\"accepted\":%s,\"outgoing\":%s,\"peer\":\"%s\"",
		   (long long)at_us, accepted ? "true" : "false", outgoing ? "true" : "false",
		   addr_text(peer).z);
	put_text(b, "account", e->account.z);
}

static void
put_handshake(struct buf *b, const struct hand_entry *e)
{
	const struct tls_record *r = &e->u.tls;

	put_head(b, e, r->began_us, r->accepted, r->outgoing, &r->peer);
	put_trunks(b, e);
	buf_printf(b, ",\"local\":\"%s\"", addr_text(&r->local).z);
	put_text(b, "zone", e->zone);
	put_text(b, "sni", r->sni);
	put_names(b, "versions", r->offered_versions, r->n_versions, tls_version_name);
	put_names(b, "suites", r->offered_suites, r->n_suites, tls_suite_name);
	put_names(b, "sigalgs", r->offered_sigalgs, r->n_sigalgs, handjson_sigalg_name);
	put_text(b, "version", r->version ? tls_version_name(r->version) : "");
	put_text(b, "suite", r->suite_name);
	put_alert(b, "alert_sent", r->alert_sent);
	put_alert(b, "alert_received", r->alert_received);
	if (r->outgoing)
		buf_printf(b, ",\"certificate_asked\":%s,\"certificate_shown\":%s",
			   r->cert_asked ? "true" : "false",
			   r->cert_asked && !r->cert_hidden ? "true" : "false");
	put_text(b, "profile", r->profile);
	put_chain(b, r);
	put_text(b, "authority", r->authority);
	put_text(b, "notes", r->notes);
	buf_printf(b, ",\"duration_us\":%lld", (long long)(r->duration_us & INT64_MAX));
	put_text(b, "word", tls_record_word(r));
	put_text(b, "why", r->why);
	put_sentence(b, e);
	buf_char(b, '}');
}

static void
put_request(struct buf *b, const struct hand_entry *e)
{
	const struct hand_request *q = &e->u.request;

	put_head(b, e, q->at_us, false, false, &q->peer);
	put_text(b, "method", q->method);
	put_text(b, "word", q->word);
	put_text(b, "why", q->why);
	buf_char(b, '}');
}

/* ---- rows ---- */

/* Who vouches; where nobody does, the CN (or all) of the name that the chain hangs on. */
static void
put_authority(struct buf *b, const struct tls_record *r)
{
	struct str name = str_from(r->chain[r->n_chain - 1].issuer);
	size_t at = str_find(name, STR("CN="));

	if (r->authority[0]) {
		name = str_from(r->authority);
	} else if (at < name.len) {
		name = str_from_at(name, at + 3);
		name = str_cut(&name, ',');
	}
	buf_str(b, name);
}

static void
fill_cert(struct handjson *m, const struct tls_record *r, struct hand_row *row)
{
	struct buf b;

	if (r->n_chain == 0)
		return;
	buf_init(&b, m->fingerprint, sizeof(m->fingerprint));
	codec_hex_put(&b, r->chain[0].fingerprint, sizeof(r->chain[0].fingerprint));
	row->fingerprint = buf_view(&b);
	buf_init(&b, m->authority, sizeof(m->authority));
	put_authority(&b, r);
	row->authority = buf_view(&b);
	row->names = str_from(r->chain[0].names);
	row->issuer = str_from(r->chain[0].issuer);
	row->not_after_us = r->chain[0].not_after_us;
}

static void
fill_handshake(struct handjson *m, const struct hand_entry *e, struct hand_row *row)
{
	const struct tls_record *r = &e->u.tls;
	struct buf b;

	row->kind = HAND_HANDSHAKE;
	row->accepted = r->accepted;
	row->outgoing = r->outgoing;
	row->at_us = r->began_us;
	row->host = str_from(r->sni);
	row->word = str_from(tls_record_word(r));
	row->why = str_from(r->why);
	row->version = r->version;
	row->suite = r->suite;
	if (!r->outgoing && r->n_suites) {
		buf_init(&b, m->offer, sizeof(m->offer));
		handjson_put_offer(&b, r);
		row->offer = buf_view(&b);
	}
	fill_cert(m, r, row);
}

enum err
handjson_row(struct handjson *m, const struct hand_entry *e, struct hand_row *out)
{
	bool request = e->what == HAND_WHAT_REQUEST;
	struct hand_row row = {.id = str_from(e->id.z), .account = str_from(e->account.z)};
	struct buf b;

	buf_init(&b, m->peer, sizeof(m->peer));
	addr_put_ip(&b, request ? &e->u.request.peer : &e->u.tls.peer, false);
	row.peer = buf_view(&b);
	buf_init(&b, m->body, sizeof(m->body));
	if (request) {
		row.kind = HAND_REQUEST;
		row.at_us = e->u.request.at_us;
		row.word = str_from(e->u.request.word);
		row.why = str_from(e->u.request.why);
		put_request(&b, e);
	} else {
		fill_handshake(m, e, &row);
		put_handshake(&b, e);
	}
	row.body = buf_view(&b);
	if (buf_end(&b) == ERR_OK)
		*out = row;
	return buf_end(&b);
}

void
handjson_put(struct buf *b, const struct hand_row *row)
{
	size_t end = row->body.len && row->body.p[row->body.len - 1] == '}' ? row->body.len - 1 : 0;

	if (end == 0 || row->more == 0) {
		buf_str(b, row->body);
		return;
	}
	buf_str(b, str_sub(row->body, 0, end));
	buf_printf(b, ",\"more\":%lld", (long long)(row->more & INT64_MAX));
	put_time(b, "last", row->last_us);
	buf_char(b, '}');
}
