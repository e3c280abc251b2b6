#include "net/resolver.h"

#include <ares.h>
#include <string.h>
#include <sys/time.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/pool.h"
#include "net/certpolicy.h"

/* An asker waits in `ready` until the end of the iteration; what the cache does not hold becomes a
 * question under way with askers, and its end puts them into `ready` again. So no callback of ours
 * runs inside a call of c-ares, and no call of c-ares inside a callback of its own. */

enum { CLASS_IN = 1 };

struct key {
	char name[DNS_NAME_MAX + 1];
	enum dns_type type;
};

struct entry {
	struct hash_node node;
	struct list lru; /* oldest first */
	struct key key;
	uint64_t expires, retry_at; /* us */
	struct dns_answer answer;
};

struct asked {
	struct list node, askers;
	struct resolver *r;
	struct key key;
};

enum outcome { NOT_ASKED, ANSWERED, FAILED };

struct resolver_query {
	struct list node; /* in r->ready or asked->askers */
	struct key key;
	enum outcome outcome;
	bool is_ready; /* counted in n_ready */
	uint8_t rcode; /* with FAILED */
	resolver_on_answer *on_answer;
	void *arg;
};

struct watch {
	struct loop_fd lfd;
	struct resolver *r;
	bool used;
};

struct resolver {
	struct loop *loop;
	ares_channel channel;
	bool library, open, closing;
	struct timer timer;
	struct loop_soon soon;
	struct watch watches[RESOLVER_SOCKETS_MAX];
	struct pool queries, askeds, entries;
	struct list ready, under_way, lru;
	uint32_t n_ready;
	struct hash cache;
	struct entry *spare; /* a reply is read into this one, and only then replaces another */
	struct dns_answer failed;
	struct resolver_counters count;
};

/* ---- cache ---- */

static uint64_t
key_hash(const struct resolver *r, const struct key *k)
{
	return hash_of(&r->cache, str_from(k->name)) + (uint64_t)k->type;
}

static bool
key_eq(const struct key *a, const struct key *b)
{
	return a->type == b->type && strcmp(a->name, b->name) == 0;
}

static struct entry *
find_entry(const struct resolver *r, const struct key *k)
{
	struct hash_node *n = hash_first(&r->cache, key_hash(r, k));

	for (; n; n = hash_next(n)) {
		struct entry *e = CONTAINER_OF(n, struct entry, node);

		if (key_eq(&e->key, k))
			return e;
	}
	return NULL;
}

static void
drop_entry(struct resolver *r, struct entry *e)
{
	hash_del(&r->cache, &e->node);
	list_del(&e->lru);
	pool_put(&r->entries, e);
}

static uint64_t
lifetime_us(const struct dns_answer *a)
{
	uint64_t s = a->ttl;

	if (a->status != DNS_OK) {
		if (s == 0)
			s = RESOLVER_NEGATIVE_DEFAULT_S;
		if (s > RESOLVER_NEGATIVE_MAX_S)
			s = RESOLVER_NEGATIVE_MAX_S;
	}
	return s * CLOCK_S;
}

/* The spare, just read, takes its place in the cache; the oldest entry becomes the spare. */
static void
store_spare(struct resolver *r, const struct key *k)
{
	struct entry *old = find_entry(r, k), *e = r->spare;

	if (old)
		drop_entry(r, old);
	e->key = *k;
	e->expires = loop_now(r->loop) + lifetime_us(&e->answer);
	e->retry_at = 0;
	hash_add(&r->cache, &e->node, key_hash(r, k));
	list_add(&r->lru, &e->lru);
	if (r->entries.n_free == 0)
		drop_entry(r, CONTAINER_OF(r->lru.next, struct entry, lru));
	r->spare = pool_get(&r->entries);
}

static bool
stale_usable(const struct entry *e, uint64_t now)
{
	return now < e->expires + (uint64_t)RESOLVER_STALE_S * CLOCK_S;
}

/* ---- c-ares ---- */

static void
set_timer(struct resolver *r)
{
	struct timeval tv;

	if (!ares_timeout(r->channel, NULL, &tv)) {
		loop_timer_stop(r->loop, &r->timer);
		return;
	}
	if (loop_timer(r->loop, &r->timer, (uint64_t)tv.tv_sec * CLOCK_S + (uint64_t)tv.tv_usec) !=
	    ERR_OK)
		r->count.no_room++;
}

static void
on_time(struct timer *t, uint64_t now_us)
{
	struct resolver *r = CONTAINER_OF(t, struct resolver, timer);

	(void)now_us;
	ares_process_fd(r->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	set_timer(r);
}

static void
on_socket(void *arg, uint32_t events)
{
	struct watch *w = arg;
	struct resolver *r = w->r;
	int fd = w->lfd.fd;

	ares_process_fd(r->channel, events & ~(uint32_t)EPOLLOUT ? fd : ARES_SOCKET_BAD,
			events & EPOLLOUT ? fd : ARES_SOCKET_BAD);
	set_timer(r);
}

/* c-ares tells which of its sockets it waits for; both false: about to be closed. */
static void
on_interest(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct resolver *r = arg;
	struct watch *w = NULL, *unused = NULL;
	uint32_t events = (readable ? EPOLLIN : 0) | (writable ? EPOLLOUT : 0);

	for (int i = 0; i < RESOLVER_SOCKETS_MAX && !w; i++) {
		if (r->watches[i].used && r->watches[i].lfd.fd == fd)
			w = &r->watches[i];
		else if (!r->watches[i].used && !unused)
			unused = &r->watches[i];
	}
	if (w && !events) {
		loop_del(r->loop, &w->lfd);
		w->used = false;
	} else if (w && loop_mod(r->loop, &w->lfd, events) != ERR_OK) {
		r->count.no_room++;
	} else if (!w && events && unused) {
		unused->r = r;
		unused->lfd = (struct loop_fd){.fd = fd, .on_event = on_socket, .arg = unused};
		unused->used = loop_add(r->loop, &unused->lfd, events) == ERR_OK;
		r->count.no_room += !unused->used;
	} else if (!w && events) {
		r->count.no_room++; /* this query will time out */
	}
}

static void
ready(struct resolver *r, struct resolver_query *q)
{
	list_add(&r->ready, &q->node);
	q->is_ready = true;
	r->n_ready++;
	loop_soon(r->loop, &r->soon);
}

static bool
read_reply(struct resolver *r, const struct key *k, const unsigned char *p, int len)
{
	enum err e;

	if (!p || len <= 0)
		return false;
	e = dns_read(str_of(p, (size_t)len), str_from(k->name), k->type, &r->spare->answer);
	r->count.bad_replies += e != ERR_OK;
	return e == ERR_OK && r->spare->answer.status != DNS_FAILED;
}

/* The end of a question; may come from inside ares_query. Only keeps, tells nobody. */
static void
on_reply(void *arg, int status, int timeouts, unsigned char *p, int len)
{
	struct asked *a = arg;
	struct resolver *r = a->r;
	struct entry *old = find_entry(r, &a->key);
	struct list *node;
	bool good;

	(void)timeouts;
	good = (status == ARES_SUCCESS || status == ARES_ENODATA || status == ARES_ENOTFOUND) &&
	       read_reply(r, &a->key, p, len);
	if (good)
		store_spare(r, &a->key);
	else if (old)
		old->retry_at = loop_now(r->loop) + (uint64_t)RESOLVER_RETRY_S * CLOCK_S;
	while ((node = list_shift(&a->askers))) {
		struct resolver_query *q = CONTAINER_OF(node, struct resolver_query, node);

		q->outcome = good ? ANSWERED : FAILED;
		q->rcode = p && len > 3 ? p[3] & 15 : 0;
		if (r->closing)
			pool_put(&r->queries, q);
		else
			ready(r, q);
	}
	list_del(&a->node);
	pool_put(&r->askeds, a);
}

static struct asked *
find_asked(const struct resolver *r, const struct key *k)
{
	LIST_EACH(it, &r->under_way)
	{
		struct asked *a = CONTAINER_OF(it, struct asked, node);

		if (key_eq(&a->key, k))
			return a;
	}
	return NULL;
}

/* Joins a question under way, or asks. */
static void
ask_servers(struct resolver *r, struct resolver_query *q)
{
	struct asked *a = find_asked(r, &q->key);

	if (a) {
		list_add(&a->askers, &q->node);
		return;
	}
	a = pool_get(&r->askeds);
	if (!a) {
		r->count.no_room++;
		q->outcome = FAILED;
		ready(r, q);
		return;
	}
	a->r = r;
	a->key = q->key;
	list_init(&a->askers);
	list_add(&r->under_way, &a->node);
	list_add(&a->askers, &q->node);
	r->count.sent++;
	ares_query(r->channel, a->key.name, CLASS_IN, (int)a->key.type, on_reply, a);
	set_timer(r);
}

/* ---- answering ---- */

static void
tell(struct resolver *r, struct resolver_query *q, const struct dns_answer *a)
{
	resolver_on_answer *on_answer = q->on_answer;
	void *arg = q->arg;

	pool_put(&r->queries, q);
	on_answer(arg, a);
}

static void
serve(struct resolver *r, struct resolver_query *q)
{
	struct entry *e = find_entry(r, &q->key);
	uint64_t now = loop_now(r->loop);
	bool fresh = e && (now < e->expires || q->outcome == ANSWERED);
	bool usable = e && stale_usable(e, now);

	if (fresh) {
		r->count.hits += q->outcome == NOT_ASKED;
		e->answer.stale = false;
		tell(r, q, &e->answer);
	} else if (usable && (q->outcome == FAILED || now < e->retry_at)) {
		r->count.stale++;
		e->answer.stale = true;
		tell(r, q, &e->answer);
	} else if (q->outcome != NOT_ASKED) {
		r->count.failed++;
		r->failed.rcode = q->rcode;
		tell(r, q, &r->failed);
	} else {
		ask_servers(r, q);
	}
}

static void
serve_ready(void *arg)
{
	struct resolver *r = arg;

	for (uint32_t n = r->n_ready; n > 0 && r->n_ready > 0; n--) {
		struct list *node = list_shift(&r->ready);
		struct resolver_query *q = CONTAINER_OF(node, struct resolver_query, node);

		q->is_ready = false;
		r->n_ready--;
		serve(r, q);
	}
	if (r->n_ready > 0)
		loop_soon(r->loop, &r->soon);
}

/* ---- interface ---- */

static enum err
set_servers(struct resolver *r, const struct addr *servers, size_t n)
{
	struct ares_addr_port_node nodes[RESOLVER_SERVERS_MAX] = {0};

	if (n > RESOLVER_SERVERS_MAX)
		return ERR_RANGE;
	for (size_t i = 0; i < n; i++) {
		int port = servers[i].port ? servers[i].port : 53;

		nodes[i].next = i + 1 < n ? &nodes[i + 1] : NULL;
		nodes[i].family = servers[i].family == 4 ? AF_INET : AF_INET6;
		nodes[i].udp_port = nodes[i].tcp_port = port;
		memcpy(&nodes[i].addr, servers[i].ip, servers[i].family == 4 ? 4 : 16);
	}
	if (n > 0 && ares_set_servers_ports(r->channel, nodes) != ARES_SUCCESS)
		return ERR_NOMEM;
	return ERR_OK;
}

static enum err
open_channel(struct resolver *r, const struct addr *servers, size_t n, int try_ms, int flags)
{
	struct ares_options o = {.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES |
					  ARES_FLAG_EDNS | flags,
				 .timeout = try_ms,
				 .tries = RESOLVER_TRIES,
				 .ednspsz = 1232,
				 .sock_state_cb = on_interest,
				 .sock_state_cb_data = r};
	int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_EDNSPSZ |
		   ARES_OPT_SOCK_STATE_CB;

	if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS)
		return ERR_NOMEM;
	r->library = true;
	if (ares_init_options(&r->channel, &o, mask) != ARES_SUCCESS)
		return ERR_NOMEM;
	r->open = true;
	return set_servers(r, servers, n);
}

static enum err
make_resolver(struct loop *l, const struct addr *servers, size_t n, int try_ms, int flags,
	      struct resolver **out)
{
	struct resolver *r = mem_zalloc(1, sizeof(*r));
	enum err e = ERR_NOMEM;

	if (!r)
		return ERR_NOMEM;
	r->loop = l;
	r->timer.on_due = on_time;
	r->soon = (struct loop_soon){.on_soon = serve_ready, .arg = r};
	r->failed.status = DNS_FAILED;
	list_init(&r->ready);
	list_init(&r->under_way);
	list_init(&r->lru);
	if (pool_init(&r->queries, RESOLVER_QUERIES_MAX, sizeof(struct resolver_query)) == ERR_OK &&
	    pool_init(&r->askeds, RESOLVER_ASKED_MAX, sizeof(struct asked)) == ERR_OK &&
	    pool_init(&r->entries, RESOLVER_CACHE_MAX + 1, sizeof(struct entry)) == ERR_OK &&
	    hash_init(&r->cache, RESOLVER_CACHE_MAX) == ERR_OK) {
		r->spare = pool_get(&r->entries);
		e = open_channel(r, servers, n, try_ms, flags);
	}
	if (e != ERR_OK) {
		resolver_free(&r);
		return e;
	}
	*out = r;
	return ERR_OK;
}

enum err
resolver_new(struct loop *l, const struct addr *servers, size_t n, struct resolver **out)
{
	return make_resolver(l, servers, n, RESOLVER_TRY_MS, 0, out);
}

enum err
resolver_new_hasty(struct loop *l, const struct addr *servers, size_t n, int try_ms,
		   struct resolver **out)
{
	return make_resolver(l, servers, n, try_ms, 0, out);
}

enum err
resolver_new_blunt(struct loop *l, const struct addr *servers, size_t n, int try_ms,
		   struct resolver **out)
{
	return make_resolver(l, servers, n, try_ms, ARES_FLAG_NOCHECKRESP, out);
}

void
resolver_free(struct resolver **resolver)
{
	struct resolver *r = *resolver;

	*resolver = NULL;
	if (!r)
		return;
	r->closing = true;
	if (r->open)
		ares_destroy(r->channel);
	if (r->library)
		ares_library_cleanup();
	loop_timer_stop(r->loop, &r->timer);
	loop_soon_stop(&r->soon);
	hash_fini(&r->cache);
	pool_fini(&r->entries);
	pool_fini(&r->askeds);
	pool_fini(&r->queries);
	mem_free(r);
}

enum err
resolver_ask(struct resolver *r, struct str name, enum dns_type type, resolver_on_answer *on_answer,
	     void *arg, struct resolver_query **out)
{
	struct resolver_query *q;

	if (!certpolicy_fqdn_ok(name))
		return ERR_RANGE;
	q = pool_get(&r->queries);
	if (!q) {
		r->count.no_room++;
		return ERR_NOMEM;
	}
	if (name.p[name.len - 1] == '.')
		name.len--;
	for (size_t i = 0; i < name.len; i++)
		q->key.name[i] = ascii_lower(name.p[i]);
	q->key.type = type;
	q->on_answer = on_answer;
	q->arg = arg;
	r->count.asked++;
	ready(r, q);
	*out = q;
	return ERR_OK;
}

void
resolver_cancel(struct resolver *r, struct resolver_query **query)
{
	struct resolver_query *q = *query;

	*query = NULL;
	if (!q)
		return;
	r->n_ready -= q->is_ready;
	list_del(&q->node);
	pool_put(&r->queries, q);
}

const struct resolver_counters *
resolver_count(const struct resolver *r)
{
	return &r->count;
}
