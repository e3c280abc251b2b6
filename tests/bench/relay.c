/* The relay: ours by each back end against rtpengine, between two network namespaces of its own.
 * Every run is a new process on the far core with its calls open; a generator on the near core
 * sends each stream's packet every 20 ms and keeps what comes back; then everything is checked.
 * A figure is the median over rounds, in which the contenders take turns.
 *
 * relay [--json] [--quick] [--only CASE[/BACKEND]] [--calls N] [--mode tick|event]
 *       [--window MS] [--density | --no-density] [--self-test] [--trace] */
#include <getopt.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

#include "app/role.h"
#include "base/list.h"
#include "base/log.h"
#include "relay/density.h"
#include "relay/mirror.h"
#include "words.h"

enum {
	ROUNDS = 5,
	CALLS_BAR = 600,
	CALLS_MORE = 1000,
	TICK_US = 500,
	WINDOW_MS = 1000,
	QUICK_MS = 400,
	DENSITY_MS = 400,
	END_S = 900,
	MODES = 2,
	SIDES_MAX = 1 + IO_KINDS * MODES,
};

static struct {
	bool quick, self_test, density, tables, trace;
	const char *only_case, *only_backend;
	int mode; /* -1: both; 0 event, 1 tick */
	unsigned calls, window_ms;
} want = {.density = true, .tables = true, .mode = -1, .window_ms = WINDOW_MS};

static struct side_bed bed;

/* ---- tables ---- */

static void
print_side(const char *prefix, struct side *s)
{
	double m = bench_median(&s->ns);

	printf(",\"%sns_per_packet\":%.0f,\"%sns_min\":%.0f,\"%sns_max\":%.0f", prefix, m, prefix,
	       s->ns.v[0], prefix, s->ns.v[s->ns.n - 1]);
	printf(",\"%sloss\":%.6f,\"%sp50_us\":%.0f,\"%sp99_us\":%.0f", prefix, side_loss(s), prefix,
	       bench_median(&s->p50), prefix, bench_median(&s->p99));
	printf(",\"%swrong_runs\":%llu,\"%sksoftirqd_ns\":%.0f,\"%slate\":%.3f", prefix,
	       (unsigned long long)s->wrong, prefix, bench_median(&s->softirq), prefix, s->late);
}

static void
print_json(const struct traffic_case *what, unsigned n_calls, struct side *s, struct side *peer)
{
	const char *missing = s->missing[0] ? s->missing : peer->missing;

	printf("{\"bench\":\"relay\",\"case\":\"%s\",\"backend\":\"%s\",\"calls\":%u,"
	       "\"tick_us\":%u,\"peer\":\"rtpengine\"",
	       what->name, side_name(s), n_calls, s->mode.tick_us);
	if (missing[0]) {
		printf(",\"ns_per_packet\":null,\"peer_ns_per_packet\":null,\"ratio\":null,"
		       "\"missing\":\"%s\"",
		       missing);
	} else {
		print_side("", s);
		print_side("peer_", peer);
		printf(",\"ratio\":%.2f", bench_median(&peer->ns) / bench_median(&s->ns));
	}
	printf(",\"rounds\":%u,\"window_ms\":%u,\"cpu\":\"%s\",\"kernel\":\"%s\"}\n", ROUNDS,
	       want.window_ms, bench.cpu, bench.os.release);
}

static void
print_text(struct side *s, struct side *peer)
{
	char name[40];
	double ns;

	(void)snprintf(name, sizeof(name), "%s%s", side_name(s),
		       s->peer           ? ""
		       : s->mode.tick_us ? ", tick 0.5 ms"
					 : ", event");
	if (s->missing[0]) {
		printf("    %-24s missing: %s\n", name, s->missing);
		return;
	}
	ns = bench_median(&s->ns); /* sorts */
	printf("    %-24s %7.0f (%5.0f..%5.0f)", name, ns, s->ns.v[0], s->ns.v[s->ns.n - 1]);
	if (!s->peer && !peer->missing[0])
		printf("  %5.2fx", bench_median(&peer->ns) / ns);
	else
		printf("        ");
	printf("  %8.0f %8.0f  %.4f %%", bench_median(&s->p50), bench_median(&s->p99),
	       side_loss(s) * 100);
	printf(s->late > 0.01 ? "  (generator late: %.1f %% of slots)\n" : "\n", s->late * 100);
}

/* The peer first, then each back end in each mode that is asked for. */
static unsigned
list_sides(struct side *v)
{
	unsigned n = 0;

	memset(v, 0, SIDES_MAX * sizeof(*v));
	v[n++].peer = true;
	for (unsigned kind = 0; kind < IO_KINDS; kind++) {
		const struct io_backend *b = io_backend_of(kind);

		if (!b || (want.only_backend && strcmp(want.only_backend, io_kind_name(kind)) != 0))
			continue;
		for (int mode = 0; mode < MODES; mode++)
			if (want.mode < 0 || want.mode == mode)
				v[n++].mode = (struct contender_mode){kind, mode ? TICK_US : 0};
	}
	return n;
}

static void
run_table(const struct traffic_case *what, unsigned n_calls)
{
	static struct side sides[SIDES_MAX];
	unsigned n = list_sides(sides);
	struct side_run r;

	for (unsigned round = 0; round < ROUNDS; round++)
		for (unsigned i = 0; i < n; i++) {
			struct side *s = &sides[(round + i) % n];

			if (!s->missing[0] && side_run(&bed, s, what, n_calls, &r))
				side_add(s, &r);
		}
	if (!bench.json)
		printf("  %s, %u calls, %u packets/s\n    %-24s %s\n", what->name, n_calls,
		       n_calls * 2 * TRAFFIC_PER_SECOND, "",
		       "CPU ns/packet (min..max)   better"
		       "   p50 us   p99 us    loss");
	for (unsigned i = bench.json; i < n; i++)
		bench.json ? print_json(what, n_calls, &sides[i], &sides[0])
			   : print_text(&sides[i], &sides[0]);
	fflush(stdout);
}

/* ---- the harness by itself ---- */

static void
test_harness(void)
{
	enum { FIRST = MIRROR_FIRST, CYCLES = 20, TRIES = 3 };
	struct judge_result j;
	struct contender c;
	struct side_run r;
	bool found = false;

	/* a busy machine may lose a packet here: then the counts are not exact */
	for (int i = 0; i < TRIES && !found; i++) {
		mirror_start(&c, &bed.bed, bed.calls);
		side_send(&bed, &c, &traffic_cases[0], MIRROR_CALLS, FIRST, CYCLES, &r);
		contender_stop(&c);
		j = r.judged;
		found = mirror_found(&j);
	}
	if (!found) {
		fprintf(stderr,
			"bench relay: the harness does not find what its mirror spoils:"
			" lost %u, twice %u, payload %u, header %u, port %u, tag %u\n",
			j.lost, j.twice, j.wrong_payload, j.wrong_header, j.wrong_port,
			j.wrong_tag);
		exit(1);
	}
	if (!bench.json)
		printf("  harness: a mirror that spoils five packets of %u was found out in each;"
		       " p50 through it %.0f us\n",
		       j.sent, j.p50_us);
}

/* ---- arguments ---- */

static const char usage[] =
	"usage: relay [--json] [--quick] [--only CASE[/BACKEND]] [--calls N]\n"
	"             [--mode tick|event] [--window MS] [--density | --no-density]\n"
	"             [--self-test] [--trace]\n";

static void
take_only(char *text)
{
	char *slash = strchr(text, '/');

	if (slash) {
		*slash = 0;
		want.only_backend = slash + 1;
	}
	if (*text)
		want.only_case = text;
}

static void
take_mode(const char *text)
{
	if (strcmp(text, "tick") == 0)
		want.mode = 1;
	else if (strcmp(text, "event") == 0)
		want.mode = 0;
	else
		words_usage(usage);
}

static void
take_arguments(int argc, char **argv)
{
	static const struct option options[] = {{"json", no_argument, NULL, 'j'},
						{"quick", no_argument, NULL, 'q'},
						{"only", required_argument, NULL, 'o'},
						{"calls", required_argument, NULL, 'c'},
						{"mode", required_argument, NULL, 'm'},
						{"window", required_argument, NULL, 'w'},
						{"density", no_argument, NULL, 'd'},
						{"no-density", no_argument, NULL, 'n'},
						{"self-test", no_argument, NULL, 's'},
						{"trace", no_argument, NULL, 't'},
						{0}};

	for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;)
		switch (o) {
		case 'j':
			BENCH_MUST(setenv("BENCH_JSON", "1", 1) == 0);
			break;
		case 'q':
			want.quick = true;
			want.window_ms = QUICK_MS;
			break;
		case 'o':
			take_only(optarg);
			break;
		case 'c':
			want.calls = words_number(optarg, TRAFFIC_CALLS_MAX, usage);
			break;
		case 'm':
			take_mode(optarg);
			break;
		case 'w':
			want.window_ms =
				words_number(optarg, TRAFFIC_CYCLES_MAX * 20 - SIDE_WARM_MS, usage);
			break;
		case 'd':
			want.tables = false;
			break;
		case 'n':
			want.density = false;
			break;
		case 't':
			want.trace = true;
			break;
		case 's':
			want.self_test = true;
			break;
		default:
			words_usage(usage);
		}
	if (optind != argc)
		words_usage(usage);
}

static bool
case_wanted(const struct traffic_case *what)
{
	if (want.quick && !want.only_case)
		return strcmp(what->name, "srtp-sha1_80") == 0;
	return !want.only_case || strcmp(want.only_case, what->name) == 0;
}

static void
run_tables(void)
{
	for (unsigned i = 0; i < TRAFFIC_CASES; i++) {
		if (!case_wanted(&traffic_cases[i]))
			continue;
		run_table(&traffic_cases[i], want.calls ? want.calls : CALLS_BAR);
		if (!want.calls && !want.quick)
			run_table(&traffic_cases[i], CALLS_MORE);
	}
}

/* ---- density ---- */

static void
print_density(const struct traffic_case *what, struct density *d, struct density *peer)
{
	const char *missing = d->side.missing[0] ? d->side.missing : peer->side.missing;
	double ours = missing[0] ? 0 : bench_median(&d->pps);
	double theirs = missing[0] ? 0 : bench_median(&peer->pps);

	if (!bench.json && missing[0])
		printf("    %-24s missing: %s\n", side_name(&d->side), missing);
	else if (!bench.json)
		printf("    %-24s %7.0f (%5.0f..%5.0f)  %5.2fx of rtpengine's %.0f "
		       "(%.0f..%.0f)%s\n",
		       side_name(&d->side), ours, d->pps.v[0], d->pps.v[d->pps.n - 1],
		       ours / theirs, theirs, peer->pps.v[0], peer->pps.v[peer->pps.n - 1],
		       density_at_limit(d) ? ", the generator's limit" : "");
	if (!bench.json)
		return;
	printf("{\"bench\":\"density\",\"case\":\"%s\",\"backend\":\"%s\",\"tick_us\":%u,"
	       "\"peer\":\"rtpengine\",",
	       what->name, side_name(&d->side), d->side.mode.tick_us);
	if (missing[0])
		printf("\"packets_per_s\":null,\"peer_packets_per_s\":null,\"ratio\":null,"
		       "\"missing\":\"%s\"",
		       missing);
	else
		printf("\"packets_per_s\":%.0f,\"min\":%.0f,\"max\":%.0f,"
		       "\"peer_packets_per_s\":%.0f,\"peer_min\":%.0f,\"peer_max\":%.0f,"
		       "\"ratio\":%.2f,\"at_generator_limit\":%s",
		       ours, d->pps.v[0], d->pps.v[d->pps.n - 1], theirs, peer->pps.v[0],
		       peer->pps.v[peer->pps.n - 1], ours / theirs,
		       density_at_limit(d) ? "true" : "false");
	printf(",\"rounds\":%u,\"cpu\":\"%s\",\"kernel\":\"%s\"}\n", ROUNDS, bench.cpu,
	       bench.os.release);
}

/* The best back end that there is (they stand in that order), or the one that is asked for. */
static void
run_density(const struct traffic_case *what)
{
	static struct density v[2];

	memset(v, 0, sizeof(v));
	v[0].side.peer = true;
	for (unsigned kind = 0; kind < IO_KINDS; kind++) {
		const struct io_backend *b = io_backend_of(kind);

		if (b && (!want.only_backend || strcmp(want.only_backend, io_kind_name(kind)) == 0))
			v[1].side.mode = (struct contender_mode){kind, want.mode ? TICK_US : 0};
	}
	bed.window_ms = DENSITY_MS;
	for (unsigned round = 0; round < ROUNDS; round++)
		for (unsigned i = 0; i < 2; i++)
			(void)density_round(&bed, &v[(round + i) % 2], what);
	if (!bench.json)
		printf("  %s, packets/s on one core without loss, p50 below 5 ms\n", what->name);
	print_density(what, &v[1], &v[0]);
	fflush(stdout);
}

/* ---- */

static void
run_densities(void)
{
	for (unsigned i = 0; i < TRAFFIC_CASES; i++)
		if (want.only_case ? case_wanted(&traffic_cases[i])
				   : strcmp(traffic_cases[i].name, "srtp-sha1_80") == 0)
			run_density(&traffic_cases[i]);
}

static void
raise_files(void)
{
	struct rlimit rl;

	BENCH_MUST(getrlimit(RLIMIT_NOFILE, &rl) == 0);
	rl.rlim_cur = rl.rlim_max;
	BENCH_MUST(setrlimit(RLIMIT_NOFILE, &rl) == 0);
}

int
main(int argc, char **argv)
{
	if (argc > 3 && strcmp(argv[1], "--role") == 0) { /* started by ours_start */
		signal(SIGPIPE, SIG_IGN);
		log_init("media", STDERR_FILENO, LOG_WARN);
		return role_media(1);
	}
	take_arguments(argc, argv);
	bench_begin("relay", argc, argv);
	(void)alarm(END_S);
	signal(SIGPIPE, SIG_IGN);
	raise_files();
	log_init("bench", STDERR_FILENO, LOG_WARN);
	side_bed_make(&bed, want.window_ms);
	bed.trace = want.trace;
	test_harness();
	if (!want.self_test && want.tables)
		run_tables();
	if (!want.self_test && want.density)
		run_densities();
	side_bed_drop(&bed);
	return bed.failed;
}
