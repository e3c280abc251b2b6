#include "sdp/keys.h"

#include <string.h>

#include "base/codec.h"
#include "base/guard.h"
#include "base/random.h"
#include "base/secret.h"

enum { SECRET_MAX = SDP_KEY_MAX + SDP_SALT_MAX, TAG_DIGITS_MAX = 9 };

static const struct sdp_suite_info suites[] = {
#define X(number, id, name_, other_, key, salt)                                                    \
	{.name = name_, .other = other_, .suite = SDP_SUITE_##id, .key_len = key, .salt_len = salt},
	SDP_SUITE_LIST(X)
#undef X
};

#define X(number, id, name, other, key, salt)                                                      \
	_Static_assert((key) <= SDP_KEY_MAX && (salt) <= SDP_SALT_MAX, "fits struct sdp_key");
SDP_SUITE_LIST(X)
#undef X

const struct sdp_suite_info *
sdp_suite_info(enum sdp_suite s)
{
	for (size_t i = 0; i < ARRAY_LEN(suites); i++)
		if (suites[i].suite == s)
			return &suites[i];
	return NULL;
}

const char *
sdp_suite_name(enum sdp_suite s)
{
	const struct sdp_suite_info *info = sdp_suite_info(s);

	if (s == SDP_SUITE_NONE)
		return "none";
	return info ? info->name : "?";
}

enum sdp_suite
sdp_suite_find(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(suites); i++)
		if (str_ieqz(name, suites[i].name) || str_ieqz(name, suites[i].other))
			return suites[i].suite;
	return SDP_SUITE_NONE;
}

unsigned
sdp_suites_rank(const struct sdp_suites *s, enum sdp_suite suite)
{
	unsigned i = 0;

	while (i < s->n && s->v[i] != suite)
		i++;
	return i;
}

enum err
sdp_suites_parse(struct str list, struct sdp_suites *out)
{
	static const struct sdp_suites taken = SDP_SUITES_TAKEN;
	struct sdp_suites s = {0};

	while (list.len) {
		enum sdp_suite suite = sdp_suite_find(str_cut(&list, ','));

		if (sdp_suites_rank(&taken, suite) == taken.n)
			return ERR_NOTFOUND;
		if (sdp_suites_rank(&s, suite) < s.n)
			return ERR_EXISTS;
		s.v[s.n++] = (uint8_t)suite;
	}
	*out = s;
	return ERR_OK;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Next word of *s, blanks before it skipped; empty at the end. */
static struct str
cut_word(struct str *s)
{
	size_t from = 0, to;
	struct str word;

	while (from < s->len && is_blank(s->p[from]))
		from++;
	for (to = from; to < s->len && !is_blank(s->p[to]);)
		to++;
	word = str_sub(*s, from, to);
	*s = str_from_at(*s, to);
	return word;
}

/* 1..9 digits; 0 and a leading 0 could not be echoed exactly by every peer. */
static enum err
read_tag(struct str word, uint32_t *tag)
{
	if (word.len == 0 || word.len > TAG_DIGITS_MAX)
		return ERR_SYNTAX;
	if (!GUARD(M9, word.p[0] != '0'))
		return ERR_SYNTAX;
	return str_u32(word, SDP_TAG_MAX, tag);
}

enum err
sdp_crypto_tag(struct str value, uint32_t *tag, struct str *suite)
{
	struct str name;
	uint32_t t;
	enum err e = read_tag(cut_word(&value), &t);

	if (e != ERR_OK)
		return e;
	name = cut_word(&value);
	if (name.len == 0)
		return ERR_SYNTAX;
	*tag = t;
	*suite = name;
	return ERR_OK;
}

/* "2^20" or "1048576" */
static enum err
read_lifetime(struct str s, uint64_t *out)
{
	uint32_t log;
	uint64_t n;
	enum err e;

	if (str_starts(s, STR("2^"))) {
		e = str_u32(str_from_at(s, 2), SDP_LIFETIME_LOG_MAX, &log);
		if (e == ERR_OK)
			*out = (uint64_t)1 << log;
		return e;
	}
	e = str_u64(s, (uint64_t)1 << SDP_LIFETIME_LOG_MAX, &n);
	if (e == ERR_OK && n == 0)
		return ERR_RANGE;
	if (e == ERR_OK)
		*out = n;
	return e;
}

/* "1:4": a value and the number of octets that carry it. */
static enum err
read_mki(struct str s, struct sdp_key *k)
{
	struct str value = str_cut(&s, ':');
	uint32_t len;
	uint64_t mki;
	enum err e = str_u64(value, UINT64_MAX, &mki);

	if (e == ERR_OK)
		e = str_u32(s, SDP_MKI_LEN_MAX, &len);
	if (e != ERR_OK)
		return e;
	if (len == 0 || (len < 8 && mki >> (8 * len)))
		return ERR_RANGE;
	k->mki = mki;
	k->mki_len = (uint8_t)len;
	return ERR_OK;
}

static enum err
read_secret(struct str text, const struct sdp_suite_info *info, struct sdp_key *k)
{
	uint8_t bytes[SECRET_MAX];
	size_t n = 0;
	enum err e = codec_b64_get(text, bytes, sizeof(bytes), &n);

	if (e == ERR_LONG)
		e = ERR_RANGE;
	if (e == ERR_OK && !GUARD(M9, n == (size_t)info->key_len + info->salt_len))
		e = ERR_RANGE;
	if (e == ERR_OK) {
		memcpy(k->key, bytes, info->key_len);
		memcpy(k->salt, bytes + info->key_len, info->salt_len);
		k->key_len = info->key_len;
		k->salt_len = info->salt_len;
	}
	secret_wipe(bytes, sizeof(bytes));
	return e;
}

/* inline:KEY||SALT ["|" lifetime] ["|" mki ":" length]; the two in any order */
static enum err
read_key(struct str s, const struct sdp_suite_info *info, struct sdp_key *k)
{
	struct str rest, part;
	bool more;
	enum err e;

	if (!str_istarts(s, STR("inline:")))
		return ERR_SYNTAX;
	rest = str_from_at(s, 7);
	more = str_chr(rest, '|') < rest.len;
	part = str_cut(&rest, '|');
	e = read_secret(part, info, k);
	while (e == ERR_OK && more) {
		more = str_chr(rest, '|') < rest.len;
		part = str_cut(&rest, '|');
		if (str_chr(part, ':') < part.len)
			e = k->mki_len ? ERR_SYNTAX : read_mki(part, k);
		else
			e = k->lifetime ? ERR_SYNTAX : read_lifetime(part, &k->lifetime);
	}
	return e;
}

/* RFC 4568 6.1: several keys only with MKIs of one length and of different values. */
static enum err
check_mkis(const struct sdp_crypto *c)
{
	for (unsigned i = 0; c->n_keys > 1 && i < c->n_keys; i++) {
		if (c->keys[i].mki_len == 0 || c->keys[i].mki_len != c->keys[0].mki_len)
			return ERR_RANGE;
		for (unsigned k = 0; k < i; k++)
			if (c->keys[k].mki == c->keys[i].mki)
				return ERR_RANGE;
	}
	return ERR_OK;
}

static enum err
read_keys(struct str s, const struct sdp_suite_info *info, struct sdp_crypto *c)
{
	bool more = true;

	while (more) {
		struct str part;
		enum err e;

		more = str_chr(s, ';') < s.len;
		part = str_cut(&s, ';');
		if (c->n_keys == SDP_KEYS_MAX)
			return ERR_LONG;
		e = read_key(part, info, &c->keys[c->n_keys++]);
		if (e != ERR_OK)
			return e;
	}
	return check_mkis(c);
}

/* RFC 4568 6.3: what takes protection away is refused, not skipped (M9). */
static bool
is_unprotected(struct str s)
{
	return str_ieqz(s, "UNENCRYPTED_SRTP") || str_ieqz(s, "UNENCRYPTED_SRTCP") ||
	       str_ieqz(s, "UNAUTHENTICATED_SRTP");
}

static enum err
read_param(struct str s, struct sdp_crypto *c)
{
	struct str value = s, name = str_cut(&value, '=');
	uint32_t v;
	enum err e;

	if (is_unprotected(s))
		return GUARD(M9, false) ? ERR_OK : ERR_REFUSED;
	if (str_ieqz(name, "KDR")) {
		e = c->has_kdr ? ERR_SYNTAX : str_u32(value, SDP_KDR_MAX, &v);
		if (e == ERR_OK) {
			c->has_kdr = true;
			c->kdr = (uint8_t)v;
		}
		return e;
	}
	if (str_ieqz(name, "WSH")) {
		e = c->wsh ? ERR_SYNTAX : str_u32(value, SDP_WSH_MAX, &v);
		if (e == ERR_OK && v < SDP_WSH_MIN)
			return ERR_RANGE;
		if (e == ERR_OK)
			c->wsh = (uint16_t)v;
		return e;
	}
	/* 6.3.7: an unknown parameter makes the line unusable unless it begins with '-' */
	return s.len > 1 && s.p[0] == '-' ? ERR_OK : ERR_UNSUPPORTED;
}

static enum err
read_crypto(struct str value, struct sdp_crypto *c)
{
	const struct sdp_suite_info *info;
	struct str suite, keys, param;
	enum err e = read_tag(cut_word(&value), &c->tag);

	if (e != ERR_OK)
		return e;
	suite = cut_word(&value);
	keys = cut_word(&value);
	if (suite.len == 0 || keys.len == 0)
		return ERR_SYNTAX;
	c->suite = sdp_suite_find(suite);
	info = sdp_suite_info(c->suite);
	if (!info)
		return ERR_UNSUPPORTED;
	c->spelling = str_ieqz(suite, info->name) ? 0 : 1;
	e = read_keys(keys, info, c);
	for (param = cut_word(&value); e == ERR_OK && param.len; param = cut_word(&value))
		e = read_param(param, c);
	return e;
}

enum err
sdp_crypto_parse(struct str value, struct sdp_crypto *out)
{
	struct sdp_crypto c;
	enum err e;

	if (value.len > SDP_CRYPTO_LINE_MAX)
		return ERR_LONG;
	memset(&c, 0, sizeof(c));
	e = read_crypto(value, &c);
	if (e == ERR_OK)
		*out = c;
	sdp_crypto_wipe(&c);
	return e;
}

static void
put_key(struct buf *b, const struct sdp_key *k)
{
	uint8_t bytes[SECRET_MAX];

	memcpy(bytes, k->key, k->key_len);
	memcpy(bytes + k->key_len, k->salt, k->salt_len);
	buf_z(b, "inline:");
	codec_b64_put(b, bytes, (size_t)k->key_len + k->salt_len, true);
	secret_wipe(bytes, sizeof(bytes));
	if (k->lifetime && (k->lifetime & (k->lifetime - 1)) == 0)
		buf_printf(b, "|2^%d", __builtin_ctzll(k->lifetime));
	else if (k->lifetime)
		buf_printf(b, "|%llu", (unsigned long long)k->lifetime);
	if (k->mki_len)
		buf_printf(b, "|%llu:%u", (unsigned long long)k->mki, k->mki_len);
}

void
sdp_crypto_put(struct buf *b, const struct sdp_crypto *c)
{
	const struct sdp_suite_info *info = sdp_suite_info(c->suite);

	if (!info || c->n_keys == 0 || c->n_keys > SDP_KEYS_MAX) {
		b->failed = true;
		return;
	}
	buf_printf(b, "%u %s ", c->tag, c->spelling ? info->other : info->name);
	for (unsigned i = 0; i < c->n_keys; i++) {
		if (i)
			buf_char(b, ';');
		put_key(b, &c->keys[i]);
	}
	if (c->has_kdr)
		buf_printf(b, " KDR=%u", c->kdr);
	if (c->wsh)
		buf_printf(b, " WSH=%u", c->wsh);
}

enum err
sdp_crypto_make(enum sdp_suite suite, uint32_t tag, struct sdp_crypto *out)
{
	const struct sdp_suite_info *info = sdp_suite_info(suite);

	if (!info)
		return ERR_UNSUPPORTED;
	if (tag == 0 || tag > SDP_TAG_MAX)
		return ERR_RANGE;
	memset(out, 0, sizeof(*out));
	out->tag = tag;
	out->suite = suite;
	out->n_keys = 1;
	out->keys[0].key_len = info->key_len;
	out->keys[0].salt_len = info->salt_len;
	random_bytes(out->keys[0].key, info->key_len);
	random_bytes(out->keys[0].salt, info->salt_len);
	return ERR_OK;
}

bool
sdp_key_eq(const struct sdp_key *a, const struct sdp_key *b)
{
	bool same = secret_equal(a->key, b->key, sizeof(a->key));

	same &= secret_equal(a->salt, b->salt, sizeof(a->salt));
	return same && a->key_len == b->key_len && a->salt_len == b->salt_len &&
	       a->mki_len == b->mki_len && a->mki == b->mki && a->lifetime == b->lifetime;
}

bool
sdp_crypto_eq(const struct sdp_crypto *a, const struct sdp_crypto *b)
{
	if (a->tag != b->tag || a->suite != b->suite || a->spelling != b->spelling ||
	    a->n_keys != b->n_keys || a->has_kdr != b->has_kdr || a->kdr != b->kdr ||
	    a->wsh != b->wsh || a->n_keys > SDP_KEYS_MAX)
		return false;
	for (unsigned i = 0; i < a->n_keys; i++)
		if (!sdp_key_eq(&a->keys[i], &b->keys[i]))
			return false;
	return true;
}

void
sdp_key_wipe(struct sdp_key *k)
{
	secret_wipe(k, sizeof(*k));
}

void
sdp_crypto_wipe(struct sdp_crypto *c)
{
	secret_wipe(c, sizeof(*c));
}

/* Where the next "inline:" of any case begins, or text.len. */
static size_t
find_inline(struct str text)
{
	const struct str word = STR("inline:");

	for (size_t at = 0; at < text.len; at++) {
		at += str_chr(str_from_at(text, at), ':');
		if (at >= text.len)
			break;
		if (at + 1 >= word.len && str_ieq(str_sub(text, at + 1 - word.len, at + 1), word))
			return at + 1 - word.len;
	}
	return text.len;
}

static bool
ends_key(char c)
{
	return is_blank(c) || c == '\r' || c == '\n' || c == ';';
}

void
sdp_mask_keys(struct buf *b, struct str text)
{
	while (text.len) {
		size_t at = find_inline(text);

		if (at == text.len) {
			buf_str(b, text);
			return;
		}
		at += sizeof("inline:") - 1;
		buf_str(b, str_sub(text, 0, at));
		buf_z(b, "***");
		while (at < text.len && !ends_key(text.p[at]))
			at++;
		text = str_from_at(text, at);
	}
}
