/* Random bytes from getrandom(2), never from a generator of ours. */
#ifndef POSTERN_BASE_RANDOM_H
#define POSTERN_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/** Fills p; ends the process if the kernel cannot give randomness (cannot be gone on from). */
void random_bytes(void *p, size_t len);
uint32_t random_u32(void);
/** Uniform in [0, n), n > 0. */
uint32_t random_below(uint32_t n);
/** n_chars lower-case base32 characters and a NUL (5 bits each): tags, branches. */
void random_token(char *dst, size_t n_chars);

#endif
