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
	for (unsigned bit = 1; bit <= ACCOUNT_SERVICES_ALL; bit <<= 1)
		if ((bit & ACCOUNT_SERVICES_ALL) &&
		    str_eqz(word, policy_class_name((enum policy_class)bit))) {
			*out = (enum policy_class)bit;
			return ERR_OK;
		}
	return ERR_NOTFOUND;
}

const char *
word_name(const struct word_list *l, unsigned v)
{
	return v >= l->first && v - l->first < l->n ? l->word[v - l->first] : "?";
}

enum err
word_parse(const struct word_list *l, struct str word, unsigned *out)
{
	for (unsigned i = 0; i < l->n; i++)
		if (str_eqz(word, l->word[i])) {
			*out = l->first + i;
			return ERR_OK;
		}
	return ERR_NOTFOUND;
}

const struct word_list tls_srtp_words = {
	(const char *const[TLS_SRTP_N]){"off", "requested", "ready", "on"}, 0, TLS_SRTP_N};
const struct word_list account_caller_words = {
	(const char *const[ACCOUNT_CALLER_N]){"refuse", "replace"}, 0, ACCOUNT_CALLER_N};
const struct word_list tls_eku_words = {
	(const char *const[TLS_EKU_N]){"accept-server-auth", "strict"}, 0, TLS_EKU_N};
const struct word_list tls_revocation_words = {
	(const char *const[TLS_REVOCATION_N]){"soft", "off", "hard"}, 0, TLS_REVOCATION_N};

const char *
tls_srtp_name(enum tls_srtp t)
{
	return word_name(&tls_srtp_words, t);
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
