/* Handshakes, and requests that were refused before they became a call: the last ones in memory,
 * and in a file of JSON lines that is bounded by rotation (FILE, FILE.1). One thread. */
#ifndef POSTERN_OPS_HISTORY_H
#define POSTERN_OPS_HISTORY_H

#include "base/addr.h"
#include "base/id.h"

enum {
	HISTORY_NOTES = 4096,
	HISTORY_FILE_MAX = 8 * 1024 * 1024,
	HISTORY_LINE_MAX = 4096,
	HISTORY_PATH_MAX = 320,
};

enum history_kind { HISTORY_HANDSHAKE, HISTORY_REQUEST };

/* Texts are NUL-terminated. */
struct history_note {
	struct id id;
	uint8_t kind; /* enum history_kind */
	uint8_t accepted, outgoing;
	int64_t wall_us;
	struct addr peer;
	int16_t alert_sent, alert_received; /* -1 = none */
	char account[48];
	char version[12], suite[32]; /* of TLS; a request: its method in version */
	char sni[64];
	char names[96]; /* of the certificate shown */
	char word[20];  /* reason in one word */
	char why[148];
};

struct history {
	char path[HISTORY_PATH_MAX], old_path[HISTORY_PATH_MAX + 2];
	int fd; /* -1: the file cannot be written; memory goes on */
	uint64_t size, size_max;
	bool failed; /* logged */
	struct history_note *ring;
	uint32_t n, next; /* notes held; place of the next one */
};

/** Reads back what the file holds. path NULL: memory only. NOMEM, LONG. */
enum err history_init(struct history *h, const char *path) NODISCARD;
void history_fini(struct history *h);
void history_add(struct history *h, const struct history_note *n);
/** The i-th last one, 0 = the newest; NULL beyond. */
const struct history_note *history_at(const struct history *h, uint32_t i);
/** In memory; NULL if it is not there. */
const struct history_note *history_find(const struct history *h, const char *id);
/** Older ones, out of the files: the object's text into b. NOTFOUND, IO, NOMEM, LONG. */
enum err history_find_line(const struct history *h, const char *id, struct buf *b) NODISCARD;
/** As one JSON object. */
void history_put(struct buf *b, const struct history_note *n);

#endif
