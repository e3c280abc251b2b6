/* What comes on a media port and is signaling's (RFC 7983): DTLS from the far end of a row whose
 * keys come by it (RFC 5764 5.1.2), and STUN of a row with ICE. Nothing of the row changes but the
 * budget. Pure. */
#ifndef POSTERN_MEDIA_HAND_H
#define POSTERN_MEDIA_HAND_H

#include "media/flow.h"

/* Datagrams, or digits, of a row that signaling gets between two ticks of it, about a second. */
enum {
	HAND_BUDGET = 40,
	HAND_EARLY = 8, /* of these, from whom nobody has named yet */
};

/** Is it such a packet? */
bool hand_is(const struct flow_row *r, const struct io_packet *k);
/**
 * Give it on, in parts (struct media_handed). DTLS from another address than signalling or a
 * verified packet named, STUN under another user name, or beyond the budget: why it is dropped
 * (M14). Where no address is named yet, the answer that names one may be behind the far end's
 * hello (RFC 5763 5): that is given on as early.
 */
enum media_drop hand_over(struct flow_row *r, uint32_t slot, const struct io_packet *k,
			  bool (*on_event)(void *arg, uint16_t type, const void *body, size_t len),
			  void *arg);

#endif
