#include "edge/book.h"

#include <string.h>

#include "base/log.h"

static void on_answer(void *arg, const struct dns_answer *answer);

static void
finish_ask(struct book_ask *a)
{
	struct cards *c = a->owner->cards;

	pthread_mutex_lock(&c->lock);
	addrbook_answer(&c->book, str_from(a->host), &a->news, loop_now(a->owner->loop));
	pthread_mutex_unlock(&c->lock);
	if (!a->news.ok)
		log_warn("book.failed", "host=%s DNS gives no answer; asked again soon", a->host);
	a->host[0] = 0;
}

static void
send_ask(struct book_ask *a)
{
	if (resolver_ask(a->owner->resolver, str_from(a->host), a->type, on_answer, a, &a->query) ==
	    ERR_OK)
		return;
	a->news.ok = false;
	finish_ask(a);
}

static void
on_answer(void *arg, const struct dns_answer *answer)
{
	struct book_ask *a = arg;

	a->query = NULL;
	if (answer->status == DNS_FAILED || answer->stale) {
		/* servers that fail for AAAA alone are met: then A is what there is */
		a->news.keep6 = a->type == DNS_AAAA && a->news.n;
		a->news.ok = a->news.keep6;
	} else if (answer->ttl < a->news.ttl_s) {
		a->news.ttl_s = answer->ttl;
	}
	for (uint16_t i = 0; i < answer->n && answer->status == DNS_OK && !answer->stale; i++)
		if (answer->rec[i].type == a->type && a->news.n < ADDRBOOK_ADDRS_MAX)
			a->news.addr[a->news.n++] = answer->rec[i].addr;
	if (a->type == DNS_AAAA || answer->status == DNS_NXDOMAIN || !a->news.ok) {
		finish_ask(a);
		return;
	}
	a->type = DNS_AAAA;
	send_ask(a);
}

/* Ask for what is due, as far as there is room. */
static void
ask_due(struct book *b)
{
	for (uint32_t i = 0; i < BOOK_ASKS_MAX; i++) {
		struct book_ask *a = &b->ask[i];
		bool due;

		if (a->host[0])
			continue;
		*a = (struct book_ask){.owner = b,
				       .type = DNS_A,
				       .news = {.ok = true, .ttl_s = ADDRBOOK_TTL_MAX_S}};
		pthread_mutex_lock(&b->cards->lock);
		due = addrbook_next(&b->cards->book, loop_now(b->loop), a->host);
		pthread_mutex_unlock(&b->cards->lock);
		if (!due)
			return;
		send_ask(a);
	}
}

static void
look_again(struct timer *t, uint64_t now_us)
{
	struct book *b = CONTAINER_OF(t, struct book, look);

	(void)now_us;
	ask_due(b);
	(void)!loop_timer(b->loop, &b->look, BOOK_LOOK_US); /* its place was just freed */
}

enum err
book_init(struct book *b, struct loop *loop, struct resolver *r, struct cards *cards)
{
	*b = (struct book){.loop = loop, .resolver = r, .cards = cards};
	b->look.on_due = look_again;
	return loop_timer(loop, &b->look, BOOK_LOOK_US);
}

void
book_fini(struct book *b)
{
	if (!b->loop)
		return;
	loop_timer_stop(b->loop, &b->look);
	for (uint32_t i = 0; i < BOOK_ASKS_MAX; i++)
		resolver_cancel(b->resolver, &b->ask[i].query);
	b->loop = NULL;
}

void
book_on_snapshot(struct book *b, const struct snapshot_view *v)
{
	struct addrbook *book = &b->cards->book;
	uint32_t left_out = 0;

	pthread_mutex_lock(&b->cards->lock);
	addrbook_begin(book);
	for (uint32_t i = 0; v && i < v->first_carrier; i++) {
		const struct trunk *t = &v->trunk[i];
		struct addr ip;

		if (t->identity == TRUNK_BY_CERTIFICATE_ADDRESS && t->n_sources == 0 &&
		    addr_parse_ip(snapshot_text(v, t->host), &ip) != ERR_OK)
			left_out += addrbook_keep(book, snapshot_text(v, t->host)) != ERR_OK;
	}
	addrbook_end(book);
	pthread_mutex_unlock(&b->cards->lock);
	if (left_out)
		log_error("book.full",
			  "%u trunks are known by certificate and address, but only %d names are "
			  "looked up; give them sources",
			  left_out, CARD_HOSTS_MAX);
	ask_due(b);
}
