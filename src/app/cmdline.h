/* The words of a command: its options and its one operand, each described once, so that a wrong one
 * is named together with what it may be and an example. */
#ifndef POSTERN_APP_CMDLINE_H
#define POSTERN_APP_CMDLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	CMDLINE_DONE = 0,   /* all words were taken */
	CMDLINE_HELP = -1,  /* usage was asked for, and was shown */
	CMDLINE_WRONG = -2, /* and it was said what */
	/* exit statuses */
	CMDLINE_HELP_STATUS = 0,
	CMDLINE_WRONG_STATUS = 2,
};

struct cmdline_option {
	char opt;         /* what cmdline_next returns */
	const char *name; /* "--since"; "-c" */
	const char *is;   /* of its value, "a number, 1 to 10000"; NULL: it has none */
	const char *example;
	bool required;
};

/* Options that most commands have. Where -c is not given and its example is there, that is meant.
 */
#define CMDLINE_CONF                                                                               \
	{                                                                                          \
		'c', "-c", "the configuration file of the node", "/etc/postern/postern.yaml",      \
			false                                                                      \
	}
#define CMDLINE_CONF_REQUIRED                                                                      \
	{                                                                                          \
		'c', "-c", "the configuration file of the node", "/etc/postern/postern.yaml", true \
	}
#define CMDLINE_JSON                                                                               \
	{                                                                                          \
		'j', "--json", NULL, NULL, false                                                   \
	}

struct cmdline_spec {
	const char *word;  /* the command's */
	const char *usage; /* whole text, with its newline */
	const struct cmdline_option *option;
	size_t n;
	/* the operand: its name ("ID"; NULL: there is none), what it is, an example */
	const char *operand, *operand_is, *operand_example;
	bool operand_required;
};

struct cmdline {
	const struct cmdline_spec *spec;
	int argc;
	char **argv; /* argv[0] is the command's word */
	/* results */
	const char *value; /* of the option returned last */
	char *operand;     /* the word of argv; NULL: none yet */
	/* own */
	int at;
	bool failed, only_operands;
	const struct cmdline_option *last;
	uint32_t given; /* bits of options */
};

/**
 * The next option's letter, at last -c where it goes without saying; CMDLINE_DONE, CMDLINE_HELP or
 * CMDLINE_WRONG at the end. -h and --help are known everywhere.
 */
int cmdline_next(struct cmdline *c);
/** The value of the last option is not what it may be: says so; cmdline_next is WRONG then. */
void cmdline_wrong(struct cmdline *c);
/** Its value as a number of min to max, else cmdline_wrong. */
void cmdline_u32(struct cmdline *c, uint32_t min, uint32_t max, uint32_t *out);
/** Something else does not go together: a sentence; returns CMDLINE_WRONG_STATUS. */
int cmdline_refuse(const struct cmdline *c, const char *why);
/** Exit status of a cmdline_next that was not DONE. */
int cmdline_status(int result);

#endif
