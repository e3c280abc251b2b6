/* What accounts and trunks name must be there: in the configuration, or among known names. */
#include "told.h"

#include "base/mem.h"
#include "conf/accountsfile.h"
#include "conf/refs.h"
#include "policy/snapbuild.h"

static struct told told;
static struct conf conf;

static void
setup_conf(void)
{
	memset(&conf, 0, sizeof(conf));
	conf.n_zones = conf.n_listeners = conf.n_media = conf.tls.n = 1;
	conf.n_credentials = 1;
	(void)snprintf(conf.credential[0].name, sizeof(conf.credential[0].name), "east");
	(void)snprintf(conf.zone[0].fqdn, sizeof(conf.zone[0].fqdn), "sbc.example");
	conf.zone[0].client_certificate = CONF_CLIENT_REQUIRED;
	(void)snprintf(conf.listener[0].name, sizeof(conf.listener[0].name), "line");
	conf.listener[0].transport = CONF_TLS;
	(void)snprintf(conf.media[0].name, sizeof(conf.media[0].name), "inside");
	(void)snprintf(conf.tls.row[0].word, sizeof(conf.tls.row[0].word), "own");
}

static void
test_golden(void **state)
{
	static const struct {
		const char *name, *tls, *trunk, *want;
	} table[] = {
		{"all there", "{profile: own, authorities: [DigiCert, sectigo]}",
		 "zone: SBC.example, listener: line, media: inside, auth: east", ""},
		{"none named", "{}", "port: 5061", ""},
		{"built-in profile", "{profile: modern}", "port: 5061", ""},
		{"profile", "{profile: nix}", "port: 5061",
		 "2:5: account \"a\": node.yaml has no TLS profile \"nix\"; use carrier, modern, "
		 "or the name of one of its tls_profiles\n"},
		{"authority", "{authorities: [DigiCert, bogus]}", "port: 5061",
		 "2:5: account \"a\": tls.authorities: \"bogus\" is not known by name; use some of "
		 "DigiCert, GoDaddy, Let's Encrypt, IdenTrust, Comodo, GlobalSign, Amazon, "
		 "Entrust, Google, or name the file of its root under tls.ca\n"},
		{"zone", "{}", "zone: foo.example",
		 "4:15: trunk \"t\": node.yaml has no zone \"foo.example\"; add it there, or write "
		 "the fqdn of another one\n"},
		{"listener", "{}", "listener: nix",
		 "4:15: trunk \"t\": node.yaml has no listener \"nix\" with transport tls and side "
		 "customer; add it there, or name another one\n"},
		{"media", "{}", "media: nope",
		 "4:15: trunk \"t\": node.yaml has no media address \"nope\"; add it there, or "
		 "name another one\n"},
		{"credentials", "{}", "auth: west",
		 "4:15: trunk \"t\": node.yaml has no credentials \"west\"; add them there, or "
		 "name others\n"},
		{"identity", "{}", "identity: address, sources: [127.0.0.2]",
		 "4:15: trunk \"t\": identity address over TLS, but every zone that it may use "
		 "requires a client certificate; use identity: certificate, or a zone with "
		 "client_certificate: optional or none\n"},
		{"video beside DTLS", "{}", "security: required, keying: dtls, video: relay",
		 "w 4:15: trunk \"t\": with keying: dtls no video is relayed, it gets port 0; "
		 "leave "
		 "video out, or use keying: sdes\n"},
		{"video beside ICE", "{}", "ice: lite, video: relay",
		 "w 4:15: trunk \"t\": with ice: lite no video is relayed, it gets port 0; leave "
		 "video out, or use ice: no\n"},
		{"both without video", "{}", "security: required, keying: dtls, ice: lite", ""},
		{"zone before identity", "{}",
		 "identity: address, sources: [127.0.0.2], zone: x.example",
		 "4:15: trunk \"t\": node.yaml has no zone \"x.example\"; add it there, or write "
		 "the fqdn of another one\n"},
	};
	char text[512];

	(void)state;
	setup_conf();
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct roster r;

		(void)snprintf(text, sizeof(text),
			       "accounts:\n  - id: a\n    tls: %s\n"
			       "    trunks: [ {id: t, fqdn: pbx.example, %s}]\n",
			       table[i].tls, table[i].trunk);
		told_init(&told);
		roster_init(&r);
		if (accountsfile_parse(str_from(text), NULL, &told.rep, &r) != ERR_OK)
			fail_msg("%s: %s", table[i].name, buf_cstr(&told.b));
		refs_check(&r, &conf, "node.yaml", NULL, &told.rep);
		if (!str_eqz(buf_view(&told.b), table[i].want))
			fail_msg("%s: %s", table[i].name, buf_cstr(&told.b));
		roster_fini(&r);
	}
}

/* Self-signed with CA:TRUE, for a hundred years: as openssl req -x509 makes it. */
static const char by_name[] = "-----BEGIN CERTIFICATE-----\n"
			      "MIIBmjCCAUGgAwIBAgIUVZE/9u/21T6w0JOCWFeKt6/4b1YwCgYIKoZIzj0EAwIw\n"
			      "FjEUMBIGA1UEAwwLcGJ4LmV4YW1wbGUwIBcNMjQwMTAxMDAwMDAwWhgPMjEyMzEy\n"
			      "MDgwMDAwMDBaMBYxFDASBgNVBAMMC3BieC5leGFtcGxlMFkwEwYHKoZIzj0CAQYI\n"
			      "KoZIzj0DAQcDQgAEHeIcTdbksiHBZS9ZE2Qkm9l1mYTXiC9suyGF5f3UpgKPEeqZ\n"
			      "VNJ6Z+vgHc/ZcRzBSANeSwiND8ToZxtNy1OzRKNrMGkwHQYDVR0OBBYEFENHlK3E\n"
			      "zpQHca/AGY0H7enBo5vXMB8GA1UdIwQYMBaAFENHlK3EzpQHca/AGY0H7enBo5vX\n"
			      "MA8GA1UdEwEB/wQFMAMBAf8wFgYDVR0RBA8wDYILcGJ4LmV4YW1wbGUwCgYIKoZI\n"
			      "zj0EAwIDRwAwRAIgSVNGUisfUMdNJcVm8DHxFmWnP7z5TDlwMLVFVWsezUcCICD+\n"
			      "ZieTSLGGFM6g9T+UO2MlMkUhPWEQiipl9UqG/9mj\n"
			      "-----END CERTIFICATE-----\n";
static const char by_common_name[] =
	"-----BEGIN CERTIFICATE-----\n"
	"MIIBoTCCAUegAwIBAgIUP9FB1gm3zEy1XFuxeZw34rkevLIwCgYIKoZIzj0EAwIw\n"
	"JTENMAsGA1UECgwEQWNtZTEUMBIGA1UEAwwLcGJ4LmV4YW1wbGUwIBcNMjQwMTAx\n"
	"MDAwMDAwWhgPMjEyMzEyMDgwMDAwMDBaMCUxDTALBgNVBAoMBEFjbWUxFDASBgNV\n"
	"BAMMC3BieC5leGFtcGxlMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEhhcitvcz\n"
	"Ht1NbPzH7/b+7mTDUU65sBdhtZ2jp7Z2pExtgmdTSADxZsfeH++d4KDuKyPYQ7qU\n"
	"sDLdJPRa+bKXUqNTMFEwHQYDVR0OBBYEFG4+JdsLCaWNFUnBJNeuW7nbiUQTMB8G\n"
	"A1UdIwQYMBaAFG4+JdsLCaWNFUnBJNeuW7nbiUQTMA8GA1UdEwEB/wQFMAMBAf8w\n"
	"CgYIKoZIzj0EAwIDSAAwRQIhAMmwIUzPPmuS4DQnEFoXEM6Aze8XSxNkUCLOfHrl\n"
	"g4IVAiA9PlkWtsOQjS2zH9T+WAwU68IHLpukiWarA/9QdLD8XQ==\n"
	"-----END CERTIFICATE-----\n";
static const char authority[] = "-----BEGIN CERTIFICATE-----\n"
				"MIIBfzCCASWgAwIBAgIUEC6ClX3RPTMcOIClZLJDVCzP7kIwCgYIKoZIzj0EAwIw\n"
				"FDESMBAGA1UEAwwJQWNtZSBSb290MCAXDTI0MDEwMTAwMDAwMFoYDzIxMjMxMjA4\n"
				"MDAwMDAwWjAUMRIwEAYDVQQDDAlBY21lIFJvb3QwWTATBgcqhkjOPQIBBggqhkjO\n"
				"PQMBBwNCAAS1ONF5c9G50neB2TFX6lTeqKTPUdqnQ4FFk4TrFq0QMomQ4zOz42+N\n"
				"q3stQz4dYrEEBCJSW1NiAiTFXUyD7VRTo1MwUTAdBgNVHQ4EFgQUMkMIHxRX741v\n"
				"UyF9KSndTXAwqHwwHwYDVR0jBBgwFoAUMkMIHxRX741vUyF9KSndTXAwqHwwDwYD\n"
				"VR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiEA201NkFkY0sfQFlM+EWJk\n"
				"24kbsXqVgGasEVWvmcEchPwCIGyPVyCU1jHdlMrH/Jugo3fWN45ZyiUggEuspGY6\n"
				"3sGW\n"
				"-----END CERTIFICATE-----\n";

/* The equipment's own certificate as its account's authority: it will be refused. */
static void
test_own_issuer(void **state)
{
	static const char said[] =
		"w 2:5: account \"a\": tls.ca is a self-signed certificate of pbx.example itself: "
		"an "
		"authority for others, but the equipment is refused where it shows this very one; "
		"have its certificate issued by an authority, and name that one here\n";
	static const struct {
		const char *name, *pem, *host, *want;
	} table[] = {
		{"its name", by_name, "pbx.example", said},
		{"its common name", by_common_name, "PBX.example", said},
		{"an authority", authority, "pbx.example", ""},
		{"equipment of another name", by_name, "pbx2.example", ""},
	};
	char text[2048];

	(void)state;
	setup_conf();
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct roster r;

		(void)snprintf(text, sizeof(text),
			       "accounts:\n  - id: a\n    trunks: [ {id: t, fqdn: %s} ]\n",
			       table[i].host);
		told_init(&told);
		roster_init(&r);
		if (accountsfile_parse(str_from(text), NULL, &told.rep, &r) != ERR_OK)
			fail_msg("%s: %s", table[i].name, buf_cstr(&told.b));
		assert_int_equal(roster_text(&r, str_from(table[i].pem), &r.account[0].tls_ca),
				 ERR_OK);
		refs_check(&r, &conf, "node.yaml", NULL, &told.rep);
		if (!str_eqz(buf_view(&told.b), table[i].want))
			fail_msg("%s: %s", table[i].name, buf_cstr(&told.b));
		roster_fini(&r);
	}
}

/* A trunk that names no listener needs one of its transport and side all the same. */
static void
test_served(void **state)
{
	static const struct {
		const char *name, *text;
		bool used;        /* what runs has none */
		const char *want; /* what apply says; NULL: nothing, nor what runs */
	} table[] = {
		{"TLS customer", "accounts: [{id: a, trunks: [{id: t, fqdn: h.example}]}]\n", false,
		 NULL},
		{"UDP customer",
		 "accounts: [{id: a, trunks: [{id: t, fqdn: 192.0.2.1, transport: udp}]}]\n", false,
		 "w 1:29: trunk \"t\": node.yaml has no listener with transport udp and side "
		 "customer, so no call can use this trunk; add one there, or change its "
		 "transport\n"},
		{"TCP carrier", "carriers: [{id: t, host: 192.0.2.1, transport: tcp}]\n", false,
		 "w 1:12: trunk \"t\": node.yaml has no listener with transport tcp and side "
		 "carrier, so no call can use this trunk; add one there, or change its "
		 "transport\n"},
		{"switched off", "carriers: [{id: t, host: 192.0.2.1, enabled: no}]\n", false,
		 NULL},
		{"not in use yet", "accounts: [{id: a, trunks: [{id: t, fqdn: h.example}]}]\n",
		 true,
		 "w 1:29: trunk \"t\": the listener with transport tls and side customer stands in "
		 "node.yaml and is not in use yet: no call can use this trunk until postern is "
		 "restarted\n"},
	};
	static struct conf used;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		const char *want = table[i].want ? table[i].want : "";
		struct str bytes = STR_NULL;
		struct snapshot_view v;
		struct roster r;

		setup_conf();
		used = conf;
		if (table[i].used)
			used.n_listeners = 0;
		told_init(&told);
		roster_init(&r);
		if (accountsfile_parse(str_from(table[i].text), NULL, &told.rep, &r) != ERR_OK ||
		    snapshot_build(&r, &bytes) != ERR_OK)
			fail_msg("%s: %s", table[i].name, buf_cstr(&told.b));
		assert_int_equal(snapshot_open(bytes, &v), ERR_OK);
		refs_check(&r, &conf, "node.yaml", &used, &told.rep);
		if (!str_eqz(buf_view(&told.b), want))
			fail_msg("%s: %s", table[i].name, buf_cstr(&told.b));
		told_init(&told);
		refs_check_used(&v, &used, &told.rep);
		refs_check_change(&v, &used, &used, &told.rep);
		assert_int_equal(told.rep.n_errors, 0);
		assert_int_equal(told.rep.n_warnings, table[i].want ? 2 : 0);
		mem_free((void *)(uintptr_t)bytes.p);
		roster_fini(&r);
	}
}

/* A changed configuration under the accounts in use: what they name must still be there. */
static void
test_change(void **state)
{
	static const struct {
		const char *name, *account, *trunk;
		enum {
			DROP_ZONE,
			CLOSE_ZONE,
			DROP_LISTENER,
			TURN_LISTENER,
			DROP_MEDIA,
			DROP_PROFILE
		} how;
		const char *want;
	} table[] = {
		{"zone", "", ", zone: SBC.example", DROP_ZONE,
		 "1:1: trunk \"t\" in the store uses zone \"sbc.example\", which is no longer "
		 "here; "
		 "keep it, or change the trunk with postern apply first\n"},
		{"zone that nobody names", "", "", DROP_ZONE, ""},
		{"known by address", "", ", identity: address, sources: [127.0.0.2]", CLOSE_ZONE,
		 "7:3: trunk \"t\" in the store is known by its address alone, and every zone that "
		 "it may use requires a client certificate now; leave one optional or none, or "
		 "give the trunk identity: certificate with postern apply first\n"},
		{"known by certificate", "", "", CLOSE_ZONE, ""},
		{"listener", "", ", listener: line", DROP_LISTENER,
		 "1:1: trunk \"t\" in the store uses listener \"line\", which is no longer here; "
		 "keep it, or change the trunk with postern apply first\n"},
		{"listener of another transport", "", ", listener: line", TURN_LISTENER,
		 "1:1: trunk \"t\" in the store uses listener \"line\", which is no longer here; "
		 "keep it, or change the trunk with postern apply first\n"},
		{"was wrong before", "", ", listener: nix", DROP_LISTENER,
		 "w 1:1: trunk \"t\" in the store uses listener \"nix\", which is not here: "
		 "no call can use it; add it, or change the trunk with postern apply\n"},
		{"media", "", ", media: inside", DROP_MEDIA,
		 "1:1: trunk \"t\" in the store uses media address \"inside\", which is no longer "
		 "here; keep it, or change the trunk with postern apply first\n"},
		{"profile", "tls: {profile: own}, ", "", DROP_PROFILE,
		 "1:1: account \"a\" in the store uses TLS profile \"own\", which is no longer "
		 "here; keep it, or change the account with postern apply first\n"},
		{"built-in profile", "tls: {profile: modern}, ", "", DROP_PROFILE, ""},
	};
	static struct conf next;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct snapshot_view v;
		struct roster r;
		struct str bytes = STR_NULL;
		char text[512];

		setup_conf();
		conf.zone[0].client_certificate = CONF_CLIENT_OPTIONAL;
		conf.zone[0].line = 7;
		conf.zone[0].column = 3;
		next = conf;
		(void)snprintf(
			text, sizeof(text),
			"accounts:\n  - {id: a, %s trunks: [{id: t, fqdn: pbx.example%s}]}\n",
			table[i].account, table[i].trunk);
		told_init(&told);
		roster_init(&r);
		if (accountsfile_parse(str_from(text), NULL, &told.rep, &r) != ERR_OK ||
		    snapshot_build(&r, &bytes) != ERR_OK)
			fail_msg("%s: %s", table[i].name, buf_cstr(&told.b));
		assert_int_equal(snapshot_open(bytes, &v), ERR_OK);
		next.n_zones -= table[i].how == DROP_ZONE;
		next.n_listeners -= table[i].how == DROP_LISTENER;
		next.n_media -= table[i].how == DROP_MEDIA;
		next.tls.n -= table[i].how == DROP_PROFILE;
		if (table[i].how == CLOSE_ZONE)
			next.zone[0].client_certificate = CONF_CLIENT_REQUIRED;
		if (table[i].how == TURN_LISTENER)
			next.listener[0].transport = CONF_TCP;
		refs_check_change(&v, &conf, &next, &told.rep);
		if (!str_eqz(buf_view(&told.b), table[i].want))
			fail_msg("%s: %s", table[i].name, buf_cstr(&told.b));
		mem_free((void *)(uintptr_t)bytes.p);
		roster_fini(&r);
	}
}

/* What the file has and the running postern has not; each message says what brings it in. The same
 * roster as a snapshot: what postern itself says of it. */
static void
test_used(void **state)
{
	static const struct {
		const char *name, *account, *trunk, *apply, *used;
	} table[] = {
		{"all in use", "", "", "", ""},
		{"profile", "tls: {profile: own}, ", "",
		 "1:16: account \"a\": TLS profile \"own\" stands in node.yaml and is not in use "
		 "yet; reload postern first, then apply\n",
		 "w 1:1: account \"a\" in the store uses TLS profile \"own\", which is not in "
		 "use: no call can use it; where postern.yaml has it, restart postern (for a TLS "
		 "profile: reload), else change the account with postern apply\n"},
		{"zone", "", ", zone: sbc.example",
		 "T: trunk \"t\": zone \"sbc.example\" stands in node.yaml and is not in use yet; "
		 "restart postern first, then apply\n",
		 "w 1:1: trunk \"t\" in the store uses zone \"sbc.example\", which is not in "
		 "use: no call can use it; where postern.yaml has it, restart postern (for a TLS "
		 "profile: reload), else change the trunk with postern apply\n"},
		{"known by address", "", ", identity: address, sources: [127.0.0.2]",
		 "T: trunk \"t\": client_certificate of zone \"(any)\" stands in node.yaml and is "
		 "not in use yet; reload postern first, then apply\n",
		 "w 0:0: trunk \"t\" in the store is known by its address alone, and every "
		 "zone that it may use requires a client certificate: it cannot be used; make one "
		 "optional or none, or give the trunk identity: certificate with postern apply\n"},
		{"listener", "", ", listener: line",
		 "T: trunk \"t\": listener \"line\" stands in node.yaml and is not in use yet; "
		 "restart postern first, then apply\n",
		 "w 1:1: trunk \"t\" in the store uses listener \"line\", which is not in "
		 "use: no call can use it; where postern.yaml has it, restart postern (for a TLS "
		 "profile: reload), else change the trunk with postern apply\n"},
		{"media", "", ", media: inside",
		 "T: trunk \"t\": media address \"inside\" stands in node.yaml and is not in use "
		 "yet; restart postern first, then apply\n",
		 "w 1:1: trunk \"t\" in the store uses media address \"inside\", which is not "
		 "in use: no call can use it; where postern.yaml has it, restart postern (for a "
		 "TLS profile: reload), else change the trunk with postern apply\n"},
	};
	static struct conf used;

	(void)state;
	memset(&used, 0, sizeof(used));
	setup_conf();
	used.n_listeners = 1;
	used.listener[0].transport = CONF_TLS;
	conf.zone[0].client_certificate = CONF_CLIENT_OPTIONAL;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct snapshot_view v;
		struct roster r;
		struct str bytes = STR_NULL, got;
		char text[512];

		(void)snprintf(text, sizeof(text),
			       "accounts: [{id: a, %strunks: [{id: t, fqdn: pbx.example%s}]}]\n",
			       table[i].account, table[i].trunk);
		told_init(&told);
		roster_init(&r);
		if (accountsfile_parse(str_from(text), NULL, &told.rep, &r) != ERR_OK ||
		    snapshot_build(&r, &bytes) != ERR_OK)
			fail_msg("%s: %s", table[i].name, buf_cstr(&told.b));
		assert_int_equal(snapshot_open(bytes, &v), ERR_OK);
		refs_check(&r, &conf, "node.yaml", &used, &told.rep);
		got = str_from_at(buf_view(&told.b), str_find(buf_view(&told.b), STR(": ")));
		if (!str_eqz(got, strchr(table[i].apply, ':') ? strstr(table[i].apply, ": ") : ""))
			fail_msg("%s, apply: %s", table[i].name, buf_cstr(&told.b));
		refs_check(&r, &conf, "node.yaml", &conf, &told.rep); /* all in use: nothing more */
		told_init(&told);
		refs_check_used(&v, &used, &told.rep);
		if (!str_eqz(buf_view(&told.b), table[i].used))
			fail_msg("%s, used: %s", table[i].name, buf_cstr(&told.b));
		told_init(&told);
		refs_check_used(&v, &conf, &told.rep);
		assert_int_equal(told.rep.n_warnings + told.rep.n_errors, 0);
		mem_free((void *)(uintptr_t)bytes.p);
		roster_fini(&r);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden), cmocka_unit_test(test_own_issuer),
		cmocka_unit_test(test_served), cmocka_unit_test(test_change),
		cmocka_unit_test(test_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
