#include "call/speak.h"

#include "base/log.h"
#include "base/random.h"

static const struct call_ops *
ops_of(const struct call *c)
{
	return &c->owner->ops;
}

void
speak_store(struct call *c)
{
	c->rec.state = (uint8_t)c->m.state;
	c->rec.owes_ack = c->m.owes_ack;
	ops_of(c)->do_store(ops_of(c)->arg, c->slot, &c->rec, false);
}

static void
begin_msg(struct call *c, struct buf *b)
{
	buf_init(b, c->owner->msg, sizeof(c->owner->msg));
}

/* The INVITE that is acknowledged, while it lives: a proxy may want to see its credentials again.
 */
static void
name_invite(const struct call *c, enum call_leg_index i, struct edge_dest *d)
{
	const struct edge_txn *t = i == LEG_B ? c->leg[LEG_B].invite : NULL;

	if (c->change.out && c->change.asked.leg == i)
		t = c->change.out;
	if (t)
		(void)!str_copyz(d->invite, sizeof(d->invite),
				 str_from(ops_of(c)->do_branch_of(ops_of(c)->arg, t)));
}

void
speak_ack(struct call *c, enum call_leg_index i)
{
	struct edge_dest dest;
	struct buf b;

	begin_msg(c, &b);
	leg_put_ack(c, i, &b, c->leg[i].answer_in_ack ? said_of(c, i) : STR_NULL);
	if (buf_end(&b) != ERR_OK || leg_dest(c, i, &dest) != ERR_OK)
		return;
	name_invite(c, i, &dest);
	ops_of(c)->do_send_once(ops_of(c)->arg, &dest, false, buf_view(&b));
}

bool
speak_bye(struct call *c, enum call_leg_index i)
{
	struct call_leg *leg = &c->leg[i];
	struct edge_dest dest;
	struct buf b;

	begin_msg(c, &b);
	if (c->rec.leg[i].dialog.state == SIP_DIALOG_NEW || leg->left ||
	    leg_put_bye(c, i, &b) != ERR_OK || leg_dest(c, i, &dest) != ERR_OK)
		return false;
	(void)!sip_dialog_step(&c->rec.leg[i].dialog, SIP_DIALOG_EV_BYE);
	speak_store(c);
	return ops_of(c)->do_send(ops_of(c)->arg, &dest, SIP_BYE, buf_view(&b), &leg->u_bye,
				  &leg->bye) == ERR_OK;
}

bool
speak_request(struct call *c, enum call_leg_index i, const struct leg_request *r,
	      struct call_user *user, struct edge_txn **out)
{
	struct edge_dest dest;
	struct buf b;

	begin_msg(c, &b);
	if (leg_put_request(c, i, r, &b) != ERR_OK || leg_dest(c, i, &dest) != ERR_OK)
		return false;
	speak_store(c); /* its CSeq */
	return ops_of(c)->do_send(ops_of(c)->arg, &dest, r->method, buf_view(&b), user, out) ==
	       ERR_OK;
}

void
speak_response(struct call *c, enum call_leg_index i, struct edge_txn *txn,
	       const struct leg_answer *a)
{
	struct buf b;

	begin_msg(c, &b);
	leg_put_response(c, i, txn, &b, a);
	speak_store(c);
	if (buf_end(&b) == ERR_OK)
		ops_of(c)->do_respond(ops_of(c)->arg, txn, a->status, buf_view(&b));
	else
		log_error("call.response", "id=%s a %d does not fit", c->rec.id.z, a->status);
}

void
speak_acked(struct call *c)
{
	sip_ok_retrans_stop(&c->ok);
	if (c->ok_txn)
		ops_of(c)->do_acked(ops_of(c)->arg, c->ok_txn);
	c->ok_txn = NULL;
}

void
speak_plain(struct calls *cs, struct edge_txn *txn, const struct sip_msg *m,
	    const struct addr *source, const struct leg_plain *p)
{
	char tag[CALL_TAG_CHARS + 1];
	struct buf b;

	random_token(tag, CALL_TAG_CHARS);
	buf_init(&b, cs->msg, sizeof(cs->msg));
	leg_put_plain(cs, &b, m, source, tag, p);
	if (buf_end(&b) == ERR_OK)
		cs->ops.do_respond(cs->ops.arg, txn, p->status, buf_view(&b));
	cs->ops.do_forget(cs->ops.arg, txn);
}
