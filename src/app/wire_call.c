#include "app/wire_call.h"

#include <stdio.h>
#include <string.h>

#include "app/wire_admin.h"
#include "base/codec.h"
#include "base/digest.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/secret.h"

/* ---- call to edge ---- */

/* What a message shows is said to media before it leaves: a packet may come back at once. */
static void
tell_media(struct worker *w)
{
	(void)media_ctl_flush(&w->media);
}

static enum err
op_send(void *arg, const struct edge_dest *d, enum sip_method method, struct str msg, void *user,
	struct edge_txn **out)
{
	struct worker *w = arg;

	tell_media(w);
	return edge_send(w->edge, d, method, msg, user, out);
}

static void
op_respond(void *arg, struct edge_txn *txn, int status, struct str msg)
{
	tell_media(arg);
	edge_respond(txn, status, msg);
}

static void
op_respond_again(void *arg, struct edge_txn *txn)
{
	(void)arg;
	edge_respond_again(txn);
}

static void
op_acked(void *arg, struct edge_txn *txn)
{
	(void)arg;
	edge_acked(txn);
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

	tell_media(w);
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

/* Whose ports those of this trunk are, where there are others who may want some. */
static uint16_t
port_owner(const struct worker *w, uint32_t trunk, bool spare)
{
	uint32_t a = w->accounts.trunk[trunk].account;

	if (spare || a == POLICY_NONE || w->accounts.n_accounts < 2)
		return PORTSHARE_NOBODY;
	return portshare_owner(snapshot_text(&w->accounts, w->accounts.account[a].id));
}

static enum err
op_port(void *arg, uint32_t trunk, uint32_t near, bool spare, uint32_t *slot, uint32_t *generation,
	struct addr *shown)
{
	struct worker *w = arg;
	uint16_t owner = port_owner(w, trunk, spare);
	uint64_t now = loop_now(&w->loop);
	uint32_t i;
	enum err e = media_addr_of(w, trunk, spare, &i);

	if (e != ERR_OK)
		return e;
	if (!portshare_may(&w->shares, &w->ports, i, owner, now))
		return ERR_AGAIN;
	e = port_alloc(&w->ports, i, near, spare, now, slot, generation);
	if (e != ERR_OK)
		return e;
	portshare_take(&w->shares, *slot, owner);
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
	secret_wipe(&w->secrets.rows[slot], sizeof(w->secrets.rows[slot]));
	port_free(&w->ports, slot, loop_now(&w->loop));
	portshare_free(&w->shares, slot, loop_now(&w->loop));
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
				.lifetime = media_secret_life(&m)};
	memcpy(out->key, m.key, info->key_len);
	memcpy(out->salt, m.salt, info->salt_len);
	secret_wipe(&m, sizeof(m));
	return ERR_OK;
}

static void
op_print(void *arg, uint8_t *print)
{
	struct worker *w = arg;

	memcpy(print, w->dtls.own.print, CALL_PRINT_LEN);
}

static bool
op_keying(void *arg, const struct call_keying *k)
{
	struct worker *w = arg;

	return dtlsdesk_want(&w->dtls, k, loop_now(&w->loop));
}

static void
op_no_keying(void *arg, uint32_t slot)
{
	struct worker *w = arg;

	dtlsdesk_drop(&w->dtls, slot);
}

static bool
op_ice_pwd(void *arg, const char *ufrag, char *pwd)
{
	struct worker *w = arg;
	struct str seed = str_of(w->secrets.seed, FLOW_SEED_LEN);
	uint8_t mac[DIGEST_MAX];
	struct buf b;

	if (digest_hmac(DIGEST_HMAC_SHA256, seed, str_from(ufrag), mac) != ERR_OK)
		return false;
	buf_init(&b, pwd, SDP_PWD_SIZE);
	codec_b64_put(&b, mac, (SDP_PWD_SIZE - 1) / 4 * 3, false);
	secret_wipe(mac, sizeof(mac));
	return *buf_cstr(&b) != 0;
}

static void
op_datagram(void *arg, const struct media_send *s)
{
	struct worker *w = arg;

	media_ctl_send(&w->media, s);
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

	dtlsdesk_drop(&w->dtls, slot);
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

static bool
op_digit(void *arg, const struct media_digit *d)
{
	struct worker *w = arg;

	return media_ctl_digit(&w->media, d);
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
op_store(void *arg, uint32_t slot, const struct call_record *rec, bool ended)
{
	struct worker *w = arg;

	tracetap_store(&w->trace, slot, rec, ended);
	records_put(&w->records, slot, ended ? RECORD_ENDED : RECORD_LIVE, rec);
	records_in_hand(&w->records, ended ? RECORDS_NONE : slot);
	if (ended)
		wire_tell_ended(w, slot, &rec->id);
}

static bool
op_scarce(void *arg)
{
	struct worker *w = arg;
	uint32_t used = records_used(&w->records), live = calls_count(&w->calls);

	/* what is kept for calls for help is free for nobody else */
	return used > live && used - live + CALL_SPARE > w->records.n_free;
}

static void
op_drop(void *arg, uint32_t slot, const struct call_record *rec)
{
	struct worker *w = arg;

	tracetap_store(&w->trace, slot, rec, true);
	records_give(&w->records, slot);
	records_in_hand(&w->records, RECORDS_NONE);
}

static void
op_note(void *arg, const struct id *id, enum refusal r, const struct sip_msg *m,
	const struct edge_source *src)
{
	struct worker *w = arg;

	tracetap_refused(&w->trace, id, m->call_id);
	wire_put_request(w, id, &src->remote, m->method_name, refusal_name(r), refusal_text(r),
			 &src->account_id);
}

static void
op_emergency(void *arg, const struct call_record *rec, const char *what, enum call_help help)
{
	/* each an alarm of its own: a call that is carried does not hide one that was not */
	static const struct {
		enum alarm_kind kind;
		enum alarm_severity severity;
	} alarms[] = {[CALL_HELP_CARRIED] = {ALARM_EMERGENCY, ALARM_NOTICE},
		      [CALL_HELP_REFUSED] = {ALARM_EMERGENCY_REFUSED, ALARM_MAJOR},
		      [CALL_HELP_LOST] = {ALARM_EMERGENCY_LOST, ALARM_CRITICAL}};
	const struct record_leg *a = &rec->leg[LEG_A];
	const char *who = a->account.z[0] ? a->account.z : "(no account)";
	char text[ALARM_TEXT_MAX];
	struct worker *w = arg;

	(void)snprintf(text, sizeof(text), "%s called %s from %s over trunk %s: %s (call %s)", who,
		       rec->to_received, rec->from_received, a->trunk.z[0] ? a->trunk.z : "(none)",
		       what, rec->id.z);
	log_warn("call.emergency", "%s", text);
	wire_alarm_raise(w, alarms[help].kind, alarms[help].severity, who, text);
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
				 .do_acked = op_acked,
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
				 .do_print = op_print,
				 .do_keying = op_keying,
				 .do_no_keying = op_no_keying,
				 .do_ice_pwd = op_ice_pwd,
				 .do_datagram = op_datagram,
				 .do_open = op_open,
				 .do_close = op_close,
				 .do_stats = op_stats,
				 .do_digit = op_digit,
				 .do_slot = op_slot,
				 .do_store = op_store,
				 .do_scarce = op_scarce,
				 .do_drop = op_drop,
				 .do_note = op_note,
				 .do_emergency = op_emergency,
				 .do_carrier = op_carrier};
}
