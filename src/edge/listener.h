/* Listeners: datagrams and accepted connections, each with who sent it (by address or certificate),
 * or refused. A peer of no trunk gets no answer on plain transports (A8). */
#ifndef POSTERN_EDGE_LISTENER_H
#define POSTERN_EDGE_LISTENER_H

#include "edge/budget.h"
#include "edge/conn.h"
#include "edge/edge.h"
#include "edge/guard.h"
#include "net/tcp.h"
#include "net/udp.h"

struct listeners;

struct listener {
	struct listeners *owner;
	struct edge_listener_conf conf;
	uint32_t index;
	struct udp udp;
	struct tcp_listener tcp;
	bool is_udp, is_up;
};

struct listeners {
	struct listener l[EDGE_LISTENERS_MAX];
	uint32_t n;
	struct loop *loop;
	struct conns *conns;
	struct handshake *handshake;
	struct tls_zones *zones;
	const struct snapshot_view *snap; /* of today; NULL = nobody is known */
	struct guard *guard;
	struct budget *budget; /* of sources that nobody knows */
	bool draining;
	/* An identified peer's datagram. id without trunks: it is switched off, no new calls. */
	void (*on_datagram)(void *arg, struct listener *l, const struct addr *from,
			    const struct addr *to, const struct identity *id, struct str bytes);
	/* A connection of a TLS listener was closed before its handshake. */
	void (*on_turned_away)(void *arg, const struct tls_record *r);
	void *arg;
};

/** Takes the descriptors. The other members are set by the caller before. */
enum err listeners_start(struct listeners *ls, const struct edge_listener_conf *conf,
			 uint32_t n) NODISCARD;
void listeners_fini(struct listeners *ls);
/** A handshake ended, there is room again. */
void listeners_go(struct listeners *ls);
/* Which listener: that of name, or the first that fits the rest. */
struct listener_want {
	enum edge_transport transport;
	bool customer;
	uint32_t zone;   /* of TLS; UINT32_MAX: any */
	uint8_t family;  /* 4, 6; 0: either */
	struct str name; /* empty: any */
};
/** NULL if there is none. */
struct listener *listeners_for(struct listeners *ls, const struct listener_want *w);

#endif
