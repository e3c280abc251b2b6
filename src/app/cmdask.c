#include "app/cmdask.h"

#include "app/ctlclient.h"

enum { REQUEST_MAX = 8192 };

int
cmdask_run(const struct cmdline_spec *spec, void (*do_print)(const struct json *answer), int argc,
	   char **argv)
{
	struct cmdline c = {.spec = spec, .argc = argc, .argv = argv};
	const char *conf = NULL;
	char mem[REQUEST_MAX];
	bool json = false;
	struct buf b;
	int opt;

	buf_init(&b, mem, sizeof(mem));
	buf_printf(&b, "{\"cmd\":\"%s\"", spec->word);
	while ((opt = cmdline_next(&c)) > 0) {
		if (opt == 'c')
			conf = c.value;
		else if (opt == 'j')
			json = true;
		else
			buf_printf(&b, ",\"%s\":true", c.last->name + 2); /* behind "--" */
	}
	if (opt != CMDLINE_DONE)
		return cmdline_status(opt);
	if (c.operand) {
		buf_z(&b, ",\"id\":");
		buf_json(&b, str_from(c.operand));
	}
	buf_z(&b, "}\n");
	return ctlclient_run(spec->word, conf, &b, json, do_print);
}
