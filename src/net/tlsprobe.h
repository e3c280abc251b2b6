/* One look at a TLS server, for `postern ready`: connect, shake hands on terms that the caller
 * sets, and say what was seen, whatever it was. Nothing is refused here: whether what was seen is
 * good is the caller's to judge.
 *
 * Blocks, with a deadline in each call: only for a thread that nothing else waits for. */
#ifndef POSTERN_NET_TLSPROBE_H
#define POSTERN_NET_TLSPROBE_H

#include "base/addr.h"
#include "net/tlschain.h"
#include "net/tlsctx.h"

enum {
	TLSPROBE_SUITES_MAX = 32, /* of a profile */
	TLSPROBE_CAS_MAX = 8,     /* authorities that a server names in its request, kept */
	TLSPROBE_SETTLE_MS = 300, /* after a TLS 1.3 handshake: a late refusal comes within this */
};

/* What one handshake tries. */
struct tlsprobe_conf {
	struct addr peer;
	struct addr local;   /* address to connect from, port 0; family 0 = the kernel's choice */
	struct tls_ctx *ctx; /* client context of the zone: our certificate, key and authorities */
	struct tls_trust *trust; /* whom the zone believes; NULL = nobody */
	struct tls_owns *owns;   /* what accounts bring along; NULL = nothing */
	struct str account;      /* its private CA and intermediates count, too; may be empty */
	const char *sni;         /* server name to ask for; "" = none */
	const char *suites; /* of TLS 1.2 and before. NULL: versions and suites of ctx, exactly */
	const char *suites13;
	uint16_t min, max;        /* versions, with suites: 0x0301 .. 0x0304 */
	bool show;                /* our certificate, where it is asked for */
	uint64_t due_us;          /* monotonic: gives up then */
	const _Atomic bool *stop; /* or as soon as this is true; NULL = never */
};

/* What it came to. Plain data. */
struct tlsprobe_result {
	bool tried;
	bool connected;                     /* TCP came up */
	bool not_tls;                       /* what answers does not speak TLS */
	bool silent;                        /* nothing came back in time */
	bool hello;                         /* version and suite were agreed */
	bool asked;                         /* it asked for a certificate */
	bool shown;                         /* we sent ours */
	bool done;                          /* the handshake was finished, and not taken back */
	int32_t error;                      /* errno of the connect; 0 = none */
	uint16_t version;                   /* with hello; 0x0303 = TLS 1.2 */
	int16_t alert_received, alert_sent; /* fatal ones; -1 = none */
	char suite[40];                     /* with hello; OpenSSL's name */
	uint64_t connect_us, handshake_us;
	bool has_leaf;
	uint8_t leaf[32];           /* fingerprint of its certificate */
	char why[TLSPROBE_WHY_MAX]; /* where not done: the library's words, or ours */
};

/* What a context asks for, and shows. Plain data. */
struct tlsprobe_terms {
	uint16_t min, max; /* 0x0303 = TLS 1.2 */
	bool rsa_only;
	uint16_t n_suites;
	char word[16]; /* the profile's */
	char shown[160];
	char suite[TLSPROBE_SUITES_MAX][40]; /* of 1.2 and 1.3, in order */
	struct tlsprobe_cert own;            /* our certificate */
};

/* What it said when it asked for our certificate. */
struct tlsprobe_asks {
	uint16_t n_cas; /* authorities named; 0 = any */
	bool has_ours;  /* one of them issued (a certificate of) our chain */
	char ca[TLSPROBE_CAS_MAX][TLSPROBE_NAME_MAX];
};

struct tlsprobe; /* a connection whose handshake was finished */

/**
 * Connect and shake hands. *res is always filled; chain and asks where not NULL. name: the
 * reference identity that chain->match is about. *out: the connection where res->done, else NULL;
 * out NULL: it is closed at once. NOMEM: it could not be tried.
 */
enum err tlsprobe_open(const struct tlsprobe_conf *conf, struct str name,
		       struct tlsprobe_result *res, struct tlsprobe_chain *chain,
		       struct tlsprobe_asks *asks, struct tlsprobe **out) NODISCARD;
void tlsprobe_terms(const struct tls_ctx *ctx, struct tlsprobe_terms *out);
/** Only TCP: fills tried, connected, error, connect_us. local: where it came from. */
void tlsprobe_tcp(const struct tlsprobe_conf *conf, struct tlsprobe_result *res);
/** Up to cap bytes. TIMEOUT: none until due_us; CLOSED; IO: broken, an alert stands in res of
 * tlsprobe_alert. */
enum err tlsprobe_read(struct tlsprobe *t, void *p, size_t cap, uint64_t due_us,
		       size_t *out_len) NODISCARD;
enum err tlsprobe_write(struct tlsprobe *t, struct str bytes, uint64_t due_us) NODISCARD;
/** Fatal alert that came since the handshake, -1 = none. */
int16_t tlsprobe_alert(const struct tlsprobe *t);
/** Both ends of the connection. */
struct addr tlsprobe_local(const struct tlsprobe *t);
/** close_notify, close. Nulls; NULL is fine. */
void tlsprobe_close(struct tlsprobe **t);

#endif
