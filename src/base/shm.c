#include "base/shm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE };

static void
read_boot_id(char *dst, size_t cap)
{
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");

	memset(dst, 0, cap);
	if (!f)
		return;
	if (fgets(dst, (int)cap, f))
		dst[strcspn(dst, "\n")] = 0;
	fclose(f);
}

enum err
shm_create(const char *name, uint64_t magic, uint32_t version, size_t size, int *out)
{
	struct shm_head head = {.magic = magic, .version = version, .size = size};
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return ERR_IO;
	read_boot_id(head.boot_id, sizeof(head.boot_id));
	if (size < sizeof(head) || ftruncate(fd, (off_t)size) != 0 ||
	    pwrite(fd, &head, sizeof(head), 0) != (ssize_t)sizeof(head) ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
		close(fd);
		return ERR_IO;
	}
	*out = fd;
	return ERR_OK;
}

/* What an open file holds, by its head. */
static enum err
look_at_file(int fd, const struct shm_head *want, enum shm_found *found)
{
	struct shm_head head;
	struct stat st;

	if (fstat(fd, &st) != 0)
		return ERR_IO;
	if (!S_ISREG(st.st_mode)) {
		errno = EINVAL;
		return ERR_IO;
	}
	if (st.st_size == 0)
		*found = SHM_NEW;
	else if ((uint64_t)st.st_size != want->size ||
		 pread(fd, &head, sizeof(head), 0) != (ssize_t)sizeof(head) ||
		 head.magic != want->magic || head.version != want->version ||
		 head.size != want->size)
		*found = SHM_DISCARDED;
	else if (memcmp(head.boot_id, want->boot_id, sizeof(head.boot_id)) != 0)
		*found = SHM_REBOOTED;
	else
		*found = SHM_KEPT;
	return ERR_OK;
}

/* Room for all of it, or a write to the mapping could end us (SIGBUS) on a full disk. The head
 * comes last: without it the file is not ours. */
static enum err
set_up_file(int fd, const struct shm_head *head)
{
	errno = posix_fallocate(fd, 0, (off_t)head->size);
	if (errno != 0 || pwrite(fd, head, sizeof(*head), 0) != (ssize_t)sizeof(*head))
		return ERR_IO;
	return ERR_OK;
}

enum err
shm_file(const char *path, uint64_t magic, uint32_t version, size_t size, enum shm_found *found,
	 int *out)
{
	static const int flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
	struct shm_head head = {.magic = magic, .version = version, .size = size};
	int fd = open(path, flags, 0600);
	enum shm_found was = SHM_NEW;
	enum err e;

	if (fd < 0)
		return ERR_IO;
	read_boot_id(head.boot_id, sizeof(head.boot_id));
	e = look_at_file(fd, &head, &was);
	if (e == ERR_OK && was == SHM_DISCARDED) {
		/* not cut short: another process may have it mapped */
		close(fd);
		fd = unlink(path) == 0 ? open(path, flags | O_EXCL, 0600) : -1;
		if (fd < 0)
			return ERR_IO;
	}
	if (e == ERR_OK)
		e = set_up_file(fd, &head);
	if (e != ERR_OK) {
		int why = errno;

		close(fd);
		errno = why;
		return e;
	}
	*found = was;
	*out = fd;
	return ERR_OK;
}

enum err
shm_map(int fd, uint64_t magic, uint32_t version, bool writable, bool secret, struct shm *out)
{
	struct shm_head want = {0}, head;
	struct stat st;
	void *p;

	read_boot_id(want.boot_id, sizeof(want.boot_id));
	if (fstat(fd, &st) != 0 || pread(fd, &head, sizeof(head), 0) != (ssize_t)sizeof(head))
		return ERR_IO;
	if (head.magic != magic || head.version != version || head.size != (uint64_t)st.st_size ||
	    memcmp(head.boot_id, want.boot_id, sizeof(want.boot_id)) != 0)
		return ERR_VERSION;
	p = mmap(NULL, head.size, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return ERR_IO;
	if (secret)
		(void)madvise(p, head.size, MADV_DONTDUMP);
	*out = (struct shm){p, head.size};
	return ERR_OK;
}

void
shm_unmap(struct shm *s)
{
	if (s->p)
		munmap(s->p, s->size);
	*s = (struct shm){0};
}

static bool
write_whole(int fd, struct str s)
{
	while (s.len) {
		ssize_t n = write(fd, s.p, s.len);

		if (n <= 0)
			return false;
		s = str_from_at(s, (size_t)n);
	}
	return true;
}

enum err
shm_blob(const char *name, struct str bytes, int *out)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return ERR_IO;
	if (!write_whole(fd, bytes) || fcntl(fd, F_ADD_SEALS, SEALS) != 0) {
		close(fd);
		return ERR_IO;
	}
	*out = fd;
	return ERR_OK;
}

enum err
shm_blob_map(int fd, struct str *out)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat st;
	void *p;

	if (seals < 0 || (seals & (F_SEAL_WRITE | F_SEAL_SHRINK)) != (F_SEAL_WRITE | F_SEAL_SHRINK))
		return ERR_PERM;
	if (fstat(fd, &st) != 0)
		return ERR_IO;
	if (st.st_size == 0) {
		*out = STR_NULL;
		return ERR_OK;
	}
	/* private: before Linux 6.7 a write-sealed memfd cannot be mapped shared, even to read */
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return ERR_IO;
	*out = str_of(p, (size_t)st.st_size);
	return ERR_OK;
}

void
shm_blob_unmap(struct str *s)
{
	if (s->len)
		munmap((void *)(uintptr_t)s->p, s->len);
	*s = STR_NULL;
}
