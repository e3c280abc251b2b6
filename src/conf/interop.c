#include "conf/interop.h"

#include "base/mem.h"
#include "conf/profile.h"

enum { VALUE_MAX = 4096, SETS_MAX = POLICY_LIST_MAX };

/* One profile, and the trunk that takes it. */
struct taking {
	struct yaml profile;
	const struct yaml *y; /* of the accounts file */
	const struct yaml_node *map, *at;
	struct conf_report *rep;
	struct roster *r;
	struct roster_trunk *t;
	struct str name;
	struct buf sets;
	char sets_mem[SETS_MAX];
};

static void
tell(const struct taking *k, const struct yaml_node *n, const char *what, struct str word)
{
	report_error(k->rep, k->at->line, k->at->column, "interop: profile %.*s, line %u: %.*s%s",
		     STR_ARG(k->name), n ? n->line : 0, STR_ARG(str_sub(word, 0, 64)), what);
}

/* ---- the file ---- */

/* Findings in a profile's file go where `interop` stands. */
static void
pass_finding(void *arg, const struct conf_finding *f)
{
	const struct taking *k = arg;

	report_error(k->rep, k->at->line, k->at->column, "interop: profile %.*s, line %u: %s",
		     STR_ARG(k->name), f->line, f->text);
}

static enum err
load(struct taking *k, const char *dir)
{
	struct conf_report inner = {.on_finding = pass_finding, .arg = k}, unread = {0};
	char from[CONFPROFILE_PATH_MAX];
	struct str text = STR_NULL;
	enum err e = confprofile_read(k->name, dir, &unread, from, &text);

	if (e == ERR_OK && text.len > INTEROP_TEXT_MAX)
		e = ERR_LONG;
	if (e != ERR_OK)
		report_error(
			k->rep, k->at->line, k->at->column,
			"interop: \"%.*s\" cannot be read; postern profiles lists the names, a "
			"word with a slash is a file",
			STR_ARG(str_sub(k->name, 0, 128)));
	else
		e = yaml_parse(text, &inner, &k->profile);
	mem_free((void *)(uintptr_t)text.p);
	return e == ERR_OK || e == ERR_NOMEM ? e : ERR_CONFIG;
}

/* ---- its words ---- */

/* The node of a field below map, by its name in the file. */
static const struct yaml_node *
find(const struct yaml *y, const struct yaml_node *map, const struct field *f)
{
	struct str inner = str_from(f->name), outer = str_cut(&inner, '.');
	char word[32];

	if (str_copyz(word, sizeof(word), outer) != ERR_OK)
		return NULL;
	map = yaml_get(y, map, word);
	if (!map || inner.len == 0)
		return map;
	if (map->kind != YAML_MAP || str_copyz(word, sizeof(word), inner) != ERR_OK)
		return NULL;
	return yaml_get(y, map, word);
}

/* A scalar, or the parts of a list divided as the field has them. False: it is neither. */
static bool
text_of(const struct taking *k, const struct yaml_node *n, const struct field *f, struct buf *b)
{
	char between = field_is_rules(f) ? '\n' : ',';

	if (n->kind == YAML_SCALAR) {
		buf_str(b, n->text);
		return !b->failed;
	}
	for (const struct yaml_node *part = yaml_first(&k->profile, n); part;
	     part = yaml_next(&k->profile, part)) {
		if (part->kind != YAML_SCALAR)
			return false;
		if (b->len)
			buf_char(b, between);
		buf_str(b, part->text);
	}
	return n->kind == YAML_LIST && !b->failed;
}

static enum err
set_one(struct taking *k, const struct yaml_node *n, const struct field *f)
{
	char mem[VALUE_MAX];
	struct buf b;
	enum err e = ERR_SYNTAX;

	buf_init(&b, mem, sizeof(mem));
	if (text_of(k, n, f, &b))
		e = roster_set(k->r, f, k->t, buf_view(&b));
	if (e == ERR_NOMEM)
		return e;
	if (e != ERR_OK)
		tell(k, n, " is not right", str_from(f->name));
	if (k->sets.len)
		buf_char(&k->sets, ',');
	buf_z(&k->sets, f->name);
	return ERR_OK;
}

/* Every word of the profile's map is one that a profile may set. */
static void
check_words(const struct taking *k, const struct yaml_node *map, struct str outer)
{
	const struct field_table *table = field_table(ROSTER_TRUNK);

	for (const struct yaml_node *n = yaml_first(&k->profile, map); n;
	     n = yaml_next(&k->profile, n)) {
		bool known = false;

		for (unsigned i = 0; i < table->n && !known; i++) {
			struct str inner = str_from(table->field[i].name);
			struct str first = str_cut(&inner, '.');

			known = (table->field[i].use & FIELD_INTEROP) &&
				(outer.len ? str_eq(first, outer) && str_eq(inner, n->key)
					   : str_eq(first, n->key) &&
						     (inner.len != 0) == (n->kind == YAML_MAP));
		}
		if (!known)
			tell(k, n, ": a profile does not set this", n->key);
		else if (n->kind == YAML_MAP && !outer.len)
			check_words(k, n, n->key);
	}
}

static enum err
take(struct taking *k)
{
	const struct field_table *table = field_table(ROSTER_TRUNK);
	const struct yaml_node *root = &k->profile.node[0];
	const struct yaml_node *name = yaml_get(&k->profile, root, "name");
	const struct yaml_node *set = yaml_get(&k->profile, root, "trunk");
	enum err e = ERR_OK;

	if (!name || name->kind != YAML_SCALAR || !policy_id_valid(name->text)) {
		tell(k, root, "it has no name", STR_NULL);
		return ERR_OK;
	}
	e = roster_text(k->r, name->text, &k->t->interop);
	if (set && set->kind != YAML_MAP)
		tell(k, set, "trunk: write \"word: value\" lines", STR_NULL);
	if (!set || set->kind != YAML_MAP)
		return e;
	check_words(k, set, STR_NULL);
	for (unsigned i = 0; i < table->n && e == ERR_OK; i++) {
		const struct field *f = &table->field[i];
		const struct yaml_node *n =
			f->use & FIELD_INTEROP ? find(&k->profile, set, f) : NULL;

		if (n && !find(k->y, k->map, f))
			e = set_one(k, n, f);
	}
	return e == ERR_OK ? roster_text(k->r, buf_view(&k->sets), &k->t->interop_sets) : e;
}

enum err
interop_read(const struct yaml *y, const struct yaml_node *map, const char *dir,
	     struct conf_report *rep, struct roster *r, struct roster_trunk *t)
{
	struct taking k = {.y = y,
			   .map = map,
			   .at = yaml_get(y, map, "interop"),
			   .rep = rep,
			   .r = r,
			   .t = t,
			   .name = t->interop};
	enum err e;

	if (t->interop.len == 0 || !k.at)
		return ERR_OK;
	buf_init(&k.sets, k.sets_mem, sizeof(k.sets_mem));
	e = load(&k, dir);
	if (e == ERR_OK) {
		e = take(&k);
		yaml_fini(&k.profile);
	}
	return e == ERR_NOMEM ? e : ERR_OK;
}
