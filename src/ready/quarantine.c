#include "ready/quarantine.h"

#include <string.h>

#include "base/random.h"
#include "sdp/keys.h"
#include "sdp/sdp.h"
#include "sip/edit.h"
#include "sip/hdr.h"

enum { ANSWER_MAX = 8192, TAG_CHARS = 20 };

static void
keep_text(char *dst, size_t cap, struct str s)
{
	if (str_copyz(dst, cap, str_sub(s, 0, cap - 1)) != ERR_OK)
		dst[0] = 0;
}

static void
drop_guest(struct guest *g)
{
	stream_close(&g->stream);
}

/* ---- answers ---- */

/* help: NULL: it is none. */
static void
answer_with(struct guest *g, const struct sip_msg *req, unsigned status, const char *why,
	    const struct quarantine_help *help)
{
	static char mem[ANSWER_MAX];
	char tag[TAG_CHARS + 1];
	struct sip_edit_reply reply = {.status = status, .source = stream_peer(g->stream)};
	struct buf b;

	random_token(tag, TAG_CHARS);
	reply.to_tag = str_from(tag);
	buf_init(&b, mem, sizeof(mem));
	sip_edit_response(&b, req, &reply);
	if (why)
		sip_edit_hdr_fmt(&b, SIP_H_WARNING, "399 postern \"%s\"", why);
	else
		sip_edit_hdr_z(&b, SIP_H_ALLOW, "INVITE, ACK, CANCEL, BYE, OPTIONS");
	if (help)
		sip_edit_hdr_fmt(&b, SIP_H_REASON, "Q.850;cause=%d", help->q850);
	if (help && help->contact[0])
		sip_edit_nameaddr(&b, SIP_H_CONTACT,
				  &(struct sip_edit_addr){.uri = str_from(help->contact)});
	sip_edit_body(&b, STR_NULL, STR_NULL);
	if (buf_end(&b) == ERR_OK)
		(void)!stream_send(g->stream, buf_view(&b));
}

static void
answer(struct guest *g, const struct sip_msg *req, unsigned status, const char *why)
{
	answer_with(g, req, status, why, NULL);
}

/* False: it calls nobody for help. */
static bool
take_help(struct guest *g, const struct sip_msg *m)
{
	struct quarantine *q = g->owner;
	struct edge_source src = {.remote = *stream_peer(g->stream),
				  .transport = EDGE_TLS,
				  .account = POLICY_NONE,
				  .trunk = POLICY_NONE,
				  .tls_version = "",
				  .tls_suite = "",
				  .tls_peer = q->wait->names};
	struct quarantine_help help;

	if (!q->do_help(q->arg, q->fqdn, m, &src, &help))
		return false;
	answer_with(g, m, help.status, help.warning, &help);
	return true;
}

/* ---- the INVITE ---- */

static void
keep_crypto(struct probe_invite *out, const struct sdp_media *m)
{
	static const struct sdp_suites ours = SDP_SUITES_TAKEN;
	struct buf b;

	buf_init(&b, out->suites, sizeof(out->suites) - 1);
	for (unsigned i = 0; i < m->n_crypto; i++) {
		struct sdp_crypto c;
		struct str suite;
		uint32_t tag;

		if (sdp_crypto_tag(m->crypto[i], &tag, &suite) != ERR_OK)
			continue;
		out->n_crypto++;
		buf_z(&b, b.len ? ", " : "");
		buf_str(&b, suite);
		out->takes_ours |= sdp_suites_rank(&ours, sdp_suite_find(suite)) < ours.n;
		if (sdp_crypto_parse(m->crypto[i], &c) != ERR_OK)
			continue;
		out->mki |= c.keys[0].mki_len > 0;
		out->lifetime |= c.keys[0].lifetime > 0;
		sdp_crypto_wipe(&c);
	}
	(void)buf_cstr(&b);
}

static void
keep_offer(struct probe_invite *out, struct str body)
{
	static struct sdp s;

	if (sdp_parse(body, &s) != ERR_OK) {
		out->bad_sdp = true;
		return;
	}
	for (unsigned i = 0; i < s.n_media; i++) {
		if (s.media[i].type != SDP_AUDIO)
			continue;
		out->secure = sdp_proto_is_sdes(s.media[i].proto);
		out->port = s.media[i].port;
		keep_crypto(out, &s.media[i]);
		return;
	}
}

static void
keep_invite(struct quarantine *q, const struct sip_msg *m)
{
	struct probe_invite *out = &q->wait->invite;
	struct sip_nameaddr contact;

	*out = (struct probe_invite){.seen = true};
	keep_text(out->number, sizeof(out->number), m->uri.user);
	keep_text(out->contact, sizeof(out->contact), sip_msg_value(m, SIP_H_CONTACT));
	keep_text(out->from, sizeof(out->from), sip_msg_value(m, SIP_H_FROM));
	out->has_contact = sip_contact_read(m, &contact) == ERR_OK;
	out->contact_tls =
		out->has_contact && (contact.uri.scheme == SIP_SCHEME_SIPS ||
				     str_ieqz(sip_uri_param(&contact.uri, "transport"), "tls"));
	if (sip_ctype_is(m, "application", "sdp"))
		keep_offer(out, m->body);
}

/* With or without the plus. */
static bool
is_test_number(const struct quarantine *q, struct str user)
{
	struct str call = str_from(q->call);

	if (str_starts(call, STR("+")))
		call = str_from_at(call, 1);
	if (str_starts(user, STR("+")))
		user = str_from_at(user, 1);
	return call.len && str_eq(call, user);
}

static void
take_request(struct guest *g, const struct sip_msg *m)
{
	struct quarantine *q = g->owner;

	if (m->method == SIP_ACK || !m->request)
		return;
	if (m->method == SIP_OPTIONS) {
		q->wait->n_options++;
		answer(g, m, 200, NULL);
	} else if (m->method == SIP_INVITE && take_help(g, m)) {
		q->wait->n_help++;
	} else if (m->method == SIP_INVITE && is_test_number(q, m->uri.user)) {
		keep_invite(q, m);
		answer(g, m, 480, "readiness check: the INVITE was seen, and is not connected");
	} else {
		q->wait->n_refused++;
		answer(g, m, 403,
		       "readiness check: only OPTIONS and the test number are answered here");
	}
}

/* ---- the connection ---- */

/* False: it is to be closed. */
static bool
cut_messages(struct guest *g)
{
	struct quarantine *q = g->owner;

	for (;;) {
		enum sip_frame_event ev;
		struct str bytes;

		if (sip_frame_next(&g->frame, &ev, &bytes) != ERR_OK)
			return false;
		if (ev == SIP_FRAME_MORE)
			return true;
		if (ev == SIP_FRAME_PING) {
			q->wait->n_pings++;
			(void)!stream_send(g->stream, STR("\r\n"));
		}
		if (ev != SIP_FRAME_MESSAGE)
			continue;
		if (++g->n_requests > QUARANTINE_REQUESTS ||
		    sip_msg_parse(bytes, &q->msg) != ERR_OK)
			return false;
		take_request(g, &q->msg);
	}
}

static void
take_bytes(void *arg, struct str bytes)
{
	struct guest *g = arg;

	while (bytes.len) {
		size_t n = sip_frame_feed(&g->frame, bytes);

		bytes = str_from_at(bytes, n);
		if (!cut_messages(g) || n == 0) {
			drop_guest(g);
			return;
		}
	}
}

static void
note_end(void *arg, enum stream_end why, int error)
{
	struct guest *g = arg;

	(void)why;
	(void)error;
	g->stream = NULL;
}

static const struct stream_calls calls = {.on_data = take_bytes, .on_close = note_end};

/* What it offered and showed. */
static void
keep_hello(struct probe_wait *w, const struct tls_record *r)
{
	struct buf b;

	w->connected = true;
	w->peer = r->peer;
	w->version = r->version;
	w->n_chain = r->n_chain;
	keep_text(w->suite, sizeof(w->suite), str_from(r->suite_name));
	keep_text(w->sni, sizeof(w->sni), str_from(r->sni));
	buf_init(&b, w->offered_versions, sizeof(w->offered_versions));
	tls_record_put_versions(&b, r);
	(void)buf_cstr(&b);
	buf_init(&b, w->offered_suites, sizeof(w->offered_suites));
	tls_record_put_suites(&b, r);
	(void)buf_cstr(&b);
	if (r->n_chain == 0)
		return;
	keep_text(w->subject, sizeof(w->subject), str_from(r->chain[0].subject));
	keep_text(w->names, sizeof(w->names), str_from(r->chain[0].names));
}

void
quarantine_take(struct quarantine *q, struct tls_result *res)
{
	struct guest *g = q->guest;

	if (!q->open)
		return;
	while (g < q->guest + QUARANTINE_GUESTS && g->stream)
		g++;
	if (g == q->guest + QUARANTINE_GUESTS)
		return;
	g->owner = q;
	g->n_requests = 0;
	sip_frame_init(&g->frame, g->mem, sizeof(g->mem));
	if (edge_adopt(q->edge, res, &calls, g, &g->stream) == ERR_OK)
		keep_hello(q->wait, &res->record);
}

void
quarantine_note(struct quarantine *q, const struct tls_record *rec)
{
	struct probe_wait *w = q->wait;

	if (!q->open || rec->outgoing || rec->accepted)
		return;
	if (w->n_hand == PROBE_REFUSED_MAX) { /* the last ones */
		memmove(&w->hand[0], &w->hand[1], sizeof(w->hand) - sizeof(w->hand[0]));
		w->n_hand--;
	}
	w->hand[w->n_hand].peer = rec->peer;
	keep_text(w->hand[w->n_hand].names, sizeof(w->hand[0].names),
		  str_from(rec->n_chain ? rec->chain[0].names : ""));
	keep_text(w->hand[w->n_hand++].why, sizeof(w->hand[0].why), str_from(rec->why));
}

void
quarantine_begin(struct quarantine *q, const char *fqdn, const char *call, struct probe_wait *wait)
{
	q->open = true;
	q->wait = wait;
	wait->waited = true;
	keep_text(q->fqdn, sizeof(q->fqdn), str_from(fqdn));
	keep_text(q->call, sizeof(q->call), str_from(call));
	edge_expect(q->edge, str_from(q->fqdn));
}

void
quarantine_end(struct quarantine *q)
{
	if (!q->open)
		return;
	q->open = false;
	edge_expect(q->edge, STR_NULL);
	for (int i = 0; i < QUARANTINE_GUESTS; i++)
		drop_guest(&q->guest[i]);
}
