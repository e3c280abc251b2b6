/* What signaling knows of its gateways (ops/gateways.h), row by row to admin: at each news, and all
 * of it when admin was started again. Loop thread. */
#ifndef POSTERN_APP_GATEWAYDESK_H
#define POSTERN_APP_GATEWAYDESK_H

#include "app/admin_msg.h"
#include "edge/edge.h"

struct gatewaydesk {
	struct gateways rows;
	struct channel *admin;
};

/** NOMEM. admin outlives it. */
enum err gatewaydesk_init(struct gatewaydesk *d, struct channel *admin) NODISCARD;
void gatewaydesk_poll(struct gatewaydesk *d, const struct edge_poll_news *n);
void gatewaydesk_enrol(struct gatewaydesk *d, const struct edge_enrol_news *n);
/** Calls find other carriers before it, or no more. */
void gatewaydesk_carrier(struct gatewaydesk *d, const struct policy_id *trunk, bool up,
			 const char *why);
void gatewaydesk_resend(struct gatewaydesk *d);

#endif
