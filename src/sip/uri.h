/* SIP, SIPS and tel URIs (RFC 3261 19.1, RFC 3966), and name-addr / addr-spec (RFC 3261 20.10).
 * All slices point into the text that was parsed. */
#ifndef POSTERN_SIP_URI_H
#define POSTERN_SIP_URI_H

#include "sip/lex.h"

enum {
	SIP_URI_MAX = 1024, /* bytes of a Request-URI; longer is answered with 414 */
};

enum sip_scheme { SIP_SCHEME_SIP, SIP_SCHEME_SIPS, SIP_SCHEME_TEL, SIP_SCHEME_OTHER };

struct sip_uri {
	enum sip_scheme scheme;
	uint16_t port;  /* 0: not there */
	struct str all; /* the whole text */
	struct str scheme_name;
	struct str user;     /* still escaped; tel: the number; other schemes: empty */
	struct str password; /* kept, never used */
	struct str host;     /* as written, brackets around IPv6; tel and others: empty */
	struct str params;   /* from the first ";" on, or empty: sip_param_next */
	struct str headers;  /* behind "?", or empty */
};

/**
 * Parse one URI without white space around it. OTHER schemes are accepted when they are RFC 3986
 * characters throughout, and stay opaque. Repeated parameters are let through. SYNTAX otherwise;
 * no length limit of its own.
 */
enum err sip_uri_parse(struct str s, struct sip_uri *out) NODISCARD;
/**
 * Equal as RFC 3261 19.1.4 has it: user and password exact after unescaping, host without case,
 * port, and the parameters user, ttl, method, maddr, transport must match when either side has
 * them; other parameters when both have them; headers without order. tel: RFC 3966 4, digits
 * without visual separators. OTHER: bytes.
 */
bool sip_uri_eq(const struct sip_uri *a, const struct sip_uri *b);
/** An emergency service: urn:service:sos, or with sub-services, "urn:service:sos.fire" (RFC 5031).
 */
bool sip_uri_is_sos(const struct sip_uri *u);
/** Value of a URI parameter; an empty str when it is absent or has none. */
struct str sip_uri_param(const struct sip_uri *u, const char *name);
bool sip_uri_has_param(const struct sip_uri *u, const char *name);
/** Append the user part without %-escapes. SYNTAX (b as before) if it gives CR, LF or NUL. */
enum err sip_uri_user(const struct sip_uri *u, struct buf *b) NODISCARD;
/** Append any slice without %-escapes; control characters are SYNTAX, b as before. */
enum err sip_unescape(struct str s, struct buf *b) NODISCARD;
/** Append s as a user part, escaping what the grammar does not allow there. */
void sip_escape_user(struct buf *b, struct str s);

/* Value of From, To, Contact, Route, P-Asserted-Identity, ... */
struct sip_nameaddr {
	struct str display; /* inside of the quotes when `quoted` (see sip_unquote), else tokens */
	struct sip_uri uri;
	struct str params; /* header parameters, from ";" on */
	struct str tag;    /* the tag parameter, or empty */
	bool quoted;
	bool angle; /* written as <uri> */
};

/**
 * Parse one name-addr or addr-spec with its parameters. In the addr-spec form ";" starts the
 * header's parameters, and "," or "?" are SYNTAX (RFC 3261 20). Two tags are SYNTAX.
 */
enum err sip_nameaddr_parse(struct str s, struct sip_nameaddr *out) NODISCARD;

#endif
