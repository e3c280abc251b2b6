#include "app/wire.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/secret.h"
#include "edge/enrol.h"
#include "edge/poll.h"

/* What does not fit is cut off. */
static void
copy_cut(char *dst, size_t cap, struct str s)
{
	(void)!str_copyz(dst, cap, str_sub(s, 0, cap - 1));
}

/* ---- call to edge ---- */

static enum err
op_send(void *arg, const struct edge_dest *d, enum sip_method method, struct str msg, void *user,
	struct edge_txn **out)
{
	struct worker *w = arg;

	return edge_send(w->edge, d, method, msg, user, out);
}

static void
op_respond(void *arg, struct edge_txn *txn, int status, struct str msg)
{
	(void)arg;
	edge_respond(txn, status, msg);
}

static void
op_respond_again(void *arg, struct edge_txn *txn)
{
	(void)arg;
	edge_respond_again(txn);
}

static void
op_cancel(void *arg, struct edge_txn *txn, struct str reason)
{
	(void)arg;
	edge_cancel(txn, reason);
}

static void
op_send_once(void *arg, const struct edge_dest *d, bool is_response, struct str msg)
{
	struct worker *w = arg;

	edge_send_once(w->edge, d, is_response, msg);
}

static void
op_forget(void *arg, struct edge_txn *txn)
{
	(void)arg;
	edge_forget(txn);
}

static const struct sip_msg *
op_request_of(void *arg, const struct edge_txn *txn)
{
	(void)arg;
	return txn ? edge_txn_request(txn) : NULL;
}

static const char *
op_branch_of(void *arg, const struct edge_txn *txn)
{
	(void)arg;
	return edge_txn_branch(txn);
}

static void
op_set_user(void *arg, struct edge_txn *txn, void *user)
{
	(void)arg;
	edge_txn_set_user(txn, user);
}

static enum err
op_local(void *arg, uint32_t trunk, struct edge_local *out)
{
	struct worker *w = arg;

	return edge_local_of(w->edge, trunk, out);
}

/* ---- call to media ---- */

/* The media address that a trunk uses: the one it names, else its side's. NOTFOUND: it names one
 * that is not in use: a line of its own must not show up on another one, unless it is for help. */
static enum err
media_addr_of(const struct worker *w, uint32_t trunk, bool spare, uint32_t *out)
{
	const struct trunk *t = &w->accounts.trunk[trunk];
	struct str name = snapshot_text(&w->accounts, t->media);
	uint8_t i = name.len ? conf_media_index(w->conf, name) : CONF_NO_ZONE;

	if (name.len && i == CONF_NO_ZONE) {
		if (!spare)
			return ERR_NOTFOUND;
		log_warn("media.address",
			 "trunk=%.*s media=%.*s is not in use: an emergency call "
			 "goes over the default",
			 STR_ARG(snapshot_text(&w->accounts, t->id)), STR_ARG(name));
	}
	*out = i != CONF_NO_ZONE           ? i
	       : t->kind == TRUNK_CUSTOMER ? w->conf->media_customer
					   : w->conf->media_carrier;
	return ERR_OK;
}

static enum err
op_port(void *arg, uint32_t trunk, uint32_t near, bool spare, uint32_t *slot, uint32_t *generation,
	struct addr *shown)
{
	struct worker *w = arg;
	uint64_t now = loop_now(&w->loop);
	uint32_t i;
	enum err e = media_addr_of(w, trunk, spare, &i);

	if (e != ERR_OK)
		return e;
	e = port_alloc(&w->ports, i, near, spare, now, slot, generation);
	if (e != ERR_OK)
		return e;
	*shown = w->plan.advertised[i];
	shown->port = media_slot_port(&w->plan, *slot);
	metric_set(METRIC_ports_used, port_used(&w->ports));
	return ERR_OK;
}

static void
op_port_free(void *arg, uint32_t slot)
{
	struct worker *w = arg;

	/* its keys are of no use any more; media has closed the row, or will from its own copy */
	media_secret_wipe(&w->secrets.rows[slot]);
	port_free(&w->ports, slot, loop_now(&w->loop));
	metric_set(METRIC_ports_used, port_used(&w->ports));
}

static void
op_key(void *arg, uint32_t slot, bool in, uint32_t serial, const struct sdp_key *k)
{
	struct worker *w = arg;
	struct media_secret *row = &w->secrets.rows[slot];

	if (media_secret_put(in ? row->in : row->out, serial, k) != ERR_OK)
		log_error("media.key", "slot %u: a key that no suite has", slot);
}

static enum err
op_key_of(void *arg, uint32_t slot, bool in, uint32_t serial, enum sdp_suite suite,
	  struct sdp_key *out)
{
	struct worker *w = arg;
	const struct media_secret *row = &w->secrets.rows[slot];
	const struct sdp_suite_info *info = sdp_suite_info(suite);
	struct media_master m;
	enum err e = info ? media_secret_get(in ? row->in : row->out, serial, &m) : ERR_NOTFOUND;

	if (e != ERR_OK)
		return e;
	*out = (struct sdp_key){.key_len = info->key_len,
				.salt_len = info->salt_len,
				.mki = m.mki,
				.mki_len = m.mki_len,
				.lifetime = m.life ? 1ull << m.life : 0};
	memcpy(out->key, m.key, info->key_len);
	memcpy(out->salt, m.salt, info->salt_len);
	secret_wipe(&m, sizeof(m));
	return ERR_OK;
}

static enum err
op_open(void *arg, const struct media_open *o, bool spare)
{
	struct worker *w = arg;

	return media_ctl_open(&w->media, o, spare);
}

static void
op_close(void *arg, uint32_t slot, uint32_t generation)
{
	struct worker *w = arg;

	if (media_ctl_close(&w->media, slot, generation) != ERR_OK)
		log_error("media.close", "slot %u: no room for a CLOSE", slot);
}

static void
op_stats(void *arg, uint32_t slot, uint32_t generation, struct media_stats *out)
{
	struct worker *w = arg;

	if (flow_read_stats(&w->flows, slot, generation, out) != ERR_OK)
		log_warn("media.stats", "slot %u: its counters are gone", slot);
}

/* ---- call to the records ---- */

static uint32_t
op_slot(void *arg, uint32_t kept)
{
	struct worker *w = arg;

	if (w->records.n_free <= kept)
		return RECORDS_NONE;
	return records_take(&w->records);
}

static void
tell_ended(struct worker *w, uint32_t slot, const struct id *id)
{
	struct admin_slot m = {.slot = slot, .id = *id};

	/* when the queue is full, admin finds the slot by its own round */
	(void)!channel_send(&w->admin, ADMIN_ENDED, &m, sizeof(m), true);
}

static void
op_store(void *arg, uint32_t slot, const struct call_record *rec, bool ended)
{
	struct worker *w = arg;

	tracetap_store(&w->trace, slot, rec, ended);
	records_put(&w->records, slot, ended ? RECORD_ENDED : RECORD_LIVE, rec);
	records_in_hand(&w->records, ended ? RECORDS_NONE : slot);
	if (ended)
		tell_ended(w, slot, &rec->id);
}

/* A refused request into the ring that admin reads. */
static void
put_request(struct worker *w, const struct id *id, const struct addr *peer, struct str method,
	    const char *word, const char *why, const struct policy_id *account)
{
	struct hand_entry e = {.what = HAND_WHAT_REQUEST, .id = *id};
	struct hand_request *q = &e.u.request;

	q->peer = *peer;
	q->at_us = clock_wall_us();
	copy_cut(q->method, sizeof(q->method), method);
	copy_cut(q->word, sizeof(q->word), str_from(word));
	copy_cut(q->why, sizeof(q->why), str_from(why));
	if (account)
		e.account = *account;
	handring_put(&w->handshakes, &e, loop_now(&w->loop));
}

static void
op_note(void *arg, const struct id *id, enum refusal r, const struct sip_msg *m,
	const struct edge_source *src)
{
	struct worker *w = arg;

	tracetap_refused(&w->trace, id, m->call_id);
	put_request(w, id, &src->remote, m->method_name, refusal_name(r), refusal_text(r),
		    &src->account_id);
}

static void
op_emergency(void *arg, const struct call_record *rec, const char *what, bool lost)
{
	char text[ALARM_TEXT_MAX];
	struct worker *w = arg;

	(void)snprintf(text, sizeof(text), "%s called %s from %s over trunk %s: %s (call %s)",
		       rec->leg[LEG_A].account.z, rec->to_received, rec->from_received,
		       rec->leg[LEG_A].trunk.z, what, rec->id.z);
	log_warn("call.emergency", "%s", text);
	/* one that is carried later does not take the place of one that was lost */
	if (lost)
		wire_alarm_raise(w, ALARM_EMERGENCY_LOST, ALARM_CRITICAL, rec->leg[LEG_A].account.z,
				 text);
	else
		wire_alarm_raise(w, ALARM_EMERGENCY, ALARM_MAJOR, rec->leg[LEG_A].account.z, text);
}

static void
op_carrier(void *arg, const struct policy_id *trunk, bool up, const char *why)
{
	struct worker *w = arg;
	char text[ALARM_TEXT_MAX];

	gatewaydesk_carrier(&w->gateways, trunk, up, why);
	if (up) {
		log_info("carrier.up", "trunk=%s", trunk->z);
		wire_alarm_clear(w, ALARM_CARRIER, trunk->z);
		return;
	}
	(void)snprintf(text, sizeof(text), "%s is tried behind all other carriers: %s", trunk->z,
		       why);
	log_warn("carrier.down", "%s", text);
	wire_alarm_raise(w, ALARM_CARRIER, ALARM_MAJOR, trunk->z, text);
}

void
wire_call_ops(struct worker *w, struct call_ops *ops)
{
	*ops = (struct call_ops){.arg = w,
				 .do_send = op_send,
				 .do_respond = op_respond,
				 .do_respond_again = op_respond_again,
				 .do_cancel = op_cancel,
				 .do_send_once = op_send_once,
				 .do_forget = op_forget,
				 .do_request_of = op_request_of,
				 .do_branch_of = op_branch_of,
				 .do_set_user = op_set_user,
				 .do_local = op_local,
				 .do_port = op_port,
				 .do_port_free = op_port_free,
				 .do_key = op_key,
				 .do_key_of = op_key_of,
				 .do_open = op_open,
				 .do_close = op_close,
				 .do_stats = op_stats,
				 .do_slot = op_slot,
				 .do_store = op_store,
				 .do_note = op_note,
				 .do_emergency = op_emergency,
				 .do_carrier = op_carrier};
}

/* ---- edge to call ---- */

static void
out_of_hand(struct worker *w)
{
	records_in_hand(&w->records, RECORDS_NONE);
}

static void
got_request(void *arg, struct edge_txn *txn, const struct sip_msg *msg,
	    const struct edge_source *src)
{
	struct worker *w = arg;

	w->trace.in_hand = msg->call_id;
	calls_on_request(&w->calls, txn, msg, src, loop_now(&w->loop));
	w->trace.in_hand = STR_NULL;
	out_of_hand(w);
}

static void
got_ack(void *arg, const struct sip_msg *msg, const struct edge_source *src)
{
	struct worker *w = arg;

	calls_on_ack(&w->calls, msg, src, loop_now(&w->loop));
	out_of_hand(w);
}

static void
got_cancel(void *arg, struct edge_txn *txn, const struct sip_msg *cancel)
{
	struct worker *w = arg;

	calls_on_cancel(&w->calls, edge_txn_user(txn), cancel, loop_now(&w->loop));
	out_of_hand(w);
}

static void
got_news(void *arg, void *user, const struct edge_news *news)
{
	struct worker *w = arg;

	calls_on_news(&w->calls, user, news, loop_now(&w->loop));
	out_of_hand(w);
}

static uint32_t
got_again(void *arg, void *user, struct edge_txn *txn, enum sip_method method)
{
	struct worker *w = arg;
	uint32_t cseq = calls_on_again(&w->calls, user, txn, method, loop_now(&w->loop));

	out_of_hand(w);
	return cseq;
}

static void
got_undelivered(void *arg, struct edge_txn *txn)
{
	struct worker *w = arg;

	calls_on_undelivered(&w->calls, edge_txn_user(txn), loop_now(&w->loop));
	out_of_hand(w);
}

static void
got_message(void *arg, const struct edge_seen *seen)
{
	struct worker *w = arg;

	tracetap_message(&w->trace, seen);
}

static void
got_handshake(void *arg, const struct tls_record *rec, struct id id, const struct edge_party *party)
{
	struct worker *w = arg;
	struct hand_entry e = {.what = HAND_WHAT_HANDSHAKE, .id = id, .account = party->account};

	quarantine_note(&w->readiness.quarantine, rec);
	e.u.tls = *rec;
	if (rec->zone < w->conf->n_zones)
		copy_cut(e.zone, sizeof(e.zone), str_from(w->conf->zone[rec->zone].fqdn));
	for (; e.n_trunks < party->n_trunks && e.n_trunks < HANDRING_TRUNKS; e.n_trunks++)
		e.trunk[e.n_trunks] = party->trunk[e.n_trunks];
	handring_put(&w->handshakes, &e, loop_now(&w->loop));
}

/* What edge itself refused: the message may be broken, so only its method is said. */
static void
got_refused(void *arg, struct id id, const struct sip_msg *msg, const struct addr *from,
	    unsigned status, const char *why)
{
	struct worker *w = arg;
	char word[16];

	(void)snprintf(word, sizeof(word), "%u", status);
	tracetap_refused(&w->trace, &id, msg->call_id);
	put_request(w, &id, from, msg->method_name, word, why, NULL);
}

static void
got_lost_call(void *arg, const struct sip_msg *msg, const struct edge_source *src, const char *why)
{
	struct worker *w = arg;

	calls_on_lost(&w->calls, msg, src, why, loop_now(&w->loop));
	out_of_hand(w);
}

static void
got_guest(void *arg, struct tls_result *res)
{
	struct worker *w = arg;

	quarantine_take(&w->readiness.quarantine, res);
}

static void
got_target(void *arg, const struct addr *addr, enum edge_transport transport, bool up,
	   const char *why)
{
	static const char *const words[] = {
		[EDGE_UDP] = "udp", [EDGE_TCP] = "tcp", [EDGE_TLS] = "tls"};
	struct worker *w = arg;
	char object[ALARM_OBJECT_MAX], text[ALARM_TEXT_MAX];

	(void)snprintf(object, sizeof(object), "%s %s", words[transport], addr_text(addr).z);
	(void)snprintf(text, sizeof(text), "other addresses are tried before it: %.300s", why);
	if (up)
		wire_alarm_clear(w, ALARM_TARGET, object);
	else
		wire_alarm_raise(w, ALARM_TARGET, ALARM_WARNING, object, text);
}

/* Of a carrier, health says what it means; a customer's trunk is only alarmed. */
static void
got_poll(void *arg, const struct edge_poll_news *n)
{
	struct worker *w = arg;
	uint32_t i =
		w->have_accounts ? snapshot_trunk(&w->accounts, str_from(n->trunk.z)) : POLICY_NONE;
	bool up = n->state != POLL_DOWN;

	gatewaydesk_poll(&w->gateways, n);
	if (!n->changed)
		return;
	calls_on_poll(&w->calls, &n->trunk, up, n->why, loop_now(&w->loop));
	if (up)
		wire_alarm_clear(w, ALARM_OPTIONS, n->trunk.z);
	else if (i != POLICY_NONE && i < w->accounts.first_carrier)
		wire_alarm_raise(w, ALARM_OPTIONS, ALARM_MAJOR, n->trunk.z, n->why);
}

static void
got_enrol(void *arg, const struct edge_enrol_news *n)
{
	struct worker *w = arg;

	gatewaydesk_enrol(&w->gateways, n);
	if (n->state == ENROL_LOST)
		wire_alarm_raise(w, ALARM_REGISTRATION, ALARM_MAJOR, n->trunk.z, n->why);
	else if (n->changed)
		wire_alarm_clear(w, ALARM_REGISTRATION, n->trunk.z);
}

static void
got_overload(void *arg, unsigned percent, uint64_t delay_us, uint64_t refused)
{
	char text[ALARM_TEXT_MAX];
	struct worker *w = arg;

	(void)snprintf(text, sizeof(text),
		       "messages waited %llu ms, %llu new calls were refused in a second, %u of "
		       "100 now; emergency calls and calls that are up go first",
		       (unsigned long long)(delay_us / CLOCK_MS), (unsigned long long)refused,
		       percent);
	wire_alarm_raise(w, ALARM_OVERLOAD, ALARM_MAJOR, "signaling", text);
}

void
wire_edge_up(struct worker *w, struct edge_up *up)
{
	*up = (struct edge_up){.arg = w,
			       .on_message = got_message,
			       .on_guest = got_guest,
			       .on_request = got_request,
			       .on_ack = got_ack,
			       .on_cancel = got_cancel,
			       .on_news = got_news,
			       .on_again = got_again,
			       .on_undelivered = got_undelivered,
			       .on_handshake = got_handshake,
			       .on_target = got_target,
			       .on_poll = got_poll,
			       .on_enrol = got_enrol,
			       .on_overload = got_overload,
			       .on_refused = got_refused,
			       .on_lost_call = got_lost_call};
}

/* ---- media to call ---- */

static void
got_closed(void *arg, const struct media_closed *m)
{
	struct worker *w = arg;

	if (!testmedia_closed(&w->readiness.media, m))
		calls_on_media_closed(&w->calls, m, loop_now(&w->loop));
}

static void
got_timeout(void *arg, uint32_t slot, uint32_t generation)
{
	struct worker *w = arg;

	calls_on_media_timeout(&w->calls, slot, generation, loop_now(&w->loop));
	out_of_hand(w);
}

static void
got_rekey(void *arg, uint32_t slot, uint32_t generation)
{
	struct worker *w = arg;

	calls_on_media_rekey(&w->calls, slot, generation, loop_now(&w->loop));
	out_of_hand(w);
}

static void
flush_media(void *arg)
{
	struct worker *w = arg;

	(void)media_ctl_flush(&w->media);
}

static void
wish_flush(void *arg)
{
	struct worker *w = arg;

	loop_soon(&w->loop, &w->media_soon);
}

void
wire_media(struct worker *w)
{
	w->media_soon = (struct loop_soon){.on_soon = flush_media, .arg = w};
	w->media.on_wish = wish_flush;
	w->media.wish_arg = w;
	w->media.arg = w;
	w->media.on_closed = got_closed;
	w->media.on_timeout = got_timeout;
	w->media.on_rekey = got_rekey;
}

/* ---- admin ---- */

bool
wire_on_admin(struct worker *w, const struct channel_msg *m)
{
	struct admin_slot s;

	if (m->head.type == ADMIN_READY && m->head.length == sizeof(struct probe_job)) {
		struct probe_job job;

		memcpy(&job, m->body, sizeof(job));
		signaling_ready_begin(&w->readiness, &job, w->conf,
				      w->have_accounts ? &w->accounts : NULL);
		return true;
	}
	if (m->head.type == ADMIN_READY_STOP && m->head.length == sizeof(uint32_t)) {
		uint32_t number;

		memcpy(&number, m->body, sizeof(number));
		signaling_ready_stop(&w->readiness, number);
		return true;
	}
	if (m->head.length != sizeof(s))
		return false;
	memcpy(&s, m->body, sizeof(s));
	s.id.z[ID_CHARS] = 0;
	if (m->head.type == ADMIN_WRITTEN) {
		struct call_record rec;

		if (s.slot < w->records.n &&
		    records_get(&w->records, s.slot, &rec) == RECORD_ENDED &&
		    strcmp(rec.id.z, s.id.z) == 0)
			records_free(&w->records, s.slot);
		return true;
	}
	if (m->head.type == ADMIN_HANGUP) {
		if (calls_hangup(&w->calls, str_from(s.id.z), loop_now(&w->loop)) != ERR_OK)
			log_info("call.hangup", "id=%s is not there", s.id.z);
		out_of_hand(w);
		return true;
	}
	return false;
}

void
wire_resend_ended(struct worker *w)
{
	struct call_record rec;

	for (uint32_t i = 0; i < w->records.n; i++)
		if (records_get(&w->records, i, &rec) == RECORD_ENDED)
			tell_ended(w, i, &rec.id);
}

/* ---- alarms ---- */

static void
send_alarm(struct worker *w, bool raise, const struct alarm *a)
{
	struct admin_alarm m = {
		.raise = raise, .kind = a->kind, .severity = a->severity, .last_us = a->last_us};

	memcpy(m.object, a->object, sizeof(m.object));
	memcpy(m.text, a->text, sizeof(m.text));
	/* when the queue is full admin is away, and hears of it when it is back */
	(void)!channel_send(&w->admin, ADMIN_ALARM, &m, sizeof(m), false);
}

void
wire_alarm_raise(struct worker *w, enum alarm_kind kind, enum alarm_severity severity,
		 const char *object, const char *text)
{
	int64_t now = clock_wall_us();
	const struct alarm *a = alarms_find(&w->alarms, kind, object);
	int64_t last = a ? a->last_us : 0;
	bool news = alarms_raise(&w->alarms, kind, severity, object, text, now);

	a = alarms_find(&w->alarms, kind, object);
	if (a && (news || now / CLOCK_S != last / CLOCK_S))
		send_alarm(w, true, a);
	alarms_end_old(&w->alarms, now);
}

void
wire_alarm_clear(struct worker *w, enum alarm_kind kind, const char *object)
{
	const struct alarm *a = alarms_find(&w->alarms, kind, object);

	if (!a)
		return;
	send_alarm(w, false, a);
	(void)alarms_clear(&w->alarms, kind, object);
}

void
wire_resend_alarms(struct worker *w)
{
	alarms_end_old(&w->alarms, clock_wall_us());
	for (uint32_t i = 0; i < w->alarms.n; i++)
		send_alarm(w, true, &w->alarms.list[i]);
}

/* ---- after a restart ---- */

static void
mark_ports(struct worker *w, const struct call_record *rec)
{
	for (int i = 0; i < CALL_LEGS; i++) {
		const struct record_leg *l = &rec->leg[i];

		if (l->media_open && l->media.slot < w->ports.n_slots)
			(void)!port_mark_used(&w->ports, l->media.slot, l->media.generation);
	}
}

/* Rows of calls that died before their first record: nobody else will close them. */
static void
close_orphans(struct worker *w)
{
	for (uint32_t i = 0; i < w->ports.n_slots; i++) {
		uint32_t generation;

		if (flow_is_open(&w->flows, i, &generation) && !w->calls.by_media[i])
			op_close(w, i, generation);
	}
}

void
wire_restore(struct worker *w)
{
	uint32_t in_hand = records_was_in_hand(&w->records), n = 0;
	struct call_record rec;

	for (uint32_t i = 0; i < w->records.n; i++) {
		enum record_slot_state st = records_get(&w->records, i, &rec);

		if (st == RECORD_FREE) {
			if (records_is_broken(&w->records, i)) {
				log_error("records.broken", "slot %u does not hold a whole record",
					  i);
				records_free(&w->records, i);
			}
			continue;
		}
		if (st == RECORD_ENDED) {
			tell_ended(w, i, &rec.id);
			continue;
		}
		if (i == in_hand && rec.crashes < 255)
			rec.crashes++;
		n++;
		mark_ports(w, &rec);
		if (calls_restore(&w->calls, i, &rec, loop_now(&w->loop)) != ERR_OK)
			log_error("records.restore", "id=%s: no place", rec.id.z);
	}
	out_of_hand(w);
	close_orphans(w);
	if (n)
		log_warn("records.restore", "%u calls found after a restart, %u go on", n,
			 calls_count(&w->calls));
}
