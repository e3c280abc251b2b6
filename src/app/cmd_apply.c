#include "app/cmd.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/changetext.h"
#include "app/cmdline.h"
#include "app/inuse.h"
#include "conf/accountsfile.h"
#include "conf/load.h"
#include "conf/refs.h"
#include "conf/standing.h"
#include "base/clock.h"
#include "base/mem.h"
#include "policy/change.h"
#include "store/store.h"

static const char usage[] =
	"usage: postern apply [-n | --dry-run] [--json] [-c CONF] FILE\n"
	"Makes the store of accounts hold what FILE says; prints the difference first.\n"
	"  -n, --dry-run  check, and only show the difference\n"
	"  --json         print it as JSON\n"
	"Exit status: 0 applied or nothing to do, 1 errors, 2 wrong usage.\n";

enum { APPLY_ERROR_MAX = 1024 };

struct apply {
	const char *path, *file;
	const struct conf *conf;
	struct conf_report rep; /* about file */
	bool json, dry;
	bool begun; /* as JSON: the list of changes */
	bool done;
	uint32_t n_told, n;
	uint64_t version;
	char error[APPLY_ERROR_MAX]; /* the first one; "" = none */
};

/* What is found in a file: printed, and the first error kept. */
struct findings {
	struct apply *a;
	const char *file;
	struct conf_report print;
};

static void
take_finding(void *arg, const struct conf_finding *f)
{
	struct findings *x = arg;
	struct buf b;

	x->print.on_finding(x->print.arg, f);
	if (f->severity != CONF_ERROR || x->a->error[0])
		return;
	buf_init(&b, x->a->error, sizeof(x->a->error));
	buf_printf(&b, "%s:", x->file);
	if (f->line)
		buf_printf(&b, "%u:%u:", f->line, f->column);
	buf_printf(&b, " %s", f->text);
	(void)buf_cstr(&b);
}

static struct conf_report
begin_report(struct findings *x, struct apply *a, const char *file)
{
	*x = (struct findings){.a = a, .file = file};
	conf_report_stderr(&x->print, file);
	return (struct conf_report){.on_finding = take_finding, .arg = x};
}

/* An error that is none of the files. */
static void
tell_failure(struct apply *a, const char *why)
{
	fprintf(stderr, "postern apply: %s; nothing was changed\n", why);
	if (!a->error[0])
		(void)snprintf(a->error, sizeof(a->error), "%s", why);
}

enum { TOLD_MAX = 10000 }; /* differences that are printed */

/* Field i of a row on stdout as JSON. */
static void
print_field(const struct change *c, const void *row, unsigned i)
{
	static char mem[CHANGE_VALUE_MAX], quoted[CHANGE_VALUE_MAX * 6 + 8];
	struct buf b, q;

	buf_init(&b, mem, sizeof(mem));
	if (row)
		change_field_put(&b, c->what, row, i);
	buf_init(&q, quoted, sizeof(quoted));
	if (!row)
		buf_z(&q, "null");
	else if (change_field_bare(c->what, i))
		buf_str(&q, buf_view(&b));
	else
		buf_json(&q, buf_view(&b));
	fputs(buf_cstr(&q), stdout);
}

static void
print_json(const struct change *c, bool first)
{
	static const char *const how[CHANGE_HOW_N] = {"add", "remove", "edit"};
	const char *comma = "";

	printf("%s{\"what\":\"%s\",\"how\":\"%s\",\"id\":", first ? "" : ",\n",
	       change_what_name(c->what), how[c->how]);
	print_field(c, c->before ? c->before : c->after, 0);
	fputs(",\"fields\":{", stdout);
	for (unsigned i = 1; i < change_fields(c->what); i++) {
		if (c->how == CHANGE_EDIT && change_field_same(c->what, c->before, c->after, i))
			continue;
		printf("%s\"%s\":[", comma, change_field_name(c->what, i));
		print_field(c, c->before, i);
		putchar(',');
		print_field(c, c->after, i);
		putchar(']');
		comma = ",";
	}
	fputs("}}", stdout);
}

static enum err
tell_change(void *arg, const struct change *c)
{
	struct apply *a = arg;

	if (a->n_told++ >= TOLD_MAX)
		return ERR_OK;
	if (a->json)
		print_json(c, a->n_told == 1);
	else
		changetext_print(c);
	return ERR_OK;
}

/* After the differences: what was done. */
static void
tell_end(const struct apply *a)
{
	if (a->n > TOLD_MAX)
		printf("... and %u more\n", a->n - TOLD_MAX);
	if (a->n == 0)
		printf("nothing to do, version %llu\n", (unsigned long long)a->version);
	else
		printf("%u difference%s, %s, version %llu\n", a->n, a->n == 1 ? "" : "s",
		       a->done ? "applied" : "not applied", (unsigned long long)a->version);
}

/* The same as JSON, whatever came of it. */
static void
end_json(const struct apply *a, enum err e)
{
	static char mem[6 * APPLY_ERROR_MAX];
	struct buf b;

	printf("%s],\"n\":%u,\"applied\":%s,\"version\":%llu,\"ok\":%s",
	       a->begun ? "" : "{\"changes\":[", a->n, a->done ? "true" : "false",
	       (unsigned long long)a->version, e == ERR_OK ? "true" : "false");
	if (e != ERR_OK) {
		buf_init(&b, mem, sizeof(mem));
		buf_json(&b, str_from(a->error[0] ? a->error : err_text(e)));
		printf(",\"error\":%s", buf_cstr(&b));
	}
	puts("}");
}

/* What the postern that runs with this configuration works with; NULL: none runs, or it cannot be
 * asked, which is said. */
static const struct conf *
ask_running(const struct apply *a, struct conf *mem)
{
	enum err e = mem ? inuse_ask(a->conf, mem) : ERR_NOMEM;

	if (e != ERR_OK && e != ERR_NOTFOUND)
		fprintf(stderr,
			"postern apply: %s: the running postern cannot be asked (%s); what FILE "
			"names is looked up in %s alone\n",
			a->conf->control, errno ? strerror(errno) : err_text(e), a->path);
	return e == ERR_OK ? mem : NULL;
}

/* What the file alone cannot say: reports, and this node's configuration. */
static enum err
check_roster(struct apply *a, struct store *s, const struct roster *have, const struct roster *want)
{
	struct conf *mem = mem_zalloc(1, sizeof(*mem));
	struct handstore *hands;
	enum err e;

	standing_hands(a->conf->store, &hands);
	e = standing_check(s, hands, have, want, clock_wall_us(), &a->rep);
	handstore_close(&hands);
	errno = 0;
	refs_check(want, a->conf, a->path, ask_running(a, mem), &a->rep);
	mem_free(mem);
	return e == ERR_OK && a->rep.n_errors ? ERR_CONFIG : e;
}

/* Who is ready or on without a report, and why: said each time. */
static void
tell_overrides(const struct apply *a, const struct roster *want)
{
	for (uint32_t i = 0; i < want->n_accounts && !a->json; i++) {
		const struct roster_account *r = &want->account[i];

		if (r->override.len && r->tls_srtp >= TLS_SRTP_READY)
			printf("! account %.*s is %s by override: %.*s\n", STR_ARG(r->id),
			       tls_srtp_name(r->tls_srtp), STR_ARG(r->override));
	}
}

/* Compare with the store, check, print, write. */
static enum err
apply_roster(struct apply *a, struct store *s, struct roster *want)
{
	struct roster have;
	enum err e;

	roster_init(&have);
	e = store_read(s, &have);
	a->version = have.version;
	a->begun = e == ERR_OK && a->json;
	if (a->begun)
		fputs("{\"changes\":[", stdout);
	if (e == ERR_OK)
		e = change_walk(&have, want, tell_change, a, &a->n);
	if (e == ERR_OK) {
		tell_overrides(a, want);
		e = check_roster(a, s, &have, want);
	}
	if (e == ERR_OK && !a->dry && a->n)
		e = store_write(s, want, have.version, &a->version);
	a->done = e == ERR_OK && !a->dry && a->n;
	if (e == ERR_OK && !a->json)
		tell_end(a);
	if (e == ERR_CONFIG && a->rep.n_errors)
		fprintf(stderr, "postern apply: nothing was changed\n");
	else if (e != ERR_OK)
		tell_failure(a, store_why(s)[0] ? store_why(s) : err_text(e));
	roster_fini(&have);
	return e;
}

/* FILE has errors: what can be found besides is said, too. */
static enum err
check_only(struct apply *a, struct store *s, const struct roster *want)
{
	struct roster have;
	enum err e;

	roster_init(&have);
	e = store_read(s, &have);
	if (e == ERR_OK)
		e = check_roster(a, s, &have, want);
	roster_fini(&have);
	return e == ERR_NOMEM ? e : ERR_CONFIG;
}

static enum err
run_apply(struct apply *a, struct conf *c)
{
	struct findings of_conf, of_file;
	struct conf_report rep = begin_report(&of_conf, a, a->path);
	char why[STORE_WHY_MAX];
	struct store *s = NULL;
	struct roster want;
	enum err e, read;

	roster_init(&want);
	a->rep = begin_report(&of_file, a, a->file);
	e = conf_load(a->path, &rep, c);
	read = accountsfile_load(a->file, &a->rep, &want);
	a->conf = c;
	if (e == ERR_OK) {
		e = store_open(c->store, &s, why);
		if (e != ERR_OK) {
			fprintf(stderr, "postern apply: %s: %s\n", c->store, why);
			(void)snprintf(a->error, sizeof(a->error), "%s: %s", c->store, why);
		}
	}
	if (e == ERR_OK && read == ERR_OK)
		e = apply_roster(a, s, &want);
	else if (e == ERR_OK && read == ERR_CONFIG)
		e = check_only(a, s, &want);
	else if (e == ERR_OK)
		e = read;
	if (read == ERR_CONFIG)
		fprintf(stderr, "postern apply: nothing was changed\n");
	store_close(&s);
	roster_fini(&want);
	return e;
}

int
cmd_apply(int argc, char **argv)
{
	static const struct cmdline_option options[] = {
		CMDLINE_CONF_REQUIRED,
		CMDLINE_JSON,
		{'n', "--dry-run", NULL, NULL, false},
		{'n', "-n", NULL, NULL, false},
	};
	static const struct cmdline_spec spec = {.word = "apply",
						 .usage = usage,
						 .option = options,
						 .n = ARRAY_LEN(options),
						 .operand = "FILE",
						 .operand_is = "the file of the accounts",
						 .operand_example = "-c /etc/postern/postern.yaml "
								    "/etc/postern/accounts.yaml",
						 .operand_required = true};
	struct cmdline line = {.spec = &spec, .argc = argc, .argv = argv};
	struct apply a = {0};
	struct conf *c;
	int opt;
	enum err e;

	while ((opt = cmdline_next(&line)) > 0) {
		if (opt == 'c')
			a.path = line.value;
		a.dry |= opt == 'n';
		a.json |= opt == 'j';
	}
	if (opt != CMDLINE_DONE)
		return cmdline_status(opt);
	a.file = line.operand;
	c = mem_zalloc(1, sizeof(*c));
	e = c ? run_apply(&a, c) : ERR_NOMEM;
	mem_free(c);
	if (e == ERR_NOMEM)
		fprintf(stderr, "postern apply: %s\n", err_text(e));
	if (a.json)
		end_json(&a, e);
	return e == ERR_OK ? 0 : 1;
}
