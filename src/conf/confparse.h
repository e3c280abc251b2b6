/* One reading of postern.yaml: what the readers of its sections share. What is wrong is reported.
 */
#ifndef POSTERN_CONF_CONFPARSE_H
#define POSTERN_CONF_CONFPARSE_H

#include "conf/conf.h"
#include "conf/schema.h"

struct confparse {
	struct yaml y;
	struct conf_report *rep;
	struct conf *c;
	const char *dir; /* what relative paths start from; "" = leave them */
};

/* Rows of schemas: a member of a struct; a word whose list or map the caller reads itself. */
#define CONF_FIELD(type, member) offsetof(struct type, member), sizeof(((struct type *)0)->member)
#define CONF_NODE(word, text)                                                                      \
	{                                                                                          \
		word, SCHEMA_NODE, 0, 0, 0, 0, NULL, NULL, false, text                             \
	}

/** The value of a word of the root; NULL: it does not stand. */
const struct yaml_node *confparse_root(const struct confparse *p, const char *word);
/** One of the maps below the root, or its defaults. */
void confparse_section(struct confparse *p, const char *word, const struct schema *rows, size_t n,
		       void *base);
/** n, which must be a list; NULL where it does not stand or is something else (reported). */
const struct yaml_node *confparse_list(struct confparse *p, const struct yaml_node *n,
				       const char *what, const char *help);
/** Is there room for one more? Reports at the first that is too many. */
bool confparse_room(struct confparse *p, const struct yaml_node *n, const char *what, uint32_t have,
		    uint32_t max);
/** Is it a scalar? Else reported. */
bool confparse_scalar(struct confparse *p, const struct yaml_node *n, const char *what,
		      const char *help);
/** Make a relative path start from dir. n: for messages, may be NULL. */
void confparse_path(struct confparse *p, const struct yaml_node *n, char path[CONF_PATH_MAX]);

#endif
