/* A readiness report and the facts behind it as one JSON object: what `postern ready --json` shows
 * and the store keeps. */
#ifndef POSTERN_READY_JSON_H
#define POSTERN_READY_JSON_H

#include "ready/facts.h"
#include "ready/report.h"

enum { READYJSON_MAX = 256 * 1024 };

/** {"ok":true,"done":true,"passed":..,"lines":[..],"facts":{..}}. LONG shows in b. */
void readyjson_put(struct buf *b, const struct probe_facts *f, const struct ready_report *r);

#endif
