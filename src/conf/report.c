#include "conf/report.h"

#include <stdio.h>
#include <string.h>

static void PRINTF_LIKE(3, 0)
	tell_finding(struct conf_report *rep, struct conf_finding *f, const char *fmt, va_list ap)
{
	uint32_t *n = f->severity == CONF_ERROR ? &rep->n_errors : &rep->n_warnings;
	struct buf b;

	(*n)++;
	if (!rep->on_finding || *n > REPORT_ERRORS_MAX)
		return;
	buf_init(&b, f->text, sizeof(f->text));
	if (*n == REPORT_ERRORS_MAX)
		buf_z(&b, "and more; mend these first");
	else
		buf_vprintf(&b, fmt, ap);
	buf_cstr(&b);
	rep->on_finding(rep->arg, f);
}

void
report_error(struct conf_report *rep, uint32_t line, uint32_t column, const char *fmt, ...)
{
	struct conf_finding f = {.severity = CONF_ERROR, .line = line, .column = column};
	va_list ap;

	va_start(ap, fmt);
	tell_finding(rep, &f, fmt, ap);
	va_end(ap);
}

void
report_warning(struct conf_report *rep, uint32_t line, uint32_t column, const char *fmt, ...)
{
	struct conf_finding f = {.severity = CONF_WARNING, .line = line, .column = column};
	va_list ap;

	va_start(ap, fmt);
	tell_finding(rep, &f, fmt, ap);
	va_end(ap);
}

/* Text from a file may hold anything: control bytes do not reach the terminal. */
static void
print_clean(const char *z)
{
	for (; *z; z++)
		fputc((unsigned char)*z < 0x20 || *z == 0x7f ? '?' : *z, stderr);
}

static void
print_finding(void *arg, const struct conf_finding *f)
{
	const char *file = arg;

	if (f->line)
		fprintf(stderr, "%s:%u:%u: ", file, f->line, f->column);
	else
		fprintf(stderr, "%s: ", file);
	if (f->severity == CONF_WARNING)
		fputs("warning: ", stderr);
	print_clean(f->text);
	fputc('\n', stderr);
}

void
conf_report_stderr(struct conf_report *rep, const char *file)
{
	*rep = (struct conf_report){.on_finding = print_finding, .arg = (void *)(uintptr_t)file};
}

const char *
report_nearest(struct str s, const char *(*do_word)(const void *arg, size_t i), const void *arg,
	       size_t n)
{
	const char *best = NULL;
	unsigned least_so_far = 3;

	if (s.len == 0)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		struct str word = str_from(do_word(arg, i));
		unsigned d = str_distance(s, word);

		if (d < least_so_far && d < word.len) {
			least_so_far = d;
			best = word.p;
		}
	}
	return best;
}
