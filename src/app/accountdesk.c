#include "app/accountdesk.h"

#include <stdio.h>
#include <unistd.h>

#include "app/keeper_msg.h"
#include "conf/refs.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/shm.h"

/* ---- do they fit the configuration? ---- */

struct holding {
	uint32_t n;
	char first[REPORT_TEXT_MAX];
};

static void
take_misfit(void *arg, const struct conf_finding *f)
{
	struct holding *h = arg;

	if (h->n++ == 0)
		(void)!str_copyz(h->first, sizeof(h->first), str_from(f->text));
	if (h->n <= ACCOUNTDESK_LINES_MAX)
		log_warn("accounts.unfit", "%s", f->text);
}

void
accountdesk_hold(const struct snapshot_view *v, const struct conf *conf, struct alarms *alarms)
{
	static const char object[] = "accounts";
	struct holding h = {.n = 0};
	struct conf_report rep = {.on_finding = take_misfit, .arg = &h};
	char text[REPORT_TEXT_MAX + 32];

	refs_check_used(v, conf, &rep);
	if (h.n == 0) {
		(void)alarms_clear(alarms, ALARM_UNFIT, object);
		return;
	}
	if (h.n > ACCOUNTDESK_LINES_MAX)
		log_warn("accounts.unfit", "and %u more", h.n - ACCOUNTDESK_LINES_MAX);
	if (h.n == 1)
		(void)snprintf(text, sizeof(text), "%s", h.first);
	else
		(void)snprintf(text, sizeof(text), "%u rows; the first: %s", h.n, h.first);
	(void)alarms_raise(alarms, ALARM_UNFIT, ALARM_MAJOR, object, text, clock_wall_us());
}

/* ---- the store ---- */

static void
store_failed(struct accountdesk *d, const char *why)
{
	if (!d->show->store_broken)
		log_error("accounts.store",
			  "%s: %s; the last good accounts stay in use, changes have no effect",
			  d->path, why);
	d->show->store_broken = true;
	(void)alarms_raise(d->alarms, ALARM_STORE, ALARM_CRITICAL, d->path, why, clock_wall_us());
}

static void
store_works(struct accountdesk *d)
{
	if (d->show->store_broken)
		log_info("accounts.store", "%s works again", d->path);
	d->show->store_broken = false;
	(void)alarms_clear(d->alarms, ALARM_STORE, d->path);
}

/* To keeper, or again at the next tick. */
static void
pass_accounts(struct accountdesk *d)
{
	if (d->fd < 0 || channel_send_fds(d->keeper, KEEPER_ACCOUNTS, NULL, 0, &d->fd, 1) != ERR_OK)
		return;
	close(d->fd);
	d->fd = -1;
}

static void
take_snapshot(struct accountdesk *d, struct str bytes)
{
	struct snapshot_view v;
	int fd;
	enum err e = snapshot_open(bytes, &v);

	if (e == ERR_OK)
		e = shm_blob("postern-accounts", bytes, &fd);
	if (e != ERR_OK) {
		log_error("accounts.snapshot", "cannot be passed on: %s", err_text(e));
		return;
	}
	if (d->fd >= 0)
		close(d->fd);
	d->fd = fd;
	d->show->store_version = v.version;
	log_info("accounts.snapshot", "version=%llu accounts=%u trunks=%u numbers=%u",
		 (unsigned long long)v.version, v.n_accounts, v.n_trunks, v.n_numbers);
	accountdesk_hold(&v, d->conf, d->alarms);
	pass_accounts(d);
}

enum err
accountdesk_open(struct accountdesk *d)
{
	char why[STORE_WHY_MAX] = "";
	enum err e = d->store ? ERR_OK : store_open(d->path, &d->store, why);

	if (e != ERR_OK)
		store_failed(d, why[0] ? why : err_text(e));
	return e;
}

/* Nothing was ever applied to this store, but there were accounts before: it is not theirs. */
static bool
is_lost(const struct accountdesk *d, uint64_t version)
{
	struct snapshot_view v;
	struct str good;
	bool lost;

	if (version != 0 || store_good_read(d->good_path, &good) != ERR_OK)
		return false;
	lost = snapshot_open(good, &v) == ERR_OK && v.version != 0;
	store_snapshot_free(&good);
	return lost;
}

/* A new snapshot when the store has changed. */
static enum err
look_at_store(struct accountdesk *d)
{
	struct str bytes;
	uint64_t version;
	enum err e = accountdesk_open(d);

	if (e != ERR_OK)
		return e;
	e = store_version(d->store, &version);
	if (e == ERR_OK && d->tried && version == d->tried_version)
		return d->show->store_broken ? ERR_CONFIG : ERR_OK;
	if (e == ERR_OK && is_lost(d, version)) {
		store_failed(d, "it is empty, but there were accounts: apply them again, or put "
				"the store back");
		d->tried = true;
		d->tried_version = version;
		return ERR_CONFIG;
	}
	if (e == ERR_OK) {
		d->tried = true;
		d->tried_version = version;
		e = store_snapshot(d->store, &bytes);
	}
	if (e != ERR_OK) {
		store_failed(d, e == ERR_CONFIG ? "what it holds is refused" : store_why(d->store));
		if (e != ERR_CONFIG)
			store_close(&d->store); /* opened anew at the next try */
		d->tried = e == ERR_CONFIG;
		return e;
	}
	store_works(d);
	take_snapshot(d, bytes);
	if (store_good_write(d->good_path, bytes) != ERR_OK)
		log_warn("accounts.good", "%s cannot be written", d->good_path);
	store_snapshot_free(&bytes);
	return ERR_OK;
}

/* ---- from above ---- */

void
accountdesk_init(struct accountdesk *d, const struct conf *conf, struct alarms *alarms,
		 struct channel *keeper, struct show *show)
{
	struct str bytes;

	*d = (struct accountdesk){
		.conf = conf, .alarms = alarms, .keeper = keeper, .show = show, .fd = -1};
	(void)snprintf(d->path, sizeof(d->path), "%s", conf->store);
	(void)snprintf(d->good_path, sizeof(d->good_path), "%s.good", conf->store);
	if (look_at_store(d) == ERR_OK)
		return;
	if (store_good_read(d->good_path, &bytes) != ERR_OK) {
		log_error("accounts.none", "neither the store nor %s can be used", d->good_path);
		return;
	}
	take_snapshot(d, bytes);
	store_snapshot_free(&bytes);
}

void
accountdesk_fini(struct accountdesk *d)
{
	store_close(&d->store);
	if (d->fd >= 0)
		close(d->fd);
	d->fd = -1;
}

void
accountdesk_tick(struct accountdesk *d)
{
	pass_accounts(d);
	(void)!look_at_store(d);
}

enum err
accountdesk_reload(struct accountdesk *d)
{
	store_close(&d->store);
	d->tried = false;
	return look_at_store(d);
}

/* The accounts in use are those kept beside the store. */
void
accountdesk_conf(struct accountdesk *d, const struct conf *conf)
{
	struct snapshot_view v;
	struct str good;

	d->conf = conf;
	if (store_good_read(d->good_path, &good) != ERR_OK)
		return;
	if (snapshot_open(good, &v) == ERR_OK)
		accountdesk_hold(&v, conf, d->alarms);
	store_snapshot_free(&good);
}
