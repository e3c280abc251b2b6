/* A readiness report: lines that a customer can act on, in the order in which causes come before
 * their consequences. Plain data; made by readycheck from facts, shown as a table and as JSON. */
#ifndef POSTERN_READY_REPORT_H
#define POSTERN_READY_REPORT_H

#include "base/buf.h"

enum {
	READY_LINES_MAX = 96,
	READY_SEEN_MAX = 512,   /* with NUL */
	READY_CHANGE_MAX = 384, /* with NUL */
	READY_TITLE_MAX = 48,   /* with NUL */
};

enum ready_state {
	READY_PASSED,
	READY_WARNED,
	READY_FAILED,
	READY_UNPROVEN, /* nothing speaks against it, and nothing that was seen shows it */
	READY_SKIPPED,  /* could not be looked at, because of what failed above */
	READY_NOTE,     /* looked at nothing: something to know */
	READY_STATE_N
};

/* What is looked at. X(id, word for programs, words for people) */
#define READY_CHECK_LIST(X)                                                                        \
	X(ACCOUNT, "account", "account")                                                           \
	X(DNS_NAME, "dns.name", "name in DNS")                                                     \
	X(DNS_FAMILY, "dns.family", "address family")                                              \
	X(DNS_MATCH, "dns.match", "address as agreed")                                             \
	X(DNS_TTL, "dns.ttl", "time to live")                                                      \
	X(DNS_SRV, "dns.srv", "SRV record")                                                        \
	X(TCP, "tcp", "TCP connect")                                                               \
	X(TLS, "tls", "TLS spoken")                                                                \
	X(TLS_VERSION, "tls.version", "TLS versions")                                              \
	X(CERT_KEY, "cert.key", "key of the certificate")                                          \
	X(TLS_SUITE, "tls.suite", "cipher suites")                                                 \
	X(CERT_CHAIN, "cert.chain", "chain sent")                                                  \
	X(CERT_AUTHORITY, "cert.authority", "authority")                                           \
	X(CERT_NAME, "cert.name", "name in the certificate")                                       \
	X(CERT_DATES, "cert.dates", "dates")                                                       \
	X(CERT_EKU, "cert.eku", "extended key usage")                                              \
	X(CERT_USAGE, "cert.usage", "key usage")                                                   \
	X(TLS_SNI, "tls.sni", "server name (SNI)")                                                 \
	X(AUTH_ASKED, "auth.asked", "asks for our certificate")                                    \
	X(AUTH_ACCEPTED, "auth.accepted", "accepts our certificate")                               \
	X(AUTH_NEEDED, "auth.needed", "insists on a certificate")                                  \
	X(SIP_OPTIONS, "sip.options", "OPTIONS answered")                                          \
	X(SIP_CONTACT, "sip.contact", "Contact")                                                   \
	X(SIP_ALLOW, "sip.allow", "methods")                                                       \
	X(DNS_USE, "dns.use", "address of use")                                                    \
	X(TLS_EACH, "tls.each", "every address")                                                   \
	X(TLS_DONE, "tls.done", "handshake finished")                                              \
	X(CALL_ANSWER, "call.answer", "test call answered")                                        \
	X(CALL_CONTACT, "call.contact", "Contact in the call")                                     \
	X(CALL_MEDIA, "call.media", "SRTP both ways")                                              \
	X(CALL_HOLD, "call.hold", "hold")                                                          \
	X(CALL_REKEY, "call.rekey", "a new key")                                                   \
	X(CALL_DTMF, "call.dtmf", "digits")                                                        \
	X(CALL_BYE, "call.bye", "BYE")                                                             \
	X(WAIT_CONNECT, "wait.connect", "its own connection")                                      \
	X(WAIT_SNI, "wait.sni", "its server name (SNI)")                                           \
	X(WAIT_TLS, "wait.tls", "its TLS offer")                                                   \
	X(WAIT_ALIVE, "wait.alive", "its keepalive")                                               \
	X(WAIT_INVITE, "wait.invite", "its INVITE")                                                \
	X(WAIT_CONTACT, "wait.contact", "its Contact")                                             \
	X(WAIT_CRYPTO, "wait.crypto", "its a=crypto")                                              \
	X(PROFILE, "profile", "profile")

enum ready_check {
#define X(id, word, title) READY_##id,
	READY_CHECK_LIST(X)
#undef X
		READY_CHECK_N
};

struct ready_line {
	const char *word; /* static */
	enum ready_state state;
	char title[READY_TITLE_MAX];
	char seen[READY_SEEN_MAX];
	char change[READY_CHANGE_MAX]; /* "" where nothing is to be changed */
};

struct ready_report {
	bool passed;       /* nothing failed */
	const char *cause; /* word of the first line that failed; "" */
	unsigned n, n_failed, n_warned, n_unproven;
	bool cut; /* more lines than there is room */
	struct ready_line line[READY_LINES_MAX];
};

/** A new line; never NULL (the last one again when there is no room). */
struct ready_line *ready_add(struct ready_report *r, enum ready_check c, enum ready_state s);
/** Texts, cut where too long. */
void ready_seen(struct ready_line *l, const char *fmt, ...) PRINTF_LIKE(2, 3);
void ready_change(struct ready_line *l, const char *fmt, ...) PRINTF_LIKE(2, 3);
/** Is there a line of this check, and did it fail? */
bool ready_has(const struct ready_report *r, enum ready_check c);
bool ready_failed(const struct ready_report *r, enum ready_check c);
/** Count, name the cause, and set passed. */
void ready_conclude(struct ready_report *r);
/** Checks up to `last` that were not come to, because something failed: skipped, at the end. */
void ready_fill(struct ready_report *r, enum ready_check last);
const char *ready_state_word(enum ready_state s);
const char *ready_check_word(enum ready_check c);

#endif
