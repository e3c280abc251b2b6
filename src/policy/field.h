/* The value of one field (policy/fieldtable.h): read from text, checked, written as text, compared.
 * Pure. */
#ifndef POSTERN_POLICY_FIELD_H
#define POSTERN_POLICY_FIELD_H

#include "base/buf.h"
#include "policy/fieldtable.h"

/** Is the member a text? */
bool field_is_text(const struct field *f);
/** Is it a list of rules, a line each? */
bool field_is_rules(const struct field *f);
/** Is it kept as an integer (store), is it shown in JSON without quotes? */
bool field_is_integer(const struct field *f);
bool field_is_bare(const struct field *f);
/** The member of a row as a text (field_is_text), as an integer (all others but lists). */
struct str field_text(const struct field *f, const void *row);
uint64_t field_u64(const struct field *f, const void *row);
void field_set_text(const struct field *f, void *row, struct str s);
void field_set_u64(const struct field *f, void *row, uint64_t v);
/** An integer that this field may hold, e.g. one of the words' values. */
bool field_u64_valid(const struct field *f, uint64_t v);
/** ERR_OK, or what is wrong with s as this text field: LONG, SYNTAX (form, control bytes). */
enum err field_text_valid(const struct field *f, struct str s) NODISCARD;
/** Read an integer as the file has it ("yes", "2h", "12.50", a word); SYNTAX, RANGE, NOTFOUND. */
enum err field_parse(const struct field *f, struct str s, uint64_t *out) NODISCARD;
/** The member as text: what the file would hold, lists divided by spaces or commas. */
void field_put(struct buf *b, const struct field *f, const void *row);
/** The same for people: a time or an amount that is not set, which is no limit, is no text. */
void field_show(struct buf *b, const struct field *f, const void *row);
/** Does it hold what stands there where the file does not name it? */
bool field_is_default(const struct field *f, const void *row);
/** The same value in both rows. */
bool field_same(const struct field *f, const void *a, const void *b);
/** Give all integers of a row of this kind their defaults; texts and lists are left alone. */
void field_defaults(enum roster_kind k, void *row);

#endif
