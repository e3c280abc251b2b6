#include "ops/show.h"

#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "ops/advice.h"
#include "ops/cdr.h"
#include "ops/explain.h"
#include "ops/lastrefusal.h"
#include "ops/lines.h"
#include "ops/showtls.h"

enum {
	SHOW_FACTS_MAX = SHOWHANDS_ROW_MAX, /* also: a line of the file of CDRs */
	SHOW_ADVICE_MAX = 8192,
	SHOW_SAID_MAX = 1024,
	SHOW_REACHED_MAX = 256 * 1024
};
_Static_assert((int)SHOW_FACTS_MAX > (int)LINES_LEN_MAX, "room for a CDR");

static void
put_error(struct buf *b, const char *why)
{
	buf_reset(b);
	buf_z(b, "{\"ok\":false,\"error\":");
	buf_json(b, str_from(why));
	buf_char(b, '}');
}

static const char *
comma_after(const struct buf *b)
{
	return b->len && (b->p[b->len - 1] == '[' || b->p[b->len - 1] == '{') ? "" : ",";
}

static struct handstore *
open_hands(struct show *s, const struct handring **ring, const char **why)
{
	*why = "";
	return s->do_handshakes(s->arg, ring, why);
}

/* ---- stats ---- */

static void
put_metrics(const struct show *s, struct buf *b)
{
	buf_z(b, "\"metrics\":{");
	for (int m = 0; m < METRIC_N; m++) {
		uint64_t sum = 0;

		for (uint32_t i = 0; i < s->n_pages; i++)
			sum += metric_get(s->page[i], (enum metric)m);
		buf_printf(b, "%s\"%s\":%llu", comma_after(b), metric_name((enum metric)m),
			   (unsigned long long)sum);
	}
	buf_char(b, '}');
}

static void
put_slots(const struct show *s, struct buf *b)
{
	uint32_t n[RECORD_ENDED + 1] = {0};

	for (uint32_t i = 0; i < s->records->n; i++) {
		enum record_slot_state st = records_peek(s->records, i);

		if (st <= RECORD_ENDED)
			n[st]++;
	}
	buf_printf(b, ",\"records\":{\"slots\":%u,\"slots_used\":%u,\"live\":%u,\"ended\":%u}",
		   s->records->n, n[RECORD_LIVE] + n[RECORD_ENDED], n[RECORD_LIVE],
		   n[RECORD_ENDED]);
}

static void
put_dropped(const struct show *s, struct buf *b)
{
	buf_z(b, ",\"media_dropped_why\":{");
	for (int d = 0; s->media && d < MEDIA_DROP_N; d++) {
		uint64_t sum = 0;

		for (int w = 0; w < MEDIA_WORKERS_MAX; w++)
			sum += s->media[w].dropped[d];
		buf_printf(b, "%s\"%s\":%llu", comma_after(b), media_drop_name((enum media_drop)d),
			   (unsigned long long)sum);
	}
	buf_char(b, '}');
}

static void
put_io(const struct show *s, struct buf *b)
{
	struct io_counts sum = {0};

	for (int w = 0; s->io_counts && w < MEDIA_WORKERS_MAX; w++) {
#define X(name, help) sum.name += s->io_counts[w].name;
		IO_COUNT_LIST(X)
#undef X
	}
	buf_z(b, ",\"media_io\":");
	buf_json(b, str_from(s->io ? s->io : ""));
	buf_z(b, ",\"media_io_packets\":{");
#define X(name, help)                                                                              \
	buf_printf(b, "%s\"" #name "\":%llu", comma_after(b), (unsigned long long)sum.name);
	IO_COUNT_LIST(X)
#undef X
	buf_char(b, '}');
}

/* By reason, and how the store of them does. */
static void
put_hands(struct show *s, struct buf *b)
{
	const struct handring *ring;
	const char *why;
	struct handstore *hs = open_hands(s, &ring, &why);

	buf_char(b, ',');
	showhands_put_counts(b, ring);
	buf_printf(b, ",\"handshakes_stored\":%llu,\"handshakes_store\":",
		   (unsigned long long)(hs ? handstore_count(hs) : 0));
	buf_json(b, str_from(hs ? "fine" : why));
}

static void
answer_stats(struct show *s, const struct json *q, struct buf *b)
{
	(void)q;
	buf_z(b, "{\"ok\":true,\"node\":");
	buf_json(b, str_from(s->node));
	buf_z(b, ",\"version\":");
	buf_json(b, str_from(s->version));
	buf_printf(b,
		   ",\"admin_epoch\":%llu,\"accounts_version\":%llu,\"store\":\"%s\",\"uid\":%u,",
		   (unsigned long long)s->epoch, (unsigned long long)s->store_version,
		   s->store_broken ? "broken, the last good accounts are used" : "fine", s->uid);
	buf_printf(b, "\"roles_share_uid\":%s,", s->shared_uid ? "true" : "false");
	buf_z(b, "\"srtp\":");
	buf_json(b, str_from(s->srtp ? s->srtp : ""));
	buf_char(b, ',');
	put_metrics(s, b);
	put_slots(s, b);
	put_dropped(s, b);
	put_io(s, b);
	put_hands(s, b);
	buf_char(b, '}');
}

/* ---- calls ---- */

/* The counters of a leg as they are now. */
static void
refresh_stats(const struct show *s, struct record_leg *l)
{
	struct media_stats now;

	if (l->media_open && !l->stats_final &&
	    s->do_media_stats(s->arg, l->media.slot, l->media.generation, &now))
		l->stats = now;
	if (l->video.open && !l->video.final &&
	    s->do_media_stats(s->arg, l->video.media.slot, l->video.media.generation, &now)) {
		l->video.in_packets += now.in_packets;
		l->video.out_packets += now.out_packets;
	}
}

/* Whose a transferred call is, where neither leg says so now and nobody pays: the customer's leg
 * stands in the record of a call that it was changed for (call/join.h). */
static void
find_customer(const struct show *s, struct call_record *rec)
{
	struct call_record r;

	if (cdr_customer_leg(rec)->account.z[0] || rec->payer.z[0] ||
	    !(rec->transfers || rec->joining))
		return;
	for (uint32_t i = 0; i < s->records->n && !rec->payer.z[0]; i++)
		if (records_peek(s->records, i) == RECORD_LIVE &&
		    records_get(s->records, i, &r) == RECORD_LIVE && r.rides &&
		    strcmp(r.transfer_of.z, rec->id.z) == 0)
			rec->payer = r.leg[r.rides - 1].account;
}

static bool
get_live(const struct show *s, uint32_t slot, struct call_record *rec)
{
	if (records_peek(s->records, slot) != RECORD_LIVE ||
	    records_get(s->records, slot, rec) != RECORD_LIVE)
		return false;
	refresh_stats(s, &rec->leg[LEG_A]);
	refresh_stats(s, &rec->leg[LEG_B]);
	find_customer(s, rec);
	return true;
}

/* The call's CDR as it is so far, with state and seconds in front. */
static void
put_call(struct buf *b, const struct call_record *rec)
{
	uint64_t now = clock_now_us();
	uint64_t us = rec->answer_us && now > rec->answer_mono_us ? now - rec->answer_mono_us : 0;

	buf_printf(b, "%s{\"state\":\"%s\",\"seconds\":%llu,\"record\":", comma_after(b),
		   b2bua_state_name((enum b2bua_state)rec->state),
		   (unsigned long long)(us / CLOCK_S));
	cdr_put(b, rec);
	buf_char(b, '}');
}

static uint32_t
limit_of(const struct json *q, uint32_t def, uint32_t max)
{
	int64_t n = jsonin_int(q, "limit");

	return n <= 0 ? def : n > max ? max : (uint32_t)n;
}

static void
answer_calls(struct show *s, const struct json *q, struct buf *b)
{
	uint32_t left = limit_of(q, SHOW_CALLS_LIMIT, SHOW_CALLS_LIMIT), n = 0;
	struct call_record rec;
	bool more = false;

	buf_z(b, "{\"ok\":true,\"list\":[");
	for (uint32_t i = 0; i < s->records->n && !more; i++) {
		if (!get_live(s, i, &rec))
			continue;
		more = n == left || b->cap - b->len < CDR_LINE_MAX + 256;
		if (more)
			break;
		put_call(b, &rec);
		n++;
	}
	buf_printf(b, "],\"n\":%u,\"more\":%s}", n, more ? "true" : "false");
}

/* ---- handshakes ---- */

static void
put_hands_error(struct buf *b, const char *why)
{
	char text[HANDSTORE_WHY_MAX + 64];
	struct buf t;

	buf_init(&t, text, sizeof(text));
	buf_printf(&t, "the store of handshakes cannot be used: %s", why);
	put_error(b, buf_cstr(&t));
}

static void
answer_handshakes(struct show *s, const struct json *q, struct buf *b)
{
	const struct handring *ring;
	const char *why;
	struct handstore *hs = open_hands(s, &ring, &why);
	struct str peer = str_from(jsonin_text(q, "peer"));
	struct addr unused;

	if (!hs) {
		put_hands_error(b, why);
		return;
	}
	if (peer.len && addr_parse(peer, &unused) != ERR_OK) {
		put_error(b, "peer is an address, with or without a port: 203.0.113.7");
		return;
	}
	buf_z(b, "{\"ok\":true,");
	showhands_list(hs, q, clock_wall_us(), b);
	buf_char(b, '}');
}

static void
answer_tls_report(struct show *s, const struct json *q, struct buf *b)
{
	const struct handring *ring;
	const char *why;
	struct handstore *hs = open_hands(s, &ring, &why);

	if (hs)
		showtls_answer(hs, q, clock_wall_us(), b);
	else
		put_hands_error(b, why);
}

static void
answer_alarms(struct show *s, const struct json *q, struct buf *b)
{
	(void)q;
	buf_z(b, "{\"ok\":true,\"list\":[");
	for (uint32_t i = 0; i < s->alarms->n; i++) {
		buf_z(b, comma_after(b));
		alarm_put(b, &s->alarms->list[i]);
	}
	buf_printf(b, "],\"left_out\":%llu}", (unsigned long long)s->alarms->left_out);
}

static void
answer_gateways(struct show *s, const struct json *q, struct buf *b)
{
	(void)q;
	buf_z(b, "{\"ok\":true,\"list\":[");
	if (s->gateways)
		gateways_put(b, s->gateways);
	buf_z(b, "]}");
}

/* ---- explain ---- */

/* Refused handshakes of a call's targets: into the text, and as {"list":[..]} into list; nothing
 * where there are none. */
static void
put_reached(struct show *s, const struct json *cdr, struct buf *words, struct buf *list)
{
	const struct handring *ring;
	const char *why;
	struct handstore *hs = open_hands(s, &ring, &why);
	struct json *j = NULL;

	buf_z(list, "{\"list\":");
	if (hs && showhands_of_call(hs, cdr, list)) {
		buf_char(list, '}');
		if (buf_end(list) == ERR_OK && jsonin_parse(buf_view(list), &j) == ERR_OK) {
			explain_reached(words, jsonin_get(j, "list"));
			jsonin_free(&j);
			return;
		}
	}
	buf_reset(list);
}

/* What to do about it; where handshakes failed for a call, what to do about the first of them. */
static void
put_advice(struct buf *b, const struct json *facts, struct str reached)
{
	struct json *j = NULL;

	if (reached.len && strcmp(jsonin_text(facts, "refusal"), "UNREACHABLE") == 0 &&
	    jsonin_parse(reached, &j) == ERR_OK)
		advice_put(b, jsonin_at(jsonin_get(j, "list"), 0));
	jsonin_free(&j);
	if (b->len == 0)
		advice_put(b, facts);
}

/* A sentence or two, what to do, and the facts: the object whose text is in facts; said: more about
 * it, or empty. */
static void
put_explained(struct show *s, struct buf *b, struct str facts, const char *state, struct str said)
{
	static char words[EXPLAIN_TEXT_MAX], advice[SHOW_ADVICE_MAX], reached[SHOW_REACHED_MAX];
	struct json *j;
	struct buf w, t, r;
	bool call;

	if (jsonin_parse(facts, &j) != ERR_OK) {
		put_error(b, "what was written about it cannot be read");
		return;
	}
	buf_init(&w, words, sizeof(words));
	buf_init(&t, advice, sizeof(advice));
	buf_init(&r, reached, sizeof(reached));
	call = !*jsonin_text(j, "kind");
	if (call) {
		explain_call(&w, j, state);
		put_reached(s, j, &w, &r);
	} else {
		explain_note(&w, j);
	}
	buf_str(&w, said);
	put_advice(&t, j, buf_view(&r));
	buf_printf(b, "{\"ok\":true,\"kind\":\"%s\",\"text\":",
		   call ? "call" : jsonin_text(j, "kind"));
	buf_json(b, buf_view(&w));
	if (t.len) {
		buf_z(b, ",\"advice\":");
		buf_json(b, buf_view(&t));
	}
	if (r.len) {
		buf_z(b, ",\"reached\":");
		buf_str(b, buf_view(&r));
	}
	jsonin_free(&j);
	buf_z(b, ",\"facts\":");
	buf_str(b, facts);
	buf_char(b, '}');
}

/* In the records: live, or ended with its CDR not yet written. */
static bool
find_record(const struct show *s, const char *id, struct call_record *rec, bool *live)
{
	for (uint32_t i = 0; i < s->records->n; i++) {
		enum record_slot_state st = records_peek(s->records, i);

		if (st != RECORD_FREE)
			st = records_get(s->records, i, rec);
		if (st == RECORD_FREE || strcmp(rec->id.z, id) != 0)
			continue;
		*live = st == RECORD_LIVE;
		refresh_stats(s, &rec->leg[LEG_A]);
		refresh_stats(s, &rec->leg[LEG_B]);
		if (*live)
			find_customer(s, rec);
		return true;
	}
	return false;
}

/* By its id; else by whose it was, with sentences about that in said. */
static enum err
find_facts(struct show *s, const char *id, struct buf *b, const char **state, struct buf *said)
{
	struct lastrefusal_in in = {
		.cdr_path = s->cdr_path, .records = s->records, .now_us = clock_wall_us()};
	struct call_record rec = {0};
	const struct handring *ring;
	const char *why;
	char start[64];
	struct buf z;
	bool live;
	enum err e;

	if (find_record(s, id, &rec, &live)) {
		cdr_put(b, &rec);
		*state = live ? b2bua_state_name((enum b2bua_state)rec.state) : NULL;
		return buf_end(b);
	}
	buf_init(&z, start, sizeof(start));
	cdr_put_start(&z, id);
	e = buf_end(&z) == ERR_OK ? lines_find(s->cdr_path, buf_view(&z), b) : ERR_NOTFOUND;
	if (e != ERR_NOTFOUND)
		return e;
	in.hands = open_hands(s, &ring, &why);
	e = in.hands ? showhands_find_id(in.hands, id, b) : ERR_NOTFOUND;
	return e == ERR_NOTFOUND ? lastrefusal_find(&in, id, b, said) : e;
}

/* Strangers get no answer and leave no record: only how many they were is known. */
static void
put_unknown(const struct show *s, const char *id, struct buf *b)
{
	char text[512];
	uint64_t strangers = 0;
	struct addr unused;
	struct buf t;

	for (uint32_t i = 0; i < s->n_pages; i++)
		strangers += metric_get(s->page[i], METRIC_sip_unknown_source);
	buf_init(&t, text, sizeof(text));
	buf_z(&t, "no call, handshake or refused request has this id, and no refusal of such an "
		  "address, account, trunk or host is kept");
	if (strangers && addr_parse(str_from(id), &unused) == ERR_OK)
		buf_printf(&t,
			   "; %llu datagrams and connections of addresses that no trunk has as a "
			   "source were dropped without a word (sip.stranger in the log names "
			   "some): if this is the address of a gateway, add it to the sources of "
			   "its trunk",
			   (unsigned long long)strangers);
	put_error(b, buf_cstr(&t));
}

static void
answer_explain(struct show *s, const struct json *q, struct buf *b)
{
	const char *id = jsonin_text(q, "id"), *state = NULL;
	char *mem = mem_zalloc(1, SHOW_FACTS_MAX), said_mem[SHOW_SAID_MAX];
	struct buf facts, said;
	enum err e;

	buf_init(&facts, mem, SHOW_FACTS_MAX);
	buf_init(&said, said_mem, sizeof(said_mem));
	e = mem ? find_facts(s, id, &facts, &state, &said) : ERR_NOMEM;
	if (e == ERR_OK)
		put_explained(s, b, buf_view(&facts), state, buf_view(&said));
	else if (e == ERR_NOTFOUND)
		put_unknown(s, id, b);
	else
		put_error(b, err_text(e));
	mem_free(mem);
}

/* ---- trace ---- */

static void
answer_trace(struct show *s, const struct json *q, struct buf *b)
{
	struct call_record rec = {0};
	bool live, found = find_record(s, jsonin_text(q, "id"), &rec, &live);
	enum err e = showtrace_put(s->trace, found ? &rec : NULL, q, b);

	if (e != ERR_OK)
		put_error(b, e == ERR_NOTFOUND
				     ? "no message of such a call or refused request is kept; "
				       "trace and trace_size in postern.yaml say what is"
				     : err_text(e));
}

/* ---- commands ---- */

static void
answer_hangup(struct show *s, const struct json *q, struct buf *b)
{
	const char *id = jsonin_text(q, "id");
	struct call_record rec;
	enum err e = ERR_NOTFOUND;

	for (uint32_t i = 0; e == ERR_NOTFOUND && i < s->records->n; i++)
		if (get_live(s, i, &rec) && strcmp(rec.id.z, id) == 0)
			e = s->do_hangup(s->arg, &rec.id);
	if (e == ERR_OK)
		buf_z(b, "{\"ok\":true}");
	else
		put_error(b, e == ERR_NOTFOUND ? "no call has this id now"
					       : "signaling does not take it now; try again");
}

/* The store is read at once; for certificates and policy the asker comes back with the ticket. */
static void
answer_reload(struct show *s, const struct json *q, struct buf *b)
{
	uint64_t ticket = 0;
	enum err e = s->do_reload(s->arg, &ticket);

	(void)q;
	if (e != ERR_OK)
		buf_z(b,
		      "{\"ok\":false,\"error\":\"the store cannot be used; the last good accounts "
		      "stay in use. See the log\"");
	else
		buf_printf(b, "{\"ok\":true,\"accounts_version\":%llu",
			   (unsigned long long)s->store_version);
	buf_printf(b, ",\"ticket\":%llu}", (unsigned long long)ticket);
}

static void
put_lines(struct buf *b, struct str text)
{
	buf_z(b, ",\"lines\":[");
	while (text.len) {
		buf_z(b, comma_after(b));
		buf_json(b, str_cut(&text, '\n'));
	}
	buf_z(b, "]}");
}

static void
answer_outcome(struct show *s, const struct json *q, struct buf *b)
{
	int64_t ticket = jsonin_int(q, "ticket");
	struct show_reload r;

	if (ticket <= 0 || !s->do_outcome(s->arg, (uint64_t)ticket, &r)) {
		put_error(b, "no reload has this ticket; admin may have been started again since");
		return;
	}
	if (!r.done) {
		buf_z(b, "{\"ok\":true,\"done\":false}");
		return;
	}
	buf_printf(b, "{\"ok\":%s,\"done\":true,\"outcome\":\"%s\",\"%s\":",
		   r.refused ? "false" : "true",
		   r.refused   ? "refused"
		   : r.restart ? "restart"
			       : "done",
		   r.refused ? "error" : "why");
	buf_json(b, str_from(r.why));
	put_lines(b, r.text);
}

void
show_answer(struct show *s, struct str line, struct buf *b)
{
	static const struct {
		const char *cmd;
		void (*do_answer)(struct show *s, const struct json *q, struct buf *b);
	} commands[] = {
		{"stats", answer_stats},
		{"calls", answer_calls},
		{"explain", answer_explain},
		{"handshakes", answer_handshakes},
		{"hangup", answer_hangup},
		{"reload", answer_reload},
		{"tls-report", answer_tls_report},
		{"alarms", answer_alarms},
		{"gateways", answer_gateways},
		{"trace", answer_trace},
		{"reload-outcome", answer_outcome},
	};
	struct json *q = NULL;
	enum err e = jsonin_parse(line, &q);
	const char *cmd = jsonin_text(q, "cmd");
	size_t i = 0;

	while (i < ARRAY_LEN(commands) && strcmp(commands[i].cmd, cmd) != 0)
		i++;
	if (e != ERR_OK)
		put_error(b, "a request is one line with one JSON object, as {\"cmd\":\"stats\"}");
	else if (i == ARRAY_LEN(commands))
		put_error(b, "cmd is one of stats, calls, explain, handshakes, tls-report, hangup, "
			     "reload, "
			     "reload-outcome, alarms, gateways, trace");
	else
		commands[i].do_answer(s, q, b);
	jsonin_free(&q);
}
