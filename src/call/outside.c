#include "call/outside.h"

#include "base/log.h"
#include "call/speak.h"

/* What its trunk may send inside a dialog. */
static struct leg_allow
allow_of(const struct calls *cs, const struct edge_source *src)
{
	const struct trunk *t =
		cs->snap && src->trunk != POLICY_NONE ? &cs->snap->trunk[src->trunk] : NULL;

	if (!t)
		return (struct leg_allow){.refer = false};
	return (struct leg_allow){.indialog = (enum trunk_indialog)t->indialog,
				  .refer = t->refer != TRUNK_REFER_REFUSE};
}

static void
outside_answer(struct calls *cs, struct edge_txn *txn, const struct sip_msg *m,
	       const struct edge_source *src, int status, enum refusal r, const char *id)
{
	speak_plain(cs, txn, m, &src->remote,
		    &(struct leg_plain){.status = status,
					.warning = r ? refusal_text(r) : "",
					.id = id,
					.allow = allow_of(cs, src)});
}

void
outside_refuse(struct calls *cs, struct edge_txn *txn, const struct sip_msg *m,
	       const struct edge_source *src, enum refusal r)
{
	struct id id = id_new(cs->conf.node, cs->conf.worker);
	bool unknown = r == REFUSAL_METHOD && m->method == SIP_UNKNOWN;
	uint64_t left_out;

	if (r != REFUSAL_DIALOG && guard_may_log(&cs->guard, GUARD_BAD_MESSAGE, cs->now, &left_out))
		log_warn("request.refused",
			 "id=%s method=%.*s source=%s why=%s; left out %llu lines", id.z,
			 STR_ARG(m->method_name), addr_text(&src->remote).z, refusal_text(r),
			 (unsigned long long)left_out);
	cs->ops.do_note(cs->ops.arg, &id, r, m, src);
	outside_answer(cs, txn, m, src, unknown ? 501 : refusal_status(r), r, id.z);
}

void
outside_options(struct calls *cs, struct edge_txn *txn, const struct sip_msg *m,
		const struct edge_source *src)
{
	enum refusal r = cs->draining                                 ? REFUSAL_DRAINING
			 : pool_used(&cs->pool) >= cs->conf.max_calls ? REFUSAL_NO_RECORD
								      : REFUSAL_NONE;

	outside_answer(cs, txn, m, src, r == REFUSAL_NONE ? 200 : 503, r, "");
}
