/* The call record, version 8: all that is needed to go on with a call, or to end it properly,
 * elsewhere; the same bytes become its CDR. Plain data without pointers and without any key.
 * The format stands here because call fills it in; ha keeps it (docs/decisions/001). */
#ifndef POSTERN_CALL_RECORD_H
#define POSTERN_CALL_RECORD_H

#include "base/id.h"
#include "call/b2bua.h"
#include "call/reason.h"
#include "media/ctl.h"
#include "policy/number.h"
#include "policy/route.h"
#include "sdp/offer.h"
#include "sip/dialog.h"

enum {
	CALL_RECORD_VERSION = 8,
	CALL_TRANSFERS_MAX = 3, /* of a call */
	CALL_SPARE = 32,        /* records and calls beyond the node's limit, for emergency calls */
	CALL_INCREMENT_MAX = 86400,
	CALL_NAME_MAX = 128,       /* peer identity, codec */
	CALL_NUMBER_MAX = 64,      /* a number or user part as it came */
	CALL_TARGET_WHY_MAX = 160, /* why a target could not be reached */
	CALL_TRIED_MAX = 4,        /* addresses of a target that are kept */
	CALL_DETAIL_MAX = 256,     /* what a refusal says of this call */
};

enum call_leg_index { LEG_A, LEG_B, CALL_LEGS };

/* What became of the Identity of the INVITE (RFC 8224): it goes on only together with all that it
 * signs. X(id, words of the CDR) */
#define CALL_IDENTITY_LIST(X)                                                                      \
	X(NONE, "")                                                                                \
	X(PASSED, "passed")                                                                        \
	X(UNTRUSTED, "dropped: a customer's is not believed")                                      \
	X(PRIVACY, "dropped: the caller is withheld")                                              \
	X(RULE, "dropped: a rule of a trunk removes it")                                           \
	X(DATE, "dropped: a rule of a trunk removes Date")                                         \
	X(ASSERTED, "dropped: a rule of a trunk removes P-Asserted-Identity")                      \
	X(CALLED, "dropped: the called number was changed")                                        \
	X(CALLING, "dropped: the calling number was changed")
enum call_identity {
#define X(n, words) IDENTITY_##n,
	CALL_IDENTITY_LIST(X)
#undef X
		CALL_IDENTITY_N
};
/** Words of the CDR; "" for none, and outside. */
const char *call_identity_text(enum call_identity i);

/* Who ended the call. */
#define CALL_ENDER_LIST(X) X(NONE) X(CALLER) X(CALLED) X(POSTERN)
enum call_ender {
#define X(n) ENDER_##n,
	CALL_ENDER_LIST(X)
#undef X
		CALL_ENDER_N
};
const char *call_ender_name(enum call_ender e);

/* How a leg came to clear media although its trunk prefers SRTP. X(name, sentence) */
#define RECORD_FALL_LIST(X)                                                                        \
	X(none, "")                                                                                \
	X(offered, "the far side offered no SRTP")                                                 \
	X(answered, "the far side answered our offer of SRTP in clear")                            \
	X(retried, "the far side refused SRTP, and took the call in clear")
enum record_fall {
#define X(name, text) RECORD_FALL_##name,
	RECORD_FALL_LIST(X)
#undef X
		RECORD_FALL_N
};
/** Outside the list: as of none. Static storage. */
const char *record_fall_name(enum record_fall f);
const char *record_fall_text(enum record_fall f);

/* What was heard from a leg. X(name, sentence) */
#define RECORD_AUDIO_LIST(X)                                                                       \
	X(unknown, "")                                                                             \
	X(ok, "")                                                                                  \
	X(none, "no packets came")                                                                 \
	X(source, "packets came only from addresses that neither SDP nor a verified packet named") \
	X(auth, "no packet could be authenticated")                                                \
	X(clear, "packets came in clear on an encrypted leg")                                      \
	X(broken, "what came was no RTP")                                                          \
	X(payload_type, "packets came with a payload type that SDP does not name")                 \
	X(silence, "there was nothing to hear in the packets that came")
enum record_audio {
#define X(name, text) RECORD_AUDIO_##name,
	RECORD_AUDIO_LIST(X)
#undef X
		RECORD_AUDIO_N
};
/** Outside the list: as of unknown. Static storage. */
const char *record_audio_name(enum record_audio a);
const char *record_audio_text(enum record_audio a);

/* T.38 on a leg. X(name) */
#define RECORD_FAX_LIST(X)                                                                         \
	X(none)                                                                                    \
	X(passed)                                                                                  \
	X(clear) /* on a leg whose voice is encrypted */
enum record_fax {
#define X(name) RECORD_FAX_##name,
	RECORD_FAX_LIST(X)
#undef X
		RECORD_FAX_N
};
/** Outside the list: as of none. Static storage. */
const char *record_fax_name(enum record_fax f);

/* Video of a leg. It has a row of its own, and is never what ends a call. */
struct record_video {
	struct media_open media;          /* as last commanded, while open */
	uint64_t in_packets, out_packets; /* of all rows that it had, once they are closed */
	uint32_t out_tag;                 /* of the a=crypto line that we send under */
	uint16_t port;                    /* ours, as SDP names it, at the address that audio has */
	uint8_t out_spelling;             /* of its suite */
	uint8_t open;                     /* media.slot is ours */
	uint8_t final;                    /* and is counted */
	uint8_t was;                      /* it was relayed at some time */
	uint8_t in_suite, out_suite;      /* enum sdp_suite, of the last time */
	uint8_t pad[4];
};

/* ICE of a leg. Its password is not here: it follows from ufrag (call_ops.do_ice_pwd). */
struct record_ice {
	struct sdp_ice far;
	char ufrag[SDP_UFRAG_SIZE]; /* ours; "" = none */
	uint8_t nominated[2];       /* media.rtp, media.rtcp are what it nominated */
	uint8_t pad;
};

struct record_leg {
	struct sip_dialog dialog;
	struct policy_id account, trunk; /* text ids; account "" for a carrier */
	char peer[CALL_NAME_MAX];        /* names of the peer's certificate; "" on plain legs */
	char tls_version[12], tls_suite[40];
	char codec[SDP_CODEC_MAX];
	struct addr remote;          /* where signalling last came from */
	uint64_t conn;               /* its connection, in this life of signaling */
	uint8_t transport;           /* enum edge_transport */
	uint8_t secure;              /* SRTP on this leg */
	uint8_t media_open;          /* media.slot is ours */
	uint8_t stats_final;         /* stats are the last word */
	uint8_t in_suite, out_suite; /* enum sdp_suite */
	uint8_t allows_update;       /* its Allow names UPDATE */
	uint8_t out_spelling;        /* of the suite that we send under */
	uint32_t out_tag;            /* of that a=crypto line */
	uint32_t session_s;          /* RFC 4028: agreed with this peer, or asked of it; 0 = none */
	uint8_t session_on;          /* it is agreed */
	uint8_t session_ours;        /* we refresh it */
	uint8_t security;            /* enum trunk_security: what its trunk said */
	uint8_t fell;                /* enum record_fall */
	uint8_t form;                /* enum sdp_form: how SRTP was agreed */
	uint8_t audio;               /* enum record_audio, as it was looked at last */
	uint8_t fax;                 /* enum record_fax */
	uint8_t repair;              /* enum record_audio: why it was asked anew; none: was not */
	uint8_t keyed;               /* SDP_FORM_DTLS: its association has its keys */
	uint8_t pad[7];
	struct addr shown;                  /* ours, as SDP on this leg names it */
	char branch[40];                    /* B: of the INVITE's Via, while it is in set-up */
	struct media_open media;            /* as last commanded */
	struct sdp_dtls far_dtls, own_dtls; /* SDP_FORM_DTLS: as the association has them */
	struct record_ice ice;
	struct sdp_origin origin;
	struct sdp_layout layout;
	struct sdp_numbers numbers; /* payload types as this leg has them */
	struct media_stats stats;
	struct record_video video;
};

struct record_target {
	struct policy_id trunk;
	struct policy_id route;            /* that named it; "" = none did */
	int64_t at_us;                     /* wall, INVITE sent */
	struct addr tried[CALL_TRIED_MAX]; /* where its INVITE was sent to, the first ones */
	uint32_t n_tried;                  /* of these */
	uint32_t redirected;               /* redirections that led here; 0 = none */
	int32_t status;                    /* final SIP status, 0 = none came, -1 = not sent */
	uint32_t pad;
	char number[NUMBER_SIZE];      /* that was called there, before the trunk's rules */
	char why[CALL_TARGET_WHY_MAX]; /* -1, a redirection that led nowhere: a sentence; else "" */
};

struct call_record {
	uint32_t version, size;
	struct id id;
	uint8_t state; /* enum b2bua_state */
	uint8_t ended_by;
	uint8_t crashes; /* times that signaling died with this call in hand */
	uint8_t n_targets, restored;
	uint8_t owes_ack; /* state ANSWERED: B's 2xx waits for its ACK */
	uint8_t identity; /* enum call_identity */
	uint32_t class;   /* enum policy_class */
	/* wall clock, us; 0 = did not happen */
	int64_t invite_us, ringing_us, answer_us, end_us;
	uint64_t answer_mono_us, end_mono_us; /* monotonic: durations */
	int32_t sip_status;                   /* final status that A saw, or 200 */
	int32_t q850;
	uint32_t refusal; /* enum refusal; why postern ended or refused it */
	uint32_t pad2;
	/* the customer's trunk that redirected it: its account pays; "" = none did */
	struct policy_id forwarder;
	/* whose money and minutes, and the account above it; "" = nobody's (policy/usage.h) */
	struct policy_id payer, payer_parent;
	uint64_t price_micro;  /* a minute, millionths */
	uint32_t increment_s;  /* 0 = nothing is counted */
	uint32_t steps;        /* increments begun and counted */
	uint32_t max_length_s; /* 0 = no limit */
	uint32_t exempt;       /* 1: an emergency call, or the call back: no limit holds */
	struct id
		transfer_of; /* the call in which a transfer to this one was asked for; "" = none */
	uint8_t transfers;   /* that were carried out in this call */
	uint8_t joining; /* its legs have changed, and do not agree yet: it cannot go on elsewhere
			  */
	uint8_t rides; /* 1 + its leg that is leg host_leg of transfer_of now; it ends with that; 0:
			  none */
	uint8_t host_leg;
	uint8_t video_on;  /* both legs agreed on video */
	uint8_t others_on; /* 1 << enum sdp_media_type: what goes past us (call/others.h) now, */
	uint8_t others;    /* and at any time */
	uint8_t pad3[1];
	char from_received[CALL_NUMBER_MAX], to_received[CALL_NUMBER_MAX];
	char from_sent[CALL_NUMBER_MAX], to_sent[CALL_NUMBER_MAX];
	char refusal_detail[CALL_DETAIL_MAX]; /* more than the sentence of refusal; "" = no more */
	struct record_target target[ROUTE_TARGETS_MAX];
	struct record_leg leg[CALL_LEGS];
};

/** For a record out of shared memory: version, size, every index and text within. */
bool call_record_valid(const struct call_record *r);

#endif
