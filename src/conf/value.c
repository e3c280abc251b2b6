#include "conf/value.h"

#include <string.h>

#include "conf/schema.h"
#include "policy/rewrite.h"
#include "base/mem.h"
#include "net/tlstrust.h"
#include "sdp/keys.h"

enum { PATH_MAX_LEN = 512 };

bool
value_expect(struct value_reader *p, const struct yaml_node *n, const char *word,
	     enum yaml_kind kind, const char *want)
{
	if (n->kind != kind)
		report_error(p->rep, n->line, n->column, "%s: %s stands here; write %s", word,
			     yaml_kind_name(n), want);
	return n->kind == kind;
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
word_in(const struct value_reader *p, const struct field *f)
{
	return f->type == FIELD_HOST && p->host && strcmp(f->name, "host") == 0 ? p->host : f->name;
}

static void
tell_unknown(struct value_reader *p, const struct yaml_node *n, const struct field *f)
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

/* Is it "192.0.2.1:5080" or "gw.example:5080", where the host is to stand? */
static bool
split_port(const struct field *f, struct str s, struct str *host, struct str *port)
{
	size_t colon = str_rchr(s, ':');
	struct addr ip;
	uint64_t n;

	*host = str_sub(s, 0, colon);
	*port = str_from_at(s, colon + 1);
	if (strcmp(f->name, "host") != 0 || str_u64(*port, 65535, &n) != ERR_OK)
		return false;
	if (str_starts(*host, STR("[")) && str_ends(*host, STR("]")))
		*host = str_sub(*host, 1, host->len - 1);
	return trunk_host_valid(*host) || addr_parse_ip(*host, &ip) == ERR_OK;
}

static void
tell_wrong(struct value_reader *p, const struct yaml_node *n, const struct field *f, enum err e)
{
	struct str near = str_sub(n->text, 0, 64), host, port;

	if (e == ERR_NOTFOUND)
		tell_unknown(p, n, f);
	else if (split_port(f, n->text, &host, &port))
		report_error(p->rep, n->line, n->column,
			     "%s: \"%.*s\" has a port with it; write %s: %.*s, and port: %.*s",
			     word_in(p, f), STR_ARG(near), word_in(p, f), STR_ARG(host),
			     STR_ARG(port));
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
set_field(struct value_reader *p, const struct yaml_node *n, const struct field *f, void *row,
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
suite_again(struct value_reader *p, const struct yaml_node *list, const struct yaml_node *n)
{
	enum sdp_suite suite = sdp_suite_find(n->text);

	for (const struct yaml_node *o = yaml_first(&p->y, list); o != n; o = yaml_next(&p->y, o))
		if (o->kind == YAML_SCALAR && sdp_suite_find(o->text) == suite)
			return true;
	return false;
}

/* Is this a rule? Else it is said what is wrong with it. */
static bool
rule_valid(struct value_reader *p, const struct yaml_node *n, const struct field *f)
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
part_valid(struct value_reader *p, const struct yaml_node *n, const struct field *f)
{
	enum policy_class c;
	struct cidr range;
	struct addr ip;
	enum err e = ERR_OK;

	if (!value_expect(p, n, f->name, YAML_SCALAR, "a text"))
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
read_list(struct value_reader *p, const struct yaml_node *list, const struct field *f, void *row)
{
	bool spaces = f->type == FIELD_NAMES || f->type == FIELD_SOURCES;
	char between = spaces ? ' ' : field_is_rules(f) ? '\n' : ',';
	uint32_t n_parts = 0;
	struct buf b;

	if (!value_expect(p, list, f->name, YAML_LIST, "a list"))
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
read_form(struct value_reader *p, const struct yaml_node *map, const struct field *f, void *row)
{
	struct buf b;

	if (!value_expect(p, map, f->name, YAML_MAP, "\"question: answer\" lines"))
		return;
	buf_init(&b, p->mem, VALUE_MAX);
	for (const struct yaml_node *n = yaml_first(&p->y, map); n; n = yaml_next(&p->y, n)) {
		if (!value_expect(p, n, f->name, YAML_SCALAR, "a text"))
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
read_pem(struct value_reader *p, const struct yaml_node *n, const struct field *f, void *row)
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
	else if (tls_pem_has_trusted(text))
		wrong = TLS_PEM_TRUSTED_TEXT;
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

void
value_read(struct value_reader *p, const struct yaml_node *n, const struct field *f, void *row)
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
