#include "policy/field.h"

#include <string.h>

#include "policy/rewrite.h"
#include "policy/week.h"
#include "sdp/codec.h"
#include "sdp/keys.h"

bool
field_is_text(const struct field *f)
{
	return f->type <= FIELD_PEM;
}

bool
field_is_rules(const struct field *f)
{
	return f->type == FIELD_HEADER_RULES || f->type == FIELD_NUMBER_RULES;
}

bool
field_is_bare(const struct field *f)
{
	return f->type == FIELD_BOOL || f->type == FIELD_COUNT;
}

bool
field_is_integer(const struct field *f)
{
	return field_is_bare(f) || f->type == FIELD_SECONDS || f->type == FIELD_MONEY ||
	       f->type == FIELD_SERVICES;
}

struct str
field_text(const struct field *f, const void *row)
{
	struct str s;

	memcpy(&s, (const char *)row + f->at, sizeof(s));
	return s;
}

void
field_set_text(const struct field *f, void *row, struct str s)
{
	memcpy((char *)row + f->at, &s, sizeof(s));
}

/* Members are little endian integers of 1, 2, 4 or 8 bytes on the machines that we run on. */
uint64_t
field_u64(const struct field *f, const void *row)
{
	uint64_t v = 0;

	memcpy(&v, (const char *)row + f->at, f->size);
	return v;
}

void
field_set_u64(const struct field *f, void *row, uint64_t v)
{
	memcpy((char *)row + f->at, &v, f->size);
}

/* ---- what is right ---- */

/* Each part of a list divided by commas: not empty; digits says which. */
static bool
list_valid(struct str s, bool digits)
{
	while (s.len) {
		struct str one = str_cut(&s, ',');
		uint64_t v;

		if (one.len == 0 || (digits && (one.len > NUMBER_DIGITS_MAX ||
						str_u64(one, UINT64_MAX, &v) != ERR_OK)))
			return false;
	}
	return true;
}

/* A list of so many ids. */
static bool
ids_valid(struct str s)
{
	unsigned n = 0;

	for (; s.len; n++)
		if (!policy_id_valid(str_cut(&s, ',')))
			return false;
	return n <= POLICY_ROUTE_TARGETS_MAX;
}

/* "404", "5xx" */
static bool
statuses_valid(struct str s)
{
	while (s.len) {
		struct str one = str_cut(&s, ',');

		if (one.len != 3 || one.p[0] < '3' || one.p[0] > '6' ||
		    (!str_eqz(str_from_at(one, 1), "xx") &&
		     (!ascii_digit(one.p[1]) || !ascii_digit(one.p[2]))))
			return false;
	}
	return true;
}

static bool
suites_valid(struct str s)
{
	struct sdp_suites suites;

	return sdp_suites_parse(s, &suites) == ERR_OK;
}

static bool
codecs_valid(struct str s)
{
	struct sdp_codecs codecs;

	return sdp_codecs_parse(s, &codecs) == ERR_OK;
}

static bool
uri_valid(struct str s)
{
	static const char *const schemes[] = {"sip:", "sips:", "tel:"};

	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] <= ' ' || strchr("<>\"\\^`{|}", s.p[i]))
			return false;
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++)
		if (str_istarts(s, str_from(schemes[i])))
			return s.len > strlen(schemes[i]);
	return false;
}

static bool
dialled_valid(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!ascii_digit(s.p[i]) && !(s.p[i] == '+' && i == 0 && s.len > 1) &&
		    s.p[i] != '*' && s.p[i] != '#')
			return false;
	return true;
}

/* No control characters; lines: line ends are none. */
static bool
printable(struct str s, bool lines)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if ((c < 0x20 && !(lines && (c == '\n' || c == '\r' || c == '\t'))) || c == 0x7f)
			return false;
	}
	return true;
}

enum err
field_text_valid(const struct field *f, struct str s)
{
	bool ok = printable(s, f->type == FIELD_FORM || f->type == FIELD_PEM || field_is_rules(f));
	uint64_t key;

	if (s.len > f->max)
		return ERR_LONG;
	if (s.len == 0)
		return f->min ? ERR_SYNTAX : ERR_OK;
	if (f->type == FIELD_ID)
		ok = policy_id_valid(s);
	else if (f->type == FIELD_HOST)
		ok = trunk_host_valid(s);
	else if (f->type == FIELD_NUMBER)
		ok = number_key(s, &key) == ERR_OK && !(key & 1);
	else if (f->type == FIELD_DIALLED)
		ok = dialled_valid(s);
	else if (f->type == FIELD_URI)
		ok = uri_valid(s);
	else if (f->type == FIELD_WORDS || f->type == FIELD_PREFIXES)
		ok = ok && list_valid(s, f->type == FIELD_PREFIXES);
	else if (f->type == FIELD_STATUSES)
		ok = statuses_valid(s);
	else if (f->type == FIELD_IDS)
		ok = ids_valid(s);
	else if (f->type == FIELD_SUITES)
		ok = suites_valid(s);
	else if (f->type == FIELD_CODECS)
		ok = codecs_valid(s);
	else if (field_is_rules(f))
		ok = rewrite_list_valid(s, f->type == FIELD_HEADER_RULES) == ERR_OK;
	else if (f->type == FIELD_TEXT)
		ok = ok && str_trim(s).len;
	return ok ? ERR_OK : ERR_SYNTAX;
}

bool
field_u64_valid(const struct field *f, uint64_t v)
{
	if (f->type == FIELD_WORD)
		return v >= f->words->first && v - f->words->first < f->words->n;
	if (f->type == FIELD_SERVICES)
		return (v & ~f->max) == 0;
	if (f->type == FIELD_WEEK)
		return week_valid(v);
	return v >= f->min && v <= f->max;
}

/* ---- from text ---- */

static enum err
parse_bool(struct str s, uint64_t *out)
{
	static const char *const words[] = {"no", "yes", "false", "true", "off", "on"};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (str_ieqz(s, words[i])) {
			*out = i & 1;
			return ERR_OK;
		}
	return ERR_SYNTAX;
}

/* "90s", "5m", "4h", "1d"; a bare number other than 0 is refused: nobody knows what it means. */
static enum err
parse_seconds(struct str s, uint64_t *out)
{
	static const char units[] = "smhd";
	static const uint32_t factor[] = {1, 60, 3600, 86400};
	const char *unit = s.len ? memchr(units, s.p[s.len - 1], sizeof(units) - 1) : NULL;
	uint64_t v;
	enum err e;

	if (!unit && !str_eqz(s, "0"))
		return ERR_SYNTAX;
	e = str_u64(str_trim(str_sub(s, 0, s.len - (unit ? 1 : 0))), UINT32_MAX, &v);
	if (e == ERR_OK && unit && v == 0)
		e = ERR_RANGE; /* no time at all? */
	if (e == ERR_OK)
		*out = unit ? v * factor[unit - units] : v;
	return e;
}

/* "12", "12.5", "0.0120": at most six digits behind the point. */
static enum err
parse_money(struct str s, uint64_t *out)
{
	struct str whole = str_cut(&s, '.');
	uint64_t units, micro = 0;
	enum err e = str_u64(whole, FIELD_MONEY_MAX, &units);

	if (e == ERR_OK && s.len > 6)
		e = ERR_RANGE;
	if (e == ERR_OK && s.len)
		e = str_u64(s, FIELD_MONEY_UNIT, &micro);
	if (e != ERR_OK)
		return e;
	for (size_t i = s.len; s.len && i < 6; i++)
		micro *= 10;
	*out = units * FIELD_MONEY_UNIT + micro;
	return ERR_OK;
}

static enum err
parse_dscp(struct str s, uint64_t *out)
{
	if (str_ieqz(s, "keep") || str_ieqz(s, "ef")) {
		*out = str_ieqz(s, "keep") ? TRUNK_DSCP_KEEP : TRUNK_DSCP_EF;
		return ERR_OK;
	}
	return str_u64(s, TRUNK_DSCP_KEEP - 1, out);
}

static enum err
parse_services(struct str s, uint64_t *out)
{
	uint64_t bits = 0;
	enum policy_class c;

	while (s.len) {
		if (policy_class_parse(str_cut(&s, ','), &c) != ERR_OK)
			return ERR_NOTFOUND;
		bits |= c;
	}
	*out = bits;
	return ERR_OK;
}

/* A prefix of rates and routes may stand without its *; none is 0. */
static enum err
parse_key(const struct field *f, struct str s, uint64_t *out)
{
	char mem[NUMBER_SIZE];
	struct buf b;

	if (s.len == 0 && !(f->use & (FIELD_REQUIRED | FIELD_UNREAD))) {
		*out = 0;
		return ERR_OK;
	}
	if ((f->use & FIELD_UNREAD) || str_ends(s, STR("*")))
		return number_key(s, out);
	buf_init(&b, mem, sizeof(mem));
	buf_str(&b, s);
	buf_char(&b, '*');
	return b.failed ? ERR_SYNTAX : number_key(buf_view(&b), out);
}

enum err
field_parse(const struct field *f, struct str s, uint64_t *out)
{
	uint64_t v = 0;
	uint32_t week = 0;
	unsigned word;
	enum err e = ERR_BUG;

	if (f->type == FIELD_BOOL) {
		e = parse_bool(s, &v);
	} else if (f->type == FIELD_WORD) {
		e = word_parse(f->words, s, &word);
		v = e == ERR_OK ? word : 0;
	} else if (f->type == FIELD_COUNT) {
		e = str_u64(s, UINT64_MAX, &v);
	} else if (f->type == FIELD_SECONDS) {
		e = parse_seconds(s, &v);
	} else if (f->type == FIELD_MONEY) {
		e = parse_money(s, &v);
		if (e == ERR_OK && v == 0 && !(f->use & FIELD_REQUIRED))
			e = ERR_RANGE; /* 0 is kept for: no limit */
	} else if (f->type == FIELD_SERVICES) {
		e = parse_services(s, &v);
	} else if (f->type == FIELD_DSCP) {
		e = parse_dscp(s, &v);
	} else if (f->type == FIELD_WEEK) {
		e = week_parse(s, &week);
		v = week;
	} else if (f->type == FIELD_KEY) {
		e = parse_key(f, s, &v);
	}
	if (e == ERR_OK && !field_u64_valid(f, v))
		e = ERR_RANGE;
	if (e == ERR_OK)
		*out = v;
	return e;
}

/* ---- to text ---- */

static void
put_services(struct buf *b, uint64_t bits)
{
	const char *comma = "";

	for (uint64_t bit = 1; bit <= ACCOUNT_SERVICES_ALL; bit <<= 1)
		if (bits & bit & ACCOUNT_SERVICES_ALL) {
			buf_z(b, comma);
			buf_z(b, policy_class_name((enum policy_class)bit));
			comma = ",";
		}
}

static void
put_money(struct buf *b, uint64_t micro)
{
	char text[32];
	struct buf t;

	buf_init(&t, text, sizeof(text));
	buf_printf(&t, "%llu.%06llu", (unsigned long long)(micro / FIELD_MONEY_UNIT),
		   (unsigned long long)(micro % FIELD_MONEY_UNIT));
	/* two digits always, more where they are not 0 */
	while (text[t.len - 1] == '0' && text[t.len - 3] != '.')
		t.len--;
	buf_str(b, buf_view(&t));
}

static void
put_names(struct buf *b, const struct roster_trunk *t)
{
	for (uint32_t i = 0; i < t->n_names; i++) {
		buf_z(b, i ? " " : "");
		buf_str(b, t->name[i]);
	}
}

static void
put_sources(struct buf *b, const struct roster_trunk *t)
{
	for (uint32_t i = 0; i < t->n_sources; i++) {
		buf_z(b, i ? " " : "");
		addr_put_ip(b, &t->source[i].net, false);
		buf_printf(b, "/%u", t->source[i].bits);
	}
}

void
field_put(struct buf *b, const struct field *f, const void *row)
{
	if (field_is_text(f))
		buf_str(b, field_text(f, row));
	else if (f->type == FIELD_BOOL)
		buf_z(b, field_u64(f, row) ? "true" : "false");
	else if (f->type == FIELD_WORD)
		buf_z(b, word_name(f->words, (unsigned)field_u64(f, row)));
	else if (f->type == FIELD_DSCP && field_u64(f, row) == TRUNK_DSCP_KEEP)
		buf_z(b, "keep");
	else if (f->type == FIELD_COUNT || f->type == FIELD_DSCP)
		buf_u64(b, field_u64(f, row));
	else if (f->type == FIELD_SECONDS)
		buf_printf(b, "%llus", (unsigned long long)field_u64(f, row));
	else if (f->type == FIELD_MONEY)
		put_money(b, field_u64(f, row));
	else if (f->type == FIELD_SERVICES)
		put_services(b, field_u64(f, row));
	else if (f->type == FIELD_WEEK)
		week_put(b, (uint32_t)field_u64(f, row));
	else if (f->type == FIELD_KEY && field_u64(f, row))
		number_key_put(b, field_u64(f, row));
	else if (f->type == FIELD_KEY)
		return;
	else if (f->type == FIELD_NAMES)
		put_names(b, row);
	else
		put_sources(b, row);
}

void
field_show(struct buf *b, const struct field *f, const void *row)
{
	bool limit =
		(f->type == FIELD_MONEY || f->type == FIELD_SECONDS) && !(f->use & FIELD_REQUIRED);

	if (!limit || field_u64(f, row))
		field_put(b, f, row);
}

static bool
same_lists(const struct field *f, const struct roster_trunk *a, const struct roster_trunk *b)
{
	if (f->type == FIELD_NAMES) {
		for (uint32_t i = 0; a->n_names == b->n_names && i < a->n_names; i++)
			if (!str_eq(a->name[i], b->name[i]))
				return false;
		return a->n_names == b->n_names;
	}
	for (uint32_t i = 0; a->n_sources == b->n_sources && i < a->n_sources; i++)
		if (a->source[i].bits != b->source[i].bits ||
		    !addr_ip_eq(&a->source[i].net, &b->source[i].net))
			return false;
	return a->n_sources == b->n_sources;
}

bool
field_same(const struct field *f, const void *a, const void *b)
{
	if (field_is_text(f))
		return str_eq(field_text(f, a), field_text(f, b));
	if (f->type >= FIELD_NAMES)
		return same_lists(f, a, b);
	return field_u64(f, a) == field_u64(f, b);
}

static uint64_t
default_of(const struct field *f)
{
	uint64_t v = 0;

	return f->def && field_parse(f, str_from(f->def), &v) == ERR_OK ? v : 0;
}

bool
field_is_default(const struct field *f, const void *row)
{
	const struct roster_trunk *t = row;

	if (field_is_text(f))
		return field_text(f, row).len == 0;
	if (f->type == FIELD_NAMES)
		return t->n_names == 0;
	if (f->type == FIELD_SOURCES)
		return t->n_sources == 0;
	return field_u64(f, row) == default_of(f);
}

void
field_defaults(enum roster_kind k, void *row)
{
	const struct field_table *t = field_table(k);

	for (unsigned i = 0; i < t->n; i++)
		if (t->field[i].def && !field_is_text(&t->field[i]))
			field_set_u64(&t->field[i], row, default_of(&t->field[i]));
}
