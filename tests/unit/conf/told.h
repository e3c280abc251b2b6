/* Findings gathered as lines "LINE:COL: text", warnings with a "w " before them. */
#ifndef TESTS_APP_TOLD_H
#define TESTS_APP_TOLD_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "conf/report.h"

struct told {
	char mem[16384];
	struct buf b;
	struct conf_report rep;
};

static inline void
told_finding(void *arg, const struct conf_finding *f)
{
	struct told *t = arg;

	buf_printf(&t->b, "%s%u:%u: %s\n", f->severity == CONF_WARNING ? "w " : "", f->line,
		   f->column, f->text);
}

static inline void
told_init(struct told *t)
{
	buf_init(&t->b, t->mem, sizeof(t->mem));
	t->rep = (struct conf_report){.on_finding = told_finding, .arg = t};
}

#endif
