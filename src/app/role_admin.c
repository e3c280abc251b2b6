/* admin: the store of accounts, the call detail records, the history of handshakes, the control
 * socket. Never a secret of a call. When it is away nothing of a call suffers: ended records wait
 * in their slots. One thread. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/accountdesk.h"
#include "app/admin_take.h"
#include "app/ctllink.h"
#include "app/handintake.h"
#include "app/inuse.h"
#include "app/keeper_msg.h"
#include "app/admin_ready.h"
#include "app/pkidesk.h"
#include "app/admin_reload.h"
#include "app/role.h"
#include "base/clock.h"
#include "base/log.h"
#include "media/flow.h"
#include "ops/cdr.h"
#include "ops/cdrfile.h"
#include "ops/control.h"
#include "ops/show.h"
#include "store/reports.h"

enum {
	ADMIN_KEEPER_QUEUE = 16,
	ADMIN_SIGNALING_QUEUE = 8192,
	ADMIN_BATCH = 256, /* messages of signaling taken in one iteration */
	ADMIN_TICK_US = CLOCK_S,
	ADMIN_HAND_BATCHES = 16,         /* of handshakes taken at once: more than the ring holds */
	ADMIN_LOOK_US = 100 * CLOCK_MS,  /* between two looks into the ring of handshakes */
	ADMIN_GATHER_US = 20 * CLOCK_MS, /* from the first ended call to the sync of their CDRs */
	ADMIN_STOP_TRIES = 20,
	ADMIN_STOP_STEP_MS = 100,
	ADMIN_PATH_MAX = CONF_PATH_MAX + 32,
};

struct admin {
	const struct conf *conf;
	struct str conf_bytes;
	struct loop loop;
	struct loop_fd keeper_fd, signaling_fd;
	struct channel keeper, signaling;
	struct timer tick, gather, look;
	struct shm metrics;
	struct flow_table flows;
	struct records records;
	struct tracering trace;
	struct cdrfile cdr;
	struct handintake hands;
	struct pkidesk pkidesk;
	struct alarms alarms;
	struct gateways gateways; /* as signaling told */
	struct admin_reload reloaded;
	struct control control;
	struct show show;
	struct admin_ready ready;
	struct accountdesk accounts;
	char hands_path[ADMIN_PATH_MAX], alarms_path[ADMIN_PATH_MAX];
	char lists_path[ADMIN_PATH_MAX];
};

/* ---- reload ---- */

static enum err
reload(void *arg, uint64_t *ticket)
{
	struct admin *a = arg;
	/* the store first: the configuration is held against the accounts in use then */
	enum err e = accountdesk_reload(&a->accounts);

	if (admin_reload_ask(&a->reloaded, &a->keeper, ticket) != ERR_OK)
		log_error("admin.reload", "keeper does not take the question");
	return e;
}

static bool
outcome(void *arg, uint64_t ticket, struct show_reload *out)
{
	struct admin *a = arg;

	return admin_reload_outcome(&a->reloaded, ticket, out);
}

/* ---- signaling ---- */

static void
watch_output(struct admin *a)
{
	bool all = channel_flush(&a->signaling);

	if (a->signaling.fd >= 0 && a->signaling_fd.slot)
		(void)!loop_mod(&a->loop, &a->signaling_fd, all ? EPOLLIN : EPOLLIN | EPOLLOUT);
}

/* It leaves with watch_output, or when there are many. */
static enum err
tell_signaling(struct admin *a, enum admin_msg_type type, uint32_t slot, const struct id *id)
{
	struct admin_slot m = {.slot = slot, .id = *id};
	enum err e = ERR_CLOSED; /* it is asked again, or said again in the next round */

	if (a->signaling.fd >= 0) {
		if (a->signaling.n >= CHANNEL_BATCH)
			(void)channel_flush(&a->signaling);
		e = channel_push(&a->signaling, (uint16_t)type, &m, sizeof(m), true);
	}
	return e;
}

static void
tell_written(void *arg, uint32_t slot, const struct id *id)
{
	(void)!tell_signaling(arg, ADMIN_WRITTEN, slot, id);
}

static enum err
hang_up(void *arg, const struct id *id)
{
	struct admin *a = arg;
	enum err e = tell_signaling(a, ADMIN_HANGUP, 0, id);

	watch_output(a);
	return e;
}

static void
drop_signaling(struct admin *a)
{
	admin_ready_lost(&a->ready);
	a->gateways.n = 0; /* the next one tells anew */
	loop_del(&a->loop, &a->signaling_fd);
	channel_rebind(&a->signaling, -1);
}

static bool
take_signaling(struct admin *a, const struct channel_msg *msg, int fd)
{
	if (msg->head.type == ADMIN_ENDED && msg->head.length == sizeof(struct admin_slot)) {
		if (!timer_is_set(&a->gather))
			(void)!loop_timer(&a->loop, &a->gather, ADMIN_GATHER_US);
		return true;
	}
	if (msg->head.type == ADMIN_ALARM && msg->head.length == sizeof(struct admin_alarm))
		return admin_take_alarm(&a->alarms, msg);
	if (msg->head.type == ADMIN_GATEWAY && msg->head.length == sizeof(struct gateway))
		return admin_take_gateway(&a->gateways, msg);
	if (msg->head.type == ADMIN_READY_DONE &&
	    msg->head.length == sizeof(struct admin_ready_done)) {
		struct admin_ready_done done;

		memcpy(&done, msg->body, sizeof(done));
		admin_ready_take(&a->ready, &done, fd);
		return true;
	}
	return false;
}

static void
on_signaling(void *arg, uint32_t events)
{
	struct admin *a = arg;
	struct channel_msg msg;

	(void)events;
	for (int i = 0; i < ADMIN_BATCH; i++) {
		int fd = -1;
		size_t n = 1;
		enum err e = channel_recv(&a->signaling, &msg, &fd, &n);
		bool known;

		if (e == ERR_AGAIN)
			break;
		known = e == ERR_OK && take_signaling(a, &msg, n ? fd : -1);
		if (e == ERR_OK && n)
			close(fd);
		if (known)
			continue;
		if (e != ERR_CLOSED)
			log_error("admin.signaling", "a message that is not understood; cut off");
		drop_signaling(a);
		return;
	}
	watch_output(a);
}

static void
watch_signaling(struct admin *a)
{
	a->signaling_fd =
		(struct loop_fd){.fd = a->signaling.fd, .on_event = on_signaling, .arg = a};
	if (loop_add(&a->loop, &a->signaling_fd, EPOLLIN) != ERR_OK) {
		log_error("admin.signaling", "no place to watch its channel");
		channel_rebind(&a->signaling, -1);
	}
}

/* ---- call detail records ---- */

static void
write_cdrs(struct admin *a)
{
	loop_timer_stop(&a->loop, &a->gather);
	(void)cdrfile_round(&a->cdr, &a->records, clock_now_us(), false);
	watch_output(a);
}

static void
on_gathered(struct timer *t, uint64_t now_us)
{
	(void)now_us;
	write_cdrs(CONTAINER_OF(t, struct admin, gather));
}

static void
on_tick(struct timer *t, uint64_t now_us)
{
	struct admin *a = CONTAINER_OF(t, struct admin, tick);

	(void)now_us;
	accountdesk_tick(&a->accounts);
	write_cdrs(a);
	pkidesk_tick(&a->pkidesk, a->hands.store, clock_now_us());
	if (a->hands.why[0])
		(void)alarms_raise(&a->alarms, ALARM_HANDSHAKES, ALARM_WARNING, a->hands.path,
				   a->hands.why, clock_wall_us());
	else
		(void)alarms_clear(&a->alarms, ALARM_HANDSHAKES, a->hands.path);
	alarms_end_old(&a->alarms, clock_wall_us());
	alarms_save(&a->alarms);
	(void)!loop_timer(&a->loop, t, ADMIN_TICK_US);
}

/* All that is in the ring now. */
static void
take_hands(struct admin *a)
{
	for (int i = 0; i < ADMIN_HAND_BATCHES && handintake_take(&a->hands, clock_now_us()); i++)
		;
}

static void
on_look(struct timer *t, uint64_t now_us)
{
	struct admin *a = CONTAINER_OF(t, struct admin, look);
	bool more = handintake_take(&a->hands, now_us);

	(void)!loop_timer(&a->loop, t, more ? 0 : ADMIN_LOOK_US);
}

static void
write_last_cdrs(struct admin *a)
{
	uint32_t left = 0;

	for (int i = 0; i < ADMIN_STOP_TRIES; i++) {
		left = cdrfile_round(&a->cdr, &a->records, clock_now_us(), true);
		(void)channel_flush(&a->signaling);
		if (left == 0)
			return;
		(void)poll(NULL, 0, ADMIN_STOP_STEP_MS);
	}
	cdrfile_log_lost(&a->cdr, &a->records);
}

/* ---- keeper ---- */

static bool
take_peer(struct admin *a, const struct channel_msg *msg, int fd)
{
	struct keeper_peer peer;

	if (msg->head.length != sizeof(peer) || fd < 0)
		return false;
	memcpy(&peer, msg->body, sizeof(peer));
	if (peer.role != KEEPER_ROLE_SIGNALING)
		return false;
	drop_signaling(a);
	channel_rebind(&a->signaling, fd);
	alarms_clear_kind(&a->alarms, ALARM_TARGET); /* the new one raises what it finds itself */
	alarms_clear_kind(&a->alarms, ALARM_CARRIER);
	alarms_clear_kind(&a->alarms, ALARM_OPTIONS);
	alarms_clear_kind(&a->alarms, ALARM_REGISTRATION);
	watch_signaling(a);
	write_cdrs(a);
	return true;
}

static bool
take_reloaded(struct admin *a, const struct channel_msg *msg, int fd)
{
	struct keeper_reloaded m;

	if (msg->head.length != sizeof(m))
		return false;
	memcpy(&m, msg->body, sizeof(m));
	m.why[sizeof(m.why) - 1] = 0;
	admin_reload_take(&a->reloaded, &m, fd, &a->alarms);
	return true;
}

/* Read again, in use from now on. */
static void
take_conf(struct admin *a, const int fds[2])
{
	pkidesk_conf(&a->pkidesk, fds);
	accountdesk_conf(&a->accounts, a->pkidesk.conf);
}

/* False: it was not understood, and the descriptors are still the caller's. */
static bool
take_keeper(struct admin *a, const struct channel_msg *msg, const int fds[2], size_t n)
{
	struct keeper_ticket nobody = {0}; /* waits for the outcome */
	int fd = n == 1 ? fds[0] : -1;

	switch (msg->head.type) {
	case KEEPER_CONF:
		if (n == 2)
			take_conf(a, fds);
		return n == 2;
	case KEEPER_PEER:
		return take_peer(a, msg, fd);
	case KEEPER_RELOAD:
		(void)!accountdesk_reload(&a->accounts);
		(void)!channel_send(&a->keeper, KEEPER_ASK, &nobody, sizeof(nobody), true);
		return true;
	case KEEPER_RELOADED:
		return take_reloaded(a, msg, fd);
	case KEEPER_STOP:
		write_last_cdrs(a);
		take_hands(a);
		loop_stop(&a->loop);
		return true;
	default:
		return false;
	}
}

static void
on_keeper(void *arg, uint32_t events)
{
	struct admin *a = arg;
	struct channel_msg msg;

	(void)events;
	for (;;) {
		int fds[2] = {-1, -1};
		size_t n = 2;
		enum err e = channel_recv(&a->keeper, &msg, fds, &n);

		if (e == ERR_AGAIN)
			return;
		if (e == ERR_OK && take_keeper(a, &msg, fds, n))
			continue;
		while (e == ERR_OK && n)
			close(fds[--n]);
		if (e != ERR_CLOSED)
			log_error("admin.keeper", "a message that is not understood");
		loop_stop(&a->loop); /* without keeper there is no way on */
		return;
	}
}

/* ---- start ---- */

static bool
media_stats(void *arg, uint32_t slot, uint32_t generation, struct media_stats *out)
{
	struct admin *a = arg;

	return slot < a->flows.n_slots &&
	       flow_read_stats(&a->flows, slot, generation, out) == ERR_OK;
}

/* Up to date, for an answer. */
static struct handstore *
handshakes(void *arg, const struct handring **ring, const char **why)
{
	struct admin *a = arg;

	take_hands(a);
	*ring = &a->hands.ring;
	*why = a->hands.why;
	return a->hands.store;
}

static void
keep_report(void *arg, const struct probe_facts *f, const struct ready_report *r, struct str json)
{
	struct admin *a = arg;
	const struct tlsprobe_cert *leaf = &f->tls.chain.cert[0];
	struct store_report rep = {.account = str_from(f->account.id.z),
				   .fqdn = str_from(f->job.fqdn),
				   .at_us = f->began_us,
				   .passed = r->passed,
				   .issuer = str_from(leaf->issuer),
				   .names = str_from(leaf->names),
				   .json = json};
	enum err e = rep.account.len ? accountdesk_open(&a->accounts) : ERR_NOTFOUND;

	if (e == ERR_NOTFOUND)
		return;
	if (e == ERR_OK)
		e = store_report_write(a->accounts.store, &rep);
	if (e != ERR_OK)
		log_error("ready.store", "account=%s: the report is not kept: %s", f->account.id.z,
			  err_text(e));
}

static void
answer(void *arg, struct str line, struct buf *b)
{
	struct admin *a = arg;

	if (admin_ready_answer(&a->ready, line, a->control.asker, b))
		watch_output(a);
	else if (!inuse_answer(a->pkidesk.conf, line, b))
		show_answer(&a->show, line, b);
}

static void
forget(void *arg, const struct control_client *client)
{
	struct admin *a = arg;

	admin_ready_gone(&a->ready, client);
	watch_output(a);
}

/* The folders above a file. */
static void
make_folders(const char *path)
{
	char part[CONF_PATH_MAX];

	for (size_t i = 1; path[i]; i++)
		if (path[i] == '/' &&
		    str_copyz(part, sizeof(part), str_sub(str_from(path), 0, i)) == ERR_OK)
			(void)mkdir(part, 0750);
}

static enum err
map_segments(struct admin *a)
{
	enum err e =
		shm_map(ROLE_FD_METRICS, METRICS_MAGIC, METRICS_VERSION, true, false, &a->metrics);

	if (e == ERR_OK) {
		struct keeper_metrics *m = a->metrics.p;

		metric_bind(&m->page[KEEPER_ROLE_ADMIN]);
		a->show.n_pages = ARRAY_LEN(m->page);
		for (uint32_t i = 0; i < a->show.n_pages; i++)
			a->show.page[i] = &m->page[i];
		e = flow_map(ROLE_FD_FLOWS, false, &a->flows);
	}
	if (e == ERR_OK)
		e = records_open(ROLE_FD_CALLS, false, &a->records);
	if (e == ERR_OK)
		e = tracering_open(ROLE_FD_TRACE, false, &a->trace);
	return e;
}

static void
fill_show(struct admin *a, uint64_t epoch)
{
	char keeper[32];
	struct stat st;

	a->show.records = &a->records;
	a->show.trace = &a->trace;
	a->show.do_handshakes = handshakes;
	a->show.alarms = &a->alarms;
	a->show.gateways = &a->gateways;
	a->show.cdr_path = a->conf->cdr;
	a->show.media = a->flows.head->worker;
	a->show.srtp = a->flows.head->srtp;
	a->show.io = a->flows.head->io;
	a->show.io_counts = a->flows.head->counts;
	a->show.version = POSTERN_VERSION;
	a->show.node = a->conf->node_name;
	a->show.epoch = epoch;
	a->show.uid = geteuid();
	a->show.arg = a;
	a->show.do_media_stats = media_stats;
	a->show.do_hangup = hang_up;
	a->show.do_reload = reload;
	a->show.do_outcome = outcome;
	(void)snprintf(keeper, sizeof(keeper), "/proc/%d", (int)getppid());
	a->show.shared_uid = stat(keeper, &st) == 0 && st.st_uid == geteuid();
}

static enum err
open_files(struct admin *a)
{
	enum err e;

	make_folders(a->conf->store);
	make_folders(a->conf->cdr);
	make_folders(a->conf->control);
	(void)snprintf(a->lists_path, sizeof(a->lists_path), "%s.crls", a->conf->store);
	(void)snprintf(a->hands_path, sizeof(a->hands_path), "%s.handshakes", a->conf->store);
	(void)snprintf(a->alarms_path, sizeof(a->alarms_path), "%s/alarms.jsonl", a->conf->run_dir);
	a->cdr.arg = a;
	a->cdr.on_written = tell_written;
	e = cdrfile_init(&a->cdr, a->conf->cdr, a->records.n);
	if (e == ERR_OK)
		e = handintake_init(&a->hands, ROLE_FD_HANDSHAKES, a->hands_path,
				    a->conf->handshakes_keep, a->conf->handshakes_days);
	if (e == ERR_OK)
		e = alarms_init(&a->alarms, a->alarms_path);
	if (e == ERR_OK)
		e = gateways_init(&a->gateways);
	return e;
}

/* The socket is for people: without it everything else goes on. */
static void
open_control(struct admin *a)
{
	enum err e;

	a->control.on_line = answer;
	a->control.on_gone = forget;
	a->control.arg = a;
	e = control_init(&a->control, &a->loop, a->conf->control);
	if (e != ERR_OK)
		log_error("control.socket", "%s cannot be opened: %s", a->conf->control,
			  err_text(e));
	else if (ctllink_make(a->conf) != ERR_OK)
		log_warn("control.link", "no link to %s beside %s: %s", a->conf->control,
			 a->conf->store, strerror(errno));
}

static enum err
watch_channels(struct admin *a)
{
	enum err e = channel_init(&a->signaling, ROLE_FD_SIGNALING, ADMIN_SIGNALING_QUEUE);

	if (e != ERR_OK)
		return e;
	a->keeper_fd = (struct loop_fd){.fd = a->keeper.fd, .on_event = on_keeper, .arg = a};
	a->tick.on_due = on_tick;
	a->gather.on_due = on_gathered;
	a->look.on_due = on_look;
	watch_signaling(a);
	e = loop_add(&a->loop, &a->keeper_fd, EPOLLIN);
	if (e == ERR_OK)
		e = loop_timer(&a->loop, &a->look, ADMIN_LOOK_US);
	return e == ERR_OK ? loop_timer(&a->loop, &a->tick, ADMIN_TICK_US) : e;
}

static enum err
set_up(struct admin *a, uint64_t epoch)
{
	enum err e = channel_init(&a->keeper, ROLE_FD_KEEPER, ADMIN_KEEPER_QUEUE);

	if (e == ERR_OK)
		e = shm_blob_map(ROLE_FD_CONF, &a->conf_bytes);
	if (e == ERR_OK)
		e = conf_open(a->conf_bytes, &a->conf);
	if (e != ERR_OK)
		return e;
	log_init("admin", STDERR_FILENO, (enum log_level)a->conf->log_level);
	e = map_segments(a);
	if (e == ERR_OK)
		e = loop_init(&a->loop, CONTROL_FDS + 2, CONTROL_TIMERS + 4);
	if (e == ERR_OK)
		e = open_files(a);
	if (e == ERR_OK)
		admin_reload_started(epoch, &a->alarms);
	if (e == ERR_OK)
		e = pkidesk_init(&a->pkidesk, a->lists_path, &a->loop, &a->alarms, &a->keeper,
				 &a->hands.ring);
	if (e == ERR_OK)
		e = watch_channels(a);
	if (e != ERR_OK)
		return e;
	fill_show(a, epoch);
	a->ready.conf = a->conf;
	a->ready.signaling = &a->signaling;
	a->ready.on_report = keep_report;
	a->ready.arg = a;
	open_control(a);
	accountdesk_init(&a->accounts, a->pkidesk.conf, &a->alarms, &a->keeper, &a->show);
	write_cdrs(a);
	return channel_send(&a->keeper, KEEPER_READY, NULL, 0, true);
}

/* After a set_up that worked. */
static void
tear_down(struct admin *a)
{
	ctllink_drop(a->conf);
	control_fini(&a->control);
	pkidesk_fini(&a->pkidesk);
	alarms_fini(&a->alarms);
	gateways_fini(&a->gateways);
	handintake_fini(&a->hands);
	cdrfile_fini(&a->cdr);
	accountdesk_fini(&a->accounts);
	channel_fini(&a->signaling);
	channel_fini(&a->keeper);
	loop_fini(&a->loop);
	records_close(&a->records);
	tracering_close(&a->trace);
	flow_unmap(&a->flows);
	shm_unmap(&a->metrics);
	shm_blob_unmap(&a->conf_bytes);
}

int
role_admin(uint64_t epoch)
{
	static struct admin a;
	enum err e;

	admin_reload_init(&a.reloaded);
	e = set_up(&a, epoch);
	if (e == ERR_OK) {
		log_info("admin.start", "epoch=%llu records=%u", (unsigned long long)epoch,
			 a.records.n);
		e = loop_run(&a.loop);
	}
	if (e != ERR_OK) {
		log_error("admin.failed", "%s", err_text(e));
		return 1;
	}
	tear_down(&a);
	return 0;
}
