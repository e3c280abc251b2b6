/* What a run of bench relay says: every datagram that came back is opened and compared. Pure. */
#ifndef POSTERN_TESTS_BENCH_JUDGE_H
#define POSTERN_TESTS_BENCH_JUDGE_H

#include "relay/traffic.h"

/* One run, after it. Cycles first .. end - 1 are those that are measured. */
struct judge_run {
	const struct traffic_case *what;
	const struct traffic_call *calls;
	unsigned n_calls, n_cycles, first;
	const uint16_t *slot_of; /* [stream]: which slot of a cycle it leaves in */
	const uint64_t *slot_ns; /* [cycle * TRAFFIC_SLOTS + slot]: when its packets left */
	const struct traffic_rx *rx;
	unsigned n_rx;
};

struct judge_result {
	unsigned sent, lost;    /* in the measured cycles */
	unsigned relayed;       /* different packets that came back, all cycles */
	unsigned twice;         /* came back again */
	unsigned wrong_payload; /* another byte than was sent */
	unsigned
		wrong_header; /* version, type, or source and offsets that change within a stream */
	unsigned wrong_tag;   /* SRTP that does not open */
	unsigned wrong_port;  /* from or to a port that is not that call's */
	unsigned rtcp;        /* to an odd port: counted, not looked at */
	double p50_us, p99_us; /* from before the batch was sent to when it was seen; 0: none */
};

/** Takes its own memory, and gives it back; ends the program when there is none. */
void judge_run(const struct judge_run *r, struct judge_result *out);
/** Everything that came back is what was sent (loss is not looked at). */
bool judge_is_true(const struct judge_result *r);

#endif
