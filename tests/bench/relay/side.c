#include "relay/side.h"

#include "cores.h"

static unsigned
cycles_of(unsigned ms)
{
	return ms * TRAFFIC_PER_SECOND / 1000;
}

void
side_bed_make(struct side_bed *b, unsigned window_ms)
{
	bed_make(&b->bed);
	cores_own(CORES_NEAR);
	traffic_init(&b->traffic);
	generate_init(&b->generator, &b->bed);
	b->window_ms = window_ms;
	b->failed = false;
}

void
side_bed_drop(struct side_bed *b)
{
	generate_fini(&b->generator);
	traffic_fini(&b->traffic);
}

const char *
side_name(const struct side *s)
{
	return s->peer ? "rtpengine" : io_kind_name(s->mode.kind);
}

void
side_send(struct side_bed *b, struct contender *c, const struct traffic_case *what,
	  unsigned n_calls, unsigned first, unsigned cycles, struct side_run *out)
{
	struct judge_run r = {.what = what,
			      .calls = b->calls,
			      .n_calls = n_calls,
			      .n_cycles = cycles,
			      .first = first};

	traffic_make(&b->traffic, what, n_calls, cycles);
	generate_run(&b->generator, &b->traffic, &r, c->pid, &out->seen);
	judge_run(&r, &out->judged);
	out->ns = out->seen.relayed ? (double)out->seen.cpu_ns / out->seen.relayed : 0;
}

static void
tell_wrong(const struct side *s, const struct judge_result *j)
{
	fprintf(stderr,
		"bench relay: %s: payload %u, header %u, tag %u, port %u, twice %u of %u wrong\n",
		side_name(s), j->wrong_payload, j->wrong_header, j->wrong_tag, j->wrong_port,
		j->twice, j->relayed);
}

static void
tell_run(const struct side *s, unsigned n_calls, double took_s, const struct side_run *r)
{
	fprintf(stderr,
		"%s %u: %u calls, %.0f ns, %.0f in ksoftirqd, lost %u of %u, p50 %.0f us, p99 %.0f "
		"us,"
		" late %.3f, dropped %llu, %.1f s\n",
		side_name(s), s->mode.tick_us, n_calls, r->ns,
		r->seen.relayed ? (double)r->seen.softirq_ns / r->seen.relayed : 0, r->judged.lost,
		r->judged.sent, r->judged.p50_us, r->judged.p99_us, r->seen.late,
		(unsigned long long)r->seen.dropped, took_s);
}

bool
side_run(struct side_bed *b, struct side *s, const struct traffic_case *what, unsigned n_calls,
	 struct side_run *out)
{
	double since = bench_clock(CLOCK_MONOTONIC);
	struct contender c;
	bool up = s->peer ? peer_start(&c, &b->bed, what, n_calls, b->calls, s->missing)
			  : ours_start(&c, &b->bed, &s->mode, what, n_calls, b->calls, s->missing);

	if (!up)
		return false;
	side_send(b, &c, what, n_calls, cycles_of(SIDE_WARM_MS),
		  cycles_of(SIDE_WARM_MS + b->window_ms), out);
	contender_stop(&c);
	if (b->trace)
		tell_run(s, n_calls, bench_clock(CLOCK_MONOTONIC) - since, out);
	if (!judge_is_true(&out->judged)) {
		s->wrong++;
		tell_wrong(s, &out->judged);
		b->failed |= !s->peer;
	}
	return true;
}

bool
side_run_late(const struct side_run *r)
{
	return r->seen.late * 100 > SIDE_LATE_PERCENT || r->seen.dropped;
}

void
side_add(struct side *s, const struct side_run *r)
{
	bench_add(&s->ns, r->ns);
	bench_add(&s->p50, r->judged.p50_us);
	bench_add(&s->p99, r->judged.p99_us);
	bench_add(&s->softirq, r->seen.relayed ? (double)r->seen.softirq_ns / r->seen.relayed : 0);
	s->sent += r->judged.sent;
	s->lost += r->judged.lost;
	if (r->seen.late > s->late)
		s->late = r->seen.late;
}

double
side_loss(const struct side *s)
{
	return s->sent ? (double)s->lost / (double)s->sent : 0;
}
