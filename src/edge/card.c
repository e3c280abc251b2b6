#include "edge/card.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "policy/carrier.h"
#include "policy/hello.h"

enum err
cards_init(struct cards *c, uint32_t n, char (*zone_fqdn)[POLICY_HOST_MAX],
	   const struct edge_conf *conf)
{
	enum err e;

	*c = (struct cards){.zone_fqdn = zone_fqdn,
			    .n_zones = conf->n_zones,
			    .listener = conf->listeners,
			    .n_listeners = conf->n_listeners};
	if (pthread_mutex_init(&c->lock, NULL) != 0)
		return ERR_NOMEM;
	e = pool_init(&c->pool, n, sizeof(struct card));
	return e == ERR_OK ? addrbook_init(&c->book, CARD_HOSTS_MAX) : e;
}

void
cards_fini(struct cards *c)
{
	if (!c->pool.mem)
		return;
	addrbook_fini(&c->book);
	pool_fini(&c->pool);
	pthread_mutex_destroy(&c->lock);
}

static bool
add_name(struct card *k, struct str name, uint16_t index)
{
	if (name.len > (size_t)(CARD_TEXT_MAX - k->used))
		return false;
	k->at[index] = k->used;
	k->len[index] = (uint16_t)name.len;
	if (name.len)
		memcpy(k->text + k->used, name.p, name.len);
	k->used = (uint16_t)(k->used + name.len);
	return true;
}

static bool
fill_card(struct card *k, const struct cert_view *v)
{
	k->shown = v != NULL;
	if (!v)
		return true;
	if (v->names_cut || v->n_dns + v->n_uri > CARD_NAMES_MAX)
		return false;
	k->n_dns = v->n_dns;
	k->n_uri = v->n_uri;
	for (uint16_t i = 0; i < v->n_dns; i++)
		if (!add_name(k, v->dns[i], i))
			return false;
	for (uint16_t i = 0; i < v->n_uri; i++)
		if (!add_name(k, v->uri[i], (uint16_t)(v->n_dns + i)))
			return false;
	return add_name(k, v->cn, (uint16_t)(v->n_dns + v->n_uri));
}

static struct card *
take_card(struct cards *c)
{
	struct card *k;

	pthread_mutex_lock(&c->lock);
	k = pool_get(&c->pool);
	pthread_mutex_unlock(&c->lock);
	return k;
}

const struct card *
cards_at(const struct cards *c, uint32_t number)
{
	return number == CARD_NONE ? NULL : pool_at(&c->pool, number);
}

void
cards_free(struct cards *c, uint32_t number)
{
	if (number == CARD_NONE)
		return;
	pthread_mutex_lock(&c->lock);
	pool_put(&c->pool, pool_at(&c->pool, number));
	pthread_mutex_unlock(&c->lock);
}

/* The TLS listener that has this address, NULL = none. */
static const struct edge_listener_conf *
listener_at(const struct cards *c, const struct addr *local)
{
	for (uint32_t i = 0; i < c->n_listeners; i++) {
		const struct edge_listener_conf *l = &c->listener[i];

		if (l->transport == EDGE_TLS && l->bound.port == local->port &&
		    (addr_is_any(&l->bound) || addr_ip_eq(&l->bound, local)))
			return l;
	}
	return NULL;
}

enum identity_reason
cards_identify(struct cards *c, const struct card *k, const struct snapshot_view *snap,
	       const struct addr *source, const struct addr *local, struct str zone,
	       struct identity *out, struct buf *why)
{
	const struct edge_listener_conf *l = listener_at(c, local);
	struct str name[CARD_NAMES_MAX + 1];
	unsigned n = (unsigned)k->n_dns + k->n_uri;
	struct cert_view view = {
		.dns = name, .uri = name + k->n_dns, .n_dns = k->n_dns, .n_uri = k->n_uri};
	struct identity_peer p = {.cert = k->shown ? &view : NULL,
				  .zone = zone,
				  .listener = str_from(l ? l->name : ""),
				  .source = *source,
				  .book = &c->book,
				  .now_us = clock_now_us()};
	enum identity_reason r;

	for (unsigned i = 0; i <= n; i++)
		name[i] = str_of(k->text + k->at[i], k->len[i]);
	view.cn = name[n];
	if (l && !l->customer) /* the side that it came to decides what it can be */
		return identity_of_carrier(snap, &p, out, why);
	pthread_mutex_lock(&c->lock);
	r = identity_of_peer(snap, &p, out, why);
	pthread_mutex_unlock(&c->lock);
	return r;
}

void
cards_terms(const struct snapshot_view *snap, uint32_t account, struct tls_account *out)
{
	static const enum cert_eku eku[TLS_EKU_N] = {[TLS_EKU_ACCEPT_SERVER_AUTH] =
							     CERT_EKU_ACCEPT_SERVER,
						     [TLS_EKU_STRICT] = CERT_EKU_STRICT};
	static const enum cert_revocation revocation[TLS_REVOCATION_N] = {
		[TLS_REVOCATION_SOFT] = CERT_REVOCATION_SOFT,
		[TLS_REVOCATION_OFF] = CERT_REVOCATION_OFF,
		[TLS_REVOCATION_HARD] = CERT_REVOCATION_HARD};
	const struct account *a;
	struct str bad;

	*out = (struct tls_account){0};
	if (account == POLICY_NONE)
		return; /* a carrier: the zone's terms */
	a = &snap->account[account];
	(void)!str_copyz(out->id, sizeof(out->id), str_from(snapshot_account_id(snap, account).z));
	(void)!str_copyz(out->profile, sizeof(out->profile), snapshot_text(snap, a->tls_profile));
	out->terms.eku = eku[a->tls_eku < TLS_EKU_N ? a->tls_eku : 0];
	out->terms.revocation =
		revocation[a->tls_revocation < TLS_REVOCATION_N ? a->tls_revocation : 0];
	out->terms.names = identity_names(a);
	/* apply has checked the words: one that is none here leaves no authority at all */
	if (authority_parse_list(snapshot_text(snap, a->tls_authorities), &out->terms.authorities,
				 &bad) != ERR_OK)
		out->terms.authorities = AUTHORITY_BIT(AUTHORITY_N);
}

void
cards_owns(const struct snapshot_view *snap, struct tls_trust_box *box)
{
	struct tls_trust_account *all =
		mem_zalloc(snap->n_accounts ? snap->n_accounts : 1, sizeof(*all));
	struct tls_owns *owns = NULL;
	char mem[CERT_WHY_MAX];
	struct buf why;
	size_t n = 0;

	buf_init(&why, mem, sizeof(mem) - 1);
	for (uint32_t i = 0; all && i < snap->n_accounts; i++) {
		const struct account *a = &snap->account[i];

		if (a->tls_ca.len || a->tls_intermediates.len)
			all[n++] = (struct tls_trust_account){
				.id = snapshot_text(snap, a->id),
				.ca_pem = snapshot_text(snap, a->tls_ca),
				.intermediates_pem = snapshot_text(snap, a->tls_intermediates)};
	}
	if (!all || tls_owns_new(all, n, &why, &owns) != ERR_OK)
		log_error("tls.accounts", "no memory for the private CAs of accounts");
	else if (why.len)
		log_warn("tls.accounts", "%s", buf_cstr(&why));
	tls_trust_box_set_owns(box, owns);
	tls_owns_unref(&owns);
	mem_free(all);
}

static void
write_why(struct tls_verdict *v, const char *z)
{
	(void)!str_copyz(v->why, sizeof(v->why), str_sub(str_from(z), 0, sizeof(v->why) - 1));
}

void
cards_expect(struct cards *c, struct str fqdn)
{
	pthread_mutex_lock(&c->lock);
	if (str_copyz(c->expected, sizeof(c->expected), fqdn) != ERR_OK)
		c->expected[0] = 0;
	pthread_mutex_unlock(&c->lock);
}

/* Somebody whose equipment is being checked before it has an account that is on. */
static bool
is_guest(struct cards *c, const struct tls_peer *peer, enum identity_reason r)
{
	bool yes = false;

	if (!peer->cert ||
	    (r != IDENTITY_UNKNOWN && r != IDENTITY_WILDCARD && r != IDENTITY_TLS_OFF))
		return false;
	pthread_mutex_lock(&c->lock);
	if (c->expected[0])
		yes = certpolicy_match(peer->cert, str_from(c->expected)) != CERT_MATCH_NO;
	pthread_mutex_unlock(&c->lock);
	return yes;
}

/* The word of the record for what policy says. */
static enum tls_reason
reason_of(enum identity_reason r)
{
	static const enum tls_reason of[IDENTITY_REASON_N] = {
		[IDENTITY_NO_NAME] = TLS_IDENTITY,    [IDENTITY_UNKNOWN] = TLS_IDENTITY,
		[IDENTITY_WILDCARD] = TLS_IDENTITY,   [IDENTITY_ZONE] = TLS_OTHER_ZONE,
		[IDENTITY_SOURCE] = TLS_SOURCE,       [IDENTITY_DISABLED] = TLS_ACCOUNT_OFF,
		[IDENTITY_TLS_OFF] = TLS_NOT_ON,      [IDENTITY_AMBIGUOUS] = TLS_AMBIGUOUS,
		[IDENTITY_LISTENER] = TLS_OTHER_DOOR, [IDENTITY_LOOKUP] = TLS_LOOKUP,
		[IDENTITY_BARRED] = TLS_WILDCARD,
	};

	return of[r];
}

static void
write_refusal(struct tls_verdict *v, enum identity_reason r, const struct identity *claimed)
{
	v->account = CARD_NONE;
	v->reason = reason_of(r);
	(void)!str_copyz(v->claims, sizeof(v->claims), str_from(claimed->account_id.z));
}

static struct str
zone_of(const struct cards *c, const struct tls_peer *peer)
{
	return peer->zone < c->n_zones ? str_from(c->zone_fqdn[peer->zone]) : STR_NULL;
}

/* Is there nobody who could come from there without a certificate? */
static void
guess_stranger(struct cards *c, const struct tls_peer *peer, struct tls_guess *guess)
{
	static const struct card bare = {.shown = false};
	struct identity id = {.account = POLICY_NONE};
	enum identity_reason r;
	char why[IDENTITY_WHY_MAX] = "";
	struct buf b;

	buf_init(&b, why, sizeof(why));
	r = cards_identify(c, &bare, c->snap, &peer->peer, &peer->local, zone_of(c, peer), &id, &b);
	guess->stranger = r != IDENTITY_OK;
	if (!guess->stranger)
		return;
	write_refusal(&guess->bare, r, &id);
	write_why(&guess->bare, buf_cstr(&b));
}

void
cards_on_guess(void *arg, const struct tls_peer *peer, struct tls_guess *guess)
{
	struct cards *c = arg;
	const struct edge_listener_conf *l = listener_at(c, &peer->local);
	uint32_t account;

	if (!c->snap)
		return;
	if (peer->may_be_bare)
		guess_stranger(c, peer, guess);
	if (l && !l->customer)
		return; /* carriers have no account */
	account =
		hello_account(c->snap, &(struct hello_peer){.sni = peer->sni,
							    .zone = zone_of(c, peer),
							    .listener = str_from(l ? l->name : ""),
							    .source = peer->peer});
	if (account != POLICY_NONE)
		(void)!str_copyz(guess->profile, sizeof(guess->profile),
				 snapshot_text(c->snap, c->snap->account[account].tls_profile));
}

void
cards_on_identity(void *arg, const struct tls_peer *peer, struct tls_verdict *verdict)
{
	struct cards *c = arg;
	struct card *k = take_card(c);
	struct identity id = {.account = POLICY_NONE};
	enum identity_reason r = IDENTITY_UNKNOWN;
	struct str zone = zone_of(c, peer);
	char why[IDENTITY_WHY_MAX] = "";
	struct buf b;

	buf_init(&b, why, sizeof(why));
	if (!k) {
		write_why(verdict, "as many peers as may be connected are connected");
		return;
	}
	if (!c->snap)
		buf_z(&b, "no account is known yet");
	else if (!fill_card(k, peer->cert))
		buf_z(&b, "the certificate shows more names than are looked at");
	else
		r = cards_identify(c, k, c->snap, &peer->peer, &peer->local, zone, &id, &b);
	if (r != IDENTITY_OK) {
		cards_free(c, pool_index(&c->pool, k));
		verdict->accept = is_guest(c, peer, r);
		write_refusal(verdict, r, &id);
		if (!verdict->accept)
			write_why(verdict, buf_cstr(&b));
		return;
	}
	verdict->accept = true;
	cards_terms(c->snap, id.account, &verdict->terms);
	verdict->account = pool_index(&c->pool, k);
}
