/* Call records in shared memory: slots that outlive signaling. Keeper makes the segment, signaling
 * writes it, admin reads it. A slot is live (a call) or ended (a CDR to be written); admin writes
 * and syncs the CDR, says so, and signaling frees the slot.
 *
 * A write goes to the copy of the slot that is not current, with a checksum, and then turns the
 * slot over in one store: a reader, or the next life of signaling, always finds a whole record. */
#ifndef POSTERN_HA_RECORDS_H
#define POSTERN_HA_RECORDS_H

#include "base/shm.h"
#include "call/record.h"

enum { RECORDS_VERSION = 2, RECORDS_NONE = 0xffffffff };
#define RECORDS_MAGIC 0x7364726f636572ULL

enum record_slot_state { RECORD_FREE, RECORD_LIVE, RECORD_ENDED };

struct records {
	struct shm shm;
	uint32_t n;
	uint32_t *free; /* stack of free slots; writer only */
	uint32_t n_free;
};

/** keeper: a segment for n calls. */
enum err records_create(uint32_t n, int *fd) NODISCARD;
/** Map it. writer: signaling (one process); else read-only. NOMEM, VERSION, IO. */
enum err records_open(int fd, bool writer, struct records *out) NODISCARD;
void records_close(struct records *r);

/** Writer: a free slot, RECORDS_NONE when all are in use. */
uint32_t records_take(struct records *r);
/** Writer: store the record; it is there whole when this returns. state: LIVE or ENDED. */
void records_put(struct records *r, uint32_t slot, enum record_slot_state state,
		 const struct call_record *rec);
/** Writer: a slot that was taken is not needed, whether something was stored in it or not. */
void records_give(struct records *r, uint32_t slot);
/** Writer: the slot's CDR is written. Nothing when it is free already. */
void records_free(struct records *r, uint32_t slot);
uint32_t records_used(const struct records *r);

/** State of a slot, and its record when it is not free. A record that is broken is RECORD_FREE
 * (and counted by the caller as lost). */
enum record_slot_state records_get(const struct records *r, uint32_t slot, struct call_record *out);

/** State of a slot without a look at its record: cheap, for rounds over all of them. */
enum record_slot_state records_peek(const struct records *r, uint32_t slot);

/** Not free, but without a whole record. */
bool records_is_broken(const struct records *r, uint32_t slot);

/** Writer: this slot's call is being worked on (RECORDS_NONE: none). After a crash the next life
 * finds it here and counts it against the call. */
void records_in_hand(struct records *r, uint32_t slot);
uint32_t records_was_in_hand(const struct records *r);

#endif
