#include "edge/listener.h"

#include <unistd.h>

#include "base/clock.h"
#include "base/guard.h"
#include "base/log.h"
#include "base/metric.h"

static struct identity_origin
origin_of(const struct listener *l, enum trunk_transport transport, const struct addr *from)
{
	return (struct identity_origin){.kind = l->conf.customer ? TRUNK_CUSTOMER : TRUNK_CARRIER,
					.transport = transport,
					.listener = str_from(l->conf.name),
					.source = *from};
}

/* Also whose trunk or account is switched off: then without trunks, so that its running calls go on
 * (A10) and its emergency calls come through. */
static bool
identify_plain(const struct listener *l, const struct identity_origin *o, struct identity *out)
{
	const struct snapshot_view *v = l->owner->snap;
	enum identity_reason r;

	if (!v)
		return false;
	r = identity_of_source(v, o, out, NULL);
	return r == IDENTITY_OK || (r == IDENTITY_DISABLED && identity_of_disabled(v, o, out));
}

static bool
identify_datagram(const struct listener *l, const struct addr *from, struct identity *out)
{
	struct identity_origin o = origin_of(l, TRUNK_UDP, from);

	return identify_plain(l, &o, out);
}

/* No trunk has this source: no word to it (A8), and few to the log. */
static void
note_stranger(struct listener *l, const struct addr *from)
{
	struct listeners *ls = l->owner;
	uint64_t left_out;

	metric_add(METRIC_sip_unknown_source, 1);
	if (guard_may_log(ls->guard, GUARD_STRANGER, loop_now(ls->loop), &left_out))
		log_warn("sip.stranger",
			 "peer=%s listener=%s dropped: no trunk has this source address; left out "
			 "%llu lines",
			 addr_text(from).z, l->conf.name, (unsigned long long)left_out);
}

static void
take_packet(void *arg, const struct addr *from, const struct addr *to, struct str bytes)
{
	struct listener *l = arg;
	struct listeners *ls = l->owner;
	struct identity id = {.account = POLICY_NONE};

	/* no budget: no byte of a stranger's is looked at, and its source may be forged, which
	 * shall cost nobody else anything */
	if (GUARD(A8, identify_datagram(l, from, &id)))
		ls->on_datagram(ls->arg, l, from, to, &id, bytes);
	else
		note_stranger(l, from);
}

/* Its source has its share in hand, or no room is left. */
static void
tell_turned_away(struct listener *l, const struct addr *peer, const struct addr *local, enum err e)
{
	struct tls_record r = {.peer = *peer,
			       .local = *local,
			       .zone = (uint16_t)l->conf.zone,
			       .began_us = clock_wall_us(),
			       .alert_sent = TLS_NO_ALERT,
			       .alert_received = TLS_NO_ALERT,
			       .reason = TLS_LIMIT};
	const char *why =
		e == ERR_PERM ? "a source that nobody knows connects more often than it may"
		: e == ERR_REFUSED
			? "this source has as many handshakes in hand as one source may"
			: "as many handshakes or connections are in hand as postern holds";

	(void)!str_copyz(r.why, sizeof(r.why), str_from(why));
	l->owner->on_turned_away(l->owner->arg, &r);
}

static enum tcp_more
accept_tls(struct listener *l, int fd, const struct addr *peer, const struct addr *local)
{
	struct listeners *ls = l->owner;
	struct handshake_job job = {.fd = fd,
				    .peer = *peer,
				    .local = *local,
				    .zones = ls->zones,
				    .default_zone = (uint16_t)l->conf.zone,
				    .arg = (void *)(uintptr_t)l->index};
	bool may = budget_take(ls->budget, peer, loop_now(ls->loop));
	enum err e = may ? handshake_submit(ls->handshake, &job) : ERR_PERM;

	if (!may)
		metric_add(METRIC_sip_over_budget, 1);
	if (e != ERR_OK) {
		close(fd);
		tell_turned_away(l, peer, local, e);
	}
	metric_set(METRIC_tls_in_hand, handshake_in_hand(ls->handshake));
	return handshake_room(ls->handshake) ? TCP_ACCEPT_MORE : TCP_ACCEPT_HOLD;
}

static enum tcp_more
take_socket(void *arg, int fd, const struct addr *peer, const struct addr *local)
{
	struct listener *l = arg;
	struct listeners *ls = l->owner;
	struct conn_taken taken = {.fd = fd,
				   .peer = *peer,
				   .local = *local,
				   .listener = l->index,
				   .customer = l->conf.customer,
				   .clear = true};
	struct identity_origin o = origin_of(l, TRUNK_TCP, peer);
	struct identity id;

	/* over a clear trunk an emergency call may still come */
	if (ls->draining && (l->conf.transport == EDGE_TLS || !l->conf.customer)) {
		close(fd);
		return TCP_ACCEPT_MORE;
	}
	if (l->conf.transport == EDGE_TLS)
		return accept_tls(l, fd, peer, local);
	if (!identify_plain(l, &o, &id)) {
		if (budget_take(ls->budget, peer, loop_now(ls->loop)))
			note_stranger(l, peer);
		else
			metric_add(METRIC_sip_over_budget, 1);
		close(fd);
	} else if (conns_accept(ls->conns, &taken, &id) != ERR_OK) {
		close(fd); /* none is left, or the account has its share */
	}
	return TCP_ACCEPT_MORE;
}

static enum err
start_one(struct listener *l)
{
	struct listeners *ls = l->owner;
	enum err e;

	l->is_udp = l->conf.transport == EDGE_UDP;
	if (l->is_udp) {
		e = udp_adopt(&l->udp, ls->loop, l->conf.fd, take_packet, l);
	} else {
		l->tcp.on_accept = take_socket;
		l->tcp.arg = l;
		e = tcp_listener_init(&l->tcp, ls->loop, l->conf.fd);
	}
	l->is_up = e == ERR_OK;
	return e;
}

enum err
listeners_start(struct listeners *ls, const struct edge_listener_conf *conf, uint32_t n)
{
	for (ls->n = 0; ls->n < n && ls->n < EDGE_LISTENERS_MAX; ls->n++) {
		struct listener *l = &ls->l[ls->n];
		enum err e;

		*l = (struct listener){.owner = ls, .conf = conf[ls->n], .index = ls->n};
		e = start_one(l);
		if (e != ERR_OK) {
			log_error("edge.listener", "%s: %s", l->conf.name, err_text(e));
			return e;
		}
	}
	return ERR_OK;
}

void
listeners_fini(struct listeners *ls)
{
	for (uint32_t i = 0; i < ls->n; i++) {
		if (!ls->l[i].is_up)
			continue;
		if (ls->l[i].is_udp)
			udp_fini(&ls->l[i].udp);
		else
			tcp_listener_fini(&ls->l[i].tcp);
	}
	ls->n = 0;
}

void
listeners_go(struct listeners *ls)
{
	metric_set(METRIC_tls_in_hand, handshake_in_hand(ls->handshake));
	for (uint32_t i = 0; i < ls->n; i++)
		if (ls->l[i].conf.transport == EDGE_TLS && ls->l[i].is_up)
			tcp_listener_go(&ls->l[i].tcp);
}

struct listener *
listeners_for(struct listeners *ls, const struct listener_want *w)
{
	for (uint32_t i = 0; i < ls->n; i++) {
		const struct edge_listener_conf *c = &ls->l[i].conf;

		if (c->transport == w->transport && c->customer == w->customer &&
		    (w->transport != EDGE_TLS || w->zone == UINT32_MAX || c->zone == w->zone) &&
		    (w->family == 0 || c->bound.family == w->family) &&
		    (w->name.len ? str_eqz(w->name, c->name) : c->device[0] == 0))
			return &ls->l[i];
	}
	return NULL;
}
