#include "net/dns.h"

#include <string.h>

#include "base/guard.h"

enum {
	HEADER = 12,
	QR = 0x8000,
	TC = 0x0200,
	RCODE = 0x000f,
	RCODE_NXDOMAIN = 3,
	CLASS_IN = 1,
	POINTER = 0xc0
};

/* A cursor over the reply. Every reader moves pos only on success. */
struct reader {
	const uint8_t *p;
	size_t len, pos;
};

/* A name as text, lower case, without the final dot; "" is the root. */
struct name {
	char z[DNS_NAME_MAX + 1];
	uint8_t len;
};

struct raw_record {
	struct name owner;
	uint16_t type, class;
	uint32_t ttl;
	size_t data, data_len;
};

const char *
dns_status_name(enum dns_status s)
{
	static const char *const names[] = {"ok", "no-data", "no-such-name", "failed"};

	return (unsigned)s < ARRAY_LEN(names) ? names[s] : "?";
}

const char *
dns_type_name(enum dns_type t)
{
	switch (t) {
	case DNS_A:
		return "A";
	case DNS_CNAME:
		return "CNAME";
	case DNS_SOA:
		return "SOA";
	case DNS_AAAA:
		return "AAAA";
	case DNS_SRV:
		return "SRV";
	case DNS_NAPTR:
		return "NAPTR";
	}
	return "?";
}

static uint16_t
be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t
be32(const uint8_t *p)
{
	return (uint32_t)be16(p) << 16 | be16(p + 2);
}

/* ---- names ---- */

/* Labels of other bytes than those of a host name have no business in what we look up. */
static bool
add_label(struct name *n, const uint8_t *p, size_t len)
{
	size_t dot = n->len > 0;

	if (n->len + dot + len > DNS_NAME_MAX)
		return false;
	if (dot)
		n->z[n->len++] = '.';
	for (size_t i = 0; i < len; i++) {
		char c = ascii_lower((char)p[i]);

		if (!ascii_alnum(c) && c != '-' && c != '_' && c != '*')
			return false;
		n->z[n->len++] = c;
	}
	return true;
}

/* Follows the pointer at *at. It must go backwards, below all before it: so there is no circle. */
static bool
follow_pointer(const struct reader *r, size_t limit, size_t *at, size_t *lowest)
{
	if (*at + 2 > limit)
		return false;
	*at = be16(r->p + *at) & 0x3fff;
	if (*at >= *lowest)
		return false;
	*lowest = *at;
	return true;
}

/* Reads a name at *pos and moves behind it (RFC 1035 4.1.4); the number of pointers is bounded. */
static bool
read_name(const struct reader *r, size_t *pos, size_t limit, struct name *out)
{
	size_t at = *pos, after = 0, lowest = at;

	out->len = 0;
	for (int jumps = 0; jumps <= DNS_POINTERS_MAX;) {
		uint8_t len;

		if (at >= limit)
			return false;
		len = r->p[at];
		if (len == 0) {
			out->z[out->len] = 0;
			*pos = after ? after : at + 1;
			return true;
		}
		if ((len & POINTER) == POINTER) {
			after = after ? after : at + 2;
			if (!follow_pointer(r, limit, &at, &lowest))
				return false;
			limit = r->len; /* what it leads to may stand anywhere before */
			jumps++;
			continue;
		}
		if (len > DNS_LABEL_MAX || at + 1U + len > limit ||
		    !add_label(out, r->p + at + 1, len))
			return false;
		at += 1U + len;
	}
	return false;
}

/* The same without keeping or judging the text: records that we do not need may have any name. */
static bool
skip_name(struct reader *r)
{
	size_t at = r->pos;

	while (at < r->len) {
		uint8_t len = r->p[at];

		if ((len & POINTER) == POINTER || len == 0) {
			at += len ? 2 : 1;
			if (at > r->len)
				return false;
			r->pos = at;
			return true;
		}
		if (len > DNS_LABEL_MAX)
			return false;
		at += 1U + len;
	}
	return false;
}

static struct str
name_str(const struct name *n)
{
	return str_of(n->z, n->len);
}

static struct str
without_dot(struct str s)
{
	return s.len > 0 && s.p[s.len - 1] == '.' ? str_sub(s, 0, s.len - 1) : s;
}

/* ---- text of an answer ---- */

static bool
keep_text(struct dns_answer *a, struct str s, struct str *out)
{
	if (s.len > (size_t)DNS_TEXT_MAX - a->text_len)
		return false;
	if (s.len)
		memcpy(a->text + a->text_len, s.p, s.len);
	*out = str_of(a->text + a->text_len, s.len);
	a->text_len = (uint16_t)(a->text_len + s.len);
	return true;
}

/* ---- record data ---- */

static bool
read_addr(const struct reader *r, const struct raw_record *raw, struct dns_record *rec)
{
	size_t len = raw->type == DNS_A ? 4 : 16;

	if (raw->data_len != len)
		return false;
	rec->addr = (struct addr){.family = raw->type == DNS_A ? 4 : 6};
	memcpy(rec->addr.ip, r->p + raw->data, len);
	return true;
}

static bool
read_srv(const struct reader *r, const struct raw_record *raw, struct dns_answer *a,
	 struct dns_record *rec)
{
	size_t pos = raw->data + 6, end = raw->data + raw->data_len;
	struct name target;

	if (raw->data_len < 7 || !read_name(r, &pos, end, &target) || pos != end)
		return false;
	rec->priority = be16(r->p + raw->data);
	rec->weight = be16(r->p + raw->data + 2);
	rec->port = be16(r->p + raw->data + 4);
	return keep_text(a, name_str(&target), &rec->target);
}

/* A character-string (RFC 1035 3.3). */
static bool
read_string(const struct reader *r, size_t *pos, size_t end, struct dns_answer *a, struct str *out)
{
	size_t len;

	if (*pos >= end)
		return false;
	len = r->p[*pos];
	if (*pos + 1 + len > end || !keep_text(a, str_of(r->p + *pos + 1, len), out))
		return false;
	*pos += 1 + len;
	return true;
}

static bool
read_naptr(const struct reader *r, const struct raw_record *raw, struct dns_answer *a,
	   struct dns_record *rec)
{
	size_t pos = raw->data + 4, end = raw->data + raw->data_len;
	struct name target;

	if (raw->data_len < 8 || !read_string(r, &pos, end, a, &rec->flags) ||
	    !read_string(r, &pos, end, a, &rec->service) ||
	    !read_string(r, &pos, end, a, &rec->regexp) || !read_name(r, &pos, end, &target) ||
	    pos != end)
		return false;
	rec->priority = be16(r->p + raw->data);
	rec->weight = be16(r->p + raw->data + 2);
	return keep_text(a, name_str(&target), &rec->target);
}

/* One record of the type asked for; what does not fit or is broken only sets `cut`. */
static void
keep_record(const struct reader *r, const struct raw_record *raw, struct dns_answer *a)
{
	struct dns_record rec = {.type = raw->type, .ttl = raw->ttl};
	uint16_t text_len = a->text_len;
	bool ok = a->n < DNS_RECORDS_MAX;

	if (ok && (raw->type == DNS_A || raw->type == DNS_AAAA))
		ok = read_addr(r, raw, &rec);
	else if (ok && raw->type == DNS_SRV)
		ok = read_srv(r, raw, a, &rec);
	else if (ok)
		ok = raw->type == DNS_NAPTR && read_naptr(r, raw, a, &rec);
	if (!ok) {
		a->text_len = text_len;
		a->cut = true;
		return;
	}
	a->rec[a->n++] = rec;
	if (raw->ttl < a->ttl)
		a->ttl = raw->ttl;
}

/* ---- the reply ---- */

/* With owner false the owner's name is only skipped. */
static bool
read_record(struct reader *r, bool owner, struct raw_record *out)
{
	size_t pos = r->pos;
	bool known = owner && read_name(r, &pos, r->len, &out->owner);
	const uint8_t *p;

	if (!known) {
		out->owner.len = 0;
		if (!skip_name(r))
			return false;
	} else {
		r->pos = pos;
	}
	if (r->len - r->pos < 10)
		return false;
	p = r->p + r->pos;
	out->type = known || !owner ? be16(p) : 0; /* of a name that cannot be ours: no type */
	out->class = be16(p + 2);
	out->ttl = be32(p + 4);
	if (out->ttl > INT32_MAX) /* RFC 2181 8 */
		out->ttl = 0;
	if (out->ttl > DNS_TTL_MAX)
		out->ttl = DNS_TTL_MAX;
	out->data_len = be16(p + 8);
	out->data = r->pos + 10;
	if (out->data_len > r->len - out->data)
		return false;
	r->pos = out->data + out->data_len;
	return true;
}

static enum err
read_question(struct reader *r, struct str name, enum dns_type type)
{
	struct name asked;

	if (be16(r->p + 4) != 1 || !read_name(r, &r->pos, r->len, &asked) || r->len - r->pos < 4)
		return ERR_SYNTAX;
	if (!GUARD(P10, str_ieq(name_str(&asked), without_dot(name)) &&
				be16(r->p + r->pos) == type && be16(r->p + r->pos + 2) == CLASS_IN))
		return ERR_SYNTAX;
	r->pos += 4;
	return ERR_OK;
}

/* The alias of `name` in the answer section, with its TTL. */
static bool
find_alias(struct reader r, unsigned n, const struct name *name, struct name *out, uint32_t *ttl)
{
	struct raw_record raw;

	for (unsigned i = 0; i < n && i < DNS_READ_MAX; i++) {
		size_t pos;

		if (!read_record(&r, true, &raw))
			return false;
		pos = raw.data;
		if (raw.type == DNS_CNAME && raw.class == CLASS_IN &&
		    str_eq(name_str(&raw.owner), name_str(name)) &&
		    read_name(&r, &pos, raw.data + raw.data_len, out)) {
			*ttl = raw.ttl;
			return true;
		}
	}
	return false;
}

/* Follows aliases from *name on, within the reply. SYNTAX: a circle, or too many. */
static enum err
follow_aliases(const struct reader *r, unsigned n, struct name *name, struct dns_answer *a)
{
	for (int i = 0; i <= DNS_CNAMES_MAX; i++) {
		struct name next;
		uint32_t ttl;

		if (!find_alias(*r, n, name, &next, &ttl))
			return ERR_OK;
		if (ttl < a->ttl)
			a->ttl = ttl;
		a->alias = true;
		*name = next;
	}
	return ERR_SYNTAX;
}

static enum err
read_answers(struct reader *r, unsigned n, const struct name *name, enum dns_type type,
	     struct dns_answer *a)
{
	struct raw_record raw;

	for (unsigned i = 0; i < n; i++) {
		if (i == DNS_READ_MAX || !read_record(r, true, &raw))
			return ERR_SYNTAX;
		if (raw.type == type && raw.class == CLASS_IN &&
		    str_eq(name_str(&raw.owner), name_str(name)))
			keep_record(r, &raw, a);
	}
	return ERR_OK;
}

/* Time to believe in an absence: the smaller of the SOA's TTL and its MINIMUM (RFC 2308 5). */
static uint32_t
negative_ttl(struct reader *r, unsigned n)
{
	struct raw_record raw;

	for (unsigned i = 0; i < n && i < DNS_READ_MAX; i++) {
		uint32_t minimum;

		if (!read_record(r, false, &raw))
			return 0;
		if (raw.type != DNS_SOA || raw.data_len < 4)
			continue;
		minimum = be32(r->p + raw.data + raw.data_len - 4);
		return minimum < raw.ttl ? minimum : raw.ttl;
	}
	return 0;
}

static enum err
read_sections(struct reader *r, struct str asked, enum dns_type type, struct dns_answer *a)
{
	unsigned n_answer = be16(r->p + 6), n_authority = be16(r->p + 8);
	struct name name = {.len = 0};
	uint32_t negative;
	enum err e;

	for (size_t i = 0; i < asked.len; i++)
		name.z[name.len++] = ascii_lower(asked.p[i]);
	e = follow_aliases(r, n_answer, &name, a);
	if (e == ERR_OK)
		e = read_answers(r, n_answer, &name, type, a);
	if (e != ERR_OK)
		return e;
	if (a->n > 0 && a->status == DNS_OK)
		return ERR_OK;
	if (a->status == DNS_OK)
		a->status = DNS_NODATA;
	a->n = 0;
	negative = negative_ttl(r, n_authority);
	if (negative < a->ttl)
		a->ttl = negative;
	return ERR_OK;
}

enum err
dns_read(struct str reply, struct str name, enum dns_type type, struct dns_answer *out)
{
	struct reader r = {(const uint8_t *)reply.p, reply.len, HEADER};
	uint16_t flags;
	enum err e;

	out->status = DNS_OK;
	out->cut = out->alias = out->stale = false;
	out->rcode = 0;
	out->ttl = DNS_TTL_MAX;
	out->n = out->text_len = 0;
	name = without_dot(name);
	if (reply.len < HEADER || name.len > DNS_NAME_MAX)
		return ERR_SYNTAX;
	flags = be16(r.p + 2);
	if (!(flags & QR))
		return ERR_SYNTAX;
	e = read_question(&r, name, type);
	if (e != ERR_OK)
		return e;
	if (flags & TC)
		return ERR_SHORT;
	if ((flags & RCODE) == RCODE_NXDOMAIN)
		out->status = DNS_NXDOMAIN;
	else if ((flags & RCODE) != 0)
		out->status = DNS_FAILED;
	if (out->status == DNS_FAILED) {
		out->ttl = 0;
		return ERR_OK;
	}
	return read_sections(&r, name, type, out);
}

void
dns_copy(struct dns_answer *to, const struct dns_answer *from)
{
	*to = *from;
	for (uint16_t i = 0; i < to->n; i++) {
		struct dns_record *r = &to->rec[i];
		struct str *texts[] = {&r->target, &r->flags, &r->service, &r->regexp};

		for (size_t k = 0; k < ARRAY_LEN(texts); k++)
			if (texts[k]->p)
				texts[k]->p = to->text + (texts[k]->p - from->text);
	}
}
