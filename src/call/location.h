/* What a call for help says of where the caller is: headers and parts of its body beside the SDP
 * (RFC 6442, RFC 7852). They go on to the carrier as they came; of other calls nothing of it
 * crosses. */
#ifndef POSTERN_CALL_LOCATION_H
#define POSTERN_CALL_LOCATION_H

#include "sip/edit.h"

/** Append Geolocation, Geolocation-Routing and Call-Info with emergency data of req. */
void location_put_headers(struct buf *b, const struct sip_msg *req);
/** End the message: with this SDP (which may be empty) and all of req's body that is no SDP,
 * unchanged; without such, the SDP alone. */
void location_put_body(struct buf *b, const struct sip_msg *req, struct str sdp);

#endif
