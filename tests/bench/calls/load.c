#include "calls/load.h"

#include "base/mem.h"
#include "bench.h"
#include "calls/link.h"
#include "calls/text.h"

enum { AGAIN_MAX = 10, ANSWER_TEXT_MAX = 2048 };
#define AGAIN_S 0.5 /* until a 2xx without its ACK goes again */
#define WAIT_MAX_S 0.05
#define HELP_EACH_S 0.1
#define WAIT_MIN_S 0.00002 /* a shorter wait is none */

/* Messages whose way is timed. A border may write ACK and the answer to BYE by itself. */
enum step { STEP_INVITE, STEP_180, STEP_200, STEP_BYE, STEPS };

enum client_state { CLIENT_NONE, CLIENT_INVITED, CLIENT_UP, CLIENT_LEFT, CLIENT_OVER };
enum server_state { SERVER_NONE, SERVER_RINGS, SERVER_ANSWERED, SERVER_UP, SERVER_OVER };

struct load_call {
	enum client_state client;
	enum server_state server;
	unsigned conn, again;
	bool failed, shed, rung; /* shed: refused with 503, or held back */
	double sent_s[STEPS];
	struct text_dialog dialog;
	struct sockaddr_in from; /* of its INVITE at the gateway */
	size_t n_answer;         /* the gateway's 200 */
	char answer[ANSWER_TEXT_MAX];
};

/* What is due later; all of one queue wait equally long, so it is sorted. */
struct queue {
	unsigned head, n;
	struct {
		double at;
		unsigned call;
	} v[LOAD_CALLS_MAX];
};

struct load {
	struct link link;
	uint16_t port;
	unsigned base; /* number of the first call of this run */
	const struct load_plan *plan;
	struct load_result *out;
	unsigned n_started, n_up, n_over;
	bool told;
	struct queue answers, byes, again;
	struct sip_msg msg;
	struct load_help {
		double sent_s, took_ms; /* took_ms 0: no answer yet */
	} help[LOAD_HELPS_MAX];
	unsigned help_base; /* number of the first one of this run */
	float *delay;       /* us */
	unsigned n_delays;
	double begin_s, last_s;
	struct load_call call[LOAD_CALLS_MAX];
};

/* ---- what comes of a call ---- */

static bool
is_over(const struct load_call *c)
{
	return c->failed || c->shed || (c->client == CLIENT_OVER && c->server == SERVER_OVER);
}

static void
fail(struct load *l, struct load_call *c, const char *what, unsigned status)
{
	if (c->failed || c->shed)
		return;
	c->failed = true;
	if (l->out->failed++ == 0)
		(void)snprintf(l->out->why, sizeof(l->out->why),
			       "call %u, %.2f s: %s %u (states %d, %d)", (unsigned)(c - l->call),
			       bench_clock(CLOCK_MONOTONIC) - l->begin_s, what, status,
			       (int)c->client, (int)c->server);
	l->n_over++;
}

/* Over at both ends. */
static void
note_over(struct load *l, struct load_call *c)
{
	if (c->failed || c->shed || !is_over(c))
		return;
	l->n_over++;
	l->out->done++;
	l->out->over_s = bench_clock(CLOCK_MONOTONIC) - l->begin_s;
}

static void
mark_sent(struct load_call *c, enum step s)
{
	c->sent_s[s] = bench_clock(CLOCK_MONOTONIC);
}

static void
mark_came(struct load *l, const struct load_call *c, enum step s)
{
	double d = bench_clock(CLOCK_MONOTONIC) - c->sent_s[s];

	BENCH_MUST(c->sent_s[s] > 0 && l->n_delays < LOAD_CALLS_MAX * STEPS);
	l->delay[l->n_delays++] = (float)(d * 1e6);
}

static void
push(struct queue *q, double at, unsigned call)
{
	unsigned i = (q->head + q->n) % LOAD_CALLS_MAX;

	BENCH_MUST(q->n < LOAD_CALLS_MAX);
	q->v[i].at = at;
	q->v[i].call = call;
	q->n++;
}

static bool
pop(struct queue *q, double now, unsigned *call)
{
	if (q->n == 0 || q->v[q->head].at > now)
		return false;
	*call = q->v[q->head].call;
	q->head = (q->head + 1) % LOAD_CALLS_MAX;
	q->n--;
	return true;
}

/* ---- the PBX ---- */

static void
send_pbx(struct load *l, struct load_call *c, const struct buf *b)
{
	BENCH_MUST(buf_end(b) == ERR_OK);
	if (!link_send_pbx(&l->link, c->conn, buf_view(b)))
		fail(l, c, "the connection is down", 0);
}

/* Overload: it is not carried, and that is no failure. */
static void
give_up(struct load *l, struct load_call *c)
{
	c->shed = true;
	l->n_over++;
}

static void
send_invite(struct load *l, unsigned i)
{
	struct load_call *c = &l->call[i];
	char mem[TEXT_MAX];
	struct buf b;

	memset(c, 0, offsetof(struct load_call, answer));
	c->conn = i % LOAD_CONNS;
	if (l->plan->overload && link_full(&l->link, c->conn)) {
		give_up(l, c);
		l->out->held++;
		return;
	}
	buf_init(&b, mem, sizeof(mem));
	text_invite(&b, l->base + i, l->port);
	c->client = CLIENT_INVITED;
	mark_sent(c, STEP_INVITE);
	send_pbx(l, c, &b);
}

static void
send_inside(struct load *l, struct load_call *c, bool bye)
{
	char mem[TEXT_MAX];
	struct buf b;

	buf_init(&b, mem, sizeof(mem));
	text_inside(&b, bye ? "BYE" : "ACK", bye ? 2 : 1, l->base + (unsigned)(c - l->call),
		    &c->dialog);
	if (bye)
		mark_sent(c, STEP_BYE);
	send_pbx(l, c, &b);
}

static void
send_bye(struct load *l, unsigned i)
{
	struct load_call *c = &l->call[i];

	if (c->failed)
		return;
	c->client = CLIENT_LEFT;
	send_inside(l, c, true);
}

static void
take_refusal(struct load *l, struct load_call *c, unsigned number, const struct sip_msg *m)
{
	char mem[TEXT_MAX];
	struct buf b;

	if (l->plan->overload && m->status == 503) {
		give_up(l, c);
		l->out->shed++;
	} else {
		fail(l, c, "answered", m->status);
	}
	if (m->method != SIP_INVITE)
		return;
	buf_init(&b, mem, sizeof(mem));
	text_ack_refusal(&b, number, l->port, m);
	send_pbx(l, c, &b);
}

static void
take_200(struct load *l, struct load_call *c, const struct sip_msg *m)
{
	if (c->client != CLIENT_INVITED) {
		l->out->again++;
		if (c->client == CLIENT_UP)
			send_inside(l, c, false);
		return;
	}
	mark_came(l, c, STEP_200);
	if (!c->rung && !l->plan->overload)
		fail(l, c, "200 without a 180", 0);
	else if (str_find(m->body, STR("RTP/SAVP")) == m->body.len || !text_learn(m, &c->dialog))
		fail(l, c, "a 200 without what it needs", 0);
	if (c->failed)
		return;
	c->client = CLIENT_UP;
	l->n_up++;
	send_inside(l, c, false);
	if (!l->plan->on_up)
		push(&l->byes, bench_clock(CLOCK_MONOTONIC) + l->plan->hold_ms / 1e3,
		     (unsigned)(c - l->call));
}

static struct load_call *
find_call(struct load *l, unsigned number)
{
	unsigned i = number - l->base;

	return i < l->n_started ? &l->call[i] : NULL;
}

/* ---- calls for help ---- */

static void
send_help(struct load *l, double now)
{
	unsigned i = l->out->helps;
	char mem[TEXT_MAX];
	struct buf b;

	if (!l->plan->overload || i == LOAD_HELPS_MAX || l->n_started == l->plan->calls ||
	    now < l->begin_s + i * HELP_EACH_S)
		return;
	l->help[i] = (struct load_help){.sent_s = now};
	l->out->helps++;
	buf_init(&b, mem, sizeof(mem));
	text_help(&b, l->help_base + i);
	BENCH_MUST(buf_end(&b) == ERR_OK);
	(void)link_send_pbx(&l->link, i % LOAD_CONNS, buf_view(&b));
}

static void
take_help(struct load *l, unsigned number)
{
	unsigned i = number - l->help_base;
	char mem[TEXT_MAX];
	struct buf b;

	if (l->msg.status < 200 || i >= l->out->helps || l->help[i].took_ms > 0)
		return;
	l->help[i].took_ms = (bench_clock(CLOCK_MONOTONIC) - l->help[i].sent_s) * 1e3;
	l->out->helped++;
	buf_init(&b, mem, sizeof(mem));
	text_ack_help(&b, number, &l->msg);
	BENCH_MUST(buf_end(&b) == ERR_OK);
	(void)link_send_pbx(&l->link, i % LOAD_CONNS, buf_view(&b));
}

static int
help_order(const void *a, const void *b)
{
	double x = ((const struct load_help *)a)->took_ms,
	       y = ((const struct load_help *)b)->took_ms;

	return (x > y) - (x < y);
}

static void
judge_helps(struct load *l)
{
	unsigned n = l->out->helps;

	l->help_base += n;
	qsort(l->help, n, sizeof(l->help[0]), help_order);
	if (n) {
		l->out->help_p50_ms = l->help[n / 2].took_ms;
		l->out->help_worst_ms = l->help[n - 1].took_ms;
	}
}

static void
on_pbx(void *arg, unsigned conn, struct str bytes)
{
	struct load *l = arg;
	const struct sip_msg *m = &l->msg;
	struct load_call *c;
	unsigned number;

	BENCH_MUST(sip_msg_parse(bytes, &l->msg) == ERR_OK);
	if (text_of_help(m, &number)) {
		take_help(l, number);
		return;
	}
	if (!text_of_pbx(m, &number) || !(c = find_call(l, number)) || m->status == 100 ||
	    c->failed || c->shed)
		return;
	if (conn != c->conn) {
		fail(l, c, "an answer over another connection", m->status);
	} else if (m->status >= 300) {
		take_refusal(l, c, number, m);
	} else if (m->method == SIP_INVITE && m->status >= 200) {
		take_200(l, c, m);
	} else if (m->method == SIP_INVITE) {
		if (!c->rung)
			mark_came(l, c, STEP_180);
		c->rung = true;
	} else if (m->method == SIP_BYE && c->client == CLIENT_LEFT) {
		c->client = CLIENT_OVER;
		note_over(l, c);
	}
}

static void
on_down(void *arg, unsigned conn)
{
	struct load *l = arg;

	for (unsigned i = 0; i < l->n_started; i++)
		if (l->call[i].conn == conn && !is_over(&l->call[i]))
			fail(l, &l->call[i], "its connection went down", 0);
}

/* ---- the gateway ---- */

static void
send_answer(struct load *l, const struct sockaddr_in *to, unsigned status, unsigned number)
{
	char mem[TEXT_MAX];
	struct buf b;

	buf_init(&b, mem, sizeof(mem));
	text_answer(&b, &l->msg, status, number, false);
	BENCH_MUST(buf_end(&b) == ERR_OK);
	link_send_gateway(&l->link, to, buf_view(&b));
}

/* Its 200 is made now, and sent later. */
static void
keep_answer(struct load *l, struct load_call *c, unsigned number)
{
	struct buf b;

	buf_init(&b, c->answer, sizeof(c->answer));
	text_answer(&b, &l->msg, 200, number, true);
	BENCH_MUST(buf_end(&b) == ERR_OK);
	c->n_answer = b.len;
}

static void
take_invite(struct load *l, struct load_call *c, const struct sockaddr_in *from, unsigned number)
{
	if (c->server != SERVER_NONE) {
		l->out->again++;
		send_answer(l, from, 180, number);
		return;
	}
	mark_came(l, c, STEP_INVITE);
	c->server = SERVER_RINGS;
	c->from = *from;
	keep_answer(l, c, number);
	send_answer(l, from, 100, number);
	mark_sent(c, STEP_180);
	send_answer(l, from, 180, number);
	push(&l->answers, bench_clock(CLOCK_MONOTONIC) + l->plan->ring_ms / 1e3,
	     (unsigned)(c - l->call));
}

static void
send_ok(struct load *l, unsigned i, bool again)
{
	struct load_call *c = &l->call[i];

	if (again && c->server != SERVER_ANSWERED)
		return;
	if (again)
		l->out->again++;
	else
		mark_sent(c, STEP_200);
	c->server = SERVER_ANSWERED;
	link_send_gateway(&l->link, &c->from, str_of(c->answer, c->n_answer));
	if (c->again++ < AGAIN_MAX)
		push(&l->again, bench_clock(CLOCK_MONOTONIC) + AGAIN_S, i);
}

static void
take_bye(struct load *l, struct load_call *c)
{
	if (c->server == SERVER_OVER) {
		l->out->again++;
		return;
	}
	if (c->server != SERVER_UP || c->client == CLIENT_UP)
		fail(l, c, "a BYE too early", 0);
	else
		mark_came(l, c, STEP_BYE);
	c->server = SERVER_OVER;
	note_over(l, c);
}

static void
on_gateway(void *arg, const struct sockaddr_in *from, struct str bytes)
{
	struct load *l = arg;
	const struct sip_msg *m = &l->msg;
	struct load_call *c;
	unsigned number;

	BENCH_MUST(sip_msg_parse(bytes, &l->msg) == ERR_OK);
	if (!text_of_gateway(m, &number) || !(c = find_call(l, number)))
		return;
	if (m->method == SIP_INVITE) {
		take_invite(l, c, from, number);
	} else if (m->method == SIP_ACK && c->server == SERVER_ANSWERED) {
		c->server = SERVER_UP;
	} else if (m->method == SIP_BYE) {
		take_bye(l, c);
		send_answer(l, from, 200, number);
	} else if (m->method != SIP_ACK) {
		fail(l, c, "a request that nobody made", 0);
	}
}

/* ---- time ---- */

static void
start_due(struct load *l, double now)
{
	while (l->n_started < l->plan->calls) {
		double at = l->begin_s + l->n_started / (double)l->plan->rate;

		if (at > now)
			return;
		if (l->out->late_ms < (now - at) * 1e3)
			l->out->late_ms = (now - at) * 1e3;
		l->last_s = now;
		send_invite(l, l->n_started++);
	}
}

/* All are up that will be: the byes, at the rate of the INVITEs. */
static void
tell_up(struct load *l)
{
	if (!l->plan->on_up || l->told || l->n_up + l->out->failed < l->plan->calls)
		return;
	l->told = true;
	l->plan->on_up(l->plan->arg);
	l->last_s = bench_clock(CLOCK_MONOTONIC);
	for (unsigned i = 0; i < l->plan->calls; i++)
		push(&l->byes, l->last_s + i / (double)l->plan->rate, i);
	l->last_s += l->plan->calls / (double)l->plan->rate;
}

static void
run_due(struct load *l, double now)
{
	unsigned i;

	start_due(l, now);
	send_help(l, now);
	while (pop(&l->answers, now, &i))
		send_ok(l, i, false);
	while (pop(&l->again, now, &i))
		send_ok(l, i, true);
	while (pop(&l->byes, now, &i))
		send_bye(l, i);
	tell_up(l);
}

static double
earlier(double a, double b)
{
	return a < b ? a : b;
}

static double
wait_time(const struct load *l, double now)
{
	const struct queue *q[] = {&l->answers, &l->byes, &l->again};
	double until = now + WAIT_MAX_S;

	if (l->n_started < l->plan->calls)
		until = earlier(until, l->begin_s + l->n_started / (double)l->plan->rate);
	for (unsigned i = 0; i < sizeof(q) / sizeof(q[0]); i++)
		if (q[i]->n)
			until = earlier(until, q[i]->v[q[i]->head].at);
	return until - now < WAIT_MIN_S ? 0 : until - now;
}

static int
order(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

void
load_run(struct load *l, const struct load_plan *plan, struct load_result *out)
{
	struct link_up up = {
		.arg = l, .on_pbx = on_pbx, .on_gateway = on_gateway, .on_down = on_down};

	BENCH_MUST(plan->calls <= LOAD_CALLS_MAX && plan->calls > 0);
	memset(out, 0, sizeof(*out));
	l->plan = plan;
	l->out = out;
	if (plan->overload)
		link_queues(&l->link);
	l->n_started = l->n_up = l->n_over = l->n_delays = 0;
	l->told = false;
	l->answers.n = l->byes.n = l->again.n = 0;
	l->begin_s = l->last_s = bench_clock(CLOCK_MONOTONIC);
	for (;;) {
		double now = bench_clock(CLOCK_MONOTONIC);

		run_due(l, now);
		if ((l->n_over == plan->calls && out->helped == out->helps) ||
		    (l->n_started == plan->calls && now > l->last_s + plan->limit_s))
			break;
		link_wait(&l->link, wait_time(l, now), &up);
	}
	for (unsigned i = 0; i < plan->calls; i++)
		if (!is_over(&l->call[i]))
			fail(l, &l->call[i], "not over in time", 0);
	out->seconds = l->last_s - l->begin_s;
	qsort(l->delay, l->n_delays, sizeof(l->delay[0]), order);
	if (l->n_delays) {
		out->p50_us = l->delay[l->n_delays / 2];
		out->p99_us = l->delay[l->n_delays * 99 / 100];
	}
	l->base += plan->calls;
	judge_helps(l);
}

/* ---- */

struct load *
load_new(const struct place *p)
{
	struct load *l = mem_zalloc(1, sizeof(*l));

	BENCH_MUST(l && (l->delay = mem_zalloc(LOAD_CALLS_MAX * STEPS, sizeof(l->delay[0]))));
	link_init(&l->link, p);
	return l;
}

void
load_free(struct load **l)
{
	if (!*l)
		return;
	link_fini(&(*l)->link);
	mem_free((*l)->delay);
	mem_free(*l);
	*l = NULL;
}

bool
load_connect(struct load *l, uint16_t port)
{
	l->port = port;
	return link_connect(&l->link, port);
}

void
load_disconnect(struct load *l)
{
	link_disconnect(&l->link);
}
