/* TCP sockets before they carry anything: options, connecting, listening, accepting. Descriptors
 * come out non-blocking, close-on-exec and tuned. */
#ifndef POSTERN_NET_TCP_H
#define POSTERN_NET_TCP_H

#include "base/addr.h"
#include "net/loop.h"

enum {
	TCP_DEAD_MS = 20000,    /* unacknowledged bytes (RFC 5482) */
	TCP_PROBE_AFTER_S = 30, /* idle time before probes */
	TCP_PROBE_EVERY_S = 10,
	TCP_PROBES = 3,
	TCP_BACKLOG = 1024,
	/* What a peer may send ahead of what is read of it: the rest waits on its side, where it is
	 * seen, and what comes late, as a BYE, waits behind no more than this. The kernel doubles
	 * it for its own needs. */
	TCP_RECEIVE_BUFFER = 64 * 1024,
	TCP_ACCEPT_BATCH = 32,          /* connections taken in one iteration */
	TCP_ACCEPT_REST_US = 100 * 1000 /* pause when descriptors have run out (R18) */
};

/** TCP_NODELAY, receive buffer, keepalive, TCP_USER_TIMEOUT, non-blocking; errors on sockets that
 * are not TCP are ignored. For descriptors on their way to the handshake thread. */
void tcp_tune(int fd);
/** Begin a TCP connect from local (NULL or any: the kernel's choice; port 0: any), through device
 * (SO_BINDTODEVICE; NULL or "": any). *out_fd is the caller's. IO: refused at once, see errno. */
enum err tcp_dial(const struct addr *peer, const struct addr *local, const char *device,
		  int *out_fd) NODISCARD;

enum tcp_more {
	TCP_ACCEPT_MORE,
	TCP_ACCEPT_HOLD /* take no more until tcp_listener_go */
};

struct tcp_listener {
	struct loop *loop;
	struct loop_fd lfd;
	struct timer rest;
	struct addr local;
	bool held;
	/* Takes fd. local: as connected, not as bound. May not end the listener. */
	enum tcp_more (*on_accept)(void *arg, int fd, const struct addr *peer,
				   const struct addr *local);
	void *arg;
	uint64_t accepted, errors, no_fd;
};

/** A bound, listening, non-blocking socket. device: SO_BINDTODEVICE, NULL = none. */
enum err tcp_listen(const struct addr *local, const char *device, int *out_fd) NODISCARD;
/** Use a listening socket. Takes fd on ERR_OK. on_accept and arg are set by the caller before. */
enum err tcp_listener_init(struct tcp_listener *ln, struct loop *l, int fd) NODISCARD;
/** After TCP_ACCEPT_HOLD: go on. Not held is fine. */
void tcp_listener_go(struct tcp_listener *ln);
void tcp_listener_fini(struct tcp_listener *ln);

#endif
