/* Bodies that several tests of this folder read. */
#ifndef POSTERN_TESTS_SDP_BODIES_H
#define POSTERN_TESTS_SDP_BODIES_H

#define HEAD "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
#define KEY_A "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNk"
#define KEY_B "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"
#define AUDIO_SAVP "m=audio 4000 RTP/SAVP 8 101\r\n"
#define AUDIO_AVP "m=audio 4000 RTP/AVP 8 101\r\n"
#define MAPS "a=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n"
#define CRYPTO80 "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" KEY_A "\r\n"

/* What SIPp's gateway answers and its PBX offers. */
#define SIPP_UAS                                                                                   \
	"v=0\r\no=uas 53655765 2353687637 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\n"       \
	"t=0 0\r\nm=audio 10000 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\na=sendrecv\r\n"
#define SIPP_UAC                                                                                   \
	"v=0\r\no=pbx 53655765 2353687637 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\n"       \
	"t=0 0\r\nm=audio 14000 RTP/SAVP 8\r\na=rtpmap:8 PCMA/8000\r\n" CRYPTO80 "a=sendrecv\r\n"

/* As baresip 1.0.0 offers with mediaenc=srtp-mand. */
#define BARESIP                                                                                    \
	"v=0\r\no=- 1711046812 872134598 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\n"        \
	"t=0 0\r\na=tool:baresip 1.0.0\r\nm=audio 20000 RTP/SAVP 8 0 101\r\n"                      \
	"a=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n"    \
	"a=fmtp:101 0-15\r\na=rtcp:20001\r\na=sendrecv\r\na=label:1\r\na=rtcp-rsize\r\n"           \
	"a=ssrc:3405691582 cname:sip:7@127.0.0.1\r\na=ptime:20\r\n" CRYPTO80

/* In the manner of Teams Direct Routing: many attributes, ICE, MKI and lifetime. */
#define TEAMS                                                                                      \
	"v=0\r\no=- 141210 0 IN IP4 192.0.2.77\r\ns=session\r\nc=IN IP4 192.0.2.77\r\n"            \
	"b=CT:50000\r\nt=0 0\r\na=ice-lite\r\nm=audio 49768 RTP/SAVP 104 117 9 111 18 0 8 97 101 " \
	"13 118\r\nc=IN IP4 192.0.2.77\r\na=rtcp:49769\r\na=ice-ufrag:dX3k\r\n"                    \
	"a=ice-pwd:8hDbGZ5pC2pV0mKk0JqQwTyU\r\na=rtcp-mux\r\n"                                     \
	"a=candidate:1 1 UDP 2130706431 192.0.2.77 49768 typ host\r\n"                             \
	"a=candidate:1 2 UDP 2130705918 192.0.2.77 49769 typ host\r\n"                             \
	"a=label:main-audio\r\na=mid:1\r\na=x-ssrc-range:2000-2010\r\na=setup:actpass\r\n"         \
	"a=fingerprint:sha-256 00:11\r\n"                                                          \
	"a=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:" KEY_A "|2^31\r\n"                             \
	"a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:" KEY_B "|2^31|1:1\r\n"                         \
	"a=sendrecv\r\na=rtpmap:104 SILK/16000\r\na=fmtp:104 useinbandfec=1\r\n"                   \
	"a=rtpmap:117 G722/8000/2\r\na=rtpmap:9 G722/8000\r\na=rtpmap:111 SIREN/16000\r\n"         \
	"a=fmtp:111 bitrate=16000\r\na=rtpmap:18 G729/8000\r\na=fmtp:18 annexb=no\r\n"             \
	"a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:97 RED/8000\r\n"                 \
	"a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=rtpmap:13 CN/8000\r\n"          \
	"a=rtpmap:118 CN/16000\r\na=ptime:20\r\na=maxptime:60\r\n"

/* As rtpengine offers: the strongest suites first, keys without padding. */
#define RTPENGINE                                                                                  \
	HEAD "m=audio 30000 RTP/SAVP 8\r\na=rtpmap:8 PCMA/8000\r\n"                                \
	     "a=crypto:1 AEAD_AES_256_GCM inline:"                                                 \
	     "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM\r\n"                     \
	     "a=crypto:2 AEAD_AES_128_GCM inline:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nw\r\n"       \
	     "a=crypto:3 AES_256_CM_HMAC_SHA1_80 inline:"                                          \
	     "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NQ\r\n"                  \
	     "a=crypto:4 AES_192_CM_HMAC_SHA1_80 inline:"                                          \
	     "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc\r\n"                             \
	     "a=crypto:6 F8_128_HMAC_SHA1_80 inline:" KEY_A "\r\n"                                 \
	     "a=crypto:8 AES_CM_128_HMAC_SHA1_32 inline:" KEY_B "\r\n"                             \
	     "a=crypto:7 AES_CM_128_HMAC_SHA1_80 inline:" KEY_A "\r\n"                             \
	     "a=crypto:11 NULL_HMAC_SHA1_80 inline:" KEY_A "\r\na=sendrecv\r\n"

#endif
