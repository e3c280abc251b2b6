#include "edge/txn.h"

#include <string.h>

enum err
texts_init(struct texts *t, uint32_t n)
{
	*t = (struct texts){0};
	if (pool_init(&t->pool[TEXT_IN_TINY], n, TEXT_TINY) != ERR_OK ||
	    pool_init(&t->pool[TEXT_IN_SMALL], n, TEXT_SMALL) != ERR_OK)
		return ERR_NOMEM;
	return pool_init(&t->pool[TEXT_IN_LARGE], TEXT_LARGE_BLOCKS + TEXT_LARGE_SPARE,
			 SIP_MSG_MAX);
}

void
texts_fini(struct texts *t)
{
	for (unsigned i = 0; i < TEXT_KINDS; i++)
		pool_fini(&t->pool[i]);
}

void
texts_drop(struct texts *t, struct text_block *b)
{
	pool_put(&t->pool[b->kind], b->p);
	*b = (struct text_block){.spare = b->spare};
}

static enum text_kind
kind_for(size_t len)
{
	return len <= TEXT_TINY ? TEXT_IN_TINY : len <= TEXT_SMALL ? TEXT_IN_SMALL : TEXT_IN_LARGE;
}

static char *
take_block(struct texts *t, enum text_kind kind, bool spare)
{
	struct pool *p = &t->pool[kind];

	if (kind == TEXT_IN_LARGE && !spare && p->n_free <= TEXT_LARGE_SPARE)
		return NULL;
	return pool_get(p); /* two tiny and two small ones for each transaction: always one */
}

enum err
texts_put(struct texts *t, struct text_block *b, struct str bytes)
{
	enum text_kind kind = kind_for(bytes.len);

	if (bytes.len > SIP_MSG_MAX)
		return ERR_LONG;
	if (b->p && b->kind != kind)
		texts_drop(t, b);
	if (!b->p)
		b->p = take_block(t, kind, b->spare);
	if (!b->p)
		return ERR_NOMEM;
	b->kind = (uint8_t)kind;
	b->len = bytes.len;
	memcpy(b->p, bytes.p, bytes.len);
	return ERR_OK;
}

enum err
edge_txn_key(const struct sip_msg *m, uint64_t scope, bool cancelled, struct txn_key *out)
{
	struct txn_request r = {.scope = scope,
				.branch = m->via.branch,
				.host = m->via.host,
				.port = m->via.port,
				.method = m->method_name,
				.uri = m->uri_text,
				.to_tag = m->to_tag,
				.from_tag = m->from_tag,
				.call_id = m->call_id,
				.cseq = m->cseq,
				.via = m->via.all};

	return cancelled ? txn_cancelled_key(&r, out) : txn_server_key(&r, out);
}

struct addr
edge_txn_reply_addr(const struct sip_msg *req, const struct addr *source, bool stream)
{
	struct addr to = *source;

	if (stream || !req->via.has_rport)
		to.port = req->via.port                   ? req->via.port
			  : req->via.transport == SIP_TLS ? 5061
							  : 5060;
	return to;
}

void
edge_txn_put_via(struct buf *b, struct str msg, enum edge_transport t, const struct addr *shown,
		 const char *branch, const struct txn_via *with)
{
	static const enum sip_transport names[] = {
		[EDGE_UDP] = SIP_UDP, [EDGE_TCP] = SIP_TCP, [EDGE_TLS] = SIP_TLS};
	size_t line = str_find(msg, STR("\r\n")) + 2;
	char host[ADDR_TEXT_MAX];
	struct buf h;

	buf_init(&h, host, sizeof(host));
	addr_put_ip(&h, shown, true);
	buf_str(b, str_sub(msg, 0, line));
	sip_edit_via(b, names[t], buf_view(&h), shown->port, str_from(branch), true);
	if (with->params.len && !b->failed) {
		b->len -= 2; /* its CRLF */
		buf_str(b, with->params);
		buf_z(b, "\r\n");
	}
	buf_str(b, with->more);
	buf_str(b, str_from_at(msg, line));
}

void
edge_txn_put_from(struct buf *b, const struct sip_msg *invite, enum sip_method method,
		  struct str to, const char *reason)
{
	struct str name = str_from(sip_method_name(method));

	sip_edit_request(b, name, invite->uri_text);
	sip_edit_hdr(b, SIP_H_VIA, invite->via.all);
	sip_edit_copy_all(b, invite, SIP_H_ROUTE);
	sip_edit_hdr_u64(b, SIP_H_MAX_FORWARDS, 70);
	sip_edit_copy_all(b, invite, SIP_H_FROM);
	sip_edit_hdr(b, SIP_H_TO, to);
	sip_edit_copy_all(b, invite, SIP_H_CALL_ID);
	sip_edit_cseq(b, invite->cseq, name);
	if (reason[0])
		sip_edit_hdr_z(b, SIP_H_REASON, reason);
	sip_edit_body(b, STR_NULL, STR_NULL);
}
