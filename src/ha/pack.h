/* Plain data without its zero words: a record is mostly empty, and what is not written is neither
 * touched in shared memory nor summed. Pure; any thread. */
#ifndef POSTERN_HA_PACK_H
#define POSTERN_HA_PACK_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { PACK_WORD = 8 /* sizes are multiples of it */ };

/* Room that size bytes may need: of each run of words but the first, two zero words are left out
 * for its head. */
#define PACK_MAX(size) ((size) + PACK_WORD)

/** Write the words of data that are not zero to out (room for PACK_MAX(size)); how many bytes that
 * were. Both aligned to PACK_WORD. */
size_t pack_put(const void *data, size_t size, void *out);
/** The other way: all size bytes of out are written. SYNTAX: this is not of pack_put, and out is
 * not whole. Both aligned to PACK_WORD. */
enum err pack_get(const void *packed, size_t len, void *out, size_t size) NODISCARD;
/** A sum over len bytes, a multiple of PACK_WORD: another one wherever a single word differs. It
 * finds torn writes, it does not keep anybody out. */
uint64_t pack_sum(const void *packed, size_t len);

#endif
