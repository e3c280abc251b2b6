#include "net/authority.h"

#include <string.h>

#include "base/codec.h"
#include "net/authorities.h"

static const char *const words[] = {
#define X(name, word) word,
	AUTHORITY_LIST(X)
#undef X
};

static const struct {
	const char *word;
	enum authority authority;
} brands[] = {
	{"Sectigo", AUTHORITY_COMODO},     {"USERTrust", AUTHORITY_COMODO},
	{"AAA", AUTHORITY_COMODO},         {"Starfield", AUTHORITY_GODADDY},
	{"ISRG", AUTHORITY_LETS_ENCRYPT},  {"LetsEncrypt", AUTHORITY_LETS_ENCRYPT},
	{"Go Daddy", AUTHORITY_GODADDY},   {"Let\xe2\x80\x99s Encrypt", AUTHORITY_LETS_ENCRYPT},
	{"Baltimore", AUTHORITY_DIGICERT},
};

const char *
authority_word(enum authority a)
{
	return (unsigned)a < ARRAY_LEN(words) ? words[a] : "?";
}

enum err
authority_parse(struct str word, enum authority *out)
{
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (str_ieqz(word, words[i])) {
			*out = (enum authority)i;
			return ERR_OK;
		}
	for (size_t i = 0; i < ARRAY_LEN(brands); i++)
		if (str_ieqz(word, brands[i].word)) {
			*out = brands[i].authority;
			return ERR_OK;
		}
	return ERR_NOTFOUND;
}

enum err
authority_parse_list(struct str list, uint32_t *out, struct str *bad)
{
	uint32_t mask = 0;

	while (list.len) {
		struct str word = str_trim(str_cut(&list, ','));
		enum authority a;

		if (word.len == 0)
			continue;
		if (authority_parse(word, &a) != ERR_OK) {
			*bad = word;
			return ERR_NOTFOUND;
		}
		mask |= AUTHORITY_BIT(a);
	}
	*out = mask;
	return ERR_OK;
}

/* One line of the list; false for a comment. A line that is wrong is a bug of ours: the unit test
 * reads them all. */
static bool
read_root(struct str line, struct authority_root *out)
{
	struct str word = str_cut(&line, '\t'), hex = str_cut(&line, '\t');
	size_t len;

	out->name = line;
	return authority_parse(word, &out->authority) == ERR_OK &&
	       codec_hex_get(hex, out->fingerprint, sizeof(out->fingerprint), &len) == ERR_OK &&
	       len == sizeof(out->fingerprint);
}

bool
authority_root_at(size_t i, struct authority_root *out)
{
	struct str rest = str_from(authorities[0].text);
	struct authority_root r;

	for (size_t n = 0; rest.len && n < AUTHORITY_ROOTS_MAX;) {
		struct str line = str_cut(&rest, '\n');

		if (!read_root(line, &r))
			continue;
		if (n++ != i)
			continue;
		*out = r;
		return true;
	}
	return false;
}

bool
authority_of(const uint8_t fingerprint[AUTHORITY_FINGERPRINT], enum authority *out)
{
	struct str rest = str_from(authorities[0].text);
	struct authority_root r;

	while (rest.len) {
		struct str line = str_cut(&rest, '\n');

		if (read_root(line, &r) &&
		    memcmp(r.fingerprint, fingerprint, AUTHORITY_FINGERPRINT) == 0) {
			*out = r.authority;
			return true;
		}
	}
	return false;
}

void
authority_put(struct buf *b, uint32_t mask)
{
	const char *sep = "";

	for (unsigned i = 0; i < AUTHORITY_N; i++) {
		if (!(mask & AUTHORITY_BIT(i)))
			continue;
		buf_z(b, sep);
		buf_z(b, words[i]);
		sep = ", ";
	}
}
