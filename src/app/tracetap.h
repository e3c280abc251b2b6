/* signaling's side of `postern trace`: messages into the ring, and whose they are. Loop thread. */
#ifndef POSTERN_APP_TRACETAP_H
#define POSTERN_APP_TRACETAP_H

#include "call/record.h"
#include "conf/conf.h"
#include "edge/edge.h"
#include "ha/tracering.h"

struct tracetap {
	struct tracering ring;
	enum conf_trace mode;
	uint64_t (*bound)[CALL_LEGS]; /* by slot of the records: keys of the Call-IDs that were told
				       */
	uint32_t n;
	struct str in_hand; /* Call-ID of the request in hand: a call that it begins may be refused
			     * before it has a dialog. Empty: none */
};

/** Map the ring; n: slots of the records. NOMEM, or what tracering_open says. */
enum err tracetap_init(struct tracetap *t, int fd, uint32_t n) NODISCARD;
void tracetap_message(struct tracetap *t, const struct edge_seen *seen);
/** The record of a call is about to be stored; ended: for the last time. */
void tracetap_store(struct tracetap *t, uint32_t slot, const struct call_record *rec, bool ended);
/** A request was refused under this id before it became a call. */
void tracetap_refused(struct tracetap *t, const struct id *id, struct str call_id);

#endif
