/* Writing messages into a struct buf. What a caller gives is checked: a value that would break
 * the line it stands in (CR, LF, NUL; white space or delimiters in a token or URI) is not written,
 * the buf is marked failed, and buf_end() says so at the end. So CR, LF and NUL of a peer can never
 * become lines of ours, whatever was decoded before (%0d%0a, quoted pairs, folds). */
#ifndef POSTERN_SIP_EDIT_H
#define POSTERN_SIP_EDIT_H

#include "base/addr.h"
#include "sip/msg.h"

/** No CR, LF or NUL: fit for a header value. */
bool sip_edit_safe(struct str value);
/** RFC 3261 21 and later; "Unknown" class text for others, never empty. Static storage. */
const char *sip_status_text(unsigned status);

/** Request line. method: token; uri: no white space, controls, "<" or ">". */
void sip_edit_request(struct buf *b, struct str method, struct str uri);
/** Status line; an empty reason gives sip_status_text. 100..699. */
void sip_edit_status(struct buf *b, unsigned status, struct str reason);

/** A header with its canonical name. Not for SIP_H_OTHER. */
void sip_edit_hdr(struct buf *b, enum sip_hdr_id id, struct str value);
void sip_edit_hdr_z(struct buf *b, enum sip_hdr_id id, const char *value);
void sip_edit_hdr_u64(struct buf *b, enum sip_hdr_id id, uint64_t value);
/** printf into a value; CR, LF and NUL in the result are refused like everywhere. */
void sip_edit_hdr_fmt(struct buf *b, enum sip_hdr_id id, const char *fmt, ...) PRINTF_LIKE(3, 4);
/** A header with any name (a token). */
void sip_edit_named(struct buf *b, struct str name, struct str value);

/**
 * Via: SIP/2.0/<t> host[:port];branch=..[;rport]. host with brackets around IPv6; port 0: none;
 * branch: token, with the magic cookie already in it. t not OTHER.
 */
void sip_edit_via(struct buf *b, enum sip_transport t, struct str host, uint16_t port,
		  struct str branch, bool rport);
void sip_edit_cseq(struct buf *b, uint32_t num, struct str method);

/* What From, To, Contact, P-Asserted-Identity ... are written from; empty members are left out. */
struct sip_edit_addr {
	struct str display; /* decoded text; quoted and escaped here */
	struct str uri;     /* text of the URI, always written in <> */
	struct str tag;     /* token */
	struct str params;  /* ";name=value..." as it shall stand, or empty */
};
void sip_edit_nameaddr(struct buf *b, enum sip_hdr_id id, const struct sip_edit_addr *a);
/** text as a quoted string with its quotes. 8-bit passes, CR, LF and NUL fail. */
void sip_edit_quoted(struct buf *b, struct str text);
/**
 * "sip:user@host:port;params": user decoded (escaped here; empty: none), host with brackets around
 * IPv6, port 0: none, params as ";transport=tls" or empty. Only the URI, no header.
 */
void sip_edit_uri(struct buf *b, struct str user, struct str host, uint16_t port,
		  struct str params);

/**
 * One header of a parsed message, byte for byte: folds, 8-bit and case survive. SYNTAX when it has
 * a NUL (legal in a quoted pair, but we do not pass it on): nothing is written, b has not failed.
 */
enum err sip_edit_copy(struct buf *b, const struct sip_hdr *h) NODISCARD;
/** All headers of this kind in their order, those with a NUL left out. */
void sip_edit_copy_all(struct buf *b, const struct sip_msg *m, enum sip_hdr_id id);

struct sip_edit_reply {
	unsigned status;
	struct str reason;         /* empty: sip_status_text */
	struct str to_tag;         /* token; put into To where the request had none; empty: none */
	const struct addr *source; /* where the request came from; NULL: leave Via as it is */
};
/**
 * Status line, Via set, From, To, Call-ID, CSeq, for a 100 also Timestamp (RFC 3261 8.2.6). The top
 * Via gets `received` where sent-by is another address, and `received` and `rport` where it asked
 * for them (RFC 3261 18.2.1, RFC 3581 4); what the sender wrote there itself is dropped. Works for
 * requests that sip_msg_parse refused with an `answer`. The caller goes on with other headers and
 * ends with sip_edit_body. Record-Route: sip_edit_copy_all.
 */
void sip_edit_response(struct buf *b, const struct sip_msg *req, const struct sip_edit_reply *r);

/** Content-Type (when type is not empty), Content-Length, blank line, body. Last call. */
void sip_edit_body(struct buf *b, struct str type, struct str body);

#endif
