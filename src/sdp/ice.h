/* What SDP says of ICE (RFC 8839), as a lite agent with one candidate reads and writes it (RFC 8445
 * 2.5). Pure. Any thread. */
#ifndef POSTERN_SDP_ICE_H
#define POSTERN_SDP_ICE_H

#include "base/buf.h"
#include "sdp/sdp.h"

enum {
	SDP_UFRAG_MIN = 4, /* RFC 8839 5.4: characters of a user name fragment, */
	SDP_UFRAG_MAX = 256,
	SDP_PWD_MIN = 22, /* of a password */
	SDP_PWD_MAX = 256,
	SDP_UFRAG_SIZE = 13, /* ours, with its NUL: 60 bits of chance */
	SDP_PWD_SIZE = 25,   /* ours, with its NUL: 144 bits */
};

/* What the far end says of a stream. All zero: it does no ICE, or we do none with it. Plain data,
 * kept in the call's record. */
struct sdp_ice {
	uint8_t on;       /* it has candidates, and c= and m= name one of them */
	uint8_t mismatch; /* they name none: somebody on the way changed them (RFC 8839 4.2.5) */
	uint8_t lite;     /* it makes no checks either */
	uint8_t pad[5];
	uint64_t ufrag; /* hashed, sdp_ice_hash */
	uint64_t both;  /* fragment and password, hashed: others begin ICE anew (RFC 8839 4.4.1.1.1)
			 */
};

/* Ours of a stream. ufrag "": no ICE. Holds a password: wipe. */
struct sdp_ice_own {
	char ufrag[SDP_UFRAG_SIZE], pwd[SDP_PWD_SIZE];
};

/** What this m-line says, all zero where nothing of it can be used. An answer with a=ice-mismatch
 * does no ICE. */
void sdp_ice_read(const struct sdp *s, const struct sdp_media *m, struct sdp_ice *out);
/** A user name fragment of the far end as struct sdp_ice has it. */
uint64_t sdp_ice_hash(struct str ufrag);
/** Append the lines of the session. */
void sdp_ice_put_session(struct buf *b);
/** Append those of an m-line: ufrag, password, and our address as the only candidate of RTP, with
 * the port behind it as that of RTCP where that has its own. */
void sdp_ice_put(struct buf *b, const struct sdp_ice_own *own, const struct addr *media,
		 bool rtcp_port);

#endif
