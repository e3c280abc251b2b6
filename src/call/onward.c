#include "call/onward.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "call/admit.h"
#include "call/alter.h"
#include "call/pass.h"

enum { ONWARD_URI_MAX = 1536, ONWARD_EVENT_MAX = 32 };

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

/* A value among the headers of a URI: what could end it there is escaped (RFC 3261 19.1.1). */
static void
put_escaped(struct buf *b, struct str s)
{
	for (size_t k = 0; k < s.len; k++)
		if (ascii_alnum(s.p[k]) || s.p[k] == '-' || s.p[k] == '.' || s.p[k] == '_')
			buf_char(b, s.p[k]);
		else
			buf_printf(b, "%%%02X", (uint8_t)s.p[k]);
}

/* The far party of a leg, and the dialog with us as it names it (RFC 3891 3): to-tag is its own. */
static void
put_party(struct buf *b, const struct sip_dialog *d)
{
	struct str target = sip_dialog_str(d, SIP_DIALOG_TARGET);

	buf_str(b, str_sub(target, 0, str_chr(target, '?')));
	buf_z(b, "?Replaces=");
	put_escaped(b, sip_dialog_str(d, SIP_DIALOG_CALL_ID));
	buf_z(b, "%3Bto-tag%3D");
	put_escaped(b, sip_dialog_str(d, SIP_DIALOG_REMOTE_TAG));
	buf_z(b, "%3Bfrom-tag%3D");
	put_escaped(b, sip_dialog_str(d, SIP_DIALOG_LOCAL_TAG));
}

bool
onward_attended(struct call *c, enum call_leg_index i, struct edge_txn *txn,
		const struct sip_msg *m, const struct call *o, enum call_leg_index j)
{
	const struct record_leg *asked = &c->rec.leg[1 - i], *far = &o->rec.leg[1 - j];
	char uri[ONWARD_URI_MAX];
	struct buf b;

	if (!onward_passes(c, i) || strcmp(asked->trunk.z, far->trunk.z) != 0)
		return false;
	buf_init(&b, uri, sizeof(uri) - 1);
	put_party(&b, &far->dialog);
	if (buf_end(&b) != ERR_OK)
		return false;
	log_info("call.refer", "id=%s leg=%c goes on, to the party of call %s", c->rec.id.z,
		 i == LEG_A ? 'A' : 'B', o->rec.id.z);
	c->onward[i] = m->cseq;
	pass_on(c, i, txn, m,
		&(struct leg_request){.method = SIP_REFER, .from = m, .refer_to = buf_cstr(&b)});
	return true;
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
