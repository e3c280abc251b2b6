/* What the benchmarks share: CPU time, medians of interleaved rounds, one line a result. Programs
 * end when something cannot be measured; a figure that is printed was measured. */
#ifndef POSTERN_TESTS_BENCH_H
#define POSTERN_TESTS_BENCH_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

enum {
	BENCH_ROUNDS_MAX = 31,
	BENCH_END_S = 20, /* no program runs longer */
	BENCH_ROUNDS_MIN = 5,
};

#define BENCH_MUST(c)                                                                              \
	do {                                                                                       \
		if (!(c)) {                                                                        \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #c);                    \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

/* One figure of each round. */
struct bench_series {
	double v[BENCH_ROUNDS_MAX];
	unsigned n;
};

static struct {
	const char *program;
	bool json;
	char cpu[128];
	struct utsname os;
	double begin_s;
} bench;

static inline double
bench_clock(clockid_t id)
{
	struct timespec t;

	BENCH_MUST(clock_gettime(id, &t) == 0);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* CPU seconds of this process, all threads, user and system. */
static inline double
bench_cpu(void)
{
	return bench_clock(CLOCK_PROCESS_CPUTIME_ID);
}

/* --json as an argument, or BENCH_JSON in the environment: a JSON line a result. */
static inline void
bench_begin(const char *program, int argc, char **argv)
{
	FILE *f = fopen("/proc/cpuinfo", "r");
	char line[256], *colon;

	(void)alarm(BENCH_END_S);
	bench.program = program;
	bench.json = getenv("BENCH_JSON") || (argc > 1 && strcmp(argv[1], "--json") == 0);
	bench.begin_s = bench_clock(CLOCK_MONOTONIC);
	BENCH_MUST(uname(&bench.os) == 0);
	memcpy(bench.cpu, "unknown", sizeof("unknown"));
	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, "model name", 10) == 0 && (colon = strchr(line, ':'))) {
			line[strcspn(line, "\n\"\\")] = 0;
			(void)snprintf(bench.cpu, sizeof(bench.cpu), "%s", colon + 2);
			break;
		}
	if (f)
		fclose(f);
	if (!bench.json)
		printf("%s: %s, %s %s\n  %-44s %27s %27s %6s\n", program, bench.cpu,
		       bench.os.sysname, bench.os.release, "", "postern: median (min..max)",
		       "peer: median (min..max)", "better");
}

/* True while there are rounds to do, and half of the time is left or the least number not done. */
static inline bool
bench_more(unsigned round, unsigned want)
{
	double since = bench_clock(CLOCK_MONOTONIC) - bench.begin_s;

	return round < want && (round < BENCH_ROUNDS_MIN || since < BENCH_END_S / 2);
}

static inline void
bench_add(struct bench_series *s, double v)
{
	BENCH_MUST(s->n < BENCH_ROUNDS_MAX);
	s->v[s->n++] = v;
}

static inline int
bench_order(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Sorts. */
static inline double
bench_median(struct bench_series *s)
{
	BENCH_MUST(s->n >= BENCH_ROUNDS_MIN);
	qsort(s->v, s->n, sizeof(s->v[0]), bench_order);
	return s->n % 2 ? s->v[s->n / 2] : (s->v[s->n / 2 - 1] + s->v[s->n / 2]) / 2;
}

static inline void
bench_json_side(const char *side, struct bench_series *s)
{
	double m = bench_median(s);

	printf(",\"%s\":%.1f,\"%s_min\":%.1f,\"%s_max\":%.1f", side, m, side, s->v[0], side,
	       s->v[s->n - 1]);
}

/**
 * One result: what was measured, in which unit; the peer's name and series, NULL when there is
 * none. `more`: a higher figure is better, as for things per second.
 */
static inline void
bench_result(const char *what, const char *unit, bool more, struct bench_series *ours,
	     const char *peer, struct bench_series *theirs)
{
	double a = bench_median(ours), b = theirs ? bench_median(theirs) : 0;
	char text[96], left[64], right[64] = "";

	if (bench.json) {
		printf("{\"bench\":\"%s\",\"what\":\"%s\",\"unit\":\"%s\",\"rounds\":%u",
		       bench.program, what, unit, ours->n);
		bench_json_side("postern", ours);
		if (theirs) {
			printf(",\"peer_name\":\"%s\"", peer);
			bench_json_side("peer", theirs);
		}
		printf(",\"cpu\":\"%s\",\"kernel\":\"%s\"}\n", bench.cpu, bench.os.release);
	} else {
		(void)snprintf(text, sizeof(text), "%s, %s", what, unit);
		(void)snprintf(left, sizeof(left), "%.0f (%.0f..%.0f)", a, ours->v[0],
			       ours->v[ours->n - 1]);
		if (theirs)
			(void)snprintf(right, sizeof(right), "%.0f (%.0f..%.0f)", b, theirs->v[0],
				       theirs->v[theirs->n - 1]);
		printf("  %-44s %27s %27s", text, left, right);
		printf(theirs ? " %5.2fx\n" : "\n", more ? a / b : b / a);
	}
	fflush(stdout);
}

#endif
