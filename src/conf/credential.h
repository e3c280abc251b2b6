/* Credentials that carriers ask for by digest: named in the configuration, so that trunks name
 * them; the password stands in a file of its own, which is read as private keys are (conf/pki.h).
 */
#ifndef POSTERN_CONF_CREDENTIAL_H
#define POSTERN_CONF_CREDENTIAL_H

#include "conf/yaml.h"

enum {
	CREDENTIALS_MAX = 64,
	CREDENTIAL_NAME_MAX = 48, /* with NUL, as the next ones */
	CREDENTIAL_TEXT_MAX = 128,
	CREDENTIAL_PATH_MAX = 256,
	CREDENTIAL_PASSWORD_MAX = 256, /* bytes */
};

struct conf_credential {
	char name[CREDENTIAL_NAME_MAX];
	char realm[CREDENTIAL_TEXT_MAX]; /* nobody else is answered */
	char user[CREDENTIAL_TEXT_MAX];
	char password_file[CREDENTIAL_PATH_MAX];
	uint32_t algorithms; /* bit a: enum digest_alg a may be used */
	uint32_t line, column;
};

/** Read one map. */
void confcredential_read(const struct yaml *y, const struct yaml_node *map, struct conf_report *rep,
			 struct conf_credential *out);
/** Those of this name among n; NULL: none. Borrowed. */
const struct conf_credential *confcredential_find(const struct conf_credential *list, uint32_t n,
						  struct str name);
/** The password in the text of its file: its first line. SYNTAX: there are more lines, control
 * characters, or nothing; LONG. */
enum err confcredential_password(struct str text, struct str *out) NODISCARD;

#endif
