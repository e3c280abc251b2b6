#include "edge/locate.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/random.h"
#include "net/srv.h"

/*   start --> [NAPTR --> SRV -->] addresses of each name, at once --> told
 *   Each look-up that fails leads on with what is known; a name without SRV is its own target. */

/* RFC 3263 4.1 and 4.2, by transport. */
static const struct {
	const char *naptr, *srv;
	uint16_t port;
} services[] = {
	[EDGE_UDP] = {"SIP+D2U", "_sip._udp.", 5060},
	[EDGE_TCP] = {"SIP+D2T", "_sip._tcp.", 5060},
	[EDGE_TLS] = {"SIPS+D2T", "_sips._tcp.", 5061},
};

static void
give_back(struct locate *l)
{
	if (l->name)
		pool_put(l->names, CONTAINER_OF(l->name, struct locate_names, name[0]));
	l->name = NULL;
	l->n_names = 0;
}

static void
tell_owner(void *arg)
{
	struct locate *l = arg;

	l->busy = false;
	give_back(l);
	l->on_located(l->arg);
}

/* From inside a call of the owner, or where nothing had to be asked: later. */
static void
tell_soon(struct locate *l)
{
	l->soon = (struct loop_soon){.on_soon = tell_owner, .arg = l};
	loop_soon(l->loop, &l->soon);
}

static void
add_addr(struct locate *l, const struct addr *a)
{
	for (uint32_t i = 0; i < l->n; i++)
		if (addr_eq(&l->addr[i], a))
			return;
	if (l->n < LOCATE_ADDRS_MAX)
		l->addr[l->n++] = *a;
}

/* ---- addresses ---- */

/* All names are answered: theirs, in their order (RFC 3263 4.3). One of several does not take all
 * places. */
static void
finish_names(struct locate *l)
{
	uint32_t most = l->n_names > 1 ? LOCATE_PER_TARGET : LOCATE_ADDRS_MAX;

	for (uint32_t i = 0; i < l->n_names; i++)
		for (uint32_t k = 0; k < l->name[i].n && k < most; k++)
			add_addr(l, &l->name[i].addr[k]);
	if (l->n == 0 && !l->why[0])
		(void)snprintf(l->why, sizeof(l->why), "no %s address of %.100s in DNS",
			       l->family == 4   ? "IPv4"
			       : l->family == 6 ? "IPv6"
						: "IP",
			       l->host);
	tell_soon(l);
}

static void
name_done(struct locate *l)
{
	if (--l->pending == 0)
		finish_names(l);
}

static void on_addresses(void *arg, const struct dns_answer *a);

static void
ask_addresses(struct locate_name *n)
{
	struct locate *l = n->owner;

	if (resolver_ask(l->resolver, str_from(n->host), n->type, on_addresses, n, &n->query) ==
	    ERR_OK)
		return;
	n->query = NULL;
	(void)snprintf(l->why, sizeof(l->why), "%.100s cannot be asked for", n->host);
	name_done(l);
}

static void
on_addresses(void *arg, const struct dns_answer *a)
{
	struct locate_name *n = arg;
	struct locate *l = n->owner;

	n->query = NULL;
	for (uint16_t i = 0; a->status == DNS_OK && i < a->n && n->n < LOCATE_ADDRS_MAX; i++) {
		if (a->rec[i].type != n->type)
			continue;
		n->addr[n->n] = a->rec[i].addr;
		n->addr[n->n++].port = n->port;
	}
	if (n->n == 0 && n->type == DNS_A && l->family == 0 && a->status != DNS_NXDOMAIN) {
		n->type = DNS_AAAA;
		ask_addresses(n);
		return;
	}
	if (n->n == 0)
		(void)snprintf(l->why, sizeof(l->why), "no address of %.100s in DNS: %s", n->host,
			       dns_status_name(a->status));
	name_done(l);
}

static void
add_name(struct locate *l, struct str host, uint16_t port)
{
	struct locate_name *n = &l->name[l->n_names];
	struct addr a;

	*n = (struct locate_name){
		.owner = l, .port = port, .type = l->family == 6 ? DNS_AAAA : DNS_A};
	if (addr_parse_ip(host, &a) == ERR_OK || /* an SRV target is a name, never an address */
	    str_copyz(n->host, sizeof(n->host), host) != ERR_OK)
		return;
	l->n_names++;
}

static void
ask_names(struct locate *l)
{
	/* each is asked once, and its answer comes later: pending cannot reach 0 in between */
	l->pending = l->n_names + 1;
	for (uint32_t i = 0; i < l->n_names; i++)
		ask_addresses(&l->name[i]);
	name_done(l);
}

/* No SRV: the host itself, at the transport's port (RFC 3263 4.2). */
static void
ask_host(struct locate *l)
{
	add_name(l, str_from(l->host), services[l->transport].port);
	ask_names(l);
}

/* ---- SRV ---- */

static void
on_srv(void *arg, const struct dns_answer *a)
{
	struct locate *l = arg;
	uint32_t draw[DNS_RECORDS_MAX];
	uint16_t order[DNS_RECORDS_MAX], n;

	l->query = NULL;
	if (srv_refused(a)) {
		(void)snprintf(l->why, sizeof(l->why),
			       "%.100s says by its SRV record that it does not offer this service",
			       l->host);
		tell_soon(l);
		return;
	}
	if (a->status != DNS_OK) {
		ask_host(l);
		return;
	}
	random_bytes(draw, sizeof(draw));
	n = srv_order(a, draw, DNS_RECORDS_MAX, order);
	for (uint16_t i = 0; i < n && l->n_names < LOCATE_TARGETS_MAX; i++)
		add_name(l, a->rec[order[i]].target, a->rec[order[i]].port);
	if (a->cut || n > LOCATE_TARGETS_MAX)
		log_debug("locate.cut", "%s: more SRV targets than are looked at", l->host);
	ask_names(l);
}

static void
ask_srv(struct locate *l, struct str name)
{
	if (resolver_ask(l->resolver, name, DNS_SRV, on_srv, l, &l->query) == ERR_OK)
		return;
	l->query = NULL;
	ask_host(l);
}

/* ---- NAPTR ---- */

static void
on_naptr(void *arg, const struct dns_answer *a)
{
	struct locate *l = arg;
	const struct dns_record *r =
		a->status == DNS_OK ? srv_naptr(a, str_from(services[l->transport].naptr)) : NULL;
	char name[POLICY_HOST_MAX + 16];

	l->query = NULL;
	if (r) { /* its text lives as long as this call; resolver_ask copies */
		ask_srv(l, r->target);
		return;
	}
	(void)snprintf(name, sizeof(name), "%s%s", services[l->transport].srv, l->host);
	ask_srv(l, str_from(name));
}

/* ---- start and end ---- */

static enum err
start_name(struct locate *l, struct pool *names, uint16_t port)
{
	struct locate_names *block = pool_get(names);
	enum err e;

	if (!block)
		return ERR_NOMEM;
	l->names = names;
	l->name = block->name;
	l->busy = true;
	if (port) {
		add_name(l, str_from(l->host), port);
		ask_names(l);
		return ERR_OK;
	}
	e = resolver_ask(l->resolver, str_from(l->host), DNS_NAPTR, on_naptr, l, &l->query);
	if (e != ERR_OK) {
		l->query = NULL;
		l->busy = false;
		give_back(l);
	}
	return e;
}

enum err
locate_start(struct locate *l, struct loop *loop, struct resolver *r, struct pool *names,
	     const struct locate_want *w)
{
	enum err e = str_copyz(l->host, sizeof(l->host), w->host);

	if (e != ERR_OK || w->host.len == 0)
		return ERR_RANGE;
	l->loop = loop;
	l->resolver = r;
	l->transport = w->transport;
	l->family = w->family;
	l->n = l->n_names = l->pending = 0;
	l->name = NULL;
	l->query = NULL;
	l->why[0] = 0;
	if (addr_parse_ip(w->host, &l->addr[0]) != ERR_OK)
		return start_name(l, names, w->port);
	l->addr[0].port = w->port ? w->port : services[w->transport].port;
	l->n = w->family == 0 || w->family == l->addr[0].family;
	if (l->n == 0)
		(void)snprintf(l->why, sizeof(l->why),
			       "%.60s is no IPv%u address, and the listener has no other", l->host,
			       w->family);
	l->busy = true;
	tell_soon(l);
	return ERR_OK;
}

void
locate_stop(struct locate *l)
{
	if (!l->busy)
		return;
	l->busy = false;
	if (l->query)
		resolver_cancel(l->resolver, &l->query);
	for (uint32_t i = 0; i < l->n_names; i++)
		if (l->name[i].query)
			resolver_cancel(l->resolver, &l->name[i].query);
	if (l->soon.on_soon)
		loop_soon_stop(&l->soon);
	give_back(l);
}
