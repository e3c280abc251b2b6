/* Calls: postern, all its roles, against Kamailio with dialog and topology hiding, in a network
 * namespace of its own. A PBX over eight TLS connections that stay, a gateway over UDP, seven
 * messages a call, no sound; handshakes are outside of what is measured. Who is measured runs on
 * the far processor, the load on the near one. Rounds of both alternate; a figure is the median.
 *
 * calls [--json] [--quick] [--rate N] [--memory | --no-memory] [--only SIDE] [--seconds N]
 *       [--rounds N] [--serve SECONDS] [--against PROGRAM] [--keep]
 * calls --overload: ten times what it can carry; see calls/overload.h
 * calls --mixed N [--rate N] [--seed N]: no figures, but correctness; see calls/mixed.h */
#include <getopt.h>
#include <libgen.h>
#include <signal.h>

#include "calls/load.h"
#include "calls/mixed.h"
#include "calls/overload.h"
#include "calls/side.h"
#include "cores.h"
#include "words.h"

enum {
	ROUNDS = 5,
	ROUNDS_MAX = 31,
	SECONDS = 3, /* of INVITEs, a round */
	RING_MS = 20,
	HOLD_MS = 200,
	LIMIT_S = 8,
	SETTLE_US = 300 * 1000, /* what handshakes and calls leave to do: records, CDRs */
	DELAY_RATE = 100,
	WARM_CALLS = 200,
	CALLS_LIMIT = 45000, /* transactions of 1,000 calls a second, 32 s of them */
	MEMORY_CALLS = 10000,
	MEMORY_RATE = 500,
	UP_TRIES = 150,
	UP_STEP_US = 100 * 1000,
	END_S = 900,
	MIXED_RATE = 300,
	SIDES = 2,
};

static const unsigned all_rates[] = {DELAY_RATE, 300, 600, 1000}, quick_rates[] = {DELAY_RATE, 600};

static struct {
	bool quick, memory, only_memory, overload, keep;
	const char *only, *against; /* against: another build of postern, in Kamailio's place */
	unsigned rate, seconds, rounds, serve_s, mixed, seed;
} want = {.memory = true, .seconds = SECONDS, .rounds = ROUNDS, .seed = 1};

/* One side at one rate. */
struct figures {
	struct bench_series cpu_us, p50_us, p99_us;
	unsigned failed, again;
	double late_ms;
	char why[LOAD_WHY_MAX];
};

static struct place place;
static struct load *load;
static struct side sides[SIDES];
static bool bad; /* a call of ours failed, or a bar of memory */

/* ---- runs ---- */

static bool
connect_to(struct side *s)
{
	for (int i = 0; i < UP_TRIES; i++) {
		if (load_connect(load, s->tls_port))
			return true;
		usleep(UP_STEP_US);
	}
	place_said(&place, s->name, s->why, sizeof(s->why));
	fprintf(stderr, "bench calls: %s does not take connections: %s\n", s->name, s->why);
	place_stop(&s->pid);
	return false;
}

static void
add_run(struct figures *f, const struct load_result *r, double cpu_us, unsigned calls)
{
	if (r->failed && !f->failed)
		memcpy(f->why, r->why, sizeof(f->why));
	f->failed += r->failed;
	f->again += r->again;
	f->late_ms = r->late_ms > f->late_ms ? r->late_ms : f->late_ms;
	bench_add(&f->cpu_us, cpu_us / calls);
	bench_add(&f->p50_us, r->p50_us);
	bench_add(&f->p99_us, r->p99_us);
}

/* One round. f NULL: it warms up. */
static void
run_side(struct side *s, unsigned rate, unsigned calls, struct figures *f)
{
	struct load_plan plan = {.rate = rate,
				 .calls = calls,
				 .ring_ms = RING_MS,
				 .hold_ms = HOLD_MS,
				 .limit_s = LIMIT_S};
	struct load_result r;
	uint64_t before;

	if (!s->pid || !connect_to(s))
		return;
	usleep(SETTLE_US); /* the handshakes are over, and noted */
	before = place_cpu_ns(s->pid);
	load_run(load, &plan, &r);
	usleep(SETTLE_US);
	if (f)
		add_run(f, &r, (double)(place_cpu_ns(s->pid) - before) / 1e3, calls);
	load_disconnect(load);
}

static void
print_missing(unsigned rate)
{
	if (bench.json)
		printf("{\"bench\":\"calls\",\"rate\":%u,\"cpu_us_per_call\":null,"
		       "\"peer\":\"kamailio\",\"peer_cpu_us_per_call\":null,\"ratio\":null,"
		       "\"failed\":null,\"p99_us\":null,\"missing\":\"%s\"}\n",
		       rate, sides[0].why);
	else
		printf("  %4u calls/s: postern does not run: %s\n", rate, sides[0].why);
}

static void
print_json(unsigned rate, struct figures *a, struct figures *b)
{
	double ours = bench_median(&a->cpu_us);

	printf("{\"bench\":\"calls\",\"rate\":%u,\"cpu_us_per_call\":%.1f,\"peer\":\"%s\",", rate,
	       ours, sides[1].name);
	if (b->cpu_us.n)
		printf("\"peer_cpu_us_per_call\":%.1f,\"ratio\":%.2f,", bench_median(&b->cpu_us),
		       bench_median(&b->cpu_us) / ours);
	else
		printf("\"peer_cpu_us_per_call\":null,\"ratio\":null,\"peer_missing\":\"%s\",",
		       sides[1].why);
	printf("\"failed\":%u,\"p99_us\":%.0f,\"p50_us\":%.0f,\"min\":%.1f,\"max\":%.1f", a->failed,
	       bench_median(&a->p99_us), bench_median(&a->p50_us), a->cpu_us.v[0],
	       a->cpu_us.v[a->cpu_us.n - 1]);
	if (b->cpu_us.n)
		printf(",\"peer_min\":%.1f,\"peer_max\":%.1f,\"peer_failed\":%u,"
		       "\"peer_p99_us\":%.0f",
		       b->cpu_us.v[0], b->cpu_us.v[b->cpu_us.n - 1], b->failed,
		       bench_median(&b->p99_us));
	printf(",\"again\":%u,\"late_ms\":%.1f,\"rounds\":%u,\"cpu\":\"%s\",\"kernel\":\"%s\"}\n",
	       a->again, a->late_ms, a->cpu_us.n, bench.cpu, bench.os.release);
}

static void
print_one(const struct side *s, struct figures *f, double ratio)
{
	double us;

	if (f->cpu_us.n == 0) {
		printf("    %-9s missing: %s\n", s->name, s->why);
		return;
	}
	us = bench_median(&f->cpu_us); /* sorts */
	printf("    %-9s %6.0f (%5.0f..%5.0f)  %8.0f %8.0f  failed %u", s->name, us, f->cpu_us.v[0],
	       f->cpu_us.v[f->cpu_us.n - 1], bench_median(&f->p50_us), bench_median(&f->p99_us),
	       f->failed);
	if (ratio > 0)
		printf("  %.2fx", ratio);
	if (f->again)
		printf("  (%u datagrams twice)", f->again);
	if (f->late_ms > 10)
		printf("  (load late by %.0f ms)", f->late_ms);
	printf(f->failed ? "\n      %s\n" : "\n", f->why);
}

static void
run_rate(unsigned rate, unsigned rounds)
{
	static struct figures f[SIDES];
	double ratio = 0;

	memset(f, 0, sizeof(f));
	for (unsigned r = 0; r < rounds; r++)
		for (unsigned i = 0; i < SIDES; i++)
			run_side(&sides[(r + i) % SIDES], rate, rate * want.seconds,
				 &f[(r + i) % SIDES]);
	bad |= f[0].failed > 0;
	if (!f[0].cpu_us.n) {
		print_missing(rate);
		bad = true;
	} else if (bench.json) {
		print_json(rate, &f[0], &f[1]);
	} else {
		if (f[1].cpu_us.n)
			ratio = bench_median(&f[1].cpu_us) / bench_median(&f[0].cpu_us);
		printf("  %u calls/s, %u calls a round\n    %-9s CPU us/call (min..max)    p50 us  "
		       " p99 us\n",
		       rate, rate * want.seconds, "");
		print_one(&sides[0], &f[0], ratio);
		print_one(&sides[1], &f[1], 0);
	}
	fflush(stdout);
}

/* ---- memory ---- */

struct memory {
	uint64_t signaling, media;
};

static void
read_memory(void *arg)
{
	struct memory *m = arg;

	m->signaling = place_rss_kib(place_role(sides[0].pid, "signaling"));
	m->media = place_rss_kib(place_role(sides[0].pid, "media"));
}

/* A fresh node, so that pools were never used. */
static void
run_memory(const char *program)
{
	struct memory before, with;
	struct load_plan plan = {.rate = MEMORY_RATE,
				 .calls = MEMORY_CALLS,
				 .ring_ms = RING_MS,
				 .limit_s = LIMIT_S,
				 .on_up = read_memory,
				 .arg = &with};
	struct load_result r;
	double signaling, media;

	place_stop(&sides[0].pid);
	if (!side_start_postern(&sides[0], &place, program, CALLS_LIMIT, "") ||
	    !connect_to(&sides[0]))
		return;
	read_memory(&before);
	load_run(load, &plan, &r);
	load_disconnect(load);
	signaling = (double)(with.signaling - before.signaling) / MEMORY_CALLS;
	media = (double)(with.media - before.media) / MEMORY_CALLS;
	bad |= r.failed > 0;
	if (bench.json)
		printf("{\"bench\":\"calls\",\"what\":\"memory\",\"calls\":%u,"
		       "\"signaling_kib_per_call\":%.1f,\"media_kib_per_call\":%.1f,"
		       "\"failed\":%u,\"signaling_kib\":%llu,\"media_kib\":%llu}\n",
		       MEMORY_CALLS, signaling, media, r.failed,
		       (unsigned long long)before.signaling, (unsigned long long)before.media);
	else
		printf("  memory with %u calls up: signaling %.1f KiB a call (%llu MiB before), "
		       "media %.1f KiB a call (%llu MiB), failed %u%s%s\n",
		       MEMORY_CALLS, signaling, (unsigned long long)before.signaling >> 10, media,
		       (unsigned long long)before.media >> 10, r.failed, r.failed ? ": " : "",
		       r.why);
	fflush(stdout);
}

/* ---- arguments ---- */

static const char usage[] =
	"usage: calls [--json] [--quick] [--rate N] [--memory | --no-memory]\n"
	"             [--only postern|kamailio] [--seconds N] [--serve SECONDS] [--keep]\n"
	"             [--rounds N] [--against PROGRAM]\n"
	"       calls --overload [--rate PEAK] [--rounds N] [--json]\n"
	"       calls --mixed N [--rate N] [--seed N]\n";

static void
take_arguments(int argc, char **argv)
{
	static const struct option options[] = {{"json", no_argument, NULL, 'j'},
						{"quick", no_argument, NULL, 'q'},
						{"rate", required_argument, NULL, 'r'},
						{"memory", no_argument, NULL, 'm'},
						{"no-memory", no_argument, NULL, 'n'},
						{"only", required_argument, NULL, 'o'},
						{"seconds", required_argument, NULL, 's'},
						{"serve", required_argument, NULL, 'w'},
						{"keep", no_argument, NULL, 'k'},
						{"mixed", required_argument, NULL, 'x'},
						{"seed", required_argument, NULL, 'e'},
						{"rounds", required_argument, NULL, 'R'},
						{"overload", no_argument, NULL, 'O'},
						{"against", required_argument, NULL, 'a'},
						{0}};

	for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;)
		switch (o) {
		case 'j':
			BENCH_MUST(setenv("BENCH_JSON", "1", 1) == 0);
			break;
		case 'q':
			want.quick = true;
			want.seconds = 2;
			want.memory = false;
			break;
		case 'r':
			want.rate = words_number(optarg, 5000, usage);
			break;
		case 'm':
			want.memory = want.only_memory = true;
			break;
		case 'n':
			want.memory = false;
			break;
		case 'o':
			want.only = optarg;
			break;
		case 's':
			want.seconds = words_number(optarg, 600, usage);
			break;
		case 'w':
			want.serve_s = words_number(optarg, 3600, usage);
			break;
		case 'x':
			want.mixed = words_number(optarg, MIXED_CALLS_MAX, usage);
			break;
		case 'e':
			want.seed = words_number(optarg, UINT16_MAX, usage);
			break;
		case 'O':
			want.overload = true;
			want.only = "postern";
			break;
		case 'R':
			want.rounds = words_number(optarg, ROUNDS_MAX, usage);
			break;
		case 'a':
			want.against = optarg;
			break;
		case 'k':
			want.keep = true;
			break;
		default:
			words_usage(usage);
		}
	if (optind != argc || want.rounds < BENCH_ROUNDS_MIN)
		words_usage(usage);
}

/* ---- */

/* postern stands beside us in the build: BUILD/tests/bench-calls, BUILD/src/postern. */
static const char *
find_postern(void)
{
	static char path[512];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 32);

	BENCH_MUST(n > 0);
	path[n] = 0;
	BENCH_MUST(dirname(dirname(path)) == path);
	strcat(path, "/src/postern");
	return path;
}

static void
end_all(void)
{
	for (unsigned i = 0; i < SIDES; i++)
		place_stop(&sides[i].pid);
	load_free(&load);
	if (want.keep)
		fprintf(stderr, "bench calls: its files stay in %s\n", place.dir);
	else
		place_drop(&place);
}

static void
start_sides(const char *program)
{
	/* of 2,500 calls a second: what lingers for 64*T1 shall not be what is short */
	static const char fast_timers[] = "timers: {t1: 200ms}\n";
	static const char missing[] = "not asked for";

	memcpy(sides[0].why, missing, sizeof(missing));
	memcpy(sides[1].why, missing, sizeof(missing));
	sides[0].name = "postern";
	sides[1].name = "kamailio";
	if (!want.only || strcmp(want.only, "postern") == 0)
		if (!side_start_postern(&sides[0], &place, program, CALLS_LIMIT,
					want.overload ? fast_timers : ""))
			fprintf(stderr, "bench calls: postern: %s\n", sides[0].why);
	if (want.against) {
		if (!side_start_other(&sides[1], &place, want.against, CALLS_LIMIT))
			fprintf(stderr, "bench calls: %s: %s\n", want.against, sides[1].why);
	} else if (!want.only || strcmp(want.only, "kamailio") == 0) {
		if (!side_start_kamailio(&sides[1], &place))
			fprintf(stderr, "bench calls: kamailio: %s\n", sides[1].why);
	}
	for (unsigned i = 0; i < SIDES; i++)
		run_side(&sides[i], DELAY_RATE, WARM_CALLS, NULL);
}

static void
run_rates(void)
{
	const unsigned *rates = want.quick ? quick_rates : all_rates;
	unsigned n = want.quick ? sizeof(quick_rates) / sizeof(quick_rates[0])
				: sizeof(all_rates) / sizeof(all_rates[0]);

	for (unsigned i = 0; i < n && !want.rate; i++)
		run_rate(rates[i], want.rounds);
	if (want.rate)
		run_rate(want.rate, want.rounds);
}

int
main(int argc, char **argv)
{
	const char *program = find_postern();

	take_arguments(argc, argv);
	bench_begin("calls", argc, argv);
	(void)alarm(END_S);
	signal(SIGPIPE, SIG_IGN);
	place_make(&place);
	if (want.mixed) {
		bad = !mixed_run(&place, program, want.mixed, want.rate ? want.rate : MIXED_RATE,
				 want.seed);
		end_all();
		return bad;
	}
	load = load_new(&place);
	place.measures = true;
	cores_own(CORES_NEAR);
	start_sides(program);
	if (want.serve_s) {
		load_free(&load); /* the gateway's address is for another load now */
		fprintf(stderr, "bench calls: pid %d serves for %u s\n", (int)sides[0].pid,
			want.serve_s);
		sleep(want.serve_s);
	} else if (want.overload) {
		bad |= !overload_run(load, &sides[0], want.rate);
	} else {
		if (!want.only_memory)
			run_rates();
		if (want.memory && sides[0].pid)
			run_memory(program);
	}
	end_all();
	return bad;
}
