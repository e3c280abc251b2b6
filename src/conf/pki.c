#include "conf/pki.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/secret.h"

#define PKI_MAGIC 0x696b706e72747370ULL

struct pki_head {
	uint64_t magic;
	struct {
		uint32_t off, len;
	} part[CONF_ZONES_MAX][PKI_PARTS];
};

/* A file with something in it, without waiting for anybody who might write into a pipe. */
static int
open_file(const char *path, char why[PKI_WHY_MAX])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0)
		(void)snprintf(why, PKI_WHY_MAX, "%s: %s", path, strerror(errno));
	else if (!S_ISREG(st.st_mode))
		(void)snprintf(why, PKI_WHY_MAX, "%s: it is no regular file", path);
	else if (st.st_size == 0)
		(void)snprintf(why, PKI_WHY_MAX, "%s: it is empty", path);
	else
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/* Append the file's bytes to fd; *len grows. */
static enum err
copy_file(const char *path, bool text, int fd, uint32_t *len, char why[PKI_WHY_MAX])
{
	char chunk[4096], last = '\n';
	ssize_t n;
	int in = open_file(path, why);

	if (in < 0)
		return ERR_IO;
	while ((n = read(in, chunk, sizeof(chunk))) > 0) {
		if (*len + (size_t)n > PKI_FILE_MAX) {
			errno = EFBIG;
			n = -1;
			break;
		}
		if (write(fd, chunk, (size_t)n) != n) {
			n = -1;
			break;
		}
		*len += (uint32_t)n;
		last = chunk[n - 1];
	}
	/* the next file of this part starts on a line of its own; a list in DER has no lines */
	if (n == 0 && last != '\n' && text) {
		n = write(fd, "\n", 1) == 1 ? 0 : -1;
		*len += n == 0;
	}
	if (n != 0)
		(void)snprintf(why, PKI_WHY_MAX, "%s: %s", path, strerror(errno));
	close(in);
	secret_wipe(chunk, sizeof(chunk));
	return n == 0 ? ERR_OK : ERR_IO;
}

static enum err
write_zone(const struct conf_zone *z, int fd, uint32_t len[PKI_PARTS], char why[PKI_WHY_MAX])
{
	enum err e = copy_file(z->certificate, true, fd, &len[PKI_CHAIN], why);

	if (e == ERR_OK)
		e = copy_file(z->key, true, fd, &len[PKI_KEY], why);
	for (uint32_t i = 0; e == ERR_OK && i < z->n_trust; i++)
		e = copy_file(z->trust[i], true, fd, &len[PKI_TRUST], why);
	if (e == ERR_OK && (z->trust_system || z->tls.authorities))
		e = copy_file(PKI_SYSTEM_TRUST, true, fd, &len[PKI_SYSTEM], why);
	for (uint32_t i = 0; e == ERR_OK && i < z->n_crls; i++)
		e = copy_file(z->crls[i], false, fd, &len[PKI_CRL + i], why);
	return e;
}

static enum err
block_error(char why[PKI_WHY_MAX])
{
	(void)snprintf(why, PKI_WHY_MAX, "the block of keys: %s", strerror(errno));
	return ERR_IO;
}

enum err
pki_write(const struct conf *c, int fd, char why[PKI_WHY_MAX])
{
	struct pki_head head = {.magic = PKI_MAGIC};
	uint32_t off = sizeof(head);

	if (lseek(fd, (off_t)sizeof(head), SEEK_SET) < 0)
		return block_error(why);
	for (uint32_t z = 0; z < c->n_zones; z++) {
		uint32_t len[PKI_PARTS] = {0};
		enum err e = write_zone(&c->zone[z], fd, len, why);

		if (e != ERR_OK)
			return e;
		for (uint32_t p = 0; p < PKI_PARTS; p++) {
			head.part[z][p].off = off;
			head.part[z][p].len = len[p];
			off += len[p];
		}
	}
	if (pwrite(fd, &head, sizeof(head), 0) != (ssize_t)sizeof(head))
		return block_error(why);
	return ERR_OK;
}

/* len bytes at off of one file to the end of another. */
static bool
copy_part(int from, uint32_t off, uint32_t len, int to)
{
	char chunk[4096];

	while (len) {
		size_t n = len < sizeof(chunk) ? len : sizeof(chunk);

		if (pread(from, chunk, n, off) != (ssize_t)n || write(to, chunk, n) != (ssize_t)n)
			return false;
		off += (uint32_t)n;
		len -= (uint32_t)n;
	}
	return true;
}

enum err
pki_write_public(int from, int to)
{
	struct pki_head head;
	uint32_t off = sizeof(head);

	if (pread(from, &head, sizeof(head), 0) != (ssize_t)sizeof(head) ||
	    lseek(to, (off_t)sizeof(head), SEEK_SET) < 0)
		return ERR_IO;
	for (uint32_t z = 0; z < CONF_ZONES_MAX; z++)
		for (uint32_t p = 0; p < PKI_PARTS; p++) {
			uint32_t len = p == PKI_KEY ? 0 : head.part[z][p].len;

			if (!copy_part(from, head.part[z][p].off, len, to))
				return ERR_IO;
			head.part[z][p].off = off;
			head.part[z][p].len = len;
			off += len;
		}
	return pwrite(to, &head, sizeof(head), 0) == (ssize_t)sizeof(head) ? ERR_OK : ERR_IO;
}

enum err
pki_get(struct str block, uint32_t zone, enum pki_part part, struct str *out)
{
	struct pki_head head;
	size_t off, len;

	if (block.len < sizeof(head) || zone >= CONF_ZONES_MAX || part >= PKI_PARTS)
		return ERR_SYNTAX;
	memcpy(&head, block.p, sizeof(head));
	off = head.part[zone][part].off;
	len = head.part[zone][part].len;
	if (head.magic != PKI_MAGIC || off > block.len || len > block.len - off ||
	    (len && off < sizeof(head)))
		return ERR_SYNTAX;
	*out = str_sub(block, off, off + len);
	return ERR_OK;
}
