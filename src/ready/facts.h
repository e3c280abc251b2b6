/* What a readiness probe is asked and what it found: plain data without pointers, gathered in
 * signaling, passed to admin as a sealed memfd, judged there (readycheck.h). Holds no secret. */
#ifndef POSTERN_READY_FACTS_H
#define POSTERN_READY_FACTS_H

#include "base/clock.h"
#include "media/ctl.h"
#include "net/dns.h"
#include "net/tlsprobe.h"
#include "policy/trunk.h"

enum {
	PROBE_LAYOUT = 3,
	PROBE_ADDRS_MAX = 8,           /* of each family, kept */
	PROBE_LOOKS_MAX = 4,           /* addresses whose TLS is looked at */
	PROBE_SRV_MAX = 4,             /* SRV records kept */
	PROBE_TRUNKS_MAX = 4,          /* trunks that name the FQDN, kept */
	PROBE_SOURCES_MAX = 16,        /* of a trunk */
	PROBE_NUMBER_MAX = 40,         /* of the test call, with NUL */
	PROBE_REFUSED_MAX = 6,         /* refused handshakes kept while waiting */
	PROBE_TEXT_MAX = 200,          /* a header value, with NUL */
	PROBE_ANSWER_US = 4 * CLOCK_S, /* for the answer to a request */
	PROBE_PORT = 5061,             /* where the question names none */
};
#define PROBE_MAGIC 0x65626f7270727470ULL

/* What is asked: the body of a message from admin. */
struct probe_job {
	uint32_t number; /* of the job, comes back */
	uint16_t port;   /* 0: the trunk's, else PROBE_PORT */
	uint16_t zone;   /* index; UINT16_MAX: the account's, else the first */
	uint16_t wait_s; /* for the equipment's own connection; 0 = do not wait */
	uint16_t pad;
	char fqdn[POLICY_HOST_MAX];
	char account[POLICY_ID_MAX]; /* "" = the one that has the FQDN, if any */
	char call[PROBE_NUMBER_MAX]; /* "" = no test call */
};

struct probe_addrs {
	uint8_t status; /* enum dns_status */
	bool asked;     /* false: no answer in time, or the question did not get out */
	uint16_t n;
	uint32_t ttl; /* s */
	struct addr addr[PROBE_ADDRS_MAX];
};

struct probe_srv {
	uint8_t status;
	bool asked;
	uint16_t n;
	uint32_t ttl; /* s */
	struct {
		uint16_t priority, weight, port;
		char target[POLICY_HOST_MAX];
	} rec[PROBE_SRV_MAX];
};

/* A trunk of the accounts that has the FQDN as its host. */
struct probe_trunk {
	struct policy_id id;
	char reference[POLICY_HOST_MAX]; /* name that its certificate must show; "" = the FQDN */
	uint16_t port;
	uint16_t n_sources;
	uint8_t show;    /* enum trunk_show: our certificate */
	uint8_t contact; /* enum trunk_contact: ours in calls */
	struct cidr source[PROBE_SOURCES_MAX];
};

/* What the accounts say. */
struct probe_account {
	struct policy_id id; /* "" = none has this FQDN */
	uint8_t tls_srtp;    /* enum tls_srtp */
	uint8_t eku;         /* enum tls_eku */
	bool no_wildcard;    /* a wildcard in a certificate does not count */
	bool common_name;    /* a common name counts where there is no other name */
	bool asked_for;      /* the job named an account .. */
	bool exists;         /* .. and it is there */
	uint16_t n_trunks;
	struct probe_trunk trunk[PROBE_TRUNKS_MAX];
};

/* Our own side. */
struct probe_own {
	char zone[POLICY_HOST_MAX];
	struct addr local, shown; /* address we connect from; what our Via and Contact show */
	bool client_wanted;       /* the zone is one where both sides show certificates */
	bool never_show;          /* the trunk says that ours is not shown to it */
	struct tlsprobe_terms terms;
};

#define PROBE_VERSION_LIST(X)                                                                      \
	X(10, 0x0301, "TLS 1.0")                                                                   \
	X(11, 0x0302, "TLS 1.1")                                                                   \
	X(12, 0x0303, "TLS 1.2")                                                                   \
	X(13, 0x0304, "TLS 1.3")
enum probe_version {
#define X(name, number, text) PROBE_TLS_##name,
	PROBE_VERSION_LIST(X)
#undef X
		PROBE_VERSION_N
};

/* OpenSSL's name; 1 = of TLS 1.3 */
#define PROBE_SUITE_LIST(X)                                                                        \
	X(AES128_SHA, "AES128-SHA", 0)                                                             \
	X(AES128_SHA256, "AES128-SHA256", 0)                                                       \
	X(AES256_SHA256, "AES256-SHA256", 0)                                                       \
	X(AES128_GCM, "AES128-GCM-SHA256", 0)                                                      \
	X(AES256_GCM, "AES256-GCM-SHA384", 0)                                                      \
	X(ECDHE_AES128_GCM, "ECDHE-RSA-AES128-GCM-SHA256", 0)                                      \
	X(ECDHE_AES256_GCM, "ECDHE-RSA-AES256-GCM-SHA384", 0)                                      \
	X(ECDHE_CHACHA, "ECDHE-RSA-CHACHA20-POLY1305", 0)                                          \
	X(ECDHE_AES128_CBC, "ECDHE-RSA-AES128-SHA256", 0)                                          \
	X(ECDHE_AES256_CBC, "ECDHE-RSA-AES256-SHA384", 0)                                          \
	X(ECDSA_AES128_GCM, "ECDHE-ECDSA-AES128-GCM-SHA256", 0)                                    \
	X(ECDSA_AES256_GCM, "ECDHE-ECDSA-AES256-GCM-SHA384", 0)                                    \
	X(ECDSA_CHACHA, "ECDHE-ECDSA-CHACHA20-POLY1305", 0)                                        \
	X(T13_AES128, "TLS_AES_128_GCM_SHA256", 1)                                                 \
	X(T13_AES256, "TLS_AES_256_GCM_SHA384", 1)                                                 \
	X(T13_CHACHA, "TLS_CHACHA20_POLY1305_SHA256", 1)
enum probe_suite {
#define X(id, name, is13) PROBE_SUITE_##id,
	PROBE_SUITE_LIST(X)
#undef X
		PROBE_SUITE_N
};

struct probe_tls {
	struct tlsprobe_result ours;      /* with the zone's own terms */
	struct tlsprobe_result wide;      /* with all that the library can do */
	struct tlsprobe_result bare;      /* without a certificate of ours */
	struct tlsprobe_result no_sni;    /* without a server name */
	struct tlsprobe_result other_sni; /* with a server name that nobody has */
	struct tlsprobe_result version[PROBE_VERSION_N];
	struct tlsprobe_result suite[PROBE_SUITE_N];
	struct tlsprobe_chain chain; /* of ours where it came so far, else of wide */
	struct tlsprobe_asks asks;
};

/* Another address than the one that the rest is about. */
struct probe_other {
	uint16_t at; /* in tcp */
	bool cut;    /* time was over before all of it was looked at */
	struct probe_tls tls;
};

/* What came back to a request of ours. */
struct probe_answer {
	bool sent;
	bool answered;
	bool has_contact, contact_tls; /* sips:, or transport=tls */
	bool broken;                   /* what came back is not SIP */
	uint16_t n_foreign;            /* answers to requests that we never sent */
	uint16_t status;
	int16_t alert; /* that came instead; -1 = none */
	uint64_t took_us;
	char reason[64];
	char contact[PROBE_TEXT_MAX], allow[PROBE_TEXT_MAX], supported[PROBE_TEXT_MAX];
	char server[PROBE_TEXT_MAX]; /* Server or User-Agent */
	char why[TLSPROBE_WHY_MAX];  /* where not answered */
};

/* The equipment's own connection to us, while we waited for it. */
struct probe_invite {
	bool seen;
	bool has_contact, contact_tls, secure, mki, lifetime, bad_sdp;
	uint8_t n_crypto;
	uint16_t port;
	char number[PROBE_NUMBER_MAX]; /* of the Request-URI, as it came */
	char contact[PROBE_TEXT_MAX], from[PROBE_TEXT_MAX];
	char suites[PROBE_TEXT_MAX]; /* names of its a=crypto lines */
	bool takes_ours;             /* one of them is a suite of ours */
};

struct probe_wait {
	bool waited;    /* the job asked for it .. */
	bool is_on;     /* .. but the account is on: its connections are no guests */
	bool connected; /* the rest is about the last one that was let in */
	struct addr peer;
	uint16_t version;
	char suite[40], sni[POLICY_HOST_MAX];
	char offered_versions[96], offered_suites[PROBE_TEXT_MAX];
	char subject[TLSPROBE_NAME_MAX], names[TLSPROBE_NAMES_MAX];
	uint16_t n_chain;
	uint32_t n_pings, n_options, n_refused; /* requests answered with 403 */
	uint32_t n_help;                        /* calls for help, answered as over a TLS trunk */
	struct probe_invite invite;
	uint16_t n_hand; /* refused handshakes */
	struct {
		struct addr peer;
		char names[PROBE_TEXT_MAX], why[PROBE_TEXT_MAX];
	} hand[PROBE_REFUSED_MAX];
};

/* Media of the test call between two changes, once they have settled. */
struct probe_phase {
	uint32_t sent, back; /* packets; back: verified, under whichever key */
	uint32_t echoed;     /* of those that came back, ours of this phase */
	bool own_key;        /* what came was verified under the key of its last answer */
	bool reported;       /* its RTCP speaks of what we sent, at a time when it must know .. */
	bool reached;        /* .. and has packets of this phase */
	uint32_t lost;       /* of these, as it reports */
};

/* The test call from us. Statuses: 0 = not come to, or no answer. */
struct probe_call {
	bool tried, broken; /* broken: no ports, or no socket, of ours */
	uint16_t early;     /* last provisional status */
	uint16_t status, hold_status, rekey_status, bye_status;
	char reason[64];
	struct probe_answer answer;     /* of the INVITE */
	bool sdp_good;                  /* its answer can be taken .. */
	char sdp_why[TLSPROBE_WHY_MAX]; /* .. or why not */
	uint8_t suite;                  /* enum sdp_suite */
	bool mki, digits;               /* digits: telephone-event is agreed */
	bool hold_good;                 /* the answer to the hold does not want to send */
	bool rekey_good;                /* the answer to the new key can be taken */
	bool new_key;                   /* it changed its own key as well */
	bool ended_early;               /* it sent BYE */
	struct addr media;              /* where it wants packets */
	struct probe_phase first, last; /* before the hold; after the new key */
	uint32_t sent, back_hold;       /* back_hold: packets that came while it was on hold */
	uint32_t digits_back;           /* of the digit's packets */
	struct media_stats stats;       /* of the SRTP side */
};

struct probe_facts {
	uint64_t magic;
	uint32_t layout, size; /* sizeof(struct probe_facts) */
	struct probe_job job;
	uint16_t port;              /* used */
	char name[POLICY_HOST_MAX]; /* looked for in its certificate, and our SNI */
	int64_t began_us;           /* wall */
	uint64_t took_us;
	struct probe_own own;
	struct probe_account account;
	struct probe_addrs a, aaaa;
	struct probe_srv srv;
	uint16_t n_tcp, used; /* used: the address that the rest is about; n_tcp = none */
	struct {
		struct addr addr;
		struct tlsprobe_result res;
	} tcp[2 * PROBE_ADDRS_MAX];
	struct probe_tls tls;
	uint16_t n_connected; /* of tcp */
	uint16_t n_other;
	struct probe_other other[PROBE_LOOKS_MAX - 1];
	struct probe_answer options;
	struct probe_wait wait;
	struct probe_call call;
};

#endif
