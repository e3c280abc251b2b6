/* Words of a benchmark's command line. */
#ifndef POSTERN_TESTS_BENCH_WORDS_H
#define POSTERN_TESTS_BENCH_WORDS_H

#include <stdio.h>
#include <stdlib.h>

/** Says how the program is called, and ends it. */
static inline _Noreturn void
words_usage(const char *usage)
{
	fputs(usage, stderr);
	exit(2);
}

/** A number from 1 to most; anything else ends with `usage`. */
static inline unsigned
words_number(const char *text, unsigned long most, const char *usage)
{
	char *end;
	unsigned long v = strtoul(text, &end, 10);

	if (*end || v == 0 || v > most)
		words_usage(usage);
	return (unsigned)v;
}

#endif
