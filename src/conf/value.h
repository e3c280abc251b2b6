/* The value of a field in the accounts file: read from its node into a row, and what is wrong with
 * it said with what would be right. */
#ifndef POSTERN_CONF_VALUE_H
#define POSTERN_CONF_VALUE_H

#include "conf/yaml.h"
#include "policy/roster.h"

enum { VALUE_MAX = POLICY_PEM_MAX + 1 };

/* One reading of an accounts file. place of a roster entry is its node, so that faults have line
 * and column. */
struct value_reader {
	struct yaml y;
	struct conf_report *rep;
	struct roster *r;
	const char *host; /* what `host` is called in the map in hand */
	const char *dir;  /* relative file names stand for files in it; NULL = no files are read */
	char *mem;        /* VALUE_MAX: a value while it is put together */
	bool *wrong;      /* by node: of this entry something is reported */
	bool no_id;       /* an entry's id could not be read: nobody can tell what names it */
	enum err e;       /* NOMEM, FULL: stop */
};

/** Is n of this kind? Else it is reported under word: write what is wanted. */
bool value_expect(struct value_reader *p, const struct yaml_node *n, const char *word,
		  enum yaml_kind kind, const char *want);
/** Set the field of row from n; what is wrong is reported. */
void value_read(struct value_reader *p, const struct yaml_node *n, const struct field *f,
		void *row);

#endif
