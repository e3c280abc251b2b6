#include "app/admin_ready.h"

#include <string.h>

#include "ready/check.h"
#include "ready/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/shm.h"
#include "net/certpolicy.h"
#include "ops/jsonin.h"

enum { ZONE_ANY = UINT16_MAX };

static void
put_error(struct buf *b, const char *why)
{
	buf_reset(b);
	buf_z(b, "{\"ok\":false,\"error\":");
	buf_json(b, str_from(why));
	buf_char(b, '}');
}

static void
break_off(struct admin_ready *r, const char *why)
{
	r->stage = READY_IS_BROKEN;
	(void)!str_copyz(r->error, sizeof(r->error), str_from(why));
}

/* ---- what is asked ---- */

static const char *
read_zone(const struct admin_ready *r, const char *zone, uint16_t *out)
{
	*out = ZONE_ANY;
	if (!*zone)
		return NULL;
	for (uint32_t i = 0; i < r->conf->n_zones; i++)
		if (str_ieqz(str_from(zone), r->conf->zone[i].fqdn)) {
			*out = (uint16_t)i;
			return NULL;
		}
	return "there is no zone of this name in the configuration";
}

static bool
number_ok(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!ascii_alnum(s.p[i]) && !(s.p[i] == '+' && i == 0))
			return false;
	return true;
}

/* NULL, or what is wrong with the request. */
static const char *
read_job(const struct admin_ready *r, const struct json *q, struct probe_job *job)
{
	struct str fqdn = str_from(jsonin_text(q, "fqdn"));
	int64_t port = jsonin_int(q, "port"), wait = jsonin_int(q, "wait");

	*job = (struct probe_job){0};
	if (fqdn.len > 1 && fqdn.p[fqdn.len - 1] == '.')
		fqdn.len--;
	if (!certpolicy_fqdn_ok(fqdn) || str_copyz(job->fqdn, sizeof(job->fqdn), fqdn) != ERR_OK)
		return "fqdn is the name of the equipment, as in its certificate: no address";
	for (char *p = job->fqdn; *p; p++)
		*p = ascii_lower(*p);
	if (port < 0 || port > UINT16_MAX)
		return "port is 1 to 65535";
	if (wait < 0 || wait > READY_WAIT_MAX_S)
		return "wait is at most 600 seconds";
	job->port = (uint16_t)port;
	job->wait_s = (uint16_t)wait;
	if (str_copyz(job->account, sizeof(job->account), str_from(jsonin_text(q, "account"))) !=
	    ERR_OK)
		return "there is no account of this name";
	if (str_copyz(job->call, sizeof(job->call), str_from(jsonin_text(q, "call"))) != ERR_OK ||
	    !number_ok(str_from(job->call)))
		return "call is a number, as +15551230000, or a user name of letters and digits";
	return read_zone(r, jsonin_text(q, "zone"), &job->zone);
}

static void
keep_finding(void *arg, const struct conf_finding *f)
{
	char *why = arg;

	if (!why[0])
		(void)!str_copyz(why, READY_ERROR_MAX,
				 str_sub(str_from(f->text), 0, READY_ERROR_MAX - 1));
}

/* The text of a profile's file, as the command read it. */
static const char *
read_profile(struct admin_ready *r, const struct json *q)
{
	struct conf_report rep = {.on_finding = keep_finding, .arg = r->error};
	struct str text = str_from(jsonin_text(q, "profile"));

	r->has_profile = false;
	r->error[0] = 0;
	if (text.len == 0)
		return NULL;
	if (readyprofile_parse(text, &rep, &r->profile) != ERR_OK)
		return r->error[0] ? r->error : "the profile cannot be read";
	r->has_profile = true;
	return NULL;
}

/* "04:12:03" of today or of another day, UTC. */
static void
put_time(struct buf *b, int64_t wall_us)
{
	char mem[32];
	struct buf t;

	buf_init(&t, mem, sizeof(mem));
	clock_put_utc(&t, wall_us);
	buf_str(b, str_sub(buf_view(&t), 11, 19));
	buf_z(b, " UTC");
}

/* NULL, or who is in the way, since when and until when; in r->error. */
static const char *
tell_busy(struct admin_ready *r, uint64_t now)
{
	const struct probe_job *job = &r->job;
	struct buf b;

	if ((r->stage != READY_RUNS && r->stage != READY_ENDS) || now >= r->due_us)
		return NULL;
	buf_init(&b, r->error, sizeof(r->error));
	if (r->stage == READY_ENDS) {
		buf_printf(&b,
			   "the check of %.80s was given up by who began it, and is being ended; "
			   "try again in a few seconds",
			   job->fqdn);
	} else {
		buf_printf(&b, "a check of %.80s runs%s, since ", job->fqdn,
			   job->wait_s ? " and waits for its connection" : "");
		put_time(&b, r->began_us);
		buf_z(&b, ", until ");
		put_time(&b, clock_wall_us() + (int64_t)(r->due_us - now));
		buf_z(&b, " at the latest; one runs at a time: ask again then, or let its command "
			  "be interrupted");
	}
	return buf_cstr(&b);
}

static void
begin(struct admin_ready *r, const struct json *q, const void *asker, struct buf *b)
{
	struct probe_job job;
	const char *why = read_job(r, q, &job);
	uint64_t now = clock_now_us();

	if (!why)
		why = tell_busy(r, now);
	if (!why)
		why = read_profile(r, q);
	if (why) {
		put_error(b, why);
		return;
	}
	job.number = r->number + 1;
	if (r->signaling->fd < 0 ||
	    channel_send(r->signaling, ADMIN_READY, &job, sizeof(job), true) != ERR_OK) {
		put_error(b, "signaling does not take it now; try again");
		return;
	}
	r->number = job.number;
	r->job = job;
	r->asker = asker;
	r->began_us = clock_wall_us();
	r->stage = READY_RUNS;
	r->due_us = now + READY_LATE_US + (uint64_t)job.wait_s * CLOCK_S;
	buf_printf(b, "{\"ok\":true,\"job\":%u}", r->number);
}

static void
tell(struct admin_ready *r, const struct json *q, struct buf *b)
{
	if (jsonin_int(q, "job") != r->number || r->stage == READY_IDLE) {
		put_error(b, "there is no check of this number; another one was begun since");
		return;
	}
	if ((r->stage == READY_RUNS || r->stage == READY_ENDS) && clock_now_us() >= r->due_us)
		break_off(r, "signaling did not finish the check");
	if (r->stage == READY_RUNS || r->stage == READY_ENDS)
		buf_z(b, "{\"ok\":true,\"done\":false}");
	else if (r->stage == READY_IS_BROKEN)
		put_error(b, r->error);
	else
		readyjson_put(b, &r->facts, &r->report);
}

bool
admin_ready_answer(struct admin_ready *r, struct str line, const void *asker, struct buf *b)
{
	struct json *q = NULL;
	bool ours = false;

	if (jsonin_parse(line, &q) == ERR_OK) {
		const char *cmd = jsonin_text(q, "cmd");

		ours = strcmp(cmd, "ready") == 0 || strcmp(cmd, "ready-report") == 0;
		if (ours && strcmp(cmd, "ready") == 0)
			begin(r, q, asker, b);
		else if (ours)
			tell(r, q, b);
	}
	jsonin_free(&q);
	return ours;
}

void
admin_ready_gone(struct admin_ready *r, const void *asker)
{
	uint32_t number = r->number;

	if (r->stage != READY_RUNS || r->asker != asker)
		return;
	if (r->signaling->fd < 0 ||
	    channel_send(r->signaling, ADMIN_READY_STOP, &number, sizeof(number), true) != ERR_OK)
		return; /* it ends by itself */
	log_info("ready.stop", "fqdn=%s who began the check is gone", r->job.fqdn);
	r->stage = READY_ENDS;
	r->due_us = clock_now_us() + READY_END_US;
}

/* ---- what came of it ---- */

static void
report(struct admin_ready *r)
{
	char *mem = r->on_report ? mem_zalloc(1, READYJSON_MAX) : NULL;
	struct buf b;

	readycheck_run(&r->facts, clock_wall_us(), &r->report);
	if (r->has_profile) {
		readyprofile_run(&r->profile, &r->facts, &r->report);
		ready_conclude(&r->report);
	}
	r->stage = READY_IS_DONE;
	log_info("ready.done", "fqdn=%s zone=%s account=%s %s%s%s", r->facts.job.fqdn,
		 r->facts.own.zone, r->facts.account.id.z, r->report.passed ? "passed" : "failed",
		 r->report.passed ? "" : " cause=", r->report.cause);
	if (!mem)
		return;
	buf_init(&b, mem, READYJSON_MAX);
	readyjson_put(&b, &r->facts, &r->report);
	if (buf_end(&b) == ERR_OK)
		r->on_report(r->arg, &r->facts, &r->report, buf_view(&b));
	mem_free(mem);
}

static bool
is_whole(struct str bytes)
{
	const struct probe_facts *f = (const void *)bytes.p;

	return bytes.len == sizeof(*f) && f->magic == PROBE_MAGIC && f->layout == PROBE_LAYOUT &&
	       f->size == sizeof(*f);
}

void
admin_ready_take(struct admin_ready *r, const struct admin_ready_done *done, int fd)
{
	struct str bytes;
	enum err e = (enum err)done->err;

	if (done->number != r->number || (r->stage != READY_RUNS && r->stage != READY_ENDS))
		return; /* of an earlier life */
	if (e == ERR_OK)
		e = shm_blob_map(fd, &bytes);
	if (e == ERR_CLOSED || r->stage == READY_ENDS) {
		if (e == ERR_OK)
			shm_blob_unmap(&bytes);
		break_off(r, "who began the check is gone: it was ended");
	} else if (e == ERR_STATE) {
		break_off(r, "a check that was begun earlier has not ended in signaling; try "
			     "again in a few seconds");
	} else if (e == ERR_NOTFOUND) {
		break_off(r, "the zone has no TLS listener to connect from");
	} else if (e != ERR_OK) {
		break_off(r, err_text(e));
	} else {
		if (is_whole(bytes)) {
			memcpy(&r->facts, bytes.p, sizeof(r->facts));
			report(r);
		} else {
			break_off(r, "what signaling found cannot be read");
		}
		shm_blob_unmap(&bytes);
	}
}

void
admin_ready_lost(struct admin_ready *r)
{
	if (r->stage == READY_RUNS || r->stage == READY_ENDS)
		break_off(r, "signaling was restarted in the middle of the check; try again");
}
