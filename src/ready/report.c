#include "ready/report.h"

#include <string.h>

static const struct {
	const char *word, *title;
} checks[READY_CHECK_N] = {
#define X(id, word, title) {word, title},
	READY_CHECK_LIST(X)
#undef X
};

const char *
ready_check_word(enum ready_check c)
{
	return (unsigned)c < READY_CHECK_N ? checks[c].word : "?";
}

const char *
ready_state_word(enum ready_state s)
{
	static const char *const words[READY_STATE_N] = {
		[READY_PASSED] = "passed",   [READY_WARNED] = "warned",
		[READY_FAILED] = "failed",   [READY_UNPROVEN] = "unproven",
		[READY_SKIPPED] = "skipped", [READY_NOTE] = "note",
	};

	return (unsigned)s < READY_STATE_N ? words[s] : "?";
}

struct ready_line *
ready_add(struct ready_report *r, enum ready_check c, enum ready_state s)
{
	struct ready_line *l;

	if (r->n == READY_LINES_MAX) {
		r->cut = true;
		r->n--;
	}
	l = &r->line[r->n++];
	*l = (struct ready_line){.word = ready_check_word(c), .state = s};
	(void)!str_copyz(l->title, sizeof(l->title), str_from(checks[c].title));
	return l;
}

/* What fits. */
static void put_text(char *dst, size_t cap, const char *fmt, va_list ap) PRINTF_LIKE(3, 0);
static void
put_text(char *dst, size_t cap, const char *fmt, va_list ap)
{
	char mem[2048];
	struct buf b;

	buf_init(&b, mem, sizeof(mem));
	buf_vprintf(&b, fmt, ap);
	(void)!str_copyz(dst, cap, str_sub(str_from(buf_cstr(&b)), 0, cap - 1));
}

void
ready_seen(struct ready_line *l, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put_text(l->seen, sizeof(l->seen), fmt, ap);
	va_end(ap);
}

void
ready_change(struct ready_line *l, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put_text(l->change, sizeof(l->change), fmt, ap);
	va_end(ap);
}

static const struct ready_line *
find_line(const struct ready_report *r, enum ready_check c)
{
	for (unsigned i = 0; i < r->n; i++)
		if (r->line[i].word == ready_check_word(c))
			return &r->line[i];
	return NULL;
}

bool
ready_has(const struct ready_report *r, enum ready_check c)
{
	return find_line(r, c) != NULL;
}

bool
ready_failed(const struct ready_report *r, enum ready_check c)
{
	const struct ready_line *l = find_line(r, c);

	return l && l->state == READY_FAILED;
}

/* What failed last before this check, else first of all; "": nothing did. */
static const char *
cause_of(const struct ready_report *r, unsigned check)
{
	const char *cause = "";

	for (unsigned c = 0; c < check; c++)
		if (ready_failed(r, (enum ready_check)c))
			cause = find_line(r, (enum ready_check)c)->title;
	for (unsigned i = 0; i < r->n && !*cause; i++)
		if (r->line[i].state == READY_FAILED)
			cause = r->line[i].title;
	return cause;
}

void
ready_fill(struct ready_report *r, enum ready_check last)
{
	for (unsigned c = 0; c <= (unsigned)last && *cause_of(r, c); c++)
		if (!find_line(r, (enum ready_check)c))
			ready_seen(ready_add(r, (enum ready_check)c, READY_SKIPPED),
				   "not looked at, because of: %s", cause_of(r, c));
}

void
ready_conclude(struct ready_report *r)
{
	r->cause = "";
	r->n_failed = r->n_warned = r->n_unproven = 0;
	for (unsigned i = 0; i < r->n; i++) {
		r->n_warned += r->line[i].state == READY_WARNED;
		r->n_unproven += r->line[i].state == READY_UNPROVEN;
		if (r->line[i].state != READY_FAILED)
			continue;
		if (r->n_failed++ == 0)
			r->cause = r->line[i].word;
	}
	r->passed = r->n_failed == 0 && !r->cut;
}
