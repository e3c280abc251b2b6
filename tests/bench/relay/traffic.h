/* The packets of bench relay: which they are, when they are sent, and those that came back. Each
 * call has two legs: A, encrypted in the SRTP cases, and B, clear. Each leg sends a packet of 20 ms
 * of sound in each cycle, and gets what the other one sent. Every byte follows from the numbers of
 * stream and packet, so that all contenders get the same, and all that comes back can be checked.
 * Plain data; one thread. */
#ifndef POSTERN_TESTS_BENCH_TRAFFIC_H
#define POSTERN_TESTS_BENCH_TRAFFIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	TRAFFIC_CALLS_MAX = 4000,
	TRAFFIC_STREAMS_MAX = 2 * TRAFFIC_CALLS_MAX,
	TRAFFIC_CYCLES_MAX = 400,
	TRAFFIC_SLOTS = 200, /* of 100 us in a cycle: when packets leave */
	TRAFFIC_SLOT_US = 100,
	TRAFFIC_PER_SECOND = 50, /* packets of a stream */
	TRAFFIC_PAYLOAD = 160,
	TRAFFIC_PLAIN = 12 + TRAFFIC_PAYLOAD,
	TRAFFIC_ROOM = 190, /* bytes of a datagram, with a tag */
	TRAFFIC_KEY_MAX = 30,
	TRAFFIC_PORT_MIN = 20000, /* the generator's: 4 a call */
	TRAFFIC_PT = 8,
};

enum traffic_leg { TRAFFIC_A, TRAFFIC_B };

/* What is measured: how leg A is encrypted. */
struct traffic_case {
	const char *name;  /* as in the results */
	const char *suite; /* as in a=crypto; NULL: clear */
	unsigned suite_id; /* enum srtp_suite_id */
	unsigned key_len;  /* master key and salt */
};

enum { TRAFFIC_CASES = 3 };
extern const struct traffic_case traffic_cases[TRAFFIC_CASES];

struct traffic_packet {
	uint8_t b[TRAFFIC_ROOM];
	uint16_t len;
};

/* A call at the relay. Filled by the contender. */
struct traffic_call {
	uint16_t port[2];                 /* the relay's, by leg */
	uint8_t out_key[TRAFFIC_KEY_MAX]; /* what the relay encrypts with, towards A */
};

/* The packets of streams 0 .. n_streams - 1, n_cycles each, made once for all runs of a case. */
struct traffic {
	const struct traffic_case *what;
	struct traffic_packet *packets; /* [cycle][stream]: as they are sent */
	unsigned n_streams, n_cycles;
};

/* A datagram that came back. */
struct traffic_rx {
	uint64_t ns;
	uint16_t from, to, len; /* ports; len above TRAFFIC_ROOM: the rest is not kept */
	uint8_t b[TRAFFIC_ROOM];
};

/** Make room for the largest case; ends the program when there is none. */
void traffic_init(struct traffic *t);
void traffic_fini(struct traffic *t);
/** The packets of `calls` calls; those that are there already stay. */
void traffic_make(struct traffic *t, const struct traffic_case *what, unsigned calls,
		  unsigned cycles);

/* stream = 2 * call + the leg that sends */
static inline const struct traffic_packet *
traffic_packet(const struct traffic *t, unsigned stream, unsigned cycle)
{
	return &t->packets[(size_t)cycle * TRAFFIC_STREAMS_MAX + stream];
}

static inline uint16_t
traffic_port(unsigned call, enum traffic_leg leg)
{
	return (uint16_t)(TRAFFIC_PORT_MIN + 4 * call + 2 * leg);
}

/** The key that leg A of this call encrypts with. */
void traffic_key(unsigned call, uint8_t key[TRAFFIC_KEY_MAX]);
void traffic_payload(unsigned stream, unsigned cycle, uint8_t p[TRAFFIC_PAYLOAD]);

#endif
