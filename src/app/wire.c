#include "app/wire.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metric.h"
#include "call/nominate.h"
#include "edge/enrol.h"
#include "edge/poll.h"
#include "rtp/rtp.h"

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

static bool
known_dialog(void *arg, const struct sip_msg *msg, const struct edge_source *src)
{
	struct worker *w = arg;

	return calls_know(&w->calls, msg, src);
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
		(void)!str_copyz(
			e.zone, sizeof(e.zone),
			str_sub(str_from(w->conf->zone[rec->zone].fqdn), 0, sizeof(e.zone) - 1));
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
	wire_put_request(w, &id, from, msg->method_name, word, why, NULL);
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
	(void)snprintf(text, sizeof(text), "it failed when it was last asked: %.300s", why);
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
got_overload(void *arg, const struct edge_overload *o)
{
	char text[ALARM_TEXT_MAX];
	struct worker *w = arg;

	(void)snprintf(text, sizeof(text),
		       "messages waited %llu ms, %llu new calls were refused in a second, %u of "
		       "100 now; most comes of %s; emergency calls and calls that are up go first",
		       (unsigned long long)(o->delay_us / CLOCK_MS), (unsigned long long)o->refused,
		       o->percent, o->who);
	wire_alarm_raise(w, ALARM_OVERLOAD, ALARM_MAJOR, "signaling", text);
}

void
wire_edge_up(struct worker *w, struct edge_up *up)
{
	*up = (struct edge_up){.arg = w,
			       .on_message = got_message,
			       .on_guest = got_guest,
			       .on_request = got_request,
			       .do_know = known_dialog,
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
got_digit(void *arg, const struct media_digit *d)
{
	struct worker *w = arg;

	calls_on_digit(&w->calls, d, loop_now(&w->loop));
	out_of_hand(w);
}

static void
got_handed(void *arg, const struct media_handed *h)
{
	struct worker *w = arg;

	if (h->at == 0 && rtp_kind_of(h->p, h->len) == RTP_KIND_STUN)
		calls_on_stun(&w->calls, h, loop_now(&w->loop));
	else
		dtlsdesk_take(&w->dtls, h, loop_now(&w->loop));
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
	w->media.on_handed = got_handed;
	w->media.on_digit = got_digit;
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

/* ---- after a restart ---- */

static void
mark_port(struct worker *w, const struct call_record *rec, const struct record_leg *l,
	  const struct media_open *o)
{
	if (o->slot < w->ports.n_slots &&
	    port_mark_used(&w->ports, o->slot, o->generation) == ERR_OK && l->account.z[0] &&
	    !rec->exempt)
		portshare_take(&w->shares, o->slot, portshare_owner(str_from(l->account.z)));
}

static void
mark_ports(struct worker *w, const struct call_record *rec)
{
	for (int i = 0; i < CALL_LEGS; i++) {
		const struct record_leg *l = &rec->leg[i];

		if (l->media_open)
			mark_port(w, rec, l, &l->media);
		if (l->video.open)
			mark_port(w, rec, l, &l->video.media);
	}
}

/* Rows of calls that died before their first record: nobody else will close them. */
static void
close_orphans(struct worker *w)
{
	for (uint32_t i = 0; i < w->ports.n_slots; i++) {
		struct flow_row row;

		if (flow_peek(&w->flows, i, &row) == ERR_OK && !w->calls.by_media[i])
			w->calls.ops.do_close(w, i, row.generation);
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
			wire_tell_ended(w, i, &rec.id);
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
	/* the page outlives us: what was there and did not come back counts no more */
	metric_set(METRIC_calls, calls_count(&w->calls));
	metric_set(METRIC_ports_used, port_used(&w->ports));
	if (n)
		log_warn("records.restore", "%u calls found after a restart, %u go on", n,
			 calls_count(&w->calls));
}
