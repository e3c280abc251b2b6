#include "sdp/codec.h"

#include <string.h>

enum { PT_LOW = 35, PT_LOW_LAST = 63, TWIN_BITS = SDP_CODEC_TWINS - 1 };

/* Names of payload types that need no rtpmap (RFC 3551 6). */
static const struct {
	const char *name;
	uint32_t clock;
	uint8_t pt;
} static_codecs[] = {
	{"PCMU", 8000, 0}, {"GSM", 8000, 3},   {"G723", 8000, 4},  {"DVI4", 8000, 5},
	{"LPC", 8000, 7},  {"PCMA", 8000, 8},  {"G722", 8000, 9},  {"QCELP", 8000, 12},
	{"CN", 8000, 13},  {"G728", 8000, 15}, {"G729", 8000, 18},
};

static const char *const names[] = {
#define X(name) name,
	SDP_CODEC_LIST(X)
#undef X
};

bool
sdp_codec_of(const struct sdp_format *f, struct sdp_codec *c)
{
	if (f->pt == SDP_PT_NONE)
		return false;
	if (f->codec.len) {
		*c = (struct sdp_codec){f->codec, f->clock, f->channels};
		return true;
	}
	for (size_t i = 0; i < ARRAY_LEN(static_codecs); i++) {
		if (static_codecs[i].pt == f->pt) {
			*c = (struct sdp_codec){str_from(static_codecs[i].name),
						static_codecs[i].clock, 1};
			return true;
		}
	}
	return false;
}

/* FNV-1a */
uint32_t
sdp_codec_number(const struct sdp_codec *c)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < c->name.len; i++)
		h = (h ^ (uint8_t)ascii_lower(c->name.p[i])) * 16777619u;
	h = (h ^ c->clock) * 16777619u;
	h = (h ^ c->channels) * 16777619u;
	return h & ~(uint32_t)TWIN_BITS;
}

bool
sdp_codec_same(uint32_t a, uint32_t b)
{
	return (a | TWIN_BITS) == (b | TWIN_BITS);
}

uint32_t
sdp_codec_event(void)
{
	return sdp_codec_number(&(struct sdp_codec){STR("telephone-event"), 8000, 1});
}

bool
sdp_codec_is_event(const struct sdp_codec *c)
{
	return str_ieqz(c->name, "telephone-event");
}

bool
sdp_codec_is_red(const struct sdp_codec *c)
{
	return str_ieqz(c->name, "red");
}

bool
sdp_codec_is_side(const struct sdp_codec *c)
{
	return sdp_codec_is_event(c) || str_ieqz(c->name, "CN") || sdp_codec_is_red(c);
}

enum err
sdp_codecs_parse(struct str list, struct sdp_codecs *out)
{
	struct sdp_codecs c = {0};

	while (list.len) {
		struct str name = str_trim(str_cut(&list, ','));
		uint8_t v = 0;

		while (v < ARRAY_LEN(names) && !str_ieqz(name, names[v]))
			v++;
		if (v == ARRAY_LEN(names))
			return ERR_NOTFOUND;
		if (memchr(c.v, v, c.n))
			return ERR_EXISTS;
		if (c.n == SDP_CODECS_MAX)
			return ERR_LONG;
		c.v[c.n++] = v;
	}
	*out = c;
	return ERR_OK;
}

unsigned
sdp_codecs_rank(const struct sdp_codecs *c, struct str name)
{
	for (unsigned i = 0; i < c->n; i++)
		if (str_ieqz(name, names[c->v[i]]))
			return i;
	return c->n;
}

bool
sdp_codecs_has_at(const struct sdp_codecs *ranks, unsigned rank, const struct sdp_codec *c)
{
	return sdp_codecs_rank(ranks, c->name) == rank &&
	       (rank < ranks->n || ranks->n == 0 || sdp_codec_is_side(c));
}

bool
sdp_codec_line(char type, struct str value)
{
	static const char *const about[] = {"rtpmap",    "fmtp",      "rtcp-fb", "framerate",
					    "framesize", "imageattr", "content", "quality"};
	struct str name = str_sub(value, 0, str_chr(value, ':'));

	for (size_t i = 0; type == 'a' && i < ARRAY_LEN(about); i++)
		if (str_eqz(name, about[i]))
			return true;
	return type == 'b';
}

void
sdp_numbers_learn(struct sdp_numbers *n, uint32_t codec, uint8_t pt)
{
	unsigned i = 0;

	if (pt < SDP_PT_DYNAMIC)
		return;
	for (unsigned k = 0; k < n->n; k++) /* the number means something else from now on */
		if (n->pt[k] == pt && n->codec[k] != codec) {
			n->n--;
			n->pt[k] = n->pt[n->n];
			n->codec[k] = n->codec[n->n];
			break;
		}
	while (i < n->n && n->codec[i] != codec)
		i++;
	if (i == SDP_NUMBERS_MAX)
		return;
	if (i == n->n)
		n->n++;
	n->codec[i] = codec;
	n->pt[i] = pt;
}

static bool
is_taken(const struct sdp_list *l, const struct sdp_numbers *n, uint8_t pt)
{
	return memchr(l->pt, pt, l->n) || memchr(n->pt, pt, n->n);
}

/* A number that neither the list nor the leg has for another codec; SDP_PT_NONE: there is none. */
static uint8_t
free_number(const struct sdp_list *l, const struct sdp_numbers *n, uint8_t wanted)
{
	if (!is_taken(l, n, wanted))
		return wanted;
	for (unsigned pt = SDP_PT_DYNAMIC; pt <= SDP_PT_LAST; pt++)
		if (!is_taken(l, n, (uint8_t)pt))
			return (uint8_t)pt;
	for (unsigned pt = PT_LOW; pt <= PT_LOW_LAST; pt++)
		if (!is_taken(l, n, (uint8_t)pt))
			return (uint8_t)pt;
	return SDP_PT_NONE;
}

bool
sdp_list_add(struct sdp_list *l, struct sdp_numbers *n, uint32_t codec, uint8_t pt)
{
	uint8_t to = pt;

	if (pt >= SDP_PT_DYNAMIC) {
		const uint32_t *known = NULL;

		for (unsigned i = 0; i < n->n && !known; i++)
			known = n->codec[i] == codec ? &n->codec[i] : NULL;
		to = known ? n->pt[known - n->codec] : free_number(l, n, pt);
	}
	if (to == SDP_PT_NONE || l->n == SDP_FORMATS_MAX || memchr(l->pt, to, l->n))
		return false;
	sdp_numbers_learn(n, codec, to);
	l->pt[l->n] = to;
	l->from[l->n] = pt;
	l->codec[l->n++] = codec;
	return true;
}
