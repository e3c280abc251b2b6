/* SRTP and SRTCP (RFC 3711, RFC 7714) over batches of packets: no sockets, no clock, no allocation,
 * lock or log. Keys and scratch are private to a worker; the state is plain data for shared memory.
 *
 * A batch may mix flows, keys, suites, sizes, RTP and RTCP. Nothing in a state changes before the
 * tag of the packet has verified; the replay window is asked again when it is committed, so of two
 * copies in one batch the second is REPLAY.
 *
 * The names differ from libsrtp2's on purpose: tests link both. */
#ifndef POSTERN_SRTP_ENGINE_H
#define POSTERN_SRTP_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "srtp/index.h"
#include "srtp/key.h"
#include "srtp/replay.h"

enum {
	SRTP_BATCH_MAX = CIPHER_BATCH_MAX, /* ops in one call */
	SRTP_PACKET_MAX = CIPHER_DATA_MAX, /* bytes of a packet, tag included */
};

/**
 * One SSRC in one direction. 64 bytes, no pointers; written by the owning worker alone. Sending:
 * the indexes used under the key; receiving: the indexes authenticated. Zero is "nothing yet".
 */
struct srtp_state {
	struct srtp_replay rtp;  /* 48-bit indexes */
	struct srtp_replay rtcp; /* 31-bit indexes; sending, rtcp.next is the next one used */
	uint64_t packets;        /* RTP and RTCP packets under the key */
	uint32_t ssrc;
	uint32_t spare;
};

/** A fresh state: no packet yet, rollover counter 0. */
void srtp_state_init(struct srtp_state *s, uint32_t ssrc);
/**
 * A state that goes on from elsewhere (restart, takeover, lease): all RTP indexes below rtp_next
 * and all RTCP indexes below rtcp_next count as used or seen. rtp_next = (roc << 16) + seq.
 */
void srtp_state_resume(struct srtp_state *s, uint32_t ssrc, uint64_t rtp_next, uint64_t rtcp_next);
/** True once an RTP packet was sent or authenticated. */
bool srtp_state_started(const struct srtp_state *s) NODISCARD;

enum srtp_op_flag {
	SRTP_OP_RTCP = 1, /* the packet is RTCP */
	SRTP_OP_ROC = 2,  /* use roc with the packet's sequence number, not the estimate */
};

/**
 * One packet. status:
 * OK; SYNTAX: not RTP or RTCP version 2 with a whole header; SHORT: no room for the tag in what
 * came; LONG: over SRTP_PACKET_MAX, or cap leaves no room for what protect adds; STATE: SSRC is not
 * state's, or no key; NOTFOUND: the MKI is not the key's; UNSUPPORTED: SRTCP with E=0; AUTH: the
 * tag is wrong; REPLAY: seen, or behind the window (protect: the index was used under this key);
 * EXPIRED: the key's lifetime is over; BUG: the library failed. On anything but OK, state and the
 * first len bytes are as they were and out_len is 0; except that BUG leaves undefined bytes, and
 * after protect a used index.
 */
struct srtp_op {
	struct srtp_key *key;
	struct srtp_state *state;
	uint8_t *buf;     /* worked on in place */
	uint32_t len;     /* bytes of the packet */
	uint32_t cap;     /* bytes of buf; protect needs len + SRTP_OVERHEAD_MAX + MKI at most */
	uint32_t roc;     /* with SRTP_OP_ROC */
	uint16_t flags;   /* SRTP_OP_* */
	uint16_t auths;   /* out: tags computed for this packet, 0 to 2 */
	uint32_t out_len; /* out: bytes of the result */
	enum err status;  /* out */
	uint64_t index;   /* out: the index used or tried (RTP 48 bits, RTCP 31) */
};

/**
 * Encrypt and sign n <= SRTP_BATCH_MAX packets in place; returns how many are OK. RTP: the sequence
 * number stands in the packet, its index is the one nearest to state's highest (or by roc), and is
 * committed before anything is encrypted. RTCP: the index is state's next one, E always set.
 */
unsigned srtp_protect_batch(struct srtp_ctx *c, struct srtp_op *ops, unsigned n);
/**
 * Verify, then decrypt n <= SRTP_BATCH_MAX packets in place; returns how many are OK. An op that
 * fails under an estimate which packets of the same batch have since changed is tried once more:
 * auths says so. A caller that searches for a rollover counter (SRTP_OP_ROC) counts with it.
 */
unsigned srtp_unprotect_batch(struct srtp_ctx *c, struct srtp_op *ops, unsigned n);

#endif
