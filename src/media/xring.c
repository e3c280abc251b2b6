#include "media/xring.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

static bool
is_producer(enum xring_kind kind)
{
	return kind == XRING_FILL || kind == XRING_TX;
}

enum err
xring_map(int fd, enum xring_kind kind, uint32_t size, struct xring *out)
{
	static const off_t page[XRING_N] = {(off_t)XDP_UMEM_PGOFF_FILL_RING,
					    (off_t)XDP_UMEM_PGOFF_COMPLETION_RING,
					    (off_t)XDP_PGOFF_RX_RING, (off_t)XDP_PGOFF_TX_RING};
	struct xdp_mmap_offsets all;
	const struct xdp_ring_offset *off[XRING_N] = {&all.fr, &all.cr, &all.rx, &all.tx};
	socklen_t len = sizeof(all);
	size_t slot =
		kind == XRING_RX || kind == XRING_TX ? sizeof(struct xdp_desc) : sizeof(uint64_t);
	struct xring r = {.size = size};
	char *p;

	if (getsockopt(fd, SOL_XDP, XDP_MMAP_OFFSETS, &all, &len) != 0)
		return ERR_IO;
	if (len != sizeof(all)) { /* before Linux 5.4: without flags */
		errno = ENOSYS;
		return ERR_IO;
	}
	r.map_size = off[kind]->desc + size * slot;
	r.map = mmap(NULL, r.map_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd,
		     page[kind]);
	if (r.map == MAP_FAILED)
		return ERR_IO;
	p = r.map;
	r.own = (uint32_t *)(void *)(p + (is_producer(kind) ? off[kind]->producer
							    : off[kind]->consumer));
	r.other = (uint32_t *)(void *)(p + (is_producer(kind) ? off[kind]->consumer
							      : off[kind]->producer));
	r.flags = (uint32_t *)(void *)(p + off[kind]->flags);
	r.slots = p + off[kind]->desc;
	r.at = __atomic_load_n(r.own, __ATOMIC_ACQUIRE);
	r.seen = __atomic_load_n(r.other, __ATOMIC_ACQUIRE);
	*out = r;
	return ERR_OK;
}

void
xring_unmap(struct xring *r)
{
	if (r->map)
		munmap(r->map, r->map_size);
	memset(r, 0, sizeof(*r));
}
