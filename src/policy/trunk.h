/* Trunks: places that calls come from and go to. Row of the snapshot, without pointers. */
#ifndef POSTERN_POLICY_TRUNK_H
#define POSTERN_POLICY_TRUNK_H

#include "policy/account.h"

enum trunk_kind { TRUNK_CUSTOMER, TRUNK_CARRIER, TRUNK_KIND_N };
enum trunk_transport { TRUNK_TLS, TRUNK_UDP, TRUNK_TCP, TRUNK_TRANSPORT_N };
enum trunk_security {
	TRUNK_SEC_REQUIRED, /* SRTP only; needs transport tls, a=crypto never goes in clear */
	TRUNK_SEC_REFUSED,  /* plain RTP only */
	TRUNK_SECURITY_N
};
enum trunk_ssrc { TRUNK_SSRC_OWN, TRUNK_SSRC_PASS, TRUNK_SSRC_N };
/* Bits of trunk.direction */
enum trunk_direction {
	TRUNK_IN = 1,  /* it may send calls to us */
	TRUNK_OUT = 2, /* we may send calls to it */
	TRUNK_BOTH = TRUNK_IN | TRUNK_OUT,
};

struct trunk {
	struct text id;
	struct text host;   /* FQDN (lower case: reference identity, SNI, dial target) or IP */
	struct text zone;   /* FQDN of the only zone it uses; none = any, first one for dialling */
	struct text media;  /* name of a media address of the configuration; none = by kind */
	struct text caller; /* default caller number, E.164, shown when a call brings none */
	struct text strip;  /* digits cut off the front of called numbers sent to it */
	struct text add;    /* then put before them */
	uint32_t account;   /* index of its account; POLICY_NONE for a carrier */
	uint32_t max_calls; /* concurrent, both directions; 0 = no limit of its own */
	uint16_t port;
	uint16_t priority, weight; /* carriers: RFC 2782 sense, lower priority first */
	uint8_t kind;              /* enum trunk_kind */
	uint8_t enabled;           /* 0, 1 */
	uint8_t direction;         /* TRUNK_IN, TRUNK_OUT bits */
	uint8_t transport;         /* enum trunk_transport */
	uint8_t security;          /* enum trunk_security */
	uint8_t ssrc;              /* enum trunk_ssrc */
	uint8_t learn;             /* 0, 1: a plain media source may be learned (symmetric RTP) */
	uint8_t n_sources;         /* source ranges it has; 0 on a TLS trunk = from anywhere */
	uint8_t pad[2];
};

/* Words of the enums as files and --json show them; "?" outside. Static storage. */
const char *trunk_kind_name(enum trunk_kind k);
const char *trunk_transport_name(enum trunk_transport t);
const char *trunk_security_name(enum trunk_security s);
const char *trunk_ssrc_name(enum trunk_ssrc s);
const char *trunk_direction_name(enum trunk_direction d); /* "in", "out", "both" */
enum err trunk_transport_parse(struct str word, enum trunk_transport *out) NODISCARD;
enum err trunk_security_parse(struct str word, enum trunk_security *out) NODISCARD;
enum err trunk_ssrc_parse(struct str word, enum trunk_ssrc *out) NODISCARD;
enum err trunk_direction_parse(struct str word, enum trunk_direction *out) NODISCARD;
/** A host as trunks have it: IP literal or DNS name of letters, digits, '-', '.', '_'. */
bool trunk_host_valid(struct str host);

/**
 * May a call of class c come from trunk t (from = true) or go to it (false)? acc is its account,
 * NULL for a carrier. CLASS_EMERGENCY is not stopped by switches of class or by tls_srtp.
 * Limits are asked separately (policy/limit.h).
 */
enum account_reason trunk_admits(const struct account *acc, const struct trunk *t,
				 enum policy_class c, bool from) NODISCARD;

#endif
