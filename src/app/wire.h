/* Joins the layers of a signaling worker: what call asks of edge, media and the records, and what
 * they tell call. The only place that knows them all. */
#ifndef POSTERN_APP_WIRE_H
#define POSTERN_APP_WIRE_H

#include "app/gatewaydesk.h"
#include "conf/conf.h"
#include "app/signaling_ready.h"
#include "app/tracetap.h"
#include "call/restore.h"
#include "ha/handring.h"
#include "ha/records.h"
#include "media/flow.h"
#include "media/port.h"

struct worker {
	const struct conf *conf;
	struct loop loop;
	struct resolver *resolver;
	struct edge *edge;
	struct calls calls;
	struct media_plan plan;
	struct media_ctl media;
	struct loop_soon media_soon; /* commands leave together, at the end of an iteration */
	struct port_pool ports;
	struct flow_table flows;
	struct flow_secrets secrets;
	struct records records;
	struct handring handshakes;
	struct tracetap trace;
	struct channel admin;
	struct signaling_ready readiness;
	struct gatewaydesk gateways;
	struct alarms alarms; /* raised by this worker: said again when admin was started again */
	struct str accounts_bytes, next_bytes; /* mapped snapshots: in use, and waiting to be */
	struct snapshot_view accounts, next;
	bool have_accounts, swapping;
	uint64_t epoch;
	uint8_t node;
};

/** The tables of pointers. w outlives what they are given to. */
void wire_call_ops(struct worker *w, struct call_ops *ops);
void wire_edge_up(struct worker *w, struct edge_up *up);
/** Pointers of w->media (after media_ctl_init). */
void wire_media(struct worker *w);
/** A message of admin; false: it is broken, end the channel. */
bool wire_on_admin(struct worker *w, const struct channel_msg *m);
/** Take up the records of an earlier life, and close rows that belong to none. */
void wire_restore(struct worker *w);
/** Say again which records wait for their CDR (admin was started again). */
void wire_resend_ended(struct worker *w);
/**
 * Raise or clear an alarm: news goes to admin at once, a repetition at most once a second. Needs
 * w->alarms (alarms_init without a path).
 */
void wire_alarm_raise(struct worker *w, enum alarm_kind kind, enum alarm_severity severity,
		      const char *object, const char *text);
void wire_alarm_clear(struct worker *w, enum alarm_kind kind, const char *object);
/** Say again what stands (admin was started again). */
void wire_resend_alarms(struct worker *w);

#endif
