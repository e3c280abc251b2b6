/* base64 (RFC 4648), hex and base32, over slices. Not constant in time. */
#ifndef POSTERN_BASE_CODEC_H
#define POSTERN_BASE_CODEC_H

#include "base/buf.h"

/** Append s in base64, with or without '=' padding. */
void codec_b64_put(struct buf *b, const void *p, size_t len, bool pad);
/**
 * Decode base64 into dst[cap]; *out_len only on success. '=' padding may be there or not; any other
 * byte, or one left-over character, is SYNTAX; LONG when cap is too small.
 */
enum err codec_b64_get(struct str s, void *dst, size_t cap, size_t *out_len) NODISCARD;
void codec_hex_put(struct buf *b, const void *p, size_t len);
enum err codec_hex_get(struct str s, void *dst, size_t cap, size_t *out_len) NODISCARD;
/** Lower case, no padding (RFC 4648 6). */
void codec_b32_put(struct buf *b, const void *p, size_t len);

#endif
