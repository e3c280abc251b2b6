#include "app/cmd.h"

#include <getopt.h>
#include <stdio.h>

#include "app/conf.h"
#include "base/mem.h"
#include "policy/change.h"
#include "store/store.h"

enum { COLUMNS_MAX = 12, CELL_MAX = 48 };

/* A list command: which kind, and which of its fields the table for people shows. */
struct listing {
	const char *word;
	enum roster_kind what;
	const char *column[COLUMNS_MAX + 1];
};

static const struct listing accounts = {
	"accounts",
	ROSTER_ACCOUNT,
	{"id", "name", "enabled", "tls_srtp", "max_calls", "services", NULL}};
static const struct listing trunks = {"trunks",
				      ROSTER_TRUNK,
				      {"id", "kind", "account", "enabled", "host", "port",
				       "transport", "security", "direction", "priority", "sources",
				       NULL}};
static const struct listing numbers = {"numbers", ROSTER_NUMBER, {"number", "trunk", NULL}};

static unsigned
field_index(enum roster_kind w, const char *name)
{
	unsigned i = 0;

	while (i < change_fields(w) && !str_eqz(str_from(name), change_field_name(w, i)))
		i++;
	return i;
}

/* Field i for the table: what is empty as "-", what is long cut. */
static const char *
cell_text(enum roster_kind w, const void *row, unsigned i, char mem[CHANGE_VALUE_MAX])
{
	struct buf b;

	buf_init(&b, mem, CHANGE_VALUE_MAX);
	change_field_put(&b, w, row, i);
	if (b.len == 0)
		buf_char(&b, '-');
	if (b.len > CELL_MAX) {
		b.len = CELL_MAX - 2;
		buf_z(&b, "..");
	}
	return buf_cstr(&b);
}

static void
print_table(const struct listing *l, const struct roster *r)
{
	static char mem[CHANGE_VALUE_MAX];
	unsigned field[COLUMNS_MAX], width[COLUMNS_MAX], n = 0;

	for (; l->column[n]; n++) {
		field[n] = field_index(l->what, l->column[n]);
		width[n] = (unsigned)str_from(l->column[n]).len;
	}
	for (uint32_t i = 0; i < roster_count(r, l->what); i++)
		for (unsigned k = 0; k < n; k++) {
			const char *z =
				cell_text(l->what, roster_row(r, l->what, i), field[k], mem);
			unsigned len = (unsigned)str_from(z).len;

			width[k] = len > width[k] ? len : width[k];
		}
	for (unsigned k = 0; k < n; k++)
		printf("%-*s%s", k + 1 < n ? (int)width[k] + 2 : 0, l->column[k],
		       k + 1 < n ? "" : "\n");
	for (uint32_t i = 0; i < roster_count(r, l->what); i++)
		for (unsigned k = 0; k < n; k++)
			printf("%-*s%s", k + 1 < n ? (int)width[k] + 2 : 0,
			       cell_text(l->what, roster_row(r, l->what, i), field[k], mem),
			       k + 1 < n ? "" : "\n");
}

static void
print_json(const struct listing *l, const struct roster *r)
{
	static char mem[CHANGE_VALUE_MAX], quoted[CHANGE_VALUE_MAX * 6 + 8];

	printf("{\"version\":%llu,\"%s\":[", (unsigned long long)r->version, l->word);
	for (uint32_t i = 0; i < roster_count(r, l->what); i++) {
		for (unsigned k = 0; k < change_fields(l->what); k++) {
			struct buf b, q;

			buf_init(&b, mem, sizeof(mem));
			change_field_put(&b, l->what, roster_row(r, l->what, i), k);
			buf_init(&q, quoted, sizeof(quoted));
			if (change_field_bare(l->what, k))
				buf_str(&q, buf_view(&b));
			else
				buf_json(&q, buf_view(&b));
			printf("%s\"%s\":%s",
			       k   ? ","
			       : i ? ",\n{"
				   : "\n{",
			       change_field_name(l->what, k), buf_cstr(&q));
		}
		putchar('}');
	}
	puts("]}");
}

static enum err
read_roster(const struct listing *l, const char *path, struct roster *r)
{
	struct conf *c = mem_zalloc(1, sizeof(*c));
	struct conf_report rep;
	char why[STORE_WHY_MAX];
	struct store *s = NULL;
	enum err e;

	if (!c)
		return ERR_NOMEM;
	conf_report_stderr(&rep, path);
	e = conf_load(path, &rep, c);
	if (e == ERR_OK) {
		e = store_open(c->store, &s, why);
		if (e != ERR_OK)
			fprintf(stderr, "postern %s: %s: %s\n", l->word, c->store, why);
	}
	if (s) {
		e = store_read(s, r);
		if (e != ERR_OK)
			fprintf(stderr, "postern %s: %s\n", l->word, store_why(s));
	}
	store_close(&s);
	mem_free(c);
	return e;
}

static int
tell_usage(const struct listing *l, bool asked)
{
	fprintf(asked ? stdout : stderr,
		"usage: postern %s [--json] -c CONF\nLists the %s of the store.\n", l->word,
		l->word);
	return asked ? 0 : 2;
}

static int
run_listing(const struct listing *l, int argc, char **argv)
{
	static const struct option longs[] = {{"json", no_argument, NULL, 'j'},
					      {"help", no_argument, NULL, 'h'},
					      {NULL, 0, NULL, 0}};
	const char *path = NULL;
	bool json = false;
	struct roster r;
	int opt;
	enum err e;

	while ((opt = getopt_long(argc, argv, "c:h", longs, NULL)) != -1) {
		if (opt == 'c')
			path = optarg;
		else if (opt == 'j')
			json = true;
		else
			return tell_usage(l, opt == 'h');
	}
	if (!path || optind != argc)
		return tell_usage(l, false);
	roster_init(&r);
	e = read_roster(l, path, &r);
	if (e == ERR_OK && json)
		print_json(l, &r);
	else if (e == ERR_OK)
		print_table(l, &r);
	roster_fini(&r);
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
