#include "call/alter.h"

#include <string.h>

#include "policy/rewrite.h"
#include "sip/edit.h"

enum { ALTER_LINE_MAX = 4096 /* bytes of a header with persons in it */ };

/* ---- whose rules ---- */

static struct str
text_of(const struct calls *cs, uint32_t trunk, struct text (*pick)(const struct trunk *t))
{
	return trunk == POLICY_NONE || !cs->snap
		       ? STR_NULL
		       : snapshot_text(cs->snap, pick(&cs->snap->trunk[trunk]));
}

static struct text
pick_headers_in(const struct trunk *t)
{
	return t->headers_in;
}

static struct text
pick_headers_out(const struct trunk *t)
{
	return t->headers_out;
}

static struct text
pick_rewrite_in(const struct trunk *t)
{
	return t->rewrite_in;
}

static struct text
pick_rewrite_out(const struct trunk *t)
{
	return t->rewrite_out;
}

static uint32_t
trunk_of(const struct call *c, enum call_leg_index i)
{
	const struct snapshot_view *v = c->owner->snap;

	return v ? snapshot_trunk(v, str_from(c->rec.leg[i].trunk.z)) : POLICY_NONE;
}

static enum call_leg_index
other_leg(enum call_leg_index i)
{
	return i == LEG_A ? LEG_B : LEG_A;
}

/* ---- numbers ---- */

/* The dialled characters of a user part without its parameters and visual separators (RFC 3966 3);
 * empty: it is no number. */
static struct str
digits_of(struct str user, char mem[NUMBER_INPUT_MAX])
{
	struct buf b;
	size_t n = 0;

	buf_init(&b, mem, NUMBER_INPUT_MAX);
	if (sip_unescape(str_sub(user, 0, str_chr(user, ';')), &b) != ERR_OK || b.failed)
		return STR_NULL;
	for (size_t i = 0; i < b.len; i++) {
		char c = mem[i];

		if (ascii_digit(c) || c == '*' || c == '#' || (c == '+' && n == 0))
			mem[n++] = c;
		else if (!strchr("-.() ", c) || c == 0)
			return STR_NULL;
	}
	return str_of(mem, n);
}

/* The user part, with its parameters, after the rules. False: they do not change it. */
static bool
rewrite_user(struct str rules, bool called, struct str user, struct buf *out)
{
	char mem[NUMBER_INPUT_MAX];
	struct str digits = digits_of(user, mem);

	if (digits.len == 0 || !rewrite_number(rules, called, digits, out))
		return false;
	buf_str(out, str_from_at(user, str_chr(user, ';')));
	return !out->failed;
}

enum err
alter_read_uri(const struct calls *cs, uint32_t trunk, bool called, const struct sip_uri *uri,
	       struct number *out)
{
	const struct number_plan *plan = &cs->conf.numbers;
	struct str rules = text_of(cs, trunk, pick_rewrite_in);
	struct sip_uri changed = *uri;
	char mem[NUMBER_INPUT_MAX];
	struct number came, n;
	struct buf user;
	enum err e = number_read_uri(plan, uri, &came), again;

	buf_init(&user, mem, sizeof(mem));
	if (rules.len && uri->scheme != SIP_SCHEME_OTHER &&
	    !(called && e == ERR_OK && came.kind == NUMBER_EMERGENCY) &&
	    rewrite_user(rules, called, uri->user, &user)) {
		changed.user = buf_view(&user);
		again = number_read_uri(plan, &changed, &n);
		if (!(called && again == ERR_OK && n.kind == NUMBER_EMERGENCY)) {
			e = again;
			came = n;
		}
	}
	if (e == ERR_OK)
		*out = came;
	return e;
}

enum err
alter_number(const struct calls *cs, uint32_t trunk, const char *number, char out[NUMBER_SIZE])
{
	struct str rules = text_of(cs, trunk, pick_rewrite_out);
	char mem[NUMBER_SIZE];
	struct number n;
	struct buf b;
	enum err e = route_called(cs->snap, trunk, str_from(number), out);

	buf_init(&b, mem, sizeof(mem) - 1);
	if (e != ERR_OK || !rewrite_number(rules, true, str_from(out), &b))
		return e;
	if (number_read(&cs->conf.numbers, buf_view(&b), &n) == ERR_OK &&
	    n.kind == NUMBER_EMERGENCY)
		return ERR_OK;
	return str_copyz(out, NUMBER_SIZE, buf_view(&b));
}

enum err
alter_called(const struct call *c, uint32_t trunk, char out[NUMBER_SIZE])
{
	if (c->rec.class == CLASS_EMERGENCY)
		return str_copyz(out, NUMBER_SIZE, str_from(c->called.z));
	return alter_number(c->owner, trunk, c->called.z, out);
}

void
alter_calling(const struct call *c, enum call_leg_index i, const char *number,
	      char out[CALL_NUMBER_MAX])
{
	struct str rules = text_of(c->owner, trunk_of(c, i), pick_rewrite_out);
	struct buf b;

	buf_init(&b, out, CALL_NUMBER_MAX - 1);
	if (!rewrite_user(rules, false, str_from(number), &b)) {
		buf_reset(&b);
		buf_z(&b, number);
	}
	out[b.len] = 0;
}

/* ---- verstat ---- */

void
alter_read_verstat(struct call *c, const struct sip_msg *m, uint32_t trunk)
{
	struct str user = m->from.uri.user;
	struct str word = sip_param_value(str_from_at(user, str_chr(user, ';')), "verstat");

	c->caller.verstat[0] = 0;
	if (c->owner->snap->trunk[trunk].verstat == TRUNK_VERSTAT_PASS &&
	    sip_all(word, SIP_C_TOKEN))
		(void)!str_copyz(c->caller.verstat, sizeof(c->caller.verstat), word);
}

bool
alter_passes_verstat(const struct call *c, enum call_leg_index i)
{
	uint32_t to = trunk_of(c, i), from = trunk_of(c, other_leg(i));
	const struct trunk *t = c->owner->snap ? c->owner->snap->trunk : NULL;

	return to != POLICY_NONE && from != POLICY_NONE && t[from].kind == TRUNK_CARRIER &&
	       t[from].verstat == TRUNK_VERSTAT_PASS && t[to].verstat == TRUNK_VERSTAT_PASS;
}

/* Bytes of a verstat parameter that s begins with, its ";" included; 0: it does not. */
static size_t
verstat_len(struct str s)
{
	static const char word[] = ";verstat";
	size_t n = sizeof(word) - 1;

	if (!str_istarts(s, str_from(word)) || (n < s.len && sip_is(s.p[n], SIP_C_TOKEN)))
		return 0;
	while (n < s.len && !strchr(";>@,? \t\r\n", s.p[n]))
		n++;
	return n;
}

static void
put_without_verstat(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		size_t n = s.p[i] == ';' ? verstat_len(str_from_at(s, i)) : 0;

		if (n)
			i += n - 1;
		else
			buf_char(b, s.p[i]);
	}
}

/* ---- headers with persons in them ---- */

/* What becomes of them on this way. */
struct persons {
	struct str in, out; /* rules for numbers */
	bool verstat;       /* passes */
};

/* The user part of one element, changed or as it stands; what follows it. */
static void
put_user(struct buf *b, const struct persons *k, struct str user)
{
	char one[NUMBER_INPUT_MAX], two[NUMBER_INPUT_MAX];
	struct str head = str_sub(user, 0, str_chr(user, ';'));
	struct buf first, second;

	buf_init(&first, one, sizeof(one));
	buf_init(&second, two, sizeof(two));
	if (rewrite_user(k->in, false, head, &first))
		head = buf_view(&first);
	if (rewrite_user(k->out, false, head, &second))
		head = buf_view(&second);
	if (head.p == one || head.p == two)
		sip_escape_user(b, head);
	else
		buf_str(b, head);
}

/* One name-addr of the list; false: it cannot be read. */
static bool
put_person(struct buf *b, const struct persons *k, struct str item)
{
	struct sip_nameaddr a;
	struct str user;
	size_t at, end;

	if (sip_nameaddr_parse(item, &a) != ERR_OK)
		return false;
	user = a.uri.user;
	at = user.len ? (size_t)(user.p - item.p) : 0;
	end = user.len ? at + str_chr(user, ';') : 0;
	buf_str(b, str_sub(item, 0, at));
	if (user.len)
		put_user(b, k, user);
	if (k->verstat)
		buf_str(b, str_from_at(item, end));
	else
		put_without_verstat(b, str_from_at(item, end));
	return true;
}

/* A header of name-addrs as a whole; one that cannot be read does not go on. */
static void
put_line(struct buf *b, const struct persons *k, struct str line)
{
	size_t colon, before = b->len;
	struct str rest, item;

	(void)sip_name_len(line, &colon);
	rest = str_from_at(line, colon + 1);
	buf_str(b, str_sub(line, 0, colon));
	for (char c = ':'; sip_list_next(&rest, &item) == ERR_OK; c = ',') {
		buf_char(b, c);
		buf_char(b, ' ');
		if (!put_person(b, k, str_trim(item))) {
			b->len = before;
			return;
		}
	}
	buf_z(b, "\r\n");
}

static bool
holds_verstat(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] == ';' && verstat_len(str_from_at(s, i)))
			return true;
	return false;
}

/* Those of the calling or answering side; diverted numbers are others'. To a carrier all of them
 * are ours, and written as they shall be. What nothing is to be done to stays, byte for byte. */
static void
alter_persons(const struct call *c, enum call_leg_index i, struct buf *b, size_t from)
{
	static const enum sip_hdr_id ids[] = {SIP_H_P_ASSERTED_IDENTITY, SIP_H_REMOTE_PARTY_ID};
	const struct persons k = {
		.in = text_of(c->owner, trunk_of(c, other_leg(i)), pick_rewrite_in),
		.out = text_of(c->owner, trunk_of(c, i), pick_rewrite_out),
		.verstat = alter_passes_verstat(c, i)};
	char mem[ALTER_LINE_MAX];

	if (!c->rec.leg[i].account.z[0] ||
	    (!k.in.len && !k.out.len &&
	     (k.verstat || !holds_verstat(str_from_at(buf_view(b), from)))))
		return;
	for (size_t n = 0; n < ARRAY_LEN(ids); n++)
		for (unsigned left = rewrite_count(b, from, ids[n]); left; left--) {
			struct str line;

			if (rewrite_take_line(b, from, ids[n], mem, sizeof(mem), &line) == ERR_OK)
				put_line(b, &k, line); /* behind the others */
		}
}

/* ---- Identity ---- */

/* Is sent the number that this URI names, as whoever signs and verifies it writes it (RFC 8224
 * 8.3: digits with the country code, nothing else)? */
static bool
is_signed_as(const struct call *c, const struct sip_uri *uri, const char *sent)
{
	struct number n;

	if (number_read_uri(&c->owner->conf.numbers, uri, &n) != ERR_OK)
		return false;
	return strcmp(n.z + (n.z[0] == '+'), sent + (sent[0] == '+')) == 0;
}

/* Does a rule of either trunk take this header away that m has? */
static bool
is_removed(const struct call *c, const struct sip_msg *m, enum sip_hdr_id id)
{
	return sip_msg_hdr(m, id) && c->rec.class != CLASS_EMERGENCY &&
	       (rewrite_removes(text_of(c->owner, trunk_of(c, LEG_A), pick_headers_in), id) ||
		rewrite_removes(text_of(c->owner, trunk_of(c, LEG_B), pick_headers_out), id));
}

static enum call_identity
judge_identity(const struct call *c, const struct sip_msg *m, const struct sip_hdr *h)
{
	if (!c->rec.leg[LEG_B].account.z[0])
		return IDENTITY_UNTRUSTED;
	if (!hide_crosses(m, h, HIDE_TO_CUSTOMER))
		return IDENTITY_PRIVACY;
	if (is_removed(c, m, SIP_H_IDENTITY))
		return IDENTITY_RULE;
	if (is_removed(c, m, SIP_H_DATE))
		return IDENTITY_DATE;
	if (is_removed(c, m, SIP_H_P_ASSERTED_IDENTITY))
		return IDENTITY_ASSERTED;
	if (!is_signed_as(c, &m->to.uri, c->rec.to_sent))
		return IDENTITY_CALLED;
	return is_signed_as(c, &m->from.uri, c->rec.from_sent) ? IDENTITY_PASSED : IDENTITY_CALLING;
}

void
alter_judge_identity(struct call *c, const struct sip_msg *m)
{
	const struct sip_hdr *h = sip_msg_hdr(m, SIP_H_IDENTITY);

	c->rec.identity = (uint8_t)(h ? judge_identity(c, m, h) : IDENTITY_NONE);
}

/* ---- headers ---- */

void
alter_headers(const struct call *c, enum call_leg_index i, struct buf *b, size_t from, bool begins)
{
	const struct calls *cs = c->owner;
	uint32_t to = trunk_of(c, i);
	const char *account = c->rec.payer.z[0]            ? c->rec.payer.z
			      : c->rec.leg[i].account.z[0] ? c->rec.leg[i].account.z
							   : c->rec.leg[other_leg(i)].account.z;
	struct str in = text_of(cs, trunk_of(c, other_leg(i)), pick_headers_in);
	struct str out = text_of(cs, to, pick_headers_out);
	struct rewrite_words w = {.called = str_from(c->rec.to_sent),
				  .calling = str_from(c->rec.from_sent),
				  .account = str_from(account)};
	bool changes = c->rec.class != CLASS_EMERGENCY;
	struct edge_local local;

	if (c->rec.identity != IDENTITY_PASSED)
		rewrite_headers(b, from, STR("remove Identity"), &w, false, true);
	alter_persons(c, i, b, from);
	if ((in.len || out.len) && to != POLICY_NONE &&
	    cs->ops.do_local(cs->ops.arg, to, &local) == ERR_OK)
		w.zone = str_from(local.zone);
	rewrite_headers(b, from, in, &w, begins, changes);
	rewrite_headers(b, from, out, &w, begins, changes);
}
