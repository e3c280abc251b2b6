/* call/video: video beside the audio of a call, where both legs' trunks relay it. */
#include "rig.h"

#define VIDEO_MAPS                                                                                 \
	"a=rtpmap:99 H264/90000\r\na=fmtp:99 profile-level-id=42801F\r\na=rtcp-fb:* nack pli\r\n"
#define A_VIDEO "m=video 4002 RTP/SAVP 99\r\nb=AS:512\r\n" VIDEO_MAPS
#define A_CRYPTO(key) "a=crypto:5 AES_CM_128_HMAC_SHA1_80 inline:" key "\r\n"
#define B_VIDEO "m=video 10002 RTP/AVP 99\r\nb=AS:384\r\n" VIDEO_MAPS
#define BOTH_FLAGS (MEDIA_F_SEND | MEDIA_F_RECV)
#define A_OFFER PBX_OFFER A_VIDEO A_CRYPTO(KEY_2)
#define B_ANSWER GW_BODY B_VIDEO
#define CALLER_VIDEO rig_row_video(f, LEG_A)
#define CALLED_VIDEO rig_row_video(f, LEG_B)

static const struct media_open *
rig_row_video(struct fake *f, enum call_leg_index i)
{
	assert_true(rig_leg(f, i)->video.open);
	return &f->port[rig_leg(f, i)->video.media.slot].open;
}

static struct fake *
up(bool a, bool b)
{
	struct fake *f = rig_up();

	rig_trunk(f, "acme-pbx")->video = a ? TRUNK_VIDEO_RELAY : TRUNK_VIDEO_REFUSE;
	rig_trunk(f, "gw1")->video = b ? TRUNK_VIDEO_RELAY : TRUNK_VIDEO_REFUSE;
	rig_world(f);
	return f;
}

/* A call of A with this offer, which B answers so. */
static struct rig_pair
talking(struct fake *f, const char *offer, const char *answer)
{
	struct rig_pair p = {.a = rig_invite(f, &(struct invite){.body = offer})};

	p.b = rig_out(f);
	fake_answer(f, p.b, 200, "gw", GW_CONTACT, answer);
	assert_int_equal(rig_call(f)->m.state, B2BUA_ANSWERED);
	(void)rig_inside(f, p.a, "acme-pbx", "ACK", 1, "");
	assert_int_equal(rig_call(f)->m.state, B2BUA_UP);
	return p;
}

/* The key in the m-line of video of a body of ours. */
static void
video_key(const struct sent *s, char key[64])
{
	const char *v = strstr(s->text, "m=video "), *k;

	assert_non_null(v);
	k = strstr(v, "inline:");
	assert_non_null(k);
	(void)snprintf(key, 64, "%.40s", k + 7);
}

static void
relayed(void **state)
{
	struct fake *f = up(true, true);
	const struct media_open *a, *b;
	char audio[64], video[64];
	struct rig_pair p = {.a = rig_invite(f, &(struct invite){.body = A_OFFER})};
	struct sent *s = rig_sent(f, SENT_REQUEST, 0);

	(void)state;
	p.b = rig_out(f);
	assert_says(s, "m=video 20006 RTP/AVP 99\r\nb=AS:512\r\n" VIDEO_MAPS "a=sendrecv\r\n");
	assert_silent(s, "crypto");
	assert_int_equal(f->port[2].opens, 0); /* no answer, no row */
	fake_answer(f, p.b, 200, "gw", GW_CONTACT, B_ANSWER);
	s = rig_sent(f, SENT_RESPONSE, 0);
	assert_says(s, "m=video 20004 RTP/SAVP 99\r\nb=AS:384\r\n" VIDEO_MAPS "a=crypto:5 ");
	rig_key(s, audio);
	video_key(s, video);
	assert_string_not_equal(audio, video); /* RFC 4568 6.1: each m-line has its own */
	(void)rig_inside(f, p.a, "acme-pbx", "ACK", 1, "");
	a = CALLER_VIDEO;
	b = CALLED_VIDEO;
	assert_int_equal(a->peer, b->slot);
	assert_int_equal(b->peer, a->slot);
	assert_int_equal(a->flags & (BOTH_FLAGS | MEDIA_F_SECURE), BOTH_FLAGS | MEDIA_F_SECURE);
	assert_int_equal(b->flags & (BOTH_FLAGS | MEDIA_F_SECURE), BOTH_FLAGS);
	assert_string_equal(addr_text(&a->rtp).z, "198.51.100.7:4002");
	assert_string_equal(addr_text(&b->rtp).z, "10.0.0.9:10002");
	assert_int_equal(a->clock_rate, 90000);
	assert_int_equal(a->timeout_s + a->timeout_lost_s + b->timeout_s + b->timeout_lost_s, 0);
	assert_string_equal(a->cname, rig_row(f, LEG_A)->cname);
	assert_int_equal(a->in_serial, 1);
	assert_int_equal(a->out_serial, 1);
	calls_on_media_timeout(&f->calls, a->slot, a->generation, f->now); /* never ends a call */
	assert_int_equal(rig_call(f)->m.state, B2BUA_UP);
	(void)calls_stop(&f->calls, f->now);
	rig_settle(f);
	assert_int_equal(rig_cdr(f)->leg[LEG_A].video.in_packets, 100 + 2);
	assert_int_equal(rig_cdr(f)->leg[LEG_B].video.in_packets, 100 + 3);
	assert_true(rig_cdr(f)->leg[LEG_A].video.was && rig_cdr(f)->leg[LEG_A].video.in_suite);
	rig_end(f, 1);
}

/* What is wrong with video is refused alone: the call stands with audio, and no port is lost. */
static void
refused(void **state)
{
	static const struct {
		const char *name;
		bool a, b; /* trunks that relay it */
		const char *offer, *answer;
		const char *asked; /* what B is asked; NULL: no video */
		const char *told;  /* what A is told */
	} rows[] = {
		{"the caller's trunk", false, true, A_OFFER, GW_BODY, NULL,
		 "m=video 0 RTP/SAVP 99\r\n"},
		{"the called side's trunk", true, false, A_OFFER, GW_BODY, NULL,
		 "m=video 0 RTP/SAVP 99\r\n"},
		{"M9: in clear, beside encrypted audio", true, true,
		 PBX_OFFER "m=video 4002 RTP/AVP 99\r\n", GW_BODY, NULL,
		 "m=video 0 RTP/AVP 99\r\n"},
		{"M9: RTP/SAVP without a=crypto", true, true, PBX_OFFER A_VIDEO, GW_BODY, NULL,
		 "m=video 0 RTP/SAVP 99\r\n"},
		{"a host name", true, true,
		 PBX_OFFER A_VIDEO "c=IN IP4 cam.example\r\n" A_CRYPTO(KEY_2), GW_BODY, NULL,
		 "m=video 0 RTP/SAVP 99\r\n"},
		{"port 0", true, true, PBX_OFFER "m=video 0 RTP/SAVP 99\r\n", GW_BODY, NULL,
		 "m=video 0 RTP/SAVP 99\r\n"},
		{"of the called side, port 0", true, true, A_OFFER,
		 GW_BODY "m=video 0 RTP/AVP 99\r\n", "m=video 20006 RTP/AVP 99\r\n",
		 "m=video 0 RTP/SAVP 99\r\n"},
		{"of the called side, encrypted", true, true, A_OFFER,
		 GW_BODY "m=video 10002 RTP/SAVP 99\r\n" A_CRYPTO(KEY_1),
		 "m=video 20006 RTP/AVP 99\r\n", "m=video 0 RTP/SAVP 99\r\n"},
		{"of the called side, RTP/SAVP on a clear leg", true, true, A_OFFER,
		 GW_BODY "m=video 10002 RTP/SAVP 99\r\n", "m=video 20006 RTP/AVP 99\r\n",
		 "m=video 0 RTP/SAVP 99\r\n"},
		{"of the called side, multicast", true, true, A_OFFER,
		 GW_BODY "m=video 10002 RTP/AVP 99\r\nc=IN IP4 224.1.1.1/9\r\n",
		 "m=video 20006 RTP/AVP 99\r\n", "m=video 0 RTP/SAVP 99\r\n"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fake *f = up(rows[i].a, rows[i].b);

		print_message("# %s\n", rows[i].name);
		(void)talking(f, rows[i].offer, rows[i].answer);
		if (rows[i].asked)
			assert_says(rig_sent(f, SENT_REQUEST, 0), rows[i].asked);
		else
			assert_silent(rig_sent(f, SENT_REQUEST, 0), "m=video");
		assert_says(rig_sent(f, SENT_RESPONSE, 0), rows[i].told);
		assert_int_equal(f->ports_given - f->ports_freed, 2);
		assert_null(rig_call(f)->video);
		assert_int_equal(rig_row(f, LEG_A)->flags & BOTH_FLAGS, BOTH_FLAGS);
		rig_end(f, 1);
	}
}

/* Other media are refused in their places, and of two videos one is relayed. */
static void
beside(void **state)
{
	struct fake *f = up(true, true);

	(void)state;
	(void)talking(
		f,
		SDP_HEAD("198.51.100.7") "m=application 4008 UDP/BFCP *\r\n"
					 "m=video 4002 RTP/SAVP 99\r\n" VIDEO_MAPS A_CRYPTO(
						 KEY_2) "m=audio 4000 RTP/SAVP 8\r\na=rtpmap:8 "
							"PCMA/8000\r\n"
							"a=crypto:7 AES_CM_128_HMAC_SHA1_80 "
							"inline:" KEY_1 "\r\n"
							"m=video 4004 RTP/SAVP 99\r\n" A_CRYPTO(
								KEY_2),
		B_ANSWER);
	assert_says(rig_sent(f, SENT_RESPONSE, 0), "t=0 0\r\nm=application 0 UDP/BFCP *\r\n"
						   "m=video 20004 RTP/SAVP 99\r\n");
	assert_says(rig_sent(f, SENT_RESPONSE, 0), "m=video 0 RTP/SAVP 99\r\n");
	assert_says(rig_sent(f, SENT_REQUEST, 0), "m=audio 20002 RTP/AVP 8\r\n");
	rig_end(f, 1);
}

/* ---- in a running call ---- */

/* A change that A or B asks for, and what the other one answers. */
static void
change(struct fake *f, const struct rig_pair *p, enum call_leg_index leg, unsigned cseq,
       const char *offer, const char *answer)
{
	struct edge_txn *t;

	if (leg == LEG_A)
		(void)rig_inside_sdp(f, p->a, "acme-pbx", "INVITE", cseq, "", offer);
	else
		(void)rig_inside_sdp(f, p->b, "gw1", "INVITE", cseq, "", offer);
	if (answer) {
		t = rig_out(f);
		fake_answer(f, t, 200, leg ? "far" : "gw", leg ? PBX_CONTACT : GW_CONTACT, answer);
	}
	assert_int_equal(rig_sent(f, SENT_RESPONSE, 0)->status, 200);
	(void)rig_inside(f, leg == LEG_A ? p->a : p->b, leg == LEG_A ? "acme-pbx" : "gw1", "ACK",
			 cseq, "");
	assert_int_equal(rig_call(f)->change.m.state, AMEND_NONE);
}

/* Added by either side, then taken away, then added again: the m-line keeps its place. */
static void
added(void **state)
{
	(void)state;
	for (int leg = 0; leg < CALL_LEGS; leg++) {
		struct fake *f = up(true, true);
		struct rig_pair p = talking(f, PBX_OFFER, GW_BODY);
		const char *offer = leg ? B_ANSWER : A_OFFER, *answer = leg ? A_OFFER : B_ANSWER;
		const char *off = leg ? GW_BODY "m=video 0 RTP/AVP 99\r\n"
				      : PBX_OFFER "m=video 0 RTP/SAVP 99\r\n";
		const char *off_too = leg ? PBX_OFFER "m=video 0 RTP/SAVP 0\r\n"
					  : GW_BODY "m=video 0 RTP/AVP 0\r\n";

		if (leg) /* to the tags of our offer */
			answer = SDP_HEAD(
				"198.51.100.7") "m=audio 4000 RTP/SAVP 8 101\r\n" SDP_MAPS
						"a=crypto:7 AES_CM_128_HMAC_SHA1_80 inline:" KEY_1
						"\r\n" A_VIDEO
						"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" KEY_2
						"\r\n";
		assert_int_equal(f->ports_given, 2);
		change(f, &p, (enum call_leg_index)leg, 2, offer, answer);
		assert_says(rig_sent(f, SENT_REQUEST, 0),
			    leg ? "m=video 20004 RTP/SAVP 99\r\n" : "m=video 20006 RTP/AVP 99\r\n");
		assert_int_equal(CALLER_VIDEO->flags & BOTH_FLAGS, BOTH_FLAGS);
		assert_int_equal(CALLED_VIDEO->flags & BOTH_FLAGS, BOTH_FLAGS);
		assert_true(CALLER_VIDEO->flags & MEDIA_F_ANSWERED);
		change(f, &p, (enum call_leg_index)leg, 3, off, off_too);
		assert_says(rig_sent(f, SENT_REQUEST, 0), "m=video 0 RTP/");
		assert_says(rig_sent(f, SENT_RESPONSE, 0), "m=video 0 RTP/");
		assert_null(rig_call(f)->video);
		assert_int_equal(f->ports_given - f->ports_freed, 2);
		assert_int_equal(rig_leg(f, LEG_A)->video.in_packets, 77); /* counted so far */
		change(f, &p, (enum call_leg_index)leg, 4, offer, answer);
		assert_int_equal(CALLER_VIDEO->flags & BOTH_FLAGS, BOTH_FLAGS);
		assert_int_equal(rig_leg(f, LEG_A)->layout.n, 2);
		assert_int_equal(rig_leg(f, LEG_B)->layout.n, 2);
		rig_end(f, 1);
	}
}

/* A change that is refused leaves all as it was. */
static void
change_refused(void **state)
{
	struct fake *f = up(true, true);
	struct rig_pair p = talking(f, PBX_OFFER, GW_BODY);

	(void)state;
	(void)rig_inside_sdp(f, p.a, "acme-pbx", "INVITE", 2, "", A_OFFER);
	assert_says(rig_sent(f, SENT_REQUEST, 0), "m=video 20006 RTP/AVP 99\r\n");
	fake_answer(f, rig_out(f), 488, "gw", "", "");
	assert_int_equal(rig_sent(f, SENT_RESPONSE, 0)->status, 488);
	assert_int_equal(f->ports_given - f->ports_freed, 2);
	assert_null(rig_call(f)->video);
	rig_end(f, 1);
}

#define HELD(dir) PBX_OFFER dir A_VIDEO A_CRYPTO(KEY_2) dir
#define HELD_B(dir) GW_BODY dir B_VIDEO dir

static void
hold(void **state)
{
	struct fake *f = up(true, true);
	struct rig_pair p = talking(f, A_OFFER, B_ANSWER);
	char before[64], after[64];

	(void)state;
	video_key(rig_sent(f, SENT_RESPONSE, 0), before);
	change(f, &p, LEG_A, 2, HELD("a=sendonly\r\n"), HELD_B("a=recvonly\r\n"));
	video_key(rig_sent(f, SENT_RESPONSE, 0), after);
	assert_string_equal(before, after); /* no new key */
	assert_int_equal(CALLER_VIDEO->flags & BOTH_FLAGS, MEDIA_F_RECV);
	assert_int_equal(CALLED_VIDEO->flags & BOTH_FLAGS, MEDIA_F_SEND);
	change(f, &p, LEG_A, 3, A_OFFER, B_ANSWER);
	assert_int_equal(CALLER_VIDEO->flags & BOTH_FLAGS, BOTH_FLAGS);
	assert_int_equal(CALLER_VIDEO->out_serial, 1);
	assert_int_equal(f->ports_given, 4);
	rig_end(f, 1);
}

/* The same session again is not passed on; another address of video alone is taken at once. */
static void
refreshed(void **state)
{
	struct fake *f = up(true, true);
	struct rig_pair p = talking(f, A_OFFER, B_ANSWER);
	unsigned asked = rig_count(f, SENT_REQUEST, SIP_INVITE);

	(void)state;
	change(f, &p, LEG_A, 2, A_OFFER, NULL);
	change(f, &p, LEG_A, 3,
	       PBX_OFFER "m=video 4044 RTP/SAVP 99\r\nb=AS:512\r\n" VIDEO_MAPS A_CRYPTO(KEY_1),
	       NULL);
	assert_int_equal(rig_count(f, SENT_REQUEST, SIP_INVITE), asked);
	assert_string_equal(addr_text(&CALLER_VIDEO->rtp).z, "198.51.100.7:4044");
	assert_int_equal(CALLER_VIDEO->in_serial, 2);
	assert_int_equal(CALLER_VIDEO->flags & BOTH_FLAGS, BOTH_FLAGS);
	/* the same payload type is something else now, or may be wider: the called side hears of it
	 */
	change(f, &p, LEG_A, 4,
	       PBX_OFFER
	       "m=video 4044 RTP/SAVP 99\r\nb=AS:512\r\na=rtpmap:99 VP8/90000\r\n" A_CRYPTO(KEY_1),
	       GW_BODY "m=video 10002 RTP/AVP 99\r\na=rtpmap:99 VP8/90000\r\n");
	assert_says(rig_sent(f, SENT_REQUEST, 0), "b=AS:512\r\na=rtpmap:99 VP8/90000\r\n");
	change(f, &p, LEG_A, 5,
	       PBX_OFFER
	       "m=video 4044 RTP/SAVP 99\r\nb=AS:64\r\na=rtpmap:99 VP8/90000\r\n" A_CRYPTO(KEY_1),
	       GW_BODY "m=video 10002 RTP/AVP 99\r\na=rtpmap:99 VP8/90000\r\n");
	assert_says(rig_sent(f, SENT_REQUEST, 0), "b=AS:64\r\n");
	rig_end(f, 1);
}

/* The process dies: rows and keys go on, and the next change repeats them. */
static void
restarted(void **state)
{
	struct fake *f = up(true, true);
	struct rig_pair p = talking(f, A_OFFER, B_ANSWER);
	char before[64], after[64];
	uint32_t slot = CALLER_VIDEO->slot;

	(void)state;
	video_key(rig_sent(f, SENT_RESPONSE, 0), before);
	rig_restart(f, &p);
	assert_non_null(rig_call(f)->video);
	change(f, &p, LEG_A, 2, HELD("a=sendonly\r\n"), HELD_B("a=recvonly\r\n"));
	video_key(rig_sent(f, SENT_RESPONSE, 0), after);
	assert_string_equal(before, after);
	assert_says(rig_sent(f, SENT_RESPONSE, 0), "m=video 20004 RTP/SAVP 99\r\n");
	assert_says(rig_sent(f, SENT_REQUEST, 0), "m=video 20006 RTP/AVP 99\r\n");
	assert_int_equal(CALLER_VIDEO->slot, slot);
	assert_int_equal(CALLER_VIDEO->in_serial, 1);
	assert_int_equal(CALLER_VIDEO->out_serial, 1);
	assert_int_equal(CALLER_VIDEO->flags & BOTH_FLAGS, MEDIA_F_RECV);
	rig_restart(f, &p); /* on hold, and then it ends */
	rig_end(f, 1);
}

/* It dies while video was offered and not answered yet: the ports are given back. */
static void
restarted_early(void **state)
{
	struct fake *f = up(true, true);
	struct rig_pair p = talking(f, PBX_OFFER, GW_BODY);

	(void)state;
	(void)rig_inside_sdp(f, p.a, "acme-pbx", "INVITE", 2, "", A_OFFER);
	assert_int_equal(f->ports_given, 4);
	rig_restart(f, &p);
	assert_int_equal(f->ports_given - f->ports_freed, 2);
	rig_end(f, 1);
}

/* A's INVITE has no offer: B's 2xx has it, A's ACK answers, both with video. */
static void
late(void **state)
{
	struct fake *f = up(true, true);
	struct edge_txn *a = rig_invite(f, &(struct invite){.body = ""}), *b = rig_out(f);

	(void)state;
	fake_answer(f, b, 200, "gw", GW_CONTACT, B_ANSWER);
	assert_says(rig_sent(f, SENT_RESPONSE, 0),
		    "RTP/SAVP 99\r\nb=AS:384\r\n" VIDEO_MAPS "a=crypto:1 ");
	(void)rig_inside_sdp(f, a, "acme-pbx", "ACK", 1, "",
			     PBX_ANSWER("1", "80") A_VIDEO
			     "a=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:" KEY_1 "\r\n");
	assert_int_equal(rig_call(f)->m.state, B2BUA_UP);
	assert_says(rig_sent(f, SENT_ONCE, 0), "RTP/AVP 99\r\nb=AS:512\r\n");
	assert_int_equal(CALLER_VIDEO->flags & BOTH_FLAGS, BOTH_FLAGS);
	assert_int_equal(CALLER_VIDEO->in_suite, SDP_SUITE_AES_CM_128_32);
	assert_int_equal(CALLED_VIDEO->flags & BOTH_FLAGS, BOTH_FLAGS);
	rig_end(f, 1);
}

/* Two branches answer early, one with video: what the last one says counts, either way. */
static void
forks(void **state)
{
	(void)state;
	for (int first = 0; first < 2; first++) {
		struct fake *f = up(true, true);
		struct edge_txn *a = rig_invite(f, &(struct invite){.body = A_OFFER});
		struct edge_txn *b = rig_out(f);
		const char *without = GW_BODY "m=video 0 RTP/AVP 99\r\n";

		fake_answer(f, b, 183, "one", GW_CONTACT, first ? B_ANSWER : without);
		assert_int_equal(rig_call(f)->rec.video_on, first);
		fake_answer(f, b, 183, "two", GW_CONTACT, first ? without : B_ANSWER);
		assert_int_equal(rig_call(f)->rec.video_on, !first);
		assert_int_equal(f->port[2].open.flags & BOTH_FLAGS, first ? 0 : BOTH_FLAGS);
		fake_answer(f, b, 200, "two", GW_CONTACT, first ? without : B_ANSWER);
		(void)rig_inside(f, a, "acme-pbx", "ACK", 1, "");
		assert_int_equal(rig_call(f)->rec.video_on, !first);
		rig_end(f, 1);
	}
}

/* The next target is another peer: it gets ports and keys of its own, or no video at all. */
static void
next_target(void **state)
{
	(void)state;
	for (int takes = 0; takes < 2; takes++) {
		struct fake *f = up(true, true);
		struct edge_txn *b;

		rig_trunk(f, "gw2")->video = takes ? TRUNK_VIDEO_RELAY : TRUNK_VIDEO_REFUSE;
		rig_world(f);
		(void)rig_invite(f, &(struct invite){.body = A_OFFER});
		b = rig_out(f);
		assert_says(rig_sent(f, SENT_REQUEST, 0), "m=video ");
		fake_answer(f, b, 503, "gw", "", "");
		assert_ptr_not_equal(rig_out(f), b);
		if (takes)
			assert_says(rig_sent(f, SENT_REQUEST, 0), "m=video ");
		else
			assert_silent(rig_sent(f, SENT_REQUEST, 0), "m=video ");
		fake_answer(f, rig_out(f), 200, "gw", GW_CONTACT, takes ? B_ANSWER : GW_BODY);
		assert_int_equal(rig_call(f)->rec.video_on, takes);
		rig_end(f, 1);
	}
}

/* A key of video nears its end: A is offered others for both. */
static void
rekeyed(void **state)
{
	static const char answers[2][700] = {
		PBX_ANSWER("1", "80") A_VIDEO "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" KEY_1
					      "\r\n",
		PBX_ANSWER("1", "80") "m=video 0 RTP/SAVP 99\r\n",
	};

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct fake *f = up(true, true);
		char audio[2][64], video[2][64];
		const struct media_open *row;

		(void)talking(f, A_OFFER, B_ANSWER);
		rig_key(rig_sent(f, SENT_RESPONSE, 0), audio[0]);
		video_key(rig_sent(f, SENT_RESPONSE, 0), video[0]);
		row = CALLER_VIDEO;
		calls_on_media_rekey(&f->calls, row->slot, row->generation, f->now);
		fake_run(f, 1);
		rig_key(rig_sent(f, SENT_REQUEST, 0), audio[1]);
		video_key(rig_sent(f, SENT_REQUEST, 0), video[1]);
		assert_string_not_equal(audio[0], audio[1]);
		assert_string_not_equal(video[0], video[1]);
		fake_answer(f, rig_out(f), 200, "far", PBX_CONTACT, answers[i]);
		assert_int_equal(rig_call(f)->rec.video_on, !i);
		if (i == 0) {
			assert_int_equal(CALLER_VIDEO->out_serial, 2);
			assert_int_equal(CALLER_VIDEO->in_serial, 2);
		}
		assert_int_equal(f->port[3].open.flags & BOTH_FLAGS, i ? 0 : BOTH_FLAGS);
		rig_end(f, 1);
	}
}

#define OSRTP_LINE(media, port, pt, key)                                                           \
	"m=" media " " port " RTP/AVP " pt "\r\n"                                                  \
	"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" key "\r\n"

/* SRTP is preferred to B: what the audio falls to, video does as well, or it is not there. */
static void
preferred(void **state)
{
	static const struct {
		const char *name, *answer;
		bool on;
		unsigned secure;
	} rows[] = {
		{"both under keys",
		 SDP_HEAD("198.51.100.7") OSRTP_LINE("audio", "4000", "8", KEY_1)
			 OSRTP_LINE("video", "4002", "99", KEY_2),
		 true, MEDIA_F_SECURE},
		{"both in clear", PBX_CLEAR "m=video 4002 RTP/AVP 99\r\n", true, 0},
		{"M9: video in clear alone",
		 SDP_HEAD("198.51.100.7")
			 OSRTP_LINE("audio", "4000", "8", KEY_1) "m=video 4002 RTP/AVP 99\r\n",
		 false, 0},
		{"video under keys alone", PBX_CLEAR OSRTP_LINE("video", "4002", "99", KEY_2),
		 false, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fake *f = up(true, true);

		print_message("# %s\n", rows[i].name);
		rig_trunk(f, "acme-pbx")->security = TRUNK_SEC_PREFERRED;
		rig_world(f);
		(void)rig_invite(f, &(struct invite){.trunk = "gw1",
						     .uri = "sip:+15551230000@10.0.0.1",
						     .from = "sip:+15552223333@10.0.0.9",
						     .body = B_ANSWER});
		assert_says(rig_sent(f, SENT_REQUEST, 0), "m=video 20006 RTP/AVP 99\r\n");
		fake_answer(f, rig_out(f), 200, "pbx", PBX_CONTACT, rows[i].answer);
		assert_int_equal(rig_sent(f, SENT_RESPONSE, 0)->status, 200);
		assert_int_equal(rig_call(f)->rec.video_on, rows[i].on);
		if (rows[i].on)
			assert_int_equal(CALLED_VIDEO->flags & MEDIA_F_SECURE, rows[i].secure);
		assert_int_equal(f->port[3].open.flags & MEDIA_F_SEND,
				 rows[i].on ? MEDIA_F_SEND : 0);
		rig_end(f, 1);
	}
}

#define TAKES "Allow: INVITE, ACK, UPDATE, PRACK\r\n"

/* Added before the call is answered: by the caller in PRACK or UPDATE, by the called side in
 * UPDATE; what is said then holds. */
static void
before_the_answer(void **state)
{
	static const struct {
		const char *name, *method;
		enum call_leg_index leg;
		bool pracked; /* before */
	} rows[] = {
		{"PRACK", "PRACK", LEG_A, false},
		{"UPDATE", "UPDATE", LEG_A, true},
		{"UPDATE of the called side", "UPDATE", LEG_B, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fake *f = up(true, true);
		bool of_b = rows[i].leg == LEG_B;
		struct rig_pair p = {
			.a = rig_invite(f,
					&(struct invite){.more = "Supported: 100rel\r\n" TAKES})};
		const char *party = of_b ? "gw1" : "acme-pbx";
		struct edge_txn *t;
		uint32_t rseq = 0;
		char rack[64];

		print_message("# %s\n", rows[i].name);
		p.b = rig_out(f);
		fake_answer(f, p.b, 183, "gw", GW_CONTACT "Require: 100rel\r\nRSeq: 5\r\n" TAKES,
			    GW_BODY);
		assert_non_null(rig_sent(f, SENT_RESPONSE, 0));
		assert_int_equal(sip_number_read(&f->tx, SIP_H_RSEQ, &rseq), ERR_OK);
		(void)snprintf(rack, sizeof(rack), "RAck: %u 1 INVITE\r\n", rseq);
		if (rows[i].pracked)
			(void)rig_inside(f, p.a, "acme-pbx", "PRACK", 2, rack);
		t = rig_inside_sdp(f, of_b ? p.b : p.a, party, rows[i].method, of_b ? 1 : 3,
				   rows[i].leg == LEG_A ? rack : GW_CONTACT,
				   of_b ? B_ANSWER : A_OFFER);
		assert_int_equal(t->status, 0);
		assert_says(rig_last(f), "UPDATE ");
		assert_says(rig_last(f), of_b ? "m=video 20004 RTP/SAVP 99\r\n"
					      : "m=video 20006 RTP/AVP 99\r\n");
		fake_answer(f, rig_last(f)->txn, 200, "x", of_b ? PBX_CONTACT : GW_CONTACT,
			    of_b ? PBX_ANSWER("7", "80") A_VIDEO
				    "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" KEY_2 "\r\n"
				 : B_ANSWER);
		assert_int_equal(t->status, 200);
		assert_says(rig_sent(f, SENT_RESPONSE, 0),
			    of_b ? "m=video 20006 RTP/AVP" : "m=video 20004 RTP/SAVP");
		assert_int_equal(rig_call(f)->rec.video_on, 1);
		assert_int_equal(CALLER_VIDEO->flags & (BOTH_FLAGS | MEDIA_F_SECURE),
				 BOTH_FLAGS | MEDIA_F_SECURE);
		assert_int_equal(CALLED_VIDEO->flags & (BOTH_FLAGS | MEDIA_F_SECURE), BOTH_FLAGS);
		fake_answer(f, p.b, 200, "gw", GW_CONTACT, GW_BODY);
		assert_silent(rig_sent(f, SENT_RESPONSE, 0), "m=video"); /* all is said */
		(void)rig_inside(f, p.a, "acme-pbx", "ACK", 1, "");
		assert_int_equal(rig_call(f)->m.state, B2BUA_UP);
		assert_int_equal(rig_call(f)->rec.video_on, 1);
		rig_end(f, 1);
	}
}

/* And in the call: UPDATE on both legs. */
static void
by_update(void **state)
{
	struct fake *f = up(true, true);
	struct rig_pair p = {.a = rig_invite(f, &(struct invite){.more = TAKES})};
	struct edge_txn *t;

	(void)state;
	p.b = rig_out(f);
	fake_answer(f, p.b, 200, "gw", GW_CONTACT TAKES, GW_BODY);
	(void)rig_inside(f, p.a, "acme-pbx", "ACK", 1, "");
	t = rig_inside_sdp(f, p.a, "acme-pbx", "UPDATE", 2, "", A_OFFER);
	assert_says(rig_last(f), "UPDATE ");
	assert_says(rig_last(f), "m=video 20006 RTP/AVP 99\r\n");
	fake_answer(f, rig_last(f)->txn, 200, "gw", "", B_ANSWER);
	assert_int_equal(t->status, 200);
	assert_int_equal(rig_call(f)->rec.video_on, 1);
	t = rig_inside_sdp(f, p.a, "acme-pbx", "UPDATE", 3, "",
			   PBX_OFFER "m=video 0 RTP/SAVP 99\r\n");
	assert_says(rig_last(f), "m=video 0 RTP/AVP ");
	fake_answer(f, rig_last(f)->txn, 200, "gw", "", GW_BODY "m=video 0 RTP/AVP 99\r\n");
	assert_int_equal(t->status, 200);
	assert_int_equal(rig_call(f)->rec.video_on, 0);
	rig_end(f, 1);
}

/* A transfer: whom we call is offered audio, whatever there was; then the two parties agree anew,
 * and on video as they like. */
static void
transferred(void **state)
{
	(void)state;
	for (int video = 0; video < 2; video++) {
		struct fake *f = up(true, true);
		struct rig_pair p;
		struct edge_txn *b;
		struct call *c;

		rig_trunk(f, "acme-pbx")->refer = TRUNK_REFER_LOCAL;
		rig_trunk(f, "gw2")->video = TRUNK_VIDEO_RELAY;
		rig_world(f);
		p = talking(f, A_OFFER, B_ANSWER);
		c = rig_call(f);
		(void)rig_inside(f, p.a, "acme-pbx", "REFER", 7,
				 "Refer-To: <sip:+15552224444@sbc.example>\r\n");
		b = rig_out(f);
		assert_silent(rig_sent(f, SENT_REQUEST, 0), "m=video");
		fake_answer(f, b, 200, "new", "Contact: <sip:new@10.0.0.10:5070>\r\n",
			    SDP_HEAD("10.0.0.10") "m=audio 12000 RTP/AVP 8 101\r\n" SDP_MAPS);
		fake_run(f, 1000);
		assert_silent(rig_last(f), "m=audio"); /* the party that stays says what it can */
		fake_answer(f, rig_last(f)->txn, 200, "gw", GW_CONTACT,
			    video ? B_ANSWER : GW_BODY "m=video 0 RTP/AVP 99\r\n");
		assert_says(rig_last(f), "sip:new@10.0.0.10:5070 SIP/2.0\r\n");
		if (video)
			assert_says(rig_last(f), "m=video ");
		else
			assert_silent(rig_last(f), "m=video");
		fake_answer(
			f, rig_last(f)->txn, 200, "new", "",
			video ? SDP_HEAD("10.0.0.10") "m=audio 12000 RTP/AVP 8 101\r\n" SDP_MAPS
						      "m=video 12002 RTP/AVP 99\r\n"
			      : SDP_HEAD("10.0.0.10") "m=audio 12000 RTP/AVP 8 101\r\n" SDP_MAPS);
		assert_int_equal(c->rec.video_on, video);
		if (video) {
			const struct media_open *one =
				&f->port[c->rec.leg[0].video.media.slot].open;
			const struct media_open *two =
				&f->port[c->rec.leg[1].video.media.slot].open;

			assert_int_equal(one->peer, two->slot);
			assert_int_equal(two->peer, one->slot);
			assert_int_equal(one->flags & BOTH_FLAGS, BOTH_FLAGS);
			assert_int_equal(two->flags & BOTH_FLAGS, BOTH_FLAGS);
			assert_int_equal(one->rtp.port + two->rtp.port, 10002 + 12002);
		}
		rig_settle(f);
		(void)calls_stop(&f->calls, f->now);
		rig_settle(f);
		fake_run(f, 2 * FAKE_LIFE_US);
		rig_settle(f);
		fake_run(f, 2 * FAKE_LIFE_US);
		assert_int_equal(f->n_ended, 2);
		rig_down(f);
	}
}

/* No port is left for video: the call goes on without. */
static void
no_ports(void **state)
{
	struct fake *f = up(true, true);
	struct edge_txn *b;
	struct rig_pair p = talking(f, PBX_OFFER, GW_BODY);

	(void)state;
	f->no_port = true;
	(void)rig_inside_sdp(f, p.a, "acme-pbx", "INVITE", 2, "", A_OFFER);
	b = rig_out(f);
	assert_silent(rig_sent(f, SENT_REQUEST, 0), "m=video");
	fake_answer(f, b, 200, "gw", GW_CONTACT, GW_BODY);
	assert_says(rig_sent(f, SENT_RESPONSE, 0), "m=video 0 RTP/SAVP 99\r\n");
	(void)rig_inside(f, p.a, "acme-pbx", "ACK", 2, "");
	rig_end(f, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(relayed),         cmocka_unit_test(refused),
		cmocka_unit_test(beside),          cmocka_unit_test(added),
		cmocka_unit_test(change_refused),  cmocka_unit_test(hold),
		cmocka_unit_test(refreshed),       cmocka_unit_test(restarted),
		cmocka_unit_test(restarted_early), cmocka_unit_test(late),
		cmocka_unit_test(forks),           cmocka_unit_test(next_target),
		cmocka_unit_test(rekeyed),         cmocka_unit_test(preferred),
		cmocka_unit_test(no_ports),        cmocka_unit_test(before_the_answer),
		cmocka_unit_test(by_update),       cmocka_unit_test(transferred),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
