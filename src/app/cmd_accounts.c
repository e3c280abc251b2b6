#include "app/cmd.h"

#include <stdio.h>
#include <string.h>

#include "app/cmdline.h"
#include "conf/load.h"
#include "conf/standing.h"
#include "base/clock.h"
#include "base/mem.h"
#include "policy/change.h"
#include "store/store.h"

enum { COLUMNS_MAX = 12, CELL_MAX = 48 };

static const char readiness[] = "readiness"; /* a column that no field is */

static const struct cmdline_option options[] = {
	CMDLINE_CONF_REQUIRED,
	CMDLINE_JSON,
	{'a', "--account", "the id of an account", "acme", false}, /* not of accounts */
	{'t', "--trunk", "the id of a trunk", "acme-pbx", false},  /* of numbers only */
};
enum { OPTIONS_OF_ACCOUNTS = 2, OPTIONS_OF_TRUNKS = 3, OPTIONS_OF_NUMBERS = 4 };

/* A list command: which kind, and which of its fields the table for people shows. */
struct listing {
	enum roster_kind what;
	struct cmdline_spec spec;
	const char *column[COLUMNS_MAX + 1];
};

static const struct listing accounts = {ROSTER_ACCOUNT,
					{.word = "accounts",
					 .usage = "usage: postern accounts [--json] [-c CONF] "
						  "[ID]\nLists the accounts of the store; "
						  "with an ID, all about one.\n",
					 .option = options,
					 .n = OPTIONS_OF_ACCOUNTS,
					 .operand = "ID"},
					{"id", "name", "parent", "enabled", "tls_srtp", readiness,
					 "override", "max_calls", "services", NULL}};
static const struct listing trunks = {
	ROSTER_TRUNK,
	{.word = "trunks",
	 .usage = "usage: postern trunks [--json] [--account ID] [-c CONF] [ID]\nLists the trunks "
		  "and carriers of the store; with an ID, all about one.\n",
	 .option = options,
	 .n = OPTIONS_OF_TRUNKS,
	 .operand = "ID"},
	{"id", "kind", "account", "enabled", "host", "port", "transport", "security", "identity",
	 "direction", "priority", "sources", NULL}};
static const struct listing numbers = {
	ROSTER_NUMBER,
	{.word = "numbers",
	 .usage = "usage: postern numbers [--json] [--account ID] [--trunk ID] [-c CONF] "
		  "[NUMBER]\nLists the numbers and prefixes of the store; with a NUMBER, the one "
		  "that serves it: itself, or the longest prefix.\n",
	 .option = options,
	 .n = OPTIONS_OF_NUMBERS,
	 .operand = "NUMBER"},
	{"number", "trunk", NULL}};

static const struct listing routes = {
	ROSTER_ROUTE,
	{.word = "routes",
	 .usage = "usage: postern routes [--json] [--account ID] [-c CONF] [ID]\nLists the routes "
		  "of the store; with an ID, all about one.\n",
	 .option = options,
	 .n = OPTIONS_OF_TRUNKS,
	 .operand = "ID"},
	{"id", "enabled", "account", "prefix", "classes", "week", "to", "weight", NULL}};

static const struct listing groups = {
	ROSTER_GROUP,
	{.word = "groups",
	 .usage = "usage: postern groups [--json] [-c CONF] [ID]\nLists what carriers of a group "
		  "share; with an ID, all about one.\n",
	 .option = options,
	 .n = OPTIONS_OF_ACCOUNTS,
	 .operand = "ID"},
	{"id", "max_calls", "attempts", "hunt", "stop", NULL}};

static const struct listing rates = {
	ROSTER_RATE,
	{.word = "rates",
	 .usage =
		 "usage: postern rates [--json] [-c CONF] [PREFIX]\nLists the prices of calls from "
		 "customers, a minute, and the seconds that are counted at a time; with a PREFIX "
		 "or "
		 "number, the one that counts for it: the longest prefix.\n",
	 .option = options,
	 .n = OPTIONS_OF_ACCOUNTS,
	 .operand = "PREFIX"},
	{"prefix", "price", "increment", NULL}};

/* One run of a command. */
struct run {
	const struct listing *l;
	const char *path, *account, *trunk, *id; /* id: of the one row that is shown whole */
	uint64_t serves; /* numbers, rates with an id: key of the entry for it; 0 = none */
	struct number_plan plan;
	bool json;
	struct roster r;
	struct store *s;
	struct handstore *hands;
	char mem[CHANGE_VALUE_MAX], quoted[CHANGE_VALUE_MAX * 6 + 8];
};

/* ---- which rows ---- */

/* Is it asked for by what it covers, not by its own name? */
static bool
is_of_numbers(enum roster_kind k)
{
	return k == ROSTER_NUMBER || k == ROSTER_RATE;
}

/* Is trunk one of this account? */
static bool
is_of(const struct run *run, struct str trunk, const char *account)
{
	for (uint32_t i = 0; i < run->r.n_trunks; i++)
		if (str_eqz(run->r.trunk[i].account, account) && str_eq(run->r.trunk[i].id, trunk))
			return true;
	return false;
}

static bool
is_wanted(void *arg, const void *row)
{
	struct run *run = arg;
	const struct roster_number *n = row;
	const struct roster_trunk *t = row;
	const struct roster_route *route = row;
	const struct roster_rate *rate = row;
	struct buf b;

	if (run->id && !is_of_numbers(run->l->what)) {
		buf_init(&b, run->mem, sizeof(run->mem));
		change_field_put(&b, run->l->what, row, 0);
		if (!str_eqz(buf_view(&b), run->id))
			return false;
	}
	if (run->l->what == ROSTER_TRUNK)
		return !run->account || str_eqz(t->account, run->account);
	if (run->l->what == ROSTER_ROUTE)
		return !run->account || str_eqz(route->account, run->account);
	if (run->l->what == ROSTER_RATE)
		return !run->id || rate->key == run->serves;
	if (run->l->what == ROSTER_NUMBER)
		return (!run->id || n->key == run->serves) &&
		       (!run->account || is_of(run, n->trunk, run->account)) &&
		       (!run->trunk || str_eqz(n->trunk, run->trunk));
	return true;
}

/* ---- readiness of an account ---- */

static struct standing
standing_at(struct run *run, const void *row)
{
	const struct roster_account *a = row;
	struct standing s = {.state = STANDING_NONE};

	(void)!standing_of(run->s, run->hands, a->id, clock_wall_us(), &s);
	return s;
}

/* "passed 2026-11-22" */
static void
put_standing(struct buf *b, const struct standing *s)
{
	size_t from;

	buf_z(b, standing_word(s->state));
	if (!s->at_us)
		return;
	buf_char(b, ' ');
	from = b->len;
	clock_put_utc(b, s->at_us);
	if (!b->failed)
		b->len = from + 10; /* the day */
}

static void
print_standing_json(struct run *run, const void *row)
{
	struct standing s = standing_at(run, row);
	struct buf b;

	buf_init(&b, run->mem, sizeof(run->mem));
	buf_printf(&b, ",\"readiness\":{\"state\":\"%s\"", standing_word(s.state));
	if (s.at_us) {
		buf_z(&b, ",\"at\":\"");
		clock_put_utc(&b, s.at_us);
		buf_z(&b, "\",\"fqdn\":");
		buf_json(&b, str_from(s.fqdn));
	}
	buf_char(&b, '}');
	fputs(buf_cstr(&b), stdout);
}

/* ---- tables ---- */

/* A cell of the table: what is empty as "-", what is long cut. Number of the field, or of no
 * field: readiness. */
static const char *
cell_text(struct run *run, const void *row, unsigned field)
{
	struct standing s;
	struct buf b;

	buf_init(&b, run->mem, sizeof(run->mem));
	if (field < change_fields(run->l->what)) {
		change_field_show(&b, run->l->what, row, field);
	} else {
		s = standing_at(run, row);
		put_standing(&b, &s);
	}
	if (b.len == 0)
		buf_char(&b, '-');
	if (b.len > CELL_MAX) {
		b.len = CELL_MAX - 2;
		buf_z(&b, "..");
	}
	return buf_cstr(&b);
}

static unsigned
field_index(enum roster_kind w, const char *name)
{
	unsigned i = 0;

	while (i < change_fields(w) && !str_eqz(str_from(name), change_field_name(w, i)))
		i++;
	return i;
}

static void
print_table(struct run *run)
{
	const struct listing *l = run->l;
	unsigned field[COLUMNS_MAX], width[COLUMNS_MAX], n = 0;

	for (; l->column[n]; n++) {
		field[n] = field_index(l->what, l->column[n]);
		width[n] = (unsigned)strlen(l->column[n]);
	}
	for (uint32_t i = 0; i < roster_count(&run->r, l->what); i++)
		for (unsigned k = 0; k < n; k++) {
			const char *z = cell_text(run, roster_row(&run->r, l->what, i), field[k]);
			unsigned len = (unsigned)strlen(z);

			width[k] = len > width[k] ? len : width[k];
		}
	for (unsigned k = 0; k < n; k++)
		printf("%-*s%s", k + 1 < n ? (int)width[k] + 2 : 0, l->column[k],
		       k + 1 < n ? "" : "\n");
	for (uint32_t i = 0; i < roster_count(&run->r, l->what); i++)
		for (unsigned k = 0; k < n; k++)
			printf("%-*s%s", k + 1 < n ? (int)width[k] + 2 : 0,
			       cell_text(run, roster_row(&run->r, l->what, i), field[k]),
			       k + 1 < n ? "" : "\n");
}

/* ---- one row ---- */

/* "name: value"; lines of a longer one stand below it. */
static void
print_value(const char *name, struct str value)
{
	if (str_chr(value, '\n') == value.len) {
		printf("%s: %.*s\n", name, STR_ARG(value));
		return;
	}
	printf("%s:\n", name);
	while (value.len) {
		struct str line = str_cut(&value, '\n');

		printf("    %.*s\n", STR_ARG(line));
	}
}

static void
print_report(struct run *run, const struct roster_account *a)
{
	struct standing s = standing_at(run, a);
	struct store_report *last = NULL;
	struct buf b;

	buf_init(&b, run->mem, sizeof(run->mem));
	put_standing(&b, &s);
	printf("readiness: %s: %s\n", buf_cstr(&b), standing_text(s.state));
	if (store_report_read(run->s, a->id, false, &last) != ERR_OK)
		return;
	buf_reset(&b);
	clock_put_utc(&b, last->at_us);
	printf("last report: %s of %.*s at %s", last->passed ? "passed" : "failed",
	       STR_ARG(last->fqdn), buf_cstr(&b));
	if (last->issuer.len)
		printf(", certificate %.*s issued by %.*s", STR_ARG(last->names),
		       STR_ARG(last->issuer));
	putchar('\n');
	store_report_free(&last);
}

static void
print_whole(struct run *run, const void *row)
{
	enum roster_kind w = run->l->what;
	struct buf b;

	for (unsigned i = 0; i < change_fields(w); i++) {
		buf_init(&b, run->mem, sizeof(run->mem));
		change_field_show(&b, w, row, i);
		if (b.len)
			print_value(change_field_name(w, i), buf_view(&b));
	}
	if (w != ROSTER_ACCOUNT)
		return;
	print_report(run, row);
	for (uint32_t i = 0; i < run->r.n_trunks; i++)
		if (str_eqz(run->r.trunk[i].account, run->id))
			printf("trunk: %.*s %.*s\n", STR_ARG(run->r.trunk[i].id),
			       STR_ARG(run->r.trunk[i].host));
}

/* ---- JSON ---- */

static void
print_row_json(struct run *run, const void *row)
{
	enum roster_kind w = run->l->what;

	for (unsigned k = 0; k < change_fields(w); k++) {
		struct buf b, q;

		buf_init(&b, run->mem, sizeof(run->mem));
		change_field_put(&b, w, row, k);
		buf_init(&q, run->quoted, sizeof(run->quoted));
		if (change_field_bare(w, k))
			buf_str(&q, buf_view(&b));
		else
			buf_json(&q, buf_view(&b));
		printf("%s\"%s\":%s", k ? "," : "{", change_field_name(w, k), buf_cstr(&q));
	}
	if (w == ROSTER_ACCOUNT)
		print_standing_json(run, row);
}

/* The newest report, which is a JSON object of its own. */
static void
print_report_json(struct run *run, struct str account)
{
	struct store_report *last = NULL;

	if (store_report_read(run->s, account, false, &last) == ERR_OK && last->json.len)
		printf(",\"report\":%.*s", STR_ARG(last->json));
	store_report_free(&last);
}

static void
print_json(struct run *run)
{
	const struct listing *l = run->l;

	printf("{\"version\":%llu,\"%s\":[", (unsigned long long)run->r.version, l->spec.word);
	for (uint32_t i = 0; i < roster_count(&run->r, l->what); i++) {
		fputs(i ? ",\n" : "\n", stdout);
		print_row_json(run, roster_row(&run->r, l->what, i));
		if (run->id && l->what == ROSTER_ACCOUNT)
			print_report_json(run, str_from(run->id));
		putchar('}');
	}
	puts("]}");
}

/* ---- the command ---- */

static enum err
open_run(struct run *run)
{
	struct conf *c = mem_zalloc(1, sizeof(*c));
	struct conf_report rep;
	char why[STORE_WHY_MAX];
	enum err e;

	if (!c)
		return ERR_NOMEM;
	conf_report_stderr(&rep, run->path);
	e = conf_load(run->path, &rep, c);
	run->plan = c->numbers;
	if (e == ERR_OK) {
		e = store_open(c->store, &run->s, why);
		if (e != ERR_OK)
			fprintf(stderr, "postern %s: %s: %s\n", run->l->spec.word, c->store, why);
	}
	if (e == ERR_OK) {
		standing_hands(c->store, &run->hands);
		e = store_read(run->s, &run->r);
		if (e != ERR_OK)
			fprintf(stderr, "postern %s: %s\n", run->l->spec.word, store_why(run->s));
	}
	mem_free(c);
	return e;
}

/* Filters by something that is not there show nothing, and would look like an answer. */
static enum err
check_filters(const struct run *run)
{
	bool account = !run->account, trunk = !run->trunk;

	for (uint32_t i = 0; i < run->r.n_accounts && !account; i++)
		account = str_eqz(run->r.account[i].id, run->account);
	for (uint32_t i = 0; i < run->r.n_trunks && !trunk; i++)
		trunk = str_eqz(run->r.trunk[i].id, run->trunk);
	if (!account)
		fprintf(stderr,
			"postern %s: there is no account \"%.80s\"; postern accounts lists all\n",
			run->l->spec.word, run->account);
	else if (!trunk)
		fprintf(stderr,
			"postern %s: there is no trunk \"%.80s\"; postern trunks lists all\n",
			run->l->spec.word, run->trunk);
	return account && trunk ? ERR_OK : ERR_NOTFOUND;
}

/* Key of the entry for this number or prefix, written with its "+"; 0 = there is none. */
static uint64_t
serving_key(const struct run *run, struct str pattern)
{
	const struct roster_number *n;
	const struct roster_rate *rate;

	if (run->l->what == ROSTER_NUMBER) {
		n = roster_number_of(&run->r, pattern);
		return n ? n->key : 0;
	}
	rate = roster_rate_of(&run->r, pattern);
	return rate ? rate->key : 0;
}

/* The entry for the operand: as it stands, as the number that a call to it would be to, or, of a
 * prefix, behind a "+". */
static uint64_t
find_serving(const struct run *run)
{
	char mem[NUMBER_INPUT_MAX + 2];
	struct number number;
	struct buf b;
	uint64_t key = serving_key(run, str_from(run->id));

	if (!key && number_read(&run->plan, str_from(run->id), &number) == ERR_OK)
		key = serving_key(run, str_from(number.z));
	buf_init(&b, mem, sizeof(mem));
	buf_printf(&b, "+%.*s", NUMBER_INPUT_MAX, run->id);
	return key ? key : serving_key(run, buf_view(&b));
}

static enum err
show_rows(struct run *run)
{
	bool any = roster_count(&run->r, run->l->what) > 0;

	if (check_filters(run) != ERR_OK)
		return ERR_NOTFOUND;
	if (run->id && is_of_numbers(run->l->what))
		run->serves = find_serving(run);
	roster_filter(&run->r, run->l->what, is_wanted, run);
	if (run->id && roster_count(&run->r, run->l->what) == 0) {
		fprintf(stderr, "postern %s: there is no \"%s\"; %spostern %s lists all\n",
			run->l->spec.word, run->id,
			any && run->l->what == ROSTER_RATE
				? "such calls are counted as the dearest, toll-free ones as free; "
				: "",
			run->l->spec.word);
		return ERR_NOTFOUND;
	}
	if (run->json)
		print_json(run);
	else if (run->id)
		print_whole(run, roster_row(&run->r, run->l->what, 0));
	else if (!any && run->l->what == ROSTER_RATE)
		puts("no rates are set: calls cost nothing, and max_spend stops none; "
		     "international_minutes counts all the same");
	else
		print_table(run);
	return ERR_OK;
}

/* cmdline_next's last answer. */
static int
read_options(struct run *run, int argc, char **argv)
{
	struct cmdline c = {.spec = &run->l->spec, .argc = argc, .argv = argv};
	int opt;

	while ((opt = cmdline_next(&c)) > 0) {
		if (opt == 'c')
			run->path = c.value;
		else if (opt == 'j')
			run->json = true;
		else if (opt == 'a')
			run->account = c.value;
		else
			run->trunk = c.value;
	}
	run->id = c.operand;
	return opt;
}

static int
run_listing(const struct listing *l, int argc, char **argv)
{
	struct run *run = mem_zalloc(1, sizeof(*run));
	enum err e;
	int opt;

	if (!run)
		return 1;
	run->l = l;
	opt = read_options(run, argc, argv);
	if (opt != CMDLINE_DONE) {
		mem_free(run);
		return cmdline_status(opt);
	}
	roster_init(&run->r);
	e = open_run(run);
	if (e == ERR_OK)
		e = show_rows(run);
	roster_fini(&run->r);
	handstore_close(&run->hands);
	store_close(&run->s);
	mem_free(run);
	return e == ERR_OK ? 0 : 1;
}

int
cmd_accounts(int argc, char **argv)
{
	return run_listing(&accounts, argc, argv);
}

int
cmd_trunks(int argc, char **argv)
{
	return run_listing(&trunks, argc, argv);
}

int
cmd_numbers(int argc, char **argv)
{
	return run_listing(&numbers, argc, argv);
}

int
cmd_routes(int argc, char **argv)
{
	return run_listing(&routes, argc, argv);
}

int
cmd_groups(int argc, char **argv)
{
	return run_listing(&groups, argc, argv);
}

int
cmd_rates(int argc, char **argv)
{
	return run_listing(&rates, argc, argv);
}
