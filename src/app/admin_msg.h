/* Messages between signaling and admin, over their own channel. */
#ifndef POSTERN_APP_ADMIN_MSG_H
#define POSTERN_APP_ADMIN_MSG_H

#include "base/addr.h"
#include "base/channel.h"
#include "base/id.h"
#include "ops/alarm.h"
#include "ops/gateways.h"

enum admin_msg_type {
	ADMIN_ENDED = 200, /* signaling: struct admin_slot: a record waits for its CDR */
	ADMIN_WRITTEN,     /* admin: struct admin_slot: its CDR is written and synced */
	ADMIN_HANGUP,      /* admin: struct admin_slot, only the id counts */
	ADMIN_ALARM,       /* signaling: struct admin_alarm */
	ADMIN_READY,       /* admin: struct probe_job (ready/facts.h): look at this equipment */
	ADMIN_READY_DONE,  /* signaling: struct admin_ready_done, and a blob where err is 0 */
	ADMIN_GATEWAY,     /* signaling: struct gateway: one row (ops/gateways.h) */
	ADMIN_READY_STOP,  /* admin: uint32_t: the number of a job that nobody waits for */
};

struct admin_slot {
	uint32_t slot;
	uint32_t pad;
	struct id id;
	char pad2[3];
};

/* An alarm of signaling, raised or cleared (then only kind and object count). */
struct admin_alarm {
	uint8_t raise, kind, severity; /* bool, enum alarm_kind, enum alarm_severity */
	char object[ALARM_OBJECT_MAX];
	char text[ALARM_TEXT_MAX];
	int64_t last_us; /* wall; of its last raise: told again after a restart, it is no younger */
};
_Static_assert(sizeof(struct gateway) <= CHANNEL_BODY_MAX, "must fit a channel message");
_Static_assert(sizeof(struct admin_alarm) <= CHANNEL_BODY_MAX, "must fit a channel message");

/* What became of a job: a sealed struct probe_facts travels beside it, or err says why not. */
struct admin_ready_done {
	uint32_t number; /* of the job */
	uint32_t err;    /* enum err; STATE: another job runs; NOTFOUND: no such zone; CLOSED: it
			    was stopped */
};

#endif
