/* One Via value (RFC 3261 20.42, rport RFC 3581). */
#ifndef POSTERN_SIP_VIA_H
#define POSTERN_SIP_VIA_H

#include "sip/lex.h"

#define SIP_TRANSPORT_LIST(X)                                                                      \
	X(UDP, "UDP")                                                                              \
	X(TCP, "TCP")                                                                              \
	X(TLS, "TLS")                                                                              \
	X(SCTP, "SCTP")                                                                            \
	X(WS, "WS")                                                                                \
	X(WSS, "WSS")

enum sip_transport {
#define X(id, name) SIP_##id,
	SIP_TRANSPORT_LIST(X)
#undef X
		SIP_TRANSPORT_OTHER
};

/** "UDP" ...; "?" for OTHER. Static storage. */
const char *sip_transport_name(enum sip_transport t);
/** ASCII case-insensitive; OTHER when unknown. */
enum sip_transport sip_transport_of(struct str name);

struct sip_via {
	enum sip_transport transport;
	uint16_t port;  /* of sent-by; 0: not there */
	uint16_t rport; /* value of rport; 0: none */
	bool has_rport; /* rport was there, with or without a value */
	struct str all; /* the whole value */
	struct str transport_name;
	struct str host; /* of sent-by, brackets around IPv6 */
	struct str branch, received;
	struct str params; /* from ";" on */
};

/** Parse one value (no commas). SYNTAX, or VERSION when it is not SIP/2.0. */
enum err sip_via_parse(struct str s, struct sip_via *out) NODISCARD;
/** The branch starts with the magic cookie of RFC 3261 8.1.1.7. */
bool sip_via_is_rfc3261(const struct sip_via *v);

#endif
