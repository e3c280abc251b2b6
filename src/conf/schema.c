#include "conf/schema.h"

#include <string.h>

#include "base/addr.h"
#include "policy/trunk.h"

enum { WORDS_MAX = 16 };

static void
complain(struct conf_report *rep, const struct yaml_node *v, const struct schema *s,
	 const char *wrong)
{
	report_error(rep, v->line, v->column, "%s: \"%.*s\" %s; %s", s->name,
		     STR_ARG(str_sub(v->text, 0, 64)), wrong, s->help);
}

static bool
read_bool(struct str t, bool *out)
{
	static const char *const yes[] = {"yes", "true", "on"}, *const no[] = {"no", "false",
									       "off"};

	for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
		if (!str_ieqz(t, yes[i]) && !str_ieqz(t, no[i]))
			continue;
		*out = str_ieqz(t, yes[i]);
		return true;
	}
	return false;
}

/* "500ms", "5s", "2m"; a bare number is refused, because nobody knows what it means. */
static enum err
read_ms(struct str t, uint64_t max, uint64_t *out)
{
	static const struct {
		const char *unit;
		uint64_t ms;
	} units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};
	size_t digits = 0;
	uint64_t v;

	while (digits < t.len && ascii_digit(t.p[digits]))
		digits++;
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (!str_eqz(str_trim(str_from_at(t, digits)), units[i].unit))
			continue;
		if (str_u64(str_sub(t, 0, digits), UINT32_MAX, &v) != ERR_OK)
			return ERR_SYNTAX;
		if (v * units[i].ms > max)
			return ERR_RANGE;
		*out = v * units[i].ms;
		return ERR_OK;
	}
	return ERR_SYNTAX;
}

/* The word of this place in words, into mem. */
static const char *
word_at(const char *words, size_t i, char mem[32])
{
	struct str s = str_from(words), w = STR_NULL;

	for (size_t k = 0; k <= i; k++)
		w = str_cut(&s, ' ');
	return str_copyz(mem, 32, w) == ERR_OK ? mem : "";
}

static size_t
count_words(const char *words)
{
	size_t n = 1;

	for (; *words; words++)
		n += *words == ' ';
	return n;
}

/* All words of a list as strings, for report_nearest. */
struct words {
	char mem[WORDS_MAX][32];
};

static const char *
nth_word(const void *arg, size_t i)
{
	const struct words *w = arg;

	return w->mem[i];
}

const char *
schema_nearest_word(struct str s, const char *words, char mem[32])
{
	struct words w;
	size_t n = count_words(words);
	const char *near;

	for (size_t i = 0; i < n && i < WORDS_MAX; i++)
		word_at(words, i, w.mem[i]);
	near = report_nearest(s, nth_word, &w, n < WORDS_MAX ? n : WORDS_MAX);
	if (!near || str_copyz(mem, 32, str_from(near)) != ERR_OK)
		return NULL;
	return mem;
}

static bool
read_word(const struct yaml_node *v, const struct schema *s, uint8_t *out, struct conf_report *rep)
{
	size_t n = count_words(s->words);
	char mem[32];
	const char *near;

	for (size_t i = 0; i < n; i++)
		if (str_eqz(v->text, word_at(s->words, i, mem))) {
			*out = (uint8_t)i;
			return true;
		}
	near = schema_nearest_word(v->text, s->words, mem);
	report_error(rep, v->line, v->column, "%s: \"%.*s\" is not known; %s%s%suse one of: %s",
		     s->name, STR_ARG(str_sub(v->text, 0, 64)), near ? "did you mean \"" : "",
		     near ? near : "", near ? "\"? " : "", s->words);
	return false;
}

/* Numbers and durations, by size of the field. */
static bool
read_number(const struct yaml_node *v, const struct schema *s, void *field, struct conf_report *rep)
{
	bool ms = s->type == SCHEMA_MS;
	uint64_t n = 0;
	enum err e = ms ? read_ms(v->text, s->max, &n) : str_u64(v->text, UINT64_MAX, &n);

	if (e == ERR_SYNTAX) {
		complain(rep, v, s, ms ? "is not a time with its unit" : "is not a number");
		return false;
	}
	if (e != ERR_OK || n < s->min || n > s->max) {
		report_error(rep, v->line, v->column, "%s: \"%.*s\" is outside %llu to %llu%s; %s",
			     s->name, STR_ARG(str_sub(v->text, 0, 64)), (unsigned long long)s->min,
			     (unsigned long long)s->max, ms ? " ms" : "", s->help);
		return false;
	}
	if (s->type == SCHEMA_U8)
		*(uint8_t *)field = (uint8_t)n;
	else if (s->type == SCHEMA_U16)
		*(uint16_t *)field = (uint16_t)n;
	else
		*(uint32_t *)field = (uint32_t)n;
	return true;
}

static bool
read_text(const struct yaml_node *v, const struct schema *s, char *field, struct conf_report *rep)
{
	if (s->type == SCHEMA_ID && v->text.len && !policy_id_valid(v->text)) {
		complain(rep, v, s, "is not an id of letters, digits, '.', '_', '-'");
		return false;
	}
	if (s->type == SCHEMA_HOST && v->text.len && !trunk_host_valid(v->text)) {
		complain(rep, v, s, "is neither a host name nor an address");
		return false;
	}
	for (size_t i = 0; i < v->text.len; i++)
		if ((unsigned char)v->text.p[i] < 0x20 || v->text.p[i] == 0x7f) {
			complain(rep, v, s, "holds control characters");
			return false;
		}
	if (str_copyz(field, s->size, v->text) != ERR_OK) {
		report_error(rep, v->line, v->column, "%s: %zu bytes are too long; at most %u",
			     s->name, v->text.len, s->size - 1);
		return false;
	}
	for (char *p = field; s->type == SCHEMA_HOST && *p; p++)
		*p = ascii_lower(*p);
	return true;
}

static bool
read_addr(const struct yaml_node *v, const struct schema *s, struct addr *field,
	  struct conf_report *rep)
{
	struct addr a;
	bool ip = s->type == SCHEMA_IP;

	if ((ip ? addr_parse_ip(v->text, &a) : addr_parse(v->text, &a)) != ERR_OK) {
		complain(rep, v, s, ip ? "is not an IP address" : "is not an address with a port");
		return false;
	}
	if (!ip && a.port == 0) {
		complain(rep, v, s, "has no port");
		return false;
	}
	*field = a;
	return true;
}

bool
schema_value(const struct yaml_node *v, const struct schema *s, void *base, struct conf_report *rep)
{
	void *field = (char *)base + s->offset;

	if (s->type == SCHEMA_NODE)
		return true;
	if (v->kind != YAML_SCALAR) {
		report_error(rep, v->line, v->column, "%s: %s stands here; %s", s->name,
			     yaml_kind_name(v), s->help);
		return false;
	}
	switch (s->type) {
	case SCHEMA_TEXT:
	case SCHEMA_HOST:
	case SCHEMA_ID:
		return read_text(v, s, field, rep);
	case SCHEMA_WORD:
		return read_word(v, s, field, rep);
	case SCHEMA_BOOL:
		if (read_bool(v->text, field))
			return true;
		complain(rep, v, s, "is neither yes nor no");
		return false;
	case SCHEMA_U8:
	case SCHEMA_U16:
	case SCHEMA_U32:
	case SCHEMA_MS:
		return read_number(v, s, field, rep);
	case SCHEMA_IP:
	case SCHEMA_ADDR:
		return read_addr(v, s, field, rep);
	case SCHEMA_NODE:
	case SCHEMA_TYPE_N:
		break;
	}
	return false;
}

static const char *
row_name(const void *arg, size_t i)
{
	const struct schema *s = arg;

	return s[i].name;
}

/* Words of the map that no row knows. */
static void
report_unknown(const struct yaml *y, const struct yaml_node *map, const struct schema *s, size_t n,
	       const char *what, struct conf_report *rep)
{
	for (const struct yaml_node *c = yaml_first(y, map); c; c = yaml_next(y, c)) {
		const char *near;
		size_t i = 0;

		while (i < n && !str_eqz(c->key, s[i].name))
			i++;
		if (i < n)
			continue;
		near = report_nearest(c->key, row_name, s, n);
		if (near)
			report_error(rep, c->key_line, c->key_column,
				     "unknown word \"%.*s\" in %s; did you mean \"%s\"?",
				     STR_ARG(str_sub(c->key, 0, 64)), what, near);
		else
			report_error(rep, c->key_line, c->key_column,
				     "unknown word \"%.*s\" in %s; postern.yaml(5) and "
				     "postern-accounts(5) list what there is",
				     STR_ARG(str_sub(c->key, 0, 64)), what);
	}
}

void
schema_defaults(const struct schema *s, size_t n, void *base, struct conf_report *rep)
{
	for (size_t i = 0; i < n; i++) {
		struct yaml_node v = {.kind = YAML_SCALAR, .text = str_from(s[i].def)};

		if (s[i].def)
			(void)schema_value(&v, &s[i], base, rep);
	}
}

void
schema_read(const struct yaml *y, const struct yaml_node *map, const struct schema *s, size_t n,
	    const char *what, void *base, struct conf_report *rep)
{
	schema_defaults(s, n, base, rep);
	if (map->kind != YAML_MAP) {
		report_error(rep, map->line, map->column,
			     "%s: %s stands here; write \"word: value\" lines", what,
			     yaml_kind_name(map));
		return;
	}
	report_unknown(y, map, s, n, what, rep);
	for (size_t i = 0; i < n; i++) {
		const struct yaml_node *v = yaml_get(y, map, s[i].name);

		if (v)
			(void)schema_value(v, &s[i], base, rep);
		else if (s[i].required)
			report_error(rep, map->line, map->column, "%s: \"%s\" is missing; %s", what,
				     s[i].name, s[i].help);
	}
}
