/* Why a call or request failed, and how that is said on the wire: the only table that turns our
 * refusals, and the far leg's failures, into a SIP status, a Warning text and a Q.850 cause. */
#ifndef POSTERN_CALL_REASON_H
#define POSTERN_CALL_REASON_H

#include "base/id.h"
#include "sip/msg.h"

/* name, SIP status, Q.850 cause, sentence (Warning text and log) */
#define REFUSAL_LIST(X)                                                                            \
	X(NONE, 0, 0, "")                                                                          \
	X(NO_RECORD, 503, 42, "no free call record: postern is at its limit of calls")             \
	X(NO_PORTS, 503, 42, "no free media port")                                                 \
	X(MEDIA_BUSY, 503, 42, "the media process does not keep up")                               \
	X(DRAINING, 503, 42, "postern is stopping and takes no new calls")                         \
	X(RATE, 503, 42, "too many call attempts a second")                                        \
	X(ACCOUNT_OFF, 403, 21, "the account or its trunk is switched off")                        \
	X(TLS_OFF, 403, 21, "the account's TLS/SRTP service is not switched on")                   \
	X(CLASS_OFF, 403, 21, "this class of calls is not switched on for the account")            \
	X(EMERGENCY, 500, 3,                                                                       \
	  "emergency calls are not carried over TLS and SRTP: use your emergency route")           \
	X(CALLER, 403, 21,                                                                         \
	  "the caller identity is none of the account's numbers: send one of them as "             \
	  "+15551230000")                                                                          \
	X(COUNTRY, 403, 21, "calls to this country are not switched on for the account")           \
	X(LIMIT, 480, 42, "the account or trunk has as many calls as it may have")                 \
	X(ATTEMPTS, 480, 42, "the account or trunk has more call attempts a second than it may")   \
	X(MINUTES, 480, 21, "the account's international minutes of today are used up")            \
	X(SPEND, 480, 21, "the account has spent as much today as it may")                         \
	X(NUMBER, 484, 28, "the called number cannot be understood; send E.164, as +15551234567")  \
	X(NO_NUMBER, 404, 1, "no trunk has this number")                                           \
	X(NO_ROUTE, 404, 3, "no carrier trunk is there for this call")                             \
	X(HOPS, 483, 25, "too many hops")                                                          \
	X(EXTENSION, 420, 79, "an extension is required that postern does not have")               \
	X(INTERVAL, 422, 79, "a session timer shorter than 90 seconds")                            \
	X(METHOD, 405, 79, "this method is not allowed on the trunk")                              \
	X(BODY_TYPE, 415, 79, "only application/sdp is understood here")                           \
	X(REFER, 400, 127, "Refer-To names nobody who could be called: send a SIP or tel URI")     \
	X(REFER_DIALOG, 481, 41,                                                                   \
	  "Replaces in Refer-To names no other call of the account that is up")                    \
	X(REFER_OFF, 403, 21, "this call cannot be transferred")                                   \
	X(BODY_LONG, 413, 127, "a body that is too long to go on to the other side")               \
	X(PASS, 500, 41, "too many requests inside the call wait for the other side")              \
	X(SDP, 400, 88, "the SDP cannot be read")                                                  \
	X(MEDIA, 488, 88, "no audio stream that both sides could use")                             \
	X(CRYPTO, 488, 88, "the trunk requires SRTP with an a=crypto that postern knows")          \
	X(DTLS, 488, 88,                                                                           \
	  "the trunk takes SRTP by DTLS only: UDP/TLS/RTP/SAVP, a=fingerprint, a=rtcp-mux")        \
	X(DTLS_SILENT, 480, 102, "the DTLS handshake for SRTP was not done in time")               \
	X(DTLS_FAILED, 480, 88, "the DTLS handshake for SRTP failed")                              \
	X(DTLS_PRINT, 480, 88, "DTLS showed another certificate than a=fingerprint named")         \
	X(DTLS_PROFILE, 480, 88, "DTLS agreed on no SRTP profile that the trunk takes")            \
	X(CLEAR_ONLY, 488, 88, "SRTP keys are not taken over a trunk without TLS")                 \
	X(PENDING, 491, 0, "another change of the call is in hand: ask again")                     \
	X(PEER_GONE, 480, 41, "the other side does not know the call any more")                    \
	X(BAD_ANSWER, 502, 88, "the called side's answer cannot be used")                          \
	X(BAD_ACK, 488, 88,                                                                        \
	  "the caller's ACK or PRACK has no usable answer to the called side's offer")             \
	X(UNREACHABLE, 480, 20, "the called trunk cannot be reached")                              \
	X(TIMEOUT, 504, 102, "the called side did not answer in time")                             \
	X(NO_ANSWER, 480, 19, "nobody answered in time")                                           \
	X(CANCELED, 487, 16, "the caller gave up")                                                 \
	X(STOPPED, 503, 41, "postern is stopping")                                                 \
	X(HANGUP, 480, 16, "ended by the operator")                                                \
	X(MEDIA_TIMEOUT, 480, 41, "no media came for too long")                                    \
	X(LENGTH, 480, 31, "the call lasted as long as it may")                                    \
	X(NO_ACK, 408, 102, "the caller never acknowledged the answer")                            \
	X(SESSION, 480, 41, "the other side refreshed the session no more")                        \
	X(NO_PRACK, 504, 102, "the caller never acknowledged a provisional response")              \
	X(RESTARTED, 500, 41, "the signaling process restarted and could not go on with the call") \
	X(DIALOG, 481, 0, "no such call on this account")                                          \
	X(CSEQ, 500, 0, "a request with an older CSeq than one before")                            \
	X(INTERNAL, 500, 41, "postern failed inside; see its log")                                 \
	X(FAX, 488, 88, "T.38 is not encrypted: send the fax as G.711")                            \
	X(PRIVACY, 500, 79, "the caller wants a privacy, as critical, that postern does not know") \
	X(MEDIA_ADDRESS, 500, 38, "the trunk names a media address that is not in use")            \
	X(UNREADABLE, 400, 95, "the INVITE cannot be read")                                        \
	X(NO_ROOM, 503, 42, "postern has as many requests and connections of its own as it may")   \
	X(REPLACES, 400, 127, "Replaces names no dialog: send one, with to-tag and from-tag")      \
	X(REPLACES_EARLY, 486, 17, "Replaces is for a call that rings, and this one is up")        \
	/* 500: with 503 its PBX would send us nothing at all, for any other carrier either */     \
	X(CARRIER_BUSY, 500, 42,                                                                   \
	  "the carrier asks for fewer calls or none now (RFC 7339, oc): try again in some "        \
	  "seconds")                                                                               \
	X(REDIRECT, 480, 23, "the called side redirected the call to where it may not go")         \
	X(CALL_SHARE, 503, 42,                                                                     \
	  "postern is nearly at its limit of calls, and the account has most of them")             \
	X(PORT_SHARE, 503, 42,                                                                     \
	  "nearly all media ports are in use or rest, and the account has most of them")

enum refusal {
#define X(name, status, q850, text) REFUSAL_##name,
	REFUSAL_LIST(X)
#undef X
		REFUSAL_N
};

const char *refusal_name(enum refusal r);
int refusal_status(enum refusal r);
int refusal_q850(enum refusal r);
const char *refusal_text(enum refusal r);

/** Default reason phrase of a status (RFC 3261 21); "Unknown" for others. */
const char *reason_phrase(int status);

/** The status that leg A sees for a final failure (300-699) of leg B. 401 and 407 never cross,
 * 408 becomes 504, 503 becomes 500; what speaks of our own message, not of the user, becomes 500.
 */
int reason_map(int status_b);
/** Q.850 cause for a SIP status (RFC 3398 8.2.6.1). */
int reason_q850(int status);
/** Cause of a Reason header with protocol Q.850 in msg, or 0 (RFC 3326). */
int reason_q850_of(const struct sip_msg *msg);

#endif
