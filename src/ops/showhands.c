#include "ops/showhands.h"

#include <string.h>

#include "base/clock.h"
#include "ops/handjson.h"

/* ---- lists ---- */

struct list {
	struct buf *b;
	uint32_t left;
	bool more;
};

static bool
put_row(void *arg, const struct hand_row *row)
{
	struct list *l = arg;

	if (l->left == 0 || l->b->cap - l->b->len < SHOWHANDS_ROW_MAX) {
		l->more = true;
		return false;
	}
	l->left--;
	if (l->b->p[l->b->len - 1] != '[')
		buf_char(l->b, ',');
	handjson_put(l->b, row);
	return true;
}

void
showhands_list(struct handstore *s, const struct json *q, int64_t now_us, struct buf *b)
{
	int64_t limit = jsonin_int(q, "limit"), since_s = jsonin_int(q, "since_s");
	struct hand_query hq = {.account = str_from(jsonin_text(q, "account")),
				.text = str_from(jsonin_text(q, "host")),
				.refused = jsonin_true(q, "refused"),
				.handshakes = jsonin_true(q, "handshakes")};
	struct list l = {.b = b};
	char peer[ADDR_TEXT_MAX];
	struct addr a;
	struct buf p;

	l.left = limit <= 0 ? SHOWHANDS_LIMIT
			    : (uint32_t)(limit < SHOWHANDS_LIMIT_MAX ? limit : SHOWHANDS_LIMIT_MAX);
	if (since_s > 0 && since_s < now_us / 1000000)
		hq.since_us = now_us - since_s * 1000000;
	buf_init(&p, peer, sizeof(peer));
	if (addr_parse(str_from(jsonin_text(q, "peer")), &a) == ERR_OK) {
		addr_put_ip(&p, &a, false);
		hq.peer = buf_view(&p);
	} else {
		hq.peer = str_from(jsonin_text(q, "peer")); /* no address: finds none */
	}
	buf_z(b, "\"list\":[");
	if (handstore_query(s, &hq, put_row, &l) != ERR_OK)
		l.more = true;
	buf_printf(b, "],\"more\":%s", l.more ? "true" : "false");
}

/* ---- one ---- */

struct found {
	struct buf *b;
	bool any;
};

static bool
take_first(void *arg, const struct hand_row *row)
{
	struct found *f = arg;

	f->any = true;
	handjson_put(f->b, row);
	return false;
}

static enum err
find_one(struct handstore *s, const struct hand_query *q, struct buf *b)
{
	struct found f = {.b = b};
	enum err e = handstore_query(s, q, take_first, &f);

	if (e != ERR_OK)
		return e;
	return f.any ? buf_end(b) : ERR_NOTFOUND;
}

enum err
showhands_find_id(struct handstore *s, const char *id, struct buf *b)
{
	struct hand_query q = {.id = str_from(id), .limit = 1};

	return *id ? find_one(s, &q, b) : ERR_NOTFOUND;
}

enum err
showhands_find(struct handstore *s, const char *what, struct buf *b)
{
	struct str w = str_from(what);
	struct hand_query q = {.limit = 1};
	char peer[ADDR_TEXT_MAX];
	struct addr a;
	struct buf p;
	enum err e;

	if (w.len > 1 && w.p[w.len - 1] == '.')
		w.len--; /* a host may be written as DNS does; nothing else ends so */
	if (w.len == 0)
		return ERR_NOTFOUND;
	q.id = w;
	e = find_one(s, &q, b);
	if (e != ERR_NOTFOUND)
		return e;
	q = (struct hand_query){.refused = true, .limit = 1};
	if (addr_parse(w, &a) == ERR_OK) {
		buf_init(&p, peer, sizeof(peer));
		addr_put_ip(&p, &a, false);
		q.peer = buf_view(&p);
		return find_one(s, &q, b);
	}
	q.account = w;
	e = find_one(s, &q, b);
	if (e != ERR_NOTFOUND)
		return e;
	q.account = STR_NULL;
	q.text = w;
	return find_one(s, &q, b);
}

/* ---- of a call ---- */

struct of_call {
	struct buf *b;
	const char *trunk;
	struct addr dialled; /* where its failure names one, else without a family */
	int64_t from_us;     /* of the attempt: older ones only where none is newer */
	uint32_t n, max;
};

static bool
has_trunk(const struct json *row, const char *trunk)
{
	const struct json *list = jsonin_get(row, "trunks");
	char mem[64];
	struct buf b;

	for (size_t i = 0; i < jsonin_count(list); i++) {
		buf_init(&b, mem, sizeof(mem));
		jsonin_put_scalar(&b, jsonin_at(list, i));
		if (str_eqz(buf_view(&b), trunk))
			return true;
	}
	return false;
}

/* Was anything dialled? Not where DNS had no address; else the address, where the reason names it.
 */
static bool
read_why(const char *why, struct addr *dialled)
{
	struct str s = str_from(why);

	*dialled = (struct addr){0};
	if (str_find(s, STR(" in DNS")) < s.len || str_ends(s, STR(" cannot be asked for")))
		return false;
	if (addr_parse(str_sub(s, 0, str_find(s, STR(": "))), dialled) != ERR_OK)
		*dialled = (struct addr){0};
	return true;
}

static bool
has_peer(const struct hand_row *row, const struct addr *dialled)
{
	struct addr a;

	return !dialled->family || (addr_parse(row->peer, &a) == ERR_OK && addr_ip_eq(&a, dialled));
}

static bool
take_of_call(void *arg, const struct hand_row *row)
{
	struct of_call *o = arg;
	struct json *j;
	bool ours;

	if (o->n && row->at_us < o->from_us && row->last_us < o->from_us)
		return false;
	if (!has_peer(row, &o->dialled) || jsonin_parse(row->body, &j) != ERR_OK)
		return true;
	ours = has_trunk(j, o->trunk);
	jsonin_free(&j);
	if (!ours)
		return true;
	buf_z(o->b, o->b->p[o->b->len - 1] == '[' ? "" : ",");
	handjson_put(o->b, row);
	o->n++;
	return o->n < o->max && row->at_us >= o->from_us;
}

bool
showhands_of_call(struct handstore *s, const struct json *cdr, struct buf *b)
{
	const struct json *targets = jsonin_get(cdr, "targets");
	int64_t end_us = 0;
	size_t was = b->len;
	uint32_t n = 0;

	(void)!clock_parse_utc(str_from(jsonin_text(cdr, "end")), &end_us);
	buf_char(b, '[');
	for (size_t i = 0; i < jsonin_count(targets) && n < SHOWHANDS_OF_CALL; i++) {
		const struct json *t = jsonin_at(targets, i);
		int64_t at_us = 0;
		struct of_call o = {
			.b = b, .trunk = jsonin_text(t, "trunk"), .max = SHOWHANDS_OF_CALL - n};
		struct hand_query q = {.text = str_from(o.trunk),
				       .refused = true,
				       .handshakes = true,
				       .outgoing = true,
				       .until_us = end_us};

		if (jsonin_int(t, "status") > 0 || !read_why(jsonin_text(t, "why"), &o.dialled) ||
		    clock_parse_utc(str_from(jsonin_text(t, "at")), &at_us) != ERR_OK)
			continue;
		o.from_us = at_us;
		q.since_us = at_us - SHOWHANDS_BACK_S * CLOCK_S;
		if (handstore_query(s, &q, take_of_call, &o) != ERR_OK)
			break;
		n += o.n;
	}
	buf_char(b, ']');
	if (n == 0)
		b->len = was;
	return n > 0;
}

/* ---- figures ---- */

static void
put_count(struct buf *b, const char *word, uint64_t n)
{
	if (n)
		buf_printf(b, "%s\"%s\":%llu", b->p[b->len - 1] == '{' ? "" : ",", word,
			   (unsigned long long)n);
}

static void
put_direction(struct buf *b, const struct handring_counts *c, int out)
{
	uint64_t refused = 0;

	for (int i = 0; i < TLS_REASON_N; i++)
		refused += i == TLS_OK ? 0 : c->tls[out][i];
	buf_printf(b, "\"%s\":{\"accepted\":%llu,\"refused\":%llu,\"why\":{",
		   out ? "outgoing" : "incoming", (unsigned long long)c->tls[out][TLS_OK],
		   (unsigned long long)refused);
	for (int i = 0; i < TLS_REASON_N; i++) {
		struct tls_record r = {.reason = (enum tls_reason)i};

		if (i != TLS_OK && i != TLS_CERT)
			put_count(b, tls_record_word(&r), c->tls[out][i]);
	}
	for (int i = 0; i < CERT_REASON_N; i++)
		put_count(b, certpolicy_word((enum cert_reason)i), c->cert[out][i]);
	buf_z(b, "}}");
}

void
showhands_put_counts(struct buf *b, const struct handring *r)
{
	struct handring_counts c;

	handring_read_counts(r, &c);
	buf_z(b, "\"handshakes\":{");
	put_direction(b, &c, 0);
	buf_char(b, ',');
	put_direction(b, &c, 1);
	buf_printf(b, ",\"refused_requests\":%llu,\"counted_only\":%llu}",
		   (unsigned long long)c.requests, (unsigned long long)c.counted);
}
