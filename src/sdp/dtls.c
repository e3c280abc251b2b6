#include "sdp/dtls.h"

#include <string.h>

#include "base/hash.h"

enum { TLS_ID_MIN = 20, TLS_ID_MAX = 255 }; /* RFC 8842 5.2 */

static const struct {
	const char *name; /* RFC 8122 5; SHA-1 and below are no proof any more */
	uint8_t len;
} hashes[] = {{"sha-256", 32}, {"sha-384", 48}, {"sha-512", 64}};

static const char *const setups[] = {[SDP_SETUP_NONE] = "holdconn",
				     [SDP_SETUP_ACTIVE] = "active",
				     [SDP_SETUP_PASSIVE] = "passive",
				     [SDP_SETUP_ACTPASS] = "actpass"};

static int
hex_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* "AB:CD:.." of exactly len octets. */
static bool
read_octets(struct str hex, unsigned len, uint8_t *out)
{
	if (hex.len != 3 * len - 1)
		return false;
	for (unsigned i = 0; i < len; i++) {
		int high = hex_of(hex.p[3 * i]), low = hex_of(hex.p[3 * i + 1]);

		if (high < 0 || low < 0 || (i + 1 < len && hex.p[3 * i + 2] != ':'))
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

/* One a=fingerprint: better than what *d has? */
static void
take_print(struct str value, struct sdp_dtls *d)
{
	struct str hex = str_trim(value), name = str_cut(&hex, ' ');

	for (size_t i = 0; i < ARRAY_LEN(hashes); i++) {
		uint8_t print[SDP_PRINT_MAX];

		if (!str_ieqz(name, hashes[i].name) || hashes[i].len <= d->print_len ||
		    !read_octets(str_trim(hex), hashes[i].len, print))
			continue;
		d->print_len = hashes[i].len;
		memcpy(d->print, print, hashes[i].len);
	}
}

/* Those of one section; true: there was a print, of whatever kind. */
static bool
read_section(struct str text, struct sdp_dtls *d, struct str *setup)
{
	static const uint64_t key[2]; /* the digest must mean the same after a restart */
	struct str name, value;
	bool any = false;

	while (sdp_next_attr(&text, &name, &value)) {
		value = str_trim(value);
		if (str_eqz(name, "fingerprint")) {
			any = true;
			take_print(value, d);
		} else if (str_eqz(name, "setup") && setup->len == 0) {
			*setup = value;
		} else if (str_eqz(name, "tls-id") && value.len >= TLS_ID_MIN &&
			   value.len <= TLS_ID_MAX) {
			d->id = hash_siphash(key, value.p, value.len) | 1;
		}
	}
	return any;
}

static enum sdp_setup
setup_of(struct str value, bool answer)
{
	if (value.len == 0)
		return answer ? SDP_SETUP_PASSIVE : SDP_SETUP_ACTIVE;
	for (unsigned i = SDP_SETUP_ACTIVE; i < ARRAY_LEN(setups); i++)
		if (str_ieqz(value, setups[i]))
			return (enum sdp_setup)i;
	return SDP_SETUP_NONE;
}

bool
sdp_dtls_read(const struct sdp *s, const struct sdp_media *m, bool answer, struct sdp_dtls *out,
	      const char **why)
{
	struct sdp_dtls d = {0}, session = {0};
	struct str setup = STR_NULL, session_setup = STR_NULL;
	bool own = read_section(m->text, &d, &setup);
	bool any = read_section(s->text, &session, &session_setup) || own;

	if (!own) {
		d.print_len = session.print_len;
		memcpy(d.print, session.print, sizeof(d.print));
	}
	if (d.id == 0)
		d.id = session.id;
	d.setup = (uint8_t)setup_of(setup.len ? setup : session_setup, answer);
	if (d.print_len == 0) {
		*why = any ? "no a=fingerprint of sha-256, sha-384 or sha-512"
			   : "UDP/TLS/RTP/SAVP without a=fingerprint";
		return false;
	}
	if (d.setup == SDP_SETUP_NONE || (answer && d.setup == SDP_SETUP_ACTPASS)) {
		*why = answer ? "an answer has a=setup:active or a=setup:passive"
			      : "a=setup is none of actpass, active, passive";
		return false;
	}
	if (!m->rtcp_mux) {
		*why = "DTLS-SRTP needs a=rtcp-mux here: one association for RTP and RTCP";
		return false;
	}
	*out = d;
	return true;
}

void
sdp_dtls_put(struct buf *b, const struct sdp_dtls *d, enum sdp_setup as)
{
	const char *name = "?";

	for (size_t i = 0; i < ARRAY_LEN(hashes); i++)
		if (hashes[i].len == d->print_len)
			name = hashes[i].name;
	buf_printf(b, "a=fingerprint:%s ", name);
	for (unsigned i = 0; i < d->print_len && i < SDP_PRINT_MAX; i++)
		buf_printf(b, "%s%02X", i ? ":" : "", d->print[i]);
	buf_printf(b, "\r\na=setup:%s\r\n", setups[as]);
}

enum sdp_setup
sdp_setup_other(enum sdp_setup said)
{
	return said == SDP_SETUP_ACTIVE ? SDP_SETUP_PASSIVE : SDP_SETUP_ACTIVE;
}

bool
sdp_dtls_same(const struct sdp_dtls *a, const struct sdp_dtls *b)
{
	return a->print_len == b->print_len && a->id == b->id && a->print_len <= SDP_PRINT_MAX &&
	       memcmp(a->print, b->print, a->print_len) == 0;
}
