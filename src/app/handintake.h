/* admin's side of the handshakes: out of the ring into the store, each exactly once, also over the
 * deaths of admin and signaling; and what they ask of the store when the disk fails. */
#ifndef POSTERN_APP_HANDINTAKE_H
#define POSTERN_APP_HANDINTAKE_H

#include "ha/handring.h"
#include "ops/handjson.h"
#include "store/handstore.h"

enum {
	HANDINTAKE_BATCH = 512,   /* entries of one transaction */
	HANDS_RETRY_US = 1000000, /* after a failure of the store */
	HANDS_PATH_MAX = 320,
};

struct handintake {
	struct handring ring;
	struct handstore *store;                           /* NULL: it cannot be used now */
	char path[HANDS_PATH_MAX], why[HANDSTORE_WHY_MAX]; /* why: of the failure; "" = none */
	uint32_t keep, days;
	uint64_t next;     /* of the ring; meaningful while there is a store */
	uint64_t retry_us; /* monotonic */
	struct handjson *mem;
	struct hand_entry *entry;
};

/** Map the ring and open the store at path. A store that fails now is tried again. NOMEM, LONG,
 * or what handring_open says. */
enum err handintake_init(struct handintake *h, int ring_fd, const char *path, uint32_t keep,
			 uint32_t days) NODISCARD;
void handintake_fini(struct handintake *h);
/** Take what is in the ring, at most HANDINTAKE_BATCH entries. True: there is more. */
bool handintake_take(struct handintake *h, uint64_t now_us);

#endif
