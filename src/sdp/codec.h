/* Codecs of an m-line: what a format is, which of them a trunk lets through, and by which payload
 * type each leg knows them. Each leg keeps its own numbers for dynamic codecs (RFC 3264 8.3.2); the
 * relay turns one leg's into the other's. Pure; any thread. */
#ifndef POSTERN_SDP_CODEC_H
#define POSTERN_SDP_CODEC_H

#include "sdp/sdp.h"

enum {
	SDP_CODEC_MAX = 32,   /* a name with NUL */
	SDP_NUMBERS_MAX = 12, /* dynamic codecs of a leg whose number is remembered */
	SDP_PT_DYNAMIC = 96,  /* RFC 3551 3: from here on a number means what rtpmap says */
	SDP_PT_LAST = 127,
	SDP_CODEC_TWINS = 4, /* formats of the same codec that are told apart, by their order */
};

/* The codecs that a trunk may name. The place in this list is their number in struct sdp_codecs.
 * Events, comfort noise and redundancy are not among them: they go along with any codec. */
#define SDP_CODEC_LIST(X)                                                                          \
	X("PCMU")                                                                                  \
	X("PCMA")                                                                                  \
	X("G722")                                                                                  \
	X("G729")                                                                                  \
	X("opus")                                                                                  \
	X("G723")                                                                                  \
	X("G726-16")                                                                               \
	X("G726-24")                                                                               \
	X("G726-32")                                                                               \
	X("G726-40")                                                                               \
	X("G728")                                                                                  \
	X("G7221")                                                                                 \
	X("GSM")                                                                                   \
	X("iLBC")                                                                                  \
	X("AMR")                                                                                   \
	X("AMR-WB")                                                                                \
	X("EVS")                                                                                   \
	X("L16")                                                                                   \
	X("SILK")                                                                                  \
	X("SIREN")                                                                                 \
	X("speex")

/* Codecs in order of preference; n 0: all, as they come. */
enum { SDP_CODECS_MAX = 16 };
struct sdp_codecs {
	uint8_t n, v[SDP_CODECS_MAX];
};

struct sdp_codec {
	struct str name;
	uint32_t clock;
	uint8_t channels;
};

/* The codecs of an m-line of ours, in order. */
struct sdp_list {
	bool fax; /* no codecs: the line is T.38 */
	uint8_t n;
	uint8_t pt[SDP_FORMATS_MAX]; /* as the leg that gets it numbers them */
	/* the same one in the body that they come from; SDP_PT_NONE: telephone-event of our own */
	uint8_t from[SDP_FORMATS_MAX];
	uint32_t codec[SDP_FORMATS_MAX];
};

/* The numbers of dynamic codecs on a leg. All zero at first; plain data, kept in its record. */
struct sdp_numbers {
	uint32_t codec[SDP_NUMBERS_MAX];
	uint8_t pt[SDP_NUMBERS_MAX];
	uint8_t n, pad[3];
};

/** What f is; false for a dynamic payload type that nothing describes. */
bool sdp_codec_of(const struct sdp_format *f, struct sdp_codec *out);
/** A number for name (any case), clock and channels, to compare codecs of two bodies; its lowest
 * bits are 0, for the place among its twins. */
uint32_t sdp_codec_number(const struct sdp_codec *c);
/** The same codec, whichever of its twins? */
bool sdp_codec_same(uint32_t a, uint32_t b);
/** The number of telephone-event with the clock of telephony. */
uint32_t sdp_codec_event(void);
/** RFC 4733. */
bool sdp_codec_is_event(const struct sdp_codec *c);
/** RFC 2198: packets that hold others, by their payload types. */
bool sdp_codec_is_red(const struct sdp_codec *c);
/** Events, comfort noise and redundancy go beside a codec; they are none. */
bool sdp_codec_is_side(const struct sdp_codec *c);

/**
 * A list divided by commas, as operators write it; empty: all codecs. NOTFOUND: a name that is not
 * in SDP_CODEC_LIST; EXISTS: one that stands twice; LONG: more than SDP_CODECS_MAX.
 */
enum err sdp_codecs_parse(struct str list, struct sdp_codecs *out) NODISCARD;
/** Its place in the list, 0 is the first; c->n where it is not there (and where c is empty: 0). */
unsigned sdp_codecs_rank(const struct sdp_codecs *c, struct str name);
/** Has the codec this place in the list? Behind all of them stand events, comfort noise and
 * redundancy; where the list is empty, all. */
bool sdp_codecs_has_at(const struct sdp_codecs *ranks, unsigned rank, const struct sdp_codec *c);

/** Does this line of a section say something of its formats, and nothing of who sends them? type:
 * the letter, value: what stands behind "=". */
bool sdp_codec_line(char type, struct str value);

/** The leg itself says that this codec has this number: from now on. Static ones are left aside. */
void sdp_numbers_learn(struct sdp_numbers *n, uint32_t codec, uint8_t pt);
/**
 * Add a codec to a list of ours for the leg with these numbers: its number there, else pt where it
 * is free in the list, else one that is. False: no number is left; the list is unchanged.
 */
bool sdp_list_add(struct sdp_list *l, struct sdp_numbers *n, uint32_t codec, uint8_t pt);

#endif
