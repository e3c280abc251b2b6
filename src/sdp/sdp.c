#include "sdp/sdp.h"

#include <string.h>

enum { PT_MAX = 127, LINES_HEAD = 2 };

/* What the parser knows while it walks the lines. */
struct walk {
	struct str rest;
	unsigned n_lines;
	struct sdp *sdp;
	struct sdp_media *media; /* the section we are in; NULL: session */
	bool has_origin;
	uint8_t format_of[PT_MAX + 1]; /* payload type -> index + 1 of the section's formats */
};

static const struct {
	const char *name;
	enum sdp_proto proto;
} protos[] = {
	{"RTP/AVP", SDP_RTP_AVP},
	{"RTP/AVPF", SDP_RTP_AVPF},
	{"RTP/SAVP", SDP_RTP_SAVP},
	{"RTP/SAVPF", SDP_RTP_SAVPF},
	{"UDP/TLS/RTP/SAVP", SDP_DTLS_SAVP},
	{"UDP/TLS/RTP/SAVPF", SDP_DTLS_SAVPF},
	{"udptl", SDP_UDPTL},
};

static const char *const media_names[] = {
	[SDP_AUDIO] = "audio",     [SDP_VIDEO] = "video",
	[SDP_TEXT] = "text",       [SDP_APPLICATION] = "application",
	[SDP_MESSAGE] = "message", [SDP_IMAGE] = "image",
};

static const char *const direction_names[] = {
	[SDP_INACTIVE] = "inactive",
	[SDP_SENDONLY] = "sendonly",
	[SDP_RECVONLY] = "recvonly",
	[SDP_SENDRECV] = "sendrecv",
};

const char *
sdp_direction_name(enum sdp_direction d)
{
	return direction_names[d & SDP_SENDRECV];
}

enum sdp_direction
sdp_direction_flip(enum sdp_direction d)
{
	return (enum sdp_direction)((d & SDP_SENDONLY ? SDP_RECVONLY : 0) |
				    (d & SDP_RECVONLY ? SDP_SENDONLY : 0));
}

const char *
sdp_proto_name(enum sdp_proto p)
{
	return (unsigned)p < ARRAY_LEN(protos) ? protos[p].name : "?";
}

const char *
sdp_media_name(enum sdp_media_type t)
{
	return (unsigned)t < ARRAY_LEN(media_names) ? media_names[t] : "other";
}

bool
sdp_proto_is_sdes(enum sdp_proto p)
{
	return p == SDP_RTP_SAVP || p == SDP_RTP_SAVPF;
}

bool
sdp_proto_has_feedback(enum sdp_proto p)
{
	return p == SDP_RTP_AVPF || p == SDP_RTP_SAVPF || p == SDP_DTLS_SAVPF;
}

bool
sdp_proto_is_dtls(enum sdp_proto p)
{
	return p == SDP_DTLS_SAVP || p == SDP_DTLS_SAVPF;
}

bool
sdp_proto_is_clear(enum sdp_proto p)
{
	return p == SDP_RTP_AVP || p == SDP_RTP_AVPF;
}

bool
sdp_proto_is_rtp(enum sdp_proto p)
{
	return p < SDP_UDPTL;
}

static enum sdp_proto
find_proto(struct str s)
{
	for (size_t i = 0; i < ARRAY_LEN(protos); i++)
		if (str_ieqz(s, protos[i].name))
			return protos[i].proto;
	return SDP_PROTO_OTHER;
}

static enum sdp_media_type
find_media(struct str s)
{
	for (size_t i = 0; i < ARRAY_LEN(media_names); i++)
		if (str_ieqz(s, media_names[i]))
			return (enum sdp_media_type)i;
	return SDP_MEDIA_OTHER;
}

/* Next word of *s, blanks before it skipped; empty at the end. */
static struct str
next_word(struct str *s)
{
	size_t from = 0, to;

	while (from < s->len && s->p[from] == ' ')
		from++;
	to = from;
	while (to < s->len && s->p[to] != ' ')
		to++;
	*s = (struct str){s->p ? s->p + from : s->p, s->len - from};
	struct str word = str_sub(*s, 0, to - from);
	*s = str_from_at(*s, to - from);
	return word;
}

/* Last word of *s, cut off it. */
static struct str
last_word(struct str *s)
{
	struct str t = str_trim(*s);
	size_t at = str_rchr(t, ' ');
	struct str word = at == t.len ? t : str_from_at(t, at + 1);

	*s = at == t.len ? STR_NULL : str_sub(t, 0, at);
	return word;
}

static enum err
read_u16(struct str s, uint32_t max, uint16_t *out)
{
	uint32_t v;
	enum err e = str_u32(s, max, &v);

	if (e == ERR_OK)
		*out = (uint16_t)v;
	return e;
}

/* One line without its end; false at the end of the text. LF and CRLF end a line. */
static bool
next_line(struct str *rest, struct str *line)
{
	size_t at;

	if (rest->len == 0)
		return false;
	at = str_chr(*rest, '\n');
	*line = str_sub(*rest, 0, at);
	*rest = str_from_at(*rest, at + 1);
	if (line->len && line->p[line->len - 1] == '\r')
		line->len--;
	return true;
}

static bool
is_host_name(struct str s)
{
	if (s.len == 0 || s.len > 255)
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (!ascii_alnum(s.p[i]) && s.p[i] != '.' && s.p[i] != '-')
			return false;
	return true;
}

/* "IN IP4 address": out->addr with port 0, family 0 for a host name. */
static enum err
read_address(struct str net, struct str type, struct str host, struct addr *out)
{
	struct addr a;
	bool v6 = str_ieqz(type, "IP6");

	if (net.len == 0 || type.len == 0 || host.len == 0)
		return ERR_SYNTAX;
	if (!str_ieqz(net, "IN") || (!v6 && !str_ieqz(type, "IP4")))
		return ERR_UNSUPPORTED;
	if (addr_parse_ip(host, &a) != ERR_OK) {
		*out = (struct addr){0};
		return is_host_name(host) ? ERR_OK : ERR_SYNTAX;
	}
	if (a.family != (v6 ? 6 : 4))
		return ERR_SYNTAX;
	*out = a;
	return ERR_OK;
}

static enum err
read_conn(struct str value, struct sdp_conn *out)
{
	struct sdp_conn c = {.present = true};
	struct str net = next_word(&value), type = next_word(&value), host = next_word(&value);
	size_t slash = str_chr(host, '/');
	enum err e;

	if (str_trim(value).len)
		return ERR_SYNTAX;
	c.multicast = slash < host.len;
	c.host = str_sub(host, 0, slash);
	e = read_address(net, type, c.host, &c.addr);
	if (e == ERR_OK)
		*out = c;
	return e;
}

static enum err
read_origin(struct sdp *s, struct str value)
{
	struct str rest = value, addr = last_word(&rest), type = last_word(&rest),
		   net = last_word(&rest), version = last_word(&rest), id = last_word(&rest);
	enum err e;

	if (addr.len == 0 || type.len == 0 || net.len == 0)
		return ERR_SYNTAX;
	e = str_u64(version, UINT64_MAX, &s->session_version);
	if (e == ERR_OK)
		e = str_u64(id, UINT64_MAX, &s->session_id);
	if (e != ERR_OK)
		return e;
	s->origin = value;
	s->origin_user = str_trim(rest);
	s->origin_addr = addr;
	return ERR_OK;
}

static enum err
add_format(struct walk *w, struct str name, bool rtp)
{
	struct sdp_media *m = w->media;
	struct sdp_format f = {.name = name, .channels = 1, .pt = SDP_PT_NONE};
	uint32_t pt;
	enum err e;

	if (rtp) {
		e = str_u32(name, PT_MAX, &pt);
		if (e != ERR_OK)
			return e;
		if (w->format_of[pt])
			return ERR_OK; /* named twice: once is enough */
		f.pt = (uint8_t)pt;
	}
	if (m->n_formats == SDP_FORMATS_MAX)
		return ERR_LONG;
	m->formats[m->n_formats++] = f;
	if (rtp)
		w->format_of[pt] = (uint8_t)m->n_formats;
	return ERR_OK;
}

static enum err
read_port(struct sdp_media *m, struct str word)
{
	struct str port = str_cut(&word, '/');
	enum err e = read_u16(port, 65535, &m->port);

	m->port_count = 1;
	if (e == ERR_OK && port.p + port.len != word.p)
		e = read_u16(word, SDP_PORTS_MAX, &m->port_count);
	return e == ERR_OK && m->port_count == 0 ? ERR_RANGE : e;
}

/* m=audio 49170/2 RTP/AVP 0 8 101 */
static enum err
read_media(struct walk *w, struct str value)
{
	struct sdp_media *m;
	struct str word;
	enum err e;

	if (w->sdp->n_media == SDP_MEDIA_MAX)
		return ERR_LONG;
	m = w->media = &w->sdp->media[w->sdp->n_media++];
	memset(w->format_of, 0, sizeof(w->format_of));
	memset(m, 0, sizeof(*m));
	m->type_text = next_word(&value);
	m->type = find_media(m->type_text);
	word = next_word(&value);
	m->proto_text = next_word(&value);
	m->proto = find_proto(m->proto_text);
	m->formats_text = str_trim(value);
	m->direction = w->sdp->direction;
	m->text = STR_NULL;
	if (m->type_text.len == 0 || m->proto_text.len == 0 || m->formats_text.len == 0)
		return ERR_SYNTAX;
	e = read_port(m, word);
	for (word = next_word(&value); e == ERR_OK && word.len; word = next_word(&value))
		e = add_format(w, word, sdp_proto_is_rtp(m->proto));
	return e;
}

/* "96 ..." : the section's format of that payload type, NULL when the m-line has none such. */
static enum err
cut_format(struct walk *w, struct str *value, struct sdp_format **out)
{
	uint32_t pt;
	enum err e = str_u32(next_word(value), PT_MAX, &pt);

	if (e != ERR_OK)
		return e;
	*out = w->format_of[pt] ? &w->media->formats[w->format_of[pt] - 1] : NULL;
	return ERR_OK;
}

/* RFC 8866 9: what may be a name; also what may be written out again without a thought. */
static bool
is_token(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 0x7f)
			return false;
	return s.len > 0;
}

/* rtpmap:PT name/clock[/channels] (RFC 8866 6.6) */
static enum err
read_rtpmap(struct walk *w, struct str value)
{
	struct sdp_format *f = NULL;
	struct str name, clock, word;
	uint32_t hz, channels = 1;
	enum err e = cut_format(w, &value, &f);

	if (e != ERR_OK)
		return e;
	word = next_word(&value);
	if (str_trim(value).len)
		return ERR_SYNTAX;
	name = str_cut(&word, '/');
	clock = str_cut(&word, '/');
	if (!is_token(name))
		return ERR_SYNTAX;
	e = str_u32(clock, SDP_CLOCK_MAX, &hz);
	if (e == ERR_OK && word.len)
		e = str_u32(word, SDP_CHANNELS_MAX, &channels);
	if (e != ERR_OK)
		return e;
	if (hz == 0 || channels == 0)
		return ERR_RANGE;
	if (!f || f->codec.len)
		return ERR_OK;
	f->codec = name;
	f->clock = hz;
	f->channels = (uint8_t)channels;
	return ERR_OK;
}

static enum err
read_fmtp(struct walk *w, struct str value)
{
	struct sdp_format *f = NULL;
	enum err e = cut_format(w, &value, &f);

	if (e == ERR_OK && f && f->fmtp.len == 0)
		f->fmtp = str_trim(value);
	return e;
}

/* Milliseconds, perhaps with a fraction, which is dropped; never 0 (RFC 8866 6.4). */
static enum err
read_ptime(struct str value, uint16_t *out)
{
	struct str fraction = value, whole = str_cut(&fraction, '.');
	uint16_t ms;
	enum err e = read_u16(whole, SDP_PTIME_MAX, &ms);

	if (whole.len < value.len && fraction.len == 0)
		e = ERR_SYNTAX;
	for (size_t i = 0; e == ERR_OK && i < fraction.len; i++)
		if (!ascii_digit(fraction.p[i]))
			e = ERR_SYNTAX;
	if (e == ERR_OK && ms == 0)
		e = ERR_RANGE;
	if (e == ERR_OK)
		*out = ms;
	return e;
}

/* rtcp:port [IN IP4 address] (RFC 3605) */
static enum err
read_rtcp(struct sdp_media *m, struct str value)
{
	struct addr a = {0};
	uint16_t port;
	struct str type, host, net;
	enum err e = read_u16(next_word(&value), 65535, &port);

	net = next_word(&value);
	type = next_word(&value);
	host = next_word(&value);
	if (e == ERR_OK && (net.len || str_trim(value).len))
		e = str_trim(value).len ? ERR_SYNTAX : read_address(net, type, host, &a);
	if (e != ERR_OK)
		return e;
	if (port == 0)
		return ERR_OK; /* as in a section with port 0: nothing said */
	a.port = port;
	m->rtcp = a;
	return ERR_OK;
}

static bool
find_direction(struct str name, enum sdp_direction *out)
{
	for (size_t i = 0; i < ARRAY_LEN(direction_names); i++) {
		if (str_eqz(name, direction_names[i])) {
			*out = (enum sdp_direction)i;
			return true;
		}
	}
	return false;
}

static enum err
read_media_attr(struct walk *w, struct str name, struct str value)
{
	struct sdp_media *m = w->media;
	bool rtp = sdp_proto_is_rtp(m->proto);

	if (str_eqz(name, "crypto")) {
		if (m->n_crypto == SDP_CRYPTO_MAX)
			return ERR_LONG;
		m->crypto[m->n_crypto++] = value;
		return ERR_OK;
	}
	if (!rtp)
		return ERR_OK;
	if (str_eqz(name, "rtpmap"))
		return read_rtpmap(w, value);
	if (str_eqz(name, "fmtp"))
		return read_fmtp(w, value);
	if (str_eqz(name, "ptime"))
		return read_ptime(str_trim(value), &m->ptime);
	if (str_eqz(name, "maxptime"))
		return read_ptime(str_trim(value), &m->maxptime);
	if (str_eqz(name, "rtcp"))
		return read_rtcp(m, value);
	if (str_eqz(name, "rtcp-mux"))
		m->rtcp_mux = true;
	return ERR_OK;
}

static enum err
read_attr(struct walk *w, struct str value)
{
	struct str name = str_cut(&value, ':');
	enum sdp_direction d;

	if (find_direction(str_trim(name), &d)) {
		if (w->media)
			w->media->direction = d;
		else
			w->sdp->direction = d;
		return ERR_OK;
	}
	return w->media ? read_media_attr(w, name, value) : ERR_OK;
}

static enum err
read_line(struct walk *w, char type, struct str value)
{
	struct sdp *s = w->sdp;

	switch (type) {
	case 'm':
		return read_media(w, value);
	case 'a':
		return read_attr(w, value);
	case 'c': {
		struct sdp_conn *c = w->media ? &w->media->conn : &s->conn;

		return c->present ? ERR_OK : read_conn(value, c);
	}
	case 'o':
		if (w->media || w->has_origin)
			return ERR_SYNTAX;
		w->has_origin = true;
		return read_origin(s, value);
	case 'v':
		return ERR_SYNTAX; /* a second one */
	case 's':
		if (!w->media)
			s->name = value;
		return ERR_OK;
	case 't':
		if (!w->media && s->time.len == 0)
			s->time = value;
		return ERR_OK;
	default:
		return ERR_OK;
	}
}

/* RFC 8866 9: no NUL; CR only before LF. What a line holds can then be written out again (P6). */
static enum err
check_bytes(struct str body)
{
	if (str_chr(body, '\0') != body.len)
		return ERR_SYNTAX;
	for (size_t at = 0; at < body.len; at++) {
		size_t cr = at + str_chr(str_from_at(body, at), '\r');

		if (cr + 1 < body.len && body.p[cr + 1] != '\n')
			return ERR_SYNTAX;
		at = cr;
	}
	return ERR_OK;
}

/* Sections inherit c=; each m-line in use needs an address. */
static enum err
finish_media(struct sdp *s)
{
	for (unsigned i = 0; i < s->n_media; i++) {
		struct sdp_media *m = &s->media[i];

		if (!m->conn.present)
			m->conn = s->conn;
		if (!m->conn.present && m->port)
			return ERR_SYNTAX;
	}
	return ERR_OK;
}

static enum err
walk_lines(struct walk *w)
{
	struct str line;

	while (next_line(&w->rest, &line)) {
		struct str *text = w->media ? &w->media->text : &w->sdp->text;
		enum err e;

		if (++w->n_lines > SDP_LINES_MAX || line.len > SDP_LINE_MAX)
			return ERR_LONG;
		if (line.len == 0)
			continue;
		if (line.len < LINES_HEAD || !ascii_alpha(line.p[0]) || line.p[1] != '=')
			return ERR_SYNTAX;
		e = read_line(w, line.p[0], str_from_at(line, LINES_HEAD));
		if (e != ERR_OK)
			return e;
		if (line.p[0] == 'm')
			continue;
		/* the section's text reaches up to the end of its last line */
		if (!text->p)
			text->p = line.p;
		text->len = (size_t)(line.p + line.len - text->p);
	}
	return w->has_origin ? ERR_OK : ERR_SYNTAX;
}

enum err
sdp_parse(struct str body, struct sdp *out)
{
	struct walk w = {.rest = body, .sdp = out};
	struct str first = STR_NULL;
	enum err e;

	out->n_media = 0;
	out->origin = out->origin_user = out->origin_addr = STR_NULL;
	out->name = out->time = out->text = STR_NULL;
	out->session_id = out->session_version = 0;
	out->conn = (struct sdp_conn){0};
	out->direction = SDP_SENDRECV;
	if (body.len > SDP_BODY_MAX)
		return ERR_LONG;
	e = check_bytes(body);
	if (e != ERR_OK)
		return e;
	if (!next_line(&w.rest, &first) || !str_eqz(str_trim(first), "v=0"))
		return ERR_SYNTAX;
	e = walk_lines(&w);
	return e == ERR_OK ? finish_media(out) : e;
}

bool
sdp_next_line(struct str *rest, char *type, struct str *value)
{
	struct str line;

	while (next_line(rest, &line)) {
		if (line.len < LINES_HEAD || line.p[1] != '=')
			continue;
		*type = line.p[0];
		*value = str_from_at(line, LINES_HEAD);
		return true;
	}
	return false;
}

bool
sdp_next_attr(struct str *rest, struct str *name, struct str *value)
{
	char type;

	while (sdp_next_line(rest, &type, value)) {
		if (type != 'a')
			continue;
		*name = str_cut(value, ':');
		return true;
	}
	return false;
}

enum err
sdp_find_attr(struct str text, const char *name, struct str *value)
{
	struct str n, v;

	while (sdp_next_attr(&text, &n, &v)) {
		if (str_eqz(n, name)) {
			*value = v;
			return ERR_OK;
		}
	}
	return ERR_NOTFOUND;
}

bool
sdp_is_clean(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((uint8_t)s.p[i] < ' ' || s.p[i] == 0x7f)
			return false;
	return s.len > 0;
}
