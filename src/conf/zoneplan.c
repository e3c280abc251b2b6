#include "conf/zoneplan.h"

#include <stdio.h>
#include <string.h>

/* ---- what there should be ---- */

static void
add_door(struct zone_plan *p, const struct conf_listener *l)
{
	for (uint32_t i = 0; i < p->n; i++)
		if (addr_eq(&p->door[i].addr, &l->advertised))
			return;
	p->door[p->n].addr = l->advertised;
	(void)snprintf(p->door[p->n++].host, ZONEPLAN_NAME_MAX, "%s.%s", l->name, p->fqdn);
}

/* Where all doors have one port, the zone's own name is the target of one SRV record. */
static void
join_doors(struct zone_plan *p)
{
	for (uint32_t i = 1; i < p->n; i++)
		if (p->door[i].addr.port != p->door[0].addr.port)
			return;
	for (uint32_t i = 0; i < p->n; i++)
		(void)snprintf(p->door[i].host, ZONEPLAN_NAME_MAX, "%s", p->fqdn);
}

void
zone_plan(const struct conf *c, uint32_t zone, struct zone_plan *out)
{
	*out = (struct zone_plan){.fqdn = c->zone[zone].fqdn};
	(void)snprintf(out->srv, sizeof(out->srv), "_sips._tcp.%s", out->fqdn);
	for (uint32_t i = 0; i < c->n_listeners; i++) {
		const struct conf_listener *l = &c->listener[i];

		if (l->transport == CONF_TLS && l->side == CONF_SIDE_CUSTOMER && l->zone == zone)
			add_door(out, l);
	}
	join_doors(out);
}

const char *
zone_type_name(enum zone_type t)
{
	static const char *const names[] = {"SRV", "NAPTR", "A", "AAAA"};

	return (unsigned)t < ARRAY_LEN(names) ? names[t] : "?";
}

/* Is this door's target the first of its name? */
static bool
is_first_host(const struct zone_plan *p, uint32_t i)
{
	for (uint32_t k = 0; k < i; k++)
		if (strcmp(p->door[k].host, p->door[i].host) == 0)
			return false;
	return true;
}

static void
fill_record(const struct zone_plan *p, const struct zone_door *d, enum zone_type type,
	    struct zone_record *out)
{
	struct buf b;

	out->type = type;
	buf_init(&b, out->data, sizeof(out->data));
	(void)snprintf(out->name, sizeof(out->name), "%s",
		       type == ZONE_NAPTR ? p->fqdn
		       : type == ZONE_SRV ? p->srv
					  : d->host);
	if (type == ZONE_NAPTR)
		buf_printf(&b, "10 10 \"s\" \"SIPS+D2T\" \"\" %s.", p->srv);
	else if (type == ZONE_SRV)
		buf_printf(&b, "10 100 %u %s.", d->addr.port, d->host);
	else
		addr_put_ip(&b, &d->addr, false);
	(void)buf_cstr(&b);
}

enum err
zone_plan_record(const struct zone_plan *p, uint32_t i, struct zone_record *out)
{
	if (p->n == 0)
		return ERR_NOTFOUND;
	if (i-- == 0) {
		fill_record(p, NULL, ZONE_NAPTR, out);
		return ERR_OK;
	}
	for (uint32_t k = 0; k < p->n; k++) {
		if (!is_first_host(p, k) || i-- > 0)
			continue;
		fill_record(p, &p->door[k], ZONE_SRV, out);
		return ERR_OK;
	}
	for (uint32_t k = 0; k < p->n; k++) {
		if (i-- > 0)
			continue;
		fill_record(p, &p->door[k], p->door[k].addr.family == 4 ? ZONE_A : ZONE_AAAA, out);
		return ERR_OK;
	}
	return ERR_NOTFOUND;
}

/* ---- what differs ---- */

/* A comparison in hand. */
struct compare {
	const struct zone_plan *p;
	const struct zone_seen *seen;
	zone_on_difference *on_difference;
	void *arg;
	uint32_t wrong;
	bool found[CONF_LISTENERS_MAX]; /* this door is reached by some SRV record */
};

static void PRINTF_LIKE(4, 5)
	tell(struct compare *c, enum zone_level level, const char *what, const char *fmt, ...)
{
	char text[ZONEPLAN_WHY];
	struct buf b;
	va_list ap;

	buf_init(&b, text, sizeof(text));
	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	c->wrong += level == ZONE_WRONG;
	c->on_difference(c->arg, level, what, buf_cstr(&b));
}

static void
check_ttl(struct compare *c, const char *name, const char *type, const struct dns_answer *a)
{
	if (a->status != DNS_OK)
		return;
	if (a->ttl < ZONEPLAN_TTL_LEAST_S)
		tell(c, ZONE_WARN, "ttl-short",
		     "%s %s has a TTL of %u s: every call asks for it again, and the zone is gone "
		     "as soon as its name server is; make it %d to %d s",
		     name, type, a->ttl, ZONEPLAN_TTL_LEAST_S, ZONEPLAN_TTL_MOST_S);
	else if (a->ttl > ZONEPLAN_TTL_MOST_S)
		tell(c, ZONE_WARN, "ttl-long",
		     "%s %s has a TTL of %u s: so long a change of address does not reach "
		     "customers; make it %d to %d s",
		     name, type, a->ttl, ZONEPLAN_TTL_LEAST_S, ZONEPLAN_TTL_MOST_S);
}

static bool
has_addr(const struct dns_answer *a, const struct addr *ip)
{
	for (uint16_t i = 0; a->status == DNS_OK && i < a->n; i++)
		if (addr_ip_eq(&a->rec[i].addr, ip))
			return true;
	return false;
}

/* The doors with this address; *port_fits: one of them has the record's port. NULL: none. */
static const struct zone_door *
find_door(struct compare *c, const struct addr *ip, uint16_t port, bool *port_fits)
{
	const struct zone_door *found = NULL;

	*port_fits = false;
	for (uint32_t i = 0; i < c->p->n; i++) {
		if (!addr_ip_eq(&c->p->door[i].addr, ip))
			continue;
		found = &c->p->door[i];
		if (found->addr.port != port)
			continue;
		c->found[i] = *port_fits = true;
		return found;
	}
	return found;
}

/* The addresses of one family that an SRV target has. Returns how many are ours. */
static uint32_t
check_addresses(struct compare *c, const char *target, uint16_t port, const struct dns_answer *a)
{
	uint32_t ours = 0;

	for (uint16_t i = 0; a->status == DNS_OK && i < a->n; i++) {
		const struct addr *ip = &a->rec[i].addr;
		struct addr_text t = addr_text(ip);
		bool fits;
		const struct zone_door *d = find_door(c, ip, port, &fits);

		if (d && !fits)
			tell(c, ZONE_WRONG, "wrong-port",
			     "SRV sends customers to %s, port %u, which is %s; there this node "
			     "listens on port %u",
			     target, port, t.z, d->addr.port);
		if (addr_is_private(ip))
			tell(c, d ? ZONE_WARN : ZONE_WRONG, "private-address",
			     "%s is %s, a private address: nobody outside your network reaches "
			     "it%s",
			     target, t.z, d ? "; set `advertised` to the public one" : "");
		ours += d != NULL;
	}
	return ours;
}

/* One SRV record. */
static void
check_srv(struct compare *c, uint16_t i)
{
	const struct dns_record *r = &c->seen->srv.rec[i];
	const struct zone_target *t = &c->seen->target[i];
	char target[DNS_NAME_MAX + 1];
	uint32_t ours;

	(void)!str_copyz(target, sizeof(target), r->target);
	if (!target[0]) {
		tell(c, ZONE_WRONG, "srv-refuses",
		     "%s has \".\" as target: it says that there is no service", c->p->srv);
		return;
	}
	if (t->a.alias || t->aaaa.alias)
		tell(c, ZONE_WRONG, "cname",
		     "SRV target %s is a CNAME, which RFC 2782 forbids and some PBXs do not "
		     "follow; give it A or AAAA records of its own",
		     target);
	if (t->a.status != DNS_OK && t->aaaa.status != DNS_OK) {
		tell(c, ZONE_WRONG, "target-unknown",
		     "SRV target %s has no address (A: %s, AAAA: %s)", target,
		     dns_status_name(t->a.status), dns_status_name(t->aaaa.status));
		return;
	}
	check_ttl(c, target, "A", &t->a);
	check_ttl(c, target, "AAAA", &t->aaaa);
	ours = check_addresses(c, target, r->port, &t->a) +
	       check_addresses(c, target, r->port, &t->aaaa);
	if (ours == 0)
		tell(c, ZONE_WARN, "other-target",
		     "SRV target %s, port %u, is no address of this node: right only if it is "
		     "another node of yours",
		     target, r->port);
	else if (ours < (uint32_t)(t->a.status == DNS_OK ? t->a.n : 0) +
				(t->aaaa.status == DNS_OK ? t->aaaa.n : 0))
		tell(c, ZONE_WARN, "other-address",
		     "SRV target %s has addresses that are not of this node as well", target);
}

static void
check_naptr(struct compare *c)
{
	const struct dns_answer *a = &c->seen->naptr;
	bool found = false;

	for (uint16_t i = 0; a->status == DNS_OK && i < a->n; i++)
		found |= str_ieqz(a->rec[i].service, "SIPS+D2T") &&
			 str_ieqz(a->rec[i].target, c->p->srv);
	if (a->status == DNS_OK && !found)
		tell(c, ZONE_WRONG, "naptr",
		     "%s has NAPTR records, but none with service SIPS+D2T that leads to %s: a PBX "
		     "that asks for NAPTR does not find TLS",
		     c->p->fqdn, c->p->srv);
	check_ttl(c, c->p->fqdn, "NAPTR", a);
}

/* Doors that no SRV record leads to. */
static void
check_doors(struct compare *c)
{
	for (uint32_t i = 0; i < c->p->n; i++) {
		const struct zone_door *d = &c->p->door[i];
		struct addr ip = d->addr;
		bool known = false;

		ip.port = 0;
		for (uint16_t k = 0; k < c->seen->srv.n && k < ZONEPLAN_TARGETS_MAX; k++)
			known |= has_addr(&c->seen->target[k].a, &ip) ||
				 has_addr(&c->seen->target[k].aaaa, &ip);
		if (c->found[i] || known) /* known under another port: said already */
			continue;
		tell(c, ZONE_WRONG, "address-missing",
		     "no SRV target of %s has the %s record %s, where this node listens on port %u",
		     c->p->fqdn, d->addr.family == 4 ? "A" : "AAAA", addr_text(&ip).z,
		     d->addr.port);
	}
}

/* Without SRV the zone's own addresses count (RFC 3263 4.2). */
static void
check_own(struct compare *c)
{
	const struct zone_target *t = &c->seen->target[0];
	bool ours = false;

	for (uint32_t i = 0; i < c->p->n; i++)
		ours |= has_addr(&t->a, &c->p->door[i].addr) ||
			has_addr(&t->aaaa, &c->p->door[i].addr);
	if (t->a.n == 0 && t->aaaa.n == 0)
		tell(c, ZONE_WRONG, "address-unknown",
		     "%s has no address either (A: %s, AAAA: %s): nobody finds this zone",
		     c->p->fqdn, dns_status_name(t->a.status), dns_status_name(t->aaaa.status));
	else if (!ours)
		tell(c, ZONE_WRONG, "address-missing",
		     "%s has addresses, but none of this node, such as %s: customers find "
		     "something else",
		     c->p->fqdn, addr_text(&c->p->door[0].addr).z);
}

static void
tell_failed(struct compare *c)
{
	enum { SERVFAIL = 2, REFUSED = 5 }; /* RFC 1035 4.1.1 */
	unsigned rcode = c->seen->srv.rcode;

	if (rcode == REFUSED)
		tell(c, ZONE_WRONG, "dns-refused",
		     "%s: the name server refuses to answer (REFUSED): it does not serve this "
		     "zone, or nobody who asks from here",
		     c->p->srv);
	else if (rcode == SERVFAIL)
		tell(c, ZONE_WRONG, "dns-failed",
		     "%s: the name server fails (SERVFAIL): it could not load the zone, or does "
		     "not reach those who serve it",
		     c->p->srv);
	else if (rcode)
		tell(c, ZONE_WRONG, "dns-failed", "%s: the name server answers with error %u",
		     c->p->srv, rcode);
	else
		tell(c, ZONE_WRONG, "dns-silent",
		     "%s: no name server answers, or none that can be believed: does one run "
		     "there, and is port 53 open on the way?",
		     c->p->srv);
}

uint32_t
zone_compare(const struct zone_plan *p, const struct zone_seen *seen,
	     zone_on_difference *on_difference, void *arg)
{
	struct compare c = {.p = p, .seen = seen, .on_difference = on_difference, .arg = arg};

	if (p->n == 0) {
		tell(&c, ZONE_WRONG, "no-listener",
		     "no TLS listener of the customer side serves %s", p->fqdn);
		return c.wrong;
	}
	if (seen->srv.status == DNS_FAILED) {
		tell_failed(&c);
		return c.wrong;
	}
	if (seen->srv.status != DNS_OK) {
		tell(&c, ZONE_WRONG, "srv-missing",
		     "%s has no SRV record (%s): who looks for one does not find this zone, others "
		     "do only by the addresses of %s and port 5061",
		     p->srv, dns_status_name(seen->srv.status), p->fqdn);
		check_own(&c);
		check_naptr(&c);
		return c.wrong;
	}
	check_ttl(&c, p->srv, "SRV", &seen->srv);
	for (uint16_t i = 0; i < seen->srv.n && i < ZONEPLAN_TARGETS_MAX; i++)
		check_srv(&c, i);
	check_doors(&c);
	check_naptr(&c);
	return c.wrong;
}
