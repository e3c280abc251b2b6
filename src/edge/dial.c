#include "edge/dial.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/random.h"
#include "net/tcp.h"

static void dial_next(struct conn *c);

static enum edge_transport
transport_of(const struct conn *c)
{
	return c->tls ? EDGE_TLS : EDGE_TCP;
}

static void
note_failed(struct conn *c)
{
	struct conns *cs = c->owner;

	targets_failed(cs->targets, &c->remote, transport_of(c), 0, c->why, random_u32(),
		       loop_now(cs->loop));
}

static void
dial_opened(struct conn *c)
{
	targets_worked(c->owner->targets, &c->remote, transport_of(c));
	conn_opened(c);
}

static void
stream_opened(void *arg)
{
	dial_opened(arg);
}

/* Before it was open: the next address. After: it is gone. */
static void
stream_closed(void *arg, enum stream_end why, int error)
{
	struct conn *c = arg;

	if (c->state != CONN_DIALLING) {
		conn_stream_closed(arg, why, error);
		return;
	}
	c->stream = NULL;
	(void)snprintf(c->why, sizeof(c->why), "%s: %s%s%s", addr_text(&c->remote).z,
		       stream_end_text(why), error ? ": " : "", error ? strerror(error) : "");
	note_failed(c);
	dial_next(c);
}

static const struct stream_calls stream_calls = {
	.on_open = stream_opened, .on_data = conn_take_bytes, .on_close = stream_closed};

static void
dial_located(void *arg)
{
	struct conn *c = arg;
	struct conns *cs = c->owner;

	if (c->locate.n == 0)
		(void)snprintf(c->why, sizeof(c->why), "%s", c->locate.why);
	targets_sort(cs->targets, c->locate.addr, c->locate.n, transport_of(c), loop_now(cs->loop));
	dial_next(c);
}

/* The interface of the listener that it is dialled for. */
static const char *
device_of(const struct conn *c)
{
	const struct cards *cards = c->owner->cards;

	return c->listener < cards->n_listeners ? cards->listener[c->listener].device : "";
}

static enum err
dial_tls(struct conn *c)
{
	struct handshake_job job = {.peer = c->remote,
				    .client = c->client,
				    .fqdn = str_from(c->reference),
				    .hide_certificate = c->hide,
				    .timeout_us = c->owner->dial_us,
				    .arg = (void *)(uintptr_t)c->id};
	const struct snapshot_view *v = c->owner->snap;
	uint32_t trunk = v ? snapshot_trunk(v, str_from(c->trunk.z)) : POLICY_NONE;
	enum err e = tcp_dial(&c->remote, c->bind.family ? &c->bind : NULL, device_of(c), &job.fd);

	if (e != ERR_OK)
		return e;
	if (trunk != POLICY_NONE)
		cards_terms(v, v->trunk[trunk].account, &job.account);
	e = handshake_submit(c->owner->handshake, &job);
	if (e != ERR_OK)
		close(job.fd);
	return e;
}

/* The next address; none left: down. */
static void
dial_next(struct conn *c)
{
	while (c->next_addr < c->locate.n) {
		enum err e;

		c->remote = c->locate.addr[c->next_addr++];
		c->began = loop_now(c->owner->loop);
		e = c->client ? dial_tls(c)
			      : stream_connect(&c->owner->streams, &c->remote,
					       c->bind.family ? &c->bind : NULL, device_of(c),
					       c->owner->dial_us, &stream_calls, c, &c->stream);
		if (e == ERR_OK)
			return;
		(void)snprintf(c->why, sizeof(c->why), "%s: %s", addr_text(&c->remote).z,
			       err_text(e));
		if (c->client)
			c->owner->up.on_undialled(c->owner->up.arg, c);
		if (e == ERR_IO) /* else it is we who cannot */
			note_failed(c);
	}
	conn_close(c, c->why[0] ? c->why : "no address of this family");
}

static enum err
fill_conn(struct conn *c, const struct conn_dial *d)
{
	enum err e = str_copyz(c->fqdn, sizeof(c->fqdn), d->host);

	if (e == ERR_OK)
		e = str_copyz(c->reference, sizeof(c->reference),
			      d->reference.len ? d->reference : d->host);
	c->state = CONN_DIALLING;
	c->customer = d->customer;
	c->tls = d->client != NULL;
	c->client = d->client ? tls_ctx_ref(d->client) : NULL;
	c->hide = d->hide;
	c->kept = d->keep;
	c->listener = d->listener;
	c->port = d->port;
	if (!addr_is_any(&d->bind))
		c->bind = d->bind;
	c->locate.on_located = dial_located;
	c->locate.arg = c;
	return e;
}

enum err
conns_dial(struct conns *cs, const struct conn_dial *d, struct conn **out)
{
	struct locate_want want = {.host = d->host,
				   .port = d->port,
				   .transport = d->client ? EDGE_TLS : EDGE_TCP,
				   .family = d->bind.family};
	struct conn *c = conn_new(cs, &d->account, &d->trunk, !d->client && !d->account.z[0]);
	enum err e;

	if (!c)
		return ERR_NOMEM;
	e = fill_conn(c, d);
	c->barred = !conn_identify_dialled(cs, c, &c->identity);
	if (e == ERR_OK)
		e = locate_start(&c->locate, cs->loop, cs->resolver, &cs->searches, &want);
	if (e != ERR_OK) {
		conn_free(c);
		return e;
	}
	*out = c;
	return ERR_OK;
}

/* Does this end of a handshake say that the address is of no use now? A name or an authority that
 * does not fit is no fault of the address: other trunks may live there. */
static bool
is_target_fault(const struct tls_record *r)
{
	return r->reason == TLS_CONNECT || r->reason == TLS_TIMEOUT || r->reason == TLS_GONE ||
	       r->reason == TLS_PLAIN;
}

void
conns_on_handshake(struct conns *cs, struct tls_result *res)
{
	struct conn *c = conns_find(cs, (uint64_t)(uintptr_t)res->arg);

	if (!c || c->state != CONN_DIALLING)
		return; /* given up meanwhile: the result's owner closes it */
	if (!res->conn) {
		(void)snprintf(c->why, sizeof(c->why), "%s", res->record.why);
		if (is_target_fault(&res->record))
			note_failed(c);
		dial_next(c);
		return;
	}
	conn_keep_tls(c, &res->record);
	if (stream_adopt_tls(&cs->streams, &res->conn, &stream_calls, c, &c->stream) != ERR_OK) {
		conn_close(c, "no stream left");
		return;
	}
	dial_opened(c);
}
