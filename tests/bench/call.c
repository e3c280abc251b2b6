/* A whole call through src/call, customer to gateway: INVITE, 180, 200, ACK, BYE, 200, with SDP and
 * SRTP keys on one side. Below it stand the fakes of the unit tests: their time is taken out, and
 * the parsing of what comes in is a figure of its own. The clock reads that take the fakes' time
 * out are in (some 30 a call); transactions, TLS and the network are not. */
#include "call/call.h"

#include "bench.h"

static struct {
	double enter_s, op_s;   /* when the last began */
	double call_s, parse_s; /* of this call */
	bool inside, in_op;
} meter;

static void
meter_enter(void)
{
	meter.inside = true;
	meter.enter_s = bench_clock(CLOCK_MONOTONIC);
}

static void
meter_leave(void)
{
	meter.call_s += bench_clock(CLOCK_MONOTONIC) - meter.enter_s;
	meter.inside = false;
}

static void
op_enter(void)
{
	meter.in_op = true;
	meter.op_s = bench_clock(CLOCK_MONOTONIC);
}

static void
op_leave(void)
{
	if (meter.inside)
		meter.call_s -= bench_clock(CLOCK_MONOTONIC) - meter.op_s;
	meter.in_op = false;
}

/* What comes in is counted, what a fake looks at is not. */
static enum err
meter_parse(struct str text, struct sip_msg *out)
{
	double t = bench_clock(CLOCK_MONOTONIC);
	enum err e = sip_msg_parse(text, out);

	if (!meter.in_op)
		meter.parse_s += bench_clock(CLOCK_MONOTONIC) - t;
	return e;
}

/* From here on, whoever calls up into src/call is measured. */
#define METERED(c)                                                                                 \
	do {                                                                                       \
		meter_enter();                                                                     \
		c;                                                                                 \
		meter_leave();                                                                     \
	} while (0)
#define calls_on_request(...) METERED((calls_on_request)(__VA_ARGS__))
#define calls_on_ack(...) METERED((calls_on_ack)(__VA_ARGS__))
#define calls_on_news(...) METERED((calls_on_news)(__VA_ARGS__))
#define calls_on_undelivered(...) METERED((calls_on_undelivered)(__VA_ARGS__))
#define calls_on_media_closed(...) METERED((calls_on_media_closed)(__VA_ARGS__))
#define timers_run(...) METERED((timers_run)(__VA_ARGS__))
#define sip_msg_parse meter_parse

#include "../unit/call/rig.h"

enum { ROUNDS = 15, TIMES = 100, LINGER_US = 40000000 };

#define OP_VOID(name, params, args)                                                                \
	static void op_##name params                                                               \
	{                                                                                          \
		op_enter();                                                                        \
		fake_##name args;                                                                  \
		op_leave();                                                                        \
	}
#define OP(type, name, params, args)                                                               \
	static type op_##name params                                                               \
	{                                                                                          \
		type r;                                                                            \
                                                                                                   \
		op_enter();                                                                        \
		r = fake_##name args;                                                              \
		op_leave();                                                                        \
		return r;                                                                          \
	}

OP(enum err, send,
   (void *arg, const struct edge_dest *d, enum sip_method m, struct str msg, void *user,
    struct edge_txn **out),
   (arg, d, m, msg, user, out))
OP_VOID(respond, (void *arg, struct edge_txn *t, int status, struct str msg), (arg, t, status, msg))
OP_VOID(send_once, (void *arg, const struct edge_dest *d, bool is_response, struct str msg),
	(arg, d, is_response, msg))
OP_VOID(forget, (void *arg, struct edge_txn *t), (arg, t))
OP_VOID(set_user, (void *arg, struct edge_txn *t, void *user), (arg, t, user))
OP(enum err, local, (void *arg, uint32_t trunk, struct edge_local *out), (arg, trunk, out))
OP(enum err, port,
   (void *arg, uint32_t trunk, uint32_t near, bool spare, uint32_t *slot, uint32_t *generation,
    struct addr *shown),
   (arg, trunk, near, spare, slot, generation, shown))
OP_VOID(port_free, (void *arg, uint32_t slot), (arg, slot))
OP_VOID(key, (void *arg, uint32_t slot, bool in, uint32_t serial, const struct sdp_key *k),
	(arg, slot, in, serial, k))
OP(enum err, open, (void *arg, const struct media_open *o, bool spare), (arg, o, spare))
OP_VOID(close, (void *arg, uint32_t slot, uint32_t generation), (arg, slot, generation))
OP_VOID(stats, (void *arg, uint32_t slot, uint32_t generation, struct media_stats *out),
	(arg, slot, generation, out))
OP(uint32_t, slot, (void *arg, uint32_t kept), (arg, kept))
OP_VOID(store, (void *arg, uint32_t slot, const struct call_record *rec, bool ended),
	(arg, slot, rec, ended))

/* The rest of the fakes is a look into a struct, cheaper than the clock. */
static void
meter_ops(struct fake *f)
{
	struct call_ops *o = &f->ops;

	o->do_send = op_send;
	o->do_respond = op_respond;
	o->do_send_once = op_send_once;
	o->do_forget = op_forget;
	o->do_set_user = op_set_user;
	o->do_local = op_local;
	o->do_port = op_port;
	o->do_port_free = op_port_free;
	o->do_key = op_key;
	o->do_open = op_open;
	o->do_close = op_close;
	o->do_stats = op_stats;
	o->do_slot = op_slot;
	o->do_store = op_store;
	calls_fini(&f->calls);
	fake_calls(f);
}

static void
one_call(struct fake *f)
{
	struct rig_pair p;

	meter.call_s = meter.parse_s = 0;
	p = rig_talking(f);
	(void)rig_inside(f, p.a, "acme-pbx", "BYE", 2, "");
	rig_settle(f);
	fake_run(f, LINGER_US);
	BENCH_MUST(calls_count(&f->calls) == 0 && f->n_ended == 1);
	BENCH_MUST(rig_cdr(f)->ended_by == ENDER_CALLER);
	f->n_ended = f->n_sent = 0;
	for (int i = 0; i < FAKE_RECORDS; i++)
		f->record[i].taken = f->record[i].ended = false;
}

/* The median of TIMES calls: one that was interrupted does not count. */
static void
run_round(struct fake *f, struct bench_series *call, struct bench_series *parse)
{
	double c[TIMES], p[TIMES];

	for (int i = 0; i < TIMES; i++) {
		one_call(f);
		c[i] = meter.call_s;
		p[i] = meter.parse_s;
	}
	qsort(c, TIMES, sizeof(c[0]), bench_order);
	qsort(p, TIMES, sizeof(p[0]), bench_order);
	bench_add(call, c[TIMES / 2] * 1e9);
	bench_add(parse, p[TIMES / 2] * 1e9);
}

int
main(int argc, char **argv)
{
	static struct bench_series call, parse;
	struct fake *f = rig_up();

	bench_begin("call", argc, argv);
	meter_ops(f);
	for (int i = 0; i < TIMES; i++)
		one_call(f); /* warms up */
	for (unsigned r = 0; bench_more(r, ROUNDS); r++)
		run_round(f, &call, &parse);
	bench_result("a call in the B2BUA, without I/O", "ns", false, &call, NULL, NULL);
	bench_result("parsing its 6 incoming messages", "ns", false, &parse, NULL, NULL);
	rig_down(f);
	return 0;
}
