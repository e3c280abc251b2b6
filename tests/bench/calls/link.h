/* The wires of the load: the PBX's TLS connections and the gateway's socket. */
#ifndef POSTERN_TESTS_BENCH_CALLS_LINK_H
#define POSTERN_TESTS_BENCH_CALLS_LINK_H

#include <netinet/in.h>

#include "calls/load.h"
#include "sip/frame.h"

enum {
	LINK_OUT_MAX = 4 << 20,
	LINK_FULL = 64 * 1024, /* so much waits: no new call over this one */
};

struct link_conn {
	int fd; /* -1: down */
	struct ssl_st *ssl;
	struct sip_frame frame;
	char *mem;
	char *out; /* what the other side does not take yet; NULL: link_queues was not asked for */
	size_t n_out;
};

/* Who takes what comes in. */
struct link_up {
	void *arg;
	void (*on_pbx)(void *arg, unsigned conn, struct str bytes);
	void (*on_gateway)(void *arg, const struct sockaddr_in *from, struct str bytes);
	void (*on_down)(void *arg, unsigned conn);
};

struct link {
	struct ssl_ctx_st *ctx;
	struct link_conn conn[LOAD_CONNS];
	int poll, udp;
};

void link_init(struct link *l, const struct place *p);
void link_fini(struct link *l);
bool link_connect(struct link *l, uint16_t port);
void link_disconnect(struct link *l);
/** From now on, what a connection does not take waits, and nobody waits for it. */
void link_queues(struct link *l);
bool link_full(const struct link *l, unsigned conn);
/** The same for one that is down. */
bool link_connect_one(struct link *l, unsigned conn, uint16_t port);
/** Sends these last bytes, and is gone: by a reset, or in order but for what TLS says at its end.
 */
void link_cut(struct link *l, unsigned conn, struct str bytes, bool reset);
/** False: the connection is down. */
bool link_send_pbx(struct link *l, unsigned conn, struct str bytes);
void link_send_gateway(struct link *l, const struct sockaddr_in *to, struct str bytes);
/** Wait at most so long, seconds, and give up what came. */
void link_wait(struct link *l, double seconds, const struct link_up *up);

#endif
