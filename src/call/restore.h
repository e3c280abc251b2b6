/* Calls after a restart of signaling: taken from their records, on with them or properly ended.
 */
#ifndef POSTERN_CALL_RESTORE_H
#define POSTERN_CALL_RESTORE_H

#include "call/call.h"

/**
 * A live record of an earlier life of signaling, at its slot: an answered call goes on, any other
 * is ended with CANCEL or BYE and a CDR that says so. FULL, NOMEM: no place.
 */
enum err calls_restore(struct calls *cs, uint32_t slot, const struct call_record *rec,
		       uint64_t now_us) NODISCARD;

#endif
