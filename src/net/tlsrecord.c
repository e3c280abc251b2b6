#include "net/tlsrecord.h"

#include <string.h>

const char *
tls_record_word(const struct tls_record *r)
{
	static const char *const words[] = {
#define X(name, word) word,
		TLS_REASON_LIST(X)
#undef X
	};

	if (r->reason == TLS_CERT)
		return certpolicy_word(r->cert_reason);
	return (unsigned)r->reason < ARRAY_LEN(words) ? words[r->reason] : "?";
}

const char *
tls_version_name(uint16_t version)
{
	switch (version) {
	case 0x0002:
		return "SSL 2";
	case 0x0300:
		return "SSL 3";
	case 0x0301:
		return "TLS 1.0";
	case 0x0302:
		return "TLS 1.1";
	case 0x0303:
		return "TLS 1.2";
	case 0x0304:
		return "TLS 1.3";
	default:
		return "?";
	}
}

/* RFC 5246 7.2, RFC 8446 6, RFC 6066 9, RFC 7301 3.2 */
const char *
tls_alert_name(int alert)
{
	static const struct {
		int alert;
		const char *name;
	} names[] = {
		{0, "close_notify"},
		{10, "unexpected_message"},
		{20, "bad_record_mac"},
		{22, "record_overflow"},
		{40, "handshake_failure"},
		{42, "bad_certificate"},
		{43, "unsupported_certificate"},
		{44, "certificate_revoked"},
		{45, "certificate_expired"},
		{46, "certificate_unknown"},
		{47, "illegal_parameter"},
		{48, "unknown_ca"},
		{49, "access_denied"},
		{50, "decode_error"},
		{51, "decrypt_error"},
		{70, "protocol_version"},
		{71, "insufficient_security"},
		{80, "internal_error"},
		{86, "inappropriate_fallback"},
		{90, "user_canceled"},
		{100, "no_renegotiation"},
		{109, "missing_extension"},
		{110, "unsupported_extension"},
		{112, "unrecognized_name"},
		{113, "bad_certificate_status_response"},
		{116, "certificate_required"},
		{120, "no_application_protocol"},
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (names[i].alert == alert)
			return names[i].name;
	return "unknown";
}

const char *
tls_suite_name(uint16_t suite)
{
	static const struct {
		uint16_t suite;
		const char *name;
	} names[] = {
		{0x000a, "DES-CBC3-SHA"},
		{0x002f, "AES128-SHA"},
		{0x0033, "DHE-RSA-AES128-SHA"},
		{0x0035, "AES256-SHA"},
		{0x0039, "DHE-RSA-AES256-SHA"},
		{0x003c, "AES128-SHA256"},
		{0x003d, "AES256-SHA256"},
		{0x0067, "DHE-RSA-AES128-SHA256"},
		{0x006b, "DHE-RSA-AES256-SHA256"},
		{0x009c, "AES128-GCM-SHA256"},
		{0x009d, "AES256-GCM-SHA384"},
		{0x009e, "DHE-RSA-AES128-GCM-SHA256"},
		{0x009f, "DHE-RSA-AES256-GCM-SHA384"},
		{0x1301, "TLS_AES_128_GCM_SHA256"},
		{0x1302, "TLS_AES_256_GCM_SHA384"},
		{0x1303, "TLS_CHACHA20_POLY1305_SHA256"},
		{0xc009, "ECDHE-ECDSA-AES128-SHA"},
		{0xc00a, "ECDHE-ECDSA-AES256-SHA"},
		{0xc013, "ECDHE-RSA-AES128-SHA"},
		{0xc014, "ECDHE-RSA-AES256-SHA"},
		{0xc023, "ECDHE-ECDSA-AES128-SHA256"},
		{0xc024, "ECDHE-ECDSA-AES256-SHA384"},
		{0xc027, "ECDHE-RSA-AES128-SHA256"},
		{0xc028, "ECDHE-RSA-AES256-SHA384"},
		{0xc02b, "ECDHE-ECDSA-AES128-GCM-SHA256"},
		{0xc02c, "ECDHE-ECDSA-AES256-GCM-SHA384"},
		{0xc02f, "ECDHE-RSA-AES128-GCM-SHA256"},
		{0xc030, "ECDHE-RSA-AES256-GCM-SHA384"},
		{0xcca8, "ECDHE-RSA-CHACHA20-POLY1305"},
		{0xcca9, "ECDHE-ECDSA-CHACHA20-POLY1305"},
		{0xccaa, "DHE-RSA-CHACHA20-POLY1305"},
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (names[i].suite == suite)
			return names[i].name;
	return "";
}

void
tls_record_put_versions(struct buf *b, const struct tls_record *r)
{
	bool first = true;

	for (size_t i = 0; i < r->n_versions; i++) {
		const char *name = tls_version_name(r->offered_versions[i]);

		if (name[0] == '?') /* GREASE, RFC 8701 */
			continue;
		buf_z(b, first ? "" : ", ");
		buf_z(b, name);
		first = false;
	}
	if (first)
		buf_z(b, "no version that we know");
}

/* RFC 5746 and 7507 signalling values, and GREASE (RFC 8701), are no suites. */
static bool
is_suite(uint16_t s)
{
	bool grease = (s & 0x0f0f) == 0x0a0a && s >> 8 == (s & 0xff);

	return s != 0x00ff && s != 0x5600 && !grease;
}

void
tls_record_put_suites(struct buf *b, const struct tls_record *r)
{
	size_t shown = 0, more = 0;

	for (size_t i = 0; i < r->n_suites; i++) {
		const char *name = tls_suite_name(r->offered_suites[i]);

		if (!is_suite(r->offered_suites[i]))
			continue;
		if (shown == TLS_SUITES_SHOWN) {
			more++;
			continue;
		}
		buf_z(b, shown++ ? ", " : "");
		if (name[0])
			buf_z(b, name);
		else
			buf_printf(b, "0x%04x", r->offered_suites[i]);
	}
	if (shown == 0)
		buf_z(b, "none");
	if (more)
		buf_printf(b, " and %zu more", more);
}

static void
copy_text(char *dst, size_t cap, struct str s)
{
	struct buf b;

	buf_init(&b, dst, cap);
	buf_str(&b, str_sub(s, 0, cap - 1));
	buf_cstr(&b);
}

void
tls_record_cert(struct tls_record_cert *out, const struct cert_view *v)
{
	struct buf names;

	*out = (struct tls_record_cert){.not_before_us = v->not_before_us,
					.not_after_us = v->not_after_us,
					.key = v->key,
					.sig_key = v->sig_key,
					.bits = v->bits,
					.sent = v->sent,
					.eku_present = v->eku_present,
					.eku_server = v->eku_server,
					.eku_client = v->eku_client};
	memcpy(out->fingerprint, v->fingerprint, sizeof(out->fingerprint));
	copy_text(out->subject, sizeof(out->subject), v->subject);
	copy_text(out->issuer, sizeof(out->issuer), v->issuer);
	copy_text(out->serial, sizeof(out->serial), v->serial);
	buf_init(&names, out->names, sizeof(out->names));
	if (v->n_dns + v->n_uri > 0)
		certpolicy_put_names(&names, v);
	buf_cstr(&names);
}

static void
put_alert(struct buf *b, const char *key, int alert)
{
	if (alert != TLS_NO_ALERT)
		buf_printf(b, " %s=%s(%d)", key, tls_alert_name(alert), alert);
}

void
tls_record_put(struct buf *b, const struct tls_record *r)
{
	buf_printf(b, "%s peer=%s local=%s", r->outgoing ? "connect" : "accept",
		   addr_text(&r->peer).z, addr_text(&r->local).z);
	if (r->sni[0])
		buf_printf(b, " sni=%s", r->sni);
	if (r->version)
		buf_printf(b, " version=\"%s\"", tls_version_name(r->version));
	if (r->suite_name[0])
		buf_printf(b, " suite=%s", r->suite_name);
	if (r->n_chain)
		buf_printf(b, " cert=\"%s\" names=\"%s\"", r->chain[0].subject, r->chain[0].names);
	put_alert(b, "alert_sent", r->alert_sent);
	put_alert(b, "alert_received", r->alert_received);
	buf_printf(b, " ms=%u result=%s", (unsigned)(r->duration_us / 1000), tls_record_word(r));
	if (r->notes[0])
		buf_printf(b, " notes=\"%s\"", r->notes);
	if (r->why[0])
		buf_printf(b, " why=\"%s\"", r->why);
}
