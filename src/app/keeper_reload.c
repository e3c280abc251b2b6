#include "app/keeper_reload.h"

#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

/* ---- the end of one ---- */

/* The child that refuses says why in the first line of its text; "" where it said nothing. */
static struct str
read_reason(const struct keeper_reload *r, char mem[RELOAD_REASON_MAX])
{
	ssize_t n =
		r->state == RELOAD_READING ? pread(r->read.text_fd, mem, RELOAD_REASON_MAX, 0) : 0;
	struct str text = str_of(mem, n > 0 ? (size_t)n : 0);

	return str_cut(&text, '\n');
}

static void
log_refused(const struct keeper_reload *r, const char *why)
{
	char mem[RELOAD_REASON_MAX];
	struct str reason = read_reason(r, mem);

	log_error("reload.refused", "%s%s%.*s; what is in use stays", why, reason.len ? ": " : "",
		  STR_ARG(reason));
}

static void
finish(struct keeper_reload *r, enum reload_outcome o, const char *why)
{
	if (o == RELOAD_REFUSED)
		log_refused(r, why);
	else
		log_info("reload.done", "%s", why);
	r->state = RELOAD_IDLE;
	r->on_outcome(r->arg, r->running, o, why, r->read.text_fd);
	confread_drop(&r->read);
}

static void
adopt(struct keeper_reload *r)
{
	r->on_adopt(r->arg, &r->read, &r->next);
	finish(r, r->restart ? RELOAD_RESTART : RELOAD_DONE,
	       r->restart ? "in use, except for what needs a restart" : "in use");
}

/* ---- events ---- */

void
keeper_reload_ask(struct keeper_reload *r, uint64_t ticket)
{
	r->asked = true;
	if (ticket > r->wanted)
		r->wanted = ticket;
}

static void
start(struct keeper_reload *r, const struct confread_now *now, uint64_t now_us)
{
	r->asked = false;
	r->running = r->wanted;
	filewatch_used(&r->watch, now->conf, now_us);
	if (confread_start(&r->read, r->path, now) != ERR_OK) {
		finish(r, RELOAD_REFUSED, "no process can be started to read the files");
		return;
	}
	r->deadline_us = now_us + (uint64_t)RELOAD_READ_MS * CLOCK_MS;
	r->state = RELOAD_READING;
}

void
keeper_reload_step(struct keeper_reload *r, const struct confread_now *now, uint64_t now_us)
{
	if (r->state == RELOAD_READING && now_us >= r->deadline_us)
		finish(r, RELOAD_REFUSED, "the files could not be read within a minute");
	if (r->state != RELOAD_IDLE)
		return;
	if (filewatch_changed(&r->watch, now->conf, now_us)) {
		log_info("reload.files", "a certificate, key, authority or CRL file has changed");
		r->asked = true;
	}
	if (r->asked)
		start(r, now, now_us);
}

bool
keeper_reload_child_ended(struct keeper_reload *r, pid_t pid, int status, bool running)
{
	enum confread_outcome o;

	if (r->state != RELOAD_READING || pid != r->read.pid)
		return false;
	if (confread_finish(&r->read, status, &r->next, &o) != ERR_OK) {
		finish(r, RELOAD_REFUSED, "what was read is not good");
		return true;
	}
	r->restart = o == CONFREAD_RESTART;
	r->state = RELOAD_OFFERED;
	if (!running)
		adopt(r); /* the child has checked it, and the next signaling starts with it */
	else if (!r->on_offer(r->arg, &r->read, r->running))
		finish(r, RELOAD_REFUSED, "signaling does not take it now");
	return true;
}

void
keeper_reload_taken(struct keeper_reload *r, uint64_t ticket, bool ok, const char *why)
{
	if (r->state != RELOAD_OFFERED || ticket != r->running)
		return;
	if (ok)
		adopt(r);
	else
		finish(r, RELOAD_REFUSED, why);
}

void
keeper_reload_lost(struct keeper_reload *r)
{
	if (r->state == RELOAD_OFFERED)
		finish(r, RELOAD_REFUSED, "signaling ended while it took it");
}

void
keeper_reload_end(struct keeper_reload *r)
{
	if (r->state != RELOAD_IDLE)
		confread_drop(&r->read);
	r->state = RELOAD_IDLE;
}
