#include "conf/accountsfile.h"

#include <string.h>

#include "conf/interop.h"
#include "conf/schema.h"
#include "conf/value.h"
#include "policy/faults.h"
#include "base/mem.h"

enum {
	WORDS_MAX = 80,       /* words of one map */
	CARRIER_DEFAULT = 10, /* priority and weight */
	PATH_MAX_LEN = 512,
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
place_of(const struct value_reader *p, const struct yaml_node *n)
{
	return (uint32_t)(n - p->y.node);
}

/* The first entry of a list under map; NULL when there is none, or something else (reported). */
static const struct yaml_node *
list_of(struct value_reader *p, const struct yaml_node *map, const char *word)
{
	const struct yaml_node *n = yaml_get(&p->y, map, word);

	return n && value_expect(p, n, word, YAML_LIST, "a list") ? yaml_first(&p->y, n) : NULL;
}

/* ---- entries ---- */

/* The entry of map is read: was anything reported since there were `before` errors? */
static void
note_entry(struct value_reader *p, const struct yaml_node *map, struct str id, uint32_t before)
{
	p->wrong[place_of(p, map)] = p->rep->n_errors > before;
	p->no_id |= id.len == 0;
}

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
check_words(struct value_reader *p, const struct entry *e, const struct yaml_node *map,
	    struct str inner)
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
find_node(struct value_reader *p, const struct entry *e, unsigned i)
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
read_entry(struct value_reader *p, const struct entry *e)
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
			value_read(p, n, f, e->row);
		else if ((f->use & FIELD_REQUIRED) && !(f->use & e->skip))
			report_error(p->rep, e->map->line, e->map->column,
				     "%s: \"%.*s\" is missing; %s", e->what,
				     STR_ARG(word_of(e, f, STR_NULL)), f->help);
	}
}

/* ---- trunks ---- */

static void
read_numbers(struct value_reader *p, const struct yaml_node *map, struct str trunk)
{
	for (const struct yaml_node *n = list_of(p, map, "numbers"); n; n = yaml_next(&p->y, n)) {
		struct roster_number *number;
		uint64_t key;

		if (!value_expect(p, n, "numbers", YAML_SCALAR, "a text"))
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
default_trunk(struct value_reader *p, const struct yaml_node *map, struct roster_trunk *t)
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
read_trunk(struct value_reader *p, const struct yaml_node *map, struct str account, uint32_t order)
{
	bool customer = account.len != 0;
	struct entry e = {map,
			  ROSTER_TRUNK,
			  NULL,
			  customer ? FIELD_CARRIER : FIELD_CUSTOMER,
			  customer ? "trunk" : "carrier",
			  customer ? "fqdn" : "host",
			  customer ? "numbers" : ""};
	uint32_t before = p->rep->n_errors;
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
	note_entry(p, map, t->id, before);
	if (customer)
		read_numbers(p, map, t->id);
}

/* ---- accounts ---- */

/* `emergency` has one more word, which says how the others are meant. */
static void
check_emergency(struct value_reader *p, const struct yaml_node *map, struct roster_account *a)
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
check_account(struct value_reader *p, const struct yaml_node *map, struct roster_account *a)
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
read_account(struct value_reader *p, const struct yaml_node *map)
{
	struct entry e = {map, ROSTER_ACCOUNT, NULL, 0, "account", "", "trunks"};
	uint32_t order = 0, before = p->rep->n_errors;
	struct roster_account *a;
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
	note_entry(p, map, id, before);
	if (id.len == 0)
		return; /* reported; its trunks belong nowhere */
	for (const struct yaml_node *n = list_of(p, map, "trunks"); n; n = yaml_next(&p->y, n))
		read_trunk(p, n, id, order++);
}

static void
read_rate(struct value_reader *p, const struct yaml_node *map)
{
	struct entry e = {map, ROSTER_RATE, NULL, 0, "rate", "", ""};
	uint32_t before = p->rep->n_errors;
	struct roster_rate *rate;

	if (p->e == ERR_OK)
		p->e = roster_add_rate(p->r, &rate);
	if (p->e != ERR_OK)
		return;
	rate->place = place_of(p, map);
	e.row = rate;
	read_entry(p, &e);
	note_entry(p, map, STR("rate"), before);
}

static void
read_route(struct value_reader *p, const struct yaml_node *map)
{
	struct entry e = {map, ROSTER_ROUTE, NULL, 0, "route", "", ""};
	uint32_t before = p->rep->n_errors;
	struct roster_route *route;

	if (p->e == ERR_OK)
		p->e = roster_add_route(p->r, &route);
	if (p->e != ERR_OK)
		return;
	route->place = place_of(p, map);
	e.row = route;
	read_entry(p, &e);
	note_entry(p, map, route->id, before);
}

static void
read_group(struct value_reader *p, const struct yaml_node *map)
{
	struct entry e = {map, ROSTER_GROUP, NULL, 0, "group", "", ""};
	uint32_t before = p->rep->n_errors;
	struct roster_group *group;

	if (p->e == ERR_OK)
		p->e = roster_add_group(p->r, &group);
	if (p->e != ERR_OK)
		return;
	group->place = place_of(p, map);
	e.row = group;
	read_entry(p, &e);
	note_entry(p, map, group->id, before);
}

static void
tell_fault(void *arg, const struct roster_fault *f)
{
	struct value_reader *p = arg;
	const struct yaml_node *n = &p->y.node[f->place];

	if (p->wrong[f->place])
		return; /* it may come of what was reported of this entry */
	report_error(p->rep, n->line, n->column, "%s", f->text);
}

/* One sentence says more than one about each of its words. */
static bool
is_configuration(struct value_reader *p, const struct yaml_node *root)
{
	const struct yaml_node *n = yaml_get(&p->y, root, "listeners");

	if (!n || yaml_get(&p->y, root, "accounts") || yaml_get(&p->y, root, "carriers"))
		return false;
	report_error(p->rep, n->key_line, n->key_column,
		     "this is the configuration of a node, no file of accounts; give it with -c, "
		     "and the accounts, such as /etc/postern/accounts.yaml, behind it");
	return true;
}

static void
read_all(struct value_reader *p)
{
	const struct yaml_node *root = &p->y.node[0];
	static const struct schema root_rows[] = {{.name = "accounts", .type = SCHEMA_NODE},
						  {.name = "carriers", .type = SCHEMA_NODE},
						  {.name = "rates", .type = SCHEMA_NODE},
						  {.name = "routes", .type = SCHEMA_NODE},
						  {.name = "groups", .type = SCHEMA_NODE}};
	uint32_t none, order = 0;

	if (is_configuration(p, root))
		return;
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
	for (const struct yaml_node *n = list_of(p, root, "groups"); n && p->e == ERR_OK;
	     n = yaml_next(&p->y, n))
		read_group(p, n);
	/* what is between the entries */
	if (p->e == ERR_OK && !p->no_id)
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
keep_places(struct value_reader *p)
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
	struct value_reader p = {.rep = rep, .r = r, .dir = dir, .mem = mem_zalloc(1, VALUE_MAX)};
	uint32_t before = rep->n_errors;
	enum err e = p.mem ? yaml_parse(text, rep, &p.y) : ERR_NOMEM;

	if (e == ERR_OK) {
		p.wrong = mem_zalloc(p.y.n, sizeof(*p.wrong));
		p.e = p.wrong ? ERR_OK : ERR_NOMEM;
		if (p.wrong)
			read_all(&p);
		keep_places(&p);
		yaml_fini(&p.y);
		if (p.e == ERR_FULL)
			report_error(rep, 0, 0,
				     "more than %d accounts, %d trunks, %d numbers, %d rates, "
				     "%d routes or %d groups",
				     POLICY_ACCOUNTS_MAX, POLICY_TRUNKS_MAX, POLICY_NUMBERS_MAX,
				     POLICY_RATES_MAX, POLICY_ROUTES_MAX, POLICY_GROUPS_MAX);
		e = p.e == ERR_FULL ? ERR_OK : p.e;
	}
	mem_free(p.wrong);
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
