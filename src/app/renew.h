/* What signaling works with - configuration and certificates, what admin fetched, the accounts -
 * and its renewal while it runs: one piece at a time is prepared in the handshake thread, between
 * handshakes, and swapped in the loop. What waits is the newest of its kind. Loop thread. */
#ifndef POSTERN_APP_RENEW_H
#define POSTERN_APP_RENEW_H

#include "app/keeper_msg.h"
#include "app/wire.h"
#include "app/zones.h"

/* A configuration and its certificates, mapped, and the contexts made of them. */
struct setting {
	const struct conf *conf; /* NULL: none */
	struct str conf_bytes, pki;
	struct zones zones;
};

enum renew_job { RENEW_NONE, RENEW_CONF, RENEW_FRESH };

struct renew {
	struct worker *w;
	struct channel *keeper; /* hears what became of a configuration */
	struct setting now, next;
	struct str fresh, next_fresh; /* mapped, fresh.h */
	/* the job in the handshake thread's hands; from, made, result, why belong to it until done
	 */
	enum renew_job job;
	struct zones_from from;
	struct zones made;
	enum err result;
	char why[KEEPER_WHY_MAX];
	/* what waits; -1 = nothing */
	int conf_fd, pki_fd, accounts_fd, fresh_fd;
	uint64_t ticket;            /* of the configuration that waits or is made */
	bool again;                 /* make contexts and trust again from what is there */
	void (*on_conf)(void *arg); /* w->conf is another one now */
	void *arg;
};

/** Map configuration and certificates from their descriptors (keeper_msg.h), and what was kept of
 * an earlier life: fetched lists, accounts. Errors of conf_open. */
enum err renew_init(struct renew *r, struct worker *w, struct channel *keeper) NODISCARD;
/** Make the first contexts, before edge is there. Logged. */
enum err renew_first(struct renew *r) NODISCARD;
/** After edge ended. */
void renew_fini(struct renew *r);
/* From keeper; each takes its descriptors. */
void renew_conf(struct renew *r, const struct keeper_ticket *m, const int fd[2]);
void renew_accounts(struct renew *r, int fd);
void renew_fresh(struct renew *r, int fd);
/** Every now and then: begins what waits, and renews when an OCSP staple runs out. */
void renew_step(struct renew *r);

#endif
