#include "sdp/others.h"

static bool
is_kind(unsigned type)
{
	return type != SDP_AUDIO && type != SDP_VIDEO;
}

bool
sdp_others_is(const struct sdp *s, unsigned i, unsigned relayed)
{
	return is_kind(s->media[i].type) && i != relayed;
}

/* k=, a=crypto and a=key-mgmt (RFC 4567) bring keys. */
static bool
has_keys(const struct sdp_media *m)
{
	struct str rest = m->text, value;
	char type;

	while (sdp_next_line(&rest, &type, &value))
		if (type == 'k' || (type == 'a' && (str_starts(value, STR("crypto")) ||
						    str_starts(value, STR("key-mgmt")))))
			return true;
	return m->n_crypto > 0;
}

bool
sdp_others_fit(const struct sdp_media *m)
{
	return m->port && sdp_is_clean(m->type_text) && sdp_is_clean(m->proto_text) &&
	       sdp_is_clean(m->formats_text) && !has_keys(m);
}

/* How many lines of its type stand before line i. */
static unsigned
place_in(const struct sdp *s, unsigned i, unsigned relayed)
{
	unsigned n = 0;

	for (unsigned k = 0; k < i; k++)
		n += sdp_others_is(s, k, relayed) && s->media[k].type == s->media[i].type;
	return n;
}

static unsigned
place_in_layout(const struct sdp_layout *lay, unsigned type, unsigned i)
{
	unsigned n = 0;

	for (unsigned k = 0; k < i; k++)
		n += lay->type[k] == type && k != lay->audio;
	return n;
}

/* The line of this type at this place; NULL. */
static const struct sdp_media *
at_place(const struct sdp *s, unsigned relayed, unsigned type, unsigned place)
{
	for (unsigned i = 0; i < s->n_media; i++)
		if (sdp_others_is(s, i, relayed) && s->media[i].type == type &&
		    place_in(s, i, relayed) == place)
			return &s->media[i];
	return NULL;
}

void
sdp_others_plan(const struct sdp *s, unsigned relayed, struct sdp_layout *lay)
{
	for (unsigned i = 0; i < s->n_media; i++) {
		unsigned type = s->media[i].type, place = place_in(s, i, relayed);

		if (!sdp_others_is(s, i, relayed) || !sdp_others_fit(&s->media[i]))
			continue;
		while (lay->n < SDP_MEDIA_MAX && place_in_layout(lay, type, lay->n) <= place)
			lay->type[lay->n++] = (uint8_t)type;
	}
}

/* Does m answer what was asked (RFC 3264 6): both in use, by the same protocol? */
static bool
answers(const struct sdp_media *m, const struct sdp_media *asked)
{
	return sdp_others_fit(asked) && sdp_others_fit(m) &&
	       str_ieq(m->type_text, asked->type_text) && str_ieq(m->proto_text, asked->proto_text);
}

const struct sdp_media *
sdp_others_for(const struct sdp *s, unsigned relayed, const struct sdp_layout *lay, unsigned i,
	       const struct sdp_media *asked)
{
	unsigned type = lay->type[i];
	const struct sdp_media *m;

	if (!is_kind(type) || i == lay->audio)
		return NULL;
	m = at_place(s, relayed, type, place_in_layout(lay, type, i));
	return m && answers(m, asked ? asked : m) ? m : NULL;
}

unsigned
sdp_others_taken(const struct sdp *offer, unsigned offered, const struct sdp *answer,
		 unsigned answered)
{
	unsigned kinds = 0;

	for (unsigned i = 0; i < offer->n_media; i++) {
		const struct sdp_media *m = &offer->media[i], *of = NULL;

		if (!sdp_others_is(offer, i, offered) || !sdp_others_fit(m))
			continue;
		if (answer)
			of = at_place(answer, answered, m->type, place_in(offer, i, offered));
		if (!answer || (of && answers(of, m)))
			kinds |= 1u << m->type;
	}
	return kinds;
}

/* The c= line of a section's text, or of the session's. */
static bool
find_conn(struct str text, struct str *out)
{
	char type;

	while (sdp_next_line(&text, &type, out))
		if (type == 'c')
			return true;
	return false;
}

/* All lines of this type of a section that are text. */
static void
put_lines(struct buf *b, struct str text, char wanted)
{
	struct str value;
	char type;

	while (sdp_next_line(&text, &type, &value)) {
		if (type != wanted || !sdp_is_clean(value))
			continue;
		buf_printf(b, "%c=", type);
		buf_str(b, value);
		buf_z(b, "\r\n");
	}
}

void
sdp_others_put(struct buf *b, const struct sdp *s, const struct sdp_media *m)
{
	struct str conn = STR_NULL;

	buf_printf(b, "m=%.*s %u", STR_ARG(m->type_text), m->port);
	if (m->port_count > 1)
		buf_printf(b, "/%u", m->port_count);
	buf_char(b, ' ');
	buf_str(b, m->proto_text);
	buf_char(b, ' ');
	buf_str(b, m->formats_text);
	buf_z(b, "\r\n");
	put_lines(b, m->text, 'i'); /* in the order of RFC 8866 5 */
	if (find_conn(m->text, &conn) || find_conn(s->text, &conn)) {
		buf_z(b, "c=");
		buf_str(b, str_trim(conn));
		buf_z(b, "\r\n");
	}
	put_lines(b, m->text, 'b');
	put_lines(b, m->text, 'a');
}
