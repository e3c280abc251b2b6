#include "call/onward.h"

#include <stdio.h>

#include "base/log.h"
#include "call/admit.h"
#include "call/alter.h"
#include "call/pass.h"

enum { ONWARD_URI_MAX = 512, ONWARD_EVENT_MAX = 32 };

bool
onward_passes(const struct call *c, enum call_leg_index i)
{
	const struct trunk *t = leg_trunk(c, i), *to = leg_trunk(c, (enum call_leg_index)(1 - i));

	return t && to && t->refer == TRUNK_REFER_PASS && to->refer == TRUNK_REFER_PASS;
}

enum refusal
onward_refer(struct call *c, enum call_leg_index i, struct edge_txn *txn, const struct sip_msg *m,
	     const struct sip_uri *to, const struct edge_source *src, char why[CALL_WHY_MAX])
{
	enum call_leg_index other = (enum call_leg_index)(1 - i);
	struct calls *cs = c->owner;
	char sent[NUMBER_SIZE], uri[ONWARD_URI_MAX];
	struct number n;
	struct buf b;
	enum refusal r = admit_reference(cs, src, to, &n, why);
	uint32_t trunk;

	if (r != REFUSAL_NONE)
		return r;
	trunk = snapshot_trunk(cs->snap, str_from(c->rec.leg[other].trunk.z));
	if (alter_number(cs, trunk, n.z, sent) != ERR_OK)
		return REFUSAL_NUMBER;
	buf_init(&b, uri, sizeof(uri) - 1);
	leg_put_number_uri(c, other, sent, &b);
	if (buf_end(&b) != ERR_OK)
		return REFUSAL_INTERNAL;
	log_info("call.refer", "id=%s leg=%c goes on, to=%s", c->rec.id.z, i == LEG_A ? 'A' : 'B',
		 n.z);
	c->onward[i] = m->cseq;
	pass_on(c, i, txn, m,
		&(struct leg_request){.method = SIP_REFER, .from = m, .refer_to = buf_cstr(&b)});
	return REFUSAL_NONE;
}

bool
onward_notify(struct call *c, enum call_leg_index i, struct edge_txn *txn, const struct sip_msg *m)
{
	struct str event = sip_msg_value(m, SIP_H_EVENT);
	char text[ONWARD_EVENT_MAX];
	uint32_t id = c->onward[1 - i];

	if (!id || !str_ieqz(str_trim(str_sub(event, 0, str_chr(event, ';'))), "refer"))
		return false;
	(void)snprintf(text, sizeof(text), "refer;id=%u", id);
	pass_on(c, i, txn, m,
		&(struct leg_request){
			.method = SIP_NOTIFY, .from = m, .whole = true, .event = text});
	return true;
}
