/* sip/txn_client: every (state, event), every timer (RFC 3261 17.1, RFC 6026). */
#include "unit/sip/txn_play.h"

static const struct play_state invite_udp[] = {
	{.state = TXN_NEW,
	 .cell = {
		 [TXN_EV_START] = GO(CALLING, TXN_DO_SEND_REQUEST),
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
	{.state = TXN_CALLING,
	 .way = {TXN_EV_START},
	 .n_way = 1,
	 .cell = {
		 [TXN_EV_START] = IGNORED,
		 [TXN_EV_TIMER] = STAY(TXN_DO_SEND_REQUEST),
		 [TXN_EV_100] = GO(PROCEEDING, TXN_DO_PASS_UP),
		 [TXN_EV_1XX] = GO(PROCEEDING, TXN_DO_PASS_UP),
		 [TXN_EV_2XX] = GO(ACCEPTED, TXN_DO_PASS_UP),
		 [TXN_EV_408] = GO(COMPLETED, TXN_DO_SEND_ACK | TXN_DO_PASS_UP),
		 [TXN_EV_3XX_6XX] = GO(COMPLETED, TXN_DO_SEND_ACK | TXN_DO_PASS_UP),
		 [TXN_EV_REQUEST] = IGNORED,
		 [TXN_EV_ACK] = IGNORED,
		 [TXN_EV_CANCEL] = IGNORED,
		 [TXN_EV_ERROR] = GO(TERMINATED, TXN_DO_TRANSPORT_ERROR | TXN_DO_END),
	 }},
	{.state = TXN_CALLING,
	 .way = {TXN_EV_START, TXN_EV_CANCEL},
	 .n_way = 2,
	 .cell = {
		 [TXN_EV_START] = IGNORED,
		 [TXN_EV_TIMER] = STAY(TXN_DO_SEND_REQUEST),
		 [TXN_EV_100] = GO(PROCEEDING, TXN_DO_PASS_UP | TXN_DO_SEND_CANCEL),
		 [TXN_EV_1XX] = GO(PROCEEDING, TXN_DO_PASS_UP | TXN_DO_SEND_CANCEL),
		 [TXN_EV_2XX] = GO(ACCEPTED, TXN_DO_PASS_UP),
		 [TXN_EV_408] = GO(COMPLETED, TXN_DO_SEND_ACK | TXN_DO_PASS_UP),
		 [TXN_EV_3XX_6XX] = GO(COMPLETED, TXN_DO_SEND_ACK | TXN_DO_PASS_UP),
		 [TXN_EV_REQUEST] = IGNORED,
		 [TXN_EV_ACK] = IGNORED,
		 [TXN_EV_CANCEL] = IGNORED,
		 [TXN_EV_ERROR] = GO(TERMINATED, TXN_DO_TRANSPORT_ERROR | TXN_DO_END),
	 }},
	{.state = TXN_PROCEEDING,
	 .way = {TXN_EV_START, TXN_EV_1XX},
	 .n_way = 2,
	 .cell = {
		 [TXN_EV_START] = IGNORED,
		 [TXN_EV_TIMER] = IGNORED,
		 [TXN_EV_100] = STAY(TXN_DO_PASS_UP),
		 [TXN_EV_1XX] = STAY(TXN_DO_PASS_UP),
		 [TXN_EV_2XX] = GO(ACCEPTED, TXN_DO_PASS_UP),
		 [TXN_EV_408] = GO(COMPLETED, TXN_DO_SEND_ACK | TXN_DO_PASS_UP),
		 [TXN_EV_3XX_6XX] = GO(COMPLETED, TXN_DO_SEND_ACK | TXN_DO_PASS_UP),
		 [TXN_EV_REQUEST] = IGNORED,
		 [TXN_EV_ACK] = IGNORED,
		 [TXN_EV_CANCEL] = STAY(TXN_DO_SEND_CANCEL),
		 [TXN_EV_ERROR] = IGNORED,
	 }},
	{.state = TXN_PROCEEDING,
	 .way = {TXN_EV_START, TXN_EV_1XX, TXN_EV_CANCEL},
	 .n_way = 3,
	 .cell = {
		 [TXN_EV_START] = IGNORED,
		 [TXN_EV_TIMER] = GO(TERMINATED, TXN_DO_TIMEOUT | TXN_DO_END),
		 [TXN_EV_100] = STAY(TXN_DO_PASS_UP),
		 [TXN_EV_1XX] = STAY(TXN_DO_PASS_UP),
		 [TXN_EV_2XX] = GO(ACCEPTED, TXN_DO_PASS_UP),
		 [TXN_EV_408] = GO(COMPLETED, TXN_DO_SEND_ACK | TXN_DO_PASS_UP),
		 [TXN_EV_3XX_6XX] = GO(COMPLETED, TXN_DO_SEND_ACK | TXN_DO_PASS_UP),
		 [TXN_EV_REQUEST] = IGNORED,
		 [TXN_EV_ACK] = IGNORED,
		 [TXN_EV_CANCEL] = IGNORED,
		 [TXN_EV_ERROR] = IGNORED,
	 }},
	{.state = TXN_COMPLETED,
	 .way = {TXN_EV_START, TXN_EV_3XX_6XX},
	 .n_way = 2,
	 .cell = {
		 [TXN_EV_START] = IGNORED,
		 [TXN_EV_TIMER] = GO(TERMINATED, TXN_DO_END),
		 [TXN_EV_100] = STAY(TXN_DO_ABSORB),
		 [TXN_EV_1XX] = STAY(TXN_DO_ABSORB),
		 [TXN_EV_2XX] = STAY(TXN_DO_ABSORB),
		 [TXN_EV_408] = STAY(TXN_DO_SEND_ACK | TXN_DO_ABSORB),
		 [TXN_EV_3XX_6XX] = STAY(TXN_DO_SEND_ACK | TXN_DO_ABSORB),
		 [TXN_EV_REQUEST] = IGNORED,
		 [TXN_EV_ACK] = IGNORED,
		 [TXN_EV_CANCEL] = IGNORED,
		 [TXN_EV_ERROR] = GO(TERMINATED, TXN_DO_TRANSPORT_ERROR | TXN_DO_END),
	 }},
	{.state = TXN_ACCEPTED,
	 .way = {TXN_EV_START, TXN_EV_1XX, TXN_EV_2XX},
	 .n_way = 3,
	 .cell = {
		 [TXN_EV_START] = IGNORED,
		 [TXN_EV_TIMER] = GO(TERMINATED, TXN_DO_END),
		 [TXN_EV_100] = STAY(TXN_DO_ABSORB),
		 [TXN_EV_1XX] = STAY(TXN_DO_ABSORB),
		 [TXN_EV_2XX] = STAY(TXN_DO_PASS_UP),
		 [TXN_EV_408] = STAY(TXN_DO_ABSORB),
		 [TXN_EV_3XX_6XX] = STAY(TXN_DO_ABSORB),
		 [TXN_EV_REQUEST] = IGNORED,
		 [TXN_EV_ACK] = IGNORED,
		 [TXN_EV_CANCEL] = IGNORED,
		 [TXN_EV_ERROR] = IGNORED,
	 }},
	{.state = TXN_TERMINATED,
	 .way = {TXN_EV_START, TXN_EV_ERROR},
	 .n_way = 2,
	 .cell = {
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

static const struct play_state invite_tls[] = {
	{.state = TXN_NEW,
	 .cell = {
		 [TXN_EV_START] = GO(CALLING, TXN_DO_SEND_REQUEST),
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
	{.state = TXN_CALLING,
	 .way = {TXN_EV_START},
	 .n_way = 1,
	 .cell = {
		 [TXN_EV_START] = IGNORED,
		 [TXN_EV_TIMER] = GO(TERMINATED, TXN_DO_TIMEOUT | TXN_DO_END),
		 [TXN_EV_100] = GO(PROCEEDING, TXN_DO_PASS_UP),
		 [TXN_EV_1XX] = GO(PROCEEDING, TXN_DO_PASS_UP),
		 [TXN_EV_2XX] = GO(ACCEPTED, TXN_DO_PASS_UP),
		 [TXN_EV_408] = GO(TERMINATED, TXN_DO_SEND_ACK | TXN_DO_PASS_UP | TXN_DO_END),
		 [TXN_EV_3XX_6XX] = GO(TERMINATED, TXN_DO_SEND_ACK | TXN_DO_PASS_UP | TXN_DO_END),
		 [TXN_EV_REQUEST] = IGNORED,
		 [TXN_EV_ACK] = IGNORED,
		 [TXN_EV_CANCEL] = IGNORED,
		 [TXN_EV_ERROR] = GO(TERMINATED, TXN_DO_TRANSPORT_ERROR | TXN_DO_END),
	 }},
	{.state = TXN_CALLING,
	 .way = {TXN_EV_START, TXN_EV_CANCEL},
	 .n_way = 2,
	 .cell = {
		 [TXN_EV_START] = IGNORED,
		 [TXN_EV_TIMER] = GO(TERMINATED, TXN_DO_TIMEOUT | TXN_DO_END),
		 [TXN_EV_100] = GO(PROCEEDING, TXN_DO_PASS_UP | TXN_DO_SEND_CANCEL),
		 [TXN_EV_1XX] = GO(PROCEEDING, TXN_DO_PASS_UP | TXN_DO_SEND_CANCEL),
		 [TXN_EV_2XX] = GO(ACCEPTED, TXN_DO_PASS_UP),
		 [TXN_EV_408] = GO(TERMINATED, TXN_DO_SEND_ACK | TXN_DO_PASS_UP | TXN_DO_END),
		 [TXN_EV_3XX_6XX] = GO(TERMINATED, TXN_DO_SEND_ACK | TXN_DO_PASS_UP | TXN_DO_END),
		 [TXN_EV_REQUEST] = IGNORED,
		 [TXN_EV_ACK] = IGNORED,
		 [TXN_EV_CANCEL] = IGNORED,
		 [TXN_EV_ERROR] = GO(TERMINATED, TXN_DO_TRANSPORT_ERROR | TXN_DO_END),
	 }},
	{.state = TXN_PROCEEDING,
	 .way = {TXN_EV_START, TXN_EV_1XX},
	 .n_way = 2,
	 .cell = {
		 [TXN_EV_START] = IGNORED,
		 [TXN_EV_TIMER] = IGNORED,
		 [TXN_EV_100] = STAY(TXN_DO_PASS_UP),
		 [TXN_EV_1XX] = STAY(TXN_DO_PASS_UP),
		 [TXN_EV_2XX] = GO(ACCEPTED, TXN_DO_PASS_UP),
		 [TXN_EV_408] = GO(TERMINATED, TXN_DO_SEND_ACK | TXN_DO_PASS_UP | TXN_DO_END),
		 [TXN_EV_3XX_6XX] = GO(TERMINATED, TXN_DO_SEND_ACK | TXN_DO_PASS_UP | TXN_DO_END),
		 [TXN_EV_REQUEST] = IGNORED,
		 [TXN_EV_ACK] = IGNORED,
		 [TXN_EV_CANCEL] = STAY(TXN_DO_SEND_CANCEL),
		 [TXN_EV_ERROR] = IGNORED,
	 }},
	{.state = TXN_PROCEEDING,
	 .way = {TXN_EV_START, TXN_EV_1XX, TXN_EV_CANCEL},
	 .n_way = 3,
	 .cell = {
		 [TXN_EV_START] = IGNORED,
		 [TXN_EV_TIMER] = GO(TERMINATED, TXN_DO_TIMEOUT | TXN_DO_END),
		 [TXN_EV_100] = STAY(TXN_DO_PASS_UP),
		 [TXN_EV_1XX] = STAY(TXN_DO_PASS_UP),
		 [TXN_EV_2XX] = GO(ACCEPTED, TXN_DO_PASS_UP),
		 [TXN_EV_408] = GO(TERMINATED, TXN_DO_SEND_ACK | TXN_DO_PASS_UP | TXN_DO_END),
		 [TXN_EV_3XX_6XX] = GO(TERMINATED, TXN_DO_SEND_ACK | TXN_DO_PASS_UP | TXN_DO_END),
		 [TXN_EV_REQUEST] = IGNORED,
		 [TXN_EV_ACK] = IGNORED,
		 [TXN_EV_CANCEL] = IGNORED,
		 [TXN_EV_ERROR] = IGNORED,
	 }},
	{.state = TXN_ACCEPTED,
	 .way = {TXN_EV_START, TXN_EV_1XX, TXN_EV_2XX},
	 .n_way = 3,
	 .cell = {
		 [TXN_EV_START] = IGNORED,
		 [TXN_EV_TIMER] = GO(TERMINATED, TXN_DO_END),
		 [TXN_EV_100] = STAY(TXN_DO_ABSORB),
		 [TXN_EV_1XX] = STAY(TXN_DO_ABSORB),
		 [TXN_EV_2XX] = STAY(TXN_DO_PASS_UP),
		 [TXN_EV_408] = STAY(TXN_DO_ABSORB),
		 [TXN_EV_3XX_6XX] = STAY(TXN_DO_ABSORB),
		 [TXN_EV_REQUEST] = IGNORED,
		 [TXN_EV_ACK] = IGNORED,
		 [TXN_EV_CANCEL] = IGNORED,
		 [TXN_EV_ERROR] = IGNORED,
	 }},
	{.state = TXN_TERMINATED,
	 .way = {TXN_EV_START, TXN_EV_ERROR},
	 .n_way = 2,
	 .cell = {
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
			 [TXN_EV_START] = GO(TRYING, TXN_DO_SEND_REQUEST),
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
			 [TXN_EV_TIMER] = STAY(TXN_DO_SEND_REQUEST),
			 [TXN_EV_100] = GO(PROCEEDING, TXN_DO_PASS_UP),
			 [TXN_EV_1XX] = GO(PROCEEDING, TXN_DO_PASS_UP),
			 [TXN_EV_2XX] = GO(COMPLETED, TXN_DO_PASS_UP),
			 [TXN_EV_408] = GO(COMPLETED, TXN_DO_PASS_UP),
			 [TXN_EV_3XX_6XX] = GO(COMPLETED, TXN_DO_PASS_UP),
			 [TXN_EV_REQUEST] = IGNORED,
			 [TXN_EV_ACK] = IGNORED,
			 [TXN_EV_CANCEL] = IGNORED,
			 [TXN_EV_ERROR] = GO(TERMINATED, TXN_DO_TRANSPORT_ERROR | TXN_DO_END),
		 }},
	{.state = TXN_PROCEEDING,
	 .way = {TXN_EV_START, TXN_EV_100},
	 .n_way = 2,
	 .cell =
		 {
			 [TXN_EV_START] = IGNORED,
			 [TXN_EV_TIMER] = STAY(TXN_DO_SEND_REQUEST),
			 [TXN_EV_100] = STAY(TXN_DO_PASS_UP),
			 [TXN_EV_1XX] = STAY(TXN_DO_PASS_UP),
			 [TXN_EV_2XX] = GO(COMPLETED, TXN_DO_PASS_UP),
			 [TXN_EV_408] = GO(COMPLETED, TXN_DO_PASS_UP),
			 [TXN_EV_3XX_6XX] = GO(COMPLETED, TXN_DO_PASS_UP),
			 [TXN_EV_REQUEST] = IGNORED,
			 [TXN_EV_ACK] = IGNORED,
			 [TXN_EV_CANCEL] = IGNORED,
			 [TXN_EV_ERROR] = GO(TERMINATED, TXN_DO_TRANSPORT_ERROR | TXN_DO_END),
		 }},
	{.state = TXN_COMPLETED,
	 .way = {TXN_EV_START, TXN_EV_2XX},
	 .n_way = 2,
	 .cell =
		 {
			 [TXN_EV_START] = IGNORED,
			 [TXN_EV_TIMER] = GO(TERMINATED, TXN_DO_END),
			 [TXN_EV_100] = STAY(TXN_DO_ABSORB),
			 [TXN_EV_1XX] = STAY(TXN_DO_ABSORB),
			 [TXN_EV_2XX] = STAY(TXN_DO_ABSORB),
			 [TXN_EV_408] = STAY(TXN_DO_ABSORB),
			 [TXN_EV_3XX_6XX] = STAY(TXN_DO_ABSORB),
			 [TXN_EV_REQUEST] = IGNORED,
			 [TXN_EV_ACK] = IGNORED,
			 [TXN_EV_CANCEL] = IGNORED,
			 [TXN_EV_ERROR] = IGNORED,
		 }},
	{.state = TXN_TERMINATED,
	 .way = {TXN_EV_START, TXN_EV_ERROR},
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

static const struct play_state other_tls[] = {
	{.state = TXN_NEW,
	 .cell =
		 {
			 [TXN_EV_START] = GO(TRYING, TXN_DO_SEND_REQUEST),
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
			 [TXN_EV_TIMER] = GO(TERMINATED, TXN_DO_TIMEOUT | TXN_DO_END),
			 [TXN_EV_100] = GO(PROCEEDING, TXN_DO_PASS_UP),
			 [TXN_EV_1XX] = GO(PROCEEDING, TXN_DO_PASS_UP),
			 [TXN_EV_2XX] = GO(TERMINATED, TXN_DO_PASS_UP | TXN_DO_END),
			 [TXN_EV_408] = GO(TERMINATED, TXN_DO_PASS_UP | TXN_DO_END),
			 [TXN_EV_3XX_6XX] = GO(TERMINATED, TXN_DO_PASS_UP | TXN_DO_END),
			 [TXN_EV_REQUEST] = IGNORED,
			 [TXN_EV_ACK] = IGNORED,
			 [TXN_EV_CANCEL] = IGNORED,
			 [TXN_EV_ERROR] = GO(TERMINATED, TXN_DO_TRANSPORT_ERROR | TXN_DO_END),
		 }},
	{.state = TXN_PROCEEDING,
	 .way = {TXN_EV_START, TXN_EV_100},
	 .n_way = 2,
	 .cell =
		 {
			 [TXN_EV_START] = IGNORED,
			 [TXN_EV_TIMER] = GO(TERMINATED, TXN_DO_TIMEOUT | TXN_DO_END),
			 [TXN_EV_100] = STAY(TXN_DO_PASS_UP),
			 [TXN_EV_1XX] = STAY(TXN_DO_PASS_UP),
			 [TXN_EV_2XX] = GO(TERMINATED, TXN_DO_PASS_UP | TXN_DO_END),
			 [TXN_EV_408] = GO(TERMINATED, TXN_DO_PASS_UP | TXN_DO_END),
			 [TXN_EV_3XX_6XX] = GO(TERMINATED, TXN_DO_PASS_UP | TXN_DO_END),
			 [TXN_EV_REQUEST] = IGNORED,
			 [TXN_EV_ACK] = IGNORED,
			 [TXN_EV_CANCEL] = IGNORED,
			 [TXN_EV_ERROR] = GO(TERMINATED, TXN_DO_TRANSPORT_ERROR | TXN_DO_END),
		 }},
	{.state = TXN_TERMINATED,
	 .way = {TXN_EV_START, TXN_EV_ERROR},
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
	play_table(TXN_CLIENT_INVITE, "client INVITE", false, invite_udp, ARRAY_LEN(invite_udp));
	play_table(TXN_CLIENT_INVITE, "client INVITE", true, invite_tls, ARRAY_LEN(invite_tls));
	play_table(TXN_CLIENT_OTHER, "client other", false, other_udp, ARRAY_LEN(other_udp));
	play_table(TXN_CLIENT_OTHER, "client other", true, other_tls, ARRAY_LEN(other_tls));
}

static const struct play plays[] = {
	{.name = "INVITE, unreliable, no answer: timers A and B",
	 .kind = TXN_CLIENT_INVITE,
	 .event = {{0, TXN_EV_START}},
	 .n = 1,
	 .want = "0 SEND_REQUEST, 500 SEND_REQUEST, 1500 SEND_REQUEST, 3500 SEND_REQUEST, 7500 "
		 "SEND_REQUEST, 15500 SEND_REQUEST, 31500 SEND_REQUEST, 32000 TIMEOUT END"},
	{.name = "INVITE, reliable, no answer: timer B",
	 .kind = TXN_CLIENT_INVITE,
	 .reliable = true,
	 .event = {{0, TXN_EV_START}},
	 .n = 1,
	 .want = "0 SEND_REQUEST, 32000 TIMEOUT END"},
	{.name = "INVITE, T1 of 100 ms",
	 .kind = TXN_CLIENT_INVITE,
	 .times = {.t1_us = 100000},
	 .event = {{0, TXN_EV_START}},
	 .n = 1,
	 .want = "0 SEND_REQUEST, 100 SEND_REQUEST, 300 SEND_REQUEST, 700 SEND_REQUEST, 1500 "
		 "SEND_REQUEST, 3100 SEND_REQUEST, 6300 SEND_REQUEST, 6400 TIMEOUT END"},
	{.name = "INVITE, a provisional ends the copies, and nothing ends the ringing",
	 .kind = TXN_CLIENT_INVITE,
	 .event = {{0, TXN_EV_START}, {700, TXN_EV_100}, {1000, TXN_EV_1XX}, {500000, TXN_EV_2XX}},
	 .n = 4,
	 .want = "0 SEND_REQUEST, 500 SEND_REQUEST, 700 PASS_UP, 1000 PASS_UP, 500000 PASS_UP, "
		 "532000 END"},
	{.name = "INVITE, 486 over UDP: timer D, each copy gets its ACK",
	 .kind = TXN_CLIENT_INVITE,
	 .event = {{0, TXN_EV_START},
		   {100, TXN_EV_100},
		   {5000, TXN_EV_3XX_6XX},
		   {5500, TXN_EV_3XX_6XX},
		   {6500, TXN_EV_3XX_6XX}},
	 .n = 5,
	 .want = "0 SEND_REQUEST, 100 PASS_UP, 5000 SEND_ACK PASS_UP, 5500 SEND_ACK ABSORB, 6500 "
		 "SEND_ACK ABSORB, 37000 END"},
	{.name = "INVITE, timer D is never under 32 s",
	 .kind = TXN_CLIENT_INVITE,
	 .times = {.t1_us = 100000},
	 .event = {{0, TXN_EV_START}, {50, TXN_EV_3XX_6XX}},
	 .n = 2,
	 .want = "0 SEND_REQUEST, 50 SEND_ACK PASS_UP, 32050 END"},
	{.name = "INVITE, timer D grows with T1",
	 .kind = TXN_CLIENT_INVITE,
	 .times = {.t1_us = 1000000},
	 .event = {{0, TXN_EV_START}, {50, TXN_EV_3XX_6XX}},
	 .n = 2,
	 .want = "0 SEND_REQUEST, 50 SEND_ACK PASS_UP, 64050 END"},
	{.name = "INVITE, 486 over TLS: timer D is 0",
	 .kind = TXN_CLIENT_INVITE,
	 .reliable = true,
	 .event = {{0, TXN_EV_START}, {100, TXN_EV_3XX_6XX}, {200, TXN_EV_3XX_6XX}},
	 .n = 3,
	 .want = "0 SEND_REQUEST, 100 SEND_ACK PASS_UP END"},
	{.name = "INVITE, RFC 6026: 2xx of another fork within timer M",
	 .kind = TXN_CLIENT_INVITE,
	 .reliable = true,
	 .event = {{0, TXN_EV_START},
		   {100, TXN_EV_1XX},
		   {3000, TXN_EV_2XX},
		   {3100, TXN_EV_2XX},
		   {3200, TXN_EV_3XX_6XX},
		   {34900, TXN_EV_2XX},
		   {35001, TXN_EV_2XX}},
	 .n = 7,
	 .want = "0 SEND_REQUEST, 100 PASS_UP, 3000 PASS_UP, 3100 PASS_UP, 3200 ABSORB, 34900 "
		 "PASS_UP, 35000 END"},
	{.name = "CANCEL before any provisional waits for it, 64*T1 after it all ends",
	 .kind = TXN_CLIENT_INVITE,
	 .event = {{0, TXN_EV_START}, {100, TXN_EV_CANCEL}, {600, TXN_EV_100}},
	 .n = 3,
	 .want = "0 SEND_REQUEST, 500 SEND_REQUEST, 600 PASS_UP SEND_CANCEL, 32600 TIMEOUT END"},
	{.name = "CANCEL while ringing, 487 comes",
	 .kind = TXN_CLIENT_INVITE,
	 .event = {{0, TXN_EV_START},
		   {100, TXN_EV_1XX},
		   {9000, TXN_EV_CANCEL},
		   {9000, TXN_EV_CANCEL},
		   {9050, TXN_EV_3XX_6XX}},
	 .n = 5,
	 .want = "0 SEND_REQUEST, 100 PASS_UP, 9000 SEND_CANCEL, 9050 SEND_ACK PASS_UP, 41050 END"},
	{.name = "CANCEL crosses the 2xx",
	 .kind = TXN_CLIENT_INVITE,
	 .reliable = true,
	 .event = {{0, TXN_EV_START},
		   {100, TXN_EV_1XX},
		   {9000, TXN_EV_CANCEL},
		   {9010, TXN_EV_2XX},
		   {40000, TXN_EV_2XX}},
	 .n = 5,
	 .want = "0 SEND_REQUEST, 100 PASS_UP, 9000 SEND_CANCEL, 9010 PASS_UP, 40000 PASS_UP, "
		 "41010 END"},
	{.name = "CANCEL wanted, no provisional ever: timer B, no CANCEL",
	 .kind = TXN_CLIENT_INVITE,
	 .reliable = true,
	 .event = {{0, TXN_EV_START}, {100, TXN_EV_CANCEL}},
	 .n = 2,
	 .want = "0 SEND_REQUEST, 32000 TIMEOUT END"},
	{.name = "the send fails",
	 .kind = TXN_CLIENT_INVITE,
	 .event = {{0, TXN_EV_START}, {0, TXN_EV_ERROR}, {10, TXN_EV_1XX}},
	 .n = 3,
	 .want = "0 SEND_REQUEST, 0 TRANSPORT_ERROR END"},
	{.name = "other, unreliable, no answer: E capped at T2, F",
	 .kind = TXN_CLIENT_OTHER,
	 .event = {{0, TXN_EV_START}},
	 .n = 1,
	 .want = "0 SEND_REQUEST, 500 SEND_REQUEST, 1500 SEND_REQUEST, 3500 SEND_REQUEST, 7500 "
		 "SEND_REQUEST, 11500 SEND_REQUEST, 15500 SEND_REQUEST, 19500 SEND_REQUEST, 23500 "
		 "SEND_REQUEST, 27500 SEND_REQUEST, 31500 SEND_REQUEST, 32000 TIMEOUT END"},
	{.name = "other, reliable, no answer: timer F",
	 .kind = TXN_CLIENT_OTHER,
	 .reliable = true,
	 .event = {{0, TXN_EV_START}},
	 .n = 1,
	 .want = "0 SEND_REQUEST, 32000 TIMEOUT END"},
	{.name = "other, after a 100 every T2",
	 .kind = TXN_CLIENT_OTHER,
	 .event = {{0, TXN_EV_START}, {600, TXN_EV_100}},
	 .n = 2,
	 .want = "0 SEND_REQUEST, 500 SEND_REQUEST, 600 PASS_UP, 1500 SEND_REQUEST, 5500 "
		 "SEND_REQUEST, 9500 SEND_REQUEST, 13500 SEND_REQUEST, 17500 SEND_REQUEST, 21500 "
		 "SEND_REQUEST, 25500 SEND_REQUEST, 29500 SEND_REQUEST, 32000 TIMEOUT END"},
	{.name = "other, T2 below T1 counts as T1",
	 .kind = TXN_CLIENT_OTHER,
	 .times = {.t1_us = 10000000, .t2_us = 1},
	 .event = {{0, TXN_EV_START}, {35000, TXN_EV_2XX}},
	 .n = 2,
	 .want = "0 SEND_REQUEST, 10000 SEND_REQUEST, 20000 SEND_REQUEST, 30000 SEND_REQUEST, "
		 "35000 PASS_UP, 40000 END"},
	{.name = "other, 200 over UDP: timer K absorbs copies",
	 .kind = TXN_CLIENT_OTHER,
	 .event = {{0, TXN_EV_START}, {200, TXN_EV_2XX}, {700, TXN_EV_2XX}},
	 .n = 3,
	 .want = "0 SEND_REQUEST, 200 PASS_UP, 700 ABSORB, 5200 END"},
	{.name = "other, 200 over TLS: timer K is 0",
	 .kind = TXN_CLIENT_OTHER,
	 .reliable = true,
	 .event = {{0, TXN_EV_START}, {200, TXN_EV_2XX}},
	 .n = 2,
	 .want = "0 SEND_REQUEST, 200 PASS_UP END"},
	{.name = "other, late final response after a 100",
	 .kind = TXN_CLIENT_OTHER,
	 .reliable = true,
	 .event = {{0, TXN_EV_START}, {4000, TXN_EV_100}, {31999, TXN_EV_408}},
	 .n = 3,
	 .want = "0 SEND_REQUEST, 4000 PASS_UP, 31999 PASS_UP END"},
};

static void
test_plays_M12(void **state)
{
	(void)state;
	play_all(plays, ARRAY_LEN(plays));
}

/* What may_cancel says is what the CANCEL then does. */
static const struct may_row {
	const char *name;
	enum txn_kind kind;
	enum txn_event way[4];
	unsigned n_way;
	enum txn_may_cancel want;
} may_rows[] = {
	{"INVITE not started", TXN_CLIENT_INVITE, {0}, 0, TXN_CANCEL_NEVER},
	{"INVITE sent", TXN_CLIENT_INVITE, {TXN_EV_START}, 1, TXN_CANCEL_LATER},
	{"waits already", TXN_CLIENT_INVITE, {TXN_EV_START, TXN_EV_CANCEL}, 2, TXN_CANCEL_NEVER},
	{"100 came", TXN_CLIENT_INVITE, {TXN_EV_START, TXN_EV_100}, 2, TXN_CANCEL_NOW},
	{"180 came", TXN_CLIENT_INVITE, {TXN_EV_START, TXN_EV_1XX}, 2, TXN_CANCEL_NOW},
	{"sent", TXN_CLIENT_INVITE, {TXN_EV_START, TXN_EV_1XX, TXN_EV_CANCEL}, 3, TXN_CANCEL_NEVER},
	{"2xx came",
	 TXN_CLIENT_INVITE,
	 {TXN_EV_START, TXN_EV_1XX, TXN_EV_2XX},
	 3,
	 TXN_CANCEL_NEVER},
	{"486 came", TXN_CLIENT_INVITE, {TXN_EV_START, TXN_EV_3XX_6XX}, 2, TXN_CANCEL_NEVER},
	{"BYE", TXN_CLIENT_OTHER, {TXN_EV_START, TXN_EV_100}, 2, TXN_CANCEL_NEVER},
};

static void
test_may_cancel(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(may_rows); i++) {
		const struct may_row *r = &may_rows[i];
		struct txn t;
		bool sends;

		txn_init(&t, r->kind, false, NULL);
		for (unsigned k = 0; k < r->n_way; k++)
			play_skip(&t, r->way[k], 0);
		if (txn_client_may_cancel(&t) != r->want)
			fail_msg("%s: got %d, want %d", r->name, txn_client_may_cancel(&t),
				 r->want);
		sends = txn_client_step(&t, TXN_EV_CANCEL, 1) & TXN_DO_SEND_CANCEL;
		if (sends != (r->want == TXN_CANCEL_NOW))
			fail_msg("%s: CANCEL %s", r->name, sends ? "sent" : "not sent");
	}
}

/* A poll that comes late: copies are not made up for, the end is not missed, no time lies behind.
 */
static void
test_stall(void **state)
{
	struct txn t;

	(void)state;
	txn_init(&t, TXN_CLIENT_OTHER, false, NULL);
	assert_int_equal(txn_client_step(&t, TXN_EV_START, 0), TXN_DO_SEND_REQUEST);
	assert_int_equal(txn_client_step(&t, TXN_EV_TIMER, 20000000), TXN_DO_SEND_REQUEST);
	assert_true(t.due == 21000000);
	assert_int_equal(txn_client_step(&t, TXN_EV_TIMER, 21000400), TXN_DO_SEND_REQUEST);
	assert_true(t.due == 23000000); /* the lateness of a poll does not add up */
	/* a message after the end, before the poll: still answered, and the poll comes at once */
	assert_int_equal(txn_client_step(&t, TXN_EV_100, 40000000), TXN_DO_PASS_UP);
	assert_true(t.due == 40000001);
	assert_int_equal(txn_client_step(&t, TXN_EV_TIMER, 40000001), TXN_DO_TIMEOUT | TXN_DO_END);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_plays_M12),
		cmocka_unit_test(test_may_cancel),
		cmocka_unit_test(test_stall),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
