#include "conf/pki.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/secret.h"

#define PKI_MAGIC 0x696b706e72747371ULL

struct pki_place {
	uint32_t off, len;
};

struct pki_head {
	uint64_t magic;
	struct pki_place part[CONF_ZONES_MAX][PKI_PARTS];
	struct pki_place password[CREDENTIALS_MAX];
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

enum err
pki_write_file(const char *path, int fd, char why[PKI_WHY_MAX])
{
	uint32_t len = 0;

	return copy_file(path, true, fd, &len, why);
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
	for (uint32_t i = 0; i < c->n_credentials; i++) {
		uint32_t len = 0;
		enum err e = copy_file(c->credential[i].password_file, true, fd, &len, why);

		if (e != ERR_OK)
			return e;
		head.password[i] = (struct pki_place){off, len};
		off += len;
	}
	if (pwrite(fd, &head, sizeof(head), 0) != (ssize_t)sizeof(head))
		return block_error(why);
	return ERR_OK;
}

/* May admin see it? Labels of RFC 7468 blocks that hold no secret, with OpenSSL's two older names.
 */
static bool
is_public(struct str label)
{
	static const char *const labels[] = {"CERTIFICATE", "X509 CERTIFICATE",
					     "TRUSTED CERTIFICATE", "X509 CRL"};

	for (size_t i = 0; i < ARRAY_LEN(labels); i++)
		if (str_eqz(label, labels[i]))
			return true;
	return false;
}

/* The next block of a text whose label is public, with both of its lines; empty = there is none.
 * A block that ends with another label than it began with is none. */
static struct str
next_public(struct str *text)
{
	struct str dashes = STR("-----"), begin = STR("-----BEGIN ");

	for (;;) {
		size_t from = str_find(*text, begin), to;
		struct str block = str_from_at(*text, from), label, end;

		if (block.len == 0)
			return STR_NULL;
		label = str_from_at(block, begin.len);
		label = str_sub(label, 0, str_find(label, dashes));
		*text = str_from_at(block, begin.len + label.len);
		to = str_find(*text, STR("-----END "));
		end = str_from_at(*text, to + strlen("-----END "));
		if (!is_public(label) || str_find(str_sub(*text, 0, to), begin) < to ||
		    !str_starts(end, label) || !str_starts(str_from_at(end, label.len), dashes))
			continue;
		*text = str_from_at(end, label.len + dashes.len);
		return str_of(block.p, (size_t)(text->p - block.p));
	}
}

static bool
write_bytes(int fd, struct str s)
{
	return write(fd, s.p, s.len) == (ssize_t)s.len;
}

/* What is public of a part, to the end of another file; *len: how much that is. A key may stand in
 * one file with its certificate: of texts only certificates and lists go over. A list in DER, which
 * has no such lines, goes as it is. */
static enum err
copy_public(int from, uint32_t off, uint32_t *len, bool list, int to)
{
	size_t size = *len;
	char *mem = mem_zalloc(1, size + 1);
	struct str text = str_of(mem, size), block;
	enum err e = ERR_OK;

	if (!mem)
		return ERR_NOMEM;
	if (pread(from, mem, size, off) != (ssize_t)size) {
		e = ERR_IO;
	} else if (list && str_find(text, STR("-----BEGIN ")) == size) {
		e = write_bytes(to, text) ? ERR_OK : ERR_IO;
	} else {
		*len = 0;
		while (e == ERR_OK && (block = next_public(&text)).len) {
			*len += (uint32_t)block.len + 1;
			if (!write_bytes(to, block) || !write_bytes(to, STR("\n")))
				e = ERR_IO;
		}
	}
	secret_wipe(mem, size);
	mem_free(mem);
	return e;
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
			enum err e = copy_public(from, head.part[z][p].off, &len, p >= PKI_CRL, to);

			if (e != ERR_OK)
				return e;
			head.part[z][p].off = off;
			head.part[z][p].len = len;
			off += len;
		}
	memset(head.password, 0, sizeof(head.password));
	return pwrite(to, &head, sizeof(head), 0) == (ssize_t)sizeof(head) ? ERR_OK : ERR_IO;
}

/* Bytes of the block behind its head. */
static enum err
slice_of(struct str block, const struct pki_head *head, struct pki_place at, struct str *out)
{
	size_t off = at.off, len = at.len;

	if (head->magic != PKI_MAGIC || off > block.len || len > block.len - off ||
	    (len && off < sizeof(*head)))
		return ERR_SYNTAX;
	*out = str_sub(block, off, off + len);
	return ERR_OK;
}

enum err
pki_get(struct str block, uint32_t zone, enum pki_part part, struct str *out)
{
	struct pki_head head;

	if (block.len < sizeof(head) || zone >= CONF_ZONES_MAX || part >= PKI_PARTS)
		return ERR_SYNTAX;
	memcpy(&head, block.p, sizeof(head));
	return slice_of(block, &head, head.part[zone][part], out);
}

enum err
pki_password(struct str block, uint32_t i, struct str *out)
{
	struct pki_head head;

	if (block.len < sizeof(head) || i >= CREDENTIALS_MAX)
		return ERR_SYNTAX;
	memcpy(&head, block.p, sizeof(head));
	return slice_of(block, &head, head.password[i], out);
}
