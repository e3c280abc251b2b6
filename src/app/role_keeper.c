/* keeper: holds what must survive its children (sockets, shared memory, the last snapshot of the
 * accounts), starts them, and parses nothing from a network. One thread, one poll loop. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/keeper_held.h"
#include "app/keeper_reload.h"
#include "app/role.h"
#include "base/clock.h"
#include "base/mem.h"

enum {
	KEEPER_QUEUE = 64,
	KEEPER_BACKOFF_MIN_MS = 100,
	KEEPER_BACKOFF_MAX_MS = 5000,
	KEEPER_STEADY_MS = 5000, /* alive so long: the back-off starts again from 0 */
	KEEPER_KILL_MS = 5000,   /* a role that does not end in order, after its own time */
	KEEPER_LOG_CHUNK = 4096, /* PIPE_BUF: what POLLOUT promises */
	KEEPER_ROUND_MS = 200,
	KEEPER_JOIN_MS = 5,   /* between two tries to join signaling and media */
	KEEPER_ASK_MS = 2000, /* that admin has to look at the store before a reload */
};

struct child {
	enum keeper_role role;
	pid_t pid; /* 0: not running */
	struct channel chan;
	int log_fd; /* our end of its stderr, -1 = none */
	uint64_t epoch, started_us, start_at_us;
	uint32_t backoff_ms;
	bool ready;
};

struct keeper {
	const char *conf_path;
	struct conf conf;
	struct keeper_held held;
	int signal_fd;
	struct child child[KEEPER_ROLE_N];
	struct keeper_reload reload;
	bool joined; /* signaling and media have their channels, or one of them does not run */
	uint64_t reload_at_us; /* asked by a signal: how long admin is waited for; 0 = not */
	bool stopping, failed;
	uint64_t kill_at_us;
	enum keeper_role stop_step; /* whose end is awaited */
};

static struct child *
child_of(struct keeper *k, enum keeper_role r)
{
	return &k->child[r];
}

/* ---- configuration ---- */

static enum err
load_conf(struct keeper *k)
{
	enum confread_outcome outcome;
	struct confread r;
	int status;
	enum err e;

	e = confread_start(&r, k->conf_path, NULL);
	if (e == ERR_OK && waitpid(r.pid, &status, 0) != r.pid)
		e = ERR_IO;
	if (e == ERR_OK)
		e = confread_finish(&r, status, &k->conf, &outcome);
	if (e != ERR_OK) {
		confread_drop(&r);
		return e;
	}
	k->held.conf_fd = r.conf_fd;
	k->held.pki_fd = r.pki_fd;
	k->held.pub_fd = r.pub_fd;
	close(r.text_fd);
	filewatch_used(&k->reload.watch, &k->conf, clock_now_us());
	return ERR_OK;
}

static void
raise_files(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == 0 && rl.rlim_cur < rl.rlim_max) {
		rl.rlim_cur = rl.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &rl);
	}
}

/* ---- starting a role ---- */

/* A new pair between two roles: gives the far end to `to` if it runs, returns the near end. */
static int
pair_with(struct keeper *k, enum keeper_role from, enum keeper_role to)
{
	struct keeper_peer msg = {.role = from, .epoch = child_of(k, from)->epoch};
	struct child *peer = child_of(k, to);
	int fd[2];

	if (channel_pair(fd) != ERR_OK)
		return -1;
	if (peer->pid &&
	    channel_send_fds(&peer->chan, KEEPER_PEER, &msg, sizeof(msg), &fd[1], 1) != ERR_OK)
		log_error("keeper.peer", "%s does not take its channel to %s", keeper_role_name(to),
			  keeper_role_name(from));
	close(fd[1]);
	return fd[0];
}

/* Channels between signaling and each worker of media, once both run. Each must take its ends, or
 * both get others in the next round. */
static void
join_media(struct keeper *k)
{
	struct child *side[] = {child_of(k, KEEPER_ROLE_MEDIA), child_of(k, KEEPER_ROLE_SIGNALING)};
	uint32_t n = 0, want = k->conf.media_workers;
	int fds[2][MEDIA_WORKERS_MAX], pair[2];
	bool ok = true;

	if (k->joined || !side[0]->pid || !side[1]->pid)
		return;
	for (; n < want && channel_pair(pair) == ERR_OK; n++) {
		fds[0][n] = pair[0];
		fds[1][n] = pair[1];
	}
	for (int i = 0; i < 2; i++) {
		struct keeper_peer msg = {.role = side[!i]->role, .epoch = side[!i]->epoch};

		ok = ok && n == want &&
		     channel_send_fds(&side[i]->chan, KEEPER_PEER, &msg, sizeof(msg), fds[i], n) ==
			     ERR_OK;
		for (uint32_t w = 0; w < n; w++)
			close(fds[i][w]);
	}
	k->joined = ok;
}

static void
send_sockets(struct keeper *k)
{
	struct child *m = child_of(k, KEEPER_ROLE_MEDIA);

	if (m->pid)
		keeper_media_send(&k->held.media, &m->chan);
}

static void
start_role(struct keeper *k, enum keeper_role r, uint64_t now)
{
	struct child *c = child_of(k, r);
	int chan[2] = {-1, -1}, logs[2] = {-1, -1}, peer = -1;
	struct spawn_fds m;

	c->epoch++;
	if (channel_pair(chan) != ERR_OK || pipe2(logs, O_CLOEXEC) != 0) {
		log_error("keeper.start", "%s: %s", keeper_role_name(r), strerror(errno));
		goto out;
	}
	(void)fcntl(logs[1], F_SETFL, O_NONBLOCK);
	if (r == KEEPER_ROLE_SIGNALING)
		peer = pair_with(k, r, KEEPER_ROLE_ADMIN);
	else if (r == KEEPER_ROLE_ADMIN)
		peer = pair_with(k, r, KEEPER_ROLE_SIGNALING);
	keeper_held_map(&k->held, &k->conf, r, peer, &m);
	m.from[ROLE_FD_KEEPER] = chan[1];
	c->pid = fork();
	if (c->pid == 0)
		spawn_exec(r, c->epoch, k->conf.log_level, &m, logs[1]);
	if (c->pid < 0) {
		log_error("keeper.start", "%s: fork: %s", keeper_role_name(r), strerror(errno));
		c->pid = 0;
		goto out;
	}
	channel_rebind(&c->chan, chan[0]);
	chan[0] = -1;
	if (c->log_fd >= 0)
		close(c->log_fd);
	c->log_fd = logs[0];
	logs[0] = -1;
	c->started_us = now;
	c->start_at_us = 0;
	c->ready = false;
	if (r != KEEPER_ROLE_ADMIN) {
		k->joined = false;
		join_media(k); /* before the sockets, so that its workers start with them */
	}
	if (r == KEEPER_ROLE_MEDIA) {
		k->held.media.sent = 0;
		send_sockets(k);
	}
	log_info("keeper.start", "role=%s pid=%d epoch=%llu", keeper_role_name(r), (int)c->pid,
		 (unsigned long long)c->epoch);
out:
	for (int i = 0; i < 2; i++) {
		if (chan[i] >= 0)
			close(chan[i]);
		if (logs[i] >= 0)
			close(logs[i]);
	}
	if (peer >= 0)
		close(peer);
	if (!c->pid)
		c->start_at_us = now + KEEPER_BACKOFF_MAX_MS * CLOCK_MS;
}

/* ---- news from the roles ---- */

/* The newest of admin's accounts or fetched lists: kept for restarts, and passed on. */
static void
take_block(struct keeper *k, enum keeper_msg_type type, int *kept, int fd)
{
	struct child *s = child_of(k, KEEPER_ROLE_SIGNALING);

	if (*kept >= 0)
		close(*kept);
	*kept = fd;
	if (s->pid && channel_send_fds(&s->chan, (uint16_t)type, NULL, 0, &fd, 1) != ERR_OK)
		log_error("keeper.pass", "signaling does not take new %s",
			  type == KEEPER_ACCOUNTS ? "accounts" : "lists");
}

/* ---- reload ---- */

static bool
offer_conf(void *arg, const struct confread *r, uint64_t ticket)
{
	struct keeper *k = arg;
	struct child *s = child_of(k, KEEPER_ROLE_SIGNALING);
	struct keeper_ticket msg = {.ticket = ticket};
	int fds[] = {r->conf_fd, r->pki_fd};

	return channel_send_fds(&s->chan, KEEPER_CONF, &msg, sizeof(msg), fds, 2) == ERR_OK;
}

static void
keep_fd(int *kept, int *fresh)
{
	close(*kept);
	*kept = *fresh;
	*fresh = -1;
}

static void
adopt_conf(void *arg, struct confread *r, const struct conf *next)
{
	struct keeper *k = arg;
	struct child *a = child_of(k, KEEPER_ROLE_ADMIN);
	struct keeper_ticket msg = {0};
	int fds[] = {r->conf_fd, r->pub_fd};

	if (a->pid && channel_send_fds(&a->chan, KEEPER_CONF, &msg, sizeof(msg), fds, 2) != ERR_OK)
		log_error("keeper.conf", "admin does not take the new configuration");
	keep_fd(&k->held.conf_fd, &r->conf_fd);
	keep_fd(&k->held.pki_fd, &r->pki_fd);
	keep_fd(&k->held.pub_fd, &r->pub_fd);
	k->conf = *next;
}

static void
tell_outcome(void *arg, uint64_t ticket, enum reload_outcome o, const char *why, int text_fd)
{
	struct keeper *k = arg;
	struct child *a = child_of(k, KEEPER_ROLE_ADMIN);
	struct keeper_reloaded msg = {.ticket = ticket, .outcome = o};

	(void)!str_copyz(msg.why, sizeof(msg.why), str_sub(str_from(why), 0, sizeof(msg.why) - 1));
	if (a->pid && channel_send_fds(&a->chan, KEEPER_RELOADED, &msg, sizeof(msg), &text_fd,
				       text_fd >= 0) != ERR_OK)
		log_error("keeper.reload", "admin does not take the outcome");
}

/* By admin, so that what it finds in the store is in use before the configuration is held against
 * the accounts; without it where it does not answer. */
static void
ask_reload(struct keeper *k, uint64_t now)
{
	struct child *a = child_of(k, KEEPER_ROLE_ADMIN);

	if (a->pid && channel_send(&a->chan, KEEPER_RELOAD, NULL, 0, true) == ERR_OK)
		k->reload_at_us = now + KEEPER_ASK_MS * CLOCK_MS;
	else
		keeper_reload_ask(&k->reload, 0);
}

static void
step_reload(struct keeper *k, uint64_t now)
{
	struct confread_now in_use = {
		.conf = &k->conf, .pki_fd = k->held.pki_fd, .accounts_fd = k->held.accounts_fd};

	if (k->reload_at_us && now >= k->reload_at_us) {
		k->reload_at_us = 0;
		keeper_reload_ask(&k->reload, 0);
	}
	keeper_reload_step(&k->reload, &in_use, now);
}

/* False: not one of these. */
static bool
take_reload_msg(struct keeper *k, const struct child *c, const struct channel_msg *msg)
{
	struct keeper_ticket ask;
	struct keeper_taken taken;

	if (c->role == KEEPER_ROLE_ADMIN && msg->head.type == KEEPER_ASK &&
	    msg->head.length == sizeof(ask)) {
		memcpy(&ask, msg->body, sizeof(ask));
		k->reload_at_us = 0;
		keeper_reload_ask(&k->reload, ask.ticket);
		return true;
	}
	if (c->role == KEEPER_ROLE_SIGNALING && msg->head.type == KEEPER_TAKEN &&
	    msg->head.length == sizeof(taken)) {
		memcpy(&taken, msg->body, sizeof(taken));
		taken.why[sizeof(taken.why) - 1] = 0;
		keeper_reload_taken(&k->reload, taken.ticket, taken.ok != 0, taken.why);
		return true;
	}
	return false;
}

/* ---- what the roles say ---- */

static void
end_role(struct child *c, const char *why)
{
	log_error("keeper.role", "%s: %s; ended", keeper_role_name(c->role), why);
	if (c->pid)
		kill(c->pid, SIGKILL);
}

static void
read_child(struct keeper *k, struct child *c)
{
	struct channel_msg msg;

	for (;;) {
		int fd = -1;
		size_t n = 1;
		enum err e = channel_recv(&c->chan, &msg, &fd, &n);

		if (e == ERR_CLOSED)
			channel_rebind(&c->chan, -1); /* its death shows by SIGCHLD */
		if (e == ERR_SYNTAX)
			end_role(c, "sent a broken message");
		if (e != ERR_OK)
			return;
		if (msg.head.type == KEEPER_READY) {
			c->ready = true;
			metric_add(METRIC_roles_ready, 1);
			log_info("keeper.ready", "role=%s", keeper_role_name(c->role));
		} else if (msg.head.type == KEEPER_ACCOUNTS && c->role == KEEPER_ROLE_ADMIN && n) {
			take_block(k, KEEPER_ACCOUNTS, &k->held.accounts_fd, fd);
			fd = -1;
		} else if (msg.head.type == KEEPER_FRESH && c->role == KEEPER_ROLE_ADMIN && n) {
			take_block(k, KEEPER_FRESH, &k->held.fresh_fd, fd);
			fd = -1;
		} else if (!take_reload_msg(k, c, &msg)) {
			end_role(c, "sent an unknown message");
		}
		if (n && fd >= 0)
			close(fd);
	}
}

/* Whole lines of a role's log to our stderr; when nobody reads there, they wait in its pipe. */
static void
pump_log(struct child *c)
{
	char chunk[KEEPER_LOG_CHUNK];
	struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};
	ssize_t n;

	if (poll(&out, 1, 0) != 1)
		return;
	n = read(c->log_fd, chunk, sizeof(chunk));
	if (n > 0) {
		if (write(STDERR_FILENO, chunk, (size_t)n) != n)
			metric_add(METRIC_log_dropped, 1);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		close(c->log_fd);
		c->log_fd = -1;
	}
}

static void
role_ended(struct keeper *k, struct child *c, int status, uint64_t now)
{
	uint32_t wait_ms = c->backoff_ms;

	c->pid = 0;
	if (c->ready)
		metric_add(METRIC_roles_ready, -1);
	if (c->role == KEEPER_ROLE_SIGNALING)
		keeper_reload_lost(&k->reload);
	if (k->stopping) {
		log_info("keeper.ended", "role=%s status=%d", keeper_role_name(c->role), status);
		return;
	}
	metric_add(METRIC_restarts, 1);
	if (now - c->started_us > (uint64_t)KEEPER_STEADY_MS * CLOCK_MS)
		wait_ms = 0;
	c->backoff_ms = wait_ms == 0 ? KEEPER_BACKOFF_MIN_MS : wait_ms * 2;
	if (c->backoff_ms > KEEPER_BACKOFF_MAX_MS)
		c->backoff_ms = KEEPER_BACKOFF_MAX_MS;
	c->start_at_us = now + (uint64_t)wait_ms * CLOCK_MS;
	log_error("keeper.died", "role=%s %s=%d; started again in %u ms", keeper_role_name(c->role),
		  WIFSIGNALED(status) ? "signal" : "status",
		  WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), wait_ms);
	if (!c->ready && c->epoch == 1) {
		log_error("keeper.failed", "%s could not start", keeper_role_name(c->role));
		k->failed = true;
	}
}

static void
reap_roles(struct keeper *k, uint64_t now)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (keeper_reload_child_ended(&k->reload, pid, status,
					      child_of(k, KEEPER_ROLE_SIGNALING)->pid != 0))
			continue;
		for (int r = 1; r < KEEPER_ROLE_N; r++)
			if (k->child[r].pid == pid)
				role_ended(k, &k->child[r], status, now);
	}
}

/* ---- the end ---- */

/* signaling first (it ends the calls), then admin (it writes their CDRs) and media. */
static void
stop_next(struct keeper *k, uint64_t now)
{
	static const enum keeper_role order[] = {KEEPER_ROLE_SIGNALING, KEEPER_ROLE_ADMIN,
						 KEEPER_ROLE_MEDIA};

	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		struct child *c = child_of(k, order[i]);

		if (!c->pid)
			continue;
		if (k->stop_step != order[i]) {
			k->stop_step = order[i];
			k->kill_at_us =
				now + (uint64_t)(k->conf.stop_timeout + KEEPER_KILL_MS) * CLOCK_MS;
			if (channel_send(&c->chan, KEEPER_STOP, NULL, 0, true) != ERR_OK)
				kill(c->pid, SIGKILL);
		} else if (now >= k->kill_at_us) {
			end_role(c, "did not end in time");
			k->kill_at_us = now + KEEPER_KILL_MS * CLOCK_MS;
		}
		return;
	}
	k->stop_step = KEEPER_ROLE_N;
}

static void
begin_stop(struct keeper *k, uint64_t now)
{
	if (k->stopping) { /* asked twice: at once */
		for (int r = 1; r < KEEPER_ROLE_N; r++)
			if (k->child[r].pid)
				kill(k->child[r].pid, SIGKILL);
		return;
	}
	log_info("keeper.stop", "no new calls; running calls are ended within %u ms",
		 k->conf.stop_timeout);
	k->stopping = true;
	keeper_reload_end(&k->reload);
	stop_next(k, now);
}

static void
read_signals(struct keeper *k, uint64_t now)
{
	struct signalfd_siginfo si;

	while (read(k->signal_fd, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
		if (si.ssi_signo == SIGCHLD)
			reap_roles(k, now);
		else if (si.ssi_signo == SIGHUP)
			ask_reload(k, now);
		else if (si.ssi_signo == SIGTERM || si.ssi_signo == SIGINT)
			begin_stop(k, now);
	}
}

/* ---- the loop ---- */

static int
poll_wait_ms(const struct keeper *k, uint64_t now)
{
	uint64_t next = now + (k->joined ? KEEPER_ROUND_MS : KEEPER_JOIN_MS) * CLOCK_MS;

	for (int r = 1; r < KEEPER_ROLE_N; r++)
		if (!k->child[r].pid && !k->stopping && k->child[r].start_at_us < next)
			next = k->child[r].start_at_us;
	return next <= now ? 0 : (int)((next - now) / CLOCK_MS) + 1;
}

/* What to wait for. Logs only while somebody reads our stderr: else they wait in their pipes. */
static nfds_t
fill_polls(struct keeper *k, struct pollfd *p, struct child **who)
{
	struct pollfd err = {.fd = STDERR_FILENO, .events = POLLOUT};
	bool may_log = poll(&err, 1, 0) == 1;
	nfds_t n = 0;

	p[n++] = (struct pollfd){.fd = k->signal_fd, .events = POLLIN};
	for (int r = 1; r < KEEPER_ROLE_N; r++) {
		struct child *c = &k->child[r];

		if (c->chan.fd >= 0) {
			p[n] = (struct pollfd){.fd = c->chan.fd, .events = POLLIN};
			if (c->chan.n ||
			    (r == KEEPER_ROLE_MEDIA && keeper_media_waits(&k->held.media)))
				p[n].events |= POLLOUT;
			who[n++] = c;
		}
		if (c->log_fd >= 0 && may_log) {
			p[n] = (struct pollfd){.fd = c->log_fd, .events = POLLIN};
			who[n++] = c;
		}
	}
	return n;
}

/* media first, then signaling, then admin; each can start without the others */
static void
start_roles(struct keeper *k, uint64_t now)
{
	static const enum keeper_role order[] = {KEEPER_ROLE_MEDIA, KEEPER_ROLE_SIGNALING,
						 KEEPER_ROLE_ADMIN};

	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		const struct child *c = child_of(k, order[i]);

		if (!c->pid && now >= c->start_at_us)
			start_role(k, order[i], now);
	}
}

static void
loop_once(struct keeper *k)
{
	struct pollfd p[1 + 2 * KEEPER_ROLE_N];
	struct child *who[1 + 2 * KEEPER_ROLE_N] = {0};
	nfds_t n = fill_polls(k, p, who);
	uint64_t now = clock_now_us();

	if (poll(p, n, poll_wait_ms(k, now)) < 0 && errno != EINTR)
		log_error("keeper.poll", "%s", strerror(errno));
	now = clock_now_us();
	for (nfds_t i = 1; i < n; i++) {
		if (!p[i].revents)
			continue;
		if (p[i].fd == who[i]->log_fd)
			pump_log(who[i]);
		else if (p[i].fd == who[i]->chan.fd)
			read_child(k, who[i]);
		channel_flush(&who[i]->chan);
	}
	send_sockets(k);
	join_media(k);
	read_signals(k, now);
	if (k->stopping)
		stop_next(k, now);
	else if (k->failed)
		begin_stop(k, now);
	else
		start_roles(k, now);
	if (!k->stopping)
		step_reload(k, now);
}

static enum err
keeper_init(struct keeper *k)
{
	sigset_t set;

	keeper_held_init(&k->held);
	k->signal_fd = -1;
	for (int r = 1; r < KEEPER_ROLE_N; r++) {
		struct child *c = &k->child[r];

		c->role = r;
		c->log_fd = -1;
		if (channel_init(&c->chan, -1, KEEPER_QUEUE) != ERR_OK)
			return ERR_NOMEM;
	}
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	k->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return k->signal_fd < 0 ? ERR_IO : ERR_OK;
}

int
role_keeper(const char *conf_path)
{
	static struct keeper k;
	enum err e;

	k.conf_path = conf_path;
	k.reload = (struct keeper_reload){.path = conf_path,
					  .arg = &k,
					  .on_offer = offer_conf,
					  .on_adopt = adopt_conf,
					  .on_outcome = tell_outcome};
	log_init("keeper", STDERR_FILENO, LOG_INFO);
	raise_files();
	e = keeper_init(&k);
	if (e == ERR_OK)
		e = load_conf(&k);
	if (e == ERR_CONFIG)
		return 1; /* each finding was printed */
	if (e == ERR_OK) {
		log_init("keeper", STDERR_FILENO, (enum log_level)k.conf.log_level);
		(void)mkdir(k.conf.run_dir, 0750);
		e = keeper_held_make(&k.held, &k.conf);
	}
	if (e != ERR_OK) {
		log_error("keeper.failed", "cannot start: %s%s", err_text(e),
			  e == ERR_IO ? ", as the lines above say" : "");
		return 1;
	}
	while (!k.stopping || k.stop_step != KEEPER_ROLE_N)
		loop_once(&k);
	for (int r = 1; r < KEEPER_ROLE_N; r++)
		while (k.child[r].log_fd >= 0)
			pump_log(&k.child[r]);
	log_info("keeper.ended", "all roles have ended");
	return k.failed ? 1 : 0;
}
