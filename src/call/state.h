/* A call and its two legs as call keeps them, all calls of a worker, and what they need from below.
 * Everything belongs to the loop thread of one signaling worker. */
#ifndef POSTERN_CALL_STATE_H
#define POSTERN_CALL_STATE_H

#include "base/hash.h"
#include "base/list.h"
#include "base/pool.h"
#include "base/timer.h"
#include "call/amend.h"
#include "call/hide.h"
#include "call/record.h"
#include "call/session.h"
#include "edge/edge.h"
#include "edge/guard.h"
#include "policy/emergency.h"
#include "policy/health.h"
#include "policy/limit.h"
#include "policy/usage.h"
#include "sip/dtmf.h"
#include "sip/txn.h"

enum {
	CALL_MSG_MAX = 28672,   /* bytes of a message that we write */
	CALL_PARTS_MAX = 12288, /* bytes of the parts of it that are another's (call/parts.h) */
	CALL_SDP_MAX = 8192,    /* bytes of a body that we write */
	CALL_SAID_SHORT = 448,  /* one audio stream, two codecs and one line of a=crypto */
	CALL_SAID_SMALL = 768,  /* most bodies are not larger: one audio stream, a few codecs */
	CALL_SAID_USUAL = 4096, /* without video none is */
	CALL_OFFER_MAX = 8192,  /* bytes of an offer in a response */
	CALL_TAG_CHARS = 26,    /* 130 bits */
	CALL_WHY_MAX = 256,
	CALL_SHARE_TIMES = 7, /* as many calls as are free, so often, one of several accounts has */
	CALL_USAGE_ROWS = 256,   /* where conf brings none */
	CALL_DIVERSIONS_MAX = 5, /* of a call that go on; History-Info likewise */
	CALL_HISTORY_INDEX = 24,
	CALL_CONTACTS_MAX = 8,  /* of a redirection; more are left out */
	CALL_REDIRECTS_MAX = 3, /* one after the other */
	CALL_FORKS = 8,         /* early dialogs of B whose numbers are kept */
	CALL_FORK_TAG_MAX = 128,
	CALL_PRINT_LEN = 32,           /* SHA-256 of our certificate */
	CALL_PASS_MAX = 4,             /* requests of a call that wait for the other leg's answer */
	CALL_PASS_BODY_MAX = 4096,     /* bytes of a body that goes on as it is */
	CALL_DIGITS_MAX = 16,          /* of a call that wait for their INFO */
	RING_RSEQ_FIRST_MAX = 1 << 30, /* RFC 3262 3: the first one is below 2^31 */
};

/* What call asks of the layers that it is joined to by app; tests give their own. */
/* What became of an emergency call. LOST: it should have been carried, but was not. */
enum call_help { CALL_HELP_CARRIED, CALL_HELP_REFUSED, CALL_HELP_LOST };

/* An association of DTLS: of this use of a slot, the assoc-th. */
struct call_keying_id {
	uint32_t slot, generation, assoc;
};

/* A handshake that is wanted for a row; said again as often as the row is. */
struct call_keying {
	uint32_t slot, generation, assoc;
	bool active;              /* we say hello */
	bool answered;            /* the call is up: from now on it has its time */
	struct policy_id account; /* "": nobody is asked for its part (a call for help) */
	struct addr far;          /* where it is sent, and whom it is taken from */
	bool waits;               /* where it is is not known yet: our hello waits (ICE) */
	struct sdp_dtls peer;     /* the print that its certificate must have */
	struct sdp_suites suites; /* that the trunk takes, the best one first */
};

struct call_ops {
	void *arg;
	/* edge */
	enum err (*do_send)(void *arg, const struct edge_dest *d, enum sip_method method,
			    struct str msg, void *user, struct edge_txn **out);
	void (*do_respond)(void *arg, struct edge_txn *txn, int status, struct str msg);
	void (*do_respond_again)(void *arg, struct edge_txn *txn);
	void (*do_acked)(void *arg, struct edge_txn *txn); /* its 2xx is never sent again */
	void (*do_cancel)(void *arg, struct edge_txn *txn, struct str reason);
	void (*do_send_once)(void *arg, const struct edge_dest *d, bool is_response,
			     struct str msg);
	void (*do_forget)(void *arg, struct edge_txn *txn);
	const struct sip_msg *(*do_request_of)(void *arg, const struct edge_txn *txn);
	const char *(*do_branch_of)(void *arg, const struct edge_txn *txn);
	void (*do_set_user)(void *arg, struct edge_txn *txn, void *user);
	enum err (*do_local)(void *arg, uint32_t trunk, struct edge_local *out);
	/* media: a slot of the local address that this trunk uses, and what SDP shows of it. near:
	 * the other leg's slot, or MEDIA_NO_SLOT. spare: what is kept for emergency calls as well.
	 * AGAIN: the account of the trunk has most of them, and they are few
	 */
	enum err (*do_port)(void *arg, uint32_t trunk, uint32_t near, bool spare, uint32_t *slot,
			    uint32_t *generation, struct addr *shown);
	void (*do_port_free)(void *arg, uint32_t slot);
	/* key and salt as the suite has them; before the OPEN that names the serial */
	void (*do_key)(void *arg, uint32_t slot, bool in, uint32_t serial, const struct sdp_key *k);
	/* the key of a serial as it was given, for a call of an earlier life; NOTFOUND. Lengths by
	 * suite; wiped by the caller */
	enum err (*do_key_of)(void *arg, uint32_t slot, bool in, uint32_t serial,
			      enum sdp_suite suite, struct sdp_key *out);
	/* DTLS: the SHA-256 of our certificate (CALL_PRINT_LEN bytes), and a handshake, until its
	 * news (call/keyed.h) or do_close; false: there is no place for one more */
	void (*do_print)(void *arg, uint8_t *print);
	bool (*do_keying)(void *arg, const struct call_keying *k);
	void (*do_no_keying)(void *arg, uint32_t slot); /* the one of this slot is not wanted */
	/* ICE: our password under this user name fragment of ours, the same in each life of the
	 * process, SDP_PWD_SIZE bytes with its NUL; false: none. And a datagram from a row */
	bool (*do_ice_pwd)(void *arg, const char *ufrag, char *pwd);
	void (*do_datagram)(void *arg, const struct media_send *s);
	enum err (*do_open)(void *arg, const struct media_open *o, bool spare);
	void (*do_close)(void *arg, uint32_t slot, uint32_t generation);
	void (*do_stats)(void *arg, uint32_t slot, uint32_t generation, struct media_stats *out);
	/* play a digit to the far end of a row; false: it is lost */
	bool (*do_digit)(void *arg, const struct media_digit *d);
	/* records */
	/* one, where more than kept are free */
	uint32_t (*do_slot)(void *arg, uint32_t kept);
	void (*do_store)(void *arg, uint32_t slot, const struct call_record *rec, bool ended);
	/* do more of them wait for their CDR than are free? Then calls that are refused at once
	 * leave none, so that nobody's other calls find no record because of them. May be NULL */
	bool (*do_scarce)(void *arg);
	/* one that leaves no CDR: its slot is free */
	void (*do_drop)(void *arg, uint32_t slot, const struct call_record *rec);
	/* a request that was refused outside any call: so that it can be explained */
	void (*do_note)(void *arg, const struct id *id, enum refusal r, const struct sip_msg *m,
			const struct edge_source *src);
	/* an account made an emergency call: somebody should know */
	void (*do_emergency)(void *arg, const struct call_record *rec, const char *what,
			     enum call_help help);
	/* a carrier is tried behind all others from now on, or as usual again; why: a sentence, ""
	 * when up. May be NULL */
	void (*do_carrier)(void *arg, const struct policy_id *trunk, bool up, const char *why);
};

struct call_conf {
	uint8_t node, worker;
	uint32_t max_calls, media_slots;
	uint32_t max_attempts; /* INVITEs a second, 0 = no limit */
	struct number_plan numbers;
	uint32_t media_timeout_s, media_lost_s;
	const struct media_plan *plan; /* our own media addresses; outlives calls; may be NULL */
	struct txn_times times;
	const char *user_agent;
	/* What outlives this process, or NULL: then calls has memory of its own. */
	struct usage_row *usage_rows;
	uint32_t n_usage_rows;
	struct emergency_row *emergency_rows; /* EMERGENCY_ROWS of them */
};

struct call;

/* Who calls, as it was verified: what may be asserted to the other side (call/caller.h). */
struct call_caller {
	char number[NUMBER_SIZE]; /* the customer's own; "" = none is known, or a carrier's call */
	bool withheld;            /* nobody who is not trusted may see it (RFC 3323) */
	uint32_t n_diversions, n_history; /* of call_setup */
	bool history_withheld;
	/* A customer that was called: the own number that its last answer showed; "" = none */
	char answered[NUMBER_SIZE];
	bool answered_withheld;
	char shown[CALL_NUMBER_MAX]; /* what From shows, before a target's rules (call/alter.h) */
	char verstat[40];            /* what a carrier that may say so says of it; "" = nothing */
};

/* Whom a call is sent to, and as what. */
struct call_target {
	struct policy_id trunk;
	struct policy_id rule;  /* the route that named it; "" = none did */
	struct policy_id payer; /* the customer's trunk whose call it is; "" = a carrier's */
	char number[NUMBER_SIZE];
	uint8_t depth;  /* redirections that led here (call/redirect.h); 0: routed */
	uint8_t parent; /* where there are any: the target that redirected last, */
	bool rang;      /* that rang before, */
	uint16_t cause; /* and the status that it did it with */
};

/* What only the set-up of a call needs. */
struct call_setup {
	struct call_target target[ROUTE_TARGETS_MAX];
	uint32_t tried; /* 1 + the target in hand; 0: none yet */
	uint32_t as;    /* 1 + the target whose number the call has; 0: it must be judged anew */
	struct {
		char number[NUMBER_SIZE];
		uint16_t q;           /* thousandths */
	} contact[CALL_CONTACTS_MAX]; /* that A is given with a redirection */
	uint32_t n_contacts;
	struct {
		char number[NUMBER_SIZE], reason[24];
	} diversion[CALL_DIVERSIONS_MAX]; /* own numbers that diverted the call */
	struct {
		char number[NUMBER_SIZE], index[CALL_HISTORY_INDEX];
		uint32_t cause;         /* RFC 4458, 8119; 0 = none */
	} history[CALL_DIVERSIONS_MAX]; /* where it was: own numbers, the called one (RFC 7044) */
};

/* Which client transaction of which leg a piece of news is about. */
struct call_user {
	struct call *call;
	enum call_leg_index leg;
	enum {
		USER_INVITE,
		USER_BYE,
		USER_ASKING, /* server: a change that leg asks for */
		USER_ASKED,  /* client: a change that leg is asked for */
		USER_FIRST,  /* client: a leg that was asked for its offer (call/renew.h) */
		USER_PASSED, /* server: a request of that leg that went on (call/pass.h) */
		USER_PASS,   /* client: such a request to that leg */
		USER_DIGIT,  /* client: an INFO of ours with a digit (call/dtmf.h) */
	} kind;
};

/* The last body that we sent to a leg (call/said.h). */
struct call_said {
	char *z; /* of calls->said; NULL: none */
	size_t n;
};

/* Where the far end is by its own nomination (ICE), of RTP and of RTCP. */
struct call_ice {
	struct addr far[2];   /* family 0: nothing is nominated */
	uint32_t priority[2]; /* of what was nominated last */
	uint64_t peer;        /* whose: sdp_ice_hash of its user name fragment; 0: nobody's */
};

/* One relayed stream of a leg. */
struct call_stream {
	struct sdp_local local;         /* our keys: wiped at the end */
	struct sdp_stream far;          /* theirs: likewise */
	uint32_t in_serial, out_serial; /* as media was told; 0 = no key yet */
	uint32_t last_in, last_out;     /* given out: each direction rises by one */
	struct call_ice ice;            /* of audio */
};

struct call_leg {
	struct hash_node by_tag; /* our tag of this leg */
	struct edge_txn *invite; /* A: the server transaction; B: the client one */
	struct edge_txn *bye;    /* ours, client */
	struct call_user u_invite, u_bye;
	struct call_stream audio;
	struct policy_id port_of; /* the trunk that the media port was taken for */
	uint32_t assoc;           /* DTLS: number of its association; 0 = none yet */
	struct call_said said;
	struct session session;
	bool hashed;
	bool agreed;        /* an offer and its answer were exchanged with this peer */
	bool answers;       /* said answers what it offered; else it offers */
	bool answer_in_ack; /* our ACK to it carries said */
	bool left;   /* no BYE is due: it hung up while its transfer was in hand, or never came */
	bool placed; /* it came from another call: its INVITE is over (call/join.h) */
	bool wants_key; /* ours nears its end: it shall be offered another one */
	uint8_t key_tries;
};

/* What an offer and our offer to the other leg say. It holds keys. */
struct call_deal {
	struct sdp_stream far;  /* of the leg that offered, as it will be */
	struct sdp_local mine;  /* our side of that leg, as it will be */
	struct sdp_local asked; /* our side of the other leg, as it was offered */
	struct sdp_list list;   /* the codecs that it was offered */
};

/* The video of a call, beside its audio. */
struct call_video {
	struct call_stream leg[CALL_LEGS];
};

/* An offer that waits for its answer. All zero: none. */
struct call_exchange {
	bool open;
	bool answered;        /* and the session is what both said */
	uint8_t from;         /* enum call_leg_index: who offered */
	struct edge_txn *txn; /* its server transaction, or NULL: */
	char *body;           /* of calls->offers */
	size_t n_body;
	struct call_deal *deal;  /* of calls->deals; NULL: no offer */
	struct call_deal *video; /* the same of its video; NULL: none, or it cannot be taken */
	bool video_asked;        /* and our offer to the other leg has it */
	bool others;             /* what is neither audio nor video may go on from it, */
	bool others_asked;       /* and our offer to the other leg has it */
};

/* What leg B's fork counted when it was left for another one. */
struct call_fork {
	char tag[CALL_FORK_TAG_MAX];
	uint32_t cseq, rseq;
};

/* Provisional responses of the set-up (call/ring.h). */
struct call_ring {
	bool taken, demanded;            /* A takes reliable ones, and no others */
	bool waits;                      /* for the PRACK of rseq */
	bool with_sdp;                   /* and that one has our answer */
	bool shown;                      /* A has seen our answer: it holds, whoever answers */
	bool sure[CALL_LEGS];            /* the INVITE's offer is answered for good there */
	bool offered;                    /* A's INVITE did not, B's reliable response did: */
	uint32_t offer_rseq, offer_cseq; /* its PRACK brings the answer of A's */
	bool next_sdp;                   /* what came meanwhile */
	int status, next_status;         /* of the last one; of what came meanwhile, 0 = nothing */
	uint32_t rseq;                   /* of our last reliable one; 0 = none */
	struct sip_ok_retrans again;     /* until PRACK */
	uint32_t rseq_b;                 /* of B's last reliable one, of the fork in the record */
	uint32_t n_forks;                /* of those that were left for another one */
	struct call_fork *fork;          /* of calls->forks: CALL_FORKS of them; NULL: none was */
	char *held; /* of calls->offers: B's 2xx that waits for A's PRACK; NULL: none */
	size_t n_held;
	struct edge_source held_from;
};

/* A change of the running call that is in hand (call/modify.h). */
struct call_change {
	struct amend m;
	struct call_user asking, asked; /* leg: which of the two it is */
	struct edge_txn *in;            /* server: of the leg that asks; NULL: we ask */
	struct edge_txn *out;           /* client: to the leg that is asked; lives on for copies */
	struct call_user first;         /* the leg that was asked for its offer, and its */
	struct edge_txn *first_out;     /* transaction, for copies */
	bool rekey;                     /* ours: a new key for the asked leg */
	bool late;                      /* it asks without an offer: the asked leg's 2xx offers */
	int status;                     /* what the leg that asks is told where it is refused */
	uint32_t retry_s;
	enum refusal why;
};

/* The session shall be made anew (call/renew.h). */
struct call_renew {
	uint64_t at;   /* when it is gone on with; TIMER_NEVER: nothing waits */
	uint8_t leg;   /* enum call_leg_index: who is asked for its offer */
	uint8_t tries; /* again, because of a change of the peer */
	enum { RENEW_NOTHING, RENEW_DONE, RENEW_FAILED } result; /* of the last one */
};

/* A request inside the dialog that went on to the other leg (call/pass.h). */
struct call_pass {
	struct call_user asking, asked; /* leg: which of the two it is */
	struct edge_txn *in;            /* server; NULL: this place is free */
	struct edge_txn *out;           /* client */
};

/* Digits that came as events and go on in INFO (call/dtmf.h). */
struct call_digits {
	struct sip_dtmf queue[CALL_DIGITS_MAX];
	uint32_t n;
	struct call_user user; /* leg: where they go; its */
	struct edge_txn *out;  /* INFO, one at a time */
};

/* A transfer that a leg of this call asked for (call/refer.h). */
struct call_transfer {
	struct call *to; /* whose called leg shall come in its place; NULL: none is in hand */
	uint8_t leg;     /* who asked, and whose place it is */
	uint8_t to_leg;  /* of `to`: who comes; once joined, the leg that asked is there */
	bool joined;     /* they changed places; the two parties do not agree yet */
	bool replaces;   /* by an INVITE that wants the leg's place (call/replace.h) */
	bool attended;   /* `to` was there before, a call of who asked */
	bool quiet;      /* who asked wants no NOTIFY (RFC 4488) */
	bool gone;       /* it hung up meanwhile */
	bool rang;       /* it was told so */
	uint32_t id;     /* CSeq of the REFER */
	uint64_t at;     /* when it is gone on with; TIMER_NEVER: not by time */
};

/* What calls has to know of a call that a transfer is about. */
enum call_transfer_event {
	TRANSFER_RINGS, /* of the new call */
	TRANSFER_UP,    /* of the new call: whom it called has answered */
	TRANSFER_OVER,  /* of any call that a transfer is in hand for: it ends */
};

struct call {
	struct calls *owner;
	struct list node; /* in the owner's list of live calls */
	uint32_t slot;
	struct b2bua m;
	struct timer timer;
	struct sip_ok_retrans ok; /* our 2xx to an INVITE of ok_txn */
	struct edge_txn *ok_txn;
	struct limit_hold hold;
	struct usage_hold used[2]; /* of the payer and the account above it */
	uint64_t step_due;         /* the next increment begins; TIMER_NEVER = nothing counted */
	struct call_caller caller;
	bool last_hop;            /* an emergency call that came with Max-Forwards 0 */
	int status;               /* what a refusal shall answer; 0 = what its table says */
	struct number called;     /* normalised; what a target gets may be rewritten */
	struct call_setup *setup; /* of calls->setups; NULL once it is answered */
	uint32_t n_targets, next_target;
	struct call_leg leg[CALL_LEGS];
	int fail_status; /* of B's last failure */
	int fail_q850;
	char *fail_text; /* of calls->whys: B's reason phrase or our own words; NULL: none */
	struct call_exchange x;
	struct call_video *video; /* of calls->videos; NULL: it has no ports */
	struct call_change change;
	struct call_renew renew;
	struct call_transfer transfer;
	struct call *transfer_for; /* whose transfer this call is made for; NULL: none */
	struct call *host;         /* where its called leg talks now; it ends with that call */
	struct {
		uint32_t slot, generation;
	} moved[CALL_TRANSFERS_MAX]; /* rows that legs had before, closed, until media says so */
	uint32_t n_moved;
	struct list riders; /* of a host */
	struct list ride;   /* in its host's riders */
	uint64_t rekey_at;  /* a leg that wants_key is asked; TIMER_NEVER: none */
	uint64_t mend_at;   /* it is looked whether its legs are heard (call/mend.h) */
	struct call_pass pass[CALL_PASS_MAX];
	struct call_digits digits;
	struct call_ring ring;
	uint32_t onward[CALL_LEGS]; /* CSeq of its REFER that went on (call/onward.h); 0: none */
	bool amended;               /* a change before the answer took the place of A's offer */
	bool repeat;                /* the same target again: its keys stay (RFC 4028 7.4) */
	bool plain;                 /* and it is asked in clear: it refused SRTP */
	uint32_t near;              /* a slot that leg B's shall lie near; MEDIA_NO_SLOT: leg A's */
	bool late;            /* A's INVITE had no offer: B's 2xx has it, A's ACK the answer */
	uint64_t closing_due; /* waiting for media's last counters */
	bool media_closing, finished;
	struct call_record rec;
};

/* All calls of a worker. */
struct calls {
	struct call_conf conf;
	struct call_ops ops;
	struct timers *timers;
	const struct snapshot_view *snap;
	struct pool pool;
	struct hash by_tag;
	struct list live;
	struct limit limit;
	struct limit_row *limit_rows;
	struct usage usage;
	struct emergency emergency;
	struct health health;   /* of the carriers */
	void *own_rows[2];      /* of usage and emergency, where conf brought none */
	struct call **by_media; /* by media slot: whose it is */
	uint32_t n_media;
	/* a transfer is in hand for c (call/refer.h) */
	void (*on_transfer)(struct call *c, enum call_transfer_event ev, const struct sip_msg *m);
	void (*on_due)(struct timer *t, uint64_t now_us); /* of each call's timer */
	uint32_t n_orphans;                               /* riders that wait for their host */
	struct guard guard;                               /* of log lines about what is refused */
	bool draining;
	uint64_t now;             /* of the event in hand */
	char msg[CALL_MSG_MAX];   /* where messages are written, */
	char body[CALL_SDP_MAX];  /* and their bodies before; wiped */
	struct pool offers;       /* texts of offers that came in responses */
	struct pool deals;        /* two a call: what is in use has memory */
	struct pool videos;       /* one a call, likewise */
	struct pool forks;        /* likewise */
	struct pool setups;       /* likewise */
	struct pool whys;         /* of calls that failed or were refused, likewise */
	struct pool said[4];      /* bodies of ours by size: two a call */
	struct sdp offer, answer; /* scratch: 18 kB each */
	struct sip_msg held;      /* scratch */
	char why[CALL_WHY_MAX];   /* scratch: a sentence made of what a message says */
};

#endif
