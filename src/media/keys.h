/* Expanded SRTP keys of the rows: private to a worker, made from the secrets segment
 * as the rows say, so that a new worker has them again. One thread. */
#ifndef POSTERN_MEDIA_KEYS_H
#define POSTERN_MEDIA_KEYS_H

#include "media/flow.h"

enum { KEYS_IN, KEYS_OLD, KEYS_OUT, KEYS_A_SLOT }; /* old: in, before the re-key */

/* key NULL: none */
struct keys_entry {
	struct srtp_key *key;
	uint32_t serial;
	uint64_t life; /* packets that it is good for, as SDP says; 0 = it says nothing */
};

struct keys {
	struct srtp_ctx *srtp;
	struct keys_entry (*slots)[KEYS_A_SLOT];
	const struct flow_secrets *secrets;
	uint32_t n_slots;
};

/** srtp, for KEYS_A_SLOT * n_slots keys, and secrets stay the caller's. NOMEM. */
enum err keys_init(struct keys *k, struct srtp_ctx *srtp, const struct flow_secrets *secrets,
		   uint32_t n_slots) NODISCARD;
/** Wipes all. */
void keys_fini(struct keys *k);
/**
 * Bring the keys of a slot to the serials in r (closed or clear: none). Keys that are there stay.
 * NOTFOUND: the secrets segment does not hold one of them (it is then missing); UNSUPPORTED, NOMEM.
 */
enum err keys_sync(struct keys *k, uint32_t slot, const struct flow_row *r) NODISCARD;
/** Forget the keys of a slot: serials of another generation mean other keys. */
void keys_drop(struct keys *k, uint32_t slot);
/** The receiving key of this serial, NULL when there is none. */
struct srtp_key *keys_in(const struct keys *k, uint32_t slot, uint32_t serial);
/** Has the far end used up nearly all of what its SDP says that its present key is good for? */
bool keys_in_ends(const struct keys *k, uint32_t slot, const struct flow_row *r);
/** The present sending key, NULL when there is none. */
static inline struct srtp_key *
keys_out(const struct keys *k, uint32_t slot)
{
	return k->slots[slot][KEYS_OUT].key;
}

#endif
