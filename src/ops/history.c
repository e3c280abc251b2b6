#include "ops/history.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "ops/cdr.h"
#include "ops/jsonin.h"
#include "ops/lines.h"

enum { HISTORY_MODE = 0640 };

/* The members of a note that are texts: JSON name, place. */
#define NOTE_TEXTS(X) X(account) X(version) X(suite) X(sni) X(names) X(word) X(why)

/* ---- text ---- */

static void
put_alert(struct buf *b, const char *name, int alert)
{
	if (alert >= 0)
		buf_printf(b, ",\"%s\":%d", name, alert);
}

void
history_put(struct buf *b, const struct history_note *n)
{
	cdr_put_start(b, n->id.z);
	buf_printf(b, ",\"kind\":\"%s\",\"at\":",
		   n->kind == HISTORY_REQUEST ? "request" : "handshake");
	cdr_put_time(b, n->wall_us);
	buf_printf(b, ",\"at_us\":%lld,\"accepted\":%s,\"outgoing\":%s,\"peer\":",
		   (long long)n->wall_us, n->accepted ? "true" : "false",
		   n->outgoing ? "true" : "false");
	buf_json(b, str_from(addr_text(&n->peer).z));
#define X(member)                                                                                  \
	if (n->member[0]) {                                                                        \
		buf_z(b, ",\"" #member "\":");                                                     \
		buf_json(b, str_from(n->member));                                                  \
	}
	NOTE_TEXTS(X)
#undef X
	put_alert(b, "alert_sent", n->alert_sent);
	put_alert(b, "alert_received", n->alert_received);
	buf_char(b, '}');
}

static int16_t
read_alert(const struct json *j, const char *name)
{
	return jsonin_get(j, name) ? (int16_t)(jsonin_int(j, name) & 0xff) : -1;
}

/* What was cut away by the size of the ring's texts stays away. */
static void
read_text(char *dst, size_t cap, const char *z)
{
	(void)!str_copyz(dst, cap, str_sub(str_from(z), 0, cap - 1));
}

static void
read_note(const struct json *j, struct history_note *n)
{
	*n = (struct history_note){.kind = strcmp(jsonin_text(j, "kind"), "request") == 0
						   ? HISTORY_REQUEST
						   : HISTORY_HANDSHAKE,
				   .accepted = jsonin_true(j, "accepted"),
				   .outgoing = jsonin_true(j, "outgoing"),
				   .wall_us = jsonin_int(j, "at_us"),
				   .alert_sent = read_alert(j, "alert_sent"),
				   .alert_received = read_alert(j, "alert_received")};
	(void)!addr_parse(str_from(jsonin_text(j, "peer")), &n->peer);
	read_text(n->id.z, sizeof(n->id.z), jsonin_text(j, "id"));
#define X(member) read_text(n->member, sizeof(n->member), jsonin_text(j, #member));
	NOTE_TEXTS(X)
#undef X
}

/* ---- memory ---- */

static void
keep_note(struct history *h, const struct history_note *n)
{
	h->ring[h->next] = *n;
	h->next = (h->next + 1) % HISTORY_NOTES;
	if (h->n < HISTORY_NOTES)
		h->n++;
}

const struct history_note *
history_at(const struct history *h, uint32_t i)
{
	return i < h->n ? &h->ring[(h->next + HISTORY_NOTES - 1 - i) % HISTORY_NOTES] : NULL;
}

const struct history_note *
history_find(const struct history *h, const char *id)
{
	for (uint32_t i = 0; i < h->n; i++)
		if (strcmp(history_at(h, i)->id.z, id) == 0)
			return history_at(h, i);
	return NULL;
}

/* ---- the file ---- */

static void
note_failure(struct history *h)
{
	if (!h->failed)
		log_warn("history.failed",
			 "cannot write %s: %s; handshakes are kept in memory only", h->path,
			 strerror(errno));
	h->failed = true;
}

static void
open_file(struct history *h)
{
	struct stat st;

	h->fd = open(h->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, HISTORY_MODE);
	if (h->fd < 0 || fstat(h->fd, &st) != 0) {
		note_failure(h);
		return;
	}
	h->size = (uint64_t)st.st_size;
}

static void
rotate_file(struct history *h)
{
	close(h->fd);
	h->fd = -1;
	if (rename(h->path, h->old_path) != 0)
		note_failure(h);
	open_file(h);
}

static void
write_note(struct history *h, const struct history_note *n)
{
	char line[HISTORY_LINE_MAX];
	ssize_t done;
	struct buf b;

	buf_init(&b, line, sizeof(line));
	history_put(&b, n);
	buf_char(&b, '\n');
	if (h->fd < 0 || buf_end(&b) != ERR_OK)
		return;
	if (h->size + b.len > h->size_max)
		rotate_file(h);
	done = h->fd < 0 ? -1 : write(h->fd, line, b.len);
	if (done == (ssize_t)b.len)
		h->failed = false;
	else
		note_failure(h);
	if (done > 0)
		h->size += (uint64_t)done;
	if (done > 0 && done < (ssize_t)b.len)
		(void)!write(h->fd, "\n",
			     1); /* the piece is no line of ours: readers pass it over */
}

void
history_add(struct history *h, const struct history_note *n)
{
	keep_note(h, n);
	write_note(h, n);
}

static void
take_line(void *arg, struct str line, bool whole)
{
	struct history *h = arg;
	struct history_note n;
	struct json *j;

	if (!whole || jsonin_parse(line, &j) != ERR_OK)
		return;
	read_note(j, &n);
	if (n.id.z[0])
		keep_note(h, &n);
	jsonin_free(&j);
}

static void
read_back(struct history *h)
{
	int old = open(h->old_path, O_RDONLY | O_CLOEXEC);
	char last = '\n';

	if (old >= 0) {
		(void)!lines_tail(old, HISTORY_NOTES, take_line, h);
		close(old);
	}
	if (h->fd < 0)
		return;
	(void)!lines_tail(h->fd, HISTORY_NOTES, take_line, h);
	if (h->size && pread(h->fd, &last, 1, (off_t)h->size - 1) == 1 && last != '\n')
		h->size += write(h->fd, "\n", 1) == 1;
}

enum err
history_init(struct history *h, const char *path)
{
	*h = (struct history){.fd = -1, .size_max = HISTORY_FILE_MAX};
	if (path) {
		struct buf b;
		enum err e = str_copyz(h->path, sizeof(h->path), str_from(path));

		if (e != ERR_OK)
			return e;
		buf_init(&b, h->old_path, sizeof(h->old_path));
		buf_printf(&b, "%s.1", path);
		buf_cstr(&b);
	}
	h->ring = mem_zalloc(HISTORY_NOTES, sizeof(*h->ring));
	if (!h->ring)
		return ERR_NOMEM;
	if (path) {
		open_file(h);
		read_back(h);
	}
	return ERR_OK;
}

void
history_fini(struct history *h)
{
	if (h->fd >= 0)
		close(h->fd);
	h->fd = -1;
	MEM_FREE(h->ring);
	h->n = 0;
}

enum err
history_find_line(const struct history *h, const char *id, struct buf *b)
{
	char start[64];
	struct buf s;
	enum err e;

	if (!h->path[0])
		return ERR_NOTFOUND;
	buf_init(&s, start, sizeof(start));
	cdr_put_start(&s, id);
	if (buf_end(&s) != ERR_OK)
		return ERR_NOTFOUND;
	e = lines_find(h->path, buf_view(&s), b);
	return e == ERR_NOTFOUND ? lines_find(h->old_path, buf_view(&s), b) : e;
}
