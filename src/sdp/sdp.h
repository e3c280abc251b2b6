/* SDP (RFC 8866, 4566): one body parsed once into slices over it, in one pass. Tolerant of LF, a
 * missing last line end, empty and unknown lines; strict about numbers, because counts and ports
 * that were trusted are how other parsers fell (P3). Pure; any thread. */
#ifndef POSTERN_SDP_SDP_H
#define POSTERN_SDP_SDP_H

#include "base/addr.h"

enum {
	SDP_BODY_MAX = 65535,
	SDP_LINES_MAX = 1024,
	SDP_LINE_MAX = 4096,
	SDP_MEDIA_MAX = 8,
	SDP_FORMATS_MAX = 32, /* of one m-line */
	SDP_CRYPTO_MAX = 16,  /* a=crypto lines of one m-line */
	SDP_PTIME_MAX = 1000, /* ms, ptime and maxptime */
	SDP_CLOCK_MAX = 1000000,
	SDP_CHANNELS_MAX = 255,
	SDP_PORTS_MAX = 255, /* "port/count" of an m-line */
	SDP_PT_NONE = 0xff,
};

enum sdp_media_type {
	SDP_AUDIO,
	SDP_VIDEO,
	SDP_TEXT,
	SDP_APPLICATION,
	SDP_MESSAGE,
	SDP_IMAGE,
	SDP_MEDIA_OTHER,
};

enum sdp_proto {
	SDP_RTP_AVP,
	SDP_RTP_AVPF,
	SDP_RTP_SAVP,
	SDP_RTP_SAVPF,
	SDP_DTLS_SAVP,  /* UDP/TLS/RTP/SAVP */
	SDP_DTLS_SAVPF, /* UDP/TLS/RTP/SAVPF */
	SDP_UDPTL,      /* udptl: T.38 (RFC 7345 A.1) */
	SDP_PROTO_OTHER,
};

/* As seen by the one who says it. Bits, so that they can be combined. */
enum sdp_direction {
	SDP_INACTIVE = 0,
	SDP_SENDONLY = 1,
	SDP_RECVONLY = 2,
	SDP_SENDRECV = 3,
};

/* c= */
struct sdp_conn {
	struct addr addr; /* family 0: a host name; port 0 */
	struct str host;  /* as written, without /ttl */
	bool present;
	bool multicast; /* a /ttl or /count stood behind the address */
};

/* One format of an m-line, with what rtpmap and fmtp say of it (the first of each). */
struct sdp_format {
	struct str name;  /* as in the m-line */
	struct str codec; /* rtpmap encoding name; empty without an rtpmap */
	struct str fmtp;  /* parameters behind the payload type; empty without */
	uint32_t clock;   /* Hz; 0 without an rtpmap */
	uint8_t channels; /* 1 where rtpmap does not say */
	uint8_t pt;       /* 0..127; SDP_PT_NONE where the protocol is not RTP */
};

struct sdp_media {
	enum sdp_media_type type;
	enum sdp_proto proto;
	struct str type_text, proto_text, formats_text; /* as written */
	uint16_t port, port_count;                      /* port_count 1 where not said */
	struct sdp_conn conn;                           /* of the section, else of the session */
	enum sdp_direction direction; /* of the section, else of the session, else SENDRECV */
	bool rtcp_mux;                /* RFC 5761 */
	struct addr rtcp;         /* a=rtcp (RFC 3605): port; family 0 where it gave no address */
	uint16_t ptime, maxptime; /* ms; 0 = not said */
	unsigned n_formats, n_crypto;
	struct sdp_format formats[SDP_FORMATS_MAX];
	struct str crypto[SDP_CRYPTO_MAX]; /* what stands behind "a=crypto:" */
	struct str text;                   /* all lines of the section behind the m-line */
};

struct sdp {
	struct str origin; /* o= as written */
	struct str origin_user, origin_addr;
	uint64_t session_id, session_version;
	struct str name, time; /* s=, t= as written; may be empty */
	struct sdp_conn conn;
	enum sdp_direction direction;
	struct str text; /* all lines before the first m-line */
	unsigned n_media;
	struct sdp_media media[SDP_MEDIA_MAX];
};

/**
 * Parse body. The slices in *out (about 18 kB) borrow from body. *out is undefined on failure.
 * LONG: one of the limits above; SYNTAX: not SDP, a lone CR or a NUL in it, an m-line in use
 * without an address; RANGE: a number outside its range; UNSUPPORTED: a network type other than IN
 * IP4/IP6.
 */
enum err sdp_parse(struct str body, struct sdp *out) NODISCARD;

/** Walk all lines of a section's text: *rest starts as that text and is moved on. The letter before
 * "=", and what stands behind. */
bool sdp_next_line(struct str *rest, char *type, struct str *value);
/**
 * Walk the a= lines of a section's text: *rest starts as that text and is moved on. True with name
 * and value ("" for a flag), false at the end.
 */
bool sdp_next_attr(struct str *rest, struct str *name, struct str *value);
/** The value of the first such attribute of a section's text; NOTFOUND. */
enum err sdp_find_attr(struct str text, const char *name, struct str *value) NODISCARD;

/** Not empty, and nothing in it that could be taken for more than text (P6): it may be written out
 * again as it came. */
bool sdp_is_clean(struct str s);
/** "sendrecv", ... Static storage. */
const char *sdp_direction_name(enum sdp_direction d);
/** The same as the other side sees it. */
enum sdp_direction sdp_direction_flip(enum sdp_direction d);
/** "RTP/SAVP", ...; "?" for SDP_PROTO_OTHER. Static storage. */
const char *sdp_proto_name(enum sdp_proto p);
/** "audio", ...; "other" for SDP_MEDIA_OTHER. Static storage. */
const char *sdp_media_name(enum sdp_media_type t);
/** RTP/SAVP or RTP/SAVPF: keys by a=crypto. */
bool sdp_proto_is_sdes(enum sdp_proto p);
/** UDP/TLS/RTP/SAVP or SAVPF: keys by DTLS (RFC 5764). */
bool sdp_proto_is_dtls(enum sdp_proto p);
/** Any that carries RTP: its formats are payload types. */
bool sdp_proto_is_rtp(enum sdp_proto p);
/** One with feedback (RFC 4585): AVPF, SAVPF. */
bool sdp_proto_has_feedback(enum sdp_proto p);
/** RTP/AVP or RTP/AVPF. */
bool sdp_proto_is_clear(enum sdp_proto p);

#endif
