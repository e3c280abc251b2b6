/* An Ethernet frame. Properties: what is read lies inside of it; written again with the same
 * addresses it reads back the same. */
#include <stdlib.h>
#include <string.h>

#include "net/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(c)                                                                                    \
	do {                                                                                       \
		if (!(c))                                                                          \
			abort();                                                                   \
	} while (0)

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t mac[FRAME_MAC] = {2};
	uint8_t again[FRAME_MAX + 2048], *p = again + FRAME_MAX;
	struct frame_udp f, g;
	struct frame_way w;
	uint32_t head;

	if (size > 2048 || frame_read(data, (uint32_t)size, &f) != ERR_OK)
		return 0;
	MUST(f.at + f.len <= size && f.from.family == f.to.family && f.from.port != 0);
	memcpy(p, data + f.at, f.len);
	w = (struct frame_way){.from = f.from, .to = f.to, .dscp = f.dscp};
	head = frame_put(&w, p, f.len);
	frame_put_eth(p - head, mac, mac, f.from.family);
	MUST(frame_read(p - head - FRAME_ETH, FRAME_ETH + head + f.len, &g) == ERR_OK);
	MUST(addr_eq(&f.from, &g.from) && addr_eq(&f.to, &g.to) && f.len == g.len &&
	     f.dscp == g.dscp);
	MUST(g.at == FRAME_ETH + head);
	return 0;
}
