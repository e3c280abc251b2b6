#include "app/dtlsdesk.h"

#include <string.h>

#include "base/guard.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"

static const struct {
	enum sdp_suite suite;
	enum dtls_profile profile;
} pairs[] = {{SDP_SUITE_AES_CM_128_80, DTLS_PROFILE_AES128_CM_80},
	     {SDP_SUITE_AES_CM_128_32, DTLS_PROFILE_AES128_CM_32},
	     {SDP_SUITE_AEAD_128_GCM, DTLS_PROFILE_AEAD_128_GCM},
	     {SDP_SUITE_AEAD_256_GCM, DTLS_PROFILE_AEAD_256_GCM}};

static enum dtls_profile
profile_of(unsigned suite)
{
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
		if (pairs[i].suite == suite)
			return pairs[i].profile;
	return DTLS_PROFILE_NONE;
}

static enum sdp_suite
suite_of(unsigned profile)
{
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
		if (pairs[i].profile == profile)
			return pairs[i].suite;
	return SDP_SUITE_NONE;
}

/* ---- jobs ---- */

enum err
dtlsdesk_init(struct dtlsdesk *d, uint32_t n_slots, struct media_ctl *media, struct timers *timers,
	      struct calls *calls)
{
	enum err e;

	*d = (struct dtlsdesk){
		.n_slots = n_slots, .media = media, .timers = timers, .calls = calls};
	list_init(&d->over);
	d->by_slot = mem_zalloc(n_slots, sizeof(struct dtlsdesk_job *));
	e = d->by_slot ? pool_init(&d->jobs, DTLSDESK_JOBS, sizeof(struct dtlsdesk_job))
		       : ERR_NOMEM;
	if (e == ERR_OK)
		e = dtlsearly_init(&d->early);
	if (e == ERR_OK)
		e = dtls_own_init(&d->own);
	if (e != ERR_OK)
		dtlsdesk_fini(d);
	return e;
}

static void
drop_job(struct dtlsdesk *d, uint32_t slot)
{
	struct dtlsdesk_job *j = slot < d->n_slots ? d->by_slot[slot] : NULL;

	if (!j)
		return;
	timer_stop(d->timers, &j->timer);
	if (j->gone_us) {
		list_del(&j->at);
		d->n_over--;
	} else {
		d->held[j->owner]--;
	}
	dtls_fini(&j->dtls);
	d->by_slot[slot] = NULL;
	pool_put(&d->jobs, j);
}

void
dtlsdesk_drop(struct dtlsdesk *d, uint32_t slot)
{
	drop_job(d, slot);
	dtlsearly_drop(&d->early, slot);
}

void
dtlsdesk_fini(struct dtlsdesk *d)
{
	for (uint32_t i = 0; d->by_slot && i < d->n_slots; i++)
		drop_job(d, i);
	MEM_FREE(d->by_slot);
	pool_fini(&d->jobs);
	dtlsearly_fini(&d->early);
	dtls_own_fini(&d->own);
}

static struct call_keying_id
id_of(const struct dtlsdesk_job *j)
{
	return (struct call_keying_id){j->want.slot, j->want.generation, j->want.assoc};
}

/* The job is gone afterwards, and perhaps its call. */
static void
give_up(struct dtlsdesk_job *j, enum refusal why, uint64_t now)
{
	struct dtlsdesk *d = j->desk;
	struct call_keying_id id = id_of(j);

	drop_job(d, id.slot);
	calls_on_unkeyed(d->calls, &id, why, now);
}

static bool
is_far(const struct dtlsdesk_job *j, const struct addr *from)
{
	return GUARD(M14, addr_eq(from, &j->want.far));
}

/* Its hello, where that came before the answer which names its address. */
static struct dtlsearly_flight *
early_of(const struct dtlsdesk_job *j, uint64_t now)
{
	struct dtlsearly_flight *f =
		dtlsearly_find(&j->desk->early, j->want.slot, j->want.generation, now);
	bool hears = !j->want.active && !j->want.waits && !j->start_us && !j->gone_us;

	return f && hears && is_far(j, &f->from) ? f : NULL;
}

static void job_due(struct timer *t, uint64_t now_us);

static void
arm(struct dtlsdesk_job *j, uint64_t now)
{
	uint64_t due = j->gone_us ? j->gone_us : j->until_us, wait;

	if (j->start_us)
		due = j->start_us < due ? j->start_us : due;
	wait = j->start_us ? UINT64_MAX : dtls_wait_us(&j->dtls);
	if (wait != UINT64_MAX && now + wait < due)
		due = now + wait;
	if (early_of(j, now))
		due = now;
	j->timer.on_due = job_due;
	if (due == TIMER_NEVER)
		timer_stop(j->desk->timers, &j->timer);
	else if (timer_set(j->desk->timers, &j->timer, due) != ERR_OK)
		log_error("dtls.timer", "slot=%u no timer left", j->want.slot);
}

/* ---- a handshake ---- */

static void
send_all(struct dtlsdesk_job *j)
{
	struct media_send s = {
		.slot = j->want.slot, .generation = j->want.generation, .to = j->want.far};
	struct str p;

	while (dtls_give(&j->dtls, &p)) {
		s.len = (uint16_t)p.len;
		memcpy(s.p, p.p, p.len);
		media_ctl_send(j->desk->media, &s);
	}
}

static struct dtls_conf
conf_of(const struct call_keying *k)
{
	struct dtls_conf c = {.active = k->active, .print_len = k->peer.print_len};

	memcpy(c.print, k->peer.print, sizeof(c.print));
	for (unsigned i = 0; i < k->suites.n && c.n_profiles < DTLS_PROFILES; i++) {
		enum dtls_profile p = profile_of(k->suites.v[i]);

		if (p != DTLS_PROFILE_NONE)
			c.profile[c.n_profiles++] = (uint8_t)p;
	}
	return c;
}

/* A new one under the same terms. */
static bool
begin(struct dtlsdesk_job *j)
{
	struct dtls_conf c = conf_of(&j->want);

	j->start_us = 0;
	dtls_fini(&j->dtls);
	if (dtls_init(&j->dtls, &j->desk->own, &c) != ERR_OK)
		return false;
	send_all(j);
	return true;
}

static struct sdp_key
key_of(const struct dtls_keys *k, bool in)
{
	struct sdp_key out = {.key_len = k->key_len, .salt_len = k->salt_len};

	memcpy(out.key, in ? k->in_key : k->out_key, k->key_len);
	memcpy(out.salt, in ? k->in_salt : k->out_salt, k->salt_len);
	return out;
}

/* It stays, so that a lost last flight is sent again. */
static void
keep_over(struct dtlsdesk_job *j, uint64_t now)
{
	j->gone_us = now + DTLSDESK_LINGER_US;
	list_add(&j->desk->over, &j->at);
	j->desk->n_over++;
	j->desk->held[j->owner]--;
	arm(j, now);
}

/* The call may end over this, and the job with it. */
static void
give_keys(struct dtlsdesk_job *j, uint64_t now)
{
	struct calls *calls = j->desk->calls;
	struct call_keying_id id = id_of(j);
	struct sdp_key in, out;
	struct dtls_keys k;

	if (!dtls_take_keys(&j->dtls, &k)) {
		arm(j, now);
		return;
	}
	keep_over(j, now);
	in = key_of(&k, true);
	out = key_of(&k, false);
	calls_on_keyed(calls, &id, suite_of(k.profile), &in, &out, now);
	sdp_key_wipe(&in);
	sdp_key_wipe(&out);
	secret_wipe(&k, sizeof(k));
}

/* Who is not the far end may break a handshake by a forged source, but not its next one too. */
static void
try_again(struct dtlsdesk_job *j, uint64_t now)
{
	if (++j->tries == DTLSDESK_TRIES) {
		give_up(j, REFUSAL_DTLS_FAILED, now);
		return;
	}
	j->start_us = now + DTLSDESK_AGAIN_US;
	if (!j->want.active && !begin(j))
		give_up(j, REFUSAL_DTLS_FAILED, now);
	else
		arm(j, now);
}

static void
settle(struct dtlsdesk_job *j, uint64_t now)
{
	send_all(j);
	if (j->dtls.state != DTLS_FAILED) {
		give_keys(j, now);
		return;
	}
	if (j->dtls.fault == DTLS_FAULT_PRINT)
		give_up(j, REFUSAL_DTLS_PRINT, now);
	else if (j->dtls.fault == DTLS_FAULT_PROFILE)
		give_up(j, REFUSAL_DTLS_PROFILE, now);
	else
		try_again(j, now);
}

static void
hear_early(struct dtlsdesk_job *j, struct dtlsearly_flight *f, uint64_t now)
{
	struct str p;

	for (size_t at = 0; dtlsearly_next(f, &at, &p); send_all(j))
		dtls_take(&j->dtls, p.p, p.len);
	dtlsearly_drop(&j->desk->early, j->want.slot);
	settle(j, now);
}

static void
job_due(struct timer *t, uint64_t now)
{
	struct dtlsdesk_job *j = CONTAINER_OF(t, struct dtlsdesk_job, timer);
	struct dtlsearly_flight *early = early_of(j, now);

	if (j->gone_us && now >= j->gone_us) {
		drop_job(j->desk, j->want.slot);
	} else if (!j->gone_us && now >= j->until_us) {
		give_up(j, j->tries ? REFUSAL_DTLS_FAILED : REFUSAL_DTLS_SILENT, now);
	} else if (j->start_us && now >= j->start_us) {
		if (begin(j))
			arm(j, now);
		else
			give_up(j, REFUSAL_DTLS_FAILED, now);
	} else if (early) {
		hear_early(j, early, now);
	} else {
		if (!j->start_us)
			dtls_late(&j->dtls);
		settle(j, now);
	}
}

/* ---- what is wanted ---- */

/* NULL: there is no place, or none for this owner. */
static struct dtlsdesk_job *
new_job(struct dtlsdesk *d, uint16_t owner)
{
	uint32_t free = DTLSDESK_JOBS - (pool_used(&d->jobs) - d->n_over);
	struct dtlsdesk_job *j;

	if (owner != PORTSHARE_NOBODY && d->held[owner] >= PORTSHARE_TIMES * free)
		return NULL;
	if (pool_used(&d->jobs) == DTLSDESK_JOBS && !list_empty(&d->over))
		drop_job(d, CONTAINER_OF(d->over.next, struct dtlsdesk_job, at)->want.slot);
	j = pool_get(&d->jobs);
	if (!j)
		return NULL;
	j->owner = owner;
	d->held[owner]++;
	return j;
}

static uint16_t
owner_of(const struct call_keying *k)
{
	return k->account.z[0] ? portshare_owner(str_from(k->account.z)) : PORTSHARE_NOBODY;
}

static bool
is_same(const struct call_keying *a, const struct call_keying *b)
{
	return a->generation == b->generation && a->assoc == b->assoc;
}

bool
dtlsdesk_want(struct dtlsdesk *d, const struct call_keying *k, uint64_t now)
{
	struct dtlsdesk_job *j = k->slot < d->n_slots ? d->by_slot[k->slot] : NULL;

	if (j && !is_same(&j->want, k)) {
		drop_job(d, k->slot);
		j = NULL;
	}
	if (!j) {
		j = k->slot < d->n_slots ? new_job(d, owner_of(k)) : NULL;
		if (!j)
			return false;
		j->desk = d;
		j->until_us = TIMER_NEVER;
		j->start_us = k->waits ? TIMER_NEVER : now + DTLSDESK_HELLO_US;
		j->want = *k;
		d->by_slot[k->slot] = j;
		if (!k->active && !begin(j)) {
			drop_job(d, k->slot);
			return false;
		}
	}
	if (j->start_us == TIMER_NEVER && !k->waits)
		j->start_us = now; /* it says where it is: it knows us */
	j->want = *k;
	if (k->answered && j->until_us == TIMER_NEVER)
		j->until_us = now + DTLSDESK_LIMIT_US;
	if (!k->waits && !early_of(j, now))
		dtlsearly_drop(&d->early, k->slot);
	arm(j, now);
	return true;
}

void
dtlsdesk_take(struct dtlsdesk *d, const struct media_handed *h, uint64_t now)
{
	struct dtlsdesk_job *j = h->slot < d->n_slots ? d->by_slot[h->slot] : NULL;

	if (!j || (h->early && j->want.waits)) {
		dtlsearly_keep(&d->early, h, now);
		return;
	}
	if (j->want.generation != h->generation || j->start_us ||
	    (h->early && !is_far(j, &h->from)))
		return;
	if (h->at == 0) {
		j->have = 0;
		j->total = h->total;
	}
	if (h->at != j->have || h->total != j->total || h->at + h->len > MEDIA_DATAGRAM_MAX) {
		j->total = 0; /* a part was lost: so is the rest */
		return;
	}
	memcpy(j->datagram + h->at, h->p, h->len);
	j->have = (uint16_t)(j->have + h->len);
	if (j->have < j->total)
		return;
	dtls_take(&j->dtls, j->datagram, j->total);
	if (j->gone_us)
		send_all(j);
	else
		settle(j, now);
}
