/* Findings about a file that a person wrote: where, what is wrong, what would be right. */
#ifndef POSTERN_CONF_REPORT_H
#define POSTERN_CONF_REPORT_H

#include "base/buf.h"

enum {
	REPORT_TEXT_MAX = 384,
	REPORT_ERRORS_MAX = 100, /* then one "and more", and no further ones are told */
};

enum conf_severity { CONF_WARNING, CONF_ERROR };

/* line, column: from 1; line 0: the file as a whole. */
struct conf_finding {
	enum conf_severity severity;
	uint32_t line, column;
	char text[REPORT_TEXT_MAX]; /* "what is wrong; what would be right" */
};

/* Where findings go. Zero is fine: they are only counted. */
struct conf_report {
	void (*on_finding)(void *arg, const struct conf_finding *f);
	void *arg;
	uint32_t n_errors, n_warnings;
};

void report_error(struct conf_report *rep, uint32_t line, uint32_t column, const char *fmt, ...)
	PRINTF_LIKE(4, 5);
void report_warning(struct conf_report *rep, uint32_t line, uint32_t column, const char *fmt, ...)
	PRINTF_LIKE(4, 5);
/** A report that prints "FILE:LINE:COL: text" lines to stderr; file is borrowed. */
void conf_report_stderr(struct conf_report *rep, const char *file);
/**
 * Which of n words was meant by s? The nearest one, at most two letters away, or NULL. at(arg, i)
 * gives word i.
 */
const char *report_nearest(struct str s, const char *(*do_word)(const void *arg, size_t i),
			   const void *arg, size_t n);

#endif
