/* A signaling worker: all that it has. */
#ifndef POSTERN_APP_WORKER_H
#define POSTERN_APP_WORKER_H

#include "app/dtlsdesk.h"
#include "app/gatewaydesk.h"
#include "app/portshare.h"
#include "app/signaling_ready.h"
#include "app/tracetap.h"
#include "call/restore.h"
#include "ha/handring.h"
#include "ha/records.h"
#include "media/flow.h"
#include "call/port.h"

struct worker {
	const struct conf *conf;
	struct loop loop;
	struct resolver *resolver;
	struct edge *edge;
	struct calls calls;
	struct media_plan plan;
	struct media_ctl media;
	struct loop_soon media_soon; /* commands leave together, at the end of an iteration */
	struct dtlsdesk dtls;
	struct port_pool ports;
	struct portshare shares; /* of ports, of customers */
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

#endif
