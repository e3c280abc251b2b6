#include "ops/cdrfile.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/guard.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metric.h"
#include "ops/cdr.h"
#include "ops/jsonin.h"
#include "ops/lines.h"

enum { CDRFILE_IDS_MIN = 1024, CDRFILE_MODE = 0640 };

/* ---- ids that are in the file ---- */

static struct cdrfile_id *
find_id(const struct cdrfile *f, const char *id)
{
	uint64_t hash = hash_of(&f->ids, str_from(id));

	for (struct hash_node *n = hash_first(&f->ids, hash); n; n = hash_next(n)) {
		struct cdrfile_id *e = CONTAINER_OF(n, struct cdrfile_id, node);

		if (strcmp(e->id.z, id) == 0)
			return e;
	}
	return NULL;
}

static void
forget_id(struct cdrfile *f, struct cdrfile_id *e)
{
	hash_del(&f->ids, &e->node);
	list_del(&e->age);
	list_add(&f->spare, &e->age);
}

/* The oldest one makes room. */
static void
remember_id(struct cdrfile *f, const char *id, bool synced)
{
	struct cdrfile_id *e = find_id(f, id);

	if (!e) {
		if (list_empty(&f->spare))
			forget_id(f, CONTAINER_OF(f->ages.next, struct cdrfile_id, age));
		e = CONTAINER_OF(f->spare.next, struct cdrfile_id, age);
		if (str_copyz(e->id.z, sizeof(e->id.z), str_from(id)) != ERR_OK)
			return; /* longer than ours ever are */
		hash_add(&f->ids, &e->node, hash_of(&f->ids, str_from(id)));
	}
	e->synced = synced;
	list_del(&e->age);
	list_add(&f->ages, &e->age);
}

static void
take_line(void *arg, struct str line, bool whole)
{
	struct cdrfile *f = arg;
	struct json *j;

	/* Without a newline it may still be whole; with one it may have been torn in an earlier
	 * life. */
	(void)whole;
	if (jsonin_parse(line, &j) != ERR_OK)
		return;
	if (*jsonin_text(j, "id"))
		remember_id(f, jsonin_text(j, "id"), true);
	jsonin_free(&j);
}

/* ---- the file ---- */

static bool
is_torn(int fd, off_t size)
{
	char last = '\n';

	return size > 0 && pread(fd, &last, 1, size - 1) == 1 && last != '\n';
}

/* A name must not vanish with a power cut either. */
static void
sync_folder(const char *path)
{
	char folder[CDRFILE_PATH_MAX];
	size_t slash = str_rchr(str_from(path), '/');
	int fd;

	if (str_copyz(folder, sizeof(folder), str_sub(str_from(path), 0, slash)) != ERR_OK)
		return;
	fd = open(path[slash] == '/' ? (slash ? folder : "/") : ".", O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		(void)fsync(fd);
		close(fd);
	}
}

/* Open, and learn what is in it. False: errno says why. */
static bool
open_file(struct cdrfile *f)
{
	struct stat st;
	int fd = open(f->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, CDRFILE_MODE);
	enum err e;

	if (fd < 0)
		return false;
	if (fstat(fd, &st) != 0 || fdatasync(fd) != 0)
		goto failed;
	e = lines_tail(fd, f->max_ids, take_line, f);
	if (e != ERR_OK) {
		errno = e == ERR_NOMEM ? ENOMEM : EIO;
		goto failed;
	}
	f->fd = fd;
	f->dev = st.st_dev;
	f->ino = st.st_ino;
	f->good = f->end = st.st_size;
	f->torn = is_torn(fd, st.st_size);
	if (st.st_size == 0)
		sync_folder(f->path);
	return true;
failed:
	close(fd);
	return false;
}

static void
close_file(struct cdrfile *f)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
}

/* Renamed away or removed: go on in a new one. */
static void
follow_rotation(struct cdrfile *f)
{
	struct stat st;

	if (f->fd >= 0 && (stat(f->path, &st) != 0 || st.st_dev != f->dev || st.st_ino != f->ino))
		close_file(f);
}

/* Nothing stands behind size any more; whatever was written there is written again. */
static void
cut_back(struct cdrfile *f, off_t size)
{
	struct stat st;

	f->end = size;
	if (f->fd < 0)
		return;
	if (fstat(f->fd, &st) != 0 || (st.st_size > size && ftruncate(f->fd, size) != 0))
		close_file(f); /* what is in it is read again at the next try */
	else
		f->torn = is_torn(f->fd, st.st_size < size ? st.st_size : size);
}

static void
note_failure(struct cdrfile *f, int cause, uint64_t now_us)
{
	f->retry_ms = f->retry_ms ? f->retry_ms * 2 : CDRFILE_RETRY_MIN_MS;
	if (f->retry_ms > CDRFILE_RETRY_MAX_MS)
		f->retry_ms = CDRFILE_RETRY_MAX_MS;
	f->retry_at_us = now_us + (uint64_t)f->retry_ms * CLOCK_MS;
	if (cause != f->last_errno)
		log_error("cdr.failed",
			  "cannot write %s: %s; ended calls keep their records until it works",
			  f->path, strerror(cause));
	f->last_errno = cause;
}

static void
note_success(struct cdrfile *f)
{
	if (f->last_errno)
		log_info("cdr.works", "%s is written again", f->path);
	f->last_errno = 0;
	f->retry_ms = 0;
}

static bool
write_whole(int fd, struct str s)
{
	ssize_t n;

	do
		n = write(fd, s.p, s.len);
	while (n < 0 && errno == EINTR);
	if (n >= 0 && (size_t)n < s.len)
		errno = ENOSPC;
	return n == (ssize_t)s.len;
}

/* 0, or errno: then nothing of this record is in the file. */
static int
write_record(struct cdrfile *f, uint32_t slot, const struct call_record *rec)
{
	struct buf b;
	int cause;

	buf_init(&b, f->line, CDR_LINE_MAX);
	cdr_put(&b, rec);
	buf_char(&b, '\n');
	assert(buf_end(&b) == ERR_OK);
	if (f->fd < 0 && !open_file(f))
		return errno;
	if (!GUARD(R10, !find_id(f, rec->id.z)))
		return 0; /* opening has found it; the next round says so */
	if (f->torn) {
		if (!write_whole(f->fd, STR("\n")))
			return errno;
		f->torn = false;
		f->end++;
	}
	if (!GUARD(R14, write_whole(f->fd, buf_view(&b)))) {
		cause = errno;
		cut_back(f, f->end);
		return cause;
	}
	f->end += (off_t)b.len;
	remember_id(f, rec->id.z, false);
	f->pending[f->n_pending].slot = slot;
	f->pending[f->n_pending++].id = rec->id;
	return 0;
}

/* The batch is not on disk: none of it counts. */
static void
forget_batch(struct cdrfile *f)
{
	for (uint32_t i = 0; i < f->n_pending; i++) {
		struct cdrfile_id *e = find_id(f, f->pending[i].id.z);

		if (e)
			forget_id(f, e);
	}
	f->n_pending = 0;
	cut_back(f, f->good);
}

/* Sync what is pending and tell of it. 0, or errno. */
static int
finish_batch(struct cdrfile *f, uint32_t *n_done)
{
	uint32_t n = f->n_pending;

	if (n == 0)
		return 0;
	if (f->fd < 0 || fdatasync(f->fd) != 0) {
		int cause = f->fd < 0 ? EIO : errno;

		forget_batch(f);
		return cause;
	}
	f->good = f->end;
	f->n_pending = 0;
	f->written += n;
	metric_add(METRIC_cdr_written, n);
	for (uint32_t i = 0; i < n; i++) {
		remember_id(f, f->pending[i].id.z, true);
		f->on_written(f->arg, f->pending[i].slot, &f->pending[i].id);
	}
	*n_done += n;
	return 0;
}

/* Its CDR is on disk: said again each time, because signaling may have lost the message. */
static bool
is_done(struct cdrfile *f, uint32_t slot, const char *id)
{
	struct cdrfile_id *e = find_id(f, id);

	if (GUARD(R10, !e || !e->synced))
		return false;
	list_del(&e->age);
	list_add(&f->ages, &e->age); /* still wanted: it is young again */
	f->on_written(f->arg, slot, &e->id);
	return true;
}

uint32_t
cdrfile_round(struct cdrfile *f, const struct records *r, uint64_t now_us, bool force)
{
	bool can = force || f->retry_ms == 0 || now_us >= f->retry_at_us;
	uint32_t waiting = 0, done = 0;
	struct call_record rec;
	int cause = 0, later;

	follow_rotation(f);
	for (uint32_t i = 0; i < r->n; i++) {
		if (records_peek(r, i) != RECORD_ENDED || records_get(r, i, &rec) != RECORD_ENDED ||
		    is_done(f, i, rec.id.z))
			continue;
		waiting++;
		if (!can || cause)
			continue;
		cause = write_record(f, i, &rec);
		if (!cause && f->n_pending == CDRFILE_BATCH)
			cause = finish_batch(f, &done);
	}
	later = finish_batch(f, &done);
	cause = later ? later : cause;
	if (cause)
		note_failure(f, cause, now_us);
	else if (done)
		note_success(f);
	return waiting - done;
}

bool
cdrfile_has(const struct cdrfile *f, const char *id)
{
	const struct cdrfile_id *e = find_id(f, id);

	return e && e->synced;
}

/* ---- start and end ---- */

static void
read_rotated(struct cdrfile *f)
{
	char old[CDRFILE_PATH_MAX + 2];
	struct buf b;
	int fd;

	buf_init(&b, old, sizeof(old));
	buf_printf(&b, "%s.1", f->path);
	fd = open(buf_cstr(&b), O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (lines_tail(fd, f->max_ids, take_line, f) != ERR_OK)
		log_warn("cdr.rotated", "%s cannot be read", old);
	close(fd);
}

void
cdrfile_log_lost(const struct cdrfile *f, const struct records *r)
{
	struct call_record rec;

	for (uint32_t i = 0; i < r->n; i++) {
		if (records_peek(r, i) != RECORD_ENDED || records_get(r, i, &rec) != RECORD_ENDED ||
		    cdrfile_has(f, rec.id.z))
			continue;
		log_error("cdr.lost",
			  "id=%s account=%s from=%s to=%s answer_us=%lld end_us=%lld status=%d",
			  rec.id.z, cdr_customer_leg(&rec)->account.z, rec.from_received,
			  rec.to_received, (long long)rec.answer_us, (long long)rec.end_us,
			  rec.sip_status);
	}
}

enum err
cdrfile_init(struct cdrfile *f, const char *path, uint32_t slots)
{
	void *arg = f->arg;
	void (*told)(void *, uint32_t, const struct id *) = f->on_written;
	enum err e;

	*f = (struct cdrfile){.fd = -1, .arg = arg, .on_written = told};
	list_init(&f->ages);
	list_init(&f->spare);
	f->max_ids = slots < CDRFILE_IDS_MIN / 2 ? CDRFILE_IDS_MIN : 2 * slots;
	e = str_copyz(f->path, sizeof(f->path), str_from(path));
	if (e == ERR_OK)
		e = hash_init(&f->ids, f->max_ids);
	if (e != ERR_OK)
		return e;
	f->line = mem_zalloc(1, CDR_LINE_MAX);
	f->id_mem = mem_zalloc(f->max_ids, sizeof(*f->id_mem));
	if (!f->line || !f->id_mem) {
		cdrfile_fini(f);
		return ERR_NOMEM;
	}
	for (uint32_t i = 0; i < f->max_ids; i++)
		list_add(&f->spare, &f->id_mem[i].age);
	read_rotated(f);
	if (!open_file(f))
		note_failure(f, errno, 0);
	return ERR_OK;
}

void
cdrfile_fini(struct cdrfile *f)
{
	close_file(f);
	hash_fini(&f->ids);
	MEM_FREE(f->line);
	MEM_FREE(f->id_mem);
}
