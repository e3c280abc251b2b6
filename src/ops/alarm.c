#include "ops/alarm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "ops/jsonin.h"
#include "ops/lines.h"

enum { ALARM_MODE = 0640 };

static const struct {
	const char *word;
	uint32_t hold_s;
	const char *advice;
} kinds[] = {
#define X(name, word, hold, advice) {word, hold, advice},
	ALARM_LIST(X)
#undef X
};

static const char *const severities[] = {"notice", "warning", "major", "critical"};
_Static_assert(ARRAY_LEN(severities) == ALARM_SEVERITIES, "a word for each");

const char *
alarm_word(enum alarm_kind kind)
{
	return (unsigned)kind < ALARM_KINDS ? kinds[kind].word : "?";
}

const char *
alarm_severity_word(enum alarm_severity s)
{
	return (unsigned)s < ALARM_SEVERITIES ? severities[s] : "?";
}

const char *
alarm_advice(enum alarm_kind kind)
{
	return (unsigned)kind < ALARM_KINDS ? kinds[kind].advice : "?";
}

/* ---- text ---- */

void
alarm_put(struct buf *b, const struct alarm *a)
{
	buf_printf(b, "{\"id\":\"%s\",\"severity\":\"%s\",\"object\":", alarm_word(a->kind),
		   alarm_severity_word(a->severity));
	buf_json(b, str_from(a->object));
	buf_z(b, ",\"since\":\"");
	clock_put_utc(b, a->since_us);
	buf_printf(b, "\",\"since_us\":%lld,\"last_us\":%lld,\"text\":", (long long)a->since_us,
		   (long long)a->last_us);
	buf_json(b, str_from(a->text));
	buf_z(b, ",\"advice\":");
	buf_json(b, str_from(alarm_advice(a->kind)));
	buf_char(b, '}');
}

static void
copy_cut(char *dst, size_t cap, const char *z)
{
	(void)!str_copyz(dst, cap, str_sub(str_from(z), 0, cap - 1));
}

/* False: of a kind or severity that this program does not know. */
static bool
read_alarm(const struct json *j, struct alarm *a)
{
	const char *word = jsonin_text(j, "id"), *severity = jsonin_text(j, "severity");

	*a = (struct alarm){.since_us = jsonin_int(j, "since_us"),
			    .last_us = jsonin_int(j, "last_us")};
	while (a->kind < ALARM_KINDS && strcmp(kinds[a->kind].word, word) != 0)
		a->kind++;
	while (a->severity < ALARM_SEVERITIES && strcmp(severities[a->severity], severity) != 0)
		a->severity++;
	copy_cut(a->object, sizeof(a->object), jsonin_text(j, "object"));
	copy_cut(a->text, sizeof(a->text), jsonin_text(j, "text"));
	return a->kind < ALARM_KINDS && a->severity < ALARM_SEVERITIES;
}

/* ---- the file ---- */

static void
take_line(void *arg, struct str line, bool whole)
{
	struct alarms *as = arg;
	struct alarm a;
	struct json *j;

	if (!whole || as->n == ALARMS_MAX || jsonin_parse(line, &j) != ERR_OK)
		return;
	if (read_alarm(j, &a) && !alarms_find(as, a.kind, a.object))
		as->list[as->n++] = a;
	jsonin_free(&j);
}

static void
read_back(struct alarms *as)
{
	int fd = open(as->path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	(void)!lines_tail(fd, ALARMS_MAX, take_line, as);
	close(fd);
}

static bool
write_list(const struct alarms *as, int fd)
{
	for (uint32_t i = 0; i < as->n; i++) {
		char line[ALARM_LINE_MAX];
		struct buf b;

		buf_init(&b, line, sizeof(line));
		alarm_put(&b, &as->list[i]);
		buf_char(&b, '\n');
		if (buf_end(&b) != ERR_OK || write(fd, line, b.len) != (ssize_t)b.len)
			return false;
	}
	return true;
}

void
alarms_save(struct alarms *as)
{
	char tmp[ALARM_PATH_MAX + 8];
	bool ok = false;
	int fd;

	if (!as->kept || !as->dirty)
		return;
	(void)snprintf(tmp, sizeof(tmp), "%s.new", as->path);
	fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, ALARM_MODE);
	if (fd >= 0) {
		ok = write_list(as, fd);
		ok = close(fd) == 0 && ok && rename(tmp, as->path) == 0;
	}
	if (!ok && !as->failed)
		log_warn("alarms.file", "cannot write %s: %s; alarms are kept in memory only",
			 as->path, strerror(errno));
	as->failed = !ok;
	as->dirty = !ok;
}

/* ---- the list ---- */

enum err
alarms_init(struct alarms *as, const char *path)
{
	*as = (struct alarms){.kept = path != NULL};
	if (path) {
		enum err e = str_copyz(as->path, sizeof(as->path), str_from(path));

		if (e != ERR_OK)
			return e;
	}
	as->list = mem_zalloc(ALARMS_MAX, sizeof(*as->list));
	if (!as->list)
		return ERR_NOMEM;
	if (path)
		read_back(as);
	return ERR_OK;
}

void
alarms_fini(struct alarms *as)
{
	alarms_save(as);
	MEM_FREE(as->list);
	as->n = 0;
}

static struct alarm *
find_alarm(const struct alarms *as, enum alarm_kind kind, const char *object)
{
	struct str name = str_sub(str_from(object), 0, ALARM_OBJECT_MAX - 1);

	for (uint32_t i = 0; i < as->n; i++)
		if (as->list[i].kind == kind && str_eqz(name, as->list[i].object))
			return &as->list[i];
	return NULL;
}

const struct alarm *
alarms_find(const struct alarms *as, enum alarm_kind kind, const char *object)
{
	return find_alarm(as, kind, object);
}

static void
log_alarm(const struct alarms *as, const char *event, const struct alarm *a)
{
	static void (*const log_as[])(const char *event, const char *fmt,
				      ...) = {log_info, log_warn, log_warn, log_error};

	if (as->kept)
		log_as[a->severity](event, "id=%s severity=%s object=%s: %s", alarm_word(a->kind),
				    alarm_severity_word(a->severity), a->object, a->text);
}

static struct alarm *
add_alarm(struct alarms *as, enum alarm_kind kind, const char *object, int64_t now)
{
	struct alarm *a;

	if (as->n == ALARMS_MAX) {
		if (as->left_out++ == 0 && as->kept)
			log_error("alarms.full", "%u alarms stand; more are not listed", as->n);
		return NULL;
	}
	a = &as->list[as->n++];
	*a = (struct alarm){.kind = (uint8_t)kind, .since_us = now};
	copy_cut(a->object, sizeof(a->object), object);
	return a;
}

bool
alarms_raise(struct alarms *as, enum alarm_kind kind, enum alarm_severity severity,
	     const char *object, const char *text, int64_t now_wall_us)
{
	struct alarm *a = find_alarm(as, kind, object);
	bool news = !a || a->severity != severity;
	bool other_text = a && strncmp(a->text, text, ALARM_TEXT_MAX - 1) != 0;

	if (!a)
		a = add_alarm(as, kind, object, now_wall_us);
	if (!a)
		return false;
	as->dirty |= news || kinds[kind].hold_s || other_text;
	a->severity = (uint8_t)severity;
	a->last_us = now_wall_us;
	copy_cut(a->text, sizeof(a->text), text);
	if (news)
		log_alarm(as, "alarm.raised", a);
	else if (other_text && kind == ALARM_RELOAD)
		log_alarm(as, "alarm.changed", a);
	return news;
}

static void
drop_alarm(struct alarms *as, struct alarm *a)
{
	uint32_t i = (uint32_t)(a - as->list);

	log_alarm(as, "alarm.cleared", a);
	memmove(a, a + 1, (as->n - i - 1) * sizeof(*a));
	as->n--;
	as->left_out = 0;
	as->dirty = true;
}

bool
alarms_clear(struct alarms *as, enum alarm_kind kind, const char *object)
{
	struct alarm *a = find_alarm(as, kind, object);

	if (a)
		drop_alarm(as, a);
	return a != NULL;
}

void
alarms_clear_kind(struct alarms *as, enum alarm_kind kind)
{
	for (uint32_t i = as->n; i-- > 0;)
		if (as->list[i].kind == kind)
			drop_alarm(as, &as->list[i]);
}

void
alarms_end_old(struct alarms *as, int64_t now_wall_us)
{
	for (uint32_t i = as->n; i-- > 0;) {
		int64_t hold_us = (int64_t)kinds[as->list[i].kind].hold_s * CLOCK_S;

		if (hold_us && now_wall_us - as->list[i].last_us >= hold_us)
			drop_alarm(as, &as->list[i]);
	}
}
