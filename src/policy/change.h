/* What differs between two rosters: for `postern apply` to show and for the store to write.
 * Each kind of entry has a table of fields with names as the accounts file has them. */
#ifndef POSTERN_POLICY_CHANGE_H
#define POSTERN_POLICY_CHANGE_H

#include "policy/roster.h"

enum change_what { CHANGE_ACCOUNT, CHANGE_TRUNK, CHANGE_NUMBER, CHANGE_WHAT_N };
enum change_how { CHANGE_ADD, CHANGE_REMOVE, CHANGE_EDIT, CHANGE_HOW_N };

enum {
	CHANGE_VALUE_MAX = 4096, /* one field as text with its NUL: the longest is all names */
};

/* before: NULL for ADD; after: NULL for REMOVE. Rows of the kind that `what` says. */
struct change {
	enum change_what what;
	enum change_how how;
	const void *before, *after;
};

/**
 * Compare, sorting both. Calls on_change for each difference: removals of numbers, trunks and
 * accounts first, then accounts, trunks and numbers that are new or changed, each by id. An error
 * that it returns ends the walk and is returned. *n counts them. Otherwise NOMEM only.
 */
enum err change_walk(struct roster *before, struct roster *after,
		     enum err (*on_change)(void *arg, const struct change *c), void *arg,
		     uint32_t *n) NODISCARD;

/** Number of fields of a kind; field 0 is the id. */
unsigned change_fields(enum change_what w);
/** Name of field i, as in the accounts file. Static. */
const char *change_field_name(enum change_what w, unsigned i);
/** Value of field i of a row of this kind, as text. */
void change_field_put(struct buf *b, enum change_what w, const void *row, unsigned i);
/** Is field i a number or yes/no, so that JSON shows it without quotes? */
bool change_field_bare(enum change_what w, unsigned i);
/** Field i is the same in both rows. */
bool change_field_same(enum change_what w, const void *a, const void *b, unsigned i);
/** "account", "trunk" (carriers too), "number". Static. */
const char *change_what_name(enum change_what w);

#endif
