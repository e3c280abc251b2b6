#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "sdp/offer.h"
#include "unit/sdp/bodies.h"

static const struct sdp_policy secure = {.secure = true, .suites = SDP_SUITES_OFFERED};
static const struct sdp_suites offered_suites = SDP_SUITES_OFFERED;
static const struct sdp_policy clear = {.suites = SDP_SUITES_OFFERED};

static struct sdp from_a, from_b, sent;
static char mem_a[4096], mem_b[4096];

/* One leg of a call. */
struct leg {
	const struct sdp_policy *policy;
	struct sdp_local ours;
	struct sdp_layout lay;
	struct sdp_origin origin;
	struct sdp_numbers numbers;
	struct sdp_list list; /* what our last body said */
	struct sdp_stream far;
};

static void
open_leg(struct leg *l, const struct sdp_policy *p, const char *address, uint64_t id)
{
	memset(l, 0, sizeof(*l));
	l->policy = p;
	l->ours.secure = p->secure;
	l->origin.id = id;
	assert_int_equal(addr_parse(str_from(address), &l->ours.media), ERR_OK);
	assert_int_equal(sdp_local_offer(&l->ours, &p->suites), ERR_OK);
}

/* Leg x offers body: our offer to leg y, as text. */
static struct str
pass_offer(struct leg *x, struct leg *y, const char *body)
{
	struct sdp_refusal why;
	struct buf b;

	assert_int_equal(sdp_parse(str_from(body), &from_a), ERR_OK);
	assert_int_equal(sdp_offer_read(&from_a, x->policy, &x->lay, &x->far, &why), ERR_OK);
	buf_init(&b, mem_b, sizeof(mem_b));
	assert_int_equal(sdp_list_offer(&x->far, &from_a.media[x->far.index], &y->policy->codecs,
					&y->numbers, &y->list),
			 ERR_OK);
	assert_int_equal(sdp_offer_write(&(struct sdp_part){.ours = &y->ours,
							    .media = &from_a.media[x->far.index],
							    .list = &y->list,
							    .dir = x->far.direction},
					 NULL, &y->lay, &y->origin, &b),
			 ERR_OK);
	return buf_view(&b);
}

/* Leg y answers body: our answer to leg x's offer (in from_a), as text. */
static struct str
pass_answer(struct leg *x, struct leg *y, const char *body)
{
	struct sdp_refusal why;
	struct buf b;

	assert_int_equal(sdp_parse(str_from(body), &from_b), ERR_OK);
	assert_int_equal(
		sdp_answer_read(&from_b, y->policy, &y->ours, &y->lay, &y->list, &y->far, &why),
		ERR_OK);
	sdp_local_chosen(&y->ours, &y->far);
	assert_int_equal(sdp_local_answer(&x->ours, &x->far), ERR_OK);
	buf_init(&b, mem_a, sizeof(mem_a));
	sdp_list_answer(&x->far, &y->far, &x->list);
	assert_int_equal(sdp_answer_write(&from_a,
					  &(struct sdp_part){.ours = &x->ours,
							     .media = &from_b.media[y->far.index],
							     .list = &x->list,
							     .offered = &x->far,
							     .dir = y->far.direction},
					  NULL, &x->lay, &x->origin, &b),
			 ERR_OK);
	return buf_view(&b);
}

/* Text with each inline key written as ***, in mem_a. */
static const char *
masked(struct str s)
{
	static char mem[4096];
	struct buf b;

	buf_init(&b, mem, sizeof(mem));
	sdp_mask_keys(&b, s);
	return buf_cstr(&b);
}

static void
test_pbx_to_gateway(void **state)
{
	struct leg pbx, gw;

	(void)state;
	open_leg(&pbx, &secure, "198.51.100.1:30000", 5);
	open_leg(&gw, &clear, "10.0.0.1:40000", 6);
	assert_string_equal(masked(pass_offer(&pbx, &gw, BARESIP)),
			    "v=0\r\no=- 6 0 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\n"
			    "t=0 0\r\nm=audio 40000 RTP/AVP 8 0 101\r\na=rtpmap:8 PCMA/8000\r\n"
			    "a=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
			    "a=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n");
	assert_string_equal(masked(pass_answer(&pbx, &gw, SIPP_UAS)),
			    "v=0\r\no=- 5 0 IN IP4 198.51.100.1\r\ns=-\r\n"
			    "c=IN IP4 198.51.100.1\r\nt=0 0\r\nm=audio 30000 RTP/SAVP 8\r\n"
			    "a=rtpmap:8 PCMA/8000\r\n"
			    "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:***\r\na=sendrecv\r\n");
	sdp_stream_agree(&pbx.far, SDP_SENDRECV);
	assert_true(pbx.far.far_sends && pbx.far.far_receives);
	assert_int_equal(gw.far.rtp.port, 10000);
}

static void
test_gateway_to_pbx(void **state)
{
	struct leg pbx, gw;
	struct str body;

	(void)state;
	open_leg(&gw, &clear, "10.0.0.1:40000", 1);
	open_leg(&pbx, &secure, "[2001:db8::1]:30000", 2);
	body = pass_offer(&gw, &pbx, SIPP_UAS);
	assert_string_equal(masked(body),
			    "v=0\r\no=- 2 0 IN IP6 2001:db8::1\r\ns=-\r\n"
			    "c=IN IP6 2001:db8::1\r\nt=0 0\r\nm=audio 30000 RTP/SAVP 8\r\n"
			    "a=rtpmap:8 PCMA/8000\r\n"
			    "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:***\r\n"
			    "a=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:***\r\na=sendrecv\r\n");
	assert_int_equal(sdp_parse(body, &sent), ERR_OK);
	assert_int_equal(sent.media[0].n_crypto, 2);
	body = pass_answer(&gw, &pbx, SIPP_UAC);
	assert_int_equal(sdp_parse(body, &sent), ERR_OK);
	assert_true(sent.media[0].proto == SDP_RTP_AVP && sent.media[0].n_crypto == 0);
	assert_true(pbx.ours.n_crypto == 1 && pbx.far.suite == SDP_SUITE_AES_CM_128_80);
}

/* Of Teams' body nothing crosses but the codecs. */
static void
test_allow_list(void **state)
{
	static const char *const never[] = {
		"candidate", "ice-", "crypto", "fingerprint", "setup",      "label",   "mid",
		"ssrc",      "rtcp", "inline", "\r\nb=",      "192.0.2.77", "session", "141210"};
	struct leg x, y;
	struct str body;

	(void)state;
	open_leg(&x, &secure, "198.51.100.1:30000", 1);
	open_leg(&y, &clear, "10.0.0.1:40000", 2);
	body = pass_offer(&x, &y, TEAMS);
	for (size_t i = 0; i < ARRAY_LEN(never); i++)
		assert_int_equal(str_find(body, str_from(never[i])), body.len);
	assert_true(str_find(body, STR("a=rtpmap:117 G722/8000/2\r\n")) < body.len);
	assert_true(str_find(body, STR("a=fmtp:111 bitrate=16000\r\n")) < body.len);
	assert_true(str_find(body, STR("a=maxptime:60\r\n")) < body.len);
	assert_true(str_find(body, STR(" RTP/AVP 104 117 9 111 18 0 8 97 101 13 118\r\n")) <
		    body.len);
}

/* The answer keeps the offer's m-lines; the relayed one is where it was offered. */
static void
test_many_media(void **state)
{
	static const char offer[] =
		HEAD "m=video 5000 RTP/SAVP 96 97\r\na=rtpmap:96 H264/90000\r\n" CRYPTO80
		     "m=audio 5002 RTP/AVP 8\r\nm=audio 5004 RTP/SAVP 8\r\n"
		     "a=crypto:42 AES_128_CM_HMAC_SHA1_32 inline:" KEY_B "\r\na=sendonly\r\n"
		     "m=x-new 5006 some/thing odd more\r\n";
	struct leg x, y;
	struct str body;

	(void)state;
	open_leg(&x, &secure, "198.51.100.1:30000", 1);
	open_leg(&y, &clear, "10.0.0.1:40000", 2);
	(void)pass_offer(&x, &y, offer);
	assert_int_equal(y.lay.n, 1);
	body = pass_answer(&x, &y, SIPP_UAS);
	assert_string_equal(masked(body),
			    "v=0\r\no=- 1 0 IN IP4 198.51.100.1\r\ns=-\r\n"
			    "c=IN IP4 198.51.100.1\r\nt=0 0\r\nm=video 0 RTP/SAVP 96\r\n"
			    "m=audio 0 RTP/AVP 8\r\nm=audio 30000 RTP/SAVP 8\r\n"
			    "a=rtpmap:8 PCMA/8000\r\n"
			    "a=crypto:42 AES_128_CM_HMAC_SHA1_32 inline:***\r\na=recvonly\r\n"
			    "m=x-new 0 some/thing odd\r\n");
	assert_true(x.lay.n == 4 && x.lay.audio == 2 && x.lay.type[0] == SDP_VIDEO);
	/* our own offer to that leg later has the same lines */
	body = pass_offer(&y, &x, SIPP_UAS);
	assert_int_equal(sdp_parse(body, &sent), ERR_OK);
	assert_int_equal(sent.n_media, 4);
	assert_true(sent.media[2].port == 30000 && sent.media[0].port == 0);
	assert_true(sent.media[3].port == 0 && sent.media[3].type == SDP_MEDIA_OTHER);
	assert_int_equal(sent.media[2].n_crypto, 1);
	assert_int_equal(x.origin.version, 1);
}

/* Row 33: the version rises exactly when the body changes. */
static void
test_version(void **state)
{
	static const char hold[] =
		HEAD "m=audio 4000 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\na=sendonly\r\n";
	struct leg x, y;

	(void)state;
	open_leg(&x, &clear, "10.0.0.1:40000", 1);
	open_leg(&y, &secure, "198.51.100.1:30000", 2);
	y.origin.version = 9;
	(void)pass_offer(&x, &y, SIPP_UAS);
	assert_int_equal(y.origin.version, 9);
	(void)pass_offer(&x, &y, SIPP_UAS);
	assert_int_equal(y.origin.version, 9);
	(void)pass_offer(&x, &y, hold);
	assert_int_equal(y.origin.version, 10);
	(void)pass_offer(&x, &y, hold);
	assert_int_equal(y.origin.version, 10);
	assert_non_null(strstr(mem_b, "o=- 2 10 IN"));
	(void)pass_offer(&x, &y, SIPP_UAS);
	assert_int_equal(y.origin.version, 11);
	y.ours.media.port = 30002;
	(void)pass_offer(&x, &y, SIPP_UAS);
	assert_int_equal(y.origin.version, 12);
	assert_int_equal(sdp_local_offer(&y.ours, &offered_suites), ERR_OK);
	(void)pass_offer(&x, &y, SIPP_UAS);
	assert_int_equal(y.origin.version, 13);
}

/* Row 27: hold, resume, and port 0, through both legs. */
static void
test_hold(void **state)
{
	static const char held[] = "v=0\no=- 1 2 IN IP4 192.0.2.1\ns=-\nc=IN IP4 0.0.0.0\nt=0 0\n"
				   "m=audio 4000 RTP/SAVP 8\n" CRYPTO80;
	static const char off[] = HEAD "m=audio 0 RTP/SAVP 8\r\n";
	static const char recvonly[] = HEAD "m=audio 10000 RTP/AVP 8\r\na=recvonly\r\n";
	static const char inactive[] = HEAD "m=audio 10000 RTP/AVP 8\r\na=inactive\r\n";
	struct leg x, y;
	struct sdp_key key;
	struct str body;

	(void)state;
	open_leg(&x, &secure, "198.51.100.1:30000", 1);
	open_leg(&y, &clear, "10.0.0.1:40000", 2);
	(void)pass_offer(&x, &y, SIPP_UAC);
	(void)pass_answer(&x, &y, SIPP_UAS);
	key = x.ours.crypto[0].key;
	body = pass_offer(&x, &y, held);
	assert_true(str_find(body, STR("a=sendonly\r\n")) < body.len);
	body = pass_answer(&x, &y, recvonly);
	assert_true(str_find(body, STR("a=recvonly\r\n")) < body.len);
	assert_true(sdp_key_eq(&key, &x.ours.crypto[0].key));
	body = pass_offer(&x, &y, off);
	assert_true(str_find(body, STR("m=audio 40000 RTP/AVP 8\r\n")) < body.len);
	assert_true(str_find(body, STR("a=inactive\r\n")) < body.len);
	body = pass_answer(&x, &y, inactive);
	assert_true(str_find(body, STR("m=audio 0 RTP/SAVP 8\r\n")) < body.len);
	assert_true(str_find(body, STR("crypto")) == body.len);
	body = pass_offer(&x, &y, SIPP_UAC);
	assert_true(str_find(body, STR("a=sendrecv\r\n")) < body.len);
	body = pass_answer(&x, &y, SIPP_UAS);
	assert_true(sdp_key_eq(&key, &x.ours.crypto[0].key));
	assert_true(str_find(body, STR("a=sendrecv\r\n")) < body.len);
}

static void
test_rtcp_mux(void **state)
{
	static const char mux[] = HEAD "m=audio 10000 RTP/AVP 8\r\na=rtcp-mux\r\n";
	struct leg x, y;
	struct str body;

	(void)state;
	open_leg(&x, &clear, "198.51.100.1:30000", 1);
	open_leg(&y, &clear, "10.0.0.1:40000", 2);
	x.ours.rtcp_mux = true;
	body = pass_offer(&x, &y, mux);
	assert_true(str_find(body, STR("rtcp-mux")) == body.len);
	body = pass_answer(&x, &y, mux); /* not offered, so not taken */
	assert_false(y.far.rtcp_mux);
	assert_true(str_find(body, STR("a=rtcp-mux\r\n")) < body.len);
	y.ours.rtcp_mux = true;
	body = pass_offer(&x, &y, SIPP_UAS);
	assert_true(str_find(body, STR("a=rtcp-mux\r\n")) < body.len);
	body = pass_answer(&x, &y, mux);
	assert_true(y.far.rtcp_mux && str_find(body, STR("rtcp-mux")) == body.len);
}

/* P6: what could be taken for another line does not cross. */
static void
test_clean(void **state)
{
	struct leg x, y;
	struct str body;

	(void)state;
	open_leg(&x, &clear, "198.51.100.1:30000", 1);
	open_leg(&y, &clear, "10.0.0.1:40000", 2);
	body = pass_offer(&x, &y,
			  HEAD "m=audio 10000 RTP/AVP 8 96\r\na=fmtp:8 a\x0b"
			       "b\r\na=rtpmap:96 X/8000\r\na=fmtp:96 caf\xc3\xa9\r\n");
	assert_true(str_find(body, STR("a=fmtp:8")) == body.len);
	assert_true(str_find(body, STR("a=fmtp:96 caf\xc3\xa9\r\n")) < body.len);
}

/* Nothing is written, and nothing changed, where it would not fit the leg. */
static void
test_refusals(void **state)
{
	struct sdp_layout lay;
	struct sdp_origin origin;
	struct leg x, y;
	struct buf b;
	char small[150];

	(void)state;
	open_leg(&x, &secure, "198.51.100.1:30000", 1);
	open_leg(&y, &clear, "10.0.0.1:40000", 2);
	(void)pass_offer(&x, &y, BARESIP);
	lay = y.lay;
	origin = y.origin;
	for (size_t cap = 0; cap <= sizeof(small); cap++) {
		buf_init(&b, small, cap);
		assert_int_equal(sdp_offer_write(&(struct sdp_part){.ours = &y.ours,
								    .media = &from_a.media[0],
								    .list = &y.list},
						 NULL, &y.lay, &y.origin, &b),
				 ERR_LONG);
		assert_int_equal(b.len, 0);
	}
	assert_memory_equal(&lay, &y.lay, sizeof(lay));
	assert_memory_equal(&origin, &y.origin, sizeof(origin));
#define WRITE(leg)                                                                                 \
	sdp_offer_write(&(struct sdp_part){.ours = &(leg).ours,                                    \
					   .media = from_a.media,                                  \
					   .list = &y.list,                                        \
					   .dir = SDP_SENDRECV},                                   \
			NULL, &(leg).lay, &(leg).origin, &b)
	buf_init(&b, mem_b, sizeof(mem_b));
	x.ours.n_crypto = 0;
	assert_int_equal(WRITE(x), ERR_STATE); /* M9: a secure leg without keys */
	y.ours.n_crypto = 1;
	assert_int_equal(WRITE(y), ERR_STATE); /* M9: keys on a clear leg */
	y.ours.n_crypto = 0;
	y.ours.media.port = 0;
	assert_int_equal(WRITE(y), ERR_STATE);
	y.ours.media.port = 40000;
	y.list.n = 0;
	assert_int_equal(WRITE(y), ERR_NOTFOUND);
	y.list.n = 3;
	y.lay.audio = 1;
	assert_int_equal(WRITE(y), ERR_STATE);
	assert_int_equal(b.len, 0);
#undef WRITE
}

/* M9: video is protected as the audio of its leg is, and nothing else is written. */
static void
test_video_with_audio(void **state)
{
	struct leg x, y;
	struct sdp_part audio, video;
	struct buf b;

	(void)state;
	open_leg(&x, &secure, "198.51.100.1:30000", 1);
	open_leg(&y, &clear, "10.0.0.1:40000", 2);
	(void)pass_offer(&x, &y, BARESIP);
	audio = (struct sdp_part){
		.ours = &y.ours, .media = from_a.media, .list = &y.list, .dir = SDP_SENDRECV};
	video = (struct sdp_part){.ours = &x.ours, .media = from_a.media, .dir = SDP_SENDRECV};
	x.ours.media = y.ours.media;
	buf_init(&b, mem_b, sizeof(mem_b));
	assert_int_equal(sdp_offer_write(&audio, &video, &y.lay, &y.origin, &b), ERR_STATE);
	assert_int_equal(b.len, 0);
	video.ours = &y.ours;
	assert_int_equal(sdp_offer_write(&audio, &video, &y.lay, &y.origin, &b), ERR_OK);
	assert_int_equal(y.lay.video, 2);
}

/* M9: the answer's line is the offer's tag and suite, and on the right kind of leg. */
static void
test_answer_refusals(void **state)
{
	struct leg x, y;
	struct buf b;

	(void)state;
	open_leg(&x, &secure, "198.51.100.1:30000", 1);
	open_leg(&y, &clear, "10.0.0.1:40000", 2);
	(void)pass_offer(&x, &y, BARESIP);
	assert_int_equal(sdp_local_answer(&x.ours, &x.far), ERR_OK);
	buf_init(&b, mem_a, sizeof(mem_a));
#define WRITE(leg)                                                                                 \
	sdp_answer_write(&from_a,                                                                  \
			 &(struct sdp_part){.ours = &(leg).ours,                                   \
					    .media = from_a.media,                                 \
					    .list = &y.list,                                       \
					    .offered = &x.far,                                     \
					    .dir = SDP_SENDRECV},                                  \
			 NULL, &(leg).lay, &(leg).origin, &b)
	x.ours.crypto[0].tag = 2;
	assert_int_equal(WRITE(x), ERR_STATE);
	x.ours.crypto[0].tag = 1;
	x.ours.crypto[0].suite = SDP_SUITE_AES_CM_128_32;
	assert_int_equal(WRITE(x), ERR_STATE);
	x.ours.crypto[0].suite = SDP_SUITE_AES_CM_128_80;
	assert_int_equal(WRITE(y), ERR_STATE);
	assert_int_equal(b.len, 0);
	assert_int_equal(WRITE(x), ERR_OK);
#undef WRITE
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pbx_to_gateway),   cmocka_unit_test(test_gateway_to_pbx),
		cmocka_unit_test(test_allow_list),       cmocka_unit_test(test_many_media),
		cmocka_unit_test(test_version),          cmocka_unit_test(test_hold),
		cmocka_unit_test(test_rtcp_mux),         cmocka_unit_test(test_clean),
		cmocka_unit_test(test_refusals),         cmocka_unit_test(test_answer_refusals),
		cmocka_unit_test(test_video_with_audio),
	};

	return cmocka_run_group_tests_name("offer", tests, NULL, NULL);
}
