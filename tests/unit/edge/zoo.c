/* The zoo (A1): every kind of odd certificate in both directions, against accounts with every kind
 * of policy. Each row has one expected result a direction: the account, or alert, word and
 * sentence. */
#include "unit/policy/world.h" /* cmocka first */

#include <sys/socket.h>
#include <unistd.h>

#include "edge/card.h"
#include "zoo_rows.h"

/* ---- the bed ---- */

static struct bed {
	struct world w;
	struct cards cards;
	struct edge_conf conf;
	char zone_fqdn[2][POLICY_HOST_MAX];
	struct tls_ctx *server[2], *client[2];
	struct tls_zones *zones;
	struct tls_trust_box trust;
	X509 *ours;
	char pem[3][CA_PEM_MAX];
	const char *label, *from; /* of the next client: before the zone in its SNI; its place */
} bed;

static struct roster_account *
add_account(const char *id, const char *host)
{
	struct roster_account *a = world_account(&bed.w, id);

	a->tls_wildcard = true;
	(void)world_trunk(&bed.w, id, id, host);
	return a;
}

static struct str
keep_pem(int slot, X509 *x)
{
	struct str s = ca_pem(slot, &x, 1);

	memcpy(bed.pem[slot], s.p, s.len);
	return str_of(bed.pem[slot], s.len);
}

static void
make_accounts(void)
{
	static X509 *own;
	struct roster_account *a;
	struct zoo_cert self = {DNS("own.example.org"), .issuer = I_SELF};

	add_account("acme", PBX);
	add_account("beta", BETA)->tls_cn = true;
	a = add_account("strict", "strict.example.org");
	a->tls_eku = TLS_EKU_STRICT;
	a->tls_wildcard = false;
	add_account("gone", "gone.example.info")->enabled = false;
	add_account("asked", "asked.example.info")->tls_srtp = TLS_SRTP_REQUESTED;
	add_account("deep", "a.deep.example.edu");
	add_account("idn", "xn--bcher-kva.example.info");
	add_account("hard", "hard.example.org")->tls_revocation = TLS_REVOCATION_HARD;
	add_account("off", "off.example.org")->tls_revocation = TLS_REVOCATION_OFF;
	add_account("named", "named.example.org")->tls_authorities = STR("DigiCert");
	add_account("modern", "modern.example.org")->tls_profile = STR("modern");
	add_account("legacy", "legacy.example.org")->tls_profile = STR("carrier");
	add_account("lost", "lost.example.org")->tls_profile = STR("none");
	add_account("listed", "listed.example.org")->tls_profile = STR("modern");
	world_source(&bed.w.r.trunk[bed.w.r.n_trunks - 1], "198.51.100.0/24");
	add_account("priv", "priv.example.org")->tls_ca = keep_pem(0, zoo.ca[I_PRIVATE]);
	add_account("fill", "fill.example.org")->tls_intermediates = keep_pem(1, zoo.ca[I_MIDDLE]);
	own = zoo_leaf(&self);
	add_account("own", "own.example.org")->tls_ca = keep_pem(2, own);
	X509_free(own);
	world_build(&bed.w);
}

static struct tls_ctx *
make_ctx(bool server, int zone)
{
	struct tls_conf c = {.server = server,
			     .profile = zone == Z_MODERN ? TLS_PROFILE_MODERN : TLS_PROFILE_CARRIER,
			     .zone = (uint16_t)zone,
			     .fqdn = zone == Z_MODERN ? STR(MODERN) : STR(ZONE),
			     .chain_pem = ca_pem(3, &bed.ours, 1),
			     .key_pem = ca_key_pem(3, ca_keys()->leaf2, NULL)};
	struct tls_ctx *ctx = NULL;
	char mem[512];
	struct buf why;

	buf_init(&why, mem, sizeof(mem));
	assert_int_equal(tls_ctx_new(&c, &why, &ctx), ERR_OK);
	return ctx;
}

static struct str
crl_pem(size_t i)
{
	static char text[4][4096];
	BIO *b = BIO_new(BIO_s_mem());
	char *p;
	long len;

	CA_MUST(PEM_write_bio_X509_CRL(b, zoo.crl[i]) == 1);
	len = BIO_get_mem_data(b, &p);
	memcpy(text[i], p, (size_t)len);
	BIO_free(b);
	return str_of(text[i], (size_t)len);
}

static void
make_trust(void)
{
	X509 *roots[] = {zoo.ca[I_ROOT],  zoo.ca[I_EC_ROOT], zoo.ca[I_LISTED],
			 zoo.ca[I_STALE], zoo.ca[I_DELTA],   zoo.ca[I_FORGED]};
	struct tls_trust_zone zone[2];
	struct tls_text crl[4];
	struct tls_trust_conf c = {
		.zones = zone, .n_zones = 2, .crls = crl, .n_crls = ARRAY_LEN(crl), .version = 7};
	struct tls_trust *t = NULL;
	char mem[512];
	struct buf why;

	for (size_t i = 0; i < 2; i++)
		zone[i] = (struct tls_trust_zone){.files_pem = ca_pem(4, roots, ARRAY_LEN(roots)),
						  .files_label = STR("roots.pem")};
	for (size_t i = 0; i < ARRAY_LEN(crl); i++)
		crl[i] = (struct tls_text){crl_pem(i), STR("list.pem")};
	buf_init(&why, mem, sizeof(mem));
	assert_int_equal(tls_trust_new(&c, &why, &t), ERR_OK);
	assert_int_equal(why.len, 0);
	assert_int_equal(tls_trust_box_init(&bed.trust, t), ERR_OK);
	tls_trust_unref(&t);
}

static int
setup(void **state)
{
	struct zoo_cert ours = {.san = "DNS:" ZONE ",DNS:" MODERN};

	(void)state;
	zoo_open();
	ours.key = K_RSA;
	bed.ours = zoo_leaf(&ours);
	X509_set_pubkey(bed.ours, ca_keys()->leaf2);
	CA_MUST(X509_sign(bed.ours, ca_keys()->ca, EVP_sha256()) > 0);
	make_accounts();
	for (int z = 0; z < 2; z++) {
		snprintf(bed.zone_fqdn[z], POLICY_HOST_MAX, "%s", z ? MODERN : ZONE);
		bed.server[z] = make_ctx(true, z);
		bed.client[z] = make_ctx(false, z);
	}
	assert_int_equal(tls_zones_new(bed.server, 2, &bed.zones), ERR_OK);
	make_trust();
	bed.conf.n_zones = 2;
	assert_int_equal(cards_init(&bed.cards, 4, bed.zone_fqdn, &bed.conf), ERR_OK);
	bed.cards.snap = &bed.w.v;
	cards_owns(&bed.w.v, &bed.trust);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	cards_fini(&bed.cards);
	tls_zones_unref(&bed.zones);
	for (int z = 0; z < 2; z++) {
		tls_ctx_unref(&bed.server[z]);
		tls_ctx_unref(&bed.client[z]);
	}
	tls_trust_box_fini(&bed.trust);
	world_fini(&bed.w);
	X509_free(bed.ours);
	zoo_close();
	return 0;
}

/* ---- one meeting ---- */

struct meeting {
	struct tls_hand hand;
	struct tls_record record;
	struct tls_verdict verdict;
	SSL *peer;
};

static int
take_any(int ok, X509_STORE_CTX *store)
{
	(void)ok, (void)store;
	return 1;
}

/* The other side: everything that the library can do, at security level 0. */
static SSL_CTX *
peer_context(bool server, const struct zoo_cert *c)
{
	SSL_CTX *ctx = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
	X509 *x;

	CA_MUST(ctx);
	SSL_CTX_set_security_level(ctx, 0);
	CA_MUST(SSL_CTX_set_cipher_list(ctx, "ALL:@SECLEVEL=0") == 1);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, take_any);
	SSL_CTX_set_mode(ctx, SSL_MODE_NO_AUTO_CHAIN);
	if (!c)
		return ctx;
	x = zoo_leaf(c);
	CA_MUST(SSL_CTX_use_certificate(ctx, x) == 1 &&
		SSL_CTX_use_PrivateKey(ctx, zoo_key(c->key)) == 1);
	zoo_send(ctx, c);
	X509_free(x);
	return ctx;
}

/* c NULL: the peer shows nothing. */
static void
meet(struct meeting *m, const struct row *r, const struct zoo_cert *c, bool peer_serves)
{
	struct tls_hand_conf hc = {.on_identity = cards_on_identity,
				   .on_guess = cards_on_guess,
				   .arg = &bed.cards,
				   .record = &m->record,
				   .verdict = &m->verdict,
				   .trust = &bed.trust};
	SSL_CTX *ctx = peer_context(peer_serves, c);
	enum err e = ERR_AGAIN;
	uint32_t want, account;
	int fds[2], done = 0;
	char sni[64];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	assert_int_equal(
		addr_parse(bed.from ? str_from(bed.from) : STR("192.0.2.9:40000"), &hc.peer),
		ERR_OK);
	assert_int_equal(addr_parse(STR("192.0.2.1:5061"), &hc.local), ERR_OK);
	hc.fd = fds[0];
	m->peer = SSL_new(ctx);
	CA_MUST(m->peer && SSL_set_fd(m->peer, fds[1]) == 1);
	if (peer_serves) {
		hc.client = bed.client[r->zone];
		hc.fqdn = str_from(r->ref);
		account = snapshot_account(&bed.w.v, str_from(r->of));
		assert_int_not_equal(account, POLICY_NONE);
		cards_terms(&bed.w.v, account, &hc.account);
		SSL_set_accept_state(m->peer);
	} else {
		hc.zones = bed.zones;
		snprintf(sni, sizeof(sni), "%s%s", bed.label ? bed.label : "",
			 r->zone == Z_MODERN ? MODERN : ZONE);
		SSL_set_tlsext_host_name(m->peer, sni);
		SSL_set_connect_state(m->peer);
	}
	assert_int_equal(tls_hand_init(&m->hand, &hc), ERR_OK);
	for (int i = 0; i < STEPS && e == ERR_AGAIN; i++) {
		if (done == 0 && (done = SSL_do_handshake(m->peer)) < 0)
			done = SSL_get_error(m->peer, done) == SSL_ERROR_WANT_READ ? 0 : -1;
		if (done < 0) { /* it gave up: we read its alert, or the end */
			shutdown(fds[1], SHUT_WR);
			done = 1;
		}
		e = tls_hand_step(&m->hand, &want);
	}
	m->record.accepted = e == ERR_OK;
	if (!peer_serves && m->verdict.accept)
		cards_free(&bed.cards, m->verdict.account);
	tls_hand_fini(&m->hand);
	SSL_free(m->peer);
	SSL_CTX_free(ctx);
	ERR_clear_error();
	close(fds[0]);
	close(fds[1]);
}

static void
check(const struct row *r, const char *direction, const struct want *w, const struct meeting *m)
{
	const struct tls_record *rec = &m->record;
	bool ok = strcmp(w->word, "ok") == 0;

	if (strcmp(tls_record_word(rec), w->word) != 0 || rec->accepted != ok)
		fail_msg("%s, %s: %s, \"%s\"", r->row, direction, tls_record_word(rec), rec->why);
	if (rec->alert_sent != w->alert)
		fail_msg("%s, %s: alert %d", r->row, direction, rec->alert_sent);
	if (!strstr(ok ? rec->notes : rec->why, w->says))
		fail_msg("%s, %s: said \"%s\", noted \"%s\"", r->row, direction, rec->why,
			 rec->notes);
	if (w->account && strcmp(ok ? m->verdict.terms.id : m->verdict.claims, w->account) != 0)
		fail_msg("%s, %s: account \"%s\", claims \"%s\"", r->row, direction,
			 m->verdict.terms.id, m->verdict.claims);
	if (ok && rec->trust_version != 7)
		fail_msg("%s, %s: trust %d", r->row, direction, (int)rec->trust_version);
}

/* A1: as a client's certificate to our server. */
static void
shown_by_clients(void **state)
{
	static struct meeting m;

	(void)state;
	_Static_assert(ARRAY_LEN(rows) >= 64, "the zoo is large");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		meet(&m, &rows[i], &rows[i].cert, false);
		check(&rows[i], "client", &rows[i].client, &m);
	}
	assert_int_equal(pool_used(&bed.cards.pool), 0);
}

/* A1: as a server's certificate to our client. */
static void
shown_by_servers(void **state)
{
	static struct meeting m;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (!rows[i].server.word)
			continue;
		meet(&m, &rows[i], &rows[i].cert, true);
		check(&rows[i], "server", &rows[i].server, &m);
	}
}

static void
none_shown(void **state)
{
	static const struct row none = {.row = "none",
					.client = NO("no-certificate", 40, "no certificate shown")};
	static struct meeting m;

	(void)state;
	meet(&m, &none, NULL, false);
	check(&none, "client", &none.client, &m);
}

/* Where the ClientHello tells the account, by name or by address, its profile is offered; where
 * the certificate then is another account's, that one's profile still counts, or the zone's. */
static void
told_by_hello(void **state)
{
	static const struct {
		const char *label, *from;
		struct row row;
	} told[] = {
		{"modern.",
		 NULL,
		 {"by name", {DNS("modern.example.org")}, OK_AS("modern"), SKIP, NULL, NULL, 0}},
		{NULL,
		 "198.51.100.7:40000",
		 {"by address", {DNS("listed.example.org")}, OK_AS("listed"), SKIP, NULL, NULL, 0}},
		{NULL,
		 NULL,
		 {"by address, from elsewhere",
		  {DNS("listed.example.org")},
		  NO("source", 42, "does not come from 192.0.2.9"),
		  SKIP,
		  NULL,
		  NULL,
		  0}},
		{"modern.",
		 NULL,
		 {"another than told, which the zone does not take",
		  {DNS(PBX)},
		  NO("profile", 40, "the zone takes profile carrier only"),
		  SKIP,
		  NULL,
		  NULL,
		  0}},
		{"legacy.",
		 NULL,
		 {"below the zone, told by an account that may",
		  {DNS("legacy.example.org")},
		  OK_AS("legacy"),
		  SKIP,
		  NULL,
		  NULL,
		  Z_MODERN}},
		{"legacy.",
		 NULL,
		 {"below the zone, by another account's name",
		  {DNS(PBX)},
		  NO("profile", 40, "the zone takes profile modern only"),
		  SKIP,
		  NULL,
		  NULL,
		  Z_MODERN}},
		{"acme.",
		 NULL,
		 {"told one without a profile, is one with",
		  {DNS("modern.example.org")},
		  NO("profile", 40, "the account takes profile modern only"),
		  SKIP,
		  NULL,
		  NULL,
		  0}},
		{"lost.",
		 NULL,
		 {"a profile that does not exist",
		  {DNS("lost.example.org")},
		  NO("profile", 40, "which does not exist"),
		  SKIP,
		  NULL,
		  NULL,
		  0}},
	};
	static struct meeting m;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(told); i++) {
		const struct row *r = &told[i].row;

		bed.label = told[i].label;
		bed.from = told[i].from;
		meet(&m, r, &r->cert, false);
		check(r, "client", &r->client, &m);
	}
	bed.label = bed.from = NULL;
	assert_int_equal(pool_used(&bed.cards.pool), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shown_by_clients),
		cmocka_unit_test(shown_by_servers),
		cmocka_unit_test(none_shown),
		cmocka_unit_test(told_by_hello),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
