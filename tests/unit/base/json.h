/* JSON read by another library, to judge what buf_json and log write. */
#ifndef POSTERN_TESTS_BASE_JSON_H
#define POSTERN_TESTS_BASE_JSON_H

#include <jansson.h>
#include <string.h>

#include "base/str.h"

/* The one string that text is, as bytes in out; false when it is not exactly one JSON string. */
static inline bool
json_bytes(struct str text, char *out, size_t cap, size_t *len)
{
	json_t *v = json_loadb(text.p, text.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	bool ok = v && json_is_string(v) && json_string_length(v) <= cap;

	if (ok) {
		*len = json_string_length(v);
		memcpy(out, json_string_value(v), *len);
	}
	json_decref(v);
	return ok;
}

/* Is s valid UTF-8? */
static inline bool
json_utf8(struct str s)
{
	json_t *v = json_stringn(s.len ? s.p : "", s.len);
	bool ok = v != NULL;

	json_decref(v);
	return ok;
}

#endif
