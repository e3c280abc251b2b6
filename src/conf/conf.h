/* The configuration of a node: plain data without pointers, so that keeper has it read by a child
 * and passes it on as a sealed blob. Files are named here, never read here. */
#ifndef POSTERN_CONF_CONF_H
#define POSTERN_CONF_CONF_H

#include "conf/credential.h"
#include "conf/tls.h"
#include "conf/report.h"
#include "base/addr.h"
#include "base/log.h"
#include "media/ctl.h"
#include "policy/number.h"

enum {
	CONF_LAYOUT = 4,
	CONF_ZONES_MAX = 8,
	CONF_LISTENERS_MAX = 32,
	CONF_TRUST_MAX = 8,
	CONF_CRLS_MAX = 4,      /* files of revocation lists of a zone */
	CONF_CRL_HOSTS_MAX = 8, /* hosts with a private address that may be asked for lists */
	CONF_DNS_MAX = 4,
	CONF_NAMES_MAX = 8,
	CONF_PATH_MAX = 256,
	CONF_NAME_MAX = 48,
	CONF_FQDN_MAX = 254,
	CONF_DEVICE_MAX = 16, /* IFNAMSIZ */
	CONF_NO_ZONE = 0xff,  /* no zone, no media address */
};
#define CONF_MAGIC 0x666e6f63ULL

enum conf_client_cert { /* as enum tls_client */
			CONF_CLIENT_REQUIRED,
			CONF_CLIENT_OPTIONAL,
			CONF_CLIENT_NONE
};
enum conf_transport { CONF_TLS, CONF_UDP, CONF_TCP };     /* as enum trunk_transport */
enum conf_side { CONF_SIDE_CUSTOMER, CONF_SIDE_CARRIER }; /* as enum trunk_kind */

/* Where something stood in the file, for messages. */
struct conf_at {
	uint32_t line, column;
};

struct conf_zone {
	char fqdn[CONF_FQDN_MAX];                  /* lower case */
	char certificate[CONF_PATH_MAX];           /* PEM, chain, leaf first */
	char key[CONF_PATH_MAX];                   /* PEM */
	char trust[CONF_TRUST_MAX][CONF_PATH_MAX]; /* PEM files of authorities */
	uint32_t n_trust;
	char crls[CONF_CRLS_MAX][CONF_PATH_MAX]; /* revocation lists, PEM or one in DER each */
	uint32_t n_crls;
	bool trust_system;          /* the system's list as well */
	uint8_t client_certificate; /* enum conf_client_cert */
	uint8_t pad;
	struct conftls_zone tls; /* profile, authorities by name */
	uint32_t line, column;   /* where it stood in the file, for messages */
	struct conf_at certificate_at, key_at, trust_at[CONF_TRUST_MAX], crls_at[CONF_CRLS_MAX];
};

struct conf_listener {
	char name[CONF_NAME_MAX];
	char device[CONF_DEVICE_MAX]; /* only through this interface; "" = any */
	struct addr bind, advertised; /* with ports; advertised defaults to bind */
	uint8_t transport;            /* enum conf_transport */
	uint8_t side;                 /* enum conf_side */
	uint8_t zone; /* index into zone[]; CONF_NO_ZONE where transport is not tls */
	uint8_t pad;
	uint32_t line, column;
};

/* How media waits for packets. */
enum conf_tick {
	CONF_TICK_ADAPTIVE,
	CONF_TICK_EVENT,
	CONF_TICK_250,
	CONF_TICK_500,
	CONF_TICK_1000
};

/* Whose messages are kept for `postern trace`. */
enum conf_trace { CONF_TRACE_ALL, CONF_TRACE_FAILED, CONF_TRACE_OFF };

struct conf_media {
	char name[CONF_NAME_MAX];
	struct addr bind, advertised; /* port 0 */
	uint32_t line, column;
};

/* Milliseconds. RFC 3261 17.1.1.1; t4 and the 64*T1 timers follow from these. */
struct conf_timers {
	uint32_t t1, t2, t4;
	uint32_t trying_tls, trying_tcp, trying_udp; /* no answer at all from a target: next one */
	uint32_t connect; /* TCP and TLS together, for one address: then the next one */
	uint32_t ping;    /* CRLF pings on streams; 0 = none */
	uint32_t media,
		media_lost; /* media time-outs: both sides silent; connection lost as well */
};

/* Revocation lists and OCSP staples that admin fetches. */
struct conf_crl {
	bool fetch;  /* lists, from where verified certificates say */
	bool staple; /* for our own certificates, where their authority has OCSP */
	uint8_t pad[2];
	uint32_t n_hosts;
	char host[CONF_CRL_HOSTS_MAX][CONF_FQDN_MAX]; /* that may have a private address */
};

struct conf {
	uint64_t magic;
	uint32_t layout, size; /* sizeof(struct conf) */
	uint8_t node_id;       /* 0..255, first byte of each id */
	uint8_t pad0[3];
	uint32_t log_level; /* enum log_level */
	char node_name[CONF_NAME_MAX];
	char run_dir[CONF_PATH_MAX];
	char user[CONF_NAME_MAX]; /* "" = do not change */
	char store[CONF_PATH_MAX], cdr[CONF_PATH_MAX], control[CONF_PATH_MAX];
	uint32_t stop_timeout; /* ms */
	uint32_t handshakes_keep, handshakes_days;
	uint32_t trace_mib; /* size of the ring of messages */
	uint32_t max_calls;
	uint32_t max_attempts; /* INVITEs a second for the node; 0 = no limit */
	struct number_plan numbers;
	struct conf_timers timers;
	struct conf_crl crl;
	struct conftls tls; /* own profiles */
	uint32_t n_zones, n_listeners, n_media, n_dns;
	struct conf_zone zone[CONF_ZONES_MAX];
	struct conf_listener listener[CONF_LISTENERS_MAX];
	struct conf_media media[MEDIA_ADDRS_MAX];
	uint16_t port_min, port_max;           /* one range, the same on each media address */
	uint8_t media_customer, media_carrier; /* indexes into media[] */
	uint8_t media_io;                      /* place in IO_WORDS */
	uint8_t media_tick;                    /* enum conf_tick */
	uint8_t media_workers;                 /* 1 to MEDIA_WORKERS_MAX */
	uint8_t trace;                         /* enum conf_trace */
	uint8_t pad1[2];
	uint32_t ports_line, ports_column;
	struct addr dns[CONF_DNS_MAX]; /* none: the system's */
	uint32_t n_credentials;
	struct conf_credential credential[CREDENTIALS_MAX]; /* for digest, by name */
	uint32_t n_names;
	char names[CONF_NAMES_MAX][CONF_FQDN_MAX]; /* further names of this node, for carriers */
};

/** Concurrent calls that the media ports carry: each needs a pair of ports on either side. */
uint32_t conf_calls_fit(const struct conf *c);
/** The media addresses and ports as media wants them. */
void conf_media_plan(const struct conf *c, struct media_plan *out);
/** The part of the run: is this blob a struct conf of this program? */
enum err conf_open(struct str bytes, const struct conf **out) NODISCARD;
/** Index of the media address of this name, CONF_NO_ZONE (0xff) if there is none. */
uint8_t conf_media_index(const struct conf *c, struct str name);

#endif
