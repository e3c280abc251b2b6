#include "policy/addrbook.h"

#include <string.h>

#include "base/list.h"
#include "base/mem.h"

#define SECOND_US 1000000ULL

enum err
addrbook_init(struct addrbook *b, uint32_t cap)
{
	*b = (struct addrbook){.cap = cap};
	b->host = mem_zalloc(cap, sizeof(*b->host));
	if (!b->host)
		return ERR_NOMEM;
	if (hash_init(&b->by_name, cap) != ERR_OK) {
		MEM_FREE(b->host);
		return ERR_NOMEM;
	}
	return ERR_OK;
}

void
addrbook_fini(struct addrbook *b)
{
	if (!b->host)
		return;
	hash_fini(&b->by_name);
	MEM_FREE(b->host);
}

static struct addrbook_host *
find_host(const struct addrbook *b, struct str name)
{
	uint64_t h = hash_of(&b->by_name, name);

	for (struct hash_node *n = hash_first(&b->by_name, h); n; n = hash_next(n)) {
		struct addrbook_host *a = CONTAINER_OF(n, struct addrbook_host, node);

		if (str_eqz(name, a->host))
			return a;
	}
	return NULL;
}

void
addrbook_begin(struct addrbook *b)
{
	for (uint32_t i = 0; i < b->n; i++)
		b->host[i].kept = false;
}

enum err
addrbook_keep(struct addrbook *b, struct str host)
{
	struct addrbook_host *h = find_host(b, host);

	if (h) {
		h->kept = true;
		return ERR_OK;
	}
	if (b->n == b->cap)
		return ERR_FULL;
	h = &b->host[b->n];
	*h = (struct addrbook_host){.kept = true};
	if (host.len == 0 || str_copyz(h->host, sizeof(h->host), host) != ERR_OK)
		return ERR_LONG;
	b->n++;
	hash_add(&b->by_name, &h->node, hash_of(&b->by_name, host));
	return ERR_OK;
}

void
addrbook_end(struct addrbook *b)
{
	for (uint32_t i = 0; i < b->n;) {
		struct addrbook_host *h = &b->host[i], *last = &b->host[b->n - 1];

		if (h->kept) {
			i++;
			continue;
		}
		hash_del(&b->by_name, &h->node);
		if (h != last) {
			hash_del(&b->by_name, &last->node);
			*h = *last;
			hash_add(&b->by_name, &h->node, hash_of(&b->by_name, str_from(h->host)));
		}
		b->n--;
	}
	b->at = 0;
}

enum addrbook_answer
addrbook_has(struct addrbook *b, struct str host, const struct addr *a, uint64_t now_us)
{
	struct addrbook_host *h = find_host(b, host);

	if (!h)
		return ADDRBOOK_UNKNOWN;
	if (!h->known || now_us >= h->stale_us) {
		h->due_us = now_us;
		return ADDRBOOK_UNKNOWN;
	}
	for (uint32_t i = 0; i < h->n; i++)
		if (addr_ip_eq(&h->addr[i], a))
			return ADDRBOOK_YES;
	return ADDRBOOK_NO;
}

bool
addrbook_next(struct addrbook *b, uint64_t now_us, char host[POLICY_HOST_MAX])
{
	for (uint32_t i = 0; i < b->n; i++) {
		struct addrbook_host *h = &b->host[(b->at + i) % b->n];

		if (h->asked || now_us < h->due_us)
			continue;
		h->asked = true;
		memcpy(host, h->host, POLICY_HOST_MAX);
		b->at = (b->at + i + 1) % b->n;
		return true;
	}
	return false;
}

/* The addresses of the news, and behind them the IPv6 ones that stay. */
static void
take_addrs(struct addrbook_host *h, const struct addrbook_news *news)
{
	struct addr old[ADDRBOOK_ADDRS_MAX];
	uint32_t n_old = news->keep6 ? h->n : 0;

	memcpy(old, h->addr, sizeof(old));
	h->n = news->n < ADDRBOOK_ADDRS_MAX ? news->n : ADDRBOOK_ADDRS_MAX;
	for (uint32_t i = 0; i < h->n; i++)
		h->addr[i] = news->addr[i];
	for (uint32_t i = 0; i < n_old && h->n < ADDRBOOK_ADDRS_MAX; i++)
		if (old[i].family == 6)
			h->addr[h->n++] = old[i];
}

void
addrbook_answer(struct addrbook *b, struct str host, const struct addrbook_news *news,
		uint64_t now_us)
{
	struct addrbook_host *h = find_host(b, host);
	uint64_t ttl = news->ttl_s < ADDRBOOK_TTL_MIN_S   ? ADDRBOOK_TTL_MIN_S
		       : news->ttl_s > ADDRBOOK_TTL_MAX_S ? ADDRBOOK_TTL_MAX_S
							  : news->ttl_s;

	if (!h)
		return;
	h->asked = false;
	if (!news->ok) {
		h->due_us = now_us + ADDRBOOK_RETRY_S * SECOND_US;
		return;
	}
	h->known = true;
	take_addrs(h, news);
	h->due_us = now_us + ttl * SECOND_US * 4 / 5; /* before it expires */
	h->stale_us = now_us + (ttl + ADDRBOOK_STALE_S) * SECOND_US;
}
