#include "conf/credential.h"

#include "base/digest.h"
#include "conf/schema.h"

#define FIELD(member)                                                                              \
	offsetof(struct conf_credential, member), sizeof(((struct conf_credential *)0)->member)

static const struct schema rows[] = {
	{"name", SCHEMA_ID, FIELD(name), 0, 0, NULL, NULL, true, "a short name that trunks use"},
	{"realm", SCHEMA_TEXT, FIELD(realm), 0, 0, NULL, NULL, true,
	 "the realm that the carrier shows; no other one is answered"},
	{"user", SCHEMA_TEXT, FIELD(user), 0, 0, NULL, NULL, true, "the user name"},
	{"password_file", SCHEMA_TEXT, FIELD(password_file), 0, 0, NULL, NULL, true,
	 "a file with the password in its only line"},
	{"algorithms", SCHEMA_NODE, 0, 0, 0, 0, NULL, NULL, false,
	 "a list of: MD5 SHA-256 SHA-512-256"},
};

static const char *const words[DIGEST_N] = {
	[DIGEST_MD5] = "MD5", [DIGEST_SHA256] = "SHA-256", [DIGEST_SHA512_256] = "SHA-512-256"};

static uint32_t
bit_of(struct str word)
{
	for (unsigned a = 0; a < DIGEST_N; a++)
		if (str_ieqz(word, words[a]))
			return 1u << a;
	return 0;
}

static void
read_algorithms(const struct yaml *y, const struct yaml_node *list, struct conf_report *rep,
		struct conf_credential *out)
{
	if (list->kind != YAML_LIST || !yaml_first(y, list)) {
		report_error(rep, list->line, list->column,
			     "algorithms: write a list of: MD5 SHA-256 SHA-512-256");
		return;
	}
	out->algorithms = 0;
	for (const struct yaml_node *n = yaml_first(y, list); n; n = yaml_next(y, n)) {
		uint32_t bit = n->kind == YAML_SCALAR ? bit_of(n->text) : 0;

		if (!bit)
			report_error(rep, n->line, n->column,
				     "algorithms: \"%.*s\" is not known; use some of: MD5 SHA-256 "
				     "SHA-512-256",
				     STR_ARG(str_sub(n->text, 0, 32)));
		out->algorithms |= bit;
	}
}

/* It stands between quotes in a header. */
static void
check_text(const char *z, const char *word, const struct yaml_node *map, struct conf_report *rep)
{
	for (; *z; z++)
		if ((unsigned char)*z < 0x20 || *z == 0x7f || *z == '"' || *z == '\\') {
			report_error(rep, map->line, map->column,
				     "%s: quotes, backslashes and control characters cannot stand "
				     "in it",
				     word);
			return;
		}
}

void
confcredential_read(const struct yaml *y, const struct yaml_node *map, struct conf_report *rep,
		    struct conf_credential *out)
{
	const struct yaml_node *list;

	*out = (struct conf_credential){
		.algorithms = (1u << DIGEST_N) - 1, .line = map->line, .column = map->column};
	schema_read(y, map, rows, ARRAY_LEN(rows), "credentials", out, rep);
	if (map->kind != YAML_MAP)
		return;
	check_text(out->realm, "realm", map, rep);
	check_text(out->user, "user", map, rep);
	list = yaml_get(y, map, "algorithms");
	if (list)
		read_algorithms(y, list, rep, out);
}

const struct conf_credential *
confcredential_find(const struct conf_credential *list, uint32_t n, struct str name)
{
	for (uint32_t i = 0; i < n; i++)
		if (str_eqz(name, list[i].name))
			return &list[i];
	return NULL;
}

enum err
confcredential_password(struct str text, struct str *out)
{
	struct str line = str_cut(&text, '\n');

	if (str_ends(line, STR("\r")))
		line = str_sub(line, 0, line.len - 1);
	if (str_trim(text).len || line.len == 0)
		return ERR_SYNTAX;
	for (size_t i = 0; i < line.len; i++)
		if ((unsigned char)line.p[i] < 0x20 || line.p[i] == 0x7f)
			return ERR_SYNTAX;
	if (line.len > CREDENTIAL_PASSWORD_MAX)
		return ERR_LONG;
	*out = line;
	return ERR_OK;
}
