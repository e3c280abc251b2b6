#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/clock.h"
#include "sdp/sdp.h"
#include "unit/sdp/bodies.h"

#define V "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\n"
#define M "m=audio 4000 RTP/AVP 0\r\n"

static const struct {
	const char *name, *body;
	enum err want;
} rows[] = {
	{"sipp uas", SIPP_UAS, ERR_OK},
	{"sipp uac", SIPP_UAC, ERR_OK},
	{"baresip", BARESIP, ERR_OK},
	{"teams", TEAMS, ERR_OK},
	{"rtpengine", RTPENGINE, ERR_OK},
	{"P3/empty", "", ERR_SYNTAX},
	{"P3/only v", "v=0\r\n", ERR_SYNTAX},
	{"P3/no m-line", HEAD, ERR_OK},
	{"P3/no v", "o=- 1 1 IN IP4 192.0.2.1\r\n", ERR_SYNTAX},
	{"P3/v=1", "v=1\r\no=- 1 1 IN IP4 192.0.2.1\r\n", ERR_SYNTAX},
	{"P3/two v", V "v=0\r\n", ERR_SYNTAX},
	{"P3/two o", V "o=- 1 1 IN IP4 192.0.2.1\r\n", ERR_SYNTAX},
	{"P3/o without number", "v=0\r\no=- x 1 IN IP4 192.0.2.1\r\n", ERR_SYNTAX},
	{"P3/o id 2^64-1", "v=0\r\no=- 18446744073709551615 1 IN IP4 192.0.2.1\r\n", ERR_OK},
	{"P3/o id 2^64", "v=0\r\no=- 18446744073709551616 1 IN IP4 192.0.2.1\r\n", ERR_RANGE},
	{"P3/o version -1", "v=0\r\no=- 1 -1 IN IP4 192.0.2.1\r\n", ERR_SYNTAX},
	{"P3/o short", "v=0\r\no=- 1\r\n", ERR_SYNTAX},
	{"o with a name of words", "v=0\r\no=My PBX 1 1 IN IP4 192.0.2.1\r\n", ERR_OK},
	{"P3/LF only", "v=0\no=- 1 1 IN IP4 192.0.2.1\nc=IN IP4 192.0.2.1\nm=audio 1 RTP/AVP 0\n",
	 ERR_OK},
	{"P3/no final LF", HEAD "m=audio 4000 RTP/AVP 0", ERR_OK},
	{"P3/final CR", HEAD "m=audio 4000 RTP/AVP 0\r", ERR_OK},
	{"P3/empty lines", HEAD "\r\n" M "\r\n\r\n", ERR_OK},
	{"P6/CR inside", HEAD M "a=fmtp:0 x\ra=crypto:1\r\n", ERR_SYNTAX},
	{"P6/CR CR LF", HEAD M "a=x\r\r\n", ERR_SYNTAX},
	{"unknown line", HEAD "z=0 0\r\nk=prompt\r\nq=1\r\n" M, ERR_OK},
	{"P3/no equals sign", HEAD M "a:x\r\n", ERR_SYNTAX},
	{"P3/one letter", HEAD M "a", ERR_SYNTAX},
	{"P3/folded line", HEAD M " a=x\r\n", ERR_SYNTAX},
	{"P3/c missing", V M, ERR_SYNTAX},
	{"c missing, port 0", V "m=audio 0 RTP/AVP 0\r\n", ERR_OK},
	{"c of the section", V M "c=IN IP4 192.0.2.2\r\n", ERR_OK},
	{"c with name", V "c=IN IP4 pbx.example.test\r\n" M, ERR_OK},
	{"c with ttl", V "c=IN IP4 233.252.0.1/127\r\n" M, ERR_OK},
	{"c IPv6", V "c=IN IP6 2001:db8::1\r\n" M, ERR_OK},
	{"P3/c empty", V "c=\r\n" M, ERR_SYNTAX},
	{"P3/c brace", V "c=IN IP4 {192.0.2.1}\r\n" M, ERR_SYNTAX},
	{"P3/c two words", V "c=IN IP4\r\n" M, ERR_SYNTAX},
	{"P3/c four words", V "c=IN IP4 192.0.2.1 x\r\n" M, ERR_SYNTAX},
	{"P3/c other net", V "c=PSTN RFC2543 123\r\n" M, ERR_UNSUPPORTED},
	{"P3/c family mixed", V "c=IN IP4 2001:db8::1\r\n" M, ERR_SYNTAX},
	{"P3/c only slash", V "c=IN IP4 /127\r\n" M, ERR_SYNTAX},
	{"P3/c odd name", V "c=IN IP4 a_b\r\n" M, ERR_SYNTAX},
	{"P3/o in a section", HEAD M "o=- 1 1 IN IP4 192.0.2.1\r\n", ERR_SYNTAX},
	{"s and t in a section", HEAD M "s=x\r\nt=1 1\r\n", ERR_OK},
	{"P3/rtpmap DEL", HEAD M "a=rtpmap:0 PC\x7fMU/8000\r\n", ERR_SYNTAX},
	{"fmtp twice", HEAD M "a=fmtp:0 x\r\na=fmtp:0 y\r\n", ERR_OK},
	{"P3/m empty", HEAD "m=\r\n", ERR_SYNTAX},
	{"P3/m no formats", HEAD "m=audio 4000 RTP/AVP\r\n", ERR_SYNTAX},
	{"m with blanks", HEAD "m=audio  4000  RTP/AVP  0 8 \r\n", ERR_OK},
	{"m of another protocol", HEAD "m=image 4000 udptl t38\r\n", ERR_OK},
	{"P3/PT 127", HEAD "m=audio 4000 RTP/AVP 127\r\n", ERR_OK},
	{"P3/PT 128", HEAD "m=audio 4000 RTP/AVP 128\r\n", ERR_RANGE},
	{"P3/PT -1", HEAD "m=audio 4000 RTP/AVP -1\r\n", ERR_SYNTAX},
	{"P3/PT 2^32", HEAD "m=audio 4000 RTP/AVP 4294967296\r\n", ERR_RANGE},
	{"P3/PT text", HEAD "m=audio 4000 RTP/AVP pcma\r\n", ERR_SYNTAX},
	{"P3/PT hex", HEAD "m=audio 4000 RTP/AVP 0x8\r\n", ERR_SYNTAX},
	{"PT twice", HEAD "m=audio 4000 RTP/AVP 8 8\r\n", ERR_OK},
	{"P3/count 1", HEAD "m=audio 4000/1 RTP/AVP 0\r\n", ERR_OK},
	{"P3/count 0", HEAD "m=audio 4000/0 RTP/AVP 0\r\n", ERR_RANGE},
	{"P3/count 255", HEAD "m=audio 4000/255 RTP/AVP 0\r\n", ERR_OK},
	{"P3/count 256", HEAD "m=audio 4000/256 RTP/AVP 0\r\n", ERR_RANGE},
	{"P3/count empty", HEAD "m=audio 4000/ RTP/AVP 0\r\n", ERR_SYNTAX},
	{"rtpmap of another PT", HEAD M "a=rtpmap:96 opus/48000/2\r\n", ERR_OK},
	{"P3/rtpmap no clock", HEAD M "a=rtpmap:0 PCMU\r\n", ERR_SYNTAX},
	{"P3/rtpmap clock 0", HEAD M "a=rtpmap:0 PCMU/0\r\n", ERR_RANGE},
	{"P3/rtpmap clock 10^6", HEAD M "a=rtpmap:0 PCMU/1000000\r\n", ERR_OK},
	{"P3/rtpmap clock 10^6+1", HEAD M "a=rtpmap:0 PCMU/1000001\r\n", ERR_RANGE},
	{"P3/rtpmap channels 0", HEAD M "a=rtpmap:0 PCMU/8000/0\r\n", ERR_RANGE},
	{"P3/rtpmap channels 256", HEAD M "a=rtpmap:0 PCMU/8000/256\r\n", ERR_RANGE},
	{"P3/rtpmap no name", HEAD M "a=rtpmap:0 /8000\r\n", ERR_SYNTAX},
	{"P3/rtpmap PT 128", HEAD M "a=rtpmap:128 X/8000\r\n", ERR_RANGE},
	{"P3/rtpmap empty", HEAD M "a=rtpmap:\r\n", ERR_SYNTAX},
	{"P3/rtpmap flag", HEAD M "a=rtpmap\r\n", ERR_SYNTAX},
	{"P3/rtpmap more", HEAD M "a=rtpmap:0 PCMU/8000 x\r\n", ERR_SYNTAX},
	{"P3/rtpmap tab", HEAD M "a=rtpmap:0 PC\tMU/8000\r\n", ERR_SYNTAX},
	{"P3/fmtp empty", HEAD M "a=fmtp:0\r\n", ERR_OK},
	{"P3/fmtp PT 256", HEAD M "a=fmtp:256 x\r\n", ERR_RANGE},
	{"P3/fmtp no PT", HEAD M "a=fmtp: x\r\n", ERR_SYNTAX},
	{"rtpmap in T.38", HEAD "m=image 4000 udptl t38\r\na=rtpmap:x\r\n", ERR_OK},
	{"rtcp", HEAD M "a=rtcp:4001\r\n", ERR_OK},
	{"rtcp with address", HEAD M "a=rtcp:4001 IN IP4 192.0.2.9\r\n", ERR_OK},
	{"P3/rtcp 65536", HEAD M "a=rtcp:65536\r\n", ERR_RANGE},
	{"P3/rtcp empty", HEAD M "a=rtcp:\r\n", ERR_SYNTAX},
	{"P3/rtcp half address", HEAD M "a=rtcp:4001 IN IP4\r\n", ERR_SYNTAX},
	{"P3/rtcp more", HEAD M "a=rtcp:4001 IN IP4 192.0.2.9 x\r\n", ERR_SYNTAX},
};

static void
test_rows(void **state)
{
	static struct sdp s;
	unsigned bad = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t len = strlen(rows[i].body);
		char *p = test_malloc(len + (len == 0));
		enum err e;

		memcpy(p, rows[i].body, len);
		e = sdp_parse(str_of(p, len), &s);
		if (e != rows[i].want) {
			print_error("%s: %s, not %s\n", rows[i].name, err_name(e),
				    err_name(rows[i].want));
			bad++;
		}
		test_free(p);
	}
	assert_int_equal(bad, 0);
}

/* P3: every integer edge at every number. 1: may stand there, 0: may not. */
static void
test_integers(void **state)
{
	static const struct {
		const char *number;
		bool port, ptime, rtcp;
	} edges[] = {
		{"", 0, 0, 0},
		{"0", 1, 0, 1},
		{"1", 1, 1, 1},
		{"-1", 0, 0, 0},
		{"+1", 0, 0, 0},
		{"01", 1, 1, 1},
		{"1000", 1, 1, 1},
		{"1001", 1, 0, 1},
		{"32767", 1, 0, 1},
		{"32768", 1, 0, 1},
		{"65535", 1, 0, 1},
		{"65536", 0, 0, 0},
		{"65556", 0, 0, 0},
		{"2147483647", 0, 0, 0},
		{"2147483648", 0, 0, 0},
		{"4294967295", 0, 0, 0},
		{"4294967296", 0, 0, 0},
		{"4294967316", 0, 0, 0},
		{"9223372036854775808", 0, 0, 0},
		{"18446744073709551616", 0, 0, 0},
		{"18446744073709551636", 0, 0, 0},
		{"0x14", 0, 0, 0},
		{"1e1", 0, 0, 0},
		{"20.", 0, 0, 0},
		{"20.5", 0, 1, 0},
		{"20.x", 0, 0, 0},
		{"0.5", 0, 0, 0},
		{"\xc2\xb2", 0, 0, 0},
	};
	static struct sdp s;
	unsigned bad = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(edges); i++) {
		const char *n = edges[i].number;
		const char *form[] = {HEAD "m=audio %s RTP/AVP 0\r\n", HEAD M "a=ptime:%s\r\n",
				      HEAD M "a=maxptime:%s\r\n", HEAD M "a=rtcp:%s\r\n"};
		bool want[] = {edges[i].port, edges[i].ptime, edges[i].ptime, edges[i].rtcp};

		for (size_t k = 0; k < ARRAY_LEN(form); k++) {
			char body[512];
			size_t at = str_find(str_from(form[k]), STR("%s"));
			struct buf b;

			buf_init(&b, body, sizeof(body));
			buf_str(&b, str_of(form[k], at));
			buf_z(&b, n);
			buf_z(&b, form[k] + at + 2);
			if ((sdp_parse(buf_view(&b), &s) == ERR_OK) != want[k]) {
				print_error("P3/%s in place %zu\n", n, k);
				bad++;
			}
		}
	}
	assert_int_equal(bad, 0);
}

static void
test_values(void **state)
{
	static struct sdp s;
	const struct sdp_media *m;
	struct str value;

	(void)state;
	assert_int_equal(sdp_parse(str_from(BARESIP), &s), ERR_OK);
	assert_true(str_eqz(s.origin_user, "-") && s.session_id == 1711046812);
	assert_true(s.session_version == 872134598 && str_eqz(s.time, "0 0"));
	assert_int_equal(s.n_media, 1);
	m = &s.media[0];
	assert_true(m->type == SDP_AUDIO && m->proto == SDP_RTP_SAVP && m->port == 20000);
	assert_string_equal(addr_text(&m->conn.addr).z, "127.0.0.1");
	assert_int_equal(m->n_formats, 3);
	assert_true(m->formats[0].pt == 8 && str_eqz(m->formats[0].codec, "PCMA"));
	assert_true(m->formats[2].clock == 8000 && str_eqz(m->formats[2].fmtp, "0-15"));
	assert_true(m->ptime == 20 && m->rtcp.port == 20001 && m->rtcp.family == 0);
	assert_int_equal(m->n_crypto, 1);
	assert_true(str_starts(m->crypto[0], STR("1 AES_CM_128_HMAC_SHA1_80 inline:")));
	assert_int_equal(m->direction, SDP_SENDRECV);
	assert_int_equal(sdp_find_attr(s.text, "tool", &value), ERR_OK);
	assert_true(str_eqz(value, "baresip 1.0.0"));
	assert_int_equal(sdp_find_attr(m->text, "rtcp-rsize", &value), ERR_OK);
	assert_int_equal(value.len, 0);
	assert_int_equal(sdp_find_attr(m->text, "tool", &value), ERR_NOTFOUND);
	assert_int_equal(sdp_find_attr(m->text, "crypto", &value), ERR_OK);
}

static void
test_sections(void **state)
{
	static struct sdp s;
	struct str rest, name, value;
	unsigned n = 0;

	(void)state;
	assert_int_equal(
		sdp_parse(str_from(HEAD "a=recvonly\n\n"
					"m=audio 4000 RTP/AVP 0\na=ptime:30\na=ptime2:1\na=flag\n"
					"m=video 4002/2 RTP/AVPF 96\nc=IN IP6 ::1\na=sendonly\n"
					"a=rtpmap:96 H264/90000\na=rtcp-mux\n"
					"m=application 9 UDP/TLS/RTP/SAVPF 97\n"
					"m=image 0 udptl t38\nm=x-odd 5 x/y z w"),
			  &s),
		ERR_OK);
	assert_int_equal(s.n_media, 5);
	assert_true(s.media[0].direction == SDP_RECVONLY && s.media[0].ptime == 30);
	assert_true(s.media[1].direction == SDP_SENDONLY && s.media[1].rtcp_mux);
	assert_true(s.media[1].port_count == 2 && s.media[1].conn.addr.family == 6);
	assert_true(s.media[1].formats[0].clock == 90000 && !s.media[0].rtcp_mux);
	assert_int_equal(s.media[2].proto, SDP_DTLS_SAVPF);
	assert_true(s.media[3].type == SDP_IMAGE && s.media[3].proto == SDP_UDPTL);
	assert_int_equal(s.media[3].formats[0].pt, SDP_PT_NONE);
	assert_true(s.media[4].type == SDP_MEDIA_OTHER && s.media[4].n_formats == 2);
	assert_true(str_eqz(s.media[4].formats[1].name, "w") && s.media[4].text.len == 0);
	for (rest = s.media[0].text; sdp_next_attr(&rest, &name, &value); n++)
		assert_true(name.len > 0);
	assert_int_equal(n, 3);
	assert_string_equal(sdp_media_name(s.media[1].type), "video");
	assert_string_equal(sdp_media_name(SDP_MEDIA_OTHER), "other");
	assert_true(sdp_proto_is_clear(SDP_RTP_AVPF) && !sdp_proto_is_clear(SDP_RTP_SAVPF));
	assert_true(sdp_proto_is_sdes(SDP_RTP_SAVPF) && !sdp_proto_is_sdes(SDP_DTLS_SAVP));
	assert_string_equal(sdp_proto_name(SDP_DTLS_SAVP), "UDP/TLS/RTP/SAVP");
	assert_string_equal(sdp_proto_name(SDP_PROTO_OTHER), "?");
}

static void
test_directions(void **state)
{
	(void)state;
	assert_int_equal(sdp_direction_flip(SDP_SENDONLY), SDP_RECVONLY);
	assert_int_equal(sdp_direction_flip(SDP_RECVONLY), SDP_SENDONLY);
	assert_int_equal(sdp_direction_flip(SDP_SENDRECV), SDP_SENDRECV);
	assert_int_equal(sdp_direction_flip(SDP_INACTIVE), SDP_INACTIVE);
	assert_string_equal(sdp_direction_name(SDP_INACTIVE), "inactive");
	assert_string_equal(sdp_direction_name(SDP_RECVONLY), "recvonly");
}

static void
test_nul(void **state)
{
	static const char body[] = HEAD M "a=x\0y\r\n";
	static struct sdp s;

	(void)state;
	assert_int_equal(sdp_parse(str_of(body, sizeof(body) - 1), &s), ERR_SYNTAX);
}

/* head, then n times the line, then parse. */
static enum err
parse_many(const char *head, const char *line, unsigned n, struct sdp *s)
{
	size_t cap = strlen(head) + n * strlen(line) + 1;
	char *mem = test_malloc(cap);
	struct buf b;
	enum err e;

	buf_init(&b, mem, cap);
	buf_z(&b, head);
	for (unsigned i = 0; i < n; i++)
		buf_z(&b, line);
	e = sdp_parse(buf_view(&b), s);
	test_free(mem);
	return e;
}

/* P3: counts from 0 to 10,000, each in bounded time. */
static void
test_counts(void **state)
{
	static const struct {
		const char *name, *head, *line;
		unsigned max;
	} kinds[] = {
		{"m-lines", HEAD, M, SDP_MEDIA_MAX},
		{"attributes", HEAD M, "a=x\r\n", SDP_LINES_MAX - 5},
		{"session attributes", HEAD, "a=x\r\n", SDP_LINES_MAX - 4},
		{"empty lines", HEAD, "\r\n", SDP_LINES_MAX - 4},
		{"crypto", HEAD M, "a=crypto:1 X y\r\n", SDP_CRYPTO_MAX},
		{"rtpmap", HEAD M, "a=rtpmap:0 PCMU/8000\r\n", SDP_LINES_MAX - 5},
		{"c", HEAD, "c=IN IP4 192.0.2.1\r\n", SDP_LINES_MAX - 4},
	};
	static const unsigned counts[] = {0,  1,  7,  8,   9,    15,   16,   17,   31,
					  32, 33, 64, 255, 1018, 1019, 1020, 1021, 10000};
	static struct sdp s;
	unsigned bad = 0;

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
		for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
			enum err want = counts[i] <= kinds[k].max ? ERR_OK : ERR_LONG;
			enum err e;
			uint64_t start = clock_now_us();

			e = parse_many(kinds[k].head, kinds[k].line, counts[i], &s);
			if (e != want || clock_now_us() - start > 100000) {
				print_error("P3/%u %s: %s\n", counts[i], kinds[k].name,
					    err_name(e));
				bad++;
			}
		}
	}
	assert_int_equal(bad, 0);
}

static void
test_lengths(void **state)
{
	static struct sdp s;
	static char mem[SDP_BODY_MAX + 2];
	struct buf b;

	(void)state;
	/* one line of exactly SDP_LINE_MAX, then one more */
	for (size_t over = 0; over < 2; over++) {
		buf_init(&b, mem, sizeof(mem));
		buf_z(&b, HEAD "a=");
		for (size_t i = 2; i < SDP_LINE_MAX + over; i++)
			buf_char(&b, 'x');
		assert_int_equal(sdp_parse(buf_view(&b), &s), over ? ERR_LONG : ERR_OK);
	}
	memset(mem, '\n', sizeof(mem));
	assert_int_equal(sdp_parse(str_of(mem, SDP_BODY_MAX + 1), &s), ERR_LONG);
	/* 33 formats */
	buf_init(&b, mem, sizeof(mem));
	buf_z(&b, HEAD "m=audio 4000 RTP/AVP");
	for (unsigned i = 0; i < SDP_FORMATS_MAX; i++)
		buf_printf(&b, " %u", i);
	assert_int_equal(sdp_parse(buf_view(&b), &s), ERR_OK);
	assert_int_equal(s.media[0].n_formats, SDP_FORMATS_MAX);
	buf_z(&b, " 99");
	assert_int_equal(sdp_parse(buf_view(&b), &s), ERR_LONG);
}

/* Each prefix of a body: never a read behind its end, never a crash. */
static void
test_prefixes(void **state)
{
	static const char body[] = TEAMS;
	static struct sdp s;

	(void)state;
	for (size_t len = 0; len < sizeof(body); len++) {
		char *p = test_malloc(len + (len == 0));

		memcpy(p, body, len);
		(void)!sdp_parse(str_of(p, len), &s);
		test_free(p);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),       cmocka_unit_test(test_integers),
		cmocka_unit_test(test_values),     cmocka_unit_test(test_sections),
		cmocka_unit_test(test_directions), cmocka_unit_test(test_nul),
		cmocka_unit_test(test_counts),     cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_prefixes),
	};

	return cmocka_run_group_tests_name("sdp", tests, NULL, NULL);
}
