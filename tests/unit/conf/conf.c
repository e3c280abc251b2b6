#include "told.h"

#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "conf/conf.h"
#include "conf/check.h"
#include "conf/load.h"
#include "base/mem.h"

static struct told told;
static struct conf conf;

/* A good configuration in parts, so that a row can replace one. */
static const char good_zones[] = "zones:\n"
				 "  - fqdn: sip.example.com\n"
				 "    certificate: z.pem\n"
				 "    key: z.key\n"
				 "    trust: [ca.pem, system]\n";
static const char good_listeners[] =
	"listeners:\n"
	"  - {name: c, transport: tls, bind: \"192.0.2.1:5061\", side: customer}\n"
	"  - {name: g, transport: udp, bind: \"192.0.2.1:5060\", side: carrier}\n";
static const char good_media[] = "media:\n"
				 "  addresses:\n"
				 "    - {name: out, bind: 192.0.2.1, advertised: 203.0.113.1}\n"
				 "    - {name: in, bind: 10.0.0.1}\n"
				 "  ports: 10000-10999\n";

static void
test_good(void **state)
{
	static const char more[] = "node: {id: 7, name: sbc1, run_dir: run, user: postern}\n"
				   "log: {level: debug}\n"
				   "limits: {calls: 250, attempts: 50}\n"
				   "numbers: {country: \"44\", emergency: [\"999\", \"112\"],"
				   " access: [\"9\"], premium: [\"+4490\"],"
				   " home: [CA, \"868\"]}\n"
				   "timers: {t1: 250ms, t2: 2 s, media: 5m}\n"
				   "dns: [192.0.2.53, \"[2001:db8::53]:5353\"]\n"
				   "stop_timeout: 1500ms\n"
				   "store: /var/x.db\n"
				   "cdr: y.jsonl\n";
	static char text[4096];
	const struct conf *blob;
	struct media_plan plan;
	struct buf b;

	(void)state;
	buf_init(&b, text, sizeof(text));
	buf_printf(&b, "%s%s%s%s", more, good_zones, good_listeners, good_media);
	told_init(&told);
	assert_int_equal(conf_parse(buf_view(&b), "/etc/p", &told.rep, &conf), ERR_OK);
	assert_string_equal(buf_cstr(&told.b), "");
	assert_int_equal(conf.node_id, 7);
	assert_string_equal(conf.node_name, "sbc1");
	assert_string_equal(conf.run_dir, "/etc/p/run");
	assert_string_equal(conf.control, "/etc/p/run/control");
	assert_string_equal(conf.user, "postern");
	assert_int_equal(conf.log_level, LOG_DEBUG);
	assert_int_equal(conf.max_calls, 250);
	assert_int_equal(conf.max_attempts, 50);
	assert_string_equal(conf.numbers.country, "44");
	assert_int_equal(conf.numbers.n_emergency, 2);
	assert_string_equal(conf.numbers.emergency[0], "999");
	assert_int_equal(conf.numbers.n_access, 1);
	assert_string_equal(conf.numbers.access[0], "9");
	assert_string_equal(conf.numbers.premium[0], "+4490");
	assert_int_equal(conf.numbers.n_home, 2);
	assert_string_equal(conf.numbers.home[1], "868");
	assert_int_equal(conf.timers.t1, 250);
	assert_int_equal(conf.timers.t2, 2000);
	assert_int_equal(conf.timers.t4, 5000);
	assert_int_equal(conf.timers.media, 300000);
	assert_int_equal(conf.stop_timeout, 1500);
	assert_int_equal(conf.n_dns, 2);
	assert_int_equal(conf.dns[1].port, 5353);
	assert_string_equal(conf.store, "/var/x.db");
	assert_string_equal(conf.cdr, "/etc/p/y.jsonl");
	assert_int_equal(conf.n_zones, 1);
	assert_string_equal(conf.zone[0].key, "/etc/p/z.key");
	assert_string_equal(conf.zone[0].trust[0], "/etc/p/ca.pem");
	assert_int_equal(conf.zone[0].n_trust, 1);
	assert_true(conf.zone[0].trust_system);
	assert_int_equal(conf.zone[0].tls.profile, TLS_PROFILE_CARRIER);
	assert_int_equal(conf.zone[0].client_certificate, CONF_CLIENT_REQUIRED);
	assert_int_equal(conf.n_listeners, 2);
	assert_int_equal(conf.listener[0].zone, 0);
	assert_int_equal(conf.listener[1].zone, CONF_NO_ZONE);
	assert_true(addr_eq(&conf.listener[0].advertised, &conf.listener[0].bind));
	assert_int_equal(conf.media_customer, 0);
	assert_int_equal(conf.media_carrier, 1);
	assert_int_equal(conf_calls_fit(&conf), 492);
	assert_int_equal(conf_media_index(&conf, STR("in")), 1);
	conf_media_plan(&conf, &plan);
	assert_int_equal(plan.n_addrs, 2);
	assert_int_equal(media_slots(&plan), 1000);
	assert_int_equal(conf_open(str_of(&conf, sizeof(conf)), &blob), ERR_OK);
	assert_int_equal(conf_open(str_of(&conf, sizeof(conf) - 8), &blob), ERR_VERSION);
	conf.layout++;
	assert_int_equal(conf_open(str_of(&conf, sizeof(conf)), &blob), ERR_VERSION);
}

static void
test_default(void **state)
{
	(void)state;
	told_init(&told);
	assert_int_equal(conf_parse(conf_default_text(), "", &told.rep, &conf), ERR_OK);
	assert_string_equal(conf.run_dir, ".");
	assert_string_equal(conf.store, "postern.db");
	told_init(&told);
	assert_int_equal(conf_parse(conf_default_text(), "/run/x", &told.rep, &conf), ERR_OK);
	assert_string_equal(conf.run_dir, "/run/x");
	assert_string_equal(conf.store, "/run/x/postern.db");
	assert_string_equal(conf.zone[0].certificate, "/run/x/zone.pem");
	assert_int_equal(conf.numbers.n_emergency, 0); /* 911, 112, 933 need no word */
	assert_int_equal(conf.numbers.n_access, 4);
	assert_string_equal(conf.numbers.home[0], "US");
	assert_int_equal(conf.media_customer, conf.media_carrier);
}

static void
test_workers(void **state)
{
	static const struct {
		const char *media;
		int kind, workers; /* workers 0: one a processor */
	} table[] = {{"io: steer", IO_STEER, 0},
		     {"io: steer, workers: 3", IO_STEER, 3},
		     {"io: xdp", IO_XDP, 1},
		     {"io: xdp, workers: 3", IO_XDP, 3}};
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		char text[256];
		int want = table[i].workers;

		(void)snprintf(
			text, sizeof(text),
			"listeners:\n  - {name: g, transport: udp, bind: \"127.0.0.1:5060\", "
			"side: carrier}\nmedia: {addresses: [{name: a, bind: 127.0.0.1}], %s}\n",
			table[i].media);
		told_init(&told);
		if (conf_parse(str_from(text), "", &told.rep, &conf) != ERR_OK)
			fail_msg("%s: %s", table[i].media, buf_cstr(&told.b));
		if (want == 0)
			want = n > MEDIA_WORKERS_MAX ? MEDIA_WORKERS_MAX : (int)n;
		assert_int_equal(conf.media_io, IO_WANT_FIRST + table[i].kind);
		assert_int_equal(conf.media_workers, want);
	}
}

/* The example of conf/ is what the manual shows: it must be right. */
static void
test_example(void **state)
{
	(void)state;
	told_init(&told);
	if (conf_load(VECTORS "/../../conf/postern.yaml", &told.rep, &conf) != ERR_OK)
		fail_msg("%s", buf_cstr(&told.b));
	assert_int_equal(told.rep.n_warnings, 0);
}

/* Each row: a whole file; all that must be said of it, in this order. */
static const struct {
	const char *name, *head; /* head: stands before the good parts that are not replaced */
	bool zones, listeners, media;
	const char *want;
} golden[] = {
	{"unknown word", "stor: x\n", 1, 1, 1,
	 "1:1: unknown word \"stor\" in the configuration; did you mean \"store\"?\n"},
	{"unknown, nothing near", "quux: x\n", 1, 1, 1,
	 "1:1: unknown word \"quux\" in the configuration; postern.yaml(5) and postern-accounts(5) "
	 "list what there is\n"},
	{"several at once", "node: {id: 300, nam: x}\nlog: {level: verbose}\nlimits: {calls: 0}\n",
	 1, 1, 1,
	 "1:17: unknown word \"nam\" in node; did you mean \"name\"?\n"
	 "1:12: id: \"300\" is outside 0 to 255; a number, 0 to 255\n"
	 "2:14: level: \"verbose\" is not known; use one of: error warn info debug\n"
	 "3:17: calls: \"0\" is outside 1 to 100000; concurrent calls, 1 to 100000\n"},
	{"near word of a list", "log: {level: inof}\n", 1, 1, 1,
	 "1:14: level: \"inof\" is not known; did you mean \"info\"? use one of: error warn info "
	 "debug\n"},
	{"time without a unit", "stop_timeout: 5\n", 1, 1, 1,
	 "1:15: stop_timeout: \"5\" is not a time with its unit; a time such as 5s, at most 10m\n"},
	{"map for a text", "store: {a: b}\n", 1, 1, 1,
	 "1:8: store: a map stands here; the file of accounts\n"},
	{"text for a map", "node: x\n", 1, 1, 1,
	 "1:7: node: a text stands here; write \"word: value\" lines\n"},
	{"a list as root", "- a\n", 0, 0, 0,
	 "1:1: the configuration: a list stands here; write \"word: value\" lines\n"},
	{"emergency", "numbers: {country: USA, emergency: [911, 91x]}\n", 1, 1, 1,
	 "1:20: country: \"USA\" is not a country code; write its digits, such as \"44\"\n"
	 "1:42: emergency: \"91x\" is not a short number; write 2 to 7 digits\n"},
	{"access, premium, home",
	 "numbers: {access: [\"9\", 9+], premium: [\"4490\"], home: [US, XX, [a]]}\n", 1, 1, 1,
	 "1:60: home: \"XX\" is not a country with area codes, such as US or CA, or an area code "
	 "in "
	 "quotes\n"
	 "1:64: home: \"\" is not a country with area codes, such as US or CA, or an area code in "
	 "quotes\n"
	 "1:25: access: \"9+\" is not access digits; write up to 5 digits, the first may be '+'\n"
	 "1:40: premium: \"4490\" is not the beginning of numbers; write '+', country code and up "
	 "to "
	 "14 digits in all\n"},
	{"a text for a list of numbers", "numbers: {access: \"9\"}\n", 1, 1, 1,
	 "1:19: access: a text stands here; write a list, such as [..]\n"},
	{"the other file", "accounts:\n  - id: a\n", 0, 0, 0,
	 "1:1: this is a file of accounts, no configuration; put it in use with postern apply -c "
	 "CONF FILE, where CONF is the configuration, such as /etc/postern/postern.yaml\n"},
	{"zone without anything", "zones:\n  - fqdn: a_b!\n", 0, 1, 1,
	 "2:11: fqdn: \"a_b!\" is neither a host name nor an address; the name that customers find "
	 "us "
	 "under\n"
	 "2:5: zone: \"certificate\" is missing; a PEM file: our certificate, then its issuers\n"
	 "2:5: zone: \"key\" is missing; a PEM file: the private key of the certificate\n"},
	{"listener",
	 "listeners:\n"
	 "  - {name: a, transport: sctp, bind: \"192.0.2.1\", side: carrier}\n"
	 "  - {name: b, transport: udp, bind: 192.0.2.1:5060, side: left, zone: sip.example.com}\n"
	 "  - {name: b, transport: tls, bind: \"192.0.2.1:5061\", side: customer, zone: "
	 "other.example}\n",
	 1, 0, 1,
	 "2:26: transport: \"sctp\" is not known; did you mean \"tcp\"? use one of: tls udp tcp\n"
	 "2:38: bind: \"192.0.2.1\" has no port; an address with a port, such as 192.0.2.1:5061\n"
	 "3:59: side: \"left\" is not known; use one of: customer carrier\n"
	 "3:65: zone: only listeners with transport tls have one; remove it\n"
	 "4:77: zone: there is no zone \"other.example\"; write the fqdn of one of zones\n"
	 "4:5: listener \"b\" stands twice; give each its own name\n"},
	{"no zone for tls", "zones: []\n", 0, 1, 1,
	 "3:5: listener: transport tls needs a zone; add one to zones\n"},
	{"no listener", "listeners: []\n", 1, 0, 1,
	 "1:12: listeners: there is none; give at least one for customers and one for carriers\n"},
	{"no media", "dns: []\n", 1, 1, 0,
	 "0:0: \"media\" is missing; give at least one address: media: {addresses: [{name: a, "
	 "bind: "
	 "192.0.2.1}]}\n"},
	{"media",
	 "media:\n"
	 "  addresses:\n"
	 "    - {name: a, bind: 192.0.2.256}\n"
	 "    - {name: b, bind: 192.0.2.1}\n"
	 "    - {name: b, bind: 192.0.2.1}\n"
	 "  ports: 10001-10999\n"
	 "  carrier: c\n",
	 1, 1, 0,
	 "3:23: bind: \"192.0.2.256\" is not an IP address; an address of this machine\n"
	 "5:7: media address \"b\" stands twice; give each its own name\n"
	 "5:7: media address \"b\" binds what \"b\" binds; one address serves both sides under one "
	 "name\n"
	 "6:10: ports: \"10001-10999\" is not a range of ports; write two numbers from 1024 to "
	 "65535, "
	 "the first one even, such as 20000-29999\n"
	 "7:12: carrier: there is no media address \"c\"; write the name of one of addresses\n"},
	{"dns", "dns: [one.one.one.one]\n", 1, 1, 1,
	 "1:7: dns: \"one.one.one.one\" is not an IP address; write the address of a DNS server\n"},
	{"control bytes", "cdr: \"a\\nb\"\n", 1, 1, 1,
	 "1:6: cdr: \"a\nb\" holds control characters; the file that call records are added to\n"},
	{"duplicate key", "store: a\nstore: b\n", 1, 1, 1,
	 "2:1: \"store\" stands twice, first in line 1; keep one of them\n"},
};

static void
test_golden(void **state)
{
	static char text[4096];
	int bad = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(golden); i++) {
		struct buf b;
		enum err e;

		buf_init(&b, text, sizeof(text));
		buf_printf(&b, "%s%s%s%s", golden[i].head, golden[i].zones ? good_zones : "",
			   golden[i].listeners ? good_listeners : "",
			   golden[i].media ? good_media : "");
		told_init(&told);
		e = conf_parse(buf_view(&b), "", &told.rep, &conf);
		if (e == ERR_NOMEM)
			fail_msg("%s", err_text(e));
		if (e != ERR_CONFIG || strcmp(buf_cstr(&told.b), golden[i].want) != 0) {
			print_message("# %s: %s\n%s# wanted\n%s", golden[i].name, err_name(e),
				      buf_cstr(&told.b), golden[i].want);
			bad++;
		}
	}
	assert_int_equal(bad, 0);
}

/* What conf_check sees without files: no zones, so no certificates. */
static void
test_check(void **state)
{
	static const struct {
		const char *name, *listeners, *media, *want;
		enum err e;
	} table[] = {
		{"fine",
		 "  - {name: g, transport: udp, bind: \"10.0.0.1:5060\", side: carrier}\n"
		 "  - {name: c, transport: tcp, bind: \"127.0.0.1:5061\", advertised: "
		 "\"192.0.2.1:5061\", side: customer}\n",
		 "{addresses: [{name: a, bind: 192.0.2.1}, {name: b, bind: 10.0.0.1}], ports: "
		 "2000-2999}\n",
		 "", ERR_OK},
		{"no carrier side",
		 "  - {name: g, transport: tcp, bind: \"10.0.0.1:5060\", side: customer}\n",
		 "{addresses: [{name: a, bind: 10.0.0.1}], ports: 2000-2999}\n",
		 "w 3:5: listeners: none has side carrier, so no call can be carried; add one for "
		 "the trunks of carriers\n",
		 ERR_OK},
		{"no customer side",
		 "  - {name: g, transport: udp, bind: \"10.0.0.1:5060\", side: carrier}\n",
		 "{addresses: [{name: a, bind: 10.0.0.1}], ports: 2000-2999}\n",
		 "w 3:5: listeners: none has side customer, so no call can be carried;", ERR_OK},
		{"taken",
		 "  - {name: g, transport: udp, bind: \"10.0.0.1:5060\", side: carrier}\n"
		 "  - {name: h, transport: udp, bind: \"0.0.0.0:5060\", advertised: "
		 "\"10.0.0.1:5060\", "
		 "side: carrier}\n"
		 "  - {name: i, transport: tcp, bind: \"10.0.0.1:5060\", side: carrier}\n",
		 "{addresses: [{name: a, bind: 192.0.2.1}], ports: 2000-2999}\n",
		 "4:5: listener h: 0.0.0.0:5060 is taken by listener g", ERR_CONFIG},
		{"any advertised",
		 "  - {name: g, transport: udp, bind: \"0.0.0.0:5060\", side: carrier}\n",
		 "{addresses: [{name: a, bind: 192.0.2.1}], ports: 2000-2999}\n",
		 "3:5: listener g: nobody can send to 0.0.0.0:5060", ERR_CONFIG},
		{"in the media ports",
		 "  - {name: g, transport: udp, bind: \"192.0.2.1:2060\", side: carrier}\n",
		 "{addresses: [{name: a, bind: 192.0.2.1}], ports: 2000-2999}\n",
		 "3:5: listener g: port 2060 lies in the media ports 2000-2999 of a", ERR_CONFIG},
		{"private to customers",
		 "  - {name: g, transport: tcp, bind: \"10.0.0.1:5060\", side: customer}\n",
		 "{addresses: [{name: a, bind: 10.0.0.1}], ports: 2000-2999}\n",
		 "w 3:5: listener g: customers are shown the private address 10.0.0.1:5060",
		 ERR_OK},
		{"private media to customers",
		 "  - {name: g, transport: udp, bind: \"10.0.0.1:5060\", side: carrier}\n",
		 "{addresses: [{name: a, bind: 10.0.0.1}], ports: 2000-2999}\n",
		 "w 4:21: media address a: customers are shown the private address", ERR_OK},
		{"media on any",
		 "  - {name: g, transport: udp, bind: \"10.0.0.1:5060\", side: carrier}\n",
		 "{addresses: [{name: a, bind: 0.0.0.0, advertised: 192.0.2.1}], ports: "
		 "2000-2999}\n",
		 "4:21: media address a: calls are told apart by their address", ERR_CONFIG},
		{"too few ports",
		 "  - {name: g, transport: udp, bind: \"10.0.0.1:5060\", side: carrier}\n",
		 "{addresses: [{name: a, bind: 192.0.2.1}], ports: 2000-2019}\n",
		 "w 4:57: ports: 2000-2019 carry 4 calls, but limits.calls is 100", ERR_OK},
		{"ephemeral ports",
		 "  - {name: g, transport: udp, bind: \"10.0.0.1:5060\", side: carrier}\n",
		 "{addresses: [{name: a, bind: 192.0.2.1}], ports: 1024-65535}\n",
		 "overlap what the system gives to any program", ERR_OK},
	};
	static char text[4096];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct buf b;
		enum err e;

		buf_init(&b, text, sizeof(text));
		buf_printf(&b, "limits: {calls: 100}\nlisteners:\n%smedia: %s", table[i].listeners,
			   table[i].media);
		told_init(&told);
		e = conf_parse(buf_view(&b), "", &told.rep, &conf);
		if (e != ERR_OK)
			fail_msg("%s: %s %s", table[i].name, err_name(e), buf_cstr(&told.b));
		e = conf_check(&conf, &told.rep);
		if (table[i].want[0] ? !strstr(buf_cstr(&told.b), table[i].want) : told.b.len)
			fail_msg("%s: %s: %s", table[i].name, err_name(e), buf_cstr(&told.b));
		if (e != table[i].e)
			fail_msg("%s: %s: %s", table[i].name, err_name(e), buf_cstr(&told.b));
	}
}

/* What this machine has not: 203.0.113.0/24 is nobody's, 127.0.0.1 is everybody's. */
static void
test_check_machine(void **state)
{
	static const struct {
		const char *name, *run_dir, *listener, *media, *want; /* want: all of it */
		const char *store, *cdr;                              /* NULL: in /tmp */
	} table[] = {
		{"fine", "/tmp/p", "127.0.0.1:5060", "127.0.0.1", "", NULL, NULL},
		{"any", "/tmp/p", "0.0.0.0:5060", "127.0.0.1", "", NULL, NULL},
		{"there already", "/tmp/", "127.0.0.1:5060", "127.0.0.1", "", NULL, NULL},
		{"in the root", "/p", "127.0.0.1:5060", "127.0.0.1", "", NULL, NULL},
		{"listener", "/tmp/p", "203.0.113.9:5060", "127.0.0.1",
		 "w 3:5: listener g: no interface has 203.0.113.9 now; bind an address of this "
		 "machine (ip addr shows them)\n",
		 NULL, NULL},
		{"media", "/tmp/p", "127.0.0.1:5060", "203.0.113.8",
		 "w 4:21: media address a: no interface has 203.0.113.8 now; bind an address of "
		 "this machine (ip addr shows them)\n",
		 NULL, NULL},
		{"no parent", "/tmp/postern-is-not-here/run/", "127.0.0.1:5060", "127.0.0.1",
		 "w 0:0: node: run_dir: /tmp/postern-is-not-here/run/ cannot be made: there is no "
		 "folder /tmp/postern-is-not-here; make it, or name another\n",
		 NULL, NULL},
		{"no place for the store and the CDRs", "/tmp/p", "127.0.0.1:5060", "127.0.0.1",
		 "w 0:0: store: /tmp/postern-is-not-here/db cannot be made: there is no folder "
		 "/tmp/postern-is-not-here; make it, or name another\n"
		 "w 0:0: cdr: /dev/null/cdr cannot be made: there is no folder /dev/null; make it, "
		 "or name another\n",
		 "/tmp/postern-is-not-here/db", "/dev/null/cdr"},
	};
	static char text[4096];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct io_chosen io;
		struct buf b;

		buf_init(&b, text, sizeof(text));
		buf_printf(&b,
			   "node: {run_dir: %s}\nlisteners:\n"
			   "  - {name: g, transport: udp, bind: \"%s\", side: carrier}\n"
			   "media: {addresses: [{name: a, bind: %s}], io: sockets, ports: "
			   "20000-20099}\nstore: %s\ncdr: %s\n",
			   table[i].run_dir, table[i].listener, table[i].media,
			   table[i].store ? table[i].store : "/tmp/p.db",
			   table[i].cdr ? table[i].cdr : "/tmp/p.cdr");
		told_init(&told);
		if (conf_parse(buf_view(&b), "", &told.rep, &conf) != ERR_OK)
			fail_msg("%s: %s", table[i].name, buf_cstr(&told.b));
		conf_check_machine(&conf, &told.rep, &io);
		if (strcmp(buf_cstr(&told.b), table[i].want) != 0)
			fail_msg("%s: %s", table[i].name, buf_cstr(&told.b));
		assert_int_equal(io.kind, IO_SOCKETS);
	}
}

/* A file that is missing is told where it is named. */
static void
test_files_at(void **state)
{
	static const char text[] =
		"node: {run_dir: /tmp/p}\n"
		"zones:\n"
		"  - fqdn: sbc.example\n"
		"    certificate: /nowhere/c.pem\n"
		"    key: /nowhere/c.key\n"
		"    trust: [/nowhere/t.pem]\n"
		"    crls:\n"
		"      - /nowhere/l.crl\n"
		"listeners:\n"
		"  - {name: g, transport: udp, bind: \"127.0.0.1:5060\", side: carrier}\n"
		"media: {addresses: [{name: a, bind: 127.0.0.1}], ports: 20000-20999}\n"
		"store: /tmp/p.db\ncdr: /tmp/p.cdr\n";
	static const char *const want[] = {
		"\n4:18: zone sbc.example: the certificate \"/nowhere/c.pem\" cannot be read: No "
		"such",
		"\n5:10: zone sbc.example: the key \"/nowhere/c.key\" cannot",
		"\n6:13: zone sbc.example: the trust file \"/nowhere/t.pem\" cannot",
		"\n8:9: zone sbc.example: the revocation list \"/nowhere/l.crl\" cannot"};

	(void)state;
	told_init(&told);
	buf_char(&told.b, '\n');
	assert_int_equal(conf_parse(str_from(text), "", &told.rep, &conf), ERR_OK);
	assert_int_equal(conf_check(&conf, &told.rep), ERR_CONFIG);
	for (size_t i = 0; i < ARRAY_LEN(want); i++)
		if (!strstr(buf_cstr(&told.b), want[i]))
			fail_msg("no %s in: %s", want[i] + 1, buf_cstr(&told.b));
}

/* 1000 ports on each of two addresses are 2000 sockets; 8 pairs of each are kept for emergency
 * calls. */
static void
test_check_files(void **state)
{
	static const struct {
		const char *name;
		rlim_t files;
		uint32_t calls;
		const char *want;
	} table[] = {
		{"enough", 2512, 492, ""},
		{"half", 1512, 246,
		 "w 4:98: ports: 2000 sockets are needed, but a process here may have 1000 for "
		 "them, which carry 246 calls; raise LimitNOFILE (ulimit -n), or take at most 500 "
		 "ports\n"},
		{"none", 500, 0,
		 "w 4:98: ports: 2000 sockets are needed, but a process here may have 0 for them, "
		 "which carry 0 calls; raise LimitNOFILE (ulimit -n), or take at most 0 ports\n"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct rlimit rl = {table[i].files, table[i].files};
		struct io_chosen io;

		told_init(&told);
		assert_int_equal(
			conf_parse(
				STR("node: {run_dir: /tmp/p}\nlisteners:\n"
				    "  - {name: g, transport: udp, bind: \"127.0.0.1:5060\", "
				    "side: carrier}\nmedia: {addresses: [{name: a, bind: "
				    "127.0.0.1}, {name: b, bind: 127.0.0.2}], io: sockets, ports: "
				    "20000-20999}\nstore: /tmp/p.db\ncdr: /tmp/p.cdr\n"),
				"", &told.rep, &conf),
			ERR_OK);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &rl), 0);
		conf_check_machine(&conf, &told.rep, &io);
		if (strcmp(buf_cstr(&told.b), table[i].want) != 0)
			fail_msg("%s: %s", table[i].name, buf_cstr(&told.b));
		if (conf_calls_by_files(&conf) != table[i].calls)
			fail_msg("%s: %u", table[i].name, conf_calls_by_files(&conf));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),          cmocka_unit_test(test_default),
		cmocka_unit_test(test_workers),       cmocka_unit_test(test_example),
		cmocka_unit_test(test_golden),        cmocka_unit_test(test_check),
		cmocka_unit_test(test_check_machine), cmocka_unit_test(test_files_at),
		cmocka_unit_test(test_check_files), /* last: it lowers a limit for good */
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
