/* Two rows of the flow table for the test call of `postern ready`: one of them is the equipment's
 * (SRTP, on the customer side), the other one the prober's own (plain, on the inside), so that what
 * is tested runs through the real engine. The prober's thread says what the rows shall be by
 * letters; keys of its rows it writes itself. Everything else: loop thread only. */
#ifndef POSTERN_READY_TESTMEDIA_H
#define POSTERN_READY_TESTMEDIA_H

#include "media/flow.h"
#include "call/port.h"
#include "net/loop.h"

enum { TESTMEDIA_OUTER, TESTMEDIA_INNER, TESTMEDIA_ROWS, TESTMEDIA_LETTERS = 16 };

/* What the prober's thread knows of the rows. */
struct testmedia_rows {
	bool there;
	uint32_t slot[TESTMEDIA_ROWS], generation[TESTMEDIA_ROWS];
	struct addr bound[TESTMEDIA_ROWS]; /* with their ports */
	struct addr shown;                 /* of the outer one, for SDP */
	struct media_secret *secret;       /* of the outer one */
	const struct flow_table *flows;    /* to look at, never to write */
	struct loop_mail *opens;           /* struct media_open of the heap, see testmedia_open */
};

struct testmedia {
	/* set by the caller; borrowed */
	struct media_ctl *media;
	struct port_pool *ports;
	const struct flow_table *flows;
	struct flow_secrets *secrets;
	const struct media_plan *plan;
	struct loop *loop;
	/* own */
	struct loop_mail mail;
	bool open[TESTMEDIA_ROWS]; /* the port is ours */
	bool used;                 /* media was told of them: there are counters */
	struct testmedia_rows rows;
};

enum err testmedia_init(struct testmedia *t) NODISCARD;
void testmedia_fini(struct testmedia *t);
/** outer, inner: indexes of media addresses. STATE: the last ones are not closed yet; FULL. */
enum err testmedia_begin(struct testmedia *t, uint32_t outer, uint32_t inner,
			 struct testmedia_rows *out) NODISCARD;
/** Closes the rows; *stats: of the outer one. Nothing open is fine, *stats is zero then. */
void testmedia_end(struct testmedia *t, struct media_stats *stats);
/** A CLOSE was answered: true where it was of a row of ours. */
bool testmedia_closed(struct testmedia *t, const struct media_closed *m);
/** From the prober's thread: let a row be so. Copied. NOMEM, FULL. */
enum err testmedia_open(const struct testmedia_rows *r, const struct media_open *o) NODISCARD;

#endif
