/* Typed readers of header values. Slices of the message; nothing is copied. */
#ifndef POSTERN_SIP_HDR_H
#define POSTERN_SIP_HDR_H

#include "sip/msg.h"

enum {
	SIP_ITEMS_MAX = 256, /* elements of all headers of one kind that an iterator gives */
};

/* Elements of a comma list over all headers of one kind, in their order. */
struct sip_iter {
	const struct sip_msg *msg;
	const struct sip_hdr *hdr; /* where `rest` is; NULL at the end */
	struct str rest;
	unsigned n;
};

void sip_iter_init(struct sip_iter *it, const struct sip_msg *m, enum sip_hdr_id id);
/** NOTFOUND at the end, SYNTAX for a broken list, FULL beyond SIP_ITEMS_MAX. */
enum err sip_iter_next(struct sip_iter *it, struct str *item) NODISCARD;
/** As sip_iter_next, parsed: Route, Record-Route, Contact, P-Asserted-Identity, Diversion ... */
enum err sip_iter_nameaddr(struct sip_iter *it, struct sip_nameaddr *out) NODISCARD;
enum err sip_iter_via(struct sip_iter *it, struct sip_via *out) NODISCARD;

/** The first Contact. UNSUPPORTED when it is "*". */
enum err sip_contact_read(const struct sip_msg *m, struct sip_nameaddr *out) NODISCARD;
/** Number of elements in all headers of this kind; 0 when the list is broken. */
unsigned sip_hdr_count(const struct sip_msg *m, enum sip_hdr_id id);
/** Require, Supported, Proxy-Require, Allow ...: one element equals tag (ASCII case-insensitive).
 */
bool sip_hdr_has(const struct sip_msg *m, enum sip_hdr_id id, const char *tag);
/** The header as one unsigned number, parameters allowed behind it: Expires, RSeq, Min-SE. */
enum err sip_number_read(const struct sip_msg *m, enum sip_hdr_id id, uint32_t *out) NODISCARD;

/* Reason (RFC 3326): one element of the list. */
struct sip_reason {
	struct str protocol; /* "SIP", "Q.850" */
	struct str text;     /* inside of the quotes, or empty */
	uint16_t cause;      /* 0: not there */
};
enum err sip_reason_parse(struct str item, struct sip_reason *out) NODISCARD;
/** The first Reason element of this protocol (case-insensitive). */
enum err sip_reason_read(const struct sip_msg *m, const char *protocol,
			 struct sip_reason *out) NODISCARD;

struct sip_ctype {
	struct str type, subtype;
	struct str params; /* from ";" on */
};
/** The value of a Content-Type; SYNTAX. */
enum err sip_ctype_parse(struct str value, struct sip_ctype *out) NODISCARD;
/** Content-Type; NOTFOUND when absent. */
enum err sip_ctype_read(const struct sip_msg *m, struct sip_ctype *out) NODISCARD;
/** Content-Type is type/subtype, e.g. ("application", "sdp"); parameters do not matter. */
bool sip_ctype_is(const struct sip_msg *m, const char *type, const char *subtype);

enum sip_refresher { SIP_REFRESHER_NONE, SIP_REFRESHER_UAC, SIP_REFRESHER_UAS };
struct sip_session_expires { /* RFC 4028 4 */
	uint32_t seconds;
	enum sip_refresher refresher;
};
enum err sip_session_expires_read(const struct sip_msg *m,
				  struct sip_session_expires *out) NODISCARD;
/** Min-SE in seconds (RFC 4028 5). */
enum err sip_min_se_read(const struct sip_msg *m, uint32_t *out) NODISCARD;

struct sip_retry_after {
	uint32_t seconds;
	uint32_t duration; /* 0: not there */
};
enum err sip_retry_after_read(const struct sip_msg *m, struct sip_retry_after *out) NODISCARD;

struct sip_warning { /* RFC 3261 20.43, one element */
	uint16_t code;
	struct str agent, text; /* text: inside of the quotes */
};
enum err sip_warning_parse(struct str item, struct sip_warning *out) NODISCARD;

struct sip_rack { /* RFC 3262 7.2 */
	uint32_t rseq, cseq;
	struct str method;
};
enum err sip_rack_read(const struct sip_msg *m, struct sip_rack *out) NODISCARD;

#endif
