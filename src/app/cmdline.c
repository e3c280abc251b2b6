#include "app/cmdline.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "conf/report.h"
#include "base/str.h"

enum { SHOWN_MAX = 80 }; /* bytes of a wrong word that are shown */

static int
show_usage(const struct cmdline *c, FILE *f)
{
	fputs(c->spec->usage, f);
	return f == stdout ? CMDLINE_HELP : CMDLINE_WRONG;
}

int
cmdline_refuse(const struct cmdline *c, const char *why)
{
	fprintf(stderr, "postern %s: %s\n", c->spec->word, why);
	(void)show_usage(c, stderr);
	return CMDLINE_WRONG_STATUS;
}

int
cmdline_status(int result)
{
	return result == CMDLINE_HELP ? CMDLINE_HELP_STATUS : CMDLINE_WRONG_STATUS;
}

void
cmdline_wrong(struct cmdline *c)
{
	fprintf(stderr, "postern %s: %s \"%.*s\" is not %s, for example %s %s\n", c->spec->word,
		c->last->name, SHOWN_MAX, c->value, c->last->is, c->last->name, c->last->example);
	(void)show_usage(c, stderr);
	c->failed = true;
}

void
cmdline_u32(struct cmdline *c, uint32_t min, uint32_t max, uint32_t *out)
{
	uint32_t n;

	if (str_u32(str_from(c->value), max, &n) == ERR_OK && n >= min)
		*out = n;
	else
		cmdline_wrong(c);
}

static const char *
name_at(const void *arg, size_t i)
{
	const struct cmdline_spec *s = arg;

	return s->option[i].name;
}

static int
tell_unknown(const struct cmdline *c, const char *word)
{
	const char *near = report_nearest(str_from(word), name_at, c->spec, c->spec->n);

	fprintf(stderr, "postern %s: there is no option \"%.*s\"", c->spec->word, SHOWN_MAX, word);
	if (near)
		fprintf(stderr, "; did you mean \"%s\"?", near);
	fputc('\n', stderr);
	return show_usage(c, stderr);
}

/* "--name", "--name=value", "-c", "-cvalue": the rest behind the name, NULL = no such option. */
static const char *
match(const char *word, const char *name)
{
	size_t n = strlen(name);

	if (strncmp(word, name, n) != 0)
		return NULL;
	word += n;
	if (name[1] != '-' || !*word)
		return word;
	return *word == '=' ? word + 1 : NULL;
}

/* False: there was none. */
static bool
take_value(struct cmdline *c, const char *word, const char *rest)
{
	bool equals = rest > word && rest[-1] == '='; /* then an empty value is a value */

	c->value = NULL;
	if (!c->last->is) {
		if (!*rest && !equals)
			return true;
		fprintf(stderr, "postern %s: %s has no value\n", c->spec->word, c->last->name);
		return false;
	}
	if (*rest || equals)
		c->value = rest;
	else if (c->at < c->argc)
		c->value = c->argv[c->at++];
	if (c->value && *c->value)
		return true;
	fprintf(stderr, "postern %s: %s wants %s, for example %s %s\n", c->spec->word,
		c->last->name, c->last->is, c->last->name, c->last->example);
	return false;
}

static int
take_option(struct cmdline *c, const char *word)
{
	for (size_t i = 0; i < c->spec->n; i++) {
		const char *rest = match(word, c->spec->option[i].name);

		if (!rest)
			continue;
		c->last = &c->spec->option[i];
		c->given |= 1U << i;
		return take_value(c, word, rest) ? c->last->opt : show_usage(c, stderr);
	}
	return tell_unknown(c, word);
}

/* 'c': the configuration that goes without saying is there; 0: it was given, or there is none. */
static int
assume_conf(struct cmdline *c)
{
	for (size_t i = 0; i < c->spec->n; i++) {
		const struct cmdline_option *o = &c->spec->option[i];

		if (o->opt != 'c' || (c->given & 1U << i) || access(o->example, F_OK) != 0)
			continue;
		c->given |= 1U << i;
		c->last = o;
		c->value = o->example;
		return o->opt;
	}
	return 0;
}

/* Everything was read: is all there that must be? */
static int
look_for_missing(const struct cmdline *c)
{
	const struct cmdline_spec *s = c->spec;

	for (size_t i = 0; i < s->n; i++) {
		const struct cmdline_option *o = &s->option[i];

		if (!o->required || (c->given & 1U << i))
			continue;
		fprintf(stderr, "postern %s: %s is missing: %s, for example %s %s\n", s->word,
			o->name, o->is, o->name, o->example);
		return show_usage(c, stderr);
	}
	if (!s->operand_required || c->operand)
		return CMDLINE_DONE;
	fprintf(stderr, "postern %s: %s is missing: %s, for example postern %s %s\n", s->word,
		s->operand, s->operand_is, s->word, s->operand_example);
	return show_usage(c, stderr);
}

/* Does it look like the file that belongs behind -c? */
static bool
is_conf(const struct cmdline *c, const char *word)
{
	struct str s = str_from(word);
	bool takes = false;

	for (size_t i = 0; i < c->spec->n; i++)
		takes |= c->spec->option[i].opt == 'c';
	return takes && (str_ends(s, STR(".yaml")) || str_ends(s, STR(".yml")));
}

/* 0: it was taken. */
static int
take_operand(struct cmdline *c, const char *word)
{
	bool conf = is_conf(c, word);

	if (c->spec->operand && !c->operand && *word) {
		c->operand = c->argv[c->at - 1];
		return 0;
	}
	if (!*word)
		fprintf(stderr, "postern %s: an empty word stands for nothing\n", c->spec->word);
	else if (c->spec->operand)
		fprintf(stderr, "postern %s: \"%.*s\" is one word too many behind \"%.*s\"\n",
			c->spec->word, SHOWN_MAX, word, SHOWN_MAX, c->operand);
	else
		fprintf(stderr, "postern %s: \"%.*s\": it takes options only%s%.*s%s\n",
			c->spec->word, SHOWN_MAX, word, conf ? "; did you mean \"-c " : "",
			conf ? SHOWN_MAX : 0, word, conf ? "\"?" : "");
	return show_usage(c, stderr);
}

int
cmdline_next(struct cmdline *c)
{
	int assumed;

	if (c->at == 0)
		c->at = 1;
	while (!c->failed && c->at < c->argc) {
		const char *word = c->argv[c->at++];
		bool option = word[0] == '-' && word[1] && !c->only_operands;

		if (option && strcmp(word, "--") == 0)
			c->only_operands = true;
		else if (option && (strcmp(word, "-h") == 0 || strcmp(word, "--help") == 0))
			return show_usage(c, stdout);
		else if (option)
			return take_option(c, word);
		else if (take_operand(c, word) != 0)
			c->failed = true;
	}
	if (c->failed)
		return CMDLINE_WRONG;
	assumed = assume_conf(c);
	return assumed ? assumed : look_for_missing(c);
}
