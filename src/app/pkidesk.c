#include "app/pkidesk.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/keeper_msg.h"
#include "conf/pki.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "ops/expiry.h"

_Static_assert((int)CONF_FQDN_MAX <= (int)FETCH_HOST_MAX, "a host of the configuration fits");
_Static_assert((int)CONF_CRL_HOSTS_MAX <= (int)FETCH_HOSTS_MAX, "and all of them");

static struct str
part_of(const struct pkidesk *d, uint32_t zone, uint32_t part)
{
	struct str s;

	return pki_get(d->pki, zone, (enum pki_part)part, &s) == ERR_OK ? s : STR_NULL;
}

/* ---- dates ---- */

struct looking {
	struct alarms *alarms;
	const char *file;
	int64_t now_us;
};

static void
look_at_authority(void *arg, const struct tls_cert_dates *c)
{
	const struct looking *l = arg;
	char what[TLS_DATES_NAME_MAX + CONF_PATH_MAX + 32];

	(void)snprintf(what, sizeof(what), "the authority's certificate in %s", l->file);
	expiry_certificate(l->alarms, ALARM_AUTHORITY_EXPIRY, c->subject, what, c->not_after_us,
			   l->now_us);
}

static void
look_at_own(void *arg, const struct tls_cert_dates *c)
{
	struct tls_cert_dates *first = arg;

	if (first->not_after_us == 0 || c->not_after_us < first->not_after_us)
		*first = *c; /* the chain is worth as much as what ends first */
}

static void
look_at_zone(struct pkidesk *d, uint32_t i, int64_t now_us)
{
	const struct conf_zone *z = &d->conf->zone[i];
	struct looking l = {d->alarms, z->n_trust ? z->trust[0] : "", now_us};
	struct tls_cert_dates first = {.not_after_us = 0};
	char what[CONF_PATH_MAX + CONF_FQDN_MAX + 64];

	if (tls_cert_dates(part_of(d, i, PKI_CHAIN), look_at_own, &first) == ERR_OK) {
		(void)snprintf(what, sizeof(what), "our certificate for %s (%s)", z->fqdn,
			       z->certificate);
		expiry_certificate(d->alarms, ALARM_CERT_EXPIRY, z->fqdn, what, first.not_after_us,
				   now_us);
	}
	if (!z->trust_system) /* that list is the distribution's business, and long */
		(void)!tls_cert_dates(part_of(d, i, PKI_TRUST), look_at_authority, &l);
	for (uint32_t k = 0; k < z->n_crls; k++) {
		struct tls_crl_dates c;

		if (tls_crl_dates(part_of(d, i, PKI_CRL + k), &c) != ERR_OK)
			continue;
		(void)snprintf(what, sizeof(what), "the revocation list of %.120s", c.issuer);
		expiry_list(d->alarms, z->crls[k], what, c.this_us, c.next_us, now_us);
	}
}

/* The last accepted handshake of an account, in one direction. */
static bool
look_at_peer(void *arg, const struct hand_row *r)
{
	const struct looking *l = arg;
	char object[ALARM_OBJECT_MAX], what[ALARM_TEXT_MAX];

	if (r->account.len == 0 || r->not_after_us == 0)
		return true;
	(void)snprintf(object, sizeof(object), "%.*s%s", STR_ARG(str_sub(r->account, 0, 64)),
		       r->outgoing ? " (dialled)" : "");
	(void)snprintf(what, sizeof(what), "the certificate that account %.*s showed (%.*s)",
		       STR_ARG(str_sub(r->account, 0, 64)), STR_ARG(str_sub(r->names, 0, 120)));
	expiry_certificate(l->alarms, ALARM_PEER_EXPIRY, object, what, r->not_after_us, l->now_us);
	return true;
}

static void
look_at_all(struct pkidesk *d, struct handstore *hands)
{
	struct looking l = {d->alarms, "", clock_wall_us()};

	for (uint32_t i = 0; i < d->conf->n_zones; i++)
		look_at_zone(d, i, l.now_us);
	if (hands && handstore_last(hands, STR_NULL, look_at_peer, &l) != ERR_OK)
		log_warn("pki.peers", "the last handshakes cannot be read");
}

/* ---- OCSP staples ---- */

static void
staple_failed(struct pkidesk_staple *s, const char *why)
{
	const char *fqdn = s->owner->conf->zone[s->zone].fqdn;
	uint32_t shift = s->failures < 5 ? s->failures : 5;
	char text[ALARM_TEXT_MAX];

	s->failures++;
	s->due_us = clock_now_us() + ((uint64_t)PKIDESK_STAPLE_RETRY_S << shift) * CLOCK_S;
	(void)snprintf(text, sizeof(text), "no OCSP answer of %.120s about our certificate: %.120s",
		       s->url, why);
	if (s->failures == 1)
		log_warn("ocsp.staple", "zone=%s %s", fqdn, text);
	else
		(void)alarms_raise(s->owner->alarms, ALARM_OCSP, ALARM_WARNING, fqdn, text,
				   clock_wall_us());
}

static void
take_staple(void *arg, const struct fetch_result *r)
{
	struct pkidesk_staple *s = arg;
	struct pkidesk *d = s->owner;
	int64_t wall = clock_wall_us(), left_s;
	struct tls_ocsp_good good;
	char why[160] = "";
	struct buf b;

	s->busy = false;
	if (s->again) { /* about a certificate of before */
		s->again = false;
		return;
	}
	buf_init(&b, why, sizeof(why));
	if (r->err != ERR_OK ||
	    tls_ocsp_judge(part_of(d, s->zone, PKI_CHAIN), r->body, wall, &good, &b) != ERR_OK) {
		staple_failed(s, r->err != ERR_OK ? r->why : buf_cstr(&b));
		return;
	}
	memcpy(s->bytes, r->body.p, r->body.len);
	s->len = r->body.len;
	s->good = good;
	s->failures = 0;
	left_s = good.next_us ? (good.next_us - wall) / CLOCK_S / 2 : PKIDESK_STAPLE_AGAIN_S;
	if (left_s < CRLCACHE_AGAIN_MIN_S)
		left_s = CRLCACHE_AGAIN_MIN_S;
	s->due_us = clock_now_us() + (uint64_t)left_s * CLOCK_S;
	d->changed = true;
	(void)alarms_clear(d->alarms, ALARM_OCSP, d->conf->zone[s->zone].fqdn);
	log_info("ocsp.staple", "zone=%s bytes=%zu", d->conf->zone[s->zone].fqdn, s->len);
}

static void
ask_staple(struct pkidesk_staple *s)
{
	char question[FETCH_BODY_MAX];
	struct fetch_job job = {.url = str_from(s->url),
				.post_type = STR("application/ocsp-request"),
				.max_bytes = TLS_OCSP_MAX,
				.on_done = take_staple,
				.arg = s};
	struct buf b;
	enum err e;

	buf_init(&b, question, sizeof(question));
	e = tls_ocsp_question(part_of(s->owner, s->zone, PKI_CHAIN), &b);
	job.post = buf_view(&b);
	if (e == ERR_OK)
		e = fetch_start(s->owner->fetcher, &job);
	s->busy = e == ERR_OK;
	if (e == ERR_NOTFOUND)
		staple_failed(s, "the file of our certificate lacks its issuer");
	else if (e != ERR_OK && e != ERR_FULL)
		staple_failed(s, err_text(e));
}

static void
step_staple(struct pkidesk_staple *s, uint64_t now_us, int64_t wall_us)
{
	if (s->len && s->good.next_us && s->good.next_us <= wall_us) {
		s->len = 0; /* it has run out: better none */
		s->owner->changed = true;
	}
	if (s->url[0] && s->owner->conf->crl.staple && !s->busy && now_us >= s->due_us)
		ask_staple(s);
}

/* The zones' certificates are others, perhaps. */
static void
set_staples(struct pkidesk *d)
{
	for (uint32_t i = 0; i < CONF_ZONES_MAX; i++) {
		struct pkidesk_staple *s = &d->staple[i];
		struct str chain = i < d->conf->n_zones ? part_of(d, i, PKI_CHAIN) : STR_NULL;
		struct tls_cert_info info = {.n_chain = 0};

		if (chain.len)
			(void)!tls_cert_info(chain, &info);
		if (memcmp(info.fingerprint, s->fingerprint, sizeof(s->fingerprint)) == 0)
			continue;
		memcpy(s->fingerprint, info.fingerprint, sizeof(s->fingerprint));
		s->owner = d;
		s->zone = i;
		s->again = s->busy;
		s->len = s->failures = 0;
		s->due_us = 0;
		s->url[0] = 0;
		if (chain.len)
			tls_ocsp_url(chain, s->url);
		if (i < d->conf->n_zones)
			(void)alarms_clear(d->alarms, ALARM_OCSP, d->conf->zone[i].fqdn);
	}
}

/* ---- what signaling gets ---- */

static size_t
list_staples(const struct pkidesk *d, struct fetched_entry *out)
{
	size_t n = 0;

	for (uint32_t i = 0; i < CONF_ZONES_MAX; i++) {
		const struct pkidesk_staple *s = &d->staple[i];

		if (s->len == 0)
			continue;
		out[n] = (struct fetched_entry){.kind = FETCHED_STAPLE,
						.until_us = s->good.next_us ? s->good.next_us
									    : INT64_MAX,
						.bytes = str_of(s->bytes, s->len)};
		memcpy(out[n++].fingerprint, s->good.fingerprint, sizeof(s->good.fingerprint));
	}
	return n;
}

/* To keeper, or again at the next tick. */
static void
pass_fresh(struct pkidesk *d)
{
	struct fetched_entry *e = mem_zalloc(FETCHED_MAX, sizeof(*e));
	int fd = -1;
	size_t n;

	if (!e)
		return;
	n = list_staples(d, e);
	n += crlcache_list(&d->crls, e + n, FETCHED_MAX - n);
	if (fetched_make(e, n, &fd) == ERR_OK &&
	    channel_send_fds(d->keeper, KEEPER_FRESH, NULL, 0, &fd, 1) == ERR_OK)
		d->changed = false;
	if (fd >= 0)
		close(fd);
	mem_free(e);
}

/* ---- from above ---- */

/* Verified certificates say where their revocation lists are. */
static void
read_ring(struct pkidesk *d, uint64_t now_us)
{
	static struct hand_entry e; /* large */

	for (int i = 0; i < PKIDESK_RING_BATCH; i++) {
		if (!d->ring || handring_get(d->ring, &d->next, &e, &d->lost) != ERR_OK)
			return;
		if (e.what != HAND_WHAT_HANDSHAKE || !e.u.tls.accepted)
			continue;
		if (d->look_us > now_us + (uint64_t)PKIDESK_SOON_S * CLOCK_S)
			d->look_us = now_us + (uint64_t)PKIDESK_SOON_S * CLOCK_S;
		if (!d->conf->crl.fetch)
			continue;
		for (uint16_t k = 0; k < e.u.tls.n_chain; k++)
			crlcache_want(&d->crls, e.u.tls.chain[k].crl, now_us);
	}
}

void
pkidesk_tick(struct pkidesk *d, struct handstore *hands, uint64_t now_us)
{
	int64_t wall = clock_wall_us();

	read_ring(d, now_us);
	if (now_us >= d->look_us) {
		d->look_us = now_us + (uint64_t)PKIDESK_LOOK_S * CLOCK_S;
		look_at_all(d, hands);
	}
	if (d->conf->crl.fetch)
		crlcache_step(&d->crls, now_us, wall);
	for (uint32_t i = 0; i < d->conf->n_zones; i++)
		step_staple(&d->staple[i], now_us, wall);
	d->changed |= d->crls.changed;
	d->crls.changed = false;
	if (d->changed)
		pass_fresh(d);
}

static void
use_conf(struct pkidesk *d)
{
	char hosts[CONF_CRL_HOSTS_MAX][FETCH_HOST_MAX] = {""};
	const struct conf_crl *c = &d->conf->crl;

	for (uint32_t i = 0; i < c->n_hosts; i++)
		(void)!str_copyz(hosts[i], sizeof(hosts[i]), str_from(c->host[i]));
	if (fetcher_allow(d->fetcher, hosts, c->n_hosts) != ERR_OK)
		log_error("pki.hosts", "more hosts than may be listed");
	d->look_us = 0;
	set_staples(d);
}

static enum err
map_both(struct pkidesk *d, int conf_fd, int pki_fd)
{
	struct str conf_bytes = STR_NULL, pki = STR_NULL;
	const struct conf *c;
	enum err e = shm_blob_map(conf_fd, &conf_bytes);

	if (e == ERR_OK)
		e = conf_open(conf_bytes, &c);
	if (e == ERR_OK)
		e = shm_blob_map(pki_fd, &pki);
	if (e != ERR_OK) {
		shm_blob_unmap(&conf_bytes);
		return e;
	}
	shm_blob_unmap(&d->conf_bytes);
	shm_blob_unmap(&d->pki);
	d->conf_bytes = conf_bytes;
	d->pki = pki;
	d->conf = c;
	return ERR_OK;
}

void
pkidesk_conf(struct pkidesk *d, const int fd[2])
{
	enum err e = map_both(d, fd[0], fd[1]);

	close(fd[0]);
	close(fd[1]);
	if (e == ERR_OK)
		use_conf(d);
	else
		log_error("pki.conf", "the configuration read again cannot be used: %s",
			  err_text(e));
}

enum err
pkidesk_init(struct pkidesk *d, const char *dir, struct loop *loop, struct alarms *alarms,
	     struct channel *keeper, const struct handring *ring)
{
	enum err e;

	memset(d, 0, sizeof(*d));
	d->alarms = alarms;
	d->keeper = keeper;
	d->ring = ring;
	e = map_both(d, ROLE_FD_CONF, ROLE_FD_PKI);
	if (e == ERR_OK)
		e = fetcher_new(loop, &d->fetcher);
	if (e == ERR_OK)
		e = crlcache_init(&d->crls, dir, d->fetcher, alarms);
	if (e == ERR_OK)
		use_conf(d);
	else
		pkidesk_fini(d);
	return e;
}

void
pkidesk_fini(struct pkidesk *d)
{
	fetcher_free(&d->fetcher);
	crlcache_fini(&d->crls);
	shm_blob_unmap(&d->conf_bytes);
	shm_blob_unmap(&d->pki);
}
