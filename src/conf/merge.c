#include "conf/merge.h"

#include <stddef.h>
#include <string.h>

struct span {
	const char *word;
	size_t at, size;
};

#define SPAN(word, member)                                                                         \
	{                                                                                          \
		word, offsetof(struct conf, member), sizeof(((struct conf *)0)->member)            \
	}

/* What cannot change while postern runs, besides zones, listeners and media. Texts are filled with
 * NULs behind their end, so bytes compare. */
static const struct span fixed[] = {
	SPAN("node: id", node_id),
	SPAN("node: name", node_name),
	SPAN("node: run_dir", run_dir),
	SPAN("node: user", user),
	SPAN("log: level", log_level),
	SPAN("store", store),
	SPAN("cdr", cdr),
	SPAN("control", control),
	SPAN("limits: calls", max_calls),
	SPAN("handshakes: keep", handshakes_keep),
	SPAN("handshakes: days", handshakes_days),
};

static void
say_differs(struct buf *text, uint32_t *n, const char *word)
{
	(*n)++;
	buf_printf(text, "%s: differs, which needs a restart; left as it is\n", word);
}

static void
keep_spans(const struct conf *now, struct conf *next, struct buf *text, uint32_t *n)
{
	for (size_t i = 0; i < ARRAY_LEN(fixed); i++) {
		const char *a = (const char *)now + fixed[i].at;
		char *b = (char *)next + fixed[i].at;

		if (memcmp(a, b, fixed[i].size) == 0)
			continue;
		say_differs(text, n, fixed[i].word);
		memcpy(b, a, fixed[i].size);
	}
}

static bool
same_addr(const struct addr *a, const struct addr *b)
{
	return a->family == b->family && a->port == b->port &&
	       memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

static bool
same_listener(const struct conf *now, const struct conf_listener *a, const struct conf *next,
	      const struct conf_listener *b)
{
	const char *za = a->zone == CONF_NO_ZONE ? "" : now->zone[a->zone].fqdn;
	const char *zb = b->zone == CONF_NO_ZONE ? "" : next->zone[b->zone].fqdn;

	return strcmp(a->name, b->name) == 0 && strcmp(a->device, b->device) == 0 &&
	       same_addr(&a->bind, &b->bind) && same_addr(&a->advertised, &b->advertised) &&
	       a->transport == b->transport && a->side == b->side && strcmp(za, zb) == 0;
}

static void
keep_listeners(const struct conf *now, struct conf *next, struct buf *text, uint32_t *n)
{
	bool same = now->n_listeners == next->n_listeners;

	for (uint32_t i = 0; same && i < now->n_listeners; i++)
		same = same_listener(now, &now->listener[i], next, &next->listener[i]);
	if (!same)
		say_differs(text, n, "listeners");
	memcpy(next->listener, now->listener, sizeof(next->listener));
	next->n_listeners = now->n_listeners;
}

static void
keep_media(const struct conf *now, struct conf *next, struct buf *text, uint32_t *n)
{
	bool same = now->n_media == next->n_media && now->port_min == next->port_min &&
		    now->port_max == next->port_max &&
		    now->media_customer == next->media_customer &&
		    now->media_carrier == next->media_carrier;

	for (uint32_t i = 0; same && i < now->n_media; i++)
		same = strcmp(now->media[i].name, next->media[i].name) == 0 &&
		       same_addr(&now->media[i].bind, &next->media[i].bind) &&
		       same_addr(&now->media[i].advertised, &next->media[i].advertised);
	if (!same)
		say_differs(text, n, "media");
	memcpy(next->media, now->media, sizeof(next->media));
	next->n_media = now->n_media;
	next->port_min = now->port_min;
	next->port_max = now->port_max;
	next->media_customer = now->media_customer;
	next->media_carrier = now->media_carrier;
}

static void
keep_dns(const struct conf *now, struct conf *next, struct buf *text, uint32_t *n)
{
	bool same = now->n_dns == next->n_dns;

	for (uint32_t i = 0; same && i < now->n_dns; i++)
		same = same_addr(&now->dns[i], &next->dns[i]);
	if (!same)
		say_differs(text, n, "dns");
	memcpy(next->dns, now->dns, sizeof(next->dns));
	next->n_dns = now->n_dns;
}

static const struct conf_zone *
find_zone(const struct conf_zone *zone, uint32_t n, const char *fqdn)
{
	for (uint32_t i = 0; i < n; i++)
		if (strcmp(zone[i].fqdn, fqdn) == 0)
			return &zone[i];
	return NULL;
}

/* Their names and places stay, what each holds may change. */
static void
place_zones(const struct conf *now, struct conf *next, struct buf *text, uint32_t *n)
{
	struct conf_zone read[CONF_ZONES_MAX];
	bool same = now->n_zones == next->n_zones;

	memcpy(read, next->zone, sizeof(read));
	for (uint32_t i = 0; i < now->n_zones; i++) {
		const struct conf_zone *z = find_zone(read, next->n_zones, now->zone[i].fqdn);

		same &= z != NULL;
		next->zone[i] = z ? *z : now->zone[i];
		if (!z && !conftls_keep(&now->tls, &next->tls, &next->zone[i].tls))
			say_differs(text, n, "tls_profiles: those of the zones that stay");
	}
	if (!same)
		say_differs(text, n, "zones: the set of their names");
	next->n_zones = now->n_zones;
}

uint32_t
confmerge(const struct conf *now, struct conf *next, struct buf *text)
{
	uint32_t n = 0;

	keep_spans(now, next, text, &n);
	keep_listeners(now, next, text, &n); /* before the zones move */
	keep_media(now, next, text, &n);
	keep_dns(now, next, text, &n);
	place_zones(now, next, text, &n);
	return n;
}
