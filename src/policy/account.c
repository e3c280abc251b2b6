#include "policy/account.h"

#include <string.h>

const char *
policy_class_name(enum policy_class c)
{
	switch (c) {
	case CLASS_NONE:
		return "none";
#define X(upper, lower, bit)                                                                       \
	case CLASS_##upper:                                                                        \
		return #lower;
		POLICY_CLASS_LIST(X)
#undef X
	}
	return "?";
}

enum err
policy_class_parse(struct str word, enum policy_class *out)
{
	static const enum policy_class all[] = {CLASS_ORIGINATION, CLASS_TOLL_FREE,
						CLASS_TERMINATION, CLASS_INTERNATIONAL};

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (str_eqz(word, policy_class_name(all[i]))) {
			*out = all[i];
			return ERR_OK;
		}
	return ERR_NOTFOUND;
}

const char *
tls_srtp_name(enum tls_srtp t)
{
	static const char *const name[TLS_SRTP_N] = {"off", "requested", "ready", "on"};

	return (unsigned)t < TLS_SRTP_N ? name[t] : "?";
}

enum err
tls_srtp_parse(struct str word, enum tls_srtp *out)
{
	for (unsigned i = 0; i < TLS_SRTP_N; i++)
		if (str_eqz(word, tls_srtp_name((enum tls_srtp)i))) {
			*out = (enum tls_srtp)i;
			return ERR_OK;
		}
	return ERR_NOTFOUND;
}

bool
policy_id_valid(struct str id)
{
	if (id.len == 0 || id.len >= POLICY_ID_MAX || !ascii_alnum(id.p[0]))
		return false;
	for (size_t i = 0; i < id.len; i++)
		if (!ascii_alnum(id.p[i]) && id.p[i] != '.' && id.p[i] != '_' && id.p[i] != '-')
			return false;
	return true;
}

const char *
account_reason_text(enum account_reason r)
{
	static const char *const text[ACCOUNT_REASON_N] = {
#define X(name, sentence) sentence,
		ACCOUNT_REASON_LIST(X)
#undef X
	};

	return (unsigned)r < ACCOUNT_REASON_N ? text[r] : "?";
}
