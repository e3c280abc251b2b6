#include "app/signaling_ready.h"

#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/shm.h"

/* ---- back to admin ---- */

static void
drop_facts(struct signaling_ready *r)
{
	if (r->fd >= 0)
		close(r->fd);
	r->fd = -1;
	loop_timer_stop(r->loop, &r->retry);
}

/* At once, or a little later: the channel may be full of other things. */
static void
pass_on(struct signaling_ready *r)
{
	enum err e =
		channel_send_fds(r->admin, ADMIN_READY_DONE, &r->done, sizeof(r->done), &r->fd, 1);

	if (e == ERR_AGAIN && loop_timer(r->loop, &r->retry, SIGNALING_READY_RETRY_US) == ERR_OK)
		return;
	if (e != ERR_OK)
		log_warn("ready.lost", "the facts of a readiness check did not reach admin: %s",
			 err_text(e));
	drop_facts(r);
}

static void
on_retry(struct timer *t, uint64_t now_us)
{
	(void)now_us;
	pass_on(CONTAINER_OF(t, struct signaling_ready, retry));
}

static void
tell_failed(struct signaling_ready *r, uint32_t number, enum err e)
{
	struct admin_ready_done done = {.number = number, .err = (uint32_t)e};

	if (channel_send(r->admin, ADMIN_READY_DONE, &done, sizeof(done), true) != ERR_OK)
		log_warn("ready.lost", "admin could not be told that a check did not begin");
}

/* Both are there: what the probe found, and what came while we waited. */
static void
pass_facts(struct signaling_ready *r, const struct probe_facts *f)
{
	enum err e;

	drop_facts(r);
	e = shm_blob("postern-ready", str_of(f, sizeof(*f)), &r->fd);
	if (e != ERR_OK) {
		tell_failed(r, f->job.number, e);
		return;
	}
	r->done = (struct admin_ready_done){.number = f->job.number};
	pass_on(r);
}

static void
on_waited(struct timer *t, uint64_t now_us)
{
	struct signaling_ready *r = CONTAINER_OF(t, struct signaling_ready, waited);

	(void)now_us;
	quarantine_end(&r->quarantine);
	if (!r->facts)
		return;
	r->facts->wait = r->wait;
	if (r->stopped)
		tell_failed(r, r->number, ERR_CLOSED);
	else
		pass_facts(r, r->facts);
	MEM_FREE(r->facts);
}

static void
tell_reached(const struct signaling_ready *r, const struct probe_facts *f)
{
	if (f->used < f->n_tcp && f->tls.ours.done)
		r->on_reached(r->arg, &f->tcp[f->used].addr);
	for (uint16_t i = 0; i < f->n_other; i++)
		if (f->other[i].tls.ours.done)
			r->on_reached(r->arg, &f->tcp[f->other[i].at].addr);
}

static void
take_facts(void *arg, struct probe_facts **facts)
{
	struct signaling_ready *r = arg;

	tell_reached(r, *facts);
	testmedia_end(&r->media, &(*facts)->call.stats);
	r->facts = *facts;
	*facts = NULL;
	if (!r->quarantine.open)
		on_waited(&r->waited, 0);
}

/* An account that is on has its connections already. */
static void
begin_wait(struct signaling_ready *r, const struct probe_facts *f)
{
	r->wait = (struct probe_wait){0};
	if (f->job.wait_s == 0)
		return;
	r->wait.waited = true;
	r->wait.is_on = f->account.id.z[0] && f->account.tls_srtp >= TLS_SRTP_READY;
	if (r->wait.is_on ||
	    loop_timer(r->loop, &r->waited, (uint64_t)f->job.wait_s * CLOCK_S) != ERR_OK)
		return;
	quarantine_begin(&r->quarantine, f->job.fqdn, f->job.call, &r->wait);
}

/* ---- what we know beforehand ---- */

static void
keep_trunk(struct probe_account *out, const struct snapshot_view *v, uint32_t i)
{
	struct probe_trunk *t = &out->trunk[out->n_trunks++];

	*t = (struct probe_trunk){.id = snapshot_trunk_id(v, i),
				  .port = v->trunk[i].port,
				  .show = v->trunk[i].client_certificate,
				  .contact = v->trunk[i].contact};
	(void)!str_copyz(t->reference, sizeof(t->reference),
			 snapshot_text(v, v->trunk[i].reference));
	for (uint32_t k = 0; k < v->n_sources && t->n_sources < PROBE_SOURCES_MAX; k++)
		if (v->source[k].trunk == i)
			t->source[t->n_sources++] = v->source[k].range;
}

/* The account that was named, else the one that has the FQDN. */
static void
find_account(const struct snapshot_view *v, const struct probe_job *job, struct probe_account *out)
{
	uint32_t account = POLICY_NONE;

	out->asked_for = job->account[0] != 0;
	if (!v)
		return;
	if (out->asked_for) {
		account = snapshot_account(v, str_from(job->account));
		out->exists = account != POLICY_NONE;
	}
	for (uint32_t i = 0; i < v->first_carrier && out->n_trunks < PROBE_TRUNKS_MAX; i++) {
		const struct trunk *t = &v->trunk[i];

		if (t->transport != TRUNK_TLS || !str_ieqz(snapshot_text(v, t->host), job->fqdn) ||
		    (out->asked_for && t->account != account))
			continue;
		if (account == POLICY_NONE)
			account = t->account;
		if (t->account == account)
			keep_trunk(out, v, i);
	}
	if (account == POLICY_NONE)
		return;
	out->exists = true;
	out->id = snapshot_account_id(v, account);
	out->tls_srtp = v->account[account].tls_srtp;
	out->eku = v->account[account].tls_eku;
	out->no_wildcard = !v->account[account].tls_wildcard;
	out->common_name = v->account[account].tls_cn;
}

/* The zone that was asked for, else that of the account's trunk, else the first. */
static uint32_t
find_zone(const struct conf *conf, const struct snapshot_view *v, const struct probe_facts *f)
{
	uint32_t trunk = POLICY_NONE;

	if (f->job.zone < conf->n_zones)
		return f->job.zone;
	if (v && f->account.n_trunks)
		trunk = snapshot_trunk(v, str_from(f->account.trunk[0].id.z));
	if (trunk != POLICY_NONE)
		for (uint32_t z = 0; z < conf->n_zones; z++)
			if (str_ieqz(snapshot_text(v, v->trunk[trunk].zone), conf->zone[z].fqdn))
				return z;
	return 0;
}

static bool
fill_own(const struct conf *conf, uint32_t zone, struct probe_own *own)
{
	if (zone >= conf->n_zones)
		return false;
	memcpy(own->zone, conf->zone[zone].fqdn, sizeof(own->zone));
	own->client_wanted = conf->zone[zone].client_certificate == CONF_CLIENT_REQUIRED;
	for (uint32_t i = 0; i < conf->n_listeners; i++) {
		const struct conf_listener *l = &conf->listener[i];

		if (l->transport != CONF_TLS || l->zone != zone)
			continue;
		own->local = l->bind;
		own->local.port = 0;
		if (addr_is_any(&l->bind))
			own->local = (struct addr){0};
		own->shown = l->advertised;
		return true;
	}
	return false;
}

void
signaling_ready_begin(struct signaling_ready *r, const struct probe_job *job,
		      const struct conf *conf, const struct snapshot_view *v)
{
	static struct probe_facts f; /* large, and only needed here */
	struct tls_trust *trust = NULL;
	struct testmedia_rows rows = {0};
	struct media_stats none;
	struct tls_owns *owns = NULL;
	struct tls_ctx *client;
	uint32_t zone;
	enum err e;

	f = (struct probe_facts){.job = *job};
	find_account(v, job, &f.account);
	zone = find_zone(conf, v, &f);
	f.port = job->port;
	if (!f.port && f.account.n_trunks)
		f.port = f.account.trunk[0].port;
	if (!f.port)
		f.port = PROBE_PORT;
	memcpy(f.name, job->fqdn, sizeof(f.name));
	if (f.account.n_trunks && f.account.trunk[0].reference[0])
		memcpy(f.name, f.account.trunk[0].reference, sizeof(f.name));
	if (f.account.n_trunks && f.account.trunk[0].show == TRUNK_SHOW_NEVER)
		f.own.never_show = true;
	if (r->facts || r->quarantine.open ||
	    probe_busy(&r->probe)) { /* the last one still waits */
		tell_failed(r, job->number, ERR_STATE);
		return;
	}
	if (job->call[0] &&
	    testmedia_begin(&r->media, conf->media_customer, conf->media_carrier, &rows) != ERR_OK)
		log_warn("ready.media", "no ports for the test call");
	client = fill_own(conf, zone, &f.own) ? r->do_client(r->arg, zone, &trust, &owns) : NULL;
	e = client ? probe_start(&r->probe, &f, client, trust, owns, conf->dns, conf->n_dns,
				 rows.there ? &rows : NULL)
		   : ERR_NOTFOUND;
	tls_trust_unref(&trust);
	tls_owns_unref(&owns);
	if (e != ERR_OK) {
		if (rows.there)
			testmedia_end(&r->media, &none);
		tell_failed(r, job->number, e);
		return;
	}
	r->number = job->number;
	r->stopped = false;
	begin_wait(r, &f);
	log_info("ready.begin", "fqdn=%s port=%u zone=%s account=%s", job->fqdn, f.port, f.own.zone,
		 f.account.id.z);
}

void
signaling_ready_stop(struct signaling_ready *r, uint32_t number)
{
	if (r->number != number || (!r->facts && !probe_busy(&r->probe)))
		return;
	r->stopped = true;
	probe_stop(&r->probe);
	loop_timer_stop(r->loop, &r->waited);
	on_waited(&r->waited, 0);
}

/* ---- start and end ---- */

enum err
signaling_ready_init(struct signaling_ready *r, struct loop *loop)
{
	enum err e;

	r->loop = loop;
	r->fd = -1;
	r->retry = (struct timer){.on_due = on_retry};
	r->waited = (struct timer){.on_due = on_waited};
	r->probe.on_done = take_facts;
	r->probe.arg = r;
	r->media.loop = loop;
	e = testmedia_init(&r->media);
	return e == ERR_OK ? probe_init(&r->probe, loop) : e;
}

void
signaling_ready_fini(struct signaling_ready *r)
{
	if (!r->loop)
		return;
	probe_fini(&r->probe);
	testmedia_fini(&r->media);
	loop_timer_stop(r->loop, &r->waited);
	quarantine_end(&r->quarantine);
	MEM_FREE(r->facts);
	drop_facts(r);
}
