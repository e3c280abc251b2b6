/* An SDP body. Properties: the same lines with other line ends mean the same; what we write from it
 * parses, holds only what may cross, and protects as the leg demands. */
#include <stdlib.h>
#include <string.h>

#include "sdp/list.h"
#include "sdp/offer.h"
#include "sdp/others.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OUT_MAX = 1 << 17 };

static struct sdp one, two, ours_read;
static char text[OUT_MAX], written[OUT_MAX];

#define MUST(c)                                                                                    \
	do {                                                                                       \
		if (!(c))                                                                          \
			abort();                                                                   \
	} while (0)

/* The lines of s, each with CRLF, empty ones left out. */
static struct str
other_ends(struct str s)
{
	struct buf b;

	buf_init(&b, text, sizeof(text));
	while (s.len) {
		struct str line = str_cut(&s, '\n');

		if (line.len && line.p[line.len - 1] == '\r')
			line.len--;
		if (line.len) {
			buf_str(&b, line);
			buf_z(&b, "\r\n");
		}
	}
	return buf_view(&b);
}

static void
must_be_same(const struct sdp *a, const struct sdp *b)
{
	MUST(a->n_media == b->n_media && a->session_id == b->session_id);
	MUST(a->session_version == b->session_version && str_eq(a->origin_user, b->origin_user));
	for (unsigned i = 0; i < a->n_media; i++) {
		const struct sdp_media *m = &a->media[i], *n = &b->media[i];

		MUST(m->port == n->port && m->proto == n->proto && m->direction == n->direction);
		MUST(m->n_formats == n->n_formats && m->n_crypto == n->n_crypto);
		MUST(m->ptime == n->ptime && m->rtcp_mux == n->rtcp_mux);
		MUST(addr_eq(&m->conn.addr, &n->conn.addr) && addr_eq(&m->rtcp, &n->rtcp));
		for (unsigned k = 0; k < m->n_formats; k++) {
			const struct sdp_format *f = &m->formats[k], *g = &n->formats[k];

			MUST(f->pt == g->pt && f->clock == g->clock && str_eq(f->codec, g->codec));
			MUST(str_eq(f->fmtp, g->fmtp) && str_eq(f->name, g->name));
		}
		for (unsigned k = 0; k < m->n_crypto; k++)
			MUST(str_eq(m->crypto[k], n->crypto[k]));
	}
}

/* A body of ours: only these attributes, and keys on a secure leg alone. */
static void
must_be_ours(struct str body, bool secure, unsigned audio, unsigned video)
{
	static const char *const allowed[] = {"rtpmap",   "fmtp",     "ptime",    "maxptime",
					      "crypto",   "rtcp-mux", "sendrecv", "sendonly",
					      "recvonly", "inactive"};
	static const char *const of_video[] = {"rtcp-fb",   "framerate", "framesize",
					       "imageattr", "content",   "quality"};

	MUST(sdp_parse(body, &ours_read) == ERR_OK);
	MUST(str_chr(body, '\0') == body.len && audio < ours_read.n_media);
	for (unsigned i = 0; i < ours_read.n_media; i++) {
		const struct sdp_media *m = &ours_read.media[i];
		struct str rest = m->text, name, value;

		MUST(m->port == 0 || i == audio || i == video);
		MUST(m->port == 0 || sdp_proto_is_sdes(m->proto) == secure);
		MUST(m->port == 0 || (m->n_crypto > 0) == secure);
		MUST(m->port || (m->n_crypto == 0 && m->text.len == 0));
		while (sdp_next_attr(&rest, &name, &value)) {
			bool found = false;

			for (size_t k = 0; k < ARRAY_LEN(allowed); k++)
				found |= str_eqz(name, allowed[k]);
			for (size_t k = 0; k < ARRAY_LEN(of_video) && i == video; k++)
				found |= str_eqz(name, of_video[k]);
			MUST(found);
		}
	}
}

static void
open_local(struct sdp_local *l, bool secure)
{
	memset(l, 0, sizeof(*l));
	l->secure = secure;
	l->media = (struct addr){.ip = {10, 0, 0, 1}, .port = 30000, .family = 4};
	l->mki = (uint8_t)(secure ? SDP_MKI_ALWAYS : SDP_MKI_MIRROR);
	MUST(sdp_local_offer(l, &(struct sdp_suites)SDP_SUITES_TAKEN) == ERR_OK);
}

/* s as an offer on a leg, and as an answer to an offer of ours there. */
static void
relay(const struct sdp *s, bool secure)
{
	const struct sdp_policy p = {.secure = secure, .suites = SDP_SUITES_TAKEN};
	struct sdp_layout lay = {0}, lay_back = {0};
	struct sdp_origin o = {.id = 1}, o_back = {.id = 2};
	struct sdp_stream st, seen, answered;
	struct sdp_local far, near, far_video, near_video;
	struct sdp_numbers numbers = {0};
	struct sdp_codecs all = {0};
	struct sdp_list list;
	struct sdp_refusal why = {.text = NULL};
	struct sdp_part audio, video;
	struct buf b;
	bool has_video;
	enum err e = sdp_offer_read(s, &p, NULL, &st, &why);

	MUST(e == ERR_OK || (e == ERR_REFUSED && why.status == 488 && why.text));
	if (e != ERR_OK)
		return;
	MUST(st.disabled || (st.suite != SDP_SUITE_NONE) == secure);
	e = sdp_video_offer_read(s, &p, NULL, &seen, &why);
	MUST(e == ERR_OK || e == ERR_NOTFOUND || (e == ERR_REFUSED && why.text));
	has_video = e == ERR_OK && !st.disabled;
	MUST(e != ERR_OK || (seen.suite != SDP_SUITE_NONE) == secure);
	open_local(&far, !secure);
	open_local(&near, secure);
	open_local(&far_video, !secure);
	open_local(&near_video, secure);
	buf_init(&b, written, sizeof(written));
	audio = (struct sdp_part){
		.ours = &far, .media = &s->media[st.index], .list = &list, .dir = st.direction};
	if (has_video)
		video = (struct sdp_part){
			.ours = &far_video, .media = &s->media[seen.index], .dir = seen.direction};
	e = sdp_list_offer(&st, &s->media[st.index], &all, &numbers, &list);
	MUST(e == ERR_OK || (e == ERR_NOTFOUND && st.disabled));
	if (e == ERR_OK)
		e = sdp_offer_write(&audio, has_video ? &video : NULL, &lay, &o, &b);
	MUST(e == ERR_OK || (e == ERR_NOTFOUND && st.disabled));
	if (e == ERR_OK)
		must_be_ours(buf_view(&b), !secure, 0, has_video ? 1 : SDP_MEDIA_MAX);
	MUST(sdp_local_answer(&near, &st) == ERR_OK);
	MUST(!has_video || sdp_local_answer(&near_video, &seen) == ERR_OK);
	buf_init(&b, written, sizeof(written));
	sdp_list_answer(&st, &st, &list);
	audio = (struct sdp_part){.ours = &near,
				  .media = &s->media[st.index],
				  .list = &list,
				  .offered = &st,
				  .dir = SDP_SENDRECV};
	if (has_video)
		video = (struct sdp_part){.ours = &near_video,
					  .media = &s->media[seen.index],
					  .offered = &seen,
					  .dir = SDP_SENDRECV};
	MUST(sdp_answer_write(s, &audio, has_video ? &video : NULL, &lay_back, &o_back, &b) ==
	     ERR_OK);
	MUST(lay_back.n == s->n_media && lay_back.audio == st.index);
	MUST(lay_back.video == (has_video ? seen.index + 1 : 0));
	must_be_ours(buf_view(&b), secure, st.index, has_video ? seen.index : SDP_MEDIA_MAX);
	if (!st.disabled && secure) {
		uint32_t tag;
		struct str suite;

		MUST(sdp_crypto_tag(ours_read.media[st.index].crypto[0], &tag, &suite) == ERR_OK);
		MUST(tag == st.tag);
	}
	e = sdp_answer_read(s, &p, &near, &lay_back, &list, &answered, &why);
	MUST(e != ERR_OK || answered.disabled || (answered.suite != SDP_SUITE_NONE) == secure);
	e = sdp_video_answer_read(s, &p, &near_video, &lay_back, &answered, &why);
	MUST(e != ERR_OK || (answered.suite != SDP_SUITE_NONE) == secure);
}

/* What goes past us is found again on the other side, and brings no key. */
static void
pass_others(const struct sdp *s)
{
	const struct sdp_policy p = {.suites = SDP_SUITES_TAKEN};
	struct sdp_layout lay = {0}, lay_back = {0};
	struct sdp_origin o = {.id = 1}, o_back = {.id = 2};
	struct sdp_codecs all = {0};
	struct sdp_numbers numbers = {0};
	struct sdp_refusal why = {.text = NULL};
	struct sdp_stream st;
	struct sdp_local l;
	struct sdp_list list;
	struct sdp_part part;
	struct buf b;
	enum err e;

	if (sdp_offer_read(s, &p, NULL, &st, &why) != ERR_OK || st.disabled)
		return;
	open_local(&l, false);
	part = (struct sdp_part){.ours = &l,
				 .media = &s->media[st.index],
				 .list = &list,
				 .dir = st.direction,
				 .others = s};
	MUST(sdp_list_offer(&st, part.media, &all, &numbers, &list) == ERR_OK);
	buf_init(&b, written, sizeof(written));
	e = sdp_offer_write(&part, NULL, &lay, &o, &b);
	MUST(e == ERR_OK || e == ERR_LONG);
	if (e != ERR_OK)
		return;
	MUST(sdp_parse(buf_view(&b), &ours_read) == ERR_OK && ours_read.n_media == lay.n);
	MUST(str_find(buf_view(&b), STR("\na=crypto:")) == b.len);
	MUST(lay.n == SDP_MEDIA_MAX ||
	     sdp_others_taken(s, st.index, NULL, 0) == sdp_others_taken(&ours_read, 0, NULL, 0));
	sdp_list_answer(&st, &st, &list);
	part.offered = &st;
	buf_init(&b, written, sizeof(written));
	e = sdp_answer_write(s, &part, NULL, &lay_back, &o_back, &b);
	MUST(e == ERR_OK || e == ERR_LONG);
	if (e != ERR_OK)
		return;
	MUST(sdp_parse(buf_view(&b), &ours_read) == ERR_OK && ours_read.n_media == s->n_media);
	MUST(sdp_others_taken(s, st.index, &ours_read, st.index) ==
	     sdp_others_taken(s, st.index, NULL, 0));
}

/* What we say of a print is what is read there; a leg with DTLS never has a key, nor its answer. */
static void
relay_dtls(const struct sdp *s)
{
	const struct sdp_policy p = {.secure = true, .dtls = true, .suites = SDP_SUITES_TAKEN};
	struct sdp_local l = {.secure = true,
			      .form = SDP_FORM_DTLS,
			      .rtcp_mux = true,
			      .media = {.ip = {10, 0, 0, 1}, .port = 30000, .family = 4}};
	struct sdp_layout lay = {0};
	struct sdp_origin o = {.id = 1};
	struct sdp_refusal why = {.text = NULL};
	struct sdp_stream st;
	struct sdp_dtls back;
	const char *fault = NULL;
	struct sdp_list list;
	struct sdp_part part;
	struct buf b;

	if (sdp_offer_read(s, &p, NULL, &st, &why) != ERR_OK || st.disabled || st.fax)
		return;
	MUST(st.suite == SDP_SUITE_NONE && st.key.key_len == 0 && sdp_proto_is_dtls(st.proto));
	MUST(st.dtls.print_len == 32 || st.dtls.print_len == 48 || st.dtls.print_len == 64);
	l.dtls = st.dtls;
	l.dtls.setup = SDP_SETUP_NONE;
	MUST(sdp_local_answer(&l, &st) == ERR_OK && l.n_crypto == 0);
	sdp_list_answer(&st, &st, &list);
	part = (struct sdp_part){.ours = &l,
				 .media = &s->media[st.index],
				 .list = &list,
				 .dir = SDP_SENDRECV,
				 .offered = &st};
	buf_init(&b, written, sizeof(written));
	MUST(sdp_answer_write(s, &part, NULL, &lay, &o, &b) == ERR_OK);
	MUST(sdp_parse(buf_view(&b), &ours_read) == ERR_OK);
	MUST(ours_read.media[st.index].n_crypto == 0);
	MUST(sdp_dtls_read(&ours_read, &ours_read.media[st.index], true, &back, &fault));
	back.id = st.dtls.id;
	MUST(sdp_dtls_same(&back, &st.dtls) && back.setup != st.dtls.setup);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str body = str_of(data, size);

	if (size > SDP_BODY_MAX || sdp_parse(body, &one) != ERR_OK)
		return 0;
	if (sdp_parse(other_ends(body), &two) == ERR_OK)
		must_be_same(&one, &two);
	else
		MUST(size + SDP_LINES_MAX > SDP_BODY_MAX); /* the longer ends */
	relay(&one, true);
	relay(&one, false);
	relay_dtls(&one);
	pass_others(&one);
	return 0;
}
