#include "app/answertext.h"

#include <stdio.h>

enum { DEPTH_MAX = 8, PATH_TEXT_MAX = 128 };

/* Text that came from a network does not reach the terminal as control sequences. */
static void
clean_text(struct buf *b)
{
	for (size_t i = 0; i < b->len; i++) {
		unsigned char c = (unsigned char)b->p[i];

		if (c < 0x20 || c == 0x7f)
			b->p[i] = '?';
		else if (c == 0xc2 && i + 1 < b->len && (unsigned char)b->p[i + 1] < 0xa0)
			b->p[i] = b->p[i + 1] = '?';
	}
}

const char *
answertext_scalar(const struct json *j, char mem[ANSWERTEXT_TEXT_MAX], size_t max)
{
	struct buf b;

	buf_init(&b, mem, ANSWERTEXT_TEXT_MAX);
	for (size_t i = 0; jsonin_at(j, i); i++) {
		buf_z(&b, i ? ", " : "");
		jsonin_put_scalar(&b, jsonin_at(j, i));
	}
	if (b.len == 0)
		jsonin_put_scalar(&b, j);
	clean_text(&b);
	if (b.len > max) {
		b.len = max - 2;
		buf_z(&b, "..");
	}
	return buf_cstr(&b);
}

void
answertext_table(const struct json *list, const struct answertext_column *c, size_t n)
{
	static char mem[ANSWERTEXT_TEXT_MAX];
	int width[16] = {0};

	for (size_t k = 0; k < n; k++) {
		width[k] = (int)str_from(c[k].title).len;
		for (size_t i = 0; i < jsonin_count(list); i++) {
			const struct json *v = jsonin_get(jsonin_at(list, i), c[k].path);
			int len = (int)str_from(answertext_scalar(v, mem, ANSWERTEXT_CELL_MAX)).len;

			width[k] = len > width[k] ? len : width[k];
		}
	}
	for (size_t k = 0; k < n; k++)
		printf("%-*s%s", k + 1 < n ? width[k] + 2 : 0, c[k].title, k + 1 < n ? "" : "\n");
	for (size_t i = 0; i < jsonin_count(list); i++)
		for (size_t k = 0; k < n; k++)
			printf("%-*s%s", k + 1 < n ? width[k] + 2 : 0,
			       answertext_scalar(jsonin_get(jsonin_at(list, i), c[k].path), mem,
						 k + 1 < n ? ANSWERTEXT_CELL_MAX
							   : ANSWERTEXT_TEXT_MAX - 8),
			       k + 1 < n ? "" : "\n");
}

/* A list of scalars only. */
static bool
is_plain_list(const struct json *v)
{
	for (size_t i = 0; i < jsonin_count(v); i++)
		if (!jsonin_is_scalar(jsonin_at(v, i)) || !jsonin_at(v, i))
			return false;
	return jsonin_at(v, 0) != NULL;
}

static void
print_pair(const char *prefix, const char *name, const struct json *v)
{
	static char mem[ANSWERTEXT_TEXT_MAX];
	char full[PATH_TEXT_MAX];

	(void)snprintf(full, sizeof(full), "%s%s%s", prefix, *prefix ? "." : "", name);
	printf("  %-34s %s\n", full, answertext_scalar(v, mem, ANSWERTEXT_TEXT_MAX - 8));
}

/* All values inside, each with its path; lists by number. */
void
answertext_tree(const struct json *root)
{
	struct {
		const struct json *j;
		size_t next;
		char path[PATH_TEXT_MAX];
	} stack[DEPTH_MAX] = {{.j = root}};
	int top = 0;

	while (top >= 0) {
		const char *name = NULL;
		char number[24];
		struct buf b;
		const struct json *v = jsonin_member(stack[top].j, stack[top].next, &name);

		if (!v) {
			v = jsonin_at(stack[top].j, stack[top].next);
			(void)snprintf(number, sizeof(number), "%zu", stack[top].next + 1);
			name = number;
		}
		if (!v) {
			top--;
			continue;
		}
		stack[top].next++;
		if (top == 0 && str_eqz(str_from(name), "ok"))
			continue; /* of the asking, not of what was asked */
		if (jsonin_is_scalar(v) || is_plain_list(v) || top + 1 == DEPTH_MAX) {
			print_pair(stack[top].path, name, v);
			continue;
		}
		buf_init(&b, stack[top + 1].path, PATH_TEXT_MAX);
		buf_z(&b, stack[top].path);
		buf_z(&b, *stack[top].path ? "." : "");
		buf_z(&b, name);
		(void)buf_cstr(&b);
		stack[top + 1].j = v;
		stack[top + 1].next = 0;
		top++;
	}
}
