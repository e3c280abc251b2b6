#include "net/certname.h"

enum { NAMES_BYTES = 128 /* of names in a sentence, before the last one that is shown */ };

static struct str
without_dot(struct str name)
{
	return name.len > 1 && name.p[name.len - 1] == '.' ? str_sub(name, 0, name.len - 1) : name;
}

static bool
label_ok(struct str label)
{
	if (label.len == 0 || label.len > CERT_LABEL_MAX)
		return false;
	for (size_t i = 0; i < label.len; i++)
		if (!ascii_alnum(label.p[i]) && label.p[i] != '-' && label.p[i] != '_')
			return false;
	return label.p[0] != '-' && label.p[label.len - 1] != '-';
}

static bool
all_digits(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!ascii_digit(s.p[i]))
			return false;
	return true;
}

bool
certpolicy_fqdn_ok(struct str fqdn)
{
	struct str rest = without_dot(fqdn), label;
	size_t left = rest.len;

	if (rest.len == 0 || rest.len > CERT_NAME_MAX)
		return false;
	for (;;) {
		label = str_cut(&rest, '.');
		if (!label_ok(label))
			return false;
		if (left == label.len)
			break;
		left -= label.len + 1;
		if (left == 0) /* a second dot at the end */
			return false;
	}
	return !all_digits(label); /* an IPv4 address, in any of its spellings */
}

bool
certpolicy_dns_match(struct str pattern, struct str fqdn)
{
	size_t dot;

	/* each is judged as it came: one final dot is taken off once, not twice */
	if (!certpolicy_fqdn_ok(fqdn))
		return false;
	fqdn = without_dot(fqdn);
	if (!str_starts(pattern, STR("*.")))
		return certpolicy_fqdn_ok(pattern) && str_ieq(without_dot(pattern), fqdn);
	pattern = str_from_at(pattern, 2);
	if (!certpolicy_fqdn_ok(pattern))
		return false;
	pattern = without_dot(pattern);
	dot = str_chr(fqdn, '.');
	return str_chr(pattern, '.') < pattern.len && dot < fqdn.len &&
	       str_ieq(pattern, str_from_at(fqdn, dot + 1));
}

struct str
certpolicy_uri_host(struct str uri)
{
	struct str host, port;
	uint32_t n;

	if (!str_istarts(uri, STR("sip:")))
		return STR_NULL;
	port = str_from_at(uri, 4);
	if (str_chr(port, '@') < port.len)
		return STR_NULL;
	host = str_cut(&port, ':');
	if (uri.len > 4 + host.len && str_u32(port, 65535, &n) != ERR_OK)
		return STR_NULL;
	return certpolicy_fqdn_ok(host) ? host : STR_NULL;
}

bool
certpolicy_has_uri(const struct cert_view *leaf)
{
	for (size_t i = 0; i < leaf->n_uri; i++)
		if (certpolicy_uri_host(leaf->uri[i]).len)
			return true;
	return false;
}

struct str
certpolicy_odd_uri(const struct cert_view *leaf)
{
	for (size_t i = 0; i < leaf->n_uri; i++)
		if (str_istarts(leaf->uri[i], STR("sip:")) &&
		    certpolicy_uri_host(leaf->uri[i]).len == 0)
			return leaf->uri[i];
	return STR_NULL;
}

struct str
certpolicy_common_name(const struct cert_view *leaf)
{
	return leaf->n_dns == 0 && !certpolicy_has_uri(leaf) ? leaf->cn : STR_NULL;
}

static bool
is_wild(struct str name)
{
	return str_starts(name, STR("*."));
}

enum cert_match
certpolicy_match_by(const struct cert_view *leaf, struct str fqdn, unsigned rules)
{
	struct str cn;

	if (certpolicy_has_uri(leaf)) {
		for (size_t i = 0; i < leaf->n_uri; i++) {
			struct str host = certpolicy_uri_host(leaf->uri[i]);

			if (host.len && certpolicy_fqdn_ok(fqdn) &&
			    str_ieq(without_dot(host), without_dot(fqdn)))
				return CERT_MATCH_URI;
		}
		return CERT_MATCH_NO;
	}
	for (size_t i = 0; i < leaf->n_dns; i++) {
		bool wild = is_wild(leaf->dns[i]);

		if (!(wild && rules & CERT_NAMES_NO_WILDCARD) &&
		    certpolicy_dns_match(leaf->dns[i], fqdn))
			return wild ? CERT_MATCH_WILDCARD : CERT_MATCH_DNS;
	}
	cn = rules & CERT_NAMES_CN ? certpolicy_common_name(leaf) : STR_NULL;
	if (cn.len && !(is_wild(cn) && rules & CERT_NAMES_NO_WILDCARD) &&
	    certpolicy_dns_match(cn, fqdn))
		return CERT_MATCH_CN;
	return CERT_MATCH_NO;
}

enum cert_match
certpolicy_match(const struct cert_view *leaf, struct str fqdn)
{
	return certpolicy_match_by(leaf, fqdn, 0);
}

/* ---- sentences ---- */

void
certpolicy_put_text(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.len && i < CERT_NAME_MAX; i++)
		buf_char(b, s.p[i] >= ' ' && s.p[i] < 127 ? s.p[i] : '?');
}

void
certpolicy_put_names(struct buf *b, const struct cert_view *leaf)
{
	size_t shown = 0, total = (size_t)leaf->n_uri + leaf->n_dns, start = b->len;

	if (total == 0) {
		buf_z(b, "no name (SAN) at all");
		return;
	}
	for (; shown < total && shown < CERT_WHY_NAMES && b->len - start < NAMES_BYTES; shown++) {
		buf_z(b, shown ? ", " : "");
		certpolicy_put_text(b, shown < leaf->n_uri ? leaf->uri[shown]
							   : leaf->dns[shown - leaf->n_uri]);
	}
	if (shown < total)
		buf_printf(b, " and %zu more", total - shown);
}

/* Would the wildcard cover fqdn if it stood for more labels, or for none? */
static bool
nearly_covers(struct str pattern, struct str fqdn)
{
	fqdn = without_dot(fqdn);
	pattern = is_wild(pattern) ? str_from_at(pattern, 2) : STR_NULL;
	if (pattern.len == 0 || fqdn.len < pattern.len)
		return false;
	return str_ieq(str_from_at(fqdn, fqdn.len - pattern.len), pattern) &&
	       (fqdn.len == pattern.len || fqdn.p[fqdn.len - pattern.len - 1] == '.');
}

/* Why none of the names covers this one, where more can be said than that. */
static const char *
find_cause(const struct cert_view *leaf, struct str fqdn, unsigned rules)
{
	if (certpolicy_has_uri(leaf))
		return leaf->n_dns ? ": where a sip: URI stands, DNS names do not count" : "";
	for (size_t i = 0; i < leaf->n_dns; i++) {
		if (rules & CERT_NAMES_NO_WILDCARD && is_wild(leaf->dns[i]) &&
		    certpolicy_dns_match(leaf->dns[i], fqdn))
			return ": wildcards are not accepted from this account";
		if (nearly_covers(leaf->dns[i], fqdn))
			return ": a wildcard covers one label";
	}
	if (certpolicy_odd_uri(leaf).len)
		return ": " CERT_ODD_URI;
	if (certpolicy_dns_match(leaf->cn, fqdn))
		return ": a name in the subject (CN) does not count, it has to stand in the "
		       "subjectAltName";
	return "";
}

void
certpolicy_put_mismatch(struct buf *b, const struct cert_view *leaf, const struct str *refs,
			size_t n_refs, unsigned rules)
{
	buf_z(b, "the certificate is for ");
	certpolicy_put_names(b, leaf);
	buf_z(b, n_refs ? ", which does not cover " : ", which is not the name of an account");
	for (size_t i = 0; i < n_refs && i < CERT_WHY_NAMES; i++) {
		buf_z(b, i ? " or " : "");
		certpolicy_put_text(b, refs[i]);
	}
	if (n_refs > CERT_WHY_NAMES)
		buf_printf(b, " or %zu more", n_refs - CERT_WHY_NAMES);
	if (n_refs == 1)
		buf_z(b, find_cause(leaf, refs[0], rules));
}
