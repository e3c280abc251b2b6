/* Trunks: places that calls come from and go to. Row of the snapshot, without pointers. */
#ifndef POSTERN_POLICY_TRUNK_H
#define POSTERN_POLICY_TRUNK_H

#include "policy/account.h"

enum trunk_kind { TRUNK_CUSTOMER, TRUNK_CARRIER, TRUNK_KIND_N };
enum trunk_transport { TRUNK_TLS, TRUNK_UDP, TRUNK_TCP, TRUNK_TRANSPORT_N };
enum trunk_security {
	TRUNK_SEC_REQUIRED,  /* SRTP only; needs transport tls, a=crypto never goes in clear */
	TRUNK_SEC_REFUSED,   /* plain RTP only */
	TRUNK_SEC_DEDICATED, /* plain SIP and RTP over its own listener, interface and addresses */
	TRUNK_SEC_PREFERRED, /* SRTP where the far end takes it, else plain RTP; transport tls */
	TRUNK_SECURITY_N
};
/* How we offer it where it is preferred; as enum sdp_form, but for RETRY. */
enum trunk_prefer {
	TRUNK_PREFER_OSRTP, /* RTP/AVP with a=crypto (RFC 8643) */
	TRUNK_PREFER_LINES, /* two m-lines, RTP/SAVP before RTP/AVP */
	TRUNK_PREFER_RETRY, /* RTP/SAVP; after 488 or 606 once more in clear */
	TRUNK_PREFER_N
};
enum trunk_ssrc { TRUNK_SSRC_OWN, TRUNK_SSRC_PASS, TRUNK_SSRC_N };
/* Does SRTP that we send carry an MKI? As enum sdp_mki. */
enum trunk_mki { TRUNK_MKI_MIRROR, TRUNK_MKI_NEVER, TRUNK_MKI_ALWAYS, TRUNK_MKI_N };
/* The rollover counter under a new key of ours: as the far end did it at its own last new key (RFC
 * 3711 3.3.1 keeps it where that is not known), kept, or from 0. */
enum trunk_roc { TRUNK_ROC_FOLLOW, TRUNK_ROC_KEEP, TRUNK_ROC_RESET, TRUNK_ROC_N };
/* What our Contact towards it names: the advertised address, or the FQDN of the TLS listener's
 * zone. */
enum trunk_contact { TRUNK_CONTACT_ADDRESS, TRUNK_CONTACT_FQDN, TRUNK_CONTACT_N };
/* Which requests inside a dialog go on to the other leg of its call, where both trunks take them.
 */
enum trunk_indialog {
	TRUNK_INDIALOG_NONE,
	TRUNK_INDIALOG_DTMF, /* INFO with application/dtmf-relay or application/dtmf */
	TRUNK_INDIALOG_INFO, /* every INFO */
	TRUNK_INDIALOG_ALL,  /* INFO, MESSAGE, NOTIFY */
	TRUNK_INDIALOG_N
};
/* What it speaks for digits. */
enum trunk_dtmf {
	TRUNK_DTMF_PASS,   /* whatever comes goes on */
	TRUNK_DTMF_EVENTS, /* RFC 4733: INFO of the other side becomes events */
	TRUNK_DTMF_INFO, /* INFO alone: events of the other side become INFO, and INFO of it events
			  */
	TRUNK_DTMF_N
};
/* verstat, what a carrier says of its caller's number: only where both trunks pass it. */
enum trunk_verstat { TRUNK_VERSTAT_STRIP, TRUNK_VERSTAT_PASS, TRUNK_VERSTAT_N };
/* What becomes of a REFER that it sends inside a call. */
enum trunk_refer {
	TRUNK_REFER_REFUSE,
	TRUNK_REFER_LOCAL, /* it ends here: we call the target, by its account's rules */
	TRUNK_REFER_PASS, /* it goes on, where the other side's trunk says so, too; else as above */
	TRUNK_REFER_N
};
/* What becomes of its redirection (300, 301, 302, 305) of a call that we send it. */
enum trunk_redirect {
	TRUNK_REDIRECT_REFUSE, /* it is a failure like others */
	TRUNK_REDIRECT_FOLLOW, /* its contacts are tried, by the rules of the account that pays */
	TRUNK_REDIRECT_PASS,   /* the caller gets it, with contacts that lead back to us */
	TRUNK_REDIRECT_N
};
/* Video beside the audio of a call: relayed where both trunks say so. */
enum trunk_video { TRUNK_VIDEO_REFUSE, TRUNK_VIDEO_RELAY, TRUNK_VIDEO_N };
/* Media that is neither audio nor video: it goes past us as it is, where both trunks say so and
 * neither leg is encrypted. */
enum trunk_other_media { TRUNK_OTHER_MEDIA_REFUSE, TRUNK_OTHER_MEDIA_PASS, TRUNK_OTHER_MEDIA_N };
/* The parts of a body beside its SDP: they go on where both trunks say so. */
enum trunk_parts { TRUNK_PARTS_DROP, TRUNK_PARTS_PASS, TRUNK_PARTS_N };
enum { TRUNK_DSCP_EF = 46, TRUNK_DSCP_KEEP = 64 }; /* of media that we send; keep: as it came */
/* What a customer trunk is known by when it comes to us. */
enum trunk_identity {
	TRUNK_BY_CERTIFICATE,
	TRUNK_BY_CERTIFICATE_ADDRESS, /* and its sources, or the addresses of its host */
	TRUNK_BY_ADDRESS,             /* its sources alone; over TLS without client certificate */
	TRUNK_IDENTITY_N
};
/* Our certificate when we dial it over TLS. */
enum trunk_show { TRUNK_SHOW, TRUNK_SHOW_NEVER, TRUNK_SHOW_N };
/* How SRTP keys are agreed: in SDP (RFC 4568), or by DTLS on the media path (RFC 5763, 5764). */
enum trunk_keying { TRUNK_KEYING_SDES, TRUNK_KEYING_DTLS, TRUNK_KEYING_N };
/* ICE (RFC 8445) on the media of a trunk. */
enum trunk_ice { TRUNK_ICE_NO, TRUNK_ICE_LITE, TRUNK_ICE_N };
/* Requests above 1,300 bytes to a trunk with transport udp: over TCP where it takes that (RFC 3261
 * 18.1.1), or never. */
enum trunk_large { TRUNK_LARGE_TCP, TRUNK_LARGE_UDP, TRUNK_LARGE_N };
/* May calls to it use a connection that it opened, without ;alias (RFC 5923)? */
enum trunk_reuse { TRUNK_REUSE_NO, TRUNK_REUSE_INBOUND, TRUNK_REUSE_N };
/* Bits of trunk.direction */
enum trunk_direction {
	TRUNK_IN = 1,  /* it may send calls to us */
	TRUNK_OUT = 2, /* we may send calls to it */
	TRUNK_BOTH = TRUNK_IN | TRUNK_OUT,
};

struct trunk {
	struct text id;
	struct text host;   /* FQDN (lower case: reference identity, SNI, dial target) or IP */
	struct text zone;   /* FQDN of the only zone it uses; none = any, first one for dialling */
	struct text media;  /* name of a media address of the configuration; none = by kind */
	struct text caller; /* default caller number, E.164, shown when a call brings none */
	struct text strip;  /* digits cut off the front of called numbers sent to it */
	struct text add;    /* then put before them */
	struct text
		reference; /* FQDN that its certificate must show when we dial it; none = host */
	struct text group; /* of carriers: the gateways that routes name together */
	struct text hunt, stop; /* statuses after which the next target is tried, or not; of its
				   group where it has none */
	struct text overflow;   /* of customers: id of the trunk that takes what it does not */
	struct text listener;   /* name of the only listener it uses; none = any of its transport */
	struct text headers_in, headers_out; /* rules, policy/rewrite.h: from it, to it */
	struct text rewrite_in, rewrite_out; /* of numbers, likewise */
	struct text srtp;   /* SRTP suites in order, commas between; none = by default */
	struct text codecs; /* that it takes, in order, commas between; none = all */
	struct text
		poll_failed; /* statuses of an answer to OPTIONS that say: down; none = 408, 503 */
	struct text auth; /* name of the credentials for its digest challenges; none = unanswered */
	struct text login_aor;       /* SIP URI that we register there; none = we do not */
	struct text login_registrar; /* host; none = that of the URI */
	uint32_t account;            /* index of its account; POLICY_NONE for a carrier */
	uint32_t max_calls;          /* concurrent, both directions; 0 = no limit of its own */
	uint32_t attempts; /* INVITEs a second, both directions; 0 = no limit of its own */
	uint32_t group_calls, group_attempts; /* the same of its group together */
	uint32_t max_length_s;                /* of a call; 0 = no limit of its own */
	uint32_t login_expires_s;             /* asked for */
	uint32_t poll_every_s;                /* OPTIONS to it; 0 = none */
	uint32_t poll_answer_s;               /* within which it answers */
	uint32_t poll_slow_ms;                /* a later answer is a failure; 0 = none is */
	uint16_t port;
	uint16_t priority, weight;  /* carriers: RFC 2782 sense, lower priority first */
	uint8_t kind;               /* enum trunk_kind */
	uint8_t enabled;            /* 0, 1 */
	uint8_t direction;          /* TRUNK_IN, TRUNK_OUT bits */
	uint8_t transport;          /* enum trunk_transport */
	uint8_t security;           /* enum trunk_security */
	uint8_t ssrc;               /* enum trunk_ssrc */
	uint8_t learn;              /* 0, 1: a plain media source may be learned (symmetric RTP) */
	uint8_t n_sources;          /* source ranges it has; 0 on a TLS trunk = from anywhere */
	uint8_t identity;           /* enum trunk_identity */
	uint8_t client_certificate; /* enum trunk_show */
	uint8_t reuse;              /* enum trunk_reuse */
	uint8_t emergency;          /* 0, 1: of a customer, plain: its emergency calls come in here;
				       of a carrier: takes emergency calls (none has it: any does) */
	uint8_t verstat;            /* enum trunk_verstat */
	uint8_t mki;                /* enum trunk_mki */
	uint8_t roc;                /* enum trunk_roc */
	uint8_t dscp;               /* 0..63, or TRUNK_DSCP_KEEP */
	uint8_t contact;            /* enum trunk_contact */
	uint8_t poll_down, poll_up; /* so many failures, answers in a row: down, up again */
	uint8_t prefer;             /* enum trunk_prefer */
	uint8_t indialog;           /* enum trunk_indialog */
	uint8_t t38_clear;          /* 0, 1: T.38, never encrypted, may go here though voice is */
	uint8_t large;              /* enum trunk_large */
	uint8_t refer;              /* enum trunk_refer */
	uint8_t events;             /* payload type of telephone-event in our offers; 0 = any */
	uint8_t redirect;           /* enum trunk_redirect */
	uint8_t video;              /* enum trunk_video */
	uint8_t repair;             /* 0, 1: one-way audio is mended (call/mend.h) */
	uint8_t keying;             /* enum trunk_keying */
	uint8_t parts;              /* enum trunk_parts */
	uint8_t other_media;        /* enum trunk_other_media */
	uint8_t dtmf;               /* enum trunk_dtmf */
	uint8_t ice;                /* enum trunk_ice */
	uint8_t pad[1];
};

/* Words of the enums as files, the store and --json show them. */
extern const struct word_list trunk_kind_words, trunk_transport_words, trunk_security_words,
	trunk_ssrc_words, trunk_direction_words, trunk_identity_words, trunk_show_words,
	trunk_reuse_words, trunk_mki_words, trunk_roc_words, trunk_contact_words, trunk_large_words,
	trunk_prefer_words, trunk_keying_words, trunk_ice_words, trunk_indialog_words,
	trunk_dtmf_words, trunk_refer_words, trunk_verstat_words, trunk_redirect_words,
	trunk_video_words, trunk_parts_words, trunk_other_media_words;
/** "?" outside. Static storage. */
const char *trunk_kind_name(enum trunk_kind k);
const char *trunk_transport_name(enum trunk_transport t);
const char *trunk_security_name(enum trunk_security s);
const char *trunk_ssrc_name(enum trunk_ssrc s);
const char *trunk_direction_name(enum trunk_direction d); /* "in", "out", "both" */
const char *trunk_identity_name(enum trunk_identity i);
/** Does its media go as SRTP: always, or where it can? */
bool trunk_encrypts(unsigned security);
/** Neither TLS nor SRTP: the only trunks of customers that emergency calls are carried over,
 * whatever their switches say. */
bool trunk_is_clear(const struct trunk *t);
/** A host as trunks have it: IP literal or DNS name of letters, digits, '-', '.', '_'. */
bool trunk_host_valid(struct str host);

/**
 * May a call of class c come from trunk t (from = true) or go to it (false)? acc is its account,
 * NULL for a carrier. CLASS_EMERGENCY is not stopped by switches of class or by tls_srtp.
 * Limits are asked separately (policy/limit.h).
 */
enum account_reason trunk_admits(const struct account *acc, const struct trunk *t,
				 enum policy_class c, bool from) NODISCARD;

#endif
