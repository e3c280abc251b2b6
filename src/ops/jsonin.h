/* Reading JSON: requests on the control socket, lines of our own files, answers in the commands.
 * The only wrapper of the library. Writing is done with base/buf (buf_json). */
#ifndef POSTERN_OPS_JSONIN_H
#define POSTERN_OPS_JSONIN_H

#include "base/buf.h"

/* A value inside a parsed text; lives as long as its root. NULL is fine everywhere: nothing. */
struct json;

/** One whole JSON object, nothing behind it but blanks. SYNTAX (also a key twice); NOMEM. */
enum err jsonin_parse(struct str text, struct json **out) NODISCARD;
/** Of the root only. Nulls the pointer. */
void jsonin_free(struct json **root);
/** Member of an object by its path, "a.media.in_packets"; NULL when it is not there. */
const struct json *jsonin_get(const struct json *j, const char *path);
/** Text of a member; "" when it is no text. Borrowed. */
const char *jsonin_text(const struct json *j, const char *path);
/** Whole number of a member; 0 when it is none. */
int64_t jsonin_int(const struct json *j, const char *path);
/** True only for true. */
bool jsonin_true(const struct json *j, const char *path);
/** Elements of a list (or members of an object), 0 for anything else. */
size_t jsonin_count(const struct json *j);
/** Element i of a list. */
const struct json *jsonin_at(const struct json *j, size_t i);
/**
 * Member i of an object and its name; NULL when there is none. In the order of the text.
 */
const struct json *jsonin_member(const struct json *j, size_t i, const char **name);
/** Neither an object nor a list. */
bool jsonin_is_scalar(const struct json *j);
/** A scalar as text for people: numbers, true, false; text as it is; "-" for anything else. */
void jsonin_put_scalar(struct buf *b, const struct json *j);

#endif
