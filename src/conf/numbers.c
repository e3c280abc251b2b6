#include "conf/numbers.h"

#include <string.h>

#include "conf/schema.h"
#include "policy/area.h"

/* A list of short texts in a number_plan. */
struct list_of {
	const char *name, *help;
	uint32_t max, size; /* of a text with its NUL */
	size_t texts, count;
	bool (*do_fit)(struct str s);
};

static const struct schema rows[] = {
	{"country", SCHEMA_TEXT, offsetof(struct number_plan, country),
	 sizeof(((struct number_plan *)0)->country), 0, 0, "1", NULL, false,
	 "the country code in quotes, such as \"1\" or \"44\""},
	{"home", SCHEMA_NODE, 0, 0, 0, 0, NULL, NULL, false,
	 "a list such as [US] or [CA, \"868\"]"},
	{"emergency", SCHEMA_NODE, 0, 0, 0, 0, NULL, NULL, false,
	 "a list of numbers in quotes, such as \"999\""},
	{"access", SCHEMA_NODE, 0, 0, 0, 0, NULL, NULL, false,
	 "a list of access digits in quotes, such as \"9\""},
	{"premium", SCHEMA_NODE, 0, 0, 0, 0, NULL, NULL, false,
	 "a list of beginnings in quotes, such as \"+4490\""},
};

static bool
is_digits(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!ascii_digit(s.p[i]))
			return false;
	return s.len > 0;
}

static bool
is_short_number(struct str s)
{
	return s.len >= 2 && is_digits(s);
}

static bool
is_access(struct str s)
{
	if (s.len && s.p[0] == '+')
		return s.len == 1 || is_digits(str_from_at(s, 1));
	return is_digits(s);
}

static bool
is_beginning(struct str s)
{
	return s.len > 1 && s.p[0] == '+' && is_digits(str_from_at(s, 1));
}

static bool
is_home(struct str s)
{
	return (s.len == 3 && is_digits(s)) || area_known(s);
}

#define LIST(member, n_max)                                                                        \
	n_max, sizeof(((struct number_plan *)0)->member[0]), offsetof(struct number_plan, member), \
		offsetof(struct number_plan, n_##member)

static const struct list_of lists[] = {
	{"home", "a country with area codes, such as US or CA, or an area code in quotes",
	 LIST(home, NUMBER_HOME_MAX), is_home},
	{"emergency", "a short number; write 2 to 7 digits", LIST(emergency, NUMBER_EMERGENCY_MAX),
	 is_short_number},
	{"access", "access digits; write up to 5 digits, the first may be '+'",
	 LIST(access, NUMBER_ACCESS_MAX), is_access},
	{"premium", "the beginning of numbers; write '+', country code and up to 14 digits in all",
	 LIST(premium, NUMBER_PREMIUM_MAX), is_beginning},
};

/* One list, which replaces the default one. */
static void
read_list(const struct yaml *y, const struct yaml_node *list, const struct list_of *l,
	  struct conf_report *rep, struct number_plan *np)
{
	char *texts = (char *)np + l->texts;
	uint32_t *n = (uint32_t *)(void *)((char *)np + l->count);

	memset(texts, 0, (size_t)l->max * l->size);
	*n = 0;
	if (list->kind != YAML_LIST) {
		report_error(rep, list->line, list->column,
			     "%s: %s stands here; write a list, such as [..]", l->name,
			     yaml_kind_name(list));
		return;
	}
	for (const struct yaml_node *v = yaml_first(y, list); v; v = yaml_next(y, v)) {
		if (*n == l->max) {
			report_error(rep, v->line, v->column,
				     "%s: more than %u of them; remove some", l->name, l->max);
			return;
		}
		if (v->kind != YAML_SCALAR || !l->do_fit(v->text) ||
		    str_copyz(texts + (size_t)*n * l->size, l->size, v->text) != ERR_OK)
			report_error(rep, v->line, v->column, "%s: \"%.*s\" is not %s", l->name,
				     STR_ARG(str_sub(v->text, 0, 32)), l->help);
		else
			(*n)++;
	}
}

void
confnumbers_read(const struct yaml *y, const struct yaml_node *map, struct conf_report *rep,
		 struct number_plan *out)
{
	number_plan_default(out);
	if (!map)
		return;
	schema_read(y, map, rows, ARRAY_LEN(rows), "numbers", out, rep);
	if (map->kind != YAML_MAP)
		return;
	if (strspn(out->country, "0123456789") != strlen(out->country)) {
		const struct yaml_node *n = yaml_get(y, map, "country");

		report_error(
			rep, n->line, n->column,
			"country: \"%s\" is not a country code; write its digits, such as \"44\"",
			out->country);
	}
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		const struct yaml_node *list = yaml_get(y, map, lists[i].name);

		if (list)
			read_list(y, list, &lists[i], rep, out);
	}
}
