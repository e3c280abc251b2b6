#include "conf/accountsfile.h"

#include <string.h>

#include "conf/interop.h"
#include "conf/schema.h"
#include "policy/faults.h"
#include "policy/rewrite.h"
#include "base/mem.h"
#include "sdp/keys.h"

enum {
	WORDS_MAX = 80, /* words of one map */
	VALUE_MAX = POLICY_PEM_MAX + 1,
	CARRIER_DEFAULT = 10, /* priority and weight */
	PATH_MAX_LEN = 512,
};

/* The parse in hand. place of a roster entry is its node, so that faults have line and column. */
struct parse {
	struct yaml y;
	struct conf_report *rep;
	struct roster *r;
	const char *host; /* what `host` is called in the map in hand */
	const char *dir;  /* relative file names stand for files in it; NULL = no files are read */
	char *mem;        /* VALUE_MAX: a value while it is put together */
	enum err e;       /* NOMEM, FULL: stop */
};

/* A map of the file that fills one row. */
struct entry {
	const struct yaml_node *map;
	enum roster_kind kind;
	void *row;
	unsigned skip;     /* FIELD_* bits of fields that do not stand here */
	const char *what;  /* for messages */
	const char *host;  /* what `host` is called here */
	const char *extra; /* words that the caller reads, divided by spaces */
};

static uint32_t
place_of(const struct parse *p, const struct yaml_node *n)
{
	return (uint32_t)(n - p->y.node);
}

static bool
expect_kind(struct parse *p, const struct yaml_node *n, const char *word, enum yaml_kind kind,
	    const char *want)
{
	if (n->kind != kind)
		report_error(p->rep, n->line, n->column, "%s: %s stands here; write %s", word,
			     yaml_kind_name(n), want);
	return n->kind == kind;
}

/* The first entry of a list under map; NULL when there is none, or something else (reported). */
static const struct yaml_node *
list_of(struct parse *p, const struct yaml_node *map, const char *word)
{
	const struct yaml_node *n = yaml_get(&p->y, map, word);

	return n && expect_kind(p, n, word, YAML_LIST, "a list") ? yaml_first(&p->y, n) : NULL;
}

/* ---- what is wrong with a value ---- */

/* All words of a field, divided by spaces. */
static void
put_words(struct buf *b, const struct field *f)
{
	for (unsigned i = 0; f->words && i < f->words->n; i++)
		buf_printf(b, "%s%s", i ? " " : "", f->words->word[i]);
	for (unsigned bit = 1; f->type == FIELD_SERVICES && bit <= f->max; bit <<= 1)
		if (bit & f->max)
			buf_printf(b, "%s%s", bit > 1 ? " " : "",
				   policy_class_name((enum policy_class)bit));
}

/* The word that stands in the file for this field. */
static const char *
word_in(const struct parse *p, const struct field *f)
{
	return f->type == FIELD_HOST && p->host && strcmp(f->name, "host") == 0 ? p->host : f->name;
}

static void
tell_unknown(struct parse *p, const struct yaml_node *n, const struct field *f)
{
	char words[256], mem[32];
	const char *near;
	struct buf b;

	buf_init(&b, words, sizeof(words));
	put_words(&b, f);
	near = schema_nearest_word(n->text, buf_cstr(&b), mem);
	report_error(p->rep, n->line, n->column, "%s: \"%.*s\" is not known; %s%s%suse %s of: %s",
		     f->name, STR_ARG(str_sub(n->text, 0, 64)), near ? "did you mean \"" : "",
		     near ? near : "", near ? "\"? " : "",
		     f->type == FIELD_SERVICES ? "some" : "one", words);
}

static const char *
complaint_of(enum field_type t)
{
	static const char *const text[FIELD_TYPE_N] = {
		[FIELD_TEXT] = "is blank, or holds control characters",
		[FIELD_ID] = "is not an id of letters, digits, '.', '_', '-'",
		[FIELD_HOST] = "is neither a host name nor the address of a host",
		[FIELD_NUMBER] = "is not a number",
		[FIELD_DIALLED] = "cannot be dialled",
		[FIELD_URI] = "is not a sip, sips or tel URI",
		[FIELD_WORDS] = "is not a name without commas",
		[FIELD_PREFIXES] = "is not 1 to 15 digits, the first not 0",
		[FIELD_IDS] = "is not a list of up to 8 ids",
		[FIELD_STATUSES] = "is no final status from 300 to 699, nor 3xx to 6xx",
		[FIELD_CODECS] = "names a codec that is not known, or one twice",
		[FIELD_SUITES] = "names an SRTP suite that is not known, or one twice",
		[FIELD_HEADER_RULES] = "is not a list of up to 16 rules",
		[FIELD_NUMBER_RULES] = "is not a list of up to 16 rules",
		[FIELD_BOOL] = "is neither yes nor no",
		[FIELD_COUNT] = "is not a number",
		[FIELD_SECONDS] = "is not a time with its unit",
		[FIELD_MONEY] = "is not an amount",
		[FIELD_WEEK] = "is not a part of a week",
		[FIELD_DSCP] = "is no DSCP",
		[FIELD_KEY] = "is not a prefix of numbers",
		[FIELD_NAMES] = "is neither a host name nor an address",
		[FIELD_SOURCES] = "is not an address or a range",
	};

	return text[t] ? text[t] : "is not right";
}

static void
tell_wrong(struct parse *p, const struct yaml_node *n, const struct field *f, enum err e)
{
	struct str near = str_sub(n->text, 0, 64);

	if (e == ERR_NOTFOUND)
		tell_unknown(p, n, f);
	else if (e == ERR_LONG)
		report_error(p->rep, n->line, n->column, "%s: %zu bytes are too long; at most %llu",
			     word_in(p, f), n->text.len, (unsigned long long)f->max);
	else if (e == ERR_RANGE && f->type == FIELD_COUNT)
		report_error(p->rep, n->line, n->column, "%s: \"%.*s\" is outside %llu to %llu; %s",
			     word_in(p, f), STR_ARG(near), (unsigned long long)f->min,
			     (unsigned long long)f->max, f->help);
	else if (e == ERR_RANGE && !field_is_text(f) && f->type < FIELD_KEY)
		report_error(p->rep, n->line, n->column, "%s: \"%.*s\" is out of range; %s",
			     word_in(p, f), STR_ARG(near), f->help);
	else
		report_error(p->rep, n->line, n->column, "%s: \"%.*s\" %s; %s", word_in(p, f),
			     STR_ARG(near), complaint_of(f->type), f->help);
}

/* ---- values ---- */

/* Set the field from text; n is where it stands. */
static void
set_field(struct parse *p, const struct yaml_node *n, const struct field *f, void *row,
	  struct str text)
{
	enum err e = p->e == ERR_OK ? roster_set(p->r, f, row, text) : ERR_OK;

	if (e == ERR_NOMEM)
		p->e = e;
	else if (e != ERR_OK)
		tell_wrong(p, n, f, e);
}

/* Does the list name this SRTP suite before, in whatever spelling? */
static bool
suite_again(struct parse *p, const struct yaml_node *list, const struct yaml_node *n)
{
	enum sdp_suite suite = sdp_suite_find(n->text);

	for (const struct yaml_node *o = yaml_first(&p->y, list); o != n; o = yaml_next(&p->y, o))
		if (o->kind == YAML_SCALAR && sdp_suite_find(o->text) == suite)
			return true;
	return false;
}

/* Is this a rule? Else it is said what is wrong with it. */
static bool
rule_valid(struct parse *p, const struct yaml_node *n, const struct field *f)
{
	char why[REWRITE_WHY_MAX] = "";
	struct rewrite_header header;
	struct rewrite_number number;
	enum err e = f->type == FIELD_HEADER_RULES ? rewrite_header_parse(n->text, &header, why)
						   : rewrite_number_parse(n->text, &number, why);

	if (e != ERR_OK)
		report_error(p->rep, n->line, n->column, "%s: \"%.*s\": %s", f->name,
			     STR_ARG(str_sub(n->text, 0, 64)), why);
	return e == ERR_OK;
}

/* Is this one right as a part of the list? */
static bool
part_valid(struct parse *p, const struct yaml_node *n, const struct field *f)
{
	enum policy_class c;
	struct cidr range;
	struct addr ip;
	enum err e = ERR_OK;

	if (!expect_kind(p, n, f->name, YAML_SCALAR, "a text"))
		return false;
	if (field_is_rules(f))
		return rule_valid(p, n, f);
	if (f->type == FIELD_SERVICES)
		e = policy_class_parse(n->text, &c);
	else if (f->type == FIELD_SOURCES)
		e = cidr_parse(n->text, &range);
	else if (f->type == FIELD_NAMES)
		e = trunk_host_valid(n->text) && addr_parse_ip(n->text, &ip) != ERR_OK ? ERR_OK
										       : ERR_SYNTAX;
	else if (n->text.len == 0 || str_chr(n->text, ',') < n->text.len ||
		 (f->type == FIELD_PREFIXES && n->text.p[0] == '0')) /* no country has it */
		e = ERR_SYNTAX;
	else
		e = field_text_valid(f, n->text);
	if (e != ERR_OK)
		tell_wrong(p, n, f, e);
	return e == ERR_OK;
}

/* A part is put behind the ones before it; names of hosts in lower case. */
static void
put_part(struct buf *b, const struct field *f, struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		buf_char(b, f->type == FIELD_NAMES ? ascii_lower(text.p[i]) : text.p[i]);
}

/* A list as one text, its parts divided as field_put does it. */
static void
read_list(struct parse *p, const struct yaml_node *list, const struct field *f, void *row)
{
	bool spaces = f->type == FIELD_NAMES || f->type == FIELD_SOURCES;
	char between = spaces ? ' ' : field_is_rules(f) ? '\n' : ',';
	uint32_t n_parts = 0;
	struct buf b;

	if (!expect_kind(p, list, f->name, YAML_LIST, "a list"))
		return;
	buf_init(&b, p->mem, VALUE_MAX);
	for (const struct yaml_node *n = yaml_first(&p->y, list); n; n = yaml_next(&p->y, n)) {
		if (!part_valid(p, n, f))
			continue;
		if (f->type == FIELD_SUITES && suite_again(p, list, n)) {
			report_error(p->rep, n->line, n->column,
				     "%s: \"%.*s\" stands twice; remove one", word_in(p, f),
				     STR_ARG(str_sub(n->text, 0, 64)));
			continue;
		}
		if (spaces && n_parts == f->max) {
			report_error(p->rep, n->line, n->column, "%s: more than %llu; %s", f->name,
				     (unsigned long long)f->max,
				     f->type == FIELD_NAMES ? "remove some"
							    : "join them to larger ranges");
			break;
		}
		if (n_parts++)
			buf_char(&b, between);
		put_part(&b, f, n->text);
	}
	if (f->type == FIELD_PREFIXES && !yaml_first(&p->y, list))
		report_error(
			p->rep, list->line, list->column,
			"%s: an empty list would allow all; name some, or leave the word out to "
			"allow all",
			f->name);
	else
		set_field(p, list, f, row, buf_view(&b));
}

/* A map of questions and answers as "question: answer" lines. */
static void
read_form(struct parse *p, const struct yaml_node *map, const struct field *f, void *row)
{
	struct buf b;

	if (!expect_kind(p, map, f->name, YAML_MAP, "\"question: answer\" lines"))
		return;
	buf_init(&b, p->mem, VALUE_MAX);
	for (const struct yaml_node *n = yaml_first(&p->y, map); n; n = yaml_next(&p->y, n)) {
		if (!expect_kind(p, n, f->name, YAML_SCALAR, "a text"))
			continue;
		buf_str(&b, n->key);
		buf_z(&b, ": ");
		for (size_t i = 0; i < n->text.len; i++)
			buf_char(&b, n->text.p[i] == '\n' ? ' ' : n->text.p[i]);
		buf_char(&b, '\n');
	}
	set_field(p, map, f, row, buf_view(&b));
}

/* The content of a file of certificates. A private key has no business here. */
static void
read_pem(struct parse *p, const struct yaml_node *n, const struct field *f, void *row)
{
	char path[PATH_MAX_LEN];
	struct conf_report unread = {0};
	struct str text = STR_NULL;
	const char *wrong = NULL;
	struct buf b;

	if (n->text.len == 0)
		return;
	buf_init(&b, path, sizeof(path) - 1);
	if (n->text.p[0] != '/' && p->dir)
		buf_printf(&b, "%s/", p->dir);
	buf_str(&b, n->text);
	if (!p->dir || b.failed || yaml_read_file(buf_cstr(&b), &unread, &text) != ERR_OK)
		wrong = "cannot be read";
	else if (str_find(text, STR("-----BEGIN CERTIFICATE-----")) == text.len)
		wrong = "holds no certificate";
	else if (str_find(text, STR("PRIVATE KEY-----")) < text.len)
		wrong = "holds a private key, which must not go into the store; keep it elsewhere";
	else if (text.len > f->max)
		wrong = "is too long";
	if (wrong)
		report_error(p->rep, n->line, n->column, "%s: \"%.*s\" %s; %s", f->name,
			     STR_ARG(str_sub(n->text, 0, 128)), wrong, f->help);
	else
		set_field(p, n, f, row, text);
	mem_free((void *)(uintptr_t)text.p);
}

static void
read_value(struct parse *p, const struct yaml_node *n, const struct field *f, void *row)
{
	char host[POLICY_HOST_MAX];
	struct str s = n->text;

	if (f->type == FIELD_WORDS || f->type == FIELD_PREFIXES || f->type == FIELD_SUITES ||
	    f->type == FIELD_CODECS || f->type == FIELD_IDS || f->type == FIELD_STATUSES ||
	    f->type == FIELD_SERVICES || f->type == FIELD_NAMES || f->type == FIELD_SOURCES ||
	    field_is_rules(f)) {
		read_list(p, n, f, row);
	} else if (f->type == FIELD_FORM) {
		read_form(p, n, f, row);
	} else if (n->kind != YAML_SCALAR) {
		report_error(p->rep, n->line, n->column, "%s: %s stands here; %s", f->name,
			     yaml_kind_name(n), f->help);
	} else if (f->type == FIELD_PEM) {
		read_pem(p, n, f, row);
	} else {
		if (f->type == FIELD_HOST && s.len < sizeof(host)) {
			for (size_t i = 0; i < s.len; i++)
				host[i] = ascii_lower(s.p[i]);
			s = str_of(host, s.len);
		}
		set_field(p, n, f, row, s);
	}
}

/* ---- entries ---- */

/* What the field is called in this map; inner: the map's prefix in names, "" = the entry's own. */
static struct str
word_of(const struct entry *e, const struct field *f, struct str inner)
{
	struct str name = str_from(f->name);
	size_t dot = str_chr(name, '.');

	if ((f->use & FIELD_UNREAD) || (f->use & e->skip))
		return STR_NULL;
	if (inner.len)
		return dot == inner.len && str_starts(name, inner) ? str_from_at(name, dot + 1)
								   : STR_NULL;
	return str_eqz(name, "host") ? str_from(e->host) : str_sub(name, 0, dot);
}

/* Complain about words of the map that nobody knows. */
static void
check_words(struct parse *p, const struct entry *e, const struct yaml_node *map, struct str inner)
{
	static const char *const emergency[] = {"action"};
	struct schema rows[WORDS_MAX];
	char mem[WORDS_MAX][32];
	const struct field_table *t = field_table(e->kind);
	struct str extra = str_from(e->extra);
	uint32_t none;
	size_t n = 0;

	memset(rows, 0, sizeof(rows));
	for (unsigned i = 0; i < t->n && n < WORDS_MAX; i++) {
		struct str w = word_of(e, &t->field[i], inner);

		if (w.len && str_copyz(mem[n], sizeof(mem[n]), w) == ERR_OK)
			n++;
	}
	if (inner.len)
		extra = str_eqz(inner, "emergency") ? str_from(emergency[0]) : STR_NULL;
	while (extra.len && n < WORDS_MAX)
		n += str_copyz(mem[n], sizeof(mem[n]), str_cut(&extra, ' ')) == ERR_OK;
	for (size_t i = 0; i < n; i++)
		rows[i] = (struct schema){.name = mem[i], .type = SCHEMA_NODE};
	schema_read(&p->y, map, rows, n, e->what, &none, p->rep);
}

/* The node of a field; its map's words are looked at when its first field is asked for. */
static const struct yaml_node *
find_node(struct parse *p, const struct entry *e, unsigned i)
{
	const struct field_table *t = field_table(e->kind);
	struct str name = str_from(t->field[i].name), before, inner;
	const struct yaml_node *map;
	char word[32];

	if (str_copyz(word, sizeof(word), word_of(e, &t->field[i], STR_NULL)) != ERR_OK || !word[0])
		return NULL;
	map = yaml_get(&p->y, e->map, word);
	if (str_chr(name, '.') == name.len || !map)
		return map;
	inner = str_sub(name, 0, str_chr(name, '.'));
	before = str_from(t->field[i - 1].name); /* the key stands first, so that i > 0 */
	if (!str_eq(str_sub(before, 0, str_chr(before, '.')), inner))
		check_words(p, e, map, inner);
	if (map->kind != YAML_MAP ||
	    str_copyz(word, sizeof(word), word_of(e, &t->field[i], inner)) != ERR_OK)
		return NULL;
	return yaml_get(&p->y, map, word);
}

/* Read all fields of a row that stand in its map. */
static void
read_entry(struct parse *p, const struct entry *e)
{
	const struct field_table *t = field_table(e->kind);

	p->host = e->host;
	check_words(p, e, e->map, STR_NULL);
	if (e->map->kind != YAML_MAP)
		return;
	for (unsigned i = 0; i < t->n; i++) {
		const struct field *f = &t->field[i];
		const struct yaml_node *n = find_node(p, e, i);

		if (n)
			read_value(p, n, f, e->row);
		else if ((f->use & FIELD_REQUIRED) && !(f->use & e->skip))
			report_error(p->rep, e->map->line, e->map->column,
				     "%s: \"%.*s\" is missing; %s", e->what,
				     STR_ARG(word_of(e, f, STR_NULL)), f->help);
	}
}

/* ---- trunks ---- */

static void
read_numbers(struct parse *p, const struct yaml_node *map, struct str trunk)
{
	for (const struct yaml_node *n = list_of(p, map, "numbers"); n; n = yaml_next(&p->y, n)) {
		struct roster_number *number;
		uint64_t key;

		if (!expect_kind(p, n, "numbers", YAML_SCALAR, "a text"))
			continue;
		if (number_key(n->text, &key) != ERR_OK) {
			report_error(p->rep, n->line, n->column,
				     "numbers: \"%.*s\" is not a number; write +, country code and "
				     "digits, at the end of a prefix a *: \"+15551230000\", "
				     "\"+1555124*\"",
				     STR_ARG(str_sub(n->text, 0, 64)));
			continue;
		}
		if (p->e == ERR_OK)
			p->e = roster_add_number(p->r, &number);
		if (p->e != ERR_OK)
			return;
		*number = (struct roster_number){key, trunk, place_of(p, n)};
	}
}

/* What follows from other words where a word does not stand. */
static void
default_trunk(struct parse *p, const struct yaml_node *map, struct roster_trunk *t)
{
	bool tls = t->transport == TRUNK_TLS;
	const struct yaml_node *identity = yaml_get(&p->y, map, "identity");
	const struct yaml_node *port = yaml_get(&p->y, map, "port");
	bool known = t->kind == TRUNK_CUSTOMER;
	uint32_t zero;
	struct cidr c;

	/* a carrier's name without a port is looked up by SRV (RFC 3263): port 0 */
	if (!port && (known || cidr_parse(t->host, &c) == ERR_OK))
		t->port = tls ? 5061 : 5060;
	if (port && str_u32(port->text, 0, &zero) == ERR_OK && p->e == ERR_OK)
		report_error(p->rep, port->line, port->column,
			     "port: \"%.*s\" is outside 1 to 65535; leave it out to have a "
			     "carrier's name looked up by SRV",
			     STR_ARG(str_sub(port->text, 0, 64)));
	if (!yaml_get(&p->y, map, "security"))
		t->security = tls ? TRUNK_SEC_REQUIRED : TRUNK_SEC_REFUSED;
	if (t->kind == TRUNK_CARRIER && !yaml_get(&p->y, map, "priority"))
		t->priority = CARRIER_DEFAULT;
	if (t->kind == TRUNK_CARRIER && !yaml_get(&p->y, map, "weight"))
		t->weight = CARRIER_DEFAULT;
	/* a plain trunk at an address is known by that address */
	if (!tls && t->n_sources == 0 && cidr_parse(t->host, &c) == ERR_OK)
		t->source[t->n_sources++] = c;
	if (identity && !tls && t->identity != TRUNK_BY_ADDRESS)
		report_error(
			p->rep, identity->line, identity->column,
			"identity: over %s there is no certificate; use address, or transport: "
			"tls",
			trunk_transport_name(t->transport));
	if (!tls && t->kind == TRUNK_CUSTOMER)
		t->identity = TRUNK_BY_ADDRESS;
}

static void
read_trunk(struct parse *p, const struct yaml_node *map, struct str account, uint32_t order)
{
	bool customer = account.len != 0;
	struct entry e = {map,
			  ROSTER_TRUNK,
			  NULL,
			  customer ? FIELD_CARRIER : FIELD_CUSTOMER,
			  customer ? "trunk" : "carrier",
			  customer ? "fqdn" : "host",
			  customer ? "numbers" : ""};
	struct roster_trunk *t;

	if (p->e == ERR_OK)
		p->e = roster_add_trunk(p->r, &t);
	if (p->e != ERR_OK)
		return;
	t->account = account;
	t->kind = customer ? TRUNK_CUSTOMER : TRUNK_CARRIER;
	t->transport = customer ? TRUNK_TLS : TRUNK_UDP;
	t->order = order;
	t->place = place_of(p, map);
	e.row = t;
	read_entry(p, &e);
	if (p->e == ERR_OK && map->kind == YAML_MAP)
		p->e = interop_read(&p->y, map, p->dir, p->rep, p->r, t);
	default_trunk(p, map, t);
	if (customer)
		read_numbers(p, map, t->id);
}

/* ---- accounts ---- */

/* `emergency` has one more word, which says how the others are meant. */
static void
check_emergency(struct parse *p, const struct yaml_node *map, struct roster_account *a)
{
	const struct yaml_node *n = yaml_get(&p->y, map, "emergency"), *action, *status;
	bool redirect = a->emergency_target.len != 0;

	if (!n || n->kind != YAML_MAP)
		return;
	action = yaml_get(&p->y, n, "action");
	status = yaml_get(&p->y, n, "status");
	if (action && !str_eqz(action->text, "refuse") && !str_eqz(action->text, "redirect"))
		report_error(p->rep, action->line, action->column,
			     "emergency.action: \"%.*s\" is not known; use one of: refuse redirect",
			     STR_ARG(str_sub(action->text, 0, 64)));
	else if (action && redirect && str_eqz(action->text, "refuse"))
		report_error(p->rep, action->line, action->column,
			     "emergency: refuse and a target at once; remove one of them");
	else if (action && !redirect && str_eqz(action->text, "redirect"))
		report_error(p->rep, n->line, n->column,
			     "emergency: a redirect needs a target: \"sip:911@gw.example\"");
	if (redirect && !status)
		a->emergency_status = 302;
	if (status && (a->emergency_status < 400) != redirect)
		report_error(
			p->rep, status->line, status->column,
			"emergency.status: %u; with a target use 300 to 399, without one 400 to "
			"699",
			a->emergency_status);
}

/* What one account must fulfil by itself. */
static void
check_account(struct parse *p, const struct yaml_node *map, struct roster_account *a)
{
	const struct yaml_node *n = yaml_get(&p->y, map, "limit_status");

	check_emergency(p, map, a);
	if (n && a->limit_status != 480 && a->limit_status != 486 && a->limit_status != 603)
		report_error(p->rep, n->line, n->column, "limit_status: %u; use one of 480 486 603",
			     a->limit_status);
	n = yaml_get(&p->y, map, "tls_srtp");
	if (n && a->tls_srtp != TLS_SRTP_OFF && a->need.len == 0 && a->override.len == 0)
		report_error(p->rep, n->line, n->column,
			     "tls_srtp: %s, but no need is stated; add need: \"why\", or override: "
			     "\"reason\"",
			     tls_srtp_name(a->tls_srtp));
}

static void
read_account(struct parse *p, const struct yaml_node *map)
{
	struct entry e = {map, ROSTER_ACCOUNT, NULL, 0, "account", "", "trunks"};
	struct roster_account *a;
	uint32_t order = 0;
	struct str id;

	if (p->e == ERR_OK)
		p->e = roster_add_account(p->r, &a);
	if (p->e != ERR_OK)
		return;
	a->place = place_of(p, map);
	e.row = a;
	read_entry(p, &e);
	if (map->kind == YAML_MAP)
		check_account(p, map, a);
	id = a->id;
	if (id.len == 0)
		return; /* reported; its trunks belong nowhere */
	for (const struct yaml_node *n = list_of(p, map, "trunks"); n; n = yaml_next(&p->y, n))
		read_trunk(p, n, id, order++);
}

static void
read_rate(struct parse *p, const struct yaml_node *map)
{
	struct entry e = {map, ROSTER_RATE, NULL, 0, "rate", "", ""};
	struct roster_rate *rate;

	if (p->e == ERR_OK)
		p->e = roster_add_rate(p->r, &rate);
	if (p->e != ERR_OK)
		return;
	rate->place = place_of(p, map);
	e.row = rate;
	read_entry(p, &e);
}

static void
read_route(struct parse *p, const struct yaml_node *map)
{
	struct entry e = {map, ROSTER_ROUTE, NULL, 0, "route", "", ""};
	struct roster_route *route;

	if (p->e == ERR_OK)
		p->e = roster_add_route(p->r, &route);
	if (p->e != ERR_OK)
		return;
	route->place = place_of(p, map);
	e.row = route;
	read_entry(p, &e);
}

static void
tell_fault(void *arg, const struct roster_fault *f)
{
	struct parse *p = arg;
	const struct yaml_node *n = &p->y.node[f->place];

	report_error(p->rep, n->line, n->column, "%s", f->text);
}

static void
read_all(struct parse *p)
{
	const struct yaml_node *root = &p->y.node[0];
	static const struct schema root_rows[] = {{.name = "accounts", .type = SCHEMA_NODE},
						  {.name = "carriers", .type = SCHEMA_NODE},
						  {.name = "rates", .type = SCHEMA_NODE},
						  {.name = "routes", .type = SCHEMA_NODE}};
	uint32_t none, order = 0, before = p->rep->n_errors;

	schema_read(&p->y, root, root_rows, ARRAY_LEN(root_rows), "the accounts file", &none,
		    p->rep);
	for (const struct yaml_node *n = list_of(p, root, "accounts"); n && p->e == ERR_OK;
	     n = yaml_next(&p->y, n))
		read_account(p, n);
	for (const struct yaml_node *n = list_of(p, root, "carriers"); n && p->e == ERR_OK;
	     n = yaml_next(&p->y, n))
		read_trunk(p, n, STR_NULL, order++);
	for (const struct yaml_node *n = list_of(p, root, "rates"); n && p->e == ERR_OK;
	     n = yaml_next(&p->y, n))
		read_rate(p, n);
	for (const struct yaml_node *n = list_of(p, root, "routes"); n && p->e == ERR_OK;
	     n = yaml_next(&p->y, n))
		read_route(p, n);
	/* what is between the entries, once each of them is right */
	if (p->e == ERR_OK && p->rep->n_errors == before)
		p->e = roster_check(p->r, tell_fault, p, &none);
}

enum { COLUMN_BITS = 8 };

static uint32_t
pack_place(const struct yaml_node *n)
{
	return n->line << COLUMN_BITS | (n->column & ((1U << COLUMN_BITS) - 1));
}

/* The nodes go; accounts and trunks keep where they stood. */
static void
keep_places(struct parse *p)
{
	for (uint32_t i = 0; i < p->r->n_accounts; i++)
		p->r->account[i].place = pack_place(&p->y.node[p->r->account[i].place]);
	for (uint32_t i = 0; i < p->r->n_trunks; i++)
		p->r->trunk[i].place = pack_place(&p->y.node[p->r->trunk[i].place]);
}

void
accountsfile_place(uint32_t place, uint32_t *line, uint32_t *column)
{
	*line = place >> COLUMN_BITS;
	*column = place & ((1U << COLUMN_BITS) - 1);
}

enum err
accountsfile_parse(struct str text, const char *dir, struct conf_report *rep, struct roster *r)
{
	struct parse p = {.rep = rep, .r = r, .dir = dir, .mem = mem_zalloc(1, VALUE_MAX)};
	uint32_t before = rep->n_errors;
	enum err e = p.mem ? yaml_parse(text, rep, &p.y) : ERR_NOMEM;

	if (e == ERR_OK) {
		read_all(&p);
		keep_places(&p);
		yaml_fini(&p.y);
		if (p.e == ERR_FULL)
			report_error(rep, 0, 0,
				     "more than %d accounts, %d trunks, %d numbers, %d rates or "
				     "%d routes",
				     POLICY_ACCOUNTS_MAX, POLICY_TRUNKS_MAX, POLICY_NUMBERS_MAX,
				     POLICY_RATES_MAX, POLICY_ROUTES_MAX);
		e = p.e == ERR_FULL ? ERR_OK : p.e;
	}
	mem_free(p.mem);
	if (e != ERR_OK)
		return e;
	return rep->n_errors > before ? ERR_CONFIG : ERR_OK;
}

enum err
accountsfile_load(const char *path, struct conf_report *rep, struct roster *r)
{
	struct str text, p = str_from(path);
	size_t slash = str_rchr(p, '/');
	char dir[PATH_MAX_LEN];
	enum err e = yaml_read_file(path, rep, &text);

	if (e != ERR_OK)
		return e;
	e = str_copyz(dir, sizeof(dir), slash == p.len ? STR(".") : str_sub(p, 0, slash + 1));
	if (e == ERR_OK)
		e = accountsfile_parse(text, dir, rep, r);
	mem_free((void *)(uintptr_t)text.p);
	return e;
}
