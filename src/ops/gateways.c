#include "ops/gateways.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "ops/advice.h"

enum err
gateways_init(struct gateways *gs)
{
	*gs = (struct gateways){.row = mem_zalloc(GATEWAYS_MAX, sizeof(*gs->row))};
	return gs->row ? ERR_OK : ERR_NOMEM;
}

void
gateways_fini(struct gateways *gs)
{
	mem_free(gs->row);
	*gs = (struct gateways){.n = 0};
}

static struct gateway *
find_row(const struct gateways *gs, const struct policy_id *trunk)
{
	for (uint32_t i = 0; i < gs->n; i++)
		if (strcmp(gs->row[i].trunk.z, trunk->z) == 0)
			return &gs->row[i];
	return NULL;
}

struct gateway *
gateways_row(struct gateways *gs, const struct policy_id *trunk)
{
	struct gateway *g = find_row(gs, trunk);

	if (g || gs->n == GATEWAYS_MAX)
		return g;
	g = &gs->row[gs->n++];
	*g = (struct gateway){.trunk = *trunk};
	return g;
}

static bool
is_idle(const struct gateway *g)
{
	return g->poll == GATEWAY_UNASKED && g->login == GATEWAY_NO_LOGIN && !g->tried_last;
}

void
gateways_trim(struct gateways *gs, const struct policy_id *trunk)
{
	struct gateway *g = find_row(gs, trunk);

	if (g && is_idle(g))
		*g = gs->row[--gs->n];
}

bool
gateways_take(struct gateways *gs, const struct gateway *g)
{
	struct gateway *mine, in = *g;

	in.trunk.z[sizeof(in.trunk.z) - 1] = 0;
	in.poll_why[GATEWAY_WHY_MAX - 1] = in.login_why[GATEWAY_WHY_MAX - 1] =
		in.call_why[GATEWAY_WHY_MAX - 1] = 0;
	if (!policy_id_valid(str_from(in.trunk.z)) || in.poll >= GATEWAY_POLL_N ||
	    in.login >= GATEWAY_LOGIN_N || in.tried_last > 1)
		return false;
	mine = gateways_row(gs, &in.trunk);
	if (mine)
		*mine = in;
	gateways_trim(gs, &in.trunk);
	return true;
}

/* ---- as JSON ---- */

static int
cmp_rows(const void *a, const void *b)
{
	const struct gateway *x = a, *y = b;

	return strcmp(x->trunk.z, y->trunk.z);
}

static void
put_text(struct buf *b, const char *name, const char *z)
{
	buf_printf(b, ",\"%s\":", name);
	buf_json(b, str_from(z));
}

static void
put_time(struct buf *b, const char *name, int64_t wall_us)
{
	buf_printf(b, ",\"%s\":\"", name);
	clock_put_utc(b, wall_us);
	buf_char(b, '"');
}

static void
put_gateway(struct buf *b, const struct gateway *g)
{
	static const char *const polls[] = {[GATEWAY_UNASKED] = "",
					    [GATEWAY_WAITS] = "unknown",
					    [GATEWAY_UP] = "up",
					    [GATEWAY_DOWN] = "down"};
	static const char *const logins[] = {[GATEWAY_NO_LOGIN] = "",
					     [GATEWAY_TRYING] = "trying",
					     [GATEWAY_REGISTERED] = "registered",
					     [GATEWAY_LOST] = "lost"};

	buf_z(b, "{\"trunk\":");
	buf_json(b, str_from(g->trunk.z));
	buf_printf(b, ",\"calls\":\"%s\"",
		   g->tried_last || g->poll == GATEWAY_DOWN ? "last" : "usual");
	put_text(b, "options", polls[g->poll]);
	if (g->latency_ms)
		buf_printf(b, ",\"latency_ms\":%u", g->latency_ms);
	if (g->poll_since_us)
		put_time(b, "options_since", g->poll_since_us);
	put_text(b, "registration", logins[g->login]);
	if (g->login_since_us)
		put_time(b, "registration_since", g->login_since_us);
	if (g->login_until_us)
		put_time(b, "registered_until", g->login_until_us);
	put_text(b, "why",
		 g->login_why[0]  ? g->login_why
		 : g->poll_why[0] ? g->poll_why
				  : g->call_why);
	if (g->tried_last || g->poll == GATEWAY_DOWN)
		put_text(b, "advice", ADVICE_SILENT);
	buf_char(b, '}');
}

void
gateways_put(struct buf *b, struct gateways *gs)
{
	qsort(gs->row, gs->n, sizeof(*gs->row), cmp_rows);
	for (uint32_t i = 0; i < gs->n; i++) {
		buf_z(b, i ? "," : "");
		put_gateway(b, &gs->row[i]);
	}
}
