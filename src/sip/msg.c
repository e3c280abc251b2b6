#include "sip/msg.h"

#include "base/guard.h"

#include <string.h>

/* RFC 3261 21.4: what a request is answered with. */
enum {
	ANSWER_BAD = 400,
	ANSWER_URI_TOO_LONG = 414,
	ANSWER_SCHEME = 416,
	ANSWER_VERSION = 505,
	ANSWER_TOO_LARGE = 513,
};

static const char *const method_names[] = {
#define X(m) #m,
	SIP_METHOD_LIST(X)
#undef X
};

static const char *const hdr_names[] = {
#define X(id, name, compact) name,
	SIP_HDR_LIST(X)
#undef X
};

static const uint8_t name_lens[] = {
#define X(id, name, compact) sizeof(name) - 1,
	SIP_HDR_LIST(X)
#undef X
};

static const char compact_names[] = {
#define X(id, name, compact) compact,
	SIP_HDR_LIST(X)
#undef X
};

/* First and last header of each letter; the list is sorted, so they stand together. */
static const struct {
	uint8_t first, last;
} letters[26] = {
	['a' - 'a'] = {SIP_H_ACCEPT, SIP_H_AUTHORIZATION},
	['c' - 'a'] = {SIP_H_CALL_ID, SIP_H_CSEQ},
	['d' - 'a'] = {SIP_H_DATE, SIP_H_DIVERSION},
	['e' - 'a'] = {SIP_H_ERROR_INFO, SIP_H_EXPIRES},
	['f' - 'a'] = {SIP_H_FROM, SIP_H_FROM},
	['g' - 'a'] = {SIP_H_GEOLOCATION, SIP_H_GEOLOCATION},
	['h' - 'a'] = {SIP_H_HISTORY_INFO, SIP_H_HISTORY_INFO},
	['i' - 'a'] = {SIP_H_IDENTITY, SIP_H_IN_REPLY_TO},
	['m' - 'a'] = {SIP_H_MAX_FORWARDS, SIP_H_MIN_SE},
	['o' - 'a'] = {SIP_H_ORGANIZATION, SIP_H_ORGANIZATION},
	['p' - 'a'] = {SIP_H_P_ACCESS_NETWORK_INFO, SIP_H_PROXY_REQUIRE},
	['r' - 'a'] = {SIP_H_RACK, SIP_H_RSEQ},
	['s' - 'a'] = {SIP_H_SERVER, SIP_H_SUPPORTED},
	['t' - 'a'] = {SIP_H_TIMESTAMP, SIP_H_TO},
	['u' - 'a'] = {SIP_H_UNSUPPORTED, SIP_H_USER_TO_USER},
	['v' - 'a'] = {SIP_H_VIA, SIP_H_VIA},
	['w' - 'a'] = {SIP_H_WARNING, SIP_H_WWW_AUTHENTICATE},
};

static enum sip_hdr_id
find_compact(char c)
{
	for (unsigned i = 0; i < SIP_H_OTHER; i++)
		if (compact_names[i] == c)
			return (enum sip_hdr_id)i;
	return SIP_H_OTHER;
}

/* Most senders write the canonical form: ask for that before folding case. */
static bool
is_name(struct str name, const char *canonical)
{
	struct str want = {canonical, name.len};

	return memcmp(name.p, canonical, name.len) == 0 || str_ieq(name, want);
}

enum sip_hdr_id
sip_hdr_id_of(struct str name)
{
	char c = name.len ? ascii_lower(name.p[0]) : 0;

	if (!ascii_alpha(c))
		return SIP_H_OTHER;
	if (name.len == 1)
		return find_compact(c);
	for (unsigned i = letters[c - 'a'].first; i <= letters[c - 'a'].last; i++)
		if (name_lens[i] == name.len && is_name(name, hdr_names[i]))
			return (enum sip_hdr_id)i;
	return SIP_H_OTHER;
}

const char *
sip_hdr_name(enum sip_hdr_id id)
{
	return id < SIP_H_OTHER ? hdr_names[id] : "";
}

enum sip_method
sip_method_of(struct str name)
{
	for (unsigned i = 0; i < ARRAY_LEN(method_names); i++)
		if (name.len && name.p[0] == method_names[i][0] && str_eqz(name, method_names[i]))
			return (enum sip_method)i;
	return SIP_UNKNOWN;
}

const char *
sip_method_name(enum sip_method m)
{
	return m < SIP_UNKNOWN ? method_names[m] : "";
}

/* The first fault is the one that counts. */
static void
set_fault(struct sip_msg *m, enum err e, unsigned answer, const char *why)
{
	if (m->fault != ERR_OK)
		return;
	m->fault = e;
	m->answer = (uint16_t)answer;
	m->why = why;
}

/* "SIP/" digits "." digits: OK for 2.0, VERSION for another, SYNTAX for anything else. */
static enum err
check_version(struct str s)
{
	struct str major, minor;

	if (str_eq(s, STR("SIP/2.0")) || str_ieq(s, STR("SIP/2.0")))
		return ERR_OK;
	if (!str_istarts(s, STR("SIP/")))
		return ERR_SYNTAX;
	minor = str_from_at(s, 4);
	major = str_cut(&minor, '.');
	for (size_t i = 0; i < major.len; i++)
		if (!ascii_digit(major.p[i]))
			return ERR_SYNTAX;
	for (size_t i = 0; i < minor.len; i++)
		if (!ascii_digit(minor.p[i]))
			return ERR_SYNTAX;
	return major.len && minor.len ? ERR_VERSION : ERR_SYNTAX;
}

static void
read_request_uri(struct sip_msg *m)
{
	if (m->uri_text.len > SIP_URI_MAX)
		set_fault(m, ERR_LONG, ANSWER_URI_TOO_LONG, "Request-URI too long");
	else if (sip_uri_parse(m->uri_text, &m->uri) != ERR_OK)
		set_fault(m, ERR_SYNTAX, ANSWER_BAD, "Request-URI not well formed");
	else if (m->uri.headers.len)
		set_fault(m, ERR_SYNTAX, ANSWER_BAD, "headers in the Request-URI");
	else if (m->uri.scheme == SIP_SCHEME_OTHER && !sip_uri_is_sos(&m->uri))
		set_fault(m, ERR_UNSUPPORTED, ANSWER_SCHEME, "scheme of the Request-URI");
}

/* Method SP Request-URI SP SIP-Version, one SP each (RFC 3261 7.1). */
static void
read_request_line(struct sip_msg *m, struct str line)
{
	enum err e;

	m->request = true;
	m->method_name = str_cut(&line, ' ');
	m->uri_text = str_cut(&line, ' ');
	m->method = sip_method_of(m->method_name);
	if (!sip_all(m->method_name, SIP_C_TOKEN) || m->method_name.len > SIP_METHOD_MAX) {
		set_fault(m, ERR_SYNTAX, ANSWER_BAD, "method not well formed");
		return;
	}
	e = check_version(line);
	if (e == ERR_VERSION)
		set_fault(m, e, ANSWER_VERSION, "not SIP/2.0");
	else if (e != ERR_OK)
		set_fault(m, e, ANSWER_BAD, "request line not well formed");
	read_request_uri(m);
}

/* SIP-Version SP Status-Code SP Reason-Phrase; the second SP may be missing (RFC 3261 7.2). */
static void
read_status_line(struct sip_msg *m, struct str line)
{
	struct str version = str_cut(&line, ' ');
	struct str code = str_cut(&line, ' ');
	enum err e = check_version(version);
	uint32_t n = 0;

	m->reason = line;
	if (e != ERR_OK)
		set_fault(m, e, 0, "not SIP/2.0");
	else if (code.len != 3 || str_u32(code, SIP_STATUS_MAX, &n) != ERR_OK || n < 100)
		set_fault(m, ERR_SYNTAX, 0, "status code");
	else
		m->status = (uint16_t)n;
}

/*
 * Length of the physical line at s without its CRLF, which is there. Otherwise an error: no end
 * within SIP_LINE_MAX (LONG), or a CR or LF that is not part of a CRLF (SYNTAX).
 */
static enum err
line_len(struct str s, size_t *len)
{
	size_t room = s.len < SIP_LINE_MAX ? s.len : SIP_LINE_MAX, n = room;
	const char *cr = room ? memchr(s.p, '\r', room) : NULL;

	if (cr)
		n = (size_t)(cr - s.p);
	if (n && memchr(s.p, '\n', n))
		return ERR_SYNTAX;
	if (!cr)
		return s.len > room ? ERR_LONG : ERR_SYNTAX;
	if (n + 1 >= s.len || s.p[n + 1] != '\n')
		return ERR_SYNTAX;
	*len = n;
	return ERR_OK;
}

size_t
sip_name_len(struct str line, size_t *colon)
{
	size_t n = 0, k;

	while (n < line.len && sip_is(line.p[n], SIP_C_TOKEN))
		n++;
	/* between name and colon only SP and HTAB: a filter and a consumer that disagree about
	 * any other byte open a way for smuggled headers */
	k = n;
	while (k < line.len && (line.p[k] == ' ' || line.p[k] == '\t'))
		k++;
	if (n == 0 || !GUARD(P5, k < line.len && line.p[k] == ':'))
		return 0;
	*colon = k < line.len ? k : n;
	return n;
}

/* Headers that stand once in a message (RFC 3261 7.3.1, 20). */
static bool
is_single(enum sip_hdr_id id)
{
	return id == SIP_H_FROM || id == SIP_H_TO || id == SIP_H_CALL_ID || id == SIP_H_CSEQ ||
	       id == SIP_H_MAX_FORWARDS || id == SIP_H_CONTENT_LENGTH || id == SIP_H_CONTENT_TYPE;
}

/* One header with its folds; line includes the last CRLF. */
static void
add_header(struct sip_msg *m, struct str line, bool folded)
{
	struct sip_hdr *h = &m->hdr[m->n_hdr];
	size_t colon = 0, n = sip_name_len(line, &colon);

	if (n == 0 || n > SIP_NAME_MAX) {
		set_fault(m, ERR_SYNTAX, ANSWER_BAD, "header name not well formed");
		return;
	}
	h->name = sip_head(line, n);
	h->value = sip_trim(sip_skip(line, colon + 1));
	h->line = line;
	h->id = (uint8_t)sip_hdr_id_of(h->name);
	h->next = SIP_HDR_NONE;
	if (m->first[h->id] == SIP_HDR_NONE)
		m->first[h->id] = (uint8_t)m->n_hdr;
	else
		m->hdr[m->last[h->id]].next = (uint8_t)m->n_hdr;
	if (m->first[h->id] != m->n_hdr && is_single((enum sip_hdr_id)h->id))
		set_fault(m, ERR_EXISTS, ANSWER_BAD, "a header that may stand once stands twice");
	if (h->id == SIP_H_CONTENT_LENGTH && !GUARD(P4, !folded))
		set_fault(m, ERR_SYNTAX, ANSWER_BAD, "Content-Length folded");
	m->last[h->id] = (uint8_t)m->n_hdr++;
}

/*
 * All header lines of s up to the blank line. Returns the bytes taken, the blank line included; 0
 * when there is no way to go on.
 */
static size_t
read_headers(struct sip_msg *m, struct str s)
{
	size_t at = 0, n = 0;
	enum err e;

	for (;;) {
		size_t start = at;
		bool folded = false;

		do { /* the line and its folds */
			folded = at != start;
			e = line_len(sip_skip(s, at), &n);
			if (e != ERR_OK) {
				set_fault(m, e, e == ERR_LONG ? ANSWER_TOO_LARGE : ANSWER_BAD,
					  e == ERR_LONG ? "header too long"
							: "header line not ended by CRLF");
				return 0;
			}
			at += n + 2;
			if (at - start > SIP_LINE_MAX) {
				set_fault(m, ERR_LONG, ANSWER_TOO_LARGE, "header too long");
				return 0;
			}
		} while (at - start > 2 && at < s.len && (s.p[at] == ' ' || s.p[at] == '\t'));
		if (at - start == 2)
			return at;
		if (m->n_hdr == SIP_HDR_MAX) {
			set_fault(m, ERR_FULL, ANSWER_TOO_LARGE, "too many headers");
			return 0;
		}
		add_header(m, (struct str){s.p + start, at - start}, folded);
	}
}

/* A NUL is legal as the second byte of a quoted pair and nowhere else (RFC 3261 25.1). */
static bool
nul_is_quoted(struct str value)
{
	bool quote = false;

	for (size_t i = 0; i < value.len; i++) {
		if (value.p[i] == 0)
			return false;
		if (value.p[i] == '"')
			quote = !quote;
		else if (quote && value.p[i] == '\\')
			i++;
	}
	return true;
}

static void
check_nul(struct sip_msg *m, struct str head)
{
	bool ok = true;

	if (head.len == 0 || !memchr(head.p, 0, head.len))
		return;
	ok = m->n_hdr > 0 && !memchr(head.p, 0, (size_t)(m->hdr[0].line.p - head.p));
	for (unsigned i = 0; i < m->n_hdr && ok; i++)
		ok = nul_is_quoted(m->hdr[i].line);
	if (!GUARD(P6, ok)) {
		set_fault(m, ERR_SYNTAX, 0, "NUL in the header");
		m->answer = 0; /* what would be copied into the answer is not trusted */
	}
}

enum err
sip_length_parse(struct str value, int32_t *out)
{
	uint32_t n;
	enum err e = str_u32(value, SIP_MSG_MAX, &n);

	if (e == ERR_OK)
		*out = (int32_t)n;
	return e;
}

enum err
sip_cseq_parse(struct str s, uint32_t *num, struct str *name)
{
	struct str method;
	size_t n = 0;
	uint32_t v;
	enum err e;

	s = sip_trim(s);
	while (n < s.len && ascii_digit(s.p[n]))
		n++;
	method = sip_trim(sip_skip(s, n));
	if (n + method.len == s.len || !sip_all(method, SIP_C_TOKEN))
		return ERR_SYNTAX;
	e = str_u32(sip_head(s, n), SIP_CSEQ_MAX, &v);
	if (e != ERR_OK)
		return e;
	*num = v;
	*name = method;
	return ERR_OK;
}

static const struct sip_hdr *
need_hdr(struct sip_msg *m, enum sip_hdr_id id, const char *why)
{
	const struct sip_hdr *h = sip_msg_hdr(m, id);

	if (!h)
		set_fault(m, ERR_NOTFOUND, ANSWER_BAD, why);
	return h;
}

static void
read_via(struct sip_msg *m)
{
	const struct sip_hdr *h = need_hdr(m, SIP_H_VIA, "no Via");
	struct str rest, top;
	enum err e;

	if (!h)
		return;
	rest = h->value;
	top = rest;
	e = str_chr(rest, ',') == rest.len ? ERR_OK : sip_list_next(&rest, &top);
	if (e == ERR_OK)
		e = sip_via_parse(top, &m->via);
	if (e == ERR_VERSION)
		set_fault(m, e, ANSWER_VERSION, "Via is not SIP/2.0");
	else if (e != ERR_OK)
		set_fault(m, ERR_SYNTAX, ANSWER_BAD, "Via not well formed");
	else if (!GUARD(P1, m->via.branch.len <= SIP_BRANCH_MAX))
		set_fault(m, ERR_LONG, ANSWER_BAD, "branch too long");
}

static void
read_party(struct sip_msg *m, enum sip_hdr_id id, struct sip_nameaddr *na, struct str *tag)
{
	bool from = id == SIP_H_FROM;
	const struct sip_hdr *h = need_hdr(m, id, from ? "no From" : "no To");

	if (!h)
		return;
	if (sip_nameaddr_parse(h->value, na) != ERR_OK) {
		set_fault(m, ERR_SYNTAX, ANSWER_BAD,
			  from ? "From not well formed" : "To not well formed");
		return;
	}
	if (!GUARD(P1, na->tag.len <= SIP_TAG_MAX))
		set_fault(m, ERR_LONG, ANSWER_BAD, "tag too long");
	else
		*tag = na->tag;
}

static void
read_call_id(struct sip_msg *m)
{
	const struct sip_hdr *h = need_hdr(m, SIP_H_CALL_ID, "no Call-ID");
	size_t at;

	if (!h)
		return;
	at = str_chr(h->value, '@');
	if (!sip_all(sip_head(h->value, at), SIP_C_WORD) ||
	    (at < h->value.len && !sip_all(sip_skip(h->value, at + 1), SIP_C_WORD)))
		set_fault(m, ERR_SYNTAX, ANSWER_BAD, "Call-ID not well formed");
	else if (!GUARD(P1, h->value.len <= SIP_CALL_ID_MAX))
		set_fault(m, ERR_LONG, ANSWER_BAD, "Call-ID too long");
	else
		m->call_id = h->value;
}

static void
read_cseq(struct sip_msg *m)
{
	const struct sip_hdr *h = need_hdr(m, SIP_H_CSEQ, "no CSeq");
	struct str name;
	enum err e;

	if (!h)
		return;
	e = sip_cseq_parse(h->value, &m->cseq, &name);
	if (e != ERR_OK) {
		set_fault(m, e, ANSWER_BAD, "CSeq not well formed");
		return;
	}
	if (m->request && str_eq(name, m->method_name)) {
		m->cseq_method = m->method;
		return;
	}
	m->cseq_method = sip_method_of(name);
	if (m->request) {
		set_fault(m, ERR_SYNTAX, ANSWER_BAD, "CSeq names another method");
	} else if (name.len > SIP_METHOD_MAX) {
		set_fault(m, ERR_SYNTAX, 0, "method too long");
	} else {
		m->method = m->cseq_method;
		m->method_name = name;
	}
}

static void
read_length(struct sip_msg *m)
{
	const struct sip_hdr *h = sip_msg_hdr(m, SIP_H_CONTENT_LENGTH);
	enum err e = h ? sip_length_parse(h->value, &m->content_length) : ERR_OK;

	if (e != ERR_OK)
		set_fault(m, e, ANSWER_BAD, "Content-Length not a length");
}

/* Last of all: who may do without it must know that nothing else is wrong. */
static void
read_forwards(struct sip_msg *m)
{
	const struct sip_hdr *h = sip_msg_hdr(m, SIP_H_MAX_FORWARDS);
	uint32_t n;
	enum err e;

	if (!h)
		return;
	e = str_u32(h->value, SIP_FORWARDS_MAX, &n);
	if (e == ERR_OK) {
		m->max_forwards = (int)n;
	} else {
		m->only_forwards = m->fault == ERR_OK;
		set_fault(m, e, ANSWER_BAD, "Max-Forwards not 0 to 255");
	}
}

/* What stands behind the head, at most Content-Length. */
static void
cut_body(struct sip_msg *m, struct str bytes)
{
	struct str body = str_from_at(bytes, m->head.len);

	if (m->content_length != SIP_LENGTH_NONE) {
		size_t n = (size_t)m->content_length;

		if (n > body.len)
			set_fault(m, ERR_SHORT, ANSWER_BAD, "body shorter than Content-Length");
		body = str_sub(body, 0, n);
	}
	m->body = body;
	m->all = str_sub(bytes, 0, m->head.len + body.len);
}

static void
init_msg(struct sip_msg *m)
{
	memset(m, 0, offsetof(struct sip_msg, first));
	memset(m->first, SIP_HDR_NONE, sizeof(m->first));
	m->method = m->cseq_method = SIP_UNKNOWN;
	m->via.transport = SIP_TRANSPORT_OTHER;
	m->max_forwards = SIP_FORWARDS_NONE;
	m->content_length = SIP_LENGTH_NONE;
	m->why = "";
}

/* Whom a request that is no message would have called: nothing else of it is read. */
static void
read_asked(struct sip_msg *m, struct str bytes)
{
	struct str line = str_sub(bytes, 0, SIP_LINE_MAX);

	line = str_sub(line, 0, str_chr(line, '\n'));
	line = str_sub(line, 0, str_chr(line, '\r'));
	if (!str_istarts(line, STR("SIP/")))
		read_request_line(m, line);
	m->request = false; /* nothing that could be answered */
}

/* Start line and headers; false when there is nothing to look at. */
static bool
read_head(struct sip_msg *m, struct str bytes)
{
	size_t n = 0, took;
	enum err e;

	e = line_len(bytes, &n);
	if (e != ERR_OK) {
		set_fault(m, e, 0,
			  e == ERR_LONG ? "start line too long" : "start line not ended by CRLF");
		m->head = bytes;
		read_asked(m, bytes);
		return false;
	}
	if (n > 3 && bytes.p[3] == '/' && str_istarts(bytes, STR("SIP/")))
		read_status_line(m, str_sub(bytes, 0, n));
	else
		read_request_line(m, str_sub(bytes, 0, n));
	took = read_headers(m, str_from_at(bytes, n + 2));
	m->head = took ? str_sub(bytes, 0, n + 2 + took) : bytes;
	check_nul(m, m->head);
	return true;
}

enum err
sip_msg_parse(struct str bytes, struct sip_msg *out)
{
	struct sip_msg *m = out;

	init_msg(m);
	while (bytes.len >= 2 && bytes.p[0] == '\r' && bytes.p[1] == '\n')
		bytes = str_from_at(bytes, 2); /* RFC 3261 7.5 */
	if (bytes.len == 0)
		set_fault(m, ERR_SHORT, 0, "empty");
	else if (bytes.len > SIP_MSG_MAX)
		set_fault(m, ERR_LONG, 0, "message too long");
	if (m->fault != ERR_OK || !read_head(m, bytes))
		return m->fault;
	read_via(m);
	read_party(m, SIP_H_FROM, &m->from, &m->from_tag);
	read_party(m, SIP_H_TO, &m->to, &m->to_tag);
	read_call_id(m);
	read_cseq(m);
	read_length(m);
	cut_body(m, bytes);
	read_forwards(m);
	if (!m->request || m->method == SIP_ACK || !sip_msg_hdr(m, SIP_H_VIA))
		m->answer = 0;
	return m->fault;
}

const struct sip_hdr *
sip_msg_hdr(const struct sip_msg *m, enum sip_hdr_id id)
{
	return id < SIP_H_N && m->first[id] != SIP_HDR_NONE ? &m->hdr[m->first[id]] : NULL;
}

const struct sip_hdr *
sip_msg_next(const struct sip_msg *m, const struct sip_hdr *h)
{
	return h->next != SIP_HDR_NONE ? &m->hdr[h->next] : NULL;
}

struct str
sip_msg_value(const struct sip_msg *m, enum sip_hdr_id id)
{
	const struct sip_hdr *h = sip_msg_hdr(m, id);

	return h ? h->value : STR_NULL;
}

const struct sip_hdr *
sip_msg_by_name(const struct sip_msg *m, struct str name, const struct sip_hdr *after)
{
	for (size_t i = after ? (size_t)(after - m->hdr) + 1 : 0; i < m->n_hdr; i++)
		if (str_ieq(m->hdr[i].name, name))
			return &m->hdr[i];
	return NULL;
}
