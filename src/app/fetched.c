#include "app/fetched.h"

#include <string.h>

#include "base/mem.h"
#include "base/shm.h"

#define FETCHED_MAGIC 0x6873657266747370ULL

struct fetched_row {
	uint32_t kind, off, len, pad;
	uint8_t fingerprint[32];
	int64_t until_us;
	char label[FETCHED_LABEL_MAX];
};

struct fetched_head {
	uint64_t magic;
	uint32_t n, pad;
	struct fetched_row row[FETCHED_MAX];
};

enum err
fetched_make(const struct fetched_entry *e, size_t n, int *fd)
{
	size_t size = sizeof(struct fetched_head), at = size;
	struct fetched_head *head;
	enum err err;

	if (n > FETCHED_MAX)
		return ERR_LONG;
	for (size_t i = 0; i < n; i++) {
		if (e[i].bytes.len > FETCHED_BYTES_MAX - size)
			return ERR_LONG;
		size += e[i].bytes.len;
	}
	head = mem_zalloc(1, size);
	if (!head)
		return ERR_NOMEM;
	head->magic = FETCHED_MAGIC;
	head->n = (uint32_t)n;
	for (size_t i = 0; i < n; i++) {
		struct fetched_row *r = &head->row[i];

		*r = (struct fetched_row){.kind = e[i].kind,
					  .off = (uint32_t)at,
					  .len = (uint32_t)e[i].bytes.len,
					  .until_us = e[i].until_us};
		memcpy(r->fingerprint, e[i].fingerprint, sizeof(r->fingerprint));
		memcpy(r->label, e[i].label, sizeof(r->label));
		r->label[sizeof(r->label) - 1] = 0;
		if (r->len)
			memcpy((char *)head + at, e[i].bytes.p, r->len);
		at += r->len;
	}
	err = shm_blob("postern-fresh", str_of(head, size), fd);
	mem_free(head);
	return err;
}

enum err
fetched_get(struct str block, size_t i, struct fetched_entry *out)
{
	const struct fetched_head *head = (const void *)block.p;
	const struct fetched_row *r;

	if (block.len < sizeof(*head) || (uintptr_t)block.p % _Alignof(struct fetched_head) ||
	    head->magic != FETCHED_MAGIC || head->n > FETCHED_MAX)
		return ERR_SYNTAX;
	if (i >= head->n)
		return ERR_NOTFOUND;
	r = &head->row[i];
	if (r->off < sizeof(*head) || r->off > block.len || r->len > block.len - r->off ||
	    r->label[sizeof(r->label) - 1])
		return ERR_SYNTAX;
	*out = (struct fetched_entry){.kind = r->kind,
				      .until_us = r->until_us,
				      .bytes = str_sub(block, r->off, r->off + r->len)};
	memcpy(out->fingerprint, r->fingerprint, sizeof(out->fingerprint));
	memcpy(out->label, r->label, sizeof(out->label));
	return ERR_OK;
}
