#include "edge/stray.h"

#include "base/log.h"
#include "sip/dialog.h"

/* The dialog that the 2xx makes, from the INVITE as it was sent. */
static enum err
make_dialog(struct edge_txn *t, const struct sip_msg *msg, struct sip_dialog *out)
{
	struct edge *e = t->owner;
	struct sip_dialog base;
	enum err err = sip_msg_parse(str_of(t->req.p, t->req.len), &e->own);

	if (err != ERR_OK)
		return err;
	err = sip_dialog_begin(&(struct sip_dialog_start){.call_id = e->own.call_id,
							  .local_tag = e->own.from_tag,
							  .local_uri = e->own.from.uri.all,
							  .remote_uri = e->own.to.uri.all,
							  .target = e->own.uri_text,
							  .cseq = e->own.cseq},
			       &base);
	return err == ERR_OK ? sip_dialog_fork(&base, msg, out) : err;
}

/* The way back: for TLS the connections of the account or trunk, else to where its Contact says. */
static enum err
make_dest(const struct edge_txn *t, const struct sip_dialog *d, struct edge_dest *out)
{
	struct sip_uri uri;
	struct str hop;
	enum err err;

	*out = (struct edge_dest){.trunk = t->dest.trunk,
				  .account = t->dest.account,
				  .conn = t->conn,
				  .transport = t->dest.transport,
				  .reuse = true};
	if (out->transport == EDGE_TLS)
		return ERR_OK;
	err = sip_dialog_next_hop(d, &hop);
	if (err == ERR_OK)
		err = sip_uri_parse(hop, &uri);
	if (err == ERR_OK)
		err = str_copyz(out->host, sizeof(out->host), uri.host);
	if (err == ERR_OK)
		out->port = uri.port;
	return err;
}

static enum err
put_request(const struct sip_dialog *d, struct str method, uint32_t cseq, struct buf *b)
{
	sip_dialog_put_line(d, b, method);
	sip_edit_hdr_u64(b, SIP_H_MAX_FORWARDS, 70);
	sip_dialog_put_headers(d, b, method, cseq);
	sip_edit_body(b, STR_NULL, STR_NULL);
	return buf_end(b);
}

static void
end_stray(struct edge_txn *t, const struct sip_msg *msg)
{
	struct edge *e = t->owner;
	char mem[EDGE_SMALL_MSG];
	struct sip_dialog d;
	struct edge_dest dest;
	struct edge_txn *bye;
	uint32_t cseq = 0;
	struct buf b;
	enum err err = make_dialog(t, msg, &d);

	if (err == ERR_OK)
		err = make_dest(t, &d, &dest);
	buf_init(&b, mem, sizeof(mem));
	if (err == ERR_OK)
		err = put_request(&d, STR("ACK"), d.local_invite_cseq, &b);
	if (err == ERR_OK) {
		edge_send_once(e, &dest, false, buf_view(&b));
		err = sip_dialog_next_cseq(&d, SIP_BYE, &cseq);
	}
	buf_init(&b, mem, sizeof(mem));
	if (err == ERR_OK)
		err = put_request(&d, STR("BYE"), cseq, &b);
	if (err == ERR_OK)
		err = edge_send(e, &dest, SIP_BYE, buf_view(&b), NULL, &bye);
	if (err == ERR_OK)
		edge_forget(bye);
	log_info("edge.stray", "trunk=%s target=%s answered after the call went elsewhere: %s",
		 t->dest.trunk.z, addr_text(&t->to).z,
		 err == ERR_OK ? "ended" : "it could not be ended");
}

void
stray_init(struct edge *e)
{
	e->on_stray = end_stray;
}
