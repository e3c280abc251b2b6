#include "app/accountsfile.h"

#include <string.h>

#include "app/schema.h"
#include "base/mem.h"

/* One account and one trunk as the file has them. */
struct file_account {
	char id[POLICY_ID_MAX], name[POLICY_NAME_MAX], parent[POLICY_ID_MAX];
	uint32_t max_calls, attempts;
	uint8_t tls_srtp;
	bool enabled;
};

enum { UNSET = 0xff }; /* a word that does not stand */
struct file_trunk {
	char id[POLICY_ID_MAX], host[POLICY_HOST_MAX], zone[POLICY_HOST_MAX], media[POLICY_ID_MAX];
	char caller[NUMBER_SIZE], strip[NUMBER_SIZE], add[NUMBER_SIZE];
	uint32_t max_calls;
	uint16_t port, priority, weight; /* port 0: not given */
	uint8_t direction, transport, security, ssrc;
	bool enabled, learn;
};

#define FIELD(type, member) offsetof(struct type, member), sizeof(((struct type *)0)->member)
#define NODE(word, text)                                                                           \
	{                                                                                          \
		word, SCHEMA_NODE, 0, 0, 0, 0, NULL, NULL, false, text                             \
	}

static const struct schema root_rows[] = {
	NODE("accounts", "a list of accounts"),
	NODE("carriers", "a list of carrier gateways"),
};

static const struct schema account_rows[] = {
	{"id", SCHEMA_ID, FIELD(file_account, id), 0, 0, NULL, NULL, true,
	 "a short id, such as acme"},
	{"name", SCHEMA_TEXT, FIELD(file_account, name), 0, 0, "", NULL, false,
	 "a name for people"},
	{"parent", SCHEMA_ID, FIELD(file_account, parent), 0, 0, "", NULL, false,
	 "the id of another account"},
	{"enabled", SCHEMA_BOOL, FIELD(file_account, enabled), 0, 0, "yes", NULL, false,
	 "yes or no"},
	{"tls_srtp", SCHEMA_WORD, FIELD(file_account, tls_srtp), 0, 0, "off",
	 "off requested ready on", false, "how far TLS and SRTP are"},
	{"max_calls", SCHEMA_U32, FIELD(file_account, max_calls), 0, 100000, "0", NULL, false,
	 "concurrent calls, 0 = no limit of its own"},
	{"attempts", SCHEMA_U32, FIELD(file_account, attempts), 0, 100000, "0", NULL, false,
	 "calls started a second, 0 = no limit of its own"},
	NODE("classes", "a list of: origination toll_free termination international"),
	NODE("trunks", "a list of trunks"),
};

#define TRUNK_ROWS(host_word, host_help, default_transport)                                        \
	{"id", SCHEMA_ID, FIELD(file_trunk, id),       0, 0, NULL,                                 \
	 NULL, true,      "a short id, such as acme-1"},                                           \
		{host_word, SCHEMA_HOST, FIELD(file_trunk, host), 0, 0, NULL, NULL,                \
		 true,      host_help},                                                            \
		{"port", SCHEMA_U16, FIELD(file_trunk, port),                                      \
		 1,      65535,      NULL,                                                         \
		 NULL,   false,      "a port; default 5061 for tls, else 5060"},                   \
		{"transport",                                                                      \
		 SCHEMA_WORD,                                                                      \
		 FIELD(file_trunk, transport),                                                     \
		 0,                                                                                \
		 0,                                                                                \
		 default_transport,                                                                \
		 "tls udp tcp",                                                                    \
		 false,                                                                            \
		 "how SIP travels"},                                                               \
		{"security",                                                                       \
		 SCHEMA_WORD,                                                                      \
		 FIELD(file_trunk, security),                                                      \
		 0,                                                                                \
		 0,                                                                                \
		 NULL,                                                                             \
		 "required refused",                                                               \
		 false,                                                                            \
		 "is media SRTP"},                                                                 \
		{"enabled", SCHEMA_BOOL, FIELD(file_trunk, enabled), 0, 0, "yes", NULL,            \
		 false,     "yes or no"},                                                          \
		{"direction",   SCHEMA_WORD, FIELD(file_trunk, direction),         0, 0, "both",   \
		 "in out both", false,       "in: calls from it; out: calls to it"},               \
		{"zone", SCHEMA_HOST, FIELD(file_trunk, zone),                                     \
		 0,      0,           "",                                                          \
		 NULL,   false,       "the fqdn of the only zone it uses"},                        \
		{"media", SCHEMA_ID, FIELD(file_trunk, media),     0, 0, "",                       \
		 NULL,    false,     "the name of a media address"},                               \
		{"caller", SCHEMA_TEXT, FIELD(file_trunk, caller),          0, 0, "",              \
		 NULL,     false,       "a number such as \"+15551230000\""},                      \
		{"strip", SCHEMA_TEXT, FIELD(file_trunk, strip),                                   \
		 0,       0,           "",                                                         \
		 NULL,    false,       "what to cut off the front of called numbers"},             \
		{"add", SCHEMA_TEXT, FIELD(file_trunk, add),                                       \
		 0,     0,           "",                                                           \
		 NULL,  false,       "what to put before called numbers"},                         \
		{"ssrc",     SCHEMA_WORD, FIELD(file_trunk, ssrc), 0, 0, "own",                    \
		 "own pass", false,       "whose SSRC it sees"},                                   \
		{"learn", SCHEMA_BOOL, FIELD(file_trunk, learn), 0, 0, "no", NULL,                 \
		 false,   "yes or no"},                                                            \
		{"max_calls", SCHEMA_U32, FIELD(file_trunk, max_calls),                            \
		 0,           100000,     "0",                                                     \
		 NULL,        false,      "concurrent calls, 0 = no limit of its own"},            \
		NODE("sources", "a list of addresses or ranges that its packets come from")

static const struct schema trunk_rows[] = {
	TRUNK_ROWS("fqdn", "the name of the PBX: in its certificate, and where we call it", "tls"),
	NODE("names", "a list of names that its certificate shows; default: fqdn"),
	NODE("numbers", "a list of numbers (\"+15551230000\") and prefixes (\"+1555124*\")"),
};

static const struct schema carrier_rows[] = {
	TRUNK_ROWS("host", "the address or name of the gateway", "udp"),
	{"priority", SCHEMA_U16, FIELD(file_trunk, priority), 0, 65535, "10", NULL, false,
	 "0 to 65535, lower ones are tried first"},
	{"weight", SCHEMA_U16, FIELD(file_trunk, weight), 0, 65535, "10", NULL, false,
	 "0 to 65535, share among carriers of one priority"},
};

/* The parse in hand. place of a roster entry is its node, so that faults have line and column. */
struct parse {
	struct yaml y;
	struct conf_report *rep;
	struct roster *r;
	enum err e; /* NOMEM, FULL: stop */
};

static uint32_t
place_of(const struct parse *p, const struct yaml_node *n)
{
	return (uint32_t)(n - p->y.node);
}

/* The first entry of a list under map; NULL when there is none, or something else (reported). */
static const struct yaml_node *
list_of(struct parse *p, const struct yaml_node *map, const char *word)
{
	const struct yaml_node *n = yaml_get(&p->y, map, word);

	if (n && n->kind != YAML_LIST) {
		report_error(p->rep, n->line, n->column, "%s: %s stands here; write a list", word,
			     yaml_kind_name(n));
		return NULL;
	}
	return n ? yaml_first(&p->y, n) : NULL;
}

static bool
is_scalar(struct parse *p, const struct yaml_node *n, const char *word)
{
	if (n->kind != YAML_SCALAR)
		report_error(p->rep, n->line, n->column, "%s: %s stands here; write a text", word,
			     yaml_kind_name(n));
	return n->kind == YAML_SCALAR;
}

static struct str
keep(struct parse *p, const char *z)
{
	struct str s = STR_NULL;

	if (p->e == ERR_OK)
		p->e = roster_text(p->r, str_from(z), &s);
	return s;
}

/* ---- parts of a trunk ---- */

static void
read_sources(struct parse *p, const struct yaml_node *map, struct roster_trunk *t)
{
	for (const struct yaml_node *n = list_of(p, map, "sources"); n; n = yaml_next(&p->y, n)) {
		if (!is_scalar(p, n, "sources"))
			continue;
		if (t->n_sources == POLICY_TRUNK_SOURCES_MAX) {
			report_error(p->rep, n->line, n->column,
				     "sources: more than %d; join them to larger ranges",
				     POLICY_TRUNK_SOURCES_MAX);
			return;
		}
		if (cidr_parse(n->text, &t->source[t->n_sources]) == ERR_OK)
			t->n_sources++;
		else
			report_error(
				p->rep, n->line, n->column,
				"sources: \"%.*s\" is not an address or a range; write one such "
				"as 192.0.2.0/24",
				STR_ARG(str_sub(n->text, 0, 64)));
	}
}

/* A plain trunk at an address is known by that address, where nothing else is said. */
static void
default_source(struct roster_trunk *t)
{
	struct cidr c;

	if (t->transport != TRUNK_TLS && t->n_sources == 0 && cidr_parse(t->host, &c) == ERR_OK)
		t->source[t->n_sources++] = c;
}

static void
read_names(struct parse *p, const struct yaml_node *map, struct roster_trunk *t)
{
	static const struct schema row = {
		"names", SCHEMA_HOST, 0,    POLICY_HOST_MAX, 0,
		0,       NULL,        NULL, false,           "write a host name, without wildcard"};
	char name[POLICY_HOST_MAX];

	for (const struct yaml_node *n = list_of(p, map, "names"); n; n = yaml_next(&p->y, n)) {
		if (t->n_names == POLICY_TRUNK_NAMES_MAX) {
			report_error(p->rep, n->line, n->column, "names: more than %d; remove some",
				     POLICY_TRUNK_NAMES_MAX);
			return;
		}
		if (schema_value(n, &row, name, p->rep))
			t->name[t->n_names++] = keep(p, name);
	}
}

static void
read_numbers(struct parse *p, const struct yaml_node *map, struct str trunk)
{
	for (const struct yaml_node *n = list_of(p, map, "numbers"); n; n = yaml_next(&p->y, n)) {
		struct roster_number *number;
		uint64_t key;

		if (!is_scalar(p, n, "numbers"))
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

/* The texts that have a form of their own. */
static void
check_texts(struct parse *p, const struct yaml_node *map, const struct file_trunk *f)
{
	const struct yaml_node *n = yaml_get(&p->y, map, "caller");
	const char *const words[] = {"strip", "add"}, *const values[] = {f->strip, f->add};
	uint64_t key;

	if (f->caller[0] && (number_key(str_from(f->caller), &key) != ERR_OK || (key & 1)))
		report_error(p->rep, n->line, n->column,
			     "caller: \"%s\" is not a number; write +, country code and digits",
			     f->caller);
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		n = yaml_get(&p->y, map, words[i]);
		if (n && strspn(values[i], "+0123456789*#") != strlen(values[i]))
			report_error(p->rep, n->line, n->column,
				     "%s: \"%s\" cannot be dialled; write digits, +, *, #",
				     words[i], values[i]);
	}
}

static void
read_trunk(struct parse *p, const struct yaml_node *map, struct str account, uint32_t order)
{
	bool customer = account.len != 0;
	struct file_trunk f = {.security = UNSET};
	struct roster_trunk *t;

	if (customer)
		schema_read(&p->y, map, trunk_rows, ARRAY_LEN(trunk_rows), "trunk", &f, p->rep);
	else
		schema_read(&p->y, map, carrier_rows, ARRAY_LEN(carrier_rows), "carrier", &f,
			    p->rep);
	check_texts(p, map, &f);
	if (p->e == ERR_OK)
		p->e = roster_add_trunk(p->r, &t);
	if (p->e != ERR_OK)
		return;
	*t = (struct roster_trunk){
		.id = keep(p, f.id),
		.account = account,
		.host = keep(p, f.host),
		.zone = keep(p, f.zone),
		.media = keep(p, f.media),
		.caller = keep(p, f.caller),
		.strip = keep(p, f.strip),
		.add = keep(p, f.add),
		.max_calls = f.max_calls,
		.port = f.port                     ? f.port
			: f.transport == TRUNK_TLS ? 5061
						   : 5060,
		.priority = f.priority,
		.weight = f.weight,
		.enabled = f.enabled,
		.learn = f.learn,
		.kind = customer ? TRUNK_CUSTOMER : TRUNK_CARRIER,
		.direction = (enum trunk_direction)(f.direction + TRUNK_IN),
		.transport = (enum trunk_transport)f.transport,
		.security = f.security != UNSET        ? (enum trunk_security)f.security
			    : f.transport == TRUNK_TLS ? TRUNK_SEC_REQUIRED
						       : TRUNK_SEC_REFUSED,
		.ssrc = (enum trunk_ssrc)f.ssrc,
		.order = order,
		.place = place_of(p, map),
	};
	read_sources(p, map, t);
	default_source(t);
	if (customer) {
		read_names(p, map, t);
		read_numbers(p, map, t->id);
	}
}

/* ---- accounts ---- */

static uint32_t
read_classes(struct parse *p, const struct yaml_node *map)
{
	static const char words[] = "origination toll_free termination international";
	uint32_t classes = 0;
	char mem[32];

	if (!yaml_get(&p->y, map, "classes")) /* calls that cost more have to be asked for */
		return CLASS_ORIGINATION | CLASS_TOLL_FREE | CLASS_TERMINATION;
	for (const struct yaml_node *n = list_of(p, map, "classes"); n; n = yaml_next(&p->y, n)) {
		enum policy_class c;
		const char *near;

		if (!is_scalar(p, n, "classes"))
			continue;
		if (policy_class_parse(n->text, &c) == ERR_OK) {
			classes |= c;
			continue;
		}
		near = schema_nearest_word(n->text, words, mem);
		report_error(p->rep, n->line, n->column,
			     "classes: \"%.*s\" is not known; %s%s%suse some of: %s",
			     STR_ARG(str_sub(n->text, 0, 64)), near ? "did you mean \"" : "",
			     near ? near : "", near ? "\"? " : "", words);
	}
	return classes;
}

static void
read_account(struct parse *p, const struct yaml_node *map)
{
	struct file_account f = {.id = ""};
	struct roster_account *a;
	uint32_t order = 0;
	struct str id;

	schema_read(&p->y, map, account_rows, ARRAY_LEN(account_rows), "account", &f, p->rep);
	if (p->e == ERR_OK)
		p->e = roster_add_account(p->r, &a);
	if (p->e != ERR_OK)
		return;
	id = keep(p, f.id);
	*a = (struct roster_account){
		.id = id,
		.name = keep(p, f.name),
		.parent = keep(p, f.parent),
		.classes = read_classes(p, map),
		.max_calls = f.max_calls,
		.attempts = f.attempts,
		.enabled = f.enabled,
		.tls_srtp = (enum tls_srtp)f.tls_srtp,
		.place = place_of(p, map),
	};
	if (id.len == 0)
		return; /* reported; its trunks belong nowhere */
	for (const struct yaml_node *n = list_of(p, map, "trunks"); n; n = yaml_next(&p->y, n))
		read_trunk(p, n, id, order++);
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
	uint32_t none, order = 0, before = p->rep->n_errors;

	schema_read(&p->y, root, root_rows, ARRAY_LEN(root_rows), "the accounts file", &none,
		    p->rep);
	for (const struct yaml_node *n = list_of(p, root, "accounts"); n && p->e == ERR_OK;
	     n = yaml_next(&p->y, n))
		read_account(p, n);
	for (const struct yaml_node *n = list_of(p, root, "carriers"); n && p->e == ERR_OK;
	     n = yaml_next(&p->y, n))
		read_trunk(p, n, STR_NULL, order++);
	/* what is between the entries, once each of them is right */
	if (p->e == ERR_OK && p->rep->n_errors == before)
		p->e = roster_check(p->r, tell_fault, p, &none);
}

enum err
accountsfile_parse(struct str text, struct conf_report *rep, struct roster *r)
{
	struct parse p = {.rep = rep, .r = r};
	uint32_t before = rep->n_errors;
	enum err e = yaml_parse(text, rep, &p.y);

	if (e != ERR_OK)
		return e;
	read_all(&p);
	yaml_fini(&p.y);
	if (p.e == ERR_FULL)
		report_error(rep, 0, 0, "more than %d accounts, %d trunks or %d numbers",
			     POLICY_ACCOUNTS_MAX, POLICY_TRUNKS_MAX, POLICY_NUMBERS_MAX);
	if (p.e != ERR_OK && p.e != ERR_FULL)
		return p.e;
	return rep->n_errors > before ? ERR_CONFIG : ERR_OK;
}

enum err
accountsfile_load(const char *path, struct conf_report *rep, struct roster *r)
{
	struct str text;
	enum err e = yaml_read_file(path, rep, &text);

	if (e != ERR_OK)
		return e;
	e = accountsfile_parse(text, rep, r);
	mem_free((void *)(uintptr_t)text.p);
	return e;
}
