/* What is wrong with a roster: what must hold between its rows, in sentences. */
#ifndef POSTERN_POLICY_FAULTS_H
#define POSTERN_POLICY_FAULTS_H

#include "policy/roster.h"

/* One finding of roster_check: where, and what is wrong. */
struct roster_fault {
	uint32_t place;
	bool old; /* older releases took it, and a snapshot can be made with it */
	char text[256];
};
/**
 * What must hold between the entries: ids valid and unique, each trunk's account there, each
 * number's trunk a customer trunk, no number twice, routes to carriers or groups of them, no two
 * accounts answering to one certificate name, at most POLICY_ACCOUNT_TRUNKS_MAX trunks an account,
 * plain trunks with sources, security required only over TLS; and what cannot be meant. Sorts r.
 * Calls on_fault for each fault; *n counts them. NOMEM only.
 */
enum err roster_check(struct roster *r, void (*on_fault)(void *arg, const struct roster_fault *f),
		      void *arg, uint32_t *n) NODISCARD;

#endif
