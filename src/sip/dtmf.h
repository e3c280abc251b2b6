/* A digit in the body of an INFO: application/dtmf-relay ("Signal=5", "Duration=160") and
 * application/dtmf (the digit alone). No RFC says them; this is what is sent. Pure. */
#ifndef POSTERN_SIP_DTMF_H
#define POSTERN_SIP_DTMF_H

#include "sip/hdr.h"

enum {
	SIP_DTMF_FLASH = 16,
	SIP_DTMF_MS = 160, /* where the body does not say */
	SIP_DTMF_MS_MAX = 60000,
};

struct sip_dtmf {
	uint8_t code; /* as RFC 4733 3.2: 0-9, 10 *, 11 #, 12-15 A-D, 16 flash */
	uint16_t ms;
};

/** Is this a message with such a body, by its Content-Type? */
bool sip_dtmf_is(const struct sip_msg *m);
/** The digit of such a message. SYNTAX: none can be read. */
enum err sip_dtmf_read(const struct sip_msg *m, struct sip_dtmf *out) NODISCARD;
/** Content-Type of what sip_dtmf_put writes. */
#define SIP_DTMF_TYPE "application/dtmf-relay"
void sip_dtmf_put(struct buf *b, const struct sip_dtmf *d);

#endif
