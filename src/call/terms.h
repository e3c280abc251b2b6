/* What the trunk of a leg, as it stands now, demands of its session. A trunk that is gone demands
 * what is usual. Pure. */
#ifndef POSTERN_CALL_TERMS_H
#define POSTERN_CALL_TERMS_H

#include "call/state.h"

/** The leg's trunk; NULL: it is gone. */
const struct trunk *terms_trunk(const struct call *c, enum call_leg_index i);
/** The suites that it names; false: it names none, and *out is left. */
bool terms_suites(const struct call *c, enum call_leg_index i, struct sdp_suites *out);
/** May T.38 take the place of the call's audio: on legs in clear, and where their trunk says so? */
bool terms_fax(const struct call *c);
/** Does it take video? Not one that is gone, nor where the leg's keys come by DTLS. */
bool terms_video(const struct call *c, enum call_leg_index i);
/** Does media that is neither audio nor video go past us, as it says? Not one that is gone. */
bool terms_others(const struct call *c, enum call_leg_index i);
/** Does it have ICE? Not one that is gone. */
bool terms_ice(const struct call *c, enum call_leg_index i);
/** The codecs that it takes; none named: all. */
struct sdp_codecs terms_codecs(const struct call *c, enum call_leg_index i);
/** The payload type that it wants telephone-event under, in our offers; 0: any. */
uint8_t terms_events(const struct call *c, enum call_leg_index i);
/** enum sdp_mki */
uint8_t terms_mki(const struct call *c, enum call_leg_index i);
/** A caller for help: its keys are taken, though it is not asked for them, and a host name in its
 * SDP. */
bool terms_lenient(const struct call *c, enum call_leg_index i);
/** How SRTP is offered to it where it is preferred. */
enum trunk_prefer terms_prefer(const struct call *c, enum call_leg_index i);
/**
 * What a body of the leg must be like: secure, as the leg stands or as it was asked. Once agreed, a
 * leg neither falls to clear media nor rises from it.
 */
struct sdp_policy terms_policy(const struct call *c, enum call_leg_index i, bool secure);
/**
 * How our offer to the leg says that it is encrypted, enum sdp_form: as it was agreed, or as its
 * trunk has it. An offer in a response cannot be tried again: RETRY becomes OSRTP there.
 */
uint8_t terms_form(const struct call *c, enum call_leg_index i);

#endif
