#include "edge/locate.h"

#include <stdio.h>

static void
tell_owner(void *arg)
{
	struct locate *l = arg;

	l->busy = false;
	l->on_located(l->arg);
}

static void
keep_addrs(struct locate *l, const struct dns_answer *a)
{
	for (uint16_t i = 0; i < a->n && l->n < LOCATE_ADDRS_MAX; i++) {
		if (a->rec[i].type != l->type)
			continue;
		l->addr[l->n] = a->rec[i].addr;
		l->addr[l->n++].port = l->port;
	}
}

static void
on_answer(void *arg, const struct dns_answer *a)
{
	struct locate *l = arg;

	l->query = NULL;
	if (a->status == DNS_OK)
		keep_addrs(l, a);
	if (l->n == 0 && l->type == DNS_A && a->status != DNS_NXDOMAIN) {
		l->type = DNS_AAAA;
		if (resolver_ask(l->resolver, str_from(l->host), DNS_AAAA, on_answer, l,
				 &l->query) == ERR_OK)
			return;
	}
	if (l->n == 0)
		(void)snprintf(l->why, sizeof(l->why), "no address of %.80s in DNS: %s", l->host,
			       dns_status_name(a->status));
	tell_owner(l);
}

enum err
locate_start(struct locate *l, struct loop *loop, struct resolver *r, struct str host,
	     uint16_t port)
{
	enum err e = str_copyz(l->host, sizeof(l->host), host);

	if (e != ERR_OK || host.len == 0)
		return ERR_RANGE;
	l->loop = loop;
	l->resolver = r;
	l->port = port;
	l->n = 0;
	l->why[0] = 0;
	l->query = NULL;
	l->busy = true;
	if (addr_parse_ip(host, &l->addr[0]) == ERR_OK) {
		l->addr[0].port = port;
		l->n = 1;
		l->soon = (struct loop_soon){.on_soon = tell_owner, .arg = l};
		loop_soon(loop, &l->soon);
		return ERR_OK;
	}
	l->type = DNS_A;
	e = resolver_ask(r, host, DNS_A, on_answer, l, &l->query);
	if (e != ERR_OK)
		l->busy = false;
	return e;
}

void
locate_stop(struct locate *l)
{
	if (!l->busy)
		return;
	l->busy = false;
	if (l->query)
		resolver_cancel(l->resolver, &l->query);
	else
		loop_soon_stop(&l->soon);
}
