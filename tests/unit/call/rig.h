/* The rig of the tests of call: the fakes with cmocka's words, real SDP bodies, and the steps that
 * most calls begin with. */
#ifndef TESTS_CALL_RIG_H
#define TESTS_CALL_RIG_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"

#define CHECK(c) assert_true(c)
#include "fake.h"

#define KEY_1 "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNk"
#define KEY_2 "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"
#define SDP_HEAD(ip) "v=0\r\no=- 1 1 IN IP4 " ip "\r\ns=-\r\nc=IN IP4 " ip "\r\nt=0 0\r\n"
#define SDP_MAPS "a=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n"
/* a PBX's offer: the 32-bit tag first, under tag 7 */
#define PBX_OFFER                                                                                  \
	SDP_HEAD("198.51.100.7")                                                                   \
	"m=audio 4000 RTP/SAVP 8 101\r\n" SDP_MAPS                                                 \
	"a=crypto:7 AES_CM_128_HMAC_SHA1_80 inline:" KEY_1 "\r\n"
#define PBX_OFFER_32                                                                               \
	SDP_HEAD("198.51.100.7")                                                                   \
	"m=audio 4000 RTP/SAVP 8 101\r\n" SDP_MAPS                                                 \
	"a=crypto:3 AES_CM_128_HMAC_SHA1_32 inline:" KEY_1 "\r\n"
#define PBX_OFFER_ILBC                                                                             \
	SDP_HEAD("198.51.100.7")                                                                   \
	"m=audio 4000 RTP/SAVP 97\r\na=rtpmap:97 iLBC/8000\r\n"                                    \
	"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" KEY_2 "\r\n"
#define PBX_CLEAR SDP_HEAD("198.51.100.7") "m=audio 4000 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n"
#define PBX_ANSWER(tag, suite)                                                                     \
	SDP_HEAD("198.51.100.7")                                                                   \
	"m=audio 4000 RTP/SAVP 8 101\r\n" SDP_MAPS "a=crypto:" tag " AES_CM_128_HMAC_SHA1_" suite  \
	" inline:" KEY_2 "\r\n"
#define GW_BODY SDP_HEAD("10.0.0.9") "m=audio 10000 RTP/AVP 8 101\r\n" SDP_MAPS
#define GW_SECURE                                                                                  \
	SDP_HEAD("10.0.0.9")                                                                       \
	"m=audio 10000 RTP/SAVP 8\r\na=rtpmap:8 PCMA/8000\r\n"                                     \
	"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" KEY_1 "\r\n"
#define GW_CONTACT "Contact: <sip:gw@10.0.0.9:5070>\r\n"
#define PBX_CONTACT "Contact: <sip:pbx@198.51.100.7:40001;transport=tls>\r\n"

static inline struct fake *
rig_up(void)
{
	struct fake *f = mem_zalloc(1, sizeof(*f));

	assert_non_null(f);
	fake_init(f);
	return f;
}

/* What must hold at the end of every test. */
static inline void
rig_down(struct fake *f)
{
	assert_int_equal(calls_count(&f->calls), 0);
	assert_int_equal(f->ports_given, f->ports_freed);
	assert_int_equal(f->timers.n, 0);
	for (int i = 0; i < FAKE_RECORDS; i++)
		assert_true(!f->record[i].taken || f->record[i].ended);
	fake_fini(f);
	mem_free(f);
}

/* Another set of accounts, made by f->roster's changes. */
static inline void
rig_world(struct fake *f)
{
	fake_world(f);
	calls_on_snapshot(&f->calls, &f->snap);
}

static inline struct roster_account *
rig_account(struct fake *f, const char *id)
{
	for (uint32_t i = 0; i < f->roster.n_accounts; i++)
		if (str_eqz(f->roster.account[i].id, id))
			return &f->roster.account[i];
	fail_msg("no account %s", id);
	return NULL;
}

static inline struct roster_trunk *
rig_trunk(struct fake *f, const char *id)
{
	for (uint32_t i = 0; i < f->roster.n_trunks; i++)
		if (str_eqz(f->roster.trunk[i].id, id))
			return &f->roster.trunk[i];
	fail_msg("no trunk %s", id);
	return NULL;
}

/* What calls to this prefix cost, in millionths. */
static inline void
rig_rate(struct fake *f, const char *prefix, uint64_t price, uint32_t increment)
{
	struct roster_rate *r;

	CHECK(roster_add_rate(&f->roster, &r) == ERR_OK);
	CHECK(number_key(str_from(prefix), &r->key) == ERR_OK);
	r->price_micro = price;
	r->increment_s = increment;
}

static inline uint64_t
rig_spent(struct fake *f, const char *account)
{
	return usage_of(&f->calls.usage, account, usage_day(clock_wall_us())).spend_micro;
}

/* How an INVITE of a trunk differs from the usual one; what is NULL or 0 is usual. */
struct invite {
	const char *trunk, *uri, *from, *call_id, *more, *type, *body, *contact;
	int forwards; /* 0: 70; -1: none */
	bool zero_forwards;
	unsigned cseq;
};

static inline const char *
or_else(const char *z, const char *usual)
{
	return z ? z : usual;
}

/* The customer's trunk without TLS and SRTP; gw1 takes emergency calls. */
static inline void
rig_in_clear(struct fake *f)
{
	struct roster_trunk *t = rig_trunk(f, "acme-pbx");

	t->transport = TRUNK_UDP;
	t->security = TRUNK_SEC_REFUSED;
	t->port = 5060;
	assert_int_equal(cidr_parse(STR("198.51.100.7"), &t->source[0]), ERR_OK);
	t->n_sources = 1;
	rig_trunk(f, "gw1")->emergency = true;
	rig_world(f);
}

static inline struct edge_txn *
rig_request(struct fake *f, const char *trunk, const char *text, size_t len)
{
	struct edge_txn *t = fake_txn(f, true);
	struct edge_source src = fake_source(f, trunk);

	assert_non_null(t);
	assert_true(len < FAKE_TEXT);
	memcpy(t->text, text, len);
	t->src = src;
	if (sip_msg_parse(str_of(t->text, len), &t->msg) != ERR_OK)
		fail_msg("not parsed: %s\n%s", t->msg.why, text);
	t->method = t->msg.method;
	calls_on_request(&f->calls, t, &t->msg, &src, f->now);
	return t;
}

static inline struct edge_txn *
rig_invite(struct fake *f, const struct invite *v)
{
	const char *trunk = or_else(v->trunk, "acme-pbx");
	const char *body = or_else(v->body, trunk[0] == 'g' ? GW_BODY : PBX_OFFER);
	char mem[FAKE_TEXT];
	struct buf b;

	buf_init(&b, mem, sizeof(mem));
	buf_printf(&b,
		   "INVITE %s SIP/2.0\r\nVia: SIP/2.0/%s 198.51.100.7:5061;branch=z9hG4bKin%u\r\n"
		   "%s%s%s: \"Ann\" <%s>;tag=far\r\nTo: <%s>\r\nCall-ID: %s\r\nCSeq: %u INVITE\r\n"
		   "%s%s",
		   or_else(v->uri, "sip:+15552223333@sbc.example"), trunk[0] == 'g' ? "UDP" : "TLS",
		   ++f->n_branch,
		   v->zero_forwards  ? "Max-Forwards: 0\r\n"
		   : v->forwards < 0 ? ""
				     : "Max-Forwards: 70\r\n",
		   "", "From", or_else(v->from, "sip:+15551230000@pbx.acme.example"),
		   or_else(v->uri, "sip:+15552223333@sbc.example"), or_else(v->call_id, "one@pbx"),
		   v->cseq ? v->cseq : 1,
		   or_else(v->contact, "Contact: <sip:ann@198.51.100.7:40001;transport=tls>\r\n"),
		   or_else(v->more, ""));
	if (*body)
		buf_printf(&b, "Content-Type: %s\r\n", or_else(v->type, "application/sdp"));
	buf_printf(&b, "Content-Length: %zu\r\n\r\n%s", strlen(body), body);
	assert_int_equal(buf_end(&b), ERR_OK);
	return rig_request(f, trunk, b.p, b.len);
}

/* The n-th last message of a kind (0 = the last), and its parsed form in f->tx. */
static inline struct sent *
rig_sent(struct fake *f, enum sent_kind kind, unsigned n)
{
	for (uint32_t i = f->n_sent; i-- > 0 && f->n_sent - i <= FAKE_SENT;)
		if (f->sent[i % FAKE_SENT].kind == kind && n-- == 0) {
			struct sent *s = &f->sent[i % FAKE_SENT];

			if (s->len)
				assert_int_equal(sip_msg_parse(str_of(s->text, s->len), &f->tx),
						 ERR_OK);
			return s;
		}
	return NULL;
}

/* The last message of all. */
static inline struct sent *
rig_last(struct fake *f)
{
	return &f->sent[(f->n_sent - 1) % FAKE_SENT];
}

static inline unsigned
rig_count(struct fake *f, enum sent_kind kind, enum sip_method m)
{
	unsigned n = 0;

	assert_true(f->n_sent <= FAKE_SENT);
	for (uint32_t i = 0; i < f->n_sent; i++)
		n += f->sent[i].kind == kind && f->sent[i].method == m;
	return n;
}

static inline bool
rig_says(const struct sent *s, const char *text)
{
	return s && fake_has(s->text, s->len, text);
}

static inline void
assert_says(const struct sent *s, const char *words)
{
	if (!rig_says(s, words))
		fail_msg("not said: %s\nin %s", words, s ? s->text : "nothing");
}

static inline void
assert_silent(const struct sent *s, const char *words)
{
	if (rig_says(s, words))
		fail_msg("said: %s\nin %s", words, s->text);
}

/* The version in o= of a body of ours. */
static inline unsigned long long
rig_version(const struct sent *s)
{
	unsigned long long id, v;
	const char *o = strstr(s->text, "\r\no=- ");

	assert_non_null(o);
	assert_int_equal(sscanf(o, "\r\no=- %llu %llu IN", &id, &v), 2);
	return v;
}

/* The first key in it. */
static inline void
rig_key(const struct sent *s, char key[64])
{
	const char *k = strstr(s->text, "inline:");

	assert_non_null(k);
	(void)snprintf(key, 64, "%.40s", k + 7);
}

/* The last INVITE that went out. */
static inline struct edge_txn *
rig_out(struct fake *f)
{
	for (uint32_t i = f->n_sent; i-- > 0;)
		if (f->sent[i % FAKE_SENT].kind == SENT_REQUEST &&
		    f->sent[i % FAKE_SENT].method == SIP_INVITE)
			return f->sent[i % FAKE_SENT].txn;
	fail_msg("no INVITE went out");
	return NULL;
}

static inline struct edge_txn *
rig_bye_out(struct fake *f, unsigned n)
{
	unsigned seen = 0;

	for (uint32_t i = f->n_sent; i-- > 0;)
		if (f->sent[i % FAKE_SENT].kind == SENT_REQUEST &&
		    f->sent[i % FAKE_SENT].method == SIP_BYE && seen++ == n)
			return f->sent[i % FAKE_SENT].txn;
	fail_msg("no BYE went out");
	return NULL;
}

/* A request inside the dialog of A (t: its INVITE, received) or B (t: ours), sent by this trunk. */
static inline struct edge_txn *
rig_inside_body(struct fake *f, struct edge_txn *t, const char *trunk, const char *method,
		unsigned cseq, const char *more, const char *type, const char *body)
{
	struct str us = t->server ? str_from(t->tag) : t->msg.from_tag;
	struct str them = t->server ? t->msg.from_tag : str_from(t->tag);
	struct edge_source src = fake_source(f, trunk);
	char mem[FAKE_TEXT];
	struct buf b;

	buf_init(&b, mem, sizeof(mem));
	buf_printf(
		&b,
		"%s sip:us@198.51.100.1 SIP/2.0\r\nVia: SIP/2.0/%s 198.51.100.7;branch=z9hG4bKi%u"
		"\r\nMax-Forwards: 70\r\nFrom: <sip:far@x.example>;tag=%.*s\r\n"
		"To: <sip:us@x.example>;tag=%.*s\r\nCall-ID: %.*s\r\nCSeq: %u %s\r\n%s%s%s%s"
		"Content-Length: %zu\r\n\r\n%s",
		method, src.transport == EDGE_TLS ? "TLS" : "UDP", ++f->n_branch, STR_ARG(them),
		STR_ARG(us), STR_ARG(t->msg.call_id), cseq, method, more,
		*body ? "Content-Type: " : "", *body ? type : "", *body ? "\r\n" : "", strlen(body),
		body);
	assert_int_equal(buf_end(&b), ERR_OK);
	if (strcmp(method, "ACK") != 0)
		return rig_request(f, trunk, b.p, b.len);
	memcpy(f->rx_text, b.p, b.len);
	assert_int_equal(sip_msg_parse(str_of(f->rx_text, b.len), &f->rx), ERR_OK);
	calls_on_ack(&f->calls, &f->rx, &src, f->now);
	return NULL;
}

static inline struct edge_txn *
rig_inside_sdp(struct fake *f, struct edge_txn *t, const char *trunk, const char *method,
	       unsigned cseq, const char *more, const char *body)
{
	return rig_inside_body(f, t, trunk, method, cseq, more, "application/sdp", body);
}

static inline struct edge_txn *
rig_inside(struct fake *f, struct edge_txn *t, const char *trunk, const char *method, unsigned cseq,
	   const char *more)
{
	return rig_inside_sdp(f, t, trunk, method, cseq, more, "");
}

static inline void
rig_cancel(struct fake *f, struct edge_txn *a)
{
	struct buf b;

	buf_init(&b, f->rx_text, sizeof(f->rx_text));
	buf_printf(&b,
		   "CANCEL %.*s SIP/2.0\r\nVia: SIP/2.0/TLS x;branch=z9hG4bKc\r\nFrom: "
		   "<sip:a@b>;tag=far\r\nTo: <sip:c@d>\r\nCall-ID: %.*s\r\nCSeq: %u CANCEL\r\n"
		   "Max-Forwards: 70\r\nReason: Q.850;cause=31\r\nContent-Length: 0\r\n\r\n",
		   STR_ARG(a->msg.uri_text), STR_ARG(a->msg.call_id), a->msg.cseq);
	assert_int_equal(sip_msg_parse(buf_view(&b), &f->rx), ERR_OK);
	calls_on_cancel(&f->calls, a->user, &f->rx, f->now);
}

static inline struct call *
rig_call(struct fake *f)
{
	assert_false(list_empty(&f->calls.live));
	return CONTAINER_OF(f->calls.live.prev, struct call, node);
}

static inline const struct record_leg *
rig_leg(struct fake *f, enum call_leg_index i)
{
	return &rig_call(f)->rec.leg[i];
}

/* What media was told last of this leg. */
static inline const struct media_open *
rig_row(struct fake *f, enum call_leg_index i)
{
	return &f->port[rig_leg(f, i)->media.slot].open;
}

static inline const struct call_record *
rig_cdr(struct fake *f)
{
	for (int i = FAKE_RECORDS; i-- > 0;)
		if (f->record[i].ended)
			return &f->record[i].rec;
	fail_msg("no record has ended");
	return NULL;
}

/* The two parties of a call that stands, so far. */
struct rig_pair {
	struct edge_txn *a, *b;
};

static inline struct rig_pair
rig_ringing(struct fake *f)
{
	struct rig_pair p = {.a = rig_invite(f, &(struct invite){0})};

	p.b = rig_out(f);
	fake_answer(f, p.b, 180, "gw", GW_CONTACT, "");
	assert_int_equal(rig_call(f)->m.state, B2BUA_RINGING);
	return p;
}

static inline struct rig_pair
rig_answered(struct fake *f)
{
	struct rig_pair p = rig_ringing(f);

	fake_answer(f, p.b, 200, "gw", GW_CONTACT, GW_BODY);
	assert_int_equal(rig_call(f)->m.state, B2BUA_ANSWERED);
	return p;
}

static inline struct rig_pair
rig_talking(struct fake *f)
{
	struct rig_pair p = rig_answered(f);

	(void)rig_inside(f, p.a, "acme-pbx", "ACK", 1, "");
	assert_int_equal(rig_call(f)->m.state, B2BUA_UP);
	return p;
}

/* The process dies and comes again: all that is kept are the records and the ports. p (may be
 * NULL): what its parties know is kept for the test. */
static inline void
rig_restart_after(struct fake *f, struct rig_pair *p, int crashes)
{
	static struct edge_txn kept[2];

	if (p) {
		kept[0] = *p->a;
		kept[1] = *p->b;
		for (int i = 0; i < 2; i++)
			assert_int_equal(sip_msg_parse(str_from(kept[i].text), &kept[i].msg),
					 ERR_OK);
		*p = (struct rig_pair){&kept[0], &kept[1]};
	}
	calls_fini(&f->calls);
	timers_fini(&f->timers);
	memset(f->txn, 0, sizeof(f->txn));
	for (int i = 0; i < FAKE_PORTS; i++) /* media answers a repeated CLOSE as well */
		f->port[i].closing = false;
	assert_int_equal(timers_init(&f->timers, FAKE_TIMERS), ERR_OK);
	fake_calls(f);
	f->n_sent = 0;
	for (uint32_t i = 0; i < FAKE_RECORDS; i++)
		if (f->record[i].live) {
			struct call_record r = f->record[i].rec;

			r.crashes = (uint8_t)crashes;
			assert_int_equal(calls_restore(&f->calls, i, &r, f->now), ERR_OK);
		}
}

static inline void
rig_restart(struct fake *f, struct rig_pair *p)
{
	rig_restart_after(f, p, 1);
}

/* All that is out is answered, all that is closing closed. */
static inline void
rig_settle(struct fake *f)
{
	for (int i = 0; i < FAKE_TXNS; i++)
		if (f->txn[i].used && !f->txn[i].server && f->txn[i].method == SIP_BYE &&
		    !f->txn[i].final)
			fake_answer(f, &f->txn[i], 200, "", "", "");
	fake_media_closed(f);
}

/* All calls are stopped, and nothing of them is left but n records. */
static inline void
rig_end(struct fake *f, uint32_t n)
{
	(void)calls_stop(&f->calls, f->now);
	rig_settle(f);
	fake_run(f, 3 * B2BUA_RING_US);
	assert_int_equal(f->n_ended, n);
	assert_int_equal(pool_used(&f->calls.offers), 0);
	rig_down(f);
}

#endif
