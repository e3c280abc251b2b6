#include "ops/jsonin.h"

#include <jansson.h>

enum { JSON_KEY_MAX = 64 };

static json_t *
lib_of(const struct json *j)
{
	return (json_t *)(uintptr_t)j;
}

static const struct json *
ours_of(const json_t *j)
{
	return (const struct json *)j;
}

enum err
jsonin_parse(struct str text, struct json **out)
{
	json_error_t why;
	json_t *j = text.len ? json_loadb(text.p, text.len, JSON_REJECT_DUPLICATES, &why) : NULL;

	if (!j)
		return text.len && json_error_code(&why) == json_error_out_of_memory ? ERR_NOMEM
										     : ERR_SYNTAX;
	if (!json_is_object(j)) {
		json_decref(j);
		return ERR_SYNTAX;
	}
	*out = (struct json *)j;
	return ERR_OK;
}

void
jsonin_free(struct json **root)
{
	json_decref((json_t *)*root);
	*root = NULL;
}

const struct json *
jsonin_get(const struct json *j, const char *path)
{
	const json_t *at = lib_of(j);
	struct str rest = str_from(path);

	while (at && rest.len) {
		char key[JSON_KEY_MAX];

		if (str_copyz(key, sizeof(key), str_cut(&rest, '.')) != ERR_OK)
			return NULL;
		at = json_object_get(at, key);
	}
	return ours_of(at);
}

const char *
jsonin_text(const struct json *j, const char *path)
{
	const char *z = json_string_value(lib_of(jsonin_get(j, path)));

	return z ? z : "";
}

int64_t
jsonin_int(const struct json *j, const char *path)
{
	return json_integer_value(lib_of(jsonin_get(j, path)));
}

bool
jsonin_true(const struct json *j, const char *path)
{
	return json_is_true(lib_of(jsonin_get(j, path)));
}

size_t
jsonin_count(const struct json *j)
{
	const json_t *l = lib_of(j);

	return json_is_object(l) ? json_object_size(l) : json_array_size(l);
}

const struct json *
jsonin_at(const struct json *j, size_t i)
{
	return ours_of(json_array_get(lib_of(j), i));
}

const struct json *
jsonin_member(const struct json *j, size_t i, const char **name)
{
	json_t *o = lib_of(j);
	void *it = json_object_iter(o);

	while (it && i--)
		it = json_object_iter_next(o, it);
	if (!it)
		return NULL;
	*name = json_object_iter_key(it);
	return ours_of(json_object_iter_value(it));
}

bool
jsonin_is_scalar(const struct json *j)
{
	return !json_is_object(lib_of(j)) && !json_is_array(lib_of(j));
}

void
jsonin_put_scalar(struct buf *b, const struct json *j)
{
	const json_t *v = lib_of(j);

	if (json_is_string(v))
		buf_add(b, json_string_value(v), json_string_length(v));
	else if (json_is_integer(v))
		buf_printf(b, "%lld", (long long)json_integer_value(v));
	else if (json_is_real(v))
		buf_printf(b, "%g", json_real_value(v));
	else
		buf_z(b, json_is_true(v) ? "yes" : json_is_false(v) ? "no" : "-");
}
