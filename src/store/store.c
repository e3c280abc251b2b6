#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "policy/faults.h"
#include "policy/snapbuild.h"

enum { GOOD_PATH_MAX = 512, GOOD_SIZE_MAX = 1 << 30, OLD_TOLD_MAX = 100 };

static void
tell_old(void *arg, const struct roster_fault *f)
{
	uint32_t *n = arg;

	if (!f->old)
		log_error("accounts.refused", "%s", f->text);
	else if (++*n <= OLD_TOLD_MAX)
		log_warn("accounts.old",
			 "%s; an older release took this, it stays in use, apply will not take it",
			 f->text);
}

enum err
store_snapshot(struct store *s, struct str *out)
{
	struct roster r;
	uint32_t faults = 0, old = 0;
	enum err e;

	roster_init(&r);
	e = store_read(s, &r);
	if (e == ERR_OK)
		e = roster_check(&r, tell_old, &old, &faults);
	if (e == ERR_OK && faults > old)
		e = ERR_CONFIG;
	if (e == ERR_OK)
		e = snapshot_build(&r, out);
	roster_fini(&r);
	return e;
}

void
store_snapshot_free(struct str *bytes)
{
	mem_free((void *)(uintptr_t)bytes->p);
	*bytes = STR_NULL;
}

static bool
write_whole(int fd, struct str s)
{
	while (s.len) {
		ssize_t n = write(fd, s.p, s.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		s = str_from_at(s, (size_t)n);
	}
	return fsync(fd) == 0;
}

enum err
store_good_write(const char *path, struct str bytes)
{
	char tmp[GOOD_PATH_MAX];
	struct buf b;
	bool ok;
	int fd;

	buf_init(&b, tmp, sizeof(tmp) - 1);
	buf_printf(&b, "%s.tmp", path);
	if (buf_end(&b) != ERR_OK)
		return ERR_LONG;
	tmp[b.len] = 0;
	fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return ERR_IO;
	ok = write_whole(fd, bytes);
	ok = close(fd) == 0 && ok;
	if (ok && rename(tmp, path) == 0)
		return ERR_OK;
	(void)unlink(tmp);
	return ERR_IO;
}

static bool
read_whole(int fd, char *p, size_t len)
{
	while (len) {
		ssize_t n = read(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

enum err
store_good_read(const char *path, struct str *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct snapshot_view v;
	struct stat st;
	char *p = NULL;
	enum err e = ERR_IO;

	if (fd < 0)
		return errno == ENOENT ? ERR_NOTFOUND : ERR_IO;
	if (fstat(fd, &st) != 0 || st.st_size < 0 || st.st_size > GOOD_SIZE_MAX)
		goto out;
	e = ERR_NOMEM;
	p = mem_zalloc(1, (size_t)st.st_size + 1);
	if (!p)
		goto out;
	e = read_whole(fd, p, (size_t)st.st_size) ? snapshot_open(str_of(p, (size_t)st.st_size), &v)
						  : ERR_IO;
out:
	close(fd);
	if (e == ERR_OK)
		*out = str_of(p, (size_t)st.st_size);
	else
		mem_free(p);
	return e;
}
