#include "ops/siptext.h"

#include "base/mem.h"
#include "sip/msg.h"

/* One line to be compared: a header with its folds, or a line of the body. */
struct line {
	struct str name, value;
	bool matched;
};

struct lines {
	struct line line[SIPTEXT_LINES_MAX];
	size_t n;
};

/* ---- into JSON ---- */

static bool
is_fold(struct str s, size_t i)
{
	return s.p[i] == '\r' && i + 2 < s.len && s.p[i + 1] == '\n' &&
	       (s.p[i + 2] == ' ' || s.p[i + 2] == '\t');
}

void
siptext_put(struct buf *b, struct str s)
{
	buf_char(b, '"');
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (is_fold(s, i)) {
			buf_char(b, ' ');
			i += 2;
		} else if (c == '"') {
			buf_z(b, "\\\"");
		} else if (c == '\\') {
			buf_z(b, "\\\\\\\\");
		} else if (c < 0x20 || c > 0x7e) {
			buf_printf(b, "\\\\x%02x", c);
		} else {
			buf_char(b, (char)c);
		}
	}
	buf_char(b, '"');
}

static struct str
cut_line(struct str *s)
{
	struct str line = str_cut(s, '\n');

	if (line.len && line.p[line.len - 1] == '\r')
		line.len--;
	return line;
}

void
siptext_put_lines(struct buf *b, struct str msg)
{
	const char *comma = "";

	buf_char(b, '[');
	while (msg.len) {
		buf_z(b, comma);
		siptext_put(b, cut_line(&msg));
		comma = ",";
	}
	buf_char(b, ']');
}

/* ---- looking into a message ---- */

struct str
siptext_start(struct str msg)
{
	struct str line = cut_line(&msg);

	while (!line.len && msg.len)
		line = cut_line(&msg);
	return line;
}

/* Where the headers begin. */
static struct str
behind_start(struct str msg)
{
	struct str start = siptext_start(msg);

	msg = str_from_at(msg, (size_t)(start.p - msg.p) + start.len);
	(void)cut_line(&msg);
	return msg;
}

/* The next header with its folds; false: the blank line, which is cut off, or the end. */
static bool
next_header(struct str *s, struct line *out)
{
	struct str line = cut_line(s), value;

	if (line.len == 0)
		return false;
	while (s->len && (s->p[0] == ' ' || s->p[0] == '\t')) {
		struct str fold = cut_line(s);

		line.len = (size_t)(fold.p + fold.len - line.p);
	}
	value = line;
	out->name = str_trim(str_cut(&value, ':'));
	out->value = str_trim(value);
	out->matched = false;
	return true;
}

struct str
siptext_header(struct str msg, const char *name, char compact)
{
	struct str s = behind_start(msg);
	struct line l;

	while (s.len && next_header(&s, &l))
		if (str_ieqz(l.name, name) ||
		    (compact && l.name.len == 1 && ascii_lower(l.name.p[0]) == compact))
			return l.value;
	return STR_NULL;
}

void
siptext_put_audio(struct buf *b, struct str msg)
{
	static const char *const ways[] = {"sendonly", "recvonly", "inactive"};
	struct str s = behind_start(msg), host = STR_NULL, audio = STR_NULL, way = STR_NULL, port,
		   profile;
	char mem[SIPTEXT_AUDIO_MAX];
	struct buf text;
	struct line l;

	while (s.len && next_header(&s, &l))
		continue;
	while (s.len) {
		struct str line = cut_line(&s), value = str_from_at(line, 2);

		if (str_starts(line, STR("m=")) && audio.len)
			break;
		if (str_starts(line, STR("m=audio ")))
			audio = str_from_at(line, sizeof("m=audio ") - 1);
		else if (str_starts(line, STR("c=")))
			host = str_from_at(value, str_rchr(value, ' ') + 1);
		for (size_t i = 0; str_starts(line, STR("a=")) && i < ARRAY_LEN(ways); i++)
			way = str_eqz(value, ways[i]) ? value : way;
	}
	buf_init(&text, mem, sizeof(mem));
	port = str_cut(&audio, ' ');
	profile = str_cut(&audio, ' ');
	if (port.len)
		buf_printf(&text, "%.*s %.*s:%.*s%s%.*s", STR_ARG(profile), STR_ARG(host),
			   STR_ARG(port), way.len ? ", " : "", STR_ARG(way));
	siptext_put(b, buf_view(&text));
}

/* ---- comparing ---- */

/* A compact name is the same as the long one. */
static struct str
long_name(struct str name)
{
	enum sip_hdr_id id = sip_hdr_id_of(name);

	return id == SIP_H_OTHER ? name : str_from(sip_hdr_name(id));
}

/* Fills headers, and what of a body's lines is compared: SDP's by their letter and attribute. */
static void
read_lines(struct str msg, struct lines *headers, struct lines *body)
{
	struct str s = behind_start(msg);
	struct line l;

	headers->n = body->n = 0;
	while (s.len && next_header(&s, &l)) {
		l.name = long_name(l.name);
		if (headers->n < SIPTEXT_LINES_MAX)
			headers->line[headers->n++] = l;
	}
	while (s.len && body->n < SIPTEXT_LINES_MAX) {
		struct str text = cut_line(&s);
		size_t at = str_chr(text, str_starts(text, STR("a=")) ? ':' : '=');

		at += at < text.len;
		l = (struct line){.name = str_sub(text, 0, at), .value = str_from_at(text, at)};
		if (text.len)
			body->line[body->n++] = l;
	}
}

static struct line *
find_match(struct lines *in, const struct line *want, bool same_value)
{
	for (size_t i = 0; i < in->n; i++) {
		struct line *l = &in->line[i];

		if (!l->matched && str_ieq(l->name, want->name) &&
		    (!same_value || str_eq(l->value, want->value)))
			return l;
	}
	return NULL;
}

static void
put_change(struct buf *b, const char *part, struct str name, const struct str *was,
	   const struct str *is)
{
	buf_printf(b, "%s{\"part\":\"%s\",\"name\":", b->p[b->len - 1] == '[' ? "" : ",", part);
	siptext_put(b, name);
	if (was) {
		buf_z(b, ",\"was\":");
		siptext_put(b, *was);
	}
	if (is) {
		buf_z(b, ",\"is\":");
		siptext_put(b, *is);
	}
	buf_char(b, '}');
}

static void
put_changes(struct buf *b, const char *part, struct lines *in, struct lines *out)
{
	struct line *m;

	for (size_t i = 0; i < in->n; i++)
		if ((m = find_match(out, &in->line[i], true)) != NULL)
			in->line[i].matched = m->matched = true;
	for (size_t i = 0; i < in->n; i++) {
		struct line *l = &in->line[i];

		if (l->matched)
			continue;
		m = find_match(out, l, false);
		if (m)
			m->matched = true;
		put_change(b, part, l->name, &l->value, m ? &m->value : NULL);
	}
	for (size_t i = 0; i < out->n; i++)
		if (!out->line[i].matched)
			put_change(b, part, out->line[i].name, NULL, &out->line[i].value);
}

void
siptext_put_diff(struct buf *b, struct str in, struct str out)
{
	static struct lines headers[2], body[2]; /* large; admin has one thread */
	struct str was = siptext_start(in), is = siptext_start(out);

	read_lines(in, &headers[0], &body[0]);
	read_lines(out, &headers[1], &body[1]);
	buf_char(b, '[');
	if (!str_eq(was, is) && !b->failed)
		put_change(b, "start", STR(""), &was, &is);
	if (!b->failed)
		put_changes(b, "header", &headers[0], &headers[1]);
	if (!b->failed)
		put_changes(b, "body", &body[0], &body[1]);
	buf_char(b, ']');
}
