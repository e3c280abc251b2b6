/* The workers of the role media, a thread each, and what stands between them and signaling: the
 * main thread, which gives each command to the worker of its slot and passes their news on. */
#ifndef POSTERN_APP_MEDIA_HUB_H
#define POSTERN_APP_MEDIA_HUB_H

#include <pthread.h>

#include "base/metric.h"
#include "media/media.h"

struct hub_worker {
	struct media media; /* of the thread, once it runs */
	struct channel chan;
	pthread_t thread;
	struct metric_page *page;
	bool ready, runs;
};

struct media_hub {
	const struct media_setup *setup;
	struct channel signaling;
	struct hub_worker *worker;
	uint32_t n;
};

/**
 * Workers for the plan of setup (borrowed), not running yet; pages: one each. signaling_fd: taken,
 * -1 = not there yet. As media_init.
 */
enum err media_hub_init(struct media_hub *h, const struct media_setup *setup,
			struct metric_page *pages, int flows_fd, int secrets_fd,
			int signaling_fd) NODISCARD;
/** Stops the threads. A struct of zeros is fine. */
void media_hub_fini(struct media_hub *h);
/** A descriptor of the back end, before media_hub_run; taken, also on error. */
enum err media_hub_add(struct media_hub *h, uint32_t place, int fd) NODISCARD;
/** All descriptors are there: start the threads. IO. */
enum err media_hub_run(struct media_hub *h) NODISCARD;
/** Signaling was started again: a new end, taken. */
void media_hub_rebind(struct media_hub *h, int fd);
/** Sleep until a message comes and pass it on; *other is set when other_fd is readable. */
void media_hub_step(struct media_hub *h, int other_fd, bool *other);

#endif
