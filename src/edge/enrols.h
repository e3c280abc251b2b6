/* REGISTER for each trunk that wants it (its `register`): the transactions of struct enrol
 * (edge/enrol.h) as errands. A connection that carries them carries the calls as well. Loop
 * thread. */
#ifndef POSTERN_EDGE_ENROLS_H
#define POSTERN_EDGE_ENROLS_H

#include "edge/enrol.h"
#include "edge/errand.h"

enum {
	ENROLS_MAX = 256, /* trunks; of more the rest is not registered, with a line in the log */
	ENROLS_IN_HAND = 32, /* at a time; the next ones wait */
	ENROLS_URI_MAX = 320,
	ENROLS_TOKEN = 26,
};

struct enrols_row {
	struct errand errand;
	struct policy_id account;
	struct enrol enrol;
	uint32_t expires_s, cseq;
	char aor[ENROLS_URI_MAX], registrar[ENROLS_URI_MAX]; /* URIs */
	char contact[ENROLS_URI_MAX];                        /* as it was sent last */
	char call_id[ENROLS_TOKEN + 1], tag[ENROLS_TOKEN + 1];
	char host[POLICY_HOST_MAX]; /* where it was sent last */
	uint16_t port;
	enum edge_transport transport;
};

/* What goes is removed at its registrar before its row is dropped. */
extern const struct errand_kind enrols_kind;

#endif
