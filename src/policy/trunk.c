#include "policy/trunk.h"

#include "base/addr.h"
#include "base/guard.h"

const struct word_list trunk_kind_words = {(const char *const[TRUNK_KIND_N]){"customer", "carrier"},
					   0, TRUNK_KIND_N};
const struct word_list trunk_transport_words = {
	(const char *const[TRUNK_TRANSPORT_N]){"tls", "udp", "tcp"}, 0, TRUNK_TRANSPORT_N};
const struct word_list trunk_security_words = {
	(const char *const[TRUNK_SECURITY_N]){"required", "refused", "dedicated", "preferred"}, 0,
	TRUNK_SECURITY_N};
const struct word_list trunk_ssrc_words = {(const char *const[TRUNK_SSRC_N]){"own", "pass"}, 0,
					   TRUNK_SSRC_N};
const struct word_list trunk_direction_words = {
	(const char *const[TRUNK_BOTH]){"in", "out", "both"}, 1, TRUNK_BOTH};
const struct word_list trunk_identity_words = {
	(const char *const[TRUNK_IDENTITY_N]){"certificate", "certificate+address", "address"}, 0,
	TRUNK_IDENTITY_N};
const struct word_list trunk_show_words = {(const char *const[TRUNK_SHOW_N]){"show", "never"}, 0,
					   TRUNK_SHOW_N};
const struct word_list trunk_large_words = {(const char *const[TRUNK_LARGE_N]){"tcp", "udp"}, 0,
					    TRUNK_LARGE_N};
const struct word_list trunk_reuse_words = {(const char *const[TRUNK_REUSE_N]){"no", "inbound"}, 0,
					    TRUNK_REUSE_N};

const struct word_list trunk_mki_words = {
	(const char *const[TRUNK_MKI_N]){"mirror", "never", "always"}, 0, TRUNK_MKI_N};
const struct word_list trunk_roc_words = {
	(const char *const[TRUNK_ROC_N]){"follow", "keep", "reset"}, 0, TRUNK_ROC_N};
const struct word_list trunk_contact_words = {
	(const char *const[TRUNK_CONTACT_N]){"address", "fqdn"}, 0, TRUNK_CONTACT_N};
const struct word_list trunk_indialog_words = {
	(const char *const[TRUNK_INDIALOG_N]){"none", "dtmf", "info", "all"}, 0, TRUNK_INDIALOG_N};
const struct word_list trunk_dtmf_words = {
	(const char *const[TRUNK_DTMF_N]){"pass", "events", "info"}, 0, TRUNK_DTMF_N};
const struct word_list trunk_video_words = {(const char *const[TRUNK_VIDEO_N]){"refuse", "relay"},
					    0, TRUNK_VIDEO_N};
const struct word_list trunk_other_media_words = {
	(const char *const[TRUNK_OTHER_MEDIA_N]){"refuse", "pass"}, 0, TRUNK_OTHER_MEDIA_N};
const struct word_list trunk_parts_words = {(const char *const[TRUNK_PARTS_N]){"drop", "pass"}, 0,
					    TRUNK_PARTS_N};
const struct word_list trunk_verstat_words = {(const char *const[TRUNK_VERSTAT_N]){"strip", "pass"},
					      0, TRUNK_VERSTAT_N};
const struct word_list trunk_refer_words = {
	(const char *const[TRUNK_REFER_N]){"refuse", "local", "pass"}, 0, TRUNK_REFER_N};

const struct word_list trunk_redirect_words = {
	(const char *const[TRUNK_REDIRECT_N]){"refuse", "follow", "pass"}, 0, TRUNK_REDIRECT_N};

const struct word_list trunk_keying_words = {(const char *const[TRUNK_KEYING_N]){"sdes", "dtls"}, 0,
					     TRUNK_KEYING_N};

const struct word_list trunk_ice_words = {(const char *const[TRUNK_ICE_N]){"no", "lite"}, 0,
					  TRUNK_ICE_N};

const struct word_list trunk_prefer_words = {
	(const char *const[TRUNK_PREFER_N]){"osrtp", "lines", "retry"}, 0, TRUNK_PREFER_N};

const char *
trunk_kind_name(enum trunk_kind k)
{
	return word_name(&trunk_kind_words, k);
}

const char *
trunk_transport_name(enum trunk_transport t)
{
	return word_name(&trunk_transport_words, t);
}

const char *
trunk_security_name(enum trunk_security s)
{
	return word_name(&trunk_security_words, s);
}

const char *
trunk_ssrc_name(enum trunk_ssrc s)
{
	return word_name(&trunk_ssrc_words, s);
}

const char *
trunk_direction_name(enum trunk_direction d)
{
	return word_name(&trunk_direction_words, d);
}

const char *
trunk_identity_name(enum trunk_identity i)
{
	return word_name(&trunk_identity_words, i);
}

bool
trunk_encrypts(unsigned security)
{
	return security == TRUNK_SEC_REQUIRED || security == TRUNK_SEC_PREFERRED;
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
trunk_is_clear(const struct trunk *t)
{
	return t->transport != TRUNK_TLS && !trunk_encrypts(t->security);
}

bool
trunk_host_valid(struct str host)
{
	struct addr ip;
	bool letter = false;

	if (addr_parse_ip(host, &ip) == ERR_OK) /* of one host */
		return !addr_is_any(&ip) && !addr_is_multicast(&ip);
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
	if (acc && trunk_encrypts(t->security) && acc->tls_srtp != TLS_SRTP_ON)
		return ACCOUNT_TLS_SRTP;
	if (!GUARD(A5, !acc || c == CLASS_SERVICE || (acc->services & c)))
		return ACCOUNT_CLASS;
	return ACCOUNT_OK;
}
