#include "calls/overload.h"

#include <stdio.h>
#include <unistd.h>

#include "bench.h"
#include "calls/aside.h"

enum {
	FIRST = 600, /* calls a second of the first step */
	STEPS_MAX = 12,
	TIMES = 10,
	SECONDS = 3,
	ROUNDS = 5,
	AFTER_RATE = 100,
	RING_MS = 20,
	HOLD_MS = 200,
	LIMIT_S = 10,
	SETTLE_US = 500 * 1000,
	TRIES = 150,
	TRY_US = 100 * 1000,
	LEAST_PERCENT = 90,
};
#define STEP 1.2       /* each step is so much more than the one before */
#define SATURATED 0.95 /* of what was offered: it can do no more */

/* What came of one rate. */
struct offered {
	double rate, goodput, cpu_us; /* cpu_us: of all roles in the whole run */
	struct load_result r;
	bool well; /* what went on beside it was not touched */
	struct aside_result aside;
};

static void
offer(struct load *l, struct side *s, double rate, bool overload, struct offered *o)
{
	struct load_plan plan = {.rate = (unsigned)rate,
				 .calls = (unsigned)(rate * SECONDS),
				 .ring_ms = RING_MS,
				 .hold_ms = HOLD_MS,
				 .limit_s = LIMIT_S,
				 .overload = overload};
	struct aside *aside;
	bool up = false;
	uint64_t before;
	double took;

	if (plan.calls > LOAD_CALLS_MAX)
		plan.calls = LOAD_CALLS_MAX;
	for (int i = 0; i < TRIES && !(up = load_connect(l, s->tls_port)); i++)
		usleep(TRY_US);
	BENCH_MUST(up);
	aside = aside_start(SIDE_OUR_CLEAR);
	usleep(SETTLE_US);
	before = place_cpu_ns(s->pid);
	load_run(l, &plan, &o->r);
	o->cpu_us = (double)(place_cpu_ns(s->pid) - before) / 1e3;
	BENCH_MUST(o->r.seconds > 0);
	o->rate = plan.calls / o->r.seconds;
	/* what waited in the connections is carried after the last INVITE was offered */
	took = o->r.over_s > o->r.seconds ? o->r.over_s : o->r.seconds;
	o->goodput = o->r.done / took;
	o->well = aside_stop(&aside, &o->aside) && o->r.helped == o->r.helps;
	load_disconnect(l);
	usleep(SETTLE_US);
}

static void
tell(const char *what, const struct offered *o)
{
	const struct aside_result *a = &o->aside;

	if (bench.json)
		printf("{\"bench\":\"calls\",\"what\":\"%s\",\"offered\":%.0f,\"goodput\":%.0f,"
		       "\"shed\":%u,\"held\":%u,\"failed\":%u,\"cpu_ms\":%.0f,"
		       "\"p99_us\":%.0f,\"help\":%u,\"help_answered\":%u,\"help_p50_ms\":%.1f,"
		       "\"help_worst_ms\":%.1f,\"help_tls\":%u,\"help_tls_answered\":%u,"
		       "\"help_tls_p50_ms\":%.1f,\"help_tls_worst_ms\":%.1f,\"packets\":%u,"
		       "\"packets_lost\":%u}\n",
		       what, o->rate, o->goodput, o->r.shed, o->r.held, o->r.failed,
		       o->cpu_us / 1e3, o->r.p99_us, a->calls, a->answered, a->p50_ms, a->worst_ms,
		       o->r.helps, o->r.helped, o->r.help_p50_ms, o->r.help_worst_ms, a->packets,
		       a->lost);
	else
		printf("  %-9s %6.0f calls/s offered, %5.0f carried; %u refused, %u not taken by "
		       "their connection, %u failed%s%s; CPU %.0f ms\n"
		       "            p99 of the delay %.0f ms; calls for help: %u of %u in clear, "
		       "median %.1f ms, worst %.1f%s%s; %u of %u over TLS refused, median %.1f, "
		       "worst %.1f; sound: %u packets, %u lost\n",
		       what, o->rate, o->goodput, o->r.shed, o->r.held, o->r.failed,
		       o->r.failed ? ": " : "", o->r.why, o->cpu_us / 1e3, o->r.p99_us / 1e3,
		       a->answered, a->calls, a->p50_ms, a->worst_ms, a->why[0] ? ": " : "", a->why,
		       o->r.helped, o->r.helps, o->r.help_p50_ms, o->r.help_worst_ms, a->packets,
		       a->lost);
	fflush(stdout);
}

static void
find_peak(struct load *l, struct side *s, struct offered *peak)
{
	double rate = FIRST;

	*peak = (struct offered){0};
	for (int i = 0; i < STEPS_MAX; i++, rate *= STEP) {
		struct offered o;

		offer(l, s, rate, true, &o);
		tell("step", &o);
		if (o.goodput > peak->goodput)
			*peak = o;
		if (o.r.done < SATURATED * o.r.seconds * o.rate)
			return;
	}
}

bool
overload_run(struct load *l, struct side *s, unsigned rate)
{
	struct bench_series goodput = {0}, price = {0};
	struct offered peak, o;
	double part, call_us;
	bool well = true;

	if (rate)
		offer(l, s, rate, true, &peak);
	else
		find_peak(l, s, &peak);
	call_us = peak.cpu_us / peak.r.done;
	for (int i = 0; i < ROUNDS; i++) {
		offer(l, s, TIMES * peak.goodput, true, &o);
		tell("overload", &o);
		well &= o.well;
		bench_add(&goodput, o.goodput);
		if (o.r.shed)
			bench_add(&price, (o.cpu_us - o.r.done * call_us) / o.r.shed);
	}
	offer(l, s, AFTER_RATE, false, &o);
	tell("after", &o);
	part = 100 * bench_median(&goodput) / peak.goodput;
	if (bench.json)
		printf("{\"bench\":\"calls\",\"what\":\"goodput\",\"peak\":%.0f,\"percent\":%.0f,"
		       "\"call_us\":%.0f,\"refusal_us\":%.0f}\n",
		       peak.goodput, part, call_us, price.n ? bench_median(&price) : 0);
	else
		printf("  peak %.0f calls/s at %.0f us; at %u times that, %.0f %% of it; a refusal "
		       "%.0f us\n",
		       peak.goodput, call_us, TIMES, part, price.n ? bench_median(&price) : 0);
	return part >= LEAST_PERCENT && o.r.failed == 0 && well;
}
