/* The file of call detail records: each ended call record exactly once, synced before its slot may
 * be freed. Blocking disk I/O: the admin role only. One thread.
 *
 * The file may be renamed away at any time (logrotate): a new one is begun. Ids that were written
 * are remembered, also across a restart, from the tail of the file and of FILE.1. */
#ifndef POSTERN_OPS_CDRFILE_H
#define POSTERN_OPS_CDRFILE_H

#include <sys/types.h>

#include "base/hash.h"
#include "base/list.h"
#include "ha/records.h"

enum {
	CDRFILE_PATH_MAX = 256,
	CDRFILE_BATCH = 256, /* records written between two syncs */
	CDRFILE_RETRY_MIN_MS = 100,
	CDRFILE_RETRY_MAX_MS = 5000,
};

struct cdrfile_id {
	struct hash_node node;
	struct list age; /* in use: oldest first */
	struct id id;
	bool synced;
};

struct cdrfile {
	char path[CDRFILE_PATH_MAX];
	int fd; /* -1: could not be opened yet */
	dev_t dev;
	ino_t ino;
	off_t good; /* size up to which everything is synced */
	off_t end;  /* size up to which all lines are whole */
	bool torn;  /* the last line has no newline yet */
	struct hash ids;
	struct list ages, spare;
	struct cdrfile_id *id_mem;
	uint32_t max_ids;
	struct {
		uint32_t slot;
		struct id id;
	} pending[CDRFILE_BATCH]; /* written, not synced */
	uint32_t n_pending;
	uint64_t retry_at_us;
	uint32_t retry_ms; /* 0: all is well */
	int last_errno;    /* the cause that was logged; 0 = none */
	char *line;
	uint64_t written; /* in this life */
	void *arg;
	/* the record's CDR is on disk (now, or it was already): tell signaling */
	void (*on_written)(void *arg, uint32_t slot, const struct id *id);
};

/**
 * slots: of the records. Reads which ids are written. A disk that fails now is no error: it is
 * tried again in cdrfile_round. f->arg and f->on_written are set before. NOMEM, LONG (path).
 */
enum err cdrfile_init(struct cdrfile *f, const char *path, uint32_t slots) NODISCARD;
/** Syncs nothing: rounds do. */
void cdrfile_fini(struct cdrfile *f);
/**
 * Write each ended record that is not written yet, sync, and call on_written for each that is.
 * force: also within the back-off after a failure. Returns how many ended records still wait.
 */
uint32_t cdrfile_round(struct cdrfile *f, const struct records *r, uint64_t now_us, bool force);
/** The disk does not take what is ended and not written, and memory ends with us: it is logged, the
 * last place there is. */
void cdrfile_log_lost(const struct cdrfile *f, const struct records *r);
/** Is the CDR of this id written and synced, as far as it is remembered? */
bool cdrfile_has(const struct cdrfile *f, const char *id);

#endif
