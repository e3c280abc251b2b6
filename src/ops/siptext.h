/* SIP messages as text for people, whole or not: what they are, their lines, how two of them
 * differ. Into JSON: bytes that are not printable ASCII become \xNN, a backslash two, a fold one
 * blank. */
#ifndef POSTERN_OPS_SIPTEXT_H
#define POSTERN_OPS_SIPTEXT_H

#include "base/buf.h"

enum {
	SIPTEXT_LINES_MAX = 400, /* of a message that are compared */
	SIPTEXT_AUDIO_MAX = 160,
};

/** The start line, without its end. */
struct str siptext_start(struct str msg);
/** Value of the first header of this name, or of its compact form (0: it has none); may be empty.
 */
struct str siptext_header(struct str msg, const char *name, char compact);
/** s as a JSON string. */
void siptext_put(struct buf *b, struct str s);
/** What the SDP in it says of the first audio stream, "RTP/SAVP 192.0.2.1:4000, sendonly", as a
 * JSON string; none: "". */
void siptext_put_audio(struct buf *b, struct str msg);
/** All lines as a JSON list. */
void siptext_put_lines(struct buf *b, struct str msg);
/**
 * What out has that in has not, and the other way round, as a JSON list of {"part":"start" |
 * "header" | "body", "name":.., "was":.., "is":..}: without "was" it came, without "is" it went.
 */
void siptext_put_diff(struct buf *b, struct str in, struct str out);

#endif
