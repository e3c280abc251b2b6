/* The workers of the role media, a thread each. Each has its own channel to signaling; what they
 * need comes from the main thread. */
#ifndef POSTERN_APP_MEDIA_HUB_H
#define POSTERN_APP_MEDIA_HUB_H

#include <pthread.h>

#include "base/metric.h"
#include "media/media.h"

struct hub_worker {
	struct media media; /* of the thread, once it runs, but for media_bind and media_stop */
	pthread_t thread;
	struct metric_page *page;
	bool ready, runs;
};

struct media_hub {
	const struct media_setup *setup;
	struct hub_worker *worker;
	uint32_t n;
};

/**
 * Workers for the plan of setup (borrowed), not running yet; pages: one each. As media_init.
 */
enum err media_hub_init(struct media_hub *h, const struct media_setup *setup,
			struct metric_page *pages, int flows_fd, int secrets_fd) NODISCARD;
/** Stops the threads. A struct of zeros is fine. */
void media_hub_fini(struct media_hub *h);
/** A descriptor of the back end, before media_hub_run; taken, also on error. */
enum err media_hub_add(struct media_hub *h, uint32_t place, int fd) NODISCARD;
/** All descriptors are there: start the threads. IO. */
enum err media_hub_run(struct media_hub *h) NODISCARD;
/** Signaling was started: an end for each worker, in their order; taken. */
void media_hub_bind(struct media_hub *h, const int *fds);

#endif
