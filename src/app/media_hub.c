#include "app/media_hub.h"

#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/mem.h"

static void *
run_worker(void *arg)
{
	struct hub_worker *w = arg;

	metric_bind(w->page);
	(void)prctl(PR_SET_TIMERSLACK, 1); /* ns: a tick is a quarter of a millisecond */
	media_run(&w->media);
	return NULL;
}

enum err
media_hub_init(struct media_hub *h, const struct media_setup *setup, struct metric_page *pages,
	       int flows_fd, int secrets_fd)
{
	uint32_t n = media_workers(&setup->plan);
	enum err e;

	*h = (struct media_hub){.setup = setup};
	h->worker = mem_zalloc(n, sizeof(*h->worker));
	e = h->worker ? ERR_OK : ERR_NOMEM;
	for (; e == ERR_OK && h->n < n; h->n++) {
		struct hub_worker *w = &h->worker[h->n];

		w->page = &pages[h->n];
		e = media_init(&w->media, setup, h->n, flows_fd, secrets_fd);
		w->ready = e == ERR_OK;
	}
	if (e != ERR_OK)
		media_hub_fini(h);
	return e;
}

void
media_hub_fini(struct media_hub *h)
{
	for (uint32_t i = 0; h->worker && i < h->n; i++)
		media_stop(&h->worker[i].media);
	for (uint32_t i = 0; h->worker && i < h->n; i++) {
		struct hub_worker *w = &h->worker[i];

		if (w->runs)
			(void)pthread_join(w->thread, NULL);
		if (w->ready)
			media_fini(&w->media);
	}
	MEM_FREE(h->worker);
	h->n = 0;
}

enum err
media_hub_add(struct media_hub *h, uint32_t place, int fd)
{
	uint32_t share = io_places(h->setup->io, &h->setup->plan);

	if (place / share >= h->n) {
		close(fd);
		return ERR_RANGE;
	}
	return media_add(&h->worker[place / share].media, place % share, fd);
}

enum err
media_hub_run(struct media_hub *h)
{
	for (uint32_t i = 0; i < h->n; i++) {
		struct hub_worker *w = &h->worker[i];
		char name[16];

		if (pthread_create(&w->thread, NULL, run_worker, w) != 0)
			return ERR_IO;
		w->runs = true;
		(void)snprintf(name, sizeof(name), "media-%u", i % MEDIA_WORKERS_MAX);
		(void)pthread_setname_np(w->thread, name);
	}
	return ERR_OK;
}

void
media_hub_bind(struct media_hub *h, const int *fds)
{
	for (uint32_t i = 0; i < h->n; i++)
		media_bind(&h->worker[i].media, fds[i]);
}
