/* What keeper holds for its roles, so that it outlives them: sockets, shared memory, and the newest
 * of what they made. */
#ifndef POSTERN_APP_KEEPER_HELD_H
#define POSTERN_APP_KEEPER_HELD_H

#include "app/keeper_media.h"
#include "app/spawn.h"
#include "base/shm.h"
#include "conf/conf.h"

struct keeper_held {
	/* configuration and keys in use; admin's accounts and fetched lists: -1 until there are any
	 */
	int conf_fd, setup_fd, pki_fd, pub_fd, accounts_fd, fresh_fd;
	int flows_fd, secrets_fd, metrics_fd, calls_fd, limits_fd, handshakes_fd, trace_fd;
	int listen_fd[CONF_LISTENERS_MAX];
	struct keeper_media media;
	struct shm metrics;
};

/** All of it -1. */
void keeper_held_init(struct keeper_held *h);
/** Bind the sockets and make the segments that c asks for; what fails is logged. IO, NOMEM, and
 * what media says. */
enum err keeper_held_make(struct keeper_held *h, const struct conf *c) NODISCARD;
/** What role r is started with; peer: the end of the channel between signaling and admin. */
void keeper_held_map(const struct keeper_held *h, const struct conf *c, enum keeper_role r,
		     int peer, struct spawn_fds *m);

#endif
