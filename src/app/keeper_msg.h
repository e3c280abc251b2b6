/* Messages between keeper and the roles, over each role's keeper channel (descriptor 3).
 * Bodies are fixed structs; descriptors travel beside them. */
#ifndef POSTERN_APP_KEEPER_MSG_H
#define POSTERN_APP_KEEPER_MSG_H

#include <stdint.h>

#include "base/channel.h"
#include "base/metric.h"
#include "base/shm.h"
#include "media/ctl.h"
#include "policy/emergency.h"
#include "policy/usage.h"

/* The descriptors that a role finds at its start (design.md 3). Not every role has each. */
enum role_fd {
	ROLE_FD_KEEPER = 3,      /* channel to keeper */
	ROLE_FD_CONF = 4,        /* sealed blob: struct conf; media: struct media_setup */
	ROLE_FD_FLOWS = 5,       /* flow table segment */
	ROLE_FD_SECRETS = 6,     /* secrets segment: media and signaling */
	ROLE_FD_METRICS = 7,     /* metrics segment */
	ROLE_FD_SIGNALING = 8,   /* admin: channel to signaling */
	ROLE_FD_ADMIN = 9,       /* signaling: channel to admin */
	ROLE_FD_CALLS = 10,      /* call records segment: signaling writes, admin reads */
	ROLE_FD_PKI = 11,        /* sealed block of certificates; signaling: and keys */
	ROLE_FD_ACCOUNTS = 12,   /* signaling: sealed snapshot; not open when there is none yet */
	ROLE_FD_HANDSHAKES = 13, /* ring of handshakes: signaling writes, admin reads */
	ROLE_FD_LIMITS = 14,     /* signaling: segment of what accounts used today */
	ROLE_FD_FRESH = 15,  /* signaling: sealed block of what admin fetched; not open when none */
	ROLE_FD_TRACE = 16,  /* ring of messages: signaling writes, admin reads */
	ROLE_FD_LISTEN = 17, /* signaling: listening sockets in the order of the configuration */
};

enum keeper_role {
	KEEPER_ROLE_NONE,
	KEEPER_ROLE_SIGNALING,
	KEEPER_ROLE_MEDIA,
	KEEPER_ROLE_ADMIN,
	KEEPER_ROLE_N
};

enum { METRICS_VERSION = 2 };
#define METRICS_MAGIC 0x7363697274656dULL

/* The metrics segment: a page a role, then one a media worker. */
struct keeper_metrics {
	struct shm_head head;
	struct metric_page page[KEEPER_ROLE_N + MEDIA_WORKERS_MAX];
};

/* What accounts used today, and who called for help lately: outlives signaling, and as a file
 * beside the store all of postern. */
enum { LIMITS_VERSION = 1, LIMITS_USAGE_ROWS = 65536 };
#define LIMITS_MAGIC 0x7374696d696cULL

struct keeper_limits {
	struct shm_head head;
	struct emergency_row emergency[EMERGENCY_ROWS];
	struct usage_row usage[LIMITS_USAGE_ROWS];
};

/* What each role is started with, in its argument vector: postern --role NAME EPOCH. */
const char *keeper_role_name(enum keeper_role r);

enum keeper_msg_type {
	KEEPER_SOCKETS = 1, /* keeper to media: struct keeper_sockets + n descriptors */
	KEEPER_PEER,     /* keeper to a role: struct keeper_peer + descriptors: a new channel end;
			  * between     signaling and media one for each worker, in their order */
	KEEPER_READY,    /* a role to keeper, no body: set up, serving */
	KEEPER_STOP,     /* keeper to a role, no body: end in order */
	KEEPER_ACCOUNTS, /* admin to keeper, keeper to signaling: no body, one sealed snapshot */
	KEEPER_RELOAD,   /* keeper to admin, no body: look at the store again, then KEEPER_ASK */
	KEEPER_CONF,  /* keeper to signaling and admin: struct keeper_ticket + 2 descriptors: struct
		       * conf, and the block of certificates (admin: without keys) */
	KEEPER_TAKEN, /* signaling to keeper: struct keeper_taken: what became of KEEPER_CONF */
	KEEPER_ASK,   /* admin to keeper: struct keeper_ticket: reload */
	KEEPER_RELOADED, /* keeper to admin: struct keeper_reloaded + 1 descriptor: text, sealed */
	KEEPER_FRESH, /* admin to keeper, keeper to signaling: no body, one sealed block (fetched.h)
		       */
};

/* What media's back end needs (struct io_set), in messages of up to CHANNEL_FDS descriptors each,
 * in rising order of their places. */
struct keeper_sockets {
	uint32_t first; /* place of the first descriptor here */
	uint32_t n;     /* descriptors in this message */
	uint32_t last;  /* 1: no more to come */
	uint32_t pad;
};

struct keeper_peer {
	uint32_t role; /* enum keeper_role: who is at the other end */
	uint32_t pad;
	uint64_t epoch;
};

enum { KEEPER_WHY_MAX = 400 };
enum reload_outcome { RELOAD_DONE, RELOAD_RESTART, RELOAD_REFUSED };

/* The number of a question for a reload, given by admin, rising. */
struct keeper_ticket {
	uint64_t ticket;
};

struct keeper_taken {
	uint64_t ticket;
	uint32_t ok; /* bool */
	char why[KEEPER_WHY_MAX];
};

struct keeper_reloaded {
	uint64_t ticket;
	uint32_t outcome; /* enum reload_outcome */
	char why[KEEPER_WHY_MAX];
};

#endif
