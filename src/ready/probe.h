/* The readiness probe of signaling: one at a time, in a thread of its own that may wait, so that
 * neither the loop nor the handshake thread does. Shares with the loop one job going in and its
 * facts coming out. Our certificate and key are used from the zone's context, here and nowhere
 * else. */
#ifndef POSTERN_READY_PROBE_H
#define POSTERN_READY_PROBE_H

#include <pthread.h>
#include <stdatomic.h>

#include "ready/steps.h"
#include "net/loop.h"

struct probe {
	struct loop *loop;
	struct loop_mail mail;
	pthread_t thread;
	bool busy;
	_Atomic bool stop;
	struct probe_run run;
	struct probe_facts *facts; /* of the job in hand */
	/* In the loop. The callee may take *facts (mem_free), then sets it to NULL. */
	void (*on_done)(void *arg, struct probe_facts **facts);
	void *arg;
};

/** on_done and arg are set by the caller before. */
enum err probe_init(struct probe *p, struct loop *loop) NODISCARD;
/** Ends what runs, without on_done. Zeroed is fine. */
void probe_fini(struct probe *p);
/**
 * Begin. start: own, account, job and port filled by the caller, the rest zero; copied. References
 * to client, trust and owns (may be NULL) are taken. dns: servers, none: the system's. STATE:
 * another one runs; NOMEM, IO.
 */
enum err probe_start(struct probe *p, const struct probe_facts *start, struct tls_ctx *client,
		     struct tls_trust *trust, struct tls_owns *owns, const struct addr *dns,
		     uint32_t n_dns, const struct testmedia_rows *rows) NODISCARD;
bool probe_busy(const struct probe *p);
/** Let what runs end as soon as it can: on_done follows, with what was found so far. */
void probe_stop(struct probe *p);

#endif
