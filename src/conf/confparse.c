#include "conf/confparse.h"

#include <string.h>

const struct yaml_node *
confparse_root(const struct confparse *p, const char *word)
{
	return yaml_get(&p->y, &p->y.node[0], word);
}

void
confparse_section(struct confparse *p, const char *word, const struct schema *rows, size_t n,
		  void *base)
{
	const struct yaml_node *map = confparse_root(p, word);

	if (map)
		schema_read(&p->y, map, rows, n, word, base, p->rep);
	else
		schema_defaults(rows, n, base, p->rep);
}

const struct yaml_node *
confparse_list(struct confparse *p, const struct yaml_node *n, const char *what, const char *help)
{
	if (n && n->kind != YAML_LIST) {
		report_error(p->rep, n->line, n->column, "%s: %s stands here; write %s", what,
			     yaml_kind_name(n), help);
		return NULL;
	}
	return n;
}

bool
confparse_room(struct confparse *p, const struct yaml_node *n, const char *what, uint32_t have,
	       uint32_t max)
{
	if (have == max)
		report_error(p->rep, n->line, n->column, "%s: more than %u of them; remove some",
			     what, max);
	return have < max;
}

bool
confparse_scalar(struct confparse *p, const struct yaml_node *n, const char *what, const char *help)
{
	if (n->kind != YAML_SCALAR)
		report_error(p->rep, n->line, n->column, "%s: %s stands here; write %s", what,
			     yaml_kind_name(n), help);
	return n->kind == YAML_SCALAR;
}

void
confparse_path(struct confparse *p, const struct yaml_node *n, char path[CONF_PATH_MAX])
{
	char full[CONF_PATH_MAX];
	struct buf b;

	if (path[0] == 0 || path[0] == '/' || p->dir[0] == 0)
		return;
	buf_init(&b, full, sizeof(full) - 1);
	buf_z(&b, p->dir);
	if (strcmp(path, ".") != 0)
		buf_printf(&b, "/%s", path);
	if (b.failed) {
		report_error(p->rep, n ? n->line : 0, n ? n->column : 0,
			     "the path is longer than %d bytes; use a shorter one",
			     CONF_PATH_MAX - 1);
		return;
	}
	full[b.len] = 0;
	memcpy(path, full, b.len + 1);
}
