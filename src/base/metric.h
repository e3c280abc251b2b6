/* Counters and gauges, one list. Each worker has a page of its own in shared memory, which it
 * alone writes; readers add the pages up. Pages are kept over restarts of a role. */
#ifndef POSTERN_BASE_METRIC_H
#define POSTERN_BASE_METRIC_H

#include <stdatomic.h>
#include <stdint.h>

/* name, kind (counter | gauge), help. Add a line where you count something new. */
#define METRIC_LIST(X)                                                                             \
	X(log_dropped, counter, "log lines lost because the pipe was full")                        \
	X(sip_rx, counter, "SIP messages received")                                                \
	X(sip_tx, counter, "SIP messages sent")                                                    \
	X(sip_bad, counter, "SIP messages that could not be parsed")                               \
	X(sip_unknown_source, counter,                                                             \
	  "datagrams from an address of no trunk, dropped in silence")                             \
	X(sip_over_budget, counter,                                                                \
	  "connections of sources that nobody knows and that made too many")                       \
	X(tls_accepted, counter, "TLS handshakes that selected an account")                        \
	X(tls_refused, counter, "TLS handshakes refused")                                          \
	X(tls_in_hand, gauge, "TLS handshakes in hand")                                            \
	X(handshakes_kept, counter,                                                                \
	  "entries taken into the store: handshakes, refused requests, counts of floods")          \
	X(handshakes_lost, counter, "of these, lost because the store was too slow or broken")     \
	X(conn_open, gauge, "connections open")                                                    \
	X(calls, gauge, "calls now")                                                               \
	X(calls_total, counter, "calls begun")                                                     \
	X(calls_answered, counter, "calls answered")                                               \
	X(calls_refused, counter, "calls refused by postern")                                      \
	X(calls_unrecorded, counter,                                                               \
	  "of these, without a CDR: more of them waited to be written than there was room for")    \
	X(calls_emergency, counter, "emergency calls of customers, carried or not")                \
	X(calls_emergency_refused, counter, "of these, refused: they came over TLS, mostly")       \
	X(calls_restored, counter, "calls taken over from their records after a restart")          \
	X(dtls_keyed, counter, "DTLS handshakes that gave a leg its SRTP keys")                    \
	X(dtls_failed, counter, "DTLS handshakes of legs that failed, or were not done in time")   \
	X(ice_nominated, counter, "addresses of media that the far end of a leg nominated by ICE") \
	X(stun_answered, counter, "checks of ICE on media ports that were answered")               \
	X(stun_refused, counter,                                                                   \
	  "of those that named a call, refused: not signed with its password, or malformed")       \
	X(legs_fell_clear, counter,                                                                \
	  "legs of trunks that prefer SRTP whose media went in clear; each is in its CDR")         \
	X(calls_one_way, counter,                                                                  \
	  "answered calls with a side that nothing was heard from; its CDR says why")              \
	X(legs_silent, counter,                                                                    \
	  "legs that nothing was heard from when they were looked at while the call ran")          \
	X(legs_repaired, counter, "of these, asked anew for their address and key (repair)")       \
	X(digits_to_events, counter,                                                               \
	  "digits that came in INFO and were sent as events (RFC 4733)")                           \
	X(digits_to_info, counter, "digits that came as events and were taken in INFO")            \
	X(digits_lost, counter, "digits that could not be turned, or that INFO was refused for")   \
	X(digit_ends_lost, counter, "digits that came as events without their end")                \
	X(calls_shed, counter, "new calls refused because of overload (503)")                      \
	X(calls_left_out, counter, "calls not sent to a target that asked for fewer (RFC 7339)")   \
	X(admitted_percent, gauge, "of 100 new calls so many are admitted")                        \
	X(signaling_delay_us, gauge, "least time that a message waited, in the last 20 ms ")       \
	X(ports_used, gauge, "media ports in use")                                                 \
	X(transactions, gauge, "SIP transactions in hand, those that wait for copies too")         \
	X(timers, gauge, "timers of signaling that are set")                                       \
	X(media_packets, counter, "packets received on media ports")                               \
	X(media_dropped, counter, "of these, dropped; reasons in the flow table")                  \
	X(cdr_written, counter, "call detail records written and synced")                          \
	X(roles_ready, gauge, "roles that serve: 3 when all do")                                   \
	X(restarts, counter, "roles started again after their death")

enum metric {
#define X(name, kind, help) METRIC_##name,
	METRIC_LIST(X)
#undef X
		METRIC_N
};

enum { METRIC_SLOTS = 128 }; /* room for the list to grow without another layout */
_Static_assert((int)METRIC_N <= (int)METRIC_SLOTS, "too many metrics for a page");

struct metric_page {
	_Atomic uint64_t v[METRIC_SLOTS];
};

/** The page that this thread writes; without it, a private one. */
void metric_bind(struct metric_page *page);
void metric_add(enum metric m, int64_t n);
void metric_set(enum metric m, uint64_t v);
uint64_t metric_get(const struct metric_page *page, enum metric m);
const char *metric_name(enum metric m);
const char *metric_help(enum metric m);
int metric_is_gauge(enum metric m);

#endif
