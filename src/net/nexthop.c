#include "net/nexthop.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if_arp.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

enum { NOBODY = 0xffff };

/* A station on a link, and the link. */
struct neighbour {
	struct addr ip;
	struct nexthop hop; /* its mtu is the link's */
	uint64_t used_us;
	bool taken, usable;
	bool probe; /* the kernel is not sure: it gets the next packet, and then asks */
};

struct route {
	struct addr local, remote;
	struct nexthop hop; /* as given out */
	uint64_t asked_us;  /* 0: never */
	uint64_t used_us;
	uint32_t mtu;       /* of the route; 0 = the link's */
	uint16_t neighbour; /* NOBODY: there is none */
	bool taken;
};

struct nexthops {
	int fd;
	uint32_t seq;
	uint64_t now_us; /* of the last tick */
	uint32_t route_turn, neighbour_turn;
	struct neighbour neighbour[NEXTHOP_NEIGHBOURS];
	struct route route[NEXTHOP_SETS * NEXTHOP_WAYS];
};

static size_t
ip_len(const struct addr *a)
{
	return a->family == 6 ? 16 : 4;
}

/* ---- rtnetlink (RFC 3549): one question, its answer is there when the question was sent ---- */

enum { ATTRS = 32, MESSAGE_MAX = 8192, ANSWERS_MAX = 8 };

/* A question of this type, and what comes back: the fixed part of the type, then attributes. */
struct message {
	struct nlmsghdr h;
	union {
		struct rtmsg route;
		struct ifinfomsg link;
		struct ndmsg station;
		char bytes[MESSAGE_MAX];
	} u;
};

static void
add_addr(struct message *m, uint16_t type, const struct addr *a)
{
	struct rtattr r = {.rta_len = (uint16_t)RTA_LENGTH(ip_len(a)), .rta_type = type};

	memcpy((char *)m + m->h.nlmsg_len, &r, sizeof(r));
	memcpy((char *)m + m->h.nlmsg_len + sizeof(r), a->ip, ip_len(a));
	m->h.nlmsg_len += r.rta_len;
}

/* The attributes in this stretch, by type. */
static void
read_attrs(struct str rest, struct str attr[ATTRS])
{
	struct rtattr a;
	size_t whole;

	memset(attr, 0, ATTRS * sizeof(*attr));
	for (; rest.len >= sizeof(a); rest = str_from_at(rest, whole)) {
		memcpy(&a, rest.p, sizeof(a));
		if (a.rta_len < sizeof(a) || a.rta_len > rest.len)
			return;
		if ((a.rta_type & NLA_TYPE_MASK) < ATTRS)
			attr[a.rta_type & NLA_TYPE_MASK] =
				str_of(rest.p + sizeof(a), a.rta_len - sizeof(a));
		whole = RTA_ALIGN(a.rta_len) < rest.len ? RTA_ALIGN(a.rta_len) : rest.len;
	}
}

static bool
copy_attr(struct str attr, void *out, size_t len)
{
	if (attr.len != len)
		return false;
	memcpy(out, attr.p, len);
	return true;
}

/* Type and attributes as m has them, its fixed part of that length; all of it becomes the answer.
 * False: an error, or none. */
static bool
ask_kernel(struct nexthops *t, struct message *m, size_t fixed, struct str attr[ATTRS])
{
	uint16_t want = m->h.nlmsg_type - (RTM_GETLINK - RTM_NEWLINK);

	m->h.nlmsg_flags = NLM_F_REQUEST;
	m->h.nlmsg_seq = ++t->seq;
	if (send(t->fd, m, m->h.nlmsg_len, MSG_DONTWAIT) != (ssize_t)m->h.nlmsg_len)
		return false;
	for (int i = 0; i < ANSWERS_MAX; i++) {
		ssize_t n = recv(t->fd, m, sizeof(*m), MSG_DONTWAIT);

		if (n < (ssize_t)NLMSG_LENGTH(fixed))
			return false;
		if (m->h.nlmsg_seq != t->seq)
			continue; /* of a question that was given up */
		if (m->h.nlmsg_type != want || m->h.nlmsg_len > (size_t)n ||
		    m->h.nlmsg_len < NLMSG_SPACE(fixed))
			return false;
		read_attrs(
			str_of((char *)m + NLMSG_SPACE(fixed), m->h.nlmsg_len - NLMSG_SPACE(fixed)),
			attr);
		return true;
	}
	return false;
}

static bool
read_ip(struct str v, int family, struct addr *out)
{
	*out = (struct addr){.family = family == AF_INET6 ? 6 : 4};
	return (family == AF_INET6 || family == AF_INET) && copy_attr(v, out->ip, ip_len(out));
}

/* ---- the three questions ---- */

struct found_route {
	struct addr via;
	uint32_t ifindex, mtu;
};

/* The station on the link: a gateway, one of another family (RTA_VIA, RFC 8950), or the far end. */
static bool
read_gateway(const struct str attr[ATTRS], int family, struct addr *via)
{
	struct rtvia v;

	if (attr[RTA_GATEWAY].p)
		return read_ip(attr[RTA_GATEWAY], family, via);
	if (attr[RTA_VIA].len < sizeof(v))
		return !attr[RTA_VIA].p;
	memcpy(&v, attr[RTA_VIA].p, sizeof(v));
	return read_ip(str_from_at(attr[RTA_VIA], sizeof(v)), v.rtvia_family, via);
}

/* False: no route, or one of another kind than to a station on a link. */
static bool
ask_route(struct nexthops *t, const struct addr *local, const struct addr *remote,
	  struct found_route *out)
{
	uint8_t family = remote->family == 6 ? AF_INET6 : AF_INET;
	struct message m = {
		.h = {.nlmsg_type = RTM_GETROUTE, .nlmsg_len = NLMSG_LENGTH(sizeof(m.u.route))}};
	struct found_route f = {.via = *remote};
	struct str attr[ATTRS], metric[ATTRS];

	m.u.route.rtm_family = family;
	m.u.route.rtm_dst_len = m.u.route.rtm_src_len = (uint8_t)(8 * ip_len(remote));
	add_addr(&m, RTA_DST, remote);
	add_addr(&m, RTA_SRC, local);
	if (!ask_kernel(t, &m, sizeof(m.u.route), attr) || m.u.route.rtm_type != RTN_UNICAST ||
	    attr[RTA_ENCAP].p || attr[RTA_MULTIPATH].p ||
	    !copy_attr(attr[RTA_OIF], &f.ifindex, sizeof(f.ifindex)) ||
	    !read_gateway(attr, family, &f.via))
		return false;
	read_attrs(attr[RTA_METRICS], metric);
	(void)copy_attr(metric[RTAX_MTU], &f.mtu, sizeof(f.mtu));
	f.via.port = 0;
	*out = f;
	return f.ifindex != 0;
}

static bool
ask_link(struct nexthops *t, uint32_t ifindex, struct nexthop *hop)
{
	struct message m = {
		.h = {.nlmsg_type = RTM_GETLINK, .nlmsg_len = NLMSG_LENGTH(sizeof(m.u.link))}};
	struct str attr[ATTRS];

	m.u.link.ifi_index = (int)ifindex;
	hop->ifindex = ifindex;
	return ask_kernel(t, &m, sizeof(m.u.link), attr) && m.u.link.ifi_type == ARPHRD_ETHER &&
	       copy_attr(attr[IFLA_MTU], &hop->mtu, sizeof(hop->mtu)) &&
	       copy_attr(attr[IFLA_ADDRESS], hop->from, NEXTHOP_MAC) && hop->mtu;
}

/* What the kernel knows of the station; *state is one of NUD_*. */
static bool
ask_station(struct nexthops *t, const struct neighbour *n, uint8_t mac[NEXTHOP_MAC],
	    uint16_t *state)
{
	struct message m = {
		.h = {.nlmsg_type = RTM_GETNEIGH, .nlmsg_len = NLMSG_LENGTH(sizeof(m.u.station))}};
	struct str attr[ATTRS];

	m.u.station.ndm_family = n->ip.family == 6 ? AF_INET6 : AF_INET;
	m.u.station.ndm_ifindex = (int)n->hop.ifindex;
	add_addr(&m, NDA_DST, &n->ip);
	if (!ask_kernel(t, &m, sizeof(m.u.station), attr))
		return false;
	*state = m.u.station.ndm_state;
	return copy_attr(attr[NDA_LLADDR], mac, NEXTHOP_MAC);
}

/* ---- neighbours ---- */

/* As the kernel does, a station that was seen once is sent to while it is being asked again. */
static void
refresh_neighbour(struct nexthops *t, struct neighbour *n)
{
	static const uint16_t sure = NUD_REACHABLE | NUD_PERMANENT,
			      unsure = NUD_STALE | NUD_DELAY | NUD_PROBE;
	uint16_t state = 0;

	n->usable = ask_link(t, n->hop.ifindex, &n->hop) && ask_station(t, n, n->hop.to, &state) &&
		    (state & (sure | unsure));
	n->probe = n->usable && !(state & sure);
}

static uint16_t
find_neighbour(struct nexthops *t, const struct found_route *f)
{
	uint16_t free_one = NOBODY;

	for (unsigned i = 0; i < NEXTHOP_NEIGHBOURS; i++) {
		struct neighbour *n = &t->neighbour[i];

		if (!n->taken)
			free_one = (uint16_t)i;
		else if (n->hop.ifindex == f->ifindex && addr_ip_eq(&n->ip, &f->via))
			return (uint16_t)i;
	}
	if (free_one == NOBODY)
		return NOBODY;
	t->neighbour[free_one] = (struct neighbour){
		.ip = f->via, .hop.ifindex = f->ifindex, .used_us = t->now_us, .taken = true};
	refresh_neighbour(t, &t->neighbour[free_one]);
	return free_one;
}

static void
tick_neighbours(struct nexthops *t)
{
	unsigned asks = 0;

	for (unsigned i = 0; i < NEXTHOP_NEIGHBOURS && asks < NEXTHOP_ASKS; i++) {
		struct neighbour *n = &t->neighbour[t->neighbour_turn++ % NEXTHOP_NEIGHBOURS];

		if (!n->taken)
			continue;
		if (t->now_us - n->used_us > 2 * (uint64_t)NEXTHOP_FORGET_US) {
			n->taken = n->usable = false; /* no route names it any more */
			continue;
		}
		refresh_neighbour(t, n);
		asks++;
	}
}

/* ---- routes ---- */

static struct route *
set_of(struct nexthops *t, const struct addr *local, const struct addr *remote)
{
	uint64_t a, b, c, d, h;

	memcpy(&a, remote->ip, 8);
	memcpy(&b, remote->ip + 8, 8);
	memcpy(&c, local->ip, 8);
	memcpy(&d, local->ip + 8, 8);
	h = (a ^ c * UINT64_C(0x9e3779b97f4a7c15)) * UINT64_C(0xff51afd7ed558ccd);
	h = (h ^ h >> 32 ^ b ^ d * UINT64_C(0x9e3779b97f4a7c15)) * UINT64_C(0xc4ceb9fe1a85ec53);
	return &t->route[(h >> 40) % NEXTHOP_SETS * NEXTHOP_WAYS];
}

/* A new one in the place of the one that was not used for longest. */
static void
add_route(struct nexthops *t, struct route *set, const struct addr *local,
	  const struct addr *remote)
{
	struct route *r = &set[0];

	for (int i = 1; i < NEXTHOP_WAYS; i++)
		if (r->taken && (!set[i].taken || set[i].used_us < r->used_us))
			r = &set[i];
	*r = (struct route){.local = *local,
			    .remote = *remote,
			    .used_us = t->now_us,
			    .neighbour = NOBODY,
			    .taken = true};
	r->local.port = r->remote.port = 0;
}

static const struct nexthop *
give_hop(struct nexthops *t, struct route *r)
{
	struct neighbour *n;

	r->used_us = t->now_us;
	if (r->neighbour == NOBODY)
		return NULL;
	n = &t->neighbour[r->neighbour];
	n->used_us = t->now_us;
	if (!n->usable)
		return NULL;
	if (n->probe) {
		n->probe = false;
		return NULL;
	}
	return &r->hop;
}

const struct nexthop *
nexthop_find(struct nexthops *t, const struct addr *local, const struct addr *remote)
{
	struct route *set = set_of(t, local, remote);

	for (int i = 0; i < NEXTHOP_WAYS; i++)
		if (set[i].taken && set[i].remote.family == remote->family &&
		    memcmp(set[i].remote.ip, remote->ip, sizeof(remote->ip)) == 0 &&
		    memcmp(set[i].local.ip, local->ip, sizeof(local->ip)) == 0)
			return give_hop(t, &set[i]);
	add_route(t, set, local, remote);
	return NULL;
}

static void
refresh_route(struct nexthops *t, struct route *r)
{
	struct found_route f;

	r->asked_us = t->now_us;
	r->neighbour = NOBODY;
	if (!ask_route(t, &r->local, &r->remote, &f))
		return;
	r->neighbour = find_neighbour(t, &f);
	r->mtu = f.mtu;
}

static void
copy_hop(const struct nexthops *t, struct route *r)
{
	if (r->neighbour == NOBODY)
		return;
	r->hop = t->neighbour[r->neighbour].hop;
	if (r->mtu && r->mtu < r->hop.mtu)
		r->hop.mtu = r->mtu;
}

void
nexthops_tick(struct nexthops *t, uint64_t now_us)
{
	unsigned asks = 0;

	t->now_us = now_us;
	tick_neighbours(t);
	for (uint32_t i = 0; i < ARRAY_LEN(t->route); i++) {
		struct route *r = &t->route[(t->route_turn + i) % ARRAY_LEN(t->route)];

		if (!r->taken)
			continue;
		if (now_us - r->used_us > NEXTHOP_FORGET_US)
			r->taken = false;
		else if (asks < NEXTHOP_ASKS &&
			 (!r->asked_us || now_us - r->asked_us >= NEXTHOP_ROUTE_US)) {
			refresh_route(t, r);
			if (++asks == NEXTHOP_ASKS)
				t->route_turn += i + 1;
		}
		copy_hop(t, r);
	}
}

/* ---- life ---- */

enum err
nexthops_new(struct nexthops **out)
{
	struct nexthops *t = mem_zalloc(1, sizeof(*t));

	if (!t)
		return ERR_NOMEM;
	t->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	if (t->fd < 0) {
		mem_free(t);
		return ERR_IO;
	}
	t->now_us = clock_now_us();
	*out = t;
	return ERR_OK;
}

void
nexthops_free(struct nexthops **t)
{
	if (*t)
		close((*t)->fd);
	MEM_FREE(*t);
}
