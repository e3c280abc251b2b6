/* Every field: accounts file -> roster -> store -> roster -> snapshot. A field that some part
 * forgets comes back with its default, or is missing in the text below; both fail. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "told.h"

#include "conf/accountsfile.h"
#include "base/mem.h"
#include "policy/change.h"
#include "store/store.h"

static const char pem[] = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";

/* Each word that there is, with a value that is not its default. */
static const char text[] =
	"accounts:\n"
	"  - {id: platform, need: \"all\", tls_srtp: requested}\n"
	"  - id: acme\n"
	"    name: Acme Ltd\n"
	"    parent: platform\n"
	"    enabled: no\n"
	"    services: [international, premium]\n"
	"    countries: [\"44\", \"1876\"]\n"
	"    tls_srtp: on\n"
	"    need: calls over the Internet\n"
	"    questionnaire:\n"
	"      make of the PBX: Example 9\n"
	"      SRTP suites: AES_CM_128_HMAC_SHA1_80\n"
	"    override: \"seen at the fair\"\n"
	"    max_calls: 17\n"
	"    attempts: 3\n"
	"    max_length: 4h\n"
	"    international_minutes: 600\n"
	"    max_spend: \"50.25\"\n"
	"    limit_status: 603\n"
	"    emergency: {action: redirect, status: 305, target: \"sip:911@gw.acme.example\"}\n"
	"    caller: replace\n"
	"    tls:\n"
	"      eku: strict\n"
	"      wildcard: no\n"
	"      common_name: yes\n"
	"      revocation: hard\n"
	"      authorities: [DigiCert, \"Let's Encrypt\"]\n"
	"      ca: ca.pem\n"
	"      intermediates: ca.pem\n"
	"      profile: modern\n"
	"    trunks:\n"
	"      - {id: acme-0, fqdn: pbx0.acme.example, keying: dtls, ice: lite}\n"
	"      - id: acme-1\n"
	"        fqdn: pbx.acme.example\n"
	"        port: 5099\n"
	"        enabled: no\n"
	"        direction: out\n"
	"        security: refused\n"
	"        prefer: lines\n"
	"        identity: certificate+address\n"
	"        client_certificate: never\n"
	"        reference: sbc.acme.example\n"
	"        reuse: inbound\n"
	"        listener: outside\n"
	"        zone: sip.z.example\n"
	"        media: outside\n"
	"        names: [a.acme.example, b.acme.example]\n"
	"        sources: [192.0.2.0/24, \"2001:db8::/32\"]\n"
	"        caller: \"+12015550100\"\n"
	"        strip: \"+1\"\n"
	"        add: \"9\"\n"
	"        ssrc: pass\n"
	"        learn: yes\n"
	"        srtp: [AEAD_AES_256_GCM, AES_CM_128_HMAC_SHA1_80]\n"
	"        codecs: [PCMU, G722]\n"
	"        t38_clear: yes\n"
	"        video: relay\n"
	"        other_media: pass\n"
	"        parts: pass\n"
	"        events: 101\n"
	"        mki: always\n"
	"        roc: reset\n"
	"        indialog: all\n"
	"        refer: local\n"
	"        redirect: follow\n"
	"        repair: yes\n"
	"        dtmf: info\n"
	"        overflow: acme-0\n"
	"        contact: fqdn\n"
	"        headers: {in: [remove X-A, \"add X-B: {called}\"], out: [\"replace s: x\"]}\n"
	"        rewrite: {in: [\"called 9 ->\", \"calling 1 -> +120155501\"], out: [called -> "
	"8]}\n"
	"        verstat: pass\n"
	"        hunt: [404, 5xx]\n"
	"        stop: [500]\n"
	"        options: {every: 30s, timeout: 3s, down_after: 3, up_after: 1, slow: 700,\n"
	"          failed: [408, 5xx]}\n"
	"        auth: east\n"
	"        large: udp\n"
	"        register: {aor: \"sip:acme@reg.example\", registrar: reg2.example, expires: 2h}\n"
	"        dscp: keep\n"
	"        max_calls: 11\n"
	"        attempts: 7\n"
	"        max_length: 90m\n"
	"        numbers: [\"+12015550100\", \"+1202*\"]\n"
	"carriers:\n"
	"  - {id: gw, host: 192.0.2.9, transport: tcp, emergency: yes, priority: 1, weight: 2,\n"
	"     group: east, interop: ./made.yaml}\n"
	"rates:\n"
	"  - {prefix: \"+44\", price: \"0.0120\", increment: 30}\n"
	"routes:\n"
	"  - id: uk\n"
	"    enabled: no\n"
	"    account: acme\n"
	"    prefix: \"+44\"\n"
	"    classes: [international, premium]\n"
	"    week: sat-sun 22:00-06:30\n"
	"    to: [gw, east]\n"
	"    weight: 3\n"
	"groups:\n"
	"  - {id: east, max_calls: 40, attempts: 4, hunt: [486], stop: [603, 5xx]}\n";

struct fixture {
	char dir[64], path[96], ca[96], made[96];
	struct store *s;
	struct roster file, back;
	struct str snap;
};

static int
setup(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));
	FILE *ca;

	*state = f;
	roster_init(&f->file);
	roster_init(&f->back);
	(void)snprintf(f->dir, sizeof(f->dir), "%s/postern-fields-XXXXXX",
		       getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	if (!mkdtemp(f->dir))
		return -1;
	(void)snprintf(f->path, sizeof(f->path), "%s/s.db", f->dir);
	(void)snprintf(f->ca, sizeof(f->ca), "%s/ca.pem", f->dir);
	ca = fopen(f->ca, "w");
	if (!ca)
		return -1;
	fputs(pem, ca);
	if (fclose(ca) != 0)
		return -1;
	(void)snprintf(f->made, sizeof(f->made), "%s/made.yaml", f->dir);
	ca = fopen(f->made, "w");
	if (!ca)
		return -1;
	fputs("name: made\ntrunk: {roc: keep, hunt: [404, 5xx]}\n", ca);
	return fclose(ca);
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	static const char *const ends[] = {"", "-wal", "-shm"};
	char path[112];

	store_close(&f->s);
	roster_fini(&f->file);
	roster_fini(&f->back);
	store_snapshot_free(&f->snap);
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		(void)snprintf(path, sizeof(path), "%s%s", f->path, ends[i]);
		(void)unlink(path);
	}
	(void)unlink(f->ca);
	(void)unlink(f->made);
	(void)rmdir(f->dir);
	test_free(f);
	return 0;
}

/* Does some row of this kind have a value here that differs from what a new row has? */
static bool
has_value(struct roster *r, enum roster_kind k, const struct field *f)
{
	static union {
		struct roster_account account;
		struct roster_trunk trunk;
		struct roster_number number;
		struct roster_rate rate;
		struct roster_route route;
		struct roster_group group;
	} fresh;

	memset(&fresh, 0, sizeof(fresh));
	field_defaults(k, &fresh);
	for (uint32_t i = 0; i < roster_count(r, k); i++)
		if (!field_same(f, roster_row(r, k, i), &fresh))
			return true;
	return false;
}

/* The member in the snapshot is that of the roster. */
static void
compare_member(const struct snapshot_view *v, const struct field *f, const void *row,
	       const void *snap)
{
	const char *at = (const char *)snap + f->snap;
	struct text t;
	uint64_t n = 0;

	if (f->snap_size == 0)
		return;
	if (field_is_text(f)) {
		memcpy(&t, at, sizeof(t));
		if (!str_eq(snapshot_text(v, t), field_text(f, row)))
			fail_msg("%s differs in the snapshot", f->name);
	} else {
		memcpy(&n, at, f->snap_size);
		if (n != field_u64(f, row))
			fail_msg("%s is %llu in the snapshot", f->name, (unsigned long long)n);
	}
}

static void
test_round_trip(void **state)
{
	struct fixture *f = *state;
	struct snapshot_view v;
	char why[STORE_WHY_MAX];
	uint64_t version;
	uint32_t n = 9;
	struct told told;
	struct roster_account *a;
	const struct trunk *gw;

	told_init(&told);
	if (accountsfile_parse(str_from(text), f->dir, &told.rep, &f->file) != ERR_OK)
		fail_msg("%s", buf_cstr(&told.b));
	for (unsigned k = 0; k < ROSTER_KIND_N; k++)
		for (unsigned i = 0; i < field_table(k)->n; i++)
			if (!has_value(&f->file, k, &field_table(k)->field[i]))
				fail_msg("%s %s has its default in this test: give it a value",
					 field_table(k)->name, field_table(k)->field[i].name);
	assert_int_equal(store_open(f->path, &f->s, why), ERR_OK);
	assert_int_equal(store_write(f->s, &f->file, 0, &version), ERR_OK);
	assert_int_equal(store_read(f->s, &f->back), ERR_OK);
	assert_int_equal(change_walk(&f->back, &f->file, NULL, NULL, &n), ERR_OK);
	assert_int_equal(n, 0);
	assert_int_equal(store_snapshot(f->s, &f->snap), ERR_OK);
	assert_int_equal(snapshot_open(f->snap, &v), ERR_OK);
	assert_int_equal(v.n_accounts, f->back.n_accounts);
	assert_int_equal(v.n_trunks, f->back.n_trunks);
	for (uint32_t r = 0; r < v.n_accounts; r++)
		for (unsigned i = 0; i < field_table(ROSTER_ACCOUNT)->n; i++)
			compare_member(&v, &field_table(ROSTER_ACCOUNT)->field[i],
				       &f->back.account[r], &v.account[r]);
	gw = &v.trunk[snapshot_trunk(&v, STR("gw"))];
	assert_int_equal(gw->group_calls, 40);
	assert_int_equal(gw->group_attempts, 4);
	assert_true(str_eqz(snapshot_text(&v, gw->hunt), "404,5xx")); /* its own */
	assert_true(str_eqz(snapshot_text(&v, gw->stop), "603,5xx")); /* the group's */
	for (uint32_t r = 0; r < v.n_trunks; r++)
		for (unsigned i = 0; i < field_table(ROSTER_TRUNK)->n; i++)
			if (&v.trunk[r] != gw ||
			    strcmp(field_table(ROSTER_TRUNK)->field[i].name, "stop") != 0)
				compare_member(&v, &field_table(ROSTER_TRUNK)->field[i],
					       &f->back.trunk[r], &v.trunk[r]);
	assert_int_equal(v.n_routes, 1);
	for (unsigned i = 0; i < field_table(ROSTER_ROUTE)->n; i++)
		compare_member(&v, &field_table(ROSTER_ROUTE)->field[i], &f->back.route[0],
			       &v.route[0]);
	assert_int_equal(v.route[0].account, snapshot_account(&v, STR("acme")));
	assert_int_equal(v.account[0].parent_row, 1);
	assert_int_equal(snapshot_rate(&v, STR("+442071838750"))->increment_s, 30);
	assert_int_equal(snapshot_rate(&v, STR("+442071838750"))->price_micro, 12000);
	assert_null(snapshot_rate(&v, STR("+4930123456")));
	a = &f->back.account[0];
	assert_true(str_eqz(a->questionnaire, "make of the PBX: Example 9\n"
					      "SRTP suites: AES_CM_128_HMAC_SHA1_80\n"));
	assert_true(str_eqz(a->tls_ca, pem));
	assert_true(str_eqz(a->tls_authorities, "DigiCert,Let's Encrypt"));
	assert_int_equal(a->max_spend_micro, 50250000);
	assert_int_equal(a->max_length_s, 4 * 3600);
}

/* What stands where the file does not say it. */
static void
test_defaults(void **state)
{
	static const char small[] = "accounts: [{id: a, trunks: [{id: t, fqdn: x.example}, "
				    "{id: u, fqdn: 192.0.2.1, transport: udp}]}]\n"
				    "carriers: [{id: g, host: 192.0.2.9}]\n";
	struct fixture *f = *state;
	struct told told;
	const struct roster_account *a;
	const struct roster_trunk *t;

	told_init(&told);
	if (accountsfile_parse(str_from(small), NULL, &told.rep, &f->file) != ERR_OK)
		fail_msg("%s", buf_cstr(&told.b));
	a = &f->file.account[0];
	assert_int_equal(a->services, ACCOUNT_SERVICES);
	assert_int_equal(a->limit_status, ACCOUNT_LIMIT_STATUS);
	assert_int_equal(a->emergency_status, ACCOUNT_EMERGENCY_STATUS);
	assert_int_equal(a->caller, ACCOUNT_CALLER_REFUSE);
	assert_int_equal(a->tls_eku, TLS_EKU_ACCEPT_SERVER_AUTH);
	assert_int_equal(a->tls_revocation, TLS_REVOCATION_SOFT);
	assert_true(a->tls_wildcard && !a->tls_cn && a->enabled);
	t = f->file.trunk;
	assert_int_equal(t[0].identity, TRUNK_BY_CERTIFICATE);
	assert_int_equal(t[0].client_certificate, TRUNK_SHOW);
	assert_int_equal(t[0].reuse, TRUNK_REUSE_NO);
	assert_int_equal(t[0].srtp.len, 0);
	assert_int_equal(t[0].mki, TRUNK_MKI_MIRROR);
	assert_int_equal(t[0].dscp, TRUNK_DSCP_EF);
	assert_int_equal(t[1].identity, TRUNK_BY_ADDRESS);
	assert_int_equal(t[2].priority, 10);
	assert_int_equal(t[2].weight, 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_round_trip, setup, teardown),
		cmocka_unit_test_setup_teardown(test_defaults, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
