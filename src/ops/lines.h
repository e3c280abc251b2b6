/* Files of lines that grow at the end: read their last lines, find a line by how it begins. */
#ifndef POSTERN_OPS_LINES_H
#define POSTERN_OPS_LINES_H

#include "base/buf.h"

enum {
	LINES_LEN_MAX = 32 * 1024,          /* of a line; longer ones are passed over */
	LINES_BYTES_MAX = 64 * 1024 * 1024, /* looked at, from the end of a file */
};

/* on_line: one line without its newline; whole: the newline was there. Borrowed. */
typedef void lines_fn(void *arg, struct str line, bool whole);
/* The same of a whole line. False: no more. */
typedef bool lines_back_fn(void *arg, struct str line);

/**
 * Give the last n lines of fd in their order, not more than LINES_BYTES_MAX. An unfinished last
 * line counts as one. IO, NOMEM.
 */
enum err lines_tail(int fd, uint32_t n, lines_fn *on_line, void *arg) NODISCARD;
/** Give the last n whole lines of fd, the last one first, not more than LINES_BYTES_MAX. IO, NOMEM.
 */
enum err lines_back(int fd, uint32_t n, lines_back_fn *on_line, void *arg) NODISCARD;
/**
 * The last whole line that begins with start, within the last LINES_BYTES_MAX of the file at
 * path, into b. NOTFOUND (also: no such file), IO, NOMEM, LONG.
 */
enum err lines_find(const char *path, struct str start, struct buf *b) NODISCARD;

#endif
