#include "conf/tls.h"

#include <string.h>

#include "conf/schema.h"

#define FIELD(member)                                                                              \
	offsetof(struct tls_profile_row, member), sizeof(((struct tls_profile_row *)0)->member)

static const struct schema profile_rows[] = {
	{"name", SCHEMA_ID, FIELD(word), 0, 0, NULL, NULL, true, "a short name"},
	{"min", SCHEMA_NODE, 0, 0, 0, 0, NULL, NULL, false, "\"1.2\" or \"1.3\""},
	{"max", SCHEMA_NODE, 0, 0, 0, 0, NULL, NULL, false, "\"1.2\" or \"1.3\""},
	{"suites", SCHEMA_NODE, 0, 0, 0, 0, NULL, NULL, false,
	 "a list of suites of TLS 1.2, in OpenSSL's words"},
	{"suites13", SCHEMA_NODE, 0, 0, 0, 0, NULL, NULL, false, "a list of suites of TLS 1.3"},
	{"sigalgs", SCHEMA_NODE, 0, 0, 0, 0, NULL, NULL, false,
	 "a list of signature algorithms, in OpenSSL's words"},
	{"rsa_only", SCHEMA_BOOL, FIELD(rsa_only), 0, 0, "no", NULL, false, "yes or no"},
};

/* "1.2" or "1.3" as the library counts them; def where the word does not stand. */
static uint16_t
read_version(const struct yaml *y, const struct yaml_node *map, const char *word, uint16_t def,
	     struct conf_report *rep)
{
	const struct yaml_node *n = yaml_get(y, map, word);

	if (!n)
		return def;
	if (n->kind == YAML_SCALAR && str_eqz(n->text, "1.2"))
		return 0x0303;
	if (n->kind == YAML_SCALAR && str_eqz(n->text, "1.3"))
		return 0x0304;
	report_error(
		rep, n->line, n->column,
		"%s: write \"1.2\" or \"1.3\"; older versions of TLS are not spoken (RFC 8996)",
		word);
	return def;
}

/* A list of words into one text, ':' between. */
static void
read_words(const struct yaml *y, const struct yaml_node *map, const char *word,
	   struct conf_report *rep, char out[TLS_PROFILE_LIST_MAX])
{
	const struct yaml_node *list = yaml_get(y, map, word);
	struct buf b;

	if (!list)
		return;
	if (list->kind != YAML_LIST) {
		report_error(rep, list->line, list->column, "%s: write a list: [WORD, ...]", word);
		return;
	}
	buf_init(&b, out, TLS_PROFILE_LIST_MAX - 1);
	for (const struct yaml_node *n = yaml_first(y, list); n; n = yaml_next(y, n)) {
		buf_z(&b, b.len ? ":" : "");
		buf_str(&b, n->kind == YAML_SCALAR ? n->text : STR("?"));
	}
	if (b.failed)
		report_error(rep, list->line, list->column, "%s: longer than %d bytes; name fewer",
			     word, TLS_PROFILE_LIST_MAX - 1);
	out[b.failed ? 0 : b.len] = 0;
}

static void
read_profile(const struct yaml *y, const struct yaml_node *map, struct conf_report *rep,
	     struct tls_profile_row *row)
{
	uint32_t before = rep->n_errors;
	char mem[REPORT_TEXT_MAX];
	struct buf why;

	*row = (struct tls_profile_row){0};
	schema_read(y, map, profile_rows, ARRAY_LEN(profile_rows), "TLS profile", row, rep);
	if (map->kind != YAML_MAP)
		return;
	row->min = read_version(y, map, "min", 0x0303, rep);
	row->max = read_version(y, map, "max", 0x0304, rep);
	read_words(y, map, "suites", rep, row->suites);
	read_words(y, map, "suites13", rep, row->suites13);
	read_words(y, map, "sigalgs", rep, row->sigalgs);
	buf_init(&why, mem, sizeof(mem) - 1);
	if (rep->n_errors == before && tls_profile_check(row, &why) != ERR_OK)
		report_error(rep, map->line, map->column, "TLS profile %s: %s", row->word,
			     buf_cstr(&why));
}

/* Number of a profile: built in, or own ones behind these; CONFTLS_NO_PROFILE. */
static uint8_t
find_profile(const struct conftls *own, struct str word)
{
	enum tls_profile built_in;

	if (tls_profile_parse(word, &built_in) == ERR_OK)
		return (uint8_t)built_in;
	for (uint32_t i = 0; i < own->n; i++)
		if (str_eqz(word, own->row[i].word))
			return (uint8_t)(TLS_PROFILE_N + i);
	return CONFTLS_NO_PROFILE;
}

void
conftls_read(const struct yaml *y, const struct yaml_node *list, struct conf_report *rep,
	     struct conftls *out)
{
	if (list && list->kind != YAML_LIST) {
		report_error(rep, list->line, list->column,
			     "tls_profiles: %s stands here; write a list of maps",
			     yaml_kind_name(list));
		return;
	}
	for (const struct yaml_node *n = list ? yaml_first(y, list) : NULL; n;
	     n = yaml_next(y, n)) {
		struct tls_profile_row *row = &out->row[out->n];

		if (out->n == CONFTLS_PROFILES_MAX) {
			report_error(rep, n->line, n->column,
				     "tls_profiles: more than %d of them; remove some",
				     CONFTLS_PROFILES_MAX);
			return;
		}
		read_profile(y, n, rep, row);
		if (find_profile(out, str_from(row->word)) != CONFTLS_NO_PROFILE)
			report_error(rep, n->line, n->column,
				     "TLS profile %s stands twice, or is built in; give it another "
				     "name",
				     row->word);
		out->n++;
	}
}

static void
read_authorities(const struct yaml *y, const struct yaml_node *list, struct conf_report *rep,
		 struct conftls_zone *out)
{
	if (list->kind != YAML_LIST) {
		report_error(rep, list->line, list->column,
			     "authorities: %s stands here; write a list of names: [DigiCert, ...]",
			     yaml_kind_name(list));
		return;
	}
	for (const struct yaml_node *n = yaml_first(y, list); n; n = yaml_next(y, n)) {
		char mem[256];
		struct buf known;
		enum authority a;

		if (n->kind == YAML_SCALAR && authority_parse(n->text, &a) == ERR_OK) {
			out->authorities |= AUTHORITY_BIT(a);
			continue;
		}
		buf_init(&known, mem, sizeof(mem) - 1);
		authority_put(&known, AUTHORITY_BIT(AUTHORITY_N) - 1);
		report_error(rep, n->line, n->column,
			     "authorities: \"%.*s\" is not known by name; there are %s. Others: "
			     "name the file of their root under trust",
			     STR_ARG(str_sub(n->text, 0, 64)), buf_cstr(&known));
	}
}

void
conftls_read_zone(const struct yaml *y, const struct yaml_node *zone, struct conf_report *rep,
		  const struct conftls *own, struct conftls_zone *out)
{
	const struct yaml_node *profile = yaml_get(y, zone, "profile");
	const struct yaml_node *list = yaml_get(y, zone, "authorities");
	char mem[32];
	const char *near;

	*out = (struct conftls_zone){.profile = TLS_PROFILE_CARRIER};
	if (profile && profile->kind == YAML_SCALAR)
		out->profile = find_profile(own, profile->text);
	if (profile && (profile->kind != YAML_SCALAR || out->profile == CONFTLS_NO_PROFILE)) {
		near = profile->kind == YAML_SCALAR
			       ? schema_nearest_word(profile->text, "carrier modern", mem)
			       : NULL;
		report_error(rep, profile->line, profile->column,
			     "profile: %s%s%swrite carrier, modern, or the name of one of "
			     "tls_profiles",
			     near ? "did you mean \"" : "", near ? near : "", near ? "\"? " : "");
		out->profile = TLS_PROFILE_CARRIER;
	}
	if (list)
		read_authorities(y, list, rep, out);
	else if (!yaml_get(y, zone, "trust"))
		out->authorities = AUTHORITY_DEFAULT;
}

bool
conftls_known(const struct conftls *own, struct str word)
{
	return find_profile(own, word) != CONFTLS_NO_PROFILE;
}

const struct tls_profile_row *
conftls_profile(const struct conftls *own, const struct conftls_zone *z)
{
	if (z->profile < TLS_PROFILE_N)
		return tls_profile_row((enum tls_profile)z->profile);
	return &own->row[(z->profile - TLS_PROFILE_N) % CONFTLS_PROFILES_MAX];
}

bool
conftls_keep(const struct conftls *before, struct conftls *now, struct conftls_zone *z)
{
	const struct tls_profile_row *row;

	if (z->profile < TLS_PROFILE_N)
		return true;
	row = conftls_profile(before, z);
	z->profile = find_profile(now, str_from(row->word));
	if (z->profile != CONFTLS_NO_PROFILE)
		return true;
	z->profile = TLS_PROFILE_CARRIER;
	if (now->n == CONFTLS_PROFILES_MAX)
		return false;
	now->row[now->n] = *row;
	z->profile = (uint8_t)(TLS_PROFILE_N + now->n++);
	return true;
}
