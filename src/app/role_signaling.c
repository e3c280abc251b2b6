/* signaling: TLS, SIP, DNS and the calls. No file is opened after the start: everything came as
 * descriptors. One loop thread, and the handshake thread that edge makes. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/credentials.h"
#include "app/keeper_msg.h"
#include "app/renewal.h"
#include "app/role.h"
#include "app/wire.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

enum {
	SIGNALING_ADMIN_QUEUE = 8192,
	SIGNALING_KEEPER_QUEUE = 16,
	SIGNALING_CONNS_PER_CALL = 1, /* at most so many connections as calls, and at least: */
	SIGNALING_CONNS_MIN = 256,
	SIGNALING_TXNS_MIN = 2048,
	SIGNALING_STOP_LAST = 5, /* the last fifth of stop_timeout ends emergency calls, too */
	SIGNALING_STOP_STEP_US = 20 * CLOCK_MS, /* between two batches of calls that are ended */
	SIGNALING_MEDIA_BATCH = 256,
	SIGNALING_LEAVE_US = 2500 * CLOCK_MS,
	SIGNALING_TELL_US = 250 * CLOCK_MS, /* between two looks for counted handshakes */
};

/* The channel to one worker of media. */
struct media_watch {
	struct loop_fd fd;
	struct signaling *owner;
};

struct signaling {
	struct worker w;
	struct channel keeper;
	struct loop_fd keeper_fd, admin_fd;
	struct media_watch media[MEDIA_WORKERS_MAX];
	struct timer stop_timer, media_timer;
	struct renewal renew;
	uint64_t stop_at_us;  /* 0 = running */
	uint64_t leave_at_us; /* stopping: for the answers of registrars */
	uint64_t told_us;     /* last handring_tell */
};

/* ---- start ---- */

static enum err
map_segments(struct signaling *s)
{
	struct shm m;
	enum err e = shm_map(ROLE_FD_METRICS, METRICS_MAGIC, METRICS_VERSION, true, false, &m);

	if (e == ERR_OK) {
		metric_bind(&((struct keeper_metrics *)m.p)->page[KEEPER_ROLE_SIGNALING]);
		e = flow_map(ROLE_FD_FLOWS, false, &s->w.flows);
	}
	if (e == ERR_OK)
		e = flow_secrets_map(ROLE_FD_SECRETS, true, &s->w.secrets);
	if (e == ERR_OK)
		e = records_open(ROLE_FD_CALLS, true, &s->w.records);
	if (e == ERR_OK)
		e = handring_open(ROLE_FD_HANDSHAKES, true, &s->w.handshakes);
	if (e == ERR_OK)
		e = tracetap_init(&s->w.trace, ROLE_FD_TRACE, s->w.records.n);
	s->w.trace.mode = (enum conf_trace)s->w.conf->trace;
	return e;
}

static void
fill_edge_conf(struct signaling *s, struct edge_conf *ec)
{
	static const enum edge_transport transports[] = {
		[CONF_TLS] = EDGE_TLS, [CONF_UDP] = EDGE_UDP, [CONF_TCP] = EDGE_TCP};
	const struct conf *c = s->w.conf;

	memset(ec, 0, sizeof(*ec));
	ec->n_listeners = c->n_listeners;
	ec->n_zones = c->n_zones;
	ec->n_names = c->n_names;
	memcpy(ec->names, c->names, sizeof(ec->names));
	for (uint32_t i = 0; i < c->n_listeners; i++) {
		const struct conf_listener *l = &c->listener[i];

		memcpy(ec->listeners[i].name, l->name, sizeof(ec->listeners[i].name));
		memcpy(ec->listeners[i].device, l->device, sizeof(ec->listeners[i].device));
		ec->listeners[i].transport = transports[l->transport];
		ec->listeners[i].bound = l->bind;
		ec->listeners[i].advertised = l->advertised;
		ec->listeners[i].zone = l->zone == CONF_NO_ZONE ? 0 : l->zone;
		ec->listeners[i].fd = ROLE_FD_LISTEN + (int)i;
		ec->listeners[i].customer = l->side == CONF_SIDE_CUSTOMER;
	}
	for (uint32_t i = 0; i < c->n_zones; i++) {
		memcpy(ec->zones[i].fqdn, c->zone[i].fqdn, sizeof(ec->zones[i].fqdn));
		ec->zones[i].server = s->renew.now.zones.server[i];
		ec->zones[i].client = s->renew.now.zones.client[i];
	}
	ec->max_conns = c->max_calls * SIGNALING_CONNS_PER_CALL + SIGNALING_CONNS_MIN;
	ec->max_txns = 2 * c->max_calls + SIGNALING_TXNS_MIN;
	ec->t1_us = (uint64_t)c->timers.t1 * CLOCK_MS;
	ec->t2_us = (uint64_t)c->timers.t2 * CLOCK_MS;
	ec->t4_us = (uint64_t)c->timers.t4 * CLOCK_MS;
	ec->trying_us[EDGE_UDP] = (uint64_t)c->timers.trying_udp * CLOCK_MS;
	ec->trying_us[EDGE_TCP] = (uint64_t)c->timers.trying_tcp * CLOCK_MS;
	ec->trying_us[EDGE_TLS] = (uint64_t)c->timers.trying_tls * CLOCK_MS;
	ec->connect_us = (uint64_t)c->timers.connect * CLOCK_MS;
	ec->ping_us = (uint64_t)c->timers.ping * CLOCK_MS;
	ec->numbers = c->numbers;
	ec->node = c->node_id;
	ec->user_agent = "postern";
}

static void
fill_call_conf(const struct signaling *s, struct call_conf *cc)
{
	const struct conf *c = s->w.conf;

	*cc = (struct call_conf){.node = c->node_id,
				 .max_calls = c->max_calls,
				 .media_slots = media_slots(&s->w.plan),
				 .plan = &s->w.plan,
				 .max_attempts = c->max_attempts,
				 .numbers = c->numbers,
				 .media_timeout_s = c->timers.media / 1000,
				 .media_lost_s = c->timers.media_lost / 1000,
				 .times = {c->timers.t1 * CLOCK_MS, c->timers.t2 * CLOCK_MS,
					   c->timers.t4 * CLOCK_MS},
				 .user_agent = "postern"};
}

static enum err
start_calls(struct signaling *s)
{
	struct keeper_limits *limits;
	struct call_conf cc;
	struct call_ops ops;
	struct shm m;
	enum err e = shm_map(ROLE_FD_LIMITS, LIMITS_MAGIC, LIMITS_VERSION, true, false, &m);

	if (e != ERR_OK)
		return e;
	fill_call_conf(s, &cc);
	limits = m.p; /* mapped until the end of the process */
	cc.usage_rows = limits->usage;
	cc.n_usage_rows = LIMITS_USAGE_ROWS;
	cc.emergency_rows = limits->emergency;
	wire_call_ops(&s->w, &ops);
	return calls_init(&s->w.calls, &cc, &ops, &s->w.loop.timers);
}

static enum err
start_edge(struct signaling *s)
{
	static struct edge_conf ec;        /* large, and only needed here */
	static struct snapshot_view first; /* read by the handshake thread: never changed */
	struct edge_up up;
	enum err e = resolver_new(&s->w.loop, s->w.conf->dns, s->w.conf->n_dns, &s->w.resolver);

	if (e == ERR_OK)
		e = renewal_first(&s->renew);
	if (e != ERR_OK)
		return e;
	fill_edge_conf(s, &ec);
	ec.trust = s->renew.now.zones.trust;
	wire_edge_up(&s->w, &up);
	first = s->w.accounts;
	e = edge_new(&ec, &s->w.loop, s->w.resolver, s->w.have_accounts ? &first : NULL, &up,
		     &s->w.edge);
	s->w.readiness.quarantine.edge = s->w.edge;
	if (e == ERR_OK)
		credentials_tell(s->w.conf, s->renew.now.pki, s->w.edge);
	return e;
}

static struct tls_ctx *
client_of(void *arg, uint32_t zone, struct tls_trust **trust, struct tls_owns **owns)
{
	struct signaling *s = arg;

	edge_trust(s->w.edge, trust, owns);
	return zone < s->renew.now.zones.n ? s->renew.now.zones.client[zone] : NULL;
}

/* The account that the guest will be of, by the name that is waited for, says what it gets. */
static bool
answer_help(void *arg, const char *fqdn, const struct sip_msg *m, struct edge_source *src,
	    struct quarantine_help *out)
{
	struct signaling *s = arg;
	const struct snapshot_view *v = s->w.have_accounts ? &s->w.accounts : NULL;
	struct call_guest g;

	for (uint32_t i = 0; v && i < v->first_carrier; i++)
		if (v->trunk[i].transport == TRUNK_TLS &&
		    str_ieqz(snapshot_text(v, v->trunk[i].host), fqdn)) {
			src->trunk = i;
			src->account = v->trunk[i].account;
			src->account_id = snapshot_account_id(v, src->account);
			break;
		}
	if (!calls_on_guest(&s->w.calls, m, src, loop_now(&s->w.loop), &g))
		return false;
	*out = (struct quarantine_help){.status = (unsigned)g.status, .q850 = g.q850};
	(void)snprintf(out->warning, sizeof(out->warning), "%s (id %s)", g.why, g.id.z);
	(void)!str_copyz(out->contact, sizeof(out->contact), str_from(g.contact));
	return true;
}

static void
note_reached(void *arg, const struct addr *addr)
{
	struct signaling *s = arg;

	edge_reached(s->w.edge, addr, EDGE_TLS);
}

static enum err
start_readiness(struct signaling *s)
{
	struct signaling_ready *r = &s->w.readiness;

	r->admin = &s->w.admin;
	r->do_client = client_of;
	r->on_reached = note_reached;
	r->quarantine.do_help = answer_help;
	r->quarantine.arg = s;
	r->media = (struct testmedia){.media = &s->w.media,
				      .ports = &s->w.ports,
				      .flows = &s->w.flows,
				      .secrets = &s->w.secrets,
				      .plan = &s->w.plan};
	r->arg = s;
	return signaling_ready_init(r, &s->w.loop);
}

static enum err
start_media(struct signaling *s)
{
	struct worker *w = &s->w;
	/* generations never come twice, over restarts of signaling too */
	enum err e = port_init(&w->ports, &w->plan, (uint32_t)(w->epoch << 20));

	if (e == ERR_OK)
		e = portshare_init(&w->shares, &w->ports);
	if (e == ERR_OK)
		e = media_ctl_init(&w->media, w->epoch, &w->plan, media_slots(&w->plan),
				   w->flows.head->worker, w->secrets.given);
	if (e == ERR_OK)
		wire_media(w);
	if (e == ERR_OK)
		e = dtlsdesk_init(&w->dtls, media_slots(&w->plan), &w->media, &w->loop.timers,
				  &w->calls);
	return e;
}

/* Certificates and policy were read again: what calls take of it. */
static void
conf_changed(void *arg)
{
	struct signaling *s = arg;
	struct call_conf cc;

	fill_call_conf(s, &cc);
	calls_on_conf(&s->w.calls, &cc);
	credentials_tell(s->w.conf, s->renew.now.pki, s->w.edge);
	s->w.trace.mode = (enum conf_trace)s->w.conf->trace;
}

/* ---- channels ---- */

static void
watch_fd(struct signaling *s, struct loop_fd *lfd, int fd)
{
	loop_del(&s->w.loop, lfd);
	lfd->fd = fd;
	if (fd >= 0 && loop_add(&s->w.loop, lfd, EPOLLIN) != ERR_OK)
		log_error("signaling.loop", "a channel cannot be watched");
}

static void
on_media_event(void *arg, uint32_t events)
{
	struct media_watch *mw = arg;
	struct signaling *s = mw->owner;
	uint32_t worker = (uint32_t)(mw - s->media);

	(void)events;
	if (media_ctl_recv(&s->w.media, worker, SIGNALING_MEDIA_BATCH) == ERR_CLOSED)
		loop_del(&s->w.loop, &mw->fd); /* a new end comes from keeper */
}

static void
on_admin_event(void *arg, uint32_t events)
{
	struct signaling *s = arg;
	struct channel_msg m;
	enum err e;

	(void)events;
	for (int i = 0; i < SIGNALING_MEDIA_BATCH || channel_waits(&s->w.admin); i++) {
		e = channel_recv(&s->w.admin, &m, NULL, NULL);
		if (e == ERR_AGAIN)
			break;
		if (e != ERR_OK || !wire_on_admin(&s->w, &m)) {
			loop_del(&s->w.loop, &s->admin_fd);
			break;
		}
	}
	channel_flush(&s->w.admin);
}

/* What could not be sent at once goes a little later. */
static void
on_flush(struct timer *t, uint64_t now)
{
	struct signaling *s = CONTAINER_OF(t, struct signaling, media_timer);

	(void)media_ctl_flush(&s->w.media);
	(void)channel_flush(&s->w.admin);
	(void)channel_flush(&s->keeper);
	if (now - s->told_us >= SIGNALING_TELL_US) {
		s->told_us = now;
		handring_tell(&s->w.handshakes, now, false);
	}
	renewal_step(&s->renew);
	metric_set(METRIC_transactions, edge_txns(s->w.edge));
	metric_set(METRIC_timers, s->w.loop.timers.n);
	if (timer_set(&s->w.loop.timers, t, now + 5 * CLOCK_MS) != ERR_OK)
		log_error("signaling.timer", "no timer left");
}

/* As take_keeper. How many descriptors are left. */
static size_t
on_peer(struct signaling *s, const struct channel_msg *m, const int *fd, size_t n)
{
	struct keeper_peer p;

	memcpy(&p, m->body, sizeof(p));
	if (p.role == KEEPER_ROLE_MEDIA && n == s->w.media.n_lanes) {
		for (uint32_t i = 0; i < n; i++) {
			loop_del(&s->w.loop, &s->media[i].fd);
			media_ctl_rebind(&s->w.media, i, fd[i]);
			watch_fd(s, &s->media[i].fd, fd[i]);
		}
		return 0;
	}
	if (p.role == KEEPER_ROLE_ADMIN && n == 1) {
		loop_del(&s->w.loop, &s->admin_fd);
		channel_rebind(&s->w.admin, fd[0]);
		/* what an earlier admin asked for, nobody waits for */
		signaling_ready_stop(&s->w.readiness, s->w.readiness.number);
		watch_fd(s, &s->admin_fd, fd[0]);
		wire_resend_ended(&s->w);
		wire_resend_alarms(&s->w);
		gatewaydesk_resend(&s->w.gateways);
		return 0;
	}
	return n;
}

static void
begin_stop(struct signaling *s)
{
	if (s->stop_at_us)
		return;
	s->stop_at_us = loop_now(&s->w.loop) + (uint64_t)s->w.conf->stop_timeout * CLOCK_MS;
	calls_drain(&s->w.calls);
	edge_drain(s->w.edge, true);
	s->leave_at_us = loop_now(&s->w.loop) + SIGNALING_LEAVE_US;
	(void)edge_leave(s->w.edge);
	if (loop_timer(&s->w.loop, &s->stop_timer, 0) != ERR_OK)
		loop_stop(&s->w.loop);
}

/* Paced: a batch of BYEs, then others get their turn. */
static void
on_stop_step(struct timer *t, uint64_t now)
{
	struct signaling *s = CONTAINER_OF(t, struct signaling, stop_timer);
	uint64_t last = (uint64_t)s->w.conf->stop_timeout * CLOCK_MS / SIGNALING_STOP_LAST;
	uint32_t left = now + last < s->stop_at_us ? calls_stop_ordinary(&s->w.calls, now)
						   : calls_stop(&s->w.calls, now);

	if (edge_leave(s->w.edge) && now < s->leave_at_us && now < s->stop_at_us)
		left++; /* who waits for the registrar's last word */
	if (left && now < s->stop_at_us) {
		(void)!loop_timer(&s->w.loop, t, SIGNALING_STOP_STEP_US);
		return;
	}
	if (left)
		log_warn("signaling.stop", "%u calls did not end in time", left);
	calls_abandon(&s->w.calls, now);
	loop_stop(&s->w.loop);
}

/* n descriptors came with it; they are taken, or closed here. */
static void
take_keeper(struct signaling *s, const struct channel_msg *m, int *fd, size_t n)
{
	if (m->head.type == KEEPER_STOP)
		begin_stop(s);
	else if (m->head.type == KEEPER_ACCOUNTS && n == 1)
		renewal_accounts(&s->renew, fd[--n]);
	else if (m->head.type == KEEPER_PEER)
		n = on_peer(s, m, fd, n);
	else if (m->head.type == KEEPER_FRESH && n == 1)
		renewal_fetched(&s->renew, fd[--n]);
	else if (m->head.type == KEEPER_CONF && n == 2) {
		struct keeper_ticket ticket;

		memcpy(&ticket, m->body, sizeof(ticket));
		renewal_conf(&s->renew, &ticket, fd);
		n = 0;
	}
	while (n)
		close(fd[--n]);
}

static void
on_keeper_event(void *arg, uint32_t events)
{
	struct signaling *s = arg;
	struct channel_msg m;

	(void)events;
	for (;;) {
		int fd[MEDIA_WORKERS_MAX];
		size_t n = ARRAY_LEN(fd);
		enum err e = channel_recv(&s->keeper, &m, fd, &n);

		if (e == ERR_AGAIN)
			break;
		if (e != ERR_OK) {
			loop_stop(&s->w.loop); /* keeper is gone: so are we */
			return;
		}
		take_keeper(s, &m, fd, n);
	}
	channel_flush(&s->keeper);
}

static enum err
watch_channels(struct signaling *s)
{
	struct worker *w = &s->w;
	enum err e = channel_init(&s->keeper, ROLE_FD_KEEPER, SIGNALING_KEEPER_QUEUE);

	if (e == ERR_OK)
		e = channel_init(&w->admin, ROLE_FD_ADMIN, SIGNALING_ADMIN_QUEUE);
	if (e == ERR_OK)
		e = channel_gather(&w->admin);
	if (e != ERR_OK)
		return e;
	s->keeper_fd = (struct loop_fd){.on_event = on_keeper_event, .arg = s};
	for (uint32_t i = 0; i < w->media.n_lanes; i++)
		s->media[i] = (struct media_watch){
			.fd = {.on_event = on_media_event, .arg = &s->media[i]}, .owner = s};
	s->admin_fd = (struct loop_fd){.on_event = on_admin_event, .arg = s};
	s->stop_timer.on_due = on_stop_step;
	s->media_timer.on_due = on_flush;
	watch_fd(s, &s->keeper_fd, ROLE_FD_KEEPER);
	watch_fd(s, &s->admin_fd, ROLE_FD_ADMIN);
	return loop_timer(&w->loop, &s->media_timer, 5 * CLOCK_MS);
}

static enum err
start_all(struct signaling *s)
{
	const struct conf *c;
	enum err e = renewal_init(&s->renew, &s->w, &s->keeper);

	if (e != ERR_OK)
		return e;
	s->renew.on_conf = conf_changed;
	s->renew.arg = s;
	c = s->w.conf;
	conf_media_plan(c, &s->w.plan);
	log_init("signaling", STDERR_FILENO, (enum log_level)c->log_level);
	e = map_segments(s);
	if (e == ERR_OK)
		e = alarms_init(&s->w.alarms, NULL);
	if (e == ERR_OK)
		e = gatewaydesk_init(&s->w.gateways, &s->w.admin);
	if (e == ERR_OK)
		e = loop_init(&s->w.loop, 2 * c->max_calls + 4096, 8 * c->max_calls + 16384);
	if (e == ERR_OK)
		e = start_media(s);
	if (e == ERR_OK)
		e = watch_channels(s);
	if (e == ERR_OK)
		e = start_readiness(s);
	if (e == ERR_OK)
		e = start_calls(s);
	if (e == ERR_OK)
		e = start_edge(s);
	if (e == ERR_OK && s->w.have_accounts)
		calls_on_snapshot(&s->w.calls, &s->w.accounts);
	if (e == ERR_OK)
		wire_restore(&s->w);
	return e;
}

int
role_signaling(uint64_t epoch)
{
	static struct signaling s;
	enum err e;

	s.w.epoch = epoch;
	e = start_all(&s);
	if (e != ERR_OK) {
		log_error("signaling.start", "cannot start: %s", err_text(e));
		return 1;
	}
	if (channel_send(&s.keeper, KEEPER_READY, NULL, 0, true) != ERR_OK)
		return 1;
	e = loop_run(&s.w.loop);
	(void)media_ctl_flush(&s.w.media);
	(void)channel_flush(&s.w.admin);
	signaling_ready_fini(&s.w.readiness);
	dtlsdesk_fini(&s.w.dtls);
	edge_free(&s.w.edge);
	handring_tell(&s.w.handshakes, clock_now_us(), true);
	renewal_fini(&s.renew);
	return e == ERR_OK ? 0 : 1;
}
