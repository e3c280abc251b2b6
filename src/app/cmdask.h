/* A command that asks the running postern one thing and prints its answer. */
#ifndef POSTERN_APP_CMDASK_H
#define POSTERN_APP_CMDASK_H

#include "app/cmdline.h"
#include "ops/jsonin.h"

/**
 * All of such a command: its operand is the request's "id", a switch ("--full") a member "full":
 * true; of options with a value it may have CMDLINE_CONF only. Returns the exit status.
 */
int cmdask_run(const struct cmdline_spec *spec, void (*do_print)(const struct json *answer),
	       int argc, char **argv);

#endif
