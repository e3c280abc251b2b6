/* admin's desk for certificates: what runs out and when, revocation lists and OCSP staples, and
 * what signaling gets of them. Sees certificates, never keys. One thread. */
#ifndef POSTERN_APP_PKIDESK_H
#define POSTERN_APP_PKIDESK_H

#include "conf/conf.h"
#include "app/crlcache.h"
#include "base/channel.h"
#include "ha/handring.h"
#include "net/tlsctx.h"
#include "net/tlsocsp.h"
#include "store/handstore.h"

enum {
	PKIDESK_LOOK_S = 60, /* between two looks at all dates, */
	PKIDESK_SOON_S = 5,  /* and after a handshake that may show another certificate */
	PKIDESK_RING_BATCH = 256,
	PKIDESK_STAPLE_RETRY_S = 60,
	PKIDESK_STAPLE_AGAIN_S = 3600,
};

struct pkidesk;

/* OCSP about the certificate of one zone. */
struct pkidesk_staple {
	struct pkidesk *owner;
	uint32_t zone;
	char url[TLS_DATES_URL_MAX]; /* "" = its authority has no OCSP */
	uint8_t fingerprint[32];     /* of the certificate that was asked about */
	struct tls_ocsp_good good;
	size_t len;      /* of bytes; 0 = none */
	uint64_t due_us; /* monotonic */
	uint32_t failures;
	bool busy, again; /* again: the certificate changed while an answer is awaited */
	char bytes[TLS_OCSP_MAX];
};

struct pkidesk {
	const struct conf *conf;
	struct str conf_bytes, pki;
	struct alarms *alarms;
	struct channel *keeper;
	struct fetcher *fetcher;
	struct crlcache crls;
	struct pkidesk_staple staple[CONF_ZONES_MAX];
	const struct handring *ring; /* may be NULL */
	uint64_t next, lost;         /* of the ring */
	uint64_t look_us;
	bool changed; /* signaling does not have the newest */
};

/**
 * dir: where fetched lists are kept. alarms, keeper and ring are borrowed. Takes the configuration
 * and the block of certificates from the descriptors of a role's start. NOMEM, LONG, VERSION.
 */
enum err pkidesk_init(struct pkidesk *d, const char *dir, struct loop *loop, struct alarms *alarms,
		      struct channel *keeper, const struct handring *ring) NODISCARD;
void pkidesk_fini(struct pkidesk *d);
/** Configuration and certificates were read again. Takes the descriptors. */
void pkidesk_conf(struct pkidesk *d, const int fd[2]);
/** Each second. hands: for the certificates of customers, may be NULL. */
void pkidesk_tick(struct pkidesk *d, struct handstore *hands, uint64_t now_us);

#endif
