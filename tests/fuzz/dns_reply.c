/* A DNS reply read for each type: every slice lies in the answer's own text, nothing is beyond its
 * limit, an answer is never larger than what the bytes can hold, and reading twice gives the same.
 * What is read is then put in order (net/srv.h): each usable SRV record once, priorities rising,
 * the NAPTR record one of those asked for; and copied, with texts of its own. First byte: the type
 * asked for; then the name as text up to a zero byte; then the reply. */
#include <stdlib.h>
#include <string.h>

#include "net/dns.h"
#include "net/srv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool c)
{
	if (!c)
		abort();
}

static void
check_text(const struct dns_answer *a, struct str s, bool host)
{
	if (s.len == 0)
		return;
	must(s.p >= a->text && s.p + s.len <= a->text + a->text_len);
	must(!host || s.len <= DNS_NAME_MAX);
	for (size_t i = 0; host && i < s.len; i++)
		must(ascii_alnum(s.p[i]) || s.p[i] == '-' || s.p[i] == '_' || s.p[i] == '.' ||
		     s.p[i] == '*');
}

static void
check_answer(const struct dns_answer *a, enum dns_type type, size_t size)
{
	must(a->n <= DNS_RECORDS_MAX && a->text_len <= DNS_TEXT_MAX && a->ttl <= DNS_TTL_MAX);
	must((a->status == DNS_OK) == (a->n > 0));
	must((size_t)a->n * 11 <= size);
	for (unsigned i = 0; i < a->n; i++) {
		const struct dns_record *r = &a->rec[i];

		must(r->type == type && r->ttl >= a->ttl);
		must((type == DNS_A) == (r->addr.family == 4));
		must((type == DNS_AAAA) == (r->addr.family == 6));
		check_text(a, r->target, true);
		check_text(a, r->flags, false);
		check_text(a, r->service, false);
		check_text(a, r->regexp, false);
	}
}

static void
check_order(const struct dns_answer *a, const uint8_t *data, size_t size)
{
	const struct dns_record *naptr = srv_naptr(a, STR("SIPS+D2T"));
	uint16_t order[DNS_RECORDS_MAX], n, usable = 0;
	uint32_t draw[DNS_RECORDS_MAX];
	bool seen[DNS_RECORDS_MAX] = {false};

	for (unsigned i = 0; i < DNS_RECORDS_MAX; i++)
		draw[i] = data[i % size] * 0x01010101U + i;
	n = srv_order(a, draw, (uint16_t)(data[0] % (DNS_RECORDS_MAX + 1)), order);
	for (unsigned i = 0; i < a->n; i++)
		usable = (uint16_t)(usable + (a->rec[i].type == DNS_SRV && a->rec[i].target.len));
	must(n == usable);
	for (unsigned i = 0; i < n; i++) {
		must(order[i] < a->n && !seen[order[i]]);
		must(i == 0 || a->rec[order[i - 1]].priority <= a->rec[order[i]].priority);
		seen[order[i]] = true;
	}
	must(!srv_refused(a) || n == 0);
	must(!naptr || (naptr >= a->rec && naptr < a->rec + a->n && naptr->target.len));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum dns_type types[] = {DNS_A, DNS_AAAA, DNS_SRV, DNS_NAPTR};
	static struct dns_answer a, b;
	const uint8_t *end;
	enum dns_type type;
	struct str name, reply;
	enum err e;

	if (size < 2 || !(end = memchr(data + 1, 0, size - 1)))
		return 0;
	type = types[data[0] % ARRAY_LEN(types)];
	name = str_of(data + 1, (size_t)(end - data - 1));
	reply = str_of(end + 1, (size_t)(data + size - end - 1));
	e = dns_read(reply, name, type, &a);
	must(dns_read(reply, name, type, &b) == e);
	if (e != ERR_OK)
		return 0;
	check_answer(&a, type, reply.len);
	must(a.status == b.status && a.n == b.n && a.ttl == b.ttl && a.text_len == b.text_len);
	must(memcmp(a.text, b.text, a.text_len) == 0);
	check_order(&a, data, size);
	dns_copy(&b, &a);
	check_answer(&b, type, reply.len);
	return 0;
}
