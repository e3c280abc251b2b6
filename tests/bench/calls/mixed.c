#include "calls/mixed.h"

#include <arpa/inet.h>
#include <dirent.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/mem.h"
#include "bench.h"
#include "calls/leg.h"
#include "calls/link.h"
#include "calls/side.h"
#include "sip/txn.h"

enum {
	NUMBER_BASE = 2000000,
	NUMBER_DIGITS = 7,
	IN_HAND = 32768, /* calls at a time, and those just ended */
	TIMERS = 8 * IN_HAND,
	LATE_MAX = 1024,  /* datagrams under way */
	TIMERS_MORE = 16, /* of connections that were made anew, and the like */
	LATE_TEXT = 4096,
	CALLS_LIMIT = 20000,
	/* faults, of 1,000 datagrams each way */
	LOST = 20,
	TWICE = 20,
	LATE = 50,
	LATE_US = 60 * 1000,
	CUT_EVERY = 1500, /* messages over TLS */
	RING_US = 300 * 1000,
	TALK_US = 600 * 1000,
	QUIET_US =
		60 * 1000 * 1000, /* what is not over so long after the last INVITE is left over */
	CONNECT_TRIES = 150,
	TELL_MAX = 8,
};

enum what { ANSWERS, BUSY, NOT_FOUND, RINGS_ON, RACES };

struct mixed_call {
	bool used, sure; /* postern certainly had it */
	uint32_t number;
	enum what what;
	bool by_caller, by_callee, caller_changes, callee_changes, forks, byes_late;
	struct leg leg[2]; /* caller, callee */
	struct timer act[2];
};

/* A datagram under way. */
struct late {
	bool used, in;
	uint64_t at;
	struct sockaddr_in other;
	size_t len;
	char bytes[LATE_TEXT];
};

static struct {
	struct link link;
	struct link_up up;
	struct leg_world w;
	struct side side;
	struct sockaddr_in postern; /* its carriers' socket */
	uint64_t random;
	unsigned n_begun, calls;
	long timers; /* before the first call */
	uint64_t lost, twice, late_n, cuts, messages, left;
	bool ok;
	uint8_t *sure, *cdrs; /* by number */
	struct late late[LATE_MAX];
	struct sip_msg m;
	struct mixed_call call[IN_HAND];
} x;

/* ---- chance ---- */

/* xorshift64*: the same calls and faults for the same seed, as far as time allows. */
static uint32_t
chance(uint32_t below)
{
	x.random ^= x.random >> 12;
	x.random ^= x.random << 25;
	x.random ^= x.random >> 27;
	return (uint32_t)(((x.random * UINT64_C(2685821657736338717)) >> 32) % below);
}

static void
say(const char *what, uint32_t number)
{
	static unsigned told;

	x.ok = false;
	if (told++ < TELL_MAX)
		fprintf(stderr, "mixed: call %u: %s\n", number, what);
}

/* ---- the wires ---- */

static void
put_late(bool in, const struct sockaddr_in *other, struct str bytes, uint64_t at)
{
	for (unsigned i = 0; i < LATE_MAX; i++) {
		struct late *l = &x.late[i];

		if (l->used || bytes.len > LATE_TEXT)
			continue;
		*l = (struct late){
			.used = true, .in = in, .at = at, .other = *other, .len = bytes.len};
		memcpy(l->bytes, bytes.p, bytes.len);
		return;
	}
	x.lost++;
}

/* How many copies of a datagram arrive now. */
static unsigned
rough(bool in, const struct sockaddr_in *other, struct str bytes)
{
	uint32_t c = chance(1000);

	if (c < LOST) {
		x.lost++;
		return 0;
	}
	if (c < LOST + TWICE) {
		x.twice++;
		return 2;
	}
	if (c < LOST + TWICE + LATE) {
		x.late_n++;
		put_late(in, other, bytes, x.w.now + chance(LATE_US));
		return 0;
	}
	return 1;
}

static void
all_down(unsigned conn)
{
	for (unsigned i = 0; i < IN_HAND; i++)
		for (unsigned k = 0; k < 2 && x.call[i].used; k++) {
			struct leg *l = &x.call[i].leg[k];

			if (l->pbx && (l->rq.on ? l->rq.conn : l->conn) == conn)
				leg_conn_down(l);
		}
}

static void
again_up(unsigned conn)
{
	bool up = false;

	for (int i = 0; i < CONNECT_TRIES && !up; i++)
		up = link_connect_one(&x.link, conn, x.side.tls_port);
	if (!up)
		say("postern takes no connection", conn);
}

static void
on_down(void *arg, unsigned conn)
{
	(void)arg;
	again_up(conn);
	all_down(conn);
}

/* A part of the message goes, then the connection is gone. */
static void
cut_conn(unsigned conn, struct str bytes)
{
	x.cuts++;
	link_cut(&x.link, conn, str_sub(bytes, 0, chance((uint32_t)bytes.len + 1)), chance(2));
	again_up(conn);
	all_down(conn);
}

static void
send_of(void *arg, struct leg *l, struct str bytes)
{
	(void)arg;
	if (!l->pbx) {
		for (unsigned n = rough(false, &x.postern, bytes); n > 0; n--)
			link_send_gateway(&x.link, &x.postern, bytes);
		return;
	}
	if (++x.messages % CUT_EVERY == 0)
		cut_conn(l->conn, bytes);
	else if (!link_send_pbx(&x.link, l->conn, bytes))
		on_down(NULL, l->conn);
}

/* ---- calls ---- */

static struct mixed_call *
call_of(uint32_t number)
{
	struct mixed_call *c = &x.call[number % IN_HAND];

	return c->used && c->number == number ? c : NULL;
}

/* By the tag that we gave; a first INVITE by the number in it. */
static struct leg *
find_leg(const struct sip_msg *m, bool pbx)
{
	struct str tag = m->request ? m->to_tag : m->from_tag;
	struct str user = pbx ? m->from.uri.user : m->uri.user;
	struct mixed_call *c = NULL;
	uint32_t number;
	char kind = 's';

	if (tag.len > 1) {
		kind = tag.p[0];
		tag = str_from_at(tag, 1);
	} else if (m->request && user.len >= NUMBER_DIGITS) {
		tag = str_from_at(user, user.len - NUMBER_DIGITS);
	}
	if (str_u32(tag, UINT32_MAX, &number) != ERR_OK)
		return NULL;
	if (!(m->request ? m->to_tag : m->from_tag).len)
		number -= NUMBER_BASE;
	c = call_of(number);
	if (!c || c->leg[kind != 'c'].pbx != pbx)
		return NULL;
	c->sure = true;
	return &c->leg[kind != 'c'];
}

static void
act_in(struct mixed_call *c, unsigned who, uint64_t us)
{
	BENCH_MUST(timer_set(&x.w.timers, &c->act[who], x.w.now + us) == ERR_OK);
}

/* A callee decides; whoever talks changes something once, then ends it, but nobody while an answer
 * of its own waits for its ACK (RFC 3261 14.1, 15). */
static void
act_due(struct mixed_call *c, unsigned who)
{
	struct leg *l = &c->leg[who];
	bool *changes = who ? &c->callee_changes : &c->caller_changes;

	if (l->state == LEG_RINGING) {
		leg_answer(l, c->what == BUSY ? 486 : c->what == NOT_FOUND ? 404 : 200);
	} else if (l->state == LEG_CALLING) {
		leg_cancel(l);
	} else if (l->state == LEG_TALKS && l->answer) {
		act_in(c, who, LEG_T1_US);
	} else if (l->state == LEG_TALKS && *changes) {
		*changes = false;
		leg_reinvite(l);
		act_in(c, who, chance(TALK_US));
	} else if (l->state == LEG_TALKS) {
		leg_bye(l, false);
	} else if (l->state == LEG_ENDED && c->byes_late && who == 0) {
		c->byes_late = false;
		leg_bye(l, true);
	}
}

static void
caller_due(struct timer *t, uint64_t now)
{
	(void)now;
	act_due(CONTAINER_OF(t, struct mixed_call, act[0]), 0);
}

static void
callee_due(struct timer *t, uint64_t now)
{
	(void)now;
	act_due(CONTAINER_OF(t, struct mixed_call, act[1]), 1);
}

static void
leg_talks(void *arg, struct leg *l)
{
	struct mixed_call *c = call_of(l->number);
	bool ends = l->caller ? c->by_caller : c->by_callee;
	bool changes = l->caller ? c->caller_changes : c->callee_changes;

	(void)arg;
	if (ends || changes)
		act_in(c, !l->caller, TALK_US / 4 + chance(TALK_US));
}

static void
leg_over(void *arg, struct leg *l)
{
	struct mixed_call *c = call_of(l->number);

	(void)arg;
	if (l->caller && c->byes_late && l->target[0] && c->what == ANSWERS)
		act_in(c, 0, chance(TALK_US));
}

static void
plan_call(struct mixed_call *c)
{
	uint32_t r = chance(100);

	c->what = r < 72 ? ANSWERS : r < 79 ? BUSY : r < 82 ? NOT_FOUND : r < 94 ? RINGS_ON : RACES;
	r = chance(10);
	c->by_caller = r < 5 || r == 9;
	c->by_callee = r >= 5;
	c->caller_changes = chance(5) == 0;
	c->callee_changes = chance(8) == 0;
	c->forks = chance(12) == 0;
	c->byes_late = chance(20) == 0;
}

/* Nothing of the call before in this place may be left. */
static void
clear_call(struct mixed_call *c)
{
	if (!c->used)
		return;
	for (unsigned k = 0; k < 2; k++) {
		struct leg *l = &c->leg[k];

		if (l->state != LEG_NONE && l->state != LEG_ENDED) {
			x.left++;
			fprintf(stderr,
				"mixed: call %u: %s, what %d, ends %d%d, states %d, %d, asks %d%d, "
				"cancelled %d, waits for ACK %d%d\n",
				c->number, c->leg[0].pbx ? "out" : "in", (int)c->what, c->by_caller,
				c->by_callee, (int)c->leg[0].state, (int)c->leg[1].state,
				c->leg[0].rq.on, c->leg[1].rq.on, c->leg[0].cancelled,
				c->leg[0].answer != NULL, c->leg[1].answer != NULL);
			say(k ? "the callee's leg was left over" : "the caller's leg was left over",
			    c->number);
		}
		x.sure[c->number] =
			c->sure && !c->leg[0].shed; /* what overload refuses has no CDR */
		timer_stop(&x.w.timers, &c->act[k]);
		leg_fini(l);
	}
	memset(c, 0, sizeof(*c));
}

static void
begin_call(uint32_t number)
{
	struct mixed_call *c = &x.call[number % IN_HAND];
	bool out = chance(2);
	char called[96], self[96];

	clear_call(c);
	c->used = true;
	c->number = number;
	plan_call(c);
	for (unsigned k = 0; k < 2; k++)
		c->leg[k] = (struct leg){.w = &x.w,
					 .pbx = (k == 0) == out,
					 .caller = k == 0,
					 .number = number,
					 .conn = chance(LOAD_CONNS)};
	c->act[0].on_due = caller_due;
	c->act[1].on_due = callee_due;
	(void)snprintf(called, sizeof(called), "sip:+1555%07u@" PLACE_CUSTOMER_SIDE ":5061",
		       number + NUMBER_BASE);
	(void)snprintf(self, sizeof(self), "sip:" PLACE_NUMBER "@pbx.example.test");
	if (!out) {
		(void)snprintf(called, sizeof(called),
			       "sip:" PLACE_NUMBER "@" PLACE_CARRIER_SIDE ":5060");
		(void)snprintf(self, sizeof(self), "sip:+1555%07u@" PLACE_GATEWAY,
			       number + NUMBER_BASE);
	}
	leg_call(&c->leg[0], called, self);
	if (c->what == RINGS_ON || c->what == RACES)
		act_in(c, 0, RING_US / 2 + (c->what == RACES ? 0 : chance(RING_US)));
}

static void
take(const struct sip_msg *m, bool pbx, unsigned conn)
{
	struct leg *l = find_leg(m, pbx);
	struct mixed_call *c = l ? call_of(l->number) : NULL;

	if (!l)
		return;
	l->conn = conn;
	if (!m->request || m->method != SIP_INVITE || l->caller || m->to_tag.len) {
		if (l->state != LEG_NONE)
			leg_take(l, m);
		return;
	}
	if (l->state != LEG_NONE) { /* the first INVITE again */
		x.w.again++;
		leg_invited_again(l, m);
		return;
	}
	leg_invited(l, m, c->forks && !pbx);
	if (c->what == RACES)
		act_in(c, 1, RING_US / 2 + LATE_US / 2 - chance(LATE_US));
	else if (c->what != RINGS_ON)
		act_in(c, 1, chance(RING_US));
}

static void
take_pbx(void *arg, unsigned conn, struct str bytes)
{
	(void)arg;
	x.w.now = clock_now_us();
	if (sip_msg_parse(bytes, &x.m) == ERR_OK)
		take(&x.m, true, conn);
	else
		say("postern sent what cannot be read", 0);
}

static void
take_datagram(struct str bytes)
{
	if (sip_msg_parse(bytes, &x.m) == ERR_OK)
		take(&x.m, false, 0);
	else
		say("postern sent what cannot be read", 0);
}

static void
take_gateway(void *arg, const struct sockaddr_in *from, struct str bytes)
{
	(void)arg;
	x.w.now = clock_now_us();
	for (unsigned n = rough(true, from, bytes); n > 0; n--)
		take_datagram(bytes);
}

/* ---- the run ---- */

static void
run_late(void)
{
	for (unsigned i = 0; i < LATE_MAX; i++) {
		struct late *l = &x.late[i];

		if (!l->used || l->at > x.w.now)
			continue;
		if (l->in)
			take_datagram(str_of(l->bytes, l->len));
		else
			link_send_gateway(&x.link, &l->other, str_of(l->bytes, l->len));
		l->used = false; /* not before: an answer may be late, too */
	}
}

static bool
all_over(void)
{
	for (unsigned i = 0; i < IN_HAND; i++)
		for (unsigned k = 0; k < 2 && x.call[i].used; k++) {
			const struct leg *l = &x.call[i].leg[k];

			if ((l->state != LEG_NONE && l->state != LEG_ENDED) || l->rq.on)
				return false;
		}
	return true;
}

static void
step(void)
{
	x.w.now = clock_now_us();
	timers_run(&x.w.timers, x.w.now);
	run_late();
	link_wait(&x.link, 0.001, &x.up);
}

static void
run_calls(unsigned rate)
{
	uint64_t begin = clock_now_us(), last, tell = 0;

	while (x.n_begun < x.calls) {
		while (x.n_begun < x.calls &&
		       clock_now_us() >= begin + (uint64_t)x.n_begun * 1000000 / rate) {
			x.w.now = clock_now_us();
			begin_call(x.n_begun++);
		}
		step();
	}
	last = clock_now_us();
	while (clock_now_us() < last + QUIET_US) {
		step();
		if (clock_now_us() < tell)
			continue;
		if (all_over())
			return;
		tell = clock_now_us() + 100 * 1000;
	}
}

/* ---- what is left ---- */

static unsigned
count_fds(const char *role)
{
	char path[64];
	unsigned n = 0;
	DIR *d;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)place_role(x.side.pid, role));
	d = opendir(path);
	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n;
}

/* A figure of `postern stats`, -1 where it is not there. */
static long
ask_stat(const struct place *p, const char *program, const char *name)
{
	static char text[65536];
	char want[64], *at;

	(void)remove(place_path(p, "stats.log"));
	(void)place_run(p, "stats",
			(char *[]){(char *)(uintptr_t)program, (char *)"stats", (char *)"-c",
				   (char *)(uintptr_t)place_path(p, "postern.yaml"),
				   (char *)"--json", NULL});
	{
		FILE *f = fopen(place_path(p, "stats.log"), "re");
		size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;

		text[n] = 0;
		if (f)
			(void)fclose(f);
	}
	(void)snprintf(want, sizeof(want), "\"%s\":", name);
	at = strstr(text, want);
	return at ? strtol(at + strlen(want), NULL, 10) : -1;
}

static void
count_cdr(const char *line)
{
	static const char *const keys[] = {"\"to_received\":\"+1555", "\"from_received\":\"+1555"};

	for (unsigned i = 0; i < 2; i++) {
		const char *at = strstr(line, keys[i]);
		unsigned long number;

		if (!at)
			continue;
		number = strtoul(at + strlen(keys[i]), NULL, 10);
		if (number < NUMBER_BASE || number >= NUMBER_BASE + x.n_begun)
			continue; /* the PBX's own */
		if (x.cdrs[number - NUMBER_BASE] < 2)
			x.cdrs[number - NUMBER_BASE]++;
	}
}

static unsigned
check_cdrs(const struct place *p)
{
	FILE *f = fopen(place_path(p, "cdr.jsonl"), "re");
	static char line[65536];
	unsigned n = 0;

	while (f && fgets(line, sizeof(line), f)) {
		n++;
		count_cdr(line);
	}
	if (f)
		(void)fclose(f);
	for (unsigned i = 0; i < x.n_begun; i++) {
		if (x.cdrs[i] > 1)
			say("two CDRs", i);
		if (x.sure[i] && !x.cdrs[i])
			say("no CDR", i);
	}
	return n;
}

static void
put_result(const struct place *p, const char *program, unsigned fds, unsigned cdrs)
{
	long calls = ask_stat(p, program, "calls"), ports = ask_stat(p, program, "ports_used");
	long txns = ask_stat(p, program, "transactions"), timers = ask_stat(p, program, "timers");
	unsigned fds_now = count_fds("signaling");
	const struct leg_world *w = &x.w;

	if (calls != 0 || ports != 0 || fds_now != fds)
		say("calls, ports or descriptors are left over", (uint32_t)calls);
	if (txns != 0 || timers < 0 || timers > x.timers + TIMERS_MORE)
		say("transactions or timers are left over", (uint32_t)txns);
	printf("{\"bench\":\"mixed\",\"calls\":%u,\"answered\":%llu,\"refused\":%llu,\"shed\":%llu,"
	       "\"cancelled\":%llu,\"timed_out\":%llu,\"reinvites\":%llu,\"glare\":%llu,"
	       "\"late_byes\":%llu,\"stray_2xx\":%llu,\"lost\":%llu,\"twice\":%llu,\"late\":%llu,"
	       "\"cuts\":%llu,\"legs_left\":%llu,\"cdrs\":%u,\"calls_left\":%ld,"
	       "\"ports_left\":%ld,\"transactions_left\":%ld,\"timers\":[%ld,%ld],"
	       "\"descriptors\":[%u,%u],\"signaling_kib\":%llu,"
	       "\"media_kib\":%llu,\"ok\":%s}\n",
	       x.n_begun, (unsigned long long)w->answered, (unsigned long long)w->refused,
	       (unsigned long long)w->shed, (unsigned long long)w->cancelled,
	       (unsigned long long)w->timed_out, (unsigned long long)w->reinvites,
	       (unsigned long long)w->glare, (unsigned long long)w->late_byes,
	       (unsigned long long)w->stray, (unsigned long long)x.lost,
	       (unsigned long long)x.twice, (unsigned long long)x.late_n,
	       (unsigned long long)x.cuts, (unsigned long long)x.left, cdrs, calls, ports, txns,
	       x.timers, timers, fds, fds_now,
	       (unsigned long long)place_rss_kib(place_role(x.side.pid, "signaling")),
	       (unsigned long long)place_rss_kib(place_role(x.side.pid, "media")),
	       x.ok ? "true" : "false");
}

/* Until nothing of a call is left, or too long: an INVITE whose 487 went into a connection that was
 * cut is waited for as long as any. */
static void
wait_idle(const struct place *p, const char *program)
{
	const uint64_t until = clock_now_us() + 3 * LEG_LIFE_US + TXN_D_MIN_US;

	while (clock_now_us() < until) {
		for (int k = 0; k < 250; k++)
			step(); /* the ends go on answering */
		if (ask_stat(p, program, "calls") == 0 && ask_stat(p, program, "ports_used") == 0 &&
		    ask_stat(p, program, "transactions") == 0)
			return;
	}
}

static bool
begin(const struct place *p, const char *program)
{
	bool up = false;

	if (!side_start_postern(&x.side, p, program, CALLS_LIMIT,
				"timers: {t1: 100ms, t2: 800ms, t4: 1s}\n")) {
		fprintf(stderr, "mixed: %s\n", x.side.why);
		return false;
	}
	for (int i = 0; i < CONNECT_TRIES && !up; i++) {
		up = link_connect(&x.link, x.side.tls_port);
		if (!up)
			usleep(100 * 1000);
	}
	return up;
}

bool
mixed_run(const struct place *p, const char *program, unsigned calls, unsigned rate, unsigned seed)
{
	unsigned fds, cdrs;

	x.calls = calls;
	x.random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	x.ok = true;
	x.sure = mem_zalloc(calls, 1);
	x.cdrs = mem_zalloc(calls, 1);
	x.w.on_send = send_of;
	x.w.on_talks = leg_talks;
	x.w.on_ended = leg_over;
	x.up = (struct link_up){.on_pbx = take_pbx, .on_gateway = take_gateway, .on_down = on_down};
	x.postern = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(SIDE_OUR_UDP)};
	BENCH_MUST(x.sure && x.cdrs && timers_init(&x.w.timers, TIMERS) == ERR_OK);
	BENCH_MUST(inet_pton(AF_INET, PLACE_CARRIER_SIDE, &x.postern.sin_addr) == 1);
	link_init(&x.link, p);
	if (!begin(p, program))
		return false;
	fds = count_fds("signaling");
	x.timers = ask_stat(p, program, "timers");
	run_calls(rate);
	wait_idle(p, program);
	for (unsigned i = 0; i < IN_HAND; i++)
		clear_call(&x.call[i]);
	cdrs = check_cdrs(p);
	put_result(p, program, fds, cdrs);
	place_stop(&x.side.pid);
	link_fini(&x.link);
	timers_fini(&x.w.timers);
	MEM_FREE(x.sure);
	MEM_FREE(x.cdrs);
	return x.ok;
}
