#include "conf/merge.h"

#include <stddef.h>
#include <stdio.h>
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
	SPAN("trace_size", trace_mib),
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
	bool same =
		now->n_media == next->n_media && now->port_min == next->port_min &&
		now->port_max == next->port_max && now->media_customer == next->media_customer &&
		now->media_carrier == next->media_carrier && now->media_io == next->media_io &&
		now->media_workers == next->media_workers && now->media_tick == next->media_tick;

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
	next->media_io = now->media_io;
	next->media_workers = now->media_workers;
	next->media_tick = now->media_tick;
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

static void
keep_names(const struct conf *now, struct conf *next, struct buf *text, uint32_t *n)
{
	if (now->n_names != next->n_names ||
	    memcmp(now->names, next->names, sizeof(now->names)) != 0)
		say_differs(text, n, "names");
	memcpy(next->names, now->names, sizeof(next->names));
	next->n_names = now->n_names;
}

static const struct conf_zone *
find_zone(const struct conf_zone *zone, uint32_t n, const char *fqdn)
{
	for (uint32_t i = 0; i < n; i++)
		if (strcmp(zone[i].fqdn, fqdn) == 0)
			return &zone[i];
	return NULL;
}

/* Which zones come and go with the next restart. */
static void
say_zones(const struct conf_zone *was, uint32_t n_was, const struct conf_zone *is, uint32_t n_is,
	  struct buf *text)
{
	for (uint32_t i = 0; i < n_is; i++)
		if (!find_zone(was, n_was, is[i].fqdn))
			buf_printf(text,
				   "zones: %s is new, which needs a restart; until then nobody is "
				   "served under this name\n",
				   is[i].fqdn);
	for (uint32_t i = 0; i < n_was; i++)
		if (!find_zone(is, n_is, was[i].fqdn))
			buf_printf(text,
				   "zones: %s is gone, which needs a restart; until then it is "
				   "served as before\n",
				   was[i].fqdn);
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

		same = same && z != NULL;
		next->zone[i] = z ? *z : now->zone[i];
		if (!z && !conftls_keep(&now->tls, &next->tls, &next->zone[i].tls))
			say_differs(text, n, "tls_profiles: those of the zones that stay");
	}
	if (!same)
		say_zones(now->zone, now->n_zones, read, next->n_zones, text);
	*n += !same;
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
	keep_names(now, next, text, &n);
	place_zones(now, next, text, &n);
	return n;
}

/* ---- what changed and is in use ---- */

enum live_type { LIVE_MS, LIVE_U32, LIVE_BOOL, LIVE_TEXT, LIVE_BYTES };

struct live {
	struct span span;
	enum live_type type;
};

#define LIVE(type, word, member)                                                                   \
	{                                                                                          \
		SPAN(word, member), type                                                           \
	}
#define LIVE_ZONE(type, word, member)                                                              \
	{                                                                                          \
		{word, offsetof(struct conf_zone, member),                                         \
		 sizeof(((struct conf_zone *)0)->member)},                                         \
			type                                                                       \
	}

/* Lists are filled with zeros behind their end, so bytes compare. */
static const struct live live_words[] = {
	LIVE(LIVE_MS, "stop_timeout:", stop_timeout),
	LIVE(LIVE_U32, "limits: attempts", max_attempts),
	LIVE(LIVE_BYTES, "trace:", trace),
	LIVE(LIVE_MS, "timers: t1", timers.t1),
	LIVE(LIVE_MS, "timers: t2", timers.t2),
	LIVE(LIVE_MS, "timers: t4", timers.t4),
	LIVE(LIVE_MS, "timers: trying_tls", timers.trying_tls),
	LIVE(LIVE_MS, "timers: trying_tcp", timers.trying_tcp),
	LIVE(LIVE_MS, "timers: trying_udp", timers.trying_udp),
	LIVE(LIVE_MS, "timers: connect", timers.connect),
	LIVE(LIVE_MS, "timers: ping", timers.ping),
	LIVE(LIVE_MS, "timers: media", timers.media),
	LIVE(LIVE_MS, "timers: media_lost", timers.media_lost),
	LIVE(LIVE_BOOL, "crl: fetch", crl.fetch),
	LIVE(LIVE_BOOL, "crl: staple", crl.staple),
	LIVE(LIVE_BYTES, "crl: hosts", crl.host),
	LIVE(LIVE_TEXT, "numbers: country", numbers.country),
	LIVE(LIVE_BYTES, "numbers: emergency", numbers.emergency),
	LIVE(LIVE_BYTES, "numbers: access", numbers.access),
	LIVE(LIVE_BYTES, "numbers: premium", numbers.premium),
	LIVE(LIVE_BYTES, "numbers: home", numbers.home),
};

static const struct live live_zone_words[] = {
	LIVE_ZONE(LIVE_TEXT, "certificate", certificate),
	LIVE_ZONE(LIVE_TEXT, "key", key),
	LIVE_ZONE(LIVE_BYTES, "trust", trust),
	LIVE_ZONE(LIVE_BOOL, "trust: system", trust_system),
	LIVE_ZONE(LIVE_BYTES, "crls", crls),
	LIVE_ZONE(LIVE_BYTES, "authorities", tls.authorities),
};

static void
put_value(struct buf *text, enum live_type type, const char *p)
{
	uint32_t v = 0;

	if (type == LIVE_MS || type == LIVE_U32)
		memcpy(&v, p, sizeof(v));
	if (type == LIVE_MS && v % 1000 == 0)
		buf_printf(text, "%us", v / 1000);
	else if (type == LIVE_MS)
		buf_printf(text, "%ums", v);
	else if (type == LIVE_U32)
		buf_u64(text, v);
	else if (type == LIVE_BOOL)
		buf_z(text, *(const bool *)p ? "yes" : "no");
	else
		buf_z(text, *p ? p : "(none)");
}

/* place: "" or "zones FQDN: " */
static void
put_live(struct buf *text, const char *place, const struct live *w, const void *was, const void *is)
{
	const char *a = (const char *)was + w->span.at, *b = (const char *)is + w->span.at;

	if (memcmp(a, b, w->span.size) == 0)
		return;
	buf_printf(text, "%s%s ", place, w->span.word);
	if (w->type == LIVE_BYTES) {
		buf_z(text, "changed\n");
		return;
	}
	put_value(text, w->type, a);
	buf_z(text, " -> ");
	put_value(text, w->type, b);
	buf_char(text, '\n');
}

static bool
same_profile(const struct tls_profile_row *a, const struct tls_profile_row *b)
{
	return a->min == b->min && a->max == b->max && a->rsa_only == b->rsa_only &&
	       strcmp(a->suites, b->suites) == 0 && strcmp(a->suites13, b->suites13) == 0 &&
	       strcmp(a->sigalgs, b->sigalgs) == 0;
}

static void
put_zone(const struct conf *now, const struct conf *next, uint32_t i, struct buf *text)
{
	static const char *const asked[] = {"required", "optional", "none"};
	const struct conf_zone *a = &now->zone[i], *b = &next->zone[i];
	const struct tls_profile_row *was = conftls_profile(&now->tls, &a->tls);
	const struct tls_profile_row *is = conftls_profile(&next->tls, &b->tls);
	char place[CONF_FQDN_MAX + 16];

	(void)snprintf(place, sizeof(place), "zones %s: ", b->fqdn);
	if (strcmp(was->word, is->word) != 0)
		buf_printf(text, "%sprofile %s -> %s\n", place, was->word, is->word);
	else if (!same_profile(was, is))
		buf_printf(text, "%sprofile %s changed\n", place, is->word);
	if (a->client_certificate != b->client_certificate)
		buf_printf(text, "%sclient_certificate %s -> %s\n", place,
			   asked[a->client_certificate], asked[b->client_certificate]);
	for (size_t k = 0; k < ARRAY_LEN(live_zone_words); k++)
		put_live(text, place, &live_zone_words[k], a, b);
}

void
confmerge_put_changes(const struct conf *now, const struct conf *next, struct buf *text)
{
	for (uint32_t i = 0; i < next->n_zones; i++)
		put_zone(now, next, i, text);
	for (size_t i = 0; i < ARRAY_LEN(live_words); i++)
		put_live(text, "", &live_words[i], now, next);
}
