#include "conf/profile.h"

#include <dirent.h>
#include <string.h>

#include "base/mem.h"
#include "conf/profiles.h" /* shipped */
#include "conf/yaml.h"
#include "policy/account.h"

/* ---- one ---- */

static enum err
copy_shipped(struct str word, struct str *out)
{
	for (size_t i = 0; i < ARRAY_LEN(shipped); i++) {
		size_t len = strlen(shipped[i].text);
		char *mem;

		if (!str_eqz(word, shipped[i].name))
			continue;
		mem = mem_zalloc(1, len + 1);
		if (!mem)
			return ERR_NOMEM;
		memcpy(mem, shipped[i].text, len);
		*out = str_of(mem, len);
		return ERR_OK;
	}
	return ERR_NOTFOUND;
}

enum err
confprofile_read(struct str word, const char *dir, struct conf_report *rep,
		 char from[CONFPROFILE_PATH_MAX], struct str *out)
{
	bool is_file = str_chr(word, '/') < word.len;
	struct conf_report unread = {0};
	struct buf b;
	enum err e;

	if (!dir || (!is_file && !policy_id_valid(word)))
		return ERR_NOTFOUND;
	buf_init(&b, from, CONFPROFILE_PATH_MAX);
	if (!is_file)
		buf_printf(&b, POSTERN_PROFILES "/%.*s.yaml", STR_ARG(word));
	else if (word.p[0] == '/')
		buf_str(&b, word);
	else
		buf_printf(&b, "%s/%.*s", dir, STR_ARG(word));
	if (buf_end(&b) != ERR_OK)
		return ERR_LONG;
	e = yaml_read_file(buf_cstr(&b), is_file ? rep : &unread, out);
	if (e == ERR_OK || e == ERR_NOMEM || is_file)
		return e;
	(void)!str_copyz(from, CONFPROFILE_PATH_MAX, STR(CONFPROFILE_BUILT_IN));
	return copy_shipped(word, out);
}

/* ---- all ---- */

/* In its place among those before; a second time it is the same one. */
static void
add_name(struct confprofile_names *l, struct str name)
{
	uint32_t at = 0;

	while (at < l->n && str_cmp(str_from(l->name[at]), name) < 0)
		at++;
	if (l->n == CONFPROFILE_MAX || name.len >= CONFPROFILE_NAME_MAX ||
	    (at < l->n && str_eqz(name, l->name[at])))
		return;
	memmove(l->name[at + 1], l->name[at], (l->n - at) * sizeof(l->name[0]));
	(void)!str_copyz(l->name[at], sizeof(l->name[at]), name);
	l->n++;
}

void
confprofile_names(struct confprofile_names *out)
{
	static const struct str end = STR(".yaml");
	DIR *d = opendir(POSTERN_PROFILES);
	struct dirent *entry;

	out->n = 0;
	for (size_t i = 0; i < ARRAY_LEN(shipped); i++)
		add_name(out, str_from(shipped[i].name));
	while (d && (entry = readdir(d))) {
		struct str file = str_from(entry->d_name), name;

		name = str_sub(file, 0, file.len > end.len ? file.len - end.len : 0);
		if (policy_id_valid(name) && str_eq(str_from_at(file, name.len), end))
			add_name(out, name);
	}
	if (d)
		closedir(d);
}
