#include "ha/redact.h"

#include <string.h>

#include "base/hash.h"
#include "base/mem.h"

enum {
	RUN_HIDDEN = 16,    /* so many characters of base64 in an a=crypto line are a key */
	SCHEME_MAX = 16,    /* "Digest" */
	USERINFO_MAX = 512, /* looked at for a password */
	BLANKS_MAX = 256,   /* between inline and its colon */
};

struct redact {
	const uint64_t *key;
	struct buf *out;
	bool hiding;          /* the header in hand is secret: so are its folds */
	const char *lf;       /* the next LF, or the end */
	const char *left_out; /* why the body is; NULL: it is not */
};

static bool
is_base64(char c)
{
	return ascii_alnum(c) || c == '+' || c == '/' || c == '=';
}

static void
put_hidden(struct redact *r, struct str secret)
{
	uint64_t h = hash_siphash(r->key, secret.p, secret.len);

	buf_printf(r->out, "(hidden %04x)", (unsigned)(h & 0xffff));
}

/* Does s end with word, whatever its case? */
static bool
ends_with(struct str s, struct str word)
{
	return s.len >= word.len && str_ieq(str_from_at(s, s.len - word.len), word);
}

/* Length of the colon that s begins with, ":" or "%3A", and of the blanks behind it; 0: none. */
static size_t
colon_in(struct str s)
{
	size_t i = s.len && s.p[0] == ':' ? 1 : str_istarts(s, STR("%3a")) ? 3 : 0;

	while (i && i < s.len && (s.p[i] == ' ' || s.p[i] == '\t'))
		i++;
	return i;
}

/* Length of a password in the userinfo that s begins with, and where: "user:secret@"; 0: none. */
static size_t
password_in(struct str s, size_t *at)
{
	size_t colon = 0;

	for (size_t i = 0; i < s.len && i < USERINFO_MAX; i++) {
		char c = s.p[i];

		if (c == '@') {
			*at = colon + 1;
			return colon ? i - colon - 1 : 0;
		}
		if (c == '>' || c == '<' || c == '"' || c == ' ' || c == '\t')
			return 0;
		if (c == ':' && !colon)
			colon = i;
	}
	return 0;
}

/* The colon at s.p[i] may stand before something to be hidden: how much is written as it is
 * (*plain) and how much is hidden then; 0: nothing. */
static size_t
secret_at(struct str s, size_t i, size_t *plain)
{
	struct str head = str_sub(s, 0, i), rest = str_from_at(s, i);
	size_t n = colon_in(rest), end = n, at = 0, word = i;

	while (word && i - word < BLANKS_MAX && (s.p[word - 1] == ' ' || s.p[word - 1] == '\t'))
		word--;
	if (n && ends_with(str_sub(s, 0, word), STR("inline"))) {
		while (end < rest.len &&
		       (is_base64(rest.p[end]) || (rest.p[0] == '%' && rest.p[end] == '%')))
			end++;
		*plain = n;
		return end - n;
	}
	if (str_starts(rest, STR("://")))
		n = sizeof("://") - 1;
	else if (rest.p[0] == ':' && (ends_with(head, STR("sip")) || ends_with(head, STR("sips"))))
		n = 1;
	else
		return 0;
	end = password_in(str_from_at(rest, n), &at);
	*plain = n + at;
	return end;
}

/* Any text, but for keys and passwords. Each byte is looked at once for each kind of colon. */
static void
put_text(struct redact *r, struct str s)
{
	size_t from = 0, colon = str_chr(s, ':'), escaped = str_chr(s, '%');

	for (size_t i; (i = colon < escaped ? colon : escaped) < s.len;) {
		size_t plain, n = i >= from ? secret_at(s, i, &plain) : 0;

		if (n) {
			buf_str(r->out, str_sub(s, from, i + plain));
			put_hidden(r, str_sub(s, i + plain, i + plain + n));
			from = i + plain + n;
		}
		if (i == colon)
			colon = i + 1 + str_chr(str_from_at(s, i + 1), ':');
		else
			escaped = i + 1 + str_chr(str_from_at(s, i + 1), '%');
	}
	buf_str(r->out, str_from_at(s, from));
}

/* a=crypto: no word that may be a key, wherever it stands. */
static void
put_crypto(struct redact *r, struct str s)
{
	for (size_t from = 0; from < s.len;) {
		size_t end = from;
		struct str run;

		while (end < s.len && is_base64(s.p[end]))
			end++;
		run = str_sub(s, from, end);
		if (run.len >= RUN_HIDDEN ||
		    (run.len && ends_with(str_sub(s, 0, from), STR("inline:"))))
			put_hidden(r, run);
		else
			buf_str(r->out, run);
		if (end < s.len)
			buf_char(r->out, s.p[end++]);
		from = end;
	}
}

static void
put_body_line(struct redact *r, struct str s)
{
	struct str t = str_trim(s);
	size_t colon = str_chr(s, ':');
	char third = t.len > 2 ? ascii_lower(t.p[2]) : 0;

	if (third != 'c' && third != 'k' && third != 'i' && !str_istarts(t, STR("k="))) {
		put_text(r, s); /* nearly all */
	} else if (str_istarts(t, STR("a=crypto"))) {
		put_crypto(r, s);
	} else if (str_istarts(t, STR("k="))) {
		buf_z(r->out, "k=");
		put_hidden(r, t);
	} else if (str_istarts(t, STR("a=key-mgmt")) || str_istarts(t, STR("a=ice-pwd"))) {
		buf_str(r->out, str_sub(s, 0, colon));
		put_hidden(r, t);
	} else {
		put_text(r, s);
	}
}

/* The last letter of one of them. */
static bool
ends_in_secret(struct str name)
{
	char last = ascii_lower(name.p[name.len - 1]);

	return last == 'n' || last == 'o';
}

static bool
is_secret(struct str name)
{
	if (name.len < sizeof("Authorization") - 1 || !ends_in_secret(name))
		return false; /* nearly all */
	return str_ieqz(name, "Authorization") || str_ieqz(name, "Proxy-Authorization") ||
	       str_ieqz(name, "Authentication-Info") || str_ieqz(name, "Proxy-Authentication-Info");
}

/* A header that says that a body is not what it looks like; where its value is on the next line, it
 * is not looked at. */
static bool
is_encoding(struct str name, struct str value)
{
	static const char *const plain[] = {"identity", "7bit", "8bit", "binary"};

	if (name.len != 1 && name.len != sizeof("Content-Encoding") - 1 &&
	    name.len != sizeof("Content-Transfer-Encoding") - 1)
		return false; /* nearly all */
	if (!str_ieqz(name, "Content-Encoding") && !str_ieqz(name, "e") &&
	    !str_ieqz(name, "Content-Transfer-Encoding"))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(plain); i++)
		if (str_ieqz(value, plain[i]))
			return false;
	return true;
}

/* A body whose digits may be a PIN. */
static bool
is_digits(struct str name, struct str value)
{
	return (str_ieqz(name, "Content-Type") || str_ieqz(name, "c")) &&
	       str_istarts(value, STR("application/dtmf"));
}

/* Does this header say that the body is left out? */
static void
look_at_body(struct redact *r, struct str name, struct str value)
{
	if (is_encoding(name, value))
		r->left_out = "they are encoded";
	else if (is_digits(name, value))
		r->left_out = "they are digits";
}

/* The scheme, "Digest", is no secret. */
static void
put_secret_header(struct redact *r, struct str name, struct str value)
{
	struct str rest = value, scheme = str_cut(&rest, ' ');
	bool word = rest.len && scheme.len && scheme.len <= SCHEME_MAX;

	for (size_t i = 0; i < scheme.len; i++)
		word = word && ascii_alpha(scheme.p[i]);
	buf_str(r->out, name);
	buf_z(r->out, ": ");
	if (word) {
		buf_str(r->out, scheme);
		buf_char(r->out, ' ');
	}
	buf_z(r->out, "(hidden)");
}

static void
put_header(struct redact *r, struct str line, struct redact_seen *seen)
{
	struct str value = line, name;

	if (line.len && (line.p[0] == ' ' || line.p[0] == '\t')) {
		if (!r->hiding)
			put_text(r, line);
		return;
	}
	name = str_trim(str_cut(&value, ':'));
	value = str_trim(value);
	r->hiding = is_secret(name);
	look_at_body(r, name, value);
	if (r->hiding) {
		put_secret_header(r, name, value);
		return;
	}
	if (!seen->call_id.len && (str_ieqz(name, "Call-ID") || str_ieqz(name, "i")))
		seen->call_id = value;
	if (!seen->cseq_method.len && str_ieqz(name, "CSeq"))
		seen->cseq_method = str_from_at(value, str_rchr(value, ' ') + 1);
	put_text(r, line);
}

/* A line without its end; *end: CR, LF, or both. */
static struct str
cut_line(struct redact *r, struct str *s, struct str *end)
{
	struct str line;
	size_t n, e;

	if (!r->lf || r->lf < s->p) /* looked for once, however many CR stand alone */
		r->lf = s->p + str_chr(*s, '\n');
	n = str_chr(str_sub(*s, 0, (size_t)(r->lf - s->p)), '\r');
	e = n < s->len ? n + 1 : n;
	if (e < s->len && s->p[n] == '\r' && s->p[e] == '\n')
		e++;
	line = str_sub(*s, 0, n);
	*end = str_sub(*s, n, e);
	*s = str_from_at(*s, e);
	return line;
}

static void
copy_body(struct redact *r, struct str body)
{
	struct str end, value, name;

	while (body.len && !r->left_out) {
		struct str line = cut_line(r, &body, &end);

		put_body_line(r, line);
		buf_str(r->out, end);
		value = line; /* of a part of several */
		name = str_trim(str_cut(&value, ':'));
		look_at_body(r, name, str_trim(value));
	}
	if (body.len)
		buf_printf(r->out, "(%zu bytes not kept: %s)", body.len, r->left_out);
}

void
redact_copy(const uint64_t key[2], struct str msg, struct buf *out, struct redact_seen *seen)
{
	struct redact r = {.key = key, .out = out, .lf = NULL};
	bool started = false;
	struct str end;

	*seen = (struct redact_seen){0};
	while (msg.len) {
		struct str line = cut_line(&r, &msg, &end);

		if (line.len == 0 && started) {
			buf_str(out, end);
			break;
		}
		if (started)
			put_header(&r, line, seen);
		else
			put_text(&r, line);
		started |= line.len > 0;
		if (!(r.hiding && line.len && (line.p[0] == ' ' || line.p[0] == '\t')))
			buf_str(out, end);
	}
	copy_body(&r, msg);
}
