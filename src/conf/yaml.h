/* YAML text as a tree of nodes, each with its line and column. The only file that knows the
 * library. Duplicate keys, anchors, aliases, tags, a second document: errors. */
#ifndef POSTERN_CONF_YAML_H
#define POSTERN_CONF_YAML_H

#include "conf/report.h"

enum {
	YAML_SIZE_MAX = 64 * 1024 * 1024, /* bytes of a file */
	YAML_DEPTH_MAX = 16,
	YAML_NODES_MAX = 4000000,
	YAML_KEYS_MAX = 64, /* of one map */
};

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };

struct yaml_node {
	struct str text;               /* scalar: its value; map entry: see key */
	struct str key;                /* "" where the parent is no map */
	uint32_t line, column;         /* from 1 */
	uint32_t key_line, key_column; /* of the key, where the parent is a map */
	uint32_t child, next;          /* first child, next sibling; 0 = none (0 is the root) */
	uint8_t kind;                  /* enum yaml_kind */
	uint8_t plain;                 /* a scalar without quotes */
};

/* Node 0 is the root. End with yaml_fini. */
struct yaml {
	struct yaml_node *node;
	uint32_t n, cap;
	char *text;
	size_t text_used, text_cap;
};

/** Parse; what is wrong goes to rep. CONFIG: something was; NOMEM. *out only on success. */
enum err yaml_parse(struct str text, struct conf_report *rep, struct yaml *out) NODISCARD;
void yaml_fini(struct yaml *y);
/** A whole file into memory (mem_free((void *)out->p)); failures are reported. IO, LONG, NOMEM. */
enum err yaml_read_file(const char *path, struct conf_report *rep, struct str *out) NODISCARD;
/** The value of this key of a map, or NULL. */
const struct yaml_node *yaml_get(const struct yaml *y, const struct yaml_node *map,
				 const char *key);
/** First child and next sibling, or NULL: for (c = yaml_first(y, l); c; c = yaml_next(y, c)). */
const struct yaml_node *yaml_first(const struct yaml *y, const struct yaml_node *n);
const struct yaml_node *yaml_next(const struct yaml *y, const struct yaml_node *n);
/** "a text", "a list", "a map" */
const char *yaml_kind_name(const struct yaml_node *n);

#endif
