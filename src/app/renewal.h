/* What signaling works with - configuration and certificates, what admin fetched, the accounts -
 * and its renewal while it runs: one piece at a time is prepared in the handshake thread, between
 * handshakes, and swapped in the loop. What waits is the newest of its kind. Loop thread. */
#ifndef POSTERN_APP_RENEWAL_H
#define POSTERN_APP_RENEWAL_H

#include "app/keeper_msg.h"
#include "app/wire.h"
#include "app/zonetls.h"

/* A configuration and its certificates, mapped, and the contexts made of them. */
struct setting {
	const struct conf *conf; /* NULL: none */
	struct str conf_bytes, pki;
	struct zonetls zones;
};

enum renewal_job { RENEWAL_NONE, RENEWAL_CONF, RENEWAL_FRESH };

struct renewal {
	struct worker *w;
	struct channel *keeper; /* hears what became of a configuration */
	struct setting now, next;
	struct str fresh, next_fresh; /* mapped, fetched.h */
	/* the job in the handshake thread's hands; from, made, result, why belong to it until done
	 */
	enum renewal_job job;
	struct zonetls_from from;
	struct zonetls made;
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
enum err renewal_init(struct renewal *r, struct worker *w, struct channel *keeper) NODISCARD;
/** Make the first contexts, before edge is there. Logged. */
enum err renewal_first(struct renewal *r) NODISCARD;
/** After edge ended. */
void renewal_fini(struct renewal *r);
/* From keeper; each takes its descriptors. */
void renewal_conf(struct renewal *r, const struct keeper_ticket *m, const int fd[2]);
void renewal_accounts(struct renewal *r, int fd);
void renewal_fetched(struct renewal *r, int fd);
/** Every now and then: begins what waits, and renews when an OCSP staple runs out. */
void renewal_step(struct renewal *r);

#endif
