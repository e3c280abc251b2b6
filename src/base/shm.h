/* Shared memory and sealed blobs, both as memfds that keeper holds and passes to the roles. */
#ifndef POSTERN_BASE_SHM_H
#define POSTERN_BASE_SHM_H

#include "base/str.h"

/* First 64 bytes of each segment. Another magic, version, size or boot id: not ours, never read. */
struct shm_head {
	uint64_t magic;
	uint32_t version;
	uint32_t pad;
	uint64_t size; /* of the whole segment */
	char boot_id[40];
};

struct shm {
	void *p; /* starts with a struct shm_head */
	size_t size;
};

/** A new zeroed segment of size bytes (head included); *fd is close-on-exec. */
enum err shm_create(const char *name, uint64_t magic, uint32_t version, size_t size,
		    int *fd) NODISCARD;
enum shm_found {
	SHM_NEW,       /* there was no file, or an empty one */
	SHM_KEPT,      /* of this boot */
	SHM_REBOOTED,  /* of an earlier boot; its head now names this one */
	SHM_DISCARDED, /* it held something else: a new file stands in its place */
};

/**
 * The same as a file of mode 0600, which outlives all processes; its room on the disk is taken
 * now. SHM_KEPT, SHM_REBOOTED: what it holds is left as it is. A symbolic link is not followed.
 * IO (errno says why): it cannot be opened or made, or is no plain file.
 */
enum err shm_file(const char *path, uint64_t magic, uint32_t version, size_t size,
		  enum shm_found *found, int *fd) NODISCARD;
/** Map fd after checking its head; VERSION when it is another kind. secret: MADV_DONTDUMP. */
enum err shm_map(int fd, uint64_t magic, uint32_t version, bool writable, bool secret,
		 struct shm *out) NODISCARD;
void shm_unmap(struct shm *s);

/** A sealed memfd with these bytes: nobody can change it any more. */
enum err shm_blob(const char *name, struct str bytes, int *fd) NODISCARD;
/** Map a sealed blob read-only; PERM when it is not sealed. End with shm_blob_unmap. */
enum err shm_blob_map(int fd, struct str *out) NODISCARD;
void shm_blob_unmap(struct str *s);

#endif
