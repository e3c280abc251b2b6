#include "net/tlstrust.h"

#include <stdlib.h>
#include <string.h>

/* the library has a type of this name, we an error */
#define ERR_STATE OPENSSL_ERR_STATE
#include <openssl/err.h>
#include <openssl/x509v3.h>
#undef ERR_STATE

#include "base/mem.h"
#include "net/certview.h"

/* Issuers of good paths: their lists can be checked without waiting for the next handshake. */
struct issuers {
	size_t n, next;
	X509 *x[TLS_TRUST_ISSUERS_MAX];
};

struct tls_owns {
	_Atomic uint32_t refs;
	size_t n;
	struct tls_trust_own *own; /* sorted by id */
};

struct tls_trust {
	_Atomic uint32_t refs;
	uint64_t version;
	size_t n_zones;
	struct tls_trust_store zone[TLS_TRUST_ZONES_MAX];
	struct tls_crls *crls;
	struct issuers issuers;
	size_t n_profiles;
	struct tls_profile_row profile[TLS_TRUST_PROFILES_MAX];
};

/* Certificates of one PEM text. */
struct bundle {
	size_t n;
	X509 *x[TLS_TRUST_ROOTS_MAX];
	uint8_t fingerprint[TLS_TRUST_ROOTS_MAX][32];
};

static void
drop_bundle(struct bundle *b)
{
	certview_drop(b->x, b->n);
	b->n = 0;
}

static enum err
read_bundle(struct str pem, struct bundle *b)
{
	enum err e = ERR_OK;

	b->n = 0;
	if (pem.len)
		e = certview_read_pem(pem, b->x, TLS_TRUST_ROOTS_MAX, &b->n);
	for (size_t i = 0; i < b->n; i++) {
		unsigned len = sizeof(b->fingerprint[i]);

		if (X509_digest(b->x[i], EVP_sha256(), b->fingerprint[i], &len) != 1)
			e = ERR_NOMEM;
	}
	return e;
}

/* ---- stores ---- */

static void
drop_store(struct tls_trust_store *s)
{
	X509_STORE_free(s->store);
	mem_free(s->root);
	*s = (struct tls_trust_store){0};
}

static enum err
open_store(struct tls_trust_store *s, size_t max)
{
	s->store = X509_STORE_new();
	s->root = mem_zalloc(max, sizeof(*s->root));
	return s->store && s->root ? ERR_OK : ERR_NOMEM;
}

static bool
has_root(const struct tls_trust_store *s, const uint8_t fingerprint[32])
{
	for (size_t i = 0; i < s->n; i++)
		if (memcmp(s->root[i].fingerprint, fingerprint, 32) == 0)
			return true;
	return false;
}

static enum err
add_root(struct tls_trust_store *s, const struct bundle *b, size_t i, enum cert_owner owner,
	 enum authority authority, struct str label)
{
	struct tls_trust_root *r = &s->root[s->n];

	if (has_root(s, b->fingerprint[i]))
		return ERR_OK;
	if (X509_STORE_add_cert(s->store, b->x[i]) != 1)
		return ERR_NOMEM;
	memcpy(r->fingerprint, b->fingerprint[i], sizeof(r->fingerprint));
	r->owner = owner;
	r->authority = authority;
	if (str_copyz(r->label, sizeof(r->label), str_sub(label, 0, sizeof(r->label) - 1)) !=
	    ERR_OK)
		r->label[0] = 0;
	s->n++;
	return ERR_OK;
}

static enum err
complain(struct buf *why, struct str label, const char *what)
{
	buf_z(why, why->len ? "; " : "");
	buf_str(why, label);
	buf_z(why, what);
	return ERR_CONFIG;
}

#define KEY_IN_FILE                                                                                \
	": it holds a private key, which has no business among certificates that are believed; "   \
	"keep it elsewhere"

bool
tls_pem_has_trusted(struct str pem)
{
	return str_find(pem, STR("-----BEGIN TRUSTED CERTIFICATE-----")) < pem.len;
}

/* What must not stand among certificates that are believed; NULL: nothing of it is there. */
static const char *
unfit_part(struct str pem)
{
	if (str_find(pem, STR("PRIVATE KEY-----")) < pem.len)
		return KEY_IN_FILE;
	return tls_pem_has_trusted(pem) ? ": it " TLS_PEM_TRUSTED_TEXT : NULL;
}

/* The system's bundle by names, or as a whole. */
static enum err
add_system(struct tls_trust_store *s, const struct tls_trust_zone *z, const struct bundle *system,
	   struct str label)
{
	enum err e = ERR_OK;

	for (size_t i = 0; i < system->n && e == ERR_OK; i++) {
		enum authority a;

		if (authority_of(system->fingerprint[i], &a) && z->authorities & AUTHORITY_BIT(a))
			e = add_root(s, system, i, CERT_OWNER_AUTHORITY, a,
				     str_from(authority_word(a)));
		else if (z->system)
			e = add_root(s, system, i, CERT_OWNER_FILE, AUTHORITY_N, label);
	}
	return e;
}

static enum err
fill_zone(struct tls_trust_store *s, const struct tls_trust_conf *c, size_t i,
	  const struct bundle *system, struct bundle *files, struct buf *why)
{
	const struct tls_trust_zone *z = &c->zones[i];
	const char *unfit;
	enum err e = open_store(s, 2 * TLS_TRUST_ROOTS_MAX);

	if (e == ERR_OK)
		e = add_system(s, z, system, c->system_label);
	if (e != ERR_OK)
		return e;
	unfit = unfit_part(z->files_pem);
	if (unfit)
		return complain(why, z->files_label, unfit);
	e = read_bundle(z->files_pem, files);
	if (e == ERR_LONG)
		complain(why, z->files_label, ": more authorities than postern takes");
	else if (e == ERR_SYNTAX)
		complain(why, z->files_label, ": no readable PEM certificate of an authority");
	for (size_t k = 0; e == ERR_OK && k < files->n; k++)
		e = add_root(s, files, k, CERT_OWNER_FILE, AUTHORITY_N, z->files_label);
	drop_bundle(files);
	return e == ERR_OK || e == ERR_NOMEM ? e : ERR_CONFIG;
}

static enum err
fill_zones(struct tls_trust *t, const struct tls_trust_conf *c, struct bundle *system,
	   struct bundle *files, struct buf *why)
{
	enum err e = read_bundle(c->system_pem, system);

	if (e == ERR_SYNTAX || e == ERR_LONG)
		return complain(why, c->system_label, ": no readable bundle of PEM certificates");
	for (size_t i = 0; i < c->n_zones && e == ERR_OK; i++) {
		e = fill_zone(&t->zone[i], c, i, system, files, why);
		t->n_zones++;
		if (e == ERR_OK && t->zone[i].n == 0)
			(void)complain(why, c->zones[i].files_label,
				       ": no accepted authority; nobody is accepted but by private "
				       "CAs of accounts");
	}
	return e;
}

/* ---- issuers ---- */

static bool
knows_issuer(const struct issuers *s, X509 *x)
{
	for (size_t i = 0; i < s->n; i++)
		if (X509_cmp(s->x[i], x) == 0)
			return true;
	return false;
}

static void
keep_issuer(struct issuers *s, X509 *x)
{
	if (knows_issuer(s, x) || X509_up_ref(x) != 1)
		return;
	X509_free(s->x[s->next]);
	s->x[s->next] = x;
	s->next = (s->next + 1) % TLS_TRUST_ISSUERS_MAX;
	if (s->n < TLS_TRUST_ISSUERS_MAX)
		s->n++;
}

void
tls_trust_note_issuer(struct tls_trust *t, X509 *x)
{
	keep_issuer(&t->issuers, x);
}

/* Every list whose issuer is at hand is checked now. */
static void
learn_store(struct tls_crls *crls, const struct tls_trust_store *s)
{
	STACK_OF(X509_OBJECT) *all = s->store ? X509_STORE_get0_objects(s->store) : NULL;

	for (int i = 0; all && i < sk_X509_OBJECT_num(all); i++)
		tls_crls_learn(crls, X509_OBJECT_get0_X509(sk_X509_OBJECT_value(all, i)));
}

static void
learn_all(struct tls_trust *t, const struct tls_trust *previous)
{
	for (size_t i = 0; previous && i < previous->issuers.n; i++)
		keep_issuer(&t->issuers, previous->issuers.x[i]);
	if (tls_crls_count(t->crls) == 0)
		return;
	for (size_t i = 0; i < t->n_zones; i++)
		learn_store(t->crls, &t->zone[i]);
	for (size_t i = 0; i < t->issuers.n; i++)
		tls_crls_learn(t->crls, t->issuers.x[i]);
}

/* ---- the whole ---- */

static void
free_trust(struct tls_trust *t)
{
	for (size_t i = 0; i < t->n_zones; i++)
		drop_store(&t->zone[i]);
	certview_drop(t->issuers.x, t->issuers.n);
	tls_crls_free(&t->crls);
	mem_free(t);
}

enum err
tls_trust_new(const struct tls_trust_conf *conf, struct buf *why, struct tls_trust **out)
{
	struct tls_trust *t = mem_zalloc(1, sizeof(*t));
	struct bundle *b = mem_zalloc(2, sizeof(*b));
	enum err e = t && b ? ERR_OK : ERR_NOMEM;

	if (e == ERR_OK &&
	    (conf->n_zones > TLS_TRUST_ZONES_MAX || conf->n_profiles > TLS_TRUST_PROFILES_MAX))
		e = ERR_RANGE;
	if (e == ERR_OK)
		e = fill_zones(t, conf, &b[0], &b[1], why);
	if (e == ERR_OK)
		e = tls_crls_new(conf->crls, conf->n_crls, why, &t->crls);
	if (b)
		drop_bundle(&b[0]);
	mem_free(b);
	ERR_clear_error();
	if (e != ERR_OK) {
		if (t)
			free_trust(t);
		return e;
	}
	learn_all(t, conf->previous);
	for (; t->n_profiles < conf->n_profiles; t->n_profiles++)
		t->profile[t->n_profiles] = conf->profiles[t->n_profiles];
	t->version = conf->version;
	atomic_init(&t->refs, 1);
	*out = t;
	return ERR_OK;
}

struct tls_trust *
tls_trust_ref(struct tls_trust *t)
{
	atomic_fetch_add(&t->refs, 1);
	return t;
}

void
tls_trust_unref(struct tls_trust **trust)
{
	struct tls_trust *t = *trust;

	*trust = NULL;
	if (t && atomic_fetch_sub(&t->refs, 1) == 1)
		free_trust(t);
}

uint64_t
tls_trust_version(const struct tls_trust *t)
{
	return t->version;
}

const struct tls_profile_row *
tls_trust_profile(const struct tls_trust *t, struct str word)
{
	enum tls_profile built_in;

	if (tls_profile_parse(word, &built_in) == ERR_OK)
		return tls_profile_row(built_in);
	for (size_t i = 0; i < t->n_profiles; i++)
		if (str_eqz(word, t->profile[i].word))
			return &t->profile[i];
	return NULL;
}

size_t
tls_trust_roots(const struct tls_trust *t, uint16_t zone)
{
	return zone < t->n_zones ? t->zone[zone].n : 0;
}

bool
tls_trust_revoked(const struct tls_trust *t, const struct cert_id *ids, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (tls_crls_named(t->crls, &ids[i]))
			return true;
	return false;
}

const struct tls_trust_store *
tls_trust_zone_of(const struct tls_trust *t, uint16_t zone)
{
	return zone < t->n_zones && t->zone[zone].n ? &t->zone[zone] : NULL;
}

struct tls_crls *
tls_trust_crls(struct tls_trust *t)
{
	return t->crls;
}

/* ---- what the bundle lacks ---- */

static bool
has_fingerprint(const struct bundle *b, const uint8_t fingerprint[32])
{
	for (size_t i = 0; i < b->n; i++)
		if (memcmp(b->fingerprint[i], fingerprint, 32) == 0)
			return true;
	return false;
}

size_t
tls_trust_put_absent(struct str bundle_pem, uint32_t authorities, struct buf *b)
{
	struct bundle *have = mem_zalloc(1, sizeof(*have));
	struct authority_root r;
	enum authority last = AUTHORITY_N;
	size_t absent = 0;

	if (!have)
		return 0;
	if (read_bundle(bundle_pem, have) != ERR_OK)
		drop_bundle(have);
	for (size_t i = 0; authority_root_at(i, &r); i++) {
		if (!(authorities & AUTHORITY_BIT(r.authority)) ||
		    has_fingerprint(have, r.fingerprint))
			continue;
		if (r.authority != last)
			buf_printf(b, "%s%s: ", absent ? "; " : "", authority_word(r.authority));
		else
			buf_z(b, ", ");
		buf_str(b, r.name);
		last = r.authority;
		absent++;
	}
	drop_bundle(have);
	mem_free(have);
	return absent;
}

/* ---- accounts ---- */

static bool
fill_ca(struct tls_trust_own *o, struct str pem, struct bundle *b)
{
	enum err e = open_store(&o->ca, TLS_TRUST_OWN_MAX);

	if (e == ERR_OK)
		e = read_bundle(pem, b);
	if (e == ERR_OK && b->n > TLS_TRUST_OWN_MAX)
		e = ERR_LONG;
	for (size_t i = 0; e == ERR_OK && i < b->n; i++)
		e = add_root(&o->ca, b, i, CERT_OWNER_ACCOUNT, AUTHORITY_N, STR_NULL);
	drop_bundle(b);
	if (e != ERR_OK)
		drop_store(&o->ca);
	return e == ERR_OK;
}

static void
fill_own(struct tls_trust_own *o, const struct tls_trust_account *a, struct bundle *b,
	 struct buf *why)
{
	if (str_copyz(o->id, sizeof(o->id), a->id) != ERR_OK) {
		complain(why, a->id, ": the account's id is too long");
		return;
	}
	if (a->ca_pem.len && !fill_ca(o, a->ca_pem, b))
		complain(why, a->id, ": the account's private CA cannot be read");
	if (a->intermediates_pem.len &&
	    certview_read_pem(a->intermediates_pem, o->intermediate, TLS_TRUST_OWN_MAX,
			      &o->n_intermediates) != ERR_OK)
		complain(why, a->id, ": the account's intermediates cannot be read");
}

static int
compare_own(const void *a, const void *b)
{
	const struct tls_trust_own *x = a, *y = b;

	return strcmp(x->id, y->id);
}

enum err
tls_owns_new(const struct tls_trust_account *accounts, size_t n, struct buf *why,
	     struct tls_owns **out)
{
	struct tls_owns *o;
	struct bundle *b;

	if (n > TLS_TRUST_ACCOUNTS_MAX)
		return ERR_RANGE;
	o = mem_zalloc(1, sizeof(*o));
	b = mem_zalloc(1, sizeof(*b));
	if (o)
		o->own = mem_zalloc(n ? n : 1, sizeof(*o->own));
	if (!o || !b || !o->own) {
		mem_free(b);
		mem_free(o);
		return ERR_NOMEM;
	}
	for (; o->n < n; o->n++)
		fill_own(&o->own[o->n], &accounts[o->n], b, why);
	mem_free(b);
	ERR_clear_error();
	qsort(o->own, o->n, sizeof(*o->own), compare_own);
	atomic_init(&o->refs, 1);
	*out = o;
	return ERR_OK;
}

struct tls_owns *
tls_owns_ref(struct tls_owns *o)
{
	atomic_fetch_add(&o->refs, 1);
	return o;
}

void
tls_owns_unref(struct tls_owns **owns)
{
	struct tls_owns *o = *owns;

	*owns = NULL;
	if (!o || atomic_fetch_sub(&o->refs, 1) != 1)
		return;
	for (size_t i = 0; i < o->n; i++) {
		drop_store(&o->own[i].ca);
		certview_drop(o->own[i].intermediate, o->own[i].n_intermediates);
	}
	mem_free(o->own);
	mem_free(o);
}

const struct tls_trust_own *
tls_owns_find(const struct tls_owns *o, struct str account)
{
	size_t lo = 0, hi = o && account.len ? o->n : 0;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = str_cmp(str_from(o->own[mid].id), account);

		if (c == 0)
			return &o->own[mid];
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

/* PEM certificates, at most max, each of a CA. */
static enum err
check_cas(struct str pem, size_t max, struct str label, struct buf *why)
{
	X509 **x;
	const char *unfit = unfit_part(pem);
	size_t n;
	enum err e;

	if (unfit)
		return complain(why, label, unfit);
	x = mem_zalloc(max, sizeof(X509 *));
	if (!x)
		return ERR_NOMEM;
	e = certview_read_pem(pem, x, max, &n);
	if (e == ERR_LONG)
		e = complain(why, label, ": more certificates than it may hold");
	else if (e != ERR_OK)
		e = complain(why, label, ": no readable PEM certificate");
	else {
		for (size_t i = 0; i < n && e == ERR_OK; i++)
			if (X509_check_ca(x[i]) == 0)
				e = complain(why, label,
					     ": a certificate in it is not of an authority "
					     "(CA:TRUE); name the file of the one that issued it");
		certview_drop(x, n);
	}
	mem_free(x);
	return e;
}

enum err
tls_owns_check(struct str pem, struct str label, struct buf *why)
{
	return check_cas(pem, TLS_TRUST_OWN_MAX, label, why);
}

enum err
tls_roots_check(struct str pem, struct str label, struct buf *why)
{
	return check_cas(pem, TLS_TRUST_ROOTS_MAX, label, why);
}

/* ---- the box ---- */

enum err
tls_trust_box_init(struct tls_trust_box *b, struct tls_trust *t)
{
	*b = (struct tls_trust_box){.trust = t};
	if (pthread_mutex_init(&b->lock, NULL) != 0)
		return ERR_NOMEM;
	if (t)
		tls_trust_ref(t);
	return ERR_OK;
}

void
tls_trust_box_fini(struct tls_trust_box *b)
{
	tls_trust_unref(&b->trust);
	tls_owns_unref(&b->owns);
	pthread_mutex_destroy(&b->lock);
}

void
tls_trust_box_set(struct tls_trust_box *b, struct tls_trust *t)
{
	struct tls_trust *before;

	if (t)
		tls_trust_ref(t);
	pthread_mutex_lock(&b->lock);
	before = b->trust;
	b->trust = t;
	pthread_mutex_unlock(&b->lock);
	tls_trust_unref(&before);
}

void
tls_trust_box_set_owns(struct tls_trust_box *b, struct tls_owns *o)
{
	struct tls_owns *before;

	if (o)
		tls_owns_ref(o);
	pthread_mutex_lock(&b->lock);
	before = b->owns;
	b->owns = o;
	pthread_mutex_unlock(&b->lock);
	tls_owns_unref(&before);
}

struct tls_trust *
tls_trust_box_get(struct tls_trust_box *b)
{
	struct tls_trust *t;

	pthread_mutex_lock(&b->lock);
	t = b->trust ? tls_trust_ref(b->trust) : NULL;
	pthread_mutex_unlock(&b->lock);
	return t;
}

struct tls_owns *
tls_trust_box_owns(struct tls_trust_box *b)
{
	struct tls_owns *o;

	pthread_mutex_lock(&b->lock);
	o = b->owns ? tls_owns_ref(b->owns) : NULL;
	pthread_mutex_unlock(&b->lock);
	return o;
}
