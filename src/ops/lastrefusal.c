#include "ops/lastrefusal.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/mem.h"
#include "ops/cdr.h"
#include "ops/jsonin.h"
#include "ops/lines.h"
#include "ops/showhands.h"

enum { LASTREFUSAL_PATH_MAX = 320 };

/* Of the calls looked at so far. */
struct calls_seen {
	struct str what;
	bool is_addr;
	struct addr addr;
	struct buf *facts; /* the last refused one */
	int64_t refused_us, answered_us;
	char refused[ID_SIZE], answered[ID_SIZE];
	uint32_t parsed;
};

static int64_t
time_of(const struct json *j, const char *path)
{
	int64_t us = 0;

	(void)!clock_parse_utc(str_from(jsonin_text(j, path)), &us);
	return us;
}

/* ---- calls ---- */

static bool
is_name_char(char c)
{
	return ascii_alnum(c) || c == '-' || c == '.' || c == '_';
}

/* Does the name stand in the text as a whole? The case of a host name says nothing. */
static bool
has_name(struct str s, struct str name)
{
	for (size_t at; (at = str_ifind(s, name)) < s.len; s = str_from_at(s, at + 1)) {
		size_t end = at + name.len;

		if ((at == 0 || !is_name_char(s.p[at - 1])) &&
		    (end == s.len || !is_name_char(s.p[end])))
			return true;
	}
	return false;
}

static bool
is_of_leg(const struct calls_seen *c, const struct json *leg)
{
	struct addr a;

	if (c->is_addr)
		return addr_parse(str_from(jsonin_text(leg, "remote")), &a) == ERR_OK &&
		       addr_ip_eq(&a, &c->addr);
	return str_eqz(c->what, jsonin_text(leg, "account")) ||
	       str_eqz(c->what, jsonin_text(leg, "trunk")) ||
	       has_name(str_from(jsonin_text(leg, "peer")), c->what);
}

static bool
is_of(const struct calls_seen *c, const struct json *cdr)
{
	const struct json *targets = jsonin_get(cdr, "targets");

	if (!c->is_addr && str_eqz(c->what, jsonin_text(cdr, "account")))
		return true;
	if (is_of_leg(c, jsonin_get(cdr, "a")) || is_of_leg(c, jsonin_get(cdr, "b")))
		return true;
	for (size_t i = 0; i < jsonin_count(targets); i++) {
		const struct json *t = jsonin_at(targets, i);

		if (str_eqz(c->what, jsonin_text(t, "trunk")) ||
		    has_name(str_from(jsonin_text(t, "why")), c->what))
			return true;
	}
	return false;
}

static bool
says(struct str line, const char *part)
{
	return str_find(line, str_from(part)) < line.len;
}

/* Could this CDR say something new? Quickly told by its text: quotes in it are our own. */
static bool
may_tell(const struct calls_seen *c, struct str line)
{
	bool refused = says(line, "\"answer\":null") && !says(line, "\"refusal\":\"CANCELED\"") &&
		       (!says(line, "\"refusal\":null") || says(line, "\"ended_by\":\"called\""));

	return (refused || c->answered_us == 0) && has_name(line, c->what);
}

/* By us, or by the far side; not where the caller gave up. */
static bool
was_refused(const struct json *cdr)
{
	const char *refusal = jsonin_text(cdr, "refusal");

	if (*jsonin_text(cdr, "answer"))
		return false;
	if (*refusal)
		return strcmp(refusal, "CANCELED") != 0;
	return strcmp(jsonin_text(cdr, "ended_by"), "called") == 0 &&
	       jsonin_int(cdr, "sip_status") >= 400;
}

/* A call that is newer than those seen of its kind. */
static void
take_call(struct calls_seen *c, const struct json *j, struct str line)
{
	const char *id = jsonin_text(j, "id");
	int64_t answered_us = time_of(j, "answer"), end_us = time_of(j, "end");

	if (answered_us > c->answered_us) {
		c->answered_us = answered_us;
		(void)!str_copyz(c->answered, sizeof(c->answered), str_from(id));
	}
	if (was_refused(j) && end_us > c->refused_us) {
		c->refused_us = end_us;
		(void)!str_copyz(c->refused, sizeof(c->refused), str_from(id));
		buf_reset(c->facts);
		buf_str(c->facts, line);
	}
}

/* A CDR. False: enough was seen. */
static bool
see_call(void *arg, struct str line)
{
	struct calls_seen *c = arg;
	struct json *j;

	if (!may_tell(c, line))
		return true;
	if (jsonin_parse(line, &j) != ERR_OK)
		return true;
	if (is_of(c, j))
		take_call(c, j, line);
	jsonin_free(&j);
	return c->refused_us == 0 && ++c->parsed < LASTREFUSAL_PARSED;
}

static void
see_file(struct calls_seen *c, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	(void)!lines_back(fd, LASTREFUSAL_CALLS, see_call, c); /* what was read counts */
	close(fd);
}

/* Those whose CDR is not written yet: the newest. */
static void
see_records(struct calls_seen *c, const struct records *r)
{
	char *mem = mem_zalloc(1, CDR_LINE_MAX);
	struct call_record rec;
	struct buf b;

	for (uint32_t i = 0; mem && i < r->n; i++) {
		if (records_peek(r, i) != RECORD_ENDED || records_get(r, i, &rec) != RECORD_ENDED)
			continue;
		buf_init(&b, mem, CDR_LINE_MAX);
		cdr_put(&b, &rec);
		if (buf_end(&b) == ERR_OK)
			(void)see_call(c, buf_view(&b));
	}
	mem_free(mem);
}

static void
see_calls(const struct lastrefusal_in *in, struct calls_seen *c)
{
	char older[LASTREFUSAL_PATH_MAX];
	struct buf b;

	see_records(c, in->records);
	if (c->refused_us == 0)
		see_file(c, in->cdr_path);
	buf_init(&b, older, sizeof(older));
	buf_printf(&b, "%s.1", in->cdr_path);
	if (buf_end(&b) == ERR_OK && c->refused_us == 0 && c->answered_us == 0)
		see_file(c, buf_cstr(&b));
}

/* ---- handshakes ---- */

struct accepted {
	int64_t at_us;
	char id[ID_SIZE];
	bool outgoing, any;
};

static bool
take_accepted(void *arg, const struct hand_row *row)
{
	struct accepted *a = arg;

	if (!row->accepted || row->outgoing != a->outgoing)
		return true;
	a->any = true;
	a->at_us = row->at_us;
	(void)!str_copyz(a->id, sizeof(a->id), row->id);
	return false;
}

/* The newest accepted one of the same account, else of the same peer, behind the refused one. */
static void
find_accepted(struct handstore *hs, const struct json *note, int64_t since_us, struct accepted *out)
{
	struct hand_query q = {.account = str_from(jsonin_text(note, "account")),
			       .handshakes = true,
			       .since_us = since_us + 1};
	char ip[ADDR_TEXT_MAX];
	struct addr a;
	struct buf b;

	*out = (struct accepted){.outgoing = jsonin_true(note, "outgoing")};
	if (q.account.len == 0) {
		if (addr_parse(str_from(jsonin_text(note, "peer")), &a) != ERR_OK)
			return;
		buf_init(&b, ip, sizeof(ip));
		addr_put_ip(&b, &a, false);
		q.peer = buf_view(&b);
	}
	(void)!handstore_query(hs, &q, take_accepted, out);
}

/* ---- words ---- */

static void
put_age(struct buf *b, int64_t us)
{
	static const struct {
		int64_t s;
		const char *unit;
	} units[] = {{86400, "days"}, {3600, "hours"}, {60, "minutes"}, {1, "seconds"}};
	int64_t s = us > 0 ? us / CLOCK_S : 0;

	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (s >= 2 * units[i].s || units[i].s == 1) {
			buf_printf(b, "%lld %s", (long long)(s / units[i].s), units[i].unit);
			return;
		}
}

static void
put_at(struct buf *said, const char *what, int64_t at_us, const char *id)
{
	buf_printf(said, " %s, at ", what);
	clock_put_utc(said, at_us);
	buf_printf(said, " (%s).", id);
}

/* Of who shows another certificate, or none that is believed, the name is only claimed. */
static bool
is_claim(const struct json *found)
{
	return strcmp(jsonin_text(found, "kind"), "handshake") == 0 &&
	       !jsonin_true(found, "outgoing");
}

static void
put_said(struct buf *said, const struct calls_seen *c, const char *what, const struct json *found,
	 int64_t age_us)
{
	bool claim = !c->is_addr && is_claim(found);

	buf_z(said, " This is the last refusal of ");
	buf_z(said, claim ? "who claims to be " : "");
	buf_z(said, what);
	buf_printf(said, "; its id is %s, and it is ", jsonin_text(found, "id"));
	put_age(said, age_us);
	buf_z(said, " old.");
}

/* ---- the newer of both ---- */

/* note: what the store of handshakes has, or empty. */
static enum err
choose(const struct lastrefusal_in *in, const char *what, const struct calls_seen *c,
       struct buf *note, struct buf *said)
{
	struct accepted ok = {0};
	struct json *j = NULL;
	int64_t at_us = 0, before_us = 0;

	if (note->len && jsonin_parse(buf_view(note), &j) == ERR_OK)
		at_us = time_of(j, *jsonin_text(j, "last") ? "last" : "at");
	if (j && at_us >= c->refused_us) {
		before_us = c->refused_us;
		buf_reset(c->facts);
		buf_str(c->facts, buf_view(note));
		find_accepted(in->hands, j, at_us, &ok);
	} else {
		jsonin_free(&j);
		if (c->refused_us == 0)
			return ERR_NOTFOUND;
		if (jsonin_parse(buf_view(c->facts), &j) != ERR_OK)
			return ERR_NOMEM;
		at_us = c->refused_us;
	}
	put_said(said, c, what, j, in->now_us - at_us);
	if (before_us)
		put_at(said, "Before that a call of it was refused", before_us, c->refused);
	if (ok.any)
		put_at(said, "Since then a handshake of it was accepted", ok.at_us, ok.id);
	if (c->answered_us > at_us)
		put_at(said, "Since then a call of it was answered", c->answered_us, c->answered);
	jsonin_free(&j);
	return buf_end(c->facts);
}

enum err
lastrefusal_find(const struct lastrefusal_in *in, const char *what, struct buf *facts,
		 struct buf *said)
{
	struct calls_seen c = {.what = str_from(what), .facts = facts};
	char *mem = mem_zalloc(1, SHOWHANDS_ROW_MAX), ip[ADDR_TEXT_MAX];
	struct buf note, b;
	enum err e;

	if (!mem)
		return ERR_NOMEM;
	if (c.what.len > 1 && c.what.p[c.what.len - 1] == '.')
		c.what.len--;
	if (addr_parse(c.what, &c.addr) == ERR_OK) {
		c.is_addr = true;
		buf_init(&b, ip, sizeof(ip));
		addr_put_ip(&b, &c.addr, false);
		c.what = buf_view(&b);
	}
	buf_init(&note, mem, SHOWHANDS_ROW_MAX);
	if (c.what.len)
		see_calls(in, &c);
	if (!in->hands || showhands_find(in->hands, what, &note) != ERR_OK)
		buf_reset(&note);
	e = choose(in, what, &c, &note, said);
	mem_free(mem);
	return e;
}
