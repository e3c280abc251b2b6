#include "app/tracetap.h"

#include "base/clock.h"
#include "base/mem.h"

enum err
tracetap_init(struct tracetap *t, int fd, uint32_t n)
{
	t->bound = mem_zalloc(n, sizeof(*t->bound));
	t->n = n;
	return t->bound ? tracering_open(fd, true, &t->ring) : ERR_NOMEM;
}

void
tracetap_message(struct tracetap *t, const struct edge_seen *seen)
{
	struct trace_message m = {.out = seen->out,
				  .transport = (uint8_t)seen->transport,
				  .peer = seen->peer,
				  .local = seen->local};

	if (t->mode == CONF_TRACE_OFF)
		return;
	m.at_us = clock_wall_us();
	tracering_put(&t->ring, &m, seen->bytes);
}

/* Tells the ring once which Call-ID a leg has, and once more at the end: the first is gone from it
 * before the last messages are. */
static void
bind_leg(struct tracetap *t, uint32_t slot, const struct call_record *rec, uint8_t leg, bool again)
{
	const struct record_leg *l = &rec->leg[leg];
	struct str call_id = sip_dialog_str(&l->dialog, SIP_DIALOG_CALL_ID);
	struct trace_call c = {.id = rec->id, .leg = leg, .trunk = l->trunk};
	uint64_t key;

	if (leg == LEG_A && !call_id.len)
		call_id = t->in_hand;
	key = call_id.len ? tracering_key(&t->ring, call_id) : 0;
	if (!key || (t->bound[slot][leg] == key && !again))
		return;
	t->bound[slot][leg] = key;
	tracering_bind(&t->ring, &c, call_id);
}

static bool
went_well(const struct call_record *rec)
{
	return rec->answer_us && rec->refusal == REFUSAL_NONE;
}

void
tracetap_store(struct tracetap *t, uint32_t slot, const struct call_record *rec, bool ended)
{
	if (t->mode == CONF_TRACE_OFF || slot >= t->n)
		return;
	for (int i = 0; i < CALL_LEGS; i++)
		bind_leg(t, slot, rec, (uint8_t)i, ended);
	if (!ended)
		return;
	for (int i = 0; i < CALL_LEGS; i++) {
		t->bound[slot][i] = 0;
		if (t->mode == CONF_TRACE_FAILED && went_well(rec))
			tracering_wipe(&t->ring,
				       sip_dialog_str(&rec->leg[i].dialog, SIP_DIALOG_CALL_ID));
	}
}

void
tracetap_refused(struct tracetap *t, const struct id *id, struct str call_id)
{
	struct trace_call c = {.id = *id, .leg = LEG_A};

	if (t->mode != CONF_TRACE_OFF && call_id.len)
		tracering_bind(&t->ring, &c, call_id);
}
