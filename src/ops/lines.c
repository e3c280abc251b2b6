#include "ops/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

enum { LINES_CHUNK = 64 * 1024 };
_Static_assert((int)LINES_CHUNK > (int)LINES_LEN_MAX, "a whole line must fit a chunk");

/* Fewer bytes only at the end of the file; -1 with errno. */
static ssize_t
read_at(int fd, char *p, size_t len, off_t at)
{
	size_t have = 0;

	while (have < len) {
		ssize_t n = pread(fd, p + have, len - have, at + (off_t)have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		have += (size_t)n;
	}
	return (ssize_t)have;
}

/* Where the last n lines begin; mem: LINES_CHUNK bytes. */
static enum err
find_start(int fd, off_t size, uint32_t n, char *mem, off_t *out)
{
	off_t floor = size > LINES_BYTES_MAX ? size - LINES_BYTES_MAX : 0, end = size;
	uint32_t seen = 0;

	if (n == 0) {
		*out = size;
		return ERR_OK;
	}
	while (end > floor) {
		off_t at = end - floor > LINES_CHUNK ? end - LINES_CHUNK : floor;
		ssize_t got = read_at(fd, mem, (size_t)(end - at), at);

		if (got < 0)
			return ERR_IO;
		for (off_t i = (off_t)got; i-- > 0;) {
			if (mem[i] != '\n' || at + i == size - 1)
				continue;
			if (++seen == n) {
				*out = at + i + 1;
				return ERR_OK;
			}
		}
		end = at;
	}
	*out = floor;
	return ERR_OK;
}

/* Lines from at on. partial: the first one has lost its beginning. */
static enum err
walk(int fd, off_t at, bool partial, char *mem, lines_fn *on_line, void *arg)
{
	size_t held = 0;
	ssize_t got;

	do {
		struct str rest;

		got = read_at(fd, mem + held, LINES_CHUNK - held, at);
		if (got < 0)
			return ERR_IO;
		at += (off_t)got;
		rest = str_of(mem, held + (size_t)got);
		for (size_t end; (end = str_chr(rest, '\n')) < rest.len;
		     rest = str_from_at(rest, end + 1)) {
			if (!partial && end <= LINES_LEN_MAX)
				on_line(arg, str_sub(rest, 0, end), true);
			partial = false;
		}
		if (rest.len == LINES_CHUNK) { /* too long to be a line of ours: pass over it */
			partial = true;
			rest.len = 0;
		}
		held = rest.len;
		memmove(mem, rest.p ? rest.p : mem, held);
	} while (got > 0);
	if (held && held <= LINES_LEN_MAX && !partial)
		on_line(arg, str_of(mem, held), false);
	return ERR_OK;
}

enum err
lines_tail(int fd, uint32_t n, lines_fn *on_line, void *arg)
{
	char *mem = mem_zalloc(1, LINES_CHUNK);
	struct stat st;
	off_t at = 0;
	enum err e = mem ? ERR_OK : ERR_NOMEM;

	if (e == ERR_OK && fstat(fd, &st) != 0)
		e = ERR_IO;
	if (e == ERR_OK)
		e = find_start(fd, st.st_size, n, mem, &at);
	if (e == ERR_OK)
		e = walk(fd, at, at > 0 && at == st.st_size - LINES_BYTES_MAX, mem, on_line, arg);
	mem_free(mem);
	return e;
}

/* Lines from the end of a file on. */
struct back {
	char *mem;
	off_t at;   /* where mem stands in the file */
	bool torn;  /* what the last line in mem goes on with is not looked at */
	uint32_t n; /* lines that are wanted still */
	lines_back_fn *on_line;
	void *arg;
};

/* The lines that begin in the len bytes of mem, the last one first; how many bytes before them are
 * left. */
static size_t
give_back(struct back *w, size_t len)
{
	size_t stop = w->torn ? len : len - 1; /* where the line ends */

	while (w->n) {
		size_t before = str_rchr(str_of(w->mem, stop), '\n');
		size_t start = before < stop ? before + 1 : 0;

		if (start == 0 && w->at > 0)
			break;
		if (!w->torn && stop - start <= LINES_LEN_MAX)
			w->n = w->on_line(w->arg, str_of(w->mem + start, stop - start)) ? w->n - 1
											: 0;
		w->torn = false;
		if (start == 0)
			return 0;
		stop = before;
	}
	return stop < len ? stop + 1 : len;
}

static enum err
walk_back(int fd, off_t size, struct back *w)
{
	off_t floor = size > LINES_BYTES_MAX ? size - LINES_BYTES_MAX : 0, end = size;
	char last = '\n';

	if (end > 0 && read_at(fd, &last, 1, end - 1) != 1)
		return ERR_IO;
	w->torn = last != '\n';
	w->at = size;
	while (w->n && w->at > floor) {
		size_t len = end - floor > LINES_CHUNK ? LINES_CHUNK : (size_t)(end - floor), left;

		w->at = end - (off_t)len;
		if (read_at(fd, w->mem, len, w->at) != (ssize_t)len)
			return ERR_IO;
		left = give_back(w, len);
		if (left == len) { /* too long to be a line of ours: pass over it */
			w->torn = true;
			left = 0;
		}
		end = w->at + (off_t)left;
	}
	return ERR_OK;
}

enum err
lines_back(int fd, uint32_t n, lines_back_fn *on_line, void *arg)
{
	struct back w = {.mem = mem_zalloc(1, LINES_CHUNK), .n = n, .on_line = on_line, .arg = arg};
	struct stat st;
	enum err e = w.mem ? ERR_OK : ERR_NOMEM;

	if (e == ERR_OK && fstat(fd, &st) != 0)
		e = ERR_IO;
	if (e == ERR_OK)
		e = walk_back(fd, st.st_size, &w);
	mem_free(w.mem);
	return e;
}

struct search {
	struct str start;
	struct buf *b;
	bool found;
};

static bool
compare(void *arg, struct str line)
{
	struct search *s = arg;

	s->found = str_starts(line, s->start);
	if (s->found) {
		buf_reset(s->b);
		buf_str(s->b, line);
	}
	return !s->found;
}

enum err
lines_find(const char *path, struct str start, struct buf *b)
{
	struct search s = {.start = start, .b = b};
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	enum err e;

	if (fd < 0)
		return errno == ENOENT ? ERR_NOTFOUND : ERR_IO;
	e = lines_back(fd, UINT32_MAX, compare, &s);
	close(fd);
	if (e == ERR_OK)
		e = s.found ? buf_end(b) : ERR_NOTFOUND;
	return e;
}
