/* Fuzz: whole calls. The input is a play: bytes that say who does what next - INVITEs, responses,
 * requests inside dialogs (of the right account or another), CANCEL, transactions that fail, media
 * that ends, time that goes by, faults below, restarts. All goes into `struct calls` with fakes
 * below and a virtual clock.
 * Properties, checked by the fakes at each step: what is sent parses, and is in the record before;
 * no key goes to a clear leg or into a record; no store after the ended one. At the end, when the
 * input has stopped: every call ends within the machine's time-outs, one ended record for each
 * INVITE that got a slot, each port comes back, all keys are wiped. */
#include <stdint.h>
#include <stdlib.h>

#define CHECK(c)                                                                                   \
	do {                                                                                       \
		if (!(c))                                                                          \
			abort();                                                                   \
	} while (0)

#include "../unit/call/fake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STEPS_MAX = 160 };

static const uint8_t *in;
static size_t n_in;
static struct fake *f;
static uint32_t n_invites; /* that got a slot, as far as we can see */

static unsigned
take(unsigned n)
{
	if (!n_in)
		return 0;
	n_in--;
	return *in++ % n;
}

#define HEAD(ip) "v=0\r\no=- 1 1 IN IP4 " ip "\r\ns=-\r\nc=IN IP4 " ip "\r\nt=0 0\r\n"
#define CRYPTO(tag, n)                                                                             \
	"a=crypto:" tag " AES_CM_128_HMAC_SHA1_" n                                                 \
	" inline:QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNk\r\n"

static const char *const bodies[] = {
	HEAD("198.51.100.7") "m=audio 4000 RTP/SAVP 8 101\r\na=rtpmap:8 PCMA/8000\r\n"
			     "a=rtpmap:101 telephone-event/8000\r\n" CRYPTO("1", "80"),
	HEAD("10.0.0.9") "m=audio 10000 RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\n"
			 "a=rtpmap:101 telephone-event/8000\r\n",
	HEAD("198.51.100.7") "m=audio 4000 RTP/SAVP 8\r\na=rtpmap:8 PCMA/8000\r\n" CRYPTO("2",
											  "32"),
	HEAD("198.51.100.7") "m=audio 4000 RTP/SAVP 0 8\r\n" CRYPTO("7", "80") CRYPTO("8", "32"),
	HEAD("10.0.0.9") "m=audio 10000 RTP/AVP 0\r\na=sendonly\r\n",
	HEAD("10.0.0.9") "m=video 1 RTP/AVP 99\r\nm=audio 10000 RTP/AVP 8\r\na=inactive\r\n",
	HEAD("0.0.0.0") "m=audio 0 RTP/AVP 8\r\n",
	HEAD("0.0.0.0") "m=audio 4000 RTP/SAVP 8 101\r\na=rtpmap:8 PCMA/8000\r\n" CRYPTO("1", "80"),
	"",
};

#define VIDEO(port, proto) "m=video " port " " proto " 99\r\na=rtpmap:99 H264/90000\r\n"

#define A_AUDIO HEAD("198.51.100.7") "m=audio 4000 RTP/SAVP 8\r\n" CRYPTO("1", "80")
#define B_AUDIO HEAD("10.0.0.9") "m=audio 10000 RTP/AVP 8\r\n"

/* By the leg, too. */
static const char *const videos[][2] = {
	{(A_AUDIO VIDEO("4002", "RTP/SAVP") CRYPTO("1", "80")),
	 (B_AUDIO VIDEO("10002", "RTP/AVP"))},
	{(A_AUDIO VIDEO("0", "RTP/SAVP")), (B_AUDIO VIDEO("0", "RTP/AVP"))},
	{(A_AUDIO VIDEO("4002", "RTP/AVP")), (B_AUDIO VIDEO("10002", "RTP/AVP") "a=inactive\r\n")},
};

#define MIXED(sdp)                                                                                 \
	"--b\r\nContent-Type: application/sdp\r\n\r\n" sdp                                         \
	"\r\n--b\r\nContent-Disposition: x;handling=optional\r\n\r\nseen\r\n--b--\r\n"

/* Bodies of several parts, likewise. */
static const char *const parts[][2] = {
	{MIXED(A_AUDIO), MIXED(B_AUDIO)},
	{"--b\r\nContent-Type: application/isup\r\n\r\nACM\r\n--b--",
	 "--b\r\n\r\na=crypto:1 x inline:QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNk\r\n--b--"},
	{MIXED("x"), "--b\r\nContent-Disposition: x;handling=required\r\n\r\nx\r\n--b--"},
};

static const char *
type_of(const char *body)
{
	return body[0] == '-' ? "multipart/mixed;boundary=b" : "application/sdp";
}

static char raw[512];

/* A body of the list, or bytes of the input. */
static const char *
body_of(unsigned usual)
{
	unsigned k = take(12), n;

	if (k < 3)
		return bodies[usual];
	if (k < 4)
		n = take(ARRAY_LEN(videos) + ARRAY_LEN(parts));
	if (k < 4)
		return n < ARRAY_LEN(videos) ? videos[n][usual]
					     : parts[n - ARRAY_LEN(videos)][usual];
	if (k < 4 + ARRAY_LEN(bodies) - 1)
		return bodies[k - 4];
	n = take(64);
	memcpy(raw, bodies[usual], strlen(bodies[usual]) + 1);
	for (unsigned i = 0; i < n && raw[0]; i++)
		raw[take(256) % strlen(raw)] = (char)(32 + take(95));
	return raw;
}

static const char *const trunks[] = {"acme-pbx", "gw1", "beta-pbx", "gw2", "gone-pbx"};
static const char *const numbers[] = {"+15552223333", "+15551230000", "+15559990000", "911",
				      "+15558880000", "bob",          "+442071234567"};
static const char *const mores[] = {"",
				    "",
				    "",
				    "Contact: <sip:gw@10.0.0.9:5070>\r\n",
				    "Contact: <sip:gw@10.0.0.9>\r\nRecord-Route: <sip:p1;lr>\r\n",
				    "Contact: <sip:gw@10.0.0.9>\r\nRecord-Route: <sip:strict>\r\n",
				    "Contact: <tel:+1>\r\n",
				    "Reason: Q.850;cause=31\r\nPrivacy: id\r\n",
				    "Require: 100rel\r\n",
				    "Supported: 100rel\r\nAllow: INVITE, UPDATE, PRACK\r\n",
				    ("Contact: <sip:gw@10.0.0.9>\r\nRequire: 100rel\r\nRSeq: 1\r\n"
				     "Allow: INVITE, UPDATE, PRACK\r\n"),
				    "Contact: <sip:gw@10.0.0.9>\r\nRequire: 100rel\r\nRSeq: 2\r\n"};

static uint32_t
slots_taken(void)
{
	uint32_t n = 0;

	for (int i = 0; i < FAKE_RECORDS; i++)
		n += f->record[i].taken;
	return n;
}

static void
feed_request(const char *trunk, struct str text)
{
	struct edge_txn *t = fake_txn(f, true);
	uint32_t before = slots_taken(), after;

	if (!t)
		return;
	t->src = fake_source(f, trunk);
	memcpy(t->text, text.p, text.len);
	if (sip_msg_parse(str_of(t->text, text.len), &t->msg) != ERR_OK) {
		t->used = false;
		return;
	}
	t->method = t->msg.method;
	calls_on_request(&f->calls, t, &t->msg, &t->src, f->now);
	/* answered and forgotten, or in hand */
	CHECK(t->forgotten || t->user);
	after = slots_taken();
	CHECK(after == before || after == before + 1);
	n_invites += after - before;
}

/* A leg of a call that lives; NULL: there is none. */
static const struct sip_dialog *
pick_dialog(void)
{
	unsigned skip = take(4), leg = take(CALL_LEGS);

	LIST_EACH(it, &f->calls.live)
	{
		if (skip-- == 0)
			return &CONTAINER_OF(it, struct call, node)->rec.leg[leg].dialog;
	}
	return NULL;
}

/* Replaces, in a header of its own or in that of a URI; sometimes with the tags the other way
 * round. */
static void
put_replaces(struct buf *b, bool in_uri)
{
	const struct sip_dialog *d = pick_dialog();
	bool swap = take(4) == 0;
	struct str ours, theirs;

	if (!d)
		return;
	ours = sip_dialog_str(d, swap ? SIP_DIALOG_REMOTE_TAG : SIP_DIALOG_LOCAL_TAG);
	theirs = sip_dialog_str(d, swap ? SIP_DIALOG_LOCAL_TAG : SIP_DIALOG_REMOTE_TAG);
	buf_printf(b,
		   in_uri ? "?Replaces=%.*s%%3Bto-tag%%3D%.*s%%3Bfrom-tag%%3D%.*s"
			  : "Replaces: %.*s;to-tag=%.*s;from-tag=%.*s\r\n",
		   STR_ARG(sip_dialog_str(d, SIP_DIALOG_CALL_ID)), STR_ARG(ours), STR_ARG(theirs));
}

/* What a method brings along. */
static void
put_special(struct buf *b, const char *method, struct str tag)
{
	static const char *const places[] = {"+15552224444", "911", "+442079460000", "bob"};
	const struct call *c = fake_call_of(f, tag);

	if (method[0] == 'P')
		buf_printf(b, "RAck: %u 1 INVITE\r\n", c ? c->ring.rseq : take(4));
	if (method[0] == 'N')
		buf_z(b, "Event: refer\r\nSubscription-State: active\r\n");
	if (method[0] != 'R')
		return;
	buf_printf(b, "Refer-To: <sip:%s@x", places[take(ARRAY_LEN(places))]);
	if (take(2))
		put_replaces(b, true);
	buf_z(b, ">\r\n");
}

static void
do_invite(void)
{
	const char *trunk = trunks[take(ARRAY_LEN(trunks))];
	bool tls = trunk[0] != 'g';
	const char *body, *more = mores[take(ARRAY_LEN(mores))];
	const char *number = numbers[take(ARRAY_LEN(numbers))];
	bool replaces = take(6) == 0;
	char mem[FAKE_TEXT], header[512];
	struct buf b, h;

	buf_init(&h, header, sizeof(header));
	if (replaces)
		put_replaces(&h, false);
	CHECK(buf_end(&h) == ERR_OK);
	body = body_of(tls ? 0 : 1);
	f->n_branch++;
	buf_init(&b, mem, sizeof(mem));
	buf_printf(&b,
		   "INVITE sip:%s@sbc SIP/2.0\r\nVia: SIP/2.0/TLS x;branch=z9hG4bKf%u\r\n"
		   "Max-Forwards: %u\r\nFrom: <sip:%s@far>;tag=far\r\nTo: <sip:%s@sbc>\r\n"
		   "Call-ID: c%u\r\nCSeq: 1 INVITE\r\n%s%s%sContent-Type: %s\r\n"
		   "Content-Length: %zu\r\n\r\n%s",
		   number, f->n_branch, take(3), numbers[take(ARRAY_LEN(numbers))], number,
		   f->n_branch % 8, take(8) ? "Contact: <sip:far@198.51.100.7:5062>\r\n" : "",
		   buf_cstr(&h), more, type_of(body), strlen(body), body);
	CHECK(buf_end(&b) == ERR_OK);
	feed_request(trunk, buf_view(&b));
}

/* One of the transactions in use: ours or theirs. */
static struct edge_txn *
pick(bool server)
{
	unsigned k = take(FAKE_TXNS);

	for (unsigned i = 0; i < FAKE_TXNS; i++) {
		struct edge_txn *t = &f->txn[(k + i) % FAKE_TXNS];

		if (t->used && t->server == server)
			return t;
	}
	return NULL;
}

static void
do_response(void)
{
	static const uint16_t statuses[] = {180, 183, 200, 100, 486, 503, 199, 202,
					    302, 401, 408, 481, 487, 500, 603, 699};
	static const char *const tags[] = {"gw", "gw", "gw", "other", "", "third"};
	struct edge_txn *t = pick(false);
	unsigned status = statuses[take(ARRAY_LEN(statuses))];
	const char *tag = tags[take(ARRAY_LEN(tags))], *more = mores[take(ARRAY_LEN(mores))];
	const char *body = "";

	/* what the transaction layer lets pass: after a 2xx only more of them, nothing after others
	 */
	if (!t || (t->final &&
		   (t->method != SIP_INVITE || t->status >= 300 || status < 200 || status >= 300)))
		return;
	if (t->method == SIP_INVITE)
		body = body_of(t->dest.transport == EDGE_TLS ? 0 : 1);
	fake_answer_as(f, t, status, tag, *more ? more : mores[3], type_of(body), body);
}

static void
do_fail(void)
{
	struct edge_txn *t = pick(false);
	bool timeout = take(2);

	if (t && !t->final)
		fake_news(f, t,
			  &(struct edge_news){.event = timeout ? EDGE_TIMEOUT : EDGE_FAILED,
					      .err = timeout ? ERR_OK : ERR_CLOSED,
					      .why = timeout ? NULL : "10.0.0.9: \"no\"\r\nX: y",
					      .last = true});
}

static void
do_inside(void)
{
	static const char *const methods[] = {"BYE",    "ACK",    "ACK",  "BYE",   "OPTIONS",
					      "INVITE", "UPDATE", "INFO", "PRACK", "PRACK",
					      "REFER",  "NOTIFY", "FOO"};
	struct edge_txn *t = pick(take(2));
	const char *method = methods[take(ARRAY_LEN(methods))];
	const char *trunk, *body = "", *type;
	struct str us, them;
	char mem[FAKE_TEXT], header[512];
	struct buf b, h;

	if (!t)
		return;
	us = t->server ? str_from(t->tag) : t->msg.from_tag;
	them = t->server ? t->msg.from_tag : str_from(t->tag);
	trunk = take(4) == 0 ? trunks[take(ARRAY_LEN(trunks))]
		: t->server  ? snapshot_trunk_id(&f->snap, t->src.trunk).z
			     : t->dest.trunk.z;
	if (method[0] == 'U' || (method[0] == 'P' && take(2)) ||
	    (method[0] == 'I' && method[2] == 'V') || method[0] == 'A')
		body = body_of(trunk[0] == 'g' ? 1 : 0);
	type = type_of(body);
	if (method[0] == 'I' && method[2] == 'F') {
		body = "5";
		type = take(2) ? "application/dtmf" : "text/plain";
	}
	buf_init(&h, header, sizeof(header));
	put_special(&h, method, us);
	if (buf_end(&h) != ERR_OK)
		return;
	buf_init(&b, mem, sizeof(mem));
	buf_printf(&b,
		   "%s sip:us@sbc SIP/2.0\r\nVia: SIP/2.0/UDP x;branch=z9hG4bKi%u\r\n"
		   "Max-Forwards: 70\r\nFrom: <sip:far@x>;tag=%.*s\r\nTo: <sip:us@x>%s%.*s\r\n"
		   "Call-ID: %.*s\r\nCSeq: %u %s\r\n%s%s%s%s%sContent-Length: %zu\r\n\r\n%s",
		   method, ++f->n_branch, STR_ARG(them), us.len ? ";tag=" : "", STR_ARG(us),
		   STR_ARG(t->msg.call_id), take(12), method, buf_cstr(&h),
		   mores[take(ARRAY_LEN(mores))], *body ? "Content-Type: " : "", *body ? type : "",
		   *body ? "\r\n" : "", strlen(body), body);
	if (buf_end(&b) != ERR_OK)
		return;
	if (method[0] != 'A') {
		struct policy_id id;

		(void)!str_copyz(id.z, sizeof(id.z), str_from(trunk));
		if (us.len || method[0] != 'I' || method[2] != 'V')
			feed_request(id.z, buf_view(&b));
		return;
	}
	memcpy(f->rx_text, b.p, b.len);
	if (sip_msg_parse(str_of(f->rx_text, b.len), &f->rx) == ERR_OK) {
		struct edge_source src = fake_source(f, trunk);

		calls_on_ack(&f->calls, &f->rx, &src, f->now);
	}
}

static void
do_cancel(void)
{
	struct edge_txn *t = pick(true);
	struct buf b;

	if (!t || t->method != SIP_INVITE || t->final)
		return;
	buf_init(&b, f->rx_text, sizeof(f->rx_text));
	buf_printf(&b,
		   "CANCEL sip:x SIP/2.0\r\nVia: SIP/2.0/TLS x;branch=z9hG4bKc\r\nFrom: "
		   "<sip:a@b>;tag=far\r\nTo: <sip:c@d>\r\nCall-ID: x\r\nCSeq: 1 CANCEL\r\n"
		   "Max-Forwards: 70\r\n%sContent-Length: 0\r\n\r\n",
		   mores[take(ARRAY_LEN(mores))]);
	CHECK(buf_end(&b) == ERR_OK && sip_msg_parse(buf_view(&b), &f->rx) == ERR_OK);
	calls_on_cancel(&f->calls, t->user, &f->rx, f->now);
}

/* The process dies; what is left are records and ports. */
static void
do_restart(void)
{
	unsigned crashes = take(3);

	calls_fini(&f->calls);
	timers_fini(&f->timers);
	for (int i = 0; i < FAKE_TXNS; i++)
		f->txn[i].used = false;
	for (int i = 0; i < FAKE_PORTS; i++)
		f->port[i].closing = false;
	CHECK(timers_init(&f->timers, FAKE_TIMERS) == ERR_OK);
	fake_calls(f);
	for (uint32_t i = 0; i < FAKE_RECORDS; i++) {
		struct call_record r = f->record[i].rec;

		if (!f->record[i].live)
			continue;
		CHECK(call_record_valid(&r));
		r.crashes = (uint8_t)crashes;
		CHECK(calls_restore(&f->calls, i, &r, f->now) == ERR_OK);
	}
	/* ports of a call that died between two stores: the app closes them as orphans */
	for (uint32_t i = 0; i < FAKE_PORTS; i++)
		if (f->port[i].used && !f->calls.by_media[i])
			fake_port_free(f, i);
}

static void
do_media(void)
{
	uint32_t slot = take(FAKE_PORTS);

	switch (take(3)) {
	case 0:
		fake_media_closed(f);
		break;
	case 1:
		calls_on_media_timeout(&f->calls, slot, f->port[slot].generation, f->now);
		break;
	default:
		calls_on_media_timeout(&f->calls, slot, take(9), f->now);
		break;
	}
}

static void
do_operator(void)
{
	switch (take(8)) {
	case 0:
		(void)calls_stop(&f->calls, f->now);
		break;
	case 1:
		f->calls.draining = take(2);
		break;
	case 2:
		if (!list_empty(&f->calls.live)) {
			struct call *c = CONTAINER_OF(f->calls.live.next, struct call, node);
			struct id id = c->rec.id;

			(void)calls_hangup(&f->calls, str_from(id.z), f->now);
		}
		break;
	case 3:
		calls_abandon(&f->calls, f->now);
		CHECK(calls_count(&f->calls) == 0);
		break;
	default: {
		unsigned k = take(256);

		f->no_port = k & 1;
		f->no_open = k & 2;
		f->no_send = k & 4;
		f->no_slot = k & 8;
		f->no_local = k & 16;
		break;
	}
	}
}

static void
step(void)
{
	static const uint32_t times_ms[] = {1, 400, 1600, 5000, 33000, 190000};

	switch (take(16)) {
	case 0:
	case 1:
	case 2:
		do_invite();
		break;
	case 3:
	case 4:
	case 5:
	case 6:
		do_response();
		break;
	case 7:
	case 8:
	case 9:
		do_inside();
		break;
	case 10:
		do_cancel();
		break;
	case 11:
		do_fail();
		break;
	case 12:
		fake_run(f, 1000ull * times_ms[take(ARRAY_LEN(times_ms))]);
		break;
	case 13:
		do_media();
		break;
	case 14:
		do_operator();
		break;
	default:
		if (take(4) == 0)
			do_restart();
		break;
	}
}

/* The input has stopped: nothing may stay but answered calls, and those end when they are told. */
static void
settle(void)
{
	f->no_port = f->no_open = f->no_send = f->no_slot = f->no_local = false;
	fake_run(f, 2ull * 2 * B2BUA_RING_US + B2BUA_CANCEL_US + B2BUA_BYE_US + 3000000);
	LIST_EACH(it, &f->calls.live)
	CHECK(CONTAINER_OF(it, struct call, node)->m.state == B2BUA_UP);
	(void)calls_stop(&f->calls, f->now);
	fake_run(f, B2BUA_BYE_US + 3000000);
	CHECK(calls_count(&f->calls) == 0);
	CHECK(f->ports_given == f->ports_freed && f->timers.n == 0);
	CHECK(f->n_ended == n_invites);
	CHECK(f->calls.limit.calls == 0 && f->calls.by_tag.n == 0);
	for (int i = 0; i < FAKE_RECORDS; i++)
		CHECK(!f->record[i].taken || f->record[i].ended);
	fake_run(f, 4 * FAKE_LIFE_US);
}

static void
start(void)
{
	f = mem_zalloc(1, sizeof(*f));
	CHECK(f);
	fake_init(f);
	for (uint32_t i = 0; i < f->roster.n_trunks; i++) {
		f->roster.trunk[i].refer = i % 2 ? TRUNK_REFER_LOCAL : TRUNK_REFER_PASS;
		f->roster.trunk[i].video = TRUNK_VIDEO_RELAY;
		f->roster.trunk[i].parts = TRUNK_PARTS_PASS;
	}
	fake_world(f);
	calls_on_snapshot(&f->calls, &f->snap);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!f)
		start();
	in = data;
	n_in = size;
	f->ports_given = f->ports_freed = f->n_ended = n_invites = f->n_branch = f->last_txn = 0;
	f->calls.draining = false;
	for (int i = 0; i < FAKE_TXNS; i++)
		f->txn[i].used = false;
	for (int i = 0; i < FAKE_RECORDS; i++)
		f->record[i].taken = f->record[i].live = f->record[i].ended = false;
	for (int i = 0; n_in && i < STEPS_MAX; i++) {
		step();
		/* admin takes the CDRs away */
		for (int k = 0; k < FAKE_RECORDS; k++)
			if (f->record[k].ended)
				f->record[k].taken = f->record[k].ended = false;
	}
	settle();
	return 0;
}
