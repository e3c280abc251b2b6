/* A SIP message: slices over one borrowed buffer, no copy, no allocation. Parsing finds the
 * start line and every header, reads the fields that each message needs (top Via, From, To,
 * Call-ID, CSeq, Max-Forwards, Content-Length), and refuses what RFC 3261 does not allow. */
#ifndef POSTERN_SIP_MSG_H
#define POSTERN_SIP_MSG_H

#include "sip/uri.h"
#include "sip/via.h"

enum {
	SIP_MSG_MAX = 65536,    /* bytes of a message, body and all */
	SIP_HDR_MAX = 128,      /* header lines of a message */
	SIP_LINE_MAX = 8192,    /* bytes of a header with its folds, or of the start line */
	SIP_NAME_MAX = 128,     /* bytes of a header name */
	SIP_METHOD_MAX = 64,    /* bytes of a method */
	SIP_CALL_ID_MAX = 256,  /* bytes */
	SIP_TAG_MAX = 256,      /* bytes of a tag */
	SIP_BRANCH_MAX = 256,   /* bytes of a branch */
	SIP_HOST_MAX = 255,     /* bytes of a host in Via or a URI that we use */
	SIP_STATUS_MAX = 699,   /* RFC 3261 7.2 */
	SIP_FORWARDS_MAX = 255, /* RFC 3261 20.22 */
	SIP_FORWARDS_NONE = -1, /* no Max-Forwards header */
	SIP_LENGTH_NONE = -1,   /* no Content-Length header */
	SIP_HDR_NONE = 255,     /* end of a chain of headers */
};
/* RFC 3261 8.1.1.5: less than 2**31 */
#define SIP_CSEQ_MAX 0x7fffffffu

#define SIP_METHOD_LIST(X)                                                                         \
	X(INVITE)                                                                                  \
	X(ACK)                                                                                     \
	X(BYE)                                                                                     \
	X(CANCEL)                                                                                  \
	X(OPTIONS)                                                                                 \
	X(REGISTER)                                                                                \
	X(PRACK)                                                                                   \
	X(UPDATE)                                                                                  \
	X(INFO)                                                                                    \
	X(MESSAGE)                                                                                 \
	X(NOTIFY)                                                                                  \
	X(SUBSCRIBE)                                                                               \
	X(REFER)                                                                                   \
	X(PUBLISH)

enum sip_method {
#define X(m) SIP_##m,
	SIP_METHOD_LIST(X)
#undef X
		SIP_UNKNOWN /* any other token; the text says which */
};

/* X(id, canonical name, compact form or 0), sorted by name without case. */
#define SIP_HDR_LIST(X)                                                                            \
	X(ACCEPT, "Accept", 0)                                                                     \
	X(ACCEPT_CONTACT, "Accept-Contact", 'a')                                                   \
	X(ACCEPT_ENCODING, "Accept-Encoding", 0)                                                   \
	X(ACCEPT_LANGUAGE, "Accept-Language", 0)                                                   \
	X(ALERT_INFO, "Alert-Info", 0)                                                             \
	X(ALLOW, "Allow", 0)                                                                       \
	X(ALLOW_EVENTS, "Allow-Events", 'u')                                                       \
	X(AUTHENTICATION_INFO, "Authentication-Info", 0)                                           \
	X(AUTHORIZATION, "Authorization", 0)                                                       \
	X(CALL_ID, "Call-ID", 'i')                                                                 \
	X(CALL_INFO, "Call-Info", 0)                                                               \
	X(CONTACT, "Contact", 'm')                                                                 \
	X(CONTENT_DISPOSITION, "Content-Disposition", 0)                                           \
	X(CONTENT_ENCODING, "Content-Encoding", 'e')                                               \
	X(CONTENT_LANGUAGE, "Content-Language", 0)                                                 \
	X(CONTENT_LENGTH, "Content-Length", 'l')                                                   \
	X(CONTENT_TYPE, "Content-Type", 'c')                                                       \
	X(CSEQ, "CSeq", 0)                                                                         \
	X(DATE, "Date", 0)                                                                         \
	X(DIVERSION, "Diversion", 0)                                                               \
	X(ERROR_INFO, "Error-Info", 0)                                                             \
	X(EVENT, "Event", 'o')                                                                     \
	X(EXPIRES, "Expires", 0)                                                                   \
	X(FROM, "From", 'f')                                                                       \
	X(GEOLOCATION, "Geolocation", 0)                                                           \
	X(HISTORY_INFO, "History-Info", 0)                                                         \
	X(IDENTITY, "Identity", 'y')                                                               \
	X(IN_REPLY_TO, "In-Reply-To", 0)                                                           \
	X(MAX_FORWARDS, "Max-Forwards", 0)                                                         \
	X(MIME_VERSION, "MIME-Version", 0)                                                         \
	X(MIN_EXPIRES, "Min-Expires", 0)                                                           \
	X(MIN_SE, "Min-SE", 0)                                                                     \
	X(ORGANIZATION, "Organization", 0)                                                         \
	X(P_ACCESS_NETWORK_INFO, "P-Access-Network-Info", 0)                                       \
	X(P_ASSERTED_IDENTITY, "P-Asserted-Identity", 0)                                           \
	X(P_CHARGE_INFO, "P-Charge-Info", 0)                                                       \
	X(P_PREFERRED_IDENTITY, "P-Preferred-Identity", 0)                                         \
	X(PATH, "Path", 0)                                                                         \
	X(PRIORITY, "Priority", 0)                                                                 \
	X(PRIVACY, "Privacy", 0)                                                                   \
	X(PROXY_AUTHENTICATE, "Proxy-Authenticate", 0)                                             \
	X(PROXY_AUTHORIZATION, "Proxy-Authorization", 0)                                           \
	X(PROXY_REQUIRE, "Proxy-Require", 0)                                                       \
	X(RACK, "RAck", 0)                                                                         \
	X(REASON, "Reason", 0)                                                                     \
	X(RECORD_ROUTE, "Record-Route", 0)                                                         \
	X(REFER_TO, "Refer-To", 'r')                                                               \
	X(REFERRED_BY, "Referred-By", 'b')                                                         \
	X(REMOTE_PARTY_ID, "Remote-Party-ID", 0)                                                   \
	X(REPLACES, "Replaces", 0)                                                                 \
	X(REPLY_TO, "Reply-To", 0)                                                                 \
	X(REQUIRE, "Require", 0)                                                                   \
	X(RESOURCE_PRIORITY, "Resource-Priority", 0)                                               \
	X(RETRY_AFTER, "Retry-After", 0)                                                           \
	X(ROUTE, "Route", 0)                                                                       \
	X(RSEQ, "RSeq", 0)                                                                         \
	X(SERVER, "Server", 0)                                                                     \
	X(SESSION_EXPIRES, "Session-Expires", 'x')                                                 \
	X(SUBJECT, "Subject", 's')                                                                 \
	X(SUBSCRIPTION_STATE, "Subscription-State", 0)                                             \
	X(SUPPORTED, "Supported", 'k')                                                             \
	X(TIMESTAMP, "Timestamp", 0)                                                               \
	X(TO, "To", 't')                                                                           \
	X(UNSUPPORTED, "Unsupported", 0)                                                           \
	X(USER_AGENT, "User-Agent", 0)                                                             \
	X(USER_TO_USER, "User-to-User", 0)                                                         \
	X(VIA, "Via", 'v')                                                                         \
	X(WARNING, "Warning", 0)                                                                   \
	X(WWW_AUTHENTICATE, "WWW-Authenticate", 0)

enum sip_hdr_id {
#define X(id, name, compact) SIP_H_##id,
	SIP_HDR_LIST(X)
#undef X
		SIP_H_OTHER, /* any other token; the name says which */
	SIP_H_N
};

/* One header line. */
struct sip_hdr {
	struct str name;  /* as written, compact or not */
	struct str value; /* trimmed; folds are still inside */
	struct str line;  /* the whole of it, from the name to the last CRLF included */
	uint8_t id;       /* enum sip_hdr_id */
	uint8_t next;     /* index of the next header with this id, or SIP_HDR_NONE */
};

/* Valid as long as the buffer that was parsed. About 8 KiB: keep one per worker, not per call. */
struct sip_msg {
	struct str all;  /* start line to the end of the body */
	struct str head; /* start line to the blank line, both included */
	struct str body; /* cut to Content-Length */
	bool request;
	enum sip_method method; /* request: of the start line; response: of CSeq */
	struct str method_name; /* likewise */
	struct str uri_text;    /* request only */
	struct sip_uri uri;     /* request only */
	uint16_t status;        /* response only, 100..699 */
	struct str reason;      /* response only; may be empty or 8-bit */

	struct sip_via via; /* top value of the top Via */
	struct sip_nameaddr from, to;
	struct str from_tag, to_tag; /* may be empty (RFC 2543; requests outside a dialog) */
	struct str call_id;
	uint32_t cseq;
	enum sip_method cseq_method;
	int max_forwards;       /* 0..255, or SIP_FORWARDS_NONE */
	bool only_forwards;     /* a fault that is Max-Forwards alone: it counts as not there */
	int32_t content_length; /* or SIP_LENGTH_NONE */

	/* What was wrong, first fault only; ERR_OK, 0, "" when nothing was. */
	enum err fault;
	uint16_t
		answer; /* request that can be answered: the status (400 414 416 505 513); else 0 */
	const char *why; /* short, static, fit for a Warning or a log line */

	uint16_t n_hdr;
	uint8_t first[SIP_H_N]; /* index of the first header with this id, or SIP_HDR_NONE */
	uint8_t last[SIP_H_N];  /* internal */
	struct sip_hdr hdr[SIP_HDR_MAX]; /* the first n_hdr, in their order */
};

/**
 * Parse one message that begins at bytes.p. ERR_OK only when all of it is acceptable. Unlike other
 * functions this one fills *out on failure as well, as far as it got: fault, why and, for a request
 * with a readable top Via that is not an ACK, answer; a response to it can then be built with
 * sip_edit_response. Fields that were not read are zero, headers found are in the table.
 *
 * Bytes behind Content-Length are ignored (a datagram may carry them, RFC 3261 18.3); without
 * Content-Length the body reaches to the end of bytes. Streams go through sip/frame first.
 * Errors: SYNTAX (400), LONG (513, or 414 for the Request-URI), FULL (too many headers: 513),
 * EXISTS (repeated single header: 400), NOTFOUND (missing header: 400), RANGE (a number: 400),
 * UNSUPPORTED (scheme of the Request-URI: 416), VERSION (not SIP/2.0: 505), SHORT (body shorter
 * than Content-Length: 400). Pure; any thread with its own *out.
 */
enum err sip_msg_parse(struct str bytes, struct sip_msg *out) NODISCARD;

/** First header of this kind, or NULL. */
const struct sip_hdr *sip_msg_hdr(const struct sip_msg *m, enum sip_hdr_id id);
/** Next one of the same kind behind h, or NULL. Not for SIP_H_OTHER by name: use _by_name. */
const struct sip_hdr *sip_msg_next(const struct sip_msg *m, const struct sip_hdr *h);
/** Value of the first header of this kind, or an empty str. */
struct str sip_msg_value(const struct sip_msg *m, enum sip_hdr_id id);
/** First header of this name (case-insensitive, no compact forms) behind `after` (NULL: first). */
const struct sip_hdr *sip_msg_by_name(const struct sip_msg *m, struct str name,
				      const struct sip_hdr *after);

/** Long or compact name, ASCII case-insensitive; SIP_H_OTHER when unknown. */
enum sip_hdr_id sip_hdr_id_of(struct str name);
/** Canonical long name; "" for SIP_H_OTHER. Static storage. */
const char *sip_hdr_name(enum sip_hdr_id id);
/** Methods are case-sensitive (RFC 3261 7.1). */
enum sip_method sip_method_of(struct str name);
/** "" for SIP_UNKNOWN. Static storage. */
const char *sip_method_name(enum sip_method m);
/**
 * The value of Content-Length as streams and datagrams both read it: digits and nothing else.
 * SYNTAX, or RANGE above SIP_MSG_MAX.
 */
enum err sip_length_parse(struct str value, int32_t *out) NODISCARD;
/** Bytes of the header name that starts line, if ":" follows it (SP and HTAB between), else 0. */
size_t sip_name_len(struct str line, size_t *colon);
/** CSeq value: number and method. SYNTAX or RANGE; method name in *name. */
enum err sip_cseq_parse(struct str s, uint32_t *num, struct str *name) NODISCARD;

#endif
