/* The ring of handshakes and refused requests in shared memory: keeper makes the segment, signaling
 * writes it, admin reads it. It outlives both; a reader that is too slow loses the oldest and is
 * told how many. Floods are thinned out before the ring (ha/flood.h); all are counted by reason.
 *
 * Each slot has a sequence number: odd while it is written, and only entries behind the head are
 * read. A writer that dies in the middle leaves a slot that nobody reads and the next life writes
 * anew. Holds no secret. */
#ifndef POSTERN_HA_HANDRING_H
#define POSTERN_HA_HANDRING_H

#include "base/id.h"
#include "base/shm.h"
#include "ha/flood.h"
#include "net/tlsrecord.h"
#include "policy/snapshot.h"

enum {
	HANDRING_VERSION = 2,
	HANDRING_SLOTS = 2048,
	HANDRING_TRUNKS = 8, /* trunk names kept with a handshake */
	HANDRING_METHOD_MAX = 24,
	HANDRING_WORD_MAX = 32,
	HANDRING_WHY_MAX = 512,
	HANDRING_HOST_MAX = 256,
};
#define HANDRING_MAGIC 0x676e6972646e6168ULL

enum hand_what {
	HAND_WHAT_HANDSHAKE, /* u.tls */
	HAND_WHAT_REQUEST,   /* u.request */
	HAND_WHAT_MORE       /* u.more: further ones like the entry with that id */
};

/* A request that was refused before it became a call. */
struct hand_request {
	struct addr peer;
	int64_t at_us; /* wall */
	char method[HANDRING_METHOD_MAX];
	char word[HANDRING_WORD_MAX]; /* reason in one word, or the status */
	char why[HANDRING_WHY_MAX];   /* a sentence */
};

/* One entry. Texts are NUL-terminated and may hold any byte that a peer sent. */
struct hand_entry {
	uint32_t what;                /* enum hand_what */
	struct id id;                 /* MORE: none */
	struct policy_id account;     /* "" = none was selected */
	char zone[HANDRING_HOST_MAX]; /* FQDN of our zone; "" = none */
	struct policy_id trunk[HANDRING_TRUNKS];
	uint32_t n_trunks; /* kept */
	union {
		struct tls_record tls;
		struct hand_request request;
		struct flood_more more;
	} u;
};

/* All since keeper started, also what was not kept in full; [0] incoming, [1] outgoing. */
struct handring_counts {
	uint64_t tls[2][TLS_REASON_N];   /* by enum tls_reason; TLS_OK = accepted */
	uint64_t cert[2][CERT_REASON_N]; /* those of TLS_CERT, by enum cert_reason */
	uint64_t requests;               /* refused requests */
	uint64_t counted;                /* of all: counted and not kept in full */
};

struct handring {
	struct shm shm;
};

/** keeper: a segment. */
enum err handring_create(int *fd) NODISCARD;
/** Map it. writer: signaling (one process, its loop thread); else read-only. VERSION, IO. */
enum err handring_open(int fd, bool writer, struct handring *out) NODISCARD;
void handring_close(struct handring *r);

/** Writer: count it; keep it unless there are too many like it. now_us: monotonic. */
void handring_put(struct handring *r, const struct hand_entry *e, uint64_t now_us);
/** Writer, once a second or so: tell what was only counted. all: also what is not due yet. */
void handring_tell(struct handring *r, uint64_t now_us, bool all);

/** A number of this ring: another one after a start of keeper. */
uint64_t handring_id(const struct handring *r);
/**
 * Reader: the entry *next, and *next moves on. *lost grows by those that were overwritten before
 * they were read. AGAIN: there is none yet. The entry is in order: texts end, counts are within.
 */
enum err handring_get(const struct handring *r, uint64_t *next, struct hand_entry *out,
		      uint64_t *lost) NODISCARD;
/** Entries from next to the newest one, lost ones included. */
uint64_t handring_waiting(const struct handring *r, uint64_t next);
void handring_read_counts(const struct handring *r, struct handring_counts *out);

#endif
