#include "app/keeper_held.h"

#include <errno.h>
#include <string.h>

#include "app/limits.h"
#include "base/log.h"
#include "base/metric.h"
#include "ha/handring.h"
#include "ha/records.h"
#include "ha/tracering.h"
#include "media/media.h"
#include "net/tcp.h"
#include "net/udp.h"

static enum err
make_segments(struct keeper_held *h, const struct conf *c)
{
	static const uint32_t ticks[] = {[CONF_TICK_ADAPTIVE] = MEDIA_TICK_ADAPTIVE,
					 [CONF_TICK_EVENT] = MEDIA_TICK_EVENT,
					 [CONF_TICK_250] = 250,
					 [CONF_TICK_500] = 500,
					 [CONF_TICK_1000] = 1000};
	struct media_setup setup = {.io = h->media.how.kind, .tick_us = ticks[c->media_tick]};
	enum err e;

	conf_media_plan(c, &setup.plan);
	e = shm_blob("postern-media", str_of(&setup, sizeof(setup)), &h->setup_fd);
	if (e == ERR_OK)
		e = flow_create(&setup.plan, &h->flows_fd, &h->secrets_fd);
	if (e == ERR_OK)
		e = records_create(c->max_calls + CALL_SPARE, &h->calls_fd);
	if (e == ERR_OK)
		e = limits_open(c->store, &h->limits_fd);
	if (e == ERR_OK)
		e = handring_create(&h->handshakes_fd);
	if (e == ERR_OK)
		e = tracering_create(c->trace_mib, &h->trace_fd);
	if (e == ERR_OK)
		e = shm_create("postern-metrics", METRICS_MAGIC, METRICS_VERSION,
			       sizeof(struct keeper_metrics), &h->metrics_fd);
	if (e == ERR_OK)
		e = shm_map(h->metrics_fd, METRICS_MAGIC, METRICS_VERSION, true, false,
			    &h->metrics);
	if (e != ERR_OK) {
		log_error("keeper.memory", "shared memory: %s", err_text(e));
		return e;
	}
	metric_bind(&((struct keeper_metrics *)h->metrics.p)->page[KEEPER_ROLE_NONE]);
	return ERR_OK;
}

/* What to do about a bind that failed. */
static const char *
bind_advice(int why)
{
	return why == EADDRINUSE
		       ? "; another program has it, or another postern: ss -lntup says which"
	       : why == EADDRNOTAVAIL ? "; no interface has it: ip addr says which there are"
	       : why == EACCES ? "; a port below 1024 is for root or CAP_NET_BIND_SERVICE only"
			       : "";
}

static enum err
bind_listener(const struct conf_listener *l, int *fd)
{
	static const char *const names[] = {"tls", "udp", "tcp"};
	struct udp_opts o = {.local = l->bind};
	enum err e;

	_Static_assert(sizeof(o.device) == sizeof(l->device), "both are IFNAMSIZ");
	memcpy(o.device, l->device, sizeof(o.device));
	e = l->transport == CONF_UDP ? udp_bind(&o, fd) : tcp_listen(&l->bind, l->device, fd);
	if (e != ERR_OK)
		log_error("keeper.bind", "listener %s: cannot bind %s %s%s%s: %s%s", l->name,
			  names[l->transport % ARRAY_LEN(names)], addr_text(&l->bind).z,
			  l->device[0] ? " on " : "", l->device, strerror(errno),
			  bind_advice(errno));
	return e;
}

static enum err
bind_sockets(struct keeper_held *h, const struct conf *c)
{
	enum err e;

	for (uint32_t i = 0; i < c->n_listeners; i++) {
		e = bind_listener(&c->listener[i], &h->listen_fd[i]);
		if (e != ERR_OK)
			return e;
	}
	return keeper_media_make(&h->media, c);
}

void
keeper_held_init(struct keeper_held *h)
{
	h->conf_fd = h->setup_fd = h->pki_fd = h->pub_fd = h->accounts_fd = h->fresh_fd = -1;
	h->flows_fd = h->secrets_fd = h->metrics_fd = h->calls_fd = h->limits_fd = -1;
	h->handshakes_fd = h->trace_fd = -1;
	for (int i = 0; i < CONF_LISTENERS_MAX; i++)
		h->listen_fd[i] = -1;
}

enum err
keeper_held_make(struct keeper_held *h, const struct conf *c)
{
	enum err e = bind_sockets(h, c);

	return e == ERR_OK ? make_segments(h, c) : e;
}

/* ---- given to the roles ---- */

static void
map_common(const struct keeper_held *h, struct spawn_fds *m)
{
	for (size_t i = 0; i < ARRAY_LEN(m->from); i++)
		m->from[i] = -1;
	m->from[ROLE_FD_CONF] = h->conf_fd;
	m->from[ROLE_FD_FLOWS] = h->flows_fd;
	m->from[ROLE_FD_METRICS] = h->metrics_fd;
}

void
keeper_held_map(const struct keeper_held *h, const struct conf *c, enum keeper_role r, int peer,
		struct spawn_fds *m)
{
	map_common(h, m);
	if (r == KEEPER_ROLE_MEDIA) {
		m->from[ROLE_FD_CONF] = h->setup_fd;
		m->from[ROLE_FD_SECRETS] = h->secrets_fd;
	} else if (r == KEEPER_ROLE_ADMIN) {
		m->from[ROLE_FD_CALLS] = h->calls_fd;
		m->from[ROLE_FD_PKI] = h->pub_fd;
		m->from[ROLE_FD_HANDSHAKES] = h->handshakes_fd;
		m->from[ROLE_FD_TRACE] = h->trace_fd;
		m->from[ROLE_FD_SIGNALING] = peer;
	} else {
		m->from[ROLE_FD_SECRETS] = h->secrets_fd;
		m->from[ROLE_FD_ADMIN] = peer;
		m->from[ROLE_FD_CALLS] = h->calls_fd;
		m->from[ROLE_FD_LIMITS] = h->limits_fd;
		m->from[ROLE_FD_HANDSHAKES] = h->handshakes_fd;
		m->from[ROLE_FD_TRACE] = h->trace_fd;
		m->from[ROLE_FD_PKI] = h->pki_fd;
		m->from[ROLE_FD_ACCOUNTS] = h->accounts_fd;
		m->from[ROLE_FD_FRESH] = h->fresh_fd;
		for (uint32_t i = 0; i < c->n_listeners; i++)
			m->from[ROLE_FD_LISTEN + i] = h->listen_fd[i];
	}
}
