#include "net/xring.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

/* Where the kernel says that they lie: by kind, page and offsets. */
static enum err
map_one(int fd, off_t page, const struct xdp_ring_offset *off, bool producer, size_t slot,
	struct xring *r)
{
	char *p;

	r->map_size = off->desc + r->size * slot;
	r->map = mmap(NULL, r->map_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd,
		      page);
	if (r->map == MAP_FAILED) {
		r->map = NULL;
		return ERR_IO;
	}
	p = r->map;
	r->own = (uint32_t *)(void *)(p + (producer ? off->producer : off->consumer));
	r->other = (uint32_t *)(void *)(p + (producer ? off->consumer : off->producer));
	r->flags = (uint32_t *)(void *)(p + off->flags);
	r->slots = p + off->desc;
	r->at = __atomic_load_n(r->own, __ATOMIC_ACQUIRE);
	r->seen = __atomic_load_n(r->other, __ATOMIC_ACQUIRE);
	return ERR_OK;
}

enum err
xring_map(int fd, uint32_t rx_size, uint32_t tx_size, struct xring out[XRING_N])
{
	struct xdp_mmap_offsets all;
	const struct {
		off_t page;
		const struct xdp_ring_offset *off;
		uint32_t size;
		size_t slot;
		bool producer;
	} rows[XRING_N] = {
		{(off_t)XDP_UMEM_PGOFF_FILL_RING, &all.fr, rx_size, sizeof(uint64_t), true},
		{(off_t)XDP_UMEM_PGOFF_COMPLETION_RING, &all.cr, tx_size, sizeof(uint64_t), false},
		{XDP_PGOFF_RX_RING, &all.rx, rx_size, sizeof(struct xdp_desc), false},
		{(off_t)XDP_PGOFF_TX_RING, &all.tx, tx_size, sizeof(struct xdp_desc), true},
	};
	socklen_t len = sizeof(all);
	enum err e = ERR_OK;

	if (getsockopt(fd, SOL_XDP, XDP_MMAP_OFFSETS, &all, &len) != 0)
		return ERR_IO;
	if (len != sizeof(all)) { /* before Linux 5.4: without flags */
		errno = ENOSYS;
		return ERR_IO;
	}
	for (int i = 0; i < XRING_N && e == ERR_OK; i++) {
		out[i] = (struct xring){.size = rows[i].size};
		e = map_one(fd, rows[i].page, rows[i].off, rows[i].producer, rows[i].slot, &out[i]);
	}
	return e;
}

void
xring_unmap(struct xring r[XRING_N])
{
	for (int i = 0; i < XRING_N; i++)
		if (r[i].map)
			munmap(r[i].map, r[i].map_size);
	memset(r, 0, XRING_N * sizeof(*r));
}
