/* The small grammar that SIP headers share (RFC 3261 25.1): tokens, quoted strings, parameters
 * and comma lists. Slices in, slices out; nothing is copied. CR and LF inside a slice are taken
 * as white space: sip/msg lets them through only as folds. */
#ifndef POSTERN_SIP_LEX_H
#define POSTERN_SIP_LEX_H

#include "base/buf.h"

/* Bits of sip_char[]. */
enum {
	SIP_C_TOKEN = 1,   /* token */
	SIP_C_WORD = 2,    /* word: Call-ID */
	SIP_C_USER = 4,    /* unreserved and user-unreserved, without "%" */
	SIP_C_PARAM = 8,   /* paramchar, without "%" */
	SIP_C_HEADER = 16, /* header of a URI: hnv-unreserved, "=" and "&", without "%" */
	SIP_C_LWS = 32,    /* SP HTAB CR LF */
	SIP_C_HOST = 64,   /* letters, digits, "-", "." and "_" */
	SIP_C_HEX = 128,
	SIP_C_NAME = 256,  /* of a parameter: token or paramchar */
	SIP_C_ADDR = 1024, /* host and port: SIP_C_HOST and ":[]" */
	SIP_C_VALUE = 512, /* of a parameter, unquoted: visible and not taken for something else */
};
extern const uint16_t sip_char[256];

static inline bool
sip_is(char c, unsigned bits)
{
	return (sip_char[(uint8_t)c] & bits) != 0;
}

/** At least one byte, all of the class. */
bool sip_all(struct str s, unsigned bits);
/** Without white space (folds too) at the front. */
static inline struct str
sip_ltrim(struct str s)
{
	while (s.len && sip_is(s.p[0], SIP_C_LWS)) {
		s.p++;
		s.len--;
	}
	return s;
}
/** Without white space (folds too) at both ends. */
static inline struct str
sip_trim(struct str s)
{
	s = sip_ltrim(s);
	while (s.len && sip_is(s.p[s.len - 1], SIP_C_LWS))
		s.len--;
	return s;
}
/** Without its first n bytes; n at most s.len. */
static inline struct str
sip_skip(struct str s, size_t n)
{
	return (struct str){s.p + n, s.len - n};
}
/** Its first n bytes; n at most s.len. */
static inline struct str
sip_head(struct str s, size_t n)
{
	return (struct str){s.p, n};
}
/** As str_ieq, with the length looked at in place: most comparisons end there. */
static inline bool
sip_ieq(struct str a, struct str b)
{
	return a.len == b.len && str_ieq(a, b);
}
/**
 * End of the quoted string whose opening quote is s.p[at]: the index behind the closing quote,
 * or 0 if it is not closed.
 */
size_t sip_quoted_end(struct str s, size_t at);
/** Characters and shape of a host name, dotted quad or "[v6]"; numbers are not checked. */
bool sip_is_host(struct str s);
/** host [ ":" port ]; spaces around ":" allowed (Via). *port is 0 when not there. */
enum err sip_hostport_parse(struct str s, struct str *host, uint16_t *port) NODISCARD;

/* One ";name=value". value is without its quotes; with `quoted`, escapes are still in it. */
struct sip_param {
	struct str name, value;
	bool quoted;
	bool bare; /* no "=" */
};

/**
 * Cut the next parameter off *rest, which starts at ";" (or is white space: the end). NOTFOUND at
 * the end, SYNTAX where it is not a parameter. URI and header parameters alike.
 */
enum err sip_param_next(struct str *rest, struct sip_param *out) NODISCARD;
/** First parameter of this name (ASCII case-insensitive). False: none, or broken before it. */
bool sip_param_find(struct str params, const char *name, struct sip_param *out);
/** As sip_param_find, only the value; an empty str when there is none. */
struct str sip_param_value(struct str params, const char *name);
/** Every parameter is well formed. */
bool sip_params_ok(struct str params);

/**
 * Cut the next element off a comma list, quotes and angle brackets respected; trimmed. NOTFOUND
 * at the end; SYNTAX for an open quote, an open bracket or an empty element.
 */
enum err sip_list_next(struct str *rest, struct str *item) NODISCARD;

/** Append the inside of a quoted string without its escapes; a fold gives one space, other control
 * characters give nothing, so that the result is fit for any line. */
void sip_unquote(struct buf *b, struct str inside);

#endif
