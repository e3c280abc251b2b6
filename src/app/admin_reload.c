#include "app/admin_reload.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/shm.h"

static const char object[] = "configuration";

void
admin_reload_init(struct admin_reload *r)
{
	memset(r, 0, sizeof(*r));
	r->asked = clock_now_us();
}

void
admin_reload_started(uint64_t epoch, struct alarms *as)
{
	if (epoch != 1)
		return;
	(void)alarms_clear(as, ALARM_RESTART, object);
	(void)alarms_clear(as, ALARM_RELOAD, object);
}

enum err
admin_reload_ask(struct admin_reload *r, struct channel *keeper, uint64_t *ticket)
{
	struct keeper_ticket m = {.ticket = r->asked + 1};
	enum err e = channel_send(keeper, KEEPER_ASK, &m, sizeof(m), true);

	if (e != ERR_OK)
		return e;
	*ticket = ++r->asked;
	return ERR_OK;
}

static void
read_text(struct admin_reload *r, int fd)
{
	struct str s;

	r->text_len = 0;
	if (fd < 0 || shm_blob_map(fd, &s) != ERR_OK)
		return;
	r->text_len = s.len < sizeof(r->text) ? s.len : sizeof(r->text);
	if (r->text_len)
		memcpy(r->text, s.p, r->text_len);
	shm_blob_unmap(&s);
}

/* why, and the lines as far as there is room: what an alarm says. */
static void
put_sentence(const struct admin_reload *r, char out[ALARM_TEXT_MAX])
{
	struct str text = str_of(r->text, r->text_len);
	struct buf b;
	size_t fits;

	buf_init(&b, out, ALARM_TEXT_MAX - 1);
	buf_z(&b, r->why);
	fits = b.len;
	while (text.len && !b.failed) {
		struct str line = str_cut(&text, '\n');

		if (line.len == 0)
			continue;
		buf_z(&b, "; ");
		buf_str(&b, line);
		fits = b.failed ? fits : b.len;
	}
	out[fits] = 0;
}

void
admin_reload_take(struct admin_reload *r, const struct keeper_reloaded *m, int fd,
		  struct alarms *as)
{
	int64_t now = clock_wall_us();
	char sentence[ALARM_TEXT_MAX];

	r->done = m->ticket > r->done ? m->ticket : r->done;
	r->outcome = (enum reload_outcome)m->outcome;
	(void)!str_copyz(r->why, sizeof(r->why), str_sub(str_from(m->why), 0, sizeof(r->why) - 1));
	read_text(r, fd);
	if (fd >= 0)
		close(fd);
	put_sentence(r, sentence);
	if (r->outcome == RELOAD_REFUSED) {
		(void)alarms_raise(as, ALARM_RELOAD, ALARM_MAJOR, object, sentence, now);
		return;
	}
	(void)alarms_clear(as, ALARM_RELOAD, object);
	if (r->outcome == RELOAD_RESTART)
		(void)alarms_raise(as, ALARM_RESTART, ALARM_NOTICE, object, sentence, now);
	else
		(void)alarms_clear(as, ALARM_RESTART, object);
}

bool
admin_reload_outcome(const struct admin_reload *r, uint64_t ticket, struct show_reload *out)
{
	if (ticket == 0 || ticket > r->asked)
		return false;
	*out = (struct show_reload){.done = ticket <= r->done,
				    .refused = r->outcome == RELOAD_REFUSED,
				    .restart = r->outcome == RELOAD_RESTART,
				    .why = r->why,
				    .text = str_of(r->text, r->text_len)};
	return true;
}
