/* Ids of calls, handshakes, refusals: 12 bytes (node, worker, 10 random) in base32. */
#ifndef POSTERN_BASE_ID_H
#define POSTERN_BASE_ID_H

#include <stdint.h>

enum { ID_CHARS = 20, ID_SIZE = ID_CHARS + 1 };

/* 20 lower-case base32 characters and a NUL. All zero bytes = none. */
struct id {
	char z[ID_SIZE];
};

struct id id_new(uint8_t node, uint8_t worker);

#endif
