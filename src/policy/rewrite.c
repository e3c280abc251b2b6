#include "policy/rewrite.h"

#include <stdio.h>
#include <string.h>

#include "sip/edit.h"

/* ---- which headers ---- */

enum { ANY = 1, ONLY_REMOVE = 2 };

/* The list; what is not in it is refused with a reason from the next one. */
static const struct {
	uint8_t id, may;
} allowed[] = {
	{SIP_H_ACCEPT_CONTACT, ONLY_REMOVE},
	{SIP_H_ACCEPT_LANGUAGE, ANY},
	{SIP_H_ALERT_INFO, ANY},
	{SIP_H_CALL_INFO, ANY},
	{SIP_H_DATE, ONLY_REMOVE},
	{SIP_H_DIVERSION, ONLY_REMOVE},
	{SIP_H_ERROR_INFO, ANY},
	{SIP_H_EXPIRES, ONLY_REMOVE},
	{SIP_H_GEOLOCATION, ONLY_REMOVE},
	{SIP_H_HISTORY_INFO, ONLY_REMOVE},
	{SIP_H_IDENTITY, ONLY_REMOVE},
	{SIP_H_ORGANIZATION, ANY},
	{SIP_H_P_ACCESS_NETWORK_INFO, ANY},
	{SIP_H_P_ASSERTED_IDENTITY, ONLY_REMOVE},
	{SIP_H_P_CHARGE_INFO, ANY},
	{SIP_H_PRIORITY, ANY},
	{SIP_H_REASON, ONLY_REMOVE},
	{SIP_H_REMOTE_PARTY_ID, ONLY_REMOVE},
	{SIP_H_RESOURCE_PRIORITY, ANY},
	{SIP_H_SUBJECT, ANY},
	{SIP_H_USER_TO_USER, ANY},
};

static const struct {
	const char *names; /* divided by spaces; "Content-": all that begin so */
	const char *why;
} reasons[] = {
	{"Via Route Record-Route Contact Path Max-Forwards",
	 "it says where messages go, and postern writes it for each leg"},
	{"From To Call-ID CSeq RSeq RAck Replaces In-Reply-To Reply-To Refer-To Referred-By",
	 "it belongs to a dialog, and each leg has its own; numbers are changed by rewrite"},
	{"Content- MIME-Version Accept Accept-Encoding",
	 "it describes the body, which postern writes itself"},
	{"Require Proxy-Require Supported Unsupported Allow Allow-Events Session-Expires Min-SE "
	 "Min-Expires Event Subscription-State Timestamp Retry-After Warning",
	 "it says what this end can do, and that is postern's to say"},
	{"Authorization Proxy-Authorization WWW-Authenticate Proxy-Authenticate "
	 "Authentication-Info",
	 "it holds credentials, which never cross"},
	{"Privacy P-Preferred-Identity",
	 "it says what may be known of a caller, which no rule changes"},
	{"User-Agent Server", "it is postern's own"},
};

static bool
names_hold(const char *names, struct str name)
{
	struct str rest = str_from(names);

	while (rest.len) {
		struct str one = str_cut(&rest, ' ');

		if (str_ieq(one, name) || (str_ends(one, STR("-")) && str_istarts(name, one)))
			return true;
	}
	return false;
}

/* Long form where it is a known one. */
static struct str
long_name(const struct rewrite_header *h)
{
	return h->id == SIP_H_OTHER ? h->name : str_from(sip_hdr_name(h->id));
}

static unsigned
may_of(const struct rewrite_header *h)
{
	for (size_t i = 0; h->id != SIP_H_OTHER && i < ARRAY_LEN(allowed); i++)
		if (allowed[i].id == h->id)
			return allowed[i].may;
	if (h->id != SIP_H_OTHER)
		return 0;
	return str_istarts(h->name, STR("X-")) || str_istarts(h->name, STR("P-")) ? ANY : 0;
}

static enum err
check_name(const struct rewrite_header *h, char why[REWRITE_WHY_MAX])
{
	struct str name = long_name(h);
	unsigned may = may_of(h);
	size_t i = 0;

	if (may == ANY || (may == ONLY_REMOVE && h->op == REWRITE_REMOVE))
		return ERR_OK;
	while (i < ARRAY_LEN(reasons) && !names_hold(reasons[i].names, name))
		i++;
	if (may == ONLY_REMOVE)
		(void)snprintf(why, REWRITE_WHY_MAX,
			       "%.*s can only be removed: what it says is not a rule's to say",
			       STR_ARG(name));
	else if (i < ARRAY_LEN(reasons))
		(void)snprintf(why, REWRITE_WHY_MAX, "%.*s: %s", STR_ARG(name), reasons[i].why);
	else
		(void)snprintf(why, REWRITE_WHY_MAX,
			       "%.*s is none of the headers that rules may touch: see "
			       "postern-accounts(5); others must begin with X- or P-",
			       STR_ARG(name));
	return ERR_PERM;
}

/* ---- values ---- */

static const char *const placeholders[] = {"{called}", "{calling}", "{account}", "{zone}"};

/* The placeholder that s begins with; ARRAY_LEN: none. */
static size_t
placeholder_at(struct str s)
{
	size_t i = 0;

	while (i < ARRAY_LEN(placeholders) && !str_starts(s, str_from(placeholders[i])))
		i++;
	return i;
}

static enum err
check_value(struct str value, char why[REWRITE_WHY_MAX])
{
	if (value.len == 0 || value.len > REWRITE_VALUE_MAX) {
		(void)snprintf(why, REWRITE_WHY_MAX,
			       "write a value of 1 to %d bytes behind the colon",
			       REWRITE_VALUE_MAX);
		return value.len ? ERR_LONG : ERR_SYNTAX;
	}
	for (size_t i = 0; i < value.len; i++) {
		char c = value.p[i];
		size_t k = c == '{' ? placeholder_at(str_from_at(value, i)) : 0;

		if (c == '}' || k == ARRAY_LEN(placeholders)) {
			(void)snprintf(why, REWRITE_WHY_MAX,
				       "braces hold one of: {called} {calling} {account} {zone}");
			return ERR_SYNTAX;
		}
		if (c == '{')
			i += strlen(placeholders[k]) - 1;
	}
	return ERR_OK;
}

static void
put_value(struct buf *b, struct str value, const struct rewrite_words *w)
{
	const struct str words[] = {w->called, w->calling, w->account, w->zone};

	for (size_t i = 0; i < value.len; i++) {
		size_t k = value.p[i] == '{' ? placeholder_at(str_from_at(value, i))
					     : ARRAY_LEN(placeholders);

		if (k == ARRAY_LEN(placeholders)) {
			buf_char(b, value.p[i]);
			continue;
		}
		sip_escape_user(b, words[k]); /* of a peer: no quotes, spaces, line ends */
		i += strlen(placeholders[k]) - 1;
	}
}

/* ---- rules ---- */

/* The first word of a rule, and the rest behind it. */
static struct str
first_word(struct str *rule)
{
	struct str s = str_trim(*rule), word = str_cut(&s, ' ');

	*rule = str_trim(s);
	return word;
}

static bool
is_token(struct str s)
{
	return s.len && sip_all(s, SIP_C_TOKEN);
}

/* A rule is one line of text: what would end the line, or be unseen in it, is not looked for again.
 */
static enum err
check_bytes(struct str rule, char why[REWRITE_WHY_MAX])
{
	for (size_t i = 0; i < rule.len; i++) {
		unsigned char c = (unsigned char)rule.p[i];

		if (c >= 0x20 && c != 0x7f)
			continue;
		(void)snprintf(why, REWRITE_WHY_MAX,
			       "it holds the control byte 0x%02x; a rule is one line of text", c);
		return ERR_SYNTAX;
	}
	return ERR_OK;
}

enum err
rewrite_header_parse(struct str rule, struct rewrite_header *out, char why[REWRITE_WHY_MAX])
{
	static const char *const ops[] = {"add", "remove", "replace"};
	struct rewrite_header h = {.op = REWRITE_ADD};
	enum err e = check_bytes(rule, why);
	struct str op = first_word(&rule);
	size_t i = 0;

	if (e != ERR_OK)
		return e;
	while (i < ARRAY_LEN(ops) && !str_eqz(op, ops[i]))
		i++;
	h.op = (enum rewrite_op)i;
	h.name = h.op == REWRITE_REMOVE ? rule : str_trim(str_cut(&rule, ':'));
	h.value = h.op == REWRITE_REMOVE ? STR_NULL : str_trim(rule);
	if (i == ARRAY_LEN(ops) || !is_token(h.name) || h.name.len > REWRITE_NAME_MAX) {
		(void)snprintf(why, REWRITE_WHY_MAX,
			       "write \"remove NAME\", \"add NAME: VALUE\" or \"replace NAME: "
			       "VALUE\"");
		return h.name.len > REWRITE_NAME_MAX ? ERR_LONG : ERR_SYNTAX;
	}
	h.id = sip_hdr_id_of(h.name);
	e = check_name(&h, why);
	if (e == ERR_OK && h.op != REWRITE_REMOVE)
		e = check_value(h.value, why);
	if (e == ERR_OK)
		*out = h;
	return e;
}

static bool
is_dialled(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!ascii_digit(s.p[i]) && !(s.p[i] == '+' && i == 0) && s.p[i] != '*' &&
		    s.p[i] != '#')
			return false;
	return s.len < NUMBER_SIZE;
}

enum err
rewrite_number_parse(struct str rule, struct rewrite_number *out, char why[REWRITE_WHY_MAX])
{
	enum err e = check_bytes(rule, why);
	struct str side = first_word(&rule);
	size_t arrow = str_find(rule, STR("->"));
	struct rewrite_number n = {.called = str_eqz(side, "called"),
				   .prefix = str_trim(str_sub(rule, 0, arrow)),
				   .instead = str_trim(str_from_at(rule, arrow + 2))};

	if (e != ERR_OK)
		return e;
	if ((!n.called && !str_eqz(side, "calling")) || arrow == rule.len ||
	    !is_dialled(n.prefix) || !is_dialled(n.instead) ||
	    (n.prefix.len == 0 && n.instead.len == 0)) {
		(void)snprintf(
			why, REWRITE_WHY_MAX,
			"write \"called PREFIX -> INSTEAD\" or \"calling PREFIX -> INSTEAD\", "
			"each digits, *, #, a + only before them, at most %d, one of them may "
			"be empty",
			NUMBER_SIZE - 1);
		return ERR_SYNTAX;
	}
	*out = n;
	return ERR_OK;
}

enum err
rewrite_list_valid(struct str list, bool headers)
{
	char why[REWRITE_WHY_MAX];
	struct rewrite_header h;
	struct rewrite_number n;
	unsigned rules = 0;
	enum err e = list.len > REWRITE_LIST_MAX ? ERR_LONG : ERR_OK;

	while (e == ERR_OK && list.len) {
		struct str rule = str_cut(&list, '\n');

		e = headers ? rewrite_header_parse(rule, &h, why)
			    : rewrite_number_parse(rule, &n, why);
		if (e == ERR_OK && ++rules > REWRITE_RULES_MAX)
			e = ERR_FULL;
	}
	return e;
}

/* ---- applied ---- */

/* Bytes of the header line at `at`, its folds included. */
static size_t
line_len(const struct buf *b, size_t at)
{
	size_t end = at;

	do {
		while (end < b->len && b->p[end] != '\n')
			end++;
		if (end < b->len)
			end++;
	} while (end < b->len && (b->p[end] == ' ' || b->p[end] == '\t'));
	return end - at;
}

static bool
is_named(struct str line, const struct rewrite_header *h)
{
	size_t colon, n = sip_name_len(line, &colon);
	struct str name = str_sub(line, 0, n);

	return n && (h->id == SIP_H_OTHER ? str_ieq(name, h->name) : sip_hdr_id_of(name) == h->id);
}

static void
cut_bytes(struct buf *b, size_t at, size_t len)
{
	memmove(b->p + at, b->p + at + len, b->len - at - len);
	b->len -= len;
}

/* How many went. */
static unsigned
remove_lines(struct buf *b, size_t from, const struct rewrite_header *h)
{
	unsigned n = 0;
	size_t at = from;

	while (at < b->len) {
		size_t len = line_len(b, at);

		if (!is_named(str_of(b->p + at, len), h)) {
			at += len;
			continue;
		}
		cut_bytes(b, at, len);
		n++;
	}
	return n;
}

bool
rewrite_removes(struct str list, enum sip_hdr_id id)
{
	char why[REWRITE_WHY_MAX];
	struct rewrite_header h;

	while (list.len)
		if (rewrite_header_parse(str_cut(&list, '\n'), &h, why) == ERR_OK &&
		    h.op == REWRITE_REMOVE && h.id == id)
			return true;
	return false;
}

unsigned
rewrite_count(const struct buf *b, size_t from, enum sip_hdr_id id)
{
	const struct rewrite_header h = {.id = id};
	unsigned n = 0;

	for (size_t at = from, len; at < b->len; at += len) {
		len = line_len(b, at);
		n += is_named(str_of(b->p + at, len), &h);
	}
	return n;
}

enum err
rewrite_take_line(struct buf *b, size_t from, enum sip_hdr_id id, char *mem, size_t cap,
		  struct str *out)
{
	const struct rewrite_header h = {.id = id};

	for (size_t at = from; at < b->len;) {
		size_t len = line_len(b, at);
		bool fits = len <= cap;

		if (!is_named(str_of(b->p + at, len), &h)) {
			at += len;
			continue;
		}
		if (fits)
			memcpy(mem, b->p + at, len);
		cut_bytes(b, at, len);
		if (fits)
			*out = str_of(mem, len);
		return fits ? ERR_OK : ERR_LONG;
	}
	return ERR_NOTFOUND;
}

static void
put_line(struct buf *b, const struct rewrite_header *h, const struct rewrite_words *w)
{
	char mem[REWRITE_VALUE_MAX * 8];
	struct buf value;

	buf_init(&value, mem, sizeof(mem));
	put_value(&value, h->value, w);
	if (value.failed)
		b->failed = true;
	else
		sip_edit_named(b, long_name(h), buf_view(&value));
}

void
rewrite_headers(struct buf *b, size_t from, struct str list, const struct rewrite_words *w,
		bool adds, bool changes)
{
	char why[REWRITE_WHY_MAX];
	struct rewrite_header h;

	while (list.len && !b->failed) {
		if (rewrite_header_parse(str_cut(&list, '\n'), &h, why) != ERR_OK ||
		    !(h.op == REWRITE_ADD ? adds : changes))
			continue;
		if (h.op == REWRITE_ADD || (remove_lines(b, from, &h) && h.op == REWRITE_REPLACE))
			put_line(b, &h, w);
	}
}

bool
rewrite_number(struct str list, bool called, struct str number, struct buf *out)
{
	char why[REWRITE_WHY_MAX];
	struct rewrite_number r;

	while (list.len) {
		size_t len;

		if (rewrite_number_parse(str_cut(&list, '\n'), &r, why) != ERR_OK ||
		    r.called != called || !str_starts(number, r.prefix))
			continue;
		len = r.instead.len + number.len - r.prefix.len;
		if (len == 0 || len > out->cap - out->len)
			return false;
		buf_str(out, r.instead);
		buf_str(out, str_from_at(number, r.prefix.len));
		return true;
	}
	return false;
}
