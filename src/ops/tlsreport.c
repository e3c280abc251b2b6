#include "ops/tlsreport.h"

#include "net/authority.h"

enum { V12 = 0x0303, V13 = 0x0304 };

/* What a connection could go on with, best first; all are for an RSA certificate of ours. */
static const struct {
	uint16_t version, suite;
	bool rsa_kx;
} ladder[] = {
	{V13, 0x1302, false}, /* TLS_AES_256_GCM_SHA384 */
	{V13, 0x1303, false}, /* TLS_CHACHA20_POLY1305_SHA256 */
	{V13, 0x1301, false}, /* TLS_AES_128_GCM_SHA256 */
	{V12, 0xc030, false}, /* ECDHE-RSA-AES256-GCM-SHA384 */
	{V12, 0xcca8, false}, /* ECDHE-RSA-CHACHA20-POLY1305 */
	{V12, 0xc02f, false}, /* ECDHE-RSA-AES128-GCM-SHA256 */
	{V12, 0xc028, false}, /* ECDHE-RSA-AES256-SHA384 */
	{V12, 0xc027, false}, /* ECDHE-RSA-AES128-SHA256 */
	{V12, 0xc014, false}, /* ECDHE-RSA-AES256-SHA */
	{V12, 0xc013, false}, /* ECDHE-RSA-AES128-SHA */
	{V12, 0x009d, true},  /* AES256-GCM-SHA384 */
	{V12, 0x009c, true},  /* AES128-GCM-SHA256 */
	{V12, 0x003d, true},  /* AES256-SHA256 */
	{V12, 0x003c, true},  /* AES128-SHA256 */
	{V12, 0x0035, true},  /* AES256-SHA */
	{V12, 0x002f, true},  /* AES128-SHA */
};

const char *
tlsreport_word(enum tls_fate f)
{
	static const char *const words[] = {[TLS_FATE_SAME] = "same",
					    [TLS_FATE_FALLS] = "falls-back",
					    [TLS_FATE_PROFILE] = "needs-profile",
					    [TLS_FATE_BREAKS] = "breaks",
					    [TLS_FATE_UNKNOWN] = "not-known"};

	return (unsigned)f < ARRAY_LEN(words) ? words[f] : "?";
}

enum err
tlsreport_allowed(struct str profile, struct tls_allowed *out)
{
	enum tls_profile p;
	const struct tls_profile_row *row;

	if (tls_profile_parse(profile, &p) != ERR_OK)
		return ERR_NOTFOUND;
	row = tls_profile_row(p);
	*out = (struct tls_allowed){.rungs = 0};
	(void)!str_copyz(out->word, sizeof(out->word), profile);
	for (size_t i = 0; i < ARRAY_LEN(ladder); i++)
		if (tls_profile_allows(row, ladder[i].version, ladder[i].suite))
			out->rungs |= 1U << i;
	return ERR_OK;
}

bool
tlsreport_is_rsa_kx(uint16_t suite)
{
	if (suite == 0x000a) /* DES-CBC3-SHA */
		return true;
	for (size_t i = 0; i < ARRAY_LEN(ladder); i++)
		if (ladder[i].suite == suite)
			return ladder[i].rsa_kx;
	return false;
}

/* ---- what goes away ---- */

static bool
read_version(struct str s, uint16_t *out)
{
	static const struct {
		const char *word;
		uint16_t version;
	} words[] = {{"1.0", 0x0301}, {"1.1", 0x0302}, {"1.2", 0x0303}, {"1.3", 0x0304}};

	if (str_istarts(s, STR("tls")))
		s = str_trim(str_from_at(s, 3));
	if (str_istarts(s, STR("v")))
		s = str_from_at(s, 1);
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (str_eqz(s, words[i].word)) {
			*out = words[i].version;
			return true;
		}
	return false;
}

static bool
read_suite(struct str s, uint16_t *out)
{
	struct hand_offer o;
	char text[8];
	struct buf b;

	for (uint32_t v = 0; v <= UINT16_MAX; v++) {
		const char *name = tls_suite_name((uint16_t)v);

		if (name[0] && str_ieqz(s, name)) {
			*out = (uint16_t)v;
			return true;
		}
	}
	if (s.len != 6 || !str_istarts(s, STR("0x")))
		return false;
	buf_init(&b, text, sizeof(text));
	buf_char(&b, ';');
	buf_str(&b, str_from_at(s, 2));
	if (handjson_read_offer(buf_view(&b), &o) != ERR_OK || o.n_suites != 1)
		return false;
	*out = o.suite[0];
	return true;
}

enum err
tlsreport_without(struct tls_without *w, struct str word)
{
	uint16_t v;

	word = str_trim(word);
	if (word.len == 0)
		return ERR_SYNTAX;
	if (str_ieqz(word, "rsa-kx")) {
		w->rsa_kx = true;
	} else if (str_ieqz(word, "eku")) {
		w->server_only = true;
	} else if (read_version(word, &v)) {
		if (w->n_versions == TLSREPORT_WITHOUT_MAX)
			return ERR_FULL;
		w->version[w->n_versions++] = v;
	} else if (read_suite(word, &v)) {
		if (w->n_suites == TLSREPORT_WITHOUT_MAX)
			return ERR_FULL;
		w->suite[w->n_suites++] = v;
	} else {
		if (w->n_authorities == TLSREPORT_WITHOUT_MAX)
			return ERR_FULL;
		if (str_copyz(w->authority[w->n_authorities], TLSREPORT_WORD_MAX, word) != ERR_OK)
			return ERR_LONG;
		w->n_authorities++;
	}
	return ERR_OK;
}

/* ---- judging ---- */

static bool
has(const uint16_t *list, size_t n, uint16_t v)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == v)
			return true;
	return false;
}

static bool
goes_away(const struct tls_without *w, uint16_t version, uint16_t suite)
{
	return has(w->version, w->n_versions, version) || has(w->suite, w->n_suites, suite) ||
	       (w->rsa_kx && tlsreport_is_rsa_kx(suite));
}

static void
put_choice(struct buf *b, uint16_t version, uint16_t suite)
{
	buf_printf(b, "%s %s", tls_version_name(version), tls_suite_name(suite));
}

bool
tlsreport_is_authority(struct str seen, struct str word)
{
	bool cut = seen.len == TLS_AUTHORITY_MAX - 1;
	enum authority a, b;
	size_t slash = str_rchr(seen, '/');

	if (seen.len == 0)
		return false;
	if (str_ieq(seen, word) || (cut && str_istarts(word, seen)))
		return true;
	if (slash < seen.len)
		return str_ieq(str_from_at(seen, slash + 1), word);
	return authority_parse(seen, &a) == ERR_OK && authority_parse(word, &b) == ERR_OK && a == b;
}

/* Refused for its certificate, whatever TLS it speaks. */
static bool
judge_certificate(const struct tls_seen *s, const struct tls_without *w, struct buf *why)
{
	for (uint32_t i = 0; i < w->n_authorities; i++)
		if (tlsreport_is_authority(s->authority, str_from(w->authority[i]))) {
			buf_printf(why, "its certificate comes from %s", w->authority[i]);
			return true;
		}
	if (w->server_only && !s->outgoing && s->eku_present && !s->eku_client) {
		buf_z(why, "its certificate is for servers only (no clientAuth)");
		return true;
	}
	return false;
}

/* The best that it offered and that stays; allowed: by our profile. */
static bool
find_fallback(const struct tls_seen *s, const struct tls_without *w, bool allowed,
	      struct tls_future *out)
{
	for (size_t i = 0; i < ARRAY_LEN(ladder); i++) {
		uint16_t version = ladder[i].version, suite = ladder[i].suite;

		if (!has(s->offer.version, s->offer.n_versions, version) ||
		    !has(s->offer.suite, s->offer.n_suites, suite) ||
		    goes_away(w, version, suite) ||
		    (allowed && !(s->profile && s->profile->rungs >> i & 1)))
			continue;
		out->version = version;
		out->suite = suite;
		return true;
	}
	return false;
}

static void
judge_incoming(const struct tls_seen *s, const struct tls_without *w, struct tls_future *out,
	       struct buf *why)
{
	if (find_fallback(s, w, true, out)) {
		out->fate = TLS_FATE_FALLS;
		buf_z(why, "it offers ");
		put_choice(why, out->version, out->suite);
		buf_z(why, " as well");
	} else if (find_fallback(s, w, false, out)) {
		out->fate = TLS_FATE_PROFILE;
		buf_z(why, "it offers ");
		put_choice(why, out->version, out->suite);
		if (s->profile)
			buf_printf(why, ", which our profile %s does not allow", s->profile->word);
		else
			buf_z(why, "; whether our own profile allows it is for you to see");
	} else {
		out->fate = TLS_FATE_BREAKS;
		buf_z(why, s->offer.n_suites ? "it offers nothing else that stays"
					     : "what it offered was not kept");
	}
}

void
tlsreport_judge(const struct tls_seen *s, const struct tls_without *w, struct tls_future *out)
{
	struct buf why;

	*out = (struct tls_future){.fate = TLS_FATE_SAME};
	buf_init(&why, out->why, sizeof(out->why));
	if (judge_certificate(s, w, &why)) {
		out->fate = TLS_FATE_BREAKS;
	} else if (goes_away(w, s->version, s->suite)) {
		if (s->outgoing) {
			out->fate = TLS_FATE_UNKNOWN;
			buf_z(&why,
			      "the server chose what goes away; postern ready shows what else "
			      "it takes");
		} else {
			judge_incoming(s, w, out, &why);
		}
	}
	(void)buf_cstr(&why);
}
