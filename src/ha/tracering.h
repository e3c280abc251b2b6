/* The ring of messages in shared memory, for `postern trace`: keeper makes the segment, signaling
 * writes it, admin reads it. It outlives both. What is in it has no secrets (ha/redact.h). Bounded
 * in bytes: the oldest make room. Beside the messages it holds whose Call-ID is whose: a call has
 * one for each leg and each target that was tried.
 *
 * Entries lie behind one another; tail and head are their places since the beginning. The writer
 * moves the tail off what it will overwrite before it writes, and the head when the entry is whole:
 * what a killed writer left half done nobody reads. A reader looks at the tail again after its
 * copy.
 */
#ifndef POSTERN_HA_TRACERING_H
#define POSTERN_HA_TRACERING_H

#include "base/addr.h"
#include "base/id.h"
#include "base/shm.h"
#include "policy/account.h"

enum {
	TRACERING_VERSION = 1,
	TRACERING_MIB_MIN = 1,
	TRACERING_MIB_MAX = 1024,
	TRACE_TEXT_MAX = 8192, /* bytes kept of a message */
	TRACE_CALL_ID_MAX = 256,
	TRACE_WIPED = 1024, /* Call-IDs whose messages are kept no more */
};
#define TRACERING_MAGIC 0x676e697265636174ULL

enum trace_kind {
	TRACE_MESSAGE, /* text: the message */
	TRACE_CALL     /* text: the Call-ID that leg of call id has */
};

struct trace_message {
	bool out;
	uint8_t transport; /* enum edge_transport */
	struct addr peer, local;
	int64_t at_us; /* wall */
};

struct trace_call {
	struct id id;
	uint8_t leg; /* enum call_leg_index */
	struct policy_id trunk;
};

/* As read. */
struct trace_entry {
	enum trace_kind kind;
	uint64_t key; /* of its Call-ID, see tracering_key */
	struct trace_message message;
	struct trace_call call;
	uint32_t size; /* of the message on the wire */
	bool cut;      /* text is not all of it */
	uint32_t n;    /* bytes of text */
	char text[TRACE_TEXT_MAX];
};

struct tracering {
	struct shm shm;
	uint64_t tags[2];           /* writer: of redact */
	uint64_t gone[TRACE_WIPED]; /* writer: keys that were wiped */
};

/** keeper: a segment with so much room. RANGE, IO. */
enum err tracering_create(uint32_t mib, int *fd) NODISCARD;
/** Map it. writer: signaling (one process, its loop thread); else read-only. VERSION, IO. */
enum err tracering_open(int fd, bool writer, struct tracering *out) NODISCARD;
void tracering_close(struct tracering *r);

/** The key of a Call-ID in this ring. */
uint64_t tracering_key(const struct tracering *r, struct str call_id);

/** Writer: keep a message, without its secrets. REGISTER and OPTIONS, which belong to no call, and
 * what has no Call-ID are left out. Never allocates. */
void tracering_put(struct tracering *r, const struct trace_message *m, struct str bytes);
/** Writer: this leg of a call has this Call-ID. */
void tracering_bind(struct tracering *r, const struct trace_call *c, struct str call_id);
/** Writer: forget the messages with this Call-ID, those to come as well. */
void tracering_wipe(struct tracering *r, struct str call_id);

/**
 * Reader: the entry at *next (0: the oldest), and *next moves on. AGAIN: there is none behind it.
 * The entry is in order: n is within, texts of a call end with NUL.
 */
enum err tracering_get(const struct tracering *r, uint64_t *next,
		       struct trace_entry *out) NODISCARD;

#endif
