/* What moves packets in and out, in batches: the narrow side of the relay towards the kernel, and
 * the frame that every back end fills.
 *
 * A back end has two halves. Keeper's makes descriptors (sockets, maps, memory) before the roles
 * start and holds them for good: do_make. A worker's half adopts copies of them: do_attach, then
 * do_add for each descriptor as it comes over keeper's channel. A worker that dies takes nothing
 * with it; the next one gets the same descriptors, with what waits in them. */
#ifndef POSTERN_MEDIA_IO_H
#define POSTERN_MEDIA_IO_H

#include "media/ctl.h"

enum {
	IO_BATCH = 64,              /* packets in one call */
	IO_PACKET_MAX = 2048 - 320, /* bytes of a datagram: what AF_XDP leaves in a frame */
	IO_HEADROOM = 64,           /* before it: room for Ethernet, IP and UDP headers */
	IO_HELD_MAX = 64,           /* descriptors of keeper alone */
	IO_WHY_MAX = 256,
};

enum io_kind {
	IO_SOCKETS, /* a UDP socket a port: works everywhere, needs no privilege */
	IO_STEER,   /* BPF steers all ports to a socket a worker; out through raw sockets */
	IO_PACKET,  /* as IO_STEER, but out through packet sockets */
	IO_XDP,     /* in and out as frames in our own memory */
	IO_KINDS
};

/* A datagram in a buffer of the relay, worked on in place. */
struct io_packet {
	uint8_t *p;       /* the datagram; IO_PACKET_MAX bytes from here, IO_HEADROOM before */
	uint32_t len;     /* 0: nothing, not sent */
	uint32_t socket;  /* 2 * slot, + 1 for the RTCP port */
	struct addr addr; /* rx: source; tx: destination */
	uint8_t dscp;     /* rx: as it came, 0 where that is not known; tx */
};

/* One worker's packets. */
struct media_io {
	void *arg;
	/** Fill up to n packets (p is set, and may be set anew to a buffer of the back end, good
	 * until its next do_rx; the rest is written); returns how many. Never blocks. A datagram
	 * above IO_PACKET_MAX is dropped. In the order of their coming, so that a worker
	 * killed with a batch in hand costs a stream one packet as a rule. The bytes before p may
	 * be overwritten. */
	unsigned (*do_rx)(void *arg, struct io_packet *v, unsigned n);
	/** Send n packets; returns how many the kernel took. Never blocks. The headroom before p
	 * is overwritten. */
	unsigned (*do_tx)(void *arg, const struct io_packet *v, unsigned n);
	/** About ten times a second: next hops and the like. NULL: nothing to do. Never blocks. */
	void (*do_tick)(void *arg, uint64_t now_us);
	int fd;           /* poll it: readable while a packet waits */
	const bool *more; /* did the last do_rx leave packets that wait? NULL: not known */
};

/* ---- descriptors ---- */

/* The descriptors of a back end by their place, whose meaning is the back end's; -1 = there is none
 * at that place, and keeper passes none on. Keeper's has the places of one worker behind those of
 * another, as many for each. A worker has those that it adopted in one, too. */
struct io_set {
	int *fd;
	uint32_t n;
	int epoll;             /* a worker's: readable while one that wakes it is */
	int held[IO_HELD_MAX]; /* what else stays open: keeper's BPF links, a worker's epoll */
	uint32_t n_held;
};

/** n empty places. NOMEM. */
enum err io_set_init(struct io_set *s, uint32_t n) NODISCARD;
/** The same for a worker: with epoll. NOMEM, IO. */
enum err io_set_watch(struct io_set *s, uint32_t n) NODISCARD;
/** Closes all of them; a struct of zeros is fine. */
void io_set_fini(struct io_set *s);
/** Keep this open as long as the set. Takes fd; FULL: it was closed. */
enum err io_set_hold(struct io_set *s, int fd) NODISCARD;
/** Worker: fd comes to its place; wakes: its event says the place. Takes fd. RANGE; EXISTS: the
 * place is taken; IO. */
enum err io_set_take(struct io_set *s, uint32_t place, int fd, bool wakes) NODISCARD;
/** How many packets the sockets at n places from first on lost for want of room, ever. */
uint64_t io_set_lost(const struct io_set *s, uint32_t first, uint32_t n);

/** A call failed with errno: why[IO_WHY_MAX] says what it was, on which name, and which privilege
 * is wanting. PERM, NOMEM, UNSUPPORTED, IO. */
enum err io_why(char *why, const char *what, const char *name);
/** setsockopt of an int. False, and errno. */
bool io_option(int fd, int level, int name, int value) NODISCARD;
/** The same of the option that has these names in IPv4 and in IPv6. */
bool io_ip_option(int fd, bool v6, int v4_name, int v6_name, int value) NODISCARD;
/** The buffers of a socket, above the system's limit where we may; 0 = as it is. */
void io_buffers(int fd, int receive, int send);
/** A UDP socket bound to a, non-blocking, whose recvmsg tells the traffic class, and with `to` the
 * address that a packet came to; receive: bytes of its buffer. As io_why. */
enum err io_udp(const struct addr *a, bool to, int receive, int *fd, char *why) NODISCARD;
/** The DSCP in a control message of recvmsg, or what it was: not one of the traffic class. */
uint8_t io_dscp_of(const struct cmsghdr *c, uint8_t was);
/** Of a local address and port: 2 * slot, + 1 for the RTCP port. False: not one of ours. */
bool io_find_socket(const struct media_plan *plan, const struct addr *to, uint32_t *socket);

/* ---- both ---- */

struct io_backend {
	uint32_t places; /* of a worker; 0: one for each port of the plan */
	/** Keeper, with its privileges: make everything of this kind at the places of set. PERM: a
	 * capability is missing; UNSUPPORTED: not on this kernel or for this plan; IO: a port is
	 * taken and the like; NOMEM. On error why[IO_WHY_MAX] says what and where, and the rest is
	 * the set's to close. */
	enum err (*do_make)(const struct media_plan *plan, enum io_kind kind, struct io_set *set,
			    char *why);
	/** Could this process make it, ports aside? NULL: always. As do_make; leaves nothing. */
	enum err (*do_probe)(char *why);
	/** Worker: its io, without descriptors yet; fd can be polled from now on. counts: of this
	 * worker, in shared memory, borrowed. NOMEM, IO. */
	enum err (*do_attach)(const struct media_plan *plan, struct io_counts *counts,
			      struct media_io *out);
	/** Adopt the descriptor of this place, counted from the worker's first. Takes fd, also on
	 * error. RANGE, EXISTS, IO. */
	enum err (*do_add)(struct media_io *io, uint32_t place, int fd);
	/** Closes what it took; a struct of zeros is fine. */
	void (*do_detach)(struct media_io *io);
};

#endif
