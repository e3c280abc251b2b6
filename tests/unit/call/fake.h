/* What stands below call, as fakes that remember: edge with its transactions and their deadlines,
 * media, records; a small world of accounts; a virtual clock. Used by the unit tests (rig.h) and by
 * the fuzz target. CHECK is the user's way to say that something must hold; the invariants that
 * every test shall see are checked here, at the moment when they could break. */
#ifndef TESTS_CALL_FAKE_H
#define TESTS_CALL_FAKE_H

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "call/act.h"
#include "call/restore.h"
#include "policy/faults.h"
#include "policy/snapbuild.h"

enum {
	FAKE_TXNS = 48,
	FAKE_SENT = 192,
	FAKE_TEXT = 8192,
	FAKE_PORTS = 24,
	FAKE_RECORDS = 16,
	FAKE_TIMERS = 64,
};
#define FAKE_LIFE_US 32000000ull /* 64*T1 */

struct edge_txn {
	bool used, server, forgotten, cancelled, provisional, final, reliable, acked;
	enum sip_method method;
	void *user;
	struct edge_dest dest;  /* client */
	struct edge_source src; /* server */
	uint64_t due;
	int status; /* last response, of either side */
	unsigned again, n_tags;
	char branch[EDGE_BRANCH_MAX], tag[64], last[FAKE_TEXT], text[FAKE_TEXT];
	struct sip_msg msg; /* the request */
};

enum sent_kind { SENT_REQUEST, SENT_RESPONSE, SENT_ONCE, SENT_CANCEL, SENT_AGAIN };

struct sent {
	enum sent_kind kind;
	int status;
	enum sip_method method;
	struct edge_txn *txn;
	struct edge_dest dest;
	uint32_t len;
	char text[FAKE_TEXT];
};

struct fake_record {
	bool taken, live, ended;
	unsigned stores;
	struct call_record rec;
};

struct fake {
	struct roster roster;
	struct str bytes;
	struct snapshot_view snap;
	struct timers timers;
	struct calls calls;
	struct call_conf conf;
	struct call_ops ops;
	uint64_t now;
	struct edge_txn txn[FAKE_TXNS];
	struct sent sent[FAKE_SENT]; /* a ring: the last ones */
	uint32_t n_sent;
	struct {
		bool used, closing;
		uint32_t generation, opens, in_serial, out_serial;
		struct media_open open;
		struct sdp_key in, out;
	} port[FAKE_PORTS];
	uint32_t generation, ports_given, ports_freed;
	struct call_keying keying; /* what was asked last */
	uint32_t n_keyings, n_no_keyings;
	uint8_t print;            /* each octet of that of our certificate */
	struct media_digit digit; /* that media played last */
	uint32_t n_digits;
	struct media_send said; /* the last datagram from a row */
	uint32_t n_said;
	struct fake_record record[FAKE_RECORDS];
	uint32_t n_ended, n_notes, n_branch, last_txn;
	enum refusal noted;
	uint32_t n_emergencies;
	uint32_t n_carriers_down, n_carriers_up; /* news of them */
	char emergency[CALL_WHY_MAX];            /* what was told of the last one */
	bool emergency_lost;
	enum call_help help; /* of the last emergency call */
	/* faults to order */
	bool no_ice_pwd, no_keys, no_port, no_open, no_send, no_slot, no_local, no_keying, no_digit;
	bool scarce;        /* records of ended calls wait */
	uint32_t n_dropped; /* records */
	bool only_spare;    /* ports and room for OPENs: what is kept for emergency calls */
	bool damaged;       /* records are not what calls wrote */
	const struct media_stats *heard[2]; /* of slots 0 and 1; NULL: something is */
	const char *far;       /* where TLS comes from, and whom it is with; NULL: the usual ones */
	struct sip_msg rx, tx; /* scratch: what is told to calls, what it sends */
	char rx_text[FAKE_TEXT];
};

/* ---- the world: two customers, one that is off, two carriers ---- */

static inline struct roster_trunk *
fake_trunk(struct roster *r, const char *account, const char *id, const char *host)
{
	struct roster_trunk *t;

	CHECK(roster_add_trunk(r, &t) == ERR_OK);
	t->id = str_from(id);
	t->account = str_from(account);
	t->host = str_from(host);
	t->enabled = true;
	t->kind = account ? TRUNK_CUSTOMER : TRUNK_CARRIER;
	t->direction = TRUNK_BOTH;
	t->transport = account ? TRUNK_TLS : TRUNK_UDP;
	t->security = account ? TRUNK_SEC_REQUIRED : TRUNK_SEC_REFUSED;
	t->port = account ? 5061 : 5060;
	t->priority = (uint16_t)r->n_trunks; /* carriers are tried in this order */
	t->order = r->n_trunks;
	if (!account) {
		CHECK(cidr_parse(str_from(host), &t->source[0]) == ERR_OK);
		t->n_sources = 1;
	}
	return t;
}

static inline void
fake_account(struct roster *r, const char *id, const char *trunk, const char *host,
	     const char *number)
{
	struct roster_account *a;
	struct roster_number *n;

	CHECK(roster_add_account(r, &a) == ERR_OK);
	a->id = a->name = str_from(id);
	a->enabled = true;
	a->tls_srtp = TLS_SRTP_ON;
	a->services = CLASS_ORIGINATION | CLASS_TERMINATION | CLASS_TOLL_FREE;
	(void)fake_trunk(r, id, trunk, host);
	CHECK(roster_add_number(r, &n) == ERR_OK);
	CHECK(number_key(str_from(number), &n->key) == ERR_OK);
	n->trunk = str_from(trunk);
}

static inline void
fake_fault(void *arg, const struct roster_fault *f)
{
	(void)arg;
	fprintf(stderr, "# fault: %s\n", f->text);
}

static inline void
fake_roster(struct fake *f)
{
	roster_init(&f->roster);
	fake_account(&f->roster, "acme", "acme-pbx", "pbx.acme.example", "+15551230000");
	fake_account(&f->roster, "beta", "beta-pbx", "pbx.beta.example", "+15559990000");
	fake_account(&f->roster, "gone", "gone-pbx", "pbx.gone.example", "+15558880000");
	f->roster.account[2].enabled = false;
	(void)fake_trunk(&f->roster, NULL, "gw1", "10.0.0.9");
	(void)fake_trunk(&f->roster, NULL, "gw2", "10.0.0.10");
}

/* After changes to f->roster, or at first. */
static inline void
fake_world(struct fake *f)
{
	uint32_t n = 0;

	if (f->bytes.p)
		mem_free((void *)(uintptr_t)f->bytes.p);
	f->bytes = STR_NULL;
	CHECK(roster_check(&f->roster, fake_fault, NULL, &n) == ERR_OK);
	CHECK(n == 0);
	CHECK(snapshot_build(&f->roster, &f->bytes) == ERR_OK);
	CHECK(snapshot_open(f->bytes, &f->snap) == ERR_OK);
}

/* ---- invariants ---- */

static inline bool
fake_has(const char *text, size_t len, const char *needle)
{
	return str_find(str_of(text, len), str_from(needle)) < len;
}

/* The live call that has this tag as one of its own, and which leg. */
static inline struct call *
fake_call_of(struct fake *f, struct str tag)
{
	LIST_EACH(it, &f->calls.live)
	{
		struct call *c = CONTAINER_OF(it, struct call, node);

		for (int i = 0; i < CALL_LEGS; i++)
			if (tag.len && str_eq(tag, sip_dialog_str(&c->rec.leg[i].dialog,
								  SIP_DIALOG_LOCAL_TAG)))
				return c;
	}
	return NULL;
}

/* What this message shows is in the record. A dropped fork is the one thing that never is. */
static inline void
fake_stored(struct fake *f, const struct call *c, bool fork)
{
	static struct call_record a, b;

	if (!c)
		return;
	CHECK(c->slot < FAKE_RECORDS && f->record[c->slot].live);
	a = c->rec;
	b = f->record[c->slot].rec;
	if (fork)
		a.leg[LEG_B].dialog = b.leg[LEG_B].dialog;
	for (int i = 0; i < CALL_LEGS; i++) { /* no message shows these */
		a.leg[i].stats = b.leg[i].stats;
		a.leg[i].stats_final = b.leg[i].stats_final;
	}
	CHECK(b.state == c->m.state);
	CHECK(memcmp(&a, &b, sizeof(a)) == 0);
}

static inline struct sent *
fake_sent(struct fake *f, enum sent_kind kind, struct str msg)
{
	struct sent *s = &f->sent[f->n_sent++ % FAKE_SENT];

	memset(s, 0, offsetof(struct sent, text));
	s->kind = kind;
	CHECK(msg.len < FAKE_TEXT);
	memcpy(s->text, msg.p ? msg.p : "", msg.len);
	s->text[msg.len] = 0;
	s->len = (uint32_t)msg.len;
	return s;
}

/* ---- edge ---- */

static inline struct edge_txn *
fake_txn(struct fake *f, bool server)
{
	/* the next free one: a handle that was just given up stays readable for a while */
	for (int i = 0; i < FAKE_TXNS; i++)
		if (!f->txn[++f->last_txn % FAKE_TXNS].used) {
			struct edge_txn *t = &f->txn[f->last_txn % FAKE_TXNS];

			memset(t, 0, offsetof(struct edge_txn, last));
			t->last[0] = t->text[0] = 0;
			t->used = true;
			t->server = server;
			t->due = UINT64_MAX;
			return t;
		}
	return NULL;
}

/* A request of ours with the Via that edge would write. */
static inline struct str
fake_add_via(struct fake *f, struct str msg, enum edge_transport t, const char *branch, char *mem)
{
	size_t line = str_find(msg, STR("\r\n")) + 2;
	struct buf b;

	(void)f;
	buf_init(&b, mem, FAKE_TEXT);
	CHECK(line <= msg.len);
	buf_str(&b, str_sub(msg, 0, line));
	buf_printf(&b, "Via: SIP/2.0/%s 198.51.100.1;branch=%s\r\n",
		   t == EDGE_TLS   ? "TLS"
		   : t == EDGE_TCP ? "TCP"
				   : "UDP",
		   branch);
	buf_str(&b, str_from_at(msg, line));
	CHECK(buf_end(&b) == ERR_OK);
	return buf_view(&b);
}

static inline void
fake_clear(enum edge_transport t, const struct sent *s)
{
	if (t != EDGE_TLS)
		CHECK(!fake_has(s->text, s->len, "inline:") &&
		      !fake_has(s->text, s->len, "\r\na=crypto"));
}

static enum err
fake_send(void *arg, const struct edge_dest *d, enum sip_method method, struct str msg, void *user,
	  struct edge_txn **out)
{
	struct fake *f = arg;
	struct edge_txn *t = f->no_send ? NULL : fake_txn(f, false);
	struct str text;
	struct sent *s;

	if (!t)
		return ERR_NOMEM;
	t->method = method;
	t->user = user;
	t->dest = *d;
	t->reliable = d->transport != EDGE_UDP;
	if (d->branch[0])
		memcpy(t->branch, d->branch, sizeof(t->branch));
	else
		(void)snprintf(t->branch, sizeof(t->branch), "z9hG4bKus%u", ++f->n_branch);
	text = fake_add_via(f, msg, d->transport, t->branch, t->text);
	CHECK(sip_msg_parse(text, &t->msg) == ERR_OK);
	CHECK(t->msg.request && t->msg.method == method);
	t->due = f->now + FAKE_LIFE_US;
	s = fake_sent(f, SENT_REQUEST, text);
	s->method = method;
	s->txn = t;
	s->dest = *d;
	fake_clear(d->transport, s);
	fake_stored(f, user ? ((struct call_user *)user)->call : fake_call_of(f, t->msg.from_tag),
		    !user && method == SIP_BYE);
	*out = t;
	return ERR_OK;
}

static void
fake_respond(void *arg, struct edge_txn *txn, int status, struct str msg)
{
	struct fake *f = arg;
	struct sent *s = fake_sent(f, SENT_RESPONSE, msg);
	const struct call_user *u = txn->user;

	CHECK(txn->used && txn->server && !txn->final);
	CHECK(sip_msg_parse(msg, &f->tx) == ERR_OK);
	CHECK(!f->tx.request && f->tx.status == status);
	CHECK(str_eq(f->tx.call_id, txn->msg.call_id) && f->tx.cseq == txn->msg.cseq);
	s->status = status;
	s->method = txn->method;
	s->txn = txn;
	if (!str_eqz(txn->msg.uri.user, "911")) /* who calls for help is heard in any way */
		fake_clear(txn->src.transport, s);
	if (u || status < 300) /* a refused request inside a dialog shows nothing */
		fake_stored(f, u ? u->call : fake_call_of(f, f->tx.to_tag), false);
	txn->status = status;
	memcpy(txn->last, s->text, s->len + 1);
	CHECK(str_copyz(txn->tag, sizeof(txn->tag), f->tx.to_tag) == ERR_OK);
	if (status >= 200) {
		txn->final = true;
		txn->due = f->now + FAKE_LIFE_US;
		if (txn->forgotten)
			txn->used = false;
	}
}

static void
fake_respond_again(void *arg, struct edge_txn *txn)
{
	struct fake *f = arg;
	struct sent *s = fake_sent(f, SENT_AGAIN, STR_NULL);

	CHECK(txn->used && txn->server && txn->final && txn->status == 200 && !txn->acked);
	s->txn = txn;
	s->status = txn->status;
	txn->again++;
}

static void
fake_acked(void *arg, struct edge_txn *txn)
{
	(void)arg;
	CHECK(txn->used && txn->server && txn->final && txn->status == 200 && !txn->acked);
	txn->acked = true;
}

static void
fake_cancel(void *arg, struct edge_txn *txn, struct str reason)
{
	struct fake *f = arg;
	struct call_user *u = txn->user;

	CHECK(txn->used && !txn->server && !txn->forgotten && txn->method == SIP_INVITE);
	fake_sent(f, SENT_CANCEL, reason)->txn = txn;
	txn->cancelled = true;
	txn->due = f->now + FAKE_LIFE_US;
	fake_stored(f, u->call, false);
}

static void
fake_send_once(void *arg, const struct edge_dest *d, bool is_response, struct str msg)
{
	char mem[FAKE_TEXT];
	struct fake *f = arg;
	struct str text = fake_add_via(f, msg, d->transport, "z9hG4bKonce", mem);
	struct sent *s = fake_sent(f, SENT_ONCE, text);

	CHECK(!is_response && sip_msg_parse(text, &f->tx) == ERR_OK && f->tx.method == SIP_ACK);
	s->method = SIP_ACK;
	s->dest = *d;
	fake_clear(d->transport, s);
	fake_stored(f, fake_call_of(f, f->tx.from_tag), true);
}

static void
fake_forget(void *arg, struct edge_txn *txn)
{
	(void)arg;
	CHECK(txn->used && !txn->forgotten);
	txn->forgotten = true;
	txn->user = NULL;
	if (!txn->server || txn->final)
		txn->used = false;
}

static const struct sip_msg *
fake_request_of(void *arg, const struct edge_txn *txn)
{
	(void)arg;
	if (!txn)
		return NULL;
	CHECK(txn->used && txn->server);
	return &txn->msg;
}

static const char *
fake_branch_of(void *arg, const struct edge_txn *txn)
{
	(void)arg;
	CHECK(txn->used);
	return txn->branch;
}

static void
fake_set_user(void *arg, struct edge_txn *txn, void *user)
{
	(void)arg;
	txn->user = user;
}

static enum err
fake_local(void *arg, uint32_t trunk, struct edge_local *out)
{
	struct fake *f = arg;
	bool tls = f->snap.trunk[trunk].transport == TRUNK_TLS;

	if (f->no_local)
		return ERR_NOTFOUND;
	CHECK(trunk < f->snap.n_trunks);
	*out = (struct edge_local){.transport = tls ? EDGE_TLS : EDGE_UDP,
				   .zone = tls ? "sbc.example.test" : ""};
	return addr_parse(tls ? STR("192.0.2.1:5061") : STR("10.0.0.1:5060"), &out->advertised);
}

/* ---- media ---- */

static enum err
fake_port(void *arg, uint32_t trunk, uint32_t near, bool spare, uint32_t *slot,
	  uint32_t *generation, struct addr *shown)
{
	struct fake *f = arg;
	struct str media = snapshot_text(&f->snap, f->snap.trunk[trunk].media);
	uint32_t i = 0;

	CHECK(near == MEDIA_NO_SLOT || (near < FAKE_PORTS && f->port[near].used));
	while (i < FAKE_PORTS && f->port[i].used)
		i++;
	if (str_eqz(media, "nix")) /* not in use */
		return ERR_NOTFOUND;
	if (f->no_port || i == FAKE_PORTS || (f->only_spare && !spare))
		return ERR_FULL;
	memset(&f->port[i], 0, sizeof(f->port[i]));
	f->port[i].used = true;
	f->port[i].generation = ++f->generation;
	f->ports_given++;
	*slot = i;
	*generation = f->generation;
	CHECK(addr_parse_ip(media.len                                     ? media
			    : f->snap.trunk[trunk].kind == TRUNK_CUSTOMER ? STR("192.0.2.2")
									  : STR("10.0.0.2"),
			    shown) == ERR_OK);
	shown->port = (uint16_t)(20000 + 2 * i);
	return ERR_OK;
}

static void
fake_port_free(void *arg, uint32_t slot)
{
	struct fake *f = arg;

	CHECK(slot < FAKE_PORTS && f->port[slot].used);
	f->port[slot].used = f->port[slot].closing = false;
	f->ports_freed++;
}

static void
fake_key(void *arg, uint32_t slot, bool in, uint32_t serial, const struct sdp_key *k)
{
	struct fake *f = arg;
	uint32_t *last = in ? &f->port[slot].in_serial : &f->port[slot].out_serial;

	CHECK(slot < FAKE_PORTS && f->port[slot].used && serial == *last + 1);
	CHECK(k->key_len == 16 && k->salt_len == 14);
	*last = serial;
	*(in ? &f->port[slot].in : &f->port[slot].out) = *k;
}

/* What do_key was given last. */
static enum err
fake_key_of(void *arg, uint32_t slot, bool in, uint32_t serial, enum sdp_suite suite,
	    struct sdp_key *out)
{
	struct fake *f = arg;

	CHECK(slot < FAKE_PORTS && suite != SDP_SUITE_NONE);
	if (f->no_keys || serial == 0 ||
	    serial != (in ? f->port[slot].in_serial : f->port[slot].out_serial))
		return ERR_NOTFOUND;
	*out = in ? f->port[slot].in : f->port[slot].out;
	return ERR_OK;
}

static void
fake_print(void *arg, uint8_t *print)
{
	memset(print, ((struct fake *)arg)->print, CALL_PRINT_LEN);
}

static bool
fake_keying(void *arg, const struct call_keying *k)
{
	struct fake *f = arg;

	CHECK(k->slot < FAKE_PORTS && f->port[k->slot].used && k->assoc && k->suites.n);
	f->keying = *k;
	f->n_keyings++;
	return !f->no_keying;
}

static void
fake_no_keying(void *arg, uint32_t slot)
{
	struct fake *f = arg;

	CHECK(slot < FAKE_PORTS && f->port[slot].used);
	f->n_no_keyings++;
}

static bool
fake_ice_pwd(void *arg, const char *ufrag, char *pwd)
{
	struct fake *f = arg;

	(void)snprintf(pwd, SDP_PWD_SIZE, "password%s....", ufrag);
	return !f->no_ice_pwd;
}

static void
fake_datagram(void *arg, const struct media_send *s)
{
	struct fake *f = arg;

	CHECK(s->slot < FAKE_PORTS && f->port[s->slot].used);
	f->said = *s;
	f->n_said++;
}

static enum err
fake_open(void *arg, const struct media_open *o, bool spare)
{
	struct fake *f = arg;

	if (f->no_open || (f->only_spare && !spare))
		return ERR_FULL;
	CHECK(o->slot < FAKE_PORTS && f->port[o->slot].used && !f->port[o->slot].closing);
	CHECK(o->generation == f->port[o->slot].generation);
	CHECK(o->in_serial <= f->port[o->slot].in_serial &&
	      o->out_serial <= f->port[o->slot].out_serial);
	CHECK((o->in_suite != 0) == (o->in_serial != 0));
	CHECK(!(o->flags & MEDIA_F_SECURE) || !(o->flags & MEDIA_F_RAW));
	if (!(o->flags & (MEDIA_F_SECURE | MEDIA_F_RAW)))
		CHECK(!o->in_serial && !o->out_serial);
	f->port[o->slot].open = *o;
	f->port[o->slot].opens++;
	return ERR_OK;
}

static void
fake_close(void *arg, uint32_t slot, uint32_t generation)
{
	struct fake *f = arg;

	CHECK(slot < FAKE_PORTS && f->port[slot].used && !f->port[slot].closing);
	CHECK(f->port[slot].generation == generation);
	f->port[slot].closing = true;
}

static void
fake_stats(void *arg, uint32_t slot, uint32_t generation, struct media_stats *out)
{
	struct fake *f = arg;

	CHECK(f->port[slot].used && f->port[slot].generation == generation);
	*out = slot < 2 && f->heard[slot] ? *f->heard[slot]
					  : (struct media_stats){.in_packets = 77};
}

static bool
fake_digit(void *arg, const struct media_digit *d)
{
	struct fake *f = arg;

	CHECK(d->slot < FAKE_PORTS && f->port[d->slot].used && !f->port[d->slot].closing);
	CHECK(f->port[d->slot].generation == d->generation && f->port[d->slot].open.event);
	f->digit = *d;
	f->n_digits += !f->no_digit;
	return !f->no_digit;
}

/* ---- records ---- */

static uint32_t
fake_slot(void *arg, uint32_t kept)
{
	struct fake *f = arg;

	(void)kept;
	for (uint32_t i = 0; !f->no_slot && i < FAKE_RECORDS; i++)
		if (!f->record[i].taken) {
			f->record[i] = (struct fake_record){.taken = true};
			return i;
		}
	return UINT32_MAX;
}

static void
fake_store(void *arg, uint32_t slot, const struct call_record *rec, bool ended)
{
	static const struct sdp_local no_local;
	const struct call *c = CONTAINER_OF((struct call_record *)(uintptr_t)rec, struct call, rec);
	struct fake *f = arg;

	CHECK(slot < FAKE_RECORDS && f->record[slot].taken && !f->record[slot].ended);
	CHECK(call_record_valid(rec));
	f->record[slot].rec = *rec;
	f->record[slot].stores++;
	f->record[slot].live = !ended;
	f->record[slot].ended = ended;
	if (!ended)
		return;
	f->n_ended++;
	CHECK(rec->state == B2BUA_ENDED && rec->end_us);
	CHECK(f->damaged || rec->ended_by != ENDER_NONE);
	for (int i = 0; i < FAKE_PORTS; i++) /* no key, ever */
		for (int out = 0; out < 2; out++) {
			const struct sdp_key *k = out ? &f->port[i].out : &f->port[i].in;

			CHECK(k->key_len == 0 ||
			      str_find(str_of(rec, sizeof(*rec)), str_of(k->key, k->key_len)) ==
				      sizeof(*rec));
		}
	for (int i = 0; i < CALL_LEGS; i++) {
		CHECK(memcmp(c->leg[i].audio.local.crypto, no_local.crypto,
			     sizeof(no_local.crypto)) == 0);
		CHECK(memcmp(&c->leg[i].audio.far.key, &no_local.crypto[0].key,
			     sizeof(c->leg[i].audio.far.key)) == 0);
	}
}

static bool
fake_scarce(void *arg)
{
	return ((struct fake *)arg)->scarce;
}

static void
fake_drop(void *arg, uint32_t slot, const struct call_record *rec)
{
	struct fake *f = arg;

	CHECK(f->scarce && slot < FAKE_RECORDS && f->record[slot].taken);
	CHECK(rec->refusal && !rec->answer_us && rec->state == B2BUA_ENDED && rec->end_us);
	f->record[slot] = (struct fake_record){.taken = false};
	f->n_dropped++;
}

static void
fake_carrier(void *arg, const struct policy_id *trunk, bool up, const char *why)
{
	struct fake *f = arg;

	CHECK(trunk->z[0] && !up == (why[0] != 0));
	f->n_carriers_up += up;
	f->n_carriers_down += !up;
}

static void
fake_emergency(void *arg, const struct call_record *rec, const char *what, enum call_help help)
{
	struct fake *f = arg;

	CHECK(rec->class == CLASS_EMERGENCY && what[0]);
	f->n_emergencies++;
	f->help = help;
	f->emergency_lost = help == CALL_HELP_LOST;
	CHECK(str_copyz(f->emergency, sizeof(f->emergency), str_from(what)) == ERR_OK);
}

static void
fake_note(void *arg, const struct id *id, enum refusal r, const struct sip_msg *m,
	  const struct edge_source *src)
{
	struct fake *f = arg;

	(void)m;
	(void)src;
	CHECK(id->z[0] != 0);
	f->n_notes++;
	f->noted = r;
}

/* ---- life ---- */

static inline void
fake_calls(struct fake *f)
{
	CHECK(calls_init(&f->calls, &f->conf, &f->ops, &f->timers) == ERR_OK);
	calls_on_snapshot(&f->calls, &f->snap);
}

static inline void
fake_init(struct fake *f)
{
	f->ops = (struct call_ops){.arg = f,
				   .do_send = fake_send,
				   .do_respond = fake_respond,
				   .do_respond_again = fake_respond_again,
				   .do_acked = fake_acked,
				   .do_cancel = fake_cancel,
				   .do_send_once = fake_send_once,
				   .do_forget = fake_forget,
				   .do_request_of = fake_request_of,
				   .do_branch_of = fake_branch_of,
				   .do_set_user = fake_set_user,
				   .do_local = fake_local,
				   .do_port = fake_port,
				   .do_port_free = fake_port_free,
				   .do_key = fake_key,
				   .do_key_of = fake_key_of,
				   .do_print = fake_print,
				   .do_keying = fake_keying,
				   .do_no_keying = fake_no_keying,
				   .do_ice_pwd = fake_ice_pwd,
				   .do_datagram = fake_datagram,
				   .do_open = fake_open,
				   .do_close = fake_close,
				   .do_stats = fake_stats,
				   .do_digit = fake_digit,
				   .do_slot = fake_slot,
				   .do_store = fake_store,
				   .do_scarce = fake_scarce,
				   .do_drop = fake_drop,
				   .do_note = fake_note,
				   .do_emergency = fake_emergency,
				   .do_carrier = fake_carrier};
	f->conf = (struct call_conf){.node = 1,
				     .worker = 1,
				     .max_calls = FAKE_RECORDS,
				     .media_slots = FAKE_PORTS,
				     .media_timeout_s = 300,
				     .media_lost_s = 10,
				     .user_agent = "postern"};
	f->print = 0xfa;
	number_plan_default(&f->conf.numbers);
	log_init("test", open("/dev/null", O_WRONLY | O_CLOEXEC), LOG_ERROR);
	f->now = 1000000000;
	fake_roster(f);
	fake_world(f);
	CHECK(timers_init(&f->timers, FAKE_TIMERS) == ERR_OK);
	fake_calls(f);
}

static inline void
fake_fini(struct fake *f)
{
	calls_fini(&f->calls);
	timers_fini(&f->timers);
	roster_fini(&f->roster);
	mem_free((void *)(uintptr_t)f->bytes.p);
}

/* Where messages of this trunk come from. */
static inline struct edge_source
fake_source(struct fake *f, const char *trunk)
{
	uint32_t t = snapshot_trunk(&f->snap, str_from(trunk));
	bool tls;
	struct edge_source s;

	if (t == POLICY_NONE) /* gone, or a damaged record */
		t = 0;
	tls = f->snap.trunk[t].transport == TRUNK_TLS;
	s = (struct edge_source){.transport = tls ? EDGE_TLS : EDGE_UDP,
				 .conn = tls ? 100 + t : 0,
				 .account = f->snap.trunk[t].account,
				 .account_id =
					 snapshot_account_id(&f->snap, f->snap.trunk[t].account),
				 .trunk = t,
				 .tls_version = tls ? "TLSv1.2" : "",
				 .tls_suite = tls ? "AES128-SHA" : "",
				 .tls_peer = tls ? "pbx.acme.example" : ""};

	if (tls && f->far) {
		s.conn++;
		s.tls_peer = f->far;
		CHECK(addr_parse_ip(str_from(f->far), &s.remote) == ERR_OK);
		return s;
	}
	CHECK(addr_parse(tls ? STR("198.51.100.7:40001") : STR("10.0.0.9:5060"), &s.remote) ==
	      ERR_OK);
	return s;
}

/* ---- news and time, as edge and media give them ---- */

static inline void
fake_news(struct fake *f, struct edge_txn *t, struct edge_news *n)
{
	bool tell = !t->forgotten;
	void *user = t->user;

	if (n->last)
		t->used = false;
	if (tell)
		calls_on_news(&f->calls, user, n, f->now);
}

/* A transaction's own deadline. */
static inline void
fake_txn_due(struct fake *f, struct edge_txn *t)
{
	t->due = UINT64_MAX;
	if (t->server) {
		void *user = t->user;

		t->used = false;
		if (!t->forgotten)
			calls_on_undelivered(&f->calls, user, f->now);
		return;
	}
	fake_news(f, t,
		  &(struct edge_news){.event = t->final ? EDGE_OVER : EDGE_TIMEOUT, .last = true});
}

/* Time goes on, deadline by deadline. */
static inline void
fake_run(struct fake *f, uint64_t us)
{
	uint64_t until = f->now + us;

	for (;;) {
		uint64_t next = timers_next(&f->timers);
		struct edge_txn *t = NULL;

		for (int i = 0; i < FAKE_TXNS; i++)
			if (f->txn[i].used && f->txn[i].due < next) {
				t = &f->txn[i];
				next = t->due;
			}
		if (next > until)
			break;
		f->now = next > f->now ? next : f->now;
		if (t)
			fake_txn_due(f, t);
		else
			timers_run(&f->timers, f->now);
	}
	f->now = until;
}

/* Media answers the CLOSEs. */
static inline void
fake_media_closed(struct fake *f)
{
	for (uint32_t i = 0; i < FAKE_PORTS; i++)
		if (f->port[i].used && f->port[i].closing) {
			struct media_closed m = {.slot = i,
						 .generation = f->port[i].generation,
						 .stats = {.in_packets = 100 + i}};

			calls_on_media_closed(&f->calls, &m, f->now);
		}
}

/* A response of the far end to a request of ours, as edge passes it. */
static inline void
fake_answer_as(struct fake *f, struct edge_txn *t, unsigned status, const char *tag,
	       const char *more, const char *type, const char *body)
{
	struct edge_news n = {.event = EDGE_RESPONSE};
	struct buf b;

	buf_init(&b, f->rx_text, sizeof(f->rx_text));
	sip_edit_response(&b, &t->msg,
			  &(struct sip_edit_reply){.status = status, .to_tag = str_from(tag)});
	buf_z(&b, more);
	sip_edit_body(&b, *body ? str_from(type) : STR_NULL, str_from(body));
	if (buf_end(&b) != ERR_OK || sip_msg_parse(buf_view(&b), &f->rx) != ERR_OK)
		return; /* edge would have dropped it */
	n.msg = &f->rx;
	n.source = fake_source(f, t->dest.trunk.z);
	t->status = (int)status;
	if (tag[0])
		(void)!str_copyz(t->tag, sizeof(t->tag), str_from(tag));
	if (status < 200) {
		t->provisional = true;
		if (t->method == SIP_INVITE && !t->cancelled)
			t->due = UINT64_MAX;
	} else {
		t->final = true;
		t->due = f->now + FAKE_LIFE_US;
		n.last = t->reliable && !(t->method == SIP_INVITE && status < 300);
	}
	fake_news(f, t, &n);
}

static inline void
fake_answer(struct fake *f, struct edge_txn *t, unsigned status, const char *tag, const char *more,
	    const char *body)
{
	fake_answer_as(f, t, status, tag, more, "application/sdp", body);
}

#endif
