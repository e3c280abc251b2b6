/* Fuzz: the four transaction machines under any order of events and any clock. Input: byte 0 the
 * kind (bits 0-1), reliable (2), times (3-4), prompt timers (5); then pairs {event, time step}.
 * Properties: nothing after END; a deadline is never in the past and a poll before it does nothing;
 * no copies over a reliable transport, with a prompt clock none sooner than T1; one CANCEL; every
 * transaction ends in bounded time; and on a clock that started 400 days earlier all is the same
 * (M12). */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sip/txn_client.h"
#include "sip/txn_server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { END_ROUNDS = 10000 };

static const uint64_t far = 400ull * 86400 * 1000000;

static const struct txn_times times_list[] = {
	{0},
	{.t1_us = 1, .t2_us = 1, .t4_us = 1},
	{.t1_us = 2000000, .t2_us = 3000000},
	{.t1_us = UINT32_MAX, .t2_us = UINT32_MAX, .t4_us = UINT32_MAX},
};

struct world {
	struct txn t, shifted; /* the same machine, now and 400 days later */
	uint64_t now, entered, last_copy;
	unsigned cancels;
	bool ended, prompt;
};

#define CHECK(c)                                                                                   \
	do {                                                                                       \
		if (!(c))                                                                          \
			abort();                                                                   \
	} while (0)

static bool
is_client(const struct txn *t)
{
	return t->kind == TXN_CLIENT_INVITE || t->kind == TXN_CLIENT_OTHER;
}

static unsigned
any_step(struct txn *t, enum txn_event ev, uint64_t now)
{
	return is_client(t) ? txn_client_step(t, ev, now) : txn_server_step(t, ev, now);
}

static void
check_copies(struct world *w, enum txn_event ev, unsigned todo)
{
	unsigned copy = todo & (TXN_DO_SEND_REQUEST | TXN_DO_SEND_RESPONSE);

	if (ev == TXN_EV_TIMER && copy) {
		CHECK(!w->t.reliable);
		CHECK(!w->prompt || w->now - w->last_copy >= w->t.times.t1_us);
	}
	/* a request that came again is answered whenever it comes */
	if (copy && ev != TXN_EV_REQUEST)
		w->last_copy = w->now;
}

static void
check_actions(struct world *w, unsigned todo)
{
	unsigned client_only = TXN_DO_SEND_REQUEST | TXN_DO_SEND_ACK | TXN_DO_SEND_CANCEL;
	unsigned server_only = TXN_DO_SEND_100 | TXN_DO_SEND_RESPONSE;

	CHECK(!(todo & (is_client(&w->t) ? server_only : client_only)));
	if (w->t.kind != TXN_CLIENT_INVITE)
		CHECK(!(todo & (TXN_DO_SEND_ACK | TXN_DO_SEND_CANCEL)));
	if (todo & TXN_DO_SEND_CANCEL)
		CHECK(++w->cancels == 1);
	if (todo & TXN_DO_TIMEOUT || (is_client(&w->t) && todo & TXN_DO_TRANSPORT_ERROR))
		CHECK(todo & TXN_DO_END);
	CHECK(!!(todo & TXN_DO_END) == (w->t.state == TXN_TERMINATED && !w->ended));
}

static void
step(struct world *w, enum txn_event ev)
{
	enum txn_state before = w->t.state;
	uint64_t due = w->t.due;
	unsigned todo = any_step(&w->t, ev, w->now);

	CHECK(any_step(&w->shifted, ev, w->now + far) == todo);
	CHECK(w->shifted.state == w->t.state);
	CHECK(w->shifted.due == (w->t.due == TIMER_NEVER ? TIMER_NEVER : w->t.due + far));
	CHECK(w->t.due > w->now);
	if (w->ended || (ev == TXN_EV_TIMER && w->now < due))
		CHECK(todo == 0 && w->t.state == before);
	check_copies(w, ev, todo);
	check_actions(w, todo);
	if (todo & TXN_DO_END) {
		w->ended = true;
		CHECK(w->t.due == TIMER_NEVER);
	}
	if (w->t.state != before)
		w->entered = w->now;
}

/* The longest time in one state; ringing has no end of its own. */
static uint64_t
longest(const struct txn *t)
{
	uint64_t most = txn_life_us(t);

	if (most < TXN_D_MIN_US)
		most = TXN_D_MIN_US;
	return most < t->times.t4_us ? t->times.t4_us : most;
}

static void
advance(struct world *w, uint64_t by)
{
	uint64_t at = w->now + by;

	while (w->prompt && w->t.due <= at) {
		w->now = w->t.due;
		step(w, TXN_EV_TIMER);
		if (w->now - w->entered >= longest(&w->t))
			CHECK(w->t.state == TXN_TERMINATED || w->t.state == TXN_PROCEEDING ||
			      w->t.state == TXN_NEW);
	}
	w->now = at;
}

/* Leave it alone from here: it must end by itself, without more than two long states. */
static void
run_out(struct world *w)
{
	uint64_t from = w->now;
	unsigned rounds = 0;

	if (w->t.state == TXN_NEW)
		return;
	if (w->t.kind == TXN_SERVER_INVITE && w->t.state == TXN_PROCEEDING)
		step(w, TXN_EV_3XX_6XX);
	if (w->t.kind == TXN_CLIENT_INVITE && w->t.state == TXN_PROCEEDING)
		step(w, TXN_EV_CANCEL);
	for (; !w->ended; rounds++) {
		CHECK(rounds < END_ROUNDS && w->t.due != TIMER_NEVER);
		w->now = w->t.due;
		step(w, TXN_EV_TIMER);
	}
	CHECK(w->now - from <= 2 * longest(&w->t) + rounds);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world w = {0};

	if (size < 1)
		return 0;
	w.prompt = data[0] & 32;
	txn_init(&w.t, (enum txn_kind)(data[0] & 3), data[0] & 4, &times_list[data[0] >> 3 & 3]);
	w.shifted = w.t;
	for (size_t i = 1; i + 1 < size; i += 2) {
		/* 0, 1 us .. 2^37 us; the high bit: one less */
		uint64_t by = data[i + 1] & 63 ? 1ull << (data[i + 1] & 63) % 38 : 0;

		advance(&w, by - (by && data[i + 1] & 128));
		step(&w, (enum txn_event)(data[i] % TXN_EV_N));
	}
	run_out(&w);
	for (unsigned ev = 0; ev < TXN_EV_N; ev++)
		if (w.ended)
			step(&w, (enum txn_event)ev);
	return 0;
}
