/* Alarms: what an operator should know and act upon, each raised once and cleared once. A bounded
 * list in memory; with a file it is kept over restarts, and each raise and clear is a log line.
 * An alarm is named by (kind, object): "certificate-expiry", "sip.example.net". One thread. */
#ifndef POSTERN_OPS_ALARM_H
#define POSTERN_OPS_ALARM_H

#include "base/buf.h"

enum {
	ALARMS_MAX = 1024,
	ALARM_OBJECT_MAX = 96, /* with NUL, as the next one */
	ALARM_TEXT_MAX = 360,
	ALARM_LINE_MAX = 4096, /* as JSON */
	ALARM_PATH_MAX = 320,
};

/* name, word, seconds that it stands after its last raise (0: until it is cleared), what to do */
#define ALARM_LIST(X)                                                                              \
	X(CERT_EXPIRY, "certificate-expiry", 0,                                                    \
	  "renew the certificate, put the new files in place; postern takes them by itself")       \
	X(PEER_EXPIRY, "peer-certificate-expiry", 0,                                               \
	  "tell the customer to renew it; behind its end no new call comes in")                    \
	X(AUTHORITY_EXPIRY, "authority-expiry", 0,                                                 \
	  "get the authority's new certificate and add it to the file")                            \
	X(CRL_EXPIRY, "crl-expiry", 0,                                                             \
	  "get a newer list; until then accounts with revocation: hard are refused")               \
	X(CRL_FETCH, "crl-fetch", 0,                                                               \
	  "see whether this address answers from here; crl.hosts names what may be asked")         \
	X(OCSP, "ocsp-staple", 0, "see whether the authority's OCSP address answers from here")    \
	X(RELOAD, "reload-refused", 0,                                                             \
	  "mend what the sentence names; the old state stays in use until then")                   \
	X(RESTART, "needs-restart", 0, "restart postern when calls allow it")                      \
	X(STORE, "accounts-store", 0, "mend the store; the last good accounts stay in use")        \
	X(UNFIT, "accounts-unfit", 0,                                                              \
	  "give postern what these accounts name, or apply accounts that do not name it")          \
	X(HANDSHAKES, "handshakes-store", 0,                                                       \
	  "mend the file or move it away; until then the oldest handshakes are lost first")        \
	X(EMERGENCY, "emergency-call", 3600,                                                       \
	  "nothing is to be mended: see whether those who called need help from you; "             \
	  "this alarm clears by itself 1 hour after the last such call")                           \
	X(EMERGENCY_REFUSED, "emergency-call-refused", 3600,                                       \
	  "see that the equipment sends emergency calls over a clear trunk or a line of its own; " \
	  "this alarm clears by itself 1 hour after the last such call")                           \
	X(EMERGENCY_LOST, "emergency-call-lost", 86400,                                            \
	  "nobody answered this call for help: call back, and mend what the sentence names; "      \
	  "this alarm clears by itself 1 day after the last such call")                            \
	X(TARGET, "target-down", 0,                                                                \
	  "see whether the equipment runs and its address is right; this alarm clears when it "    \
	  "answers, a connection to it comes up, or postern ready reaches it over TLS")            \
	X(CARRIER, "carrier-down", 0,                                                              \
	  "see whether the gateway runs and its address is right; calls go to the others first")   \
	X(OPTIONS, "options-unanswered", 0,                                                        \
	  "see whether the equipment runs, and whether it answers OPTIONS from here")              \
	X(REGISTRATION, "registration-lost", 0,                                                    \
	  "see whether the registrar runs, and whether address of record, user and password fit")  \
	X(OVERLOAD, "overload", 60,                                                                \
	  "see in postern calls and the log which trunk sends so much; limit it by attempts, or "  \
	  "take a faster machine; this alarm clears by itself after a minute without")             \
	X(REPORT, "readiness-report", 0, "run postern ready for the account")

enum alarm_kind {
#define X(name, word, hold, advice) ALARM_##name,
	ALARM_LIST(X)
#undef X
		ALARM_KINDS
};

enum alarm_severity { ALARM_NOTICE, ALARM_WARNING, ALARM_MAJOR, ALARM_CRITICAL, ALARM_SEVERITIES };

struct alarm {
	uint8_t kind, severity;
	int64_t since_us, last_us;     /* wall; of the first and of the last raise */
	char object[ALARM_OBJECT_MAX]; /* what it is about: a zone, an account, an address */
	char text[ALARM_TEXT_MAX];     /* a sentence */
};

struct alarms {
	struct alarm *list; /* in the order of their raise */
	uint32_t n;
	uint64_t left_out; /* raised while the list was full */
	bool kept, dirty;  /* kept: has a file and logs; dirty: differs from the file */
	bool failed;       /* logged: the file cannot be written */
	char path[ALARM_PATH_MAX];
};

/** path: what an earlier life left there is read back; NULL: memory only, no log. NOMEM, LONG. */
enum err alarms_init(struct alarms *as, const char *path) NODISCARD;
void alarms_fini(struct alarms *as);
/**
 * Texts longer than their room are cut. True: it is news, that is, it did not stand before or with
 * another severity; else only its sentence and its last time change; another sentence of a refused
 * reload, which is another refusal, is logged ("alarm.changed"). False also when the list is full.
 */
bool alarms_raise(struct alarms *as, enum alarm_kind kind, enum alarm_severity severity,
		  const char *object, const char *text, int64_t now_wall_us);
/** True: it stood. */
bool alarms_clear(struct alarms *as, enum alarm_kind kind, const char *object);
/** All of a kind. */
void alarms_clear_kind(struct alarms *as, enum alarm_kind kind);
/** Clear what has stood its time (hold) since its last raise. */
void alarms_end_old(struct alarms *as, int64_t now_wall_us);
const struct alarm *alarms_find(const struct alarms *as, enum alarm_kind kind, const char *object);
/** Write the file where the list has changed since the last time. */
void alarms_save(struct alarms *as);

const char *alarm_word(enum alarm_kind kind);
const char *alarm_severity_word(enum alarm_severity s);
const char *alarm_advice(enum alarm_kind kind);
/** As one JSON object. */
void alarm_put(struct buf *b, const struct alarm *a);

#endif
