#include "policy/trunk.h"

#include "base/addr.h"
#include "base/guard.h"

/* Words of each enum, in its order. */
static const char *const kind_word[TRUNK_KIND_N] = {"customer", "carrier"};
static const char *const transport_word[TRUNK_TRANSPORT_N] = {"tls", "udp", "tcp"};
static const char *const security_word[TRUNK_SECURITY_N] = {"required", "refused"};
static const char *const ssrc_word[TRUNK_SSRC_N] = {"own", "pass"};
static const char *const direction_word[TRUNK_BOTH + 1] = {"?", "in", "out", "both"};

static const char *
word_of(const char *const *words, unsigned n, unsigned v)
{
	return v < n ? words[v] : "?";
}

/* Index of word, n if it is none of them. */
static unsigned
find_word(const char *const *words, unsigned n, struct str word)
{
	unsigned i = 0;

	while (i < n && !str_eqz(word, words[i]))
		i++;
	return i;
}

const char *
trunk_kind_name(enum trunk_kind k)
{
	return word_of(kind_word, TRUNK_KIND_N, k);
}

const char *
trunk_transport_name(enum trunk_transport t)
{
	return word_of(transport_word, TRUNK_TRANSPORT_N, t);
}

const char *
trunk_security_name(enum trunk_security s)
{
	return word_of(security_word, TRUNK_SECURITY_N, s);
}

const char *
trunk_ssrc_name(enum trunk_ssrc s)
{
	return word_of(ssrc_word, TRUNK_SSRC_N, s);
}

const char *
trunk_direction_name(enum trunk_direction d)
{
	return word_of(direction_word, TRUNK_BOTH + 1, d);
}

enum err
trunk_transport_parse(struct str word, enum trunk_transport *out)
{
	unsigned i = find_word(transport_word, TRUNK_TRANSPORT_N, word);

	if (i == TRUNK_TRANSPORT_N)
		return ERR_NOTFOUND;
	*out = (enum trunk_transport)i;
	return ERR_OK;
}

enum err
trunk_security_parse(struct str word, enum trunk_security *out)
{
	unsigned i = find_word(security_word, TRUNK_SECURITY_N, word);

	if (i == TRUNK_SECURITY_N)
		return ERR_NOTFOUND;
	*out = (enum trunk_security)i;
	return ERR_OK;
}

enum err
trunk_ssrc_parse(struct str word, enum trunk_ssrc *out)
{
	unsigned i = find_word(ssrc_word, TRUNK_SSRC_N, word);

	if (i == TRUNK_SSRC_N)
		return ERR_NOTFOUND;
	*out = (enum trunk_ssrc)i;
	return ERR_OK;
}

enum err
trunk_direction_parse(struct str word, enum trunk_direction *out)
{
	unsigned i = find_word(direction_word, TRUNK_BOTH + 1, word);

	if (i == 0 || i > TRUNK_BOTH)
		return ERR_NOTFOUND;
	*out = (enum trunk_direction)i;
	return ERR_OK;
}

/* One label of a DNS name; '_' is met in practice. */
static bool
label_valid(struct str label)
{
	if (label.len == 0 || label.len > 63 || label.p[0] == '-' || label.p[label.len - 1] == '-')
		return false;
	for (size_t i = 0; i < label.len; i++)
		if (!ascii_alnum(label.p[i]) && label.p[i] != '-' && label.p[i] != '_')
			return false;
	return true;
}

bool
trunk_host_valid(struct str host)
{
	struct addr ip;
	bool letter = false;

	if (addr_parse_ip(host, &ip) == ERR_OK)
		return true;
	if (host.len == 0 || host.len >= POLICY_HOST_MAX || host.p[host.len - 1] == '.')
		return false;
	while (host.len) {
		struct str label = str_cut(&host, '.');

		if (!label_valid(label))
			return false;
		letter = ascii_alpha(label.p[0]) || ascii_alpha(label.p[label.len - 1]);
	}
	return letter; /* a name that ends in a number is a mistyped address */
}

enum account_reason
trunk_admits(const struct account *acc, const struct trunk *t, enum policy_class c, bool from)
{
	if (acc && !acc->enabled)
		return ACCOUNT_DISABLED;
	if (!t->enabled)
		return ACCOUNT_TRUNK_DISABLED;
	if (!(t->direction & (from ? TRUNK_IN : TRUNK_OUT)))
		return ACCOUNT_DIRECTION;
	if (c == CLASS_EMERGENCY)
		return ACCOUNT_OK;
	if (c == CLASS_NONE)
		return ACCOUNT_NO_CLASS;
	if (acc && t->security == TRUNK_SEC_REQUIRED && acc->tls_srtp != TLS_SRTP_ON)
		return ACCOUNT_TLS_SRTP;
	if (!GUARD(A5, !acc || c == CLASS_SERVICE || (acc->classes & c)))
		return ACCOUNT_CLASS;
	return ACCOUNT_OK;
}
