#include "media/nexthop.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if_arp.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

enum { REQUEST_MAX = 256, ANSWER_MAX = 8192, ANSWERS_MAX = 8, NOBODY = 0xffff };

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

/* ---- rtnetlink (RFC 3549): one question, its answer is there when the question was sent ---- */

struct request {
	struct nlmsghdr h;
	char body[REQUEST_MAX];
};

static void
begin_request(struct request *r, uint16_t type, const void *body, size_t len)
{
	memset(r, 0, sizeof(*r));
	r->h.nlmsg_type = type;
	r->h.nlmsg_flags = NLM_F_REQUEST;
	r->h.nlmsg_len = (uint32_t)NLMSG_LENGTH(len);
	memcpy(r->body, body, len);
}

static void
add_attr(struct request *r, uint16_t type, const void *p, size_t len)
{
	struct rtattr a = {.rta_len = (uint16_t)RTA_LENGTH(len), .rta_type = type};
	size_t at = NLMSG_ALIGN(r->h.nlmsg_len) - sizeof(r->h);

	memcpy(r->body + at, &a, sizeof(a));
	memcpy(r->body + at + sizeof(a), p, len);
	r->h.nlmsg_len = (uint32_t)(sizeof(r->h) + at + RTA_ALIGN(a.rta_len));
}

/* The answer of this type to our question; false: an error, or none. */
static bool
ask_kernel(struct nexthops *t, struct request *r, uint16_t type, char *answer, struct str *out)
{
	struct nlmsghdr h;

	r->h.nlmsg_seq = ++t->seq;
	if (send(t->fd, r, r->h.nlmsg_len, MSG_DONTWAIT) != (ssize_t)r->h.nlmsg_len)
		return false;
	for (int i = 0; i < ANSWERS_MAX; i++) {
		ssize_t n = recv(t->fd, answer, ANSWER_MAX, MSG_DONTWAIT);

		if (n < (ssize_t)sizeof(h))
			return false;
		memcpy(&h, answer, sizeof(h));
		if (h.nlmsg_seq != t->seq)
			continue; /* of a question that was given up */
		if (h.nlmsg_type != type || h.nlmsg_len > (size_t)n)
			return false;
		*out = str_of(answer + sizeof(h), h.nlmsg_len - sizeof(h));
		return true;
	}
	return false;
}

/* The next attribute behind the fixed part; false: no more. */
static bool
next_attr(struct str *rest, uint16_t *type, struct str *value)
{
	struct rtattr a;
	size_t whole;

	if (rest->len < sizeof(a))
		return false;
	memcpy(&a, rest->p, sizeof(a));
	if (a.rta_len < sizeof(a) || a.rta_len > rest->len)
		return false;
	*type = a.rta_type & NLA_TYPE_MASK;
	*value = str_of(rest->p + sizeof(a), a.rta_len - sizeof(a));
	whole = RTA_ALIGN(a.rta_len);
	*rest = str_from_at(*rest, whole < rest->len ? whole : rest->len);
	return true;
}

static bool
read_u32(struct str v, uint32_t *out)
{
	if (v.len != sizeof(*out))
		return false;
	memcpy(out, v.p, sizeof(*out));
	return true;
}

static bool
read_ip(struct str v, int family, struct addr *out)
{
	size_t len = family == AF_INET6 ? 16 : 4;

	if (v.len != len || (family != AF_INET6 && family != AF_INET))
		return false;
	*out = (struct addr){.family = family == AF_INET6 ? 6 : 4};
	memcpy(out->ip, v.p, len);
	return true;
}

static size_t
ip_len(const struct addr *a)
{
	return a->family == 6 ? 16 : 4;
}

/* ---- the three questions ---- */

struct found_route {
	struct addr via;
	uint32_t ifindex, mtu;
};

static void
read_metrics(struct str rest, uint32_t *mtu)
{
	struct str value;
	uint16_t type;

	while (next_attr(&rest, &type, &value))
		if (type == RTAX_MTU)
			(void)read_u32(value, mtu);
}

/* RTA_VIA: a gateway of another family (RFC 8950). */
static bool
read_via(struct str v, struct addr *out)
{
	struct rtvia via;

	if (v.len < sizeof(via))
		return false;
	memcpy(&via, v.p, sizeof(via));
	return read_ip(str_from_at(v, sizeof(via)), via.rtvia_family, out);
}

/* False: no route, or one of another kind than to a station on a link. */
static bool
ask_route(struct nexthops *t, const struct addr *local, const struct addr *remote,
	  struct found_route *out)
{
	int family = remote->family == 6 ? AF_INET6 : AF_INET;
	uint8_t bits = (uint8_t)(8 * ip_len(remote));
	struct rtmsg m = {.rtm_family = (uint8_t)family, .rtm_dst_len = bits, .rtm_src_len = bits};
	struct found_route f = {.via = *remote};
	char answer[ANSWER_MAX];
	struct str rest, value;
	struct request r;
	uint16_t type;
	bool plain = true;

	begin_request(&r, RTM_GETROUTE, &m, sizeof(m));
	add_attr(&r, RTA_DST, remote->ip, ip_len(remote));
	add_attr(&r, RTA_SRC, local->ip, ip_len(local));
	if (!ask_kernel(t, &r, RTM_NEWROUTE, answer, &rest) || rest.len < sizeof(m))
		return false;
	memcpy(&m, rest.p, sizeof(m));
	rest = str_from_at(rest, NLMSG_ALIGN(sizeof(m)));
	while (next_attr(&rest, &type, &value)) {
		if (type == RTA_OIF)
			plain &= read_u32(value, &f.ifindex);
		else if (type == RTA_GATEWAY)
			plain &= read_ip(value, family, &f.via);
		else if (type == RTA_VIA)
			plain &= read_via(value, &f.via);
		else if (type == RTA_METRICS)
			read_metrics(value, &f.mtu);
		else if (type == RTA_ENCAP || type == RTA_MULTIPATH)
			plain = false;
	}
	if (!plain || m.rtm_type != RTN_UNICAST || f.ifindex == 0)
		return false;
	f.via.port = 0;
	*out = f;
	return true;
}

static bool
ask_link(struct nexthops *t, uint32_t ifindex, struct nexthop *hop)
{
	struct ifinfomsg m = {.ifi_index = (int)ifindex};
	char answer[ANSWER_MAX];
	struct str rest, value;
	struct request r;
	uint16_t type;
	bool has_mac = false;

	begin_request(&r, RTM_GETLINK, &m, sizeof(m));
	if (!ask_kernel(t, &r, RTM_NEWLINK, answer, &rest) || rest.len < sizeof(m))
		return false;
	memcpy(&m, rest.p, sizeof(m));
	rest = str_from_at(rest, NLMSG_ALIGN(sizeof(m)));
	while (next_attr(&rest, &type, &value)) {
		if (type == IFLA_MTU)
			(void)read_u32(value, &hop->mtu);
		if (type != IFLA_ADDRESS || value.len != NEXTHOP_MAC)
			continue;
		memcpy(hop->from, value.p, NEXTHOP_MAC);
		has_mac = true;
	}
	hop->ifindex = ifindex;
	return has_mac && m.ifi_type == ARPHRD_ETHER && hop->mtu;
}

/* What the kernel knows of the station; *state is one of NUD_*. */
static bool
ask_station(struct nexthops *t, const struct neighbour *n, uint8_t mac[NEXTHOP_MAC],
	    uint16_t *state)
{
	struct ndmsg m = {.ndm_family = n->ip.family == 6 ? AF_INET6 : AF_INET,
			  .ndm_ifindex = (int)n->hop.ifindex};
	char answer[ANSWER_MAX];
	struct str rest, value;
	struct request r;
	uint16_t type;
	bool has_mac = false;

	begin_request(&r, RTM_GETNEIGH, &m, sizeof(m));
	add_attr(&r, NDA_DST, n->ip.ip, ip_len(&n->ip));
	if (!ask_kernel(t, &r, RTM_NEWNEIGH, answer, &rest) || rest.len < sizeof(m))
		return false;
	memcpy(&m, rest.p, sizeof(m));
	rest = str_from_at(rest, NLMSG_ALIGN(sizeof(m)));
	while (next_attr(&rest, &type, &value)) {
		if (type != NDA_LLADDR || value.len != NEXTHOP_MAC)
			continue;
		memcpy(mac, value.p, NEXTHOP_MAC);
		has_mac = true;
	}
	*state = m.ndm_state;
	return has_mac;
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
