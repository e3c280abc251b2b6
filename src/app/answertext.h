/* Answers of the running postern as text for people. What came from a network does not reach the
 * terminal as control sequences. */
#ifndef POSTERN_APP_ANSWERTEXT_H
#define POSTERN_APP_ANSWERTEXT_H

#include "ops/jsonin.h"

enum {
	ANSWERTEXT_CELL_MAX = 40,    /* bytes of a cell that is not the last one */
	ANSWERTEXT_TEXT_MAX = 20480, /* a value, as text */
	ANSWERTEXT_COLUMNS_MAX = 16,
};

struct answertext_column {
	const char *title, *path; /* path: of the value in a row */
};

/** The text of a scalar, or of a list of them, cut to max bytes; in mem. */
const char *answertext_scalar(const struct json *j, char mem[ANSWERTEXT_TEXT_MAX], size_t max);
/** The rows of a list, n columns, at most ANSWERTEXT_COLUMNS_MAX; the last one is not cut. */
void answertext_table(const struct json *list, const struct answertext_column *c, size_t n);
/** All values inside, each with its path; lists of objects by number. */
void answertext_tree(const struct json *root);

#endif
