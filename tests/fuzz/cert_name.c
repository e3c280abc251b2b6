/* Names of certificates against names that we look for. What matches has the same labels, but for
 * one whole left-most label under a wildcard; case and a final dot make no difference; a sentence
 * about it is printable. Input: pattern, zero byte or '|', name. */
#include <stdlib.h>
#include <string.h>

#include "net/certpolicy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool c)
{
	if (!c)
		abort();
}

static struct str
trim_dot(struct str s)
{
	return s.len > 1 && s.p[s.len - 1] == '.' ? str_sub(s, 0, s.len - 1) : s;
}

static void
check_match(struct str pattern, struct str name)
{
	struct str p = trim_dot(pattern), n = trim_dot(name);

	must(certpolicy_fqdn_ok(name) && n.len <= CERT_NAME_MAX);
	must(str_chr(p, '\0') == p.len && str_chr(n, '\0') == n.len && str_chr(n, '*') == n.len);
	if (p.p[0] == '*') {
		must(p.len > 2 && p.p[1] == '.');
		p = str_from_at(p, 1);
		n = str_from_at(n, str_chr(n, '.'));
		must(n.len < trim_dot(name).len); /* the label was not empty */
		must(str_rchr(p, '.') > 0);       /* not a whole top level */
	}
	must(str_ieq(p, n));
	must(str_chr(p, '*') == p.len);
}

static void
check_sentence(const struct cert_view *v, struct str name)
{
	char mem[CERT_WHY_MAX];
	struct buf b;

	buf_init(&b, mem, sizeof(mem));
	certpolicy_put_mismatch(&b, v, &name, 1, 0);
	for (size_t i = 0; i < b.len; i++)
		must(b.p[i] >= ' ' && b.p[i] < 127);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char upper[512];
	struct str pattern = str_of(data, size), name, host;
	size_t cut = str_chr(pattern, '|');
	struct cert_view v = {.dns = &pattern, .uri = &pattern, .n_dns = 1};
	bool match;

	if (cut == size || size > sizeof(upper))
		return 0;
	name = str_from_at(pattern, cut + 1);
	pattern = str_sub(pattern, 0, cut);
	match = certpolicy_dns_match(pattern, name);
	if (match)
		check_match(pattern, name);
	must((certpolicy_match(&v, name) != CERT_MATCH_NO) == match);
	for (size_t i = 0; i < name.len; i++)
		upper[i] =
			(char)(name.p[i] >= 'a' && name.p[i] <= 'z' ? name.p[i] - 32 : name.p[i]);
	must(certpolicy_dns_match(pattern, str_of(upper, name.len)) == match);
	host = certpolicy_uri_host(pattern);
	must(host.len == 0 || (certpolicy_fqdn_ok(host) && str_chr(host, '@') == host.len));
	v.n_uri = 1;
	if (host.len)
		must((certpolicy_match(&v, name) == CERT_MATCH_URI) ==
		     (certpolicy_fqdn_ok(name) && str_ieq(trim_dot(host), trim_dot(name))));
	check_sentence(&v, name);
	return 0;
}
