#include "sdp/stream.h"

#include <string.h>

#include "base/guard.h"
#include "base/hash.h"
#include "base/secret.h"

enum { PORT_LAST = 65535 };

static const struct sdp_codecs all_codecs;

static enum err
refuse(struct sdp_refusal *why, const char *text)
{
	why->status = SDP_STATUS_REFUSED;
	why->fault = SDP_FAULT_MEDIA;
	why->text = text;
	return ERR_REFUSED;
}

static enum err
refuse_keys(struct sdp_refusal *why, const char *text)
{
	enum err e = refuse(why, text);

	why->fault = SDP_FAULT_KEYS;
	return e;
}

static enum err
refuse_fax(struct sdp_refusal *why)
{
	enum err e = refuse(why, "T.38 is not encrypted; send the fax as G.711");

	why->fault = SDP_FAULT_FAX;
	return e;
}

/* Its number among the n before it: twins are told apart by their order. */
static uint32_t
number_twin(uint32_t number, const uint32_t *before, unsigned n)
{
	uint32_t twins = 0;

	for (unsigned i = 0; i < n; i++)
		twins += sdp_codec_same(before[i], number);
	return number + (twins < SDP_CODEC_TWINS ? twins : SDP_CODEC_TWINS - 1);
}

/* What of our list this format of an answer is: by its number, or it was numbered anew (RFC 3264
 * 6.1). False: it was not asked. */
static bool
find_asked(const struct sdp_list *asked, uint8_t pt, uint32_t *number)
{
	for (unsigned i = 0; i < asked->n; i++)
		if (asked->pt[i] == pt &&
		    (pt < SDP_PT_DYNAMIC || sdp_codec_same(asked->codec[i], *number))) {
			*number = asked->codec[i];
			return true;
		}
	for (unsigned i = 0; i < asked->n && pt >= SDP_PT_DYNAMIC; i++)
		if (sdp_codec_same(asked->codec[i], *number)) {
			*number = asked->codec[i];
			return true;
		}
	return false;
}

/* Events of the codec's own clock before those of another one (RFC 4733 2.1). */
static void
pick_event(const struct sdp_media *m, struct sdp_stream *st)
{
	struct sdp_codec c;

	st->telephone_event_pt = SDP_PT_NONE;
	for (unsigned i = 0; i < m->n_formats; i++) {
		if (!sdp_codec_of(&m->formats[i], &c) || !sdp_codec_is_event(&c) ||
		    !memchr(st->pts, m->formats[i].pt, st->n_pts))
			continue;
		if (st->telephone_event_pt == SDP_PT_NONE)
			st->telephone_event_pt = m->formats[i].pt;
		if (c.clock == st->clock) {
			st->telephone_event_pt = m->formats[i].pt;
			return;
		}
	}
}

static void
take_codec(struct sdp_stream *st, const struct sdp_codec *c, uint8_t pt, uint32_t number)
{
	st->pts[st->n_pts] = pt;
	st->codecs[st->n_pts++] = number;
	if (st->codec[0] || sdp_codec_is_side(c) ||
	    str_copyz(st->codec, sizeof(st->codec), c->name) != ERR_OK)
		return;
	st->codec_pt = pt;
	st->clock = c->clock;
}

/* The usable formats of this rank among what the leg takes (ranks->n: all others). */
static void
read_rank(const struct sdp_media *m, const struct sdp_codecs *ranks, unsigned rank,
	  const struct sdp_list *asked, struct sdp_stream *st)
{
	for (unsigned i = 0; i < m->n_formats; i++) {
		uint8_t pt = m->formats[i].pt;
		struct sdp_codec c;
		uint32_t number;

		if (!sdp_codec_of(&m->formats[i], &c) || c.name.len >= sizeof(st->codec))
			continue;
		if (!sdp_codecs_has_at(ranks, rank, &c))
			continue;
		number = sdp_codec_number(&c);
		if (asked ? find_asked(asked, pt, &number) : true)
			take_codec(st, &c, pt,
				   asked ? number : number_twin(number, st->codecs, st->n_pts));
	}
}

/* The usable formats, in the order of the leg's list where it has one; asked: only those that
 * answer it, NULL: all. False when there is no codec. */
static bool
read_codecs(const struct sdp_media *m, const struct sdp_codecs *ranks, const struct sdp_list *asked,
	    struct sdp_stream *st)
{
	for (unsigned rank = 0; rank <= ranks->n; rank++)
		read_rank(m, ranks, rank, asked, st);
	pick_event(m, st);
	return st->codec[0];
}

/* Video: its formats cross as they are; the first one's name and clock are for people and RTCP. */
static bool
read_formats(const struct sdp_media *m, struct sdp_stream *st)
{
	const struct sdp_format *f = &m->formats[0];

	for (unsigned i = 0; i < m->n_formats; i++) {
		if (m->formats[i].pt == SDP_PT_NONE)
			return false;
		st->pts[st->n_pts++] = m->formats[i].pt;
	}
	st->codec_pt = f->pt;
	st->clock = f->clock ? f->clock : SDP_VIDEO_CLOCK;
	(void)!str_copyz(st->codec, sizeof(st->codec), f->codec);
	return st->n_pts > 0;
}

/* Where packets go, and hold in its spellings (RFC 3264 8.4, RFC 2543's c=0.0.0.0). */
static enum err
read_target(const struct sdp_media *m, bool lenient, struct sdp_stream *st, struct sdp_refusal *why)
{
	if (m->port_count != 1)
		return refuse(why, "several ports in one m-line");
	if (m->conn.multicast || addr_is_multicast(&m->conn.addr) || addr_is_multicast(&m->rtcp))
		return refuse(why, "multicast address in c= or a=rtcp");
	if (m->conn.addr.family == 0 && !lenient)
		return refuse(why, "host name in c=, an address is wanted");
	st->direction = m->direction;
	if (m->conn.addr.family == 0) {
		; /* where it is will be learned */
	} else if (addr_is_any(&m->conn.addr)) {
		st->direction = (enum sdp_direction)(st->direction & SDP_SENDONLY);
	} else {
		st->rtp = m->conn.addr;
		st->rtp.port = m->port;
		st->rtcp = m->rtcp.family ? m->rtcp : m->conn.addr;
		st->rtcp.port = m->rtcp.port ? m->rtcp.port : (uint16_t)(m->port + 1);
		if (m->rtcp.port == 0 && m->port == PORT_LAST)
			st->rtcp = (struct addr){0};
		if (addr_is_any(&st->rtcp))
			st->rtcp = (struct addr){0};
	}
	st->rtcp_mux = m->rtcp_mux;
	st->hold = !(st->direction & SDP_RECVONLY);
	return ERR_OK;
}

/* The transport that the leg demands, and no other (M9). */
static enum err
check_proto(const struct sdp_media *m, const struct sdp_policy *p, struct sdp_refusal *why)
{
	bool dtls = sdp_proto_is_dtls(m->proto);
	bool encrypted = sdp_proto_is_sdes(m->proto) ||
			 (p->osrtp && sdp_proto_is_clear(m->proto) && m->n_crypto);

	if (p->secure && p->dtls)
		return GUARD(M9, dtls)
			       ? ERR_OK
			       : refuse_keys(why, "UDP/TLS/RTP/SAVP (DTLS-SRTP) is demanded");
	if (dtls)
		return refuse_keys(why, "DTLS-SRTP is not taken on this trunk, a=crypto is");
	if (!sdp_proto_is_rtp(m->proto))
		return refuse(why, "audio or video that is not RTP");
	if (p->secure && !GUARD(M9, encrypted))
		return refuse_keys(
			why, m->n_crypto ? "a=crypto under RTP/AVP, RTP/SAVP is demanded"
					 : "RTP/AVP without encryption, RTP/SAVP is demanded");
	if (!p->secure && !sdp_proto_is_clear(m->proto))
		return refuse_keys(why, "RTP/SAVP on a trunk without encryption");
	return ERR_OK;
}

/* Two lines of one tag: the answer could not say which one it means. */
static bool
has_double_tag(const struct sdp_media *m)
{
	uint32_t tags[SDP_CRYPTO_MAX];
	struct str suite;
	unsigned n = 0;

	for (unsigned i = 0; i < m->n_crypto; i++) {
		if (sdp_crypto_tag(m->crypto[i], &tags[n], &suite) != ERR_OK)
			continue;
		for (unsigned k = 0; k < n; k++)
			if (tags[k] == tags[n])
				return true;
		n++;
	}
	return false;
}

static const char *
crypto_fault(enum err e)
{
	if (e == ERR_REFUSED)
		return "a=crypto that takes encryption or authentication away";
	if (e == ERR_UNSUPPORTED)
		return "no a=crypto with a suite and parameters that are taken here";
	if (e == ERR_RANGE)
		return "a=crypto with a key of the wrong length or a number out of range";
	return "a=crypto that is not well formed";
}

/* Parse one line and hold it against the policy. */
static enum err
read_line(struct str line, const struct sdp_policy *p, struct sdp_crypto *c)
{
	enum err e = sdp_crypto_parse(line, c);

	if (e != ERR_OK)
		return e;
	if (sdp_suites_rank(&p->suites, c->suite) < p->suites.n && c->n_keys == 1 && !c->has_kdr)
		return ERR_OK;
	sdp_crypto_wipe(c);
	return ERR_UNSUPPORTED;
}

static void
take_crypto(struct sdp_stream *st, const struct sdp_crypto *c)
{
	st->tag = c->tag;
	st->suite = c->suite;
	st->spelling = c->spelling;
	st->key = c->keys[0];
}

/* Lower is better: the order of the policy, then rather without an MKI. */
static unsigned
place_of(const struct sdp_policy *p, enum sdp_suite suite, const struct sdp_key *k)
{
	return 2 * sdp_suites_rank(&p->suites, suite) + (k->mki_len > 0);
}

/* RFC 4568 5.1.2, 5.1.3: of the lines that can be taken, the one that stands first in our order. */
static enum err
choose_crypto(const struct sdp_media *m, const struct sdp_policy *p, struct sdp_stream *st,
	      struct sdp_refusal *why)
{
	const char *fault = "RTP/SAVP without a=crypto";
	bool suites = false;

	if (!GUARD(M9, !has_double_tag(m)))
		return refuse_keys(why, "two a=crypto lines with the same tag");
	for (unsigned i = 0; i < m->n_crypto; i++) {
		struct sdp_crypto c;
		enum err e = read_line(m->crypto[i], p, &c);

		if (e != ERR_OK) {
			fault = crypto_fault(e);
			suites = e == ERR_UNSUPPORTED;
			continue;
		}
		if (place_of(p, c.suite, &c.keys[0]) < place_of(p, st->suite, &st->key))
			take_crypto(st, &c);
		sdp_crypto_wipe(&c);
	}
	if (st->suite != SDP_SUITE_NONE)
		return ERR_OK;
	(void)!refuse_keys(why, fault);
	if (suites)
		why->fault = SDP_FAULT_SUITES;
	return ERR_REFUSED;
}

/* Why there is no codec to talk with. */
static const char *
no_codec(const struct sdp_media *m)
{
	unsigned known = 0, codecs = 0;

	for (unsigned i = 0; i < m->n_formats; i++) {
		struct sdp_codec c;

		if (!sdp_codec_of(&m->formats[i], &c))
			continue;
		known++;
		codecs += !sdp_codec_is_side(&c);
	}
	return codecs  ? "no codec that the trunk takes"
	       : known ? "only events, comfort noise or redundancy, no codec to talk with"
		       : "a payload type that RFC 3551 does not define needs an a=rtpmap";
}

static uint64_t
hash_words(struct str text)
{
	uint64_t key[2] = {0}; /* of what stands before */
	struct str value;
	char type;

	while (sdp_next_line(&text, &type, &value))
		if (sdp_codec_line(type, value))
			key[0] = hash_siphash(key, value.p, value.len);
	return key[0];
}

/* Can this m-line of an offer be relayed? Fills *st; it may hold a key on failure too. */
static enum err
read_stream(const struct sdp_media *m, const struct sdp_policy *p, struct sdp_stream *st,
	    struct sdp_refusal *why)
{
	enum err e = check_proto(m, p, why);

	if (e == ERR_OK)
		e = read_target(m, p->lenient, st, why);
	if (e == ERR_OK && m->type == SDP_VIDEO && !read_formats(m, st))
		e = refuse(why, "video without a format of RTP");
	if (e == ERR_OK && m->type != SDP_VIDEO && !read_codecs(m, &p->codecs, NULL, st))
		e = refuse(why, no_codec(m));
	if (e == ERR_OK && p->secure && !p->dtls)
		e = choose_crypto(m, p, st, why);
	st->words = hash_words(m->text);
	st->proto = m->proto;
	st->ptime = m->ptime ? m->ptime : SDP_PTIME_DEFAULT;
	return e;
}

/* Who the far end is in the handshake (RFC 5763 5). */
static enum err
read_dtls(const struct sdp *s, const struct sdp_media *m, bool answer, struct sdp_stream *st,
	  struct sdp_refusal *why)
{
	const char *fault = "";

	return sdp_dtls_read(s, m, answer, &st->dtls, &fault) ? ERR_OK : refuse_keys(why, fault);
}

/* With ICE an address of 0.0.0.0 is no hold: its candidates are not known yet (RFC 8840 4.1.1). */
static void
read_ice(const struct sdp *s, const struct sdp_media *m, const struct sdp_policy *p,
	 struct sdp_stream *st)
{
	if (!p->ice)
		return;
	sdp_ice_read(s, m, &st->ice);
	if (!st->ice.on || !addr_is_any(&m->conn.addr))
		return;
	st->direction = m->direction;
	st->hold = !(st->direction & SDP_RECVONLY);
}

static void
clear_stream(struct sdp_stream *st, unsigned index)
{
	memset(st, 0, sizeof(*st));
	st->index = (uint8_t)index;
	st->telephone_event_pt = SDP_PT_NONE;
	st->codec_pt = SDP_PT_NONE;
}

/* A stream that is switched off by port 0. */
static void
disable_stream(struct sdp_stream *st, const struct sdp_media *m, unsigned index)
{
	clear_stream(st, index);
	st->proto = m->proto;
	st->disabled = true;
	st->hold = true;
	st->ptime = SDP_PTIME_DEFAULT;
	(void)read_codecs(m, &all_codecs, NULL,
			  st); /* for the other leg, which stays on, inactive */
}

/* The k-th m-line to look at: the one that is relayed so far (SDP_MEDIA_MAX: none) before the
 * others.
 */
static unsigned
nth_media(unsigned relayed, unsigned k)
{
	if (relayed >= SDP_MEDIA_MAX)
		return k;
	if (k == 0)
		return relayed;
	return k <= relayed ? k - 1 : k;
}

static unsigned
relayed_line(const struct sdp_layout *lay, enum sdp_media_type type)
{
	if (!lay || lay->n == 0 || (type == SDP_VIDEO && lay->video == 0))
		return SDP_MEDIA_MAX;
	return type == SDP_VIDEO ? lay->video - 1u : lay->audio;
}

/* T.38 over UDPTL (RFC 3362). */
static bool
is_fax(const struct sdp_media *m)
{
	for (unsigned i = 0; m->type == SDP_IMAGE && m->proto == SDP_UDPTL && i < m->n_formats; i++)
		if (str_ieqz(m->formats[i].name, "t38"))
			return true;
	return false;
}

static enum err
read_fax(const struct sdp_media *m, struct sdp_stream *st, struct sdp_refusal *why)
{
	enum err e = read_target(m, false, st, why);

	st->fax = true;
	st->proto = m->proto;
	st->ptime = SDP_PTIME_DEFAULT;
	st->rtcp = (struct addr){0};
	(void)!str_copyz(st->codec, sizeof(st->codec), STR("t38"));
	return e;
}

/* What the m-lines of an offer are good for. */
struct search {
	struct sdp_refusal why; /* of the first line that could not be taken */
	bool judged;
	unsigned off; /* the first line of its type with port 0; SDP_MEDIA_MAX: none */
};

/* The first line of this type that suits the policy; NOTFOUND. relayed: the one of before. */
static enum err
find_stream(const struct sdp *s, const struct sdp_policy *p, enum sdp_media_type type,
	    unsigned relayed, struct search *found, struct sdp_stream *out)
{
	for (unsigned k = 0; k < s->n_media; k++) {
		unsigned i = nth_media(relayed < s->n_media ? relayed : SDP_MEDIA_MAX, k);
		const struct sdp_media *m = &s->media[i];
		struct sdp_refusal fault;
		struct sdp_stream st;
		enum err e;

		if (m->type != type)
			continue;
		if (m->port == 0) {
			found->off = found->off == SDP_MEDIA_MAX ? i : found->off;
			continue;
		}
		clear_stream(&st, i);
		e = read_stream(m, p, &st, &fault);
		if (e == ERR_OK && p->secure && p->dtls)
			e = read_dtls(s, m, false, &st, &fault);
		read_ice(s, m, p, &st);
		if (e == ERR_OK)
			*out = st;
		sdp_stream_wipe(&st);
		if (e == ERR_OK)
			return ERR_OK;
		if (!found->judged)
			found->why = fault;
		found->judged = true;
	}
	return ERR_NOTFOUND;
}

/* The first line of T.38 in use; REFUSED where the leg takes none; NOTFOUND. */
static enum err
find_fax(const struct sdp *s, const struct sdp_policy *p, struct sdp_stream *out,
	 struct sdp_refusal *why)
{
	for (unsigned i = 0; i < s->n_media; i++) {
		if (s->media[i].port == 0 || !is_fax(&s->media[i]))
			continue;
		if (!p->fax)
			return p->first ? ERR_NOTFOUND : refuse_fax(why);
		clear_stream(out, i);
		read_ice(s, &s->media[i], p, out);
		return read_fax(&s->media[i], out, why);
	}
	return ERR_NOTFOUND;
}

enum err
sdp_offer_read(const struct sdp *s, const struct sdp_policy *p, const struct sdp_layout *lay,
	       struct sdp_stream *out, struct sdp_refusal *why)
{
	struct search found = {.off = SDP_MEDIA_MAX};
	struct sdp_policy clear = *p;
	unsigned relayed = relayed_line(lay, SDP_AUDIO);
	enum err e;

	clear.secure = false;
	if (lay && lay->n && (s->n_media < lay->n || lay->audio >= lay->n))
		return refuse(why, "fewer m-lines than in the session so far");
	if (find_stream(s, p, SDP_AUDIO, relayed, &found, out) == ERR_OK)
		return ERR_OK;
	if (p->secure && p->clear_too &&
	    find_stream(s, &clear, SDP_AUDIO, relayed, &found, out) == ERR_OK)
		return ERR_OK;
	*why = found.why;
	if (found.judged)
		return ERR_REFUSED;
	e = find_fax(s, p, out, why);
	if (e != ERR_NOTFOUND)
		return e;
	if (found.off == SDP_MEDIA_MAX)
		return refuse(why, "no audio");
	if (p->first)
		return refuse(why, "audio with port 0 in a first offer");
	disable_stream(out, &s->media[found.off], found.off);
	return ERR_OK;
}

enum err
sdp_video_offer_read(const struct sdp *s, const struct sdp_policy *p, const struct sdp_layout *lay,
		     struct sdp_stream *out, struct sdp_refusal *why)
{
	struct search found = {.off = SDP_MEDIA_MAX};
	struct sdp_policy strict = *p;

	strict.clear_too = strict.lenient = false;
	if (find_stream(s, &strict, SDP_VIDEO, relayed_line(lay, SDP_VIDEO), &found, out) == ERR_OK)
		return ERR_OK;
	if (!found.judged)
		return ERR_NOTFOUND;
	*why = found.why;
	return ERR_REFUSED;
}

/* RFC 4568 5.1.3: exactly one line, a tag of ours, with the suite that we offered under it. */
static enum err
read_answer_crypto(const struct sdp_media *m, const struct sdp_policy *p,
		   const struct sdp_local *ours, struct sdp_stream *st, struct sdp_refusal *why)
{
	struct sdp_crypto c;
	bool known = false;
	enum err e;

	if (!GUARD(M9, m->n_crypto == 1))
		return refuse_keys(why, m->n_crypto ? "several a=crypto lines in an answer"
						    : "answer without a=crypto");
	e = read_line(m->crypto[0], p, &c);
	if (e != ERR_OK)
		return refuse_keys(why, crypto_fault(e));
	for (unsigned i = 0; i < ours->n_crypto; i++)
		known |= ours->crypto[i].tag == c.tag && ours->crypto[i].suite == c.suite;
	if (GUARD(M9, known))
		take_crypto(st, &c);
	sdp_crypto_wipe(&c);
	return st->suite != SDP_SUITE_NONE
		       ? ERR_OK
		       : refuse_keys(why,
				     "answered a=crypto has a tag or suite that was not offered");
}

/* The transport that the line at index i of our offer had. */
static enum sdp_proto
offered_proto(const struct sdp_local *ours, const struct sdp_layout *lay, unsigned i)
{
	if (ours->secure && ours->form == SDP_FORM_DTLS && i == lay->audio)
		return SDP_DTLS_SAVP;
	return ours->secure && ours->form != SDP_FORM_OSRTP && i == lay->audio ? SDP_RTP_SAVP
									       : SDP_RTP_AVP;
}

/* Is the answer allowed to be in clear, and is it? */
static bool
is_declined(const struct sdp_media *m, const struct sdp_policy *p, const struct sdp_local *ours)
{
	return ours->secure && p->clear_too && sdp_proto_is_clear(m->proto) && m->n_crypto == 0;
}

static enum err
read_answer_stream(const struct sdp_media *m, const struct sdp_policy *p,
		   const struct sdp_local *ours, const struct sdp_layout *lay,
		   const struct sdp_list *asked, struct sdp_stream *st, struct sdp_refusal *why)
{
	struct sdp_policy q = *p;
	enum err e;

	if (is_declined(m, p, ours))
		q.secure = false;
	e = check_proto(m, &q, why);
	if (e == ERR_OK && m->proto != offered_proto(ours, lay, st->index))
		e = refuse(why, "answer with another transport than offered");
	if (e == ERR_OK && m->n_crypto && (!q.secure || q.dtls || st->index != lay->audio))
		e = refuse_keys(why, "answer with a=crypto that was not offered");
	if (e == ERR_OK)
		e = read_target(m, p->lenient, st, why);
	if (e == ERR_OK && !read_codecs(m, &all_codecs, asked, st))
		e = refuse(why, "answer with no codec of the offer");
	if (e == ERR_OK && q.secure && !q.dtls)
		e = read_answer_crypto(m, p, ours, st, why);
	st->proto = m->proto;
	st->ptime = m->ptime ? m->ptime : SDP_PTIME_DEFAULT;
	st->rtcp_mux = st->rtcp_mux && ours->rtcp_mux;
	return e;
}

/* The line that the answer takes: of two that we offered for the same stream, the one in use. */
static unsigned
answered_line(const struct sdp *s, const struct sdp_policy *p, const struct sdp_local *ours,
	      const struct sdp_layout *lay)
{
	bool second = p->first && ours->secure && ours->form == SDP_FORM_LINES &&
		      lay->n == SDP_LINES_N && s->media[lay->audio].port == 0;

	return second ? SDP_LINES_N - 1 : lay->audio;
}

enum err
sdp_answer_read(const struct sdp *s, const struct sdp_policy *p, const struct sdp_local *ours,
		const struct sdp_layout *lay, const struct sdp_list *asked, struct sdp_stream *out,
		struct sdp_refusal *why)
{
	const struct sdp_media *m;
	struct sdp_stream st;
	unsigned i;
	enum err e;

	if (s->n_media != lay->n || lay->audio >= s->n_media)
		return refuse(why, "answer with another number of m-lines than offered");
	i = answered_line(s, p, ours, lay);
	m = &s->media[i];
	if (asked->fax ? !is_fax(m) : m->type != SDP_AUDIO)
		return refuse(why, "answer with another media type than offered");
	if (m->port == 0) {
		if (p->first)
			return refuse(why, "audio refused with port 0");
		disable_stream(out, m, i);
		out->fax = asked->fax;
		return ERR_OK;
	}
	clear_stream(&st, i);
	if (asked->fax) {
		e = read_fax(m, &st, why);
		read_ice(s, m, p, &st);
		if (e == ERR_OK)
			*out = st;
		return e;
	}
	e = read_answer_stream(m, p, ours, lay, asked, &st, why);
	if (e == ERR_OK && p->secure && p->dtls)
		e = read_dtls(s, m, true, &st, why);
	read_ice(s, m, p, &st);
	if (e == ERR_OK)
		*out = st;
	sdp_stream_wipe(&st);
	return e;
}

/* As check_proto, and the one that was offered; feedback (RFC 4585) may be left aside. */
static enum err
check_video_proto(const struct sdp_media *m, const struct sdp_policy *p,
		  const struct sdp_local *ours, struct sdp_refusal *why)
{
	bool sdes = ours->secure && ours->form != SDP_FORM_OSRTP;
	enum err e = check_proto(m, p, why);

	if (e == ERR_OK && sdp_proto_is_sdes(m->proto) != sdes)
		e = refuse(why, "video answered with another transport than offered");
	if (e == ERR_OK && m->n_crypto && !p->secure)
		e = refuse_keys(why, "video answered with a=crypto that was not offered");
	return e;
}

enum err
sdp_video_answer_read(const struct sdp *s, const struct sdp_policy *p, const struct sdp_local *ours,
		      const struct sdp_layout *lay, struct sdp_stream *out, struct sdp_refusal *why)
{
	struct sdp_policy strict = *p;
	const struct sdp_media *m;
	struct sdp_stream st;
	enum err e;

	strict.secure = ours->secure;
	strict.clear_too = strict.lenient = false;
	if (lay->video == 0 || lay->video > s->n_media)
		return ERR_NOTFOUND;
	m = &s->media[lay->video - 1];
	if (m->port == 0)
		return ERR_NOTFOUND;
	if (m->type != SDP_VIDEO)
		return refuse(why, "answer with another media type than offered");
	clear_stream(&st, lay->video - 1u);
	e = check_video_proto(m, &strict, ours, why);
	if (e == ERR_OK)
		e = read_target(m, false, &st, why);
	if (e == ERR_OK && !read_formats(m, &st))
		e = refuse(why, "video without a format of RTP");
	if (e == ERR_OK && ours->secure)
		e = read_answer_crypto(m, &strict, ours, &st, why);
	st.proto = m->proto;
	st.ptime = SDP_PTIME_DEFAULT;
	st.rtcp_mux = st.rtcp_mux && ours->rtcp_mux;
	if (e == ERR_OK)
		*out = st;
	sdp_stream_wipe(&st);
	return e;
}

enum sdp_direction
sdp_answer_direction(enum sdp_direction offered, enum sdp_direction wanted)
{
	return (enum sdp_direction)(wanted & sdp_direction_flip(offered));
}

void
sdp_stream_agree(struct sdp_stream *st, enum sdp_direction ours)
{
	st->far_sends = !st->disabled && (st->direction & SDP_SENDONLY) && (ours & SDP_RECVONLY);
	st->far_receives = !st->disabled && (st->direction & SDP_RECVONLY) && (ours & SDP_SENDONLY);
}

bool
sdp_stream_is_same(const struct sdp_stream *a, const struct sdp_stream *b)
{
	return a->proto == b->proto && a->fax == b->fax && a->direction == b->direction &&
	       a->disabled == b->disabled && a->index == b->index && a->rtcp_mux == b->rtcp_mux &&
	       a->ptime == b->ptime && a->words == b->words &&
	       a->telephone_event_pt == b->telephone_event_pt &&
	       sdp_dtls_same(&a->dtls, &b->dtls) && a->ice.on == b->ice.on &&
	       a->ice.both == b->ice.both && a->n_pts == b->n_pts &&
	       memcmp(a->pts, b->pts, a->n_pts) == 0 &&
	       memcmp(a->codecs, b->codecs, a->n_pts * sizeof(a->codecs[0])) == 0;
}

void
sdp_stream_wipe(struct sdp_stream *st)
{
	secret_wipe(st, sizeof(*st));
}
