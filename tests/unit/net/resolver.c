#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "dnsmsg.h"
#include "net/resolver.h"
#include "net/stream.h"
#include "net/udp.h"

/* Where a try must time out the resolver is hasty. Everywhere else it is patient, and the tests
 * wait for what happens, never for a time: a busy machine changes nothing. */
enum { TRY_MS = 150, PATIENT_MS = 600 * 1000 };

/* A DNS server of our own on the same loop, with a mode for each way to fail. */

enum mode {
	ANSWER,
	SILENCE,
	SERVFAIL,
	REFUSED,
	GARBAGE,
	WRONG_ID,
	WRONG_QUESTION,
	FORGED_ID, /* a wrong reply, then the right one */
	FORGED_QUESTION,
	NXDOMAIN,
	CUT, /* over UDP; the whole over TCP */
	ZERO_TTL,
	SHORT_TTL,
	CIRCLE,
	LATE,
	FULL_TCP,
	POINTERS,
	ALIASES,
	NO_DATA
};

struct server {
	struct udp udp;
	struct tcp_listener door;
	struct stream_pool pool;
	struct stream *tcp;
	enum mode mode;
	int asked, asked_tcp;
	struct addr late_from;
	struct msg late;
};

static struct loop loop;
static struct server server;
static struct resolver *r;

struct asker {
	struct resolver_query *q;
	int told;
	struct dns_answer got;
	bool again;            /* asks the same once more from inside */
	struct asker *cancels; /* and cancels another */
};

static void ask(struct asker *a, const char *name, enum dns_type type);

static void
on_answer(void *arg, const struct dns_answer *answer)
{
	struct asker *a = arg;

	a->told++;
	a->q = NULL;
	a->got = *answer;
	if (a->again) {
		a->again = false;
		ask(a, "again.example.com", DNS_A);
	}
	if (a->cancels)
		resolver_cancel(r, &a->cancels->q);
}

static void
ask(struct asker *a, const char *name, enum dns_type type)
{
	assert_int_equal(resolver_ask(r, str_from(name), type, on_answer, a, &a->q), ERR_OK);
}

/* The reply to a query in the mode set; false: none. */
static bool
make_reply(struct str query, bool tcp, struct msg *m)
{
	const uint8_t *q = (const uint8_t *)query.p;
	size_t end = 12;
	uint32_t ttl = server.mode == ZERO_TTL ? 0 : server.mode == SHORT_TTL ? 1 : 60;
	unsigned type;

	while (end < query.len && q[end])
		end += 1U + q[end];
	end += 5; /* the root, type, class; an OPT record may follow */
	type = q[end - 3];
	memcpy(m->p, q, end);
	m->len = end;
	m->p[2] = 0x81;
	m->p[3] = 0x80;
	memset(m->p + 6, 0, 6);
	switch (server.mode) {
	case SILENCE:
		return false;
	case SERVFAIL:
		m->p[3] |= 2;
		return true;
	case REFUSED:
		m->p[3] |= 5;
		return true;
	case NXDOMAIN:
		m->p[3] |= 3;
		return true;
	case NO_DATA:
		return true;
	case GARBAGE:
		memset(m->p + 4, 0xff, m->len - 4);
		return true;
	case WRONG_ID:
	case FORGED_ID:
		m->p[0] ^= 0x55;
		break;
	case WRONG_QUESTION:
	case FORGED_QUESTION:
		m->p[13] ^= 1;
		break;
	case CUT:
		if (!tcp) {
			m->p[2] |= 2;
			return true;
		}
		break;
	case CIRCLE:
		msg_cname(m, "@", 60, "@");
		return true;
	case FULL_TCP: /* 64 kB of it, over TCP */
		if (!tcp) {
			m->p[2] |= 2;
			return true;
		}
		while (m->len + 200 < 65535)
			msg_srv(m, "@", ttl, 10, 1, 5061, "sip.example.com");
		return true;
	case POINTERS: /* each name a pointer to the one before, the last one in a circle */
		for (int i = 0; i < 90; i++) {
			msg_bump(m, 6);
			msg_u16(m, 0xc000 | (i ? (unsigned)m->len - 12 : (unsigned)m->len));
			msg_u16(m, type);
			msg_u16(m, 1);
			msg_u32(m, 60);
			msg_u16(m, 0);
		}
		return true;
	case ALIASES: /* a chain of aliases as long as the reply can be, which comes back */
		for (int i = 0; i < 20; i++) {
			char from[40], to[40];

			(void)snprintf(from, sizeof(from), "a%d.example.com", i);
			(void)snprintf(to, sizeof(to), "a%d.example.com", i + 1);
			msg_cname(m, i ? from : "@", 60, i == 19 ? "a1.example.com" : to);
		}
		return true;
	case ANSWER:
	case ZERO_TTL:
	case SHORT_TTL:
	case LATE:
		break;
	}
	if (type == DNS_SRV)
		for (int i = 0; i < (server.mode == CUT ? 500 : 2); i++)
			msg_srv(m, "@", ttl, 10, 1, 5061, "sip.example.com");
	else
		msg_a(m, "@", ttl, 0xc0000201);
	return true;
}

static void
on_query(void *arg, const struct addr *from, const struct addr *to, struct str bytes)
{
	static struct msg m;
	enum mode mode = server.mode;

	(void)arg, (void)to;
	server.asked++;
	if (!make_reply(bytes, false, &m))
		return;
	if (mode == FORGED_ID || mode == FORGED_QUESTION) {
		m.p[m.len - 1] ^= 0x80; /* another address */
		assert_int_equal(udp_send(&server.udp, NULL, from, msg_str(&m)), ERR_OK);
		server.mode = ANSWER;
		assert_true(make_reply(bytes, false, &m));
		server.mode = mode;
	}
	if (server.mode == LATE) {
		server.late = m;
		server.late_from = *from;
		return;
	}
	assert_int_equal(udp_send(&server.udp, NULL, from, msg_str(&m)), ERR_OK);
}

static void
on_tcp_query(void *arg, struct str bytes)
{
	static struct msg m;
	char len[2];

	(void)arg;
	server.asked_tcp++;
	if (bytes.len < 14 || !make_reply(str_from_at(bytes, 2), true, &m))
		return;
	len[0] = (char)(m.len >> 8);
	len[1] = (char)m.len;
	assert_int_equal(stream_send(server.tcp, str_of(len, 2)), ERR_OK);
	assert_int_equal(stream_send(server.tcp, msg_str(&m)), ERR_OK);
}

static void
on_tcp_end(void *arg, enum stream_end why, int error)
{
	(void)arg, (void)why, (void)error;
	server.tcp = NULL;
}

static enum tcp_more
on_door(void *arg, int fd, const struct addr *peer, const struct addr *local)
{
	static const struct stream_calls calls = {.on_data = on_tcp_query, .on_close = on_tcp_end};

	(void)arg, (void)peer, (void)local;
	assert_int_equal(stream_adopt(&server.pool, fd, &calls, NULL, &server.tcp), ERR_OK);
	return TCP_ACCEPT_MORE;
}

/* A port that is free for UDP and for TCP: the kernel chooses the one, somebody may have the other.
 */
static bool
bind_both(int *tcp)
{
	struct udp_opts o = {.local = {.ip = {127, 0, 0, 1}, .family = 4}};

	for (int i = 0; i < 20; i++) {
		int udp;

		if (udp_bind(&o, &udp) != ERR_OK)
			return false;
		if (udp_adopt(&server.udp, &loop, udp, on_query, NULL) != ERR_OK) {
			close(udp);
			return false;
		}
		if (tcp_listen(&server.udp.local, NULL, tcp) == ERR_OK)
			return true;
		udp_fini(&server.udp);
	}
	return false;
}

static int
setup_with(int try_ms)
{
	int fd;

	memset(&server, 0, sizeof(server));
	if (loop_init(&loop, 64, 64) != ERR_OK || !bind_both(&fd))
		return -1;
	server.door.on_accept = on_door;
	if (tcp_listener_init(&server.door, &loop, fd) != ERR_OK ||
	    stream_pool_init(&server.pool, &loop, NULL, 4, 16) != ERR_OK)
		return -1;
	return resolver_new_hasty(&loop, &server.udp.local, 1, try_ms, &r) == ERR_OK ? 0 : -1;
}

static int
setup(void **state)
{
	(void)state;
	return setup_with(PATIENT_MS);
}

static int
setup_hasty(void **state)
{
	(void)state;
	return setup_with(TRY_MS);
}

static int
teardown(void **state)
{
	(void)state;
	resolver_free(&r);
	stream_pool_fini(&server.pool);
	tcp_listener_fini(&server.door);
	udp_fini(&server.udp);
	loop_fini(&loop);
	return 0;
}

/* What is on its way over loopback is there: all of it is read. */
static void
settle(void)
{
	for (int i = 0; i < 5; i++)
		assert_int_equal(loop_run_once(&loop, 0), ERR_OK);
}

static void
wait_for(const int *count, int n)
{
	uint64_t start = loop_now(&loop);

	while (*count < n && loop_now(&loop) - start < 60 * CLOCK_S)
		assert_int_equal(loop_run_once(&loop, 1), ERR_OK);
	assert_int_equal(*count, n);
}

static void
wait_told(struct asker *a, int n)
{
	wait_for(&a->told, n);
}

/* The reply held back; once the next question has its answer, this one was read before it. */
static void
send_late(const char *marker)
{
	struct asker a = {.told = 0};

	assert_int_equal(udp_send(&server.udp, NULL, &server.late_from, msg_str(&server.late)),
			 ERR_OK);
	server.mode = ANSWER;
	ask(&a, marker, DNS_A);
	wait_told(&a, 1);
}

static void
asks_and_keeps(void **state)
{
	struct asker a = {.told = 0}, b = {.told = 0}, c = {.told = 0};

	(void)state;
	ask(&a, "pbx.example.com", DNS_A);
	assert_int_equal(a.told, 0); /* never from inside */
	ask(&b, "PBX.example.com.", DNS_A);
	wait_told(&a, 1);
	wait_told(&b, 1);
	assert_int_equal(server.asked, 1); /* joined */
	assert_int_equal(a.got.status, DNS_OK);
	assert_int_equal(a.got.n, 1);
	ask(&c, "pbx.example.com", DNS_A);
	assert_int_equal(c.told, 0);
	wait_told(&c, 1);
	assert_int_equal(server.asked, 1); /* kept */
	assert_int_equal(resolver_count(r)->hits, 1);
	ask(&c, "pbx.example.com", DNS_SRV); /* another type is another question */
	wait_told(&c, 2);
	assert_int_equal(server.asked, 2);
	assert_int_equal(c.got.n, 2);
}

static void
lifetimes(void **state)
{
	struct asker a = {.told = 0};

	(void)state;
	server.mode = ZERO_TTL; /* used once, not kept */
	ask(&a, "zero.example.com", DNS_A);
	wait_told(&a, 1);
	assert_int_equal(a.got.n, 1);
	ask(&a, "zero.example.com", DNS_A);
	wait_told(&a, 2);
	assert_int_equal(server.asked, 2);
	server.mode = SHORT_TTL;
	ask(&a, "short.example.com", DNS_A);
	wait_told(&a, 3);
	usleep(1100000);
	settle();
	ask(&a, "short.example.com", DNS_A);
	wait_told(&a, 4);
	assert_int_equal(server.asked, 4);
	assert_false(a.got.stale);
}

static void
absence_is_kept(void **state)
{
	struct asker a = {.told = 0};

	(void)state;
	server.mode = NXDOMAIN;
	ask(&a, "no.example.com", DNS_A);
	wait_told(&a, 1);
	assert_int_equal(a.got.status, DNS_NXDOMAIN);
	server.mode = NO_DATA;
	ask(&a, "nodata.example.com", DNS_A);
	wait_told(&a, 2);
	assert_int_equal(a.got.status, DNS_NODATA);
	server.mode = ANSWER;
	ask(&a, "no.example.com", DNS_A);
	wait_told(&a, 3);
	assert_int_equal(a.got.status, DNS_NXDOMAIN);
	assert_int_equal(server.asked, 2);
}

/* An answer that expires at once, however often a hasty resolver must ask for it. */
static void
fill(struct asker *a, const char *name)
{
	server.mode = ZERO_TTL;
	for (int i = 1; i < 100 && a->got.status != DNS_OK; i++) {
		ask(a, name, DNS_A);
		wait_told(a, i);
	}
}

/* Servers fail after the answer has expired: the old one is used, at once the second time (R16). */
static void
stale_while_failing(void **state)
{
	static const enum mode modes[] = {SERVFAIL, GARBAGE, CIRCLE};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		struct asker a = {.got.status = DNS_FAILED};
		char name[32];
		int before;

		snprintf(name, sizeof(name), "stale%zu.example.com", i);
		fill(&a, name);
		a.told = 0;
		server.mode = modes[i];
		ask(&a, name, DNS_A);
		wait_told(&a, 1);
		assert_int_equal(a.got.status, DNS_OK);
		assert_true(a.got.stale);
		settle();
		before = server.asked;
		ask(&a, name, DNS_A);
		wait_told(&a, 2);
		assert_true(a.got.stale);
		assert_int_equal(server.asked, before);
	}
}

static void
nothing_usable(void **state)
{
	static const enum mode modes[] = {SERVFAIL, GARBAGE, CIRCLE};
	struct asker a = {.told = 0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		server.mode = modes[i];
		ask(&a, "fail.example.com", DNS_A);
		wait_told(&a, (int)i + 1);
		assert_int_equal(a.got.status, DNS_FAILED);
		assert_int_equal(a.got.n, 0);
	}
}

/* Replies that are not to our question are not believed; the right one behind them is. */
static void
forged_replies(void **state)
{
	static const enum mode modes[] = {FORGED_ID, FORGED_QUESTION};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		struct asker a = {.told = 0};
		char name[32];

		snprintf(name, sizeof(name), "forged%zu.example.com", i);
		server.mode = modes[i];
		ask(&a, name, DNS_A);
		wait_told(&a, 1);
		assert_int_equal(a.got.status, DNS_OK);
		assert_int_equal(a.got.n, 1);
		assert_int_equal(a.got.rec[0].addr.ip[3], 1);
		assert_int_equal(server.asked, i + 1);
	}
}

static void
silence(void **state)
{
	struct asker a = {.told = 0};

	(void)state;
	server.mode = SILENCE;
	ask(&a, "silent.example.com", DNS_A);
	wait_told(&a, 1);
	assert_int_equal(a.got.status, DNS_FAILED);
	assert_true(server.asked >= 2);
}

static void
cut_then_tcp(void **state)
{
	struct asker a = {.told = 0};

	(void)state;
	server.mode = CUT;
	ask(&a, "_sips._tcp.example.com", DNS_SRV);
	wait_told(&a, 1);
	assert_int_equal(a.got.status, DNS_OK);
	assert_int_equal(a.got.n, DNS_RECORDS_MAX);
	assert_true(a.got.cut);
	assert_int_equal(server.asked_tcp, 1);
}

static void
cancelling(void **state)
{
	struct asker a = {.told = 0}, b = {.told = 0}, c = {.told = 0};

	(void)state;
	ask(&a, "cancel.example.com", DNS_A);
	resolver_cancel(r, &a.q); /* before it was sent */
	assert_null(a.q);
	resolver_cancel(r, &a.q); /* twice is fine */
	settle();
	assert_int_equal(server.asked, 0);
	server.mode = LATE;
	ask(&a, "cancel.example.com", DNS_A);
	ask(&b, "cancel.example.com", DNS_A);
	wait_for(&server.asked, 1);
	settle();
	assert_int_equal(server.asked, 1);
	resolver_cancel(r, &a.q);
	send_late("marker1.example.com");
	wait_told(&b, 1);
	assert_int_equal(a.told, 0);
	/* the late answer after the last cancel is kept all the same */
	server.mode = LATE;
	ask(&a, "late.example.com", DNS_A);
	wait_for(&server.asked, 3);
	resolver_cancel(r, &a.q);
	send_late("marker2.example.com");
	assert_int_equal(a.told, 0);
	server.mode = SILENCE;
	ask(&c, "late.example.com", DNS_A);
	wait_told(&c, 1);
	assert_int_equal(c.got.status, DNS_OK);
	assert_int_equal(server.asked, 4);
	/* one asker cancels the next, both already to be told */
	ask(&a, "late.example.com", DNS_A);
	ask(&b, "late.example.com", DNS_A);
	a.cancels = &b;
	wait_told(&a, 1);
	settle();
	assert_int_equal(b.told, 1);
}

static void
ask_from_answer(void **state)
{
	struct asker a = {.told = 0, .again = true};

	(void)state;
	ask(&a, "first.example.com", DNS_A);
	wait_told(&a, 2);
	assert_int_equal(server.asked, 2);
}

static void
bounds(void **state)
{
	static struct asker many[RESOLVER_QUERIES_MAX];
	struct asker a = {.told = 0};
	struct resolver_query *q;
	char name[40];

	(void)state;
	assert_int_equal(resolver_ask(r, STR("a b"), DNS_A, on_answer, &a, &q), ERR_RANGE);
	assert_int_equal(resolver_ask(r, STR(""), DNS_A, on_answer, &a, &q), ERR_RANGE);
	assert_int_equal(resolver_ask(r, STR("192.0.2.1"), DNS_A, on_answer, &a, &q), ERR_RANGE);
	server.mode = SILENCE;
	for (int i = 0; i < RESOLVER_QUERIES_MAX; i++) {
		many[i] = (struct asker){.told = 0};
		snprintf(name, sizeof(name), "n%d.example.com", i % 300);
		ask(&many[i], name, DNS_A);
	}
	assert_int_equal(resolver_ask(r, STR("x.example"), DNS_A, on_answer, &a, &q), ERR_NOMEM);
	wait_for(&many[299].told, 1);
	/* of 300 questions 256 may be under way; the others are told so */
	assert_int_equal(many[0].told, 0);
	assert_int_equal(many[299].got.status, DNS_FAILED);
	assert_int_equal(resolver_count(r)->sent, RESOLVER_ASKED_MAX);
}

/* More names than the cache holds: the oldest go, nothing grows. */
static void
cache_is_bounded(void **state)
{
	struct asker a = {.told = 0};
	char name[40];

	(void)state;
	for (int i = 0; i < RESOLVER_CACHE_MAX + 50; i++) {
		snprintf(name, sizeof(name), "c%d.example.com", i);
		ask(&a, name, DNS_A);
		wait_told(&a, i + 1);
	}
	server.asked = 0;
	ask(&a, "c561.example.com", DNS_A);
	wait_told(&a, RESOLVER_CACHE_MAX + 51);
	assert_int_equal(server.asked, 0);
	ask(&a, "c0.example.com", DNS_A);
	wait_told(&a, RESOLVER_CACHE_MAX + 52);
	assert_int_equal(server.asked, 1);
}

/* ---- P10: all of it by a hostile server; the loop goes on ---- */

static uint64_t
cpu_us(void)
{
	struct timespec t;

	assert_int_equal(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t), 0);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* Runs until the asker is told. Returns the longest iteration: CPU time, as the machine is shared;
 * none may sleep, as each is told not to wait. */
static uint64_t
run_watched(struct asker *a)
{
	uint64_t longest = 0, start = loop_now(&loop);
	struct rusage before, after;

	while (a->told == 0 && loop_now(&loop) - start < 60 * CLOCK_S) {
		uint64_t began = cpu_us();

		assert_int_equal(getrusage(RUSAGE_THREAD, &before), 0);
		assert_int_equal(loop_run_once(&loop, 0), ERR_OK);
		assert_int_equal(getrusage(RUSAGE_THREAD, &after), 0);
		assert_int_equal(after.ru_nvcsw, before.ru_nvcsw);
		began = cpu_us() - began;
		longest = began > longest ? began : longest;
	}
	assert_int_equal(a->told, 1);
	return longest;
}

static void
p10_hostile_servers(void **state)
{
	static const struct {
		const char *name;
		enum mode mode;
		enum dns_status want;
		uint16_t n;
		bool hasty; /* it ends with a time-out */
	} rows[] = {
		{"500 SRV", CUT, DNS_OK, DNS_RECORDS_MAX, false},
		{"64 kB over TCP", FULL_TCP, DNS_FAILED, 0, false},
		{"pointers in circles", POINTERS, DNS_NODATA, 0, false},
		{"an alias to itself", CIRCLE, DNS_FAILED, 0, false},
		{"aliases without end", ALIASES, DNS_FAILED, 0, false},
		{"SERVFAIL", SERVFAIL, DNS_FAILED, 0, false},
		{"garbage", GARBAGE, DNS_FAILED, 0, true},
		{"another id", WRONG_ID, DNS_FAILED, 0, true},
		{"another question", WRONG_QUESTION, DNS_FAILED, 0, true},
		{"silence", SILENCE, DNS_FAILED, 0, true},
	};
	uint64_t worst = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct asker a = {.told = 0};
		char name[40];
		uint64_t longest;

		print_message("# %s\n", rows[i].name);
		(void)snprintf(name, sizeof(name), "p10-%zu.example.com", i);
		server.mode = rows[i].mode;
		resolver_free(&r);
		assert_int_equal(resolver_new_hasty(&loop, &server.udp.local, 1,
						    rows[i].hasty ? TRY_MS : PATIENT_MS, &r),
				 ERR_OK);
		ask(&a, name, DNS_SRV);
		longest = run_watched(&a);
		assert_int_equal(a.got.status, rows[i].want);
		assert_int_equal(a.got.n, rows[i].n);
		print_message("# longest iteration %llu us\n", (unsigned long long)longest);
		worst = longest > worst ? longest : worst;
	}
	assert_true(worst <= 10000); /* R16 */
}

/* Who wants to know is told what the server said, and that it said nothing. */
static void
test_blunt(void **state)
{
	static const struct {
		const char *name;
		enum mode mode;
		uint8_t blunt, usual;
	} rows[] = {
		{"SERVFAIL", SERVFAIL, 2, 0},
		{"REFUSED", REFUSED, 5, 0},
		{"silence", SILENCE, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows) * 2; i++) {
		const bool blunt = i % 2;
		struct asker a = {.told = 0};

		print_message("# %s\n", rows[i / 2].name);
		server.mode = rows[i / 2].mode;
		resolver_free(&r);
		assert_int_equal((blunt ? resolver_new_blunt : resolver_new_hasty)(
					 &loop, &server.udp.local, 1, TRY_MS, &r),
				 ERR_OK);
		ask(&a, "blunt.example.com", DNS_SRV);
		wait_for(&a.told, 1);
		assert_int_equal(a.got.status, DNS_FAILED);
		assert_int_equal(a.got.rcode, blunt ? rows[i / 2].blunt : rows[i / 2].usual);
	}
}

/* A late answer to a question that nobody waits for any more, and its server gone. */
static void
p10_late_after_cancel(void **state)
{
	struct asker a = {.told = 0}, b = {.told = 0};

	(void)state;
	server.mode = LATE;
	ask(&a, "late10.example.com", DNS_SRV);
	wait_for(&server.asked, 1);
	resolver_cancel(r, &a.q);
	send_late("marker.example.com");
	assert_int_equal(a.told, 0);
	server.mode = LATE;
	ask(&a, "late11.example.com", DNS_SRV);
	wait_for(&server.asked, 3);
	resolver_free(&r); /* with the question under way */
	assert_int_equal(udp_send(&server.udp, NULL, &server.late_from, msg_str(&server.late)),
			 ERR_OK);
	settle();
	assert_int_equal(a.told, 0);
	assert_int_equal(resolver_new_hasty(&loop, &server.udp.local, 1, PATIENT_MS, &r), ERR_OK);
	server.mode = ANSWER;
	ask(&b, "late11.example.com", DNS_SRV);
	wait_told(&b, 1);
	assert_int_equal(b.got.status, DNS_OK);
}

int
main(void)
{
#define WITH(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define HASTY(f) cmocka_unit_test_setup_teardown(f, setup_hasty, teardown)
	const struct CMUnitTest tests[] = {
		WITH(asks_and_keeps),
		WITH(lifetimes),
		WITH(absence_is_kept),
		HASTY(stale_while_failing),
		HASTY(nothing_usable),
		WITH(forged_replies),
		HASTY(silence),
		WITH(cut_then_tcp),
		WITH(cancelling),
		WITH(ask_from_answer),
		WITH(bounds),
		WITH(cache_is_bounded),
		WITH(p10_hostile_servers),
		WITH(test_blunt),
		WITH(p10_late_after_cancel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
