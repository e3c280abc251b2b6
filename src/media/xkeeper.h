/* Keeper's half of `xdp`: the BPF program on each interface that has a media address, the AF_XDP
 * sockets of its queues, and the frames of each worker.
 *
 * Places of a worker: first those of `steer`, which takes what the program passes on to the kernel;
 * then the segment of its frames, and its sockets. Queue q of each interface is worker
 * q % n_workers's; a packet that comes on a queue of another worker is passed on to `steer`.
 */
#ifndef POSTERN_MEDIA_XKEEPER_H
#define POSTERN_MEDIA_XKEEPER_H

#include "media/steer_make.h"
#include "media/xframes.h"

enum {
	XKEEPER_FRAMES = STEER_PLACES,
	XKEEPER_SOCKS,
	XKEEPER_PLACES = XKEEPER_SOCKS + XFRAMES_QUEUES,
	XKEEPER_NICS = 8, /* interfaces with media addresses */
	XKEEPER_RX_MIN = 1024,
	XKEEPER_RX_MAX = 16384, /* slots of a receiving ring: what waits in a restart */
	XKEEPER_TX = 2048,
	XKEEPER_FRAMES_MAX = 128 * 1024, /* frames of a worker: 256 MiB of locked memory */
};

/** As do_probe and do_make of struct io_backend. */
enum err xkeeper_probe(char *why) NODISCARD;
enum err xkeeper_make(const struct media_plan *plan, enum io_kind kind, struct io_set *set,
		      char *why) NODISCARD;

#endif
