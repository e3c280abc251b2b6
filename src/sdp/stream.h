/* What a received body means for its leg (RFC 3264, RFC 4568 5.1), held against what the leg
 * demands and against our own side of it (sdp/local.h). The rules on protection (M9) stand here and
 * nowhere else. Pure. Any thread. */
#ifndef POSTERN_SDP_STREAM_H
#define POSTERN_SDP_STREAM_H

#include "sdp/codec.h"
#include "sdp/dtls.h"
#include "sdp/ice.h"
#include "sdp/keys.h"

enum {
	SDP_LOCAL_CRYPTO_MAX = SDP_SUITES_MAX, /* a=crypto lines that we offer */
	SDP_PTIME_DEFAULT = 20,                /* ms */
	SDP_STATUS_REFUSED = 488,              /* Not Acceptable Here */
	SDP_LINES_N = 2,                       /* of SDP_FORM_LINES */
	SDP_VIDEO_CLOCK = 90000,               /* Hz, where nothing says another one */
};

/* Why a body cannot be taken: for the response and the log. text is static, ASCII, no secrets. */
struct sdp_refusal {
	uint16_t status;
	const char *text;
	enum {
		SDP_FAULT_MEDIA,
		SDP_FAULT_KEYS,   /* protected otherwise than the leg demands */
		SDP_FAULT_SUITES, /* the same: no a=crypto that the leg takes */
		SDP_FAULT_FAX,    /* it wants T.38, and the leg takes none */
	} fault;
};

/* What a leg demands. */
struct sdp_policy {
	bool secure;    /* RTP/SAVP with a=crypto and nothing else; false: RTP/AVP, nothing else */
	bool dtls;      /* secure: UDP/TLS/RTP/SAVP(F) with a=fingerprint instead, only that */
	bool osrtp;     /* secure: a=crypto under RTP/AVP is as good (RFC 8643) */
	bool clear_too; /* secure: RTP/AVP in clear is taken where nothing better is there */
	/* a host name in c= is an address that is not known yet (rtp.family 0, while the direction
	 * holds) */
	bool lenient;
	bool first; /* of the dialog: an audio stream with port 0 is no call */
	bool ice;   /* what it says of ICE is read, else not looked at */
	bool fax;   /* T.38 may take the place of audio (m=image udptl); it is never encrypted */
	struct sdp_suites suites; /* what is taken, the first ones before the others */
	struct sdp_codecs codecs; /* of offers: what is taken, in this order; none named: all */
};

/* What the far end of a leg said. Plain data; holds a key: wipe with sdp_stream_wipe. */
struct sdp_stream {
	struct addr rtp, rtcp; /* where it wants packets; family 0 = nowhere (hold by 0.0.0.0) */
	enum sdp_proto proto;
	enum sdp_direction direction; /* as it said it, hold in any spelling folded in */
	bool far_sends, far_receives; /* after sdp_stream_agree: as negotiated */
	bool rtcp_mux;                /* it offers it, or (answer) takes the one that we offered */
	bool disabled;                /* port 0 */
	bool fax;                     /* T.38: no codecs, no key; codec is "t38" */
	bool hold;     /* it does not want to hear us: sendonly, inactive, 0.0.0.0 or port 0 */
	uint8_t index; /* of its m-line */
	uint8_t n_pts;
	uint8_t pts[SDP_FORMATS_MAX];     /* usable formats in its order */
	uint32_t codecs[SDP_FORMATS_MAX]; /* the same, as sdp_codec_number and place among twins */
	uint8_t telephone_event_pt;       /* RFC 4733; SDP_PT_NONE without */
	uint8_t codec_pt;                 /* of the first codec */
	char codec[SDP_CODEC_MAX];        /* of the first codec, e.g. "PCMA" */
	uint32_t clock;                   /* Hz, of the first codec */
	uint16_t ptime;                   /* ms, SDP_PTIME_DEFAULT where it says nothing */
	uint64_t words;                   /* of an offer: what it says of its formats, hashed */
	uint32_t tag;                     /* of the chosen a=crypto; 0 on a clear leg */
	enum sdp_suite suite;             /* SDP_SUITE_NONE on a clear leg */
	uint8_t spelling;                 /* of the suite's name */
	struct sdp_key key;               /* it sends under this one */
	struct sdp_dtls dtls;             /* keys come by a handshake; no suite, no key here */
	struct sdp_ice ice;
};

/* How our offer says that a stream is encrypted. */
enum sdp_form {
	SDP_FORM_SAVP,  /* RTP/SAVP */
	SDP_FORM_OSRTP, /* RTP/AVP with a=crypto: who does not know it answers in clear (RFC 8643)
			 */
	SDP_FORM_LINES, /* a line of RTP/SAVP and behind it one of RTP/AVP: the far end takes one.
			 * In a first offer; later ones are SDP_FORM_SAVP or clear */
	SDP_FORM_DTLS,  /* UDP/TLS/RTP/SAVP: the keys come by a handshake (RFC 5764) */
	SDP_FORM_N
};

/* An a=crypto line of ours: one key, no parameters. */
struct sdp_line {
	uint32_t tag;
	enum sdp_suite suite;
	uint8_t spelling; /* of the suite's name */
	struct sdp_key key;
};

/* Our side of a leg. Plain data; holds keys: wipe with sdp_local_wipe. */
struct sdp_local {
	struct addr media; /* advertised address and RTP port; RTCP on port + 1, or mux */
	bool secure;
	bool rtcp_mux;    /* offer it, and take it where offered */
	uint8_t mki;      /* enum sdp_mki */
	uint8_t form;     /* enum sdp_form, where secure */
	uint8_t n_crypto; /* offering: lines to offer; answering: 1, see sdp_local_answer */
	struct sdp_line crypto[SDP_LOCAL_CRYPTO_MAX];
	struct sdp_dtls dtls; /* SDP_FORM_DTLS: our print; setup is our role once it is known */
	struct sdp_ice_own ice;
};

/* The m-lines of a leg, in the order that both sides must keep (RFC 3264 8). All zero at first;
 * plain data, kept in the call's record. */
struct sdp_layout {
	uint8_t n, audio;            /* audio: index of the relayed line */
	uint8_t video;               /* 1 + index of the line that video has or had; 0: none */
	uint8_t type[SDP_MEDIA_MAX]; /* enum sdp_media_type */
};

/**
 * What a received offer means. REFUSED with *why, or ERR_OK with *out. lay: the leg's layout, read
 * only: fewer m-lines than before is refused; NULL or all zero on a first offer.
 */
enum err sdp_offer_read(const struct sdp *s, const struct sdp_policy *p,
			const struct sdp_layout *lay, struct sdp_stream *out,
			struct sdp_refusal *why) NODISCARD;

/**
 * What a received answer to our offer means: ours, lay and asked as they were for
 * sdp_offer_write. One crypto line, its tag among ours, with its suite; with
 * p->clear_too and a form that allows it, none: then out->suite is none. out->index is the line
 * that is in use from now on (of SDP_FORM_LINES, either).
 */
enum err sdp_answer_read(const struct sdp *s, const struct sdp_policy *p,
			 const struct sdp_local *ours, const struct sdp_layout *lay,
			 const struct sdp_list *asked, struct sdp_stream *out,
			 struct sdp_refusal *why) NODISCARD;

/**
 * The video beside the audio of an offer, the line that is relayed so far before the others.
 * p->secure: as the leg's audio is protected; nothing else is taken (M9). Formats are not chosen
 * from: pts are all of them, codecs is empty. NOTFOUND: none is in use; REFUSED: none can be taken,
 * with *why.
 */
enum err sdp_video_offer_read(const struct sdp *s, const struct sdp_policy *p,
			      const struct sdp_layout *lay, struct sdp_stream *out,
			      struct sdp_refusal *why) NODISCARD;
/** The answer to the video that we offered, in the line that lay has for it; ours as it was then.
 * Otherwise as sdp_answer_read; NOTFOUND: it is refused with port 0. */
enum err sdp_video_answer_read(const struct sdp *s, const struct sdp_policy *p,
			       const struct sdp_local *ours, const struct sdp_layout *lay,
			       struct sdp_stream *out, struct sdp_refusal *why) NODISCARD;

/** The direction that an answer to offered may have at most, where we want wanted. */
enum sdp_direction sdp_answer_direction(enum sdp_direction offered, enum sdp_direction wanted);
/** Both bodies are exchanged, we said ours on this leg: set far_sends, far_receives. */
void sdp_stream_agree(struct sdp_stream *st, enum sdp_direction ours);

/** Does b ask for what a is, but for where it is and under which key? */
bool sdp_stream_is_same(const struct sdp_stream *a, const struct sdp_stream *b);

void sdp_stream_wipe(struct sdp_stream *st);

#endif
