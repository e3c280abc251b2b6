#include "app/credentials.h"

#include "base/log.h"
#include "base/secret.h"
#include "conf/pki.h"

_Static_assert((int)EDGE_CREDENTIALS_MAX >= (int)CREDENTIALS_MAX, "room for all");
_Static_assert((int)EDGE_CREDENTIAL_TEXT >= (int)CREDENTIAL_TEXT_MAX, "room for each");

static enum err
fill_credential(const struct conf *c, struct str pki, uint32_t i, struct edge_credential *out)
{
	const struct conf_credential *x = &c->credential[i];
	struct str text, password;
	enum err e = pki_password(pki, i, &text);

	if (e == ERR_OK)
		e = confcredential_password(text, &password);
	if (e == ERR_OK)
		e = str_copyz(out->name, sizeof(out->name), str_from(x->name));
	if (e == ERR_OK)
		e = str_copyz(out->realm, sizeof(out->realm), str_from(x->realm));
	if (e == ERR_OK)
		e = str_copyz(out->user, sizeof(out->user), str_from(x->user));
	if (e == ERR_OK)
		sip_digest_key(str_from(x->user), str_from(x->realm), password, x->algorithms,
			       &out->key);
	return e;
}

void
credentials_tell(const struct conf *c, struct str pki, struct edge *e)
{
	static struct edge_credential list[EDGE_CREDENTIALS_MAX]; /* large, and wiped at once */
	uint32_t n = 0;

	for (uint32_t i = 0; i < c->n_credentials; i++) {
		enum err err = fill_credential(c, pki, i, &list[n]);

		if (err == ERR_OK)
			n++;
		else
			log_error("credentials.password",
				  "credentials %s: its file holds no password in one line: %s",
				  c->credential[i].name, err_text(err));
	}
	edge_on_credentials(e, list, n);
	secret_wipe(list, sizeof(list));
}
