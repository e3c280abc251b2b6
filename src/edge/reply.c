#include "edge/reply.h"

#include "base/log.h"
#include "base/metric.h"

static void
send_bytes_back(const struct edge *e, const struct reply_path *p, const struct sip_msg *m,
		struct str bytes)
{
	struct edge_seen seen = {
		.out = true, .transport = EDGE_UDP, .local = p->to, .bytes = bytes};

	if (p->conn) {
		seen.transport = p->conn->tls ? EDGE_TLS : EDGE_TCP;
		seen.peer = p->from;
		(void)!conn_send(p->conn, bytes);
	} else {
		seen.peer = edge_txn_reply_addr(m, &p->from, false);
		(void)!udp_send(&p->listener->udp, &p->to, &seen.peer, bytes);
	}
	if (!p->peer || p->shown)
		edge_show(e, &seen);
	metric_add(METRIC_sip_tx, 1);
}

unsigned
reply_percent(const struct edge *e, const struct reply_path *p)
{
	unsigned percent = share_percent(&e->share, p->peer),
		 own = p->conn ? load_percent(&p->conn->load) : 0;

	return own > percent ? own : percent;
}

/* When that changed last. */
static uint64_t
changed_us(const struct edge *e, const struct reply_path *p)
{
	uint64_t own = p->conn ? p->conn->load.changed_us : 0;

	return own > e->share.changed_us ? own : e->share.changed_us;
}

/* With our word on overload, where it is asked for. */
static void
send_reply(const struct edge *e, const struct reply_path *p, const struct sip_msg *m,
	   const struct buf *reply)
{
	char mem[EDGE_SMALL_MSG];
	struct buf b;

	if (buf_end(reply) != ERR_OK)
		return;
	if (!p->peer || !oc_asked(&m->via)) {
		send_bytes_back(e, p, m, buf_view(reply));
		return;
	}
	buf_init(&b, mem, sizeof(mem));
	oc_put(&b, buf_view(reply), reply_percent(e, p), changed_us(e, p));
	if (buf_end(&b) == ERR_OK)
		send_bytes_back(e, p, m, buf_view(&b));
}

/* The same one for each copy of a request (RFC 3261 8.2.7): we keep nothing of it. */
static void
put_tag(const struct edge *e, const struct sip_msg *m, char tag[REPLY_TAG])
{
	uint64_t h = hash_of(&e->by_key, m->via.all) ^ hash_of(&e->by_key, m->call_id);
	struct buf b;

	buf_init(&b, tag, REPLY_TAG);
	buf_printf(&b, "%016llx", (unsigned long long)h);
	(void)buf_cstr(&b);
}

bool
reply_is_acked(const struct edge *e, const struct sip_msg *m)
{
	char tag[REPLY_TAG];

	if (m->method != SIP_ACK || m->to_tag.len != REPLY_TAG - 1)
		return false;
	put_tag(e, m, tag);
	return str_eq(m->to_tag, str_from(tag));
}

void
reply_refuse(struct edge *e, const struct reply_path *p, const struct sip_msg *m, unsigned status,
	     const char *why)
{
	struct id id = id_new(e->conf.node, e->conf.worker);
	char mem[EDGE_SMALL_MSG], tag[REPLY_TAG];
	struct buf b;

	if (m->method == SIP_ACK) /* never answered (17) */
		return;
	if (e->up.on_refused)
		e->up.on_refused(e->up.arg, id, m, &p->from, status, why);
	put_tag(e, m, tag);
	buf_init(&b, mem, sizeof(mem));
	sip_edit_response(&b, m,
			  &(struct sip_edit_reply){
				  .status = status, .to_tag = str_from(tag), .source = &p->from});
	sip_edit_hdr_fmt(&b, SIP_H_WARNING, "399 postern \"%s (id %s)\"", why, id.z);
	if (status == 503 && !edge_is_emergency(e, m))
		sip_edit_hdr_u64(&b, SIP_H_RETRY_AFTER, EDGE_RETRY_AFTER_S);
	sip_edit_body(&b, STR_NULL, STR_NULL);
	send_reply(e, p, m, &b);
}

void
reply_overload(struct edge *e, const struct reply_path *p, const struct sip_msg *m,
	       unsigned retry_s)
{
	char mem[EDGE_SMALL_MSG], tag[REPLY_TAG];
	struct buf b;

	put_tag(e, m, tag);
	buf_init(&b, mem, sizeof(mem));
	sip_edit_response(&b, m,
			  &(struct sip_edit_reply){
				  .status = 503, .to_tag = str_from(tag), .source = &p->from});
	sip_edit_hdr_z(&b, SIP_H_WARNING, "399 postern \"overload: too many new requests\"");
	if (!edge_is_emergency(e, m))
		sip_edit_hdr_u64(&b, SIP_H_RETRY_AFTER, retry_s);
	sip_edit_body(&b, STR_NULL, STR_NULL);
	send_reply(e, p, m, &b);
}

void
reply_bad(struct edge *e, const struct reply_path *p, const struct sip_msg *m, unsigned status,
	  const char *why)
{
	uint64_t left_out;

	if (guard_may_log(&e->guard, GUARD_BAD_MESSAGE, loop_now(e->loop), &left_out))
		log_warn("sip.bad", "peer=%s why=%s answer=%u left out %llu lines",
			 addr_text(&p->from).z, why, status, (unsigned long long)left_out);
	if (status)
		reply_refuse(e, p, m, status, why);
}
