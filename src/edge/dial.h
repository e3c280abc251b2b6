/* Connections that we make: look-up, each address in turn, TCP and the handshake, each with its
 * deadline; what fails is remembered per address (edge/target.h). */
#ifndef POSTERN_EDGE_DIAL_H
#define POSTERN_EDGE_DIAL_H

#include "edge/conn.h"

struct conn_dial {
	struct policy_id account, trunk;
	struct str host;
	uint16_t port;        /* 0: by NAPTR and SRV (edge/locate.h) */
	struct str reference; /* SNI and the name to verify; empty: host. Never an SRV target */
	bool customer;
	bool hide;              /* do not show our certificate */
	bool keep;              /* comes back when it is lost, see struct conn */
	struct tls_ctx *client; /* NULL: plain TCP; a reference is taken */
	struct addr bind;       /* local address to use, port 0; family 0 = the kernel's choice */
	uint32_t listener;
};

/** Begin a connection; news comes later. */
enum err conns_dial(struct conns *cs, const struct conn_dial *d, struct conn **out) NODISCARD;
/** The handshake of a dialled connection ended (its job's arg was the connection's id). */
void conns_on_handshake(struct conns *cs, struct tls_result *res);

#endif
