#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "sdp/list.h"
#include "sdp/local.h"
#include "unit/sdp/bodies.h"

#define SAVP HEAD AUDIO_SAVP MAPS
#define AVP HEAD AUDIO_AVP MAPS
#define LINE(tag, suite, key) "a=crypto:" tag " " suite " inline:" key "\r\n"
#define S80 "AES_CM_128_HMAC_SHA1_80"
#define S32 "AES_CM_128_HMAC_SHA1_32"
#define KEY_SHORT "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYg=="
#define KEY_LONG KEY_A "YQ=="
/* keys and salts of 28, 44 and 46 bytes, for GCM and AES-256 */
#define KEY_28 "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYg=="
#define KEY_44 "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXI="
#define KEY_46 "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdA=="
#define GCM128 "AEAD_AES_128_GCM"
#define GCM256 "AEAD_AES_256_GCM"
#define C256_80 "AES_256_CM_HMAC_SHA1_80"

static const struct sdp_policy secure = {
	.secure = true, .first = true, .suites = SDP_SUITES_OFFERED};
static const struct sdp_policy any = {.secure = true, .first = true, .suites = SDP_SUITES_TAKEN};
static const struct sdp_policy strongest = {
	.secure = true,
	.first = true,
	.suites = {3, {SDP_SUITE_AEAD_256_GCM, SDP_SUITE_AES_256_CM_80, SDP_SUITE_AES_CM_128_80}}};
static const struct sdp_suites offered_suites = SDP_SUITES_OFFERED;
static const struct sdp_policy secure_again = {.secure = true, .suites = SDP_SUITES_OFFERED};
static const struct sdp_policy clear = {.first = true, .suites = SDP_SUITES_OFFERED};
static const struct sdp_policy only_alaw = {.first = true, .codecs = {.n = 1, .v = {1}}};

static struct sdp sdp;

/* tag 0: refused; on a clear leg 1 stands for accepted. */
static const struct {
	const char *name, *body;
	const struct sdp_policy *policy;
	uint32_t tag;
	const char *why; /* a part of the reason */
} offers[] = {
	{"sipp", SIPP_UAC, &secure, 1, NULL},
	{"baresip", BARESIP, &secure, 1, NULL},
	{"rtpengine: our order, not theirs", RTPENGINE, &secure, 7, NULL},
	{"teams: MKI is left aside", TEAMS, &secure, 2, NULL},
	{"sipp gateway", SIPP_UAS, &clear, 1, NULL},
	{"M9/SAVP", SAVP CRYPTO80, &secure, 1, NULL},
	{"M9/SAVPF", HEAD "m=audio 4000 RTP/SAVPF 8\r\n" CRYPTO80, &secure, 1, NULL},
	{"M9/SAVP 32-bit tag", SAVP LINE("9", S32, KEY_A), &secure, 9, NULL},
	{"M9/SAVP 32 before 80", SAVP LINE("1", S32, KEY_A) LINE("2", S80, KEY_B), &secure, 2,
	 NULL},
	{"M9/SAVP without crypto", SAVP, &secure, 0, "without a=crypto"},
	{"M9/SAVP crypto in the session", HEAD CRYPTO80 AUDIO_SAVP MAPS, &secure, 0,
	 "without a=crypto"},
	{"M9/AVP", AVP, &secure, 0, "RTP/AVP without"},
	{"M9/AVP with crypto", AVP CRYPTO80, &secure, 0, "a=crypto under RTP/AVP"},
	{"M9/AVPF with crypto", HEAD "m=audio 4000 RTP/AVPF 8\r\n" CRYPTO80, &secure, 0,
	 "a=crypto under"},
	{"M9/DTLS", HEAD "m=audio 4000 UDP/TLS/RTP/SAVPF 8\r\na=fingerprint:sha-256 00\r\n",
	 &secure, 0, "DTLS"},
	{"M9/DTLS with crypto", HEAD "m=audio 4000 UDP/TLS/RTP/SAVP 8\r\n" CRYPTO80, &secure, 0,
	 "DTLS"},
	{"M9/made-up profile", HEAD "m=audio 4000 RTP/SAVPX 8\r\n" CRYPTO80, &secure, 0, "not RTP"},
	{"M9/key short", SAVP LINE("1", S80, KEY_SHORT), &secure, 0, "wrong length"},
	{"M9/key long", SAVP LINE("1", S80, KEY_LONG), &secure, 0, "wrong length"},
	{"M9/key short, then good", SAVP LINE("1", S80, KEY_SHORT) LINE("2", S80, KEY_B), &secure,
	 2, NULL},
	{"M9/tag 0", SAVP LINE("0", S80, KEY_A), &secure, 0, "not well formed"},
	{"M9/tag text", SAVP LINE("x", S80, KEY_A), &secure, 0, "not well formed"},
	{"M9/tag 2^32+1", SAVP LINE("4294967297", S80, KEY_A), &secure, 0, "not well formed"},
	{"M9/tag of ten digits", SAVP LINE("1234567890", S80, KEY_A), &secure, 0,
	 "not well formed"},
	{"M9/tag twice", SAVP LINE("1", S80, KEY_A) LINE("1", S80, KEY_B), &secure, 0, "same tag"},
	{"M9/tag twice, one unknown suite", SAVP LINE("1", "X", KEY_A) LINE("1", S80, KEY_B),
	 &secure, 0, "same tag"},
	{"M9/unknown suites only", SAVP LINE("1", "F8_128_HMAC_SHA1_80", KEY_A), &secure, 0,
	 "no a=crypto with a suite"},
	{"M9/NULL cipher only", SAVP LINE("1", "NULL_HMAC_SHA1_80", KEY_A), &secure, 0,
	 "no a=crypto with a suite"},
	{"M9/unknown suite first",
	 SAVP LINE("1", "F8_128_HMAC_SHA1_80", KEY_A) LINE("2", S80, KEY_B), &secure, 2, NULL},
	{"M9/known suite outside the policy",
	 SAVP LINE("1", "AEAD_AES_128_GCM", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nw=="), &secure, 0,
	 "no a=crypto with a suite"},
	{"M9/UNENCRYPTED_SRTP", SAVP "a=crypto:1 " S80 " inline:" KEY_A " UNENCRYPTED_SRTP\r\n",
	 &secure, 0, "takes encryption"},
	{"M9/UNENCRYPTED_SRTCP", SAVP "a=crypto:1 " S80 " inline:" KEY_A " UNENCRYPTED_SRTCP\r\n",
	 &secure, 0, "takes encryption"},
	{"M9/UNAUTHENTICATED_SRTP",
	 SAVP "a=crypto:1 " S80 " inline:" KEY_A " UNAUTHENTICATED_SRTP\r\n", &secure, 0,
	 "takes encryption"},
	{"M9/UNENCRYPTED_SRTP, then good",
	 SAVP "a=crypto:1 " S80 " inline:" KEY_A " UNENCRYPTED_SRTP\r\n" LINE("2", S32, KEY_B),
	 &secure, 2, NULL},
	{"M9/KDR", SAVP "a=crypto:1 " S80 " inline:" KEY_A " KDR=1\r\n", &secure, 0,
	 "no a=crypto with a suite"},
	{"M9/MKI", SAVP "a=crypto:1 " S80 " inline:" KEY_A "|2^31|1:4\r\n", &secure, 1, NULL},
	{"M9/MKI, no lifetime", SAVP LINE("1", S80, KEY_A "|1:4"), &secure, 1, NULL},
	{"M9/MKI before lifetime", SAVP LINE("1", S80, KEY_A "|1:4|2^20"), &secure, 1, NULL},
	{"M9/MKI rather without", SAVP LINE("1", S80, KEY_A "|1:1") LINE("2", S80, KEY_B), &secure,
	 2, NULL},
	{"M9/MKI, suite before it", SAVP LINE("1", S80, KEY_A "|1:1") LINE("2", S32, KEY_B),
	 &secure, 1, NULL},
	{"M9/MKI longer than its length", SAVP LINE("1", S80, KEY_A "|256:1"), &secure, 0,
	 "wrong length"},
	{"M9/MKI of 129 bytes", SAVP LINE("1", S80, KEY_A "|1:129"), &secure, 0, "wrong length"},
	{"M9/two keys with MKI", SAVP LINE("1", S80, KEY_A "|1:4;inline:" KEY_B "|2:4"), &secure, 0,
	 "no a=crypto with a suite"},
	{"M9/two keys, then one",
	 SAVP LINE("1", S80, KEY_A "|1:4;inline:" KEY_B "|2:4") LINE("2", S80, KEY_A), &secure, 2,
	 NULL},
	{"M9/any: GCM 128", SAVP LINE("3", GCM128, KEY_28), &any, 3, NULL},
	{"M9/any: GCM 256", SAVP LINE("3", GCM256, KEY_44), &any, 3, NULL},
	{"M9/any: AES-256", SAVP LINE("3", C256_80, KEY_46), &any, 3, NULL},
	{"M9/any: AES-256, other name", SAVP LINE("3", "AES_CM_256_HMAC_SHA1_80", KEY_46), &any, 3,
	 NULL},
	{"M9/any: AES-192", SAVP LINE("3", "AES_192_CM_HMAC_SHA1_80", KEY_46), &any, 0,
	 "wrong length"},
	{"M9/any: SHA1_80 before all", SAVP LINE("1", GCM256, KEY_44) LINE("2", S80, KEY_A), &any,
	 2, NULL},
	{"M9/GCM with a key for AES-CM", SAVP LINE("1", GCM128, KEY_A), &any, 0, "wrong length"},
	{"M9/GCM unencrypted", SAVP LINE("1", GCM128, KEY_28 " UNENCRYPTED_SRTP"), &any, 0,
	 "takes encryption"},
	{"M9/list: order of the trunk",
	 SAVP LINE("1", S80, KEY_A) LINE("2", C256_80, KEY_46) LINE("3", GCM256, KEY_44),
	 &strongest, 3, NULL},
	{"M9/list: not in it", SAVP LINE("1", S32, KEY_A) LINE("2", GCM128, KEY_28), &strongest, 0,
	 "no a=crypto with a suite"},
	{"lifetime", SAVP "a=crypto:1 " S80 " inline:" KEY_A "|2^31\r\n", &secure, 1, NULL},
	{"M9/two m-lines, clear first",
	 HEAD "m=audio 4000 RTP/AVP 8\r\nm=audio 4002 RTP/SAVP 8\r\n" CRYPTO80, &secure, 1, NULL},
	{"M9/two m-lines, both clear", HEAD "m=audio 4000 RTP/AVP 8\r\nm=audio 4002 RTP/AVP 8\r\n",
	 &secure, 0, "RTP/AVP without"},
	{"M9/clear leg: AVP", AVP, &clear, 1, NULL},
	{"M9/clear leg: AVPF", HEAD "m=audio 4000 RTP/AVPF 8\r\n", &clear, 1, NULL},
	{"M9/clear leg: AVP with crypto, not taken", AVP CRYPTO80, &clear, 1, NULL},
	{"M9/clear leg: SAVP", SAVP CRYPTO80, &clear, 0, "without encryption"},
	{"M9/clear leg: SAVP without crypto", SAVP, &clear, 0, "without encryption"},
	{"M9/clear leg: DTLS", HEAD "m=audio 4000 UDP/TLS/RTP/SAVP 8\r\n", &clear, 0, "DTLS"},
	{"no m-line", HEAD, &clear, 0, "no audio"},
	{"video only", HEAD "m=video 4000 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n", &clear, 0,
	 "no audio"},
	{"T.38 only", HEAD "m=image 4000 udptl t38\r\n", &secure, 0, "no audio"},
	{"audio not RTP", HEAD "m=audio 4000 udp 0\r\n", &clear, 0, "not RTP"},
	{"port 0 in a first offer", HEAD "m=audio 0 RTP/SAVP 8\r\n", &secure, 0, "port 0"},
	{"port 0 in a re-INVITE", HEAD "m=audio 0 RTP/AVP 8\r\n", &secure_again, 0, NULL},
	{"M9/re-INVITE from SAVP to AVP", AVP, &secure_again, 0, "RTP/AVP without"},
	{"multicast", "v=0\no=- 1 1 IN IP4 1.1.1.1\nc=IN IP4 233.252.0.1/1\nm=audio 1 RTP/AVP 0\n",
	 &clear, 0, "multicast"},
	{"multicast without TTL",
	 "v=0\no=- 1 1 IN IP4 1.1.1.1\nc=IN IP4 224.0.0.1\nm=audio 1 RTP/AVP 0\n", &clear, 0,
	 "multicast"},
	{"broadcast",
	 "v=0\no=- 1 1 IN IP4 1.1.1.1\nc=IN IP4 255.255.255.255\nm=audio 1 RTP/AVP 0\n", &clear, 0,
	 "multicast"},
	{"multicast RTCP",
	 "v=0\no=- 1 1 IN IP4 1.1.1.1\nc=IN IP4 1.1.1.1\nm=audio 1 RTP/AVP 0\n"
	 "a=rtcp:9 IN IP4 239.1.1.1\n",
	 &clear, 0, "multicast"},
	{"host name", "v=0\no=- 1 1 IN IP4 1.1.1.1\nc=IN IP4 a.example\nm=audio 1 RTP/AVP 0\n",
	 &clear, 0, "host name"},
	{"two ports", HEAD "m=audio 4000/2 RTP/AVP 0\r\n", &clear, 0, "several ports"},
	{"no codec known", HEAD "m=audio 4000 RTP/AVP 96\r\n", &clear, 0, "needs an a=rtpmap"},
	{"a reserved number", HEAD "m=audio 4000 RTP/AVP 72\r\n", &clear, 0, "needs an a=rtpmap"},
	{"no codec known, where a list is", HEAD "m=audio 4000 RTP/AVP 99\r\n", &only_alaw, 0,
	 "needs an a=rtpmap"},
	{"no codec of the list", HEAD "m=audio 4000 RTP/AVP 0 99\r\n", &only_alaw, 0,
	 "no codec that the trunk takes"},
	{"events alone, where a list is",
	 HEAD "m=audio 4000 RTP/AVP 13 101\r\na=rtpmap:101 telephone-event/8000\r\n", &only_alaw, 0,
	 "only events"},
	{"events only", HEAD "m=audio 4000 RTP/AVP 101\r\na=rtpmap:101 telephone-event/8000\r\n",
	 &clear, 0, "only events"},
};

static void
test_offers(void **state)
{
	unsigned bad = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(offers); i++) {
		struct sdp_refusal why = {.text = ""};
		struct sdp_stream st;
		bool taken, right;
		enum err e;

		memset(&st, 0x5a, sizeof(st));
		assert_int_equal(sdp_parse(str_from(offers[i].body), &sdp), ERR_OK);
		e = sdp_offer_read(&sdp, offers[i].policy, NULL, &st, &why);
		taken = e == ERR_OK;
		right = taken == (offers[i].why == NULL);
		if (taken && !st.disabled && offers[i].policy->secure)
			right &= st.tag == offers[i].tag && st.suite &&
				 st.key.key_len == sdp_suite_info(st.suite)->key_len;
		if (taken && !offers[i].policy->secure)
			right &= st.tag == 0 && st.suite == SDP_SUITE_NONE && st.key.key_len == 0;
		if (!taken)
			right &= why.status == 488 && offers[i].why && e == ERR_REFUSED &&
				 strstr(why.text, offers[i].why) && st.index == 0x5a;
		if (!right) {
			print_error("%s: %s tag %u, %s\n", offers[i].name, err_name(e), st.tag,
				    why.text);
			bad++;
		}
	}
	assert_int_equal(bad, 0);
}

static void
test_facts(void **state)
{
	struct sdp_refusal why;
	struct sdp_stream st;

	(void)state;
	assert_int_equal(sdp_parse(str_from(BARESIP), &sdp), ERR_OK);
	assert_int_equal(sdp_offer_read(&sdp, &secure, NULL, &st, &why), ERR_OK);
	assert_string_equal(addr_text(&st.rtp).z, "127.0.0.1:20000");
	assert_string_equal(addr_text(&st.rtcp).z, "127.0.0.1:20001");
	assert_string_equal(st.codec, "PCMA");
	assert_true(st.codec_pt == 8 && st.clock == 8000 && st.ptime == 20);
	assert_true(st.telephone_event_pt == 101 && st.n_pts == 3 && st.pts[1] == 0);
	assert_true(!st.hold && !st.disabled && st.direction == SDP_SENDRECV && !st.rtcp_mux);
	assert_memory_equal(st.key.key, "ABCDEFGHIJKLMNOP", 16);
	assert_int_equal(st.suite, SDP_SUITE_AES_CM_128_80);

	assert_int_equal(sdp_parse(str_from(TEAMS), &sdp), ERR_OK);
	assert_int_equal(sdp_offer_read(&sdp, &secure, NULL, &st, &why), ERR_OK);
	assert_string_equal(st.codec, "SILK");
	assert_true(st.clock == 16000 && st.n_pts == 11 && st.rtcp_mux);
	assert_true(st.telephone_event_pt == 101 && st.key.lifetime == 1ull << 31);
	assert_string_equal(addr_text(&st.rtcp).z, "192.0.2.77:49769");
	sdp_stream_wipe(&st);
	assert_true(st.key.key[0] == 0 && st.n_pts == 0);
}

static void
test_events(void **state)
{
	static const struct {
		const char *name, *body;
		uint8_t want;
	} rows[] = {
		{"none", HEAD "m=audio 1 RTP/AVP 0\r\n", SDP_PT_NONE},
		{"one", HEAD "m=audio 1 RTP/AVP 0 96\r\na=rtpmap:96 telephone-event/8000\r\n", 96},
		{"any case", HEAD "m=audio 1 RTP/AVP 0 96\r\na=rtpmap:96 Telephone-Event/8000\r\n",
		 96},
		{"of the codec's clock",
		 HEAD "m=audio 1 RTP/AVP 0 96 97\r\na=rtpmap:96 telephone-event/48000\r\n"
		      "a=rtpmap:97 telephone-event/8000\r\n",
		 97},
		{"other clock only",
		 HEAD "m=audio 1 RTP/AVP 0 96\r\na=rtpmap:96 telephone-event/48000\r\n", 96},
		{"before the codec",
		 HEAD "m=audio 1 RTP/AVP 96 0\r\na=rtpmap:96 telephone-event/8000\r\n", 96},
	};
	struct sdp_refusal why;
	struct sdp_stream st;
	unsigned bad = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(sdp_parse(str_from(rows[i].body), &sdp), ERR_OK);
		assert_int_equal(sdp_offer_read(&sdp, &clear, NULL, &st, &why), ERR_OK);
		if (st.telephone_event_pt != rows[i].want || st.codec_pt != 0) {
			print_error("%s: %u\n", rows[i].name, st.telephone_event_pt);
			bad++;
		}
	}
	assert_int_equal(bad, 0);
}

/* Row 27: hold in its spellings, and where RTCP goes. */
static void
test_hold(void **state)
{
	static const struct {
		const char *name, *lines;
		bool hold, disabled;
		enum sdp_direction direction;
		const char *rtp, *rtcp; /* "": none */
	} rows[] = {
		{"talk", "m=audio 4000 RTP/AVP 0\n", false, false, SDP_SENDRECV, "192.0.2.1:4000",
		 "192.0.2.1:4001"},
		{"sendonly", "m=audio 4000 RTP/AVP 0\na=sendonly\n", true, false, SDP_SENDONLY,
		 "192.0.2.1:4000", "192.0.2.1:4001"},
		{"inactive", "m=audio 4000 RTP/AVP 0\na=inactive\n", true, false, SDP_INACTIVE,
		 "192.0.2.1:4000", "192.0.2.1:4001"},
		{"recvonly is no hold", "m=audio 4000 RTP/AVP 0\na=recvonly\n", false, false,
		 SDP_RECVONLY, "192.0.2.1:4000", "192.0.2.1:4001"},
		{"c=0.0.0.0", "m=audio 4000 RTP/AVP 0\nc=IN IP4 0.0.0.0\n", true, false,
		 SDP_SENDONLY, "", ""},
		{"c=0.0.0.0 recvonly", "m=audio 4000 RTP/AVP 0\nc=IN IP4 0.0.0.0\na=recvonly\n",
		 true, false, SDP_INACTIVE, "", ""},
		{"c=::", "m=audio 4000 RTP/AVP 0\nc=IN IP6 ::\n", true, false, SDP_SENDONLY, "",
		 ""},
		{"port 0", "m=audio 0 RTP/AVP 0\n", true, true, SDP_INACTIVE, "", ""},
		{"session says inactive", "a=inactive\nm=audio 4000 RTP/AVP 0\n", true, false,
		 SDP_INACTIVE, "192.0.2.1:4000", "192.0.2.1:4001"},
		{"a=rtcp", "m=audio 4000 RTP/AVP 0\na=rtcp:5001\n", false, false, SDP_SENDRECV,
		 "192.0.2.1:4000", "192.0.2.1:5001"},
		{"a=rtcp with address", "m=audio 4000 RTP/AVP 0\na=rtcp:5001 IN IP4 192.0.2.8\n",
		 false, false, SDP_SENDRECV, "192.0.2.1:4000", "192.0.2.8:5001"},
		{"a=rtcp nowhere", "m=audio 4000 RTP/AVP 0\na=rtcp:5001 IN IP4 0.0.0.0\n", false,
		 false, SDP_SENDRECV, "192.0.2.1:4000", ""},
		{"last port", "m=audio 65535 RTP/AVP 0\n", false, false, SDP_SENDRECV,
		 "192.0.2.1:65535", ""},
	};
	static const struct sdp_policy again = {0};
	unsigned bad = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sdp_refusal why = {.text = ""};
		struct sdp_stream st;
		char mem[512];
		struct buf b;
		enum err e;

		buf_init(&b, mem, sizeof(mem));
		buf_z(&b, HEAD);
		buf_z(&b, rows[i].lines);
		assert_int_equal(sdp_parse(buf_view(&b), &sdp), ERR_OK);
		e = sdp_offer_read(&sdp, &again, NULL, &st, &why);
		if (e != ERR_OK || st.hold != rows[i].hold || st.disabled != rows[i].disabled ||
		    st.direction != rows[i].direction ||
		    strcmp(st.rtp.family ? addr_text(&st.rtp).z : "", rows[i].rtp) ||
		    strcmp(st.rtcp.family ? addr_text(&st.rtcp).z : "", rows[i].rtcp)) {
			print_error("%s: %s %s rtcp %s\n", rows[i].name, why.text,
				    addr_text(&st.rtp).z, addr_text(&st.rtcp).z);
			bad++;
		}
	}
	assert_int_equal(bad, 0);
}

static void
test_directions(void **state)
{
	/* far end's offer, what the other leg answered, our answer, far end sends, far end hears */
	static const struct {
		enum sdp_direction offered, wanted, ours;
		bool sends, hears;
	} rows[] = {
		{SDP_SENDRECV, SDP_SENDRECV, SDP_SENDRECV, true, true},
		{SDP_SENDRECV, SDP_RECVONLY, SDP_RECVONLY, true, false},
		{SDP_SENDRECV, SDP_INACTIVE, SDP_INACTIVE, false, false},
		{SDP_SENDONLY, SDP_SENDRECV, SDP_RECVONLY, true, false},
		{SDP_SENDONLY, SDP_SENDONLY, SDP_INACTIVE, false, false},
		{SDP_RECVONLY, SDP_SENDRECV, SDP_SENDONLY, false, true},
		{SDP_INACTIVE, SDP_SENDRECV, SDP_INACTIVE, false, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sdp_stream st = {.direction = rows[i].offered};
		enum sdp_direction ours = sdp_answer_direction(rows[i].offered, rows[i].wanted);

		assert_int_equal(ours, rows[i].ours);
		sdp_stream_agree(&st, ours);
		assert_true(st.far_sends == rows[i].sends && st.far_receives == rows[i].hears);
		st.disabled = true;
		sdp_stream_agree(&st, ours);
		assert_true(!st.far_sends && !st.far_receives);
	}
}

/* Our offer: PCMA, PCMU, events on one m-line; secure: tags 1 (80) and 2 (32). */
static const struct {
	const char *name, *body;
	const struct sdp_policy *policy;
	enum sdp_suite suite;
	const char *why;
} answers[] = {
	{"first tag", SAVP LINE("1", S80, KEY_B), &secure, SDP_SUITE_AES_CM_128_80, NULL},
	{"second tag", SAVP LINE("2", S32, KEY_B), &secure, SDP_SUITE_AES_CM_128_32, NULL},
	{"M9/no crypto", SAVP, &secure, 0, "answer without a=crypto"},
	{"M9/AVP", AVP, &secure, 0, "RTP/AVP without"},
	{"M9/AVP with crypto", AVP LINE("1", S80, KEY_B), &secure, 0, "a=crypto under"},
	{"M9/SAVPF for SAVP", HEAD "m=audio 4000 RTP/SAVPF 8\r\n" CRYPTO80, &secure, 0,
	 "another transport"},
	{"M9/two lines", SAVP LINE("1", S80, KEY_B) LINE("2", S32, KEY_B), &secure, 0, "several"},
	{"M9/tag not ours", SAVP LINE("3", S80, KEY_B), &secure, 0, "not offered"},
	{"M9/suite of another tag", SAVP LINE("2", S80, KEY_B), &secure, 0, "not offered"},
	{"M9/suite outside", SAVP LINE("1", "AES_256_CM_HMAC_SHA1_80", KEY_B), &secure, 0,
	 "wrong length"},
	{"M9/tag 0", SAVP LINE("0", S80, KEY_B), &secure, 0, "not well formed"},
	{"M9/key short", SAVP LINE("1", S80, KEY_SHORT), &secure, 0, "wrong length"},
	{"M9/UNENCRYPTED_SRTCP", SAVP "a=crypto:1 " S80 " inline:" KEY_B " UNENCRYPTED_SRTCP\r\n",
	 &secure, 0, "takes encryption"},
	{"M9/MKI", SAVP "a=crypto:1 " S80 " inline:" KEY_B "|1:4\r\n", &secure,
	 SDP_SUITE_AES_CM_128_80, NULL},
	{"M9/clear leg with crypto", AVP CRYPTO80, &clear, 0, "not offered"},
	{"M9/clear leg SAVP", SAVP CRYPTO80, &clear, 0, "without encryption"},
	{"clear leg", AVP, &clear, 0, NULL},
	{"port 0", HEAD "m=audio 0 RTP/AVP 8\r\n", &clear, 0, "refused with port 0"},
	{"no m-line", HEAD, &clear, 0, "number of m-lines"},
	{"two m-lines", AVP AUDIO_AVP, &clear, 0, "number of m-lines"},
	{"video instead", HEAD "m=video 4000 RTP/AVP 8\r\n", &clear, 0, "media type"},
	{"port 0 in a re-INVITE", HEAD "m=audio 0 RTP/SAVP 8\r\n", &secure_again, 0, NULL},
	{"codec not offered", HEAD "m=audio 4000 RTP/AVP 18\r\n", &clear, 0,
	 "no codec of the offer"},
};

static void
make_ours(struct sdp_local *ours, const struct sdp_policy *p)
{
	memset(ours, 0, sizeof(*ours));
	ours->secure = p->secure;
	assert_int_equal(sdp_local_offer(ours, &p->suites), ERR_OK);
}

/* What is offered on is all of it; sdp holds the offer. */
static void
make_list(const struct sdp_stream *offered, struct sdp_list *asked)
{
	const struct sdp_codecs all = {0};
	struct sdp_numbers numbers = {0};

	assert_int_equal(sdp_list_offer(offered, &sdp.media[offered->index], &all, &numbers, asked),
			 ERR_OK);
}

static void
test_answers(void **state)
{
	const struct sdp_layout lay = {.n = 1};
	struct sdp_stream offered, st;
	struct sdp_list asked;
	struct sdp_refusal why;
	unsigned bad = 0;

	(void)state;
	assert_int_equal(sdp_parse(str_from(BARESIP), &sdp), ERR_OK);
	assert_int_equal(sdp_offer_read(&sdp, &secure, NULL, &offered, &why), ERR_OK);
	make_list(&offered, &asked);
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		struct sdp_local ours;
		bool right;
		enum err e;

		why = (struct sdp_refusal){.text = ""};
		make_ours(&ours, answers[i].policy);
		assert_int_equal(sdp_parse(str_from(answers[i].body), &sdp), ERR_OK);
		e = sdp_answer_read(&sdp, answers[i].policy, &ours, &lay, &asked, &st, &why);
		right = (e == ERR_OK) == (answers[i].why == NULL);
		if (e == ERR_OK)
			right &= st.suite == answers[i].suite && (st.disabled || st.n_pts == 2);
		else
			right &= why.status == 488 && answers[i].why &&
				 strstr(why.text, answers[i].why);
		if (!right) {
			print_error("%s: %s %s\n", answers[i].name, err_name(e), why.text);
			bad++;
		}
	}
	assert_int_equal(bad, 0);
}

/* RFC 3264 6.1: an answer may number a dynamic payload type anew; a static one means itself. */
static void
test_answered_codecs(void **state)
{
	static const char offer[] =
		HEAD "m=audio 1 RTP/AVP 0 18 96 101\r\na=rtpmap:96 opus/48000/2\r\n"
		     "a=rtpmap:101 telephone-event/8000\r\na=rtpmap:18 G729/8000\r\n";
	static const char answer[] =
		HEAD "m=audio 1 RTP/AVP 18 8 111 96 97 102\r\na=rtpmap:18 G729A/8000\r\n"
		     "a=rtpmap:111 OPUS/48000/2\r\na=rtpmap:96 speex/8000\r\n"
		     "a=rtpmap:97 opus/48000\r\na=rtpmap:102 telephone-event/8000\r\n";
	const struct sdp_layout lay = {.n = 1};
	struct sdp_stream offered, st;
	struct sdp_local ours = {0};
	struct sdp_list asked;
	struct sdp_refusal why;

	(void)state;
	assert_int_equal(sdp_parse(str_from(offer), &sdp), ERR_OK);
	assert_int_equal(sdp_offer_read(&sdp, &clear, NULL, &offered, &why), ERR_OK);
	make_list(&offered, &asked);
	assert_int_equal(sdp_parse(str_from(answer), &sdp), ERR_OK);
	assert_int_equal(sdp_answer_read(&sdp, &clear, &ours, &lay, &asked, &st, &why), ERR_OK);
	assert_int_equal(st.n_pts, 3);
	assert_true(st.pts[0] == 18 && st.pts[1] == 111 && st.pts[2] == 102);
	assert_true(st.telephone_event_pt == 102 && st.clock == 8000);
	assert_string_equal(st.codec, "G729A");
}

/* The relayed line stays where it was; lines never grow fewer. */
static void
test_layout(void **state)
{
	const struct sdp_layout lay = {.n = 2, .audio = 1};
	static const struct sdp_policy again = {0};
	struct sdp_stream st;
	struct sdp_refusal why;

	(void)state;
	assert_int_equal(
		sdp_parse(str_from(HEAD "m=audio 1 RTP/AVP 0\r\nm=audio 3 RTP/AVP 0\r\n"), &sdp),
		ERR_OK);
	assert_int_equal(sdp_offer_read(&sdp, &again, &lay, &st, &why), ERR_OK);
	assert_int_equal(st.index, 1);
	assert_int_equal(sdp_offer_read(&sdp, &again, NULL, &st, &why), ERR_OK);
	assert_int_equal(st.index, 0);
	assert_int_equal(
		sdp_parse(str_from(HEAD "m=audio 1 RTP/AVP 0\r\nm=audio 0 RTP/AVP 0\r\n"), &sdp),
		ERR_OK);
	assert_int_equal(sdp_offer_read(&sdp, &again, &lay, &st, &why), ERR_OK);
	assert_int_equal(st.index, 0);
	assert_int_equal(
		sdp_parse(str_from(HEAD "m=audio 0 RTP/AVP 0\r\nm=audio 0 RTP/AVP 0\r\n"), &sdp),
		ERR_OK);
	assert_int_equal(sdp_offer_read(&sdp, &again, &lay, &st, &why), ERR_OK);
	assert_true(st.index == 1 && st.disabled && st.n_pts == 1);
	assert_int_equal(sdp_parse(str_from(HEAD "m=audio 1 RTP/AVP 0\r\n"), &sdp), ERR_OK);
	assert_int_equal(sdp_offer_read(&sdp, &again, &lay, &st, &why), ERR_REFUSED);
	assert_non_null(strstr(why.text, "fewer m-lines"));
	/* three lines, the middle one relayed so far and now switched off */
	assert_int_equal(sdp_parse(str_from(HEAD "m=video 1 RTP/AVP 0\r\nm=audio 0 RTP/AVP 0\r\n"
						 "m=audio 3 RTP/AVP 0\r\n"),
				   &sdp),
			 ERR_OK);
	assert_int_equal(sdp_offer_read(&sdp, &again, &lay, &st, &why), ERR_OK);
	assert_int_equal(st.index, 2);
}

static void
test_local_keys(void **state)
{
	struct sdp_local l = {.secure = true};
	struct sdp_stream st = {.tag = 77, .suite = SDP_SUITE_AES_CM_128_32, .spelling = 1};
	struct sdp_line was;

	(void)state;
	assert_int_equal(sdp_local_offer(&l, &offered_suites), ERR_OK);
	assert_true(l.n_crypto == 2 && l.crypto[0].tag == 1 && l.crypto[1].tag == 2);
	assert_int_equal(l.crypto[0].suite, SDP_SUITE_AES_CM_128_80);
	was = l.crypto[1];
	/* an answer to their offer keeps the key of that suite under their tag */
	assert_int_equal(sdp_local_answer(&l, &st), ERR_OK);
	assert_true(l.n_crypto == 1 && l.crypto[0].tag == 77 && l.crypto[0].spelling == 1);
	assert_true(sdp_key_eq(&l.crypto[0].key, &was.key));
	st.suite = SDP_SUITE_AES_CM_128_80;
	assert_int_equal(sdp_local_answer(&l, &st), ERR_OK);
	assert_false(sdp_key_eq(&l.crypto[0].key, &was.key));
	/* of the offered lines only the chosen one stays */
	assert_int_equal(sdp_local_offer(&l, &offered_suites), ERR_OK);
	was = l.crypto[1];
	st = (struct sdp_stream){.tag = 2, .suite = SDP_SUITE_AES_CM_128_32};
	sdp_local_chosen(&l, &st);
	assert_true(l.n_crypto == 1 && sdp_line_eq(&l.crypto[0], &was));
	st.tag = 9;
	sdp_local_chosen(&l, &st);
	assert_int_equal(l.n_crypto, 1);
	assert_int_equal(sdp_local_offer(&l, &(struct sdp_suites){0}), ERR_NOTFOUND);
	st.disabled = true;
	assert_int_equal(sdp_local_answer(&l, &st), ERR_OK);
	assert_int_equal(l.n_crypto, 0);
	sdp_local_wipe(&l);
	/* a clear leg has no keys */
	assert_int_equal(sdp_local_offer(&l, &offered_suites), ERR_OK);
	st.disabled = false;
	assert_int_equal(sdp_local_answer(&l, &st), ERR_OK);
	assert_int_equal(l.n_crypto, 0);
}

/* What our line says of an MKI, by the trunk's word and by what was offered. */
static void
test_local_mki(void **state)
{
	static const struct {
		enum sdp_mki ours;
		uint8_t theirs, offer, answer; /* lengths */
	} rows[] = {
		{SDP_MKI_MIRROR, 0, 0, 0}, {SDP_MKI_MIRROR, 2, 0, 2}, {SDP_MKI_NEVER, 2, 0, 0},
		{SDP_MKI_ALWAYS, 0, 4, 4}, {SDP_MKI_ALWAYS, 2, 4, 4},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sdp_local l = {.secure = true, .mki = (uint8_t)rows[i].ours};
		struct sdp_stream st = {.tag = 1,
					.suite = SDP_SUITE_AEAD_256_GCM,
					.key = {.mki = 7, .mki_len = rows[i].theirs}};

		assert_int_equal(sdp_local_offer(&l, &offered_suites), ERR_OK);
		assert_int_equal(l.crypto[0].key.mki_len, rows[i].offer);
		assert_int_equal(sdp_local_answer(&l, &st), ERR_OK);
		assert_int_equal(l.crypto[0].key.mki_len, rows[i].answer);
		if (rows[i].answer == 2)
			assert_int_equal(l.crypto[0].key.mki, 7);
		sdp_local_wipe(&l);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_offers),          cmocka_unit_test(test_facts),
		cmocka_unit_test(test_events),          cmocka_unit_test(test_hold),
		cmocka_unit_test(test_directions),      cmocka_unit_test(test_answers),
		cmocka_unit_test(test_answered_codecs), cmocka_unit_test(test_layout),
		cmocka_unit_test(test_local_keys),      cmocka_unit_test(test_local_mki),
	};

	return cmocka_run_group_tests_name("stream", tests, NULL, NULL);
}
