/* One media end, as its sender, its receiver and its report see it. */
#ifndef SRTP_END_STREAM_H
#define SRTP_END_STREAM_H

#include <srtp2/srtp.h>

#include "base/addr.h"
#include "base/timer.h"

#include "tone.h"
#include "track.h"

enum {
	STREAMS_MAX = 1024,
	ID_MAX = 48,
	LINE_LEN = 1024,
	WORDS_MAX = 20,
	PACKET_LEN = 2048,
	JSON_LEN = 4096,
	TICK_US = 20000,
	SSRC_LIST = 16,
	KEY_MAX = 64,
	RCVBUF = 1 << 18,
	LINGER_US = 500000,
	IDLE_US = 100000,
	LINES_MAX = 4, /* commands carried out in one turn */
	EVENTS_MAX = 64,
	READS_MAX = 64, /* datagrams of one socket in one turn */
};

struct counts {
	uint64_t sent, send_err, rtcp_sent;
	uint64_t received, auth_fail, replay, bad, foreign;
	uint64_t rtcp_received, rtcp_auth_fail, rtcp_replay, rtcp_bad, srtcp_e0;
	uint64_t sr, rr, sdes, bye, rtcp_other;
	uint64_t content_ok, content_bad, content_none;
	uint64_t lost_before, dup_before, reordered_before; /* of SSRCs that ended */
	uint64_t ssrc_changes, wrong_pt, markers;
	uint64_t first_us, last_us, max_gap_us, late_us;
};

struct stream {
	struct timer timer; /* first: a timer is cast to its stream */
	bool used, paused, done, secure_tx, secure_rx, mux, bye;
	char id[ID_MAX];
	int rtp_fd, rtcp_fd;
	struct addr local, remote;
	srtp_t tx, rx;
	uint8_t pt;
	uint32_t freq, tag, far_tag;
	uint64_t limit; /* packets; 0: none */
	uint64_t rtcp_every_us, rtcp_due;
	uint32_t ssrc, ts, counter;
	uint16_t seq, tx_first, tx_last;
	/* receiving */
	uint32_t rx_ssrc, ssrcs[SSRC_LIST], n_ssrcs, jitter, rx_transit;
	uint16_t rx_first, rx_last;
	struct track by_seq, by_content;
	uint64_t reported_lost, reported_expected;
	uint8_t peer_fraction;
	uint32_t peer_lost; /* of the last report about us */
	struct tone tone;
	struct counts n;
};

/** Read what has come on s's socket fd, and count it. */
void receive_all(struct stream *s, int fd, uint64_t now);
/** Send the next packet. */
void send_rtp(struct stream *s);
/** Send SR and CNAME, with BYE behind it when bye. */
void send_rtcp(struct stream *s, bool bye);
/** Print all counts of s as a line of JSON. */
void tell_stats(const struct stream *s, const char *event);

#endif
