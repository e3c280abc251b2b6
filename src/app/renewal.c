#include "app/renewal.h"

#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/shm.h"

/* ---- settings ---- */

static void
drop_setting(struct setting *t)
{
	zonetls_drop(&t->zones);
	shm_blob_unmap(&t->conf_bytes);
	shm_blob_unmap(&t->pki);
	t->conf = NULL;
}

/* Without its contexts. */
static enum err
map_setting(int conf_fd, int pki_fd, struct setting *t)
{
	enum err e;

	*t = (struct setting){0};
	e = shm_blob_map(conf_fd, &t->conf_bytes);
	if (e == ERR_OK)
		e = conf_open(t->conf_bytes, &t->conf);
	if (e == ERR_OK)
		e = shm_blob_map(pki_fd, &t->pki);
	if (e != ERR_OK)
		drop_setting(t);
	return e;
}

/* The accounts that keeper kept from an earlier life, if any. */
static void
first_accounts(struct worker *w)
{
	struct str bytes;

	if (shm_blob_map(ROLE_FD_ACCOUNTS, &bytes) != ERR_OK)
		return;
	if (snapshot_open(bytes, &w->accounts) != ERR_OK) {
		shm_blob_unmap(&bytes);
		return;
	}
	w->accounts_bytes = bytes;
	w->have_accounts = true;
}

enum err
renewal_init(struct renewal *r, struct worker *w, struct channel *keeper)
{
	enum err e = map_setting(ROLE_FD_CONF, ROLE_FD_PKI, &r->now);

	r->w = w;
	r->keeper = keeper;
	r->conf_fd = r->pki_fd = r->accounts_fd = r->fresh_fd = -1;
	if (e != ERR_OK)
		return e;
	w->conf = r->now.conf;
	if (shm_blob_map(ROLE_FD_FRESH, &r->fresh) != ERR_OK)
		r->fresh = STR_NULL; /* nothing was fetched yet */
	first_accounts(w);
	return ERR_OK;
}

enum err
renewal_first(struct renewal *r)
{
	struct zonetls_from from = {.conf = r->now.conf, .pki = r->now.pki, .fresh = r->fresh};
	char mem[CERT_WHY_MAX] = "";
	struct buf why;
	enum err e;

	buf_init(&why, mem, sizeof(mem));
	e = zonetls_make(&from, &r->now.zones, &why);
	if (e != ERR_OK)
		log_error("tls.zone", "%s", buf_cstr(&why));
	return e;
}

void
renewal_fini(struct renewal *r)
{
	int *const fds[] = {&r->conf_fd, &r->pki_fd, &r->accounts_fd, &r->fresh_fd};

	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		if (*fds[i] >= 0)
			close(*fds[i]);
	zonetls_drop(&r->made);
	drop_setting(&r->next);
	drop_setting(&r->now);
	shm_blob_unmap(&r->next_fresh);
	shm_blob_unmap(&r->fresh);
}

/* ---- the accounts ---- */

static void
swap_done(void *arg)
{
	struct renewal *r = arg;

	r->w->swapping = false;
	renewal_step(r);
}

/* The old bytes are read by the handshake thread until swap_done; they are unmapped with the swap
 * after this one, which cannot begin before. */
static void
swap_accounts(struct renewal *r)
{
	static struct str old_bytes;
	static struct snapshot_view views[2];
	static unsigned turn;
	struct snapshot_view *v = &views[turn];
	struct worker *w = r->w;

	*v = w->next;
	if (edge_on_snapshot(w->edge, v, swap_done, r) != ERR_OK)
		return; /* tried again by renewal_step */
	turn ^= 1;
	shm_blob_unmap(&old_bytes);
	old_bytes = w->accounts_bytes;
	w->accounts_bytes = w->next_bytes;
	w->next_bytes = STR_NULL;
	w->accounts = *v;
	w->have_accounts = true;
	w->swapping = true;
	calls_on_snapshot(&w->calls, &w->accounts);
	log_info("accounts.swap", "version=%llu accounts=%u trunks=%u numbers=%u",
		 (unsigned long long)v->version, v->n_accounts, v->n_trunks, v->n_numbers);
}

/* ---- one job ---- */

static void
answer_conf(struct renewal *r, enum err e, const char *why)
{
	struct keeper_taken m = {.ticket = r->ticket, .ok = e == ERR_OK};
	const char *say = why[0] || e == ERR_OK ? why : err_text(e);

	(void)!str_copyz(m.why, sizeof(m.why), str_sub(str_from(say), 0, sizeof(m.why) - 1));
	if (channel_send(r->keeper, KEEPER_TAKEN, &m, sizeof(m), true) != ERR_OK)
		log_error("signaling.reload", "keeper does not take the answer");
}

/* In the handshake thread. */
static void
make_zones(void *arg)
{
	struct renewal *r = arg;
	struct buf why;

	buf_init(&why, r->why, sizeof(r->why));
	r->result = zonetls_make(&r->from, &r->made, &why);
	(void)buf_cstr(&why);
}

/* What was made takes the place of what is used; connections keep what they have. */
static enum err
use_zones(struct renewal *r)
{
	const struct conf_timers *t = &r->from.conf->timers;
	struct edge_tune tune = {.numbers = r->from.conf->numbers,
				 .server = r->made.server,
				 .client = r->made.client,
				 .t1_us = (uint64_t)t->t1 * CLOCK_MS,
				 .t2_us = (uint64_t)t->t2 * CLOCK_MS,
				 .t4_us = (uint64_t)t->t4 * CLOCK_MS,
				 .connect_us = (uint64_t)t->connect * CLOCK_MS,
				 .trying_us = {[EDGE_UDP] = (uint64_t)t->trying_udp * CLOCK_MS,
					       [EDGE_TCP] = (uint64_t)t->trying_tcp * CLOCK_MS,
					       [EDGE_TLS] = (uint64_t)t->trying_tls * CLOCK_MS},
				 .ping_us = (uint64_t)t->ping * CLOCK_MS};
	enum err e = edge_on_tune(r->w->edge, &tune);

	if (e != ERR_OK)
		return e;
	edge_on_trust(r->w->edge, r->made.trust);
	zonetls_drop(&r->now.zones);
	r->now.zones = r->made;
	r->made = (struct zonetls){0};
	return ERR_OK;
}

static void
end_conf(struct renewal *r, enum err e)
{
	if (e == ERR_OK) {
		r->next.zones = r->now.zones;
		r->now.zones = (struct zonetls){0};
		drop_setting(&r->now);
		r->now = r->next;
		r->next = (struct setting){0};
		r->w->conf = r->now.conf;
		r->on_conf(r->arg);
		log_info("conf.swap", "certificates and policy read again are in use");
	} else {
		drop_setting(&r->next);
	}
	answer_conf(r, e, r->why);
}

static void
end_fresh(struct renewal *r, enum err e)
{
	struct str old = r->fresh;

	if (e != ERR_OK || r->next_fresh.len == 0) { /* or it was made again from the same */
		shm_blob_unmap(&r->next_fresh);
		return;
	}
	r->fresh = r->next_fresh;
	r->next_fresh = STR_NULL;
	shm_blob_unmap(&old);
	log_info("lists.swap", "fetched revocation lists and staples are in use");
}

static void
end_job(void *arg)
{
	struct renewal *r = arg;
	enum renewal_job job = r->job;
	enum err e = r->result;

	if (!r->w->edge)
		return; /* the end: all is dropped there */
	r->job = RENEWAL_NONE;
	if (e == ERR_OK)
		e = use_zones(r);
	zonetls_drop(&r->made);
	if (e != ERR_OK && job != RENEWAL_CONF)
		log_error("tls.trust", "what is in use stays: %s",
			  r->why[0] ? r->why : err_text(e));
	if (job == RENEWAL_CONF)
		end_conf(r, e);
	else
		end_fresh(r, e);
	renewal_step(r);
}

static enum err
begin(struct renewal *r, enum renewal_job job)
{
	const struct setting *t = job == RENEWAL_CONF ? &r->next : &r->now;
	enum err e;

	r->from = (struct zonetls_from){.conf = t->conf,
					.pki = t->pki,
					.fresh = r->next_fresh.len ? r->next_fresh : r->fresh,
					.previous = r->now.zones.trust};
	r->why[0] = 0;
	r->job = job;
	e = edge_work(r->w->edge, make_zones, end_job, r);
	if (e != ERR_OK)
		r->job = RENEWAL_NONE;
	return e;
}

/* ---- what waits ---- */

static int
take_fd(int *fd)
{
	int got = *fd;

	*fd = -1;
	return got;
}

static void
begin_conf(struct renewal *r)
{
	int conf_fd = take_fd(&r->conf_fd), pki_fd = take_fd(&r->pki_fd);
	enum err e = map_setting(conf_fd, pki_fd, &r->next);

	close(conf_fd);
	close(pki_fd);
	if (e == ERR_OK) {
		e = begin(r, RENEWAL_CONF);
		if (e != ERR_OK)
			drop_setting(&r->next);
	}
	if (e != ERR_OK)
		answer_conf(r, e, "");
}

static void
begin_accounts(struct renewal *r)
{
	int fd = take_fd(&r->accounts_fd);
	struct worker *w = r->w;
	struct str bytes;
	enum err e = shm_blob_map(fd, &bytes);

	close(fd);
	if (e == ERR_OK) {
		e = snapshot_open(bytes, &w->next);
		if (e != ERR_OK)
			shm_blob_unmap(&bytes);
	}
	if (e != ERR_OK) {
		log_error("accounts.bad", "a snapshot of the accounts cannot be used: %s",
			  err_text(e));
		return;
	}
	w->next_bytes = bytes;
	swap_accounts(r);
}

static void
begin_fresh(struct renewal *r)
{
	int fd = take_fd(&r->fresh_fd);

	r->again = false;
	if (fd >= 0 && shm_blob_map(fd, &r->next_fresh) != ERR_OK)
		log_error("lists.bad", "what admin fetched cannot be used");
	if (fd >= 0)
		close(fd);
	if (begin(r, RENEWAL_FRESH) != ERR_OK)
		r->again = true; /* in the next step */
}

void
renewal_step(struct renewal *r)
{
	int64_t until = r->now.zones.staples_until_us;

	if (!r->w->edge || r->job != RENEWAL_NONE || r->w->swapping)
		return;
	if (until && clock_wall_us() >= until) {
		r->now.zones.staples_until_us = 0;
		r->again = true;
	}
	if (r->w->next_bytes.len)
		swap_accounts(r);
	else if (r->conf_fd >= 0)
		begin_conf(r);
	else if (r->accounts_fd >= 0)
		begin_accounts(r);
	else if (r->fresh_fd >= 0 || r->again)
		begin_fresh(r);
}

static void
put_fd(int *place, int fd)
{
	if (*place >= 0)
		close(*place);
	*place = fd;
}

void
renewal_conf(struct renewal *r, const struct keeper_ticket *m, const int fd[2])
{
	put_fd(&r->conf_fd, fd[0]);
	put_fd(&r->pki_fd, fd[1]);
	r->ticket = m->ticket; /* keeper offers one at a time */
	renewal_step(r);
}

void
renewal_accounts(struct renewal *r, int fd)
{
	put_fd(&r->accounts_fd, fd);
	renewal_step(r);
}

void
renewal_fetched(struct renewal *r, int fd)
{
	put_fd(&r->fresh_fd, fd);
	renewal_step(r);
}
