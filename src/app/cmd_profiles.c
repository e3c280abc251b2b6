/* postern profiles: the profiles of providers that there are, and where each is from. */
#include "app/cmd.h"

#include <stdio.h>
#include <string.h>

#include "app/cmdline.h"
#include "base/mem.h"
#include "conf/profile.h"
#include "ready/profile.h"

enum { HEAD_MAX = 8192 }; /* of a profile as JSON, without its text */

static const char usage[] =
	"usage: postern profiles [--json] [NAME]\n\n"
	"Lists the profiles that interop of a trunk and --profile of postern ready may name,\n"
	"and where each is from: a file, or this program itself; with a NAME, what it says.\n";

/* One profile. */
struct entry {
	char from[CONFPROFILE_PATH_MAX];
	struct str text; /* mem_free((void *)text.p) */
	struct ready_profile profile;
};

/* False: it cannot be read, or what it says is wrong, which stands on standard error. */
static bool
read_entry(const char *name, struct entry *out)
{
	struct conf_report rep;
	enum err e;

	out->text = STR_NULL;
	conf_report_stderr(&rep, out->from);
	e = confprofile_read(str_from(name), ".", &rep, out->from, &out->text);
	if (e == ERR_OK)
		e = readyprofile_parse(out->text, &rep, &out->profile);
	if (e == ERR_NOTFOUND)
		fprintf(stderr,
			"postern profiles: there is no \"%.80s\"; postern profiles lists all\n",
			name);
	return e == ERR_OK;
}

static void
drop_entry(struct entry *x)
{
	mem_free((void *)(uintptr_t)x->text.p);
	x->text = STR_NULL;
}

/* text: with what it says. False: no memory. */
static bool
print_json(const char *name, const struct entry *x, bool text)
{
	size_t size = HEAD_MAX + (text ? 6 * x->text.len : 0);
	char *mem = mem_zalloc(1, size);
	struct buf b;

	if (!mem)
		return false;
	buf_init(&b, mem, size);
	buf_z(&b, "{\"name\":");
	buf_json(&b, str_from(name));
	buf_z(&b, ",\"title\":");
	buf_json(&b, str_from(x->profile.title));
	buf_z(&b, ",\"from\":");
	buf_json(&b, str_from(x->from));
	if (text) {
		buf_z(&b, ",\"text\":");
		buf_json(&b, x->text);
	}
	buf_char(&b, '}');
	fputs(buf_cstr(&b), stdout);
	mem_free(mem);
	return true;
}

static bool
print_one(const char *name, bool json)
{
	static struct entry x;
	bool fine = read_entry(name, &x);

	if (fine && json) {
		fine = print_json(name, &x, true);
		putchar('\n');
	} else if (fine) {
		printf("# %s\n%.*s", x.from, STR_ARG(x.text));
	}
	drop_entry(&x);
	return fine;
}

static bool
print_list(bool json)
{
	static struct confprofile_names names;
	bool fine = true, first = true;

	confprofile_names(&names);
	if (json)
		fputs("{\"profiles\":[", stdout);
	else
		printf("%-12s %-36s %s\n", "NAME", "TITLE", "FROM");
	for (uint32_t i = 0; i < names.n; i++) {
		static struct entry x;

		if (!read_entry(names.name[i], &x)) {
			fine = false;
		} else if (json) {
			fputs(first ? "\n" : ",\n", stdout);
			fine &= print_json(names.name[i], &x, false);
			first = false;
		} else {
			printf("%-12s %-36s %s\n", names.name[i], x.profile.title, x.from);
		}
		drop_entry(&x);
	}
	if (json)
		puts("]}");
	return fine;
}

int
cmd_profiles(int argc, char **argv)
{
	static const struct cmdline_option options[] = {CMDLINE_JSON};
	static const struct cmdline_spec spec = {.word = "profiles",
						 .usage = usage,
						 .option = options,
						 .n = ARRAY_LEN(options),
						 .operand = "NAME"};
	struct cmdline c = {.spec = &spec, .argc = argc, .argv = argv};
	bool json = false;
	int opt;

	while ((opt = cmdline_next(&c)) > 0)
		json |= opt == 'j';
	if (opt != CMDLINE_DONE)
		return cmdline_status(opt);
	return (c.operand ? print_one(c.operand, json) : print_list(json)) ? 0 : 1;
}
