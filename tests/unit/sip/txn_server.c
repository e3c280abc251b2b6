/* sip/txn_server: every (state, event), every timer (RFC 3261 17.2, RFC 4320, RFC 6026). */
#include "unit/sip/txn_play.h"

static const struct play_state invite_udp[] = {
	{.state = TXN_NEW,
	 .cell =
		 {
			 [TXN_EV_START] = GO(PROCEEDING, TXN_DO_PASS_UP),
			 [TXN_EV_TIMER] = IGNORED,
			 [TXN_EV_100] = IGNORED,
			 [TXN_EV_1XX] = IGNORED,
			 [TXN_EV_2XX] = IGNORED,
			 [TXN_EV_408] = IGNORED,
			 [TXN_EV_3XX_6XX] = IGNORED,
			 [TXN_EV_REQUEST] = IGNORED,
			 [TXN_EV_ACK] = IGNORED,
			 [TXN_EV_CANCEL] = IGNORED,
			 [TXN_EV_ERROR] = IGNORED,
		 }},
	{.state = TXN_PROCEEDING,
	 .way = {TXN_EV_START},
	 .n_way = 1,
	 .cell =
		 {
			 [TXN_EV_START] = IGNORED,
			 [TXN_EV_TIMER] = STAY(TXN_DO_SEND_100),
			 [TXN_EV_100] = STAY(TXN_DO_SEND_RESPONSE),
			 [TXN_EV_1XX] = STAY(TXN_DO_SEND_RESPONSE),
			 [TXN_EV_2XX] = GO(ACCEPTED, TXN_DO_SEND_RESPONSE),
			 [TXN_EV_408] = GO(COMPLETED, TXN_DO_SEND_RESPONSE),
			 [TXN_EV_3XX_6XX] = GO(COMPLETED, TXN_DO_SEND_RESPONSE),
			 [TXN_EV_REQUEST] = STAY(TXN_DO_SEND_100 | TXN_DO_ABSORB),
			 [TXN_EV_ACK] = STAY(TXN_DO_ABSORB),
			 [TXN_EV_CANCEL] = IGNORED,
			 [TXN_EV_ERROR] = STAY(TXN_DO_TRANSPORT_ERROR),
		 }},
	{.state = TXN_PROCEEDING,
	 .way = {TXN_EV_START, TXN_EV_1XX},
	 .n_way = 2,
	 .cell =
		 {
			 [TXN_EV_START] = IGNORED,
			 [TXN_EV_TIMER] = IGNORED,
			 [TXN_EV_100] = STAY(TXN_DO_SEND_RESPONSE),
			 [TXN_EV_1XX] = STAY(TXN_DO_SEND_RESPONSE),
			 [TXN_EV_2XX] = GO(ACCEPTED, TXN_DO_SEND_RESPONSE),
			 [TXN_EV_408] = GO(COMPLETED, TXN_DO_SEND_RESPONSE),
			 [TXN_EV_3XX_6XX] = GO(COMPLETED, TXN_DO_SEND_RESPONSE),
			 [TXN_EV_REQUEST] = STAY(TXN_DO_SEND_RESPONSE | TXN_DO_ABSORB),
			 [TXN_EV_ACK] = STAY(TXN_DO_ABSORB),
			 [TXN_EV_CANCEL] = IGNORED,
			 [TXN_EV_ERROR] = STAY(TXN_DO_TRANSPORT_ERROR),
		 }},
	{.state = TXN_COMPLETED,
	 .way = {TXN_EV_START, TXN_EV_3XX_6XX},
	 .n_way = 2,
	 .cell =
		 {
			 [TXN_EV_START] = IGNORED,
			 [TXN_EV_TIMER] = STAY(TXN_DO_SEND_RESPONSE),
			 [TXN_EV_100] = IGNORED,
			 [TXN_EV_1XX] = IGNORED,
			 [TXN_EV_2XX] = IGNORED,
			 [TXN_EV_408] = IGNORED,
			 [TXN_EV_3XX_6XX] = IGNORED,
			 [TXN_EV_REQUEST] = STAY(TXN_DO_SEND_RESPONSE | TXN_DO_ABSORB),
			 [TXN_EV_ACK] = GO(CONFIRMED, TXN_DO_ABSORB),
			 [TXN_EV_CANCEL] = IGNORED,
			 [TXN_EV_ERROR] = STAY(TXN_DO_TRANSPORT_ERROR),
		 }},
	{.state = TXN_CONFIRMED,
	 .way = {TXN_EV_START, TXN_EV_3XX_6XX, TXN_EV_ACK},
	 .n_way = 3,
	 .cell =
		 {
			 [TXN_EV_START] = IGNORED,
			 [TXN_EV_TIMER] = GO(TERMINATED, TXN_DO_END),
			 [TXN_EV_100] = IGNORED,
			 [TXN_EV_1XX] = IGNORED,
			 [TXN_EV_2XX] = IGNORED,
			 [TXN_EV_408] = IGNORED,
			 [TXN_EV_3XX_6XX] = IGNORED,
			 [TXN_EV_REQUEST] = STAY(TXN_DO_ABSORB),
			 [TXN_EV_ACK] = STAY(TXN_DO_ABSORB),
			 [TXN_EV_CANCEL] = IGNORED,
			 [TXN_EV_ERROR] = IGNORED,
		 }},
	{.state = TXN_ACCEPTED,
	 .way = {TXN_EV_START, TXN_EV_1XX, TXN_EV_2XX},
	 .n_way = 3,
	 .cell =
		 {
			 [TXN_EV_START] = IGNORED,
			 [TXN_EV_TIMER] = GO(TERMINATED, TXN_DO_END),
			 [TXN_EV_100] = IGNORED,
			 [TXN_EV_1XX] = IGNORED,
			 [TXN_EV_2XX] = STAY(TXN_DO_SEND_RESPONSE),
			 [TXN_EV_408] = IGNORED,
			 [TXN_EV_3XX_6XX] = IGNORED,
			 [TXN_EV_REQUEST] = STAY(TXN_DO_ABSORB),
			 [TXN_EV_ACK] = STAY(TXN_DO_PASS_UP),
			 [TXN_EV_CANCEL] = IGNORED,
			 [TXN_EV_ERROR] = STAY(TXN_DO_TRANSPORT_ERROR),
		 }},
};

static const struct play_state invite_tls[] = {
	{.state = TXN_NEW,
	 .cell =
		 {
			 [TXN_EV_START] = GO(PROCEEDING, TXN_DO_PASS_UP),
			 [TXN_EV_TIMER] = IGNORED,
			 [TXN_EV_100] = IGNORED,
			 [TXN_EV_1XX] = IGNORED,
			 [TXN_EV_2XX] = IGNORED,
			 [TXN_EV_408] = IGNORED,
			 [TXN_EV_3XX_6XX] = IGNORED,
			 [TXN_EV_REQUEST] = IGNORED,
			 [TXN_EV_ACK] = IGNORED,
			 [TXN_EV_CANCEL] = IGNORED,
			 [TXN_EV_ERROR] = IGNORED,
		 }},
	{.state = TXN_PROCEEDING,
	 .way = {TXN_EV_START},
	 .n_way = 1,
	 .cell =
		 {
			 [TXN_EV_START] = IGNORED,
			 [TXN_EV_TIMER] = STAY(TXN_DO_SEND_100),
			 [TXN_EV_100] = STAY(TXN_DO_SEND_RESPONSE),
			 [TXN_EV_1XX] = STAY(TXN_DO_SEND_RESPONSE),
			 [TXN_EV_2XX] = GO(ACCEPTED, TXN_DO_SEND_RESPONSE),
			 [TXN_EV_408] = GO(COMPLETED, TXN_DO_SEND_RESPONSE),
			 [TXN_EV_3XX_6XX] = GO(COMPLETED, TXN_DO_SEND_RESPONSE),
			 [TXN_EV_REQUEST] = STAY(TXN_DO_SEND_100 | TXN_DO_ABSORB),
			 [TXN_EV_ACK] = STAY(TXN_DO_ABSORB),
			 [TXN_EV_CANCEL] = IGNORED,
			 [TXN_EV_ERROR] = STAY(TXN_DO_TRANSPORT_ERROR),
		 }},
	{.state = TXN_PROCEEDING,
	 .way = {TXN_EV_START, TXN_EV_1XX},
	 .n_way = 2,
	 .cell =
		 {
			 [TXN_EV_START] = IGNORED,
			 [TXN_EV_TIMER] = IGNORED,
			 [TXN_EV_100] = STAY(TXN_DO_SEND_RESPONSE),
			 [TXN_EV_1XX] = STAY(TXN_DO_SEND_RESPONSE),
			 [TXN_EV_2XX] = GO(ACCEPTED, TXN_DO_SEND_RESPONSE),
			 [TXN_EV_408] = GO(COMPLETED, TXN_DO_SEND_RESPONSE),
			 [TXN_EV_3XX_6XX] = GO(COMPLETED, TXN_DO_SEND_RESPONSE),
			 [TXN_EV_REQUEST] = STAY(TXN_DO_SEND_RESPONSE | TXN_DO_ABSORB),
			 [TXN_EV_ACK] = STAY(TXN_DO_ABSORB),
			 [TXN_EV_CANCEL] = IGNORED,
			 [TXN_EV_ERROR] = STAY(TXN_DO_TRANSPORT_ERROR),
		 }},
	{.state = TXN_COMPLETED,
	 .way = {TXN_EV_START, TXN_EV_3XX_6XX},
	 .n_way = 2,
	 .cell =
		 {
			 [TXN_EV_START] = IGNORED,
			 [TXN_EV_TIMER] = GO(TERMINATED, TXN_DO_TIMEOUT | TXN_DO_END),
			 [TXN_EV_100] = IGNORED,
			 [TXN_EV_1XX] = IGNORED,
			 [TXN_EV_2XX] = IGNORED,
			 [TXN_EV_408] = IGNORED,
			 [TXN_EV_3XX_6XX] = IGNORED,
			 [TXN_EV_REQUEST] = STAY(TXN_DO_SEND_RESPONSE | TXN_DO_ABSORB),
			 [TXN_EV_ACK] = GO(TERMINATED, TXN_DO_ABSORB | TXN_DO_END),
			 [TXN_EV_CANCEL] = IGNORED,
			 [TXN_EV_ERROR] = STAY(TXN_DO_TRANSPORT_ERROR),
		 }},
	{.state = TXN_ACCEPTED,
	 .way = {TXN_EV_START, TXN_EV_1XX, TXN_EV_2XX},
	 .n_way = 3,
	 .cell =
		 {
			 [TXN_EV_START] = IGNORED,
			 [TXN_EV_TIMER] = GO(TERMINATED, TXN_DO_END),
			 [TXN_EV_100] = IGNORED,
			 [TXN_EV_1XX] = IGNORED,
			 [TXN_EV_2XX] = STAY(TXN_DO_SEND_RESPONSE),
			 [TXN_EV_408] = IGNORED,
			 [TXN_EV_3XX_6XX] = IGNORED,
			 [TXN_EV_REQUEST] = STAY(TXN_DO_ABSORB),
			 [TXN_EV_ACK] = STAY(TXN_DO_PASS_UP),
			 [TXN_EV_CANCEL] = IGNORED,
			 [TXN_EV_ERROR] = STAY(TXN_DO_TRANSPORT_ERROR),
		 }},
	{.state = TXN_TERMINATED,
	 .way = {TXN_EV_START, TXN_EV_3XX_6XX, TXN_EV_ACK},
	 .n_way = 3,
	 .cell =
		 {
			 [TXN_EV_START] = IGNORED,
			 [TXN_EV_TIMER] = IGNORED,
			 [TXN_EV_100] = IGNORED,
			 [TXN_EV_1XX] = IGNORED,
			 [TXN_EV_2XX] = IGNORED,
			 [TXN_EV_408] = IGNORED,
			 [TXN_EV_3XX_6XX] = IGNORED,
			 [TXN_EV_REQUEST] = IGNORED,
			 [TXN_EV_ACK] = IGNORED,
			 [TXN_EV_CANCEL] = IGNORED,
			 [TXN_EV_ERROR] = IGNORED,
		 }},
};

static const struct play_state other_udp[] = {
	{.state = TXN_NEW,
	 .cell =
		 {
			 [TXN_EV_START] = GO(TRYING, TXN_DO_PASS_UP),
			 [TXN_EV_TIMER] = IGNORED,
			 [TXN_EV_100] = IGNORED,
			 [TXN_EV_1XX] = IGNORED,
			 [TXN_EV_2XX] = IGNORED,
			 [TXN_EV_408] = IGNORED,
			 [TXN_EV_3XX_6XX] = IGNORED,
			 [TXN_EV_REQUEST] = IGNORED,
			 [TXN_EV_ACK] = IGNORED,
			 [TXN_EV_CANCEL] = IGNORED,
			 [TXN_EV_ERROR] = IGNORED,
		 }},
	{.state = TXN_TRYING,
	 .way = {TXN_EV_START},
	 .n_way = 1,
	 .cell =
		 {
			 [TXN_EV_START] = IGNORED,
			 [TXN_EV_TIMER] = GO(PROCEEDING, TXN_DO_SEND_100),
			 [TXN_EV_100] = IGNORED,
			 [TXN_EV_1XX] = IGNORED,
			 [TXN_EV_2XX] = GO(COMPLETED, TXN_DO_SEND_RESPONSE),
			 [TXN_EV_408] = IGNORED,
			 [TXN_EV_3XX_6XX] = GO(COMPLETED, TXN_DO_SEND_RESPONSE),
			 [TXN_EV_REQUEST] = STAY(TXN_DO_ABSORB),
			 [TXN_EV_ACK] = IGNORED,
			 [TXN_EV_CANCEL] = IGNORED,
			 [TXN_EV_ERROR] = IGNORED,
		 }},
	{.state = TXN_COMPLETED,
	 .way = {TXN_EV_START, TXN_EV_2XX},
	 .n_way = 2,
	 .cell =
		 {
			 [TXN_EV_START] = IGNORED,
			 [TXN_EV_TIMER] = GO(TERMINATED, TXN_DO_END),
			 [TXN_EV_100] = IGNORED,
			 [TXN_EV_1XX] = IGNORED,
			 [TXN_EV_2XX] = IGNORED,
			 [TXN_EV_408] = IGNORED,
			 [TXN_EV_3XX_6XX] = IGNORED,
			 [TXN_EV_REQUEST] = STAY(TXN_DO_SEND_RESPONSE | TXN_DO_ABSORB),
			 [TXN_EV_ACK] = IGNORED,
			 [TXN_EV_CANCEL] = IGNORED,
			 [TXN_EV_ERROR] = STAY(TXN_DO_TRANSPORT_ERROR),
		 }},
};

static const struct play_state other_tls[] = {
	{.state = TXN_NEW,
	 .cell =
		 {
			 [TXN_EV_START] = GO(TRYING, TXN_DO_PASS_UP),
			 [TXN_EV_TIMER] = IGNORED,
			 [TXN_EV_100] = IGNORED,
			 [TXN_EV_1XX] = IGNORED,
			 [TXN_EV_2XX] = IGNORED,
			 [TXN_EV_408] = IGNORED,
			 [TXN_EV_3XX_6XX] = IGNORED,
			 [TXN_EV_REQUEST] = IGNORED,
			 [TXN_EV_ACK] = IGNORED,
			 [TXN_EV_CANCEL] = IGNORED,
			 [TXN_EV_ERROR] = IGNORED,
		 }},
	{.state = TXN_TRYING,
	 .way = {TXN_EV_START},
	 .n_way = 1,
	 .cell =
		 {
			 [TXN_EV_START] = IGNORED,
			 [TXN_EV_TIMER] = GO(PROCEEDING, TXN_DO_SEND_100),
			 [TXN_EV_100] = GO(PROCEEDING, TXN_DO_SEND_RESPONSE),
			 [TXN_EV_1XX] = IGNORED,
			 [TXN_EV_2XX] = GO(TERMINATED, TXN_DO_SEND_RESPONSE | TXN_DO_END),
			 [TXN_EV_408] = IGNORED,
			 [TXN_EV_3XX_6XX] = GO(TERMINATED, TXN_DO_SEND_RESPONSE | TXN_DO_END),
			 [TXN_EV_REQUEST] = STAY(TXN_DO_ABSORB),
			 [TXN_EV_ACK] = IGNORED,
			 [TXN_EV_CANCEL] = IGNORED,
			 [TXN_EV_ERROR] = IGNORED,
		 }},
	{.state = TXN_PROCEEDING,
	 .way = {TXN_EV_START, TXN_EV_100},
	 .n_way = 2,
	 .cell =
		 {
			 [TXN_EV_START] = IGNORED,
			 [TXN_EV_TIMER] = GO(TERMINATED, TXN_DO_TIMEOUT | TXN_DO_END),
			 [TXN_EV_100] = STAY(TXN_DO_SEND_RESPONSE),
			 [TXN_EV_1XX] = IGNORED,
			 [TXN_EV_2XX] = GO(TERMINATED, TXN_DO_SEND_RESPONSE | TXN_DO_END),
			 [TXN_EV_408] = IGNORED,
			 [TXN_EV_3XX_6XX] = GO(TERMINATED, TXN_DO_SEND_RESPONSE | TXN_DO_END),
			 [TXN_EV_REQUEST] = STAY(TXN_DO_SEND_RESPONSE | TXN_DO_ABSORB),
			 [TXN_EV_ACK] = IGNORED,
			 [TXN_EV_CANCEL] = IGNORED,
			 [TXN_EV_ERROR] = STAY(TXN_DO_TRANSPORT_ERROR),
		 }},
	{.state = TXN_TERMINATED,
	 .way = {TXN_EV_START, TXN_EV_2XX},
	 .n_way = 2,
	 .cell =
		 {
			 [TXN_EV_START] = IGNORED,
			 [TXN_EV_TIMER] = IGNORED,
			 [TXN_EV_100] = IGNORED,
			 [TXN_EV_1XX] = IGNORED,
			 [TXN_EV_2XX] = IGNORED,
			 [TXN_EV_408] = IGNORED,
			 [TXN_EV_3XX_6XX] = IGNORED,
			 [TXN_EV_REQUEST] = IGNORED,
			 [TXN_EV_ACK] = IGNORED,
			 [TXN_EV_CANCEL] = IGNORED,
			 [TXN_EV_ERROR] = IGNORED,
		 }},
};

static void
test_table(void **state)
{
	(void)state;
	play_table(TXN_SERVER_INVITE, "server INVITE", false, invite_udp, ARRAY_LEN(invite_udp));
	play_table(TXN_SERVER_INVITE, "server INVITE", true, invite_tls, ARRAY_LEN(invite_tls));
	play_table(TXN_SERVER_OTHER, "server other", false, other_udp, ARRAY_LEN(other_udp));
	play_table(TXN_SERVER_OTHER, "server other", true, other_tls, ARRAY_LEN(other_tls));
}

/* States that only the clock reaches: others over UDP in PROCEEDING, and what has ended by time. */
static const struct clock_row {
	const char *name;
	enum txn_kind kind;
	enum txn_event first;
	unsigned polls; /* TXN_EV_TIMER at each due time */
	enum txn_state state;
	unsigned todo[TXN_EV_N];
} clock_rows[] = {
	{"other, UDP, PROCEEDING",
	 TXN_SERVER_OTHER,
	 TXN_EV_START,
	 1,
	 TXN_PROCEEDING,
	 {[TXN_EV_TIMER] = TXN_DO_TIMEOUT | TXN_DO_END,
	  [TXN_EV_100] = TXN_DO_SEND_RESPONSE,
	  [TXN_EV_2XX] = TXN_DO_SEND_RESPONSE,
	  [TXN_EV_3XX_6XX] = TXN_DO_SEND_RESPONSE,
	  [TXN_EV_REQUEST] = TXN_DO_ABSORB | TXN_DO_SEND_RESPONSE,
	  [TXN_EV_ERROR] = TXN_DO_TRANSPORT_ERROR}},
	{"other, UDP, TERMINATED", TXN_SERVER_OTHER, TXN_EV_2XX, 1, TXN_TERMINATED, {0}},
	{"INVITE, UDP, TERMINATED", TXN_SERVER_INVITE, TXN_EV_2XX, 1, TXN_TERMINATED, {0}},
};

static void
test_clock_states(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(clock_rows); i++) {
		const struct clock_row *r = &clock_rows[i];
		struct txn t;

		txn_init(&t, r->kind, false, NULL);
		play_skip(&t, TXN_EV_START, 0);
		play_skip(&t, r->first, 0);
		for (unsigned k = 0; k < r->polls; k++)
			play_skip(&t, TXN_EV_TIMER, t.due);
		if (t.state != r->state)
			fail_msg("%s: is %s", r->name, txn_state_name(t.state));
		for (unsigned ev = 0; ev < TXN_EV_N; ev++) {
			struct txn copy = t;
			uint64_t now = ev == TXN_EV_TIMER ? t.due : 4000000;
			unsigned todo = txn_server_step(&copy, (enum txn_event)ev, now);

			if (todo != r->todo[ev])
				fail_msg("%s + %s: got %#x, want %#x", r->name,
					 txn_event_name((enum txn_event)ev), todo, r->todo[ev]);
		}
	}
}

static const struct play plays[] = {
	{.name = "INVITE, 100 by itself after 200 ms, copies get it again",
	 .kind = TXN_SERVER_INVITE,
	 .event = {{0, TXN_EV_START}, {500, TXN_EV_REQUEST}, {1500, TXN_EV_REQUEST}},
	 .n = 3,
	 .want = "0 PASS_UP, 200 SEND_100, 500 SEND_RESPONSE ABSORB, 1500 SEND_RESPONSE ABSORB"},
	{.name = "INVITE, a copy before the 200 ms gets the 100 at once",
	 .kind = TXN_SERVER_INVITE,
	 .event = {{0, TXN_EV_START}, {100, TXN_EV_REQUEST}},
	 .n = 2,
	 .want = "0 PASS_UP, 100 SEND_100 ABSORB"},
	{.name = "INVITE, the TU answers within 200 ms: no 100",
	 .kind = TXN_SERVER_INVITE,
	 .reliable = true,
	 .event = {{0, TXN_EV_START}, {150, TXN_EV_1XX}, {900, TXN_EV_1XX}},
	 .n = 3,
	 .want = "0 PASS_UP, 150 SEND_RESPONSE, 900 SEND_RESPONSE"},
	{.name = "INVITE, 486 over UDP without ACK: G and H",
	 .kind = TXN_SERVER_INVITE,
	 .event = {{0, TXN_EV_START}, {0, TXN_EV_3XX_6XX}},
	 .n = 2,
	 .want = "0 PASS_UP, 0 SEND_RESPONSE, 500 SEND_RESPONSE, 1500 SEND_RESPONSE, 3500 "
		 "SEND_RESPONSE, 7500 SEND_RESPONSE, 11500 SEND_RESPONSE, 15500 SEND_RESPONSE, "
		 "19500 SEND_RESPONSE, 23500 SEND_RESPONSE, 27500 SEND_RESPONSE, 31500 "
		 "SEND_RESPONSE, 32000 TIMEOUT END"},
	{.name = "INVITE, 486 over TLS without ACK: only H",
	 .kind = TXN_SERVER_INVITE,
	 .reliable = true,
	 .event = {{0, TXN_EV_START}, {0, TXN_EV_408}},
	 .n = 2,
	 .want = "0 PASS_UP, 0 SEND_RESPONSE, 32000 TIMEOUT END"},
	{.name = "INVITE, ACK ends G, I absorbs its copies",
	 .kind = TXN_SERVER_INVITE,
	 .event = {{0, TXN_EV_START},
		   {0, TXN_EV_3XX_6XX},
		   {600, TXN_EV_ACK},
		   {700, TXN_EV_ACK},
		   {800, TXN_EV_REQUEST}},
	 .n = 5,
	 .want = "0 PASS_UP, 0 SEND_RESPONSE, 500 SEND_RESPONSE, 600 ABSORB, 700 ABSORB, 800 "
		 "ABSORB, 5600 END"},
	{.name = "INVITE, ACK over TLS: I is 0",
	 .kind = TXN_SERVER_INVITE,
	 .reliable = true,
	 .event = {{0, TXN_EV_START}, {0, TXN_EV_3XX_6XX}, {10, TXN_EV_ACK}, {20, TXN_EV_ACK}},
	 .n = 4,
	 .want = "0 PASS_UP, 0 SEND_RESPONSE, 10 ABSORB END"},
	{.name = "INVITE, RFC 6026: copies absorbed after the 2xx, its copies sent, L",
	 .kind = TXN_SERVER_INVITE,
	 .event = {{0, TXN_EV_START},
		   {50, TXN_EV_2XX},
		   {500, TXN_EV_REQUEST},
		   {550, TXN_EV_2XX},
		   {600, TXN_EV_3XX_6XX},
		   {700, TXN_EV_1XX},
		   {800, TXN_EV_ACK}},
	 .n = 7,
	 .want = "0 PASS_UP, 50 SEND_RESPONSE, 500 ABSORB, 550 SEND_RESPONSE, 800 PASS_UP, 32050 "
		 "END"},
	{.name = "INVITE, RFC 6026 8.8: a failed send only informs",
	 .kind = TXN_SERVER_INVITE,
	 .reliable = true,
	 .event = {{0, TXN_EV_START},
		   {10, TXN_EV_1XX},
		   {10, TXN_EV_ERROR},
		   {20, TXN_EV_2XX},
		   {20, TXN_EV_ERROR},
		   {30, TXN_EV_2XX}},
	 .n = 6,
	 .want = "0 PASS_UP, 10 SEND_RESPONSE, 10 TRANSPORT_ERROR, 20 SEND_RESPONSE, 20 "
		 "TRANSPORT_ERROR, 30 SEND_RESPONSE, 32020 END"},
	{.name = "other, RFC 4320: no word: one 100 when E has grown to T2, silent end",
	 .kind = TXN_SERVER_OTHER,
	 .event = {{0, TXN_EV_START},
		   {500, TXN_EV_REQUEST},
		   {1500, TXN_EV_REQUEST},
		   {3600, TXN_EV_REQUEST}},
	 .n = 4,
	 .want = "0 PASS_UP, 500 ABSORB, 1500 ABSORB, 3500 SEND_100, 3600 SEND_RESPONSE ABSORB, "
		 "32000 TIMEOUT END"},
	{.name = "other, RFC 4320: over UDP no 100 before",
	 .kind = TXN_SERVER_OTHER,
	 .event = {{0, TXN_EV_START}, {100, TXN_EV_100}, {3499, TXN_EV_100}, {3500, TXN_EV_100}},
	 .n = 4,
	 .want = "0 PASS_UP, 3500 SEND_100, 3500 SEND_RESPONSE, 32000 TIMEOUT END"},
	{.name = "other, RFC 4320: over TCP a 100 at any time, and then none by itself",
	 .kind = TXN_SERVER_OTHER,
	 .reliable = true,
	 .event = {{0, TXN_EV_START}, {100, TXN_EV_100}},
	 .n = 2,
	 .want = "0 PASS_UP, 100 SEND_RESPONSE, 32000 TIMEOUT END"},
	{.name = "other, RFC 4320: T2 of 1 s",
	 .kind = TXN_SERVER_OTHER,
	 .reliable = true,
	 .times = {.t2_us = 1000000},
	 .event = {{0, TXN_EV_START}},
	 .n = 1,
	 .want = "0 PASS_UP, 500 SEND_100, 32000 TIMEOUT END"},
	{.name = "other, RFC 4320: 408 is not sent",
	 .kind = TXN_SERVER_OTHER,
	 .event = {{0, TXN_EV_START}, {31000, TXN_EV_408}, {31500, TXN_EV_REQUEST}},
	 .n = 3,
	 .want = "0 PASS_UP, 3500 SEND_100, 31500 SEND_RESPONSE ABSORB, 32000 TIMEOUT END"},
	{.name = "other, 200 over UDP: copies until J",
	 .kind = TXN_SERVER_OTHER,
	 .event = {{0, TXN_EV_START},
		   {10, TXN_EV_2XX},
		   {500, TXN_EV_REQUEST},
		   {600, TXN_EV_3XX_6XX},
		   {32009, TXN_EV_REQUEST}},
	 .n = 5,
	 .want = "0 PASS_UP, 10 SEND_RESPONSE, 500 SEND_RESPONSE ABSORB, 32009 SEND_RESPONSE "
		 "ABSORB, 32010 END"},
	{.name = "other, 200 over TLS: J is 0",
	 .kind = TXN_SERVER_OTHER,
	 .reliable = true,
	 .event = {{0, TXN_EV_START}, {10, TXN_EV_2XX}, {500, TXN_EV_REQUEST}},
	 .n = 3,
	 .want = "0 PASS_UP, 10 SEND_RESPONSE END"},
};

static void
test_plays_M12(void **state)
{
	(void)state;
	play_all(plays, ARRAY_LEN(plays));
}

static void
test_cancellable(void **state)
{
	static const struct {
		const char *name;
		enum txn_kind kind;
		enum txn_event second;
		bool want;
	} rows[] = {
		{"INVITE, nothing said", TXN_SERVER_INVITE, TXN_EV_START, true},
		{"INVITE, ringing", TXN_SERVER_INVITE, TXN_EV_1XX, true},
		{"INVITE, answered", TXN_SERVER_INVITE, TXN_EV_2XX, false},
		{"INVITE, refused", TXN_SERVER_INVITE, TXN_EV_3XX_6XX, false},
		{"BYE", TXN_SERVER_OTHER, TXN_EV_START, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct txn t;

		txn_init(&t, rows[i].kind, false, NULL);
		play_skip(&t, TXN_EV_START, 0);
		play_skip(&t, rows[i].second, 0);
		if (txn_server_cancellable(&t) != rows[i].want)
			fail_msg("%s", rows[i].name);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_clock_states),
		cmocka_unit_test(test_plays_M12),
		cmocka_unit_test(test_cancellable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
