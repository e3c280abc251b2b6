/* Messages of signaling that admin keeps as they come: alarms, gateways. */
#ifndef POSTERN_APP_ADMIN_TAKE_H
#define POSTERN_APP_ADMIN_TAKE_H

#include "app/admin_msg.h"

/** ADMIN_ALARM; false: it is broken. */
bool admin_take_alarm(struct alarms *as, const struct channel_msg *msg) NODISCARD;
/** ADMIN_GATEWAY; false: it is broken. */
bool admin_take_gateway(struct gateways *gs, const struct channel_msg *msg) NODISCARD;

#endif
