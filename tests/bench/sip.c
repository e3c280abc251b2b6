/* SIP: parsing an INVITE of 1.4 kB and building a 180 to it; the peer is Debian's libosip2. What
 * either reads or writes is compared outside the time. */
#include <osipparser2/osip_parser.h>

#include "bench.h"
#include "sip/edit.h"

enum { ROUNDS = 15, TIMES = 1000, ROOM = 4096 };

static const char invite[] =
	"INVITE sip:+15552223333@sbc.example.net:5061;user=phone;transport=tls SIP/2.0\r\n"
	"Via: SIP/2.0/TLS 198.51.100.7:5061;branch=z9hG4bK-524287-1---7d0c1b2c3f4e5a69;rport\r\n"
	"Via: SIP/2.0/UDP 10.20.30.40:5060;received=10.20.30.41;rport=5062;branch=z9hG4bK1f3a\r\n"
	"Record-Route: <sip:198.51.100.7:5061;transport=tls;lr>\r\n"
	"Max-Forwards: 69\r\n"
	"From: \"Ann Example\" <sip:+15551230000@pbx.acme.example;user=phone>;tag=a73kszlfl\r\n"
	"To: <sip:+15552223333@sbc.example.net;user=phone>\r\n"
	"Contact: <sip:ann@198.51.100.7:40001;transport=tls>;+sip.instance=\"<urn:uuid:1>\"\r\n"
	"Call-ID: 3848276298220188511@pbx.acme.example\r\n"
	"CSeq: 63104 INVITE\r\n"
	"Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, NOTIFY, INFO, PRACK, UPDATE, MESSAGE\r\n"
	"Supported: replaces, timer, 100rel, norefersub, histinfo\r\n"
	"Session-Expires: 1800;refresher=uac\r\n"
	"Min-SE: 90\r\n"
	"P-Asserted-Identity: \"Ann Example\" <sip:+15551230000@pbx.acme.example;user=phone>\r\n"
	"Privacy: none\r\n"
	"User-Agent: Example PBX 18.4.1 (build 20931)\r\n"
	"Date: Sat, 01 Aug 2026 10:12:13 GMT\r\n"
	"Content-Type: application/sdp\r\n"
	"Content-Length: 328\r\n\r\n"
	"v=0\r\no=pbx 2890844526 2890844526 IN IP4 198.51.100.7\r\ns=call\r\n"
	"c=IN IP4 198.51.100.7\r\nt=0 0\r\nm=audio 49172 RTP/SAVP 8 0 101\r\n"
	"a=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
	"a=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n"
	"a=crypto:1 AES_CM_128_HMAC_SHA1_80 "
	"inline:QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNk\r\n";

static struct sip_msg msg, reply;
static char room[ROOM];

static double
parse_ours(void)
{
	struct str text = str_of(invite, sizeof(invite) - 1);
	unsigned good = 0;
	double t = bench_cpu();

	for (int i = 0; i < TIMES; i++)
		good += sip_msg_parse(text, &msg) == ERR_OK;
	t = bench_cpu() - t;
	BENCH_MUST(good == TIMES);
	return t / TIMES * 1e9;
}

static double
parse_theirs(void)
{
	unsigned good = 0;
	double t = bench_cpu();

	for (int i = 0; i < TIMES; i++) {
		osip_message_t *m = NULL;

		good += osip_message_init(&m) == 0 &&
			osip_message_parse(m, invite, sizeof(invite) - 1) == 0;
		osip_message_free(m);
	}
	t = bench_cpu() - t;
	BENCH_MUST(good == TIMES);
	return t / TIMES * 1e9;
}

static struct str
build_ours(void)
{
	struct sip_edit_reply r = {.status = 180, .to_tag = STR("as6f42bd17")};
	struct buf b;

	buf_init(&b, room, sizeof(room));
	sip_edit_response(&b, &msg, &r);
	sip_edit_copy_all(&b, &msg, SIP_H_RECORD_ROUTE);
	sip_edit_hdr_z(&b, SIP_H_CONTACT, "<sip:198.51.100.1:5061;transport=tls>");
	sip_edit_body(&b, STR_NULL, STR_NULL);
	return buf_end(&b) == ERR_OK ? buf_view(&b) : STR_NULL;
}

/* The same with copies of the request's headers; *text is the library's memory. */
static bool
build_theirs(const osip_message_t *req, char **text, size_t *len)
{
	osip_message_t *m = NULL;
	bool good = osip_message_init(&m) == 0;
	int n = osip_list_size(&req->vias);

	osip_message_set_version(m, osip_strdup("SIP/2.0"));
	osip_message_set_status_code(m, 180);
	osip_message_set_reason_phrase(m, osip_strdup("Ringing"));
	for (int i = 0; good && i < n; i++) {
		osip_via_t *via = NULL;

		good = osip_via_clone(osip_list_get(&req->vias, i), &via) == 0 &&
		       osip_list_add(&m->vias, via, -1) > 0;
	}
	for (int i = 0; good && i < osip_list_size(&req->record_routes); i++) {
		osip_record_route_t *rr = NULL;

		good = osip_record_route_clone(osip_list_get(&req->record_routes, i), &rr) == 0 &&
		       osip_list_add(&m->record_routes, rr, -1) > 0;
	}
	good = good && osip_from_clone(req->from, &m->from) == 0 &&
	       osip_to_clone(req->to, &m->to) == 0 &&
	       osip_to_set_tag(m->to, osip_strdup("as6f42bd17")) == 0 &&
	       osip_call_id_clone(req->call_id, &m->call_id) == 0 &&
	       osip_cseq_clone(req->cseq, &m->cseq) == 0 &&
	       osip_message_set_contact(m, "<sip:198.51.100.1:5061;transport=tls>") == 0 &&
	       osip_message_to_str(m, text, len) == 0;
	osip_message_free(m);
	return good;
}

static double
answer_ours(void)
{
	unsigned good = 0;
	double t = bench_cpu();

	for (int i = 0; i < TIMES; i++)
		good += build_ours().len > 0;
	t = bench_cpu() - t;
	BENCH_MUST(good == TIMES);
	return t / TIMES * 1e9;
}

static double
answer_theirs(const osip_message_t *req)
{
	unsigned good = 0;
	double t = bench_cpu();

	for (int i = 0; i < TIMES; i++) {
		char *text = NULL;
		size_t len;

		good += build_theirs(req, &text, &len);
		osip_free(text);
	}
	t = bench_cpu() - t;
	BENCH_MUST(good == TIMES);
	return t / TIMES * 1e9;
}

static unsigned
count_hdr(const struct sip_msg *m, enum sip_hdr_id id)
{
	unsigned n = 0;

	for (const struct sip_hdr *h = sip_msg_hdr(m, id); h; h = sip_msg_next(m, h))
		n++;
	return n;
}

static void
must_say(struct str text)
{
	BENCH_MUST(sip_msg_parse(text, &reply) == ERR_OK);
	BENCH_MUST(!reply.request && reply.status == 180 && reply.cseq == msg.cseq);
	BENCH_MUST(str_eq(reply.call_id, msg.call_id) && str_eq(reply.from_tag, msg.from_tag));
	BENCH_MUST(str_eqz(reply.to_tag, "as6f42bd17") && count_hdr(&reply, SIP_H_VIA) == 2);
	BENCH_MUST(str_eq(reply.via.branch, msg.via.branch));
	BENCH_MUST(count_hdr(&reply, SIP_H_RECORD_ROUTE) == 1);
	BENCH_MUST(count_hdr(&reply, SIP_H_CONTACT) == 1);
}

/* Both read and write the same. */
static void
must_agree(osip_message_t *req)
{
	char *text = NULL;
	size_t len = 0;

	BENCH_MUST(sip_msg_parse(str_of(invite, sizeof(invite) - 1), &msg) == ERR_OK);
	BENCH_MUST(msg.method == SIP_INVITE && msg.body.len == 328);
	BENCH_MUST(osip_message_parse(req, invite, sizeof(invite) - 1) == 0);
	BENCH_MUST(MSG_IS_INVITE(req) &&
		   str_eqz(msg.via.host, via_get_host((osip_via_t *)osip_list_get(&req->vias, 0))));
	BENCH_MUST(str_starts(msg.call_id, str_from(req->call_id->number)));
	must_say(build_ours());
	BENCH_MUST(build_theirs(req, &text, &len));
	must_say(str_of(text, len));
	osip_free(text);
}

int
main(int argc, char **argv)
{
	static struct bench_series parse[2], build[2];
	osip_message_t *req = NULL;

	bench_begin("sip", argc, argv);
	BENCH_MUST(parser_init() == 0 && osip_message_init(&req) == 0);
	must_agree(req);
	for (unsigned r = 0; bench_more(r, ROUNDS); r++) {
		bench_add(&parse[0], parse_ours());
		bench_add(&parse[1], parse_theirs());
		bench_add(&build[0], answer_ours());
		bench_add(&build[1], answer_theirs(req));
	}
	bench_result("parse an INVITE of 1.4 kB", "ns", false, &parse[0], "libosip2", &parse[1]);
	bench_result("build a 180 to it", "ns", false, &build[0], "libosip2", &build[1]);
	osip_message_free(req);
	return 0;
}
