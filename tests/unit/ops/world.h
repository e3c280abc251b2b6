/* A folder of its own and records for the tests of ops. */
#ifndef POSTERN_TESTS_OPS_WORLD_H
#define POSTERN_TESTS_OPS_WORLD_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ha/records.h"

struct world {
	char dir[64], path[128], old[132];
	int fd;
	struct records w, r; /* as signaling, as admin */
};

static inline int
world_init(struct world *o, uint32_t slots, const char *file)
{
	memset(o, 0, sizeof(*o));
	(void)snprintf(o->dir, sizeof(o->dir), "%s/postern-ops-XXXXXX",
		       getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	if (!mkdtemp(o->dir))
		return -1;
	(void)snprintf(o->path, sizeof(o->path), "%s/%s", o->dir, file);
	(void)snprintf(o->old, sizeof(o->old), "%s.1", o->path);
	if (records_create(slots, &o->fd) != ERR_OK)
		return -1;
	if (records_open(o->fd, true, &o->w) != ERR_OK)
		return -1;
	return records_open(o->fd, false, &o->r) == ERR_OK ? 0 : -1;
}

static inline void
world_fini(struct world *o)
{
	records_close(&o->w);
	records_close(&o->r);
	close(o->fd);
	(void)unlink(o->path);
	(void)unlink(o->old);
	(void)rmdir(o->dir);
}

static inline struct call_record
world_record(const char *id)
{
	struct call_record r;

	memset(&r, 0, sizeof(r));
	r.version = CALL_RECORD_VERSION;
	r.size = sizeof(r);
	(void)snprintf(r.id.z, sizeof(r.id.z), "%s", id);
	(void)snprintf(r.leg[LEG_A].trunk.z, POLICY_ID_MAX, "acme-pbx");
	(void)snprintf(r.leg[LEG_A].account.z, POLICY_ID_MAX, "acme");
	(void)snprintf(r.from_received, CALL_NUMBER_MAX, "+15557770001");
	(void)snprintf(r.to_received, CALL_NUMBER_MAX, "+15551234567");
	r.invite_us = 1700000000000001;
	r.end_us = 1700000001000000;
	r.sip_status = 486;
	r.q850 = 17;
	r.ended_by = ENDER_CALLED;
	return r;
}

/* Signaling puts an ended record; its slot. */
static inline uint32_t
world_end(struct world *o, const char *id)
{
	struct call_record r = world_record(id);
	uint32_t slot = records_take(&o->w);

	if (slot != RECORDS_NONE)
		records_put(&o->w, slot, RECORD_ENDED, &r);
	return slot;
}

/* The file as text; static memory. */
static inline const char *
world_text(const char *path)
{
	static char text[512 * 1024];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	text[n < 0 ? 0 : n] = 0;
	return text;
}

static inline int
world_count(const char *text, const char *part)
{
	int n = 0;

	for (const char *p = text; (p = strstr(p, part)) != NULL; p++)
		n++;
	return n;
}

static inline void
world_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		abort();
	close(fd);
}

#endif
