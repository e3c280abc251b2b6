#include "sip/frame.h"

#include "base/guard.h"

#include <string.h>

static void
start_message(struct sip_frame *f)
{
	f->scan = f->line = f->total = 0;
	f->content_length = SIP_LENGTH_NONE;
	f->lines = 0;
	f->in_length = false;
}

void
sip_frame_init(struct sip_frame *f, void *mem, size_t cap)
{
	*f = (struct sip_frame){.p = mem, .cap = cap};
	start_message(f);
}

char *
sip_frame_room(struct sip_frame *f, size_t *room)
{
	if (f->begin) {
		memmove(f->p, f->p + f->begin, f->end - f->begin);
		f->end -= f->begin;
		f->begin = 0;
	}
	*room = f->cap - f->end;
	return f->p + f->end;
}

void
sip_frame_fed(struct sip_frame *f, size_t n)
{
	f->end += n;
}

size_t
sip_frame_feed(struct sip_frame *f, struct str bytes)
{
	size_t room;
	char *at = sip_frame_room(f, &room);
	size_t n = bytes.len < room ? bytes.len : room;

	if (n)
		memcpy(at, bytes.p, n);
	sip_frame_fed(f, n);
	return n;
}

size_t
sip_frame_pending(const struct sip_frame *f)
{
	return f->end - f->begin;
}

enum err
sip_frame_move(struct sip_frame *f, void *mem, size_t cap)
{
	size_t n = sip_frame_pending(f);

	if (n > cap)
		return ERR_LONG;
	if (n)
		memmove(mem, f->p + f->begin, n);
	f->p = mem;
	f->cap = cap;
	f->begin = 0;
	f->end = n;
	return ERR_OK;
}

struct str
sip_frame_rest(const struct sip_frame *f)
{
	return str_of(f->p + f->begin, f->end - f->begin);
}

/* CRLF between messages. False: a message starts here, or more bytes are needed. */
static bool
take_crlf(struct sip_frame *f, enum sip_frame_event *ev)
{
	struct str s = sip_frame_rest(f);

	if (s.len < 2 || s.p[0] != '\r')
		return false;
	if (s.p[1] != '\n') {
		f->failed = ERR_SYNTAX;
		return false;
	}
	f->begin += 2;
	*ev = f->half_ping ? SIP_FRAME_PING : SIP_FRAME_CRLF;
	f->half_ping = !f->half_ping;
	return true;
}

/* One complete line of the head without its CRLF: only Content-Length is of interest here; all
 * else is judged by sip_msg_parse, which reads names and lengths with the same functions. */
static enum err
look_at_line(struct sip_frame *f, struct str line)
{
	size_t colon, n;

	if (line.p[0] == ' ' || line.p[0] == '\t')
		return GUARD(P4, !f->in_length) ? ERR_OK : ERR_SYNTAX;
	f->in_length = false;
	if (++f->lines > SIP_HDR_MAX + 1)
		return ERR_FULL;
	if (f->lines == 1 || !strchr("CcLl", line.p[0]))
		return ERR_OK;
	n = sip_name_len(line, &colon);
	if (n == 0 || sip_hdr_id_of(sip_head(line, n)) != SIP_H_CONTENT_LENGTH)
		return ERR_OK;
	f->in_length = true;
	if (!GUARD(P4, f->content_length == SIP_LENGTH_NONE))
		return ERR_EXISTS;
	return sip_length_parse(sip_trim(str_from_at(line, colon + 1)), &f->content_length);
}

static enum err
end_head(struct sip_frame *f)
{
	if (f->lines == 0)
		return ERR_SYNTAX;
	if (f->content_length == SIP_LENGTH_NONE)
		return ERR_NOTFOUND; /* RFC 3261 18.3: mandatory on streams */
	f->total = f->scan + (size_t)f->content_length;
	return f->total > SIP_MSG_MAX ? ERR_LONG : ERR_OK;
}

/* Look at new lines, each byte once. SHORT while the head is not complete. */
static enum err
scan_head(struct sip_frame *f)
{
	struct str s = sip_frame_rest(f);
	enum err e = ERR_OK;

	if (s.len && !sip_is(s.p[0], SIP_C_TOKEN))
		return ERR_SYNTAX; /* neither method nor "SIP/2.0": not SIP at all */
	while (f->total == 0 && e == ERR_OK) {
		size_t end = f->scan + str_chr(sip_skip(s, f->scan), '\n');
		struct str line = str_of(s.p + f->line, end - f->line);

		f->scan = end;
		if (line.len > SIP_LINE_MAX || end >= SIP_MSG_MAX)
			return ERR_LONG;
		if (end == s.len)
			return ERR_SHORT;
		if (line.len == 0 || line.p[line.len - 1] != '\r')
			return ERR_SYNTAX;
		f->scan = f->line = end + 1;
		line.len--;
		e = line.len == 0 ? end_head(f) : look_at_line(f, line);
	}
	return e;
}

enum err
sip_frame_next(struct sip_frame *f, enum sip_frame_event *ev, struct str *msg)
{
	bool between = f->scan == 0 && f->total == 0;
	enum err e;

	if (f->failed == ERR_OK && between && take_crlf(f, ev))
		return ERR_OK;
	if (f->failed != ERR_OK)
		return f->failed;
	*ev = SIP_FRAME_MORE;
	if (sip_frame_pending(f) == 0 || (between && f->p[f->begin] == '\r'))
		return ERR_OK;
	f->half_ping = false;
	e = scan_head(f);
	if (e == ERR_SHORT || (e == ERR_OK && sip_frame_pending(f) < f->total))
		return ERR_OK;
	if (e != ERR_OK) {
		f->failed = e;
		return e;
	}
	*msg = str_of(f->p + f->begin, f->total);
	*ev = SIP_FRAME_MESSAGE;
	f->begin += f->total;
	start_message(f);
	return ERR_OK;
}
