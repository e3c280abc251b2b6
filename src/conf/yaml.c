#include "conf/yaml.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml.h>

#include "base/mem.h"

enum {
	FIRST_NODES = 256,
	PIPE_WAIT_MS = 5000 /* for the next bytes of a file that is a pipe */
};

/* The tree while it grows. */
struct builder {
	struct yaml y;
	struct conf_report *rep;
	uint32_t open[YAML_DEPTH_MAX]; /* nodes from the root to the one being filled */
	uint32_t last[YAML_DEPTH_MAX]; /* last child of each */
	uint32_t n_keys[YAML_DEPTH_MAX];
	unsigned depth;
	struct str key; /* read, its value is to come */
	uint32_t key_line, key_column;
	bool have_key;
};

void
yaml_fini(struct yaml *y)
{
	mem_free(y->node);
	mem_free(y->text);
	*y = (struct yaml){0};
}

const struct yaml_node *
yaml_first(const struct yaml *y, const struct yaml_node *n)
{
	return n->child ? &y->node[n->child] : NULL;
}

const struct yaml_node *
yaml_next(const struct yaml *y, const struct yaml_node *n)
{
	return n->next ? &y->node[n->next] : NULL;
}

const struct yaml_node *
yaml_get(const struct yaml *y, const struct yaml_node *map, const char *key)
{
	const struct yaml_node *c = map->kind == YAML_MAP ? yaml_first(y, map) : NULL;

	while (c && !str_eqz(c->key, key))
		c = yaml_next(y, c);
	return c;
}

const char *
yaml_kind_name(const struct yaml_node *n)
{
	static const char *const name[] = {"a text", "a list", "a map"};

	return name[n->kind];
}

static uint32_t
mark_line(const yaml_event_t *ev)
{
	return (uint32_t)ev->start_mark.line + 1;
}

static uint32_t
mark_column(const yaml_event_t *ev)
{
	return (uint32_t)ev->start_mark.column + 1;
}

static enum err PRINTF_LIKE(3, 4)
	refuse_event(struct builder *b, const yaml_event_t *ev, const char *fmt, ...)
{
	char text[REPORT_TEXT_MAX];
	struct buf t;
	va_list ap;

	buf_init(&t, text, sizeof(text));
	va_start(ap, fmt);
	buf_vprintf(&t, fmt, ap);
	va_end(ap);
	report_error(b->rep, mark_line(ev), mark_column(ev), "%s", buf_cstr(&t));
	return ERR_CONFIG;
}

/* The bytes of a scalar, copied. */
static enum err
keep_text(struct builder *b, const yaml_event_t *ev, struct str *out)
{
	size_t len = ev->data.scalar.length;

	if (len > b->y.text_cap - b->y.text_used)
		return ERR_LONG; /* cannot be: see yaml_parse */
	memcpy(b->y.text + b->y.text_used, ev->data.scalar.value, len);
	*out = str_of(b->y.text + b->y.text_used, len);
	b->y.text_used += len;
	return ERR_OK;
}

/* A new node, hung under the one that is open. */
static enum err
add_node(struct builder *b, const yaml_event_t *ev, enum yaml_kind kind, uint32_t *out)
{
	uint32_t i = b->y.n;
	struct yaml_node *n;

	if (i == YAML_NODES_MAX)
		return refuse_event(b, ev, "more than %d values; split the file", YAML_NODES_MAX);
	if (i == b->y.cap) {
		uint32_t cap = b->y.cap ? b->y.cap * 2 : FIRST_NODES;
		void *p = mem_resize(b->y.node, cap, sizeof(*b->y.node));

		if (!p)
			return ERR_NOMEM;
		b->y.node = p;
		b->y.cap = cap;
	}
	n = &b->y.node[b->y.n++];
	*n = (struct yaml_node){
		.line = mark_line(ev), .column = mark_column(ev), .kind = (uint8_t)kind};
	if (b->have_key) {
		n->key = b->key;
		n->key_line = b->key_line;
		n->key_column = b->key_column;
		b->have_key = false;
	}
	if (b->depth) {
		uint32_t *last = &b->last[b->depth - 1];

		if (*last)
			b->y.node[*last].next = i;
		else
			b->y.node[b->open[b->depth - 1]].child = i;
		*last = i;
	}
	*out = i;
	return ERR_OK;
}

/* Is the next scalar a key? */
static bool
wants_key(const struct builder *b)
{
	return b->depth && !b->have_key && b->y.node[b->open[b->depth - 1]].kind == YAML_MAP;
}

static enum err
take_key(struct builder *b, const yaml_event_t *ev)
{
	const struct yaml_node *c = yaml_first(&b->y, &b->y.node[b->open[b->depth - 1]]);
	enum err e = keep_text(b, ev, &b->key);

	if (e != ERR_OK)
		return e;
	b->have_key = true;
	b->key_line = mark_line(ev);
	b->key_column = mark_column(ev);
	if (++b->n_keys[b->depth - 1] > YAML_KEYS_MAX)
		return refuse_event(b, ev, "a map with more than %d keys", YAML_KEYS_MAX);
	for (; c; c = yaml_next(&b->y, c))
		if (str_eq(c->key, b->key)) {
			report_error(b->rep, b->key_line, b->key_column,
				     "\"%.*s\" stands twice, first in line %u; keep one of them",
				     STR_ARG(str_sub(b->key, 0, 64)), c->key_line);
			break;
		}
	return ERR_OK;
}

static enum err
take_scalar(struct builder *b, const yaml_event_t *ev)
{
	uint32_t i = 0;
	enum err e;

	if (ev->data.scalar.anchor || ev->data.scalar.tag)
		return refuse_event(b, ev,
				    "anchors (&) and tags (!) are not used here; write the "
				    "value itself");
	if (wants_key(b))
		return take_key(b, ev);
	e = add_node(b, ev, YAML_SCALAR, &i);
	if (e == ERR_OK)
		e = keep_text(b, ev, &b->y.node[i].text);
	if (e == ERR_OK)
		b->y.node[i].plain = ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	return e;
}

static enum err
open_node(struct builder *b, const yaml_event_t *ev, enum yaml_kind kind, bool marked)
{
	uint32_t i = 0;
	enum err e;

	if (marked)
		return refuse_event(b, ev,
				    "anchors (&) and tags (!) are not used here; write the "
				    "value itself");
	if (wants_key(b))
		return refuse_event(b, ev, "a list or map cannot be a key; use a word");
	if (b->depth == YAML_DEPTH_MAX)
		return refuse_event(b, ev, "nested more than %d deep", YAML_DEPTH_MAX);
	e = add_node(b, ev, kind, &i);
	if (e != ERR_OK)
		return e;
	b->open[b->depth] = i;
	b->last[b->depth] = 0;
	b->n_keys[b->depth] = 0;
	b->depth++;
	return ERR_OK;
}

/* One event; *end when the stream is over. */
static enum err
take_event(struct builder *b, const yaml_event_t *ev, bool *end)
{
	switch (ev->type) {
	case YAML_SCALAR_EVENT:
		return take_scalar(b, ev);
	case YAML_SEQUENCE_START_EVENT:
		return open_node(b, ev, YAML_LIST,
				 ev->data.sequence_start.anchor || ev->data.sequence_start.tag);
	case YAML_MAPPING_START_EVENT:
		return open_node(b, ev, YAML_MAP,
				 ev->data.mapping_start.anchor || ev->data.mapping_start.tag);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		assert(b->depth); /* the library gives them in pairs */
		b->depth--;
		return ERR_OK;
	case YAML_ALIAS_EVENT:
		return refuse_event(b, ev, "aliases (*) are not used here; write the value itself");
	case YAML_DOCUMENT_START_EVENT:
		if (b->y.n)
			return refuse_event(b, ev, "a second document; one file holds one");
		return ERR_OK;
	case YAML_STREAM_END_EVENT:
		*end = true;
		return ERR_OK;
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_DOCUMENT_END_EVENT:
		return ERR_OK;
	}
	return ERR_OK;
}

/* The library's own finding. */
static enum err
report_parser(struct builder *b, const yaml_parser_t *p)
{
	if (p->error == YAML_MEMORY_ERROR)
		return ERR_NOMEM;
	if (p->error == YAML_READER_ERROR)
		report_error(b->rep, 1 + (uint32_t)p->mark.line, 1 + (uint32_t)p->mark.column,
			     "%s (byte %zu); write the file in UTF-8",
			     p->problem ? p->problem : "not text", p->problem_offset);
	else
		report_error(b->rep, 1 + (uint32_t)p->problem_mark.line,
			     1 + (uint32_t)p->problem_mark.column, "%s%s%s; not well-formed YAML",
			     p->problem ? p->problem : "syntax error", p->context ? " " : "",
			     p->context ? p->context : "");
	return ERR_CONFIG;
}

static enum err
parse_events(struct builder *b, yaml_parser_t *p)
{
	enum err e = ERR_OK;
	bool end = false;

	while (e == ERR_OK && !end) {
		yaml_event_t ev;

		if (!yaml_parser_parse(p, &ev))
			return report_parser(b, p);
		e = take_event(b, &ev, &end);
		yaml_event_delete(&ev);
	}
	return e;
}

enum err
yaml_parse(struct str text, struct conf_report *rep, struct yaml *out)
{
	struct builder b = {.rep = rep};
	uint32_t before = rep->n_errors;
	yaml_parser_t p;
	enum err e;

	if (text.len > YAML_SIZE_MAX) {
		report_error(rep, 0, 0, "longer than %d bytes", YAML_SIZE_MAX);
		return ERR_CONFIG;
	}
	/* a value may be longer than it is written: \L is two bytes, U+2028 three */
	b.y.text_cap = text.len * 2 + 16;
	b.y.text = mem_zalloc(1, b.y.text_cap);
	if (!b.y.text || !yaml_parser_initialize(&p)) {
		yaml_fini(&b.y);
		return ERR_NOMEM;
	}
	yaml_parser_set_input_string(&p, (const unsigned char *)(text.p ? text.p : ""), text.len);
	e = parse_events(&b, &p);
	yaml_parser_delete(&p);
	if (e == ERR_OK && b.y.n == 0) {
		report_error(rep, 0, 0, "the file is empty");
		e = ERR_CONFIG;
	}
	if (e == ERR_OK && rep->n_errors > before)
		e = ERR_CONFIG;
	if (e != ERR_OK) {
		yaml_fini(&b.y);
		return e;
	}
	*out = b.y;
	return ERR_OK;
}

/* A pipe has nothing yet: false: nor has it for some time. */
static bool
wait_more(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int n = poll(&p, 1, PIPE_WAIT_MS);

	errno = n == 0 ? EAGAIN : errno;
	return n > 0;
}

/* Up to len bytes of fd; the count, or -1. */
static ssize_t
read_some(int fd, char *p, size_t len)
{
	size_t have = 0;

	while (have < len) {
		ssize_t n = read(fd, p + have, len - have);

		if (n < 0 && (errno == EINTR || (errno == EAGAIN && wait_more(fd))))
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		have += (size_t)n;
	}
	return (ssize_t)have;
}

enum err
yaml_read_file(const char *path, struct conf_report *rep, struct str *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	ssize_t n = -1;
	char *p = NULL;
	enum err e = ERR_IO;

	if (fd < 0 || fstat(fd, &st) != 0 || S_ISDIR(st.st_mode)) {
		report_error(rep, 0, 0, "cannot be read: %s",
			     fd < 0 ? strerror(errno) : "not a file");
		goto out;
	}
	e = ERR_LONG;
	if (st.st_size > YAML_SIZE_MAX) {
		report_error(rep, 0, 0, "longer than %d bytes", YAML_SIZE_MAX);
		goto out;
	}
	e = ERR_NOMEM;
	/* a pipe has no size: give it a megabyte */
	st.st_size = S_ISREG(st.st_mode) ? st.st_size : 1 << 20;
	p = mem_zalloc(1, (size_t)st.st_size + 1);
	if (!p)
		goto out;
	n = read_some(fd, p, (size_t)st.st_size);
	e = n < 0 ? ERR_IO : ERR_OK;
	if (n < 0)
		report_error(rep, 0, 0, "cannot be read: %s",
			     errno == EAGAIN
				     ? "nothing came for seconds; nobody writes into this pipe"
				     : strerror(errno));
	if (n == 0 && !S_ISREG(st.st_mode)) {
		report_error(rep, 0, 0,
			     S_ISFIFO(st.st_mode)
				     ? "nothing came; is it a pipe that nobody writes into?"
				     : "there is nothing in it");
		e = ERR_IO;
	}
out:
	if (fd >= 0)
		close(fd);
	if (e == ERR_OK)
		*out = str_of(p, (size_t)n);
	else
		mem_free(p);
	return e;
}
