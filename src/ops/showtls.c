#include "ops/showtls.h"

#include <string.h>

#include "net/authority.h"
#include "ops/cdr.h"
#include "ops/tlsreport.h"

enum { DAY_S = 86400 };

struct report {
	struct buf *b;
	struct tls_without without;
	struct tls_allowed profile[TLS_PROFILE_N];
	int64_t since_us;
	bool old; /* in hand: the last ones of accounts that had none since */
	bool more;
	uint32_t rows[TLS_FATE_N];
};

static const struct tls_allowed *
find_profile(const struct report *r, const char *word)
{
	for (size_t i = 0; i < ARRAY_LEN(r->profile); i++)
		if (*word && strcmp(r->profile[i].word, word) == 0)
			return &r->profile[i];
	return NULL;
}

/* What the report needs that has no column of its own. */
static void
fill_seen(const struct report *r, const struct hand_row *row, const struct json *body,
	  struct tls_seen *out)
{
	const struct json *leaf = jsonin_at(jsonin_get(body, "chain"), 0);

	*out = (struct tls_seen){.outgoing = row->outgoing,
				 .version = row->version,
				 .suite = row->suite,
				 .authority = row->authority,
				 .eku_present = jsonin_get(leaf, "client_auth") != NULL,
				 .eku_client = jsonin_true(leaf, "client_auth"),
				 .profile = find_profile(r, jsonin_text(body, "profile"))};
	if (handjson_read_offer(row->offer, &out->offer) != ERR_OK)
		out->offer = (struct hand_offer){.n_suites = 0};
}

static void
put_text(struct buf *b, const char *name, struct str s)
{
	buf_printf(b, ",\"%s\":", name);
	buf_json(b, s);
}

static void
put_choice(struct buf *b, const char *name, uint16_t version, uint16_t suite)
{
	if (version)
		buf_printf(b, ",\"%s\":\"%s %s\"", name, tls_version_name(version),
			   tls_suite_name(suite));
}

static bool
put_seen(void *arg, const struct hand_row *row)
{
	struct report *r = arg;
	struct buf *b = r->b;
	struct tls_future f;
	struct tls_seen seen;
	struct json *body = NULL;

	if (r->old && (row->at_us >= r->since_us || row->last_us >= r->since_us))
		return true;
	if (b->cap - b->len < SHOWTLS_ROW_MAX) {
		r->more = true;
		return false;
	}
	if (jsonin_parse(row->body, &body) != ERR_OK)
		body = NULL;
	fill_seen(r, row, body, &seen);
	jsonin_free(&body);
	tlsreport_judge(&seen, &r->without, &f);
	r->rows[f.fate]++;
	buf_z(b, b->p[b->len - 1] == '[' ? "{" : ",{");
	buf_z(b, "\"account\":");
	buf_json(b, row->account);
	buf_printf(b, ",\"direction\":\"%s\"", row->outgoing ? "outgoing" : "incoming");
	put_text(b, "peer", row->peer);
	if (row->outgoing)
		put_text(b, "host", row->host);
	buf_z(b, ",\"last\":");
	cdr_put_time(b, row->last_us > row->at_us ? row->last_us : row->at_us);
	put_text(b, "handshake", row->id);
	buf_printf(b, ",\"n\":%llu", r->old ? 0 : (unsigned long long)row->more + 1);
	put_choice(b, "chosen", row->version, row->suite);
	put_text(b, "authority", row->authority);
	buf_printf(b, ",\"rfc10015\":%s,\"fate\":\"%s\"",
		   tlsreport_is_rsa_kx(row->suite) ? "true" : "false", tlsreport_word(f.fate));
	put_choice(b, "fallback", f.version, f.suite);
	put_text(b, "why", str_from(f.why));
	buf_char(b, '}');
	return true;
}

/* ---- words that may be none ---- */

/* What stands in the records, for words that could name it. */
struct found {
	const struct tls_without *without;
	char authority[SHOWTLS_FOUND_MAX][TLS_AUTHORITY_MAX];
	uint16_t suite[SHOWTLS_FOUND_MAX];
	uint32_t n_authorities, n_suites;
	bool meant[TLSREPORT_WITHOUT_MAX]; /* of without's authorities */
};

static bool
note_found(void *arg, const struct hand_row *row)
{
	struct found *f = arg;
	uint32_t i;

	for (i = 0; i < f->without->n_authorities; i++)
		if (tlsreport_is_authority(row->authority, str_from(f->without->authority[i])))
			f->meant[i] = true;
	for (i = 0; i < f->n_authorities && !str_eqz(row->authority, f->authority[i]); i++)
		;
	if (row->authority.len && i == f->n_authorities && i < SHOWTLS_FOUND_MAX &&
	    str_copyz(f->authority[i], TLS_AUTHORITY_MAX, row->authority) == ERR_OK)
		f->n_authorities++;
	for (i = 0; i < f->n_suites && f->suite[i] != row->suite; i++)
		;
	if (row->suite && i == f->n_suites && i < SHOWTLS_FOUND_MAX)
		f->suite[f->n_suites++] = row->suite;
	return true;
}

static void
put_found(struct buf *b, const struct found *f, const char *word)
{
	char mem[SHOWTLS_ROW_MAX];
	struct buf text;

	buf_init(&text, mem, sizeof(mem));
	buf_printf(&text,
		   "\"%s\" is no suite, no version (1.2), not rsa-kx, not eku, and no authority. "
		   "Authorities seen: ",
		   word);
	for (uint32_t i = 0; i < f->n_authorities; i++)
		buf_printf(&text, "%s%s", i ? ", " : "", f->authority[i]);
	buf_printf(&text, "%s; authorities known: ", f->n_authorities ? "" : "none");
	authority_put(&text, AUTHORITY_BIT(AUTHORITY_N) - 1);
	buf_z(&text, "; suites seen: ");
	for (uint32_t i = 0; i < f->n_suites; i++)
		buf_printf(&text, "%s%s", i ? ", " : "", tls_suite_name(f->suite[i]));
	buf_z(&text, f->n_suites ? "" : "none");
	buf_z(b, "{\"ok\":false,\"usage\":true,\"error\":");
	buf_json(b, buf_view(&text));
	buf_char(b, '}');
}

/* A typo must not read as an authority that nobody needs. False: an error stands in b. */
static bool
check_without(const struct report *r, struct handstore *s, struct buf *b)
{
	static struct found f; /* one thread, and large */
	enum authority a;

	memset(&f, 0, sizeof(f));
	f.without = &r->without;
	if (r->without.n_authorities == 0)
		return true;
	if (handstore_seen(s, r->since_us, note_found, &f) != ERR_OK ||
	    handstore_last(s, STR_NULL, note_found, &f) != ERR_OK) {
		buf_z(b, "{\"ok\":false,\"error\":\"the store of handshakes cannot be read\"}");
		return false;
	}
	for (uint32_t i = 0; i < r->without.n_authorities; i++) {
		const char *word = r->without.authority[i];

		if (f.meant[i] || authority_parse(str_from(word), &a) == ERR_OK)
			continue;
		put_found(b, &f, word);
		return false;
	}
	return true;
}

/* False: an error stands in b. */
static bool
read_without(struct report *r, const struct json *list, struct buf *b)
{
	char word[TLSREPORT_WORD_MAX];
	struct buf w;
	enum err e = ERR_OK;

	if (jsonin_count(list) == 0)
		r->without.rsa_kx = true;
	for (size_t i = 0; i < jsonin_count(list) && e == ERR_OK; i++) {
		buf_init(&w, word, sizeof(word));
		jsonin_put_scalar(&w, jsonin_at(list, i));
		e = buf_end(&w) == ERR_OK ? tlsreport_without(&r->without, buf_view(&w)) : ERR_LONG;
	}
	if (e != ERR_OK)
		buf_printf(b,
			   "{\"ok\":false,\"usage\":true,\"error\":\"a word of without is empty, "
			   "too long, or one "
			   "of more than %d\"}",
			   TLSREPORT_WITHOUT_MAX);
	return e == ERR_OK;
}

static void
put_without(struct buf *b, const struct tls_without *w)
{
	buf_z(b, "\"without\":{\"rsa_kx\":");
	buf_printf(b, "%s,\"eku\":%s,\"versions\":[", w->rsa_kx ? "true" : "false",
		   w->server_only ? "true" : "false");
	for (uint32_t i = 0; i < w->n_versions; i++)
		buf_printf(b, "%s\"%s\"", i ? "," : "", tls_version_name(w->version[i]));
	buf_z(b, "],\"suites\":[");
	for (uint32_t i = 0; i < w->n_suites; i++)
		buf_printf(b, "%s\"0x%04x %s\"", i ? "," : "", w->suite[i],
			   tls_suite_name(w->suite[i]));
	buf_z(b, "],\"authorities\":[");
	for (uint32_t i = 0; i < w->n_authorities; i++) {
		buf_z(b, i ? "," : "");
		buf_json(b, str_from(w->authority[i]));
	}
	buf_z(b, "]}");
}

void
showtls_answer(struct handstore *s, const struct json *q, int64_t now_us, struct buf *b)
{
	static struct report r; /* one thread, and large */
	int64_t days = jsonin_int(q, "days");
	enum err e;

	memset(&r, 0, sizeof(r));
	r.b = b;
	days = days <= 0 ? SHOWTLS_DAYS : days > 3650 ? 3650 : days;
	r.since_us = now_us - days * DAY_S * 1000000;
	if (!read_without(&r, jsonin_get(q, "without"), b) || !check_without(&r, s, b))
		return;
	for (size_t i = 0; i < ARRAY_LEN(r.profile); i++)
		(void)!tlsreport_allowed(str_from(tls_profile_word((enum tls_profile)i)),
					 &r.profile[i]);
	buf_printf(b, "{\"ok\":true,\"days\":%lld,", (long long)days);
	put_without(b, &r.without);
	buf_z(b, ",\"list\":[");
	e = handstore_seen(s, r.since_us, put_seen, &r);
	r.old = true;
	if (e == ERR_OK)
		e = handstore_last(s, STR_NULL, put_seen, &r);
	buf_z(b, "],\"n\":{");
	for (int i = 0; i < TLS_FATE_N; i++)
		buf_printf(b, "%s\"%s\":%u", i ? "," : "", tlsreport_word((enum tls_fate)i),
			   r.rows[i]);
	buf_printf(b, "},\"more\":%s}", r.more || e != ERR_OK ? "true" : "false");
}
