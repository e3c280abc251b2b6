/* What differs between two rosters: for `postern apply` to show and for the store to write.
 * Each kind of entry has a table of fields with names as the accounts file has them. */
#ifndef POSTERN_POLICY_CHANGE_H
#define POSTERN_POLICY_CHANGE_H

#include "policy/roster.h"

enum change_how { CHANGE_ADD, CHANGE_REMOVE, CHANGE_EDIT, CHANGE_HOW_N };

enum {
	CHANGE_VALUE_MAX = POLICY_PEM_MAX + 1, /* one field as text with its NUL */
};

/* before: NULL for ADD; after: NULL for REMOVE. Rows of the kind that `what` says. */
struct change {
	enum roster_kind what;
	enum change_how how;
	const void *before, *after;
};

/**
 * Compare, sorting both. Calls on_change for each difference: removals of rates, numbers, trunks
 * and accounts first, then what is new or changed the other way round, each by id. An error
 * that it returns ends the walk and is returned. *n counts them. Otherwise NOMEM only.
 */
enum err change_walk(struct roster *before, struct roster *after,
		     enum err (*on_change)(void *arg, const struct change *c), void *arg,
		     uint32_t *n) NODISCARD;

/** Number of fields of a kind; field 0 is the id. */
unsigned change_fields(enum roster_kind w);
/** Name of field i, as in the accounts file. Static. */
const char *change_field_name(enum roster_kind w, unsigned i);
/** Value of field i of a row of this kind, as text. */
void change_field_put(struct buf *b, enum roster_kind w, const void *row, unsigned i);
/** The same for people (field_show). */
void change_field_show(struct buf *b, enum roster_kind w, const void *row, unsigned i);
/** Field i holds what stands there where the file does not name it. */
bool change_field_default(enum roster_kind w, const void *row, unsigned i);
/** Is field i a number or yes/no, so that JSON shows it without quotes? */
bool change_field_bare(enum roster_kind w, unsigned i);
/** Field i is the same in both rows. */
bool change_field_same(enum roster_kind w, const void *a, const void *b, unsigned i);
/** "account", "trunk" (carriers too), "number", "rate". Static. */
const char *change_what_name(enum roster_kind w);

#endif
