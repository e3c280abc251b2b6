#include "app/gatewaydesk.h"

#include "base/clock.h"
#include "edge/enrol.h"
#include "edge/poll.h"

enum err
gatewaydesk_init(struct gatewaydesk *d, struct channel *admin)
{
	d->admin = admin;
	return gateways_init(&d->rows);
}

/* What does not fit is cut off. */
static void
copy_why(char dst[GATEWAY_WHY_MAX], const char *why)
{
	(void)!str_copyz(dst, GATEWAY_WHY_MAX, str_sub(str_from(why), 0, GATEWAY_WHY_MAX - 1));
}

static void
tell_row(struct gatewaydesk *d, const struct gateway *g)
{
	struct gateway m = *g;

	/* when the queue is full admin is away, and hears of it when it is back */
	(void)!channel_send(d->admin, ADMIN_GATEWAY, &m, sizeof(m), false);
	gateways_trim(&d->rows, &m.trunk);
}

void
gatewaydesk_poll(struct gatewaydesk *d, const struct edge_poll_news *n)
{
	static const uint8_t words[] = {
		[POLL_UNKNOWN] = GATEWAY_WAITS, [POLL_UP] = GATEWAY_UP, [POLL_DOWN] = GATEWAY_DOWN};
	struct gateway *g = gateways_row(&d->rows, &n->trunk);
	uint8_t poll = n->asked ? words[n->state] : GATEWAY_UNASKED;

	if (!g)
		return;
	if (g->poll != poll)
		g->poll_since_us = poll == GATEWAY_UNASKED ? 0 : clock_wall_us();
	g->poll = poll;
	g->latency_ms = n->latency_us ? (uint32_t)(n->latency_us / CLOCK_MS) + 1 : 0;
	copy_why(g->poll_why, n->why);
	tell_row(d, g);
}

void
gatewaydesk_enrol(struct gatewaydesk *d, const struct edge_enrol_news *n)
{
	static const uint8_t words[] = {[ENROL_TRYING] = GATEWAY_TRYING,
					[ENROL_THERE] = GATEWAY_REGISTERED,
					[ENROL_LOST] = GATEWAY_LOST,
					[ENROL_LEAVING] = GATEWAY_NO_LOGIN,
					[ENROL_LEFT] = GATEWAY_NO_LOGIN};
	struct gateway *g = gateways_row(&d->rows, &n->trunk);
	int64_t now = clock_wall_us();

	if (!g)
		return;
	if (g->login != words[n->state])
		g->login_since_us = now;
	g->login = words[n->state];
	g->login_until_us = n->left_us ? now + (int64_t)n->left_us : 0;
	if (g->login == GATEWAY_NO_LOGIN)
		g->login_since_us = g->login_until_us = 0;
	copy_why(g->login_why, g->login == GATEWAY_NO_LOGIN ? "" : n->why);
	tell_row(d, g);
}

void
gatewaydesk_carrier(struct gatewaydesk *d, const struct policy_id *trunk, bool up, const char *why)
{
	struct gateway *g = gateways_row(&d->rows, trunk);

	if (!g)
		return;
	g->tried_last = !up;
	copy_why(g->call_why, why);
	tell_row(d, g);
}

void
gatewaydesk_resend(struct gatewaydesk *d)
{
	for (uint32_t i = 0; i < d->rows.n; i++)
		(void)!channel_send(d->admin, ADMIN_GATEWAY, &d->rows.row[i],
				    sizeof(struct gateway), false);
}
