/* A UDP socket for SIP: receives in batches with source and local destination address, sends from
 * a chosen local address (RFC 3261 18.2.2: answers leave from where the request came in). Belongs
 * to the loop's thread. What goes wrong is counted, never lost in silence. */
#ifndef POSTERN_NET_UDP_H
#define POSTERN_NET_UDP_H

#include "base/addr.h"
#include "net/loop.h"

enum {
	UDP_BATCH = 16,           /* datagrams a system call */
	UDP_ROUNDS_MAX = 8,       /* batches before other descriptors get their turn */
	UDP_DATAGRAM_MAX = 65535, /* bytes; 16 such buffers a socket, from the heap at boot */
	UDP_BUFFER_DEFAULT = 4 << 20
};

struct udp_opts {
	struct addr local; /* the any address is fine: the local address comes with each packet */
	char device[16];   /* SO_BINDTODEVICE, "" = none */
	uint32_t rcvbuf, sndbuf; /* bytes; 0 = UDP_BUFFER_DEFAULT */
	uint8_t dscp;            /* 0..63 */
	bool reuse_port;
};

struct udp_counters {
	uint64_t rx, rx_bytes, rx_errors;
	uint64_t rx_cut;      /* longer than the buffer: dropped */
	uint64_t rx_no_local; /* the kernel told no local address: dropped on an any-address socket
			       */
	uint64_t tx, tx_bytes;
	uint64_t tx_again;  /* socket buffer full: not sent */
	uint64_t tx_errors; /* any other refusal: not sent */
	int last_errno;     /* of the last error, 0 = none */
};

struct udp_batch;

/* from: the peer; to: our address that it was sent to, with port. bytes: valid for the call. The
 * callback may call udp_send, and udp_fini on this same socket. */
typedef void udp_on_packet(void *arg, const struct addr *from, const struct addr *to,
			   struct str bytes);

struct udp {
	struct loop *loop;
	struct loop_fd lfd;
	struct addr local; /* as bound; port set */
	struct udp_batch *batch;
	udp_on_packet *on_packet;
	void *arg;
	uint64_t since; /* us: when the datagram in hand came to the socket */
	struct udp_counters count;
};

/** A bound, non-blocking, close-on-exec socket with the options udp_adopt needs. IO: errno says. */
enum err udp_bind(const struct udp_opts *o, int *out_fd) NODISCARD;
/** Use a bound socket (of udp_bind, perhaps in another process). Takes fd on ERR_OK. */
enum err udp_adopt(struct udp *u, struct loop *l, int fd, udp_on_packet *on_packet,
		   void *arg) NODISCARD;
/** Closes the socket. A zeroed struct is fine. */
void udp_fini(struct udp *u);
/**
 * One datagram to `to`. from: local address to send from (port ignored), NULL or any = the
 * kernel's choice. AGAIN: the socket buffer is full (SIP will repeat it); LONG; IO. All counted.
 */
enum err udp_send(struct udp *u, const struct addr *from, const struct addr *to,
		  struct str bytes) NODISCARD;

#endif
