/* postern profiles: the profiles of providers that there are, and where each is from. */
#include "app/cmd.h"

#include <stdio.h>
#include <string.h>

#include "app/cmdline.h"
#include "base/mem.h"
#include "conf/profile.h"
#include "ready/profile.h"

static const char usage[] =
	"usage: postern profiles [--json]\n\n"
	"Lists the profiles that interop of a trunk and --profile of postern ready may name,\n"
	"and where each is from: a file, or this program itself.\n";

/* One profile, for the list. */
struct entry {
	char from[CONFPROFILE_PATH_MAX];
	struct ready_profile profile;
};

/* False: it cannot be read, or what it says is wrong, which stands on standard error. */
static bool
read_entry(const char *name, struct entry *out)
{
	struct str text = STR_NULL;
	struct conf_report rep;
	enum err e;

	conf_report_stderr(&rep, out->from);
	e = confprofile_read(str_from(name), ".", &rep, out->from, &text);
	if (e == ERR_OK)
		e = readyprofile_parse(text, &rep, &out->profile);
	mem_free((void *)(uintptr_t)text.p);
	return e == ERR_OK;
}

static void
print_json(const char *name, const struct entry *x, bool first)
{
	char mem[CONFPROFILE_PATH_MAX * 8];
	struct buf b;

	buf_init(&b, mem, sizeof(mem));
	buf_printf(&b, "%s\n{\"name\":\"%s\",\"title\":", first ? "" : ",", name);
	buf_json(&b, str_from(x->profile.title));
	buf_z(&b, ",\"from\":");
	buf_json(&b, str_from(x->from));
	buf_char(&b, '}');
	fputs(buf_cstr(&b), stdout);
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
			continue;
		}
		if (json)
			print_json(names.name[i], &x, first);
		else
			printf("%-12s %-36s %s\n", names.name[i], x.profile.title, x.from);
		first = false;
	}
	if (json)
		puts("]}");
	return fine;
}

int
cmd_profiles(int argc, char **argv)
{
	static const struct cmdline_option options[] = {CMDLINE_JSON};
	static const struct cmdline_spec spec = {
		.word = "profiles", .usage = usage, .option = options, .n = ARRAY_LEN(options)};
	struct cmdline c = {.spec = &spec, .argc = argc, .argv = argv};
	bool json = false;
	int opt;

	while ((opt = cmdline_next(&c)) > 0)
		json |= opt == 'j';
	if (opt != CMDLINE_DONE)
		return cmdline_status(opt);
	return print_list(json) ? 0 : 1;
}
